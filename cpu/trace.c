/* SPDX-License-Identifier: MIT
 * Building, finding and dropping traces. See trace.h for the idea, insn.h for the records.
 *
 *   arena:  [unlinked] [other page] [scratch ...] [trace] [trace] [stub] [trace] ...
 *
 * Traces of a physical page hang in a list from its code_page. A store into a page with code asks
 * the page's 64 blocks of 64 bytes first and walks the list only when a block with code is hit. An
 * instruction that crosses a page end is a trace of its own; a stub in the second page's list
 * stands for it there, and its first record checks that the second page is still the same.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "cpu/build.h"
#include "cpu/profile.h"
#include "cpu/tlb.h"
#include "cpu/trace.h"

enum { UNLINKED, OTHER_PAGE, SCRATCH, FIRST_FREE = SCRATCH + PROFILE_RECORDS, PAGE_BUCKETS = 4096,
       BLOCKS = 64, STUB = 8, STORES_MANY = 16 };
#define NO_KEY (~0ull)

struct code_page {
    struct code_page *next;
    uint64_t page;                 /* physical */
    uint64_t blocks;               /* bit n: bytes 64 n .. 64 n + 63 hold code */
    uint32_t first[BLOCKS];        /* by the block in which they begin: header; 0 ends the list */
    unsigned reach;                /* no trace goes further than so many blocks behind its first */
    unsigned stores;               /* into its code */
};

/* ---- the arena ------------------------------------------------------------------------------- */
bool traces_init(struct cpu *c)
{
    struct traces *t = c->traces = calloc(1, sizeof *t);
    if (!t) return false;
    t->arena = calloc(TRACE_RECORDS, sizeof *t->arena);
    t->hash = calloc(TRACE_HASH, sizeof *t->hash);
    t->pages = calloc(PAGE_BUCKETS, sizeof *t->pages);
    if (!t->arena || !t->hash || !t->pages) return false;
    for (unsigned n = 0; n < FIRST_FREE; n++)
        t->arena[n] = (struct insn){ .key = NO_KEY, .n = TRACE_DEAD };
    t->used = FIRST_FREE;
    return true;
}

static void pages_free(struct cpu *c, bool forget_code)
{
    for (unsigned n = 0; n < PAGE_BUCKETS; n++)
        while (c->traces->pages[n]) {
            struct code_page *p = c->traces->pages[n];
            c->traces->pages[n] = p->next;
            if (forget_code) memory_set_code(c->memory, p->page, false);
            free(p);
        }
}

void traces_free(struct cpu *c)
{
    if (!c->traces) return;
    if (c->traces->pages) pages_free(c, false);
    free(c->traces->pages);
    free(c->traces->hash);
    free(c->traces->arena);
    free(c->traces);
}

void traces_flush(struct cpu *c)
{
    struct traces *t = c->traces;
    pages_free(c, true);
    memset(t->hash, 0, TRACE_HASH * sizeof *t->hash);
    if (t->used > t->touched) t->touched = t->used;
    t->used = FIRST_FREE;
    t->flushed++;
    c->link_from = NULL;
    jumps_forget(c);
}

#define TRIM_LEAST (TRACE_RECORDS / 16)    /* not worth it below */

/* Whole pages of the arena behind the fixed records; they come back as zeroes. */
void traces_trim(struct cpu *c)
{
    struct traces *t = c->traces;
    if (t->used < TRIM_LEAST && t->touched < TRIM_LEAST) return;
    traces_flush(c);
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE),
              end = (uintptr_t)(t->arena + t->touched) & -page;
    uintptr_t first = ((uintptr_t)(t->arena + FIRST_FREE) + page - 1) & -page;
    (void)madvise((void *)first, end - first, MADV_DONTNEED);
    t->touched = 0;
}

static bool in_scratch(const struct cpu *c, const struct insn *i)
{
    return i >= c->traces->arena + SCRATCH && i < c->traces->arena + FIRST_FREE;
}

/* ---- pages with code ------------------------------------------------------------------------- */
static struct code_page **page_slot(struct cpu *c, uint64_t page)
{
    struct code_page **p = &c->traces->pages[page >> PAGE_BITS & (PAGE_BUCKETS - 1)];
    while (*p && (*p)->page != page) p = &(*p)->next;
    return p;
}

static struct code_page *page_get(struct cpu *c, uint64_t paddr)
{
    uint64_t page = paddr & PAGE_MASK;
    struct code_page **slot = page_slot(c, page);
    if (!*slot) {
        struct code_page *p = calloc(1, sizeof *p);
        if (!p) return NULL;
        p->page = page;
        *slot = p;
    }
    if (!(*slot)->blocks) {
        memory_set_code(c->memory, page, true);
        tlb_protect(c, page);
    }
    return *slot;
}

