/* SPDX-License-Identifier: MIT
 * The guest's screen in a terminal, by ncurses: text as it is, pictures two pixels to a cell.
 * ncurses(3X), new_pair(3X), ncurses 6.1 or newer.
 *
 * Not implemented: the guest's own palette and font in text modes; blinking (attribute bit 7 shows
 * as a bright background, which is what DOS programs with lively colours mean by it); pictures
 * without colours.
 */
#ifdef HAVE_NCURSES
#include "gui/cp437.h"
#include "gui/term.h"

#include <wchar.h>

enum { UPPER_HALF = 0x2580 };
enum { TRUE_COLOURS = 1 << 24 };           /* such a terminal's numbers are RGB (xterm-direct) */
enum { ANSI_COLOURS = 8 };

/* VGA's default palette. */
static const uint32_t palette[16] = {
    0x000000, 0x0000AA, 0x00AA00, 0x00AAAA, 0xAA0000, 0xAA00AA, 0xAA5500, 0xAAAAAA,
    0x555555, 0x5555FF, 0x55FF55, 0x55FFFF, 0xFF5555, 0xFF55FF, 0xFFFF55, 0xFFFFFF,
};

/* ---- cells ----------------------------------------------------------------------------------- */

struct ink {
    attr_t attributes;
    int    pair;
};

static struct ink ink_of(attr_t attributes, int fg, int bg)
{
    int pair = alloc_pair(fg, bg);
    return (struct ink){ attributes, pair < 0 ? 0 : pair };
}

static void put_cell(unsigned column, unsigned row, uint32_t rune, struct ink ink)
{
    /* What the locale cannot encode has no width. */
    wchar_t text[2] = { (wchar_t)rune, 0 };
    if (wcwidth(text[0]) != 1) text[0] = ascii_for_rune(rune);
    cchar_t cell;
    setcchar(&cell, text, ink.attributes, 0, &ink.pair);
    mvadd_wch((int)row, (int)column, &cell);
}

void term_show_line(int column, int row, const char *text)
{
    attr_set(A_REVERSE, 0, NULL);
    if (row < LINES && column < COLS) mvaddnstr(row, column, text, COLS - column);
    attr_set(A_NORMAL, 0, NULL);
}

/* ---- colours --------------------------------------------------------------------------------- */

/* ncurses takes 1 to 7 for ANSI colours even where all others are RGB. */
static int rgb_number(uint32_t rgb)
{
    return rgb < ANSI_COLOURS ? 0 : (int)rgb;
}

/* The adapter's bits are IRGB, ANSI's are IBGR. */
static int number_of(unsigned irgb, int colours)
{
    if (colours >= TRUE_COLOURS) return rgb_number(palette[irgb]);
    unsigned ansi = (irgb & 10) | (irgb & 1) << 2 | (irgb & 4) >> 2;
    return (int)(colours < 16 ? ansi & 7 : ansi);
}

static struct ink text_ink(unsigned attribute, int colours)
{
    unsigned fg = attribute & 15, bg = attribute >> 4;
    attr_t bold = fg & 8 ? A_BOLD : A_NORMAL;
    if (colours < ANSI_COLOURS)
        return (struct ink){ bold | ((bg & 7) > (fg & 7) ? A_REVERSE : A_NORMAL), 0 };
    return ink_of(colours < 16 ? bold : A_NORMAL, number_of(fg, colours), number_of(bg, colours));
}

static unsigned distance(uint32_t a, uint32_t b)
{
    int red = (int)(a >> 16 & 255) - (int)(b >> 16 & 255);
    int green = (int)(a >> 8 & 255) - (int)(b >> 8 & 255);
    int blue = (int)(a & 255) - (int)(b & 255);
    return (unsigned)(red * red + green * green + blue * blue);
}

