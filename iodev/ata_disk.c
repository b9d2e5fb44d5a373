/* SPDX-License-Identifier: MIT
 * ATA hard disk: command table, PIO and DMA transfers from and to an image.
 * AT Attachment with Packet Interface - 6 (T13/1410D, 2002); section numbers are from it.
 *
 *   command --> BSY --timer--> run --> [block in buffer, DRQ <--> host] --> ready
 *                                 `--> [chunk in buffer <--> bus master] -'
 * Not implemented: SMART, security, HPA (READ NATIVE MAX answers, SET MAX does not), READ LONG,
 * queued commands, advanced power management, standby timers.
 */
#include "iodev/ata_disk.h"
#include "iodev/board.h"
#include <errno.h>
#include <string.h>

/* Short but not zero: drivers want to see BSY, and an interrupt must not come before they wait. */
enum { COMMAND_NANOS = 5000, MEDIA_NANOS = 20000, BLOCK_NANOS = 2000, RETRY_NANOS = 1000000000 };
enum phase { PHASE_IDLE, PHASE_COMMAND, PHASE_READ, PHASE_WRITE, PHASE_DMA, PHASE_DMA_WAIT,
             PHASE_COUNT };
enum { EXT = 1, WRITE = 2, MULTI = 4, DMA = 8, MEDIA = 16, AT_ONCE = 32 };
enum { POWER_STANDBY = 0x00, POWER_IDLE = 0x80, POWER_ACTIVE = 0xFF };

struct command {
    uint8_t opcode, flags;
    void  (*run)(struct ata_disk *, const struct command *);
};

static struct ata_disk *disk_of(struct ide_drive *d) { return container_of(d, struct ata_disk, drive); }

static void later(struct ata_disk *k, enum phase phase, nanos delay)
{
    struct clock *clk = board_clock(k->dev.board);
    k->phase = phase;
    clock_arm(clk, &k->timer, clock_now(clk) + delay);
}

/* ---- the only ways out of a command ---------------------------------------------------------------- */

static void stop(struct ata_disk *k, uint8_t error)
{
    k->phase = PHASE_IDLE;
    k->remaining = k->chunk = 0;
    k->drive.at = k->drive.end = 0;
    k->drive.error = error;
    k->drive.status = ATA_DRDY | ATA_DSC | (error ? ATA_ERR : 0);
}

static void finish(struct ata_disk *k)
{
    stop(k, 0);
    ide_interrupt(&k->drive, true);
}

static void fail(struct ata_disk *k, uint8_t error)
{
    stop(k, error);
    ide_interrupt(&k->drive, true);
}

/* ---- addresses --------------------------------------------------------------------------------------- */

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
static void put_address(struct ata_disk *k, uint8_t flags, uint64_t lba)
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
    if (k->chunk) put_address(k, flags, k->lba - 1);
    k->chunk = 0;
}

/* ---- media ------------------------------------------------------------------------------------------- */

/* Address and count from the registers; false: the command has failed. */
static bool locate(struct ata_disk *k, uint8_t flags)
{
    k->remaining = sector_count(k, flags);
    if (!uses_chs(k, flags)) k->lba = lba_address(k, flags);
    else if (!chs_address(k, &k->lba)) return fail(k, ATA_IDNF), false;
    if (k->lba < k->sectors) return true;
    fail(k, ATA_IDNF);
    return false;
}

/* How many sectors the next step takes; false: it begins past the end, the command has failed. */
static bool next_chunk(struct ata_disk *k, uint8_t flags, uint32_t most)
{
    uint64_t left = k->lba < k->sectors ? k->sectors - k->lba : 0;
    k->chunk = k->remaining < most ? k->remaining : most;
    if (k->chunk > left) k->chunk = (uint32_t)left;
    if (k->chunk) return true;
    put_address(k, flags, k->lba);
    fail(k, ATA_IDNF);
    return false;
}

