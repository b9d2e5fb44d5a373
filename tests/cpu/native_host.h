/* SPDX-License-Identifier: MIT
 * The host's processor as an oracle: runs 32-bit code natively in a 64-bit process (x86-64 Linux).
 */
#pragma once
#include "base/base.h"

/* Where cases live, for the host and for the engine: linear addresses. */
enum {
    ARENA_CODE = 0x110000,
    ARENA_CODE_LEN = 0x2000,
    ARENA_DATA = 0x120000,
    ARENA_DATA_LEN = 0x4000,
    ARENA_STACK = 0x130000,
    ARENA_STACK_LEN = 0x2000
};
enum { USER_CS = 0x23, USER_DS = 0x2B };       /* Linux' selectors for 32-bit code and flat data */

struct outcome {
    uint32_t gpr[8], eip, eflags;
    uint32_t vector, error, cr2;
    uint8_t  st[8][10];            /* FXSAVE order */
    uint16_t fcw, fsw;
    uint8_t  tags;                 /* bit n: physical register n is in use */
};

/* NULL, or why this host cannot. Maps the arena; call once. */
const char *native_open(void);
/* Runs from `in` until an exception, in the arena as it is; in->st is in FRSTOR order. */
void native_run(const struct outcome *in, struct outcome *out);
