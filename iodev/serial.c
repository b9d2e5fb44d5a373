/* SPDX-License-Identifier: MIT
 * Serial port: NS16550A UART at 3F8h/IRQ4, 2F8h/IRQ3, 3E8h/IRQ4, 2E8h/IRQ3.
 * National Semiconductor PC16550D data sheet (June 1995); section numbers are from it.
 *
 *   guest -> THR / TX FIFO -> shift register -> host        (or, in loopback, the receiver)
 *   host  -> queue -> RBR / RX FIFO -> guest
 *
 * The other end is always ready: CTS, DSR and DCD are on, RI is off.
 * Not implemented: DMA mode signals (RXRDY, TXRDY: not wired on a PC), parity and framing errors
 * (the host's bytes have none), stick parity.
 */
#include "iodev/serial.h"
#include "iodev/board.h"
#include "iodev/chardev.h"
#include <string.h>

enum { RBR_THR = 0, IER = 1, IIR_FCR = 2, LCR = 3, MCR = 4, LSR = 5, MSR = 6, SCR = 7 };
enum { IER_RDA = 0x01, IER_THRE = 0x02, IER_LINE = 0x04, IER_MODEM = 0x08 };
enum { IIR_NONE = 0x01, IIR_MODEM = 0x00, IIR_THRE = 0x02, IIR_RDA = 0x04, IIR_LINE = 0x06,
       IIR_TIMEOUT = 0x0C, IIR_FIFOS = 0xC0 };
enum { FCR_ENABLE = 0x01, FCR_CLEAR_RX = 0x02, FCR_CLEAR_TX = 0x04, FCR_KEPT = 0xC9 };
enum { LCR_BITS = 0x03, LCR_STOP = 0x04, LCR_PARITY = 0x08, LCR_BREAK = 0x40, LCR_DLAB = 0x80 };
enum { MCR_DTR = 0x01, MCR_RTS = 0x02, MCR_OUT1 = 0x04, MCR_OUT2 = 0x08, MCR_LOOP = 0x10 };
enum { LSR_DR = 0x01, LSR_OE = 0x02, LSR_BI = 0x10, LSR_THRE = 0x20, LSR_TEMT = 0x40,
       LSR_FIFO_ERROR = 0x80, LSR_ERRORS = 0x1E };
enum { MSR_TERI = 0x04, MSR_CTS = 0x10, MSR_DSR = 0x20, MSR_RI = 0x40, MSR_DCD = 0x80,
       MSR_DELTAS = 0x0F };

enum { FIFO_SIZE = 16, QUEUE_SIZE = 4096, CRYSTAL = 1843200 };

struct serial {
    struct device   dev;
    struct line     irq;
    struct timer    tx_timer, rx_timer, idle_timer;
    struct chardev *host;
    uint64_t        port, irq_number;      /* settings; 0: as usual for the id */
    bool            enabled;
    char           *mode, *path;

    uint8_t  ier, fcr, lcr, mcr, lsr, msr, scr;
    uint16_t divisor;
    bool     thre_pending, timed_out;
    uint8_t  shift;                        /* the byte on the line; valid while tx_timer is armed */
    uint8_t  tx[FIFO_SIZE], rx[FIFO_SIZE], rx_error[FIFO_SIZE];
    uint32_t tx_first, tx_count, rx_first, rx_count;
    uint8_t  queue[QUEUE_SIZE];            /* from the host, not yet arrived   */
    uint32_t queue_first, queue_count;
};

static struct serial *serial_of(struct device *d) { return container_of(d, struct serial, dev); }
static struct clock *clock_of(struct serial *s)   { return board_clock(s->dev.board); }

/* ---- interrupts (8.6) ------------------------------------------------------------------------ */

static unsigned trigger_level(const struct serial *s)
{
    static const uint8_t levels[4] = { 1, 4, 8, 14 };
    return s->fcr & FCR_ENABLE ? levels[s->fcr >> 6] : 1;
}

