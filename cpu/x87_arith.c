/* SPDX-License-Identifier: MIT
 * The x87: add, multiply, subtract, divide and compare in all their forms.
 * Data sheet: Intel SDM vol. 2, FADD ... FUCOMPP.
 */
#include "cpu/x87.h"

/* By modrm.reg. In every form operand a is ST(0) and b the other one: DC E0 is "FSUBR ST(i),
 * ST(0)". */
static f80_binary *const operations[8] = {
    f80_add, f80_mul, f80_add, f80_add /* 2 and 3 compare */, f80_sub, f80_subr, f80_div, f80_divr,
};

static inline bool arith(struct cpu *c, const struct insn *i, unsigned to)
{
    struct x87 *f = &c->x87;
    unsigned n = x87_rm(i);
    struct f80 r;
    if (unlikely(x87_empty(f, 0) || x87_empty(f, n))) r = x87_underflow(f);
    else r = operations[x87_op(i)](&f->env, x87_st(f, 0), x87_st(f, n));
    x87_track(c, i);
    if (!x87_settle(f)) return false;
    x87_set(f, to, r);
    return true;
}

static inline void x87_arith_st0(struct cpu *c, const struct insn *i) { arith(c, i, 0); }
static inline void x87_arith_sti(struct cpu *c, const struct insn *i) { arith(c, i, x87_rm(i)); }
static inline void x87_arith_pop(struct cpu *c, const struct insn *i)
{
    if (arith(c, i, x87_rm(i))) x87_pop(&c->x87);
}

/* Loading the operand may have raised D, which NaNs and invalid or zero divide operations hide
 * (SDM vol. 1, 4.9.2). */
static inline void hide_denormal(struct x87 *f, bool hidden)
{
    if (unlikely(f->env.flags & F80_D) && (hidden || f->env.flags & (F80_I | F80_Z)))
        f->env.flags &= (uint16_t)~F80_D;
}

static inline void arith_memory(struct cpu *c, const struct insn *i, struct f80 b)
{
    struct x87 *f = &c->x87;
    struct f80 r;
    if (unlikely(x87_empty(f, 0))) {
        r = x87_underflow(f);
    } else {
        r = operations[x87_op(i)](&f->env, x87_st(f, 0), b);
        hide_denormal(f, f80_is_nan(r));
    }
    x87_track_memory(c, i);
    if (x87_settle(f)) x87_set(f, 0, r);
}

static inline struct f80 load_f32(struct cpu *c, const struct insn *i)
{
    return f80_from_f32(&c->x87.env, (uint32_t)insn_load(c, i, 4));
}
static inline struct f80 load_f64(struct cpu *c, const struct insn *i)
{
    return f80_from_f64(&c->x87.env, insn_load(c, i, 8));
}
static inline struct f80 load_i16(struct cpu *c, const struct insn *i)
{
    return f80_from_int((int16_t)insn_load(c, i, 2));
}
static inline struct f80 load_i32(struct cpu *c, const struct insn *i)
{
    return f80_from_int((int32_t)insn_load(c, i, 4));
}

static inline void x87_arith_m32(struct cpu *c, const struct insn *i)
{
    arith_memory(c, i, load_f32(c, i));
}
static inline void x87_arith_m64(struct cpu *c, const struct insn *i)
{
    arith_memory(c, i, load_f64(c, i));
}
static inline void x87_arith_i16(struct cpu *c, const struct insn *i)
{
    arith_memory(c, i, load_i16(c, i));
}
static inline void x87_arith_i32(struct cpu *c, const struct insn *i)
{
    arith_memory(c, i, load_i32(c, i));
}

/* ---- compare --------------------------------------------------------------------------------- */
/* The condition codes or flags are set also when an exception is unmasked; nothing is popped then.
 */
static unsigned order_bits(enum f80_order order)
{
    switch (order) {
    case F80_LESS: return X87_C0;
    case F80_EQUAL: return X87_C3;
    case F80_GREATER: return 0;
    default: return X87_CONDITIONS;
    }
}

static inline enum f80_order compare_st(struct x87 *f, unsigned n, bool quiet)
{
    if (likely(!x87_empty(f, 0) && !x87_empty(f, n)))
        return f80_compare(&f->env, x87_st(f, 0), x87_st(f, n), quiet);
    x87_underflow(f);
    return F80_UNORDERED;
}

static inline void compare(struct cpu *c, const struct insn *i, bool quiet, unsigned pops)
{
    struct x87 *f = &c->x87;
    enum f80_order order = compare_st(f, x87_rm(i), quiet);
    x87_track(c, i);
    bool settled = x87_settle(f);
    x87_set_conditions(f, order_bits(order));
    while (settled && pops--) x87_pop(f);
}

