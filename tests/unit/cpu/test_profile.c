/* SPDX-License-Identifier: MIT
 * The built-in profile: what it counts, against code whose counts are known. That it changes
 * nothing for the guest is in test_engine.c.
 */
#include "bench_cpu.h"

enum { REPORT = 1 << 16, MMIO = 0x800000 };
static char report[REPORT];

static void take_line(void *ctx, const char *text)
{
    size_t n = strlen(report);
    (void)ctx;
    snprintf(report + n, REPORT - n, "%s\n", text);
}

static const char *owner(void *ctx, uint16_t port)
{
    (void)ctx;
    return port >= 0x80 && port < 0x90 ? "page registers" : NULL;
}

static void print_report(const struct bench *b)
{
    *report = 0;
    ck_assert(cpu_profile_print(b->cpu, &(struct cpu_profile_report){ take_line, owner, NULL, 0 }));
}

/* Sum of the counts in rows (share, count, text) whose text begins so. */
static unsigned long counted(const char *begin)
{
    unsigned long sum = 0, count;
    int at;
    for (const char *line = report; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        at = 0;
        if (sscanf(line, " %*f %% %lu %n", &count, &at) == 1 && at &&
            !strncmp(line + at, begin, strlen(begin)))
            sum += count;
    }
    return sum;
}

static bool reports(const char *text) { return strstr(report, text); }

/* The code runs until it halts. */
static void profile_code(struct bench *b, const char *hex, unsigned ticks)
{
    ck_assert(cpu_profile_start(b->cpu));
    code_at(b, (uint32_t)(b->r.seg[SR_CS].base + b->r.rip), hex);
    ck_assert_int_eq(bench_go(b, ticks), CPU_HALTED);
    print_report(b);
}

START_TEST(handlers_are_counted)
{
    struct bench *b = bench_protected(0);
    profile_code(b, "B9 E8 03 00 00"       /* mov ecx, 1000 */
                    "01 D8"                /* add eax, ebx */
                    "31 C3"                /* xor ebx, eax */
                    "8B 15 00 00 03 00"    /* mov edx, [DATA] */
                    "49"                   /* dec ecx */
                    "75 F3"                /* jnz */
                    "F4", 10000);
    ck_assert_uint_eq(counted("mov r32, imm"), 1);
    ck_assert_uint_eq(counted("add r32, r32"), 1000);
    ck_assert_uint_eq(counted("xor r32, r32"), 1000);
    ck_assert_uint_eq(counted("mov r32, m32"), 1000);
    ck_assert_uint_eq(counted("dec r32"), 1000);
    ck_assert_uint_eq(counted("hlt"), 1);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 0);
    ck_assert(reports("1000 instructions with memory operands, 1 misses"));
    ck_assert(reports("Profile of 5002 instructions"));
    bench_free(b);
}
END_TEST

/* A comparison and its branch are one handler in a long trace, two in a plain one. */
START_TEST(pairs_are_counted)
{
    struct bench *b = bench_protected(0);
    profile_code(b, "31 C9 41 90 81 F9 E8 03 00 00 75 F6 F4", 10000);     /* cmp ecx, 1000; jnz */
    ck_assert_uint_eq(counted("nop"), 1000);
    ck_assert_uint_eq(counted("cmp r32, imm"), 1000);
    ck_assert_uint_gt(counted("cmp r32, imm + jnz"), 900);
    ck_assert_uint_eq(counted("cmp r32, imm + jnz") + counted("jnz Jb"), 1000);
    bench_free(b);
}
END_TEST

START_TEST(traces_are_counted)
{
    struct bench *b = bench_protected(0);
    /* a loop around a jump of its own */
    profile_code(b, "B9 64 00 00 00 90 90 EB 00 49 75 F9 F4", 10000);
    ck_assert(reports("plain: code that is new"));
    unsigned long long runs = 0, built = 0;
    ck_assert_int_eq(sscanf(strstr(report, "Traces:"), "Traces: %llu runs of %llu built",
                            &runs, &built), 2);
    ck_assert_uint_gt(runs, built);
    ck_assert_uint_gt(built, 2);
    ck_assert_uint_eq(counted("HLT"), 1);
    ck_assert_uint_gt(counted("the target has no long trace"), 0);
    bench_free(b);
}
END_TEST

