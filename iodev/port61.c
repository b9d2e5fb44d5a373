/* SPDX-License-Identifier: MIT
 * System control port B at 61h: the gate of PIT channel 2, the speaker, NMI sources.
 * Intel 82371SB (PIIX3) data sheet (290550-002, 1997), section 2.5.5.1 (NMISC).
 *
 *   7 SERR# NMI   6 IOCHK# NMI   5 OUT 2   4 refresh toggle   (read only)
 *   3 IOCHK# off  2 SERR# off    1 speaker data   0 gate of channel 2
 *
 * WIRE_SPEAKER carries bit 1: the speaker then follows OUT 2 (see pit_tone()).
 *
 * Not implemented: parity and channel check errors never happen here, so bits 6 and 7 read 0.
 */
#include "iodev/board.h"
#include "iodev/pit.h"

enum { GATE2 = 0x01, SPEAKER = 0x02, WRITABLE = 0x0F, REFRESH = 0x10, OUT2 = 0x20 };
enum { REFRESH_CLOCKS = 18 };              /* PIT clocks per refresh: 15.085 us, as the XT set it */

struct port61 {
    struct device dev;
    struct line gate2, speaker;
    struct device *pit;                    /* found at a reset, so that a read need not search */
    uint8_t control;
};

static struct port61 *port61_of(struct device *d) { return container_of(d, struct port61, dev); }

static uint8_t value(const struct port61 *p)
{
    struct device *pit = p->pit ? p->pit : board_find(p->dev.board, "pit");
    uint64_t clocks = muldiv64(clock_now(board_clock(p->dev.board)), PIT_HZ, SECOND);
    uint8_t v = p->control;
    if (clocks / REFRESH_CLOCKS & 1) v |= REFRESH;
    if (pit && pit_out2(pit, clocks)) v |= OUT2;
    return v;
}

static uint32_t port61_read(struct device *d, uint32_t offset, enum width w)
{
    (void)offset;
    (void)w;
    return value(port61_of(d));
}

static uint32_t port61_peek(const struct device *d, uint32_t offset)
{
    (void)offset;
    return value(container_of(d, const struct port61, dev));
}

static void drive(struct port61 *p)
{
    line_set(&p->gate2, p->control & GATE2);
    line_set(&p->speaker, p->control & SPEAKER);
}

static void port61_write(struct device *d, uint32_t offset, uint32_t v, enum width w)
{
    struct port61 *p = port61_of(d);
    (void)offset;
    (void)w;
    p->control = v & WRITABLE;
    drive(p);
}

static const struct io_ops port61_io = { port61_read, port61_write, port61_peek, BYTE };

static bool plug(struct device *d, struct board *b)
{
    struct port61 *p = port61_of(d);
    p->gate2 = board_wire(b, WIRE_PIT2_GATE);
    p->speaker = board_wire(b, WIRE_SPEAKER);
    return board_claim_ports(b, d, 0x61, 1, &port61_io);
}

static void reset(struct device *d, enum reset kind)
{
    (void)kind;
    port61_of(d)->pit = board_find(d->board, "pit");
    port61_of(d)->control = 0;
    drive(port61_of(d));
}

static const struct field state[] = {
    FIELD(struct port61, control), FIELD_LINE(struct port61, gate2),
    FIELD_LINE(struct port61, speaker), { 0 },
};

const struct device_class port61_class = {
    .name = "port61", .about = "system control port B (Intel 82371SB, NMISC)",
    .size = sizeof(struct port61), .state = state, .plug = plug, .reset = reset,
};
