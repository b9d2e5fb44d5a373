/* SPDX-License-Identifier: MIT
 * Debug registers: breakpoints of all kinds, single steps, RF, MOV SS.
 * SDM vol. 3, 17.2, 17.3.1, 6.9.
 */
#include "bench_cpu.h"

enum { DR6_NONE = 0xFFFF0FF0, BD = 1 << 13, BS = 1 << 14, BT = 1 << 15, CR4_DE = 8 };
enum { EXECUTE, STORE, PORT, ACCESS };

/* Breakpoint n of a kind and a length of 1, 2, 4 or 8 bytes, by its local enable bit. */
static void watch(struct bench *b, unsigned n, uint64_t at, unsigned kind, unsigned length)
{
    static const unsigned code[9] = { [1] = 0, [2] = 1, [4] = 3, [8] = 2 };
    b->r.dr[n] = at;
    b->r.dr[7] |= 1u << 2 * n | (uint64_t)(kind | code[length] << 2) << (16 + 4 * n);
}

/* In the handler of #DB: DR6, and the EIP and flags that were pushed. */
static void ck_debug(struct bench *b, uint32_t dr6, uint32_t eip)
{
    ck_assert_int_eq(vector_taken(b), 1);
    ck_assert_uint_eq(b->r.dr[6], DR6_NONE | dr6);
    ck_assert_uint_eq(stack32(b, 0), eip);
}

/* ---- data ------------------------------------------------------------------------------------ */
/* Each access in front of a HLT: the trap comes after it, or not at all. */
START_TEST(data_breakpoints)
{
    static const struct {
        const char *code;
        unsigned len, offset, kind, length;
        bool hit;
    } cases[] = {
        {"A1 00 00 03 00", 5, 0, ACCESS, 4, true}, /* mov eax, [DATA] */
        {"A1 00 00 03 00", 5, 0, STORE, 4, false},
        {"A3 00 00 03 00", 5, 0, STORE, 4, true}, /* mov [DATA], eax */
        {"A3 00 00 03 00", 5, 0, ACCESS, 4, true},
        {"A3 00 00 03 00", 5, 3, STORE, 1, true},
        {"A3 00 00 03 00", 5, 4, STORE, 1, false},
        {"A3 02 00 03 00", 5, 0, STORE, 4, true}, /* overlap from above */
        {"A3 02 00 03 00", 5, 0, STORE, 2, false},
        {"A3 02 00 03 00", 5, 3, STORE, 2, true}, /* DR0's low bit is ignored */
        {"A2 07 00 03 00", 5, 2, STORE, 8, true}, /* mov [DATA + 7], al */
        {"A2 08 00 03 00", 5, 2, STORE, 8, false},
        {"FF 05 00 00 03 00", 6, 0, STORE, 4, true}, /* inc dword [DATA] */
        {"FF 05 00 00 03 00", 6, 1, ACCESS, 1, true},
        {"3B 05 00 00 03 00", 6, 0, ACCESS, 4, true}, /* cmp eax, [DATA] */
        {"3B 05 00 00 03 00", 6, 0, STORE, 4, false},
        {"0F B1 0D 00 00 03 00", 7, 0, STORE, 4, true},  /* cmpxchg: always stores */
        {"0F B6 05 00 00 03 00", 7, 0, ACCESS, 1, true}, /* movzx eax, byte */
        {"FF 35 00 00 03 00", 6, 0, ACCESS, 4, true},    /* push dword [DATA] */
        {"A3 FE 0F 03 00", 5, 0x1000, STORE, 1, true},   /* across a page end */
        {"A3 FE 0F 03 00", 5, 0xFFF, STORE, 1, true},
        {"D9 05 00 00 03 00", 6, 0, ACCESS, 4, true},     /* fld dword */
        {"DD 1D 00 00 03 00", 6, 4, STORE, 4, true},      /* fstp qword */
        {"0F 10 05 00 00 03 00", 7, 12, ACCESS, 4, true}, /* movups xmm0, [DATA] */
        {"0F 29 05 00 00 03 00", 7, 15, STORE, 1, true},  /* movaps [DATA], xmm0 */
        {"0F 01 15 00 00 03 00", 7, 2, ACCESS, 4, true},  /* lgdt */
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *b = bench_protected(0);
        b->r.cr4 = 0x200;
        poke16(b, DATA, GDT_ENTRIES * 8 - 1);
        poke32(b, DATA + 2, GDT);
        watch(b, n & 3, DATA + cases[n].offset, cases[n].kind, cases[n].length);
        uint32_t end = code_at(b, code_at(b, CODE, cases[n].code), "F4") - 1;
        ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
        ck_assert_msg((vector_taken(b) == 1) == cases[n].hit, "case %u", n);
        if (cases[n].hit) ck_debug(b, 1u << (n & 3), end);
        if (cases[n].hit) ck_assert_uint_eq(stack32(b, 2) & EF_RF, 0);
        bench_free(b);
    }
}
END_TEST

