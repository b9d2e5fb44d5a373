/* SPDX-License-Identifier: MIT
 * The bench behind fake_board.h. Kept deliberately plain (linear searches, no PIC, no 8237), so a
 * failing test points at the device and not at the board.
 */
#include "tests/unit/fake_board.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- nets ------------------------------------------------------------------------------------ */

static void net_changed(void *listener, unsigned pin, bool level)
{
    struct fake_net *n = listener;
    bool before = n->drivers > 0;
    n->drivers += level ? 1u : -1u;
    bool now = n->drivers > 0;
    if (before == now) return;
    if (now) n->rises++;
    else n->falls++;
    if (n->changed) n->changed(n->ctx, pin, now);
}

static struct line net_line(struct fake_net *n, unsigned pin)
{
    return (struct line){ .changed = net_changed, .listener = n, .pin = pin };
}

struct line board_irq(struct board *b, unsigned irq)
{
    return irq < FAKE_IRQS ? net_line(&b->irq[irq], irq) : (struct line){ 0 };
}

/* line_write(): one driver, every write is told. */
static void net_written(void *listener, unsigned pin, bool level)
{
    struct fake_net *n = listener;
    n->drivers = level;
    if (n->changed) n->changed(n->ctx, pin, level);
}

struct line board_wire(struct board *b, enum board_wire wire)
{
    struct line l = net_line(&b->wire[wire], wire);
    if (wire == WIRE_KEYBOARD_A20) l.changed = net_written;
    return l;
}

void board_listen(struct board *b, enum board_wire wire, void (*changed)(void *, unsigned, bool),
                  void *ctx)
{
    b->wire[wire].changed = changed;
    b->wire[wire].ctx = ctx;
}

bool fake_irq(const struct board *b, unsigned irq) { return b->irq[irq].drivers > 0; }
unsigned fake_irq_edges(const struct board *b, unsigned irq) { return b->irq[irq].rises; }
bool fake_wire(const struct board *b, enum board_wire wire) { return b->wire[wire].drivers > 0; }

void fake_drive(struct board *b, enum board_wire wire, bool level)
{
    if (b->wire[wire].changed) b->wire[wire].changed(b->wire[wire].ctx, wire, level);
}

/* ---- ports ----------------------------------------------------------------------------------- */

static const struct fake_claim *claim_at(const struct board *b, unsigned port)
{
    for (unsigned i = 0; i < b->claims_end; i++) {
        const struct fake_claim *c = &b->claims[i];
        if (c->dev && port >= c->first && port < c->first + c->count) return c;
    }
    return NULL;
}

bool fake_claimed(const struct board *b, uint16_t port) { return claim_at(b, port) != NULL; }

static bool claims_overlap(const struct board *b, unsigned first, unsigned count)
{
    for (unsigned port = first; port < first + count; port++)
        if (claim_at(b, port)) return true;
    return false;
}

bool board_claim_ports(struct board *b, struct device *d, uint16_t first, unsigned count,
                       const struct io_ops *ops)
{
    if (!count || first + count > 0x10000 || claims_overlap(b, first, count)) return false;
    for (unsigned i = 0; i < FAKE_CLAIMS; i++)
        if (!b->claims[i].dev) {
            b->claims[i] = (struct fake_claim){ d, ops, first, count };
            if (i >= b->claims_end) b->claims_end = i + 1;
            return true;
        }
    return false;
}

/* A released part in the middle of a claim leaves two claims behind. */
void board_release_ports(struct board *b, struct device *d, uint16_t first, unsigned count)
{
    for (unsigned port = first; port < first + count; port++) {
        const struct fake_claim *found = claim_at(b, port);
        if (!found || found->dev != d) continue;
        struct fake_claim *c = &b->claims[found - b->claims];
        unsigned end = c->first + c->count;
        c->count = port - c->first;
        const struct io_ops *ops = c->ops;
        if (!c->count) c->dev = NULL;
        if (port + 1 < end) board_claim_ports(b, d, (uint16_t)(port + 1), end - port - 1, ops);
    }
}

