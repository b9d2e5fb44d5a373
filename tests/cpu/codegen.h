/* SPDX-License-Identifier: MIT
 * Random integer programs for ring 3: a few instructions, forward branches only, no result that the
 * SDM leaves undefined. Each instruction says which flags it reads, sets, and leaves undefined, so
 * that a program never looks at an undefined flag.
 */
#pragma once
#include "base/base.h"

enum {
    GEN_MAX = 64,
    GEN_CF = 1,
    GEN_PF = 4,
    GEN_AF = 0x10,
    GEN_ZF = 0x40,
    GEN_SF = 0x80,
    GEN_OF = 0x800,
    GEN_ALL = 0x8D5
};

struct gen_insn {
    uint8_t  bytes[16], len;
    int8_t   target;               /* branch: index of the instruction it goes to; -1: none */
    uint8_t  rel;                  /* bytes of the displacement, at the end                 */
    uint16_t reads, sets, undefs;  /* flags                                                 */
};
struct program { struct gen_insn insn[GEN_MAX]; unsigned n; };

struct gen {
    uint64_t seed;
    unsigned bits;                 /* of the code: 16 or 32                                 */
    unsigned pointers;             /* bit n: register n probably points to data             */
    uint32_t data, data_len;       /* addresses of direct operands                          */
    bool     faults;               /* also what is sure to fault: LOCK on wrong forms, ...  */
    bool     repeat;               /* also REP                                               */
    bool     x87;                  /* also x87, but nothing transcendental                   */
    struct gen_insn *o;            /* being made                                             */
    bool     has66, has67;
};

/* Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (2014), "SplitMix64". */
static inline uint64_t gen_random(uint64_t *seed)
{
    uint64_t z = *seed += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}
static inline unsigned gen_below(struct gen *g, unsigned n)
{
    return (unsigned)(gen_random(&g->seed) % n);
}
static inline bool gen_chance(struct gen *g, unsigned percent)
{
    return gen_below(g, 100) < percent;
}

/* Values with corners: all ones, sign bits, small ones. */
static inline uint32_t gen_value(struct gen *g)
{
    static const uint32_t corners[] = {
        0,          1,          2,          0x7F,       0x80,       0xFF, 0x7FFF, 0x8000, 0xFFFF,
        0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 0xFFFFFF80, 0xFFFF8000, 31,   32,     33};
    if (gen_chance(g, 40)) return corners[gen_below(g, COUNT_OF(corners))];
    return (uint32_t)gen_random(&g->seed) >> (gen_chance(g, 40) ? gen_below(g, 32) : 0);
}

/* ---- bytes ----------------------------------------------------------------------------------- */
static inline void gen_byte(struct gen *g, unsigned v)
{
    if (g->o->len < sizeof g->o->bytes) g->o->bytes[g->o->len++] = (uint8_t)v;
}
static inline void gen_bytes(struct gen *g, uint32_t v, unsigned n)
{
    for (unsigned k = 0; k < n; k++) gen_byte(g, v >> 8 * k);
}
static inline unsigned gen_opsize(const struct gen *g)
{
    return (g->bits == 32) != g->has66 ? 4 : 2;
}
static inline void gen_immediate(struct gen *g, unsigned n) { gen_bytes(g, gen_value(g), n); }

static inline void gen_flags(struct gen *g, unsigned reads, unsigned sets, unsigned undefs)
{
    g->o->reads = (uint16_t)reads;
    g->o->sets = (uint16_t)sets;
    g->o->undefs = (uint16_t)undefs;
}

static inline unsigned gen_pointer_register(struct gen *g)
{
    for (unsigned tries = 0; tries < 8; tries++) {
        unsigned r = gen_below(g, 8);
        if (g->pointers >> r & 1 && r != 4) return r;
    }
    return gen_below(g, 8);
}
static inline uint32_t gen_address(struct gen *g) { return g->data + gen_below(g, g->data_len); }

