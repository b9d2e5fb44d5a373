/* SPDX-License-Identifier: MIT
 * The stack: PUSH POP PUSHA POPA PUSHF POPF ENTER LEAVE, PUSH/POP of segment registers.
 * SDM vol. 2; the flags that POPF may change: vol. 2, POPF, table 4-15.
 */
#include "cpu/families.h"
#include "cpu/op.h"
#include "cpu/trace.h"
#include "cpu/vme.h"

/* ENTER ends with a check that the new top of the stack can be written. */
static void lin_probe_stack(struct cpu *c, uint64_t sp, unsigned size)
{
    mem_probe_store(c, seg_laddr(c, SS, sp, size, SEG_WRITE), size, c->tlb_set);
}
/* POPA keeps an array on the host's stack; the tail call is made from here. */
static __attribute__((noinline)) const struct insn *popa_next(struct cpu *c, const struct insn *i)
{
    return leave_after(c, i);
}

#define W 16
#include "cpu/op_stack.inc"
#define W 32
#include "cpu/op_stack.inc"
#define W 64
#include "cpu/op_stack.inc"

const struct family family_push = { .h = {
    [K_R] = M3(push, r), [K_M] = { W3(push, m), W3(push, m) },
    [K_RI] = M3(push, i) } };
const struct family family_pop = { .h = {
    [K_R] = M3(pop, r), [K_M] = { W3(pop, m), W3(pop, m) } } };
const struct family family_pusha = { .h = { [K_NONE] = { W3(pusha, o), W3(pusha, o) } } };
const struct family family_popa = { .h = { [K_NONE] = { W3(popa, o), W3(popa, o) } } };
const struct family family_enter = { .h = { [K_NONE] = { W3(enter, o), W3(enter, o) } } };
const struct family family_leave = { .h = { [K_NONE] = M3(leave, ) } };

/* ---- flags ----------------------------------------------------------------------------------- */
EXEC pushf(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    uint64_t sp = c->gpr[RSP];
    uint32_t image = vme_iopl_low(c) ? vme_flags(c, insn_opsize(i)) : flags_get(c);
    stack_push(c, &sp, image & ~(uint32_t)(FLAG_VM | FLAG_RF), insn_opsize(i));
    stack_commit(c, sp);
    NEXT_CHECKED(c, i);
}
/* Which bits POPF replaces at this privilege; VM never.
 * RF is cleared, VIP and VIF where IF may change. */
enum { POPF_CLEARS = FLAG_RF | FLAG_VIP | FLAG_VIF };
static uint32_t popf_mask(const struct cpu *c, unsigned size)
{
    uint32_t mask = FLAGS_ARITH | FLAG_TF | FLAG_DF | FLAG_NT;
    if (model_has(c->model, FEAT_486)) mask |= FLAG_AC;
    if (c->model->max_leaf) mask |= FLAG_ID;
    if (!is_protected(c) || c->cpl <= iopl(c)) mask |= FLAG_IF;
    if (!is_protected(c) || c->cpl == 0) mask |= FLAG_IOPL;
    if (is_vm86(c)) mask &= ~(uint32_t)FLAG_IOPL;
    else if (mask & FLAG_IF) mask |= FLAG_VIP | FLAG_VIF;
    return size == 2 ? mask & 0xFFFF : mask | FLAG_RF;
}
EXEC popf(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    uint64_t sp = c->gpr[RSP];
    unsigned size = insn_opsize(i);
    bool virtual = vme_iopl_low(c);
    uint32_t old = c->flags, value = (uint32_t)stack_pop(c, &sp, size) & ~(uint32_t)POPF_CLEARS;
    if (virtual) vme_check_flags(c, value, size);
    stack_commit(c, sp);
    if (virtual) vme_set_flags(c, value);
    else flags_set(c, value, popf_mask(c, size));
    if (c->flags & ~old & (FLAG_IF | FLAG_TF)) flags_loaded(c);
    NEXT_CHECKED(c, i);
}
const struct family family_pushf = ONE(pushf);
const struct family family_popf = ONE(popf);

