/* SPDX-License-Identifier: MIT
 * Five small workloads for tests/bench/regress.py: runs one for a fixed number of guest
 * instructions, on the processor alone. Usage: hot_path NAME
 */
#include <check.h>
#undef ck_assert_ptr_nonnull               /* Check's works inside its tests only */
#define ck_assert_ptr_nonnull(p) do { if (!(p)) exit(3); } while (0)
#include "tests/unit/cpu/bench_cpu.h"

enum { TICKS = 500000 };

static struct bench *protected_mode(void)
{
    struct bench *b = bench_protected(0);
    b->r.gpr[GPR_SI] = b->r.gpr[GPR_BP] = DATA;
    return b;
}
/* INT 80h with an IRET behind its gate. */
static struct bench *interrupts(void)
{
    struct bench *b = protected_mode();
    poke8(b, HANDLERS + 0x80 * 16, 0xCF);
    return b;
}

static const struct {
    const char *name;
    struct bench *(*birth)(void);
    const char *code;
} workloads[] = {
    /* 1: mov eax, ecx; shr eax, 5; xor edx, eax; imul ebx, edx, 33; add ebx, ecx; and edi, 0FFh;
     * test al, 1; jz 2; adc ebp, 0; 2: inc ecx; cmp ecx, esi; jnz 1; jmp 1 */
    { "alu", protected_mode, "89 C8  C1 E8 05  31 C2  6B DA 21  01 CB  81 E7 FF 00 00 00  A8 01  "
                             "74 03  83 D5 00  "
                             "41  39 F1  75 E4  EB E2" },
    /* 1: mov eax, [esi]; mov edx, [esi + ecx * 4]; add [esi + 8], eax; mov [ebp + 16], edx; movzx
     * ebx, byte [esi + 1]; cmp byte [esi + 3], 7; jz 2; push ebx; pop edi; 2: inc ecx; and ecx,
     * 3Fh; lea eax, [edx + ebx * 2]; jmp 1 */
    { "memory", protected_mode, "8B 06  8B 14 8E  01 46 08  89 55 10  0F B6 5E 01  80 7E 03 07  "
                                "74 02  53 5F  41  83 E1 3F  "
                                "8D 04 5A  EB E0" },
    /* 1: call 2; mov eax, 10010h; call eax; jmp 1; 2: push ebp; mov ebp, esp; leave; ret;
     * 3: (10010h) ret */
    { "calls", protected_mode,
      "E8 09 00 00 00  B8 13 00 01 00  FF D0  EB F2  55  89 E5  C9  C3  C3" },
    /* 1: mov ax, [bx + 4]; add ax, cx; mov [si], ax; push ax; pop dx; rol dx, 3; test dl, 1; jz 2;
     * xor cx, dx; 2: dec cx; loop 1; jmp 1 */
    { "real16", bench_real, "8B 47 04  01 C8  89 04  50 5A  C1 C2 03  F6 C2 01  74 02  31 D1  49  "
                            "E2 EA  EB E8" },
    /* 1: int 80h; inc eax; out 80h, al; jmp 1 */
    { "interrupts", interrupts, "CD 80  40  E6 80  EB F9" },
};

int main(int argc, char **argv)
{
    for (unsigned n = 0; argc == 2 && n < sizeof workloads / sizeof *workloads; n++)
        if (!strcmp(argv[1], workloads[n].name)) {
            struct bench *b = workloads[n].birth();
            code_at(b, CODE, workloads[n].code);
            bool done = bench_go(b, TICKS) == CPU_UNTIL && vector_taken(b) < 0;
            bench_free(b);
            if (!done) fprintf(stderr, "hot_path: %s halted or faulted\n", argv[1]);
            return done ? 0 : 1;
        }
    fprintf(stderr, "usage: hot_path alu | memory | calls | real16 | interrupts\n");
    return 2;
}
