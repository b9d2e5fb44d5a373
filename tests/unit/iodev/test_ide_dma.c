/* SPDX-License-Identifier: MIT
 * ATA disks by bus master (SFF-8038i), their images, and hostile register writes.
 */
#include "tests/unit/iodev/ide_bench.h"
#include "tests/unit/iodev/bus_master_bench.h"

/* ---- bus master ------------------------------------------------------------------------------ */

START_TEST(dma_read_scatters)
{
    map_bus_master(b, BM);
    put_prd(b, 0x1000, 0, 0x10000, 512, false);
    put_prd(b, 0x1000, 1, 0x20000, 512 * 2, true);
    fake_out32(b, BM + 4, 0x1000);
    fake_out8(b, BM + 2, 0x06);
    address(100, 3);
    fake_out8(b, CMD, 0xC8);
    fake_out8(b, BM, 0x09);
    ck_assert_uint_eq(fake_in8(b, BM + 2), 0x01);
    fake_advance(b, MS);
    ck_assert(fake_irq(b, 14));
    ck_assert_uint_eq(fake_in8(b, BM + 2), 0x04);        /* table and disk ended together */
    ck_assert_uint_eq(fake_in8(b, STATUS), 0x50);
    memory_copy_from(b->memory, data, 0x10000, 512);
    memory_copy_from(b->memory, data + 512, 0x20000, 1024);
    check_sectors(data, 100, 3);
    fake_out8(b, BM, 0);
    fake_out8(b, BM + 2, 0x04);
    ck_assert_uint_eq(fake_in8(b, BM + 2), 0);
}
END_TEST

START_TEST(dma_write_large_ext)
{
    map_bus_master(b, BM);
    for (unsigned i = 0; i < 256 * 512; i++) data[i] = (uint8_t)(i * 5 + i / 512);
    memory_copy_to(b->memory, 0x100000, data, sizeof data);
    put_prd(b, 0x1000, 0, 0x100000, 0x10000, false);            /* 0 = 64 KiB */
    put_prd(b, 0x1000, 1, 0x110000, 0x10000, false);
    put_prd(b, 0x1000, 2, 0x120000, 0x10000, true);             /* longer than the transfer */
    fake_out32(b, BM + 4, 0x1000);
    fake_out8(b, BM, 0x01);                              /* started before the command */
    address48(64, 256);
    fake_out8(b, CMD, 0x35);
    fake_advance(b, 10 * MS);
    ck_assert(fake_irq(b, 14));
    ck_assert_uint_eq(fake_in8(b, BM + 2), 0x05);        /* interrupt and still active */
    static uint8_t file[256 * 512];
    temp_read(temp.path, 64 * 512, file, sizeof file);
    ck_assert_mem_eq(file, data, sizeof file);
}
END_TEST

START_TEST(dma_table_too_short_hangs_until_reset)
{
    map_bus_master(b, BM);
    put_prd(b, 0x1000, 0, 0x10000, 512, true);
    fake_out32(b, BM + 4, 0x1000);
    address(0, 2);
    fake_out8(b, CMD, 0xC8);
    fake_out8(b, BM, 0x09);
    fake_advance(b, 10 * MS);
    ck_assert(!fake_irq(b, 14));
    ck_assert_uint_eq(fake_in8(b, BM + 2), 0);
    fake_out8(b, CONTROL, 4);
    fake_out8(b, CONTROL, 0);
    fake_advance(b, MS);
    ck_assert_uint_eq(fake_in8(b, STATUS), 0x50);
}
END_TEST

START_TEST(dma_table_outside_ram)
{
    map_bus_master(b, BM);
    fake_out32(b, BM + 4, 0xFFFFFFFC);
    address(0, 2);
    fake_out8(b, CMD, 0xCA);
    fake_out8(b, BM, 0x01);
    fake_advance(b, 10 * MS);
    ck_assert_uint_eq(fake_in8(b, BM + 2), 0x02);
}
END_TEST

