/* SPDX-License-Identifier: MIT
 * Model-specific registers: RDMSR, WRMSR.
 * SDM vol. 4, 2.2 (architectural MSRs), 2.23 (P6 family), 2.24 (Pentium).
 *
 * Not implemented: MTRRs, machine check banks, performance counters: #GP, as CPUID announces none.
 */
#include <inttypes.h>
#include "cpu/families.h"
#include "cpu/protect.h"

/* One register that is plain storage: where, which bits, and which feature it needs (FEAT_NONE: none). */
struct msr {
    uint32_t number;
    size_t   at;                   /* offset in struct cpu; 0: reads as zero, writes are swallowed */
    uint64_t writable;
    uint16_t feature;
    uint8_t  family;               /* the first that has it */
    bool     address;              /* must be canonical */
};
#define AT(field) offsetof(struct cpu, msr.field)
#define BASE(seg_) (offsetof(struct cpu, seg) + (seg_) * sizeof(struct segment) + offsetof(struct segment, base))
static const struct msr table[] = {
    { 0x000, 0, 0, FEAT_NONE, 5, false },                            /* P5_MC_ADDR          */
    { 0x001, 0, 0, FEAT_NONE, 5, false },                            /* P5_MC_TYPE          */
    { 0x017, 0, 0, FEAT_NONE, 6, false },                            /* IA32_PLATFORM_ID    */
    /* bit 11 enables a local APIC: there is none to enable */
    { 0x01B, AT(apic_base), 0xFFFFFF000, FEAT_NONE, 6, false },     /* IA32_APIC_BASE      */
    { 0x02A, 0, 0, FEAT_NONE, 6, false },                            /* EBL_CR_POWERON      */
    { 0x079, 0, 0, FEAT_NONE, 6, false },                            /* IA32_BIOS_UPDT_TRIG */
    { 0x08B, 0, 0, FEAT_NONE, 6, false },                            /* IA32_BIOS_SIGN_ID   */
    { 0x119, 0, 0, FEAT_NONE, 6, false },                            /* BBL_CR_CTL          */
    { 0x11E, 0, 0, FEAT_NONE, 6, false },                            /* BBL_CR_CTL3         */
    { 0x174, AT(sysenter_cs), 0xFFFF, FEAT_SEP, 6, false },
    { 0x175, AT(sysenter_esp), ~0ull, FEAT_SEP, 6, true },
    { 0x176, AT(sysenter_eip), ~0ull, FEAT_SEP, 6, true },
    { 0x1A0, AT(misc_enable), 0xFFFFFFFF, FEAT_NONE, 6, false },    /* IA32_MISC_ENABLE    */
    { 0x1D9, 0, 0, FEAT_NONE, 6, false },                            /* IA32_DEBUGCTL       */
    { 0x277, AT(pat), ~0ull, FEAT_PAT, 6, false },
    { 0xC0000081, AT(star), ~0ull, FEAT_SYSCALL, 5, false },
    { 0xC0000082, AT(lstar), ~0ull, FEAT_LM, 6, true },
    { 0xC0000083, AT(cstar), ~0ull, FEAT_LM, 6, true },
    { 0xC0000084, AT(sfmask), 0xFFFFFFFF, FEAT_LM, 6, false },
    { 0xC0000100, BASE(FS), ~0ull, FEAT_LM, 6, true },
    { 0xC0000101, BASE(GS), ~0ull, FEAT_LM, 6, true },
    { 0xC0000102, AT(kernel_gs_base), ~0ull, FEAT_LM, 6, true },
    { 0xC0000103, AT(tsc_aux), 0xFFFFFFFF, FEAT_RDTSCP, 6, false },
};
enum { MSR_TSC = 0x10, MSR_EFER = 0xC0000080 };

static const struct msr *find(const struct cpu *c, uint32_t number)
{
    for (unsigned n = 0; n < COUNT_OF(table); n++) {
        const struct msr *m = &table[n];
        if (m->number == number && (m->feature == FEAT_NONE || has(c, m->feature)) && model_family(c->model) >= m->family) return m;
    }
    return NULL;
}

static _Noreturn void unknown(struct cpu *c, const char *verb, uint32_t number)
{
    log_line(c->log, "cpu", LOG_INFO, "%s of unknown MSR %" PRIX32 "h", verb, number);
    fault_error(c, VEC_GP, 0);
}

/* EFER bits that exist in this model, without LMA. */
static uint64_t efer_known(const struct cpu *c)
{
    return (has(c, FEAT_SYSCALL) ? EFER_SCE : 0) | (has(c, FEAT_LM) ? EFER_LME : 0) |
           (has(c, FEAT_NX) ? EFER_NXE : 0);
}

/* LME cannot change under paging; LMA is what CR0.PG made of it (SDM vol. 3, 2.2.1). */
static void write_efer(struct cpu *c, uint64_t value)
{
    value &= ~(uint64_t)EFER_LMA;
    uint64_t changed = value ^ (c->efer & ~(uint64_t)EFER_LMA);
    if (value & ~efer_known(c) || (changed & EFER_LME && c->cr0 & CR0_PG)) fault_error(c, VEC_GP, 0);
    c->efer ^= changed;
    if (changed & EFER_NXE) tlb_flush(c, false);
}

static uint64_t read_msr(struct cpu *c, uint32_t number)
{
    if (number == MSR_EFER && efer_known(c)) return c->efer;
    if (number == MSR_TSC) return cpu_ticks(c) + c->tsc_offset;
    const struct msr *m = find(c, number);
    if (!m) unknown(c, "read", number);
    return m->at ? *(const uint64_t *)((const char *)c + m->at) : 0;
}

/* A PAT entry must be one of the memory types 0, 1, 4, 5, 6, 7 (SDM vol. 3, 11.12.2). */
static bool pat_valid(uint64_t value)
{
    for (unsigned n = 0; n < 8; n++, value >>= 8)
        if ((value & 0xFF) > 7 || (value & 0xFF) == 2 || (value & 0xFF) == 3) return false;
    return true;
}

static void write_msr(struct cpu *c, uint32_t number, uint64_t value)
{
    if (number == MSR_TSC) {
        c->tsc_offset = value - cpu_ticks(c);
        return;
    }
    if (number == MSR_EFER && efer_known(c)) {
        write_efer(c, value);
        return;
    }
    const struct msr *m = find(c, number);
    if (!m) unknown(c, "write", number);
    if (m->at == AT(pat) && !pat_valid(value)) fault_error(c, VEC_GP, 0);
    if (m->address && !is_canonical(value)) fault_error(c, VEC_GP, 0);
    if (!m->at) return;
    uint64_t *word = (uint64_t *)((char *)c + m->at);
    *word = (*word & ~m->writable) | (value & m->writable);
}

EXEC rdmsr(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    if (c->cpl) fault_error(c, VEC_GP, 0);
    uint64_t value = read_msr(c, reg32(c, RCX));
    reg32_set(c, RAX, (uint32_t)value);
    reg32_set(c, RDX, (uint32_t)(value >> 32));
    NEXT_CHECKED(c, i);
}

EXEC wrmsr(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    if (c->cpl) fault_error(c, VEC_GP, 0);
    write_msr(c, reg32(c, RCX), (uint64_t)reg32(c, RDX) << 32 | reg32(c, RAX));
    mode_changed(c);
    return leave_after(c, i);
}

const struct family family_rdmsr = ONE(rdmsr);
const struct family family_wrmsr = ONE(wrmsr);