static unsigned nearest_irgb(uint32_t rgb, unsigned count)
{
    unsigned best = 0;
    for (unsigned i = 1; i < count; i++)
        if (distance(rgb, palette[i]) < distance(rgb, palette[best])) best = i;
    return best;
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

static unsigned nearest_256(uint32_t rgb)
{
    unsigned red = cube_step(rgb >> 16 & 255), green = cube_step(rgb >> 8 & 255);
    unsigned blue = cube_step(rgb & 255);
    uint32_t cube = cube_level(red) << 16 | cube_level(green) << 8 | cube_level(blue);
    unsigned light = ((rgb >> 16 & 255) + (rgb >> 8 & 255) + (rgb & 255)) / 3;
    unsigned step = light < 8 ? 0 : light > 238 ? 23 : (light - 3) / 10;
    if (distance(rgb, (8 + 10 * step) * 0x010101) < distance(rgb, cube)) return 232 + step;
    return 16 + 36 * red + 6 * green + blue;
}

static int number_of_rgb(uint32_t rgb, int colours)
{
    if (colours >= TRUE_COLOURS) return rgb_number(rgb);
    if (colours >= 256) return (int)nearest_256(rgb);
    return number_of(nearest_irgb(rgb, colours < 16 ? 8 : 16), colours);
}

/* ---- text ------------------------------------------------------------------------------------ */

static unsigned follow(unsigned view, unsigned room, unsigned size, unsigned cursor)
{
    if (room >= size) return 0;
    if (cursor < size && cursor < view) view = cursor;
    if (cursor < size && cursor >= view + room) view = cursor - room + 1;
    return view > size - room ? size - room : view;
}

void term_show_text(const struct screen_text *text, struct term_place *view, int colours)
{
    unsigned columns = (unsigned)COLS, rows = (unsigned)LINES, attribute = 0x100;
    struct ink ink = { A_NORMAL, 0 };
    if (!text->cells) return;
    view->column = follow(view->column, columns, text->columns, text->cursor_column);
    view->row = follow(view->row, rows, text->rows, text->cursor_row);
    for (unsigned y = 0; y < rows && y + view->row < text->rows; y++) {
        const uint16_t *from = text->cells + (size_t)(y + view->row) * text->columns;
        for (unsigned x = 0; x < columns && x + view->column < text->columns; x++) {
            uint16_t cell = from[x + view->column];
            if (cell >> 8 != attribute) ink = text_ink(attribute = cell >> 8, colours);
            put_cell(x, y, cp437_rune((uint8_t)cell), ink);
        }
    }
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

struct scaling {
    const struct screen_frame *frame;
    unsigned width, height;                /* of the small picture; 1 x 1 at least */
    int colours;
};

static int small_pixel(const struct scaling *s, unsigned x, unsigned y)
{
    const struct screen_frame *f = s->frame;
    if (y >= s->height) return -1;         /* the terminal's own */
    unsigned x0 = (unsigned)((uint64_t)x * f->width / s->width);
    unsigned y0 = (unsigned)((uint64_t)y * f->height / s->height);
    unsigned x1 = (unsigned)((uint64_t)(x + 1) * f->width / s->width);
    unsigned y1 = (unsigned)((uint64_t)(y + 1) * f->height / s->height);
    uint32_t rgb = mean(f, x0, x1 > x0 ? x1 : x0 + 1, y0, y1 > y0 ? y1 : y0 + 1);
    return number_of_rgb(rgb, s->colours);
}

/* Fits the frame into columns x (2 * rows) pixels and keeps its shape. */
static struct scaling fit(const struct screen_frame *f, unsigned columns, unsigned rows,
                          int colours)
{
    struct scaling s = { f, columns, 2 * rows, colours };
    if ((uint64_t)f->width * s.height > (uint64_t)f->height * s.width)
        s.height = (unsigned)((uint64_t)f->height * s.width / f->width);
    else
        s.width = (unsigned)((uint64_t)f->width * s.height / f->height);
    if (!s.width) s.width = 1;
    if (!s.height) s.height = 1;
    return s;
}

void term_show_picture(const struct screen_frame *f, int rows, int colours)
{
    if (rows > LINES) rows = LINES;
    if (rows <= 0 || colours < ANSI_COLOURS || !f->width || !f->height || !f->pixels) return;
    struct scaling s = fit(f, (unsigned)COLS, (unsigned)rows, colours);
    for (unsigned y = 0; y < s.height; y += 2)
        for (unsigned x = 0; x < s.width; x++)
            put_cell(x, y / 2, UPPER_HALF,
                     ink_of(A_NORMAL, small_pixel(&s, x, y), small_pixel(&s, x, y + 1)));
}
#else
typedef int term_view_is_not_built_in;     /* ISO C wants something in every file */
#endif
