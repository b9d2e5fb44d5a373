/* SPDX-License-Identifier: MIT
 * What keeps supervisors and users apart: SMEP, SMAP, UMIP; PSE-36, PCID; XSAVE; FSGSBASE.
 * SDM vol. 3, 2.5, 4.3, 4.6, 4.10; vol. 1, chapter 13.
 */
#include "bench_cpu.h"

enum { P = 1, W = 2, U = 4, PS = 0x80 };
enum { PD = TABLES, PT = TABLES + 0x1000, PT2 = TABLES + 0x2000 };
enum { VIRT = 0x400000 };              /* the users' page: PDE 1, PTE 0, at DATA */
enum { UMIP = 1 << 11, FSGSBASE = 1 << 16, PCIDE = 1 << 17, OSXSAVE = 1 << 18,
       SMEP = 1 << 20, SMAP = 1 << 21 };

/* Ring 0 with supervisor pages one to one, and one page of users. */
static struct bench *guarded(uint32_t cr4)
{
    struct bench *b = bench_protected(0);
    poke32(b, PD, PT | P | W | U);
    for (unsigned n = 0; n < 1024; n++) poke32(b, PT + 4 * n, n << 12 | P | W);
    poke32(b, PD + 4, PT2 | P | W | U);
    poke32(b, PT2, DATA | P | W | U);
    b->r.cr3 = PD;
    b->r.cr0 |= 0x80010000;
    b->r.cr4 = cr4;
    return b;
}

static void ck_barred(struct bench *b, const char *insn, uint32_t error)
{
    ck_fault(b, insn, 14, error);
    ck_assert_uint_eq(b->r.cr2, VIRT);
    bench_free(b);
}
static void ck_open(struct bench *b, const char *insn)
{
    bench_run(b, insn);
    ck_assert_int_eq(vector_taken(b), -1);
    bench_free(b);
}

START_TEST(smap)
{
    ck_open(guarded(0), "A1 00004000 F4");
    ck_barred(guarded(SMAP), "A1 00004000 F4", 1);
    ck_barred(guarded(SMAP), "A3 00004000 F4", 3);
    struct bench *b = guarded(SMAP);
    b->r.rflags |= EF_AC;
    ck_open(b, "A1 00004000 A3 00004000 F4");
    ck_open(guarded(SMAP), "0F01CB A1 00004000 F4");           /* STAC */
    b = guarded(SMAP);                                         /* out again with CLAC */
    bench_run(b, "0F01CB A1 00004000 FF05 00004000 0F01CA A1 00004000 F4");
    ck_assert_int_eq(vector_taken(b), 14);
    ck_assert_uint_eq(stack32(b, 1), CODE + 3 + 5 + 6 + 3);
    bench_free(b);
    b = guarded(SMAP);                                         /* POPF is as good */
    bench_run(b, "9C 810C24 00000400 9D A1 00004000 9C 812424 FFFFFBFF 9D A1 00004000 F4");
    ck_assert_int_eq(vector_taken(b), 14);
    bench_free(b);
    /* turning SMAP on forgets what was known */
    b = guarded(0);
    bench_run(b, "A1 00004000 B8 00002000 0F22E0 A1 00004000 F4");
    ck_assert_int_eq(vector_taken(b), 14);
    bench_free(b);
}
END_TEST

/* A GDT in a page of users: implicit accesses do not look at AC. */
START_TEST(smap_and_implicit_accesses)
{
    for (unsigned ac = 0; ac < 2; ac++) {
        struct bench *b = guarded(SMAP);
        for (unsigned n = 0; n < GDT_ENTRIES; n++)
            for (unsigned k = 0; k < 2; k++)
                poke32(b, DATA + n * 8 + k * 4, peek32(b, GDT + n * 8 + k * 4));
        b->r.gdt_base = VIRT;
        b->r.idt_limit = 0;                             /* no handler: shuts down with #PF first */
        if (ac) b->r.rflags |= EF_AC;
        code_at(b, CODE, "B8 10000000 8EC0 F4");
        ck_assert_int_eq(bench_go(b, 10), CPU_SHUTDOWN);
        ck_assert_uint_eq(b->r.cr2, VIRT + 0x10);
        bench_free(b);
    }
}
END_TEST

