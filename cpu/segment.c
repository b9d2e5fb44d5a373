/* SPDX-License-Identifier: MIT
 * Segment registers and descriptors: fetching, checking, loading.
 * SDM vol. 3, 3.4 and 5.4-5.7; vol. 3, 20.1 (real-address mode).
 */
#include "cpu/protect.h"

/* ---- the register's hidden part -------------------------------------------------------------- */
void segment_derive(struct segment *s)
{
    bool code = s->access & ACCESS_CODE, rw = s->access & ACCESS_RW;
    bool usable = (s->access & (ACCESS_S | ACCESS_P)) == (ACCESS_S | ACCESS_P);
    s->rights = !usable ? 0 : code ? (rw ? SEG_READ : 0) : rw ? SEG_READ | SEG_WRITE : SEG_READ;
    s->first = 0;
    s->last = s->limit;
    s->flat = 0;
    if (!code && s->access & ACCESS_DC) {                /* expand-down: SDM vol. 3, 5.3 */
        s->first = (uint64_t)s->limit + 1;
        s->last = s->access & ACCESS_DB ? 0xFFFFFFFF : 0xFFFF;
    } else if (s->limit == 0xFFFFFFFF) {
        /* An operand may wrap around 4 GiB: left to the processor (SDM vol. 3, 5.3). */
        s->last = 1ull << 33;
        if (s->base == 0)
            s->flat = s->rights == (SEG_READ | SEG_WRITE) ? SEG_FLAT | SEG_FLAT_DATA : SEG_FLAT;
    } else if (s->limit == 0xFFFF && !(s->base & 15) && s->rights == (SEG_READ | SEG_WRITE)) {
        s->flat = SEG_WORD;
    }
}

struct segment segment_make(uint16_t selector, struct descriptor d)
{
    uint32_t limit = (d.low & 0xFFFF) | (d.high & 0xF0000);
    struct segment s = {
        .base = d.low >> 16 | (d.high & 0xFF) << 16 | (d.high & 0xFF000000),
        .selector = selector,
        .access = (uint16_t)(d.high >> 8 & 0xF0FF),
    };
    if (desc_is_segment(d)) s.access |= ACCESS_A;
    s.limit = s.access & ACCESS_G ? limit << 12 | 0xFFF : limit;
    segment_derive(&s);
    return s;
}

const struct segment *segment_remember(struct segment_memo *m, uint16_t selector,
                                       struct descriptor d)
{
    m->from = d;
    m->made = segment_make(selector, d);
    m->loads = 0;
    return &m->made;
}

void segment_null(struct segment *s, uint16_t selector)
{
    *s = (struct segment){ .selector = selector };
    segment_derive(s);
}

/* ---- descriptor tables ----------------------------------------------------------------------- */
void check_code(struct cpu *c, uint16_t selector, struct descriptor d)
{
    if (!desc_is_code(d)) fault_selector(c, VEC_GP, selector, "not a code segment");
    if (is_long(c) && (d.high >> 21 & 3) == 3)
        fault_selector(c, VEC_GP, selector, "code segment with L and D");
}

struct descriptor descriptor_need_code(struct cpu *c, uint16_t selector)
{
    struct descriptor d = descriptor_need(c, selector, VEC_GP);
    check_code(c, selector, d);
    return d;
}

uint64_t descriptor_upper(struct cpu *c, uint16_t selector, enum vector vector)
{
    uint64_t base = selector_is_local(selector) ? c->ldtr.base : c->gdt.base;
    uint32_t limit = selector_is_local(selector) ? c->ldtr.limit : c->gdt.limit;
    if ((selector | 7u) + 8 > limit)
        fault_selector(c, vector, selector,
                       "16-byte descriptor beyond the descriptor table's limit");
    uint64_t upper = table_load(c, base, (selector & 0xFFF8u) + 8, 8);
    if (upper >> 40 & 31)
        fault_selector(c, vector, selector, "upper half of a descriptor has a type");
    return upper;
}

