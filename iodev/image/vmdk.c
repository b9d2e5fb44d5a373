/* SPDX-License-Identifier: MIT
 * VMDK, monolithicSparse and monolithicFlat. VMware Virtual Disk Format 1.1 (2007).
 *
 *   header | descriptor | redundant directory and tables | directory and tables | grains ...
 *
 *   directory -> 512 entries each -> grain      numbers of sectors, 32 bits; 0: not there
 *
 * Not implemented: streamOptimized (compressed), several extents, parents; the descriptor's CID
 * stays as it is when the disk is written.
 */
#include "iodev/image/vmdk.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { VERSION = 4, FLAGS = 8, CAPACITY = 12, GRAIN = 20, TEXT = 28, TEXT_SIZE = 36, PER_TABLE = 44,
       REDUNDANT = 48, DIRECTORY = 56 };
enum { FLAG_REDUNDANT = 2, FLAG_ZEROES = 4, FLAG_COMPRESSED = 1 << 16 };
enum { GRAIN_CLASS = 1, TABLE_CLASS = 2 };

static bool looks_like(const uint8_t *first, size_t len)
{
    return len >= SECTOR_SIZE && (!memcmp(first, "KDMV", 4) ||
                                  !memcmp(first, VMDK_TEXT, strlen(VMDK_TEXT)));
}

static const char *read_header(struct image *i, struct vmdk *v, const uint8_t *h, uint64_t *grain)
{
    uint32_t flags = get_le32(h + FLAGS);
    uint64_t capacity = get_le64(h + CAPACITY), limit = (uint64_t)1 << 32;
    *grain = get_le64(h + GRAIN);
    v->directory = get_le64(h + DIRECTORY);
    v->redundant = flags & FLAG_REDUNDANT ? get_le64(h + REDUNDANT) : 0;
    if (get_le32(h + VERSION) < 1 || get_le32(h + VERSION) > 3)
        return image_refuse(i, "is a VMDK of version %u; 1 to 3 are supported",
                            get_le32(h + VERSION));
    if (flags & FLAG_COMPRESSED || get_le16(h + 77))
        return "is a compressed VMDK (streamOptimized), which is not supported: convert it";
    if (*grain < 8 || *grain > 1 << 16 || *grain & (*grain - 1))
        return "is damaged: the grain size is impossible";
    if (get_le32(h + PER_TABLE) != VMDK_PER_TABLE)
        return "is damaged: grain tables of another size than 512";
    if (!capacity || capacity > (uint64_t)1 << 35)
        return "is damaged: the disk's size is impossible";
    if (!v->directory || v->directory >= limit || v->redundant >= limit)
        return "is damaged: the grain directory is at an impossible place";
    i->sectors = capacity;
    v->directory *= SECTOR_SIZE;
    v->redundant *= SECTOR_SIZE;
    return NULL;
}

static const char *read_text(struct image *i, const uint8_t *h)
{
    uint64_t at = get_le64(h + TEXT), sectors = get_le64(h + TEXT_SIZE);
    if (!at) return NULL;                                  /* an extent of its own */
    if (at > 1 << 20 || !sectors) return "is damaged: the descriptor is at an impossible place";
    struct vmdk_text t;
    const char *cause = vmdk_read_text(i, at * SECTOR_SIZE, sectors * SECTOR_SIZE, &t);
    if (cause) return cause;
    return strcmp(t.type, "monolithicSparse")
               ? image_refuse(i,
                              "is a VMDK of the kind %.40s, which is not "
                              "supported: convert it",
                              t.type)
               : NULL;
}

static const struct sparse_ops vmdk_ops;

static const char *open_sparse(struct image *i, struct vmdk *v, const uint8_t *h)
{
    uint64_t grain = 0;
    const char *cause = read_header(i, v, h, &grain);
    if (!cause) cause = read_text(i, h);
    if (cause) return cause;
    v->zeroes = get_le32(h + FLAGS) & FLAG_ZEROES;
    uint64_t tables = (i->sectors + grain * VMDK_PER_TABLE - 1) / (grain * VMDK_PER_TABLE);
    if (v->directory > i->file_bytes || tables * 4 > i->file_bytes - v->directory)
        return "is damaged: the grain directory is outside the file";
    v->next = round_up(i->file_bytes, grain * SECTOR_SIZE);
    return sparse_init(i, &v->s, &vmdk_ops, (uint32_t)grain * SECTOR_SIZE, SECTOR_SIZE)
               ? NULL : "out of memory";
}

