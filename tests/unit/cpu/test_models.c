/* SPDX-License-Identifier: MIT
 * Models: what CPUID says, changed features, and what is not there without its feature.
 * Values of parts: AP-485 and AMD's recognition guides; see models.c.
 */
#include "bench_cpu.h"
#include "cpu/model.h"

struct cpuid { uint32_t eax, ebx, ecx, edx; };

static struct cpuid cpuid_of(const struct cpu_config *config, uint32_t leaf, uint32_t sub)
{
    struct bench *b = bench_protected_on(config, 3);
    b->r.gpr[GPR_AX] = leaf;
    b->r.gpr[GPR_CX] = sub;
    code_at(b, CODE, "0F A2");
    bench_go(b, 1);
    struct cpuid got = { (uint32_t)b->r.gpr[GPR_AX], (uint32_t)b->r.gpr[GPR_BX],
                         (uint32_t)b->r.gpr[GPR_CX], (uint32_t)b->r.gpr[GPR_DX] };
    bench_free(b);
    return got;
}
static struct cpuid cpuid_model(const char *model, uint32_t leaf)
{
    return cpuid_of(&(struct cpu_config){ .model = model }, leaf, 0);
}

START_TEST(signatures)
{
    static const struct { const char *model; uint32_t signature, highest; } cases[] = {
        { "486dx4", 0x480, 1 }, { "pentium", 0x52C, 1 }, { "pentium_mmx", 0x543, 1 },
        { "k6_2", 0x58C, 1 }, { "ppro", 0x619, 2 }, { "p2", 0x652, 2 }, { "p3", 0x683, 2 },
        { "athlon", 0x642, 1 }, { "p4", 0xF29, 2 }, { "core2", 0x1067A, 13 },
        { "nehalem", 0x106A5, 11 }, { NULL, 0x40FF2, 13 },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        ck_assert_uint_eq(cpuid_model(cases[n].model, 0).eax, cases[n].highest);
        ck_assert_uint_eq(cpuid_model(cases[n].model, 1).eax, cases[n].signature);
    }
    ck_assert_uint_eq(cpuid_model("k6_2", 0).ebx, 0x68747541);
    ck_assert_uint_eq(cpuid_model("k6_2", 0x80000001).eax, 0x68C);
    ck_assert_uint_eq(cpuid_model("athlon", 0x80000000).ebx, 0x68747541);
    ck_assert_uint_eq(cpuid_model("athlon", 99).eax, 0);       /* AMD: nothing above the highest */
    ck_assert_uint_eq(cpuid_model("core2", 4).ebx, 0x01C0003F);
    ck_assert_uint_eq(cpuid_of(&(struct cpu_config){ .model = "core2" }, 4, 2).ecx, 0xFFF);
    ck_assert_uint_eq(cpuid_of(&(struct cpu_config){ .model = "core2" }, 4, 9).eax, 0);
    ck_assert_uint_eq(cpuid_model("nehalem", 0x80000008).eax, 0x3024);
    ck_assert_uint_eq(cpuid_model("p4", 0x80000004).edx, 0x007A4847);  /* "GHz" */
    ck_assert_uint_eq(cpuid_model("p4", 0x80000002).eax, 0x20202020);
}
END_TEST

/* CMPXCHG, BSWAP, INVLPG: 486; CMPXCHG8B, RDTSC, RDMSR: Pentium; CMOV: P6; ... */
START_TEST(instructions_follow_the_model)
{
    static const struct { const char *code, *without, *with; } cases[] = {
        { "0F B1 D9 F4", "386", "486" }, { "0F C8 F4", "386", "486" },
        { "0F 01 3B F4", "386", "486" }, { "0F A2 F4", "486", "486dx4" },
        { "0F C7 0B F4", "486dx4", "pentium" }, { "0F 31 F4", "486", "pentium" },
        { "0F 44 C1 F4", "k6_2", "ppro" }, { "0F EF C0 F4", "pentium", "pentium_mmx" },
        { "0F 34 F4", "ppro", "p2" }, { "0F AE 03 F4", "ppro", "p2" },
        { "0F 70 C0 00 F4", "p2", "athlon" }, { "0F 70 C0 00 F4", "k6_2", "p3" },
        { "0F 58 C0 F4", "athlon", "p3" }, { "66 0F 58 C0 F4", "p3", "p4" },
        { "F2 0F D0 C0 F4", "p4", "prescott" }, { "66 0F 38 00 C0 F4", "prescott", "core2" },
        { "F3 0F B8 C0 F4", "core2", "nehalem" }, { "0F AE 3B F4", "p3", "p4" },
        { "0F 0D 03 F4", "p4", "athlon64" }, { "0F 01 F9 F4", "core2", "nehalem" },
        { "0F 33 F4", "pentium", "pentium_mmx" },
    };
    for (unsigned n = 0; n < COUNT_OF(cases) * 2; n++) {
        bool with = n & 1;
        const char *model = with ? cases[n / 2].with : cases[n / 2].without;
        struct bench *b = bench_protected_on(&(struct cpu_config){ .model = model }, 0);
        b->r.cr4 = model[0] == 'p' || model[0] == 'a' || model[0] == 'c' || model[0] == 'n'
                   ? 0x200 : 0;
        b->r.gpr[GPR_BX] = DATA;
        code_at(b, CODE, cases[n / 2].code);
        bench_go(b, 10);
        ck_assert_msg((b->r.rip == HANDLERS + 6 * 16 + 1) == !with, "%s on %s", cases[n / 2].code,
                      model);
        bench_free(b);
    }
}
END_TEST