/* ---- modrm ----------------------------------------------------------------------------------- */
static inline void gen_memory16(struct gen *g, unsigned reg)
{
    unsigned mod = gen_below(g, 3), rm = gen_below(g, 8);
    if (gen_chance(g, 30)) mod = 0, rm = 6;
    gen_byte(g, mod << 6 | reg << 3 | rm);
    if (mod == 0 && rm == 6) gen_bytes(g, gen_address(g), 2);
    else gen_bytes(g, gen_value(g), mod);
}
static inline void gen_memory32(struct gen *g, unsigned reg)
{
    unsigned how = gen_below(g, 10), mod = gen_below(g, 3), base = gen_pointer_register(g);
    if (how < 3) {                                         /* [disp32] */
        gen_byte(g, reg << 3 | 5);
        gen_bytes(g, gen_address(g), 4);
        return;
    }
    uint32_t disp = mod == 2 && gen_chance(g, 70) ? gen_below(g, 256) - 128u : gen_value(g);
    if (how < 5) {                                         /* SIB, often without an index */
        unsigned index = gen_chance(g, 50) ? 4 : gen_below(g, 8);
        gen_byte(g, mod << 6 | reg << 3 | 4);
        gen_byte(g, gen_below(g, 4) << 6 | index << 3 | base);
        if (mod == 0 && base == 5) gen_bytes(g, gen_address(g), 4);
    } else {
        if (base == 4) base = 3;
        gen_byte(g, mod << 6 | reg << 3 | base);
        if (mod == 0 && base == 5) gen_bytes(g, gen_address(g), 4);
    }
    if (mod) gen_bytes(g, disp, mod == 1 ? 1 : 4);
}
enum { GEN_ANY, GEN_MEMORY, GEN_REGISTER };
static inline void gen_modrm(struct gen *g, unsigned reg, unsigned kind)
{
    if (kind == GEN_REGISTER || (kind == GEN_ANY && gen_chance(g, 50)))
        gen_byte(g, 0xC0 | reg << 3 | gen_below(g, 8));
    else if ((g->bits == 32) != g->has67) gen_memory32(g, reg);
    else gen_memory16(g, reg);
}

/* ---- families -------------------------------------------------------------------------------- */
static inline void gen_alu(struct gen *g)
{
    unsigned op = gen_below(g, 8), form = gen_below(g, 10), byte;
    bool logic = op == 1 || op == 4 || op == 6, carry = op == 2 || op == 3;
    gen_flags(g, carry ? GEN_CF : 0, GEN_ALL & ~(logic ? GEN_AF : 0), logic ? GEN_AF : 0);
    if (form < 4) {
        gen_byte(g, op << 3 | form);
        gen_modrm(g, gen_below(g, 8), GEN_ANY);
    } else if (form < 6) {
        gen_byte(g, op << 3 | form);
        gen_immediate(g, form == 4 ? 1 : gen_opsize(g));
    } else {
        byte = 0x80 + (form - 6);                          /* 82 is 80 */
        gen_byte(g, byte);
        gen_modrm(g, op, GEN_ANY);
        gen_immediate(g, byte == 0x81 ? gen_opsize(g) : 1);
    }
}
static inline void gen_test(struct gen *g)
{
    unsigned wide = gen_below(g, 2);
    gen_flags(g, 0, GEN_ALL & ~GEN_AF, GEN_AF);
    if (gen_chance(g, 50)) {
        gen_byte(g, 0x84 | wide);
        gen_modrm(g, gen_below(g, 8), GEN_ANY);
        return;
    }
    gen_byte(g, 0xF6 | wide);
    gen_modrm(g, gen_below(g, 2), GEN_ANY);
    gen_immediate(g, wide ? gen_opsize(g) : 1);
}
static inline void gen_inc_dec(struct gen *g)
{
    gen_flags(g, 0, GEN_ALL & ~GEN_CF, 0);
    if (gen_chance(g, 50)) {
        gen_byte(g, 0x40 + gen_below(g, 16));
        return;
    }
    gen_byte(g, 0xFE | gen_below(g, 2));
    gen_modrm(g, gen_below(g, 2), GEN_ANY);
}
static inline void gen_not_neg(struct gen *g)
{
    unsigned neg = gen_below(g, 2);
    gen_flags(g, 0, neg ? GEN_ALL : 0, 0);
    gen_byte(g, 0xF6 | gen_below(g, 2));
    gen_modrm(g, 2 + neg, GEN_ANY);
}
static inline void gen_muldiv(struct gen *g)
{
    unsigned op = 4 + gen_below(g, 4);
    if (op >= 6) gen_flags(g, 0, 0, GEN_ALL);
    else gen_flags(g, 0, GEN_CF | GEN_OF, GEN_ALL & ~(GEN_CF | GEN_OF));
    gen_byte(g, 0xF6 | gen_below(g, 2));
    gen_modrm(g, op, GEN_ANY);
}
static inline void gen_imul(struct gen *g)
{
    unsigned form = gen_below(g, 3);
    gen_flags(g, 0, GEN_CF | GEN_OF, GEN_ALL & ~(GEN_CF | GEN_OF));
    if (form == 2) gen_byte(g, 0x0F);
    gen_byte(g, form == 0 ? 0x69 : form == 1 ? 0x6B : 0xAF);
    gen_modrm(g, gen_below(g, 8), GEN_ANY);
    if (form < 2) gen_immediate(g, form ? 1 : gen_opsize(g));
}
/* Shifts leave AF undefined, and OF for counts above 1; a count of 0 leaves all flags. CF of a SHL
 * or SHR by the operand's width or more is undefined: kept below. */
