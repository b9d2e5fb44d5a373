/* SPDX-License-Identifier: MIT
 * ATAPI CD-ROM drive: the device, its ATA commands, the disc in its tray.
 * AT Attachment with Packet Interface - 6 (T13/1410D, 2002); section numbers are from it.
 * Not implemented: overlap and queueing, standby timers.
 */
#include "iodev/cdrom/cd.h"
#include "iodev/board.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMMAND_NANOS = 10000, DEVICE_RESET_NANOS = 100000, IDENTIFY_BYTES = 512 };
enum { POWER_STANDBY = 0x00, POWER_IDLE = 0x80, POWER_ACTIVE = 0xFF };
enum { DEVICE_RESET = 0x08, PACKET = 0xA0 };
enum { EVENT_NONE = 0, EVENT_EJECT_REQUEST = 1, EVENT_NEW_DISC = 2, EVENT_REMOVED = 3 };

void cd_later(struct cd *c, enum cd_phase phase, nanos delay)
{
    struct clock *clk = board_clock(c->dev.board);
    c->drive.status = ATA_BSY;
    c->phase = phase;
    clock_arm(clk, &c->timer, clock_now(clk) + delay);
}

/* ---- ATA commands ---------------------------------------------------------------------------- */

/* 9.12: the signature of a PACKET device. */
static void put_signature(struct cd *c)
{
    uint8_t (*r)[2] = c->drive.regs;
    r[ATA_COUNT][0] = r[ATA_LOW][0] = 1;
    r[ATA_MID][0] = 0x14;
    r[ATA_HIGH][0] = 0xEB;
}

static void done(struct cd *c)
{
    cd_idle(c, ATA_DRDY | ATA_DSC, 0);
    ide_interrupt(&c->drive, true);
}

static void abort_command(struct cd *c)
{
    cd_idle(c, ATA_DRDY | ATA_ERR, ATA_ABRT);
    ide_interrupt(&c->drive, true);
}

/* 8.15.5.2 and 8.34: a driver that takes us for a disk reads here what we are. */
static void abort_with_signature(struct cd *c)
{
    put_signature(c);
    abort_command(c);
}

static void put_text(uint8_t *words, unsigned bytes, const char *text)
{
    size_t len = strlen(text);
    for (unsigned i = 0; i < bytes; i++)
        words[i ^ 1] = i < len && isprint((unsigned char)text[i]) ? (uint8_t)text[i] : ' ';
}

static void put_word(uint8_t *data, unsigned n, unsigned value)
{
    data[2 * n] = (uint8_t)value;
    data[2 * n + 1] = (uint8_t)(value >> 8);
}

/* The mode selected by SET FEATURES 03h: 20h + n multiword, 40h + n Ultra DMA. */
static unsigned selected_dma(const struct cd *c, uint8_t kind)
{
    return (c->transfer_mode & 0xF8) == kind ? 0x100u << (c->transfer_mode & 7) : 0;
}

static void put_dma(const struct cd *c, uint8_t *data)
{
    bool dma = ide_has_dma(&c->drive);
    put_word(data, 49, dma ? 0x0F00 : 0x0E00);         /* DMA, LBA, IORDY */
    put_word(data, 63, dma ? 0x0007 | selected_dma(c, 0x20) : 0);
    put_word(data, 88, dma ? 0x0007 | selected_dma(c, 0x40) : 0);
}

