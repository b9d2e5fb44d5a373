/* SPDX-License-Identifier: MIT
 * Reading and writing through a table of blocks: see sparse.h.
 */
#include "iodev/image/sparse.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

bool sparse_init(struct image *i, struct sparse *s, const struct sparse_ops *ops,
                 uint32_t block_size, uint32_t meta_line)
{
    s->ops = ops;
    s->block_size = block_size;
    s->end = i->file_bytes;
    s->unpacked = UINT64_MAX;
    s->meta = meta_new(i->fd, meta_line);
    s->buffer = malloc(block_size);
    return s->meta && s->buffer;
}

void sparse_done(struct sparse *s)
{
    meta_free(s->meta);
    free(s->buffer);
}

/* ---- reading --------------------------------------------------------------------------------- */
/* A piece of one block: len bytes from byte `in` of it. */
struct piece {
    uint64_t block;
    uint32_t in, len;
};

static struct piece piece_at(const struct sparse *s, uint64_t sector, uint32_t count)
{
    uint64_t byte = sector * SECTOR_SIZE;
    uint32_t in = (uint32_t)(byte % s->block_size), left = s->block_size - in;
    bool all = count > left / SECTOR_SIZE;
    return (struct piece){ byte / s->block_size, in, all ? left : count * SECTOR_SIZE };
}

static int unpack(struct image *i, const struct piece *p, const struct place *at)
{
    struct sparse *s = i->own;
    if (s->unpacked == p->block) return 0;
    s->unpacked = UINT64_MAX;
    int error = s->ops->unpack ? s->ops->unpack(i, at, s->buffer) : EUCLEAN;
    if (!error) s->unpacked = p->block;
    return error;
}

static int read_piece(struct image *i, const struct piece *p, const struct place *at, uint8_t *to)
{
    struct sparse *s = i->own;
    uint64_t sector = (p->block * s->block_size + p->in) / SECTOR_SIZE;
    int error;
    switch (at->kind) {
    case PLACE_NONE: return image_read_base(i, sector, p->len / SECTOR_SIZE, to);
    case PLACE_DATA: return image_file_read(i->fd, at->offset + p->in, to, p->len);
    case PLACE_SQUEEZED:
        error = unpack(i, p, at);
        if (!error) memcpy(to, s->buffer + p->in, p->len);
        return error;
    default: memset(to, 0, p->len); return 0;
    }
}

int sparse_read(struct image *i, uint64_t sector, uint32_t count, void *to)
{
    struct sparse *s = i->own;
    int error = meta_make_room(s->meta);
    if (error && error != ENOSPC) return error;
    for (uint8_t *at = to; count;) {
        struct piece p = piece_at(s, sector, count);
        struct place place;
        error = s->ops->find(i, p.block, &place);
        if (!error) error = read_piece(i, &p, &place, at);
        if (error) return error;
        at += p.len;
        sector += p.len / SECTOR_SIZE;
        count -= p.len / SECTOR_SIZE;
    }
    return 0;
}

/* ---- writing --------------------------------------------------------------------------------- */
static int put_data(struct image *i, uint64_t offset, const void *from, uint32_t len)
{
    struct sparse *s = i->own;
    int error = image_file_write(i->fd, offset, from, len);
    meta_data_written(s->meta);
    if (offset + len > s->end) s->end = offset + len;      /* in error, a part may be there */
    return error;
}

/* The rest of the block as it was, then the piece. Past the file's end zeroes are there already:
 * only the block's last byte has to be written to make them part of the file. */
static int fill(struct image *i, const struct piece *p, const struct place *old, uint64_t offset,
                const uint8_t *from)
{
    struct sparse *s = i->own;
    struct piece whole = { p->block, 0, s->block_size };
    if (p->len == s->block_size) return put_data(i, offset, from, p->len);
    bool zeroes = old->kind != PLACE_DATA && old->kind != PLACE_SQUEEZED &&
                  (old->kind != PLACE_NONE || !i->base);
    if (zeroes && offset >= s->end) {
        static const uint8_t nothing = 0;
        uint64_t last = offset + s->block_size - 1;
        int error = p->in + p->len < s->block_size ? put_data(i, last, &nothing, 1) : 0;
        return error ? error : put_data(i, offset + p->in, from, p->len);
    }
    int error = read_piece(i, &whole, old, s->buffer);
    s->unpacked = UINT64_MAX;
    if (error) return error;
    memcpy(s->buffer + p->in, from, p->len);
    return put_data(i, offset, s->buffer, s->block_size);
}

static int move_block(struct image *i, const struct piece *p, const struct place *old,
                      const uint8_t *from)
{
    struct sparse *s = i->own;
    uint64_t offset = old->offset;
    bool keep = old->kind == PLACE_FRESH && !old->shared;
    int error = keep ? 0 : s->ops->allocate(i, &offset);
    if (error) return error;
    error = fill(i, p, old, offset, from);
    if (!error) error = s->ops->enter(i, p->block, offset, old);
    if (error && !keep) s->ops->release(i, offset);
    return error;
}

int sparse_write(struct image *i, uint64_t sector, uint32_t count, const void *from)
{
    struct sparse *s = i->own;
    for (const uint8_t *at = from; count;) {
        struct piece p = piece_at(s, sector, count);
        struct place old;
        int error = meta_make_room(s->meta);
        if (!error) error = s->ops->find(i, p.block, &old);
        if (error) return error;
        if (old.kind == PLACE_DATA && !old.shared)
            error = put_data(i, old.offset + p.in, at, p.len);
        else error = move_block(i, &p, &old, at);
        if (error) return error;
        if (s->unpacked == p.block) s->unpacked = UINT64_MAX;
        at += p.len;
        sector += p.len / SECTOR_SIZE;
        count -= p.len / SECTOR_SIZE;
    }
    return 0;
}

int sparse_flush(struct image *i)
{
    struct sparse *s = i->own;
    meta_data_written(s->meta);            /* what was written in place, too */
    return meta_flush(s->meta);
}

int sparse_settle(struct image *i)
{
    struct sparse *s = i->own;
    return meta_is_dirty(s->meta) ? meta_commit(s->meta) : 0;
}

enum image_where sparse_where(struct image *i, uint64_t sector, uint64_t count, uint64_t *run)
{
    struct sparse *s = i->own;
    struct place place;
    uint64_t byte = sector * SECTOR_SIZE;
    uint64_t left = (s->block_size - byte % s->block_size) / SECTOR_SIZE;
    *run = count < left ? count : left;
    meta_make_room(s->meta);
    if (s->ops->find(i, byte / s->block_size, &place)) return IMAGE_DATA;
    if (place.kind == PLACE_NONE) return i->base ? IMAGE_BASE : IMAGE_ZERO;
    return place.kind == PLACE_DATA || place.kind == PLACE_SQUEEZED ? IMAGE_DATA : IMAGE_ZERO;
}
