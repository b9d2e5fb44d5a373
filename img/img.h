/* SPDX-License-Identifier: MIT
 * vitro-img: what its commands share.
 */
#pragma once
#include "iodev/image/format.h"

/* As qemu-img's check and compare. */
enum {
    IMG_OK = 0,
    IMG_FAILED = 1,
    IMG_CORRUPT = 2,
    IMG_LEAKS = 3,
    IMG_DIFFERENT = 1,
    IMG_CANNOT = 2,
    IMG_NOTHING = 63           /* no such format is ever damaged */
};

struct img_args {
    const char *format;                    /* -f */
    const char *other_format;              /* -F or -O */
    const char *base;                      /* -b */
    enum image_repair repair;              /* -r */
    bool  compress, quiet, strict, shrink, progress, keep, json;
    bool  chain;                           /* --backing-chain */
    bool  there;                           /* -n: do not make the target */
    bool  blind;                           /* -u: do not look at the base */
    bool  unlocked;                        /* -U */
    struct image_plan plan;                /* what -o says */
    char *const *names;                    /* what is no option */
    int   count;
};

/* One line on stderr; returns code. */
int img_fail(int code, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* "10", "64M", "1.5G": bytes. false: not a size. */
bool img_size(const char *text, uint64_t *bytes);

/* NULL: said why. format NULL: by the extension. */
struct image *img_open(const char *path, const char *format, enum image_access);
/* The first file without its base: that one may be missing. */
struct image *img_open_alone(const struct img_args *);
/* For reading; with -U also what a machine writes to. */
struct image *img_open_source(const struct img_args *, unsigned name, const char *format);
/* NULL: by the extension of path; said why, if it is unknown. */
const struct image_format *img_format(const char *name, const char *path);
/* A new, empty image in place of whatever there is. false: said why. */
bool img_make(const char *path, const struct image_format *, const struct image_plan *);

/* What is in sectors from `sector`, through all bases: IMAGE_ZERO or IMAGE_DATA. */
enum image_where img_where(struct image *, uint64_t sector, uint64_t count, uint64_t *run);

/* "    (12.50/100%)" on a terminal's stderr; nothing when `before` was shown as the same. */
void img_progress(const struct img_args *, uint64_t before, uint64_t done, uint64_t all);

int img_create(const struct img_args *);
int img_info(const struct img_args *);
int img_check(const struct img_args *);
int img_convert(const struct img_args *);
int img_commit(const struct img_args *);
int img_compare(const struct img_args *);
int img_resize(const struct img_args *);
