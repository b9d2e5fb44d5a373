/* SPDX-License-Identifier: MIT
 * The software TLB: one direct-mapped set per kind of access (enum tlb_set), so that a change of
 * privilege flushes nothing. See state.h for the tags. What the fast path in mem.h cannot do ends
 * here: misaligned accesses, page ends, MMIO, pages with code, first stores to clean pages, faults.
 *
 *   tag = page            plain host memory, one compare is enough
 *   tag = page | SLOW     translation known, access by memory_read/memory_write or after an
 *                         announcement; also pages with a data breakpoint (debug.c)
 *   tag = NONE            walk the page tables
 */
#include "cpu/debug.h"
#include "cpu/profile.h"
#include "cpu/tlb.h"
#include "cpu/trace.h"
#include "cpu/walk.h"

/* In the low bits of tlb_entry.paddr. DEVICE: stores are no business of the RAM's. */
enum { ENTRY_GLOBAL = 1, ENTRY_DEVICE = 2 };

static uint64_t page_of(uint64_t laddr) { return laddr & PAGE_MASK; }
/* Outside of long mode addresses wrap at 4 GiB; in compatibility mode the
 * system's tables lie above. */
static uint64_t next_page(const struct cpu *c, uint64_t laddr)
{
    uint64_t next = page_of(laddr) + PAGE_SIZE;
    return laddr >> 32 ? next : laddr_wrap(c, next);
}

/* ---- large pages ----------------------------------------------------------------------------- */
/* An entry holds 4 KiB. INVLPG must drop all pieces of a large page: a bit per hash of page and
 * size tells whether there may be any. 21: 2 MiB, 22: 4 MiB, 30: 1 GiB. */
static unsigned large_hash(uint64_t laddr, unsigned bits)
{
    return (unsigned)(((laddr >> bits) + ((uint64_t)bits << 58)) * 0x9E3779B97F4A7C15ull >> 52);
}
static bool large_known(const struct cpu *c, uint64_t laddr, unsigned bits)
{
    unsigned n = large_hash(laddr, bits);
    return c->large[n >> 6] >> (n & 63) & 1;
}
static void large_add(struct cpu *c, uint64_t laddr, unsigned bits)
{
    unsigned n = large_hash(laddr, bits);
    c->large[n >> 6] |= 1ull << (n & 63);
    c->large_any = true;
}

/* ---- slots in use ---------------------------------------------------------------------------- */
static void use(struct slots *s, unsigned n)
{
    s->bits[n >> 6] |= 1ull << (n & 63);
    s->words |= 1ull << (n >> 6);
}
static inline unsigned first_bit(uint64_t bits) { return (unsigned)__builtin_ctzll(bits); }

/* ---- filling --------------------------------------------------------------------------------- */
static struct walk translate(struct cpu *c, uint64_t laddr, unsigned access, enum tlb_set set)
{
    struct walk w = { .paddr = laddr, .writable = true, .user = true, .dirty = true,
                      .page_bits = PAGE_BITS };
    if (unlikely(c->profiling)) profile_miss(c, access, set);
    if (c->cr0 & CR0_PG && !page_walk(c, laddr, access, set, &w))
        w.paddr = ~0ull;                   /* not reached: it faulted */
    if (w.page_bits > PAGE_BITS) large_add(c, laddr, w.page_bits);
    w.paddr = a20_mask(c, page_of(w.paddr));
    return w;
}

/* A clean page is known, too: a walk at its first store would show the guest that it was clean. */
static uint64_t write_tag(struct cpu *c, uint64_t page, const struct memory_page *p, uint64_t paddr,
                          bool store)
{
    if (p->clean && store) memory_mark_dirty(c->memory, paddr);
    bool slow = !p->write || p->code || p->write != p->read || (p->clean && !store) ||
                debug_watches_data(c, page);
    return slow ? page | TLB_SLOW : page;
}

