/* SPDX-License-Identifier: MIT
 * qcow2: counting who uses what, and comparing it with the stored counts.
 */
#include "iodev/image/qcow2.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_CLUSTERS ((uint64_t)1 << 27)

struct census {
    struct image *i;
    struct image_report *r;
    uint16_t *uses;            /* per cluster of the file, at most 65535 */
    uint64_t  clusters;
};

static void bad(struct census *c, const char *what, uint64_t where)
{
    if (!c->r->corruptions++)
        snprintf(c->r->first, sizeof c->r->first, "%s (%llXh)", what, (unsigned long long)where);
}

static void mark(struct census *c, uint64_t offset, uint64_t len, const char *what)
{
    const struct qcow2 *q = c->i->own;
    if (!len) return;
    uint64_t last = (offset + len - 1) >> q->cluster_bits;
    if (last >= c->clusters) {
        bad(c, what, offset);
        return;
    }
    for (uint64_t n = offset >> q->cluster_bits; n <= last; n++)
        if (c->uses[n] < UINT16_MAX) c->uses[n]++;
}

static int entry_at(struct census *c, uint64_t offset, uint64_t *entry)
{
    struct qcow2 *q = c->i->own;
    uint8_t raw[8];
    meta_make_room(q->s.meta);
    int error = meta_get(q->s.meta, offset, raw, sizeof raw);
    *entry = get_be64(raw);
    return error;
}

static void mark_entry(struct census *c, uint64_t entry, uint64_t where)
{
    const struct qcow2 *q = c->i->own;
    uint64_t offset = entry & QCOW2_OFFSET, len = qcow2_cluster(q);
    if (entry & QCOW2_COMPRESSED) {
        qcow2_squeezed_extent(q, entry, &offset, &len);
        mark(c, offset, len, "a compressed cluster lies outside the file");
    } else if (offset & (len - 1)) {
        bad(c, "an L2 entry is not aligned", where);
        return;
    } else if (offset) {
        mark(c, offset, len, "an L2 entry points outside the file");
    }
    if (offset || entry & QCOW2_COMPRESSED) c->r->allocated++;
}

static int mark_table(struct census *c, uint64_t table)
{
    const struct qcow2 *q = c->i->own;
    uint64_t len = qcow2_cluster(q), entry;
    if (table & (len - 1)) return bad(c, "an L1 entry is not aligned", table), 0;
    mark(c, table, len, "an L1 entry points outside the file");
    if (table >> q->cluster_bits >= c->clusters) return 0;
    if (c->uses[table >> q->cluster_bits] > 1)         /* counting it again could take for ever */
        return bad(c, "an L2 table is used for something else, too", table), 0;
    for (uint64_t n = 0; n < len / 8; n++) {
        int error = entry_at(c, table + n * 8, &entry);
        if (error) return error;
        mark_entry(c, entry, table + n * 8);
    }
    return 0;
}

static int mark_tables(struct census *c)
{
    const struct qcow2 *q = c->i->own;
    uint64_t entry;
    int error = 0;
    mark(c, q->l1, (uint64_t)q->l1_size * 8, "the L1 table lies outside the file");
    for (uint64_t n = 0; n < q->l1_size && !error; n++) {
        if ((q->l1 + n * 8) >> q->cluster_bits >= c->clusters) break;
        error = entry_at(c, q->l1 + n * 8, &entry);
        if (!error && entry & QCOW2_OFFSET) error = mark_table(c, entry & QCOW2_OFFSET);
    }
    return error;
}

static int mark_counts(struct census *c)
{
    const struct qcow2 *q = c->i->own;
    uint64_t entry, bytes = q->reftable_clusters * qcow2_cluster(q);
    int error = 0;
    mark(c, q->reftable, bytes, "the refcount table lies outside the file");
    for (uint64_t at = 0; at < bytes && !error; at += 8) {
        if ((q->reftable + at) >> q->cluster_bits >= c->clusters) break;
        error = entry_at(c, q->reftable + at, &entry);
        if (!error && entry & ~(uint64_t)0x1FF)
            mark(c, entry & ~(uint64_t)0x1FF, qcow2_cluster(q),
                 "a refcount block lies outside the file");
    }
    return error;
}

static int compare_one(struct census *c, uint64_t n, bool repair)
{
    const struct qcow2 *q = c->i->own;
    uint64_t count;
    int error = qcow2_refcount(c->i, n, &count);
    if (error || count == c->uses[n]) return error;
    if (count > c->uses[n]) c->r->leaks++;
    else bad(c, "a cluster is used more often than its count says", n << q->cluster_bits);
    if (!repair) return 0;
    error = qcow2_set_refcount(c->i, n, c->uses[n]);
    if (!error) c->r->repaired++;
    return error == EUCLEAN ? 0 : error;
}

/* No counts and no uses: a hole in the file, perhaps a very long one. */
static bool is_hole(struct census *c, uint64_t first, uint64_t end)
{
    uint64_t block;
    const uint16_t *uses = c->uses + first;
    if (qcow2_refblock(c->i, first, &block) || block) return false;
    return !uses[0] && !memcmp(uses, uses + 1, (end - first - 1) * sizeof(*uses));
}

static int compare(struct census *c, bool repair)
{
    struct qcow2 *q = c->i->own;
    for (uint64_t first = 0, end; first < c->clusters; first = end) {
        end = first + qcow2_per_block(q);
        if (end > c->clusters) end = c->clusters;
        int error = meta_make_room(q->s.meta);
        if (!error && is_hole(c, first, end)) continue;
        for (uint64_t n = first; n < end && !error; n++) error = compare_one(c, n, repair);
        if (error) return error;
    }
    return 0;
}

/* ENOTSUP: images with snapshots or bitmaps, whose own tables we do not read. */
int qcow2_check(struct image *i, struct image_report *r, bool repair)
{
    struct qcow2 *q = i->own;
    struct census c = { .i = i, .r = r, .clusters = q->clusters_end };
    if (q->snapshots || q->has_bitmaps) return ENOTSUP;
    if (c.clusters > MOST_CLUSTERS) return EFBIG;
    c.uses = calloc(c.clusters, sizeof(*c.uses));
    if (!c.uses) return ENOMEM;
    r->clusters = (q->size + qcow2_cluster(q) - 1) >> q->cluster_bits;
    mark(&c, 0, qcow2_cluster(q), "no header");
    int error = mark_tables(&c);
    if (!error) error = mark_counts(&c);
    if (!error) error = compare(&c, repair);
    if (!error && repair) error = meta_flush(q->s.meta);
    free(c.uses);
    return error;
}
