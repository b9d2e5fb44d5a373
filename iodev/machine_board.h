/* SPDX-License-Identifier: MIT
 * The board as the machine (config/) sees it: build it, power it, connect a CPU to it.
 *
 *     struct board *b = board_new(&(struct board_config){ .ram_bytes = 64 << 20, .log = log,
 *                                 .wire = wire, .system_reset = ..., .power_off = ..., .ctx = m });
 *     const char *why = board_add(b, "serial", "com1");        NULL = done
 *     why = board_set(b, "com1", "port", "0x3f8");
 *     if (!board_power_on(b)) ...                              a device has logged why
 *     bus = (struct cpu_bus){ board_in, board_out, board_acknowledge, b,
 *                             board_in_run, board_out_run };
 *
 * The machine fills in source, earlier and ctx of board_clock(b), advances that clock between
 * cpu_run() calls, and calls board_reset() when system_reset() has asked for it.
 */
#pragma once
#include "iodev/board.h"

struct board_config {
    uint64_t ram_bytes;
    struct log *log;
    /* WIRE_INTR, _NMI, _SMI, _A20, _IGNNE, _RESET changed level. Called from inside a port access
     * or a timer. WIRE_RESET is the processor alone (keyboard controller, port 92h). */
    void (*wire)(void *ctx, enum board_wire, bool level);
    /* An interrupt request 0-15 changed level; may be NULL. */
    void (*irq)(void *ctx, unsigned irq, bool level);
    /* A hard reset of everything was asked for (CF9h): at the next instruction boundary do
     * board_reset(RESET_HARD) and a CPU reset. Never called twice before board_reset(). */
    void (*system_reset)(void *ctx);
    void (*power_off)(void *ctx, int exit_code);
    void *ctx;
};

struct board *board_new(const struct board_config *);     /* NULL: out of memory */
void board_free(struct board *);                           /* and all devices */

/* Before power-on. class: a name of devices.def; id NULL: the class name. NULL: done, else why
 * not. Devices are plugged in the order of devices.def, equal classes in the order of adding. */
const char *board_add(struct board *, const char *class_name, const char *id);
const char *board_set(struct board *, const char *id, const char *prop, const char *value);
bool board_power_on(struct board *);  /* plugs and resets all; false: logged why */
void board_reset(struct board *, enum reset);              /* all devices, not the CPU */
/* After the state of all devices was loaded: wires and interrupt requests are counted anew, then
 * every device's restored() runs. */
void board_restored(struct board *);

/* struct cpu_bus's callbacks; ctx is the board. */
uint32_t board_in(void *board, uint16_t port, enum width);
uint32_t board_in_run(void *board, uint16_t port, enum width, uint8_t *to, uint32_t count);
uint32_t board_out_run(void *board, uint16_t port, enum width, const uint8_t *from, uint32_t count);
void     board_out(void *board, uint16_t port, uint32_t value, enum width);
uint8_t  board_acknowledge(void *board);
/* A level that comes from outside of the board: WIRE_FERR and WIRE_SMIACT of the CPU,
 * WIRE_NMI of a person. */
void board_drive(struct board *, enum board_wire, bool level);

/* ---- looking in ------------------------------------------------------------------------------ */
uint8_t board_peek_port(const struct board *, uint16_t port);       /* no side effects */
const struct device *board_port_owner(const struct board *, uint16_t port);
struct device *board_devices(const struct board *);        /* a list by ->next, power-on order */
bool board_irq_level(const struct board *, unsigned irq);
bool board_wire_level(const struct board *, enum board_wire);      /* NMI: as the CPU sees it */
const struct screen *board_screen(const struct board *);   /* NULL: no video card */
const struct input  *board_input(struct board *);  /* keys and mouse to whoever asked for them */
/* time, RAM and the state of all devices */
uint64_t board_hash(const struct board *, uint64_t seed);

/* All classes of devices.def, NULL at the end: help texts, bochsrc.sample. */
const struct device_class *const *board_classes(void);
