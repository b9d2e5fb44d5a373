/* SPDX-License-Identifier: MIT
 * Pasted text waits here and goes to the machine a few strokes ahead of time. A modifier is down
 * for one character only: a guest that looks at the keys' state sees what a person would do.
 */
#include "config/typist.h"

#include <stdlib.h>
#include <string.h>

#define MILLISECOND ((nanos)1000000)
#define AHEAD       (40 * MILLISECOND)     /* more than a look at the window takes in guest time */
enum { TEXT_MOST = 1 << 20, STROKES_PER_POLL = 16 };

struct typist {
    const struct layout *layout;
    struct log *log;
    nanos pause, next;                     /* guest time */
    struct stroke *strokes;                /* a queue: [first, count) */
    size_t first, count;
};

struct typist *typist_new(const struct layout *layout, nanos pause, struct log *log)
{
    struct typist *t = calloc(1, sizeof *t);
    if (t) *t = (struct typist){ .layout = layout, .pause = pause, .log = log };
    return t;
}

void typist_free(struct typist *t)
{
    if (!t) return;
    free(t->strokes);
    free(t);
}

static bool reserve(struct typist *t, size_t more)
{
    size_t left = t->count - t->first;
    if (more > TEXT_MOST || left + more > TEXT_MOST) return false;
    struct stroke *all = calloc(left + more + 1, sizeof *all);
    if (!all) return false;
    for (size_t i = 0; i < left; i++) all[i] = t->strokes[t->first + i];
    free(t->strokes);
    t->strokes = all;
    t->first = 0;
    t->count = left;
    return true;
}

void typist_paste(struct typist *t, const char *text)
{
    unsigned untypable = 0;
    if (!reserve(t, strlen(text))) {
        log_line(t->log, "input", LOG_WARN, "the pasted text is too long: at most %u characters",
                 TEXT_MOST);
        return;
    }
    for (uint32_t c, before = 0; (c = utf8_next(&text)); before = c) {
        if (c == '\n' && before == '\r') continue;
        struct stroke s = layout_stroke(t->layout, c);
        if (s.usage) t->strokes[t->count++] = s;
        else untypable++;
    }
    if (untypable)
        log_line(t->log, "input", LOG_WARN, "%u characters of the pasted text are on no key of the "
                 "layout (keyboard: keymap=)", untypable);
}

static void modifiers(struct machine *m, unsigned bits, bool down, nanos delay)
{
    for (unsigned bit = STROKE_SHIFT; bit <= STROKE_ALTGR; bit <<= 1)
        if (bits & bit) machine_key(m, stroke_modifier_key(bit), down, delay);
}

/* Quarters: modifiers, key, key up, modifiers up. */
static void type(struct machine *m, struct stroke s, nanos delay, nanos quarter)
{
    modifiers(m, s.modifiers, true, delay);
    machine_key(m, s.usage, true, delay + quarter);
    machine_key(m, s.usage, false, delay + 2 * quarter);
    modifiers(m, s.modifiers, false, delay + 3 * quarter);
}

void typist_poll(struct typist *t, struct machine *m)
{
    nanos now = machine_now(m);
    if (!machine_user_is_served(m)) return;        /* the keys that asked for it are still held */
    if (t->next < now) t->next = now;
    for (unsigned n = 0; n < STROKES_PER_POLL && t->first < t->count && t->next < now + AHEAD;
         n++) {
        type(m, t->strokes[t->first++], t->next - now + 1, t->pause / 4);
        t->next += t->pause;
    }
}
