/* SPDX-License-Identifier: MIT
 * SSE arithmetic: the operations of both formats (op_float.inc), and the approximations of single.
 * Data sheet: Intel SDM vol. 1, 11.5; vol. 2, ADDPS ... SUBSD.
 */
#include "cpu/sse_host.h"

#define FORMAT f32
#define TYPE   u32
#define UINT   uint32_t
#define P      ps
#define S      ss
#include "cpu/op_float.inc"
#define FORMAT f64
#define TYPE   u64
#define UINT   uint64_t
#define P      pd
#define S      sd
#include "cpu/op_float.inc"

/* ---- RCPPS, RSQRTPS: relative error at most 1.5 * 2^-12, no exceptions (SDM vol. 2) ---------- */
/* Processors differ in the bits; these are the true values rounded to 12 of them. Denormals count
 * as zeros, results below the normal range are zeros. */
enum { F32_INFINITE = 0x7F800000, F32_QUIET = 0x00400000 };
#define F32_SIGN 0x80000000u

static inline uint32_t f32_make(uint32_t sign, int exp, uint32_t fraction)
{
    return exp <= 0 ? sign : sign | (uint32_t)exp << 23 | fraction;
}

/* fraction: 1.0 is 2^23; at most 2.0, which carries into the exponent. */
static uint32_t f32_short(uint32_t sign, int exp, uint32_t fraction)
{
    fraction = (fraction + (1 << 10)) & ~0x7FFu;
    if (fraction >> 24) { fraction >>= 1; exp++; }
    return f32_make(sign, exp, fraction & 0x7FFFFF);
}

static uint32_t reciprocal(uint32_t x)
{
    uint32_t sign = x & F32_SIGN, magnitude = x & ~F32_SIGN;
    if (magnitude > F32_INFINITE) return x | F32_QUIET;
    if (magnitude == F32_INFINITE) return sign;
    if (magnitude < 1 << 23) return sign | F32_INFINITE;
    uint32_t m = (x & 0x7FFFFF) | 1 << 23;
    return f32_short(sign, 253 - (int)(magnitude >> 23), (uint32_t)((1ull << 47) / m));
}

static uint32_t reciprocal_root(uint32_t x)
{
    uint32_t sign = x & F32_SIGN, magnitude = x & ~F32_SIGN;
    if (magnitude > F32_INFINITE) return x | F32_QUIET;
    if (magnitude < 1 << 23) return sign | F32_INFINITE;
    if (sign) return F32_SIGN | F32_INFINITE | F32_QUIET;
    if (magnitude == F32_INFINITE) return 0;
    int exp = (int)(magnitude >> 23) - 127;
    uint64_t m = (uint64_t)((x & 0x7FFFFF) | 1 << 23) << (exp & 1), square = (1ull << 55) / m,
             root = 0;
    for (uint64_t bit = 1 << 16; bit; bit >>= 1)           /* sqrt(2^32 / m), m in [1, 4) */
        if ((root | bit) * (root | bit) <= square) root |= bit;
    return f32_short(0, 126 - (exp >> 1), (uint32_t)root << 8);
}

#define APPROXIMATION(op, function)                                                                \
    VEC(op##ps)                                                                                    \
    {                                                                                              \
        for (unsigned n = 0; n < 4; n++) LANE(a, u32, n) = function(LANE(b, u32, n));              \
        return a;                                                                                  \
    }                                                                                              \
    VEC(op##ss)                                                                                    \
    {                                                                                              \
        LANE(a, u32, 0) = function(LANE(b, u32, 0));                                               \
        return a;                                                                                  \
    }                                                                                              \
    SIMD_V(op##ps);                                                                                \
    SIMD_V(op##ss)
APPROXIMATION(rcp, reciprocal);
APPROXIMATION(rsqrt, reciprocal_root);
