/* SPDX-License-Identifier: MIT
 * Fuzz target: the two 8237A with their page registers, and a device on every channel. The input is
 * a list of what a guest and the devices do:
 *
 *   op: bits 0-3 what, bits 4-7 number n
 *   0 write register n of the first chip: value      1 the same of the second
 *   2 read register n of the first chip              3 the same of the second
 *   4 write page register 80h + n: value             5 read it
 *   6 device n requests: bytes it has (2), bytes per burst      7 it stops requesting
 *   8 time passes: 2^(n mod 8) * 8 us                9 reset of the board (n 0: with power)
 *  10 channel n is set up as a driver does it: mode, address (2), count (2), page
 *  11 write 16 bits to port n, 12 read them: value (2)      13 peek all ports
 *
 * All along: no burst is longer than the chip's buffer, odd on a word channel, on a masked channel,
 * or earlier than its time. Afterwards a reset and one transfer, chosen by the input, that has to
 * move exactly its bytes and leave the registers as the data sheet says.
 */
#include <string.h>
#include "iodev/i8237.h"
#include "tests/fuzz/script.h"
#include "tests/unit/fake_board.h"

extern const struct device_class dma_class;

enum { RAM = 1 << 18, LONGEST = 300, CHANNELS = 8, CASCADE = 4, MOST = 64 };
enum { TYPE_WRITE = 0x04, TYPE_READ = 0x08, AUTO = 0x10, DOWN = 0x20, DEMAND = 0x00,
       SINGLE = 0x40 };

struct client {
    struct device dev;
    unsigned channel;
    uint32_t left, burst;      /* bytes: what it still has; the most at once */
    uint8_t  next;             /* what it gives next */
    uint8_t  taken[MOST];
    uint32_t moved, ends;
};

static struct board *b;
static struct device *dma;
static struct client clients[CHANNELS];

static unsigned unit(unsigned channel) { return channel < CASCADE ? 1 : 2; }

static uint16_t port_of(unsigned channel, unsigned reg)
{
    return (uint16_t)(channel < CASCADE ? reg : 0xC0 + reg * 2);
}

/* ---- the devices ----------------------------------------------------------------------------- */

static size_t share(struct client *c, size_t len)
{
    require(len && len <= 512 && len % unit(c->channel) == 0, "a burst of an impossible length");
    require(!(fake_peek(b, port_of(c->channel, 0xF)) >> c->channel % 4 & 1),
            "a masked channel runs");
    uint32_t n = c->left < c->burst ? c->left : c->burst;
    if (n > len) n = (uint32_t)len;
    n -= n % unit(c->channel);
    c->left -= n;
    if (c->left < unit(c->channel)) dma_set_dreq(dma, c->channel, false);
    return n;
}

static size_t to_memory(struct device *d, uint8_t *buffer, size_t len)
{
    struct client *c = container_of(d, struct client, dev);
    size_t n = share(c, len);
    for (size_t i = 0; i < n; i++) buffer[i] = c->next++;
    c->moved += (uint32_t)n;
    return n;
}

static size_t from_memory(struct device *d, const uint8_t *buffer, size_t len)
{
    struct client *c = container_of(d, struct client, dev);
    size_t n = share(c, len);
    for (size_t i = 0; i < n; i++) c->taken[(c->moved + i) % MOST] = buffer[i];
    c->moved += (uint32_t)n;
    return n;
}

static void ended(struct device *d) { container_of(d, struct client, dev)->ends++; }

static const struct dma_client ops = { to_memory, from_memory, ended };

static void request(unsigned channel, uint32_t bytes, uint32_t burst)
{
    clients[channel].left = bytes;
    clients[channel].burst = burst;
    dma_set_dreq(dma, channel, bytes >= unit(channel));
}

/* ---- the world ------------------------------------------------------------------------------- */

static void build(void)
{
    b = fake_new(RAM);
    dma = fake_plug(b, &dma_class, NULL);
    require(dma, "the controllers cannot be plugged in");
    for (unsigned ch = 0; ch < CHANNELS; ch++) {
        clients[ch].channel = ch;
        dma_attach(dma, ch, &clients[ch].dev, &ops);
    }
}

static void start_anew(enum reset kind)
{
    if (!b) build();
    for (unsigned ch = 0; ch < CHANNELS; ch++) {
        request(ch, 0, 0);
        clients[ch].next = 0;
        clients[ch].moved = clients[ch].ends = 0;
    }
    fake_reset(b, kind);
    require(!b->clock.first, "a transfer goes on after a reset");
    b->clock.now = 0;
}

static void pass(nanos time)
{
    uint64_t before = 0, after = 0;
    for (unsigned ch = 0; ch < CHANNELS; ch++) before += clients[ch].moved / unit(ch);
    fake_advance(b, time);
    for (unsigned ch = 0; ch < CHANNELS; ch++) after += clients[ch].moved / unit(ch);
    require(after - before <= time / 1000 + 512, "transfers take no time");
}

