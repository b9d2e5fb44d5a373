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
    bool done = grow(&pixels, &v->pixel_room, (size_t)p->width * p->height, sizeof *v->pixels);
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
    if (memcmp(p, &v->shown, sizeof *p)) v->redraw = true;
    memcpy(&v->shown, p, sizeof *p);
    if (p->kind == PICTURE_NONE) return false;
    v->band_count = vga_bands(p, v->bands, VGA_MAX_HEIGHT);
    if (make_room(v, p)) return true;
    v->shown.kind = PICTURE_NONE;
    return false;
}

static void draw_black(struct vga *v, struct changed *changed)
{
    if (!v->redraw) return;
    memset(v->pixels, 0, (size_t)v->shown.width * v->shown.height * sizeof *v->pixels);
    *changed = (struct changed){ 0, v->shown.height };
}

static void draw_pixels(struct vga *v, struct changed *changed)
{
    take_dirty(v);
    if (v->shown.kind == PICTURE_BLANK) draw_black(v, changed);
    else if (v->shown.kind != PICTURE_TEXT && is_dirty(v)) vga_draw_graphics(v, changed);
}

static void drawn(struct vga *v)
{
    memset(v->dirty, 0, sizeof v->dirty);
    v->fonts_written = v->redraw = false;
}

static void draw(void *ctx, struct screen_frame *f, bool whole, bool text_only)
{
    struct vga *v = ctx;
    struct picture now;
    struct changed changed = { 0, 0 };
    memset(f, 0, sizeof *f);
    vga_picture(v, &now);
    if (!adopt(v, &now)) return;
    if (!text_only) draw_pixels(v, &changed);
    if (v->shown.kind == PICTURE_TEXT) vga_draw_text(v, &f->text, &changed, text_only);
    if (!text_only) drawn(v);
    if (whole || text_only) changed = (struct changed){ 0, v->shown.height };
    f->width = f->stride = v->shown.width;
    f->height = v->shown.height;
    f->pixels = v->pixels;
    f->first_row = changed.first;
    f->row_count = changed.end > changed.first ? changed.end - changed.first : 0;
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
