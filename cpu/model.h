/* SPDX-License-Identifier: MIT
 * Processor models: which features they have and what CPUID says. Private to cpu/.
 *
 * A feature is a bit of a word that CPUID reports (or of the word of our own). The decoder,
 * the control registers, the MSRs and the page walks ask model_has(), so that what a model
 * does not announce is not there.
 */
#pragma once
#include "base/base.h"

/* Leaf 1 EDX, ECX; leaf 7 EBX, ECX; leaf Dh.1 EAX; leaf 8000_0001h EDX, ECX; not in CPUID. */
enum feature_word { W_1D, W_1C, W_7B, W_7C, W_D1, W_XD, W_XC, W_OWN, FEATURE_WORDS };

enum feature {
#define FEATURE(name, word, bit, bochs, linux_name, needs) FEAT_##name = W_##word * 32 + (bit),
#include "cpu/features.def"
#undef FEATURE
    /* derived: several features bring these instructions */
    FEAT_MMX2 = W_OWN * 32 + 8,        /* SSE's instructions for MMX: SSE or AMD's MMXEXT */
    FEAT_PREFETCH = W_OWN * 32 + 9,    /* 0F 0D: 3DNow!, long mode or PREFETCHW */
    FEAT_NONE = FEATURE_WORDS * 32,
};

enum vendor { VENDOR_INTEL, VENDOR_AMD };

/* One level of leaf 4 (deterministic cache parameters): EAX, EBX, ECX (EDX is 0). */
struct cpu_cache { uint32_t eax, ebx, ecx; };

struct cpu_model {
    const char *name, *about;
    enum vendor vendor;
    uint32_t    signature;             /* CPUID.1 EAX, and EDX after a reset */
    uint32_t    signature_amd;         /* CPUID.8000_0001h EAX */
    uint32_t    max_leaf;              /* 0: no CPUID instruction */
    uint32_t    max_extended;
    uint8_t     brand_index;           /* CPUID.1 EBX */
    uint8_t     paddr_bits;            /* 0: 32, or 36 with PAE or PSE-36 */
    const char *brand;                 /* CPUID.8000_0002h to 4 */
    uint32_t    feature[FEATURE_WORDS];
    uint32_t    leaf2[4];              /* caches by descriptor bytes */
    struct cpu_cache leaf4[4];
    uint32_t    leaf_x5[4], leaf_x6[4];/* AMD: L1 caches and TLBs; L2 */
    bool        invariant_tsc;         /* CPUID.8000_0007h EDX bit 8 */
};

static inline bool model_has(const struct cpu_model *m, enum feature f)
{
    return m->feature[f >> 5 & 7] >> (f & 31) & 1;
}
static inline unsigned model_family(const struct cpu_model *m) { return m->signature >> 8 & 15; }

/* The table, as the silicon is: the features that are not emulated are still there.
 * NULL after the last. */
const struct cpu_model *model_row(unsigned n);

/* What this emulator makes of a row, changed by two lists of feature names (NULL: none), "a, b c".
 * Returns the first name that it does not know (with its length in *length), or NULL. */
const char *model_make(struct cpu_model *, const struct cpu_model *row, const char *add,
                       const char *exclude, int *length);
/* By name, Bochs's names included; NULL name: the default; NULL: no such model. *nearest: the name
 * means another part, of which this model is the nearest. */
const struct cpu_model *model_find(const char *name, bool *nearest);
/* The model of that name without changes: for tests of the decoder. */
struct cpu_model model_named(const char *name);
