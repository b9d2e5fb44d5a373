/* SPDX-License-Identifier: MIT
 * ATA channels and disks: the commands by PIO. ATA/ATAPI-6 (T13/1410D, 2002).
 */
#include "tests/unit/iodev/ide_bench.h"

START_TEST(signature_after_power_on)
{
    fake_out8(b, DEV, 0xA0);
    ck_assert_uint_eq(fake_in8(b, STATUS), 0x50);
    ck_assert_uint_eq(fake_in8(b, ERR), 1);
    ck_assert_uint_eq(fake_in8(b, COUNT), 1);
    ck_assert_uint_eq(fake_in8(b, LOW), 1);
    ck_assert_uint_eq(fake_in8(b, MID) | fake_in8(b, HIGH), 0);
}
END_TEST

START_TEST(identify_is_consistent)
{
    uint8_t sum = 0;
    identify();
    for (unsigned i = 0; i < 512; i++) sum = (uint8_t)(sum + data[i]);
    ck_assert_uint_eq(sum, 0);
    ck_assert_uint_eq(data[510], 0xA5);
    ck_assert_uint_eq(word(0), 0x0040);
    ck_assert_uint_eq(word(1), 2);         /* 2016 sectors = 2 x 16 x 63 */
    ck_assert_uint_eq(word(3), 16);
    ck_assert_uint_eq(word(4), 63 * 512);  /* ATA-1: bytes per track, per sector */
    ck_assert_uint_eq(word(5), 512);
    ck_assert_uint_eq(word(6), 63);
    ck_assert_uint_eq(word(60) | word(61) << 16, SECTORS);
    ck_assert_uint_eq(word(100) | word(101) << 16, SECTORS);
    ck_assert_uint_eq(word(57) | word(58) << 16, SECTORS);
    ck_assert_uint_eq(word(49) & 0x0300, 0x0300);
    ck_assert_uint_eq(word(83) & 0xC400, 0x4400);
    ck_assert_uint_eq(word(47), 0x8010);
    char model[41] = "";
    for (unsigned i = 0; i < 20; i++) {
        model[2 * i] = (char)(word(27 + i) >> 8);
        model[2 * i + 1] = (char)word(27 + i);
    }
    ck_assert_int_eq(strncmp(model, "VITRO HARDDISK                          ", 40), 0);
}
END_TEST

START_TEST(read_lba28)
{
    address(1000, 3);
    fake_out8(b, CMD, 0x20);
    ck_assert_uint_eq(fake_in8(b, CONTROL), 0x80);       /* busy at first */
    take(data, 3, 1);
    check_sectors(data, 1000, 3);
    ck_assert_uint_eq(fake_in8(b, COUNT), 0);
    ck_assert_uint_eq(fake_in8(b, LOW), (uint8_t)1002);
    ck_assert_uint_eq(fake_in8(b, MID), 1002 >> 8);
}
END_TEST

START_TEST(count_zero_is_256)
{
    address(0, 0);
    fake_out8(b, CMD, 0x20);
    take(data, 256, 1);
    check_sectors(data, 0, 256);
}
END_TEST

START_TEST(read_chs_follows_set_geometry)
{
    fake_out8(b, COUNT, 9);
    fake_out8(b, DEV, 0xA0 | 3);           /* 4 heads, 9 sectors */
    fake_out8(b, CMD, 0x91);
    wait_ready();
    fake_out8(b, COUNT, 1);
    fake_out8(b, LOW, 5);                  /* 5/2/5: ((5 * 4) + 2) * 9 + 4 = 202 */
    fake_out8(b, MID, 5);
    fake_out8(b, HIGH, 0);
    fake_out8(b, DEV, 0xA0 | 2);
    fake_out8(b, CMD, 0x20);
    take(data, 1, 1);
    check_sectors(data, 202, 1);
    fake_out8(b, LOW, 10);                 /* beyond the track */
    fake_out8(b, COUNT, 1);
    fake_out8(b, CMD, 0x20);
    expect_error(0x10);
    fake_out8(b, LOW, 0);                  /* CHS counts from 1 */
    fake_out8(b, CMD, 0x20);
    expect_error(0x10);
    identify();
    ck_assert_uint_eq(word(55), 4);
    ck_assert_uint_eq(word(56), 9);
    ck_assert_uint_eq(word(54), 56);
    ck_assert_uint_eq(word(3), 16);
}
END_TEST