static unsigned block_of(uint64_t offset)
{
    return offset < PAGE_SIZE ? (unsigned)(offset >> 6) : BLOCKS - 1;
}
static uint64_t block_bits(unsigned first, unsigned last)
{
    if (last >= BLOCKS) last = BLOCKS - 1;
    return (~0ull << first) & (~0ull >> (BLOCKS - 1 - last));
}
static uint64_t blocks_of(uint64_t offset, uint64_t len)
{
    return block_bits(block_of(offset), block_of(offset + len - 1));
}

static uint64_t trace_paddr(const struct insn *t) { return t->key >> 8; }

/* Enters a header (or stub) of `len` bytes at paddr into its page's list. */
static bool page_add(struct cpu *c, struct insn *t, uint64_t paddr, unsigned len)
{
    struct code_page *p = page_get(c, paddr);
    if (!p) return false;
    uint64_t offset = paddr & (PAGE_SIZE - 1);
    p->blocks |= blocks_of(offset, len);
    if (!in_scratch(c, t)) {
        unsigned first = block_of(offset), reach = block_of(offset + len - 1) - first;
        if (reach > p->reach) p->reach = reach;
        t->next_in_page = p->first[first];
        p->first[first] = (uint32_t)(t - c->traces->arena);
    }
    return true;
}

/* ---- dropping -------------------------------------------------------------------------------- */
/* A dead trace keeps its records, so that a handler that runs in it can finish its instruction. The
 * trace that is running keeps its n too, for the account of time, until the run loop is reached. */
void trace_kill(struct cpu *c, struct insn *t)
{
    struct traces *all = c->traces;
    if (t->owner) t = all->arena + t->owner;               /* a stub: its trace is meant */
    if (t->key == NO_KEY) return;
    uint32_t *slot = &all->hash[trace_hash(t->key)];
    if (*slot == (uint32_t)(t - all->arena)) *slot = 0;
    t->key = NO_KEY;
    all->killed++;
    if (c->insn && insn_header(c->insn) == t) {
        c->dying = t;
        attention(c);
    } else {
        t->n = TRACE_DEAD;
    }
}

static bool overlaps(const struct insn *t, uint64_t paddr, uint64_t len)
{
    return trace_paddr(t) < paddr + len && paddr < trace_paddr(t) + t->off;
}

bool trace_runs(const struct cpu *c, uint64_t paddr, uint64_t len)
{
    if (!c->insn) return false;
    const struct insn *t = insn_header(c->insn);
    bool crosses = (trace_paddr(t) & (PAGE_SIZE - 1)) + t->off > PAGE_SIZE;
    return t->key == NO_KEY || crosses || overlaps(t, paddr, len);
}

static bool is_dead(const struct traces *all, const struct insn *t)
{
    return t->key == NO_KEY || (t->owner && all->arena[t->owner].key == NO_KEY);
}

/* Kills what overlaps in one list and takes all dead ones out of it: were there any? */
static bool drop_overlapping(struct cpu *c, uint32_t *link, uint64_t paddr, uint64_t len)
{
    struct traces *all = c->traces;
    bool any = false;
    while (*link) {
        struct insn *t = all->arena + *link;
        if (t->key != NO_KEY && overlaps(t, paddr, len) && !trace_patch(c, t, paddr, len))
            trace_kill(c, t);
        if (is_dead(all, t)) {
            *link = t->next_in_page;
            any = true;
        } else {
            link = &t->next_in_page;
        }
    }
    return any;
}

static unsigned first_reaching(const struct code_page *p, unsigned block)
{
    return block > p->reach ? block - p->reach : 0;
}

/* Which blocks from `first` to `last` hold code? */
static uint64_t live_blocks(const struct cpu *c, const struct code_page *p, unsigned first,
                            unsigned last)
{
    uint64_t live = 0;
    for (unsigned block = first_reaching(p, first); block <= last; block++)
        for (uint32_t at = p->first[block]; at; at = c->traces->arena[at].next_in_page) {
            const struct insn *t = c->traces->arena + at;
            if (!is_dead(c->traces, t)) live |= blocks_of(trace_paddr(t) & (PAGE_SIZE - 1), t->off);
        }
    return live;
}

static void page_written(struct cpu *c, uint64_t paddr, uint64_t len)
{
    struct code_page *p = *page_slot(c, paddr & PAGE_MASK);
    uint64_t offset = paddr & (PAGE_SIZE - 1), gone = blocks_of(offset, len);
    if (!p || !(p->blocks & gone)) return;
    p->stores++;
    const struct insn *running = c->insn ? insn_header(c->insn) : NULL;
    bool scratch = running && in_scratch(c, running);      /* not in the list: its blocks stay */
    if (scratch && overlaps(running, paddr, len)) attention(c);
    for (unsigned block = first_reaching(p, block_of(offset)); block <= block_of(offset + len - 1);
         block++)
        if (drop_overlapping(c, &p->first[block], paddr, len))
            gone |= block_bits(block, block + p->reach);
    if (scratch) return;
    unsigned first = (unsigned)__builtin_ctzll(gone),
             last = BLOCKS - 1 - (unsigned)__builtin_clzll(gone);
    p->blocks = (p->blocks & ~gone) | (live_blocks(c, p, first, last) & gone);
    if (!p->blocks) memory_set_code(c->memory, p->page, false);
}

