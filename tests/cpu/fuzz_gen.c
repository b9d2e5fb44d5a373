/* SPDX-License-Identifier: MIT
 * Random programs from the opcode table: every row but those that fuzz_rules.h leaves out, in every
 * operand form, with prefixes. Branches only go forwards (calls return), so programs end. No
 * instruction reads a flag that the SDM leaves undefined.
 */
#include <stdio.h>
#include <string.h>
#include "cpu/decode.h"
#include "tests/cpu/fuzz_rules.h"
#include "tests/cpu/fuzz_values.h"

struct gen_row {
    const char *mnemonic;
    uint32_t code, traits; /* code: as in opcodes.h */
    uint8_t form;
    int8_t reg;     /* modrm.reg; -1: any. X87R: modrm */
    uint8_t prefix; /* enum simd_prefix */
    uint8_t class;
};
enum { CLASS_INTEGER, CLASS_X87, CLASS_SIMD, CLASSES };
enum { X87_REGISTER = 0x10000 /* in code: reg is the whole modrm byte */ };

#define OP(code, text, form, family, traits) {text, code, traits, form, -1, NP, CLASS_INTEGER},
#define GROUP(code)
#define OPR(code, reg, text, form, family, traits)                                                 \
    {text, code, traits, form, reg, NP, CLASS_INTEGER},
#define X87M(code, reg, text, form, family, traits)                                                \
    {text, code, traits | T_MEM, form, reg, NP, CLASS_X87},
#define X87R(code, modrm, text, form, family, traits)                                              \
    {text, (code) | X87_REGISTER, traits, form, (int8_t)(modrm), NP, CLASS_X87},
#define X87RR(code, first, last, text, form, family, traits)                                       \
    X87R(code, first, text, form, family, traits)                                                  \
    X87R(code, (first) + 1, text, form, family, traits)                                            \
    X87R(code, last, text, form, family, traits)
#define SSE(prefix, code, text, form, family, traits)                                              \
    {text, code, traits, form, -1, prefix, CLASS_SIMD},
#define SSEM(prefix, code, reg, text, form, family, traits)                                        \
    {text, code, (traits) | T_MEM, form, reg, prefix, CLASS_SIMD},
#define SSER(prefix, code, reg, text, form, family, traits)                                        \
    {text, code, (traits) | T_REGS, form, reg, prefix, CLASS_SIMD},
static const struct gen_row rows[] = {
#include "cpu/opcodes.def"
#include "cpu/opcodes_0f.def"
    {"movsxd", 0x63, T_O64, F_GvEd, -1, NP, CLASS_INTEGER},
#include "cpu/opcodes_x87.def"
#include "cpu/opcodes_mmx.def"
#include "cpu/opcodes_sse.def"
};

/* Modrm or not, and immediates: b 1, w 2, z 2 or 4, v 2 to 8, o by address size, p far pointer. */
struct shape {
    bool modrm;
    const char *immediate;
};
static struct shape shape_of(unsigned form)
{
    const struct simd_form *simd = simd_form(form);
    if (simd) return (struct shape){true, simd->flags & SIMD_F_IMMEDIATE ? "b" : ""};
    switch (form) {
    case F_EbIb:
    case F_EvIbs:
    case F_EvIb:
    case F_GvEvIbs:
    case F_EvGvIb: return (struct shape){true, "b"};
    case F_EvIz:
    case F_GvEvIz: return (struct shape){true, "z"};
    case F_ALIb:
    case F_rAXIb:
    case F_ZbIb:
    case F_Ib:
    case F_Ibs: return (struct shape){false, "b"};
    case F_rAXIz:
    case F_Iz: return (struct shape){false, "z"};
    case F_ZvIv: return (struct shape){false, "v"};
    case F_ALOb:
    case F_rAXOv:
    case F_ObAL:
    case F_OvrAX: return (struct shape){false, "o"};
    case F_Iw: return (struct shape){false, "w"};
    case F_IwIb: return (struct shape){false, "wb"};
    case F_NONE:
    case F_Zv:
    case F_Zy:
    case F_rAXZv:
    case F_Xb:
    case F_Xv:
    case F_ALDX:
    case F_eAXDX: return (struct shape){false, ""};
    default: return (struct shape){true, ""};
    }
}

