/* SPDX-License-Identifier: MIT
 * qcow2: how often each cluster of the file is used, and finding free ones.
 */
#include "iodev/image/qcow2.h"
#include <errno.h>
#include <stdlib.h>

uint64_t qcow2_per_block(const struct qcow2 *q)
{
    return qcow2_cluster(q) * 8 >> q->refcount_order;
}

static uint64_t table_entries(const struct qcow2 *q)
{
    return q->reftable_clusters * qcow2_cluster(q) / 8;
}

static bool overlaps(uint64_t offset, uint64_t len, uint64_t start, uint64_t size)
{
    return offset < start + size && start < offset + len;
}

bool qcow2_is_protected(const struct qcow2 *q, uint64_t offset)
{
    uint64_t cluster = qcow2_cluster(q);
    return overlaps(offset, cluster, 0, cluster) ||
           overlaps(offset, cluster, q->l1, (uint64_t)q->l1_size * 8) ||
           overlaps(offset, cluster, q->reftable, q->reftable_clusters * cluster);
}

int qcow2_refblock(struct image *i, uint64_t cluster, uint64_t *block)
{
    struct qcow2 *q = i->own;
    uint64_t n = cluster / qcow2_per_block(q);
    uint8_t entry[8];
    *block = 0;
    if (n >= table_entries(q)) return 0;
    int error = meta_get(q->s.meta, q->reftable + n * 8, entry, sizeof entry);
    if (error) return error;
    *block = get_be64(entry) & ~(uint64_t)0x1FF;
    if (*block & (qcow2_cluster(q) - 1) || *block >> 55) return EUCLEAN;
    return *block && qcow2_is_protected(q, *block) ? EUCLEAN : 0;
}

/* Counts narrower than a byte begin at its low end. */
static uint64_t byte_of(const struct qcow2 *q, uint64_t cluster, unsigned *shift)
{
    uint64_t bit = cluster % qcow2_per_block(q) << q->refcount_order;
    *shift = q->refcount_order < 3 ? (unsigned)(bit & 7) : 0;
    return bit / 8;
}

static unsigned width_of(const struct qcow2 *q)
{
    return q->refcount_order < 3 ? 1 : 1u << (q->refcount_order - 3);
}

int qcow2_refcount(struct image *i, uint64_t cluster, uint64_t *count)
{
    struct qcow2 *q = i->own;
    uint64_t block, value = 0;
    unsigned shift;
    uint8_t raw[8];
    int error = qcow2_refblock(i, cluster, &block);
    *count = 0;
    if (error || !block) return error;
    uint64_t at = block + byte_of(q, cluster, &shift);
    error = meta_get(q->s.meta, at, raw, width_of(q));
    for (unsigned n = 0; !error && n < width_of(q); n++) value = value << 8 | raw[n];
    if (q->refcount_order < 3) value = value >> shift & ((1u << (1u << q->refcount_order)) - 1);
    *count = value;
    return error;
}

static int put_count(struct image *i, uint64_t block, uint64_t cluster, uint64_t count)
{
    struct qcow2 *q = i->own;
    unsigned shift, bits = 1u << q->refcount_order;
    uint8_t raw[8];
    uint64_t at = block + byte_of(q, cluster, &shift);
    if (bits < 64 && count >> bits) return EOVERFLOW;
    if (bits < 8) {
        int error = meta_get(q->s.meta, at, raw, 1);
        if (error) return error;
        unsigned mask = (1u << bits) - 1;
        raw[0] = (uint8_t)((raw[0] & ~(mask << shift)) | (unsigned)count << shift);
    } else {
        put_be(raw, count, width_of(q));
    }
    return meta_put(q->s.meta, at, raw, width_of(q), QCOW2_CLASS_REFCOUNT);
}

static int put_zeroes(struct image *i, uint64_t offset, uint64_t len, unsigned class)
{
    static const uint8_t zeroes[512];
    struct qcow2 *q = i->own;
    int error = 0;
    for (uint64_t at = 0; at < len && !error; at += sizeof zeroes)
        error = meta_put(q->s.meta, offset + at, zeroes, sizeof zeroes, class);
    return error;
}

static void used(struct qcow2 *q, uint64_t cluster)
{
    if (cluster >= q->clusters_end) q->clusters_end = cluster + 1;
}

