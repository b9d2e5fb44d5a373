/* SPDX-License-Identifier: MIT
 * Floppy disk controller: registers, command and result phases, seeks, reset.
 * Intel 82077AA data sheet (290166-007, 1994), AT mode; section numbers are from it.
 *
 *   3F2 DOR  3F3 TDR  3F4 MSR/DSR  3F5 FIFO  3F7 DIR/CCR       IRQ 6, DMA channel 2
 *
 * Steps are fast and always find their cylinder: a seek also puts a drive right whose heads the
 * guest lost track of. Motors need no time and no bit.
 * Not implemented: PS/2 and model 30 modes (SRA and SRB read as FFh, as in AT mode), power-down,
 * tape drives, write precompensation.
 */
#include "iodev/fdc_private.h"
#include <string.h>

enum { SRA = 0, SRB = 1, DOR = 2, TDR = 3, MSR_DSR = 4, FIFO = 5, DIR_CCR = 7 };
enum { DOR_SELECT = 0x03, DOR_RESET = 0x04, DOR_DMAGATE = 0x08 };      /* reset: active low */
enum { DSR_RESET = 0x80, RATE = 0x03, DIR_CHANGED = 0x80 };
enum { MSR_BUSY = 0x10, MSR_NON_DMA = 0x20, MSR_DIO = 0x40, MSR_RQM = 0x80 };
enum { CONFIGURE_DEFAULT = CONFIGURE_NO_FIFO, VERSION_82077AA = 0x90 };
enum { RESET_NANOS = 100000, SEEK_NANOS = 300000, STEP_NANOS = 30000, PULSES = 79 };

struct fdc_command {
    uint8_t mask, code, params;
    void  (*run)(struct fdc *);
};

static struct fdc *fdc_of(struct device *d) { return container_of(d, struct fdc, dev); }

/* ---- interrupt and phases -------------------------------------------------------------------- */

/* DMAGATE opens the drivers of the IRQ and DREQ lines (2.1.3). */
static void drive_lines(struct fdc *f)
{
    bool gate = f->dor & DOR_DMAGATE;
    line_set(&f->irq, gate && f->interrupt);
    line_set(&f->dreq, gate && f->request);
}

void fdc_interrupt(struct fdc *f, bool level)
{
    f->interrupt = level;
    drive_lines(f);
}

void fdc_dma_request(struct fdc *f, bool level)
{
    f->request = level;
    drive_lines(f);
}

void fdc_result(struct fdc *f, unsigned len)
{
    f->phase = len ? FDC_RESULT : FDC_COMMAND;
    f->fifo_at = 0;
    f->fifo_len = (uint8_t)(len <= FDC_FIFO ? len : FDC_FIFO);
}

static void result1(struct fdc *f, uint8_t byte)
{
    f->fifo[0] = byte;
    fdc_result(f, 1);
}

/* ---- seeks ----------------------------------------------------------------------------------- */

static void start_seek(struct fdc *f, unsigned drive, unsigned target, uint8_t st0)
{
    unsigned steps = target > f->pcn[drive] ? target - f->pcn[drive] : f->pcn[drive] - target;
    struct clock *clk = board_clock(f->dev.board);
    f->target[drive] = f->heads_to[drive] = (uint8_t)target;
    f->st0[drive] = st0;
    f->reported &= (uint8_t)~(1u << drive);
    fdc_result(f, 0);
    clock_arm(clk, &f->seek[drive].timer, clock_now(clk) + SEEK_NANOS + steps * STEP_NANOS);
}

static void seek_due(struct timer *t, nanos due)
{
    const struct fdc_seek *seek = container_of(t, struct fdc_seek, timer);
    struct fdc *f = seek->fdc;
    unsigned drive = seek->drive & 3;
    (void)due;
    if (f->drive[drive]) floppy_step_to(f->drive[drive], f->heads_to[drive]);
    f->pcn[drive] = f->target[drive];
    f->reported |= (uint8_t)(1u << drive);
    f->after_reset &= (uint8_t)~(1u << drive);
    fdc_interrupt(f, true);
}

