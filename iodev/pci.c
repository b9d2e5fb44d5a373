/* SPDX-License-Identifier: MIT
 * PCI bus 0: configuration mechanism 1, base addresses, interrupt pins.
 * PCI Local Bus Specification 2.1 (1995), chapters 3.7.4.1 and 6.
 *
 *   CF8h  31  30-24   23-16  15-11     10-8      7-2       1-0
 *         en  0       bus    device    function  register  0
 *   CFCh  the register's four bytes
 *
 * Not implemented: bridges (only bus 0 answers), 64-bit BARs, master/target aborts in the status
 * register, parity.
 */
#include <string.h>
#include "iodev/board.h"
#include "iodev/pci_bus.h"

enum {
    VENDOR = 0x00, DEVICE_ID = 0x02, COMMAND = 0x04, STATUS = 0x06, REVISION = 0x08, CLASS = 0x09,
    CACHE_LINE = 0x0C, LATENCY = 0x0D, BAR0 = 0x10, BAR_END = 0x28, ROM_BAR = 0x30, ROM_END = 0x34,
    IRQ_LINE = 0x3C, IRQ_PIN = 0x3D,
};
enum { COMMAND_IO = 1, COMMAND_MEMORY = 2, COMMAND_WRITABLE = 0x0147, STATUS_CLEARABLE = 0xF900 };
enum { BAR_IO = 1, BAR_PREFETCH = 8, ROM_ENABLE = 1 };
#define ADDRESS_ENABLE 0x80000000u
#define SLOTS          32
#define FIRST_FREE     2                   /* 0 is the host bridge, 1 the south bridge */

/* Below main RAM: the north bridge sends what lies in RAM to RAM, whatever a BAR says. */
#define BAR_PRIORITY   (-1)
#define ROM_PRIORITY   (-2)
#define BAR_PARKED     0xFE000000u         /* where a window waits, disabled, for its address */

struct pci {
    struct device dev;
    uint32_t address;                      /* CF8h */
    uint32_t pirq_high[4];                 /* functions that assert each PIRQ */
    struct pci_function *functions;
    void (*pirq)(void *, unsigned, bool);
    void *pirq_ctx;
};

static struct pci *pci_of(struct device *d) { return container_of(d, struct pci, dev); }

static uint32_t get(const uint8_t *config, unsigned at, unsigned bytes)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; i++) value |= (uint32_t)config[(at + i) & 0xFF] << (8 * i);
    return value;
}

static void put(uint8_t *config, unsigned at, uint32_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) config[(at + i) & 0xFF] = (uint8_t)(value >> (8 * i));
}

void pci_header(struct pci_function *f, uint16_t vendor, uint16_t device, uint32_t class_code,
                uint8_t revision, uint8_t pin)
{
    put(f->config, VENDOR, vendor, 2);
    put(f->config, DEVICE_ID, device, 2);
    f->config[REVISION] = revision;
    put(f->config, CLASS, class_code, 3);
    f->config[IRQ_PIN] = pin;
}

/* ---- windows --------------------------------------------------------------------------------- */
static void unmap_bar(struct board *b, struct pci_function *f, struct pci_bar *bar)
{
    if (!bar->mapped) return;
    if (bar->kind == PCI_BAR_IO) board_release_ports(b, f->dev, (uint16_t)bar->base, bar->size);
    else memory_enable(board_memory(b), bar->region, false);
    bar->mapped = false;
}

/* Address 0 is what an unassigned BAR holds, and the end of the space what a BAR holds while
 * its size is being found out (6.2.5.1): neither is decoded. */
static bool usable(const struct pci_bar *bar, uint32_t base)
{
    uint64_t end = (uint64_t)base + bar->size;
    return base && (bar->kind == PCI_BAR_IO ? end <= 0x10000 : end < 0x100000000);
}

static void map_bar(struct board *b, struct pci_function *f, struct pci_bar *bar, uint32_t base)
{
    bar->base = base;
    if (bar->kind == PCI_BAR_IO) {
        bar->mapped = board_claim_ports(b, f->dev, (uint16_t)base, bar->size, bar->ops);
    } else if (bar->region) {
        memory_move(board_memory(b), bar->region, base);
        memory_enable(board_memory(b), bar->region, true);
        bar->mapped = true;
    }
}

