/* SPDX-License-Identifier: MIT
 * Far JMP, CALL, RET and IRET. SDM vol. 2; vol. 3, 5.8.
 */
#include "bench_cpu.h"

START_TEST(real_mode_call_and_return)
{
    struct bench *b = bench_real();
    code_at(b, 0x25000, "CA 04 00");                   /* retf 4 */
    bench_run(b, "9A 00 00 00 25 F4");
    ck_assert_uint_eq(b->r.rip, 6);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK0 + 4);
    ck_assert_uint_eq(peek16(b, STACK0 - 2), CODE >> 4);
    ck_assert_uint_eq(peek16(b, STACK0 - 4), 5);
    bench_free(b);
}
END_TEST

START_TEST(real_mode_jump_beyond_64k_is_gp)
{
    struct bench *b = bench_real();
    bench_run(b, "66 EA 00 00 01 00 00 20");
    ck_assert_int_eq(vector_taken(b), 13);
    bench_free(b);
}
END_TEST

START_TEST(jump_to_code)
{
    struct bench *b = bench_protected(0);
    poke8(b, CODE + 0x1234, 0xF4);
    bench_run(b, "EA 34 12 01 00 08 00");
    ck_assert_uint_eq(b->r.rip, CODE + 0x1235);
    bench_free(b);
}
END_TEST

START_TEST(jump_errors)
{
    static const struct {
        unsigned ring; uint16_t selector; int vector; uint32_t error;
    } cases[] = {
        { 0, 0, 13, 0 }, { 0, 0x800, 13, 0x800 }, { 0, SEL_DATA0, 13, SEL_DATA0 },
        { 0, SEL_CODE3, 13, SEL_CODE3 & ~3 },          /* not even to an outer ring */
        { 0, SEL_CODE0 | 1, 13, SEL_CODE0 },           /* RPL > CPL */
        { 3, SEL_CODE0, 13, SEL_CODE0 }, { 0, SEL_LDT, 13, SEL_LDT }, { 0, SEL_FREE, 11, SEL_FREE },
        { 0, SEL_TSS, 13, SEL_TSS },                   /* busy */
        { 3, SEL_TSS2, 13, SEL_TSS2 },                 /* TSS of ring 0 */
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *b = bench_protected(cases[n].ring);
        char hex[32];
        gdt_set(b, SEL_FREE, descriptor(0, 0xFFFFF, B_CODE0 & ~0x80));
        snprintf(hex, sizeof hex, "EA 00 00 02 00 %02X %02X", cases[n].selector & 0xFF,
                 cases[n].selector >> 8);
        ck_fault(b, hex, cases[n].vector, cases[n].error);
        bench_free(b);
    }
}
END_TEST

START_TEST(target_beyond_limit)
{
    struct bench *b = bench_protected(0);
    ck_fault(b, "EA 00 00 01 00 60 00", 13, 0);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK0 - 16);  /* nothing was pushed by the jump */
    bench_free(b);
}
END_TEST

START_TEST(conforming_code_keeps_the_ring)
{
    struct bench *b = bench_protected(3);
    code_at(b, DATA, "EB FE");
    code_at(b, CODE, "9A 00 00 03 00 40 00");
    bench_go(b, 2);
    ck_assert_uint_eq(b->r.rip, DATA);
    ck_assert_uint_eq(b->r.cpl, 3);
    ck_assert_uint_eq(b->r.seg[SR_CS].selector, SEL_CONFORMING | 3);
    ck_assert_uint_eq(stack32(b, 0), CODE + 7);
    ck_assert_uint_eq(stack32(b, 1), SEL_CODE3);
    bench_free(b);
}
END_TEST

/* ---- call gates ------------------------------------------------------------------------------ */
START_TEST(call_gate_copies_parameters)
{
    struct bench *b = bench_protected(3);
    gdt_set(b, SEL_GATE, gate(SEL_CODE0, DATA, B_CALL32 | B_DPL3, 2));
    poke32(b, STACK3, 0x11112222);
    poke32(b, STACK3 + 4, 0x33334444);
    code_at(b, DATA, "F4");
    bench_run(b, "9A 00 00 00 00 4B 00");
    ck_assert_uint_eq(b->r.rip, DATA + 1);
    ck_assert_uint_eq(b->r.cpl, 0);
    const uint32_t frame[] = { CODE + 7, SEL_CODE3, 0x11112222, 0x33334444, STACK3, SEL_DATA3 };
    for (unsigned n = 0; n < COUNT_OF(frame); n++) ck_assert_uint_eq(stack32(b, n), frame[n]);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK0 - 24);
    bench_free(b);
}
END_TEST

