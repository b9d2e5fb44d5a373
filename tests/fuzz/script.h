/* SPDX-License-Identifier: MIT
 * What the fuzz targets read their input with, byte by byte,
 * and how they say that something is wrong.
 */
#pragma once
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include "tests/fuzz/target.h"

struct script {
    const uint8_t *at, *end;
};

static inline bool script_more(const struct script *s) { return s->at < s->end; }

/* 0 behind the end, so that an input may stop anywhere. */
static inline uint8_t take8(struct script *s) { return s->at < s->end ? *s->at++ : 0; }

static inline uint16_t take16(struct script *s)
{
    uint8_t low = take8(s);
    return (uint16_t)(low | take8(s) << 8);
}

static inline uint32_t take32(struct script *s)
{
    uint16_t low = take16(s);
    return low | (uint32_t)take16(s) << 16;
}

static inline void require(bool condition, const char *what)
{
    if (condition) return;
    fprintf(stderr, "fuzz target: %s\n", what);
    abort();
}
