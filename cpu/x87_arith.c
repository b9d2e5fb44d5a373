/* SPDX-License-Identifier: MIT
 * The x87: add, multiply, subtract and divide in all their forms.
 * Data sheet: Intel SDM vol. 2, FADD ... FDIVR.
 */
#include "cpu/softfloat/quick.h"
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

static inline void arith_memory(struct cpu *c, const struct insn *i, struct f80 b)
{
    struct x87 *f = &c->x87;
    struct f80 r;
    if (unlikely(x87_empty(f, 0))) {
        r = x87_underflow(f);
    } else {
        r = operations[x87_op(i)](&f->env, x87_st(f, 0), b);
        x87_hide_denormal(f, f80_is_nan(r));
    }
    x87_track_memory(c, i);
    if (x87_settle(f)) x87_set(f, 0, r);
}

#define NAME x87_arith
#define DO   arith_memory
#include "cpu/op_x87_memory.inc"

X87_GENERAL(x87_arith_st0)
X87_GENERAL(x87_arith_sti)
X87_GENERAL(x87_arith_pop)
X87_GENERAL(x87_arith_m32)
X87_GENERAL(x87_arith_m64)
X87_WAITING(x87_arith_i16);
X87_WAITING(x87_arith_i32);

/* ---- the same for normal numbers, by operation ----------------------------------------------- */
#define OP add
#include "cpu/op_x87.inc"
#define OP mul
#include "cpu/op_x87.inc"
#define OP sub
#include "cpu/op_x87.inc"
#define OP subr
#include "cpu/op_x87.inc"
#define OP div
#include "cpu/op_x87.inc"
#define OP divr
#include "cpu/op_x87.inc"
