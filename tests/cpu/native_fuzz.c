/* SPDX-License-Identifier: MIT
 * native_fuzz [--seconds N] [--count N] [--seed S] [--x87] [--keep-going]: random programs of 1-8
 * integer instructions in 32-bit user code, run by the host's processor and by the engine.
 * Registers, defined flags, memory and exceptions must agree. A case that fails is reduced to the
 * fewest instructions.
 * --x87: half of the instructions are x87 ones; the x87's registers must agree, too.
 *
 * Exit code 0: all agree; 1: a difference; 77: this host cannot.
 * Not implemented: 16-bit code, 64-bit code, segment registers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tests/cpu/codegen.h"
#include "tests/cpu/fuzz_engine.h"

enum { EXIT_SKIPPED = 77, MEMORY_CASES = 64 /* one random memory image serves so many */ };
enum { VEC_BP = 3, VEC_SS = 12, VEC_GP = 13, VEC_PF = 14 };

struct fuzz {
    struct engine engine;
    struct program program;
    struct outcome before, native, ours;
    uint8_t  code[ARENA_CODE_LEN], data[ARENA_DATA_LEN], stack[ARENA_STACK_LEN];
    bool     code_written;         /* by the last case */
    uint64_t seed, cases, failures;
    uint16_t start[GEN_MAX + 1];
    uint32_t differ_at;
    bool     keep_going, x87, timeout;
    uint64_t vectors[32];
};

/* ---- making a case --------------------------------------------------------------------------- */
static uint32_t data_pointer(struct gen *g)
{
    return ARENA_DATA + 0x400 + gen_below(g, ARENA_DATA_LEN - 0x800);
}

static unsigned random_registers(struct fuzz *f, struct gen *g)
{
    unsigned pointers = 0;
    for (unsigned n = 0; n < 8; n++) {
        bool pointer = gen_chance(g, 55);
        f->before.gpr[n] = pointer ? data_pointer(g) : gen_value(g);
        if (pointer) pointers |= 1u << n;
    }
    f->before.gpr[4] = ARENA_STACK + 0x800 + gen_below(g, 0x1000);
    if (gen_chance(g, 60)) f->before.gpr[1] = gen_below(g, 40);        /* counts */
    f->before.eip = ARENA_CODE;
    f->before.eflags = 0x202 | (gen_below(g, 0x1000) & (GEN_ALL | 0x400));
    return pointers;
}

/* Normal numbers of all sizes, integers, and the corners of the format. */
static void random_number(struct gen *g, uint8_t to[10])
{
    static const uint16_t exponents[] = {0,      1,      0x7FFF, 0x7FFE, 0x3FFF,
                                         0x3FFE, 0x400E, 0x403E, 0x3C01, 0x43FE};
    static const uint64_t mantissas[] = {
        0, 1, 1ull << 63, ~0ull, 3ull << 62, (1ull << 63) + 1, ~0ull >> 1};
    uint64_t m = gen_chance(g, 30) ? mantissas[gen_below(g, COUNT_OF(mantissas))]
                                   : gen_random(&g->seed) | 1ull << 63;
    uint16_t e = gen_chance(g, 30) ? exponents[gen_below(g, COUNT_OF(exponents))]
                                   : (uint16_t)(0x3FFF - 70 + gen_below(g, 140));
    if (gen_chance(g, 20)) m &= ~0ull << gen_below(g, 64);
    e |= (uint16_t)(gen_below(g, 2) << 15);
    memcpy(to, &m, 8);
    memcpy(to + 8, &e, 2);
}
static void random_x87(struct fuzz *f, struct gen *g)
{
    f->before.fcw = 0x37F;
    f->before.fsw = f->before.tags = 0;
    if (!g->x87) return;
    f->before.fcw = (uint16_t)(0x40 | (gen_below(g, 4) << 8) | (gen_below(g, 4) << 10) |
                               (gen_chance(g, 70) ? 0x3F : gen_below(g, 64)));
    f->before.fsw =
        (uint16_t)((gen_below(g, 8) << 11) | (gen_chance(g, 30) ? gen_below(g, 8) << 8 : 0));
    f->before.tags = (uint8_t)(gen_chance(g, 30) ? gen_below(g, 256) : 0xFFu << gen_below(g, 4));
    for (unsigned n = 0; n < 8; n++) random_number(g, f->before.st[n]);
}