static bool read_media(struct ata_disk *k)
{
    int error = image_read(k->image, k->lba, k->chunk, k->buffer);
    if (!error) return true;
    device_log(&k->dev, LOG_ERROR, "%s: reading sector %llu: %s", k->path, (unsigned long long)k->lba,
               strerror(error));
    fail(k, ATA_UNC);
    return false;
}

/* A full host disk is not the guest's fault: it waits, busy, until there is room. */
static bool write_media(struct ata_disk *k)
{
    int error = image_write(k->image, k->lba, k->chunk, k->buffer);
    if (!error) return true;
    bool full = error == ENOSPC || error == EDQUOT || error == ENOMEM;
    device_log(&k->dev, full ? LOG_PANIC : LOG_ERROR, "%s: writing sector %llu: %s%s", k->path,
               (unsigned long long)k->lba, strerror(error),
               full ? "; make room, then continue: the write is tried again" : "");
    if (full) {
        later(k, (enum phase)k->phase, RETRY_NANOS);
        return false;
    }
    fail(k, ATA_ABRT);
    k->drive.status |= ATA_DF;
    return false;
}

/* ---- PIO ----------------------------------------------------------------------------------------------- */

static void offer_block(struct ata_disk *k, uint32_t bytes, bool to_host)
{
    k->drive.at = 0;
    k->drive.end = bytes;
    k->drive.to_host = to_host;
    k->drive.status = ATA_DRDY | ATA_DSC | ATA_DRQ;
}

static const struct command *current(const struct ata_disk *k);

static void read_block(struct ata_disk *k)
{
    if (!next_chunk(k, current(k)->flags, k->block) || !read_media(k)) return;
    offer_block(k, k->chunk * SECTOR_SIZE, true);
    ide_interrupt(&k->drive, true);
}

/* The first block is asked for without an interrupt (9.6). */
static void ask_block(struct ata_disk *k)
{
    if (next_chunk(k, current(k)->flags, k->block)) offer_block(k, k->chunk * SECTOR_SIZE, false);
}

static void write_block(struct ata_disk *k)
{
    if (!write_media(k)) return;
    advance(k, current(k)->flags);
    if (!k->remaining) {
        finish(k);
        return;
    }
    ask_block(k);
    if (k->drive.status & ATA_DRQ) ide_interrupt(&k->drive, true);
}

/* The host has moved the last byte of the block. The last block of a read ends without interrupt. */
static void transferred(struct ide_drive *d)
{
    struct ata_disk *k = disk_of(d);
    const struct command *c = current(k);
    d->at = d->end = 0;
    if (c && c->flags & MEDIA && c->flags & WRITE) {
        d->status = ATA_BSY;
        later(k, PHASE_WRITE, BLOCK_NANOS);
        return;
    }
    if (c && c->flags & MEDIA) advance(k, c->flags);
    if (k->remaining) {
        d->status = ATA_BSY;
        later(k, PHASE_READ, BLOCK_NANOS);
    } else if (d->to_host) {
        stop(k, 0);
    } else {
        finish(k);             /* WRITE BUFFER */
    }
}

static void run_pio(struct ata_disk *k, const struct command *c)
{
    k->block = c->flags & MULTI ? k->multiple : 1;
    if (!k->block) fail(k, ATA_ABRT);
    else if (!locate(k, c->flags)) return;
    else if (c->flags & WRITE) ask_block(k);
    else read_block(k);
}

/* ---- DMA ----------------------------------------------------------------------------------------------- */

/* One chunk between image, buffer and bus master. Where the bus master stops, the drive waits. */
static void dma_chunk(struct ata_disk *k)
{
    const struct command *c = current(k);
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
    if (k->remaining) later(k, PHASE_DMA, BLOCK_NANOS);
    else finish(k);
}

static void dma_started(struct ide_drive *d)
{
    struct ata_disk *k = disk_of(d);
    if (k->phase == PHASE_DMA_WAIT) later(k, PHASE_DMA, BLOCK_NANOS);
}

static void run_dma(struct ata_disk *k, const struct command *c)
{
    k->chunk = 0;
    if (!ide_has_dma(&k->drive)) fail(k, ATA_ABRT);
    else if (locate(k, c->flags)) dma_chunk(k);
}

