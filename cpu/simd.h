/* SPDX-License-Identifier: MIT
 * MMX and SSE inside the CPU: registers by file, operands, and how handlers are made. Private to
 * cpu/.
 *
 * An operation is one function from the old destination `a` and the source `b` to the new
 * destination; `bytes` is 8 on MMX registers, 16 on XMM registers. The handlers around it check for
 * #UD, #NM and #MF, load, compute, raise #XM, and only then change registers. A record of these
 * forms carries its operands' files and the memory operand in insn.opcode:
 *
 *      15     14      13 12       11 10         8       7   0
 *   | WIDE | STORE | source | destination | ALIGNED | bytes |         WIDE: REX.W
 */
#pragma once
#include "cpu/op.h"
#include "cpu/x87.h"

enum simd_file { FILE_NONE, FILE_P, FILE_V, FILE_G };      /* MMX, XMM, general registers */
enum {
    SIMD_BYTES = 0xFF,
    SIMD_ALIGNED = 1 << 8,
    SIMD_DST_SHIFT = 10,
    SIMD_SRC_SHIFT = 12,
    SIMD_STORE = 1 << 14,
    SIMD_WIDE = 1 << 15,
};
/* Place of a handler in family.h[][]: for operands of these files. */
enum { SIMD_W_P, SIMD_W_V, SIMD_W_G32, SIMD_W_G64 };

static inline enum simd_file simd_dst(const struct insn *i)
{
    return i->opcode >> SIMD_DST_SHIFT & 3;
}
static inline enum simd_file simd_src(const struct insn *i)
{
    return i->opcode >> SIMD_SRC_SHIFT & 3;
}

/* ---- lanes ----------------------------------------------------------------------------------- */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LANE(v, type, n) ((v).type[n])
#else                                                      /* quadwords are kept in host order */
#define LANE(v, type, n) ((v).type[(n) ^ (8 / sizeof (v).type[0] - 1)])
#endif
#define LANES(type) (bytes / (unsigned)sizeof a.type[0])
#define VEC_ZERO    ((union vec){ .u64 = { 0, 0 } })

/* Little-endian in memory, the rest of a register zero. */
static inline union vec vec_load(const void *p, unsigned size)
{
    union vec v = VEC_ZERO;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (size == 16) memcpy(&v, p, 16);
    else v.u64[0] = host_load(p, size);
#else
    v.u64[0] = host_load(p, size < 8 ? size : 8);
    if (size == 16) v.u64[1] = host_load((const uint8_t *)p + 8, 8);
#endif
    return v;
}
static inline void vec_store(void *p, union vec v, unsigned size)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    if (size == 16) memcpy(p, &v, 16);
    else host_store(p, v.u64[0], size);
#else
    host_store(p, v.u64[0], size < 8 ? size : 8);
    if (size == 16) host_store((uint8_t *)p + 8, v.u64[1], 8);
#endif
}

/* ---- readiness and exceptions (simd.c) ------------------------------------------------------- */
void simd_not_ready(struct cpu *, bool mmx, bool sse);
exec_fn sse_refused;                                       /* sse_ready() says no: #UD or #NM */
_Noreturn void simd_exception(struct cpu *);
void simd_reset(struct cpu *);                             /* power-up: XMM 0, MXCSR 1F80h */
uint64_t simd_hash(const struct cpu *, uint64_t seed);
union vec simd_load(struct cpu *, const struct insn *);    /* the memory operand, zero-extended */
void simd_store(struct cpu *, const struct insn *, union vec);
union vec simd_source(struct cpu *, const struct insn *);  /* whatever file or memory */
union vec simd_old(const struct cpu *, const struct insn *);
void simd_result(struct cpu *, const struct insn *, union vec);

