/* SPDX-License-Identifier: MIT
 * The built-in profile: counting. See profile.h for the idea, profile_report.c for the words.
 */
#include <stdio.h>
#include <stdlib.h>
#include "cpu/families.h"
#include "cpu/profile.h"
#include "cpu/walk.h"

/* ---- names of handlers ----------------------------------------------------------------------- */
/* Operands by kind, with the width in place of %u. */
static void operand_text(char *to, size_t room, const struct insn *i, const struct decoded *d)
{
    static const char *const text[K_COUNT] = {
        [K_R] = "r%u", [K_M] = "m%u", [K_RR] = "r%u, r%u", [K_RM] = "r%u, m%u", [K_MR] = "m%u, r%u",
        [K_RI] = "r%u, imm", [K_MI] = "m%u, imm",
    };
    unsigned bits = 8 * insn_opsize(i);
    if (d->traits & T_REP) snprintf(to, room, "%u bits", bits);
    else if (d->op->form == F_MODRM) snprintf(to, room, "%s", d->reg_form ? "register" : "memory");
    else if (d->op->form >= F_SIMD || !text[d->kind]) snprintf(to, room, "%s", op_form_text(d->op));
    else snprintf(to, room, text[d->kind], bits, bits);
}

/* What the handler was made for. */
static const char *variant(const struct insn *i, const struct decoded *d)
{
    static const char *const columns[4] = { " [flat]", "", " [64-bit]", " [16-bit]" };
    unsigned width = i->asize >> 2 & 3;
    exec_fn *const (*h)[4] = d->op->family ? d->op->family->h[d->kind] : NULL;
    if (d->special) return " [registers]";
    if (d->quiet && i->exec == d->quiet) return " [no flags]";
    if (!h || h[0][width] == h[1][width] || (d->reg_form && d->kind != K_NONE)) return "";
    for (unsigned column = 0; column < 4; column++)
        if (i->exec == h[column][width]) return columns[column];
    return "";
}

static void handler_name(char *to, size_t room, const struct insn *i, const struct decoded *d,
                         bool pair)
{
    char operands[24];
    const char *rep = i->asize & INSN_REP ? "rep " : i->asize & INSN_REPNE ? "repne " : "";
    operand_text(operands, sizeof operands, i, d);
    snprintf(to, room, "%s%s%s%s%s%s%s", d->traits & T_REP ? rep : "", d->op->mnemonic,
             *operands ? " " : "", operands, pair ? " + " : "", pair ? d[1].op->mnemonic : "",
             pair ? "" : variant(i, d));
}

static uint32_t hash_text(const char *text)
{
    uint32_t hash = 2166136261u;
    for (; *text; text++) hash = (hash ^ (uint8_t)*text) * 16777619u;
    return hash ^ hash >> 16;
}

static struct profile_handler *handler_of(struct cpu_profile *p, const struct insn *i,
                                          const struct decoded *d, bool pair)
{
    char name[sizeof p->lost.name];
    handler_name(name, sizeof name, i, d, pair);
    struct profile_handler **h = &p->handlers[hash_text(name) % PROFILE_BUCKETS];
    while (*h && strcmp((*h)->name, name)) h = &(*h)->next;
    if (!*h && !(*h = calloc(1, sizeof **h))) return &p->lost;
    memcpy((*h)->name, name, sizeof name);
    (*h)->memory = !d->reg_form || d->traits & (T_STACK | T_REP);
    (*h)->insns = pair ? 2 : 1;
    return *h;
}

/* ---- counting records ------------------------------------------------------------------------ */
EXEC count(struct cpu *c, const struct insn *i)
{
    uint64_t *counter = (uint64_t *)(uintptr_t)i->imm64;
    ++*counter;
    NEXT(c, i);
}

static void place(struct insn *header, unsigned slot, const uint64_t *counter,
                  const struct insn *of)
{
    header[slot] = (struct insn){ .exec = count, .imm64 = (uintptr_t)counter, .pos = of->pos,
                                  .off = of->off, .slot = (uint8_t)slot };
}

