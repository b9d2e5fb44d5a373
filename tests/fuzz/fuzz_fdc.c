/* SPDX-License-Identifier: MIT
 * Fuzz target: the floppy controller with two drives, behind a real 8237. Images are in memory
 * (host_files.h). The input is a list of what a guest and its user do:
 *
 *   op: bits 0-3 what, bits 4-7 number n
 *   0 write 3F0h + n: value            1 read 3F0h + n
 *   2 n bytes to the FIFO, each when the controller takes it       3 read results: up to n
 *   4 data without DMA: n * 64 bytes, read or written as the controller asks
 *   5 DMA channel 2: mode (n: transfer type and kind), address (2), count (2)
 *   6 time passes: 2^n * 10 us     7 another disk: drive n mod 2, which     8 disk out: drive n
 *   9 reset of the board          10 recalibrate drive n       11 reset by DOR, its four answers
 *  12 specify: DMA or not (n)     13 a whole command: opcode, C, H, R, EOT; DMA, wait, results
 *  14 another disk, with a boot sector: drive n mod 2; sectors (2), tracks, sectors a track, heads
 *  15 format a track with n sectors: drive and head, N, C, H, first R, step of R, fill
 *
 * All along: no interrupt and no DMA request while DOR keeps them off. Afterwards a reset and a
 * fresh 720K disk: a sector is written and read back by DMA, and is in its place in the image.
 */
#include <string.h>
#include "iodev/fdc.h"
#include "iodev/i8237.h"
#include "iodev/image/image.h"
#include "iodev/media.h"
#include "tests/fuzz/host_files.h"
#include "tests/fuzz/script.h"
#include "tests/unit/fake_board.h"

extern const struct device_class dma_class;

enum { RAM = 1 << 17, LONGEST = 100, US = 1000 };
enum { DOR = 0x3F2, MSR = 0x3F4, FIFO = 0x3F5, CCR = 0x3F7 };
enum { RQM = 0x80, DIO = 0x40, NON_DMA = 0x20, DMAGATE = 0x08 };

static struct board *b;
static struct device *dma, *drive[2];

static const struct { const char *path; size_t bytes; } disks[] = {
    { "/160k.img", 163840 }, { "/360k.img", 368640 }, { "/720k.img", 737280 },
    { "/1_2.img", 1228800 }, { "/1_44.img", 1474560 }, { "/2_88.img", 2949120 },
    { "/odd.img", 5000 }, { "/large.img", HOST_BYTES },
};

/* ---- the world ------------------------------------------------------------------------------- */

static void dreq_changed(void *ctx, unsigned channel, bool level)
{
    (void)ctx;
    dma_set_dreq(dma, channel, level);
}

static void make_disks(void)
{
    host_clear();
    for (unsigned i = 0; i < COUNT_OF(disks); i++) host_make(disks[i].path, NULL, disks[i].bytes);
}

static void build(void)
{
    make_disks();
    b = fake_new(RAM);
    dma = fake_plug(b, &dma_class, NULL);
    require(dma && fake_plug(b, &fdc_class, NULL), "the controllers cannot be plugged in");
    b->dma[2].changed = dreq_changed;
    dma_attach(dma, 2, b->dma[2].dev, b->dma[2].client);
    drive[0] = fake_plug_id(b, &floppy_class, "floppya", "drive", "1_44", NULL);
    drive[1] = fake_plug_id(b, &floppy_class, "floppyb", "drive", "1_2", NULL);
    require(drive[0] && drive[1], "the drives cannot be plugged in");
}

static void set_up_dma(uint8_t mode, uint16_t address, uint16_t count)
{
    fake_out8(b, 0xD6, 0xC0);              /* channel 4: the cascade */
    fake_out8(b, 0xD4, 0);
    fake_out8(b, 0x0A, 6);
    fake_out8(b, 0x0C, 0);
    fake_out8(b, 0x0B, (uint8_t)((mode & ~3) | 2));
    for (unsigned shift = 0; shift < 16; shift += 8)
        fake_out8(b, 0x04, (uint8_t)(address >> shift));
    for (unsigned shift = 0; shift < 16; shift += 8) fake_out8(b, 0x05, (uint8_t)(count >> shift));
    fake_out8(b, 0x81, 0);
    fake_out8(b, 0x0A, 2);
}

static void start_anew(void)
{
    if (!b) build();
    media_eject(drive[0], 0);
    media_eject(drive[1], 0);
    make_disks();
    fake_reset(b, RESET_POWER);
    b->clock.now = 0;
    require(!media_change(drive[0], 0, "/1_44.img"), "a disk cannot be inserted");
    require(!media_change(drive[1], 0, "/360k.img"), "a disk cannot be inserted");
}

