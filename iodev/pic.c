/* SPDX-License-Identifier: MIT
 * Interrupt controllers: two 8259A, the second one behind input 2 of the first.
 * Intel 8259A data sheet (order 231468-003, 1988); edge/level control from the 82371SB (PIIX3)
 * data sheet (290550-002, 1997), section 2.5.8.
 *
 *   IRQ 8..15 --> [slave  A0h] --INT--> IR2
 *   IRQ 0,1,3..7 --------------------> [master 20h] --INT--> INTR of the CPU
 *
 * Not implemented: MCS-80 mode (a CALL instead of a vector; ICW4 bit 0 = 0 acts as 1), buffered
 * mode, cascades other than slave on input 2 (ICW3 is stored, the wiring is fixed).
 */
#include "iodev/board.h"
#include "iodev/pic.h"

enum { CASCADE = 2 };
enum { ICW1_IC4 = 0x01, ICW1_SNGL = 0x02, ICW1_LTIM = 0x08, ICW1 = 0x10 };
enum { ICW4_AEOI = 0x02, ICW4_SFNM = 0x10 };
enum { OCW2_EOI = 0x20, OCW2_SL = 0x40, OCW2_R = 0x80 };
enum { OCW3_RIS = 0x01, OCW3_RR = 0x02, OCW3_P = 0x04, OCW3 = 0x08, OCW3_SMM = 0x20,
       OCW3_ESMM = 0x40 };
enum { ELCR_ALLOWED = 0xDEF8 };                /* PIIX3: the other bits are reserved, edge only */

struct i8259 {
    uint8_t pins;                              /* levels at IR0-7                               */
    uint8_t edges;                             /* rose since ICW1, not acknowledged, still high */
    uint8_t elcr;
    uint8_t isr, imr;
    uint8_t lowest;                            /* input of lowest priority; the next is highest */
    uint8_t icw1, icw2, icw3, icw4;
    uint8_t init;                              /* ICW expected next at A0=1: 2, 3, 4; 0 = none  */
    bool special_mask, rotate_aeoi, poll, read_isr;
};

struct pic {
    struct device dev;
    struct i8259 master, slave;
    struct line intr;
};

static struct pic *pic_of(struct device *d) { return container_of(d, struct pic, dev); }

/* IRR: in edge mode a request also vanishes when its pin falls before the acknowledge (p. 17). */
static uint8_t irr(const struct i8259 *c)
{
    uint8_t level = c->icw1 & ICW1_LTIM ? 0xFF : c->elcr;
    return c->pins & (c->edges | level);
}

/* The set bit of highest priority as a distance 0-7 from the top, 8 if there is none. */
static unsigned top(const struct i8259 *c, uint8_t bits)
{
    unsigned twice = bits | (unsigned)bits << 8;
    return bits ? (unsigned)__builtin_ctz(twice >> ((c->lowest + 1) & 7)) : 8;
}

static unsigned input(const struct i8259 *c, unsigned rank) { return (c->lowest + 1 + rank) & 7; }

/* ISR bits that hold back others. Special mask mode (p. 15): masked ones do not. */
static uint8_t in_service(const struct i8259 *c)
{
    return c->special_mask ? c->isr & ~c->imr : c->isr;
}

/* The request that INT stands for, as a rank, 8 if none. In special fully nested mode (p. 18) the
 * input of a slave in service may request again: another of its inputs may be more urgent. */
static unsigned request(const struct i8259 *c)
{
    uint8_t asking = irr(c) & (uint8_t)~c->imr;
    if (!asking) return 8;
    unsigned rank = top(c, asking), busy = top(c, in_service(c));
    bool again = c->icw4 & ICW4_SFNM && rank == busy && c->icw3 >> input(c, rank) & 1;
    if (c->init) return 8;
    return rank < busy || again ? rank : 8;
}

static void set_pin(struct i8259 *c, unsigned pin, bool level)
{
    uint8_t bit = (uint8_t)(1u << pin);
    if (!level) {
        c->pins &= ~bit;
        c->edges &= ~bit;
    } else if (!(c->pins & bit)) {
        c->pins |= bit;
        c->edges |= bit;
    }
}

static void update(struct pic *p)
{
    set_pin(&p->master, CASCADE, request(&p->slave) < 8);
    line_set(&p->intr, request(&p->master) < 8);
}

