/* SPDX-License-Identifier: MIT
 * One bochsrc line cut into its parts: `name: value, option=value, "option=with, comma" # comment`.
 */
#pragma once
#include "base/base.h"

enum { LINE_PARAMS = 64 };

struct line_param {
    char *name;                            /* "" for a value without a name */
    char *value;
};

struct config_line {
    char *name;                            /* NULL: blank line or comment only */
    struct line_param param[LINE_PARAMS];
    unsigned params;
    char *text;                            /* owns all of the above */
};

/* expand: the text of $NAME (quotes and commas in it have no meaning), NULL to leave it as it is.
 * NULL: done; otherwise what is wrong. lex_free() in both cases. */
const char *lex_line(struct config_line *, const char *text,
                     const char *(*expand)(void *ctx, const char *name), void *ctx);
void lex_free(struct config_line *);