START_TEST(no_bus_master_no_dma)
{
    fake_free(b);
    b = fake_new(1 << 20);
    ck_assert_ptr_nonnull(fake_plug_id(b, &ide_class, "ata0", NULL));
    ck_assert_ptr_nonnull(fake_plug_id(b, &ata_disk_class, "ata0-master", "path", temp.path, NULL));
    address(0, 1);
    fake_out8(b, CMD, 0xC8);
    expect_error(0x04);
    identify();
    ck_assert_uint_eq(word(49) & 0x100, 0);
    ck_assert_uint_eq(word(63) | word(88), 0);
}
END_TEST

/* ---- the image ------------------------------------------------------------------------------- */

START_TEST(volatile_disk_keeps_the_file)
{
    fake_free(b);
    plug("volatile");
    memset(data, 0x99, 512);
    address(5, 1);
    fake_out8(b, CMD, 0x30);
    give(data, 1, 1);
    address(5, 1);
    fake_out8(b, CMD, 0x20);
    take(data, 1, 1);
    ck_assert_uint_eq(data[0], 0x99);
    temp_read(temp.path, 5 * 512, data, 512);
    check_sectors(data, 5, 1);
}
END_TEST

START_TEST(geometry_from_the_partition_table)
{
    uint8_t mbr[512] = { 0 };
    uint8_t entry[16] = { 0x80, 1, 1, 0, 6, 7, 17, 9, 17, 0, 0, 0, 0x3F, 0x05, 0, 0 };
    memcpy(mbr + 446, entry, 16);          /* 17 + 1343 = 10 cylinders of 8 x 17 */
    mbr[510] = 0x55;
    mbr[511] = 0xAA;
    fake_free(b);
    int fd = open(temp.path, O_WRONLY);
    ck_assert_int_eq(pwrite(fd, mbr, 512, 0), 512);
    close(fd);
    plug("flat");
    struct ata_geometry g = ata_disk_geometry(disk);
    ck_assert_uint_eq(g.heads, 8);
    ck_assert_uint_eq(g.spt, 17);
    ck_assert_uint_eq(g.cylinders, SECTORS / (8 * 17));
}
END_TEST

START_TEST(plug_refuses)
{
    ck_assert_ptr_null(fake_plug_id(b, &ata_disk_class, "ata0-slave", "path", "/nowhere/x.img",
                                    NULL));
    ck_assert_ptr_null(fake_plug_id(b, &ata_disk_class, "ata0-slave", "path", temp.path, NULL));
    ck_assert_ptr_null(fake_plug_id(b, &ata_disk_class, "ata7-slave", "path", temp.path, "mode",
                                    "volatile", NULL));
}
END_TEST

/* Any order of any writes: no crash, and a reset brings the drive back. */
START_TEST(hostile_register_writes)
{
    uint32_t x = 99;
    map_bus_master(b, BM);
    for (unsigned i = 0; i < 300000; i++) {
        x = x * 1664525 + 1013904223;
        static const uint16_t ports[16] = {
            BASE, BASE, FEATURE, COUNT, LOW, MID, HIGH, DEV, CMD, CMD, CONTROL, BM, BM + 2, BM + 4,
            BM + 8, BASE,
        };
        enum width w = (enum width)(1u << (x >> 8 & 3) % 3);
        uint16_t port = ports[x >> 28];
        uint32_t value = x >> 10;
        if (port == COUNT) value &= 3;
        if (port == CONTROL) value &= ~(x >> 9 & 4);
        if (x >> 27 & 1) fake_out(b, port, value, w);
        else fake_in(b, port, w);
        fake_advance(b, x >> 12 & 0x3FFF);
    }
    fake_out8(b, CONTROL, 4);
    fake_out8(b, CONTROL, 0);
    fake_advance(b, 10 * MS);
    ck_assert_uint_eq(fake_in8(b, STATUS), 0x50);
    fake_reset(b, RESET_HARD);
    fake_out8(b, COUNT, 63);
    fake_out8(b, DEV, 0xAF);
    fake_out8(b, CMD, 0x91);
    wait_ready();
    identify();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        dma_read_scatters, dma_write_large_ext, dma_table_too_short_hangs_until_reset,
        dma_table_outside_ram, no_bus_master_no_dma, volatile_disk_keeps_the_file,
        geometry_from_the_partition_table, plug_refuses, hostile_register_writes,
    };
    return temp_run("ide_dma", begin, end, tests, sizeof tests / sizeof tests[0]);
}
