/* SPDX-License-Identifier: MIT
 * What the user does, on its way to the guest: keys and mouse events, each at its tick.
 * Private to config/.
 */
#pragma once
#include "base/base.h"

enum { EVENTS = 256, EVENT_KEYS = 256 };

enum event_kind { EVENT_KEY, EVENT_MOUSE };

struct event {
    uint64_t tick;
    enum event_kind kind;
    unsigned key;
    bool down;
    int dx, dy, dz;
    unsigned buttons;
};

struct events {
    struct event event[EVENTS];            /* sorted by tick; equal ticks: as they came */
    unsigned count;
    bool held[EVENT_KEYS];                 /* by key: down when all is delivered */
    unsigned held_count;
};

/* false: there is too much, it is lost. Never lost: the release of a key whose press was taken, the
 * mouse's last buttons. */
bool events_put(struct events *, const struct event *);
bool events_take(struct events *, uint64_t now, struct event *);       /* false: nothing is due */
uint64_t events_next(const struct events *);           /* its tick; UINT64_MAX: none */