static void run_seek(struct fdc *f)
{
    unsigned drive = f->fifo[1] & 3;
    f->sought = true;
    start_seek(f, drive, f->fifo[2], (uint8_t)(ST0_SEEK_END | (f->fifo[1] & 7)));
}

/* Equipment check after 79 pulses without TRK0 (5.2.4): there is no drive, or the heads were behind
 * cylinder 79, and a second one finds it. */
static void run_recalibrate(struct fdc *f)
{
    unsigned drive = f->fifo[1] & 3, at = f->drive[drive] ? f->drive[drive]->cylinder : PULSES + 1;
    bool missed = at > PULSES;
    f->pcn[drive] = (uint8_t)(missed ? PULSES : at);
    start_seek(f, drive, 0,
               (uint8_t)(ST0_SEEK_END | (missed ? ST0_ABNORMAL | ST0_CHECK : 0) | drive));
    if (missed) f->heads_to[drive] = (uint8_t)(at - PULSES);
}

/* Bit 6: towards the spindle. */
static void run_relative_seek(struct fdc *f)
{
    unsigned drive = f->fifo[1] & 3, by = f->fifo[2], from = f->pcn[drive];
    f->sought = true;
    unsigned target = f->fifo[0] & 0x40 ? from + by : from - (by < from ? by : from);
    start_seek(f, drive, target > 255 ? 255 : target, (uint8_t)(ST0_SEEK_END | (f->fifo[1] & 7)));
}

/* One answer per drive; after a reset all four owe one (5.2.5). Otherwise it is invalid. */
static void run_sense_interrupt(struct fdc *f)
{
    unsigned drive = 0;
    while (drive < FDC_DRIVES && !(f->reported >> drive & 1)) drive++;
    fdc_interrupt(f, false);
    if (drive == FDC_DRIVES) {
        result1(f, ST0_INVALID);
        return;
    }
    f->reported &= (uint8_t)~(1u << drive);
    f->fifo[0] = f->st0[drive];
    f->fifo[1] = f->pcn[drive];
    fdc_result(f, 2);
    if (f->reported & ~f->after_reset) fdc_interrupt(f, true);     /* another seek has ended */
}

/* ---- commands without a disk ----------------------------------------------------------------- */

static void run_invalid(struct fdc *f) { result1(f, ST0_INVALID); }
static void run_version(struct fdc *f) { result1(f, VERSION_82077AA); }

static void run_specify(struct fdc *f)
{
    f->specify[0] = f->fifo[1];
    f->specify[1] = f->fifo[2];
    fdc_result(f, 0);
}

/* ST3: write protect, track 0; bits 5 and 3 are always set. */
static void run_sense_drive(struct fdc *f)
{
    unsigned drive = f->fifo[1] & 3;
    const struct floppy *d = f->drive[drive];
    uint8_t st3 = (uint8_t)(0x28 | (f->fifo[1] & 7));
    if (d && !d->cylinder) st3 |= 0x10;
    if (d && floppy_is_protected(d)) st3 |= 0x40;
    result1(f, st3);
}

static void run_configure(struct fdc *f)
{
    f->configure = f->fifo[2] & 0x7F;
    f->precompensation = f->fifo[3];
    fdc_result(f, 0);
}

/* Bit 7 (OW) lets the drive bits through (5.2.8). */
static void run_perpendicular(struct fdc *f)
{
    uint8_t value = f->fifo[1], mask = value & 0x80 ? 0x3F : 0x03;
    f->perpendicular = (uint8_t)((f->perpendicular & ~mask) | (value & mask));
    fdc_result(f, 0);
}

static void run_lock(struct fdc *f)
{
    f->lock = f->fifo[0] & 0x80;
    result1(f, f->lock ? 0x10 : 0);
}

