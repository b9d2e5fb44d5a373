/* SPDX-License-Identifier: MIT
 * SSE conversions between single, double and integers, on XMM, MMX and general registers.
 * Data sheet: Intel SDM vol. 1, 11.4.1.6, table 11-1; vol. 2, CVTDQ2PD ... CVTTSS2SI.
 */
#include "cpu/simd.h"

#define ENV (&c->sse.env)

/* ---- between the formats ------------------------------------------------------------------ */
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
SIMD_FLOAT(cvtss2sd);
SIMD_FLOAT(cvtsd2ss);

/* ---- from integers ------------------------------------------------------------------------ */
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
SIMD_ANY(cvtsi2ss);
SIMD_ANY(cvtsi2sd);
VEC(cvtpi2pd) { return cvtdq2pd(c, i, a, b, bytes); }
SIMD_ANY(cvtpi2pd);

/* ---- to integers: rounded by MXCSR, or (CVTT) cut off ------------------------------------- */
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
    VEC(op) { return (union vec){ .i64 = { function(ENV, lane, general_bits(i), rc), 0 } }; }      \
    SIMD_ANY(op)
TO_GENERAL(cvtss2si, f32_to_int, LANE(b, u32, 0), ieee_rounding(ENV));
TO_GENERAL(cvttss2si, f32_to_int, LANE(b, u32, 0), F80_CHOP);
TO_GENERAL(cvtsd2si, f64_to_int, b.u64[0], ieee_rounding(ENV));
TO_GENERAL(cvttsd2si, f64_to_int, b.u64[0], F80_CHOP);
