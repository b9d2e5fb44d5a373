/* SPDX-License-Identifier: MIT
 * Soft float: sine, cosine, tangent, arctangent, by power series in
 * fixed point: 128 bits for the first terms, 64 for those that matter less.
 * Data sheet: Intel SDM vol. 1, 8.3.8 (pi has 66 bits: arguments are reduced by that value
 * exactly); vol. 2, FPATAN.
 */
#include "cpu/softfloat/tables.h"

static const u128 pi = U128(0xC90FDAA22168C234ull, 0xC4C6628B80DC1CD1ull);   /* times 2^126 */

/* ---- sine and cosine ------------------------------------------------------------------------- */
/* |a| = quadrant * pi/2 + r, |r| <= pi/4. */
struct reduced { unsigned quadrant; struct wide r; };

/* pi/2 is 0xC90FDAA22168C234C / 2^67 here, and what is left is exact: 128 bits may overflow on the
 * way to it, for it fits. power: that of |a|, -1 to 62. */
static struct reduced reduce_by_pi(uint64_t m, int power)
{
    const u128 half_pi = U128(0xC, 0x90FDAA22168C234Cull);
    const uint64_t two_over_pi = 0xA2F9836E4E441529ull; /* cut off: a quotient may miss one */
    u128 scaled = (u128)m * two_over_pi >> 1, half = (u128)1 << (125 - power);
    uint64_t quotient = (uint64_t)((scaled + half) >> (126 - power));
    u128 rest = ((u128)m << (power + 4)) - half_pi * quotient;
    bool negative = rest >> 127;
    if (negative) rest = 0 - rest;
    if (unlikely(rest > half_pi >> 1)) {
        rest = half_pi - rest;
        quotient += negative ? -1ull : 1;
        negative = !negative;
    }
    return (struct reduced){ quotient & 3, wide_make(negative, 127 - 67, rest) };
}

static struct reduced reduced(struct parts p)
{
    int32_t power = p.exp - F80_BIAS;
    p.sign = false;
    if (power < -1) return (struct reduced){ 0, wide_from(p) };
    return reduce_by_pi(p.m, power);
}

/* table[0] - z * (table[1] - z * ...): the far terms of a series, to 64 bits. */
static uint64_t alternating(uint64_t z, const uint64_t *table, unsigned n)
{
    uint64_t sum = table[n - 1];
    for (unsigned k = n - 1; k-- > 0;) sum = table[k] - high_64(z, sum);
    return sum;
}

static u128 square(struct wide r)
{
    u128 fraction = wide_to_fraction(r);
    return mul_high(fraction, fraction);
}
/* 1 - z/3! + z^2/5! - ..., z = r^2 below 0.617; from 1/7! on in units of 2^-76. */
static struct wide sine_of(struct wide r)
{
    static const uint64_t far[] = {
        0xD00D00D00D00D00Dull, 0x02E3BC74AAD8E671ull, 0x0006B99159FD5138ull, 0x00000B092309D436ull,
        0x0000000D73F9F399ull, 0x000000000CA963B8ull, 0x0000000000097A4Dull, 0x00000000000005C6ull,
        0x0000000000000002ull,
    };
    const u128 third = U128(0x2AAAAAAAAAAAAAAAull, 0xAAAAAAAAAAAAAAAAull),
               fifth = U128(0x0222222222222222ull, 0x2222222222222222ull);
    u128 z = square(r);
    u128 sum = mul_high_64(z, alternating((uint64_t)(z >> 64), far, COUNT_OF(far))) >> 12;
    sum = ~mul_high(z, third - mul_high(z, fifth - sum));
    return wide_mul(r, wide_from_fraction(sum));
}
/* 1 - z/2! + z^2/4! - ...; from 1/8! on in units of 2^-79. */
static struct wide cosine_of(struct wide r)
{
    static const uint64_t far[] = {
        0xD00D00D00D00D00Dull, 0x024FC9F6EF13EB8Eull, 0x00047BB63BFE3625ull, 0x0000064E5D2A301Full,
        0x00000006B9FCF9CCull, 0x0000000005A09E18ull, 0x000000000003CA85ull, 0x0000000000000219ull,
    };
    const u128 second = (u128)1 << 127, fourth = U128(0x0AAAAAAAAAAAAAAAull, 0xAAAAAAAAAAAAAAAAull),
               sixth = U128(0x005B05B05B05B05Bull, 0x05B05B05B05B05B0ull);
    u128 z = square(r);
    u128 sum = mul_high_64(z, alternating((uint64_t)(z >> 64), far, COUNT_OF(far))) >> 15;
    sum = second - mul_high(z, fourth - mul_high(z, sixth - sum));
    return wide_from_fraction(~mul_high(z, sum));
}

