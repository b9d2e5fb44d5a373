/* SPDX-License-Identifier: MIT
 * 64-bit integer instructions, random operands and addressing forms, against the host's processor.
 * One small function per case loads all registers, executes the instruction and stores them again;
 * the same bytes at the same address run natively and in the engine. Skipped on other hosts.
 */
#define _GNU_SOURCE
#include "tests/unit/cpu/bench_cpu.h"
#include <sys/mman.h>

#if defined(__x86_64__) && defined(__linux__)
/* Undefined flags of an instruction (SDM vol. 2). */
enum { CF = 1, PF = 4, AF = 16, ZF = 64, SF = 128, OF = 2048, ALL = CF | PF | AF | ZF | SF | OF };
enum shape {
    BYTES = 1, /* 8-bit operands */
    IMM8 = 2,
    IMMZ = 4,
    NO_MODRM = 8, /* registers implied */
    OPREG = 16,   /* register in the opcode's low bits */
    GROUP = 32,   /* modrm.reg is in `reg` */
    NO_MEM = 64,
    NO_REG = 128,
    DIVIDES = 256,
    STACK = 512,  /* uses RSP */
    IMM64 = 1024, /* 64-bit immediate with REX.W */
    NO16 = 2048,  /* no 66 prefix */
    MOFFS = 4096,
    STRINGS = 8192,
    BITS = 16384,     /* memory forms index bits by a register: few of them */
    BRANCH = 1 << 17, /* a conditional branch over MOV EBX, imm32 follows: fused in the engine */
    COUNTS = 65536,   /* flags are undefined unless the count is 1 (OF), or too large (all) */
};
struct pattern {
    uint8_t code[3];
    uint8_t len, reg;
    unsigned shape;
    unsigned undefined;
};

#define ALU(n)                                                                                     \
    {{(n) << 3}, 1, 0, BYTES, 0}, {{(n) << 3 | 1}, 1, 0, 0, 0}, {{(n) << 3 | 2}, 1, 0, BYTES, 0},  \
        {{(n) << 3 | 3}, 1, 0, 0, 0}, {{(n) << 3 | 5}, 1, 0, NO_MODRM | IMMZ, 0},                  \
        {{0x80}, 1, n, GROUP | BYTES | IMM8, 0}, {{0x81}, 1, n, GROUP | IMMZ, 0},                  \
    {                                                                                              \
        {0x83}, 1, n, GROUP | IMM8, 0                                                              \
    }
#define LOGIC(n)                                                                                   \
    {{(n) << 3}, 1, 0, BYTES, AF}, {{(n) << 3 | 1}, 1, 0, 0, AF}, {{(n) << 3 | 3}, 1, 0, 0, AF},   \
        {{0x81}, 1, n, GROUP | IMMZ, AF},                                                          \
    {                                                                                              \
        {0x83}, 1, n, GROUP | IMM8, AF                                                             \
    }
#define SHIFT(n, u)                                                                                \
    {{0xC0}, 1, n, GROUP | BYTES | IMM8 | COUNTS, u}, {{0xC1}, 1, n, GROUP | IMM8 | COUNTS, u},    \
        {{0xD1}, 1, n, GROUP, u},                                                                  \
    {                                                                                              \
        {0xD3}, 1, n, GROUP | COUNTS, u                                                            \
    }
#define COND(n)                                                                                    \
    {{0x0F, 0x40 | (n)}, 2, 0, 0, 0},                                                              \
    {                                                                                              \
        {0x0F, 0x90 | (n)}, 2, 0, GROUP | BYTES, 0                                                 \
    }
