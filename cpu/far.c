/* SPDX-License-Identifier: MIT
 * Far control transfers: JMP, CALL, RET and IRET between segments, rings, tasks and modes.
 * SDM vol. 2, the pseudocode of CALL, JMP, RET, IRET; vol. 3, 5.8 (privilege), 20.2 (virtual-8086).
 *
 * Everything is fetched, checked and pushed first; registers change when no fault can follow.
 * Long mode has no tasks, 64-bit call gates only, and 64-bit code has no limit.
 */
#include "cpu/vme.h"

static uint64_t offset_mask(unsigned size)
{
    return size == 2 ? 0xFFFF : size == 4 ? 0xFFFFFFFF : ~0ull;
}

/* Does this CS make 64-bit code? */
static bool is_code64(const struct cpu *c, const struct segment *cs)
{
    return is_long(c) && cs->access & ACCESS_L;
}

static void check_limit(struct cpu *c, const struct segment *cs, uint64_t offset)
{
    if (is_code64(c, cs)) {
        if (!is_canonical(offset)) fault_selector(c, VEC_GP, 0, "target is not canonical");
        return;
    }
    if (offset > cs->limit) fault_selector(c, VEC_GP, 0, "target beyond its code segment's limit");
}

static void enter_code(struct cpu *c, const struct segment *cs, uint64_t offset)
{
    c->seg[CS] = *cs;
    c->cpl = cs->selector & 3;
    c->rip = offset;
}

/* What CS will hold: the selector's RPL becomes the ring. Sets the accessed bit in memory. */
static const struct segment *code_segment(struct cpu *c, uint16_t selector, struct descriptor d,
                                          unsigned ring)
{
    descriptor_accessed(c, selector, d);
    return segment_made(c, (uint16_t)((selector & 0xFFFC) | ring), d);
}

/* ---- JMP and CALL ---------------------------------------------------------------------------- */
static void push_return(struct cpu *c, struct stack *s, uint64_t next_rip, unsigned size)
{
    stack_put(c, s, c->seg[CS].selector, size);
    stack_put(c, s, next_rip, size);
}

static void transfer_real(struct cpu *c, enum far_kind kind, uint16_t selector, uint64_t offset,
                          unsigned size, uint64_t next_rip)
{
    struct stack s = stack_current(c);
    check_limit(c, &c->seg[CS], offset);
    if (kind == FAR_CALL) {
        push_return(c, &s, next_rip, size);
        stack_use(c, &s);
    }
    segment_load_real(c, CS, selector);
    c->rip = offset;
}

/* To a code segment in the same ring. */
static void transfer_same_ring(struct cpu *c, enum far_kind kind, uint16_t selector,
                               struct descriptor d, uint64_t offset, unsigned size,
                               uint64_t next_rip)
{
    struct stack s = stack_current(c);
    const struct segment *cs = segment_made(c, (uint16_t)((selector & 0xFFFC) | c->cpl), d);
    check_limit(c, cs, offset);
    if (kind == FAR_CALL) push_return(c, &s, next_rip, size);
    descriptor_accessed(c, selector, d);
    if (kind == FAR_CALL) stack_use(c, &s);
    enter_code(c, cs, offset);
}

static void transfer_to_code(struct cpu *c, enum far_kind kind, uint16_t selector,
                             struct descriptor d, uint64_t offset, unsigned size, uint64_t next_rip)
{
    if (desc_is_conforming(d)) {
        if (desc_dpl(d) > c->cpl)
            fault_selector(c, VEC_GP, selector, "conforming code of an outer ring");
    } else if ((selector & 3) > c->cpl || desc_dpl(d) != c->cpl) {
        fault_selector(c, VEC_GP, selector, "code segment of another ring");
    }
    if (!desc_present(d)) fault_selector(c, VEC_NP, selector, "code segment not present");
    transfer_same_ring(c, kind, selector, d, offset, size, next_rip);
}

