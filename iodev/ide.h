/* SPDX-License-Identifier: MIT
 * The ATA cable: what a channel (ide.c), its drives (ata_disk.c, ...) and a bus-master controller
 * (piix_ide.c) say to each other. AT Attachment with Packet Interface - 6 (T13/1410D, 2002).
 *
 *     CPU -- ports --> ide_channel --> ide_drive[2]
 *     RAM <-- bus master (optional) <---'
 *
 * Plug order: channels "ata0".."ata3", then drives "ata0-master".. and "piix_ide" in any order.
 */
#pragma once
#include "iodev/device.h"

extern const struct device_class ide_class;        /* one channel; ids ata0-ata3           */
extern const struct device_class piix_ide_class;   /* PCI function 1.1, drives ata0, ata1  */
extern const struct device_class ata_disk_class;   /* one disk; ids ata0-master, ata0-slave */

enum { ATA_BSY = 0x80, ATA_DRDY = 0x40, ATA_DF = 0x20, ATA_DSC = 0x10, ATA_DRQ = 0x08,
       ATA_ERR = 0x01 };                           /* status  */
enum { ATA_UNC = 0x40, ATA_IDNF = 0x10, ATA_ABRT = 0x04 };                        /* error   */
enum { ATA_LBA = 0x40, ATA_DEV = 0x10 };           /* device  */

struct ide_channel;
struct ide_drive;

/* Command block registers by port offset. Each is two deep: [0] the last value written, [1] the one
 * before it, which carries the upper half of 48-bit addresses (ATA-6 6.20). */
enum { ATA_FEATURE = 1, ATA_COUNT = 2, ATA_LOW = 3, ATA_MID = 4, ATA_HIGH = 5, ATA_DEVICE = 6,
       ATA_COMMAND = 7 };

struct ide_drive_ops {
    void (*command)(struct ide_drive *, uint8_t opcode);
    /* The host has moved the last byte of a DRQ block. */
    void (*transferred)(struct ide_drive *);
    /* SRST, EXECUTE DEVICE DIAGNOSTIC (begin and end): forget the command, show the signature,
     * error 01h. */
    void (*reset)(struct ide_drive *);
    /* The bus master runs: a waiting DMA may go on. */
    void (*dma_started)(struct ide_drive *);
    bool has_device_reset;                 /* a PACKET device: command 08h comes through BSY */
};

/* A drive embeds this; the channel reads and writes registers and data through it. */
struct ide_drive {
    const struct ide_drive_ops *ops;
    struct ide_channel *channel;
    unsigned number;                       /* 0 master, 1 slave                       */
    uint8_t  regs[7][2];                   /* ATA_FEATURE .. ATA_DEVICE               */
    uint8_t  status, error;
    bool     interrupt;                    /* INTRQ, before nIEN and selection        */
    bool     to_host;                      /* direction of the DRQ block              */
    uint8_t *data;                         /* DRQ block: data[at] .. data[end - 1]    */
    uint32_t at, end;
};

/* ---- channel's, for drives ------------------------------------------------------------------- */
/* Attaches to the channel that the id names ("ata0-slave"). NULL, or why not. */
const char *ide_attach(struct ide_drive *, struct board *, const char *id);
void ide_interrupt(struct ide_drive *, bool level);    /* INTRQ */
bool ide_has_dma(const struct ide_drive *);
/* Moves up to len bytes between the drive and memory if the bus master runs. Returns how many; less
 * than len: stopped, not started, or the end of its table. */
uint32_t ide_dma(struct ide_drive *, uint8_t *data, uint32_t len, bool to_memory);

/* ---- channel's, for a bus master ------------------------------------------------------------- */
struct ide_master_ops {
    uint32_t (*transfer)(struct device *, unsigned channel, uint8_t *data, uint32_t len,
                         bool to_memory);
    void     (*interrupt)(struct device *, unsigned channel);   /* INTRQ rose */
};
/* channel: the device ata0 or ata1. */
void ide_set_master(struct device *channel, struct device *master, unsigned number,
                    const struct ide_master_ops *);
void ide_master_started(struct device *channel);