static inline void gen_shift(struct gen *g)
{
    unsigned wide = gen_below(g, 2), op = gen_below(g, 8), form = gen_below(g, 3);
    bool rotate = op < 4;
    unsigned width = wide ? gen_opsize(g) * 8 : 8, count = form == 1 ? 1 : gen_below(g, 32);
    if (!rotate && op != 7 && count >= width) count = width - 1;
    if (form == 2 && !rotate && width < 32 && op != 7) form = 0;      /* CL may be anything */
    gen_flags(g, op == 2 || op == 3 ? GEN_CF : 0, 0, GEN_OF | (rotate ? 0 : GEN_AF));
    if (form != 2 && count == 1)
        gen_flags(g, g->o->reads, rotate ? GEN_CF | GEN_OF : GEN_ALL & ~GEN_AF,
                  rotate ? 0 : GEN_AF);
    if (form == 0 && count == 0) gen_flags(g, g->o->reads, 0, 0);
    gen_byte(g, (form == 0 ? 0xC0 : form == 1 ? 0xD0 : 0xD2) | wide);
    gen_modrm(g, op, GEN_ANY);
    if (form == 0) gen_byte(g, count | (gen_below(g, 8) << 5));
}
static inline void gen_double_shift(struct gen *g)
{
    bool by_cl = gen_opsize(g) == 4 && gen_chance(g, 50);
    gen_flags(g, 0, 0, GEN_AF | GEN_OF);
    gen_byte(g, 0x0F);
    gen_byte(g, (gen_chance(g, 50) ? 0xA4 : 0xAC) | by_cl);
    gen_modrm(g, gen_below(g, 8), GEN_ANY);
    if (!by_cl) gen_byte(g, gen_below(g, gen_opsize(g) * 8));
}
static inline void gen_bits(struct gen *g)
{
    unsigned op = gen_below(g, 4);
    gen_flags(g, 0, GEN_CF, GEN_ALL & ~(GEN_CF | GEN_ZF));
    gen_byte(g, 0x0F);
    if (gen_chance(g, 50)) {
        gen_byte(g, 0xA3 + 8 * op);
        gen_modrm(g, gen_below(g, 8), GEN_ANY);
    } else {
        gen_byte(g, 0xBA);
        gen_modrm(g, 4 + op, GEN_ANY);
        gen_immediate(g, 1);
    }
}
static inline void gen_scan(struct gen *g)
{
    gen_flags(g, 0, GEN_ZF, GEN_ALL & ~GEN_ZF);
    gen_byte(g, 0x0F);
    gen_byte(g, 0xBC | gen_below(g, 2));
    gen_modrm(g, gen_below(g, 8), GEN_ANY);
}
static inline void gen_mov(struct gen *g)
{
    unsigned form = gen_below(g, 9);
    switch (form) {
    case 0: case 1: case 2: case 3:
        gen_byte(g, 0x88 + form);
        gen_modrm(g, gen_below(g, 8), GEN_ANY);
        break;
    case 4:
        gen_byte(g, 0xB0 + gen_below(g, 8));
        gen_immediate(g, 1);
        break;
    case 5:
        gen_byte(g, 0xB8 + gen_below(g, 8));
        gen_immediate(g, gen_opsize(g));
        break;
    case 6: case 7:
        gen_byte(g, 0xC0 | form);
        gen_modrm(g, 0, GEN_ANY);
        gen_immediate(g, form == 6 ? 1 : gen_opsize(g));
        break;
    default:
        gen_byte(g, 0xA0 + gen_below(g, 4));
        gen_bytes(g, gen_address(g), (g->bits == 32) != g->has67 ? 4 : 2);
    }
}
static inline void gen_extend(struct gen *g)
{
    static const uint8_t codes[] = { 0xB6, 0xB7, 0xBE, 0xBF };
    gen_byte(g, 0x0F);
    gen_byte(g, codes[gen_below(g, 4)]);
    gen_modrm(g, gen_below(g, 8), GEN_ANY);
}
static inline void gen_exchange(struct gen *g)
{
    unsigned form = gen_below(g, 4);
    if (form == 0) {
        gen_byte(g, 0x90 + gen_below(g, 8));
        return;
    }
    if (form > 1) {                                        /* XADD, CMPXCHG */
        gen_flags(g, 0, GEN_ALL, 0);
        gen_byte(g, 0x0F);
    }
    gen_byte(g, (form == 1 ? 0x86 : form == 2 ? 0xC0 : 0xB0) | gen_below(g, 2));
    gen_modrm(g, gen_below(g, 8), GEN_ANY);
}
static inline void gen_cmpxchg8b(struct gen *g)
{
    gen_flags(g, 0, GEN_ZF, 0);
    gen_byte(g, 0x0F);
    gen_byte(g, 0xC7);
    gen_modrm(g, 1, GEN_MEMORY);
}
static inline void gen_bswap(struct gen *g)
{
    if (gen_opsize(g) != 4) { gen_byte(g, 0x90); return; }  /* undefined for 16 bits */
    gen_byte(g, 0x0F);
    gen_byte(g, 0xC8 + gen_below(g, 8));
}
static inline void gen_lea(struct gen *g)
{
    gen_byte(g, 0x8D);
    gen_modrm(g, gen_below(g, 8), GEN_MEMORY);
}
static inline unsigned gen_condition_flags(unsigned cc)
{
    static const uint16_t flags[8] = {GEN_OF, GEN_CF, GEN_ZF,          GEN_CF | GEN_ZF,
                                      GEN_SF, GEN_PF, GEN_SF | GEN_OF, GEN_SF | GEN_OF | GEN_ZF};
    return flags[cc >> 1];
}
static inline void gen_set_cmov(struct gen *g)
{
    unsigned cc = gen_below(g, 16), cmov = gen_below(g, 2);
    gen_flags(g, gen_condition_flags(cc), 0, 0);
    gen_byte(g, 0x0F);
    gen_byte(g, (cmov ? 0x40 : 0x90) | cc);
    gen_modrm(g, gen_below(g, 8), GEN_ANY);
}
static inline void gen_decimal(struct gen *g)
{
    static const uint8_t codes[] = { 0x27, 0x2F, 0x37, 0x3F, 0xD4, 0xD5 };
    unsigned n = gen_below(g, 6);
    if (n < 2) gen_flags(g, GEN_AF | GEN_CF, GEN_ALL & ~GEN_OF, GEN_OF);
    else if (n < 4) gen_flags(g, GEN_AF, GEN_AF | GEN_CF, GEN_ALL & ~(GEN_AF | GEN_CF));
    else gen_flags(g, 0, GEN_SF | GEN_ZF | GEN_PF, GEN_OF | GEN_AF | GEN_CF);
    gen_byte(g, codes[n]);
    if (n >= 4) gen_byte(g, gen_chance(g, 50) ? 10 : gen_value(g));
}
/* 32-bit ones may write two or four bytes (SDM vol. 2, PUSH). */
static inline void gen_push_segment(struct gen *g)
{
    static const uint8_t segments[] = { 0x06, 0x0E, 0x16, 0x1E };
    gen_byte(g, gen_opsize(g) == 2 ? segments[gen_below(g, 4)] : 0x90);
}
static inline void gen_stack(struct gen *g)
{
    switch (gen_below(g, 9)) {
    case 0: gen_byte(g, 0x50 + gen_below(g, 8)); break;
    case 1: gen_byte(g, 0x58 + gen_below(g, 8)); break;
    case 2: gen_byte(g, 0x68); gen_immediate(g, gen_opsize(g)); break;
    case 3: gen_byte(g, 0x6A); gen_immediate(g, 1); break;
    case 4: gen_byte(g, 0xFF); gen_modrm(g, 6, GEN_ANY); break;
    case 5: gen_byte(g, 0x8F); gen_modrm(g, 0, GEN_ANY); break;
    case 6: gen_byte(g, 0x60 + gen_below(g, 2)); break;
    case 7: gen_push_segment(g); break;
    default:
        if (gen_chance(g, 50)) { gen_byte(g, 0xC9); break; }
        gen_byte(g, 0xC8);
        gen_bytes(g, gen_below(g, 64), 2);
        gen_byte(g, gen_chance(g, 70) ? 0 : gen_below(g, 5));
    }
}
static inline void gen_flag_insn(struct gen *g)
{
    static const uint8_t codes[] = { 0xF5, 0xF8, 0xF9, 0xFC, 0xFD, 0x9E, 0x9F, 0xD6, 0x9C };
    static const uint16_t reads[] = { GEN_CF, 0, 0, 0, 0, 0, GEN_ALL & ~GEN_OF, GEN_CF, GEN_ALL };
    static const uint16_t sets[] = { GEN_CF, GEN_CF, GEN_CF, 0, 0, GEN_ALL & ~GEN_OF, 0, 0, 0 };
    unsigned n = gen_below(g, 9);
    gen_flags(g, reads[n], sets[n], 0);
    gen_byte(g, codes[n]);
}
/* PUSH imm8; POPF: flags that do not stop the program (no TF, no AC). */
static inline void gen_popf(struct gen *g)
{
    gen_flags(g, 0, GEN_ALL, 0);
    g->o->len = 0;
    gen_byte(g, 0x6A);
    gen_byte(g, gen_value(g) & 0x55);
    gen_byte(g, 0x9D);
}
static inline void gen_string(struct gen *g)
{
    static const uint8_t codes[] = { 0xA4, 0xA6, 0xAA, 0xAC, 0xAE };
    unsigned code = codes[gen_below(g, 5)];
    bool compare = code == 0xA6 || code == 0xAE, rep = g->repeat && gen_chance(g, 60);
    gen_flags(g, 0, compare && !rep ? GEN_ALL : 0, 0);
    if (rep) gen_byte(g, compare && gen_chance(g, 50) ? 0xF2 : 0xF3);
    gen_byte(g, code | gen_below(g, 2));
}
static inline void gen_misc(struct gen *g)
{
    static const uint8_t codes[] = { 0x98, 0x99, 0xD7, 0x90 };
    gen_byte(g, codes[gen_below(g, 4)]);
}
static inline void gen_trap(struct gen *g)
{
    static const uint8_t codes[] = { 0xCE, 0xF4, 0xFA, 0xEC, 0xE4 };       /* INTO, HLT, CLI, IN */
    unsigned n = gen_below(g, 7);
    if (n >= 5) {                                          /* BOUND, ARPL */
        gen_flags(g, 0, n == 6 ? GEN_ZF : 0, 0);
        gen_byte(g, n == 5 ? 0x62 : 0x63);
        gen_modrm(g, gen_below(g, 8), n == 5 ? GEN_MEMORY : GEN_ANY);
        return;
    }
    if (n == 0) gen_flags(g, GEN_OF, 0, 0);
    gen_byte(g, codes[n]);
    if (n == 4) gen_byte(g, gen_below(g, 256));
}
/* Left out: FISTTP (SSE3), undocumented aliases, what is exact to a unit in the last place only,
 * what loads or stores the instruction and operand pointers or the status word (vendors differ in
 * C1), FPREM (vendors differ in C0, C2, C3 after an invalid operation). */