/* The extent lies beside its descriptor: a name with a folder is refused, so that a foreign
 * descriptor cannot name any file of this host. */
static const char *open_flat(struct image *i, struct vmdk *v)
{
    struct vmdk_text t;
    char path[2048];
    const char *cause = vmdk_read_text(i, 0, i->file_bytes, &t);
    const char *slash = strrchr(i->path, '/');
    if (cause) return cause;
    if (strcmp(t.type, "monolithicFlat"))
        return image_refuse(i, "is a VMDK of the kind %.40s, which is not supported: convert it",
                            t.type);
    if (t.extents != 1 || !*t.extent || strchr(t.extent, '/'))
        return "names more than one extent, or one in another folder, which is not supported";
    snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash + 1 - i->path) : 0, i->path,
             t.extent);
    int fd = open(path, (i->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) return image_refuse(i, "its extent %.100s: %s", t.extent, strerror(errno));
    off_t bytes = lseek(fd, 0, SEEK_END);
    v->extent = fd;
    i->sectors = t.sectors;
    if (bytes < 0 || t.offset > (uint64_t)bytes ||
        t.sectors * SECTOR_SIZE > (uint64_t)bytes - t.offset)
        return image_refuse(i, "its extent %.100s is shorter than the disk", t.extent);
    v->extent_offset = t.offset;
    return NULL;
}

static const char *vmdk_open(struct image *i)
{
    struct vmdk *v = calloc(1, sizeof *v);
    uint8_t h[SECTOR_SIZE];
    i->own = v;
    if (!v) return "out of memory";
    v->extent = -1;
    int error = image_file_read(i->fd, 0, h, sizeof h);
    if (error) return strerror(error);
    if (!memcmp(h, "KDMV", 4)) return open_sparse(i, v, h);
    return memcmp(h, VMDK_TEXT, strlen(VMDK_TEXT)) ? "is not a VMDK image" : open_flat(i, v);
}

/* ---- grains ---------------------------------------------------------------------------------- */
static int get_sector(struct image *i, uint64_t offset, uint64_t *sector)
{
    struct vmdk *v = i->own;
    uint8_t raw[4];
    int error = meta_get(v->s.meta, offset, raw, sizeof raw);
    *sector = get_le32(raw);
    return error;
}

static int put_sector(struct image *i, uint64_t offset, uint64_t sector, unsigned class)
{
    struct vmdk *v = i->own;
    uint8_t raw[4];
    put_le(raw, sector, sizeof raw);
    return meta_put(v->s.meta, offset, raw, sizeof raw, class);
}

static uint64_t tables(const struct image *i)
{
    const struct vmdk *v = i->own;
    uint64_t per = (uint64_t)v->s.block_size / SECTOR_SIZE * VMDK_PER_TABLE;
    return (i->sectors + per - 1) / per;
}

static int find(struct image *i, uint64_t block, struct place *p)
{
    struct vmdk *v = i->own;
    uint64_t table, sector;
    *p = (struct place){ .kind = PLACE_NONE };
    int error = get_sector(i, v->directory + block / VMDK_PER_TABLE * 4, &table);
    if (error || !table) return error;
    error = get_sector(i, table * SECTOR_SIZE + block % VMDK_PER_TABLE * 4, &sector);
    if (error || !sector) return error;
    p->kind = v->zeroes && sector == 1 ? PLACE_ZERO : PLACE_DATA;
    p->offset = sector * SECTOR_SIZE;
    bool clear = p->offset >= v->directory + tables(i) * 4;
    return p->kind == PLACE_ZERO || clear ? 0 : EUCLEAN;
}

static int allocate(struct image *i, uint64_t *offset)
{
    struct vmdk *v = i->own;
    *offset = v->spare ? v->spare : v->next;
    if (*offset / SECTOR_SIZE > UINT32_MAX) return EOVERFLOW;
    if (!v->spare) v->next += v->s.block_size;
    v->spare = 0;
    return 0;
}

static void release(struct image *i, uint64_t offset)
{
    ((struct vmdk *)i->own)->spare = offset;
}

