/* SPDX-License-Identifier: MIT
 * ATA hard disk: the command table and the commands without data; the device.
 * AT Attachment with Packet Interface - 6 (T13/1410D, 2002); section numbers are from it.
 *
 *   command --> BSY --timer--> run --> [block in buffer, DRQ <--> host] --> ready
 *                                 `--> [chunk in buffer <--> bus master] -'
 * Not implemented: security, HPA (READ NATIVE MAX answers, SET MAX does not).
 */
#include "iodev/ata_disk.h"
#include "iodev/board.h"
#include <string.h>

/* Short but not zero: drivers want to see BSY, and an interrupt must not come before they wait.
 * Reads come as from a drive's cache; only the commands that are about moving the arm take as long
 * as an arm does. */
enum { COMMAND_NANOS = 5000, MEDIA_NANOS = 20000, MOVE_NANOS = 500000 };

static struct ata_disk *disk_of(struct ide_drive *d)
{
    return container_of(d, struct ata_disk, drive);
}

void ata_later(struct ata_disk *k, enum ata_phase phase, nanos delay)
{
    struct clock *clk = board_clock(k->dev.board);
    k->phase = phase;
    clock_arm(clk, &k->timer, clock_now(clk) + delay);
}

/* ---- the only ways out of a command ---------------------------------------------------------- */

void ata_stop(struct ata_disk *k, uint8_t error)
{
    k->phase = PHASE_IDLE;
    k->remaining = k->chunk = 0;
    k->drive.at = k->drive.end = 0;
    k->drive.error = error;
    k->drive.status = ATA_DRDY | ATA_DSC | (error ? ATA_ERR : 0);
}

void ata_finish(struct ata_disk *k)
{
    ata_stop(k, 0);
    ide_interrupt(&k->drive, true);
}

void ata_fail(struct ata_disk *k, uint8_t error)
{
    ata_stop(k, error);
    ide_interrupt(&k->drive, true);
}

/* ---- commands without media ------------------------------------------------------------------ */

static void run_abort(struct ata_disk *k, const struct ata_command *c)
{
    (void)c;
    ata_fail(k, ATA_ABRT);
}

static void run_done(struct ata_disk *k, const struct ata_command *c)
{
    (void)c;
    ata_finish(k);
}

static void run_identify(struct ata_disk *k, const struct ata_command *c)
{
    (void)c;
    ata_identify(k, k->buffer);
    ata_offer_block(k, SECTOR_SIZE, true);
    ide_interrupt(&k->drive, true);
}

/* READ BUFFER returns what WRITE BUFFER or the last transfer left. */
static void run_read_buffer(struct ata_disk *k, const struct ata_command *c)
{
    (void)c;
    ata_offer_block(k, SECTOR_SIZE, true);
    ide_interrupt(&k->drive, true);
}

static void run_write_buffer(struct ata_disk *k, const struct ata_command *c)
{
    (void)c;
    ata_offer_block(k, SECTOR_SIZE, false);
}

static void run_set_multiple(struct ata_disk *k, const struct ata_command *c)
{
    unsigned n = k->drive.regs[ATA_COUNT][0];
    (void)c;
    if (n > ATA_MAX_MULTIPLE || n & (n - 1)) {
        k->multiple = 0;       /* 8.39.6: an unsupported count disables the commands */
        ata_fail(k, ATA_ABRT);
        return;
    }
    k->multiple = (uint8_t)n;
    ata_finish(k);
}

static void run_set_geometry(struct ata_disk *k, const struct ata_command *c)
{
    unsigned spt = k->drive.regs[ATA_COUNT][0], heads = (k->drive.regs[ATA_DEVICE][0] & 15u) + 1;
    (void)c;
    if (!spt) {
        ata_fail(k, ATA_ABRT);
        return;
    }
    ata_set_current(k, heads, spt);
    ata_finish(k);
}

