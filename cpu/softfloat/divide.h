/* SPDX-License-Identifier: MIT
 * 128 bits by 64: the one place where the soft float asks for an instruction of the host. C has no
 * name for it, and the compiler's own division of 128 bits must allow for a quotient of 128.
 */
#pragma once
#include "base/base.h"

#if defined(__x86_64__)
/* (hi.lo) / by; hi < by, so that the quotient fits. */
static inline uint64_t divide_128(uint64_t hi, uint64_t lo, uint64_t by, uint64_t *rest)
{
    uint64_t quotient;
    __asm__("divq %4" : "=a"(quotient), "=d"(*rest) : "0"(lo), "1"(hi), "r"(by) : "cc");
    return quotient;
}
#else
static inline uint64_t divide_128(uint64_t hi, uint64_t lo, uint64_t by, uint64_t *rest)
{
    unsigned __int128 dividend = (unsigned __int128)hi << 64 | lo;
    *rest = (uint64_t)(dividend % by);
    return (uint64_t)(dividend / by);
}
#endif