/* The same in long mode: no parameters, and SS becomes null. */
static void call_inner_ring64(struct cpu *c, uint16_t selector, struct descriptor code,
                              uint64_t offset, uint64_t next_rip)
{
    unsigned ring = desc_dpl(code);
    struct stack inner = stack_of_ring(c, ring);
    const struct segment *cs = segment_made(c, (uint16_t)((selector & 0xFFFC) | ring), code);
    check_limit(c, cs, offset);
    stack_put(c, &inner, c->seg[SS].selector, 8);
    stack_put(c, &inner, c->gpr[RSP], 8);
    push_return(c, &inner, next_rip, 8);
    descriptor_accessed(c, selector, code);
    stack_use(c, &inner);
    enter_code(c, cs, offset);
}

/* CALL through a gate to an inner ring: the new stack gets SS:ESP, the parameters, CS:EIP. */
static void call_inner_ring(struct cpu *c, struct descriptor gate, struct descriptor code,
                            uint64_t next_rip)
{
    uint16_t selector = gate_selector(gate);
    unsigned ring = desc_dpl(code), size = gate_size(gate), count = gate.high & 31;
    uint32_t parameters[32];
    struct stack outer = stack_current(c), inner = stack_of_ring(c, ring);
    const struct segment *cs = segment_made(c, (uint16_t)((selector & 0xFFFC) | ring), code);
    check_limit(c, cs, gate_offset(gate));
    for (unsigned n = 0; n < count; n++) parameters[n] = (uint32_t)stack_get(c, &outer, size);
    stack_put(c, &inner, c->seg[SS].selector, size);
    stack_put(c, &inner, c->gpr[RSP], size);
    while (count) stack_put(c, &inner, parameters[--count], size);
    push_return(c, &inner, next_rip, size);
    descriptor_accessed(c, selector, code);
    stack_use(c, &inner);
    enter_code(c, cs, gate_offset(gate));
}

static void transfer_by_call_gate(struct cpu *c, enum far_kind kind, uint16_t gate_at,
                                  struct descriptor gate, uint64_t next_rip)
{
    uint64_t offset = gate_offset(gate);
    if (is_long(c)) offset |= descriptor_upper(c, gate_at, VEC_GP) << 32;
    unsigned size = is_long(c) ? 8 : gate_size(gate);
    uint16_t selector = gate_selector(gate);
    struct descriptor code = descriptor_need_code(c, selector);
    unsigned dpl = desc_dpl(code);
    bool stays = desc_is_conforming(code) || dpl == c->cpl;
    if (dpl > c->cpl || (kind == FAR_JUMP && !stays))
        fault_selector(c, VEC_GP, selector, "call gate to code that this ring may not enter");
    if (is_long(c) && !desc_is_code64(code))
        fault_selector(c, VEC_GP, selector, "call gate to code of 32 bits");
    if (!desc_present(code))
        fault_selector(c, VEC_NP, selector, "call gate to code that is not present");
    if (stays)
        transfer_same_ring(c, kind, selector, code, offset, size, next_rip);
    else if (is_long(c))
        call_inner_ring64(c, selector, code, offset, next_rip);
    else
        call_inner_ring(c, gate, code, next_rip);
}

static void transfer_to_task(struct cpu *c, enum far_kind kind, uint16_t selector,
                             uint64_t next_rip)
{
    struct descriptor tss = tss_need(c, selector, VEC_GP, false);
    task_switch(c, selector, tss, kind == FAR_CALL ? TASK_CALL : TASK_JUMP, next_rip, false, 0);
}

/* Call gate, task gate or TSS: may be used from rings as inner as its DPL. */
static void transfer_by_system(struct cpu *c, enum far_kind kind, uint16_t selector,
                               struct descriptor d, uint64_t next_rip)
{
    unsigned type = desc_type(d);
    bool gate = type == TYPE_CALL16 || type == TYPE_CALL32 || type == TYPE_TASK;
    bool known = is_long(c) ? type == TYPE_CALL32
                            : gate || type == TYPE_TSS16 || type == TYPE_TSS32;
    if (!known)
        fault_selector(c, VEC_GP, selector, "far transfer to neither code, gate nor available TSS");
    if (desc_dpl(d) < c->cpl || desc_dpl(d) < (selector & 3u))
        fault_selector(c, VEC_GP, selector, "gate or TSS of an inner ring");
    if (!desc_present(d)) fault_selector(c, VEC_NP, selector, "gate or TSS not present");
    if (!gate) transfer_to_task(c, kind, selector, next_rip);
    else if (type == TYPE_TASK) transfer_to_task(c, kind, gate_selector(d), next_rip);
    else transfer_by_call_gate(c, kind, selector, d, next_rip);
}

