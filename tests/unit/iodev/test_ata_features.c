/* SPDX-License-Identifier: MIT
 * ATA: SET FEATURES, FLUSH CACHE, sector buffer, a disk on each of four channels, and what drivers
 * of old ask first.
 */
#include "iodev/ata_disk.h"
#include "iodev/ide.h"
#include "tests/unit/fake_board.h"
#include "tests/unit/iodev/bus_master_bench.h"
#include "tests/unit/iodev/temp_image.h"

enum {
    BASE = 0x1F0,
    ERR = 1,
    FEATURE = 1,
    COUNT = 2,
    LOW = 3,
    MID = 4,
    HIGH = 5,
    DEV = 6,
    CMD = 7,
    STATUS = 7,
    CONTROL = 0x206,
    ISA_CONTROL = 0x1FE,
    SECTORS = 2016,
    MS = 1000000
};
enum { ABORTED = 0x04 };

static const struct {
    uint16_t base;
    unsigned irq;
} channels[4] = {
    {0x1F0, 14},
    {0x170, 15},
    {0x1E8, 11},
    {0x168, 9},
};

static struct temp temp;
static struct board *b;
static uint16_t words[256];

static void begin(void)
{
    temp_begin(&temp);
    b = fake_new(1 << 20);
    for (unsigned i = 0; i < 4; i++) {
        char id[16], name[16];
        snprintf(id, sizeof id, "ata%u", i);
        ck_assert_ptr_nonnull(fake_plug_id(b, &ide_class, id, NULL));
        snprintf(id, sizeof id, "ata%u-master", i);
        snprintf(name, sizeof name, "disk%u.img", i);
        temp_image(&temp, name, SECTORS);
        ck_assert_ptr_nonnull(fake_plug_id(b, &ata_disk_class, id, "path", temp.path, NULL));
    }
    ck_assert_ptr_nonnull(fake_plug(b, &piix_ide_class, NULL));
}

static void end(void)
{
    fake_free(b);
    temp_end(&temp);
}

static uint8_t alternate_status(uint16_t base)
{
    bool first_two = base == channels[0].base || base == channels[1].base;
    return fake_in8(b, base + (first_two ? CONTROL : ISA_CONTROL));
}

static uint8_t wait_ready(uint16_t base)
{
    for (unsigned i = 0; i < 1000 && alternate_status(base) & 0x80; i++) fake_advance(b, 1000);
    return alternate_status(base);
}

static uint8_t command(uint16_t base, uint8_t opcode)
{
    fake_out8(b, base + CMD, opcode);
    uint8_t status = wait_ready(base);
    fake_in8(b, base + STATUS);
    return status;
}

static void identify(uint16_t base)
{
    fake_out8(b, base + DEV, 0xA0);
    ck_assert_uint_eq(command(base, 0xEC), 0x58);
    for (unsigned i = 0; i < 256; i++) words[i] = fake_in16(b, base);
}

static uint8_t set_features(uint16_t base, uint8_t feature, uint8_t count)
{
    fake_out8(b, base + FEATURE, feature);
    fake_out8(b, base + COUNT, count);
    uint8_t status = command(base, 0xEF);
    ck_assert_uint_eq(status & 1 ? fake_in8(b, base + ERR) : ABORTED, ABORTED);
    return status;
}

/* ---- SET FEATURES (8.36) --------------------------------------------------------------------- */

/* Subcommand 03h: of multiword and Ultra DMA one mode at a time is the selected one. */
START_TEST(transfer_modes)
{
    static const struct {
        uint8_t mode, status;
        uint16_t word63, word88;
    } modes[] = {
        {0x00, 0x50, 0x0007, 0x003F}, {0x0C, 0x50, 0x0007, 0x003F}, {0x20, 0x50, 0x0107, 0x003F},
        {0x22, 0x50, 0x0407, 0x003F}, {0x23, 0x51, 0x0407, 0x003F}, {0x42, 0x50, 0x0007, 0x043F},
        {0x45, 0x50, 0x0007, 0x203F}, {0x46, 0x51, 0x0007, 0x203F}, {0x0D, 0x51, 0x0007, 0x203F},
        {0x08, 0x50, 0x0007, 0x203F}, /* a PIO mode leaves the DMA mode as it is */
    };
    for (unsigned i = 0; i < COUNT_OF(modes); i++) {
        ck_assert_uint_eq(set_features(BASE, 0x03, modes[i].mode), modes[i].status);
        identify(BASE);
        ck_assert_uint_eq(words[63], modes[i].word63);
        ck_assert_uint_eq(words[88], modes[i].word88);
    }
}
END_TEST