static inline void mmx_begin(struct cpu *c)
{
    if (unlikely((c->cr0 & (CR0_EM | CR0_TS)) || c->x87.status & X87_ES))
        simd_not_ready(c, true, false);
}
static inline bool sse_ready(const struct cpu *c)
{
    return !((c->cr0 & (CR0_EM | CR0_TS)) | (~c->cr4 & CR4_OSFXSR));
}
static inline void sse_begin(struct cpu *c)
{
    if (unlikely(!sse_ready(c))) simd_not_ready(c, false, true);
}
static inline void sse_begin_float(struct cpu *c)
{
    sse_begin(c);
    c->sse.env.flags = 0;
}
/* Exceptions of this instruction: into MXCSR, then #XM if one is unmasked (SDM vol. 1, 11.5.2). */
static inline void sse_settle(struct cpu *c)
{
    uint32_t flags = c->sse.env.flags;
    if (unlikely(flags & ~(c->sse.env.mxcsr >> MXCSR_MASK_SHIFT))) simd_exception(c);
    c->sse.env.mxcsr |= flags;
}

/* MMn is the significand of Rn; the exponent becomes all ones, TOP 0, all tags valid (SDM vol.
 * 1, 9.5). */
static inline void mmx_touch(struct cpu *c)
{
    c->x87.top = 0;
    c->x87.used = 0xFF;
}
static inline union vec mmx_get(const struct cpu *c, unsigned n)
{
    return (union vec){ .u64 = { c->x87.reg[n & 7].m, 0 } };
}
static inline void mmx_set(struct cpu *c, unsigned n, union vec v)
{
    c->x87.reg[n & 7] = (struct f80){ v.u64[0], 0xFFFF };
    mmx_touch(c);
}

/* ---- handlers -------------------------------------------------------------------------------- */
#define ANY __attribute__((unused))
/* Head of an operation: (CPU, record, old destination, source, bytes of the register file). */
#define VEC(op)                                                                                    \
    static inline union vec op(ANY struct cpu *c, ANY const struct insn *i, ANY union vec a,       \
                               ANY union vec b, ANY unsigned bytes)

/* Forms with a memory operand come in three: op_rm does everything (segments, #GP, page ends,
 * MMIO); before it op_rmf and op_rml, for flat 32-bit and 64-bit addresses, take the operand from
 * the host's memory when that is all there is to do. */
#define SIMD_AT(name) static inline __attribute__((always_inline)) const struct insn *name##_at(   \
    struct cpu *c, const struct insn *i, uint64_t laddr)
#define SIMD_FLAT(name)                                                                            \
    EXEC name##f(struct cpu *c, const struct insn *i)                                              \
    {                                                                                              \
        return name##_at(c, i, flat_laddr(c, i));                                                  \
    }                                                                                              \
    EXEC name##l(struct cpu *c, const struct insn *i)                                              \
    {                                                                                              \
        return name##_at(c, i, long_laddr(c, i));                                                  \
    }
/* `size` bytes at p on the host; tag: read or write. */
#define SIMD_HOST(p, tag, size, general)                                                           \
    const struct tlb_entry *entry_ = tlb_slot(c->tlb, laddr);                                      \
    if (unlikely(!tlb_hit(entry_->tag, laddr, size)) &&                                            \
        (i->opcode & SIMD_ALIGNED || !tlb_in_page(entry_->tag, laddr, size) ||                     \
         checks_alignment(c)))                                                                     \
        TAIL general(c, i);                                                                        \
    void *p = (void *)(entry_->host + (uintptr_t)laddr)
#define SIMD_SIZE(i) ((i)->opcode & SIMD_BYTES)

#define HANDLERS_P(op)                                                                             \
    EXEC op##_p_rr(struct cpu *c, const struct insn *i)                                            \
    {                                                                                              \
        BEGIN(c, i);                                                                               \
        mmx_begin(c);                                                                              \
        mmx_set(c, i->dst, op(c, i, mmx_get(c, i->dst), mmx_get(c, i->src), 8));                   \
        NEXT(c, i);                                                                                \
    }                                                                                              \
    EXEC op##_p_rm(struct cpu *c, const struct insn *i)                                            \
    {                                                                                              \
        BEGIN(c, i);                                                                               \
        mmx_begin(c);                                                                              \
        mmx_set(c, i->dst, op(c, i, mmx_get(c, i->dst), simd_load(c, i), 8));                      \
        NEXT_CHECKED(c, i);                                                                        \
    }