void far_transfer(struct cpu *c, enum far_kind kind, uint16_t selector, uint64_t offset,
                  unsigned size, uint64_t next_rip)
{
    offset &= offset_mask(size);
    if (is_real_like(c)) {
        transfer_real(c, kind, selector, offset, size, next_rip);
    } else {
        struct descriptor d = descriptor_need(c, selector, VEC_GP);
        if (desc_is_segment(d)) {
            check_code(c, selector, d);
            transfer_to_code(c, kind, selector, d, offset, size, next_rip);
        } else {
            transfer_by_system(c, kind, selector, d, next_rip);
        }
    }
    mode_changed(c);
}

/* ---- RET ------------------------------------------------------------------------------------- */
/* The code segment a RET or IRET goes back to, checked. */
static struct descriptor need_return_code(struct cpu *c, uint16_t selector)
{
    struct descriptor d = descriptor_need_code(c, selector);
    unsigned rpl = selector & 3;
    if (rpl < c->cpl) fault_selector(c, VEC_GP, selector, "return to an inner ring");
    if (desc_is_conforming(d) ? desc_dpl(d) > rpl : desc_dpl(d) != rpl)
        fault_selector(c, VEC_GP, selector, "return to code of another ring");
    if (!desc_present(d)) fault_selector(c, VEC_NP, selector, "return to code that is not present");
    return d;
}

/* Returns to selector:offset in protected mode; s stands after CS:EIP (and EFLAGS).
 * pop_bytes are dropped from this stack, and from the outer one, too. pops_stack: SS:SP
 * follow also in the same ring. */
static inline void return_protected(struct cpu *c, struct stack *s, uint16_t selector,
                                    uint64_t offset, unsigned size, unsigned pop_bytes,
                                    bool pops_stack)
{
    unsigned ring = selector & 3;
    struct descriptor d = need_return_code(c, selector);
    const struct segment *cs = code_segment(c, selector, d, ring);
    bool outer = ring > c->cpl;
    check_limit(c, cs, offset);
    s->sp += pop_bytes;
    if (outer || pops_stack) {
        stack_expect_gets(c, s, 2 * size);
        uint64_t sp = stack_get(c, s, size);
        uint16_t ss = (uint16_t)stack_get(c, s, size);
        *s = stack_outer(c, ss, sp, ring, is_code64(c, cs));
        s->sp += pop_bytes;
    }
    stack_use(c, s);
    if (!outer && !pops_stack && segment_same(&c->seg[CS], cs)) {
        c->rip = offset;
        return;
    }
    enter_code(c, cs, offset);
    if (outer) segments_hide(c);
    mode_changed(c);
}

void far_return(struct cpu *c, unsigned size, unsigned pop_bytes)
{
    struct stack s = stack_current(c);
    stack_expect_gets(c, &s, 2 * size);
    uint64_t offset = stack_get(c, &s, size);
    uint16_t selector = (uint16_t)stack_get(c, &s, size);
    if (is_real_like(c)) {
        check_limit(c, &c->seg[CS], offset);
        s.sp += pop_bytes;
        stack_use(c, &s);
        segment_load_real(c, CS, selector);
        c->rip = offset;
        mode_changed(c);
    } else {
        return_protected(c, &s, selector, offset, size, pop_bytes, false);
    }
}