START_TEST(no_dma_modes_without_a_bus_master)
{
    ck_assert_uint_eq(set_features(0x1E8, 0x03, 0x22), 0x51);
    ck_assert_uint_eq(set_features(0x1E8, 0x03, 0x0C), 0x50);
    identify(0x1E8);
    ck_assert_uint_eq(words[49] & 0x0100, 0);
    ck_assert_uint_eq(words[63] | words[88], 0);
}
END_TEST

START_TEST(write_cache_and_look_ahead)
{
    static const struct {
        uint8_t feature;
        uint16_t on;
    } steps[] = {
        {0xCC, 0x60}, {0x82, 0x40}, {0x55, 0x00}, {0x02, 0x20}, {0xAA, 0x60}, {0x66, 0x60},
    };
    for (unsigned i = 0; i < COUNT_OF(steps); i++) {
        ck_assert_uint_eq(set_features(BASE, steps[i].feature, 0), 0x50);
        identify(BASE);
        ck_assert_uint_eq(words[82] & 0x60, 0x60);
        ck_assert_uint_eq(words[85] & 0x60, steps[i].on);
    }
}
END_TEST

START_TEST(unknown_features)
{
    static const uint8_t features[] = {0x00, 0x01, 0x05, 0x42, 0x5D, 0x81, 0x95, 0xFF};
    for (unsigned i = 0; i < sizeof features; i++)
        ck_assert_uint_eq(set_features(BASE, features[i], 0), 0x51);
}
END_TEST

/* ---- commands without media ------------------------------------------------------------------ */

START_TEST(flush_cache)
{
    static const uint8_t opcodes[] = {0xE7, 0xEA};
    for (unsigned i = 0; i < sizeof opcodes; i++) {
        fake_out8(b, BASE + CMD, opcodes[i]);
        ck_assert_uint_eq(fake_in8(b, BASE + CONTROL), 0x80);
        ck_assert_uint_eq(wait_ready(BASE), 0x50);
        ck_assert(fake_irq(b, 14));
        fake_in8(b, BASE + STATUS);
    }
}
END_TEST

START_TEST(sector_buffer)
{
    fake_out8(b, BASE + CMD, 0xE8);
    ck_assert_uint_eq(wait_ready(BASE), 0x58);
    ck_assert(!fake_irq(b, 14)); /* data is asked for without an interrupt */
    for (unsigned i = 0; i < 256; i++) fake_out16(b, BASE, (uint16_t)(i * 259));
    ck_assert_uint_eq(wait_ready(BASE), 0x50);
    ck_assert(fake_irq(b, 14));
    fake_in8(b, BASE + STATUS);
    ck_assert_uint_eq(command(BASE, 0xE4), 0x58);
    for (unsigned i = 0; i < 256; i++) ck_assert_uint_eq(fake_in16(b, BASE), (uint16_t)(i * 259));
    ck_assert_uint_eq(fake_in8(b, BASE + STATUS), 0x50);
}
END_TEST

/* READ VERIFY looks at sectors and moves nothing; its end is the last of them, or where it failed.
 */
