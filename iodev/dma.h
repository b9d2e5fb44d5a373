/* SPDX-License-Identifier: MIT
 * ISA DMA as a device sees it: raise DREQ; the 8237 then moves bytes through these functions.
 */
#pragma once
#include "base/base.h"

struct device;

struct dma_client {
    /* Fill up to len bytes for memory (8237 "write" transfer) / take len bytes read from memory
     * ("read" transfer). Return how many were moved; less than len ends this burst. A client that
     * has no more to move drops its DREQ. */
    size_t (*to_memory)(struct device *, uint8_t *buffer, size_t len);
    size_t (*from_memory)(struct device *, const uint8_t *buffer, size_t len);
    void   (*terminal_count)(struct device *);     /* TC after the last byte of the count */
};
