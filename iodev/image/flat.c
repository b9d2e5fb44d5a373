/* SPDX-License-Identifier: MIT
 * Raw images: sector n is at byte n * 512 of the file.
 */
#define _GNU_SOURCE            /* SEEK_DATA */
#include "iodev/image/format.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static int flat_read(struct image *i, uint64_t sector, uint32_t count, void *to)
{
    return image_file_read(i->fd, sector * SECTOR_SIZE, to, (size_t)count * SECTOR_SIZE);
}

static int flat_write(struct image *i, uint64_t sector, uint32_t count, const void *from)
{
    return image_file_write(i->fd, sector * SECTOR_SIZE, from, (size_t)count * SECTOR_SIZE);
}

static int flat_flush(struct image *i)
{
    return fdatasync(i->fd) == 0 ? 0 : errno;
}

/* Holes of a sparse file. */
static enum image_where flat_where(struct image *i, uint64_t sector, uint64_t count, uint64_t *run)
{
    off_t at = (off_t)(sector * SECTOR_SIZE), data = lseek(i->fd, at, SEEK_DATA);
    bool hole = data < 0 ? errno == ENXIO : data >= at + (off_t)SECTOR_SIZE;
    off_t end = data < 0 || hole ? data : lseek(i->fd, at, SEEK_HOLE);
    uint64_t bytes = end > at ? (uint64_t)(end - at) : UINT64_MAX;
    uint64_t sectors = hole ? bytes / SECTOR_SIZE : (bytes - 1) / SECTOR_SIZE + 1;
    *run = sectors < count ? sectors : count;
    return hole ? IMAGE_ZERO : IMAGE_DATA;
}

static const char *flat_create(int fd, const struct image_plan *p)
{
    int error = p->allocate ? posix_fallocate(fd, 0, (off_t)p->bytes) : 0;
    if (error) return strerror(error);
    return ftruncate(fd, (off_t)p->bytes) == 0 ? NULL : image_create_failed();
}

static const char *flat_resize(struct image *i, uint64_t sectors)
{
    if (ftruncate(i->fd, (off_t)(sectors * SECTOR_SIZE))) return image_create_failed();
    i->sectors = sectors;
    return NULL;
}

const struct image_format image_flat = {
    .name = "raw", .about = "sectors one after another, no header", .extensions = "",
    .read = flat_read, .write = flat_write, .flush = flat_flush, .create = flat_create,
    .plans = IMAGE_PLAN_ALLOCATE,
    .where = flat_where, .resize = flat_resize, .can_shrink = true,
};
