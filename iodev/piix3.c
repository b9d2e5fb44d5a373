/* SPDX-License-Identifier: MIT
 * Intel 82371SB (PIIX3) PCI to ISA bridge, PCI function 00:01.0: routes the four PCI interrupt
 * lines to ISA requests, edge/level control, reset control.
 * 82371FB (PIIX) and 82371SB (PIIX3) PCI ISA IDE Xcelerator, Intel 290550-002 (1997), 2.2 and 2.5.
 *
 * Not implemented: X-bus and ISA timing registers (kept, without effect), motherboard device
 * interrupt and DMA routing, distributed DMA, SMI sources (see piix4_pm.c for B2h).
 */
#include <string.h>
#include "iodev/board.h"
#include "iodev/pci_bus.h"
#include "iodev/pic.h"

enum { IORT = 0x4C, XBCS = 0x4E, PIRQRCA = 0x60, TOM = 0x69, MBIRQ = 0x70, APICBASE = 0x80,
       DLC = 0x82, SMICNTL = 0xA0, CTLTMR_END = 0xAF };
enum { ROUTE_DISABLED = 0x80, ROUTE_IRQ = 0x0F };
enum { HARD_RESET = 0x02, RESET_CPU = 0x04 };
#define PIRQ_COUNT 4
#define ROUTABLE   0xDEF8u                 /* 3-7, 9-12, 14, 15 (2.2.10) */

struct piix3 {
    struct device dev;
    struct pci_function pci;
    struct line irq[PIRQ_COUNT];           /* where each PIRQ goes now */
    uint8_t routed[PIRQ_COUNT];            /* the IRQ in irq[]; 0: none */
    struct line cpu_reset, system_reset;
    uint8_t elcr[2];
    uint8_t reset_control;
    struct device *bus, *pic;
};

static struct piix3 *piix3_of(struct device *d) { return container_of(d, struct piix3, dev); }

/* ---- PIRQ routing ---------------------------------------------------------------------------- */
static unsigned route(const struct piix3 *p, unsigned pirq)
{
    uint8_t value = p->pci.config[PIRQRCA + pirq];
    unsigned irq = value & ROUTE_IRQ;
    return value & ROUTE_DISABLED || !(ROUTABLE >> irq & 1) ? 0 : irq;
}

static void pirq_changed(void *ctx, unsigned pirq, bool level)
{
    struct piix3 *p = ctx;
    if (p->routed[pirq & 3]) line_set(&p->irq[pirq & 3], level);
}

/* A line that is asserted while its route changes moves along. */
static void reroute(struct piix3 *p)
{
    for (unsigned i = 0; i < PIRQ_COUNT; i++) {
        unsigned irq = route(p, i);
        if (irq == p->routed[i]) continue;
        line_set(&p->irq[i], false);
        p->routed[i] = (uint8_t)irq;
        p->irq[i] = irq ? board_irq(p->dev.board, irq) : (struct line){ 0 };
        if (irq && p->bus) line_set(&p->irq[i], pci_bus_pirq(p->bus, i));
    }
}

static void written(struct device *d, unsigned offset, unsigned len)
{
    (void)offset;
    (void)len;
    reroute(piix3_of(d));
}

/* ---- 4D0h, 4D1h: edge/level control ---------------------------------------------------------- */
static void apply_elcr(struct piix3 *p)
{
    if (p->pic) pic_set_elcr(p->pic, p->elcr[0] | (unsigned)p->elcr[1] << 8);
}

static uint32_t elcr_read(struct device *d, uint32_t offset, enum width size)
{
    (void)size;
    return piix3_of(d)->elcr[offset & 1];
}

static uint32_t elcr_peek(const struct device *d, uint32_t offset)
{
    return container_of(d, const struct piix3, dev)->elcr[offset & 1];
}

static void elcr_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    static const uint8_t possible[] = { ROUTABLE & 0xFF, ROUTABLE >> 8 };
    struct piix3 *p = piix3_of(d);
    (void)size;
    p->elcr[offset & 1] = (uint8_t)value & possible[offset & 1];
    apply_elcr(p);
}

/* ---- CF9h: reset control (2.5.4.2) ----------------------------------------------------------- */
static uint32_t reset_read(struct device *d, uint32_t offset, enum width size)
{
    (void)offset;
    (void)size;
    return piix3_of(d)->reset_control;
}

