/* SPDX-License-Identifier: MIT
 * Private to gui: what the front-ends share. See display.c.
 */
#pragma once
#include "gui/display.h"

extern const struct display_class display_sdl;         /* sdl.c, with HAVE_SDL2 */
extern const struct display_class display_terminal;    /* terminal.c            */

enum { OPTION_SIZE = 32 };
/* Cuts the next word off a list of options ("a, b=1"); false: no more. Long words are cut short. */
bool next_option(const char **options, char word[OPTION_SIZE]);
