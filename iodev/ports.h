/* SPDX-License-Identifier: MIT
 * The 64 K I/O ports: who claimed which, and accesses cut to fit.
 */
#pragma once
#include "base/io.h"
#include "base/log.h"

struct ports;

struct ports *ports_new(struct log *);               /* NULL: out of memory */
void ports_free(struct ports *);

/* False when one of the ports belongs to another device (logged with both names), beyond 0xFFFF,
 * or out of memory. A device may claim over its own ports. */
bool ports_claim(struct ports *, struct device *, uint16_t first, unsigned count,
                 const struct io_ops *);
void ports_release(struct ports *, struct device *, uint16_t first, unsigned count);

/* A port that belongs to nobody reads as ones. An access that runs out of a claim goes on in the
 * next one; it is passed whole to a device that knows its width and nothing narrower. */
uint32_t ports_in(struct ports *, uint16_t port, enum width);
void     ports_out(struct ports *, uint16_t port, uint32_t value, enum width);
/* Up to count accesses of one width to one port, see struct io_run_ops. 0: make single ones. */
uint32_t ports_in_run(struct ports *, uint16_t port, enum width, uint8_t *to, uint32_t count);
uint32_t ports_out_run(struct ports *, uint16_t port, enum width, const uint8_t *from,
                       uint32_t count);
uint8_t  ports_peek(const struct ports *, uint16_t port);      /* no side effects */
const struct device *ports_owner(const struct ports *, uint16_t port);   /* NULL: nobody */
