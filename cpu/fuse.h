/* SPDX-License-Identifier: MIT
 * Pairs of instructions that run as one record. Private to cpu/.
 */
#pragma once
#include "cpu/opcodes.h"

/* A conditional branch that can leave a trace in its midst (of flat 32-bit or of 64-bit code): its
 * condition, 0-15; else -1. */
int branch_out(const struct op *branch, const struct insn *jcc);
bool is_jump(const struct insn *);         /* JMP rel in such code */
/* The opposite condition: the trace goes on at the target, and leaves where it went on. */
void branch_turn(struct insn *jcc, int cc);
/* The handler for record i and such a branch with condition cc in
 * the record behind, or NULL if this pair is not fused. */
exec_fn *fuse(const struct op *, const struct insn *i, int cc);
