/* SPDX-License-Identifier: MIT
 * The processor's profile with the names of the board's devices.
 */
#pragma once
#include "cpu/cpu.h"
#include "iodev/machine_board.h"

/* handlers: how many of the most frequent ones; 0: all. false: nothing is counted. */
bool profile_print(struct board *, const struct cpu *, unsigned handlers,
                   void (*line)(void *ctx, const char *text), void *ctx);
