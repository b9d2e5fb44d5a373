/* SPDX-License-Identifier: MIT
 * Every MMX and SSE instruction of the opcode table against the host's processor, bit by bit:
 * registers, flags, MXCSR, memory and exceptions, with random operands and special values, all
 * rounding modes, DAZ, FTZ and masks. On other hosts a few fixed cases remain.
 */
#include "tests/unit/cpu/bench_cpu.h"
#include "cpu/decode.h"
#include "cpu/simd.h"
#include "tests/unit/cpu/sse_native.h"

enum { REG_OPERAND = 1, RM_OPERAND = 2, FLAGS_MASK = 0x8D5 };

struct row {
    uint8_t  prefix, form;
    uint32_t code;
    int8_t   reg;                  /* of an opcode group, or -1 */
    const char *mnemonic;
    uint32_t traits;
};
#if SSE_NATIVE
#define SSE(prefix, code, mn, form, fam, tr)       { prefix, form, code, -1, mn, (uint32_t)(tr) },
#define SSEM(prefix, code, reg, mn, form, fam, tr) { prefix, form, code, reg, mn, (uint32_t)(tr) },
#define SSER(prefix, code, reg, mn, form, fam, tr) { prefix, form, code, reg, mn, (uint32_t)(tr) },
static const struct row rows[] = {
#include "cpu/opcodes_mmx.def"
#include "cpu/opcodes_sse.def"
};


/* ---- instruction bytes ----------------------------------------------------------------------- */
struct shape {
    bool memory;                   /* operand at [RAX] */
    bool half;                     /* 66: 16-bit operand of POPCNT, CRC32 */
    bool wide;                     /* 64-bit mode, REX.W */
};
static unsigned encode(const struct row *r, struct shape shape, uint8_t imm, uint8_t code[16])
{
    static const uint8_t prefix[] = { 0, 0x66, 0xF3, 0xF2 };
    const struct simd_form *f = simd_form(r->form);
    unsigned n = 0, reg = r->reg >= 0 ? (unsigned)r->reg : REG_OPERAND;
    if (shape.half) code[n++] = 0x66;
    if (r->prefix) code[n++] = prefix[r->prefix];
    if (shape.wide) code[n++] = 0x48;
    code[n++] = 0x0F;
    if (r->code > 0xFFFF) code[n++] = (uint8_t)(r->code >> 8);
    code[n++] = (uint8_t)r->code;
    code[n++] = (uint8_t)(shape.memory ? reg << 3 : 0xC0 | reg << 3 | RM_OPERAND);
    if (f && f->flags & SIMD_F_IMMEDIATE) code[n++] = imm;
    return n;
}
static bool has_form(const struct row *r, bool memory)
{
    const struct simd_form *f = simd_form(r->form);
    if (!f) return r->form == F_GvEv || r->form == F_GvEb;
    return memory ? !(r->traits & T_REGS) && !(f->flags & SIMD_F_DOUBLE) : !(r->traits & T_MEM);
}
static bool is_approximate(const struct row *r)
{
    return strstr(r->mnemonic, "rcp") || strstr(r->mnemonic, "rsqrt");
}

#endif

/* ---- the engine ------------------------------------------------------------------------------ */
/* 64-bit mode is set up without paging, as no program could do: paging is not the subject here. */
static struct bench *engine_new(const char *model, bool wide)
{
    struct bench *b = bench_new(model);
    for (unsigned s = 0; s < 6; s++) b->r.seg[s] = flat(SEL_DATA0, B_DATA0);
    b->r.seg[SR_CS] = flat(SEL_CODE0, B_CODE0);
    b->r.gdt_base = GDT;
    b->r.gdt_limit = GDT_ENTRIES * 8 - 1;
    b->r.idt_base = IDT;
    b->r.idt_limit = 0x7FF;
    b->r.cr0 = 0x31;
    b->r.cr4 = CR4_OSFXSR | CR4_OSXMMEXCPT;
    if (wide) {
        b->r.seg[SR_CS].access = 0xA09B;
        b->r.efer = EFER_LME | EFER_LMA;
    }
    return b;
}

