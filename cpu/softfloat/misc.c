/* SPDX-License-Identifier: MIT
 * Soft float: compare, round to integer, scale, extract, remainder.
 * Data sheet: Intel SDM vol. 2, FCOM, FRNDINT, FSCALE, FXTRACT, FPREM, FPREM1.
 */
#include "cpu/softfloat/round.h"

static enum f80_order compare_magnitudes(struct parts a, struct parts b)
{
    if (!a.m || !b.m) return a.m ? F80_GREATER : b.m ? F80_LESS : F80_EQUAL;
    if (a.exp != b.exp) return a.exp < b.exp ? F80_LESS : F80_GREATER;
    if (a.m != b.m) return a.m < b.m ? F80_LESS : F80_GREATER;
    return F80_EQUAL;
}

enum f80_order f80_compare(struct f80_env *e, struct f80 a, struct f80 b, bool quiet)
{
    enum f80_class ka = f80_classify(a), kb = f80_classify(b);
    if (ka >= F80_QNAN || kb >= F80_QNAN) {
        if (!quiet || ka >= F80_SNAN || kb >= F80_SNAN) e->flags |= F80_I;
        return F80_UNORDERED;
    }
    if (ka == F80_DENORMAL || kb == F80_DENORMAL) e->flags |= F80_D;
    struct parts pa = f80_unpack(a), pb = f80_unpack(b);
    if (!pa.m && !pb.m) return F80_EQUAL;
    if (pa.m && pb.m && pa.sign == pb.sign) {
        enum f80_order order = compare_magnitudes(pa, pb);
        return pa.sign ? -order : order;
    }
    return (pa.m ? pa.sign : !pb.sign) ? F80_LESS : F80_GREATER;
}

struct f80 f80_rint(struct f80_env *e, struct f80 a)
{
    enum f80_class kind = f80_classify(a);
    if (kind >= F80_QNAN) return f80_nan1(e, a);
    if (kind == F80_INFINITY || kind == F80_ZERO || f80_exp(a) >= F80_BIAS + 63) return a;
    if (kind == F80_DENORMAL) e->flags |= F80_D;
    struct parts p = f80_unpack(a);
    u128 v = shift_jam((u128)p.m << 64, F80_BIAS + 63 - p.exp);
    uint64_t whole = (uint64_t)(v >> 64), fraction = (uint64_t)v;
    bool up = round_up(f80_rounding(e), p.sign, whole & 1, fraction);
    if (fraction) e->flags |= (uint16_t)(F80_P | (up ? F80_C1 : 0));
    struct f80 r = f80_from_int((int64_t)(whole + up)); /* at most 2^63: the sign is set below */
    r.se = (uint16_t)((r.se & 0x7FFF) | p.sign << 15);
    return r;
}

/* trunc(n), limited to what moves any number out of range even with a wrapped exponent. */
static int32_t whole_part(struct f80 n)
{
    enum { LIMIT = 1 << 17 };
    struct parts p = f80_unpack(n);
    int32_t power = p.exp - F80_BIAS, v;
    if (!p.m || power < 0) return 0;
    v = power > 16 ? LIMIT : (int32_t)(p.m >> (63 - power));
    return p.sign ? -v : v;
}

struct f80 f80_scale(struct f80_env *e, struct f80 a, struct f80 n)
{
    enum f80_class ka = f80_classify(a), kn = f80_classify(n);
    if (ka >= F80_QNAN || kn >= F80_QNAN) return f80_nan2(e, a, n);
    bool down = f80_sign(n);
    if (kn == F80_INFINITY && ka == (down ? F80_INFINITY : F80_ZERO)) return f80_invalid(e);
    if (ka == F80_DENORMAL || kn == F80_DENORMAL) e->flags |= F80_D;
    if (ka == F80_INFINITY || ka == F80_ZERO) return a;
    if (kn == F80_INFINITY) return down ? f80_zero(f80_sign(a)) : f80_infinity(f80_sign(a));
    struct parts p = f80_unpack(a);
    return f80_round(e, p.sign, p.exp + whole_part(n), p.m, 0, 0);
}

