/* SPDX-License-Identifier: MIT
 * IN and OUT. Privilege: SDM vol. 1, 19.5 (IOPL, then the TSS's permission bitmap).
 */
#include "cpu/debug.h"
#include "cpu/families.h"
#include "cpu/op.h"

static inline void allow(struct cpu *c, uint16_t port, unsigned size)
{
    if (is_protected(c) && (c->cpl > iopl(c) || is_vm86(c))) io_check(c, port, size);
}
static inline const struct insn *input(struct cpu *c, const struct insn *i, uint16_t port,
                                       unsigned size)
{
    BEGIN(c, i);
    allow(c, port, size);
    c->in_port = true;
    uint32_t v = c->bus.in(c->bus.ctx, port, size);
    c->in_port = false;
    if (unlikely(c->watch.io)) debug_port(c, port, size);
    if (size == 1) reg8_set(c, REG_AL, (uint8_t)v);
    else if (size == 2) reg16_set(c, RAX, (uint16_t)v);
    else reg32_set(c, RAX, v);
    NEXT_CHECKED(c, i);
}
static inline const struct insn *output(struct cpu *c, const struct insn *i, uint16_t port,
                                        unsigned size)
{
    BEGIN(c, i);
    allow(c, port, size);
    c->in_port = true;
    c->bus.out(c->bus.ctx, port,
               size == 1 ? reg8(c, REG_AL) : size == 2 ? reg16(c, RAX) : reg32(c, RAX), size);
    c->in_port = false;
    if (unlikely(c->watch.io)) debug_port(c, port, size);
    NEXT_CHECKED(c, i);
}
#define BY_WIDTH(kind, f) \
    [kind] = { { f##_8, f##_16, f##_32, f##_32 }, { f##_8, f##_16, f##_32, f##_32 } }
#define PORT_HANDLERS(name, way, port)                                                             \
    EXEC name##_8(struct cpu *c, const struct insn *i) { return way(c, i, port, 1); }              \
    EXEC name##_16(struct cpu *c, const struct insn *i) { return way(c, i, port, 2); }             \
    EXEC name##_32(struct cpu *c, const struct insn *i) { return way(c, i, port, 4); }             \
    const struct family family_##name = { .h = { BY_WIDTH(K_NONE, name), BY_WIDTH(K_RI, name) } }
PORT_HANDLERS(in_i, input, (uint8_t)i->imm);
PORT_HANDLERS(in_dx, input, reg16(c, RDX));
PORT_HANDLERS(out_i, output, (uint8_t)i->imm);
PORT_HANDLERS(out_dx, output, reg16(c, RDX));
