/* SPDX-License-Identifier: MIT
 * The x87: data-sheet behaviour (stack, exceptions, environment, special operands).
 */
#include <stdio.h>
#include "tests/unit/cpu/x87_bench.h"

static void store(const void *bytes, size_t n) { memory_copy_to(r.memory, RIG_OPERAND, bytes, n); }
static uint64_t operand(unsigned offset, enum width size)
{
    return memory_read(r.memory, RIG_OPERAND + offset, size);
}

/* ---- stack and state ------------------------------------------------------------------------- */
START_TEST(fninit_values)
{
    fresh(0x37F, one, two);
    run(0xDB, 0xE3);
    struct cpu_x87 s;
    cpu_get_x87(r.c, &s);
    ck_assert_uint_eq(s.control, 0x37F);
    ck_assert_uint_eq(s.status, 0);
    ck_assert_uint_eq(s.tag, 0xFFFF);
    ck_assert_uint_eq(s.fip | s.fdp | s.fcs | s.fds | s.fop, 0);
}
END_TEST

START_TEST(tags_follow_contents)
{
    fresh(0x37F, zero, one);
    push(infinity);
    push(denormal);
    push(unnormal);
    ck_assert_uint_eq(x87_tags(f), 2 << 6 | 2 << 8 | 2 << 10 | 0 << 12 | 1 << 14 | 0x3F);
}
END_TEST

START_TEST(masked_stack_faults)
{
    x87_init(f);
    run(0xD9, 0xE0);                                    /* FCHS of an empty register */
    ck_number(x87_st(f, 0), indefinite);
    ck_status(0xFF | X87_C1, F80_I | X87_SF);
    x87_init(f);
    for (int n = 0; n < 9; n++) run(0xD9, 0xE8);        /* FLD1 nine times */
    ck_number(x87_st(f, 0), indefinite);
    ck_status(0xFF | X87_C1, F80_I | X87_SF | X87_C1);
}
END_TEST

START_TEST(unmasked_stack_overflow_keeps_all)
{
    x87_init(f);
    for (int n = 0; n < 8; n++) run(0xD9, 0xE8);
    x87_set_control(f, 0x37E);
    run(0xD9, 0xEE);
    ck_number(x87_st(f, 0), one);
    ck_status(0xFFFF, X87_B | X87_ES | X87_SF | F80_I | X87_C1);
    ck_assert(!rig_run(&r, 0xD9, 0xD0));
    ck_assert_int_eq(r.vector, VEC_MF);
}
END_TEST

START_TEST(waiting_and_no_wait)
{
    fresh(0x37B, zero, one);
    run(0xD8, 0xF1);                                    /* 1 / 0, Z unmasked */
    ck_number(x87_st(f, 0), one);
    ck_status(X87_ES | X87_B | F80_Z, X87_ES | X87_B | F80_Z);
    ck_assert(!rig_run(&r, 0x9B, 0xC0));
    ck_assert_int_eq(r.vector, VEC_MF);
    ck_assert(!rig_run(&r, 0xD9, 0xE8));
    run(0xDF, 0xE0);                                    /* FNSTSW AX does not wait */
    ck_assert_uint_eq(reg16(r.c, RAX), x87_status(f));
    run(0xDB, 0xE2);                                    /* FNCLEX */
    ck_status(0x80FF, 0);
    run(0xD9, 0xE8);
}
END_TEST

START_TEST(without_ne_the_pin_tells)
{
    fresh(0x37B, zero, one);
    r.c->cr0 &= ~(uint64_t)CR0_NE;
    run(0xD8, 0xF1);
    run(0xDF, 0xE0);                                    /* FNSTSW AX does not wait */
    ck_assert(!f->ferr);
    ck_assert(!rig_run(&r, 0xD9, 0xE8));                /* frozen, no fault */
    ck_assert(f->ferr && r.c->frozen && r.c->halted);
    r.c->frozen = r.c->halted = false;
    r.c->line_ignne = true;
    run(0xD9, 0xE8);
    ck_assert(f->ferr);
    run(0xDB, 0xE2);
    ck_assert(!f->ferr);
}
END_TEST

