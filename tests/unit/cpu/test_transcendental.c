/* SPDX-License-Identifier: MIT
 * The transcendental functions against plain power series in 128 bits, which split no argument, use
 * no table and divide for each term: the same number, but for a few cases in ten thousand that lie
 * almost in the middle between two, where the neighbour is allowed.
 */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include "cpu/softfloat/wide.h"
#include "tests/unit/cpu/random64.h"

enum { CASES = 60000, NEIGHBOURS = CASES / 2000 };

/* A number of either sign from 2^low to 2^(high + 1). */
static struct f80 number(int low, int high)
{
    uint64_t a = random64(), m = random64();
    if (!(a & 7)) m &= ~0ull << (a >> 3 & 63);
    int exp = F80_BIAS + low + (int)((a >> 16 & 0xFFFF) % (unsigned)(high - low + 1));
    return f80_make(a >> 63, exp, m | F80_J);
}

/* ---- plain series ---------------------------------------------------------------------------- */
static struct wide divided(struct wide a, struct wide b)
{
    bool below = a.m < b.m;
    u128 rest = below ? a.m : a.m >> 1, quotient = 0;
    for (int n = 0; n < 128; n++) {
        bool carry = rest >> 127;
        rest <<= 1;
        quotient <<= 1;
        if (carry || rest >= b.m) {
            rest -= b.m;
            quotient |= 1;
        }
    }
    return wide_make(a.sign != b.sign, a.exp - b.exp - below, quotient);
}

struct angle {
    unsigned quadrant;
    struct wide rest;
};
static struct angle reduced(struct f80 a)
{
    const u128 half_pi = U128(0xC, 0x90FDAA22168C234Cull);
    struct parts p = f80_unpack(a);
    int power = p.exp - F80_BIAS;
    u128 rest = p.m;
    unsigned quadrant = 0;
    p.sign = false;
    if (power < -1) return (struct angle){0, wide_from(p)};
    for (int n = 0; n < power + 4; n++) {
        rest <<= 1;
        quadrant <<= 1;
        if (rest >= half_pi) {
            rest -= half_pi;
            quadrant++;
        }
    }
    bool above = rest > half_pi - rest;
    if (above) rest = half_pi - rest;
    return (struct angle){(quadrant + above) & 3, wide_make(above, 127 - 67, rest)};
}
/* k = 2: sine; 1: cosine */
static struct wide alternating(struct wide r, unsigned k)
{
    u128 z = wide_to_fraction(r), sum = ALMOST_ONE;
    z = mul_high(z, z);
    for (unsigned n = k + 26;; n -= 2) {
        sum = ~(mul_high(z, sum) / (n * (n + 1)));
        if (n == k) break;
    }
    struct wide v = wide_from_fraction(sum);
    return k == 2 ? wide_mul(r, v) : v;
}
static struct wide sine(struct f80 a, unsigned more)
{
    struct angle p = reduced(a);
    unsigned quadrant = p.quadrant + more;
    struct wide v = alternating(p.rest, quadrant & 1 ? 1 : 2);
    if (quadrant & 2) v = wide_neg(v);
    return v;
}
static struct wide sine_of(struct f80 a, struct f80 b)
{
    (void)b;
    struct wide v = sine(a, 0);
    v.sign ^= f80_sign(a);
    return v;
}
static struct wide cosine_of(struct f80 a, struct f80 b)
{
    (void)b;
    return sine(a, 1);
}
static struct wide tangent_of(struct f80 a, struct f80 b)
{
    return divided(sine_of(a, b), cosine_of(a, b));
}

/* atan q = 2 atan(q / (1 + sqrt(1 + q^2))) asks for a root; atan q = atan(1/2) + atan((q - 1/2) /
 * (1 + q/2)) does not, and with atan(1/2) = 0.4636... two steps are enough. */