static inline bool gen_x87_allowed(unsigned code, unsigned modrm)
{
    unsigned reg = modrm >> 3 & 7;
    if (modrm < 0xC0) {
        bool fisttp = reg == 1 && (code == 0xDB || code == 0xDD || code == 0xDF);
        bool environment = (reg == 4 || reg == 6) && (code == 0xD9 || code == 0xDD);
        return !fisttp && !environment && !(code == 0xDD && reg == 7);
    }
    bool alias = (code == 0xD9 && modrm >= 0xD8 && modrm < 0xE0) ||
                 (code == 0xDC && modrm >= 0xD0 && modrm < 0xE0) ||
                 (code == 0xDD && modrm >= 0xC8 && modrm < 0xD0) ||
                 (code == 0xDE && modrm >= 0xD0 && modrm < 0xD8) ||
                 (code == 0xDF && modrm >= 0xC8 && modrm <= 0xE0);
    bool transcendental =
        (modrm >= 0xF0 && modrm <= 0xF3) || modrm == 0xF9 || modrm == 0xFB || modrm >= 0xFE;
    bool remainder = modrm == 0xF5 || modrm == 0xF8;
    return !alias && (code != 0xD9 || !(transcendental || remainder));
}
static inline void gen_x87(struct gen *g)
{
    unsigned code, modrm;
    do {
        code = 0xD8 + gen_below(g, 8);
        modrm = gen_chance(g, 50) ? 0xC0 + gen_below(g, 64) : gen_below(g, 8) << 3;
    } while (!gen_x87_allowed(code, modrm));
    bool compares = (code == 0xDB || code == 0xDF) && modrm >= 0xE8 && modrm < 0xF8;
    bool moves = (code == 0xDA || code == 0xDB) && modrm >= 0xC0 && modrm < 0xE0;
    gen_flags(g, moves ? GEN_ZF | GEN_CF | GEN_PF : 0, compares ? GEN_ZF | GEN_CF | GEN_PF : 0,
              compares ? GEN_OF | GEN_SF | GEN_AF : 0);
    gen_byte(g, code);
    if (modrm < 0xC0) gen_modrm(g, modrm >> 3, GEN_MEMORY);
    else gen_byte(g, modrm);
}
/* Jcc, JMP, CALL, LOOP, JCXZ forwards; the displacement is filled in by program_bytes(). */
static inline void gen_branch(struct gen *g, unsigned index, unsigned n)
{
    unsigned cc = gen_below(g, 16), form = gen_below(g, 8);
    g->o->target = (int8_t)(index + 1 + gen_below(g, n - index));
    g->o->rel = 1;
    if (form < 3) {
        gen_flags(g, gen_condition_flags(cc), 0, 0);
        gen_byte(g, 0x70 | cc);
    } else if (form < 5) {
        gen_flags(g, gen_condition_flags(cc), 0, 0);
        g->o->rel = (uint8_t)gen_opsize(g);
        gen_byte(g, 0x0F);
        gen_byte(g, 0x80 | cc);
    } else if (form < 6) {
        unsigned k = gen_below(g, 4);
        gen_flags(g, k < 2 ? GEN_ZF : 0, 0, 0);
        gen_byte(g, 0xE0 + k);
    } else {
        g->o->rel = (uint8_t)gen_opsize(g);
        gen_byte(g, form == 6 ? 0xE9 : 0xE8);
    }
    gen_bytes(g, 0, g->o->rel);
}

