/* SPDX-License-Identifier: MIT
 * The CPU from outside: registers for the debugger, snapshots and tests, the state hash.
 */
#include "cpu/debug.h"
#include "cpu/walk.h"
#include "cpu/simd.h"

static struct cpu_segment segment_show(const struct segment *s)
{
    return (struct cpu_segment){ s->selector, s->base, s->limit, s->access };
}

void cpu_get_regs(const struct cpu *c, struct cpu_regs *r)
{
    *r = (struct cpu_regs){
        .rip = c->insn ? insn_rip(c, c->insn) : c->rip, .rflags = flags_get(c),
        .ldtr = segment_show(&c->ldtr), .tr = segment_show(&c->tr),
        .gdt_base = c->gdt.base, .idt_base = c->idt.base,
        .gdt_limit = c->gdt.limit, .idt_limit = c->idt.limit,
        .cr0 = c->cr0, .cr2 = c->cr2, .cr3 = c->cr3, .cr4 = c->cr4, .cr8 = c->cr8, .efer = c->efer,
        .star = c->msr.star, .lstar = c->msr.lstar, .cstar = c->msr.cstar, .sfmask = c->msr.sfmask,
        .kernel_gs_base = c->msr.kernel_gs_base, .sysenter_cs = c->msr.sysenter_cs,
        .sysenter_esp = c->msr.sysenter_esp, .sysenter_eip = c->msr.sysenter_eip,
        .tsc = cpu_ticks(c) + c->tsc_offset, .cpl = c->cpl,
    };
    for (unsigned n = 0; n < 16; n++) r->gpr[n] = c->gpr[n];
    for (unsigned n = 0; n < SEG_COUNT; n++) r->seg[n] = segment_show(&c->seg[n]);
    for (unsigned n = 0; n < 8; n++) r->dr[n] = c->dr[n];
}

static struct segment segment_take(const struct cpu_segment *s)
{
    struct segment made = { .base = s->base, .limit = s->limit, .selector = s->selector,
                            .access = s->access & 0xF0FF };
    segment_derive(&made);
    return made;
}

void cpu_set_regs(struct cpu *c, const struct cpu_regs *r)
{
    for (unsigned n = 0; n < 16; n++) c->gpr[n] = r->gpr[n];
    for (unsigned n = 0; n < SEG_COUNT; n++) c->seg[n] = segment_take(&r->seg[n]);
    for (unsigned n = 0; n < 8; n++) c->dr[n] = r->dr[n];
    c->ldtr = segment_take(&r->ldtr);
    c->tr = segment_take(&r->tr);
    c->rip = r->rip;
    flags_set(c, (uint32_t)r->rflags, flags_known(c));
    c->gdt.base = r->gdt_base;
    c->gdt.limit = r->gdt_limit;
    c->idt.base = r->idt_base;
    c->idt.limit = r->idt_limit;
    c->cr0 = r->cr0 | CR0_ET;
    c->cr2 = r->cr2;
    c->cr3 = r->cr3;
    c->cr4 = r->cr4;
    c->cr8 = r->cr8;
    c->efer = r->efer;
    c->msr.star = r->star;
    c->msr.lstar = r->lstar;
    c->msr.cstar = r->cstar;
    c->msr.sfmask = r->sfmask;
    c->msr.kernel_gs_base = r->kernel_gs_base;
    c->msr.sysenter_cs = r->sysenter_cs;
    c->msr.sysenter_esp = r->sysenter_esp;
    c->msr.sysenter_eip = r->sysenter_eip;
    c->cpl = r->cpl & 3;
    c->tsc_offset = r->tsc - cpu_ticks(c);
    if (c->cr0 & CR0_PG && c->cr4 & CR4_PAE && !is_long(c)) pdptes_read(c, c->cr3, c->pdpte);
    tlb_flush(c, false);
    debug_changed(c);
    mode_changed(c);
    attention(c);
}