static void random_memory(struct fuzz *f)
{
    struct gen g = { .seed = f->seed / MEMORY_CASES * 0x1000003 };
    for (unsigned n = 0; n < sizeof f->data; n += 4) {
        uint32_t v = gen_value(&g);
        memcpy(f->data + n, &v, 4);
        if (n < sizeof f->stack) memcpy(f->stack + n, &v, 4);
    }
}

static void make_case(struct fuzz *f)
{
    struct gen g = {.seed = f->seed,
                    .bits = 32,
                    .data = ARENA_DATA,
                    .data_len = ARENA_DATA_LEN - 16,
                    .faults = true,
                    .repeat = true};
    g.x87 = f->x87;
    g.pointers = random_registers(f, &g);
    random_x87(f, &g);
    gen_program(&g, &f->program, 1 + gen_below(&g, 8));
}

/* ---- running it ------------------------------------------------------------------------------ */
static void *host(uint32_t at) { return (void *)(uintptr_t)at; }

static void place_at(struct fuzz *f, uint32_t at, const void *from, uint32_t len)
{
    memcpy(host(at), from, len);
    engine_put(&f->engine, at, from, len);
}
static void place(struct fuzz *f)
{
    unsigned len = program_bytes(&f->program, f->code, f->start);
    f->code[len++] = 0xCC;
    place_at(f, ARENA_CODE, f->code, f->code_written ? sizeof f->code : len);
    place_at(f, ARENA_DATA, f->data, sizeof f->data);
    place_at(f, ARENA_STACK, f->stack, sizeof f->stack);
}

/* Flags to compare: those defined where the program ended. */
static uint32_t flags_mask(struct fuzz *f)
{
    uint16_t undefined[GEN_MAX + 1], any = 0;
    const struct program *p = &f->program;
    program_flags(p, undefined);
    uint32_t fixed = 0x400 | 0x4000 | 0x40000 | 0x200000;  /* DF, NT, AC, ID */
    uint32_t at = f->native.eip - ARENA_CODE;
    if (f->native.vector == VEC_BP && at == f->start[p->n] + 1u)
        return fixed | (GEN_ALL & ~undefined[p->n]);
    for (unsigned k = 0; k < p->n; k++) any |= undefined[k] | p->insn[k].undefs;
    return fixed | (GEN_ALL & ~any);
}

static bool memory_differs(struct fuzz *f, uint32_t at, uint32_t len)
{
    const uint8_t *ours = engine_see(&f->engine, at), *native = host(at);
    f->differ_at = at;
    if (!memcmp(ours, native, len)) return false;
    while (*ours == *native) ours++, native++, f->differ_at++;
    return true;
}

/* An operand across the end of a 4 GiB segment may fault or wrap around, as the processor likes
 * (SDM vol. 3, 5.3). */
static bool wraps(const struct outcome *n, const struct outcome *o)
{
    return (n->vector == VEC_SS || n->vector == VEC_GP) && o->vector == VEC_PF &&
           o->cr2 >= 0xFFFFFFF0;
}

static const char *x87_differs(const struct outcome *n, const struct outcome *o)
{
    if (n->fcw != o->fcw) return "x87 control word";
    if ((n->fsw ^ o->fsw) & ~0x200) return "x87 status word";          /* C1: see codegen.h */
    if (n->tags != o->tags) return "x87 tag word";
    for (unsigned k = 0; k < 8; k++) {
        bool used = n->tags >> ((n->fsw >> 11) + k) % 8 & 1;
        if (used && memcmp(n->st[k], o->st[k], 10)) return "x87 register";
    }
    return NULL;
}

