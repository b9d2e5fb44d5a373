/* SPDX-License-Identifier: MIT
 * The x87: loads, stores, constants, exchange, conditional moves, sign, stack pointer.
 * Data sheet: Intel SDM vol. 2, FLD ... FXCH.
 */
#include "cpu/cond.h"
#include "cpu/x87.h"

/* ---- loads ----------------------------------------------------------------------------------- */
static inline void push_memory(struct cpu *c, const struct insn *i, struct f80 v)
{
    x87_track_memory(c, i);
    x87_push(&c->x87, v);
}

static inline void x87_fld_m32(struct cpu *c, const struct insn *i)
{
    struct f80_env *e = &c->x87.env;
    push_memory(c, i, f80_quieted(e, f80_from_f32(e, (uint32_t)insn_load(c, i, 4))));
}
static inline void x87_fld_m64(struct cpu *c, const struct insn *i)
{
    struct f80_env *e = &c->x87.env;
    push_memory(c, i, f80_quieted(e, f80_from_f64(e, insn_load(c, i, 8))));
}

/* Only an unmasked inexact result goes to memory (SDM vol. 1, 8.5); but the
 * operand's address is checked in any case, and its faults come first. */
static inline bool stores(const struct x87 *f)
{
    return !(f->env.flags & ~f->env.control & (X87_EXCEPTIONS & ~F80_P));
}

/* A ten-byte operand. */
static inline struct f80 load_m80(struct cpu *c, const struct insn *i)
{
    uint64_t ea = insn_ea(c, i);
    uint64_t laddr = seg_laddr(c, i->seg, ea, 10, SEG_READ);
    uint64_t m = lin_load(c, laddr, 8);
    return (struct f80){ m, (uint16_t)lin_load(c, laddr_wrap(c, laddr + 8), 2) };
}
static inline void store_m80(struct cpu *c, const struct insn *i, uint64_t low, uint16_t high)
{
    unsigned set = c->tlb_set;
    uint64_t laddr = seg_laddr(c, i->seg, insn_ea(c, i), 10, SEG_WRITE);
    mem_probe_store(c, laddr, 8, set);
    mem_probe_store(c, laddr_wrap(c, laddr + 8), 2, set);
    if (!stores(&c->x87)) return;
    lin_store(c, laddr, low, 8);
    lin_store(c, laddr_wrap(c, laddr + 8), high, 2);
}

static inline void x87_fld_m80(struct cpu *c, const struct insn *i)
{
    push_memory(c, i, load_m80(c, i));
}
static inline void x87_fild_m16(struct cpu *c, const struct insn *i)
{
    push_memory(c, i, f80_from_int((int16_t)insn_load(c, i, 2)));
}
static inline void x87_fild_m32(struct cpu *c, const struct insn *i)
{
    push_memory(c, i, f80_from_int((int32_t)insn_load(c, i, 4)));
}
static inline void x87_fild_m64(struct cpu *c, const struct insn *i)
{
    push_memory(c, i, f80_from_int((int64_t)insn_load(c, i, 8)));
}
static inline void x87_fbld(struct cpu *c, const struct insn *i)
{
    struct f80 raw = load_m80(c, i);
    push_memory(c, i, f80_from_bcd(raw.m, raw.se));
}

static inline void x87_fld(struct cpu *c, const struct insn *i)
{
    struct x87 *f = &c->x87;
    struct f80 v = x87_empty(f, x87_rm(i)) ? x87_underflow(f) : x87_st(f, x87_rm(i));
    x87_track(c, i);
    x87_push(f, v);
}

/* The constants in order of modrm.rm, cut off at 64 bits; up: the rest is half and more. They are
 * rounded by the rounding control without an exception (SDM vol. 2, FLD1 ...). */
static inline void x87_fld_constant(struct cpu *c, const struct insn *i)
{
    static const struct { struct f80 v; bool exact, up; } constants[8] = {
        { { 0x8000000000000000, 0x3FFF }, true, false },      /* FLD1   */
        { { 0xD49A784BCD1B8AFE, 0x4000 }, false, false },     /* FLDL2T */
        { { 0xB8AA3B295C17F0BB, 0x3FFF }, false, true },      /* FLDL2E */
        { { 0xC90FDAA22168C234, 0x4000 }, false, true },      /* FLDPI  */
        { { 0x9A209A84FBCFF798, 0x3FFD }, false, true },      /* FLDLG2 */
        { { 0xB17217F7D1CF79AB, 0x3FFE }, false, true },      /* FLDLN2 */
        { { 0, 0 }, true, false },                            /* FLDZ   */
        { { 0, 0 }, true, false },
    };
    struct x87 *f = &c->x87;
    unsigned n = x87_rm(i);
    enum f80_rounding rc = f80_rounding(&f->env);
    struct f80 v = constants[n].v;
    if (!constants[n].exact && (rc == F80_UP || (rc == F80_NEAREST && constants[n].up))) v.m++;
    x87_track(c, i);
    x87_push(f, v);
}

