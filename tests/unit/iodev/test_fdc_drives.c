/* SPDX-License-Identifier: MIT
 * Floppy controller: two drives of different kinds, 2.88M and perpendicular mode, relative seeks,
 * drive status.
 */
#include "tests/unit/iodev/fdc_bench.h"

static struct device *drive_b;

/* Drive A: 1.44M. Drive B: what the test wants. */
static void second(const char *kind, uint32_t sectors, const char *protect)
{
    temp_image(&temp, "b.img", sectors);
    drive_b = fake_plug_id(b, &floppy_class, "floppyb", "image", temp.path, "drive", kind,
                           "write_protected", protect, NULL);
    ck_assert_ptr_nonnull(drive_b);
    fake_out8(b, DOR, 0x3D); /* both motors, drive B */
}

START_TEST(two_drives_two_formats)
{
    second("1_2", 720, "0"); /* 360K in a 1.2M drive */
    seek(1, 20);
    seek(0, 7);
    fake_out8(b, CCR, 1); /* 300 kbit/s: a 360K disk that turns with 360 rpm */
    COMMAND(0xE6, 0x01, 10, 0, 4, 2, 9, 0x1B, 0xFF);
    dma_in(data, 512);
    expect(0x01, 0, 0, 10, 0, 5);
    check_sector(data, 10, 0, 4, 9);
    fake_out8(b, DOR, 0x3C);
    fake_out8(b, CCR, 0);
    COMMAND(0xE6, 0x00, 7, 0, 18, 2, 18, 0x1B, 0xFF);
    dma_in(data, 1024); /* over to the other side */
    expect(0x04, 0, 0, 7, 1, 2);
    check_sector(data, 7, 0, 18, 18);
    check_sector(data + 512, 7, 1, 1, 18);
}
END_TEST

START_TEST(extra_density)
{
    second("2_88", 5760, "0");
    COMMAND(0x12, 0x80 | 1 << 3); /* perpendicular: drive 1, with OW */
    COMMAND(0x12, 0x00);          /* without OW the drives' bits stay */
    ck_assert_uint_eq(COMMAND(0x0E), 10);
    ck_assert_uint_eq(result[7], 0x08);
    seek(1, 79);
    fake_out8(b, CCR, 3); /* 1 Mbit/s */
    memset(data, 0x5A, 1024);
    COMMAND(0xC5, 0x05, 79, 1, 35, 2, 36, 0x1B, 0xFF);
    dma_out(data, 1024);
    expect(0x05, 0, 0, 80, 0, 1);
    uint8_t file[1024];
    temp_read(temp.path, 5758 * 512, file, sizeof file);
    ck_assert_mem_eq(file, data, sizeof file);
    fake_out8(b, CCR, 0); /* nothing to be heard at 500 kbit/s */
    COMMAND(0x4A, 0x01);
    ck_assert_uint_eq(take_result(), 7);
    ck_assert_uint_eq(result[0], 0x41);
    ck_assert_uint_eq(result[1], 0x01);
}
END_TEST

START_TEST(drive_status)
{
    second("1_44", 2880, "1");
    COMMAND(0x04, 0x01);
    ck_assert_uint_eq(result[0], 0x28 | 0x40 | 0x10 | 1); /* protected, on track 0 */
    COMMAND(0x04, 0x00);
    ck_assert_uint_eq(result[0], 0x28 | 0x10);
    COMMAND(0x04, 0x02); /* nobody drives the lines of a third one */
    ck_assert_uint_eq(result[0], 0x28 | 2);
}
END_TEST

/* RELATIVE SEEK (5.2.11): by so many cylinders, DIR says which way; not past 0. */
START_TEST(relative_seek)
{
    static const struct {
        uint8_t code, by, cylinder;
    } steps[] = {
        {0xCF, 30, 30},
        {0x8F, 10, 20},
        {0xCF, 1, 21},
        {0x8F, 40, 0},
    };
    for (unsigned i = 0; i < COUNT_OF(steps); i++) {
        COMMAND(steps[i].code, 0x00, steps[i].by);
        wait_irq();
        ck_assert_uint_eq(COMMAND(0x08), 2);
        ck_assert_uint_eq(result[0], 0x20);
        ck_assert_uint_eq(result[1], steps[i].cylinder);
        COMMAND(0x4A, 0x00);
        ck_assert_uint_eq(take_result(), 7);
        ck_assert_uint_eq(result[3], steps[i].cylinder);
    }
}
END_TEST

/* The change line is the selected drive's; a drive that is not there pulls nothing. */
START_TEST(change_line_of_each_drive)
{
    second("1_44", 2880, "0");
    seek(0, 1);
    seek(1, 1);
    ck_assert_ptr_null(floppy_change(drive_b, temp.path));
    ck_assert_uint_eq(fake_in8(b, DIR) & 0x80, 0x80);
    fake_out8(b, DOR, 0x3C);
    ck_assert_uint_eq(fake_in8(b, DIR) & 0x80, 0);
    fake_out8(b, DOR, 0x3E);
    ck_assert_uint_eq(fake_in8(b, DIR) & 0x80, 0);
    fake_out8(b, DOR, 0x3D);
    seek(1, 0); /* a step with a disk in the drive takes it away */
    ck_assert_uint_eq(fake_in8(b, DIR) & 0x80, 0);
    ck_assert_ptr_null(floppy_eject(drive_b));
    seek(1, 1);
    ck_assert_uint_eq(fake_in8(b, DIR) & 0x80, 0x80);
}
END_TEST

/* A driver that reads a track of both sides in one command, as Minix and DOS do with MT. */
START_TEST(a_cylinder_by_one_command)
{
    seek(0, 40);
    COMMAND(0xE6, 0x00, 40, 0, 1, 2, 18, 0x1B, 0xFF);
    dma_in(data, 36 * 512);
    expect(0x04, 0, 0, 41, 0, 1);
    for (unsigned i = 0; i < 36; i++) check_sector(data + i * 512, 40, i / 18, i % 18 + 1, 18);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        two_drives_two_formats,
        extra_density,
        drive_status,
        relative_seek,
        change_line_of_each_drive,
        a_cylinder_by_one_command,
    };
    return temp_run("fdc_drives", begin, end, tests, sizeof tests / sizeof tests[0]);
}
