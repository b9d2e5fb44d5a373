/* SPDX-License-Identifier: MIT
 * MMX and SSE: operands and results, readiness, exceptions, MXCSR, FXSAVE and FXRSTOR.
 * Data sheet: Intel SDM vol. 1, chapters 9-11; vol. 2, FXSAVE; vol. 3, chapter 13 and table 23-4
 * ff. (exceptions).
 *
 * Not implemented: the faster FXSAVE of AMD (FFXSR); MISALIGNSSE.
 */
#include "cpu/simd.h"
#include "cpu/xsave.h"

/* ---- readiness ------------------------------------------------------------------------------- */
/* #UD comes before #NM, that before #MF (SDM vol. 2, 2.4, table 2-27 and others). */
void simd_not_ready(struct cpu *c, bool mmx, bool sse)
{
    if (c->cr0 & CR0_EM || (sse && !(c->cr4 & CR4_OSFXSR))) fault(c, VEC_UD);
    if (c->cr0 & CR0_TS) fault(c, VEC_NM);
    if (!mmx || !(c->x87.status & X87_ES)) return;
    x87_error(c);
}

const struct insn *sse_refused(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    simd_not_ready(c, false, true);
    LEAVE(c);                                              /* not reached: it always faults */
}

void simd_begin(struct cpu *c, const struct insn *i)
{
    bool mmx = simd_dst(i) == FILE_P ||
               (simd_src(i) == FILE_P && (i->asize & INSN_REG || i->opcode & SIMD_STORE));
    if (mmx) mmx_begin(c);
    if (simd_dst(i) == FILE_V || simd_src(i) == FILE_V) sse_begin(c);
    c->sse.env.flags = 0;
}

/* Unmasked exceptions of operands come before anything is computed (SDM vol. 1, 11.5.3.2). */
void simd_exception(struct cpu *c)
{
    struct ieee_env *e = &c->sse.env;
    uint32_t before = MXCSR_I | MXCSR_D | MXCSR_Z, masks = e->mxcsr >> MXCSR_MASK_SHIFT;
    if (e->flags & ~masks & before) e->flags &= before;
    e->mxcsr |= e->flags;
    fault(c, c->cr4 & CR4_OSXMMEXCPT ? VEC_XM : VEC_UD);
}

/* ---- memory operands ------------------------------------------------------------------------- */
static uint64_t simd_laddr(struct cpu *c, const struct insn *i, unsigned need)
{
    uint64_t laddr = insn_laddr(c, i, i->opcode & SIMD_BYTES, need);
    if (laddr & 15 && (i->opcode & SIMD_BYTES) == 16) {
        if (unlikely(i->opcode & SIMD_ALIGNED)) fault_error(c, VEC_GP, 0);
        if (unlikely(checks_alignment(c))) fault_error(c, VEC_AC, 0);  /* SDM vol. 3, table 6-7 */
    }
    return laddr;
}

union vec simd_load(struct cpu *c, const struct insn *i)
{
    uint64_t laddr = simd_laddr(c, i, SEG_READ);
    unsigned size = i->opcode & SIMD_BYTES;
    if (size < 16) return (union vec){ .u64 = { lin_load(c, laddr, size), 0 } };
    const struct tlb_entry *e = tlb_slot(c->tlb, laddr);
    if (likely(tlb_in_page(e->read, laddr, 16))) {
        const uint8_t *p = (const uint8_t *)(e->host + (uintptr_t)laddr);
        return (union vec){ .u64 = { host_load(p, 8), host_load(p + 8, 8) } };
    }
    uint64_t low = lin_load(c, laddr, 8);
    return (union vec){ .u64 = { low, lin_load(c, laddr_wrap(c, laddr + 8), 8) } };
}

void simd_store(struct cpu *c, const struct insn *i, union vec v)
{
    uint64_t laddr = simd_laddr(c, i, SEG_WRITE);
    unsigned size = i->opcode & SIMD_BYTES;
    if (size < 16) {
        lin_store(c, laddr, v.u64[0], size);
        return;
    }
    const struct tlb_entry *e = tlb_slot(c->tlb, laddr);
    if (likely(tlb_in_page(e->write, laddr, 16))) {
        uint8_t *p = (uint8_t *)(e->host + (uintptr_t)laddr);
        host_store(p, v.u64[0], 8);
        host_store(p + 8, v.u64[1], 8);
        return;
    }
    unsigned set = c->tlb_set;
    mem_probe_store(c, laddr, 8, set);
    mem_probe_store(c, laddr_wrap(c, laddr + 8), 8, set);
    lin_store(c, laddr, v.u64[0], 8);
    lin_store(c, laddr_wrap(c, laddr + 8), v.u64[1], 8);
}

/* ---- operands of any file -------------------------------------------------------------------- */
static bool is_wide(const struct insn *i) { return i->opcode & SIMD_WIDE; }

