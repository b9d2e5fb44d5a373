/* SPDX-License-Identifier: MIT
 * A floppy that walks through the video modes of a PC and draws a test card in each. Before a card
 * is drawn nothing is said; when it stands, its name goes to COM1 as "@NAME\n", and any byte from
 * there leads to the next one; B to the cards of the border. "@end\n" is the last.
 *
 * Real mode, 8086 to 386 code. DS = CS = 0, ES points to what is drawn on.
 *   gcc -m16 -c modes.S && ld -m elf_i386 -Ttext 0x7c00 --oformat binary -o modes.img modes.o
 *
 * Ralf Brown's Interrupt List, INT 10h; FreeVGA; VESA BIOS Extension 3.0 (1998).
 */
    .code16
    .intel_syntax noprefix
    .global _start
    .set COM, 0x3F8
    .set SECTORS, 24                    # of the disk behind the first

/* ---- boot sector ------------------------------------------------------------------------------ */
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
    mov si, 1                           # sector by sector: no limit of a track or of DMA to mind
    mov bx, 0x7E00
load:
    mov ax, si
    xor dx, dx
    mov cx, 18
    div cx                              # AX = track * 2 + head, DX = sector - 1
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

/* ---- the walk ----------------------------------------------------------------------------------- */
main:
    mov dx, COM + 3                     # 8 data bits, no parity
    mov al, 3
    out dx, al
    mov bp, offset cards
next_card:
    mov word ptr [hook], 0
    mov ax, [bp]                        # what to call
    test ax, ax
    jz the_end
    mov cx, [bp + 2]                    # its parameter
    call ax
    mov si, [bp + 4]
    call say
    call wait_byte
    add bp, 6
    cmp al, 'B'
    jne next_card
    mov bp, offset border_cards
    jmp next_card
the_end:
    mov si, offset end_name
    call say
halt:
    hlt
    jmp halt

say:                                    # "@", the text at SI, line feed
    mov al, '@'
    call send
1:  lodsb
    test al, al
    jz 2f
    call send
    jmp 1b
2:  mov cx, 3                           # the beam must have been there before the name's end is said
3:  push cx
    call frame
    pop cx
    loop 3b
    cmp word ptr [hook], 0
    jne 5f
    mov cx, 2                           # and the register writes be a frame ago: two of the BIOS's ticks
4:  mov ax, [0x46C]
6:  cmp ax, [0x46C]
    je 6b
    loop 4b
5:  mov al, 10
send:
    push ax
    mov dx, COM + 5
1:  in al, dx
    test al, 0x20
    jz 1b
    pop ax
    mov dx, COM
    out dx, al
    ret
wait_byte:
    call frame
    mov dx, COM + 5
    in al, dx
    test al, 1
    jz wait_byte
    mov dx, COM
    in al, dx
    ret

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

/* ---- registers ------------------------------------------------------------------------------------ */
seq:                                    # AH = value, AL = index
    mov dx, 0x3C4
    out dx, ax
    ret
gfx:
    mov dx, 0x3CE
    out dx, ax
    ret
crtc:
    mov dx, 0x3D4
    out dx, ax
    ret
attribute:                              # AL = index, AH = value
    mov dx, 0x3DA
    push ax
    in al, dx
    pop ax
    mov dx, 0x3C0
    out dx, al
    mov al, ah
    out dx, al
    mov al, 0x20
    out dx, al
    ret
set_mode:                               # CL; no cursor
    mov al, cl
    xor ah, ah
    int 0x10
    mov ah, 1
    mov cx, 0x2000
    int 0x10
    ret
segment_a000:
    mov ax, 0xA000
    mov es, ax
    xor di, di
    ret

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
    mov dx, 0x3D4
    mov al, 0x11
    out dx, al
    inc dx
    in al, dx
    and al, 0x7F
    out dx, al
    mov si, offset lines_350
    mov bx, 7
    jmp crtc_table
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
    mov dx, 0x3D4                       # bits 8 and 9 are 0: registers 7 (unlocked) and 9
    mov al, 0x11
    out dx, al
    inc dx
    in al, dx
    and al, 0x7F
    out dx, al
    dec dx
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
    call set_mode
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
    mov dx, 0x3D4
    mov al, 0x11
    out dx, al
    inc dx
    in al, dx
    and al, 0x7F
    out dx, al
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
dots_360:
    .word 0x6B00, 0x5901, 0x5A02, 0x8E03, 0x5E04, 0x8A05, 0x2D13

/* ---- VBE ------------------------------------------------------------------------------------------------ */
    .set MODE_INFO, 0x6000              # a free place below us
    .set PITCH, MODE_INFO + 0x10
    .set WIDTH, MODE_INFO + 0x12
    .set HEIGHT, MODE_INFO + 0x14
    .set BITS, MODE_INFO + 0x19
vbe:                                    # CX = mode: red grows to the right, green downwards, blue is a lattice
    push cx
    mov dx, 0x3C6
    mov al, 0xFF
    out dx, al
    mov es, [zero]
    mov di, MODE_INFO
    mov ax, 0x4F01
    int 0x10
    pop bx
    mov ax, 0x4F02
    int 0x10
vbe_fill:                               # WIDTH x HEIGHT pixels at PITCH
    mov word ptr [bank], -1
    xor dx, dx
1:  xor cx, cx
2:  call vbe_pixel
    inc cx
    cmp cx, [WIDTH]
    jb 2b
    inc dx
    cmp dx, [HEIGHT]
    jb 1b
    ret
