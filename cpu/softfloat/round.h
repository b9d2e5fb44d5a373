/* SPDX-License-Identifier: MIT
 * Inside of the soft float: unpacking, NaN rules, rounding. Private to cpu/softfloat/.
 */
#pragma once
#include "cpu/softfloat/divide.h"
#include "cpu/softfloat/f80.h"

typedef unsigned __int128 u128;
#define HALF (1ull << 63)

/* A finite number with J set (except zero, m = 0) and an unlimited exponent. */
struct parts { bool sign; int32_t exp; uint64_t m; };

static inline struct parts f80_unpack(struct f80 a)
{
    struct parts p = { f80_sign(a), f80_exp(a), a.m };
    if (p.exp) return p;
    int shift = a.m ? __builtin_clzll(a.m) : 0;
    p.m <<= shift;
    p.exp = 1 - shift;
    return p;
}

/* Right shift that keeps in bit 0 whether ones were lost. n >= 0. */
static inline u128 shift_jam(u128 v, int32_t n)
{
    if (n == 0) return v;
    if (n > 127) return v != 0;
    return v >> n | ((v << (128 - n)) != 0);
}

/* fraction: what lies below the last bit kept, top-aligned. */
static inline bool round_up(enum f80_rounding rc, bool sign, bool odd, uint64_t fraction)
{
    if (rc == F80_NEAREST) return fraction > HALF || (fraction == HALF && odd);
    return fraction && rc == (sign ? F80_DOWN : F80_UP);
}

/* Low bits of the significand that the precision control drops (SDM vol. 1, 8.1.5.2). The
 * reserved setting 1 works like 3. */
static inline unsigned drop_bits(const struct f80_env *e)
{
    static const uint8_t drop[4] = { 40, 0, 11, 0 };
    return drop[e->control >> 8 & 3];
}

/* Rounds hi.lo * 2^(exp - bias) (hi has bit 63 set) with `drop` low bits of hi dropped; handles
 * overflow and underflow. round.c */
struct f80 f80_round_slow(struct f80_env *, bool sign, int32_t exp, uint64_t hi, uint64_t lo,
                          unsigned drop);

static inline struct f80 f80_round(struct f80_env *e, bool sign, int32_t exp, uint64_t hi,
                                   uint64_t lo, unsigned drop)
{
    bool plain = !drop && f80_rounding(e) == F80_NEAREST && (uint32_t)exp - 1 < F80_MAX_EXP - 2;
    if (unlikely(!plain)) return f80_round_slow(e, sign, exp, hi, lo, drop);
    uint64_t up = lo > HALF || (lo == HALF && (hi & 1));
    e->flags |= (uint16_t)((lo ? F80_P : 0) | up << 9);
    hi += up;
    if (unlikely(!hi)) { hi = F80_J; exp++; }
    return f80_make(sign, exp, hi);
}

static inline struct f80 f80_invalid(struct f80_env *e)
{
    e->flags |= F80_I;
    return F80_DEFAULT_NAN;
}
/* One or both operands are NaNs or unsupported (SDM vol. 1, table 4-7). */
struct f80 f80_nan1(struct f80_env *, struct f80);
struct f80 f80_nan2(struct f80_env *, struct f80 a, struct f80 b);
