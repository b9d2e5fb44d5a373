/* SPDX-License-Identifier: MIT
 * Floppy controller and drives by the 82077AA data sheet; the reset and probe sequences are those
 * of SeaBIOS and of Linux's floppy driver.
 */
#include "tests/unit/iodev/fdc_bench.h"

START_TEST(reset_holds_and_polls)
{
    fake_out8(b, DOR, 0x08);
    ck_assert_uint_eq(fake_in8(b, MSR), 0);
    fake_advance(b, 10 * MS);
    ck_assert(!fake_irq(b, 6));
    fake_out8(b, DOR, 0x0C);
    ck_assert_uint_eq(fake_in8(b, DOR), 0x0C);
    wait_irq();
    ck_assert_uint_eq(COMMAND(0x08), 2);
    ck_assert(!fake_irq(b, 6));
    COMMAND(0x08);
    COMMAND(0x08);
    COMMAND(0x08);
    ck_assert_uint_eq(result[0], 0xC3);
    ck_assert_uint_eq(COMMAND(0x08), 1);                 /* none left: invalid command */
    ck_assert_uint_eq(result[0], 0x80);
}
END_TEST

START_TEST(dsr_resets_by_itself)
{
    fake_out8(b, DSR, 0x80);
    ck_assert_uint_eq(fake_in8(b, MSR), 0);
    wait_irq();
    ck_assert_uint_eq(fake_in8(b, MSR), 0x80);
}
END_TEST

START_TEST(dmagate_closes_the_lines)
{
    fake_out8(b, DOR, 0x14);
    COMMAND(0x07, 0x00);
    fake_advance(b, 10 * MS);
    ck_assert(!fake_irq(b, 6));
    fake_out8(b, DOR, 0x1C);
    ck_assert(fake_irq(b, 6));
}
END_TEST

/* floppy.c, get_fdc_version(): what has to come out is a post-1991 82077. */
START_TEST(linux_finds_an_82077)
{
    ck_assert_uint_eq(COMMAND(0x0E), 10);
    ck_assert_uint_eq(COMMAND(0x13, 0x00, 0x1A, 0x00), 0);
    ck_assert_uint_eq(COMMAND(0x12, 0x00), 0);
    ck_assert_uint_eq(COMMAND(0x14), 1);
    ck_assert_uint_eq(result[0], 0x00);
    ck_assert_uint_eq(COMMAND(0x18), 1);
    ck_assert_uint_eq(result[0], 0x80);
    ck_assert_uint_eq(COMMAND(0x10), 1);
    ck_assert_uint_eq(result[0], 0x90);
}
END_TEST

START_TEST(lock_keeps_configuration)
{
    COMMAND(0x13, 0x00, 0x4A, 0x11);
    ck_assert_uint_eq(COMMAND(0x94), 1);
    ck_assert_uint_eq(result[0], 0x10);
    leave_reset(0);
    COMMAND(0x0E);
    ck_assert_uint_eq(result[7], 0x80);
    ck_assert_uint_eq(result[8], 0x0A);    /* EIS is not covered */
    ck_assert_uint_eq(result[9], 0x11);
    COMMAND(0x14);
    leave_reset(0);
    COMMAND(0x0E);
    ck_assert_uint_eq(result[8], 0x20);
    ck_assert_uint_eq(result[9], 0);
}
END_TEST

START_TEST(recalibrate_and_seek)
{
    seek(0, 40);
    COMMAND(0x04, 0x00);
    ck_assert_uint_eq(result[0], 0x28);
    COMMAND(0x07, 0x00);
    wait_irq();
    COMMAND(0x08);
    ck_assert_uint_eq(result[0], 0x20);
    ck_assert_uint_eq(result[1], 0);
    COMMAND(0x04, 0x04);
    ck_assert_uint_eq(result[0], 0x3C);    /* track 0, head 1 */
}
END_TEST

START_TEST(absent_drive)
{
    COMMAND(0x07, 0x01);
    wait_irq();
    COMMAND(0x08);
    ck_assert_uint_eq(result[0], 0x71);    /* abnormal, seek end, equipment check */
    COMMAND(0x4A, 0x01);
    ck_assert_uint_eq(take_result(), 7);
    ck_assert_uint_eq(result[0], 0x41);
    ck_assert_uint_eq(result[1], 0x01);
}
END_TEST

