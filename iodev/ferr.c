/* SPDX-License-Identifier: MIT
 * Coprocessor errors as on the PC/AT: FERR# of the processor becomes IRQ 13, port F0h answers it.
 * Intel 82371SB (PIIX3) data sheet (290550-002, 1997), section 2.5.5.3 (coprocessor error
 * register); Intel SDM vol. 1, D.2.1.2 and figure D-1.
 *
 *   FERR# rises        -> IRQ 13, kept until port F0h is written
 *   F0h is written     -> IRQ 13 off; IGNNE# on, if FERR# is still there
 *   FERR# falls        -> IGNNE# off
 *
 * F1h reset the 80287; nothing happens there. XBCS bit 5 of the PIIX3, which firmware sets to have
 * all this, is taken as set: an ISA board has no such switch.
 */
#include "iodev/board.h"

#define IRQ 13

struct ferr {
    struct device dev;
    struct line irq, ignne;
    bool error;                            /* FERR# */
};

static struct ferr *ferr_of(struct device *d) { return container_of(d, struct ferr, dev); }

static void error_changed(void *ctx, unsigned wire, bool level)
{
    struct ferr *f = ctx;
    (void)wire;
    f->error = level;
    if (level) line_set(&f->irq, true);
    else line_set(&f->ignne, false);
}

static void port_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    struct ferr *f = ferr_of(d);
    (void)value;
    (void)size;
    if (offset != 0) return;
    line_set(&f->irq, false);
    line_set(&f->ignne, f->error);
}

static const struct io_ops port_io = { NULL, port_write, NULL, BYTE };

static bool plug(struct device *d, struct board *b)
{
    struct ferr *f = ferr_of(d);
    f->irq = board_irq(b, IRQ);
    f->ignne = board_wire(b, WIRE_IGNNE);
    board_listen(b, WIRE_FERR, error_changed, f);
    return board_claim_ports(b, d, 0xF0, 2, &port_io);
}

static void reset(struct device *d, enum reset kind)
{
    struct ferr *f = ferr_of(d);
    (void)kind;
    line_set(&f->irq, false);
    line_set(&f->ignne, false);
}

static const struct field state[] = {
    FIELD(struct ferr, error), FIELD_LINE(struct ferr, irq), FIELD_LINE(struct ferr, ignne), { 0 },
};

const struct device_class ferr_class = {
    .name = "ferr", .about = "coprocessor error logic (Intel 82371SB, port F0h)",
    .size = sizeof(struct ferr), .state = state, .plug = plug, .reset = reset,
};
