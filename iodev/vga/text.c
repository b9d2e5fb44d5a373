/* SPDX-License-Identifier: MIT
 * Text modes: character and attribute from planes 0 and 1, the shapes from plane 2. A cell is drawn
 * when it is not what stands in the frame: `drawn` remembers that, cursor and blinking included.
 * IBM PS/2 Hardware Interface Technical Reference, Video Subsystems (S42G-2193, 1992),
 * "Alphanumeric Modes", "Cursor Start Register", "Underline Location Register", "Attribute Mode
 * Control Register".
 *
 *   drawn:   27     26..22      21..17        16      15..8      7..0
 *            dark   cursor end  cursor start  cursor  attribute  code
 */
#include "iodev/vga/vga.h"

enum { CURSOR = 1 << 16, CURSOR_START = 17, CURSOR_END = 22, DARK = 1 << 27 };
enum { CURSOR_OFF = 0x20 };

struct cursor {
    uint32_t address;                      /* CRTC counter */
    uint32_t bits;                         /* for `drawn`; 0: not to be seen now */
    bool exists;
};

/* It blinks with a period of 16 frames, characters with 32 (attribute mode control, bit 3). */
static struct cursor cursor_of(const struct vga *v, uint64_t frame)
{
    unsigned start = v->crtc[CR_CURSOR_START], end = v->crtc[CR_CURSOR_END] & 0x1F;
    unsigned skew = v->crtc[CR_CURSOR_END] >> 5 & 3;
    unsigned address = v->crtc[CR_CURSOR_HIGH] << 8 | v->crtc[CR_CURSOR_LOW];
    struct cursor c = { .address = (address + skew) & 0xFFFF };
    c.exists = !(start & CURSOR_OFF) && (start & 0x1F) <= end;
    if (c.exists && !(frame & 8))
        c.bits = CURSOR | (start & 0x1F) << CURSOR_START | end << CURSOR_END;
    return c;
}

static uint32_t cell_at(const struct vga *v, const struct band *b, unsigned column)
{
    size_t at = 4 * (size_t)vga_plane_address(&v->shown, vga_counter(&v->shown, b, column), b->row);
    return v->vram[at] | (uint32_t)v->vram[at + 1] << 8;
}

/* ---- pixels ---------------------------------------------------------------------------------- */

/* The dots of a cell's row, leftmost in bit `dots - 1`. */
static unsigned dots_of(const struct vga *v, uint32_t cell, unsigned row)
{
    const struct picture *p = &v->shown;
    unsigned code = cell & 0xFF, attribute = cell >> 8 & 0xFF, all = (1u << p->dots) - 1;
    bool cursor = cell & CURSOR && row >= (cell >> CURSOR_START & 0x1F) &&
                  row <= (cell >> CURSOR_END & 0x1F);
    if (cell & DARK && !cursor) return 0;
    if (cursor || ((attribute & 0x77) == 0x01 && row == p->underline)) return all;
    unsigned bits = v->vram[4 * (p->font[attribute >> 3 & 1] + code * 32 + row) + 2];
    if (p->dots == 8) return bits;
    /* The ninth dot is empty, but lines and boxes (C0h-DFh) must touch their neighbours. */
    return bits << 1 | (p->line_graphics && (code & 0xE0) == 0xC0 ? bits & 1 : 0);
}

static void draw_dots(const struct picture *p, uint32_t *to, int x, unsigned dots, uint32_t fore,
                      uint32_t back)
{
    for (unsigned i = p->dots; i-- > 0;)
        for (unsigned s = 0; s < p->scale; s++, x++)
            if (x >= 0 && x < (int)p->width) to[x] = dots >> i & 1 ? fore : back;
}

static void draw_cell(struct vga *v, const struct band *b, int x, uint32_t cell)
{
    const struct picture *p = &v->shown;
    unsigned attribute = cell >> 8 & 0xFF;
    uint32_t fore = p->colors[attribute & 15];
    uint32_t back = p->colors[attribute >> 4 & (p->blink ? 7 : 15)];
    for (unsigned line = 0; line < b->lines; line++) {
        unsigned row = (b->row + (b->repeated + line) / p->repeat) & 0x1F;
        uint32_t *to = vga_line(v, b->y + line);
        draw_dots(p, to, x, dots_of(v, cell, row), fore, back);
    }
}

static unsigned panning_of(const struct picture *p, const struct band *b)
{
    return b->split && p->pan_compatible ? 0 : p->panning;
}

/* One more cell than fits: panning shows a part of it. */
static bool draw_row(struct vga *v, unsigned index, const struct cursor *c, bool dark)
{
    const struct picture *p = &v->shown;
    const struct band *b = &v->bands[index];
    unsigned panning = panning_of(p, b);
    uint32_t *drawn = v->drawn + (size_t)index * (p->columns + 1);
    bool all = v->redraw || v->fonts_written, changed = false;
    for (unsigned column = 0; column < p->columns + (panning ? 1 : 0); column++) {
        uint32_t cell = cell_at(v, b, column);
        if ((vga_counter(p, b, column) & 0xFFFF) == c->address) cell |= c->bits;
        if (p->blink && dark && cell & 0x8000) cell |= DARK;
        if (!all && cell == drawn[column]) continue;
        drawn[column] = cell;
        draw_cell(v, b, ((int)(column * p->dots) - (int)panning) * (int)p->scale, cell);
        changed = true;
    }
    return changed;
}

/* ---- the text itself ------------------------------------------------------------------------- */

static void export_row(struct vga *v, struct screen_text *t, unsigned index, const struct cursor *c)
{
    const struct band *b = &v->bands[index];
    uint16_t *cells = v->cells + (size_t)index * v->shown.columns;
    for (unsigned column = 0; column < v->shown.columns; column++) {
        cells[column] = (uint16_t)cell_at(v, b, column);
        if (!c->exists || (vga_counter(&v->shown, b, column) & 0xFFFF) != c->address) continue;
        t->cursor_column = column;
        t->cursor_row = index;
        t->cursor_visible = c->bits;
    }
}

/* A last row that is cut off by the screen's end is drawn, but is no row of text. */
static unsigned whole_rows(const struct vga *v)
{
    const struct band *last = &v->bands[v->band_count - 1];
    bool cut = last->lines < (v->shown.max_row + 1) * v->shown.repeat;
    return cut && v->band_count > 1 ? v->band_count - 1 : v->band_count;
}

void vga_draw_text(struct vga *v, struct screen_text *t, struct changed *changed, bool text_only)
{
    uint64_t frame = vga_frame(v);
    struct cursor c = cursor_of(v, frame);
    t->columns = v->shown.columns;
    t->rows = whole_rows(v);
    t->cells = v->cells;
    for (unsigned i = 0; i < v->band_count; i++) {
        const struct band *b = &v->bands[i];
        if (i < t->rows) export_row(v, t, i, &c);
        if (text_only || !draw_row(v, i, &c, frame & 16)) continue;
        if (changed->first >= changed->end) changed->first = b->y;
        changed->end = b->y + b->lines;
    }
}