static struct tlb_entry *fill(struct cpu *c, uint64_t laddr, unsigned access, enum tlb_set set)
{
    struct tlb_entry *e = tlb_slot(c->tlb_sets[set], laddr);
    uint64_t page = page_of(laddr);
    struct walk w = translate(c, laddr, access, set);
    struct memory_page p = memory_page(c->memory, w.paddr);
    if (page_of(e->read) != page) e->read = TLB_NONE;
    if (page_of(e->write) != page) e->write = TLB_NONE;
    e->paddr = w.paddr | (w.global && c->cr4 & CR4_PGE ? ENTRY_GLOBAL : 0) |
               (p.write ? 0 : ENTRY_DEVICE);
    e->host = (uintptr_t)p.read - (uintptr_t)page;
    e->read = page | (p.read && !debug_watches_data(c, page) ? 0 : TLB_SLOW);
    bool may_store = access == ACCESS_STORE || (w.dirty && w.writable);
    e->write = may_store ? write_tag(c, page, &p, w.paddr, access == ACCESS_STORE) : TLB_NONE;
    unsigned slot = (unsigned)(e - c->tlb_sets[set]);
    use(&c->tlb_used[set].any, slot);
    if (!(e->paddr & ENTRY_GLOBAL)) use(&c->tlb_used[set].local, slot);
    return e;
}

static inline bool known(uint64_t tag, uint64_t laddr)
{
    return (tag & ~TLB_SLOW) == page_of(laddr);
}

static struct tlb_entry *entry_for_load(struct cpu *c, uint64_t laddr, enum tlb_set set)
{
    struct tlb_entry *e = tlb_slot(c->tlb_sets[set], laddr);
    return likely(known(e->read, laddr)) ? e : fill(c, laddr, ACCESS_LOAD, set);
}
static struct tlb_entry *entry_for_store(struct cpu *c, uint64_t laddr, enum tlb_set set)
{
    struct tlb_entry *e = tlb_slot(c->tlb_sets[set], laddr);
    return likely(known(e->write, laddr)) ? e : fill(c, laddr, ACCESS_STORE, set);
}

uint64_t tlb_fetch(struct cpu *c, uint64_t laddr)
{
    struct itlb_entry *e = &c->itlb[laddr >> PAGE_BITS & (ITLB_SIZE - 1)];
    if (e->tag != page_of(laddr)) {
        if (!is_canonical(laddr)) fault_error(c, VEC_GP, 0);
        enum tlb_set set = c->itlb == c->itlb_sets[SET_USER] ? SET_USER : SET_SYSTEM;
        struct walk w = translate(c, laddr, ACCESS_FETCH, set);
        if (debug_watches_code(c, laddr)) return w.paddr | (laddr & (PAGE_SIZE - 1));
        if (e->tag != TLB_NONE) jumps_forget(c);
        e->tag = page_of(laddr);
        e->paddr = w.paddr;
        use(&c->itlb_used[set], (unsigned)(e - c->itlb));
    }
    return e->paddr | (laddr & (PAGE_SIZE - 1));
}

/* ---- flushing -------------------------------------------------------------------------------- */
static void forget(struct tlb_entry *e) { e->read = e->write = TLB_NONE; }

/* Memory of zeroes is full of entries for page 0. */
void tlb_init(struct cpu *c)
{
    for (unsigned set = 0; set < TLB_SETS; set++)
        for (unsigned n = 0; n < TLB_SIZE; n++) forget(&c->tlb_sets[set][n]);
    for (unsigned set = 0; set < ITLB_SETS; set++)
        for (unsigned n = 0; n < ITLB_SIZE; n++) c->itlb_sets[set][n].tag = TLB_NONE;
}

static void flush_set(struct cpu *c, unsigned set, bool keep_global)
{
    struct tlb_used *used = &c->tlb_used[set];
    struct slots *slots = keep_global ? &used->local : &used->any;
    for (uint64_t words = slots->words; words; words &= words - 1) {
        unsigned word = first_bit(words);
        for (uint64_t bits = slots->bits[word]; bits; bits &= bits - 1) {
            struct tlb_entry *e = &c->tlb_sets[set][word * 64 + first_bit(bits)];
            if (keep_global && e->paddr & ENTRY_GLOBAL) continue;      /* in a local one's place */
            forget(e);
            used->any.bits[word] &= ~(bits & -bits);
        }
        used->local.bits[word] = 0;
    }
    used->local.words = 0;
    if (!keep_global) used->any.words = 0;
}