/* The highest pending source, table IV. */
static uint8_t interrupt_id(const struct serial *s)
{
    if (s->ier & IER_LINE && s->lsr & LSR_ERRORS) return IIR_LINE;
    if (s->ier & IER_RDA && s->rx_count >= trigger_level(s)) return IIR_RDA;
    if (s->ier & IER_RDA && s->timed_out) return IIR_TIMEOUT;
    if (s->ier & IER_THRE && s->thre_pending) return IIR_THRE;
    if (s->ier & IER_MODEM && s->msr & MSR_DELTAS) return IIR_MODEM;
    return IIR_NONE;
}

/* On a PC, OUT2 opens the driver of the IRQ line; loopback takes OUT2 off the pin (8.7). */
static void update_irq(struct serial *s)
{
    bool gate = (s->mcr & (MCR_OUT2 | MCR_LOOP)) == MCR_OUT2;
    line_set(&s->irq, gate && interrupt_id(s) != IIR_NONE);
}

/* ---- time ------------------------------------------------------------------------------------ */

/* Start bit, data, parity, 1, 1.5 or 2 stop bits, in half bits; 16 clocks per bit. Divisor 0 is not
 * allowed (8.3): the fastest speed. */
static nanos byte_time(const struct serial *s)
{
    unsigned data = 5 + (s->lcr & LCR_BITS);
    unsigned half_bits = 2 + 2 * data + (s->lcr & LCR_PARITY ? 2 : 0) + 2;
    if (s->lcr & LCR_STOP) half_bits += data == 5 ? 1 : 2;
    uint64_t divisor = s->divisor ? s->divisor : 1;
    return muldiv64_up(SECOND, half_bits * 8 * divisor, CRYSTAL);
}

/* FIFO time-out: four characters without traffic while something waits (8.13). */
static void watch_idle(struct serial *s)
{
    clock_disarm(clock_of(s), &s->idle_timer);
    if (s->fcr & FCR_ENABLE && s->rx_count)
        clock_arm(clock_of(s), &s->idle_timer, clock_now(clock_of(s)) + 4 * byte_time(s));
}

static void idle_timeout(struct timer *t, nanos due)
{
    struct serial *s = container_of(t, struct serial, idle_timer);
    (void)due;
    s->timed_out = s->rx_count > 0;
    update_irq(s);
}

/* ---- receiver -------------------------------------------------------------------------------- */

static unsigned rx_room(const struct serial *s)
{
    return (s->fcr & FCR_ENABLE ? FIFO_SIZE : 1) - s->rx_count;
}

/* LSR shows the error of the byte at the FIFO's top (8.4). */
static void show_top(struct serial *s)
{
    if (!s->rx_count) {
        s->lsr &= (uint8_t)~LSR_DR;
        return;
    }
    s->lsr |= LSR_DR | s->rx_error[s->rx_first];
    s->rx_error[s->rx_first] = 0;
}

/* Overrun: a FIFO keeps what it has, the single RBR is overwritten (8.4, bit 1). */
static void receive(struct serial *s, uint8_t byte, uint8_t error)
{
    if (!rx_room(s)) {
        s->lsr |= LSR_OE;
        if (s->fcr & FCR_ENABLE) return;
        s->rx_count = 0;
    }
    unsigned at = (s->rx_first + s->rx_count++) % FIFO_SIZE;
    s->rx[at] = byte;
    s->rx_error[at] = error;
    s->timed_out = false;
    show_top(s);
    watch_idle(s);
}

/* The line brings the next byte of the queue one byte time after the last, but waits for room: the
 * host's end does flow control. */
static void schedule_arrival(struct serial *s)
{
    if (!s->queue_count || s->rx_timer.armed || !rx_room(s) || s->mcr & MCR_LOOP) return;
    clock_arm(clock_of(s), &s->rx_timer, clock_now(clock_of(s)) + byte_time(s));
}

static void arrive(struct timer *t, nanos due)
{
    struct serial *s = container_of(t, struct serial, rx_timer);
    (void)due;
    if (!s->queue_count || !rx_room(s) || s->mcr & MCR_LOOP) return;
    receive(s, s->queue[s->queue_first], 0);
    s->queue_first = (s->queue_first + 1) % QUEUE_SIZE;
    s->queue_count--;
    update_irq(s);
    schedule_arrival(s);
}

