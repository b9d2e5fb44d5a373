/* SPDX-License-Identifier: MIT
 * The run loop: what happens between traces. Events in the order of SDM vol. 3, table 6-2: reset,
 * traps of the last instruction, NMI, interrupts; then the next trace.
 *
 * Time: ticks = target - budget, less what the running trace was charged for and has not retired.
 * Whoever wants the CPU to stop moves target and budget together, so ticks never change by that.
 */
#include <stdlib.h>
#include "cpu/debug.h"
#include "cpu/profile.h"
#include "cpu/tlb.h"
#include "cpu/trace.h"
#include "cpu/simd.h"
#include "cpu/smm.h"

#define BUDGET_MAX (TRACE_DEAD / 2)        /* no budget pays for a dead trace */

/* ---- birth and reset ------------------------------------------------------------------------- */
static void remapped(void *ctx, uint64_t base, uint64_t len)
{
    struct cpu *c = ctx;
    memset(c->table_pages, 0, sizeof c->table_pages);
    if (len <= 1 << 20) {
        tlb_forget(c, base, len);
        traces_written(c, base, len);
    } else {
        tlb_flush(c, false);
        c->flush_traces = true;
    }
    attention(c);
}
static void written(void *ctx, uint64_t paddr, uint64_t len) { traces_written(ctx, paddr, len); }
static void cleaned(void *ctx) { tlb_unwrite(ctx); }

static bool choose_model(struct cpu *c, const struct cpu_config *config, struct log *log)
{
    bool nearest;
    int length = 0;
    const struct cpu_model *row = model_find(config->model, &nearest);
    if (!row) return false;
    const char *unknown = model_make(&c->made_model, row, config->add_features,
                                     config->exclude_features, &length);
    if (nearest)
        log_line(log, "cpu", LOG_WARN, "cpu: model=%s: the nearest here is %s", config->model,
                 row->name);
    if (unknown)
        log_line(log, "cpu", LOG_WARN,
                 "cpu: feature %.*s is not known or not emulated; --cpu-models lists them", length,
                 unknown);
    c->model = &c->made_model;
    return true;
}

struct cpu *cpu_new(const struct cpu_config *config, struct memory *memory,
                    const struct cpu_bus *bus, struct log *log)
{
    static const struct cpu_config none;
    struct cpu *c = calloc(1, sizeof *c);
    if (!c || !choose_model(c, config ? config : &none, log)) {
        free(c);
        return NULL;
    }
    c->memory = memory;
    c->bus = *bus;
    c->log = log;
    c->a20 = true;
    tlb_init(c);
    if (!traces_init(c)) {
        cpu_free(c);
        return NULL;
    }
    struct memory_watcher w = { remapped, written, cleaned, c };
    memory_watch(memory, &w);
    cpu_reset(c, true);
    return c;
}

void cpu_free(struct cpu *c)
{
    if (!c) return;
    traces_free(c);
    profile_free(c);
    free(c);
}

/* SDM vol. 3, table 10-1 (state after power-up, reset, INIT). */
void cpu_reset(struct cpu *c, bool power_on)
{
    memset(c->gpr, 0, sizeof c->gpr);
    c->gpr[REG_64K] = 0x10000;
    c->gpr[RDX] = c->model->signature;
    c->flags = FLAG_1;
    flags_set_arith(c, 0);
    c->rip = 0xFFF0;
    for (unsigned s = 0; s < SEG_COUNT; s++)
        c->seg[s] = (struct segment){ .limit = 0xFFFF, .access = 0x93 };
    c->seg[CS] = (struct segment){ .base = 0xFFFF0000, .limit = 0xFFFF, .selector = 0xF000,
                                   .access = 0x93 };
    for (unsigned s = 0; s < SEG_COUNT; s++) segment_derive(&c->seg[s]);
    c->ldtr = (struct segment){ .limit = 0xFFFF, .access = 0x82 };
    c->tr = (struct segment){ .limit = 0xFFFF, .access = 0x8B };
    c->gdt.base = c->idt.base = 0;
    c->gdt.limit = c->idt.limit = 0xFFFF;
    c->cr0 = CR0_CD | CR0_NW | CR0_ET;
    c->cr2 = c->cr3 = c->cr4 = c->cr8 = c->efer = 0;
    c->xcr0 = 1;
    memset(c->dr, 0, sizeof c->dr);
    c->dr[6] = 0xFFFF0FF0;
    c->dr[7] = 0x400;
    c->cpl = 0;
    c->halted = c->frozen = c->shutdown = c->nmi_blocked = c->nmi_latched = c->line_reset = false;
    memset(&c->watch, 0, sizeof c->watch);
    c->single_step = c->in_port = false;
    c->trap = 0;
    c->shadow_tick = ~0ull;
    c->fault.active = false;
    c->delivering = -1;
    c->insn = NULL;
    if (power_on) {
        memset(&c->msr, 0, sizeof c->msr);
        c->msr.apic_base = 0xFEE00900;
        c->msr.pat = 0x0007040600070406;
        c->msr.misc_enable = 1 << 12 | 1 << 11 | 1;
        c->tsc_offset = 0;
        c->story[0] = '\0';
        x87_power_up(c);
        simd_reset(c);
    }
    smm_reset(c, power_on);
    tlb_flush(c, false);
    traces_flush(c);
    mode_changed(c);
}

