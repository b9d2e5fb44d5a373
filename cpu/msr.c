/* SPDX-License-Identifier: MIT
 * Model-specific registers: RDMSR, WRMSR.
 * SDM vol. 4, 2.2 (architectural MSRs), 2.23 (P6 family), 2.24 (Pentium).
 *
 * AMD: BIOS and Kernel Developer's Guide (26094, 32559), 24593 appendix A.
 *
 * MTRRs and PAT have no effect, for there are no caches.
 * Performance counters hold what is written and count nothing.
 * Not implemented: APIC, debug store, last-branch and power MSRs: #GP, as CPUID announces none.
 */
#include <inttypes.h>
#include "cpu/families.h"
#include "cpu/protect.h"

/* Registers that are plain storage: `count` of them from `number` on;
 * which bits, and on which processors. */
struct msr {
    uint32_t number;
    size_t   at;                   /* offset in struct cpu; 0: reads as 0, writes are swallowed */
    uint64_t writable;
    uint16_t feature;              /* FEAT_NONE: none needed */
    uint8_t  vendors;              /* ANY, INTEL, AMD */
    uint8_t  first, last;          /* families */
    uint8_t  count;
    enum check { PLAIN, CANONICAL, TYPES, VARIABLE, DEF_TYPE } check;
};
enum { INTEL = 1 << VENDOR_INTEL, AMD = 1 << VENDOR_AMD, ANY = INTEL | AMD };
/* Those that are not reserved (SDM vol. 4, table 2-2) but 11 and 12: no BTS, no PEBS. */
#define MISC_ENABLE_BITS 0x400C50009ull
/* P6 and P5: 40 bits. */
#define PMC_BITS 0xFFFFFFFFFFull
#define AT(field) offsetof(struct cpu, msr.field)
#define BASE(seg_) \
    (offsetof(struct cpu, seg) + (seg_) * sizeof(struct segment) + offsetof(struct segment, base))
