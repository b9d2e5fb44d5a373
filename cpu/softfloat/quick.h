/* SPDX-License-Identifier: MIT
 * Soft float, the common case in line: normal numbers in, a normal number out, rounded to nearest.
 * Of the control word only the precision is looked at. `ok` is false for everything else, and then
 * nothing else is valid: the functions of f80.h have to do it. Where `ok` is true both agree in
 * every bit and flag.
 *
 * On x86-64 these take less time than the host's own x87, which must be fed through memory and
 * asked for its status word (see docs/performance.md, Log), and they are the same on any host.
 */
#pragma once
#include "cpu/softfloat/divide.h"
#include "cpu/softfloat/f80.h"

struct quick {
    bool     ok;
    uint16_t flags;                /* F80_P, F80_C1 */
    struct f80 v;
};
#define QUICK static inline __attribute__((always_inline))
#define QUICK_HALF (1ull << 63)
#define F80_SIGN 0x8000u
#define QUICK_PC 0x300u             /* precision control: 64 bits */

QUICK bool quick_normal(struct f80 a) { return a.m >> 63 && (a.se & 0x7FFF) - 1 < F80_MAX_EXP - 1; }
QUICK bool quick_zero(struct f80 a) { return !(a.m | (a.se & 0x7FFF)); }

/* What decides here is as good as random to the host: no branches, where it can be helped. */

/* Whether `rest` (top-aligned) above an integer `whole` is rounded up, to nearest even. */
QUICK uint64_t quick_up(uint64_t whole, uint64_t rest)
{
    uint64_t sum;
    return __builtin_add_overflow(rest, QUICK_HALF - 1 + (whole & 1), &sum);
}

/* To single or double precision, as Windows has it; out of the way of the others. */
static __attribute__((noinline, unused)) struct quick
quick_shorter(uint64_t sign, int64_t exp, uint64_t hi, uint64_t lo, unsigned control)
{
    static const uint8_t drop[4] = { 40, 0, 11, 0 };
    unsigned n = drop[control >> 8 & 3];
    if (n) lo = hi << (64 - n) | (lo != 0);
    uint64_t up = quick_up(hi >> n, lo);
    uint16_t flags = (uint16_t)((uint64_t)(lo != 0) << 5 | up << 9);
    hi = ((hi >> n) + up) << n;
    if (!hi) { hi = F80_J; exp++; }
    bool ok = (uint64_t)(exp - 2) < F80_MAX_EXP - 2;
    return (struct quick){ ok, flags, { hi, sign | (uint64_t)exp } };
}

/* hi.lo with bit 63 of hi set. */
QUICK struct quick quick_round(uint64_t sign, int64_t exp, uint64_t hi, uint64_t lo,
                               unsigned control)
{
    if (unlikely((control & QUICK_PC) != QUICK_PC))
        return quick_shorter(sign, exp, hi, lo, control);
    uint64_t up = quick_up(hi, lo);
    uint16_t flags = (uint16_t)((uint64_t)(lo != 0) << 5 | up << 9);
    hi += up;
    if (unlikely(!hi)) { hi = F80_J; exp++; }
    /* Exponent 1 may have come by that carry: whether it is tiny is not decided here. */
    bool ok = (uint64_t)(exp - 2) < F80_MAX_EXP - 2;
    return (struct quick){ ok, flags, { hi, sign | (uint64_t)exp } };
}

/* a has the larger magnitude; both are normal. */
QUICK struct quick quick_sum(struct f80 a, struct f80 b, unsigned control)
{
    int64_t exp = (int64_t)(a.se & 0x7FFF);
    unsigned distance = (unsigned)((a.se & 0x7FFF) - (b.se & 0x7FFF));
    uint64_t bh = 0, bl = b.m, hi, lo;
    if (likely(distance < 64)) {
        bh = b.m >> distance;
        bl = b.m << 1 << (63 - distance);
    } else if (distance > 64) {
        bl = distance < 128 ? b.m >> (distance - 64) | (b.m << (128 - distance) != 0) : 1;
    }
    if (!((a.se ^ b.se) & F80_SIGN)) {
        uint64_t carry = __builtin_add_overflow(a.m, bh, &hi);
        lo = bl >> carry | (bl & carry) | (hi & carry) << 63;
        hi = hi >> carry | carry << 63;
        exp += (int64_t)carry;
    } else {
        lo = 0 - bl;
        hi = a.m - bh - (bl != 0);
        if (unlikely(!hi)) return (struct quick){ .ok = false };
        unsigned shift = (unsigned)__builtin_clzll(hi);
        hi = hi << shift | lo >> 1 >> (63 - shift);
        lo <<= shift;
        exp -= shift;
    }
    return quick_round(a.se & F80_SIGN, exp, hi, lo, control);
}

QUICK struct quick quick_add(struct f80 a, struct f80 b, unsigned control)
{
    unsigned __int128 ra = (unsigned __int128)(a.se & 0x7FFF) << 64 | a.m;
    unsigned __int128 rb = (unsigned __int128)(b.se & 0x7FFF) << 64 | b.m;
    if (unlikely(!quick_normal(a) || !quick_normal(b))) return (struct quick){ .ok = false };
    uint64_t swap = 0 - (uint64_t)(ra < rb), m = (a.m ^ b.m) & swap, se = (a.se ^ b.se) & swap;
    return quick_sum((struct f80){ a.m ^ m, a.se ^ se }, (struct f80){ b.m ^ m, b.se ^ se },
                     control);
}
QUICK struct quick quick_sub(struct f80 a, struct f80 b, unsigned control)
{
    return quick_add(a, (struct f80){ b.m, b.se ^ F80_SIGN }, control);
}
QUICK struct quick quick_subr(struct f80 a, struct f80 b, unsigned control)
{
    return quick_sub(b, a, control);
}

