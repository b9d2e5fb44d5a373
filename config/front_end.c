/* SPDX-License-Identifier: MIT
 * sdl2, else term, else nogui.
 */
#include "config/front_end.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config/pacer.h"

struct front_end {
    const struct display_class *class;
    struct display *display;
    struct screen screen;                  /* what the display keeps a pointer to */
    struct input input;
    struct display_requests requests;
    nanos next_title;                      /* host time */
    uint64_t instructions;                 /* at the last title */
};

static bool open_one(struct front_end *f, const struct front_end_config *c,
                     const struct display_class *class, const char **why)
{
    *why = "not possible here";
    f->class = class;
    f->display =
        class->open(&f->screen, &f->input, &f->requests, c->options ? c->options : "", c->log, why);
    return f->display;
}

/* Told in words, once, and only to who might have expected a picture. */
static void tell(const struct front_end *f, const char *wanted, const char *why)
{
    if (why && f->display)
        fprintf(stderr, "vitro: display %s: %s; using %s (%s)\n", wanted, why, f->class->name,
                f->class->about);
}

static const struct display_class *wanted_class(const struct front_end_config *c)
{
    const struct display_class *found = display_find(c->name);
    if (c->name && !found)
        fprintf(stderr, "%s: display_library: %s: not built in, the usual display is used\n",
                c->origin ? c->origin : "vitro", c->name);
    return found;
}

static bool open_any(struct front_end *f, const struct front_end_config *c)
{
    const struct display_class *const *list = display_list(), *wanted = wanted_class(c);
    const char *why = NULL, *first_why = NULL, *first = NULL;
    if (wanted) {
        if (open_one(f, c, wanted, &why)) return true;
        first = wanted->name;
        first_why = why;
    }
    for (unsigned i = 0; list[i] && !f->display; i++) {
        if (list[i] == wanted || open_one(f, c, list[i], &why) || first) continue;
        first = list[i]->name;
        first_why = why;
    }
    tell(f, first, first_why);
    return f->display;
}

struct front_end *front_end_open(const struct front_end_config *c)
{
    struct front_end *f = calloc(1, sizeof *f);
    if (!f) return NULL;
    f->screen = *c->screen;
    f->input = c->input;
    f->requests = c->requests;
    if (open_any(f, c)) return f;
    free(f);
    return NULL;
}

void front_end_close(struct front_end *f)
{
    if (!f) return;
    f->class->close(f->display);
    free(f);
}

bool front_end_is_interactive(const struct front_end *f)
{
    return f->class != &display_headless;
}

static void title(struct front_end *f, bool stopped, const struct machine *m)
{
    char text[80];
    nanos now = host_now();
    if (!f->class->title || now < f->next_title) return;
    uint64_t retired = machine_retired(m), since = SECOND + (now - f->next_title);
    if (stopped) snprintf(text, sizeof text, "Vitro - stopped");
    else
        snprintf(text, sizeof text, "Vitro - %" PRIu64 " MIPS",
                 muldiv64(retired - f->instructions, 1000, since));
    f->class->title(f->display, text);
    f->instructions = retired;
    f->next_title = now + SECOND;
}

void front_end_poll(struct front_end *f, bool stopped, const struct machine *m)
{
    f->class->poll(f->display);
    title(f, stopped, m);
}