static void set_up(unsigned ch, uint8_t mode, uint16_t address, uint16_t count, uint8_t page)
{
    static const uint8_t page_port[CHANNELS] = { 0x87, 0x83, 0x81, 0x82, 0x8F, 0x8B, 0x89, 0x8A };
    uint8_t in_chip = ch % 4;
    fake_out8(b, port_of(ch, 0xA), in_chip | 4);
    fake_out8(b, port_of(ch, 0xC), 0);
    fake_out8(b, port_of(ch, 0xB), (uint8_t)((mode & ~3) | in_chip));
    fake_out8(b, port_of(ch, in_chip * 2u), (uint8_t)address);
    fake_out8(b, port_of(ch, in_chip * 2u), (uint8_t)(address >> 8));
    fake_out8(b, port_of(ch, in_chip * 2u + 1), (uint8_t)count);
    fake_out8(b, port_of(ch, in_chip * 2u + 1), (uint8_t)(count >> 8));
    fake_out8(b, page_port[ch], page);
    fake_out8(b, port_of(ch, 0xA), in_chip);
}

static void peek_all(void)
{
    uint64_t hash = device_hash(dma, 0);
    for (unsigned port = 0; port < 0xE0; port++) fake_peek(b, (uint16_t)port);
    require(device_hash(dma, 0) == hash, "a peek changes the controllers");
}

static void act(struct script *in)
{
    uint8_t op = take8(in), n = op >> 4;
    switch (op & 15) {
    case 0: fake_out8(b, port_of(0, n), take8(in)); break;
    case 1: fake_out8(b, port_of(4, n), take8(in)); break;
    case 2: fake_in8(b, port_of(0, n)); break;
    case 3: fake_in8(b, port_of(4, n)); break;
    case 4: fake_out8(b, (uint16_t)(0x80 + n), take8(in)); break;
    case 5: fake_in8(b, (uint16_t)(0x80 + n)); break;
    case 6: {
        uint32_t bytes = take16(in);
        request(n % CHANNELS, bytes, take8(in));
        break;
    }
    case 7: request(n % CHANNELS, 0, 0); break;
    case 8: pass((nanos)8000 << n % 8); break;
    case 9: fake_reset(b, n ? RESET_HARD : RESET_POWER); break;
    case 10: {
        uint8_t mode = take8(in);
        uint16_t address = take16(in), count = take16(in);
        set_up(n % CHANNELS, mode, address, count, take8(in));
        break;
    }
    case 11: fake_out16(b, n, take16(in)); break;
    case 12: fake_in16(b, n); break;
    case 13: peek_all(); break;
    }
}

/* ---- what must hold -------------------------------------------------------------------------- */

static uint16_t read_pair(unsigned ch, unsigned reg)
{
    uint8_t low = fake_in8(b, port_of(ch, ch % 4 * 2 + reg));
    return (uint16_t)(low | fake_in8(b, port_of(ch, ch % 4 * 2 + reg)) << 8);
}

/* Byte k of what is moved lies here. */
static uint32_t place(unsigned ch, uint8_t mode, uint16_t address, uint8_t page, uint32_t k)
{
    uint16_t at = (uint16_t)(mode & DOWN ? address - k / unit(ch) : address + k / unit(ch));
    if (ch < CASCADE) return (uint32_t)page << 16 | at;
    return (uint32_t)(page & 0xFE) << 16 | (uint32_t)at << 1 | (k & 1);
}

static void check_bytes(unsigned ch, uint8_t mode, uint16_t address, uint8_t page, uint32_t bytes)
{
    const uint8_t *ram = memory_ram(b->memory);
    for (uint32_t k = 0; k < bytes; k++) {
        uint8_t here = ram[place(ch, mode, address, page, k)];
        if (mode & TYPE_WRITE)
            require(here == (uint8_t)k, "memory does not hold what the device gave");
        else
            require(here == clients[ch].taken[k % MOST], "the device did not get what memory held");
    }
}

static void check_transfer(struct script *in)
{
    unsigned ch = take8(in) % CHANNELS;
    uint8_t flags = take8(in), page = take8(in) % 4;
    uint16_t address = take16(in), units = take8(in) % (MOST / 2) + 1;
    uint8_t mode = (uint8_t)((flags & (AUTO | DOWN)) | (flags & 1 ? TYPE_READ : TYPE_WRITE) |
                             (flags & 2 ? DEMAND : SINGLE));
    if (ch == CASCADE) ch = 2;
    uint32_t bytes = units * unit(ch);
    set_up(CASCADE, 0xC0, 0, 0, 0);
    set_up(ch, mode, address, (uint16_t)(units - 1), page);
    request(ch, bytes + 8, (uint32_t)(flags >> 2 & 3) + 2);
    fake_advance(b, 200000);
    uint8_t status = fake_in8(b, port_of(ch, 8));
    require(clients[ch].moved == bytes || mode & AUTO, "a transfer moved too much or too little");
    require(clients[ch].moved == bytes + 8 || !(mode & AUTO), "auto-initialise does not go on");
    require(status >> ch % 4 & 1 && clients[ch].ends, "no terminal count");
    if (mode & AUTO) return;
    check_bytes(ch, mode, address, page, bytes);
    fake_out8(b, port_of(ch, 0xC), 0);
    require(read_pair(ch, 0) == (uint16_t)(mode & DOWN ? address - units : address + units),
            "the address is not behind the transfer");
    require(read_pair(ch, 1) == 0xFFFF, "the count is not at its end");
    require(fake_in8(b, port_of(ch, 0xF)) >> ch % 4 & 1, "the channel is not masked at the end");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script in = { data, data + size };
    start_anew(RESET_POWER);
    for (unsigned i = 0; i < LONGEST && in.at + 6 < in.end; i++) act(&in);
    start_anew(RESET_HARD);
    check_transfer(&in);
    return 0;
}