QUICK struct quick quick_mul(struct f80 a, struct f80 b, unsigned control)
{
    if (unlikely(!quick_normal(a) || !quick_normal(b))) return (struct quick){ .ok = false };
    unsigned __int128 product = (unsigned __int128)a.m * b.m;
    uint64_t hi = (uint64_t)(product >> 64), lo = (uint64_t)product, below = ~hi >> 63;
    int64_t exp = (int64_t)(a.se & 0x7FFF) + (int64_t)(b.se & 0x7FFF) - F80_BIAS + 1;
    hi = hi << below | (lo >> 63 & below);
    return quick_round((a.se ^ b.se) & F80_SIGN, exp - (int64_t)below, hi, lo << below, control);
}

QUICK struct quick quick_div(struct f80 a, struct f80 b, unsigned control)
{
    if (unlikely(!quick_normal(a) || !quick_normal(b))) return (struct quick){ .ok = false };
    bool below = a.m < b.m;
    uint64_t rest, quotient = below ? divide_128(a.m, 0, b.m, &rest)
                                    : divide_128(a.m >> 1, a.m << 63, b.m, &rest);
    /* The rest against half of the divisor decides; no quotient of 64-bit numbers is a tie. */
    uint64_t lo = !rest ? 0 : rest > b.m - rest ? QUICK_HALF | 1 : 1;
    int64_t exp = (int64_t)(a.se & 0x7FFF) - (int64_t)(b.se & 0x7FFF) + F80_BIAS - below;
    return quick_round((a.se ^ b.se) & F80_SIGN, exp, quotient, lo, control);
}
QUICK struct quick quick_divr(struct f80 a, struct f80 b, unsigned control)
{
    return quick_div(b, a, control);
}

/* ---- order ----------------------------------------------------------------------------------- */
struct quick_order { bool ok; int order; };                /* order: -1 a < b, 0, 1 a > b */

/* Normal numbers and zeros. */
QUICK struct quick_order quick_compare(struct f80 a, struct f80 b)
{
    bool ok = (quick_normal(a) || quick_zero(a)) && (quick_normal(b) || quick_zero(b));
    bool negative = a.se & F80_SIGN;
    int order;
    if (a.se == b.se) order = (a.m > b.m) - (a.m < b.m);
    else if (!((a.se ^ b.se) & F80_SIGN)) order = a.se > b.se ? 1 : -1;
    else order = a.m | b.m ? 1 : 0;                        /* negative turns it round */
    return (struct quick_order){ ok, negative ? -order : order };
}

/* ---- memory formats -------------------------------------------------------------------------- */
struct quick_bits { bool ok; uint16_t flags; uint64_t bits; };

/* A format with `fraction` bits and an exponent of `width` bits. */
QUICK struct quick quick_widen(uint64_t v, unsigned fraction, unsigned width)
{
    uint64_t sign = v >> (fraction + width) << 15 & F80_SIGN, max = (1ull << width) - 1;
    uint64_t exp = v >> fraction & max, bias = max >> 1;
    struct f80 r = { QUICK_HALF | v << (63 - fraction), sign | (exp + F80_BIAS - bias) };
    if (likely(exp - 1 < max - 1)) return (struct quick){ true, 0, r };
    return (struct quick){ !(v << (64 - fraction - width)), 0, { 0, sign } };
}
QUICK struct quick_bits quick_narrow(struct f80 a, unsigned fraction, unsigned width)
{
    uint64_t sign = (a.se & F80_SIGN) >> 15 << (fraction + width), max = (1ull << width) - 1;
    uint64_t exp = (a.se & 0x7FFF) - F80_BIAS + (max >> 1);
    unsigned drop = 63 - fraction;
    uint64_t rest = a.m << (64 - drop), whole = a.m >> drop;
    uint64_t up = quick_up(whole, rest);
    uint16_t flags = (uint16_t)((uint64_t)(rest != 0) << 5 | up << 9);
    /* The hidden bit, or a carry, counts as one in the exponent field. */
    uint64_t bits = sign | (((exp - 1) << fraction) + whole + up);
    if (likely(a.m >> 63 && exp - 1 < max - 2)) return (struct quick_bits){ true, flags, bits };
    return (struct quick_bits){ quick_zero(a), 0, sign };
}

QUICK struct f80 quick_from_int(int64_t v)
{
    uint64_t m = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    unsigned shift = (unsigned)__builtin_clzll(m | 1);
    struct f80 r = { m << shift, (v < 0 ? F80_SIGN : 0) | (F80_BIAS + 63 - shift) };
    return v ? r : (struct f80){ 0, 0 };
}
/* To a signed integer of `bits` bits. */
QUICK struct quick_bits quick_to_int(struct f80 a, unsigned bits, enum f80_rounding rc)
{
    int64_t exp = (int64_t)(a.se & 0x7FFF), shift = F80_BIAS + 63 - exp;
    bool sign = a.se & F80_SIGN;
    if (unlikely(!quick_normal(a) || shift < 1)) return (struct quick_bits){ quick_zero(a), 0, 0 };
    uint64_t whole = shift < 64 ? a.m >> shift : 0;
    /* Below 1/2 only that there is something matters. */
    uint64_t rest = shift <= 64 ? a.m << (64 - shift) % 64 : 1;
    uint64_t up = rc == F80_NEAREST ? quick_up(whole, rest)
                                    : (rest != 0) & (rc == (sign ? F80_DOWN : F80_UP));
    uint16_t flags = (uint16_t)((uint64_t)(rest != 0) << 5 | up << 9);
    whole += up;
    return (struct quick_bits){ whole <= (1ull << (bits - 1)) - !sign, flags,
                                sign ? 0 - whole : whole };
}
