/* SPDX-License-Identifier: MIT
 * Private to gui: the front-ends that may or may not be built in. See display.c.
 */
#pragma once
#include "gui/display.h"

extern const struct display_class display_sdl;         /* sdl.c, with HAVE_SDL2 */
extern const struct display_class display_terminal;    /* terminal.c            */