/* ---- stores ---------------------------------------------------------------------------------- */
static inline struct f80 store_source(struct x87 *f)
{
    return unlikely(x87_empty(f, 0)) ? x87_underflow(f) : x87_st(f, 0);
}
static inline void store_done(struct cpu *c, const struct insn *i, bool pop)
{
    struct x87 *f = &c->x87;
    x87_track_memory(c, i);
    pop = pop && stores(f);
    x87_settle(f);
    if (pop) x87_pop(f);
}
/* Stores the low bytes of v; modrm.reg is odd when the instruction pops. */
static inline void store_memory(struct cpu *c, const struct insn *i, uint64_t v, unsigned size)
{
    uint64_t laddr = seg_laddr(c, i->seg, insn_ea(c, i), size, SEG_WRITE);
    if (stores(&c->x87)) lin_store(c, laddr, v, size);
    else mem_probe_store(c, laddr, size, c->tlb_set);
    store_done(c, i, x87_op(i) & 1);
}

static inline void x87_fst_m32(struct cpu *c, const struct insn *i)
{
    struct x87 *f = &c->x87;
    store_memory(c, i, f80_to_f32(&f->env, store_source(f)), 4);
}
static inline void x87_fst_m64(struct cpu *c, const struct insn *i)
{
    struct x87 *f = &c->x87;
    store_memory(c, i, f80_to_f64(&f->env, store_source(f)), 8);
}
static inline void x87_fstp_m80(struct cpu *c, const struct insn *i)
{
    struct x87 *f = &c->x87;
    struct f80 v = store_source(f);
    store_m80(c, i, v.m, v.se);
    store_done(c, i, true);
}

static inline void store_int(struct cpu *c, const struct insn *i, unsigned size,
                             enum f80_rounding rc)
{
    struct x87 *f = &c->x87;
    store_memory(c, i, (uint64_t)f80_to_int(&f->env, store_source(f), size * 8, rc), size);
}
static inline void x87_fist_m16(struct cpu *c, const struct insn *i)
{
    store_int(c, i, 2, f80_rounding(&c->x87.env));
}
static inline void x87_fist_m32(struct cpu *c, const struct insn *i)
{
    store_int(c, i, 4, f80_rounding(&c->x87.env));
}
static inline void x87_fistp_m64(struct cpu *c, const struct insn *i)
{
    store_int(c, i, 8, f80_rounding(&c->x87.env));
}

/* DB /1 m32, DD /1 m64, DF /1 m16: SSE3 (CPUID.1:ECX bit 0). */
static inline void x87_fisttp(struct cpu *c, const struct insn *i)
{
    unsigned escape = i->opcode >> 8 & 7, size = escape == 3 ? 4 : escape == 5 ? 8 : 2;
    if (!model_has(c->model, FEAT_SSE3)) fault(c, VEC_UD);
    store_int(c, i, size, F80_CHOP);
}

X87_APART x87_fbstp(struct cpu *c, const struct insn *i)
{
    struct x87 *f = &c->x87;
    uint16_t top;
    uint64_t digits = f80_to_bcd(&f->env, store_source(f), &top);
    store_m80(c, i, digits, top);
    store_done(c, i, true);
}

/* ---- between registers ----------------------------------------------------------------------- */
static inline void store_st(struct cpu *c, const struct insn *i, bool pop)
{
    struct x87 *f = &c->x87;
    struct f80 v = store_source(f);
    x87_track(c, i);
    if (!x87_settle(f)) return;
    x87_set(f, x87_rm(i), v);
    if (pop) x87_pop(f);
}
static inline void x87_fst(struct cpu *c, const struct insn *i) { store_st(c, i, false); }
static inline void x87_fst_pop(struct cpu *c, const struct insn *i) { store_st(c, i, true); }

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
    static const uint8_t conditions[4] = { 2, 4, 6, 10 };     /* B, E, BE, P as in Jcc */
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

static inline void x87_nop(struct cpu *c, const struct insn *i) { x87_track(c, i); }

X87_WAITING(x87_fld);
X87_WAITING(x87_fld_m32);
X87_WAITING(x87_fld_m64);
X87_WAITING(x87_fld_m80);
X87_WAITING(x87_fild_m16);
X87_WAITING(x87_fild_m32);
X87_WAITING(x87_fild_m64);
X87_WAITING(x87_fbld);
X87_WAITING(x87_fld_constant);
X87_WAITING(x87_fst);
X87_WAITING(x87_fst_pop);
X87_WAITING(x87_fst_m32);
X87_WAITING(x87_fst_m64);
X87_WAITING(x87_fstp_m80);
X87_WAITING(x87_fist_m16);
X87_WAITING(x87_fist_m32);
X87_WAITING(x87_fistp_m64);
X87_WAITING(x87_fisttp);
X87_WAITING(x87_fbstp);
X87_WAITING(x87_fxch);
X87_WAITING(x87_fcmov);
X87_WAITING(x87_chs_abs);
X87_WAITING(x87_ffree);
X87_WAITING(x87_incdec);
X87_WAITING(x87_nop);
