/* SPDX-License-Identifier: MIT
 * vitro-cputest PATH...: runs hardware-captured single-instruction cases (X86SST1 files, plain or gzip)
 * through the real decoder and engine, and prints per file what passed and the first difference.
 * Folders are searched. Exit code 0: all passed, 1: differences, 2: bad input.
 * The format is described beside the data (FORMAT.md).
 */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>
#include "cpu/cpu.h"

enum { RAM = 16 << 20, GDT = 0xF00000, IDT = 0xF01000, HANDLERS = 0xF02000, TABLES = 0x3000 };
enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI, S_ES, S_CS, S_SS, S_DS, S_FS, S_GS, EIP, EFLAGS, WORDS };
static const char *const names[WORDS] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi",
                                          "es", "cs", "ss", "ds", "fs", "gs", "eip", "eflags" };
struct byte { uint32_t at; uint8_t value; };

struct test_case {
    uint32_t index;
    uint16_t mask;
    uint8_t  vector;
    uint32_t pushed_flags;
    char     text[256];
    uint8_t  code[32];
    unsigned code_len;
    uint32_t before[WORDS], after[WORDS];
    struct byte *initial, *changed;
    unsigned initial_count, changed_count;
};

struct rig {
    struct memory *memory;
    struct cpu    *cpu;
    uint8_t       *expected;       /* what RAM must be, by address */
    bool           protected32;
    bool           verbose;
    bool           chained;        /* run through cached traces, not exact stops */
};

