/* SPDX-License-Identifier: MIT
 * Interval timer: three counters of 16 bits at 1.193182 MHz.
 * Intel 8254 data sheet (order 231164-005, 1993).
 *
 *   channel 0: gate high, OUT -> IRQ 0     channel 1: gate high (memory refresh, OUT unused)
 *   channel 2: gate from port 61h bit 0, OUT -> port 61h bit 5 and speaker
 *
 * Nothing ticks: a counting element is a load time and a start value, and time is the number of
 * whole PIT clocks since power-on, so there is no drift. Only OUT 0 needs a timer, for its edges.
 *
 * Not implemented: a read between a write of the count and its load (under one clock) already sees
 * the new count; counts that the data sheet forbids (1 in modes 2 and 3) hold OUT still.
 */
#include "iodev/board.h"
#include "iodev/pit.h"

enum { CONTROL = 3, CHANNELS = 3 };
enum { RW_LSB = 1, RW_MSB = 2, RW_BOTH = 3 };
enum { BACK_NO_COUNT = 0x20, BACK_NO_STATUS = 0x10, STATUS_OUT = 0x80, STATUS_NULL = 0x40 };
#define NEVER UINT64_MAX

struct channel {
    uint8_t  control;                      /* bits 5-4 RW, 3-1 mode, 0 BCD, as written         */
    bool     gate;
    bool     live;                         /* CE was loaded (modes 1, 5: triggered)             */
    bool     running;                      /* CE counts                                        */
    bool     cr_written;                   /* since the last control word                      */
    bool     fresh;                        /* CR was written and is not in CE yet              */
    bool     start_low;                    /* mode 3: the half that began at `start` is low */
    bool     write_msb, read_msb;          /* which byte is next                               */
    bool     count_latched, status_latched;
    uint8_t  lsb;                          /* first byte of two                                */
    uint8_t  status;
    uint16_t cr;                           /* count register, as written                       */
    uint16_t latch;
    uint32_t n;                            /* count in CE in clocks, 1-65536                   */
    uint64_t start;                        /* clock at which CE was loaded or resumed          */
    uint64_t carried;                      /* clocks counted before `start` (pauses by gate)   */
    uint64_t switch_at;                    /* modes 2, 3: clock at which CR goes to CE         */
};

struct pit {
    struct device  dev;
    struct line    irq;
    struct timer   edge;                   /* next change of OUT 0 */
    struct channel channel[CHANNELS];
};

static struct pit *pit_of(struct device *d) { return container_of(d, struct pit, dev); }

static uint64_t clocks_at(nanos t) { return muldiv64(t, PIT_HZ, SECOND); }

static uint64_t clocks_now(const struct pit *p)
{
    return clocks_at(clock_now(board_clock(p->dev.board)));
}

/* ---- one counter ----------------------------------------------------------------------------- */

/* Bit 3 set: modes 6 and 7 are 2 and 3 (figure 7). */
static unsigned mode(const struct channel *c)
{
    unsigned m = c->control >> 1 & 7;
    return m > 5 ? m - 4 : m;
}

static bool periodic(const struct channel *c) { return mode(c) == 2 || mode(c) == 3; }
static bool one_shot(const struct channel *c) { return mode(c) == 1 || mode(c) == 5; }
static bool bcd(const struct channel *c) { return c->control & 1; }

/* 0 stands for the largest count: 65536, or 10000 in BCD. Digits above 9 count as what they say. */
static uint32_t clocks_of_cr(const struct channel *c)
{
    uint32_t v = c->cr;
    if (!v) return bcd(c) ? 10000 : 65536;
    if (!bcd(c)) return v;
    return (v >> 12) * 1000 + (v >> 8 & 15) * 100 + (v >> 4 & 15) * 10 + (v & 15);
}

static uint16_t to_bcd(uint32_t v)
{
    return (uint16_t)((v / 1000 % 10) << 12 | (v / 100 % 10) << 8 | (v / 10 % 10) << 4 | v % 10);
}

/* Clocks counted since the load. */
static uint64_t elapsed(const struct channel *c, uint64_t now)
{
    return c->carried + (c->running && now > c->start ? now - c->start : 0);
}

static uint32_t high_half(const struct channel *c) { return (c->n + 1) / 2; }

