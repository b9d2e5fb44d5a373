/* SPDX-License-Identifier: MIT
 * Soft float: add, subtract, multiply, divide, square root.
 * Normal numbers take the short way; everything else goes through the special cases of the SDM's
 * result tables (vol. 2, FADD, FSUB, FMUL, FDIV, FSQRT).
 */
#include "cpu/softfloat/round.h"

/* ---- add, subtract --------------------------------------------------------------------------- */
/* a.exp >= b.exp */
static inline struct f80 add_magnitudes(struct f80_env *e, struct parts a, struct parts b)
{
    u128 x = (u128)a.m << 64, y = shift_jam((u128)b.m << 64, a.exp - b.exp);
    u128 sum = x + y;
    if (sum < x) {
        sum = sum >> 1 | (sum & 1) | (u128)1 << 127;
        a.exp++;
    }
    return f80_round(e, a.sign, a.exp, (uint64_t)(sum >> 64), (uint64_t)sum, drop_bits(e));
}

static inline struct f80 sub_magnitudes(struct f80_env *e, struct parts a, struct parts b)
{
    u128 x = (u128)a.m << 64, y = shift_jam((u128)b.m << 64, a.exp - b.exp);
    if (x == y) return f80_zero(f80_rounding(e) == F80_DOWN);
    if (x < y) {
        u128 t = x; x = y; y = t;
        a.sign = !a.sign;
    }
    u128 difference = x - y;
    uint64_t hi = (uint64_t)(difference >> 64);
    int shift = hi ? __builtin_clzll(hi) : 64 + __builtin_clzll((uint64_t)difference);
    difference <<= shift;
    return f80_round(e, a.sign, a.exp - shift, (uint64_t)(difference >> 64), (uint64_t)difference,
                     drop_bits(e));
}

static inline struct f80 add_parts(struct f80_env *e, struct parts a, struct parts b)
{
    if (a.exp < b.exp) { struct parts t = a; a = b; b = t; }
    return a.sign == b.sign ? add_magnitudes(e, a, b) : sub_magnitudes(e, a, b);
}

static struct f80 add_special(struct f80_env *e, struct f80 a, struct f80 b, bool negate)
{
    enum f80_class ka = f80_classify(a), kb = f80_classify(b);
    if (ka >= F80_QNAN || kb >= F80_QNAN) return f80_nan2(e, a, b);
    b.se ^= (uint16_t)(negate << 15);
    if (ka == F80_INFINITY && kb == F80_INFINITY && a.se != b.se) return f80_invalid(e);
    if (ka == F80_DENORMAL || kb == F80_DENORMAL) e->flags |= F80_D;
    if (ka == F80_INFINITY) return a;
    if (kb == F80_INFINITY) return b;
    if (ka == F80_ZERO && kb == F80_ZERO)
        return a.se == b.se ? a : f80_zero(f80_rounding(e) == F80_DOWN);
    struct parts pa = f80_unpack(a), pb = f80_unpack(b);
    if (ka == F80_ZERO) return f80_round(e, pb.sign, pb.exp, pb.m, 0, drop_bits(e));
    if (kb == F80_ZERO) return f80_round(e, pa.sign, pa.exp, pa.m, 0, drop_bits(e));
    return add_parts(e, pa, pb);
}

static inline struct parts normal_parts(struct f80 a)
{
    return (struct parts){ f80_sign(a), f80_exp(a), a.m };
}

struct f80 f80_add(struct f80_env *e, struct f80 a, struct f80 b)
{
    if (unlikely(!f80_is_normal(a) || !f80_is_normal(b))) return add_special(e, a, b, false);
    return add_parts(e, normal_parts(a), normal_parts(b));
}

struct f80 f80_sub(struct f80_env *e, struct f80 a, struct f80 b)
{
    if (unlikely(!f80_is_normal(a) || !f80_is_normal(b))) return add_special(e, a, b, true);
    b.se ^= 0x8000;
    return add_parts(e, normal_parts(a), normal_parts(b));
}

struct f80 f80_subr(struct f80_env *e, struct f80 a, struct f80 b) { return f80_sub(e, b, a); }

/* ---- multiply -------------------------------------------------------------------------------- */
static inline struct f80 mul_parts(struct f80_env *e, struct parts a, struct parts b)
{
    u128 product = (u128)a.m * b.m;
    int32_t exp = a.exp + b.exp - F80_BIAS + 1;
    if (!(product >> 127)) {
        product <<= 1;
        exp--;
    }
    return f80_round(e, a.sign != b.sign, exp, (uint64_t)(product >> 64), (uint64_t)product,
                     drop_bits(e));
}

