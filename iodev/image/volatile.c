/* SPDX-License-Identifier: MIT
 * An overlay in memory: the image below is never changed.
 *
 * own -> root[sector >> 12] -> leaf[512] -> block of 8 sectors (4 KiB). A block is copied from the
 * base at its first write; what has no block is read from the base.
 */
#include "iodev/image/format.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SECTORS = 8, LEAF_BLOCKS = 512, LEAF_SECTORS = BLOCK_SECTORS * LEAF_BLOCKS };

struct leaf {
    uint8_t *block[LEAF_BLOCKS];
};

struct overlay {
    uint64_t      leaves;
    struct leaf **root;
};

/* The slot of a sector's block; NULL when its leaf does not exist (or, growing, on no memory). */
static uint8_t **slot(struct image *i, uint64_t sector, bool grow)
{
    struct overlay *o = i->own;
    uint64_t n = sector / LEAF_SECTORS;
    if (n >= o->leaves && grow) {
        struct leaf **root = realloc(o->root, (size_t)(n + 1) * sizeof(*root));
        if (!root) return NULL;
        memset(root + o->leaves, 0, (size_t)(n + 1 - o->leaves) * sizeof(*root));
        o->root = root;
        o->leaves = n + 1;
    }
    if (n >= o->leaves) return NULL;
    if (!o->root[n] && grow) o->root[n] = calloc(1, sizeof(struct leaf));
    if (!o->root[n]) return NULL;
    return &o->root[n]->block[sector / BLOCK_SECTORS % LEAF_BLOCKS];
}

/* Sectors from `sector` to its block's end, at most count. */
static uint32_t run_of(uint64_t sector, uint32_t count)
{
    uint32_t left = BLOCK_SECTORS - (uint32_t)(sector % BLOCK_SECTORS);
    return count < left ? count : left;
}

static int volatile_read(struct image *i, uint64_t sector, uint32_t count, void *to)
{
    uint8_t *at = to;
    while (count) {
        uint32_t run = run_of(sector, count);
        size_t len = (size_t)run * SECTOR_SIZE;
        uint8_t **block = slot(i, sector, false);
        int error = 0;
        if (block && *block) memcpy(at, *block + sector % BLOCK_SECTORS * SECTOR_SIZE, len);
        else error = image_read_base(i, sector, run, at);
        if (error) return error;
        sector += run;
        count -= run;
        at += len;
    }
    return 0;
}

static int copy_block(struct image *i, uint8_t **block, uint64_t sector)
{
    uint8_t *copy = malloc(BLOCK_SECTORS * SECTOR_SIZE);
    if (!copy) return ENOMEM;
    int error = image_read_base(i, sector - sector % BLOCK_SECTORS, BLOCK_SECTORS, copy);
    if (error) {
        free(copy);
        return error;
    }
    *block = copy;
    return 0;
}

static int volatile_write(struct image *i, uint64_t sector, uint32_t count, const void *from)
{
    const uint8_t *at = from;
    while (count) {
        uint32_t run = run_of(sector, count);
        size_t len = (size_t)run * SECTOR_SIZE;
        uint8_t **block = slot(i, sector, true);
        if (!block) return ENOMEM;
        int error = *block ? 0 : copy_block(i, block, sector);
        if (error) return error;
        memcpy(*block + sector % BLOCK_SECTORS * SECTOR_SIZE, at, len);
        sector += run;
        count -= run;
        at += len;
    }
    return 0;
}

static int volatile_flush(struct image *i)
{
    (void)i;                   /* nothing is promised beyond this run */
    return 0;
}

static const char *volatile_open(struct image *i)
{
    i->own = calloc(1, sizeof(struct overlay));
    return i->own ? NULL : "out of memory";
}

static void volatile_close(struct image *i)
{
    struct overlay *o = i->own;
    for (uint64_t n = 0; o && n < o->leaves; n++) {
        for (unsigned b = 0; o->root[n] && b < LEAF_BLOCKS; b++) free(o->root[n]->block[b]);
        free(o->root[n]);
    }
    if (o) free(o->root);
    free(o);
}

const struct image_format image_volatile = {
    .name = "volatile", .about = "writes are kept in memory and lost at the end",
    .extensions = "", .open = volatile_open, .read = volatile_read, .write = volatile_write,
    .flush = volatile_flush, .close = volatile_close,
};
