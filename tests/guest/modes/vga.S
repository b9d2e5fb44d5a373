/* SPDX-License-Identifier: MIT
 * Part of modes.S: cards of a CGA's, an EGA's and a VGA's graphics modes.
 */
/* ---- CGA ---------------------------------------------------------------------------------------------- */
cga:
    call set_mode
    mov ax, 0xB800
    mov es, ax
    xor di, di
    mov cx, 0x4000
1:  mov ax, di
    mov bl, ah
    shr bl, 1
    xor al, bl
    stosb
    loop 1b
    ret

/* ---- planar ------------------------------------------------------------------------------------------- */
/* CL = mode. Bars by write mode 2, a frame by set/reset and bit mask, a copy by the latches, a sieve by
 * write mode 3, plane by plane at the bottom. */
planar:
    push cx
    call set_mode
    pop cx
    cmp cl, 0x0F
    jne planar_draw
    mov ax, 0x0310                      # nothing blinks
    call attribute
planar_draw:
    call segment_a000
    mov ax, 0x0205                      # write mode 2
    call gfx
    mov cx, 8000
    xor bx, bx
1:  mov al, bl
    shr al, 1
    stosb
    inc bl
    loop 1b
    mov ax, 0x0005                      # write mode 0, set/reset of colour 0Eh, a mask
    call gfx
    mov ax, 0x0E00
    call gfx
    mov ax, 0x0F01
    call gfx
    mov ax, 0x5508
    call gfx
    mov di, 2000
    mov cx, 1600
2:  mov al, es:[di]                     # latches
    stosb
    loop 2b
    mov ax, 0x1903                      # XOR (18h), rotated by 1
    call gfx
    mov ax, 0x0001
    call gfx
    mov ax, 0xFF08
    call gfx
    mov di, 4000
    mov cx, 800
3:  mov al, es:[di]
    mov ax, di
    stosb
    loop 3b
    mov ax, 0x0003
    call gfx
    mov ax, 0x0105                      # write mode 1: copy through the latches
    call gfx
    push ds
    push es
    pop ds
    xor si, si
    mov di, 9000
    mov cx, 6000
    rep movsb
    pop ds
    mov ax, 0x0305                      # write mode 3
    call gfx
    mov ax, 0x0900
    call gfx
    mov di, 16000
    mov cx, 3000
4:  mov al, es:[di]
    mov ax, di
    stosb
    loop 4b
    mov ax, 0x0005
    call gfx
    mov ax, 0x0000
    call gfx
    mov bx, 0x0102                      # plane by plane: map mask in BH
5:  mov ah, bh
    mov al, 2
    call seq
    mov di, 22000
    mov cx, 8000
6:  mov ax, di
    mul bh
    stosb
    loop 6b
    shl bh, 1
    cmp bh, 16
    jb 5b
    mov ax, 0x0F02
    call seq
    mov ax, 0x0805                      # read mode 1: where is colour 2?
    call gfx
    mov ax, 0x0202
    call gfx
    mov ax, 0x0F07
    call gfx
    xor si, si
    mov di, 32000
    mov cx, 4000
7:  mov al, es:[si]
    mov es:[di], al
    inc si
    inc di
    loop 7b
    mov ax, 0x0005
    jmp gfx
/* Mode 12h from line 64 on, panned by 13; below line 320 the picture's beginning, not panned. */
planar_split:
    mov cx, 0x12
    call planar
    mov ax, 0x4018                      # line compare 140h: bit 8 is set already, bit 9 is cleared
    call crtc
    mov dx, 0x3D4
    mov al, 9
    out dx, al
    inc dx
    in al, dx
    and al, 0xBF
    out dx, al
    mov ax, 0x140C                      # start address 1400h
    call crtc
    mov ax, 0x2008                      # byte panning 1
    call crtc
    mov ax, 0x2110                      # panning stops at the split
    call attribute
    mov ax, 0x0513
    jmp attribute

/* ---- 256 colours -------------------------------------------------------------------------------------- */
packed:
    mov cl, 0x13
    call set_mode
    call segment_a000
    xor dx, dx                          # y
1:  xor cx, cx                          # x
2:  mov al, cl
    xor al, dl
    stosb
    inc cx
    cmp cx, 320
    jb 2b
    inc dx
    cmp dx, 200
    jb 1b
    ret
