/* SPDX-License-Identifier: MIT
 * The built-in profile: what is counted while a guest runs. Private to cpu/.
 *
 * Handlers count by records that stand between those of the instructions,
 * in traces that are made while a profile runs, and in no others:
 *
 *    [header] [count entry] [count] [insn 0] [count] [insn 1] ... [end]
 *
 * So a handler costs the same with and without this file. The rest is counted where the handlers
 * have left the fast path anyway, behind a test of c->profiling.
 */
#pragma once
#include "cpu/decode.h"
#include "cpu/trace.h"

/* Why the run loop came back. */
enum profile_exit {
    EXIT_NO_TRACE, EXIT_INSN, EXIT_NO_LINK, EXIT_DUE, EXIT_SLICE, EXIT_INTERRUPT, EXIT_ATTENTION,
    EXIT_SELF_MODIFIED, EXIT_REMAP, EXIT_FAULT, EXIT_STEP, EXIT_HALT, EXIT_SHUTDOWN, EXIT_COUNT
};
/* Why a load or a store could not take the fast path. */
enum profile_slow { SLOW_MISS, SLOW_CROSSING, SLOW_DEVICE, SLOW_CODE, SLOW_CLEAN, SLOW_OTHER,
                    SLOW_COUNT };

#define PROFILE_BUCKETS 1024u
#define PROFILE_PAGES   64u
/* Records of a trace with those that count. */
#define PROFILE_RECORDS (2 * TRACE_MAX + 8)

struct profile_handler {
    char     name[60];
    bool     memory;               /* has a memory operand, or uses the stack */
    uint8_t  insns;                /* a fused pair: 2 */
    uint64_t count;
    struct profile_handler *next;
};
struct profile_page { uint64_t page, loads, stores; };     /* of a device */
struct profile_port { uint64_t reads, writes, runs; };     /* runs: INS and OUTS in one go */

struct cpu_profile {
    struct profile_handler *handlers[PROFILE_BUCKETS], lost;       /* lost: no memory for more */
    uint64_t built[TRACE_MAX + 1], built_plain, built_stop;        /* long traces by length */
    uint64_t entered[TRACE_MAX + 1], entered_plain, entered_stop;
    uint64_t exits[EXIT_COUNT];
    uint64_t misses[3][2], walks;                                  /* by enum access; user? */
    uint64_t slow[2][SLOW_COUNT];                                  /* loads, stores */
    uint64_t interrupts[4][256];                                   /* by enum int_kind */
    struct profile_page pages[PROFILE_PAGES], other_pages;
    struct profile_port *ports;
    struct cpu_bus bus;                                            /* whom the ports really reach */
};

/* The finished trace, its records 1 to `slots`, gets its counting records; returns how many records
 * it has then. info: by record. stop: it was cut short for an exact stop. */
unsigned profile_trace(struct cpu *, struct insn *header, unsigned slots,
                       const struct decoded info[], bool stop);
void profile_exit(struct cpu *);
void profile_miss(struct cpu *, unsigned access, enum tlb_set);
void profile_slow(struct cpu *, uint64_t laddr, unsigned size, bool store, enum tlb_set);
void profile_interrupt(struct cpu *, uint8_t vector, enum int_kind);
void profile_free(struct cpu *);