bool cpu_translate(const struct cpu *c, uint64_t laddr, uint64_t *paddr)
{
    return page_probe(c, laddr_wrap(c, laddr), paddr);
}

const char *cpu_shutdown_reason(const struct cpu *c)
{
    return c->story;
}

/* ---- hash ------------------------------------------------------------------------------------ */
/* Collects words; by value, so that padding never counts. */
struct words { uint64_t word[192]; unsigned n; };

static void add(struct words *w, uint64_t value)
{
    if (w->n < COUNT_OF(w->word)) w->word[w->n++] = value;
}

static void add_segment(struct words *w, const struct cpu_segment *s)
{
    add(w, s->base);
    add(w, (uint64_t)s->limit << 32 | (uint64_t)s->access << 16 | s->selector);
}

static void add_regs(struct words *w, const struct cpu_regs *r)
{
    for (unsigned n = 0; n < 16; n++) add(w, r->gpr[n]);
    for (unsigned n = 0; n < SEG_COUNT; n++) add_segment(w, &r->seg[n]);
    for (unsigned n = 0; n < 8; n++) add(w, r->dr[n]);
    add_segment(w, &r->ldtr);
    add_segment(w, &r->tr);
    const uint64_t rest[] = { r->rip, r->rflags, r->gdt_base, r->idt_base, r->gdt_limit,
                              r->idt_limit, r->cr0, r->cr2, r->cr3, r->cr4, r->cr8, r->efer,
                              r->tsc, r->cpl };
    for (unsigned n = 0; n < COUNT_OF(rest); n++) add(w, rest[n]);
}

static void add_hidden(struct words *w, const struct cpu *c)
{
    bool shadow = c->shadow_tick == cpu_ticks(c);
    const uint64_t rest[] = {
        cpu_ticks(c), c->halted, c->frozen, c->shutdown, c->line_intr, c->line_nmi, c->nmi_latched,
        c->nmi_blocked, c->line_ignne, c->a20, c->smm.active, c->smm.latched, c->smm.base,
        shadow, shadow && c->shadow_ss, c->single_step, c->trap, c->fault.active,
        c->fault.active ? c->fault.vector : 0, c->fault.active ? c->fault.error : 0,
        c->msr.sysenter_cs, c->msr.sysenter_esp, c->msr.sysenter_eip, c->msr.apic_base, c->msr.pat,
        c->msr.misc_enable, c->msr.star, c->msr.lstar, c->msr.cstar, c->msr.sfmask,
        c->msr.kernel_gs_base, c->msr.tsc_aux, c->xcr0, c->pdpte[0], c->pdpte[1], c->pdpte[2],
        c->pdpte[3],
    };
    for (unsigned n = 0; n < COUNT_OF(rest); n++) add(w, rest[n]);
    for (unsigned n = 0; n < PMC_COUNT; n++) {
        add(w, c->msr.pmc[n]);
        add(w, c->msr.pmc_select[n]);
    }
    add(w, c->msr.syscfg);
    add(w, c->msr.hwcr);
    for (unsigned n = 0; n < COUNT_OF(c->msr.k6); n++) add(w, c->msr.k6[n]);
    for (unsigned n = 0; n < MCE_BANKS; n++) add(w, c->msr.mce_ctl[n]);
    add(w, c->msr.mtrr_default);
    for (unsigned n = 0; n < COUNT_OF(c->msr.mtrr_fixed); n++) add(w, c->msr.mtrr_fixed[n]);
    for (unsigned n = 0; n < COUNT_OF(c->msr.mtrr_variable); n++) add(w, c->msr.mtrr_variable[n]);
}

uint64_t cpu_hash(const struct cpu *c, uint64_t seed)
{
    struct words w = { .n = 0 };
    struct cpu_regs r;
    cpu_get_regs(c, &r);
    add_regs(&w, &r);
    add_hidden(&w, c);
    return memory_hash_words(simd_hash(c, x87_hash(c, seed)), w.word, w.n);
}
