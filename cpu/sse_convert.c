/* SPDX-License-Identifier: MIT
 * SSE conversions between single, double and integers, on XMM, MMX and general registers.
 * Data sheet: Intel SDM vol. 1, 11.4.1.6, table 11-1; vol. 2, CVTDQ2PD ... CVTTSS2SI.
 */
#include "cpu/sse_host.h"

#define ENV (&c->sse.env)

/* ---- between the formats --------------------------------------------------------------------- */
VEC(cvtps2pd)
{
    return (union vec){
        .u64 = {f64_from_f32(ENV, LANE(b, u32, 0)), f64_from_f32(ENV, LANE(b, u32, 1))}};
}
VEC(cvtpd2ps)
{
    union vec r = VEC_ZERO;
    for (unsigned n = 0; n < 2; n++) LANE(r, u32, n) = f32_from_f64(ENV, b.u64[n]);
    return r;
}
VEC(cvtss2sd)
{
    a.u64[0] = f64_from_f32(ENV, LANE(b, u32, 0));
    return a;
}
VEC(cvtsd2ss)
{
    LANE(a, u32, 0) = f32_from_f64(ENV, b.u64[0]);
    return a;
}
SIMD_FLOAT(cvtps2pd);
SIMD_FLOAT(cvtpd2ps);
/* Zero or normal, and finite; singles must stay off their own least, too. */
static inline bool plain_single(uint32_t x)
{
    return !(x << 1) || (x & 0x7FFFFFFF) - 0x01000000 < 0x7F800000 - 0x01000000;
}
static inline bool plain_double(uint64_t x)
{
    return !(x << 1) || (x << 1 >> 1) - (2ull << 52) < (0x7FFull << 52) - (2ull << 52);
}
HOST_QUICK widen_quick(struct cpu *c, const struct insn *i, union vec *to, union vec from)
{
    float x;
    (void)i;
    if (unlikely(!plain_single(LANE(from, u32, 0)) || !sse_exact_ready(c))) return false;
    memcpy(&x, &LANE(from, u32, 0), 4);
    double y = x;
    memcpy(&to->u64[0], &y, 8);
    return true;
}
HOST_QUICK narrow_quick(struct cpu *c, const struct insn *i, union vec *to, union vec from)
{
    double x;
    (void)i;
    if (unlikely(!plain_double(from.u64[0]) || !sse_inexact_ready(c))) return false;
    memcpy(&x, &from.u64[0], 8);
    float y = (float)x;
    uint32_t bits;
    memcpy(&bits, &y, 4);
    if (unlikely(!plain_single(bits) || (!(bits << 1) && x != 0))) return false;
    LANE(*to, u32, 0) = bits;
    return true;
}
SIMD_FLOAT_QUICK(cvtss2sd, widen_quick, 4);
SIMD_FLOAT_QUICK(cvtsd2ss, narrow_quick, 8);

/* ---- from integers --------------------------------------------------------------------------- */
VEC(cvtdq2ps)
{
    for (unsigned n = 0; n < 4; n++) LANE(a, u32, n) = f32_from_int(ENV, LANE(b, i32, n));
    return a;
}
VEC(cvtdq2pd)
{
    for (unsigned n = 0; n < 2; n++) a.u64[n] = f64_from_int(ENV, LANE(b, i32, n));
    return a;
}
VEC(cvtpi2ps)
{
    for (unsigned n = 0; n < 2; n++) LANE(a, u32, n) = f32_from_int(ENV, LANE(b, i32, n));
    return a;
}
static inline int64_t general(const struct insn *i, union vec b)
{
    return i->opcode & SIMD_WIDE ? b.i64[0] : (int32_t)b.u64[0];
}
VEC(cvtsi2ss)
{
    LANE(a, u32, 0) = f32_from_int(ENV, general(i, b));
    return a;
}
VEC(cvtsi2sd)
{
    a.u64[0] = f64_from_int(ENV, general(i, b));
    return a;
}
SIMD_FLOAT(cvtdq2ps);
SIMD_FLOAT(cvtdq2pd);
SIMD_ANY(cvtpi2ps);
/* Exact below 2^24 or 2^53. */
static inline bool from_general_ready(const struct cpu *c, int64_t v, unsigned digits)
{
    uint64_t size = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    return size >> digits ? sse_inexact_ready(c) : sse_exact_ready(c);
}
HOST_QUICK single_quick(struct cpu *c, const struct insn *i, union vec b)
{
    float x = (float)general(i, b);
    if (unlikely(!from_general_ready(c, general(i, b), 24))) return false;
    memcpy(&LANE(c->sse.xmm[i->dst], u32, 0), &x, 4);
    return true;
}
HOST_QUICK double_quick(struct cpu *c, const struct insn *i, union vec b)
{
    double x = (double)general(i, b);
    if (unlikely(!from_general_ready(c, general(i, b), 53))) return false;
    memcpy(&c->sse.xmm[i->dst].u64[0], &x, 8);
    return true;
}
SIMD_ANY_QUICK(cvtsi2ss, FILE_V, FILE_G, single_quick);
SIMD_ANY_QUICK(cvtsi2sd, FILE_V, FILE_G, double_quick);
VEC(cvtpi2pd) { return cvtdq2pd(c, i, a, b, bytes); }
SIMD_ANY(cvtpi2pd);