START_TEST(features_can_be_added_and_excluded)
{
    struct cpu_config without = { .exclude_features = "sse, cmov" },
                      with = { .model = "pentium", .add_features = "SSE2 nx" };
    uint32_t edx = cpuid_of(&without, 1, 0).edx;
    ck_assert_uint_eq(edx >> 24 & 7, 1);                /* SSE2 cannot be without SSE; FXSR can */
    ck_assert_uint_eq(edx >> 15 & 1, 0);
    ck_assert_uint_eq(cpuid_of(&without, 1, 0).ecx & 0x180201, 0);
    edx = cpuid_of(&with, 1, 0).edx;
    ck_assert_uint_eq(edx >> 24 & 7, 7);
    ck_assert_uint_eq(edx >> 6 & 1, 1);                        /* NX needs PAE */
    ck_assert_uint_eq(cpuid_of(&with, 0x80000001, 0).edx, 1 << 20);
    struct cpu_model m;
    bool nearest;
    int length = 0;
    const char *unknown = model_make(&m, model_find("i486", &nearest), "mmx,avx512", NULL, &length);
    ck_assert_int_eq(length, 6);
    ck_assert_int_eq(strncmp(unknown, "avx512", 6), 0);
    ck_assert(!nearest && model_has(&m, FEAT_MMX) && !strcmp(m.name, "486"));
    ck_assert_str_eq(model_find("corei7_haswell_4770", &nearest)->name, "amd64");
    ck_assert(nearest);
    ck_assert_ptr_null(model_make(&m, model_row(0), "sse4_1,sse4.2,none", "", &length));
}
END_TEST

/* Whatever a row claims, only rows of features.def are there. */
START_TEST(models_are_coherent)
{
    for (unsigned n = 0; model_row(n); n++) {
        struct cpu_model m = model_named(model_row(n)->name);
        ck_assert_str_eq(m.name, model_row(n)->name);
        /* no APIC, OSXSAVE, AVX */
        ck_assert(!(m.feature[W_1D] & 1 << 9) && !(m.feature[W_1C] >> 27 & 3));
        ck_assert(!model_has(&m, FEAT_SSE) || model_has(&m, FEAT_FXSR));
        ck_assert(!model_has(&m, FEAT_LM) ||
                  (model_has(&m, FEAT_PAE) && m.max_extended >= 0x80000008));
        ck_assert(m.paddr_bits >= 32 && m.paddr_bits <= 52);
        ck_assert(!m.feature[W_7B] || m.max_leaf >= 7);
    }
}
END_TEST

/* ---- MSRs ------------------------------------------------------------------------------------ */
static int wrmsr(const char *model, uint32_t number, uint64_t value, uint64_t *back)
{
    struct bench *b = bench_protected_on(&(struct cpu_config){ .model = model }, 0);
    b->r.gpr[GPR_CX] = number;
    b->r.gpr[GPR_AX] = (uint32_t)value;
    b->r.gpr[GPR_DX] = value >> 32;
    bench_run(b, "0F 30 31 C0 31 D2 0F 32 F4");                /* wrmsr; eax = edx = 0; rdmsr */
    int vector = vector_taken(b);
    *back = b->r.gpr[GPR_DX] << 32 | (uint32_t)b->r.gpr[GPR_AX];
    bench_free(b);
    return vector;
}