static inline void x87_com(struct cpu *c, const struct insn *i) { compare(c, i, false, 0); }
static inline void x87_comp(struct cpu *c, const struct insn *i) { compare(c, i, false, 1); }
static inline void x87_compp(struct cpu *c, const struct insn *i) { compare(c, i, false, 2); }
static inline void x87_ucom(struct cpu *c, const struct insn *i) { compare(c, i, true, 0); }
static inline void x87_ucomp(struct cpu *c, const struct insn *i) { compare(c, i, true, 1); }
static inline void x87_ucompp(struct cpu *c, const struct insn *i) { compare(c, i, true, 2); }

/* Modrm E8-EF is FUCOMI(P), F0-F7 FCOMI(P). */
static inline bool compare_flags(struct cpu *c, const struct insn *i)
{
    struct x87 *f = &c->x87;
    unsigned bits = order_bits(compare_st(f, x87_rm(i), x87_op(i) == 5));
    x87_track(c, i);
    bool settled = x87_settle(f);
    flags_set_arith(c, (bits & X87_C0 ? FLAG_CF : 0u) | (bits & X87_C2 ? FLAG_PF : 0u) |
                           (bits & X87_C3 ? FLAG_ZF : 0u));
    return settled;
}
static inline void x87_comi(struct cpu *c, const struct insn *i) { compare_flags(c, i); }
static inline void x87_comip(struct cpu *c, const struct insn *i)
{
    if (compare_flags(c, i)) x87_pop(&c->x87);
}

/* FCOM, FICOM (modrm.reg 2) and FCOMP, FICOMP (3) with a memory operand. */
static inline void compare_memory(struct cpu *c, const struct insn *i, struct f80 b)
{
    struct x87 *f = &c->x87;
    enum f80_order order = F80_UNORDERED;
    if (unlikely(x87_empty(f, 0))) {
        x87_underflow(f);
    } else {
        order = f80_compare(&f->env, x87_st(f, 0), b, false);
        hide_denormal(f, order == F80_UNORDERED);
    }
    x87_track_memory(c, i);
    bool settled = x87_settle(f);
    x87_set_conditions(f, order_bits(order));
    if (settled && x87_op(i) & 1) x87_pop(f);
}

static inline void x87_com_m32(struct cpu *c, const struct insn *i)
{
    compare_memory(c, i, load_f32(c, i));
}
static inline void x87_com_m64(struct cpu *c, const struct insn *i)
{
    compare_memory(c, i, load_f64(c, i));
}
static inline void x87_com_i16(struct cpu *c, const struct insn *i)
{
    compare_memory(c, i, load_i16(c, i));
}
static inline void x87_com_i32(struct cpu *c, const struct insn *i)
{
    compare_memory(c, i, load_i32(c, i));
}

static inline void x87_tst(struct cpu *c, const struct insn *i)
{
    struct x87 *f = &c->x87;
    enum f80_order order = F80_UNORDERED;
    if (x87_empty(f, 0)) x87_underflow(f);
    else order = f80_compare(&f->env, x87_st(f, 0), f80_zero(false), false);
    x87_track(c, i);
    x87_settle(f);
    x87_set_conditions(f, order_bits(order));
}

/* No exceptions; the sign goes to C1 even of an empty register (SDM vol. 2, FXAM). */
static inline void x87_xam(struct cpu *c, const struct insn *i)
{
    static const uint16_t bits[] = {
        [F80_ZERO] = X87_C3,
        [F80_NORMAL] = X87_C2,
        [F80_DENORMAL] = X87_C3 | X87_C2,
        [F80_INFINITY] = X87_C2 | X87_C0,
        [F80_QNAN] = X87_C0,
        [F80_SNAN] = X87_C0,
        [F80_UNSUPPORTED] = 0,
    };
    struct x87 *f = &c->x87;
    struct f80 a = x87_st(f, 0);
    x87_track(c, i);
    f->env.flags = f80_sign(a) ? X87_C1 : 0;
    x87_settle(f);
    x87_set_conditions(f, x87_empty(f, 0) ? X87_C3 | X87_C0 : bits[f80_classify(a)]);
}

X87_WAITING(x87_arith_st0);
X87_WAITING(x87_arith_sti);
X87_WAITING(x87_arith_pop);
X87_WAITING(x87_arith_m32);
X87_WAITING(x87_arith_m64);
X87_WAITING(x87_arith_i16);
X87_WAITING(x87_arith_i32);
X87_WAITING(x87_com);
X87_WAITING(x87_comp);
X87_WAITING(x87_compp);
X87_WAITING(x87_ucom);
X87_WAITING(x87_ucomp);
X87_WAITING(x87_ucompp);
X87_WAITING(x87_comi);
X87_WAITING(x87_comip);
X87_WAITING(x87_com_m32);
X87_WAITING(x87_com_m64);
X87_WAITING(x87_com_i16);
X87_WAITING(x87_com_i32);
X87_WAITING(x87_tst);
X87_WAITING(x87_xam);
