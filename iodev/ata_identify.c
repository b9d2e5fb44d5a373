/* SPDX-License-Identifier: MIT
 * IDENTIFY DEVICE data and geometry of a hard disk.
 * AT Attachment with Packet Interface - 6 (T13/1410D, 2002), 8.15 and table 27.
 */
#include "iodev/ata_disk.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { MAX_CYLINDERS = 16383, LBA28_LIMIT = 0x0FFFFFFF };

/* ---- geometry -------------------------------------------------------------------------------- */

static uint32_t clamped(uint64_t value, uint32_t most)
{
    return value > most ? most : (uint32_t)value;
}

/* The end of a partition is at the last head and sector of a cylinder, if its maker kept to
 * cylinders: that tells the geometry. Start and end have to agree with their LBAs. */
static bool fits(const uint8_t *entry, struct ata_geometry *g)
{
    uint32_t heads = entry[5] + 1u, spt = entry[6] & 63;
    uint32_t cylinder = entry[7] | (entry[6] & 0xC0u) << 2;
    uint64_t first = entry[8] | entry[9] << 8 | entry[10] << 16 | (uint64_t)entry[11] << 24;
    uint64_t count = entry[12] | entry[13] << 8 | entry[14] << 16 | (uint64_t)entry[15] << 24;
    if (!entry[4] || heads > 16 || !spt || cylinder >= 1023) return false;
    *g = (struct ata_geometry){ 0, heads, spt };
    return first + count == ((uint64_t)cylinder + 1) * heads * spt;
}

static bool from_partition_table(const struct ata_disk *k, struct ata_geometry *g)
{
    uint8_t sector[SECTOR_SIZE];
    if (image_read(k->image, 0, 1, sector) != 0 || sector[510] != 0x55 || sector[511] != 0xAA)
        return false;
    for (unsigned i = 0; i < 4; i++)
        if (fits(sector + 446 + 16 * i, g)) return true;
    return false;
}

void ata_guess_geometry(struct ata_disk *k)
{
    struct ata_geometry g = { 0, 16, 63 };
    bool set = k->heads || k->spt;
    if (!set && !k->cylinders && !from_partition_table(k, &g))
        g = (struct ata_geometry){ 0, 16, 63 };
    if (k->heads) g.heads = clamped(k->heads, 16);
    if (k->spt) g.spt = clamped(k->spt, 255);
    uint64_t fit = k->sectors / (g.heads * g.spt);
    g.cylinders = clamped(k->cylinders ? k->cylinders : fit, k->cylinders ? 65535 : MAX_CYLINDERS);
    if (!g.cylinders) g.cylinders = 1;
    k->native = g;
}

void ata_set_current(struct ata_disk *k, uint32_t heads, uint32_t spt)
{
    bool native = heads == k->native.heads && spt == k->native.spt;
    uint64_t fit = k->sectors / (heads * spt);
    uint32_t cylinders = native ? k->native.cylinders : clamped(fit, 65535);
    k->current = (struct ata_geometry){ cylinders, heads, spt };
}

struct ata_geometry ata_disk_geometry(const struct device *d)
{
    return container_of(d, const struct ata_disk, dev)->native;
}

uint64_t ata_disk_sectors(const struct device *d)
{
    return container_of(d, const struct ata_disk, dev)->sectors;
}

/* ---- IDENTIFY DEVICE ------------------------------------------------------------------------- */

/* ATA strings: two characters per word, the first in the high byte, filled with blanks. */
static void put_text(uint16_t *words, unsigned count, const char *text)
{
    size_t len = strlen(text);
    for (unsigned i = 0; i < count * 2; i++) {
        uint16_t c = i < len && isprint((unsigned char)text[i]) ? (uint8_t)text[i] : ' ';
        words[i / 2] |= i % 2 ? c : (uint16_t)(c << 8);
    }
}

static void put_number(uint16_t *words, unsigned count, uint64_t value)
{
    for (unsigned i = 0; i < count; i++) words[i] = (uint16_t)(value >> 16 * i);
}

static void put_serial(const struct ata_disk *k, uint16_t *w)
{
    char serial[24];
    snprintf(serial, sizeof serial, "VT-%s", k->dev.id);
    for (char *c = serial; *c; c++) *c = (char)toupper((unsigned char)*c);
    put_text(w + 10, 10, serial);
}

