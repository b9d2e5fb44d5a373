/* SPDX-License-Identifier: MIT
 * Fuzz target: two CD drives on one ATA channel, and what packets do to them. The input is a list:
 *
 *   op: bits 0-3 what, bit 4 which drive, bits 5-7 small number n
 *   0-7 packet with byte count 2^n * 64 - 2 * (n & 1): opcode, 6 more bytes (9 after them are 0);
 *       what: bit 0 by DMA   bit 1 two bytes more, at 7 and 8   bit 2 data is not taken
 *   8 packet of 12 bytes      9 write register n: value      10 read all registers
 *  11 data port: n * 8 reads                12 a disc: n 0 out, 1 ISO, 2 raw, 3 none such
 *  13 time passes: 4^n us    14 DEVICE RESET    15 reset of the board (n 0: with power)
 *
 * Afterwards a soft reset, IDENTIFY PACKET DEVICE, a fresh disc, its UNIT ATTENTION once,
 * and a sector that is read as it is in the image.
 */
#include "tests/fuzz/ide_bench.h"

enum { LONGEST = 40, BASE = 0x1F0, TABLE = 0x100, BUFFER = 0x4000 };

static struct board *b;
static struct device *cd[2];

static void start_anew(void)
{
    if (!b) {
        b = ide_board();
        cd[0] = fake_plug_id(b, &atapi_cd_class, "ata0-master", "path", ISO_PATH, NULL);
        cd[1] = fake_plug_id(b, &atapi_cd_class, "ata0-slave", "path", RAW_PATH, NULL);
        require(cd[0] && cd[1], "the drives cannot be plugged in");
    }
    ide_change_disc(cd[0], 1);
    ide_change_disc(cd[1], 2);
    ide_power_on(b);
}

/* ---- packets --------------------------------------------------------------------------------- */

/* One region of 32 KiB; the drive's data goes to memory. */
static void start_dma(void)
{
    memory_write(b->memory, TABLE, BUFFER, DWORD);
    memory_write(b->memory, TABLE + 4, 0x80008000, DWORD);
    fake_out8(b, BM, 0);
    fake_out8(b, BM + 2, 6);
    fake_out32(b, BM + 4, TABLE);
    fake_out8(b, BM, 9);
}

static void take_data(void)
{
    static uint8_t run[1 << 16];
    for (unsigned blocks = 0; blocks < 40 && ide_wait(b, BASE) & 8; blocks++) {
        uint32_t bytes = fake_in8(b, BASE + MID) | (uint32_t)fake_in8(b, BASE + HIGH) << 8;
        bool to_drive = !(fake_in8(b, BASE + COUNT) & 2);
        for (uint32_t i = 0; i < bytes && !to_drive;) {
            uint32_t n = fake_in_run(b, BASE, WORD, run, (bytes - i + 1) / 2);
            if (!n) fake_in16(b, BASE);
            i += n ? n * 2 : 2;
        }
        for (uint32_t i = 0; i < bytes && to_drive; i += 2) fake_out16(b, BASE, (uint16_t)i);
    }
}

static void packet(uint8_t device, const uint8_t *bytes, uint16_t count, bool dma, bool take)
{
    fake_out8(b, BASE + DEV, device);
    ide_wait(b, BASE);
    if (dma) start_dma();
    fake_out8(b, BASE + FEATURE, dma);
    fake_out8(b, BASE + MID, (uint8_t)count);
    fake_out8(b, BASE + HIGH, (uint8_t)(count >> 8));
    fake_out8(b, BASE + CMD, 0xA0);
    ide_wait(b, BASE);
    for (unsigned i = 0; i < 12; i += 2)
        fake_out16(b, BASE, (uint16_t)(bytes[i] | bytes[i + 1] << 8));
    ide_wait(b, BASE);
    if (take && !dma) take_data();
    if (dma) fake_out8(b, BM, 0);
}