static const struct pattern patterns[] = {
    ALU(0),
    ALU(2),
    ALU(3),
    ALU(5),
    ALU(7),
    LOGIC(1),
    LOGIC(4),
    LOGIC(6),
    SHIFT(0, 0),
    SHIFT(1, 0),
    SHIFT(2, 0),
    SHIFT(3, 0),
    SHIFT(4, AF),
    SHIFT(5, AF),
    SHIFT(7, AF),
    COND(0),
    COND(2),
    COND(4),
    COND(6),
    COND(8),
    COND(10),
    COND(12),
    COND(14),
    COND(15),
    {{0x63}, 1, 0, 0, 0},
    {{0x84}, 1, 0, BYTES, AF},
    {{0x85}, 1, 0, 0, AF},
    {{0x86}, 1, 0, BYTES, 0},
    {{0x87}, 1, 0, 0, 0},
    {{0x88}, 1, 0, BYTES, 0},
    {{0x89}, 1, 0, 0, 0},
    {{0x8A}, 1, 0, BYTES, 0},
    {{0x8B}, 1, 0, 0, 0},
    {{0x8D}, 1, 0, NO_REG, 0},
    {{0x90}, 1, 0, OPREG, 0},
    {{0x98}, 1, 0, NO_MODRM, 0},
    {{0x99}, 1, 0, NO_MODRM, 0},
    {{0xB0}, 1, 0, OPREG | BYTES | IMM8, 0},
    {{0xB8}, 1, 0, OPREG | IMM64, 0},
    {{0xC6}, 1, 0, GROUP | BYTES | IMM8, 0},
    {{0xC7}, 1, 0, GROUP | IMMZ, 0},
    {{0x69}, 1, 0, IMMZ, PF | AF | ZF | SF},
    {{0x6B}, 1, 0, IMM8, PF | AF | ZF | SF},
    {{0xF6}, 1, 2, GROUP | BYTES, 0},
    {{0xF6}, 1, 3, GROUP | BYTES, 0},
    {{0xF7}, 1, 0, GROUP | IMMZ, AF},
    {{0xF7}, 1, 2, GROUP, 0},
    {{0xF7}, 1, 3, GROUP, 0},
    {{0xF6}, 1, 4, GROUP | BYTES, PF | AF | ZF | SF},
    {{0xF7}, 1, 4, GROUP, PF | AF | ZF | SF},
    {{0xF7}, 1, 5, GROUP, PF | AF | ZF | SF},
    {{0xF6}, 1, 6, GROUP | BYTES | DIVIDES, ALL},
    {{0xF7}, 1, 6, GROUP | DIVIDES, ALL},
    {{0xF7}, 1, 7, GROUP | DIVIDES, ALL},
    {{0xFE}, 1, 0, GROUP | BYTES, 0},
    {{0xFF}, 1, 0, GROUP, 0},
    {{0xFF}, 1, 1, GROUP, 0},
    {{0xFF}, 1, 6, GROUP | STACK, 0},
    {{0x8F}, 1, 0, GROUP | STACK | NO_MEM, 0},
    {{0x50}, 1, 0, OPREG | STACK, 0},
    {{0x58}, 1, 0, OPREG | STACK, 0},
    {{0x68}, 1, 0, NO_MODRM | IMMZ | STACK, 0},
    {{0x6A}, 1, 0, NO_MODRM | IMM8 | STACK, 0},
    {{0x9C}, 1, 0, NO_MODRM | STACK | NO16, 0},
    {{0xA1}, 1, 0, MOFFS, 0},
    {{0xA3}, 1, 0, MOFFS, 0},
    {{0xA4}, 1, 0, NO_MODRM | STRINGS, 0},
    {{0xA5}, 1, 0, NO_MODRM | STRINGS, 0},
    {{0xA7}, 1, 0, NO_MODRM | STRINGS, 0},
    {{0xAB}, 1, 0, NO_MODRM | STRINGS, 0},
    {{0xAD}, 1, 0, NO_MODRM | STRINGS, 0},
    {{0xAF}, 1, 0, NO_MODRM | STRINGS, 0},
    {{0x0F, 0xA3}, 2, 0, BITS, PF | AF | SF | OF},
    {{0x0F, 0xAB}, 2, 0, BITS, PF | AF | SF | OF},
    {{0x0F, 0xB3}, 2, 0, BITS, PF | AF | SF | OF},
    {{0x0F, 0xBB}, 2, 0, BITS, PF | AF | SF | OF},
    {{0x0F, 0xBA}, 2, 5, GROUP | IMM8, PF | AF | SF | OF},
    {{0x0F, 0xBA}, 2, 7, GROUP | IMM8, PF | AF | SF | OF},
    {{0x0F, 0xA4}, 2, 0, IMM8 | NO16 | COUNTS, AF},
    {{0x0F, 0xAD}, 2, 0, NO16 | COUNTS, AF},
    {{0x0F, 0xAF}, 2, 0, 0, PF | AF | ZF | SF},
    {{0x0F, 0xB0}, 2, 0, BYTES, 0},
    {{0x0F, 0xB1}, 2, 0, 0, 0},
    {{0x0F, 0xB6}, 2, 0, 0, 0},
    {{0x0F, 0xB7}, 2, 0, 0, 0},
    {{0x0F, 0xBE}, 2, 0, 0, 0},
    {{0x0F, 0xBF}, 2, 0, 0, 0},
    {{0x0F, 0xC0}, 2, 0, BYTES, 0},
    {{0x0F, 0xC1}, 2, 0, 0, 0},
    {{0x38}, 1, 0, BYTES | BRANCH, 0},
    {{0x39}, 1, 0, BRANCH, 0},
    {{0x80}, 1, 7, GROUP | BYTES | IMM8 | BRANCH, 0},
    {{0x81}, 1, 7, GROUP | IMMZ | BRANCH, 0},
    {{0x83}, 1, 7, GROUP | IMM8 | BRANCH, 0},
    {{0x84}, 1, 0, BYTES | BRANCH, AF},
    {{0x85}, 1, 0, BRANCH, AF},
    {{0xF6}, 1, 0, GROUP | BYTES | IMM8 | BRANCH, AF},
    {{0xF7}, 1, 0, GROUP | IMMZ | BRANCH, AF},
    {{0x0F, 0xC7}, 2, 1, GROUP | NO_REG | NO16, 0},
    {{0x0F, 0xC8}, 2, 0, OPREG | NO16, 0},
};