static uint32_t width_mask(unsigned bytes) { return bytes >= 4 ? ~0u : (1u << 8 * bytes) - 1; }

/* Smallest declared width above w, 0 if none. */
static unsigned wider(const struct io_ops *ops, unsigned w)
{
    for (unsigned s = w * 2; s <= DWORD; s *= 2)
        if (ops->widths & s) return s;
    return 0;
}

static bool whole(const struct fake_claim *c, unsigned port, unsigned w)
{
    return c && port >= c->first && port + w <= c->first + c->count;
}

uint32_t fake_in(struct board *b, uint16_t port, enum width w)
{
    const struct fake_claim *c = claim_at(b, port);
    if (c && !c->ops->read) return width_mask(w);
    if (whole(c, port, w)) {
        unsigned offset = port - c->first, s = wider(c->ops, w);
        if (c->ops->widths & w) return c->ops->read(c->dev, offset, w) & width_mask(w);
        if (s && !(c->ops->widths & (w - 1))) {
            unsigned at = offset & (s - 1);
            return (c->ops->read(c->dev, offset - at, (enum width)s) >> 8 * at) & width_mask(w);
        }
    }
    if (w == BYTE) return 0xFF;
    uint32_t low = fake_in(b, port, (enum width)(w / 2));
    return low | fake_in(b, (uint16_t)(port + w / 2), (enum width)(w / 2)) << 4 * w;
}

void fake_out(struct board *b, uint16_t port, uint32_t value, enum width w)
{
    const struct fake_claim *c = claim_at(b, port);
    value &= width_mask(w);
    if (whole(c, port, w) && (c->ops->widths & w || !(c->ops->widths & (w - 1)))) {
        c->ops->write(c->dev, port - c->first, value, w);
        return;
    }
    if (w == BYTE) return;
    fake_out(b, port, value, (enum width)(w / 2));
    fake_out(b, (uint16_t)(port + w / 2), value >> 4 * w, (enum width)(w / 2));
}

static const struct io_run_ops *runs_at(const struct fake_claim *c)
{
    return c && c->ops->widths & IO_RUNS ? container_of(c->ops, const struct io_run_ops, one)
                                         : NULL;
}

uint32_t fake_in_run(struct board *b, uint16_t port, enum width w, uint8_t *to, uint32_t count)
{
    const struct fake_claim *c = claim_at(b, port);
    return runs_at(c) ? runs_at(c)->read(c->dev, port - c->first, w, to, count) : 0;
}

uint32_t fake_out_run(struct board *b, uint16_t port, enum width w, const uint8_t *from,
                      uint32_t count)
{
    const struct fake_claim *c = claim_at(b, port);
    return runs_at(c) ? runs_at(c)->write(c->dev, port - c->first, w, from, count) : 0;
}

uint8_t fake_in8(struct board *b, uint16_t port) { return (uint8_t)fake_in(b, port, BYTE); }
uint16_t fake_in16(struct board *b, uint16_t port) { return (uint16_t)fake_in(b, port, WORD); }
uint32_t fake_in32(struct board *b, uint16_t port) { return fake_in(b, port, DWORD); }
void fake_out8(struct board *b, uint16_t port, uint8_t value) { fake_out(b, port, value, BYTE); }
void fake_out16(struct board *b, uint16_t port, uint16_t v) { fake_out(b, port, v, WORD); }
void fake_out32(struct board *b, uint16_t port, uint32_t v) { fake_out(b, port, v, DWORD); }

int fake_peek(struct board *b, uint16_t port)
{
    const struct fake_claim *c = claim_at(b, port);
    if (!c || !c->ops->peek) return -1;
    return (int)(c->ops->peek(c->dev, port - c->first) & 0xFF);
}

