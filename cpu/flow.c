/* SPDX-License-Identifier: MIT
 * Control flow: near jumps, calls, returns, loops; far transfers, INT, IRET as thin handlers over
 * far.c and interrupt.c. SDM vol. 2 (JMP, CALL, RET, LOOP, Jcc, INT, IRET).
 *
 * A branch record holds in `disp` the distance from the trace's start to the target. Suffix f: flat
 * 32-bit code; l: 64-bit mode; w: 16-bit code in MODE_WORD;
 * g: any (limit checks, 16-bit instruction pointers).
 */
#include "cpu/cond.h"
#include "cpu/families.h"
#include "cpu/op.h"
#include "cpu/tlb.h"
#include "cpu/trace.h"

/* The ITLB does not know the page. As in the run loop, this may fault: rip is exact. A budget that
 * is used up means that something else comes first; instruction breakpoints are the run loop's. */
static __attribute__((noinline)) bool learn_page(struct cpu *c)
{
    c->insn = NULL;
    if (c->budget <= 0 || c->watch.code || (!(c->mode & MODE_LONG) && c->rip > c->seg[CS].limit))
        return false;
    tlb_fetch(c, code_laddr(c));
    return true;
}

static const struct insn *look_up(struct cpu *c, uint64_t laddr)
{
    struct jump *j = jump_slot(c, laddr);
    if (j->tag == (laddr ^ c->jump_tag) && j->trace->n != TRACE_DEAD) return j->trace;
    const struct itlb_entry *e = &c->itlb[laddr >> PAGE_BITS & (ITLB_SIZE - 1)];
    if (unlikely(e->tag != (laddr & PAGE_MASK)) && !learn_page(c)) return NULL;
    uint64_t key = (e->paddr | (laddr & (PAGE_SIZE - 1))) << 8 | c->mode;
    const struct insn *t = c->traces->arena + c->traces->hash[trace_hash(key)];
    if (t->key != key) return NULL;
    *j = (struct jump){ laddr ^ c->jump_tag, t };
    return t;
}

const struct insn *enter(struct cpu *c, const struct insn *i)
{
    (void)i;
    const struct insn *t = look_up(c, code_laddr(c));
    if (likely(t && trace_in_limit(c, t))) {
        if (likely((c->budget -= t->n) >= 0)) CHAIN(c, t + 1);
        c->budget += t->n;
    }
    LEAVE(c);
}

/* A branch to a non-canonical address faults itself; code that runs off the end of the canonical
 * addresses faults behind it, at the fetch. The record behind a branch has no length. */
static void check_canonical(struct cpu *c, const struct insn *i)
{
    if (is_canonical(c->rip) || !i->len) return;
    c->rip -= (uint64_t)(int64_t)i->disp;
    BEGIN(c, i);
    fault_error(c, VEC_GP, 0);
}

const struct insn *follow_slow(struct cpu *c, const struct insn *i)
{
    const struct insn *t = insn_target(i);
    c->budget += t->n;
    if (c->mode & MODE_LONG) check_canonical(c, i);
    if (t == c->traces->arena + 1 && c->budget >= 0) {
        if (c->mode & (MODE_FLAT | MODE_LONG)) TAIL jump_to(c, i, c->rip);
        TAIL enter(c, i);
    }
    if (t->n == TRACE_DEAD && t != c->traces->arena + 1) c->link_from = i;
    LEAVE(c);
}

/* Where a near branch may go; the fault is the branch's own. */
static uint64_t near_target(struct cpu *c, const struct insn *i, uint64_t target)
{
    unsigned size = insn_opsize(i);
    if (size == 2) target &= 0xFFFF;
    else if (size == 4) target &= 0xFFFFFFFF;
    if (c->mode & MODE_LONG ? !is_canonical(target) : target > c->seg[CS].limit) {
        BEGIN(c, i);
        fault_error(c, VEC_GP, 0);
    }
    return target;
}

/* Follows a link if the trace there is as far away as it was when it was
 * linked and within the limit. */
static const struct insn *follow_checked(struct cpu *c, const struct insn *i, uint64_t target,
                                         bool straight)
{
    c->rip = target;
    if (straight && trace_in_limit(c, insn_target(i))) FOLLOW(c, i);
    TAIL enter(c, i);
}