/* ---- the arena: code, data and registers, at the same address here and there ----------------- */
enum {
    PAGE = 4096,
    DATA_AT = PAGE,
    REGS_AT = 3 * PAGE,
    ARENA = 4 * PAGE,
    OUT = 17 * 8,
    HOST_SP = 40 * 8
};
static const uint64_t bases[2] = {0x60000000, 0x123450000000};

struct code {
    uint8_t byte[512];
    unsigned n;
};
static void emit(struct code *c, uint64_t v, unsigned bytes)
{
    for (unsigned k = 0; k < bytes; k++) c->byte[c->n++] = (uint8_t)(v >> 8 * k);
}
/* op with a RIP-relative operand at `to`, an offset in the arena. */
static void emit_at(struct code *c, uint64_t op, unsigned bytes, unsigned to)
{
    emit(c, op, bytes);
    emit(c, to - (c->n + 4), 4);
}
static uint64_t mov_op(bool store, unsigned reg)
{
    return (uint64_t)(0x48 | (reg >> 3) << 2) | (store ? 0x8900 : 0x8B00) |
           (uint64_t)(5 | (reg & 7) << 3) << 16;
}
static void prologue(struct code *c)
{
    for (unsigned r = 12; r < 16; r++) emit(c, 0x5041 | (r & 7) << 8, 2);
    emit(c, 0x5553, 2); /* push rbx; push rbp */
    emit_at(c, mov_op(true, 4), 3, REGS_AT + HOST_SP);
    emit_at(c, 0x35FF, 2, REGS_AT + 16 * 8); /* flags */
    emit(c, 0x9D, 1);
    for (unsigned r = 0; r < 16; r++) emit_at(c, mov_op(false, r), 3, REGS_AT + r * 8);
}
static void epilogue(struct code *c)
{
    for (unsigned r = 0; r < 16; r++) emit_at(c, mov_op(true, r), 3, REGS_AT + OUT + r * 8);
    emit_at(c, mov_op(false, 4), 3, REGS_AT + HOST_SP);
    emit(c, 0x9C, 1);
    emit_at(c, 0x058F, 2, REGS_AT + OUT + 16 * 8);
    emit(c, 0x5B5D, 2);
    for (unsigned r = 16; r-- > 12;) emit(c, 0x5841 | (r & 7) << 8, 2);
    emit(c, 0xC3, 1);
}

