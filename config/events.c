/* SPDX-License-Identifier: MIT
 * The queue of the user's keys and mouse events. Each key that is down keeps a place for its
 * release, and the mouse one for its last buttons: a press that would take such a place is lost.
 */
#include "config/events.h"

#include <string.h>

enum { FAR = 1 << 24 };                    /* a sum of motions never overflows */

static void insert(struct events *q, const struct event *e)
{
    unsigned i = q->count++;
    for (; i && q->event[i - 1].tick > e->tick; i--) q->event[i] = q->event[i - 1];
    q->event[i] = *e;
}

static bool put_key(struct events *q, const struct event *e)
{
    bool *held = &q->held[e->key % EVENT_KEYS], press = e->down && !*held,
         release = !e->down && *held;
    unsigned mouse = 1, kept = release ? 0 : q->held_count + press + mouse;
    if (EVENTS - q->count <= kept) return false;
    q->held_count = q->held_count + press - release;
    *held = e->down;
    insert(q, e);
    return true;
}

static int sum(int a, int b)
{
    int64_t both = (int64_t)a + b;
    return both > FAR ? FAR : both < -FAR ? -FAR : (int)both;
}

static void add_motion(struct event *to, const struct event *e)
{
    to->dx = sum(to->dx, e->dx);
    to->dy = sum(to->dy, e->dy);
    to->dz = sum(to->dz, e->dz);
    to->buttons = e->buttons;
}

static struct event *last_mouse(struct events *q)
{
    for (unsigned i = q->count; i-- > 0;)
        if (q->event[i].kind == EVENT_MOUSE) return &q->event[i];
    return NULL;
}

/* Motion with nothing in between is one motion. In need a click is left out. */
static bool put_mouse(struct events *q, const struct event *e)
{
    struct event *last = last_mouse(q);
    bool follows = last && last == &q->event[q->count - 1] && last->buttons == e->buttons;
    bool full = EVENTS - q->count <= q->held_count;
    if (last && (full || follows)) add_motion(last, e);
    else if (!full) insert(q, e);
    return !full || last;
}

bool events_put(struct events *q, const struct event *e)
{
    return e->kind == EVENT_KEY ? put_key(q, e) : put_mouse(q, e);
}

bool events_take(struct events *q, uint64_t now, struct event *e)
{
    if (!q->count || q->event[0].tick > now) return false;
    *e = q->event[0];
    memmove(q->event, q->event + 1, --q->count * sizeof *e);
    return true;
}

uint64_t events_next(const struct events *q) { return q->count ? q->event[0].tick : UINT64_MAX; }
