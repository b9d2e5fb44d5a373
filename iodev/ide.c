/* SPDX-License-Identifier: MIT
 * ATA channel: the two port blocks, selection of one of two drives, INTRQ.
 * AT Attachment with Packet Interface - 6 (T13/1410D, 2002); section numbers are from it.
 *
 * Both drives take every register write, the selected one answers. A drive that is not there is
 * answered for as in 9.16: device 0 shows status 0 for a missing device 1; a channel without the
 * selected and without device 0 floats, with DD7 pulled down (7Fh).
 * Not implemented: overlapped commands, 8-bit PIO (CFA).
 */
#include "iodev/ide.h"
#include "iodev/board.h"
#include <string.h>

enum { CONTROL_NIEN = 0x02, CONTROL_SRST = 0x04, CONTROL_HOB = 0x80 };
enum { DEVICE_RESET = 0x08, EXECUTE_DEVICE_DIAGNOSTIC = 0x90, FLOATING = 0x7F };
/* 9.2 allows up to 31 s. Those who know wait 2 ms first. Kernels of 1991 poll at once and give up
 * after 10000 looks, which were 10 ms then and are one here: they see BSY, but not for long. */
enum { RESET_NANOS = 100000 };

struct ide_channel {
    struct device dev;
    struct line   irq;
    struct timer  reset_timer;
    struct ide_drive *drive[2];
    struct device *master;
    const struct ide_master_ops *master_ops;
    unsigned      master_number;
    bool          enabled;
    uint64_t      ioaddr1, ioaddr2, irq_number;
    uint8_t       control, selected;
    bool          diagnostic;              /* the reset under way ends with an interrupt */
};

static struct ide_channel *channel_of(struct device *d)
{
    return container_of(d, struct ide_channel, dev);
}

static struct ide_drive *selected(const struct ide_channel *c)
{
    return c->drive[c->selected & 1];
}

/* INTRQ belongs to the selected drive; nIEN lets it float: the pull-down makes it low (5.2.9). The
 * bus master's interrupt bit follows the wire (290550-002, 2.7.2), so it does not see it either. */
static void update_irq(struct ide_channel *c)
{
    const struct ide_drive *d = selected(c);
    bool level = d && d->interrupt && !(c->control & CONTROL_NIEN);
    if (level && !c->irq.level && c->master && c->master_ops->interrupt)
        c->master_ops->interrupt(c->master, c->master_number);
    line_set(&c->irq, level);
}

void ide_interrupt(struct ide_drive *d, bool level)
{
    struct ide_channel *c = d->channel;
    d->interrupt = level;
    update_irq(c);
}

/* ---- data port: the path that every PIO word takes ------------------------------------------- */

static uint32_t load(const uint8_t *from, unsigned bytes)
{
    uint32_t value = from[0];
    if (bytes >= WORD) value |= (uint32_t)from[1] << 8;
    if (bytes == DWORD) value |= (uint32_t)from[2] << 16 | (uint32_t)from[3] << 24;
    return value;
}

static void store(uint8_t *to, uint32_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) to[i] = (uint8_t)(value >> 8 * i);
}

/* An access that reaches over the block's end moves what is left of it. */
static unsigned clipped(const struct ide_drive *d, unsigned width)
{
    uint32_t left = d->end - d->at;
    return left >= width ? width : left;
}

static void moved(struct ide_drive *d, unsigned bytes)
{
    d->at += bytes;
    if (d->at >= d->end) d->ops->transferred(d);
}

static uint32_t read_data(struct ide_drive *d, unsigned width)
{
    if (!d || !(d->status & ATA_DRQ) || !d->to_host || d->at >= d->end) return ~0u;
    unsigned bytes = clipped(d, width);
    uint32_t value = bytes == 3 ? load(d->data + d->at, WORD) : load(d->data + d->at, bytes);
    moved(d, bytes);
    return value;
}

static void write_data(struct ide_drive *d, uint32_t value, unsigned width)
{
    if (!d || !(d->status & ATA_DRQ) || d->to_host || d->at >= d->end) return;
    unsigned bytes = clipped(d, width);
    store(d->data + d->at, value, bytes);
    moved(d, bytes);
}

