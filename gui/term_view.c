/* SPDX-License-Identifier: MIT
 * The guest's screen as cells of a terminal: text as it is, pictures two pixels to a cell.
 *
 * Not implemented: the guest's own palette and font in text modes; blinking (attribute bit 7 shows
 * as a bright background, which is what DOS programs with lively colours mean by it).
 */
#include "gui/cp437.h"
#include "gui/term.h"

enum { UPPER_HALF = 0x2580 };

void term_clear(struct term_grid *g)
{
    for (size_t i = 0; i < (size_t)g->columns * g->rows; i++)
        g->cells[i] = (struct term_cell){ ' ', TERM_DEFAULT, TERM_DEFAULT };
    g->cursor_visible = false;
}

/* The adapter's bits are IRGB, ANSI's are IBGR. */
static uint32_t ansi_of(unsigned irgb)
{
    return TERM_ANSI | (irgb & 8) | (irgb & 2) | (irgb & 1) << 2 | (irgb & 4) >> 2;
}

static struct term_cell text_cell(uint16_t cell)
{
    return (struct term_cell){ cp437_rune((uint8_t)cell), ansi_of(cell >> 8 & 15),
                               ansi_of(cell >> 12) };
}

static unsigned follow(unsigned view, unsigned room, unsigned size, unsigned cursor)
{
    if (room >= size) return 0;
    if (cursor < size && cursor < view) view = cursor;
    if (cursor < size && cursor >= view + room) view = cursor - room + 1;
    return view > size - room ? size - room : view;
}

void term_show_text(struct term_grid *g, const struct screen_text *text, struct term_place *view)
{
    if (!g->columns || !g->rows || !text->cells) return;
    view->column = follow(view->column, g->columns, text->columns, text->cursor_column);
    view->row = follow(view->row, g->rows, text->rows, text->cursor_row);
    for (unsigned y = 0; y < g->rows && y + view->row < text->rows; y++) {
        const uint16_t *from = text->cells + (size_t)(y + view->row) * text->columns;
        struct term_cell *to = g->cells + (size_t)y * g->columns;
        for (unsigned x = 0; x < g->columns && x + view->column < text->columns; x++)
            to[x] = text_cell(from[x + view->column]);
    }
    g->cursor_visible = text->cursor_visible && text->cursor_column < text->columns
                     && text->cursor_row < text->rows;
    g->cursor_column = text->cursor_column - view->column;
    g->cursor_row = text->cursor_row - view->row;
}

/* ---- pictures -------------------------------------------------------------------------------- */

/* The mean colour of a box of pixels; every box has at least one. */
static uint32_t mean(const struct screen_frame *f, unsigned x0, unsigned x1, unsigned y0,
                     unsigned y1)
{
    uint64_t red = 0, green = 0, blue = 0, count = (uint64_t)(x1 - x0) * (y1 - y0);
    for (unsigned y = y0; y < y1; y++) {
        const uint32_t *row = f->pixels + y * f->stride;
        for (unsigned x = x0; x < x1; x++) {
            red += row[x] >> 16 & 255;
            green += row[x] >> 8 & 255;
            blue += row[x] & 255;
        }
    }
    return (uint32_t)(red / count << 16 | green / count << 8 | blue / count);
}

static unsigned distance(uint32_t a, uint32_t b)
{
    int red = (int)(a >> 16 & 255) - (int)(b >> 16 & 255);
    int green = (int)(a >> 8 & 255) - (int)(b >> 8 & 255);
    int blue = (int)(a & 255) - (int)(b & 255);
    return (unsigned)(red * red + green * green + blue * blue);
}

static uint32_t nearest_16(uint32_t rgb)
{
    /* In ANSI order, as VGA's default palette has them. */
    static const uint32_t palette[16] = {
        0x000000, 0xAA0000, 0x00AA00, 0xAA5500, 0x0000AA, 0xAA00AA, 0x00AAAA, 0xAAAAAA,
        0x555555, 0xFF5555, 0x55FF55, 0xFFFF55, 0x5555FF, 0xFF55FF, 0x55FFFF, 0xFFFFFF,
    };
    unsigned best = 0;
    for (unsigned i = 1; i < 16; i++)
        if (distance(rgb, palette[i]) < distance(rgb, palette[best])) best = i;
    return TERM_ANSI | best;
}

