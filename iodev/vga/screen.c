/* SPDX-License-Identifier: MIT
 * The screen socket of the video card: keeps the frame, redraws what changed.
 * What changed: the picture's parameters (registers; all is redrawn), or pages of video memory.
 * Drawing reads the machine and never changes it.
 */
#include "iodev/vga/vga.h"

#include <stdlib.h>
#include <string.h>

bool vga_dirty(const struct vga *v, size_t from, size_t to)
{
    if (v->redraw || to < from || to >= v->vram_size) return true;
    for (size_t page = from >> 12; page <= to >> 12; page++)
        if (v->dirty[page / 64] >> page % 64 & 1) return true;
    return false;
}

/* What the CPU wrote to the linear framebuffer, which is plain RAM to it. */
static void take_dirty(struct vga *v)
{
    uint64_t pages[VGA_DIRTY_WORDS] = { 0 };
    struct region *region = vga_framebuffer(v);
    size_t words = (v->vram_size / 4096 + 63) / 64;
    vga_aperture_take_dirty(v);
    if (!region || !memory_take_dirty(board_memory(v->dev.board), region, pages, words)) return;
    for (size_t i = 0; i < words; i++) v->dirty[i] |= pages[i];
    v->fonts_written = true;
}

static bool is_dirty(const struct vga *v)
{
    for (size_t i = 0; i < VGA_DIRTY_WORDS; i++)
        if (v->dirty[i]) return true;
    return v->redraw;
}

static bool grow(void **block, size_t *room, size_t need, size_t each)
{
    if (need <= *room && *block) return true;
    void *larger = realloc(*block, need * each);
    if (!larger) return false;
    *block = larger;
    *room = need;
    return true;
}

/* Rooms only grow; they are bounded by VGA_MAX_WIDTH x VGA_MAX_HEIGHT. */
static bool make_room(struct vga *v, const struct picture *p)
{
    size_t cells = (size_t)(p->columns + 1) * v->band_count, room = v->cell_room;
    void *pixels = v->pixels, *exported = v->cells, *drawn = v->drawn;
    size_t area = (size_t)p->full_width * p->full_height;
    bool done = grow(&pixels, &v->pixel_room, area, sizeof *v->pixels);
    v->pixels = pixels;
    if (p->kind != PICTURE_TEXT || !done) return done;
    done = grow(&exported, &room, cells, sizeof *v->cells);
    v->cells = exported;
    room = v->cell_room;
    done = done && grow(&drawn, &room, cells, sizeof *v->drawn);
    v->drawn = drawn;
    if (done) v->cell_room = room;
    return done;
}

/* A new picture: all is drawn again, also after a mode set back and forth between two frames. */
static bool adopt(struct vga *v, const struct picture *p)
{
    struct rows r = vga_first_row(p);
    if (memcmp(p, &v->shown, sizeof *p)) v->redraw = true;
    memcpy(&v->shown, p, sizeof *p);
    if (p->kind == PICTURE_NONE) return false;
    v->band_count = vga_bands(p, &r, 0, p->height, v->bands);
    if (make_room(v, p)) return true;
    v->shown.kind = PICTURE_NONE;
    return false;
}

/* From a pixel's place in the picture with its border. */
static void fill(struct vga *v, unsigned x, unsigned y, unsigned width, unsigned height,
                 uint32_t color)
{
    for (unsigned row = y; row < y + height; row++) {
        uint32_t *to = v->pixels + (size_t)row * v->shown.full_width + x;
        for (unsigned i = 0; i < width; i++) to[i] = color;
    }
}

/* Beside the lines [from, to); above the first and below the last one. */
static void draw_border(struct vga *v, unsigned from, unsigned to)
{
    const struct picture *p = &v->shown;
    unsigned right = p->left + p->width, width = p->full_width, below = p->top + p->height;
    if (width == p->width && p->full_height == p->height) return;
    fill(v, 0, p->top + from, p->left, to - from, p->border);
    fill(v, right, p->top + from, width - right, to - from, p->border);
    if (!from) fill(v, 0, 0, width, p->top, p->border);
    if (to == p->height) fill(v, 0, below, width, p->full_height - below, p->border);
}

static unsigned within(unsigned y, unsigned from, unsigned to)
{
    return y < from ? from : y > to ? to : y;
}

/* What the blanking covers of the lines [from, to). */
static void draw_blanking(struct vga *v, unsigned from, unsigned to)
{
    const struct picture *p = &v->shown;
    for (unsigned i = 0; i < COUNT_OF(p->dark_lines); i++) {
        const struct span *columns = &p->dark_columns[i], *lines = &p->dark_lines[i];
        unsigned first = within(lines->from, from, to), end = within(lines->to, from, to);
        if (columns->from < columns->to)
            fill(v, p->left + columns->from, p->top + from, columns->to - columns->from, to - from,
                 0);
        if (first < end) fill(v, p->left, p->top + first, p->width, end - first, 0);
    }
}

