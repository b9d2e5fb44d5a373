/* SPDX-License-Identifier: MIT
 * ATA: what a disk with its write cache off, or put to rest, has written is safe without a flush.
 * The image has tables that wait in memory, so that its file shows the difference.
 */
#include "iodev/image/format.h"
#include "tests/unit/iodev/bus_master_bench.h"
#include "tests/unit/iodev/ide_bench.h"

static char path[128];

static void begin_cached(void)
{
    struct image_plan p = { .bytes = SECTORS * SECTOR_SIZE };
    temp_begin(&temp);
    snprintf(path, sizeof path, "%s", temp_path(&temp, "disk.qcow2"));
    int fd = open(path, O_RDWR | O_CREAT, 0666);
    ck_assert_int_ge(fd, 0);
    ck_assert_ptr_null(image_qcow2.create(fd, &p));
    close(fd);
    plug("auto");
}

/* As the file is now: what kill -9 would leave. */
static bool is_safe(uint32_t lba)
{
    char note[512];
    uint8_t sector[SECTOR_SIZE];
    struct image *i = image_open(path, NULL, IMAGE_READ_UNLOCKED, note, sizeof note);
    ck_assert_msg(i != NULL, "%s", note);
    ck_assert_int_eq(image_read(i, lba, 1, sector), 0);
    image_close(i);
    temp_sector(expected, lba);
    return !memcmp(sector, expected, sizeof sector);
}

static void write_pio(uint32_t lba, unsigned count)
{
    for (unsigned n = 0; n < count; n++) temp_sector(data + n * 512, lba + n);
    address(lba, count);
    fake_out8(b, CMD, 0x30);
    give(data, count, 1);
}

static void no_data(uint8_t opcode, uint8_t feature)
{
    fake_out8(b, FEATURE, feature);
    fake_out8(b, DEV, 0xE0);
    fake_out8(b, CMD, opcode);
    ck_assert_uint_eq(wait_ready(), 0x50);
    fake_in8(b, STATUS);
}

START_TEST(a_write_waits_for_the_flush)
{
    write_pio(5, 1);
    ck_assert(!is_safe(5));
    no_data(0xE7, 0);
    ck_assert(is_safe(5));
}
END_TEST

START_TEST(without_a_cache_it_does_not)
{
    write_pio(5, 1);
    no_data(0xEF, 0x82);                   /* what came before is flushed, too */
    ck_assert(is_safe(5));
    write_pio(200, 3);
    ck_assert(is_safe(200) && is_safe(202));
    no_data(0xEF, 0x02);
    write_pio(500, 1);
    ck_assert(!is_safe(500));
}
END_TEST

START_TEST(without_a_cache_by_dma)
{
    enum { FROM = 0x10000, LBA = 300, COUNT_DMA = 130 };       /* two chunks */
    no_data(0xEF, 0x82);
    map_bus_master(b, BM);
    for (unsigned n = 0; n < COUNT_DMA; n++) {
        temp_sector(expected, LBA + n);
        memory_copy_to(b->memory, FROM + n * 512, expected, 512);
    }
    put_prd(b, 0x1000, 0, FROM, 0x10000, false);
    put_prd(b, 0x1000, 1, FROM + 0x10000, COUNT_DMA * 512 - 0x10000, true);
    fake_out32(b, BM + 4, 0x1000);
    address(LBA, COUNT_DMA);
    fake_out8(b, CMD, 0xCA);
    fake_out8(b, BM, 1);
    ck_assert_uint_eq(wait_ready(), 0x50);
    ck_assert(is_safe(LBA) && is_safe(LBA + COUNT_DMA - 1));
}
END_TEST

/* STANDBY, STANDBY IMMEDIATE, SLEEP, by their old codes, too: the power may be switched off. */
START_TEST(rest_flushes)
{
    static const uint8_t opcodes[] = { 0x94, 0x96, 0xE0, 0xE2, 0x99, 0xE6 };
    for (unsigned i = 0; i < sizeof opcodes; i++) {
        write_pio(i * 128, 1);
        ck_assert(!is_safe(i * 128));
        fake_out8(b, COUNT, 0);
        no_data(opcodes[i], 0);
        ck_assert(is_safe(i * 128));
        fake_out8(b, CONTROL, 4);
        fake_out8(b, CONTROL, 0);
        ck_assert_uint_eq(wait_ready(), 0x50);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = { a_write_waits_for_the_flush, without_a_cache_it_does_not,
                                   without_a_cache_by_dma, rest_flushes };
    return temp_run("ata cache", begin_cached, end, tests, COUNT_OF(tests));
}