static uint64_t *entry_counter(struct cpu_profile *p, const struct insn *header, bool stop)
{
    if (stop) return &p->entered_stop;
    return header->key & TRACE_PLAIN ? &p->entered_plain : &p->entered[header->n];
}

static void count_built(struct cpu_profile *p, const struct insn *header, bool stop)
{
    if (stop) p->built_stop++;
    else if (header->key & TRACE_PLAIN) p->built_plain++;
    else p->built[header->n]++;
}

/* Without a record of its own: the work of the record before,
 * the check of a second page, the end. */
static bool is_counted(const struct decoded info[], unsigned slot, unsigned slots)
{
    return slot < slots && info[slot].op && !info[slot].joined;
}

unsigned profile_trace(struct cpu *c, struct insn *header, unsigned slots,
                       const struct decoded info[], bool stop)
{
    struct cpu_profile *p = c->profile;
    unsigned to = slots + 1;
    for (unsigned slot = 1; slot < slots; slot++) to += is_counted(info, slot, slots);
    unsigned last = to;
    for (unsigned slot = slots; slot; slot--) {
        struct insn *i = header + to;
        *i = header[slot];
        i->slot = (uint8_t)to;
        if (slot == slots || info[slot].relative) i->link -= (int32_t)((to - slot) * sizeof *i);
        to--;
        if (!is_counted(info, slot, slots)) continue;
        place(header, to--,
              &handler_of(p, i, &info[slot], slot + 1 < slots && info[slot + 1].joined)->count, i);
    }
    place(header, to, entry_counter(p, header, stop), header + to + 1);
    count_built(p, header, stop);
    return last;
}

/* ---- off the fast path ----------------------------------------------------------------------- */
/* Is there a long trace where the processor goes on? */
static bool has_trace(const struct cpu *c)
{
    uint64_t paddr;
    if (!page_probe(c, code_laddr(c), &paddr)) return false;
    uint64_t key = paddr << 8 | c->mode;
    return c->traces->arena[c->traces->hash[trace_hash(key)]].key == key;
}

static enum profile_exit why(const struct cpu *c)
{
    uint64_t now = c->target - (uint64_t)c->budget;
    if (c->shutdown) return EXIT_SHUTDOWN;
    if (c->fault.active) return EXIT_FAULT;
    if (c->halted) return EXIT_HALT;
    if (c->dying) return EXIT_SELF_MODIFIED;
    if (c->flush_traces) return EXIT_REMAP;
    if (now >= c->until) return EXIT_DUE;
    if (c->attend)
        return c->nmi_latched || (c->line_intr && c->flags & FLAG_IF) ? EXIT_INTERRUPT
                                                                      : EXIT_ATTENTION;
    if (c->single_step) return EXIT_STEP;
    if (now >= c->target) return EXIT_SLICE;
    if (!has_trace(c)) return EXIT_NO_TRACE;
    return c->link_from ? EXIT_NO_LINK : EXIT_INSN;
}
void profile_exit(struct cpu *c) { c->profile->exits[why(c)]++; }

void profile_miss(struct cpu *c, unsigned access, enum tlb_set set)
{
    c->profile->misses[access][set == SET_USER]++;
    c->profile->walks += c->cr0 >> 31 & 1;
}

void profile_interrupt(struct cpu *c, uint8_t vector, enum int_kind kind)
{
    c->profile->interrupts[kind][vector]++;
}

static void count_device(struct cpu_profile *p, uint64_t page, bool store)
{
    struct profile_page *at = p->pages;
    while (at < p->pages + PROFILE_PAGES && (at->loads || at->stores) && at->page != page) at++;
    if (at == p->pages + PROFILE_PAGES) at = &p->other_pages;
    at->page = page;
    if (store) at->stores++;
    else at->loads++;
}

