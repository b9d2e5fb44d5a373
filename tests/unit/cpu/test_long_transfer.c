/* SPDX-License-Identifier: MIT
 * Long mode: interrupts, system calls and far transfers.
 * SDM vol. 3, 6.14 (interrupts), 5.8 (SYSCALL, SYSRET, call gates); vol. 2.
 */
#include "tests/unit/cpu/bench_long.h"

/* ---- interrupts ------------------------------------------------------------------------------ */
START_TEST(interrupt_in_ring_0_aligns_and_pushes_the_stack)
{
    struct bench *b = bench_long(0);
    b->r.gpr[GPR_SP] = STACK0 - 4;
    bench_run(b, "CD05");
    ck_assert_int_eq(vector_taken(b), 5);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK0 - 16 - 40);
    ck_assert_uint_eq(stack64(b, 0), CODE + 2);
    ck_assert_uint_eq(stack64(b, 1), SEL_CODE64);
    ck_assert_uint_eq(stack64(b, 3), STACK0 - 4);
    ck_assert_uint_eq(stack64(b, 4), SEL_DATA0);
    ck_assert_uint_eq(b->r.seg[SR_SS].selector, SEL_DATA0);
    bench_free(b);
}
END_TEST

START_TEST(interrupt_from_ring_3_and_iretq)
{
    struct bench *b = bench_long(3);
    idt64_set(b, 0x20, SEL_CODE64, CODE + 0x800, B_INT32 | B_DPL3, 0);
    code_at(b, CODE + 0x800, "8CD0 4C8B442418 48CF"); /* mov eax, ss; mov r8, [rsp+24]; iretq */
    b->r.gpr[GPR_AX] = ~0ull;
    code_at(b, CODE, "CD20 F4");
    b->r.rflags = 0x202;
    ck_assert_int_eq(bench_go(b, 100), CPU_HALTED); /* HLT faults in ring 3: vector 13 halts */
    ck_assert_int_eq(vector_taken(b), 13);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 0); /* SS was null */
    ck_assert_uint_eq(b->r.gpr[8], STACK3);
    ck_assert_uint_eq(stack64(b, 1), CODE + 2);
    ck_assert_uint_eq(stack64(b, 2), SEL_USER64);
    ck_assert_uint_eq(stack64(b, 5), SEL_USER_DATA);
    ck_assert_uint_eq(stack64(b, 3) & 0x200, 0x200);
    bench_free(b);
}
END_TEST

START_TEST(interrupt_stack_table)
{
    struct bench *b = bench_long(0);
    idt64_set(b, 6, SEL_CODE64, HIGH + HANDLERS + 6 * 16, B_TRAP32, 1);
    code_at(b, CODE, "FB 90 0F0B");
    ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
    ck_assert_uint_eq(b->r.rip, HIGH + HANDLERS + 6 * 16 + 1);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], IST1 - 40);
    ck_assert_uint_eq(b->r.rflags & 0x200, 0x200); /* a trap gate leaves IF */
    bench_free(b);
}
END_TEST

START_TEST(bad_gates)
{
    static const struct {
        uint8_t access;
        uint16_t selector;
        uint64_t offset;
        unsigned error;
    } table[] = {
        {0x85, SEL_CODE64, HANDLERS, 5 * 8 + 2},   /* task gate */
        {0x86, SEL_CODE64, HANDLERS, 5 * 8 + 2},   /* 16-bit gate */
        {B_INT32, SEL_CODE0, HANDLERS, SEL_CODE0}, /* 32-bit code */
        {B_INT32, SEL_CODE64, 0x800000000000, 0},  {B_INT32, 0, HANDLERS, 0},
    };
    for (unsigned n = 0; n < COUNT_OF(table); n++) {
        struct bench *b = bench_long(0);
        idt64_set(b, 5, table[n].selector, table[n].offset, table[n].access, 0);
        ck_fault64(b, "CD05", 13, table[n].error);
        bench_free(b);
    }
}
END_TEST

START_TEST(interrupt_from_compatibility_mode)
{
    struct bench *b = bench_long(3);
    b->r.seg[SR_CS] = flat(SEL_USER32, B_CODE3);
    idt64_set(b, 3, SEL_CODE64, HIGH + HANDLERS + 48, B_INT32 | B_DPL3, 0);
    bench_run(b, "40 CC"); /* inc eax: no REX here */
    ck_assert_uint_eq(b->r.rip, HIGH + HANDLERS + 49);
    ck_assert_uint_eq(stack64(b, 0), CODE + 2);
    ck_assert_uint_eq(stack64(b, 1), SEL_USER32);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 1);
    bench_free(b);
}
END_TEST

START_TEST(iretq_pops_the_stack_also_in_the_same_ring)
{
    struct bench *b = bench_long(0);
    const uint64_t frame[] = {HIGH + CODE + 0x800, SEL_CODE64, 2, HIGH + IST1, 0};
    for (unsigned n = 0; n < COUNT_OF(frame); n++) poke64(b, STACK0 - 40 + n * 8, frame[n]);
    b->r.gpr[GPR_SP] = STACK0 - 40;
    code_at(b, CODE + 0x800, "F4");
    code_at(b, CODE, "48CF");
    ck_assert_int_eq(bench_go(b, 20), CPU_HALTED);
    ck_assert_uint_eq(b->r.rip, HIGH + CODE + 0x801);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], HIGH + IST1);
    ck_assert_uint_eq(b->r.seg[SR_SS].selector, 0);
    bench_free(b);
}
END_TEST

