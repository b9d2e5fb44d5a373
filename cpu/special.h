/* SPDX-License-Identifier: MIT
 * Handlers with the register numbers compiled in. Private to cpu/.
 */
#pragma once
#include "cpu/insn.h"

/* The special handler that does what i->exec does for just these registers, or NULL. */
exec_fn *special(const struct insn *i);