START_TEST(msrs_by_model)
{
    static const struct {
        const char *model;
        uint32_t number;
        uint64_t value;
        int vector;
    } cases[] = {
        { "p2", 0x200, 0x80000006, -1 }, { "p2", 0x200, 0x80000002, 13 },
        { "p2", 0x200, 0x80000106, 13 }, { "p2", 0x200, 0x1000000000, 13 },
        { NULL, 0x200, 0x1000000000, -1 }, { "p2", 0x201, 0xF80000800, -1 },
        { "p2", 0x201, 0xF80000001, 13 }, { "p2", 0x20F, 0xF80000800, -1 }, { "p2", 0x210, 0, 13 },
        { "p2", 0x250, 0x0606060606060606, -1 }, { "p2", 0x26F, 0x0606060606060601, -1 },
        { "p2", 0x268, 0x0706060606060606, 13 }, { "p2", 0x251, 0, 13 }, { "p2", 0x2FF, 0xC06, -1 },
        { "p2", 0x2FF, 0x1006, 13 }, { "p2", 0x2FF, 0xC07, 13 }, { "pentium", 0x2FF, 0xC06, 13 },
        { "p2", 0xFE, 0, 13 }, { "p2", 0x277, 0x0007040600070406, -1 }, { "p2", 0x277, 2, 13 },
        { "ppro", 0x277, 0, 13 }, { "p2", 0x175, 0x1234, -1 }, { "k6_2", 0x175, 0, 13 },
        { "k6_2", 0xC0000081, 0x1234, -1 }, { "k6_2", 0xC0000082, 0x1234, -1 },
        { "athlon", 0xC0000082, 0x1234, 13 }, { NULL, 0xC0000082, 0xFFFF800000000000, -1 },
        { NULL, 0xC0000082, 0x800000000000, 13 }, { "p2", 0xC1, 0x123456789A, -1 },
        { "p2", 0x186, 0x4300C0, -1 }, { "pentium_mmx", 0x12, 5, -1 }, { "pentium", 0x12, 5, 13 },
        { "athlon", 0xC0010007, 5, -1 }, { "p2", 0xC0010007, 5, 13 },
        { "athlon", 0xC0010015, 5, -1 }, { "p2", 0xC0000080, 0, 13 },
        { "core2", 0xC0000103, 1, 13 }, { "nehalem", 0xC0000103, 1, -1 },
        { "core2", 0x1A0, 0x400C51809, -1 }, { "p3", 0x12345, 1, 13 },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        uint64_t back;
        int vector = wrmsr(cases[n].model, cases[n].number, cases[n].value, &back);
        ck_assert_msg(vector == cases[n].vector, "%s %x", cases[n].model, cases[n].number);
        if (vector < 0)
            ck_assert_msg(back == cases[n].value, "%s %x", cases[n].model, cases[n].number);
    }
    struct bench *b = bench_protected(0);
    b->r.gpr[GPR_CX] = 0xFE;
    bench_run(b, "0F 32 F4");
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 0x508);             /* 8 variable ranges, fixed ones, WC */
    bench_free(b);
}
END_TEST

/* IA32_MISC_ENABLE limits CPUID for systems that cannot stand more. */
START_TEST(cpuid_limit)
{
    struct bench *b = bench_protected_on(&(struct cpu_config){ .model = "core2" }, 0);
    b->r.gpr[GPR_CX] = 0x1A0;
    b->r.gpr[GPR_AX] = 1 << 22;
    bench_run(b, "0F 30 31 C0 0F A2 F4");
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 3);
    bench_free(b);
}
END_TEST

START_TEST(rdpmc)
{
    static const struct {
        const char *model;
        unsigned ring;
        uint32_t cr4, counter;
        int vector;
    } cases[] = {
        { "p2", 0, 0, 0, -1 }, { "p2", 0, 0, 1, -1 }, { "p2", 0, 0, 2, 13 }, { "p2", 3, 0, 0, 13 },
        { "p2", 3, 0x100, 0, 13 /* the HLT */ }, { "athlon", 0, 0, 3, -1 },
        { "athlon", 0, 0, 4, 13 }, { "pentium", 0, 0, 0, 6 },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *b = bench_protected_on(&(struct cpu_config){ .model = cases[n].model },
                                             cases[n].ring);
        b->r.cr4 = cases[n].cr4;
        b->r.gpr[GPR_CX] = cases[n].counter;
        bench_run(b, "0F 33 F4");
        ck_assert_msg(vector_taken(b) == cases[n].vector, "%u", n);
        if (cases[n].ring) ck_assert_uint_eq(stack32(b, 1), CODE + (cases[n].cr4 ? 2 : 0));
        bench_free(b);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("models");
    TCase *t = tcase_create("models");
    tcase_add_test(t, signatures);
    tcase_add_test(t, instructions_follow_the_model);
    tcase_add_test(t, features_can_be_added_and_excluded);
    tcase_add_test(t, models_are_coherent);
    tcase_add_test(t, msrs_by_model);
    tcase_add_test(t, cpuid_limit);
    tcase_add_test(t, rdpmc);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_ENV);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
