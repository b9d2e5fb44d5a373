/* SPDX-License-Identifier: MIT
 * Fuzz target: two ATA channels with bus master; a disk and a CD drive on the first, a CD drive on
 * the second. The input is a list of what a guest and its user do:
 *
 *   op: bits 0-3 what, bit 4 which channel, bits 5-7 small number n
 *   0 write register n: value         4 ATA command: feature, count, low, mid, high, device, opcode
 *   1 read register n                 5 packet: feature, 12 bytes; then take its data, n * 64 reads
 *   2 data port writes: n + 1 dwords  6 bus master register n: value
 *   3 data port reads: n * 16 + 1     7 memory: offset (2), value (4)
 *   8 time passes: 2^n us             9 control register: value
 *  10 a disc: n 0 out, 1 ISO, 2 raw  11 reset of the board (n 0: with power)
 *  12 a whole data block: 128 dwords read or written, as the drive asks
 *
 * Whatever it was, both channels have to come back after it: a soft reset, each drive answers
 * IDENTIFY, and a sector that is written is read back. The machine is the same at the start of
 * every input; the disk holds what earlier ones wrote.
 */
#include "tests/fuzz/ide_bench.h"

enum { LONGEST = 120 };

static struct board *b;
static struct device *cd[2];

static void start_anew(void)
{
    if (!b) {
        b = ide_board();
        require(fake_plug_id(b, &ata_disk_class, "ata0-master", "path", DISK_PATH, NULL),
                "the disk cannot be plugged in");
        cd[0] = fake_plug_id(b, &atapi_cd_class, "ata0-slave", "path", ISO_PATH, NULL);
        cd[1] = fake_plug_id(b, &atapi_cd_class, "ata1-master", "path", RAW_PATH, NULL);
        require(cd[0] && cd[1], "the CD drives cannot be plugged in");
    }
    ide_change_disc(cd[0], 1);
    ide_change_disc(cd[1], 2);
    ide_power_on(b);
}

/* ---- what happens ---------------------------------------------------------------------------- */

static void ata_command(struct script *in, uint16_t base)
{
    for (unsigned reg = FEATURE; reg <= CMD; reg++) fake_out8(b, (uint16_t)(base + reg), take8(in));
    fake_advance(b, 30000);
}

static void packet(struct script *in, uint16_t base, unsigned reads)
{
    fake_out8(b, base + FEATURE, take8(in));
    fake_out8(b, base + MID, 0);
    fake_out8(b, base + HIGH, 0x10);
    fake_out8(b, base + CMD, 0xA0);
    ide_wait(b, base);
    for (unsigned i = 0; i < 3; i++) fake_out32(b, base, take32(in));
    for (unsigned i = 0; i < reads && ide_wait(b, base) & 8; i++) fake_in32(b, base);
}

/* Reads on a write command, and the other way round, are the guest's mistake and happen, too. */
static void data_block(uint16_t base, bool write)
{
    if (!(ide_wait(b, base) & 8)) return;
    for (unsigned i = 0; i < 128; i++)
        if (write) fake_out32(b, base, i * 0x01234567u);
        else fake_in32(b, base);
}

static void act(struct script *in)
{
    uint8_t op = take8(in);
    uint16_t base = ide_base(op);
    unsigned n = op >> 5;
    switch (op & 15) {
    case 0: fake_out8(b, (uint16_t)(base + n), take8(in)); break;
    case 1: fake_in8(b, (uint16_t)(base + n)); break;
    case 2: for (unsigned i = 0; i <= n; i++) fake_out32(b, base, take8(in) * 0x01010101u); break;
    case 3: for (unsigned i = 0; i <= n * 16; i++) fake_in16(b, base); break;
    case 4: ata_command(in, base); break;
    case 5: packet(in, base, n * 64); break;
    case 6: fake_out8(b, (uint16_t)(BM + (op & 0x10 ? 8 : 0) + n), take8(in)); break;
    case 7: ide_write_memory(b, in); break;
    case 8: fake_advance(b, (nanos)1000 << 2 * n); break;
    case 9: fake_out8(b, base + CONTROL, take8(in)); break;
    case 10: ide_change_disc(op & 0x10 ? cd[1] : cd[0], n % 3); break;
    case 11: fake_reset(b, n ? RESET_HARD : RESET_POWER); break;
    case 12: data_block(base, n & 1); break;
    }
}

/* ---- what must hold -------------------------------------------------------------------------- */

static void start_sector(uint8_t opcode)
{
    static const uint8_t registers[] = { 0, 1, 17, 1, 0, 0xE0 };
    for (unsigned i = 0; i < sizeof registers; i++)
        fake_out8(b, (uint16_t)(0x1F1 + i), registers[i]);
    fake_out8(b, 0x1F7, opcode);
    require((ide_wait(b, 0x1F0) & 0x89) == 0x08, "a sector cannot be read or written");
}

static void check_sector(uint32_t seed)
{
    start_sector(0x30);
    for (unsigned i = 0; i < 128; i++) fake_out32(b, 0x1F0, seed + i);
    require(!(ide_wait(b, 0x1F0) & 0x29), "a write fails");
    start_sector(0x20);
    for (unsigned i = 0; i < 128; i++)
        require(fake_in32(b, 0x1F0) == seed + i, "a sector comes back wrong");
}

static void check(uint32_t seed)
{
    ide_check_reset(b, 0x170);
    ide_check_reset(b, 0x1F0);
    ide_check_drive(b, 0x1F0, 0xA0, 0xEC);
    ide_check_drive(b, 0x1F0, 0xB0, 0xA1);
    ide_check_drive(b, 0x170, 0xA0, 0xA1);
    check_sector(seed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script in = { data, data + size };
    start_anew();
    for (unsigned i = 0; i < LONGEST && script_more(&in); i++) act(&in);
    check((uint32_t)size * 0x9E3779B1u);
    return 0;
}