bool ata_flush(struct ata_disk *k)
{
    int error = image_flush(k->image);
    if (!error) return true;
    if (ata_wait_for_room(k, "flushing", error)) return false;
    device_log(&k->dev, LOG_ERROR, "%s: flushing: %s", k->path, image_error_text(error));
    ata_fail(k, ATA_ABRT);
    k->drive.status |= ATA_DF;
    return false;
}

static void run_flush(struct ata_disk *k, const struct ata_command *c)
{
    (void)c;
    if (ata_flush(k)) ata_finish(k);
}

static void run_native_max(struct ata_disk *k, const struct ata_command *c)
{
    uint64_t last = k->sectors - 1;
    if (!(c->flags & EXT) && last > 0x0FFFFFFE) last = 0x0FFFFFFE;
    ata_put_address(k, c->flags, last);
    ata_finish(k);
}

/* PIO default, PIO 0-4, multiword DMA 0-2, Ultra DMA 0-5 (table 47). */
static bool set_transfer_mode(struct ata_disk *k, uint8_t mode)
{
    bool pio = mode <= 1 || (mode >= 0x08 && mode <= 0x0C);
    bool dma = (mode >= 0x20 && mode <= 0x22) || (mode >= 0x40 && mode <= 0x45);
    if (dma && ide_has_dma(&k->drive)) k->transfer_mode = mode;
    return pio || (dma && ide_has_dma(&k->drive));
}

static void run_set_features(struct ata_disk *k, const struct ata_command *c)
{
    bool done = true;
    switch (k->drive.regs[ATA_FEATURE][0]) {
    case 0x02: k->write_cache = true; break;
    case 0x82: k->write_cache = false; run_flush(k, c); return;
    case 0xAA: k->look_ahead = true; break;
    case 0x55: k->look_ahead = false; break;
    case 0x66: case 0xCC: break;           /* what a soft reset keeps: we keep all */
    case 0x03: done = set_transfer_mode(k, k->drive.regs[ATA_COUNT][0]); break;
    default:   done = false; break;
    }
    if (done) ata_finish(k);
    else ata_fail(k, ATA_ABRT);
}

static const struct ata_command commands[] = {
    { 0x00, 0, run_abort },                                /* NOP: aborts by definition (8.18) */
    { 0x10, MOVES, run_done },                               /* RECALIBRATE 1xh */
    { 0x20, MEDIA, ata_run_pio },                              /* READ SECTOR(S), 21h: no retry */
    { 0x21, MEDIA, ata_run_pio },
    { 0x24, MEDIA | EXT, ata_run_pio },
    { 0x25, MEDIA | EXT, ata_run_dma },                  /* READ DMA EXT */
    { 0x27, EXT, run_native_max },
    { 0x29, MEDIA | EXT | MULTI, ata_run_pio },                /* READ MULTIPLE EXT */
    { 0x30, MEDIA | WRITE | AT_ONCE, ata_run_pio },            /* WRITE SECTOR(S) */
    { 0x31, MEDIA | WRITE | AT_ONCE, ata_run_pio },
    { 0x34, MEDIA | WRITE | AT_ONCE | EXT, ata_run_pio },
    { 0x35, MEDIA | WRITE | EXT, ata_run_dma },          /* WRITE DMA EXT */
    { 0x39, MEDIA | WRITE | AT_ONCE | EXT | MULTI, ata_run_pio },
    { 0x40, 0, ata_run_verify },                               /* READ VERIFY SECTOR(S) */
    { 0x41, 0, ata_run_verify },
    { 0x42, EXT, ata_run_verify },
    { 0x50, AT_ONCE, run_write_buffer },                   /* ATA-1's FORMAT TRACK: no more */
    { 0x70, MOVES, ata_run_seek },                               /* SEEK 7xh */
    { 0x91, 0, run_set_geometry },                         /* INITIALIZE DEVICE PARAMETERS */
    { 0x94, 0, ata_run_set_power }, { 0x95, 0, ata_run_set_power },
    { 0x96, 0, ata_run_set_power }, { 0x97, 0, ata_run_set_power },
    { 0x98, 0, ata_run_check_power }, { 0x99, 0, ata_run_set_power },
    { 0xB0, 0, ata_run_smart },
    { 0xC4, MEDIA | MULTI, ata_run_pio },                      /* READ MULTIPLE */
    { 0xC5, MEDIA | MULTI | WRITE | AT_ONCE, ata_run_pio },    /* WRITE MULTIPLE */
    { 0xC6, 0, run_set_multiple },
    { 0xC8, MEDIA, ata_run_dma }, { 0xC9, MEDIA, ata_run_dma },
    { 0xCA, MEDIA | WRITE, ata_run_dma }, { 0xCB, MEDIA | WRITE, ata_run_dma },
    { 0xE0, 0, ata_run_set_power }, { 0xE1, 0, ata_run_set_power }, { 0xE2, 0, ata_run_set_power },
    { 0xE3, 0, ata_run_set_power },
    { 0xE4, 0, run_read_buffer },
    { 0xE5, 0, ata_run_check_power },
    { 0xE6, 0, ata_run_set_power },
    { 0xE7, 0, run_flush },
    { 0xE8, AT_ONCE, run_write_buffer },
    { 0xEA, EXT, run_flush },
    { 0xEC, 0, run_identify },
    { 0xEF, 0, run_set_features },
    { 0xF8, 0, run_native_max },
};