/* ---- what happens ---------------------------------------------------------------------------- */

static void give(uint8_t value)
{
    for (unsigned i = 0; i < 4 && (fake_in8(b, MSR) & (RQM | DIO)) != RQM; i++)
        fake_advance(b, 50 * US);
    fake_out8(b, FIFO, value);
}

static unsigned take_results(uint8_t *to, unsigned most)
{
    unsigned n = 0;
    while (n < most && (fake_in8(b, MSR) & (RQM | DIO | NON_DMA)) == (RQM | DIO))
        to[n++] = fake_in8(b, FIFO);
    return n;
}

static void wait_for_interrupt(void)
{
    for (unsigned i = 0; i < 60 && !fake_irq(b, 6); i++) fake_advance(b, 500 * US);
}

static void sense(uint8_t *answer)
{
    give(0x08);
    answer[0] = answer[1] = 0;
    take_results(answer, 2);
}

static void move_data(unsigned bytes)
{
    for (; bytes; bytes--) {
        uint8_t status = fake_in8(b, MSR);
        if (!(status & NON_DMA)) return;
        if (!(status & RQM)) fake_advance(b, 100 * US);
        else if (status & DIO) fake_in8(b, FIFO);
        else fake_out8(b, FIFO, (uint8_t)bytes);
    }
}

static void reset_controller(void)
{
    uint8_t answer[2];
    fake_out8(b, DOR, 0);
    fake_advance(b, 10 * US);
    fake_out8(b, DOR, 0x1C);
    fake_advance(b, 200 * US);
    require(fake_irq(b, 6), "no interrupt after a reset");
    for (unsigned i = 0; i < 4; i++) {
        sense(answer);
        require(answer[0] == (0xC0 | i), "not four answers after a reset");
    }
}

static void recalibrate(uint8_t number)
{
    uint8_t answer[2];
    give(0x07);
    give(number & 3);
    wait_for_interrupt();
    sense(answer);
}

static void specify(bool without_dma)
{
    give(0x03);
    give(0xAF);
    give(without_dma ? 3 : 2);
}

static void whole_command(struct script *in)
{
    uint8_t opcode = take8(in), c = take8(in), h = take8(in), r = take8(in), eot = take8(in),
            results[16];
    uint8_t bytes[9] = { opcode, (uint8_t)(h & 7), c, (uint8_t)(h >> 2 & 1), r, 2, eot, 0x1B,
                         0xFF };
    set_up_dma(opcode & 1 ? 0x48 : 0x44, (uint16_t)(c << 8), (uint16_t)(eot * 64u + r));
    for (unsigned i = 0; i < sizeof bytes && !fake_irq(b, 6); i++) give(bytes[i]);
    wait_for_interrupt();
    take_results(results, sizeof results);
}

static void change(unsigned number, uint8_t which)
{
    static const char *const others[] = { "/none.img", "", "/tree" };
    unsigned n = which % (COUNT_OF(disks) + COUNT_OF(others));
    media_change(drive[number], 0,
                 n < COUNT_OF(disks) ? disks[n].path : others[n - COUNT_OF(disks)]);
}

static void change_to_boot_disk(unsigned number, struct script *in)
{
    uint8_t boot[SECTOR_SIZE] = { 0xEB, 0x3C, 0x90, [12] = 2, [21] = 0xF0 };
    size_t sectors = take16(in) % (HOST_BYTES / SECTOR_SIZE);
    unsigned tracks = take8(in), spt = take8(in), heads = take8(in), all = tracks * spt * heads;
    boot[19] = (uint8_t)all, boot[20] = (uint8_t)(all >> 8);
    boot[24] = (uint8_t)spt, boot[26] = (uint8_t)heads;
    media_eject(drive[0], 0);
    media_eject(drive[1], 0);
    host_make("/boot.img", boot, SECTOR_SIZE);
    host_resize("/boot.img", (sectors + 1) * SECTOR_SIZE);
    media_change(drive[number], 0, "/boot.img");
}