/* ---- random cases ---------------------------------------------------------------------------- */
static uint64_t draw(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
    uint64_t v = *seed ^ *seed >> 29;
    return v * 0xBF58476D1CE4E5B9ull ^ v >> 32;
}
static uint64_t value(uint64_t *seed)
{
    static const uint64_t special[] = {0,
                                       1,
                                       0x7F,
                                       0x80,
                                       0xFF,
                                       0x7FFF,
                                       0x8000,
                                       0x7FFFFFFF,
                                       0x80000000,
                                       0xFFFFFFFF,
                                       0x7FFFFFFFFFFFFFFF,
                                       0x8000000000000000,
                                       ~0ull};
    uint64_t r = draw(seed);
    return r >> 60 < 5   ? special[draw(seed) % COUNT_OF(special)]
           : r >> 60 < 8 ? draw(seed) >> 40
                         : draw(seed);
}

struct insn_case {
    const struct pattern *p;
    uint64_t base, regs[17];
    struct code code;
    unsigned first, len; /* the instruction in the code */
    unsigned undefined;
};

/* ModRM with a memory operand in the data page; sets the registers of its address. */
static void memory_operand(struct insn_case *k, uint64_t *seed, uint8_t *rex, bool has67,
                           struct code *m, unsigned reg)
{
    bool aligned = k->p->code[1] == 0xC7; /* CMPXCHG16B must be */
    uint64_t r = draw(seed),
             target = k->base + DATA_AT + 1024 + (r & 0x3F0) + (aligned ? 0 : r >> 8 & 15);
    unsigned base = r >> 16 & 15, index = r >> 20 & 15, scale = r >> 24 & 3, mod = r >> 26 & 3;
    if (mod == 3 || (r >> 30 & 7) == 0) { /* RIP-relative: the displacement is filled in later */
        emit(m, 5 | (reg & 7) << 3, 1);
        emit(m, target, 4);
        return;
    }
    if (k->p->shape & (DIVIDES | BITS)) base |= 8, index |= 8;
    if (k->p->shape & STACK && base == 4) base = 5;
    bool sib = (r >> 32 & 1) || (base & 7) == 4;
    if ((base & 7) == 5 && mod == 0) mod = 1;
    int64_t disp = mod == 1 ? (int8_t)draw(seed) : mod == 2 ? (int16_t)draw(seed) : 0;
    if (index == base || index == 4 || !sib) index = 4;
    uint64_t at = target - (uint64_t)disp;
    if (index != 4) at -= (k->regs[index] = draw(seed) & 31) << scale;
    k->regs[base] = at | (has67 ? draw(seed) << 32 : 0);
    *rex |= (uint8_t)(base >> 3 | (index == 4 ? 0 : index >> 3 << 1));
    emit(m, mod << 6 | (reg & 7) << 3 | (sib ? 4 : base & 7), 1);
    if (sib) emit(m, scale << 6 | (index & 7) << 3 | (base & 7), 1);
    emit(m, (uint64_t)disp, mod == 1 ? 1 : mod == 2 ? 4 : 0);
}

static void prepare_registers(struct insn_case *k, uint64_t *seed)
{
    for (unsigned r = 0; r < 16; r++) k->regs[r] = value(seed);
    k->regs[16] = (draw(seed) & ALL) | 2;
    k->regs[4] = k->base + DATA_AT + 2048;
    if (k->p->shape & DIVIDES)
        k->regs[2] = k->p->reg == 6 ? k->regs[0] >> 1 & 0x3F : 0, k->regs[0] &= 0x7F;
    if (k->p->shape & BITS)
        for (unsigned r = 0; r < 16; r++)
            k->regs[r] = r == 4 ? k->regs[4] : (uint64_t)((int16_t)draw(seed) >> 5);
}

