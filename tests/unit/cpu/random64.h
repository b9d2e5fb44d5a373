/* SPDX-License-Identifier: MIT
 * Random numbers for tests, the same ones in every run (xorshift64*, Vigna 2016).
 */
#pragma once
#include <stdint.h>

static uint64_t random_seed = 0x9E3779B97F4A7C15ull;
static inline uint64_t random64(void)
{
    random_seed ^= random_seed << 13;
    random_seed ^= random_seed >> 7;
    random_seed ^= random_seed << 17;
    return random_seed * 0x2545F4914F6CDD1Dull;
}
