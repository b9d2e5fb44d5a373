/* SPDX-License-Identifier: MIT
 * Virtual-8086 mode extensions (CR4.VME) and protected-mode virtual interrupts (CR4.PVI).
 * SDM vol. 3, 20.3, 20.4.
 */
#include "bench_cpu.h"

enum { VME = 1, PVI = 2, EF_VIF = 1 << 19, EF_VIP = 1 << 20, MAP = 0x88, IVT_CODE = 0x40000 };

/* A redirection map of zeros (all INT n go to the program) at TSS + 68h, the I/O map behind it. */
static struct bench *vm86(unsigned iopl, unsigned cr4)
{
    struct bench *b = bench_vm86(iopl);
    b->r.cr4 = cr4;
    b->r.tr.limit = 0x200;
    poke16(b, TSS + 0x66, MAP);
    for (unsigned v = 0; v < 256; v++) poke32(b, v * 4, (uint32_t)IVT_CODE << 12 | v * 16);
    return b;
}

static void ck_gp(struct bench *b, const char *code)
{
    bench_run(b, code);
    ck_assert_int_eq(vector_taken(b), 13);
    ck_assert_uint_eq(stack32(b, 0), 0);
    ck_assert_uint_eq(stack32(b, 1), 0);
}

/* Runs `code` of `count` instructions; it must not fault. */
static void run86(struct bench *b, const char *code, unsigned count)
{
    uint32_t end = code_at(b, CODE, code);
    ck_assert_int_eq(bench_go(b, count), CPU_UNTIL);
    ck_assert_uint_eq(b->r.rip, end - CODE);
}

START_TEST(cli_and_sti_turn_vif)
{
    struct bench *b = vm86(0, VME);
    b->r.rflags |= EF_IF;
    run86(b, "FB", 1);
    ck_assert_uint_eq(b->r.rflags & (EF_VIF | EF_IF), EF_VIF | EF_IF);
    b->r.rip = 0;
    run86(b, "FA", 1);
    ck_assert_uint_eq(b->r.rflags & (EF_VIF | EF_IF), EF_IF);
    b->r.rip = 0;
    b->r.rflags |= EF_VIP;
    ck_gp(b, "FB");
    bench_free(b);
    b = vm86(3, VME);                                  /* IOPL 3: IF itself */
    run86(b, "FB", 1);
    ck_assert_uint_eq(b->r.rflags & (EF_VIF | EF_IF), EF_IF);
    bench_free(b);
}
END_TEST

START_TEST(pushf_shows_vif_as_if)
{
    for (unsigned vif = 0; vif < 2; vif++) {
        struct bench *b = vm86(0, VME);
        b->r.rflags |= (vif ? EF_VIF : 0) | EF_IF | EF_CF;
        run86(b, "9C", 1);
        ck_assert_uint_eq(stack16(b, 0), 2u | EF_CF | EF_IOPL3 | (vif ? EF_IF : 0));
        bench_free(b);
    }
    struct bench *b = vm86(0, VME);
    ck_gp(b, "66 9C");                                 /* 16 bits only */
    bench_free(b);
    b = vm86(0, 0);
    ck_gp(b, "9C");
    bench_free(b);
}
END_TEST

START_TEST(popf_sets_vif)
{
    struct bench *b = vm86(1, VME);
    b->r.rflags |= EF_IF;
    poke16(b, b->r.seg[SR_SS].base + 0x1000, EF_IF | EF_CF | EF_NT);
    run86(b, "9D", 1);
    ck_assert_uint_eq(b->r.rflags, 2u | EF_VM | EF_IF | EF_VIF | EF_CF | EF_NT | 1 << 12);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], 0x1002);
    bench_free(b);
    static const struct { uint16_t image; uint32_t vip; const char *code; } bad[] = {
        { EF_TF, 0, "9D" }, { EF_IF, EF_VIP, "9D" }, { 0, 0, "66 9D" },
    };
    for (unsigned n = 0; n < COUNT_OF(bad); n++) {
        b = vm86(0, VME);
        b->r.rflags |= bad[n].vip;
        poke16(b, b->r.seg[SR_SS].base + 0x1000, bad[n].image);
        ck_gp(b, bad[n].code);
        ck_assert_uint_eq(stack32(b, 4), 0x1000);      /* SP of the program */
        bench_free(b);
    }
}
END_TEST

START_TEST(iret_sets_vif)
{
    struct bench *b = vm86(0, VME);
    uint64_t sp = b->r.seg[SR_SS].base + 0x1000;
    poke16(b, sp, 0x1234);
    poke16(b, sp + 2, 0x5678);
    poke16(b, sp + 4, EF_IF | EF_ZF);
    code_at(b, CODE, "CF");
    bench_go(b, 1);
    ck_assert_uint_eq(b->r.rip, 0x1234);
    ck_assert_uint_eq(b->r.seg[SR_CS].selector, 0x5678);
    ck_assert_uint_eq(b->r.rflags, 2u | EF_VM | EF_VIF | EF_ZF);
    bench_free(b);
    for (unsigned n = 0; n < 3; n++) {
        b = vm86(0, n == 2 ? 0 : VME);
        b->r.rflags |= EF_VIP;
        poke16(b, sp + 4, EF_IF);
        ck_gp(b, n == 1 ? "66 CF" : "CF");
        bench_free(b);
    }
}
END_TEST

