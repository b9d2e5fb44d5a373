/* SPDX-License-Identifier: MIT
 * What a drive sees of an image, and how the config's words become files one above the other:
 *
 *     flat, growing      file            volatile   memory            undoable   journal (qcow2)
 *                                                     |                             |
 *                                                   file, read-only               file, read-only
 */
#include "iodev/image/open.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum layer { LAYER_NONE, LAYER_MEMORY, LAYER_JOURNAL };

struct plan {
    const struct image_format *format;
    enum layer layer;
    bool       raw_by_word;            /* mode=flat, not just a name that says nothing else */
    bool       growing;
};

static bool is(const char *word, const char *what)
{
    return word && !strcasecmp(word, what);
}

static bool unknown_word(const struct note *n, const char *word)
{
    snprintf(n->text, n->room, "image format \"%.40s\" is not supported; use one of: %s", word,
             image_formats());
    return false;
}

/* Read as raw sectors such a file is garbage, and the first write destroys it. Only the name is
 * looked at, as the contents of a raw disk are the guest's. */
static bool check_extension(const struct note *n)
{
    static const char *const foreign[] = {"vhdx",      "avhdx", "qed", "qcow", "cow",
                                          "parallels", "hdd",   "hds", "dmg",  "ova", "ovf"};
    static const char *const packed[] = { "gz", "xz", "bz2", "zst", "zip", "7z", "rar", "lz4" };
    const char *slash = strrchr(n->path, '/'), *dot = strrchr(slash ? slash : n->path, '.');
    if (!dot || access(n->path, F_OK)) return true;
    for (unsigned i = 0; i < COUNT_OF(packed); i++)
        if (is(dot + 1, packed[i]))
            return image_explain(n, "is a packed file", n->removable
                                 ? "unpack it" : "unpack it, or say format=raw"), false;
    for (unsigned i = 0; i < COUNT_OF(foreign); i++)
        if (is(dot + 1, foreign[i]))
            return image_explain(n, "is an image of a format that cannot be read", n->removable
                                 ? "convert it" : "convert it, e.g. qemu-img convert -O qcow2 "
                                 "IN OUT, or say format=raw"), false;
    return true;
}

/* What mode= and format= ask for. */
static bool make_plan(const struct image_choice *c, const struct note *n, struct plan *p)
{
    const char *mode = c->mode && *c->mode && !is(c->mode, "auto") ? c->mode : NULL;
    const char *format = c->format && *c->format && !is(c->format, "auto") ? c->format : NULL;
    bool how = is(mode, "volatile") || is(mode, "undoable") || is(mode, "growing");
    *p = (struct plan){ .layer = is(mode, "volatile")   ? LAYER_MEMORY
                                 : is(mode, "undoable") ? LAYER_JOURNAL
                                                        : LAYER_NONE };
    p->format = image_format_by_path(n->path);
    if (c->removable) {
        p->format = &image_flat;
        p->raw_by_word = true;
        if (mode && !how && !is(mode, "flat")) return unknown_word(n, mode);
        return check_extension(n);
    }
    if (mode && !how && !(p->format = image_format_named(mode))) return unknown_word(n, mode);
    if ((!mode || how) && !format && !check_extension(n)) return false;
    p->raw_by_word = is(mode, "flat");
    p->growing = is(mode, "growing");
    if (format && !(p->format = image_format_named(format))) return unknown_word(n, format);
    if (p->format->is_folder && p->layer == LAYER_NONE) p->layer = LAYER_MEMORY;
    return true;
}

/* A raw disk may begin with anything; but somebody may also have forgotten to say what it is. */
static const struct image_format *looks_like(const struct image *i)
{
    uint8_t first[2048];
    if (i->fd < 0 || image_file_read(i->fd, 0, first, sizeof first)) return NULL;
    for (unsigned n = 0; image_format_at(n); n++) {
        const struct image_format *f = image_format_at(n);
        if (f->looks_like && f->looks_like(first, sizeof first)) return f;
    }
    return NULL;
}

