/* SPDX-License-Identifier: MIT
 * Double extended (80-bit) arithmetic as the x87 does it, in integers only.
 *
 *    79  78        64 63  62                    0
 *   +---+------------+---+-----------------------+     value = -1^S * J.F * 2^(E - 16383)
 *   | S |  exponent  | J |       fraction        |     E = 0: the exponent is 1 - 16383
 *   +---+------------+---+-----------------------+
 *
 * Every operation takes the control word (rounding, precision, masks) from its f80_env and adds
 * its exceptions to env->flags, in the bits of the x87 status word, with C1 telling a result
 * rounded up in magnitude. Results are the masked responses, except that overflow and underflow
 * wrap the exponent by 24576 when unmasked. Whether a result is written at all is the caller's
 * business.
 *
 * Data sheet: Intel SDM vol. 1, 4.2 and chapter 8; IEEE 754-1985.
 */
#pragma once
#include "base/base.h"

/* Two whole words: a host that reads back more bytes than it has just written has to wait. */
struct f80 {
    uint64_t m;                    /* J and fraction */
    uint64_t se;                   /* sign and exponent: 16 bits */
};
struct f80_env { uint16_t control, flags; };

enum {
    F80_I = 1 << 0, F80_D = 1 << 1, F80_Z = 1 << 2, F80_O = 1 << 3, F80_U = 1 << 4, F80_P = 1 << 5,
    F80_C1 = 1 << 9,
};
enum f80_rounding { F80_NEAREST, F80_DOWN, F80_UP, F80_CHOP };
enum f80_class {
    F80_ZERO, F80_NORMAL, F80_DENORMAL, F80_INFINITY, F80_QNAN, F80_SNAN,
    F80_UNSUPPORTED,                                    /* J = 0 with E != 0 (SDM vol. 1, 8.2.2) */
};
enum f80_order { F80_LESS = -1, F80_EQUAL, F80_GREATER, F80_UNORDERED };

#define F80_BIAS 16383
#define F80_J    (1ull << 63)
#define F80_MAX_EXP 0x7FFF
#define F80_DEFAULT_NAN ((struct f80){ 0xC000000000000000ull, 0xFFFF })

static inline bool f80_sign(struct f80 a) { return a.se >> 15; }
static inline int f80_exp(struct f80 a) { return a.se & 0x7FFF; }
static inline struct f80 f80_make(bool sign, int exp, uint64_t m)
{
    return (struct f80){ m, (uint16_t)((unsigned)sign << 15 | (unsigned)exp) };
}
static inline struct f80 f80_zero(bool sign) { return f80_make(sign, 0, 0); }
static inline struct f80 f80_infinity(bool sign) { return f80_make(sign, F80_MAX_EXP, F80_J); }
static inline bool f80_is_normal(struct f80 a)
{
    return a.m >> 63 && (unsigned)f80_exp(a) - 1 < F80_MAX_EXP - 1;
}
static inline enum f80_rounding f80_rounding(const struct f80_env *e)
{
    return e->control >> 10 & 3;
}

static inline enum f80_class f80_classify(struct f80 a)
{
    if (f80_is_normal(a)) return F80_NORMAL;
    if (!f80_exp(a)) return a.m ? F80_DENORMAL : F80_ZERO;
    if (!(a.m >> 63)) return F80_UNSUPPORTED;
    if (!(a.m << 1)) return F80_INFINITY;
    return a.m >> 62 & 1 ? F80_QNAN : F80_SNAN;
}
static inline bool f80_is_nan(struct f80 a) { return f80_classify(a) >= F80_QNAN; }

/* ---- arithmetic (arith.c), rounded to the precision of the control word ---------------------- */
typedef struct f80 f80_binary(struct f80_env *, struct f80 a, struct f80 b);
f80_binary f80_add, f80_sub, f80_mul, f80_div;
f80_binary f80_subr, f80_divr;                          /* b - a, b / a */
struct f80 f80_sqrt(struct f80_env *, struct f80);

/* ---- other exact operations (misc.c), always 64 bits of precision ---------------------------- */
enum f80_order f80_compare(struct f80_env *, struct f80 a, struct f80 b, bool quiet);
struct f80 f80_rint(struct f80_env *, struct f80);
struct f80 f80_scale(struct f80_env *, struct f80 a, struct f80 n);
/* Significand of a; its exponent as a number goes to *exponent. */
struct f80 f80_extract(struct f80_env *, struct f80 a, struct f80 *exponent);
/* FPREM, FPREM1 (nearest). *quotient: its low three bits, or -1: not reduced enough. */
struct f80 f80_rem(struct f80_env *, struct f80 a, struct f80 b, bool nearest, int *quotient);

/* ---- conversions (convert.c) ----------------------------------------------------------------- */
/* From memory formats: exact, signalling NaNs stay; a denormal adds F80_D. */
struct f80 f80_from_f32(struct f80_env *, uint32_t);
struct f80 f80_from_f64(struct f80_env *, uint64_t);
struct f80 f80_from_int(int64_t);
struct f80 f80_from_bcd(uint64_t digits, uint16_t sign_and_digits);
/* FLD m32/m64: invalid for a signalling NaN, which is made quiet. */
struct f80 f80_quieted(struct f80_env *, struct f80);
uint32_t f80_to_f32(struct f80_env *, struct f80);
uint64_t f80_to_f64(struct f80_env *, struct f80);
/* bits: 16, 32, 64. Out of range: F80_I and the integer indefinite (SDM vol. 1, 4.2.2). */
int64_t  f80_to_int(struct f80_env *, struct f80, unsigned bits, enum f80_rounding);
/* Low 64 bits of the packed BCD; the upper 16 go to *top. */
uint64_t f80_to_bcd(struct f80_env *, struct f80, uint16_t *top);

/* ---- transcendental functions (trig.c, log.c): error below 0.51 ulp -------------------------- */
struct f80 f80_2xm1(struct f80_env *, struct f80);
struct f80 f80_yl2x(struct f80_env *, struct f80 x, struct f80 y);
struct f80 f80_yl2xp1(struct f80_env *, struct f80 x, struct f80 y);
struct f80 f80_atan2(struct f80_env *, struct f80 y, struct f80 x);
/* Sine and cosine at once, by the 66-bit pi of the P6. false: |a| >= 2^63, nothing computed. */
bool f80_sincos(struct f80_env *, struct f80 a, struct f80 *sine, struct f80 *cosine);
bool f80_tan(struct f80_env *, struct f80 a, struct f80 *tangent);