/* Clocks since the last rise of OUT. */
static uint32_t phase(const struct channel *c, uint64_t e)
{
    return (uint32_t)((e + (c->start_low ? high_half(c) : 0)) % c->n);
}

static uint16_t ce_value(const struct channel *c, uint64_t now)
{
    uint64_t e = elapsed(c, now);
    uint32_t top = bcd(c) ? 10000 : 65536, v;
    if (mode(c) == 2) {
        v = c->n - (uint32_t)(e % c->n);
    } else if (mode(c) == 3) {             /* counts by two, even if the count is odd (p. 12) */
        uint32_t p = phase(c, e), half = high_half(c);
        v = (c->n & ~1u) - 2 * (p < half ? p : p - half);
    } else {                               /* wraps and goes on at the end */
        v = (uint32_t)((c->n + top - e % top) % top);
    }
    return bcd(c) ? to_bcd(v) : (uint16_t)v;
}

static bool out(const struct channel *c, uint64_t now)
{
    uint64_t e = elapsed(c, now);
    if (!c->live) return mode(c) != 0;
    switch (mode(c)) {
    case 0:  return e >= c->n;
    case 1:  return e >= c->n;
    case 2:  return !c->running || e % c->n != c->n - 1 || c->n == 1;
    case 3:  return !c->running || phase(c, e) < high_half(c);
    default: return e != c->n;
    }
}

/* Clocks from `now` to the next change of OUT, NEVER if none comes by itself. */
static uint64_t until_edge(const struct channel *c, uint64_t now)
{
    uint64_t e = elapsed(c, now), wait = now < c->start ? c->start - now : 0;
    if (!c->live || !c->running || (periodic(c) && c->n == 1)) return NEVER;
    switch (mode(c)) {
    case 2: {
        uint32_t left = c->n - (uint32_t)(e % c->n);
        return wait + (left > 1 ? left - 1 : 1);
    }
    case 3: {
        uint32_t p = phase(c, e);
        return wait + (p < high_half(c) ? high_half(c) : c->n) - p;
    }
    case 4: case 5:
        if (e == c->n) return wait + 1;
        /* fall through */
    default:
        return e < c->n ? wait + (c->n - e) : NEVER;
    }
}

/* CR goes to CE with the clock after this one. */
static void load(struct channel *c, uint64_t now)
{
    c->n = clocks_of_cr(c);
    c->start = now + 1;
    c->carried = 0;
    c->fresh = c->start_low = false;
    c->live = true;
    c->running = c->gate || one_shot(c);
    c->switch_at = NEVER;
}

/* Modes 2 and 3 take a new count at the end of the cycle or half cycle. */
static void catch_up(struct channel *c, uint64_t now)
{
    if (now < c->switch_at) return;
    bool low = mode(c) == 3 && !out(c, c->switch_at);
    load(c, c->switch_at - 1);
    c->start_low = low && c->n > 1;
}

static void set_gate(struct channel *c, bool level, uint64_t now)
{
    if (c->gate == level) return;
    catch_up(c, now);
    c->gate = level;
    if (one_shot(c)) {
        if (level && c->cr_written) load(c, now);
    } else if (!level) {
        c->carried = elapsed(c, now);
        c->running = false;
        c->switch_at = NEVER;
    } else if (periodic(c) && c->live) {
        load(c, now);
    } else if (c->live) {
        c->start = c->start > now ? c->start : now;
        c->running = true;
    }
}

/* ---- registers ------------------------------------------------------------------------------- */

/* The next cycle's start in mode 2, the next change of OUT in mode 3. */
static uint64_t cycle_end(const struct channel *c, uint64_t now)
{
    uint64_t left = until_edge(c, now);
    if (left == NEVER) return now + 1;
    if (mode(c) == 2 && out(c, now)) left++;
    return now + left;
}

static void count_written(struct channel *c, uint16_t value, uint64_t now)
{
    catch_up(c, now);
    c->cr = value;
    c->cr_written = c->fresh = true;
    if (one_shot(c)) return;
    if (!periodic(c) || !c->live) load(c, now);
    else if (c->running) c->switch_at = cycle_end(c, now);
}

/* Mode 0: the first byte of two stops the counter and drops OUT (p. 10). */
static void write_first(struct channel *c, uint8_t value, uint64_t now)
{
    c->lsb = value;
    if (mode(c) != 0) return;
    c->carried = elapsed(c, now);
    c->running = c->live = false;
}

