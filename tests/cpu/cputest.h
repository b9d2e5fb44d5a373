/* SPDX-License-Identifier: MIT
 * What the parts of vitro-cputest share: a CPU with memory, totals, and reading of little-endian
 * files.
 */
#pragma once
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cpu/cpu.h"

#define CPUTEST_RAM (16u << 20)

/* One form (opcode) of a file, or one x87 instruction. */
struct tally { unsigned passed, failed, excepted; };
struct totals { unsigned long passed, failed, excepted; unsigned files, bad_files; };

struct cputest {
    struct memory *memory;
    struct cpu    *cpu;
    struct totals  total;
    bool chained;                  /* through cached whole traces instead of exact stops */
    bool table;                    /* print every form, not only those that failed        */
    bool all;                      /* print every failing case, not only a form's first   */
};

struct input { const uint8_t *at, *end; bool bad; };
static inline uint64_t get(struct input *in, unsigned n)
{
    uint64_t v = 0;
    if ((size_t)(in->end - in->at) < n) {
        in->bad = true;
        return 0;
    }
    for (unsigned k = 0; k < n; k++) v |= (uint64_t)in->at[k] << 8 * k;
    in->at += n;
    return v;
}
static inline void get_block(struct input *in, void *to, size_t room, size_t n)
{
    uint8_t *bytes = to;
    for (size_t k = 0; k < n && !in->bad; k++) {
        uint8_t b = (uint8_t)get(in, 1);
        if (k < room) bytes[k] = b;
    }
}

static inline void tally_add(struct cputest *t, const char *cpu, const char *form,
                             const char *mnemonic, const struct tally *n)
{
    t->total.passed += n->passed;
    t->total.failed += n->failed;
    t->total.excepted += n->excepted;
    if (!t->table && !n->failed) return;
    printf("%-8s %-8s %-16s %6u passed %6u failed", cpu, form, mnemonic, n->passed, n->failed);
    if (n->excepted) printf(" %4u documented", n->excepted);
    printf("\n");
}

/* data: the whole file, magic included. False: not (all) of this format; the file is counted bad.
 */
bool sst_file(struct cputest *, const char *path, const uint8_t *data, size_t len);
bool x87v_file(struct cputest *, const char *path, const uint8_t *data, size_t len);
