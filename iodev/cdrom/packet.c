/* SPDX-License-Identifier: MIT
 * The PACKET protocol: how a command packet, its data and its status pass the cable.
 * AT Attachment with Packet Interface - 6 (T13/1410D, 2002), 8.23, 9.8 and 9.9.
 *
 *   A0h -> BSY -> DRQ, 12 bytes in -> BSY -> command -.-> DRQ block, INTRQ -> BSY -> (again)
 *                                                     |-> bus master
 *                                                     `-> status, INTRQ
 *
 * The count register tells what the host should do (interrupt reason): C/D 1 command or status, 0
 * data; I/O 1 to the host. Middle and high LBA register tell the size of a DRQ block.
 */
#include "iodev/cdrom/cd.h"
#include "iodev/board.h"
#include <string.h>

enum { REASON_CD = 1, REASON_IO = 2 };
enum { PACKET_DMA = 1, PACKET_OVERLAPPED = 2 };
/* ASK: IDENTIFY word 0 promises DRQ within 50 us. A sector takes as long as Ultra DMA 2 needs for
 * it, as from a drive that has read ahead; a laser takes 100 ms for a seek, which no software
 * relies on: a tenth of a millisecond and up to one across the disc keep the order of things. */
enum { ASK_NANOS = 5000, EXECUTE_NANOS = 30000, BLOCK_NANOS = 2000, SECTOR_NANOS = 60000,
       SEEK_NANOS = 100000, STROKE_NANOS = 1000000, STROKE_SECTORS = 360000 };

static void set_reason(struct cd *c, uint8_t reason)
{
    c->drive.regs[ATA_COUNT][0] = (uint8_t)((c->drive.regs[ATA_COUNT][0] & 0xF8) | reason);
}

static void offer(struct cd *c, uint32_t at, uint32_t end, bool to_host, uint8_t reason)
{
    c->drive.at = at;
    c->drive.end = end;
    c->drive.to_host = to_host;
    c->drive.status = ATA_DRDY | ATA_DSC | ATA_DRQ;
    set_reason(c, reason);
}

void cd_idle(struct cd *c, uint8_t status, uint8_t error)
{
    c->phase = CD_IDLE;
    c->remaining = c->filled = 0;
    c->drive.at = c->drive.end = 0;
    c->drive.status = status;
    c->drive.error = error;
}

/* ---- the packet ------------------------------------------------------------------------------ */

/* A limit of 0 is not allowed; FFFFh means FFFEh, and blocks but the last are even (9.8). */
static uint32_t byte_limit(const struct cd *c)
{
    uint32_t limit = (c->drive.regs[ATA_MID][0] | (uint32_t)c->drive.regs[ATA_HIGH][0] << 8) & ~1u;
    return limit ? limit : 0xFFFE;
}

/* The ATA command A0h. Overlap is not offered in IDENTIFY. */
void cd_ask_packet(struct cd *c)
{
    uint8_t feature = c->drive.regs[ATA_FEATURE][0];
    c->dma = feature & PACKET_DMA;
    c->limit = byte_limit(c);
    c->out = false;
    if (feature & PACKET_OVERLAPPED || (c->dma && !ide_has_dma(&c->drive))) {
        cd_idle(c, ATA_DRDY | ATA_ERR, ATA_ABRT);
        ide_interrupt(&c->drive, true);
        return;
    }
    cd_later(c, CD_ASK, ASK_NANOS);
}

/* No interrupt here: word 0 of IDENTIFY says so. */
static void ask(struct cd *c)
{
    c->phase = CD_PACKET;
    offer(c, 0, CD_PACKET_BYTES, false, REASON_CD);
}

static void execute(struct cd *c)
{
    mmc_run(c);
}

static void take_packet(struct cd *c)
{
    memcpy(c->packet, c->buffer, CD_PACKET_BYTES);
    c->filled = c->remaining = 0;
    cd_later(c, CD_EXECUTE, EXECUTE_NANOS);
}

/* ---- status ---------------------------------------------------------------------------------- */

static void end_command(struct cd *c)
{
    uint8_t key = (uint8_t)(c->sense >> 16);
    bool bad = key != 0;
    cd_idle(c, ATA_DRDY | ATA_DSC | (bad ? ATA_ERR : 0),
            bad ? (uint8_t)(key << 4 | (key == 5 ? ATA_ABRT : 0)) : 0);
    set_reason(c, REASON_CD | REASON_IO);
    ide_interrupt(&c->drive, true);
}

