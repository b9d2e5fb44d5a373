/* SPDX-License-Identifier: MIT
 * A disk that is several files, one after another: VMDK extents, Bochs's mode=concat.
 */
#pragma once
#include "iodev/image/format.h"

struct joined_part {
    struct image *image;       /* owned; NULL: zeroes that cannot be written */
    uint64_t first, sectors;   /* of the disk */
    uint64_t offset;           /* the first one's place in the file; sectors */
};

struct joined {
    struct joined_part *part;  /* in order, without gaps; allocated by whoever fills it */
    unsigned parts;
};

void joined_close(struct joined *);
int  joined_read(const struct joined *, uint64_t sector, uint32_t count, void *to);
int  joined_write(const struct joined *, uint64_t sector, uint32_t count, const void *from);
int  joined_flush(const struct joined *);
int  joined_settle(const struct joined *);
int  joined_check(const struct joined *, struct image_report *, enum image_repair repair);
enum image_where joined_where(const struct joined *, uint64_t sector, uint64_t count,
                              uint64_t *run);
