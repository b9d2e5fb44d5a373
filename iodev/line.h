/* SPDX-License-Identifier: MIT
 * One wire: one driver, one listener, a level. line_set() tells of edges only,
 * line_write() of every write.
 */
#pragma once
#include "base/base.h"

struct line {
    void (*changed)(void *listener, unsigned pin, bool level);   /* NULL: not connected */
    void *listener;
    unsigned pin;
    bool level;
};

static inline void line_set(struct line *l, bool level)
{
    if (l->level == level) return;
    l->level = level;
    if (l->changed) l->changed(l->listener, l->pin, level);
}

static inline void line_write(struct line *l, bool level)
{
    l->level = level;
    if (l->changed) l->changed(l->listener, l->pin, level);
}
