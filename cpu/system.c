/* SPDX-License-Identifier: MIT
 * Control of the processor: control and debug registers, descriptor table registers, CLI
 * STI HLT, TSC, SYSENTER and SYSEXIT. SDM vol. 2 (each instruction), vol. 3, 2.5
 * (control registers), 17.2 (debug).
 *
 * A handler that changes the mode, paging or IF leaves the trace.
 * Not implemented: CR8 has no local APIC to tell.
 */
#include "cpu/debug.h"
#include "cpu/families.h"
#include "cpu/trace.h"
#include "cpu/vme.h"

static void need_ring0(struct cpu *c)
{
    if (c->cpl) fault_error(c, VEC_GP, 0);
}

/* ---- control registers ----------------------------------------------------------------------- */
/* CR0 bits that exist in this model; the others read as they were reset and ignore writes. */
uint64_t cr0_known(const struct cpu *c)
{
    uint64_t known = CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_PG;
    return has(c, FEAT_486) ? known | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD : known;
}

/* CR0.PG with EFER.LME turns long mode on, without PG off: SDM vol. 3, 9.8.5. */
static void check_paging(struct cpu *c, uint64_t value)
{
    bool tss16 = c->tr.access & ACCESS_P && !(c->tr.access & TYPE_WIDE);
    if (!(value & CR0_PG)) {
        if (c->mode & MODE_LONG) fault_selector(c, VEC_GP, 0, "paging off in 64-bit mode");
        if (c->cr4 & CR4_PCIDE) fault_selector(c, VEC_GP, 0, "paging off with CR4.PCIDE");
    } else if (c->efer & EFER_LME &&
               (!(c->cr4 & CR4_PAE) || c->seg[CS].access & ACCESS_L || tss16)) {
        fault_selector(c, VEC_GP, 0, "long mode without PAE, with 64-bit CS or a 16-bit TSS");
    }
}

void cr0_write(struct cpu *c, uint64_t value)
{
    value = (value & cr0_known(c)) | CR0_ET;
    uint64_t changed = value ^ c->cr0;
    if ((value & CR0_PG && !(value & CR0_PE)) || (value & CR0_NW && !(value & CR0_CD)))
        fault_error(c, VEC_GP, 0);
    if (changed & CR0_PG) check_paging(c, value);
    bool lma = value & CR0_PG && c->efer & EFER_LME;
    /* SDM vol. 3, 4.4.1: the PDPTEs are loaded when any of these change under PAE */
    if (!lma && value & CR0_PG && c->cr4 & CR4_PAE && changed & (CR0_PG | CR0_CD | CR0_NW))
        pdptes_load(c, c->cr3);
    c->cr0 = value;
    c->efer = lma ? c->efer | EFER_LMA : c->efer & ~(uint64_t)EFER_LMA;
    if (changed & (CR0_PG | CR0_PE | CR0_WP)) tlb_flush(c, false);
    mode_changed(c);
}

void cr3_write(struct cpu *c, uint64_t value)
{
    if (c->cr4 & CR4_PCIDE) value &= ~(1ull << 63);     /* "keep the translations": none are kept */
    if (value & ~paddr_mask(c)) fault_selector(c, VEC_GP, 0, "CR3 beyond the physical addresses");
    if (c->cr0 & CR0_PG && c->cr4 & CR4_PAE && !is_long(c)) pdptes_load(c, value);
    c->cr3 = value;
    tlb_flush(c, c->cr4 & CR4_PGE);
}

/* The bits of CR4 stand for features (SDM vol. 3, 2.5); setting one that is absent is #GP. */
uint64_t cr4_known(const struct cpu *c)
{
    static const struct { uint16_t feature; uint32_t bits; } table[] = {
        { FEAT_VME, CR4_VME | CR4_PVI }, { FEAT_TSC, CR4_TSD }, { FEAT_DE, CR4_DE },
        { FEAT_PSE, CR4_PSE }, { FEAT_PAE, CR4_PAE }, { FEAT_MCE, CR4_MCE }, { FEAT_PGE, CR4_PGE },
        { FEAT_PMC, CR4_PCE }, { FEAT_FXSR, CR4_OSFXSR }, { FEAT_SSE, CR4_OSXMMEXCPT },
        { FEAT_UMIP, CR4_UMIP }, { FEAT_FSGSBASE, CR4_FSGSBASE }, { FEAT_PCID, CR4_PCIDE },
        { FEAT_XSAVE, CR4_OSXSAVE }, { FEAT_SMEP, CR4_SMEP }, { FEAT_SMAP, CR4_SMAP },
    };
    uint64_t known = 0;
    for (unsigned n = 0; n < COUNT_OF(table); n++)
        if (has(c, table[n].feature)) known |= table[n].bits;
    return known;
}

