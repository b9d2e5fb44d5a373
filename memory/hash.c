/* SPDX-License-Identifier: MIT
 * A 64-bit hash for states and RAM: four independent lanes of xor, multiply, fold, so that the
 * multiplier's latency is hidden and memory bandwidth is the limit. Reads words as little-endian:
 * the same number on every host. Not cryptographic.
 */
#include "memory/map.h"

#define MULTIPLIER 0x9E3779B97F4A7C15u       /* 2^64 / golden ratio, odd */

static inline uint64_t mix(uint64_t lane, uint64_t word)
{
    lane = (lane ^ word) * MULTIPLIER;
    return lane ^ lane >> 32;
}

uint64_t memory_hash_bytes(uint64_t seed, const void *data, size_t len)
{
    const uint8_t *p = data;
    uint64_t a = seed + 1, b = seed + 2, c = seed + 3, d = seed + 4;
    size_t left = len;
    for (; left >= 32; p += 32, left -= 32) {
        a = mix(a, load_le(p, 8));
        b = mix(b, load_le(p + 8, 8));
        c = mix(c, load_le(p + 16, 8));
        d = mix(d, load_le(p + 24, 8));
    }
    uint64_t hash = mix(mix(mix(mix(len, a), b), c), d);
    for (; left >= 8; p += 8, left -= 8) hash = mix(hash, load_le(p, 8));
    if (left) hash = mix(hash, load_le(p, (unsigned)left));
    return mix(hash, hash >> 29);
}
