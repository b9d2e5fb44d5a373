/* SPDX-License-Identifier: MIT
 * Instructions about selectors: SLDT STR LLDT LTR, VERR VERW LAR LSL, ARPL.
 * SDM vol. 2 (each instruction); vol. 3, 5.10 (pointer validation).
 */
#include "cpu/families.h"
#include "cpu/protect.h"

static uint16_t operand(struct cpu *c, const struct insn *i)
{
    return i->asize & INSN_REG ? reg16(c, i->src) : (uint16_t)insn_load(c, i, 2);
}

static void set_zf(struct cpu *c, bool on)
{
    flags_set(c, on ? FLAG_ZF : 0, FLAG_ZF);
}

/* A register takes the operand size, memory always 16 bits (SDM vol. 2, SLDT, STR, SMSW). */
void system_result(struct cpu *c, const struct insn *i, uint64_t value)
{
    if (!(i->asize & INSN_REG)) insn_store(c, i, value & 0xFFFF, 2);
    else if (insn_opsize(i) == 2) reg16_set(c, i->dst, (uint16_t)value);
    else c->gpr[i->dst] = value;
}

/* ---- LDTR and TR ----------------------------------------------------------------------------- */
EXEC sldt(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    umip_check(c);
    system_result(c, i, c->ldtr.selector);
    NEXT_CHECKED(c, i);
}

EXEC str(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    umip_check(c);
    system_result(c, i, c->tr.selector);
    NEXT_CHECKED(c, i);
}

EXEC lldt(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    if (c->cpl) fault_error(c, VEC_GP, 0);
    ldtr_load(c, operand(c, i), VEC_GP);
    NEXT_CHECKED(c, i);
}

EXEC ltr(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    if (c->cpl) fault_error(c, VEC_GP, 0);
    uint16_t selector = operand(c, i);
    struct descriptor d = tss_need(c, selector, VEC_GP, false);
    struct segment tr = segment_make(selector, d);
    segment_widen(c, &tr, VEC_GP);
    descriptor_mark(c, selector, d, TYPE_BUSY, true);
    c->tr = tr;
    c->tr.access |= TYPE_BUSY;
    NEXT_CHECKED(c, i);
}

/* ---- validation: no faults for what the selector leads to, only ZF --------------------------- */
/* The descriptor of a selector, if this ring (and RPL) may know of it. */
static bool visible(struct cpu *c, uint16_t selector, struct descriptor *d)
{
    if (selector_is_null(selector) || !descriptor_load(c, selector, d)) return false;
    unsigned dpl = desc_dpl(*d);
    return desc_is_conforming(*d) || (c->cpl <= dpl && (selector & 3u) <= dpl);
}

enum { LAR_TYPES = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 4 | 1 << 5 | 1 << 9 | 1 << 11 | 1 << 12,
       LSL_TYPES = 1 << 1 | 1 << 2 | 1 << 3 | 1 << 9 | 1 << 11 };

/* Long mode has neither 16-bit nor task-gate types (SDM vol. 2, LAR, LSL). */
static bool asks(struct cpu *c, uint16_t selector, unsigned system_types, struct descriptor *d)
{
    if (is_long(c)) system_types &= 1 << 2 | 1 << 9 | 1 << 11 | 1 << 12;
    return visible(c, selector, d) && (desc_is_segment(*d) || system_types >> desc_type(*d) & 1);
}

static bool access_rights(struct cpu *c, uint16_t selector, uint32_t *value)
{
    struct descriptor d;
    if (!asks(c, selector, LAR_TYPES, &d)) return false;
    *value = d.high & 0x00FFFF00;
    return true;
}

static bool segment_limit(struct cpu *c, uint16_t selector, uint32_t *value)
{
    struct descriptor d;
    if (!asks(c, selector, LSL_TYPES, &d)) return false;
    *value = segment_make(selector, d).limit;
    return true;
}

static const struct insn *load_rights(struct cpu *c, const struct insn *i,
                                      bool (*ask)(struct cpu *, uint16_t, uint32_t *))
{
    uint32_t value = 0;
    bool known = ask(c, operand(c, i), &value);
    set_zf(c, known);
    if (known && insn_opsize(i) == 2) reg16_set(c, i->dst, (uint16_t)value);
    else if (known) reg32_set(c, i->dst, value);
    return leave_after(c, i);
}

EXEC lar(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    return load_rights(c, i, access_rights);
}

EXEC lsl(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    return load_rights(c, i, segment_limit);
}

static __attribute__((noinline)) bool verify(struct cpu *c, uint16_t selector,
                                             bool (*good)(struct descriptor))
{
    struct descriptor d;
    return visible(c, selector, &d) && desc_is_segment(d) && good(d);
}

EXEC verr(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    set_zf(c, verify(c, operand(c, i), desc_is_readable));
    NEXT_CHECKED(c, i);
}

EXEC verw(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    set_zf(c, verify(c, operand(c, i), desc_is_writable));
    NEXT_CHECKED(c, i);
}

EXEC arpl(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    bool memory = !(i->asize & INSN_REG);
    uint16_t value = memory ? (uint16_t)insn_load(c, i, 2) : reg16(c, i->dst);
    uint16_t rpl = reg16(c, i->src) & 3;
    bool raise = (value & 3) < rpl;
    value = (uint16_t)((value & 0xFFFC) | rpl);
    if (raise && memory) insn_store(c, i, value, 2);
    else if (raise) reg16_set(c, i->dst, value);
    set_zf(c, raise);
    NEXT_CHECKED(c, i);
}

const struct family family_sldt = ONE(sldt);
const struct family family_str = ONE(str);
const struct family family_lldt = ONE(lldt);
const struct family family_ltr = ONE(ltr);
const struct family family_lar = ONE(lar);
const struct family family_lsl = ONE(lsl);
const struct family family_verr = ONE(verr);
const struct family family_verw = ONE(verw);
const struct family family_arpl = ONE(arpl);
