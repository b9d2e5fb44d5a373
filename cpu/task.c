/* SPDX-License-Identifier: MIT
 * Task switches and the I/O permission bitmap.
 * SDM vol. 3, chapter 7 (7.2 TSS, 7.3 task switching, table 7-1 checks,
 * 7.6 16-bit TSS); vol. 1, 19.5.
 *
 *   32-bit TSS             16-bit TSS
 *   00 back link           00 back link
 *   1C CR3                 0E IP, 10 FLAGS
 *   20 EIP, 24 EFLAGS      12 AX CX DX BX SP BP SI DI
 *   28 EAX ... EDI         22 ES CS SS DS
 *   48 ES CS SS DS FS GS   2A LDT
 *   60 LDT, 64 bit 0 T
 *   66 offset of the I/O bitmap
 */
#include "cpu/debug.h"

struct task {
    uint32_t cr3, eip, eflags, gpr[8];
    uint16_t seg[SEG_COUNT], ldt;
    bool     has_cr3, trap;
};

/* Where the two kinds of TSS keep their words. */
struct layout { unsigned size, limit, eip, gpr, seg, segs, ldt; };
static const struct layout layouts[2] = {
    { 2, 0x2B, 0x0E, 0x12, 0x22, 4, 0x2A },
    { 4, 0x67, 0x20, 0x28, 0x48, 6, 0x60 },
};
static const struct layout *layout_of(unsigned access)
{
    return &layouts[access & TYPE_WIDE ? 1 : 0];
}

/* ---- a TSS in memory ------------------------------------------------------------------------- */
static struct task task_read(struct cpu *c, uint64_t base, const struct layout *l)
{
    struct task t = { 0 };
    t.eip = (uint32_t)table_load(c, base, l->eip, l->size);
    t.eflags = (uint32_t)table_load(c, base, l->eip + l->size, l->size);
    /* The upper halves that a 16-bit TSS does not hold become ones, as on a 386 (test386.asm). */
    uint32_t upper = l->size == 2 ? 0xFFFF0000 : 0;
    for (unsigned n = 0; n < 8; n++)
        t.gpr[n] = upper | (uint32_t)table_load(c, base, l->gpr + n * l->size, l->size);
    for (unsigned n = 0; n < l->segs; n++)
        t.seg[n] = (uint16_t)table_load(c, base, l->seg + n * l->size, 2);
    t.ldt = (uint16_t)table_load(c, base, l->ldt, 2);
    if (l->size == 2) return t;
    t.has_cr3 = true;
    t.cr3 = (uint32_t)table_load(c, base, 0x1C, 4);
    t.trap = table_load(c, base, 0x64, 2) & 1;
    return t;
}

static void task_write(struct cpu *c, uint64_t base, const struct layout *l, uint32_t eip,
                       uint32_t eflags)
{
    table_store(c, base, l->eip, eip, l->size);
    table_store(c, base, l->eip + l->size, eflags, l->size);
    for (unsigned n = 0; n < 8; n++) table_store(c, base, l->gpr + n * l->size, c->gpr[n], l->size);
    for (unsigned n = 0; n < l->segs; n++)
        table_store(c, base, l->seg + n * l->size, c->seg[n].selector, 2);
}

/* Faults while the old task is still whole if any byte that the switch writes cannot be written. */
static void probe_store(struct cpu *c, uint64_t base, uint32_t first, uint32_t last)
{
    mem_probe_store(c, laddr_wrap(c, base + first), 1, false);
    mem_probe_store(c, laddr_wrap(c, base + last), 1, false);
}

static void probe_descriptor(struct cpu *c, uint16_t selector)
{
    probe_store(c, c->gdt.base, (selector & 0xFFF8u) + 5, (selector & 0xFFF8u) + 5);
}

static void mark_busy(struct cpu *c, uint16_t selector, bool busy)
{
    struct descriptor d;
    if (!selector_is_null(selector) && descriptor_load(c, selector, &d))
        descriptor_mark(c, selector, d, TYPE_BUSY, busy);
}

/* ---- the new task's segments (SDM vol. 3, table 7-1) ----------------------------------------- */
/* The next register may fault, and then the handler runs with those loaded so far. */
static void load(struct cpu *c, enum seg seg, uint16_t selector, struct descriptor d)
{
    descriptor_accessed(c, selector, d);
    c->seg[seg] = *segment_made(c, selector, d);
    mode_changed(c);
}

static void load_code(struct cpu *c, uint16_t selector)
{
    struct descriptor d = descriptor_need(c, selector, VEC_TS);
    unsigned rpl = selector & 3;
    if (!desc_is_code(d)) fault_selector(c, VEC_TS, selector, "the task's CS is not code");
    if (desc_is_conforming(d) ? desc_dpl(d) > rpl : desc_dpl(d) != rpl)
        fault_selector(c, VEC_TS, selector, "the task's CS is of another ring");
    if (!desc_present(d)) fault_selector(c, VEC_NP, selector, "the task's CS is not present");
    load(c, CS, selector, d);
}

static void load_stack(struct cpu *c, uint16_t selector)
{
    struct descriptor d = descriptor_need(c, selector, VEC_TS);
    if ((selector & 3) != c->cpl || desc_dpl(d) != c->cpl)
        fault_selector(c, VEC_TS, selector, "the task's SS is of another ring");
    if (!desc_is_writable(d)) fault_selector(c, VEC_TS, selector, "the task's SS is not writable");
    if (!desc_present(d)) fault_selector(c, VEC_SS, selector, "the task's SS is not present");
    load(c, SS, selector, d);
}

