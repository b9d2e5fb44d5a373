/* SPDX-License-Identifier: MIT
 * Arithmetic and logic: ADD ADC SUB SBB AND OR XOR CMP TEST INC DEC NEG NOT, and the decimal
 * adjusts. SDM vol. 2; flags by the lazy scheme of state.h.
 */
#include "cpu/families.h"
#include "cpu/op.h"

#define W 8
#include "cpu/op_alu.inc"
#define W 16
#include "cpu/op_alu.inc"
#define W 32
#include "cpu/op_alu.inc"
#define W 64
#include "cpu/op_alu.inc"

#define RMW_FAMILY(op)                                                              \
    const struct family family_##op = { .h = {                                      \
        [K_RR] = { W4(op, rr), W4(op, rrn) }, [K_RI] = { W4(op, ri), W4(op, rin) },  \
        [K_RM] = M4(op, rm), [K_MR] = M4(op, mr), \
        [K_MI] = M4(op, mi) } }
#define COMPARE_FAMILY(op)                                                          \
    const struct family family_##op = { .h = {                                      \
        [K_RR] = { W4(op, rr) }, [K_RI] = { W4(op, ri) },                           \
        [K_RM] = M4(op, rm), [K_MR] = M4(op, mr), \
        [K_MI] = M4(op, mi) } }
#define UNARY_FAMILY(op)                                                            \
    const struct family family_##op = { .h = {                                      \
        [K_R] = { W4(op, r), W4(op, rn) }, [K_M] = M4(op, m) } }

RMW_FAMILY(add);
RMW_FAMILY(adc);
RMW_FAMILY(sub);
RMW_FAMILY(sbb);
RMW_FAMILY(and);
RMW_FAMILY(or);
RMW_FAMILY(xor);
COMPARE_FAMILY(cmp);
COMPARE_FAMILY(test);
UNARY_FAMILY(inc);
UNARY_FAMILY(dec);
UNARY_FAMILY(neg);
UNARY_FAMILY(not);

/* ---- decimal adjust (SDM vol. 2, DAA ... AAM) ------------------------------------------------ */
static void set_al_flags(struct cpu *c, uint8_t al, bool cf, bool af)
{
    c->result = (int8_t)al;
    c->carries = (uint32_t)cf << 31 | (uint32_t)cf << 30 | (af ? 8u : 0);
    reg8_set(c, REG_AL, al);
}

EXEC daa(struct cpu *c, const struct insn *i)
{
    uint8_t old = reg8(c, REG_AL), al = old;
    bool cf = flag_cf(c), af = (old & 0xF) > 9 || flag_af(c), carry = old > 0x99 || cf;
    if (af) al = (uint8_t)(al + 6);
    if (carry) al = (uint8_t)(al + 0x60);
    set_al_flags(c, al, carry, af);
    NEXT(c, i);
}

EXEC das(struct cpu *c, const struct insn *i)
{
    uint8_t old = reg8(c, REG_AL), al = old;
    bool cf = flag_cf(c), af = (old & 0xF) > 9 || flag_af(c), carry = old > 0x99 || cf;
    bool borrow = af && old < 6;
    if (af) al = (uint8_t)(al - 6);
    if (carry) al = (uint8_t)(al - 0x60);
    set_al_flags(c, al, carry || (af && (cf || borrow)), af);
    NEXT(c, i);
}

static const struct insn *ascii_adjust(struct cpu *c, const struct insn *i, int sign)
{
    bool adjust = (reg8(c, REG_AL) & 0xF) > 9 || flag_af(c);
    if (adjust) reg16_set(c, RAX, (uint16_t)(reg16(c, RAX) + sign * 0x106));
    set_al_flags(c, reg8(c, REG_AL) & 0xF, adjust, adjust);
    NEXT_ANY(c, i);
}
EXEC aaa(struct cpu *c, const struct insn *i) { return ascii_adjust(c, i, 1); }
EXEC aas(struct cpu *c, const struct insn *i) { return ascii_adjust(c, i, -1); }

EXEC aam(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    uint8_t base = (uint8_t)i->imm, al = reg8(c, REG_AL);
    if (!base) fault(c, VEC_DE);
    reg8_set(c, REG_AH, al / base);
    set_al_flags(c, al % base, false, false);
    NEXT(c, i);
}

EXEC aad(struct cpu *c, const struct insn *i)
{
    uint8_t al = (uint8_t)(reg8(c, REG_AL) + reg8(c, REG_AH) * (uint8_t)i->imm);
    reg8_set(c, REG_AH, 0);
    set_al_flags(c, al, false, false);
    NEXT(c, i);
}

const struct family family_daa = ONE(daa);
const struct family family_das = ONE(das);
const struct family family_aaa = ONE(aaa);
const struct family family_aas = ONE(aas);
const struct family family_aam = ONE(aam);
const struct family family_aad = ONE(aad);
