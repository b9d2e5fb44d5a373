/* SPDX-License-Identifier: MIT
 * A running PC: the board, the processor and the time between them.
 *
 *     machine_new(config) -- machine_advance() again and again -- machine_free()
 *
 * Time. One tick is one instruction, or one instruction's time spent in HLT. now = ticks * 1e9 /
 * ips nanoseconds, rounded down; what is due at T happens at the first tick at which now >= T, that
 * is ceil(T * ips / 1e9). The processor stops at exactly that tick, so a run depends on nothing but
 * the configuration and the events below, each of which carries its tick. Nothing in here knows the
 * host's clock.
 */
#pragma once
#include "config/config.h"
#include "cpu/cpu.h"
#include "iodev/machine_board.h"

struct machine;

enum { MACHINE_EXIT_ERROR = 2, MACHINE_EXIT_TRIPLE_FAULT = 3 };

/* NULL: the log says why. with_cpu false: qtest, a board that is driven from outside. */
struct machine *machine_new(const struct config *, struct log *, bool with_cpu);
void machine_free(struct machine *);

/* Runs up to tick `until`, but retires at most about `budget` instructions. Returns early when the
 * run has ended. */
void     machine_advance(struct machine *, uint64_t until, uint64_t budget);
uint64_t machine_ticks(const struct machine *);
uint64_t machine_retired(const struct machine *);  /* instructions, without time in HLT */
nanos    machine_now(const struct machine *);
uint64_t machine_tick_of(const struct machine *, nanos due);     /* UINT64_MAX: never */
uint64_t machine_ips(const struct machine *);
uint64_t machine_hash(const struct machine *);     /* everything the guest can observe */

/* HLT with interrupts disabled: only a reset or the user can end this. */
bool machine_is_dead(const struct machine *);

/* What the user does, at the next tick or `delay` later. false: too much at once, it is lost. */
bool machine_key(struct machine *, unsigned hid_usage, bool down, nanos delay);
/* A person's key: keys that come at once are typed one after the other, at the pace of pasted text,
 * for a guest takes only so many at once. What the mouse does keeps its place between them. */
bool machine_user_key(struct machine *, unsigned hid_usage, bool down);
bool machine_user_is_served(const struct machine *);   /* has the guest got all of those keys? */
bool machine_mouse(struct machine *, int dx, int dy, int dz, unsigned buttons);
void machine_reset(struct machine *);              /* the reset button */
void machine_end(struct machine *, int exit_code);
bool machine_ended(const struct machine *, int *exit_code);

/* Every change of an interrupt request's level, also within one instruction. NULL: no more. */
void machine_on_irq(struct machine *, void (*changed)(void *ctx, unsigned irq, bool level),
                    void *ctx);

struct board *machine_board(struct machine *);
struct cpu   *machine_cpu(struct machine *);       /* NULL: without */
const struct screen *machine_screen(struct machine *);   /* never NULL */
/* serial ports in order; NULL: not there */
struct device *machine_com(struct machine *, unsigned number);
