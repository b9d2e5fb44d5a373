/* SPDX-License-Identifier: MIT
 * Integer arithmetic on MMX and XMM registers: one body per operation, for 8 and 16 bytes.
 * Data sheet: Intel SDM vol. 2, chapter 4 (PABSB ... PXOR).
 */
#include "cpu/simd.h"

static inline int32_t clamp(int32_t v, int32_t low, int32_t high)
{
    return v < low ? low : v > high ? high : v;
}
#define S8(v)  clamp(v, -128, 127)
#define S16(v) clamp(v, -32768, 32767)
#define U8(v)  clamp(v, 0, 255)
#define U16(v) clamp(v, 0, 65535)

/* Lane by lane: x of the destination, y of the source. */
#define EACH(op, type, expression)                                                                 \
    VEC(op)                                                                                        \
    {                                                                                              \
        for (unsigned n = 0; n < LANES(type); n++) {                                               \
            __typeof__(a.type[0]) x = LANE(a, type, n), y = LANE(b, type, n);                      \
            LANE(a, type, n) = (__typeof__(a.type[0]))(expression);                                \
            (void)x, (void)y;                                                                      \
        }                                                                                          \
        return a;                                                                                  \
    }
#define EACH_PV(op, type, expression) EACH(op, type, expression) SIMD_PV(op)
#define EACH_V(op, type, expression)  EACH(op, type, expression) SIMD_V(op)

/* ---- logic, sums, comparisons ---------------------------------------------------------------- */
EACH_PV(pand, u64, x & y);
EACH_PV(pandn, u64, ~x & y);
EACH_PV(por, u64, x | y);
EACH_PV(pxor, u64, x ^ y);
EACH_PV(paddb, u8, x + y);
EACH_PV(paddw, u16, x + y);
EACH_PV(paddd, u32, x + y);
EACH_PV(paddq, u64, x + y);
EACH_PV(psubb, u8, x - y);
EACH_PV(psubw, u16, x - y);
EACH_PV(psubd, u32, x - y);
EACH_PV(psubq, u64, x - y);
EACH_PV(paddsb, i8, S8(x + y));
EACH_PV(paddsw, i16, S16(x + y));
EACH_PV(paddusb, u8, U8(x + y));
EACH_PV(paddusw, u16, U16(x + y));
EACH_PV(psubsb, i8, S8(x - y));
EACH_PV(psubsw, i16, S16(x - y));
EACH_PV(psubusb, u8, U8(x - y));
EACH_PV(psubusw, u16, U16(x - y));
EACH_PV(pcmpeqb, u8, x == y ? -1 : 0);
EACH_PV(pcmpeqw, u16, x == y ? -1 : 0);
EACH_PV(pcmpeqd, u32, x == y ? -1 : 0);
EACH_V(pcmpeqq, i64, x == y ? -1 : 0);
EACH_PV(pcmpgtb, i8, x > y ? -1 : 0);
EACH_PV(pcmpgtw, i16, x > y ? -1 : 0);
EACH_PV(pcmpgtd, i32, x > y ? -1 : 0);
EACH_V(pcmpgtq, i64, x > y ? -1 : 0);
EACH_PV(pminub, u8, x < y ? x : y);
EACH_PV(pmaxub, u8, x > y ? x : y);
EACH_PV(pminsw, i16, x < y ? x : y);
EACH_PV(pmaxsw, i16, x > y ? x : y);
EACH_V(pminsb, i8, x < y ? x : y);
EACH_V(pmaxsb, i8, x > y ? x : y);
EACH_V(pminuw, u16, x < y ? x : y);
EACH_V(pmaxuw, u16, x > y ? x : y);
EACH_V(pminsd, i32, x < y ? x : y);
EACH_V(pmaxsd, i32, x > y ? x : y);
EACH_V(pminud, u32, x < y ? x : y);
EACH_V(pmaxud, u32, x > y ? x : y);
EACH_PV(pavgb, u8, (x + y + 1) >> 1);
EACH_PV(pavgw, u16, (x + y + 1) >> 1);
EACH_PV(pabsb, i8, y < 0 ? -y : y);
EACH_PV(pabsw, i16, y < 0 ? -y : y);
EACH_PV(pabsd, u32, y >> 31 ? 0 - y : y);
EACH_PV(psignb, i8, y < 0 ? -x : y ? x : 0);
EACH_PV(psignw, i16, y < 0 ? -x : y ? x : 0);
EACH_PV(psignd, u32, y >> 31 ? 0 - x : y ? x : 0);