START_TEST(set_geometry_without_sectors)
{
    fake_out8(b, COUNT, 0);
    fake_out8(b, DEV, 0xA3);
    fake_out8(b, CMD, 0x91);
    expect_error(0x04);
}
END_TEST

START_TEST(write_then_flush_reaches_the_file)
{
    for (unsigned i = 0; i < 1024; i++) data[i] = (uint8_t)(i * 3);
    address(7, 2);
    fake_out8(b, CMD, 0x30);
    give(data, 2, 1);
    fake_out8(b, CMD, 0xE7);
    ck_assert_uint_eq(wait_ready(), 0x50);
    uint8_t file[1024];
    temp_read(temp.path, 7 * 512, file, 1024);
    ck_assert_mem_eq(file, data, 1024);
}
END_TEST

START_TEST(multiple)
{
    address(10, 5);
    fake_out8(b, CMD, 0xC4);
    expect_error(0x04);                    /* not set yet */
    fake_out8(b, COUNT, 3);
    fake_out8(b, CMD, 0xC6);
    expect_error(0x04);
    fake_out8(b, COUNT, 4);
    fake_out8(b, CMD, 0xC6);
    ck_assert_uint_eq(wait_ready(), 0x50);
    address(10, 5);
    fake_out8(b, CMD, 0xC4);
    take(data, 5, 4);                      /* 4 + 1 */
    check_sectors(data, 10, 5);
    memset(data, 0x33, 5 * 512);
    address48(20, 5);
    fake_out8(b, CMD, 0x39);
    give(data, 5, 4);
    uint8_t file[512];
    temp_read(temp.path, 24 * 512, file, 512);
    ck_assert_mem_eq(file, data, 512);
    identify();
    ck_assert_uint_eq(word(59), 0x0104);
}
END_TEST

START_TEST(lba48)
{
    address48(2000, 2);
    fake_out8(b, CMD, 0x24);
    take(data, 2, 1);
    check_sectors(data, 2000, 2);
    address48(0x123456789ABCull, 1);
    fake_out8(b, CMD, 0x24);
    expect_error(0x10);
    fake_out8(b, CONTROL, 0x80);           /* HOB shows the upper half */
    ck_assert_uint_eq(fake_in8(b, LOW), 0x56);
    ck_assert_uint_eq(fake_in8(b, HIGH), 0x12);
    fake_out8(b, CONTROL, 0x00);
    ck_assert_uint_eq(fake_in8(b, LOW), 0xBC);
}
END_TEST

START_TEST(end_of_disk)
{
    address(SECTORS, 1);
    fake_out8(b, CMD, 0x20);
    expect_error(0x10);
    address(SECTORS - 1, 2);               /* the first one is still good */
    fake_out8(b, CMD, 0x20);
    ck_assert_uint_eq(wait_ready(), 0x58);
    fake_in8(b, STATUS);
    for (unsigned i = 0; i < 256; i++) fake_in16(b, BASE);
    expect_error(0x10);
    ck_assert_uint_eq(fake_in8(b, LOW), (uint8_t)SECTORS);
    address(SECTORS - 1, 2);
    fake_out8(b, CMD, 0x40);
    expect_error(0x10);
    address(SECTORS - 2, 2);
    fake_out8(b, CMD, 0x40);
    ck_assert_uint_eq(wait_ready(), 0x50);
}
END_TEST

START_TEST(data_port_widths)
{
    address(3, 1);
    fake_out8(b, CMD, 0x20);
    wait_ready();
    temp_sector(expected, 3);
    ck_assert_uint_eq(fake_in8(b, BASE), expected[0]);
    ck_assert_uint_eq(fake_in8(b, BASE), expected[1]);
    uint32_t want = (uint32_t)(expected[2] | expected[3] << 8 | expected[4] << 16) |
                    (uint32_t)expected[5] << 24;
    ck_assert_uint_eq(fake_in32(b, BASE), want);
    ck_assert_uint_eq(fake_in16(b, BASE), expected[6] | expected[7] << 8);
    for (unsigned i = 8; i < 508; i += 4) fake_in32(b, BASE);
    ck_assert_uint_eq(fake_in8(b, CONTROL), 0x58);
    fake_in16(b, BASE);
    fake_in8(b, BASE);
    fake_in32(b, BASE);                    /* over the end: one byte is left */
    ck_assert_uint_eq(fake_in8(b, CONTROL), 0x50);
    ck_assert_uint_eq(fake_in16(b, BASE), 0xFFFF);
}
END_TEST

