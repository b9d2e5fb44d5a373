/* SPDX-License-Identifier: MIT
 * Interrupt and exception delivery in real, protected, virtual-8086 and long mode.
 * SDM vol. 2, INT n (the pseudocode is the reference); vol. 3, 6.10-6.14, 20.1.4, 20.3.
 */
#include "cpu/debug.h"
#include "cpu/profile.h"
#include "cpu/vme.h"

struct event {
    uint8_t  vector;
    enum int_kind kind;
    bool     has_error;
    uint32_t error;
    uint64_t return_rip;
};

/* ---- real-address mode: the interrupt vector table ------------------------------------------- */
static void deliver_real(struct cpu *c, const struct event *e)
{
    if (e->vector * 4u + 3 > c->idt.limit)
        fault_idt(c, VEC_GP, e->vector, "vector beyond the IDT's limit");
    uint32_t target = (uint32_t)table_load(c, c->idt.base, e->vector * 4u, 4);
    struct stack s = stack_current(c);
    stack_expect_puts(c, &s, 6);
    stack_put(c, &s, flags_get(c), 2);
    stack_put(c, &s, c->seg[CS].selector, 2);
    stack_put(c, &s, e->return_rip, 2);
    stack_use(c, &s);
    flags_set(c, 0, FLAG_IF | FLAG_TF | FLAG_RF | FLAG_AC);
    segment_load_real(c, CS, (uint16_t)(target >> 16));
    c->rip = target & 0xFFFF;
    mode_changed(c);
}

/* ---- protected mode: gates ------------------------------------------------------------------- */
static bool is_gate(struct descriptor d)
{
    unsigned gates = 1u << TYPE_TASK | 1u << TYPE_INT16 | 1u << TYPE_TRAP16 | 1u << TYPE_INT32 |
                     1u << TYPE_TRAP32;
    return !desc_is_segment(d) && gates >> desc_type(d) & 1;
}

/* INT n, INT3 and INTO need the gate's DPL; INT1 does not (SDM vol. 3, 6.12.1.2). */
static void check_gate(struct cpu *c, const struct event *e, struct descriptor gate)
{
    bool asked = e->kind == INT_SOFTWARE || (e->kind == INT_BREAKPOINT && e->vector != VEC_DB);
    if (asked && desc_dpl(gate) < c->cpl)
        fault_idt(c, VEC_GP, e->vector, "IDT gate of an inner ring");
    if (!desc_present(gate)) fault_idt(c, VEC_NP, e->vector, "IDT gate not present");
}

static struct descriptor load_gate(struct cpu *c, const struct event *e)
{
    if (e->vector * 8u + 7 > c->idt.limit)
        fault_idt(c, VEC_GP, e->vector, "vector beyond the IDT's limit");
    uint64_t whole = table_load(c, c->idt.base, e->vector * 8u, 8);
    struct descriptor gate = { (uint32_t)whole, (uint32_t)(whole >> 32) };
    if (!is_gate(gate)) fault_idt(c, VEC_GP, e->vector, "IDT entry is not a gate");
    check_gate(c, e, gate);
    return gate;
}

/* Faults push RF set, so that an instruction breakpoint at the faulting instruction does not fire
 * again; a debug exception leaves it as it is (SDM vol. 3, 17.3.1.1). */
static uint32_t flags_image(const struct cpu *c, const struct event *e)
{
    return flags_get(c) | (e->kind == INT_FAULT && e->vector != VEC_DB ? FLAG_RF : 0);
}

static inline void push_frame(struct cpu *c, struct stack *s, const struct event *e, unsigned size,
                              bool inner)
{
    static const enum seg vm86_extra[] = { GS, FS, DS, ES };
    stack_expect_puts(c, s, size * (3u + e->has_error + inner * 2u + is_vm86(c) * 4u));
    for (unsigned n = 0; is_vm86(c) && n < COUNT_OF(vm86_extra); n++)
        stack_put(c, s, c->seg[vm86_extra[n]].selector, size);
    if (inner) {
        stack_put(c, s, c->seg[SS].selector, size);
        stack_put(c, s, c->gpr[RSP], size);
    }
    stack_put(c, s, flags_image(c, e), size);
    stack_put(c, s, c->seg[CS].selector, size);
    stack_put(c, s, e->return_rip, size);
    if (e->has_error) stack_put(c, s, e->error, size);
}