/* A comparison and its branch may be one record: the trap comes between them. */
START_TEST(between_comparison_and_branch)
{
    static const char *const code[] = {"3B 05 00 00 03 00 75 10 F4",
                                       "83 3D 00 00 03 00 00 74 10 F4"};
    for (unsigned n = 0; n < COUNT_OF(code); n++) {
        struct bench *b = bench_protected(0);
        b->r.gpr[GPR_CX] = 5;
        b->r.gpr[GPR_BX] = DATA;
        watch(b, 0, DATA, ACCESS, 4);
        bench_run(b, code[n]);
        ck_debug(b, 1, CODE + 6 + n);
        bench_free(b);
    }
}
END_TEST

/* The same page before and after the breakpoint was there: no cached translation may stay. */
START_TEST(a_breakpoint_comes_and_goes)
{
    struct bench *b = bench_protected(0);
    code_at(b, HANDLERS + 16, "41 CF");                /* inc ecx; iret */
    b->r.gpr[GPR_AX] = 1 << 16 | 3 << 18 | 2;          /* DR7: stores, 4 bytes, G0 */
    b->r.dr[0] = DATA;
    /* mov [DATA], ebx; mov dr7, eax; mov [DATA], ebx twice; mov dr7, edx; mov [DATA], ebx; hlt */
    bench_run(b, "89 1D 00 00 03 00 0F 23 F8 89 1D 00 00 03 00 89 1D 00 00 03 00 0F 23 FA "
                 "89 1D 00 00 03 00 F4");
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 2);
    bench_free(b);
}
END_TEST

START_TEST(two_breakpoints_at_once)
{
    struct bench *b = bench_protected(0);
    b->r.rflags |= EF_TF;
    b->r.dr[6] = DR6_NONE | 1 | BT;                    /* B0 goes, BT stays */
    watch(b, 1, DATA, STORE, 4);
    watch(b, 3, DATA + 2, ACCESS, 1);
    bench_run(b, "A3 00 00 03 00 90 F4");
    ck_debug(b, 2 | 8 | BS | BT, CODE + 5);
    bench_free(b);
}
END_TEST

/* An instruction that faults is done again: its breakpoint comes then. */
START_TEST(a_fault_comes_first)
{
    struct bench *b = bench_protected(0);
    b->r.seg[SR_SS].limit = STACK0 - 1;
    b->r.seg[SR_SS].access = 0x4093;
    b->r.gpr[GPR_SP] = STACK0 + 16;
    watch(b, 0, DATA, ACCESS, 4);
    gdt_set(b, SEL_TSS2, descriptor(TSS2, 0x67, B_TSS32));
    idt_set(b, 12, gate(SEL_TSS2, 0, B_TASK, 0));
    poke32(b, TSS2 + 0x20, CODE + 0x100);
    poke32(b, TSS2 + 0x38, STACK0);
    for (unsigned s = 0; s < 6; s++) poke16(b, TSS2 + 0x48 + 4 * s, s == 1 ? SEL_CODE0 : SEL_DATA0);
    code_at(b, CODE + 0x100, "F4");
    bench_run(b, "FF 35 00 00 03 00");                 /* push [DATA]: no room */
    ck_assert_uint_eq(b->r.rip, CODE + 0x101);
    ck_assert_uint_eq(b->r.dr[6], DR6_NONE);
    ck_assert_uint_eq(b->r.dr[7] & 0xFF, 0);           /* local enables end with the task */
    bench_free(b);
}
END_TEST

