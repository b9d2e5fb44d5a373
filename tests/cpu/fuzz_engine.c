/* SPDX-License-Identifier: MIT
 * The engine as the mirror of fuzz_native.c: long mode with Linux' segments, our LDT, the arena in
 * user pages, and a handler that halts for every exception.
 *
 *   FFFF800000000000  GDT, IDT, TSS, LDT, handlers, stack of ring 0: physical 0, supervisor
 */
#include <string.h>
#include "cpu/cpu.h"
#include "tests/cpu/fuzz_case.h"

enum {
    SYSTEM_PAGES = 8,
    GDT = 0x1000,
    LDT = 0x1800,
    IDT = 0x2000,
    HANDLERS = 0x3000,
    TSS = 0x4000,
    STACK0 = 0x6000,
    PML4 = 0x10000,
    ARENA_TABLES = 0x11000, /* page-directory pointers, directory, table */
    SYSTEM_TABLES = 0x14000,
    RAM = 2 << 20
};
#define SYSTEM 0xFFFF800000000000ull
enum { CODE0 = 0x10, DATA0 = 0x18, TASK = 0x40, LDTR = 0x50, TICKS = 1 << 18 };
enum { PTE_P = 1, PTE_W = 2, PTE_U = 4 };
#define PTE_NX (1ull << 63)

static uint32_t port_in(void *ctx, uint16_t port, enum width size)
{
    (void)ctx;
    (void)port;
    (void)size;
    return 0;
}
static void port_out(void *ctx, uint16_t port, uint32_t value, enum width size)
{
    (void)ctx;
    (void)port;
    (void)value;
    (void)size;
}
static uint8_t acknowledge(void *ctx)
{
    (void)ctx;
    return 0;
}

static void map_user(struct memory *m, uint32_t at, uint32_t len, uint64_t rights)
{
    for (uint32_t page = at; page < at + len; page += PAGE_SIZE)
        memory_write(m, ARENA_TABLES + 0x2000 + (page >> 12) * 8,
                     page | PTE_P | PTE_U | PTE_W | rights, QWORD);
}

static void make_pages(struct memory *m)
{
    memory_write(m, PML4, ARENA_TABLES | PTE_P | PTE_W | PTE_U, QWORD);
    memory_write(m, PML4 + 256 * 8, SYSTEM_TABLES | PTE_P | PTE_W, QWORD);
    for (unsigned level = 0; level < 0x2000; level += 0x1000) {
        memory_write(m, ARENA_TABLES + level,
                     (ARENA_TABLES + level + 0x1000) | PTE_P | PTE_W | PTE_U, QWORD);
        memory_write(m, SYSTEM_TABLES + level, (SYSTEM_TABLES + level + 0x1000) | PTE_P | PTE_W,
                     QWORD);
    }
    for (unsigned n = 0; n < SYSTEM_PAGES; n++)
        memory_write(m, SYSTEM_TABLES + 0x2000 + n * 8, n << 12 | PTE_P | PTE_W, QWORD);
    map_user(m, ARENA_CODE, ARENA_CODE_LEN, 0);
    map_user(m, ARENA_DATA, ARENA_DATA_LEN, PTE_NX);
    map_user(m, ARENA_STACK, ARENA_STACK_LEN, PTE_NX);
}

static unsigned access_of(const struct fuzz_segment *s)
{
    return (s->code ? 0xFB : 0xF3) | (s->big ? 0x4000 : 0);
}
static uint64_t descriptor(const struct fuzz_segment *s)
{
    uint64_t base = s->base, limit = s->limit;
    return (limit & 0xFFFF) | (base & 0xFFFFFF) << 16 | (uint64_t)(access_of(s) & 0xFF) << 40 |
           (limit >> 16) << 48 | (uint64_t)(access_of(s) >> 12) << 52 | base >> 24 << 56;
}

static void make_tables(struct memory *m)
{
    memory_write(m, GDT + CODE0, 0x00AF9B000000FFFF, QWORD);
    memory_write(m, GDT + DATA0, 0x00CF93000000FFFF, QWORD);
    memory_write(m, GDT + (USER_CS32 & ~7), 0x00CFFB000000FFFF, QWORD);
    memory_write(m, GDT + (USER_DS & ~7), 0x00CFF3000000FFFF, QWORD);
    memory_write(m, GDT + (USER_CS64 & ~7), 0x00AFFB000000FFFF, QWORD);
    for (unsigned n = 0; n < LDT_COUNT; n++)
        memory_write(m, LDT + 8 * n, descriptor(&fuzz_ldt[n]), QWORD);
    memory_write(m, TSS + 4, SYSTEM + STACK0, QWORD);
    memory_write(m, TSS + 0x66, 0x68, WORD);
    for (uint64_t v = 0; v < 32; v++) {
        uint64_t to = SYSTEM + HANDLERS + 16 * v;
        uint64_t open = v == 3 || v == 4 ? 0xEE00 : 0x8E00; /* DPL 3 for INT3, INTO */
        memory_write(m, IDT + 16 * v,
                     (to & 0xFFFF) | CODE0 << 16 | (open | (to & 0xFFFF0000)) << 32, QWORD);
        memory_write(m, IDT + 16 * v + 8, to >> 32, QWORD);
        memory_write(m, HANDLERS + 16 * v, 0xF4, BYTE);
    }
}

bool engine_open(struct engine *e, enum fuzz_mode mode, const char *model)
{
    struct cpu_bus bus = { port_in, port_out, acknowledge, NULL, NULL, NULL };
    const struct cpu_config config = { .model = model };
    e->mode = mode;
    e->memory = memory_new(RAM, NULL);
    e->cpu = e->memory ? cpu_new(&config, e->memory, &bus, NULL) : NULL;
    if (!e->cpu) return false;
    make_pages(e->memory);
    make_tables(e->memory);
    return true;
}