static void engine_load(struct bench *b, const struct sse_state *s)
{
    struct cpu_sse sse = { .mxcsr = s->mxcsr };
    struct cpu_x87 x87 = { .control = 0x37F };
    memcpy(sse.xmm, s->xmm, sizeof s->xmm);
    for (unsigned n = 0; n < 8; n++) {
        memcpy(x87.st[n], &s->mm[n], 8);
        x87.st[n][8] = x87.st[n][9] = 0xFF;
    }
    cpu_set_sse(b->cpu, &sse);
    cpu_set_x87(b->cpu, &x87);
    memory_copy_to(b->memory, DATA, s->memory, sizeof s->memory);
    b->r.gpr[GPR_AX] = s->rax + DATA;
    b->r.gpr[GPR_DI] = s->rdi + DATA;
    b->r.gpr[GPR_CX] = s->rcx;
    b->r.gpr[GPR_DX] = s->rdx;
    b->r.gpr[GPR_BX] = s->rbx;
    b->r.gpr[GPR_SI] = s->rsi;
    b->r.gpr[GPR_SP] = STACK0;
    b->r.rflags = s->flags;
    b->r.rip = CODE;
}

static void engine_store(struct bench *b, struct sse_state *s)
{
    struct cpu_sse sse;
    struct cpu_x87 x87;
    cpu_get_sse(b->cpu, &sse);
    cpu_get_x87(b->cpu, &x87);
    memcpy(s->xmm, sse.xmm, sizeof s->xmm);
    for (unsigned n = 0; n < 8; n++) memcpy(&s->mm[n], x87.st[n], 8);
    s->mxcsr = sse.mxcsr;
    memory_copy_from(b->memory, s->memory, DATA, sizeof s->memory);
    s->rax = b->r.gpr[GPR_AX] - DATA;
    s->rdi = b->r.gpr[GPR_DI] - DATA;
    s->rcx = b->r.gpr[GPR_CX];
    s->rdx = b->r.gpr[GPR_DX];
    s->rbx = b->r.gpr[GPR_BX];
    s->rsi = b->r.gpr[GPR_SI];
    s->flags = b->r.rflags;
    s->exception = b->r.rip == HANDLERS + VEC_XM * 16;
}

static void engine_run(struct bench *b, const uint8_t *code, unsigned len, struct sse_state *s)
{
    memory_copy_to(b->memory, CODE, code, len);
    engine_load(b, s);
    ck_assert_int_eq(bench_go(b, 1), CPU_UNTIL);
    engine_store(b, s);
    ck_assert(s->exception || b->r.rip == CODE + len);
}

