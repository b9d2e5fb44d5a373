/* SPDX-License-Identifier: MIT
 * What is on a floppy disk: deleted marks, tracks of other formats, formatting, geometries; SCAN
 * and READ TRACK. By the 82077AA data sheet.
 */
#include "tests/unit/iodev/fdc_bench.h"

/* Tables 5-4 and 5-5. */
START_TEST(deleted_data)
{
    memset(data, 0x5A, 512);
    COMMAND(0x49, 0x00, 0, 0, 3, 2, 18, 0x1B, 0xFF);
    dma_out(data, 512);
    expect(0x00, 0, 0, 0, 0, 4);
    COMMAND(0x46, 0x00, 0, 0, 2, 2, 18, 0x1B, 0xFF);     /* ends with the deleted one */
    memset(data, 0, sizeof data);
    unsigned got = 0;
    for (unsigned i = 0; i < 100; i++) {
        fake_advance(b, 100000);
        if (fake_dreq(b, 2))
            got += (unsigned)fake_dma_to_memory(b, 2, data + got, 4096 - got, false);
    }
    expect(0x00, 0, 0x40, 0, 0, 3);
    ck_assert_uint_eq(got, 1024);
    ck_assert_uint_eq(data[512], 0x5A);
    COMMAND(0x66, 0x00, 0, 0, 2, 2, 18, 0x1B, 0xFF);     /* SK: skips it */
    dma_in(data, 1024);
    expect(0x00, 0, 0x40, 0, 0, 5);
    check_sector(data + 512, 0, 0, 4, 18);
    COMMAND(0x4C, 0x00, 0, 0, 3, 2, 18, 0x1B, 0xFF);
    dma_in(data, 512);
    expect(0x00, 0, 0, 0, 0, 4);
    COMMAND(0x6C, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);     /* finds sector 3, and no other */
    dma_in(data, 512);
    expect(0x00, 0, 0x40, 0, 0, 4);
    COMMAND(0x4C, 0x00, 0, 0, 1, 2, 18, 0x1B, 0xFF);
    dma_in(data, 512);
    expect(0x00, 0, 0x40, 0, 0, 1);
    COMMAND(0x45, 0x00, 0, 0, 3, 2, 18, 0x1B, 0xFF);     /* a new mark */
    dma_out(data, 512);
    take_result();
    COMMAND(0x46, 0x00, 0, 0, 3, 2, 18, 0x1B, 0xFF);
    dma_in(data, 512);
    expect(0x00, 0, 0, 0, 0, 4);
}
END_TEST

static void scan(uint8_t opcode, uint8_t stp, uint8_t eot, unsigned n, const uint8_t *what)
{
    unsigned sent = 0;
    COMMAND(opcode, 0x00, 0, 0, 1, 2, eot, 0x1B, stp);
    for (unsigned i = 0; i < 200 && !fake_irq(b, 6); i++) {
        fake_advance(b, 100000);
        if (fake_dreq(b, 2))
            sent += (unsigned)fake_dma_from_memory(b, 2, what, 512 - sent % 512, false);
    }
    ck_assert_uint_eq(sent, n * 512);
}

START_TEST(scan_commands)
{
    uint8_t what[512];
    temp_sector(what, 4);                  /* sector 5 */
    scan(0x51, 1, 18, 5, what);
    expect(0x00, 0, 0x08, 0, 0, 5);
    memset(what + 100, 0xFF, 200);         /* matches anything */
    scan(0x51, 1, 18, 5, what);
    expect(0x00, 0, 0x08, 0, 0, 5);
    scan(0x51, 2, 18, 3, what);            /* every second sector: 1, 3, 5 */
    expect(0x00, 0, 0x08, 0, 0, 5);
    scan(0x51, 1, 3, 3, what);
    expect(0x00, 0, 0x04, 1, 0, 1);
    scan(0x51, 2, 4, 2, what);
    expect(0x00, 0, 0x04, 1, 0, 1);
    memset(what, 0, sizeof what);          /* no byte of any sector is lower */
    scan(0x5D, 1, 18, 1, what);
    expect(0x00, 0, 0x00, 0, 0, 1);
    scan(0x59, 1, 2, 2, what);
    expect(0x00, 0, 0x04, 1, 0, 1);
}
END_TEST

