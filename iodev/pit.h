/* SPDX-License-Identifier: MIT
 * The interval timer as port 61h and the speaker see it.
 */
#pragma once
#include "base/base.h"

struct device;

#define PIT_HZ 1193182u

/* Level of OUT 2 right now. */
bool pit_out2(struct device *pit, uint64_t clocks);
/* What channel 2 plays: its period in PIT clocks while it makes a square wave or a rate, else 0. */
unsigned pit_tone(struct device *pit);
