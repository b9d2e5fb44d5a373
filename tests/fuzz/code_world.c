/* SPDX-License-Identifier: MIT
 * Random memory for random code.
 *
 *   00000 real mode's vectors   01000 GDT   01400 LDT   02000 IDT   03000 TSSs
 *   04000 page tables           0C000 stacks            10000 code   18000 handlers, 16 bytes each
 *   20000 data                  A0000 device            C0000 ROM    100000 more data
 */
#include "tests/fuzz/code_world.h"

enum {
    GDT = 0x1000,
    LDT = 0x1400,
    IDT = 0x2000,
    TSS_A = 0x3000,
    TSS_B = 0x3400,
    TSS_16 = 0x3800,
    TSS_64 = 0x3C00,
    PAGE_DIR = 0x4000,
    PAGE_TABLE = 0x5000,
    PAE_PDPT = 0x6000,
    PAE_DIR = 0x7000,
    PAE_TABLE = 0x8000,
    LONG_PML4 = 0xA000,
    LONG_PDPT = 0xB000,
    STACKS = 0xC000,
    HANDLERS = 0x18000,
    DATA = 0x20000,
};
enum {
    CODE0 = 0x08,
    DATA0 = 0x10,
    CODE3 = 0x1B,
    DATA3 = 0x23,
    SEL_A = 0x28,
    SEL_B = 0x30,
    SEL_16 = 0x38,
    SEL_LDT = 0x40,
    CODE16 = 0x48,
    DATA16 = 0x50,
    GATE32 = 0x58,
    GATE16 = 0x60,
    GATE_TASK = 0x68,
    CONFORMING = 0x70,
    DOWN = 0x78,
    CODE64 = 0x80,
    SEL_64 = 0x88,
    RANDOM_FROM = 0x98,
    GDT_LEN = 0x200,
};
enum { PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_LARGE = 0x80 };

const char *const code_kind_names[CODE_KINDS] = {"real",  "prot16", "prot32", "vm86",
                                                 "paged", "pae",    "long"};

static void put(struct world *w, uint32_t at, uint64_t value, unsigned bytes)
{
    for (unsigned n = 0; n < bytes; n++) w->ram[at + n] = (uint8_t)(value >> 8 * n);
}

/* ---- code ------------------------------------------------------------------------------------ */
static uint8_t random_opcode(struct rng *r)
{
    static const uint8_t common[] = {
        0x8B, 0x89, 0x88, 0x8A, 0xA4, 0xA5, 0xAA, 0xAB, 0xC3, 0xE8, 0xEB, 0x74, 0x75, 0x50,
        0x58, 0x0F, 0x0F, 0x0F, 0xD8, 0xD9, 0xDB, 0xDD, 0xDF, 0xFF, 0xC7, 0x80, 0x83, 0xE2,
        0x9C, 0x9D, 0x8E, 0x8C, 0xCD, 0xCF, 0xE4, 0xE6, 0x6E, 0x6C, 0xFB, 0x81, 0xF7};
    return rnd(r, 2) ? common[rnd(r, sizeof common)] : (uint8_t)rnd(r, 256);
}

/* Something like an instruction: prefixes, an opcode, small operands; or any bytes. */
static unsigned random_insn(struct rng *r, uint8_t *to)
{
    static const uint8_t prefixes[] = {0x66, 0x67, 0xF2, 0xF3, 0x2E, 0x36, 0x3E,
                                       0x26, 0x64, 0x65, 0xF0, 0x48, 0x41};
    unsigned n = 0, prefixed = rnd(r, 3) ? 0 : 1 + rnd(r, 2);
    if (!rnd(r, 4)) {
        for (; n < 4; n++) to[n] = (uint8_t)rnd(r, 256);
        return n;
    }
    while (prefixed--) to[n++] = prefixes[rnd(r, sizeof prefixes)];
    to[n] = random_opcode(r);
    if (to[n++] == 0x0F) to[n++] = (uint8_t)rnd(r, 256);
    to[n++] = (uint8_t)rnd(r, 256); /* ModRM or immediate */
    for (unsigned more = rnd(r, 5); more--;)
        to[n++] = rnd(r, 3) ? (uint8_t)rnd(r, 16) : (uint8_t)rnd(r, 256);
    return n;
}

