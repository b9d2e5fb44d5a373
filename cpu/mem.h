/* SPDX-License-Identifier: MIT
 * How the CPU's handlers reach memory: segment check, TLB hit in line, everything else out of line.
 * All functions may fault (and then do not return): c->insn must be set. Values are little-endian.
 */
#pragma once
#include <string.h>
#include "cpu/insn.h"

enum access { ACCESS_LOAD = 0, ACCESS_STORE = 1, ACCESS_FETCH = 2 };

/* Out of line (tlb.c): misaligned, page crossing, MMIO, not in the TLB. set: whose access.
 * size: 1, 2, 4, 8 bytes. */
uint64_t mem_load_slow(struct cpu *, uint64_t laddr, unsigned size, enum tlb_set);
void     mem_store_slow(struct cpu *, uint64_t laddr, uint64_t value, unsigned size, enum tlb_set);
/* Faults unless [laddr, laddr + size) may be stored to: before a
 * read-modify-write or several stores. */
void     mem_probe_store(struct cpu *, uint64_t laddr, unsigned size, enum tlb_set);
/* Host address of [laddr, end of its page) if it is plain memory, else NULL.
 * Faults like a load would. */
uint8_t *mem_host_load(struct cpu *, uint64_t laddr);
/* The same to store `len` bytes, in one page that is RAM and dirty. If it holds code,
 * then *code becomes its address and traces_written() is due after the stores; NULL if
 * that is the code that runs. */
#define CODE_NONE (~0ull)
uint8_t *mem_host_overwrite(struct cpu *, uint64_t laddr, uint64_t len, uint64_t *code);

static inline uint64_t host_load(const void *p, unsigned size)
{
    uint8_t b; uint16_t w; uint32_t d; uint64_t q;
    switch (size) {
    case 1: memcpy(&b, p, 1); return b;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    case 2: memcpy(&w, p, 2); return w;
    case 4: memcpy(&d, p, 4); return d;
    default: memcpy(&q, p, 8); return q;
#else
    case 2: memcpy(&w, p, 2); return __builtin_bswap16(w);
    case 4: memcpy(&d, p, 4); return __builtin_bswap32(d);
    default: memcpy(&q, p, 8); return __builtin_bswap64(q);
#endif
    }
}

static inline void host_store(void *p, uint64_t value, unsigned size)
{
    uint8_t b = (uint8_t)value; uint16_t w = (uint16_t)value; uint32_t d = (uint32_t)value;
#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
    w = __builtin_bswap16(w); d = __builtin_bswap32(d); value = __builtin_bswap64(value);
#endif
    switch (size) {
    case 1: memcpy(p, &b, 1); break;
    case 2: memcpy(p, &w, 2); break;
    case 4: memcpy(p, &d, 4); break;
    default: memcpy(p, &value, 8); break;
    }
}

#define PAGE_MASK (~(uint64_t)(PAGE_SIZE - 1))

static inline struct tlb_entry *tlb_slot(struct tlb_entry *set, uint64_t laddr)
{
    return &set[laddr >> PAGE_BITS & (TLB_SIZE - 1)];
}
static inline bool tlb_hit(uint64_t tag, uint64_t laddr, unsigned size)
{
    return (laddr & (PAGE_MASK | (size - 1))) == tag;
}

/* A misaligned access that stays in the page hits, too, where nothing checks alignment (#AC). */
static inline bool tlb_in_page(uint64_t tag, uint64_t laddr, unsigned size)
{
    return (laddr & PAGE_MASK) == tag && (laddr & (PAGE_SIZE - 1)) <= PAGE_SIZE - size;
}
static inline bool checks_alignment(const struct cpu *c)
{
    return c->flags & FLAG_AC && c->cr0 & CR0_AM && c->cpl == 3;
}

/* ---- linear addresses, at the current privilege ---------------------------------------------- */
static inline uint64_t lin_load(struct cpu *c, uint64_t laddr, unsigned size)
{
    struct tlb_entry *e = tlb_slot(c->tlb, laddr);
    if (likely(tlb_hit(e->read, laddr, size)))
        return host_load((void *)(e->host + (uintptr_t)laddr), size);
    return mem_load_slow(c, laddr, size, c->tlb_set);
}

static inline void lin_store(struct cpu *c, uint64_t laddr, uint64_t value, unsigned size)
{
    struct tlb_entry *e = tlb_slot(c->tlb, laddr);
    if (likely(tlb_hit(e->write, laddr, size)))
        host_store((void *)(e->host + (uintptr_t)laddr), value, size);
    else
        mem_store_slow(c, laddr, value, size, c->tlb_set);
}

