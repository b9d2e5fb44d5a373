/* SPDX-License-Identifier: MIT
 * qcow2: making an empty image, and making one longer or shorter.
 *
 *   cluster 0: header, name of the base   refcount table   refcount blocks   L1
 */
#include "iodev/image/qcow2.h"
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

struct layout {
    uint64_t cluster, l1_entries, table, blocks, l1, total;    /* in clusters but for two */
};

static uint64_t up(uint64_t value, uint64_t unit) { return (value + unit - 1) / unit; }

/* The refcount table is made for a full disk, the blocks for what is there at the start. */
static struct layout lay_out(uint64_t bytes, uint64_t cluster)
{
    struct layout l = { .cluster = cluster };
    uint64_t per_block = cluster / 2, data = up(bytes, cluster), tables = up(data, cluster / 8);
    l.l1_entries = tables;
    l.l1 = up(tables * 8, cluster);
    uint64_t all = data + tables + l.l1 + 2, blocks = up(all, per_block - 1) + 1;
    l.table = up(blocks * 8, cluster);
    do {
        l.blocks++;
        l.total = 1 + l.table + l.blocks + l.l1;
    } while (l.blocks * per_block < l.total);
    return l;
}

static size_t put_extension(uint8_t *h, size_t at, uint32_t type, const char *text)
{
    size_t len = strlen(text);
    put_be(h + at, type, 4);
    put_be(h + at + 4, len, 4);
    memcpy(h + at + 8, text, len);
    return at + 8 + (len + 7) / 8 * 8;
}

/* QEMU's names of formats differ from their extensions. */
static const char *qemu_name(const char *format)
{
    return !strcmp(format, "vhd") ? "vpc" : format;
}

static const char *make_header(uint8_t *h, const struct layout *l, const struct image_plan *p)
{
    bool new = p->version != 2;
    size_t at = new ? 104 : 72;
    put_be(h, 0x514649FB, 4);
    put_be(h + 4, new ? 3 : 2, 4);
    put_be(h + 20, (uint64_t)__builtin_ctzll(l->cluster), 4);
    put_be(h + 24, p->bytes, 8);
    put_be(h + 36, l->l1_entries, 4);
    put_be(h + 40, (1 + l->table + l->blocks) * l->cluster, 8);
    put_be(h + 48, l->cluster, 8);
    put_be(h + 56, l->table, 4);
    if (new) {
        put_be(h + 96, 4, 4);
        put_be(h + 100, 104, 4);
    }
    if (p->base_format) at = put_extension(h, at, 0xE2792ACA, qemu_name(p->base_format));
    at += 8;                                               /* the end: type 0, length 0 */
    if (!p->base) return NULL;
    size_t len = strlen(p->base);
    if (len >= IMAGE_NAME || at + len > l->cluster) return "the base's name is too long";
    memcpy(h + at, p->base, len);
    put_be(h + 8, at, 8);
    put_be(h + 16, len, 4);
    return NULL;
}

static const char *write_tables(int fd, const struct layout *l, const uint8_t *header)
{
    uint8_t *b = calloc(1, l->cluster);
    int error = b ? image_file_write(fd, 0, header, l->cluster) : ENOMEM;
    for (uint64_t n = 0; b && n < l->blocks; n++)
        put_be(b + n * 8, (1 + l->table + n) * l->cluster, 8);
    if (!error) error = image_file_write(fd, l->cluster, b, l->cluster);
    for (uint64_t k = 0; k < l->blocks && !error; k++) {
        uint64_t first = k * (l->cluster / 2);
        memset(b, 0, l->cluster);
        for (uint64_t n = first; n < l->total && n < first + l->cluster / 2; n++)
            put_be(b + (n - first) * 2, 1, 2);
        error = image_file_write(fd, (1 + l->table + k) * l->cluster, b, l->cluster);
    }
    free(b);
    return error ? strerror(error) : NULL;
}