static void end_of_interrupt(struct i8259 *c, unsigned in, bool rotate)
{
    c->isr &= (uint8_t)~(1u << in);
    if (rotate) c->lowest = (uint8_t)in;
}

/* First INTA pulse: freezes the winner; returns its input, 8 if there is none any more. */
static unsigned take(struct i8259 *c)
{
    unsigned rank = request(c);
    if (rank == 8) return 8;
    unsigned in = input(c, rank);
    c->edges &= (uint8_t)~(1u << in);
    c->isr |= (uint8_t)(1u << in);
    if (c->icw4 & ICW4_AEOI) end_of_interrupt(c, in, c->rotate_aeoi);
    return in;
}

/* INT of the slave falls with INTA, so that a second request of it is a new edge at the master. */
static unsigned take_slave(struct pic *p)
{
    unsigned in = take(&p->slave);
    set_pin(&p->master, CASCADE, false);
    return in;
}

uint8_t pic_acknowledge(struct device *d)
{
    struct pic *p = pic_of(d);
    unsigned in = take(&p->master);
    uint8_t vector = p->master.icw2 | (in & 7);
    if (in == 8) vector = p->master.icw2 | 7;              /* p. 17: default IR7, no ISR bit */
    if (in == CASCADE) {
        in = take_slave(p);
        vector = p->slave.icw2 | (in == 8 ? 7 : in);
    }
    update(p);
    return vector;
}

void pic_set_irq(struct device *d, unsigned irq, bool level)
{
    struct pic *p = pic_of(d);
    if (irq > 15 || irq == CASCADE) return;
    set_pin(irq < 8 ? &p->master : &p->slave, irq & 7, level);
    update(p);
}

void pic_set_elcr(struct device *d, unsigned mask)
{
    struct pic *p = pic_of(d);
    mask &= ELCR_ALLOWED;
    p->master.elcr = (uint8_t)mask;
    p->slave.elcr = (uint8_t)(mask >> 8);
    update(p);
}

/* ---- command words --------------------------------------------------------------------------- */

static void write_icw1(struct i8259 *c, uint8_t value)
{
    c->icw1 = value;
    c->icw4 = 0;                                           /* p. 11, e) */
    c->imr = c->isr = c->edges = 0;
    c->lowest = 7;
    c->special_mask = c->rotate_aeoi = c->poll = c->read_isr = false;
    c->init = 2;
}

/* ICW2 to ICW4, or OCW1. */
static void write_odd(struct i8259 *c, uint8_t value)
{
    switch (c->init) {
    case 2:
        c->icw2 = value & 0xF8;
        c->init = !(c->icw1 & ICW1_SNGL) ? 3 : c->icw1 & ICW1_IC4 ? 4 : 0;
        break;
    case 3:
        c->icw3 = value;
        c->init = c->icw1 & ICW1_IC4 ? 4 : 0;
        break;
    case 4:
        c->icw4 = value;
        c->init = 0;
        break;
    default:
        c->imr = value;
        break;
    }
}

/* A non-specific EOI passes over masked levels in special mask mode (p. 15). */
static void eoi_command(struct i8259 *c, uint8_t value)
{
    unsigned rank = top(c, in_service(c));
    unsigned in = value & OCW2_SL ? value & 7u : input(c, rank & 7);
    if (value & OCW2_SL || rank < 8) end_of_interrupt(c, in, value & OCW2_R);
}

static void write_ocw2(struct i8259 *c, uint8_t value)
{
    switch (value & (OCW2_R | OCW2_SL | OCW2_EOI)) {
    case 0:                c->rotate_aeoi = false;            break;
    case OCW2_R:           c->rotate_aeoi = true;             break;
    case OCW2_SL:                                             break;   /* no operation */
    case OCW2_R | OCW2_SL: c->lowest = value & 7;             break;
    default:               eoi_command(c, value);             break;
    }
}

static void write_ocw3(struct i8259 *c, uint8_t value)
{
    if (value & OCW3_ESMM) c->special_mask = value & OCW3_SMM;
    if (value & OCW3_P) c->poll = true;                    /* overrides a register read (p. 16) */
    else if (value & OCW3_RR) c->read_isr = value & OCW3_RIS;
}