static void flush_code(struct cpu *c, unsigned set)
{
    struct slots *used = &c->itlb_used[set];
    for (uint64_t words = used->words; words; words &= words - 1) {
        unsigned word = first_bit(words);
        for (uint64_t bits = used->bits[word]; bits; bits &= bits - 1)
            c->itlb_sets[set][word * 64 + first_bit(bits)].tag = TLB_NONE;
        used->bits[word] = 0;
    }
    used->words = 0;
}

void tlb_flush(struct cpu *c, bool keep_global)
{
    for (unsigned set = 0; set < TLB_SETS; set++) flush_set(c, set, keep_global);
    for (unsigned set = 0; set < ITLB_SETS; set++) flush_code(c, set);
    if (!keep_global && c->large_any) {
        memset(c->large, 0, sizeof c->large);
        c->large_any = false;
    }
    jumps_forget(c);
}

void tlb_flush_page(struct cpu *c, uint64_t laddr)
{
    if (c->large_any &&
        (large_known(c, laddr, 21) || large_known(c, laddr, 22) || large_known(c, laddr, 30))) {
        tlb_flush(c, false);
        return;
    }
    for (unsigned set = 0; set < TLB_SETS; set++) {
        struct tlb_entry *e = tlb_slot(c->tlb_sets[set], laddr);
        if (page_of(e->read) == page_of(laddr) || page_of(e->write) == page_of(laddr)) forget(e);
    }
    bool code = false;
    for (unsigned set = 0; set < ITLB_SETS; set++) {
        struct itlb_entry *e = &c->itlb_sets[set][laddr >> PAGE_BITS & (ITLB_SIZE - 1)];
        code = code || e->tag == page_of(laddr);
        if (e->tag == page_of(laddr)) e->tag = TLB_NONE;
    }
    if (code) jumps_forget(c);      /* all of them are in pages that the instruction TLB holds */
}

void tlb_protect(struct cpu *c, uint64_t paddr)
{
    for (unsigned set = 0; set < TLB_SETS; set++) {
        const struct slots *used = &c->tlb_used[set].any;
        for (uint64_t words = used->words; words; words &= words - 1) {
            unsigned word = first_bit(words);
            for (uint64_t bits = used->bits[word]; bits; bits &= bits - 1) {
                struct tlb_entry *e = &c->tlb_sets[set][word * 64 + first_bit(bits)];
                if (page_of(e->paddr) == page_of(paddr) && !(e->write & TLB_SLOW))
                    e->write |= TLB_SLOW;
            }
        }
    }
}

void tlb_forget(struct cpu *c, uint64_t paddr, uint64_t len)
{
    for (unsigned set = 0; set < TLB_SETS; set++)
        for (unsigned n = 0; n < TLB_SIZE; n++)
            if (page_of(c->tlb_sets[set][n].paddr) - paddr < len) forget(&c->tlb_sets[set][n]);
    for (unsigned set = 0; set < ITLB_SETS; set++)
        for (unsigned n = 0; n < ITLB_SIZE; n++)
            if (c->itlb_sets[set][n].paddr - paddr < len) c->itlb_sets[set][n].tag = TLB_NONE;
    jumps_forget(c);
}

void tlb_unwrite(struct cpu *c)
{
    for (unsigned set = 0; set < TLB_SETS; set++)
        for (unsigned n = 0; n < TLB_SIZE; n++)
            if (!(c->tlb_sets[set][n].write & TLB_SLOW)) c->tlb_sets[set][n].write |= TLB_SLOW;
}

/* ---- accesses -------------------------------------------------------------------------------- */
static void alignment_check(struct cpu *c, uint64_t laddr, unsigned size, enum tlb_set set)
{
    if (set == SET_USER && laddr & (size - 1) && c->cr0 & CR0_AM && c->flags & FLAG_AC)
        fault_error(c, VEC_AC, 0);
}
static bool crosses(uint64_t laddr, unsigned size)
{
    return (laddr & (PAGE_SIZE - 1)) + size > PAGE_SIZE;
}

