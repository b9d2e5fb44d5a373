/* SPDX-License-Identifier: MIT
 * A keyboard layout of the guest: which keys type which character. Keys travel to the guest as
 * positions (HID usages, see input.h); a layout is needed where the start is a character: a pasted
 * text, or a host keyboard that is to be read by its letters.
 */
#pragma once
#include "base/base.h"

enum stroke_modifier { STROKE_SHIFT = 1, STROKE_CTRL = 2, STROKE_ALT = 4, STROKE_ALTGR = 8 };
struct stroke { uint8_t usage, modifiers; };           /* usage 0: no key */

enum { LAYOUT_STROKES = 1024 };
struct layout {
    unsigned count;
    struct { uint16_t character; struct stroke stroke; } of[LAYOUT_STROKES];
};

/* Reads a keymap file of Bochs (docs/display.md has the format). false: `why` says which line. */
bool layout_load(struct layout *, const char *path, char *why, size_t size);
/* "XK_adiaeresis" -> U+00E4; 0: no character, or not one of ISO 8859-1 or Cyrillic. */
uint32_t keysym_character(const char *name);
/* The keys that type a Unicode character. layout NULL: the US layout. */
struct stroke layout_stroke(const struct layout *, uint32_t character);
/* The HID usage behind one of the STROKE_ bits. */
unsigned stroke_modifier_key(enum stroke_modifier);
/* Takes one character from a UTF-8 text and moves on;
 * 0 at its end, U+FFFD for what is not UTF-8. */
uint32_t utf8_next(const char **text);
