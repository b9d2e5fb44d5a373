/* SPDX-License-Identifier: MIT
 * What operation bodies share: the memory operand in flat mode, and table rows of families.
 */
#pragma once
#include "cpu/mem.h"
#include "cpu/opcodes.h"

/* Flat 32-bit segments and addresses: the offset is the linear address. A TLB miss of any kind goes
 * on in the twin that can do everything (segments, MMIO, page ends, faults). */
static inline uint32_t flat_laddr(const struct cpu *c, const struct insn *i)
{
    return (uint32_t)c->gpr[i->base] + ((uint32_t)c->gpr[i->index] << i->scale) + (uint32_t)i->disp;
}
/* The same in 64-bit mode. A non-canonical address is no page's tag, so it is a miss, too. */
static inline uint64_t long_laddr(const struct cpu *c, const struct insn *i)
{
    return c->gpr[i->base] + (c->gpr[i->index] << i->scale) + (uint64_t)(int64_t)i->disp;
}
/* 16-bit code on segments as in real mode: an operand that is not wholly inside is misaligned,
 * so it is a miss. */
static inline uint64_t word_laddr(const struct cpu *c, const struct insn *i)
{
    return c->seg[i->seg].base +
           (uint16_t)(c->gpr[i->base] + c->gpr[i->index] + (uint64_t)(int64_t)i->disp);
}
#define FLAT_AT(p, tag, laddr, size, twin)                                  \
    const struct tlb_entry *entry_ = tlb_slot(c->tlb, laddr);               \
    if (unlikely(!tlb_hit(entry_->tag, laddr, size))) TAIL twin(c, i);      \
    void *p = (void *)(entry_->host + (uintptr_t)(laddr))
/* A form with a memory operand at `laddr`: the body of a pair of handlers that FLAT_TWINS makes,
 * with the suffixes f for flat 32-bit, l for 64-bit and w for 16-bit addresses. */
#define AT_LADDR(op, form)                                                                    \
    static inline __attribute__((always_inline)) const struct insn *H(op, form##_at)(         \
        struct cpu *c, const struct insn *i, uint64_t laddr)
#define FLAT_TWINS(op, form)                                                                  \
    HANDLER(op, form##f) { return H(op, form##_at)(c, i, flat_laddr(c, i)); }                 \
    HANDLER(op, form##l) { return H(op, form##_at)(c, i, long_laddr(c, i)); }                 \
    HANDLER(op, form##w) { return H(op, form##_at)(c, i, word_laddr(c, i)); }
/* The same for operands on a flat stack: `mask` cuts the stack pointer to its size. */
#define ON_STACK(op, form)                                                                    \
    static inline __attribute__((always_inline)) const struct insn *H(op, form##_on)(         \
        struct cpu *c, const struct insn *i, uint64_t mask, uint64_t base)
#define STACK_TWINS(op, form)                                                                 \
    HANDLER(op, form##f) { return H(op, form##_on)(c, i, 0xFFFFFFFF, 0); }                    \
    HANDLER(op, form##l) { return H(op, form##_on)(c, i, ~0ull, 0); }                         \
    HANDLER(op, form##w) { return H(op, form##_on)(c, i, 0xFFFF, c->seg[SS].base); }
/* `sp` is within the mask; a 16-bit one leaves the rest of ESP alone. */
static inline __attribute__((always_inline)) void sp_set(struct cpu *c, uint64_t sp, uint64_t mask)
{
    if (mask == 0xFFFF) reg16_set(c, RSP, (uint16_t)sp);
    else c->gpr[RSP] = sp;
}

/* A read-modify-write operand in any mode: host address,
 * or NULL after a check that a store can follow. */
static inline void *rmw_begin(struct cpu *c, uint64_t laddr, unsigned size)
{
    const struct tlb_entry *e = tlb_slot(c->tlb, laddr);
    if (likely(tlb_hit(e->write, laddr, size))) return (void *)(e->host + (uintptr_t)laddr);
    mem_probe_store(c, laddr, size, c->tlb_set);
    return NULL;
}
static inline uint64_t rmw_load(struct cpu *c, void *host, uint64_t laddr, unsigned size)
{
    return host ? host_load(host, size) : lin_load(c, laddr, size);
}
static inline void rmw_store(struct cpu *c, void *host, uint64_t laddr, uint64_t value,
                             unsigned size)
{
    if (host) host_store(host, value, size);
    else lin_store(c, laddr, value, size);
}
static inline uint64_t insn_laddr(struct cpu *c, const struct insn *i, unsigned size, unsigned need)
{
    return seg_laddr(c, i->seg, insn_ea(c, i), size, need);
}

/* Rows of a family: handlers of one form for the four widths. */
#define W4(op, form)   { op##_##form##_8, op##_##form##_16, op##_##form##_32, op##_##form##_64 }
#define W3(op, form)   { NULL, op##_##form##_16, op##_##form##_32, op##_##form##_64 }
/* The four columns of a form with a memory operand: flat, any, 64-bit, 16-bit. */
#define M4(op, form)   { W4(op, form##f), W4(op, form##g), W4(op, form##l), W4(op, form##w) }
#define M3(op, form)   { W3(op, form##f), W3(op, form##g), W3(op, form##l), W3(op, form##w) }
