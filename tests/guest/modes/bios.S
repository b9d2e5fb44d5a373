/* SPDX-License-Identifier: MIT
 * A floppy that calls the video BIOS: for each call of the table a line on COM1 with the registers
 * before and after, then sums of what can be seen: the buffer at ES:DI, the BIOS's data, video
 * memory, and the registers of sequencer, CRTC, graphics and attribute controller and DAC. "end" is
 * the last line. test_modes.py reads it.
 *
 *   4F02 0101 0000 0000 > 004F 0101 0000 0000 0000:0000 buf 0000 bda 1234 mem ... dac ABCD
 *
 *   gcc -m16 -c bios.S && ld -m elf_i386 -Ttext 0x7c00 --oformat binary -o bios.img bios.o
 *
 * Ralf Brown's Interrupt List, INT 10h; VESA BIOS Extension 3.0 (1998).
 */
    .code16
    .intel_syntax noprefix
    .global _start
    .set COM, 0x3F8
    .set SECTORS, 16
    .set BUFFER, 0x2000                 # for the BIOS to fill, 4 KiB

    .text
_start:
    ljmp 0, offset begin
begin:
    xor ax, ax
    mov ds, ax
    mov ss, ax
    mov sp, 0x7C00
    mov [drive], dl
    cld
    mov si, 1
    mov bx, 0x7E00
load:
    mov ax, si
    xor dx, dx
    mov cx, 18
    div cx
    mov cl, dl
    inc cl
    mov dh, al
    and dh, 1
    shr ax, 1
    mov ch, al
    mov dl, [drive]
    mov es, [zero]
    mov ax, 0x0201
    int 0x13
    jc load
    add bx, 512
    inc si
    cmp si, SECTORS
    jbe load
    jmp main
drive: .byte 0
zero:  .word 0
    .org 510
    .word 0xAA55

main:
    mov dx, COM + 3                     # 115200 baud, 8 data bits, no parity
    mov al, 0x83
    out dx, al
    mov dx, COM
    mov ax, 1
    out dx, ax
    mov dx, COM + 3
    mov al, 3
    out dx, al
    mov word ptr [at], offset calls
next:
    mov bp, [at]
    cmp word ptr [bp], 0xFFFF
    je done
    call one
    add word ptr [at], 8
    jmp next
done:
    mov si, offset end_text
    call say
halt:
    hlt
    jmp halt
end_text: .asciz "end\n"

one:                                    # the call at BP: AX BX CX DX
    cmp byte ptr [bp + 1], 0x20         # AH = 20h is ours: fill the buffer with a font
    je fill_font
    mov si, bp
    mov cx, 4
1:  lodsw
    call word_
    loop 1b
    cmp word ptr [bp], 0x4F01           # what is kept from call to call: a state that was saved
    je 2f
    cmp word ptr [bp], 0x4F00
    jne 3f
2:  mov es, [zero]
    mov di, BUFFER
    mov cx, 1024
    xor ax, ax
    rep stosw
    mov dword ptr [BUFFER], 0x32454256  # "VBE2"
3:  mov ax, [bp]
    mov cx, [bp + 4]
    mov dx, [bp + 6]
    mov bx, [bp + 2]
    mov es, [zero]
    mov di, BUFFER
    mov bp, BUFFER
    cmp ah, 0x1C
    je 4f
    cmp ax, 0x4F04
    jne 5f
4:  mov bx, BUFFER
5:  int 0x10
    push bp
    push es
    push dx
    push cx
    push bx
    push ax
    xor ax, ax
    mov ds, ax
    cld
    mov al, '>'
    call send
    mov al, ' '
    call send
    mov cx, 6                           # AX BX CX DX ES BP
6:  pop ax
    call word_
    loop 6b

    mov si, offset name_buffer
    call say
    mov si, BUFFER
    mov cx, 2048
    call sum
    mov si, offset name_bda
    call say
    mov si, 0x449
    mov cx, 0x1E
    call sum
    mov si, 0x484
    mov cx, 7
    call sum
    mov si, offset name_memory
    call say
    push ds
    mov ax, 0xA000
    mov ds, ax
    xor si, si
    mov cx, 0x1000
    call sum
    mov ax, 0xB800
    mov ds, ax
    xor si, si
    mov cx, 0x1000
    call sum
    pop ds
    mov si, offset name_seq
    call say
    mov dx, 0x3C4
    mov cx, 5
    call indexed
    mov si, offset name_crtc
    call say
    mov dx, 0x3CC                       # 3B4h or 3D4h
    in al, dx
    mov dx, 0x3B4
    test al, 1
    jz 7f
    mov dx, 0x3D4