START_TEST(int_n_is_redirected)
{
    for (unsigned iopl = 0; iopl < 4; iopl += 3) {
        struct bench *b = vm86(iopl, VME);
        b->r.rflags |= EF_VIF | EF_IF;
        if (iopl == 3) b->r.rflags &= ~(uint64_t)EF_VIF;
        code_at(b, CODE, "CD 21");
        bench_go(b, 1);
        ck_assert_uint_eq(b->r.seg[SR_CS].selector, IVT_CODE >> 4);
        ck_assert_uint_eq(b->r.rip, 0x210);
        ck_assert_uint_eq(stack16(b, 0), 2);
        ck_assert_uint_eq(stack16(b, 1), CODE >> 4);
        ck_assert_uint_eq(stack16(b, 2), 2u | EF_IF | EF_IOPL3);
        ck_assert_uint_eq(b->r.rflags & (EF_VIF | EF_IF), iopl == 3 ? 0 : EF_IF);
        ck_assert_uint_eq(b->r.rflags & EF_VM, EF_VM);
        bench_free(b);
    }
}
END_TEST

START_TEST(a_set_bit_keeps_the_gate)
{
    struct bench *b = vm86(0, VME);
    poke8(b, TSS + MAP - 32 + 0x21 / 8, 1 << (0x21 & 7));
    bench_run(b, "CD 21");
    ck_assert_int_eq(vector_taken(b), 13);
    bench_free(b);
    b = vm86(3, VME);
    idt_set(b, 0x21, gate(SEL_CODE0, HANDLERS + 0x210, B_INT32 | B_DPL3, 0));
    poke8(b, TSS + MAP - 32 + 0x21 / 8, 1 << (0x21 & 7));
    bench_run(b, "CD 21");
    ck_assert_int_eq(vector_taken(b), 0x21);
    bench_free(b);
}
END_TEST

/* INT3 and INTO always take the gate (SDM vol. 3, 20.3.3). */
START_TEST(int3_is_not_redirected)
{
    struct bench *b = vm86(0, VME);
    idt_set(b, 3, gate(SEL_CODE0, HANDLERS + 0x30, B_INT32 | B_DPL3, 0));
    bench_run(b, "CC");
    ck_assert_int_eq(vector_taken(b), 3);
    bench_free(b);
}
END_TEST

/* The map lies in front of the I/O map: without one it is behind the TSS's limit. */
START_TEST(no_map_no_redirection)
{
    struct bench *b = vm86(0, VME);
    b->r.tr.limit = MAP - 32 + 0x21 / 8 - 1;
    ck_gp(b, "CD 21");
    bench_free(b);
}
END_TEST

START_TEST(ring_0_loads_vif_and_vip)
{
    struct bench *b = bench_protected(0);
    b->r.gpr[GPR_SP] = STACK0 - 12;
    poke32(b, STACK0 - 12, CODE + 0x40);
    poke32(b, STACK0 - 8, SEL_CODE0);
    poke32(b, STACK0 - 4, 2 | EF_VIF | EF_VIP);
    code_at(b, CODE + 0x40, "9C 9D 9C F4");            /* POPF clears them */
    bench_run(b, "CF");
    ck_assert_uint_eq(peek32(b, STACK0 - 4), 2);
    ck_assert_uint_eq(b->r.rflags & (EF_VIF | EF_VIP), 0);
    bench_free(b);
    b = bench_protected(0);
    b->r.gpr[GPR_SP] = STACK0 - 12;
    poke32(b, STACK0 - 12, CODE + 0x40);
    poke32(b, STACK0 - 8, SEL_CODE0);
    poke32(b, STACK0 - 4, 2 | EF_VIF | EF_VIP);
    code_at(b, CODE + 0x40, "F4");
    bench_run(b, "CF");
    ck_assert_uint_eq(b->r.rflags & (EF_VIF | EF_VIP), EF_VIF | EF_VIP);
    bench_free(b);
}
END_TEST

START_TEST(protected_mode_virtual_interrupts)
{
    struct bench *b = bench_protected(3);
    b->r.cr4 = PVI;
    code_at(b, CODE, "FB");
    bench_go(b, 1);
    ck_assert_uint_eq(b->r.rip, CODE + 1);
    ck_assert_uint_eq(b->r.rflags & (EF_VIF | EF_IF), EF_VIF);
    code_at(b, CODE + 1, "FA");
    bench_go(b, 1);
    ck_assert_uint_eq(b->r.rflags & (EF_VIF | EF_IF), 0);
    b->r.rflags |= EF_VIP;
    b->r.rip = CODE;
    bench_run(b, "FB");
    ck_assert_int_eq(vector_taken(b), 13);
    bench_free(b);
    b = bench_protected(3);                            /* ring 3 only; VME is not PVI */
    b->r.cr4 = VME;
    bench_run(b, "FB");
    ck_assert_int_eq(vector_taken(b), 13);
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("vme");
    TCase *tc = tcase_create("vme");
    tcase_add_test(tc, cli_and_sti_turn_vif);
    tcase_add_test(tc, pushf_shows_vif_as_if);
    tcase_add_test(tc, popf_sets_vif);
    tcase_add_test(tc, iret_sets_vif);
    tcase_add_test(tc, int_n_is_redirected);
    tcase_add_test(tc, a_set_bit_keeps_the_gate);
    tcase_add_test(tc, int3_is_not_redirected);
    tcase_add_test(tc, no_map_no_redirection);
    tcase_add_test(tc, ring_0_loads_vif_and_vip);
    tcase_add_test(tc, protected_mode_virtual_interrupts);
    suite_add_tcase(suite, tc);
    return bench_main(suite);
}
