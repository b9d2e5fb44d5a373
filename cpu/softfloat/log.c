/* SPDX-License-Identifier: MIT
 * Soft float: base 2 logarithms and exponential, by power series in 128-bit fixed point.
 * Data sheet: Intel SDM vol. 1, 8.3.9; vol. 2, F2XM1, FYL2X, FYL2XP1 (tables of special operands).
 *
 * Operands outside the documented ranges (|x| > 1 for F2XM1, FYL2XP1 beyond 1 +- sqrt(2)/2) are
 * undefined; they come back unchanged and inexact, as a P6 descendant returns them.
 */
#include "cpu/softfloat/wide.h"

static const struct wide ln_2 = { false, -1, U128(0xB17217F7D1CF79ABull, 0xC9E3B39803F2F6AFull) };
static const struct wide two_over_ln_2 = {false, 1,
                                          U128(0xB8AA3B295C17F0BBull, 0xBE87FED0691D3E88ull)};

/* log2(1 + f) for 1 + f from 1/sqrt(2) to sqrt(2), with s = f / (2 + f):
 * 2/ln 2 * (s + s^3/3 + s^5/5 + ...). */
static struct wide log2_near_1(struct wide f)
{
    if (!f.m) return f;
    struct wide s = wide_div(f, wide_add(wide_from_int(2), f));
    u128 fraction = wide_to_fraction(s), z = mul_high(fraction, fraction), sum = 0;
    for (unsigned n = 51; n >= 3; n -= 2) sum = ALMOST_ONE / n + mul_high(z, sum);
    struct wide ratio = { false, 0, (u128)1 << 127 | mul_high(z, sum) >> 1 };
    return wide_mul(wide_mul(s, two_over_ln_2), ratio);
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

/* t + t^2/2! + t^3/3! + ... for |t| <= ln 2, as t * (1 + t/2 * (1 + t/3 * ...)). */
static struct wide exp_minus_1(struct wide t)
{
    const u128 one = (u128)1 << 126;                    /* the sum lies between 1/2 and 2 */
    u128 size = wide_to_fraction(t), sum = one;
    for (unsigned n = 32; n >= 2; n--) {
        u128 term = mul_high(size, sum) / n;
        sum = t.sign ? one - term : one + term;
    }
    return wide_mul(t, wide_make(false, 1, sum));
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
    return wide_round(e, exp_minus_1(wide_mul(wide_from(f80_unpack(x)), ln_2)), false);
}
