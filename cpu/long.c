/* SPDX-License-Identifier: MIT
 * What came with 64-bit processors: SYSCALL SYSRET SWAPGS RDTSCP.
 * SDM vol. 2 (each instruction); AMD64 Architecture Programmer's Manual, vol. 3 (24594), SYSCALL
 * and SYSRET, for legacy and compatibility mode, where only AMD's processors have the two.
 */
#include "cpu/families.h"
#include "cpu/protect.h"
#include "cpu/trace.h"

static void need_ring0(struct cpu *c)
{
    if (c->cpl) fault_error(c, VEC_GP, 0);
}

/* SYSCALL and SYSRET load fixed segments; the descriptor tables are not looked at. */
static void fixed_segments(struct cpu *c, uint16_t cs, uint16_t ss, unsigned ring, bool wide)
{
    uint16_t access = (uint16_t)(ACCESS_P | ACCESS_S | ACCESS_G | ACCESS_RW | ACCESS_A |
                                 ring << ACCESS_DPL_SHIFT);
    c->seg[CS] = (struct segment){
        .limit = 0xFFFFFFFF,
        .selector = (uint16_t)((cs & 0xFFFC) | ring),
        .access = (uint16_t)(access | ACCESS_CODE | (wide ? ACCESS_L : ACCESS_DB))};
    c->seg[SS] = (struct segment){.limit = 0xFFFFFFFF,
                                  .selector = (uint16_t)((ss & 0xFFFC) | ring),
                                  .access = (uint16_t)(access | ACCESS_DB)};
    segment_derive(&c->seg[CS]);
    segment_derive(&c->seg[SS]);
    c->cpl = (uint8_t)ring;
    c->single_step = c->flags & FLAG_TF;      /* as it is now: no trap of a SYSCALL that masks TF */
    mode_changed(c);
    flags_loaded(c);
}

static void need_syscall(struct cpu *c)
{
    bool everywhere = c->model->vendor == VENDOR_AMD;
    if (!(c->efer & EFER_SCE) || !is_protected(c) || (!everywhere && !(c->mode & MODE_LONG)))
        fault(c, VEC_UD);
}

EXEC syscall(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    need_syscall(c);
    bool from64 = c->mode & MODE_LONG, wide = is_long(c);
    uint64_t next = insn_next_rip(c, i), star = c->msr.star;
    c->gpr[RCX] = next;
    if (wide) c->gpr[R11] = flags_get(c) & ~(uint32_t)FLAG_RF;
    flags_set(c, 0, (wide ? (uint32_t)c->msr.sfmask : (uint32_t)(FLAG_IF | FLAG_VM)) | FLAG_RF);
    fixed_segments(c, (uint16_t)(star >> 32), (uint16_t)((star >> 32) + 8), 0, wide);
    TAIL go_to(c, i, !wide ? (uint32_t)star : from64 ? c->msr.lstar : c->msr.cstar);
}

/* To 64-bit code with REX.W, else to compatibility mode; the selectors lie 16 apart. */
EXEC sysret(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    need_syscall(c);
    need_ring0(c);
    bool wide = c->mode & MODE_LONG && insn_opsize(i) == 8;
    uint64_t target = wide ? c->gpr[RCX] : reg32(c, RCX);
    uint16_t base = (uint16_t)(c->msr.star >> 48);
    if (!is_canonical(target)) fault_error(c, VEC_GP, 0);
    uint32_t image = (uint32_t)c->gpr[R11] & 0x3C7FD7;
    if (c->mode & MODE_LONG) flags_set(c, image, (0x3C7FD7 | FLAG_RF | FLAG_VM) & flags_known(c));
    else flags_set(c, FLAG_IF, FLAG_IF);
    fixed_segments(c, (uint16_t)(base + (wide ? 16 : 0)), (uint16_t)(base + 8), 3, wide);
    TAIL go_to(c, i, target);
}

EXEC swapgs(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    need_ring0(c);
    uint64_t base = c->seg[GS].base;
    c->seg[GS].base = c->msr.kernel_gs_base;
    c->msr.kernel_gs_base = base;
    NEXT(c, i);
}

EXEC rdtscp(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    if (c->cr4 & CR4_TSD && c->cpl) fault_error(c, VEC_GP, 0);
    uint64_t tsc = cpu_ticks(c) + c->tsc_offset;
    reg32_set(c, RAX, (uint32_t)tsc);
    reg32_set(c, RDX, (uint32_t)(tsc >> 32));
    reg32_set(c, RCX, (uint32_t)c->msr.tsc_aux);
    NEXT_CHECKED(c, i);
}

const struct family family_syscall = ONE(syscall);
const struct family family_sysret = ONE(sysret);
const struct family family_swapgs = ONE(swapgs);
const struct family family_rdtscp = ONE(rdtscp);
