/* SPDX-License-Identifier: MIT
 * DMA controllers: two 8237A and the page registers of the AT.
 * Intel 8237A data sheet (order 231466-005, 1993); IBM PC/AT Technical Reference (6183355, 1985),
 * "DMA": the second controller counts words and the first one hangs on its channel 0.
 *
 *   channel 0-3: 00h-0Fh, bytes          page 87h 83h 81h 82h    address = page << 16 | A15-A0
 *   channel 4-7: C0h-DFh, words          page 8Fh 8Bh 89h 8Ah    address = page << 16 | A15-A0 << 1
 *
 * A request is served by a timer: one burst of up to 512 bytes, then a microsecond of guest time
 * per transfer. Bit 0 of a word page is ignored. An address never carries into its page.
 *
 * Not implemented: memory-to-memory transfers, rotating priority, compressed timing and the
 * polarities of DREQ and DACK (command register bits 0, 1, 3-7).
 */
#include "iodev/board.h"
#include "iodev/i8237.h"

#include <string.h>

enum { COMMAND = 8, REQUEST, SINGLE_MASK, MODE, CLEAR_FLIP_FLOP, MASTER_CLEAR, CLEAR_MASK,
       ALL_MASK };
enum { COMMAND_DISABLE = 0x04, SELECT = 0x03, SET = 0x04 };
enum { MODE_TYPE = 0x0C, TYPE_VERIFY = 0x00, TYPE_WRITE = 0x04, TYPE_READ = 0x08,
       MODE_AUTO = 0x10, MODE_DOWN = 0x20, MODE_KIND = 0xC0, KIND_BLOCK = 0x80,
       KIND_CASCADE = 0xC0 };
enum { CASCADE = 4, CHANNELS = 8, BURST = 512 };
#define TRANSFER_TIME ((nanos)1000)

struct channel {
    uint16_t base_address, base_count, address, count;
    uint8_t  mode;
    bool     stalled;                      /* the client moved nothing: wait for a new request */
};

struct i8237 {
    uint8_t command, mask, request, status;          /* one bit per channel; status: TC only */
    uint8_t block;                                   /* block transfers that have begun     */
    uint8_t dreq;                                    /* pins */
    bool    msb;                                     /* the byte flip-flop */
};

struct dma {
    struct device  dev;
    struct timer   service;
    struct i8237   chip[2];
    struct channel channel[CHANNELS];
    uint8_t        page[16];                         /* ports 80h-8Fh */
    struct device *client[CHANNELS];
    const struct dma_client *ops[CHANNELS];
};

static struct dma *dma_of(struct device *d) { return container_of(d, struct dma, dev); }

/* ---- who may transfer ------------------------------------------------------------------------ */

static uint8_t requests(const struct i8237 *c) { return c->dreq | c->request | c->block; }

static bool enabled(const struct dma *m, unsigned ch)
{
    const struct i8237 *c = &m->chip[ch / 4];
    return !(c->command & COMMAND_DISABLE) && !(c->mask >> ch % 4 & 1);
}

static bool cascade_open(const struct dma *m)
{
    return enabled(m, CASCADE) && (m->channel[CASCADE].mode & MODE_KIND) == KIND_CASCADE;
}

static bool runnable(const struct dma *m, unsigned ch)
{
    const struct channel *c = &m->channel[ch];
    return ch != CASCADE && requests(&m->chip[ch / 4]) >> ch % 4 & 1 && enabled(m, ch) &&
           !c->stalled && (c->mode & MODE_KIND) != KIND_CASCADE &&
           (ch > CASCADE || cascade_open(m));
}

/* Fixed priority: 0-3 come first, through the cascade on 4. CHANNELS if there is none. */
static unsigned winner(const struct dma *m)
{
    unsigned ch = 0;
    while (ch < CHANNELS && !runnable(m, ch)) ch++;
    return ch;
}

static void serve_at(struct dma *m, nanos due)
{
    struct clock *clk = board_clock(m->dev.board);
    if (winner(m) < CHANNELS) clock_arm(clk, &m->service, due);
    else clock_disarm(clk, &m->service);
}

/* Something that may start a transfer has changed. */
static void kick(struct dma *m)
{
    if (!m->service.armed) serve_at(m, clock_now(board_clock(m->dev.board)));
}

