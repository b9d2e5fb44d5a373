/* SPDX-License-Identifier: MIT
 * The firmware loader: where ROMs land, and what is said of files that are none.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bios/loader.h"

static struct memory *m;
static struct loader *l;
static char path[64], why[512];

static void setup(void)
{
    snprintf(path, sizeof path, "/tmp/vitro-rom-%ld", (long)getpid());
    m = memory_new(2 << 20, NULL);
    l = loader_new(m, NULL);
}

static void teardown(void)
{
    memory_free(m);
    loader_free(l);
    unlink(path);
}

/* Byte i of the file is i / 4096, so that a place tells which page is there. */
static void make(size_t len)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    for (size_t i = 0; i < len; i++) putc((int)(i >> 12 & 0xFF), f);
    fclose(f);
}

static uint8_t at(uint64_t paddr) { return memory_peek(m, paddr); }

START_TEST(system_rom_of_256k)
{
    make(256 << 10);
    ck_assert_ptr_null(loader_system(l, path, why, sizeof why));
    ck_assert_uint_eq(at(0xFFFFFFFF), 63);
    ck_assert_uint_eq(at(0xFFFC0000), 0);
    ck_assert_uint_eq(at(0xFFFBFFFF), 0xFF);
    ck_assert_uint_eq(at(0xFFFFF), 63);
    ck_assert_uint_eq(at(0xE0000), 32);
    ck_assert_uint_eq(at(0xDFFFF), 0xFF);
    memory_write(m, 0xFFFFFFF0, 0, BYTE);
    ck_assert_uint_eq(at(0xFFFFFFF0), 63);
    ck_assert_str_eq(loader_system_path(l), path);
}
END_TEST

START_TEST(system_roms_of_other_sizes)
{
    make(64 << 10);
    ck_assert_ptr_null(loader_system(l, path, why, sizeof why));
    ck_assert_uint_eq(at(0xF0000), 0);
    ck_assert_uint_eq(at(0xFFFFF), 15);
    ck_assert_uint_eq(at(0xEFFFF), 0xFF);
    ck_assert_uint_eq(at(0xFFFF0000), 0);
    make(4 << 20);
    ck_assert_ptr_null(loader_system(l, path, why, sizeof why));
    ck_assert_uint_eq(at(0xFFC01000), 1);
    ck_assert_uint_eq(at(0xE0000), 0xE0);
}
END_TEST

START_TEST(files_that_are_no_rom)
{
    static const size_t sizes[] = { 0, 1, 4095, 65537, (4 << 20) + 1, (4 << 20) + 4096 };
    for (unsigned i = 0; i < COUNT_OF(sizes); i++) {
        make(sizes[i]);
        ck_assert_ptr_eq(loader_system(l, path, why, sizeof why), why);
        ck_assert_ptr_nonnull(strstr(why, path));
        ck_assert_ptr_nonnull(strstr(why, "bytes"));
    }
    ck_assert_uint_eq(at(0xFFFFFFFF), 0xFF);
    ck_assert_ptr_nonnull(loader_system(l, "/nowhere/bios.bin", why, sizeof why));
    ck_assert_ptr_nonnull(strstr(why, "/nowhere/bios.bin: No such file"));
    ck_assert_ptr_nonnull(loader_system(l, "/tmp", why, sizeof why));
    ck_assert_str_eq(loader_system_path(l), "");
}
END_TEST

START_TEST(vga_and_option_roms)
{
    ck_assert_str_eq(loader_vga_path(l), "");
    make(38912);                                             /* not whole pages: filled up */
    ck_assert_ptr_null(loader_vga(l, path, why, sizeof why));
    ck_assert_uint_eq(at(0xC1000), 1);
    ck_assert_uint_eq(at(0xC0000 + 38911), 9);
    ck_assert_uint_eq(at(0xC0000 + 38912), 0xFF);
    ck_assert_str_eq(loader_vga_path(l), path);
    make(4096);
    ck_assert_ptr_null(loader_option(l, path, 0xD0800, why, sizeof why));
    ck_assert_uint_eq(at(0xD07FF), 0xFF);
    ck_assert_uint_eq(at(0xD0800), 0);
    ck_assert_uint_eq(at(0xD17FF), 0);
    ck_assert_uint_eq(at(0xD1800), 0xFF);
    static const uint32_t bad[] = { 0, 0xBF800, 0xD0001, 0xD0200, 0xE0000, 0xFFFFF800 };
    for (unsigned i = 0; i < COUNT_OF(bad); i++)
        ck_assert_ptr_nonnull(loader_option(l, path, bad[i], why, sizeof why));
    make(513);
    ck_assert_ptr_nonnull(loader_option(l, path, 0xD8000, why, sizeof why));
}
END_TEST

static unsigned warnings;
static void warned(void *ctx, const char *message) { (void)ctx; (void)message; warnings++; }

START_TEST(bad_headers_are_warned_of)
{
    struct log *log = log_new();
    struct loader *noisy = loader_new(m, log);
    log_open(log, "/dev/null");
    log_set_action(log, NULL, LOG_WARN, LOG_FATAL);
    log_on_fatal(log, warned, NULL);
    uint8_t rom[1024] = { 0x55, 0xAA, 2 };
    rom[1023] = (uint8_t)-(0x55 + 0xAA + 2);
    static const struct { unsigned at; uint8_t value; unsigned warnings; } cases[] = {
        { 3, 0, 0 }, { 0, 0x54, 1 }, { 0, 0x55, 0 }, { 100, 1, 1 }, { 2, 3, 1 },
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        rom[cases[i].at] = cases[i].value;
        FILE *f = fopen(path, "wb");
        fwrite(rom, 1, sizeof rom, f);
        fclose(f);
        warnings = 0;
        ck_assert_ptr_null(loader_option(noisy, path, 0xC8000, why, sizeof why));
        ck_assert_uint_eq(warnings, cases[i].warnings);
    }
    memory_free(m);
    m = NULL;
    loader_free(noisy);
    log_free(log);
}
END_TEST

START_TEST(too_many_roms)
{
    make(4096);
    for (unsigned i = 0; i < 16; i++)
        ck_assert_ptr_null(loader_option(l, path, 0xC8000, why, sizeof why));
    ck_assert_ptr_nonnull(loader_option(l, path, 0xC8000, why, sizeof why));
    char tiny[4];
    ck_assert_ptr_eq(loader_option(l, path, 0xC8000, tiny, sizeof tiny), tiny);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("loader");
    TCase *tc = tcase_create("loader");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, system_rom_of_256k);
    tcase_add_test(tc, system_roms_of_other_sizes);
    tcase_add_test(tc, files_that_are_no_rom);
    tcase_add_test(tc, vga_and_option_roms);
    tcase_add_test(tc, bad_headers_are_warned_of);
    tcase_add_test(tc, too_many_roms);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