/* The table is full: a larger one behind everything, with the blocks that describe both. Written
 * and synced before the header names it. */
static int grow_table(struct image *i)
{
    struct qcow2 *q = i->own;
    uint64_t cluster = qcow2_cluster(q), old = q->reftable, old_clusters = q->reftable_clusters;
    uint64_t clusters = old_clusters * 2, first = table_entries(q) * qcow2_per_block(q);
    uint64_t blocks = 1 + (clusters + 2) / (qcow2_per_block(q) - 1), bytes = old_clusters * cluster;
    uint8_t entry[12];
    if (clusters > (8u << 20) / cluster + 1) return EOVERFLOW;
    if (q->clusters_end > first) return EUCLEAN;
    uint8_t *copy = malloc(bytes);
    int error = copy ? meta_get(q->s.meta, old, copy, bytes) : ENOMEM;
    uint64_t table = first << q->cluster_bits, block = table + clusters * cluster;
    if (!error) error = put_zeroes(i, table, (clusters + blocks) * cluster, QCOW2_CLASS_REFCOUNT);
    if (!error) error = meta_put(q->s.meta, table, copy, bytes, QCOW2_CLASS_REFCOUNT);
    free(copy);
    for (uint64_t n = 0; n < blocks && !error; n++) {
        put_be(entry, block + n * cluster, 8);
        error = meta_put(q->s.meta, table + bytes + n * 8, entry, 8, QCOW2_CLASS_REFCOUNT);
    }
    for (uint64_t n = 0; n < clusters + blocks && !error; n++)
        error = put_count(i, block + n / qcow2_per_block(q) * cluster, first + n, 1);
    if (!error) error = meta_flush(q->s.meta);
    if (error) return error;
    put_be(entry, table, 8);
    put_be(entry + 8, clusters, 4);
    error = meta_put(q->s.meta, 48, entry, 12, QCOW2_CLASS_REFTABLE);
    if (!error) error = meta_flush(q->s.meta);
    if (error) return error;
    q->reftable = table;
    q->reftable_clusters = clusters;
    used(q, first + clusters + blocks - 1);
    return qcow2_free_now(i, old, old_clusters * cluster);
}

/* A cluster that no block describes: it becomes that block, and describes itself. */
static int add_block(struct image *i, uint64_t cluster)
{
    struct qcow2 *q = i->own;
    uint64_t n = cluster / qcow2_per_block(q), block = cluster << q->cluster_bits;
    uint8_t entry[8];
    int error = n >= table_entries(q) ? grow_table(i) : 0;
    if (error || n >= table_entries(q)) return error;
    uint64_t now;
    error = qcow2_refblock(i, cluster, &now);
    if (error || now) return error;                        /* the growth has described it */
    error = put_zeroes(i, block, qcow2_cluster(q), QCOW2_CLASS_REFCOUNT);
    if (!error) error = put_count(i, block, cluster, 1);
    put_be(entry, block, 8);
    if (!error) error = meta_put(q->s.meta, q->reftable + n * 8, entry, 8, QCOW2_CLASS_REFTABLE);
    if (!error) used(q, cluster);
    return error;
}

/* For repairs: a block behind everything for a cluster that has none. */
static int append_block(struct image *i, uint64_t cluster)
{
    struct qcow2 *q = i->own;
    uint64_t at = q->clusters_end, block = at << q->cluster_bits, now;
    uint8_t entry[8];
    if (cluster / qcow2_per_block(q) >= table_entries(q)) return EUCLEAN;
    int error = put_zeroes(i, block, qcow2_cluster(q), QCOW2_CLASS_REFCOUNT);
    put_be(entry, block, 8);
    uint64_t slot = q->reftable + cluster / qcow2_per_block(q) * 8;
    if (!error) error = meta_put(q->s.meta, slot, entry, 8, QCOW2_CLASS_REFTABLE);
    used(q, at);
    if (!error) error = qcow2_refblock(i, at, &now);
    if (!error && !now) error = append_block(i, at);
    return error ? error : qcow2_set_refcount(i, at, 1);
}