void cr4_write(struct cpu *c, uint64_t value)
{
    uint64_t changed = value ^ c->cr4;
    if (value & ~cr4_known(c)) fault_error(c, VEC_GP, 0);
    if (is_long(c) && !(value & CR4_PAE)) fault_selector(c, VEC_GP, 0, "long mode without PAE");
    if (!is_long(c) && value & CR4_PAE && c->cr0 & CR0_PG &&
        changed & (CR4_PAE | CR4_PGE | CR4_PSE))
        pdptes_load(c, c->cr3);
    if (value & changed & CR4_PCIDE && (!is_long(c) || c->cr3 & 0xFFF))
        fault_selector(c, VEC_GP, 0, "CR4.PCIDE");
    c->cr4 = value;
    if (changed & (CR4_PAE | CR4_PGE | CR4_PSE | CR4_PCIDE | CR4_SMEP | CR4_SMAP))
        tlb_flush(c, false);
    if (changed & CR4_DE) debug_changed(c);
    mode_changed(c);
}

static bool has_cr(const struct cpu *c, unsigned n)
{
    return n == 0 || n == 2 || n == 3 || (n == 4 && c->model->max_leaf) ||
           (n == 8 && c->mode & MODE_LONG);
}

static uint64_t read_cr(const struct cpu *c, unsigned n)
{
    return n == 0 ? c->cr0 : n == 2 ? c->cr2 : n == 3 ? c->cr3 : n == 4 ? c->cr4 : c->cr8;
}

EXEC mov_rc(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    if (!has_cr(c, i->src)) fault(c, VEC_UD);
    need_ring0(c);
    uint64_t value = read_cr(c, i->src);
    c->gpr[i->dst] = c->mode & MODE_LONG ? value : (uint32_t)value;
    NEXT_CHECKED(c, i);
}

EXEC mov_cr(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    uint64_t value = c->mode & MODE_LONG ? c->gpr[i->src] : reg32(c, i->src);
    if (!has_cr(c, i->dst)) fault(c, VEC_UD);
    need_ring0(c);
    if ((i->dst == 0 && value >> 32) || (i->dst == 8 && value > 15)) fault_error(c, VEC_GP, 0);
    switch (i->dst) {
    case 0: cr0_write(c, value); break;
    case 2: c->cr2 = value; break;
    case 3: cr3_write(c, value); break;
    case 4: cr4_write(c, value); break;
    default: c->cr8 = value; break;
    }
    TAIL go_after(c, i);
}

/* LMSW cannot clear PE (SDM vol. 2, LMSW). */
EXEC lmsw(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    need_ring0(c);
    uint64_t low = i->asize & INSN_REG ? reg16(c, i->src) : insn_load(c, i, 2);
    cr0_write(c, (c->cr0 & ~(uint64_t)(CR0_MP | CR0_EM | CR0_TS)) | (low & 15));
    return leave_after(c, i);
}

EXEC smsw(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    umip_check(c);
    system_result(c, i, c->cr0);
    NEXT_CHECKED(c, i);
}

EXEC clts(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    need_ring0(c);
    c->cr0 &= ~(uint64_t)CR0_TS;
    NEXT_CHECKED(c, i);
}

/* ---- debug registers (SDM vol. 3, 17.2; what they do: debug.c) ------------------------------- */
/* DR4 and DR5 are DR6 and DR7 unless CR4.DE; access under DR7.GD is a debug exception. */
static unsigned debug_register(struct cpu *c, unsigned n)
{
    if ((n == 4 || n == 5) && c->cr4 & CR4_DE) fault(c, VEC_UD);
    if (n > 7) fault(c, VEC_UD);
    need_ring0(c);
    if (c->dr[7] & DR7_GD) {
        debug_report(c, DR6_BD);
        c->flags |= FLAG_RF;               /* a fault like others (17.3.1.1) */
        fault(c, VEC_DB);
    }
    return n == 4 || n == 5 ? n + 2 : n;
}