/* ---- commands without media ----------------------------------------------------------------------------- */

static void run_abort(struct ata_disk *k, const struct command *c)
{
    (void)c;
    fail(k, ATA_ABRT);
}

static void run_done(struct ata_disk *k, const struct command *c)
{
    (void)c;
    finish(k);
}

static void run_identify(struct ata_disk *k, const struct command *c)
{
    (void)c;
    ata_identify(k, k->buffer);
    offer_block(k, SECTOR_SIZE, true);
    ide_interrupt(&k->drive, true);
}

/* READ BUFFER returns what WRITE BUFFER or the last transfer left. */
static void run_read_buffer(struct ata_disk *k, const struct command *c)
{
    (void)c;
    offer_block(k, SECTOR_SIZE, true);
    ide_interrupt(&k->drive, true);
}

static void run_write_buffer(struct ata_disk *k, const struct command *c)
{
    (void)c;
    offer_block(k, SECTOR_SIZE, false);
}

static void run_verify(struct ata_disk *k, const struct command *c)
{
    if (!locate(k, c->flags)) return;
    uint64_t left = k->sectors - k->lba;
    bool beyond = k->remaining > left;
    k->chunk = beyond ? (uint32_t)left : k->remaining;
    advance(k, c->flags);
    if (!beyond) {
        finish(k);
        return;
    }
    put_address(k, c->flags, k->lba);
    fail(k, ATA_IDNF);
}

static void run_seek(struct ata_disk *k, const struct command *c)
{
    if (locate(k, c->flags)) finish(k);
}

static void run_set_multiple(struct ata_disk *k, const struct command *c)
{
    unsigned n = k->drive.regs[ATA_COUNT][0];
    (void)c;
    if (n > ATA_MAX_MULTIPLE || n & (n - 1)) {
        k->multiple = 0;       /* 8.39.6: an unsupported count disables the commands */
        fail(k, ATA_ABRT);
        return;
    }
    k->multiple = (uint8_t)n;
    finish(k);
}

static void run_set_geometry(struct ata_disk *k, const struct command *c)
{
    unsigned spt = k->drive.regs[ATA_COUNT][0], heads = (k->drive.regs[ATA_DEVICE][0] & 15u) + 1;
    (void)c;
    if (!spt) {
        fail(k, ATA_ABRT);
        return;
    }
    ata_set_current(k, heads, spt);
    finish(k);
}

static void run_flush(struct ata_disk *k, const struct command *c)
{
    int error = image_flush(k->image);
    (void)c;
    if (!error) {
        finish(k);
        return;
    }
    device_log(&k->dev, LOG_ERROR, "%s: flushing: %s", k->path, strerror(error));
    fail(k, ATA_ABRT);
    k->drive.status |= ATA_DF;
}

static void run_check_power(struct ata_disk *k, const struct command *c)
{
    (void)c;
    k->drive.regs[ATA_COUNT][0] = k->power;
    finish(k);
}

/* Both generations of codes: 94h-99h and E0h-E6h; standby and sleep end in 0, 2, 4, 6, 9. */
static void run_set_power(struct ata_disk *k, const struct command *c)
{
    bool idle = c->opcode == 0x95 || c->opcode == 0x97 || c->opcode == 0xE1 || c->opcode == 0xE3;
    k->power = idle ? POWER_IDLE : POWER_STANDBY;
    finish(k);
}

static void run_native_max(struct ata_disk *k, const struct command *c)
{
    uint64_t last = k->sectors - 1;
    if (!(c->flags & EXT) && last > 0x0FFFFFFE) last = 0x0FFFFFFE;
    put_address(k, c->flags, last);
    finish(k);
}

/* PIO default, PIO 0-4, multiword DMA 0-2, Ultra DMA 0-5 (table 47). */
static bool set_transfer_mode(struct ata_disk *k, uint8_t mode)
{
    bool pio = mode <= 1 || (mode >= 0x08 && mode <= 0x0C);
    bool dma = (mode >= 0x20 && mode <= 0x22) || (mode >= 0x40 && mode <= 0x45);
    if (dma && ide_has_dma(&k->drive)) k->transfer_mode = mode;
    return pio || (dma && ide_has_dma(&k->drive));
}

