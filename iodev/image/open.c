/* SPDX-License-Identifier: MIT
 * Opening image files: one place that checks the file, locks it and says clearly what is wrong.
 */
#define _GNU_SOURCE           /* F_OFD_SETLK */
#include "iodev/image/open.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void image_explain(const struct note *n, const char *cause, const char *remedy)
{
    char here[PATH_MAX] = "";
    bool absolute = n->path[0] == '/' || !getcwd(here, sizeof here);
    snprintf(n->text, n->room, "%s%s%s: %s%s%s", absolute ? "" : here, absolute ? "" : "/", n->path,
             cause, *remedy ? "; " : "", remedy);
    for (char *at = n->text; *at; at++)            /* the name of a base comes from the file */
        if ((uint8_t)*at < ' ' || *at == 0x7F) *at = '?';
}

/* medium: the remedy for a floppy or CD, if it is another one. */
static const struct { int code; const char *cause, *remedy, *medium; } causes[] = {
    { ENOENT,  "no such file", "correct the path or create the image, e.g. truncate -s 64M FILE",
      "correct the path" },
    { ENOTDIR, "a part of the path is not a directory", "correct the path", NULL },
    { EACCES,  "permission denied", "change the file's permissions or use a copy", NULL },
    { EPERM,   "permission denied", "change the file's permissions or use a copy", NULL },
    { EROFS,   "the file system is read-only", "copy the image or use mode=volatile",
      "copy the image" },
    { ETXTBSY, "the file is being executed", "use a copy", NULL },
    { EMFILE,  "too many open files", "raise the limit (ulimit -n)", NULL },
};

void image_explain_errno(const struct note *n, int code, bool writing)
{
    for (unsigned i = 0; i < COUNT_OF(causes); i++) {
        if (causes[i].code != code) continue;
        bool only_read = code == EACCES && writing && access(n->path, R_OK) == 0;
        const char *remedy = n->removable && causes[i].medium ? causes[i].medium : causes[i].remedy;
        image_explain(n, only_read ? "may be read but not written" : causes[i].cause,
                      only_read ? "change the file's permissions or use mode=volatile" : remedy);
        return;
    }
    image_explain(n, strerror(code), "");
}

/* What a regular open() would accept but no disk can be made of. */
static bool is_usable(const struct note *n, int fd, uint64_t *bytes)
{
    struct stat st;
    if (fstat(fd, &st) != 0) return image_explain_errno(n, errno, false), false;
    if (S_ISDIR(st.st_mode))
        return image_explain(n, "is a directory", n->removable
                             ? "name an image file" : "name an image file, or use mode=vvfat"),
               false;
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return image_explain(n, "is neither a file nor a block device", "name an image file"),
               false;
    off_t end = lseek(fd, 0, SEEK_END);
    if (end < 0) return image_explain_errno(n, errno, false), false;
    if (end == 0)
        return image_explain(n, "is empty (0 bytes)", n->removable
                             ? "name another file" : "give it a size, e.g. truncate -s 64M FILE"),
               false;
    *bytes = (uint64_t)end;
    return true;
}

/* Kernel locks on the descriptor: they die with the process, and two machines in one process
 * exclude each other too. A file system without locks is not a reason to refuse. */
static bool lock(const struct note *n, int fd, bool exclusive)
{
    struct flock l = { .l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };
    if (fcntl(fd, F_OFD_SETLK, &l) == 0 || (errno != EAGAIN && errno != EACCES)) return true;
    image_explain(n, exclusive ? "is in use by another machine or drive"
                               : "is being written by another machine or drive",
                  exclusive && !n->removable ? "stop that one, use a copy, or mode=volatile in both"
                                             : "stop that one or use a copy");
    return false;
}

static int open_file(const struct note *n, enum image_access access, bool *read_only)
{
    int fd = -1, error = EACCES;
    *read_only = access >= IMAGE_READ_ONLY;
    if (!*read_only) {
        fd = open(n->path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        error = errno;
    }
    bool fall_back = access == IMAGE_WRITE_IF_POSSIBLE &&
                     (error == EACCES || error == EPERM || error == EROFS);
    /* EISDIR: open it for reading, is_usable() has the words for it */
    if (fd < 0 && (*read_only || fall_back || error == EISDIR)) {
        *read_only = true;
        fd = open(n->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
        error = errno;
    }
    if (fd < 0) image_explain_errno(n, error, access == IMAGE_WRITE || access == IMAGE_REPAIR);
    return fd;
}

static bool open_one(struct image *i, const struct note *n, enum image_access access)
{
    if (!i->format->is_folder) {
        i->fd = open_file(n, access, &i->read_only);
        if (i->fd < 0 || !is_usable(n, i->fd, &i->file_bytes)) return false;
        if (access != IMAGE_READ_UNLOCKED && !lock(n, i->fd, !i->read_only)) return false;
    }
    i->sectors = (i->file_bytes + SECTOR_SIZE - 1) / SECTOR_SIZE;
    const char *cause = i->format->open ? i->format->open(i) : NULL;
    if (!cause && i->sectors > IMAGE_MOST_SECTORS) cause = IMAGE_TOO_LARGE;
    if (!cause && !i->sectors) cause = "the disk in it has no sectors";
    if (cause) image_explain(n, cause, "");
    return !cause;
}

void image_base_path(const struct image *i, char *to, size_t room)
{
    const char *slash = strrchr(i->path, '/');
    int folder = *i->base_name == '/' || !slash ? 0 : (int)(slash + 1 - i->path);
    snprintf(to, room, "%.*s%s", folder, i->path, i->base_name);
}

static bool open_base(struct image *i, const struct note *n, enum image_access access,
                      unsigned depth)
{
    char path[PATH_MAX];
    image_base_path(i, path, sizeof path);
    struct note below = { path, n->text, n->room, false };
    const struct image_format *f = *i->base_format ? image_format_named(i->base_format)
                                                   : image_format_by_path(path);
    if (!f) {
        image_refuse(i, "its base has the unknown format \"%.15s\"", i->base_format);
        return image_explain(n, i->why, ""), false;
    }
    if (depth + 1 >= IMAGE_CHAIN)
        return image_explain(n, "the chain of base files has no end", "a file is its own base"),
               false;
    if (access != IMAGE_READ_UNLOCKED) access = IMAGE_READ_ONLY;
    i->base = image_open_chain(&below, f, access, NULL, depth + 1);
    if (!i->base && !depth) {                      /* whose base: only the outermost is known */
        char why[2 * PATH_MAX];
        snprintf(why, sizeof why, "its base %s", n->text);
        image_explain(n, why, "");
    }
    return i->base;
}

struct image *image_open_chain(const struct note *n, const struct image_format *f,
                               enum image_access access, struct image *base, unsigned depth)
{
    struct image *i = calloc(1, sizeof *i);
    if (i) *i = (struct image){ .format = f, .fd = -1, .path = strdup(n->path), .base = base };
    if (!i || !i->path) {
        image_explain(n, "out of memory", "");
        if (!i) image_close(base);
        return image_close(i), NULL;
    }
    i->read_only = access >= IMAGE_READ_ONLY;
    i->repair = access == IMAGE_REPAIR;
    bool ok = open_one(i, n, access);
    bool wants_base = *i->base_name && !i->base && depth != IMAGE_ALONE;
    if (ok && wants_base) ok = open_base(i, n, access, depth);
    const char *cause = ok && !i->read_only && f->begin ? f->begin(i) : NULL;
    if (cause) image_explain(n, cause, "");
    if (ok && !cause) return i;
    i->read_only = true;       /* nothing is written on the way out */
    return image_close(i), NULL;
}
