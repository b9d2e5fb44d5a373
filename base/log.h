/* SPDX-License-Identifier: MIT
 * Log lines: who (module), how bad (level), what. What happens with a line (ignore, report, ask,
 * fatal) is set per level and module by the config. A NULL log swallows everything, so unit tests
 * need none. Reporting never ends the process: a "fatal" action asks the machine to stop.
 */
#pragma once
#include <stdarg.h>
#include "base/base.h"

enum log_level  { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR, LOG_PANIC, LOG_LEVELS };
enum log_action { LOG_IGNORE, LOG_REPORT, LOG_ASK, LOG_FATAL };

struct log;

struct log *log_new(void);                       /* to stderr; NULL when out of memory */
void log_free(struct log *);
bool log_open(struct log *, const char *path);   /* "-" = stderr; false: errno says why */

/* module NULL sets the default for all modules. */
void log_set_action(struct log *, const char *module, enum log_level, enum log_action);

/* Called for a line whose action is LOG_FATAL (or LOG_ASK, answered with "stop"). */
void log_on_fatal(struct log *, void (*stop)(void *ctx, const char *message), void *ctx);

/* Called to stamp lines with the virtual time (nanoseconds). */
void log_set_clock(struct log *, nanos (*now)(void *ctx), void *ctx);

/* True when a line of this kind would be shown: guards costly arguments. */
bool log_wants(const struct log *, const char *module, enum log_level);

/* Prints one line (no newline in fmt). A line that repeats itself (same module and format) is
 * shown 20 times, then only counted; the count is shown at log_free(). */
void log_line(struct log *, const char *module, enum log_level, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
void log_vline(struct log *, const char *module, enum log_level, const char *fmt, va_list)
    __attribute__((format(printf, 4, 0)));