static void put_geometry(const struct ata_disk *k, uint16_t *w)
{
    const struct ata_geometry *g = &k->current;
    w[1] = (uint16_t)k->native.cylinders;
    w[3] = (uint16_t)k->native.heads;
    w[6] = (uint16_t)k->native.spt;
    w[54] = (uint16_t)g->cylinders;
    w[55] = (uint16_t)g->heads;
    w[56] = (uint16_t)g->spt;
    put_number(w + 57, 2, (uint64_t)g->cylinders * g->heads * g->spt);
    put_number(w + 60, 2, clamped(k->sectors, LBA28_LIMIT));
    put_number(w + 100, 4, k->sectors);
}

/* The mode selected by SET FEATURES 03h: 20h + n multiword, 40h + n Ultra DMA. */
static uint16_t selected_dma(const struct ata_disk *k, uint8_t kind)
{
    return (k->transfer_mode & 0xF8) == kind ? (uint16_t)(0x100 << (k->transfer_mode & 7)) : 0;
}

static void put_dma(const struct ata_disk *k, uint16_t *w)
{
    if (!ide_has_dma(&k->drive)) return;
    w[49] |= 1 << 8;
    w[63] = 0x0007 | selected_dma(k, 0x20);
    w[88] = 0x003F | selected_dma(k, 0x40);
}

/* SMART with logs and self-test, NOP, READ/WRITE BUFFER, look-ahead, write cache, power management;
 * FLUSH CACHE (EXT), 48-bit. */
static void put_features(const struct ata_disk *k, uint16_t *w)
{
    uint16_t enabled = (uint16_t)((k->look_ahead ? 1 << 6 : 0) | (k->write_cache ? 1 << 5 : 0) |
                                  (k->smart ? 1 : 0));
    w[82] = 0x7069;
    w[83] = 0x7400;
    w[84] = 0x4003;
    w[85] = (uint16_t)((w[82] & ~0x0061) | enabled);
    w[86] = 0x3400;
    w[87] = 0x4003;
}

void ata_identify(const struct ata_disk *k, uint8_t data[SECTOR_SIZE])
{
    uint16_t w[256] = { 0 };
    w[0] = 0x0040;             /* fixed disk */
    put_serial(k, w);
    put_text(w + 23, 4, "0.1");
    put_text(w + 27, 20, k->model ? k->model : "");
    w[4] = (uint16_t)(k->native.spt * SECTOR_SIZE);
    w[5] = SECTOR_SIZE;   /* ATA-1's words 4, 5: the Bochs BIOS takes its block size from them */
    w[20] = 3;                 /* ATA-1: a buffer with read-ahead of `buffer` sectors */
    w[21] = ATA_CHUNK_SECTORS;
    w[47] = 0x8000 | ATA_MAX_MULTIPLE;
    w[48] = 0x0001;            /* 32-bit data port: ATA-1's word, drivers still look at it */
    w[49] = 0x2E00;            /* standby timer as in table 26; LBA, IORDY (may be disabled) */
    w[50] = 0x4000;
    w[51] = 0x0200;
    w[53] = 0x0007;            /* words 54-58, 64-70, 88 are valid */
    put_geometry(k, w);
    w[59] = k->multiple ? 0x0100 | k->multiple : 0;
    w[64] = 0x0003;            /* PIO 3, 4 */
    w[65] = w[66] = w[67] = w[68] = 120;
    w[80] = 0x007E;            /* ATA-1 to ATA/ATAPI-6 */
    put_features(k, w);
    put_dma(k, w);
    w[93] = k->drive.number ? 0x6300 : 0x600B;     /* 80-conductor cable, number by jumper */
    for (unsigned i = 0; i < 255; i++) {
        data[2 * i] = (uint8_t)w[i];
        data[2 * i + 1] = (uint8_t)(w[i] >> 8);
    }
    data[510] = 0xA5;          /* word 255: the sum of all bytes is 0 */
    uint8_t sum = 0;
    for (unsigned i = 0; i < 511; i++) sum = (uint8_t)(sum + data[i]);
    data[511] = (uint8_t)-sum;
}