START_TEST(not_available)
{
    static const uint64_t bits[] = { CR0_TS, CR0_EM };
    for (unsigned n = 0; n < 2; n++) {
        r.c->cr0 = CR0_PE | CR0_NE | bits[n];
        ck_assert(!rig_run(&r, 0xDB, 0xE3));
        ck_assert_int_eq(r.vector, VEC_NM);
        ck_assert(rig_run(&r, 0x9B, 0xC0));             /* FWAIT needs MP and TS */
    }
    r.c->cr0 = CR0_PE | CR0_NE | CR0_MP | CR0_TS;
    ck_assert(!rig_run(&r, 0x9B, 0xC0));
    ck_assert_int_eq(r.vector, VEC_NM);
}
END_TEST

START_TEST(control_word_unmasks_pending)
{
    fresh(0x37F, zero, one);
    run(0xD8, 0xF1);
    ck_status(X87_ES, 0);
    store("\x7B\x03", 2);
    run(0xD9, 0x28);                                    /* FLDCW */
    ck_status(X87_ES | X87_B, X87_ES | X87_B);
    run(0xD9, 0x38);                                    /* FNSTCW */
    ck_assert_uint_eq(operand(0, WORD), 0x37B);
}
END_TEST

START_TEST(aliases)
{
    fresh(0x37F, one, two);
    run(0xDF, 0xC0);                                    /* FFREEP */
    ck_number(x87_st(f, 0), one);
    ck_assert_uint_eq(f->used, 0x80);
    fresh(0x37F, one, two);
    run(0xDF, 0xD1);                                    /* FSTP8 */
    ck_number(x87_st(f, 0), two);
    fresh(0x37F, one, two);
    run(0xDD, 0xC9);                                    /* FXCH4 */
    ck_number(x87_st(f, 0), one);
    ck_assert(!rig_run(&r, 0xD9, 0xEF));
    ck_assert_int_eq(r.vector, VEC_UD);
    ck_assert(!rig_run(&r, 0xD9, 0x08));
    ck_assert_int_eq(r.vector, VEC_UD);
}
END_TEST

START_TEST(conditional_moves)
{
    static const struct { uint8_t code, modrm; uint32_t flags;
    } moves[] = {
        {0xDA, 0xC1, FLAG_CF}, {0xDA, 0xC9, FLAG_ZF}, {0xDA, 0xD1, FLAG_ZF},
        {0xDA, 0xD1, FLAG_CF}, {0xDA, 0xD9, FLAG_PF},
    };
    for (unsigned n = 0; n < COUNT_OF(moves); n++)
        for (unsigned negated = 0; negated < 2; negated++)
            for (unsigned set = 0; set < 2; set++) {
                fresh(0x37F, two, one);
                flags_set_arith(r.c, set ? moves[n].flags : 0);
                run((uint8_t)(moves[n].code + negated), moves[n].modrm);
                ck_number(x87_st(f, 0), set != negated ? two : one);
            }
}
END_TEST

/* ---- through the decoder and the run loop ---------------------------------------------------- */
static uint32_t no_port(void *ctx, uint16_t port, enum width size)
{
    (void)ctx;
    (void)port;
    return ~0u >> (32 - 8 * size);
}
static void no_write(void *ctx, uint16_t port, uint32_t v, enum width size)
{
    (void)ctx;
    (void)port;
    (void)v;
    (void)size;
}
static uint8_t no_interrupt(void *ctx)
{
    (void)ctx;
    return 0;
}