START_TEST(two_seeks_at_once)
{
    COMMAND(0x0F, 0x00, 0x05);
    COMMAND(0x0F, 0x01, 0x05);
    ck_assert_uint_eq(fake_in8(b, MSR), 0x83);
    fake_advance(b, 100 * MS);
    COMMAND(0x08);
    ck_assert_uint_eq(result[0], 0x20);
    ck_assert(fake_irq(b, 6));             /* the second one still asks */
    COMMAND(0x08);
    ck_assert_uint_eq(result[0], 0x21);
    ck_assert(!fake_irq(b, 6));
}
END_TEST

START_TEST(read_sectors_until_tc)
{
    seek(0, 3);
    COMMAND(0xE6, 0x04, 3, 1, 5, 2, 18, 0x1B, 0xFF);
    ck_assert_uint_eq(fake_in8(b, MSR), 0x10);
    dma_in(data, 3 * 512);
    expect(0x04, 0, 0, 3, 1, 8);
    for (unsigned i = 0; i < 3; i++) check_sector(data + i * 512, 3, 1, 5 + i, 18);
}
END_TEST

/* Table 5-6 for TC at the end of a track. */
START_TEST(result_after_eot)
{
    COMMAND(0x46, 0x00, 0, 0, 18, 2, 18, 0x1B, 0xFF);
    dma_in(data, 512);
    expect(0x00, 0, 0, 1, 0, 1);
    COMMAND(0xC6, 0x00, 0, 0, 18, 2, 18, 0x1B, 0xFF);
    dma_in(data, 512);
    expect(0x00, 0, 0, 0, 1, 1);
    COMMAND(0xC6, 0x04, 0, 1, 18, 2, 18, 0x1B, 0xFF);
    dma_in(data, 512);
    expect(0x04, 0, 0, 1, 0, 1);
}
END_TEST

START_TEST(multi_track_goes_to_side_one)
{
    seek(0, 10);
    COMMAND(0xE6, 0x00, 10, 0, 17, 2, 18, 0x1B, 0xFF);
    dma_in(data, 4 * 512);
    expect(0x04, 0, 0, 10, 1, 3);
    check_sector(data, 10, 0, 17, 18);
    check_sector(data + 512, 10, 0, 18, 18);
    check_sector(data + 1024, 10, 1, 1, 18);
    check_sector(data + 1536, 10, 1, 2, 18);
}
END_TEST

START_TEST(eot_without_tc_is_an_error)
{
    COMMAND(0x46, 0x00, 0, 0, 1, 2, 2, 0x1B, 0xFF);
    for (unsigned i = 0; i < 100; i++) {
        fake_advance(b, 100000);
        fake_dma_to_memory(b, 2, data, 4096, false);
    }
    expect(0x40, 0x80, 0, 1, 0, 1);
}
END_TEST

START_TEST(tc_in_the_middle_of_a_sector)
{
    COMMAND(0x46, 0x00, 0, 0, 4, 2, 18, 0x1B, 0xFF);
    dma_in(data, 100);
    expect(0x00, 0, 0, 0, 0, 5);
    memset(data, 0xAB, 512);
    COMMAND(0x45, 0x00, 0, 0, 4, 2, 18, 0x1B, 0xFF);
    dma_out(data, 100);
    expect(0x00, 0, 0, 0, 0, 5);
    uint8_t file[512];
    temp_read(temp.path, 3 * 512, file, 512);
    ck_assert_uint_eq(file[99], 0xAB);
    ck_assert_uint_eq(file[100], 0);
}
END_TEST

START_TEST(write_sectors)
{
    for (unsigned i = 0; i < 1024; i++) data[i] = (uint8_t)(i * 11);
    seek(0, 79);
    COMMAND(0xC5, 0x04, 79, 1, 17, 2, 18, 0x1B, 0xFF);
    dma_out(data, 1024);
    expect(0x04, 0, 0, 80, 0, 1);
    uint8_t file[1024];
    temp_read(temp.path, 2878 * 512, file, 1024);
    ck_assert_mem_eq(file, data, 1024);
}
END_TEST

