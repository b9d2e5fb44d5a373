/* SPDX-License-Identifier: MIT
 * A boot sector that keeps the screen busy, for display.py: with -DTEXT it scrolls 80x25 text, with
 * -DPACKED it fills 320x200x256 again and again, without either the screen is idle and the
 * processor counts.
 */
    .code16
    .intel_syntax noprefix
    .global _start
_start:
    cld
    xor bx, bx
#ifdef PACKED
    mov ax, 0x0013
    int 0x10
    mov ax, 0xA000
    mov ds, ax
    mov es, ax
1:  inc bl
    mov al, bl
    mov ah, bl
    xor di, di
    mov dx, 200
2:  mov cx, 160
    rep stosw
    inc al
    dec ah
    dec dx
    jnz 2b
    jmp 1b
#elif defined TEXT
    mov ax, 0x0003
    int 0x10
    mov ax, 0xB800
    mov ds, ax
    mov es, ax
1:  mov si, 160
    xor di, di
    mov cx, 80 * 24
    rep movsw
    mov cx, 80
    mov ah, 0x17
2:  mov al, bl
    stosw
    inc bx
    loop 2b
    jmp 1b
#else
1:  inc bx
    jmp 1b
#endif
    .org 510
    .word 0xAA55