/* RECALIBRATE and SEEK had their step rates in the low half. NULL: unknown. */
const struct ata_command *ata_current_command(const struct ata_disk *k)
{
    unsigned family = k->opcode & 0xF0;
    uint8_t opcode = family == 0x10 || family == 0x70 ? (uint8_t)family : k->opcode;
    for (unsigned i = 0; i < COUNT_OF(commands); i++)
        if (commands[i].opcode == opcode) return &commands[i];
    return NULL;
}

static void run(struct ata_disk *k)
{
    const struct ata_command *c = ata_current_command(k);
    if (c) {
        c->run(k, c);
        return;
    }
    device_log(&k->dev, LOG_DEBUG, "command %02Xh aborted", k->opcode);
    ata_fail(k, ATA_ABRT);
}

/* In the drive's own time. A command is looked up again, so that a snapshot needs no pointers. */
static void step(struct timer *t, nanos due)
{
    static void (*const steps[PHASE_COUNT])(struct ata_disk *) = {
        [PHASE_COMMAND] = run, [PHASE_READ] = ata_read_block, [PHASE_WRITE] = ata_write_block,
        [PHASE_DMA] = ata_dma_chunk,
    };
    struct ata_disk *k = container_of(t, struct ata_disk, timer);
    (void)due;
    if (k->phase < PHASE_COUNT && steps[k->phase]) steps[k->phase](k);
}

static nanos command_time(const struct ata_command *c)
{
    if (c && c->flags & MOVES) return MOVE_NANOS;
    return c && c->flags & MEDIA ? MEDIA_NANOS : COMMAND_NANOS;
}

/* A sleeping disk answers to nothing but a reset (8.40). Writes ask for their data without a BSY
 * phase (allowed by 9.6): software often waits just 400 ns. */
static void command(struct ide_drive *d, uint8_t opcode)
{
    struct ata_disk *k = disk_of(d);
    if (k->asleep) return;
    clock_disarm(board_clock(k->dev.board), &k->timer);
    k->opcode = opcode;
    const struct ata_command *c = ata_current_command(k);
    k->remaining = k->chunk = 0;
    d->error = 0;
    d->status = ATA_BSY;
    if (c && c->flags & (MEDIA | MOVES)) ata_wake(k);
    k->phase = PHASE_COMMAND;
    if (c && c->flags & AT_ONCE) run(k);
    else ata_later(k, PHASE_COMMAND, command_time(c));
}

/* ---- the device ------------------------------------------------------------------------------ */