static void write_count(struct channel *c, uint8_t value, uint64_t now)
{
    unsigned rw = c->control >> 4 & 3;
    if (rw == RW_LSB) count_written(c, value, now);
    else if (rw == RW_MSB) count_written(c, (uint16_t)(value << 8), now);
    else if (c->write_msb) count_written(c, (uint16_t)(value << 8 | c->lsb), now);
    else write_first(c, value, now);
    if (rw == RW_BOTH) c->write_msb = !c->write_msb;
}

static void latch_count(struct channel *c, uint64_t now)
{
    if (c->count_latched) return;          /* the first latch wins until it is read (p. 7) */
    c->latch = ce_value(c, now);
    c->count_latched = true;
}

static void latch_status(struct channel *c, uint64_t now)
{
    if (c->status_latched) return;
    bool null = c->fresh || !c->live || now < c->start;
    c->status = c->control | (out(c, now) ? STATUS_OUT : 0) | (null ? STATUS_NULL : 0);
    c->status_latched = true;
}

static void read_back(struct pit *p, uint8_t value, uint64_t now)
{
    for (unsigned i = 0; i < CHANNELS; i++) {
        struct channel *c = &p->channel[i];
        if (!(value >> (i + 1) & 1)) continue;
        catch_up(c, now);
        if (!(value & BACK_NO_COUNT)) latch_count(c, now);
        if (!(value & BACK_NO_STATUS)) latch_status(c, now);
    }
}

/* The mode and OUT change at once, the count stands still until a new one is written. */
static void set_control(struct channel *c, uint8_t value, uint64_t now)
{
    uint64_t e = elapsed(c, now);
    c->carried = e;
    c->control = value & 0x3F;
    c->live = c->running = c->cr_written = false;
    c->write_msb = c->read_msb = c->count_latched = c->status_latched = false;
    c->fresh = true;
    c->start_low = false;
    c->switch_at = NEVER;
}

static void write_control(struct pit *p, uint8_t value, uint64_t now)
{
    unsigned select = value >> 6;
    if (select == CHANNELS) {
        read_back(p, value, now);
        return;
    }
    struct channel *c = &p->channel[select];
    catch_up(c, now);
    if (value & 0x30) set_control(c, value, now);
    else latch_count(c, now);
}

static uint8_t read_count(struct channel *c, uint64_t now)
{
    unsigned rw = c->control >> 4 & 3;
    uint16_t v = c->count_latched ? c->latch : ce_value(c, now);
    bool msb = rw == RW_MSB || (rw == RW_BOTH && c->read_msb);
    if (rw == RW_BOTH) c->read_msb = !c->read_msb;
    if (rw != RW_BOTH || msb) c->count_latched = false;
    return (uint8_t)(msb ? v >> 8 : v);
}

static uint8_t read_channel(struct channel *c, uint64_t now)
{
    if (!c->status_latched) return read_count(c, now);
    c->status_latched = false;             /* status comes before the count (p. 8) */
    return c->status;
}

/* ---- device ---------------------------------------------------------------------------------- */

/* Brings IRQ 0 to OUT 0 and sets the timer for its next edge. */
static void update(struct pit *p, uint64_t now)
{
    struct clock *clk = board_clock(p->dev.board);
    struct channel *c = &p->channel[0];
    uint64_t left = until_edge(c, now);
    line_set(&p->irq, out(c, now));
    if (left == NEVER) clock_disarm(clk, &p->edge);
    else clock_arm(clk, &p->edge, muldiv64_up(now + left, SECOND, PIT_HZ));
}

static void edge_due(struct timer *t, nanos due)
{
    struct pit *p = container_of(t, struct pit, edge);
    catch_up(&p->channel[0], clocks_at(due));
    update(p, clocks_at(due));
}

static uint32_t pit_read(struct device *d, uint32_t offset, enum width w)
{
    struct pit *p = pit_of(d);
    (void)w;
    if (offset >= CONTROL) return 0xFF;    /* p. 6: no operation, the bus floats */
    struct channel *c = &p->channel[offset];
    bool timeless = c->switch_at == NEVER && (c->status_latched || c->count_latched);
    uint64_t now = timeless ? 0 : clocks_now(p);
    catch_up(c, now);
    return read_channel(c, now);
}

