/* SPDX-License-Identifier: MIT
 * Private to cdrom/: a CD drive's inside.
 *
 *   atapi_cd.c   the device: ATA commands of a PACKET device, the disc in its tray
 *   packet.c     the PACKET protocol: command packet, data by PIO or bus master, status
 *   mmc.c        the table of packet commands; sense data, unit attention
 *   mmc_info.c   what the drive says of itself      mmc_mode.c   mode pages
 *   mmc_read.c   data and seeks                     mmc_toc.c    table of contents, sub-channel
 *   disc.c sector.c   the disc
 */
#pragma once
#include "iodev/cdrom/atapi_cd.h"
#include "iodev/cdrom/disc.h"
#include "iodev/ide.h"

enum { CD_PACKET_BYTES = 12, CD_BUFFER_BYTES = 0x10000, CD_MODE_BYTES = 80 };

/* Sense key, additional sense code and qualifier in one number (MMC-3 annex). */
enum cd_sense {
    SENSE_NONE               = 0x00000,
    SENSE_NO_DISC            = 0x23A01,    /* tray closed */
    SENSE_TRAY_OPEN          = 0x23A02,
    SENSE_READ_ERROR         = 0x31100,
    SENSE_HARDWARE           = 0x44400,
    SENSE_LIST_LENGTH        = 0x51A00,    /* parameter list length error */
    SENSE_BAD_OPCODE         = 0x52000,
    SENSE_OUT_OF_RANGE       = 0x52100,
    SENSE_BAD_PACKET         = 0x52400,    /* invalid field in CDB */
    SENSE_BAD_LIST           = 0x52600,    /* invalid field in parameter list */
    SENSE_SEQUENCE           = 0x52C00,
    SENSE_CANNOT_READ        = 0x53002,    /* incompatible format */
    SENSE_NO_SAVED_PAGES     = 0x53900,
    SENSE_LOCKED             = 0x55302,
    SENSE_WRONG_TRACK        = 0x56400,    /* illegal mode for this track */
    SENSE_CHANGED            = 0x62800,
    SENSE_RESET              = 0x62900,
};

enum cd_phase {
    CD_IDLE, CD_ATA, CD_RESET, CD_ASK, CD_PACKET, CD_EXECUTE, CD_FILL, CD_OFFER, CD_DATA_IN,
    CD_DATA_OUT, CD_DMA, CD_DMA_WAIT, CD_STATUS, CD_PHASES
};
enum { CD_UA_RESET = 1, CD_UA_CHANGED = 2 };       /* unit attentions that wait */

struct cd {
    struct device    dev;
    struct ide_drive drive;                /* data: buffer; at, end: the block in it         */
    struct timer     timer;
    struct disc     *disc;                 /* in the tray; NULL: none                        */
    char            *path, *model;
    char             message[512];

    uint8_t  phase, opcode, transfer_mode;
    bool     asleep, locked, open, asked;  /* open: the tray; asked: it was told to let go   */
    uint8_t  attention, event;
    uint32_t sense;                        /* enum cd_sense, of the last command             */
    uint8_t  power;

    uint8_t  packet[CD_PACKET_BYTES];
    bool     dma, out;                     /* this packet's: by bus master; data to us       */
    uint32_t limit;                        /* most bytes in one DRQ block                    */
    uint32_t filled;                       /* bytes of buffer that are valid, or wanted      */
    uint32_t lba, remaining;               /* sectors that are still to be read              */
    uint32_t head;                         /* where the laser is                             */
    uint16_t each, from, to;               /* READ CD: bytes per sector; part of the sector  */
    uint8_t  extra, mode;                  /* READ CD: error and Q bytes asked for; its mode */
    bool     parts;                        /* READ CD; otherwise user data alone             */

    uint8_t  pages[CD_MODE_BYTES];         /* current values: mmc_mode.c                     */
    uint8_t  buffer[CD_BUFFER_BYTES];
};

static inline struct cd *cd_of(struct ide_drive *d) { return container_of(d, struct cd, drive); }

/* ---- atapi_cd.c ------------------------------------------------------------------------------ */
void cd_later(struct cd *, enum cd_phase, nanos delay);
bool cd_has_disc(const struct cd *);       /* in a closed tray */
void cd_move_tray(struct cd *, bool open);

/* ---- packet.c -------------------------------------------------------------------------------- */
void cd_ask_packet(struct cd *);
void cd_transferred(struct ide_drive *);
void cd_dma_started(struct ide_drive *);
void cd_step(struct cd *);                 /* the timer: goes on with cd->phase */
void cd_idle(struct cd *, uint8_t status, uint8_t error);
/* The ways on for a packet command: one of these is called once. */
void cd_good(struct cd *);
void cd_check(struct cd *, enum cd_sense);
/* len bytes of buffer, cut to what the host has room for. */
void cd_reply(struct cd *, uint32_t len, uint32_t allocation);
void cd_want(struct cd *, uint32_t len);   /* then the command runs again, with `out` set */
void cd_stream(struct cd *);               /* `remaining` sectors from `lba`, `each` bytes */

/* ---- mmc*.c ---------------------------------------------------------------------------------- */
void mmc_run(struct cd *);
void mmc_inquiry(struct cd *);
void mmc_get_configuration(struct cd *);
void mmc_get_event(struct cd *);
void mmc_mechanism_status(struct cd *);
void mmc_read_disc_information(struct cd *);
void mmc_read_track_information(struct cd *);
void mmc_read_dvd_structure(struct cd *);
void mmc_mode_sense(struct cd *);
void mmc_mode_select(struct cd *);
void mmc_mode_reset(struct cd *);
void mmc_read_capacity(struct cd *);
void mmc_read(struct cd *);
void mmc_read_cd(struct cd *);
void mmc_read_cd_msf(struct cd *);
void mmc_seek(struct cd *);
void mmc_play(struct cd *);
/* Sectors lba .. to buffer, `each` bytes per sector; false: cd_check() was called. */
bool mmc_fill(struct cd *, uint32_t count);
bool mmc_stream_fits(const struct cd *);
void mmc_read_toc(struct cd *);
void mmc_read_sub_channel(struct cd *);
void mmc_read_header(struct cd *);
uint32_t cd_sectors(const struct cd *);    /* 0: no disc */
bool cd_is_dvd(const struct cd *);
uint8_t cd_disc_type(const struct cd *);   /* as in the lead-in: 0 CD-ROM, 20h CD-ROM XA */

static inline uint32_t be16(const uint8_t *b) { return (uint32_t)b[0] << 8 | b[1]; }
static inline uint32_t be32(const uint8_t *b) { return be16(b) << 16 | be16(b + 2); }
static inline void put_be16(uint8_t *to, uint32_t v)
{
    to[0] = (uint8_t)(v >> 8);
    to[1] = (uint8_t)v;
}
static inline void put_be32(uint8_t *to, uint32_t v)
{
    put_be16(to, v >> 16);
    put_be16(to + 2, v);
}
