/* SPDX-License-Identifier: MIT
 * The engine's promises on time: lines and callbacks are seen between exactly two instructions.
 * Single step, and what cannot be executed.
 */
#include "tests/unit/cpu/engine_bench.h"

enum { DB_HANDLER = 0x28000 };

/* ---- callbacks ------------------------------------------------------------------------------- */
static struct rig *rig_protected(void)
{
    struct rig *r = rig_new(bench_protected(0));
    memory_copy_to(r->b->memory, CODE + 0x800, "\x90", 1);
    for (unsigned n = 0; n < 200; n++) poke8(r->b, CODE + n, 0x90);
    return r;
}
static enum cpu_stop rig_go(struct rig *r, uint64_t until)
{
    cpu_set_regs(r->b->cpu, &r->b->r);
    enum cpu_stop stop = cpu_run(r->b->cpu, until);
    cpu_get_regs(r->b->cpu, &r->b->r);
    return stop;
}

START_TEST(callbacks_see_exact_time)
{
    struct rig *r = rig_protected();
    code_at(r->b, CODE + 3, "EC 90 90 EE");                /* in; nop; nop; out */
    code_at(r->b, CODE + 60, "EC");
    rig_go(r, 100);
    ck_assert_uint_eq(r->calls, 3);
    ck_assert_uint_eq(r->seen[0], 3);
    ck_assert_uint_eq(r->seen[1], 6);
    ck_assert_uint_eq(r->seen[2], 60);
    rig_free(r);
}
END_TEST

static void earlier(struct rig *r, uint16_t port, uint32_t value)
{
    (void)port;
    (void)value;
    cpu_run_shorter(r->b->cpu, cpu_ticks(r->b->cpu) + r->delay);
}
START_TEST(a_timer_set_by_a_callback)
{
    for (unsigned delay = 0; delay < 60; delay++) {
        struct rig *r = rig_protected();
        r->on_out = earlier;
        r->delay = delay;
        code_at(r->b, CODE + 5, "EE");
        ck_assert_int_eq(rig_go(r, 150), CPU_UNTIL);
        unsigned stopped = delay ? 5 + delay : 6;          /* not before the OUT is done */
        ck_assert_uint_eq(cpu_ticks(r->b->cpu), stopped);
        ck_assert_uint_eq(r->b->r.rip, CODE + stopped);
        rig_free(r);
    }
}
END_TEST
START_TEST(a_later_timer_changes_nothing)
{
    struct rig *r = rig_protected();
    r->on_out = earlier;
    r->delay = 1000;
    code_at(r->b, CODE + 5, "EE");
    ck_assert_int_eq(rig_go(r, 77), CPU_UNTIL);
    ck_assert_uint_eq(cpu_ticks(r->b->cpu), 77);
    rig_free(r);
}
END_TEST

static void stop(struct rig *r, uint16_t port, uint32_t value)
{
    (void)port;
    (void)value;
    cpu_request_stop(r->b->cpu);
}
START_TEST(stop_on_request)
{
    struct rig *r = rig_protected();
    r->on_out = stop;
    code_at(r->b, CODE + 5, "EE");
    ck_assert_int_eq(rig_go(r, 100), CPU_REQUEST);
    ck_assert_uint_eq(r->b->r.rip, CODE + 6);
    ck_assert_uint_eq(cpu_ticks(r->b->cpu), 6);
    ck_assert_int_eq(rig_go(r, 100), CPU_UNTIL);
    rig_free(r);
}
END_TEST

