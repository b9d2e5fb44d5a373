/* SPDX-License-Identifier: MIT
 * ATA hard disk: sectors between image, buffer and host, by PIO and by bus master.
 * AT Attachment with Packet Interface - 6 (T13/1410D, 2002); section numbers are from it.
 * Not implemented: READ LONG, queued commands.
 */
#include "iodev/ata_disk.h"
#include "iodev/board.h"
#include <errno.h>
#include <string.h>

enum { BLOCK_NANOS = 2000 };

static struct ata_disk *disk_of(struct ide_drive *d)
{
    return container_of(d, struct ata_disk, drive);
}

/* ---- addresses ------------------------------------------------------------------------------- */

static bool uses_chs(const struct ata_disk *k, uint8_t flags)
{
    return !(flags & EXT) && !(k->drive.regs[ATA_DEVICE][0] & ATA_LBA);
}

/* Sector numbers count from 1 (6.2). */
static bool chs_address(const struct ata_disk *k, uint64_t *lba)
{
    const uint8_t (*r)[2] = k->drive.regs;
    const struct ata_geometry *g = &k->current;
    uint32_t sector = r[ATA_LOW][0], head = r[ATA_DEVICE][0] & 15;
    uint32_t cylinder = r[ATA_MID][0] | r[ATA_HIGH][0] << 8;
    if (!sector || sector > g->spt || head >= g->heads || cylinder >= g->cylinders) return false;
    *lba = ((uint64_t)cylinder * g->heads + head) * g->spt + sector - 1;
    return true;
}

static uint64_t lba_address(const struct ata_disk *k, uint8_t flags)
{
    const uint8_t (*r)[2] = k->drive.regs;
    uint64_t low = r[ATA_LOW][0] | r[ATA_MID][0] << 8 | r[ATA_HIGH][0] << 16;
    if (!(flags & EXT)) return low | (uint64_t)(r[ATA_DEVICE][0] & 15) << 24;
    return low | (uint64_t)r[ATA_LOW][1] << 24 | (uint64_t)r[ATA_MID][1] << 32 |
           (uint64_t)r[ATA_HIGH][1] << 40;
}

static uint32_t sector_count(const struct ata_disk *k, uint8_t flags)
{
    const uint8_t *count = k->drive.regs[ATA_COUNT];
    if (!(flags & EXT)) return count[0] ? count[0] : 256;
    uint32_t n = count[0] | (uint32_t)count[1] << 8;
    return n ? n : 65536;
}

static void put_chs(struct ata_disk *k, uint64_t lba)
{
    uint8_t (*r)[2] = k->drive.regs;
    const struct ata_geometry *g = &k->current;
    uint64_t track = lba / g->spt, cylinder = track / g->heads;
    r[ATA_LOW][0] = (uint8_t)(lba % g->spt + 1);
    r[ATA_MID][0] = (uint8_t)cylinder;
    r[ATA_HIGH][0] = (uint8_t)(cylinder >> 8);
    r[ATA_DEVICE][0] = (uint8_t)((r[ATA_DEVICE][0] & 0xF0) | track % g->heads);
}

/* Where the command stands: drivers read it after an error, old ones after success too. */
void ata_put_address(struct ata_disk *k, uint8_t flags, uint64_t lba)
{
    uint8_t (*r)[2] = k->drive.regs;
    if (uses_chs(k, flags)) {
        put_chs(k, lba);
        return;
    }
    r[ATA_LOW][0] = (uint8_t)lba;
    r[ATA_MID][0] = (uint8_t)(lba >> 8);
    r[ATA_HIGH][0] = (uint8_t)(lba >> 16);
    if (flags & EXT) {
        r[ATA_LOW][1] = (uint8_t)(lba >> 24);
        r[ATA_MID][1] = (uint8_t)(lba >> 32);
        r[ATA_HIGH][1] = (uint8_t)(lba >> 40);
    } else {
        r[ATA_DEVICE][0] = (uint8_t)((r[ATA_DEVICE][0] & 0xF0) | (lba >> 24 & 15));
    }
}

