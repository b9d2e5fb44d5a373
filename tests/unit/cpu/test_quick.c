/* SPDX-License-Identifier: MIT
 * The common case of the soft float (quick.h) against the whole of it: whatever it says it can do
 * has to be equal in every bit and flag. And the x87's handlers that use it, against those that do
 * not.
 */
#include <check.h>
#include <inttypes.h>
#include "cpu/softfloat/quick.h"
#include "tests/unit/cpu/random64.h"
#include "tests/unit/cpu/x87_rig.h"

enum { ROUNDS = 1500000, HANDLER_ROUNDS = 400000 };

/* Check reports every ck_assert to its parent process: millions of them take their time. */
#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) ck_abort_msg(__VA_ARGS__);                                               \
    } while (0)

/* Significands with runs of ones and zeros, which make ties, carries and exact results. */
static uint64_t random_bits(void)
{
    uint64_t a = random64(), r = random64();
    unsigned n = (unsigned)(a & 63);
    switch (a >> 6 & 7) {
    case 0: return r;
    case 1: return r << n;
    case 2: return ~(r << n);
    case 3: return 1ull << n;
    case 4: return (1ull << n) - 1;
    case 5: return r & (r << n | r >> (63 - n));
    case 6: return (r << 11 & ~0x7FFull) ^ (1ull << (a >> 9 & 15));
    default: return (r >> 60 << n) | (r & 3);
    }
}
static struct f80 random_number(void)
{
    static const uint16_t edges[] = {0,      1,      2,      3,      63,     0x3BCD, 0x3C00,
                                     0x3C01, 0x3F80, 0x3F81, 0x3F6A, 0x3FFE, 0x3FFF, 0x400E,
                                     0x401D, 0x401E, 0x403D, 0x403E, 0x407E, 0x407F, 0x43FE,
                                     0x43FF, 0x7FFC, 0x7FFD, 0x7FFE, 0x7FFF};
    uint64_t a = random64();
    uint64_t exp = a & 7 ? F80_BIAS - 70 + (a >> 3) % 140 : edges[(a >> 3) % COUNT_OF(edges)];
    struct f80 v = {random_bits(), exp | (a >> 32 & 0x8000)};
    if (a >> 48 & 63) v.m |= F80_J;
    else if (a >> 54 & 1) v.m = 0, v.se &= 0x8000;
    return v;
}

static void same(const char *what, unsigned n, struct f80 got, unsigned got_flags, struct f80 want,
                 unsigned want_flags)
{
    CHECK(got.m == want.m && got.se == want.se && got_flags == want_flags,
          "%s, case %u: %04" PRIX64 ":%016" PRIX64 " flags %X, want %04" PRIX64 ":%016" PRIX64
          " flags %X",
          what, n, got.se, got.m, got_flags, want.se, want.m, want_flags);
}