START_TEST(read_track)
{
    seek(0, 0);
    COMMAND(0x42, 0x00, 0, 0, 1, 2, 3, 0x1B, 0xFF);
    dma_in(data, 3 * 512);
    expect(0x00, 0, 0, 1, 0, 1);
    for (unsigned r = 1; r <= 3; r++) check_sector(data + (r - 1) * 512, 0, 0, r, 18);
    COMMAND(0x42, 0x00, 7, 0, 1, 2, 2, 0x1B, 0xFF);      /* other IDs: read all the same, ND */
    dma_in(data, 2 * 512);
    ck_assert_uint_eq(take_result(), 7);
    ck_assert_uint_eq(result[1], 0x04);
    check_sector(data + 512, 0, 0, 2, 18);
}
END_TEST

static void format(uint8_t cylinder, uint8_t head, uint8_t n, uint8_t count, uint8_t first)
{
    uint8_t ids[64 * 4];
    for (unsigned i = 0; i < count; i++) {
        const uint8_t id[4] = { cylinder, head, (uint8_t)(first + i), n };
        memcpy(ids + i * 4, id, 4);
    }
    COMMAND(0x4D, (uint8_t)(head << 2), n, count, 0x1B, 0xE5);
    dma_out(ids, count * 4u);
    ck_assert_uint_eq(take_result(), 7);
    ck_assert_uint_eq(result[0], head << 2);
}

/* Other sizes and numbers: they can be read and written as long as the disk stays in the drive. */
START_TEST(odd_tracks)
{
    seek(0, 2);
    format(2, 0, 3, 5, 0xC1);
    COMMAND(0x4A, 0x00);
    ck_assert_uint_eq(take_result(), 7);
    ck_assert_uint_eq(result[6], 3);
    memset(data, 0x77, 1024);
    COMMAND(0x45, 0x00, 2, 0, 0xC2, 3, 0xC5, 0x1B, 0xFF);
    dma_out(data, 1024);
    take_result();
    memset(data, 0, sizeof data);
    COMMAND(0x46, 0x00, 2, 0, 0xC1, 3, 0xC5, 0x1B, 0xFF);
    dma_in(data, 3 * 1024);
    take_result();
    ck_assert_uint_eq(data[1023], 0xE5);
    ck_assert_uint_eq(data[1024] & data[2047], 0x77);
    ck_assert_uint_eq(data[2048], 0xE5);
    COMMAND(0x46, 0x00, 2, 0, 1, 2, 18, 0x1B, 0xFF);
    expect(0x40, 0x04, 0x00, 2, 0, 1);
    COMMAND(0x46, 0x04, 2, 1, 1, 2, 18, 0x1B, 0xFF);     /* the other side is as it was */
    dma_in(data, 512);
    take_result();
    check_sector(data, 2, 1, 1, 18);
    format(2, 0, 2, 18, 1);
    COMMAND(0x46, 0x00, 2, 0, 18, 2, 18, 0x1B, 0xFF);
    dma_in(data, 512);
    take_result();
    ck_assert_uint_eq(data[0], 0xE5);
    temp_read(temp.path, (2 * 2 * 18 + 17) * 512, data, 512);
    ck_assert_uint_eq(data[0], 0xE5);
}
END_TEST

