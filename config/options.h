/* SPDX-License-Identifier: MIT
 * Private to config/: the tables that say which bochsrc directives and options there are, where
 * their values go, and what happens with those that this machine does not have.
 */
#pragma once
#include "config/config.h"
#include "config/lexer.h"

enum option_kind {
    OPT_BOOL, OPT_UINT,                    /* bool, uint64_t */
    OPT_TEXT,                              /* const char * */
    OPT_WORD,                              /* const char *: one of `words` */
    OPT_INPUT, OPT_OUTPUT,                 /* struct config_file; OUTPUT is made, not looked for */
    OPT_QUIET,                             /* no difference that anyone could see: taken silently */
    OPT_STATUS,                            /* bool: inserted, ejected */
    OPT_FIXED,                            /* silent if the value is one of `words`, else `remark` */
};

struct config_reader;

struct option {
    const char *name;                      /* "" for the value without a name */
    enum option_kind kind;
    size_t at;                             /* in the directive's struct */
    const char *words;                     /* "a|b|c" */
    uint64_t min, max;                     /* OPT_UINT */
    const char *remark;
    void (*call)(struct config *, void *at, const char *value);   /* reads the value; may be NULL */
};

struct directive {
    const char *name;
    size_t at;                             /* of its struct in struct config */
    const struct option *options;          /* ends with { 0 }; NULL: everything is taken silently */
    const char *remark;                    /* not NULL: not supported; what we did instead  */
    void (*line)(struct config *, void *base, const struct config_line *);  /* instead of options */
    void (*print)(const struct config *, const void *base, FILE *);          /* likewise */
    const char *old;                /* translated: this directive's name today, "" as good as new */
};

extern const struct directive directives[];            /* ends with { 0 } */
const struct directive *directive_find(const char *name, size_t len);

/* ---- reader.c: where we are, and what is wrong ----------------------------------------------- */
void config_warn(struct config *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void config_error(struct config *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void config_warn_at(struct config *, const char *origin, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void config_error_at(struct config *, const char *origin, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
bool config_failed(const struct config *);
const char *config_origin(struct config *);            /* of the line that is being read */
bool config_from_file(const struct config *);          /* a file was read */
struct config_file config_find_file(struct config *, const char *path, bool input);
/* True at the first call for a word: what is said once only. */
bool config_first_time(struct config *, const char *word);

/* ---- option.c -------------------------------------------------------------------------------- */
void options_apply(struct config *, const struct directive *, const struct config_line *);
bool word_in(const char *words, const char *value);
bool parse_uint(const char *text, uint64_t *value);
/* A value that reads back as it is: in quotes when it needs them. */
void print_value(const char *value, FILE *);

/* ---- lines.c: directives whose lines are not options ----------------------------------------- */
void line_boot(struct config *, void *boot, const struct config_line *);
void line_floppy(struct config *, void *floppy, const struct config_line *);
void line_actions(struct config *, void *, const struct config_line *);
void line_com(struct config *, void *com, const struct config_line *);
void line_drive(struct config *, void *drive, const struct config_line *);
void line_rom(struct config *, void *rom, const struct config_line *);
void line_old_disk(struct config *, void *drive, const struct config_line *);
void line_old_ips(struct config *, void *, const struct config_line *);
void print_boot(const struct config *, const void *boot, FILE *);
void print_floppy(const struct config *, const void *floppy, FILE *);
void print_actions(const struct config *, const void *, FILE *);
void set_time0(struct config *, void *time0, const char *value);
void set_mouse_type(struct config *, void *type, const char *value);
