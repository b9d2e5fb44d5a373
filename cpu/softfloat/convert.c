/* SPDX-License-Identifier: MIT
 * Soft float: to and from single, double, integers and packed BCD.
 * Data sheet: Intel SDM vol. 1, 4.2.2, 4.7; vol. 2, FLD, FST, FIST, FBLD, FBSTP.
 */
#include "cpu/softfloat/round.h"

/* A narrow format: `fraction` bits without the hidden one, exponent bits, bias. */
struct format { unsigned fraction, exponent; };
static const struct format single_format = { 23, 8 }, double_format = { 52, 11 };

static inline int format_bias(struct format f) { return (1 << (f.exponent - 1)) - 1; }

static inline struct f80 widen(struct f80_env *e, uint64_t v, struct format f)
{
    bool sign = v >> (f.fraction + f.exponent) & 1;
    int max = (1 << f.exponent) - 1, exp = (int)(v >> f.fraction) & max;
    uint64_t m = v << (63 - f.fraction) & ~F80_J;
    if (exp == max) return f80_make(sign, F80_MAX_EXP, m | F80_J);
    if (exp) return f80_make(sign, exp - format_bias(f) + F80_BIAS, m | F80_J);
    if (!m) return f80_zero(sign);
    int shift = __builtin_clzll(m);
    e->flags |= F80_D;
    return f80_make(sign, 1 - shift - format_bias(f) + F80_BIAS, m << shift);
}

struct f80 f80_from_f32(struct f80_env *e, uint32_t v) { return widen(e, v, single_format); }
struct f80 f80_from_f64(struct f80_env *e, uint64_t v) { return widen(e, v, double_format); }

struct f80 f80_quieted(struct f80_env *e, struct f80 a)
{
    return unlikely(f80_is_nan(a)) ? f80_nan1(e, a) : a;
}

struct f80 f80_from_int(int64_t v)
{
    if (!v) return f80_zero(false);
    uint64_t m = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    int shift = __builtin_clzll(m);
    return f80_make(v < 0, F80_BIAS + 63 - shift, m << shift);
}

/* Digits above 9 give undefined results (SDM); hardware weighs them like any other. */
struct f80 f80_from_bcd(uint64_t digits, uint16_t sign_and_digits)
{
    uint64_t v = 0;
    for (int n = 4; n >= 0; n -= 4) v = v * 10 + (sign_and_digits >> n & 0xF);
    for (int n = 60; n >= 0; n -= 4) v = v * 10 + (digits >> n & 0xF);
    struct f80 r = f80_from_int((int64_t)v);
    r.se |= sign_and_digits & 0x8000;
    return r;
}

/* ---- narrowing ------------------------------------------------------------------------------- */
static inline uint64_t narrow_make(struct format f, bool sign, int exp, uint64_t fraction)
{
    return ((uint64_t)sign << f.exponent | (uint64_t)exp) << f.fraction | fraction;
}

static uint64_t narrow_special(struct f80_env *e, struct f80 a, struct format f,
                               enum f80_class kind)
{
    int max = (1 << f.exponent) - 1;
    if (kind == F80_ZERO) return narrow_make(f, f80_sign(a), 0, 0);
    if (kind >= F80_QNAN) a = f80_nan1(e, a);
    return narrow_make(f, f80_sign(a), max, (a.m & ~F80_J) >> (63 - f.fraction));
}

static uint64_t narrow_overflow(struct f80_env *e, struct format f, bool sign)
{
    enum f80_rounding rc = f80_rounding(e);
    bool up = rc == F80_NEAREST || rc == (sign ? F80_DOWN : F80_UP);
    e->flags |= F80_O;
    if (!(e->control & F80_O)) return 0;                /* nothing will be stored */
    uint64_t infinity = narrow_make(f, sign, (1 << f.exponent) - 1, 0);
    e->flags |= (uint16_t)(F80_P | (up ? F80_C1 : 0));
    return up ? infinity : infinity - 1;
}

