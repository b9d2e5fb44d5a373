/* SPDX-License-Identifier: MIT
 * The x87 inside the CPU: stack, exceptions, and how its handlers begin and end. Private to cpu/.
 *
 * A handler runs: x87_begin() - load memory - compute (env.flags collects exceptions) - store to
 * memory - x87_settle() - change registers. So a fault on the way leaves everything as it was.
 */
#pragma once
#include "cpu/op.h"

enum {
    X87_EXCEPTIONS = 0x3F,
    X87_BEFORE = F80_I | F80_D | F80_Z, /* detected before anything is computed */
    X87_SF = 1 << 6,
    X87_ES = 1 << 7,
    X87_C0 = 1 << 8,
    X87_C1 = F80_C1,
    X87_C2 = 1 << 10,
    X87_C3 = 1 << 14,
    X87_B = 1 << 15,
    X87_CONDITIONS = X87_C0 | X87_C2 | X87_C3,
    X87_TOP_SHIFT = 11,
    X87_CONTROL_BITS = 0x1F3F,
    X87_CONTROL_1 = 0x40, /* bit 6 always reads 1 */
};

void x87_reset(struct cpu *);                           /* as FNINIT, registers +0 */
uint64_t x87_hash(const struct cpu *, uint64_t seed);
uint16_t x87_status(const struct x87 *);                /* with TOP */
uint16_t x87_tags(const struct x87 *);                  /* the 16-bit tag word */
void x87_init(struct x87 *);                            /* FNINIT */
void x87_set_status(struct x87 *, uint16_t);            /* TOP from it; ES and B are derived */
void x87_set_tags(struct x87 *, uint16_t);
void x87_set_control(struct x87 *, uint16_t);           /* derives ES and B */

/* Out of line parts of what follows (x87.c). */
void x87_not_ready(struct cpu *, bool waits);
bool x87_unmasked(struct x87 *);
struct f80 x87_underflow(struct x87 *); /* stack faults: raise, return the masked result */
struct f80 x87_overflow(struct x87 *);

/* #NM and #MF. waits: false for FNINIT and the other no-wait instructions. */
static inline void x87_begin(struct cpu *c, bool waits)
{
    if (unlikely((c->cr0 & (CR0_EM | CR0_TS)) || c->x87.status & X87_ES)) x87_not_ready(c, waits);
    c->x87.env.flags = 0;
}

/* Where the last non-control instruction was, and its memory operand: after its last fault. */
static inline void x87_track(struct cpu *c, const struct insn *i)
{
    c->x87.fip = insn_rip(c, i);
    c->x87.fcs = c->seg[CS].selector;
    c->x87.opcode = i->opcode & 0x7FF;
}
static inline void x87_track_memory(struct cpu *c, const struct insn *i)
{
    x87_track(c, i);
    c->x87.fdp = insn_ea(c, i);
    c->x87.fds = c->seg[i->seg].selector;
}

/* ---- stack ----------------------------------------------------------------------------------- */
static inline unsigned x87_at(const struct x87 *f, unsigned n) { return (f->top + n) & 7; }
static inline bool x87_empty(const struct x87 *f, unsigned n)
{
    return !(f->used >> x87_at(f, n) & 1);
}
static inline struct f80 x87_st(const struct x87 *f, unsigned n) { return f->reg[x87_at(f, n)]; }
static inline void x87_set(struct x87 *f, unsigned n, struct f80 v)
{
    f->reg[x87_at(f, n)] = v;
    f->used |= (uint8_t)(1 << x87_at(f, n));
}
static inline void x87_free(struct x87 *f, unsigned n) { f->used &= (uint8_t)~(1 << x87_at(f, n)); }
static inline void x87_pop(struct x87 *f)
{
    x87_free(f, 0);
    f->top = (f->top + 1) & 7;
}

/* The exceptions of this instruction become visible; C1 is theirs. false: an unmasked one was
 * detected before the computation, so there is no result (SDM vol. 1, 8.7). */
static inline bool x87_settle(struct x87 *f)
{
    if (unlikely(f->env.flags & ~f->env.control & X87_EXCEPTIONS)) return x87_unmasked(f);
    f->status = (uint16_t)((f->status & ~X87_C1) | f->env.flags);
    return true;
}

/* A denormal is loaded also when D is unmasked: the processor finds out while it converts. */
static inline void x87_push(struct x87 *f, struct f80 v)
{
    if (unlikely(!x87_empty(f, 7))) v = x87_overflow(f);
    if (!x87_settle(f) && f->env.flags & F80_I) return;
    f->top = (f->top - 1) & 7;
    x87_set(f, 0, v);
}
static inline void x87_set_conditions(struct x87 *f, unsigned bits)
{
    f->status = (uint16_t)((f->status & ~X87_CONDITIONS) | bits);
}

/* Register number and group of a record's modrm. */
static inline unsigned x87_rm(const struct insn *i) { return i->opcode & 7; }
static inline unsigned x87_op(const struct insn *i) { return i->opcode >> 3 & 7; }

/* Handlers around a void body, which must not fault after changing registers. A body with
 * locals that it passes by address is marked X87_APART, or the call of the next handler in a
 * chain could not be a tail call. */
#define X87_APART static __attribute__((noinline)) void
#define X87_HANDLER(name, waits)                                    \
    EXEC name##_exec(struct cpu *c, const struct insn *i)           \
    {                                                               \
        BEGIN(c, i);                                                \
        x87_begin(c, waits);                                        \
        name(c, i);                                                 \
        NEXT_CHECKED(c, i);                                         \
    }                                                               \
    const struct family family_##name = ONE(name##_exec)
#define X87_WAITING(name) X87_HANDLER(name, true)
#define X87_NO_WAIT(name) X87_HANDLER(name, false)

extern const struct family
    family_fwait,
    /* x87_arith.c */
    family_x87_arith_st0, family_x87_arith_sti, family_x87_arith_pop, family_x87_arith_m32,
    family_x87_arith_m64, family_x87_arith_i32, family_x87_arith_i16,
    family_x87_com, family_x87_comp, family_x87_compp, family_x87_ucom, family_x87_ucomp,
    family_x87_ucompp, family_x87_comi, family_x87_comip, family_x87_com_m32, family_x87_com_m64,
    family_x87_com_i32, family_x87_com_i16, family_x87_tst, family_x87_xam,
    /* x87_move.c */
    family_x87_fld, family_x87_fld_m32, family_x87_fld_m64, family_x87_fld_m80, family_x87_fild_m16,
    family_x87_fild_m32, family_x87_fild_m64, family_x87_fbld, family_x87_fld_constant,
    family_x87_fst, family_x87_fst_pop, family_x87_fst_m32, family_x87_fst_m64, family_x87_fstp_m80,
    family_x87_fist_m16, family_x87_fist_m32, family_x87_fistp_m64, family_x87_fisttp,
    family_x87_fbstp, family_x87_fxch, family_x87_fcmov, family_x87_chs_abs, family_x87_ffree,
    family_x87_incdec, family_x87_nop,
    /* x87_function.c */
    family_x87_sqrt, family_x87_rndint, family_x87_scale, family_x87_extract, family_x87_prem,
    family_x87_2xm1, family_x87_yl2x, family_x87_tan, family_x87_atan, family_x87_sincos,
    /* x87_control.c */
    family_x87_fldcw, family_x87_fnstcw, family_x87_fnstsw, family_x87_fnstsw_ax,
    family_x87_fnclex, family_x87_fninit, family_x87_fldenv, family_x87_fnstenv,
    family_x87_frstor, family_x87_fnsave, family_x87_fnnop;
