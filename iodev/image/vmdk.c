/* SPDX-License-Identifier: MIT
 * VMDK: grains in a file, monolithicSparse, streamOptimized (for reading), and as an extent.
 * VMware Virtual Disk Format 1.1 (2007).
 *
 *   header | descriptor | redundant directory and tables | directory and tables | grains ...
 *
 *   directory -> 512 entries each -> grain      numbers of sectors, 32 bits; 0: not there
 *   a compressed grain: its first sector, 64 bits | bytes, 32 bits | zlib stream
 *
 * Not implemented: parents, ESX's own formats; the descriptor's CID stays as it is when the disk is
 * written.
 */
#include "iodev/image/vmdk.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

enum { VERSION = 4, FLAGS = 8, CAPACITY = 12, GRAIN = 20, TEXT = 28, TEXT_SIZE = 36, PER_TABLE = 44,
       REDUNDANT = 48, DIRECTORY = 56 };
enum { FLAG_REDUNDANT = 2, FLAG_ZEROES = 4, FLAG_COMPRESSED = 1 << 16 };
enum { COMPRESSION = 77, DEFLATE = 1, GRAIN_HEADER = 12, FOOTER_FROM_END = 2 * SECTOR_SIZE };
#define AT_THE_END UINT64_MAX          /* the directory's place is in the footer */
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
    v->compressed = flags & FLAG_COMPRESSED;
    if (get_le16(h + COMPRESSION) > DEFLATE || (!v->compressed && get_le16(h + COMPRESSION)))
        return "is a VMDK compressed in an unknown way: convert it";
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

static const char *read_text(struct image *i, struct vmdk *v, const uint8_t *h)
{
    uint64_t at = get_le64(h + TEXT), sectors = get_le64(h + TEXT_SIZE);
    if (!at) return NULL;                                  /* an extent of its own */
    if (at > 1 << 20 || !sectors || sectors > 1 << 20)
        return "is damaged: the descriptor is at an impossible place";
    struct vmdk_text t;
    const char *cause = vmdk_read_text(i, at * SECTOR_SIZE, sectors * SECTOR_SIZE, &t);
    free(t.line);
    if (cause) return cause;
    v->text = (struct extent){ at * SECTOR_SIZE, sectors * SECTOR_SIZE };
    snprintf(v->type, sizeof v->type, "%.31s", t.type);
    /* qemu-img's extents have room for a descriptor, and none in it */
    bool known =
        !*t.type || !strcmp(t.type, "monolithicSparse") || !strcmp(t.type, "streamOptimized");
    return known ? NULL : image_refuse(i, "is a VMDK of the kind %.40s, which is not supported: "
                                       "convert it", t.type);
}

static const struct sparse_ops vmdk_ops;

static const char *open_sparse(struct image *i, struct vmdk *v, const uint8_t *h)
{
    uint64_t grain = 0;
    uint8_t footer[SECTOR_SIZE];
    if (get_le64(h + DIRECTORY) == AT_THE_END) {           /* streamOptimized, written in one go */
        if (i->file_bytes < 4 * SECTOR_SIZE ||
            image_file_read(i->fd, i->file_bytes - FOOTER_FROM_END, footer, sizeof footer) ||
            memcmp(footer, "KDMV", 4))
            return "is damaged: its footer is missing";
        put_le(footer + TEXT, get_le64(h + TEXT), 8);
        h = footer;
    }
    const char *cause = read_header(i, v, h, &grain);
    if (!cause) cause = read_text(i, v, h);
    if (cause) return cause;
    v->zeroes = get_le32(h + FLAGS) & FLAG_ZEROES;
    uint64_t tables = (i->sectors + grain * VMDK_PER_TABLE - 1) / (grain * VMDK_PER_TABLE);
    if (v->directory > i->file_bytes || tables * 4 > i->file_bytes - v->directory)
        return "is damaged: the grain directory is outside the file";
    v->next = round_up(i->file_bytes, grain * SECTOR_SIZE);
    return sparse_init(i, &v->s, &vmdk_ops, (uint32_t)grain * SECTOR_SIZE, SECTOR_SIZE)
               ? NULL : "out of memory";
}

static const char *open_grains(struct image *i)
{
    struct vmdk *v = calloc(1, sizeof *v);
    uint8_t h[SECTOR_SIZE];
    i->own = v;
    if (!v) return "out of memory";
    int error = image_file_read(i->fd, 0, h, sizeof h);
    if (error) return strerror(error);
    return memcmp(h, "KDMV", 4) ? "is not a VMDK image" : open_sparse(i, v, h);
}

static const char *vmdk_open(struct image *i)
{
    char start[sizeof VMDK_TEXT] = "";
    if (image_file_read(i->fd, 0, start, sizeof start - 1) || strcmp(start, VMDK_TEXT))
        return open_grains(i);
    i->own = calloc(1, sizeof(struct vmdk));
    return i->own ? vmdk_extents_open(i) : "out of memory";
}

