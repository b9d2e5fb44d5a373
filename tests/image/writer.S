/* SPDX-License-Identifier: MIT
 * A boot sector that writes numbered sectors to the first hard disk for ever, flushes after every 8th
 * write, and reports the number of each flushed write on the first serial port: "F0000001A\n". "E": the
 * drive has reported an error; it stops.
 *
 *   as --32 writer.S -o writer.o && ld -m elf_i386 -Ttext=0x7C00 --oformat binary -o writer.bin writer.o
 *
 * Write n goes to (x >> 8) & mask, x = x * 1664525 + 1013904223 from `seed` on, and is (n & 7) + 1
 * sectors long. A sector holds 32 times: `run`, n, its own number, the exclusive or of the three.
 */
        .code16
        .globl  _start
        .set    buffer, 0x8000
_start: jmp     begin
        .balign 4
seed:   .long   1                       /* at 4: patched by kill.py */
mask:   .long   0x3FFF                  /* at 8 */
run:    .long   0                       /* at 12 */
n:      .long   0
lba:    .long   0
begin:  cli
        xorw    %ax, %ax
        movw    %ax, %ds
        movw    %ax, %es
        movw    %ax, %ss
        movw    $0x7C00, %sp
        cld
next:   incl    n
        movl    seed, %eax
        movl    $1664525, %edx
        mull    %edx
        addl    $1013904223, %eax
        movl    %eax, seed
        shrl    $8, %eax
        andl    mask, %eax
        movl    %eax, lba
        call    ready
        movl    lba, %eax
        shrl    $24, %eax
        andb    $15, %al
        orb     $0xE0, %al
        movw    $0x1F6, %dx
        outb    %al, %dx
        call    ready
        movb    n, %bl
        andb    $7, %bl
        incb    %bl                     /* sectors that are left */
        movw    $0x1F2, %dx
        movb    %bl, %al
        outb    %al, %dx
        movl    lba, %eax
        incw    %dx
        outb    %al, %dx
        shrl    $8, %eax
        incw    %dx
        outb    %al, %dx
        shrl    $8, %eax
        incw    %dx
        outb    %al, %dx
        movw    $0x1F7, %dx
        movb    $0x30, %al              /* WRITE SECTOR(S) */
        outb    %al, %dx
sector: call    fill
1:      movw    $0x1F7, %dx
        inb     %dx, %al
        testb   $0x80, %al
        jnz     1b
        testb   $0x21, %al
        jnz     failed
        testb   $8, %al
        jz      1b
        movw    $0x1F0, %dx
        movw    $buffer, %si
        movw    $256, %cx
        rep outsw
        incl    lba
        decb    %bl
        jnz     sector
        call    ready
        testb   $7, n
        jnz     next
        movb    $0xE7, %al              /* FLUSH CACHE */
        outb    %al, %dx
        call    ready
        movb    $'F', %al
        call    put
        movl    n, %ebx
        movw    $8, %cx
2:      roll    $4, %ebx
        movb    %bl, %al
        andb    $15, %al
        addb    $'0', %al
        cmpb    $'9', %al
        jbe     3f
        addb    $7, %al
3:      call    put
        loop    2b
        movb    $'\n', %al
        call    put
        jmp     next

fill:   movw    $buffer, %di
        movw    $32, %cx
4:      movl    run, %eax
        stosl
        movl    %eax, %edx
        movl    n, %eax
        stosl
        xorl    %eax, %edx
        movl    lba, %eax
        stosl
        xorl    %edx, %eax
        stosl
        loop    4b
        ret

/* Not busy; leaves the status port in DX. */
ready:  movw    $0x1F7, %dx
5:      inb     %dx, %al
        testb   $0x80, %al
        jnz     5b
        testb   $0x21, %al              /* ERR, DF */
        jnz     failed
        ret

put:    movb    %al, %ah
        movw    $0x3FD, %dx
6:      inb     %dx, %al
        testb   $0x20, %al
        jz      6b
        movb    %ah, %al
        movw    $0x3F8, %dx
        outb    %al, %dx
        ret

failed: movb    $'E', %al
        call    put
        hlt
        jmp     failed
        .org    510
        .word   0xAA55