START_TEST(string_instructions_stop_at_the_element)
{
    struct bench *b = bench_protected(0);
    watch(b, 0, DATA + 0x10, STORE, 4);
    b->r.gpr[GPR_DI] = DATA;
    b->r.gpr[GPR_CX] = 16;
    bench_run(b, "F3 AB F4");                          /* rep stosd; hlt */
    ck_debug(b, 1, CODE);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 11);
    ck_assert_uint_eq(b->r.gpr[GPR_DI], DATA + 0x14);
    ck_assert_uint_eq(stack32(b, 2) & EF_RF, EF_RF);   /* not after the last iteration */
    bench_free(b);
    b = bench_protected(0);
    watch(b, 2, DATA + 15, ACCESS, 1);
    b->r.gpr[GPR_SI] = DATA;
    b->r.gpr[GPR_DI] = DATA + 0x800;
    b->r.gpr[GPR_CX] = 16;
    bench_run(b, "F3 A4 F4");                          /* rep movsb: the last byte */
    ck_debug(b, 4, CODE + 2);
    ck_assert_uint_eq(stack32(b, 2) & EF_RF, 0);
    bench_free(b);
}
END_TEST

/* ---- execution ------------------------------------------------------------------------------- */
START_TEST(instruction_breakpoint_is_a_fault)
{
    struct bench *b = bench_protected(0);
    watch(b, 1, CODE + 2, EXECUTE, 1);
    bench_run(b, "41 41 41 F4");
    ck_debug(b, 2, CODE + 2);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 2);
    ck_assert_uint_eq(stack32(b, 2) & EF_RF, 0);       /* the handler's to set */
    bench_free(b);
}
END_TEST

/* The first byte counts, prefixes included. */
START_TEST(inside_an_instruction_nothing_happens)
{
    for (unsigned n = 0; n < 3; n++) {
        struct bench *b = bench_protected(0);
        watch(b, 0, CODE + 1 + n, EXECUTE, 1);
        bench_run(b, "90 66 66 90 F4");
        ck_assert_int_eq(vector_taken(b), n ? -1 : 1);
        bench_free(b);
    }
}
END_TEST

/* A loop inside one page that ran at full speed before; the handler counts in EDX and sets RF. */
START_TEST(every_pass_of_a_loop)
{
    struct bench *b = bench_protected(0);
    code_at(b, HANDLERS + 16,
            "81 4C 24 08 00 00 01 00 42 CF"); /* or [esp + 8], RF; inc edx; iret */
    b->r.gpr[GPR_CX] = 100;
    b->r.gpr[GPR_AX] = 2;
    b->r.gpr[GPR_DX] = 0;
    b->r.dr[0] = CODE + 1;
    /* nop; 1: inc ebx; loop 1b; mov dr7, eax; mov cl, 10; test esi, esi; jnz 2f; inc esi; jmp 1b;
     * 2: hlt */
    code_at(b, CODE, "90 43 E2 FD 0F 23 F8 B1 0A 85 F6 75 03 46 EB F1 F4");
    ck_assert_int_eq(bench_go(b, 10000), CPU_HALTED);
    ck_assert_uint_eq(b->r.gpr[GPR_BX], 110);
    ck_assert_uint_eq(b->r.gpr[GPR_DX], 10);
    bench_free(b);
}
END_TEST

/* IRET with RF passes the breakpoint; the instruction after clears RF. */
START_TEST(rf_is_for_one_instruction)
{
    struct bench *b = bench_protected(0);
    code_at(b, HANDLERS + 16, "81 4C 24 08 00 00 01 00 42 CF");
    b->r.gpr[GPR_DX] = 0;
    watch(b, 0, CODE, EXECUTE, 1);
    watch(b, 1, CODE + 1, EXECUTE, 1);
    bench_run(b, "90 90 9C 0F 0B");                    /* nop; nop; pushf; ud2 */
    ck_assert_int_eq(vector_taken(b), 6);
    ck_assert_uint_eq(b->r.gpr[GPR_DX], 2);
    ck_assert_uint_eq(stack32(b, 3) & EF_RF, 0);       /* PUSHF's image */
    bench_free(b);
}
END_TEST