struct gen {
    struct fuzz_random random;
    enum fuzz_mode mode;
    unsigned pointers; /* bit n: register n probably points to data */
    struct fuzz_insn *o;
    const struct gen_row *row;
    bool has66, has67;
    uint8_t rex;
};

static bool chance(struct gen *g, unsigned percent)
{
    return fuzz_chance(&g->random, percent);
}
static unsigned below(struct gen *g, unsigned n)
{
    return fuzz_below(&g->random, n);
}
static uint64_t value(struct gen *g)
{
    return fuzz_value(&g->random);
}
static uint32_t data_address(struct gen *g)
{
    return fuzz_data_address(&g->random, g->mode);
}

/* ---- bytes ----------------------------------------------------------------------------------- */
static void byte(struct gen *g, unsigned v)
{
    if (g->o->len < sizeof g->o->bytes) g->o->bytes[g->o->len++] = (uint8_t)v;
}
static void bytes(struct gen *g, uint64_t v, unsigned n)
{
    for (unsigned k = 0; k < n; k++) byte(g, (unsigned)(v >> 8 * k) & 0xFF);
}
static unsigned opsize(const struct gen *g)
{
    if (g->rex & 8) return 8;
    return (g->mode == CODE16) != g->has66 ? 2 : 4;
}
static unsigned asize(const struct gen *g)
{
    static const uint8_t normal[FUZZ_MODES] = {2, 4, 8}, other[FUZZ_MODES] = {4, 2, 4};
    return g->has67 ? other[g->mode] : normal[g->mode];
}
static bool is(const struct gen *g, const char *mnemonic)
{
    return !strcmp(g->row->mnemonic, mnemonic);
}

static unsigned pointer_register(struct gen *g)
{
    for (unsigned tries = 0; tries < 8; tries++) {
        unsigned n = below(g, g->mode == CODE64 ? 16 : 8);
        if (g->pointers >> n & 1) return n;
    }
    return below(g, 8);
}
static uint32_t displacement(struct gen *g)
{
    if (chance(g, 60)) return (below(g, 16) - 8u) * 16;
    return chance(g, 70) ? below(g, 256) - 128u : (uint32_t)value(g);
}

static void memory16(struct gen *g, unsigned reg)
{
    unsigned mod = below(g, 3), rm = below(g, 8);
    if (chance(g, 30)) mod = 0, rm = 6;
    byte(g, mod << 6 | reg << 3 | rm);
    if (mod == 0 && rm == 6) bytes(g, data_address(g), 2);
    else bytes(g, displacement(g), mod);
}
/* [disp32] without a register, in 64-bit code also relative to RIP: from about here. */
static void memory_direct(struct gen *g, unsigned reg)
{
    bool relative = g->mode == CODE64 && chance(g, 60), sib = g->mode == CODE64 && !relative;
    byte(g, reg << 3 | (sib ? 4 : 5));
    if (sib) byte(g, below(g, 4) << 6 | 4 << 3 | 5), g->rex &= (uint8_t)~2;
    bytes(g, data_address(g) - (relative ? ARENA_CODE + PROGRAM_AT + 8 : 0), 4);
}
static void memory32(struct gen *g, unsigned reg)
{
    unsigned mod = below(g, 3), base = pointer_register(g);
    if (chance(g, 20)) {
        memory_direct(g, reg);
        return;
    }
    g->rex = (uint8_t)((g->rex & ~1) | base >> 3);
    bool sib = chance(g, 25) || (base & 7) == 4;
    byte(g, mod << 6 | reg << 3 | (sib ? 4 : base & 7));
    if (sib) byte(g, below(g, 4) << 6 | (chance(g, 60) ? 4 : below(g, 8)) << 3 | (base & 7));
    if (sib && chance(g, 60)) g->rex &= (uint8_t)~2;
    if (mod == 0 && (base & 7) == 5) bytes(g, data_address(g), 4);
    if (mod) bytes(g, displacement(g), mod == 1 ? 1 : 4);
}
static void modrm(struct gen *g)
{
    unsigned reg = g->row->reg < 0 ? below(g, 8) : (unsigned)g->row->reg & 7;
    bool in_register = chance(g, 45);
    if (g->row->traits & T_MEM) in_register = chance(g, 2);
    if (is(g, "prefetchw")) in_register = false; /* a NOP for Intel, #UD for AMD */
    if (is(g, "bound")) in_register = false;     /* AVX-512's prefix */
    if (g->row->traits & T_REGS) in_register = chance(g, 98);
    if (g->row->code == 0x0F01) in_register = false; /* later extensions */
    if (g->row->code == 0x0FAE) in_register = g->row->traits & T_REGS;
    if (g->row->class == CLASS_X87) in_register = false;
    if (in_register) byte(g, 0xC0 | reg << 3 | below(g, 8));
    else if (asize(g) == 2) memory16(g, reg);
    else memory32(g, reg);
}

