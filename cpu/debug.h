/* SPDX-License-Identifier: MIT
 * Debug registers and the #DB they make. Private to cpu/.
 */
#pragma once
#include "cpu/protect.h"

/* DR0-DR3, DR7 or CR4.DE changed: derives c->watch. */
void debug_changed(struct cpu *);

/* Does the page of laddr hold a data or an instruction breakpoint? */
bool debug_watches_data(const struct cpu *, uint64_t laddr);
bool debug_watches_code(const struct cpu *, uint64_t laddr);

/* Accesses that were done: a breakpoint there is a trap after the instruction. */
void debug_access(struct cpu *, uint64_t laddr, unsigned size, bool store);
void debug_port(struct cpu *, uint16_t port, unsigned size);

/* Instruction breakpoints (bits of DR6) at laddr. */
unsigned debug_code(const struct cpu *, uint64_t laddr);

/* Sets DR6 for a debug exception. */
void debug_report(struct cpu *, uint32_t bits);
