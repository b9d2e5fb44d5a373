/* SPDX-License-Identifier: MIT
 * Raw images: sector n is at byte n * 512 of the file.
 */
#include "iodev/image/format.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

int image_file_read(int fd, uint64_t offset, void *to, size_t len)
{
    uint8_t *at = to;
    while (len) {
        ssize_t n = pread(fd, at, len, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        if (n == 0) break;
        at += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    memset(at, 0, len);
    return 0;
}

int image_file_write(int fd, uint64_t offset, const void *from, size_t len)
{
    const uint8_t *at = from;
    while (len) {
        ssize_t n = pwrite(fd, at, len, (off_t)offset);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return errno;
        if (n == 0) return EIO;
        at += n;
        offset += (uint64_t)n;
        len -= (size_t)n;
    }
    return 0;
}

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

const struct image_format image_flat = {
    .name = "flat", .about = "raw sectors, written in place",
    .read = flat_read, .write = flat_write, .flush = flat_flush,
};
