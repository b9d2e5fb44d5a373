/* SPDX-License-Identifier: MIT
 * The x87: accuracy of the transcendental functions by identities, every instruction on hostile
 * operands, and, on x86-64 hosts, bit-for-bit comparison of the exact instructions with the host's
 * own x87.
 */
#include "tests/unit/cpu/x87_bench.h"

/* ---- transcendental functions ---------------------------------------------------------------- */
START_TEST(known_values)
{
    fresh(0x37F, one, one);
    run(0xD9, 0xF3);                                    /* 4 * atan(1) = pi */
    ck_number(x87_st(f, 0), ((struct f80){ 0xC90FDAA22168C235, 0x3FFE }));
    fresh(0x37F, one, three);
    run(0xD9, 0xF1);                                    /* log2(3) */
    ck_number(x87_st(f, 0), ((struct f80){ 0xCAE00D1CFDEB43D0, 0x3FFF }));
    fresh(0x37F, one, (struct f80){ F80_J, 0x3FFE });
    run(0xD9, 0xF0);                                    /* sqrt(2) - 1 */
    ck_number(x87_st(f, 0), ((struct f80){ 0xD413CCCFE7799211, 0x3FFD }));
    fresh(0x37F, one, one);
    run(0xD9, 0xFB);                                    /* sin 1, cos 1 */
    ck_number(x87_st(f, 0), ((struct f80){ 0x8A51407DA8345C92, 0x3FFE }));
    ck_number(x87_st(f, 1), ((struct f80){ 0xD76AA47848677021, 0x3FFE }));
}
END_TEST

/* FSIN of the 64-bit pi is what it has above the 66-bit pi of the reduction: -2^-64
 * (SDM vol. 1, 8.3.8). */
START_TEST(pi_has_66_bits)
{
    fresh(0x37F, one, (struct f80){ 0xC90FDAA22168C235, 0x4000 });
    run(0xD9, 0xFE);
    ck_number(x87_st(f, 0), ((struct f80){ F80_J, 0xBFBF }));
}
END_TEST

START_TEST(out_of_range)
{
    struct f80 big = { F80_J, 0x3FFF + 63 };
    static const uint8_t modrm[] = { 0xF2, 0xFB, 0xFE, 0xFF };
    for (unsigned n = 0; n < COUNT_OF(modrm); n++) {
        fresh(0x37F, one, big);
        run(0xD9, modrm[n]);
        ck_number(x87_st(f, 0), big);
        ck_status(X87_C2 | 0xFF, X87_C2);
    }
}
END_TEST

