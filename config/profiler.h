/* SPDX-License-Identifier: MIT
 * --profile: counting begins before the first instruction, the report comes after the last.
 */
#pragma once
#include "config/command_line.h"
#include "config/machine.h"

/* false: the file cannot be written, or there is no memory; said so.
 * *file: NULL if nothing is to be counted. */
bool profiler_open(const struct command_line *, struct machine *, FILE **file);
void profiler_close(FILE *, struct machine *);