START_TEST(read_verify)
{
    static const uint8_t opcodes[] = {0x40, 0x41, 0x42};
    for (unsigned i = 0; i < sizeof opcodes; i++) {
        for (unsigned twice = 0; twice < 2; twice++) { /* the upper halves are 0 */
            fake_out8(b, BASE + COUNT, twice ? 10 : 0);
            fake_out8(b, BASE + LOW, twice ? 0xD8 : 0);
            fake_out8(b, BASE + MID, twice ? 0x07 : 0);
            fake_out8(b, BASE + HIGH, 0);
        }
        fake_out8(b, BASE + DEV, 0xE0);
        ck_assert_uint_eq(command(BASE, opcodes[i]), 0x51); /* 2008 + 10 > 2016 */
        ck_assert_uint_eq(fake_in8(b, BASE + ERR), 0x10);
        ck_assert_uint_eq(fake_in8(b, BASE + LOW) | fake_in8(b, BASE + MID) << 8, SECTORS);
        fake_out8(b, BASE + COUNT, 0);
        fake_out8(b, BASE + COUNT, 8);
        fake_out8(b, BASE + LOW, 0);
        fake_out8(b, BASE + LOW, 0xD8);
        ck_assert_uint_eq(command(BASE, opcodes[i]), 0x50);
        ck_assert_uint_eq(fake_in8(b, BASE + LOW) | fake_in8(b, BASE + MID) << 8, SECTORS - 1);
    }
}
END_TEST

/* ---- bus master (290550-002, 2.7) ------------------------------------------------------------ */

enum { BM = 0xC000, BM_STATUS = 2, BM_TABLE = 4 };

/* Two sets of registers; bits 5 and 6 are the BIOS's to set; 7 (one channel at a time) is 0. */
START_TEST(bus_master_registers)
{
    map_bus_master(b, BM);
    for (unsigned base = BM; base <= BM + 8; base += 8) {
        ck_assert_uint_eq(fake_in8(b, (uint16_t)base), 0);
        ck_assert_uint_eq(fake_in8(b, (uint16_t)(base + BM_STATUS)), 0);
        fake_out8(b, (uint16_t)(base + BM_STATUS), 0xFF);
        ck_assert_uint_eq(fake_in8(b, (uint16_t)(base + BM_STATUS)), 0x60);
        fake_out32(b, (uint16_t)(base + BM_TABLE), 0x12345677 + base);
        ck_assert_uint_eq(fake_in32(b, (uint16_t)(base + BM_TABLE)), (0x12345677 + base) & ~3u);
    }
    fake_out8(b, BM, 0x09);                /* start, to memory: nothing to do yet */
    ck_assert_uint_eq(fake_in8(b, BM), 0x09);
    ck_assert_uint_eq(fake_in8(b, BM + BM_STATUS), 0x61);
    ck_assert_uint_eq(fake_in8(b, BM + 8 + BM_STATUS), 0x60);
    fake_out8(b, BM + BM_STATUS, 0x60);    /* the active bit is read-only */
    ck_assert_uint_eq(fake_in8(b, BM + BM_STATUS), 0x61);
    fake_out8(b, BM, 0x08);
    ck_assert_uint_eq(fake_in8(b, BM + BM_STATUS), 0x60);
    fake_out8(b, BASE + CMD, 0xE7);        /* any command's INTRQ shows, until it is cleared */
    fake_advance(b, MS);
    ck_assert_uint_eq(fake_in8(b, BM + BM_STATUS), 0x64);
    fake_in8(b, BASE + STATUS);
    ck_assert_uint_eq(fake_in8(b, BM + BM_STATUS), 0x64);
    fake_out8(b, BM + BM_STATUS, 0x64);
    ck_assert_uint_eq(fake_in8(b, BM + BM_STATUS), 0x60);
}
END_TEST

/* ---- channels, and what software looks for on them ------------------------------------------- */

START_TEST(four_channels)
{
    for (unsigned i = 0; i < 4; i++) {
        uint16_t base = channels[i].base;
        ck_assert_uint_eq(alternate_status(base), 0x50);
        fake_out8(b, base + DEV, 0xA0);
        fake_out8(b, base + CMD, 0xEC);
        ck_assert_uint_eq(wait_ready(base), 0x58);
        for (unsigned k = 0; k < 4; k++) ck_assert(fake_irq(b, channels[k].irq) == (k == i));
        fake_in8(b, base + STATUS);
        ck_assert(!fake_irq(b, channels[i].irq));
        for (unsigned n = 0; n < 256; n++) words[n] = fake_in16(b, base);
        ck_assert_uint_eq(words[60], SECTORS);
        ck_assert_uint_eq(words[13] >> 8, '0' + i); /* "VT-ATA0-MASTER" */
    }
}
END_TEST

