/* SPDX-License-Identifier: MIT
 * A floppy that walks through the video modes of a PC and draws a test card in each. Before a card
 * is drawn nothing is said; when it stands, its name goes to COM1 as "@NAME\n", and any byte from
 * there leads to the next one; B to the cards of the border. "@end\n" is the last.
 *
 * Real mode, 8086 to 386 code. DS = CS = 0, ES points to what is drawn on.
 *   gcc -m16 -c modes.S && ld -m elf_i386 -Ttext 0x7c00 --oformat binary -o modes.img modes.o
 *
 * Ralf Brown's Interrupt List, INT 10h; FreeVGA.
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
    mov sp, 0x7000
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
unlock:                                 # CRTC registers 0 to 7
    mov dx, 0x3D4
    mov al, 0x11
    out dx, al
    inc dx
    in al, dx
    and al, 0x7F
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

#include "beam.S"
#include "text.S"
#include "vga.S"
#include "vbe.S"

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
    card text_480, 0x0000, "text-80x30"
    card text_480, 0x0200, "text-80x60"
    card text_132, 0, "text-132x25"
    card text_8_dots, 0, "text-8-dots"
    card text_100, 0, "text-160x100"
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
    card packed_halves, 0, "vga-halves"
    card square, 0, "vga-256x256"
    card square, 1, "x-256x256"
    card mode_x, 200, "x-320x200"
    card mode_x, 240, "x-320x240"
    card mode_x, 400, "x-320x400"
    card mode_x, 480, "x-320x480"
    card mode_x, 0x81E0, "x-360x480"
    card vbe_planar, 0x102, "vbe-800x600-4"
    card vbe, 0x101, "vbe-640x480-8"
    card vbe, 0x110, "vbe-640x480-15"
    card vbe, 0x111, "vbe-640x480-16"
    card vbe, 0x112, "vbe-640x480-24"
    card vbe, 0x142, "vbe-640x480-32"
    card vbe, 0x103, "vbe-800x600-8"
    card vbe, 0x118, "vbe-1024x768-24"
    card vbe_virtual, 0x101, "vbe-virtual"
    card vbe_dac8, 0x101, "vbe-dac-8-bit"
    card vbe_linear, 0x118, "vbe-linear-24"
    card vbe_linear, 0x11A, "vbe-linear-1280-16"
    card dispi, svga_15, "dispi-panned-15"
    card dispi, svga_1600, "dispi-1600x1200-16"
    card dispi, svga_1920, "dispi-1920x1200-32"
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