#define NONE FEAT_NONE
static const struct msr table[] = {
    /* P5_MC_ADDR, P5_MC_TYPE; AMD (21329): MCAR, MCTR, in every K6 */
    { 0x000, 0, 0, NONE, ANY, 5, 15, 2, PLAIN },
    { 0x011, AT(pmc_select), 0x03FF03FF, FEAT_PMC, INTEL, 5, 5, 1, PLAIN },   /* CESR: of both */
    { 0x012, AT(pmc), PMC_BITS, FEAT_PMC, INTEL, 5, 5, 2, PLAIN },    /* CTR0, CTR1 */
    { 0x017, 0, 0, NONE, INTEL, 6, 15, 1, PLAIN },                    /* IA32_PLATFORM_ID */
    /* bit 11 enables a local APIC: there is none to enable */
    { 0x01B, AT(apic_base), 0xFFFFFF000, NONE, ANY, 6, 15, 1, PLAIN },
    { 0x02A, 0, 0, NONE, INTEL, 6, 15, 1, PLAIN },                    /* EBL_CR_POWERON */
    { 0x079, 0, 0, NONE, INTEL, 6, 15, 1, PLAIN },                    /* IA32_BIOS_UPDT_TRIG */
    { 0x08B, 0, 0, NONE, ANY, 6, 15, 1, PLAIN },                      /* BIOS_SIGN, PATCH_LEVEL */
    { 0x0C1, AT(pmc), PMC_BITS, FEAT_PMC, INTEL, 6, 6, 2, PLAIN },    /* PERFCTR0, 1 */
    { 0x119, 0, 0, NONE, INTEL, 6, 15, 1, PLAIN },                    /* BBL_CR_CTL */
    { 0x11E, 0, 0, NONE, INTEL, 6, 15, 1, PLAIN },                    /* BBL_CR_CTL3 */
    { 0x174, AT(sysenter_cs), 0xFFFF, FEAT_SEP, ANY, 5, 15, 1, PLAIN },
    { 0x175, AT(sysenter_esp), ~0ull, FEAT_SEP, ANY, 5, 15, 2, CANONICAL },   /* and EIP */
    { 0x186, AT(pmc_select), 0xFFFFFFFF, FEAT_PMC, INTEL, 6, 6, 2, PLAIN },   /* PERFEVTSEL0, 1 */
    { 0x1A0, AT(misc_enable), MISC_ENABLE_BITS, NONE, INTEL, 6, 15, 1, PLAIN },
    { 0x1D9, 0, 0, NONE, ANY, 6, 15, 1, PLAIN },                      /* IA32_DEBUGCTL */
    { 0x200, AT(mtrr_variable), ~0ull, FEAT_MTRR, ANY, 5, 15, 2 * MTRR_VARIABLE, VARIABLE },
    { 0x250, AT(mtrr_fixed[0]), ~0ull, FEAT_MTRR, ANY, 5, 15, 1, TYPES },
    { 0x258, AT(mtrr_fixed[1]), ~0ull, FEAT_MTRR, ANY, 5, 15, 2, TYPES },
    { 0x268, AT(mtrr_fixed[3]), ~0ull, FEAT_MTRR, ANY, 5, 15, 8, TYPES },
    { 0x277, AT(pat), ~0ull, FEAT_PAT, ANY, 5, 15, 1, TYPES },
    { 0x2FF, AT(mtrr_default), 0xCFF, FEAT_MTRR, ANY, 5, 15, 1, DEF_TYPE },
    { 0xC0000081, AT(star), ~0ull, FEAT_SYSCALL, ANY, 5, 15, 1, PLAIN },
    { 0xC0000082, AT(lstar), ~0ull, FEAT_LM, ANY, 6, 15, 2, CANONICAL },      /* and CSTAR */
    { 0xC0000082, AT(k6[0]), 0xFFFFFFFF, FEAT_3DNOW, AMD, 5, 5, 1, PLAIN },   /* WHCR */
    { 0xC0000085, AT(k6[1]), ~0ull, FEAT_3DNOW, AMD, 5, 5, 4, PLAIN },        /* UWCCR to L2AAR */
    { 0xC0000084, AT(sfmask), 0xFFFFFFFF, FEAT_LM, ANY, 6, 15, 1, PLAIN },
    { 0xC0000100, BASE(FS), ~0ull, FEAT_LM, ANY, 6, 15, 1, CANONICAL },
    { 0xC0000101, BASE(GS), ~0ull, FEAT_LM, ANY, 6, 15, 1, CANONICAL },
    { 0xC0000102, AT(kernel_gs_base), ~0ull, FEAT_LM, ANY, 6, 15, 1, CANONICAL },
    { 0xC0000103, AT(tsc_aux), 0xFFFFFFFF, FEAT_RDTSCP, ANY, 6, 15, 1, PLAIN },
    { 0xC0010000, AT(pmc_select), 0xFFFFFFFF, FEAT_PMC, AMD, 6, 15, 4, PLAIN }, /* PERFEVTSEL0-3 */
    { 0xC0010004, AT(pmc), 0xFFFFFFFFFFFF, FEAT_PMC, AMD, 6, 15, 4, PLAIN },    /* PERFCTR0-3 */
    { 0xC0010010, AT(syscfg), 0xFFFFFFFF, NONE, AMD, 6, 15, 1, PLAIN },
    { 0xC0010015, AT(hwcr), 0xFFFFFFFF, NONE, AMD, 6, 15, 1, PLAIN },
    { 0xC001001A, 0, 0, NONE, AMD, 6, 15, 1, PLAIN },                 /* TOP_MEM */
    { 0xC001001D, 0, 0, NONE, AMD, 15, 15, 1, PLAIN },                /* TOP_MEM2 */
    { 0xC0010055, 0, 0, NONE, AMD, 15, 15, 1, PLAIN },                /* INT_PENDING */
    { 0xC0011020, 0, 0, NONE, AMD, 6, 15, 4, PLAIN },                 /* LS_CFG, IC_, DC_, BU_CFG */
};
#undef NONE
enum { MSR_TSC = 0x10, MSR_MTRRCAP = 0xFE, MSR_EFER = 0xC0000080 };
/* Fixed ranges, write combining, and how many variable ones (SDM vol. 3, 11.11.1). */
#define MTRRCAP (1 << 10 | 1 << 8 | MTRR_VARIABLE)

static bool is_there(const struct cpu *c, const struct msr *m)
{
    unsigned family = model_family(c->model);
    return (m->feature == FEAT_NONE || has(c, m->feature)) && m->vendors >> c->model->vendor & 1 &&
           family >= m->first && family <= m->last;
}
static const struct msr *find(const struct cpu *c, uint32_t number)
{
    for (unsigned n = 0; n < COUNT_OF(table); n++)
        if (number - table[n].number < table[n].count && is_there(c, &table[n])) return &table[n];
    return NULL;
}
/* Its place in struct cpu. */
static size_t place(const struct msr *m, uint32_t number)
{
    return m->at + (number - m->number) * sizeof(uint64_t);
}

