/* SPDX-License-Identifier: MIT
 * Files in memory: see host_files.h. A descriptor is FIRST + its number in `opened`. Locks are
 * those of OFD: each descriptor for itself.
 */
#define _GNU_SOURCE
#include "tests/fuzz/host_files.h"
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include "tests/fuzz/host_folder.h"
#include "tests/fuzz/script.h"

enum { FIRST = 1 << 20, LONGEST = 256, PAGE = 4096 };

struct file {
    char     path[LONGEST];    /* "": free */
    uint8_t *data;
    size_t   bytes;
    bool     written[HOST_BYTES / PAGE];   /* other pages are zeroes */
    unsigned pages;                        /* how many are written */
};

struct opened {
    struct file *file;         /* NULL: of the tree */
    unsigned node;
    bool used, writable, locks, locks_alone;
};

static struct file files[HOST_FILES];
static struct opened opened[HOST_OPEN];
static unsigned open_count;
static size_t limit = HOST_BYTES;

/* ---- for the target -------------------------------------------------------------------------- */

static void put(struct file *f, size_t at, const void *from, size_t bytes)
{
    memcpy(f->data + at, from, bytes);
    for (size_t page = at / PAGE; bytes && page <= (at + bytes - 1) / PAGE; page++) {
        f->pages += !f->written[page];
        f->written[page] = true;
    }
}

static void cut(struct file *f, size_t bytes)
{
    for (size_t at = bytes, len; at < f->bytes && f->pages; at += len) {
        len = PAGE - at % PAGE;
        if (!f->written[at / PAGE]) continue;
        memset(f->data + at, 0, len);
        if (len < PAGE) continue;
        f->written[at / PAGE] = false;
        f->pages--;
    }
    f->bytes = bytes;
}

static void empty(struct file *f) { cut(f, 0); }

void host_clear(void)
{
    require(!open_count, "a file was left open");
    for (unsigned i = 0; i < HOST_FILES; i++) {
        if (!*files[i].path) continue;
        empty(&files[i]);
        *files[i].path = 0;
    }
    limit = HOST_BYTES;
}

unsigned host_open_count(void) { return open_count; }
void host_limit(size_t bytes) { limit = bytes < HOST_BYTES ? bytes : HOST_BYTES; }

static struct file *find(const char *path)
{
    for (unsigned i = 0; i < HOST_FILES; i++)
        if (*files[i].path && !strcmp(files[i].path, path)) return &files[i];
    return NULL;
}

static struct file *make(const char *path)
{
    for (unsigned i = 0; i < HOST_FILES; i++) {
        struct file *f = &files[i];
        if (*f->path || strlen(path) >= LONGEST) continue;
        if (!f->data) f->data = calloc(1, HOST_BYTES);
        require(f->data, "out of memory");
        strcpy(f->path, path);
        return f;
    }
    return NULL;
}

void host_make(const char *path, const void *data, size_t bytes)
{
    struct file *f = find(path);
    if (!f) f = make(path);
    require(f && bytes <= HOST_BYTES, "the target has too many or too large files");
    empty(f);
    if (data) put(f, 0, data, bytes);
    f->bytes = bytes;
}

void host_resize(const char *path, size_t bytes)
{
    struct file *f = find(path);
    require(f && bytes <= HOST_BYTES, "there is no such file, or it is too large");
    cut(f, bytes);
}

const uint8_t *host_bytes(const char *path, size_t *bytes)
{
    const struct file *f = find(path);
    if (f) *bytes = f->bytes;
    return f ? f->data : NULL;
}

/* ---- descriptors ----------------------------------------------------------------------------- */

static struct opened *at(int fd)
{
    struct opened *o = &opened[(unsigned)(fd - FIRST) % HOST_OPEN];
    require(fd >= FIRST && fd < FIRST + HOST_OPEN && o->used, "a file is used that is not open");
    return o;
}

static int enter(struct file *f, unsigned node, bool writable)
{
    for (int i = 0; i < HOST_OPEN; i++) {
        if (opened[i].used) continue;
        opened[i] = (struct opened){ .file = f, .node = node, .used = true, .writable = writable };
        open_count++;
        return FIRST + i;
    }
    errno = EMFILE;
    return -1;
}

static int fail(int code)
{
    errno = code;
    return -1;
}

int host_open(const char *path, int flags, ...)
{
    bool writable = (flags & O_ACCMODE) != O_RDONLY;
    int node = host_find_node(path);
    if (node >= 0) return writable ? fail(EROFS) : enter(NULL, (unsigned)node, false);
    if (flags & O_DIRECTORY) return fail(ENOTDIR);
    struct file *f = find(path);
    if (!f && !(flags & O_CREAT)) return fail(ENOENT);
    if (!f && !(f = make(path))) return fail(ENOSPC);
    if (flags & O_TRUNC) empty(f);
    return enter(f, 0, writable);
}