void segment_widen(struct cpu *c, struct segment *s, enum vector vector)
{
    if (!is_long(c)) return;
    s->base |= descriptor_upper(c, s->selector, vector) << 32;
    if (!is_canonical(s->base)) fault_selector(c, vector, s->selector, "base is not canonical");
}

void descriptor_mark(struct cpu *c, uint16_t selector, struct descriptor d, uint8_t bits, bool on)
{
    uint8_t old = desc_access(d), now = (uint8_t)(on ? old | bits : old & ~bits);
    uint64_t base;
    if (old != now && descriptor_table(c, selector, &base))
        table_store(c, base, (selector & 0xFFF8u) + 5, now, 1);
}

/* ---- data and stack segments ----------------------------------------------------------------- */
static void check_stack(struct cpu *c, uint16_t selector, struct descriptor d)
{
    if ((selector & 3) != c->cpl || desc_dpl(d) != c->cpl)
        fault_selector(c, VEC_GP, selector, "stack segment of another ring");
    if (!desc_is_writable(d)) fault_selector(c, VEC_GP, selector, "stack segment not writable");
    if (!desc_present(d)) fault_selector(c, VEC_SS, selector, "stack segment not present");
}

static void check_data(struct cpu *c, uint16_t selector, struct descriptor d)
{
    if (!desc_is_readable(d)) fault_selector(c, VEC_GP, selector, "not a readable segment");
    if (!desc_is_conforming(d) && ((selector & 3u) > desc_dpl(d) || c->cpl > desc_dpl(d)))
        fault_selector(c, VEC_GP, selector, "data segment of an inner ring");
    if (!desc_present(d)) fault_selector(c, VEC_NP, selector, "data segment not present");
}

/* SS may be null in 64-bit code of rings 0-2 (SDM vol. 2, MOV). */
static bool may_be_null(const struct cpu *c, enum seg seg, uint16_t selector)
{
    return seg != SS || (c->mode & MODE_LONG && c->cpl < 3 && (selector & 3) == c->cpl);
}

/* The mode depends on which segments are flat, on CS, and on the size of SS. */
static void load(struct cpu *c, enum seg seg, const struct segment *from)
{
    bool same = seg >= FS || (seg != SS && c->seg[seg].flat == from->flat);
    c->seg[seg] = *from;
    if (!same) mode_changed(c);
}

/* As load_checked() for a data segment that it has seen before: the same
 * selector and descriptor. */
static inline bool load_known(struct cpu *c, enum seg seg, uint16_t selector)
{
    struct descriptor d;
    if (selector_is_null(selector) || seg == SS || !descriptor_load(c, selector, &d)) return false;
    const struct segment_memo *m = segment_memo(c, selector, d);
    if (!segment_known(m, selector, d) || !(m->loads >> c->cpl & 1)) return false;
    load(c, seg, &m->made);
    return true;
}

static void load_checked(struct cpu *c, enum seg seg, uint16_t selector)
{
    if (selector_is_null(selector) && may_be_null(c, seg, selector)) {
        load(c, seg, segment_made(c, selector, (struct descriptor){ 0, 0 }));
        return;
    }
    struct descriptor d = descriptor_need(c, selector, VEC_GP);
    if (seg == SS) check_stack(c, selector, d);
    else check_data(c, selector, d);
    descriptor_mark(c, selector, d, ACCESS_A, true);
    load(c, seg, segment_made(c, selector, d));
    if (seg != SS && d.high >> 8 & ACCESS_A)
        segment_memo(c, selector, d)->loads |= (uint8_t)(1u << c->cpl);
}

void segment_load(struct cpu *c, enum seg seg, uint16_t selector)
{
    if (is_real_like(c)) {
        segment_load_real(c, seg, selector);
        mode_changed(c);
    } else if (!load_known(c, seg, selector)) {
        load_checked(c, seg, selector);
    }
}

/* Real-address mode leaves limit and size as protected mode left them ("unreal" mode; SDM vol. 3,
 * 9.9.2), virtual-8086 mode fixes them (20.2.1). A null register becomes usable again. */