/* Hostile operands of every class through every register instruction: no crash, a valid state. */
static uint64_t random_state = 88172645463325252ull;
static uint64_t random64(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

static struct f80 random_number(void)
{
    uint64_t kind = random64(), m = random64() | F80_J;
    uint16_t sign = (uint16_t)(kind >> 40 & 0x8000),
             exp = (uint16_t)(0x3FFF - 70 + (kind >> 32) % 140);
    if (kind >> 20 & 1) m = (m >> 40 << 40) | F80_J;
    switch (kind & 31) {
    case 0: return (struct f80){ 0, sign };
    case 1: return (struct f80){ F80_J, sign | 0x7FFF };
    case 2: return (struct f80){ m, sign | 0x7FFF };
    case 3: return (struct f80){ random64() >> (kind >> 8 & 63), sign };
    case 4: return (struct f80){ random64() & ~F80_J, (uint16_t)(sign | exp) };
    case 5: return (struct f80){ m, (uint16_t)(sign | (random64() & 0x7FFF)) };
    case 6: return (struct f80){ m, (uint16_t)(sign | (random64() & 63)) };
    case 7: return (struct f80){ m, (uint16_t)(sign | 0x7FFE) - (random64() & 31) };
    case 8: return (struct f80){ F80_J, (uint16_t)(sign | exp) };
    case 9: return (struct f80){ ~0ull, (uint16_t)(sign | exp) };
    default: return (struct f80){ m, (uint16_t)(sign | exp) };
    }
}

START_TEST(anything_goes)
{
    for (unsigned n = 0; n < 200000; n++) {
        uint64_t pick = random64();
        uint8_t code = 0xD8 | (pick & 7), modrm = (uint8_t)(pick >> 8);
        if (modrm < 0xC0) modrm &= 0x38;
        fresh((uint16_t)(pick >> 16), random_number(), random_number());
        rig_run_sized(&r, code, modrm, pick & 64 ? 4 : 2);
        bool pending = f->status & ~f->env.control & X87_EXCEPTIONS;
        ck_assert_msg(!(f->status & X87_ES) == !pending, "%02X %02X: ES is wrong", code, modrm);
        ck_assert_uint_lt(f->top, 8);
    }
}
END_TEST

/* ---- the host's x87 -------------------------------------------------------------------------- */
#if defined(__x86_64__)
#define HOST(name, text)                                                                           \
    static void name(void *image)                                                                  \
    {                                                                                              \
        __asm__ volatile("frstor (%0)\n\t" text "\n\tfnsave (%0)"                                  \
                         :                                                                         \
                         : "r"(image)                                                              \
                         : "memory", "cc", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)",      \
                           "st(6)", "st(7)");                                                      \
    }
HOST(host_fadd, ".byte 0xD8, 0xC1")
HOST(host_fmul, ".byte 0xDC, 0xC9")
HOST(host_fsub, ".byte 0xD8, 0xE1")
HOST(host_fsubrp, ".byte 0xDE, 0xE1")
HOST(host_fdiv, ".byte 0xD8, 0xF1")
HOST(host_fdivrp, ".byte 0xDE, 0xF1")
HOST(host_fsqrt, ".byte 0xD9, 0xFA")
HOST(host_frndint, ".byte 0xD9, 0xFC")
HOST(host_fcom, ".byte 0xD8, 0xD1")
HOST(host_fucom, ".byte 0xDD, 0xE1")
HOST(host_fxtract, ".byte 0xD9, 0xF4")
HOST(host_fprem, ".byte 0xD9, 0xF8")
HOST(host_fprem1, ".byte 0xD9, 0xF5")
HOST(host_fxam, ".byte 0xD9, 0xE5")
HOST(host_fldl2t, ".byte 0xD9, 0xE9")
HOST(host_fldln2, ".byte 0xD9, 0xED")

static const struct { uint8_t code, modrm; uint16_t mask; void (*run)(void *);
} host_ops[] = {
    {0xD8, 0xC1, 0xBAFF, host_fadd},    {0xDC, 0xC9, 0xBAFF, host_fmul},
    {0xD8, 0xE1, 0xBAFF, host_fsub},    {0xDE, 0xE1, 0xBAFF, host_fsubrp},
    {0xD8, 0xF1, 0xBAFF, host_fdiv},    {0xDE, 0xF1, 0xBAFF, host_fdivrp},
    {0xD9, 0xFA, 0xBAFF, host_fsqrt},   {0xD9, 0xFC, 0xBAFF, host_frndint},
    {0xD8, 0xD1, 0xFFFF, host_fcom},    {0xDD, 0xE1, 0xFFFF, host_fucom},
    {0xD9, 0xF4, 0xBAFF, host_fxtract}, {0xD9, 0xF8, 0xFFFF, host_fprem},
    {0xD9, 0xF5, 0xFFFF, host_fprem1},  {0xD9, 0xE5, 0xFFFF, host_fxam},
    {0xD9, 0xE9, 0xBAFF, host_fldl2t},  {0xD9, 0xED, 0xBAFF, host_fldln2},
};

/* FSAVE image of two registers, exceptions masked; then the host's answer as a cpu_x87. */
static struct cpu_x87 on_host(unsigned op, uint16_t control, struct f80 st1, struct f80 st0)
{
    uint8_t image[108] = { 0 };
    struct cpu_x87 s = { 0 };
    host_store(image, control, 2);
    host_store(image + 4, 0x3000, 2);
    host_store(image + 8, 0x0FFF, 2);
    host_store(image + 28, st0.m, 8);
    host_store(image + 36, st0.se, 2);
    host_store(image + 38, st1.m, 8);
    host_store(image + 46, st1.se, 2);
    host_ops[op].run(image);
    s.status = (uint16_t)host_load(image + 4, 2);
    s.tag = (uint16_t)host_load(image + 8, 2);
    memcpy(s.st, image + 28, 80);
    return s;
}

START_TEST(same_as_the_host)
{
    for (unsigned n = 0; n < 300000; n++) {
        static const uint16_t precision[3] = { 0x000, 0x200, 0x300 };
        unsigned op = n % COUNT_OF(host_ops);
        uint16_t control = (uint16_t)(0x7F | precision[random64() % 3] | (random64() & 3) << 10);
        struct f80 b = random_number(), a = random64() & 15 ? random_number() : b;
        struct cpu_x87 want = on_host(op, control, b, a), got;
        fresh(control, b, a);
        run(host_ops[op].code, host_ops[op].modrm);
        cpu_get_x87(r.c, &got);
        const uint8_t *g = got.st[0], *w = want.st[0];
        ck_assert_msg(!((got.status ^ want.status) & host_ops[op].mask) && got.tag == want.tag &&
                          !memcmp(g, w, 10) && !memcmp(got.st[1], want.st[1], 10),
                      "%02X %02X control %04X st0 %04" PRIX64 ":%016" PRIX64 " st1 %04" PRIX64
                      ":%016" PRIX64 ": got %04X %04X %04X:%016" PRIX64
                      ", host %04X %04X %04X:%016" PRIX64,
                      host_ops[op].code, host_ops[op].modrm, control, a.se, a.m, b.se, b.m,
                      got.status, got.tag, (unsigned)host_load(g + 8, 2), host_load(g, 8),
                      want.status, want.tag, (unsigned)host_load(w + 8, 2), host_load(w, 8));
    }
}
END_TEST
#endif

int main(void)
{
    Suite *s = suite_create("x87_host");
    TCase *t = x87_case(s, "x87_host");
    tcase_add_test(t, known_values);
    tcase_add_test(t, pi_has_66_bits);
    tcase_add_test(t, out_of_range);
    tcase_add_test(t, anything_goes);
#if defined(__x86_64__)
    tcase_add_test(t, same_as_the_host);
#endif
    return x87_main(s);
}
