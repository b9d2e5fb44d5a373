/* SPDX-License-Identifier: MIT
 * Floppy controller: the execution phase. Data to and from the host, one timer step after the
 * other, and the result of a command.
 * Intel 82077AA data sheet (290166-007, 1994), sections 4 (FIFO), 5.1 (data transfer), 6 (status).
 *
 *   step: sector found? --read--> buffer --> host      --+--> sector done --> step
 *              |        --write-> buffer <-- host <-> DMA |        |
 *              `-> error --> result       TC or EOT ------+--------`-> result
 *
 * Without DMA the host has its turn of so many bytes as the FIFO's threshold says, of one without
 * FIFO; INT and RQM fall when it is over. A host that does not take its turn overruns, after a
 * revolution: real ones have 16 us, but a sector comes when it passes the head.
 * Not implemented: FM (its bit is ignored).
 */
#include "iodev/fdc_private.h"
#include <string.h>

enum {
    FIRST_NANOS = 500000,
    NO_DISK_NANOS = 20000000,
    TURN_NANOS = 2000,
    OVERRUN_NANOS = 200000000
};
enum { ENABLE_COUNT = 0x80, FIFO_BYTES = 16 };

static bool writes(const struct fdc_transfer *x)
{
    unsigned kind = fdc_kind(x);
    return kind == FDC_WRITE || kind == FDC_WRITE_DELETED || kind == FDC_FORMAT;
}

static bool uses_dma(const struct fdc *f) { return !(f->specify[1] & SPECIFY_NON_DMA); }

void fdc_later(struct fdc *f, nanos delay)
{
    struct clock *clk = board_clock(f->dev.board);
    clock_arm(clk, &f->transfer_timer, clock_now(clk) + delay);
}

struct floppy *fdc_drive_in_use(const struct fdc *f) { return f->drive[f->x.drive & 3]; }

unsigned fdc_ids_here(struct fdc *f)
{
    const struct floppy *d = fdc_drive_in_use(f);
    unsigned ids = d ? floppy_ids(d, f->x.head, f->rate, !f->rate_set) : 0;
    if (!ids) fdc_fail(f, ST1_MISSING, 0);
    return ids;
}

/* ---- data to and from the host --------------------------------------------------------------- */

bool fdc_gives_data(const struct fdc *f) { return !writes(&f->x) && !fdc_scans(&f->x); }

/* DMA: DREQ, which DMAGATE lets through. Otherwise INT and RQM (5.1). */
static void ask(struct fdc *f, bool on)
{
    f->x.asking = on;
    if (uses_dma(f)) fdc_dma_request(f, on);
    else fdc_interrupt(f, on);
}

static uint32_t turn_bytes(const struct fdc *f)
{
    if (uses_dma(f)) return sizeof f->x.buffer;
    if (f->configure & CONFIGURE_NO_FIFO) return 1;
    return FIFO_BYTES - (f->configure & CONFIGURE_THRESHOLD);
}

static void next_turn(struct fdc *f)
{
    struct fdc_transfer *x = &f->x;
    uint32_t left = x->end - x->at, most = turn_bytes(f);
    x->turn = x->at + (left < most ? left : most);
    ask(f, true);
    fdc_later(f, OVERRUN_NANOS);
}

void fdc_offer(struct fdc *f, uint32_t bytes)
{
    f->x.at = 0;
    f->x.end = bytes;
    f->x.moving = true;
    next_turn(f);
}

static void data_moved(struct fdc *f)
{
    ask(f, false);
    f->x.moving = false;
    f->x.sector_done = true;
    fdc_later(f, FDC_SECTOR_NANOS);
}

/* How many of len bytes the buffer has, or has room for. */
static size_t movable(const struct fdc *f, size_t len, bool to_host)
{
    const struct fdc_transfer *x = &f->x;
    if (f->phase != FDC_EXECUTE || !x->asking || to_host != fdc_gives_data(f)) return 0;
    return x->turn - x->at < len ? x->turn - x->at : len;
}

static size_t moved(struct fdc *f, size_t n)
{
    struct fdc_transfer *x = &f->x;
    x->at += (uint32_t)n;
    if (!n) return 0;
    if (x->at == x->end) {
        data_moved(f);
    } else if (x->at == x->turn) {
        ask(f, false);
        fdc_later(f, TURN_NANOS);
    } else {
        fdc_later(f, OVERRUN_NANOS);
    }
    return n;
}

static size_t to_memory(struct device *d, uint8_t *buffer, size_t len)
{
    struct fdc *f = container_of(d, struct fdc, dev);
    size_t n = movable(f, len, true);
    memcpy(buffer, f->x.buffer + f->x.at, n);
    return moved(f, n);
}

static size_t from_memory(struct device *d, const uint8_t *buffer, size_t len)
{
    struct fdc *f = container_of(d, struct fdc, dev);
    size_t n = movable(f, len, false);
    if (fdc_scans(&f->x)) fdc_compare(&f->x, buffer, n);
    else memcpy(f->x.buffer + f->x.at, buffer, n);
    return moved(f, n);
}

