/* SPDX-License-Identifier: MIT
 * Where instructions come from: segment limits, IP's wrap, page ends, remapped pages, A20, aliases
 * of one physical page; with traces that were built before something changed.
 */
#include "bench_cpu.h"

/* ---- limits of 16-bit code ------------------------------------------------------------------- */
static struct bench *real_at(uint16_t ip, const char *hex)
{
    struct bench *b = bench_real();
    b->r.rip = ip;
    code_at(b, CODE + ip, hex);
    return b;
}
/* Real-mode fault: vector, and IP pushed. */
static void ck_real_fault(struct bench *b, int vector, uint16_t ip)
{
    ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
    ck_assert_int_eq(vector_taken(b), vector);
    ck_assert_uint_eq(stack16(b, 0), ip);
    bench_free(b);
}

START_TEST(ip_does_not_run_over_its_end)
{
    ck_real_fault(real_at(0xFFFE, "90 90 F4"), 13,
                  0x0000); /* nop; nop; then IP = 10000 is pushed as 0 */
    ck_real_fault(real_at(0xFFFF, "B8 01 00"), 13, 0xFFFF);    /* an instruction across the end */
    ck_real_fault(real_at(0xFFFE, "0F"), 13, 0xFFFE);
}
END_TEST
START_TEST(sixteen_bit_branches_wrap)
{
    struct bench *b = real_at(0xFFFE, "EB 0E");            /* to 1000E & FFFF */
    code_at(b, CODE + 0x0E, "F4");
    bench_go(b, 100);
    ck_assert_uint_eq(b->r.rip, 0x0F);
    bench_free(b);
    b = real_at(0x0005, "E9 F0 FF");                       /* to FFF8 */
    code_at(b, CODE + 0xFFF8, "F4");
    bench_go(b, 100);
    ck_assert_uint_eq(b->r.rip, 0xFFF9);
    bench_free(b);
    b = real_at(0x0000, "66 E9 FA 0F FF FF F4"); /* 32-bit displacement beyond the limit */
    ck_real_fault(b, 13, 0);
    b = real_at(0xFFFE, "74 02");                          /* jz +2, not taken: IP = 10000 */
    ck_real_fault(b, 13, 0);
}
END_TEST

/* A trace that was built under a large limit does not run under a small one. */
START_TEST(a_limit_cuts_a_known_trace)
{
    for (uint32_t limit = 0; limit < 9; limit++) {
        struct bench *b = bench_protected(0);
        code_at(b, CODE, "40 40 40 40 40 40 40 40 EB FE");
        b->r.seg[SR_CS] = (struct cpu_segment){ SEL_CODE0, CODE, 0xFFFF, 0x409B };
        b->r.rip = 0;
        ck_assert_int_eq(bench_go(b, 20), CPU_UNTIL);
        b->r.rip = 0;
        b->r.gpr[GPR_AX] = 0;
        b->r.seg[SR_CS].limit = limit;
        ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
        ck_assert_int_eq(vector_taken(b), 13);
        ck_assert_uint_eq(stack32(b, 0), 0);
        ck_assert_uint_eq(stack32(b, 1), limit < 8 ? limit + 1 : 8);    /* a branch has two bytes */
        ck_assert_uint_eq(b->r.gpr[GPR_AX], limit < 8 ? limit + 1 : 8);
        bench_free(b);
    }
}
END_TEST
START_TEST(branch_targets_are_checked)
{
    struct bench *b = bench_protected(0);
    code_at(b, CODE, "90 EB 10");
    b->r.seg[SR_CS] = (struct cpu_segment){ SEL_CODE0, CODE, 0x12, 0x409B };
    b->r.rip = 0;
    ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
    ck_assert_int_eq(vector_taken(b), 13);
    ck_assert_uint_eq(stack32(b, 1), 1);                   /* the branch's own fault */
    bench_free(b);
    /* LOOP that faults leaves its count */
    b = bench_protected(0);
    code_at(b, CODE, "90 E2 10");
    b->r.seg[SR_CS] = (struct cpu_segment){ SEL_CODE0, CODE, 0x12, 0x409B };
    b->r.rip = 0;
    b->r.gpr[GPR_CX] = 5;
    bench_go(b, 100);
    ck_assert_int_eq(vector_taken(b), 13);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 5);
    bench_free(b);
}
END_TEST

