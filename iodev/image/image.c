/* SPDX-License-Identifier: MIT
 * Opening disk images: one place that checks the file, locks it and says clearly what is wrong.
 */
#define _GNU_SOURCE           /* F_OFD_SETLK */
#include "iodev/image/format.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const struct image_format *const formats[] = { &image_flat, &image_volatile };

const char *image_formats(void)
{
    return "flat, volatile";
}

static const struct image_format *format_named(const char *name)
{
    for (unsigned i = 0; i < COUNT_OF(formats); i++)
        if (!strcmp(formats[i]->name, name)) return formats[i];
    return NULL;
}

struct note {
    const char *path;
    char       *text;
    size_t      room;
};

/* One line: absolute path, cause, remedy. */
static void explain(const struct note *n, const char *cause, const char *remedy)
{
    char here[PATH_MAX] = "";
    bool absolute = n->path[0] == '/' || !getcwd(here, sizeof here);
    snprintf(n->text, n->room, "%s%s%s: %s%s%s", absolute ? "" : here, absolute ? "" : "/", n->path,
             cause, *remedy ? "; " : "", remedy);
}

static const struct { int code; const char *cause, *remedy; } causes[] = {
    { ENOENT,  "no such file", "correct the path or create the image, e.g. truncate -s 64M FILE" },
    { ENOTDIR, "a part of the path is not a directory", "correct the path" },
    { EACCES,  "permission denied", "change the file's permissions or use a copy" },
    { EPERM,   "permission denied", "change the file's permissions or use a copy" },
    { EROFS,   "the file system is read-only", "copy the image or use mode=volatile" },
    { ETXTBSY, "the file is being executed", "use a copy" },
    { EMFILE,  "too many open files", "raise the limit (ulimit -n)" },
};

static void explain_errno(const struct note *n, int code, bool writing)
{
    for (unsigned i = 0; i < COUNT_OF(causes); i++) {
        if (causes[i].code != code) continue;
        bool only_read = code == EACCES && writing && access(n->path, R_OK) == 0;
        explain(n, only_read ? "may be read but not written" : causes[i].cause,
                only_read ? "change the file's permissions or use mode=volatile"
                          : causes[i].remedy);
        return;
    }
    explain(n, strerror(code), "");
}

/* What a regular open() would accept but no disk can be made of. */
static bool is_usable(const struct note *n, int fd, uint64_t *bytes)
{
    struct stat st;
    if (fstat(fd, &st) != 0) return explain_errno(n, errno, false), false;
    if (S_ISDIR(st.st_mode)) return explain(n, "is a directory", "name an image file"), false;
    if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
        return explain(n, "is neither a file nor a block device", "name an image file"), false;
    off_t end = lseek(fd, 0, SEEK_END);
    if (end < 0) return explain_errno(n, errno, false), false;
    if (end == 0)
        return explain(n, "is empty (0 bytes)", "give it a size, e.g. truncate -s 64M FILE"), false;
    *bytes = (uint64_t)end;
    return true;
}

/* Kernel locks on the descriptor: they die with the process, and two machines in one process
 * exclude each other too. A file system without locks is not a reason to refuse. */
static bool lock(const struct note *n, int fd, bool exclusive)
{
    struct flock l = { .l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };
    if (fcntl(fd, F_OFD_SETLK, &l) == 0 || (errno != EAGAIN && errno != EACCES)) return true;
    explain(n, exclusive ? "is in use by another machine or drive"
                         : "is being written by another machine or drive",
            exclusive ? "stop that one, use a copy, or mode=volatile in both"
                      : "stop that one or use a copy");
    return false;
}

static int open_file(const struct note *n, enum image_access access, bool *read_only)
{
    int fd = -1, error = EACCES;
    *read_only = access == IMAGE_READ_ONLY;
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
    if (fd < 0) explain_errno(n, error, access == IMAGE_WRITE);
    return fd;
}

static bool start(struct image *i, const struct note *n)
{
    if (!is_usable(n, i->fd, &i->file_bytes)) return false;
    if (!lock(n, i->fd, !i->read_only && !i->format->keeps_file)) return false;
    i->sectors = (i->file_bytes + SECTOR_SIZE - 1) / SECTOR_SIZE;
    const char *cause = i->format->open ? i->format->open(i) : NULL;
    if (cause) return explain(n, cause, ""), false;
    if (i->file_bytes % SECTOR_SIZE)
        explain(n, "size is not a multiple of 512 bytes",
                "the last sector is filled up with zeroes");
    return true;
}

struct image *image_open(const char *path, const char *format, enum image_access access,
                         char *note, size_t room)
{
    struct note n = { path ? path : "", note, room };
    note[0] = 0;
    if (!*n.path) return explain(&n, "no image file named", "set path="), NULL;
    struct image *i = calloc(1, sizeof *i);
    if (!i) return explain(&n, "out of memory", ""), NULL;
    i->format = format_named(format && *format ? format : "flat");
    if (!i->format) {
        snprintf(note, room, "image format \"%.40s\" is not supported; use one of: %s", format,
                 image_formats());
        free(i);
        return NULL;
    }
    i->fd = open_file(&n, i->format->keeps_file ? IMAGE_READ_ONLY : access, &i->read_only);
    if (i->fd >= 0 && start(i, &n)) {
        if (i->format->keeps_file) i->read_only = access == IMAGE_READ_ONLY;
        return i;
    }
    image_close(i);
    return NULL;
}

void image_close(struct image *i)
{
    if (!i) return;
    if (i->format->close) i->format->close(i);
    if (i->fd >= 0) close(i->fd);
    free(i);
}

uint64_t image_sectors(const struct image *i)   { return i->sectors; }
bool     image_read_only(const struct image *i) { return i->read_only; }

void image_pad(struct image *i, uint64_t sectors)
{
    if (i->sectors < sectors) i->sectors = sectors;
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
    return inside(i, sector, count) ? i->format->write(i, sector, count, from) : EINVAL;
}

int image_flush(struct image *i)
{
    return i->format->flush(i);
}
