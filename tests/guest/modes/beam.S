/* SPDX-License-Identifier: MIT
 * Part of modes.S: cards whose registers change while the beam draws, and the border.
 */
/* ---- the beam ------------------------------------------------------------------------------------ */
/* A frame from retrace on: calls [hook] at the end of each line CX of [lines], if there is a hook. */
frame:
    cmp word ptr [hook], 0
    je 6f
    mov dx, 0x3DA
1:  in al, dx                           # a retrace
    test al, 8
    jz 1b
2:  in al, dx                           # line 0
    test al, 1
    jnz 2b
    xor cx, cx
3:  in al, dx                           # blanking behind line CX
    test al, 1
    jz 3b
    call [hook]
    mov dx, 0x3DA
    inc cx
    cmp cx, [lines]
    je 6f
5:  in al, dx
    test al, 1
    jnz 5b
    jmp 3b
6:  ret
hook:  .word 0
lines: .word 400
/* Colour 0 of the DAC changes every 8 lines: bars behind the text. */
bars:
    mov cx, 0x0003
    call text
    xor di, di
    mov cx, 80 * 25
1:  and byte ptr es:[di + 1], 0x0F      # before the bars
    add di, 2
    loop 1b
    mov word ptr [lines], 400
    mov word ptr [hook], offset bars_line
    ret
bars_line:
    mov bx, cx
    inc bx
    test bl, 7
    jnz 1f
    cmp bx, 400
    jne 2f
    xor bx, bx
2:  mov dx, 0x3C8
    xor al, al
    out dx, al
    inc dx
    mov al, bl
    out dx, al                          # red: six lower bits
    mov ax, bx
    shr ax, 3
    out dx, al                          # green
    not al
    out dx, al                          # blue
1:  ret
/* The palette changes at line 240, panning at 320; both are as before in line 0. */
palette_split:
    mov cl, 0x12
    call planar
    mov word ptr [lines], 480
    mov word ptr [hook], offset palette_line
    ret
palette_line:
    cmp cx, 239
    mov ax, 0x0400                      # palette register 0: red, brown
    mov bl, 0x14
    je 1f
    cmp cx, 479
    mov ax, 0x0000
    mov bl, 7
    je 1f
    cmp cx, 319
    mov ax, 0x0513
    je attribute
    ret
1:  call attribute
    mov al, 7
    mov ah, bl
    call attribute
    mov ax, 0x0013
    jmp attribute
/* Another start address while the beam is between lines 100 and 300: nobody is to see it. */
flips:
    mov cl, 3
    call set_mode
    mov ax, 0xB800
    mov es, ax
    mov cx, 80 * 50
    call text_cells
    mov ax, 0x0410                      # nothing blinks
    call attribute
    mov word ptr [lines], 400
    mov word ptr [hook], offset flips_line
    ret
flips_line:
    cmp cx, 99
    mov ax, 0x030C
    je crtc
    cmp cx, 299
    mov ax, 0x000C
    je crtc
    ret
/* The border: its colour, then a colour for every 16 lines. */
border_plain:
    mov ch, 0
    call text
    mov ax, 0x0511
    jmp attribute
cga_border:
    call cga
    mov ax, 0x0211
    jmp attribute
border_packed:
    call packed
    mov ax, 0x2811
    jmp attribute
border_bars:
    call border_packed
    mov word ptr [lines], 400
    mov word ptr [hook], offset border_line
    ret
border_line:
    mov bx, cx
    inc bx
    test bl, 15
    jnz 1f
    cmp bx, 400
    jne 2f
    xor bx, bx
2:  shr bx, 4
    mov al, 0x11
    mov ah, bl
    add ah, 0x20
    jmp attribute
1:  ret