static void run_set_features(struct ata_disk *k, const struct command *c)
{
    bool done = true;
    (void)c;
    switch (k->drive.regs[ATA_FEATURE][0]) {
    case 0x02: k->write_cache = true; break;
    case 0x82: k->write_cache = false; done = image_flush(k->image) == 0; break;
    case 0xAA: k->look_ahead = true; break;
    case 0x55: k->look_ahead = false; break;
    case 0x66: case 0xCC: break;           /* what a soft reset keeps: we keep all */
    case 0x03: done = set_transfer_mode(k, k->drive.regs[ATA_COUNT][0]); break;
    default:   done = false; break;
    }
    if (done) finish(k);
    else fail(k, ATA_ABRT);
}

static const struct command commands[] = {
    { 0x00, 0, run_abort },                                /* NOP: aborts by definition (8.18) */
    { 0x10, 0, run_done },                                 /* RECALIBRATE 1xh */
    { 0x20, MEDIA, run_pio },                              /* READ SECTOR(S), 21h: no retry */
    { 0x21, MEDIA, run_pio },
    { 0x24, MEDIA | EXT, run_pio },
    { 0x25, MEDIA | EXT | DMA, run_dma },                  /* READ DMA EXT */
    { 0x27, EXT, run_native_max },
    { 0x29, MEDIA | EXT | MULTI, run_pio },                /* READ MULTIPLE EXT */
    { 0x30, MEDIA | WRITE | AT_ONCE, run_pio },            /* WRITE SECTOR(S) */
    { 0x31, MEDIA | WRITE | AT_ONCE, run_pio },
    { 0x34, MEDIA | WRITE | AT_ONCE | EXT, run_pio },
    { 0x35, MEDIA | WRITE | EXT | DMA, run_dma },          /* WRITE DMA EXT */
    { 0x39, MEDIA | WRITE | AT_ONCE | EXT | MULTI, run_pio },
    { 0x40, 0, run_verify },                               /* READ VERIFY SECTOR(S) */
    { 0x41, 0, run_verify },
    { 0x42, EXT, run_verify },
    { 0x70, 0, run_seek },                                 /* SEEK 7xh */
    { 0x91, 0, run_set_geometry },                         /* INITIALIZE DEVICE PARAMETERS */
    { 0x94, 0, run_set_power }, { 0x95, 0, run_set_power }, { 0x96, 0, run_set_power },
    { 0x97, 0, run_set_power }, { 0x98, 0, run_check_power }, { 0x99, 0, run_set_power },
    { 0xC4, MEDIA | MULTI, run_pio },                      /* READ MULTIPLE */
    { 0xC5, MEDIA | MULTI | WRITE | AT_ONCE, run_pio },    /* WRITE MULTIPLE */
    { 0xC6, 0, run_set_multiple },
    { 0xC8, MEDIA | DMA, run_dma }, { 0xC9, MEDIA | DMA, run_dma },
    { 0xCA, MEDIA | WRITE | DMA, run_dma }, { 0xCB, MEDIA | WRITE | DMA, run_dma },
    { 0xE0, 0, run_set_power }, { 0xE1, 0, run_set_power }, { 0xE2, 0, run_set_power },
    { 0xE3, 0, run_set_power },
    { 0xE4, 0, run_read_buffer },
    { 0xE5, 0, run_check_power },
    { 0xE6, 0, run_set_power },
    { 0xE7, 0, run_flush },
    { 0xE8, AT_ONCE, run_write_buffer },
    { 0xEA, EXT, run_flush },
    { 0xEC, 0, run_identify },
    { 0xEF, 0, run_set_features },
    { 0xF8, 0, run_native_max },
};

