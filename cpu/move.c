/* SPDX-License-Identifier: MIT
 * Data movement: MOV XCHG XADD CMPXCHG MOVZX MOVSX LEA, the bit tests and scans, and small ones
 * without a width (CBW, XLAT, LAHF, flag instructions, BSWAP, CMPXCHG8B, BOUND).
 */
#include "cpu/families.h"
#include "cpu/op.h"

#define W 8
#include "cpu/op_move.inc"
#define W 16
#include "cpu/op_move.inc"
#define W 32
#include "cpu/op_move.inc"
#define W 64
#include "cpu/op_move.inc"

const struct family family_mov = { .h = {
    [K_RR] = { W4(mov, rr) }, [K_RI] = { W4(mov, ri) }, [K_RM] = M4(mov, rm),
    [K_MR] = M4(mov, mr), [K_MI] = M4(mov, mi) } };
const struct family family_mov_absolute = { .h = {
    [K_RM] = { { NULL }, W4(mov_absolute, rm) }, [K_MR] = { { NULL }, W4(mov_absolute, mr) } } };
const struct family family_mov_imm64 = { .h = { [K_RI] = { { [3] = mov_imm64_ri_64 } } } };
/* Without REX.W it is a plain MOV (SDM vol. 2, MOVSXD). */
const struct family family_movsxd = { .h = {
    [K_RR] = { { NULL, mov_rr_16, mov_rr_32, movsxd_rr_64 } },
    [K_RM] = { { NULL }, { NULL, mov_rmg_16, mov_rmg_32, movsxd_rmg_64 },
               { NULL, mov_rml_16, mov_rml_32, movsxd_rml_64 } } } };
const struct family family_xchg = { .h = {
    [K_RR] = { W4(xchg, rr) }, [K_MR] = { W4(xchg, mr), W4(xchg, mr) } } };
const struct family family_xadd = { .h = {
    [K_RR] = { W4(xadd, rr) }, [K_MR] = { W4(xadd, mr), W4(xadd, mr) } } };
const struct family family_cmpxchg = { .h = {
    [K_RR] = { W4(cmpxchg, rr) }, [K_MR] = { W4(cmpxchg, mr), W4(cmpxchg, mr) } } };
#define EXTEND_FAMILY(op) \
    const struct family family_##op = { .h = { [K_RR] = { W3(op, rr) }, [K_RM] = M3(op, rm) } }
EXTEND_FAMILY(movzx8);
EXTEND_FAMILY(movsx8);
EXTEND_FAMILY(movzx16);
EXTEND_FAMILY(movsx16);
const struct family family_lea = { .h = { [K_RM] = { W3(lea, rmf), W3(lea, rm), W3(lea, rml) } } };
#define BIT_FAMILY(op)                                                                    \
    const struct family family_##op = { .h = {                                            \
        [K_RR] = { W3(op, rr) }, [K_RI] = { W3(op, ri) }, [K_MR] = { W3(op, mr), W3(op, mr) }, \
        [K_MI] = { W3(op, mi), W3(op, mi) } } }
BIT_FAMILY(bt);
BIT_FAMILY(bts);
BIT_FAMILY(btr);
BIT_FAMILY(btc);
const struct family family_bsf = { .h = {
    [K_RR] = { W3(bsf, rr) }, [K_RM] = { W3(bsf, rm), W3(bsf, rm) } } };
const struct family family_bsr = { .h = {
    [K_RR] = { W3(bsr, rr) }, [K_RM] = { W3(bsr, rm), W3(bsr, rm) } } };

/* ---- sign extension of the accumulator ------------------------------------------------------- */
EXEC cbw_16(struct cpu *c, const struct insn *i)
{
    reg16_set(c, RAX, (uint16_t)(int8_t)c->gpr[RAX]);
    NEXT(c, i);
}
EXEC cbw_32(struct cpu *c, const struct insn *i)
{
    reg32_set(c, RAX, (uint32_t)(int16_t)c->gpr[RAX]);
    NEXT(c, i);
}
EXEC cbw_64(struct cpu *c, const struct insn *i)
{
    c->gpr[RAX] = (uint64_t)(int32_t)c->gpr[RAX];
    NEXT(c, i);
}
EXEC cwd_16(struct cpu *c, const struct insn *i)
{
    reg16_set(c, RDX, (uint16_t)((int16_t)c->gpr[RAX] >> 15));
    NEXT(c, i);
}
EXEC cwd_32(struct cpu *c, const struct insn *i)
{
    reg32_set(c, RDX, (uint32_t)((int32_t)c->gpr[RAX] >> 31));
    NEXT(c, i);
}
EXEC cwd_64(struct cpu *c, const struct insn *i)
{
    c->gpr[RDX] = (uint64_t)((int64_t)c->gpr[RAX] >> 63);
    NEXT(c, i);
}
const struct family family_cbw = { .h = { [K_NONE] = {
    { NULL, cbw_16, cbw_32, cbw_64 }, { NULL, cbw_16, cbw_32, cbw_64 } } } };
const struct family family_cwd = { .h = { [K_NONE] = {
    { NULL, cwd_16, cwd_32, cwd_64 }, { NULL, cwd_16, cwd_32, cwd_64 } } } };

EXEC bswap_32(struct cpu *c, const struct insn *i)
{
    c->gpr[i->dst] = __builtin_bswap32(reg32(c, i->dst));
    NEXT(c, i);
}
EXEC bswap_64(struct cpu *c, const struct insn *i)
{
    c->gpr[i->dst] = __builtin_bswap64(c->gpr[i->dst]);
    NEXT(c, i);
}
/* A 16-bit operand is undefined (SDM vol. 2, BSWAP); processors clear the low half. */
EXEC bswap_16(struct cpu *c, const struct insn *i) { reg16_set(c, i->dst, 0); NEXT(c, i); }
const struct family family_bswap = { .h = { [K_R] = { { NULL, bswap_16, bswap_32, bswap_64 } } } };

