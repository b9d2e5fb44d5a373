/* SPDX-License-Identifier: MIT
 * The engine stops at the exact instruction: random programs end the same, whatever the slices,
 * and whether somebody counts, gives memory back or runs another processor.
 */
#include <unistd.h>
#include "tests/cpu/codegen.h"
#include "tests/unit/cpu/engine_bench.h"

/* ---- random programs, stopped anywhere ------------------------------------------------------- */
/* Every exception leads to RESTART: fresh stack and pointers, a counter, and the program again. */
enum { RESTART = 0x28000, COUNTER = 0x2F000, SEED_WORDS = 0x4000 };

static void random_code(struct bench *b, uint64_t seed, unsigned bits)
{
    struct gen g = {.seed = seed,
                    .bits = bits,
                    .pointers = 0xE8,
                    .data = bits == 32 ? DATA : 0x100,
                    .data_len = 0x3000,
                    .faults = true,
                    .repeat = true,
                    .x87 = seed % 4 == 0};
    struct program p;
    uint8_t code[GEN_MAX * 16];
    uint16_t start[GEN_MAX + 1];
    gen_program(&g, &p, 60);
    unsigned len = program_bytes(&p, code, start);
    memory_copy_to(b->memory, CODE, code, len);
    code_at(b, CODE + len, "CC");
    for (unsigned n = 0; n < SEED_WORDS; n += 4) poke32(b, DATA + n, gen_value(&g));
}

static struct bench *random_protected(uint64_t seed)
{
    struct bench *b = bench_protected(0);
    for (unsigned v = 0; v < 256; v++) idt_set(b, v, gate(SEL_CODE0, RESTART, B_INT32, 0));
    code_at(b, RESTART, "BC 00 80 00 00"          /* mov esp, STACK0 */
                        "FF 05 00 F0 02 00"       /* inc dword [COUNTER] */
                        "8B 0D 00 F0 02 00"       /* mov ecx, [COUNTER] */
                        "8D 9C 49 00 02 03 00"    /* lea ebx, [ecx + ecx * 2 + DATA + 200] */
                        "8D B1 00 04 03 00"       /* lea esi, [ecx + DATA + 400] */
                        "BF 00 08 03 00"          /* mov edi, DATA + 800 */
                        "83 E1 3F"                /* and ecx, 3F */
                        "FB"                      /* sti */
                        "E9 00 00 00 00");        /* jmp CODE */
    poke32(b, RESTART + 0x2C, (uint32_t)CODE - (RESTART + 0x30));
    random_code(b, seed, 32);
    return b;
}

static struct bench *random_real(uint64_t seed)
{
    struct bench *b = bench_real();
    for (unsigned v = 0; v < 256; v++) poke32(b, v * 4, (RESTART >> 4) << 16);
    code_at(b, RESTART, "BC 00 80"                /* mov sp, 8000 */
                        "2E FF 06 00 70"          /* inc word [cs:7000] */
                        "2E 8B 0E 00 70"          /* mov cx, [cs:7000] */
                        "8D 9F 00 02"             /* lea bx, [bx + 200] */
                        "8B F1"                   /* mov si, cx */
                        "BF 00 08"                /* mov di, 800 */
                        "83 E1 3F"                /* and cx, 3F */
                        "B8 00 30 8E C0"          /* mov ax, 3000; mov es, ax */
                        "FB"                      /* sti */
                        "EA 00 00 00 10");        /* jmp 1000:0000 */
    b->r.seg[SR_SS] = (struct cpu_segment){ 0x4000, 0x40000, 0xFFFF, 0x93 };
    random_code(b, seed, 16);
    return b;
}

struct world { uint64_t cpu, memory, ticks, counter; };

/* slice 0: as long as can be; 1: single instructions; else random lengths up to it. An interrupt
 * comes at fixed ticks. */
static struct world run_world_with(struct bench *b, uint64_t total, unsigned slice, uint64_t seed,
                                   bool profile)
{
    struct rig *r = rig_new(b);
    struct world w;
    if (profile) ck_assert(cpu_profile_start(b->cpu));
    cpu_set_regs(b->cpu, &b->r);
    for (uint64_t alarm = 777; cpu_ticks(b->cpu) < total; alarm += 777) {
        uint64_t end = alarm < total ? alarm : total;
        while (cpu_ticks(b->cpu) < end) {
            uint64_t now = cpu_ticks(b->cpu), until = now + 1;
            if (slice > 1) until = now + 1 + gen_random(&seed) % slice;
            if (!slice || until > end) until = end;
            enum cpu_stop stop = cpu_run(b->cpu, until);
            if (stop == CPU_UNTIL) ck_assert_uint_eq(cpu_ticks(b->cpu), until);
            else cpu_skip(b->cpu, end - cpu_ticks(b->cpu));             /* shut down or halted */
        }
        cpu_line(b->cpu, CPU_INTR, true);
    }
    w = (struct world){cpu_hash(b->cpu, 1), memory_hash(b->memory, 1), cpu_ticks(b->cpu),
                       peek32(b, COUNTER)};
    rig_free(r);
    return w;
}

