/* SPDX-License-Identifier: MIT
 * The real board: owns ports, memory, time and wires, and the devices plugged into it. Wires and
 * interrupt requests are wired OR: each net counts the drivers that hold it high.
 */
#include <stdlib.h>
#include <string.h>
#include "iodev/i8237.h"
#include "iodev/machine_board.h"
#include "iodev/pci_bus.h"
#include "iodev/pic.h"
#include "iodev/ports.h"

#define IRQ_COUNT     16
#define CHANNEL_COUNT 8

struct net {
    unsigned high;                         /* drivers at level 1 */
    void (*changed)(void *, unsigned, bool);
    void *ctx;
};

struct board {
    struct board_config config;
    struct memory *memory;
    struct ports *ports;
    struct clock clock;
    struct device *devices;
    struct device *pic, *dma, *pci;
    struct net irq[IRQ_COUNT], wire[WIRE_COUNT], dreq[CHANNEL_COUNT];
    struct screen screen;
    struct input keys, mouse, input;
    bool has_screen, reset_asked;
};

#define DEVICE(name) extern const struct device_class name##_class;
#include "iodev/devices.def"
#undef DEVICE

static const struct device_class *const classes[] = {
#define DEVICE(name) &name##_class,
#include "iodev/devices.def"
#undef DEVICE
    NULL
};

const struct device_class *const *board_classes(void) { return classes; }

/* ---- nets ------------------------------------------------------------------------------------ */
/* True when the OR of all drivers changed. */
static bool count(struct net *n, bool level)
{
    if (level) return n->high++ == 0;
    return n->high && --n->high == 0;
}

static void irq_changed(void *board, unsigned irq, bool level)
{
    struct board *b = board;
    if (!count(&b->irq[irq], level)) return;
    if (b->pic) pic_set_irq(b->pic, irq, level);
    if (b->config.irq) b->config.irq(b->config.ctx, irq, level);
}

static void dreq_changed(void *board, unsigned channel, bool level)
{
    struct board *b = board;
    if (count(&b->dreq[channel], level) && b->dma) dma_set_dreq(b->dma, channel, level);
}

static void ask_reset(struct board *b)
{
    if (b->reset_asked || !b->config.system_reset) return;
    b->reset_asked = true;
    b->config.system_reset(b->config.ctx);
}

static void tell_machine(struct board *b, enum board_wire wire)
{
    if (b->config.wire) b->config.wire(b->config.ctx, wire, board_wire_level(b, wire));
}

static void tell_wire(struct board *b, unsigned wire, bool level)
{
    struct net *n = &b->wire[wire];
    if (n->changed) n->changed(n->ctx, wire, level);
    if (wire <= WIRE_RESET) tell_machine(b, (enum board_wire)wire);
    if (wire == WIRE_NMI_MASK && b->wire[WIRE_NMI].high) tell_machine(b, WIRE_NMI);
    if (wire == WIRE_SYSTEM_RESET && level) ask_reset(b);
}

static void wire_changed(void *board, unsigned wire, bool level)
{
    struct board *b = board;
    bool told = wire == WIRE_KEYBOARD_A20;     /* writes, not levels */
    if (told || count(&b->wire[wire], level)) tell_wire(b, wire, level);
}

struct line board_irq(struct board *b, unsigned irq)
{
    if (irq >= IRQ_COUNT) return (struct line){ 0 };
    return (struct line){ .changed = irq_changed, .listener = b, .pin = irq };
}

struct line board_wire(struct board *b, enum board_wire wire)
{
    if ((unsigned)wire >= WIRE_COUNT) return (struct line){ 0 };
    return (struct line){ .changed = wire_changed, .listener = b, .pin = wire };
}

struct line board_dreq(struct board *b, unsigned channel)
{
    if (channel >= CHANNEL_COUNT) return (struct line){ 0 };
    return (struct line){ .changed = dreq_changed, .listener = b, .pin = channel };
}

void board_listen(struct board *b, enum board_wire wire, void (*changed)(void *, unsigned, bool),
                  void *ctx)
{
    if ((unsigned)wire >= WIRE_COUNT) return;
    b->wire[wire].changed = changed;
    b->wire[wire].ctx = ctx;
}

void board_drive(struct board *b, enum board_wire wire, bool level)
{
    if ((unsigned)wire < WIRE_COUNT && (b->wire[wire].high > 0) != level)
        wire_changed(b, wire, level);
}

