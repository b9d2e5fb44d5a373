/* SPDX-License-Identifier: MIT
 * Floppy controller: the commands that move sectors, one sector per timer step.
 * Intel 82077AA data sheet (290166-007, 1994), sections 5.1 (data transfer) and 6 (status).
 *
 *   step: sector found? --read--> buffer --> host      --+--> sector done --> step
 *              |        --write-> buffer <-- host <-> DMA |        |
 *              `-> error --> result       TC or EOT ------+--------`-> result
 *
 * Not implemented: overrun (data waits for the host for ever), sectors with a deleted mark, FM (its
 * bit is ignored), SCAN.
 */
#include "iodev/fdc_private.h"
#include <string.h>

/* A real 1.44M disk takes 11 ms per sector: cut down to what no guest minds. */
enum { SECTOR_NANOS = 300000, FIRST_NANOS = 500000, NO_DISK_NANOS = 20000000 };
enum { MULTI_TRACK = 0x80, ENABLE_COUNT = 0x80 };
enum { READ_TRACK = 0x02, WRITE = 0x05, READ = 0x06, WRITE_DELETED = 0x09, READ_DELETED = 0x0C,
       FORMAT = 0x0D, VERIFY = 0x16, READ_ID = 0x0A };

static unsigned kind(const struct fdc_transfer *x) { return x->opcode & 0x1F; }

static bool writes(const struct fdc_transfer *x)
{
    return kind(x) == WRITE || kind(x) == WRITE_DELETED || kind(x) == FORMAT;
}

static bool uses_dma(const struct fdc *f) { return !(f->specify[1] & SPECIFY_NON_DMA); }

static void later(struct fdc *f, nanos delay)
{
    struct clock *clk = board_clock(f->dev.board);
    clock_arm(clk, &f->transfer_timer, clock_now(clk) + delay);
}

/* ---- data to and from the host --------------------------------------------------------------- */

bool fdc_gives_data(const struct fdc *f) { return !writes(&f->x); }

/* DMA: DREQ, which DMAGATE lets through. Otherwise INT and RQM ask the CPU for every byte (5.1). */
static void ask(struct fdc *f, bool on)
{
    f->x.moving = on;
    if (uses_dma(f)) fdc_dma_request(f, on);
    else fdc_interrupt(f, on);
}

static void offer(struct fdc *f, uint32_t bytes)
{
    f->x.at = 0;
    f->x.end = bytes;
    ask(f, true);
}

static void data_moved(struct fdc *f)
{
    ask(f, false);
    f->x.sector_done = true;
    later(f, SECTOR_NANOS);
}

/* How many of len bytes the buffer has, or has room for. */
static size_t movable(const struct fdc *f, size_t len, bool to_host)
{
    const struct fdc_transfer *x = &f->x;
    if (f->phase != FDC_EXECUTE || !x->moving || to_host != fdc_gives_data(f)) return 0;
    return x->end - x->at < len ? x->end - x->at : len;
}