/* All words of a block but the last one, which has consequences. */
static uint32_t run_length(const struct ide_drive *d, unsigned width, uint32_t count)
{
    uint32_t most = (d->end - d->at - 1) / width;
    return count < most ? count : most;
}

static uint32_t read_run(struct device *dev, uint32_t offset, enum width w, uint8_t *to,
                         uint32_t count)
{
    struct ide_drive *d = selected(channel_of(dev));
    if (offset & 7 || !d || !(d->status & ATA_DRQ) || !d->to_host || d->at >= d->end) return 0;
    count = run_length(d, w, count);
    memcpy(to, d->data + d->at, (size_t)count * w);
    d->at += count * w;
    return count;
}

static uint32_t write_run(struct device *dev, uint32_t offset, enum width w, const uint8_t *from,
                          uint32_t count)
{
    struct ide_drive *d = selected(channel_of(dev));
    if (offset & 7 || !d || !(d->status & ATA_DRQ) || d->to_host || d->at >= d->end) return 0;
    count = run_length(d, w, count);
    memcpy(d->data + d->at, from, (size_t)count * w);
    d->at += count * w;
    return count;
}

/* ---- command block --------------------------------------------------------------------------- */

static uint8_t status(const struct ide_channel *c)
{
    if (selected(c)) return selected(c)->status;
    return c->drive[0] ? 0 : FLOATING;
}

/* Device 0 shows its own registers for a missing device 1 (9.16.1). */
static uint8_t read_register(const struct ide_channel *c, uint32_t offset)
{
    const struct ide_drive *d = selected(c) ? selected(c) : c->drive[0];
    if (offset == ATA_COMMAND) return status(c);
    if (!d) return FLOATING;
    if (d->status & ATA_BSY) return d->status;         /* 5.1: contents are indeterminate */
    if (offset == ATA_FEATURE) return d->error;
    if (offset == ATA_DEVICE)
        return (uint8_t)((d->regs[ATA_DEVICE][0] & ~ATA_DEV) | 0xA0 | (c->selected ? ATA_DEV : 0));
    return d->regs[offset][c->control & CONTROL_HOB ? 1 : 0];
}

static void end_reset(struct timer *t, nanos due)
{
    struct ide_channel *c = container_of(t, struct ide_channel, reset_timer);
    (void)due;
    for (unsigned i = 0; i < 2; i++)
        if (c->drive[i]) c->drive[i]->ops->reset(c->drive[i]);
    c->selected = 0;
    struct ide_drive *answers = c->drive[0] ? c->drive[0] : c->drive[1];
    if (c->diagnostic && answers) ide_interrupt(answers, true);
    c->diagnostic = false;
    update_irq(c);
}

/* Both drives are busy from now on; the pulse ends when the reset timer fires. */
static void begin_reset(struct ide_channel *c, bool diagnostic)
{
    for (unsigned i = 0; i < 2; i++) {
        struct ide_drive *d = c->drive[i];
        if (!d) continue;
        d->ops->reset(d);      /* stops what is under way */
        d->status = ATA_BSY;
    }
    c->diagnostic = diagnostic;
    update_irq(c);
}

static void finish_reset_later(struct ide_channel *c)
{
    struct clock *clk = board_clock(c->dev.board);
    clock_arm(clk, &c->reset_timer, clock_now(clk) + RESET_NANOS);
}

static void write_command(struct ide_channel *c, uint8_t opcode)
{
    struct ide_drive *d = selected(c);
    if (c->reset_timer.armed || c->control & CONTROL_SRST) return;
    if (opcode == EXECUTE_DEVICE_DIAGNOSTIC) {         /* for both, whoever is selected (8.11) */
        begin_reset(c, true);
        finish_reset_later(c);
        return;
    }
    bool breaks_in = opcode == DEVICE_RESET && d && d->ops->has_device_reset;    /* 8.8 */
    if (!d || (d->status & ATA_BSY && !breaks_in)) return;
    ide_interrupt(d, false);
    d->at = d->end = 0;
    d->ops->command(d, opcode);
}

