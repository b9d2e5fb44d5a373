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

static inline struct wide wide_div(struct wide a, struct wide b)
{
    bool below = a.m < b.m;
    u128 rest = below ? a.m : a.m >> 1, quotient = 0;
    for (int n = 0; n < 128; n++) {
        bool carry = rest >> 127;
        rest <<= 1;
        quotient <<= 1;
        if (carry || rest >= b.m) { rest -= b.m; quotient |= 1; }
    }
    return wide_make(a.sign != b.sign, a.exp - b.exp - below, quotient);
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
