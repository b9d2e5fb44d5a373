/* SPDX-License-Identifier: MIT
 * The MC146818 against its data sheet, and what BIOSes expect in CMOS memory.
 */
#include "iodev/rtc.h"
#include "tests/unit/fake_board.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

extern const struct device_class rtc_class;

enum { US = 1000, MS = 1000 * US };

static uint8_t get(struct board *b, uint8_t index)
{
    fake_out8(b, 0x70, index);
    return fake_in8(b, 0x71);
}

static void set(struct board *b, uint8_t index, uint8_t value)
{
    fake_out8(b, 0x70, index);
    fake_out8(b, 0x71, value);
}

static struct board *bench(const char *time0)
{
    struct board *b = fake_new(1 << 16);
    ck_assert_ptr_nonnull(fake_plug(b, &rtc_class, "time0", time0, NULL));
    return b;
}

/* century year month day weekday hour minute second, as stored */
static void expect_time(struct board *b, const uint8_t t[8])
{
    static const uint8_t at[8] = { 0x32, 9, 8, 7, 6, 4, 2, 0 };
    for (unsigned i = 0; i < 8; i++)
        ck_assert_msg(get(b, at[i]) == t[i], "register %02X is %02X, not %02X", at[i],
                      get(b, at[i]), t[i]);
}

START_TEST(dates)
{
    static const struct { const char *unix_time; uint8_t t[8]; } cases[] = {
        { "0",           { 0x19, 0x70, 0x01, 0x01, 5, 0x00, 0x00, 0x00 } },
        { "946684799",   { 0x19, 0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x59 } },
        { "951782400",   { 0x20, 0x00, 0x02, 0x29, 3, 0x00, 0x00, 0x00 } },
        { "1709208000",  { 0x20, 0x24, 0x02, 0x29, 5, 0x12, 0x00, 0x00 } },
        { "4107542400",  { 0x21, 0x00, 0x03, 0x01, 2, 0x00, 0x00, 0x00 } },
        { "253402300799", { 0x99, 0x99, 0x12, 0x31, 6, 0x23, 0x59, 0x59 } },
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        struct board *b = bench(cases[i].unix_time);
        expect_time(b, cases[i].t);
        fake_free(b);
    }
    struct board *b = fake_new(1 << 16);
    ck_assert_ptr_null(fake_plug(b, &rtc_class, "time0", "253402300800", NULL));
    fake_free(b);
}
END_TEST

START_TEST(carries)
{
    struct board *b = bench("946684798");       /* two seconds before 2000 */
    fake_advance(b, 2 * SECOND - 1);
    ck_assert_uint_eq(get(b, 0), 0x59);
    fake_advance(b, 1);
    expect_time(b, (const uint8_t[8]){ 0x20, 0x00, 0x01, 0x01, 7, 0x00, 0x00, 0x00 });
    fake_advance(b, 59 * 86400 * SECOND);       /* January and the leap day are over */
    expect_time(b, (const uint8_t[8]){ 0x20, 0x00, 0x02, 0x29, 3, 0x00, 0x00, 0x00 });
    fake_advance(b, 86400 * SECOND);
    expect_time(b, (const uint8_t[8]){ 0x20, 0x00, 0x03, 0x01, 4, 0x00, 0x00, 0x00 });
    fake_free(b);
}
END_TEST

START_TEST(formats)
{
    struct board *b = bench("0");
    set(b, 0x0B, 0x86);                         /* SET, binary, 24 h */
    set(b, 4, 23), set(b, 2, 59), set(b, 0, 59);
    set(b, 0x0B, 0x06);
    fake_advance(b, SECOND);
    ck_assert_uint_eq(get(b, 4), 0);
    ck_assert_uint_eq(get(b, 7), 2);
    set(b, 0x0B, 0x80);                         /* BCD, 12 h */
    set(b, 4, 0x11), set(b, 2, 0x59), set(b, 0, 0x59);
    set(b, 0x0B, 0x00);
    fake_advance(b, SECOND);
    ck_assert_uint_eq(get(b, 4), 0x92);         /* 12 p.m. */
    fake_advance(b, 3600 * SECOND);
    ck_assert_uint_eq(get(b, 4), 0x81);
    fake_advance(b, 11 * 3600 * SECOND);
    ck_assert_uint_eq(get(b, 4), 0x12);         /* 12 a.m. */
    ck_assert_uint_eq(get(b, 7), 3);
    fake_free(b);
}
END_TEST

