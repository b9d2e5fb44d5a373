/* SPDX-License-Identifier: MIT
 * MMX and SSE: moves, shuffles, insertions, extractions, blends, widening, PTEST.
 * Data sheet: Intel SDM vol. 2, chapters 3-4.
 */
#include "cpu/simd.h"

/* ---- whole moves: between any files and memory ----------------------------------------------- */
VEC(simd_move_any) { return b; }
SIMD_ANY_GENERAL(simd_move_any)
EXEC move_p_rr(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    mmx_begin(c);
    mmx_set(c, i->dst, mmx_get(c, i->src));
    NEXT(c, i);
}
EXEC move_p_rm(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    mmx_begin(c);
    mmx_set(c, i->dst, simd_load(c, i));
    NEXT_CHECKED(c, i);
}
EXEC move_p_mr(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    mmx_begin(c);
    simd_store(c, i, mmx_get(c, i->src));
    mmx_touch(c);
    NEXT_CHECKED(c, i);
}
EXEC move_v_rr(struct cpu *c, const struct insn *i)
{
    if (unlikely(!sse_ready(c))) TAIL sse_refused(c, i);
    c->sse.xmm[i->dst] = c->sse.xmm[i->src];
    NEXT(c, i);
}
EXEC move_v_rm(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    sse_begin(c);
    c->sse.xmm[i->dst] = simd_load(c, i);
    NEXT_CHECKED(c, i);
}
EXEC move_v_mr(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    sse_begin(c);
    simd_store(c, i, c->sse.xmm[i->src]);
    NEXT_CHECKED(c, i);
}
SIMD_AT(move_v_rm)
{
    SIMD_HOST(p, read, SIMD_SIZE(i), move_v_rm);
    if (unlikely(!sse_ready(c))) TAIL sse_refused(c, i);
    c->sse.xmm[i->dst] = vec_load(p, SIMD_SIZE(i));
    NEXT_ANY(c, i);
}
SIMD_AT(move_v_mr)
{
    SIMD_HOST(p, write, SIMD_SIZE(i), move_v_mr);
    if (unlikely(!sse_ready(c))) TAIL sse_refused(c, i);
    vec_store(p, c->sse.xmm[i->src], SIMD_SIZE(i));
    NEXT_ANY(c, i);
}
SIMD_FLAT(move_v_rm)
SIMD_FLAT(move_v_mr)
/* MOVD, MOVQ between XMM and general registers. */
EXEC move_any_rr(struct cpu *c, const struct insn *i)
{
    bool from = simd_files(i, FILE_G, FILE_V);
    if (unlikely(!(from || simd_files(i, FILE_V, FILE_G)) || !sse_ready(c)))
        TAIL simd_move_any_exec(c, i);
    if (!from) c->sse.xmm[i->dst] = simd_register(c, i, FILE_G);
    else if (i->opcode & SIMD_WIDE) c->gpr[i->dst] = c->sse.xmm[i->src].u64[0];
    else c->gpr[i->dst] = (uint32_t)c->sse.xmm[i->src].u64[0];
    NEXT(c, i);
}
#define MOVE_FAMILY(op, p_rr, p_rm, p_mr, v_rr, any_rr, any)                                       \
    const struct family family_##op = {                                                            \
        .h = {[K_RR] = {{p_rr, v_rr, any_rr, any_rr}},                                             \
              [K_RM] = {{NULL, move_v_rmf}, {p_rm, move_v_rm, any, any}, {NULL, move_v_rml}},      \
              [K_MR] = {{NULL, move_v_mrf}, {p_mr, move_v_mr, any, any}, {NULL, move_v_mrl}}}}
MOVE_FAMILY(simd_move, move_p_rr, move_p_rm, move_p_mr, move_v_rr, move_any_rr,
            simd_move_any_exec);

/* Stores of a general register (MOVNTI) need no SSE state. */
EXEC movnti(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    insn_store(c, i, c->gpr[i->src], i->opcode & SIMD_BYTES);
    NEXT_CHECKED(c, i);
}
const struct family family_movnti = ONE(movnti);

/* ---- parts: registers keep the rest, a load clears it ---------------------------------------- */
#define PART(op, expression)                                                                       \
    EXEC op##_v_rr(struct cpu *c, const struct insn *i)                                            \
    {                                                                                              \
        if (unlikely(!sse_ready(c))) TAIL sse_refused(c, i);                                       \
        union vec a = c->sse.xmm[i->dst], b = c->sse.xmm[i->src];                                  \
        c->sse.xmm[i->dst] = (expression);                                                         \
        NEXT(c, i);                                                                                \
    }