/* ---- fixed cases ----------------------------------------------------------------------------- */
struct fixed { const char *code, *a, *b, *result; uint32_t mxcsr, after; };
static void bytes_of(const char *hex, uint8_t *to)
{
    for (unsigned value; sscanf(hex, " %2x", &value) == 1; hex += 2) *to++ = (uint8_t)value;
}
START_TEST(fixed)
{
    static const struct fixed cases[] = {
        /* PADDUSW, PSHUFB, ADDPS 1 + 2, DIVSD 1 / 3 rounded up, MAXSS of a NaN, CVTTSS2SI's twin,
           PCMPEQD */
        {"660FDDCA", "FFFF0100FF7F000010000000000000FF", "01000100FF7F000020000000000000FF",
         "FFFF0200FEFF0000300000000000FFFF", 0x1F80, 0x1F80},
        {"660F3800CA", "000102030405060708090A0B0C0D0E0F", "0F0E0D8C000102030405060780808080",
         "0F0E0D00000102030405060700000000", 0x1F80, 0x1F80},
        {"0F58CA", "0000803F0000803F0000803F000080FF", "0000004000000040000000400000807F",
         "0000404000004040000040400000C0FF", 0x1F80, 0x1F81},
        {"F20F5ECA", "000000000000F03F1122334455667788", "00000000000008400000000000000000",
         "565555555555D53F1122334455667788", 0x5F80, 0x5FA0},
        {"F30F5FCA", "0000C07F0102030405060708090A0B0C", "0000803F000000000000000000000000",
         "0000803F0102030405060708090A0B0C", 0x1F80, 0x1F81},
        {"F30F5BCA", "00000000000000000000000000000000", "0000204000002CC0FFFFFF4E0000804F",
         "02000000FEFFFFFF80FFFF7F00000080", 0x1F80, 0x1FA1},
        {"660F76CA", "01020304050607080000000000000080", "01020304050607090000000000000000",
         "FFFFFFFF00000000FFFFFFFF00000000", 0x1F80, 0x1F80},
    };
    struct bench *b = engine_new("nehalem", false);
    const struct fixed *f = &cases[_i];
    struct sse_state s = { .mxcsr = f->mxcsr, .flags = 2 };
    uint8_t code[16], expected[16];
    bytes_of(f->code, code);
    bytes_of(f->a, s.xmm[1]);
    bytes_of(f->b, s.xmm[2]);
    bytes_of(f->result, expected);
    engine_run(b, code, (unsigned)strlen(f->code) / 2, &s);
    ck_assert_mem_eq(s.xmm[1], expected, 16);
    ck_assert_uint_eq(s.mxcsr, f->after);
    bench_free(b);
}
END_TEST

#if SSE_NATIVE
/* ---- operands -------------------------------------------------------------------------------- */
static uint64_t random64(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9E3779B97F4A7C15ull);
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}
static uint32_t some_single(uint64_t *seed)
{
    static const uint32_t special[] = {
        0,          1,          0x7FFFFF,   0x800000,   0x800001,   0x3F800000,
        0x3F800001, 0x3FFFFFFF, 0x40000000, 0x7F7FFFFF, 0x7F800000, 0x7F800001,
        0x7FC00000, 0x7FFFFFFF, 0x4EFFFFFF, 0x4F000000, 0x4B000001, 0x3F000000,
        0x3EFFFFFF, 0x00400000, 0x34000000, 0x33800000, 0x5F000000, 0x4AFFFFFF,
    };
    uint64_t r = random64(seed);
    uint32_t sign = (uint32_t)(r >> 63) << 31, bits = (uint32_t)r;
    switch (r >> 40 & 7) {
    case 0: case 1: return special[(r >> 45) % COUNT_OF(special)] | sign;
    case 2: return bits;
    case 3: return (bits & 0x807FFFFF) | (uint32_t)(120 + (r >> 45) % 16) << 23;
    case 4: return (bits & 0x807FFFFF) | (uint32_t)((r >> 45) % 28) << 23;
    case 5: return (bits & 0x807FFFFF) | (uint32_t)(230 + (r >> 45) % 25) << 23;
    case 6: return (bits & 0x80700000) | (uint32_t)(60 + (r >> 45) % 134) << 23;
    default: return (bits & 0x807FFFFF) | (uint32_t)(148 + (r >> 45) % 12) << 23;
    }
}
static uint64_t some_double(uint64_t *seed)
{
    static const uint64_t special[] = {
        0, 1, 0xFFFFFFFFFFFFF, 0x10000000000000, 0x10000000000001, 0x3FF0000000000000,
        0x3FF0000000000001, 0x3FFFFFFFFFFFFFFF, 0x4000000000000000, 0x7FEFFFFFFFFFFFFF,
        0x7FF0000000000000, 0x7FF0000000000001, 0x7FF8000000000000, 0x7FFFFFFFFFFFFFFF,
        0x41DFFFFFFFC00000, 0x41DFFFFFFFE00000, 0x41E0000000000000, 0x41E0000000100000,
        0x3FE0000000000000, 0x3FDFFFFFFFFFFFFF, 0x47EFFFFFE0000000, 0x47EFFFFFF0000000,
        0x3810000000000000, 0x380FFFFFFFFFFFFF, 0x36A0000000000000, 0x3690000000000000,
        0x4330000000000001,
    };
    uint64_t r = random64(seed), bits = random64(seed), fraction = bits & 0x800FFFFFFFFFFFFF;
    switch (r & 7) {
    case 0: case 1: return special[(r >> 8) % COUNT_OF(special)] | (bits & 1ull << 63);
    case 2: return bits;
    case 3: return fraction | (1016 + (r >> 8) % 16) << 52;
    case 4: return fraction | (r >> 8) % 56 << 52;
    case 5: return fraction | (1990 + (r >> 8) % 57) << 52;
    case 6: return fraction | (870 + (r >> 8) % 290) << 52;
    default: return fraction | (1050 + (r >> 8) % 8) << 52;
    }
}
static void some_vector(uint64_t *seed, uint8_t to[16])
{
    uint64_t q[2] = { random64(seed), random64(seed) };
    switch (random64(seed) % 8) {
    case 0: break;
    case 1: case 2: case 3:
        for (unsigned n = 0; n < 2; n++)
            q[n] = some_single(seed) | (uint64_t)some_single(seed) << 32;
        break;
    case 4: case 5:
        for (unsigned n = 0; n < 2; n++) q[n] = some_double(seed);
        break;
    case 6: /* small counts and letters, zeros among them */
        for (unsigned n = 0; n < 2; n++) q[n] &= random64(seed) & 0x0303030303030303ull;
        break;
    default:                                               /* bytes at their limits */
        q[0] = (q[0] & 0x8080808080808080ull) ^ (random64(seed) % 3 - 1) * 0x7F7F7F7F7F7F7F7Full;
        q[1] = random64(seed) % 80;
    }
    if (random64(seed) % 8 == 0) q[1] = 0, q[0] %= 72;     /* shift counts */
    memcpy(to, q, 16);
}
static uint32_t some_mxcsr(uint64_t *seed)
{
    uint64_t r = random64(seed);
    uint32_t v =
        (uint32_t)(r & 0x6000) | (r >> 20 & 3 ? 0 : MXCSR_DAZ) | (r >> 22 & 3 ? 0 : MXCSR_FTZ);
    uint32_t masks = r >> 24 & 3 ? 0x1F80 : (uint32_t)(r >> 32 & 0x1F80);
    return v | masks | (r >> 26 & 7 ? 0 : (uint32_t)(r >> 50 & 0x3F & masks >> 7));
}
/* Both operands chosen for each other: equal, or with a product or quotient at an edge of the
 * format. */
