/* SPDX-License-Identifier: MIT
 * Handlers with the register numbers compiled in, for the commonest forms on the eight old registers. A host
 * that keeps memory at constant addresses in registers (memory renaming) then has no latency between guest
 * instructions; others save the loads of the register numbers.
 */
#include "cpu/special.h"
#include "cpu/families.h"
#include "cpu/op.h"

enum shape { DST, DST_SRC, BASE, BASE_DST, BASE_SRC };
struct special {
    const struct family *family;   /* stands for family->h[kind][column][width] */
    uint8_t kind, column, width, shape;
    exec_fn *const *handlers;
};

#define EIGHT(F, op, a)  F(op, a, 0) F(op, a, 1) F(op, a, 2) F(op, a, 3) F(op, a, 4) F(op, a, 5) F(op, a, 6) F(op, a, 7)
#define SQUARE(F, op)    EIGHT(F, op, 0) EIGHT(F, op, 1) EIGHT(F, op, 2) EIGHT(F, op, 3) \
                         EIGHT(F, op, 4) EIGHT(F, op, 5) EIGHT(F, op, 6) EIGHT(F, op, 7)
#define LINE(F, op)      F(op, 0) F(op, 1) F(op, 2) F(op, 3) F(op, 4) F(op, 5) F(op, 6) F(op, 7)

#define W 32
#include "cpu/op_special.inc"
#define W 64
#include "cpu/op_special.inc"

#define LOW_BASE(b)   ((b) == 8 ? 0 : reg32(c, (b) & 7))
#define LONG_BASE(b)  ((b) == 8 ? 0 : c->gpr[(b) & 7])
#define W 32
#define ADDRESS flat
#define IS_LONG 0
#define STACK uint32_t
#define BASE_LADDR(b) (LOW_BASE(b) + (uint32_t)i->disp)
#include "cpu/op_special_memory.inc"
#define W 32
#define ADDRESS long
#define IS_LONG 1
#define STACK uint64_t
#define BASE_LADDR(b) (LONG_BASE(b) + (uint64_t)(int64_t)i->disp)
#include "cpu/op_special_memory.inc"
#define W 64
#define ADDRESS long
#define IS_LONG 1
#define STACK uint64_t
#define BASE_LADDR(b) (LONG_BASE(b) + (uint64_t)(int64_t)i->disp)
#include "cpu/op_special_memory.inc"

/* The place in the table; -1: other registers. */
static int place(const struct insn *i, enum shape shape)
{
    unsigned base = i->base == REG_ZERO ? 8 : i->base, data = shape == BASE_SRC ? i->src : i->dst;
    if (shape == DST) return data < 8 ? (int)data : -1;
    if (shape == DST_SRC) return data < 8 && i->src < 8 ? (int)(data * 8 + i->src) : -1;
    if (i->index != REG_ZERO || (i->base != REG_ZERO && base >= 8)) return -1;
    if (shape == BASE) return (int)base;
    return data < 8 ? (int)(base * 8 + data) : -1;
}

static exec_fn *find(const struct special *rows, unsigned n, const struct insn *i)
{
    for (const struct special *s = rows; s < rows + n; s++)
        if (i->exec == s->family->h[s->kind][s->column][s->width]) {
            int at = place(i, s->shape);
            return at < 0 ? NULL : s->handlers[at];
        }
    return NULL;
}
#define FIND(rows) find(rows, COUNT_OF(rows), i)

exec_fn *special(const struct insn *i)
{
    exec_fn *f = NULL;
    switch (i->asize >> 2 & 3) {
    case 2:
        f = FIND(registers_rows_32);
        if (!f) f = FIND(memory_flat_rows_32);
        return f ? f : FIND(memory_long_rows_32);
    case 3:
        f = FIND(registers_rows_64);
        return f ? f : FIND(memory_long_rows_64);
    default:
        return NULL;
    }
}