/* ---- to integers: rounded by MXCSR, or (CVTT) cut off ---------------------------------------- */
static inline union vec singles(struct cpu *c, union vec b, unsigned lanes, enum f80_rounding rc)
{
    union vec r = VEC_ZERO;
    for (unsigned n = 0; n < lanes; n++)
        LANE(r, u32, n) = (uint32_t)f32_to_int(ENV, LANE(b, u32, n), 32, rc);
    return r;
}
static inline union vec doubles(struct cpu *c, union vec b, enum f80_rounding rc)
{
    union vec r = VEC_ZERO;
    for (unsigned n = 0; n < 2; n++) LANE(r, u32, n) = (uint32_t)f64_to_int(ENV, b.u64[n], 32, rc);
    return r;
}
static inline unsigned general_bits(const struct insn *i)
{
    return i->opcode & SIMD_WIDE ? 64 : 32;
}
VEC(cvtps2dq) { return singles(c, b, 4, ieee_rounding(ENV)); }
VEC(cvttps2dq) { return singles(c, b, 4, F80_CHOP); }
VEC(cvtps2pi) { return singles(c, b, 2, ieee_rounding(ENV)); }
VEC(cvttps2pi) { return singles(c, b, 2, F80_CHOP); }
VEC(cvtpd2dq) { return doubles(c, b, ieee_rounding(ENV)); }
VEC(cvttpd2dq) { return doubles(c, b, F80_CHOP); }
VEC(cvtpd2pi) { return doubles(c, b, ieee_rounding(ENV)); }
VEC(cvttpd2pi) { return doubles(c, b, F80_CHOP); }
SIMD_FLOAT(cvtps2dq);
SIMD_FLOAT(cvttps2dq);
SIMD_FLOAT(cvtpd2dq);
SIMD_FLOAT(cvttpd2dq);
SIMD_ANY(cvtps2pi);
SIMD_ANY(cvttps2pi);
SIMD_ANY(cvtpd2pi);
SIMD_ANY(cvttpd2pi);

#define TO_GENERAL(op, function, lane, rc)                                                         \
    VEC(op) { return (union vec){ .i64 = { function(ENV, lane, general_bits(i), rc), 0 } }; }
/* Where the integer has 31 or 63 bits; a single is exact as a double. */
HOST_QUICK chop_quick(struct cpu *c, const struct insn *i, double x)
{
    bool wide = i->opcode & SIMD_WIDE;
    double limit = wide ? 0x1p63 : 0x1p31;
    if (unlikely(!(x > -limit && x < limit))) return false;        /* NaNs, too */
    int64_t v = (int64_t)x;
    if (unlikely((double)v != x ? !sse_inexact_noted(c) : !sse_exact_ready(c))) return false;
    c->gpr[i->dst] = wide ? (uint64_t)v : (uint32_t)v;
    return true;
}
HOST_QUICK chop_single(struct cpu *c, const struct insn *i, union vec b)
{
    float x;
    if (unlikely(!plain_single(LANE(b, u32, 0)))) return false;
    memcpy(&x, &LANE(b, u32, 0), 4);
    return chop_quick(c, i, x);
}
HOST_QUICK chop_double(struct cpu *c, const struct insn *i, union vec b)
{
    double x;
    if (unlikely(!plain_double(b.u64[0]))) return false;
    memcpy(&x, &b.u64[0], 8);
    return chop_quick(c, i, x);
}
TO_GENERAL(cvtss2si, f32_to_int, LANE(b, u32, 0), ieee_rounding(ENV))
TO_GENERAL(cvttss2si, f32_to_int, LANE(b, u32, 0), F80_CHOP)
TO_GENERAL(cvtsd2si, f64_to_int, b.u64[0], ieee_rounding(ENV))
TO_GENERAL(cvttsd2si, f64_to_int, b.u64[0], F80_CHOP)
SIMD_ANY(cvtss2si);
SIMD_ANY(cvtsd2si);
SIMD_ANY_QUICK(cvttss2si, FILE_G, FILE_V, chop_single);
SIMD_ANY_QUICK(cvttsd2si, FILE_G, FILE_V, chop_double);
