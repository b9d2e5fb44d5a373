/* SPDX-License-Identifier: MIT
 * VDI, VirtualBox's format, version 1.1, dynamic and static. There is no data sheet: the header is
 * described in the VirtualBox forum (tutorial "All about VDIs") and in what VBoxManage writes.
 *
 *   000  text   040  BEDA107Fh   044  version   04C  1: dynamic, 2: static   154  block map
 *   158  blocks   170  bytes of the disk   178  block size   180  blocks   184  blocks in use
 *
 * Not implemented: differencing disks, blocks with extra data.
 */
#include "iodev/image/bytes.h"
#include "iodev/image/sparse.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

enum { HEADER = 512, SIGNATURE = 0x40, VERSION = 0x44, HEADER_SIZE = 0x48, TYPE = 0x4C, MAP = 0x154,
       DATA = 0x158, SECTOR = 0x168, BYTES = 0x170, BLOCK = 0x178, EXTRA = 0x17C, BLOCKS = 0x180,
       IN_USE = 0x184, UUID = 0x188, SNAPSHOT = 0x198, LINK = 0x1A8 };
enum { COUNT_CLASS = 1, MAP_CLASS = 2, DYNAMIC = 1, STATIC = 2 };
#define UNUSED    0xFFFFFFFFu
#define ZEROES    0xFFFFFFFEu
#define MAGIC     0xBEDA107Fu
#define LARGEST   ((uint64_t)1 << 26)          /* blocks: 64 TiB of 1 MiB */

struct vdi {
    struct sparse s;           /* first: see sparse.h */
    uint64_t map, data;        /* bytes */
    uint32_t blocks, in_use, stored_in_use;
    int64_t  spare;            /* a block that was made and not used; -1: none */
    bool     is_static;
};

static bool looks_like(const uint8_t *first, size_t len)
{
    return len >= HEADER && get_le32(first + SIGNATURE) == MAGIC;
}

static const char *read_header(struct image *i, struct vdi *v, const uint8_t *h, uint32_t *block)
{
    static const uint8_t none[16];
    uint32_t type = get_le32(h + TYPE);
    uint64_t bytes = get_le64(h + BYTES);
    if (get_le32(h + SIGNATURE) != MAGIC) return "is not a VDI image";
    if (get_le32(h + VERSION) != 0x10001)
        return image_refuse(i, "is a VDI image of version %Xh; 10001h is supported",
                            get_le32(h + VERSION));
    if ((type != DYNAMIC && type != STATIC) || memcmp(h + LINK, none, sizeof none))
        return "is a differencing VDI or of another kind that is not supported";
    *block = get_le32(h + BLOCK);
    v->map = get_le32(h + MAP);
    v->data = get_le32(h + DATA);
    v->blocks = get_le32(h + BLOCKS);
    v->stored_in_use = get_le32(h + IN_USE);
    v->is_static = type == STATIC;
    i->sectors = bytes / SECTOR_SIZE + (bytes % SECTOR_SIZE != 0);
    if (get_le32(h + SECTOR) != SECTOR_SIZE || get_le32(h + EXTRA))
        return "has sectors of another size than 512 bytes, or extra data, which is not supported";
    if (!sparse_is_block_size(*block))
        return "is damaged: the block size is impossible";
    if (v->blocks > LARGEST || bytes > (uint64_t)v->blocks * *block)
        return "is damaged: the block map is too short for the disk";
    if (v->map % SECTOR_SIZE || v->data % SECTOR_SIZE || v->map < HEADER ||
        v->data < v->map + (uint64_t)v->blocks * 4 || v->data - v->map > i->file_bytes)
        return "is damaged: the block map is at an impossible place";
    return NULL;
}

/* The next block goes behind all that the map names, whatever the header counts. */
static const char *read_map(struct image *i, struct vdi *v)
{
    uint8_t part[4096];
    for (uint64_t n = 0; n < v->blocks; n++) {
        uint64_t at = n * 4 % sizeof part;
        int error = at ? 0 : image_file_read(i->fd, v->map + n * 4, part, sizeof part);
        if (error) return strerror(error);
        uint32_t entry = get_le32(part + at);
        if (entry < v->blocks && entry >= v->in_use) v->in_use = entry + 1;
    }
    return NULL;
}

static const struct sparse_ops vdi_ops;

static const char *vdi_open(struct image *i)
{
    struct vdi *v = calloc(1, sizeof *v);
    uint8_t h[HEADER];
    uint32_t block = 0;
    i->own = v;
    if (!v) return "out of memory";
    v->spare = -1;
    int error = image_file_read(i->fd, 0, h, sizeof h);
    const char *cause = error ? strerror(error) : read_header(i, v, h, &block);
    if (!cause) cause = read_map(i, v);
    if (cause) return cause;
    return sparse_init(i, &v->s, &vdi_ops, block, SECTOR_SIZE) ? NULL : "out of memory";
}

static int put_count(struct image *i, uint32_t count)
{
    struct vdi *v = i->own;
    uint8_t raw[4];
    put_le(raw, count, sizeof raw);
    return meta_put(v->s.meta, IN_USE, raw, sizeof raw, COUNT_CLASS);
}

/* Others take the place of the next block from the header. */
static const char *vdi_begin(struct image *i)
{
    struct vdi *v = i->own;
    if (v->in_use == v->stored_in_use) return NULL;
    int error = put_count(i, v->in_use);
    if (!error) error = meta_flush(v->s.meta);
    return error ? strerror(error) : NULL;
}

