/* SPDX-License-Identifier: MIT
 * Registers behind I/O ports or memory addresses: what the two buses call.
 * `struct device` is opaque here; iodev/device.h says what it is.
 */
#pragma once
#include "base/base.h"

struct device;

/* offset: bytes from the start of the claimed range. The bus only passes widths named in
 * `widths` (an OR of enum width; QWORD never) and splits what is wider, low address first. An
 * access that is narrower than every declared width is widened by the bus: the whole aligned
 * register is read and the bytes cut out; a narrow write is passed on as it is, with its own
 * width and offset. Unclaimed addresses read as all ones, writes are ignored.
 */
struct io_ops {
    uint32_t (*read)(struct device *, uint32_t offset, enum width);
    void     (*write)(struct device *, uint32_t offset, uint32_t value, enum width);
    uint32_t (*peek)(const struct device *, uint32_t offset);  /* a byte, no effects; or NULL */
    uint8_t    widths;
};

/* A data port may offer more: IO_RUNS in `widths` says that the io_ops are those of a struct
 * io_run_ops. A run is `count` accesses of this width to this offset, one after another, or as many
 * of them as do nothing but move data: no line changes, no timer, nothing that looks at the time.
 * Returns how many were done; 0: make a single access. */
#define IO_RUNS 0x80
struct io_run_ops {
    struct io_ops one;
    uint32_t (*read)(struct device *, uint32_t offset, enum width, uint8_t *to, uint32_t count);
    uint32_t (*write)(struct device *, uint32_t offset, enum width, const uint8_t *from,
                      uint32_t count);
};

/* Is this a width of the device's own? */
static inline bool io_takes(const struct io_ops *ops, unsigned bytes)
{
    return ops->widths & (BYTE | WORD | DWORD) & bytes && !(bytes & (bytes - 1));
}

/* One access of 1-4 bytes through ops, split and widened as above: for whoever is the bus. An
 * access of a declared width is passed on whole, aligned or not. */
uint32_t io_read(struct device *, const struct io_ops *, uint32_t offset, unsigned bytes);
void     io_write(struct device *, const struct io_ops *, uint32_t offset, uint32_t value,
                  unsigned bytes);
uint8_t  io_peek(const struct device *, const struct io_ops *, uint32_t offset);
