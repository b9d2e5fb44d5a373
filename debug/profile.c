/* SPDX-License-Identifier: MIT
 * The processor's profile with the names of the board's devices.
 */
#include "debug/profile.h"

struct report {
    struct board *board;
    void (*line)(void *ctx, const char *text);
    void *ctx;
};

static const char *port_owner(void *report, uint16_t port)
{
    const struct report *r = report;
    const struct device *d = r->board ? board_port_owner(r->board, port) : NULL;
    return d ? d->id : NULL;
}

static void pass_on(void *report, const char *text)
{
    const struct report *r = report;
    r->line(r->ctx, text);
}

bool profile_print(struct board *b, const struct cpu *c, unsigned handlers,
                   void (*line)(void *ctx, const char *text), void *ctx)
{
    struct report r = { b, line, ctx };
    return cpu_profile_print(c, &(struct cpu_profile_report){ pass_on, port_owner, &r, handlers });
}
