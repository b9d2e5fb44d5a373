/* SPDX-License-Identifier: MIT
 * Checking a table of blocks: each is inside the file, and no two use the same place.
 */
#include "iodev/image/sparse.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_BLOCKS ((uint64_t)1 << 27)

static void bad(struct image_report *r, const char *what, uint64_t block)
{
    if (!r->corruptions++)
        snprintf(r->first, sizeof r->first, "block %llu %s", (unsigned long long)block, what);
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void check_overlap(struct image_report *r, uint64_t *offset, uint64_t n, uint64_t size)
{
    if (n) qsort(offset, n, sizeof(*offset), by_number);
    for (uint64_t k = 1; k < n; k++)
        if (offset[k] - offset[k - 1] < size) bad(r, "(in the file's order) overlaps another", k);
}

/* Twice as long; NULL, and the old one freed: out of memory. */
static uint64_t *grow(uint64_t *list, uint64_t *room)
{
    *room = *room ? *room * 2 : 1024;
    uint64_t *longer = realloc(list, *room * sizeof(*list));
    if (!longer) free(list);
    return longer;
}

int sparse_check(struct image *i, struct image_report *r, bool repair)
{
    struct sparse *s = i->own;
    uint64_t n = 0, per_block = s->block_size / SECTOR_SIZE;
    (void)repair;
    r->clusters = (i->sectors + per_block - 1) / per_block;
    if (r->clusters > MOST_BLOCKS) return EFBIG;
    uint64_t *offset = NULL, room = 0;
    for (uint64_t block = 0; block < r->clusters; block++) {
        struct place p;
        meta_make_room(s->meta);
        int error = s->ops->find(i, block, &p);
        if (error == EUCLEAN) bad(r, "is entered at an impossible place", block);
        if (error || p.kind != PLACE_DATA) continue;
        if (n == room && !(offset = grow(offset, &room))) return ENOMEM;
        offset[n++] = p.offset;
        /* the last block may be cut off at the end of the disk */
        if (p.offset >= i->file_bytes) bad(r, "lies outside the file", block);
    }
    r->allocated = n;
    check_overlap(r, offset, n, s->block_size);
    free(offset);
    return 0;
}