START_TEST(smep)
{
    struct bench *b = guarded(0);
    poke8(b, DATA, 0xF4);
    bench_run(b, "E9 FBFF3E00");                               /* jmp VIRT */
    ck_assert_uint_eq(b->r.rip, VIRT + 1);
    bench_free(b);
    b = guarded(SMEP);
    bench_run(b, "B8 00004000 FFE0");
    ck_assert_int_eq(vector_taken(b), 14);
    ck_assert_uint_eq(stack32(b, 0), 0x11);                    /* present, fetch */
    ck_assert_uint_eq(b->r.cr2, VIRT);
    bench_free(b);
    ck_open(guarded(SMEP), "A1 00004000 F4");                  /* data are no matter */
}
END_TEST

START_TEST(stac_and_clac_are_for_ring_0_with_smap)
{
    struct bench *b = bench_protected(3);
    bench_run(b, "0F01CB");
    ck_assert_int_eq(vector_taken(b), 6);
    bench_free(b);
    static const char *const bad[] = { "66 0F01CB", "F3 0F01CA", "F0 0F01CB" };
    for (unsigned n = 0; n < COUNT_OF(bad); n++) {
        b = bench_protected(0);
        bench_run(b, bad[n]);
        ck_assert_int_eq(vector_taken(b), 6);
        bench_free(b);
    }
    b = bench_protected_on(&(struct cpu_config){ .model = "nehalem" }, 0);
    bench_run(b, "0F01CB");
    ck_assert_int_eq(vector_taken(b), 6);
    bench_free(b);
}
END_TEST

START_TEST(umip)
{
    static const char *const reads[] = { "0F0100 F4", "0F0108 F4", "0F0000 F4",
                                         "0F0008 F4", "0F0120 F4", "0F01E0 F4" };
    for (unsigned n = 0; n < COUNT_OF(reads) * 3; n++) {
        unsigned ring = n % 3 ? 3 : 0;
        struct bench *b = bench_protected(ring);
        b->r.cr4 = n % 3 == 1 ? 0 : UMIP;
        b->r.gpr[GPR_AX] = DATA;
        bench_run(b, reads[n / 3]);
        /* HLT in ring 3 is #GP at HLT */
        bool barred = ring && stack32(b, 1) == CODE;
        ck_assert_msg(barred == (n % 3 == 2), "%u", n);
        bench_free(b);
    }
}
END_TEST

/* Bits 20-13 of the PDE of a 4 MiB page are bits 39-32; those beyond the model's are reserved. */
START_TEST(pse36)
{
    static const struct { const char *model; uint32_t pde; int vector; } cases[] = {
        { "p3", 1 << 13, -1 }, { "p3", 8 << 13, -1 }, { "p3", 0x10 << 13, 14 },
        { "p3", 1 << 21, 14 }, { "pentium", 1 << 13, 14 }, { NULL, 0x80 << 13, -1 },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *b = bench_protected_on(&(struct cpu_config){ .model = cases[n].model }, 0);
        poke32(b, PD, P | W | PS);
        poke32(b, PD + 4, cases[n].pde | P | W | PS);
        poke32(b, DATA, 0x1234);
        b->r.cr3 = PD;
        b->r.cr4 = 0x10;
        b->r.cr0 |= 0x80000000;
        bench_run(b, "A1 00004300 F4");
        ck_assert_int_eq(vector_taken(b), cases[n].vector);
        if (cases[n].vector < 0) ck_assert_uint_ne(b->r.gpr[GPR_AX], 0x1234);  /* not below 4 GiB */
        else ck_assert_uint_eq(stack32(b, 0), 9);
        bench_free(b);
    }
}
END_TEST

