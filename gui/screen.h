/* SPDX-License-Identifier: MIT
 * The screen socket: what the video card offers to whoever shows, saves or reads the screen.
 * Pulled by the front-end at its own rate; drawing never changes what the guest can see.
 */
#pragma once
#include "base/base.h"

struct screen_text {                       /* only in text modes */
    unsigned columns, rows;                /* 0 x 0 in graphics modes */
    const uint16_t *cells;                 /* columns * rows: low byte character, high attribute */
    unsigned cursor_column, cursor_row;
    bool cursor_visible;                   /* false: off, off screen or in its blink's dark half */
};

struct screen_frame {
    unsigned width, height;                /* pixels; 0 x 0: no signal */
    size_t stride;                         /* pixels per row in memory */
    const uint32_t *pixels;                /* 0x00RRGGBB, the card's, valid till the next draw */
    unsigned first_row, row_count;         /* rows changed since the last plain draw; 0: none */
    struct screen_text text;
};

struct screen {
    void *ctx;
    /* Brings the frame up to date. whole: report all rows as changed. text_only: a caller that
     * does not need pixels (terminal). Such calls only look: a row that changed is still reported
     * to the next plain draw, so that a screenshot takes nothing away from the window. */
    void (*draw)(void *ctx, struct screen_frame *, bool whole, bool text_only);
};