static void run_dumpreg(struct fdc *f)
{
    memcpy(f->fifo, f->pcn, FDC_DRIVES);
    f->fifo[4] = f->specify[0];
    f->fifo[5] = f->specify[1];
    f->fifo[6] = f->last_eot;
    f->fifo[7] = (uint8_t)((f->lock ? 0x80 : 0) | f->perpendicular);
    f->fifo[8] = f->configure;
    f->fifo[9] = f->precompensation;
    fdc_result(f, 10);
}

/* Table 5-1; MT is bit 7, MFM bit 6, SK bit 5. The last row takes what no other does. */
static const struct fdc_command commands[] = {
    { 0x9F, 0x02, 8, fdc_begin_transfer },     /* READ TRACK */
    { 0xFF, 0x03, 2, run_specify },
    { 0xFF, 0x04, 1, run_sense_drive },
    { 0x3F, 0x05, 8, fdc_begin_transfer },     /* WRITE DATA */
    { 0x1F, 0x06, 8, fdc_begin_transfer },     /* READ DATA */
    { 0xFF, 0x07, 1, run_recalibrate },
    { 0xFF, 0x08, 0, run_sense_interrupt },
    { 0x3F, 0x09, 8, fdc_begin_transfer },     /* WRITE DELETED DATA */
    { 0xBF, 0x0A, 1, fdc_begin_read_id },
    { 0x1F, 0x0C, 8, fdc_begin_transfer },     /* READ DELETED DATA */
    { 0xBF, 0x0D, 5, fdc_begin_transfer },     /* FORMAT TRACK */
    { 0xFF, 0x0E, 0, run_dumpreg },
    { 0xFF, 0x0F, 2, run_seek },
    { 0xFF, 0x10, 0, run_version },
    { 0xFF, 0x12, 1, run_perpendicular },
    { 0xFF, 0x13, 3, run_configure },
    { 0x7F, 0x14, 0, run_lock },
    { 0x1F, 0x16, 8, fdc_begin_transfer },     /* VERIFY */
    { 0x1F, 0x11, 8, fdc_begin_transfer },     /* SCAN EQUAL */
    { 0x1F, 0x19, 8, fdc_begin_transfer },     /* SCAN LOW OR EQUAL */
    { 0x1F, 0x1D, 8, fdc_begin_transfer },     /* SCAN HIGH OR EQUAL */
    { 0xBF, 0x8F, 2, run_relative_seek },
    { 0x00, 0x00, 0, run_invalid },
};

static const struct fdc_command *command_of(uint8_t code)
{
    const struct fdc_command *c = commands;
    while ((code & c->mask) != c->code) c++;   /* the last mask is 0 */
    return c;
}

/* ---- FIFO ------------------------------------------------------------------------------------ */

static bool in_reset(const struct fdc *f)
{
    return !(f->dor & DOR_RESET) || f->reset_timer.armed;
}

static void write_fifo(struct fdc *f, uint8_t value)
{
    if (in_reset(f) || f->phase == FDC_RESULT) return;
    if (f->phase == FDC_EXECUTE) {
        if (!fdc_gives_data(f)) fdc_give_byte(f, value);
        return;
    }
    f->fifo[f->fifo_len++ & (FDC_FIFO - 1)] = value;
    const struct fdc_command *c = command_of(f->fifo[0]);
    if (f->fifo_len <= c->params) return;
    if (c->run == run_invalid) device_log(&f->dev, LOG_DEBUG, "invalid command %02Xh", f->fifo[0]);
    c->run(f);
}

static uint8_t read_fifo(struct fdc *f)
{
    if (f->phase == FDC_EXECUTE && fdc_gives_data(f)) return fdc_take_byte(f);
    if (f->phase != FDC_RESULT) return 0;
    uint8_t value = f->fifo[f->fifo_at++ & (FDC_FIFO - 1)];
    if (f->fifo_at == 1 && !(f->reported & ~f->after_reset)) fdc_interrupt(f, false);
    if (f->fifo_at >= f->fifo_len) fdc_result(f, 0);
    return value;
}

/* ---- registers ------------------------------------------------------------------------------- */