static struct wide arctangent(struct wide q, unsigned steps)
{
    const struct wide atan_half = {false, -2, U128(0xED63382B0DDA7B45ull, 0x6FE445ECBC3A8D03ull)};
    struct wide half = {false, -1, (u128)1 << 127};
    if (q.m && q.exp >= -2 && steps && !q.sign) {
        struct wide t =
            divided(wide_add(q, wide_neg(half)), wide_add(wide_from_int(1), wide_mul(q, half)));
        return wide_add(atan_half, arctangent(t, steps - 1));
    }
    u128 z = wide_to_fraction(q), sum = 0;
    z = mul_high(z, z);
    for (unsigned n = 121; n >= 3; n -= 2) sum = ALMOST_ONE / n - mul_high(z, sum);
    return wide_mul(q, wide_from_fraction(~mul_high(z, sum)));
}
static struct wide angle_of(struct f80 y, struct f80 x)
{
    const u128 pi = U128(0xC90FDAA22168C234ull, 0xC4C6628B80DC1CD1ull);
    struct wide a = wide_from(f80_unpack(y)), b = wide_from(f80_unpack(x)), v;
    bool left = b.sign, negative = a.sign;
    a.sign = b.sign = false;
    bool steep = a.exp > b.exp || (a.exp == b.exp && a.m > b.m);
    v = steep ? arctangent(divided(b, a), 3) : arctangent(divided(a, b), 3);
    struct wide full = {false, 1, pi}, half = {false, 0, pi};
    if (steep) v = wide_add(half, left ? v : wide_neg(v));
    else if (left) v = wide_add(full, wide_neg(v));
    v.sign = negative;
    return v;
}

static const struct wide two_over_ln_2 = {false, 1,
                                          U128(0xB8AA3B295C17F0BBull, 0xBE87FED0691D3E88ull)};
static struct wide logarithm_near_1(struct wide f)
{
    if (!f.m) return f;
    struct wide s = divided(f, wide_add(wide_from_int(2), f));
    u128 fraction = wide_to_fraction(s), z = mul_high(fraction, fraction), sum = 0;
    for (unsigned n = 51; n >= 3; n -= 2) sum = ALMOST_ONE / n + mul_high(z, sum);
    struct wide ratio = {false, 0, (u128)1 << 127 | mul_high(z, sum) >> 1};
    return wide_mul(wide_mul(s, two_over_ln_2), ratio);
}
static struct wide logarithm(struct wide x)
{
    int32_t whole = x.exp + ((uint64_t)(x.m >> 64) > 0xB504F333F9DE6484ull);
    x.exp -= whole;
    return wide_add(wide_from_int(whole), logarithm_near_1(wide_add(x, wide_from_int(-1))));
}
static struct wide y_log2_x(struct f80 x, struct f80 y)
{
    return wide_mul(wide_from(f80_unpack(y)), logarithm(wide_from(f80_unpack(x))));
}
static struct wide y_log2_x_plus_1(struct f80 x, struct f80 y)
{
    struct wide f = wide_from(f80_unpack(x));
    struct wide v = f.exp < -2 ? logarithm_near_1(f) : logarithm(wide_add(f, wide_from_int(1)));
    return wide_mul(wide_from(f80_unpack(y)), v);
}

static struct wide power_minus_1(struct f80 x, struct f80 b)
{
    const struct wide ln_2 = {false, -1, U128(0xB17217F7D1CF79ABull, 0xC9E3B39803F2F6AFull)};
    const u128 one = (u128)1 << 126;
    (void)b;
    struct wide t = wide_mul(wide_from(f80_unpack(x)), ln_2);
    u128 size = wide_to_fraction(t), sum = one;
    for (unsigned n = 34; n >= 2; n--) {
        u128 term = mul_high(size, sum) / n;
        sum = t.sign ? one - term : one + term;
    }
    return wide_mul(t, wide_make(false, 1, sum));
}

/* ---- comparison ------------------------------------------------------------------------------ */
typedef struct wide reference(struct f80 a, struct f80 b);

static bool equal(struct f80 a, struct f80 b)
{
    return a.m == b.m && a.se == b.se;
}
static bool adjacent(struct f80 a, struct f80 b)
{
    struct f80 up = {a.m + 1, a.se}, down = {a.m - 1, a.se};
    if (!up.m) up = (struct f80){F80_J, a.se + 1};
    if (!(down.m & F80_J)) down = (struct f80){~0ull, a.se - 1};
    return equal(b, up) || equal(b, down);
}