/* 9.12: signature of a device without PACKET, diagnostic code "passed". */
static void reset_drive(struct ide_drive *d)
{
    struct ata_disk *k = disk_of(d);
    clock_disarm(board_clock(k->dev.board), &k->timer);
    ata_stop(k, 0);
    memset(d->regs, 0, sizeof d->regs);
    d->regs[ATA_COUNT][0] = d->regs[ATA_LOW][0] = 1;
    d->error = 1;
    d->interrupt = false;
    k->opcode = 0;
    k->asleep = false;
    ata_wake(k);
}

static const struct ide_drive_ops drive_ops = {
    .command = command, .transferred = ata_transferred, .reset = reset_drive,
    .dma_started = ata_dma_started,
};

static bool open_image(struct ata_disk *k)
{
    char note[512];
    struct image_choice c = { .path = k->path, .mode = k->mode, .format = k->format,
                              .journal = k->journal };
    k->image = image_open_choice(&c, IMAGE_WRITE, note, sizeof note);
    if (!k->image) device_log(&k->dev, LOG_ERROR, "%s", note);
    else if (*note) device_log(&k->dev, LOG_WARN, "%s", note);
    if (!k->image) return false;
    k->sectors = image_sectors(k->image);
    return true;
}

void ata_disk_settle(struct device *dev)
{
    image_settle(container_of(dev, struct ata_disk, dev)->image);
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
    k->write_cache = k->look_ahead = k->smart = true;
    k->standby_after = 0;
    if (kind == RESET_POWER) memset(k->buffer, 0, sizeof k->buffer);
    ata_set_current(k, k->native.heads, k->native.spt);
    ide_interrupt(&k->drive, false);
    reset_drive(&k->drive);
}

static void restored(struct device *dev)
{
    struct ata_disk *k = container_of(dev, struct ata_disk, dev);
    struct ide_drive *d = &k->drive;
    const struct ata_command *c = ata_current_command(k);
    struct ata_geometry *g = &k->current;
    if (!g->heads || g->heads > 16 || !g->spt || g->spt > 255)
        ata_set_current(k, k->native.heads, k->native.spt);
    if (d->end > sizeof k->buffer || d->at > d->end) d->at = d->end = 0;
    if (k->multiple > ATA_MAX_MULTIPLE) k->multiple = 0;
    if (k->block > ATA_MAX_MULTIPLE || !k->block) k->block = 1;
    if (k->chunk > ATA_CHUNK_SECTORS || k->chunk > k->remaining) k->chunk = 0;
    if (!c && k->phase > PHASE_COMMAND) ata_stop(k, 0);
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
    { "mode", PROP_TEXT, offsetof(struct ata_disk, mode), 0, "auto",
      "auto, flat, volatile, undoable, growing: see iodev/image/image.h" },
    { "format", PROP_TEXT, offsetof(struct ata_disk, format), 0, "auto",
      "of the image; auto: its extension says it" },
    { "journal", PROP_TEXT, offsetof(struct ata_disk, journal), 0, NULL,
      "file of changes for mode=undoable; usual: PATH.undo.qcow2" },
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
    FIELD(struct ata_disk, smart), FIELD(struct ata_disk, asleep),
    FIELD(struct ata_disk, standby_after), FIELD(struct ata_disk, last_used),
    FIELD(struct ata_disk, lba), FIELD(struct ata_disk, remaining), FIELD(struct ata_disk, block),
    FIELD(struct ata_disk, chunk), FIELD_N(struct ata_disk, buffer),
    FIELD_TIMER(struct ata_disk, timer), { 0 },
};

const struct device_class ata_disk_class = {
    .name = "ata_disk", .about = "ATA hard disk (ATA/ATAPI-6, T13/1410D)",
    .size = sizeof(struct ata_disk), .props = props, .state = state,
    .plug = plug, .reset = reset, .restored = restored, .unplug = unplug,
};
