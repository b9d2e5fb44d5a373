/* SPDX-License-Identifier: MIT
 * X86SST1 files: one instruction each, registers and memory before and after, captured on real
 * processors. FORMAT.md beside the data describes them.
 *
 * Two ways to run a case. Stepped: cpu_run() for one instruction. Chained: until the HLT behind the
 * instruction (or in the handler of its exception), twice: the first run decodes a whole trace, the
 * second one finds it.
 *
 * The 80286 cases are for the instructions that a 386 shares; is_documented() knows where a 286
 * does what the SDM forbids a later processor (docs/cpu-exactness.md).
 */
#include "tests/cpu/cputest.h"

enum { GDT = 0xF00000, IDT = 0xF01000, HANDLERS = 0xF02000, HLT = 0xF4, NO_VECTOR = 0xFF };
enum {
    EAX,
    ECX,
    EDX,
    EBX,
    ESP,
    EBP,
    ESI,
    EDI,
    S_ES,
    S_CS,
    S_SS,
    S_DS,
    S_FS,
    S_GS,
    EIP,
    EFLAGS,
    WORDS
};
static const char *const names[WORDS] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi",
                                          "es", "cs", "ss", "ds", "fs", "gs", "eip", "eflags" };
/* The order of struct cpu_regs.seg[] */
static const unsigned segment_order[6] = { S_ES, S_CS, S_SS, S_DS, S_FS, S_GS };

struct byte { uint32_t at; uint8_t value; };
struct byte_list { struct byte *b; unsigned n; };

struct test_case {
    uint32_t index;
    uint16_t mask;
    uint8_t  vector;
    uint32_t pushed_flags;
    char     text[256];
    uint8_t  code[32];
    unsigned code_len;
    uint32_t before[WORDS], after[WORDS];
    struct byte_list initial, changed;
};

struct run {
    struct cputest *t;
    bool protected32;
    char cpu[9], form[13], mnemonic[13];
};

/* What was wrong, for a person. */
struct difference { const char *what; uint32_t at, want, got; };

/* ---- reading --------------------------------------------------------------------------------- */
static void get_list(struct input *in, struct byte_list *list)
{
    list->n = (unsigned)get(in, 2);
    list->b = calloc(list->n + 1, sizeof *list->b);
    if (!list->b) in->bad = true;
    for (unsigned k = 0; k < list->n && !in->bad; k++) {
        list->b[k].at = (uint32_t)get(in, 4);
        list->b[k].value = (uint8_t)get(in, 1);
    }
}
static bool get_case(struct input *in, struct test_case *t)
{
    memset(t, 0, sizeof *t);
    get(in, 2);
    t->index = (uint32_t)get(in, 4);
    get(in, 8);
    t->mask = (uint16_t)get(in, 2);
    t->vector = (uint8_t)get(in, 1);
    t->pushed_flags = (uint32_t)get(in, 4);
    t->code_len = (unsigned)get(in, 1);
    get_block(in, t->code, sizeof t->code, t->code_len);
    if (t->code_len > sizeof t->code) t->code_len = sizeof t->code;
    get_block(in, t->text, sizeof t->text - 1, (size_t)get(in, 1));
    for (unsigned k = 0; k < WORDS; k++) t->before[k] = (uint32_t)get(in, 4);
    for (unsigned k = 0; k < WORDS; k++) t->after[k] = (uint32_t)get(in, 4);
    get_list(in, &t->initial);
    get_list(in, &t->changed);
    return !in->bad;
}

/* ---- the machine before ---------------------------------------------------------------------- */
static void put(struct run *r, uint32_t at, uint64_t value, enum width n)
{
    memory_write(r->t->memory, at, value, n);
}

/* A GDT with flat code and data, an IDT whose vector n leads to a HLT at HANDLERS + 16 n. */
static void protected_tables(struct run *r)
{
    put(r, GDT + 8, 0x00CF9B000000FFFF, QWORD);
    put(r, GDT + 16, 0x00CF93000000FFFF, QWORD);
    for (uint32_t n = 0; n < 32; n++) {
        uint32_t to = HANDLERS + 16 * n;
        put(r, IDT + 8 * n, (to & 0xFFFF) | 8 << 16, DWORD);
        put(r, IDT + 8 * n + 4, (to & 0xFFFF0000) | 0x8E00, DWORD);
        put(r, to, HLT, BYTE);
    }
}