/* ---- IRET ------------------------------------------------------------------------------------ */
/* The EFLAGS bits that IRET takes from the stack at this privilege (SDM vol. 2, IRET). */
static uint32_t iret_mask(const struct cpu *c, unsigned size)
{
    uint32_t mask = FLAGS_ARITH | FLAG_TF | FLAG_DF | FLAG_NT | FLAG_RF | FLAG_AC | FLAG_ID;
    bool ring0 = !is_protected(c) || c->cpl == 0;
    if (ring0 || c->cpl <= iopl(c)) mask |= FLAG_IF;
    if (ring0) mask |= FLAG_IOPL;
    if (ring0 && is_protected(c)) mask |= FLAG_VIF | FLAG_VIP;
    return mask & flags_known(c) & (size == 2 ? 0xFFFF : ~0u);
}

static void iret_real(struct cpu *c, struct stack *s, uint16_t selector, uint64_t offset,
                      uint32_t flags, unsigned size)
{
    bool virtual = vme_iopl_low(c);
    if (virtual) vme_check_flags(c, flags, size);
    check_limit(c, &c->seg[CS], offset);
    if (virtual) vme_set_flags(c, flags);
    else flags_set(c, flags, iret_mask(c, size));
    stack_use(c, s);
    segment_load_real(c, CS, selector);
    c->rip = offset;
    mode_changed(c);
}

/* The rest of the frame is ESP, SS, ES, DS, FS, GS (SDM vol. 3, 20.2.5, figure 20-4). */
static void iret_to_vm86(struct cpu *c, struct stack *s, uint16_t selector, uint64_t offset,
                         uint32_t flags)
{
    static const enum seg order[] = { SS, ES, DS, FS, GS };
    uint16_t selectors[COUNT_OF(order)];
    stack_expect_gets(c, s, 6 * 4);
    uint64_t sp = stack_get(c, s, 4);
    for (unsigned n = 0; n < COUNT_OF(order); n++) selectors[n] = (uint16_t)stack_get(c, s, 4);
    if (offset > 0xFFFF) fault_selector(c, VEC_GP, 0, "IRET beyond a virtual-8086 segment");
    flags_set(c, flags, (iret_mask(c, 4) | FLAG_VM) & flags_known(c));
    for (unsigned n = 0; n < COUNT_OF(order); n++) segment_load_real(c, order[n], selectors[n]);
    segment_load_real(c, CS, selector);
    c->cpl = 3;
    c->gpr[RSP] = sp;
    c->rip = offset;
    mode_changed(c);
}

static void iret_task(struct cpu *c)
{
    uint16_t selector = (uint16_t)table_load(c, c->tr.base, 0, 2);
    struct descriptor tss = tss_need(c, selector, VEC_TS, true);
    task_switch(c, selector, tss, TASK_IRET, insn_next_rip(c, c->insn), false, 0);
    mode_changed(c);
}

static void iret_frame(struct cpu *c, unsigned size)
{
    struct stack s = stack_current(c);
    stack_expect_gets(c, &s, 3 * size);
    uint64_t offset = stack_get(c, &s, size);
    uint16_t selector = (uint16_t)stack_get(c, &s, size);
    uint32_t flags = (uint32_t)stack_get(c, &s, size);
    if (is_real_like(c)) {
        iret_real(c, &s, selector, offset, flags, size);
    } else if (size == 4 && flags & FLAG_VM && c->cpl == 0 && !is_long(c)) {
        iret_to_vm86(c, &s, selector, offset, flags);
    } else {
        uint32_t mask = iret_mask(c, size);      /* of the ring we leave */
        return_protected(c, &s, selector, offset, size, 0, c->mode & MODE_LONG);
        flags_set(c, flags, mask);
    }
}

void interrupt_return(struct cpu *c, unsigned size)
{
    c->nmi_blocked = false;                      /* also when IRET faults: SDM vol. 3, 6.7.1 */
    bool nested = !is_real_like(c) && c->flags & FLAG_NT;
    if (nested && is_long(c)) fault_selector(c, VEC_GP, 0, "IRET with NT in long mode");
    if (nested) iret_task(c);
    else iret_frame(c, size);
    flags_loaded(c);
}