START_TEST(wrong_addresses)
{
    seek(0, 0);
    COMMAND(0x46, 0x00, 1, 0, 1, 2, 18, 0x1B, 0xFF);     /* head is on 0 */
    expect(0x40, 0x04, 0x10, 1, 0, 1);
    COMMAND(0x46, 0x00, 0xFF, 0, 1, 2, 18, 0x1B, 0xFF);  /* BC is about the FFh of an ID */
    expect(0x40, 0x04, 0x10, 0xFF, 0, 1);
    COMMAND(0x46, 0x00, 0, 0, 19, 2, 19, 0x1B, 0xFF);
    expect(0x40, 0x04, 0x00, 0, 0, 19);
    COMMAND(0x46, 0x00, 0, 0, 0, 2, 18, 0x1B, 0xFF);
    expect(0x40, 0x04, 0x00, 0, 0, 0);
    COMMAND(0x46, 0x00, 0, 1, 1, 2, 18, 0x1B, 0xFF);     /* side 0 has H=0 in its IDs */
    expect(0x40, 0x04, 0x00, 0, 1, 1);
}
END_TEST

START_TEST(data_rate_has_to_match)
{
    COMMAND(0x4A, 0x00);
    expect(0x00, 0, 0, 0, 0, 1);
    COMMAND(0x4A, 0x00);
    expect(0x00, 0, 0, 0, 0, 2);           /* the disk turns */
    fake_out8(b, CCR, 2);
    COMMAND(0x4A, 0x00);
    ck_assert_uint_eq(take_result(), 7);
    ck_assert_uint_eq(result[0], 0x40);
    ck_assert_uint_eq(result[1], 0x01);
    fake_out8(b, DSR, 0x00);
    COMMAND(0x4A, 0x00);
    ck_assert_uint_eq(take_result(), 7);
    ck_assert_uint_eq(result[0], 0x00);
}
END_TEST

/* The Bochs BIOS reads and writes without ever having sought: such a host gets its implied seeks,
 * until it shows that it knows better. */
START_TEST(host_that_never_seeks)
{
    COMMAND(0x07, 0x00);
    wait_irq();
    COMMAND(0x08);
    COMMAND(0xE6, 0x04, 25, 1, 3, 2, 3, 0x00, 0xFF);
    dma_in(data, 512);
    expect(0x04, 0, 0, 26, 0, 1);
    check_sector(data, 25, 1, 3, 18);
    COMMAND(0x46, 0x00, 200, 0, 1, 2, 18, 0x1B, 0xFF);
    expect(0x40, 0x04, 0x10, 200, 0, 1);
    const uint8_t id[4] = { 9, 0, 1, 2 };
    COMMAND(0x4D, 0x00, 2, 1, 0x54, 0xF6);
    dma_out(id, sizeof id);
    ck_assert_uint_eq(take_result(), 7);
    ck_assert_uint_eq(result[0], 0);
    temp_read(temp.path, 9 * 2 * 18 * 512, data, 512);
    ck_assert_uint_eq(data[0] & data[511], 0xF6);
    seek(0, 3);
    COMMAND(0x46, 0x00, 4, 0, 1, 2, 18, 0x1B, 0xFF);
    expect(0x40, 0x04, 0x10, 4, 0, 1);
    leave_reset(0);                        /* of the controller, not of the machine */
    COMMAND(0x46, 0x00, 4, 0, 1, 2, 18, 0x1B, 0xFF);
    expect(0x40, 0x04, 0x10, 4, 0, 1);
}
END_TEST

START_TEST(implied_seek)
{
    COMMAND(0x13, 0x00, 0x5A, 0x00);
    COMMAND(0x46, 0x00, 33, 0, 1, 2, 18, 0x1B, 0xFF);
    dma_in(data, 512);
    expect(0x00, 0, 0, 33, 0, 2);
    check_sector(data, 33, 0, 1, 18);
}
END_TEST

START_TEST(non_dma_read_and_write)
{
    COMMAND(0x03, 0xAF, 0x03);
    COMMAND(0x46, 0x00, 0, 0, 2, 2, 2, 0x1B, 0xFF);
    for (unsigned i = 0; i < 512; i++) {   /* without FIFO an interrupt for each byte */
        wait_irq();
        ck_assert_uint_eq(fake_in8(b, MSR), 0xF0);
        data[i] = fake_in8(b, FIFO);
        ck_assert_uint_eq(fake_in8(b, MSR), 0x30);
        ck_assert(!fake_irq(b, 6));
    }
    check_sector(data, 0, 0, 2, 18);
    expect(0x40, 0x80, 0, 1, 0, 1);        /* no TC without DMA */
    COMMAND(0x45, 0x00, 0, 0, 3, 2, 3, 0x1B, 0xFF);
    for (unsigned i = 0; i < 512; i++) {
        wait_irq();
        ck_assert_uint_eq(fake_in8(b, MSR), 0xB0);
        fake_out8(b, FIFO, (uint8_t)(i ^ 0x55));
    }
    expect(0x40, 0x80, 0, 1, 0, 1);
    temp_read(temp.path, 2 * 512, data, 512);
    ck_assert_uint_eq(data[511], 0xFF ^ 0x55);
}
END_TEST