/* ---- reading ---------------------------------------------------------------------------------- */
struct input { const uint8_t *at, *end; bool bad; };
static uint64_t get(struct input *in, unsigned n)
{
    uint64_t v = 0;
    if ((size_t)(in->end - in->at) < n) { in->bad = true; return 0; }
    for (unsigned k = 0; k < n; k++) v |= (uint64_t)in->at[k] << 8 * k;
    in->at += n;
    return v;
}
static void get_bytes(struct input *in, struct byte **list, unsigned *count)
{
    *count = (unsigned)get(in, 2);
    *list = calloc(*count + 1, sizeof **list);
    for (unsigned k = 0; k < *count && !in->bad; k++) {
        (*list)[k].at = (uint32_t)get(in, 4);
        (*list)[k].value = (uint8_t)get(in, 1);
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
    for (unsigned k = 0; k < t->code_len; k++) {
        uint8_t b = (uint8_t)get(in, 1);
        if (k < sizeof t->code) t->code[k] = b;
    }
    unsigned chars = (unsigned)get(in, 1);
    for (unsigned k = 0; k < chars; k++) t->text[k] = (char)get(in, 1);
    for (unsigned k = 0; k < WORDS; k++) t->before[k] = (uint32_t)get(in, 4);
    for (unsigned k = 0; k < WORDS; k++) t->after[k] = (uint32_t)get(in, 4);
    get_bytes(in, &t->initial, &t->initial_count);
    get_bytes(in, &t->changed, &t->changed_count);
    return !in->bad;
}

/* ---- running ------------------------------------------------------------------------------------ */
static uint32_t port_in(void *ctx, uint16_t port, enum width size)
{
    (void)ctx;
    (void)port;
    return size == 4 ? 0xFFFFFFFF : (1u << 8 * size) - 1;
}
static void port_out(void *ctx, uint16_t port, uint32_t value, enum width size)
{
    (void)ctx; (void)port; (void)value; (void)size;
}
static uint8_t acknowledge(void *ctx) { (void)ctx; return 0; }

static void put(struct rig *r, uint32_t at, uint64_t value, unsigned n)
{
    memory_write(r->memory, at, value, n);
}

/* A GDT with flat code and data, an IDT whose vector n leads to HANDLERS + 16 n. */
static void protected_tables(struct rig *r)
{
    put(r, GDT + 8, 0x00CF9B000000FFFF, 8);
    put(r, GDT + 16, 0x00CF93000000FFFF, 8);
    for (uint32_t n = 0; n < 32; n++) {
        uint32_t to = HANDLERS + 16 * n;
        put(r, IDT + 8 * n, (to & 0xFFFF) | 8 << 16, 4);
        put(r, IDT + 8 * n + 4, (to & 0xFFFF0000) | 0x8E00, 4);
    }
}

static void load(struct rig *r, const struct test_case *t)
{
    static const unsigned order[6] = { S_ES, S_CS, S_SS, S_DS, S_FS, S_GS };
    struct cpu_regs g;
    cpu_reset(r->cpu, true);
    for (unsigned k = 0; k < t->initial_count; k++) put(r, t->initial[k].at, t->initial[k].value, 1);
    cpu_get_regs(r->cpu, &g);
    for (unsigned k = 0; k < 8; k++) g.gpr[k] = t->before[k];
    g.rip = t->before[EIP];
    g.rflags = t->before[EFLAGS] | 2;
    for (unsigned s = 0; s < 6; s++) {
        uint16_t selector = (uint16_t)t->before[order[s]];
        g.seg[s] = (struct cpu_segment){ selector, (uint64_t)selector << 4, 0xFFFF, 0x93 };
        if (r->protected32) g.seg[s] = (struct cpu_segment){ s == 1 ? 8 : 16, 0, 0xFFFFFFFF, s == 1 ? 0xC09B : 0xC093 };
    }
    g.idt_base = r->protected32 ? IDT : 0;
    g.idt_limit = r->protected32 ? 0xFF : 0x3FF;
    g.gdt_base = GDT;
    g.gdt_limit = 0x17;
    g.cr0 = r->protected32 ? 0x11 : 0x10;
    g.cpl = 0;
    cpu_set_regs(r->cpu, &g);
}

static bool is_repeated(const struct test_case *t)
{
    bool rep = false;
    for (unsigned k = 0; k < t->code_len && k < sizeof t->code; k++) {
        uint8_t b = t->code[k];
        if (b == 0xF2 || b == 0xF3) { rep = true; continue; }
        if (b == 0x26 || b == 0x2E || b == 0x36 || b == 0x3E || b == 0x64 || b == 0x65 || b == 0x66 || b == 0x67) continue;
        return rep && ((b >= 0xA4 && b <= 0xA7) || (b >= 0xAA && b <= 0xAF) || (b >= 0x6C && b <= 0x6F));
    }
    return false;
}

static void step(struct rig *r, const struct test_case *t, struct cpu_regs *g)
{
    bool rep = is_repeated(t);
    for (unsigned budget = 0; budget < 70000; budget++) {
        cpu_run(r->cpu, cpu_ticks(r->cpu) + 1);
        cpu_get_regs(r->cpu, g);
        if (!rep || g->rip != t->before[EIP]) return;
    }
}

/* ---- comparing -------------------------------------------------------------------------------------- */
static bool differ(struct rig *r, const struct test_case *t, const char *what, uint32_t at, uint32_t want, uint32_t got)
{
    if (r->verbose)
        printf("    case %u: %s\n      %s%.0u%s: expected %08x, got %08x\n", t->index, t->text, what, 0, "", want, got);
    (void)at;
    return true;
}

static void print_state(const struct test_case *t, const struct cpu_regs *g)
{
    printf("      bytes:");
    for (unsigned k = 0; k < t->code_len && k < sizeof t->code; k++) printf(" %02x", t->code[k]);
    printf("  vector %02x\n      reg      before   expected got\n", t->vector);
    for (unsigned k = 0; k < WORDS; k++) {
        uint32_t got = k < 8 ? (uint32_t)g->gpr[k] : k < EIP ? g->seg[k - 8].selector
                     : k == EIP ? (uint32_t)g->rip : (uint32_t)g->rflags;
        printf("      %-8s %08x %08x %08x\n", names[k], t->before[k], t->after[k], got);
    }
    for (unsigned k = 0; k < t->changed_count; k++) printf("      [%06x] -> %02x\n", t->changed[k].at, t->changed[k].value);
}

static bool registers_differ(struct rig *r, const struct test_case *t, const struct cpu_regs *g)
{
    for (unsigned k = 0; k < 8; k++)
        if ((uint32_t)g->gpr[k] != t->after[k]) return differ(r, t, names[k], 0, t->after[k], (uint32_t)g->gpr[k]);
    for (unsigned k = S_ES; k <= S_GS && !r->protected32; k++)
        if (g->seg[k - S_ES].selector != (uint16_t)t->after[k])
            return differ(r, t, names[k], 0, t->after[k], g->seg[k - S_ES].selector);
    if ((uint32_t)g->rip != t->after[EIP]) return differ(r, t, "eip", 0, t->after[EIP], (uint32_t)g->rip);
    if ((g->rflags ^ t->after[EFLAGS]) & t->mask)
        return differ(r, t, "eflags", 0, t->after[EFLAGS] & t->mask, (uint32_t)g->rflags & t->mask);
    return false;
}

static bool memory_differs(struct rig *r, const struct test_case *t)
{
    for (unsigned k = 0; k < t->initial_count; k++) r->expected[t->initial[k].at & (RAM - 1)] = t->initial[k].value;
    for (unsigned k = 0; k < t->changed_count; k++) r->expected[t->changed[k].at & (RAM - 1)] = t->changed[k].value;
    for (unsigned list = 0; list < 2; list++) {
        const struct byte *b = list ? t->changed : t->initial;
        for (unsigned k = 0; k < (list ? t->changed_count : t->initial_count); k++) {
            uint8_t mask = 0xFF, got = memory_peek(r->memory, b[k].at), want = r->expected[b[k].at & (RAM - 1)];
            if (t->pushed_flags && b[k].at == t->pushed_flags) mask = (uint8_t)t->mask;
            if (t->pushed_flags && b[k].at == t->pushed_flags + 1) mask = (uint8_t)(t->mask >> 8);
            if ((got ^ want) & mask) return differ(r, t, "memory", b[k].at, want, got);
        }
    }
    return false;
}

static bool run_case(struct rig *r, const struct test_case *t)
{
    struct cpu_regs g;
    load(r, t);
    step(r, t, &g);
    bool bad;
    if (r->protected32 && t->vector != 0xFF) {
        bad = g.rip != HANDLERS + 16u * t->vector;
        if (bad) differ(r, t, "vector", 0, t->vector, (uint32_t)g.rip);
    } else {
        bad = registers_differ(r, t, &g) || memory_differs(r, t);
    }
    if (bad && r->verbose) print_state(t, &g);
    for (unsigned k = 0; k < t->initial_count; k++) put(r, t->initial[k].at, 0, 1);
    for (unsigned k = 0; k < t->changed_count; k++) put(r, t->changed[k].at, 0, 1);
    return !bad;
}

/* ---- files -------------------------------------------------------------------------------------------- */
struct totals { unsigned long passed, failed; unsigned files, bad_files; };

static uint8_t *slurp(const char *path, size_t *len)
{
    gzFile f = gzopen(path, "rb");
    size_t size = 1 << 20;
    uint8_t *data = f ? malloc(size) : NULL;
    *len = 0;
    while (data) {
        int n = gzread(f, data + *len, (unsigned)(size - *len));
        if (n <= 0) break;
        *len += (size_t)n;
        if (*len == size) data = realloc(data, size *= 2);
    }
    if (f) gzclose(f);
    return data;
}

static void run_file(struct rig *r, const char *path, struct totals *total)
{
    size_t len;
    uint8_t *data = slurp(path, &len);
    if (!data || len < 52 || memcmp(data, "X86SST1", 8)) {
        printf("%s: not an X86SST1 file\n", path);
        total->bad_files++;
        free(data);
        return;
    }
    struct input in = { data + 8, data + len, false };
    unsigned count = (unsigned)get(&in, 4), passed = 0, failed = 0;
    char form[13] = "", mnemonic[13] = "", cpu[9] = "";
    memcpy(form, data + 12, 12);
    memcpy(mnemonic, data + 24, 12);
    memcpy(cpu, data + 36, 8);
    in.at = data + 48;
    r->protected32 = get(&in, 4) >> 8 & 1;
    if (r->protected32) protected_tables(r);
    r->verbose = true;
    for (unsigned k = 0; k < count; k++) {
        struct test_case t;
        if (!get_case(&in, &t)) { printf("%s: truncated at case %u of %u\n", path, k, count); total->bad_files++; break; }
        if (run_case(r, &t)) passed++;
        else failed++, r->verbose = false;
        free(t.initial);
        free(t.changed);
    }
    if (failed) printf("%-8s %-8s %-10s %6u passed %6u failed\n", cpu, form, mnemonic, passed, failed);
    total->passed += passed;
    total->failed += failed;
    total->files++;
    free(data);
}

static int by_name(const struct dirent **a, const struct dirent **b) { return strcmp((*a)->d_name, (*b)->d_name); }

static void run_path(struct rig *r, const char *path, struct totals *total)
{
    struct stat s;
    if (stat(path, &s)) {
        printf("%s: cannot be opened\n", path);
        total->bad_files++;
    } else if (S_ISDIR(s.st_mode)) {
        struct dirent **list;
        int n = scandir(path, &list, NULL, by_name);
        for (int k = 0; k < n; k++) {
            char inner[4096];
            snprintf(inner, sizeof inner, "%s/%s", path, list[k]->d_name);
            bool wanted = strstr(list[k]->d_name, ".sst") || (list[k]->d_name[0] != '.' && !strchr(list[k]->d_name, '.'));
            if (wanted) run_path(r, inner, total);
            free(list[k]);
        }
        if (n >= 0) free(list);
    } else {
        run_file(r, path, total);
    }
}

int main(int argc, char **argv)
{
    struct cpu_bus bus = { port_in, port_out, acknowledge, NULL };
    struct rig r = { .memory = memory_new(RAM, NULL), .expected = calloc(RAM, 1) };
    struct totals total = { 0 };
    if (argc < 2) { fprintf(stderr, "usage: vitro-cputest PATH... (X86SST1 files or folders of them)\n"); return 2; }
    r.cpu = r.memory ? cpu_new(NULL, r.memory, &bus, NULL) : NULL;
    if (!r.cpu || !r.expected) { fprintf(stderr, "vitro-cputest: out of memory\n"); return 2; }
    memory_shadow(r.memory, 0xA0000, 0x60000, true, true);
    for (int k = 1; k < argc; k++) run_path(&r, argv[k], &total);
    printf("%u files, %lu cases: %lu passed, %lu failed\n", total.files, total.passed + total.failed, total.passed, total.failed);
    cpu_free(r.cpu);
    memory_free(r.memory);
    free(r.expected);
    return total.bad_files || !total.files ? 2 : total.failed ? 1 : 0;
}
