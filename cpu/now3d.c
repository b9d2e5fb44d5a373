/* SPDX-License-Identifier: MIT
 * 3DNow!: two single-precision numbers in an MMX register, without exceptions.
 * AMD "3DNow! Technology Manual" (21928G, 2000); "AMD Extensions to the 3DNow! and MMX Instruction
 * Sets" (22466D, 2000).
 *
 * Denormals count as zeros, and so results below 2^-126 are; what is too large becomes the largest
 * normal number; results are rounded to nearest. Exponent 255 is "unsupported", its results are
 * undefined: here it counts as what the SSE makes of it, made finite.
 *
 * PFRCP and PFRSQRT: the manual promises 14 and 15 bits, not which. Here they are the
 * exact values rounded to those, and PFRCPIT1 and PFRSQIT1 are their Newton steps 2 - ab
 * and (3 - ab) / 2 rounded once.
 */
#include "cpu/simd.h"

#define F32_SIGN    0x80000000u
#define F32_LARGEST 0x7F7FFFFFu
#define F32_ONE     0x3F800000u
#define F64_TWO     0x4000000000000000ull
#define F64_THREE   0x4008000000000000ull
#define F64_HALF    0x3FE0000000000000ull

/* Round to nearest, denormals are zeros, nothing is raised. */
static struct ieee_env quiet(void)
{
    return (struct ieee_env){ .mxcsr = MXCSR_RESET | MXCSR_DAZ | MXCSR_FTZ };
}

static unsigned exponent(uint32_t v) { return v >> 23 & 0xFF; }
static bool is_zero(uint32_t v) { return exponent(v) == 0; }
static uint32_t saturate(uint32_t v)
{
    return exponent(v) == 255 ? (v & F32_SIGN) | F32_LARGEST : v;
}

/* ---- arithmetic ------------------------------------------------------------------------------ */
/* Equal magnitudes of other signs: zero with the sign of the first (21928, PFADD),
 * where IEEE has +0. */
static uint32_t add(uint32_t a, uint32_t b)
{
    struct ieee_env e = quiet();
    if (!is_zero(a) && a == (b ^ F32_SIGN)) return a & F32_SIGN;
    return saturate(f32_add(&e, a, b));
}
static uint32_t sub(uint32_t a, uint32_t b) { return add(a, b ^ F32_SIGN); }
static uint32_t mul(uint32_t a, uint32_t b)
{
    struct ieee_env e = quiet();
    return saturate(f32_mul(&e, a, b));
}

static enum f80_order order(uint32_t a, uint32_t b)
{
    struct ieee_env e = quiet();
    return f32_compare(&e, a, b, true);
}
static bool less(uint32_t a, uint32_t b) { return order(a, b) == F80_LESS; }
static uint32_t all(bool yes) { return yes ? ~0u : 0; }
static uint32_t positive_zero(uint32_t v) { return is_zero(v) ? 0 : v; }
/* Zeros win as +0. */
static uint32_t minimum(uint32_t a, uint32_t b) { return positive_zero(less(b, a) ? b : a); }
static uint32_t maximum(uint32_t a, uint32_t b) { return positive_zero(less(a, b) ? b : a); }

/* ---- conversions: towards zero, saturating --------------------------------------------------- */
static int32_t to_int(uint32_t v, unsigned bits)
{
    int32_t limit = (int32_t)((1u << (bits - 1)) - 1);
    bool negative = v >> 31;
    unsigned e = exponent(v);
    if (e < 127) return 0;
    if (e - 127 >= bits - 1) return negative ? -limit - 1 : limit;
    uint64_t m = (uint64_t)(0x800000 | (v & 0x7FFFFF)) << 8;       /* scaled by 2^31 */
    int32_t whole = (int32_t)(m >> (31 - (e - 127)));
    return negative ? -whole : whole;
}
static uint32_t from_int(int32_t v)
{
    struct ieee_env e = quiet();
    e.mxcsr |= (uint32_t)F80_CHOP << MXCSR_RC_SHIFT;
    return f32_from_int(&e, v);
}

/* ---- approximations -------------------------------------------------------------------------- */
static uint32_t pack(uint32_t sign, int e, uint32_t fraction)
{
    return e < 1 ? sign : sign | (uint32_t)e << 23 | (fraction & 0x7FFFFF);
}

/* 1 / 1.f lies in (1/2, 1]: 2^38 / m is its double with 14 bits behind the point. */
static uint32_t reciprocal(uint32_t v)
{
    uint32_t sign = v & F32_SIGN, m = 0x800000 | (v & 0x7FFFFF);
    int e = 253 - (int)exponent(v);
    if (is_zero(v)) return sign | F32_LARGEST;
    uint64_t q = ((1ull << 39) / m + 1) >> 1;
    return q >> 15 ? pack(sign, e + 1, 0) : pack(sign, e, (uint32_t)(q - (1 << 14)) << 9);
}