static struct world run_world(struct bench *b, uint64_t total, unsigned slice, uint64_t seed)
{
    return run_world_with(b, total, slice, seed, false);
}

static void ck_worlds(struct world a, struct world b, unsigned seed)
{
    ck_assert_msg(a.ticks == b.ticks, "seed %u: ticks differ", seed);
    ck_assert_msg(a.cpu == b.cpu, "seed %u: registers differ", seed);
    ck_assert_msg(a.memory == b.memory, "seed %u: memory differs", seed);
}

START_TEST(slices_do_not_matter)
{
    unsigned restarts = 0;
    for (unsigned seed = 1; seed <= 60; seed++) {
        struct world whole = run_world(random_protected(seed), 20000, 0, 0);
        ck_worlds(whole, run_world(random_protected(seed), 20000, 1, 0), seed);
        ck_worlds(whole, run_world(random_protected(seed), 20000, 90, seed), seed);
        ck_worlds(whole, run_world(random_protected(seed), 20000, 3, seed), seed);
        restarts += whole.counter > 20;
    }
    ck_assert_uint_gt(restarts, 20);       /* programs that really ran */
}
END_TEST

START_TEST(slices_do_not_matter_in_real_mode)
{
    for (unsigned seed = 1; seed <= 60; seed++) {
        struct world whole = run_world(random_real(seed), 20000, 0, 0);
        ck_worlds(whole, run_world(random_real(seed), 20000, 1, 0), seed);
        ck_worlds(whole, run_world(random_real(seed), 20000, 90, seed), seed);
    }
}
END_TEST

START_TEST(a_profile_changes_nothing)
{
    for (unsigned seed = 1; seed <= 60; seed++) {
        ck_worlds(run_world(random_protected(seed), 20000, 0, 0),
                  run_world_with(random_protected(seed), 20000, 90, seed, true), seed);
        ck_worlds(run_world(random_real(seed), 20000, 0, 0),
                  run_world_with(random_real(seed), 20000, 90, seed, true), seed);
    }
}
END_TEST

/* Code that fills the arena: INC EAX a million times, then a jump to its beginning;
 * seen from outside by what the process holds. */
static long resident(void)
{
    long size, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%ld %ld", &size, &pages) != 2) pages = 0;
    if (f) fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

START_TEST(trimming_gives_memory_back)
{
    struct bench *b = bench_protected(0);
    uint8_t *code = memory_ram(b->memory) + 0x200000;
    enum { LENGTH = 800000 };
    memset(code, 0x40, LENGTH);
    code_at(b, 0x200000 + LENGTH, "E9");
    poke32(b, 0x200000 + LENGTH + 1, (uint32_t)-(LENGTH + 5));
    b->r.rip = 0x200000;
    ck_assert_int_eq(bench_go(b, 1500000), CPU_UNTIL);
    uint64_t sum = b->r.gpr[GPR_AX];
    long before = resident();
    cpu_trim(b->cpu);
    long after = resident();
    if (before) ck_assert_int_ge(before - after, 16 << 10);
    ck_assert_int_eq(bench_go(b, 800001), CPU_UNTIL);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], sum + 800000);
    bench_free(b);
}
END_TEST

START_TEST(two_processors_do_not_disturb_each_other)
{
    for (unsigned seed = 1; seed <= 10; seed++) {
        struct bench *pair[2] = { random_protected(seed), random_real(seed + 1) };
        uint64_t alone[2], random = seed;
        for (unsigned n = 0; n < 2; n++) {
            struct bench *b = n ? random_real(seed + 1) : random_protected(seed);
            cpu_set_regs(b->cpu, &b->r);
            cpu_run(b->cpu, 20000);
            alone[n] = cpu_hash(b->cpu, memory_hash(b->memory, 0));
            bench_free(b);
            cpu_set_regs(pair[n]->cpu, &pair[n]->r);
        }
        for (uint64_t t = 0; t < 20000; t += 40) {
            unsigned first = gen_random(&random) & 1;
            cpu_run(pair[first]->cpu, t + 40);
            cpu_run(pair[!first]->cpu, t + 40);
        }
        for (unsigned n = 0; n < 2; n++) {
            ck_assert_uint_eq(cpu_hash(pair[n]->cpu, memory_hash(pair[n]->memory, 0)), alone[n]);
            bench_free(pair[n]);
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("engine_slices");
    TCase *t = tcase_create("time");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, slices_do_not_matter);
    tcase_add_test(t, slices_do_not_matter_in_real_mode);
    tcase_add_test(t, a_profile_changes_nothing);
    tcase_add_test(t, trimming_gives_memory_back);
    tcase_add_test(t, two_processors_do_not_disturb_each_other);
    suite_add_tcase(s, t);
    return bench_main(s);
}
