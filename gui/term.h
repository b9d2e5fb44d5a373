/* SPDX-License-Identifier: MIT
 * Private to gui: the parts of the terminal front-end. term_tty.c opens the terminal, term_keys.c
 * reads it, term_view.c writes the guest's screen to it. All work on ncurses' current screen.
 */
#pragma once
#define NCURSES_NOMACROS 1                 /* or it takes words like move, clear and erase */
#ifndef NCURSES_WIDECHAR
#define NCURSES_WIDECHAR 1
#endif
#define screen   curses_screen             /* ncurses has its own of these names */
#define key_name curses_key_name
#include <curses.h>
#undef screen
#undef key_name

#include <locale.h>
#include <signal.h>

#include "gui/display.h"

enum { TERM_SIGNALS = 11 };

struct term_tty {
    SCREEN          *curses;
    locale_t         locale;               /* what ncurses encodes characters by */
    struct sigaction before[TERM_SIGNALS];
};

/* charset: a locale's name, "" = what the environment says. NULL: done, else why not. */
const char *term_tty_open(struct term_tty *, const char *charset);
void        term_tty_close(struct term_tty *);
/* Before the calls below; hand the result to uselocale() after them. */
locale_t    term_tty_enter(const struct term_tty *);
bool        term_tty_gone(void);           /* nobody will ever type here again */
bool        term_tty_writable(void);       /* it takes bytes now               */
bool        term_tty_resized(void);        /* it was; now we know its size     */

enum { TERM_SHIFT = 1, TERM_ALT = 2, TERM_CTRL = 4 };      /* bits as in xterm's parameters */

struct term_stroke {                       /* a key tapped while modifiers are held */
    uint8_t usage;                         /* HID                                    */
    uint8_t modifiers;
};

/* Once per terminal: every key as it comes, and those that its description lacks. */
void term_start_keys(void);
/* The next key, never waits longer than ESCDELAY; false: none, or one the guest cannot have. */
bool term_read_stroke(struct term_stroke *);

struct term_place {                        /* the guest's cell in the upper left corner */
    unsigned column, row;
};

/* colours: no more than these are used. The view moves as little as shows the cursor. */
void term_show_text(const struct screen_text *, struct term_place *view, int colours);
/* The picture, scaled to the terminal's width and the upper `rows` rows, two pixels per cell. */
void term_show_picture(const struct screen_frame *, int rows, int colours);
/* ASCII, cut at the end of the row, reversed. */
void term_show_line(int column, int row, const char *text);