/* The chunk is done: registers show its last sector and what is left. */
static void advance(struct ata_disk *k, uint8_t flags)
{
    k->lba += k->chunk;
    k->remaining -= k->chunk;
    k->drive.regs[ATA_COUNT][0] = (uint8_t)k->remaining;
    if (flags & EXT) k->drive.regs[ATA_COUNT][1] = (uint8_t)(k->remaining >> 8);
    if (k->chunk) ata_put_address(k, flags, k->lba - 1);
    k->chunk = 0;
}

/* ---- media ----------------------------------------------------------------------------------- */

/* Address and count from the registers; false: the command has failed. */
static bool locate(struct ata_disk *k, uint8_t flags)
{
    k->remaining = sector_count(k, flags);
    if (!uses_chs(k, flags)) k->lba = lba_address(k, flags);
    else if (!chs_address(k, &k->lba)) return ata_fail(k, ATA_IDNF), false;
    if (k->lba < k->sectors) return true;
    ata_fail(k, ATA_IDNF);
    return false;
}

/* How many sectors the next step takes; false: it begins past the end, the command has failed. */
static bool next_chunk(struct ata_disk *k, uint8_t flags, uint32_t most)
{
    uint64_t left = k->lba < k->sectors ? k->sectors - k->lba : 0;
    k->chunk = k->remaining < most ? k->remaining : most;
    if (k->chunk > left) k->chunk = (uint32_t)left;
    if (k->chunk) return true;
    ata_put_address(k, flags, k->lba);
    ata_fail(k, ATA_IDNF);
    return false;
}

static bool read_media(struct ata_disk *k)
{
    int error = image_read(k->image, k->lba, k->chunk, k->buffer);
    if (!error) return true;
    device_log(&k->dev, LOG_ERROR, "%s: reading sector %llu: %s", k->path,
               (unsigned long long)k->lba, image_error_text(error));
    ata_fail(k, ATA_UNC);
    return false;
}

/* A full host disk is not the guest's fault: the machine stands still until there is room. */
bool ata_wait_for_room(struct ata_disk *k, const char *what, int error)
{
    bool full = error == ENOSPC || error == EDQUOT || error == EFBIG || error == ENOMEM;
    if (!full) return false;
    device_log(&k->dev, LOG_ERROR, "%s: %s: %s; the machine waits: make room, it goes on by itself",
               k->path, what, strerror(error));
    clock_retry(board_clock(k->dev.board), &k->timer);
    return true;
}

/* Without a write cache the last sectors of a command are not done before all of it is safe. */
static bool write_media(struct ata_disk *k)
{
    int error = image_write(k->image, k->lba, k->chunk, k->buffer);
    if (!error && !k->write_cache && k->chunk == k->remaining) error = image_flush(k->image);
    if (!error) return true;
    if (ata_wait_for_room(k, "writing", error)) return false;
    device_log(&k->dev, LOG_ERROR, "%s: writing sector %llu: %s", k->path,
               (unsigned long long)k->lba, image_error_text(error));
    ata_fail(k, ATA_ABRT);
    k->drive.status |= ATA_DF;
    return false;
}

/* ---- PIO ------------------------------------------------------------------------------------- */

void ata_offer_block(struct ata_disk *k, uint32_t bytes, bool to_host)
{
    k->drive.at = 0;
    k->drive.end = bytes;
    k->drive.to_host = to_host;
    k->drive.status = ATA_DRDY | ATA_DSC | ATA_DRQ;
}

void ata_read_block(struct ata_disk *k)
{
    if (!next_chunk(k, ata_current_command(k)->flags, k->block) || !read_media(k)) return;
    ata_offer_block(k, k->chunk * SECTOR_SIZE, true);
    ide_interrupt(&k->drive, true);
}