/* From the immediate: the sum in `disp` may be too large for it. */
static uint64_t branch_target(const struct cpu *c, const struct insn *i)
{
    return c->rip + i->off + i->len + (uint64_t)(int64_t)(int32_t)i->imm;
}
const struct insn *branch_near(struct cpu *c, const struct insn *i)
{
    uint64_t straight = branch_target(c, i);
    uint64_t target = near_target(c, i, straight);
    return follow_checked(c, i, target, target == straight);
}
const struct insn *fall_through(struct cpu *c, const struct insn *i)
{
    uint64_t straight = c->rip + (uint64_t)(int64_t)i->disp;
    uint64_t target = c->mode & MODE_LONG ? straight : (uint32_t)straight;
    return follow_checked(c, i, target, target == straight);
}

/* A trace that ends without a control transfer: at the page's end or the maximal length. */
EXEC next_trace_f(struct cpu *c, const struct insn *i)
{
    c->rip = (uint32_t)(c->rip + (uint32_t)i->disp);
    FOLLOW(c, i);
}
EXEC next_trace_l(struct cpu *c, const struct insn *i)
{
    c->rip += (uint64_t)(int64_t)i->disp;
    FOLLOW(c, i);
}
EXEC next_trace_g(struct cpu *c, const struct insn *i)
{
    return fall_through(c, i);
}
/* A trace cut short for an exact stop: rip, then back to the run loop. */
EXEC stop_here(struct cpu *c, const struct insn *i)
{
    c->rip = c->mode & MODE_LONG ? c->rip + i->off : (uint32_t)(c->rip + i->off);
    LEAVE(c);
}
#define NONE_FGLW(f, g, l, w)                                                          \
    { .h = { [K_NONE] = { { g, g, f, g }, { g, g, g, g }, { l, l, l, l }, { g, w, g, g } } } }
const struct family family_next_trace = NONE_FGLW(next_trace_f, next_trace_g, next_trace_l,
                                                  next_trace_g);
const struct family family_stop_here = ONE(stop_here);

/* ---- conditions ------------------------------------------------------------------------------ */
#define CC 0
#include "cpu/form_cond.inc"
#define CC 1
#include "cpu/form_cond.inc"
#define CC 2
#include "cpu/form_cond.inc"
#define CC 3
#include "cpu/form_cond.inc"
#define CC 4
#include "cpu/form_cond.inc"
#define CC 5
#include "cpu/form_cond.inc"
#define CC 6
#include "cpu/form_cond.inc"
#define CC 7
#include "cpu/form_cond.inc"
#define CC 8
#include "cpu/form_cond.inc"
#define CC 9
#include "cpu/form_cond.inc"
#define CC 10
#include "cpu/form_cond.inc"
#define CC 11
#include "cpu/form_cond.inc"
#define CC 12
#include "cpu/form_cond.inc"
#define CC 13
#include "cpu/form_cond.inc"
#define CC 14
#include "cpu/form_cond.inc"
#define CC 15
#include "cpu/form_cond.inc"

/* ---- jumps ----------------------------------------------------------------------------------- */
EXEC jmp_f(struct cpu *c, const struct insn *i)
{
    c->rip = (uint32_t)(c->rip + (uint32_t)i->disp);
    FOLLOW(c, i);
}
EXEC jmp_l(struct cpu *c, const struct insn *i)
{
    c->rip += (uint64_t)(int64_t)i->disp;
    FOLLOW(c, i);
}
EXEC jmp_g(struct cpu *c, const struct insn *i)
{
    return branch_near(c, i);
}
EXEC jmp_w(struct cpu *c, const struct insn *i)
{
    return branch_word(c, i, 0);
}
const struct family family_jmp = NONE_FGLW(jmp_f, jmp_g, jmp_l, jmp_w);

/* Out of the page: looked up each time. */
EXEC jmp_out_f(struct cpu *c, const struct insn *i)
{
    TAIL jump_to(c, i, (uint32_t)(c->rip + (uint32_t)i->disp));
}

