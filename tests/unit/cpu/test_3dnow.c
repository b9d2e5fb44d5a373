/* SPDX-License-Identifier: MIT
 * 3DNow! and its extensions, against the tables of AMD 21928 and against exact arithmetic.
 */
#include <math.h>
#include "bench_cpu.h"

static const struct cpu_config k6 = { .model = "k6_2" }, athlon = { .model = "athlon" };

/* movq mm0, [ebx]; op mm0, [ebx+8]; movq [ebx+16], mm0 */
static uint64_t run(const struct cpu_config *config, uint8_t opcode, uint64_t a, uint64_t b,
                    int *vector)
{
    struct bench *m = bench_protected_on(config, 0);
    char code[64];
    poke64(m, DATA, a);
    poke64(m, DATA + 8, b);
    m->r.gpr[GPR_BX] = DATA;
    snprintf(code, sizeof code, "0F6F03 0F0F4308%02X 0F7F4310 F4", opcode);
    bench_run(m, code);
    *vector = vector_taken(m);
    uint64_t result = (uint64_t)peek32(m, DATA + 20) << 32 | peek32(m, DATA + 16);
    bench_free(m);
    return result;
}
static uint64_t now(uint8_t opcode, uint64_t a, uint64_t b)
{
    int vector;
    uint64_t result = run(&athlon, opcode, a, b, &vector);
    ck_assert_int_eq(vector, -1);
    return result;
}
static uint32_t one(uint8_t opcode, uint32_t a, uint32_t b)
{
    uint64_t result = now(opcode, (uint64_t)a << 32 | a, (uint64_t)b << 32 | b);
    ck_assert_uint_eq(result >> 32, (uint32_t)result);
    return (uint32_t)result;
}
static uint32_t bits(float f) { uint32_t v; memcpy(&v, &f, 4); return v; }
static float number(uint32_t v) { float f; memcpy(&f, &v, 4); return f; }

enum { PLUS0 = 0, MINUS0 = 1u << 31, LARGEST = 0x7F7FFFFF, TINY = 0x00800000,
       DENORMAL = 0x00000001 };
enum { PFADD = 0x9E, PFSUB = 0x9A, PFSUBR = 0xAA, PFMUL = 0xB4, PFMIN = 0x94, PFMAX = 0xA4,
       PFACC = 0xAE, PFNACC = 0x8A, PFPNACC = 0x8E, PFCMPEQ = 0xB0, PFCMPGE = 0x90, PFCMPGT = 0xA0,
       PF2ID = 0x1D, PF2IW = 0x1C, PI2FD = 0x0D, PI2FW = 0x0C, PFRCP = 0x96, PFRSQRT = 0x97,
       PFRCPIT1 = 0xA6, PFRSQIT1 = 0xA7, PFRCPIT2 = 0xB6, PMULHRW = 0xB7, PSWAPD = 0xBB,
       PAVGUSB = 0xBF };

START_TEST(arithmetic)
{
    const struct { uint8_t op; uint32_t a, b, result; } cases[] = {
        { PFADD, bits(1.5f), bits(2.25f), bits(3.75f) },
        { PFSUB, bits(1.5f), bits(2.25f), bits(-0.75f) },
        { PFSUBR, bits(1.5f), bits(2.25f), bits(0.75f) }, { PFMUL, bits(1.5f), bits(-2), bits(-3) },
        { PFADD, PLUS0, MINUS0, PLUS0 }, { PFADD, MINUS0, MINUS0, MINUS0 },
        { PFADD, bits(-3), bits(3), MINUS0 }, { PFADD, bits(3), bits(-3), PLUS0 },
        { PFSUB, bits(-3), bits(-3), MINUS0 }, { PFADD, DENORMAL, bits(1), bits(1) },
        { PFADD, LARGEST, LARGEST, LARGEST },
        { PFSUB, LARGEST | MINUS0, LARGEST, LARGEST | MINUS0 },
        { PFMUL, TINY, bits(-0.5f), MINUS0 }, { PFMUL, LARGEST, bits(-2), LARGEST | MINUS0 },
        { PFMUL, PLUS0, bits(-2), MINUS0 }, { PFMUL, DENORMAL, LARGEST, PLUS0 },
        { PFMIN, bits(1), bits(-1), bits(-1) }, { PFMIN, MINUS0, bits(2), PLUS0 },
        { PFMAX, MINUS0, bits(-2), PLUS0 }, { PFMAX, bits(1), bits(2), bits(2) },
        { PFMAX, MINUS0, MINUS0, PLUS0 }, { PFMIN, DENORMAL, PLUS0, PLUS0 },
        { PFCMPEQ, PLUS0, MINUS0, ~0u }, { PFCMPEQ, bits(1), bits(2), 0 },
        { PFCMPGE, bits(1), bits(1), ~0u }, { PFCMPGE, bits(-1), bits(1), 0 },
        { PFCMPGT, bits(2), bits(1), ~0u }, { PFCMPGT, bits(1), bits(1), 0 },
        { PFCMPGT, DENORMAL, PLUS0, 0 },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        uint32_t got = one(cases[n].op, cases[n].a, cases[n].b);
        ck_assert_msg(got == cases[n].result, "%u: %08X", n, got);
    }
    uint64_t ab = (uint64_t)bits(5) << 32 | bits(2), cd = (uint64_t)bits(10) << 32 | bits(7);
    ck_assert_uint_eq(now(PFACC, ab, cd), (uint64_t)bits(17) << 32 | bits(7));
    ck_assert_uint_eq(now(PFNACC, ab, cd), (uint64_t)bits(-3) << 32 | bits(-3));
    ck_assert_uint_eq(now(PFPNACC, ab, cd), (uint64_t)bits(17) << 32 | bits(-3));
    ck_assert_uint_eq(now(PSWAPD, ab, cd), (uint64_t)bits(7) << 32 | bits(10));
    ck_assert_uint_eq(now(PMULHRW, 0x7FFF000280004000, 0x7FFF400080000002), 0x3FFF000140000001);
    ck_assert_uint_eq(now(PAVGUSB, 0x00FF01FE00000001, 0x01FF02FF00000000), 0x01FF02FF00000001);
}
END_TEST

