/* SPDX-License-Identifier: MIT
 * Soft float: single and double for SSE. The arithmetic is in ieee.inc, included per format.
 */
#include "cpu/softfloat/ieee.h"
#include "cpu/softfloat/round.h"

static inline uint64_t jam64(uint64_t v, int32_t n)
{
    if (n <= 0) return v;
    if (n > 63) return v != 0;
    return v >> n | ((v << (64 - n)) != 0);
}

/* floor(sqrt(v)); the rest tells whether it is exact. */
static uint64_t root(u128 v, u128 *rest)
{
    u128 r = 0, left = 0;
    for (int n = 126; n >= 0; n -= 2) {
        left = left << 2 | (v >> n & 3);
        u128 trial = r << 2 | 1;
        r <<= 1;
        if (left >= trial) { left -= trial; r |= 1; }
    }
    *rest = left;
    return (uint64_t)r;
}

#define FORMAT   f32
#define UINT     uint32_t
#define FRACTION 23
#define EXPONENT 8
#include "cpu/softfloat/ieee.inc"
#define FORMAT   f64
#define UINT     uint64_t
#define FRACTION 52
#define EXPONENT 11
#include "cpu/softfloat/ieee.inc"

/* ---- between the formats --------------------------------------------------------------------- */
uint64_t f64_from_f32(struct ieee_env *e, uint32_t a)
{
    a = f32_flushed(e, a);
    if (f32_is_nan(a)) {
        f32_signal(e, a);
        return (uint64_t)(a >> 31) << 63 | 0x7FF8ull << 48 | (uint64_t)(a & 0x3FFFFF) << 29;
    }
    uint64_t sign = (uint64_t)(a >> 31) << 63;
    if (f32_is_infinity(a)) return sign | 0x7FFull << 52;
    struct parts p = f32_unpack(a);
    if (!p.m) return sign;
    if (f32_is_denormal(a)) e->flags |= MXCSR_D;
    return sign | (uint64_t)(p.exp - 127 + 1023) << 52 | (p.m & ~HALF) >> 11;
}

uint32_t f32_from_f64(struct ieee_env *e, uint64_t a)
{
    a = f64_flushed(e, a);
    uint32_t sign = (uint32_t)(a >> 63) << 31;
    if (f64_is_nan(a)) {
        f64_signal(e, a);
        return sign | 0x7FC00000 | (uint32_t)(a >> 29 & 0x3FFFFF);
    }
    if (f64_is_infinity(a)) return sign | 0x7F800000;
    struct parts p = f64_unpack(a);
    if (!p.m) return sign;
    if (f64_is_denormal(a)) e->flags |= MXCSR_D;
    return f32_round(e, p.sign, p.exp - 1023 + 127, p.m);
}