static uint8_t main_status(const struct fdc *f)
{
    uint8_t busy = 0;
    if (in_reset(f)) return 0;
    for (unsigned i = 0; i < FDC_DRIVES; i++)
        if (f->seek[i].timer.armed) busy |= (uint8_t)(1u << i);
    if (f->phase == FDC_RESULT) return busy | MSR_RQM | MSR_DIO | MSR_BUSY;
    if (f->phase == FDC_COMMAND) return (uint8_t)(busy | MSR_RQM | (f->fifo_len ? MSR_BUSY : 0));
    if (!(f->specify[1] & SPECIFY_NON_DMA)) return busy | MSR_BUSY;
    uint8_t request = f->x.asking ? MSR_RQM | (fdc_gives_data(f) ? MSR_DIO : 0) : 0;
    return (uint8_t)(busy | MSR_BUSY | MSR_NON_DMA | request);
}

/* Only DSKCHG of the selected drive; the other bits float (2.1.8). */
static uint8_t digital_input(const struct fdc *f)
{
    const struct floppy *d = f->drive[f->dor & DOR_SELECT];
    return d && d->changed ? DIR_CHANGED : 0;
}

/* Software resets: DOR bit 2, DSR bit 7. LOCK keeps FIFO settings and PRETRK (5.2.9). */
static void soft_reset(struct fdc *f)
{
    struct clock *clk = board_clock(f->dev.board);
    fdc_stop_transfer(f);
    for (unsigned i = 0; i < FDC_DRIVES; i++) clock_disarm(clk, &f->seek[i].timer);
    clock_disarm(clk, &f->reset_timer);
    fdc_interrupt(f, false);
    fdc_result(f, 0);
    memset(f->pcn, 0, sizeof f->pcn);
    f->reported = f->after_reset = 0;
    f->configure = f->lock ? f->configure & 0x2F : CONFIGURE_DEFAULT;
    if (!f->lock) f->precompensation = 0;
    f->perpendicular &= 0x3C;
}

static void leave_reset(struct fdc *f)
{
    struct clock *clk = board_clock(f->dev.board);
    clock_arm(clk, &f->reset_timer, clock_now(clk) + RESET_NANOS);
}

/* Polling finds all four drives "changed to ready": one interrupt, four statuses (5.2.5). */
static void reset_due(struct timer *t, nanos due)
{
    struct fdc *f = container_of(t, struct fdc, reset_timer);
    (void)due;
    for (unsigned i = 0; i < FDC_DRIVES; i++) f->st0[i] = (uint8_t)(ST0_POLLED | i);
    f->reported = f->after_reset = 0x0F;
    fdc_interrupt(f, true);
}

static void write_dor(struct fdc *f, uint8_t value)
{
    uint8_t before = f->dor;
    f->dor = value;
    if (before & DOR_RESET && !(value & DOR_RESET)) soft_reset(f);
    if (!(before & DOR_RESET) && value & DOR_RESET) leave_reset(f);
    drive_lines(f);
}

static void set_rate(struct fdc *f, uint8_t value)
{
    f->rate = value & RATE;
    f->rate_set = true;
}

static void write_dsr(struct fdc *f, uint8_t value)
{
    set_rate(f, value);
    if (!(value & DSR_RESET)) return;
    soft_reset(f);
    if (f->dor & DOR_RESET) leave_reset(f);
}

static uint32_t peek(const struct device *d, uint32_t offset)
{
    const struct fdc *f = container_of(d, const struct fdc, dev);
    switch (offset) {
    case DOR:     return f->dor;
    case TDR:     return f->tdr | 0xFCu;
    case MSR_DSR: return main_status(f);
    case FIFO:    return f->phase == FDC_RESULT ? f->fifo[f->fifo_at & (FDC_FIFO - 1)] : 0;
    default:      return 0xFF;
    }
}

static uint32_t read_register(struct device *d, uint32_t offset, enum width w)
{
    (void)w;
    return offset == FIFO ? read_fifo(fdc_of(d)) : peek(d, offset);
}