static void update_bar(struct board *b, struct pci_function *f, unsigned index)
{
    struct pci_bar *bar = &f->bar[index];
    if (bar->kind == PCI_BAR_NONE) return;
    bool io = bar->kind == PCI_BAR_IO;
    uint32_t base = get(f->config, BAR0 + 4 * index, 4) & ~(io ? 3u : 15u);
    bool on = f->config[COMMAND] & (io ? COMMAND_IO : COMMAND_MEMORY) && usable(bar, base);
    if (on == bar->mapped && (!on || base == bar->base)) return;
    unmap_bar(b, f, bar);
    if (on) map_bar(b, f, bar, base);
}

static void update_rom(struct board *b, struct pci_function *f)
{
    if (!f->rom_region) return;
    uint32_t value = get(f->config, ROM_BAR, 4), base = value & ~0x7FFu;
    bool memory_on = f->config[COMMAND] & COMMAND_MEMORY || f->rom_any_time;
    bool on = memory_on && value & ROM_ENABLE && base &&
              (uint64_t)base + f->rom_size < 0x100000000;
    memory_enable(board_memory(b), f->rom_region, false);
    if (!on) return;
    memory_move(board_memory(b), f->rom_region, base);
    memory_enable(board_memory(b), f->rom_region, true);
}

static void update_windows(struct pci *p, struct pci_function *f)
{
    for (unsigned i = 0; i < COUNT_OF(f->bar); i++) update_bar(p->dev.board, f, i);
    update_rom(p->dev.board, f);
}

/* ---- adding functions ------------------------------------------------------------------------ */
static bool is_power_of_2(uint32_t n) { return n && !(n & (n - 1)); }

static bool bar_fits(const struct pci_bar *bar)
{
    switch (bar->kind) {
    case PCI_BAR_NONE: return true;
    case PCI_BAR_IO:
        return is_power_of_2(bar->size) && bar->size >= 4 && bar->size <= 256 && bar->ops;
    case PCI_BAR_MEMORY:
        return is_power_of_2(bar->size) && bar->size >= PAGE_SIZE && (bar->ops || bar->host);
    }
    return false;
}

static bool create_window(struct memory *m, struct pci_function *f, struct pci_bar *bar)
{
    if (bar->kind != PCI_BAR_MEMORY) return true;
    uint32_t parked = BAR_PARKED & ~(bar->size - 1);
    bar->region = bar->host ? memory_map_host(m, f->dev->id, REGION_RAM, BAR_PRIORITY, parked,
                                              bar->size, bar->host)
                            : memory_map_io(m, f->dev->id, BAR_PRIORITY, parked, bar->size, f->dev,
                                            bar->ops);
    if (bar->region) memory_enable(m, bar->region, false);
    return bar->region != NULL;
}

static bool create_windows(struct memory *m, struct pci_function *f)
{
    for (unsigned i = 0; i < COUNT_OF(f->bar); i++) {
        struct pci_bar *bar = &f->bar[i];
        bar->mapped = false;
        if (!bar_fits(bar) || !create_window(m, f, bar)) return false;
        uint32_t type = bar->kind == PCI_BAR_IO ? BAR_IO : bar->prefetchable ? BAR_PREFETCH : 0;
        put(f->config, BAR0 + 4 * i, type, 4);
    }
    f->rom_region = NULL;
    if (!f->rom || !is_power_of_2(f->rom_size) || f->rom_size < PAGE_SIZE) return true;
    /* REGION_ROM is never written to. */
    f->rom_region = memory_map_host(m, f->dev->id, REGION_ROM, ROM_PRIORITY,
                                    BAR_PARKED & ~(f->rom_size - 1), f->rom_size,
                                    (uint8_t *)(uintptr_t)f->rom);
    if (f->rom_region) memory_enable(m, f->rom_region, false);
    return f->rom_region != NULL;
}