packed_masked:                          # PEL mask 3Fh
    call packed
    mov dx, 0x3C6
    mov al, 0x3F
    out dx, al
    ret
/* Without the latch for 8 bits there is a pixel of two halves between two others. */
packed_halves:
    call packed
    mov ax, 0x0110
    jmp attribute
/* 256x256, 64 KiB by one byte of each address: CX = 0 chain-4, 1 unchained. */
square:
    push cx
    call packed
    pop cx
    call unlock
    mov si, offset lines_256
    mov bx, 16
    call crtc_table
    mov dx, 0x3C2
    mov al, 0xE3
    out dx, al
    test cx, cx
    jnz 3f
    call segment_a000                   # BX = y and x
    xor bx, bx
1:  mov al, bl
    and al, bh
    stosb
    inc bx
    jnz 1b
    ret
3:  mov ax, 0x0604
    call seq
    mov ax, 0x0014
    call crtc
    mov ax, 0xE317
    call crtc
    mov ax, 0x0F02
    call seq
    call segment_a000
    xor bx, bx
4:  mov ax, bx                          # 4 pixels at once
    add al, ah
    stosb
    inc bx
    cmp bx, 0x4000
    jb 4b
    ret
/* Unchained: CX = 200, 240, 400, 480 rows of 320; 480 of 360 with CH bit 7. */
mode_x:
    push cx
    mov dx, 0x3C6                       # the mask of the card before
    mov al, 0xFF
    out dx, al
    mov cl, 0x13
    call set_mode
    mov ax, 0x0604                      # chain-4 off
    call seq
    mov ax, 0x0014                      # underline: no doublewords
    call crtc
    mov ax, 0xE317                      # bytes
    call crtc
    pop cx
    push cx
    cmp cx, 200
    je 3f
    cmp cx, 400
    jne 1f
    mov ax, 0x4009                      # no line twice
    call crtc
    jmp 3f
1:  mov ax, 0x0100                      # 480 lines of Abrash's mode X (Dr. Dobb's Journal, July 1991)
    call seq
    mov dx, 0x3C2
    mov al, 0xE3
    test ch, 0x80
    jz 2f
    mov al, 0xE7                        # 28 MHz: 360 dots
2:  out dx, al
    mov ax, 0x0300
    call seq
    call unlock
    pop cx
    push cx
    test ch, 0x80
    jz 7f
    mov si, offset dots_360
    mov bx, 7
    call crtc_table
7:  mov si, offset lines_480            # locks the first registers
    mov bx, 10
    call crtc_table
    cmp cx, 240
    je 3f
    mov ax, 0x4009
    call crtc
3:  mov ax, 0x0F02                      # all planes: clear
    call seq
    call segment_a000
    xor ax, ax
    mov cx, 0x8000
    rep stosw
    mov bl, 1                           # plane by plane: a colour each, stripes that differ
4:  mov ah, bl
    mov al, 2
    call seq
    xor di, di
    mov cx, 0xA8C0
5:  mov ax, di
    shr ax, 3
    mul bl
    add al, ah
    stosb
    loop 5b
    shl bl, 1
    cmp bl, 16
    jb 4b
    pop cx
    ret
crtc_table:
    lodsw
    call crtc
    dec bx
    jnz crtc_table
    ret
lines_350:
    .word 0xBF06, 0x1F07, 0x8310, 0x8511, 0x5D12, 0x6315, 0xBA16
lines_480:
    .word 0x0D06, 0x3E07, 0x4109, 0xEA10, 0xAC11, 0xDF12, 0x0014, 0xE715, 0x0616, 0xE317
columns_132:
    .word 0x9F00, 0x8301, 0x8402, 0x8203, 0x8C04, 0x8005, 0x4213
lines_256:
    .word 0x5F00, 0x3F01, 0x4002, 0x8203, 0x4A04, 0x9A05, 0x2306, 0xB207
    .word 0x0008, 0x6109, 0x0A10, 0xAC11, 0xFF12, 0x2013, 0x0715, 0x1A16
dots_360:
    .word 0x6B00, 0x5901, 0x5A02, 0x8E03, 0x5E04, 0x8A05, 0x2D13