static struct f80 mul_special(struct f80_env *e, struct f80 a, struct f80 b)
{
    enum f80_class ka = f80_classify(a), kb = f80_classify(b);
    bool sign = f80_sign(a) != f80_sign(b);
    if (ka >= F80_QNAN || kb >= F80_QNAN) return f80_nan2(e, a, b);
    bool infinite = ka == F80_INFINITY || kb == F80_INFINITY;
    bool zero = ka == F80_ZERO || kb == F80_ZERO;
    if (infinite && zero) return f80_invalid(e);
    if (ka == F80_DENORMAL || kb == F80_DENORMAL) e->flags |= F80_D;
    if (infinite) return f80_infinity(sign);
    if (zero) return f80_zero(sign);
    return mul_parts(e, f80_unpack(a), f80_unpack(b));
}

struct f80 f80_mul(struct f80_env *e, struct f80 a, struct f80 b)
{
    if (unlikely(!f80_is_normal(a) || !f80_is_normal(b))) return mul_special(e, a, b);
    return mul_parts(e, normal_parts(a), normal_parts(b));
}

/* ---- divide ---------------------------------------------------------------------------------- */
static inline struct f80 div_parts(struct f80_env *e, struct parts a, struct parts b)
{
    bool below = a.m < b.m;
    u128 dividend = (u128)a.m << (below ? 64 : 63);
    uint64_t rest;
    uint64_t quotient = divide_128((uint64_t)(dividend >> 64), (uint64_t)dividend, b.m, &rest);
    uint64_t lo = rest == 0 ? 0 : rest > b.m - rest ? HALF | 1 : rest == b.m - rest ? HALF : 1;
    return f80_round(e, a.sign != b.sign, a.exp - b.exp + F80_BIAS - below, quotient, lo,
                     drop_bits(e));
}

static struct f80 div_special(struct f80_env *e, struct f80 a, struct f80 b)
{
    enum f80_class ka = f80_classify(a), kb = f80_classify(b);
    bool sign = f80_sign(a) != f80_sign(b);
    if (ka >= F80_QNAN || kb >= F80_QNAN) return f80_nan2(e, a, b);
    if (ka == kb && (ka == F80_INFINITY || ka == F80_ZERO)) return f80_invalid(e);
    if (kb == F80_ZERO && ka != F80_INFINITY) {
        e->flags |= F80_Z;
        return f80_infinity(sign);
    }
    if (ka == F80_DENORMAL || kb == F80_DENORMAL) e->flags |= F80_D;
    if (ka == F80_INFINITY) return f80_infinity(sign);
    if (ka == F80_ZERO || kb == F80_INFINITY) return f80_zero(sign);
    return div_parts(e, f80_unpack(a), f80_unpack(b));
}

struct f80 f80_div(struct f80_env *e, struct f80 a, struct f80 b)
{
    if (unlikely(!f80_is_normal(a) || !f80_is_normal(b))) return div_special(e, a, b);
    return div_parts(e, normal_parts(a), normal_parts(b));
}

struct f80 f80_divr(struct f80_env *e, struct f80 a, struct f80 b) { return f80_div(e, b, a); }

/* ---- square root ----------------------------------------------------------------------------- */
/* floor(sqrt(n)) of n >= 2^62, bit by bit. */
static uint64_t root32(uint64_t n)
{
    uint64_t root = 0;
    for (uint64_t bit = 1ull << 31; bit; bit >>= 1)
        if ((root | bit) * (root | bit) <= n) root |= bit;
    return root;
}

/* floor(sqrt(n)) of n >= 2^126: the upper half by root32(), the lower by one division
 * (P. Zimmermann, Karatsuba Square Root, INRIA RR-3805, 1999). *rest: n - root^2. */
static uint64_t root64(u128 n, u128 *rest)
{
    uint64_t s = root32((uint64_t)(n >> 64)), r = (uint64_t)(n >> 64) - s * s;
    u128 dividend = (u128)r << 32 | (uint32_t)(n >> 32);
    u128 quotient = dividend / (2 * s);
    u128 root = ((u128)s << 32) + quotient;
    while (root >> 64 || root * root > n) root--;       /* at most twice */
    *rest = n - root * root;
    return (uint64_t)root;
}

struct f80 f80_sqrt(struct f80_env *e, struct f80 a)
{
    enum f80_class kind = f80_classify(a);
    if (kind >= F80_QNAN) return f80_nan1(e, a);
    if (kind == F80_ZERO) return a;
    if (f80_sign(a)) return f80_invalid(e);
    if (kind == F80_INFINITY) return a;
    if (kind == F80_DENORMAL) e->flags |= F80_D;
    struct parts p = f80_unpack(a);
    int32_t power = p.exp - F80_BIAS;
    u128 rest, n = (u128)p.m << (power & 1 ? 64 : 63);
    uint64_t root = root64(n, &rest);
    uint64_t lo = rest == 0 ? 0 : rest > root ? HALF | 1 : 1;
    return f80_round(e, false, (power - (power & 1)) / 2 + F80_BIAS, root, lo, drop_bits(e));
}