static void some_pair(uint64_t *seed, struct sse_state *s)
{
    static const uint64_t pairs[][2] = {
        {0x3F7FFFFE3F7FFFFE, 0x0080000100800001}, /* 1 - 2^-46 least normals: rounded, not tiny */
        {0x3FEFFFFFFFFFFFFE, 0x0010000000000001},
        {0x0080000000800000, 0x3F7FFFFF3F7FFFFF}, /* exactly one bit below: tiny */
        {0x0010000000000000, 0x3FEFFFFFFFFFFFFF},
        {0x0000000100000001, 0x3F0000003F000001}, /* half the least denormal */
        {0x0000000000000001, 0x3FE0000000000000},
        {0x7F7FFFFF7F7FFFFF, 0x3F8000013F800000}, /* at the top */
        {0x7FEFFFFFFFFFFFFF, 0x3FF0000000000001},
        {0x7F7FFFFF7F7FFFFF, 0x7300000072FFFFFF},
        {0x7FEFFFFFFFFFFFFF, 0x7C90000000000000},
        {0x00800000007FFFFF, 0x8080000180800000}, /* differences that are denormal */
        {0x0010000000000000, 0x8010000000000001},
        {0x7F8000017FC00001, 0x7FC000027F800003}, /* two NaNs */
        {0x7FF0000000000001, 0x7FF8000000000002},
        {0x8000000000000000, 0x0000000080000000}, /* zeros */
        {0x8000000000000000, 0x0000000000000000},
        {0x0000000100000001, 0x0000000080000000}, /* a denormal by zero */
        {0x8000000000000001, 0x8000000000000000},
    };
    unsigned n = random64(seed) % (COUNT_OF(pairs) + 2), turn = random64(seed) & 1;
    uint64_t first, second;
    memcpy(&first, s->xmm[1], 8);
    second = first;
    if (n < COUNT_OF(pairs)) first = pairs[n][turn], second = pairs[n][!turn];
    for (unsigned k = 0; k < 16; k += 8) {
        memcpy(s->xmm[1] + k, &first, 8);
        memcpy(s->xmm[2] + k, &second, 8);
        memcpy(s->memory + s->rax + k, &second, 8);
    }
    s->mm[1] = first;
    s->mm[2] = second;
}
static void some_state(uint64_t *seed, struct sse_state *s, bool aligned, bool wide)
{
    memset(s, 0, sizeof *s);
    for (unsigned n = 0; n < 8; n++) some_vector(seed, s->xmm[n]);
    for (unsigned n = 0; n < 8; n++) memcpy(&s->mm[n], s->xmm[(n + 3) & 7], 8);
    for (unsigned n = 0; n < 64; n += 16) some_vector(seed, s->memory + n);
    s->rcx = (uint32_t)random64(seed);
    s->rdx = random64(seed) & 1 ? random64(seed) % 40 - 20 : random64(seed);
    s->rbx = (uint32_t)random64(seed);
    if (!wide) s->rdx = (uint32_t)s->rdx;
    if (wide) s->rcx = random64(seed), s->rbx = random64(seed);
    s->rax = aligned ? 16 : random64(seed) % 40;
    s->rdi = random64(seed) % 40;
    s->mxcsr = some_mxcsr(seed);
    s->flags = 2 | (random64(seed) & FLAGS_MASK);
    if (random64(seed) % 8 == 0) some_pair(seed, s);
}