/* Table 6-2: trap of the last instruction, interrupt, instruction breakpoint, faults of the next */
START_TEST(priorities)
{
    struct bench *b = bench_protected(0);
    code_at(b, HANDLERS + 16, "81 64 24 08 FF FE FF FF 0F 21 F1 51 EB FE");
    b->r.rflags |= EF_TF;                              /* step over the NOP, a breakpoint at UD2 */
    watch(b, 0, CODE + 1, EXECUTE, 1);
    code_at(b, CODE, "90 0F 0B");
    bench_go(b, 5);
    ck_assert_uint_eq(peek32(b, STACK0 - 16), DR6_NONE | BS);
    ck_assert_uint_eq(peek32(b, STACK0 - 12), CODE + 1);
    bench_free(b);
    b = bench_protected(0);
    b->vector = 0x40;
    b->r.rflags |= EF_IF;
    watch(b, 0, CODE, EXECUTE, 1);
    cpu_line(b->cpu, CPU_INTR, true);
    bench_run(b, "0F 0B");
    ck_assert_int_eq(vector_taken(b), 0x40);
    ck_assert_uint_eq(stack32(b, 0), CODE);
    bench_free(b);
    b = bench_protected(0);
    watch(b, 0, CODE, EXECUTE, 1);
    bench_run(b, "0F 0B");
    ck_debug(b, 1, CODE);
    bench_free(b);
}
END_TEST

/* ---- ports ----------------------------------------------------------------------------------- */
START_TEST(port_breakpoints)
{
    static const struct { const char *code; unsigned len, port, length; bool de, hit;
    } cases[] = {
        {"E4 60", 2, 0x60, 1, true, true},
        {"E4 60", 2, 0x60, 1, false, false},
        {"E4 61", 2, 0x60, 1, true, false},
        {"E5 60", 2, 0x62, 2, true, true},
        {"E7 5E", 2, 0x60, 1, true, true},
        {"E6 5F", 2, 0x60, 4, true, false},
        {"6C", 1, 0x60, 1, true, true},
        {"6E", 1, 0x60, 1, true, true}, /* ins, outs: DX = 60h */
        {"EE", 1, 0x60, 4, true, true},
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *b = bench_protected(0);
        b->r.cr4 = cases[n].de ? CR4_DE : 0;
        b->r.gpr[GPR_DX] = 0x60;
        b->r.gpr[GPR_SI] = b->r.gpr[GPR_DI] = DATA;
        watch(b, 0, cases[n].port, PORT, cases[n].length);
        code_at(b, code_at(b, CODE, cases[n].code), "F4");
        ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
        ck_assert_msg((vector_taken(b) == 1) == cases[n].hit, "case %u", n);
        if (cases[n].hit) ck_debug(b, 1, CODE + cases[n].len);
        ck_assert_uint_eq(b->ins + b->outs, 1);
        bench_free(b);
    }
}
END_TEST

/* ---- MOV SS ---------------------------------------------------------------------------------- */
START_TEST(mov_ss_holds_its_breakpoint)
{
    struct bench *b = bench_protected(0);
    poke16(b, DATA, SEL_DATA0);
    watch(b, 0, DATA, ACCESS, 2);
    bench_run(b, "8E 15 00 00 03 00 41 41 F4");        /* mov ss, [DATA]; inc ecx */
    ck_debug(b, 1, CODE + 7);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 1);
    bench_free(b);
    b = bench_protected(0); /* INT n: at the handler's first instruction */
    poke16(b, DATA, SEL_DATA0);
    watch(b, 0, DATA, ACCESS, 2);
    bench_run(b, "8E 15 00 00 03 00 CD 40");
    ck_debug(b, 1, HANDLERS + 0x400);
    bench_free(b);
    b = bench_protected(0);                            /* INT1 takes it along */
    poke16(b, DATA, SEL_DATA0);
    watch(b, 0, DATA, ACCESS, 2);
    bench_run(b, "8E 15 00 00 03 00 F1");
    ck_debug(b, 1, CODE + 7);
    bench_free(b);
}
END_TEST

