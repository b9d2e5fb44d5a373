/* SPDX-License-Identifier: MIT
 * Pairs of instructions that run as one record. Private to cpu/.
 */
#pragma once
#include "cpu/opcodes.h"

/* The handler for `first` (CMP or TEST on registers and immediates) followed by a conditional branch
 * of flat 32-bit or of 64-bit code, or NULL if this pair is not fused. */
exec_fn *fuse(const struct op *first, const struct insn *, const struct op *branch, const struct insn *jcc);
