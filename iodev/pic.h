/* SPDX-License-Identifier: MIT
 * The pair of interrupt controllers as the board sees it.
 */
#pragma once
#include "base/base.h"

struct device;

/* Level of ISA interrupt request 0-15 (already OR-ed); 2 is the cascade and ignored. */
void pic_set_irq(struct device *pic, unsigned irq, bool level);
/* Which requests are level-triggered, bit n = IRQ n (PIIX3 ports 4D0h/4D1h). 0, 1, 2, 8 and 13 are
 * always edge-triggered. */
void pic_set_elcr(struct device *pic, unsigned mask);
/* The CPU's interrupt acknowledge cycle: the vector to take. Without a request (it vanished) this
 * is the spurious interrupt 7 or 15. */
uint8_t pic_acknowledge(struct device *pic);
