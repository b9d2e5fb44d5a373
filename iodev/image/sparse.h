/* SPDX-License-Identifier: MIT
 * What all formats with tables share: a disk is blocks, a table says where each of them is. A block
 * that is not there yet is filled (from the base, from its compressed form), written to a new
 * place, and only then entered into the table; meta.h sees to the order on the disk.
 */
#pragma once
#include "iodev/image/format.h"
#include "iodev/image/meta.h"

enum place_kind {
    PLACE_NONE,                /* the base's, or zeroes */
    PLACE_ZERO,
    PLACE_DATA,                /* at offset */
    PLACE_FRESH,               /* zeroes, but the space at offset is reserved for it */
    PLACE_SQUEEZED,            /* compressed: the format unpacks it */
};

struct place {
    enum place_kind kind;
    bool     shared;           /* written elsewhere: somebody else uses it, too */
    uint64_t offset, entry;    /* entry: the format's own */
};

struct extent {
    uint64_t offset, len;      /* bytes of the file */
};

struct sparse_ops {
    int  (*find)(struct image *, uint64_t block, struct place *);
    int  (*allocate)(struct image *, uint64_t *offset);    /* space for a block; not linked */
    void (*release)(struct image *, uint64_t offset);      /* allocate() taken back */
    /* The block is at offset from now on; old is what it was. */
    int  (*enter)(struct image *, uint64_t block, uint64_t offset, const struct place *old);
    int  (*unpack)(struct image *, const struct place *, uint8_t *block);  /* or NULL */
    /* For sparse_check(): header and tables, n from 0; len 0: not there. false: no more. NULL: they
     * cannot be where blocks are. */
    bool (*table)(struct image *, uint64_t n, struct extent *);
};

/* First member of a format's own struct. */
struct sparse {
    const struct sparse_ops *ops;
    struct meta *meta;
    uint32_t     block_size;           /* bytes, a multiple of 512 */
    uint32_t     before;               /* bytes in front of each block that belong to it */
    uint64_t     end;                  /* nothing was ever written from here on */
    uint8_t     *buffer;               /* a block */
    uint64_t     unpacked;             /* which block's unpacked form is in buffer; UINT64_MAX */
};

/* Of VHD and VDI. */
#define SPARSE_BLOCK_SIZES "the block size must be a power of two from 4K to 64M"
static inline bool sparse_is_block_size(uint64_t bytes)
{
    return bytes >= 4096 && bytes <= 64 << 20 && !(bytes & (bytes - 1));
}

/* false: out of memory. */
bool sparse_init(struct image *, struct sparse *, const struct sparse_ops *, uint32_t block_size,
                 uint32_t meta_line);
void sparse_done(struct sparse *);

int sparse_read(struct image *, uint64_t sector, uint32_t count, void *to);
int sparse_write(struct image *, uint64_t sector, uint32_t count, const void *from);
int sparse_flush(struct image *);
int sparse_settle(struct image *);
enum image_where sparse_where(struct image *, uint64_t sector, uint64_t count, uint64_t *run);
/* image_format.check of formats without counts: all blocks and tables in the file, no two
 * overlapping. What was put into tables has to be in the file: sparse_settle(). */
int sparse_check(struct image *, struct image_report *, enum image_repair repair);
