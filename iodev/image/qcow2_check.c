/* SPDX-License-Identifier: MIT
 * qcow2: counting who uses what, and comparing it with the stored counts.
 *
 * Repairs: a count that is too low is raised, one that is too high lowered, and entries say of a
 * cluster whether it is their own. Where tables themselves are damaged nobody knows what
 * belonged to them: then nothing is freed.
 */
#include "iodev/image/qcow2.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define MOST_CLUSTERS ((uint64_t)1 << 27)
#define RESERVED      ((uint64_t)0x3F000000000001FE)       /* of an entry that is not compressed */

enum { IS_TABLE = 0x8000, MOST_USES = 0x7FFF };        /* of census.uses */

struct census {
    struct image *i;
    struct image_report *r;
    enum image_repair repair;
    uint16_t *uses;            /* per cluster of the file; and was it counted as an L2 table? */
    uint64_t  clusters;
    bool      torn;            /* tables are damaged, so some uses may not have been counted */
    bool      odd_marks;       /* some entry's mark of an own cluster may be wrong */
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
    for (uint64_t n = offset >> q->cluster_bits; n <= last; n++) {
        unsigned uses = c->uses[n] & MOST_USES;
        if (uses) c->odd_marks = true;
        if (uses < MOST_USES) c->uses[n]++;
    }
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
    if (!(entry & QCOW2_COMPRESSED) && entry & RESERVED)
        bad(c, "an L2 entry has bits that are not defined", where);
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
    if (offset && !(entry & (QCOW2_COMPRESSED | QCOW2_COPIED))) c->odd_marks = true;
}

static int mark_table(struct census *c, uint64_t table)
{
    const struct qcow2 *q = c->i->own;
    uint64_t len = qcow2_cluster(q), entry;
    if (table & (len - 1)) return bad(c, "an L1 entry is not aligned", table), 0;
    mark(c, table, len, "an L1 entry points outside the file");
    if (table >> q->cluster_bits >= c->clusters) return 0;
    uint16_t *uses = &c->uses[table >> q->cluster_bits];
    if (*uses & IS_TABLE)                              /* counting it again could take for ever */
        return bad(c, "an L2 table is used twice", table), 0;
    *uses |= IS_TABLE;
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

static int compare_one(struct census *c, uint64_t n)
{
    const struct qcow2 *q = c->i->own;
    uint64_t count, uses = c->uses[n] & MOST_USES;
    int error = qcow2_refcount(c->i, n, &count);
    if (error || count == uses) return error;
    bool leak = count > uses;
    if (leak) c->r->leaks++;
    else bad(c, "a cluster is used more often than its count says", n << q->cluster_bits);
    if (leak ? c->torn || !c->repair : c->repair != IMAGE_REPAIR_ALL) return 0;
    error = qcow2_set_refcount(c->i, n, uses);
    if (!error) ++*(leak ? &c->r->freed : &c->r->repaired);
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

static int compare(struct census *c)
{
    struct qcow2 *q = c->i->own;
    for (uint64_t first = 0, end; first < c->clusters; first = end) {
        end = first + qcow2_per_block(q);
        if (end > c->clusters) end = c->clusters;
        int error = meta_make_room(q->s.meta);
        if (!error && is_hole(c, first, end)) continue;
        for (uint64_t n = first; n < end && !error; n++) error = compare_one(c, n);
        if (error) return error;
    }
    return 0;
}

/* ---- marks of own clusters ------------------------------------------------------------------- */
/* One too many lets a shared cluster be written over; one too few is harmless, QEMU's check names
 * it nevertheless. */
static int check_own(struct census *c, uint64_t entry, uint64_t where, unsigned class)
{
    struct qcow2 *q = c->i->own;
    uint64_t n = (entry & QCOW2_OFFSET) >> q->cluster_bits;
    uint8_t raw[8];
    bool own = entry & QCOW2_COPIED;
    if (entry & QCOW2_COMPRESSED || !n || n >= c->clusters) return 0;
    if (own == ((c->uses[n] & MOST_USES) == 1)) return 0;
    if (own) bad(c, "an entry calls a shared cluster its own", where);
    if (c->repair != IMAGE_REPAIR_ALL || (!own && c->torn)) return 0;
    put_be(raw, entry ^ QCOW2_COPIED, sizeof raw);
    int error = meta_put(q->s.meta, where, raw, sizeof raw, class);
    if (!error && own) c->r->repaired++;
    return error;
}

static int check_table(struct census *c, uint64_t table)
{
    const struct qcow2 *q = c->i->own;
    uint64_t len = qcow2_cluster(q), n = table >> q->cluster_bits, entry;
    int error = 0;
    if (table & (len - 1) || n >= c->clusters || !(c->uses[n] & IS_TABLE)) return 0;
    c->uses[n] &= MOST_USES;                               /* once */
    for (uint64_t at = table; at < table + len && !error; at += 8) {
        error = entry_at(c, at, &entry);
        if (!error) error = check_own(c, entry, at, QCOW2_CLASS_L2);
    }
    return error;
}

static int check_tables(struct census *c)
{
    const struct qcow2 *q = c->i->own;
    uint64_t entry;
    int error = 0;
    for (uint64_t at = q->l1; at < q->l1 + (uint64_t)q->l1_size * 8 && !error; at += 8) {
        if (at >> q->cluster_bits >= c->clusters) break;
        error = entry_at(c, at, &entry);
        if (!error) error = check_own(c, entry, at, QCOW2_CLASS_L1);
        if (!error && entry & QCOW2_OFFSET) error = check_table(c, entry & QCOW2_OFFSET);
    }
    return error;
}

/* ---- all of it ------------------------------------------------------------------------------- */
static int run(struct census *c)
{
    const struct image_report *r = c->r;
    struct qcow2 *q = c->i->own;
    mark(c, 0, qcow2_cluster(q), "no header");
    int error = mark_tables(c);
    if (!error) error = mark_counts(c);
    c->torn = r->corruptions;
    if (!error) error = compare(c);
    if (!error && c->odd_marks) error = check_tables(c);
    if (error || !c->repair) return error;
    bool sound = c->repair == IMAGE_REPAIR_ALL && r->corruptions == r->repaired;
    error = meta_flush(q->s.meta);
    if (!error && sound) error = qcow2_forget_damage(c->i);
    return error;
}

/* ENOTSUP: images with snapshots or bitmaps, whose own tables we do not read. */
int qcow2_check(struct image *i, struct image_report *r, enum image_repair repair)
{
    struct qcow2 *q = i->own;
    struct census c = { .i = i, .r = r, .repair = repair, .clusters = q->clusters_end };
    if (q->snapshots || q->has_bitmaps) return ENOTSUP;
    if (c.clusters > MOST_CLUSTERS) return EFBIG;
    c.uses = calloc(c.clusters, sizeof(*c.uses));
    if (!c.uses) return ENOMEM;
    r->clusters = (q->size + qcow2_cluster(q) - 1) >> q->cluster_bits;
    int error = run(&c);
    free(c.uses);
    return error;
}
