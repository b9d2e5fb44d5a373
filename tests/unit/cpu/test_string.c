/* SPDX-License-Identifier: MIT
 * String instructions: repetitions that stop in the middle (time, interrupts, faults), overlap,
 * both directions, page ends, address sizes. SDM vol. 2, REP.
 */
#include "bench_cpu.h"

enum { BUFFER = 0x40000 };

static void fill(struct bench *b, uint32_t at, uint32_t len)
{
    for (uint32_t n = 0; n < len; n++) poke8(b, at + n, (uint8_t)(n * 7 + 1));
}
static struct bench *ready(const char *hex, uint32_t si, uint32_t di, uint32_t cx)
{
    struct bench *b = bench_protected(0);
    b->r.gpr[GPR_SI] = si;
    b->r.gpr[GPR_DI] = di;
    b->r.gpr[GPR_CX] = cx;
    b->r.gpr[GPR_AX] = 0x44332211;
    fill(b, DATA, 0x3000);
    code_at(b, CODE, hex);
    return b;
}
#define ck_regs(b, si, di, cx)                                      \
    do {                                                            \
        ck_assert_uint_eq((b)->r.gpr[GPR_SI], (uint32_t)(si));      \
        ck_assert_uint_eq((b)->r.gpr[GPR_DI], (uint32_t)(di));      \
        ck_assert_uint_eq((b)->r.gpr[GPR_CX], (uint32_t)(cx));      \
    } while (0)

/* ---- time ------------------------------------------------------------------------------------ */
/* An iteration is a tick; what is left shows in the registers and EIP stays. */
START_TEST(stops_between_iterations)
{
    static const char *const movs[] = {"90 F3 A4 90 90 F4", "90 66 F3 A5 90 90 F4",
                                       "90 F3 A5 90 90 F4"};
    for (unsigned size = 1, k = 0; k < 3; size *= 2, k++)
        for (unsigned n = 0; n <= 20; n++) {
            struct bench *b = ready(movs[k], DATA, BUFFER, 20);
            unsigned len = size == 2 ? 3 : 2;
            ck_assert_int_eq(bench_go(b, 1 + n), CPU_UNTIL);
            ck_regs(b, DATA + n * size, BUFFER + n * size, 20 - n);
            ck_assert_uint_eq(b->r.rip, CODE + 1 + (n == 20 ? len : 0));
            ck_assert_uint_eq(peek8(b, BUFFER + n * size), 0);
            if (n)
                ck_assert_uint_eq(peek8(b, BUFFER + n * size - 1), peek8(b, DATA + n * size - 1));
            bench_go(b, 1000);
            ck_regs(b, DATA + 20 * size, BUFFER + 20 * size, 0);
            ck_assert_uint_eq(cpu_retired(b->cpu), 1 + 20 + 3);
            bench_free(b);
        }
}
END_TEST

START_TEST(a_count_of_zero_is_one_tick)
{
    struct bench *b = ready("F3 A4 F4", DATA, BUFFER, 0);
    bench_go(b, 100);
    ck_regs(b, DATA, BUFFER, 0);
    ck_assert_uint_eq(cpu_retired(b->cpu), 2);
    bench_free(b);
}
END_TEST

START_TEST(an_interrupt_in_the_middle)
{
    for (unsigned n = 1; n < 10; n++) {
        struct bench *b = ready("F3 AA F4", 0, BUFFER, 10);
        b->vector = 0x40;
        b->r.rflags = 2 | EF_IF;
        code_at(b, HANDLERS + 0x40 * 16, "90 CF");
        bench_go(b, n);
        cpu_line(b->cpu, CPU_INTR, true);
        cpu_run(b->cpu, cpu_ticks(b->cpu) + 1);
        cpu_line(b->cpu, CPU_INTR, false);
        cpu_get_regs(b->cpu, &b->r);
        ck_assert_uint_eq(b->r.rip, HANDLERS + 0x40 * 16 + 1);
        ck_assert_uint_eq(stack32(b, 0), CODE);
        ck_regs(b, 0, BUFFER + n, 10 - n);
        ck_assert_int_eq(cpu_run(b->cpu, 1000), CPU_HALTED);
        cpu_get_regs(b->cpu, &b->r);
        ck_regs(b, 0, BUFFER + 10, 0);
        bench_free(b);
    }
}
END_TEST