static struct cpu_segment segment(const struct run *r, const struct test_case *t, unsigned s)
{
    uint16_t selector = (uint16_t)t->before[segment_order[s]];
    if (!r->protected32)
        return (struct cpu_segment){selector, (uint64_t)selector << 4, 0xFFFF, 0x93};
    return (struct cpu_segment){ s == 1 ? 8 : 16, 0, 0xFFFFFFFF, s == 1 ? 0xC09B : 0xC093 };
}

static void load_registers(struct run *r, const struct test_case *t)
{
    struct cpu_regs g;
    cpu_get_regs(r->t->cpu, &g);
    for (unsigned k = 0; k < 8; k++) g.gpr[k] = t->before[k];
    for (unsigned s = 0; s < 6; s++) g.seg[s] = segment(r, t, s);
    g.rip = t->before[EIP];
    g.rflags = t->before[EFLAGS] | 2;
    g.idt_base = r->protected32 ? IDT : 0;
    g.idt_limit = r->protected32 ? 0xFF : 0x3FF;
    g.gdt_base = GDT;
    g.gdt_limit = 0x17;
    g.cr0 = r->protected32 ? 0x11 : 0x10;
    g.cpl = 0;
    cpu_set_regs(r->t->cpu, &g);
}

/* Only bytes that differ, so that a second run finds the trace of the first. */
static void load_memory(struct run *r, const struct byte_list *list)
{
    for (unsigned k = 0; k < list->n; k++)
        if (memory_peek(r->t->memory, list->b[k].at) != list->b[k].value)
            put(r, list->b[k].at, list->b[k].value, BYTE);
}

static void clear_memory(struct run *r, const struct byte_list *list)
{
    for (unsigned k = 0; k < list->n; k++) put(r, list->b[k].at, 0, BYTE);
}

/* ---- running --------------------------------------------------------------------------------- */
static bool is_prefix(uint8_t b)
{
    return b == 0x26 || b == 0x2E || b == 0x36 || b == 0x3E || (b >= 0x64 && b <= 0x67) ||
           b == 0xF2 || b == 0xF3;
}
/* Byte n from the opcode on; 0 beyond the end. */
static uint8_t opcode_byte(const struct test_case *t, unsigned n)
{
    unsigned k = 0;
    while (k + 1 < t->code_len && is_prefix(t->code[k])) k++;
    return k + n < t->code_len ? t->code[k + n] : 0;
}
static uint8_t opcode(const struct test_case *t) { return opcode_byte(t, 0); }
static bool is_repeated(const struct test_case *t)
{
    uint8_t b = opcode(t);
    return (b >= 0xA4 && b <= 0xA7) || (b >= 0xAA && b <= 0xAF) || (b >= 0x6C && b <= 0x6F);
}

static void run_stepped(struct run *r, const struct test_case *t, struct cpu_regs *g)
{
    struct cpu *c = r->t->cpu;
    bool repeated = is_repeated(t);
    for (unsigned budget = 0; budget < 70000; budget++) {
        cpu_run(c, cpu_ticks(c) + 1);
        cpu_get_regs(c, g);
        if (!repeated || g->rip != t->before[EIP]) return;
    }
}

/* A branch into its own bytes: no room for a HLT. */
static bool ends_inside(const struct run *r, const struct test_case *t)
{
    return r->protected32 && t->vector == NO_VECTOR && t->after[EIP] - t->before[EIP] < t->code_len;
}

/* A HLT where the case ends; EIP is then that of the HLT. */
static void run_chained(struct run *r, const struct test_case *t, struct cpu_regs *g)
{
    uint32_t end = t->after[EIP] + (r->protected32 ? 0 : (t->after[S_CS] & 0xFFFF) << 4);
    bool own_halt = r->protected32 && t->vector == NO_VECTOR;
    if (own_halt) put(r, end, HLT, BYTE);
    for (unsigned again = 0; again < 2; again++) {
        cpu_reset(r->t->cpu, true);
        load_memory(r, &t->initial);
        load_registers(r, t);
        cpu_run(r->t->cpu, cpu_ticks(r->t->cpu) + 100000);
    }
    cpu_get_regs(r->t->cpu, g);
    if (r->protected32 || opcode(t) != HLT) g->rip--;
    if (own_halt) put(r, end, 0, BYTE);
}

