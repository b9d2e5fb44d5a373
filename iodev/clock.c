/* SPDX-License-Identifier: MIT
 * Guest time and the queue of timers. A board has a few dozen timers at most: a sorted list.
 */
#include "iodev/clock.h"

nanos clock_now(const struct clock *c)
{
    nanos now = c->source ? c->source(c->ctx) : c->now;
    return now > c->now ? now : c->now;       /* never backwards, whatever rounding source does */
}

nanos clock_next(const struct clock *c)
{
    return c->first ? c->first->due : UINT64_MAX;
}

void clock_disarm(struct clock *c, struct timer *t)
{
    if (!t->armed) return;
    for (struct timer **p = &c->first; *p; p = &(*p)->next)
        if (*p == t) {
            *p = t->next;
            break;
        }
    t->next = NULL;
    t->armed = false;
}

void clock_arm(struct clock *c, struct timer *t, nanos due)
{
    nanos before = clock_next(c);
    clock_disarm(c, t);
    t->due = due;
    struct timer **p = &c->first;
    while (*p && (*p)->due <= due) p = &(*p)->next;
    t->next = *p;
    *p = t;
    t->armed = true;
    if (due < before && c->earlier) c->earlier(c->ctx, due);
}

/* A timer that re-arms itself for a moment already past fires again at once: with a guest's
 * values behind it that could go on for ever, so one advance fires a bounded number. What is
 * left stays in the queue and is due at the next advance. */
#define FIRE_BUDGET 1000000

void clock_advance(struct clock *c, nanos to)
{
    nanos (*source)(void *) = c->source;
    c->source = NULL;                      /* the CPU may be a tick past `due`: fire() sees `due` */
    for (unsigned budget = FIRE_BUDGET; budget && !c->held && c->first && c->first->due <= to;
         budget--) {
        struct timer *t = c->first;
        nanos due = t->due;
        if (due > c->now) c->now = due;
        clock_disarm(c, t);
        if (t->fire) t->fire(t, due);
    }
    if (to > c->now && !c->held) c->now = to;
    c->source = source;
}

void clock_retry(struct clock *c, struct timer *t)
{
    clock_disarm(c, t);
    t->due = c->now;
    t->next = c->first;
    t->armed = true;
    c->first = t;
    c->held = true;
}

void clock_let_go(struct clock *c)           { c->held = false; }
bool clock_is_held(const struct clock *c) { return c->held; }