/* ---- copies ---------------------------------------------------------------------------------- */
/* Against a model in C: element by element, in the direction of DF. */
static void ck_copy(unsigned width, int distance, bool down, unsigned count)
{
    static const char *const code[3][2] = {{"FC F3 A4 F4", "FD F3 A4 F4"},
                                           {"FC 66 F3 A5 F4", "FD 66 F3 A5 F4"},
                                           {"FC F3 A5 F4", "FD F3 A5 F4"}};
    enum { ROOM = 0x2800, MIDDLE = 0x1000 - 37 };
    static uint8_t model[ROOM];
    unsigned size = 1u << width;
    uint32_t from = MIDDLE, to = (uint32_t)(MIDDLE + distance);
    if (down) from += (count - 1) * size, to += (count - 1) * size;
    struct bench *b = ready(code[width][down], DATA + from, DATA + to, count);
    memory_copy_from(b->memory, model, DATA, ROOM);
    for (unsigned n = 0; n < count; n++) {
        memmove(model + to, model + from, size);
        from += down ? 0 - size : size;
        to += down ? 0 - size : size;
    }
    ck_assert_int_eq(bench_go(b, 100000), CPU_HALTED);
    ck_regs(b, DATA + from, DATA + to, 0);
    for (unsigned n = 0; n < ROOM; n++)
        ck_assert_msg(peek8(b, DATA + n) == model[n], "width %u distance %d down %d: byte %u",
                      width, distance, down, n);
    bench_free(b);
}
START_TEST(overlapping_copies)
{
    static const int distances[] = { 1, 2, 3, 4, 5, 8, 64, -1, -2, -3, -4, -7, 0, 0x200, -0x200 };
    for (unsigned width = 0; width < 3; width++)
        for (unsigned k = 0; k < COUNT_OF(distances); k++)
            for (unsigned down = 0; down < 2; down++) ck_copy(width, distances[k], down, 150);
}
END_TEST
START_TEST(copies_over_pages)
{
    for (unsigned width = 0; width < 3; width++)
        for (unsigned down = 0; down < 2; down++) {
            ck_copy(width, 0x333, down, 0x1400 >> width);
            ck_copy(width, -5, down, 0x1400 >> width);
        }
}
END_TEST

START_TEST(stores_of_all_widths)
{
    static const char *const code[] = { "F3 AA F4", "66 F3 AB F4", "F3 AB F4" };
    for (unsigned width = 0; width < 3; width++) {
        unsigned size = 1u << width, at = BUFFER + 0xFFD - 8 * size;
        struct bench *b = ready(code[width], 0, at, 40);
        bench_go(b, 1000);
        ck_regs(b, 0, at + 40 * size, 0);
        for (unsigned n = 0; n < 40 * size; n++)
            ck_assert_uint_eq(peek8(b, at + n), 0x11 * (n % size + 1));
        ck_assert_uint_eq(peek8(b, at - 1), 0);
        ck_assert_uint_eq(peek8(b, at + 40 * size), 0);
        bench_free(b);
    }
}
END_TEST