bool board_irq_level(const struct board *b, unsigned irq)
{
    return irq < IRQ_COUNT && b->irq[irq].high;
}

/* A masked NMI stays behind an AND gate: it comes through when the mask is taken away. */
bool board_wire_level(const struct board *b, enum board_wire wire)
{
    if ((unsigned)wire >= WIRE_COUNT || !b->wire[wire].high) return false;
    return wire != WIRE_NMI || !b->wire[WIRE_NMI_MASK].high;
}

/* ---- what devices ask for -------------------------------------------------------------------- */
bool board_claim_ports(struct board *b, struct device *d, uint16_t first, unsigned ports,
                       const struct io_ops *ops)
{
    return ports_claim(b->ports, d, first, ports, ops);
}

void board_release_ports(struct board *b, struct device *d, uint16_t first, unsigned ports)
{
    ports_release(b->ports, d, first, ports);
}

void board_dma_attach(struct board *b, unsigned channel, struct device *d,
                      const struct dma_client *client)
{
    if (b->dma && channel < CHANNEL_COUNT) dma_attach(b->dma, channel, d, client);
}

bool board_pci_add(struct board *b, struct pci_function *f, int slot, unsigned function)
{
    return b->pci && pci_bus_add(b->pci, f, slot, function);
}

struct memory *board_memory(struct board *b) { return b->memory; }
struct clock *board_clock(struct board *b) { return &b->clock; }
struct log *board_log(struct board *b) { return b->config.log; }

void board_set_screen(struct board *b, const struct screen *screen)
{
    b->screen = *screen;
    b->has_screen = true;
}

/* A keyboard without a mouse, or the other way round, leaves the other half alone. */
void board_set_input(struct board *b, const struct input *input)
{
    if (input->key) b->keys = *input;
    if (input->mouse) b->mouse = *input;
}

struct device *board_find(struct board *b, const char *name)
{
    for (struct device *d = b->devices; d; d = d->next)
        if (!strcmp(d->id, name) || !strcmp(d->class->name, name)) return d;
    return NULL;
}

void board_power_off(struct board *b, int exit_code)
{
    if (b->config.power_off) b->config.power_off(b->config.ctx, exit_code);
}

/* ---- building -------------------------------------------------------------------------------- */
static void key(void *board, unsigned hid_usage, bool down)
{
    struct board *b = board;
    if (b->keys.key) b->keys.key(b->keys.ctx, hid_usage, down);
}

static void move(void *board, int dx, int dy, int dz, unsigned buttons)
{
    struct board *b = board;
    if (b->mouse.mouse) b->mouse.mouse(b->mouse.ctx, dx, dy, dz, buttons);
}

struct board *board_new(const struct board_config *config)
{
    struct board *b = calloc(1, sizeof *b);
    if (!b) return NULL;
    b->config = *config;
    b->input = (struct input){ b, key, move };
    b->memory = memory_new(config->ram_bytes, config->log);
    b->ports = ports_new(config->log);
    if (b->memory && b->ports) return b;
    board_free(b);
    return NULL;
}

static void forget_timers(struct board *b)
{
    while (b->clock.first) clock_disarm(&b->clock, b->clock.first);
}

/* Last plugged, first out: a PCI card leaves before its bus. A device that leaves may drop a line
 * and make another one arm a timer, which must not be in the queue when that one leaves. */
static void free_devices(struct board *b, struct device *d)
{
    if (!d) return;
    free_devices(b, d->next);
    forget_timers(b);
    device_free(d);
}

void board_free(struct board *b)
{
    if (!b) return;
    b->config = (struct board_config){ .log = b->config.log };
    b->clock.source = NULL;
    b->clock.earlier = NULL;
    free_devices(b, b->devices);
    ports_free(b->ports);
    memory_free(b->memory);
    free(b);
}

static int rank(const struct device_class *class)
{
    int i = 0;
    while (classes[i] && classes[i] != class) i++;
    return i;
}

static const struct device_class *class_by_name(const char *name)
{
    for (unsigned i = 0; classes[i]; i++)
        if (!strcmp(classes[i]->name, name)) return classes[i];
    return NULL;
}

static struct device *by_id(const struct board *b, const char *id)
{
    struct device *d = b->devices;
    while (d && strncmp(d->id, id, sizeof d->id - 1)) d = d->next;
    return d;
}