static uint32_t reset_peek(const struct device *d, uint32_t offset)
{
    (void)offset;
    return container_of(d, const struct piix3, dev)->reset_control;
}

/* The reset happens when bit 2 goes from 0 to 1; bit 1 says whether of all or of the CPU. */
static void reset_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    struct piix3 *p = piix3_of(d);
    bool rises = value & RESET_CPU && !(p->reset_control & RESET_CPU);
    (void)offset;
    (void)size;
    p->reset_control = value & (HARD_RESET | RESET_CPU);
    if (!rises) return;
    struct line *l = value & HARD_RESET ? &p->system_reset : &p->cpu_reset;
    line_set(l, true);
    line_set(l, false);
}

static const struct io_ops elcr_io = { elcr_read, elcr_write, elcr_peek, BYTE };
static const struct io_ops reset_io = { reset_read, reset_write, reset_peek, BYTE };

/* ---- the device ------------------------------------------------------------------------------ */
static void fill_config(struct pci_function *f)
{
    pci_header(f, 0x8086, 0x7000, 0x060100, 0x00, 0);
    f->config[0x04] = 0x07;
    f->config[0x07] = 0x02;
    f->config[0x0E] = 0x80;                /* more functions in this slot: IDE, power management */
    f->config[IORT] = 0x4D;
    f->config[XBCS] = 0x03;
    memset(&f->config[PIRQRCA], ROUTE_DISABLED, PIRQ_COUNT);
    f->config[TOM] = 0x02;
    f->config[MBIRQ] = 0x80;
    f->config[SMICNTL] = 0x08;
    f->writable[IORT] = f->writable[XBCS] = f->writable[XBCS + 1] = 0xFF;
    memset(&f->writable[PIRQRCA], ROUTE_DISABLED | ROUTE_IRQ, PIRQ_COUNT);
    memset(&f->writable[TOM], 0xFF, 3);
    memset(&f->writable[MBIRQ], 0xFF, 2);
    memset(&f->writable[0x76], 0xFF, 4);
    memset(&f->writable[APICBASE], 0xFF, DLC - APICBASE + 1);
    memset(&f->writable[SMICNTL], 0xFF, CTLTMR_END - SMICNTL + 1);
}

static bool plug(struct device *d, struct board *b)
{
    struct piix3 *p = piix3_of(d);
    fill_config(&p->pci);
    p->pci.dev = d;
    p->pci.written = written;
    p->bus = board_find(b, "pci");
    p->pic = board_find(b, "pic");
    p->cpu_reset = board_wire(b, WIRE_RESET);
    p->system_reset = board_wire(b, WIRE_SYSTEM_RESET);
    if (!board_pci_add(b, &p->pci, 1, 0)) {
        device_log(d, LOG_ERROR, "PCI slot 1 is taken, or there is no PCI bus");
        return false;
    }
    if (p->bus) {
        pci_bus_listen(p->bus, pirq_changed, p);
        board_release_ports(b, p->bus, 0xCF9, 1);  /* inside CF8h-CFBh, but only dwords are PCI's */
    }
    return board_claim_ports(b, d, 0x4D0, 2, &elcr_io) &&
           board_claim_ports(b, d, 0xCF9, 1, &reset_io);
}

static void reset(struct device *d, enum reset kind)
{
    struct piix3 *p = piix3_of(d);
    (void)kind;
    memcpy(p->pci.config, p->pci.reset_config, sizeof p->pci.config);
    memset(p->elcr, 0, sizeof p->elcr);
    p->reset_control = 0;
    reroute(p);
    apply_elcr(p);
}

/* The routes are not part of the state: nothing drives irq[] yet, reroute() does it anew. */
static void restored(struct device *d)
{
    struct piix3 *p = piix3_of(d);
    pci_restored(&p->pci);
    for (unsigned i = 0; i < PIRQ_COUNT; i++) {
        p->routed[i] = 0;
        p->irq[i] = (struct line){ 0 };
    }
    reroute(p);
    apply_elcr(p);
}

static const struct field state[] = {
    FIELD_N(struct piix3, pci.config), FIELD_N(struct piix3, elcr),
    FIELD(struct piix3, reset_control),
    { 0 },
};

const struct device_class piix3_class = {
    .name = "piix3", .about = "Intel 82371SB PCI to ISA bridge (290550-002)",
    .size = sizeof(struct piix3), .state = state, .plug = plug, .reset = reset,
    .restored = restored,
};