/* The rest of a sector is read without being passed on, or written as zeroes (5.1.3). */
static void terminal_count(struct device *d)
{
    struct fdc *f = container_of(d, struct fdc, dev);
    struct fdc_transfer *x = &f->x;
    if (f->phase != FDC_EXECUTE || !(x->moving || x->sector_done)) return;
    x->terminal_count = true;
    if (!x->moving) return;
    if (writes(x)) memset(x->buffer + x->at, 0, x->end - x->at);
    data_moved(f);
}

const struct dma_client fdc_dma = { to_memory, from_memory, terminal_count };

uint8_t fdc_take_byte(struct fdc *f)
{
    uint8_t byte = 0xFF;
    if (!uses_dma(f)) to_memory(&f->dev, &byte, 1);
    return byte;
}

void fdc_give_byte(struct fdc *f, uint8_t byte)
{
    if (!uses_dma(f)) from_memory(&f->dev, &byte, 1);
}

/* ---- the one end of a command ---------------------------------------------------------------- */

void fdc_stop_transfer(struct fdc *f)
{
    clock_disarm(board_clock(f->dev.board), &f->transfer_timer);
    fdc_dma_request(f, false);
    memset(&f->x, 0, sizeof f->x);
}

void fdc_finish(struct fdc *f, uint8_t st0)
{
    const struct fdc_transfer *x = &f->x;
    const uint8_t result[7] = { (uint8_t)(st0 | (x->head & 1) << 2 | x->drive), x->st1, x->st2,
                                x->c, x->h, x->r, x->n };
    fdc_stop_transfer(f);
    memcpy(f->fifo, result, sizeof result);
    fdc_result(f, sizeof result);
    fdc_interrupt(f, true);
}

void fdc_fail(struct fdc *f, uint8_t st1, uint8_t st2)
{
    f->x.st1 |= st1;
    f->x.st2 |= st2;
    fdc_finish(f, ST0_ABNORMAL);
}

/* ---- start and steps ------------------------------------------------------------------------- */

static bool is_write_to_protected(const struct fdc *f)
{
    const struct floppy *d = fdc_drive_in_use(f);
    return writes(&f->x) && d && d->disk && floppy_is_protected(d);
}

static void move_on(struct fdc *f, bool sector_done)
{
    unsigned kind = fdc_kind(&f->x);
    if (kind == FDC_READ_ID) fdc_read_id(f);
    else if (is_write_to_protected(f)) fdc_fail(f, ST1_PROTECTED, 0);
    else if (sector_done && !fdc_drive_in_use(f)) fdc_fail(f, ST1_MISSING, 0);
    else if (kind == FDC_FORMAT) (sector_done ? fdc_end_format_id : fdc_begin_format)(f);
    else (sector_done ? fdc_end_sector : fdc_begin_sector)(f);
}

void fdc_transfer_step(struct timer *t, nanos due)
{
    struct fdc *f = container_of(t, struct fdc, transfer_timer);
    struct fdc_transfer *x = &f->x;
    bool done = x->sector_done;
    (void)due;
    x->sector_done = false;
    if (f->phase != FDC_EXECUTE) return;
    if (!x->moving) {
        move_on(f, done);
    } else if (!x->asking) {
        next_turn(f);
    } else {
        ask(f, false);
        fdc_fail(f, ST1_OVERRUN, 0);
    }
}

/* Without a disk no index hole passes by; a real chip gives up after two of them. */
static void start(struct fdc *f)
{
    const struct floppy *d = fdc_drive_in_use(f);
    f->phase = FDC_EXECUTE;
    fdc_later(f, d && d->disk ? FIRST_NANOS : NO_DISK_NANOS);
}

/* CONFIGURE's EIS. The Bochs BIOS has never set it nor given a SEEK and yet wants other cylinders
 * than the first, as its own controller goes there by itself: no host that knows this chip does
 * that. */
static void implied_seek(struct fdc *f)
{
    struct floppy *d = fdc_drive_in_use(f);
    bool never_sought = !f->sought && d && d->disk && f->x.c < d->disk->tracks;
    if (!d || !(f->configure & CONFIGURE_EIS || never_sought)) return;
    f->pcn[f->x.drive] = f->x.c;
    floppy_step_to(d, f->x.c);
}

/* Parameters: HDS/DS, C, H, R, N, EOT, GPL, DTL (STP for SCAN); FORMAT: HDS/DS, N, SC, GPL, D. */
void fdc_begin_transfer(struct fdc *f)
{
    struct fdc_transfer *x = &f->x;
    const uint8_t *p = f->fifo;
    memset(x, 0, sizeof *x);
    x->opcode = p[0];
    x->drive = p[1] & 3;
    x->head = p[1] >> 2 & 1;
    if (fdc_kind(x) == FDC_FORMAT) {
        x->n = p[2];
        x->left = f->last_eot = p[3];
        x->fill = p[5];
    } else {
        x->c = p[2], x->h = p[3], x->r = p[4], x->n = p[5];
        x->eot = f->last_eot = p[6];
        x->length = p[8];
        if (fdc_kind(x) == FDC_VERIFY && p[1] & ENABLE_COUNT) x->left = p[8];
        implied_seek(f);
    }
    start(f);
}

void fdc_begin_read_id(struct fdc *f)
{
    memset(&f->x, 0, sizeof f->x);
    f->x.opcode = FDC_READ_ID;
    f->x.drive = f->fifo[1] & 3;
    f->x.head = f->fifo[1] >> 2 & 1;
    start(f);
}
