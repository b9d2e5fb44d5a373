/* SPDX-License-Identifier: MIT
 * Graphics modes: rows of memory to rows of pixels, where pages of video memory have changed.
 * IBM PS/2 Hardware Interface Technical Reference, Video Subsystems (S42G-2193, 1992), "Graphics
 * Modes" and "Graphics Mode Register" (shift register modes).
 */
#include "iodev/vga/vga.h"

#include <string.h>

/* ---- a row of a VGA mode: into v->line, before panning and scaling --------------------------- */

static const uint8_t *planes_at(const struct vga *v, const struct band *b, unsigned column)
{
    return v->vram +
           4 * (size_t)vga_plane_address(&v->shown, vga_counter(&v->shown, b, column), b->row);
}

/* Bit 7 of each plane makes the left pixel. */
static void expand_planar(const struct picture *p, const uint8_t *from, uint32_t *to)
{
    unsigned p0 = from[0], p1 = from[1], p2 = from[2], p3 = from[3];
    for (unsigned bit = 8; bit-- > 0;)
        *to++ = p->colors[(p0 >> bit & 1) | (p1 >> bit & 1) << 1 | (p2 >> bit & 1) << 2 |
                          (p3 >> bit & 1) << 3];
}

/* Four pixels from planes 0 and 2, then four from 1 and 3: CGA's bytes lie in planes 0 and 1. */
static void expand_interleaved(const struct picture *p, const uint8_t *from, uint32_t *to)
{
    for (unsigned plane = 0; plane < 2; plane++)
        for (unsigned shift = 8; shift > 0;) {
            shift -= 2;
            *to++ = p->colors[(from[plane] >> shift & 3) | (from[plane + 2] >> shift & 3) << 2];
        }
}

static void expand_256(const struct picture *p, const uint8_t *from, uint32_t *to)
{
    for (unsigned plane = 0; plane < 4; plane++) to[plane] = p->colors[from[plane]];
}

/* A byte comes as two halves, each in a dot. Where nobody waits for both (attribute mode control,
 * bit 6), one half is followed by the next byte's. */
static void expand_halves(const struct picture *p, const uint8_t *from, const uint8_t *next,
                          uint32_t *to)
{
    for (unsigned plane = 0; plane < 4; plane++) {
        unsigned after = plane < 3 ? from[plane + 1] : next[0];
        *to++ = p->colors[from[plane]];
        *to++ = p->colors[(from[plane] & 15) << 4 | after >> 4];
    }
}

/* One clock's dots. */
static void expand_dots(const struct vga *v, const struct band *b, unsigned column, uint32_t *to)
{
    const struct picture *p = &v->shown;
    const uint8_t *from = planes_at(v, b, column);
    if (p->kind == PICTURE_256) expand_halves(p, from, planes_at(v, b, column + 1), to);
    else if (p->kind == PICTURE_INTERLEAVED) expand_interleaved(p, from, to);
    else expand_planar(p, from, to);
}

static void expand_row(struct vga *v, const struct band *b)
{
    const struct picture *p = &v->shown;
    uint32_t *to = v->line;
    bool waits = p->dots == 4;             /* 16 colours: a dot is held while the next one passes */
    for (unsigned column = 0; column <= p->columns; column++, to += p->dots) {
        uint32_t dots[8];
        if (p->kind == PICTURE_256 && waits) expand_256(p, planes_at(v, b, column), to);
        else expand_dots(v, b, column, waits ? dots : to);
        if (p->kind != PICTURE_256 && waits)
            for (unsigned i = 0; i < 4; i++) to[i] = dots[2 * i];
    }
}

static void scale_row(const struct picture *p, const uint32_t *from, uint32_t *to)
{
    unsigned count = p->width / p->scale;
    if (p->scale == 1) memcpy(to, from, count * sizeof *to);
    else if (p->scale == 2)
        for (unsigned i = 0; i < count; i++, to += 2) to[0] = to[1] = from[i];
    else
        for (unsigned i = 0; i < count; i++)
            for (unsigned s = 0; s < p->scale; s++) *to++ = from[i];
}

static void draw_planes(struct vga *v, const struct band *b, uint32_t *to)
{
    unsigned panning = b->split && v->shown.pan_compatible ? 0 : v->shown.panning;
    expand_row(v, b);
    scale_row(&v->shown, v->line + panning, to);
}

/* ---- a row of a linear mode ------------------------------------------------------------------ */

static uint32_t from_15(unsigned c)
{
    unsigned r = c >> 10 & 31, g = c >> 5 & 31, b = c & 31;
    return (r << 3 | r >> 2) << 16 | (g << 3 | g >> 2) << 8 | (b << 3 | b >> 2);
}

static uint32_t from_16(unsigned c)
{
    unsigned r = c >> 11 & 31, g = c >> 5 & 63, b = c & 31;
    return (r << 3 | r >> 2) << 16 | (g << 2 | g >> 4) << 8 | (b << 3 | b >> 2);
}

static uint32_t pixel(const struct picture *p, const uint8_t *from)
{
    switch (p->bpp) {
    case 8:  return p->colors[from[0]];
    case 15: return from_15(from[0] | (unsigned)from[1] << 8);
    case 16: return from_16(from[0] | (unsigned)from[1] << 8);
    default: return from[0] | (uint32_t)from[1] << 8 | (uint32_t)from[2] << 16;
    }
}

static size_t linear_start(const struct vga *v, const struct band *b)
{
    return (size_t)(v->shown.origin + b->y * v->shown.pitch) & (v->vram_size - 1);
}

/* A row that starts near the end of vram ends in the zeros behind it (VGA_SLACK). */
static void draw_linear(const struct vga *v, const struct band *b, uint32_t *to)
{
    const uint8_t *from = v->vram + linear_start(v, b);
    unsigned bytes = (v->shown.bpp + 7) / 8;
    for (unsigned x = 0; x < v->shown.width; x++, from += bytes) to[x] = pixel(&v->shown, from);
}

/* ---- which rows ------------------------------------------------------------------------------ */

static bool needs_drawing(const struct vga *v, const struct band *b)
{
    const struct picture *p = &v->shown;
    if (p->kind == PICTURE_LINEAR) {
        size_t from = linear_start(v, b);
        return vga_dirty(v, from, from + p->width * (size_t)((p->bpp + 7) / 8) - 1);
    }
    size_t first = vga_plane_address(p, b->address, b->row);
    size_t last = vga_plane_address(p, vga_counter(p, b, p->columns + 1), b->row);
    return vga_dirty(v, 4 * first, 4 * last + 3);
}

static void draw_band(struct vga *v, const struct band *b)
{
    uint32_t *to = vga_line(v, b->y);
    if (v->shown.kind == PICTURE_LINEAR) draw_linear(v, b, to);
    else draw_planes(v, b, to);
    for (unsigned line = 1; line < b->lines; line++)
        memcpy(to + (size_t)line * v->shown.full_width, to, v->shown.width * sizeof *to);
}

void vga_draw_graphics(struct vga *v, struct changed *changed)
{
    for (unsigned i = 0; i < v->band_count; i++) {
        const struct band *b = &v->bands[i];
        if (!needs_drawing(v, b)) continue;
        draw_band(v, b);
        if (changed->first >= changed->end) changed->first = b->y;
        changed->end = b->y + b->lines;
    }
}