static void write_register(struct device *d, uint32_t offset, uint32_t value, enum width w)
{
    struct fdc *f = fdc_of(d);
    (void)w;
    switch (offset) {
    case DOR:     write_dor(f, (uint8_t)value); break;
    case TDR:     f->tdr = value & 3; break;
    case MSR_DSR: write_dsr(f, (uint8_t)value); break;
    case FIFO:    write_fifo(f, (uint8_t)value); break;
    default:      break;
    }
}

static uint32_t peek_dir(const struct device *d, uint32_t offset)
{
    (void)offset;
    return digital_input(container_of(d, const struct fdc, dev));
}

static uint32_t read_dir(struct device *d, uint32_t offset, enum width w)
{
    (void)w;
    return peek_dir(d, offset);
}

static void write_ccr(struct device *d, uint32_t offset, uint32_t value, enum width w)
{
    (void)offset; (void)w;
    set_rate(fdc_of(d), (uint8_t)value);
}

static const struct io_ops fdc_io = { read_register, write_register, peek, BYTE };
static const struct io_ops dir_io = { read_dir, write_ccr, peek_dir, BYTE };

/* ---- the device ------------------------------------------------------------------------------ */

bool fdc_attach(struct device *dev, unsigned number, struct floppy *drive)
{
    if (dev->class != &fdc_class || number >= FDC_DRIVES) return false;
    if (fdc_of(dev)->drive[number]) return false;
    fdc_of(dev)->drive[number] = drive;
    return true;
}

struct device *fdc_drive(struct device *dev, unsigned number)
{
    struct floppy *f = number < FDC_DRIVES ? fdc_of(dev)->drive[number] : NULL;
    return f ? &f->dev : NULL;
}

static bool plug(struct device *d, struct board *b)
{
    struct fdc *f = fdc_of(d);
    f->reset_timer = (struct timer){ .fire = reset_due, .name = "fdc.reset" };
    f->transfer_timer = (struct timer){ .fire = fdc_transfer_step, .name = "fdc.transfer" };
    for (unsigned i = 0; i < FDC_DRIVES; i++)
        f->seek[i] = (struct fdc_seek){ { .fire = seek_due, .name = "fdc.seek" }, f, (uint8_t)i };
    if (f->port > 0xFFF8 || f->irq_number > 15 || f->dma_channel > 3) {
        device_log(d, LOG_ERROR, "port, irq or dma is out of range");
        return false;
    }
    f->irq = board_irq(b, (unsigned)f->irq_number);
    f->dreq = board_dreq(b, (unsigned)f->dma_channel);
    board_dma_attach(b, (unsigned)f->dma_channel, d, &fdc_dma);
    /* +6 is the hard disk's */
    return board_claim_ports(b, d, (uint16_t)f->port, 6, &fdc_io) &&
           board_claim_ports(b, d, (uint16_t)(f->port + DIR_CCR), 1, &dir_io);
}

/* The RESET pin: DOR 0 holds the chip in reset until the guest lets it go; 250 kbit/s (2.1.4). */
static void reset(struct device *d, enum reset kind)
{
    struct fdc *f = fdc_of(d);
    (void)kind;
    f->lock = false;
    f->dor = f->tdr = 0;
    f->rate = 2;
    f->rate_set = f->sought = false;
    f->specify[0] = f->specify[1] = 0;
    f->perpendicular = f->rotation = f->last_eot = 0;
    memset(f->fifo, 0, sizeof f->fifo);
    soft_reset(f);
}

static void restored(struct device *d)
{
    struct fdc *f = fdc_of(d);
    struct clock *clk = board_clock(d->board);
    struct timer *timers[] = { &f->reset_timer, &f->transfer_timer, &f->seek[0].timer,
                               &f->seek[1].timer, &f->seek[2].timer, &f->seek[3].timer };
    if (f->phase > FDC_RESULT) f->phase = FDC_COMMAND;
    if (f->fifo_len > FDC_FIFO) f->fifo_len = FDC_FIFO;
    if (f->x.end > sizeof f->x.buffer || f->x.at > f->x.end) f->x.at = f->x.end = 0;
    if (f->x.turn > f->x.end || f->x.turn < f->x.at) f->x.turn = f->x.end;
    f->x.index %= FLOPPY_IDS;
    if (f->x.ids > FLOPPY_IDS) f->x.ids = 0;
    f->x.drive &= 3;
    f->x.head &= 1;
    f->rate &= RATE;
    for (unsigned i = 0; i < COUNT_OF(timers); i++)
        if (timers[i]->armed) clock_arm(clk, timers[i], timers[i]->due);
}