/* "Is there anything?": a pattern in two registers. Then: who? A channel with one disk. */
START_TEST(probe_of_old)
{
    for (unsigned slave = 0; slave < 2; slave++) {
        fake_out8(b, BASE + DEV, slave ? 0xB0 : 0xA0);
        fake_out8(b, BASE + COUNT, 0x55);
        fake_out8(b, BASE + LOW, 0xAA);
        ck_assert_uint_eq(fake_in8(b, BASE + COUNT), 0x55);
        ck_assert_uint_eq(fake_in8(b, BASE + LOW), 0xAA);
    }
    fake_out8(b, BASE + DEV, 0xA0);
    fake_out8(b, BASE + CONTROL, 0x06);
    ck_assert_uint_eq(fake_in8(b, BASE + STATUS), 0x80);
    fake_advance(b, 5000);
    fake_out8(b, BASE + CONTROL, 0x00);
    ck_assert_uint_eq(fake_in8(b, BASE + STATUS), 0x80);
    ck_assert_uint_eq(wait_ready(BASE), 0x50);
    ck_assert(!fake_irq(b, 14)); /* SRST ends without an interrupt */
    ck_assert_uint_eq(fake_in8(b, BASE + ERR), 0x01);
    fake_out8(b, BASE + DEV, 0xB0);
    ck_assert_uint_eq(fake_in8(b, BASE + STATUS), 0x00);
    fake_out8(b, BASE + CMD, 0xEC); /* nobody hears that */
    fake_advance(b, SECOND);
    ck_assert(!fake_irq(b, 14));
    ck_assert_uint_eq(fake_in8(b, BASE + STATUS), 0x00);
}
END_TEST

/* EXECUTE DEVICE DIAGNOSTIC to an absent slave: device 0 runs it and says that all is well (8.11).
 */
START_TEST(diagnostic_to_an_absent_slave)
{
    fake_out8(b, BASE + DEV, 0xB0);
    fake_out8(b, BASE + CMD, 0x90);
    fake_advance(b, MS);
    ck_assert_uint_eq(fake_in8(b, BASE + CONTROL), 0x50);
    ck_assert(fake_irq(b, 14));
    ck_assert_uint_eq(fake_in8(b, BASE + ERR), 0x01);
    ck_assert_uint_eq(fake_in8(b, BASE + DEV) & 0x10, 0);
    ck_assert_uint_eq(fake_in8(b, BASE + COUNT) | fake_in8(b, BASE + LOW) << 8, 0x0101);
    ck_assert_uint_eq(fake_in8(b, BASE + MID) | fake_in8(b, BASE + HIGH), 0);
}
END_TEST

/* More heads times sectors than the disk has: no cylinder is left, CHS finds nothing, LBA all. */
START_TEST(geometry_too_large_for_the_disk)
{
    fake_out8(b, BASE + COUNT, 255);
    fake_out8(b, BASE + DEV, 0xAF);
    ck_assert_uint_eq(command(BASE, 0x91), 0x50);
    identify(BASE);
    ck_assert_uint_eq(words[54], 0);
    fake_out8(b, BASE + COUNT, 1);
    fake_out8(b, BASE + LOW, 1);
    fake_out8(b, BASE + MID, 0);
    fake_out8(b, BASE + HIGH, 0);
    ck_assert_uint_eq(command(BASE, 0x20), 0x51);
    ck_assert_uint_eq(fake_in8(b, BASE + ERR), 0x10);
    fake_out8(b, BASE + DEV, 0xE0);
    ck_assert_uint_eq(command(BASE, 0x20), 0x58);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        transfer_modes,
        no_dma_modes_without_a_bus_master,
        write_cache_and_look_ahead,
        unknown_features,
        flush_cache,
        sector_buffer,
        read_verify,
        four_channels,
        probe_of_old,
        diagnostic_to_an_absent_slave,
        bus_master_registers,
        geometry_too_large_for_the_disk,
    };
    return temp_run("ata_features", begin, end, tests, sizeof tests / sizeof tests[0]);
}