int host_close(int fd)
{
    *at(fd) = (struct opened){ 0 };
    open_count--;
    return 0;
}

ssize_t host_pread(int fd, void *to, size_t bytes, off_t from)
{
    const struct opened *o = at(fd);
    if (!o->file) return host_read_node(o->node, to, bytes, from);
    require(from >= 0, "a read before the start of a file");
    size_t left = (uint64_t)from < o->file->bytes ? o->file->bytes - (size_t)from : 0;
    if (bytes > left) bytes = left;
    memcpy(to, o->file->data + (bytes ? from : 0), bytes);
    return (ssize_t)bytes;
}

/* As much as fits, as a full disk does it. */
ssize_t host_pwrite(int fd, const void *from, size_t bytes, off_t to)
{
    const struct opened *o = at(fd);
    require(o->file && o->writable && to >= 0, "a write to a file that is open for reading");
    struct file *f = o->file;
    size_t most = f->bytes > limit ? f->bytes : limit;
    size_t left = (uint64_t)to < most ? most - (size_t)to : 0;
    if (bytes && !left) return fail(ENOSPC);
    if (bytes > left) bytes = left;
    put(f, (size_t)to, from, bytes);
    if ((size_t)to + bytes > f->bytes) f->bytes = (size_t)to + bytes;
    return (ssize_t)bytes;
}

/* All of a file is data: no holes. */
off_t host_lseek(int fd, off_t offset, int whence)
{
    const struct opened *o = at(fd);
    off_t end = o->file ? (off_t)o->file->bytes : 0;
    if ((whence == SEEK_DATA || whence == SEEK_HOLE) && offset >= end) return fail(ENXIO);
    return whence == SEEK_DATA ? offset : end;
}

int host_ftruncate(int fd, off_t bytes)
{
    const struct opened *o = at(fd);
    require(o->file && o->writable && bytes >= 0, "a file is cut that is open for reading");
    struct file *f = o->file;
    if ((uint64_t)bytes > limit && (uint64_t)bytes > f->bytes) return fail(ENOSPC);
    cut(f, (size_t)bytes);
    return 0;
}

int host_fallocate(int fd, off_t from, off_t bytes)
{
    const struct opened *o = at(fd);
    if ((uint64_t)(from + bytes) <= o->file->bytes) return 0;
    return host_ftruncate(fd, from + bytes) ? errno : 0;
}

int host_fsync(int fd)
{
    at(fd);
    return 0;
}

int host_fstat(int fd, struct stat *s)
{
    const struct opened *o = at(fd);
    *s = (struct stat){ .st_mode = S_IFREG | 0644 };
    if (o->file) s->st_size = (off_t)o->file->bytes;
    else host_stat_node(o->node, s);
    return 0;
}

static bool is_locked(const struct file *f, bool alone)
{
    for (unsigned i = 0; i < HOST_OPEN; i++)
        if (opened[i].file == f && (opened[i].locks_alone || (alone && opened[i].locks)))
            return true;
    return false;
}

int host_fcntl(int fd, int command, ...)
{
    struct opened *o = at(fd);
    va_list args;
    va_start(args, command);
    const struct flock *l = va_arg(args, const struct flock *);
    va_end(args);
    bool alone = l->l_type == F_WRLCK;
    if (o->file && is_locked(o->file, alone)) return fail(EAGAIN);
    o->locks = true;
    o->locks_alone = alone;
    return 0;
}

/* ---- names ----------------------------------------------------------------------------------- */

int host_access(const char *path, int mode)
{
    (void)mode;
    return find(path) ? 0 : fail(ENOENT);
}

int host_rename(const char *from, const char *to)
{
    struct file *f = find(from), *old = find(to);
    if (!f || strlen(to) >= LONGEST) return fail(ENOENT);
    if (old) {
        empty(old);
        *old->path = 0;
    }
    strcpy(f->path, to);
    return 0;
}

int host_unlink(const char *path)
{
    struct file *f = find(path);
    if (!f) return fail(ENOENT);
    empty(f);
    *f->path = 0;
    return 0;
}

char *host_realpath(const char *path, char *to)
{
    if (!find(path)) return errno = ENOENT, NULL;
    return strcpy(to, path);
}

char *host_getcwd(char *to, size_t room)
{
    return room > 1 ? strcpy(to, "/") : NULL;
}
