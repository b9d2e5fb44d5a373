/* SPDX-License-Identifier: MIT
 * A CPU with memory and no PC, for tests: descriptor tables at fixed places, one handler per vector
 * that halts, so that a test can tell by EIP what happened.
 *
 *   01000 GDT   02000 IDT   03000 TSS   04000 second TSS   05000 LDT
 *   08000 stack of ring 0 (grows down)   0C000 stack of ring 3
 *   10000 code   20000 handlers, 16 bytes per vector   30000 data   100000 page tables
 */
#pragma once
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cpu/cpu.h"

enum {
    GDT = 0x1000, IDT = 0x2000, TSS = 0x3000, TSS2 = 0x4000, LDT = 0x5000, STACK0 = 0x8000,
    STACK3 = 0xC000,
    CODE = 0x10000, HANDLERS = 0x20000, DATA = 0x30000, TABLES = 0x100000,
    BENCH_RAM = 16 << 20,
};
/* Selectors of the bench's GDT. */
enum {
    SEL_CODE0 = 0x08, SEL_DATA0 = 0x10, SEL_CODE3 = 0x1B, SEL_DATA3 = 0x23, SEL_TSS = 0x28,
    SEL_TSS2 = 0x30,
    SEL_LDT = 0x38, SEL_CONFORMING = 0x40, SEL_GATE = 0x48, SEL_ABSENT = 0x50, SEL_READONLY = 0x58,
    SEL_CODE16 = 0x60, SEL_DATA16 = 0x68, SEL_EXEC_ONLY = 0x70, SEL_FREE = 0x78, GDT_ENTRIES = 20,
};
/* Descriptor byte 5 and flags, as in struct cpu_segment. */
enum {
    B_CODE0 = 0xC09B, B_DATA0 = 0xC093, B_CODE3 = 0xC0FB, B_DATA3 = 0xC0F3, B_TSS32 = 0x89,
    B_LDT = 0x82,
    B_CALL32 = 0x8C, B_INT32 = 0x8E, B_TRAP32 = 0x8F, B_TASK = 0x85, B_DPL3 = 0x60,
};
enum { GPR_AX, GPR_CX, GPR_DX, GPR_BX, GPR_SP, GPR_BP, GPR_SI, GPR_DI };
enum { SR_ES, SR_CS, SR_SS, SR_DS, SR_FS, SR_GS };
enum { EF_CF = 1, EF_ZF = 1 << 6, EF_TF = 1 << 8, EF_IF = 1 << 9, EF_IOPL3 = 3 << 12,
       EF_NT = 1 << 14,
       EF_RF = 1 << 16, EF_VM = 1 << 17, EF_AC = 1 << 18, EF_ID = 1 << 21 };

struct bench {
    struct memory *memory;
    struct cpu    *cpu;
    struct cpu_regs r;             /* read after each run; written back by bench_go() */
    uint8_t  vector;               /* what INTA answers */
    unsigned acknowledged, ins, outs;
    uint16_t last_port;
    uint32_t last_value;
};

static inline uint32_t bench_in(void *ctx, uint16_t port, enum width size)
{
    struct bench *b = ctx;
    b->ins++;
    b->last_port = port;
    return size == BYTE ? 0xA5 : size == WORD ? 0xA55A : 0xA55AF00F;
}
static inline void bench_out(void *ctx, uint16_t port, uint32_t value, enum width size)
{
    struct bench *b = ctx;
    (void)size;
    b->outs++;
    b->last_port = port;
    b->last_value = value;
}
static inline uint8_t bench_acknowledge(void *ctx)
{
    struct bench *b = ctx;
    b->acknowledged++;
    return b->vector;
}

/* ---- memory ---------------------------------------------------------------------------------- */
static inline void poke8(struct bench *b, uint64_t at, uint8_t v)
{
    memory_write(b->memory, at, v, BYTE);
}

static inline void poke16(struct bench *b, uint64_t at, uint16_t v)
{
    memory_write(b->memory, at, v, WORD);
}

static inline void poke32(struct bench *b, uint64_t at, uint32_t v)
{
    memory_write(b->memory, at, v, DWORD);
}

static inline void poke64(struct bench *b, uint64_t at, uint64_t v)
{
    memory_write(b->memory, at, v, QWORD);
}

static inline uint8_t peek8(struct bench *b, uint64_t at)
{
    return (uint8_t)memory_read(b->memory, at, BYTE);
}

static inline uint16_t peek16(struct bench *b, uint64_t at)
{
    return (uint16_t)memory_read(b->memory, at, WORD);
}

static inline uint32_t peek32(struct bench *b, uint64_t at)
{
    return (uint32_t)memory_read(b->memory, at, DWORD);
}