/* N 0: DTL says how much of 128 bytes passes; an ID of FFh is what BC is about. */
START_TEST(short_sectors)
{
    seek(0, 7);
    format(0xFF, 0, 0, 16, 1);
    memset(data, 0x11, 128);
    COMMAND(0x45, 0x00, 0xFF, 0, 2, 0, 16, 0x1B, 80);
    dma_out(data, 80);
    take_result();
    COMMAND(0x46, 0x00, 0xFF, 0, 2, 0, 16, 0x1B, 128);
    dma_in(data, 128);
    take_result();
    ck_assert_uint_eq(data[79], 0x11);
    ck_assert_uint_eq(data[80], 0);
    COMMAND(0x46, 0x00, 7, 0, 1, 2, 18, 0x1B, 0xFF);
    expect(0x40, 0x04, 0x02, 7, 0, 1);
}
END_TEST

/* An interleave: all is in the image, the order shows while the disk is in the drive. */
START_TEST(interleaved_track)
{
    static const uint8_t order[3] = { 2, 1, 3 };
    uint8_t ids[18 * 4];
    for (unsigned i = 0; i < 18; i++) {
        const uint8_t id[4] = { 4, 0, i < 3 ? order[i] : (uint8_t)(i + 1), 2 };
        memcpy(ids + i * 4, id, 4);
    }
    seek(0, 4);
    COMMAND(0x4D, 0x00, 2, 18, 0x1B, 0xE5);
    dma_out(ids, sizeof ids);
    take_result();
    COMMAND(0x4A, 0x00);
    expect(0x00, 0, 0, 4, 0, 2);
    COMMAND(0x4A, 0x00);
    expect(0x00, 0, 0, 4, 0, 1);
    temp_sector(data, 77);
    COMMAND(0x45, 0x00, 4, 0, 2, 2, 18, 0x1B, 0xFF);
    dma_out(data, 512);
    take_result();
    temp_read(temp.path, (4 * 2 * 18 + 1) * 512, data + 512, 512);
    ck_assert_mem_eq(data, data + 512, 512);
}
END_TEST

/* What does not fit on a track is not there. */
START_TEST(index_hole_ends_a_format)
{
    seek(0, 3);
    format(3, 0, 3, 20, 1);
    COMMAND(0x46, 0x00, 3, 0, 11, 3, 11, 0x1B, 0xFF);
    dma_in(data, 1024);
    take_result();
    COMMAND(0x46, 0x00, 3, 0, 12, 3, 12, 0x1B, 0xFF);
    ck_assert_uint_eq(take_result(), 7);
    ck_assert_uint_eq(result[1], 0x04);
}
END_TEST

static long file_bytes(void)
{
    struct stat s;
    ck_assert_int_eq(stat(temp.path, &s), 0);
    return (long)s.st_size;
}

/* The whole disk becomes what its first track is formatted as: 720K, then 1.68M with 82 tracks. */
START_TEST(format_as_another_disk)
{
    fake_out8(b, CCR, 2);
    format(0, 0, 2, 9, 1);
    format(0, 1, 2, 9, 1);
    ck_assert_int_eq(file_bytes(), 737280);
    seek(0, 79);
    format(79, 1, 2, 9, 1);
    memset(data, 0x33, 512);
    COMMAND(0x45, 0x04, 79, 1, 9, 2, 9, 0x1B, 0xFF);
    dma_out(data, 512);
    take_result();
    temp_read(temp.path, 1439 * 512, data, 512);
    ck_assert_uint_eq(data[511], 0x33);
    fake_out8(b, CCR, 0);
    COMMAND(0x4A, 0x00);
    ck_assert_uint_eq(take_result(), 7);
    ck_assert_uint_eq(result[1], 0x01);
    seek(0, 0);
    format(0, 0, 2, 21, 1);
    ck_assert_int_eq(file_bytes(), 1720320);
    seek(0, 80);
    format(80, 0, 2, 21, 1);
    seek(0, 81);
    format(81, 1, 2, 21, 1);
    ck_assert_int_eq(file_bytes(), 82 * 42 * 512);
}
END_TEST

