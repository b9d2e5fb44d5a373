/* SPDX-License-Identifier: MIT
 * Which display is used, and what its title says. Private to config/.
 */
#pragma once
#include "config/machine.h"
#include "gui/display.h"

struct front_end;

struct front_end_config {
    const char *name, *options, *origin;   /* NULL: the best there is */
    const struct screen *screen;
    struct input input;
    struct display_requests requests;
    struct log *log;
};

/* A display that is not possible here gives way to the next best one, with one line that says so.
 * NULL: out of memory. The config must live until then, not longer. */
struct front_end *front_end_open(const struct front_end_config *);
void front_end_close(struct front_end *);              /* NULL is fine */
bool front_end_is_interactive(const struct front_end *);
void front_end_poll(struct front_end *, bool stopped, const struct machine *);