EXEC mov_rd(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    uint64_t value = c->dr[debug_register(c, i->src)];
    c->gpr[i->dst] = c->mode & MODE_LONG ? value : (uint32_t)value;
    NEXT_CHECKED(c, i);
}

EXEC mov_dr(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    unsigned n = debug_register(c, i->dst);
    uint64_t value = c->mode & MODE_LONG ? c->gpr[i->src] : reg32(c, i->src);
    if (n >= 6 && value >> 32) fault_error(c, VEC_GP, 0);
    if (n == 6) value = dr6_value(value);
    if (n == 7) value = dr7_value(value);
    c->dr[n] = value;
    if (n != 6) debug_changed(c);
    return leave_after(c, i);
}

/* ---- descriptor table registers -------------------------------------------------------------- */
static void store_table(struct cpu *c, const struct insn *i, uint64_t base, uint16_t limit)
{
    unsigned size = c->mode & MODE_LONG ? 8 : 4;
    uint64_t laddr = seg_laddr(c, i->seg, insn_ea(c, i), 2 + size, SEG_WRITE);
    mem_probe_store(c, laddr, 1, c->tlb_set);
    mem_probe_store(c, laddr_wrap(c, laddr + 1 + size), 1, c->tlb_set);
    lin_store(c, laddr, limit, 2);
    lin_store(c, laddr_wrap(c, laddr + 2), base, size);
}

/* A 16-bit operand size loads 24 bits of the base (SDM vol. 2, LGDT). */
static uint64_t load_table(struct cpu *c, const struct insn *i, uint16_t *limit)
{
    unsigned size = c->mode & MODE_LONG ? 8 : 4;
    need_ring0(c);
    uint64_t laddr = seg_laddr(c, i->seg, insn_ea(c, i), 2 + size, SEG_READ);
    uint16_t new_limit = (uint16_t)lin_load(c, laddr, 2);
    uint64_t base = lin_load(c, laddr_wrap(c, laddr + 2), size);
    if (!is_canonical(base)) fault_error(c, VEC_GP, 0);
    *limit = new_limit;
    return insn_opsize(i) == 2 && size == 4 ? base & 0xFFFFFF : base;
}

EXEC sgdt(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    umip_check(c);
    store_table(c, i, c->gdt.base, c->gdt.limit);
    NEXT_CHECKED(c, i);
}
EXEC sidt(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    umip_check(c);
    store_table(c, i, c->idt.base, c->idt.limit);
    NEXT_CHECKED(c, i);
}
EXEC lgdt(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    c->gdt.base = load_table(c, i, &c->gdt.limit);
    NEXT_CHECKED(c, i);
}
EXEC lidt(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    c->idt.base = load_table(c, i, &c->idt.limit);
    NEXT_CHECKED(c, i);
}

/* ---- caches: there are none but the TLB ------------------------------------------------------ */
EXEC invlpg(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    need_ring0(c);
    uint64_t base = c->mode & MODE_LONG && i->seg < FS ? 0 : c->seg[i->seg].base;
    tlb_flush_page(c, laddr_wrap(c, base + insn_ea(c, i)));
    TAIL go_after(c, i);
}
EXEC wbinvd(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    need_ring0(c);
    NEXT_CHECKED(c, i);
}

/* ---- interrupts and time --------------------------------------------------------------------- */
static void need_iopl(struct cpu *c)
{
    if (is_protected(c) && (is_vm86(c) ? 3u : c->cpl) > iopl(c)) fault_error(c, VEC_GP, 0);
}

EXEC cli(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    bool virtual = vme_virtual_if(c);
    if (!virtual) need_iopl(c);
    c->flags &= ~(uint32_t)(virtual ? FLAG_VIF : FLAG_IF);
    NEXT_CHECKED(c, i);
}

/* The instruction after STI runs before any interrupt, if IF was 0 (SDM vol. 2, STI). */
EXEC sti(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    bool virtual = vme_virtual_if(c);
    if (virtual) vme_sti(c);
    else need_iopl(c);
    if (!virtual && !(c->flags & FLAG_IF)) {
        c->flags |= FLAG_IF;
        c->shadow_tick = cpu_ticks(c) + 1;
        c->shadow_ss = false;
        flags_loaded(c);
    }
    NEXT_CHECKED(c, i);
}

