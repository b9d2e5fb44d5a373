/* SPDX-License-Identifier: MIT
 * The host's arithmetic where it stands in for SSE's (op_host.inc), against the soft float: what it
 * says it can do has to be equal in every bit, and raise nothing but P.
 */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include "cpu/sse_host.h"
#include "tests/unit/cpu/random64.h"

enum { ROUNDS = 2000000, READY = MXCSR_RESET | MXCSR_P };

/* Significands that make ties and exact results, exponents near each other and at the ends. */
static uint64_t number(unsigned fraction, unsigned width)
{
    uint64_t a = random64(), r = random64(), top = (1ull << width) - 1, exp;
    unsigned n = (unsigned)(a >> 8 & 63);
    switch (a & 7) {
    case 0: exp = a >> 16 & 7; break;
    case 1: exp = top - (a >> 16 & 7); break;
    case 2: exp = (a >> 16) & top; break;
    case 3: exp = (top >> 2) + (a >> 16 & 63); break;
    default: exp = (top >> 1) - 30 + (a >> 16 & 0x3F); break;
    }
    switch (a >> 32 & 7) {
    case 0: r = 0; break;
    case 1: r <<= n; break;
    case 2: r = ~(r << n); break;
    case 3: r = 1ull << n; break;
    case 4: r >>= n; break;
    default: break;
    }
    if ((a >> 40 & 31) == 0) exp = r = 0;
    return (a >> 63 << width | exp) << fraction | (r & ((1ull << fraction) - 1));
}
static union vec vector(bool wide)
{
    union vec v = VEC_ZERO;
    for (unsigned n = 0; n < 4 && !wide; n++) LANE(v, u32, n) = (uint32_t)number(23, 8);
    for (unsigned n = 0; n < 2 && wide; n++) v.u64[n] = number(52, 11);
    return v;
}

/* ---- what is wanted -------------------------------------------------------------------------- */
enum operation { ADD, SUB, MUL, DIV, SQRT, MIN, MAX, COMPARE, OPERATIONS };

#define WANTED(FORMAT, UINT)                                                                       \
    static UINT FORMAT##_wanted(struct ieee_env *e, enum operation op, unsigned imm, UINT a,       \
                                UINT b)                                                            \
    {                                                                                              \
        unsigned which = imm & 3;                                                                  \
        enum f80_order o;                                                                          \
        switch (op) {                                                                              \
        case ADD: return FORMAT##_add(e, a, b);                                                    \
        case SUB: return FORMAT##_sub(e, a, b);                                                    \
        case MUL: return FORMAT##_mul(e, a, b);                                                    \
        case DIV: return FORMAT##_div(e, a, b);                                                    \
        case SQRT: return FORMAT##_sqrt(e, b);                                                     \
        case MIN: return FORMAT##_min(e, a, b);                                                    \
        case MAX: return FORMAT##_max(e, a, b);                                                    \
        default: break;                                                                            \
        }                                                                                          \
        o = FORMAT##_compare(e, a, b, which == 0 || which == 3);                                   \
        bool yes = which == 0   ? o == F80_EQUAL                                                   \
                   : which == 1 ? o == F80_LESS                                                    \
                   : which == 2 ? o == F80_LESS || o == F80_EQUAL                                  \
                                : o == F80_UNORDERED;                                              \
        return yes != (imm >> 2 & 1) ? (UINT) ~(UINT)0 : 0;                                        \
    }
WANTED(f32, uint32_t)
WANTED(f64, uint64_t)

static union vec wanted(struct ieee_env *e, enum operation op, bool wide, bool all, unsigned imm,
                        union vec a, union vec b)
{
    for (unsigned n = 0; n < (wide ? 2u : 4u) && (all || !n); n++) {
        if (wide) a.u64[n] = f64_wanted(e, op, imm, a.u64[n], b.u64[n]);
        else LANE(a, u32, n) = f32_wanted(e, op, imm, LANE(a, u32, n), LANE(b, u32, n));
    }
    return a;
}