static int find(struct image *i, uint64_t block, struct place *p)
{
    struct vdi *v = i->own;
    uint8_t raw[4];
    *p = (struct place){ .kind = PLACE_NONE };
    if (block >= v->blocks) return EUCLEAN;
    int error = meta_get(v->s.meta, v->map + block * 4, raw, sizeof raw);
    uint32_t entry = get_le32(raw);
    if (error || entry == UNUSED) return error;
    p->kind = entry == ZEROES ? PLACE_ZERO : PLACE_DATA;
    p->offset = v->data + (uint64_t)entry * v->s.block_size;
    return entry == ZEROES || entry < v->blocks ? 0 : EUCLEAN;
}

static int allocate(struct image *i, uint64_t *offset)
{
    struct vdi *v = i->own;
    uint64_t n = v->spare >= 0 ? (uint64_t)v->spare : v->in_use;
    if (n >= v->blocks) return EUCLEAN;
    int error = v->spare >= 0 ? 0 : put_count(i, v->in_use + 1);
    if (error) return error;
    if (v->spare < 0) v->in_use++;
    v->spare = -1;
    *offset = v->data + n * v->s.block_size;
    return 0;
}

static void release(struct image *i, uint64_t offset)
{
    struct vdi *v = i->own;
    v->spare = (int64_t)((offset - v->data) / v->s.block_size);
}

static int enter(struct image *i, uint64_t block, uint64_t offset, const struct place *old)
{
    struct vdi *v = i->own;
    uint8_t raw[4];
    (void)old;
    put_le(raw, (offset - v->data) / v->s.block_size, sizeof raw);
    return meta_put(v->s.meta, v->map + block * 4, raw, sizeof raw, MAP_CLASS);
}

static const struct sparse_ops vdi_ops = { .find = find, .allocate = allocate, .release = release,
                                           .enter = enter };

static void vdi_close(struct image *i)
{
    struct vdi *v = i->own;
    if (v && !i->read_only && v->s.meta) meta_flush(v->s.meta);
    if (v) sparse_done(&v->s);
    free(v);
}

static void vdi_info(struct image *i, struct image_info *info)
{
    const struct vdi *v = i->own;
    info->cluster = v->s.block_size;
    snprintf(info->more, sizeof info->more, "subformat: %s", v->is_static ? "static" : "dynamic");
}

static void make_header(uint8_t *h, uint64_t bytes, uint32_t block, uint32_t blocks, bool fixed)
{
    strcpy((char *)h, "<<< Oracle VM VirtualBox Disk Image >>>\n");
    put_le(h + SIGNATURE, MAGIC, 4);
    put_le(h + VERSION, 0x10001, 4);
    put_le(h + HEADER_SIZE, 0x190, 4);
    put_le(h + TYPE, fixed ? STATIC : DYNAMIC, 4);
    put_le(h + MAP, HEADER, 4);
    put_le(h + DATA, round_up(HEADER + (uint64_t)blocks * 4, SECTOR_SIZE), 4);
    put_le(h + SECTOR, SECTOR_SIZE, 4);
    put_le(h + BYTES, bytes, 8);
    put_le(h + BLOCK, block, 4);
    put_le(h + BLOCKS, blocks, 4);
    put_le(h + IN_USE, fixed ? blocks : 0, 4);
    if (getrandom(h + UUID, 32, 0) != 32) memset(h + UUID, 0x56, 32);
}

static const char *vdi_create(int fd, const struct image_plan *p)
{
    uint8_t h[HEADER] = { 0 }, part[HEADER];
    uint32_t block = p->cluster ? p->cluster : 1 << 20;
    uint64_t bytes = round_up(p->bytes, SECTOR_SIZE), blocks = (bytes + block - 1) / block;
    if (!sparse_is_block_size(block)) return SPARSE_BLOCK_SIZES;
    if (blocks > LARGEST / 4) return "the disk is too large for a VDI image";
    make_header(h, bytes, block, (uint32_t)blocks, p->fixed);
    uint64_t data = get_le32(h + DATA), end = data + (p->fixed ? blocks * block : 0);
    if (ftruncate(fd, 0) || ftruncate(fd, (off_t)end)) return image_create_failed();
    int error = image_file_write(fd, 0, h, sizeof h);
    for (uint64_t n = 0; n < blocks && !error; n += sizeof part / 4) {
        memset(part, 0xFF, sizeof part);
        for (uint64_t k = n; p->fixed && k < blocks && k < n + sizeof part / 4; k++)
            put_le(part + (k - n) * 4, k, 4);
        error = image_file_write(fd, HEADER + n * 4, part, sizeof part);
    }
    return error ? strerror(error) : NULL;
}

const struct image_format image_vdi = {
    .name = "vdi", .about = "VirtualBox's VDI, dynamic and static", .extensions = "vdi",
    .open = vdi_open, .begin = vdi_begin, .read = sparse_read, .write = sparse_write,
    .flush = sparse_flush, .close = vdi_close, .looks_like = looks_like, .create = vdi_create,
    .plans = IMAGE_PLAN_CLUSTER | IMAGE_PLAN_FIXED,
    .check = sparse_check, .info = vdi_info, .where = sparse_where, .settle = sparse_settle,
};