/* Counts of SHLD and SHRD above the operand's width leave the result undefined (SDM vol. 2). */
static void immediate(struct gen *g, char kind)
{
    unsigned size = opsize(g);
    switch (kind) {
    case 'b':
        if (is(g, "shld") || is(g, "shrd")) bytes(g, below(g, size == 2 ? 16 : 64), 1);
        else if (is(g, "enter")) bytes(g, chance(g, 70) ? 0 : below(g, 40), 1);
        else if (is(g, "aam") || is(g, "aad")) bytes(g, chance(g, 50) ? 10 : value(g), 1);
        else bytes(g, value(g), 1);
        break;
    case 'w': bytes(g, is(g, "enter") || is(g, "ret") ? below(g, 64) : value(g), 2); break;
    case 'z': bytes(g, value(g), size == 8 ? 4 : size); break;
    case 'v': bytes(g, chance(g, 30) ? data_address(g) : value(g), size); break;
    default: bytes(g, data_address(g), asize(g)); break;
    }
}

/* ---- flags ----------------------------------------------------------------------------------- */
static const struct flag_rule *flag_rule(const char *mnemonic)
{
    if (!strncmp(mnemonic, "fcmov", 5)) mnemonic = "fcmov";
    for (unsigned n = 0; n < COUNT_OF(flag_rules); n++)
        if (!strcmp(mnemonic, flag_rules[n].name)) return &flag_rules[n];
    return &no_flags;
}
static void flags(struct gen *g, unsigned reads, unsigned sets, unsigned undefs)
{
    g->o->reads = (uint16_t)reads;
    g->o->sets = (uint16_t)sets;
    g->o->undefs = (uint16_t)undefs;
}
/* Shifts leave AF undefined, and OF for counts other than 1; a count of 0 leaves all flags. CF of a
 * SHL or SHR by the operand's width or more is undefined. */
static void shift_flags(struct gen *g, unsigned reg, bool wide)
{
    bool rotate = reg < 4, carry = reg == 2 || reg == 3, by1 = (g->row->code & 0xFE) == 0xD0;
    bool narrow = !wide || opsize(g) == 2;
    unsigned reads = carry ? EFL_CF : 0;
    if (by1) flags(g, reads, rotate ? EFL_CF | EFL_OF : EFL_ALL & ~EFL_AF, rotate ? 0 : EFL_AF);
    else
        flags(g, reads, 0,
              EFL_OF | (rotate ? 0 : EFL_AF) | (!rotate && reg != 7 && narrow ? EFL_CF : 0));
}
static void gen_flags(struct gen *g, bool repeated)
{
    const struct gen_row *r = g->row;
    const struct flag_rule *rule = flag_rule(r->mnemonic);
    flags(g, rule->reads, rule->sets, rule->undefs);
    bool shifts = (r->code & 0xFFFE) == 0xC0 || (r->code & 0xFFFC) == 0xD0;
    if (shifts && r->reg >= 0) shift_flags(g, (unsigned)r->reg, r->code & 1);
    bool conditional = (r->code >= 0x70 && r->code < 0x80) ||
                       (r->code >= 0x0F80 && r->code < 0x0FA0) ||
                       (r->code >= 0x0F40 && r->code < 0x0F50);
    if (conditional && r->class == CLASS_INTEGER) flags(g, condition_flags[r->code >> 1 & 7], 0, 0);
    if ((is(g, "cmps") || is(g, "scas")) && !repeated) flags(g, 0, EFL_ALL, 0);
}