static uint64_t load_in_page(struct cpu *c, uint64_t laddr, unsigned size, enum tlb_set set)
{
    struct tlb_entry *e = entry_for_load(c, laddr, set);
    if (!(e->read & TLB_SLOW)) return host_load((void *)(e->host + (uintptr_t)laddr), size);
    if (c->watch.load) debug_access(c, laddr, size, false);
    return memory_read(c->memory, page_of(e->paddr) | (laddr & (PAGE_SIZE - 1)), size);
}

static void store_in_page(struct cpu *c, uint64_t laddr, uint64_t value, unsigned size,
                          enum tlb_set set)
{
    struct tlb_entry *e = entry_for_store(c, laddr, set);
    if (!(e->write & TLB_SLOW)) {
        host_store((void *)(e->host + (uintptr_t)laddr), value, size);
        return;
    }
    if (c->watch.store) debug_access(c, laddr, size, true);
    uint64_t paddr = page_of(e->paddr) | (laddr & (PAGE_SIZE - 1));
    if (e->paddr & ENTRY_DEVICE) {
        memory_write(c->memory, paddr, value, size);
        return;
    }
    struct memory_page p = memory_page(c->memory, paddr);
    memory_mark_dirty(c->memory, paddr);
    host_store(p.write + (laddr & (PAGE_SIZE - 1)), value, size);
    if (p.code) traces_written(c, paddr, size);
    else if (p.write == p.read && !debug_watches_data(c, laddr)) e->write = page_of(laddr);
}

uint64_t mem_load_slow(struct cpu *c, uint64_t laddr, unsigned size, enum tlb_set set)
{
    if (unlikely(c->profiling)) profile_slow(c, laddr, size, false, set);
    alignment_check(c, laddr, size, set);
    if (likely(!crosses(laddr, size))) return load_in_page(c, laddr, size, set);
    uint64_t second = next_page(c, laddr), value = 0;
    unsigned first = PAGE_SIZE - (laddr & (PAGE_SIZE - 1));
    entry_for_load(c, laddr, set);
    entry_for_load(c, second, set);
    for (unsigned n = 0; n < size; n++) {
        uint64_t at = n < first ? laddr + n : second + (n - first);
        value |= load_in_page(c, at, 1, set) << 8 * n;
    }
    return value;
}

void mem_probe_store(struct cpu *c, uint64_t laddr, unsigned size, enum tlb_set set)
{
    alignment_check(c, laddr, size, set);
    entry_for_store(c, laddr, set);
    if (crosses(laddr, size)) entry_for_store(c, next_page(c, laddr), set);
}

void mem_store_slow(struct cpu *c, uint64_t laddr, uint64_t value, unsigned size, enum tlb_set set)
{
    if (unlikely(c->profiling)) profile_slow(c, laddr, size, true, set);
    if (likely(!crosses(laddr, size))) {
        alignment_check(c, laddr, size, set);
        store_in_page(c, laddr, value, size, set);
        return;
    }
    mem_probe_store(c, laddr, size, set);
    uint64_t second = next_page(c, laddr);
    unsigned first = PAGE_SIZE - (laddr & (PAGE_SIZE - 1));
    for (unsigned n = 0; n < size; n++)
        store_in_page(c, n < first ? laddr + n : second + (n - first), value >> 8 * n, 1, set);
}

uint8_t *mem_host_load(struct cpu *c, uint64_t laddr)
{
    struct tlb_entry *e = entry_for_load(c, laddr, c->tlb_set);
    return e->read & TLB_SLOW ? NULL : (uint8_t *)(e->host + (uintptr_t)laddr);
}

uint8_t *mem_host_overwrite(struct cpu *c, uint64_t laddr, uint64_t len, uint64_t *code)
{
    struct tlb_entry *e = entry_for_store(c, laddr, c->tlb_set);
    if (likely(!(e->write & TLB_SLOW))) return (uint8_t *)(e->host + (uintptr_t)laddr);
    uint64_t paddr = page_of(e->paddr) | (laddr & (PAGE_SIZE - 1));
    struct memory_page p = memory_page(c->memory, paddr);
    if (e->paddr & ENTRY_DEVICE || c->watch.store || !p.code || trace_runs(c, paddr, len))
        return NULL;
    memory_mark_dirty(c->memory, paddr);
    *code = paddr;
    return p.write + (laddr & (PAGE_SIZE - 1));
}
