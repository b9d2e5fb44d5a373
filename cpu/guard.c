/* SPDX-License-Identifier: MIT
 * What guards a kernel against its users, and what came with it: STAC CLAC (SMAP), the UMIP check,
 * INVPCID, RDFSBASE and its kin. SDM vol. 2 (each instruction), vol. 3, 2.5 (CR4), 4.10.4 (PCID).
 */
#include "cpu/families.h"
#include "cpu/op.h"
#include "cpu/protect.h"

void umip_check(struct cpu *c)
{
    if (c->cr4 & CR4_UMIP && c->cpl) fault_error(c, VEC_GP, 0);
}

static void set_ac(struct cpu *c, bool on)
{
    if (c->cpl) fault(c, VEC_UD);
    flags_set(c, on ? FLAG_AC : 0, FLAG_AC);
}
EXEC stac(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    set_ac(c, true);
    NEXT(c, i);
}
EXEC clac(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    set_ac(c, false);
    NEXT(c, i);
}

/* Translations of other PCIDs are not kept, so all that a type names is
 * always among those of this one. */
EXEC invpcid(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    if (c->cpl) fault_error(c, VEC_GP, 0);
    uint64_t laddr = insn_laddr(c, i, 16, SEG_READ);
    uint64_t pcid = lin_load(c, laddr, 8), address = lin_load(c, laddr_wrap(c, laddr + 8), 8);
    uint64_t type = c->mode & MODE_LONG ? c->gpr[i->dst] : reg32(c, i->dst);
    bool one = type < 2;
    if (type > 3 || pcid >> 12 || (one && pcid && !(c->cr4 & CR4_PCIDE)) ||
        (type == 0 && !is_canonical(address)))
        fault_error(c, VEC_GP, 0);
    if (type == 0) tlb_flush_page(c, address);
    else tlb_flush(c, type == 1 || type == 3);
    return leave_after(c, i);
}

/* ---- FS and GS bases ------------------------------------------------------------------------- */
static uint64_t *base_of(struct cpu *c, enum seg seg)
{
    if (!(c->cr4 & CR4_FSGSBASE)) fault(c, VEC_UD);
    return &c->seg[seg].base;
}

static const struct insn *read_base(struct cpu *c, const struct insn *i, enum seg seg)
{
    BEGIN(c, i);
    uint64_t base = *base_of(c, seg);
    c->gpr[i->dst] = insn_opsize(i) == 8 ? base : (uint32_t)base;
    NEXT_ANY(c, i);
}
static const struct insn *write_base(struct cpu *c, const struct insn *i, enum seg seg)
{
    BEGIN(c, i);
    uint64_t *base = base_of(c, seg),
             value = insn_opsize(i) == 8 ? c->gpr[i->dst] : reg32(c, i->dst);
    if (!is_canonical(value)) fault_error(c, VEC_GP, 0);
    *base = value;
    NEXT_ANY(c, i);
}
EXEC rdfsbase(struct cpu *c, const struct insn *i) { TAIL read_base(c, i, FS); }
EXEC rdgsbase(struct cpu *c, const struct insn *i) { TAIL read_base(c, i, GS); }
EXEC wrfsbase(struct cpu *c, const struct insn *i) { TAIL write_base(c, i, FS); }
EXEC wrgsbase(struct cpu *c, const struct insn *i) { TAIL write_base(c, i, GS); }

const struct family family_stac = ONE(stac);
const struct family family_clac = ONE(clac);
const struct family family_invpcid = ONE(invpcid);
const struct family family_rdfsbase = ONE(rdfsbase);
const struct family family_rdgsbase = ONE(rdgsbase);
const struct family family_wrfsbase = ONE(wrfsbase);
const struct family family_wrgsbase = ONE(wrgsbase);
