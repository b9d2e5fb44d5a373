/* SPDX-License-Identifier: MIT
 * Model-specific registers: RDMSR, WRMSR.
 * SDM vol. 4, 2.2 (architectural MSRs), 2.23 (P6 family), 2.24 (Pentium).
 *
 * Not implemented: MTRRs, machine check banks, performance counters: #GP, as CPUID announces none.
 */
#include <inttypes.h>
#include "cpu/families.h"
#include "cpu/protect.h"

enum { FEATURE_SEP = 11, FEATURE_PAT = 16 };

/* One register that is plain storage: where, which bits, and which CPUID feature it needs (-1: none). */
struct msr {
    uint32_t number;
    size_t   at;                   /* offset in struct cpu; 0: reads as zero, writes are swallowed */
    uint64_t writable;
    int8_t   feature;
    uint8_t  family;               /* the first that has it */
};
#define AT(field) offsetof(struct cpu, msr.field)
static const struct msr table[] = {
    { 0x000, 0, 0, -1, 5 },                            /* P5_MC_ADDR          */
    { 0x001, 0, 0, -1, 5 },                            /* P5_MC_TYPE          */
    { 0x017, 0, 0, -1, 6 },                            /* IA32_PLATFORM_ID    */
    /* bit 11 enables a local APIC: there is none to enable */
    { 0x01B, AT(apic_base), 0xFFFFFF000, -1, 6 },     /* IA32_APIC_BASE      */
    { 0x02A, 0, 0, -1, 6 },                            /* EBL_CR_POWERON      */
    { 0x079, 0, 0, -1, 6 },                            /* IA32_BIOS_UPDT_TRIG */
    { 0x08B, 0, 0, -1, 6 },                            /* IA32_BIOS_SIGN_ID   */
    { 0x119, 0, 0, -1, 6 },                            /* BBL_CR_CTL          */
    { 0x11E, 0, 0, -1, 6 },                            /* BBL_CR_CTL3         */
    { 0x174, AT(sysenter_cs), 0xFFFF, FEATURE_SEP, 6 },
    { 0x175, AT(sysenter_esp), 0xFFFFFFFF, FEATURE_SEP, 6 },
    { 0x176, AT(sysenter_eip), 0xFFFFFFFF, FEATURE_SEP, 6 },
    { 0x1A0, AT(misc_enable), 0xFFFFFFFF, -1, 6 },    /* IA32_MISC_ENABLE    */
    { 0x1D9, 0, 0, -1, 6 },                            /* IA32_DEBUGCTL       */
    { 0x277, AT(pat), ~0ull, FEATURE_PAT, 6 },
};
enum { MSR_TSC = 0x10 };

static const struct msr *find(const struct cpu *c, uint32_t number)
{
    for (unsigned n = 0; n < COUNT_OF(table); n++) {
        const struct msr *m = &table[n];
        bool present = m->feature < 0 || c->model->features_edx >> m->feature & 1;
        if (m->number == number && present && cpu_family(c) >= m->family) return m;
    }
    return NULL;
}

static _Noreturn void unknown(struct cpu *c, const char *verb, uint32_t number)
{
    log_line(c->log, "cpu", LOG_INFO, "%s of unknown MSR %" PRIX32 "h", verb, number);
    fault_error(c, VEC_GP, 0);
}

static uint64_t read_msr(struct cpu *c, uint32_t number)
{
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
    const struct msr *m = find(c, number);
    if (!m) unknown(c, "write", number);
    if (m->at == AT(pat) && !pat_valid(value)) fault_error(c, VEC_GP, 0);
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
