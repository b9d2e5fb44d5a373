/* SPDX-License-Identifier: MIT
 * Soft float: sine, cosine, tangent, arctangent, by power series in 128-bit fixed point.
 * Data sheet: Intel SDM vol. 1, 8.3.8 (pi has 66 bits: arguments are reduced by that value
 * exactly); vol. 2, FPATAN.
 */
#include "cpu/softfloat/wide.h"

static const u128 pi = U128(0xC90FDAA22168C234ull, 0xC4C6628B80DC1CD1ull);   /* times 2^126 */

/* ---- sine and cosine ------------------------------------------------------------------------- */
/* |a| = quadrant * pi/2 + r, |r| <= pi/4. */
struct reduced { unsigned quadrant; struct wide r; };

/* pi/2 is 0xC90FDAA22168C234C / 2^67 here; the division is exact. power: that of |a|, -1 to 62. */
static struct reduced reduce_by_pi(uint64_t m, int power)
{
    const u128 half_pi = U128(0xC, 0x90FDAA22168C234Cull);
    u128 rest = m;
    unsigned quadrant = 0;
    for (int n = 0; n < power + 4; n++) {
        rest <<= 1;
        quadrant <<= 1;
        if (rest >= half_pi) { rest -= half_pi; quadrant++; }
    }
    bool nearer_above = rest > half_pi - rest;
    if (nearer_above) rest = half_pi - rest;
    return (struct reduced){(quadrant + nearer_above) & 3, wide_make(nearer_above, 127 - 67, rest)};
}

static struct reduced reduced(struct parts p)
{
    int32_t power = p.exp - F80_BIAS;
    p.sign = false;
    if (power < -1) return (struct reduced){ 0, wide_from(p) };
    return reduce_by_pi(p.m, power);
}

/* 1 - z/(k(k+1)) * (1 - z/((k+2)(k+3)) * ...): cosine of sqrt(z) for k = 1, sin(sqrt(z))/sqrt(z)
 * for 2. */
static u128 alternating(u128 z, unsigned k)
{
    u128 sum = ALMOST_ONE;
    for (unsigned n = k + 26; n >= k; n -= 2) {
        sum = ~(mul_high(z, sum) / (n * (n + 1)));
        if (n == k) break;
    }
    return sum;
}

static u128 square(struct wide r)
{
    u128 fraction = wide_to_fraction(r);
    return mul_high(fraction, fraction);
}
static struct wide sine_of(struct wide r)
{
    return wide_mul(r, wide_from_fraction(alternating(square(r), 2)));
}
static struct wide cosine_of(struct wide r)
{
    return wide_from_fraction(alternating(square(r), 1));
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
/* |t| <= 1/16: t - t^3/3 + t^5/5 - ... */
static struct wide arctangent_series(struct wide t)
{
    u128 z = square(t), sum = 0;
    for (unsigned n = 33; n >= 3; n -= 2) sum = ALMOST_ONE / n - mul_high(z, sum);
    return wide_mul(t, wide_from_fraction(~mul_high(z, sum)));
}

/* 0 < q <= 1: atan q = atan c + atan((q - c) / (1 + q c)), c the nearest eighth. */
static struct wide arctangent_of(struct wide q)
{
    static const uint64_t eighths[9][2] = {
        /* atan(n/8) as fractions */
        {0, 0},
        {0x1FD5BA9AAC2F6DC6ull, 0x5912F313E7D111DEull},
        {0x3EB6EBF25901BAC5ull, 0x5B71E7BD7DE885F9ull},
        {0x5BD86507937BC239ull, 0xC55190916E7F2241ull},
        {0x76B19C1586ED3DA2ull, 0xB7F222F65E1D4681ull},
        {0x8F005D5EF7F59F9Bull, 0x5C835E1665C43747ull},
        {0xA4BC7D1934F70924ull, 0x19A87F2A457DAC9Eull},
        {0xB8053E2BC2319E73ull, 0xCB2DA55210A4443Dull},
        {0xC90FDAA22168C234ull, 0xC4C6628B80DC1CD1ull},
    };
    if (q.exp < -4) return arctangent_series(q);
    unsigned n = q.exp >= 0 ? 8 : ((unsigned)(wide_to_fraction(q) >> 124) + 1) / 2;
    struct wide c = wide_make(false, 124, n);
    struct wide t = wide_div(wide_add(q, wide_neg(c)), wide_add(wide_from_int(1), wide_mul(q, c)));
    return wide_add(wide_from_fraction(U128(eighths[n][0], eighths[n][1])), arctangent_series(t));
}

/* The angle of (b, a), both positive; left: of (-b, a). */
static struct wide angle(struct wide a, struct wide b, bool left)
{
    struct wide full = { false, 1, pi }, half = { false, 0, pi };
    bool steep = a.exp > b.exp || (a.exp == b.exp && a.m > b.m);
    if (!steep) {
        struct wide v = arctangent_of(wide_div(a, b));
        return left ? wide_add(full, wide_neg(v)) : v;
    }
    struct wide v = arctangent_of(wide_div(b, a));
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