static uint8_t read_rbr(struct serial *s)
{
    uint8_t byte = s->rx[s->rx_first];     /* empty: the last byte once more */
    s->timed_out = false;
    if (s->rx_count) {
        s->rx_count--;
        if (s->rx_count) s->rx_first = (s->rx_first + 1) % FIFO_SIZE;
    }
    show_top(s);
    watch_idle(s);
    schedule_arrival(s);
    update_irq(s);
    return byte;
}

/* ---- transmitter ----------------------------------------------------------------------------- */

static void send_byte(struct serial *s, uint8_t byte)
{
    if (s->mcr & MCR_LOOP) receive(s, byte, 0);
    else if (s->host) chardev_write(s->host, &byte, 1);
}

/* THR or FIFO -> shift register. THRE comes when the last byte has left for it (8.4, bit 5). */
static void shift_next(struct serial *s, nanos start)
{
    s->shift = s->tx[s->tx_first];
    s->tx_first = (s->tx_first + 1) % FIFO_SIZE;
    s->tx_count--;
    s->lsr &= (uint8_t)~LSR_TEMT;
    if (!s->tx_count) {
        s->lsr |= LSR_THRE;
        s->thre_pending = true;
    }
    clock_arm(clock_of(s), &s->tx_timer, start + byte_time(s));
}

static void sent(struct timer *t, nanos due)
{
    struct serial *s = container_of(t, struct serial, tx_timer);
    send_byte(s, s->shift);
    if (s->tx_count) shift_next(s, due);
    else s->lsr |= LSR_TEMT;
    update_irq(s);
}

/* A guest that does not wait for THRE would lose bytes on a real line. Here the oldest one goes out
 * at once, so that careless kernels keep their messages; in loopback the FIFO is what is tested. */
static bool make_room(struct serial *s)
{
    unsigned size = s->fcr & FCR_ENABLE ? FIFO_SIZE : 1;
    if (s->tx_count < size) return true;
    if (s->mcr & MCR_LOOP) return false;
    send_byte(s, s->shift);
    s->shift = s->tx[s->tx_first];
    s->tx_first = (s->tx_first + 1) % FIFO_SIZE;
    s->tx_count--;
    return true;
}

static void write_thr(struct serial *s, uint8_t byte)
{
    if (make_room(s)) s->tx[(s->tx_first + s->tx_count++) % FIFO_SIZE] = byte;
    s->thre_pending = false;
    s->lsr &= (uint8_t)~(LSR_THRE | LSR_TEMT);
    if (!s->tx_timer.armed) shift_next(s, clock_now(clock_of(s)));
    update_irq(s);
}

/* ---- registers ------------------------------------------------------------------------------- */

/* 8.8; in loopback the four outputs are the inputs (8.7). */
static uint8_t modem_inputs(const struct serial *s)
{
    if (!(s->mcr & MCR_LOOP)) return MSR_CTS | MSR_DSR | MSR_DCD;
    return (uint8_t)((s->mcr & MCR_RTS ? MSR_CTS : 0) | (s->mcr & MCR_DTR ? MSR_DSR : 0) |
                     (s->mcr & MCR_OUT1 ? MSR_RI : 0) | (s->mcr & MCR_OUT2 ? MSR_DCD : 0));
}

/* Delta bits say what changed since MSR was read; for RI only the trailing edge counts. */
static void update_modem(struct serial *s)
{
    uint8_t now = modem_inputs(s), before = s->msr & (uint8_t)~MSR_DELTAS;
    uint8_t deltas = (uint8_t)(now ^ before) >> 4;
    if (now & MSR_RI) deltas &= (uint8_t)~MSR_TERI;
    s->msr = (uint8_t)(now | (s->msr & MSR_DELTAS) | deltas);
}

static void write_ier(struct serial *s, uint8_t value)
{
    /* turning THRE interrupts on with an empty THR asks for one at once: drivers start by this */
    if (value & IER_THRE && !(s->ier & IER_THRE) && s->lsr & LSR_THRE) s->thre_pending = true;
    s->ier = value & 0x0F;
}

static void clear_rx(struct serial *s)
{
    s->rx_count = s->rx_first = 0;
    memset(s->rx_error, 0, sizeof s->rx_error);
    s->timed_out = false;
    show_top(s);
    watch_idle(s);
}

