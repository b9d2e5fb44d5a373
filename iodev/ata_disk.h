/* SPDX-License-Identifier: MIT
 * A hard disk's inside, shared by its three files, and what the BIOS tables need to know of
 * a disk.
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
    char            *path, *mode, *format, *journal, *model;
    uint64_t         cylinders, heads, spt;    /* settings; 0: find out                 */
    uint64_t         sectors;
    struct ata_geometry native, current;       /* current: INITIALIZE DEVICE PARAMETERS */

    uint8_t  opcode, phase;                    /* the command under way                 */
    uint8_t  multiple, power, transfer_mode;
    bool     write_cache, look_ahead, smart, asleep;
    nanos    standby_after, last_used;         /* 0: no standby timer                   */
    uint64_t lba;                              /* first sector that is still to do      */
    uint32_t remaining, block, chunk;          /* sectors: left, per DRQ block, in buffer */
    uint8_t  buffer[ATA_CHUNK_SECTORS * SECTOR_SIZE];
};

/* The disk's geometry as IDENTIFY shows it, for CMOS and BIOS tables. */
struct ata_geometry ata_disk_geometry(const struct device *);
uint64_t            ata_disk_sectors(const struct device *);
/* Once in a while, between CPU runs: see image_settle(). */
void                ata_disk_settle(struct device *);

/* ---- private: ata_disk.c (commands), _transfer (sectors), _identify, _power, _smart ---------- */

enum ata_phase { PHASE_IDLE, PHASE_COMMAND, PHASE_READ, PHASE_WRITE, PHASE_DMA, PHASE_DMA_WAIT,
                 PHASE_COUNT };
enum { EXT = 1, WRITE = 2, MULTI = 4, MEDIA = 16, AT_ONCE = 32, MOVES = 64 };  /* of a command */

struct ata_command {
    uint8_t opcode, flags;
    void  (*run)(struct ata_disk *, const struct ata_command *);
};

const struct ata_command *ata_current_command(const struct ata_disk *);    /* NULL: unknown */
void ata_later(struct ata_disk *, enum ata_phase, nanos delay);
/* The only ways out of a command: quietly, with an interrupt, with an error and an interrupt. */
void ata_stop(struct ata_disk *, uint8_t error);
void ata_finish(struct ata_disk *);
void ata_fail(struct ata_disk *, uint8_t error);

/* Full: the clock is held and the timer due again (clock_retry()); false: another error. */
bool ata_wait_for_room(struct ata_disk *, const char *what, int error);
/* What was written is safe; false: the command has failed, or will be run again. */
bool ata_flush(struct ata_disk *);

void ata_put_address(struct ata_disk *, uint8_t flags, uint64_t lba);
void ata_offer_block(struct ata_disk *, uint32_t bytes, bool to_host);
void ata_run_pio(struct ata_disk *, const struct ata_command *);
void ata_run_dma(struct ata_disk *, const struct ata_command *);
void ata_run_verify(struct ata_disk *, const struct ata_command *);
void ata_run_seek(struct ata_disk *, const struct ata_command *);
void ata_read_block(struct ata_disk *);
void ata_write_block(struct ata_disk *);
void ata_dma_chunk(struct ata_disk *);
void ata_transferred(struct ide_drive *);
void ata_dma_started(struct ide_drive *);

void ata_wake(struct ata_disk *);          /* active, from now on */
void ata_run_check_power(struct ata_disk *, const struct ata_command *);
void ata_run_set_power(struct ata_disk *, const struct ata_command *);
void ata_run_smart(struct ata_disk *, const struct ata_command *);

void ata_guess_geometry(struct ata_disk *);
void ata_set_current(struct ata_disk *, uint32_t heads, uint32_t spt);
void ata_identify(const struct ata_disk *, uint8_t data[SECTOR_SIZE]);