/* Sine of (quadrant * pi/2 + r). */
static struct wide sine_in(struct reduced a, unsigned quadrant)
{
    struct wide v = quadrant & 1 ? cosine_of(a.r) : sine_of(a.r);
    return quadrant & 2 ? wide_neg(v) : v;
}

/* Operands that need no computing. true: *r is the result; zero gives zero, also as cosine. */
static bool trig_special(struct f80_env *e, struct f80 a, struct f80 *r)
{
    enum f80_class kind = f80_classify(a);
    if (kind == F80_DENORMAL) e->flags |= F80_D;
    *r = kind >= F80_QNAN ? f80_nan1(e, a) : kind == F80_INFINITY ? f80_invalid(e) : a;
    return kind != F80_NORMAL && kind != F80_DENORMAL;
}
static bool in_range(struct f80 a)
{
    return f80_exp(a) < F80_BIAS + 63 || f80_classify(a) >= F80_INFINITY;
}

/* Below 2^-68 the P6 does not compute: sine and tangent are the operand, in every rounding mode and
 * with C1 = 0, the cosine is 1. All are inexact. */
enum { TINY_EXP = F80_BIAS - 68 };
static const struct f80 one = { F80_J, F80_BIAS };

static struct f80 tiny_result(struct f80_env *e, struct f80 a)
{
    struct parts p = f80_unpack(a);
    struct f80 r = f80_round(e, p.sign, p.exp, p.m, 0, 0);
    e->flags |= (uint16_t)(F80_P | (f80_exp(r) ? 0 : F80_U));
    return r;
}

bool f80_sincos(struct f80_env *e, struct f80 a, struct f80 *sine, struct f80 *cosine)
{
    struct f80 special;
    if (!in_range(a)) return false;
    if (trig_special(e, a, &special)) {
        if (sine) *sine = special;
        if (cosine) *cosine = f80_is_nan(special) ? special : one;
        return true;
    }
    if (f80_exp(a) < TINY_EXP) {
        e->flags |= F80_P;
        if (sine) *sine = tiny_result(e, a);
        if (cosine) *cosine = one;
        return true;
    }
    struct reduced p = reduced(f80_unpack(a));
    if (cosine) *cosine = wide_round(e, sine_in(p, p.quadrant + 1), false);
    uint16_t flags = e->flags;
    if (sine) {
        struct wide v = sine_in(p, p.quadrant);
        v.sign ^= f80_sign(a);
        e->flags &= (uint16_t)~F80_C1;
        *sine = wide_round(e, v, false);
    }
    if (sine && cosine) e->flags = (uint16_t)((e->flags & ~F80_C1) | (flags & F80_C1));
    return true;
}

bool f80_tan(struct f80_env *e, struct f80 a, struct f80 *tangent)
{
    if (!in_range(a)) return false;
    if (trig_special(e, a, tangent)) return true;
    if (f80_exp(a) < TINY_EXP) {
        *tangent = tiny_result(e, a);
        return true;
    }
    struct reduced p = reduced(f80_unpack(a));
    struct wide v = p.quadrant & 1 ? wide_neg(wide_div(cosine_of(p.r), sine_of(p.r)))
                                   : wide_div(sine_of(p.r), cosine_of(p.r));
    v.sign ^= f80_sign(a);
    *tangent = wide_round(e, v, false);
    return true;
}

