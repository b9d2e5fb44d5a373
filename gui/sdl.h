/* SPDX-License-Identifier: MIT
 * Private to gui: the SDL window's two halves. sdl.c owns the window and the picture, sdl_input.c
 * turns events into keys and mouse motion for the guest.
 */
#pragma once
#define SDL_MAIN_HANDLED                   /* main() is ours */
#include <SDL.h>

#include "gui/display.h"

enum { SDL_USAGES = 256 };                 /* scancodes below are HID usages of page 7 */

enum sdl_wish {                            /* what the user asked of the window by a hot key */
    WISH_QUIT = 1, WISH_RESET = 2, WISH_FULLSCREEN = 4, WISH_NATURAL_SIZE = 8,
    WISH_GRAB = 16, WISH_UNGRAB = 32, WISH_PASTE = 64, WISH_SCREENSHOT = 128
};

struct sdl_input {
    const struct input *guest;
    const struct layout *layout;           /* NULL: by position */
    bool     down[SDL_USAGES];             /* as the guest knows them                       */
    uint8_t  sent[SDL_USAGES];             /* by scancode: the usage that the guest got       */
    bool     swallowed[SDL_USAGES];        /* pressed as a hot key: the guest gets no release */
    bool     grabbed;
    bool     only_modifiers;               /* nothing else was pressed since Ctrl+Alt        */
    unsigned buttons;
    int      dx, dy, dz;                   /* not yet sent                                   */
};

/* Each returns an OR of enum sdl_wish. */
unsigned sdl_input_event(struct sdl_input *, const SDL_Event *);
void     sdl_input_flush(struct sdl_input *);          /* sends the collected mouse motion */
void     sdl_input_release_all(struct sdl_input *);    /* the focus is gone                */
