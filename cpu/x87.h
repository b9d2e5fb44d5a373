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
    X87_RC = 3 << 10,
    X87_CONTROL_BITS = 0x1F3F,
    X87_CONTROL_1 = 0x40, /* bit 6 always reads 1 */
};

void x87_reset(struct cpu *);                           /* as FNINIT, registers +0 */
void x87_power_up(struct cpu *);
uint64_t x87_hash(const struct cpu *, uint64_t seed);
uint16_t x87_status(const struct x87 *);                /* with TOP */
uint16_t x87_tags(const struct x87 *);                  /* the 16-bit tag word */
void x87_init(struct x87 *);                            /* FNINIT */
void x87_set_status(struct x87 *, uint16_t);            /* TOP from it; ES and B are derived */
void x87_set_tags(struct x87 *, uint16_t);
void x87_set_control(struct x87 *, uint16_t);           /* derives ES and B */

/* Out of line parts of what follows (x87.c). */
void x87_not_ready(struct cpu *, bool waits);
void x87_error(struct cpu *);           /* an exception waits: #MF, or FERR# and a freeze */
void x87_drive_ferr(struct cpu *);      /* after a change of control or status word */
bool x87_unmasked(struct x87 *);
struct f80 x87_underflow(struct x87 *); /* stack faults: raise, return the masked result */
struct f80 x87_overflow(struct x87 *);

/* #NM and #MF. waits: false for FNINIT and the other no-wait instructions. */
static inline void x87_begin(struct cpu *c, bool waits)
{
    if (unlikely((c->cr0 & (CR0_EM | CR0_TS)) || c->x87.status & X87_ES)) x87_not_ready(c, waits);
    c->x87.env.flags = 0;
}

