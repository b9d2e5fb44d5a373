/* SPDX-License-Identifier: MIT
 * Address translation caches. Private to cpu/.
 */
#pragma once
#include "cpu/mem.h"

void tlb_init(struct cpu *);
/* Physical address of the instruction byte at laddr, at the current privilege; fills the ITLB.
 * May fault. */
uint64_t tlb_fetch(struct cpu *, uint64_t laddr);
/* Takes the write permission for a physical page away: it now holds code. */
void tlb_protect(struct cpu *, uint64_t paddr);
/* The memory map changed: drops the translations to [paddr, paddr + len). */
void tlb_forget(struct cpu *, uint64_t paddr, uint64_t len);
/* Drops all write permissions: dirty bits were taken. */
void tlb_unwrite(struct cpu *);
