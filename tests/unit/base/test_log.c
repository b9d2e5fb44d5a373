/* SPDX-License-Identifier: MIT
 * Log lines and the bus's access splitter.
 */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/io.h"
#include "base/log.h"

static char path[64], text[16384];
static struct log *l;

static void setup(void)
{
    snprintf(path, sizeof path, "/tmp/vitro-log-%ld", (long)getpid());
    l = log_new();
    ck_assert(log_open(l, path));
}

static void teardown(void)
{
    log_free(l);
    unlink(path);
}

static const char *written(void)
{
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    return text;
}

static unsigned lines(const char *t)
{
    unsigned n = 0;
    for (; *t; t++) n += *t == '\n';
    return n;
}

static nanos noon(void *ctx) { (void)ctx; return 12 * SECOND + 345678901; }
static char stopped[64];
static void stop(void *ctx, const char *message)
{
    ++*(unsigned *)ctx;
    snprintf(stopped, sizeof stopped, "%s", message);
}

START_TEST(a_line_says_when_who_how_bad_and_what)
{
    log_line(l, "ata0", LOG_WARN, "sector %d", 7);
    ck_assert_str_eq(written(), "[ata0] warning: sector 7\n");
    log_set_clock(l, noon, NULL);
    log_line(l, "ata0", LOG_ERROR, "gone");
    ck_assert_ptr_nonnull(strstr(written(), "\n12.345678 [ata0] error: gone\n"));
}
END_TEST

START_TEST(rules_by_module_and_level)
{
    ck_assert(!log_wants(l, "pit", LOG_DEBUG));
    ck_assert(log_wants(l, "pit", LOG_INFO));
    log_set_action(l, "pit", LOG_DEBUG, LOG_REPORT);
    log_set_action(l, NULL, LOG_INFO, LOG_IGNORE);
    ck_assert(log_wants(l, "pit", LOG_DEBUG));
    ck_assert(!log_wants(l, "pit", LOG_INFO));
    ck_assert(!log_wants(l, "rtc", LOG_DEBUG));
    log_set_action(l, "pit", LOG_INFO, LOG_REPORT);
    ck_assert(log_wants(l, "pit", LOG_INFO));
    log_line(l, "rtc", LOG_INFO, "ignored");
    ck_assert_str_eq(written(), "");
    log_set_action(l, "pit", (enum log_level)99, LOG_REPORT);
}
END_TEST

START_TEST(repeats_are_counted)
{
    for (unsigned i = 0; i < 1000; i++)
        log_line(l, "ide", LOG_WARN, "odd command %u of %s", i, i ? "the guest\n" : "nobody");
    log_line(l, "ide", LOG_WARN, "another");
    ck_assert_uint_eq(lines(written()), 21);
    log_free(l);
    l = NULL;
    ck_assert_ptr_nonnull(strstr(written(), "[ide] 980 more like: odd command 19 of the guest"));
    ck_assert_ptr_null(strchr(text, '%'));
}
END_TEST

START_TEST(fatal_asks_the_machine_to_stop)
{
    unsigned stops = 0;
    log_on_fatal(l, stop, &stops);
    log_line(l, "cpu", LOG_PANIC, "bad %s", "luck");
    ck_assert_uint_eq(stops, 1);
    ck_assert_str_eq(stopped, "bad luck");
    log_set_action(l, "cpu", LOG_PANIC, LOG_REPORT);
    log_line(l, "cpu", LOG_PANIC, "bad %s", "luck");
    ck_assert_uint_eq(stops, 1);
}
END_TEST

START_TEST(hostile_text_stays_on_its_line)
{
    char big[5000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = 0;
    log_line(l, "a", LOG_INFO, "%s", "one\ntwo\x1B[2J");
    log_line(l, "b", LOG_INFO, "%s", big);
    ck_assert_uint_eq(lines(written()), 2);
    ck_assert_ptr_null(strchr(written(), 0x1B));
}
END_TEST

START_TEST(no_log_swallows_everything)
{
    log_line(NULL, "x", LOG_PANIC, "%d", 1);
    log_set_action(NULL, "x", LOG_INFO, LOG_IGNORE);
    log_on_fatal(NULL, stop, NULL);
    log_set_clock(NULL, noon, NULL);
    log_free(NULL);
    ck_assert(!log_wants(NULL, "x", LOG_PANIC));
    ck_assert(!log_open(l, "/nowhere/at/all"));
    ck_assert_int_eq(errno, ENOENT);
    log_line(l, NULL, LOG_INFO, "still open");
    ck_assert_str_eq(written(), "[?] info: still open\n");
}
END_TEST

/* ---- io_read, io_write ----------------------------------------------------------------------- */
static unsigned calls, last_offset, last_size;
static uint32_t sum;

static uint32_t reads(struct device *d, uint32_t offset, enum width size)
{
    (void)d;
    calls++;
    last_offset = offset;
    last_size = size;
    return 0x87654321u >> (8 * (offset & 3));
}

static void writes(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    reads(d, offset, size);
    sum += value << (8 * (offset & 3));
}

START_TEST(accesses_are_cut_into_declared_widths)
{
    static const struct {
        uint8_t widths;
        unsigned offset, bytes;
        uint32_t value;
        unsigned calls;
    } cases[] = {
        { BYTE, 0, 4, 0x87654321, 4 },          { WORD, 0, 4, 0x87654321, 2 },
        { BYTE | WORD, 1, 2, 0x6543, 1 },       { BYTE | WORD | DWORD, 0, 4, 0x87654321, 1 },
        { BYTE | WORD, 0, 3, 0x654321, 2 },     { DWORD, 1, 1, 0x43, 1 },
        { DWORD, 2, 2, 0x8765, 1 },             { WORD, 3, 1, 0x87, 1 },
        { WORD, 0, 2, 0x4321, 1 },              { 0, 0, 4, 0xFFFFFFFF, 0 },
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        const struct io_ops ops = { reads, writes, NULL, cases[i].widths };
        calls = 0;
        ck_assert_uint_eq(io_read(NULL, &ops, cases[i].offset, cases[i].bytes), cases[i].value);
        ck_assert_uint_eq(calls, cases[i].calls);
    }
}
END_TEST

START_TEST(narrow_writes_keep_their_width)
{
    const struct io_ops dwords = { reads, writes, NULL, DWORD };
    const struct io_ops silent = { 0 };
    io_write(NULL, &dwords, 2, 0xABCD, 2);
    ck_assert_uint_eq(last_offset, 2);
    ck_assert_uint_eq(last_size, 2);
    const struct io_ops bytes = { reads, writes, NULL, BYTE };
    sum = 0;
    io_write(NULL, &bytes, 0, 0x12345678, 4);
    ck_assert_uint_eq(sum, 0x12345678);
    io_write(NULL, &silent, 0, 0, 4);
    ck_assert_uint_eq(io_read(NULL, &silent, 0, 2), 0xFFFF);
    ck_assert_uint_eq(io_peek(NULL, &silent, 0), 0xFF);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("base");
    TCase *tc = tcase_create("log");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, a_line_says_when_who_how_bad_and_what);
    tcase_add_test(tc, rules_by_module_and_level);
    tcase_add_test(tc, repeats_are_counted);
    tcase_add_test(tc, fatal_asks_the_machine_to_stop);
    tcase_add_test(tc, hostile_text_stays_on_its_line);
    tcase_add_test(tc, no_log_swallows_everything);
    suite_add_tcase(suite, tc);
    tc = tcase_create("io");
    tcase_add_test(tc, accesses_are_cut_into_declared_widths);
    tcase_add_test(tc, narrow_writes_keep_their_width);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