START_TEST(stores_to_code_are_counted)
{
    struct bench *b = bench_protected(0);
    /* mov ecx, 50; inc byte [the immediate of the next]; mov al, 0; loop; hlt */
    profile_code(b, "B9 32 00 00 00 FE 05 0C 00 01 00 B0 00 E2 F6 F4", 10000);
    unsigned long long runs = 0, built = 0, dropped = 0;
    ck_assert_int_eq(sscanf(strstr(report, "Traces:"),
                            "Traces: %llu runs of %llu built (each %*f times); %llu",
                            &runs, &built, &dropped), 3);
    ck_assert_uint_ge(dropped, 50);
    ck_assert_uint_ge(counted("a trace has written to itself"), 50);
    ck_assert_uint_ge(counted("store: page with code"), 49);
    bench_free(b);
}
END_TEST

START_TEST(ports_and_interrupts_are_counted)
{
    struct bench *b = bench_protected(0);
    code_at(b, HANDLERS + 0x30 * 16, "CF");
    code_at(b, HANDLERS + 6 * 16, "83 04 24 02 CF");           /* #UD: behind UD2 */
    profile_code(b, "B9 0A 00 00 00 E6 80 E4 81 E4 40 CD 30 0F 0B E2 F4 F4", 10000);
    ck_assert_uint_eq(counted("INT 30h"), 10);
    ck_assert_uint_eq(counted("exception 06h #UD"), 10);
    ck_assert_uint_eq(counted("a fault"), 10);
    ck_assert_uint_eq(b->outs, 10);
    ck_assert_uint_eq(b->ins, 20);
    ck_assert(reports("  0080-008F             10              10               0"
                      "  page registers\n"));
    ck_assert(reports("  0040-0040             10               0               0  nobody\n"));
    bench_free(b);
}
END_TEST

static uint32_t nothing_read(struct device *d, uint32_t offset, enum width size)
{
    (void)d, (void)offset, (void)size;
    return 0;
}
static void nothing_written(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    (void)d, (void)offset, (void)value, (void)size;
}

/* Also the first access, which is a miss. */
START_TEST(devices_in_memory_are_counted)
{
    static const struct io_ops ops = { nothing_read, nothing_written, NULL, BYTE | WORD | DWORD };
    struct bench *b = bench_protected(0);
    ck_assert_ptr_nonnull(memory_map_io(b->memory, "card", 1, MMIO, 2 * PAGE_SIZE,
                                        (struct device *)(void *)b, &ops));
    profile_code(b, "B9 05 00 00 00 A1 00 00 80 00 A3 04 00 80 00 A2 00 10 80 00 E2 EF F4", 1000);
    ck_assert(reports("  00800000               5              10  card\n"));
    ck_assert(reports("  00100000") == false);
    bench_free(b);
}
END_TEST

START_TEST(page_walks_are_counted)
{
    struct bench *b = bench_protected(0);
    poke32(b, TABLES, (TABLES + 0x1000) | 3);
    for (uint32_t n = 0; n < 1024; n++) poke32(b, TABLES + 0x1000 + n * 4, n << 12 | 3);
    b->r.cr3 = TABLES;
    b->r.cr0 |= 0x80000000;
    /* eight times: flush, load from DATA */
    profile_code(b, "B9 08 00 00 00 0F 20 D8 0F 22 D8 8B 15 00 00 03 00 E2 F2 F4", 1000);
    ck_assert_uint_eq(counted("misses of loads, supervisor"), 8);
    ck_assert_uint_ge(counted("misses of fetches, supervisor"), 8);
    ck_assert_uint_eq(counted("misses of stores"), 0);
    ck_assert_uint_eq(counted("load: TLB miss"), 8);
    bench_free(b);
}
END_TEST

START_TEST(nothing_to_print_without_it)
{
    struct bench *b = bench_protected(0);
    ck_assert(!cpu_profile_print(b->cpu, &(struct cpu_profile_report){
        take_line, owner, NULL, 0 }));
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("profile");
    TCase *t = tcase_create("counts");
    tcase_add_test(t, handlers_are_counted);
    tcase_add_test(t, pairs_are_counted);
    tcase_add_test(t, traces_are_counted);
    tcase_add_test(t, stores_to_code_are_counted);
    tcase_add_test(t, ports_and_interrupts_are_counted);
    tcase_add_test(t, devices_in_memory_are_counted);
    tcase_add_test(t, page_walks_are_counted);
    tcase_add_test(t, nothing_to_print_without_it);
    suite_add_tcase(s, t);
    return bench_main(s);
}