/* 8.16, table 28. Word 0: ATAPI, CD-ROM, removable, DRQ within 50 us, packets of 12 bytes. */
static void identify(struct cd *c)
{
    char serial[24];
    uint8_t *b = c->buffer;
    memset(b, 0, IDENTIFY_BYTES);
    snprintf(serial, sizeof serial, "VT-%s", c->dev.id);
    for (char *s = serial; *s; s++) *s = (char)toupper((unsigned char)*s);
    put_word(b, 0, 0x85C0);
    put_text(b + 20, 20, serial);
    put_text(b + 46, 8, "0.1");
    put_text(b + 54, 40, c->model ? c->model : "");
    put_dma(c, b);
    put_word(b, 53, 0x0006);               /* words 64-70 and 88 are valid */
    put_word(b, 64, 0x0003);               /* PIO 3, 4 */
    for (unsigned n = 65; n <= 68; n++) put_word(b, n, 120);
    put_word(b, 71, 30);                   /* us from PACKET to bus release: as good as none */
    put_word(b, 72, 30);
    put_word(b, 80, 0x007E);               /* ATA-1 to ATA/ATAPI-6 */
    put_word(b, 82, 0x4218);               /* NOP, DEVICE RESET, PACKET, power management */
    put_word(b, 83, 0x4000);
    put_word(b, 84, 0x4000);
    put_word(b, 85, 0x4218);
    put_word(b, 87, 0x4000);
    put_word(b, 93, c->drive.number ? 0x6300 : 0x600B);
    b[510] = 0xA5;                         /* word 255: the sum of all bytes is 0 */
    for (unsigned i = 0; i < 511; i++) b[511] = (uint8_t)(b[511] - b[i]);
    c->each = 0;
    c->dma = c->out = false;
    c->limit = IDENTIFY_BYTES;
    c->drive.at = 0;
    c->drive.end = c->filled = IDENTIFY_BYTES;
    c->drive.to_host = true;
    c->drive.status = ATA_DRDY | ATA_DSC | ATA_DRQ;
    c->phase = CD_ATA;
    ide_interrupt(&c->drive, true);
}

static void set_features(struct cd *c)
{
    uint8_t feature = c->drive.regs[ATA_FEATURE][0], mode = c->drive.regs[ATA_COUNT][0];
    bool pio = mode <= 1 || (mode >= 0x08 && mode <= 0x0C);
    bool dma = (mode >= 0x20 && mode <= 0x22) || (mode >= 0x40 && mode <= 0x42);
    bool known = feature == 0x66 || feature == 0xCC;   /* what a soft reset keeps: we keep all */
    if (feature == 0x03) known = pio || (dma && ide_has_dma(&c->drive));
    if (feature == 0x03 && known && dma) c->transfer_mode = mode;
    if (known) done(c);
    else abort_command(c);
}

static void check_power(struct cd *c)
{
    uint8_t power = c->power;
    done(c);
    c->drive.regs[ATA_COUNT][0] = power;
}

static void set_power(struct cd *c)
{
    bool idle = c->opcode == 0x95 || c->opcode == 0x97 || c->opcode == 0xE1 || c->opcode == 0xE3;
    c->asleep = c->opcode == 0x99 || c->opcode == 0xE6;
    c->power = idle ? POWER_IDLE : POWER_STANDBY;
    done(c);
}

static void device_reset(struct cd *c)
{
    put_signature(c);
    cd_idle(c, 0, 1);
}

static const struct {
    uint8_t opcode;
    void  (*run)(struct cd *);
} commands[] = {
    { 0x20, abort_with_signature }, { 0x21, abort_with_signature }, { 0xEC, abort_with_signature },
    { DEVICE_RESET, device_reset }, { PACKET, cd_ask_packet }, { 0xA1, identify },
    { 0x94, set_power }, { 0x95, set_power }, { 0x96, set_power }, { 0x97, set_power },
    { 0x98, check_power }, { 0x99, set_power },
    { 0xE0, set_power }, { 0xE1, set_power }, { 0xE2, set_power }, { 0xE3, set_power },
    { 0xE5, check_power }, { 0xE6, set_power }, { 0xE7, done }, { 0xEF, set_features },
};

static void run_ata(struct cd *c)
{
    for (unsigned i = 0; i < COUNT_OF(commands); i++)
        if (commands[i].opcode == c->opcode) {
            commands[i].run(c);
            return;
        }
    abort_command(c);                      /* NOP, too: by definition */
}

/* In the drive's own time. */
static void step(struct timer *t, nanos due)
{
    struct cd *c = container_of(t, struct cd, timer);
    (void)due;
    if (c->phase == CD_RESET) device_reset(c);
    else if (c->phase == CD_ATA) run_ata(c);
    else cd_step(c);
}

