/* SPDX-License-Identifier: MIT
 * From bytes to a trace. Private to cpu/.
 */
#pragma once
#include "cpu/trace.h"

struct extent {
    uint64_t room;                 /* bytes up to CS's limit */
    unsigned max;                  /* instructions */
    bool     whole;                /* not cut short for an exact stop */
    bool     plain;                /* ends at the first branch */
    bool     may_jump;             /* over some bytes: they count as code, too */
    unsigned bytes;                /* made: from the first to the last one */
    uint64_t second;               /* physical page of what crosses the page's end */
    uint16_t second_bytes;         /* 0: none does */
};

/* Decodes the code at paddr (c->rip) behind `header` and returns the number of records, header
 * included. May fault (fetch from the second page). */
unsigned trace_build(struct cpu *, struct insn *header, uint64_t paddr, struct extent *);
/* After a store of a few bytes: if it changed nothing but 32-bit immediates in the trace,
 * they are taken over. */
bool trace_patch(struct cpu *, struct insn *header, uint64_t paddr, uint64_t len);
