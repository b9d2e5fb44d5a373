/* SPDX-License-Identifier: MIT
 * System management mode. Private to cpu/.
 */
#pragma once
#include "cpu/protect.h"

/* SMI# has fallen: remembered until it can be taken; also, which I/O instruction did it. */
void smm_request(struct cpu *);
/* Takes the SMI; between instructions. */
void smm_enter(struct cpu *);
/* Reset: out of SMM. power_on: SMBASE is 30000h again. */
void smm_reset(struct cpu *, bool power_on);
