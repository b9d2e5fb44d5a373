/* SPDX-License-Identifier: MIT
 * vitro-img: sizes, opening, making, messages.
 */
#define _GNU_SOURCE            /* F_OFD_SETLK */
#include "img/img.h"
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int img_fail(int code, const char *fmt, ...)
{
    va_list args;
    fprintf(stderr, "vitro-img: ");
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fprintf(stderr, "\n");
    return code;
}

/* A fraction only before a unit; nothing that floating point would round. */
bool img_size(const char *text, uint64_t *bytes)
{
    static const char units[] = "bkmgtpe";
    char *end;
    if (*text < '0' || *text > '9') return false;
    errno = 0;
    uint64_t whole = strtoull(text, &end, 10), part = 0, scale = 1;
    if (*end == '.')
        for (end++; *end >= '0' && *end <= '9' && scale < 1000000000; end++, scale *= 10)
            part = part * 10 + (uint64_t)(*end - '0');
    const char *unit = *end ? strchr(units, *end | 32) : units;
    if (!unit || !*unit || (*end && end[1]) || errno) return false;
    unsigned shift = 10 * (unsigned)(unit - units);
    if (whole > (uint64_t)INT64_MAX >> shift) return false;
    *bytes = (whole << shift) + muldiv64(part, (uint64_t)1 << shift, scale);
    return true;
}

struct image *img_open(const char *path, const char *format, enum image_access access)
{
    char note[4096 + 512];
    struct image_choice c = { .path = path, .format = format };
    struct image *i = image_open_choice(&c, access, note, sizeof note);
    if (*note) img_fail(0, "%s", note);
    return i;
}

struct image *img_open_alone(const struct img_args *a)
{
    char note[4096 + 512];
    struct image_choice c = { .path = a->names[0], .format = a->format, .alone = true };
    struct image *i = image_open_choice(&c, a->unlocked ? IMAGE_READ_UNLOCKED : IMAGE_READ_ONLY,
                                        note, sizeof note);
    if (*note) img_fail(0, "%s", note);
    return i;
}

struct image *img_open_source(const struct img_args *a, unsigned name, const char *format)
{
    return img_open(a->names[name], format, a->unlocked ? IMAGE_READ_UNLOCKED : IMAGE_READ_ONLY);
}

const struct image_format *img_format(const char *name, const char *path)
{
    const struct image_format *f = name ? image_format_named(name) : image_format_by_path(path);
    if (!f) img_fail(0, "%s: no such format; --help lists them", name);
    return f;
}

/* The word of -o that says what cannot be had; NULL: all of it can. */
static const char *foreign_word(const struct image_format *f, const struct image_plan *p)
{
    if (p->cluster && !(f->plans & IMAGE_PLAN_CLUSTER)) return "cluster_size";
    if (p->version && !(f->plans & IMAGE_PLAN_VERSION)) return "compat";
    if (p->fixed && !(f->plans & IMAGE_PLAN_FIXED)) return "subformat";
    return p->allocate && !(f->plans & IMAGE_PLAN_ALLOCATE) ? "preallocation" : NULL;
}

/* Nothing is cut off before the lock says that nobody uses it. */
bool img_make(const char *path, const struct image_format *f, const struct image_plan *plan)
{
    struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
    struct image_plan p = *plan;
    const char *cause = f->create ? NULL : "images of this format cannot be made";
    const char *word = foreign_word(f, plan);
    if (!cause && plan->bytes / SECTOR_SIZE > IMAGE_MOST_SECTORS) cause = IMAGE_TOO_LARGE;
    if (word) return img_fail(0, "%s: %s images have no %s=", path, f->name, word), false;
    p.path = path;
    int fd = cause ? -1 : open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (!cause && fd < 0) cause = strerror(errno);
    bool mine = fd >= 0 && lseek(fd, 0, SEEK_END) == 0;    /* nothing is lost with it */
    if (!cause && fcntl(fd, F_OFD_SETLK, &l) && (errno == EAGAIN || errno == EACCES))
        cause = "is in use by a machine or another program";
    if (!cause && ftruncate(fd, 0) && errno != EINVAL) cause = strerror(errno);
    if (!cause) cause = f->create(fd, &p);
    if (!cause && fsync(fd)) cause = strerror(errno);
    if (fd >= 0) close(fd);
    if (cause && mine) unlink(path);
    if (cause) img_fail(0, "%s: %s", path, cause);
    return !cause;
}

enum image_where img_where(struct image *i, uint64_t sector, uint64_t count, uint64_t *run)
{
    while (i) {
        *run = count;
        if (sector >= i->sectors) return IMAGE_ZERO;
        if (count > i->sectors - sector) *run = count = i->sectors - sector;
        enum image_where w =
            i->format->where ? i->format->where(i, sector, count, run) : IMAGE_DATA;
        if (w != IMAGE_BASE) return w;
        count = *run;
        i = i->base;
    }
    return IMAGE_ZERO;
}

void img_progress(const struct img_args *a, uint64_t before, uint64_t done, uint64_t all)
{
    if (a->quiet || !all || !(a->progress || isatty(STDERR_FILENO))) return;
    uint64_t percent = muldiv64(done, 10000, all);
    if (before && percent == muldiv64(before, 10000, all) && done != all) return;
    fprintf(stderr, "    (%llu.%02llu/100%%)%s", (unsigned long long)percent / 100,
            (unsigned long long)percent % 100, done == all ? "\n" : "\r");
}
