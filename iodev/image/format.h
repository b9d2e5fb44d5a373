/* SPDX-License-Identifier: MIT
 * What one image format implements. A new format = one file and one row in image.c.
 */
#pragma once
#include "iodev/image/image.h"

struct image {
    const struct image_format *format;
    int      fd;
    bool     read_only;        /* as the guest sees it                          */
    uint64_t sectors;          /* as the guest sees it                          */
    uint64_t file_bytes;       /* length of the file when it was opened         */
    void    *own;              /* the format's, made by its open()              */
};

struct image_format {
    const char *name, *about;
    bool        keeps_file;    /* never writes to the file: opened read-only, shared lock */
    /* fd, file_bytes and read_only are set; sets sectors. May be NULL: a raw file. Returns NULL or
     * the cause ("not a ... file"). */
    const char *(*open)(struct image *);
    int  (*read)(struct image *, uint64_t sector, uint32_t count, void *to);
    int  (*write)(struct image *, uint64_t sector, uint32_t count, const void *from);
    int  (*flush)(struct image *);
    void (*close)(struct image *);     /* frees own; may be NULL */
};

extern const struct image_format image_flat, image_volatile;

/* The file itself, whole or in error: short transfers are continued, the end reads as zeroes. */
int image_file_read(int fd, uint64_t offset, void *to, size_t len);
int image_file_write(int fd, uint64_t offset, const void *from, size_t len);
