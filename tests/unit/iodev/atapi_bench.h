/* SPDX-License-Identifier: MIT
 * For tests of the ATAPI CD drive: a drive, packets by PIO and what may be seen on their way.
 */
#pragma once
#include "iodev/cdrom/atapi_cd.h"
#include "iodev/cdrom/disc.h"
#include "iodev/ide.h"
#include "iodev/media.h"
#include "tests/unit/fake_board.h"
#include "tests/unit/iodev/temp_image.h"

enum { BASE = 0x170, ERR = BASE + 1, FEATURE = BASE + 1, REASON = BASE + 2, LOW = BASE + 3,
       MID = BASE + 4, HIGH = BASE + 5, DEV = BASE + 6, CMD = BASE + 7, STATUS = BASE + 7,
       CONTROL = 0x376, BM = 0xC000, IRQ = 15, BLOCKS = 400, SECTORS = 100, MS = 1000000 };

static struct temp temp;
static struct board *b;
static struct device *cd;
static uint8_t data[0x40000], expected[2048];
static uint32_t length;                    /* of the last packet's data */
static unsigned blocks, limit;             /* its DRQ blocks; the byte count limit for it */

static inline void plug(const char *path)
{
    b = fake_new(4 << 20);
    ck_assert_ptr_nonnull(fake_plug_id(b, &ide_class, "ata1", NULL));
    ck_assert_ptr_nonnull(fake_plug(b, &piix_ide_class, NULL));
    cd = path ? fake_plug_id(b, &atapi_cd_class, "ata1-master", "path", path, NULL)
              : fake_plug_id(b, &atapi_cd_class, "ata1-master", NULL);
    ck_assert_ptr_nonnull(cd);
    limit = 0xFFFE;
    length = 0;
}

static inline uint8_t wait_ready(void)
{
    for (unsigned i = 0; i < 10000 && fake_in8(b, CONTROL) & 0x80; i++) fake_advance(b, 1000);
    ck_assert_uint_eq(fake_in8(b, CONTROL) & 0x80, 0);
    return fake_in8(b, CONTROL);
}

static inline void send_packet(const uint8_t packet[12], uint8_t feature)
{
    fake_out8(b, DEV, 0xA0);
    fake_out8(b, FEATURE, feature);
    fake_out8(b, MID, (uint8_t)limit);
    fake_out8(b, HIGH, (uint8_t)(limit >> 8));
    fake_out8(b, CMD, 0xA0);
    ck_assert_uint_eq(wait_ready(), 0x58);
    ck_assert_uint_eq(fake_in8(b, REASON) & 7, 1);       /* command, to the device */
    ck_assert(!fake_irq(b, IRQ));
    for (unsigned i = 0; i < 12; i += 2)
        fake_out16(b, BASE, (uint16_t)(packet[i] | packet[i + 1] << 8));
    ck_assert_uint_eq(fake_in8(b, CONTROL), 0x80);
}

static inline void move_block(bool to_host, unsigned size)
{
    ck_assert_uint_le(size, limit);
    ck_assert_uint_le(length + size, sizeof data);
    for (unsigned i = 0; i < size; i += 2, length += 2) {
        if (to_host) {
            uint16_t w = fake_in16(b, BASE);
            data[length] = (uint8_t)w;
            data[length + 1] = (uint8_t)(w >> 8);
        } else {
            fake_out16(b, BASE, (uint16_t)(data[length] | data[length + 1] << 8));
        }
    }
    length -= size & 1;
    blocks++;
}

/* A whole packet command by PIO, with all that the host may see on the way. Returns the error
 * register; 0: good. */
static inline uint8_t packet(const uint8_t bytes[12])
{
    length = blocks = 0;
    send_packet(bytes, 0);
    for (;;) {
        uint8_t status = wait_ready();
        ck_assert(fake_irq(b, IRQ));
        fake_in8(b, STATUS);
        ck_assert(!fake_irq(b, IRQ));
        if (!(status & 8)) break;
        unsigned reason = fake_in8(b, REASON) & 7;
        ck_assert(reason == 2 || reason == 0);
        move_block(reason == 2, fake_in8(b, MID) | (unsigned)fake_in8(b, HIGH) << 8);
    }
    ck_assert_uint_eq(fake_in8(b, REASON) & 7, 3);       /* status, to the host */
    uint8_t error = fake_in8(b, STATUS) & 1 ? fake_in8(b, ERR) : 0;
    ck_assert_uint_eq(fake_in8(b, STATUS), error ? 0x51 : 0x50);
    return error;
}
#define PACKET(...) packet((const uint8_t[12]){ __VA_ARGS__ })

static inline uint32_t sense(void)
{
    ck_assert_uint_eq(PACKET(0x03, 0, 0, 0, 18), 0);
    ck_assert_uint_eq(length, 18);
    ck_assert_uint_eq(data[0], 0x70);
    return (uint32_t)(data[2] & 15) << 16 | (uint32_t)data[12] << 8 | data[13];
}

/* The command fails with this sense key, code and qualifier, and tells it once. */
static inline void refused(uint8_t error, uint32_t wanted)
{
    ck_assert_uint_eq(error >> 4, wanted >> 16);
    ck_assert_uint_eq(sense(), wanted);
    ck_assert_uint_eq(sense(), 0);
}
#define REFUSED(wanted, ...) refused(PACKET(__VA_ARGS__), wanted)
#define UNIT_READY() PACKET(0)

static inline void begin(void)
{
    temp_begin(&temp);
    temp_image(&temp, "disc.iso", BLOCKS);
    plug(temp.path);
    refused(UNIT_READY(), 0x62900);        /* power on */
}

static inline void end(void)
{
    fake_free(b);
    temp_end(&temp);
}

static inline uint32_t be(const uint8_t *p, unsigned n)
{
    uint32_t v = 0;
    while (n--) v = v << 8 | *p++;
    return v;
}

static inline void user_data(uint32_t lba)
{
    for (unsigned i = 0; i < 4; i++) temp_sector(expected + i * 512, lba * 4 + i);
}

static inline void check_sectors(const uint8_t *at, uint32_t lba, unsigned count, size_t stride)
{
    for (unsigned i = 0; i < count; i++) {
        user_data(lba + i);
        ck_assert_mem_eq(at + i * stride, expected, 2048);
    }
}

static inline uint16_t word(unsigned n)
{
    return (uint16_t)(data[2 * n] | data[2 * n + 1] << 8);
}

static inline void identify(void)
{
    uint8_t sum = 0;
    fake_out8(b, CMD, 0xA1);
    ck_assert_uint_eq(fake_in8(b, CONTROL), 0x80);
    ck_assert_uint_eq(wait_ready(), 0x58);
    ck_assert(fake_irq(b, IRQ));
    fake_in8(b, STATUS);
    length = 0;
    move_block(true, 512);
    ck_assert_uint_eq(fake_in8(b, STATUS), 0x50);
    ck_assert(!fake_irq(b, IRQ));
    for (unsigned i = 0; i < 512; i++) sum = (uint8_t)(sum + data[i]);
    ck_assert_uint_eq(sum, 0);
}