static union vec reg_get(const struct cpu *c, const struct insn *i, enum simd_file file, unsigned n)
{
    if (file == FILE_V) return c->sse.xmm[n & 15];
    if (file == FILE_P) return mmx_get(c, n);
    return (union vec){ .u64 = { is_wide(i) ? c->gpr[n] : reg32(c, n), 0 } };
}

union vec simd_source(struct cpu *c, const struct insn *i)
{
    if (!(i->asize & INSN_REG) && !(i->opcode & SIMD_STORE)) return simd_load(c, i);
    return reg_get(c, i, simd_src(i), i->src);
}

union vec simd_old(const struct cpu *c, const struct insn *i)
{
    return reg_get(c, i, simd_dst(i), i->dst);
}

void simd_result(struct cpu *c, const struct insn *i, union vec v)
{
    bool memory = !(i->asize & INSN_REG) && i->opcode & SIMD_STORE;
    bool mmx_source = simd_src(i) == FILE_P && (i->asize & INSN_REG || i->opcode & SIMD_STORE);
    if (memory) simd_store(c, i, v);
    else if (simd_dst(i) == FILE_V) c->sse.xmm[i->dst & 15] = v;
    else if (simd_dst(i) == FILE_P) mmx_set(c, i->dst, v);
    else c->gpr[i->dst] = is_wide(i) ? v.u64[0] : (uint32_t)v.u64[0];
    if (mmx_source) mmx_touch(c);
}

/* ---- MXCSR ----------------------------------------------------------------------------------- */
/* Bits that exist: DAZ came with SSE2 (SDM vol. 1, 11.6.6). */
uint32_t mxcsr_mask(const struct cpu *c)
{
    return model_has(c->model, FEAT_SSE2) ? 0xFFFF : 0xFFBF;
}

EXEC ldmxcsr(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    sse_begin(c);
    uint32_t value = (uint32_t)insn_load(c, i, 4);
    if (value & ~mxcsr_mask(c)) fault_error(c, VEC_GP, 0);
    c->sse.env.mxcsr = value;
    NEXT_CHECKED(c, i);
}
EXEC stmxcsr(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    sse_begin(c);
    insn_store(c, i, c->sse.env.mxcsr, 4);
    NEXT_CHECKED(c, i);
}
const struct family family_ldmxcsr = ONE(ldmxcsr);
const struct family family_stmxcsr = ONE(stmxcsr);

EXEC emms(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    mmx_begin(c);
    c->x87.top = 0;
    c->x87.used = 0;
    NEXT(c, i);
}
const struct family family_emms = ONE(emms);

/* There is no cache to flush, but the address is checked like a load's. */
EXEC clflush(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    insn_load(c, i, 1);
    NEXT_CHECKED(c, i);
}
const struct family family_clflush = ONE(clflush);

/* ---- FXSAVE, FXRSTOR (SDM vol. 1, 10.5.1) ---------------------------------------------------- */
static uint64_t fx_laddr(struct cpu *c, const struct insn *i, unsigned need)
{
    if (c->cr0 & (CR0_EM | CR0_TS)) fault(c, VEC_NM);
    uint64_t laddr = insn_laddr(c, i, FX_SIZE, need);
    if (laddr & 15) fault_error(c, VEC_GP, 0);
    return laddr;
}
/* Without CR4.OSFXSR only the x87's part is moved (SDM vol. 3, 2.5). */
static unsigned fx_bytes(const struct cpu *c)
{
    if (!model_has(c->model, FEAT_SSE) || !(c->cr4 & CR4_OSFXSR)) return FX_XMM;
    return c->mode & MODE_LONG ? FX_BYTES : FX_XMM + 8 * 16;
}

static void fx_pointers_get(const struct cpu *c, uint8_t *image, bool wide)
{
    const struct x87 *f = &c->x87;
    host_store(image + FX_POINTERS, wide ? f->fip : (uint32_t)f->fip | (uint64_t)f->fcs << 32, 8);
    host_store(image + FX_DATA, wide ? f->fdp : (uint32_t)f->fdp | (uint64_t)f->fds << 32, 8);
}
void fx_get(const struct cpu *c, uint8_t image[FX_BYTES], bool wide)
{
    const struct x87 *f = &c->x87;
    memset(image, 0, FX_BYTES);
    host_store(image, f->env.control, 2);
    host_store(image + 2, x87_status(f), 2);
    host_store(image + 4, f->used, 1);
    host_store(image + 6, f->opcode, 2);
    fx_pointers_get(c, image, wide);
    if (model_has(c->model, FEAT_SSE)) {
        host_store(image + FX_MXCSR, c->sse.env.mxcsr, 4);
        host_store(image + FX_MXCSR + 4, mxcsr_mask(c), 4);
    }
    for (unsigned n = 0; n < 8; n++) {
        host_store(image + FX_ST + n * 16, x87_st(f, n).m, 8);
        host_store(image + FX_ST + n * 16 + 8, x87_st(f, n).se, 2);
    }
    for (unsigned n = 0; n < 32; n++)
        host_store(image + FX_XMM + n * 8, c->sse.xmm[n / 2].u64[n & 1], 8);
}