static uint64_t reg_value(const struct cpu *c, const struct insn *i)
{
    return insn_opsize(i) == 2 ? reg16(c, i->dst)
         : insn_opsize(i) == 4 ? reg32(c, i->dst) : c->gpr[i->dst];
}
EXEC jmp_r(struct cpu *c, const struct insn *i)
{
    c->rip = near_target(c, i, reg_value(c, i));
    TAIL enter(c, i);
}
EXEC jmp_rf(struct cpu *c, const struct insn *i)
{
    TAIL jump_to(c, i, reg32(c, i->dst));
}
EXEC jmp_rl(struct cpu *c, const struct insn *i)
{
    uint64_t target = c->gpr[i->dst];
    if (unlikely(!is_canonical(target))) TAIL jmp_r(c, i);
    TAIL jump_to(c, i, target);
}
EXEC jmp_m(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    c->rip = near_target(c, i, insn_load(c, i, insn_opsize(i)));
    TAIL enter(c, i);
}
EXEC jmp_mf(struct cpu *c, const struct insn *i)
{
    uint32_t laddr = flat_laddr(c, i);
    FLAT_AT(p, read, laddr, 4, jmp_m);
    TAIL jump_to(c, i, host_load(p, 4));
}
EXEC jmp_ml(struct cpu *c, const struct insn *i)
{
    uint64_t laddr = long_laddr(c, i);
    FLAT_AT(p, read, laddr, 8, jmp_m);
    uint64_t target = host_load(p, 8);
    if (unlikely(!is_canonical(target))) TAIL jmp_m(c, i);
    TAIL jump_to(c, i, target);
}
const struct family family_jmp_e = { .h = {
    [K_R] = { { NULL, jmp_r, jmp_rf, jmp_r }, { NULL, jmp_r, jmp_r, jmp_r }, { [3] = jmp_rl } },
    [K_M] = { { NULL, jmp_m, jmp_mf, jmp_m }, { NULL, jmp_m, jmp_m, jmp_m }, { [3] = jmp_ml } } } };

/* ---- calls ----------------------------------------------------------------------------------- */
static void push_next(struct cpu *c, const struct insn *i)
{
    uint64_t sp = c->gpr[RSP];
    stack_push(c, &sp, insn_next_rip(c, i), insn_opsize(i));
    stack_commit(c, sp);
}
EXEC call_g(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    uint64_t straight = branch_target(c, i);
    uint64_t target = near_target(c, i, straight);
    push_next(c, i);
    return follow_checked(c, i, target, target == straight);
}
EXEC call_f(struct cpu *c, const struct insn *i)
{
    uint32_t sp = reg32(c, RSP) - 4;
    FLAT_AT(p, write, sp, 4, call_g);
    host_store(p, c->rip + i->off + i->len, 4);
    c->gpr[RSP] = sp;
    c->rip = (uint32_t)(c->rip + (uint32_t)i->disp);
    FOLLOW(c, i);
}
/* To a target that is looked up; `slow` does what this cannot. */
static inline __attribute__((always_inline)) const struct insn *
call_to(struct cpu *c, const struct insn *i, uint32_t target, exec_fn *slow)
{
    uint32_t sp = reg32(c, RSP) - 4;
    FLAT_AT(p, write, sp, 4, slow);
    host_store(p, c->rip + i->off + i->len, 4);
    c->gpr[RSP] = sp;
    TAIL jump_to(c, i, target);
}
static inline __attribute__((always_inline)) const struct insn *
call_to_long(struct cpu *c, const struct insn *i, uint64_t target, exec_fn *slow)
{
    uint64_t sp = c->gpr[RSP] - 8;
    FLAT_AT(p, write, sp, 8, slow);
    if (unlikely(!is_canonical(target))) TAIL slow(c, i);
    host_store(p, c->rip + i->off + i->len, 8);
    c->gpr[RSP] = sp;
    TAIL jump_to(c, i, target);
}
EXEC call_out_f(struct cpu *c, const struct insn *i)
{
    return call_to(c, i, (uint32_t)(c->rip + (uint32_t)i->disp), call_g);
}
EXEC call_out_l(struct cpu *c, const struct insn *i)
{
    return call_to_long(c, i, c->rip + (uint64_t)(int64_t)i->disp, call_g);
}
EXEC call_l(struct cpu *c, const struct insn *i)
{
    uint64_t sp = c->gpr[RSP] - 8, target = c->rip + (uint64_t)(int64_t)i->disp;
    FLAT_AT(p, write, sp, 8, call_g);
    if (unlikely(!is_canonical(target))) TAIL call_g(c, i);
    host_store(p, c->rip + i->off + i->len, 8);
    c->gpr[RSP] = sp;
    c->rip = target;
    FOLLOW(c, i);
}
EXEC call_w(struct cpu *c, const struct insn *i)
{
    uint16_t sp = (uint16_t)(reg16(c, RSP) - 2);
    uint64_t laddr = c->seg[SS].base + sp;
    FLAT_AT(p, write, laddr, 2, call_g);
    host_store(p, c->rip + i->off + i->len, 2);
    reg16_set(c, RSP, sp);
    return branch_word(c, i, 0);
}
const struct family family_call = NONE_FGLW(call_f, call_g, call_l, call_w);