/* Real mode, at 0:1000h: pi * 2 to 2000h; compare with itself; status to AX; halt. */
START_TEST(as_a_program)
{
    static const uint8_t code[] = {
        0xDB, 0xE3,                   /* FNINIT        */
        0xD9, 0xE8, 0xD8, 0xC0,       /* FLD1, FADD ST */
        0xD9, 0xEB, 0xDE, 0xC9,       /* FLDPI, FMULP  */
        0xDD, 0x16, 0x00, 0x20,       /* FST m64       */
        0xDC, 0x1E, 0x00, 0x20,       /* FCOMP m64     */
        0x9B, 0xDF, 0xE0, 0xF4,       /* FSTSW AX, HLT */
    };
    const struct cpu_bus bus = { no_port, no_write, no_interrupt, NULL, NULL, NULL };
    struct memory *memory = memory_new(1 << 20, NULL);
    struct cpu *c = cpu_new(NULL, memory, &bus, NULL);
    struct cpu_regs regs;
    memory_copy_to(memory, 0x1000, code, sizeof code);
    cpu_get_regs(c, &regs);
    regs.seg[CS] = regs.seg[DS];
    regs.rip = 0x1000;
    regs.cr0 = 0;
    cpu_set_regs(c, &regs);
    ck_assert_int_eq(cpu_run(c, 1000), CPU_HALTED);
    cpu_get_regs(c, &regs);
    ck_assert_uint_eq(memory_read(memory, 0x2000, QWORD), 0x401921FB54442D18);
    ck_assert_uint_eq(regs.gpr[RAX] & 0xFFFF, F80_P);   /* 2 pi is above its double: no condition */
    cpu_free(c);
    memory_free(memory);
}
END_TEST

/* A machine in small: FERR# interrupts, the handler asks for IGNNE#,
 * clears the error and returns. */
static void ferr_pin(void *ctx, enum cpu_pin pin, bool level)
{
    struct cpu *c = *(struct cpu **)ctx;
    if (pin == CPU_FERR) cpu_line(c, level ? CPU_INTR : CPU_IGNNE, level);
}
static void answer(void *ctx, uint16_t port, uint32_t value, enum width size)
{
    struct cpu *c = *(struct cpu **)ctx;
    ck_assert_uint_eq(port, 0xF0);
    (void)value, (void)size;
    cpu_line(c, CPU_INTR, false);
    cpu_line(c, CPU_IGNNE, true);
}
static uint8_t irq13(void *ctx)
{
    (void)ctx;
    return 0x75;
}
static void run_with_irq_13(const uint8_t *code, size_t size, uint64_t end, uint16_t waiting)
{
    static const uint8_t handler[] = {
        0x58, 0x50, 0xE6, 0xF0, 0xD9, 0xD0,         /* POP AX; PUSH AX; OUT F0h; FNOP: goes on */
        0x9B, 0xDB, 0xE2, 0xCF,                     /* FWAIT; FNCLEX; IRET */
    };
    struct cpu *c = NULL;
    const struct cpu_bus bus = { .in = no_port, .out = answer, .acknowledge = irq13, .ctx = &c };
    struct memory *memory = memory_new(1 << 20, NULL);
    struct cpu_regs regs;
    c = cpu_new(NULL, memory, &bus, NULL);
    cpu_on_pin(c, ferr_pin, &c);
    memory_copy_to(memory, 0x1000, code, size);
    memory_copy_to(memory, 0x1800, handler, sizeof handler);
    memory_write(memory, 0x2000, 0x37B, WORD);
    memory_write(memory, 0x75 * 4, 0x1800, DWORD);
    cpu_get_regs(c, &regs);
    regs.seg[CS] = regs.seg[DS];
    regs.rip = 0x1000;
    regs.cr0 = 0;
    regs.gpr[RSP] = 0x3000;
    cpu_set_regs(c, &regs);
    ck_assert_int_eq(cpu_run(c, 1000), CPU_HALTED);
    cpu_get_regs(c, &regs);
    ck_assert_uint_eq(regs.rip, end);
    ck_assert_uint_eq(regs.gpr[RAX] & 0xFFFF, waiting);
    ck_assert(!c->line_ignne && !c->x87.ferr);
    cpu_free(c);
    memory_free(memory);
}
START_TEST(errors_by_irq_13)
{
    static const uint8_t code[] = {
        0xDB, 0xE3, 0xD9, 0x2E, 0x00, 0x20,         /* FNINIT; FLDCW [2000]: Z unmasked */
        0xFB, 0xD9, 0xE8, 0xD9, 0xEE,               /* STI; FLD1; FLDZ                  */
        0xDE, 0xF9, 0x90, 0xD9, 0xE8, 0xF4,         /* FDIVP; NOP; FLD1: waits; HLT      */
    };
    run_with_irq_13(code, sizeof code, 0x1011, 0x100E);
}
END_TEST