/* ---- comparisons ----------------------------------------------------------------------------- */
START_TEST(scan_and_compare_end)
{
    struct bench *b = ready("F2 AE F4", 0, DATA, 200);     /* repne scasb: DATA[n] = 7 n + 1 */
    unsigned n = 0;
    while (peek8(b, DATA + n) != 0x11) n++;
    bench_go(b, 1000);
    ck_regs(b, 0, DATA + n + 1, 200 - n - 1);
    ck_assert(b->r.rflags & EF_ZF);
    bench_free(b);

    b = ready("F3 A6 F4", DATA, BUFFER, 100); /* repe cmpsb: differs at 60, over a page end */
    b->r.gpr[GPR_DI] = BUFFER + 0xFF0;
    for (unsigned k = 0; k < 100; k++) poke8(b, BUFFER + 0xFF0 + k, peek8(b, DATA + k));
    poke8(b, BUFFER + 0xFF0 + 60, (uint8_t)(peek8(b, DATA + 60) + 1));
    bench_go(b, 1000);
    ck_regs(b, DATA + 61, BUFFER + 0xFF0 + 61, 39);
    ck_assert_uint_eq(b->r.rflags & (EF_ZF | EF_CF), EF_CF);
    bench_free(b);

    b = ready("F3 AF F4", 0, BUFFER, 10);                  /* repe scasd to the end of the count */
    b->r.gpr[GPR_AX] = 0;
    bench_go(b, 1000);
    ck_regs(b, 0, BUFFER + 40, 0);
    ck_assert(b->r.rflags & EF_ZF);
    bench_free(b);
}
END_TEST
/* No iteration, no flags. */
START_TEST(zero_comparisons_leave_flags)
{
    struct bench *b = ready("F3 A6 F4", DATA, BUFFER, 0);
    b->r.rflags = 2 | EF_CF | EF_ZF;
    bench_go(b, 100);
    ck_assert_uint_eq(b->r.rflags, 2 | EF_CF | EF_ZF);
    bench_free(b);
}
END_TEST

/* ---- faults in the middle -------------------------------------------------------------------- */
/* Pages 0-1M identity, but BUFFER + 1000 is absent. */
static void page(struct bench *b)
{
    poke32(b, TABLES, (TABLES + 0x1000) | 7);
    for (uint32_t n = 0; n < 256; n++) poke32(b, TABLES + 0x1000 + n * 4, n << 12 | 7);
    poke32(b, TABLES + 0x1000 + ((BUFFER + 0x1000) >> 12) * 4, 0);
    b->r.cr0 |= 0x80000000;
    b->r.cr3 = TABLES;
}
static void ck_page_fault(const char *hex, unsigned size, uint32_t error)
{
    unsigned n = 0x20 / size;
    struct bench *b = ready(hex, DATA, BUFFER + 0x1000 - 0x20, 100);
    page(b);
    ck_assert_int_eq(bench_go(b, 1000), CPU_HALTED);
    ck_assert_int_eq(vector_taken(b), 14);
    ck_assert_uint_eq(stack32(b, 0), error);
    ck_assert_uint_eq(stack32(b, 1), CODE);
    ck_assert_uint_eq(b->r.cr2, BUFFER + 0x1000);
    ck_assert_uint_eq(b->r.gpr[GPR_DI], BUFFER + 0x1000);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 100 - n);
    bench_free(b);
}
START_TEST(page_fault_in_the_middle)
{
    ck_page_fault("F3 A4", 1, 2);
    ck_page_fault("F3 A5", 4, 2);
    ck_page_fault("66 F3 A5", 2, 2);
    ck_page_fault("F3 AA", 1, 2);
    ck_page_fault("F3 AB", 4, 2);
    ck_page_fault("F2 AE F4", 1, 0);                       /* repne scasb */
    ck_page_fault("F3 6C", 1, 2);                          /* rep insb */
}
END_TEST

START_TEST(limit_in_the_middle)
{
    struct bench *b = ready("F3 AB F4", 0, BUFFER, 100);
    b->r.seg[SR_ES] = (struct cpu_segment){ SEL_DATA0, 0, BUFFER + 21, 0x4093 };
    bench_go(b, 1000);
    ck_assert_int_eq(vector_taken(b), 13);
    ck_assert_uint_eq(b->r.gpr[GPR_DI], BUFFER + 20);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 95);
    bench_free(b);
}
END_TEST
START_TEST(port_is_not_read_before_the_store_can_be)
{
    struct bench *b = ready("6D F4", 0, BUFFER + 0x1000, 1);
    page(b);
    bench_go(b, 1000);
    ck_assert_int_eq(vector_taken(b), 14);
    ck_assert_uint_eq(b->ins, 0);
    bench_free(b);
}
END_TEST

