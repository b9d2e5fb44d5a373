/* SPDX-License-Identifier: MIT
 * The models and what CPUID says of them.
 * SDM vol. 2, CPUID; Intel AP-485 "Processor Identification and the CPUID Instruction" (1999).
 *
 * A feature bit here is also what the decoder, CR4 and the MSRs go by; so a model lists what this
 * emulator has, which is less than the silicon had.
 * Not implemented: leaf 3 (serial number).
 */
#include <string.h>
#include "cpu/families.h"

enum {
    F_FPU = 1 << 0, F_DE = 1 << 2, F_PSE = 1 << 3, F_TSC = 1 << 4, F_MSR = 1 << 5, F_PAE = 1 << 6,
    F_CX8 = 1 << 8, F_SEP = 1 << 11, F_PGE = 1 << 13, F_CMOV = 1 << 15, F_CLFSH = 1 << 19, F_MMX = 1 << 23,
    F_FXSR = 1 << 24, F_SSE = 1 << 25, F_SSE2 = 1 << 26,
    F_SSE3 = 1 << 0, F_SSSE3 = 1 << 9, F_SSE41 = 1 << 19, F_SSE42 = 1 << 20, F_POPCNT = 1 << 23,    /* ECX */
    FEATURES_PENTIUM = F_FPU | F_DE | F_PSE | F_TSC | F_MSR | F_CX8,
    FEATURES_PPRO = FEATURES_PENTIUM | F_PAE | F_PGE | F_CMOV,
    FEATURES_P2 = FEATURES_PPRO | F_SEP | F_MMX | F_FXSR,
    FEATURES_P3 = FEATURES_P2 | F_SSE,
    FEATURES_P4 = FEATURES_P3 | F_SSE2 | F_CLFSH,
    F_CX16 = 1 << 13,
    FEATURES_CORE2 = F_SSE3 | F_SSSE3 | F_SSE41,
    X_SYSCALL = 1 << 11, X_NX = 1 << 20, X_1GB = 1 << 26, X_RDTSCP = 1 << 27, X_LM = 1 << 29,    /* 8000_0001h EDX */
    X_LAHF64 = 1 << 0,                                                               /* 8000_0001h ECX */
};
#define AMD   { 'A', 'u', 't', 'h', 'e', 'n', 't', 'i', 'c', 'A', 'M', 'D' }
#define INTEL { 'G', 'e', 'n', 'u', 'i', 'n', 'e', 'I', 'n', 't', 'e', 'l' }

/* max_leaf 0: no CPUID instruction. The first one is the default: a Pentium II with
 * everything up to SSE4.2. */
static const struct cpu_model models[] = {
    { .name = "default", .vendor = INTEL, .signature = 0x633, .max_leaf = 2, .features_edx = FEATURES_P4,
      .features_ecx = FEATURES_CORE2 | F_SSE42 | F_POPCNT },
    { .name = "386", .vendor = INTEL, .signature = 0x308, .features_edx = F_FPU },
    { .name = "486", .vendor = INTEL, .signature = 0x480, .max_leaf = 1, .features_edx = F_FPU },
    { .name = "pentium", .vendor = INTEL, .signature = 0x52C, .max_leaf = 1, .features_edx = FEATURES_PENTIUM },
    { .name = "pentium_mmx", .vendor = INTEL, .signature = 0x543, .max_leaf = 1,
      .features_edx = FEATURES_PENTIUM | F_MMX },
    { .name = "ppro", .vendor = INTEL, .signature = 0x619, .max_leaf = 2, .features_edx = FEATURES_PPRO },
    { .name = "p2", .vendor = INTEL, .signature = 0x652, .max_leaf = 2, .features_edx = FEATURES_P2 },
    { .name = "p3", .vendor = INTEL, .signature = 0x683, .max_leaf = 2, .features_edx = FEATURES_P3,
      .caches = { 0x03020101, 0, 0x0C040882 } },
    { .name = "p4", .vendor = INTEL, .signature = 0xF29, .max_leaf = 2, .max_extended = 0x80000004,
      .brand = "Intel(R) Pentium(R) 4 CPU 2.40GHz", .features_edx = FEATURES_P4,
      .caches = { 0x665B5101, 0, 0x007B7040 } },
    { .name = "prescott", .vendor = INTEL, .signature = 0xF41, .max_leaf = 2, .max_extended = 0x80000004,
      .brand = "Intel(R) Pentium(R) 4 CPU 3.00GHz", .features_edx = FEATURES_P4, .features_ecx = F_SSE3,
      .caches = { 0x605B5101, 0, 0x003C7040 } },
    { .name = "core2", .vendor = INTEL, .signature = 0x1067A, .max_leaf = 2, .max_extended = 0x80000008,
      .brand = "Intel(R) Core(TM)2 Duo CPU     E8400  @ 3.00GHz", .features_edx = FEATURES_P4,
      .features_ecx = FEATURES_CORE2 | F_CX16, .caches = { 0x05B0B101, 0x005657F0, 0x2CB4304E },
      .extended_edx = X_SYSCALL | X_NX | X_LM, .extended_ecx = X_LAHF64 },
    { .name = "amd64", .vendor = AMD, .signature = 0x00F48, .max_leaf = 1, .max_extended = 0x80000008,
      .brand = "AMD Athlon(tm) 64 Processor 3200+", .features_edx = FEATURES_P4, .features_ecx = F_SSE3 | F_CX16,
      .extended_edx = (FEATURES_P4 & 0x0183F3FF) | X_SYSCALL | X_NX | X_RDTSCP | X_LM, .extended_ecx = X_LAHF64,
      .paddr_bits = 40 },
    { .name = "nehalem", .vendor = INTEL, .signature = 0x106A5, .max_leaf = 2, .max_extended = 0x80000008,
      .brand = "Intel(R) Core(TM) i7 CPU         920  @ 2.67GHz", .features_edx = FEATURES_P4,
      .features_ecx = FEATURES_CORE2 | F_CX16 | F_SSE42 | F_POPCNT, .caches = { 0x55035A01, 0x00F0B2E4, 0x09CA212C },
      .extended_edx = X_SYSCALL | X_NX | X_RDTSCP | X_LM, .extended_ecx = X_LAHF64, .paddr_bits = 40 },
};