/* ---- one burst ------------------------------------------------------------------------------- */

static uint64_t paddr(const struct dma *m, unsigned ch, uint16_t address)
{
    static const uint8_t page_of[CHANNELS] = { 0x7, 0x3, 0x1, 0x2, 0xF, 0xB, 0x9, 0xA };
    uint64_t page = m->page[page_of[ch]];
    return ch < CASCADE ? page << 16 | address : (page & 0xFE) << 16 | (uint64_t)address << 1;
}

/* Moves `units` transfers between buffer and memory, in runs that neither wrap nor go down. */
static void copy(struct dma *m, unsigned ch, uint8_t *buffer, unsigned units, bool to_memory)
{
    const struct channel *c = &m->channel[ch];
    unsigned size = ch < CASCADE ? 1 : 2, run;
    for (unsigned done = 0; done < units; done += run) {
        bool down = c->mode & MODE_DOWN;
        uint16_t address = (uint16_t)(down ? c->address - done : c->address + done);
        unsigned to_wrap = 0x10000u - address;
        run = down ? 1 : units - done < to_wrap ? units - done : to_wrap;
        uint8_t *at = buffer + done * size;
        struct memory *memory = board_memory(m->dev.board);
        if (to_memory) memory_copy_to(memory, paddr(m, ch, address), at, run * size);
        else memory_copy_from(memory, at, paddr(m, ch, address), run * size);
    }
}

/* Verify cycles acknowledge the device but leave memory alone (p. 5). A channel that nobody is
 * attached to (software request) sees a floating bus. Returns bytes moved. */
static size_t exchange(struct dma *m, unsigned ch, uint8_t *buffer, unsigned units, unsigned size)
{
    const struct dma_client *ops = m->ops[ch];
    size_t len = (size_t)units * size, moved = len;
    uint8_t type = m->channel[ch].mode & MODE_TYPE;
    memset(buffer, 0xFF, len);
    if (type == TYPE_READ) {
        copy(m, ch, buffer, units, false);
        if (ops) moved = ops->from_memory ? ops->from_memory(m->client[ch], buffer, len) : 0;
    } else {
        if (ops) moved = ops->to_memory ? ops->to_memory(m->client[ch], buffer, len) : 0;
        if (moved > len) moved = len;
        if (type == TYPE_WRITE) copy(m, ch, buffer, (unsigned)(moved / size), true);
    }
    return moved > len ? len : moved;
}

/* The count went from 0 to FFFFh: reload or mask, forget the request. */
static void terminal_count(struct dma *m, unsigned ch)
{
    struct channel *c = &m->channel[ch];
    struct i8237 *chip = &m->chip[ch / 4];
    uint8_t bit = (uint8_t)(1u << ch % 4);
    chip->status |= bit;
    chip->request &= (uint8_t)~bit;
    chip->block &= (uint8_t)~bit;
    if (c->mode & MODE_AUTO) {
        c->address = c->base_address;
        c->count = c->base_count;
    } else {
        chip->mask |= bit;
    }
    if (m->ops[ch] && m->ops[ch]->terminal_count) m->ops[ch]->terminal_count(m->client[ch]);
}

/* Returns how many transfers it made. */
static unsigned burst(struct dma *m, unsigned ch)
{
    uint8_t buffer[BURST];
    struct channel *c = &m->channel[ch];
    unsigned size = ch < CASCADE ? 1 : 2, units = BURST / size, left = c->count + 1u;
    if (units > left) units = left;
    if ((c->mode & MODE_KIND) == KIND_BLOCK) m->chip[ch / 4].block |= (uint8_t)(1u << ch % 4);
    unsigned done = (unsigned)(exchange(m, ch, buffer, units, size) / size);
    c->address = (uint16_t)(c->mode & MODE_DOWN ? c->address - done : c->address + done);
    c->count = (uint16_t)(c->count - done);
    c->stalled = !done;
    if (done == left) terminal_count(m, ch);
    return done;
}

static void service_due(struct timer *t, nanos due)
{
    struct dma *m = container_of(t, struct dma, service);
    unsigned ch = winner(m), done = 0;
    if (ch < CHANNELS) done = burst(m, ch);
    serve_at(m, due + (done ? done : 1) * TRANSFER_TIME);
}

