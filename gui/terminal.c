/* SPDX-License-Identifier: MIT
 * The terminal front-end: the guest's text screen in a terminal, pictures as coloured half blocks,
 * by ncurses (ncurses(3X), version 6.1 or newer, built for wide characters).
 *
 * Terminals report characters, not keys: each becomes a tap, modifiers included, one per poll.
 * Ctrl-A starts a command of ours, as in QEMU's -nographic; see docs/display.md.
 *
 * Not implemented: holding a key down, the mouse, keys that terminals do not report, two terminals
 * in one process (stdin and stdout are one).
 */
#include "gui/front_ends.h"

#ifdef HAVE_NCURSES
#include "gui/term.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PICTURE_EVERY = 5 };                /* polls: ten pictures per second are plenty */
enum { KEY_A = 0x04, KEY_DELETE = 0x4C, KEY_F1 = 0x3A };
enum { LEFT_CONTROL = 0xE0, LEFT_SHIFT = 0xE1, LEFT_ALT = 0xE2 };

struct display {
    const struct screen     *screen;
    const struct input      *input;
    struct display_requests  requests;
    struct log              *log;
    struct term_tty   tty;
    struct term_place view;
    int      colours;
    unsigned polls;
    bool prefix, help;                     /* Ctrl-A was typed; the help is shown */
    bool picture;                          /* a graphics mode */
    bool compose;                          /* even if it is not a picture's turn */
    bool quit, reset;
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
    case 'l': clearok(stdscr, TRUE); d->compose = true; break;
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

/* One per poll, when the guest has got the one before: its keyboard buffer holds few. A long paste
 * waits in the terminal. */
static void type_one(struct display *d)
{
    struct term_stroke stroke;
    if (d->requests.served && !d->requests.served(d->requests.ctx)) return;
    if (term_read_stroke(&stroke)) take_stroke(d, stroke);
}

/* ---- the picture ----------------------------------------------------------------------------- */

static void show_help(void)
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
    int width = (int)strlen(lines[0]), count = (int)COUNT_OF(lines);
    int column = COLS > width ? (COLS - width) / 2 : 0;
    int row = LINES > count ? (LINES - count) / 2 : 0;
    for (int i = 0; i < count; i++) term_show_line(column, row + i, lines[i]);
}

static void show_note(struct display *d, const struct screen_frame *f)
{
    char note[256], mode[64] = "";
    if (d->picture) snprintf(mode, sizeof mode, "graphics %ux%u - ", f->width, f->height);
    else if (!f->text.columns) snprintf(mode, sizeof mode, "no signal - ");
    snprintf(note, sizeof note, " %s%s%sCtrl-A h: help ", mode, d->status,
             d->status[0] ? " - " : "");
    term_show_line(0, LINES - 1, note);
}

static void place_cursor(const struct display *d, const struct screen_text *text)
{
    bool seen = text->cursor_visible && !d->help && text->cursor_column < text->columns
             && text->cursor_row < text->rows;
    curs_set(seen);
    if (seen) move((int)(text->cursor_row - d->view.row),
                   (int)(text->cursor_column - d->view.column));
}

static void compose(struct display *d, const struct screen_frame *f)
{
    erase();
    if (f->text.columns) term_show_text(&f->text, &d->view, d->colours);
    else term_show_picture(f, LINES - 1, d->colours);
    if (!f->text.columns || f->text.rows < (unsigned)LINES) show_note(d, f);
    if (d->help) show_help();
    place_cursor(d, &f->text);
    refresh();
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
    locale_t before = term_tty_enter(&d->tty);
    d->quit |= term_tty_gone();
    type_one(d);
    if (term_tty_writable()) {             /* a stopped terminal does not hold up the machine */
        d->compose |= term_tty_resized();
        look(d);
    }
    uselocale(before);
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

static void set_options(struct display *d, const char *options, const char **charset)
{
    char word[OPTION_SIZE];
    while (next_option(&options, word)) {
        if (!strcmp(word, "ascii")) *charset = "C";
        else if (!strcmp(word, "utf8")) *charset = "C.UTF-8";
        else if (sscanf(word, "colours=%9d", &d->colours) != 1)
            log_line(d->log, "gui", LOG_WARN, "term has no option \"%s\" (ascii, utf8, "
                     "colours=0, 8, 16 or 256)", word);
    }
}

static void terminal_close(struct display *d)
{
    if (!d) return;
    term_tty_close(&d->tty);
    free(d);
}

static struct display *terminal_open(const struct screen *screen, const struct input *input,
                                     const struct display_requests *requests, const char *options,
                                     struct log *log, const char **why)
{
    const char *charset = "";
    struct display *d = calloc(1, sizeof *d);
    *why = "out of memory";
    if (!d) return NULL;
    *d = (struct display){ .screen = screen, .input = input, .log = log, .colours = INT_MAX };
    if (requests) d->requests = *requests;
    set_options(d, options, &charset);
    *why = term_tty_open(&d->tty, charset);
    if (*why) {
        free(d);
        return NULL;
    }
    if (d->colours > COLORS) d->colours = COLORS;
    return d;
}

const struct display_class display_terminal = {
    .name = "term", .about = "text in this terminal (ncurses); options: ascii, utf8, colours=N",
    .open = terminal_open, .poll = terminal_poll, .title = terminal_title, .close = terminal_close,
};
#else
static struct display *terminal_open(const struct screen *screen, const struct input *input,
                                     const struct display_requests *requests, const char *options,
                                     struct log *log, const char **why)
{
    (void)screen, (void)input, (void)requests, (void)options, (void)log;
    *why = "built without ncurses";
    return NULL;
}

const struct display_class display_terminal = {
    .name = "term", .about = "not built in: needs ncurses", .open = terminal_open,
};
#endif
