/* SPDX-License-Identifier: MIT
 * The engine set up as the mirror of native_host: the same arena in user pages, a handler that
 * halts for every exception.
 */
#pragma once
#include "cpu/cpu.h"
#include "tests/cpu/native_host.h"

struct engine { struct memory *memory; struct cpu *cpu; };
enum engine_how { ENGINE_CHAINED, ENGINE_STEPPED };

/* Linear address of the tables and handlers, present for the supervisor. */
#define ENGINE_SYSTEM 0xD6B00000u

bool engine_open(struct engine *);
void engine_close(struct engine *);
/* Copies into / out of the arena. */
void engine_put(struct engine *, uint32_t at, const void *from, uint32_t len);
const uint8_t *engine_see(struct engine *, uint32_t at);
/* Runs from `in` to the first exception. False: it did not come within the time. */
bool engine_run(struct engine *, const struct outcome *in, struct outcome *out, enum engine_how);