void fx_set_x87(struct cpu *c, const uint8_t *image, bool wide)
{
    struct x87 *f = &c->x87;
    x87_set_status(f, (uint16_t)host_load(image + 2, 2));
    x87_set_control(f, (uint16_t)host_load(image, 2));
    x87_drive_ferr(c);
    f->used = image[4];
    f->opcode = host_load(image + 6, 2) & 0x7FF;
    f->fip = host_load(image + FX_POINTERS, wide ? 8 : 4);
    f->fdp = host_load(image + FX_DATA, wide ? 8 : 4);
    f->fcs = wide ? 0 : (uint16_t)host_load(image + FX_POINTERS + 4, 2);
    f->fds = wide ? 0 : (uint16_t)host_load(image + FX_DATA + 4, 2);
    for (unsigned n = 0; n < 8; n++) {
        const uint8_t *at = image + FX_ST + n * 16;
        f->reg[x87_at(f, n)] = (struct f80){ host_load(at, 8), (uint16_t)host_load(at + 8, 2) };
    }
}

static __attribute__((noinline)) void fxsave_body(struct cpu *c, const struct insn *i)
{
    uint8_t image[FX_BYTES];
    uint64_t laddr = fx_laddr(c, i, SEG_WRITE);
    unsigned set = c->tlb_set;
    mem_probe_store(c, laddr, 1, set);
    mem_probe_store(c, laddr_wrap(c, laddr + FX_SIZE - 1), 1, set);
    fx_get(c, image, insn_opsize(i) == 8);
    for (unsigned n = 0; n < fx_bytes(c); n += 8)
        lin_store(c, laddr_wrap(c, laddr + n), host_load(image + n, 8), 8);
}

static __attribute__((noinline)) void fxrstor_body(struct cpu *c, const struct insn *i)
{
    uint8_t image[FX_BYTES];
    uint64_t laddr = fx_laddr(c, i, SEG_READ);
    unsigned size = fx_bytes(c);
    for (unsigned n = 0; n < size; n += 8)
        host_store(image + n, lin_load(c, laddr_wrap(c, laddr + n), 8), 8);
    lin_load(c, laddr_wrap(c, laddr + FX_SIZE - 1), 1);
    uint32_t mxcsr = (uint32_t)host_load(image + FX_MXCSR, 4);
    if (size > FX_XMM && mxcsr & ~mxcsr_mask(c)) fault_error(c, VEC_GP, 0);
    fx_set_x87(c, image, insn_opsize(i) == 8);
    if (size == FX_XMM) return;
    c->sse.env.mxcsr = mxcsr;
    for (unsigned n = 0; n < (size - FX_XMM) / 8; n++)
        c->sse.xmm[n / 2].u64[n & 1] = host_load(image + FX_XMM + n * 8, 8);
}

EXEC fxsave(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    fxsave_body(c, i);
    NEXT_CHECKED(c, i);
}
EXEC fxrstor(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    fxrstor_body(c, i);
    NEXT_CHECKED(c, i);
}
const struct family family_fxsave = ONE(fxsave);
const struct family family_fxrstor = ONE(fxrstor);

/* ---- looking in ------------------------------------------------------------------------------ */
void simd_reset(struct cpu *c)
{
    memset(&c->sse, 0, sizeof c->sse);
    c->sse.env.mxcsr = MXCSR_RESET;
}

void cpu_get_sse(const struct cpu *c, struct cpu_sse *out)
{
    out->mxcsr = c->sse.env.mxcsr;
    for (unsigned n = 0; n < 32; n++)
        host_store(out->xmm[n / 2] + (n & 1) * 8, c->sse.xmm[n / 2].u64[n & 1], 8);
}

void cpu_set_sse(struct cpu *c, const struct cpu_sse *in)
{
    c->sse.env.mxcsr = in->mxcsr & mxcsr_mask(c);
    for (unsigned n = 0; n < 32; n++)
        c->sse.xmm[n / 2].u64[n & 1] = host_load(in->xmm[n / 2] + (n & 1) * 8, 8);
}

uint64_t simd_hash(const struct cpu *c, uint64_t seed)
{
    uint64_t words[33];
    for (unsigned n = 0; n < 32; n++) words[n] = c->sse.xmm[n / 2].u64[n & 1];
    words[32] = c->sse.env.mxcsr;
    return memory_hash_words(seed, words, COUNT_OF(words));
}
