/* SPDX-License-Identifier: MIT
 * For tests of configurations: hears what is said about them; files are in a folder of their own.
 */
#pragma once
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config/config.h"

struct heard {
    char text[8192];
    unsigned warnings, errors;
};

static inline void hear(void *ctx, bool error, const char *text)
{
    struct heard *h = ctx;
    size_t n = strlen(h->text);
    snprintf(h->text + n, sizeof h->text - n, "%s %s\n", error ? "error" : "warning", text);
    *(error ? &h->errors : &h->warnings) += 1;
}

static inline struct config *new_config(struct heard *h)
{
    *h = (struct heard){ .warnings = 0 };
    return config_new(&(struct config_report){ hear, h });
}

static char dir[] = "/tmp/vitro-config-XXXXXX";

static inline const char *in_dir(const char *name)
{
    static char path[2][256];
    static unsigned turn;
    turn ^= 1;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static inline const char *write_file(const char *name, const char *text)
{
    const char *path = in_dir(name);
    FILE *out = fopen(path, "wb");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    fclose(out);
    return path;
}

static inline void read_ok(struct config *c, const char *line)
{
    ck_assert_msg(config_read_line(c, "here", line), "%s", line);
}

/* Runs the suite with the folder there, and removes that. */
static inline int config_main(Suite *s)
{
    if (!mkdtemp(dir)) return 1;
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command) != 0 || failed != 0;
}
