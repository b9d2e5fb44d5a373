/* SPDX-License-Identifier: MIT
 * Bochs's mode=concat: raw files one after another. The config names the first; the next ones have
 * the same name with its last character counted on: disk-1, disk-2, ...; c.imga, c.imgb, ... Bochs
 * user manual, "ata0-master", mode concat.
 */
#include "iodev/image/joined.h"
#include "iodev/image/open.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_PARTS = 64 };

/* The first file is the image's own descriptor, so `rest` begins behind it. */
struct concat {
    uint64_t      own;         /* sectors in the first file */
    struct joined rest;
};

/* false: there is no such file. */
static bool next_name(const struct image *i, unsigned n, char *path, size_t room)
{
    size_t len = strlen(i->path);
    if (snprintf(path, room, "%s", i->path) >= (int)room || !len) return false;
    unsigned last = (unsigned char)path[len - 1] + n;
    if (last >= 0x7F) return false;
    path[len - 1] = (char)last;
    return access(path, F_OK) == 0;
}

static const char *add_part(struct image *i, struct concat *c, const char *path)
{
    struct joined_part *p = &c->rest.part[c->rest.parts];
    struct note n = { path, i->why, sizeof i->why, false };
    p->image =
        image_open_chain(&n, &image_flat, i->read_only ? IMAGE_READ_ONLY : IMAGE_WRITE, NULL, 0);
    if (!p->image) return i->why;
    c->rest.parts++;                       /* closed with the others, whatever comes */
    if (p->image->file_bytes % SECTOR_SIZE)
        return image_refuse(i, "its part %.150s is not a multiple of 512 bytes long", path);
    p->sectors = p->image->sectors;
    p->first = i->sectors - c->own;
    i->sectors += p->sectors;
    return NULL;
}

static const char *concat_open(struct image *i)
{
    struct concat *c = calloc(1, sizeof *c);
    char path[PATH_MAX];
    const char *cause = NULL;
    i->own = c;
    if (c) c->rest.part = calloc(MOST_PARTS, sizeof *c->rest.part);
    if (!c || !c->rest.part) return "out of memory";
    if (i->file_bytes % SECTOR_SIZE) return "is not a multiple of 512 bytes long";
    c->own = i->sectors;
    for (unsigned n = 1; n < MOST_PARTS && !cause && next_name(i, n, path, sizeof path); n++)
        cause = add_part(i, c, path);
    return cause;
}

static uint32_t in_first(const struct concat *c, uint64_t sector, uint32_t count)
{
    uint64_t left = sector < c->own ? c->own - sector : 0;
    return left < count ? (uint32_t)left : count;
}

static int concat_read(struct image *i, uint64_t sector, uint32_t count, void *to)
{
    const struct concat *c = i->own;
    uint32_t run = in_first(c, sector, count);
    size_t bytes = (size_t)run * SECTOR_SIZE;
    int error = run ? image_file_read(i->fd, sector * SECTOR_SIZE, to, bytes) : 0;
    if (error || run == count) return error;
    return joined_read(&c->rest, sector + run - c->own, count - run, (uint8_t *)to + bytes);
}

static int concat_write(struct image *i, uint64_t sector, uint32_t count, const void *from)
{
    const struct concat *c = i->own;
    uint32_t run = in_first(c, sector, count);
    size_t bytes = (size_t)run * SECTOR_SIZE;
    int error = run ? image_file_write(i->fd, sector * SECTOR_SIZE, from, bytes) : 0;
    if (error || run == count) return error;
    return joined_write(&c->rest, sector + run - c->own, count - run,
                        (const uint8_t *)from + bytes);
}

static int concat_flush(struct image *i)
{
    int error = joined_flush(&((const struct concat *)i->own)->rest);
    return error ? error : fdatasync(i->fd) == 0 ? 0 : errno;
}

static void concat_close(struct image *i)
{
    struct concat *c = i->own;
    if (c) joined_close(&c->rest);
    free(c);
}

static void concat_info(struct image *i, struct image_info *info)
{
    snprintf(info->more, sizeof info->more, "files: %u",
             ((const struct concat *)i->own)->rest.parts + 1);
}

const struct image_format image_concat = {
    .name = "concat", .about = "raw files one after another: disk1, disk2, ...", .extensions = "",
    .open = concat_open, .read = concat_read, .write = concat_write, .flush = concat_flush,
    .close = concat_close, .info = concat_info,
};
