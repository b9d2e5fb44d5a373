/* SPDX-License-Identifier: MIT
 * What a board offers to its devices: ports, memory windows, interrupt and other lines, DMA
 * channels, PCI slots, time, the screen and input sockets. The real board is board.c; unit tests
 * link tests/unit/fake_board.c instead, which implements the same functions.
 */
#pragma once
#include "gui/input.h"
#include "gui/screen.h"
#include "iodev/device.h"
#include "iodev/dma.h"
#include "iodev/pci.h"
#include "memory/memory.h"

/* Ports: false when taken by another device (logged with both names). count ports from first. */
bool board_claim_ports(struct board *, struct device *, uint16_t first, unsigned count,
                       const struct io_ops *);
void board_release_ports(struct board *, struct device *, uint16_t first, unsigned count);

/* Memory windows: see memory.h. The board's memory() also serves DMA. */
struct memory *board_memory(struct board *);

/* ISA interrupt request 0-15, wired OR: several devices may drive the same number. */
struct line board_irq(struct board *, unsigned irq);

/* Wires that are not interrupt requests. Each call returns a driver's end; WIRE_RESET
 * is driven by several (wired OR), WIRE_A20 by port 92h, which the keyboard controller tells of
 * every write to its A20 pin. */
enum board_wire {
    WIRE_INTR, WIRE_NMI, WIRE_SMI, WIRE_A20, WIRE_IGNNE, WIRE_RESET,     /* to the CPU */
    WIRE_PIT2_GATE, WIRE_SPEAKER,                            /* port 61h -> PIT -> speaker */
    WIRE_FERR,                                               /* from the CPU: x87 error */
    WIRE_SMIACT,                                             /* from the CPU: in SMM */
    WIRE_SYSTEM_RESET,                                       /* CF9h: all devices and the CPU */
    WIRE_NMI_MASK,                                           /* port 70h: keeps NMI from the CPU */
    WIRE_KEYBOARD_A20,                                       /* 8042 -> port 92h: line_write() */
    WIRE_COUNT
};
struct line board_wire(struct board *, enum board_wire);
/* A device that listens to a wire (e.g. the PIT to WIRE_PIT2_GATE); one listener per wire. */
void board_listen(struct board *, enum board_wire, void (*changed)(void *, unsigned, bool),
                  void *ctx);

/* ISA DMA: see dma.h. */
void        board_dma_attach(struct board *, unsigned channel, struct device *,
                             const struct dma_client *);
struct line board_dreq(struct board *, unsigned channel);

/* PCI: see pci.h. slot: device number 0-31 or -1 = next free from 2; function 0-7.
 * false: taken, or the board has no PCI. */
bool board_pci_add(struct board *, struct pci_function *, int slot, unsigned function);

struct clock *board_clock(struct board *);
struct log   *board_log(struct board *);

/* The screen socket: the VGA announces itself here once; input reaches the device that asked. */
void board_set_screen(struct board *, const struct screen *);
void board_set_input(struct board *, const struct input *);

/* First plugged device of a class, by class name or by id; NULL if none. */
struct device *board_find(struct board *, const char *name);

/* The guest asked for the end of the run: power-off (code 0) or isa-debug-exit (its code). */
void board_power_off(struct board *, int exit_code);
