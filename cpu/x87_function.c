/* SPDX-License-Identifier: MIT
 * The x87: functions of one or two stack registers: square root, remainder, scale, transcendental.
 * Data sheet: Intel SDM vol. 1, 8.3.7-8.3.10; vol. 2, F2XM1 ... FYL2XP1.
 */
#include "cpu/x87.h"

/* ST(0) = f(ST(0)) */
typedef struct f80 unary(struct f80_env *, struct f80);
static inline void apply(struct cpu *c, const struct insn *i, unary *function)
{
    struct x87 *f = &c->x87;
    struct f80 r = x87_empty(f, 0) ? x87_underflow(f) : function(&f->env, x87_st(f, 0));
    x87_track(c, i);
    if (x87_settle(f)) x87_set(f, 0, r);
}
static inline void x87_sqrt(struct cpu *c, const struct insn *i) { apply(c, i, f80_sqrt); }
static inline void x87_rndint(struct cpu *c, const struct insn *i) { apply(c, i, f80_rint); }
static inline void x87_2xm1(struct cpu *c, const struct insn *i) { apply(c, i, f80_2xm1); }

static inline bool any_empty(const struct x87 *f) { return x87_empty(f, 0) || x87_empty(f, 1); }

static inline void x87_scale(struct cpu *c, const struct insn *i)
{
    struct x87 *f = &c->x87;
    struct f80 r = any_empty(f) ? x87_underflow(f) : f80_scale(&f->env, x87_st(f, 0), x87_st(f, 1));
    x87_track(c, i);
    if (x87_settle(f)) x87_set(f, 0, r);
}

/* ST(1) = f(ST(0), ST(1)), pop */
static inline void apply_pop(struct cpu *c, const struct insn *i, f80_binary *function)
{
    struct x87 *f = &c->x87;
    struct f80 r = any_empty(f) ? x87_underflow(f) : function(&f->env, x87_st(f, 0), x87_st(f, 1));
    x87_track(c, i);
    if (!x87_settle(f)) return;
    x87_set(f, 1, r);
    x87_pop(f);
}
static struct f80 arctangent(struct f80_env *e, struct f80 x, struct f80 y)
{
    return f80_atan2(e, y, x);
}
static inline void x87_atan(struct cpu *c, const struct insn *i) { apply_pop(c, i, arctangent); }
/* D9 F1 FYL2X, F9 FYL2XP1 */
static inline void x87_yl2x(struct cpu *c, const struct insn *i)
{
    apply_pop(c, i, x87_op(i) == 6 ? f80_yl2x : f80_yl2xp1);
}

/* ST(0) becomes `below` and `above` is pushed, with the stack faults of both. */
static inline bool can_push(struct x87 *f)
{
    if (x87_empty(f, 0)) x87_underflow(f);
    else if (!x87_empty(f, 7)) x87_overflow(f);
    else return true;
    return false;
}
static inline void replace_and_push(struct cpu *c, const struct insn *i, struct f80 below,
                                    struct f80 above)
{
    struct x87 *f = &c->x87;
    x87_track(c, i);
    if (!x87_settle(f)) return;
    x87_set(f, 0, below);
    f->top = (f->top - 1) & 7;
    x87_set(f, 0, above);
}

X87_APART x87_extract(struct cpu *c, const struct insn *i)
{
    struct x87 *f = &c->x87;
    struct f80 exponent = F80_DEFAULT_NAN, significand = F80_DEFAULT_NAN;
    if (can_push(f)) significand = f80_extract(&f->env, x87_st(f, 0), &exponent);
    replace_and_push(c, i, exponent, significand);
}

/* C2 = 1: the operand is out of range and stays (SDM vol. 1, 8.3.8). */
static void out_of_range(struct cpu *c, const struct insn *i)
{
    x87_track(c, i);
    x87_settle(&c->x87);
    c->x87.status |= X87_C2;
}

/* D9 F2 FPTAN */
X87_APART x87_tan(struct cpu *c, const struct insn *i)
{
    struct x87 *f = &c->x87;
    struct f80 tangent = F80_DEFAULT_NAN, one = { F80_J, F80_BIAS };
    bool room = can_push(f);
    if (room && !f80_tan(&f->env, x87_st(f, 0), &tangent)) {
        out_of_range(c, i);
        return;
    }
    f->status &= (uint16_t)~X87_C2;
    replace_and_push(c, i, tangent, f80_is_nan(tangent) ? tangent : one);
}

/* D9 FB FSINCOS, FE FSIN, FF FCOS */
X87_APART x87_sincos(struct cpu *c, const struct insn *i)
{
    struct x87 *f = &c->x87;
    struct f80 sine = F80_DEFAULT_NAN, cosine = F80_DEFAULT_NAN;
    bool both = x87_rm(i) == 3, cosine_only = x87_rm(i) == 7;
    bool valid = both ? can_push(f) : !x87_empty(f, 0);
    if (!valid && !both) x87_underflow(f);
    if (valid && !f80_sincos(&f->env, x87_st(f, 0), cosine_only ? NULL : &sine,
                             both || cosine_only ? &cosine : NULL)) {
        out_of_range(c, i);
        return;
    }
    f->status &= (uint16_t)~X87_C2;
    if (both) {
        replace_and_push(c, i, sine, cosine);
        return;
    }
    x87_track(c, i);
    if (x87_settle(f)) x87_set(f, 0, cosine_only ? cosine : sine);
}

/* D9 F5 FPREM1, F8 FPREM. The quotient's low bits go to C0 C3 C1 (bits 2, 1, 0). */
X87_APART x87_prem(struct cpu *c, const struct insn *i)
{
    struct x87 *f = &c->x87;
    int quotient = 0;
    struct f80 r = F80_DEFAULT_NAN;
    if (any_empty(f)) x87_underflow(f);
    else r = f80_rem(&f->env, x87_st(f, 0), x87_st(f, 1), x87_op(i) == 6, &quotient);
    x87_track(c, i);
    if (!x87_settle(f)) return;
    x87_set(f, 0, r);
    unsigned bits =
        quotient < 0 ? X87_C2 : (quotient & 4 ? X87_C0 : 0u) | (quotient & 2 ? X87_C3 : 0u);
    x87_set_conditions(f, bits);
    if (quotient >= 0 && quotient & 1) f->status |= X87_C1;
}

X87_WAITING(x87_sqrt);
X87_WAITING(x87_rndint);
X87_WAITING(x87_scale);
X87_WAITING(x87_extract);
X87_WAITING(x87_prem);
X87_WAITING(x87_2xm1);
X87_WAITING(x87_yl2x);
X87_WAITING(x87_atan);
X87_WAITING(x87_tan);
X87_WAITING(x87_sincos);
