/* SPDX-License-Identifier: MIT
 * The software TLB: one direct-mapped set for supervisor, one for user accesses, so that a change of
 * privilege flushes nothing. See state.h for the tags. What the fast path in mem.h cannot do ends here:
 * misaligned accesses, page ends, MMIO, pages with code, first stores to clean pages, faults.
 *
 *   tag = page            plain host memory, one compare is enough
 *   tag = page | SLOW     translation known, access by memory_read/memory_write or after an announcement
 *   tag = NONE            walk the page tables
 */
#include "cpu/tlb.h"
#include "cpu/trace.h"
#include "cpu/walk.h"

enum { ENTRY_GLOBAL = 1 };         /* in the low bits of tlb_entry.paddr */

static uint64_t page_of(uint64_t laddr) { return laddr & PAGE_MASK; }
static struct tlb_entry *set_of(struct cpu *c, bool user) { return c->tlb_sets[user]; }

/* ---- filling -------------------------------------------------------------------------------------- */
static struct walk translate(struct cpu *c, uint64_t laddr, unsigned access, bool user)
{
    struct walk w = { .paddr = laddr, .writable = true, .user = true, .dirty = true, .page_bits = PAGE_BITS };
    if (c->cr0 & CR0_PG && !page_walk(c, laddr, access, user, &w)) w.paddr = ~0ull;   /* not reached: it faulted */
    if (w.page_bits > PAGE_BITS) {
        if (laddr < c->large_low) c->large_low = page_of(laddr);
        if (laddr > c->large_high) c->large_high = laddr;
    }
    w.paddr = a20_mask(c, page_of(w.paddr));
    return w;
}

static uint64_t write_tag(struct cpu *c, uint64_t page, const struct memory_page *p, uint64_t paddr, bool store)
{
    if (!p->write || p->code || p->write != p->read) return page | TLB_SLOW;
    if (p->clean) {
        if (!store) return TLB_NONE;
        memory_mark_dirty(c->memory, paddr);
    }
    return page;
}

static struct tlb_entry *fill(struct cpu *c, uint64_t laddr, unsigned access, bool user)
{
    struct tlb_entry *e = tlb_slot(set_of(c, user), laddr);
    uint64_t page = page_of(laddr);
    struct walk w = translate(c, laddr, access, user);
    struct memory_page p = memory_page(c->memory, w.paddr);
    if (page_of(e->read) != page) e->read = TLB_NONE;
    if (page_of(e->write) != page) e->write = TLB_NONE;
    e->paddr = w.paddr | (w.global && c->cr4 & CR4_PGE ? ENTRY_GLOBAL : 0);
    e->host = (uintptr_t)p.read - (uintptr_t)page;
    e->read = page | (p.read ? 0 : TLB_SLOW);
    bool may_store = access == ACCESS_STORE || (w.dirty && w.writable);
    e->write = may_store ? write_tag(c, page, &p, w.paddr, access == ACCESS_STORE) : TLB_NONE;
    return e;
}

static inline bool known(uint64_t tag, uint64_t laddr) { return (tag & ~TLB_SLOW) == page_of(laddr); }

static struct tlb_entry *entry_for_load(struct cpu *c, uint64_t laddr, bool user)
{
    struct tlb_entry *e = tlb_slot(set_of(c, user), laddr);
    return likely(known(e->read, laddr)) ? e : fill(c, laddr, ACCESS_LOAD, user);
}
static struct tlb_entry *entry_for_store(struct cpu *c, uint64_t laddr, bool user)
{
    struct tlb_entry *e = tlb_slot(set_of(c, user), laddr);
    return likely(known(e->write, laddr)) ? e : fill(c, laddr, ACCESS_STORE, user);
}

uint64_t tlb_fetch(struct cpu *c, uint64_t laddr)
{
    struct itlb_entry *e = &c->itlb[laddr >> PAGE_BITS & (ITLB_SIZE - 1)];
    if (e->tag != page_of(laddr)) {
        struct walk w = translate(c, laddr, ACCESS_FETCH, c->itlb != c->itlb_sets[0]);
        e->tag = page_of(laddr);
        e->paddr = w.paddr;
    }
    return e->paddr | (laddr & (PAGE_SIZE - 1));
}

/* ---- flushing ---------------------------------------------------------------------------------------- */
static void forget(struct tlb_entry *e) { e->read = e->write = TLB_NONE; }

void tlb_flush(struct cpu *c, bool keep_global)
{
    for (unsigned set = 0; set < 2; set++) {
        for (unsigned n = 0; n < TLB_SIZE; n++)
            if (!keep_global || !(c->tlb_sets[set][n].paddr & ENTRY_GLOBAL)) forget(&c->tlb_sets[set][n]);
        for (unsigned n = 0; n < ITLB_SIZE; n++) c->itlb_sets[set][n].tag = TLB_NONE;
    }
    if (!keep_global) {
        c->large_low = ~0ull;
        c->large_high = 0;
    }
}

void tlb_flush_page(struct cpu *c, uint64_t laddr)
{
    if (laddr >= c->large_low && laddr <= (c->large_high | 0x3FFFFF)) {
        tlb_flush(c, false);               /* one of many pieces of a large page */
        return;
    }
    for (unsigned set = 0; set < 2; set++) {
        struct tlb_entry *e = tlb_slot(c->tlb_sets[set], laddr);
        if (page_of(e->read) == page_of(laddr) || page_of(e->write) == page_of(laddr)) forget(e);
        c->itlb_sets[set][laddr >> PAGE_BITS & (ITLB_SIZE - 1)].tag = TLB_NONE;
    }
}