static struct pci_function *find(const struct pci *p, unsigned devfn)
{
    struct pci_function *f = p->functions;
    while (f && f->devfn != devfn) f = f->next;
    return f;
}

static bool slot_empty(const struct pci *p, unsigned slot)
{
    for (unsigned function = 0; function < 8; function++)
        if (find(p, slot * 8 + function)) return false;
    return true;
}

/* INTx of slot n goes to PIRQ (n - 1 + x) mod 4: the wiring that PC BIOSes assume for this
 * chip set (slot 1 INTA# = PIRQA#). The pin is the one in the function's header. */
static unsigned pirq_of(const struct pci_function *f)
{
    return ((f->devfn >> 3) + 3u + (f->config[IRQ_PIN] ? f->config[IRQ_PIN] - 1u : 0u)) & 3;
}

static void inta_changed(void *listener, unsigned pirq, bool level)
{
    struct pci *p = listener;
    bool before = p->pirq_high[pirq] > 0;
    if (level) p->pirq_high[pirq]++;
    else if (p->pirq_high[pirq]) p->pirq_high[pirq]--;
    bool now = p->pirq_high[pirq] > 0;
    if (now != before && p->pirq) p->pirq(p->pirq_ctx, pirq, now);
}

bool pci_bus_add(struct device *bus, struct pci_function *f, int slot, unsigned function)
{
    struct pci *p = pci_of(bus);
    if (slot < 0)
        for (slot = FIRST_FREE; slot < SLOTS && !slot_empty(p, (unsigned)slot);) slot++;
    if (slot >= SLOTS || function > 7) return false;
    unsigned devfn = (unsigned)slot * 8 + function;
    if (find(p, devfn) || !create_windows(board_memory(bus->board), f)) return false;
    f->devfn = (uint8_t)devfn;
    memcpy(f->reset_config, f->config, sizeof f->config);
    f->inta = (struct line){ .changed = inta_changed, .listener = p, .pin = pirq_of(f) };
    f->next = p->functions;
    p->functions = f;
    return true;
}

void pci_bus_listen(struct device *bus, void (*pirq)(void *ctx, unsigned pirq, bool level),
                    void *ctx)
{
    struct pci *p = pci_of(bus);
    p->pirq = pirq;
    p->pirq_ctx = ctx;
}

bool pci_bus_pirq(struct device *bus, unsigned pirq)
{
    return pci_of(bus)->pirq_high[pirq & 3] > 0;
}

/* A function's configuration was replaced from outside (snapshot). */
void pci_restored(struct pci_function *f)
{
    struct device *bus = board_find(f->dev->board, "pci");
    if (bus) update_windows(pci_of(bus), f);
}

/* ---- configuration space --------------------------------------------------------------------- */
static uint8_t bar_writable(const struct pci_function *f, unsigned at)
{
    const struct pci_bar *bar = &f->bar[(at - BAR0) / 4];
    if (bar->kind == PCI_BAR_NONE) return 0;
    return (uint8_t)(~(bar->size - 1) >> (8 * (at & 3)));
}

static uint8_t rom_writable(const struct pci_function *f, unsigned at)
{
    if (!f->rom_region) return 0;
    return (uint8_t)((~(f->rom_size - 1) | ROM_ENABLE) >> (8 * (at & 3)));
}

/* The bits of one byte that a guest can change (6.1). */
static uint8_t writable(const struct pci_function *f, unsigned at)
{
    if (at == COMMAND) return COMMAND_WRITABLE & 0xFF;
    if (at == COMMAND + 1) return COMMAND_WRITABLE >> 8;
    if (at >= BAR0 && at < BAR_END) return bar_writable(f, at);
    if (at >= ROM_BAR && at < ROM_END) return rom_writable(f, at);
    if (at == CACHE_LINE || at == LATENCY || at == IRQ_LINE) return 0xFF;
    return f->writable[at];
}

static void write_byte(struct pci_function *f, unsigned at, uint8_t value)
{
    uint8_t mask = writable(f, at);
    f->config[at] = (uint8_t)((f->config[at] & ~mask) | (value & mask));
    if (at == STATUS + 1) f->config[at] &= (uint8_t)~(value & (STATUS_CLEARABLE >> 8));
}