/* No single step after MOV SS; an instruction breakpoint on the next one is Intel's to suppress. */
START_TEST(mov_ss_loses_its_single_step)
{
    for (unsigned amd = 0; amd < 2; amd++) {
        struct bench *p = bench_protected(0), *b = bench_new(amd ? "amd64" : "core2");
        b->r = p->r;
        b->r.rflags |= EF_TF;
        b->r.gpr[GPR_AX] = SEL_DATA0;
        watch(b, 0, CODE + 2, EXECUTE, 1);
        bench_run(b, "8E D0 41 41 F4");
        ck_debug(b, amd ? 1 : BS, CODE + (amd ? 2 : 3));
        bench_free(b);
        bench_free(p);
    }
}
END_TEST

/* ---- other sources --------------------------------------------------------------------------- */
START_TEST(icebp)
{
    struct bench *b = bench_protected(0);
    b->r.rflags |= EF_TF;                              /* no single step on top */
    bench_run(b, "F1");
    ck_debug(b, 0, CODE + 1);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK0 - 12);
    bench_free(b);
}
END_TEST

START_TEST(general_detect_is_a_fault)
{
    struct bench *b = bench_protected(0);
    b->r.dr[7] = 0x2400;
    bench_run(b, "0F 23 C0");
    ck_debug(b, BD, CODE);
    ck_assert_uint_eq(stack32(b, 2) & EF_RF, EF_RF);
    ck_assert_uint_eq(b->r.dr[7], 0x400);
    bench_free(b);
}
END_TEST

/* TF set by POPF or IRET: one instruction runs before the first trap. */
START_TEST(tf_traps_after_the_next_instruction)
{
    struct bench *b = bench_protected(0);
    bench_run(b, "68 02 01 00 00 9D 41 41 F4");        /* push 102h; popf; inc ecx */
    ck_debug(b, BS, CODE + 7);
    bench_free(b);
    b = bench_protected(0);
    /* push 102h; push cs; push CODE + 20h; iret; there: inc ecx */
    code_at(b, CODE + 0x20, "41 41 F4");
    bench_run(b, "68 02 01 00 00 0E 68 20 00 01 00 CF");
    ck_debug(b, BS, CODE + 0x21);
    bench_free(b);
}
END_TEST

START_TEST(popf_that_clears_tf_traps)
{
    struct bench *b = bench_protected(0);
    b->r.rflags |= EF_TF;
    poke32(b, STACK0 - 4, 2);
    b->r.gpr[GPR_SP] = STACK0 - 4;
    bench_run(b, "9D 90 F4");
    ck_debug(b, BS, CODE + 1);
    ck_assert_uint_eq(stack32(b, 2) & EF_TF, 0);
    bench_free(b);
}
END_TEST

START_TEST(repetitions_step_by_iteration)
{
    struct bench *b = bench_protected(0);
    code_at(b, HANDLERS + 16, "42 CF");                /* inc edx; iret */
    b->r.rflags |= EF_TF;
    b->r.gpr[GPR_DI] = DATA;
    b->r.gpr[GPR_CX] = 5;
    b->r.gpr[GPR_DX] = 0;
    code_at(b, CODE, "F3 AA 90");
    bench_go(b, 5 + 5 * 2);
    ck_assert_uint_eq(b->r.gpr[GPR_DX], 5);
    ck_assert_uint_eq(b->r.rip, CODE + 2);
    bench_free(b);
}
END_TEST

/* ---- 64-bit code ----------------------------------------------------------------------------- */
/* Identity-mapped 2 MiB pages at 0 and at -2^47. */
static struct bench *bench_long(void)
{
    struct bench *b = bench_new("core2"), *p = bench_protected(0);
    b->r = p->r;
    bench_free(p);
    b->r.cr4 = 0x20 | CR4_DE;
    b->r.efer = 0x500;
    b->r.cr0 = 0x80000011;
    b->r.cr3 = TABLES;
    poke64(b, TABLES, (TABLES + 0x1000) | 3);
    poke64(b, TABLES + 256 * 8, (TABLES + 0x1000) | 3);
    poke64(b, TABLES + 0x1000, (TABLES + 0x2000) | 3);
    poke64(b, TABLES + 0x2000, 0x83);
    b->r.seg[SR_CS].access = 0xA09B;
    gdt_set(b, SEL_CODE0, descriptor(0, 0xFFFFF, 0xA09B));
    for (unsigned v = 0; v < 32; v++) {
        poke64(b, IDT + v * 16, gate(SEL_CODE0, HANDLERS + v * 16, B_INT32, 0));
        poke64(b, IDT + v * 16 + 8, 0);
    }
    return b;
}

