/* SPDX-License-Identifier: MIT
 * What random programs start from: integers and floating-point numbers of all kinds, with many
 * corners, in registers and memory.
 */
#include <string.h>
#include "tests/cpu/fuzz_values.h"

uint64_t fuzz_value(struct fuzz_random *r)
{
    static const uint64_t corners[] = {
        0,          1,          2,          0x7F,       0x80,       0xFF,
        0x7FFF,     0x8000,     0xFFFF,     0x7FFFFFFF, 0x80000000, 0xFFFFFFFF,
        0xFFFFFF80, 0xFFFF8000, 1ull << 63, ~0ull >> 1, ~0ull,      31,
        32,         33,         63,         64,         65,         0x8080808080808080};
    if (fuzz_chance(r, 35)) return corners[fuzz_below(r, COUNT_OF(corners))];
    return fuzz_random(r) >> (fuzz_chance(r, 50) ? fuzz_below(r, 64) : 0);
}

static uint32_t float_value(struct fuzz_random *r)
{
    static const uint32_t corners[] = {0,          0x80000000, 1,          0x80000001, 0x007FFFFF,
                                       0x00800000, 0x3F800000, 0xBF800000, 0x7F7FFFFF, 0x7F800000,
                                       0xFF800000, 0x7FC00000, 0x7F800001, 0xFFBFFFFF, 0x4F000000,
                                       0xCF000000, 0x5F000000, 0xDF000000, 0x3F000000, 0x4B000001};
    if (fuzz_chance(r, 40)) return corners[fuzz_below(r, COUNT_OF(corners))];
    uint32_t v = (uint32_t)fuzz_random(r);
    if (fuzz_chance(r, 60)) v = (v & 0x807FFFFF) | (0x3F800000 + ((fuzz_below(r, 60) - 30u) << 23));
    if (fuzz_chance(r, 30)) v &= ~0u << fuzz_below(r, 23);
    return v;
}
static uint64_t double_value(struct fuzz_random *r)
{
    static const uint64_t corners[] = {0,
                                       1ull << 63,
                                       1,
                                       0x000FFFFFFFFFFFFF,
                                       1ull << 52,
                                       0x3FFull << 52,
                                       0xBFFull << 52,
                                       0x7FEFFFFFFFFFFFFF,
                                       0x7FFull << 52,
                                       0xFFFull << 52,
                                       0x7FF8ull << 48,
                                       0x7FF0000000000001,
                                       0xFFF7FFFFFFFFFFFF,
                                       0x41E0ull << 48,
                                       0xC1E0ull << 48,
                                       0x43E0ull << 48,
                                       0xC3E0ull << 48,
                                       0x41DFFFFFFFC00000,
                                       0x36A0ull << 48,
                                       0x47EFFFFFF0000000};
    if (fuzz_chance(r, 40)) return corners[fuzz_below(r, COUNT_OF(corners))];
    uint64_t v = fuzz_random(r);
    if (fuzz_chance(r, 60))
        v = (v & ~(0x7FFull << 52)) | (uint64_t)(0x3FF - 80 + fuzz_below(r, 160)) << 52;
    if (fuzz_chance(r, 30)) v &= ~0ull << fuzz_below(r, 52);
    return v;
}
/* Normal numbers of all sizes, integers, and the corners of the 80-bit format. */
static void extended_value(struct fuzz_random *r, uint8_t to[10])
{
    static const uint16_t exponents[] = {0,      1,      0x7FFF, 0x7FFE, 0x3FFF,
                                         0x3FFE, 0x400E, 0x403E, 0x3C01, 0x43FE};
    static const uint64_t mantissas[] = {
        0, 1, 1ull << 63, ~0ull, 3ull << 62, (1ull << 63) + 1, ~0ull >> 1};
    uint64_t m = fuzz_chance(r, 30) ? mantissas[fuzz_below(r, COUNT_OF(mantissas))]
                               : fuzz_random(r) | 1ull << 63;
    unsigned e = fuzz_chance(r, 30) ? exponents[fuzz_below(r, COUNT_OF(exponents))]
                                    : 0x3FFF - 70 + fuzz_below(r, 140);
    if (fuzz_chance(r, 20)) m &= ~0ull << fuzz_below(r, 64);
    fuzz_put64(to, m, 8);
    fuzz_put64(to + 8, e | fuzz_below(r, 2) << 15, 2);
}

/* Mostly aligned, as SSE wants it. */
uint32_t fuzz_data_address(struct fuzz_random *r, enum fuzz_mode mode)
{
    uint32_t at = 0x400 + fuzz_below(r, ARENA_DATA_LEN - 0x800);
    if (fuzz_chance(r, 60)) at &= ~15u;
    return at + (mode == CODE16 ? 0 : ARENA_DATA);
}