static enum profile_slow why_slow(struct cpu *c, const struct tlb_entry *e, uint64_t laddr,
                                  unsigned size, bool store)
{
    uint64_t tag = store ? e->write : e->read;
    if ((laddr & (PAGE_SIZE - 1)) + size > PAGE_SIZE) return SLOW_CROSSING;
    if ((tag & ~TLB_SLOW) != (laddr & PAGE_MASK)) return SLOW_MISS;
    if (!(tag & TLB_SLOW)) return SLOW_OTHER;
    struct memory_page page = memory_page(c->memory, e->paddr);
    if (!(store ? page.write : page.read)) return SLOW_DEVICE;
    if (!store) return SLOW_OTHER;
    return page.code ? SLOW_CODE : page.clean ? SLOW_CLEAN : SLOW_OTHER;
}

void profile_slow(struct cpu *c, uint64_t laddr, unsigned size, bool store, enum tlb_set set)
{
    const struct tlb_entry *e = tlb_slot(c->tlb_sets[set], laddr);
    enum profile_slow reason = why_slow(c, e, laddr, size, store);
    uint64_t paddr = e->paddr;
    c->profile->slow[store][reason]++;
    if (reason == SLOW_MISS && page_probe(c, laddr, &paddr)) {
        struct memory_page page = memory_page(c->memory, paddr);
        if (!(store ? page.write : page.read)) reason = SLOW_DEVICE;
    }
    if (reason == SLOW_DEVICE) count_device(c->profile, paddr & PAGE_MASK, store);
}

/* ---- ports: the bus that the processor sees -------------------------------------------------- */
static uint32_t port_in(void *ctx, uint16_t port, enum width size)
{
    struct cpu_profile *p = ctx;
    p->ports[port].reads++;
    return p->bus.in(p->bus.ctx, port, size);
}
static void port_out(void *ctx, uint16_t port, uint32_t value, enum width size)
{
    struct cpu_profile *p = ctx;
    p->ports[port].writes++;
    p->bus.out(p->bus.ctx, port, value, size);
}
static uint8_t acknowledge(void *ctx)
{
    struct cpu_profile *p = ctx;
    return p->bus.acknowledge(p->bus.ctx);
}
static uint32_t run_in(void *ctx, uint16_t port, enum width size, uint8_t *to, uint32_t n)
{
    struct cpu_profile *p = ctx;
    uint32_t done = p->bus.in_run(p->bus.ctx, port, size, to, n);
    p->ports[port].runs += done;
    return done;
}
static uint32_t run_out(void *ctx, uint16_t port, enum width size, const uint8_t *from, uint32_t n)
{
    struct cpu_profile *p = ctx;
    uint32_t done = p->bus.out_run(p->bus.ctx, port, size, from, n);
    p->ports[port].runs += done;
    return done;
}

/* ---- birth and end --------------------------------------------------------------------------- */
bool cpu_profile_start(struct cpu *c)
{
    if (c->profile) return true;
    struct cpu_profile *p = calloc(1, sizeof *p);
    if (p) p->ports = calloc(0x10000, sizeof *p->ports);
    if (!p || !p->ports) {
        free(p);
        return false;
    }
    snprintf(p->lost.name, sizeof p->lost.name, "(others)");
    p->lost.insns = 1;
    p->bus = c->bus;
    c->bus = (struct cpu_bus){ port_in, port_out, acknowledge, p, p->bus.in_run ? run_in : NULL,
                               p->bus.out_run ? run_out : NULL };
    c->profile = p;
    c->profiling = true;
    c->flush_traces = true;                /* those that do not count */
    attention(c);
    return true;
}

void profile_free(struct cpu *c)
{
    struct cpu_profile *p = c->profile;
    if (!p) return;
    for (unsigned n = 0; n < PROFILE_BUCKETS; n++)
        while (p->handlers[n]) {
            struct profile_handler *h = p->handlers[n];
            p->handlers[n] = h->next;
            free(h);
        }
    free(p->ports);
    free(p);
}