const char *board_add(struct board *b, const char *class_name, const char *id)
{
    const struct device_class *class = class_by_name(class_name);
    if (!class) return "no such device";
    if (by_id(b, id ? id : class_name)) return "there is one of that name already";
    struct device *d = device_new(class, id), **p = &b->devices;
    if (!d) return "out of memory";
    while (*p && rank((*p)->class) <= rank(class)) p = &(*p)->next;
    d->next = *p;
    *p = d;
    return NULL;
}

const char *board_set(struct board *b, const char *id, const char *prop, const char *value)
{
    struct device *d = by_id(b, id);
    return d ? device_set(d, prop, value) : "no such device";
}

bool board_power_on(struct board *b)
{
    bool ok = true;
    b->pic = board_find(b, "pic");
    b->dma = board_find(b, "dma");
    b->pci = board_find(b, "pci");
    for (struct device *d = b->devices; d; d = d->next)
        if (!device_plug(d, b)) {
            log_line(b->config.log, "board", LOG_ERROR, "%s could not be plugged in", d->id);
            ok = false;
        }
    return ok;
}

void board_reset(struct board *b, enum reset kind)
{
    for (struct device *d = b->devices; d; d = d->next)
        if (d->class->reset) d->class->reset(d, kind);
    b->reset_asked = false;
}

/* ---- restoring ------------------------------------------------------------------------------- */
static void recount(struct board *b, const struct line *l)
{
    if (!l->level || l->listener != b) return;
    if (l->changed == irq_changed) b->irq[l->pin].high++;
    else if (l->changed == dreq_changed) b->dreq[l->pin].high++;
    else if (l->changed == wire_changed) b->wire[l->pin].high++;
}

static void recount_device(struct board *b, const struct device *d)
{
    for (const struct field *f = d->class->state; f && f->name; f++)
        if (f->kind == FIELD_LINE_KIND)
            recount(b, (const struct line *)(const void *)((const char *)d + f->at));
}

void board_restored(struct board *b)
{
    for (unsigned i = 0; i < IRQ_COUNT; i++) b->irq[i].high = 0;
    for (unsigned i = 0; i < CHANNEL_COUNT; i++) b->dreq[i].high = 0;
    for (unsigned i = 0; i < WIRE_COUNT; i++) b->wire[i].high = 0;
    for (const struct device *d = b->devices; d; d = d->next) recount_device(b, d);
    for (struct device *d = b->devices; d; d = d->next)
        if (d->class->restored) d->class->restored(d);
    for (unsigned i = 0; i <= WIRE_RESET; i++) tell_machine(b, (enum board_wire)i);
}

/* ---- the CPU's side -------------------------------------------------------------------------- */
uint32_t board_in(void *board, uint16_t port, enum width size)
{
    return ports_in(((struct board *)board)->ports, port, size);
}

void board_out(void *board, uint16_t port, uint32_t value, enum width size)
{
    ports_out(((struct board *)board)->ports, port, value, size);
}

uint32_t board_in_run(void *board, uint16_t port, enum width size, uint8_t *to, uint32_t count)
{
    return ports_in_run(((struct board *)board)->ports, port, size, to, count);
}

uint32_t board_out_run(void *board, uint16_t port, enum width size, const uint8_t *from,
                       uint32_t count)
{
    return ports_out_run(((struct board *)board)->ports, port, size, from, count);
}

uint8_t board_acknowledge(void *board)
{
    struct board *b = board;
    return b->pic ? pic_acknowledge(b->pic) : 0xFF;
}

/* ---- looking in ------------------------------------------------------------------------------ */
uint8_t board_peek_port(const struct board *b, uint16_t port) { return ports_peek(b->ports, port); }
const struct device *board_port_owner(const struct board *b, uint16_t port)
{
    return ports_owner(b->ports, port);
}
struct device *board_devices(const struct board *b) { return b->devices; }
const struct screen *board_screen(const struct board *b)
{
    return b->has_screen ? &b->screen : NULL;
}
const struct input *board_input(struct board *b) { return &b->input; }

uint64_t board_hash(const struct board *b, uint64_t seed)
{
    uint8_t now[8];
    for (unsigned i = 0; i < 8; i++) now[i] = (uint8_t)(b->clock.now >> (8 * i));
    uint64_t hash = memory_hash(b->memory, memory_hash_bytes(seed, now, sizeof now));
    for (const struct device *d = b->devices; d; d = d->next) hash = device_hash(d, hash);
    return hash;
}
