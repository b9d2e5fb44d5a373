/* SPDX-License-Identifier: MIT
 * For tests of image formats: making an image, opening it, changing bytes of its file.
 */
#pragma once
#include "iodev/image/bytes.h"
#include "iodev/image/format.h"
#include "tests/unit/iodev/temp_image.h"

static struct temp temp;
static char note[8192];

static inline const char *make(const char *name, const struct image_format *f, struct image_plan p)
{
    p.path = temp_path(&temp, name);
    int fd = open(temp.path, O_RDWR | O_CREAT | O_TRUNC, 0666);
    ck_assert_int_ge(fd, 0);
    const char *cause = f->create(fd, &p);
    ck_assert_msg(!cause, "%s", cause);
    close(fd);
    return temp.path;
}

static inline struct image *open_as(const char *path, const char *mode, const char *format)
{
    struct image_choice c = { .path = path, .mode = mode, .format = format };
    return image_open_choice(&c, IMAGE_WRITE, note, sizeof note);
}

static inline struct image *must_open(const char *path, const char *mode, const char *format)
{
    struct image *i = open_as(path, mode, format);
    ck_assert_msg(i != NULL, "%s", note);
    return i;
}

static inline void put_at(const char *path, uint64_t offset, const void *from, size_t len)
{
    int fd = open(path, O_RDWR);
    ck_assert_int_eq(pwrite(fd, from, len, (off_t)offset), (ssize_t)len);
    close(fd);
}