/* Nothing keeps an x87 instruction from running: no #NM, no #MF. */
static inline bool x87_ready(const struct cpu *c)
{
    return !((c->cr0 & (CR0_EM | CR0_TS)) | (c->x87.status & X87_ES));
}
/* ... and a result may be computed by quick.h: rounded to nearest, P masked. */
static inline bool x87_quick(const struct cpu *c)
{
    return !((c->cr0 & (CR0_EM | CR0_TS)) | (c->x87.status & X87_ES) |
             ((c->x87.env.control & (X87_RC | F80_P)) ^ F80_P));
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
/* In flat and 64-bit forms the linear address is the offset. */
static inline void x87_track_at(struct cpu *c, const struct insn *i, uint64_t laddr)
{
    x87_track(c, i);
    c->x87.fdp = laddr;
    c->x87.fds = c->seg[i->seg].selector;
}

/* ---- stack ----------------------------------------------------------------------------------- */
static inline unsigned x87_at(const struct x87 *f, unsigned n) { return (f->top + n) & 7; }
static inline bool x87_empty(const struct x87 *f, unsigned n)
{
    return !(f->used >> x87_at(f, n) & 1);
}
/* Word by word, as they were written (see f80.h). */
static inline struct f80 x87_st(const struct x87 *f, unsigned n)
{
    const struct f80 *from = &f->reg[x87_at(f, n)];
    return (struct f80){ from->m, from->se };
}
static inline void x87_put(struct x87 *f, unsigned n, struct f80 v)
{
    struct f80 *to = &f->reg[x87_at(f, n)];
    to->m = v.m;
    to->se = v.se;
}
static inline void x87_set(struct x87 *f, unsigned n, struct f80 v)
{
    x87_put(f, n, v);
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

/* A result without any exception but P; x87_ready() and the like have been asked. */
static inline void x87_quick_settle(struct x87 *f, unsigned flags)
{
    f->status = (uint16_t)((f->status & ~X87_C1) | flags);
}
/* Neither ST(0) nor ST(n) is empty. */
static inline bool x87_both(const struct x87 *f, unsigned n)
{
    return f->used >> x87_at(f, 0) & f->used >> x87_at(f, n) & 1;
}
static inline void x87_quick_push(struct x87 *f, struct f80 v)
{
    x87_quick_settle(f, 0);
    f->top = (f->top - 1) & 7;
    x87_set(f, 0, v);
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

/* ---- operands -------------------------------------------------------------------------------- */
/* Loading the operand may have raised D, which NaNs and invalid or zero divide operations hide
 * (SDM vol. 1, 4.9.2). */
static inline void x87_hide_denormal(struct x87 *f, bool hidden)
{
    if (unlikely(f->env.flags & F80_D) && (hidden || f->env.flags & (F80_I | F80_Z)))
        f->env.flags &= (uint16_t)~F80_D;
}

static inline struct f80 x87_load_f32(struct cpu *c, const struct insn *i)
{
    return f80_from_f32(&c->x87.env, (uint32_t)insn_load(c, i, 4));
}
static inline struct f80 x87_load_f64(struct cpu *c, const struct insn *i)
{
    return f80_from_f64(&c->x87.env, insn_load(c, i, 8));
}
static inline struct f80 x87_load_i16(struct cpu *c, const struct insn *i)
{
    return f80_from_int((int16_t)insn_load(c, i, 2));
}
static inline struct f80 x87_load_i32(struct cpu *c, const struct insn *i)
{
    return f80_from_int((int32_t)insn_load(c, i, 4));
}


/* ST(0) to be stored. */
static inline struct f80 x87_store_source(struct x87 *f)
{
    return unlikely(x87_empty(f, 0)) ? x87_underflow(f) : x87_st(f, 0);
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
/* The same for an instruction with a quick form before it: name_exec does everything. */
#define X87_GENERAL(name)                                           \
    static __attribute__((noinline)) const struct insn *name##_exec(struct cpu *c,              \
                                                                    const struct insn *i)       \
    {                                                               \
        BEGIN(c, i);                                                \
        x87_begin(c, true);                                         \
        name(c, i);                                                 \
        NEXT_CHECKED(c, i);                                         \
    }
/* A quick form with a memory operand: the body of two handlers, for flat 32-bit and for 64-bit
 * addresses, before the general one. */
#define X87_AT_(name) static inline __attribute__((always_inline)) const struct insn *name##_at(  \
    struct cpu *c, const struct insn *i, uint64_t laddr)
#define X87_AT(name)  X87_AT_(name)
#define X87_FLAT_(name)                                                                           \
    EXEC name##_f(struct cpu *c, const struct insn *i)                                            \
    {                                                                                             \
        return name##_at(c, i, flat_laddr(c, i));                                                 \
    }                                                                                             \
    EXEC name##_l(struct cpu *c, const struct insn *i)                                            \
    {                                                                                             \
        return name##_at(c, i, long_laddr(c, i));                                                 \
    }
#define X87_FLAT(name) X87_FLAT_(name)
#define X87_MEMORY_(name, general)                                                                \
    { .h = { [K_M] = { { name##_f, name##_f, name##_f, name##_f },                                \
                       { general, general, general, general },                                    \
                       { name##_l, name##_l, name##_l, name##_l } } } }
#define X87_MEMORY(name, general) X87_MEMORY_(name, general)
/* The host's address of the operand; doubles on 32-bit stacks are misaligned as often as not. */
#define X87_HOST(p, tag, laddr, size, general)                                                \
    const struct tlb_entry *entry_ = tlb_slot(c->tlb, laddr);                                 \
    if (unlikely(!tlb_hit(entry_->tag, laddr, (size) > 8 ? 16 : (size))) &&                   \
        (!tlb_in_page(entry_->tag, laddr, size) || checks_alignment(c)))                      \
        TAIL general(c, i);                                                                   \
    void *p = (void *)(entry_->host + (uintptr_t)(laddr))
/* A quick form of registers, and its family. */
#define X87_QUICK(name)                                                                       \
    EXEC name##_quick(struct cpu *, const struct insn *);                                     \
    const struct family family_##name = { .h = { ONE_(K_R, name##_quick) } };                 \
    EXEC name##_quick(struct cpu *c, const struct insn *i)
/* The same of memory. */
#define X87_QUICK_AT(name)                                                                    \
    X87_AT(name);                                                                             \
    X87_FLAT(name)                                                                            \
    const struct family family_##name = X87_MEMORY(name, name##_exec);                        \
    X87_AT(name)
#define X87_WAITING(name) X87_HANDLER(name, true)
#define X87_NO_WAIT(name) X87_HANDLER(name, false)

#define X87_ARITH(op)                                                                          \
    family_x87_##op##_st0, family_x87_##op##_sti, family_x87_##op##_pop, family_x87_##op##_m32, \
    family_x87_##op##_m64
extern const struct family
    family_fwait,
    /* x87_arith.c */
    X87_ARITH(add), X87_ARITH(mul), X87_ARITH(sub), X87_ARITH(subr), X87_ARITH(div),
    X87_ARITH(divr),
    family_x87_arith_i32, family_x87_arith_i16,
    /* x87_compare.c */
    family_x87_com, family_x87_comp, family_x87_compp, family_x87_ucom, family_x87_ucomp,
    family_x87_ucompp, family_x87_comi, family_x87_comip, family_x87_com_m32, family_x87_com_m64,
    family_x87_com_i32, family_x87_com_i16, family_x87_tst, family_x87_xam,
    /* x87_load.c, x87_store.c, x87_move.c */
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
