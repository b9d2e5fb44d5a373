/* SPDX-License-Identifier: MIT
 * QEMU's qtest protocol: a test program drives the board's ports, memory and clock over a socket,
 * without a processor. Every command is one line, answered by a line that begins with OK or FAIL:
 *
 *     inb ADDR          OK 0x00ff             outb ADDR VALUE        OK          (b w l)
 *     readb ADDR        OK 0x00000000000000ff writeb ADDR VALUE      OK          (b w l q)
 *     read ADDR SIZE    OK 0x00ff...          write ADDR SIZE 0x00.. OK    memset ADDR SIZE VALUE
 *     b64read ADDR SIZE OK AP8...             b64write ADDR SIZE AP8...          endianness
 *     clock_step [NS]   OK NOW                clock_set NS           OK NOW
 *     irq_intercept_in WHO, irq_intercept_out WHO     then, at any time: IRQ raise N, IRQ lower N
 *     set_irq_in ..., module_load ...         FAIL
 *
 * WHO names a device of QEMU; here "in" means the interrupt requests 0-15 whatever it says (ioapic,
 * i8259), "out" means the processor's INTR as number 0.
 */
#pragma once
#include "debug/server.h"

struct qtest;

struct qtest_machine {                     /* what it drives */
    void *ctx;
    uint32_t (*in)(void *ctx, uint16_t port, enum width);
    void     (*out)(void *ctx, uint16_t port, uint32_t value, enum width);
    uint64_t (*read)(void *ctx, uint64_t paddr, enum width);
    void     (*write)(void *ctx, uint64_t paddr, uint64_t value, enum width);
    nanos    (*now)(void *ctx);
    nanos    (*next)(void *ctx);           /* when the next timer is due; UINT64_MAX: never */
    void     (*advance)(void *ctx, nanos to);
    bool     (*irq)(void *ctx, unsigned number);     /* level of a request, 0-15 */
    bool     (*intr)(void *ctx);
};

struct qtest *qtest_new(struct server *, const struct qtest_machine *);  /* takes the server over */
void qtest_free(struct qtest *);
/* Carries out what was sent. false: the client is gone for good. */
bool qtest_poll(struct qtest *);
int  qtest_fd(const struct qtest *);
/* An interrupt request changed: pulses within one command are told, too. INTR ("out") is only
 * looked at after each command. */
void qtest_irq_changed(struct qtest *, unsigned number, bool level);
