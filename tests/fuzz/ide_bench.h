/* SPDX-License-Identifier: MIT
 * Two ATA channels with bus master on the bench, for fuzz_ata.c and fuzz_atapi.c.
 * Disks and discs are in memory (host_files.h).
 */
#pragma once
#include <string.h>
#include "iodev/ata_disk.h"
#include "iodev/cdrom/atapi_cd.h"
#include "iodev/cdrom/disc.h"
#include "iodev/media.h"
#include "tests/fuzz/host_files.h"
#include "tests/fuzz/script.h"
#include "tests/unit/fake_board.h"

enum { RAM = 1 << 16, BM = 0xC000, DISK_SECTORS = 2016, DISC_SECTORS = 60 };
enum { FEATURE = 1, COUNT, LOW, MID, HIGH, DEV, CMD, CONTROL = 0x206 };
#define DISK_PATH "/disk.img"
#define ISO_PATH  "/disc.iso"
#define RAW_PATH  "/disc.bin"

/* Every third raw sector is of mode 2. */
static inline void ide_make_disc(const char *path, size_t sector)
{
    static uint8_t all[DISC_SECTORS * DISC_RAW_SECTOR];
    for (unsigned n = 0; n < DISC_SECTORS; n++) {
        uint8_t *data = all + n * sector;
        for (size_t i = 0; i < sector; i++) data[i] = (uint8_t)(i * 7 + n);
        if (sector == DISC_RAW_SECTOR) disc_encode_mode1(data, n);
        if (sector == DISC_RAW_SECTOR && n % 3 == 1) data[15] = 2;
    }
    host_make(path, all, DISC_SECTORS * sector);
}

static inline struct board *ide_board(void)
{
    host_make(DISK_PATH, NULL, DISK_SECTORS * SECTOR_SIZE);
    ide_make_disc(ISO_PATH, DISC_SECTOR);
    ide_make_disc(RAW_PATH, DISC_RAW_SECTOR);
    struct board *b = fake_new(RAM);
    fake_plug_id(b, &ide_class, "ata0", NULL);
    fake_plug_id(b, &ide_class, "ata1", NULL);
    fake_plug(b, &piix_ide_class, NULL);
    return b;
}

static inline void ide_power_on(struct board *b)
{
    memset(memory_ram(b->memory), 0, RAM);
    fake_reset(b, RESET_POWER);
    fake_pci_write(b, 1, 1, 0x20, BM, DWORD);
    fake_pci_write(b, 1, 1, 4, 5, WORD);
}

static inline uint16_t ide_base(uint8_t op) { return op & 0x10 ? 0x170 : 0x1F0; }

static inline uint8_t ide_wait(struct board *b, uint16_t base)
{
    for (unsigned i = 0; i < 400 && fake_in8(b, (uint16_t)(base + CONTROL)) & 0x80; i++)
        fake_advance(b, 20000);
    return fake_in8(b, (uint16_t)(base + CONTROL));
}

static inline void ide_write_memory(struct board *b, struct script *in)
{
    uint32_t offset = take16(in);
    memory_write(b->memory, offset & ~3u, take32(in), DWORD);
}

static inline void ide_change_disc(struct device *cd, unsigned n)
{
    if (!n) media_eject(cd, 0);
    else media_change(cd, 0, n == 1 ? ISO_PATH : RAW_PATH);
}

/* ---- what must hold -------------------------------------------------------------------------- */

static inline void ide_check_reset(struct board *b, uint16_t base)
{
    fake_out8(b, (uint16_t)(base + CONTROL), 4);
    fake_advance(b, 10000);
    fake_out8(b, (uint16_t)(base + CONTROL), 0);
    require(!(ide_wait(b, base) & 0x80), "a channel stays busy after a reset");
}

static inline void ide_check_drive(struct board *b, uint16_t base, uint8_t device, uint8_t opcode)
{
    fake_out8(b, (uint16_t)(base + DEV), device);
    fake_out8(b, (uint16_t)(base + CMD), opcode);
    require((ide_wait(b, base) & 0x89) == 0x08, "a drive does not answer IDENTIFY after a reset");
    for (unsigned i = 0; i < 127; i++) fake_in32(b, base);
    require(fake_in8(b, (uint16_t)(base + CONTROL)) & 8, "IDENTIFY is too short");
    fake_in32(b, base);
    require(!(fake_in8(b, (uint16_t)(base + CONTROL)) & 8), "IDENTIFY is too long");
}
