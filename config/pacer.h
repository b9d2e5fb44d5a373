/* SPDX-License-Identifier: MIT
 * Guest time against host time: the only place in Vitro that reads the host's clock while a machine
 * runs. It decides how long to wait, never what the guest sees.
 */
#pragma once
#include "base/base.h"

enum pace {
    PACE_NONE,                 /* as fast as the host can; time in HLT is skipped          */
    PACE_SLOWDOWN,             /* never faster than real time; what was lost stays lost    */
    PACE_REALTIME,             /* the same, and a delay is caught up while the guest idles */
};

struct pacer {
    enum pace pace;
    nanos host, guest;         /* moments that belong together */
};

nanos host_now(void);          /* monotonic */
void  pacer_start(struct pacer *, enum pace, nanos guest);     /* also after a stop */
/* How long the guest, being at `guest`, is ahead of real time. */
nanos pacer_ahead(struct pacer *, nanos guest);
