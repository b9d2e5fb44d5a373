/* SPDX-License-Identifier: MIT
 * Building traces: which instructions stand in one, and what the finished trace does not need.
 *
 * A trace goes on where control most probably goes: behind a conditional branch, at the target of a
 * jump that is near, and once more round a loop that leads back into it. So offsets in it need not
 * ascend; each record has its own. A plain trace ends at the first branch.
 */
#include "cpu/build.h"
#include "cpu/decode.h"
#include "cpu/families.h"
#include "cpu/fuse.h"
#include "cpu/profile.h"
#include "cpu/special.h"
#include "cpu/tlb.h"

/* A jump over more bytes than this ends a trace: a store to them would drop it. */
#define JUMP_GAP 64

struct builder {
    struct cpu *c;
    struct insn *header;
    uint64_t paddr;                /* of the first byte */
    struct extent *extent;
    unsigned n, off, slot;         /* instructions, offset of the next one, records */
    bool     ended;
    struct decoded info[TRACE_MAX + 1];        /* by slot */
    int8_t   out[TRACE_MAX + 1];   /* condition of a branch in the midst, -1: none */
};

static struct insn *append(struct builder *b)
{
    struct insn *i = b->header + ++b->slot;
    i->slot = (uint8_t)b->slot;
    i->off = (uint16_t)b->off;
    i->pos = (uint8_t)b->n;
    return i;
}

/* ---- branches -------------------------------------------------------------------------------- */
static int32_t first_link(const struct builder *b, const struct insn *i, int64_t disp)
{
    const struct insn *t = traces_unlinked(b->c, (int64_t)(b->paddr & (PAGE_SIZE - 1)) + disp);
    return (int32_t)((const char *)t - (const char *)i);
}

static bool in_page(const struct builder *b, int32_t disp)
{
    return (b->paddr & (PAGE_SIZE - 1)) + (uint64_t)(int64_t)disp < PAGE_SIZE;
}

/* Goes on at offset `to` if an instruction of this trace is there and there is room
 * for all up to here once more. */
static bool again(struct builder *b, int32_t to)
{
    for (unsigned slot = 1; slot <= b->slot; slot++) {
        const struct insn *head = b->header + slot;
        if (head->off != to || b->n + b->n - head->pos > b->extent->max) continue;
        b->off = head->off;
        return true;
    }
    return false;
}

static void jump(struct builder *b, struct insn *i)
{
    bool near = i->disp >= (int32_t)b->off && i->disp < (int32_t)b->off + JUMP_GAP &&
                b->extent->may_jump && (uint64_t)i->disp < b->extent->room;
    if (b->extent->plain || b->n >= b->extent->max || !in_page(b, i->disp)) return;
    if (near) b->off = (unsigned)i->disp;
    else if (!again(b, i->disp)) return;
    b->slot--;                                             /* no record: only its time passes */
    b->ended = false;
}

/* Most branches are not taken; but one that closes a loop is. */
static void branch(struct builder *b, struct insn *i, int cc)
{
    unsigned behind = b->off;
    b->out[b->slot] = (int8_t)cc;
    i->imm = 0;
    if (b->extent->plain) return;
    b->ended = false;
    if (again(b, i->disp)) {
        branch_turn(i, cc);
        i->disp = (int32_t)behind;
        i->link = first_link(b, i, behind);
        b->out[b->slot] = (int8_t)(cc ^ 1);
    }
}

static void relative(struct builder *b, struct insn *i, const struct op *op)
{
    /* signed distance from the trace's start to the target */
    i->disp = (int32_t)((uint32_t)i->off + i->len + i->imm);
    i->link = first_link(b, i, i->disp);
    if (!in_page(b, i->disp)) i->exec = branch_out_of_page(i->exec);
    int cc = branch_out(op, i);
    if (cc >= 0) branch(b, i, cc);
    else if (is_jump(i)) jump(b, i);
}

static void append_decoded(struct builder *b, const struct insn *decoded, const struct decoded *d)
{
    struct insn *i = b->header + b->slot + 1;
    *i = *decoded;
    append(b);
    b->info[b->slot] = *d;
    b->out[b->slot] = -1;
    b->n++;
    b->off += i->len;
    if (i->base == REG_RIP) i->disp += (int32_t)b->off;    /* of the next instruction */
    if (b->off > b->extent->bytes) b->extent->bytes = b->off;
    b->ended = d->traits & T_END;
    if (d->relative) relative(b, i, d->op);
}

/* Every trace ends with a record that goes on behind it: for traces without a branch, for untaken
 * branches, and for exact stops. */
static void append_end(struct builder *b)
{
    struct insn *i = append(b);
    bool stop = b->n >= b->extent->max && !b->ended && !b->extent->whole;
    const struct family *f = stop ? &family_stop_here : &family_next_trace;
    unsigned mode = b->c->mode;
    i->exec = f->h[K_NONE][mode & MODE_FLAT ? 0 : mode & MODE_LONG && !stop ? 2 : 1][2];
    i->len = 0;
    i->disp = (int32_t)b->off;
    i->link = first_link(b, i, i->disp);
}

