/* SPDX-License-Identifier: MIT
 * Soft float: base 2 logarithms and exponential, by power series in 128-bit fixed point.
 * Data sheet: Intel SDM vol. 1, 8.3.9; vol. 2, F2XM1, FYL2X, FYL2XP1 (tables of special operands).
 *
 * Operands outside the documented ranges (|x| > 1 for F2XM1, FYL2XP1 beyond 1 +- sqrt(2)/2) are
 * undefined; they come back unchanged and inexact, as a P6 descendant returns them.
 */
#include "cpu/softfloat/tables.h"

static const struct wide ln_2 = { false, -1, U128(0xB17217F7D1CF79ABull, 0xC9E3B39803F2F6AFull) };
static const struct wide two_over_ln_2 = {false, 1,
                                          U128(0xB8AA3B295C17F0BBull, 0xBE87FED0691D3E88ull)};

/* s + s^3/3 + s^5/5 + ..., |s| <= 1/90, times 2/ln 2 */
static struct wide log2_series(struct wide s)
{
    static const uint64_t far[] = {
        0x5555555555555555ull, 0x3333333333333333ull, 0x2492492492492492ull,
        0x1C71C71C71C71C71ull, 0x1745D1745D1745D1ull,
    };
    u128 fraction = wide_to_fraction(s), z = mul_high(fraction, fraction);
    uint64_t sum = 0;
    for (unsigned n = COUNT_OF(far); n-- > 0;) sum = far[n] + high_64((uint64_t)(z >> 64), sum);
    struct wide ratio = { false, 0, (u128)1 << 127 | mul_high_64(z, sum) >> 1 };
    return wide_mul(wide_mul(s, two_over_ln_2), ratio);
}

/* log2(1 + f) for 1 + f from 1/sqrt(2) to sqrt(2): that of c = 1 + n/32, the nearest, and of
 * (1 + f) / c with s = (1 + f - c) / (1 + f + c). */
static struct wide log2_near_1(struct wide f)
{
    int32_t n = 0;
    if (!f.m) return f;
    if (f.exp >= -6) n = ((int32_t)((uint64_t)(f.m >> 64) >> (57 - f.exp)) + 1) >> 1;
    if (f.sign) n = -n;
    struct wide c = wide_make(n < 0, 122, (u128)(unsigned)(n < 0 ? -n : n));
    struct wide above = wide_make(false, 122, (u128)(unsigned)(2 * LOG_STEPS + n));
    struct wide s = wide_div(wide_add(f, wide_neg(c)), wide_add(above, f));
    return wide_add(log_table[n - LOG_FIRST], log2_series(s));
}

static struct wide log2_of(struct wide x)
{
    const uint64_t sqrt_2 = 0xB504F333F9DE6484ull;
    int32_t whole = x.exp + ((uint64_t)(x.m >> 64) > sqrt_2);
    x.exp -= whole;
    struct wide rest = log2_near_1(wide_add(x, wide_from_int(-1)));
    return wide_add(wide_from_int(whole), rest);
}

struct f80 f80_yl2x(struct f80_env *e, struct f80 x, struct f80 y)
{
    enum f80_class kx = f80_classify(x), ky = f80_classify(y);
    if (kx >= F80_QNAN || ky >= F80_QNAN) return f80_nan2(e, x, y);
    if (kx != F80_ZERO && f80_sign(x)) return f80_invalid(e);
    bool one = x.m == F80_J && f80_exp(x) == F80_BIAS;
    bool negative = kx == F80_ZERO || f80_exp(x) < F80_BIAS;         /* log2(x) < 0 */
    bool sign = f80_sign(y) != negative;
    bool infinite = kx == F80_ZERO || kx == F80_INFINITY;            /* log2(x) */
    if ((infinite && ky == F80_ZERO) || (one && ky == F80_INFINITY)) return f80_invalid(e);
    if (kx == F80_ZERO && ky != F80_INFINITY) {
        e->flags |= F80_Z;
        return f80_infinity(sign);
    }
    if (kx == F80_DENORMAL || ky == F80_DENORMAL) e->flags |= F80_D;
    if (infinite || ky == F80_INFINITY) return f80_infinity(sign);
    if (one || ky == F80_ZERO) return f80_zero(sign);
    struct parts p = f80_unpack(x);
    struct wide r = wide_mul(wide_from(f80_unpack(y)), log2_of(wide_from(p)));
    e->flags |= F80_P; /* also when x is a power of two and r exact */
    return wide_round(e, r, p.m == F80_J);
}