/* ---- interrupts ------------------------------------------------------------------------------ */
static void interrupt(struct rig *r, uint16_t port, uint32_t value)
{
    (void)port;
    (void)value;
    cpu_line(r->b->cpu, CPU_INTR, true);
}
/* Code at CODE + 2 that makes a callback; the interrupt comes right behind it. */
static void ck_interrupt_after(const char *hex, uint32_t length)
{
    struct rig *r = rig_protected();
    rig_map(r);
    r->on_out = interrupt;
    r->b->r.rflags = 2 | EF_IF;
    r->b->r.gpr[GPR_BX] = MMIO;
    r->b->r.gpr[GPR_SI] = DATA;
    r->b->r.gpr[GPR_DI] = MMIO;
    code_at(r->b, CODE + 2, hex);
    ck_assert_int_eq(rig_go(r, 100), CPU_HALTED);
    ck_assert_int_eq(vector_taken(r->b), 0x40);
    ck_assert_uint_eq(stack32(r->b, 0), CODE + 2 + length);
    rig_free(r);
}
START_TEST(interrupt_right_behind_its_cause)
{
    ck_interrupt_after("EE", 1);
    ck_interrupt_after("89 03", 2);                        /* mov [ebx], eax */
    ck_interrupt_after("C6 03 55", 3);
    ck_interrupt_after("01 03", 2);                        /* add [ebx], eax: read, write */
    ck_interrupt_after("FF 03", 2);
    ck_interrupt_after("D1 23", 2);
    ck_interrupt_after("87 03", 2);
    ck_interrupt_after("0F AB 03", 3);
    ck_interrupt_after("0F 94 03", 3);
    ck_interrupt_after("0F C7 0B", 3);
    ck_interrupt_after("A5", 1);
    ck_interrupt_after("AB", 1);
    ck_interrupt_after("6F", 1);                           /* outsd */
    ck_interrupt_after("8F 03", 2);                        /* pop [ebx] */
    ck_interrupt_after("66 8C 1B", 3);                     /* mov [ebx], ds */
    ck_interrupt_after("D9 3B", 2);                        /* fnstcw [ebx] */
    ck_interrupt_after("DB E3 D9 EE DB 3B", 6);            /* fninit; fldz; fstp tbyte [ebx] */
}
END_TEST

/* A call whose pushed address goes to the device: the interrupt finds EIP at its target. */
START_TEST(interrupt_behind_a_call_to_a_device_stack)
{
    struct rig *r = rig_protected();
    rig_map(r);
    r->on_out = stop;
    r->b->r.gpr[GPR_SP] = MMIO + 0x40;
    code_at(r->b, CODE, "E8 3B 00 00 00");
    ck_assert_int_eq(rig_go(r, 100), CPU_REQUEST);
    ck_assert_uint_eq(r->b->r.rip, CODE + 0x40);
    ck_assert_uint_eq(cpu_ticks(r->b->cpu), 1);
    rig_free(r);
}
END_TEST

START_TEST(interrupt_between_any_two_instructions)
{
    for (unsigned k = 0; k < 120; k++) {
        struct rig *r = rig_protected();
        r->b->r.rflags = 2 | EF_IF;
        cpu_set_regs(r->b->cpu, &r->b->r);
        cpu_run(r->b->cpu, k);
        cpu_line(r->b->cpu, CPU_INTR, true);
        ck_assert_int_eq(cpu_run(r->b->cpu, 500), CPU_HALTED);
        cpu_get_regs(r->b->cpu, &r->b->r);
        ck_assert_uint_eq(stack32(r->b, 0), CODE + k);
        rig_free(r);
    }
}
END_TEST

/* Runs hex with INTR up from the start, in slices; returns the EIP pushed, relative to CODE. */
static uint32_t interrupted_at(const char *hex, uint32_t flags, unsigned slice)
{
    struct rig *r = rig_protected();
    code_at(r->b, CODE, hex);
    r->b->r.rflags = 2 | flags;
    cpu_set_regs(r->b->cpu, &r->b->r);
    cpu_line(r->b->cpu, CPU_INTR, true);
    for (unsigned n = 0; n < 20; n++) cpu_run(r->b->cpu, cpu_ticks(r->b->cpu) + slice);
    cpu_get_regs(r->b->cpu, &r->b->r);
    uint32_t at = r->b->acknowledged ? stack32(r->b, 0) - CODE : ~0u;
    rig_free(r);
    return at;
}
START_TEST(shadows)
{
    for (unsigned slice = 1; slice < 100; slice += 49) {
        ck_assert_uint_eq(interrupted_at("FB 90 90", 0, slice), 2);        /* sti; nop */
        ck_assert_uint_eq(interrupted_at("FB FA 90", 0, slice), ~0u);      /* sti; cli */
        ck_assert_uint_eq(interrupted_at("FB F4 90", 0, slice), 2);        /* sti; hlt */
        /* the second STI casts none, nor does POPF */
        ck_assert_uint_eq(interrupted_at("FB FB 90 90", 0, slice), 2);
        ck_assert_uint_eq(interrupted_at("9C 80 4C 24 01 02 9D 90 90", 0, slice), 7);
        ck_assert_uint_eq(interrupted_at("16 17 90 90", EF_IF, slice), 0);
        /* sti; pop ss; nop: POP SS runs in the shadow and casts its own */
        ck_assert_uint_eq(interrupted_at("16 FB 17 90 90", 0, slice), 4);
    }
}
END_TEST

