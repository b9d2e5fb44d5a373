/* SPDX-License-Identifier: MIT
 * Handlers with the register numbers compiled in, for the commonest forms on the eight old
 * registers. A host that keeps memory at constant addresses in registers (memory renaming) then has
 * no latency between guest instructions; others save the loads of the register numbers.
 */
#include "cpu/special.h"
#include "cpu/families.h"
#include "cpu/op.h"

/* How a record finds its handler in a row. COUNT: as DST, and the shift count is not 0. SCALED: the
 * data register and the index's scale; base and index come from the record. */
enum shape { DST, COUNT, DST_SRC, BASE, BASE_DST, BASE_SRC, SCALED_DST, SCALED_SRC };
struct special {
    const struct family *family;   /* stands for family->h[kind][column][width] */
    uint8_t kind, column, width, shape;
    exec_fn *const *handlers;
};

#define EIGHT(F, op, a)  F(op, a, 0) F(op, a, 1) F(op, a, 2) F(op, a, 3) \
                         F(op, a, 4) F(op, a, 5) F(op, a, 6) F(op, a, 7)
#define SQUARE(F, op)    EIGHT(F, op, 0) EIGHT(F, op, 1) EIGHT(F, op, 2) EIGHT(F, op, 3) \
                         EIGHT(F, op, 4) EIGHT(F, op, 5) EIGHT(F, op, 6) EIGHT(F, op, 7)
#define BASES(F, op)     SQUARE(F, op) EIGHT(F, op, 8)         /* 8: no base */
#define SCALES(F, op)    EIGHT(F, op, 0) EIGHT(F, op, 1) EIGHT(F, op, 2) EIGHT(F, op, 3)
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
#define SCALED_LADDR(s) (reg32(c, i->base) + (reg32(c, i->index) << (s)) + (uint32_t)i->disp)
#include "cpu/op_special_memory.inc"
#define W 32
#define ADDRESS long
#define IS_LONG 1
#define STACK uint64_t
#define BASE_LADDR(b) (LONG_BASE(b) + (uint64_t)(int64_t)i->disp)
#define SCALED_LADDR(s) (c->gpr[i->base] + (c->gpr[i->index] << (s)) + (uint64_t)(int64_t)i->disp)
#include "cpu/op_special_memory.inc"
#define W 64
#define ADDRESS long
#define IS_LONG 1
#define STACK uint64_t
#define BASE_LADDR(b) (LONG_BASE(b) + (uint64_t)(int64_t)i->disp)
#define SCALED_LADDR(s) (c->gpr[i->base] + (c->gpr[i->index] << (s)) + (uint64_t)(int64_t)i->disp)
#include "cpu/op_special_memory.inc"

/* Number of a register of 8 bits as in an encoding without REX. */
static unsigned byte_number(unsigned at)
{
    return at / 8 > 3 ? 8 : at / 8 + (at % 8 == REG_LOW_BYTE ? 0 : 4);
}

/* The place in the row; -1: other registers. */
static int place(const struct insn *i, const struct special *s)
{
    enum shape shape = s->shape;
    unsigned base = i->base == REG_ZERO ? 8 : i->base;
    unsigned data = shape == BASE_SRC || shape == SCALED_SRC ? i->src : i->dst;
    if (s->width == 0) data = byte_number(data);
    if (data >= 8 && shape != BASE) return -1;
    if (shape == DST) return (int)data;
    if (shape == COUNT) return i->imm & ((8u << s->width) - 1) ? (int)data : -1;
    if (shape == DST_SRC) return i->src < 8 ? (int)(data * 8 + i->src) : -1;
    if (shape == SCALED_DST || shape == SCALED_SRC)
        return i->index < REG_ZERO ? (int)(i->scale * 8 + data) : -1;
    if (i->index != REG_ZERO || base > 8 || (base == 8 && i->base != REG_ZERO)) return -1;
    return shape == BASE ? (int)base : (int)(base * 8 + data);
}

static exec_fn *find(const struct special *rows, unsigned n, const struct family *family,
                     const struct insn *i)
{
    for (const struct special *s = rows; s < rows + n; s++)
        if (s->family == family && i->exec == family->h[s->kind][s->column][s->width]) {
            int at = place(i, s);
            if (at >= 0) return s->handlers[at];
        }
    return NULL;
}
#define FIND(rows) find(rows, COUNT_OF(rows), family, i)

exec_fn *special(const struct family *family, const struct insn *i)
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
        f = FIND(narrow_flat_rows_32);
        return f ? f : FIND(narrow_long_rows_64);
    }
}