/* ---- one instruction ------------------------------------------------------------------------- */
static bool excluded(const struct gen_row *r)
{
    char name[24];
    snprintf(name, sizeof name, " %s ", r->mnemonic);
    for (char *p = name + 1; p[1]; p++)
        if (*p == ' ') *p = '^';
    for (unsigned n = 0; n < COUNT_OF(exclusions); n++)
        if (strstr(exclusions[n].names, name)) return true;
    return r->form == F_SwEw || r->form == F_EvSw || r->form == F_Ap || r->form == F_Ep;
}
static bool usable(const struct gen_row *r, enum fuzz_mode mode)
{
    if (r->traits & (mode == CODE64 ? T_I64 : T_O64)) return false;
    return !excluded(r);
}

struct choice {
    uint16_t row[FUZZ_MODES][CLASSES][COUNT_OF(rows)];
    unsigned n[FUZZ_MODES][CLASSES];
};
static const struct choice *choices(void)
{
    static struct choice c;
    static bool made;
    for (unsigned k = 0; !made && k < FUZZ_MODES * COUNT_OF(rows); k++) {
        unsigned mode = k / COUNT_OF(rows), row = k % COUNT_OF(rows), class = rows[row].class;
        if (usable(&rows[row], (enum fuzz_mode)mode))
            c.row[mode][class][c.n[mode][class]++] = (uint16_t)row;
    }
    made = true;
    return &c;
}

static bool is_branch(const struct gen_row *r)
{
    return r->form == F_Jb || r->form == F_Jz;
}
static bool is_indirect(const struct gen_row *r)
{
    bool jumps = !strcmp(r->mnemonic, "call") || !strcmp(r->mnemonic, "jmp");
    return (r->form == F_Ev && jumps) || !strcmp(r->mnemonic, "ret");
}
static bool is_string(const struct gen_row *r)
{
    return r->form == F_Xb || r->form == F_Xv;
}

/* A branch with a 16-bit operand in 64-bit code is the vendor's to define (SDM vol. 2, JMP). */
static void prefixes(struct gen *g, bool *repeated)
{
    static const uint8_t segments[] = {0x26, 0x2E, 0x36, 0x3E, 0x65, 0x65};
    static const uint8_t mandatory[] = {0, 0x66, 0xF3, 0xF2};
    const struct gen_row *r = g->row;
    bool simd = r->class == CLASS_SIMD;
    bool branches = is_branch(r) || (r->traits & T_F64);
    g->has66 = chance(g, branches ? 3 : 12) && !(g->mode == CODE64 && branches);
    if (simd && r->form >= F_SIMD) g->has66 = false;
    if (simd && r->prefix == NP) g->has66 = false;
    /* a count above 16 is undefined; so is BSWAP of 16 bits (SDM vol. 2) */
    if (is(g, "movsxd")) g->has66 = false; /* reads 2 bytes (SDM), or 4 */
    if (r->form == F_EvGvCL || is(g, "bswap")) g->has66 = g->mode == CODE16;
    /* pushes two bytes or four, as the model likes (SDM vol. 2, PUSH) */
    if (!strncmp(r->mnemonic, "push ", 5)) g->has66 = g->mode != CODE16;
    g->has67 = chance(g, g->mode == CODE16 ? 25 : 5);
    *repeated = is_string(r) && chance(g, 60);
    if (g->has67) byte(g, 0x67);
    if (chance(g, 8)) byte(g, segments[below(g, COUNT_OF(segments))]);
    bool control = r->code >= 0x0F20 && r->code <= 0x0F23; /* LOCK MOV CR0 is AMD's CR8 */
    if (chance(g, r->traits & T_LOCK ? 6 : 1) && !control) byte(g, 0xF0);
    if (g->has66) byte(g, 0x66);
    if (r->prefix && !(r->prefix == P66 && g->has66)) byte(g, mandatory[r->prefix]);
    if (*repeated) byte(g, chance(g, 60) ? 0xF3 : 0xF2);
    g->rex = g->mode == CODE64 && chance(g, 65) ? (uint8_t)(0x40 | below(g, 16)) : 0;
    if (g->rex && r->form < F_SIMD && chance(g, 30)) g->rex |= 8;
    if (!strncmp(r->mnemonic, "push ", 5)) g->rex &= 0x47;
}