/* A boot sector with this geometry in an image of so many sectors. */
static void bpb_image(unsigned sectors, unsigned total, unsigned heads, unsigned spt)
{
    const uint8_t bpb[] = {0xEB,
                           0x3C,
                           0x90,
                           'V',
                           'I',
                           'T',
                           'R',
                           'O',
                           ' ',
                           ' ',
                           ' ',
                           0,
                           2,
                           1,
                           1,
                           0,
                           2,
                           224,
                           0,
                           (uint8_t)total,
                           (uint8_t)(total >> 8),
                           0xF9,
                           3,
                           0,
                           (uint8_t)spt,
                           0,
                           (uint8_t)heads,
                           0};
    temp_image(&temp, "bpb.img", sectors);
    FILE *f = fopen(temp.path, "r+b");
    ck_assert_ptr_nonnull(f);
    ck_assert_uint_eq(fwrite(bpb, 1, sizeof bpb, f), sizeof bpb);
    ck_assert_int_eq(fclose(f), 0);
}

START_TEST(geometry_from_boot_sector)
{
    static const struct { unsigned sectors, total, heads, spt, cylinder, rate, cmos; } disks[] = {
        { 720, 720, 1, 9, 79, 2, 3 },      /* 80 tracks, one side: as long as 360K */
        { 720, 720, 2, 9, 39, 2, 1 },
        { 3000, 3444, 2, 21, 81, 0, 4 },   /* 1.72M, cut off */
        { 1600, 1600, 2, 10, 79, 2, 3 },   /* 800K */
        { 2881, 2880, 2, 18, 79, 0, 4 },   /* something behind the disk */
        { 2952, 0, 2, 18, 81, 0, 4 },      /* no boot sector: 82 tracks by size */
        { 2880, 1440, 2, 9, 79, 0, 4 },    /* the size says otherwise */
        { 2880, 2880, 1, 36, 79, 0, 4 },   /* nobody's format: 1.44M */
    };
    for (unsigned i = 0; i < COUNT_OF(disks); i++) {
        fake_free(b);
        bpb_image(disks[i].sectors, disks[i].total, disks[i].heads, disks[i].spt);
        start("auto");
        ck_assert_uint_eq(floppy_cmos_type(drive_a), disks[i].cmos);
        leave_reset((uint8_t)disks[i].rate);
        seek(0, disks[i].cylinder);
        bool by_size = i >= 6;
        unsigned side = by_size ? 1 : disks[i].heads - 1, spt = by_size ? 18 : disks[i].spt;
        COMMAND(0x46, (uint8_t)(side << 2), (uint8_t)disks[i].cylinder, (uint8_t)side, (uint8_t)spt,
                2, (uint8_t)spt, 0x1B, 0xFF);
        dma_in(data, 512);
        ck_assert_uint_eq(take_result(), 7);
        ck_assert_uint_eq(result[0], side << 2);
    }
}
END_TEST

/* type= names the drive when the disk says of itself that it is another. */
START_TEST(boot_sector_overrides_type)
{
    fake_free(b);
    bpb_image(1440, 1440, 2, 9);
    b = fake_new(1 << 20);
    fake_plug(b, &fdc_class, NULL);
    drive_a = fake_plug_id(b, &floppy_class, "floppya", "image", temp.path, "type", "1_44", NULL);
    ck_assert_uint_eq(floppy_cmos_type(drive_a), 4);
    leave_reset(2);
    COMMAND(0x46, 0x04, 0, 1, 9, 2, 9, 0x1B, 0xFF);
    dma_in(data, 512);
    take_result();
    check_sector(data, 0, 1, 9, 9);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        deleted_data, scan_commands, read_track, odd_tracks, short_sectors, interleaved_track,
        index_hole_ends_a_format, format_as_another_disk, geometry_from_boot_sector,
        boot_sector_overrides_type,
    };
    return temp_run("fdc_disk", begin, end, tests, sizeof tests / sizeof tests[0]);
}
