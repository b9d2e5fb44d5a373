/* SPDX-License-Identifier: MIT
 * The CPUID instruction: leaves from the model and, for a few bits, from the state.
 * SDM vol. 2, CPUID; AMD "CPUID Specification" (25481, 2010).
 * Not implemented: leaf 3 (serial number), 0Bh (topology: none to tell).
 */
#include <string.h>
#include "cpu/families.h"
#include "cpu/protect.h"
#include "cpu/xsave.h"

struct leaf { uint32_t eax, ebx, ecx, edx; };

static uint32_t letters(const char *text)
{
    const uint8_t *t = (const uint8_t *)text;
    return t[0] | (uint32_t)t[1] << 8 | (uint32_t)t[2] << 16 | (uint32_t)t[3] << 24;
}
static struct leaf four(const uint32_t *w) { return (struct leaf){ w[0], w[1], w[2], w[3] }; }

static struct leaf vendor_leaf(const struct cpu_model *m, uint32_t highest)
{
    const char *text = m->vendor == VENDOR_AMD ? "AuthenticAMD" : "GenuineIntel";
    return (struct leaf){ highest, letters(text), letters(text + 8), letters(text + 4) };
}

/* EBX: CLFLUSH works on 8 quadwords. ECX bit 27 tells what the system made of bit 26. */
static struct leaf signature_leaf(const struct cpu *c)
{
    const struct cpu_model *m = c->model;
    uint32_t ecx = m->feature[W_1C] | (c->cr4 & CR4_OSXSAVE ? 1u << 27 : 0);
    uint32_t flush = model_has(m, FEAT_CLFSH) ? 8 << 8 : 0;
    return (struct leaf){ m->signature, m->brand_index | flush, ecx, m->feature[W_1D] };
}

static struct leaf cache_leaf(const struct cpu_model *m, uint32_t n)
{
    if (n >= COUNT_OF(m->leaf4)) return (struct leaf){ 0 };
    return (struct leaf){ m->leaf4[n].eax, m->leaf4[n].ebx, m->leaf4[n].ecx, 0 };
}

static struct leaf xsave_leaf(const struct cpu_model *m, uint32_t n)
{
    if (!model_has(m, FEAT_XSAVE) || n > 1) return (struct leaf){ 0 };
    if (n) return (struct leaf){ m->feature[W_D1], 0, 0, 0 };
    return (struct leaf){ XCR0_KNOWN, XSAVE_BYTES, XSAVE_BYTES, 0 };
}

/* IA32_MISC_ENABLE bit 22, for old systems: no more than leaf 3. */
static uint32_t max_leaf(const struct cpu *c)
{
    uint32_t highest = c->model->max_leaf;
    return c->msr.misc_enable >> 22 & 1 && highest > 3 ? 3 : highest;
}

static struct leaf basic_leaf(const struct cpu *c, uint32_t n, uint32_t sub)
{
    const struct cpu_model *m = c->model;
    switch (n) {
    case 0: return vendor_leaf(m, max_leaf(c));
    case 1: return signature_leaf(c);
    case 2: return four(m->leaf2);
    case 4: return cache_leaf(m, sub);
    case 7:
        return sub ? (struct leaf){ 0 } : (struct leaf){ 0, m->feature[W_7B], m->feature[W_7C], 0 };
    case 13: return xsave_leaf(m, sub);
    default: return (struct leaf){ 0 };
    }
}

/* 8000_0002h to 8000_0004h: 48 characters of brand. */
static struct leaf brand_leaf(const struct cpu_model *m, uint32_t part)
{
    char text[48] = { 0 };
    size_t length = m->brand ? strlen(m->brand) : 0;
    memcpy(text, m->brand ? m->brand : "", length < sizeof text ? length : sizeof text - 1);
    const char *t = text + part * 16;
    return (struct leaf){ letters(t), letters(t + 4), letters(t + 8), letters(t + 12) };
}

/* Intel shows SYSCALL only where it works, in 64-bit mode. */
static struct leaf features_leaf(const struct cpu *c)
{
    const struct cpu_model *m = c->model;
    bool hidden = m->vendor == VENDOR_INTEL && !(c->mode & MODE_LONG);
    uint32_t edx = m->feature[W_XD] & ~(hidden ? 1u << (FEAT_SYSCALL & 31) : 0);
    if (c->msr.misc_enable >> 34 & 1) edx &= ~(1u << (FEAT_NX & 31));      /* "XD bit disable" */
    return (struct leaf){ m->signature_amd, 0, m->feature[W_XC], edx };
}

static struct leaf extended_leaf(const struct cpu *c, uint32_t n)
{
    const struct cpu_model *m = c->model;
    switch (n) {
    case 0:
        if (m->vendor == VENDOR_AMD) return vendor_leaf(m, m->max_extended);
        return (struct leaf){ m->max_extended, 0, 0, 0 };
    case 1: return features_leaf(c);
    case 2: case 3: case 4: return brand_leaf(m, n - 2);
    case 5: return four(m->leaf_x5);
    case 6: return four(m->leaf_x6);
    case 7: return (struct leaf){ 0, 0, 0, m->invariant_tsc ? 1 << 8 : 0 };
    case 8:
        return (struct leaf){ m->paddr_bits | (model_has(m, FEAT_LM) ? 48u : 32u) << 8, 0, 0, 0 };
    default: return (struct leaf){ 0 };
    }
}

/* Intel: a leaf above the highest gives the data of the highest basic one (SDM vol. 2, CPUID). */
static struct leaf leaf_of(const struct cpu *c, uint32_t n, uint32_t sub)
{
    const struct cpu_model *m = c->model;
    if (n >= 0x80000000 && n <= m->max_extended) return extended_leaf(c, n & 0x7FFFFFFF);
    uint32_t highest = max_leaf(c);
    if (n > highest && m->vendor == VENDOR_AMD) return (struct leaf){ 0 };
    return basic_leaf(c, n > highest ? highest : n, sub);
}

EXEC cpuid(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    if (!c->model->max_leaf) fault(c, VEC_UD);
    struct leaf leaf = leaf_of(c, reg32(c, RAX), reg32(c, RCX));
    reg32_set(c, RAX, leaf.eax);
    reg32_set(c, RBX, leaf.ebx);
    reg32_set(c, RCX, leaf.ecx);
    reg32_set(c, RDX, leaf.edx);
    return leave_after(c, i);
}
const struct family family_cpuid = ONE(cpuid);