/* Flat code is not writable through CS, nor readable when it is execute-only. */
START_TEST(code_segment_as_data)
{
    static const char *const stores[] = {
        "2E FF 03", "2E 80 03 01",       "2E 01 03", "2E 89 03", "2E C7 03 01 00 00 00",
        "2E 88 23", "2E A3 00 00 03 00", "2E F7 1B"};
    static const char *const loads[] = {"2E 03 03", "2E 8B 03", "2E A1 00 00 03 00", "2E 0F B6 03",
                                        "2E 39 03"};
    for (unsigned n = 0; n < COUNT_OF(stores); n++) {
        struct bench *b = bench_protected(0);
        b->r.gpr[GPR_BX] = DATA;
        ck_fault(b, stores[n], 13, 0);
        ck_assert_uint_eq(peek32(b, DATA), 0);
        bench_free(b);
    }
    for (unsigned n = 0; n < 2 * COUNT_OF(loads); n++) {
        struct bench *b = bench_protected(0);
        b->r.gpr[GPR_BX] = DATA;
        if (n & 1) b->r.seg[SR_CS].access &= 0xFFFD;       /* execute-only */
        code_at(b, CODE, loads[n / 2]);
        ck_assert_int_eq(bench_go(b, 1), CPU_UNTIL);
        ck_assert_int_eq(b->r.rip == HANDLERS + 13 * 16, n & 1);
        bench_free(b);
    }
}
END_TEST

/* ---- pages ----------------------------------------------------------------------------------- */
enum { PT = TABLES + 0x1000, SPARE = 0x50000 };
static void pte(struct bench *b, uint32_t laddr, uint32_t entry)
{
    poke32(b, PT + (laddr >> 12) * 4, entry);
}
/* The first 4 MiB as they are, in ring 0, two page directories (TABLES, TABLES + 2000). */
static struct bench *paged(void)
{
    struct bench *b = bench_protected(0);
    poke32(b, TABLES, PT | 7);
    for (uint32_t n = 0; n < 1024; n++) poke32(b, PT + n * 4, n << 12 | 7);
    b->r.cr0 |= 0x80000000;
    b->r.cr3 = TABLES;
    return b;
}

/* MOV EAX, imm32 across a page end; the second page is replaced, with INVLPG, and by CR3. */
START_TEST(second_page_of_an_instruction_is_remapped)
{
    struct bench *b = paged();
    uint32_t second = CODE + 0x1000;
    code_at(b, CODE + 0xFFD, "B8 11 11 11 11 C3");
    memory_copy_to(b->memory, SPARE, "\x22\x22\xC3", 3);
    poke32(b, DATA, SPARE | 7);
    code_at(b, CODE, "E8 F8 0F 00 00 89 C3"                /* call CODE + FFD; mov ebx, eax */
                     "A1 00 00 03 00 A3 44 10 10 00"       /* pte of the second page = [DATA] */
                     "0F 01 3D 00 10 01 00"                /* invlpg */
                     "E8 E0 0F 00 00 F4");                 /* call CODE + FFD */
    ck_assert_uint_eq(PT + (second >> 12) * 4, 0x101044);
    ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
    ck_assert_int_eq(vector_taken(b), -1);
    ck_assert_uint_eq(b->r.gpr[GPR_BX], 0x11111111);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 0x22221111);
    bench_free(b);
}
END_TEST

START_TEST(second_page_of_an_instruction_is_absent)
{
    for (unsigned warm = 0; warm < 2; warm++) {
        struct bench *b = paged();
        code_at(b, CODE + 0xFFD, "B8 11 11 11 11");
        b->r.rip = CODE + 0xFFD;
        if (warm) bench_go(b, 1);                          /* a trace exists */
        pte(b, CODE + 0x1000, 0);
        b->r.rip = CODE + 0xFFD;
        b->r.gpr[GPR_AX] = 0;
        ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
        ck_assert_int_eq(vector_taken(b), 14);
        ck_assert_uint_eq(stack32(b, 0), 0);
        ck_assert_uint_eq(stack32(b, 1), CODE + 0xFFD);
        ck_assert_uint_eq(b->r.cr2, CODE + 0x1000);
        ck_assert_uint_eq(b->r.gpr[GPR_AX], 0);
        bench_free(b);
    }
}
END_TEST