/* The interrupt that it waits for comes even in the shadow of STI. */
START_TEST(errors_by_irq_13_behind_sti)
{
    static const uint8_t code[] = {
        0xDB, 0xE3, 0xD9, 0x2E, 0x00, 0x20,         /* FNINIT; FLDCW [2000]: Z unmasked */
        0xD9, 0xE8, 0xD9, 0xEE, 0xDE, 0xF9,         /* FLD1; FLDZ; FDIVP                */
        0xFB, 0xD9, 0xE8, 0xF4,                     /* STI; FLD1: waits; HLT             */
    };
    run_with_irq_13(code, sizeof code, 0x1010, 0x100D);
}
END_TEST

/* ---- environment ----------------------------------------------------------------------------- */
START_TEST(environment_formats)
{
    fresh(0x37F, one, two);
    r.c->rip = 0x12345;
    run(0xDC, 0x00);                                    /* FADD m64 at DS:RIG_OPERAND */
    run(0xD9, 0x30);                                    /* FNSTENV */
    ck_assert_uint_eq(operand(0, DWORD), 0xFFFF037F);
    ck_assert_uint_eq(operand(4, DWORD), 0xFFFF3000);
    ck_assert_uint_eq(operand(8, DWORD), 0xFFFF0FFF);
    ck_assert_uint_eq(operand(12, DWORD), 0x12345);
    ck_assert_uint_eq(operand(16, DWORD), 0x04000000u | r.c->seg[CS].selector);
    ck_assert_uint_eq(operand(20, DWORD), RIG_OPERAND);
    ck_assert_uint_eq(operand(24, DWORD), 0xFFFF0000u | r.c->seg[DS].selector);
    ck_assert(rig_run_sized(&r, 0xD9, 0x30, 2));
    ck_assert_uint_eq(operand(6, WORD), 0x2345);
    ck_assert_uint_eq(operand(8, WORD), r.c->seg[CS].selector);
    ck_assert_uint_eq(operand(10, WORD), RIG_OPERAND);
    ck_assert_uint_eq(operand(12, WORD), r.c->seg[DS].selector);
}
END_TEST

START_TEST(environment_in_real_mode)
{
    fresh(0x37F, one, two);
    f->fip = 0x1234;
    f->fcs = 0xF000;
    f->fdp = 0x10;
    f->fds = 0x4321;
    f->opcode = 0x5AA;
    r.c->cr0 = 0;
    ck_assert(rig_run_sized(&r, 0xD9, 0x30, 2));
    ck_assert_uint_eq(operand(6, WORD), 0x1234);
    ck_assert_uint_eq(operand(8, WORD), 0xF5AA);
    ck_assert_uint_eq(operand(10, WORD), 0x3220);
    ck_assert_uint_eq(operand(12, WORD), 0x4000);
    run(0xD9, 0x30);
    ck_assert_uint_eq(operand(12, DWORD), 0xFFFF1234);
    ck_assert_uint_eq(operand(16, DWORD), 0xF5AA);
    run(0xD9, 0x20);                                    /* FLDENV, and out again */
    run(0xD9, 0x30);
    ck_assert_uint_eq(operand(16, DWORD), 0xF5AA);
    ck_assert_uint_eq(operand(20, DWORD), 0xFFFF3220);
}
END_TEST

START_TEST(save_and_restore)
{
    struct cpu_x87 before, after;
    for (unsigned size = 2; size <= 4; size += 2) {
        fresh(0x27F, three, infinity);
        run(0xD8, 0xC1);
        cpu_get_x87(r.c, &before);
        before.fop = size == 4 ? before.fop : 0;        /* not in the 16-bit protected format */
        ck_assert(rig_run_sized(&r, 0xDD, 0x30, size));
        ck_assert_uint_eq(f->used, 0);
        ck_assert_uint_eq(f->env.control, 0x37F);
        ck_assert(rig_run_sized(&r, 0xDD, 0x20, size));
        cpu_get_x87(r.c, &after);
        ck_assert_mem_eq(&before, &after, sizeof before);
    }
}
END_TEST

