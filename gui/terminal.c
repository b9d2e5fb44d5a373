/* SPDX-License-Identifier: MIT
 * The terminal front-end: the guest's text screen in a terminal, pictures as coloured half blocks.
 *
 * Terminals report characters, not keys: each becomes a tap, modifiers included, one per poll.
 * Ctrl-A starts a command of ours, as in QEMU's -nographic; see docs/display.md.
 *
 * Not implemented: holding a key down, the mouse, keys that terminals do not report.
 */
#include "gui/front_ends.h"
#include "gui/term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { QUEUE = 256 };                      /* strokes; a power of two */
enum { PICTURE_EVERY = 5 };                /* polls: ten pictures per second are plenty */
enum { IDLE_POLLS = 2 };                   /* a lone ESC older than that was the Esc key */
enum { KEY_A = 0x04, KEY_DELETE = 0x4C, KEY_F1 = 0x3A };
enum { LEFT_CONTROL = 0xE0, LEFT_SHIFT = 0xE1, LEFT_ALT = 0xE2 };

struct display {
    const struct screen     *screen;
    const struct input      *input;
    struct display_requests  requests;
    struct log              *log;
    struct term_tty  tty;
    void            *saved;                /* the terminal's settings before us */
    struct term_grid want, shown;
    struct term_place view;
    struct term_keys  keys;
    struct term_stroke queue[QUEUE];
    unsigned queue_head, queue_count;
    unsigned idle_polls, polls;
    bool prefix, help;                     /* Ctrl-A was typed; the help is shown */
    bool picture;                          /* a graphics mode */
    bool compose;                          /* even if it is not a picture's turn */
    bool quit, reset, gone;
    char status[160];
};

/* ---- keys ------------------------------------------------------------------------------------ */

static void send_key(struct display *d, unsigned usage, bool down)
{
    if (d->input->key) d->input->key(d->input->ctx, usage, down);
}

static void tap(struct display *d, struct term_stroke stroke)
{
    static const struct { uint8_t bit, usage; } held[] = {
        { TERM_CTRL, LEFT_CONTROL }, { TERM_ALT, LEFT_ALT }, { TERM_SHIFT, LEFT_SHIFT },
    };
    for (unsigned i = 0; i < COUNT_OF(held); i++)
        if (stroke.modifiers & held[i].bit) send_key(d, held[i].usage, true);
    send_key(d, stroke.usage, true);
    send_key(d, stroke.usage, false);
    for (unsigned i = COUNT_OF(held); i-- > 0;)
        if (stroke.modifiers & held[i].bit) send_key(d, held[i].usage, false);
}

static void redraw(struct display *d)
{
    for (size_t i = 0; i < (size_t)d->shown.columns * d->shown.rows; i++)
        d->shown.cells[i] = (struct term_cell){ 0, TERM_DEFAULT, TERM_DEFAULT };
    d->shown.cursor_visible = false;
    term_puts(&d->tty.bytes, "\x1B[0m\x1B[2J\x1B[?25l");
    d->compose = true;
}

/* The stroke after Ctrl-A. */
static void command(struct display *d, struct term_stroke stroke)
{
    const char *name = key_name(stroke.usage);
    char key = name && !name[1] ? name[0] : 0;
    static const char functions[] = "1234567890-=";
    const char *function = key ? strchr(functions, key) : NULL;
    if (function)
        tap(d, (struct term_stroke){ (uint8_t)(KEY_F1 + (function - functions)), 0 });
    switch (key) {
    case 'a': tap(d, (struct term_stroke){ KEY_A, TERM_CTRL }); break;
    case 'd': tap(d, (struct term_stroke){ KEY_DELETE, TERM_CTRL | TERM_ALT }); break;
    case 'h': d->help = d->compose = true; break;
    case 'l': redraw(d); break;
    case 'r': d->reset = true; break;
    case 'x': d->quit = true; break;
    default:  break;
    }
}