START_TEST(iret_with_nt_faults)
{
    struct bench *b = bench_long(0);
    b->r.rflags |= EF_NT;
    ck_fault64(b, "48CF", 13, 0);
    bench_free(b);
}
END_TEST

/* ---- system calls, far transfers ------------------------------------------------------------- */
static void set_msrs(struct bench *b)
{
    /* STAR, LSTAR = CODE + 800h (HIGH), SFMASK = IF, EFER.SCE by the guest itself; ends in ring 0
     */
    static const char *const hex = "B9810000C0 31C0 BA78008000 0F30"
                                   "B9820000C0 B800080100 BA0080FFFF 0F30"
                                   "B9840000C0 B800020000 31D2 0F30"
                                   "B9800000C0 0F32 83C801 0F30 EBFE";
    code_at(b, CODE, hex);
    bench_go(b, 40);
}

START_TEST(syscall_and_sysret)
{
    struct bench *b = bench_long(0);
    set_msrs(b);
    b->r.seg[SR_CS] = flat(SEL_USER64, 0xA0FB);
    b->r.seg[SR_SS] = flat(SEL_USER_DATA, B_DATA3);
    b->r.cpl = 3;
    b->r.rflags = 0x203;
    b->r.rip = CODE + 0x400;
    code_at(b, CODE + 0x400, "0F05 EBFE");
    code_at(
        b, CODE + 0x800,
        "9C 5B 8CC8 8CD2 4889CE 480F07"); /* pushfq; pop rbx; mov eax, cs; mov edx, ss; sysretq */
    bench_go(b, 30);
    ck_assert_uint_eq(b->r.rip, CODE + 0x402);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], SEL_CODE64);
    ck_assert_uint_eq(b->r.gpr[GPR_DX], SEL_CODE64 + 8);
    ck_assert_uint_eq(b->r.gpr[GPR_BX], 3);
    ck_assert_uint_eq(b->r.gpr[GPR_SI], CODE + 0x402);
    ck_assert_uint_eq(b->r.gpr[11], 0x203);
    ck_assert_uint_eq(b->r.rflags, 0x203);
    ck_assert_uint_eq(b->r.seg[SR_CS].selector, SEL_USER64);
    ck_assert_uint_eq(b->r.seg[SR_SS].selector, SEL_USER_DATA);
    ck_assert_uint_eq(b->r.cpl, 3);
    bench_free(b);
}
END_TEST

/* TF as SYSCALL and SYSRET leave it decides on the trap: none in the kernel, one behind SYSRET. */
START_TEST(syscall_that_masks_tf_does_not_trap)
{
    struct bench *b = bench_long(0);
    set_msrs(b);
    b->r.gpr[GPR_CX] = 0xC0000084;
    b->r.gpr[GPR_AX] = 0x100;
    b->r.gpr[GPR_DX] = 0;
    b->r.rip = CODE + 0x300;
    code_at(b, CODE + 0x300, "0F30 EBFE");
    bench_go(b, 2);
    b->r.seg[SR_CS] = flat(SEL_USER64, 0xA0FB);
    b->r.seg[SR_SS] = flat(SEL_USER_DATA, B_DATA3);
    b->r.cpl = 3;
    b->r.rflags = 0x102;
    b->r.rip = CODE + 0x400;
    b->r.gpr[GPR_BX] = 0;
    code_at(b, CODE + 0x400, "0F05 FFC3 F4");              /* inc ebx */
    code_at(b, CODE + 0x800, "FFC3 480F07");
    ck_assert_int_eq(bench_go(b, 30), CPU_HALTED);
    ck_assert_int_eq(vector_taken(b), 1);
    ck_assert_uint_eq(b->r.gpr[GPR_BX], 1);
    ck_assert_uint_eq(stack64(b, 0), CODE + 0x402);
    ck_assert_uint_eq(stack64(b, 1), SEL_USER64);
    bench_free(b);
}
END_TEST

/* A data segment of ring 0 becomes null on the way out; the base of FS and GS stays. */
START_TEST(return_to_ring_3_hides_segments_but_not_bases)
{
    struct bench *b = bench_long(0);
    b->r.seg[SR_GS].base = DATA;
    poke32(b, DATA + 0x10, 0x55667788);
    /* push SS, RSP, flags, CS, RIP; there: mov eax, gs; mov ebx, gs:[10h] */
    code_at(b, CODE, "688B000000 6800C00000 6A02 6893000000 6800080100 48CF");
    code_at(b, CODE + 0x800, "8CE8 658B1C2510000000 F4");
    ck_assert_int_eq(bench_go(b, 30), CPU_HALTED);
    ck_assert_int_eq(vector_taken(b), 13);                     /* HLT in ring 3 */
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 0);
    ck_assert_uint_eq(b->r.gpr[GPR_BX], 0x55667788);
    bench_free(b);
}
END_TEST