static void short_packet(struct script *in, uint8_t op)
{
    uint8_t bytes[12] = { 0 };
    unsigned n = op >> 5;
    for (unsigned i = 0; i < 7; i++) bytes[i] = take8(in);
    for (unsigned i = 7; i < 9 && op & 2; i++) bytes[i] = take8(in);
    packet(op & 0x10 ? 0xB0 : 0xA0, bytes, (uint16_t)((64u << n) - 2 * (n & 1)), op & 1, !(op & 4));
}

static void long_packet(struct script *in, uint8_t op)
{
    uint8_t bytes[12];
    for (unsigned i = 0; i < sizeof bytes; i++) bytes[i] = take8(in);
    packet(op & 0x10 ? 0xB0 : 0xA0, bytes, 0xFFFE, false, true);
}

/* ---- what happens ---------------------------------------------------------------------------- */

static void change(struct device *dev, unsigned n)
{
    if (n == 3) require(media_change(dev, 0, "/none.iso"), "a disc is there that is not");
    else ide_change_disc(dev, n);
}

static void act(struct script *in)
{
    uint8_t op = take8(in);
    unsigned n = op >> 5;
    switch (op & 15) {
    default: short_packet(in, op); break;
    case 8: long_packet(in, op); break;
    case 9: fake_out8(b, (uint16_t)(BASE + n), take8(in)); break;
    case 10: for (unsigned reg = 1; reg < 8; reg++) fake_in8(b, (uint16_t)(BASE + reg)); break;
    case 11: for (unsigned i = 0; i < n * 8; i++) fake_in16(b, BASE); break;
    case 12: change(cd[op >> 4 & 1], n & 3); break;
    case 13: fake_advance(b, (nanos)1000 << 2 * n); break;
    case 14: fake_out8(b, BASE + CMD, 8); break;
    case 15: fake_reset(b, n ? RESET_HARD : RESET_POWER); break;
    }
}

/* ---- what must hold -------------------------------------------------------------------------- */

static uint8_t test_ready(uint8_t device)
{
    static const uint8_t ready[12] = { 0 };
    packet(device, ready, 64, false, true);
    return (uint8_t)(fake_in8(b, BASE + CMD) & 1 ? fake_in8(b, BASE + FEATURE) >> 4 : 0);
}

static void check_sector(unsigned lba)
{
    uint8_t read[12] = { 0x28, 0, 0, 0, 0, (uint8_t)lba, 0, 0, 1 };
    size_t bytes;
    packet(0xA0, read, 2048, false, false);
    require((ide_wait(b, BASE) & 0x89) == 0x08, "a sector cannot be read");
    const uint8_t *image = host_bytes(ISO_PATH, &bytes);
    for (unsigned i = 0; i < DISC_SECTOR; i += 2) {
        uint16_t here = (uint16_t)(image[lba * DISC_SECTOR + i] |
                                   image[lba * DISC_SECTOR + i + 1] << 8);
        require(fake_in16(b, BASE) == here, "a sector is not what the image holds");
    }
    require(!(ide_wait(b, BASE) & 9), "a sector does not end");
}

static void check(unsigned lba)
{
    ide_check_reset(b, BASE);
    ide_check_drive(b, BASE, 0xB0, 0xA1);
    ide_check_drive(b, BASE, 0xA0, 0xA1);
    media_eject(cd[0], 0);
    require(!media_change(cd[0], 0, ISO_PATH), "a disc cannot be inserted");
    require(test_ready(0xA0) == 6, "a new disc makes no UNIT ATTENTION");
    for (unsigned i = 0; i < 4 && test_ready(0xA0); i++) fake_advance(b, SECOND);
    require(!test_ready(0xA0), "a drive with a disc does not become ready");
    check_sector(lba % DISC_SECTORS);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script in = { data, data + size };
    start_anew();
    for (unsigned i = 0; i < LONGEST && script_more(&in); i++) act(&in);
    check((unsigned)size);
    return 0;
}