static void write_register(struct ide_channel *c, uint32_t offset, uint8_t value)
{
    c->control &= (uint8_t)~CONTROL_HOB;   /* any write takes HOB away (6.20) */
    if (offset == ATA_COMMAND) {
        write_command(c, value);
        return;
    }
    if (offset == ATA_DEVICE) c->selected = value & ATA_DEV ? 1 : 0;
    for (unsigned i = 0; i < 2; i++) {
        struct ide_drive *d = c->drive[i];
        if (!d || d->status & ATA_BSY) continue;
        d->regs[offset][1] = d->regs[offset][0];
        d->regs[offset][0] = value;
    }
    if (offset == ATA_DEVICE) update_irq(c);
}

static uint32_t peek(const struct device *d, uint32_t offset)
{
    const struct ide_channel *c = container_of(d, const struct ide_channel, dev);
    const struct ide_drive *drive = selected(c);
    if (offset & 7) return read_register(c, offset & 7);
    return drive && drive->at < drive->end ? drive->data[drive->at] : 0xFF;
}

/* Reading the status acknowledges the interrupt; the alternate status does not (7.15). */
static uint8_t read_side(struct ide_channel *c, uint32_t offset)
{
    uint8_t value = read_register(c, offset);
    if (offset == ATA_COMMAND && selected(c) && selected(c)->interrupt)
        ide_interrupt(selected(c), false);
    return value;
}

static uint32_t ide_read(struct device *dev, uint32_t offset, enum width w)
{
    struct ide_channel *c = channel_of(dev);
    if (likely((offset & 7) == 0)) return read_data(selected(c), w);
    uint32_t value = 0;
    for (unsigned i = 0; i < w && offset + i < 8; i++)
        value |= (uint32_t)read_side(c, offset + i) << 8 * i;
    return value;
}

static void ide_write(struct device *dev, uint32_t offset, uint32_t value, enum width w)
{
    struct ide_channel *c = channel_of(dev);
    if (likely((offset & 7) == 0)) {
        write_data(selected(c), value, w);
        return;
    }
    for (unsigned i = 0; i < w && offset + i < 8; i++)
        write_register(c, offset + i, (uint8_t)(value >> 8 * i));
}

static const struct io_run_ops ide_io = {
    { ide_read, ide_write, peek, BYTE | WORD | DWORD | IO_RUNS }, read_run, write_run,
};

/* ---- control block: alternate status, device control ----------------------------------------- */

static uint32_t peek_control(const struct device *d, uint32_t offset)
{
    (void)offset;
    return status(container_of(d, const struct ide_channel, dev));
}

static uint32_t read_control(struct device *d, uint32_t offset, enum width w)
{
    (void)w;
    return peek_control(d, offset);
}

static void write_control(struct device *d, uint32_t offset, uint32_t value, enum width w)
{
    struct ide_channel *c = channel_of(d);
    uint8_t before = c->control;
    (void)offset; (void)w;
    c->control = (uint8_t)value;
    if (value & CONTROL_SRST && !(before & CONTROL_SRST)) {
        clock_disarm(board_clock(d->board), &c->reset_timer);
        begin_reset(c, false);
    }
    if (!(value & CONTROL_SRST) && before & CONTROL_SRST) finish_reset_later(c);
    update_irq(c);
}

static const struct io_ops control_io = { read_control, write_control, peek_control, BYTE };

/* ---- for drives and bus masters -------------------------------------------------------------- */

const char *ide_attach(struct ide_drive *d, struct board *b, const char *id)
{
    char name[16] = "";
    const char *dash = strchr(id, '-');
    if (!dash || (strcmp(dash, "-master") && strcmp(dash, "-slave")))
        return "a drive is called ata0-master, ata0-slave, ...";
    memcpy(name, id, (size_t)(dash - id) < sizeof name ? (size_t)(dash - id) : sizeof name - 1);
    struct device *dev = board_find(b, name);
    if (!dev || dev->class != &ide_class) return "there is no such channel";
    struct ide_channel *c = channel_of(dev);
    d->number = strcmp(dash, "-slave") == 0;
    if (c->drive[d->number]) return "there is a drive already";
    d->channel = c;
    c->drive[d->number] = d;
    return NULL;
}

bool ide_has_dma(const struct ide_drive *d)
{
    return d->channel->master != NULL;
}