START_TEST(update_in_progress)
{
    struct board *b = bench("0");
    fake_advance(b, SECOND - 2229 * US);
    ck_assert_uint_eq(get(b, 0x0A), 0x26);
    fake_advance(b, 1 * US);
    ck_assert_uint_eq(get(b, 0x0A), 0xA6);
    ck_assert_uint_eq(get(b, 0), 0x00);
    fake_advance(b, 2228 * US);
    ck_assert_uint_eq(get(b, 0x0A), 0x26);
    ck_assert_uint_eq(get(b, 0), 0x01);
    set(b, 0x0A, 0xFF & 0xA6);                  /* UIP is read only */
    ck_assert_uint_eq(get(b, 0x0A), 0x26);
    set(b, 0x0B, 0x82);                         /* SET: no update, no UIP, registers free */
    fake_advance(b, SECOND - 1 * US);
    ck_assert_uint_eq(get(b, 0x0A), 0x26);
    fake_advance(b, 5 * SECOND);
    ck_assert_uint_eq(get(b, 0), 0x01);
    fake_free(b);
}
END_TEST

START_TEST(divider_reset)
{
    struct board *b = bench("0");
    fake_advance(b, 300 * MS);
    set(b, 0x0A, 0x76);
    fake_advance(b, 10 * SECOND);
    ck_assert_uint_eq(get(b, 0), 0x00);
    set(b, 0x0A, 0x26);
    fake_advance(b, 500 * MS - 1);
    ck_assert_uint_eq(get(b, 0), 0x00);
    fake_advance(b, 1);
    ck_assert_uint_eq(get(b, 0), 0x01);
    fake_advance(b, SECOND);
    ck_assert_uint_eq(get(b, 0), 0x02);
    fake_free(b);
}
END_TEST

START_TEST(update_ended)
{
    struct board *b = bench("0");
    fake_advance(b, SECOND);
    ck_assert_uint_eq(get(b, 0x0C) & 0xB0, 0x10);    /* UF without UIE: no IRQF */
    ck_assert_uint_eq(get(b, 0x0C), 0x00);
    set(b, 0x0B, 0x12);
    fake_advance(b, SECOND);
    ck_assert(fake_irq(b, 8));
    fake_out8(b, 0x70, 0x0C);
    ck_assert_uint_eq((unsigned)fake_peek(b, 0x71) & 0x90, 0x90);    /* peek takes nothing */
    ck_assert_uint_eq(get(b, 0x0C) & 0x90, 0x90);
    ck_assert(!fake_irq(b, 8));
    set(b, 0x0B, 0x92);                         /* SET clears UIE */
    ck_assert_uint_eq(get(b, 0x0B), 0x82);
    fake_free(b);
}
END_TEST

START_TEST(alarm_clock)
{
    struct board *b = bench("0");
    set(b, 1, 0x05), set(b, 3, 0x01), set(b, 5, 0xC0);
    set(b, 0x0B, 0x22);
    fake_advance(b, 64 * SECOND);
    ck_assert(!fake_irq(b, 8));
    fake_advance(b, SECOND);
    ck_assert(fake_irq(b, 8));
    ck_assert_uint_eq(get(b, 0x0C) & 0xA0, 0xA0);
    fake_advance(b, 3599 * SECOND);
    ck_assert(!fake_irq(b, 8));
    fake_advance(b, SECOND);                    /* C0h: every hour */
    ck_assert(fake_irq(b, 8));
    fake_free(b);
}
END_TEST

START_TEST(periodic)
{
    struct board *b = bench("0");
    set(b, 0x0B, 0x42);
    unsigned before = fake_irq_edges(b, 8), taken = 0;
    for (unsigned i = 0; i < 100000; i++) {
        fake_advance(b, 100 * US);
        if (fake_irq(b, 8)) taken += get(b, 0x0C) >> 6 & 1;
    }
    ck_assert_uint_eq(taken, 10 * 1024);        /* ten seconds at rate 6 */
    ck_assert_uint_eq(fake_irq_edges(b, 8) - before, 10 * 1024);
    set(b, 0x0A, 0x2F);                         /* 2 Hz */
    get(b, 0x0C);
    fake_advance(b, 499 * MS);
    ck_assert(!fake_irq(b, 8));
    fake_advance(b, 1 * MS);
    ck_assert(fake_irq(b, 8));
    set(b, 0x0A, 0x20);                         /* none */
    get(b, 0x0C);
    fake_advance(b, 900 * MS);
    ck_assert(!fake_irq(b, 8));
    fake_free(b);
}
END_TEST

