/* SPDX-License-Identifier: MIT
 * XSAVE, XSAVEOPT, XRSTOR, XGETBV, XSETBV for the x87 and SSE. SDM vol. 1, chapter 13.
 *
 *   0 FXSAVE's layout   512 XSTATE_BV   520 XCOMP_BV, 0   528-575 0
 *
 * Neither component is ever said to be in its initial state (13.6 allows that),
 * so XSAVEOPT is XSAVE.
 * Not implemented: the compacted form (XSAVEC, XSAVES), XGETBV of XINUSE.
 */
#include "cpu/families.h"
#include "cpu/op.h"
#include "cpu/protect.h"
#include "cpu/x87.h"
#include "cpu/xsave.h"

static void need_osxsave(struct cpu *c)
{
    if (!(c->cr4 & CR4_OSXSAVE)) fault(c, VEC_UD);
}

static uint64_t area_laddr(struct cpu *c, const struct insn *i, unsigned need)
{
    need_osxsave(c);
    if (c->cr0 & CR0_TS) fault(c, VEC_NM);
    uint64_t laddr = insn_laddr(c, i, XSAVE_BYTES, need);
    if (laddr & 63) fault_error(c, VEC_GP, 0);
    return laddr;
}
/* EDX:EAX and XCR0: the components to move. */
static unsigned requested(const struct cpu *c) { return (unsigned)(c->xcr0 & reg32(c, RAX)); }

static void store(struct cpu *c, uint64_t laddr, const uint8_t *image, unsigned from, unsigned end)
{
    for (unsigned n = from; n < end; n += 8)
        lin_store(c, laddr_wrap(c, laddr + n), host_load(image + n, 8), 8);
}

static __attribute__((noinline)) void save(struct cpu *c, const struct insn *i)
{
    uint8_t image[FX_BYTES];
    uint64_t laddr = area_laddr(c, i, SEG_WRITE), header = laddr_wrap(c, laddr + XSAVE_HEADER);
    unsigned what = requested(c);
    mem_probe_store(c, laddr, 8, c->tlb_set);
    mem_probe_store(c, header, 8, c->tlb_set);
    uint64_t state = lin_load(c, header, 8);
    fx_get(c, image, insn_opsize(i) == 8);
    if (what & XCR0_X87) {
        store(c, laddr, image, 0, FX_MXCSR);
        store(c, laddr, image, FX_ST, FX_XMM);
    }
    if (what & XCR0_SSE) {
        store(c, laddr, image, FX_MXCSR, FX_ST);
        store(c, laddr, image, FX_XMM, c->mode & MODE_LONG ? FX_BYTES : FX_XMM + 8 * 16);
    }
    lin_store(c, header, (state & ~(uint64_t)what) | what, 8);
}

/* 13.8: the header may name what XCR0 enables, and nothing else. */
static uint64_t header_check(struct cpu *c, uint64_t laddr)
{
    uint64_t state = lin_load(c, laddr, 8), rest = 0;
    for (unsigned n = 8; n < 24; n += 8) rest |= lin_load(c, laddr_wrap(c, laddr + n), 8);
    if (state & ~c->xcr0 || rest) fault_error(c, VEC_GP, 0);
    return state;
}

static __attribute__((noinline)) void restore(struct cpu *c, const struct insn *i)
{
    uint8_t image[FX_BYTES];
    uint64_t laddr = area_laddr(c, i, SEG_READ),
             state = header_check(c, laddr_wrap(c, laddr + XSAVE_HEADER));
    unsigned what = requested(c), xmm = c->mode & MODE_LONG ? 16 : 8;
    for (unsigned n = 0; n < FX_BYTES; n += 8)
        host_store(image + n, lin_load(c, laddr_wrap(c, laddr + n), 8), 8);
    uint32_t mxcsr = (uint32_t)host_load(image + FX_MXCSR, 4);
    if (what & XCR0_SSE && mxcsr & ~mxcsr_mask(c)) fault_error(c, VEC_GP, 0);
    if (what & XCR0_X87) {
        if (state & XCR0_X87) fx_set_x87(c, image, insn_opsize(i) == 8);
        else x87_reset(c);
    }
    if (!(what & XCR0_SSE)) return;
    c->sse.env.mxcsr = mxcsr;              /* whatever XSTATE_BV says: 13.8.1 */
    for (unsigned n = 0; n < xmm * 2; n++)
        c->sse.xmm[n / 2].u64[n & 1] = state & XCR0_SSE ? host_load(image + FX_XMM + n * 8, 8) : 0;
}

EXEC xsave(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    save(c, i);
    NEXT_CHECKED(c, i);
}
EXEC xrstor(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    restore(c, i);
    NEXT_CHECKED(c, i);
}

EXEC xgetbv(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    need_osxsave(c);
    if (reg32(c, RCX)) fault_error(c, VEC_GP, 0);
    reg32_set(c, RAX, (uint32_t)c->xcr0);
    reg32_set(c, RDX, 0);
    NEXT(c, i);
}
EXEC xsetbv(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    need_osxsave(c);
    uint64_t value = (uint64_t)reg32(c, RDX) << 32 | reg32(c, RAX);
    if (c->cpl || reg32(c, RCX) || !(value & XCR0_X87) || value & ~(uint64_t)XCR0_KNOWN)
        fault_error(c, VEC_GP, 0);
    c->xcr0 = value;
    return leave_after(c, i);
}

const struct family family_xsave = ONE(xsave);
const struct family family_xrstor = ONE(xrstor);
const struct family family_xgetbv = ONE(xgetbv);
const struct family family_xsetbv = ONE(xsetbv);