void dma_attach(struct device *d, unsigned ch, struct device *client, const struct dma_client *ops)
{
    struct dma *m = dma_of(d);
    if (ch >= CHANNELS || ch == CASCADE) return;
    m->client[ch] = client;
    m->ops[ch] = ops;
}

void dma_set_dreq(struct device *d, unsigned ch, bool level)
{
    struct dma *m = dma_of(d);
    if (ch >= CHANNELS || ch == CASCADE) return;
    struct i8237 *c = &m->chip[ch / 4];
    uint8_t bit = (uint8_t)(1u << ch % 4);
    c->dreq = level ? c->dreq | bit : c->dreq & (uint8_t)~bit;
    if (!level) return;
    m->channel[ch].stalled = false;
    if (ch < CASCADE && enabled(m, ch) && !cascade_open(m))
        device_log(d, LOG_WARN, "DREQ %u waits: channel 4 is not an open cascade", ch);
    kick(m);
}

/* ---- registers ------------------------------------------------------------------------------- */

static uint8_t read_half(struct i8237 *c, uint16_t value)
{
    bool msb = c->msb;
    c->msb = !msb;
    return (uint8_t)(msb ? value >> 8 : value);
}

static uint16_t with_half(struct i8237 *c, uint16_t value, uint8_t byte)
{
    bool msb = c->msb;
    c->msb = !msb;
    return (uint16_t)(msb ? (value & 0x00FF) | byte << 8 : (value & 0xFF00) | byte);
}

/* Base and current registers are written together (p. 8). */
static void write_channel(struct dma *m, unsigned n, unsigned reg, uint8_t value)
{
    struct channel *c = &m->channel[n * 4 + reg / 2];
    if (reg & 1) c->count = c->base_count = with_half(&m->chip[n], c->base_count, value);
    else c->address = c->base_address = with_half(&m->chip[n], c->base_address, value);
}

static uint8_t set_bit(uint8_t bits, uint8_t value)
{
    uint8_t bit = (uint8_t)(1u << (value & SELECT));
    return value & SET ? bits | bit : bits & (uint8_t)~bit;
}

static void master_clear(struct i8237 *c)
{
    *c = (struct i8237){ .mask = 0x0F, .dreq = c->dreq };
}

static void write_control(struct dma *m, unsigned n, unsigned reg, uint8_t value)
{
    struct i8237 *c = &m->chip[n];
    switch (reg) {
    case COMMAND:         c->command = value;                                break;
    case REQUEST:         c->request = set_bit(c->request, value);           break;
    case SINGLE_MASK:     c->mask = set_bit(c->mask, value);                 break;
    case MODE:            m->channel[n * 4 + (value & SELECT)].mode = value; break;
    case CLEAR_FLIP_FLOP: c->msb = false;                                    break;
    case MASTER_CLEAR:    master_clear(c);                                   break;
    case CLEAR_MASK:      c->mask = 0;                                       break;
    case ALL_MASK:        c->mask = value & 0x0F;                            break;
    }
    for (unsigned ch = n * 4; ch < n * 4 + 4; ch++) m->channel[ch].stalled = false;
    kick(m);
}

static void chip_write(struct dma *m, unsigned n, unsigned reg, uint8_t value)
{
    if (reg < COMMAND) write_channel(m, n, reg, value);
    else write_control(m, n, reg, value);
}

/* Reading the status clears its TC bits (p. 9). The temporary register is always 0 here. */
static uint8_t chip_read(struct dma *m, unsigned n, unsigned reg)
{
    struct i8237 *c = &m->chip[n];
    const struct channel *ch = &m->channel[n * 4 + (reg / 2 & 3)];
    uint8_t status = (uint8_t)(c->status | (c->dreq | c->request) << 4);
    if (reg < COMMAND) return read_half(c, reg & 1 ? ch->count : ch->address);
    if (reg == COMMAND) c->status = 0;
    switch (reg) {
    case COMMAND:      return status;
    case MASTER_CLEAR: return 0;
    case ALL_MASK:     return c->mask | 0xF0;
    default:           return 0xFF;
    }
}

static uint8_t chip_peek(const struct dma *m, unsigned n, unsigned reg)
{
    struct dma copy_of = *m;
    return chip_read(&copy_of, n, reg);
}

