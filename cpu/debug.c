/* SPDX-License-Identifier: MIT
 * Debug registers: what the breakpoints watch, and the debug exceptions they make.
 * SDM vol. 3, 17.2 (registers, figure 17-1), 17.3.1 (#DB).
 *
 *   DR7   31-30 29-28 ... 17-16      13   9   8   7   6  ...  1   0
 *         LEN3  R/W3      R/W0       GD   GE  LE  G3  L3      G0  L0
 *   LEN: 1, 2, 8, 4 bytes.  R/W: 0 execution, 1 store, 2 I/O (CR4.DE), 3 load or store
 *
 * Nobody asks per access: a page with a data breakpoint gets slow TLB tags, so that its accesses
 * come by tlb.c; a page with an instruction breakpoint gets no ITLB tag, so that the run loop sees
 * each of its instructions; ports ask when an I/O breakpoint is on.
 *
 * DR6.B0-B3 tell of enabled breakpoints only (17.2.3 leaves the others open).
 */
#include "cpu/debug.h"

enum { BREAKPOINTS = 4, KIND_CODE = 0, KIND_STORE = 1, KIND_IO = 2 };

static unsigned kind_of(const struct cpu *c, unsigned n) { return c->dr[7] >> (16 + 4 * n) & 3; }

/* The low bits of the address do not count (17.2.5). */
static uint64_t length_of(const struct cpu *c, unsigned n)
{
    static const uint8_t length[4] = { 1, 2, 8, 4 };
    return length[c->dr[7] >> (18 + 4 * n) & 3];
}
static uint64_t start_of(const struct cpu *c, unsigned n)
{
    return c->dr[n] & ~(length_of(c, n) - 1);
}

void debug_changed(struct cpu *c)
{
    bool paged = c->watch.code | c->watch.load | c->watch.store;
    memset(&c->watch, 0, sizeof c->watch);
    for (unsigned n = 0; n < BREAKPOINTS; n++) {
        uint8_t bit = c->dr[7] >> 2 * n & 3 ? (uint8_t)(1 << n) : 0;
        switch (kind_of(c, n)) {
        case KIND_CODE: c->watch.code |= bit; break;
        case KIND_STORE: c->watch.store |= bit; break;
        case KIND_IO: if (c->cr4 & CR4_DE) c->watch.io |= bit; break;
        default: c->watch.load |= bit; c->watch.store |= bit;
        }
    }
    if (paged || c->watch.code | c->watch.load | c->watch.store) tlb_flush(c, false);
    attention(c);
}

/* Which breakpoints of a set meet [at, at + size). */
static unsigned hits(const struct cpu *c, unsigned set, uint64_t at, uint64_t size)
{
    unsigned found = 0;
    for (unsigned n = 0; n < BREAKPOINTS; n++) {
        uint64_t start = start_of(c, n);
        if (set >> n & 1 && (at - start < length_of(c, n) || start - at < size)) found |= 1u << n;
    }
    return found;
}

static void earn_trap(struct cpu *c, unsigned found)
{
    if (!found) return;
    c->trap |= found;
    attention(c);
}

bool debug_watches_data(const struct cpu *c, uint64_t laddr)
{
    unsigned set = c->watch.load | c->watch.store;
    return set && hits(c, set, laddr & PAGE_MASK, PAGE_SIZE);
}

void debug_access(struct cpu *c, uint64_t laddr, unsigned size, bool store)
{
    earn_trap(c, hits(c, store ? c->watch.store : c->watch.load, laddr, size));
}

void debug_port(struct cpu *c, uint16_t port, unsigned size)
{
    earn_trap(c, hits(c, c->watch.io, port, size));
}

/* Only the address of the first byte counts, prefixes included (17.2.5). */
unsigned debug_code(const struct cpu *c, uint64_t laddr)
{
    unsigned found = 0;
    for (unsigned n = 0; n < BREAKPOINTS; n++)
        if (c->watch.code >> n & 1 && c->dr[n] == laddr) found |= 1u << n;
    return found;
}

bool debug_watches_code(const struct cpu *c, uint64_t laddr)
{
    return c->watch.code && hits(c, c->watch.code, laddr & PAGE_MASK, PAGE_SIZE);
}

/* B0-B3 are replaced, the others collect (17.2.3). */
void debug_report(struct cpu *c, uint32_t bits)
{
    c->dr[6] = (c->dr[6] & ~0xFull) | bits;
}