/* ---- segment registers ----------------------------------------------------------------------- */
EXEC push_seg(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    uint64_t sp = (c->gpr[RSP] - insn_opsize(i)) & c->stack_mask;
    /* a 32-bit push of a selector writes 16 bits only (SDM vol. 2, PUSH) */
    seg_store(c, SS, sp, c->seg[i->dst].selector, insn_opsize(i) == 8 ? 8 : 2);
    stack_commit(c, sp);
    NEXT_CHECKED(c, i);
}
/* MOV SS and POP SS hold interrupts and debug exceptions for one instruction (SDM vol. 3, 6.8.3).
 * Nothing is due now that was not before, so the trace may go on. */
static void hold_events(struct cpu *c)
{
    c->shadow_tick = cpu_ticks(c) + 1;
    c->shadow_ss = true;
}
/* A segment was loaded: on in this trace if it is one of the mode that is now. */
static inline const struct insn *next_in_mode(struct cpu *c, const struct insn *i, unsigned mode)
{
    if (unlikely(c->mode != mode)) TAIL go_after(c, i);
    NEXT_CHECKED(c, i);
}
EXEC pop_seg(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    unsigned mode = c->mode;
    uint64_t sp = c->gpr[RSP], mask = c->stack_mask;
    uint16_t selector = (uint16_t)seg_load(c, SS, sp & mask, 2);
    segment_load(c, i->dst, selector);
    sp = (sp + insn_opsize(i)) & mask;
    c->gpr[RSP] = (c->gpr[RSP] & ~mask) | sp;
    if (i->dst == SS) hold_events(c);
    TAIL next_in_mode(c, i, mode);
}
EXEC mov_from_seg_r(struct cpu *c, const struct insn *i)
{
    uint16_t v = c->seg[i->src].selector;
    if (insn_opsize(i) == 2) reg16_set(c, i->dst, v);
    else c->gpr[i->dst] = v;
    NEXT(c, i);
}
EXEC mov_from_seg_m(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    insn_store(c, i, c->seg[i->src].selector, 2);
    NEXT_CHECKED(c, i);
}
EXEC mov_to_seg(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    unsigned mode = c->mode;
    if (i->dst == CS) fault(c, VEC_UD);
    segment_load(c, i->dst, i->asize & INSN_REG ? reg16(c, i->src) : (uint16_t)insn_load(c, i, 2));
    if (i->dst == SS) hold_events(c);
    TAIL next_in_mode(c, i, mode);
}
/* LES, LDS, LSS, LFS, LGS: disp and imm are taken; the segment register is in `src`. */
EXEC load_far_pointer(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    unsigned size = insn_opsize(i), mode = c->mode;
    uint64_t ea = insn_ea(c, i), offset = seg_load(c, i->seg, ea, size);
    uint16_t selector = (uint16_t)seg_load(c, i->seg, ea + size, 2);
    segment_load(c, i->src, selector);
    if (size == 2) reg16_set(c, i->dst, (uint16_t)offset);
    else c->gpr[i->dst] = offset;
    TAIL next_in_mode(c, i, mode);
}
const struct family family_push_seg = ONE(push_seg);
const struct family family_pop_seg = ONE(pop_seg);
const struct family family_mov_from_seg = { .h = {
    [K_RR] = { { NULL, mov_from_seg_r, mov_from_seg_r, mov_from_seg_r } },
    [K_MR] = { { NULL, mov_from_seg_m, mov_from_seg_m, mov_from_seg_m },
               { NULL, mov_from_seg_m, mov_from_seg_m, mov_from_seg_m } } } };
const struct family family_mov_to_seg = ONE(mov_to_seg);
const struct family family_load_far_pointer = ONE(load_far_pointer);