uint32_t ide_dma(struct ide_drive *d, uint8_t *data, uint32_t len, bool to_memory)
{
    struct ide_channel *c = d->channel;
    if (!c->master || selected(c) != d) return 0;
    return c->master_ops->transfer(c->master, c->master_number, data, len, to_memory);
}

void ide_set_master(struct device *channel, struct device *master, unsigned number,
                    const struct ide_master_ops *ops)
{
    struct ide_channel *c = channel_of(channel);
    c->master = master;
    c->master_ops = ops;
    c->master_number = number;
}

void ide_master_started(struct device *channel)
{
    struct ide_drive *d = selected(channel_of(channel));
    if (d && d->ops->dma_started) d->ops->dma_started(d);
}

/* ---- the device ------------------------------------------------------------------------------ */

static const struct { uint16_t command, control; uint8_t irq; } usual[4] = {
    { 0x1F0, 0x3F0, 14 }, { 0x170, 0x370, 15 }, { 0x1E8, 0x3E0, 11 }, { 0x168, 0x360, 9 },
};

static void usual_place(struct ide_channel *c)
{
    size_t len = strlen(c->dev.id);
    unsigned n = len ? (unsigned)(c->dev.id[len - 1] - '0') & 3 : 0;
    if (!c->ioaddr1) c->ioaddr1 = usual[n].command;
    if (!c->ioaddr2) c->ioaddr2 = usual[n].control;
    if (!c->irq_number) c->irq_number = usual[n].irq;
}

static bool plug(struct device *d, struct board *b)
{
    struct ide_channel *c = channel_of(d);
    c->reset_timer = (struct timer){ .fire = end_reset, .name = "ide.reset" };
    if (!c->enabled) return true;
    usual_place(c);
    if (c->ioaddr1 > 0xFFF8 || c->ioaddr2 > 0xFFF0 || c->irq_number > 15) {
        device_log(d, LOG_ERROR, "ioaddr1, ioaddr2 or irq is out of range");
        return false;
    }
    c->irq = board_irq(b, (unsigned)c->irq_number);
    /* of the control block only +6 is ours: +7 belongs to the floppy controller */
    return board_claim_ports(b, d, (uint16_t)c->ioaddr1, 8, &ide_io.one) &&
           board_claim_ports(b, d, (uint16_t)(c->ioaddr2 + 6), 1, &control_io);
}

static void reset(struct device *d, enum reset kind)
{
    struct ide_channel *c = channel_of(d);
    (void)kind;                /* the drives are devices and are reset themselves */
    clock_disarm(board_clock(d->board), &c->reset_timer);
    c->control = 0;
    c->selected = 0;
    c->diagnostic = false;
    update_irq(c);
}

static void restored(struct device *d)
{
    struct ide_channel *c = channel_of(d);
    c->selected &= 1;
    if (c->reset_timer.armed) clock_arm(board_clock(d->board), &c->reset_timer, c->reset_timer.due);
}

static const struct prop props[] = {
    { "enabled", PROP_BOOL, offsetof(struct ide_channel, enabled), 1, NULL, "the channel exists" },
    { "ioaddr1", PROP_UINT, offsetof(struct ide_channel, ioaddr1), 0, NULL,
      "command block; 0: 1F0h, 170h, 1E8h, 168h for ata0-ata3" },
    { "ioaddr2", PROP_UINT, offsetof(struct ide_channel, ioaddr2), 0, NULL,
      "control block; 0: 3F0h, 370h, 3E0h, 360h (the register is at +6)" },
    { "irq", PROP_UINT, offsetof(struct ide_channel, irq_number), 0, NULL,
      "interrupt request; 0: 14, 15, 11, 9" },
    { 0 },
};

static const struct field state[] = {
    FIELD(struct ide_channel, control), FIELD(struct ide_channel, selected),
    FIELD(struct ide_channel, diagnostic), FIELD_TIMER(struct ide_channel, reset_timer),
    FIELD_LINE(struct ide_channel, irq), { 0 },
};

const struct device_class ide_class = {
    .name = "ide", .about = "ATA channel (ATA/ATAPI-6, T13/1410D)",
    .size = sizeof(struct ide_channel), .props = props, .state = state,
    .plug = plug, .reset = reset, .restored = restored,
};