/* ---- runs of port accesses ------------------------------------------------------------------- */
/* The board does up to seven accesses of a run at once; then it wants a single one. */
static unsigned runs;
static uint32_t in_run(void *ctx, uint16_t port, enum width size, uint8_t *to, uint32_t count)
{
    if (runs++ & 1) return 0;
    uint32_t n = count < 7 ? count : 7;
    for (uint32_t k = 0; k < n; k++) {
        uint32_t v = bench_in(ctx, port, size);
        for (unsigned at = 0; at < size; at++) to[k * size + at] = (uint8_t)(v >> 8 * at);
    }
    return n;
}
static uint32_t out_run(void *ctx, uint16_t port, enum width size, const uint8_t *from,
                        uint32_t count)
{
    if (runs++ & 1) return 0;
    uint32_t n = count < 7 ? count : 7;
    for (uint32_t k = 0; k < n; k++)
        bench_out(ctx, port, from[k * size] | from[k * size + 1] << 8, size);
    return n;
}
static void with_runs(struct bench *b)
{
    const struct cpu_bus bus = { bench_in, bench_out, bench_acknowledge, b, in_run, out_run };
    cpu_free(b->cpu);
    b->cpu = cpu_new(&(struct cpu_config){ .model = NULL }, b->memory, &bus, NULL);
    runs = 0;
}
START_TEST(runs_of_port_accesses)
{
    for (unsigned stop = 1; stop < 45; stop += 4) {
        struct bench *b = ready("F3 66 6D F4", 0, BUFFER, 40);
        with_runs(b);
        ck_assert_int_eq(bench_go(b, stop), CPU_UNTIL);
        unsigned done = stop < 40 ? stop : 40;
        ck_regs(b, 0, BUFFER + 2 * done, 40 - done);
        ck_assert_uint_eq(b->ins, done);
        ck_assert_uint_eq(peek16(b, BUFFER + 2 * done - 2), 0xA55A);
        ck_assert_uint_eq(peek16(b, BUFFER + 2 * done), 0);
        bench_free(b);
    }
    struct bench *b = ready("F3 66 6F F4", DATA, 0, 40);
    with_runs(b);
    bench_go(b, 1000);
    ck_regs(b, DATA + 80, 0, 0);
    ck_assert_uint_eq(b->outs, 40);
    ck_assert_uint_eq(b->last_value, peek16(b, DATA + 78));
    ck_assert_uint_eq(cpu_retired(b->cpu), 41);
    bench_free(b);
}
END_TEST
/* The port may be denied from one access to the next: a run would not see that. */
START_TEST(no_runs_where_the_bitmap_decides)
{
    struct bench *b = bench_protected(3);
    with_runs(b);
    poke16(b, TSS + 0x66, 0x68);
    b->r.tr.limit = 0x68 + 0x2000;
    b->r.gpr[GPR_DX] = 0;
    b->r.gpr[GPR_DI] = BUFFER;
    b->r.gpr[GPR_CX] = 20;
    bench_run(b, "F3 6C F4");                              /* the HLT ends in #GP */
    ck_assert_uint_eq(b->ins, 20);
    ck_assert_uint_eq(runs, 0);
    bench_free(b);
}
END_TEST

/* ---- address size ---------------------------------------------------------------------------- */
START_TEST(sixteen_bit_addresses_wrap)
{
    struct bench *b = ready("67 F3 AA F4", 0, 0xABCDFFFE, 0xFFFF0005);
    b->r.seg[SR_ES] = (struct cpu_segment){ SEL_DATA0, BUFFER, 0xFFFFF, 0x4093 };
    bench_go(b, 1000);
    ck_regs(b, 0, 0xABCD0003, 0xFFFF0000);
    ck_assert_uint_eq(peek8(b, BUFFER + 0xFFFE), 0x11);
    ck_assert_uint_eq(peek8(b, BUFFER + 0xFFFF), 0x11);
    ck_assert_uint_eq(peek8(b, BUFFER), 0x11);
    ck_assert_uint_eq(peek8(b, BUFFER + 2), 0x11);
    ck_assert_uint_eq(peek8(b, BUFFER + 3), 0);
    ck_assert_uint_eq(peek8(b, BUFFER + 0x10000), 0);
    bench_free(b);
}
END_TEST
/* A word at offset FFFF is beyond the limit: #GP, and not a wrap (SDM vol. 3, 20.1.1). */
START_TEST(real_mode_word_at_the_end)
{
    struct bench *b = bench_real();
    b->r.gpr[GPR_DI] = 0xFFFD;
    b->r.gpr[GPR_CX] = 4;
    bench_run(b, "F3 AB");
    ck_assert_int_eq(vector_taken(b), 13);
    ck_assert_uint_eq(b->r.gpr[GPR_DI], 0xFFFF);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 3);
    bench_free(b);
}
END_TEST

