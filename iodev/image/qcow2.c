/* SPDX-License-Identifier: MIT
 * qcow2: the header and what it allows. docs/interop/qcow2.txt of QEMU, versions 2 and 3.
 * Not implemented: encryption, external data files, extended L2 entries, zstd, writing to images
 * with internal snapshots, bitmaps (their autoclear bit is cleared: they count as out of date).
 */
#include "iodev/image/qcow2.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
    MAGIC = 0x514649FB,
    V2_LENGTH = 72,
    V3_LENGTH = 104,
    MOST_L1 = 4 << 20,
    MOST_TABLE = 8 << 20
};
enum { EXT_END = 0, EXT_BASE_FORMAT = 0xE2792ACA, EXT_BITMAPS = 0x23852875 };

static bool looks_like(const uint8_t *first, size_t len)
{
    return len >= 8 && get_be32(first) == MAGIC;
}

static const char *refuse_features(struct image *i, const struct qcow2 *q)
{
    static const char *const names[] = {"dirty", "corrupt", "an external data file",
                                        "compression by zstd", "extended L2 entries"};
    uint64_t unknown = q->incompatible & ~(uint64_t)(QCOW2_DIRTY | QCOW2_CORRUPT);
    for (unsigned bit = 0; bit < COUNT_OF(names); bit++)
        if (unknown >> bit & 1)
            return image_refuse(i, "uses %s, which is not supported", names[bit]);
    if (unknown)
        return image_refuse(i, "uses unknown features (%llXh)", (unsigned long long)unknown);
    return NULL;
}

static const char *read_version3(struct image *i, struct qcow2 *q, const uint8_t *h)
{
    q->incompatible = get_be64(h + 72);
    q->compatible = get_be64(h + 80);
    q->autoclear = get_be64(h + 88);
    q->refcount_order = get_be32(h + 96);
    q->header_length = get_be32(h + 100);
    if (q->header_length < V3_LENGTH || q->header_length > qcow2_cluster(q))
        return "is damaged: the header's length is impossible";
    if (q->refcount_order > 6) return "is damaged: the width of reference counts is impossible";
    return refuse_features(i, q);
}

static const char *read_header(struct image *i, struct qcow2 *q, const uint8_t *h)
{
    if (get_be32(h) != MAGIC) return "is not a qcow2 image";
    q->version = get_be32(h + 4);
    q->cluster_bits = get_be32(h + 20);
    q->size = get_be64(h + 24);
    q->l1_size = get_be32(h + 36);
    q->l1 = get_be64(h + 40);
    q->reftable = get_be64(h + 48);
    q->reftable_clusters = get_be32(h + 56);
    q->snapshots = get_be32(h + 60);
    q->refcount_order = 4;
    q->header_length = V2_LENGTH;
    if (q->version != 2 && q->version != 3)
        return image_refuse(i, "is a qcow2 image of version %u; 2 and 3 are supported", q->version);
    if (q->cluster_bits < 9 || q->cluster_bits > 21)
        return "is damaged: the cluster size is impossible";
    if (get_be32(h + 32)) return "is encrypted, which is not supported";
    return q->version == 3 ? read_version3(i, q, h) : NULL;
}

/* Tables where they can be, and not larger than any disk needs. */
static const char *check_tables(const struct qcow2 *q)
{
    uint64_t cluster = qcow2_cluster(q), mask = cluster - 1, per_table = cluster / 8 * cluster;
    if (q->size > (uint64_t)1 << 50) return "is damaged: the disk's size is impossible";
    if (q->l1_size > MOST_L1 || q->l1_size < (q->size + per_table - 1) / per_table)
        return "is damaged: the L1 table has the wrong size";
    if (q->l1 & mask || q->l1 >> 55 || (!q->l1 && q->l1_size))
        return "is damaged: the L1 table is at an impossible place";
    if (q->reftable & mask || !q->reftable || q->reftable >> 55 || !q->reftable_clusters ||
        q->reftable_clusters > MOST_TABLE / cluster + 1)
        return "is damaged: the refcount table is at an impossible place";
    return NULL;
}

static const char *read_base_name(struct image *i, const struct qcow2 *q, const uint8_t *h)
{
    uint64_t at = get_be64(h + 8), len = get_be32(h + 16), cluster = qcow2_cluster(q);
    if (!at || !len) return NULL;
    if (len >= IMAGE_NAME || at > cluster || len > cluster - at)
        return "is damaged: the name of its base is outside the header";
    int error = image_file_read(i->fd, at, i->base_name, (size_t)len);
    i->base_name[len] = 0;
    if (error) return strerror(error);
    if (strchr(i->base_name, ':') && !strncmp(i->base_name, "json:", 5))
        return "its base is described in JSON, which is not supported";
    return strlen(i->base_name) == len ? NULL : "is damaged: the name of its base is not a text";
}

/* Type, length, data; each begins at a multiple of 8. */
static const char *read_extensions(struct image *i, struct qcow2 *q)
{
    uint64_t at = q->header_length;
    while (at + 8 <= qcow2_cluster(q)) {
        uint8_t head[8];
        if (image_file_read(i->fd, at, head, sizeof head)) return "cannot be read";
        uint32_t type = get_be32(head);
        uint64_t len = get_be32(head + 4);
        at += 8;
        if (type == EXT_END) break;
        if (len > qcow2_cluster(q) - at) return "is damaged: a header extension is too long";
        if (type == EXT_BITMAPS) q->has_bitmaps = true;
        if (type == EXT_BASE_FORMAT && len < sizeof i->base_format) {
            if (image_file_read(i->fd, at, i->base_format, (size_t)len)) return "cannot be read";
            i->base_format[len] = 0;
        }
        at = round_up(at + len, 8);
    }
    return NULL;
}