/* ---- linear addresses as supervisor: descriptor tables, TSS ---------------------------------- */
static inline uint64_t sys_load(struct cpu *c, uint64_t laddr, unsigned size)
{
    return mem_load_slow(c, laddr, size, SET_SYSTEM);
}
static inline void sys_store(struct cpu *c, uint64_t laddr, uint64_t value, unsigned size)
{
    mem_store_slow(c, laddr, value, size, SET_SYSTEM);
}

/* Bits 63-47 alike (SDM vol. 1, 3.3.7.1). */
static inline bool is_canonical(uint64_t laddr)
{
    return (uint64_t)((int64_t)(laddr << 16) >> 16) == laddr;
}

/* ---- segment:offset -------------------------------------------------------------------------- */
static inline uint64_t laddr_wrap(const struct cpu *c, uint64_t laddr)
{
    return c->mode & MODE_LONG ? laddr : (uint32_t)laddr;
}

/* In 64-bit mode only FS and GS have a base, and nothing a limit or rights (SDM vol. 3, 3.2.4). */
static inline uint64_t seg_laddr_long(struct cpu *c, enum seg seg, uint64_t offset, unsigned size)
{
    uint64_t laddr = seg >= FS ? c->seg[seg].base + offset : offset;
    if (unlikely(!is_canonical(laddr) || !is_canonical(laddr + size - 1))) fault_segment(c, seg);
    return laddr;
}

/* Linear address of size bytes at seg:offset after the limit and rights check.
 * need: SEG_READ | SEG_WRITE. */
static inline uint64_t seg_laddr(struct cpu *c, enum seg seg, uint64_t offset, unsigned size,
                                 unsigned need)
{
    const struct segment *s = &c->seg[seg];
    if (c->mode & MODE_LONG) return seg_laddr_long(c, seg, offset, size);
    if (unlikely((s->rights & need) != need || offset < s->first || offset + (size - 1) > s->last ||
                 offset + (size - 1) < offset))
        fault_segment(c, seg);
    return laddr_wrap(c, s->base + offset);
}
static inline uint64_t seg_load(struct cpu *c, enum seg seg, uint64_t offset, unsigned size)
{
    return lin_load(c, seg_laddr(c, seg, offset, size, SEG_READ), size);
}
static inline void seg_store(struct cpu *c, enum seg seg, uint64_t offset, uint64_t value,
                             unsigned size)
{
    lin_store(c, seg_laddr(c, seg, offset, size, SEG_WRITE), value, size);
}

/* ---- the memory operand of a record, any mode ------------------------------------------------ */
static inline uint64_t insn_ea(const struct cpu *c, const struct insn *i)
{
    static const uint64_t mask[4] = { 0xFFFF, 0xFFFFFFFF, ~0ull, ~0ull };
    return (c->gpr[i->base] + (c->gpr[i->index] << i->scale) + (uint64_t)(int64_t)i->disp) &
           mask[i->asize & 3];
}
static inline uint64_t insn_load(struct cpu *c, const struct insn *i, unsigned size)
{
    return seg_load(c, i->seg, insn_ea(c, i), size);
}
static inline void insn_store(struct cpu *c, const struct insn *i, uint64_t value, unsigned size)
{
    seg_store(c, i->seg, insn_ea(c, i), value, size);
}

/* ---- the stack ------------------------------------------------------------------------------- */
/* push/pop on a private copy of the stack pointer, so that nothing changes before the last fault:
 *     uint64_t sp = c->gpr[RSP];  stack_push(c, &sp, value, 4);  stack_commit(c, sp); */
static inline void stack_push(struct cpu *c, uint64_t *sp, uint64_t value, unsigned size)
{
    uint64_t to = (*sp - size) & c->stack_mask;
    seg_store(c, SS, to, value, size);
    *sp = to;
}
static inline uint64_t stack_pop(struct cpu *c, uint64_t *sp, unsigned size)
{
    uint64_t value = seg_load(c, SS, *sp & c->stack_mask, size);
    *sp = (*sp + size) & c->stack_mask;
    return value;
}
static inline void stack_commit(struct cpu *c, uint64_t sp)
{
    c->gpr[RSP] = (c->gpr[RSP] & ~c->stack_mask) | (sp & c->stack_mask);
}