/* The table for a grain in one of the two directories; a missing one goes behind everything. */
static int need_table(struct image *i, uint64_t directory, uint64_t n, uint64_t *table)
{
    static const uint8_t zeroes[VMDK_PER_TABLE * 4];
    struct vmdk *v = i->own;
    int error = get_sector(i, directory + n * 4, table);
    *table *= SECTOR_SIZE;
    if (error || *table) return error;
    *table = v->next;
    if (*table / SECTOR_SIZE > UINT32_MAX) return EOVERFLOW;
    error = meta_put(v->s.meta, *table, zeroes, sizeof zeroes, GRAIN_CLASS);
    if (error) return error;
    v->next = round_up(v->next + sizeof zeroes, v->s.block_size);
    return put_sector(i, directory + n * 4, *table / SECTOR_SIZE, TABLE_CLASS);
}

static int enter(struct image *i, uint64_t block, uint64_t offset, const struct place *old)
{
    struct vmdk *v = i->own;
    const uint64_t directories[] = { v->redundant, v->directory };
    (void)old;
    for (unsigned k = 0; k < COUNT_OF(directories); k++) {
        uint64_t table;
        if (!directories[k]) continue;
        int error = need_table(i, directories[k], block / VMDK_PER_TABLE, &table);
        if (!error) error = put_sector(i, table + block % VMDK_PER_TABLE * 4, offset / SECTOR_SIZE,
                                       GRAIN_CLASS);
        if (error) return error;
    }
    return 0;
}

static const struct sparse_ops vmdk_ops = { .find = find, .allocate = allocate, .release = release,
                                            .enter = enter };

/* ---- use ------------------------------------------------------------------------------------- */
static bool is_flat(const struct image *i) { return ((const struct vmdk *)i->own)->extent >= 0; }

static uint64_t place(const struct image *i, uint64_t sector)
{
    return ((const struct vmdk *)i->own)->extent_offset + sector * SECTOR_SIZE;
}

static int vmdk_read(struct image *i, uint64_t sector, uint32_t count, void *to)
{
    if (!is_flat(i)) return sparse_read(i, sector, count, to);
    int fd = ((struct vmdk *)i->own)->extent;
    return image_file_read(fd, place(i, sector), to, (size_t)count * SECTOR_SIZE);
}

static int vmdk_write(struct image *i, uint64_t sector, uint32_t count, const void *from)
{
    if (!is_flat(i)) return sparse_write(i, sector, count, from);
    int fd = ((struct vmdk *)i->own)->extent;
    return image_file_write(fd, place(i, sector), from, (size_t)count * SECTOR_SIZE);
}

static int vmdk_flush(struct image *i)
{
    if (!is_flat(i)) return sparse_flush(i);
    return fdatasync(((struct vmdk *)i->own)->extent) == 0 ? 0 : errno;
}

static int vmdk_settle(struct image *i)
{
    return is_flat(i) ? 0 : sparse_settle(i);
}

static void vmdk_close(struct image *i)
{
    struct vmdk *v = i->own;
    if (!v) return;
    if (v->extent >= 0) close(v->extent);
    if (!i->read_only && v->s.meta) meta_flush(v->s.meta);
    sparse_done(&v->s);
    free(v);
}

static int vmdk_check(struct image *i, struct image_report *r, bool repair)
{
    return is_flat(i) ? 0 : sparse_check(i, r, repair);
}

static enum image_where vmdk_where(struct image *i, uint64_t sector, uint64_t count, uint64_t *run)
{
    *run = count;
    return is_flat(i) ? IMAGE_DATA : sparse_where(i, sector, count, run);
}

static void vmdk_info(struct image *i, struct image_info *info)
{
    const struct vmdk *v = i->own;
    info->cluster = is_flat(i) ? 0 : v->s.block_size;
    snprintf(info->more, sizeof info->more, "create type: %s",
             is_flat(i) ? "monolithicFlat" : "monolithicSparse");
}

const struct image_format image_vmdk = {
    .name = "vmdk",
    .about = "VMware's VMDK, monolithicSparse and monolithicFlat",
    .extensions = "vmdk",
    .open = vmdk_open,
    .read = vmdk_read,
    .write = vmdk_write,
    .flush = vmdk_flush,
    .close = vmdk_close,
    .looks_like = looks_like,
    .create = vmdk_create,
    .check = vmdk_check,
    .info = vmdk_info,
    .where = vmdk_where,
    .settle = vmdk_settle,
};