/* Names for what is not modelled on its own: the nearest model. */
static const struct { const char *name, *model; } aliases[] = {
    { "i386", "386" }, { "i486", "486" }, { "i586", "pentium" }, { "i686", "ppro" },
};

const struct cpu_model *cpu_model_find(const char *name)
{
    if (!name) return &models[0];
    for (unsigned n = 0; n < COUNT_OF(aliases); n++)
        if (!strcmp(name, aliases[n].name)) name = aliases[n].model;
    for (unsigned n = 0; n < COUNT_OF(models); n++)
        if (!strcmp(name, models[n].name)) return &models[n];
    return NULL;
}

struct leaf { uint32_t eax, ebx, ecx, edx; };

static uint32_t letters(const char *text)
{
    const uint8_t *t = (const uint8_t *)text;
    return t[0] | (uint32_t)t[1] << 8 | (uint32_t)t[2] << 16 | (uint32_t)t[3] << 24;
}

static struct leaf basic_leaf(const struct cpu_model *m, uint32_t n)
{
    switch (n) {
    case 0:
        return (struct leaf){ m->max_leaf, letters(m->vendor), letters(m->vendor + 8), letters(m->vendor + 4) };
    case 1:
        /* EBX: CLFLUSH works on 8 quadwords */
        return (struct leaf){ m->signature, m->features_edx & F_CLFSH ? 8 << 8 : 0, m->features_ecx, m->features_edx };
    default:
        if (m->caches[0]) return (struct leaf){ m->caches[0], m->caches[1], 0, m->caches[2] };
        /* caches: 8 KiB + 8 KiB, 512 KiB, TLBs of 32 + 64 + 4 + 8 entries (AP-485, table 7) */
        return (struct leaf){ 0x03020101, 0, 0, 0x0C040843 };
    }
}

/* 8000_0002h to 8000_0004h: 48 characters of brand. */
static struct leaf brand_leaf(const struct cpu_model *m, uint32_t part)
{
    char text[48] = { 0 };
    strncpy(text, m->brand ? m->brand : "", sizeof text - 1);
    const char *t = text + part * 16;
    return (struct leaf){ letters(t), letters(t + 4), letters(t + 8), letters(t + 12) };
}

static struct leaf extended_leaf(const struct cpu_model *m, uint32_t n)
{
    switch (n) {
    case 0: return (struct leaf){ m->max_extended, 0, 0, 0 };
    case 1: return (struct leaf){ 0, 0, m->extended_ecx, m->extended_edx };
    case 2: case 3: case 4: return brand_leaf(m, n - 2);
    case 8: return (struct leaf){ 48u << 8 | (m->paddr_bits ? m->paddr_bits : 36), 0, 0, 0 };
    default: return (struct leaf){ 0 };
    }
}

/* A leaf above the highest gives the data of the highest basic leaf (SDM vol. 2, CPUID). */
static struct leaf leaf_of(const struct cpu_model *m, uint32_t n)
{
    if (n >= 0x80000000 && n <= m->max_extended) return extended_leaf(m, n & 0x7FFFFFFF);
    return basic_leaf(m, n > m->max_leaf ? m->max_leaf : n);
}

EXEC cpuid(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    if (!c->model->max_leaf) fault(c, VEC_UD);
    struct leaf leaf = leaf_of(c->model, reg32(c, RAX));
    if (reg32(c, RAX) == 0x80000001 && c->model->vendor[0] == 'G' && !(c->mode & MODE_LONG))
        leaf.edx &= ~(uint32_t)X_SYSCALL;                  /* Intel: "available in 64-bit mode" */
    reg32_set(c, RAX, leaf.eax);
    reg32_set(c, RBX, leaf.ebx);
    reg32_set(c, RCX, leaf.ecx);
    reg32_set(c, RDX, leaf.edx);
    return leave_after(c, i);
}
const struct family family_cpuid = ONE(cpuid);