void engine_close(struct engine *e)
{
    cpu_free(e->cpu);
    memory_free(e->memory);
}

void engine_put(struct engine *e, uint32_t at, const void *from, uint32_t len)
{
    memory_copy_to(e->memory, at, from, len);
}
const uint8_t *engine_see(struct engine *e, uint32_t at)
{
    return memory_ram(e->memory) + at;
}

static struct cpu_segment from_ldt(unsigned n)
{
    const struct fuzz_segment *s = &fuzz_ldt[n];
    return (struct cpu_segment){LDT_SELECTOR(n), s->base, s->limit, (uint16_t)access_of(s)};
}
static void load_segments(struct cpu_regs *g, enum fuzz_mode mode)
{
    const struct cpu_segment flat = {USER_DS, 0, 0xFFFFFFFF, 0xC0F3};
    for (unsigned s = 0; s < 6; s++) g->seg[s] = flat;
    g->seg[1] = mode == CODE64 ? (struct cpu_segment){USER_CS64, 0, 0xFFFFFFFF, 0xA0FB}
                               : (struct cpu_segment){USER_CS32, 0, 0xFFFFFFFF, 0xC0FB};
    g->seg[4] = (struct cpu_segment){0};
    g->seg[5] = mode == CODE64 ? (struct cpu_segment){.base = GS_BASE} : from_ldt(LDT_GS);
    if (mode != CODE16) return;
    g->seg[0] = from_ldt(LDT_EXTRA);
    g->seg[1] = from_ldt(LDT_CODE);
    g->seg[2] = from_ldt(LDT_STACK);
    g->seg[3] = from_ldt(LDT_DATA);
}

static void load(struct engine *e, const struct outcome *in)
{
    struct cpu_regs g;
    struct cpu_x87 x = {.control = in->fcw, .status = in->fsw};
    struct cpu_sse sse = {.mxcsr = in->mxcsr};
    cpu_get_regs(e->cpu, &g);
    memcpy(g.gpr, in->gpr, sizeof g.gpr);
    load_segments(&g, e->mode);
    g.tr = (struct cpu_segment){TASK, SYSTEM + TSS, 0x67, 0x8B};
    g.ldtr = (struct cpu_segment){LDTR, SYSTEM + LDT, 8 * LDT_COUNT - 1, 0x82};
    g.gdt_base = SYSTEM + GDT;
    g.gdt_limit = 0x7F;
    g.idt_base = SYSTEM + IDT;
    g.idt_limit = 0x1FF;
    g.rip = in->rip;
    g.rflags = in->rflags | 2;
    g.cr0 = 0x80050033; /* PG, AM, WP, NE, ET, MP, PE: as Linux has it */
    g.cr2 = 0;
    g.cr3 = PML4;
    g.cr4 = 0x620;  /* OSXMMEXCPT, OSFXSR, PAE */
    g.efer = 0xD01; /* NXE, LMA, LME, SCE */
    g.cpl = 3;
    cpu_set_regs(e->cpu, &g);
    for (unsigned n = 0; n < 8; n++) x.tag |= (uint16_t)(in->tags >> n & 1 ? 0 : 3u << 2 * n);
    memcpy(x.st, in->st, sizeof x.st);
    cpu_set_x87(e->cpu, &x);
    memcpy(sse.xmm, in->xmm, sizeof sse.xmm);
    cpu_set_sse(e->cpu, &sse);
}

static void save_fpu(struct engine *e, struct outcome *o)
{
    struct cpu_x87 x;
    struct cpu_sse sse;
    cpu_get_x87(e->cpu, &x);
    o->fcw = x.control;
    o->fsw = x.status;
    o->tags = 0;
    for (unsigned n = 0; n < 8; n++) o->tags |= (uint8_t)(((x.tag >> 2 * n & 3) != 3) << n);
    memcpy(o->st, x.st, sizeof o->st);
    cpu_get_sse(e->cpu, &sse);
    o->mxcsr = sse.mxcsr;
    memcpy(o->xmm, sse.xmm, sizeof o->xmm);
}

/* The handler has halted: what the exception pushed tells the rest. */
static void save(struct engine *e, struct outcome *o)
{
    struct cpu_regs g;
    cpu_get_regs(e->cpu, &g);
    memcpy(o->gpr, g.gpr, sizeof o->gpr);
    uint64_t sp = g.gpr[4] - SYSTEM, has_error = (STACK0 - sp) / 8 == 6;
    o->vector = (uint32_t)((g.rip - SYSTEM - HANDLERS) / 16);
    o->error = has_error ? (uint32_t)memory_read(e->memory, sp, QWORD) : 0;
    sp += has_error * 8;
    o->rip = memory_read(e->memory, sp, QWORD);
    o->rflags = memory_read(e->memory, sp + 16, QWORD);
    o->gpr[4] = memory_read(e->memory, sp + 24, QWORD);
    o->cr2 = g.cr2;
    save_fpu(e, o);
}

void engine_run(struct engine *e, const struct outcome *in, struct outcome *out, bool stepped)
{
    enum cpu_stop stop = CPU_UNTIL;
    cpu_reset(e->cpu, true);
    load(e, in);
    uint64_t end = cpu_ticks(e->cpu) + TICKS;
    while (stop == CPU_UNTIL && cpu_ticks(e->cpu) < end)
        stop = cpu_run(e->cpu, stepped ? cpu_ticks(e->cpu) + 1 : end);
    if (stop == CPU_HALTED) save(e, out);
    else out->vector = TRAP_TIME;
}
