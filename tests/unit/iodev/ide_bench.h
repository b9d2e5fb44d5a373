/* SPDX-License-Identifier: MIT
 * For tests of ATA disks: a disk on the first channel, sectors by PIO, expected errors.
 */
#pragma once
#include "iodev/ata_disk.h"
#include "iodev/ide.h"
#include "tests/unit/fake_board.h"
#include "tests/unit/iodev/temp_image.h"

enum { BASE = 0x1F0, ERR = BASE + 1, FEATURE = BASE + 1, COUNT = BASE + 2, LOW = BASE + 3,
       MID = BASE + 4, HIGH = BASE + 5, DEV = BASE + 6, CMD = BASE + 7, STATUS = BASE + 7,
       CONTROL = 0x3F6, BM = 0xC000, SECTORS = 2016, MS = 1000000 };

static struct temp temp;
static struct board *b;
static struct device *disk;
static uint8_t data[256 * 512], expected[512];

static inline void plug(const char *mode)
{
    b = fake_new(4 << 20);
    ck_assert_ptr_nonnull(fake_plug_id(b, &ide_class, "ata0", NULL));
    ck_assert_ptr_nonnull(fake_plug_id(b, &ide_class, "ata1", NULL));
    ck_assert_ptr_nonnull(fake_plug(b, &piix_ide_class, NULL));
    disk = fake_plug_id(b, &ata_disk_class, "ata0-master", "path", temp.path, "mode", mode, NULL);
    ck_assert_ptr_nonnull(disk);
}

static inline void begin(void)
{
    temp_begin(&temp);
    temp_image(&temp, "disk.img", SECTORS);
    plug("flat");
}

static inline void end(void)
{
    fake_free(b);
    temp_end(&temp);
}

static inline uint8_t wait_ready(void)
{
    for (unsigned i = 0; i < 1000 && fake_in8(b, CONTROL) & 0x80; i++) fake_advance(b, 1000);
    ck_assert_uint_eq(fake_in8(b, CONTROL) & 0x80, 0);
    return fake_in8(b, CONTROL);
}

static inline void address(uint32_t lba, unsigned count)
{
    fake_out8(b, COUNT, (uint8_t)count);
    fake_out8(b, LOW, (uint8_t)lba);
    fake_out8(b, MID, (uint8_t)(lba >> 8));
    fake_out8(b, HIGH, (uint8_t)(lba >> 16));
    fake_out8(b, DEV, (uint8_t)(0xE0 | lba >> 24));
}

static inline void address48(uint64_t lba, unsigned count)
{
    fake_out8(b, COUNT, (uint8_t)(count >> 8));
    fake_out8(b, LOW, (uint8_t)(lba >> 24));
    fake_out8(b, MID, (uint8_t)(lba >> 32));
    fake_out8(b, HIGH, (uint8_t)(lba >> 40));
    fake_out8(b, COUNT, (uint8_t)count);
    fake_out8(b, LOW, (uint8_t)lba);
    fake_out8(b, MID, (uint8_t)(lba >> 8));
    fake_out8(b, HIGH, (uint8_t)(lba >> 16));
    fake_out8(b, DEV, 0x40);
}

/* The host's half of a PIO read of 512-byte blocks, checking every status on the way. */
static inline void take(uint8_t *to, unsigned sectors, unsigned block)
{
    for (unsigned s = 0; s < sectors; s++) {
        if (s % block == 0) {
            ck_assert_uint_eq(wait_ready(), 0x58);
            ck_assert(fake_irq(b, 14));
            ck_assert_uint_eq(fake_in8(b, STATUS), 0x58);
            ck_assert(!fake_irq(b, 14));
        }
        for (unsigned i = 0; i < 512; i += 2) {
            uint16_t w = fake_in16(b, BASE);
            to[s * 512 + i] = (uint8_t)w;
            to[s * 512 + i + 1] = (uint8_t)(w >> 8);
        }
    }
    ck_assert_uint_eq(wait_ready(), 0x50);
    ck_assert(!fake_irq(b, 14));           /* no interrupt at the end of PIO in */
}

static inline void give(const uint8_t *from, unsigned sectors, unsigned block)
{
    for (unsigned s = 0; s < sectors; s++) {
        if (s % block == 0) {
            ck_assert_uint_eq(wait_ready(), 0x58);
            ck_assert(fake_irq(b, 14) == (s != 0));      /* none for the first block */
            fake_in8(b, STATUS);
        }
        for (unsigned i = 0; i < 512; i += 2)
            fake_out16(b, BASE, (uint16_t)(from[s * 512 + i] | from[s * 512 + i + 1] << 8));
    }
    ck_assert_uint_eq(wait_ready(), 0x50);
    ck_assert(fake_irq(b, 14));
    fake_in8(b, STATUS);
}

static inline void check_sectors(const uint8_t *at, uint32_t first, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        temp_sector(expected, first + i);
        ck_assert_mem_eq(at + i * 512, expected, 512);
    }
}

static inline void expect_error(uint8_t error)
{
    ck_assert_uint_eq(wait_ready() & 0x09, 0x01);
    ck_assert(fake_irq(b, 14));
    ck_assert_uint_eq(fake_in8(b, ERR), error);
    fake_in8(b, STATUS);
}

static inline uint16_t word(unsigned n)
{
    return (uint16_t)(data[2 * n] | data[2 * n + 1] << 8);
}

static inline void identify(void)
{
    fake_out8(b, DEV, 0xA0);
    fake_out8(b, CMD, 0xEC);
    take(data, 1, 1);
}