static uint64_t integer_root(uint64_t n)
{
    uint64_t root = 0;
    for (uint64_t bit = 1ull << 31; bit; bit >>= 1)
        if ((root + bit) * (root + bit) <= n) root += bit;
    return root;
}
/* Of the magnitude, with the sign of the operand. An even exponent e and m in [1, 4):
 * 2^16 / sqrt(m). */
static uint32_t reciprocal_root(uint32_t v)
{
    uint32_t sign = v & F32_SIGN, m = 0x800000 | (v & 0x7FFFFF);
    int e = (int)exponent(v) - 127;
    if (is_zero(v)) return sign | F32_LARGEST;
    if (e & 1) {
        m <<= 1;
        e--;
    }
    uint64_t q = (integer_root((1ull << 57) / m) + 1) >> 1;
    return q >> 16 ? pack(sign, 127 - e / 2, 0)
                   : pack(sign, 126 - e / 2, (uint32_t)(q - (1 << 15)) << 8);
}

/* minuend - a * b in double: the product is exact, so only the end is rounded. */
static uint64_t minus_product(struct ieee_env *e, uint64_t minuend, uint32_t a, uint32_t b)
{
    return f64_sub(e, minuend, f64_mul(e, f64_from_f32(e, a), f64_from_f32(e, b)));
}
static uint32_t reciprocal_step(uint32_t a, uint32_t b)
{
    struct ieee_env e = quiet();
    return saturate(f32_from_f64(&e, minus_product(&e, F64_TWO, a, b)));
}
static uint32_t root_step(uint32_t a, uint32_t b)
{
    struct ieee_env e = quiet();
    return saturate(f32_from_f64(&e, f64_mul(&e, F64_HALF, minus_product(&e, F64_THREE, a, b))));
}

/* ---- instructions ---------------------------------------------------------------------------- */
#define LOW(v)  LANE(v, u32, 0)
#define HIGH(v) LANE(v, u32, 1)
static union vec pair(uint32_t low, uint32_t high)
{
    return (union vec){ .u64 = { (uint64_t)high << 32 | low, 0 } };
}

/* One function on both halves; x is the destination, y the source. */
#define EACH(op, expression)                                                                       \
    static inline uint32_t op##_one(ANY uint32_t x, ANY uint32_t y) { return expression; }         \
    VEC(op) { return pair(op##_one(LOW(a), LOW(b)), op##_one(HIGH(a), HIGH(b))); }                 \
    SIMD_P(op)
#define BOTH(op, low, high)                                                                        \
    VEC(op) { return pair(low, high); }                                                            \
    SIMD_P(op)

EACH(pfadd, add(x, y));
EACH(pfsub, sub(x, y));
EACH(pfsubr, sub(y, x));
EACH(pfmul, mul(x, y));
EACH(pfmin, minimum(x, y));
EACH(pfmax, maximum(x, y));
EACH(pfcmpeq, all(order(x, y) == F80_EQUAL));
EACH(pfcmpgt, all(less(y, x)));
EACH(pfcmpge, all(less(y, x) || order(x, y) == F80_EQUAL));
EACH(pf2id, (uint32_t)to_int(y, 32));
EACH(pf2iw, (uint32_t)to_int(y, 16));
EACH(pi2fd, from_int((int32_t)y));
EACH(pi2fw, from_int((int16_t)y));
EACH(pfrcpit1, reciprocal_step(x, y));
EACH(pfrsqit1, root_step(x, y));
EACH(pfrcpit2, mul(x, y));
BOTH(pfacc, add(LOW(a), HIGH(a)), add(LOW(b), HIGH(b)));
BOTH(pfnacc, sub(LOW(a), HIGH(a)), sub(LOW(b), HIGH(b)));
BOTH(pfpnacc, sub(LOW(a), HIGH(a)), add(LOW(b), HIGH(b)));
BOTH(pfrcp, reciprocal(LOW(b)), reciprocal(LOW(b)));
BOTH(pfrsqrt, reciprocal_root(LOW(b)), reciprocal_root(LOW(b)));
BOTH(pswapd, HIGH(b), LOW(b));

VEC(pmulhrw)
{
    for (unsigned n = 0; n < 4; n++)
        LANE(a, i16, n) = (int16_t)((LANE(a, i16, n) * LANE(b, i16, n) + 0x8000) >> 16);
    return a;
}
SIMD_P(pmulhrw);
