/* SPDX-License-Identifier: MIT
 * qcow2 images, shared by its files. The format: QEMU's docs/interop/qcow2.txt.
 *
 *   header -> L1 -> L2 -> cluster         header -> refcount table -> refcount block -> count
 *
 *   L1 entry   63: refcount is 1   9-55: L2 table
 *   L2 entry   63: refcount is 1   62: compressed   9-55: cluster   0: reads as zeroes (version 3)
 */
#pragma once
#include "iodev/image/bytes.h"
#include "iodev/image/sparse.h"

#define QCOW2_COPIED     ((uint64_t)1 << 63)
#define QCOW2_COMPRESSED ((uint64_t)1 << 62)
#define QCOW2_OFFSET     ((uint64_t)0x00FFFFFFFFFFFE00)
#define QCOW2_ZERO       ((uint64_t)1)

enum { QCOW2_DIRTY = 1, QCOW2_CORRUPT = 2 };       /* incompatible features */

/* What must be on the disk first has the lower number (meta.h). */
enum { QCOW2_CLASS_REFCOUNT, QCOW2_CLASS_REFTABLE, QCOW2_CLASS_L2, QCOW2_CLASS_L1 };

struct freed {
    uint64_t offset, len;
};

struct qcow2 {
    struct sparse s;           /* first: see sparse.h */
    uint32_t version, cluster_bits, refcount_order, l1_size, snapshots, header_length;
    uint64_t size, l1, reftable, reftable_clusters, incompatible, compatible, autoclear;
    bool     has_bitmaps;
    uint64_t free_from;        /* no free cluster below this one */
    uint64_t clusters_end;     /* every cluster in use is below this one */
    struct freed *freed;       /* no longer referenced; their counts go down after the next sync */
    size_t   freed_count, freed_room;
    uint64_t squeeze_at, squeeze_left;     /* room for the next compressed cluster */
};

static inline uint64_t qcow2_cluster(const struct qcow2 *q)
{
    return (uint64_t)1 << q->cluster_bits;
}

/* ---- counts (qcow2_refs.c) ------------------------------------------------------------------- */
uint64_t qcow2_per_block(const struct qcow2 *);     /* counts in a refcount block */
int qcow2_refblock(struct image *, uint64_t cluster, uint64_t *block);     /* 0: there is none */
int qcow2_refcount(struct image *, uint64_t cluster, uint64_t *count);
int qcow2_set_refcount(struct image *, uint64_t cluster, uint64_t count);
/* count clusters in a row, each with refcount 1; *offset is the first one's. */
int qcow2_allocate(struct image *, uint64_t count, uint64_t *offset);
/* After the next sync: every cluster that the bytes touch is referenced once less. */
int qcow2_free_later(struct image *, uint64_t offset, uint64_t len);
int qcow2_free_now(struct image *, uint64_t offset, uint64_t len);
int qcow2_apply_freed(struct image *);
const char *qcow2_check_reftable(struct image *);   /* before the first write */
/* Header, L1 and refcount table may not be overwritten by what an L2 entry says. */
bool qcow2_is_protected(const struct qcow2 *, uint64_t offset);

/* ---- map (qcow2_map.c) ----------------------------------------------------------------------- */
extern const struct sparse_ops qcow2_ops;
/* The L2 table for a cluster of the disk: 0 if there is none. EUCLEAN: damaged. */
int qcow2_l2(struct image *, uint64_t index, uint64_t *table);
int qcow2_forget(struct image *, uint64_t block);      /* not in this file any more */
void qcow2_squeezed_extent(const struct qcow2 *, uint64_t entry, uint64_t *offset, uint64_t *len);
int qcow2_write_squeezed(struct image *, uint64_t cluster, const void *data);

/* ---- check (qcow2_check.c), making (qcow2_create.c) ------------------------------------------ */
int qcow2_check(struct image *, struct image_report *, enum image_repair repair);
int qcow2_forget_damage(struct image *);           /* the marks in the header; qcow2.c */
const char *qcow2_create(int fd, const struct image_plan *);
const char *qcow2_resize(struct image *, uint64_t sectors);