static void build(struct insn_case *k, uint64_t *seed)
{
    const struct pattern *p = k->p;
    uint64_t r = draw(seed);
    bool has66 = (r & 7) == 0 && !(p->shape & (NO16 | DIVIDES)),
         has67 = k->base >> 32 == 0 && (r >> 3 & 7) == 0;
    bool memory = !(p->shape & (NO_MODRM | OPREG | MOFFS)) && !(p->shape & NO_MEM) &&
                  ((r >> 8 & 1) || p->shape & NO_REG);
    unsigned reg = p->shape & GROUP ? p->reg : r >> 12 & 15, rm = r >> 16 & 15;
    uint8_t rex = (uint8_t)((r >> 20 & 3) ? 0x40 | (r >> 22 & 1) << 3 : 0);
    struct code m = {.n = 0};
    if (reg == 4 && !(p->shape & GROUP) && !(p->shape & BYTES)) reg = 3;
    if (p->shape & BITS) reg &= 3; /* not a register of the address */
    if (rm == 4) rm = 6;
    if (p->shape & DIVIDES) rm |= 8; /* not rAX, rDX */
    if (has67 && p->shape & STACK) has67 = false;
    prepare_registers(k, seed);
    if (p->shape & STRINGS) {
        k->regs[6] = k->base + DATA_AT + 512 + (r >> 32 & 63);
        k->regs[7] = k->base + DATA_AT + 1024 + (r >> 38 & 63);
        k->regs[1] = r >> 44 & 7;
        if (has67) k->regs[6] |= r << 32, k->regs[7] |= ~r << 32;
    }
    if (memory) memory_operand(k, seed, &rex, has67, &m, reg);
    else if (!(p->shape & (NO_MODRM | OPREG | MOFFS))) {
        emit(&m, 0xC0 | (reg & 7) << 3 | (rm & 7), 1);
        rex |= (uint8_t)(rm >> 3);
        if (p->shape & DIVIDES) k->regs[rm] |= 0x8000000000800081;
    } else if (p->shape & OPREG) {
        rex |= (uint8_t)(rm >> 3);
    }
    if (!(p->shape & GROUP)) rex |= (uint8_t)(reg >> 3 << 2);
    if (rex) rex |= 0x40;
    if (p->shape & BYTES && !rex && !(p->shape & GROUP) && reg == 4) rex = 0x40;

    struct code *c = &k->code;
    prologue(c);
    k->first = c->n;
    if (has66) emit(c, 0x66, 1);
    if (has67) emit(c, 0x67, 1);
    if (p->shape & STRINGS && r >> 50 & 1) emit(c, r >> 51 & 1 ? 0xF3 : 0xF2, 1);
    if (rex) emit(c, rex, 1);
    for (unsigned n = 0; n < p->len; n++)
        emit(c, p->code[n] | (p->shape & OPREG && n + 1 == p->len ? rm & 7 : 0), 1);
    unsigned modrm_at = c->n, wide = rex & 8 ? 8 : has66 ? 2 : 4;
    for (unsigned n = 0; n < m.n; n++) emit(c, m.byte[n], 1);
    if (p->shape & MOFFS) emit(c, k->base + DATA_AT + 1024 + (r >> 52 & 63), has67 ? 4 : 8);
    if (p->shape & IMM8) emit(c, draw(seed), 1);
    if (p->shape & IMMZ) emit(c, draw(seed), wide == 2 ? 2 : 4);
    if (p->shape & IMM64) emit(c, draw(seed), wide);
    if (memory && (c->byte[modrm_at] & 0xC7) == 5) {
        uint32_t target;
        memcpy(&target, &c->byte[modrm_at + 1], 4);
        target -= (uint32_t)(k->base + c->n);
        memcpy(&c->byte[modrm_at + 1], &target, 4);
    }
    k->len = c->n - k->first;
    if (p->shape & BRANCH) {
        emit(c, 0x0570 | (r >> 56 & 15), 2);
        emit(c, 0x123456BB, 5);
    }
    k->undefined = p->undefined;
    /* OF after counts other than 1; counts above the width leave everything of 8- and 16-bit
     * operands open */
    if (p->shape & COUNTS) k->undefined |= OF | AF | (wide == 2 || p->shape & BYTES ? CF : 0);
    epilogue(c);
}

