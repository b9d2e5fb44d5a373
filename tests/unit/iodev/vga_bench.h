/* SPDX-License-Identifier: MIT
 * For the video card's tests: mode setting as a video BIOS does it, and short names.
 * Register values: IBM PS/2 Hardware Interface Technical Reference, Video Subsystems (1992),
 * "BIOS modes", as every VGA BIOS has them.
 */
#pragma once
#include "iodev/vga/vga.h"
#include "tests/unit/fake_board.h"

#include <string.h>

struct vga_mode {
    uint8_t misc, seq[5], crtc[25], attr[20], gfx[9];
};

static const struct vga_mode mode_3 = {    /* 80x25 text, 9x16 */
    0x67, { 0x03, 0x00, 0x03, 0x00, 0x02 },
    { 0x5F, 0x4F, 0x50, 0x82, 0x55, 0x81, 0xBF, 0x1F, 0x00, 0x4F, 0x0D, 0x0E,
      0x00, 0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x28, 0x1F, 0x96, 0xB9, 0xA3, 0xFF },
    { 0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3A, 0x3B, 0x3C, 0x3D, 0x3E, 0x3F, 0x0C, 0, 0x0F, 8 },
    { 0, 0, 0, 0, 0, 0x10, 0x0E, 0x0F, 0xFF },
};

static const struct vga_mode mode_4 = {    /* 320x200, 4 colours: CGA */
    0x63, { 0x03, 0x09, 0x03, 0x00, 0x02 },
    { 0x2D, 0x27, 0x28, 0x90, 0x2B, 0x80, 0xBF, 0x1F, 0x00, 0xC1, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x14, 0x00, 0x96, 0xB9, 0xA2, 0xFF },
    { 0, 0x13, 0x15, 0x17, 2, 4, 6, 7, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 1, 0, 3, 0 },
    { 0, 0, 0, 0, 0, 0x30, 0x0F, 0x00, 0xFF },
};

static const struct vga_mode mode_12 = {   /* 640x480, 16 colours */
    0xE3, { 0x03, 0x01, 0x0F, 0x00, 0x06 },
    { 0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0x0B, 0x3E, 0x00, 0x40, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x00, 0xEA, 0x8C, 0xDF, 0x28, 0x00, 0xE7, 0x04, 0xE3, 0xFF },
    { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 1, 0, 0x0F, 0 },
    { 0, 0, 0, 0, 0, 0x00, 0x05, 0x0F, 0xFF },
};

static const struct vga_mode mode_13 = {   /* 320x200, 256 colours */
    0x63, { 0x03, 0x01, 0x0F, 0x00, 0x0E },
    { 0x5F, 0x4F, 0x50, 0x82, 0x54, 0x80, 0xBF, 0x1F, 0x00, 0x41, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x00, 0x9C, 0x8E, 0x8F, 0x28, 0x40, 0x96, 0xB9, 0xA3, 0xFF },
    { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x41, 0, 0x0F, 0 },
    { 0, 0, 0, 0, 0, 0x40, 0x05, 0x0F, 0xFF },
};

/* A board with the card alone; NULL: it cannot be plugged in. */
static inline struct vga *plug_vga(struct board **b)
{
    *b = fake_new(1 << 20);
    struct device *d = fake_plug(*b, &vga_class, NULL);
    return d ? vga_of(d) : NULL;
}

static inline void set_seq(struct board *b, unsigned index, unsigned value)
{
    fake_out16(b, 0x3C4, (uint16_t)(value << 8 | index));
}

static inline void set_gfx(struct board *b, unsigned index, unsigned value)
{
    fake_out16(b, 0x3CE, (uint16_t)(value << 8 | index));
}

static inline void set_crtc(struct board *b, unsigned index, unsigned value)
{
    fake_out16(b, 0x3D4, (uint16_t)(value << 8 | index));
}

static inline void set_attr(struct board *b, unsigned index, unsigned value)
{
    fake_in8(b, 0x3DA);
    fake_out8(b, 0x3C0, (uint8_t)index);
    fake_out8(b, 0x3C0, (uint8_t)value);
    fake_out8(b, 0x3C0, 0x20);             /* the screen may use the palette again */
}

static inline void set_color(struct board *b, unsigned index, unsigned rgb6)
{
    fake_out8(b, 0x3C8, (uint8_t)index);
    for (int shift = 16; shift >= 0; shift -= 8) fake_out8(b, 0x3C9, (uint8_t)(rgb6 >> shift));
}

/* The 64 colours of the EGA: two bits for red, green and blue. */
static inline void set_ega_colors(struct board *b)
{
    for (unsigned i = 0; i < 64; i++) {
        unsigned red = (i >> 2 & 1) * 42 + (i >> 5 & 1) * 21;
        unsigned green = (i >> 1 & 1) * 42 + (i >> 4 & 1) * 21;
        unsigned blue = (i & 1) * 42 + (i >> 3 & 1) * 21;
        set_color(b, i, red << 16 | green << 8 | blue);
    }
}

static inline void set_registers(struct board *b, const struct vga_mode *m)
{
    fake_out8(b, 0x3C2, m->misc);
    for (unsigned i = 0; i < 5; i++) set_seq(b, i, m->seq[i]);
    set_crtc(b, 0x11, 0);                  /* lift the protection of 0-7 */
    for (unsigned i = 0; i < 25; i++) set_crtc(b, i, m->crtc[i]);
    for (unsigned i = 0; i < 9; i++) set_gfx(b, i, m->gfx[i]);
    for (unsigned i = 0; i < 20; i++) set_attr(b, i, m->attr[i]);
    fake_out8(b, 0x3C6, 0xFF);
}

static inline void set_mode(struct board *b, const struct vga_mode *m)
{
    set_registers(b, m);
    set_ega_colors(b);
}

static inline void set_dispi(struct board *b, unsigned index, unsigned value)
{
    fake_out16(b, 0x1CE, (uint16_t)index);
    fake_out16(b, 0x1CF, (uint16_t)value);
}

static inline unsigned get_dispi(struct board *b, unsigned index)
{
    fake_out16(b, 0x1CE, (uint16_t)index);
    return fake_in16(b, 0x1CF);
}

static inline void set_svga(struct board *b, unsigned width, unsigned height, unsigned bpp,
                            unsigned flags)
{
    set_dispi(b, DISPI_ENABLE, 0);
    set_dispi(b, DISPI_XRES, width);
    set_dispi(b, DISPI_YRES, height);
    set_dispi(b, DISPI_BPP, bpp);
    set_dispi(b, DISPI_ENABLE, DISPI_ENABLED | flags);
}

static inline void poke8(struct board *b, uint64_t at, unsigned value)
{
    memory_write(b->memory, at, value, BYTE);
}

static inline unsigned peek8(struct board *b, uint64_t at)
{
    return (unsigned)memory_read(b->memory, at, BYTE);
}

/* Planes 0-3 at an address, plane 3 in the top byte. */
static inline uint32_t planes_of(const struct vga *v, unsigned a)
{
    const uint8_t *p = v->vram + 4 * a;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline void set_planes(struct vga *v, unsigned a, uint32_t value)
{
    for (unsigned p = 0; p < 4; p++) v->vram[4 * a + p] = (uint8_t)(value >> 8 * p);
}

static inline struct screen_frame draw(struct board *b)
{
    struct screen_frame f;
    b->screen.draw(b->screen.ctx, &f, false, false);
    return f;
}

static inline uint32_t pixel_at(const struct screen_frame *f, unsigned x, unsigned y)
{
    return f->pixels[y * f->stride + x];
}