/* ---- what the host says ---------------------------------------------------------------------- */
#define CALL(f) f(c, i, to, from)
#define BOTH(op)                                                                                   \
    (wide  ? all ? CALL(f64_##op##_all) : CALL(f64_##op##_one)                                     \
      : all ? CALL(f32_##op##_all)                                                                 \
           : CALL(f32_##op##_one))
static bool host(struct cpu *c, const struct insn *i, enum operation op, bool wide, bool all,
                 union vec *to, union vec from)
{
    switch (op) {
    case ADD: return BOTH(add);
    case SUB: return BOTH(sub);
    case MUL: return BOTH(mul);
    case DIV: return BOTH(div);
    case SQRT: return BOTH(sqrt);
    case MIN: return BOTH(min);
    case MAX: return BOTH(max);
    default: return BOTH(cmp);
    }
}

static struct cpu *ready_cpu(void)
{
    struct cpu *c = calloc(1, sizeof *c);
    c->cr4 = CR4_OSFXSR;
    return c;
}

START_TEST(same_as_soft_float)
{
    struct cpu *c = ready_cpu();
    unsigned done[OPERATIONS] = {0};
    for (unsigned n = 0; n < ROUNDS; n++) {
        enum operation op = n % OPERATIONS;
        bool wide = n >> 4 & 1, all = n >> 5 & 1;
        struct insn i = {.imm = n >> 6 & 7};
        union vec a = vector(wide), b = random64() & 15 ? vector(wide) : a, got = a;
        uint32_t modes =
            (uint32_t)(random64() & (MXCSR_DAZ | MXCSR_FTZ | MXCSR_I << MXCSR_MASK_SHIFT));
        if (!(random64() & 7)) b.u32[0] = a.u32[0], b.u32[1] = a.u32[1];
        c->sse.env.mxcsr = READY ^ modes;
        if (!host(c, &i, op, wide, all, &got, b)) continue;
        struct ieee_env e = {READY ^ modes, 0};
        union vec want = wanted(&e, op, wide, all, i.imm, a, b);
        done[op]++;
        if (memcmp(&got, &want, 16) || e.flags & ~(uint32_t)MXCSR_P || (op >= MIN && e.flags))
            ck_abort_msg("operation %u, case %u, %016" PRIX64 "%016" PRIX64 ", %016" PRIX64
                         "%016" PRIX64 ": %016" PRIX64 "%016" PRIX64 ", want %016" PRIX64
                         "%016" PRIX64 " flags %X",
                         op, n, a.u64[1], a.u64[0], b.u64[1], b.u64[0], got.u64[1], got.u64[0],
                         want.u64[1], want.u64[0], e.flags);
    }
    for (unsigned op = 0; HOST_FLOAT && op < OPERATIONS; op++)
        ck_assert_uint_gt(done[op], ROUNDS / OPERATIONS / 10);
    free(c);
}
END_TEST

/* An inexact result must be noted in MXCSR, and rounded as it says. */
START_TEST(not_when_flags_may_change)
{
    static const uint32_t words[] = {MXCSR_RESET, 0x1FA0 & ~(MXCSR_P << MXCSR_MASK_SHIFT),
                                     READY | 1 << MXCSR_RC_SHIFT, READY | 3 << MXCSR_RC_SHIFT};
    struct cpu *c = ready_cpu();
    struct insn i = {0};
    union vec a = {.u64 = {0x3FF0000000000000, 0x3FF0000000000000}}, to = a;
    for (unsigned n = 0; n < COUNT_OF(words); n++) {
        c->sse.env.mxcsr = words[n];
        ck_assert(!f64_add_all(c, &i, &to, a) && !f64_mul_one(c, &i, &to, a));
        ck_assert(!f64_sqrt_one(c, &i, &to, a));
    }
    c->sse.env.mxcsr = READY;
    c->cr0 = CR0_TS;
    ck_assert(!f64_add_all(c, &i, &to, a) && !f64_min_one(c, &i, &to, a));
    ck_assert(!f64_comi(c, &i, &to, a));
    c->cr0 = c->cr4 = 0;
    ck_assert(!f32_add_one(c, &i, &to, a) && !f32_comi(c, &i, &to, a));
    free(c);
}
END_TEST

START_TEST(comparison_flags)
{
    struct cpu *c = ready_cpu();
    struct insn i = {0};
    for (unsigned n = 0; n < ROUNDS / 8; n++) {
        static const uint32_t flags[] = {FLAG_CF, FLAG_ZF, 0, FLAG_ZF | FLAG_PF | FLAG_CF};
        union vec a = vector(true), b = n & 7 ? vector(true) : a;
        struct ieee_env e = {MXCSR_RESET, 0};
        c->sse.env.mxcsr = MXCSR_RESET;
        if (!f64_comi(c, &i, &a, b)) continue;
        enum f80_order order = f64_compare(&e, a.u64[0], b.u64[0], false);
        if ((flags_get(c) & FLAGS_ARITH) != flags[order - F80_LESS] || e.flags)
            ck_abort_msg("case %u", n);
    }
    free(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("host_float");
    TCase *t = tcase_create("host_float");
    tcase_set_timeout(t, 200);
    tcase_add_test(t, same_as_soft_float);
    tcase_add_test(t, not_when_flags_may_change);
    tcase_add_test(t, comparison_flags);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
