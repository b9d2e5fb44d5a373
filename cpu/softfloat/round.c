/* SPDX-License-Identifier: MIT
 * Soft float: rounding with overflow and underflow, NaN rules.
 * Data sheet: Intel SDM vol. 1, 4.8.3.5 (NaNs), 4.9.1 (exceptions), 8.5.4 and 8.5.5 (x87 overflow,
 * underflow).
 */
#include "cpu/softfloat/round.h"

#define WRAP 24576                 /* unmasked overflow and underflow: exponent adjustment */

struct rounded { uint64_t m; uint16_t flags; };         /* m == 0: carried out of bit 63 */

static struct rounded round_at(const struct f80_env *e, bool sign, uint64_t hi, uint64_t lo,
                               unsigned drop)
{
    uint64_t ulp = 1ull << drop;
    uint64_t fraction = drop ? hi << (64 - drop) | (lo != 0) : lo;
    bool up = round_up(f80_rounding(e), sign, hi & ulp, fraction);
    uint16_t flags = (uint16_t)((fraction ? F80_P : 0) | (up ? F80_C1 : 0));
    return (struct rounded){ (hi & ~(ulp - 1)) + (up ? ulp : 0), flags };
}

static struct f80 overflow(struct f80_env *e, bool sign, int32_t exp, struct rounded r,
                           unsigned drop)
{
    e->flags |= F80_O;
    if (!(e->control & F80_O)) {
        if (exp - WRAP >= F80_MAX_EXP) {                /* FSCALE only (SDM vol. 1, 8.5.4) */
            e->flags |= F80_P | F80_C1;
            return f80_infinity(sign);
        }
        e->flags |= r.flags;
        return f80_make(sign, exp - WRAP, r.m);
    }
    e->flags |= F80_P;
    enum f80_rounding rc = f80_rounding(e);
    if (rc == F80_NEAREST || rc == (sign ? F80_DOWN : F80_UP)) {
        e->flags |= F80_C1;
        return f80_infinity(sign);
    }
    return f80_make(sign, F80_MAX_EXP - 1, ~0ull << drop);
}

/* exp <= 0. Tiny is what stays below the normal range when rounded with unlimited exponent. */
static struct f80 underflow(struct f80_env *e, bool sign, int32_t exp, uint64_t hi, uint64_t lo,
                            unsigned drop)
{
    struct rounded r = round_at(e, sign, hi, lo, drop);
    bool tiny = exp < 0 || r.m;
    if (tiny && !(e->control & F80_U)) {
        e->flags |= F80_U;
        if (!r.m) { r.m = F80_J; exp++; }
        if (exp + WRAP <= 0) {                          /* FSCALE only (SDM vol. 1, 8.5.5) */
            e->flags |= F80_P;
            return f80_zero(sign);
        }
        e->flags |= r.flags;
        return f80_make(sign, exp + WRAP, r.m);
    }
    u128 v = shift_jam((u128)hi << 64 | lo, 1 - exp);
    r = round_at(e, sign, (uint64_t)(v >> 64), (uint64_t)v, drop);
    e->flags |= r.flags;
    if (tiny && r.flags & F80_P) e->flags |= F80_U;
    return f80_make(sign, (int)(r.m >> 63), r.m);
}

struct f80 f80_round_slow(struct f80_env *e, bool sign, int32_t exp, uint64_t hi, uint64_t lo,
                          unsigned drop)
{
    if (exp <= 0) return underflow(e, sign, exp, hi, lo, drop);
    struct rounded r = round_at(e, sign, hi, lo, drop);
    if (!r.m) { r.m = F80_J; exp++; }
    if (exp >= F80_MAX_EXP) return overflow(e, sign, exp, r, drop);
    e->flags |= r.flags;
    return f80_make(sign, exp, r.m);
}

static struct f80 quiet(struct f80 a) { return (struct f80){ a.m | 1ull << 62, a.se }; }

struct f80 f80_nan1(struct f80_env *e, struct f80 a)
{
    enum f80_class kind = f80_classify(a);
    if (kind == F80_UNSUPPORTED) return f80_invalid(e);
    if (kind == F80_SNAN) e->flags |= F80_I;
    return quiet(a);
}

struct f80 f80_nan2(struct f80_env *e, struct f80 a, struct f80 b)
{
    enum f80_class ka = f80_classify(a), kb = f80_classify(b);
    if (ka == F80_UNSUPPORTED || kb == F80_UNSUPPORTED) return f80_invalid(e);
    if (ka == F80_SNAN || kb == F80_SNAN) e->flags |= F80_I;
    if (kb < F80_QNAN) return quiet(a);
    if (ka < F80_QNAN) return quiet(b);
    if (ka != kb) return ka == F80_QNAN ? a : b;
    if (a.m != b.m) return quiet(a.m > b.m ? a : b);
    return quiet(f80_sign(a) ? b : a);
}