/* All of a block but its end can be had at once, in pieces of any width. */
START_TEST(runs_of_data)
{
    uint8_t got[512];
    ck_assert_uint_eq(fake_in_run(b, BASE, WORD, got, 10), 0);     /* no command */
    address(3, 2);
    fake_out8(b, CMD, 0x20);
    wait_ready();
    temp_sector(expected, 3);
    ck_assert_uint_eq(fake_out_run(b, BASE, WORD, got, 10), 0);    /* the other direction */
    ck_assert_uint_eq(fake_in_run(b, COUNT, WORD, got, 10), 0);
    ck_assert_uint_eq(fake_in_run(b, BASE, WORD, got, 10), 10);
    ck_assert_uint_eq(fake_in_run(b, BASE, DWORD, got + 20, 1000), 122);
    ck_assert_uint_eq(fake_in_run(b, BASE, DWORD, got + 508, 1), 0);
    ck_assert_uint_eq(fake_in_run(b, BASE, WORD, got + 508, 2), 1);
    ck_assert_uint_eq(fake_in8(b, CONTROL), 0x58);
    uint16_t last = fake_in16(b, BASE);
    got[510] = (uint8_t)last;
    got[511] = (uint8_t)(last >> 8);
    ck_assert_mem_eq(got, expected, 512);
    ck_assert_uint_eq(wait_ready(), 0x58);                         /* the second sector */
}
END_TEST

START_TEST(runs_of_data_to_the_disk)
{
    for (unsigned i = 0; i < 512; i++) data[i] = (uint8_t)(i * 3);
    address(7, 1);
    fake_out8(b, CMD, 0x30);
    wait_ready();
    ck_assert_uint_eq(fake_out_run(b, BASE, WORD, data, 256), 255);
    fake_out16(b, BASE, (uint16_t)(data[510] | data[511] << 8));
    ck_assert_uint_eq(wait_ready(), 0x50);
    address(7, 1);
    fake_out8(b, CMD, 0x20);
    take(data + 512, 1, 1);
    ck_assert_mem_eq(data + 512, data, 512);
}
END_TEST

START_TEST(absent_slave)
{
    fake_out8(b, DEV, 0xB0);
    ck_assert_uint_eq(fake_in8(b, STATUS), 0);
    ck_assert_uint_eq(fake_in8(b, DEV), 0xB0);
    fake_out8(b, COUNT, 0x55);
    fake_out8(b, LOW, 0xAA);
    ck_assert_uint_eq(fake_in8(b, COUNT), 0x55);         /* device 0 answers for it */
    fake_out8(b, CMD, 0xEC);
    fake_advance(b, MS);
    ck_assert_uint_eq(fake_in8(b, STATUS), 0);
    ck_assert(!fake_irq(b, 14));
    ck_assert_uint_eq(fake_in16(b, BASE), 0xFFFF);
    fake_out8(b, DEV, 0xA0);
    ck_assert_uint_eq(fake_in8(b, STATUS), 0x50);
}
END_TEST

START_TEST(empty_channel_floats)
{
    ck_assert_uint_eq(fake_in8(b, 0x177), 0x7F);
    ck_assert_uint_eq(fake_in8(b, 0x376), 0x7F);
    fake_out8(b, 0x172, 0x55);
    ck_assert_uint_ne(fake_in8(b, 0x172), 0x55);
    fake_out8(b, 0x177, 0x90);
    fake_out8(b, 0x376, 0x04);
    fake_out8(b, 0x376, 0x00);
    fake_advance(b, MS);
    ck_assert(!fake_irq(b, 15));
}
END_TEST