static void opcode(struct gen *g)
{
    unsigned code = g->row->class == CLASS_X87 ? g->row->code & 0xFF : g->row->code;
    if (code >= 0x10000) byte(g, code >> 16);
    if (code >= 0x100) byte(g, code >> 8 & 0xFF);
    byte(g, code & 0xFF);
}

/* Encodes behind a place for REX, which depends on the operands. */
static void encode(struct gen *g)
{
    bool repeated;
    prefixes(g, &repeated);
    unsigned place = g->o->len;
    bool has_rex = g->rex;
    if (has_rex) byte(g, g->rex);
    opcode(g);
    struct shape shape = shape_of(g->row->form);
    if (g->row->code & X87_REGISTER && g->row->class == CLASS_X87) byte(g, (uint8_t)g->row->reg);
    else if (shape.modrm) modrm(g);
    for (const char *i = shape.immediate; *i; i++) immediate(g, *i);
    if (has_rex) g->o->bytes[place & 15] = 0x40 | (g->rex & 15);
    gen_flags(g, repeated);
}
static void branch(struct gen *g, unsigned index, unsigned n)
{
    bool repeated;
    prefixes(g, &repeated);
    g->o->target = (int8_t)(index + 1 + below(g, n - index));
    g->o->rel = 1;
    if (g->row->form == F_Jz) g->o->rel = (uint8_t)(g->mode == CODE64 || opsize(g) != 2 ? 4 : 2);
    if (g->rex) byte(g, g->rex);
    opcode(g);
    bytes(g, 0, g->o->rel);
    gen_flags(g, false);
}

struct mix {
    uint8_t integer, x87;
}; /* percent; the rest: MMX, SSE */
static void instruction(struct gen *g, struct fuzz_insn *o, unsigned index, unsigned n,
                        struct mix mix)
{
    const struct choice *c = choices();
    unsigned p = below(g, 100);
    unsigned class = p < mix.integer             ? CLASS_INTEGER
                     : p < mix.integer + mix.x87 ? CLASS_X87
                                                 : CLASS_SIMD;
    *o = (struct fuzz_insn){.target = -1};
    g->row = &rows[c->row[g->mode][class][below(g, c->n[g->mode][class])]];
    if (g->row->traits & (T_CPL0 | T_END) && !is_branch(g->row) && chance(g, 75))
        g->row = &rows[c->row[g->mode][class][below(g, c->n[g->mode][class])]];
    g->o = o;
    o->row = g->row;
    o->indirect = is_indirect(g->row);
    g->rex = 0;
    if (is_branch(g->row)) branch(g, index, n);
    else encode(g);
}

static void program(struct gen *g, struct program *p, unsigned n)
{
    static const struct mix mixes[] = {{100, 0}, {100, 0}, {50, 50}, {40, 0}, {30, 0}, {40, 30}};
    struct mix mix = mixes[below(g, COUNT_OF(mixes))];
    uint16_t undefined[PROGRAM_MAX + 1];
    for (p->n = 0; p->n < n;) {
        instruction(g, &p->insn[p->n], p->n, n, mix);
        p->n++;
        if (!program_flags(p, undefined) || p->insn[p->n - 1].len > 15) p->n--;
    }
}

void gen_case(enum fuzz_mode mode, uint64_t seed, struct outcome *before, struct program *p)
{
    struct gen g = {.random = {seed}, .mode = mode};
    g.pointers = gen_registers(&g.random, mode, before);
    program(&g, p, 1 + below(&g, PROGRAM_MAX - 1));
}

const char *gen_mnemonic(const struct gen_row *r)
{
    return r->mnemonic;
}
bool gen_is_simd(const struct gen_row *r)
{
    return r->class == CLASS_SIMD;
}

void gen_print_rules(void)
{
    static const char *const names[FUZZ_MODES] = {"16", "32", "64"};
    const struct choice *c = choices();
    for (unsigned m = 0; m < FUZZ_MODES; m++)
        printf("%s-bit code: %u integer, %u x87, %u MMX and SSE rows of the opcode table\n",
               names[m], c->n[m][CLASS_INTEGER], c->n[m][CLASS_X87], c->n[m][CLASS_SIMD]);
    for (unsigned n = 0; n < COUNT_OF(exclusions); n++)
        printf("left out:%s(%s)\n", exclusions[n].names, exclusions[n].why);
}