EXEC call_r(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    uint64_t target = near_target(c, i, reg_value(c, i));
    push_next(c, i);
    c->rip = target;
    TAIL enter(c, i);
}
EXEC call_m(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    uint64_t target = near_target(c, i, insn_load(c, i, insn_opsize(i)));
    push_next(c, i);
    c->rip = target;
    TAIL enter(c, i);
}
EXEC call_rf(struct cpu *c, const struct insn *i)
{
    return call_to(c, i, reg32(c, i->dst), call_r);
}
EXEC call_rl(struct cpu *c, const struct insn *i)
{
    return call_to_long(c, i, c->gpr[i->dst], call_r);
}
EXEC call_mf(struct cpu *c, const struct insn *i)
{
    uint32_t laddr = flat_laddr(c, i);
    FLAT_AT(p, read, laddr, 4, call_m);
    return call_to(c, i, (uint32_t)host_load(p, 4), call_m);
}
EXEC call_ml(struct cpu *c, const struct insn *i)
{
    uint64_t laddr = long_laddr(c, i);
    FLAT_AT(p, read, laddr, 8, call_m);
    return call_to_long(c, i, host_load(p, 8), call_m);
}
const struct family family_call_e = { .h = {
    [K_R] = { { NULL, call_r, call_rf, call_r }, { NULL, call_r, call_r, call_r },
              { [3] = call_rl } },
    [K_M] = { { NULL, call_m, call_mf, call_m }, { NULL, call_m, call_m, call_m },
              { [3] = call_ml } } } };

exec_fn *branch_out_of_page(exec_fn *f)
{
    return f == jmp_f ? jmp_out_f : f == call_f ? call_out_f : f == call_l ? call_out_l : f;
}

EXEC ret_g(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    uint64_t sp = c->gpr[RSP];
    uint64_t target = near_target(c, i, stack_pop(c, &sp, insn_opsize(i)));
    stack_commit(c, sp + (uint16_t)i->imm);
    c->rip = target;
    TAIL enter(c, i);
}
EXEC ret_f(struct cpu *c, const struct insn *i)
{
    uint32_t sp = reg32(c, RSP);
    FLAT_AT(p, read, sp, 4, ret_g);
    reg32_set(c, RSP, sp + 4 + (uint16_t)i->imm);
    TAIL jump_to(c, i, host_load(p, 4));
}
EXEC ret_l(struct cpu *c, const struct insn *i)
{
    uint64_t sp = c->gpr[RSP];
    FLAT_AT(p, read, sp, 8, ret_g);
    uint64_t target = host_load(p, 8);
    if (unlikely(!is_canonical(target))) TAIL ret_g(c, i);
    c->gpr[RSP] = sp + 8 + (uint16_t)i->imm;
    TAIL jump_to(c, i, target);
}
EXEC ret_w(struct cpu *c, const struct insn *i)
{
    uint16_t sp = reg16(c, RSP);
    uint64_t laddr = c->seg[SS].base + sp;
    FLAT_AT(p, read, laddr, 2, ret_g);
    c->rip = host_load(p, 2);
    reg16_set(c, RSP, (uint16_t)(sp + 2 + (uint16_t)i->imm));
    TAIL enter(c, i);
}
const struct family family_ret = { .h = { [K_NONE] = {
    { NULL, ret_g, ret_f, ret_g }, { NULL, ret_g, ret_g, ret_g }, { [3] = ret_l },
    { [1] = ret_w } } } };