static void random_code(struct rng *r, uint8_t *to, unsigned len)
{
    for (unsigned at = 0; at + 16 < len;) at += random_insn(r, to + at);
}

/* A handler that skips a byte and returns; or random code. */
static void make_handler(struct world *w, struct rng *r, unsigned vector)
{
    static const uint8_t real[] = {0x55, 0x89, 0xE5, 0xFF, 0x46, 0x02, 0x5D, 0xCF};
    static const uint8_t skip32[] = {0xFF, 0x04, 0x24, 0xCF},
                         drop32[] = {0x83, 0xC4, 0x04, 0xFF, 0x04, 0x24, 0xCF};
    static const uint8_t skip64[] = {0x48, 0xFF, 0x04, 0x24, 0x48, 0xCF};
    static const uint8_t drop64[] = {0x48, 0x83, 0xC4, 0x08, 0x48, 0xFF, 0x04, 0x24, 0x48, 0xCF};
    bool error = vector == 8 || (vector >= 10 && vector <= 14) || vector == 17;
    uint8_t *to = w->ram + HANDLERS + vector * 16;
    random_code(r, to, 32);
    if (!rnd(r, 8)) return;
    if (w->kind == CODE_REAL) memcpy(to, real, sizeof real);
    else if (w->kind == CODE_LONG)
        memcpy(to, error ? drop64 : skip64, error ? sizeof drop64 : sizeof skip64);
    else memcpy(to, error ? drop32 : skip32, error ? sizeof drop32 : sizeof skip32);
}

/* ---- descriptors ----------------------------------------------------------------------------- */
/* access: as in struct cpu_segment. */
static uint64_t descriptor(uint32_t base, uint32_t limit, unsigned access)
{
    uint64_t low = (uint64_t)(base & 0xFFFFFF) << 16 | (limit & 0xFFFF);
    uint64_t high = (uint64_t)(base >> 24) << 24 | (access & 0xF000) << 8 | (limit & 0xF0000) |
                    (access & 0xFF) << 8;
    return high << 32 | low;
}
static uint64_t gate(uint16_t selector, uint32_t offset, unsigned access, unsigned count)
{
    uint64_t high = (offset & 0xFFFF0000) | access << 8 | count;
    return high << 32 | (uint64_t)selector << 16 | (offset & 0xFFFF);
}
static uint32_t somewhere(struct rng *r)
{
    return WORLD_CODE + rnd(r, WORLD_CODE_LEN);
}
static uint16_t some_selector(struct rng *r)
{
    return (uint16_t)(rnd(r, 0x98) & ~4u);
}

static uint64_t random_descriptor(struct rng *r)
{
    unsigned access = 0x80 | rnd(r, 128) | rnd(r, 16) << 12;
    if (!rnd(r, 8)) return rnd64(r);
    if (access & 0x10) return descriptor(rnd(r, 2) ? 0 : rnd(r, 0x30000), rnd(r, 0x100000), access);
    return gate(some_selector(r), somewhere(r), access, rnd(r, 32));
}

static void make_gdt(struct world *w, struct rng *r)
{
    const struct {
        uint16_t selector;
        uint64_t value;
    } fixed[] = {
        {CODE0, descriptor(0, 0xFFFFF, 0xC09B)},
        {DATA0, descriptor(0, 0xFFFFF, 0xC093)},
        {CODE3 & ~7, descriptor(0, 0xFFFFF, 0xC0FB)},
        {DATA3 & ~7, descriptor(0, 0xFFFFF, 0xC0F3)},
        {SEL_A, descriptor(TSS_A, 0x3FF, 0x8B)},
        {SEL_B, descriptor(TSS_B, 0x67 + rnd(r, 8) * 8, 0xE9)},
        {SEL_16, descriptor(TSS_16, 0x2B, 0xE1)},
        {SEL_LDT, descriptor(LDT, 0xFF, 0x82)},
        {CODE16, descriptor(WORLD_CODE, 0xFFFF, 0x9B)},
        {DATA16, descriptor(STACKS, 0xFFFF, 0x93)},
        {GATE32, gate(CODE0, somewhere(r), 0xEC, rnd(r, 4))},
        {GATE16, gate(CODE16, somewhere(r) & 0x7FFF, 0xE4, rnd(r, 4))},
        {GATE_TASK, gate(SEL_B, 0, 0xE5, 0)},
        {CONFORMING, descriptor(0, 0xFFFFF, 0xC09F)},
        {DOWN, descriptor(0, 0x1F, 0xC0F7)},
        {CODE64, descriptor(0, 0xFFFFF, 0xA09B)},
        {SEL_64, descriptor(TSS_64, 0x67, 0x8B)},
        {SEL_64 + 8, 0},
    };
    for (unsigned n = 0; n < COUNT_OF(fixed); n++)
        put(w, GDT + fixed[n].selector, fixed[n].value, 8);
    for (unsigned at = RANDOM_FROM; at < GDT_LEN; at += 8)
        put(w, GDT + at, random_descriptor(r), 8);
    for (unsigned at = 0; at < 0x100; at += 8) put(w, LDT + at, random_descriptor(r), 8);
}