static void pic_write(struct pic *p, struct i8259 *c, uint32_t offset, uint8_t value)
{
    if (offset & 1) write_odd(c, value);
    else if (value & ICW1) write_icw1(c, value);
    else if (value & OCW3) write_ocw3(c, value);
    else write_ocw2(c, value);
    update(p);
}

/* ---- reading --------------------------------------------------------------------------------- */

/* The poll word stands for INTA (p. 16): bit 7 = there was a request, bits 0-2 = its input. */
static uint8_t poll(struct pic *p, struct i8259 *c)
{
    unsigned in = c == &p->slave ? take_slave(p) : take(c);
    c->poll = false;
    update(p);
    return in == 8 ? 0 : 0x80 | (uint8_t)in;
}

static uint8_t look(const struct i8259 *c, uint32_t offset)
{
    if (offset & 1) return c->imr;
    return c->read_isr ? c->isr : irr(c);
}

static uint8_t pic_read(struct pic *p, struct i8259 *c, uint32_t offset)
{
    return c->poll ? poll(p, c) : look(c, offset);
}

static uint32_t master_read(struct device *d, uint32_t offset, enum width w)
{
    (void)w;
    return pic_read(pic_of(d), &pic_of(d)->master, offset);
}

static void master_write(struct device *d, uint32_t offset, uint32_t value, enum width w)
{
    (void)w;
    pic_write(pic_of(d), &pic_of(d)->master, offset, (uint8_t)value);
}

static uint32_t master_peek(const struct device *d, uint32_t offset)
{
    return look(&container_of(d, const struct pic, dev)->master, offset);
}

static uint32_t slave_read(struct device *d, uint32_t offset, enum width w)
{
    (void)w;
    return pic_read(pic_of(d), &pic_of(d)->slave, offset);
}

static void slave_write(struct device *d, uint32_t offset, uint32_t value, enum width w)
{
    (void)w;
    pic_write(pic_of(d), &pic_of(d)->slave, offset, (uint8_t)value);
}

static uint32_t slave_peek(const struct device *d, uint32_t offset)
{
    return look(&container_of(d, const struct pic, dev)->slave, offset);
}

static const struct io_ops master_io = { master_read, master_write, master_peek, BYTE };
static const struct io_ops slave_io = { slave_read, slave_write, slave_peek, BYTE };

/* ---- device ---------------------------------------------------------------------------------- */

static bool plug(struct device *d, struct board *b)
{
    struct pic *p = pic_of(d);
    p->intr = board_wire(b, WIRE_INTR);
    return board_claim_ports(b, d, 0x20, 2, &master_io) &&
           board_claim_ports(b, d, 0xA0, 2, &slave_io);
}

/* The chip has no reset pin; all masked is the quiet state until ICW1. Pins belong to others. */
static void reset_chip(struct i8259 *c)
{
    *c = (struct i8259){ .pins = c->pins, .imr = 0xFF, .lowest = 7 };
}

static void reset(struct device *d, enum reset kind)
{
    struct pic *p = pic_of(d);
    (void)kind;
    reset_chip(&p->master);
    reset_chip(&p->slave);
    update(p);
}

static void check_chip(struct i8259 *c)
{
    c->lowest &= 7;
    if (c->init == 1 || c->init > 4) c->init = 0;
}

static void restored(struct device *d)
{
    struct pic *p = pic_of(d);
    check_chip(&p->master);
    check_chip(&p->slave);
    update(p);
}

#define CHIP(c) \
    FIELD(struct pic, c.pins), FIELD(struct pic, c.edges), FIELD(struct pic, c.elcr), \
    FIELD(struct pic, c.isr), FIELD(struct pic, c.imr), FIELD(struct pic, c.lowest), \
    FIELD(struct pic, c.icw1), FIELD(struct pic, c.icw2), FIELD(struct pic, c.icw3), \
    FIELD(struct pic, c.icw4), FIELD(struct pic, c.init), FIELD(struct pic, c.special_mask), \
    FIELD(struct pic, c.rotate_aeoi), FIELD(struct pic, c.poll), FIELD(struct pic, c.read_isr)

static const struct field state[] = {
    CHIP(master), CHIP(slave), FIELD_LINE(struct pic, intr), { 0 },
};

const struct device_class pic_class = {
    .name = "pic", .about = "two Intel 8259A interrupt controllers",
    .size = sizeof(struct pic), .state = state,
    .plug = plug, .reset = reset, .restored = restored,
};
