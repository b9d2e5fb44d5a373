/* SPDX-License-Identifier: MIT
 * qcow2: which cluster of the file holds which cluster of the disk.
 *
 *   compressed   62: 1   x-61: sectors more than one   0 to x-1: byte in the file
 *                x = 62 - (cluster bits - 8)
 */
#include "iodev/image/qcow2.h"
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>

static int get_entry(struct image *i, uint64_t offset, uint64_t *entry)
{
    uint8_t raw[8];
    struct qcow2 *q = i->own;
    int error = meta_get(q->s.meta, offset, raw, sizeof raw);
    *entry = get_be64(raw);
    return error;
}

static int put_entry(struct image *i, uint64_t offset, uint64_t entry, unsigned class)
{
    uint8_t raw[8];
    struct qcow2 *q = i->own;
    put_be(raw, entry, sizeof raw);
    return meta_put(q->s.meta, offset, raw, sizeof raw, class);
}

/* A cluster of the file that an entry may name. */
static bool is_place(const struct qcow2 *q, uint64_t offset)
{
    return offset && !(offset & (qcow2_cluster(q) - 1)) && !qcow2_is_protected(q, offset);
}

static uint64_t per_table(const struct qcow2 *q) { return qcow2_cluster(q) / 8; }

int qcow2_l2(struct image *i, uint64_t index, uint64_t *table)
{
    struct qcow2 *q = i->own;
    uint64_t entry;
    *table = 0;
    if (index >= q->l1_size) return EUCLEAN;
    int error = get_entry(i, q->l1 + index * 8, &entry);
    if (error || !(entry & QCOW2_OFFSET)) return error;
    *table = entry & QCOW2_OFFSET;
    return is_place(q, *table) ? 0 : EUCLEAN;
}

void qcow2_squeezed_extent(const struct qcow2 *q, uint64_t entry, uint64_t *offset, uint64_t *len)
{
    unsigned x = 62 - (q->cluster_bits - 8);
    uint64_t more = entry >> x & (((uint64_t)1 << (q->cluster_bits - 8)) - 1);
    *offset = entry & (((uint64_t)1 << x) - 1);
    *len = (more + 1) * 512 - (*offset & 511);
}

static int find(struct image *i, uint64_t block, struct place *p)
{
    struct qcow2 *q = i->own;
    uint64_t table, count;
    *p = (struct place){ .kind = PLACE_NONE };
    int error = qcow2_l2(i, block / per_table(q), &table);
    if (error || !table) return error;
    error = get_entry(i, table + block % per_table(q) * 8, &p->entry);
    if (error) return error;
    p->offset = p->entry & QCOW2_OFFSET;
    p->shared = !(p->entry & QCOW2_COPIED);
    bool zero = q->version == 3 && p->entry & QCOW2_ZERO;
    if (p->entry & QCOW2_COMPRESSED) p->kind = PLACE_SQUEEZED;
    else if (p->offset && !is_place(q, p->offset)) return EUCLEAN;
    else if (zero) p->kind = p->offset ? PLACE_FRESH : PLACE_ZERO;
    else if (p->offset) p->kind = PLACE_DATA;
    if (p->kind == PLACE_SQUEEZED || !p->offset || !p->shared || i->read_only) return 0;
    /* Not marked as ours alone, and yet it may be: only the count knows. */
    error = qcow2_refcount(i, p->offset >> q->cluster_bits, &count);
    p->shared = count != 1;
    return error;
}

static int allocate(struct image *i, uint64_t *offset)
{
    return qcow2_allocate(i, 1, offset);
}

static void release(struct image *i, uint64_t offset)
{
    qcow2_free_now(i, offset, 1);
}

static int new_table(struct image *i, uint64_t index, uint64_t *table)
{
    static const uint8_t zeroes[512];
    struct qcow2 *q = i->own;
    int error = qcow2_allocate(i, 1, table);
    for (uint64_t at = 0; at < qcow2_cluster(q) && !error; at += sizeof zeroes)
        error = meta_put(q->s.meta, *table + at, zeroes, sizeof zeroes, QCOW2_CLASS_L2);
    if (!error) error = put_entry(i, q->l1 + index * 8, *table | QCOW2_COPIED, QCOW2_CLASS_L1);
    return error;
}

static int set_l2(struct image *i, uint64_t block, uint64_t entry)
{
    struct qcow2 *q = i->own;
    uint64_t table;
    int error = qcow2_l2(i, block / per_table(q), &table);
    if (!error && !table) error = new_table(i, block / per_table(q), &table);
    if (error) return error;
    return put_entry(i, table + block % per_table(q) * 8, entry, QCOW2_CLASS_L2);
}

/* What the block was before is free when the new entry is on the disk. */
static int enter(struct image *i, uint64_t block, uint64_t offset, const struct place *old)
{
    struct qcow2 *q = i->own;
    uint64_t at = old->offset, len = qcow2_cluster(q);
    int error = set_l2(i, block, offset | QCOW2_COPIED);
    if (error || old->offset == offset) return error;
    if (old->kind == PLACE_SQUEEZED) qcow2_squeezed_extent(q, old->entry, &at, &len);
    else if (old->kind != PLACE_DATA && old->kind != PLACE_FRESH) return 0;
    return qcow2_free_later(i, at, len);
}