/* PF is there for a poller, too; enabling PIE late raises the interrupt at once. */
START_TEST(periodic_flag_without_irq)
{
    struct board *b = bench("0");
    get(b, 0x0C);
    fake_advance(b, 976 * US);
    ck_assert_uint_eq(get(b, 0x0C), 0x00);
    fake_advance(b, 1 * US);
    ck_assert_uint_eq(get(b, 0x0C), 0x40);
    ck_assert_uint_eq(get(b, 0x0C), 0x00);
    fake_advance(b, 1 * MS);
    set(b, 0x0B, 0x42);
    ck_assert(fake_irq(b, 8));
    set(b, 0x0B, 0x02);
    ck_assert(!fake_irq(b, 8));
    fake_free(b);
}
END_TEST

START_TEST(reset_keeps_memory)
{
    struct board *b = bench("0");
    set(b, 0x40, 0x5A);
    set(b, 0x0B, 0x7A);
    fake_advance(b, SECOND);
    ck_assert(fake_irq(b, 8));
    fake_reset(b, RESET_POWER);
    ck_assert(!fake_irq(b, 8));
    ck_assert_uint_eq(get(b, 0x40), 0x5A);
    ck_assert_uint_eq(get(b, 0x0B), 0x02);
    ck_assert_uint_eq(get(b, 0), 0x01);
    ck_assert_uint_eq(get(b, 0x0D), 0x80);
    fake_free(b);
}
END_TEST

START_TEST(two_banks)
{
    struct board *b = bench("0");
    fake_out8(b, 0x72, 0x8A), fake_out8(b, 0x73, 0x11);    /* CMOS 8Ah, not register A */
    ck_assert_uint_eq(get(b, 0x0A), 0x26);
    fake_out8(b, 0x72, 0x0A);
    ck_assert_uint_eq(fake_in8(b, 0x73), 0x11);
    ck_assert_uint_eq(cmos_get(board_find(b, "rtc"), 0x8A), 0x11);
    ck_assert_uint_eq(fake_in8(b, 0x70), 0xFF);
    fake_out8(b, 0x70, 0x8F), fake_out8(b, 0x71, 0x77);    /* bit 7 masks NMI */
    ck_assert(fake_wire(b, WIRE_NMI_MASK));
    ck_assert_uint_eq(get(b, 0x0F), 0x77);
    ck_assert(!fake_wire(b, WIRE_NMI_MASK));
    fake_out8(b, 0x70, 0x80);
    rtc_class.reset(board_find(b, "rtc"), RESET_HARD);
    ck_assert(!fake_wire(b, WIRE_NMI_MASK));
    fake_free(b);
}
END_TEST

