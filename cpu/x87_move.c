/* SPDX-License-Identifier: MIT
 * The x87: between registers: load, store, exchange, conditional moves, sign, stack pointer.
 * Data sheet: Intel SDM vol. 2, FLD, FST, FXCH, FCMOVcc, FCHS, FABS, FFREE, FINCSTP.
 */
#include "cpu/cond.h"
#include "cpu/x87.h"

static inline void x87_fld(struct cpu *c, const struct insn *i)
{
    struct x87 *f = &c->x87;
    struct f80 v = x87_empty(f, x87_rm(i)) ? x87_underflow(f) : x87_st(f, x87_rm(i));
    x87_track(c, i);
    x87_push(f, v);
}

static inline void store_st(struct cpu *c, const struct insn *i, bool pop)
{
    struct x87 *f = &c->x87;
    struct f80 v = x87_store_source(f);
    x87_track(c, i);
    if (!x87_settle(f)) return;
    x87_set(f, x87_rm(i), v);
    if (pop) x87_pop(f);
}
static inline void x87_fst(struct cpu *c, const struct insn *i)
{
    store_st(c, i, false);
}
static inline void x87_fst_pop(struct cpu *c, const struct insn *i)
{
    store_st(c, i, true);
}

static inline void x87_fxch(struct cpu *c, const struct insn *i)
{
    struct x87 *f = &c->x87;
    unsigned n = x87_rm(i);
    struct f80 a = x87_empty(f, 0) ? x87_underflow(f) : x87_st(f, 0);
    struct f80 b = x87_empty(f, n) ? x87_underflow(f) : x87_st(f, n);
    x87_track(c, i);
    if (!x87_settle(f)) return;
    x87_set(f, 0, b);
    x87_set(f, n, a);
}

/* DA C0 B, C8 E, D0 BE, D8 U; DB: not. An empty operand faults even when the condition is false. */
static inline void x87_fcmov(struct cpu *c, const struct insn *i)
{
    static const uint8_t conditions[4] = {2, 4, 6, 10}; /* B, E, BE, P as in Jcc */
    struct x87 *f = &c->x87;
    unsigned n = x87_rm(i);
    bool moves = condition(c, conditions[x87_op(i) & 3] | (i->opcode >> 8 & 1));
    struct f80 v = x87_st(f, moves ? n : 0);
    if (x87_empty(f, 0) || x87_empty(f, n)) v = x87_underflow(f);
    x87_track(c, i);
    if (x87_settle(f)) x87_set(f, 0, v);
}

/* D9 E0 FCHS, E1 FABS: any operand, no exceptions but the stack's. */
static inline void x87_chs_abs(struct cpu *c, const struct insn *i)
{
    struct x87 *f = &c->x87;
    struct f80 v = x87_st(f, 0);
    v.se = (uint16_t)(x87_rm(i) ? v.se & 0x7FFF : v.se ^ 0x8000);
    if (x87_empty(f, 0)) v = x87_underflow(f);
    x87_track(c, i);
    if (x87_settle(f)) x87_set(f, 0, v);
}

/* DD C0 FFREE, DF C0 FFREEP. */
static inline void x87_ffree(struct cpu *c, const struct insn *i)
{
    struct x87 *f = &c->x87;
    x87_track(c, i);
    x87_free(f, x87_rm(i));
    if (i->opcode >> 8 & 2) x87_pop(f);
}

/* D9 F6 FDECSTP, F7 FINCSTP. */
static inline void x87_incdec(struct cpu *c, const struct insn *i)
{
    struct x87 *f = &c->x87;
    x87_track(c, i);
    f->top = (f->top + (x87_rm(i) & 1 ? 1 : 7)) & 7;
    f->status &= (uint16_t)~X87_C1;
}

static inline void x87_nop(struct cpu *c, const struct insn *i)
{
    x87_track(c, i);
}

X87_GENERAL(x87_fld)
X87_GENERAL(x87_fst)
X87_GENERAL(x87_fst_pop)
X87_GENERAL(x87_fxch)
X87_GENERAL(x87_chs_abs)
X87_WAITING(x87_fcmov);
X87_WAITING(x87_ffree);
X87_WAITING(x87_incdec);
X87_WAITING(x87_nop);

/* ---- the same where nothing is empty --------------------------------------------------------- */
X87_QUICK(x87_fld)
{
    struct x87 *f = &c->x87;
    struct f80 v = x87_st(f, x87_rm(i));
    if (unlikely(!x87_ready(c) || x87_empty(f, x87_rm(i)) || !x87_empty(f, 7)))
        TAIL x87_fld_exec(c, i);
    x87_track(c, i);
    x87_quick_push(f, v);
    NEXT(c, i);
}

#define QUICK_FST(name, pops)                                                                      \
    X87_QUICK(name)                                                                                \
    {                                                                                              \
        struct x87 *f = &c->x87;                                                                   \
        struct f80 v = x87_st(f, 0);                                                               \
        if (unlikely(!x87_ready(c) || x87_empty(f, 0))) TAIL name##_exec(c, i);                    \
        x87_track(c, i);                                                                           \
        x87_quick_settle(f, 0);                                                                    \
        x87_set(f, x87_rm(i), v);                                                                  \
        if (pops) x87_pop(f);                                                                      \
        NEXT(c, i);                                                                                \
    }
QUICK_FST(x87_fst, false)
QUICK_FST(x87_fst_pop, true)

X87_QUICK(x87_fxch)
{
    struct x87 *f = &c->x87;
    unsigned n = x87_rm(i);
    struct f80 a = x87_st(f, 0), b = x87_st(f, n);
    if (unlikely(!x87_ready(c) || !x87_both(f, n))) TAIL x87_fxch_exec(c, i);
    x87_track(c, i);
    x87_quick_settle(f, 0);
    x87_put(f, 0, b);
    x87_put(f, n, a);
    NEXT(c, i);
}

X87_QUICK(x87_chs_abs)
{
    struct x87 *f = &c->x87;
    uint64_t se = x87_st(f, 0).se;
    if (unlikely(!x87_ready(c) || x87_empty(f, 0))) TAIL x87_chs_abs_exec(c, i);
    x87_track(c, i);
    x87_quick_settle(f, 0);
    f->reg[x87_at(f, 0)].se = x87_rm(i) ? se & 0x7FFF : se ^ 0x8000;
    NEXT(c, i);
}