/* ---- arctangent ------------------------------------------------------------------------------ */
/* t - t^3/3 + t^5/5 - ... for |t| <= 1/63 */
static struct wide arctangent_near_0(struct wide t)
{
    static const uint64_t far[] = {
        0x5555555555555555ull, 0x3333333333333333ull, 0x2492492492492492ull,
        0x1C71C71C71C71C71ull, 0x1745D1745D1745D1ull, 0x13B13B13B13B13B1ull,
    };
    u128 z = square(t);
    u128 sum = mul_high_64(z, alternating((uint64_t)(z >> 64), far, COUNT_OF(far)));
    return wide_mul(t, wide_from_fraction(~sum));
}

/* atan(a / b), 0 < a <= b: atan(c) + atan((a - b c) / (b + a c)), c the nearest of the table, more
 * or less. a and b have 64 bits, so the products are exact. */
static struct wide arctangent_of(struct wide a, struct wide b)
{
    int32_t shift = b.exp - a.exp;
    if (shift > 6) return arctangent_near_0(wide_div(a, b));
    uint64_t ah = (uint64_t)(a.m >> 64), bh = (uint64_t)(b.m >> 64), by = bh >> 32;
    uint64_t n = ((ah >> 32 >> shift) * ATAN_STEPS + (by >> 1)) / by;
    u128 x = (u128)ah << (12 - shift), y = (u128)bh << 12, nx = x * n, ny = y * n;
    x *= ATAN_STEPS;
    y *= ATAN_STEPS;
    struct wide t = wide_div(wide_make(x < ny, 0, x < ny ? ny - x : x - ny),
                             wide_make(false, 0, y + nx));
    return wide_add(atan_table[n], arctangent_near_0(t));
}

/* The angle of (b, a), both positive; left: of (-b, a). */
static struct wide angle(struct wide a, struct wide b, bool left)
{
    struct wide full = { false, 1, pi }, half = { false, 0, pi };
    bool steep = a.exp > b.exp || (a.exp == b.exp && a.m > b.m);
    if (!steep) {
        struct wide v = arctangent_of(a, b);
        return left ? wide_add(full, wide_neg(v)) : v;
    }
    struct wide v = arctangent_of(b, a);
    return wide_add(half, left ? v : wide_neg(v));
}

/* 0 to 4 times pi/4, for operands of zero and infinity (SDM vol. 2, table FPATAN). */
static struct f80 multiple(struct f80_env *e, bool sign, int quarters)
{
    struct wide v = wide_mul(wide_from_int(quarters), (struct wide){ sign, -1, pi });
    v.sign = sign;
    return quarters ? wide_round(e, v, false) : f80_zero(sign);
}

struct f80 f80_atan2(struct f80_env *e, struct f80 y, struct f80 x)
{
    enum f80_class ky = f80_classify(y), kx = f80_classify(x);
    bool sign = f80_sign(y), left = f80_sign(x);
    if (ky >= F80_QNAN || kx >= F80_QNAN) return f80_nan2(e, x, y);
    if (ky == F80_DENORMAL || kx == F80_DENORMAL) e->flags |= F80_D;
    if (ky == F80_INFINITY) return multiple(e, sign, kx == F80_INFINITY ? (left ? 3 : 1) : 2);
    if (kx == F80_INFINITY || ky == F80_ZERO) return multiple(e, sign, left ? 4 : 0);
    if (kx == F80_ZERO) return multiple(e, sign, 2);
    struct wide a = wide_from(f80_unpack(y)), b = wide_from(f80_unpack(x));
    a.sign = b.sign = false;
    struct wide v = angle(a, b, left);
    v.sign = sign;
    return wide_round(e, v, false);
}