static void draw_black(struct vga *v, struct changed *changed)
{
    if (!v->redraw) return;
    fill(v, 0, 0, v->shown.full_width, v->shown.full_height, 0);
    *changed = (struct changed){ 0, v->shown.height };
}

static void draw_pixels(struct vga *v, struct changed *changed)
{
    take_dirty(v);
    if (v->shown.kind == PICTURE_BLANK) draw_black(v, changed);
    else if (v->shown.kind != PICTURE_TEXT && is_dirty(v)) vga_draw_graphics(v, changed);
    if (v->redraw && v->shown.kind != PICTURE_BLANK) draw_border(v, 0, v->shown.height);
}

/* Lines [from, to) by what the registers are now, beginning where the lines above have ended. Where
 * that changes the picture's size, the part is left as it was, but its lines count. */
static void draw_piece(struct vga *v, unsigned from, unsigned to)
{
    struct picture now;
    struct screen_text text;
    struct changed changed = { 0, 0 };
    vga_picture(v, &now);
    if (to > v->shown.height) to = v->shown.height;
    if (from >= to) return;
    if (!from) v->rows = vga_first_row(&now);
    v->band_count = vga_bands(&now, &v->rows, from, to, v->bands);
    if (now.full_width != v->shown.full_width || now.full_height != v->shown.full_height ||
        now.width != v->shown.width || now.height != v->shown.height)
        return;
    memcpy(&v->shown, &now, sizeof now);
    if (!make_room(v, &now)) return;
    if (now.kind == PICTURE_TEXT) vga_draw_text(v, &text, &changed, false);
    else if (now.kind == PICTURE_BLANK) fill(v, now.left, now.top + from, now.width, to - from, 0);
    else vga_draw_graphics(v, &changed);
    draw_blanking(v, from, to);
    draw_border(v, from, to);
}

static void drawn(struct vga *v)
{
    memset(v->dirty, 0, sizeof v->dirty);
    v->fonts_written = v->redraw = false;
}

/* All of it, and all of it again the next time. */
static void draw_in_pieces(struct vga *v, const struct picture *whole, struct changed *changed)
{
    take_dirty(v);
    v->redraw = true;
    vga_in_pieces(v, draw_piece);
    adopt(v, whole);
    *changed = (struct changed){ 0, whole->height };
}

/* Rows that a plain draw has to report, also if somebody else has seen them drawn. */
static void owe(struct vga *v, const struct changed *c)
{
    struct changed *owed = &v->owed;
    if (owed->end > v->shown.height) owed->end = v->shown.height;
    if (c->first >= c->end) return;
    bool none = owed->first >= owed->end;
    if (none || c->first < owed->first) owed->first = c->first;
    if (none || c->end > owed->end) owed->end = c->end;
}

/* With the border, if the first or the last line is among them. */
static void rows_of(const struct vga *v, struct screen_frame *f, const struct changed *c)
{
    const struct picture *p = &v->shown;
    if (c->first >= c->end) return;
    f->first_row = c->first ? c->first + p->top : 0;
    f->row_count = (c->end == p->height ? p->full_height : c->end + p->top) - f->first_row;
}

static void draw(void *ctx, struct screen_frame *f, bool whole, bool text_only)
{
    struct vga *v = ctx;
    struct picture now;
    struct changed changed = { 0, 0 };
    memset(f, 0, sizeof *f);
    vga_picture(v, &now);
    if (v->in_pieces) v->redraw = true;
    if (!adopt(v, &now)) return;
    if (!text_only) v->in_pieces = vga_changes_in_mid_frame(v);
    if (!text_only && v->in_pieces) draw_in_pieces(v, &now, &changed);
    else if (!text_only) draw_pixels(v, &changed);
    if (v->shown.kind == PICTURE_TEXT)
        vga_draw_text(v, &f->text, &changed, text_only || v->in_pieces);
    if (!text_only && !v->in_pieces) draw_blanking(v, 0, v->shown.height);
    if (!text_only) drawn(v);
    owe(v, &changed);
    if (whole || text_only) changed = (struct changed){ 0, v->shown.height };
    else changed = v->owed, v->owed = (struct changed){ 0, 0 };
    f->width = f->stride = v->shown.full_width;
    f->height = v->shown.full_height;
    f->pixels = v->pixels;
    rows_of(v, f, &changed);
}

void vga_screen_plug(struct vga *v, struct board *b)
{
    v->redraw = true;
    board_set_screen(b, &(struct screen){ .ctx = v, .draw = draw });
}

void vga_screen_unplug(struct vga *v)
{
    free(v->pixels);
    free(v->cells);
    free(v->drawn);
}