START_TEST(sysret_to_compatibility_mode)
{
    struct bench *b = bench_long(0);
    set_msrs(b);
    b->r.rip = CODE + 0x400;
    b->r.gpr[GPR_CX] = 0x500000000 + CODE + 0x500;
    b->r.gpr[11] = 2;
    code_at(b, CODE + 0x400, "0F07");
    code_at(b, CODE + 0x500, "40 EBFE");
    b->r.gpr[GPR_AX] = 7;
    bench_go(b, 30);
    ck_assert_uint_eq(b->r.seg[SR_CS].selector, SEL_USER32);
    ck_assert_uint_eq(b->r.rip, CODE + 0x501);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 8);
    bench_free(b);
}
END_TEST

START_TEST(syscall_needs_sce)
{
    struct bench *b = bench_long(3);
    bench_run(b, "0F05");
    ck_assert_int_eq(vector_taken(b), 6);
    bench_free(b);
}
END_TEST

START_TEST(swapgs_exchanges_bases)
{
    struct bench *b = bench_long(0);
    b->r.seg[SR_GS].base = 0x1000;
    b->r.gpr[GPR_AX] = 0x2000;
    b->r.gpr[GPR_CX] = 0xC0000102;
    bench_run(b, "31D2 0F30 0F01F8 F4");
    ck_assert_uint_eq(b->r.seg[SR_GS].base, 0x2000);
    bench_free(b);
    b = bench_long(3);
    ck_fault64(b, "0F01F8", 13, 0);
    bench_free(b);
}
END_TEST

START_TEST(call_gate_to_ring_0)
{
    struct bench *b = bench_long(3);
    uint64_t target = HIGH + CODE + 0x800;
    gdt_set(b, SEL_GATE64, gate(SEL_CODE64, (uint32_t)target, B_CALL32 | B_DPL3, 0));
    poke64(b, GDT + SEL_GATE64 + 8, target >> 32);
    poke32(b, DATA, 0);
    poke16(b, DATA + 4, SEL_GATE64 | 3);
    code_at(b, CODE + 0x800, "F4");
    code_at(b, CODE, "FF1C2500000300"); /* call far [DATA] */
    ck_assert_int_eq(bench_go(b, 20), CPU_HALTED);
    ck_assert_uint_eq(b->r.rip, target + 1);
    ck_assert_uint_eq(b->r.cpl, 0);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK0 - 32);
    ck_assert_uint_eq(stack64(b, 0), CODE + 7);
    ck_assert_uint_eq(stack64(b, 1), SEL_USER64);
    ck_assert_uint_eq(stack64(b, 2), STACK3);
    ck_assert_uint_eq(stack64(b, 3), SEL_USER_DATA);
    bench_free(b);
}
END_TEST

START_TEST(far_return_with_rex_w)
{
    struct bench *b = bench_long(0);
    poke64(b, STACK0 - 16, HIGH + CODE + 0x800);
    poke64(b, STACK0 - 8, SEL_CODE64);
    b->r.gpr[GPR_SP] = STACK0 - 16;
    code_at(b, CODE + 0x800, "F4");
    code_at(b, CODE, "48CB");
    ck_assert_int_eq(bench_go(b, 20), CPU_HALTED);
    ck_assert_uint_eq(b->r.rip, HIGH + CODE + 0x801);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK0);
    bench_free(b);
}
END_TEST

START_TEST(no_tasks)
{
    struct bench *b = bench_long(0);
    gdt_set(b, SEL_TSS64, descriptor(TSS, 0x67, 0x89));
    poke32(b, DATA, 0);
    poke16(b, DATA + 4, SEL_TSS64);
    ck_fault64(b, "FF2C2500000300", 13, SEL_TSS64);
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("long_transfer");
    TCase *c = tcase_create("long_transfer");
    tcase_add_test(c, interrupt_in_ring_0_aligns_and_pushes_the_stack);
    tcase_add_test(c, interrupt_from_ring_3_and_iretq);
    tcase_add_test(c, interrupt_stack_table);
    tcase_add_test(c, bad_gates);
    tcase_add_test(c, interrupt_from_compatibility_mode);
    tcase_add_test(c, iretq_pops_the_stack_also_in_the_same_ring);
    tcase_add_test(c, iret_with_nt_faults);
    tcase_add_test(c, syscall_and_sysret);
    tcase_add_test(c, syscall_that_masks_tf_does_not_trap);
    tcase_add_test(c, return_to_ring_3_hides_segments_but_not_bases);
    tcase_add_test(c, sysret_to_compatibility_mode);
    tcase_add_test(c, syscall_needs_sce);
    tcase_add_test(c, swapgs_exchanges_bases);
    tcase_add_test(c, call_gate_to_ring_0);
    tcase_add_test(c, far_return_with_rex_w);
    tcase_add_test(c, no_tasks);
    suite_add_tcase(suite, c);
    return bench_main(suite);
}
