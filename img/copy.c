/* SPDX-License-Identifier: MIT
 * vitro-img convert, commit, compare: everything that reads whole images.
 */
#include "img/img.h"
#include "iodev/image/open.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 4096 };         /* sectors: 2 MiB, the largest cluster */

static bool is_zero(const uint8_t *p, size_t len)
{
    return !len || (!p[0] && !memcmp(p, p + 1, len - 1));
}

static int failed_at(const struct image *i, const char *what, uint64_t sector, int error)
{
    return img_fail(IMG_FAILED, "%s: %s at byte %llu: %s", i->path ? i->path : "image", what,
                    (unsigned long long)sector * SECTOR_SIZE, image_error_text(error));
}

/* ---- convert --------------------------------------------------------------------------------- */
static int write_cluster(struct image *to, bool squeeze, uint64_t sector, uint32_t count,
                         uint8_t *data, uint32_t unit)
{
    int error = ENOTSUP;
    if (squeeze) {
        memset(data + (size_t)count * SECTOR_SIZE, 0, (size_t)(unit - count) * SECTOR_SIZE);
        error = to->format->write_squeezed(to, sector / unit, data);
    }
    return error == ENOTSUP ? image_write(to, sector, count, data) : error;
}

/* Unit by unit, so that a unit of zeroes stays unallocated in a new image. */
static int write_piece(const struct img_args *a, struct image *to, uint64_t sector, uint32_t count,
                       uint8_t *data, uint32_t unit)
{
    for (uint32_t n; count; count -= n, sector += n, data += (size_t)n * SECTOR_SIZE) {
        n = unit - (uint32_t)(sector % unit);
        if (n > count) n = count;
        if (!a->there && is_zero(data, (size_t)n * SECTOR_SIZE)) continue;
        int error = write_cluster(to, a->compress, sector, n, data, unit);
        if (error) return failed_at(to, "writing", sector, error);
    }
    return IMG_OK;
}

static int copy(const struct img_args *a, struct image *from, struct image *to)
{
    struct image_info info = { 0 };
    uint64_t run;
    int code = IMG_OK;
    uint8_t *data = malloc((size_t)(PIECE * 2) * SECTOR_SIZE);
    if (!data) return img_fail(IMG_FAILED, "out of memory");
    if (to->format->info) to->format->info(to, &info);
    uint32_t unit = info.cluster ? (uint32_t)(info.cluster / SECTOR_SIZE) : 128;
    if (unit > PIECE) unit = PIECE;
    for (uint64_t at = 0; at < from->sectors && code == IMG_OK; at += run) {
        uint64_t left = from->sectors - at, most = PIECE - at % PIECE;
        bool zero = !a->there && img_where(from, at, left, &run) == IMAGE_ZERO;
        if (zero && left > run) run -= run > unit ? (at + run) % unit : 0;
        bool skip = zero && run % unit == 0 && at % unit == 0;
        if (!skip) run = left < most ? left : most;
        int error = skip ? 0 : image_read(from, at, (uint32_t)run, data);
        if (error) code = failed_at(from, "reading", at, error);
        else if (!skip) code = write_piece(a, to, at, (uint32_t)run, data, unit);
        img_progress(a, at, at + run, from->sectors);
    }
    free(data);
    return code;
}

int img_convert(const struct img_args *a)
{
    struct image_plan p = a->plan;
    const struct image_format *f = img_format(a->other_format, a->names[1]);
    if (!f) return IMG_FAILED;
    if (a->compress && !f->write_squeezed)
        return img_fail(IMG_FAILED, "%s images are not compressed", f->name);
    struct image *from = img_open_source(a, 0, a->format);
    if (!from) return IMG_FAILED;
    p.bytes = image_sectors(from) * SECTOR_SIZE;
    int code = IMG_FAILED;
    bool made = a->there || img_make(a->names[1], f, &p);
    struct image *to = made ? img_open(a->names[1], f->name, IMAGE_WRITE) : NULL;
    if (to && to->sectors < from->sectors)
        img_fail(0, "%s: is shorter than %s", a->names[1], a->names[0]);
    else if (to) code = copy(a, from, to);
    int error = to && code == IMG_OK ? image_flush(to) : 0;
    if (error) code = img_fail(IMG_FAILED, "%s: %s", a->names[1], image_error_text(error));
    image_close(to);
    image_close(from);
    return code;
}

/* ---- commit ---------------------------------------------------------------------------------- */
static int copy_changes(const struct img_args *a, struct image *from, struct image *to)
{
    uint64_t run;
    int error = 0;
    uint8_t *data = malloc((size_t)PIECE * SECTOR_SIZE);
    if (!data) return ENOMEM;
    for (uint64_t at = 0; at < from->sectors && !error; at += run) {
        uint64_t left = from->sectors - at;
        enum image_where w = from->format->where(from, at, left < PIECE ? left : PIECE, &run);
        if (w != IMAGE_BASE) error = image_read(from, at, (uint32_t)run, data);
        if (w != IMAGE_BASE && !error) error = image_write(to, at, (uint32_t)run, data);
        img_progress(a, at, at + run, from->sectors);
    }
    free(data);
    return error ? error : image_flush(to);
}

