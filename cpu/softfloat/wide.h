/* SPDX-License-Identifier: MIT
 * 128-bit floating point for the insides of transcendental functions. Results carry an error of a
 * few units in bit 120, far below the 64 bits that are kept. Private to cpu/softfloat/.
 */
#pragma once
#include "cpu/softfloat/round.h"

/* m / 2^127 * 2^exp with bit 127 of m set, or m = 0. */
struct wide { bool sign; int32_t exp; u128 m; };

#define U128(hi, lo) ((u128)(hi) << 64 | (lo))
#define ALMOST_ONE   (~(u128)0)                         /* as a fraction, in units of 2^-128 */

/* The upper half of the product: fractions times fractions. Cut off, short of at most 2 units. */
static inline u128 mul_high(u128 a, u128 b)
{
    uint64_t ah = (uint64_t)(a >> 64), al = (uint64_t)a, bh = (uint64_t)(b >> 64), bl = (uint64_t)b;
    u128 cross1 = (u128)ah * bl, cross2 = (u128)al * bh;
    u128 low = (u128)(uint64_t)cross1 + (uint64_t)cross2 + (uint64_t)((u128)al * bl >> 64);
    return (u128)ah * bh + (cross1 >> 64) + (cross2 >> 64) + (low >> 64);
}

/* The upper 128 bits of a 192-bit product. */
static inline u128 mul_high_64(u128 a, uint64_t b)
{
    return (u128)(uint64_t)(a >> 64) * b + ((u128)(uint64_t)a * b >> 64);
}
static inline uint64_t high_64(uint64_t a, uint64_t b) { return (uint64_t)((u128)a * b >> 64); }

static inline struct wide wide_make(bool sign, int32_t exp, u128 m)
{
    if (!m) return (struct wide){ sign, 0, 0 };
    uint64_t hi = (uint64_t)(m >> 64);
    int shift = hi ? __builtin_clzll(hi) : 64 + __builtin_clzll((uint64_t)m);
    return (struct wide){ sign, exp - shift, m << shift };
}
static inline struct wide wide_from(struct parts p)
{
    return (struct wide){ p.sign, p.exp - F80_BIAS, (u128)p.m << 64 };
}
static inline struct wide wide_from_int(int32_t v)
{
    return wide_make(v < 0, 127, (u128)(uint32_t)(v < 0 ? -v : v));
}
/* A fraction in units of 2^-128. */
static inline struct wide wide_from_fraction(u128 fraction)
{
    return wide_make(false, -1, fraction);
}
/* |a| < 1 */
static inline u128 wide_to_fraction(struct wide a)
{
    return !a.m || a.exp < -128 ? 0 : a.m >> (-1 - a.exp);
}

static inline struct wide wide_mul(struct wide a, struct wide b)
{
    if (!a.m || !b.m) return (struct wide){ a.sign != b.sign, 0, 0 };
    return wide_make(a.sign != b.sign, a.exp + b.exp + 1, mul_high(a.m, b.m));
}

/* The next 64 bits of rest / by; rest < by, by has bit 127 set (Knuth, TAOCP vol. 2, 4.3.1 D). */
static inline uint64_t wide_digit(u128 *rest, u128 by)
{
    uint64_t bh = (uint64_t)(by >> 64), bl = (uint64_t)by, hi = (uint64_t)(*rest >> 64), left;
    uint64_t digit = ~0ull;
    u128 more = *rest + bh;                             /* of the estimate, in units of 2^64 */
    if (likely(hi < bh)) {
        digit = divide_128(hi, (uint64_t)*rest, bh, &left);
        more = left;
    } else {
        more -= (u128)bh << 64;
    }
    u128 less = (u128)digit * bl;
    /* Too large by two at most; an estimate whose rest has more than 64 bits is right. */
    while (!(more >> 64) && less > more << 64) {
        digit--;
        less -= bl;
        more += bh;
    }
    *rest = (more << 64) - less;
    return digit;
}
static inline struct wide wide_div(struct wide a, struct wide b)
{
    bool below = a.m < b.m;
    u128 rest = below ? a.m : a.m >> 1;
    u128 hi = wide_digit(&rest, b.m);
    return wide_make(a.sign != b.sign, a.exp - b.exp - below, hi << 64 | wide_digit(&rest, b.m));
}

static inline struct wide wide_add(struct wide a, struct wide b)
{
    if (!a.m) return b;
    if (!b.m) return a;
    if (a.exp < b.exp || (a.exp == b.exp && a.m < b.m)) { struct wide t = a; a = b; b = t; }
    b.m = shift_jam(b.m, a.exp - b.exp);
    if (a.sign != b.sign) return wide_make(a.sign, a.exp, a.m - b.m);
    u128 sum = a.m + b.m;
    if (sum >= a.m) return (struct wide){ a.sign, a.exp, sum };
    return (struct wide){ a.sign, a.exp + 1, sum >> 1 | (sum & 1) | (u128)1 << 127 };
}
static inline struct wide wide_neg(struct wide a)
{
    a.sign = !a.sign;
    return a;
}

/* exact: nothing was lost on the way to a, so bits below the last one kept decide about P. */
static inline struct f80 wide_round(struct f80_env *e, struct wide a, bool exact)
{
    if (!a.m) return f80_zero(a.sign);
    return f80_round(e, a.sign, a.exp + F80_BIAS, (uint64_t)(a.m >> 64), (uint64_t)a.m | !exact, 0);
}
