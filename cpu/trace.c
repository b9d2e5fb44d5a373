/* SPDX-License-Identifier: MIT
 * Building, finding and dropping traces. See trace.h for the idea, insn.h for the records.
 *
 *   arena:  [unlinked] [other page] [scratch ...] [trace] [trace] [stub] [trace] ...
 *
 * Traces of a physical page hang in a list from its code_page. A store into a page with code asks the
 * page's 64 blocks of 64 bytes first and walks the list only when a block with code is hit. An
 * instruction that crosses a page end is a trace of its own; a stub in the second page's list stands
 * for it there, and its first record checks that the second page is still the same.
 */
#include <stdlib.h>
#include "cpu/decode.h"
#include "cpu/families.h"
#include "cpu/fuse.h"
#include "cpu/tlb.h"
#include "cpu/trace.h"

enum { UNLINKED, OTHER_PAGE, SCRATCH, FIRST_FREE = SCRATCH + TRACE_MAX + 8, PAGE_BUCKETS = 4096 };
#define NO_KEY (~0ull)

struct code_page {
    struct code_page *next;
    uint64_t page;                 /* physical */
    uint64_t blocks;               /* bit n: bytes 64 n .. 64 n + 63 hold code */
    uint32_t first;                /* header; 0 ends the list */
};

/* ---- the arena ---------------------------------------------------------------------------------------- */
bool traces_init(struct cpu *c)
{
    struct traces *t = c->traces = calloc(1, sizeof *t);
    if (!t) return false;
    t->arena = calloc(TRACE_RECORDS, sizeof *t->arena);
    t->hash = calloc(TRACE_HASH, sizeof *t->hash);
    t->pages = calloc(PAGE_BUCKETS, sizeof *t->pages);
    if (!t->arena || !t->hash || !t->pages) return false;
    for (unsigned n = 0; n < FIRST_FREE; n++) t->arena[n] = (struct insn){ .key = NO_KEY, .n = TRACE_DEAD };
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
    t->used = FIRST_FREE;
    t->flushed++;
    c->link_from = NULL;
}

static bool in_scratch(const struct cpu *c, const struct insn *i)
{
    return i >= c->traces->arena + SCRATCH && i < c->traces->arena + FIRST_FREE;
}

/* ---- pages with code --------------------------------------------------------------------------------- */
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

static uint64_t blocks_of(uint64_t offset, uint64_t len)
{
    unsigned first = (unsigned)(offset >> 6) & 63, last = (unsigned)((offset + len - 1) >> 6);
    if (last > 63) last = 63;
    return (~0ull << first) & (~0ull >> (63 - last));
}

static uint64_t trace_paddr(const struct insn *t) { return t->key >> 8; }

/* Enters a header (or stub) of `len` bytes at paddr into its page's list. */
static bool page_add(struct cpu *c, struct insn *t, uint64_t paddr, unsigned len)
{
    struct code_page *p = page_get(c, paddr);
    if (!p) return false;
    p->blocks |= blocks_of(paddr & (PAGE_SIZE - 1), len);
    if (!in_scratch(c, t)) {
        t->next_in_page = p->first;
        p->first = (uint32_t)(t - c->traces->arena);
    }
    return true;
}

/* ---- dropping ------------------------------------------------------------------------------------------- */
/* A dead trace keeps its records, so that a handler that runs in it can finish its instruction. The
 * trace that is running keeps its n too, for the account of time, until the run loop is reached. */
static void kill_trace(struct cpu *c, struct insn *t)
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