/* Code as hex digits, blanks ignored. Returns the address after it. */
static inline uint32_t code_at(struct bench *b, uint32_t at, const char *hex)
{
    unsigned value;
    int used;
    while (sscanf(hex, " %2x%n", &value, &used) == 1) {
        poke8(b, at++, (uint8_t)value);
        hex += used;
    }
    return at;
}

static inline uint64_t descriptor(uint32_t base, uint32_t limit, uint16_t access)
{
    return (limit & 0xFFFF) | (uint64_t)(base & 0xFFFFFF) << 16 | (uint64_t)(access & 0xFF) << 40 |
           (uint64_t)(limit >> 16 & 15) << 48 | (uint64_t)(access >> 12) << 52 |
           (uint64_t)(base >> 24) << 56;
}
static inline uint64_t gate(uint16_t selector, uint32_t offset, uint8_t access, unsigned parameters)
{
    return (offset & 0xFFFF) | (uint64_t)selector << 16 | (uint64_t)parameters << 32 |
           (uint64_t)access << 40 | (uint64_t)(offset >> 16) << 48;
}

static inline void gdt_set(struct bench *b, uint16_t selector, uint64_t d)
{
    poke64(b, GDT + (selector & ~7u), d);
}

static inline uint8_t gdt_access(struct bench *b, uint16_t selector)
{
    return peek8(b, GDT + (selector & ~7u) + 5);
}

static inline void idt_set(struct bench *b, unsigned vector, uint64_t d)
{
    poke64(b, IDT + vector * 8, d);
}


/* ---- birth ----------------------------------------------------------------------------------- */
static inline void bench_tables(struct bench *b)
{
    gdt_set(b, SEL_CODE0, descriptor(0, 0xFFFFF, B_CODE0));
    gdt_set(b, SEL_DATA0, descriptor(0, 0xFFFFF, B_DATA0));
    gdt_set(b, SEL_CODE3, descriptor(0, 0xFFFFF, B_CODE3));
    gdt_set(b, SEL_DATA3, descriptor(0, 0xFFFFF, B_DATA3));
    gdt_set(b, SEL_TSS, descriptor(TSS, 0x67, B_TSS32 | 2));
    gdt_set(b, SEL_TSS2, descriptor(TSS2, 0x67, B_TSS32));
    gdt_set(b, SEL_LDT, descriptor(LDT, 0xFF, B_LDT));
    gdt_set(b, SEL_CONFORMING, descriptor(0, 0xFFFFF, 0xC09F));
    gdt_set(b, SEL_ABSENT, descriptor(0, 0xFFFFF, B_DATA0 & ~0x80));
    gdt_set(b, SEL_READONLY, descriptor(0, 0xFFFFF, 0xC0F1));
    gdt_set(b, SEL_CODE16, descriptor(CODE, 0xFFFF, 0x9B));
    gdt_set(b, SEL_DATA16, descriptor(DATA, 0xFFFF, 0x93));
    gdt_set(b, SEL_EXEC_ONLY, descriptor(0, 0xFFFFF, 0xC0F9));
    poke32(b, TSS + 4, STACK0);
    poke32(b, TSS + 8, SEL_DATA0);
    poke16(b, TSS + 0x66, 0x68);
    for (unsigned v = 0; v < 256; v++) {
        idt_set(b, v, gate(SEL_CODE0, HANDLERS + v * 16, B_INT32, 0));
        poke8(b, HANDLERS + v * 16, 0xF4);
    }
}

static inline struct bench *bench_made(const struct cpu_config *config)
{
    struct bench *b = calloc(1, sizeof *b);
    struct cpu_bus bus = { bench_in, bench_out, bench_acknowledge, b, NULL, NULL };
    ck_assert_ptr_nonnull(b);
    b->memory = memory_new(BENCH_RAM, NULL);
    ck_assert_ptr_nonnull(b->memory);
    b->cpu = cpu_new(config, b->memory, &bus, NULL);
    ck_assert_ptr_nonnull(b->cpu);
    bench_tables(b);
    cpu_get_regs(b->cpu, &b->r);
    return b;
}
static inline struct bench *bench_new(const char *model)
{
    struct cpu_config config = { .model = model };
    return bench_made(&config);
}
static inline void bench_free(struct bench *b)
{
    cpu_free(b->cpu);
    memory_free(b->memory);
    free(b);
}

