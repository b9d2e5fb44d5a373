/* SPDX-License-Identifier: MIT
 * Fuzz target: two ATA channels with bus master; a disk and a CD drive on the first, a CD drive on the
 * second. The input is a list of what a guest and its user do:
 *
 *   op: bits 0-3 what, bit 4 which channel, bits 5-7 small number n
 *   0 write register n: value          4 ATA command: feature, count, low, mid, high, device, opcode
 *   1 read register n                  5 packet: feature, 12 bytes; then take its data, n * 64 reads
 *   2 data port writes: n + 1 dwords   6 bus master register n: value
 *   3 data port reads: n * 16 + 1      7 memory: offset (2), value (4)
 *   8 time passes: 2^n us              9 control register: value
 *  10 a disc: n 0 out, 1 ISO, 2 raw   11 reset of the board (n 0: with power)
 *
 * Whatever it was, both channels have to come back after it: a soft reset, then each drive answers
 * IDENTIFY. State is the same at the start of every input.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "iodev/ata_disk.h"
#include "iodev/cdrom/atapi_cd.h"
#include "iodev/cdrom/disc.h"
#include "iodev/media.h"
#include "tests/fuzz/target.h"
#include "tests/unit/fake_board.h"

enum { RAM = 1 << 16, BM = 0xC000, LONGEST = 400, DISK_SECTORS = 2016, DISC_SECTORS = 60 };
enum { FEATURE = 1, COUNT, LOW, MID, HIGH, DEV, CMD, CONTROL = 0x206 };

static struct board *b;
static struct device *disk, *cd[2];
static char iso_path[64], raw_path[64], disk_path[64];

struct script {
    const uint8_t *at, *end;
};

static uint8_t next(struct script *in) { return in->at < in->end ? *in->at++ : 0; }

static void require(bool condition, const char *what)
{
    if (condition) return;
    fprintf(stderr, "fuzz_ata: %s\n", what);
    abort();
}

/* ---- the world ------------------------------------------------------------------------------- */

static void make_file(char *path, size_t sector, unsigned count)
{
    uint8_t data[DISC_RAW_SECTOR];
    strcpy(path, "/tmp/vitro-fuzz-XXXXXX");
    int fd = mkstemp(path);
    require(fd >= 0, "no temporary file");
    for (unsigned n = 0; n < count; n++) {
        for (size_t i = 0; i < sizeof data; i++) data[i] = (uint8_t)(i * 7 + n);
        if (sector == DISC_RAW_SECTOR) disc_encode_mode1(data, n);
        if (sector == DISC_RAW_SECTOR && n % 3 == 1) data[15] = 2;
        require(write(fd, data, sector) == (ssize_t)sector, "the temporary file cannot be written");
    }
    close(fd);
}

static void remove_files(void)
{
    unlink(iso_path);
    unlink(raw_path);
    unlink(disk_path);
}

static void build(void)
{
    atexit(remove_files);
    make_file(disk_path, SECTOR_SIZE, DISK_SECTORS);
    make_file(iso_path, DISC_SECTOR, DISC_SECTORS);
    make_file(raw_path, DISC_RAW_SECTOR, DISC_SECTORS);
    b = fake_new(RAM);
    fake_plug_id(b, &ide_class, "ata0", NULL);
    fake_plug_id(b, &ide_class, "ata1", NULL);
    fake_plug(b, &piix_ide_class, NULL);
    disk = fake_plug_id(b, &ata_disk_class, "ata0-master", "path", disk_path, "mode", "volatile",
                        NULL);
    cd[0] = fake_plug_id(b, &atapi_cd_class, "ata0-slave", "path", iso_path, NULL);
    cd[1] = fake_plug_id(b, &atapi_cd_class, "ata1-master", "path", raw_path, NULL);
    require(disk && cd[0] && cd[1], "the drives cannot be plugged in");
}

static void start_anew(void)
{
    static const uint8_t zeroes[RAM];
    if (!b) build();
    memory_copy_to(b->memory, 0, zeroes, RAM);
    media_change(cd[0], 0, iso_path);
    media_change(cd[1], 0, raw_path);
    fake_reset(b, RESET_POWER);
    fake_pci_write(b, 1, 1, 0x20, BM, DWORD);
    fake_pci_write(b, 1, 1, 4, 5, WORD);
}