/* ---- flags ----------------------------------------------------------------------------------- */
EXEC lahf(struct cpu *c, const struct insn *i)
{
    reg8_set(c, REG_AH, (uint8_t)flags_get(c));
    NEXT(c, i);
}
EXEC sahf(struct cpu *c, const struct insn *i)
{
    flags_set(c, reg8(c, REG_AH), FLAG_SF | FLAG_ZF | FLAG_AF | FLAG_PF | FLAG_CF);
    NEXT(c, i);
}
static inline void set_cf(struct cpu *c, bool cf)
{
    uint32_t of = (c->carries ^ c->carries << 1) & 0x80000000u, top = (uint32_t)cf << 31;
    c->carries = (c->carries & 0x3FFFFFFFu) | top | (top ^ of) >> 1;
}
EXEC clc(struct cpu *c, const struct insn *i) { set_cf(c, false); NEXT(c, i); }
EXEC stc(struct cpu *c, const struct insn *i) { set_cf(c, true); NEXT(c, i); }
EXEC cmc(struct cpu *c, const struct insn *i) { set_cf(c, !flag_cf(c)); NEXT(c, i); }
EXEC cld(struct cpu *c, const struct insn *i) { c->flags &= ~(uint32_t)FLAG_DF; NEXT(c, i); }
EXEC std(struct cpu *c, const struct insn *i) { c->flags |= FLAG_DF; NEXT(c, i); }
EXEC salc(struct cpu *c, const struct insn *i)
{
    reg8_set(c, REG_AL, flag_cf(c) ? 0xFF : 0);
    NEXT(c, i);
}
EXEC nop(struct cpu *c, const struct insn *i) { NEXT(c, i); }
const struct family family_lahf = ONE(lahf);
const struct family family_sahf = ONE(sahf);
const struct family family_clc = ONE(clc);
const struct family family_stc = ONE(stc);
const struct family family_cmc = ONE(cmc);
const struct family family_cld = ONE(cld);
const struct family family_std = ONE(std);
const struct family family_salc = ONE(salc);
const struct family family_nop = ONE(nop);

EXEC xlat(struct cpu *c, const struct insn *i)
{
    static const uint64_t mask[4] = { 0xFFFF, 0xFFFFFFFF, ~0ull, ~0ull };
    BEGIN(c, i);
    uint64_t ea = (c->gpr[RBX] + reg8(c, REG_AL)) & mask[i->asize & 3];
    reg8_set(c, REG_AL, (uint8_t)seg_load(c, i->seg, ea, 1));
    NEXT_CHECKED(c, i);
}
const struct family family_xlat = ONE(xlat);

/* CMPXCHG16B: the operand must be aligned (SDM vol. 2, CMPXCHG8B/CMPXCHG16B). */
static const struct insn *cmpxchg16b(struct cpu *c, const struct insn *i)
{
    uint64_t laddr = insn_laddr(c, i, 16, SEG_WRITE);
    if (!model_has(c->model, FEAT_CX16)) fault(c, VEC_UD);
    if (laddr & 15) fault_error(c, VEC_GP, 0);
    void *host = rmw_begin(c, laddr, 8);
    uint64_t low = rmw_load(c, host, laddr, 8);
    uint64_t high = rmw_load(c, host ? (char *)host + 8 : NULL, laddr + 8, 8);
    bool equal = low == c->gpr[RAX] && high == c->gpr[RDX];
    rmw_store(c, host, laddr, equal ? c->gpr[RBX] : low, 8);
    rmw_store(c, host ? (char *)host + 8 : NULL, laddr + 8, equal ? c->gpr[RCX] : high, 8);
    c->gpr[RAX] = low;
    c->gpr[RDX] = high;
    flags_set(c, equal ? FLAG_ZF : 0, FLAG_ZF);
    NEXT_CHECKED(c, i);
}
EXEC cmpxchg8b(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    if (insn_opsize(i) == 8) return cmpxchg16b(c, i);
    uint64_t laddr = insn_laddr(c, i, 8, SEG_WRITE);
    void *host = rmw_begin(c, laddr, 8);
    uint64_t old = rmw_load(c, host, laddr, 8);
    bool equal = old == ((uint64_t)reg32(c, RDX) << 32 | reg32(c, RAX));
    rmw_store(c, host, laddr, equal ? (uint64_t)reg32(c, RCX) << 32 | reg32(c, RBX) : old, 8);
    if (!equal) {
        reg32_set(c, RAX, (uint32_t)old);
        reg32_set(c, RDX, (uint32_t)(old >> 32));
    }
    flags_set(c, equal ? FLAG_ZF : 0, FLAG_ZF);
    NEXT_CHECKED(c, i);
}
const struct family family_cmpxchg8b = ONE(cmpxchg8b);

EXEC bound(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    unsigned size = insn_opsize(i);
    uint64_t ea = insn_ea(c, i), low = seg_load(c, i->seg, ea, size),
             high = seg_load(c, i->seg, ea + size, size);
    int32_t index = size == 2 ? (int16_t)reg16(c, i->dst) : (int32_t)reg32(c, i->dst);
    int32_t first = size == 2 ? (int16_t)low : (int32_t)low,
            last = size == 2 ? (int16_t)high : (int32_t)high;
    if (index < first || index > last) fault(c, VEC_BR);
    NEXT_CHECKED(c, i);
}
const struct family family_bound = ONE(bound);