/* ---- derived state --------------------------------------------------------------------------- */
static uint8_t derived_mode(const struct cpu *c, bool stack32)
{
    if (is_long(c) && c->seg[CS].access & ACCESS_L) return MODE_LONG | MODE_PROT;
    uint8_t mode = c->seg[CS].access & ACCESS_DB ? MODE_CODE32 : 0;
    if (mode && stack32 && c->seg[CS].flat &&
        c->seg[DS].flat & c->seg[ES].flat & c->seg[SS].flat & SEG_FLAT_DATA)
        mode |= MODE_FLAT;
    if (!mode && !stack32 && c->seg[CS].limit == 0xFFFF &&
        c->seg[DS].flat & c->seg[ES].flat & c->seg[SS].flat & SEG_WORD)
        mode |= MODE_WORD;
    return is_real_like(c) ? mode : mode | MODE_PROT;
}

void mode_changed(struct cpu *c)
{
    bool user = c->cpl == 3, stack32 = c->seg[SS].access & ACCESS_DB;
    tlb_choose(c);
    c->itlb = c->itlb_sets[user];
    c->jumps = c->jump_sets[user];
    c->mode = derived_mode(c, stack32);
    c->stack_mask = c->mode & MODE_LONG ? ~0ull : stack32 ? 0xFFFFFFFF : 0xFFFF;
    /* Whatever its descriptor says (SDM vol. 3, 3.4.2.1). */
    if (c->mode & MODE_LONG) c->seg[CS].base = 0;
    jumps_retag(c);
}

/* ---- time and lines -------------------------------------------------------------------------- */
static uint64_t now(const struct cpu *c) { return c->target - (uint64_t)c->budget; }

uint64_t cpu_ticks(const struct cpu *c)
{
    return now(c) - (c->insn ? (uint64_t)(insn_header(c->insn)->n - c->insn->pos) : 0);
}
uint64_t cpu_retired(const struct cpu *c) { return cpu_ticks(c) - c->skipped; }
bool cpu_is_halted(const struct cpu *c) { return c->halted; }

void cpu_skip(struct cpu *c, uint64_t ticks)
{
    c->target += ticks;
    c->skipped += ticks;
}

static void pull_budget(struct cpu *c, uint64_t by)
{
    c->target -= by;
    c->budget -= (int64_t)by;
}
void attention(struct cpu *c)
{
    c->attend = true;
    if (c->budget >= 0) pull_budget(c, (uint64_t)c->budget + 1);
}
void cpu_run_shorter(struct cpu *c, uint64_t until)
{
    if (until >= c->until) return;
    c->until = until;
    if (c->target > until) pull_budget(c, c->target - until);
}
void cpu_request_stop(struct cpu *c)
{
    c->stop_requested = true;
    attention(c);
}

void cpu_line(struct cpu *c, enum cpu_line line, bool level)
{
    switch (line) {
    case CPU_INTR:
        c->line_intr = level;
        if (!level || (!(c->flags & FLAG_IF) && !c->halted)) return;
        break;
    case CPU_NMI:
        if (level && !c->line_nmi) c->nmi_latched = true;
        c->line_nmi = level;
        break;
    case CPU_A20:
        if (c->a20 == level) return;
        c->a20 = level;
        tlb_flush(c, false);
        break;
    case CPU_RESET:
        if (level) c->line_reset = true;
        break;
    case CPU_IGNNE:
        c->line_ignne = level;
        if (!level || !c->frozen) return;
        c->halted = c->frozen = false;
        break;
    case CPU_SMI:
        if (level && !c->smm.line) smm_request(c);
        c->smm.line = level;
        break;
    }
    attention(c);
}

void cpu_trim(struct cpu *c)
{
    c->dying = NULL;
    traces_trim(c);
}

void cpu_on_pin(struct cpu *c, void (*changed)(void *ctx, enum cpu_pin, bool level), void *ctx)
{
    c->pin.changed = changed;
    c->pin.ctx = ctx;
}
void pin_set(struct cpu *c, enum cpu_pin pin, bool level)
{
    if (c->pin.level[pin] == level) return;
    c->pin.level[pin] = level;
    if (c->pin.changed) c->pin.changed(c->pin.ctx, pin, level);
}