static uint32_t first_read(struct device *d, uint32_t offset, enum width w)
{
    (void)w;
    return chip_read(dma_of(d), 0, offset & 15);
}

static void first_write(struct device *d, uint32_t offset, uint32_t value, enum width w)
{
    (void)w;
    chip_write(dma_of(d), 0, offset & 15, (uint8_t)value);
}

static uint32_t first_peek(const struct device *d, uint32_t offset)
{
    return chip_peek(container_of(d, const struct dma, dev), 0, offset & 15);
}

/* A0 is not connected: each register answers at two ports. */
static uint32_t second_read(struct device *d, uint32_t offset, enum width w)
{
    (void)w;
    return chip_read(dma_of(d), 1, offset >> 1 & 15);
}

static void second_write(struct device *d, uint32_t offset, uint32_t value, enum width w)
{
    (void)w;
    chip_write(dma_of(d), 1, offset >> 1 & 15, (uint8_t)value);
}

static uint32_t second_peek(const struct device *d, uint32_t offset)
{
    return chip_peek(container_of(d, const struct dma, dev), 1, offset >> 1 & 15);
}

static uint32_t page_peek(const struct device *d, uint32_t offset)
{
    return container_of(d, const struct dma, dev)->page[(offset + 1) & 15];
}

static uint32_t page_read(struct device *d, uint32_t offset, enum width w)
{
    (void)w;
    return page_peek(d, offset);
}

static void page_write(struct device *d, uint32_t offset, uint32_t value, enum width w)
{
    (void)w;
    dma_of(d)->page[(offset + 1) & 15] = (uint8_t)value;
}

static const struct io_ops first_io = { first_read, first_write, first_peek, BYTE };
static const struct io_ops second_io = { second_read, second_write, second_peek, BYTE };
static const struct io_ops page_io = { page_read, page_write, page_peek, BYTE };

/* ---- device ---------------------------------------------------------------------------------- */

static bool plug(struct device *d, struct board *b)
{
    struct dma *m = dma_of(d);
    m->service = (struct timer){ .fire = service_due, .name = "dma.service" };
    return board_claim_ports(b, d, 0x00, 16, &first_io) &&
           board_claim_ports(b, d, 0xC0, 32, &second_io) &&
           board_claim_ports(b, d, 0x81, 15, &page_io);
}

/* RESET is a master clear; counters and pages keep their values. */
static void reset(struct device *d, enum reset kind)
{
    struct dma *m = dma_of(d);
    master_clear(&m->chip[0]);
    master_clear(&m->chip[1]);
    if (kind == RESET_POWER) {
        memset(m->channel, 0, sizeof m->channel);
        memset(m->page, 0, sizeof m->page);
    }
    serve_at(m, clock_now(board_clock(d->board)));
}

static void restored(struct device *d)
{
    struct dma *m = dma_of(d);
    if (m->service.armed) clock_arm(board_clock(d->board), &m->service, m->service.due);
}

static void unplug(struct device *d)
{
    if (d->board) clock_disarm(board_clock(d->board), &dma_of(d)->service);
}

#define CHIP(i) \
    FIELD(struct dma, chip[i].command), FIELD(struct dma, chip[i].mask), \
    FIELD(struct dma, chip[i].request), FIELD(struct dma, chip[i].status), \
    FIELD(struct dma, chip[i].block), FIELD(struct dma, chip[i].dreq), \
    FIELD(struct dma, chip[i].msb)
#define CHANNEL(i) \
    FIELD(struct dma, channel[i].base_address), FIELD(struct dma, channel[i].base_count), \
    FIELD(struct dma, channel[i].address), FIELD(struct dma, channel[i].count), \
    FIELD(struct dma, channel[i].mode), FIELD(struct dma, channel[i].stalled)

static const struct field state[] = {
    CHIP(0), CHIP(1), CHANNEL(0), CHANNEL(1), CHANNEL(2), CHANNEL(3), CHANNEL(4), CHANNEL(5),
    CHANNEL(6), CHANNEL(7), FIELD_N(struct dma, page), FIELD_TIMER(struct dma, service), { 0 },
};

const struct device_class dma_class = {
    .name = "dma", .about = "two Intel 8237A DMA controllers and page registers",
    .size = sizeof(struct dma), .state = state,
    .plug = plug, .reset = reset, .restored = restored, .unplug = unplug,
};
