/* SPDX-License-Identifier: MIT
 * From a model's row and the configuration to the processor that is emulated;
 * names and their lists.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include "cpu/cpu.h"
#include "cpu/model.h"

static const struct feature_row {
    const char *bochs, *name;
    uint16_t feature, needs;
} features[] = {
#define FEATURE(name, word, bit, bochs, linux_name, needs) \
    { bochs, linux_name, FEAT_##name, FEAT_##needs },
#include "cpu/features.def"
#undef FEATURE
};

/* ---- names ----------------------------------------------------------------------------------- */
/* The models of Bochs 2.x and 3.x that are not modelled on their own, and other usual names. */
static const struct { const char *name, *model; bool same; } aliases[] = {
    { "default", "amd64", true }, { "bx_generic", "amd64", false }, { "i386", "386", true },
    { "i486", "486", true }, { "i486dx4", "486dx4", true }, { "i586", "pentium", true },
    { "i686", "ppro", true }, { "amd_k6_2_chomper", "k6_2", true }, { "p2_klamath", "p2", false },
    { "p3_katmai", "p3", false }, { "p4_willamette", "p4", false },
    { "p4_prescott_celeron_336", "prescott", false }, { "core_duo_t2400_yonah", "prescott", false },
    { "atom_n270", "prescott", false }, { "core2_penryn_t9600", "core2", false },
    { "core2_extreme_x9770", "core2", false }, { "athlon64_clawhammer", "athlon64", false },
    { "athlon64_venice", "athlon64", false }, { "turion64_tyler", "athlon64", false },
    { "phenom_8650_toliman", "athlon64", false }, { "corei5_lynnfield_750", "nehalem", false },
    { "corei5_arrandale_m520", "nehalem", false }, { "zambezi", "amd64", false },
    { "trinity_apu", "amd64", false }, { "ryzen", "amd64", false },
    { "corei7_sandy_bridge_2600k", "amd64", false }, { "corei7_ivy_bridge_3770k", "amd64", false },
    { "corei7_haswell_4770", "amd64", false }, { "broadwell_ult", "amd64", false },
    { "corei7_skylake_x", "amd64", false }, { "corei3_cnl", "amd64", false },
    { "corei7_icelake_u", "amd64", false }, { "tigerlake", "amd64", false },
    { "sapphire_rapids", "amd64", false }, { "arrow_lake", "amd64", false },
};

static bool is_filler(char c) { return c == '_' || c == '-' || c == '.'; }

/* Letters of any case, without the characters that people put between them: sse4_1 is SSE4.1. */
static bool same_name(const char *a, size_t length, const char *b)
{
    const char *end = a + length;
    for (;;) {
        while (a < end && is_filler(*a)) a++;
        while (is_filler(*b)) b++;
        if (a == end || !*b) return a == end && !*b;
        if (tolower((unsigned char)*a++) != tolower((unsigned char)*b++)) return false;
    }
}

const struct cpu_model *model_find(const char *name, bool *nearest)
{
    *nearest = false;
    if (!name) return model_row(0);
    for (unsigned n = 0; n < COUNT_OF(aliases); n++)
        if (same_name(name, strlen(name), aliases[n].name)) {
            *nearest = !aliases[n].same;
            name = aliases[n].model;
        }
    for (unsigned n = 0; model_row(n); n++)
        if (same_name(name, strlen(name), model_row(n)->name)) return model_row(n);
    return NULL;
}

/* ---- features -------------------------------------------------------------------------------- */
static void set(struct cpu_model *m, unsigned feature, bool on)
{
    uint32_t bit = 1u << (feature & 31), *word = &m->feature[feature >> 5];
    *word = on ? *word | bit : *word & ~bit;
}

static void add(struct cpu_model *m, const struct feature_row *f)
{
    for (unsigned depth = 0; f && depth < COUNT_OF(features); depth++) {
        set(m, f->feature, true);
        const struct feature_row *next = NULL;
        for (unsigned n = 0; n < COUNT_OF(features); n++)
            if (features[n].feature == f->needs) next = &features[n];
        f = next;
    }
}

/* And whatever cannot be without it. */
static void exclude(struct cpu_model *m, unsigned feature)
{
    set(m, feature, false);
    for (unsigned n = 0; n < COUNT_OF(features); n++)
        if (features[n].needs == feature && model_has(m, features[n].feature))
            exclude(m, features[n].feature);
}

static bool separates(char c) { return c == ',' || c == ' ' || c == '\t'; }