/* The base once more, now to be written: with the overlay's name for it. */
static struct image *open_base(struct image *i)
{
    char path[PATH_MAX], format[16];
    image_base_path(i, path, sizeof path);
    snprintf(format, sizeof format, "%s", i->base->format->name);
    image_close(i->base);
    return i->base = img_open(path, format, IMAGE_WRITE);
}

static const char *fit_base(const struct image *i, struct image *base)
{
    if (base->sectors >= i->sectors) return NULL;
    return base->format->resize ? base->format->resize(base, i->sectors)
                                : "the base is shorter than the overlay and keeps its size";
}

/* The empty overlay takes the place of the old one when it is whole, with its mode. */
static int empty(const struct img_args *a, const struct image_plan *p)
{
    char old[PATH_MAX], path[PATH_MAX + 4];
    struct stat st;
    if (!realpath(a->names[0], old) || stat(old, &st))
        return img_fail(IMG_FAILED, "%s: %s", a->names[0], strerror(errno));
    snprintf(path, sizeof path, "%s.new", old);
    if (!img_make(path, &image_qcow2, p)) return IMG_FAILED;
    if (!chmod(path, st.st_mode & 07777) && !rename(path, old)) return IMG_OK;
    int error = errno;
    unlink(path);
    return img_fail(IMG_FAILED, "%s: %s", a->names[0], strerror(error));
}

int img_commit(const struct img_args *a)
{
    struct image *i = img_open(a->names[0], a->format, IMAGE_READ_ONLY);
    if (!i) return IMG_FAILED;
    if (!i->base || !i->format->where) {
        image_close(i);
        return img_fail(IMG_FAILED, "%s: has no base", a->names[0]);
    }
    char name[IMAGE_NAME];
    snprintf(name, sizeof name, "%s", i->base_name);
    struct image_info info = { 0 };
    if (i->format->info) i->format->info(i, &info);
    struct image_plan p = { .bytes = i->sectors * SECTOR_SIZE, .base = name,
                            .base_format = i->base->format->name, .version = info.version,
                            .cluster = (uint32_t)info.cluster };
    struct image *base = open_base(i);
    const char *why = base ? fit_base(i, base) : NULL;
    int error = base && !why ? copy_changes(a, i, base) : 0, code = base ? IMG_OK : IMG_FAILED;
    if (error) why = image_error_text(error);
    image_close(i);
    if (why) return img_fail(IMG_FAILED, "%s: %s", a->names[0], why);
    if (code == IMG_OK && !a->keep) code = empty(a, &p);
    if (code == IMG_OK && !a->quiet) printf("Image committed.\n");
    return code;
}

/* ---- compare --------------------------------------------------------------------------------- */
static int read_padded(struct image *i, uint64_t at, uint32_t count, uint8_t *to)
{
    uint64_t left = at < i->sectors ? i->sectors - at : 0;
    uint32_t run = left < count ? (uint32_t)left : count;
    memset(to + (size_t)run * SECTOR_SIZE, 0, (size_t)(count - run) * SECTOR_SIZE);
    return run ? image_read(i, at, run, to) : 0;
}

static int compare_piece(struct image *x, struct image *y, uint64_t at, uint32_t run, uint8_t *data)
{
    uint8_t *other = data + (size_t)PIECE * SECTOR_SIZE;
    int error = read_padded(x, at, run, data);
    if (error) return failed_at(x, "reading", at, error), IMG_CANNOT;
    error = read_padded(y, at, run, other);
    if (error) return failed_at(y, "reading", at, error), IMG_CANNOT;
    size_t n = 0, len = (size_t)run * SECTOR_SIZE;
    if (!memcmp(data, other, len)) return IMG_OK;
    while (data[n] == other[n]) n++;
    printf("Content mismatch at offset %llu!\n", (unsigned long long)(at * SECTOR_SIZE + n));
    return IMG_DIFFERENT;
}

static int compare(const struct img_args *a, struct image *x, struct image *y)
{
    uint64_t all = x->sectors > y->sectors ? x->sectors : y->sectors;
    if (x->sectors != y->sectors) {
        printf("%s: Image size mismatch!\n", a->strict ? "Strict mode" : "Warning");
        if (a->strict) return IMG_DIFFERENT;
    }
    uint8_t *data = malloc((size_t)(PIECE * 2) * SECTOR_SIZE);
    int code = data ? IMG_OK : IMG_CANNOT;
    for (uint64_t at = 0; at < all && code == IMG_OK; at += PIECE) {
        code = compare_piece(x, y, at, all - at < PIECE ? (uint32_t)(all - at) : PIECE, data);
        img_progress(a, at, all - at < PIECE ? all : at + PIECE, all);
    }
    free(data);
    if (code == IMG_OK && !a->quiet) printf("Images are identical.\n");
    return code;
}

int img_compare(const struct img_args *a)
{
    struct image *x = img_open_source(a, 0, a->format);
    struct image *y = x ? img_open_source(a, 1, a->other_format) : NULL;
    int code = x && y ? compare(a, x, y) : IMG_CANNOT;
    image_close(y);
    image_close(x);
    return code;
}
