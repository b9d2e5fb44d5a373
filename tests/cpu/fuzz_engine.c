/* SPDX-License-Identifier: MIT
 * The engine as the mirror of native_host.
 *
 *   linear   110000 code (user)   120000 data   130000 stack (user)   else: not present
 *            D6B00000  GDT, IDT, TSS, handlers, stack of ring 0: physical 0, supervisor
 */
#include <string.h>
#include "tests/cpu/fuzz_engine.h"

enum {
    SYSTEM_PAGES = 8,
    GDT = 0x1000,
    IDT = 0x2000,
    HANDLERS = 0x3000,
    TSS = 0x4000,
    STACK0 = 0x6000,
    PAGE_DIR = 0x10000,
    ARENA_TABLE = 0x11000,
    SYSTEM_TABLE = 0x12000,
    RAM = 2 << 20
};
enum { CODE0 = 0x08, DATA0 = 0x10, TASK = 0x18, TICKS = 1 << 20 };
enum { PTE_P = 1, PTE_W = 2, PTE_U = 4 };
#define SYSTEM ENGINE_SYSTEM

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

static void map_user(struct memory *m, uint32_t at, uint32_t len, unsigned rights)
{
    for (uint32_t page = at; page < at + len; page += PAGE_SIZE)
        memory_write(m, ARENA_TABLE + (page >> 12) * 4, page | PTE_P | PTE_U | rights, DWORD);
}

static void make_pages(struct memory *m)
{
    memory_write(m, PAGE_DIR, ARENA_TABLE | PTE_P | PTE_W | PTE_U, DWORD);
    memory_write(m, PAGE_DIR + (SYSTEM >> 22) * 4, SYSTEM_TABLE | PTE_P | PTE_W, DWORD);
    for (unsigned n = 0; n < SYSTEM_PAGES; n++)
        memory_write(m, SYSTEM_TABLE + ((SYSTEM >> 12 & 0x3FF) + n) * 4, n << 12 | PTE_P | PTE_W,
                     DWORD);
    map_user(m, ARENA_CODE, ARENA_CODE_LEN, PTE_W);
    map_user(m, ARENA_DATA, ARENA_DATA_LEN, PTE_W);
    map_user(m, ARENA_STACK, ARENA_STACK_LEN, PTE_W);
}

static void make_tables(struct memory *m)
{
    memory_write(m, GDT + CODE0, 0x00CF9B000000FFFF, QWORD);
    memory_write(m, GDT + DATA0, 0x00CF93000000FFFF, QWORD);
    memory_write(m, GDT + (USER_CS & ~7), 0x00CFFB000000FFFF, QWORD);
    memory_write(m, GDT + (USER_DS & ~7), 0x00CFF3000000FFFF, QWORD);
    memory_write(m, TSS + 4, SYSTEM + STACK0, DWORD);
    memory_write(m, TSS + 8, DATA0, DWORD);
    memory_write(m, TSS + 0x66, 0x68, WORD);
    for (uint32_t v = 0; v < 32; v++) {
        uint32_t to = SYSTEM + HANDLERS + 16 * v;
        uint64_t open = v == 3 || v == 4 ? 0xEE00 : 0x8E00;          /* DPL 3 for INT3, INTO */
        memory_write(m, IDT + 8 * v, (to & 0xFFFF) | CODE0 << 16 | (open | (to & 0xFFFF0000)) << 32,
                     QWORD);
        memory_write(m, HANDLERS + 16 * v, 0xF4, BYTE);
    }
}

bool engine_open(struct engine *e)
{
    struct cpu_bus bus = { port_in, port_out, acknowledge, NULL, NULL, NULL };
    e->memory = memory_new(RAM, NULL);
    e->cpu = e->memory ? cpu_new(NULL, e->memory, &bus, NULL) : NULL;
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
const uint8_t *engine_see(struct engine *e, uint32_t at) { return memory_ram(e->memory) + at; }

static void load(struct engine *e, const struct outcome *in)
{
    struct cpu_regs g;
    struct cpu_x87 x = { .control = in->fcw, .status = in->fsw };
    cpu_get_regs(e->cpu, &g);
    for (unsigned n = 0; n < 8; n++) g.gpr[n] = in->gpr[n];
    for (unsigned s = 0; s < 6; s++)
        g.seg[s] = (struct cpu_segment){USER_DS, 0, 0xFFFFFFFF, 0xC0F3};
    g.seg[1] = (struct cpu_segment){ USER_CS, 0, 0xFFFFFFFF, 0xC0FB };
    g.seg[4] = g.seg[5] = (struct cpu_segment){ 0 };
    g.tr = (struct cpu_segment){ TASK, SYSTEM + TSS, 0x67, 0x8B };
    g.gdt_base = SYSTEM + GDT;
    g.gdt_limit = 0x2F;
    g.idt_base = SYSTEM + IDT;
    g.idt_limit = 0xFF;
    g.rip = in->eip;
    g.rflags = in->eflags | 2;
    g.cr0 = 0x80010033;            /* PG, WP, NE, ET, MP, PE: as Linux has it */
    g.cr2 = 0;
    g.cr3 = PAGE_DIR;
    g.cpl = 3;
    cpu_set_regs(e->cpu, &g);
    for (unsigned n = 0; n < 8; n++) x.tag |= (uint16_t)(in->tags >> n & 1 ? 0 : 3u << 2 * n);
    memcpy(x.st, in->st, sizeof x.st);
    cpu_set_x87(e->cpu, &x);
}

static void save_x87(struct engine *e, struct outcome *o)
{
    struct cpu_x87 x;
    cpu_get_x87(e->cpu, &x);
    o->fcw = x.control;
    o->fsw = x.status;
    o->tags = 0;
    for (unsigned n = 0; n < 8; n++) o->tags |= (uint8_t)(((x.tag >> 2 * n & 3) != 3) << n);
    memcpy(o->st, x.st, sizeof o->st);
}

/* The handler has halted: what the exception pushed tells the rest. */
static void save(struct engine *e, struct outcome *o)
{
    struct cpu_regs g;
    cpu_get_regs(e->cpu, &g);
    for (unsigned n = 0; n < 8; n++) o->gpr[n] = (uint32_t)g.gpr[n];
    uint32_t sp = o->gpr[4] - SYSTEM, has_error = (STACK0 - sp) / 4 == 6;
    o->vector = ((uint32_t)g.rip - SYSTEM - HANDLERS) / 16;
    o->error = has_error ? (uint32_t)memory_read(e->memory, sp, DWORD) : 0;
    sp += has_error * 4;
    o->eip = (uint32_t)memory_read(e->memory, sp, DWORD);
    o->eflags = (uint32_t)memory_read(e->memory, sp + 8, DWORD);
    o->gpr[4] = (uint32_t)memory_read(e->memory, sp + 12, DWORD);
    o->cr2 = (uint32_t)g.cr2;
    save_x87(e, o);
}

bool engine_run(struct engine *e, const struct outcome *in, struct outcome *out,
                enum engine_how how)
{
    uint64_t end;
    enum cpu_stop stop = CPU_UNTIL;
    cpu_reset(e->cpu, true);
    load(e, in);
    end = cpu_ticks(e->cpu) + TICKS;
    while (stop == CPU_UNTIL && cpu_ticks(e->cpu) < end)
        stop = cpu_run(e->cpu, how == ENGINE_STEPPED ? cpu_ticks(e->cpu) + 1 : end);
    if (stop != CPU_HALTED) return false;
    save(e, out);
    return true;
}