static const struct prop props[] = {
    { "port", PROP_UINT, offsetof(struct fdc, port), 0x3F0, NULL, "first I/O port" },
    { "irq", PROP_UINT, offsetof(struct fdc, irq_number), 6, NULL, "interrupt request" },
    { "dma", PROP_UINT, offsetof(struct fdc, dma_channel), 2, NULL, "DMA channel, 0-3" },
    { 0 },
};

static const struct field state[] = {
    FIELD(struct fdc, dor),
    FIELD(struct fdc, tdr),
    FIELD(struct fdc, rate),
    FIELD(struct fdc, rate_set), FIELD(struct fdc, sought),
    FIELD(struct fdc, interrupt),
    FIELD(struct fdc, request),
    FIELD(struct fdc, phase),
    FIELD_N(struct fdc, fifo),
    FIELD(struct fdc, fifo_at),
    FIELD(struct fdc, fifo_len),
    FIELD_N(struct fdc, specify),
    FIELD(struct fdc, configure),
    FIELD(struct fdc, precompensation),
    FIELD(struct fdc, perpendicular),
    FIELD(struct fdc, lock),
    FIELD_N(struct fdc, pcn),
    FIELD_N(struct fdc, target),
    FIELD_N(struct fdc, heads_to),
    FIELD_N(struct fdc, st0),
    FIELD(struct fdc, reported),
    FIELD(struct fdc, after_reset),
    FIELD(struct fdc, rotation),
    FIELD(struct fdc, last_eot),
    FIELD(struct fdc, x.opcode),
    FIELD(struct fdc, x.drive),
    FIELD(struct fdc, x.head),
    FIELD(struct fdc, x.c),
    FIELD(struct fdc, x.h),
    FIELD(struct fdc, x.r),
    FIELD(struct fdc, x.n),
    FIELD(struct fdc, x.eot),
    FIELD(struct fdc, x.left),
    FIELD(struct fdc, x.fill),
    FIELD(struct fdc, x.st1),
    FIELD(struct fdc, x.st2),
    FIELD(struct fdc, x.moving),
    FIELD(struct fdc, x.asking),
    FIELD(struct fdc, x.length),
    FIELD(struct fdc, x.index),
    FIELD(struct fdc, x.done),
    FIELD(struct fdc, x.marked),
    FIELD(struct fdc, x.lower),
    FIELD(struct fdc, x.higher),
    FIELD(struct fdc, x.turn),
    FIELD(struct fdc, x.ids),
    FIELD(struct fdc, x.sector_done),
    FIELD(struct fdc, x.terminal_count),
    FIELD(struct fdc, x.at),
    FIELD(struct fdc, x.end),
    FIELD_N(struct fdc, x.buffer),
    FIELD_TIMER(struct fdc, reset_timer),
    FIELD_TIMER(struct fdc, transfer_timer),
    FIELD_TIMER(struct fdc, seek[0].timer),
    FIELD_TIMER(struct fdc, seek[1].timer),
    FIELD_TIMER(struct fdc, seek[2].timer),
    FIELD_TIMER(struct fdc, seek[3].timer),
    FIELD_LINE(struct fdc, irq),
    FIELD_LINE(struct fdc, dreq),
    {0},
};

const struct device_class fdc_class = {
    .name = "fdc", .about = "floppy disk controller, Intel 82077AA", .size = sizeof(struct fdc),
    .props = props, .state = state, .plug = plug, .reset = reset, .restored = restored,
};