static void make_idt(struct world *w, struct rng *r)
{
    for (unsigned v = 0; v < 256; v++) {
        uint32_t to = HANDLERS + v * 16;
        unsigned access = (rnd(r, 2) ? 0x8E : 0xEE) | rnd(r, 2);
        make_handler(w, r, v);
        put(w, v * 4, 0x10000000 | (to - WORLD_CODE), 4);
        if (w->kind == CODE_LONG)
            put(w, IDT + v * 16, gate(CODE64, to, access, rnd(r, 16) ? 0 : rnd(r, 8)), 8);
        else if (v == 8 || !rnd(r, 24))
            put(w, IDT + v * 8, gate(rnd(r, 2) ? SEL_B : SEL_16, 0, (access & 0xE0) | 5, 0), 8);
        else if (!rnd(r, 24)) put(w, IDT + v * 8, random_descriptor(r), 8);
        else put(w, IDT + v * 8, gate(CODE0, to, access, 0), 8);
        if (w->kind == CODE_LONG) put(w, IDT + v * 16 + 8, 0, 8);
    }
}

static void make_task32(struct world *w, struct rng *r, uint32_t at, uint32_t cr3)
{
    for (unsigned ring = 0; ring < 3; ring++) {
        put(w, at + 4 + ring * 8, STACKS + 0x1000 * (ring + 1), 4);
        put(w, at + 8 + ring * 8, ring == 0 ? DATA0 : rnd(r, 0x10000), 4);
    }
    put(w, at + 0x1C, cr3, 4);
    put(w, at + 0x20, somewhere(r), 4);
    put(w, at + 0x24, rnd(r, 4) ? 2 : rnd64(r) & 0x3F7FD7, 4);
    put(w, at + 0x38, STACKS + 0x800 + rnd(r, 0x800), 4);
    static const uint16_t segments[] = {DATA0, CODE0, DATA0, DATA0, DATA3, 0};
    for (unsigned s = 0; s < 6; s++)
        put(w, at + 0x48 + 4 * s, rnd(r, 12) ? segments[s] : some_selector(r), 4);
    put(w, at + 0x60, rnd(r, 2) ? SEL_LDT : 0, 4);
    put(w, at + 0x64, 0x680000 | !rnd(r, 8), 4);
}

static void make_tasks(struct world *w, struct rng *r)
{
    static const uint16_t words[] = {
        0, STACKS + 0x1800, DATA0, 0, 0, 0,      0,      0,     2,      0, 0, 0,
        0, STACKS + 0x1C00, 0,     0, 0, DATA16, CODE16, DATA0, DATA16, 0};
    for (unsigned n = 0; n < COUNT_OF(words); n++) put(w, TSS_16 + 2 * n, words[n], 2);
    put(w, TSS_16 + 0x0E, rnd(r, WORLD_CODE_LEN), 2);
    make_task32(w, r, TSS_A, (uint32_t)w->regs.cr3);
    make_task32(w, r, TSS_B, (uint32_t)w->regs.cr3);
    for (unsigned n = 0; n < 10; n++) put(w, TSS_64 + 4 + 8 * n, STACKS + 0x400 * (n + 1), 8);
}