/* ---- comparison ------------------------------------------------------------------------------ */
static bool close_enough(const uint8_t a[16], const uint8_t b[16])
{
    for (unsigned n = 0; n < 16; n += 4) {
        uint32_t x, y;
        memcpy(&x, a + n, 4);
        memcpy(&y, b + n, 4);
        bool tiny = (x << 1) <= 0x01000000 && (y << 1) <= 0x01000000 && !((x ^ y) >> 31);
        bool exact = (x & 0x7F800000) == 0x7F800000 || (y & 0x7F800000) == 0x7F800000;
        uint32_t distance = x < y ? y - x : x - y;
        if (!tiny && distance > (exact ? 0u : 12288u)) return false;
    }
    return true;
}
static void show(const char *who, const struct sse_state *s)
{
    printf("  %-7s", who);
    for (unsigned n = 0; n < 3; n++) {
        printf(" xmm%u=", n);
        for (unsigned k = 16; k-- > 0;) printf("%02X%s", s->xmm[n][k], k % 4 ? "" : k ? "." : "");
    }
    printf(
        "\n          mm1=%016llX mm2=%016llX ecx=%08X edx=%08X flags=%03X mxcsr=%04X exc=%u mem=",
        (unsigned long long)s->mm[1], (unsigned long long)s->mm[2], (unsigned)s->rcx,
        (unsigned)s->rdx, (unsigned)(s->flags & FLAGS_MASK), (unsigned)s->mxcsr,
        (unsigned)s->exception);
    for (unsigned k = 32; k-- > 16;) printf("%02X", s->memory[k]);
    printf("\n");
}
static bool same(const struct row *r, const struct sse_state *x, const struct sse_state *y)
{
    for (unsigned n = 0; n < 8; n++)
        if (memcmp(x->xmm[n], y->xmm[n], 16) &&
            !(is_approximate(r) && close_enough(x->xmm[n], y->xmm[n])))
            return false;
    return !memcmp(x->mm, y->mm, sizeof x->mm) && !memcmp(x->memory, y->memory, sizeof x->memory) &&
           x->rcx == y->rcx && x->rdx == y->rdx &&
           x->rbx == y->rbx && x->mxcsr == y->mxcsr && x->exception == y->exception &&
           !((x->flags ^ y->flags) & FLAGS_MASK);
}

