/* SPDX-License-Identifier: MIT
 * A boot sector for tight_loop.py: COUNT rounds of four register instructions in 32-bit protected
 * mode, then "@@DONE" on port E9h and the first serial port.
 */
    .code16
    .intel_syntax noprefix
    .global _start
_start:
    cli
    xor ax, ax
    mov ds, ax
    lgdt [table]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    .byte 0xEA                      /* jmp 8:wide */
    .word wide, 8
    .code32
wide:
    mov ax, 16
    mov ds, ax
    mov ss, ax
    mov esp, 0x7C00
    mov ecx, COUNT
    jmp 1f
    .balign 16
1:  add eax, ebx
    xor edx, eax
    dec ecx
    jnz 1b
    mov esi, offset text
2:  lodsb
    test al, al
    jz 4f
    out 0xE9, al
    mov ah, al
    mov dx, 0x3FD
3:  in al, dx
    test al, 0x20
    jz 3b
    mov al, ah
    mov dx, 0x3F8
    out dx, al
    jmp 2b
4:  hlt
    jmp 4b

    .balign 8
gdt:
    .quad 0, 0x00CF9B000000FFFF, 0x00CF93000000FFFF
table:
    .word . - gdt - 1
    .long gdt
text:
    .asciz "@@DONE\r\n"
    .org 510
    .word 0xAA55
