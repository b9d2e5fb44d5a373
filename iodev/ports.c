/* SPDX-License-Identifier: MIT
 * Port dispatch: one index per port into a table of claims. Index 0 is "nobody".
 */
#include <stdlib.h>
#include "iodev/device.h"
#include "iodev/ports.h"

#define PORT_COUNT 0x10000u

struct claim {
    struct device *dev;                    /* NULL: a free row */
    const struct io_ops *ops;
    unsigned first, count;
    unsigned held;                         /* ports that still point here */
};

struct ports {
    uint16_t owner[PORT_COUNT];
    struct claim *claims;
    unsigned claim_count;
    struct log *log;
};

struct ports *ports_new(struct log *log)
{
    struct ports *p = calloc(1, sizeof *p);
    if (!p) return NULL;
    p->log = log;
    p->claim_count = 1;
    p->claims = calloc(1, sizeof *p->claims);
    if (p->claims) return p;
    free(p);
    return NULL;
}

void ports_free(struct ports *p)
{
    if (!p) return;
    free(p->claims);
    free(p);
}

static unsigned free_row(struct ports *p)
{
    for (unsigned i = 1; i < p->claim_count; i++)
        if (!p->claims[i].held) return i;
    if (p->claim_count == PORT_COUNT) return 0;
    struct claim *grown = realloc(p->claims, (p->claim_count + 1) * sizeof *grown);
    if (!grown) return 0;
    p->claims = grown;
    return p->claim_count++;
}

static const struct device *rival(const struct ports *p, const struct device *d, unsigned first,
                                  unsigned count, unsigned *where)
{
    for (unsigned port = first; port < first + count; port++) {
        const struct claim *c = &p->claims[p->owner[port]];
        *where = port;
        if (p->owner[port] && c->dev != d) return c->dev;
    }
    return NULL;
}

void ports_release(struct ports *p, struct device *d, uint16_t first, unsigned count)
{
    for (unsigned port = first; port < first + (uint64_t)count && port < PORT_COUNT; port++) {
        struct claim *c = &p->claims[p->owner[port]];
        if (!p->owner[port] || c->dev != d) continue;
        p->owner[port] = 0;
        c->held--;
    }
}

bool ports_claim(struct ports *p, struct device *d, uint16_t first, unsigned count,
                 const struct io_ops *ops)
{
    unsigned where;
    if (!count || count > PORT_COUNT - first || !ops) return false;
    const struct device *other = rival(p, d, first, count, &where);
    if (other) {
        log_line(p->log, "ports", LOG_WARN, "%s wants ports 0x%x-0x%x, but 0x%x belongs to %s",
                 d->id, first, first + count - 1, where, other->id);
        return false;
    }
    ports_release(p, d, first, count);
    unsigned row = free_row(p);
    if (!row) return false;
    p->claims[row] = (struct claim){ d, ops, first, count, count };
    for (unsigned port = first; port < first + count; port++) p->owner[port] = (uint16_t)row;
    return true;
}

/* How many of `left` bytes from `port` on go to the claim at `port` in one piece. */
static unsigned run_length(const struct ports *p, unsigned port, unsigned left)
{
    unsigned row = p->owner[port], run = 1;
    while (run < left && port + run < PORT_COUNT && p->owner[port + run] == row) run++;
    if (!row || run == left) return run;
    /* 16-bit registers at odd addresses (Bochs VBE at 1CFh), dwords around CF9h: the device
     * declares the whole width and nothing that would allow to cut it. */
    uint8_t widths = p->claims[row].ops->widths;
    bool only_whole = (left == WORD || left == DWORD) && widths & left && !(widths & (left - 1));
    return only_whole ? left : run;
}

static uint32_t mask_of(unsigned bytes)
{
    return UINT32_MAX >> (32 - 8 * bytes);
}

static uint32_t ports_in_parts(struct ports *p, uint16_t port, enum width size)
{
    uint32_t value = 0;
    for (unsigned done = 0; done < size;) {
        unsigned at = port + done;
        if (at >= PORT_COUNT) return value | (mask_of(size) & ~mask_of(done));
        unsigned run = run_length(p, at, size - done);
        struct claim c = p->claims[p->owner[at]];       /* a copy: the call may change the table */
        uint32_t part = c.dev && c.ops ? io_read(c.dev, c.ops, at - c.first, run) : mask_of(run);
        if (!c.dev && !done)
            log_line(p->log, "ports", LOG_DEBUG, "read of port 0x%x: nobody there", port);
        value |= part << (8 * done);
        done += run;
    }
    return value;
}

static void ports_out_parts(struct ports *p, uint16_t port, uint32_t value, enum width size)
{
    for (unsigned done = 0; done < size && port + done < PORT_COUNT;) {
        unsigned at = port + done;
        unsigned run = run_length(p, at, size - done);
        struct claim c = p->claims[p->owner[at]];
        if (c.dev && c.ops) io_write(c.dev, c.ops, at - c.first, value >> (8 * done), run);
        else if (!done)
            log_line(p->log, "ports", LOG_DEBUG, "write of 0x%x to port 0x%x: nobody there",
                     value, port);
        done += run;
    }
}

/* The claim that gets an access of this size whole, just as it is; else NULL. */
static inline const struct claim *whole(const struct ports *p, unsigned port, unsigned size)
{
    const struct claim *c = &p->claims[p->owner[port]];
    bool fits = c->dev && c->ops->widths & size && port - c->first + size <= c->count;
    return likely(fits && c->held == c->count) ? c : NULL;
}

uint32_t ports_in(struct ports *p, uint16_t port, enum width size)
{
    const struct claim *all = whole(p, port, size);
    if (all && all->ops->read)
        return all->ops->read(all->dev, port - all->first, size) & mask_of(size);
    return ports_in_parts(p, port, size);
}

void ports_out(struct ports *p, uint16_t port, uint32_t value, enum width size)
{
    const struct claim *all = whole(p, port, size);
    if (all && all->ops->write)
        all->ops->write(all->dev, port - all->first, value & mask_of(size), size);
    else ports_out_parts(p, port, value, size);
}
static const struct io_run_ops *runs_of(const struct claim *c)
{
    return c && c->ops->widths & IO_RUNS ? container_of(c->ops, const struct io_run_ops, one)
                                         : NULL;
}

uint32_t ports_in_run(struct ports *p, uint16_t port, enum width size, uint8_t *to, uint32_t count)
{
    const struct claim *c = whole(p, port, size);
    const struct io_run_ops *runs = runs_of(c);
    return runs ? runs->read(c->dev, port - c->first, size, to, count) : 0;
}

uint32_t ports_out_run(struct ports *p, uint16_t port, enum width size, const uint8_t *from,
                       uint32_t count)
{
    const struct claim *c = whole(p, port, size);
    const struct io_run_ops *runs = runs_of(c);
    return runs ? runs->write(c->dev, port - c->first, size, from, count) : 0;
}

uint8_t ports_peek(const struct ports *p, uint16_t port)
{
    const struct claim *c = &p->claims[p->owner[port]];
    return p->owner[port] ? io_peek(c->dev, c->ops, port - c->first) : 0xFF;
}

const struct device *ports_owner(const struct ports *p, uint16_t port)
{
    return p->owner[port] ? p->claims[p->owner[port]].dev : NULL;
}
