/* SPDX-License-Identifier: MIT
 * See pacer.h.
 */
#include "config/pacer.h"

#include <time.h>

#define MILLISECOND ((nanos)1000000)

/* Further behind than this, guest and host agree on a new start: a host that was suspended, or is
 * too slow for this ips=, must not make the guest run wild afterwards. */
#define SLOWDOWN_LAG (50 * MILLISECOND)
#define REALTIME_LAG (5 * SECOND)

nanos host_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (nanos)t.tv_sec * SECOND + (nanos)t.tv_nsec;
}

void pacer_start(struct pacer *p, enum pace pace, nanos guest)
{
    *p = (struct pacer){ pace, host_now(), guest };
}

nanos pacer_ahead(struct pacer *p, nanos guest)
{
    if (p->pace == PACE_NONE) return 0;
    nanos host = host_now(), real = p->guest + (host - p->host);
    if (guest > real) return guest - real;
    if (real - guest > (p->pace == PACE_SLOWDOWN ? SLOWDOWN_LAG : REALTIME_LAG))
        pacer_start(p, p->pace, guest);
    return 0;
}