static const char *vmdk_begin(struct image *i)
{
    return ((const struct vmdk *)i->own)->compressed
               ? "is a compressed VMDK (streamOptimized), which can only be read; use "
                 "mode=undoable or "
                 "mode=volatile, or convert it"
               : NULL;
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
    p->kind = v->zeroes && sector == 1 ? PLACE_ZERO : v->compressed ? PLACE_SQUEEZED : PLACE_DATA;
    p->offset = sector * SECTOR_SIZE;
    bool clear = p->offset >= v->directory + tables(i) * 4;
    return p->kind == PLACE_ZERO || clear ? 0 : EUCLEAN;
}

/* The last grain of the disk may be shorter. */
static int unpack(struct image *i, const struct place *p, uint8_t *block)
{
    struct vmdk *v = i->own;
    uint8_t h[GRAIN_HEADER];
    int error = image_file_read(i->fd, p->offset, h, sizeof h);
    uint32_t len = get_le32(h + 8);
    uLongf room = v->s.block_size;
    if (error) return error;
    if (len > 2 * v->s.block_size + SECTOR_SIZE) return EUCLEAN;
    uint8_t *packed = malloc(len ? len : 1);
    error = packed ? image_file_read(i->fd, p->offset + sizeof h, packed, len) : ENOMEM;
    memset(block, 0, v->s.block_size);
    if (!error && uncompress(block, &room, packed, len) != Z_OK) error = EUCLEAN;
    free(packed);
    return error;
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

/* Header, descriptor, the two directories, then the tables that they name. */
static bool table(struct image *i, uint64_t n, struct extent *e)
{
    const struct vmdk *v = i->own;
    uint64_t count = tables(i), directories[] = { v->directory, v->redundant }, sector = 0;
    const struct extent all[] = { { 0, SECTOR_SIZE }, v->text, { v->directory, count * 4 },
                                  { v->redundant, v->redundant ? count * 4 : 0 } };
    if (n < COUNT_OF(all)) return *e = all[n], true;
    n -= COUNT_OF(all);
    if (n >= 2 * count) return false;
    meta_make_room(v->s.meta);
    bool there = directories[n / count] &&
                 !get_sector(i, directories[n / count] + n % count * 4, &sector);
    *e = (struct extent){ sector * SECTOR_SIZE, there && sector ? VMDK_PER_TABLE * 4 : 0 };
    return true;
}

static const struct sparse_ops vmdk_ops = { .find = find, .allocate = allocate, .release = release,
                                            .enter = enter, .unpack = unpack, .table = table };

/* ---- use ------------------------------------------------------------------------------------- */
static const struct joined *files_of(const struct image *i)
{
    return &((const struct vmdk *)i->own)->files;
}

static bool has_extents(const struct image *i) { return files_of(i)->parts; }

static int vmdk_read(struct image *i, uint64_t sector, uint32_t count, void *to)
{
    return has_extents(i) ? joined_read(files_of(i), sector, count, to)
                          : sparse_read(i, sector, count, to);
}

static int vmdk_write(struct image *i, uint64_t sector, uint32_t count, const void *from)
{
    return has_extents(i) ? joined_write(files_of(i), sector, count, from)
                          : sparse_write(i, sector, count, from);
}

static int vmdk_flush(struct image *i)
{
    return has_extents(i) ? joined_flush(files_of(i)) : sparse_flush(i);
}

static int vmdk_settle(struct image *i)
{
    return has_extents(i) ? joined_settle(files_of(i)) : sparse_settle(i);
}

static void vmdk_close(struct image *i)
{
    struct vmdk *v = i->own;
    if (!v) return;
    joined_close(&v->files);
    if (!i->read_only && v->s.meta) meta_flush(v->s.meta);
    sparse_done(&v->s);
    free(v);
}

static int vmdk_check(struct image *i, struct image_report *r, enum image_repair repair)
{
    return has_extents(i) ? joined_check(files_of(i), r, repair) : sparse_check(i, r, repair);
}

static enum image_where vmdk_where(struct image *i, uint64_t sector, uint64_t count, uint64_t *run)
{
    return has_extents(i) ? joined_where(files_of(i), sector, count, run)
                          : sparse_where(i, sector, count, run);
}

static void vmdk_info(struct image *i, struct image_info *info)
{
    const struct vmdk *v = i->own;
    info->cluster = has_extents(i) ? 0 : v->s.block_size;
    snprintf(info->more, sizeof info->more, "create type: %s, extents: %u", v->type,
             has_extents(i) ? v->files.parts : 1);
}

#define OPERATIONS                                                                            \
    .begin = vmdk_begin, .read = vmdk_read, .write = vmdk_write, .flush = vmdk_flush,         \
    .close = vmdk_close, .check = vmdk_check, .info = vmdk_info, .where = vmdk_where,         \
    .settle = vmdk_settle

const struct image_format vmdk_grains = {
    .name = "vmdk", .about = "", .extensions = "", .open = open_grains, OPERATIONS,
};

const struct image_format image_vmdk = {
    .name = "vmdk",
    .about = "VMware's VMDK: sparse and flat, in one file or several; streamOptimized: read only",
    .extensions = "vmdk",
    .open = vmdk_open,
    .looks_like = looks_like,
    .create = vmdk_create,
    .plans = IMAGE_PLAN_FIXED,
    OPERATIONS,
};