START_TEST(misaligned_elements_are_checked)
{
    static const struct { const char *hex; uint32_t si, di; bool good; } table[] = {
        { "F3 A5 F4", DATA + 2, BUFFER, false },   { "F3 A5 F4", DATA, BUFFER + 1, false },
        { "F3 A5 F4", DATA, BUFFER, true },        { "F3 AB F4", 0, BUFFER + 2, false },
        { "F3 A4 F4", DATA + 1, BUFFER + 1, true }, { "66 F3 AB F4", 0, BUFFER + 2, true },
    };
    for (unsigned n = 0; n < COUNT_OF(table); n++) {
        struct bench *b = bench_protected(3);
        b->r.gpr[GPR_SI] = table[n].si;
        b->r.gpr[GPR_DI] = table[n].di;
        b->r.gpr[GPR_CX] = 8;
        b->r.cr0 |= 1 << 18;
        b->r.rflags |= EF_AC;
        bench_run(b, table[n].hex);
        ck_assert_uint_eq(b->r.gpr[GPR_CX], table[n].good ? 0 : 8);
        if (!table[n].good) ck_assert_int_eq(vector_taken(b), 17);
        bench_free(b);
    }
}
END_TEST

START_TEST(device_memory_element_by_element)
{
    struct bench *b = ready("F3 6F F4", DATA, 0, 5);       /* rep outsd */
    b->r.gpr[GPR_DX] = 0x1F0;
    bench_go(b, 100);
    ck_assert_uint_eq(b->outs, 5);
    ck_assert_uint_eq(b->last_port, 0x1F0);
    ck_assert_uint_eq(b->last_value, peek32(b, DATA + 16));
    ck_regs(b, DATA + 20, 0, 0);
    bench_free(b);
    b = ready("F3 66 6D F4", 0, BUFFER, 3);
    bench_go(b, 100);
    ck_assert_uint_eq(b->ins, 3);
    ck_assert_uint_eq(peek32(b, BUFFER), 0xA55AA55A);
    ck_assert_uint_eq(peek32(b, BUFFER + 4), 0xA55A);
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("string instructions");
    TCase *t = tcase_create("string");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, stops_between_iterations);
    tcase_add_test(t, a_count_of_zero_is_one_tick);
    tcase_add_test(t, an_interrupt_in_the_middle);
    tcase_add_test(t, overlapping_copies);
    tcase_add_test(t, copies_over_pages);
    tcase_add_test(t, stores_of_all_widths);
    tcase_add_test(t, scan_and_compare_end);
    tcase_add_test(t, zero_comparisons_leave_flags);
    tcase_add_test(t, page_fault_in_the_middle);
    tcase_add_test(t, limit_in_the_middle);
    tcase_add_test(t, port_is_not_read_before_the_store_can_be);
    tcase_add_test(t, runs_of_port_accesses);
    tcase_add_test(t, no_runs_where_the_bitmap_decides);
    tcase_add_test(t, sixteen_bit_addresses_wrap);
    tcase_add_test(t, real_mode_word_at_the_end);
    tcase_add_test(t, misaligned_elements_are_checked);
    tcase_add_test(t, device_memory_element_by_element);
    suite_add_tcase(s, t);
    return bench_main(s);
}