/* ---- the loop -------------------------------------------------------------------------------- */
static void settle(struct cpu *c)
{
    c->insn = NULL;
    c->attend = false;
    if (c->dying) {
        c->dying->n = TRACE_DEAD;
        c->dying = NULL;
    }
    if (c->flush_traces) {
        c->flush_traces = false;
        traces_flush(c);
    }
    if (c->line_reset && !c->smm.active) {             /* INIT waits for RSM (SDM vol. 3, 34.4.1) */
        c->line_reset = false;
        cpu_reset(c, false);
    }
}

static void deliver(struct cpu *c, uint8_t vector, enum int_kind kind)
{
    c->halted = c->frozen = false;
    c->link_from = NULL;
    c->shadow_tick = ~0ull;
    interrupt_deliver(c, vector, kind, false, 0, c->rip);
    c->delivering = -1;
    attention(c);                          /* something else before the handler begins? */
}

/* Debug traps of the last instruction. The one after MOV SS or POP SS runs first: what MOV SS
 * itself has hit is kept until then, its single step is not (SDM vol. 3, 6.8.3). */
static void debug_traps(struct cpu *c, bool held)
{
    if (c->single_step && !held) c->trap |= DR6_BS;
    c->single_step = false;
    if (!c->trap || held) return;
    debug_report(c, c->trap);
    c->trap = 0;
    deliver(c, VEC_DB, INT_FAULT);
}

/* Traps and interrupts before the next instruction. */
static void events(struct cpu *c)
{
    bool shadow = c->shadow_tick == now(c);
    if (c->fault.active) {
        c->single_step = false;
        c->trap = 0;                       /* the instruction will be done again */
        c->link_from = NULL;
        c->budget--;                       /* or faults in their own handler would stop time */
        fault_deliver(c);
        attention(c);
        return;
    }
    if (c->smm.latched && !c->smm.active && !shadow) {
        if (c->single_step) c->trap |= DR6_BS;         /* comes after RSM */
        c->single_step = false;
        smm_enter(c);
        return;
    }
    debug_traps(c, shadow && c->shadow_ss);
    if (shadow) return;
    if (c->nmi_latched && !c->nmi_blocked) {
        c->nmi_latched = false;
        c->nmi_blocked = true;
        deliver(c, VEC_NMI, INT_EXTERNAL);
    } else if (c->line_intr && c->flags & FLAG_IF) {
        deliver(c, c->bus.acknowledge(c->bus.ctx), INT_EXTERNAL);
    }
}

/* How many instructions may run before somebody must look again. */
static uint64_t slice(const struct cpu *c)
{
    uint64_t left = c->until - now(c);
    bool step = c->flags & FLAG_TF || c->shadow_tick == now(c);
    if (step && left > 1) left = 1;
    return left > BUDGET_MAX ? BUDGET_MAX : left;
}

/* Instruction breakpoints come before the instruction, unless RF holds them back, or MOV SS, which
 * does so on Intel's processors only (SDM vol. 3, 17.3.1.1; 24593, 8.1.4). In their page one
 * instruction runs at a time. */
static uint64_t code_breakpoints(struct cpu *c, uint64_t left)
{
    unsigned found = debug_code(c, code_laddr(c));
    bool shadow = c->shadow_tick == now(c) && c->shadow_ss && c->model->vendor == VENDOR_INTEL;
    bool held = c->flags & FLAG_RF || shadow;
    if (found && !held) {
        debug_report(c, found);
        fault(c, VEC_DB);
    }
    return debug_watches_code(c, code_laddr(c)) ? 1 : left;
}

/* RF is for one instruction, which clears it when it begins. */
static void run_trace(struct cpu *c)
{
    uint64_t left = slice(c);
    if (unlikely(c->watch.code)) left = code_breakpoints(c, left);
    c->flags &= ~(uint32_t)FLAG_RF;
    c->target = now(c) + left;
    c->budget = (int64_t)left;
    c->single_step = c->flags & FLAG_TF;
    const struct insn *t = trace_at(c, left);      /* may forget all traces, and link_from */
    if (c->link_from) trace_link(c, c->link_from, t);
    c->link_from = NULL;
    c->budget -= t->n;
    const struct insn *i = t + 1;
    while (i) i = i->exec(c, i);
}

enum cpu_stop cpu_run(struct cpu *c, uint64_t until)
{
    c->until = until;
    if (_setjmp(c->unwind)) {              /* faults come back here with c->fault set */
        if (unlikely(c->profiling)) profile_exit(c);
    }
    for (;;) {
        settle(c);
        if (c->shutdown) return CPU_SHUTDOWN;
        if (c->stop_requested) {
            c->stop_requested = false;
            return CPU_REQUEST;
        }
        if (now(c) >= c->until) return CPU_UNTIL;
        events(c);
        if (c->fault.active || c->attend) continue;
        if (c->halted) return CPU_HALTED;
        run_trace(c);
        if (unlikely(c->profiling)) profile_exit(c);
    }
}