/* RECALIBRATE and SEEK had their step rates in the low half. NULL: unknown. */
static const struct command *current(const struct ata_disk *k)
{
    unsigned family = k->opcode & 0xF0;
    uint8_t opcode = family == 0x10 || family == 0x70 ? (uint8_t)family : k->opcode;
    for (unsigned i = 0; i < COUNT_OF(commands); i++)
        if (commands[i].opcode == opcode) return &commands[i];
    return NULL;
}

static void run(struct ata_disk *k)
{
    const struct command *c = current(k);
    if (c) {
        c->run(k, c);
        return;
    }
    device_log(&k->dev, LOG_DEBUG, "command %02Xh aborted", k->opcode);
    fail(k, ATA_ABRT);
}

/* In the drive's own time. A command is looked up again, so that a snapshot needs no pointers. */
static void step(struct timer *t, nanos due)
{
    static void (*const steps[PHASE_COUNT])(struct ata_disk *) = {
        [PHASE_COMMAND] = run, [PHASE_READ] = read_block, [PHASE_WRITE] = write_block,
        [PHASE_DMA] = dma_chunk,
    };
    struct ata_disk *k = container_of(t, struct ata_disk, timer);
    (void)due;
    if (k->phase < PHASE_COUNT && steps[k->phase]) steps[k->phase](k);
}

/* Writes ask for their data without a BSY phase (allowed by 9.6): much software only waits 400 ns. */
static void command(struct ide_drive *d, uint8_t opcode)
{
    struct ata_disk *k = disk_of(d);
    clock_disarm(board_clock(k->dev.board), &k->timer);
    k->opcode = opcode;
    const struct command *c = current(k);
    k->remaining = k->chunk = 0;
    d->error = 0;
    d->status = ATA_BSY;
    if (c && c->flags & MEDIA) k->power = POWER_ACTIVE;
    k->phase = PHASE_COMMAND;
    if (c && c->flags & AT_ONCE) run(k);
    else later(k, PHASE_COMMAND, c && c->flags & MEDIA ? MEDIA_NANOS : COMMAND_NANOS);
}

/* ---- the device -------------------------------------------------------------------------------------------- */

/* 9.12: signature of a device without PACKET, diagnostic code "passed". */
static void reset_drive(struct ide_drive *d)
{
    struct ata_disk *k = disk_of(d);
    clock_disarm(board_clock(k->dev.board), &k->timer);
    stop(k, 0);
    memset(d->regs, 0, sizeof d->regs);
    d->regs[ATA_COUNT][0] = d->regs[ATA_LOW][0] = 1;
    d->error = 1;
    d->interrupt = false;
    k->opcode = 0;
    k->power = POWER_ACTIVE;
}

static const struct ide_drive_ops drive_ops = { command, transferred, reset_drive, dma_started };

static bool open_image(struct ata_disk *k)
{
    char note[512];
    k->image = image_open(k->path, k->mode, IMAGE_WRITE, note, sizeof note);
    if (!k->image) device_log(&k->dev, LOG_ERROR, "%s", note);
    else if (*note) device_log(&k->dev, LOG_WARN, "%s", note);
    if (!k->image) return false;
    k->sectors = image_sectors(k->image);
    return true;
}

static void check_geometry(struct ata_disk *k)
{
    const struct ata_geometry *g = &k->native;
    ata_guess_geometry(k);
    uint64_t chs = (uint64_t)g->cylinders * g->heads * g->spt;
    if (chs > k->sectors || (k->cylinders && chs != k->sectors))
        device_log(&k->dev, LOG_WARN, "geometry %u/%u/%u has %llu sectors, the image has %llu",
                   g->cylinders, g->heads, g->spt, (unsigned long long)chs,
                   (unsigned long long)k->sectors);
}

static bool plug(struct device *dev, struct board *b)
{
    struct ata_disk *k = container_of(dev, struct ata_disk, dev);
    k->timer = (struct timer){ .fire = step, .name = "ata" };
    k->drive.ops = &drive_ops;
    k->drive.data = k->buffer;
    if (!open_image(k)) return false;
    check_geometry(k);
    const char *why = ide_attach(&k->drive, b, dev->id);
    if (why) device_log(dev, LOG_ERROR, "%s", why);
    return !why;
}

