/* SPDX-License-Identifier: MIT
 * System control port A, 92h: fast A20 gate and fast CPU reset.
 * IBM Personal System/2 Hardware Interface Technical Reference (1988), "System Control Port A";
 * the same register in PIIX-class chips.
 *
 *   bit 1  A20 gate
 *   bit 0  0 -> 1 resets the processor, and only it
 *
 * Gate and keyboard controller: the last write wins, and bit 1 shows it. Chips that watch the
 * keyboard controller's commands do so; others OR the two. With an OR, A20 could not be closed
 * through one of them once a BIOS has opened it through the other,
 * which DOS's HIMEM complains about.
 *
 * Not implemented: security lock (bit 3), watchdog (bit 4), disk light (bits 6-7): kept only.
 */
#include "iodev/board.h"

enum { FAST_RESET = 0x01, FAST_A20 = 0x02 };

struct port92 {
    struct device dev;
    struct line   a20, reset;
    uint8_t       value;
};

static struct port92 *port92_of(struct device *d) { return container_of(d, struct port92, dev); }

static uint32_t port_read(struct device *d, uint32_t offset, enum width size)
{
    (void)offset;
    (void)size;
    return port92_of(d)->value;
}

static uint32_t port_peek(const struct device *d, uint32_t offset)
{
    (void)offset;
    return container_of(d, const struct port92, dev)->value;
}

static void keyboard_a20(void *ctx, unsigned wire, bool open)
{
    struct port92 *p = ctx;
    (void)wire;
    p->value = (uint8_t)(open ? p->value | FAST_A20 : p->value & ~FAST_A20);
    line_set(&p->a20, open);
}

static void port_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    struct port92 *p = port92_of(d);
    bool resets = value & FAST_RESET && !(p->value & FAST_RESET);
    (void)offset;
    (void)size;
    p->value = (uint8_t)value;
    line_set(&p->a20, value & FAST_A20);
    if (!resets) return;
    line_set(&p->reset, true);
    line_set(&p->reset, false);
}

static const struct io_ops port_io = { port_read, port_write, port_peek, BYTE };

static bool plug(struct device *d, struct board *b)
{
    struct port92 *p = port92_of(d);
    p->a20 = board_wire(b, WIRE_A20);
    p->reset = board_wire(b, WIRE_RESET);
    board_listen(b, WIRE_KEYBOARD_A20, keyboard_a20, p);
    return board_claim_ports(b, d, 0x92, 1, &port_io);
}

/* Open, as the keyboard controller's pin floats high: the reset vector could not be fetched. */
static void reset(struct device *d, enum reset kind)
{
    struct port92 *p = port92_of(d);
    (void)kind;
    p->value = FAST_A20;
    line_set(&p->a20, true);
}

static const struct field state[] = {
    FIELD(struct port92, value), FIELD_LINE(struct port92, a20), { 0 },
};

const struct device_class port92_class = {
    .name = "port92", .about = "system control port A (IBM PS/2 Hardware Interface)",
    .size = sizeof(struct port92), .state = state, .plug = plug, .reset = reset,
};