static void take_stroke(struct display *d, struct term_stroke stroke)
{
    bool was_help = d->help;
    d->help = false;
    d->compose |= was_help;
    if (d->prefix) {
        d->prefix = false;
        command(d, stroke);
    } else if (stroke.usage == KEY_A && stroke.modifiers == TERM_CTRL) {
        d->prefix = true;
    } else if (!was_help) {                /* the key that closes the help is not the guest's */
        tap(d, stroke);
    }
}

static void enqueue(struct display *d, const struct term_stroke *strokes, unsigned count)
{
    for (unsigned i = 0; i < count && d->queue_count < QUEUE; i++)
        d->queue[(d->queue_head + d->queue_count++) & (QUEUE - 1)] = strokes[i];
}

/* Reads only what the queue can take: a long paste waits in the terminal. */
static void read_keys(struct display *d)
{
    uint8_t bytes[QUEUE / 2];
    struct term_stroke strokes[2];
    size_t room = (QUEUE - d->queue_count) / 2;
    int count = room && !d->gone ? term_tty_read(&d->tty, bytes, room) : 0;
    if (count < 0) d->gone = d->quit = true;
    for (int i = 0; i < count; i++)
        enqueue(d, strokes, term_keys_feed(&d->keys, bytes[i], strokes));
    d->idle_polls = count > 0 ? 0 : d->idle_polls + 1;
    if (d->idle_polls == IDLE_POLLS) enqueue(d, strokes, term_keys_idle(&d->keys, strokes));
}

/* One per poll: a guest's keyboard buffer holds few. */
static void type_one(struct display *d)
{
    if (!d->queue_count) return;
    struct term_stroke stroke = d->queue[d->queue_head];
    d->queue_head = (d->queue_head + 1) & (QUEUE - 1);
    d->queue_count--;
    take_stroke(d, stroke);
}

/* ---- the picture ----------------------------------------------------------------------------- */

static bool resize_grid(struct term_grid *g, unsigned columns, unsigned rows)
{
    struct term_cell *cells = calloc((size_t)columns * rows, sizeof *cells);
    if (!cells) return false;
    free(g->cells);
    *g = (struct term_grid){ .columns = columns, .rows = rows, .cells = cells };
    return true;
}

static bool follow_size(struct display *d)
{
    unsigned columns, rows;
    term_tty_size(&d->tty, &columns, &rows);
    bool same = columns == d->want.columns && rows == d->want.rows
             && columns == d->shown.columns && rows == d->shown.rows;
    if (same) return true;
    if (!resize_grid(&d->want, columns, rows) || !resize_grid(&d->shown, columns, rows))
        return false;
    redraw(d);
    return true;
}

static void show_help(struct display *d)
{
    static const char *const lines[] = {
        "  Vitro: Ctrl-A, then                ",
        "   x    quit                         ",
        "   r    reset the machine            ",
        "   d    Ctrl+Alt+Del to the guest    ",
        "   a    Ctrl+A to the guest          ",
        "   1..9 0 - =   F1..F10 F11 F12      ",
        "   l    draw the screen again        ",
        "   h    this help; any key closes it ",
    };
    unsigned width = (unsigned)strlen(lines[0]);
    unsigned column = d->want.columns > width ? (d->want.columns - width) / 2 : 0;
    unsigned row = d->want.rows > COUNT_OF(lines) ? (d->want.rows - COUNT_OF(lines)) / 2 : 0;
    for (unsigned i = 0; i < COUNT_OF(lines); i++)
        term_show_line(&d->want, column, row + i, lines[i]);
    d->want.cursor_visible = false;
}

static void show_note(struct display *d, const struct screen_frame *f)
{
    char note[256], mode[64] = "";
    if (d->picture) snprintf(mode, sizeof mode, "graphics %ux%u - ", f->width, f->height);
    else if (!f->text.columns) snprintf(mode, sizeof mode, "no signal - ");
    snprintf(note, sizeof note, " %s%s%sCtrl-A h: help ", mode, d->status,
             d->status[0] ? " - " : "");
    term_show_line(&d->want, 0, d->want.rows - 1, note);
}