int qcow2_forget(struct image *i, uint64_t block)
{
    struct place p;
    int error = find(i, block, &p);
    if (error || !p.entry) return error;
    uint64_t at = p.offset, len = p.offset ? qcow2_cluster(i->own) : 0;
    error = set_l2(i, block, 0);
    if (p.kind == PLACE_SQUEEZED) qcow2_squeezed_extent(i->own, p.entry, &at, &len);
    return error || !len ? error : qcow2_free_later(i, at, len);
}

static int inflate_to(uint8_t *to, size_t room, const uint8_t *from, size_t len)
{
    z_stream z = { 0 };
    if (inflateInit2(&z, -15) != Z_OK) return ENOMEM;
    z.next_in = (Bytef *)(uintptr_t)from;
    z.avail_in = (uInt)len;
    z.next_out = to;
    z.avail_out = (uInt)room;
    int result = inflate(&z, Z_FINISH);
    inflateEnd(&z);
    /* the stream may end before the last sector does, or exactly with the output */
    return result == Z_STREAM_END || z.avail_out == 0 ? z.avail_out ? EUCLEAN : 0 : EUCLEAN;
}

static int unpack(struct image *i, const struct place *p, uint8_t *block)
{
    struct qcow2 *q = i->own;
    uint64_t offset, len;
    qcow2_squeezed_extent(q, p->entry, &offset, &len);
    uint8_t *packed = malloc(len);
    int error = packed ? image_file_read(i->fd, offset, packed, len) : ENOMEM;
    if (!error) error = inflate_to(block, q->s.block_size, packed, len);
    free(packed);
    return error;
}

/* ---- writing compressed (vitro-img convert -c) ----------------------------------------------- */
/* Level and window as QEMU reads them: 4 KiB are enough. */
static size_t deflate_to(uint8_t *to, size_t room, const void *from, size_t len)
{
    z_stream z = { 0 };
    if (deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -12, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        return 0;
    z.next_in = (Bytef *)(uintptr_t)from;
    z.avail_in = (uInt)len;
    z.next_out = to;
    z.avail_out = (uInt)room;
    int result = deflate(&z, Z_FINISH);
    deflateEnd(&z);
    return result == Z_STREAM_END ? room - z.avail_out : 0;
}

/* Compressed clusters lie one behind the other; each counts in every cluster that it touches. */
static int place_squeezed(struct image *i, uint64_t len, uint64_t *offset)
{
    struct qcow2 *q = i->own;
    uint64_t cluster = qcow2_cluster(q), next, count;
    int error;
    if (!q->squeeze_left || len > q->squeeze_left) {
        error = qcow2_allocate(i, 1, &next);
        if (error) return error;
        bool joins = q->squeeze_left && next == q->squeeze_at + q->squeeze_left;
        if (joins) {
            error = qcow2_refcount(i, q->squeeze_at >> q->cluster_bits, &count);
            if (!error) error = qcow2_set_refcount(i, q->squeeze_at >> q->cluster_bits, count + 1);
            q->squeeze_left += cluster;
        } else {
            q->squeeze_at = next;
            q->squeeze_left = cluster;
        }
    } else {
        error = qcow2_refcount(i, q->squeeze_at >> q->cluster_bits, &count);
        if (!error) error = qcow2_set_refcount(i, q->squeeze_at >> q->cluster_bits, count + 1);
    }
    *offset = q->squeeze_at;
    q->squeeze_at += len;
    q->squeeze_left -= len;
    return error;
}

/* ENOTSUP: it does not get smaller, or the place is taken; write it as it is. */
int qcow2_write_squeezed(struct image *i, uint64_t cluster, const void *data)
{
    struct qcow2 *q = i->own;
    struct place old;
    uint64_t offset;
    int error = meta_make_room(q->s.meta);
    if (!error) error = find(i, cluster, &old);
    if (!error && old.kind != PLACE_NONE) error = ENOTSUP;
    if (error) return error;
    q->s.unpacked = UINT64_MAX;
    size_t len = deflate_to(q->s.buffer, q->s.block_size - 512, data, q->s.block_size);
    if (!len) return ENOTSUP;
    error = place_squeezed(i, len, &offset);
    if (!error) error = image_file_write(i->fd, offset, q->s.buffer, len);
    meta_data_written(q->s.meta);
    if (error) return error;
    if (offset + len > q->s.end) q->s.end = offset + len;
    uint64_t more = (offset + len - 1) / 512 - offset / 512;
    i->dirty = true;
    return set_l2(i, cluster,
                  QCOW2_COMPRESSED | more << (62 - (q->cluster_bits - 8)) | offset);
}

const struct sparse_ops qcow2_ops = {
    .find = find, .allocate = allocate, .release = release, .enter = enter, .unpack = unpack,
};