struct f80 f80_extract(struct f80_env *e, struct f80 a, struct f80 *exponent)
{
    enum f80_class kind = f80_classify(a);
    if (kind >= F80_QNAN) return *exponent = f80_nan1(e, a);
    if (kind == F80_ZERO) e->flags |= F80_Z;
    if (kind == F80_DENORMAL) e->flags |= F80_D;
    if (kind == F80_ZERO || kind == F80_INFINITY) {
        *exponent = f80_infinity(kind == F80_ZERO);
        return a;
    }
    struct parts p = f80_unpack(a);
    *exponent = f80_from_int(p.exp - F80_BIAS);
    return f80_make(p.sign, F80_BIAS, p.m);
}

/* ---- remainder ------------------------------------------------------------------------------- */
/* a.m * 2^steps mod b.m by shift and subtract; steps < 64. */
static uint64_t reduce(uint64_t a, uint64_t b, int steps, uint64_t *quotient)
{
    u128 rest = a;
    *quotient = 0;
    for (int n = 0; n <= steps; n++) {
        if (n) rest <<= 1;
        *quotient <<= 1;
        if (rest >= b) { rest -= b; ++*quotient; }
    }
    return (uint64_t)rest;
}

static struct f80 rem_pack(struct f80_env *e, bool sign, int32_t exp, uint64_t m)
{
    if (!m) return f80_zero(sign);
    int shift = __builtin_clzll(m);
    return f80_round(e, sign, exp - shift, m << shift, 0, 0);
}

/* Reductions of 64 and more binary places are done in part: by 32 + D mod 32 places, as the P6
 * does (the SDM allows 32 to 63). */
static struct f80 rem_parts(struct f80_env *e, struct parts a, struct parts b, bool nearest,
                            int *quotient)
{
    int32_t distance = a.exp - b.exp;
    uint64_t q;
    if (distance >= 64) {
        int steps = (distance & 31) | 32;
        uint64_t rest = reduce(a.m, b.m, steps, &q);
        *quotient = -1;
        return rem_pack(e, a.sign, a.exp - steps, rest);
    }
    *quotient = 0;
    if (distance < -1 || (distance < 0 && !nearest)) return rem_pack(e, a.sign, a.exp, a.m);
    if (distance < 0) {                                 /* b/2 < a ? then the quotient is 1 */
        if (a.m <= b.m) return rem_pack(e, a.sign, a.exp, a.m);
        *quotient = 1;
        return rem_pack(e, !a.sign, a.exp, (uint64_t)(((u128)b.m << 1) - a.m));
    }
    uint64_t rest = reduce(a.m, b.m, distance, &q);
    if (nearest && (rest > b.m - rest || (rest == b.m - rest && q & 1))) {
        rest = b.m - rest;
        a.sign = !a.sign;
        q++;
    }
    *quotient = (int)(q & 7);
    return rem_pack(e, a.sign, b.exp, rest);
}

struct f80 f80_rem(struct f80_env *e, struct f80 a, struct f80 b, bool nearest, int *quotient)
{
    enum f80_class ka = f80_classify(a), kb = f80_classify(b);
    *quotient = 0;
    if (ka >= F80_QNAN || kb >= F80_QNAN) return f80_nan2(e, a, b);
    if (ka == F80_INFINITY || kb == F80_ZERO) return f80_invalid(e);
    if (ka == F80_DENORMAL || kb == F80_DENORMAL) e->flags |= F80_D;
    if (ka == F80_ZERO) return a;
    struct parts p = f80_unpack(a);
    if (kb == F80_INFINITY) return rem_pack(e, p.sign, p.exp, p.m);
    return rem_parts(e, p, f80_unpack(b), nearest, quotient);
}