/* ---- what happens ---------------------------------------------------------------------------- */

static uint16_t base_of(uint8_t op) { return op & 0x10 ? 0x170 : 0x1F0; }

static uint8_t wait_ready(uint16_t base)
{
    for (unsigned i = 0; i < 400 && fake_in8(b, base + CONTROL) & 0x80; i++)
        fake_advance(b, 20000);
    return fake_in8(b, base + CONTROL);
}

static void ata_command(struct script *in, uint16_t base)
{
    for (unsigned reg = FEATURE; reg <= CMD; reg++) fake_out8(b, (uint16_t)(base + reg), next(in));
    fake_advance(b, 30000);
}

static void packet(struct script *in, uint16_t base, unsigned reads)
{
    fake_out8(b, base + FEATURE, next(in));
    fake_out8(b, base + MID, 0);
    fake_out8(b, base + HIGH, 0x10);
    fake_out8(b, base + CMD, 0xA0);
    wait_ready(base);
    for (unsigned i = 0; i < 3; i++) {
        uint32_t v = next(in);
        for (unsigned k = 8; k < 32; k += 8) v |= (uint32_t)next(in) << k;
        fake_out32(b, base, v);
    }
    for (unsigned i = 0; i < reads && wait_ready(base) & 8; i++) fake_in32(b, base);
}

static void change_disc(struct device *dev, unsigned n)
{
    if (!n) media_eject(dev, 0);
    else media_change(dev, 0, n == 1 ? iso_path : raw_path);
}

static void write_memory(struct script *in)
{
    uint32_t offset = next(in), value = 0;
    offset |= (uint32_t)next(in) << 8;
    for (unsigned k = 0; k < 32; k += 8) value |= (uint32_t)next(in) << k;
    memory_write(b->memory, offset & ~3u, value, DWORD);
}

static void act(struct script *in)
{
    uint8_t op = next(in);
    uint16_t base = base_of(op);
    unsigned n = op >> 5;
    switch (op & 15) {
    case 0: fake_out8(b, (uint16_t)(base + n), next(in)); break;
    case 1: fake_in8(b, (uint16_t)(base + n)); break;
    case 2: for (unsigned i = 0; i <= n; i++) fake_out32(b, base, next(in) * 0x01010101u); break;
    case 3: for (unsigned i = 0; i <= n * 16; i++) fake_in16(b, base); break;
    case 4: ata_command(in, base); break;
    case 5: packet(in, base, n * 64); break;
    case 6: fake_out8(b, (uint16_t)(BM + (op & 0x10 ? 8 : 0) + n), next(in)); break;
    case 7: write_memory(in); break;
    case 8: fake_advance(b, (nanos)1000 << 2 * n); break;
    case 9: fake_out8(b, base + CONTROL, next(in)); break;
    case 10: change_disc(op & 0x10 ? cd[1] : cd[0], n % 3); break;
    case 11: fake_reset(b, n ? RESET_HARD : RESET_POWER); break;
    }
}

/* ---- what must hold -------------------------------------------------------------------------- */

static void check_drive(uint16_t base, uint8_t device, uint8_t opcode)
{
    fake_out8(b, base + DEV, device);
    fake_out8(b, base + CMD, opcode);
    require((wait_ready(base) & 0x89) == 0x08, "a drive does not answer IDENTIFY after a reset");
    for (unsigned i = 0; i < 127; i++) fake_in32(b, base);
    require(fake_in8(b, base + CONTROL) & 8, "IDENTIFY is too short");
    fake_in32(b, base);
    require(!(fake_in8(b, base + CONTROL) & 8), "IDENTIFY is too long");
}

static void check(void)
{
    for (uint16_t base = 0x170; base <= 0x1F0; base += 0x80) {
        fake_out8(b, base + CONTROL, 4);
        fake_advance(b, 10000);
        fake_out8(b, base + CONTROL, 0);
        require(!(wait_ready(base) & 0x80), "a channel stays busy after a reset");
    }
    check_drive(0x1F0, 0xA0, 0xEC);
    check_drive(0x1F0, 0xB0, 0xA1);
    check_drive(0x170, 0xA0, 0xA1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script in = { data, data + size };
    start_anew();
    for (unsigned i = 0; i < LONGEST && in.at < in.end; i++) act(&in);
    check();
    return 0;
}