/* A repetition that overwrites itself goes on as it was fetched, or not, as the processor likes. */
static bool repeats_over_code(const struct fuzz *f)
{
    for (unsigned k = 0; f->code_written && k < f->program.n; k++)
        for (unsigned b = 0; b < f->program.insn[k].len; b++)
            if ((f->program.insn[k].bytes[b] & 0xFE) == 0xF2) return true;
    return false;
}

/* POPA that faults half-way may have loaded registers already. */
static bool faults_in_popa(const struct fuzz *f)
{
    for (unsigned k = 0; k < f->program.n; k++) {
        const struct gen_insn *i = &f->program.insn[k];
        if (f->native.eip - ARENA_CODE == f->start[k] && i->bytes[i->len - 1] == 0x61) return true;
    }
    return false;
}

/* What differs: NULL if nothing. */
static const char *compare(struct fuzz *f)
{
    const struct outcome *n = &f->native, *o = &f->ours;
    static const char *const names[8] = { "EAX", "ECX", "EDX", "EBX", "ESP", "EBP", "ESI", "EDI" };
    if (f->timeout) return "time: the engine does not end";
    if (wraps(n, o) || repeats_over_code(f)) return NULL;
    if (n->vector != o->vector) return "vector";
    if (n->eip != o->eip) return "EIP";
    uint32_t ignored = o->cr2 >> 16 == ENGINE_SYSTEM >> 16 ? 0x11 : 0x10;     /* the host has NX */
    if ((n->error ^ o->error) & ~ignored) return "error code";
    if (n->vector == VEC_PF && n->cr2 != o->cr2) return "CR2";
    for (unsigned k = 0; k < 8 && !faults_in_popa(f); k++)
        if (n->gpr[k] != o->gpr[k]) return names[k];
    if ((n->eflags ^ o->eflags) & flags_mask(f)) return "EFLAGS";
    if (memory_differs(f, ARENA_DATA, ARENA_DATA_LEN) ||
        memory_differs(f, ARENA_STACK, ARENA_STACK_LEN) ||
        memory_differs(f, ARENA_CODE, ARENA_CODE_LEN))
        return "memory";
    return x87_differs(n, o);
}

static const char *run(struct fuzz *f)
{
    place(f);
    native_run(&f->before, &f->native);
    f->code_written = memcmp(host(ARENA_CODE), f->code, sizeof f->code);
    f->timeout = !engine_run(&f->engine, &f->before, &f->ours,
                             f->seed & 1 ? ENGINE_STEPPED : ENGINE_CHAINED);
    return compare(f);
}

/* ---- a failure ------------------------------------------------------------------------------- */
static void reduce(struct fuzz *f)
{
    for (unsigned k = 0; k < f->program.n;) {
        uint16_t undefined[GEN_MAX + 1];
        struct program whole = f->program;
        program_remove(&f->program, k);
        if (f->program.n && program_flags(&f->program, undefined) && run(f)) {
            k = 0;
        } else {
            f->program = whole;
            k++;
        }
    }
}

static void show_row(const char *name, uint32_t before, uint32_t native, uint32_t ours)
{
    printf("  %-7s %08" PRIX32 " %08" PRIX32 " %08" PRIX32 "%s\n", name, before, native, ours,
           native == ours ? "" : "  <--");
}

static void show_number(const uint8_t b[10])
{
    uint64_t m;
    uint16_t e;
    memcpy(&m, b, 8);
    memcpy(&e, b + 8, 2);
    printf(" %04X:%016" PRIX64, e, m);
}
static void show_x87(const struct outcome *b, const struct outcome *n, const struct outcome *o)
{
    show_row("fcw", b->fcw, n->fcw, o->fcw);
    show_row("fsw", b->fsw, n->fsw, o->fsw);
    show_row("tags", b->tags, n->tags, o->tags);
    for (unsigned k = 0; k < 8; k++) {
        printf("  st%u    ", k);
        show_number(b->st[k]);
        show_number(n->st[k]);
        show_number(o->st[k]);
        printf("%s\n", memcmp(n->st[k], o->st[k], 10) ? "  <--" : "");
    }
}

