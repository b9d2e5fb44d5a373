/* SPDX-License-Identifier: MIT
 * Control and debug registers, table registers, interrupt flag, TSC, CPUID, MSRs, SYSENTER, and the
 * view from outside (registers, hash). SDM vol. 2; vol. 3, 2.5, 17.2; vol. 4.
 */
#include "bench_cpu.h"

/* ---- control registers ----------------------------------------------------------------------- */
START_TEST(cr0_rules)
{
    static const struct { uint32_t value; bool fault; uint32_t after; } cases[] = {
        { 0x80000000, true, 0 },                       /* PG without PE */
        { 0x20000001, true, 0 },                       /* NW without CD */
        { 0x60000011, false, 0x60000011 }, { 0x00000001, false, 0x11 },        /* ET is always 1 */
        { 0x1FFAFFC1, false, 0x11 },                   /* undefined bits are ignored */
        { 0x0005003F, false, 0x0005003F },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *b = bench_protected(0);
        b->r.gpr[GPR_AX] = cases[n].value;
        code_at(b, CODE, "0F 22 C0");
        bench_go(b, 1);
        ck_assert_uint_eq(b->r.rip, cases[n].fault ? HANDLERS + 13 * 16 : CODE + 3u);
        ck_assert_uint_eq(b->r.cr0, cases[n].fault ? 0x11 : cases[n].after);
        bench_free(b);
    }
}
END_TEST

START_TEST(cr4_rules)
{
    static const struct { const char *model; uint32_t value; int vector; } cases[] = {
        { NULL, 0xFB & ~0x40, -1 }, { "486", 1, 6 }, { NULL, 0x80000000, 13 },
        { "pentium", 0x1C, -1 },
        { "pentium", 0x20, 13 }, { "486", 0, 6 },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *p = bench_protected(0), *b = bench_new(cases[n].model);
        b->r = p->r;
        b->r.gpr[GPR_AX] = cases[n].value;
        bench_run(b, "0F 22 E0 0F 20 E3 F4");
        ck_assert_int_eq(vector_taken(b), cases[n].vector);
        if (cases[n].vector < 0) ck_assert_uint_eq(b->r.gpr[GPR_BX], cases[n].value);
        bench_free(b);
        bench_free(p);
    }
}
END_TEST

START_TEST(no_such_control_register)
{
    static const char *const insns[] = { "0F 20 C8", "0F 22 E8", "0F 20 F0", "0F 22 F8" };
    for (unsigned n = 0; n < COUNT_OF(insns); n++) {
        struct bench *b = bench_protected(3);          /* #UD also where #GP would wait */
        bench_run(b, insns[n]);
        ck_assert_int_eq(vector_taken(b), 6);
        bench_free(b);
    }
}
END_TEST

START_TEST(lmsw_sets_but_never_clears_pe)
{
    struct bench *b = bench_protected(0);
    b->r.cr0 = 0x80050011 & 0x7FFFFFFF;
    b->r.gpr[GPR_AX] = 0xFFFFFFFE;
    /* lmsw ax; smsw ecx, dx, [DATA] */
    bench_run(b, "0F 01 F0 0F 01 E1 66 0F 01 E2 0F 01 25 00 00 03 00 F4");
    ck_assert_uint_eq(b->r.cr0, 0x0005001F);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 0x0005001F);
    ck_assert_uint_eq(b->r.gpr[GPR_DX], (0x40FF2u & 0xFFFF0000) | 0x001F);
    ck_assert_uint_eq(peek32(b, DATA), 0x001F);        /* memory: always 16 bits */
    bench_free(b);
}
END_TEST

START_TEST(real_to_protected_and_back)
{
    struct bench *b = bench_real();
    poke16(b, DATA, GDT_ENTRIES * 8 - 1);
    poke32(b, DATA + 2, GDT);
    poke64(b, GDT + SEL_FREE, descriptor(0, 0xFFFF, 0x9B));      /* 16-bit code, for the way back */
    /* lgdt [0]; mov cr0, 1; jmp 8:10100 */
    code_at(b, CODE, "0F 01 16 00 00 0F 20 C0 0C 01 0F 22 C0 66 EA 00 01 01 00 08 00");
    /* mov ecx, 12345678h; jmp 78h:0200; there: mov cr0, 0; jmp 0:0210; hlt */
    code_at(b, CODE + 0x100, "B9 78 56 34 12 66 EA 00 70 78 00");
    code_at(b, 0x7000, "0F 20 C0 24 FE 0F 22 C0 EA 10 70 00 00");
    code_at(b, 0x7010, "F4");
    ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
    ck_assert_uint_eq(b->r.rip, 0x7011);
    ck_assert_uint_eq(b->r.seg[SR_CS].selector, 0);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 0x12345678);
    ck_assert_uint_eq(b->r.gdt_base, GDT);
    bench_free(b);
}
END_TEST