/* Which ring the handler runs in: that of a nonconforming code segment. */
static unsigned handler_ring(struct cpu *c, uint16_t selector, struct descriptor code)
{
    if (desc_dpl(code) > c->cpl) fault_selector(c, VEC_GP, selector, "handler in an outer ring");
    unsigned ring = desc_is_conforming(code) ? c->cpl : desc_dpl(code);
    if (is_vm86(c) && ring != 0)
        fault_selector(c, VEC_GP, selector, "handler of virtual-8086 mode is not in ring 0");
    if (!desc_present(code))
        fault_selector(c, VEC_NP, selector, "handler's code segment not present");
    return ring;
}

static void deliver_through_gate(struct cpu *c, const struct event *e, struct descriptor gate)
{
    uint16_t selector = gate_selector(gate);
    struct descriptor code = descriptor_need_code(c, selector);
    unsigned ring = handler_ring(c, selector, code);
    bool inner = ring < c->cpl, vm86 = is_vm86(c);
    struct stack s = inner ? stack_of_ring(c, ring) : stack_current(c);
    const struct segment *cs = segment_made(c, (uint16_t)((selector & 0xFFFC) | ring), code);
    if (gate_offset(gate) > cs->limit)
        fault_selector(c, VEC_GP, 0, "handler beyond its code segment's limit");
    push_frame(c, &s, e, gate_size(gate), inner);
    descriptor_accessed(c, selector, code);

    stack_use(c, &s);
    bool same_mode = !inner && segment_same(&c->seg[CS], cs);
    if (!same_mode) c->seg[CS] = *cs;
    c->cpl = (uint8_t)ring;
    c->rip = gate_offset(gate);
    bool interrupt_gate = !(desc_type(gate) & 1);
    flags_set(c, 0, FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM | (interrupt_gate ? FLAG_IF : 0));
    if (vm86)
        for (enum seg n = ES; n < SEG_COUNT; n++)
            if (n != CS && n != SS) segment_null(&c->seg[n], 0);
    if (!same_mode) mode_changed(c);
}

/* ---- long mode: 16-byte gates to 64-bit code (SDM vol. 3, 6.14) ------------------------------ */
/* Words of a gate: offset 15-0, selector, IST in bits 2-0 and access byte, offset 31-16;
 * offset 63-32, 0. */
static struct descriptor load_gate64(struct cpu *c, const struct event *e, uint64_t *offset)
{
    uint32_t at = e->vector * 16u;
    if (at + 15 > c->idt.limit) fault_idt(c, VEC_GP, e->vector, "vector beyond the IDT's limit");
    uint64_t low = table_load(c, c->idt.base, at, 8), high = table_load(c, c->idt.base, at + 8, 8);
    struct descriptor gate = { (uint32_t)low, (uint32_t)(low >> 32) };
    if (desc_is_segment(gate) || (desc_type(gate) | 1) != TYPE_TRAP32)
        fault_idt(c, VEC_GP, e->vector, "IDT entry is not a 64-bit gate");
    check_gate(c, e, gate);
    *offset = gate_offset(gate) | high << 32;
    return gate;
}

/* The frame is 16-byte aligned and has SS:RSP always. */
static void push_frame64(struct cpu *c, struct stack *s, const struct event *e)
{
    s->mask = ~0ull;
    s->wide = true;
    s->sp &= ~15ull;
    stack_expect_puts(c, s, 8 * (5u + e->has_error));
    stack_put(c, s, c->seg[SS].selector, 8);
    stack_put(c, s, c->gpr[RSP], 8);
    stack_put(c, s, flags_image(c, e), 8);
    stack_put(c, s, c->seg[CS].selector, 8);
    stack_put(c, s, e->return_rip, 8);
    if (e->has_error) stack_put(c, s, e->error, 8);
}

