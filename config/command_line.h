/* SPDX-License-Identifier: MIT
 * What was typed: options of Vitro, options of Bochs, bochsrc lines and disk images.
 */
#pragma once
#include <stdio.h>
#include "config/config.h"

enum { COMMAND_ITEMS = 128 };

enum item_kind { ITEM_LINE, ITEM_IMAGE, ITEM_CDROM, ITEM_SERIAL, ITEM_MEMORY, ITEM_DISPLAY };
struct command_item { enum item_kind kind; int position; const char *text; };

enum { SCREENSHOTS = 64 };
struct screenshot { uint64_t ticks; nanos time; const char *path; };   /* both 0: at the end */

struct command_line {
    const char *config_file, *log, *monitor, *qtest;       /* NULL: not given */
    bool no_config, strict, help, version, opcodes, cpu_models, print_config, debugger;
    const char *debugger_script;
    bool profile;
    const char *profile_file;              /* NULL: standard error */
    uint64_t until_ticks;                  /* 0: no end                                       */
    nanos until_time;                      /* 0: no end                                       */
    struct screenshot screenshot[SCREENSHOTS];
    unsigned screenshots;
    uint64_t hash_every;                   /* 0: never                                        */
    const char *hash_file;                 /* NULL: standard output                           */
    bool has_display;
    struct command_item item[COMMAND_ITEMS];   /* in the order typed */
    unsigned items;
};

/* false: why holds one line. Texts point into argv. */
bool command_line_read(struct command_line *, int argc, char *const *argv, char *why, size_t room);
/* Images, serial ports and bochsrc lines, on top of what was read from files. */
bool command_line_apply(const struct command_line *, struct config *);
bool command_line_has_images(const struct command_line *);
void command_line_help(FILE *);