/* ---- DMA ------------------------------------------------------------------------------------- */

static void dreq_changed(void *listener, unsigned pin, bool level)
{
    struct fake_dma *d = listener;
    bool before = d->drivers > 0;
    if (level && !before) d->requests++;
    d->drivers += level ? 1u : -1u;
    if (d->changed && before != (d->drivers > 0)) d->changed(d->ctx, pin, level);
}

void board_dma_attach(struct board *b, unsigned channel, struct device *d,
                      const struct dma_client *client)
{
    if (channel >= FAKE_DMA_CHANNELS) return;
    b->dma[channel].dev = d;
    b->dma[channel].client = client;
}

struct line board_dreq(struct board *b, unsigned channel)
{
    if (channel >= FAKE_DMA_CHANNELS) return (struct line){ 0 };
    return (struct line){ .changed = dreq_changed, .listener = &b->dma[channel], .pin = channel };
}

bool fake_dreq(const struct board *b, unsigned channel) { return b->dma[channel].drivers > 0; }

size_t fake_dma_to_memory(struct board *b, unsigned channel, uint8_t *buffer, size_t len, bool tc)
{
    struct fake_dma *d = &b->dma[channel];
    if (!d->client || !d->drivers || !d->client->to_memory) return 0;
    size_t moved = d->client->to_memory(d->dev, buffer, len);
    if (tc && moved == len && d->client->terminal_count) d->client->terminal_count(d->dev);
    return moved;
}

size_t fake_dma_from_memory(struct board *b, unsigned channel, const uint8_t *buffer, size_t len,
                            bool tc)
{
    struct fake_dma *d = &b->dma[channel];
    if (!d->client || !d->drivers || !d->client->from_memory) return 0;
    size_t moved = d->client->from_memory(d->dev, buffer, len);
    if (tc && moved == len && d->client->terminal_count) d->client->terminal_count(d->dev);
    return moved;
}

/* ---- PCI ------------------------------------------------------------------------------------- */

enum { PCI_COMMAND = 0x04, PCI_BAR0 = 0x10, PCI_LINE = 0x3C, COMMAND_IO = 1, COMMAND_MEMORY = 2 };

struct pci_function *fake_pci(const struct board *b, unsigned slot, unsigned function)
{
    for (struct pci_function *f = b->pci; f; f = f->next)
        if (f->devfn == slot * 8 + function) return f;
    return NULL;
}

static void inta_changed(void *listener, unsigned pin, bool level)
{
    (void)listener; (void)pin; (void)level;
}

bool board_pci_add(struct board *b, struct pci_function *f, int slot, unsigned function)
{
    if (slot < 0)
        for (slot = 2; slot < 32 && fake_pci(b, (unsigned)slot, 0);) slot++;
    if (b->no_pci || slot > 31 || function > 7) return false;
    if (fake_pci(b, (unsigned)slot, function)) return false;
    f->devfn = (uint8_t)((unsigned)slot * 8 + function);
    f->inta = (struct line){ .changed = inta_changed, .listener = b };
    memcpy(f->reset_config, f->config, sizeof f->config);
    f->next = b->pci;
    b->pci = f;
    return true;
}

bool fake_pci_inta(const struct board *b, unsigned slot, unsigned function)
{
    const struct pci_function *f = fake_pci(b, slot, function);
    return f && f->inta.level;
}

static uint32_t config32(const struct pci_function *f, unsigned at)
{
    return f->config[at] | f->config[at + 1] << 8 | f->config[at + 2] << 16 |
           (uint32_t)f->config[at + 3] << 24;
}

static void unmap_bar(struct board *b, struct pci_function *f, struct pci_bar *bar)
{
    if (!bar->mapped) return;
    if (bar->kind == PCI_BAR_IO) board_release_ports(b, f->dev, (uint16_t)bar->base, bar->size);
    else memory_enable(b->memory, bar->region, false);
    bar->mapped = false;
}

