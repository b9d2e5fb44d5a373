/* SPDX-License-Identifier: MIT
 * A screen the tests draw on, an input that remembers, and requests that count.
 */
#pragma once
#include "gui/display.h"

#include <string.h>

enum { FAKE_COLUMNS = 80, FAKE_ROWS = 25, FAKE_PIXELS = 720 * 400, FAKE_EVENTS = 256 };

struct fake {
    struct screen screen;
    struct input  input;
    struct display_requests requests;
    struct screen_frame frame;
    uint16_t cells[FAKE_COLUMNS * FAKE_ROWS];
    uint32_t pixels[FAKE_PIXELS];
    unsigned draws, whole_draws;
    struct { unsigned usage; bool down; } keys[FAKE_EVENTS];
    unsigned key_count;
    struct { int dx, dy, dz; unsigned buttons, keys; } mice[FAKE_EVENTS];  /* keys: before it */
    unsigned mouse_count;
    unsigned quits, resets;
    char pasted[64];
};

static inline void fake_draw(void *ctx, struct screen_frame *f, bool whole, bool text_only)
{
    struct fake *k = ctx;
    (void)text_only;
    k->draws++;
    k->whole_draws += whole;
    *f = k->frame;
    if (whole) {
        f->first_row = 0;
        f->row_count = f->height;
    }
}

static inline void fake_key(void *ctx, unsigned usage, bool down)
{
    struct fake *k = ctx;
    if (k->key_count == FAKE_EVENTS) return;
    k->keys[k->key_count].usage = usage;
    k->keys[k->key_count++].down = down;
}

static inline void fake_mouse(void *ctx, int dx, int dy, int dz, unsigned buttons)
{
    struct fake *k = ctx;
    if (k->mouse_count == FAKE_EVENTS) return;
    k->mice[k->mouse_count].dx = dx;
    k->mice[k->mouse_count].dy = dy;
    k->mice[k->mouse_count].dz = dz;
    k->mice[k->mouse_count].keys = k->key_count;
    k->mice[k->mouse_count++].buttons = buttons;
}

static inline void fake_paste(void *ctx, const char *utf8)
{
    strncpy(((struct fake *)ctx)->pasted, utf8, sizeof ((struct fake *)ctx)->pasted - 1);
}

static inline void fake_quit(void *ctx)
{
    ((struct fake *)ctx)->quits++;
}

static inline void fake_reset(void *ctx)
{
    ((struct fake *)ctx)->resets++;
}

static inline void fake_picture(struct fake *k, unsigned width, unsigned height, size_t stride)
{
    k->frame = (struct screen_frame){ .width = width, .height = height, .stride = stride,
                                      .pixels = k->pixels, .row_count = height };
}

static inline void fake_text(struct fake *k, unsigned columns, unsigned rows)
{
    fake_picture(k, columns * 9, rows * 16, (size_t)columns * 9);
    k->frame.text = (struct screen_text){ .columns = columns, .rows = rows, .cells = k->cells };
}

static inline void fake_print(struct fake *k, unsigned column, unsigned row, uint8_t attribute,
                              const char *text)
{
    uint16_t *to = k->cells + row * k->frame.text.columns + column;
    while (*text) *to++ = (uint16_t)(attribute << 8 | (uint8_t)*text++);
}

/* 80x25, grey on black, blank. */
static inline void fake_init(struct fake *k)
{
    memset(k, 0, sizeof *k);
    k->screen = (struct screen){ k, fake_draw };
    k->input = (struct input){ k, fake_key, fake_mouse };
    k->requests = (struct display_requests){ k, fake_quit, fake_reset, fake_paste, NULL,
                                              NULL };
    for (unsigned i = 0; i < FAKE_COLUMNS * FAKE_ROWS; i++) k->cells[i] = 0x0720;
    fake_text(k, FAKE_COLUMNS, FAKE_ROWS);
}