START_TEST(table_registers)
{
    struct bench *b = bench_protected(0);
    poke16(b, DATA, 0x1234);
    poke32(b, DATA + 2, 0x89ABCDEF);
    /* lidt [DATA]; sidt [DATA + 10h]; o16 lidt [DATA]; sidt [DATA + 20h]; hlt */
    bench_run(b, "0F 01 1D 00 00 03 00 0F 01 0D 10 00 03 00 66 0F 01 1D 00 00 03 00 "
                 "0F 01 0D 20 00 03 00 F4");
    ck_assert_uint_eq(peek16(b, DATA + 0x10), 0x1234);
    ck_assert_uint_eq(peek32(b, DATA + 0x12), 0x89ABCDEF);
    ck_assert_uint_eq(peek32(b, DATA + 0x22), 0x00ABCDEF);
    ck_assert_uint_eq(b->r.idt_limit, 0x1234);
    bench_free(b);
    b = bench_protected(0);                            /* all or nothing at a limit */
    b->r.seg[SR_DS].limit = DATA + 4;
    b->r.seg[SR_DS].access = 0x4093;
    ck_fault(b, "0F 01 05 00 00 03 00", 13, 0);
    ck_assert_uint_eq(peek32(b, DATA), 0);
    bench_free(b);
}
END_TEST

/* ---- debug registers ------------------------------------------------------------------------- */
START_TEST(debug_registers)
{
    struct bench *b = bench_protected(0);
    /* dr0 = dr6 = dr7 = eax, read back; dr4 is dr6 without CR4.DE. ~0 would set DR7.GD. */
    b->r.gpr[GPR_AX] = 0xFFFFDFFF;
    bench_run(b, "0F 23 C0 0F 23 F0 0F 23 F8 0F 21 C3 0F 21 E1 0F 21 FA F4");
    ck_assert_uint_eq(b->r.gpr[GPR_BX], 0xFFFFDFFF);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 0xFFFFCFFF);
    ck_assert_uint_eq(b->r.gpr[GPR_DX], 0xFFFF07FF);
    bench_free(b);
    b = bench_protected(0);
    b->r.cr4 = 8;
    bench_run(b, "0F 21 E0");
    ck_assert_int_eq(vector_taken(b), 6);
    bench_free(b);
}
END_TEST

START_TEST(general_detect)
{
    struct bench *b = bench_protected(0);
    b->r.dr[7] = 0x2400;
    bench_run(b, "0F 21 C0");
    ck_assert_int_eq(vector_taken(b), 1);
    ck_assert_uint_eq(stack32(b, 0), CODE);
    ck_assert_uint_eq(b->r.dr[6] & 0x2000, 0x2000);
    ck_assert_uint_eq(b->r.dr[7], 0x400);
    bench_free(b);
}
END_TEST

/* ---- interrupt flag -------------------------------------------------------------------------- */
START_TEST(cli_sti_by_iopl)
{
    static const struct { unsigned ring, iopl; bool vm, allowed; } cases[] = {
        { 0, 0, false, true }, { 3, 0, false, false }, { 3, 2, false, false },
        { 3, 3, false, true },
        { 3, 2, true, false }, { 3, 3, true, true },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *b = cases[n].vm ? bench_vm86(cases[n].iopl) : bench_protected(cases[n].ring);
        b->r.rflags |= cases[n].iopl << 12;
        code_at(b, CODE, "FB");
        uint64_t rip = b->r.rip;
        bench_go(b, 1);
        ck_assert_uint_eq(b->r.rip, cases[n].allowed ? rip + 1 : HANDLERS + 13 * 16);
        if (cases[n].allowed) ck_assert_uint_eq(b->r.rflags & EF_IF, EF_IF);
        bench_free(b);
    }
}
END_TEST

START_TEST(sti_shadow)
{
    struct bench *b = bench_protected(0);
    b->vector = 0x30;
    cpu_line(b->cpu, CPU_INTR, true);
    bench_run(b, "FB 41 41 41 41");                    /* sti; inc ecx ... */
    ck_assert_int_eq(vector_taken(b), 0x30);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 1);
    ck_assert_uint_eq(stack32(b, 0), CODE + 2);
    bench_free(b);
    b = bench_protected(0);                            /* no shadow when IF was set */
    b->vector = 0x30;
    b->r.rflags |= EF_IF;
    code_at(b, CODE, "FB 41 41");
    bench_go(b, 1);
    cpu_line(b->cpu, CPU_INTR, true);
    cpu_run(b->cpu, cpu_ticks(b->cpu) + 10);
    cpu_get_regs(b->cpu, &b->r);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 0);
    bench_free(b);
}
END_TEST