START_TEST(conversions)
{
    const struct { uint8_t op; uint32_t b, result; } cases[] = {
        { PF2ID, bits(-1.99f), (uint32_t)-1 }, { PF2ID, bits(0.99f), 0 },
        { PF2ID, bits(2147483648.0f), 0x7FFFFFFF }, { PF2ID, bits(-2147483648.0f), 0x80000000 },
        { PF2ID, bits(-3e9f), 0x80000000 }, { PF2ID, bits(2147483520.0f), 2147483520 },
        { PF2IW, bits(32768.0f), 0x7FFF }, { PF2IW, bits(-32769.0f), 0xFFFF8000 },
        { PF2IW, bits(-5.5f), (uint32_t)-5 }, { PI2FD, 0x7FFFFFFF, 0x4EFFFFFF },
        { PI2FD, 0x80000001, 0xCEFFFFFF }, { PI2FD, (uint32_t)-7, bits(-7) },
        { PI2FW, 0x1234FFFE, bits(-2) }, { PI2FW, 0xFFFF0003, bits(3) },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        uint32_t got = one(cases[n].op, 0, cases[n].b);
        ck_assert_msg(got == cases[n].result, "%u: %08X", n, got);
    }
}
END_TEST

/* 14 and 15 bits at first, all 24 but one in the last place after the manual's sequences. */
START_TEST(reciprocals)
{
    uint32_t v = 0x3F800000;
    double worst = 0;
    for (unsigned n = 0; n < 400; n++, v += 0x2F1357) {
        uint32_t x = (v & 0x3FFFFFFF) | 0x20000000;
        uint32_t x0 = one(PFRCP, 0, x), x1 = one(PFRCPIT1, x, x0), x2 = one(PFRCPIT2, x1, x0);
        double exact = 1.0 / (double)number(x), ulp = ldexp(1, ilogb(exact) - 23);
        ck_assert_double_lt(fabs(number(x0) * (double)number(x) - 1), ldexp(1, -14));
        worst = fmax(worst, fabs(number(x2) - exact) / ulp);
        uint32_t r0 = one(PFRSQRT, 0, x), r1 = one(PFMUL, r0, r0), r2 = one(PFRSQIT1, x, r1),
                 r3 = one(PFRCPIT2, r2, r0);
        exact = 1.0 / sqrt((double)number(x));
        ulp = ldexp(1, ilogb(exact) - 23);
        ck_assert_double_lt(fabs(number(r0) / exact - 1), ldexp(1, -15));
        worst = fmax(worst, fabs(number(r3) - exact) / ulp);
    }
    ck_assert_double_le(worst, 2);
    ck_assert_uint_eq(one(PFRCP, 0, bits(-4)), bits(-0.25f));
    ck_assert_uint_eq(one(PFRCP, 0, MINUS0), LARGEST | MINUS0);
    ck_assert_uint_eq(one(PFRCP, 0, LARGEST), PLUS0);
    ck_assert_uint_eq(one(PFRSQRT, 0, bits(4)), bits(0.5f));
    ck_assert_uint_eq(one(PFRSQRT, 0, bits(-0.25f)), bits(-2));
    ck_assert_uint_eq(one(PFRSQRT, 0, PLUS0), LARGEST);
    uint64_t both = now(PFRCP, 0, (uint64_t)bits(2) << 32 | bits(8));
    ck_assert_uint_eq(both, (uint64_t)bits(0.125f) << 32 | bits(0.125f));  /* of the low half */
}
END_TEST

START_TEST(who_has_it)
{
    int vector;
    run(&k6, PFADD, 0, 0, &vector);
    ck_assert_int_eq(vector, -1);
    run(&k6, PSWAPD, 0, 0, &vector);
    ck_assert_int_eq(vector, 6);
    run(&athlon, 0x77, 0, 0, &vector);                         /* no such opcode */
    ck_assert_int_eq(vector, 6);
    run(&(struct cpu_config){ .model = "p3" }, PFADD, 0, 0, &vector);
    ck_assert_int_eq(vector, 6);
    struct bench *b = bench_protected_on(&k6, 0);   /* femms; prefetch [ebx]; with every prefix */
    b->r.gpr[GPR_BX] = DATA;
    bench_run(b, "0F0E 0F0D03 0F0D0B F4");
    ck_assert_int_eq(vector_taken(b), -1);
    bench_free(b);
    b = bench_protected_on(&k6, 0);
    b->r.cr0 |= 8;                                             /* TS */
    bench_run(b, "0F0FC09E F4");
    ck_assert_int_eq(vector_taken(b), 7);
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("3dnow");
    TCase *t = tcase_create("3dnow");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, arithmetic);
    tcase_add_test(t, conversions);
    tcase_add_test(t, reciprocals);
    tcase_add_test(t, who_has_it);
    suite_add_tcase(s, t);
    return bench_main(s);
}