static void page_written(struct cpu *c, uint64_t paddr, uint64_t len)
{
    struct traces *all = c->traces;
    struct code_page *p = *page_slot(c, paddr & PAGE_MASK);
    if (!p || !(p->blocks & blocks_of(paddr & (PAGE_SIZE - 1), len))) return;
    const struct insn *running = c->insn ? insn_header(c->insn) : NULL;
    bool scratch = running && in_scratch(c, running);      /* not in the list: its blocks stay */
    if (scratch && overlaps(running, paddr, len)) attention(c);
    uint64_t blocks = scratch ? p->blocks : 0;
    for (uint32_t *link = &p->first; *link;) {
        struct insn *t = all->arena + *link;
        if (t->key != NO_KEY && overlaps(t, paddr, len)) kill_trace(c, t);
        if (t->key == NO_KEY || (t->owner && all->arena[t->owner].key == NO_KEY)) {
            *link = t->next_in_page;
        } else {
            blocks |= blocks_of(trace_paddr(t) & (PAGE_SIZE - 1), t->off);
            link = &t->next_in_page;
        }
    }
    p->blocks = blocks;
    if (!blocks) memory_set_code(c->memory, p->page, false);
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

/* ---- building ---------------------------------------------------------------------------------------------- */
struct builder {
    struct cpu *c;
    struct insn *header;
    uint64_t paddr;                /* of the first byte */
    uint64_t room;                 /* bytes up to CS's limit */
    unsigned n, off, slot, max;
    unsigned length;               /* bytes from the first to the last one, in any order */
    bool     ended;
    struct decoded info[TRACE_MAX];
    int8_t   out[TRACE_MAX];       /* condition of a branch in the midst, -1: none */
};

static struct insn *append(struct builder *b)
{
    struct insn *i = b->header + ++b->slot;
    i->slot = (uint8_t)b->slot;
    i->off = (uint16_t)b->off;
    i->pos = (uint8_t)b->n;
    return i;
}

/* Goes on behind a conditional branch: most are not taken. One that leads back into the trace closes a
 * loop: goes on there, if there is room for the whole body, and leaves by the end of the loop. */
static void stay(struct builder *b, struct insn *i)
{
    int cc = branch_out(b->info[b->n - 1].op, i);
    if (cc < 0) return;
    b->ended = false;
    i->imm = 0;
    for (const struct insn *head = b->header + 1; head <= i; head++) {
        if (head->off != i->disp || (unsigned)(i - head) + 1 + b->n > b->max) continue;
        branch_turn(i, cc);
        i->disp = (int32_t)b->off;
        b->off = head->off;
        cc ^= 1;
        break;
    }
    b->out[b->n - 1] = (int8_t)cc;
}

static void append_decoded(struct builder *b, const struct insn *decoded, const struct decoded *d)
{
    struct insn *i = b->header + b->slot + 1;
    *i = *decoded;
    append(b);
    if (d->relative) {
        /* signed distance from the trace's start to the target */
        i->disp = (int32_t)((uint32_t)b->off + i->len + i->imm);
        int64_t at = (int64_t)(b->paddr & (PAGE_SIZE - 1)) + i->disp;
        i->link = (int32_t)(b->c->traces->arena + (at >= 0 && at < PAGE_SIZE ? UNLINKED : OTHER_PAGE) - i);
    }
    if (i->base == REG_RIP) i->disp += (int32_t)(b->off + i->len);       /* of the next instruction */
    b->out[b->n] = -1;
    b->info[b->n++] = *d;
    b->off += i->len;
    if (b->off > b->length) b->length = b->off;
    b->ended = d->traits & T_END;
    if (b->ended && d->relative) stay(b, i);
}

/* Every trace ends with a record that goes on behind it: for traces without a branch, for untaken
 * branches (which follow its link themselves), and for exact stops. */
static void append_end(struct builder *b, bool stop)
{
    struct insn *i = append(b);
    const struct family *f = stop ? &family_stop_here : &family_next_trace;
    unsigned mode = b->c->mode;
    i->exec = f->h[K_NONE][mode & MODE_FLAT ? 0 : mode & MODE_LONG && !stop ? 2 : 1][2];
    i->len = 0;
    i->disp = (int32_t)b->off;
    bool same = (b->paddr & (PAGE_SIZE - 1)) + b->off < PAGE_SIZE;
    i->link = (int32_t)(b->c->traces->arena + (same ? UNLINKED : OTHER_PAGE) - i);
}

/* Flags that are overwritten before anybody can look need not be made. */
static void drop_dead_flags(struct builder *b)
{
    bool live = true;
    for (unsigned n = b->n; n-- > 0;) {
        struct insn *i = b->header + 1 + n;
        const struct decoded *d = &b->info[n];
        if (d->reg_form && d->quiet) {
            if (!live) i->exec = d->quiet;
            if (d->traits & T_SETS) live = d->traits & T_LIVE;
        } else if (d->reg_form && d->traits & T_SETS) {
            live = d->traits & T_LIVE;
        } else if (!(d->reg_form && d->traits & T_PURE)) {
            live = true;
        }
    }
}

/* Branches in the midst: what they give back, and one record for a comparison and its branch. */
static void finish_branches(struct builder *b)
{
    for (unsigned n = 0; n < b->n; n++) {
        struct insn *i = b->header + 1 + n;
        if (b->out[n] < 0) continue;
        i->imm = b->n - (i->pos + 1);
        exec_fn *both = n ? fuse(b->info[n - 1].op, i - 1, b->out[n]) : NULL;
        if (both) i[-1].exec = both;
    }
}

/* An instruction that crosses into the next page: is that still the page it was decoded from? */
static const struct insn *check_second_page(struct cpu *c, const struct insn *i)
{
    uint64_t second = laddr_wrap(c, (code_laddr(c) & PAGE_MASK) + PAGE_SIZE);
    c->budget += insn_header(i)->n;                        /* a page fault here is the instruction's own */
    uint64_t paddr = tlb_fetch(c, second);
    c->budget -= insn_header(i)->n;
    if (paddr == i->imm64) NEXT(c, i);
    c->budget += insn_header(i)->n;
    kill_trace(c, (struct insn *)(uintptr_t)insn_header(i));
    LEAVE(c);
}

/* Bytes at the trace's start that reach into the next page; returns how many are to be had. */
static size_t crossing_bytes(struct builder *b, uint8_t bytes[INSN_MAX], uint64_t *second)
{
    struct cpu *c = b->c;
    size_t first = PAGE_SIZE - (b->paddr & (PAGE_SIZE - 1)), n = INSN_MAX < b->room ? INSN_MAX : (size_t)b->room;
    for (size_t k = 0; k < n; k++) {
        uint64_t at = b->paddr + k;
        if (k >= first) {
            if (k == first) *second = tlb_fetch(c, laddr_wrap(c, (code_laddr(c) & PAGE_MASK) + PAGE_SIZE));
            at = *second + (k - first);
        }
        bytes[k] = (uint8_t)memory_read(c->memory, at, BYTE);
    }
    return n;
}

static void build_crossing(struct builder *b, struct insn **stub)
{
    uint8_t bytes[INSN_MAX];
    struct insn decoded;
    struct decoded d;
    uint64_t second = 0;
    size_t n = crossing_bytes(b, bytes, &second);
    unsigned len = decode(b->c->model, b->c->mode, bytes, n, &decoded, &d);
    if (!len) fault_error(b->c, VEC_GP, 0);                /* over CS's limit */
    size_t first = PAGE_SIZE - (b->paddr & (PAGE_SIZE - 1));
    if (len > first) {
        struct insn *i = append(b);
        i->exec = check_second_page;
        i->imm64 = second;
        *stub = b->header + 8;                             /* behind the few records of this trace */
        **stub = (struct insn){ .key = second << 8, .n = TRACE_DEAD, .off = (uint16_t)(len - first),
                                .owner = (uint32_t)(b->header - b->c->traces->arena) };
    }
    append_decoded(b, &decoded, &d);
}

static void build(struct builder *b, struct insn **stub)
{
    struct cpu *c = b->c;
    const uint8_t *page = memory_page(c->memory, b->paddr).read;
    uint64_t at = b->paddr & (PAGE_SIZE - 1);
    struct insn decoded;
    struct decoded d;
    while (page && b->n < b->max && !b->ended && at + b->off < PAGE_SIZE && b->off < b->room) {
        uint64_t avail = PAGE_SIZE - at - b->off;
        if (avail > b->room - b->off) avail = b->room - b->off;
        if (!decode(c->model, c->mode, page + at + b->off, avail, &decoded, &d)) break;
        append_decoded(b, &decoded, &d);
    }
    if (!b->n) {
        build_crossing(b, stub);
        return;
    }
    drop_dead_flags(b);
    finish_branches(b);
}

static struct insn *build_at(struct cpu *c, uint64_t paddr, uint64_t limit)
{
    struct traces *t = c->traces;
    bool whole = limit >= TRACE_MAX && memory_page(c->memory, paddr).read;
    if (limit >= TRACE_MAX) limit = TRACE_MAX - 1;
    if (t->used + TRACE_MAX + 16 > TRACE_RECORDS) traces_flush(c);
    struct builder b = { .c = c, .paddr = paddr, .max = whole ? TRACE_MAX : (unsigned)limit,
                         .room = c->mode & MODE_LONG ? ~0ull : (uint64_t)c->seg[CS].limit + 1 - c->rip };
    b.header = t->arena + (whole ? t->used : SCRATCH);
    *b.header = (struct insn){ .key = paddr << 8 | c->mode };
    struct insn *stub = NULL;
    build(&b, &stub);
    append_end(&b, b.n >= b.max && !b.ended && !whole);
    b.header->n = (int32_t)b.n;
    b.header->off = (uint16_t)b.length;
    t->built++;
    if (!page_add(c, b.header, paddr, b.length)) return b.header;
    if (!whole) return b.header;
    t->used += stub ? 9 : b.slot + 1;
    t->hash[trace_hash(b.header->key)] = (uint32_t)(b.header - t->arena);
    if (stub) page_add(c, stub, stub->key >> 8, stub->off);
    return b.header;
}

const struct insn *trace_at(struct cpu *c, uint64_t limit)
{
    struct traces *t = c->traces;
    if (!(c->mode & MODE_LONG) && c->rip > c->seg[CS].limit) fault_error(c, VEC_GP, 0);
    uint64_t paddr = tlb_fetch(c, code_laddr(c)), key = paddr << 8 | c->mode;
    const struct insn *found = t->arena + t->hash[trace_hash(key)];
    t->lookups++;
    if (found->key == key && (uint64_t)found->n <= limit && trace_in_limit(c, found)) return found;
    if (found->key == key && limit >= TRACE_MAX) limit = TRACE_MAX - 1;     /* CS's limit cuts it */
    return build_at(c, paddr, limit);
}

void trace_link(struct cpu *c, const struct insn *from, const struct insn *header)
{
    const struct insn *source = insn_header(from);
    if (in_scratch(c, from) || in_scratch(c, header) || source->key == NO_KEY) return;
    uint64_t target = (source->key >> 8) + (uint64_t)(int64_t)from->disp;
    if (header->key != (target << 8 | (source->key & 0xFF))) return;
    if ((header->key ^ source->key) >> (8 + PAGE_BITS)) return;
    ((struct insn *)(uintptr_t)from)->link = (int32_t)(header - from);
}
