/* SPDX-License-Identifier: MIT
 * Part of modes.S: cards of text.
 */
/* ---- text ------------------------------------------------------------------------------------------- */
/* All characters in all attributes of one row after the other; CX = cells. */
text_cells:
    xor di, di
    xor bx, bx
1:  mov al, bl                          # character
    mov ah, bl
    shr ah, 4
    mov dl, bh
    shl dl, 4
    or ah, dl                           # attribute: every foreground on every background
    stosw
    inc bx
    loop 1b
    ret
/* CL = mode, CH = 1 80x28, 2 80x50; bright backgrounds, not blinking */
text:
    push cx
    call set_mode
    pop cx
    push cx
    xor bl, bl
    mov ax, 0x1111                      # 8x14 font
    test ch, 1
    jnz 2f
    mov ax, 0x1112                      # 8x8 font
    test ch, 2
    jz 3f
2:  int 0x10
3:  mov ax, 0x1003                      # bit 7 is brightness: what blinks is on no picture
    xor bx, bx
    int 0x10
    mov ah, 1
    mov cx, 0x2000
    int 0x10
    pop cx
    mov ax, 0xB800
    cmp cl, 7
    jne 4f
    mov ax, 0xB000
4:  mov es, ax
    mov cx, 80 * 50
    jmp text_cells
/* 80x43: 350 lines by register, as the EGA had them, and the 8x8 font. */
text_43:
    mov cx, 0x0203
    call text
    mov dx, 0x3C2
    mov al, 0xA3                        # 350 lines: negative vertical, positive horizontal sync
    out dx, al
    call unlock
    mov si, offset lines_350
    mov bx, 7
    jmp crtc_table
/* 480 lines by register, with the 16 (CH = 0) or 8 (CH = 2) lines of a character. */
text_480:
    mov cl, 3
    call text
    mov dx, 0x3C2
    mov al, 0xE7
    out dx, al
    call unlock
    mov si, offset lines_480
    mov bx, 10
1:  lodsw
    cmp al, 9                           # the font's own
    je 2f
    cmp al, 0x14                        # addresses as text has them
    je 2f
    cmp al, 0x17
    je 2f
    call crtc
2:  dec bx
    jnz 1b
    mov cx, 80 * 60
    jmp text_cells
/* 132 columns of 8 dots. */
text_132:
    mov cx, 3
    call text
    call dots_8
    call unlock
    mov si, offset columns_132
    mov bx, 7
    call crtc_table
    xor di, di
    mov cx, 132 * 25
    jmp text_cells
dots_8:                                 # characters of 8 dots, a dot clock of 25 MHz: 640
    mov ax, 0x0101
    call seq
    mov dx, 0x3C2
    mov al, 0x63
    out dx, al
    ret
/* 8 dots; underlined are characters of attributes 01h and 09h, in colour as in monochrome. */
text_8_dots:
    mov cx, 3
    call text
    call dots_8
    mov ax, 0x0F14
    jmp crtc
/* 160x100 in 16 colours: rows of 2 lines, shown twice; DEh has a left half of background. */
text_100:
    mov cl, 3
    call set_mode
    mov ax, 0x1003
    xor bx, bx
    int 0x10
    call dots_8
    mov ax, 0xC109                      # each of 2 rows twice; line compare out of the way
    call crtc
    mov ax, 0xB800
    mov es, ax
    xor di, di
    xor bx, bx                          # BL = column, BH = row
1:  mov al, 0xDE
    mov ah, bl
    shr ah, 1
    add ah, bh
    mov dl, bh
    shr dl, 2
    xor ah, dl
    stosw
    inc bl
    cmp bl, 80
    jb 1b
    xor bl, bl
    inc bh
    cmp bh, 100
    jb 1b
    ret
/* Attribute bit 3 chooses the font: 8x16 of block 0, or 8x8 in the upper half of block 1's cells. */
two_fonts:
    mov cl, 3
    call set_mode
    mov ax, 0x1102                      # 8x8 font into block 1
    mov bl, 1
    int 0x10
    mov ax, 0x1103                      # map A = 1, map B = 0
    mov bl, 1
    int 0x10
    mov ax, 0xB800
    mov es, ax
    mov cx, 80 * 25
    jmp text_cells
/* 80x25 moved by 3 dots and 5 lines, below line 200 a second screen that does not move. */
text_split:
    mov cl, 3
    call set_mode
    mov ax, 0xB800
    mov es, ax
    mov cx, 80 * 50
    call text_cells
    mov ax, 0x0508                      # preset row scan 5
    call crtc
    mov ax, 0x030C                      # start address 320h
    call crtc
    mov ax, 0x200D
    call crtc
    mov ax, 0xC818                      # line compare 0C8h
    call crtc
    call unlock                         # bits 8 and 9 are 0: registers 7 and 9
    mov dx, 0x3D4
    mov al, 7
    out dx, al
    inc dx
    in al, dx
    and al, 0xEF
    out dx, al
    dec dx
    mov al, 9
    out dx, al
    inc dx
    in al, dx
    and al, 0xBF
    out dx, al
    mov ax, 0x2C10                      # mode control: text, blink off, 9 dots, panning stops at the split
    call attribute
    mov ax, 0x0313                      # pixel panning
    jmp attribute
