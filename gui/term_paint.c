/* SPDX-License-Identifier: MIT
 * Cells -> the bytes that make a terminal show them; only for cells that changed.
 * ECMA-48, Control Functions for Coded Character Sets, 5th edition, 1991 (CUP, SGR); XTerm Control
 * Sequences (bright colours 90-107, 38;5 and 38;2, DECTCEM).
 *
 * We speak ECMA-48 ourselves instead of by curses: every terminal of today understands it, 24-bit
 * colours need no colour pairs, nothing is global, and what is sent can be tested as plain bytes.
 */
#include "gui/cp437.h"
#include "gui/term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void term_put(struct term_bytes *out, const char *bytes, size_t count)
{
    if (out->failed) return;
    if (out->length + count > out->capacity) {
        size_t capacity = 2 * (out->length + count) + 1024;
        char *more = realloc(out->bytes, capacity);
        out->failed = !more;
        if (!more) return;
        out->bytes = more;
        out->capacity = capacity;
    }
    memcpy(out->bytes + out->length, bytes, count);
    out->length += count;
}

void term_puts(struct term_bytes *out, const char *text)
{
    term_put(out, text, strlen(text));
}

struct pen {
    unsigned column, row;
    bool     placed;                       /* column and row are where the terminal writes next */
    uint32_t fg, bg;
};

static void move(struct term_bytes *out, struct pen *pen, unsigned column, unsigned row)
{
    char text[40];
    if (pen->placed && pen->column == column && pen->row == row) return;
    snprintf(text, sizeof text, "\x1B[%u;%uH", row + 1, column + 1);
    term_puts(out, text);
    pen->placed = true;
    pen->column = column;
    pen->row = row;
}

/* base: 30 for the foreground, 40 for the background. */
static void put_colour(struct term_bytes *out, uint32_t colour, unsigned base)
{
    char text[40];
    unsigned n = colour & 0xFFFFFF;
    switch ((int)(colour & 0xFF000000)) {
    case TERM_ANSI:
        snprintf(text, sizeof text, "\x1B[%um", n < 8 ? base + n : base + 60 + n - 8);
        break;
    case TERM_INDEX:
        snprintf(text, sizeof text, "\x1B[%u;5;%um", base + 8, n);
        break;
    case TERM_RGB:
        snprintf(text, sizeof text, "\x1B[%u;2;%u;%u;%um", base + 8, n >> 16, n >> 8 & 255,
                 n & 255);
        break;
    default:
        snprintf(text, sizeof text, "\x1B[%um", base + 9);
        break;
    }
    term_puts(out, text);
}

static void put_cell(struct term_bytes *out, struct pen *pen, const struct term_cell *cell,
                     bool utf8)
{
    char text[3];
    if (cell->fg != pen->fg) put_colour(out, cell->fg, 30);
    if (cell->bg != pen->bg) put_colour(out, cell->bg, 40);
    pen->fg = cell->fg;
    pen->bg = cell->bg;
    if (utf8) term_put(out, text, utf8_put(text, cell->rune));
    else {
        text[0] = ascii_for_rune(cell->rune);
        term_put(out, text, 1);
    }
    pen->column++;
    /* Some fonts make suits, arrows and faces two cells wide: say again where we are. */
    if (cell->rune >= 0x80 && (cell->rune < 0x2500 || cell->rune > 0x259F)) pen->placed = false;
}

static bool same(const struct term_cell *a, const struct term_cell *b)
{
    return a->rune == b->rune && a->fg == b->fg && a->bg == b->bg;
}

static void paint_cells(struct term_bytes *out, const struct term_grid *want,
                        struct term_grid *shown, bool utf8)
{
    struct pen pen = { .fg = UINT32_MAX, .bg = UINT32_MAX };
    for (unsigned y = 0; y < want->rows; y++) {
        for (unsigned x = 0; x < want->columns; x++) {
            size_t i = (size_t)y * want->columns + x;
            if (same(&want->cells[i], &shown->cells[i])) continue;
            move(out, &pen, x, y);
            put_cell(out, &pen, &want->cells[i], utf8);
            shown->cells[i] = want->cells[i];
        }
    }
}

static void paint_cursor(struct term_bytes *out, const struct term_grid *want,
                         struct term_grid *shown)
{
    struct pen pen = { .placed = false };
    if (want->cursor_visible) move(out, &pen, want->cursor_column, want->cursor_row);
    if (want->cursor_visible != shown->cursor_visible)
        term_puts(out, want->cursor_visible ? "\x1B[?25h" : "\x1B[?25l");
    shown->cursor_visible = want->cursor_visible;
    shown->cursor_column = want->cursor_column;
    shown->cursor_row = want->cursor_row;
}

static bool same_cursor(const struct term_grid *a, const struct term_grid *b)
{
    return a->cursor_visible == b->cursor_visible && a->cursor_column == b->cursor_column
        && a->cursor_row == b->cursor_row;
}

void term_paint(struct term_bytes *out, const struct term_grid *want, struct term_grid *shown,
                bool utf8)
{
    size_t before = out->length;
    paint_cells(out, want, shown, utf8);
    if (out->length != before || !same_cursor(want, shown)) paint_cursor(out, want, shown);
}