START_TEST(all_64_bits_of_an_address_count)
{
    for (unsigned high = 0; high < 2; high++) {
        struct bench *b = bench_long();
        watch(b, 0, (high ? 0xFFFF800000000000 : 0) + DATA + 8, STORE, 8);
        b->r.gpr[GPR_BX] = 0xFFFF800000000000 + DATA;
        bench_run(b, "48 89 43 08 F4");                /* mov [rbx + 8], rax; hlt */
        ck_assert_int_eq(vector_taken(b), high ? 1 : -1);
        bench_free(b);
        b = bench_long();
        watch(b, 0, (high ? 0xFFFF800000000000 : 0) + CODE + 1, EXECUTE, 1);
        b->r.rip += 0xFFFF800000000000;
        bench_run(b, "90 90 F4");
        ck_assert_int_eq(vector_taken(b), high ? 1 : -1);
        bench_free(b);
    }
}
END_TEST

/* ---- cost ------------------------------------------------------------------------------------ */
/* Slices of any size and one run give the same state. */
START_TEST(slices_do_not_show)
{
    uint64_t hash[4];
    for (unsigned n = 0; n < COUNT_OF(hash); n++) {
        struct bench *b = bench_protected(0);
        code_at(b, HANDLERS + 16, "81 4C 24 08 00 00 01 00 42 CF");
        watch(b, 0, CODE + 3, EXECUTE, 1);
        watch(b, 1, DATA + 20, ACCESS, 2);
        b->r.gpr[GPR_SI] = b->r.gpr[GPR_DI] = DATA;
        /* 1: mov cl, 9; inc ebx; rep movsd; sub esi, 36; jmp 1b */
        code_at(b, CODE, "B1 09 43 F3 A5 83 EE 24 EB F6");
        cpu_set_regs(b->cpu, &b->r);
        for (unsigned at = n ? n : 500; at <= 500; at += n ? n : 1) cpu_run(b->cpu, at);
        cpu_run(b->cpu, 500);
        hash[n] = cpu_hash(b->cpu, 0);
        cpu_get_regs(b->cpu, &b->r);
        ck_assert_uint_gt(b->r.gpr[GPR_DX], 20);
        bench_free(b);
    }
    for (unsigned n = 1; n < COUNT_OF(hash); n++) ck_assert_uint_eq(hash[n], hash[0]);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("debug");
    TCase *tc = tcase_create("debug");
    tcase_add_test(tc, data_breakpoints);
    tcase_add_test(tc, between_comparison_and_branch);
    tcase_add_test(tc, a_breakpoint_comes_and_goes);
    tcase_add_test(tc, two_breakpoints_at_once);
    tcase_add_test(tc, a_fault_comes_first);
    tcase_add_test(tc, string_instructions_stop_at_the_element);
    tcase_add_test(tc, instruction_breakpoint_is_a_fault);
    tcase_add_test(tc, inside_an_instruction_nothing_happens);
    tcase_add_test(tc, every_pass_of_a_loop);
    tcase_add_test(tc, rf_is_for_one_instruction);
    tcase_add_test(tc, priorities);
    tcase_add_test(tc, port_breakpoints);
    tcase_add_test(tc, mov_ss_holds_its_breakpoint);
    tcase_add_test(tc, mov_ss_loses_its_single_step);
    tcase_add_test(tc, icebp);
    tcase_add_test(tc, general_detect_is_a_fault);
    tcase_add_test(tc, tf_traps_after_the_next_instruction);
    tcase_add_test(tc, popf_that_clears_tf_traps);
    tcase_add_test(tc, repetitions_step_by_iteration);
    tcase_add_test(tc, all_64_bits_of_an_address_count);
    tcase_add_test(tc, slices_do_not_show);
    suite_add_tcase(suite, tc);
    return bench_main(suite);
}