/* ---- finishing ------------------------------------------------------------------------------- */
/* Flags that are overwritten before anybody can look need not be made. */
static void drop_dead_flags(struct builder *b)
{
    bool live = true;
    for (unsigned slot = b->slot; slot > 0; slot--) {
        struct insn *i = b->header + slot;
        const struct decoded *d = &b->info[slot];
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
    for (unsigned slot = 1; slot <= b->slot; slot++) {
        struct insn *i = b->header + slot;
        if (b->out[slot] < 0) continue;
        i->imm = b->n - (i->pos + 1);
        exec_fn *both = slot > 1 ? fuse(b->info[slot - 1].op, i - 1, b->out[slot]) : NULL;
        if (!both) continue;
        i[-1].exec = both;
        b->info[slot].joined = true;
    }
}

static void specialise(struct builder *b)
{
    for (unsigned slot = 1; slot <= b->slot; slot++) {
        exec_fn *f = special(b->info[slot].op->family, b->header + slot);
        if (f) b->header[slot].exec = f;
        b->info[slot].special = f;
    }
}

/* ---- page ends ------------------------------------------------------------------------------- */
/* An instruction that crosses into the next page: is that still the page it was decoded from? */
static const struct insn *check_second_page(struct cpu *c, const struct insn *i)
{
    uint64_t second = laddr_wrap(c, (code_laddr(c) & PAGE_MASK) + PAGE_SIZE);
    BEGIN(c, i);                                           /* a page fault is the instruction's */
    if (tlb_fetch(c, second) == i->imm64) NEXT(c, i);
    c->budget += insn_header(i)->n;
    c->insn = NULL;
    trace_kill(c, (struct insn *)(uintptr_t)insn_header(i));
    LEAVE(c);
}

/* Bytes at the trace's start that reach into the next page; returns how many are to be had. */
static size_t crossing_bytes(struct builder *b, uint8_t bytes[INSN_MAX], uint64_t *second)
{
    struct cpu *c = b->c;
    size_t first = PAGE_SIZE - (b->paddr & (PAGE_SIZE - 1)),
           n = INSN_MAX < b->extent->room ? INSN_MAX : (size_t)b->extent->room;
    for (size_t k = 0; k < n; k++) {
        uint64_t at = b->paddr + k;
        if (k >= first) {
            if (k == first)
                *second = tlb_fetch(c, laddr_wrap(c, (code_laddr(c) & PAGE_MASK) + PAGE_SIZE));
            at = *second + (k - first);
        }
        bytes[k] = (uint8_t)memory_read(c->memory, at, BYTE);
    }
    return n;
}

static void build_crossing(struct builder *b)
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
        b->info[b->slot] = (struct decoded){ 0 };          /* no instruction */
        i->exec = check_second_page;
        i->imm64 = second;
        b->extent->second = second;
        b->extent->second_bytes = (uint16_t)(len - first);
    }
    append_decoded(b, &decoded, &d);
}

static void build_straight(struct builder *b)
{
    struct cpu *c = b->c;
    const struct extent *x = b->extent;
    const uint8_t *page = memory_page(c->memory, b->paddr).read;
    uint64_t at = b->paddr & (PAGE_SIZE - 1);
    struct insn decoded;
    struct decoded d;
    while (page && b->n < x->max && !b->ended && at + b->off < PAGE_SIZE && b->off < x->room) {
        uint64_t avail = PAGE_SIZE - at - b->off;
        if (avail > x->room - b->off) avail = x->room - b->off;
        if (!decode(c->model, c->mode, page + at + b->off, avail, &decoded, &d)) break;
        append_decoded(b, &decoded, &d);
    }
}

unsigned trace_build(struct cpu *c, struct insn *header, uint64_t paddr, struct extent *x)
{
    struct builder b;                                      /* its arrays need not be cleared */
    b.c = c;
    b.header = header;
    b.paddr = paddr;
    b.extent = x;
    b.n = b.off = b.slot = 0;
    b.ended = false;
    build_straight(&b);
    if (b.n) {
        drop_dead_flags(&b);
        finish_branches(&b);
        if (!x->plain) specialise(&b);                     /* what runs often is worth the search */
    } else {
        build_crossing(&b);
    }
    append_end(&b);
    header->n = (int32_t)b.n;
    header->off = (uint16_t)x->bytes;
    if (unlikely(c->profiling)) return profile_trace(c, header, b.slot, b.info, !x->whole) + 1;
    return b.slot + 1;
}

/* ---- patched immediates ---------------------------------------------------------------------- */
enum { IMM32 = 4, PATCH_MAX = 8, PATCHED = 1 };    /* PATCHED: in the unused scale */

/* A register form whose last four bytes are `imm`;
 * its handler is the same for all values of that. */
static bool ends_in_imm32(const struct insn *i, const struct decoded *d)
{
    unsigned form = d->op->form;
    bool immediate = form == F_EvIz || form == F_rAXIz || form == F_ZvIv;
    return immediate && d->reg_form && insn_opsize(i) == IMM32;
}

/* The store is inside of the immediate of record i: what stands before it is as it was. */
static bool patch(struct cpu *c, const uint8_t *code, struct insn *i, uint64_t at, uint64_t len)
{
    struct insn now;
    struct decoded d;
    uint64_t end = (uint64_t)i->off + i->len;
    if (at + IMM32 < end || at + len > end) return false;
    if (i->asize & INSN_REG && i->scale == PATCHED) {
        i->imm = (uint32_t)host_load(code + end - IMM32, IMM32);
        return true;
    }
    unsigned n = decode(c->model, c->mode, code + i->off, i->len, &now, &d);
    if (n != i->len || !ends_in_imm32(&now, &d)) return false;
    i->imm = now.imm;
    i->scale = PATCHED;
    return true;
}

bool trace_patch(struct cpu *c, struct insn *header, uint64_t paddr, uint64_t len)
{
    uint64_t start = header->key >> 8, at = paddr - start;
    const uint8_t *page = memory_page(c->memory, start).read;
    bool any = false;
    if (len > PATCH_MAX || paddr < start || header->owner || !page) return false;
    for (struct insn *i = header + 1; i->len; i++) {
        if (at + len <= i->off || at >= (uint64_t)i->off + i->len) continue;
        if (!patch(c, page + (start & (PAGE_SIZE - 1)), i, at, len)) return false;
        any = true;
    }
    return any;
}
