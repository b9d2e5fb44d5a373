/* SPDX-License-Identifier: MIT
 * Guest time: one number in nanoseconds, and the queue of things due. No device reads the host's
 * clock. Devices never tick: a counter is computed on read from clock_now() - loaded_at, by exact
 * rationals (muldiv64); a timer is re-armed from `due`, never from now.
 */
#pragma once
#include "base/base.h"

struct timer {
    nanos        due;
    void       (*fire)(struct timer *, nanos due);
    const char  *name;
    struct timer *next;                    /* intrusive: no allocation */
    bool         armed;
};

struct clock {
    nanos         now;                     /* time of the last clock_advance() */
    struct timer *first;                   /* sorted by due; equal times: as they were armed */
    nanos       (*source)(void *ctx);      /* exact time inside a CPU run; NULL: `now` is exact */
    void        (*earlier)(void *ctx, nanos due);   /* the first timer is due earlier than it was */
    void         *ctx;
    bool          held;                    /* see clock_retry() */
};

nanos clock_now(const struct clock *);
void  clock_arm(struct clock *, struct timer *, nanos due);    /* re-arms if armed */
void  clock_disarm(struct clock *, struct timer *);
nanos clock_next(const struct clock *);                        /* UINT64_MAX: nothing due */
/* Fires all timers due up to `to`, in order, each with now = its due time; then now = to. */
void  clock_advance(struct clock *, nanos to);

/* For a timer's fire(): the host cannot do now what is due now (a full disk). Time stands still,
 * and the timer is the first to fire, at the same moment, when somebody lets the clock go: the
 * guest sees nothing of the wait. */
void  clock_retry(struct clock *, struct timer *);
void  clock_let_go(struct clock *);
bool  clock_is_held(const struct clock *);