static const char *may_write(struct image *i, const struct qcow2 *q)
{
    if (i->repair) return NULL;
    if (q->snapshots)
        return image_refuse(
            i,
            "has %u internal snapshots: it can be read but not written; use mode=volatile "
            "or qemu-img convert",
            q->snapshots);
    if (q->incompatible & QCOW2_CORRUPT)
        return "is marked as corrupt: it can be read but not written; repair it (vitro-img check "
               "-r all)";
    if (q->incompatible & QCOW2_DIRTY && q->has_bitmaps)
        return "was not closed and has bitmaps: repair it (qemu-img check -r all)";
    return NULL;
}

static const char *read_all(struct image *i, struct qcow2 *q)
{
    uint8_t h[V3_LENGTH];
    int error = image_file_read(i->fd, 0, h, sizeof h);
    if (error) return strerror(error);
    const char *cause = read_header(i, q, h);
    if (!cause) cause = check_tables(q);
    if (!cause) cause = read_base_name(i, q, h);
    if (!cause) cause = read_extensions(i, q);
    if (!cause && !i->read_only) cause = may_write(i, q);
    return cause;
}

static const char *qcow2_open(struct image *i)
{
    struct qcow2 *q = calloc(1, sizeof *q);
    i->own = q;
    if (!q) return "out of memory";
    const char *cause = read_all(i, q);
    if (cause) return cause;
    uint32_t cluster = (uint32_t)qcow2_cluster(q);
    i->sectors = (q->size + SECTOR_SIZE - 1) / SECTOR_SIZE;
    q->clusters_end = (i->file_bytes + cluster - 1) >> q->cluster_bits;
    return sparse_init(i, &q->s, &qcow2_ops, cluster, cluster < 4096 ? cluster : 4096)
               ? NULL
               : "out of memory";
}

/* The header's feature words, at once on the disk. */
static int write_features(struct image *i, uint64_t incompatible)
{
    struct qcow2 *q = i->own;
    uint8_t h[24];
    q->incompatible = incompatible;
    q->autoclear = 0;
    put_be(h, q->incompatible, 8);
    put_be(h + 8, q->compatible, 8);
    put_be(h + 16, q->autoclear, 8);
    int error = meta_put(q->s.meta, 72, h, sizeof h, QCOW2_CLASS_L1);
    return error ? error : meta_flush(q->s.meta);
}

int qcow2_forget_damage(struct image *i)
{
    const uint64_t marks = QCOW2_DIRTY | QCOW2_CORRUPT;
    const struct qcow2 *q = i->own;
    return q->incompatible & marks ? write_features(i, q->incompatible & ~marks) : 0;
}

/* Dirty: somebody kept no counts while writing (lazy refcounts) and did not come to the end. */
static const char *qcow2_begin(struct image *i)
{
    struct qcow2 *q = i->own;
    struct image_report r = { 0 };
    const char *cause = qcow2_check_reftable(i);
    bool dirty = q->incompatible & QCOW2_DIRTY && !i->repair;
    bool no_repair = i->repair && (q->snapshots || q->has_bitmaps);    /* qcow2_check() */
    if (cause) return cause;
    int error = dirty ? qcow2_check(i, &r, IMAGE_REPAIR_ALL) : 0;
    if (!error && r.corruptions > r.repaired)
        return "was not closed and is damaged: run vitro-img check -r all";
    if (!error && q->autoclear && !no_repair) error = write_features(i, q->incompatible);
    return error ? strerror(error) : NULL;
}

static int qcow2_flush(struct image *i)
{
    int error = sparse_flush(i);
    return error ? error : qcow2_apply_freed(i);
}

static void qcow2_close(struct image *i)
{
    struct qcow2 *q = i->own;
    if (!q) return;
    if (!i->read_only && q->s.meta) meta_flush(q->s.meta);
    sparse_done(&q->s);
    free(q->freed);
    free(q);
}

static void qcow2_info(struct image *i, struct image_info *info)
{
    const struct qcow2 *q = i->own;
    info->cluster = qcow2_cluster(q);
    info->version = q->version;
    info->dirty = q->incompatible & QCOW2_DIRTY;
    snprintf(info->more, sizeof info->more, "compat: %s, lazy refcounts: %s, refcount bits: %u, "
             "corrupt: %s, snapshots: %u", q->version == 3 ? "1.1" : "0.10",
             q->compatible & 1 ? "true" : "false", 1u << q->refcount_order,
             q->incompatible & QCOW2_CORRUPT ? "true" : "false", q->snapshots);
}

const struct image_format image_qcow2 = {
    .name = "qcow2",
    .about = "QEMU's copy-on-write format: overlays, compression",
    .extensions = "qcow2",
    .has_base = true,
    .open = qcow2_open,
    .begin = qcow2_begin,
    .read = sparse_read,
    .write = sparse_write,
    .flush = qcow2_flush,
    .close = qcow2_close,
    .looks_like = looks_like,
    .create = qcow2_create,
    .plans = IMAGE_PLAN_CLUSTER | IMAGE_PLAN_VERSION,
    .resize = qcow2_resize, .can_shrink = true,
    .check = qcow2_check,
    .info = qcow2_info,
    .write_squeezed = qcow2_write_squeezed,
    .where = sparse_where,
    .settle = sparse_settle,
};