/* ---- products -------------------------------------------------------------------------------- */
EACH_PV(pmullw, u16, (uint32_t)x * y);
EACH_PV(pmulhw, i16, (int32_t)x * y >> 16);
EACH_PV(pmulhuw, u16, (uint32_t)x * y >> 16);
EACH_PV(pmulhrsw, i16, (((int32_t)x * y >> 14) + 1) >> 1);
EACH_PV(pmuludq, u64, (x & 0xFFFFFFFF) * (y & 0xFFFFFFFF));
EACH_V(pmuldq, i64, (int64_t)(int32_t)x * (int32_t)y);
EACH_V(pmulld, u32, x * y);

/* The only overflow is four times 8000h: it wraps (SDM vol. 2, PMADDWD). */
VEC(pmaddwd)
{
    union vec r = VEC_ZERO;
    for (unsigned n = 0; n < LANES(i32); n++) {
        int32_t low = LANE(a, i16, 2 * n) * LANE(b, i16, 2 * n);
        int32_t high = LANE(a, i16, 2 * n + 1) * LANE(b, i16, 2 * n + 1);
        LANE(r, u32, n) = (uint32_t)low + (uint32_t)high;
    }
    return r;
}
SIMD_PV(pmaddwd);

VEC(pmaddubsw)
{
    union vec r = VEC_ZERO;
    for (unsigned n = 0; n < LANES(i16); n++) {
        int32_t low = LANE(a, u8, 2 * n) * LANE(b, i8, 2 * n);
        int32_t high = LANE(a, u8, 2 * n + 1) * LANE(b, i8, 2 * n + 1);
        LANE(r, i16, n) = (int16_t)S16(low + high);
    }
    return r;
}
SIMD_PV(pmaddubsw);

static inline unsigned distance(unsigned x, unsigned y) { return x < y ? y - x : x - y; }

VEC(psadbw)
{
    union vec r = VEC_ZERO;
    for (unsigned n = 0; n < LANES(u8); n++)
        r.u64[n / 8] += distance(LANE(a, u8, n), LANE(b, u8, n));
    return r;
}
SIMD_PV(psadbw);

/* Bits 1-0 choose four bytes of the source, bit 2 where the eleven of the destination begin. */
VEC(mpsadbw)
{
    union vec r = VEC_ZERO;
    unsigned from = (i->imm & 4), block = (i->imm & 3) * 4;
    for (unsigned n = 0; n < LANES(u16); n++)
        for (unsigned k = 0; k < 4; k++)
            LANE(r, u16, n) +=
                (uint16_t)distance(LANE(a, u8, from + n + k), LANE(b, u8, block + k));
    return r;
}
SIMD_V(mpsadbw);

VEC(phminposuw)
{
    unsigned at = 0;
    for (unsigned n = 1; n < 8; n++)
        if (LANE(b, u16, n) < LANE(b, u16, at)) at = n;
    return (union vec){ .u64 = { LANE(b, u16, at) | at << 16, 0 } };
}
SIMD_V(phminposuw);

/* ---- neighbours: the destination's pairs below, the source's above --------------------------- */
#define PAIRS(op, type, expression)                                                                \
    VEC(op)                                                                                        \
    {                                                                                              \
        union vec r = VEC_ZERO;                                                                    \
        unsigned half = LANES(type) / 2;                                                           \
        for (unsigned n = 0; n < LANES(type); n++) {                                               \
            union vec from = n < half ? a : b;                                                     \
            unsigned at = (n & (half - 1)) * 2;                                                    \
            __typeof__(a.type[0]) x = LANE(from, type, at), y = LANE(from, type, at + 1);          \
            LANE(r, type, n) = (__typeof__(a.type[0]))(expression);                                \
        }                                                                                          \
        return r;                                                                                  \
    }                                                                                              \
    SIMD_PV(op)
PAIRS(phaddw, u16, x + y);
PAIRS(phaddd, u32, x + y);
PAIRS(phaddsw, i16, S16(x + y));
PAIRS(phsubw, u16, x - y);
PAIRS(phsubd, u32, x - y);
PAIRS(phsubsw, i16, S16(x - y));