START_TEST(stenv_masks_and_faults_change_nothing)
{
    fresh(0x37B, zero, one);
    run(0xD8, 0xF1);
    r.c->seg[DS].last = RIG_OPERAND + 20;
    ck_assert(!rig_run(&r, 0xD9, 0x30));
    ck_assert_int_eq(r.vector, VEC_GP);
    ck_assert_uint_eq(f->env.control, 0x37B);
    ck_assert_uint_eq(operand(0, DWORD), 0);
    r.c->seg[DS].last = 0xFFFFFFFF;
    run(0xD9, 0x30);
    ck_assert_uint_eq(f->env.control, 0x37F);
    ck_status(X87_ES | X87_B, 0);
}
END_TEST

START_TEST(store_fault_keeps_the_stack)
{
    fresh(0x37F, one, three);
    run(0xD8, 0xF9);
    uint16_t status = x87_status(f);
    r.c->seg[DS].last = RIG_OPERAND + 2;
    ck_assert(!rig_run(&r, 0xD9, 0x18));                /* FSTP m32 */
    ck_assert_uint_eq(x87_status(f), status);
    ck_assert_uint_eq(f->used, 0xC0);
}
END_TEST

/* ---- operands -------------------------------------------------------------------------------- */
START_TEST(nan_rules)
{
    struct f80 small = { 0xC000000000000001, 0x7FFF }, large = { 0xC000000000000002, 0xFFFF };
    fresh(0x37F, small, large);
    run(0xD8, 0xC1);
    ck_number(x87_st(f, 0), large);
    ck_status(0xFF, 0);
    fresh(0x37F, small, snan);
    run(0xD8, 0xC9);
    ck_number(x87_st(f, 0), small);
    ck_status(0xFF, F80_I);
    fresh(0x37F, one, snan);
    run(0xD8, 0xE1);
    ck_number(x87_st(f, 0), ((struct f80){ 0xC000000000000001, 0x7FFF }));
    fresh(0x37F, small, unnormal);
    run(0xD8, 0xF1);
    ck_number(x87_st(f, 0), indefinite);
}
END_TEST

START_TEST(integer_limits)
{
    static const struct {
        struct f80 v;
        uint8_t code, modrm;
        unsigned size;
        uint64_t want;
        bool invalid;
    } cases[] = {
        {{0xFFFF000000000000, 0x400D}, 0xDF, 0x18, 2, 0x8000, true}, /* 32767.5 to nearest */
        {{0xFFFE000000000000, 0x400D}, 0xDF, 0x18, 2, 0x7FFF, false},
        {{0x8000000000000000, 0xC00E}, 0xDF, 0x18, 2, 0x8000, false},
        {{0x8000000000000000, 0x401E}, 0xDB, 0x18, 4, 0x80000000, true},
        {{0x8000000000000000, 0xC03E}, 0xDF, 0x38, 8, F80_J, false},
        {{0x8000000000000001, 0xC03E}, 0xDF, 0x38, 8, F80_J, true},
        {{0xFFFFFFFFFFFFFFFF, 0x403D}, 0xDF, 0x38, 8, F80_J, true}, /* rounds to 2^63 */
        {{0x8000000000000000, 0x7FFF}, 0xDB, 0x18, 4, 0x80000000, true},
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        fresh(0x37F, one, cases[n].v);
        run(cases[n].code, cases[n].modrm);
        ck_assert_uint_eq(operand(0, cases[n].size), cases[n].want);
        ck_assert_uint_eq(x87_status(f) & F80_I, cases[n].invalid ? F80_I : 0);
        ck_number(x87_st(f, 0), one);
    }
}
END_TEST