/* ---- TSC, CPUID, MSRs ------------------------------------------------------------------------ */
START_TEST(tsc_counts_instructions)
{
    struct bench *b = bench_protected(0);
    b->r.tsc = 0x1FFFFFFFEull;
    bench_run(b, "90 90 90 0F 31 F4");
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 1);
    ck_assert_uint_eq(b->r.gpr[GPR_DX], 2);
    bench_free(b);
    b = bench_protected(3);
    b->r.cr4 = 4;                                      /* TSD */
    ck_fault(b, "0F 31", 13, 0);
    bench_free(b);
}
END_TEST

START_TEST(cpuid_leaves)
{
    struct bench *b = bench_protected_on(&(struct cpu_config){ .model = "p3" }, 3);
    code_at(b, CODE, "0F A2");
    bench_go(b, 1);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 2);
    ck_assert_uint_eq(b->r.gpr[GPR_BX], 0x756E6547);
    ck_assert_uint_eq(b->r.gpr[GPR_DX], 0x49656E69);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 0x6C65746E);
    b->r.rip = CODE;
    b->r.gpr[GPR_AX] = 1;
    bench_go(b, 1);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 0x683);
    uint32_t features = (uint32_t)b->r.gpr[GPR_DX];
    b->r.rip = CODE;
    b->r.gpr[GPR_AX] = 0x80000000;                   /* no extended leaves: the highest basic one */
    bench_go(b, 1);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 0x03020101);
    ck_assert_uint_eq(features & 0x8979, 0x8979);      /* FPU TSC MSR PAE CX8 SEP CMOV */
    ck_assert_uint_eq(features & 0x07800200, 0x03800000);     /* MMX FXSR SSE, no SSE2, no APIC */
    bench_free(b);
}
END_TEST

START_TEST(models)
{
    struct bench *p = bench_protected(0), *b = bench_new("386");
    b->r = p->r;
    bench_run(b, "0F A2");
    ck_assert_int_eq(vector_taken(b), 6);
    ck_assert_uint_eq(b->r.seg[SR_CS].selector, SEL_CODE0);
    bench_free(b);
    b = bench_new("486dx4");                              /* resets with its signature in EDX */
    ck_assert_uint_eq(b->r.gpr[GPR_DX], 0x480);
    b->r = p->r;
    bench_run(b, "0F 31");
    ck_assert_int_eq(vector_taken(b), 6);
    bench_free(b);
    bench_free(p);
    struct memory *m = memory_new(1 << 20, NULL);
    struct cpu_bus bus = { bench_in, bench_out, bench_acknowledge, NULL, NULL, NULL };
    ck_assert_ptr_null(cpu_new(&(struct cpu_config){ .model = "z80" }, m, &bus, NULL));
    memory_free(m);
}
END_TEST

/* How software tells a 386 from a 486, and whether there is CPUID: by EFLAGS.AC and ID. */
START_TEST(flags_tell_the_model)
{
    static const struct { const char *model; uint32_t kept; } cases[] = {
        { "386", 0 }, { "486", EF_AC }, { "486dx4", EF_AC | EF_ID }, { NULL, EF_AC | EF_ID },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *p = bench_protected(0), *b = bench_new(cases[n].model);
        b->r = p->r;
        poke32(b, STACK0 - 12, CODE + 0x100);
        poke32(b, STACK0 - 8, SEL_CODE0);
        poke32(b, STACK0 - 4, 2 | EF_AC | EF_ID);
        b->r.gpr[GPR_SP] = STACK0 - 12;
        code_at(b, CODE + 0x100, "F4");
        bench_run(b, "CF");
        ck_assert_uint_eq(b->r.rflags, 2 | cases[n].kept);
        bench_free(b);
        bench_free(p);
    }
}
END_TEST

