/* SPDX-License-Identifier: MIT
 * The pair of DMA controllers as the board sees it; devices use iodev/board.h.
 */
#pragma once
#include "iodev/dma.h"

/* channel 0-3: bytes, 5-7: words (lengths stay in bytes, always even); 4, the cascade: ignored. */
void dma_attach(struct device *dma, unsigned channel, struct device *client,
                const struct dma_client *);
/* Level of the (OR-ed) request. The transfer runs from a timer, never inside this call. */
void dma_set_dreq(struct device *dma, unsigned channel, bool level);