static void show(struct fuzz *f, const char *what)
{
    static const char *const names[8] = { "eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi" };
    printf("seed %" PRIu64 " (%s): %s differs", f->seed, f->seed & 1 ? "stepped" : "chained", what);
    if (!strcmp(what, "memory")) printf(" at %" PRIX32, f->differ_at);
    printf("\n");
    for (unsigned k = 0; k < f->program.n; k++) {
        printf("  %08X ", ARENA_CODE + f->start[k]);
        for (unsigned b = f->start[k]; b < f->start[k + 1]; b++) printf(" %02X", f->code[b]);
        printf("\n");
    }
    printf("          before   host     engine\n");
    const struct outcome *b = &f->before, *n = &f->native, *o = &f->ours;
    for (unsigned k = 0; k < 8; k++) show_row(names[k], b->gpr[k], n->gpr[k], o->gpr[k]);
    show_row("eip", b->eip, n->eip, o->eip);
    uint32_t mask = flags_mask(f);
    show_row("eflags", b->eflags, n->eflags & mask, o->eflags & mask);
    show_row("vector", 0, n->vector, o->vector);
    show_row("error", 0, n->error, o->error);
    show_row("cr2", 0, n->cr2, o->cr2);
    if (f->x87) show_x87(b, n, o);
}

static void failed(struct fuzz *f)
{
    f->failures++;
    reduce(f);
    const char *what = run(f);
    show(f, what ? what : "(not again)");
}

/* ---- main ------------------------------------------------------------------------------------ */
static uint64_t number(const char *text) { return strtoull(text, NULL, 0); }

static void fuzz_all(struct fuzz *f, uint64_t count, uint64_t seconds)
{
    time_t end = time(NULL) + (time_t)seconds;
    for (; f->cases < count && (f->keep_going ? f->failures < 20 : !f->failures);
         f->cases++, f->seed++) {
        if (seconds && !(f->cases & 1023) && time(NULL) >= end) break;
        if (!f->cases || f->seed % MEMORY_CASES == 0) random_memory(f);
        make_case(f);
        if (run(f)) failed(f);
        f->vectors[f->native.vector & 31]++;
    }
}

int main(int argc, char **argv)
{
    static struct fuzz f;
    uint64_t count = ~0ull, seconds = 0;
    f.seed = (uint64_t)time(NULL) << 20;
    for (int k = 1; k < argc; k++) {
        if (!strcmp(argv[k], "--seconds") && k + 1 < argc) seconds = number(argv[++k]);
        else if (!strcmp(argv[k], "--count") && k + 1 < argc) count = number(argv[++k]);
        else if (!strcmp(argv[k], "--seed") && k + 1 < argc) f.seed = number(argv[++k]);
        else if (!strcmp(argv[k], "--x87")) f.x87 = true;
        else if (!strcmp(argv[k], "--keep-going")) f.keep_going = true;
        else
            return fprintf(stderr, "usage: native_fuzz [--seconds N] [--count N] [--seed S] "
                                   "[--x87] [--keep-going]\n"),
                   2;
    }
    if (!seconds && count == ~0ull) seconds = 10;
    const char *unable = native_open();
    if (unable) return printf("skipped: %s\n", unable), EXIT_SKIPPED;
    if (!engine_open(&f.engine)) return fprintf(stderr, "native_fuzz: out of memory\n"), 2;
    printf("first seed %" PRIu64 "\n", f.seed);
    fuzz_all(&f, count, seconds);
    printf("%" PRIu64 " cases, %" PRIu64 " differ; ended by vector:", f.cases, f.failures);
    for (unsigned v = 0; v < 32; v++)
        if (f.vectors[v]) printf(" %u: %" PRIu64, v, f.vectors[v]);
    printf("\n");
    engine_close(&f.engine);
    return f.failures != 0;
}
