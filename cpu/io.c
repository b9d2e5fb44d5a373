/* SPDX-License-Identifier: MIT
 * IN and OUT. Privilege: SDM vol. 1, 19.5 (IOPL, then the TSS's permission bitmap).
 */
#include "cpu/families.h"
#include "cpu/op.h"

static void allow(struct cpu *c, uint16_t port, unsigned size)
{
    if (is_protected(c) && (c->cpl > iopl(c) || is_vm86(c))) io_check(c, port, size);
}
static const struct insn *input(struct cpu *c, const struct insn *i, uint16_t port)
{
    unsigned size = insn_opsize(i) == 8 ? 4 : insn_opsize(i);
    allow(c, port, size);
    uint32_t v = c->bus.in(c->bus.ctx, port, size);
    if (size == 1) reg8_set(c, REG_AL, (uint8_t)v);
    else if (size == 2) reg16_set(c, RAX, (uint16_t)v);
    else reg32_set(c, RAX, v);
    NEXT_CHECKED(c, i);
}
static const struct insn *output(struct cpu *c, const struct insn *i, uint16_t port)
{
    unsigned size = insn_opsize(i) == 8 ? 4 : insn_opsize(i);
    allow(c, port, size);
    c->bus.out(c->bus.ctx, port, size == 1 ? reg8(c, REG_AL) : size == 2 ? reg16(c, RAX) : reg32(c, RAX), size);
    NEXT_CHECKED(c, i);
}
EXEC in_i(struct cpu *c, const struct insn *i) { BEGIN(c, i); return input(c, i, (uint8_t)i->imm); }
EXEC in_dx(struct cpu *c, const struct insn *i) { BEGIN(c, i); return input(c, i, reg16(c, RDX)); }
EXEC out_i(struct cpu *c, const struct insn *i) { BEGIN(c, i); return output(c, i, (uint8_t)i->imm); }
EXEC out_dx(struct cpu *c, const struct insn *i) { BEGIN(c, i); return output(c, i, reg16(c, RDX)); }
const struct family family_in_i = ONE(in_i);
const struct family family_in_dx = ONE(in_dx);
const struct family family_out_i = ONE(out_i);
const struct family family_out_dx = ONE(out_dx);