static void pit_write(struct device *d, uint32_t offset, uint32_t value, enum width w)
{
    struct pit *p = pit_of(d);
    uint64_t now = clocks_now(p);
    (void)w;
    if (offset >= CONTROL) write_control(p, (uint8_t)value, now);
    else write_count(&p->channel[offset], (uint8_t)value, now);
    bool channel0 = offset == 0 || (offset == CONTROL && (value >> 6 & 3) % CHANNELS == 0);
    if (channel0) update(p, now);          /* or a read-back; the others have no timer */
}

static uint32_t pit_peek(const struct device *d, uint32_t offset)
{
    const struct pit *p = container_of(d, const struct pit, dev);
    if (offset >= CONTROL) return 0xFF;
    struct channel copy = p->channel[offset];
    catch_up(&copy, clocks_now(p));
    return read_channel(&copy, clocks_now(p));
}

static const struct io_ops pit_io = { pit_read, pit_write, pit_peek, BYTE };

bool pit_out2(struct device *d, uint64_t now)
{
    struct pit *p = pit_of(d);
    catch_up(&p->channel[2], now);
    return out(&p->channel[2], now);
}

unsigned pit_tone(struct device *d)
{
    struct channel *c = &pit_of(d)->channel[2];
    catch_up(c, clocks_now(pit_of(d)));
    return c->live && c->running && periodic(c) ? c->n : 0;
}

static void gate2_changed(void *ctx, unsigned pin, bool level)
{
    struct pit *p = ctx;
    (void)pin;
    set_gate(&p->channel[2], level, clocks_now(p));
}

static bool plug(struct device *d, struct board *b)
{
    struct pit *p = pit_of(d);
    p->irq = board_irq(b, 0);
    p->edge = (struct timer){ .fire = edge_due, .name = "pit.edge" };
    board_listen(b, WIRE_PIT2_GATE, gate2_changed, p);
    return board_claim_ports(b, d, 0x40, 4, &pit_io);
}

/* The chip has no reset pin and wakes up undefined; here: silent, OUT low. The gate of channel 2
 * belongs to port 61h. */
static void reset(struct device *d, enum reset kind)
{
    struct pit *p = pit_of(d);
    (void)kind;
    for (unsigned i = 0; i < CHANNELS; i++) {
        bool gate = i < 2 || p->channel[i].gate;
        p->channel[i] = (struct channel){ .control = RW_BOTH << 4, .gate = gate, .fresh = true,
                                          .n = 65536, .switch_at = NEVER };
    }
    update(p, clocks_now(p));
}

static void restored(struct device *d)
{
    struct pit *p = pit_of(d);
    for (unsigned i = 0; i < CHANNELS; i++)
        if (!p->channel[i].n || p->channel[i].n > 65536) p->channel[i].n = 65536;
    update(p, clocks_now(p));
}

#define CHANNEL(i) \
    FIELD(struct pit, channel[i].control), FIELD(struct pit, channel[i].gate), \
    FIELD(struct pit, channel[i].live), FIELD(struct pit, channel[i].running), \
    FIELD(struct pit, channel[i].fresh), FIELD(struct pit, channel[i].cr_written), \
    FIELD(struct pit, channel[i].start_low), FIELD(struct pit, channel[i].write_msb), \
    FIELD(struct pit, channel[i].read_msb), FIELD(struct pit, channel[i].count_latched), \
    FIELD(struct pit, channel[i].status_latched), FIELD(struct pit, channel[i].lsb), \
    FIELD(struct pit, channel[i].status), FIELD(struct pit, channel[i].cr), \
    FIELD(struct pit, channel[i].latch), FIELD(struct pit, channel[i].n), \
    FIELD(struct pit, channel[i].start), FIELD(struct pit, channel[i].carried), \
    FIELD(struct pit, channel[i].switch_at)

static const struct field state[] = {
    CHANNEL(0), CHANNEL(1), CHANNEL(2),
    FIELD_TIMER(struct pit, edge), FIELD_LINE(struct pit, irq), { 0 },
};

const struct device_class pit_class = {
    .name = "pit", .about = "Intel 8254 interval timer",
    .size = sizeof(struct pit), .state = state,
    .plug = plug, .reset = reset, .restored = restored,
};