START_TEST(pc_values)
{
    struct board *b = bench("0");
    struct device *rtc = board_find(b, "rtc");
    struct cmos_setup s = {
        .ram_below_4g = 0xC0000000, .ram_above_4g = 0x140000000,
        .floppy = { CMOS_FLOPPY_1_44M, CMOS_FLOPPY_1_2M },
        .disk = { { 2000, 16, 63, CMOS_TRANSLATION_AUTO }, { 0 },
                  { 500, 8, 17, CMOS_TRANSLATION_AUTO } },
        .boot = { CMOS_BOOT_CDROM, CMOS_BOOT_DISK, CMOS_BOOT_FLOPPY },
    };
    cmos_set_pc(rtc, &s);
    static const uint8_t expect[][2] = {
        { 0x10, 0x42 }, { 0x12, 0xF0 }, { 0x14, 0x47 }, { 0x15, 0x80 }, { 0x16, 0x02 },
        { 0x17, 0xFF }, { 0x18, 0xFF }, { 0x30, 0xFF }, { 0x31, 0xFF }, { 0x34, 0x00 },
        { 0x35, 0xBF }, { 0x19, 47 }, { 0x1A, 0 }, { 0x1B, 0xD0 }, { 0x1C, 0x07 }, { 0x1D, 16 },
        { 0x20, 0xC8 }, { 0x23, 63 }, { 0x39, 0x01 }, { 0x3D, 0x23 }, { 0x38, 0x10 },
        { 0x5B, 0x00 }, { 0x5C, 0x40 }, { 0x5D, 0x01 }, { 0x5F, 0x00 },
    };
    for (unsigned i = 0; i < COUNT_OF(expect); i++)
        ck_assert_msg(get(b, expect[i][0]) == expect[i][1], "CMOS %02X is %02X, not %02X",
                      expect[i][0], get(b, expect[i][0]), expect[i][1]);
    unsigned sum = 0;
    for (uint8_t i = 0x10; i < 0x2E; i++) sum += get(b, i);
    ck_assert_uint_eq(get(b, 0x2E) << 8 | get(b, 0x2F), sum);
    s.disk[0].translation = CMOS_TRANSLATION_RECHS;
    s.disk[1].translation = CMOS_TRANSLATION_LARGE;             /* of a disk that is not there */
    s.disk[2].translation = CMOS_TRANSLATION_LARGE;
    cmos_set_pc(rtc, &s);
    ck_assert_uint_eq(get(b, 0x39), 0x23);
    s.disk[0].translation = CMOS_TRANSLATION_NONE;
    s.disk[2].translation = CMOS_TRANSLATION_LBA;
    cmos_set_pc(rtc, &s);
    ck_assert_uint_eq(get(b, 0x39), 0x10);
    s = (struct cmos_setup){ .ram_below_4g = 512 * 1024, .floppy = { CMOS_FLOPPY_360K },
                             .boot = { CMOS_BOOT_FLOPPY } };
    cmos_set_pc(rtc, &s);
    ck_assert_uint_eq(get(b, 0x15) | get(b, 0x16) << 8, 512);
    ck_assert_uint_eq(get(b, 0x17) | get(b, 0x35), 0);
    ck_assert_uint_eq(get(b, 0x14), 0x07);
    fake_free(b);
}
END_TEST

static void write_file(const char *path, size_t len)
{
    FILE *f = fopen(path, "wb");
    ck_assert_ptr_nonnull(f);
    for (size_t i = 0; i < len; i++) fputc((int)(i ^ 0x55) & 0xFF, f);
    fclose(f);
}

START_TEST(image)
{
    char path[] = "cmosXXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    write_file(path, 128);
    struct board *b = fake_new(1 << 16);
    struct device *rtc = fake_plug(b, &rtc_class, "image", path, "image_time", "1", NULL);
    ck_assert_ptr_nonnull(rtc);
    ck_assert_uint_eq(get(b, 0x20), 0x75);
    ck_assert_uint_eq(get(b, 7), 7 ^ 0x55);
    ck_assert_uint_eq(get(b, 0x0A), 0x26);
    cmos_set_pc(rtc, &(struct cmos_setup){ .ram_below_4g = 1 << 20 });
    ck_assert_uint_eq(get(b, 0x15), 0x15 ^ 0x55);
    fake_advance(b, 5 * SECOND);
    fake_free(b);
    b = fake_new(1 << 16);
    write_file(path, 100);
    ck_assert_ptr_null(fake_plug(b, &rtc_class, "image", path, NULL));
    unlink(path);
    ck_assert_ptr_null(fake_plug(b, &rtc_class, "image", path, NULL));
    ck_assert_ptr_nonnull(fake_plug(b, &rtc_class, NULL));
    fake_free(b);
}
END_TEST

START_TEST(hostile)
{
    struct board *b = bench("1700000000");
    uint32_t seed = 7;
    for (unsigned i = 0; i < 200000; i++) {
        seed = seed * 1664525 + 1013904223;
        uint16_t port = 0x70 + (seed >> 8 & 3);
        uint8_t mask = seed >> 14 & 1 ? 0xFF : 0x0F;
        if (seed >> 12 & 3) fake_out8(b, port, (uint8_t)(seed >> 24) & mask);
        else fake_in8(b, port);
        fake_peek(b, port);
        fake_advance(b, (seed >> 16) * 4000ull);
    }
    fake_free(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("rtc");
    TCase *t = tcase_create("MC146818");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, dates);
    tcase_add_test(t, carries);
    tcase_add_test(t, formats);
    tcase_add_test(t, update_in_progress);
    tcase_add_test(t, divider_reset);
    tcase_add_test(t, update_ended);
    tcase_add_test(t, alarm_clock);
    tcase_add_test(t, periodic);
    tcase_add_test(t, periodic_flag_without_irq);
    tcase_add_test(t, reset_keeps_memory);
    tcase_add_test(t, two_banks);
    tcase_add_test(t, pc_values);
    tcase_add_test(t, image);
    tcase_add_test(t, hostile);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
