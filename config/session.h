/* SPDX-License-Identifier: MIT
 * A machine and the people around it: window, monitor, serial lines, signals, a clock on the wall.
 */
#pragma once
#include "config/command_line.h"
#include "config/machine.h"

/* Runs until the guest or the user ends it. Returns the exit code of the program. */
int session_run(struct machine *, const struct config *, const struct command_line *, struct log *);
/* The board alone, driven by a qtest client. */
int session_qtest(struct machine *, const char *where, struct log *);