static unsigned compare(const char *what, reference *series, struct f80 got, struct f80 a,
                        struct f80 b)
{
    struct f80_env e = {0x37F, 0};
    struct f80 want = wide_round(&e, series(a, b), false);
    if (equal(got, want)) return 0;
    if (!adjacent(got, want))
        ck_abort_msg("%s %04" PRIX64 ":%016" PRIX64 ", %04" PRIX64 ":%016" PRIX64 ": %04" PRIX64
                     ":%016" PRIX64 ", the series %04" PRIX64 ":%016" PRIX64,
                     what, a.se, a.m, b.se, b.m, got.se, got.m, want.se, want.m);
    return 1;
}

/* `call` computes r from a and b, which are made by `first` and `second`. */
#define FUNCTION(name, series, first, second, call)                                                \
    START_TEST(name)                                                                               \
    {                                                                                              \
        unsigned neighbours = 0;                                                                   \
        for (unsigned n = 0; n < CASES; n++) {                                                     \
            struct f80_env e = {0x37F, 0};                                                         \
            struct f80 a = first, b = second, r = {0, 0};                                          \
            call;                                                                                  \
            neighbours += compare(#name, series, r, a, b);                                         \
        }                                                                                          \
        ck_assert_uint_le(neighbours, NEIGHBOURS);                                                 \
    }                                                                                              \
    END_TEST

/* Every other argument from where tables and reductions have their seams. */
#define EITHER(low, high, near_low, near_high)                                                     \
    (n & 1 ? number(near_low, near_high) : number(low, high))
static struct f80 positive(struct f80 a)
{
    return (struct f80){a.m, a.se & 0x7FFF};
}
/* 1 + or - a small number */
static struct f80 near_1(void)
{
    uint64_t a = random64(), m = random64() >> (a & 63) >> 1;
    return a >> 63 ? f80_make(false, F80_BIAS, F80_J | m)
                   : f80_make(false, F80_BIAS - 1, ~m | F80_J);
}

FUNCTION(fsin, sine_of, EITHER(-67, 62, -3, 4), a, f80_sincos(&e, a, &r, NULL))
FUNCTION(fcos, cosine_of, EITHER(-67, 62, -3, 4), a, f80_sincos(&e, a, NULL, &r))
FUNCTION(fptan, tangent_of, EITHER(-67, 62, -3, 4), a, f80_tan(&e, a, &r))
FUNCTION(fpatan, angle_of, EITHER(-70, 70, -4, 3), EITHER(-70, 70, -4, 3), r = f80_atan2(&e, a, b))
FUNCTION(f2xm1, power_minus_1, EITHER(-70, -1, -6, -1), a, r = f80_2xm1(&e, a))
FUNCTION(fyl2x, y_log2_x, n & 1 ? near_1() : positive(number(-70, 70)), number(-5, 5),
         r = f80_yl2x(&e, a, b))
FUNCTION(fyl2xp1, y_log2_x_plus_1, EITHER(-70, -3, -8, -3), number(-5, 5), r = f80_yl2xp1(&e, a, b))

START_TEST(division)
{
    for (unsigned n = 0; n < CASES * 4; n++) {
        struct wide a = wide_make(false, 0, U128(random64() | 1, random64())), b = a;
        if (n & 1) b = wide_make(false, 0, U128(~0ull << (n >> 1 & 63), n & 128 ? 0 : random64()));
        if (n & 2) a = wide_make(false, 0, U128((uint64_t)(b.m >> 64), random64()));
        if (n & 4) b.m = b.m >> 64 << 64 | (n & 8 ? ~0ull : 0);
        struct wide got = wide_div(a, b), want = divided(a, b);
        if (got.m != want.m || got.exp != want.exp) ck_abort_msg("case %u", n);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("transcendental");
    TCase *t = tcase_create("transcendental");
    tcase_set_timeout(t, 200);
    tcase_add_test(t, division);
    tcase_add_test(t, fsin);
    tcase_add_test(t, fcos);
    tcase_add_test(t, fptan);
    tcase_add_test(t, fpatan);
    tcase_add_test(t, f2xm1);
    tcase_add_test(t, fyl2x);
    tcase_add_test(t, fyl2xp1);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