/* The same behind the trace of a load that missed the TLB: the fault is not the load's. */
START_TEST(second_page_is_absent_behind_a_load)
{
    struct bench *b = paged();
    code_at(b, CODE, "C7 05 44 10 10 00 00 00 00 00"       /* pte of the second page = 0 */
                     "0F 01 3D 00 10 01 00"                /* invlpg [CODE + 1000] */
                     "0F 01 3D 00 00 03 00"                /* invlpg [DATA] */
                     "E9 C3 0F 00 00");                    /* jmp CODE + FE0 */
    code_at(b, CODE + 0xFE0, "90 90 90 8B 06"              /* mov eax, [esi] */
                             "90 90 90 90 90 90 90 90 90 90 90 90"
                             "90 90 90 90 90 90 90 90 90 90 90 90"
                             "B8 11 11 11 11"              /* mov eax, imm32 over the end */
                             "49 75 DB"                    /* dec ecx; jnz CODE + FE0 */
                             "E9 F6 EF FF FF");            /* jmp CODE */
    ck_assert_uint_eq(DATA, 0x30000);
    b->r.rip = CODE + 0xFE0;
    b->r.gpr[GPR_CX] = 40;
    b->r.gpr[GPR_SI] = DATA;
    ck_assert_int_eq(bench_go(b, 10000), CPU_HALTED);
    ck_assert_int_eq(vector_taken(b), 14);
    ck_assert_uint_eq(stack32(b, 1), CODE + 0xFFD);
    ck_assert_uint_eq(b->r.cr2, CODE + 0x1000);
    bench_free(b);
}
END_TEST

/* Code that goes on into the next page, which another one has replaced: links must not lead astray.
 */
START_TEST(next_page_is_remapped)
{
    struct bench *b = paged();
    code_at(b, CODE + 0xFFE, "90 90 40 90 90 90");         /* falls into the next page: inc eax */
    code_at(b, SPARE, "43 90 90 90");
    for (unsigned n = 0; n < 4; n++) {
        b->r.rip = CODE + 0xFFE;
        pte(b, CODE + 0x1000, (n & 1 ? SPARE : CODE + 0x1000) | 7);
        bench_go(b, 3);
    }
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 2);
    ck_assert_uint_eq(b->r.gpr[GPR_BX], 2);
    bench_free(b);
}
END_TEST

/* A loop inside one page, run by two linear addresses: EIP and return addresses are those of the
 * alias. */
START_TEST(aliases_share_traces)
{
    struct bench *b = paged();
    pte(b, 0x200000, CODE | 7);
    code_at(b, CODE, "E8 03 00 00 00 90 EB FE 40 C3");     /* call +3; nop; jmp $; inc eax; ret */
    static const uint32_t at[] = { CODE, 0x200000, CODE, 0x200000 };
    for (unsigned n = 0; n < 4; n++) {
        b->r.rip = at[n];
        b->r.gpr[GPR_SP] = STACK0;
        bench_go(b, 10);
        ck_assert_uint_eq(b->r.rip, at[n] + 6);
        ck_assert_uint_eq(peek32(b, STACK0 - 4), at[n] + 5);
        ck_assert_uint_eq(b->r.gpr[GPR_AX], n + 1);
    }
    bench_free(b);
}
END_TEST

/* A write through one alias is seen by the code at the other. */
START_TEST(code_changes_through_an_alias)
{
    struct bench *b = paged();
    pte(b, 0x200000, CODE | 7);
    code_at(b, CODE, "C6 05 08 00 20 00 40 90 90 EB FE");  /* mov byte [200008], 40 */
    bench_go(b, 4);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 1);
    bench_free(b);
}
END_TEST