const char *qcow2_create(int fd, const struct image_plan *p)
{
    uint64_t cluster = p->cluster ? p->cluster : 65536;
    if (cluster < 512 || cluster > 2 << 20 || cluster & (cluster - 1))
        return "the cluster size must be a power of two from 512 to 2M";
    struct layout l = lay_out(p->bytes, cluster);
    if (l.l1_entries > 4 << 20 || l.blocks * 8 > cluster || l.table > (8 << 20) / cluster + 1)
        return "the disk is too large for this cluster size";
    uint8_t *header = calloc(1, cluster);
    const char *cause = header ? make_header(header, &l, p) : "out of memory";
    if (!cause && ftruncate(fd, 0)) cause = image_create_failed();
    if (!cause && ftruncate(fd, (off_t)(l.total * cluster))) cause = image_create_failed();
    if (!cause) cause = write_tables(fd, &l, header);
    free(header);
    return cause;
}

/* ---- longer ---------------------------------------------------------------------------------- */
/* A larger L1 table at a new place; the header names it when it is on the disk. */
static int move_l1(struct image *i, uint64_t entries)
{
    struct qcow2 *q = i->own;
    uint64_t bytes = entries * 8, old_bytes = (uint64_t)q->l1_size * 8, at;
    uint8_t *copy = calloc(1, bytes), head[12];
    int error = copy ? meta_get(q->s.meta, q->l1, copy, old_bytes) : ENOMEM;
    if (!error) error = qcow2_allocate(i, (bytes + qcow2_cluster(q) - 1) >> q->cluster_bits, &at);
    if (!error) error = meta_put(q->s.meta, at, copy, bytes, QCOW2_CLASS_L1);
    if (!error) error = meta_flush(q->s.meta);
    free(copy);
    if (error) return error;
    put_be(head, entries, 4);
    put_be(head + 4, at, 8);
    error = meta_put(q->s.meta, 36, head, 12, QCOW2_CLASS_L1);
    if (!error) error = meta_flush(q->s.meta);
    if (error) return error;
    uint64_t old = q->l1;
    q->l1 = at;
    q->l1_size = (uint32_t)entries;
    return qcow2_free_now(i, old, old_bytes);
}

/* ---- shorter --------------------------------------------------------------------------------- */
/* The rest of the new end's cluster would come back when the disk grows again. */
static int clear_rest(struct image *i, uint64_t sectors)
{
    static const uint8_t zeroes[SECTOR_SIZE];
    uint64_t per = qcow2_cluster(i->own) / SECTOR_SIZE, end = (sectors + per - 1) / per * per;
    int error = 0;
    for (; sectors < end && sectors < i->sectors && !error; sectors++)
        error = image_write(i, sectors, 1, zeroes);
    return error;
}

static int cut_off(struct image *i, uint64_t sectors)
{
    struct qcow2 *q = i->own;
    uint64_t cluster = qcow2_cluster(q), end = up(i->sectors * SECTOR_SIZE, cluster);
    int error = clear_rest(i, sectors);
    for (uint64_t block = up(sectors * SECTOR_SIZE, cluster); block < end && !error; block++) {
        error = meta_make_room(q->s.meta);
        if (!error) error = qcow2_forget(i, block);
    }
    return error ? error : image_flush(i);
}

const char *qcow2_resize(struct image *i, uint64_t sectors)
{
    struct qcow2 *q = i->own;
    uint8_t size[8];
    uint64_t cluster = qcow2_cluster(q),
             entries = up(sectors * SECTOR_SIZE, cluster * (cluster / 8));
    if (entries > 4 << 20) return "the disk is too large for this cluster size";
    int error = sectors < i->sectors ? cut_off(i, sectors) : 0;
    if (!error && entries > q->l1_size) error = move_l1(i, entries);
    put_be(size, sectors * SECTOR_SIZE, 8);
    if (!error) error = meta_put(q->s.meta, 24, size, 8, QCOW2_CLASS_L1);
    if (!error) error = meta_flush(q->s.meta);
    if (error) return strerror(error);
    q->size = sectors * SECTOR_SIZE;
    i->sectors = sectors;
    return NULL;
}