/* ---- one instruction, a program -------------------------------------------------------------- */
typedef void gen_fn(struct gen *);
static inline void gen_body(struct gen *g)
{
    static gen_fn *const families[] = {
        gen_alu,      gen_alu,       gen_alu,       gen_alu,   gen_test,     gen_inc_dec,
        gen_not_neg,  gen_muldiv,    gen_imul,      gen_shift, gen_shift,    gen_double_shift,
        gen_bits,     gen_scan,      gen_mov,       gen_mov,   gen_mov,      gen_extend,
        gen_exchange, gen_cmpxchg8b, gen_bswap,     gen_lea,   gen_set_cmov, gen_decimal,
        gen_stack,    gen_stack,     gen_flag_insn, gen_popf,  gen_string,   gen_misc,
    };
    families[gen_below(g, COUNT_OF(families))](g);
}
/* A branch with a 16-bit operand in 32-bit code would cut EIP: no such ones. */
static inline void gen_insn(struct gen *g, struct gen_insn *o, unsigned index, unsigned n)
{
    static const uint8_t segments[] = { 0x26, 0x2E, 0x36, 0x3E };
    *o = (struct gen_insn){ .target = -1 };
    g->o = o;
    g->has66 = g->has67 = false;
    if (gen_chance(g, 12)) {
        gen_branch(g, index, n);
        return;
    }
    g->has66 = gen_chance(g, 20);
    g->has67 = gen_chance(g, g->bits == 16 ? 20 : 3);
    if (g->has66) gen_byte(g, 0x66);
    if (g->has67) gen_byte(g, 0x67);
    if (gen_chance(g, 5)) gen_byte(g, segments[gen_below(g, 4)]);
    if (g->faults && gen_chance(g, 3)) gen_byte(g, 0xF0);
    if (g->faults && gen_chance(g, 3)) gen_trap(g);
    else if (g->x87 && gen_chance(g, 60)) gen_x87(g);
    else gen_body(g);
}

