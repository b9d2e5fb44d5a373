/* SPDX-License-Identifier: MIT
 * Handlers with the register numbers compiled in. Private to cpu/.
 */
#pragma once
#include "cpu/opcodes.h"

/* The special handler that does what i->exec of this family does for just
 * these registers, or NULL. */
exec_fn *special(const struct family *, const struct insn *i);
