/* SPDX-License-Identifier: MIT
 * Single and double arithmetic as SSE does it, in integers only.
 *
 * Values are bit images (uint32_t, uint64_t). Every operation takes rounding, masks, DAZ and FTZ
 * from ieee_env.mxcsr and adds its exceptions to ieee_env.flags, in MXCSR's bits. Results are the
 * masked responses; what an operation returns beside an unmasked exception means nothing.
 *
 * Data sheet: Intel SDM vol. 1, 4.2, 4.8, 10.2.3 (MXCSR), 11.5 and appendix E (SIMD exceptions).
 */
#pragma once
#include "cpu/softfloat/f80.h"

struct ieee_env { uint32_t mxcsr, flags; };

enum {
    MXCSR_I = 1 << 0, MXCSR_D = 1 << 1, MXCSR_Z = 1 << 2, MXCSR_O = 1 << 3, MXCSR_U = 1 << 4,
    MXCSR_P = 1 << 5, MXCSR_FLAGS = 0x3F, MXCSR_DAZ = 1 << 6, MXCSR_MASK_SHIFT = 7,
    MXCSR_UM = MXCSR_U << MXCSR_MASK_SHIFT, MXCSR_RC_SHIFT = 13, MXCSR_FTZ = 1 << 15,
    MXCSR_RESET = 0x1F80,
};
static inline enum f80_rounding ieee_rounding(const struct ieee_env *e)
{
    return e->mxcsr >> MXCSR_RC_SHIFT & 3;
}

/* FORMAT: f32 or f64; UINT: its image. _compare raises I for any NaN when `quiet` is false, else
 * for a signalling one. _to_int gives the integer indefinite (only the top bit of `bits`) and I
 * when the value does not fit. _to_integral keeps the format; `exact` false leaves P alone. */
#define IEEE_DECLARE(FORMAT, UINT)                                                                 \
    UINT FORMAT##_add(struct ieee_env *, UINT a, UINT b);                                          \
    UINT FORMAT##_sub(struct ieee_env *, UINT a, UINT b);                                          \
    UINT FORMAT##_mul(struct ieee_env *, UINT a, UINT b);                                          \
    UINT FORMAT##_div(struct ieee_env *, UINT a, UINT b);                                          \
    UINT FORMAT##_min(struct ieee_env *, UINT a, UINT b);                                          \
    UINT FORMAT##_max(struct ieee_env *, UINT a, UINT b);                                          \
    UINT FORMAT##_sqrt(struct ieee_env *, UINT a);                                                 \
    UINT FORMAT##_from_int(struct ieee_env *, int64_t v);                                          \
    int64_t FORMAT##_to_int(struct ieee_env *, UINT a, unsigned bits, enum f80_rounding);          \
    UINT FORMAT##_to_integral(struct ieee_env *, UINT a, enum f80_rounding, bool exact);           \
    enum f80_order FORMAT##_compare(struct ieee_env *, UINT a, UINT b, bool quiet)
IEEE_DECLARE(f32, uint32_t);
IEEE_DECLARE(f64, uint64_t);

uint64_t f64_from_f32(struct ieee_env *, uint32_t);
uint32_t f32_from_f64(struct ieee_env *, uint64_t);