START_TEST(user_may_not_fetch_from_the_supervisor)
{
    struct bench *b = paged();
    for (unsigned s = 0; s < 6; s++) b->r.seg[s] = flat(SEL_DATA3, B_DATA3);
    b->r.seg[SR_CS] = flat(SEL_CODE3, B_CODE3);
    b->r.cpl = 3;
    b->r.gpr[GPR_SP] = STACK3;
    code_at(b, CODE, "90 90 E9 F9 0F 00 00");              /* jmp CODE + 1000 */
    code_at(b, CODE + 0x1000, "40");
    pte(b, CODE + 0x1000, (CODE + 0x1000) | 3);
    ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
    ck_assert_int_eq(vector_taken(b), 14);
    ck_assert_uint_eq(stack32(b, 0), 5);
    ck_assert_uint_eq(stack32(b, 1), CODE + 0x1000); /* the target's fault, not the branch's */
    ck_assert_uint_eq(b->r.cr2, CODE + 0x1000);
    bench_free(b);
}
END_TEST

/* Turning paging on takes effect at the next instruction (SDM vol. 3, 9.9.1 asks for a jump there).
 */
START_TEST(paging_on_and_off)
{
    struct bench *b = paged();
    b->r.cr0 &= 0x7FFFFFFF;
    pte(b, 0x200000, SPARE | 7);
    poke32(b, SPARE, 0x11111111);
    poke32(b, 0x200000, 0x22222222);
    code_at(b, CODE,
            "8B 0D 00 00 20 00"                /* mov ecx, [200000] */
            "0F 20 C0 0D 00 00 00 80 0F 22 C0" /* mov eax, cr0; or eax, 80000000; mov cr0, eax */
            "8B 15 00 00 20 00"                /* mov edx, [200000] */
            "25 FF FF FF 7F 0F 22 C0"          /* and eax, 7FFFFFFF; mov cr0, eax */
            "8B 1D 00 00 20 00 F4");           /* mov ebx, [200000] */
    ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 0x22222222);
    ck_assert_uint_eq(b->r.gpr[GPR_DX], 0x11111111);
    ck_assert_uint_eq(b->r.gpr[GPR_BX], 0x22222222);
    bench_free(b);
}
END_TEST

/* ---- A20 ------------------------------------------------------------------------------------- */
/* FFFF:0010 is 100000: other memory with A20, 00000 without; code, too, and at once. */
START_TEST(a20_changes_code)
{
    struct bench *b = bench_real();
    b->r.seg[SR_CS] = (struct cpu_segment){ 0xFFFF, 0xFFFF0, 0xFFFF, 0x93 };
    memory_shadow(b->memory, 0xF0000, 0x10000, true, true);
    code_at(b, 0x100500, "40 90 90 90");
    code_at(b, 0x000500, "43 90 90 90");
    for (unsigned n = 0; n < 6; n++) {
        cpu_line(b->cpu, CPU_A20, !(n & 1));
        b->r.rip = 0x510;
        bench_go(b, 3);
    }
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 3);
    ck_assert_uint_eq(b->r.gpr[GPR_BX], 3);
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("fetch");
    TCase *t = tcase_create("fetch");
    tcase_add_test(t, ip_does_not_run_over_its_end);
    tcase_add_test(t, sixteen_bit_branches_wrap);
    tcase_add_test(t, a_limit_cuts_a_known_trace);
    tcase_add_test(t, branch_targets_are_checked);
    tcase_add_test(t, code_segment_as_data);
    tcase_add_test(t, second_page_of_an_instruction_is_remapped);
    tcase_add_test(t, second_page_of_an_instruction_is_absent);
    tcase_add_test(t, second_page_is_absent_behind_a_load);
    tcase_add_test(t, next_page_is_remapped);
    tcase_add_test(t, aliases_share_traces);
    tcase_add_test(t, code_changes_through_an_alias);
    tcase_add_test(t, user_may_not_fetch_from_the_supervisor);
    tcase_add_test(t, paging_on_and_off);
    tcase_add_test(t, a20_changes_code);
    suite_add_tcase(s, t);
    return bench_main(s);
}
