/* SPDX-License-Identifier: MIT
 * Numbers in image headers: big-endian in qcow2 and VHD, little-endian in VMDK, VDI and FAT.
 */
#pragma once
#include <string.h>
#include "base/base.h"

static inline uint16_t get_be16(const uint8_t *p) { return (uint16_t)(p[0] << 8 | p[1]); }
static inline uint16_t get_le16(const uint8_t *p) { return (uint16_t)(p[1] << 8 | p[0]); }

static inline uint32_t get_be32(const uint8_t *p)
{
    return (uint32_t)get_be16(p) << 16 | get_be16(p + 2);
}

static inline uint32_t get_le32(const uint8_t *p)
{
    return (uint32_t)get_le16(p + 2) << 16 | get_le16(p);
}

static inline uint64_t get_be64(const uint8_t *p)
{
    return (uint64_t)get_be32(p) << 32 | get_be32(p + 4);
}

static inline uint64_t get_le64(const uint8_t *p)
{
    return (uint64_t)get_le32(p + 4) << 32 | get_le32(p);
}

static inline void put_be(uint8_t *p, uint64_t value, unsigned bytes)
{
    for (unsigned i = bytes; i--; value >>= 8) p[i] = (uint8_t)value;
}

static inline void put_le(uint8_t *p, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++, value >>= 8) p[i] = (uint8_t)value;
}

/* value rounded up to a multiple of unit; wraps only where value + unit does. */
static inline uint64_t round_up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}