void gen_memory(uint64_t seed, uint8_t *to, size_t len)
{
    struct fuzz_random r = {seed * 0x1000003};
    for (size_t n = 0; n + 16 <= len; n += 16) {
        unsigned kind = fuzz_below(&r, 8);
        for (unsigned k = 0; k < 4; k++)
            fuzz_put64(to + n + 4 * k, kind < 5 ? fuzz_value(&r) : float_value(&r), 4);
        if (kind == 4) {
            uint64_t wide = fuzz_value(&r);
            fuzz_put64(to + n + 8 * fuzz_below(&r, 2), wide, 8);
        }
        for (unsigned k = 0; kind >= 6 && k < 16; k += 8)
            fuzz_put64(to + n + k, double_value(&r), 8);
        if (kind == 5) extended_value(&r, to + n + fuzz_below(&r, 7));
    }
}

/* ---- registers ------------------------------------------------------------------------------- */
static unsigned general_registers(struct fuzz_random *r, enum fuzz_mode mode, struct outcome *o)
{
    unsigned pointers = 0;
    unsigned count = mode == CODE64 ? 16 : 8;
    for (unsigned n = 0; n < count; n++) {
        bool pointer = fuzz_chance(r, 55);
        o->gpr[n] = pointer ? fuzz_data_address(r, mode) : fuzz_value(r);
        if (mode != CODE64) o->gpr[n] = (uint32_t)o->gpr[n];
        if (pointer) pointers |= 1u << n;
    }
    if (fuzz_chance(r, 60)) o->gpr[1] = fuzz_below(r, 40); /* counts */
    uint32_t sp = 0x800 + fuzz_below(r, 0x1000);
    if (fuzz_chance(r, 80)) sp &= ~7u;
    o->gpr[4] = sp + (mode == CODE16 ? UPPER_SP : ARENA_STACK);
    o->rip = PROGRAM_AT + (mode == CODE16 ? 0 : ARENA_CODE);
    o->rflags = 0x202 | (fuzz_below(r, 0x1000) & (EFL_ALL | (fuzz_chance(r, 30) ? 0x400 : 0)));
    if (fuzz_chance(r, 5)) o->rflags |= 1u << 18; /* AC */
    if (fuzz_chance(r, 3)) o->rflags |= EFL_TF;
    if (fuzz_chance(r, 3)) o->rflags |= 1u << 14;  /* NT */
    if (fuzz_chance(r, 10)) o->rflags |= 1u << 21; /* ID */
    return pointers & ~(1u << 4);
}
static void x87_registers(struct fuzz_random *r, struct outcome *o)
{
    o->fcw = (uint16_t)(0x40 | fuzz_below(r, 4) << 8 | fuzz_below(r, 4) << 10 |
                        (fuzz_chance(r, 75) ? 0x3F : fuzz_below(r, 64)));
    o->fsw = (uint16_t)(fuzz_below(r, 8) << 11);
    if (fuzz_chance(r, 20))
        o->fsw |= (uint16_t)((fuzz_random(r) & 0x4700) | (fuzz_below(r, 64) & o->fcw));
    if (fuzz_chance(r, 3)) o->fsw |= (uint16_t)fuzz_below(r, 64);
    if (o->fsw & ~o->fcw & 0x3F) o->fsw |= 0x8080;
    o->tags = (uint8_t)(fuzz_chance(r, 30)   ? fuzz_below(r, 256)
                        : fuzz_chance(r, 50) ? 0xFFu
                                        : 0xFFu << fuzz_below(r, 5));
    for (unsigned n = 0; n < 8; n++) extended_value(r, o->st[n]);
}
static void sse_registers(struct fuzz_random *r, enum fuzz_mode mode, struct outcome *o)
{
    for (unsigned n = 0; n < (mode == CODE64 ? 16 : 8); n++) {
        unsigned kind = fuzz_below(r, 3);
        for (unsigned k = 0; k < 16; k += 8)
            fuzz_put64(o->xmm[n] + k,
                  kind == 0   ? fuzz_value(r)
                  : kind == 1 ? double_value(r)
                              : float_value(r) | (uint64_t)float_value(r) << 32,
                  8);
    }
    o->mxcsr = 0x1F80 | fuzz_below(r, 4) << 13;
    if (fuzz_chance(r, 15)) o->mxcsr |= 1u << 15;
    if (fuzz_chance(r, 15)) o->mxcsr |= 1u << 6;
    if (fuzz_chance(r, 10)) o->mxcsr &= ~(fuzz_below(r, 64) << 7);
    if (fuzz_chance(r, 20)) o->mxcsr |= fuzz_below(r, 64);
}

unsigned gen_registers(struct fuzz_random *r, enum fuzz_mode mode, struct outcome *o)
{
    memset(o, 0, sizeof *o);
    unsigned pointers = general_registers(r, mode, o);
    x87_registers(r, o);
    sse_registers(r, mode, o);
    return pointers;
}