struct f80 f80_yl2xp1(struct f80_env *e, struct f80 x, struct f80 y)
{
    enum f80_class kx = f80_classify(x), ky = f80_classify(y);
    bool sign = f80_sign(x) != f80_sign(y), below = f80_sign(x) && f80_exp(x) >= F80_BIAS;
    if (kx >= F80_QNAN || ky >= F80_QNAN) return f80_nan2(e, x, y);
    if (kx == F80_INFINITY && below) return f80_invalid(e);
    if ((kx == F80_ZERO && ky == F80_INFINITY) || (kx == F80_INFINITY && ky == F80_ZERO))
        return f80_invalid(e);
    if (kx == F80_DENORMAL || ky == F80_DENORMAL) e->flags |= F80_D;
    if (kx == F80_INFINITY || ky == F80_INFINITY) return f80_infinity(sign);
    if (kx == F80_ZERO || ky == F80_ZERO) return f80_zero(sign);
    if (below) {
        e->flags |= F80_P;
        return x;
    }
    struct wide f = wide_from(f80_unpack(x));
    struct wide log = f.exp < -2 ? log2_near_1(f) : log2_of(wide_add(f, wide_from_int(1)));
    return wide_round(e, wide_mul(wide_from(f80_unpack(y)), log), false);
}

/* t + t^2/2! + t^3/3! + ... for |t| <= ln 2 / 31 */
static struct wide exp_minus_1(struct wide t)
{
    static const uint64_t far[] = {                     /* from 1/4! on */
        0x0AAAAAAAAAAAAAAAull, 0x0222222222222222ull, 0x005B05B05B05B05Bull, 0x000D00D00D00D00Dull,
        0x0001A01A01A01A01ull, 0x00002E3BC74AAD8Eull, 0x0000049F93EDDE27ull, 0x0000006B99159FD5ull,
    };
    const u128 half = (u128)1 << 127, sixth = U128(0x2AAAAAAAAAAAAAAAull, 0xAAAAAAAAAAAAAAAAull);
    u128 size = wide_to_fraction(t), negative = 0 - (u128)t.sign;
    uint64_t by = (uint64_t)(size >> 64), sum = 0;
    for (unsigned n = COUNT_OF(far); n-- > 0;)
        sum = far[n] + ((high_64(by, sum) ^ (uint64_t)negative) - (uint64_t)negative);
    u128 near = sixth + ((mul_high_64(size, sum) ^ negative) - negative);
    near = half + ((mul_high(size, near) ^ negative) - negative);
    near = mul_high(size, near) >> 1;                   /* of 1 + ..., in units of 2^-127 */
    near = ((u128)1 << 127) + ((near ^ negative) - negative);
    return wide_mul(t, wide_make(false, 0, near));
}

/* 2^x - 1 for |x| < 1: with 2^(n/16) = 1 + d, the nearest, and 2^(x - n/16) = 1 + e, it is
 * d + e + d e. */
static struct wide exp2_minus_1(struct wide x)
{
    int32_t n = x.exp < -5 ? 0 : ((int32_t)((uint64_t)(x.m >> 64) >> (58 - x.exp)) + 1) >> 1;
    if (x.sign) n = -n;
    struct wide d = exp_table[n + EXP_STEPS];
    struct wide c = wide_make(n < 0, 123, (u128)(unsigned)(n < 0 ? -n : n));
    struct wide e = exp_minus_1(wide_mul(wide_add(x, wide_neg(c)), ln_2));
    return wide_add(wide_add(d, e), wide_mul(d, e));
}

struct f80 f80_2xm1(struct f80_env *e, struct f80 x)
{
    enum f80_class kind = f80_classify(x);
    if (kind >= F80_QNAN) return f80_nan1(e, x);
    if (kind == F80_ZERO) return x;
    if (kind == F80_INFINITY) return f80_sign(x) ? f80_make(true, F80_BIAS, F80_J) : x;
    if (kind == F80_DENORMAL) e->flags |= F80_D;
    if (x.m == F80_J && f80_exp(x) == F80_BIAS)
        return f80_sign(x) ? f80_make(true, F80_BIAS - 1, F80_J) : x;
    if (f80_exp(x) >= F80_BIAS) {
        e->flags |= F80_P;
        return x;
    }
    return wide_round(e, exp2_minus_1(wide_from(f80_unpack(x))), false);
}