/* CR4 bits follow the model; PCID only in long mode. */
START_TEST(cr4_bits)
{
    static const struct { const char *model, *add; uint32_t cr4; int vector; } cases[] = {
        { NULL, NULL, UMIP | SMEP | SMAP | OSXSAVE | FSGSBASE, -1 }, { NULL, NULL, PCIDE, 13 },
        { NULL, "pcid", PCIDE, 13 }, { "core2", NULL, OSXSAVE, -1 }, { "core2", NULL, SMEP, 13 },
        { "p4", NULL, OSXSAVE, 13 }, { "p3", NULL, 0x600, -1 }, { "p2", NULL, 0x400, 13 },
        { "p2", NULL, 0x200, -1 }, { "pentium", NULL, 0x80, 13 }, { "pentium", NULL, 0x18, -1 },
        { NULL, NULL, 1u << 31, 13 },
        { "486", NULL, 0, 6 },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *b = bench_protected_on(&(struct cpu_config){
            .model = cases[n].model, .add_features = cases[n].add }, 0);
        b->r.gpr[GPR_AX] = cases[n].cr4;
        bench_run(b, "0F22E0 F4");
        ck_assert_msg(vector_taken(b) == cases[n].vector, "%u", n);
        bench_free(b);
    }
}
END_TEST

START_TEST(invpcid)
{
    static const struct { uint32_t type, pcid; int vector; } cases[] = {
        { 0, 0, -1 }, { 1, 0, -1 }, { 2, 5, -1 }, { 3, 0, -1 }, { 4, 0, 13 }, { 0, 1, 13 },
        { 1, 1, 13 }, { 2, 0x1000, 13 },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *b = bench_protected_on(&(struct cpu_config){ .add_features = "invpcid" }, 0);
        poke32(b, DATA, cases[n].pcid);
        b->r.gpr[GPR_AX] = cases[n].type;
        b->r.gpr[GPR_BX] = DATA;
        bench_run(b, "66 0F3882 03 F4");
        ck_assert_msg(vector_taken(b) == cases[n].vector, "%u", n);
        bench_free(b);
    }
    struct bench *b = bench_protected(0);
    bench_run(b, "66 0F3882 03 F4");                           /* not in the default model */
    ck_assert_int_eq(vector_taken(b), 6);
    bench_free(b);
}
END_TEST

/* ---- XSAVE ----------------------------------------------------------------------------------- */
static struct bench *xsaving(const char *code, uint32_t eax)
{
    struct bench *b = bench_protected(0);
    b->r.cr4 = OSXSAVE | 0x600;
    b->r.gpr[GPR_BX] = DATA;
    b->r.gpr[GPR_AX] = eax;
    bench_run(b, code);
    return b;
}

START_TEST(xsave_and_xrstor)
{
    /* XCR0 = 3; xmm1 = all ones; fninit; fld1; xsave [ebx]; xorps; fninit; xrstor;
     * movups [ebx+400h], xmm1 */
    struct bench *b = xsaving("31D2 31C9 B803000000 0F01D1 0F57C9 0FC2C900 DBE3 D9E8 0FAE23 "
                              "0F57C9 DBE3 0FAE2B 0F118B 00040000 DD9B 10040000 F4", 0);
    ck_assert_int_eq(vector_taken(b), -1);
    ck_assert_uint_eq(peek32(b, DATA + 512), 3);
    ck_assert_uint_eq(peek32(b, DATA + 0x400), 0xFFFFFFFF);
    ck_assert_uint_eq(peek32(b, DATA + 0x414), 0x3FF00000);    /* 1.0 */
    bench_free(b);
    /* a component that the header does not name is initialised; MXCSR is loaded all the same */
    b = bench_protected(0);
    poke32(b, DATA + 24, 0x1FBF);
    code_at(b, CODE,
            "31D2 31C9 B803000000 0F01D1 0FC2C900 0FAE2B 0F118B 00040000 0FAE9B 10040000 F4");
    b->r.cr4 = OSXSAVE | 0x600;
    b->r.gpr[GPR_BX] = DATA;
    ck_assert_int_eq(bench_go(b, 50), CPU_HALTED);
    ck_assert_int_eq(vector_taken(b), -1);
    ck_assert_uint_eq(peek32(b, DATA + 0x400), 0);
    ck_assert_uint_eq(peek32(b, DATA + 0x410), 0x1FBF);
    bench_free(b);
    /* only the x87: the SSE part of memory and its bit in the header stay */
    b = bench_protected(0);
    poke32(b, DATA + 512, 2);
    poke32(b, DATA + 160, 0x77777777);
    poke32(b, DATA + 24, 0x88888888);
    b->r.cr4 = OSXSAVE | 0x600;
    b->r.gpr[GPR_BX] = DATA;
    b->r.gpr[GPR_AX] = 1;
    bench_run(b, "31D2 31C9 B803000000 0F01D1 B801000000 0FAE23 F4");
    ck_assert_int_eq(vector_taken(b), -1);
    ck_assert_uint_eq(peek32(b, DATA + 512), 3);
    ck_assert_uint_eq(peek32(b, DATA + 160), 0x77777777);
    ck_assert_uint_eq(peek32(b, DATA + 24), 0x88888888);
    bench_free(b);
}
END_TEST

