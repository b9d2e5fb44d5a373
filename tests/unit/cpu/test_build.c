/* SPDX-License-Identifier: MIT
 * What the trace builder rearranges must not show: loops unrolled, branches in the midst,
 * jumps left out, flags not made, registers compiled in. A run in one piece, cut anywhere,
 * or step by step ends the same.
 */
#include "bench_cpu.h"

enum { TICKS = 150 };

static const struct {
    const char *name, *code;
    bool real;
    uint16_t at;
    const char *at_0;
} programs[] = {
    { "short loop", "B9 14 00 00 00  01 C8  49  75 FB  90 EB FE", false, 0, NULL },
    { "loop entered in the midst", "B9 09 00 00 00  EB 01  40  01 C8  49  75 FA  EB FE",
      false, 0, NULL },
    { "two loops, one in the other",
      "B9 03 00 00 00  BA 04 00 00 00  01 D0  4A  75 FB  49  75 F3  EB FE", false, 0, NULL },
    { "a branch out of a loop", "B9 32 00 00 00  83 F9 28  74 05  01 C8  49  EB F6  EB FE",
      false, 0, NULL },
    { "jumps forward", "EB 00  EB 02  CC CC  40  EB 01  CC  40  EB FE", false, 0, NULL },
    { "a jump to itself", "EB FE", false, 0, NULL },
    { "RCL reads the carry of the instruction before",
      "B8 FF FF FF FF  83 C0 02  D1 D3  01 DB  D1 D2  EB FE", false, 0, NULL },
    { "SHL by 0 keeps flags", "31 C0  C1 E3 20  0F 94 C1  40  EB FE", false, 0, NULL },
    { "a shift hides the flags before it",
      "F9  31 C9  C1 EA 02  40  C1 E0 1F  D1 E0  0F 92 C1  0F 90 C5  EB FE", false, 0, NULL },
    { "INC keeps the carry", "F9  40  C1 CB 03  11 C8  EB FE", false, 0, NULL },
    { "calls and returns", "B9 05 00 00 00  E8 05 00 00 00  49  75 F8  EB FE  01 C8  50 5A  C3",
      false, 0, NULL },
    { "stores with every base", "BD 00 00 03 00  89 6D 04  8B 75 04  89 6E 08  0F B6 7E 0A  "
                                "C7 45 0C 11 22 33 44  A1 0C 00 03 00  8D 5D F0  "
                                "54 5C 8B 04 24  EB FE", false, 0, NULL },
    { "16-bit loop, call and stack", "B9 14 00  01 C8  49  75 FB  E8 03 00  50  EB FE  5A 52 C3",
      true, 0, NULL },
    { "a jump round the end of a segment", "40 43 EB 04", true, 0xFFF8, "40 EB FE" },
    { "a branch round the end", "31 C0 74 02", true, 0xFFFA, "41 85 C9 75 FB EB FE" },
    { "code that runs over the end", "40 41 42", true, 0xFFFD, "43 EB FE" },
    { "operands at the end of a segment", "8A 1E FF FF  8B 0E FE FF  89 1E FE FF  A1 FF FF  40",
      true, 0, NULL },
    { "a stack that wraps", "BC 04 00  50 53 5A 55  EB FE", true, 0, NULL },
};

static struct bench *loaded(unsigned n)
{
    struct bench *b = programs[n].real ? bench_real() : bench_protected(0);
    for (unsigned v = 0; v < 32; v++) code_at(b, HANDLERS + v * 16, "EB FE");
    b->r.rip = programs[n].at + (programs[n].real ? 0 : CODE);
    code_at(b, CODE + programs[n].at, programs[n].code);
    if (programs[n].at_0) code_at(b, CODE, programs[n].at_0);
    cpu_set_regs(b->cpu, &b->r);
    return b;
}
static void go(struct bench *b, uint64_t until)
{
    ck_assert_int_eq(cpu_run(b->cpu, until), CPU_UNTIL);
}
static void ck_same(struct bench *a, struct bench *b, const char *name, unsigned cut)
{
    cpu_get_regs(a->cpu, &a->r);
    cpu_get_regs(b->cpu, &b->r);
    ck_assert_msg(!memcmp(a->r.gpr, b->r.gpr, sizeof a->r.gpr),
                  "%s: registers differ when cut at %u", name, cut);
    ck_assert_msg(a->r.rip == b->r.rip, "%s: rip differs when cut at %u", name, cut);
    ck_assert_msg(a->r.rflags == b->r.rflags, "%s: flags differ when cut at %u", name, cut);
    ck_assert_msg(cpu_retired(a->cpu) == cpu_retired(b->cpu), "%s: time differs when cut at %u",
                  name, cut);
}

START_TEST(cut_anywhere)
{
    unsigned n = (unsigned)_i;
    struct bench *steps = loaded(n);
    for (unsigned cut = 1; cut <= TICKS; cut++) {
        struct bench *whole = loaded(n);
        go(steps, cut);
        go(whole, cut);
        ck_same(whole, steps, programs[n].name, cut);
        go(whole, TICKS);
        struct bench *other = loaded(n);
        go(other, TICKS);
        ck_same(whole, other, programs[n].name, cut);
        bench_free(other);
        bench_free(whole);
    }
    bench_free(steps);
}
END_TEST

/* A second run meets the traces, links and jump targets of the first. */
START_TEST(warm)
{
    unsigned n = (unsigned)_i;
    struct bench *b = loaded(n), *cold = loaded(n);
    struct cpu_regs start = b->r;
    go(cold, TICKS);
    for (unsigned run = 0; run < 3; run++) {
        uint64_t from = cpu_ticks(b->cpu), retired = cpu_retired(b->cpu);
        cpu_set_regs(b->cpu, &start);
        go(b, from + TICKS);
        cpu_get_regs(b->cpu, &b->r);
        cpu_get_regs(cold->cpu, &cold->r);
        ck_assert_msg(!memcmp(b->r.gpr, cold->r.gpr, sizeof b->r.gpr) && b->r.rip == cold->r.rip &&
                      b->r.rflags == cold->r.rflags, "%s: run %u differs", programs[n].name, run);
        ck_assert_uint_eq(cpu_retired(b->cpu) - retired, cpu_retired(cold->cpu));
    }
    bench_free(b);
    bench_free(cold);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("trace builder");
    TCase *t = tcase_create("build");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, cut_anywhere, 0, sizeof programs / sizeof *programs);
    tcase_add_loop_test(t, warm, 0, sizeof programs / sizeof *programs);
    suite_add_tcase(s, t);
    return bench_main(s);
}