static const char *each(struct cpu_model *m, const char *list, bool on, int *length)
{
    const char *unknown = NULL, *p = list ? list : "";
    while (*p) {
        while (separates(*p)) p++;
        size_t n = 0;
        while (p[n] && !separates(p[n])) n++;
        bool found = !n || same_name(p, n, "none");
        for (unsigned k = 0; k < COUNT_OF(features); k++) {
            if (!same_name(p, n, features[k].bochs) && !same_name(p, n, features[k].name)) continue;
            found = true;
            if (on) add(m, &features[k]);
            else exclude(m, features[k].feature);
        }
        if (!found && !unknown) {
            unknown = p;
            *length = (int)n;
        }
        p += n;
    }
    return unknown;
}

/* What follows from the features: leaves that must be there to tell them, shared instructions. */
static void derive(struct cpu_model *m)
{
    const uint32_t *f = m->feature;
    set(m, FEAT_MMX2, model_has(m, FEAT_SSE) || model_has(m, FEAT_MMXEXT));
    set(m, FEAT_PREFETCH,
        model_has(m, FEAT_3DNOW) || model_has(m, FEAT_LM) || model_has(m, FEAT_PREFETCHW));
    if (m->max_leaf && (f[W_7B] || f[W_7C]) && m->max_leaf < 7) m->max_leaf = 7;
    if (m->max_leaf && model_has(m, FEAT_XSAVE) && m->max_leaf < 13) m->max_leaf = 13;
    if (m->max_leaf && (f[W_XD] || f[W_XC]) && m->max_extended < 0x80000001)
        m->max_extended = 0x80000001;
    if (model_has(m, FEAT_LM) && m->max_extended < 0x80000008) m->max_extended = 0x80000008;
    if (!m->paddr_bits)
        m->paddr_bits = model_has(m, FEAT_PAE) || model_has(m, FEAT_PSE36) ? 36 : 32;
}

const char *model_make(struct cpu_model *m, const struct cpu_model *row, const char *added,
                       const char *excluded, int *length)
{
    uint32_t emulated[FEATURE_WORDS] = { 0 };
    for (unsigned n = 0; n < COUNT_OF(features); n++)
        emulated[features[n].feature >> 5] |= 1u << (features[n].feature & 31);
    /* 8000_0001h EDX of AMD's repeats leaf 1 in bits 0-9, 12-17, 23, 24 (25481,
     * "Fn8000_0001_EDX") */
    uint32_t repeated = row->vendor == VENDOR_AMD ? 0x0183F3FF : 0;
    *m = *row;
    for (unsigned w = 0; w < FEATURE_WORDS; w++) m->feature[w] &= emulated[w];
    const char *unknown = each(m, added, true, length);
    const char *other = each(m, excluded, false, unknown ? &(int){ 0 } : length);
    derive(m);
    if (m->max_extended) m->feature[W_XD] |= m->feature[W_1D] & repeated;
    return unknown ? unknown : other;
}

struct cpu_model model_named(const char *name)
{
    struct cpu_model m = { 0 };
    bool nearest;
    int length;
    const struct cpu_model *row = model_find(name, &nearest);
    if (row) model_make(&m, row, NULL, NULL, &length);
    return m;
}

/* ---- the lists for people -------------------------------------------------------------------- */
static void print_features(const struct cpu_model *m, void (*line)(void *, const char *), void *ctx)
{
    char text[100] = "";
    for (unsigned n = 0; n < COUNT_OF(features); n++) {
        if (!model_has(m, features[n].feature)) continue;
        if (strlen(text) + strlen(features[n].name) > 84) {
            line(ctx, text);
            text[0] = '\0';
        }
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "              ",
                 features[n].name);
    }
    if (text[0]) line(ctx, text);
}

void cpu_print_models(void (*line)(void *ctx, const char *text), void *ctx)
{
    char text[160];
    line(ctx, "Models (cpu: model=NAME), and the features that each has here:");
    for (unsigned n = 0; model_row(n); n++) {
        struct cpu_model m;
        int length;
        model_make(&m, model_row(n), NULL, NULL, &length);
        snprintf(text, sizeof text, "  %-11s %s", m.name, m.about);
        line(ctx, text);
        print_features(&m, line, ctx);
    }
    line(ctx, "");
    line(ctx, "Other names, and the model that they mean:");
    for (unsigned n = 0; n < COUNT_OF(aliases); n++) {
        snprintf(text, sizeof text, "  %-25s %s%s", aliases[n].name, aliases[n].model,
                 aliases[n].same ? "" : " (the nearest)");
        line(ctx, text);
    }
    line(ctx, "");
    line(ctx, "Features for add_features= and exclude_features= (Linux's name, Bochs's name):");
    for (unsigned n = 0; n < COUNT_OF(features); n++) {
        snprintf(text, sizeof text, "  %-16s %s", features[n].name, features[n].bochs);
        line(ctx, text);
    }
}