EXEC hlt(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    need_ring0(c);
    c->halted = true;
    attention(c);
    return leave_after(c, i);
}

EXEC rdtsc(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    if (c->cr4 & CR4_TSD && c->cpl) fault_error(c, VEC_GP, 0);
    uint64_t tsc = cpu_ticks(c) + c->tsc_offset;
    reg32_set(c, RAX, (uint32_t)tsc);
    reg32_set(c, RDX, (uint32_t)(tsc >> 32));
    NEXT_CHECKED(c, i);
}
/* ---- fast system calls (SDM vol. 2, SYSENTER, SYSEXIT): fixed flat segments ------------------ */
static void flat_segment(struct cpu *c, enum seg seg, uint64_t selector, unsigned ring,
                         unsigned size)
{
    uint8_t type = seg == CS ? ACCESS_CODE | ACCESS_RW | ACCESS_A : ACCESS_RW | ACCESS_A;
    c->seg[seg] = (struct segment){
        .limit = 0xFFFFFFFF, .selector = (uint16_t)((selector & 0xFFFC) | ring),
        .access = (uint16_t)(ACCESS_P | ACCESS_S | size | ACCESS_G | type |
                             ring << ACCESS_DPL_SHIFT),
    };
    segment_derive(&c->seg[seg]);
}

static const struct insn *fast_switch(struct cpu *c, const struct insn *i, unsigned cs,
                                      unsigned ring, bool wide, uint64_t rip, uint64_t rsp)
{
    flat_segment(c, CS, cs, ring, wide ? ACCESS_L : ACCESS_DB);
    flat_segment(c, SS, cs + 8, ring, ACCESS_DB);
    c->cpl = (uint8_t)ring;
    c->gpr[RSP] = rsp;
    mode_changed(c);
    TAIL go_to(c, i, rip);
}

EXEC sysenter(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    if (!is_protected(c) || !(c->msr.sysenter_cs & 0xFFFC)) fault_error(c, VEC_GP, 0);
    if (is_long(c) && c->model->vendor == VENDOR_AMD) fault(c, VEC_UD);  /* AMD: not in long mode */
    flags_set(c, 0, FLAG_VM | FLAG_IF | FLAG_RF);
    uint64_t mask = is_long(c) ? ~0ull : 0xFFFFFFFF;
    return fast_switch(c, i, c->msr.sysenter_cs & 0xFFFC, 0, is_long(c), c->msr.sysenter_eip & mask,
                       c->msr.sysenter_esp & mask);
}

EXEC sysexit(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    if (!is_protected(c) || !(c->msr.sysenter_cs & 0xFFFC)) fault_error(c, VEC_GP, 0);
    need_ring0(c);
    if (is_long(c) && c->model->vendor == VENDOR_AMD) fault(c, VEC_UD);
    bool wide = c->mode & MODE_LONG && insn_opsize(i) == 8;
    uint64_t mask = wide ? ~0ull : 0xFFFFFFFF, rip = c->gpr[RDX] & mask, rsp = c->gpr[RCX] & mask;
    if (!is_canonical(rip) || !is_canonical(rsp)) fault_error(c, VEC_GP, 0);
    return fast_switch(c, i, (c->msr.sysenter_cs & 0xFFFC) + (wide ? 32 : 16), 3, wide, rip, rsp);
}

const struct family family_mov_rc = ONE(mov_rc);
const struct family family_mov_cr = ONE(mov_cr);
const struct family family_lmsw = ONE(lmsw);
const struct family family_smsw = ONE(smsw);
const struct family family_clts = ONE(clts);
const struct family family_mov_rd = ONE(mov_rd);
const struct family family_mov_dr = ONE(mov_dr);
const struct family family_sgdt = ONE(sgdt);
const struct family family_sidt = ONE(sidt);
const struct family family_lgdt = ONE(lgdt);
const struct family family_lidt = ONE(lidt);
const struct family family_invlpg = ONE(invlpg);
const struct family family_invd = ONE(wbinvd);
const struct family family_wbinvd = ONE(wbinvd);
const struct family family_cli = ONE(cli);
const struct family family_sti = ONE(sti);
const struct family family_hlt = ONE(hlt);
const struct family family_rdtsc = ONE(rdtsc);
const struct family family_sysenter = ONE(sysenter);
const struct family family_sysexit = ONE(sysexit);
