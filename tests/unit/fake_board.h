/* SPDX-License-Identifier: MIT
 * A board on the bench: everything iodev/board.h offers, with probes on it. One device (or a few)
 * is plugged into it, the test plays CPU, time and the other chips.
 *
 *     struct board *b = fake_new(1 << 20);
 *     struct device *rtc = fake_plug(b, &rtc_class, "time0", "0", NULL);
 *     fake_out8(b, 0x70, 0x0A);  fake_advance(b, SECOND);  ck_assert(fake_irq(b, 8));
 *     fake_free(b);
 *
 * Any number of boards may live side by side.
 */
#pragma once
#include "iodev/board.h"

enum { FAKE_IRQS = 16, FAKE_DMA_CHANNELS = 8, FAKE_CLAIMS = 512 };

/* A wired-OR net: how many drivers hold it high, and how often it has risen and fallen. */
struct fake_net {
    struct board *board;
    unsigned drivers, rises, falls;
    void (*changed)(void *ctx, unsigned pin, bool level);     /* the net changed; may be NULL */
    void *ctx;
};

struct fake_dma {
    struct device *dev;
    const struct dma_client *client;
    unsigned drivers, requests;            /* DREQ high now; how often it rose */
    void (*changed)(void *ctx, unsigned channel, bool level);  /* feeds a real 8237; or NULL */
    void *ctx;
};

struct fake_claim {
    struct device *dev;                    /* NULL: free slot */
    const struct io_ops *ops;
    unsigned first, count;
};

struct board {
    struct clock clock;
    struct memory *memory;
    struct log *log;                       /* NULL unless the test sets one */
    struct device *devices;
    struct fake_claim claims[FAKE_CLAIMS];
    unsigned claims_end;                   /* none from here on */
    struct fake_net irq[FAKE_IRQS];        /* hook .changed to feed a real PIC */
    struct fake_net wire[WIRE_COUNT];
    struct fake_dma dma[FAKE_DMA_CHANNELS];
    struct pci_function *pci;              /* list of what board_pci_add() got */
    bool no_pci;                           /* board_pci_add() refuses */
    struct screen screen;
    struct input input;
    bool powered_off;
    int exit_code;
};

struct board *fake_new(uint64_t ram_bytes);        /* aborts the test when out of memory */
void fake_free(struct board *);                    /* and all its devices */

/* device_new, device_set for each "name", "value" pair up to NULL, device_plug. NULL when any of
 * them fails (a bad setting, or plug() refused). */
struct device *fake_plug(struct board *, const struct device_class *, ...)
    __attribute__((sentinel));
/* The same with an instance name, for two of a kind. */
struct device *fake_plug_id(struct board *, const struct device_class *, const char *id, ...)
    __attribute__((sentinel));
void fake_reset(struct board *, enum reset);       /* all devices, in plug order */

/* ---- the test as CPU ------------------------------------------------------------------------- */
uint32_t fake_in(struct board *, uint16_t port, enum width);
/* A run of accesses (struct io_run_ops); 0 also from a port that has none. */
uint32_t fake_in_run(struct board *, uint16_t port, enum width, uint8_t *to, uint32_t count);
uint32_t fake_out_run(struct board *, uint16_t port, enum width, const uint8_t *from,
                      uint32_t count);
void     fake_out(struct board *, uint16_t port, uint32_t value, enum width);
uint8_t  fake_in8(struct board *, uint16_t port);
uint16_t fake_in16(struct board *, uint16_t port);
uint32_t fake_in32(struct board *, uint16_t port);
void     fake_out8(struct board *, uint16_t port, uint8_t value);
void     fake_out16(struct board *, uint16_t port, uint16_t value);
void     fake_out32(struct board *, uint16_t port, uint32_t value);
int      fake_peek(struct board *, uint16_t port);           /* -1: no peek there */
bool     fake_claimed(const struct board *, uint16_t port);

/* ---- the test as the rest of the machine ----------------------------------------------------- */
void fake_advance(struct board *, nanos by);       /* fires what becomes due */
bool fake_irq(const struct board *, unsigned irq);           /* level of the wired OR */
unsigned fake_irq_edges(const struct board *, unsigned irq); /* rising edges so far   */
bool fake_wire(const struct board *, enum board_wire);
void fake_drive(struct board *, enum board_wire, bool level);/* calls the listener directly */
void fake_key(struct board *, unsigned hid_usage, bool down);
void fake_mouse(struct board *, int dx, int dy, int dz, unsigned buttons);

/* One burst as an 8237 would do it, up to len bytes; tc: the count ends with the last byte that
 * was asked for. Returns what the client moved; 0 when no client or DREQ is low. */
bool   fake_dreq(const struct board *, unsigned channel);
size_t fake_dma_to_memory(struct board *, unsigned channel, uint8_t *buffer, size_t len, bool tc);
size_t fake_dma_from_memory(struct board *, unsigned channel, const uint8_t *buffer, size_t len,
                            bool tc);

/* Configuration cycles. BARs are sized, moved and mapped as on a real bus (ports for I/O BARs,
 * memory regions for memory BARs); reads of an empty slot give all ones. */
struct pci_function *fake_pci(const struct board *, unsigned slot, unsigned function);
uint32_t fake_pci_read(struct board *, unsigned slot, unsigned function, unsigned offset,
                       enum width);
void     fake_pci_write(struct board *, unsigned slot, unsigned function, unsigned offset,
                        uint32_t value, enum width);
bool     fake_pci_inta(const struct board *, unsigned slot, unsigned function);