/* A sleeping device answers to nothing but a reset (8.40.8). */
static void command(struct ide_drive *d, uint8_t opcode)
{
    struct cd *c = cd_of(d);
    if (c->asleep && opcode != DEVICE_RESET) return;
    clock_disarm(board_clock(c->dev.board), &c->timer);
    c->opcode = opcode;
    c->remaining = c->filled = 0;
    d->error = 0;
    d->status = ATA_BSY;
    if (opcode == DEVICE_RESET) {
        c->asleep = false;
        cd_later(c, CD_RESET, DEVICE_RESET_NANOS);
    } else if (opcode == PACKET) {
        c->power = POWER_ACTIVE;
        cd_ask_packet(c);
    } else {
        cd_later(c, CD_ATA, COMMAND_NANOS);
    }
}

static void transferred(struct ide_drive *d)
{
    struct cd *c = cd_of(d);
    if (c->phase == CD_ATA) cd_idle(c, ATA_DRDY | ATA_DSC, 0);     /* IDENTIFY ends silently */
    else cd_transferred(d);
}

/* SRST: the status is 0, DRDY comes with the first command (9.12). */
static void reset_drive(struct ide_drive *d)
{
    struct cd *c = cd_of(d);
    clock_disarm(board_clock(c->dev.board), &c->timer);
    cd_idle(c, 0, 1);
    memset(d->regs, 0, sizeof d->regs);
    put_signature(c);
    d->interrupt = false;
    c->opcode = 0;
    c->asleep = false;
    c->power = POWER_ACTIVE;
}

static const struct ide_drive_ops drive_ops = {
    .command = command, .transferred = transferred, .reset = reset_drive,
    .dma_started = cd_dma_started, .has_device_reset = true,
};

/* ---- the tray -------------------------------------------------------------------------------- */

bool cd_has_disc(const struct cd *c) { return c->disc && !c->open; }

void cd_move_tray(struct cd *c, bool open)
{
    bool had = cd_has_disc(c);
    c->open = open;
    if (open) c->head = 0;
    if (had && open) c->event = EVENT_REMOVED;
    if (!had && cd_has_disc(c)) {
        c->attention |= CD_UA_CHANGED;
        c->event = EVENT_NEW_DISC;
    }
}

static struct disc *open_disc(struct cd *c, const char *path)
{
    c->message[0] = 0;
    struct disc *d = disc_open(path, c->message, sizeof c->message);
    if (!d && !*c->message) snprintf(c->message, sizeof c->message, "out of memory");
    return d;
}

/* The new disc is opened first: if that fails, the old one stays. */
const char *atapi_cd_change(struct device *dev, const char *path)
{
    struct cd *c = container_of(dev, struct cd, dev);
    struct disc *d = open_disc(c, path);
    char *copy = d ? strdup(path) : NULL;
    if (!copy) {
        disc_close(d);
        return c->message;
    }
    cd_move_tray(c, true);
    disc_close(c->disc);
    free(c->path);
    c->disc = d;
    c->path = copy;
    cd_move_tray(c, false);
    device_log(dev, LOG_INFO, "%s inserted", path);
    return NULL;
}

/* The button of a locked drive tells the guest (MMC-3 6.6.1.4); the hole for a pin is behind it. */
const char *atapi_cd_eject(struct device *dev)
{
    struct cd *c = container_of(dev, struct cd, dev);
    if (!c->disc) return "there is no disc in the drive";
    if (c->locked && !c->asked) {
        c->asked = true;
        c->event = EVENT_EJECT_REQUEST;
        return "the guest has locked the drive and was asked to let go; eject again to force it";
    }
    cd_move_tray(c, true);
    disc_close(c->disc);
    c->disc = NULL;
    c->asked = false;
    cd_move_tray(c, false);
    return NULL;
}

/* ---- the device ------------------------------------------------------------------------------ */

