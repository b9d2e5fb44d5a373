/* SPDX-License-Identifier: MIT
 * The x87: stores to memory.
 * Data sheet: Intel SDM vol. 2, FST, FIST, FISTTP, FBSTP.
 */
#include "cpu/softfloat/quick.h"
#include "cpu/x87.h"

/* Only an unmasked inexact result goes to memory (SDM vol. 1, 8.5); but the
 * operand's address is checked in any case, and its faults come first. */
static inline bool stores(const struct x87 *f)
{
    return !(f->env.flags & ~f->env.control & (X87_EXCEPTIONS & ~F80_P));
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
    store_memory(c, i, f80_to_f32(&f->env, x87_store_source(f)), 4);
}
static inline void x87_fst_m64(struct cpu *c, const struct insn *i)
{
    struct x87 *f = &c->x87;
    store_memory(c, i, f80_to_f64(&f->env, x87_store_source(f)), 8);
}
static inline void x87_fstp_m80(struct cpu *c, const struct insn *i)
{
    struct x87 *f = &c->x87;
    struct f80 v = x87_store_source(f);
    store_m80(c, i, v.m, v.se);
    store_done(c, i, true);
}

static inline void store_int(struct cpu *c, const struct insn *i, unsigned size,
                             enum f80_rounding rc)
{
    struct x87 *f = &c->x87;
    store_memory(c, i, (uint64_t)f80_to_int(&f->env, x87_store_source(f), size * 8, rc), size);
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
    uint64_t digits = f80_to_bcd(&f->env, x87_store_source(f), &top);
    store_m80(c, i, digits, top);
    store_done(c, i, true);
}

X87_GENERAL(x87_fst_m32)
X87_GENERAL(x87_fst_m64)
X87_GENERAL(x87_fstp_m80)
X87_GENERAL(x87_fist_m16)
X87_GENERAL(x87_fist_m32)
X87_GENERAL(x87_fistp_m64)
X87_WAITING(x87_fisttp);
X87_WAITING(x87_fbstp);

/* ---- the same for normal numbers and zeros --------------------------------------------------- */
#define QUICK_STORE(name, size, ready, value)                                                      \
    X87_QUICK_AT(name)                                                                             \
    {                                                                                              \
        X87_HOST(p, write, laddr, size, name##_exec);                                              \
        struct x87 *f = &c->x87;                                                                   \
        struct quick_bits r = value;                                                               \
        if (unlikely(!r.ok || !(ready) || x87_empty(f, 0))) TAIL name##_exec(c, i);                \
        host_store(p, r.bits, size);                                                               \
        x87_track_at(c, i, laddr);                                                                 \
        x87_quick_settle(f, r.flags);                                                              \
        if (x87_op(i) & 1) x87_pop(f);                                                             \
        NEXT_ANY(c, i);                                                                            \
    }
QUICK_STORE(x87_fst_m32, 4, x87_quick(c), quick_narrow(x87_st(f, 0), 23, 8))
QUICK_STORE(x87_fst_m64, 8, x87_quick(c), quick_narrow(x87_st(f, 0), 52, 11))

/* Integers in any rounding mode: compilers set one for each conversion. */
static inline bool quick_integer(const struct cpu *c)
{
    return x87_ready(c) && c->x87.env.control & F80_P;
}
#define QUICK_FIST(name, size)                                                                     \
    QUICK_STORE(name, size, quick_integer(c),                                                      \
                quick_to_int(x87_st(f, 0), 8 * (size), f80_rounding(&f->env)))
QUICK_FIST(x87_fist_m16, 2)
QUICK_FIST(x87_fist_m32, 4)
QUICK_FIST(x87_fistp_m64, 8)

X87_QUICK_AT(x87_fstp_m80)
{
    X87_HOST(p, write, laddr, 10, x87_fstp_m80_exec);
    struct x87 *f = &c->x87;
    struct f80 v = x87_st(f, 0);
    if (unlikely(!x87_ready(c) || x87_empty(f, 0))) TAIL x87_fstp_m80_exec(c, i);
    host_store(p, v.m, 8);
    host_store((uint8_t *)p + 8, v.se, 2);
    x87_track_at(c, i, laddr);
    x87_quick_settle(f, 0);
    x87_pop(f);
    NEXT_ANY(c, i);
}