static void clear_tx(struct serial *s)
{
    s->tx_count = 0;
    if (!(s->lsr & LSR_THRE)) s->thre_pending = true;
    s->lsr |= LSR_THRE;        /* the shift register is not cleared (8.5) */
    if (!s->tx_timer.armed) s->lsr |= LSR_TEMT;
}

/* The other bits count only with bit 0 set; changing bit 0 clears both FIFOs (8.5). */
static void write_fcr(struct serial *s, uint8_t value)
{
    bool switched = (value ^ s->fcr) & FCR_ENABLE;
    if (switched || value & FCR_CLEAR_RX) clear_rx(s);
    if (switched || value & FCR_CLEAR_TX) clear_tx(s);
    s->fcr = value & FCR_ENABLE ? value & FCR_KEPT : 0;
    watch_idle(s);
    schedule_arrival(s);
}

static void write_lcr(struct serial *s, uint8_t value)
{
    bool begins = value & LCR_BREAK && !(s->lcr & LCR_BREAK);
    s->lcr = value;
    if (begins && s->mcr & MCR_LOOP) receive(s, 0, LSR_BI);
}

static void write_mcr(struct serial *s, uint8_t value)
{
    s->mcr = value & 0x1F;
    update_modem(s);
    schedule_arrival(s);
}

static uint8_t read_iir(struct serial *s)
{
    uint8_t id = interrupt_id(s);
    if (id == IIR_THRE) s->thre_pending = false;       /* reading it is the acknowledge */
    update_irq(s);
    return (uint8_t)(id | (s->fcr & FCR_ENABLE ? IIR_FIFOS : 0));
}

static bool error_waits(const struct serial *s)
{
    for (unsigned i = 0; i < s->rx_count; i++)
        if (s->rx_error[(s->rx_first + i) % FIFO_SIZE]) return true;
    return false;
}

static uint8_t lsr_value(const struct serial *s)
{
    bool error = s->fcr & FCR_ENABLE && (s->lsr & (LSR_ERRORS & ~LSR_OE) || error_waits(s));
    return (uint8_t)(s->lsr | (error ? LSR_FIFO_ERROR : 0));
}

static uint8_t read_lsr(struct serial *s)
{
    uint8_t value = lsr_value(s);
    s->lsr &= (uint8_t)~LSR_ERRORS;
    update_irq(s);
    return value;
}

static uint8_t read_msr(struct serial *s)
{
    uint8_t value = s->msr;
    s->msr &= (uint8_t)~MSR_DELTAS;
    update_irq(s);
    return value;
}

/* The registers without side effects; RBR shows the byte that is next. */
static uint32_t serial_peek(const struct device *d, uint32_t offset)
{
    const struct serial *s = container_of(d, const struct serial, dev);
    bool dlab = s->lcr & LCR_DLAB;
    switch (offset & 7) {
    case RBR_THR: return dlab ? s->divisor & 0xFF : s->rx[s->rx_first];
    case IER:     return dlab ? s->divisor >> 8 : s->ier;
    case IIR_FCR: return interrupt_id(s) | (s->fcr & FCR_ENABLE ? (uint32_t)IIR_FIFOS : 0);
    case LCR:     return s->lcr;
    case MCR:     return s->mcr;
    case LSR:     return lsr_value(s);
    case MSR:     return s->msr;
    default:      return s->scr;
    }
}

static uint32_t serial_read(struct device *d, uint32_t offset, enum width w)
{
    struct serial *s = serial_of(d);
    (void)w;
    switch (offset & 7) {
    case RBR_THR: return s->lcr & LCR_DLAB ? s->divisor & 0xFF : read_rbr(s);
    case IIR_FCR: return read_iir(s);
    case LSR:     return read_lsr(s);
    case MSR:     return read_msr(s);
    default:      return serial_peek(d, offset);
    }
}

static void write_divisor(struct serial *s, uint32_t offset, uint8_t value)
{
    unsigned shift = offset ? 8 : 0;
    s->divisor = (uint16_t)((s->divisor & (0xFF00 >> shift)) | (unsigned)value << shift);
}

