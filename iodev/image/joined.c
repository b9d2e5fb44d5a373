/* SPDX-License-Identifier: MIT
 * Using a disk that is several files: see joined.h.
 */
#include "iodev/image/joined.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

void joined_close(struct joined *j)
{
    for (unsigned n = 0; n < j->parts; n++) image_close(j->part[n].image);
    free(j->part);
    *j = (struct joined){ 0 };
}

/* The part of a sector, and how many of count sectors are in it. */
static struct joined_part *part_at(const struct joined *j, uint64_t sector, uint64_t count,
                                     uint64_t *run)
{
    unsigned low = 0, high = j->parts - 1;
    while (low < high) {
        unsigned middle = (low + high + 1) / 2;
        if (j->part[middle].first <= sector) low = middle;
        else high = middle - 1;
    }
    struct joined_part *e = &j->part[low];
    uint64_t left = e->first + e->sectors - sector;
    *run = count < left ? count : left;
    return e;
}

int joined_read(const struct joined *j, uint64_t sector, uint32_t count, void *to)
{
    uint8_t *at = to;
    uint64_t run;
    int error = 0;
    for (; count && !error; count -= (uint32_t)run, sector += run, at += run * SECTOR_SIZE) {
        const struct joined_part *e = part_at(j, sector, count, &run);
        if (e->image)
            error = image_read(e->image, sector - e->first + e->offset, (uint32_t)run, at);
        else memset(at, 0, run * SECTOR_SIZE);
    }
    return error;
}

int joined_write(const struct joined *j, uint64_t sector, uint32_t count, const void *from)
{
    const uint8_t *at = from;
    uint64_t run;
    int error = 0;
    for (; count && !error; count -= (uint32_t)run, sector += run, at += run * SECTOR_SIZE) {
        const struct joined_part *e = part_at(j, sector, count, &run);
        error = e->image ? image_write(e->image, sector - e->first + e->offset, (uint32_t)run, at)
                         : EROFS;
    }
    return error;
}

int joined_flush(const struct joined *j)
{
    int error = 0;
    for (unsigned n = 0; n < j->parts && !error; n++)
        if (j->part[n].image && image_is_dirty(j->part[n].image))
            error = image_flush(j->part[n].image);
    return error;
}

int joined_settle(const struct joined *j)
{
    for (unsigned n = 0; n < j->parts; n++) image_settle(j->part[n].image);
    return 0;
}

int joined_check(const struct joined *j, struct image_report *r, enum image_repair repair)
{
    int error = 0;
    for (unsigned n = 0; n < j->parts && !error; n++) {
        struct image *e = j->part[n].image;
        struct image_report one = { 0 };
        if (!e || !e->format->check) continue;
        error = e->format->check(e, &one, repair);
        r->clusters += one.clusters;
        r->allocated += one.allocated;
        if (!r->corruptions) memcpy(r->first, one.first, sizeof r->first);
        r->corruptions += one.corruptions;
    }
    return error;
}

enum image_where joined_where(const struct joined *j, uint64_t sector, uint64_t count,
                              uint64_t *run)
{
    const struct joined_part *e = part_at(j, sector, count, run);
    if (!e->image) return IMAGE_ZERO;
    return e->image->format->where(e->image, sector - e->first + e->offset, *run, run);
}