/* ---- both sides ------------------------------------------------------------------------------ */
struct twin {
    struct bench *b;
    uint8_t *host[2];
};

enum { NEXT_TABLE = 0x6000 };
/* 4-level tables: 4 KiB pages for both arenas, backed at 2 MiB and 4 MiB; identity for the first 2
 * MiB. */
static void map_page(struct bench *b, uint64_t laddr, uint64_t paddr)
{
    static const unsigned shifts[] = {39, 30, 21};
    uint64_t table = TABLES, next = peek32(b, NEXT_TABLE);
    if (!next) next = TABLES + PAGE;
    for (unsigned n = 0; n < 3; n++) {
        uint64_t at = table + (laddr >> shifts[n] & 511) * 8;
        if (!(peek32(b, at) & 1)) {
            poke64(b, at, next | 7);
            next += PAGE;
        }
        table = peek32(b, at) & ~0xFFFu;
    }
    poke64(b, table + (laddr >> 12 & 511) * 8, paddr | 7);
    poke32(b, NEXT_TABLE, (uint32_t)next);
}
static struct bench *bench_long(void)
{
    struct bench *b = bench_new("amd64");
    for (unsigned s = 0; s < 6; s++) b->r.seg[s] = flat(SEL_DATA0, B_DATA0);
    b->r.seg[SR_CS] = flat(SEL_CODE0, 0xA09B);
    b->r.gdt_base = GDT;
    b->r.gdt_limit = GDT_ENTRIES * 8 - 1;
    b->r.cr0 = 0x80000011;
    b->r.cr4 = 0x20;
    b->r.cr3 = TABLES;
    b->r.efer = 0x500;
    for (uint64_t at = 0; at < 0x40000; at += PAGE) map_page(b, at, at);
    for (unsigned n = 0; n < 2; n++)
        for (unsigned at = 0; at < ARENA; at += PAGE)
            map_page(b, bases[n] + at, 0x200000 + n * 0x100000 + at);
    return b;
}

static void run_host(struct insn_case *k, uint8_t *host)
{
    memcpy(host, k->code.byte, k->code.n);
    __builtin___clear_cache((char *)host, (char *)host + k->code.n);
    void (*run)(void);
    memcpy(&run, &host, sizeof run);
    run();
}
static void run_engine(struct insn_case *k, struct bench *b, uint64_t paddr)
{
    for (unsigned n = 0; n < k->code.n; n++) poke8(b, paddr + n, k->code.byte[n]);
    poke16(b, CODE, 0xFEEB); /* jmp $ */
    poke64(b, STACK0 - 8, CODE);
    b->r.gpr[GPR_SP] = STACK0 - 8;
    b->r.rip = k->base;
    b->r.rflags = 2;
    enum cpu_stop stop = bench_go(b, 150);
    ck_assert_msg(b->r.rip == CODE, "case left its way at %llx, stop %d: %s",
                  (unsigned long long)b->r.rip, stop, cpu_shutdown_reason(b->cpu));
}