START_TEST(xsave_faults)
{
    static const struct { uint32_t cr0, cr4, at, header, compact; int vector; } cases[] = {
        { 0, OSXSAVE, DATA, 1, 0, -1 }, { 0, 0, DATA, 1, 0, 6 }, { 8, OSXSAVE, DATA, 1, 0, 7 },
        { 0, OSXSAVE, DATA + 16, 0, 0, 13 }, { 0, OSXSAVE, DATA, 2, 0, 13 },
        { 0, OSXSAVE, DATA, 1, 1, 13 },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *b = bench_protected(0);
        b->r.cr0 |= cases[n].cr0;
        b->r.cr4 = cases[n].cr4;
        b->r.gpr[GPR_BX] = cases[n].at;
        b->r.gpr[GPR_AX] = 3;
        poke32(b, DATA + 512, cases[n].header);
        poke32(b, DATA + 520, cases[n].compact);
        bench_run(b, "0FAE2B F4");
        ck_assert_msg(vector_taken(b) == cases[n].vector, "%u: %d", n, vector_taken(b));
        bench_free(b);
    }
    static const struct { uint32_t ecx, edx, eax; int vector; } values[] = {
        { 0, 0, 3, -1 }, { 0, 0, 1, -1 }, { 0, 0, 2, 13 }, { 0, 0, 7, 13 }, { 1, 0, 3, 13 },
        { 0, 1, 3, 13 },
    };
    for (unsigned n = 0; n < COUNT_OF(values); n++) {
        struct bench *b = bench_protected(0);
        b->r.cr4 = OSXSAVE;
        b->r.gpr[GPR_CX] = values[n].ecx;
        b->r.gpr[GPR_DX] = values[n].edx;
        b->r.gpr[GPR_AX] = values[n].eax;
        bench_run(b, "0F01D1 0F01D0 F4");                      /* xsetbv; xgetbv */
        ck_assert_msg(vector_taken(b) == values[n].vector, "%u", n);
        if (values[n].vector < 0) ck_assert_uint_eq(b->r.gpr[GPR_AX], values[n].eax);
        bench_free(b);
    }
    struct bench *b = bench_protected(0);                      /* CPUID shows what CR4 says */
    b->r.cr4 = OSXSAVE;
    b->r.gpr[GPR_AX] = 1;
    bench_run(b, "0FA2 F4");
    ck_assert_uint_eq(b->r.gpr[GPR_CX] >> 26 & 3, 3);
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("guard");
    TCase *t = tcase_create("guard");
    tcase_add_test(t, smap);
    tcase_add_test(t, smap_and_implicit_accesses);
    tcase_add_test(t, smep);
    tcase_add_test(t, stac_and_clac_are_for_ring_0_with_smap);
    tcase_add_test(t, umip);
    tcase_add_test(t, pse36);
    tcase_add_test(t, cr4_bits);
    tcase_add_test(t, invpcid);
    tcase_add_test(t, xsave_and_xrstor);
    tcase_add_test(t, xsave_faults);
    suite_add_tcase(s, t);
    return bench_main(s);
}