static bool host_has(uint32_t traits)
{
    switch (traits & T_FEATURES) {
    case T_MMX: return __builtin_cpu_supports("mmx");
    case T_SSE: return __builtin_cpu_supports("sse");
    case T_SSE2: return __builtin_cpu_supports("sse2");
    case T_SSE3: return __builtin_cpu_supports("sse3");
    case T_SSSE3: return __builtin_cpu_supports("ssse3");
    case T_SSE41: return __builtin_cpu_supports("sse4.1");
    case T_SSE42: return __builtin_cpu_supports("sse4.2");
    case T_POPCNT: return __builtin_cpu_supports("popcnt");
    default: return false;
    }
}

/* One row in one form with many operands; returns the number of differences. */
static unsigned compare_row(struct bench *b, struct native *native, const struct row *r,
                            struct shape shape)
{
    enum { TRIES = 600, SHOWN = 2 };
    const struct simd_form *f = simd_form(r->form);
    unsigned bad = 0;
    uint64_t seed = r->code * 64 + r->prefix * 16 + (unsigned)(r->reg + 1) * 2 + shape.memory;
    for (unsigned n = 0; n < TRIES; n++) {
        struct sse_state before, ours, theirs;
        uint8_t code[16];
        uint8_t imm = (uint8_t)(random64(&seed) % 3 ? random64(&seed) : random64(&seed) % 20);
        unsigned len = encode(r, shape, imm, code);
        some_state(&seed, &before, shape.memory && f && f->flags & SIMD_F_ALIGNED, shape.wide);
        if (shape.wide) before.mxcsr |= 0x1F80;            /* no IDT there */
        ours = theirs = before;
        native_run(native, code, len, &theirs);
        engine_run(b, code, len, &ours);
        if (same(r, &ours, &theirs)) continue;
        if (bad++ >= SHOWN) continue;
        printf("%s %s%s, imm %02X\n", r->mnemonic, shape.memory ? "memory" : "register",
               shape.wide ? ", REX.W" : "", imm);
        show("before", &before);
        show("host", &theirs);
        show("engine", &ours);
    }
    return bad;
}

/* Every row in every form; returns how many forms were compared. */
static unsigned compare_rows(bool wide, unsigned *bad_rows)
{
    struct bench *b = engine_new("nehalem", wide);
    struct native host = native_new();
    unsigned compared = 0;
    ck_assert_ptr_nonnull(host.page);
    for (unsigned n = 0; n < COUNT_OF(rows) * 2; n++) {
        const struct row *r = &rows[n / 2];
        bool memory = n & 1, half = r->form == F_GvEv && !wide;
        if (!host_has(r->traits) || !has_form(r, memory)) continue;
        unsigned bad = compare_row(b, &host, r, (struct shape){memory, false, wide});
        if (half) bad += compare_row(b, &host, r, (struct shape){memory, true, false});
        if (bad) printf("%s (%X): %u differences\n", r->mnemonic, r->code, bad);
        *bad_rows += bad != 0;
        compared++;
    }
    native_free(&host);
    bench_free(b);
    return compared;
}

START_TEST(native)
{
    unsigned bad_rows = 0, compared = compare_rows(_i, &bad_rows);
    printf("sse: %u forms compared with the host's processor%s, %u differ\n", compared,
           _i ? " in 64-bit mode" : "", bad_rows);
    ck_assert_uint_gt(compared, 600);
    ck_assert_uint_eq(bad_rows, 0);
}
END_TEST
#endif

int main(void)
{
    Suite *suite = suite_create("sse");
    TCase *t = tcase_create("instructions");
    tcase_set_timeout(t, 240);
    tcase_add_loop_test(t, fixed, 0, 7);
#if SSE_NATIVE
    tcase_add_loop_test(t, native, 0, 2);
#else
    printf("sse: not an x86-64 Linux host, only the fixed cases are run\n");
#endif
    suite_add_tcase(suite, t);
    return bench_main(suite);
}
