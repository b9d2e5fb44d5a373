/* SPDX-License-Identifier: MIT
 * The x87: compare, test, examine.
 * Data sheet: Intel SDM vol. 2, FCOM, FCOMI, FUCOM, FICOM, FTST, FXAM.
 */
#include "cpu/softfloat/quick.h"
#include "cpu/x87.h"

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

static inline void x87_com(struct cpu *c, const struct insn *i)
{
    compare(c, i, false, 0);
}
static inline void x87_comp(struct cpu *c, const struct insn *i)
{
    compare(c, i, false, 1);
}
static inline void x87_compp(struct cpu *c, const struct insn *i)
{
    compare(c, i, false, 2);
}
static inline void x87_ucom(struct cpu *c, const struct insn *i)
{
    compare(c, i, true, 0);
}
static inline void x87_ucomp(struct cpu *c, const struct insn *i)
{
    compare(c, i, true, 1);
}
static inline void x87_ucompp(struct cpu *c, const struct insn *i)
{
    compare(c, i, true, 2);
}

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
static inline void x87_comi(struct cpu *c, const struct insn *i)
{
    compare_flags(c, i);
}
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
        x87_hide_denormal(f, order == F80_UNORDERED);
    }
    x87_track_memory(c, i);
    bool settled = x87_settle(f);
    x87_set_conditions(f, order_bits(order));
    if (settled && x87_op(i) & 1) x87_pop(f);
}

#define NAME x87_com
#define DO   compare_memory
#include "cpu/op_x87_memory.inc"

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

X87_GENERAL(x87_com)
X87_GENERAL(x87_comp)
X87_GENERAL(x87_compp)
X87_GENERAL(x87_ucom)
X87_GENERAL(x87_ucomp)
X87_GENERAL(x87_ucompp)
X87_GENERAL(x87_comi)
X87_GENERAL(x87_comip)
X87_GENERAL(x87_com_m32)
X87_GENERAL(x87_com_m64)
X87_WAITING(x87_com_i16);
X87_WAITING(x87_com_i32);
X87_WAITING(x87_tst);
X87_WAITING(x87_xam);

/* ---- the same for normal numbers and zeros --------------------------------------------------- */
/* By order + 1. */
static const uint16_t quick_conditions[3] = {X87_C0, X87_C3, 0};
/* CF, ZF or nothing (see flags_set_arith()). */
static const struct {
    int64_t result;
    uint32_t carries;
} quick_flags[3] = {
    {1, 3u << 30},
    {0, 1 << 8},
    {1, 0},
};

static inline void quick_set_conditions(struct x87 *f, int order)
{
    f->status = (uint16_t)((f->status & ~(X87_CONDITIONS | X87_C1)) | quick_conditions[order + 1]);
}

/* Of ST(0) and ST(n); `result` puts r.order into condition codes or flags. */
#define QUICK_COMPARE(name, pops, result)                                                          \
    X87_QUICK(name)                                                                                \
    {                                                                                              \
        struct x87 *f = &c->x87;                                                                   \
        unsigned n = x87_rm(i);                                                                    \
        struct quick_order r = quick_compare(x87_st(f, 0), x87_st(f, n));                          \
        if (unlikely(!r.ok || !x87_ready(c) || !x87_both(f, n))) TAIL name##_exec(c, i);           \
        x87_track(c, i);                                                                           \
        result;                                                                                    \
        if ((pops) > 0) x87_pop(f);                                                                \
        if ((pops) > 1) x87_pop(f);                                                                \
        NEXT(c, i);                                                                                \
    }
QUICK_COMPARE(x87_com, 0, quick_set_conditions(f, r.order))
QUICK_COMPARE(x87_comp, 1, quick_set_conditions(f, r.order))
QUICK_COMPARE(x87_compp, 2, quick_set_conditions(f, r.order))
QUICK_COMPARE(x87_ucom, 0, quick_set_conditions(f, r.order))
QUICK_COMPARE(x87_ucomp, 1, quick_set_conditions(f, r.order))
QUICK_COMPARE(x87_ucompp, 2, quick_set_conditions(f, r.order))

static inline void quick_set_flags(struct cpu *c, int order)
{
    x87_quick_settle(&c->x87, 0);
    c->result = quick_flags[order + 1].result;
    c->carries = quick_flags[order + 1].carries;
}
QUICK_COMPARE(x87_comi, 0, quick_set_flags(c, r.order))
QUICK_COMPARE(x87_comip, 1, quick_set_flags(c, r.order))

/* Modrm.reg is odd for the forms that pop. */
#define QUICK_COMPARE_AT(name, size, fraction, width)                                              \
    X87_QUICK_AT(name)                                                                             \
    {                                                                                              \
        X87_HOST(p, read, laddr, size, name##_exec);                                               \
        struct x87 *f = &c->x87;                                                                   \
        struct quick b = quick_widen(host_load(p, size), fraction, width);                         \
        struct quick_order r = quick_compare(x87_st(f, 0), b.v);                                   \
        if (unlikely(!b.ok || !r.ok || !x87_ready(c) || x87_empty(f, 0))) TAIL name##_exec(c, i);  \
        x87_track_at(c, i, laddr);                                                                 \
        quick_set_conditions(f, r.order);                                                          \
        if (x87_op(i) & 1) x87_pop(f);                                                             \
        NEXT_ANY(c, i);                                                                            \
    }
QUICK_COMPARE_AT(x87_com_m32, 4, 23, 8)
QUICK_COMPARE_AT(x87_com_m64, 8, 52, 11)