START_TEST(msrs)
{
    struct bench *b = bench_protected(0);
    b->r.gpr[GPR_CX] = 0x10;                          /* TSC = 5_0000_0000h; then rdtsc two later */
    b->r.gpr[GPR_DX] = 5;
    bench_run(b, "0F 30 90 0F 31 F4");
    ck_assert_uint_eq(b->r.gpr[GPR_DX], 5);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 2);
    bench_free(b);
    static const struct { uint32_t number; const char *insn; int vector; } cases[] = {
        { 0x174, "0F 32 F4", 13 }, { 0x8B, "0F 30 F4", -1 }, { 0x1B, "0F 32 F4", -1 },
        { 0xFD, "0F 32 F4", 13 },
        { 0x277, "0F 32 F4", 13 }, { 0xC0000080, "0F 32 F4", 13 }, { 0xFFFFFFFF, "0F 30 F4", 13 },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        b = bench_protected_on(&(struct cpu_config){ .model = "ppro" }, 0);
        b->r.gpr[GPR_CX] = cases[n].number;
        bench_run(b, cases[n].insn);
        ck_assert_int_eq(vector_taken(b), cases[n].vector);
        bench_free(b);
    }
}
END_TEST

/* As many banks as MCG_CAP says, none with an error;
 * CTL keeps what is written, the others take zeroes only. */
START_TEST(machine_check_banks)
{
    static const struct {
        const char *model;
        uint32_t msr, value;
        bool write;
        int vector;
    } cases[] = {
        { "p3", 0x179, 4, false, -1 }, { "p3", 0x40F, 0, false, -1 }, { "p3", 0x410, 0, false, 13 },
        { "p3", 0x401, 0, true, -1 }, { "p3", 0x401, 1, true, 13 }, { "p3", 0x400, 1, true, -1 },
        { "p3", 0x402, 1, true, 13 }, { "p3", 0x403, 0, true, -1 },
        { "p3", 0x179, 0, true, 13 }, { "pentium", 0x179, 0, false, 13 },
        { "pentium", 1, 0, false, -1 }, { "k6_2", 1, 0, false, -1 }, { "athlon", 0, 0, false, -1 },
        { "athlon64", 1, 0, false, -1 }, { "amd64", 0, 0, false, -1 }, { "amd64", 1, 0, false, -1 },
        { "486dx4", 1, 0, false, 6 },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *p = bench_protected(0), *b = bench_new(cases[n].model);
        b->r = p->r;
        b->r.gpr[GPR_CX] = cases[n].msr;
        b->r.gpr[GPR_AX] = cases[n].write ? cases[n].value : 0xFFFFFFFF;
        b->r.gpr[GPR_DX] = 0;
        bench_run(b, cases[n].write ? "0F 30 F4" : "0F 32 F4");
        ck_assert_int_eq(vector_taken(b), cases[n].vector);
        if (cases[n].vector < 0) ck_assert_uint_eq(b->r.gpr[GPR_AX], cases[n].value);
        bench_free(b);
        bench_free(p);
    }
}
END_TEST

START_TEST(machine_check_control)
{
    struct bench *b = bench_protected_on(&(struct cpu_config){ .model = "p3" }, 0);
    b->r.gpr[GPR_CX] = 0x404;
    b->r.gpr[GPR_AX] = 0x55AA;
    b->r.gpr[GPR_DX] = 7;
    bench_run(b, "0F 30 31 C0 31 D2 0F 32 F4");     /* wrmsr; xor eax, eax; xor edx, edx; rdmsr */
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 0x55AA);
    ck_assert_uint_eq(b->r.gpr[GPR_DX], 7);
    bench_free(b);
}
END_TEST

START_TEST(sysenter_and_sysexit)
{
    struct bench *b = bench_protected(0);
    /* wrmsr 174h = SEL_CODE0, 175h = 7000h, 176h = DATA; then sysexit to ring 3 at CODE + 100h */
    code_at(b, CODE, "31 D2 B9 74 01 00 00 B8 08 00 00 00 0F 30 41 B8 00 70 00 00 0F 30 41 "
                     "B8 00 00 03 00 0F 30 BA 00 01 01 00 B9 00 C0 00 00 0F 35");
    code_at(b, CODE + 0x100, "0F 34");
    code_at(b, DATA, "F4");
    bench_go(b, 13);
    ck_assert_uint_eq(b->r.rip, CODE + 0x100);
    ck_assert_uint_eq(b->r.cpl, 3);
    ck_assert_uint_eq(b->r.seg[SR_CS].selector, SEL_CODE3);
    ck_assert_uint_eq(b->r.seg[SR_CS].access, B_CODE3);
    ck_assert_uint_eq(b->r.seg[SR_SS].selector, SEL_DATA3);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK3);
    b->r.rflags |= EF_IF;
    ck_assert_int_eq(bench_go(b, 10), CPU_HALTED);
    ck_assert_uint_eq(b->r.rip, DATA + 1);
    ck_assert_uint_eq(b->r.cpl, 0);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], 0x7000);
    ck_assert_uint_eq(b->r.rflags, (b->r.rflags & ~(uint64_t)EF_IF));
    ck_assert_uint_eq(b->r.seg[SR_SS].selector, SEL_DATA0);
    bench_free(b);
    b = bench_protected(3);                            /* SYSENTER_CS is 0 */
    ck_fault(b, "0F 34", 13, 0);
    bench_free(b);
}
END_TEST