#define ARITHMETIC(op)                                                                             \
    START_TEST(arithmetic_##op)                                                                    \
    {                                                                                              \
        unsigned done = 0;                                                                         \
        for (unsigned n = 0; n < ROUNDS; n++) {                                                    \
            struct f80 a = random_number(), b = random_number();                                   \
            if (!(random64() & 15)) b = (struct f80){a.m ^ random64() >> 60, a.se ^ 0x8000};       \
            uint16_t control = (uint16_t)(0x7F | (n & 3) << 8);                                    \
            struct quick got = quick_##op(a, b, control);                                          \
            struct f80_env e = {control, 0};                                                       \
            struct f80 want = f80_##op(&e, a, b);                                                  \
            if (!got.ok) continue;                                                                 \
            same(#op, n, got.v, got.flags, want, e.flags);                                         \
            done++;                                                                                \
        }                                                                                          \
        ck_assert_uint_gt(done, ROUNDS * 2 / 3);                                                   \
    }                                                                                              \
    END_TEST
ARITHMETIC(add)
ARITHMETIC(sub)
ARITHMETIC(subr)
ARITHMETIC(mul)
ARITHMETIC(div)
ARITHMETIC(divr)

START_TEST(comparison)
{
    for (unsigned n = 0; n < ROUNDS; n++) {
        struct f80 a = random_number(), b = random64() & 7 ? random_number() : a;
        if (!(random64() & 7)) b.se ^= 0x8000;
        struct quick_order got = quick_compare(a, b);
        struct f80_env e = {0x37F, 0};
        int want = f80_compare(&e, a, b, false);
        if (got.ok) CHECK(got.order == want && !e.flags, "case %u", n);
    }
}
END_TEST

START_TEST(widening)
{
    for (unsigned n = 0; n < ROUNDS; n++) {
        uint64_t v = random64() & 15 ? random64() : random64() & ~(0x7FEull << 52);
        struct f80_env e = {0x37F, 0};
        struct quick got = quick_widen(v, 52, 11);
        struct f80 want = f80_from_f64(&e, v);
        if (got.ok) same("double", n, got.v, got.flags, want, e.flags);
        e.flags = 0;
        got = quick_widen((uint32_t)(v >> 32), 23, 8);
        want = f80_from_f32(&e, (uint32_t)(v >> 32));
        if (got.ok) same("single", n, got.v, got.flags, want, e.flags);
        same("integer", n, quick_from_int((int64_t)v >> (n & 63)), 0,
             f80_from_int((int64_t)v >> (n & 63)), 0);
    }
}
END_TEST

START_TEST(narrowing)
{
    unsigned done = 0;
    for (unsigned n = 0; n < ROUNDS; n++) {
        struct f80 a = random_number();
        struct f80_env e = {0x37F, 0};
        struct quick_bits got = quick_narrow(a, 52, 11);
        uint64_t want = f80_to_f64(&e, a);
        done += got.ok;
        if (got.ok) CHECK(got.bits == want && got.flags == e.flags, "double, case %u", n);
        e.flags = 0;
        got = quick_narrow(a, 23, 8);
        want = f80_to_f32(&e, a);
        if (got.ok) CHECK(got.bits == want && got.flags == e.flags, "single, case %u", n);
    }
    ck_assert_uint_gt(done, ROUNDS * 2 / 3);
}
END_TEST

START_TEST(integers)
{
    unsigned done = 0;
    for (unsigned n = 0; n < ROUNDS; n++) {
        struct f80 a = random_number();
        unsigned bits = 16u << n % 3;
        enum f80_rounding rc = n >> 2 & 3;
        struct f80_env e = {(uint16_t)(0x37F | rc << 10), 0};
        struct quick_bits got = quick_to_int(a, bits, rc);
        int64_t want = f80_to_int(&e, a, bits, rc);
        if (!got.ok) continue;
        CHECK((int64_t)got.bits == want && got.flags == e.flags,
              "case %u: %016" PRIX64 " %X, want %016" PRIX64 " %X", n, got.bits, got.flags, want,
              e.flags);
        done++;
    }
    ck_assert_uint_gt(done, ROUNDS / 3);
}
END_TEST

/* ---- handlers -------------------------------------------------------------------------------- */
static void random_state(struct cpu *c)
{
    static const uint16_t controls[] = {0x37F, 0x37F, 0x37F, 0x27F, 0x7F,  0xF7F,
                                        0xB7F, 0x77F, 0x340, 0x35F, 0x37E, 0xE7F};
    struct x87 *f = &c->x87;
    uint64_t a = random64();
    x87_init(f);
    x87_set_control(f, controls[a % COUNT_OF(controls)]);
    x87_set_status(f, (uint16_t)(a >> 8 & 0x7F60));
    f->used = (uint8_t)(a >> 24 & 7 ? 0x7Fu << f->top | 0x7Fu >> (8 - f->top) : a >> 32);
    if (a >> 40 & 1) f->used = 0xFF ^ (uint8_t)(1u << ((f->top + 7) & 7));
    for (unsigned n = 0; n < 8; n++) f->reg[n] = random_number();
}
static uint64_t outcome(struct rig *r, bool ran)
{
    uint8_t bytes[16];
    memory_copy_from(r->memory, bytes, r->at, sizeof bytes);
    return memory_hash_bytes(x87_hash(r->c, ran ? 1u : 2u + (unsigned)r->vector), bytes,
                             sizeof bytes);
}

/* Every instruction with a memory operand, aligned or not: flat and 64-bit handlers against those
 * for any segment. */
START_TEST(memory_forms)
{
    struct rig r = rig_new();
    unsigned ran_quick = 0;
    for (unsigned n = 0; n < HANDLER_ROUNDS; n++) {
        uint8_t code = (uint8_t)(0xD8 | (random64() & 7)), modrm = (uint8_t)(random64() & 0x38);
        if (!rig_family(code, modrm)) continue;
        uint64_t operand[2] = {random64() & 3 ? random64() : 0, random64()};
        if (random64() & 1)
            operand[0] = (operand[0] & ~(0x7FFull << 52)) | (0x3E0 + (n & 63)) << 20;
        r.at = RIG_OPERAND + (n & 1 ? 0xFF0 + (n >> 1 & 15) : n >> 1 & 15);
        random_state(r.c);
        struct x87 before = r.c->x87;
        uint64_t want = 0;
        for (unsigned column = 0; column < 3; column++) {
            enum rig_column order[3] = {RIG_ANY, RIG_FLAT, RIG_LONG};
            r.c->x87 = before;
            memory_copy_to(r.memory, r.at, operand, sizeof operand);
            bool ran = rig_run_as(&r, code, modrm, 4, order[column]);
            uint64_t got = outcome(&r, ran);
            if (!column) want = got;
            ran_quick += column && rig_family(code, modrm)->h[K_M][order[column]][2];
            CHECK(got == want, "%02X %02X, column %u, round %u: the outcome differs", code, modrm,
                  (unsigned)order[column], n);
        }
    }
    ck_assert_uint_gt(ran_quick, HANDLER_ROUNDS / 4);
    rig_free(&r);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("quick");
    TCase *t = tcase_create("quick");
    tcase_set_timeout(t, 200);
    tcase_add_test(t, arithmetic_add);
    tcase_add_test(t, arithmetic_sub);
    tcase_add_test(t, arithmetic_subr);
    tcase_add_test(t, arithmetic_mul);
    tcase_add_test(t, arithmetic_div);
    tcase_add_test(t, arithmetic_divr);
    tcase_add_test(t, comparison);
    tcase_add_test(t, widening);
    tcase_add_test(t, narrowing);
    tcase_add_test(t, integers);
    tcase_add_test(t, memory_forms);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
