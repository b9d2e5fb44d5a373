/* SPDX-License-Identifier: MIT
 * SSE arithmetic by the host's own: C's operators on float and double, which IEEE 754 makes the
 * same everywhere as long as results are rounded to nearest and to their type. Only the flags are
 * missing. So it is used when MXCSR has P masked and set already, and operands and results are such
 * that no other exception can be: numbers in the normal range, or zeros where they are exact. DAZ
 * and FTZ have nothing to do then. Everything else goes to the soft float.
 *
 * Data sheet: Intel SDM vol. 1, 11.5; C11 annex F.
 */
#pragma once
#include <float.h>
#include <math.h>
#include "cpu/simd.h"

/* Not where intermediate results have more bits (the x87 of a 32-bit host), or the user wants
 * fast instead of right. */
#if FLT_EVAL_METHOD == 0 && !defined(__FAST_MATH__)
enum { HOST_FLOAT = 1 };
#else
enum { HOST_FLOAT = 0 };
#endif

/* P masked and set; and rounded to nearest. */
static inline bool sse_inexact_noted(const struct cpu *c)
{
    enum { NOTED = MXCSR_P << MXCSR_MASK_SHIFT | MXCSR_P };
    return HOST_FLOAT && !((c->cr0 & (CR0_EM | CR0_TS)) | (~c->cr4 & CR4_OSFXSR) |
                           ((c->sse.env.mxcsr & NOTED) ^ NOTED));
}
static inline bool sse_inexact_ready(const struct cpu *c)
{
    enum { RC = 3 << MXCSR_RC_SHIFT, NOTED = MXCSR_P << MXCSR_MASK_SHIFT | MXCSR_P };
    return HOST_FLOAT && !((c->cr0 & (CR0_EM | CR0_TS)) | (~c->cr4 & CR4_OSFXSR) |
                           ((c->sse.env.mxcsr & (RC | NOTED)) ^ NOTED));
}
/* For what is always exact. */
static inline bool sse_exact_ready(const struct cpu *c) { return HOST_FLOAT && sse_ready(c); }

#define HOST_QUICK static inline __attribute__((always_inline)) bool
/* All bits of a vector of comparisons. */
static inline __attribute__((always_inline)) bool vec_all(union vec m)
{
    return (m.u64[0] & m.u64[1]) == ~0ull;
}

#define FORMAT   f32
#define TYPE     u32
#define UINT     uint32_t
#define INT      int32_t
#define FLOAT    float
#define MANTISSA FLT_MANT_DIG
#define ROOT     sqrtf
#include "cpu/op_host.inc"
#define FORMAT   f64
#define TYPE     u64
#define UINT     uint64_t
#define INT      int64_t
#define FLOAT    double
#define MANTISSA DBL_MANT_DIG
#define ROOT     sqrt
#include "cpu/op_host.inc"