struct cut { uint64_t m; uint16_t flags; };
/* m without its low `shift` bits (1-64 and more), rounded. */
static struct cut cut_at(const struct f80_env *e, bool sign, uint64_t m, int shift)
{
    u128 v = shift_jam((u128)m << 64, shift);
    uint64_t hi = (uint64_t)(v >> 64), fraction = (uint64_t)v;
    bool up = round_up(f80_rounding(e), sign, hi & 1, fraction);
    uint16_t flags = (uint16_t)((fraction ? F80_P : 0) | (up ? F80_C1 : 0));
    return (struct cut){ hi + up, flags };
}

static inline uint64_t narrow(struct f80_env *e, struct f80 a, struct format f)
{
    enum f80_class kind = f80_classify(a);
    if (unlikely(kind != F80_NORMAL && kind != F80_DENORMAL)) return narrow_special(e, a, f, kind);
    struct parts p = f80_unpack(a);
    int32_t exp = p.exp - F80_BIAS + format_bias(f);
    int drop = 63 - (int)f.fraction;
    struct cut r = cut_at(e, p.sign, p.m, drop);
    bool carried = r.m >> (f.fraction + 1), tiny = exp + carried <= 0;
    if (exp + carried >= (1 << f.exponent) - 1) return narrow_overflow(e, f, p.sign);
    if (tiny && !(e->control & F80_U)) {                /* nothing will be stored */
        e->flags |= F80_U;
        return 0;
    }
    if (exp <= 0) {
        r = cut_at(e, p.sign, p.m, drop + 1 - exp);
        exp = 1;
    }
    if (tiny && r.flags & F80_P) e->flags |= F80_U;
    e->flags |= r.flags;
    /* The hidden bit, or a carry, counts as one in the exponent field. */
    return narrow_make(f, p.sign, exp - 1, 0) + r.m;
}

uint32_t f80_to_f32(struct f80_env *e, struct f80 a)
{
    return (uint32_t)narrow(e, a, single_format);
}
uint64_t f80_to_f64(struct f80_env *e, struct f80 a) { return narrow(e, a, double_format); }

/* ---- integers -------------------------------------------------------------------------------- */
/* |a| as an integer, rounded; false: not below 2^64 (or NaN, infinity, unsupported). */
static bool to_magnitude(struct f80 a, enum f80_rounding rc, struct cut *r)
{
    enum f80_class kind = f80_classify(a);
    *r = (struct cut){ 0, 0 };
    if (kind >= F80_INFINITY || f80_exp(a) > F80_BIAS + 63) return false;
    struct parts p = f80_unpack(a);
    struct f80_env e = { (uint16_t)(rc << 10), 0 };
    *r = cut_at(&e, p.sign, p.m, F80_BIAS + 63 - p.exp);
    return true;                                        /* rounding up ends at 2^63 at most */
}

int64_t f80_to_int(struct f80_env *e, struct f80 a, unsigned bits, enum f80_rounding rc)
{
    struct cut r;
    bool sign = f80_sign(a);
    uint64_t limit = 1ull << (bits - 1);
    if (!to_magnitude(a, rc, &r) || r.m > limit - !sign) {
        e->flags |= F80_I;
        return (int64_t)(0 - limit);
    }
    e->flags |= r.flags;
    return (int64_t)(sign ? 0 - r.m : r.m);
}

uint64_t f80_to_bcd(struct f80_env *e, struct f80 a, uint16_t *top)
{
    struct cut r;
    if (!to_magnitude(a, f80_rounding(e), &r) || r.m > 999999999999999999ull) {
        e->flags |= F80_I;
        *top = 0xFFFF;
        return 0xC000000000000000ull;
    }
    e->flags |= r.flags;
    uint64_t digits = 0;
    for (int n = 0; n < 64; n += 4, r.m /= 10) digits |= r.m % 10 << n;
    *top = (uint16_t)(f80_sign(a) << 15 | r.m / 10 << 4 | r.m % 10);
    return digits;
}