static _Noreturn void unknown(struct cpu *c, const char *verb, uint32_t number)
{
    log_line(c->log, "cpu", LOG_INFO, "%s of unknown MSR %" PRIX32 "h", verb, number);
    fault_error(c, VEC_GP, 0);
}

/* EFER bits that exist in this model, without LMA. */
uint64_t efer_known(const struct cpu *c)
{
    return (has(c, FEAT_SYSCALL) ? EFER_SCE : 0) | (has(c, FEAT_LM) ? EFER_LME : 0) |
           (has(c, FEAT_NX) ? EFER_NXE : 0);
}

/* LME cannot change under paging; LMA is what CR0.PG made of it (SDM vol. 3, 2.2.1). */
static void write_efer(struct cpu *c, uint64_t value)
{
    value &= ~(uint64_t)EFER_LMA;
    uint64_t changed = value ^ (c->efer & ~(uint64_t)EFER_LMA);
    if (value & ~efer_known(c) || (changed & EFER_LME && c->cr0 & CR0_PG))
        fault_error(c, VEC_GP, 0);
    c->efer ^= changed;
    if (changed & EFER_NXE) tlb_flush(c, false);
}

static uint64_t read_msr(struct cpu *c, uint32_t number)
{
    if (number == MSR_EFER && efer_known(c)) return c->efer;
    if (number == MSR_TSC) return cpu_ticks(c) + c->tsc_offset;
    if (number == MSR_MTRRCAP && has(c, FEAT_MTRR)) return MTRRCAP;
    uint64_t machine_check;
    if (mce_read(c, number, &machine_check)) return machine_check;
    const struct msr *m = find(c, number);
    if (!m) unknown(c, "read", number);
    return m->at ? *(const uint64_t *)((const char *)c + place(m, number)) : 0;
}

/* Memory types: 0 UC, 1 WC, 4 WT, 5 WP, 6 WB, and only in the PAT 7 UC- (SDM vol. 3,
 * 11.11.2, 11.12.2). */
static bool type_valid(uint64_t type, bool pat)
{
    return type <= (pat ? 7 : 6) && type != 2 && type != 3;
}
static bool types_valid(uint64_t value, bool pat)
{
    for (unsigned n = 0; n < 8; n++, value >>= 8)
        if (!type_valid(value & 0xFF, pat)) return false;
    return true;
}
/* Reserved bits and types that do not exist are #GP. Variable ranges: base and mask in turns. */
static bool value_valid(const struct cpu *c, const struct msr *m, uint32_t number, uint64_t value)
{
    uint64_t reserved = ~paddr_mask(c);
    switch (m->check) {
    case CANONICAL: return is_canonical(value);
    case TYPES: return types_valid(value, m->feature == FEAT_PAT);
    case VARIABLE:
        if (number & 1) return !(value & (reserved | 0x7FF));
        return !(value & (reserved | 0xF00)) && type_valid(value & 0xFF, false);
    case DEF_TYPE: return !(value & ~m->writable) && type_valid(value & 0xFF, false);
    default: return true;
    }
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
    if (mce_write(c, number, value)) return;
    const struct msr *m = find(c, number);
    if (!m) unknown(c, "write", number);
    if (!value_valid(c, m, number, value)) fault_error(c, VEC_GP, 0);
    if (!m->at) return;
    uint64_t *word = (uint64_t *)((char *)c + place(m, number));
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

/* Counters by number: 2 on Intel's (P4: 18 that are not modelled), 4 on AMD's. */
EXEC rdpmc(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    unsigned counters = c->model->vendor == VENDOR_AMD ? 4 : model_family(c->model) == 15 ? 18 : 2;
    uint32_t n = reg32(c, RCX);
    if ((c->cpl && !(c->cr4 & CR4_PCE)) || n >= counters) fault_error(c, VEC_GP, 0);
    uint64_t value = n < PMC_COUNT ? c->msr.pmc[n] : 0;
    reg32_set(c, RAX, (uint32_t)value);
    reg32_set(c, RDX, (uint32_t)(value >> 32));
    NEXT(c, i);
}

const struct family family_rdpmc = ONE(rdpmc);
const struct family family_rdmsr = ONE(rdmsr);
const struct family family_wrmsr = ONE(wrmsr);