void tlb_protect(struct cpu *c, uint64_t paddr)
{
    for (unsigned set = 0; set < 2; set++)
        for (unsigned n = 0; n < TLB_SIZE; n++) {
            struct tlb_entry *e = &c->tlb_sets[set][n];
            if (page_of(e->paddr) == page_of(paddr) && !(e->write & TLB_SLOW)) e->write |= TLB_SLOW;
        }
}

void tlb_forget(struct cpu *c, uint64_t paddr, uint64_t len)
{
    for (unsigned set = 0; set < 2; set++) {
        for (unsigned n = 0; n < TLB_SIZE; n++)
            if (page_of(c->tlb_sets[set][n].paddr) - paddr < len) forget(&c->tlb_sets[set][n]);
        for (unsigned n = 0; n < ITLB_SIZE; n++)
            if (c->itlb_sets[set][n].paddr - paddr < len) c->itlb_sets[set][n].tag = TLB_NONE;
    }
}

void tlb_unwrite(struct cpu *c)
{
    for (unsigned set = 0; set < 2; set++)
        for (unsigned n = 0; n < TLB_SIZE; n++)
            if (!(c->tlb_sets[set][n].write & TLB_SLOW)) c->tlb_sets[set][n].write |= TLB_SLOW;
}

/* ---- accesses ------------------------------------------------------------------------------------------ */
static void alignment_check(struct cpu *c, uint64_t laddr, unsigned size, bool user)
{
    if (user && laddr & (size - 1) && c->cr0 & CR0_AM && c->flags & FLAG_AC) fault_error(c, VEC_AC, 0);
}
static bool crosses(uint64_t laddr, unsigned size) { return (laddr & (PAGE_SIZE - 1)) + size > PAGE_SIZE; }

static uint64_t load_in_page(struct cpu *c, uint64_t laddr, unsigned size, bool user)
{
    struct tlb_entry *e = entry_for_load(c, laddr, user);
    if (!(e->read & TLB_SLOW)) return host_load((void *)(e->host + (uintptr_t)laddr), size);
    return memory_read(c->memory, page_of(e->paddr) | (laddr & (PAGE_SIZE - 1)), size);
}

static void store_in_page(struct cpu *c, uint64_t laddr, uint64_t value, unsigned size, bool user)
{
    struct tlb_entry *e = entry_for_store(c, laddr, user);
    if (!(e->write & TLB_SLOW)) {
        host_store((void *)(e->host + (uintptr_t)laddr), value, size);
        return;
    }
    uint64_t paddr = page_of(e->paddr) | (laddr & (PAGE_SIZE - 1));
    struct memory_page p = memory_page(c->memory, paddr);
    if (!p.write) {
        memory_write(c->memory, paddr, value, size);
        return;
    }
    memory_mark_dirty(c->memory, paddr);
    host_store(p.write + (laddr & (PAGE_SIZE - 1)), value, size);
    if (p.code) traces_written(c, paddr, size);
    else if (p.write == p.read) e->write = page_of(laddr);
}

uint64_t mem_load_slow(struct cpu *c, uint64_t laddr, unsigned size, bool user)
{
    alignment_check(c, laddr, size, user);
    if (likely(!crosses(laddr, size))) return load_in_page(c, laddr, size, user);
    uint64_t second = laddr_wrap(c, page_of(laddr) + PAGE_SIZE), value = 0;
    unsigned first = PAGE_SIZE - (laddr & (PAGE_SIZE - 1));
    entry_for_load(c, laddr, user);
    entry_for_load(c, second, user);
    for (unsigned n = 0; n < size; n++) {
        uint64_t at = n < first ? laddr + n : second + (n - first);
        value |= load_in_page(c, at, 1, user) << 8 * n;
    }
    return value;
}

void mem_probe_store(struct cpu *c, uint64_t laddr, unsigned size, bool user)
{
    alignment_check(c, laddr, size, user);
    entry_for_store(c, laddr, user);
    if (crosses(laddr, size)) entry_for_store(c, laddr_wrap(c, page_of(laddr) + PAGE_SIZE), user);
}

void mem_store_slow(struct cpu *c, uint64_t laddr, uint64_t value, unsigned size, bool user)
{
    if (likely(!crosses(laddr, size))) {
        alignment_check(c, laddr, size, user);
        store_in_page(c, laddr, value, size, user);
        return;
    }
    mem_probe_store(c, laddr, size, user);
    uint64_t second = laddr_wrap(c, page_of(laddr) + PAGE_SIZE);
    unsigned first = PAGE_SIZE - (laddr & (PAGE_SIZE - 1));
    for (unsigned n = 0; n < size; n++)
        store_in_page(c, n < first ? laddr + n : second + (n - first), value >> 8 * n, 1, user);
}

uint8_t *mem_host_load(struct cpu *c, uint64_t laddr)
{
    struct tlb_entry *e = entry_for_load(c, laddr, c->tlb != c->tlb_sets[0]);
    return e->read & TLB_SLOW ? NULL : (uint8_t *)(e->host + (uintptr_t)laddr);
}

uint8_t *mem_host_store(struct cpu *c, uint64_t laddr)
{
    struct tlb_entry *e = entry_for_store(c, laddr, c->tlb != c->tlb_sets[0]);
    return e->write & TLB_SLOW ? NULL : (uint8_t *)(e->host + (uintptr_t)laddr);
}