void cd_good(struct cd *c)
{
    c->sense = SENSE_NONE;
    end_command(c);
}

void cd_check(struct cd *c, enum cd_sense sense)
{
    c->sense = sense;
    end_command(c);
}

/* ---- data ------------------------------------------------------------------------------------ */

static nanos seek_time(const struct cd *c)
{
    uint32_t distance = c->lba > c->head ? c->lba - c->head : c->head - c->lba;
    if (!distance) return 0;
    if (distance > STROKE_SECTORS) distance = STROKE_SECTORS;
    return SEEK_NANOS + (nanos)distance * STROKE_NANOS / STROKE_SECTORS;
}

static uint32_t chunk(const struct cd *c)
{
    uint32_t most = CD_BUFFER_BYTES / c->each;
    return c->remaining < most ? c->remaining : most;
}

static void fill_later(struct cd *c)
{
    c->drive.status = ATA_BSY;
    cd_later(c, CD_FILL, seek_time(c) + (nanos)chunk(c) * SECTOR_NANOS);
}

/* Whole sectors in a block, if the limit has room for one. */
static uint32_t block_size(const struct cd *c)
{
    uint32_t left = c->filled - c->drive.at, limit = c->limit;
    if (c->each && limit >= c->each) limit -= limit % c->each;
    return left < limit ? left : limit;
}

static void offer_block(struct cd *c)
{
    uint32_t size = block_size(c);
    c->phase = c->out ? CD_DATA_OUT : CD_DATA_IN;
    c->drive.regs[ATA_MID][0] = (uint8_t)size;
    c->drive.regs[ATA_HIGH][0] = (uint8_t)(size >> 8);
    offer(c, c->drive.at, c->drive.at + size, !c->out, c->out ? 0 : REASON_IO);
    ide_interrupt(&c->drive, true);
}

/* Everything in the buffer was moved. */
static void buffer_done(struct cd *c)
{
    if (c->out) mmc_run(c);
    else if (c->remaining) fill_later(c);
    else cd_good(c);
}

static void continue_dma(struct cd *c)
{
    struct ide_drive *d = &c->drive;
    c->phase = CD_DMA_WAIT;
    d->at += ide_dma(d, c->buffer + d->at, c->filled - d->at, !c->out);
    if (d->at >= c->filled) buffer_done(c);
}

/* The buffer is to be moved from its start; at says how far that is. */
static void move_buffer(struct cd *c)
{
    c->drive.at = c->drive.end = 0;
    if (c->dma) continue_dma(c);
    else offer_block(c);
}

static void fill(struct cd *c)
{
    uint32_t count = c->each ? chunk(c) : 0;
    if (!mmc_fill(c, count)) return;
    c->filled = count * c->each;
    c->lba += count;
    c->head = c->lba;
    c->remaining -= count;
    move_buffer(c);
}

void cd_stream(struct cd *c)
{
    if (c->remaining) fill_later(c);
    else cd_good(c);
}

void cd_reply(struct cd *c, uint32_t len, uint32_t allocation)
{
    c->each = 0;
    c->remaining = 0;
    c->filled = len < allocation ? len : allocation;
    if (c->filled) move_buffer(c);
    else cd_good(c);
}

void cd_want(struct cd *c, uint32_t len)
{
    c->each = 0;
    c->filled = len < CD_BUFFER_BYTES ? len : CD_BUFFER_BYTES;
    c->out = true;
    move_buffer(c);
}

/* The host has moved the last byte of a DRQ block. */
void cd_transferred(struct ide_drive *d)
{
    struct cd *c = cd_of(d);
    d->status = ATA_BSY;
    if (c->phase == CD_PACKET) {
        take_packet(c);
    } else if (c->phase == CD_DATA_IN || c->phase == CD_DATA_OUT) {
        cd_later(c, d->at < c->filled ? CD_OFFER : CD_STATUS, BLOCK_NANOS);
    }
}

void cd_dma_started(struct ide_drive *d)
{
    struct cd *c = cd_of(d);
    if (c->phase == CD_DMA_WAIT) cd_later(c, CD_DMA, BLOCK_NANOS);
}

void cd_step(struct cd *c)
{
    static void (*const steps[CD_PHASES])(struct cd *) = {
        [CD_ASK] = ask, [CD_EXECUTE] = execute, [CD_FILL] = fill, [CD_OFFER] = offer_block,
        [CD_DMA] = continue_dma, [CD_STATUS] = buffer_done,
    };
    if (c->phase < CD_PHASES && steps[c->phase]) steps[c->phase](c);
}