START_TEST(return_through_call_gate)
{
    struct bench *b = bench_protected(3);
    gdt_set(b, SEL_GATE, gate(SEL_CODE0, DATA, B_CALL32 | B_DPL3, 2));
    code_at(b, DATA, "66 B8 10 00 8E D8 8E E0 CA 08 00");          /* ds = fs = 10h; retf 8 */
    code_at(b, CODE, "9A 00 00 00 00 4B 00 EB FE");
    bench_go(b, 6);
    ck_assert_uint_eq(b->r.rip, CODE + 7);
    ck_assert_uint_eq(b->r.cpl, 3);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK3 + 8);
    ck_assert_uint_eq(b->r.seg[SR_SS].selector, SEL_DATA3);
    ck_assert_uint_eq(b->r.seg[SR_DS].selector, 0);    /* ring 0 data is hidden */
    ck_assert_uint_eq(b->r.seg[SR_FS].selector, 0);
    ck_assert_uint_eq(b->r.seg[SR_ES].selector, SEL_DATA3);
    bench_free(b);
}
END_TEST

START_TEST(sixteen_bit_call_gate)
{
    struct bench *b = bench_protected(3);
    gdt_set(b, SEL_GATE, gate(SEL_CODE0, 0xFFFF0000 | 0x2000, 0x84 | B_DPL3, 1));
    poke16(b, STACK3, 0x5678);
    code_at(b, 0x2000 + 0x700, "F4");
    gdt_set(b, SEL_GATE, gate(SEL_CODE0, 0x2700, 0x84 | B_DPL3, 1));
    idt_set(b, 0xE0, 0xF4);                            /* 2700h lies in the unused end of the IDT */
    bench_run(b, "9A 00 00 00 00 4B 00");
    ck_assert_uint_eq(b->r.rip, 0x2701);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK0 - 10);
    ck_assert_uint_eq(peek16(b, STACK0 - 10), CODE + 7 - 0x10000);
    ck_assert_uint_eq(peek16(b, STACK0 - 6), 0x5678);
    ck_assert_uint_eq(peek16(b, STACK0 - 2), SEL_DATA3);
    bench_free(b);
}
END_TEST

START_TEST(call_gate_errors)
{
    static const struct {
        uint64_t gate; uint16_t selector; int vector; uint32_t error;
    } cases[] = {
        { 0x00008C0000080000, SEL_GATE | 3, 13, SEL_GATE },        /* DPL 0 */
        { 0x00006C0000080000, SEL_GATE | 3, 11, SEL_GATE },        /* not present */
        { 0x0000EC0000000000, SEL_GATE | 3, 13, 0 },               /* null code selector */
        { 0x0000EC0000100000, SEL_GATE | 3, 13, SEL_DATA0 },       /* data */
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *b = bench_protected(3);
        gdt_set(b, SEL_GATE, cases[n].gate);
        ck_fault(b, "9A 00 00 00 00 4B 00", cases[n].vector, cases[n].error);
        bench_free(b);
    }
    struct bench *b = bench_protected(3);              /* JMP may not change the ring */
    gdt_set(b, SEL_GATE, gate(SEL_CODE0, DATA, B_CALL32 | B_DPL3, 0));
    ck_fault(b, "EA 00 00 00 00 4B 00", 13, SEL_CODE0);
    bench_free(b);
}
END_TEST

/* ---- returns --------------------------------------------------------------------------------- */
/* Runs an IRET frame in ring 0. */
static struct bench *iret_frame(unsigned count, const uint32_t *frame)
{
    struct bench *b = bench_protected(0);
    b->r.gpr[GPR_SP] = STACK0 - 4 * count;
    for (unsigned n = 0; n < count; n++) poke32(b, STACK0 - 4 * count + 4 * n, frame[n]);
    code_at(b, DATA, "EB FE");
    code_at(b, CODE, "CF");
    return b;
}

START_TEST(iret_to_ring_3)
{
    const uint32_t frame[] = { DATA, SEL_CODE3, 2 | EF_IF | EF_IOPL3, 0x9000, SEL_DATA3 };
    struct bench *b = iret_frame(5, frame);
    bench_go(b, 1);
    ck_assert_uint_eq(b->r.rip, DATA);
    ck_assert_uint_eq(b->r.cpl, 3);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], 0x9000);
    ck_assert_uint_eq(b->r.rflags, 2 | EF_IF | EF_IOPL3);
    ck_assert_uint_eq(b->r.seg[SR_DS].selector, 0);
    bench_free(b);
}
END_TEST

START_TEST(iret_cannot_raise_privilege)
{
    static const struct { uint32_t cs, ss; int vector; uint32_t error; } cases[] = {
        { SEL_CODE3 & ~3, SEL_DATA3, 13, SEL_CODE3 & ~3 }, { 0, 0, 13, 0 },
        { SEL_DATA0, 0, 13, SEL_DATA0 },
        { SEL_CODE3, SEL_DATA0, 13, SEL_DATA0 }, { SEL_CODE3, 0, 13, 0 },
        { SEL_CODE3, SEL_ABSENT, 13, SEL_ABSENT },
        { SEL_CODE3, SEL_READONLY | 3, 13, SEL_READONLY },
        { SEL_FREE | 3, SEL_DATA3, 11, SEL_FREE },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        const uint32_t frame[] = { DATA, cases[n].cs, 2, 0x9000, cases[n].ss };
        struct bench *b = iret_frame(5, frame);
        gdt_set(b, SEL_FREE, descriptor(0, 0xFFFFF, B_CODE3 & ~0x80));
        ck_fault(b, "CF", cases[n].vector, cases[n].error);
        ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK0 - 20 - 16);     /* ESP was as before the IRET */
        bench_free(b);
    }
}
END_TEST