static void serial_write(struct device *d, uint32_t offset, uint32_t value, enum width w)
{
    struct serial *s = serial_of(d);
    uint8_t byte = (uint8_t)value;
    (void)w;
    offset &= 7;
    if (offset <= IER && s->lcr & LCR_DLAB) {
        write_divisor(s, offset, byte);
        return;
    }
    switch (offset) {
    case RBR_THR: write_thr(s, byte); break;
    case IER:     write_ier(s, byte); break;
    case IIR_FCR: write_fcr(s, byte); break;
    case LCR:     write_lcr(s, byte); break;
    case MCR:     write_mcr(s, byte); break;
    case SCR:     s->scr = byte; break;
    default:      break;       /* LSR and MSR: writes are for factory tests only (8.4) */
    }
    update_irq(s);
}

static const struct io_ops serial_io = { serial_read, serial_write, serial_peek, BYTE };

/* ---- the host's side ------------------------------------------------------------------------- */

size_t serial_receive(struct device *d, const uint8_t *bytes, size_t len)
{
    struct serial *s = serial_of(d);
    size_t taken = 0;
    if (!s->enabled) return 0;
    while (taken < len && s->queue_count < QUEUE_SIZE)
        s->queue[(s->queue_first + s->queue_count++) % QUEUE_SIZE] = bytes[taken++];
    schedule_arrival(s);
    return taken;
}

void serial_poll(struct device *d, void (*taken)(void *, struct device *, const uint8_t *, size_t),
                 void *ctx)
{
    struct serial *s = serial_of(d);
    uint8_t bytes[256];
    size_t room = QUEUE_SIZE - s->queue_count;
    if (!s->host) return;
    chardev_poll(s->host);
    size_t n = chardev_read(s->host, bytes, room < sizeof bytes ? room : sizeof bytes);
    if (!n) return;
    serial_receive(d, bytes, n);
    if (taken) taken(ctx, d, bytes, n);
}

int serial_fd(const struct device *d)
{
    const struct serial *s = container_of(d, const struct serial, dev);
    return s->host ? chardev_fd(s->host) : -1;
}

void serial_escape(struct device *d, void (*hook)(void *ctx, uint8_t key), void *ctx)
{
    struct serial *s = serial_of(d);
    if (s->host) chardev_escape(s->host, hook, ctx);
}

/* ---- the device ------------------------------------------------------------------------------ */

/* The usual place of COM1-COM4 by the id's last character. */
static void usual_place(struct serial *s)
{
    static const uint16_t ports[4] = { 0x3F8, 0x2F8, 0x3E8, 0x2E8 };
    static const uint8_t irqs[4] = { 4, 3, 4, 3 };
    size_t len = strlen(s->dev.id);
    unsigned number = len ? (unsigned)(s->dev.id[len - 1] - '1') & 3 : 0;
    if (!s->port) s->port = ports[number];
    if (!s->irq_number) s->irq_number = irqs[number];
}

static bool open_host(struct serial *s)
{
    char note[256];
    s->host = chardev_open(s->mode, s->path, note, sizeof note);
    if (!s->host) device_log(&s->dev, LOG_ERROR, "%s", note);
    else if (*note) device_log(&s->dev, LOG_INFO, "%s", note);
    return s->host != NULL;
}

static bool plug(struct device *d, struct board *b)
{
    struct serial *s = serial_of(d);
    s->tx_timer = (struct timer){ .fire = sent, .name = "serial.tx" };
    s->rx_timer = (struct timer){ .fire = arrive, .name = "serial.rx" };
    s->idle_timer = (struct timer){ .fire = idle_timeout, .name = "serial.idle" };
    if (!s->enabled) return true;
    usual_place(s);
    if (s->irq_number > 15 || s->port > 0xFFF8) {
        device_log(d, LOG_ERROR, "port=0x%llx irq=%llu: no such place",
                   (unsigned long long)s->port, (unsigned long long)s->irq_number);
        return false;
    }
    s->irq = board_irq(b, (unsigned)s->irq_number);
    return board_claim_ports(b, d, (uint16_t)s->port, 8, &serial_io) && open_host(s);
}