static void reset(struct device *dev, enum reset kind)
{
    struct ata_disk *k = container_of(dev, struct ata_disk, dev);
    k->multiple = 0;
    k->transfer_mode = 0;
    k->write_cache = k->look_ahead = true;
    if (kind == RESET_POWER) memset(k->buffer, 0, sizeof k->buffer);
    ata_set_current(k, k->native.heads, k->native.spt);
    ide_interrupt(&k->drive, false);
    reset_drive(&k->drive);
}

static void restored(struct device *dev)
{
    struct ata_disk *k = container_of(dev, struct ata_disk, dev);
    struct ide_drive *d = &k->drive;
    const struct command *c = current(k);
    struct ata_geometry *g = &k->current;
    if (!g->heads || g->heads > 16 || !g->spt || g->spt > 255)
        ata_set_current(k, k->native.heads, k->native.spt);
    if (d->end > sizeof k->buffer || d->at > d->end) d->at = d->end = 0;
    if (k->multiple > ATA_MAX_MULTIPLE) k->multiple = 0;
    if (k->block > ATA_MAX_MULTIPLE || !k->block) k->block = 1;
    if (k->chunk > ATA_CHUNK_SECTORS || k->chunk > k->remaining) k->chunk = 0;
    if (!c && k->phase > PHASE_COMMAND) stop(k, 0);
    if (!c) k->remaining = 0;
    if (k->timer.armed) clock_arm(board_clock(dev->board), &k->timer, k->timer.due);
}

static void unplug(struct device *dev)
{
    struct ata_disk *k = container_of(dev, struct ata_disk, dev);
    image_close(k->image);
    k->image = NULL;
}

static const struct prop props[] = {
    { "path", PROP_TEXT, offsetof(struct ata_disk, path), 0, NULL, "image file" },
    { "mode", PROP_TEXT, offsetof(struct ata_disk, mode), 0, "flat", "image format: flat, volatile" },
    { "cylinders", PROP_UINT, offsetof(struct ata_disk, cylinders), 0, NULL, "0: from the image" },
    { "heads", PROP_UINT, offsetof(struct ata_disk, heads), 0, NULL, "1-16; 0: from the image" },
    { "spt", PROP_UINT, offsetof(struct ata_disk, spt), 0, NULL,
      "sectors per track, 1-255; 0: from the image" },
    { "model", PROP_TEXT, offsetof(struct ata_disk, model), 0, "VITRO HARDDISK",
      "name in IDENTIFY DEVICE, up to 40 characters" },
    { 0 },
};

static const struct field state[] = {
    FIELD_N(struct ata_disk, drive.regs), FIELD(struct ata_disk, drive.status),
    FIELD(struct ata_disk, drive.error), FIELD(struct ata_disk, drive.interrupt),
    FIELD(struct ata_disk, drive.to_host), FIELD(struct ata_disk, drive.at),
    FIELD(struct ata_disk, drive.end), FIELD(struct ata_disk, current.cylinders),
    FIELD(struct ata_disk, current.heads), FIELD(struct ata_disk, current.spt),
    FIELD(struct ata_disk, opcode), FIELD(struct ata_disk, phase), FIELD(struct ata_disk, multiple),
    FIELD(struct ata_disk, power), FIELD(struct ata_disk, transfer_mode),
    FIELD(struct ata_disk, write_cache), FIELD(struct ata_disk, look_ahead),
    FIELD(struct ata_disk, lba), FIELD(struct ata_disk, remaining), FIELD(struct ata_disk, block),
    FIELD(struct ata_disk, chunk), FIELD_N(struct ata_disk, buffer),
    FIELD_TIMER(struct ata_disk, timer), { 0 },
};

const struct device_class ata_disk_class = {
    .name = "ata_disk", .about = "ATA hard disk (ATA/ATAPI-6, T13/1410D)",
    .size = sizeof(struct ata_disk), .props = props, .state = state,
    .plug = plug, .reset = reset, .restored = restored, .unplug = unplug,
};
