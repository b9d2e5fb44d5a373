/* SPDX-License-Identifier: MIT
 * Page walks: what tlb.c fills its entries from. Private to cpu/.
 */
#pragma once
#include "cpu/mem.h"

struct walk {
    uint64_t paddr;                /* of the byte; A20 is not applied */
    bool     writable;             /* a store would be allowed at the privilege of this walk */
    bool     user;                 /* U/S of all levels */
    bool     global;               /* G, and CR4.PGE is set */
    bool     dirty;                /* D is set now: stores need no other walk */
    unsigned page_bits;            /* 12: 4 KiB, 21: 2 MiB, 22: 4 MiB */
};

/* Translates for a load, store or fetch (enum access) and sets A and D in memory. Only with CR0.PG.
 * What is not allowed raises #PF; so it always returns true. */
bool page_walk(struct cpu *, uint64_t laddr, unsigned access, enum tlb_set, struct walk *);

/* The translation alone, without faults or other side effects; also without paging. */
bool page_probe(const struct cpu *, uint64_t laddr, uint64_t *paddr);

/* Reads the four PDPTEs that CR3 points to; false: reserved bits are set (SDM vol. 3, 4.4.1). */
bool pdptes_read(const struct cpu *, uint64_t cr3, uint64_t to[4]);

/* The address on the pins: A20 may be held low. */
static inline uint64_t a20_mask(const struct cpu *c, uint64_t paddr)
{
    return c->a20 ? paddr : paddr & ~(1ull << 20);
}