static void tell(const struct insn_case *k, const char *what, uint64_t host, uint64_t ours)
{
    char hex[64] = "";
    for (unsigned n = 0; n < k->len && n < 20; n++)
        sprintf(hex + 3 * n, "%02X ", k->code.byte[k->first + n]);
    printf("%sat %llx: %s host %016llx ours %016llx\n", hex, (unsigned long long)k->base, what,
           (unsigned long long)host, (unsigned long long)ours);
}
static bool compare(const struct insn_case *k, const uint8_t *host, struct bench *b, uint64_t paddr)
{
    static const char *const names[] = {"rax", "rcx", "rdx", "rbx", "rsp",  "rbp",
                                        "rsi", "rdi", "r8",  "r9",  "r10",  "r11",
                                        "r12", "r13", "r14", "r15", "flags"};
    bool same = true;
    for (unsigned r = 0; r < 17; r++) {
        uint64_t theirs, ours = peek32(b, paddr + REGS_AT + OUT + r * 8) |
                                (uint64_t)peek32(b, paddr + REGS_AT + OUT + r * 8 + 4) << 32;
        memcpy(&theirs, host + REGS_AT + OUT + r * 8, 8);
        uint64_t mask = r < 16 ? ~0ull : (ALL & ~k->undefined);
        if ((theirs ^ ours) & mask) tell(k, names[r], theirs, ours), same = false;
    }
    bool pushes_flags = k->p->code[0] == 0x9C; /* IF and IOPL differ */
    for (unsigned at = DATA_AT; at < REGS_AT && !pushes_flags; at += 8) {
        uint64_t theirs, ours = peek32(b, paddr + at) | (uint64_t)peek32(b, paddr + at + 4) << 32;
        memcpy(&theirs, host + at, 8);
        if (theirs != ours) tell(k, "memory", theirs, ours), same = false;
    }
    return same;
}

static bool one_case(struct twin *t, const struct pattern *p, unsigned where, uint64_t *seed)
{
    struct insn_case k = {.p = p, .base = bases[where]};
    uint64_t paddr = 0x200000 + where * 0x100000;
    uint8_t *host = t->host[where];
    build(&k, seed);
    for (unsigned at = DATA_AT; at < REGS_AT; at += 8) {
        uint64_t v = p->shape & DIVIDES ? draw(seed) | 0x8080808080808080 : value(seed);
        memcpy(host + at, &v, 8);
        poke64(t->b, paddr + at, v);
    }
    for (unsigned r = 0; r < 17; r++) {
        memcpy(host + REGS_AT + r * 8, &k.regs[r], 8);
        poke64(t->b, paddr + REGS_AT + r * 8, k.regs[r]);
    }
    run_host(&k, host);
    run_engine(&k, t->b, paddr);
    return compare(&k, host, t->b, paddr);
}

START_TEST(host_and_engine_agree)
{
    struct twin t = {.b = bench_long()};
    for (unsigned n = 0; n < 2; n++) {
        t.host[n] = mmap((void *)(uintptr_t)bases[n], ARENA, PROT_READ | PROT_WRITE | PROT_EXEC,
                         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (t.host[n] == MAP_FAILED || t.host[n] != (void *)(uintptr_t)bases[n]) {
            puts("long: skipped, the host has no room for the arena");
            bench_free(t.b);
            return;
        }
    }
    uint64_t seed = 20240607, differ = 0, cases = 0;
    const char *count = getenv("LONG_CASES");
    unsigned rounds = count ? (unsigned)atoi(count) : 60; /* and more for the 16 conditions */
    for (unsigned n = 0; n < COUNT_OF(patterns) && differ < 20; n++)
        for (unsigned k = 0; k < rounds * (patterns[n].shape & BRANCH ? 8 : 1) && differ < 20;
             k++, cases++)
            differ += !one_case(&t, &patterns[n], k & 1, &seed);
    printf("long: %llu cases compared with the host's processor, %llu differ\n",
           (unsigned long long)cases, (unsigned long long)differ);
    ck_assert_uint_eq(differ, 0);
    for (unsigned n = 0; n < 2; n++) munmap(t.host[n], ARENA);
    bench_free(t.b);
}
END_TEST
#else
START_TEST(host_and_engine_agree)
{
    puts("long: skipped, the host is not x86-64 Linux");
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("long_native");
    TCase *c = tcase_create("host");
    tcase_set_timeout(c, 120);
    tcase_add_test(c, host_and_engine_agree);
    suite_add_tcase(suite, c);
    return bench_main(suite);
}