static void run(struct run *r, const struct test_case *t, struct cpu_regs *g)
{
    cpu_reset(r->t->cpu, true);
    load_memory(r, &t->initial);
    load_registers(r, t);
    if (r->t->chained && !ends_inside(r, t)) run_chained(r, t, g);
    else run_stepped(r, t, g);
}

/* ---- comparing ------------------------------------------------------------------------------- */
static bool differs(struct difference *d, const char *what, uint32_t at, uint32_t want,
                    uint32_t got)
{
    *d = (struct difference){ what, at, want, got };
    return want != got;
}

static uint32_t shown(const struct cpu_regs *g, unsigned k)
{
    if (k < 8) return (uint32_t)g->gpr[k];
    if (k == EIP) return (uint32_t)g->rip;
    if (k == EFLAGS) return (uint32_t)g->rflags;
    for (unsigned s = 0; s < 6; s++)
        if (segment_order[s] == k) return g->seg[s].selector;
    return 0;
}

static bool registers_differ(struct run *r, const struct test_case *t, const struct cpu_regs *g,
                             struct difference *d)
{
    for (unsigned k = 0; k <= EIP; k++) {
        bool is_segment = k >= S_ES && k <= S_GS;
        if (is_segment && r->protected32) continue;
        uint32_t want = is_segment ? t->after[k] & 0xFFFF : t->after[k];
        if (differs(d, names[k], 0, want, shown(g, k))) return true;
    }
    return differs(d, "eflags", 0, t->after[EFLAGS] & t->mask, (uint32_t)g->rflags & t->mask);
}

/* Bits to compare of a byte: the FLAGS word of an exception's frame has undefined ones. The records
 * name its address without bit 0; the frame itself says where it is. */
static uint8_t byte_mask(const struct test_case *t, uint32_t at)
{
    if (!t->pushed_flags) return 0xFF;
    uint32_t base = (t->after[S_SS] & 0xFFFF) << 4;
    if (at == base + ((t->after[ESP] + 4) & 0xFFFF)) return (uint8_t)t->mask;
    if (at == base + ((t->after[ESP] + 5) & 0xFFFF)) return (uint8_t)(t->mask >> 8);
    return 0xFF;
}

static bool changes_differ(struct run *r, const struct test_case *t, struct difference *d)
{
    for (unsigned k = 0; k < t->changed.n; k++) {
        const struct byte *b = &t->changed.b[k];
        uint8_t mask = byte_mask(t, b->at), got = memory_peek(r->t->memory, b->at);
        if (differs(d, "memory", b->at, b->value & mask, got & mask)) return true;
    }
    return false;
}

static bool is_changed(const struct test_case *t, uint32_t at)
{
    for (unsigned k = 0; k < t->changed.n; k++)
        if (t->changed.b[k].at == at) return true;
    return false;
}

static bool memory_differs(struct run *r, const struct test_case *t, struct difference *d)
{
    for (unsigned k = 0; k < t->initial.n; k++) {
        const struct byte *b = &t->initial.b[k];
        uint8_t got = memory_peek(r->t->memory, b->at);
        if (got == b->value || is_changed(t, b->at)) continue;
        return differs(d, "memory", b->at, b->value, got);
    }
    return changes_differ(r, t, d);
}

static bool outcome_differs(struct run *r, const struct test_case *t, const struct cpu_regs *g,
                            struct difference *d)
{
    if (r->protected32 && t->vector != NO_VECTOR)
        return differs(d, "handler", 0, HANDLERS + 16u * t->vector, (uint32_t)g->rip);
    return registers_differ(r, t, g, d) || memory_differs(r, t, d);
}