static bool plug(struct device *dev, struct board *b)
{
    struct cd *c = container_of(dev, struct cd, dev);
    c->timer = (struct timer){ .fire = step, .name = "atapi" };
    c->drive.ops = &drive_ops;
    c->drive.data = c->buffer;
    if (c->path && *c->path) {
        c->disc = open_disc(c, c->path);
        if (!c->disc) device_log(dev, LOG_ERROR, "%s", c->message);
        if (!c->disc) return false;
    }
    const char *why = ide_attach(&c->drive, b, dev->id);
    if (why) device_log(dev, LOG_ERROR, "%s", why);
    return !why;
}

/* The reset button does not reach the tray; a locked door opens again. */
static void reset(struct device *dev, enum reset kind)
{
    struct cd *c = container_of(dev, struct cd, dev);
    c->locked = c->asked = false;
    c->transfer_mode = 0;
    c->sense = SENSE_NONE;
    c->attention = CD_UA_RESET;
    c->event = cd_has_disc(c) ? EVENT_NEW_DISC : EVENT_NONE;
    mmc_mode_reset(c);
    if (kind == RESET_POWER) memset(c->buffer, 0, sizeof c->buffer);
    ide_interrupt(&c->drive, false);
    reset_drive(&c->drive);
}

/* A snapshot may come from a machine with another disc, or from nowhere good. */
static void restored(struct device *dev)
{
    struct cd *c = container_of(dev, struct cd, dev);
    struct ide_drive *d = &c->drive;
    bool fits = !c->remaining || mmc_stream_fits(c);
    if (c->filled > sizeof c->buffer || d->end > c->filled || d->at > d->end) fits = false;
    if (c->phase == CD_PACKET) fits = d->end == CD_PACKET_BYTES && d->at < d->end;
    if (c->remaining && !c->each) fits = false;
    if (c->phase >= CD_PHASES || c->mode > DISC_MODE2_FORM2 || !fits) cd_idle(c, ATA_DRDY, 0);
    if (c->timer.armed) clock_arm(board_clock(dev->board), &c->timer, c->timer.due);
}

static void unplug(struct device *dev)
{
    struct cd *c = container_of(dev, struct cd, dev);
    disc_close(c->disc);
    c->disc = NULL;
}

static const struct prop props[] = {
    { "path", PROP_TEXT, offsetof(struct cd, path), 0, NULL,
      "disc image with sectors of 2048 or 2352 bytes; unset: no disc" },
    { "model", PROP_TEXT, offsetof(struct cd, model), 0, "VITRO CD-ROM",
      "vendor and name, up to 40 characters" },
    { 0 },
};

static const struct field state[] = {
    FIELD_N(struct cd, drive.regs), FIELD(struct cd, drive.status), FIELD(struct cd, drive.error),
    FIELD(struct cd, drive.interrupt), FIELD(struct cd, drive.to_host), FIELD(struct cd, drive.at),
    FIELD(struct cd, drive.end), FIELD(struct cd, phase), FIELD(struct cd, opcode),
    FIELD(struct cd, transfer_mode), FIELD(struct cd, asleep), FIELD(struct cd, locked),
    FIELD(struct cd, open), FIELD(struct cd, asked), FIELD(struct cd, attention),
    FIELD(struct cd, event), FIELD(struct cd, sense), FIELD(struct cd, power),
    FIELD_N(struct cd, packet), FIELD(struct cd, dma), FIELD(struct cd, out),
    FIELD(struct cd, limit), FIELD(struct cd, filled), FIELD(struct cd, lba),
    FIELD(struct cd, remaining), FIELD(struct cd, head), FIELD(struct cd, each),
    FIELD(struct cd, from), FIELD(struct cd, to), FIELD(struct cd, extra), FIELD(struct cd, mode),
    FIELD(struct cd, parts),
    FIELD_N(struct cd, pages), FIELD_N(struct cd, buffer), FIELD_TIMER(struct cd, timer), { 0 },
};

const struct device_class atapi_cd_class = {
    .name = "atapi_cd", .about = "ATAPI CD-ROM drive (ATA/ATAPI-6, T13/1410D; MMC-3, T10/1363D)",
    .size = sizeof(struct cd), .props = props, .state = state,
    .plug = plug, .reset = reset, .restored = restored, .unplug = unplug,
};
