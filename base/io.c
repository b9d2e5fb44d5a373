/* SPDX-License-Identifier: MIT
 * One access as the bus makes it: cut into the widths a device declares, low address first.
 */
#include "base/io.h"

static uint32_t ones(unsigned bytes)
{
    return UINT32_MAX >> (32 - 8 * bytes);
}

/* The widest declared width that fits in `left` bytes; 0: all are wider. */
static unsigned fitting(uint8_t widths, unsigned left)
{
    for (unsigned w = DWORD; w; w >>= 1)
        if (widths & w && w <= left) return w;
    return 0;
}

/* Narrower than every declared width: read the whole aligned register, cut out one byte. */
static uint32_t read_widened(struct device *dev, const struct io_ops *ops, uint32_t offset)
{
    unsigned w = ops->widths & WORD ? WORD : DWORD;
    uint32_t value = ops->read(dev, offset & ~(w - 1), (enum width)w);
    return value >> (8 * (offset & (w - 1))) & 0xFF;
}

uint32_t io_read(struct device *dev, const struct io_ops *ops, uint32_t offset, unsigned bytes)
{
    uint32_t value = 0;
    if (likely(io_takes(ops, bytes) && ops->read))
        return ops->read(dev, offset, (enum width)bytes) & ones(bytes);
    if (!ops->read || !(ops->widths & (BYTE | WORD | DWORD))) return ones(bytes);
    unsigned smallest = ops->widths & WORD ? WORD : DWORD;
    if (!fitting(ops->widths, bytes) && (offset & (smallest - 1)) + bytes <= smallest) {
        uint32_t whole = ops->read(dev, offset & ~(smallest - 1), (enum width)smallest);
        return whole >> (8 * (offset & (smallest - 1))) & ones(bytes);   /* side effects once */
    }
    for (unsigned done = 0; done < bytes;) {
        unsigned w = fitting(ops->widths, bytes - done);
        uint32_t part = w ? ops->read(dev, offset + done, (enum width)w) & ones(w)
                          : read_widened(dev, ops, offset + done);
        value |= part << (8 * done);
        done += w ? w : 1;
    }
    return value;
}

void io_write(struct device *dev, const struct io_ops *ops, uint32_t offset, uint32_t value,
              unsigned bytes)
{
    if (!ops->write) return;
    if (likely(io_takes(ops, bytes))) {
        ops->write(dev, offset, value & ones(bytes), (enum width)bytes);
        return;
    }
    for (unsigned done = 0; done < bytes;) {
        unsigned w = fitting(ops->widths, bytes - done);
        if (!w) w = fitting(BYTE | WORD, bytes - done);
        ops->write(dev, offset + done, value >> (8 * done) & ones(w), (enum width)w);
        done += w;
    }
}

uint8_t io_peek(const struct device *dev, const struct io_ops *ops, uint32_t offset)
{
    return ops->peek ? (uint8_t)ops->peek(dev, offset) : 0xFF;
}
