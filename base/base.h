/* SPDX-License-Identifier: MIT
 * Words every module shares. Depends on nothing but the C library.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define container_of(ptr, type, member) \
    ((type *)(void *)((char *)(ptr) - offsetof(type, member)))
#define COUNT_OF(a) (sizeof(a) / sizeof(a)[0])
#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

typedef uint64_t nanos;                    /* guest time in nanoseconds; never host time */
#define SECOND ((nanos)1000000000)

enum width { BYTE = 1, WORD = 2, DWORD = 4, QWORD = 8 };   /* bytes in one access */

static inline uint64_t min64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t max64(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* value * numerator / denominator, rounded down, without overflow (time conversions). */
static inline uint64_t muldiv64(uint64_t value, uint64_t numerator, uint64_t denominator)
{
    unsigned __int128 product = (unsigned __int128)value * numerator;
    if (likely(!(product >> 64))) return (uint64_t)product / denominator;     /* much faster */
    return (uint64_t)(product / denominator);
}

/* The same, rounded up: the first moment at which muldiv64() back has reached `value`. */
static inline uint64_t muldiv64_up(uint64_t value, uint64_t numerator, uint64_t denominator)
{
    return (uint64_t)(((unsigned __int128)value * numerator + denominator - 1) / denominator);
}