/* ---- packing: the destination's lanes below, the source's above ------------------------------ */
#define PACK(op, wide, narrow, limit)                                                              \
    VEC(op)                                                                                        \
    {                                                                                              \
        union vec r = VEC_ZERO;                                                                    \
        for (unsigned n = 0; n < LANES(wide); n++) {                                               \
            LANE(r, narrow, n) = (__typeof__(a.narrow[0]))limit(LANE(a, wide, n));                 \
            LANE(r, narrow, n + LANES(wide)) = (__typeof__(a.narrow[0]))limit(LANE(b, wide, n));   \
        }                                                                                          \
        return r;                                                                                  \
    }
PACK(packsswb, i16, i8, S8)
PACK(packssdw, i32, i16, S16)
PACK(packuswb, i16, u8, U8)
PACK(packusdw, i32, u16, U16)
SIMD_PV(packsswb);
SIMD_PV(packssdw);
SIMD_PV(packuswb);
SIMD_V(packusdw);

#define UNPACK(op, type, first)                                                                    \
    VEC(op)                                                                                        \
    {                                                                                              \
        union vec r = VEC_ZERO;                                                                    \
        for (unsigned n = 0; n < LANES(type) / 2; n++) {                                           \
            LANE(r, type, 2 * n) = LANE(a, type, n + (first));                                     \
            LANE(r, type, 2 * n + 1) = LANE(b, type, n + (first));                                 \
        }                                                                                          \
        return r;                                                                                  \
    }
UNPACK(punpcklbw, u8, 0)
UNPACK(punpcklwd, u16, 0)
UNPACK(punpckldq, u32, 0)
UNPACK(punpcklqdq, u64, 0)
UNPACK(punpckhbw, u8, LANES(u8) / 2)
UNPACK(punpckhwd, u16, LANES(u16) / 2)
UNPACK(punpckhdq, u32, LANES(u32) / 2)
UNPACK(punpckhqdq, u64, 1)
SIMD_PV(punpcklbw);
SIMD_PV(punpcklwd);
SIMD_PV(punpckldq);
SIMD_V(punpcklqdq);
SIMD_PV(punpckhbw);
SIMD_PV(punpckhwd);
SIMD_PV(punpckhdq);
SIMD_V(punpckhqdq);

/* ---- shifts: the count is the source's low quadword, or an immediate ------------------------- */
static inline unsigned count_below(uint64_t count, unsigned limit)
{
    return count < limit ? (unsigned)count : limit;
}
/* beyond: what is left when nothing remains of x. */
#define SHIFT_BY(op, type, count, expression, beyond)                                              \
    VEC(op)                                                                                        \
    {                                                                                              \
        unsigned width = (unsigned)sizeof a.type[0] * 8, k = count_below(count, width);            \
        for (unsigned n = 0; n < LANES(type); n++) {                                               \
            __typeof__(a.type[0]) x = LANE(a, type, n);                                            \
            LANE(a, type, n) = (__typeof__(x))(k < width ? (expression) : (beyond));               \
        }                                                                                          \
        return a;                                                                                  \
    }                                                                                              \
    SIMD_PV(op)
#define SHIFT(op, type, expression, beyond)                                                        \
    SHIFT_BY(op, type, b.u64[0], expression, beyond);                                              \
    SHIFT_BY(op##_i, type, i->imm, expression, beyond)
SHIFT(psllw, u16, x << k, 0);
SHIFT(pslld, u32, x << k, 0);
SHIFT(psllq, u64, x << k, 0);
SHIFT(psrlw, u16, x >> k, 0);
SHIFT(psrld, u32, x >> k, 0);
SHIFT(psrlq, u64, x >> k, 0);
SHIFT(psraw, i16, x >> k, x < 0 ? -1 : 0);
SHIFT(psrad, i32, x >> k, x < 0 ? -1 : 0);

VEC(pslldq_i)
{
    union vec r = VEC_ZERO;
    for (unsigned n = 0; n + i->imm < 16; n++) LANE(r, u8, n + i->imm) = LANE(a, u8, n);
    return r;
}
VEC(psrldq_i)
{
    union vec r = VEC_ZERO;
    for (unsigned n = 0; n + i->imm < 16; n++) LANE(r, u8, n) = LANE(a, u8, n + i->imm);
    return r;
}
SIMD_V(pslldq_i);
SIMD_V(psrldq_i);
