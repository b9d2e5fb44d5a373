/* SPDX-License-Identifier: MIT
 * What ncurses makes of the terminal's keys -> keys of the guest.
 * curs_getch(3X), define_key(3X), ncurses 6; XTerm Control Sequences, "PC-Style Function Keys"
 * (modifiers); DEC VT220 Programmer Reference Manual, EK-VT220-RM, 1984, table 3-9 (the keypad).
 *
 * Not implemented: keys outside ASCII (the guest's layout is unknown), mouse reports.
 */
#ifdef HAVE_NCURSES
#include "gui/term.h"

#include <stdio.h>

enum { ESC = 0x1B };
enum { USAGE_ESC = 0x29, USAGE_BACKSPACE = 0x2A, USAGE_TAB = 0x2B, USAGE_F1 = 0x3A,
       USAGE_KP_ENTER = 0x58 };
enum { TAUGHT = 0x4000 };                  /* above ncurses' own codes: modifiers, usage */

/* ncurses' code, and how xterm sends it: CSI number ; modifiers final. */
static const struct {
    int     code;
    uint8_t usage, number;
    char    final;
} keys[] = {
    { KEY_UP, 0x52, 1, 'A' },     { KEY_DOWN, 0x51, 1, 'B' },   { KEY_RIGHT, 0x4F, 1, 'C' },
    { KEY_LEFT, 0x50, 1, 'D' },   { KEY_BEG, 0x5D, 1, 'E' },    { KEY_END, 0x4D, 1, 'F' },
    { KEY_HOME, 0x4A, 1, 'H' },
    { KEY_FIND, 0x4A, 1, '~' },   { KEY_IC, 0x49, 2, '~' },     { KEY_DC, 0x4C, 3, '~' },
    { KEY_SELECT, 0x4D, 4, '~' }, { KEY_PPAGE, 0x4B, 5, '~' },  { KEY_NPAGE, 0x4E, 6, '~' },
    { KEY_F(1), 0x3A, 1, 'P' },   { KEY_F(2), 0x3B, 1, 'Q' },   { KEY_F(3), 0x3C, 1, 'R' },
    { KEY_F(4), 0x3D, 1, 'S' },   { KEY_F(5), 0x3E, 15, '~' },  { KEY_F(6), 0x3F, 17, '~' },
    { KEY_F(7), 0x40, 18, '~' },  { KEY_F(8), 0x41, 19, '~' },  { KEY_F(9), 0x42, 20, '~' },
    { KEY_F(10), 0x43, 21, '~' }, { KEY_F(11), 0x44, 23, '~' }, { KEY_F(12), 0x45, 24, '~' },
};

static void teach(const char *sequence, unsigned usage, unsigned modifiers)
{
    define_key(sequence, (int)(TAUGHT | modifiers << 8 | usage));
}

/* Many descriptions lack keys with modifiers, or know only one of the cursor keys' two modes. */
static void teach_xterm(unsigned i, unsigned modifiers)
{
    char sequence[16];
    if (modifiers)
        snprintf(sequence, sizeof sequence, "\x1B[%u;%u%c", keys[i].number, modifiers + 1,
                 keys[i].final);
    else if (keys[i].final == '~')
        snprintf(sequence, sizeof sequence, "\x1B[%u~", keys[i].number);
    else
        snprintf(sequence, sizeof sequence, "\x1B[%c", keys[i].final);
    teach(sequence, keys[i].usage, modifiers);
}

static void teach_keys(void)
{
    /* SS3 j to y: "*+,-./0..9" of a keypad in application mode. */
    static const uint8_t keypad_usages[] = { 0x55, 0x57, 0x85, 0x56, 0x63, 0x54, 0x62, 0x59,
                                             0x5A, 0x5B, 0x5C, 0x5D, 0x5E, 0x5F, 0x60, 0x61 };
    for (unsigned i = 0; i < COUNT_OF(keys); i++)
        for (unsigned modifiers = 0; modifiers < 8; modifiers++) teach_xterm(i, modifiers);
    for (unsigned i = 0; i < COUNT_OF(keypad_usages); i++)
        teach((char[]){ ESC, 'O', (char)('j' + i), 0 }, keypad_usages[i], 0);
    teach("\x1BOM", USAGE_KP_ENTER, 0);
}

void term_start_keys(void)
{
    raw();
    noecho();
    nonl();                                /* Enter is not Ctrl-J */
    meta(stdscr, TRUE);                    /* or letters beyond ASCII come as others */
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    teach_keys();
}

static struct term_stroke control_stroke(int code)
{
    /* ^\ ^] ^^ ^_ on the keys that give these codes in DOS and in Linux alike. */
    static const uint8_t last[] = { 0x31, 0x30, 0x23, 0x2D };
    if (!code) return (struct term_stroke){ 0x1F, TERM_CTRL };     /* Ctrl+2 = NUL */
    if (code >= 0x1C) return (struct term_stroke){ last[code - 0x1C], TERM_CTRL };
    return (struct term_stroke){ (uint8_t)(0x04 + code - 1), TERM_CTRL };
}

/* A character; usage 0: no key types it. */
static struct term_stroke plain_stroke(int code)
{
    bool shift;
    unsigned usage = key_for_char((char)code, &shift);
    if (!usage && code < 0x20) return control_stroke(code);
    return (struct term_stroke){ (uint8_t)usage, shift ? TERM_SHIFT : 0 };
}

static struct term_stroke stroke_of(int code)
{
    if (code < 0x80) return plain_stroke(code);
    if (code >= TAUGHT) return (struct term_stroke){ code & 0xFF, code >> 8 & 7 };
    if (code > KEY_F(12) && code <= KEY_F(24))     /* the Linux console's Shift+F1 ... */
        return (struct term_stroke){ (uint8_t)(USAGE_F1 + code - KEY_F(13)), TERM_SHIFT };
    for (unsigned i = 0; i < COUNT_OF(keys); i++)
        if (code == keys[i].code) return (struct term_stroke){ keys[i].usage, 0 };
    switch (code) {
    case KEY_BACKSPACE: return (struct term_stroke){ USAGE_BACKSPACE, 0 };
    case KEY_ENTER:     return (struct term_stroke){ USAGE_KP_ENTER, 0 };
    case KEY_BTAB:      return (struct term_stroke){ USAGE_TAB, TERM_SHIFT };
    default:            return (struct term_stroke){ 0, 0 };
    }
}

bool term_read_stroke(struct term_stroke *stroke)
{
    int code = getch();
    if (code == ERR) return false;
    int next = code == ESC ? getch() : ERR;
    if (next == ESC) ungetch(next);        /* twice Esc, or Esc and an escape sequence */
    bool alt = next != ERR && next != ESC; /* what comes together with an ESC is typed with Alt */
    *stroke = stroke_of(alt ? next : code);
    if (alt) stroke->modifiers |= TERM_ALT;
    return stroke->usage != 0;
}
#else
typedef int term_keys_are_not_built_in;    /* ISO C wants something in every file */
#endif
