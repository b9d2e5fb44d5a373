/* SPDX-License-Identifier: MIT
 * A floppy controller with a 1.44M disk, and the CPU's and the 8237's half of its commands.
 */
#pragma once
#include "iodev/fdc.h"
#include "iodev/media.h"
#include "tests/unit/fake_board.h"
#include "tests/unit/iodev/temp_image.h"

enum { DOR = 0x3F2, TDR = 0x3F3, MSR = 0x3F4, DSR = 0x3F4, FIFO = 0x3F5, DIR = 0x3F7, CCR = 0x3F7,
       MS = 1000000 };

static struct temp temp;
static struct board *b;
static struct device *fdc, *drive_a;
static uint8_t result[16], data[64 * 512], expected[512];

static inline void start(const char *drive)
{
    b = fake_new(1 << 20);
    fdc = fake_plug(b, &fdc_class, NULL);
    ck_assert_ptr_nonnull(fdc);
    drive_a = fake_plug_id(b, &floppy_class, "floppya", "image", temp.path, "drive", drive, NULL);
    ck_assert_ptr_nonnull(drive_a);
}

static inline unsigned read_result(void)
{
    unsigned len = 0;
    while (len < sizeof result && (fake_in8(b, MSR) & 0xD0) == 0xD0)
        result[len++] = fake_in8(b, FIFO);
    return len;
}

static inline unsigned command(unsigned n, const uint8_t *bytes)
{
    for (unsigned i = 0; i < n; i++) {
        ck_assert_uint_eq(fake_in8(b, MSR) & 0xC0, 0x80);
        fake_out8(b, FIFO, bytes[i]);
    }
    return read_result();
}
#define COMMAND(...) \
    command(sizeof (const uint8_t[]){ __VA_ARGS__ }, (const uint8_t[]){ __VA_ARGS__ })

static inline void wait_irq(void)
{
    for (unsigned i = 0; i < 1000 && !fake_irq(b, 6); i++) fake_advance(b, 100000);
    ck_assert(fake_irq(b, 6));
}

static inline unsigned take_result(void)
{
    wait_irq();
    unsigned len = read_result();
    ck_assert(!fake_irq(b, 6));
    ck_assert_uint_eq(fake_in8(b, MSR), 0x80);
    return len;
}

static inline void leave_reset(uint8_t rate)
{
    fake_out8(b, DOR, 0x00);
    fake_out8(b, DOR, 0x1C);
    wait_irq();
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(COMMAND(0x08), 2);
        ck_assert_uint_eq(result[0], 0xC0 + i);
        ck_assert_uint_eq(result[1], 0);
    }
    ck_assert(!fake_irq(b, 6));
    fake_out8(b, CCR, rate);
    ck_assert_uint_eq(COMMAND(0x03, 0xAF, 0x02), 0);     /* SPECIFY, DMA */
}

static inline void seek(unsigned drive, unsigned cylinder)
{
    COMMAND(0x0F, (uint8_t)drive, (uint8_t)cylinder);
    ck_assert_uint_eq(fake_in8(b, MSR), 0x80 | 1u << drive);
    wait_irq();
    ck_assert_uint_eq(COMMAND(0x08), 2);
    ck_assert_uint_eq(result[0], 0x20 | drive);
    ck_assert_uint_eq(result[1], cylinder);
    ck_assert(!fake_irq(b, 6));
}

static inline void begin(void)
{
    temp_begin(&temp);
    temp_image(&temp, "floppy.img", 2880);
    start("auto");
    leave_reset(0);
}

static inline void end(void)
{
    fake_free(b);
    temp_end(&temp);
}

/* The 8237's half of a transfer of n bytes with TC at the end. */
static inline void dma_in(uint8_t *to, unsigned n)
{
    unsigned done = 0;
    for (unsigned guard = 0; done < n && guard < 10000; guard++) {
        fake_advance(b, 100000);
        if (fake_dreq(b, 2)) done += (unsigned)fake_dma_to_memory(b, 2, to + done, n - done, true);
    }
    ck_assert_uint_eq(done, n);
}

static inline void dma_out(const uint8_t *from, unsigned n)
{
    unsigned done = 0;
    for (unsigned guard = 0; done < n && guard < 10000; guard++) {
        fake_advance(b, 100000);
        if (fake_dreq(b, 2))
            done += (unsigned)fake_dma_from_memory(b, 2, from + done, n - done, true);
    }
    ck_assert_uint_eq(done, n);
}

static inline void check_sector(const uint8_t *at, unsigned c, unsigned h, unsigned r, unsigned spt)
{
    temp_sector(expected, (c * 2 + h) * spt + r - 1);
    ck_assert_mem_eq(at, expected, 512);
}

static inline void expect(uint8_t st0, uint8_t st1, uint8_t st2, uint8_t c, uint8_t h, uint8_t r)
{
    const uint8_t want[7] = { st0, st1, st2, c, h, r, 2 };
    ck_assert_uint_eq(take_result(), 7);
    for (unsigned i = 0; i < 7; i++)
        ck_assert_msg(result[i] == want[i], "result %u: %02X, not %02X", i, result[i], want[i]);
}