START_TEST(halt_waits)
{
    struct rig *r = rig_protected();
    code_at(r->b, CODE + 4, "F4");
    r->b->r.rflags = 2 | EF_IF;
    ck_assert_int_eq(rig_go(r, 100), CPU_HALTED);
    ck_assert_uint_eq(cpu_ticks(r->b->cpu), 5);
    ck_assert_int_eq(cpu_run(r->b->cpu, 100), CPU_HALTED);
    cpu_skip(r->b->cpu, 10);
    ck_assert_uint_eq(cpu_ticks(r->b->cpu), 15);
    ck_assert_uint_eq(cpu_retired(r->b->cpu), 5);
    cpu_line(r->b->cpu, CPU_INTR, true);
    ck_assert_int_eq(cpu_run(r->b->cpu, 100), CPU_HALTED);
    cpu_get_regs(r->b->cpu, &r->b->r);
    ck_assert_int_eq(vector_taken(r->b), 0x40);
    ck_assert_uint_eq(stack32(r->b, 0), CODE + 5);
    rig_free(r);
}
END_TEST
START_TEST(halt_without_if_sleeps_on)
{
    struct rig *r = rig_protected();
    code_at(r->b, CODE, "F4");
    ck_assert_int_eq(rig_go(r, 100), CPU_HALTED);
    cpu_line(r->b->cpu, CPU_INTR, true);
    ck_assert_int_eq(cpu_run(r->b->cpu, 100), CPU_HALTED);
    ck_assert_uint_eq(r->b->acknowledged, 0);
    cpu_line(r->b->cpu, CPU_NMI, true);
    cpu_run(r->b->cpu, 100);
    cpu_get_regs(r->b->cpu, &r->b->r);
    ck_assert_int_eq(vector_taken(r->b), 2);
    rig_free(r);
}
END_TEST

/* ---- single step ----------------------------------------------------------------------------- */
/* Handler of #DB: logs the pushed EIP at DATA + 4 n, n at DATA - 4, and returns. */
static struct bench *stepping(uint32_t flags)
{
    struct bench *b = bench_protected(0);
    idt_set(b, 1, gate(SEL_CODE0, DB_HANDLER, B_INT32, 0));
    code_at(b, DB_HANDLER,
            "50 51 8B 0D FC FF 02 00"          /* push eax; push ecx; mov ecx, [DATA - 4] */
            "8B 44 24 08 89 04 8D 00 00 03 00" /* mov eax, [esp + 8]; mov [ecx * 4 + DATA], eax */
            "FF 05 FC FF 02 00 59 58 CF");     /* inc [DATA - 4]; pop ecx; pop eax; iret */
    b->r.rflags = 2 | flags;
    return b;
}
/* The first traps; TF that is still set wakes a HLT, too. */
static void ck_traps(struct bench *b, const char *hex, unsigned count, const uint8_t *at)
{
    code_at(b, CODE, hex);
    bench_go(b, 300);
    ck_assert_uint_ge(peek32(b, DATA - 4), count);
    for (unsigned n = 0; n < count; n++) ck_assert_uint_eq(peek32(b, DATA + 4 * n), CODE + at[n]);
    bench_free(b);
}
START_TEST(single_step)
{
    ck_traps(stepping(EF_TF), "90 40 89 C3 F4", 4, (uint8_t[]){ 1, 2, 4, 5 });     /* HLT, too */
    /* pushf; or [esp], TF; popf; nop; nop; pushf; and; popf (still traps); nop; hlt */
    ck_traps(stepping(0), "9C 80 4C 24 01 01 9D 90 90 9C 80 64 24 01 FE 9D 90 F4", 5,
             (uint8_t[]){ 8, 9, 10, 15, 16 });
    /* each iteration of a repetition: EIP at it, then behind it */
    ck_traps(stepping(EF_TF), "B1 03 BF 00 00 04 00 F3 AA F4", 6, (uint8_t[]){ 2, 7, 7, 7, 9, 10 });
    /* MOV SS holds the trap; the next one comes after the instruction behind it */
    ck_traps(stepping(EF_TF), "90 16 17 90 90 F4", 5, (uint8_t[]){ 1, 2, 4, 5, 6 });
}
END_TEST
/* INT n clears TF: no trap at its handler's first instruction (SDM vol. 3, 17.3.1.4). */
START_TEST(single_step_over_int)
{
    struct bench *b = stepping(EF_TF);
    code_at(b, HANDLERS + 0x30 * 16, "90 CF");
    ck_traps(b, "90 CD 30 90 90 F4", 4, (uint8_t[]){ 1, 4, 5, 6 });
}
END_TEST