bank:  .word 0
pixel: .long 0
/* One pixel at (CX, DX): its colour by depth, then its bytes. */
vbe_pixel:
    pushad
    mov bl, cl                          # blue
    xor bl, dl
    mov ax, cx
    shr ax, 2                           # red
    mov bh, dl
    shr bh, 1                           # green
    cmp byte ptr [BITS], 16
    ja 3f
    je 2f
    cmp byte ptr [BITS], 15
    je 1f
    xor ah, ah                          # 8: a colour of the palette
    mov al, bl
    jmp 4f
1:  shr bl, 3                           # 15: 5-5-5
    shr bh, 3
    shr al, 3
    movzx eax, al
    shl eax, 5
    or al, bh
    shl eax, 5
    or al, bl
    jmp 4f
2:  shr bl, 3                           # 16: 5-6-5
    shr bh, 2
    shr al, 3
    movzx eax, al
    shl eax, 6
    or al, bh
    shl eax, 5
    or al, bl
    jmp 4f
3:  movzx eax, al                       # 24, 32: 8-8-8
    shl eax, 16
    mov ax, bx
4:  mov [pixel], eax
    movzx eax, dx
    movzx ebx, word ptr [PITCH]
    mul ebx                             # where the row begins
    movzx ecx, cx
    movzx ebx, byte ptr [BITS]
    add ebx, 7
    shr ebx, 3                          # bytes in a pixel
    imul ecx, ebx
    add eax, ecx
    mov cx, bx
    mov si, offset pixel
5:  call vbe_byte
    inc eax
    loop 5b
    popad
    ret
vbe_byte:                               # the byte at [SI++] to offset EAX
    pushad
    mov di, ax
    shr eax, 16
    cmp ax, [bank]
    je 1f
    mov [bank], ax
    mov dx, ax
    mov ax, 0x4F05
    xor bx, bx
    int 0x10
1:  mov ax, 0xA000
    mov es, ax
    mov al, [si]
    mov es:[di], al
    popad
    inc si
    ret
/* 640x480 in a virtual screen of 1024, shown from (200, 100). */
vbe_virtual:
    call vbe
    mov ax, 0x4F06
    xor bl, bl
    mov cx, 1024
    int 0x10
    mov [PITCH], bx
    mov word ptr [WIDTH], 1024
    mov word ptr [HEIGHT], 600
    call vbe_fill
    mov ax, 0x4F07
    xor bx, bx
    mov cx, 200
    mov dx, 100
    int 0x10
    ret
vbe_dac8:                               # 8 bits for each colour: a palette of 256 greys
    call vbe
    mov ax, 0x4F08
    mov bx, 0x0800
    int 0x10
    mov dx, 0x3C8
    xor al, al
    out dx, al
    inc dx
    xor cx, cx
1:  mov al, cl
    out dx, al
    out dx, al
    not al
    out dx, al
    inc cl
    jnz 1b
    ret

/* ---- the cards ------------------------------------------------------------------------------------------ */
    .macro card how, parameter, name
    .word \how, \parameter, 1f
    .pushsection .rodata
1:  .asciz "\name"
    .popsection
    .endm
cards:
    card text, 0x0001, "text-40x25"
    card text, 0x0003, "text-80x25"
    card text, 0x0103, "text-80x28"
    card text, 0x0203, "text-80x50"
    card text_43, 0, "text-80x43"
    card two_fonts, 0, "text-two-fonts"
    card text_split, 0, "text-split"
    card cga, 0x04, "cga-320x200-4"
    card cga, 0x05, "cga-320x200-grey"
    card cga, 0x06, "cga-640x200-2"
    card planar, 0x0D, "ega-320x200-16"
    card planar, 0x0E, "ega-640x200-16"
    card planar, 0x0F, "ega-640x350-mono"
    card planar, 0x10, "ega-640x350-16"
    card planar, 0x11, "vga-640x480-2"
    card planar, 0x12, "vga-640x480-16"
    card planar_split, 0, "vga-split"
    card packed, 0, "vga-320x200-256"
    card packed_masked, 0, "vga-pel-mask"
    card mode_x, 200, "x-320x200"
    card mode_x, 240, "x-320x240"
    card mode_x, 400, "x-320x400"
    card mode_x, 480, "x-320x480"
    card mode_x, 0x81E0, "x-360x480"
    card vbe, 0x101, "vbe-640x480-8"
    card vbe, 0x110, "vbe-640x480-15"
    card vbe, 0x111, "vbe-640x480-16"
    card vbe, 0x112, "vbe-640x480-24"
    card vbe, 0x142, "vbe-640x480-32"
    card vbe, 0x103, "vbe-800x600-8"
    card vbe, 0x118, "vbe-1024x768-24"
    card vbe_virtual, 0x101, "vbe-virtual"
    card vbe_dac8, 0x101, "vbe-dac-8-bit"
    card bars, 0, "raster-bars"
    card palette_split, 0, "raster-palette"
    card flips, 0, "raster-start"
    card text, 0x0007, "text-mono"      /* last: SeaBIOS's VGA BIOS cannot leave it, for it resets the
                                           attribute controller's flip-flop at 3DAh only */
    .word 0
border_cards:
    card border_plain, 0x03, "border-text"
    card border_plain, 0x01, "border-text-40"
    card cga_border, 0x04, "border-cga"
    card border_packed, 0, "border-256"
    card border_bars, 0, "border-bars"
    .word 0
end_name: .asciz "end"
    .section .rodata
