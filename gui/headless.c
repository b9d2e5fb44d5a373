/* SPDX-License-Identifier: MIT
 * The front-end without a picture: the machine runs, nobody looks. Input comes from elsewhere
 * (record/replay, the debugger's commands), pictures through screen_save().
 */
#include "gui/display.h"

#include <stdlib.h>

struct display {
    char unused;
};

static struct display *headless_open(const struct screen *screen, const struct input *input,
                                     const struct display_requests *requests, const char *options,
                                     struct log *log, const char **why)
{
    (void)screen, (void)input, (void)requests, (void)options, (void)log;
    struct display *d = calloc(1, sizeof *d);
    if (!d && why) *why = "out of memory";
    return d;
}

static void headless_poll(struct display *d)
{
    (void)d;
}

static void headless_close(struct display *d)
{
    free(d);
}

const struct display_class display_headless = {
    .name = "nogui", .about = "no picture, no input",
    .open = headless_open, .poll = headless_poll, .close = headless_close,
};