/* false: refused. The name says one thing, mode=flat another, and the contents prove the name
 * right. */
static bool check_raw(struct image *i, const struct plan *p, const struct note *n)
{
    char text[160] = "";
    const struct image_format *f = looks_like(i);
    if (p->growing && !image_file_read(i->fd, 0, text, 32) &&
        !strcmp(text, "Bochs Virtual HD Image"))
        return image_explain(n, "is an image of Bochs's own format, which is not supported",
                             "convert it with bximage"), false;
    if (f && p->raw_by_word && image_format_by_path(n->path) == f) {
        snprintf(text, sizeof text, n->removable
                 ? "is a %s image, this drive takes raw sectors"
                 : "is a %s image, mode=flat would destroy it", f->name);
        return image_explain(n, text, n->removable ? "convert it: vitro-img convert -O raw IN OUT"
                                                   : "use mode=growing, or leave mode= out"), false;
    }
    if (f) {
        snprintf(text, sizeof text, "begins like a %s image, but is used as raw sectors", f->name);
        image_explain(n, text, n->removable ? "" : "if it is one, say format=");
    } else if (i->file_bytes % SECTOR_SIZE) {
        image_explain(n, "size is not a multiple of 512 bytes",
                      "the last sector is filled up with zeroes");
    }
    return true;
}

/* ---- overlays -------------------------------------------------------------------------------- */
static struct image *above_memory(struct image *base, bool read_only, const struct note *n)
{
    struct image *i = calloc(1, sizeof *i);
    if (i) *i = (struct image){ .format = &image_volatile, .fd = -1, .base = base };
    if (!i || i->format->open(i)) {
        image_explain(n, "out of memory", "");
        if (!i) image_close(base);
        image_close(i);
        return NULL;
    }
    i->sectors = base->sectors;
    i->file_bytes = base->file_bytes;
    i->read_only = read_only;
    return i;
}

/* How the journal names its base: without the folder, where both lie in one. false: too long. */
static bool name_base(const char *journal, const char *path, char *to, size_t room)
{
    const char *a = strrchr(journal, '/'), *b = strrchr(path, '/');
    size_t la = a ? (size_t)(a - journal) : 0, lb = b ? (size_t)(b - path) : 0;
    char full[PATH_MAX];
    const char *name = realpath(path, full) ? full : path;
    if (!a == !b && la == lb && !strncmp(journal, path, la)) name = b ? b + 1 : path;
    size_t len = strlen(name);
    if (len < room) memcpy(to, name, len + 1);
    return len < room;
}

static void sync_folder(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path + 1) : 1,
             slash ? path : ".");
    int fd = open(folder, O_RDONLY | O_CLOEXEC | O_DIRECTORY);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

/* Whole or not there: written beside its place, synced, renamed. */
static bool make_journal(const struct note *n, const struct image *base)
{
    char name[IMAGE_NAME], temporary[PATH_MAX];
    struct image_plan p = { .bytes = base->sectors * SECTOR_SIZE, .base = name,
                            .base_format = base->format->name };
    if (!name_base(n->path, base->path, name, sizeof name) ||
        snprintf(temporary, sizeof temporary, "%s.new", n->path) >= (int)sizeof temporary)
        return image_explain_errno(n, ENAMETOOLONG, true), false;
    int fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return image_explain(n, strerror(errno),
                             "name another place for the changes with journal="), false;
    const char *cause = image_qcow2.create(fd, &p);
    if (!cause && (fsync(fd) || rename(temporary, n->path))) cause = image_create_failed();
    close(fd);
    if (cause) image_explain(n, cause, "the file of changes could not be made"), unlink(temporary);
    else sync_folder(n->path);
    return !cause;
}