void segment_load_real(struct cpu *c, enum seg seg, uint16_t selector)
{
    struct segment *s = &c->seg[seg];
    uint16_t data = ACCESS_P | ACCESS_S | ACCESS_RW | ACCESS_A;
    if (is_vm86(c) || !(s->access & ACCESS_P)) {
        s->limit = 0xFFFF;
        s->access = 0;
    }
    s->access = (uint16_t)((s->access & ~0xFF) | data | (is_vm86(c) ? 3 << ACCESS_DPL_SHIFT : 0));
    s->selector = selector;
    s->base = (uint32_t)selector << 4;
    segment_derive(s);
}

/* The selector becomes null and the register unusable;
 * its base stays, and FS and GS go on having one in 64-bit mode. */
void segments_hide(struct cpu *c)
{
    static const enum seg data[] = { ES, FS, GS, DS };
    for (unsigned n = 0; n < COUNT_OF(data); n++) {
        struct segment *s = &c->seg[data[n]];
        bool conforming = s->access & ACCESS_CODE && s->access & ACCESS_DC;
        unsigned dpl = s->access >> ACCESS_DPL_SHIFT & 3;
        if (conforming || dpl >= c->cpl || selector_is_null(s->selector)) continue;
        uint64_t base = s->base;
        segment_null(s, 0);
        s->base = base;
    }
}

/* ---- system segments ------------------------------------------------------------------------- */
void ldtr_load(struct cpu *c, uint16_t selector, enum vector vector)
{
    if (selector_is_null(selector)) {
        segment_null(&c->ldtr, selector);
        return;
    }
    if (selector_is_local(selector)) fault_selector(c, vector, selector, "LDT selector in the LDT");
    struct descriptor d = descriptor_need(c, selector, vector);
    if (desc_is_segment(d) || desc_type(d) != TYPE_LDT)
        fault_selector(c, vector, selector, "not an LDT");
    if (!desc_present(d))
        fault_selector(c, vector == VEC_TS ? VEC_TS : VEC_NP, selector, "LDT not present");
    struct segment ldtr = segment_make(selector, d);
    segment_widen(c, &ldtr, vector);
    c->ldtr = ldtr;
}

struct descriptor tss_need(struct cpu *c, uint16_t selector, enum vector vector, bool busy)
{
    if (selector_is_local(selector)) fault_selector(c, vector, selector, "TSS selector in the LDT");
    struct descriptor d = descriptor_need(c, selector, vector);
    unsigned want = busy ? TYPE_TSS16 | TYPE_BUSY : TYPE_TSS16, narrow = is_long(c) ? 0 : TYPE_WIDE;
    if (is_long(c)) want |= TYPE_WIDE;
    if (desc_is_segment(d) || (desc_type(d) & ~narrow) != want)
        fault_selector(c, vector, selector, busy ? "not a busy TSS" : "not an available TSS");
    if (!desc_present(d)) fault_selector(c, VEC_NP, selector, "TSS not present");
    return d;
}

/* ---- stacks ---------------------------------------------------------------------------------- */
static struct stack stack_make(struct cpu *c, uint16_t selector, struct descriptor d, uint64_t sp,
                               unsigned ring)
{
    const struct segment *ss = segment_made(c, selector, d);
    return (struct stack){ .ss = ss, .sp = sp, .mask = stack_mask_of(ss), .user = ring == 3 };
}

/* SS is null in 64-bit mode; descriptor 0 makes just that. */
static struct stack stack_null(struct cpu *c, uint16_t selector, uint64_t sp)
{
    const struct segment *ss = segment_made(c, selector, (struct descriptor){ 0, 0 });
    return (struct stack){ .ss = ss, .sp = sp, .mask = ~0ull, .wide = true };
}

