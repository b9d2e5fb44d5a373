/* SPDX-License-Identifier: MIT
 * Checking a table of blocks: each is inside the file, and no two use the same place,
 * nor that of a table.
 */
#include "iodev/image/sparse.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define MOST_BLOCKS ((uint64_t)1 << 27)

struct census {
    struct image_report *r;
    struct extent *list;
    uint64_t n, room, end;     /* end: of the file */
};

static void bad(struct image_report *r, const char *what, uint64_t block)
{
    if (!r->corruptions++)
        snprintf(r->first, sizeof r->first, "block %llu %s", (unsigned long long)block, what);
}

static int by_offset(const void *a, const void *b)
{
    uint64_t x = ((const struct extent *)a)->offset, y = ((const struct extent *)b)->offset;
    return x < y ? -1 : x > y;
}

static void check_overlap(struct census *c)
{
    uint64_t end = 0;
    if (c->n) qsort(c->list, c->n, sizeof(*c->list), by_offset);
    for (uint64_t k = 0; k < c->n; k++) {
        const struct extent *e = &c->list[k];
        if (e->offset < end) bad(c->r, "(in the file's order) overlaps another, or a table", k);
        if (e->offset + e->len > end) end = e->offset + e->len;
    }
}

static int add(struct census *c, struct extent e)
{
    if (c->n == c->room) {
        uint64_t room = c->room ? c->room * 2 : 1024;
        struct extent *longer = realloc(c->list, room * sizeof(*longer));
        if (!longer) return ENOMEM;
        c->list = longer;
        c->room = room;
    }
    c->list[c->n++] = e;
    return 0;
}

static int add_tables(struct image *i, struct census *c)
{
    struct sparse *s = i->own;
    struct extent e;
    int error = 0;
    for (uint64_t n = 0; s->ops->table && !error && s->ops->table(i, n, &e); n++) {
        if (!e.len) continue;
        if (e.offset > c->end || e.len > c->end - e.offset)
            bad(c->r, "(a table) lies outside the file", n);
        error = add(c, e);
    }
    return error;
}

/* The last block may be cut off at the end of the disk. */
static int add_block(struct image *i, struct census *c, uint64_t block)
{
    struct sparse *s = i->own;
    struct place p;
    meta_make_room(s->meta);
    int error = s->ops->find(i, block, &p);
    if (error == EUCLEAN) bad(c->r, "is entered at an impossible place", block);
    if (error || p.kind != PLACE_DATA) return 0;
    if (p.offset >= c->end) bad(c->r, "lies outside the file", block);
    c->r->allocated++;
    return add(c, (struct extent){ p.offset - s->before, s->block_size + s->before });
}

int sparse_check(struct image *i, struct image_report *r, enum image_repair repair)
{
    struct sparse *s = i->own;
    uint64_t per_block = s->block_size / SECTOR_SIZE;
    off_t end = lseek(i->fd, 0, SEEK_END);
    struct census c = { .r = r, .end = end < 0 ? 0 : (uint64_t)end };
    (void)repair;
    r->clusters = (i->sectors + per_block - 1) / per_block;
    if (end < 0) return errno;
    if (r->clusters > MOST_BLOCKS) return EFBIG;
    int error = add_tables(i, &c);
    for (uint64_t block = 0; block < r->clusters && !error; block++)
        error = add_block(i, &c, block);
    if (!error) check_overlap(&c);
    free(c.list);
    return error;
}