START_TEST(iret_in_ring_3_keeps_iopl_and_if)
{
    struct bench *b = bench_protected(3);
    const uint32_t frame[] = { DATA, SEL_CODE3, 0x3202 | EF_CF | EF_VM };
    for (unsigned n = 0; n < 3; n++) poke32(b, STACK3 - 12 + 4 * n, frame[n]);
    b->r.gpr[GPR_SP] = STACK3 - 12;
    code_at(b, CODE, "CF");
    code_at(b, DATA, "EB FE");
    bench_go(b, 1);
    ck_assert_uint_eq(b->r.rip, DATA);
    ck_assert_uint_eq(b->r.rflags, 2 | EF_CF);
    bench_free(b);
}
END_TEST

START_TEST(iret_to_16_bit_stack_keeps_upper_esp)
{
    const uint32_t frame[] = { DATA, SEL_CODE3, 2, 0x00009000, SEL_FREE | 3 };
    struct bench *b = iret_frame(5, frame);
    gdt_set(b, SEL_FREE, descriptor(DATA, 0xFFFF, 0xF3));
    bench_go(b, 1);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], ((STACK0 - 20) & 0xFFFF0000) | 0x9000);
    ck_assert_uint_eq(b->r.seg[SR_SS].base, DATA);
    bench_free(b);
}
END_TEST

START_TEST(iret_to_vm86)
{
    const uint32_t frame[] = { 0x100, 0x1000, 2 | EF_VM | EF_IF, 0x8000, 0x2000, 0x3000, 0x4000,
                               0x5000, 0x6000 };
    struct bench *b = iret_frame(9, frame);
    code_at(b, 0x10100, "EB FE");
    bench_go(b, 2);
    ck_assert_uint_eq(b->r.rip, 0x100);
    ck_assert_uint_eq(b->r.cpl, 3);
    ck_assert_uint_eq(b->r.rflags, 2 | EF_VM | EF_IF);
    static const uint16_t selectors[6] = { 0x3000, 0x1000, 0x2000, 0x4000, 0x5000, 0x6000 };
    for (unsigned s = 0; s < 6; s++) {
        ck_assert_uint_eq(b->r.seg[s].selector, selectors[s]);
        ck_assert_uint_eq(b->r.seg[s].base, selectors[s] * 16u);
    }
    bench_free(b);
}
END_TEST

START_TEST(iret_16_bit_in_vm86)
{
    struct bench *b = bench_vm86(3);
    poke16(b, 0x30020 + 0x1000, 0x20);                 /* SS is 3002h */
    poke16(b, 0x30020 + 0x1002, 0x1000);
    poke16(b, 0x30020 + 0x1004, 0x0000 | EF_IF);       /* IOPL 0 in the image */
    code_at(b, CODE + 0x20, "EB FE");
    code_at(b, CODE, "CF");
    bench_go(b, 1);
    ck_assert_uint_eq(b->r.rip, 0x20);
    ck_assert_uint_eq(b->r.rflags, 2 | EF_VM | EF_IF | EF_IOPL3);
    bench_free(b);
    b = bench_vm86(2);
    bench_run(b, "CF");
    ck_assert_int_eq(vector_taken(b), 13);
    bench_free(b);
}
END_TEST

START_TEST(retf_stack_fault_changes_nothing)
{
    struct bench *b = bench_protected(0);
    b->r.seg[SR_SS].limit = STACK0 + 3;
    poke32(b, STACK0, DATA);
    ck_fault(b, "CB", 12, 0);
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("far");
    TCase *tc = tcase_create("far");
    tcase_add_test(tc, real_mode_call_and_return);
    tcase_add_test(tc, real_mode_jump_beyond_64k_is_gp);
    tcase_add_test(tc, jump_to_code);
    tcase_add_test(tc, jump_errors);
    tcase_add_test(tc, target_beyond_limit);
    tcase_add_test(tc, conforming_code_keeps_the_ring);
    tcase_add_test(tc, call_gate_copies_parameters);
    tcase_add_test(tc, return_through_call_gate);
    tcase_add_test(tc, sixteen_bit_call_gate);
    tcase_add_test(tc, call_gate_errors);
    tcase_add_test(tc, iret_to_ring_3);
    tcase_add_test(tc, iret_cannot_raise_privilege);
    tcase_add_test(tc, iret_in_ring_3_keeps_iopl_and_if);
    tcase_add_test(tc, iret_to_16_bit_stack_keeps_upper_esp);
    tcase_add_test(tc, iret_to_vm86);
    tcase_add_test(tc, iret_16_bit_in_vm86);
    tcase_add_test(tc, retf_stack_fault_changes_nothing);
    suite_add_tcase(suite, tc);
    return bench_main(suite);
}