static void load_data(struct cpu *c, enum seg seg, uint16_t selector)
{
    if (selector_is_null(selector)) return;
    struct descriptor d = descriptor_need(c, selector, VEC_TS);
    if (!desc_is_readable(d))
        fault_selector(c, VEC_TS, selector, "a data segment of the task is not readable");
    if (!desc_is_conforming(d) && ((selector & 3u) > desc_dpl(d) || c->cpl > desc_dpl(d)))
        fault_selector(c, VEC_TS, selector, "a data segment of the task is of an inner ring");
    if (!desc_present(d))
        fault_selector(c, VEC_NP, selector, "a data segment of the task is not present");
    load(c, seg, selector, d);
}

static void load_segments(struct cpu *c, const struct task *t)
{
    static const enum seg data[] = { ES, DS, FS, GS };
    ldtr_load(c, t->ldt, VEC_TS);
    if (is_vm86(c)) {
        for (enum seg n = ES; n < SEG_COUNT; n++) segment_load_real(c, n, t->seg[n]);
        mode_changed(c);
        return;
    }
    load_code(c, t->seg[CS]);
    load_stack(c, t->seg[SS]);
    for (unsigned n = 0; n < COUNT_OF(data); n++) load_data(c, data[n], t->seg[data[n]]);
}

/* ---- the switch ------------------------------------------------------------------------------ */
/* From here on the old task is saved and faults belong to the new one: registers first, with
 * segment registers that hold selectors but nothing usable. */
static void load_registers(struct cpu *c, const struct task *t)
{
    flags_set(c, t->eflags, flags_known(c));
    for (unsigned n = 0; n < 8; n++) c->gpr[n] = t->gpr[n];
    for (enum seg n = ES; n < SEG_COUNT; n++) segment_null(&c->seg[n], t->seg[n]);
    segment_null(&c->ldtr, t->ldt);
    c->cpl = is_vm86(c) ? 3 : t->seg[CS] & 3;
    c->rip = t->eip;
    c->cr0 |= CR0_TS;
    c->dr[7] &= ~(uint64_t)DR7_LOCAL;
    debug_changed(c);
    mode_changed(c);
}

static void enter_task(struct cpu *c, const struct task *t, unsigned error_size, uint32_t error)
{
    load_registers(c, t);
    if (c->cr0 & CR0_PG && t->has_cr3) cr3_write(c, t->cr3);
    load_segments(c, t);
    if (error_size) {
        struct stack s = stack_current(c);
        stack_put(c, &s, error, error_size);
        stack_use(c, &s);
    }
    if (c->rip > c->seg[CS].limit)
        fault_selector(c, VEC_GP, 0, "the task's EIP is beyond its CS limit");
    if (t->trap) {
        c->trap |= DR6_BT;
        attention(c);
    }
}

static void check_tss(struct cpu *c, const struct segment *new, const struct layout *l)
{
    const struct layout *old = layout_of(c->tr.access);
    if (new->limit < l->limit) fault_selector(c, VEC_TS, new->selector, "the new TSS is too short");
    if (c->tr.limit < old->limit)
        fault_selector(c, VEC_TS, c->tr.selector, "the old TSS is too short");
    probe_store(c, c->tr.base, old->eip, old->seg + old->segs * old->size - 1);
    probe_store(c, new->base, 0, 1);
    probe_descriptor(c, new->selector);
    if (!selector_is_null(c->tr.selector)) probe_descriptor(c, c->tr.selector);
}

void task_switch(struct cpu *c, uint16_t selector, struct descriptor d, enum task_kind kind,
                 uint64_t next_rip, bool has_error, uint32_t error)
{
    struct segment tss = segment_make(selector, d);
    const struct layout *l = layout_of(tss.access);
    bool nests = kind == TASK_CALL || kind == TASK_INT;
    uint32_t eflags = flags_get(c) & ~(kind == TASK_IRET ? (uint32_t)FLAG_NT : 0);
    check_tss(c, &tss, l);
    struct task t = task_read(c, tss.base, l);

    if (!nests) mark_busy(c, c->tr.selector, false);
    task_write(c, c->tr.base, layout_of(c->tr.access), (uint32_t)next_rip, eflags);
    if (nests) table_store(c, tss.base, 0, c->tr.selector, 2);
    if (nests) t.eflags |= FLAG_NT;
    if (kind != TASK_IRET) mark_busy(c, selector, true);
    tss.access |= TYPE_BUSY;
    c->tr = tss;

    /* A fault in the new task must not rebuild rip from the instruction that switched: it counts as
     * not retired then. When all goes well the caller settles the trace's charge. */
    const struct insn *insn = c->insn;
    int64_t charge = insn ? insn_header(insn)->n - insn->pos : 0;
    c->insn = NULL;
    c->budget += charge;
    enter_task(c, &t, has_error ? l->size : 0, error);
    c->budget -= charge;
    c->insn = insn;
    flags_loaded(c);
}

/* ---- I/O permission -------------------------------------------------------------------------- */
/* Always reads two bytes of the map, which therefore ends with a byte of
 * ones (SDM vol. 1, 19.5.2). */
void io_check(struct cpu *c, uint16_t port, unsigned size)
{
    bool wide = (c->tr.access & (ACCESS_S | TYPE_TSS32)) == TYPE_TSS32;
    if (!wide || c->tr.limit < 0x67) fault_selector(c, VEC_GP, 0, "I/O without a 32-bit TSS");
    uint32_t at = (uint32_t)table_load(c, c->tr.base, 0x66, 2) + port / 8;
    if (at + 1 > c->tr.limit) fault_selector(c, VEC_GP, 0, "port beyond the I/O permission bitmap");
    unsigned denied = (unsigned)table_load(c, c->tr.base, at, 2) >> (port & 7);
    if (denied & ((1u << size) - 1))
        fault_selector(c, VEC_GP, 0, "port denied by the I/O permission bitmap");
}