#define HANDLERS_V(op)                                                                             \
    EXEC op##_v_rr(struct cpu *c, const struct insn *i)                                            \
    {                                                                                              \
        if (unlikely(!sse_ready(c))) TAIL sse_refused(c, i);                                       \
        c->sse.xmm[i->dst] = op(c, i, c->sse.xmm[i->dst], c->sse.xmm[i->src], 16);                 \
        NEXT(c, i);                                                                                \
    }                                                                                              \
    static __attribute__((noinline)) const struct insn *op##_v_rm(struct cpu *c,                   \
                                                                  const struct insn *i)            \
    {                                                                                              \
        BEGIN(c, i);                                                                               \
        sse_begin(c);                                                                              \
        c->sse.xmm[i->dst] = op(c, i, c->sse.xmm[i->dst], simd_load(c, i), 16);                    \
        NEXT_CHECKED(c, i);                                                                        \
    }                                                                                              \
    SIMD_AT(op##_v_rm)                                                                             \
    {                                                                                              \
        SIMD_HOST(p, read, SIMD_SIZE(i), op##_v_rm);                                               \
        if (unlikely(!sse_ready(c))) TAIL sse_refused(c, i);                                       \
        union vec b = vec_load(p, SIMD_SIZE(i));                                                   \
        c->sse.xmm[i->dst] = op(c, i, c->sse.xmm[i->dst], b, 16);                                  \
        NEXT_ANY(c, i);                                                                            \
    }                                                                                              \
    SIMD_FLAT(op##_v_rm)
#define FAMILY_PV(op, p_rr, p_rm, v_rr, v_rm, v_rmf, v_rml)                                        \
    const struct family family_##op = {                                                            \
        .h = {[K_RR] = {{p_rr, v_rr}}, [K_RM] = {{NULL, v_rmf}, {p_rm, v_rm}, {NULL, v_rml}}}}

/* MMX and SSE2; SSE only; MMX only. */
#define SIMD_PV(op)                                                                                \
    HANDLERS_P(op) HANDLERS_V(op)                                                                  \
    FAMILY_PV(op, op##_p_rr, op##_p_rm, op##_v_rr, op##_v_rm, op##_v_rmf, op##_v_rml)
#define SIMD_V(op)                                                                                 \
    HANDLERS_V(op) FAMILY_PV(op, NULL, NULL, op##_v_rr, op##_v_rm, op##_v_rmf, op##_v_rml)
#define SIMD_P(op)  HANDLERS_P(op) FAMILY_PV(op, op##_p_rr, op##_p_rm, NULL, NULL, NULL, NULL)

/* Floating point: the operation collects exceptions in c->sse.env. */
#define SIMD_FLOAT_GENERAL(op)                                                                     \
    static __attribute__((noinline)) const struct insn *op##_exec(struct cpu *c,                   \
                                                                  const struct insn *i)            \
    {                                                                                              \
        BEGIN(c, i);                                                                               \
        sse_begin_float(c);                                                                        \
        union vec b = i->asize & INSN_REG ? c->sse.xmm[i->src] : simd_load(c, i);                  \
        union vec r = op(c, i, c->sse.xmm[i->dst], b, 16);                                         \
        sse_settle(c);                                                                             \
        c->sse.xmm[i->dst] = r;                                                                    \
        NEXT_CHECKED(c, i);                                                                        \
    }
#define SIMD_FLOAT(op)                                                                             \
    SIMD_FLOAT_GENERAL(op)                                                                         \
    FAMILY_PV(op, NULL, NULL, op##_exec, op##_exec, NULL, NULL)
/* The same, but first quick(c, i, &c->sse.xmm[dst], b), which does it if the host can and nothing
 * but an inexact result that is noted already comes of it (sse_host.h). */
#define SIMD_FLOAT_QUICK(op, quick, size)                                                          \
    SIMD_FLOAT_GENERAL(op)                                                                         \
    EXEC op##_rr(struct cpu *c, const struct insn *i)                                              \
    {                                                                                              \
        if (unlikely(!quick(c, i, &c->sse.xmm[i->dst], c->sse.xmm[i->src]))) TAIL op##_exec(c, i); \
        NEXT(c, i);                                                                                \
    }                                                                                              \
    SIMD_AT(op##_rm)                                                                               \
    {                                                                                              \
        SIMD_HOST(p, read, size, op##_exec);                                                       \
        if (unlikely(!quick(c, i, &c->sse.xmm[i->dst], vec_load(p, size)))) TAIL op##_exec(c, i);  \
        NEXT_ANY(c, i);                                                                            \
    }                                                                                              \
    SIMD_FLAT(op##_rm)                                                                             \
    FAMILY_PV(op, NULL, NULL, op##_rr, op##_exec, op##_rmf, op##_rml)

static inline bool simd_files(const struct insn *i, enum simd_file dst, enum simd_file src)
{
    unsigned want = (unsigned)dst << SIMD_DST_SHIFT | (unsigned)src << SIMD_SRC_SHIFT;
    return (i->opcode & (3 << SIMD_DST_SHIFT | 3 << SIMD_SRC_SHIFT)) == want;
}
/* The source register, of the XMM or the general ones. */
static inline union vec simd_register(const struct cpu *c, const struct insn *i,
                                      enum simd_file file)
{
    if (file == FILE_V) return c->sse.xmm[i->src];
    uint64_t v = i->opcode & SIMD_WIDE ? c->gpr[i->src] : reg32(c, i->src);
    return (union vec){ .u64 = { v, 0 } };
}

/* Between files, to memory, or both: sources, results and checks by what the record says. */
void simd_begin(struct cpu *, const struct insn *);
#define SIMD_ANY_GENERAL(op)                                                                       \
    static __attribute__((noinline)) const struct insn *op##_exec(struct cpu *c,                   \
                                                                  const struct insn *i)            \
    {                                                                                              \
        BEGIN(c, i);                                                                               \
        simd_begin(c, i);                                                                          \
        union vec b = simd_source(c, i), r = op(c, i, simd_old(c, i), b, 16);                      \
        sse_settle(c);                                                                             \
        simd_result(c, i, r);                                                                      \
        NEXT_CHECKED(c, i);                                                                        \
    }
#define SIMD_ANY(op) SIMD_ANY_GENERAL(op) const struct family family_##op = ONE(op##_exec)
/* The same, but first quick(c, i, b) for operands of these two files; false: it did nothing. */
#define SIMD_ANY_QUICK(op, dst_file, src_file, quick)                                              \
    SIMD_ANY_GENERAL(op)                                                                           \
    EXEC op##_rr(struct cpu *c, const struct insn *i)                                              \
    {                                                                                              \
        if (unlikely(!simd_files(i, dst_file, src_file) ||                                         \
                     !quick(c, i, simd_register(c, i, src_file))))                                 \
            TAIL op##_exec(c, i);                                                                  \
        NEXT(c, i);                                                                                \
    }                                                                                              \
    SIMD_AT(op##_rm)                                                                               \
    {                                                                                              \
        SIMD_HOST(p, read, SIMD_SIZE(i), op##_exec);                                               \
        if (unlikely(!simd_files(i, dst_file, src_file) ||                                         \
                     !quick(c, i, vec_load(p, SIMD_SIZE(i)))))                                     \
            TAIL op##_exec(c, i);                                                                  \
        NEXT_ANY(c, i);                                                                            \
    }                                                                                              \
    SIMD_FLAT(op##_rm)                                                                             \
    const struct family family_##op = {                                                            \
        .h = {[K_RR] = {{op##_rr, op##_rr, op##_rr, op##_rr}},                                     \
              [K_RM] = {{op##_rmf, op##_rmf, op##_rmf, op##_rmf},                                  \
                        {op##_exec, op##_exec, op##_exec, op##_exec},                              \
                        {op##_rml, op##_rml, op##_rml, op##_rml}},                                 \
              ONE_(K_MR, op##_exec)}}

#define FLOATS(op) family_##op##ps, family_##op##pd, family_##op##ss, family_##op##sd
extern const struct family
    /* sse_integer.c */
    family_punpcklbw,
    family_punpcklwd, family_punpckldq, family_punpcklqdq, family_punpckhbw, family_punpckhwd,
    family_punpckhdq, family_punpckhqdq, family_packsswb, family_packssdw, family_packuswb,
    family_packusdw, family_pcmpgtb, family_pcmpgtw, family_pcmpgtd, family_pcmpgtq, family_pcmpeqb,
    family_pcmpeqw, family_pcmpeqd, family_pcmpeqq, family_psrlw, family_psrld, family_psrlq,
    family_psraw, family_psrad, family_psllw, family_pslld, family_psllq, family_psrlw_i,
    family_psrld_i, family_psrlq_i, family_psraw_i, family_psrad_i, family_psllw_i, family_pslld_i,
    family_psllq_i, family_psrldq_i, family_pslldq_i, family_paddb, family_paddw, family_paddd,
    family_paddq, family_paddsb, family_paddsw, family_paddusb, family_paddusw, family_psubb,
    family_psubw, family_psubd, family_psubq, family_psubsb, family_psubsw, family_psubusb,
    family_psubusw, family_pmullw, family_pmulhw, family_pmulhuw, family_pmulhrsw, family_pmuludq,
    family_pmuldq, family_pmulld, family_pmaddwd, family_pmaddubsw, family_psadbw, family_pavgb,
    family_pavgw, family_pminub, family_pmaxub, family_pminsw, family_pmaxsw, family_pminsb,
    family_pmaxsb, family_pminuw, family_pmaxuw, family_pminsd, family_pmaxsd, family_pminud,
    family_pmaxud, family_pand, family_pandn, family_por, family_pxor, family_phaddw, family_phaddd,
    family_phaddsw, family_phsubw, family_phsubd, family_phsubsw, family_psignb, family_psignw,
    family_psignd, family_pabsb, family_pabsw, family_pabsd, family_phminposuw, family_mpsadbw,
    /* sse_move.c */
    family_simd_move, family_movss, family_movsd, family_movl, family_movh, family_movq,
    family_movsldup, family_movshdup, family_movddup, family_movmskps, family_movmskpd,
    family_pmovmskb, family_maskmov, family_movnti, family_pshufb, family_palignr, family_pshufw,
    family_pshufd, family_pshufhw, family_pshuflw, family_shufps, family_shufpd, family_pinsrw,
    family_pinsrb, family_pinsrd, family_pextrw, family_pextrb, family_pextrd, family_insertps,
    family_blendps, family_blendpd, family_pblendw, family_pblendvb, family_blendvps,
    family_blendvpd, family_pmovsxbw, family_pmovsxbd, family_pmovsxbq, family_pmovsxwd,
    family_pmovsxwq, family_pmovsxdq, family_pmovzxbw, family_pmovzxbd, family_pmovzxbq,
    family_pmovzxwd, family_pmovzxwq, family_pmovzxdq, family_ptest,
    /* sse_float.c */
    FLOATS(add), FLOATS(sub), FLOATS(mul), FLOATS(div), FLOATS(min), FLOATS(max), FLOATS(sqrt),
    FLOATS(cmp), FLOATS(round), family_comiss, family_comisd, family_ucomiss, family_ucomisd,
    family_rcpps, family_rcpss, family_rsqrtps, family_rsqrtss, family_addsubps, family_addsubpd,
    family_haddps, family_haddpd, family_hsubps, family_hsubpd, family_dpps, family_dppd,
    /* sse_convert.c */
    family_cvtps2pd, family_cvtpd2ps, family_cvtss2sd, family_cvtsd2ss, family_cvtdq2ps,
    family_cvtps2dq, family_cvttps2dq, family_cvtdq2pd, family_cvttpd2dq, family_cvtpd2dq,
    family_cvtpi2ps, family_cvtpi2pd, family_cvtsi2ss, family_cvtsi2sd, family_cvttps2pi,
    family_cvttpd2pi, family_cvttss2si, family_cvttsd2si, family_cvtps2pi, family_cvtpd2pi,
    family_cvtss2si, family_cvtsd2si,
    /* sse_string.c */
    family_pcmpestrm, family_pcmpestri, family_pcmpistrm, family_pcmpistri, family_crc32,
    family_crc32_b, family_popcnt,
    /* now3d.c */
    family_pi2fw, family_pi2fd, family_pf2iw, family_pf2id, family_pfnacc, family_pfpnacc,
    family_pfcmpge, family_pfmin, family_pfrcp, family_pfrsqrt, family_pfsub, family_pfadd,
    family_pfcmpgt, family_pfmax, family_pfrcpit1, family_pfrsqit1, family_pfsubr, family_pfacc,
    family_pfcmpeq, family_pfmul, family_pfrcpit2, family_pmulhrw, family_pswapd,
    /* simd.c */
    family_emms, family_fxsave, family_fxrstor, family_ldmxcsr, family_stmxcsr, family_clflush;
