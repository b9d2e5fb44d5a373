/* SPDX-License-Identifier: MIT
 * A random program as a whole: its bytes, and which flags are undefined where.
 */
#include <string.h>
#include "tests/cpu/fuzz_case.h"

static bool program_jumps(const struct program *p)
{
    for (unsigned k = 0; k < p->n; k++)
        if (p->insn[k].indirect) return true;
    return false;
}
/* With branches only forwards, a set that only grows where paths meet is enough. Behind indirect
 * branches anything may have come before. */
bool program_flags(const struct program *p, uint16_t undefined[PROGRAM_MAX + 1])
{
    uint16_t arriving[PROGRAM_MAX + 1] = {0}, all = 0;
    bool indirect = program_jumps(p);
    for (unsigned k = 0; k < p->n; k++) all |= p->insn[k].undefs;
    for (unsigned k = 0; k < p->n; k++) {
        const struct fuzz_insn *i = &p->insn[k];
        undefined[k] = indirect ? all : arriving[k];
        if (i->reads & undefined[k]) return false;
        uint16_t after = (uint16_t)((undefined[k] & ~i->sets) | i->undefs);
        if (i->target >= 0) arriving[i->target] |= after;
        arriving[k + 1] |= after;
    }
    undefined[p->n] = indirect ? EFL_ALL : arriving[p->n]; /* or into the middle of one */
    return true;
}

unsigned program_bytes(const struct program *p, uint8_t *to, uint16_t start[PROGRAM_MAX + 1])
{
    unsigned len = 0;
    for (unsigned k = 0; k < p->n; k++) {
        start[k] = (uint16_t)len;
        memcpy(to + len, p->insn[k].bytes, p->insn[k].len);
        len += p->insn[k].len;
    }
    start[p->n] = (uint16_t)len;
    for (unsigned k = 0; k < p->n; k++) {
        const struct fuzz_insn *i = &p->insn[k];
        if (i->target < 0) continue;
        unsigned end = start[k] + i->len;
        fuzz_put64(to + end - i->rel, start[i->target] - end, i->rel);
    }
    return len;
}

void program_remove(struct program *p, unsigned k)
{
    for (unsigned j = k; j + 1 < p->n; j++) p->insn[j] = p->insn[j + 1];
    p->n--;
    for (unsigned j = 0; j < p->n; j++)
        if (p->insn[j].target > (int)k) p->insn[j].target--;
}