static void compose(struct display *d, const struct screen_frame *f)
{
    term_clear(&d->want);
    if (f->text.columns) term_show_text(&d->want, &f->text, &d->view);
    else term_show_picture(&d->want, f, d->want.rows - 1, d->tty.depth);
    if (!f->text.columns || f->text.rows < d->want.rows) show_note(d, f);
    if (d->help) show_help(d);
    d->compose = false;
}

static void look(struct display *d)
{
    struct screen_frame f = { 0 };
    if (d->picture && ++d->polls % PICTURE_EVERY && !d->compose) return;
    d->screen->draw(d->screen->ctx, &f, false, !d->picture);
    bool picture = !f.text.columns && f.width && f.height;
    if (picture && !d->picture) {          /* that draw had no pixels */
        f = (struct screen_frame){ 0 };
        d->screen->draw(d->screen->ctx, &f, false, false);
        picture = !f.text.columns && f.width && f.height;
    }
    d->picture = picture;
    compose(d, &f);
}

/* ---- the front-end --------------------------------------------------------------------------- */

static void terminal_poll(struct display *d)
{
    read_keys(d);
    type_one(d);
    /* A slow terminal gets fewer pictures; it never holds up the machine. */
    if (term_tty_send(&d->tty) && follow_size(d)) {
        look(d);
        term_paint(&d->tty.bytes, &d->want, &d->shown, d->tty.utf8);
        if (d->tty.bytes.failed) {
            d->tty.bytes.failed = false;
            d->tty.bytes.length = 0;
            redraw(d);
        }
        term_tty_send(&d->tty);
    }
    /* Last, because the machine may close this display from inside these calls. */
    struct display_requests requests = d->requests;
    bool quit = d->quit, reset = d->reset;
    d->quit = d->reset = false;
    if (reset && requests.reset) requests.reset(requests.ctx);
    if (quit && requests.quit) requests.quit(requests.ctx);
}

static void terminal_title(struct display *d, const char *status)
{
    snprintf(d->status, sizeof d->status, "%s", status ? status : "");
}

static void set_option(struct display *d, const char *word)
{
    if (!strcmp(word, "ascii")) d->tty.utf8 = false;
    else if (!strcmp(word, "utf8")) d->tty.utf8 = true;
    else if (!strcmp(word, "colours=16")) d->tty.depth = TERM_16_COLOURS;
    else if (!strcmp(word, "colours=256")) d->tty.depth = TERM_256_COLOURS;
    else if (!strcmp(word, "colours=true")) d->tty.depth = TERM_TRUE_COLOUR;
    else log_line(d->log, "gui", LOG_WARN, "term has no option \"%s\" "
                  "(ascii, utf8, colours=16, colours=256, colours=true)", word);
}

static void set_options(struct display *d, const char *options)
{
    char word[OPTION_SIZE];
    while (next_option(&options, word)) set_option(d, word);
}

static struct display *terminal_open(const struct screen *screen, const struct input *input,
                                     const struct display_requests *requests, const char *options,
                                     struct log *log, const char **why)
{
    struct display *d = calloc(1, sizeof *d);
    *why = d ? NULL : "out of memory";
    if (d) *why = term_tty_open(&d->tty, &d->saved);
    if (*why) {
        free(d);
        return NULL;
    }
    d->screen = screen;
    d->input = input;
    d->log = log;
    if (requests) d->requests = *requests;
    set_options(d, options);
    return d;
}

static void terminal_close(struct display *d)
{
    if (!d) return;
    term_tty_close(&d->tty, d->saved);
    free(d->want.cells);
    free(d->shown.cells);
    free(d);
}

const struct display_class display_terminal = {
    .name = "term", .about = "text in this terminal; options: ascii, utf8, colours=16|256|true",
    .open = terminal_open, .poll = terminal_poll, .title = terminal_title, .close = terminal_close,
};
