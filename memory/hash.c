/* SPDX-License-Identifier: MIT
 * A 64-bit hash for states and RAM: four independent lanes of xor, multiply, fold, so that the
 * multiplier's latency is hidden and memory bandwidth is the limit. Reads words as little-endian:
 * the same number on every host. Not cryptographic.
 */
#include "memory/map.h"

#define MULTIPLIER 0x9E3779B97F4A7C15u /* 2^64 / golden ratio, odd */

static inline uint64_t mix(uint64_t lane, uint64_t word)
{
    lane = (lane ^ word) * MULTIPLIER;
    return lane ^ lane >> 32;
}

/* numbers: of the host's byte order, instead of bytes. */
static inline __attribute__((always_inline)) uint64_t word(const uint8_t *p, bool numbers)
{
    uint64_t v;
    if (!numbers) return load_le(p, 8);
    memcpy(&v, p, 8);
    return v;
}

static inline __attribute__((always_inline)) uint64_t hash_of(uint64_t seed, const uint8_t *p,
                                                              size_t len, bool numbers)
{
    uint64_t a = seed + 1, b = seed + 2, c = seed + 3, d = seed + 4;
    size_t left = len;
    for (; left >= 32; p += 32, left -= 32) {
        a = mix(a, word(p, numbers));
        b = mix(b, word(p + 8, numbers));
        c = mix(c, word(p + 16, numbers));
        d = mix(d, word(p + 24, numbers));
    }
    uint64_t hash = mix(mix(mix(mix(len, a), b), c), d);
    for (; left >= 8; p += 8, left -= 8) hash = mix(hash, word(p, numbers));
    if (left) hash = mix(hash, load_le(p, (unsigned)left));
    return mix(hash, hash >> 29);
}

uint64_t memory_hash_bytes(uint64_t seed, const void *data, size_t len)
{
    return hash_of(seed, data, len, false);
}
uint64_t memory_hash_words(uint64_t seed, const uint64_t *words, size_t n)
{
    return hash_of(seed, (const uint8_t *)words, n * sizeof *words, true);
}
