/* SPDX-License-Identifier: MIT
 * An instruction while it is decoded: what decode.c and decode_operands.c know of it.
 * Private to those two.
 */
#pragma once
#include "cpu/decode.h"

struct reader {
    const uint8_t *at;
    size_t left;
    bool   short_of;               /* ran out: more bytes are needed */
};
static inline uint64_t take(struct reader *r, unsigned n)
{
    uint64_t v = 0;
    if (r->left < n) { r->short_of = true; return 0; }
    for (unsigned k = 0; k < n; k++) v |= (uint64_t)r->at[k] << 8 * k;
    r->at += n;
    r->left -= n;
    return v;
}
static inline uint32_t take_signed(struct reader *r, unsigned n)
{
    uint64_t v = take(r, n);
    return n == 1 ? (uint32_t)(int8_t)v : n == 2 ? (uint32_t)(int16_t)v : (uint32_t)v;
}

struct work {
    struct reader r;
    struct insn  *out;
    unsigned mode;
    bool     lock, rep, repne, has66, has67;
    uint8_t  rex;
    int      seg;                  /* override, -1: none */
    unsigned asize, opsize;        /* 0 16, 1 32, 2 64; log2 bytes */
    uint16_t code;
    uint8_t  modrm;
    bool     memory;               /* ModRM with a memory operand */
    enum kind kind;
    unsigned width;                /* log2 bytes */
    const struct family *instead;  /* of the row's family: MOV with 64-bit immediate or address */
};
/* Distances from the trace's start must fit 32 bits; a trace is shorter than 64 KiB. */
#define TOO_FAR (INT32_MAX - 0x10000)

void decode_modrm(struct work *);                  /* with SIB and displacement */
void decode_operands(struct work *, enum form);    /* of general registers and memory; immediates */
void decode_simd_operands(struct work *, const struct simd_form *);
void decode_segment_operand(struct work *, const struct op *);