static size_t moved(struct fdc *f, size_t n)
{
    f->x.at += (uint32_t)n;
    if (n && f->x.at == f->x.end) data_moved(f);
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
    memcpy(f->x.buffer + f->x.at, buffer, n);
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
    if (!fdc_gives_data(f)) memset(x->buffer + x->at, 0, x->end - x->at);
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

static void finish(struct fdc *f, uint8_t st0)
{
    const struct fdc_transfer x = f->x;
    const uint8_t result[7] = { (uint8_t)(st0 | (x.head & 1) << 2 | x.drive), x.st1, x.st2,
                                x.c, x.h, x.r, x.n };
    fdc_stop_transfer(f);
    memcpy(f->fifo, result, sizeof result);
    fdc_result(f, sizeof result);
    fdc_interrupt(f, true);
}

static void fail(struct fdc *f, uint8_t st1, uint8_t st2)
{
    f->x.st1 |= st1;
    f->x.st2 |= st2;
    finish(f, ST0_ABNORMAL);
}

/* ---- sectors --------------------------------------------------------------------------------- */

static struct floppy *drive(const struct fdc *f) { return f->drive[f->x.drive & 3]; }

/* Track under the head; -1 after the command has failed: no address mark passes by. */
static int track_here(struct fdc *f)
{
    int track = drive(f) ? floppy_track(drive(f), f->x.head, f->rate, !f->rate_set) : -1;
    if (track < 0) fail(f, ST1_MISSING, 0);
    return track;
}

/* Compares C, H, R, N with the IDs on the track (5.1.1): false: the command has failed. READ TRACK
 * takes the sectors as they come. */
static bool find_sector(struct fdc *f)
{
    struct fdc_transfer *x = &f->x;
    int track = track_here(f);
    if (track < 0) return false;
    bool ids_match = x->h == x->head && x->n == 2;
    bool there = x->r && x->r <= drive(f)->disk->spt;
    if (kind(x) == READ_TRACK && there) {
        if (!ids_match || x->c != track) x->st1 |= ST1_NO_DATA;
        return true;
    }
    if (x->c == track && ids_match && there) return true;
    uint8_t wrong = x->c == track ? 0 : x->c == 0xFF ? ST2_BAD_CYLINDER : ST2_WRONG_CYLINDER;
    fail(f, ST1_NO_DATA, wrong);
    return false;
}

/* Table 5-6: the ID after the last sector. True: there is no next one for this command. */
static bool advance(struct fdc_transfer *x)
{
    bool multi = x->opcode & MULTI_TRACK && kind(x) != READ_TRACK;
    if (x->r != x->eot) {
        x->r++;
        return false;
    }
    x->r = 1;
    if (multi && !(x->h & 1)) {
        x->h |= 1;
        return false;
    }
    x->c++;
    if (multi) x->h &= 0xFE;
    return true;
}

static void begin_sector(struct fdc *f)
{
    struct fdc_transfer *x = &f->x;
    if (!find_sector(f)) return;
    if (writes(x) || kind(x) == VERIFY) {
        memset(x->buffer, 0, sizeof x->buffer);
    } else if (floppy_read(drive(f), x->head, x->r, x->buffer) != 0) {
        fail(f, ST1_CRC, ST1_CRC);         /* DE in ST1, DD in ST2: same bit */
        return;
    }
    if (kind(x) == VERIFY) {
        x->sector_done = true;
        later(f, SECTOR_NANOS);
    } else {
        offer(f, SECTOR_SIZE);
    }
}

/* The disk has no deleted marks: READ DELETED DATA stops after its first sector with CM (5.1.2). */
static bool ends_here(const struct fdc_transfer *x)
{
    bool counted_out = kind(x) == VERIFY && x->left == 1;
    return x->terminal_count || counted_out || kind(x) == READ_DELETED;
}

static void end_sector(struct fdc *f)
{
    struct fdc_transfer *x = &f->x;
    bool written = kind(x) == WRITE || kind(x) == WRITE_DELETED;
    if (written && floppy_write(drive(f), x->head, x->r, x->buffer) != 0) {
        fail(f, ST1_CRC, ST1_CRC);
        return;
    }
    if (kind(x) == READ_DELETED) x->st2 |= ST2_MARK;
    bool done = ends_here(x), last = advance(x);
    if (x->left) x->left--;
    if (done || (last && kind(x) == VERIFY)) {
        finish(f, x->st1 & ST1_NO_DATA ? ST0_ABNORMAL : 0);
    } else if (last) {
        fail(f, ST1_END, 0);               /* all sectors, and the host wants more */
    } else {
        if (x->opcode & MULTI_TRACK) x->head = x->h & 1;
        begin_sector(f);
    }
}

/* ---- FORMAT TRACK: the host gives C, H, R, N of every sector (5.1.7) ------------------------- */

static void format_sector(struct fdc *f)
{
    struct fdc_transfer *x = &f->x;
    uint8_t fill[SECTOR_SIZE], r = x->buffer[2];
    int track = track_here(f);
    if (track < 0) return;
    memset(fill, x->fill, sizeof fill);
    bool fits = x->buffer[0] == track && x->buffer[3] == 2 && r && r <= drive(f)->disk->spt;
    if (!fits) {
        device_log(&f->dev, LOG_WARN, "format of sector %u/%u/%u, size code %u: not on this image",
                   x->buffer[0], x->buffer[1], r, x->buffer[3]);
    } else if (floppy_write(drive(f), x->head, r, fill) != 0) {
        fail(f, ST1_CRC, ST1_CRC);
        return;
    }
    x->c = x->buffer[0];
    x->h = x->buffer[1];
    x->r = r;
    x->left--;
    if (x->left && !x->terminal_count) offer(f, 4);
    else finish(f, 0);
}

static void begin_format(struct fdc *f)
{
    if (track_here(f) < 0) return;
    if (f->x.left) offer(f, 4);
    else finish(f, 0);
}

/* ---- READ ID: whatever passes the head next -------------------------------------------------- */

static void read_id(struct fdc *f)
{
    int track = track_here(f);
    if (track < 0) return;
    f->rotation = (uint8_t)(f->rotation % drive(f)->disk->spt + 1);
    f->x.c = (uint8_t)track;
    f->x.h = f->x.head;
    f->x.r = f->rotation;
    f->x.n = 2;
    finish(f, 0);
}

/* ---- start and steps ------------------------------------------------------------------------- */

static bool is_write_to_protected(const struct fdc *f)
{
    const struct floppy *d = drive(f);
    return writes(&f->x) && d && d->disk && floppy_is_protected(d);
}

void fdc_transfer_step(struct timer *t, nanos due)
{
    struct fdc *f = container_of(t, struct fdc, transfer_timer);
    struct fdc_transfer *x = &f->x;
    bool done = x->sector_done;
    (void)due;
    x->sector_done = false;
    if (f->phase != FDC_EXECUTE) return;
    if (kind(x) == READ_ID) read_id(f);
    else if (is_write_to_protected(f)) fail(f, ST1_PROTECTED, 0);
    else if (done && !drive(f)) fail(f, ST1_MISSING, 0);
    else if (kind(x) == FORMAT) (done ? format_sector : begin_format)(f);
    else (done ? end_sector : begin_sector)(f);
}

/* Without a disk no index hole passes by; a real chip gives up after two of them. */
static void start(struct fdc *f)
{
    const struct floppy *d = drive(f);
    f->phase = FDC_EXECUTE;
    later(f, d && d->disk ? FIRST_NANOS : NO_DISK_NANOS);
}

static void implied_seek(struct fdc *f)
{
    if (!(f->configure & CONFIGURE_EIS) || !drive(f)) return;
    f->pcn[f->x.drive] = f->x.c;
    floppy_step_to(drive(f), f->x.c);
}

/* Parameters: HDS/DS, C, H, R, N, EOT, GPL, DTL; FORMAT: HDS/DS, N, SC, GPL, D. */
void fdc_begin_transfer(struct fdc *f)
{
    struct fdc_transfer *x = &f->x;
    const uint8_t *p = f->fifo;
    memset(x, 0, sizeof *x);
    x->opcode = p[0];
    x->drive = p[1] & 3;
    x->head = p[1] >> 2 & 1;
    if (kind(x) == FORMAT) {
        x->n = p[2];
        x->left = p[3];
        x->fill = p[5];
    } else {
        x->c = p[2], x->h = p[3], x->r = kind(x) == READ_TRACK ? 1 : p[4];
        x->n = p[5], x->eot = p[6];
        if (kind(x) == VERIFY && p[1] & ENABLE_COUNT) x->left = p[8];
        implied_seek(f);
    }
    start(f);
}

void fdc_begin_read_id(struct fdc *f)
{
    memset(&f->x, 0, sizeof f->x);
    f->x.opcode = READ_ID;
    f->x.drive = f->fifo[1] & 3;
    f->x.head = f->fifo[1] >> 2 & 1;
    start(f);
}