void traces_written(struct cpu *c, uint64_t paddr, uint64_t len)
{
    while (len) {
        uint64_t part = PAGE_SIZE - (paddr & (PAGE_SIZE - 1));
        if (part > len) part = len;
        page_written(c, paddr, part);
        paddr += part;
        len -= part;
    }
}

/* ---- building -------------------------------------------------------------------------------- */
const struct insn *traces_unlinked(const struct cpu *c, int64_t offset)
{
    return c->traces->arena + (offset >= 0 && offset < PAGE_SIZE ? UNLINKED : OTHER_PAGE);
}

/* Behind the few records of a trace that crosses into the page of `x`. */
static struct insn *add_stub(struct cpu *c, struct insn *trace, const struct extent *x)
{
    struct insn *stub = trace + STUB;
    *stub = (struct insn){ .key = x->second << 8, .n = TRACE_DEAD, .off = x->second_bytes,
                           .owner = (uint32_t)(trace - c->traces->arena) };
    page_add(c, stub, x->second, stub->off);
    return stub;
}

static struct insn *build_at(struct cpu *c, uint64_t paddr, uint64_t limit, bool plain)
{
    struct traces *t = c->traces;
    bool whole = limit >= TRACE_MAX && memory_page(c->memory, paddr).read;
    if (limit >= TRACE_MAX) limit = TRACE_MAX - 1;
    if (t->used + PROFILE_RECORDS > TRACE_RECORDS) traces_flush(c);
    const struct code_page *page = *page_slot(c, paddr & PAGE_MASK);
    struct extent x = { .max = whole ? TRACE_MAX : (unsigned)limit, .whole = whole,
                        .plain = plain || !whole, .may_jump = !page || page->stores < STORES_MANY,
                        .room = c->mode & MODE_LONG ? ~0ull
                                : (uint64_t)c->seg[CS].limit + 1 - c->rip };
    struct insn *header = t->arena + (whole ? t->used : SCRATCH);
    *header = (struct insn){ .key = paddr << 8 | c->mode | (x.plain ? TRACE_PLAIN : 0) };
    unsigned records = trace_build(c, header, paddr, &x);
    t->built++;
    if (!page_add(c, header, paddr, x.bytes) || !whole) return header;
    t->hash[trace_hash(header->key)] = (uint32_t)(header - t->arena);
    t->used += records;
    if (x.second_bytes) t->used = (uint32_t)(add_stub(c, header, &x) - t->arena) + 1;
    return header;
}

static struct insn *find(const struct traces *t, uint64_t key)
{
    struct insn *found = t->arena + t->hash[trace_hash(key)];
    return found->key == key ? found : NULL;
}

static bool fits(const struct cpu *c, const struct insn *t, uint64_t limit)
{
    return t && (uint64_t)t->n <= limit && trace_in_limit(c, t);
}

/* Code that runs for the first time may never run again, or be written to: it gets a plain trace,
 * quickly made. Nothing links to that, so each run of it comes here and is counted. The plain trace
 * stays beside the long one, for stops in the midst of that. */
const struct insn *trace_at(struct cpu *c, uint64_t limit)
{
    struct traces *t = c->traces;
    if (!(c->mode & MODE_LONG) && c->rip > c->seg[CS].limit) fault_error(c, VEC_GP, 0);
    uint64_t paddr = tlb_fetch(c, code_laddr(c)), key = paddr << 8 | c->mode;
    const struct insn *found = find(t, key);
    t->lookups++;
    if (fits(c, found, limit)) return found;
    struct insn *plain = find(t, key | TRACE_PLAIN);
    if (!fits(c, plain, limit))            /* there is one: CS's limit cuts it */
        return build_at(c, paddr, plain && limit >= TRACE_MAX ? TRACE_MAX - 1 : limit, true);
    if (found || limit < TRACE_MAX || ++plain->dst < TRACE_WARM) return plain;
    return build_at(c, paddr, limit, false);
}

void trace_link(struct cpu *c, const struct insn *from, const struct insn *header)
{
    const struct insn *source = insn_header(from);
    if (in_scratch(c, from) || in_scratch(c, header) || source->key == NO_KEY) return;
    uint64_t target = (source->key >> 8) + (uint64_t)(int64_t)from->disp;
    if (header->key != (target << 8 | (source->key & 0xFF & ~(uint64_t)TRACE_PLAIN))) return;
    if ((header->key ^ source->key) >> (8 + PAGE_BITS)) return;
    ((struct insn *)(uintptr_t)from)->link = (int32_t)((const char *)header - (const char *)from);
}