/* ---- from outside ---------------------------------------------------------------------------- */
START_TEST(registers_round_trip)
{
    struct bench *b = bench_protected(3);
    struct cpu_regs again;
    for (unsigned n = 0; n < 8; n++) b->r.gpr[n] = 0x01010101u * n;
    b->r.rflags = 0x3ED7;
    b->r.dr[3] = 0x1234;
    cpu_set_regs(b->cpu, &b->r);
    cpu_get_regs(b->cpu, &again);
    for (unsigned n = 0; n < 16; n++) ck_assert_uint_eq(again.gpr[n], b->r.gpr[n]);
    for (unsigned n = 0; n < 8; n++) ck_assert_uint_eq(again.dr[n], b->r.dr[n]);
    for (unsigned n = 0; n < 6; n++) {
        ck_assert_uint_eq(again.seg[n].selector, b->r.seg[n].selector);
        ck_assert_uint_eq(again.seg[n].base, b->r.seg[n].base);
        ck_assert_uint_eq(again.seg[n].limit, b->r.seg[n].limit);
        ck_assert_uint_eq(again.seg[n].access, b->r.seg[n].access);
    }
    ck_assert_uint_eq(again.rip, b->r.rip);
    ck_assert_uint_eq(again.rflags, b->r.rflags);
    ck_assert_uint_eq(again.tr.base, b->r.tr.base);
    ck_assert_uint_eq(again.gdt_limit, b->r.gdt_limit);
    ck_assert_uint_eq(again.idt_base, b->r.idt_base);
    ck_assert_uint_eq(again.cr0, b->r.cr0);
    ck_assert_uint_eq(again.tsc, b->r.tsc);
    ck_assert_uint_eq(again.cpl, b->r.cpl);
    bench_free(b);
}
END_TEST

START_TEST(hash_sees_every_register)
{
    struct bench *b = bench_protected(0);
    cpu_set_regs(b->cpu, &b->r);
    uint64_t hash = cpu_hash(b->cpu, 1);
    ck_assert_uint_eq(cpu_hash(b->cpu, 1), hash);
    ck_assert_uint_ne(cpu_hash(b->cpu, 2), hash);
    uint64_t *const fields[] = { &b->r.gpr[7], &b->r.rip, &b->r.cr2, &b->r.dr[0], &b->r.gdt_base,
                                 &b->r.tsc, &b->r.seg[5].base, &b->r.tr.base };
    for (unsigned n = 0; n < COUNT_OF(fields); n++) {
        *fields[n] ^= 0x10;
        cpu_set_regs(b->cpu, &b->r);
        ck_assert_uint_ne(cpu_hash(b->cpu, 1), hash);
        *fields[n] ^= 0x10;
    }
    cpu_set_regs(b->cpu, &b->r);
    ck_assert_uint_eq(cpu_hash(b->cpu, 1), hash);
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("system");
    TCase *tc = tcase_create("system");
    tcase_add_test(tc, cr0_rules);
    tcase_add_test(tc, cr4_rules);
    tcase_add_test(tc, no_such_control_register);
    tcase_add_test(tc, lmsw_sets_but_never_clears_pe);
    tcase_add_test(tc, real_to_protected_and_back);
    tcase_add_test(tc, table_registers);
    tcase_add_test(tc, debug_registers);
    tcase_add_test(tc, general_detect);
    tcase_add_test(tc, cli_sti_by_iopl);
    tcase_add_test(tc, sti_shadow);
    tcase_add_test(tc, tsc_counts_instructions);
    tcase_add_test(tc, cpuid_leaves);
    tcase_add_test(tc, models);
    tcase_add_test(tc, flags_tell_the_model);
    tcase_add_test(tc, msrs);
    tcase_add_test(tc, machine_check_banks);
    tcase_add_test(tc, machine_check_control);
    tcase_add_test(tc, sysenter_and_sysexit);
    tcase_add_test(tc, registers_round_trip);
    tcase_add_test(tc, hash_sees_every_register);
    suite_add_tcase(suite, tc);
    return bench_main(suite);
}