/* ---- LOOP, JCXZ: the count register has the address size ------------------------------------- */
static uint64_t counter(const struct insn *i, uint64_t count)
{
    static const uint64_t mask[4] = { 0xFFFF, 0xFFFFFFFF, ~0ull, ~0ull };
    return count & mask[i->asize & 3];
}
static void count_down(struct cpu *c, const struct insn *i)
{
    switch (i->asize & 3) {
    case 0: reg16_set(c, RCX, (uint16_t)(c->gpr[RCX] - 1)); break;
    case 1: reg32_set(c, RCX, (uint32_t)(c->gpr[RCX] - 1)); break;
    default: c->gpr[RCX]--; break;
    }
}
static const struct insn *loop_branch(struct cpu *c, const struct insn *i, bool condition)
{
    bool taken = counter(i, c->gpr[RCX] - 1) && condition;
    if (taken) near_target(c, i, branch_target(c, i));     /* may fault: before the count changes */
    count_down(c, i);
    return taken ? branch_near(c, i) : fall_through(c, i + 1);
}
EXEC loop_any(struct cpu *c, const struct insn *i) { return loop_branch(c, i, true); }
EXEC loop_e(struct cpu *c, const struct insn *i) { return loop_branch(c, i, flag_zf(c)); }
EXEC loop_ne(struct cpu *c, const struct insn *i) { return loop_branch(c, i, !flag_zf(c)); }
EXEC jcxz(struct cpu *c, const struct insn *i)
{
    return counter(i, c->gpr[RCX]) ? fall_through(c, i + 1) : branch_near(c, i);
}
const struct family family_loop = ONE(loop_any);
const struct family family_loope = ONE(loop_e);
const struct family family_loopne = ONE(loop_ne);
const struct family family_jcxz = ONE(jcxz);

/* ---- far transfers, interrupts --------------------------------------------------------------- */
EXEC jmp_far(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    far_transfer(c, FAR_JUMP, (uint16_t)i->disp, i->imm, insn_opsize(i), insn_next_rip(c, i));
    TAIL go_to(c, i, c->rip);
}
EXEC call_far(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    far_transfer(c, FAR_CALL, (uint16_t)i->disp, i->imm, insn_opsize(i), insn_next_rip(c, i));
    TAIL go_to(c, i, c->rip);
}
static const struct insn *far_by_memory(struct cpu *c, const struct insn *i, enum far_kind kind)
{
    BEGIN(c, i);
    unsigned size = insn_opsize(i);
    uint64_t ea = insn_ea(c, i), offset = seg_load(c, i->seg, ea, size);
    uint16_t selector = (uint16_t)seg_load(c, i->seg, ea + size, 2);
    far_transfer(c, kind, selector, offset, size, insn_next_rip(c, i));
    TAIL go_to(c, i, c->rip);
}
EXEC jmp_far_m(struct cpu *c, const struct insn *i) { TAIL far_by_memory(c, i, FAR_JUMP); }
EXEC call_far_m(struct cpu *c, const struct insn *i) { TAIL far_by_memory(c, i, FAR_CALL); }
EXEC ret_far(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    far_return(c, insn_opsize(i), (uint16_t)i->imm);
    TAIL go_to(c, i, c->rip);
}
EXEC iret(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    interrupt_return(c, insn_opsize(i));
    TAIL go_to(c, i, c->rip);
}
static const struct insn *software_interrupt(struct cpu *c, const struct insn *i, uint8_t vector,
                                             enum int_kind kind)
{
    BEGIN(c, i);
    interrupt_deliver(c, vector, kind, false, 0, insn_next_rip(c, i));
    TAIL go_to(c, i, c->rip);
}
EXEC int_n(struct cpu *c, const struct insn *i)
{
    TAIL software_interrupt(c, i, (uint8_t)i->imm, INT_SOFTWARE);
}
EXEC int3(struct cpu *c, const struct insn *i)
{
    TAIL software_interrupt(c, i, VEC_BP, INT_BREAKPOINT);
}
EXEC int1(struct cpu *c, const struct insn *i)
{
    TAIL software_interrupt(c, i, VEC_DB, INT_BREAKPOINT);
}
EXEC into(struct cpu *c, const struct insn *i)
{
    if (!flag_of(c)) TAIL go_after(c, i);
    TAIL software_interrupt(c, i, VEC_OF, INT_BREAKPOINT);
}
EXEC undefined(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    fault(c, VEC_UD);
}
/* More than 15 bytes, prefixes included (SDM vol. 2, 2.3.11). */
EXEC too_long(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    fault_error(c, VEC_GP, 0);
}
const struct family family_jmp_far = ONE(jmp_far);
const struct family family_call_far = ONE(call_far);
const struct family family_jmp_far_m = ONE(jmp_far_m);
const struct family family_call_far_m = ONE(call_far_m);
const struct family family_ret_far = ONE(ret_far);
const struct family family_iret = ONE(iret);
const struct family family_int_n = ONE(int_n);
const struct family family_int3 = ONE(int3);
const struct family family_int1 = ONE(int1);
const struct family family_into = ONE(into);
const struct family family_undefined = ONE(undefined);
const struct family family_too_long = ONE(too_long);