/* A stack pointer of a 64-bit TSS (SDM vol. 3, figure 7-11). */
static uint64_t tss_stack(struct cpu *c, unsigned at)
{
    if (at + 7 > c->tr.limit)
        fault_selector(c, VEC_TS, c->tr.selector, "the TSS ends before the stack pointer");
    return table_load(c, c->tr.base, at, 8);
}
uint64_t stack_of_ist(struct cpu *c, unsigned n) { return tss_stack(c, 0x1C + n * 8); }
/* SS becomes null with the new ring as RPL. */
static struct stack stack_of_ring64(struct cpu *c, unsigned ring)
{
    return stack_null(c, (uint16_t)ring, tss_stack(c, 4 + ring * 8));
}

/* SDM vol. 3, 7.2: SS0 at 8 and ESP0 at 4 of a 32-bit TSS,
 * SS0 at 4 and SP0 at 2 of a 16-bit one. */
struct stack stack_of_ring(struct cpu *c, unsigned ring)
{
    if (is_long(c)) return stack_of_ring64(c, ring);
    unsigned size = c->tr.access & TYPE_WIDE ? 4 : 2, at = size + ring * 2 * size;
    if (at + size + 1 > c->tr.limit)
        fault_selector(c, VEC_TS, c->tr.selector, "the TSS ends before the ring's stack");
    uint64_t sp = table_load(c, c->tr.base, at, size);
    uint16_t selector = (uint16_t)table_load(c, c->tr.base, at + size, 2);
    struct descriptor d = descriptor_need(c, selector, VEC_TS);
    if ((selector & 3u) != ring || desc_dpl(d) != ring)
        fault_selector(c, VEC_TS, selector, "the TSS names a stack of another ring");
    if (!desc_is_writable(d))
        fault_selector(c, VEC_TS, selector, "the TSS names a stack that is not writable");
    if (!desc_present(d))
        fault_selector(c, VEC_SS, selector, "the ring's stack segment is not present");
    descriptor_mark(c, selector, d, ACCESS_A, true);
    struct stack s = stack_make(c, selector, d, sp, ring);
    s.error = selector & 0xFFFCu;
    return s;
}

struct stack stack_outer(struct cpu *c, uint16_t selector, uint64_t sp, unsigned ring, bool wide)
{
    if (wide && selector_is_null(selector) && ring < 3) return stack_null(c, selector, sp);
    struct descriptor d = descriptor_need(c, selector, VEC_GP);
    if ((selector & 3u) != ring || desc_dpl(d) != ring)
        fault_selector(c, VEC_GP, selector, "return to a stack of another ring");
    if (!desc_is_writable(d))
        fault_selector(c, VEC_GP, selector, "return to a stack that is not writable");
    if (!desc_present(d))
        fault_selector(c, VEC_SS, selector, "return to a stack that is not present");
    descriptor_mark(c, selector, d, ACCESS_A, true);
    struct stack s = stack_make(c, selector, d, sp, ring);
    s.wide = wide;
    if (wide) s.mask = ~0ull;
    return s;
}

static inline uint64_t stack_laddr(struct cpu *c, const struct stack *s, uint64_t sp, unsigned size,
                                   unsigned need)
{
    if (s->wide) {
        if (!is_canonical(sp) || !is_canonical(sp + size - 1))
            fault_selector(c, VEC_SS, (uint16_t)s->error, "stack pointer is not canonical");
        return sp;
    }
    if (!(s->ss->rights & need) || sp < s->ss->first || sp + size - 1 > s->ss->last)
        fault_selector(c, VEC_SS, (uint16_t)s->error, "no room on the stack");
    return laddr_wrap(c, s->ss->base + sp);
}

void stack_store(struct cpu *c, struct stack s, uint64_t to, uint64_t value, unsigned size)
{
    ring_store(c, stack_laddr(c, &s, to, size, SEG_WRITE), value, size, stack_set(c, &s));
}

uint64_t stack_load(struct cpu *c, struct stack s, uint64_t from, unsigned size)
{
    return ring_load(c, stack_laddr(c, &s, from, size, SEG_READ), size, stack_set(c, &s));
}