static void map_memory_bar(struct board *b, struct pci_function *f, struct pci_bar *bar)
{
    if (bar->region) {
        memory_move(b->memory, bar->region, bar->base);
        memory_enable(b->memory, bar->region, true);
    } else if (bar->host) {
        bar->region = memory_map_host(b->memory, "bar", REGION_RAM, 1, bar->base, bar->size,
                                      bar->host);
    } else {
        bar->region = memory_map_io(b->memory, "bar", 1, bar->base, bar->size, f->dev, bar->ops);
    }
    bar->mapped = bar->region != NULL;
}

static void update_bar(struct board *b, struct pci_function *f, unsigned index)
{
    struct pci_bar *bar = &f->bar[index];
    uint32_t command = f->config[PCI_COMMAND];
    uint32_t base = config32(f, PCI_BAR0 + 4 * index) & ~(bar->kind == PCI_BAR_IO ? 3u : 15u);
    unmap_bar(b, f, bar);
    bar->base = base;
    if (!base || bar->kind == PCI_BAR_NONE) return;
    if (bar->kind == PCI_BAR_IO && command & COMMAND_IO && base + bar->size <= 0x10000)
        bar->mapped = board_claim_ports(b, f->dev, (uint16_t)base, bar->size, bar->ops);
    if (bar->kind == PCI_BAR_MEMORY && command & COMMAND_MEMORY) map_memory_bar(b, f, bar);
}

/* The bits of config[at] that a guest can change. */
static uint8_t writable(const struct pci_function *f, unsigned at)
{
    if (at == PCI_COMMAND) return 0x07;
    if (at == PCI_COMMAND + 1 || at == PCI_LINE) return at == PCI_LINE ? 0xFF : 0x05;
    if (at < PCI_BAR0 || at >= PCI_BAR0 + 24) return f->writable[at];
    const struct pci_bar *bar = &f->bar[(at - PCI_BAR0) / 4];
    uint32_t mask = bar->kind == PCI_BAR_NONE ? 0 : ~(bar->size - 1);
    mask &= bar->kind == PCI_BAR_IO ? 0xFFFFFFFC : 0xFFFFFFF0;
    return (uint8_t)(mask >> 8 * ((at - PCI_BAR0) % 4));
}

/* The type bits of the BARs (6.2.5.1) are the bus's to fill in. */
static uint8_t fixed_bits(const struct pci_function *f, unsigned at)
{
    if (at < PCI_BAR0 || at >= PCI_BAR0 + 24 || at % 4) return 0;
    const struct pci_bar *bar = &f->bar[(at - PCI_BAR0) / 4];
    if (bar->kind == PCI_BAR_IO) return 1;
    return bar->kind == PCI_BAR_MEMORY && bar->prefetchable ? 8 : 0;
}

uint32_t fake_pci_read(struct board *b, unsigned slot, unsigned function, unsigned offset,
                       enum width w)
{
    const struct pci_function *f = fake_pci(b, slot, function);
    uint32_t value = 0;
    if (!f) return width_mask(w);
    for (unsigned i = 0; i < w; i++) {
        unsigned at = (offset + i) & 0xFF;
        value |= (uint32_t)(f->config[at] | fixed_bits(f, at)) << 8 * i;
    }
    return value;
}

void fake_pci_write(struct board *b, unsigned slot, unsigned function, unsigned offset,
                    uint32_t value, enum width w)
{
    struct pci_function *f = fake_pci(b, slot, function);
    if (!f) return;
    for (unsigned i = 0; i < w; i++) {
        unsigned at = (offset + i) & 0xFF;
        uint8_t mask = writable(f, at);
        f->config[at] = (uint8_t)((f->config[at] & ~mask) | (value >> 8 * i & mask));
    }
    for (unsigned i = 0; i < COUNT_OF(f->bar); i++) update_bar(b, f, i);
    if (f->written) f->written(f->dev, offset, w);
}

