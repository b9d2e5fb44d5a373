/* SPDX-License-Identifier: MIT
 * Reading and writing the host file: whole or in error.
 */
#include "iodev/image/format.h"
#include <errno.h>
#include <string.h>
#include <unistd.h>

/* An offset that off_t cannot hold: nothing is there. */
static bool is_beyond(uint64_t offset, size_t len)
{
    return offset > (uint64_t)INT64_MAX - len;
}

int image_file_read(int fd, uint64_t offset, void *to, size_t len)
{
    uint8_t *at = to;
    while (len && !is_beyond(offset, len)) {
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
    if (is_beyond(offset, len)) return EOVERFLOW;
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