7:  mov [crtc], dx
    mov cx, 25
    call indexed
    mov si, offset name_gfx
    call say
    mov dx, 0x3CE
    mov cx, 9
    call indexed
    mov si, offset name_attr
    call say
    call attributes
    mov si, offset name_dac
    call say
    mov dx, 0x3C7
    xor al, al
    out dx, al
    inc dx
    inc dx
    mov cx, 768
    xor bx, bx
8:  in al, dx
    rol bx, 3
    add bl, al
    loop 8b
    mov ax, bx
    call word_
    mov al, 10
    jmp send
fill_font:                              # 8 x 16, each character another pattern
    mov es, [zero]
    mov di, BUFFER
    mov cx, 4096
1:  mov ax, di
    mul ah
    stosb
    loop 1b
    ret
at:   .word 0
crtc: .word 0

sum:                                    # CX bytes at DS:SI
    push bx
    xor bx, bx
    xor ah, ah
1:  lodsb
    rol bx, 1
    add bx, ax
    loop 1b
    mov ax, bx
    pop bx
    jmp word_
indexed:                                # CX registers behind DX
    xor bx, bx
    xor ah, ah
1:  mov al, ah
    out dx, al
    inc dx
    in al, dx
    dec dx
    call byte_
    inc ah
    loop 1b
space:
    mov al, ' '
    jmp send
attributes:
    xor ah, ah
1:  mov dx, [crtc]
    add dx, 6
    in al, dx
    mov dx, 0x3C0
    mov al, ah
    out dx, al
    inc dx
    in al, dx
    call byte_
    inc ah
    cmp ah, 21
    jb 1b
    mov dx, [crtc]
    add dx, 6
    in al, dx
    mov dx, 0x3C0
    mov al, 0x20
    out dx, al
    jmp space
word_:                                  # AX in hex, and a space
    push ax
    mov al, ah
    call byte_
    pop ax
    push ax
    call byte_
    call space
    pop ax
    ret
byte_:
    push ax
    push ax
    shr al, 4
    call digit
    pop ax
    and al, 15
    call digit
    pop ax
    ret
digit:
    add al, '0'
    cmp al, '9'
    jbe send
    add al, 7
send:
    push dx
    push ax
    mov dx, COM + 5
1:  in al, dx
    test al, 0x20
    jz 1b
    pop ax
    mov dx, COM
    out dx, al
    pop dx
    ret
say:
    lodsb
    test al, al
    jz 1f
    call send
    jmp say
1:  ret
name_buffer: .asciz "buf "
name_bda:    .asciz "bda "
name_memory: .asciz "mem "
name_seq:    .asciz "seq "
name_crtc:   .asciz "crtc "
name_gfx:    .asciz "gfx "
name_attr:   .asciz "attr "
name_dac:    .asciz "dac "

    .macro int10 ax, bx=0, cx=0, dx=0
    .word \ax, \bx, \cx, \dx
    .endm
