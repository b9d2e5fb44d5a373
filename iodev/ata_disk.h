/* SPDX-License-Identifier: MIT
 * A hard disk's inside, shared by ata_disk.c (commands, data) and ata_identify.c (who am I), and
 * what the BIOS tables need to know of a disk.
 */
#pragma once
#include "iodev/ide.h"
#include "iodev/image/image.h"

enum { ATA_CHUNK_SECTORS = 128, ATA_MAX_MULTIPLE = 16 };

struct ata_geometry {
    uint32_t cylinders, heads, spt;
};

struct ata_disk {
    struct device    dev;
    struct ide_drive drive;
    struct timer     timer;
    struct image    *image;
    char            *path, *mode, *model;
    uint64_t         cylinders, heads, spt;    /* settings; 0: find out                 */
    uint64_t         sectors;
    struct ata_geometry native, current;       /* current: INITIALIZE DEVICE PARAMETERS */

    uint8_t  opcode, phase;                    /* the command under way                 */
    uint8_t  multiple, power, transfer_mode;
    bool     write_cache, look_ahead;
    uint64_t lba;                              /* first sector that is still to do      */
    uint32_t remaining, block, chunk;          /* sectors: left, per DRQ block, in buffer */
    uint8_t  buffer[ATA_CHUNK_SECTORS * SECTOR_SIZE];
};

/* The disk's geometry as IDENTIFY shows it, for CMOS and BIOS tables. */
struct ata_geometry ata_disk_geometry(const struct device *);
uint64_t            ata_disk_sectors(const struct device *);

/* Private: ata_identify.c */
void ata_guess_geometry(struct ata_disk *);
void ata_set_current(struct ata_disk *, uint32_t heads, uint32_t spt);
void ata_identify(const struct ata_disk *, uint8_t data[SECTOR_SIZE]);
