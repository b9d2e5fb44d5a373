/* SPDX-License-Identifier: MIT
 * A case of native_fuzz: a random program, what it starts from, and how it ended.
 *
 *   110000 code, writable   120000 data   130000 stack       linear addresses, host and engine
 * Programs begin in the middle of the code, so that small numbers do not point to them.
 * 16-bit code sees them through segments of an LDT; 32- and 64-bit code through flat ones. GS has a
 * base of its own in all modes.
 */
#pragma once
#include "base/base.h"

enum fuzz_mode { CODE16, CODE32, CODE64, FUZZ_MODES };

enum {
    ARENA_CODE = 0x110000,
    ARENA_CODE_LEN = 0x2000,
    PROGRAM_AT = 0x1200,
    ARENA_DATA = 0x120000,
    ARENA_DATA_LEN = 0x4000,
    ARENA_STACK = 0x130000,
    ARENA_STACK_LEN = 0x2000,
    ARENA_FRAME = ARENA_STACK + 0x1FC0, /* IRETQ's on the host */
    UPPER_SP = ARENA_FRAME & ~0xFFFF,   /* so 16-bit code finds this in ESP[31:16] */
    GS_BASE = ARENA_DATA + 0x1000,
};

/* Linux' flat selectors, and our LDT: code, stack, DS, ES of 16-bit code, GS. */
enum { USER_CS32 = 0x23, USER_DS = 0x2B, USER_CS64 = 0x33 };
enum { LDT_CODE, LDT_STACK, LDT_DATA, LDT_EXTRA, LDT_GS, LDT_COUNT };
#define LDT_SELECTOR(n) ((n)*8 + 7)
struct fuzz_segment {
    uint32_t base, limit;
    bool code, big;
};
static const struct fuzz_segment fuzz_ldt[LDT_COUNT] = {
    [LDT_CODE] = {ARENA_CODE, ARENA_CODE_LEN - 1, true, false},
    [LDT_STACK] = {ARENA_STACK, ARENA_STACK_LEN - 1, false, false},
    [LDT_DATA] = {ARENA_DATA, ARENA_DATA_LEN - 1, false, false},
    [LDT_EXTRA] = {ARENA_DATA, 0xFFFF, false, false},
    [LDT_GS] = {GS_BASE, 0x1FFF, false, true},
};

enum {
    TRAP_DB = 1,
    TRAP_BP = 3,
    TRAP_SS = 12,
    TRAP_GP = 13,
    TRAP_PF = 14,
    TRAP_AC = 17,
    TRAP_XM = 19
};
enum { TRAP_TIME = 31 /* in place of a vector: it does not end */ };

struct outcome {
    uint64_t gpr[16], rip, rflags, cr2;
    uint32_t vector, error, mxcsr;
    uint16_t fcw, fsw;
    uint8_t tags;      /* bit n: physical register n is in use */
    uint8_t st[8][10]; /* ST(0) first */
    uint8_t xmm[16][16];
};

/* ---- programs -------------------------------------------------------------------------------- */
enum { PROGRAM_MAX = 12, PROGRAM_BYTES = PROGRAM_MAX * 16 };
enum {
    EFL_CF = 1,
    EFL_PF = 4,
    EFL_AF = 0x10,
    EFL_ZF = 0x40,
    EFL_SF = 0x80,
    EFL_TF = 0x100,
    EFL_OF = 0x800,
    EFL_ALL = 0x8D5
};
struct gen_row;
struct fuzz_insn {
    uint8_t bytes[16], len;
    int8_t target;                /* branch: index of the instruction it goes to; -1: none */
    uint8_t rel;                  /* bytes of the displacement, at the end                 */
    bool indirect;                /* goes to where a register or the stack says            */
    uint16_t reads, sets, undefs; /* flags                                                 */
    const struct gen_row *row;
};
struct program {
    struct fuzz_insn insn[PROGRAM_MAX];
    unsigned n;
};

struct fuzz_random {
    uint64_t state;
};
/* Steele, Lea, Flood: Fast Splittable Pseudorandom Number Generators (2014), "SplitMix64". */
static inline uint64_t fuzz_random(struct fuzz_random *r)
{
    uint64_t z = r->state += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}
static inline unsigned fuzz_below(struct fuzz_random *r, unsigned n)
{
    return (unsigned)((fuzz_random(r) >> 32) * n >> 32);
}
static inline bool fuzz_chance(struct fuzz_random *r, unsigned percent)
{
    return fuzz_below(r, 100) < percent;
}

static inline void fuzz_put64(uint8_t *to, uint64_t v, unsigned bytes)
{
    for (unsigned n = 0; n < bytes; n++) to[n] = (uint8_t)(v >> 8 * n);
}

/* Registers, then a program for them: a case is a function of mode and seed. */
void gen_case(enum fuzz_mode, uint64_t seed, struct outcome *before, struct program *);
/* Memory contents: integers and floating-point numbers of all kinds. */
void gen_memory(uint64_t seed, uint8_t *to, size_t len);

/* The program as bytes; start[k] is where instruction k begins, start[n] the end. Returns the
 * length. */
unsigned program_bytes(const struct program *, uint8_t *to, uint16_t start[PROGRAM_MAX + 1]);
/* Flags that may be undefined before each instruction; false: one of them is read. */
bool program_flags(const struct program *, uint16_t undefined[PROGRAM_MAX + 1]);
/* Takes instruction k out; branches to later ones move along. */
void program_remove(struct program *, unsigned k);

const char *gen_mnemonic(const struct gen_row *);
bool gen_is_simd(const struct gen_row *);
/* What is never generated, and why: for --list. */
void gen_print_rules(void);

/* ---- the two processors ---------------------------------------------------------------------- */
/* NULL, or why this host cannot run this mode. Maps the arena; call once. */
const char *native_open(enum fuzz_mode);
/* What must lie at ARENA_FRAME for a run from `in`. */
struct native_frame {
    uint64_t rip, cs, rflags, rsp, ss;
};
struct native_frame native_frame(enum fuzz_mode, const struct outcome *in);
/* Runs from `in` until an exception, in the arena as it is. */
void native_run(enum fuzz_mode, const struct outcome *in, struct outcome *out);
/* Is there memory of the test's own process (its stack, a library)? */
bool native_owns(uint64_t address);
/* Makes it so, to test that. */
bool native_occupy(uint64_t address);

struct engine {
    struct memory *memory;
    struct cpu *cpu;
    enum fuzz_mode mode;
};
bool engine_open(struct engine *, enum fuzz_mode, const char *model);
void engine_close(struct engine *);
void engine_put(struct engine *, uint32_t at, const void *from, uint32_t len);
const uint8_t *engine_see(struct engine *, uint32_t at);
void engine_run(struct engine *, const struct outcome *in, struct outcome *out, bool stepped);