int qcow2_set_refcount(struct image *i, uint64_t cluster, uint64_t count)
{
    struct qcow2 *q = i->own;
    uint64_t block;
    int error = qcow2_refblock(i, cluster, &block);
    if (!error && !block && count) {
        error = append_block(i, cluster);
        if (!error) error = qcow2_refblock(i, cluster, &block);
    }
    if (error || !block) return error;
    if (!count && cluster < q->free_from) q->free_from = cluster;
    if (count) used(q, cluster);
    return put_count(i, block, cluster, count);
}

/* Is the cluster free? One without a block is made to have one first. Past the file's end some may
 * be taken: by what was counted and, after a crash, never written. */
static int is_free(struct image *i, uint64_t cluster, bool *is)
{
    struct qcow2 *q = i->own;
    uint64_t block, count;
    int error = qcow2_refblock(i, cluster, &block);
    *is = false;
    if (error) return error;
    if (qcow2_is_protected(q, cluster << q->cluster_bits)) return 0;
    if (!block) return add_block(i, cluster);              /* not free now: look at the next */
    error = qcow2_refcount(i, cluster, &count);
    *is = !count;
    return error;
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* No two entries of the table may share a block: a small file could pretend to have no free cluster
 * in a very large one. */
const char *qcow2_check_reftable(struct image *i)
{
    struct qcow2 *q = i->own;
    uint64_t entries = table_entries(q), n = 0;
    uint64_t *list = malloc(entries * 8);
    if (!list) return "out of memory";
    int error = image_file_read(i->fd, q->reftable, list, entries * 8);
    for (uint64_t k = 0; k < entries; k++) {
        uint64_t block = get_be64((const uint8_t *)&list[k]) & ~(uint64_t)0x1FF;
        if (block) list[n++] = block;
    }
    qsort(list, n, 8, by_number);
    const char *cause = error ? "cannot be read" : NULL;
    for (uint64_t k = 1; k < n; k++)
        if (list[k] == list[k - 1]) cause = "is damaged: two parts of its refcounts share a block";
    free(list);
    return cause;
}

/* First fit. The budget is for hostile counts: 2^28 clusters in use in front of a free one. */
int qcow2_allocate(struct image *i, uint64_t count, uint64_t *offset)
{
    struct qcow2 *q = i->own;
    uint64_t at = q->free_from, run = 0;
    bool first = true;
    uint64_t budget = (1 << 28) + count;
    for (int error; run < count; at++) {
        bool is;
        if (at >> (55 - q->cluster_bits) || !budget--) return EUCLEAN;
        error = is_free(i, at, &is);
        if (error) return error;
        if (is && first) q->free_from = at, first = false;
        run = is ? run + 1 : 0;
    }
    *offset = (at - count) << q->cluster_bits;
    for (uint64_t n = 0; n < count; n++) {
        int error = qcow2_set_refcount(i, at - count + n, 1);
        if (error) return error;
    }
    if (q->free_from == at - count) q->free_from = at;
    return 0;
}

int qcow2_free_now(struct image *i, uint64_t offset, uint64_t len)
{
    struct qcow2 *q = i->own;
    for (uint64_t c = offset >> q->cluster_bits; len && c <= (offset + len - 1) >> q->cluster_bits;
         c++) {
        uint64_t count;
        int error = qcow2_refcount(i, c, &count);
        if (!error && count) error = qcow2_set_refcount(i, c, count - 1);
        if (error) return error;
    }
    return 0;
}

int qcow2_free_later(struct image *i, uint64_t offset, uint64_t len)
{
    struct qcow2 *q = i->own;
    if (q->freed_count == q->freed_room) {
        size_t room = q->freed_room ? q->freed_room * 2 : 64;
        struct freed *list = realloc(q->freed, room * sizeof(*list));
        if (!list) return 0;                               /* a leak, nothing worse */
        q->freed = list;
        q->freed_room = room;
    }
    q->freed[q->freed_count++] = (struct freed){ offset, len };
    return 0;
}

int qcow2_apply_freed(struct image *i)
{
    struct qcow2 *q = i->own;
    size_t n = q->freed_count;
    q->freed_count = 0;
    for (size_t k = 0; k < n; k++) {
        int error = qcow2_free_now(i, q->freed[k].offset, q->freed[k].len);
        if (error) return error;
    }
    return 0;
}