/* Table III. The divisor and SCR survive a reset; at power-on they are undefined: 115200 baud lets
 * a guest print that sets up nothing. */
static void reset(struct device *d, enum reset kind)
{
    struct serial *s = serial_of(d);
    clock_disarm(clock_of(s), &s->tx_timer);
    clock_disarm(clock_of(s), &s->rx_timer);
    if (kind == RESET_POWER) {
        s->divisor = 1;
        s->scr = 0;
    }
    s->ier = s->fcr = s->lcr = s->mcr = 0;
    s->lsr = LSR_THRE | LSR_TEMT;
    s->msr = modem_inputs(s);
    s->thre_pending = false;
    s->tx_first = s->tx_count = 0;
    clear_rx(s);
    schedule_arrival(s);
    update_irq(s);
}

/* A snapshot is hostile input: nothing in it may index outside. */
static void restored(struct device *d)
{
    struct serial *s = serial_of(d);
    struct timer *timers[] = { &s->tx_timer, &s->rx_timer, &s->idle_timer };
    unsigned size = s->fcr & FCR_ENABLE ? FIFO_SIZE : 1;
    s->tx_first %= FIFO_SIZE;
    s->rx_first %= FIFO_SIZE;
    s->queue_first %= QUEUE_SIZE;
    if (s->tx_count > size) s->tx_count = size;
    if (s->rx_count > size) s->rx_count = size;
    if (s->queue_count > QUEUE_SIZE) s->queue_count = QUEUE_SIZE;
    for (unsigned i = 0; i < COUNT_OF(timers); i++)
        if (timers[i]->armed) clock_arm(clock_of(s), timers[i], timers[i]->due);
    if (s->tx_count && !s->tx_timer.armed) shift_next(s, clock_now(clock_of(s)));
    schedule_arrival(s);
}

static void unplug(struct device *d)
{
    struct serial *s = serial_of(d);
    chardev_close(s->host);
    s->host = NULL;
}

static const struct prop props[] = {
    { "enabled", PROP_BOOL, offsetof(struct serial, enabled), 1, NULL, "the port exists" },
    { "mode", PROP_TEXT, offsetof(struct serial, mode), 0, "null",
      "host end: null, file, stdio, pty, term, raw, socket-server, socket-client" },
    { "dev", PROP_TEXT, offsetof(struct serial, path), 0, NULL,
      "file, terminal, HOST:PORT or socket of the host end" },
    { "port", PROP_UINT, offsetof(struct serial, port), 0, NULL,
      "first I/O port; 0: 3F8h, 2F8h, 3E8h, 2E8h for com1-com4" },
    { "irq", PROP_UINT, offsetof(struct serial, irq_number), 0, NULL,
      "interrupt request; 0: 4, 3, 4, 3 for com1-com4" },
    { 0 },
};

static const struct field state[] = {
    FIELD(struct serial, ier), FIELD(struct serial, fcr), FIELD(struct serial, lcr),
    FIELD(struct serial, mcr), FIELD(struct serial, lsr), FIELD(struct serial, msr),
    FIELD(struct serial, scr), FIELD(struct serial, divisor), FIELD(struct serial, thre_pending),
    FIELD(struct serial, timed_out), FIELD(struct serial, shift), FIELD_N(struct serial, tx),
    FIELD_N(struct serial, rx), FIELD_N(struct serial, rx_error), FIELD(struct serial, tx_first),
    FIELD(struct serial, tx_count), FIELD(struct serial, rx_first), FIELD(struct serial, rx_count),
    FIELD_N(struct serial, queue), FIELD(struct serial, queue_first),
    FIELD(struct serial, queue_count), FIELD_TIMER(struct serial, tx_timer),
    FIELD_TIMER(struct serial, rx_timer), FIELD_TIMER(struct serial, idle_timer),
    FIELD_LINE(struct serial, irq), { 0 },
};

const struct device_class serial_class = {
    .name = "serial", .about = "serial port, NS16550A (National PC16550D data sheet)",
    .size = sizeof(struct serial), .props = props, .state = state,
    .plug = plug, .reset = reset, .restored = restored, .unplug = unplug,
};