/* ---- the rest of board.h --------------------------------------------------------------------- */

struct memory *board_memory(struct board *b) { return b->memory; }
struct clock *board_clock(struct board *b) { return &b->clock; }
struct log *board_log(struct board *b) { return b->log; }
void board_set_screen(struct board *b, const struct screen *s) { b->screen = *s; }
void board_set_input(struct board *b, const struct input *i) { b->input = *i; }

struct device *board_find(struct board *b, const char *name)
{
    for (struct device *d = b->devices; d; d = d->next)
        if (!strcmp(d->class->name, name) || !strcmp(d->id, name)) return d;
    return NULL;
}

void board_power_off(struct board *b, int exit_code)
{
    b->powered_off = true;
    b->exit_code = exit_code;
}

/* ---- bench ----------------------------------------------------------------------------------- */

static void need(const void *p)
{
    if (p) return;
    fprintf(stderr, "fake_board: out of memory\n");
    exit(2);
}

struct board *fake_new(uint64_t ram_bytes)
{
    struct board *b = calloc(1, sizeof *b);
    need(b);
    b->memory = memory_new(ram_bytes, NULL);
    need(b->memory);
    for (unsigned i = 0; i < FAKE_IRQS; i++) b->irq[i].board = b;
    for (unsigned i = 0; i < WIRE_COUNT; i++) b->wire[i].board = b;
    return b;
}

void fake_free(struct board *b)
{
    for (struct device *d = b->devices, *next; d; d = next) {
        next = d->next;
        device_free(d);
    }
    memory_free(b->memory);
    free(b);
}

static bool set_all(struct device *d, va_list args)
{
    for (const char *name; (name = va_arg(args, const char *));) {
        const char *value = va_arg(args, const char *);
        const char *error = value ? device_set(d, name, value) : "no value";
        if (!error) continue;
        fprintf(stderr, "fake_board: %s.%s: %s\n", d->class->name, name, error);
        return false;
    }
    return true;
}

static struct device *plug(struct board *b, const struct device_class *class, const char *id,
                           va_list args)
{
    struct device *d = device_new(class, id), **tail = &b->devices;
    need(d);
    if (!set_all(d, args) || !device_plug(d, b)) {
        device_free(d);
        for (unsigned i = 0; i < FAKE_CLAIMS; i++)
            if (b->claims[i].dev == d) b->claims[i].dev = NULL;
        return NULL;
    }
    while (*tail) tail = &(*tail)->next;
    *tail = d;
    return d;
}

struct device *fake_plug(struct board *b, const struct device_class *class, ...)
{
    va_list args;
    va_start(args, class);
    struct device *d = plug(b, class, NULL, args);
    va_end(args);
    return d;
}

struct device *fake_plug_id(struct board *b, const struct device_class *class, const char *id, ...)
{
    va_list args;
    va_start(args, id);
    struct device *d = plug(b, class, id, args);
    va_end(args);
    return d;
}

void fake_reset(struct board *b, enum reset kind)
{
    for (struct device *d = b->devices; d; d = d->next)
        if (d->class->reset) d->class->reset(d, kind);
}

/* In steps, as a running machine would: one clock_advance() fires a bounded number of timers. */
void fake_advance(struct board *b, nanos by)
{
    for (; by > SECOND; by -= SECOND) clock_advance(&b->clock, b->clock.now + SECOND);
    clock_advance(&b->clock, b->clock.now + by);
}

void fake_key(struct board *b, unsigned hid_usage, bool down)
{
    if (b->input.key) b->input.key(b->input.ctx, hid_usage, down);
}

void fake_mouse(struct board *b, int dx, int dy, int dz, unsigned buttons)
{
    if (b->input.mouse) b->input.mouse(b->input.ctx, dx, dy, dz, buttons);
}