/* Flags that may be undefined before each instruction; false: one of them is read. With branches
 * only forwards, a set that only grows where paths meet is enough. */
static inline bool program_flags(const struct program *p, uint16_t undefined[GEN_MAX + 1])
{
    uint16_t arriving[GEN_MAX + 1] = { 0 };
    for (unsigned k = 0; k < p->n; k++) {
        const struct gen_insn *i = &p->insn[k];
        undefined[k] = arriving[k];
        if (i->reads & undefined[k]) return false;
        uint16_t after = (uint16_t)((undefined[k] & ~i->sets) | i->undefs);
        arriving[k + 1] |= after;
        if (i->target >= 0) arriving[i->target] |= after;
    }
    undefined[p->n] = arriving[p->n];
    return true;
}

static inline void gen_program(struct gen *g, struct program *p, unsigned n)
{
    uint16_t undefined[GEN_MAX + 1];
    for (p->n = 0; p->n < n;) {
        gen_insn(g, &p->insn[p->n], p->n, n);
        p->n++;
        if (!program_flags(p, undefined)) p->n--;
    }
}

/* The program as bytes; start[k] is where instruction k begins, start[n] the end. Returns the
 * length. */
static inline unsigned program_bytes(const struct program *p, uint8_t *to,
                                     uint16_t start[GEN_MAX + 1])
{
    unsigned len = 0;
    for (unsigned k = 0; k < p->n; k++) {
        start[k] = (uint16_t)len;
        for (unsigned b = 0; b < p->insn[k].len; b++) to[len++] = p->insn[k].bytes[b];
    }
    start[p->n] = (uint16_t)len;
    for (unsigned k = 0; k < p->n; k++) {
        const struct gen_insn *i = &p->insn[k];
        unsigned distance = i->target < 0 ? 0 : start[i->target] - (start[k] + i->len);
        for (unsigned b = 0; i->target >= 0 && b < i->rel; b++)
            to[start[k] + i->len - i->rel + b] = (uint8_t)(distance >> 8 * b);
    }
    return len;
}

/* Takes instruction k out; branches to later ones move along. */
static inline void program_remove(struct program *p, unsigned k)
{
    for (unsigned j = k; j + 1 < p->n; j++) p->insn[j] = p->insn[j + 1];
    p->n--;
    for (unsigned j = 0; j < p->n; j++)
        if (p->insn[j].target > (int)k) p->insn[j].target--;
}