/* The first block is asked for without an interrupt (9.6). */
static void ask_block(struct ata_disk *k)
{
    if (next_chunk(k, ata_current_command(k)->flags, k->block))
        ata_offer_block(k, k->chunk * SECTOR_SIZE, false);
}

void ata_write_block(struct ata_disk *k)
{
    if (!write_media(k)) return;
    advance(k, ata_current_command(k)->flags);
    if (!k->remaining) {
        ata_finish(k);
        return;
    }
    ask_block(k);
    if (k->drive.status & ATA_DRQ) ide_interrupt(&k->drive, true);
}

/* The host has moved the last byte of the block. The last one of a read ends without interrupt. */
void ata_transferred(struct ide_drive *d)
{
    struct ata_disk *k = disk_of(d);
    const struct ata_command *c = ata_current_command(k);
    d->at = d->end = 0;
    if (c && c->flags & MEDIA && c->flags & WRITE) {
        d->status = ATA_BSY;
        ata_later(k, PHASE_WRITE, BLOCK_NANOS);
        return;
    }
    if (c && c->flags & MEDIA) advance(k, c->flags);
    if (k->remaining) {
        d->status = ATA_BSY;
        ata_later(k, PHASE_READ, BLOCK_NANOS);
    } else if (d->to_host) {
        ata_stop(k, 0);
    } else {
        ata_finish(k);             /* WRITE BUFFER */
    }
}

void ata_run_pio(struct ata_disk *k, const struct ata_command *c)
{
    k->block = c->flags & MULTI ? k->multiple : 1;
    if (!k->block) ata_fail(k, ATA_ABRT);
    else if (!locate(k, c->flags)) return;
    else if (c->flags & WRITE) ask_block(k);
    else ata_read_block(k);
}

/* ---- DMA ------------------------------------------------------------------------------------- */

/* One chunk between image, buffer and bus master. Where the bus master stops, the drive waits. */
void ata_dma_chunk(struct ata_disk *k)
{
    const struct ata_command *c = ata_current_command(k);
    bool to_memory = !(c->flags & WRITE);
    struct ide_drive *d = &k->drive;
    k->phase = PHASE_DMA;
    if (!k->chunk) {
        if (!next_chunk(k, c->flags, ATA_CHUNK_SECTORS)) return;
        if (to_memory && !read_media(k)) return;
        d->at = 0;
        d->end = k->chunk * SECTOR_SIZE;
    }
    d->at += ide_dma(d, k->buffer + d->at, d->end - d->at, to_memory);
    if (d->at < d->end) {
        k->phase = PHASE_DMA_WAIT;
        return;
    }
    if (!to_memory && !write_media(k)) return;
    advance(k, c->flags);
    if (k->remaining) ata_later(k, PHASE_DMA, BLOCK_NANOS);
    else ata_finish(k);
}

void ata_dma_started(struct ide_drive *d)
{
    struct ata_disk *k = disk_of(d);
    if (k->phase == PHASE_DMA_WAIT) ata_later(k, PHASE_DMA, BLOCK_NANOS);
}

void ata_run_dma(struct ata_disk *k, const struct ata_command *c)
{
    k->chunk = 0;
    if (!ide_has_dma(&k->drive)) ata_fail(k, ATA_ABRT);
    else if (locate(k, c->flags)) ata_dma_chunk(k);
}

/* ---- no data --------------------------------------------------------------------------------- */

void ata_run_verify(struct ata_disk *k, const struct ata_command *c)
{
    if (!locate(k, c->flags)) return;
    ata_wake(k);
    uint64_t left = k->sectors - k->lba;
    bool beyond = k->remaining > left;
    k->chunk = beyond ? (uint32_t)left : k->remaining;
    advance(k, c->flags);
    if (!beyond) {
        ata_finish(k);
        return;
    }
    ata_put_address(k, c->flags, k->lba);
    ata_fail(k, ATA_IDNF);
}

void ata_run_seek(struct ata_disk *k, const struct ata_command *c)
{
    if (locate(k, c->flags)) ata_finish(k);
}
