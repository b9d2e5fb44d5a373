/* SPDX-License-Identifier: MIT
 * The floppy controller's inside, shared by fdc.c (registers, commands), fdc_transfer.c (sectors)
 * and floppy.c (drives and disks).
 */
#pragma once
#include "iodev/board.h"
#include "iodev/fdc.h"
#include "iodev/image/image.h"

enum { FDC_DRIVES = 4, FDC_FIFO = 16 };

/* ---- a drive and its disk (floppy.c) --------------------------------------------------------- */
struct floppy_format {
    const char *name;
    uint8_t  tracks, heads, spt;
    uint8_t  rates;                /* bit n: readable at code n: 0 500k, 1 300k, 2 250k, 3 1M */
    uint8_t  cmos_type;            /* of the drive made for it */
};

struct floppy {
    struct device dev;
    char         *drive, *type, *path, *mode, *status;
    bool          write_protected;
    struct image *image;
    const struct floppy_format *disk;      /* NULL: no disk in the drive      */
    uint8_t       cmos_type;
    uint8_t       cylinder;                /* where the heads are             */
    bool          changed;                 /* the DSKCHG latch                */
    char          message[512];
};

bool floppy_is_protected(const struct floppy *);
void floppy_step_to(struct floppy *, unsigned cylinder);
/* Track number written in the sector IDs under the head; -1: nothing readable there. */
int  floppy_track(const struct floppy *, unsigned head, unsigned rate_code, bool any_rate);
/* Sector r (1..spt) of the present track; 0 or an errno value. */
int  floppy_read(struct floppy *, unsigned head, unsigned r, uint8_t *to);
int  floppy_write(struct floppy *, unsigned head, unsigned r, const uint8_t *from);

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
    uint8_t  st1, st2;
    bool     moving;                       /* data flows between buffer and host            */
    bool     sector_done, terminal_count;
    uint32_t at, end;
    uint8_t  buffer[SECTOR_SIZE];
};

struct fdc {
    struct device  dev;
    struct line    irq, dreq;
    struct timer   reset_timer, transfer_timer;
    struct fdc_seek seek[FDC_DRIVES];
    struct floppy *drive[FDC_DRIVES];
    uint64_t       port, irq_number, dma_channel;

    uint8_t  dor, tdr, rate;
    bool     rate_set;                     /* the guest has chosen a data rate             */
    bool     interrupt, request;           /* INT and DRQ, before the gate in DOR          */
    uint8_t  phase;
    uint8_t  fifo[FDC_FIFO], fifo_at, fifo_len;
    uint8_t  specify[2], configure, precompensation, perpendicular;
    bool     lock;
    uint8_t  pcn[FDC_DRIVES], target[FDC_DRIVES], st0[FDC_DRIVES];
    uint8_t  reported, after_reset;        /* drives whose SENSE INTERRUPT STATUS is due   */
    uint8_t  rotation;                     /* for READ ID                                  */
    struct fdc_transfer x;
};

enum { ST0_ABNORMAL = 0x40, ST0_INVALID = 0x80, ST0_POLLED = 0xC0, ST0_SEEK_END = 0x20,
       ST0_CHECK = 0x10 };
enum { ST1_MISSING = 0x01, ST1_PROTECTED = 0x02, ST1_NO_DATA = 0x04, ST1_CRC = 0x20,
       ST1_END = 0x80 };
enum { ST2_WRONG_CYLINDER = 0x10, ST2_BAD_CYLINDER = 0x02, ST2_MARK = 0x40 };
enum { CONFIGURE_EIS = 0x40, SPECIFY_NON_DMA = 0x01 };

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