static bool moves_windows(unsigned first, unsigned bytes)
{
    unsigned end = first + bytes;
    return (first < COMMAND + 2 && end > COMMAND) || (first < ROM_END && end > BAR0);
}

uint32_t pci_bus_read(struct device *bus, unsigned devfn, unsigned offset, unsigned bytes)
{
    const struct pci_function *f = find(pci_of(bus), devfn);
    return f ? get(f->config, offset, bytes) : UINT32_MAX >> (32 - 8 * bytes);
}

void pci_bus_write(struct device *bus, unsigned devfn, unsigned offset, uint32_t value,
                   unsigned bytes)
{
    struct pci *p = pci_of(bus);
    struct pci_function *f = find(p, devfn);
    if (!f) return;
    for (unsigned i = 0; i < bytes; i++)
        write_byte(f, (offset + i) & 0xFF, (uint8_t)(value >> (8 * i)));
    if (moves_windows(offset, bytes)) update_windows(p, f);
    if (f->written) f->written(f->dev, offset, bytes);
}

/* ---- ports ----------------------------------------------------------------------------------- */
static uint32_t address_read(struct device *d, uint32_t offset, enum width size)
{
    (void)offset;
    (void)size;
    return pci_of(d)->address;
}

/* Only a full dword is a write to CF8h, anything narrower passes to ISA (3.7.4.1). */
static void address_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    if (offset == 0 && size == DWORD) pci_of(d)->address = value & 0x80FFFFFC;
}

static uint32_t address_peek(const struct device *d, uint32_t offset)
{
    return container_of(d, const struct pci, dev)->address >> (8 * (offset & 3)) & 0xFF;
}

static bool selects(const struct pci *p)
{
    return p->address & ADDRESS_ENABLE && !(p->address >> 16 & 0xFF);
}

static unsigned clip(uint32_t offset, enum width size)
{
    return offset + size > 4 ? 4 - offset : size;
}

static uint32_t data_read(struct device *d, uint32_t offset, enum width size)
{
    const struct pci *p = pci_of(d);
    offset &= 3;
    if (!selects(p)) return UINT32_MAX;
    return pci_bus_read(d, p->address >> 8 & 0xFF, (p->address & 0xFC) + offset,
                        clip(offset, size));
}

static void data_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    const struct pci *p = pci_of(d);
    offset &= 3;
    if (!selects(p)) return;
    pci_bus_write(d, p->address >> 8 & 0xFF, (p->address & 0xFC) + offset, value,
                  clip(offset, size));
}

static uint32_t data_peek(const struct device *d, uint32_t offset)
{
    const struct pci *p = container_of(d, const struct pci, dev);
    const struct pci_function *f = selects(p) ? find(p, p->address >> 8 & 0xFF) : NULL;
    return f ? f->config[(p->address & 0xFC) + (offset & 3)] : 0xFF;
}

static const struct io_ops address_io = { address_read, address_write, address_peek, DWORD };
static const struct io_ops data_io = { data_read, data_write, data_peek, BYTE | WORD | DWORD };

/* ---- the device ------------------------------------------------------------------------------ */
static bool plug(struct device *d, struct board *b)
{
    return board_claim_ports(b, d, 0xCF8, 4, &address_io) &&
           board_claim_ports(b, d, 0xCFC, 4, &data_io);
}

static void reset(struct device *d, enum reset kind)
{
    struct pci *p = pci_of(d);
    (void)kind;
    p->address = 0;
    for (struct pci_function *f = p->functions; f; f = f->next) {
        memcpy(f->config, f->reset_config, sizeof f->config);
        update_windows(p, f);
    }
}

static const struct field state[] = {
    FIELD(struct pci, address), FIELD_N(struct pci, pirq_high), { 0 },
};

const struct device_class pci_class = {
    .name = "pci", .about = "PCI bus 0, configuration mechanism 1 (PCI 2.1)",
    .size = sizeof(struct pci), .state = state, .plug = plug, .reset = reset,
};
