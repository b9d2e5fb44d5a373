/* SPDX-License-Identifier: MIT
 * Private to gui: the parts of the terminal front-end. All but terminal.c are pure: bytes in,
 * keys out (term_keys.c); a screen in, a grid of cells out (term_view.c); two grids in, bytes out
 * (term_paint.c).
 */
#pragma once
#include "gui/display.h"

/* ---- keys ------------------------------------------------------------------------------------ */

enum { TERM_SHIFT = 1, TERM_ALT = 2, TERM_CTRL = 4 };      /* bits as in xterm's parameters */

struct term_stroke {                       /* a key tapped while modifiers are held */
    uint8_t usage;                         /* HID                                    */
    uint8_t modifiers;
};

struct term_keys {                         /* an escape sequence that is not complete */
    uint8_t  pending[32];
    unsigned length;
};

/* One more byte from the terminal; returns how many strokes (0-2) it completed. */
unsigned term_keys_feed(struct term_keys *, uint8_t byte, struct term_stroke out[2]);
/* No byte came for a while: what looks like the start of a sequence was the Esc key. */
unsigned term_keys_idle(struct term_keys *, struct term_stroke out[2]);

/* ---- the grid -------------------------------------------------------------------------------- */

enum term_depth { TERM_16_COLOURS, TERM_256_COLOURS, TERM_TRUE_COLOUR };

/* A colour: the terminal's own, one of 16 (ANSI order) or 256, or 24 bits. */
enum { TERM_DEFAULT = 0, TERM_ANSI = 1 << 24, TERM_INDEX = 2 << 24, TERM_RGB = 3 << 24 };

struct term_cell {
    uint32_t rune, fg, bg;
};

struct term_grid {
    unsigned columns, rows;
    struct term_cell *cells;               /* columns * rows */
    unsigned cursor_column, cursor_row;
    bool cursor_visible;
};

struct term_place {                        /* the guest's cell in the grid's upper left corner */
    unsigned column, row;
};

void term_clear(struct term_grid *);
/* Moves *view as little as shows the cursor. */
void term_show_text(struct term_grid *, const struct screen_text *, struct term_place *view);
/* The picture, scaled to the columns and the upper `rows` rows, two pixels per cell. */
void term_show_picture(struct term_grid *, const struct screen_frame *, unsigned rows,
                       enum term_depth);
/* ASCII, cut at the end of the row, reversed. */
void term_show_line(struct term_grid *, unsigned column, unsigned row, const char *text);

/* ---- painting -------------------------------------------------------------------------------- */

struct term_bytes {                        /* grows; failed: out of memory, contents are useless */
    char  *bytes;
    size_t length, capacity, sent;
    bool   failed;
};

void term_put(struct term_bytes *, const char *bytes, size_t count);
void term_puts(struct term_bytes *, const char *text);
/* Appends what turns `shown` into `want`, and makes the two equal. Same size. */
void term_paint(struct term_bytes *, const struct term_grid *want, struct term_grid *shown,
                bool utf8);

/* ---- the terminal itself (term_tty.c) -------------------------------------------------------- */

struct term_tty {
    int  out;                              /* our own open file: non-blocking must not leak out */
    bool own_out, utf8;
    enum term_depth depth;
    struct term_bytes bytes;               /* on their way */
};

/* Takes stdin and stdout; *saved is for term_tty_close(). NULL: done, else why not. */
const char *term_tty_open(struct term_tty *, void **saved);
void        term_tty_close(struct term_tty *, void *saved);
void        term_tty_size(const struct term_tty *, unsigned *columns, unsigned *rows);
/* Never waits. Returns the bytes read, -1: the terminal is gone. */
int         term_tty_read(struct term_tty *, uint8_t *bytes, size_t room);
/* Sends what the terminal takes without waiting; true: nothing is left. */
bool        term_tty_send(struct term_tty *);