static struct image *above_journal(struct image *base, const char *journal, enum image_access how,
                                   const struct note *n)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s%s", journal && *journal ? journal : base->path,
             journal && *journal ? "" : ".undo.qcow2");
    struct note own = { path, n->text, n->room, false };
    if (access(path, F_OK) != 0 && !make_journal(&own, base)) return image_close(base), NULL;
    struct image *i = image_open_chain(&own, &image_qcow2, how, base, 0);
    if (i && i->sectors != base->sectors) {
        image_explain(&own, "belongs to a disk of another size",
                      "vitro-img commit or delete it, or name another one with journal=");
        image_close(i);
        return NULL;
    }
    return i;
}

struct image *image_open_choice(const struct image_choice *c, enum image_access access, char *note,
                                size_t room)
{
    struct note n = { c->path ? c->path : "", note, room, c->removable };
    struct plan p;
    note[0] = 0;
    if (!*n.path) return image_explain(&n, "no image file named", "set path="), NULL;
    if (!make_plan(c, &n, &p)) return NULL;
    enum image_access below = p.layer == LAYER_NONE ? access : IMAGE_READ_ONLY;
    struct image *i = image_open_chain(&n, p.format, below, NULL, c->alone ? IMAGE_ALONE : 0);
    if (i && p.format == &image_flat && !check_raw(i, &p, &n)) return image_close(i), NULL;
    if (i && p.layer == LAYER_MEMORY) i = above_memory(i, access == IMAGE_READ_ONLY, &n);
    if (i && p.layer == LAYER_JOURNAL) i = above_journal(i, c->journal, access, &n);
    return i;
}

struct image *image_open(const char *path, const char *mode, enum image_access access, char *note,
                         size_t room)
{
    return image_open_choice(&(struct image_choice){ .path = path, .mode = mode }, access, note,
                             room);
}

/* ---- use ------------------------------------------------------------------------------------- */
void image_close(struct image *i)
{
    if (!i) return;
    if (!i->read_only && i->dirty) image_flush(i);
    if (i->format->close) i->format->close(i);
    if (i->fd >= 0) close(i->fd);
    image_close(i->base);
    free(i->path);
    free(i);
}

uint64_t image_sectors(const struct image *i)   { return i->sectors; }
bool     image_read_only(const struct image *i) { return i->read_only; }
bool     image_is_dirty(const struct image *i)  { return i->dirty; }

void image_pad(struct image *i, uint64_t sectors)
{
    if (i->sectors < sectors) i->sectors = sectors;
}

void image_fit(struct image *i, uint64_t sectors)
{
    bool resized = !i->read_only && i->format->resize &&
                   (i->format->can_shrink || sectors > i->sectors) &&
                   !i->format->resize(i, sectors);
    if (!resized) i->sectors = sectors;
}

static bool inside(const struct image *i, uint64_t sector, uint32_t count)
{
    return count <= i->sectors && sector <= i->sectors - count;
}

int image_read(struct image *i, uint64_t sector, uint32_t count, void *to)
{
    return inside(i, sector, count) ? i->format->read(i, sector, count, to) : EINVAL;
}

int image_write(struct image *i, uint64_t sector, uint32_t count, const void *from)
{
    if (i->read_only) return EROFS;
    if (!inside(i, sector, count)) return EINVAL;
    i->dirty = true;
    return i->format->write(i, sector, count, from);
}

int image_flush(struct image *i)
{
    if (i->read_only) return 0;
    int error = i->format->flush(i);
    if (!error) i->dirty = false;
    return error;
}

void image_settle(struct image *i)
{
    if (i && i->dirty && !i->read_only && i->format->settle) i->format->settle(i);
}

int image_read_base(struct image *i, uint64_t sector, uint32_t count, void *to)
{
    uint64_t have = i->base ? i->base->sectors : 0;
    uint64_t left = sector < have ? have - sector : 0;
    uint32_t run = left < count ? (uint32_t)left : count;
    memset((uint8_t *)to + (size_t)run * SECTOR_SIZE, 0, (size_t)(count - run) * SECTOR_SIZE);
    return run ? i->base->format->read(i->base, sector, run, to) : 0;
}