static void deliver_long(struct cpu *c, const struct event *e)
{
    uint64_t offset;
    struct descriptor gate = load_gate64(c, e, &offset);
    uint16_t selector = gate_selector(gate);
    struct descriptor code = descriptor_need_code(c, selector);
    unsigned ring = handler_ring(c, selector, code), ist = gate.high & 7;
    if (!desc_is_code64(code)) fault_selector(c, VEC_GP, selector, "handler is not 64-bit code");
    bool inner = ring < c->cpl;
    struct stack s = inner ? stack_of_ring(c, ring) : stack_current(c);
    if (ist) s.sp = stack_of_ist(c, ist);
    s.user = ring == 3;
    if (!is_canonical(offset)) fault_selector(c, VEC_GP, 0, "handler is not canonical");
    push_frame64(c, &s, e);
    descriptor_accessed(c, selector, code);

    stack_use(c, &s);
    c->seg[CS] = *segment_made(c, (uint16_t)((selector & 0xFFFC) | ring), code);
    c->cpl = (uint8_t)ring;
    c->rip = offset;
    flags_set(c, 0, FLAG_TF | FLAG_NT | FLAG_RF | FLAG_VM | (desc_type(gate) & 1 ? 0 : FLAG_IF));
    mode_changed(c);
}

/* ---- tasks ----------------------------------------------------------------------------------- */
static void deliver_through_task(struct cpu *c, const struct event *e, struct descriptor gate)
{
    uint16_t selector = gate_selector(gate);
    struct descriptor tss = tss_need(c, selector, VEC_GP, false);
    c->flags |= flags_image(c, e) & FLAG_RF;       /* goes into the old task's EFLAGS image */
    task_switch(c, selector, tss, TASK_INT, e->return_rip, e->has_error, e->error);
    mode_changed(c);
}

static void deliver_protected(struct cpu *c, const struct event *e)
{
    bool asked = e->kind == INT_SOFTWARE && is_vm86(c);
    if (asked && vme_redirects(c, e->vector)) {
        vme_interrupt(c, e->vector, e->return_rip);
        mode_changed(c);
        return;
    }
    if (asked && iopl(c) < 3)
        fault_selector(c, VEC_GP, 0, "INT n in virtual-8086 mode with IOPL < 3");
    struct descriptor gate = load_gate(c, e);
    if (desc_type(gate) == TYPE_TASK) deliver_through_task(c, e, gate);
    else deliver_through_gate(c, e, gate);
}

/* The handler may use the debug registers (SDM vol. 3, 17.2.4).
 * Debug exceptions that MOV SS has held back come with INT1's. */
static void enter_debug_handler(struct cpu *c)
{
    c->dr[7] &= ~(uint64_t)DR7_GD;
    if (c->trap) debug_report(c, c->trap);
    c->trap = 0;
}

void interrupt_deliver(struct cpu *c, uint8_t vector, enum int_kind kind, bool has_error,
                       uint32_t error, uint64_t return_rip)
{
    struct event e = { vector, kind, has_error, error, return_rip };
    c->delivering = kind == INT_FAULT ? vector
                  : kind == INT_EXTERNAL ? DELIVERING_EXTERNAL + vector : -1;
    if (is_long(c)) deliver_long(c, &e);
    else if (is_protected(c)) deliver_protected(c, &e);
    else deliver_real(c, &e);
    if (vector == VEC_DB && (kind == INT_FAULT || kind == INT_BREAKPOINT)) enter_debug_handler(c);
    c->delivering = -1;
    if (unlikely(c->profiling)) profile_interrupt(c, vector, kind);
    c->single_step = false;        /* INT n clears TF: no trap follows it (SDM vol. 3, 17.3.1.4) */
}