/* ---- what cannot be executed ----------------------------------------------------------------- */
START_TEST(undefined_opcodes)
{
    static const char *const codes[] = {
        "0F 0B",    "0F FF C0", "0F B9 C0", "F0 90",    "F0 01 C0",
        "F0 89 03", "F0 39 03", "8F C8",    "C6 C8 00", "C7 F8 00 00 00 00",
        "FE D0",    "FF F8",    "FF D8",    "FF E8",    "0F C7 C8",
        "0F C7 03", "8E C8",    "8E F0",    "8C F0",    "62 C0",
        "C4 C0",    "8D C0",    "0F 01 C8", "0F 01 D8", "0F 01 F8",
        "0F 20 C8", "0F 22 E8", "0F 04",    "0F 0A",    "0F 24 C0",
        "0F A6",    "0F B8 C0", "0F 00 F0",
    };
    for (unsigned n = 0; n < COUNT_OF(codes); n++) {
        struct bench *b = bench_protected(0);
        b->r.gpr[GPR_BX] = DATA;
        bench_run(b, codes[n]);
        ck_assert_msg(vector_taken(b) == 6, "%s: vector %d", codes[n], vector_taken(b));
        ck_assert_uint_eq(stack32(b, 0), CODE);
        bench_free(b);
    }
}
END_TEST
START_TEST(fifteen_bytes_at_most)
{
    struct bench *b = bench_protected(0);
    bench_run(b, "66 66 66 66 66 66 66 66 66 66 66 66 66 66 40 F4");
    ck_assert_uint_eq(b->r.rip, CODE + 16);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 1);
    bench_free(b);
    b = bench_protected(0);
    ck_fault(b, "66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 40 F4", 13, 0);
    bench_free(b);
    b = bench_protected(0);                                /* the limit counts before #UD */
    ck_fault(b, "66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 0F 0B", 13, 0);
    bench_free(b);
}
END_TEST

/* An unmasked exception keeps FST from storing, but not from checking its address. */
START_TEST(x87_store_address_is_checked_first)
{
    struct bench *b = bench_protected(0);
    b->r.gpr[GPR_BX] = DATA;
    b->r.cr0 |= 0x20;
    b->r.seg[SR_DS] = (struct cpu_segment){ SEL_DATA0, 0, DATA - 1, 0x4093 };
    poke16(b, DATA - 2, 0x037E);                           /* IM = 0 */
    /* fninit; fldcw; fst dword [ebx] from an empty stack */
    code_at(b, CODE, "DB E3 2E D9 2D FE FF 02 00 D9 13");
    ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
    ck_assert_int_eq(vector_taken(b), 13);
    ck_assert_uint_eq(stack32(b, 1), CODE + 9);
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("engine");
    TCase *t = tcase_create("time");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, callbacks_see_exact_time);
    tcase_add_test(t, a_timer_set_by_a_callback);
    tcase_add_test(t, a_later_timer_changes_nothing);
    tcase_add_test(t, stop_on_request);
    tcase_add_test(t, interrupt_right_behind_its_cause);
    tcase_add_test(t, interrupt_behind_a_call_to_a_device_stack);
    tcase_add_test(t, interrupt_between_any_two_instructions);
    tcase_add_test(t, shadows);
    tcase_add_test(t, halt_waits);
    tcase_add_test(t, halt_without_if_sleeps_on);
    tcase_add_test(t, single_step);
    tcase_add_test(t, single_step_over_int);
    tcase_add_test(t, undefined_opcodes);
    tcase_add_test(t, fifteen_bytes_at_most);
    tcase_add_test(t, x87_store_address_is_checked_first);
    suite_add_tcase(s, t);
    return bench_main(s);
}