/* ---- documented differences (docs/cpu-exactness.md) ------------------------------------------ */
/* Is the outcome the same but for another vector than #GP (13)? */
static bool same_with_vector(struct run *r, struct test_case *t, unsigned vector)
{
    struct cpu_regs g;
    struct difference d;
    uint32_t pointer = (uint32_t)memory_read(r->t->memory, 13 * 4, DWORD);
    put(r, 13 * 4, 0, DWORD);
    for (unsigned k = 0; k < t->initial.n; k++)
        if (t->initial.b[k].at / 4 == 13) t->initial.b[k].at += vector * 4 - 13 * 4;
    put(r, vector * 4, pointer, DWORD);
    run(r, t, &g);
    return !registers_differ(r, t, &g, &d) && !memory_differs(r, t, &d);
}
/* A violation of SS's limit is #SS on a 386 and later, #GP on a 286 in real mode (SDM vol. 2, real-
 * address mode exceptions; vol. 3, table 20-1). After POP to memory SP stays popped on a 286. */
static bool is_stack_fault(struct run *r, struct test_case *t)
{
    if (t->vector != 13) return false;
    if (opcode(t) != 0x8F) return same_with_vector(r, t, 12);
    t->after[ESP] -= 2;
    for (unsigned k = 0; k < t->changed.n; k++) t->changed.b[k].at -= 2;
    return same_with_vector(r, t, 12);
}
/* C7 /1 to /7 is #UD; a 286 does not look at these bits, and this one is too long for it. */
static bool is_undefined_mov(struct run *r, struct test_case *t)
{
    bool undefined = t->vector == 13 && opcode(t) == 0xC7 && opcode_byte(t, 1) & 0x38;
    return undefined && same_with_vector(r, t, 6);
}
/* AAM 0: #DE is a fault, which leaves the flags as they were; a 286 has set PF, SF, ZF already. */
static bool is_aam_zero(const struct test_case *t, const struct difference *d)
{
    return t->vector == 0 && opcode(t) == 0xD4 && !strcmp(d->what, "eflags");
}
static bool is_documented(struct run *r, struct test_case *t, const struct difference *d)
{
    return !strcmp(r->cpu, "80286") &&
           (is_aam_zero(t, d) || is_undefined_mov(r, t) || is_stack_fault(r, t));
}

/* ---- one case, one file ---------------------------------------------------------------------- */
static void show(const struct test_case *t, const struct cpu_regs *g, const struct difference *d)
{
    printf("    case %u: %s\n      %s", t->index, t->text, d->what);
    if (d->at) printf(" at %06x", d->at);
    printf(": expected %08x, got %08x\n      bytes:", d->want, d->got);
    for (unsigned k = 0; k < t->code_len; k++) printf(" %02x", t->code[k]);
    printf("  vector %02x\n      reg      before   expected got\n", t->vector);
    for (unsigned k = 0; k < WORDS; k++)
        printf("      %-8s %08x %08x %08x\n", names[k], t->before[k], t->after[k], shown(g, k));
    for (unsigned k = 0; k < t->changed.n; k++)
        printf("      [%06x] -> %02x\n", t->changed.b[k].at, t->changed.b[k].value);
}

static void run_case(struct run *r, struct test_case *t, struct tally *n)
{
    struct cpu_regs g;
    struct difference d;
    run(r, t, &g);
    if (!outcome_differs(r, t, &g, &d)) n->passed++;
    else if (is_documented(r, t, &d)) n->excepted++;
    else if (n->failed++ == 0 || r->t->all) show(t, &g, &d);
    clear_memory(r, &t->initial);
    clear_memory(r, &t->changed);
}

bool sst_file(struct cputest *tests, const char *path, const uint8_t *data, size_t len)
{
    struct input in = { data + 8, data + len, false };
    struct run r = { .t = tests };
    struct tally n = { 0 };
    unsigned count = (unsigned)get(&in, 4), k = 0;
    get_block(&in, r.form, 12, 12);
    get_block(&in, r.mnemonic, 12, 12);
    get_block(&in, r.cpu, 8, 8);
    get(&in, 4);
    r.protected32 = get(&in, 4) >> 8 & 1;
    if (r.protected32) protected_tables(&r);
    for (bool good = true; k < count && good; k += good) {
        struct test_case t;
        good = get_case(&in, &t);
        if (good) run_case(&r, &t, &n);
        free(t.initial.b);
        free(t.changed.b);
    }
    if (k < count) printf("%s: truncated at case %u of %u\n", path, k, count);
    tally_add(tests, r.cpu, r.form, r.mnemonic, &n);
    return k == count;
}