calls:
    .irp mode, 0, 1, 2, 3, 4, 5, 6, 0xD, 0xE, 0xF, 0x10, 0x11, 0x12, 0x13
    int10 0x0000 + \mode
    int10 0x0F00
    int10 0x1B00
    int10 0x0C05, 0, 77, 33             # a pixel
    int10 0x0D00, 0, 77, 33
    int10 0x0200, 0, 0, 0x0203
    int10 0x0941, 0x002C, 3             # characters
    int10 0x0E42, 0x000D
    int10 0x0800
    int10 0x0300
    int10 0x0601, 0x1700, 0x0000, 0x1018
    int10 0x0702, 0x2400, 0x0102, 0x0A0B
    .endr
    int10 0x0083                        # memory kept
    int10 0x0003
    /* text: cursor, pages, strings */
    int10 0x0100, 0, 0x0607
    int10 0x0100, 0, 0x2000
    int10 0x0501
    int10 0x0500
    int10 0x1301, 0x0042, 9, 0x0505
    int10 0x1303, 0x0042, 5, 0x0605
    int10 0x0A43, 0, 4
    /* palette */
    int10 0x1000, 0x3F03
    int10 0x1001, 0x0500
    int10 0x1007, 0x0003
    int10 0x1008
    int10 0x1002, 0, 0, BUFFER
    int10 0x1009, 0, 0, BUFFER
    int10 0x1003, 0x0000
    int10 0x1003, 0x0001
    int10 0x1010, 0x0007, 0x1122, 0x3300
    int10 0x1015, 0x0007
    int10 0x1012, 0x0010, 0x0010, BUFFER
    int10 0x1017, 0x0000, 0x0100, BUFFER
    int10 0x1013, 0x0100
    int10 0x1013, 0x0301
    int10 0x101A
    int10 0x1013, 0x0000
    int10 0x1018, 0x003F
    int10 0x1019
    int10 0x1018, 0x00FF
    int10 0x101B, 0x0000, 0x0040
    /* fonts */
    int10 0x0003
    int10 0x2000                        # ours: a font in the buffer
    int10 0x1100, 0x1000, 0x0080, 0x0020
    int10 0x1101, 0x0001
    int10 0x1102, 0x0002
    int10 0x1104, 0x0003
    int10 0x1103, 0x0004
    int10 0x1103, 0x0000
    int10 0x1110, 0x1000, 0x0100, 0x0000
    int10 0x1111, 0x0000
    int10 0x1112, 0x0000
    int10 0x1114, 0x0000
    int10 0x1130, 0x0000
    int10 0x1130, 0x0100
    int10 0x1130, 0x0200
    int10 0x1130, 0x0300
    int10 0x1130, 0x0400
    int10 0x1130, 0x0500
    int10 0x1130, 0x0600
    int10 0x1130, 0x0700
    int10 0x0012
    int10 0x1121, 0x0000, 0x0010, 0x001E
    int10 0x1122, 0x0002
    int10 0x1123, 0x0003
    int10 0x1124, 0x0002
    /* alternate select */
    int10 0x0003
    int10 0x1200, 0x0010
    int10 0x1200, 0x0030                # 200 lines at the next mode set
    int10 0x0003
    int10 0x1201, 0x0030                # 350
    int10 0x0003
    int10 0x1202, 0x0030                # 400
    int10 0x0003
    int10 0x1201, 0x0031                # no default palette
    int10 0x0003
    int10 0x1200, 0x0031
    int10 0x1201, 0x0032
    int10 0x1200, 0x0032
    int10 0x1201, 0x0033                # sum to grey
    int10 0x0003
    int10 0x1200, 0x0033
    int10 0x0003
    int10 0x1201, 0x0034
    int10 0x1200, 0x0034
    int10 0x1201, 0x0036                # screen off, on
    int10 0x1200, 0x0036
    int10 0x1A00
    int10 0x1A01, 0x0008
    /* save and restore */
    int10 0x0013
    int10 0x1C00, 0, 0x0007
    int10 0x1C01, 0, 0x0007
    int10 0x0003
    int10 0x1C02, 0, 0x0007
    /* VBE */
    int10 0x4F00
    .irp mode, 0x100, 0x101, 0x102, 0x103, 0x104, 0x105, 0x106, 0x107, 0x10D, 0x10E, 0x10F, 0x110, 0x111, 0x112, 0x113, 0x114, 0x115, 0x116, 0x117, 0x118, 0x11B
    int10 0x4F01, 0, \mode
    int10 0x4F02, \mode
    int10 0x4F03
    int10 0x4F05, 0x0000, 0, 3          # bank 3
    int10 0x4F05, 0x0100                # which bank?
    int10 0x4F06, 0x0001                # scan line length
    int10 0x4F07, 0x0000, 0, 7
    int10 0x4F07, 0x0001
    .endr
    int10 0x4F02, 0x4101                # linear
    int10 0x4F03
    int10 0x4F02, 0x8101                # memory kept
    int10 0x4F06, 0x0000, 1024
    int10 0x4F06, 0x0002, 2048          # in bytes
    int10 0x4F06, 0x0003                # the longest
    int10 0x4F07, 0x0000, 100, 50
    int10 0x4F07, 0x0001
    int10 0x4F07, 0x0080, 10, 5         # at the retrace
    int10 0x4F08, 0x0800
    int10 0x4F08, 0x0001
    int10 0x4F08, 0x0600
    int10 0x4F09, 0x0000, 4, 16
    int10 0x4F09, 0x0001, 4, 16
    int10 0x4F0A, 0x0000
    int10 0x4F04, 0, 0x000F, 0x0000
    int10 0x4F04, 0, 0x000F, 0x0001
    int10 0x4F02, 0x0003
    int10 0x4F04, 0, 0x000F, 0x0002
    int10 0x4F03
    int10 0x4F10, 0x0000
    int10 0x4F15, 0x0000
    int10 0x4F02, 0x0199                # there is no such mode
    int10 0x4F01, 0, 0x0199
    int10 0x4FFF
    int10 0x0003
    int10 0x4F03
    int10 0x0007                        # monochrome
    int10 0x0F00
    int10 0x0200, 0, 0, 0x0203
    int10 0x0941, 0x002C, 3
    int10 0x0003
    .word 0xFFFF
    .org 512 * (SECTORS + 1)
