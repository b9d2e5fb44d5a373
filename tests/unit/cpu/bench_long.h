/* SPDX-License-Identifier: MIT
 * For tests of long mode: a processor in 64-bit mode with its tables. SDM vol. 3, 4.5, 6.14.
 */
#pragma once
#include "tests/unit/cpu/bench_cpu.h"

enum {
    SEL_CODE64 = 0x78,
    SEL_USER32 = 0x83,
    SEL_USER_DATA = 0x8B,
    SEL_USER64 = 0x93, /* in SYSRET's order */
    SEL_TSS64 = 0x98,  /* two entries */
    SEL_GATE64 = 0xA8, /* two entries */
    SEL_END = 0xB8,
    PML4 = TABLES,
    PDPT = TABLES + 0x1000,
    PD = TABLES + 0x2000,
    PT = TABLES + 0x3000,
    IDT64 = 0x6000,
    IST1 = 0x9000,
    HIGH_LADDR = 0x800000,
};
#define HIGH           0xFFFF800000000000ull /* 2 MiB of it are the RAM at 0 again */
#define B_CODE64       0xA09B
#define EFER_AS_ACTIVE 0x500

static inline uint64_t peek64(struct bench *b, uint64_t at)
{
    return peek32(b, at) | (uint64_t)peek32(b, at + 4) << 32;
}
static inline uint64_t stack64(struct bench *b, unsigned n)
{
    return peek64(b, b->r.gpr[GPR_SP] + 8 * n);
}

static inline void idt64_set(struct bench *b, unsigned vector, uint16_t selector, uint64_t offset,
                             uint8_t access, unsigned ist)
{
    poke64(b, IDT64 + vector * 16, gate(selector, (uint32_t)offset, access, ist));
    poke64(b, IDT64 + vector * 16 + 8, offset >> 32);
}

/* 2 MiB pages: identity for 16 MiB, and HIGH; 4 KiB pages at HIGH_LADDR. */
static inline void tables64(struct bench *b)
{
    poke64(b, PML4, PDPT | 7);
    poke64(b, PML4 + 256 * 8, PDPT | 7);
    poke64(b, PDPT, PD | 7);
    for (uint64_t n = 0; n < 8; n++) poke64(b, PD + n * 8, n << 21 | 0x87);
    poke64(b, PD + (HIGH_LADDR >> 21) * 8, PT | 7);
    for (uint64_t n = 0; n < 512; n++) poke64(b, PT + n * 8, 0x200000 + (n << 12) + 7);
    gdt_set(b, SEL_CODE64, descriptor(0, 0xFFFFF, B_CODE64));
    gdt_set(b, SEL_USER32, descriptor(0, 0xFFFFF, B_CODE3));
    gdt_set(b, SEL_USER_DATA, descriptor(0, 0xFFFFF, B_DATA3));
    gdt_set(b, SEL_USER64, descriptor(0, 0xFFFFF, 0xA0FB));
    gdt_set(b, SEL_TSS64, descriptor(TSS, 0x67, 0x89));
    poke64(b, GDT + SEL_TSS64 + 8, 0);
    poke64(b, TSS + 4, STACK0);
    poke64(b, TSS + 0x24, IST1);
    for (unsigned v = 0; v < 32; v++) idt64_set(b, v, SEL_CODE64, HANDLERS + v * 16, B_INT32, 0);
}

/* 64-bit mode in ring 0 or 3, at CODE. */
static inline struct bench *bench_long(unsigned ring)
{
    struct bench *b = bench_new("athlon64");
    tables64(b);
    for (unsigned s = 0; s < 6; s++)
        b->r.seg[s] = ring ? flat(SEL_USER_DATA, B_DATA3) : flat(SEL_DATA0, B_DATA0);
    b->r.seg[SR_CS] = ring ? flat(SEL_USER64, 0xA0FB) : flat(SEL_CODE64, B_CODE64);
    b->r.tr = (struct cpu_segment){SEL_TSS64, TSS, 0x67, 0x8B};
    b->r.ldtr = (struct cpu_segment){0};
    b->r.gdt_base = GDT;
    b->r.gdt_limit = SEL_END - 1;
    b->r.idt_base = IDT64;
    b->r.idt_limit = 0xFFF;
    b->r.cr0 = 0x80010011;
    b->r.cr3 = PML4;
    b->r.cr4 = 0x20;
    b->r.efer = EFER_AS_ACTIVE;
    b->r.cpl = (uint8_t)ring;
    b->r.rflags = 2;
    b->r.rip = CODE;
    b->r.gpr[GPR_SP] = ring ? STACK3 : STACK0;
    return b;
}

#define ck_fault64(b, hex, vector, error_code)                                                     \
    do {                                                                                           \
        uint64_t at_ = (b)->r.rip;                                                                 \
        bench_run(b, hex);                                                                         \
        ck_assert_int_eq(vector_taken(b), vector);                                                 \
        ck_assert_uint_eq(stack64(b, 0), error_code);                                              \
        ck_assert_uint_eq(stack64(b, 1), at_);                                                     \
    } while (0)