START_TEST(packed_decimal)
{
    store("\x78\x56\x34\x12\x90\x78\x56\x34\x12\x80", 10);
    x87_init(f);
    run(0xDF, 0x20);
    ck_number(x87_st(f, 0), f80_from_int(-123456789012345678));
    store("\0\0\0\0\0\0\0\0\0\0", 10);
    run(0xDF, 0x30);
    ck_assert_uint_eq(operand(0, QWORD), 0x3456789012345678);
    ck_assert_uint_eq(operand(8, WORD), 0x8012);
    push(f80_from_int(1000000000000000000));
    run(0xDF, 0x30);
    ck_assert_uint_eq(operand(0, QWORD), 0xC000000000000000);
    ck_assert_uint_eq(operand(8, WORD), 0xFFFF);
    ck_status(F80_I, F80_I);
}
END_TEST

START_TEST(partial_remainder)
{
    struct f80 huge = { F80_J, 0x7FFE }, tenth = { 0xCCCCCCCCCCCCCCCD, 0x3FFB };
    unsigned rounds = 0;
    fresh(0x37F, tenth, huge);
    do run(0xD9, 0xF8);
    while (x87_status(f) & X87_C2 && ++rounds < 1000);
    ck_assert_uint_lt(rounds, 1000);
    ck_assert_int_eq(f80_compare(&(struct f80_env){0x37F, 0}, x87_st(f, 0), tenth, true), F80_LESS);
    fresh(0x37F, two, (struct f80){ 0xE000000000000000, 0x4001 });           /* 7 rem 2 */
    run(0xD9, 0xF5);
    ck_number(x87_st(f, 0), ((struct f80){ F80_J, 0xBFFF }));                 /* 7 - 4 * 2 */
    ck_status(X87_C0 | X87_C1 | X87_C2 | X87_C3, X87_C0);
}
END_TEST

START_TEST(unmasked_overflow_wraps)
{
    struct f80 big = { F80_J, 0x7FFE };
    fresh(0x377, big, big);
    run(0xD8, 0xC9);
    ck_number(x87_st(f, 0), ((struct f80){ F80_J, (uint16_t)(0x7FFE + 0x7FFE - 0x3FFF - 0x6000) }));
    ck_status(0xFF, X87_ES | F80_O);
    fresh(0x377, one, big);
    store("\xAA\xAA\xAA\xAA", 4);
    run(0xD9, 0x18);                                    /* FSTP m32: no store, no pop */
    ck_assert_uint_eq(operand(0, DWORD), 0xAAAAAAAA);
    ck_number(x87_st(f, 0), big);
}
END_TEST

START_TEST(constants_round)
{
    static const uint64_t pi[4] = {0xC90FDAA22168C235, 0xC90FDAA22168C234, 0xC90FDAA22168C235,
                                   0xC90FDAA22168C234};
    for (unsigned rc = 0; rc < 4; rc++) {
        x87_init(f);
        x87_set_control(f, (uint16_t)(0x37F | rc << 10));
        run(0xD9, 0xEB);
        ck_assert_uint_eq(x87_st(f, 0).m, pi[rc]);
        ck_status(0xFF, 0);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("x87");
    TCase *t = x87_case(s, "x87");
    tcase_add_test(t, fninit_values);
    tcase_add_test(t, tags_follow_contents);
    tcase_add_test(t, masked_stack_faults);
    tcase_add_test(t, unmasked_stack_overflow_keeps_all);
    tcase_add_test(t, waiting_and_no_wait);
    tcase_add_test(t, without_ne_the_pin_tells);
    tcase_add_test(t, errors_by_irq_13);
    tcase_add_test(t, errors_by_irq_13_behind_sti);
    tcase_add_test(t, not_available);
    tcase_add_test(t, control_word_unmasks_pending);
    tcase_add_test(t, aliases);
    tcase_add_test(t, conditional_moves);
    tcase_add_test(t, as_a_program);
    tcase_add_test(t, environment_formats);
    tcase_add_test(t, environment_in_real_mode);
    tcase_add_test(t, save_and_restore);
    tcase_add_test(t, stenv_masks_and_faults_change_nothing);
    tcase_add_test(t, store_fault_keeps_the_stack);
    tcase_add_test(t, nan_rules);
    tcase_add_test(t, integer_limits);
    tcase_add_test(t, packed_decimal);
    tcase_add_test(t, partial_remainder);
    tcase_add_test(t, unmasked_overflow_wraps);
    tcase_add_test(t, constants_round);
    return x87_main(s);
}