/* ---- pages ----------------------------------------------------------------------------------- */
static uint64_t random_pte(struct rng *r, unsigned page)
{
    uint64_t rights = PTE_P | PTE_W | PTE_U;
    unsigned to = page;
    if (page >= 0x10 && !rnd(r, 16)) rights &= ~(uint64_t)(1 << rnd(r, 3));
    if (page >= 0x10 && !rnd(r, 16)) to = 0x10 + rnd(r, 0x20);
    if (!rnd(r, 16)) rights |= 0x100;
    return (uint64_t)to << 12 | rights | (rnd(r, 4) ? 0 : rnd(r, 4) << 5);
}

static void make_table(struct world *w, struct rng *r, uint32_t at, unsigned entries, unsigned size,
                       unsigned first)
{
    for (unsigned n = 0; n < entries; n++) {
        uint64_t pte = random_pte(r, first + n);
        if (size == 8 && w->kind == CODE_LONG && first + n >= 0x10 && !rnd(r, 32))
            pte |= 1ull << 63;
        if (first + n >= 0x10 && !rnd(r, 200)) pte ^= rnd64(r);
        put(w, at + n * size, pte, size);
    }
}

/* Identity for the first MiBs, then large pages and a second view of the same. */
static void make_pages(struct world *w, struct rng *r)
{
    for (uint32_t at = PAGE_DIR; at < STACKS; at += 8) put(w, at, rnd(r, 64) ? 0 : rnd64(r), 8);
    make_table(w, r, PAGE_TABLE, 1024, 4, 0);
    put(w, PAGE_DIR, PAGE_TABLE | PTE_P | PTE_W | PTE_U, 4);
    put(w, PAGE_DIR + 4, PTE_P | PTE_W | PTE_U | PTE_LARGE, 4);
    put(w, PAGE_DIR + 8, PAGE_TABLE | PTE_P | PTE_W | (rnd(r, 2) ? PTE_U : 0), 4);
    make_table(w, r, PAE_TABLE, 512, 8, 0);
    put(w, PAE_DIR, PAE_TABLE | PTE_P | PTE_W | PTE_U, 8);
    put(w, PAE_DIR + 8, PTE_P | PTE_W | PTE_U | PTE_LARGE, 8);
    put(w, PAE_DIR + 16, PAE_TABLE | PTE_P | PTE_W | PTE_U, 8);
    put(w, PAE_PDPT, PAE_DIR | PTE_P, 8);
    for (unsigned n = 1; n < 4; n++) put(w, PAE_PDPT + 8 * n, rnd(r, 2) ? PAE_DIR | PTE_P : 0, 8);
    put(w, LONG_PDPT, PAE_DIR | PTE_P | PTE_W | PTE_U, 8);
    put(w, LONG_PML4, LONG_PDPT | PTE_P | PTE_W | PTE_U, 8);
    put(w, LONG_PML4 + 0xFF8, LONG_PDPT | PTE_P | PTE_W | PTE_U, 8);
}

/* ---- registers ------------------------------------------------------------------------------- */
static uint64_t random_value(struct rng *r)
{
    switch (rnd(r, 8)) {
    case 0: return rnd64(r);
    case 1: return ~(uint64_t)rnd(r, 16);
    case 2: return rnd(r, 16);
    case 3: return (1u << 31) - rnd(r, 3);
    case 4: return (rnd(r, 2) ? WORLD_MMIO : WORLD_ROM) + rnd(r, 0x4000);
    default: return DATA + rnd(r, 0x8000);
    }
}

static void set_segments(struct cpu_regs *g, const struct cpu_segment *code,
                         const struct cpu_segment *data)
{
    for (unsigned s = 0; s < 6; s++) g->seg[s] = s == 1 ? *code : *data;
}

static void segments_real(struct cpu_regs *g, struct rng *r, unsigned access)
{
    for (unsigned s = 0; s < 6; s++) {
        uint16_t selector = s == 1   ? WORLD_CODE >> 4
                            : s == 2 ? STACKS >> 4
                                     : (uint16_t)(rnd(r, 2) ? 0x2000 : rnd(r, 0x10000));
        g->seg[s] =
            (struct cpu_segment){selector, (uint32_t)selector << 4, 0xFFFF, (uint16_t)access};
    }
}

