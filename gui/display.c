/* SPDX-License-Identifier: MIT
 * The front-ends that are built in, and the names users know them by. The aliases are those of
 * display_library in Bochs, so that an existing bochsrc starts something sensible.
 */
#include "gui/front_ends.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct display_class *const displays[] = {
#ifdef HAVE_SDL2
    &display_sdl,
#endif
    &display_terminal,
    &display_headless,
    NULL
};

static const struct {
    const char *alias, *name;
} aliases[] = {
    { "sdl", "sdl2" },    { "x", "sdl2" },        { "win32", "sdl2" },     { "wx", "sdl2" },
    { "gui", "sdl2" },    { "curses", "term" },   { "terminal", "term" },  { "none", "nogui" },
    { "headless", "nogui" },
};

const struct display_class *const *display_list(void)
{
    return displays;
}

const struct display_class *display_find(const char *name)
{
    if (!name) return NULL;
    for (size_t i = 0; i < COUNT_OF(aliases); i++)
        if (!strcasecmp(name, aliases[i].alias)) name = aliases[i].name;
    for (size_t i = 0; displays[i]; i++)
        if (!strcasecmp(name, displays[i]->name)) return displays[i];
    return NULL;
}

bool next_option(const char **options, char word[OPTION_SIZE])
{
    if (!*options) return false;
    *options += strspn(*options, ", \t");
    size_t length = strcspn(*options, ", \t");
    int shown = length < OPTION_SIZE ? (int)length : OPTION_SIZE - 1;
    snprintf(word, OPTION_SIZE, "%.*s", shown, *options);
    *options += length;
    return length != 0;
}
