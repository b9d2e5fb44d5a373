/* SPDX-License-Identifier: MIT
 * Part of modes.S: SVGA modes, by banks and by the linear framebuffer.
 * VESA BIOS Extension 3.0 (1998); Bochs's VBE display API (2012) for the registers at 1CEh; PCI Local Bus
 * Specification 2.1 (1995), 3.7.4.1.
 */
/* ---- VBE ------------------------------------------------------------------------------------------------ */
    .set MODE_INFO, 0x6000              # a free place below us, in a page without code: translators like that
    .set PIXEL, 0x5000
    .set BANK, 0x5004
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
    mov word ptr [BANK], -1
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
/* One pixel at (CX, DX): its colour by depth, then its bytes. */
vbe_pixel:
    pushad
    call vbe_color
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
    mov si, PIXEL
5:  call vbe_byte
    inc eax
    loop 5b
    popad
    ret
vbe_color:                              # of (CX, DX) into [PIXEL]; changes EAX, BX
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
4:  mov [PIXEL], eax
    ret
vbe_byte:                               # the byte at [SI++] to offset EAX
    pushad
    mov di, ax
    shr eax, 16
    cmp ax, [BANK]
    je 1f
    mov [BANK], ax
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

/* 16 colours: the planes of a VGA. */
vbe_planar:
    mov bx, cx
    mov ax, 0x4F02
    int 0x10
    jmp planar_draw

/* ---- linear framebuffer ------------------------------------------------------------------------------------ */
    .set LINEAR, MODE_INFO + 0x28
vbe_linear:                             # CX = mode
    push cx
    mov es, [zero]
    mov di, MODE_INFO
    mov ax, 0x4F01
    int 0x10
    pop bx
    or bx, 0x4000
    mov ax, 0x4F02
    int 0x10
linear_fill:
    xor dx, dx
1:  call linear_row
    inc dx
    cmp dx, [HEIGHT]
    jb 1b
    ret
linear_row:                             # DX; no interrupt may change the limit of FS
    cli
    call big_fs
    movzx eax, word ptr [PITCH]
    movzx edi, dx
    imul edi, eax
    add edi, [LINEAR]
    xor cx, cx
1:  call vbe_color
    mov eax, [PIXEL]
    mov bl, [BITS]
2:  mov fs:[edi], al
    inc edi
    shr eax, 8
    sub bl, 8
    ja 2b
    inc cx
    cmp cx, [WIDTH]
    jb 1b
    sti
    ret
big_fs:                                 # base 0, limit 4 GiB
    lgdt [gdt_register]
    mov eax, cr0
    or al, 1
    mov cr0, eax
    jmp 1f
1:  mov bx, 8
    mov fs, bx
    and al, 0xFE
    mov cr0, eax
    ljmp 0, offset 2f
2:  mov fs, [zero]
    ret
    .balign 8
gdt: .quad 0, 0x00CF92000000FFFF
gdt_register:
    .word 15
    .long gdt

/* ---- DISPI registers ------------------------------------------------------------------------------------------ */
dispi:                                  # CX = width, height, bits, virtual width, offsets
    mov si, cx
    mov eax, [si]
    mov [WIDTH], eax                    # and HEIGHT
    mov ax, [si + 4]
    mov [BITS], al
    mov bx, 4                           # off
    xor ax, ax
    call dispi_set
    mov bl, 1
1:  lodsw                               # 1 to 3: size and depth
    call dispi_set
    inc bx
    cmp bl, 4
    jb 1b
    mov ax, 0x41                        # on, linear
    call dispi_set
    mov bl, 6                           # virtual width: what the card makes of it
    lodsw
    call dispi_set
    mov dx, 0x1CF
    in ax, dx
    movzx dx, byte ptr [BITS]
    add dl, 7
    shr dl, 3
    mul dx
    mov [PITCH], ax
    mov bl, 8
    lodsw
    add [WIDTH], ax                     # what is drawn is more than what is shown
    call dispi_set                      # offset to the right
    inc bx
    lodsw
    add [HEIGHT], ax
    call dispi_set                      # downwards
    mov dword ptr [LINEAR], 0
    mov ecx, 0x80000000                 # PCI configuration, device by device
2:  mov eax, ecx
    call pci_read
    cmp eax, 0x11111234
    je 3f
    add ecx, 0x800
    test ch, ch
    jnz 2b
3:  lea eax, [ecx + 0x10]               # base address 0
    call pci_read
    and al, 0xF0
    mov [LINEAR], eax
    jmp linear_fill
pci_read:
    mov dx, 0xCF8
    out dx, eax
    mov dx, 0xCFC
    in eax, dx
    ret
dispi_set:                              # AX into register BX
    push ax
    mov dx, 0x1CE
    mov ax, bx
    out dx, ax
    inc dx
    pop ax
    out dx, ax
    ret
svga_1600:  .word 1600, 1200, 16, 1700, 33, 7
svga_15:    .word 640, 480, 15, 1000, 301, 200
svga_1920:  .word 1920, 1200, 32, 1920, 0, 0