static void format(unsigned sectors, struct script *in)
{
    uint8_t *ram = memory_ram(b->memory), results[16];
    uint8_t place = take8(in) & 7, n = take8(in), c = take8(in), h = take8(in), r = take8(in),
            step = take8(in);
    const uint8_t bytes[6] = { 0x4D, place, n, (uint8_t)sectors, 0x1B, take8(in) };
    for (unsigned i = 0; i < sectors; i++, r = (uint8_t)(r + step))
        memcpy(ram + 0x3000 + 4 * i, (const uint8_t[4]){ c, h, r, n }, 4);
    set_up_dma(0x48, 0x3000, (uint16_t)(sectors * 4 - 1));
    for (unsigned i = 0; i < sizeof bytes; i++) give(bytes[i]);
    wait_for_interrupt();
    take_results(results, sizeof results);
}

static void act(struct script *in)
{
    uint8_t op = take8(in), n = op >> 4, results[16];
    switch (op & 15) {
    case 0: fake_out8(b, (uint16_t)(0x3F0 + n), take8(in)); break;
    case 1: fake_in8(b, (uint16_t)(0x3F0 + n)); break;
    case 2: for (unsigned i = 0; i < n; i++) give(take8(in)); break;
    case 3: take_results(results, n); break;
    case 4: move_data(n * 64u); break;
    case 5: {
        uint16_t address = take16(in);
        set_up_dma((uint8_t)(n << 2 | (n & 1) << 6), address, take16(in));
        break;
    }
    case 6: fake_advance(b, (nanos)10 * US << n); break;
    case 7: change(n & 1, take8(in)); break;
    case 8: media_eject(drive[n & 1], 0); break;
    case 9: fake_reset(b, n ? RESET_HARD : RESET_POWER); break;
    case 10: recalibrate(n); break;
    case 11: reset_controller(); break;
    case 12: specify(n & 1); break;
    case 13: whole_command(in); break;
    case 14: change_to_boot_disk(n & 1, in); break;
    case 15: format(n, in); break;
    }
}

static void check_lines(void)
{
    if (fake_in8(b, DOR) & DMAGATE) return;
    require(!fake_irq(b, 6), "an interrupt through a closed gate");
    require(!fake_dreq(b, 2), "a DMA request through a closed gate");
}

/* ---- what must hold -------------------------------------------------------------------------- */

static void transfer(uint8_t opcode, uint8_t mode, uint16_t address)
{
    const uint8_t bytes[9] = { opcode, 4, 1, 1, 5, 2, 5, 0x1B, 0xFF };
    uint8_t result[7];
    set_up_dma(mode, address, SECTOR_SIZE - 1);
    for (unsigned i = 0; i < sizeof bytes; i++) give(bytes[i]);
    wait_for_interrupt();
    require(take_results(result, 7) == 7, "a transfer has no seven results");
    require(!(result[0] & 0xC0), "a transfer fails");
}

static void seek(uint8_t opcode, uint8_t cylinder)
{
    uint8_t answer[2];
    give(opcode);
    give(0);
    if (opcode == 0x0F) give(cylinder);
    wait_for_interrupt();
    sense(answer);
    require(answer[0] == 0x20 && answer[1] == cylinder, "a seek does not end where it should");
}

static void check(void)
{
    uint8_t *ram = memory_ram(b->memory);
    size_t bytes;
    media_eject(drive[0], 0);
    media_eject(drive[1], 0);
    host_make("/720k.img", NULL, 737280);  /* it may have been formatted as another disk */
    require(!media_change(drive[0], 0, "/720k.img"), "a disk cannot be inserted");
    fake_out8(b, 0x0D, 0);
    fake_out8(b, 0xDA, 0);
    reset_controller();
    fake_out8(b, CCR, 2);
    specify(false);
    recalibrate(0);                        /* 79 pulses do not reach track 0 from everywhere */
    seek(0x07, 0);
    seek(0x0F, 1);
    require(!(fake_in8(b, CCR) & 0x80), "the disk counts as changed after a step");
    for (unsigned i = 0; i < SECTOR_SIZE; i++) ram[0x4000 + i] = (uint8_t)(i * 5 + 1);
    memset(ram + 0x5000, 0, SECTOR_SIZE);
    transfer(0xC5, 0x48, 0x4000);
    transfer(0xE6, 0x44, 0x5000);
    require(!memcmp(ram + 0x4000, ram + 0x5000, SECTOR_SIZE), "a sector is read back wrong");
    const uint8_t *image = host_bytes("/720k.img", &bytes);
    require(!memcmp(image + ((1 * 2 + 1) * 9 + 4) * SECTOR_SIZE, ram + 0x4000, SECTOR_SIZE),
            "a sector is not in its place in the image");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script in = { data, data + size };
    start_anew();
    for (unsigned i = 0; i < LONGEST && script_more(&in); i++) {
        act(&in);
        check_lines();
    }
    check();
    return 0;
}
