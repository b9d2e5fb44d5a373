/* SPDX-License-Identifier: MIT
 * The floppy controller's inside: fdc.c (registers, commands without data), fdc_transfer.c (data to
 * and from the host, end of a command), fdc_sector.c (what moves sectors), fdc_format.c (FORMAT
 * TRACK); floppy.c (drives) and floppy_disk.c (what is on a disk).
 */
#pragma once
#include "iodev/board.h"
#include "iodev/fdc.h"
#include "iodev/image/image.h"

enum { FDC_DRIVES = 4, FDC_FIFO = 16 };

/* ---- a drive and its disk (floppy.c, floppy_disk.c) ------------------------------------------ */
enum { FLOPPY_CYLINDERS = 84, FLOPPY_IDS = 64, FLOPPY_LARGEST = 128 << 7 };

struct floppy_format {
    const char *name;
    uint8_t  tracks, heads, spt;
    uint8_t  rates;                /* bit n: readable at code n: 0 500k, 1 300k, 2 250k, 3 1M */
    uint8_t  cmos_type;            /* of the drive made for it */
};

/* A sector's address mark. Its data has 128 << n bytes. */
struct floppy_id {
    uint8_t c, h, r, n;
    bool    deleted;
};

struct floppy_track;               /* one that a raw image cannot describe */

struct floppy {
    struct device dev;
    char         *drive, *type, *path, *mode, *status;
    bool          write_protected;
    struct image *image;
    struct floppy_format layout;           /* of the disk                     */
    const struct floppy_format *disk;      /* &layout; NULL: no disk          */
    struct floppy_track *odd[FLOPPY_CYLINDERS][2];
    bool          odd_reported;
    uint8_t       cmos_type;
    uint8_t       cylinder;                /* where the heads are             */
    bool          changed;                 /* the DSKCHG latch                */
    char          message[512];
};

bool floppy_is_protected(const struct floppy *);
void floppy_step_to(struct floppy *, unsigned cylinder);

/* The disk's format from its size and, if there is one, its BIOS parameter block; false: too large.
 */
bool floppy_guess(struct image *, struct floppy_format *);
bool floppy_is_another(struct image *, const struct floppy_format *);
const struct floppy_format *floppy_format_named(const char *);     /* NULL: none */
uint64_t floppy_sectors(const struct floppy_format *);
void floppy_forget_tracks(struct floppy *);
/* IDs that pass under the head in one turn, at this data rate or at any; 0: no address mark. */
unsigned floppy_ids(const struct floppy *, unsigned head, unsigned rate_code, bool any_rate);
struct floppy_id floppy_id(const struct floppy *, unsigned head, unsigned index);
/* The data of the index-th sector, 128 << n bytes; 0 or an errno value. */
int  floppy_read(struct floppy *, unsigned head, unsigned index, uint8_t *to);
int floppy_write(struct floppy *, unsigned head, unsigned index, const uint8_t *from, bool deleted);
/* The track consists of these sectors from now on. 0 or an errno value. */
int  floppy_format(struct floppy *, unsigned head, unsigned rate_code, const struct floppy_id *,
                   unsigned count, uint8_t fill);

/* ---- the controller -------------------------------------------------------------------------- */
enum fdc_phase { FDC_COMMAND, FDC_EXECUTE, FDC_RESULT };

struct fdc;

struct fdc_seek {
    struct timer timer;
    struct fdc  *fdc;
    uint8_t      drive;
};

/* Commands that read or write sectors, while they run. */
struct fdc_transfer {
    uint8_t  opcode, drive, head;          /* head: the physical side                      */
    uint8_t  c, h, r, n, eot, left, fill;  /* left: sectors of FORMAT TRACK and VERIFY      */
    uint8_t  length;                       /* DTL of sectors with N 0; STP of SCAN          */
    uint8_t  index, done;                  /* sector on the track; READ TRACK: how many     */
    uint8_t  st1, st2;
    bool     moving;                       /* data flows between buffer and host            */
    bool     asking;                       /* ... and it is the host's turn                 */
    bool     sector_done, terminal_count, marked;  /* marked: with the other kind of mark   */
    bool     lower, higher;                /* SCAN: some byte of the disk is                */
    uint32_t at, end, turn;                /* turn: at, when the host has done its turn     */
    uint8_t  ids;                          /* FORMAT TRACK: how many came, in `buffer`      */
    uint8_t  buffer[FLOPPY_LARGEST];
};

struct fdc {
    struct device  dev;
    struct line    irq, dreq;
    struct timer   reset_timer, transfer_timer;
    struct fdc_seek seek[FDC_DRIVES];
    struct floppy *drive[FDC_DRIVES];
    uint64_t       port, irq_number, dma_channel;