static inline struct cpu_segment flat(uint16_t selector, uint16_t access)
{
    return (struct cpu_segment){ selector, 0, 0xFFFFFFFF, access };
}
/* Flat 32-bit protected mode in ring 0 or 3, at CODE. */
static inline struct bench *bench_protected_on(const struct cpu_config *config, unsigned ring)
{
    struct bench *b = bench_made(config);
    uint16_t code = ring ? SEL_CODE3 : SEL_CODE0, data = ring ? SEL_DATA3 : SEL_DATA0;
    for (unsigned s = 0; s < 6; s++) b->r.seg[s] = flat(data, ring ? B_DATA3 : B_DATA0);
    b->r.seg[SR_CS] = flat(code, ring ? B_CODE3 : B_CODE0);
    b->r.tr = (struct cpu_segment){ SEL_TSS, TSS, 0x67, 0x8B };
    b->r.ldtr = (struct cpu_segment){ 0 };
    b->r.gdt_base = GDT;
    b->r.gdt_limit = GDT_ENTRIES * 8 - 1;
    b->r.idt_base = IDT;
    b->r.idt_limit = 0x7FF;
    b->r.cr0 = 0x11;
    b->r.cpl = (uint8_t)ring;
    b->r.rflags = 2;
    b->r.rip = CODE;
    b->r.gpr[GPR_SP] = ring ? STACK3 : STACK0;
    return b;
}
static inline struct bench *bench_protected(unsigned ring)
{
    return bench_protected_on(&(struct cpu_config){ .model = NULL }, ring);
}
/* Real mode at CODE (1000:0000), SS:SP = 0000:8000, DS = 3000, IVT at 0 with handlers at
 * 2000:vector * 16. */
static inline struct bench *bench_real(void)
{
    struct bench *b = bench_new(NULL);
    for (unsigned s = 0; s < 6; s++) b->r.seg[s] = (struct cpu_segment){ 0, 0, 0xFFFF, 0x93 };
    b->r.seg[SR_CS] = (struct cpu_segment){ CODE >> 4, CODE, 0xFFFF, 0x93 };
    b->r.seg[SR_DS] = (struct cpu_segment){ DATA >> 4, DATA, 0xFFFF, 0x93 };
    b->r.cr0 = 0x10;
    b->r.idt_limit = 0x3FF;
    b->r.rip = 0;
    b->r.rflags = 2;
    b->r.gpr[GPR_SP] = STACK0;
    for (unsigned v = 0; v < 256; v++) poke32(b, v * 4, 0x20000000 + v * 16);
    return b;
}
/* Virtual-8086 mode with the frame of bench_real() on top of the protected-mode tables. */
static inline struct bench *bench_vm86(unsigned iopl)
{
    struct bench *b = bench_protected(3);
    for (unsigned s = 0; s < 6; s++)
        b->r.seg[s] = (struct cpu_segment){ (uint16_t)(0x3000 + s), 0x30000 + s * 16, 0xFFFF,
                                              0xF3 };
    b->r.seg[SR_CS] = (struct cpu_segment){ CODE >> 4, CODE, 0xFFFF, 0xF3 };
    b->r.rflags = 2 | EF_VM | iopl << 12;
    b->r.rip = 0;
    b->r.gpr[GPR_SP] = 0x1000;
    return b;
}

/* ---- running --------------------------------------------------------------------------------- */
/* Runs up to `ticks` from b->r; the CPU's registers are in b->r afterwards. */
static inline enum cpu_stop bench_go(struct bench *b, unsigned ticks)
{
    cpu_set_regs(b->cpu, &b->r);
    enum cpu_stop stop = cpu_run(b->cpu, cpu_ticks(b->cpu) + ticks);
    cpu_get_regs(b->cpu, &b->r);
    return stop;
}
/* Code at CS:EIP, then run until it halts. */
static inline void bench_run(struct bench *b, const char *hex)
{
    code_at(b, (uint32_t)(b->r.seg[SR_CS].base + b->r.rip), hex);
    ck_assert_int_eq(bench_go(b, 1000), CPU_HALTED);
}
/* The vector whose handler halted, or -1. */
static inline int vector_taken(const struct bench *b)
{
    uint64_t laddr = b->r.seg[SR_CS].base + b->r.rip - 1;
    if (laddr < HANDLERS || laddr >= HANDLERS + 256 * 16 || (laddr & 15)) return -1;
    return (int)((laddr - HANDLERS) / 16);
}
/* The dword at SS:ESP + 4n (base 0). */
static inline uint32_t stack32(struct bench *b, unsigned n)
{
    return peek32(b, b->r.gpr[GPR_SP] + 4 * n);
}

static inline uint16_t stack16(struct bench *b, unsigned n)
{
    return peek16(b, b->r.seg[SR_SS].base + (uint16_t)(b->r.gpr[GPR_SP] + 2 * n));
}

/* Runs code that faults: vector, error code pushed, EIP back at `at`. Ring 0, 32-bit gate. */
#define ck_fault(b, hex, vector, error)                                        \
    do {                                                                       \
        uint64_t at_ = (b)->r.rip;                                             \
        bench_run(b, hex);                                                     \
        ck_assert_int_eq(vector_taken(b), vector);                             \
        ck_assert_uint_eq(stack32(b, 0), error);                               \
        ck_assert_uint_eq(stack32(b, 1), at_);                                 \
    } while (0)

static inline int bench_main(Suite *suite)
{
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
