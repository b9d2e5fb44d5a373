/* SPDX-License-Identifier: MIT
 * The palette DAC: 256 entries of 3 x 6 bits (8 bits when DISPI says so).
 * Inmos IMSG171 data sheet (1989), "Microprocessor interface"; IBM PS/2 Hardware Interface
 * Technical Reference, Video Subsystems (1992), "Video Digital-to-Analog Converter".
 *
 * Not implemented: the comparator behind input status 0 (always reports a colour monitor), snow.
 */
#include "iodev/vga/vga.h"

#include <string.h>

enum { MASK = 0x3C6, READ_INDEX = 0x3C7, WRITE_INDEX = 0x3C8, DATA = 0x3C9 };

static uint8_t component_mask(const struct vga *v)
{
    return v->dispi.reg[DISPI_ENABLE] & DISPI_8BIT_DAC ? 0xFF : 0x3F;
}

/* There is one address register. For reads it runs one ahead of the colour that is in the latch. */
static void fetch(struct vga *v)
{
    memcpy(v->dac.latch, &v->dac.palette[3 * v->dac.index++], 3);
    v->dac.component = 0;
}

/* The palette takes a colour only when its third component has come. */
static void write_data(struct vga *v, uint8_t value)
{
    v->dac.latch[v->dac.component++] = value & component_mask(v);
    if (v->dac.component < 3) return;
    for (unsigned i = 0; i < 3; i++)
        vga_set(v, &v->dac.palette[3 * v->dac.index + i], v->dac.latch[i]);
    v->dac.index++;
    v->dac.component = 0;
}

void vga_dac_write(struct vga *v, unsigned port, uint8_t value)
{
    switch (port) {
    case MASK: vga_set(v, &v->dac.mask, value); break;
    case READ_INDEX:
        v->dac.index = value;
        v->dac.reading = true;
        fetch(v);
        break;
    case WRITE_INDEX:
        v->dac.index = value;
        v->dac.reading = false;
        v->dac.component = 0;
        break;
    case DATA: write_data(v, value); break;
    default: break;
    }
}

uint8_t vga_dac_peek(const struct vga *v, unsigned port)
{
    switch (port) {
    case MASK: return v->dac.mask;
    case READ_INDEX: return v->dac.reading ? 3 : 0;        /* DAC state register */
    case WRITE_INDEX: return v->dac.index;
    default: return v->dac.latch[v->dac.component] & component_mask(v);
    }
}

void vga_dac_next(struct vga *v)
{
    if (++v->dac.component == 3) fetch(v);
}

/* 63 must become 255: the upper bits are repeated below. */
static uint32_t widen(const struct vga *v, uint8_t value)
{
    if (component_mask(v) == 0xFF) return value;
    value &= 0x3F;
    return (uint32_t)(value << 2 | value >> 4);
}

uint32_t vga_dac_color(const struct vga *v, uint8_t pixel)
{
    const uint8_t *rgb = &v->dac.palette[3 * (pixel & v->dac.mask)];
    return widen(v, rgb[0]) << 16 | widen(v, rgb[1]) << 8 | widen(v, rgb[2]);
}