    uint8_t  dor, tdr, rate;
    bool     sought;                       /* the guest has given a SEEK                   */
    bool     rate_set;                     /* the guest has chosen a data rate             */
    bool     interrupt, request;           /* INT and DRQ, before the gate in DOR          */
    uint8_t  phase;
    uint8_t  fifo[FDC_FIFO], fifo_at, fifo_len;
    uint8_t  specify[2], configure, precompensation, perpendicular;
    bool     lock;
    uint8_t  pcn[FDC_DRIVES], st0[FDC_DRIVES];
    uint8_t  target[FDC_DRIVES], heads_to[FDC_DRIVES];     /* of a seek: PCN, cylinder        */
    uint8_t  reported, after_reset;        /* drives whose SENSE INTERRUPT STATUS is due   */
    uint8_t  rotation;                     /* for READ ID                                  */
    uint8_t  last_eot;                     /* DUMPREG shows it                             */
    struct fdc_transfer x;
};

enum { ST0_ABNORMAL = 0x40, ST0_INVALID = 0x80, ST0_POLLED = 0xC0, ST0_SEEK_END = 0x20,
       ST0_CHECK = 0x10 };
enum { ST1_MISSING = 0x01, ST1_PROTECTED = 0x02, ST1_NO_DATA = 0x04, ST1_OVERRUN = 0x10,
       ST1_CRC = 0x20, ST1_END = 0x80 };
enum { ST2_BAD_CYLINDER = 0x02, ST2_SCAN_FAILED = 0x04, ST2_SCAN_EQUAL = 0x08,
       ST2_WRONG_CYLINDER = 0x10, ST2_MARK = 0x40 };
enum { CONFIGURE_EIS = 0x40, CONFIGURE_NO_FIFO = 0x20, CONFIGURE_THRESHOLD = 0x0F,
       SPECIFY_NON_DMA = 0x01 };
/* Opcodes without MT, MFM and SK. */
enum { FDC_READ_TRACK = 0x02, FDC_WRITE = 0x05, FDC_READ = 0x06, FDC_WRITE_DELETED = 0x09,
       FDC_READ_ID = 0x0A, FDC_READ_DELETED = 0x0C, FDC_FORMAT = 0x0D, FDC_SCAN_EQUAL = 0x11,
       FDC_VERIFY = 0x16, FDC_SCAN_LOW = 0x19, FDC_SCAN_HIGH = 0x1D };
/* A real 1.44M disk takes 11 ms per sector: cut down to what no guest minds. */
enum { FDC_SECTOR_NANOS = 300000 };

/* Pins and end of a command. */
void fdc_interrupt(struct fdc *, bool level);
void fdc_dma_request(struct fdc *, bool level);
void fdc_result(struct fdc *, unsigned len);       /* fifo[0..len-1] is the result; len 0: none */
bool fdc_attach(struct device *fdc, unsigned number, struct floppy *);

/* fdc_transfer.c */
void fdc_begin_transfer(struct fdc *);             /* command and parameters are in fifo */
void fdc_begin_read_id(struct fdc *);
void fdc_stop_transfer(struct fdc *);
void fdc_transfer_step(struct timer *, nanos due);
uint8_t fdc_take_byte(struct fdc *);               /* non-DMA data */
void    fdc_give_byte(struct fdc *, uint8_t);
bool    fdc_gives_data(const struct fdc *);        /* direction: to the host */
extern const struct dma_client fdc_dma;

/* ---- of a command that runs: fdc_transfer.c for fdc_sector.c and fdc_format.c ---------------- */
static inline unsigned fdc_kind(const struct fdc_transfer *x) { return x->opcode & 0x1F; }
struct floppy *fdc_drive_in_use(const struct fdc *);       /* NULL: there is none */
/* How many IDs pass the head; 0: the command has failed. */
unsigned fdc_ids_here(struct fdc *);
void fdc_offer(struct fdc *, uint32_t bytes);      /* buffer <-> host; then the next step */
void fdc_later(struct fdc *, nanos delay);         /* the next step */
/* The ways out: the result phase. */
void fdc_finish(struct fdc *, uint8_t st0);
void fdc_fail(struct fdc *, uint8_t st1, uint8_t st2);
/* Steps, before and after a sector's data. */
void fdc_begin_sector(struct fdc *);
void fdc_end_sector(struct fdc *);
bool fdc_scans(const struct fdc_transfer *);
void fdc_compare(struct fdc_transfer *, const uint8_t *host, size_t len);
void fdc_begin_format(struct fdc *);
void fdc_end_format_id(struct fdc *);
void fdc_read_id(struct fdc *);