static void set_mode(struct world *w, struct rng *r)
{
    struct cpu_regs *g = &w->regs;
    bool user = rnd(r, 2), paged = w->kind >= CODE_PAGED || (w->kind == CODE_VM86 && rnd(r, 2));
    const struct cpu_segment code0 = {CODE0, 0, ~0u, 0xC09B}, data0 = {DATA0, 0, ~0u, 0xC093};
    const struct cpu_segment code3 = {CODE3, 0, ~0u, 0xC0FB}, data3 = {DATA3, 0, ~0u, 0xC0F3};
    const struct cpu_segment code16 = {CODE16, WORLD_CODE, 0xFFFF, 0x9B},
                             data16 = {DATA16, STACKS, 0xFFFF, 0x93};
    const struct cpu_segment code64 = {CODE64, 0, ~0u, 0xA09B};
    set_segments(g, user ? &code3 : &code0, user ? &data3 : &data0);
    g->cpl = user ? 3 : 0;
    if (w->kind == CODE_REAL) segments_real(g, r, 0x93);
    if (w->kind == CODE_VM86) segments_real(g, r, 0xF3);
    if (w->kind == CODE_PROT16) set_segments(g, &code16, &data16);
    if (w->kind == CODE_LONG) set_segments(g, &code64, &data0);
    if (w->kind != CODE_PROT32 && w->kind != CODE_PAGED && w->kind != CODE_PAE)
        g->cpl = w->kind == CODE_VM86 ? 3 : 0;
    if (w->kind == CODE_REAL) return;
    g->cr0 = 0x11 | (rnd(r, 4) ? 0 : 0x50020 & (uint32_t)rnd64(r)) | (paged ? 1u << 31 : 0);
    g->cr3 = w->kind == CODE_LONG ? LONG_PML4 : w->kind == CODE_PAE ? PAE_PDPT : PAGE_DIR;
    g->cr4 = w->kind >= CODE_PAE ? 0x20 : 0x10;
    g->efer = w->kind == CODE_LONG ? 0xD01 : 0;
    if (w->kind == CODE_VM86) g->rflags |= 1 << 17;
    g->gdt_base = GDT;
    g->gdt_limit = GDT_LEN - 1;
    g->idt_base = IDT;
    g->idt_limit = w->kind == CODE_LONG ? 0xFFF : 0x7FF;
    g->tr = (struct cpu_segment){SEL_A, TSS_A, 0x3FF, 0x8B};
    if (w->kind == CODE_LONG) g->tr = (struct cpu_segment){SEL_64, TSS_64, 0x67, 0x8B};
    g->ldtr = (struct cpu_segment){SEL_LDT, LDT, 0xFF, 0x82};
}

void world_make(struct world *w, enum code_kind kind, struct rng *r, const struct cpu_regs *reset)
{
    struct cpu_regs *g = &w->regs;
    bool segmented = kind == CODE_REAL || kind == CODE_VM86 || kind == CODE_PROT16;
    w->kind = kind;
    w->regs = *reset;
    for (unsigned at = 0; at < WORLD_RAM; at += 8)
        put(w, at, rnd64(r) & (at & 64 ? ~0ull : 0x0F0F), 8);
    memset(w->ram + TSS_A, 0, 0x1000);
    random_code(r, w->ram + WORLD_CODE, HANDLERS - WORLD_CODE);
    random_code(r, w->rom, sizeof w->rom);
    for (unsigned n = 0; n < 16; n++) g->gpr[n] = kind == CODE_LONG || n < 8 ? random_value(r) : 0;
    for (unsigned n = 0; n < 8 && kind != CODE_LONG; n++) g->gpr[n] = (uint32_t)g->gpr[n];
    if (rnd(r, 4)) g->gpr[1] = rnd(r, 64);
    g->rflags =
        2 | (rnd64(r) & (rnd(r, 8) ? 0x43ED5 & ~0x100u : 0x47FD5)) | (rnd(r, 2) ? 0x3200 : 0x200);
    set_mode(w, r);
    g->gpr[4] = segmented ? 0x1000 + rnd(r, 0x2000) : STACKS + 0x1000 + rnd(r, 0x2000);
    g->rip = rnd(r, WORLD_CODE_LEN) + (segmented ? 0 : WORLD_CODE);
    if (rnd(r, 4)) g->cr4 |= 0x600;
    make_pages(w, r);
    make_gdt(w, r);
    make_idt(w, r);
    make_tasks(w, r);
}