/* xterm's 256 colours: from 16 a cube of the levels 0, 95, 135 ... 255, from 232 greys 8, 18 ... */
static unsigned cube_step(unsigned level)
{
    return level < 48 ? 0 : level < 115 ? 1 : (level - 35) / 40;
}

static unsigned cube_level(unsigned step)
{
    return step ? 55 + 40 * step : 0;
}

static uint32_t nearest_256(uint32_t rgb)
{
    unsigned red = cube_step(rgb >> 16 & 255), green = cube_step(rgb >> 8 & 255);
    unsigned blue = cube_step(rgb & 255);
    uint32_t cube = cube_level(red) << 16 | cube_level(green) << 8 | cube_level(blue);
    unsigned light = ((rgb >> 16 & 255) + (rgb >> 8 & 255) + (rgb & 255)) / 3;
    unsigned step = light < 8 ? 0 : light > 238 ? 23 : (light - 3) / 10;
    if (distance(rgb, (8 + 10 * step) * 0x010101) < distance(rgb, cube))
        return TERM_INDEX | (232 + step);
    return TERM_INDEX | (16 + 36 * red + 6 * green + blue);
}

static uint32_t colour(uint32_t rgb, enum term_depth depth)
{
    if (depth == TERM_TRUE_COLOUR) return TERM_RGB | rgb;
    return depth == TERM_256_COLOURS ? nearest_256(rgb) : nearest_16(rgb);
}

struct scaling {
    const struct screen_frame *frame;
    unsigned width, height;                /* of the small picture; 1 x 1 at least */
    enum term_depth depth;
};

static uint32_t small_pixel(const struct scaling *s, unsigned x, unsigned y)
{
    const struct screen_frame *f = s->frame;
    unsigned x0 = (unsigned)((uint64_t)x * f->width / s->width);
    unsigned y0 = (unsigned)((uint64_t)y * f->height / s->height);
    unsigned x1 = (unsigned)((uint64_t)(x + 1) * f->width / s->width);
    unsigned y1 = (unsigned)((uint64_t)(y + 1) * f->height / s->height);
    return colour(mean(f, x0, x1 > x0 ? x1 : x0 + 1, y0, y1 > y0 ? y1 : y0 + 1), s->depth);
}

/* Fits the frame into columns x (2 * rows) pixels and keeps its shape. */
static struct scaling fit(const struct screen_frame *f, unsigned columns, unsigned rows,
                          enum term_depth depth)
{
    struct scaling s = { f, columns, 2 * rows, depth };
    if ((uint64_t)f->width * s.height > (uint64_t)f->height * s.width)
        s.height = (unsigned)((uint64_t)f->height * s.width / f->width);
    else
        s.width = (unsigned)((uint64_t)f->width * s.height / f->height);
    if (!s.width) s.width = 1;
    if (!s.height) s.height = 1;
    return s;
}

void term_show_picture(struct term_grid *g, const struct screen_frame *f, unsigned rows,
                       enum term_depth depth)
{
    if (rows > g->rows) rows = g->rows;
    if (!g->columns || !rows || !f->width || !f->height || !f->pixels) return;
    struct scaling s = fit(f, g->columns, rows, depth);
    for (unsigned y = 0; y < s.height; y += 2)
        for (unsigned x = 0; x < s.width; x++)
            g->cells[(size_t)(y / 2) * g->columns + x] = (struct term_cell){
                UPPER_HALF, small_pixel(&s, x, y),
                y + 1 < s.height ? small_pixel(&s, x, y + 1) : TERM_DEFAULT };
    g->cursor_visible = false;
}

void term_show_line(struct term_grid *g, unsigned column, unsigned row, const char *text)
{
    if (row >= g->rows) return;
    for (; *text && column < g->columns; text++, column++)
        g->cells[(size_t)row * g->columns + column] = (struct term_cell){
            *text >= ' ' && *text <= '~' ? (uint32_t)*text : ' ', TERM_ANSI | 0, TERM_ANSI | 7 };
}