static inline union vec halves(uint64_t low, uint64_t high)
{
    return (union vec){.u64 = {low, high}};
}
PART(movss, halves((a.u64[0] & ~0xFFFFFFFFull) | (uint32_t)b.u64[0], a.u64[1]))
PART(movsd, halves(b.u64[0], a.u64[1]))
PART(movq, ((void)a, halves(b.u64[0], 0)))
PART(movl, halves(b.u64[1], a.u64[1]))                     /* MOVHLPS */
PART(movh, halves(a.u64[0], b.u64[0]))                     /* MOVLHPS */
MOVE_FAMILY(movss, NULL, NULL, NULL, movss_v_rr, NULL, NULL);
MOVE_FAMILY(movsd, NULL, NULL, NULL, movsd_v_rr, NULL, NULL);
MOVE_FAMILY(movq, NULL, NULL, NULL, movq_v_rr, NULL, NULL);

/* MOVLPS, MOVHPS: one half to or from memory. */
EXEC movl_v_rm(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    sse_begin(c);
    c->sse.xmm[i->dst].u64[0] = simd_load(c, i).u64[0];
    NEXT_CHECKED(c, i);
}
EXEC movh_v_rm(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    sse_begin(c);
    c->sse.xmm[i->dst].u64[1] = simd_load(c, i).u64[0];
    NEXT_CHECKED(c, i);
}
EXEC movh_v_mr(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    sse_begin(c);
    simd_store(c, i, halves(c->sse.xmm[i->src].u64[1], 0));
    NEXT_CHECKED(c, i);
}
SIMD_AT(movl_v_rm)
{
    SIMD_HOST(p, read, 8, movl_v_rm);
    if (unlikely(!sse_ready(c))) TAIL sse_refused(c, i);
    c->sse.xmm[i->dst].u64[0] = host_load(p, 8);
    NEXT_ANY(c, i);
}
SIMD_AT(movh_v_rm)
{
    SIMD_HOST(p, read, 8, movh_v_rm);
    if (unlikely(!sse_ready(c))) TAIL sse_refused(c, i);
    c->sse.xmm[i->dst].u64[1] = host_load(p, 8);
    NEXT_ANY(c, i);
}
SIMD_AT(movh_v_mr)
{
    SIMD_HOST(p, write, 8, movh_v_mr);
    if (unlikely(!sse_ready(c))) TAIL sse_refused(c, i);
    host_store(p, c->sse.xmm[i->src].u64[1], 8);
    NEXT_ANY(c, i);
}
SIMD_FLAT(movl_v_rm)
SIMD_FLAT(movh_v_rm)
SIMD_FLAT(movh_v_mr)
#define HALF_FAMILY(op, rm, mr)                                                                    \
    const struct family family_##op = {                                                            \
        .h = {[K_RR] = {{NULL, op##_v_rr}},                                                        \
              [K_RM] = {{NULL, rm##f}, {NULL, rm}, {NULL, rm##l}},                                 \
              [K_MR] = {{NULL, mr##f}, {NULL, mr}, {NULL, mr##l}}}}
HALF_FAMILY(movl, movl_v_rm, move_v_mr);
HALF_FAMILY(movh, movh_v_rm, movh_v_mr);

VEC(movsldup)
{
    for (unsigned n = 0; n < 4; n++) LANE(a, u32, n) = LANE(b, u32, n & 2);
    return a;
}
VEC(movshdup)
{
    for (unsigned n = 0; n < 4; n++) LANE(a, u32, n) = LANE(b, u32, n | 1);
    return a;
}
VEC(movddup) { return halves(b.u64[0], b.u64[0]); }
SIMD_V(movsldup);
SIMD_V(movshdup);
SIMD_V(movddup);

/* MASKMOVQ, MASKMOVDQU: bytes of `dst` where `src` has its top bit set, to DS:rDI. The whole place
 * is checked first, but bytes that are not stored fault nowhere. */
static void mask_store(struct cpu *c, const struct insn *i, union vec data, union vec mask,
                       unsigned bytes)
{
    static const uint64_t wrap[4] = { 0xFFFF, 0xFFFFFFFF, ~0ull, ~0ull };
    uint64_t at = c->gpr[RDI] & wrap[i->asize & 3], laddr[16];
    for (unsigned n = 0; n < bytes; n++) {
        if (!(LANE(mask, u8, n) & 0x80)) continue;
        laddr[n] = seg_laddr(c, i->seg, (at + n) & wrap[i->asize & 3], 1, SEG_WRITE);
        mem_probe_store(c, laddr[n], 1, c->tlb_set);
    }
    for (unsigned n = 0; n < bytes; n++)
        if (LANE(mask, u8, n) & 0x80) lin_store(c, laddr[n], LANE(data, u8, n), 1);
}
static __attribute__((noinline)) void maskmov_body(struct cpu *c, const struct insn *i)
{
    bool mmx = simd_dst(i) == FILE_P;
    simd_begin(c, i);
    mask_store(c, i, simd_old(c, i), simd_source(c, i), mmx ? 8 : 16);
    if (mmx) mmx_touch(c);
}
EXEC maskmov(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    maskmov_body(c, i);
    NEXT_CHECKED(c, i);
}
const struct family family_maskmov = ONE(maskmov);

/* ---- sign bits ------------------------------------------------------------------------------- */
VEC(movmskps)
{
    unsigned mask = 0;
    for (unsigned n = 0; n < 4; n++) mask |= LANE(b, u32, n) >> 31 << n;
    return halves(mask, 0);
}
VEC(movmskpd) { return halves((b.u64[0] >> 63) | (b.u64[1] >> 63) << 1, 0); }
/* Bit 7 of each byte, side by side: the products of 2^(8n) and 2^(56 - 7n) meet in the top byte. */
static inline uint64_t byte_signs(uint64_t x)
{
    return (x >> 7 & 0x0101010101010101) * 0x0102040810204080 >> 56;
}
VEC(pmovmskb)
{
    return halves(byte_signs(b.u64[0]) | byte_signs(b.u64[1]) << 8, 0);
}
#define QUICK_MASK(op)                                                                             \
    static inline bool op##_quick(struct cpu *c, const struct insn *i, union vec b)                \
    {                                                                                              \
        if (unlikely(!sse_ready(c))) return false;                                                 \
        c->gpr[i->dst] = op(c, i, VEC_ZERO, b, 16).u64[0];                                         \
        return true;                                                                               \
    }                                                                                              \
    SIMD_ANY_QUICK(op, FILE_G, FILE_V, op##_quick)
QUICK_MASK(movmskps);
QUICK_MASK(movmskpd);
QUICK_MASK(pmovmskb);

static void test_flags(struct cpu *c, bool zf, bool cf)
{
    flags_set_arith(c, (zf ? FLAG_ZF : 0) | (cf ? FLAG_CF : 0));
}
VEC(ptest)
{
    bool zf = !((a.u64[0] & b.u64[0]) | (a.u64[1] & b.u64[1]));
    test_flags(c, zf, !((~a.u64[0] & b.u64[0]) | (~a.u64[1] & b.u64[1])));
    return a;
}
SIMD_V(ptest);

/* ---- shuffles -------------------------------------------------------------------------------- */
VEC(pshufb)
{
    union vec r = VEC_ZERO;
    for (unsigned n = 0; n < LANES(u8); n++) {
        unsigned from = LANE(b, u8, n);
        LANE(r, u8, n) = from & 0x80 ? 0 : LANE(a, u8, from & (LANES(u8) - 1));
    }
    return r;
}
SIMD_PV(pshufb);

VEC(palignr)
{
    union vec r = VEC_ZERO;
    for (unsigned n = 0; n < bytes; n++) {
        unsigned from = n + i->imm;
        LANE(r, u8, n) = from < bytes       ? LANE(b, u8, from)
                         : from < 2 * bytes ? LANE(a, u8, from - bytes)
                                            : 0;
    }
    return r;
}
SIMD_PV(palignr);

static inline unsigned pick(unsigned control, unsigned n) { return control >> 2 * n & 3; }
VEC(pshufw)
{
    for (unsigned n = 0; n < 4; n++) LANE(a, u16, n) = LANE(b, u16, pick(i->imm, n));
    return a;
}
VEC(pshufd)
{
    for (unsigned n = 0; n < 4; n++) LANE(a, u32, n) = LANE(b, u32, pick(i->imm, n));
    return a;
}
VEC(pshuflw)
{
    a.u64[1] = b.u64[1];
    for (unsigned n = 0; n < 4; n++) LANE(a, u16, n) = LANE(b, u16, pick(i->imm, n));
    return a;
}
VEC(pshufhw)
{
    a.u64[0] = b.u64[0];
    for (unsigned n = 0; n < 4; n++) LANE(a, u16, 4 + n) = LANE(b, u16, 4 + pick(i->imm, n));
    return a;
}
VEC(shufps)
{
    union vec r = VEC_ZERO;
    for (unsigned n = 0; n < 2; n++) {
        LANE(r, u32, n) = LANE(a, u32, pick(i->imm, n));
        LANE(r, u32, n + 2) = LANE(b, u32, pick(i->imm, n + 2));
    }
    return r;
}
VEC(shufpd) { return halves(a.u64[i->imm & 1], b.u64[i->imm >> 1 & 1]); }
SIMD_P(pshufw);
SIMD_V(pshufd);
SIMD_V(pshuflw);
SIMD_V(pshufhw);
SIMD_V(shufps);
SIMD_V(shufpd);

/* ---- one lane in or out ---------------------------------------------------------------------- */
static inline unsigned word_lane(const struct insn *i, enum simd_file file)
{
    return i->imm & (file == FILE_P ? 3 : 7);
}
VEC(pinsrb)
{
    LANE(a, u8, i->imm & 15) = (uint8_t)b.u64[0];
    return a;
}
VEC(pinsrw)
{
    LANE(a, u16, word_lane(i, simd_dst(i))) = (uint16_t)b.u64[0];
    return a;
}
VEC(pinsrd)
{
    if ((i->opcode & SIMD_BYTES) == 8) a.u64[i->imm & 1] = b.u64[0];
    else LANE(a, u32, i->imm & 3) = (uint32_t)b.u64[0];
    return a;
}
VEC(pextrb) { return halves(LANE(b, u8, i->imm & 15), 0); }
VEC(pextrw) { return halves(LANE(b, u16, word_lane(i, simd_src(i))), 0); }
VEC(pextrd)
{
    return halves((i->opcode & SIMD_BYTES) == 8 ? b.u64[i->imm & 1] : LANE(b, u32, i->imm & 3), 0);
}
SIMD_ANY(pinsrb);
SIMD_ANY(pinsrw);
SIMD_ANY(pinsrd);
SIMD_ANY(pextrb);
SIMD_ANY(pextrw);
SIMD_ANY(pextrd);

VEC(insertps)
{
    unsigned from = i->asize & INSN_REG ? i->imm >> 6 & 3 : 0;
    LANE(a, u32, i->imm >> 4 & 3) = LANE(b, u32, from);
    for (unsigned n = 0; n < 4; n++)
        if (i->imm >> n & 1) LANE(a, u32, n) = 0;
    return a;
}
SIMD_V(insertps);

/* ---- blends: lanes of the source where a bit of the immediate, or of XMM0, is set ------------ */
#define BLEND(op, type, chosen)                                                                    \
    VEC(op)                                                                                        \
    {                                                                                              \
        ANY union vec mask = c->sse.xmm[0];                                                        \
        for (unsigned n = 0; n < LANES(type); n++)                                                 \
            if (chosen) LANE(a, type, n) = LANE(b, type, n);                                       \
        return a;                                                                                  \
    }                                                                                              \
    SIMD_V(op)
BLEND(blendps, u32, i->imm >> n & 1);
BLEND(blendpd, u64, i->imm >> n & 1);
BLEND(pblendw, u16, i->imm >> n & 1);
BLEND(pblendvb, u8, LANE(mask, i8, n) < 0);
BLEND(blendvps, u32, LANE(mask, i32, n) < 0);
BLEND(blendvpd, u64, LANE(mask, i64, n) < 0);

/* ---- widening -------------------------------------------------------------------------------- */
#define WIDEN(op, from, to)                                                                        \
    VEC(op)                                                                                        \
    {                                                                                              \
        for (unsigned n = 0; n < LANES(to); n++)                                                   \
            LANE(a, to, n) = (__typeof__(a.to[0]))LANE(b, from, n);                                \
        return a;                                                                                  \
    }                                                                                              \
    SIMD_V(op)
WIDEN(pmovsxbw, i8, i16);
WIDEN(pmovsxbd, i8, i32);
WIDEN(pmovsxbq, i8, i64);
WIDEN(pmovsxwd, i16, i32);
WIDEN(pmovsxwq, i16, i64);
WIDEN(pmovsxdq, i32, i64);
WIDEN(pmovzxbw, u8, u16);
WIDEN(pmovzxbd, u8, u32);
WIDEN(pmovzxbq, u8, u64);
WIDEN(pmovzxwd, u16, u32);
WIDEN(pmovzxwq, u16, u64);
WIDEN(pmovzxdq, u32, u64);