START_TEST(software_reset)
{
    address(0, 8);
    fake_out8(b, CMD, 0x20);
    fake_out8(b, CONTROL, 0x04);
    ck_assert_uint_eq(fake_in8(b, CONTROL), 0x80);
    fake_advance(b, MS);
    ck_assert_uint_eq(fake_in8(b, CONTROL), 0x80);       /* as long as SRST is set */
    fake_out8(b, CONTROL, 0x00);
    ck_assert_uint_eq(fake_in8(b, CONTROL), 0x80);
    fake_advance(b, MS);
    ck_assert_uint_eq(fake_in8(b, STATUS), 0x50);
    ck_assert_uint_eq(fake_in8(b, ERR), 1);
    ck_assert_uint_eq(fake_in8(b, COUNT), 1);
    ck_assert(!fake_irq(b, 14));
}
END_TEST

START_TEST(diagnostic_interrupts)
{
    fake_out8(b, DEV, 0xB0);               /* whichever is selected */
    fake_out8(b, CMD, 0x90);
    fake_advance(b, MS);
    ck_assert(fake_irq(b, 14));
    ck_assert_uint_eq(fake_in8(b, ERR), 1);
    ck_assert_uint_eq(fake_in8(b, DEV) & 0x10, 0);
    ck_assert_uint_eq(fake_in8(b, STATUS), 0x50);
    ck_assert(!fake_irq(b, 14));
}
END_TEST

START_TEST(nien_masks_and_alternate_status_keeps)
{
    fake_out8(b, CONTROL, 0x02);
    fake_out8(b, CMD, 0xE7);
    fake_advance(b, MS);
    ck_assert(!fake_irq(b, 14));
    fake_out8(b, CONTROL, 0x00);
    ck_assert(fake_irq(b, 14));
    fake_in8(b, CONTROL);
    ck_assert(fake_irq(b, 14));
    fake_in8(b, STATUS);
    ck_assert(!fake_irq(b, 14));
}
END_TEST

START_TEST(unknown_commands_abort)
{
    static const uint8_t opcodes[] = { 0x00, 0x08, 0x22, 0xA0, 0xA1, 0xB0, 0xF1, 0xF9, 0xFF };
    for (unsigned i = 0; i < sizeof opcodes; i++) {
        fake_out8(b, CMD, opcodes[i]);
        expect_error(0x04);
    }
    fake_out8(b, CMD, 0x15);               /* RECALIBRATE with a step rate */
    ck_assert_uint_eq(wait_ready(), 0x50);
}
END_TEST

/* ATA-1's FORMAT TRACK takes a table of a sector's size; a drive that maps its own defects does no
 * more. */
START_TEST(format_track_takes_its_table)
{
    fake_out8(b, CMD, 0x50);
    ck_assert_uint_eq(fake_in8(b, STATUS) & 0x88, 0x08);
    memset(data, 0, 512);
    give(data, 1, 1);
    address(0, 1);
    fake_out8(b, CMD, 0x20);
    take(data, 1, 1);
    check_sectors(data, 0, 1);
}
END_TEST

START_TEST(power_mode)
{
    fake_out8(b, CMD, 0xE0);
    wait_ready();
    fake_out8(b, CMD, 0xE5);
    wait_ready();
    ck_assert_uint_eq(fake_in8(b, COUNT), 0x00);
    address(0, 1);
    fake_out8(b, CMD, 0x20);
    take(data, 1, 1);
    fake_out8(b, CMD, 0x98);
    wait_ready();
    ck_assert_uint_eq(fake_in8(b, COUNT), 0xFF);
}
END_TEST

START_TEST(native_max)
{
    fake_out8(b, DEV, 0x40);
    fake_out8(b, CMD, 0xF8);
    ck_assert_uint_eq(wait_ready(), 0x50);
    ck_assert_uint_eq(fake_in8(b, LOW) | fake_in8(b, MID) << 8, SECTORS - 1);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        signature_after_power_on, identify_is_consistent, read_lba28, count_zero_is_256,
        read_chs_follows_set_geometry, set_geometry_without_sectors,
        write_then_flush_reaches_the_file, multiple, lba48, end_of_disk, data_port_widths,
        runs_of_data, runs_of_data_to_the_disk, absent_slave, empty_channel_floats,
        software_reset, diagnostic_interrupts, nien_masks_and_alternate_status_keeps,
        unknown_commands_abort, format_track_takes_its_table, power_mode, native_max,
    };
    return temp_run("ide", begin, end, tests, sizeof tests / sizeof tests[0]);
}