START_TEST(format_track)
{
    uint8_t ids[18 * 4];
    for (unsigned i = 0; i < 18; i++) {
        const uint8_t id[4] = { 2, 1, (uint8_t)(i + 1), 2 };
        memcpy(ids + i * 4, id, 4);
    }
    seek(0, 2);
    COMMAND(0x4D, 0x04, 2, 18, 0x54, 0xF6);
    dma_out(ids, sizeof ids);
    ck_assert_uint_eq(take_result(), 7);
    ck_assert_uint_eq(result[0], 0x04);
    for (unsigned r = 0; r < 18; r++) {
        temp_read(temp.path, ((2 * 2 + 1) * 18 + r) * 512, data, 512);
        ck_assert_uint_eq(data[0] & data[511], 0xF6);
    }
    temp_read(temp.path, (2 * 2 * 18 + 17) * 512, data, 512);
    check_sector(data, 2, 0, 18, 18);
}
END_TEST

START_TEST(verify_moves_nothing)
{
    COMMAND(0x56, 0x80, 0, 0, 1, 2, 18, 0x1B, 3);
    expect(0x00, 0, 0, 0, 0, 4);
    COMMAND(0x56, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    expect(0x00, 0, 0, 1, 0, 1);
}
END_TEST

START_TEST(write_protected_disk)
{
    fake_free(b);
    b = fake_new(1 << 20);
    fake_plug(b, &fdc_class, NULL);
    ck_assert_ptr_nonnull(fake_plug_id(b, &floppy_class, "floppya", "image", temp.path,
                                       "write_protected", "1", NULL));
    leave_reset(0);
    COMMAND(0x45, 0x00, 0, 0, 3, 2, 18, 0x1B, 0xFF);
    expect(0x40, 0x02, 0, 0, 0, 3);
    COMMAND(0x04, 0x00);
    ck_assert_uint_eq(result[0] & 0x40, 0x40);
}
END_TEST

START_TEST(change_line)
{
    ck_assert_uint_eq(fake_in8(b, DIR) & 0x80, 0x80);    /* since power-on */
    seek(0, 1);
    ck_assert_uint_eq(fake_in8(b, DIR) & 0x80, 0);
    ck_assert_ptr_null(media_eject(drive_a, 0));
    ck_assert_uint_eq(fake_in8(b, DIR) & 0x80, 0x80);
    seek(0, 2);
    ck_assert_uint_eq(fake_in8(b, DIR) & 0x80, 0x80);    /* no disk: stays */
    COMMAND(0x4A, 0x00);
    ck_assert_uint_eq(take_result(), 7);
    ck_assert_uint_eq(result[1], 0x01);
    ck_assert_ptr_nonnull(media_eject(fdc, 0));
    ck_assert_ptr_nonnull(media_change(fdc, 1, temp.path));
    ck_assert_ptr_nonnull(media_change(fdc, 0, "/nowhere/x.img"));
    ck_assert_ptr_null(media_change(fdc, 0, temp_image(&temp, "b.img", 1440)));
    seek(0, 0);
    ck_assert_uint_eq(fake_in8(b, DIR) & 0x80, 0);
    fake_out8(b, CCR, 2);
    COMMAND(0x46, 0x04, 0, 1, 9, 2, 9, 0x1B, 0xFF);      /* 720K now: 9 sectors */
    dma_in(data, 512);
    expect(0x04, 0, 0, 1, 1, 1);
    check_sector(data, 0, 1, 9, 9);
    ck_assert_ptr_null(media_change(fdc, 0, temp.path)); /* the same file again */
    fake_out8(b, DOR, 0x1D);
    ck_assert_uint_eq(fake_in8(b, DIR), 0);              /* drive 1 does not exist */
}
END_TEST

START_TEST(eject_in_the_middle)
{
    COMMAND(0x46, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    dma_in(data, 512);
    take_result();
    COMMAND(0x45, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    fake_advance(b, MS);
    fake_dma_from_memory(b, 2, data, 512, false);
    media_eject(drive_a, 0);
    ck_assert_uint_eq(take_result(), 7);
    ck_assert_uint_eq(result[0] & 0xC0, 0x40);
}
END_TEST

START_TEST(short_image_is_padded)
{
    fake_free(b);
    temp_image(&temp, "boot.img", 1);
    start("auto");
    leave_reset(0);
    ck_assert_uint_eq(floppy_cmos_type(drive_a), 4);
    COMMAND(0x46, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    memset(data, 0xEE, sizeof data);
    dma_in(data, 1024);
    take_result();
    check_sector(data, 0, 0, 1, 18);
    ck_assert_uint_eq(data[512] | data[1023], 0);
}
END_TEST

START_TEST(formats_by_size)
{
    static const struct { unsigned sectors, cmos; } sizes[] = {
        { 320, 1 }, { 360, 1 }, { 640, 1 }, { 720, 1 }, { 1440, 3 }, { 2400, 2 }, { 2880, 4 },
        { 3360, 4 }, { 5760, 5 }, { 100, 4 }, { 4000, 5 },
    };
    for (unsigned i = 0; i < COUNT_OF(sizes); i++) {
        fake_free(b);
        temp_image(&temp, "size.img", sizes[i].sectors);
        start("auto");
        ck_assert_uint_eq(floppy_cmos_type(drive_a), sizes[i].cmos);
    }
    temp_image(&temp, "big.img", 5761);
    ck_assert_ptr_null(fake_plug_id(b, &floppy_class, "floppyb", "image", temp.path, NULL));
    ck_assert_ptr_null(fake_plug_id(b, &floppy_class, "floppyb", "drive", "9_99", NULL));
    ck_assert_ptr_nonnull(fake_plug_id(b, &floppy_class, "floppyb", "image", temp.path, "status",
                                       "ejected", NULL));
}
END_TEST

/* type= names the disk: what is missing of it reads as zeroes. */
START_TEST(type_overrides_size)
{
    fake_free(b);
    temp_image(&temp, "720.img", 1440);
    b = fake_new(1 << 20);
    fake_plug(b, &fdc_class, NULL);
    drive_a = fake_plug_id(b, &floppy_class, "floppya", "image", temp.path, "type", "1_44", NULL);
    ck_assert_uint_eq(floppy_cmos_type(drive_a), 4);
    leave_reset(0);
    COMMAND(0x46, 0x00, 0, 0, 18, 2, 18, 0x1B, 0xFF);
    dma_in(data, 512);
    take_result();
    check_sector(data, 0, 0, 18, 18);
}
END_TEST

START_TEST(double_step)
{
    fake_free(b);
    temp_image(&temp, "360.img", 720);
    start("1_2");                          /* a 40-track disk in an 80-track drive */
    leave_reset(1);
    seek(0, 20);
    COMMAND(0x46, 0x00, 10, 0, 4, 2, 9, 0x1B, 0xFF);
    dma_in(data, 512);
    expect(0x00, 0, 0, 10, 0, 5);
    check_sector(data, 10, 0, 4, 9);
    seek(0, 21);
    COMMAND(0x4A, 0x00);
    ck_assert_uint_eq(take_result(), 7);
    ck_assert_uint_eq(result[1], 0x01);
}
END_TEST

/* There are no 3.5" disks with 40 tracks: an image of one has them where the drive has its own. */
START_TEST(forty_tracks_in_a_small_drive)
{
    static const char *const types[] = { "720k", "1_44", "2_88" };
    for (unsigned i = 0; i < 3; i++) {
        fake_free(b);
        temp_image(&temp, "360.img", 720);
        start(types[i]);
        leave_reset(1);
        seek(0, 21);
        COMMAND(0x46, 0x04, 21, 1, 4, 2, 9, 0x1B, 0xFF);
        dma_in(data, 512);
        expect(0x04, 0, 0, 21, 1, 5);
        check_sector(data, 21, 1, 4, 9);
    }
}
END_TEST

/* FIFO on, threshold 4: 12 bytes at a time; the host may also look at RQM alone. */
START_TEST(non_dma_with_fifo)
{
    COMMAND(0x03, 0xAF, 0x03);
    COMMAND(0x13, 0x00, 0x04, 0x00);
    COMMAND(0x46, 0x00, 0, 0, 1, 2, 1, 0x1B, 0xFF);
    unsigned at = 0;
    while (at < 512) {
        wait_irq();
        for (unsigned i = 0; i < 12 && at < 512; i++, at++) {
            ck_assert_uint_eq(fake_in8(b, MSR), 0xF0);
            data[at] = fake_in8(b, FIFO);
        }
        ck_assert(!fake_irq(b, 6));
        ck_assert_uint_eq(fake_in8(b, MSR), 0x30);
    }
    check_sector(data, 0, 0, 1, 18);
    expect(0x40, 0x80, 0, 1, 0, 1);
}
END_TEST

/* Nobody takes the data: a masked DMA channel, a host that does not look. */
START_TEST(overrun)
{
    COMMAND(0x46, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    fake_advance(b, 1000 * MS);
    expect(0x40, 0x10, 0, 0, 0, 1);
    ck_assert(!fake_dreq(b, 2));
    COMMAND(0x03, 0xAF, 0x03);
    memset(data, 0xEE, 512);
    COMMAND(0x45, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    wait_irq();
    fake_out8(b, FIFO, 0xEE);
    fake_advance(b, 1000 * MS);
    expect(0x40, 0x10, 0, 0, 0, 1);
    temp_read(temp.path, 0, data, 512);
    check_sector(data, 0, 0, 1, 18);
}
END_TEST

START_TEST(dumpreg_shows_the_last_eot)
{
    COMMAND(0x46, 0x00, 0, 0, 1, 2, 17, 0x1B, 0xFF);
    dma_in(data, 512);
    take_result();
    ck_assert_uint_eq(COMMAND(0x0E), 10);
    ck_assert_uint_eq(result[6], 17);
}
END_TEST

/* RECALIBRATE gives 79 pulses: from cylinder 81 it takes two of them (5.2.4). */
START_TEST(recalibrate_from_behind_cylinder_79)
{
    seek(0, 81);
    COMMAND(0x07, 0x00);
    wait_irq();
    ck_assert_uint_eq(COMMAND(0x08), 2);
    ck_assert_uint_eq(result[0], 0x70);
    COMMAND(0x04, 0x00);
    ck_assert_uint_eq(result[0] & 0x10, 0);
    COMMAND(0x07, 0x00);
    wait_irq();
    COMMAND(0x08);
    ck_assert_uint_eq(result[0], 0x20);
    COMMAND(0x04, 0x00);
    ck_assert_uint_eq(result[0] & 0x10, 0x10);
}
END_TEST

/* Any bytes at any port: no crash, and a reset brings the controller back. */
START_TEST(hostile_register_writes)
{
    uint32_t x = 7;
    for (unsigned i = 0; i < 300000; i++) {
        x = x * 1664525 + 1013904223;
        static const uint16_t ports[8] = { FIFO, FIFO, FIFO, FIFO, DOR, DSR, CCR, TDR };
        uint16_t port = ports[x >> 29];
        uint8_t value = (uint8_t)(x >> 12);
        if (port == DOR && x >> 20 & 7) value |= 0x0C;
        if (port == DSR && x >> 20 & 15) value &= 3;
        if (x >> 28 & 1) fake_out8(b, port, value);
        else fake_in8(b, port);
        fake_dma_to_memory(b, 2, data, x >> 8 & 1023, x >> 27 & 1);
        fake_dma_from_memory(b, 2, data, x >> 8 & 1023, x >> 27 & 1);
        fake_advance(b, x >> 12 & 0x3FFFF);
    }
    fake_out8(b, DOR, 0);
    leave_reset(0);
    seek(0, 5);
    COMMAND(0x46, 0x00, 5, 0, 1, 2, 18, 0x1B, 0xFF);
    dma_in(data, 512);
    expect(0x00, 0, 0, 5, 0, 2);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        reset_holds_and_polls, dsr_resets_by_itself, dmagate_closes_the_lines,
        linux_finds_an_82077, lock_keeps_configuration, recalibrate_and_seek, absent_drive,
        two_seeks_at_once, read_sectors_until_tc, result_after_eot,
        multi_track_goes_to_side_one, eot_without_tc_is_an_error, tc_in_the_middle_of_a_sector,
        write_sectors, wrong_addresses, data_rate_has_to_match, host_that_never_seeks, implied_seek,
        non_dma_read_and_write, format_track, verify_moves_nothing, write_protected_disk,
        change_line, eject_in_the_middle, short_image_is_padded, formats_by_size,
        type_overrides_size, double_step, forty_tracks_in_a_small_drive, non_dma_with_fifo, overrun,
        dumpreg_shows_the_last_eot, recalibrate_from_behind_cylinder_79,
        hostile_register_writes,
    };
    return temp_run("fdc", begin, end, tests, sizeof tests / sizeof tests[0]);
}
