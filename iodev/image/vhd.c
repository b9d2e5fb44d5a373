/* SPDX-License-Identifier: MIT
 * VHD, fixed and dynamic. Microsoft Virtual Hard Disk Image Format Specification 1.0 (2006).
 *
 *   fixed     sectors | footer
 *   dynamic   copy of the footer | header | block table | bitmap, block | ... | footer
 *
 * Not implemented: differencing disks; bitmaps are written (all ones) and not read: what they mark
 * as unused is zeroes in the block, too.
 */
#include "iodev/image/bytes.h"
#include "iodev/image/sparse.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

enum { FOOTER = 512, HEADER = 1024, FIXED = 2, DYNAMIC = 3, DIFFERENCING = 4 };
enum { TABLE_CLASS = 1, USUAL_BLOCK = 2 << 20 };
#define UNUSED     0xFFFFFFFFu
#define MOST_BYTES ((uint64_t)2040 << 30)      /* what the geometry and the tables are made for */

struct vhd {
    struct sparse s;           /* first: see sparse.h; unused when fixed */
    bool     fixed, at_end;    /* at_end: the footer is where it should be */
    uint8_t  footer[FOOTER];
    uint64_t table, next;      /* bytes: the block table; where the next block begins */
    uint64_t spare;            /* a block that was made and not used; 0: none */
    uint32_t blocks, bitmap;   /* entries of the table; bytes before a block */
};

static uint32_t checksum(const uint8_t *p, size_t len, size_t field)
{
    uint32_t sum = 0;
    for (size_t n = 0; n < len; n++) sum += n >= field && n < field + 4 ? 0 : p[n];
    return ~sum;
}

static bool is_footer(const uint8_t *f) { return !memcmp(f, "conectix", 8); }

static bool looks_like(const uint8_t *first, size_t len)
{
    return len >= FOOTER && is_footer(first);
}

/* ---- opening --------------------------------------------------------------------------------- */
static bool is_sound(const uint8_t *f)
{
    return is_footer(f) && checksum(f, FOOTER, 64) == get_be32(f + 64);
}

/* At the end; where a crash left it out, or it is damaged, the copy at the start. */
static const char *read_footer(struct image *i, struct vhd *v)
{
    int error = i->file_bytes < FOOTER
                    ? 0 : image_file_read(i->fd, i->file_bytes - FOOTER, v->footer, FOOTER);
    bool damaged = is_footer(v->footer);
    v->at_end = is_sound(v->footer);
    if (!error && !v->at_end) error = image_file_read(i->fd, 0, v->footer, FOOTER);
    if (error) return strerror(error);
    if (is_sound(v->footer)) return NULL;
    return damaged || is_footer(v->footer) ? "is damaged: the footer's checksum is wrong"
                                           : "is not a VHD image";
}

static const char *read_header(struct image *i, struct vhd *v, uint32_t *block_size)
{
    uint8_t h[HEADER];
    uint64_t at = get_be64(v->footer + 16);
    int error = image_file_read(i->fd, at, h, sizeof h);
    if (error) return strerror(error);
    if (memcmp(h, "cxsparse", 8)) return "is damaged: no header of a dynamic disk";
    if (checksum(h, sizeof h, 36) != get_be32(h + 36))
        return "is damaged: the header's checksum is wrong";
    v->table = get_be64(h + 16);
    v->blocks = get_be32(h + 28);
    *block_size = get_be32(h + 32);
    if (!sparse_is_block_size(*block_size))
        return "is damaged: the block size is impossible";
    if (v->table % SECTOR_SIZE || v->table < HEADER || v->table > i->file_bytes ||
        (uint64_t)v->blocks * 4 > i->file_bytes - v->table)
        return "is damaged: the block table is outside the file";
    if ((i->sectors + *block_size / SECTOR_SIZE - 1) / (*block_size / SECTOR_SIZE) > v->blocks)
        return "is damaged: the block table is too short for the disk";
    v->bitmap = (uint32_t)round_up(*block_size / SECTOR_SIZE / 8, SECTOR_SIZE);
    return NULL;
}

/* Behind the table and all blocks. */
static const char *find_end(struct image *i, struct vhd *v, uint32_t block_size)
{
    uint8_t part[4096];
    v->next = round_up(v->table + (uint64_t)v->blocks * 4, SECTOR_SIZE);
    for (uint64_t n = 0; n < v->blocks; n++) {
        uint64_t at = n * 4 % sizeof part;
        int error = at ? 0 : image_file_read(i->fd, v->table + n * 4, part, sizeof part);
        if (error) return strerror(error);
        uint32_t entry = get_be32(part + at);
        uint64_t end = (uint64_t)entry * SECTOR_SIZE + v->bitmap + block_size;
        if (entry != UNUSED && end > v->next) v->next = end;
    }
    return NULL;
}

static const struct sparse_ops vhd_ops;

static const char *open_dynamic(struct image *i, struct vhd *v)
{
    uint32_t block_size = 0;
    const char *cause = read_header(i, v, &block_size);
    if (!cause) cause = find_end(i, v, block_size);
    if (cause) return cause;
    if (!sparse_init(i, &v->s, &vhd_ops, block_size, SECTOR_SIZE)) return "out of memory";
    v->s.before = v->bitmap;
    return NULL;
}

static const char *vhd_open(struct image *i)
{
    struct vhd *v = calloc(1, sizeof *v);
    i->own = v;
    if (!v) return "out of memory";
    const char *cause = read_footer(i, v);
    if (cause) return cause;
    uint32_t type = get_be32(v->footer + 60);
    uint64_t bytes = get_be64(v->footer + 48);
    if (bytes > MOST_BYTES) return "is damaged: the disk's size is impossible";
    i->sectors = bytes / SECTOR_SIZE;
    v->fixed = type == FIXED;
    if (type == DYNAMIC) return open_dynamic(i, v);
    if (type == DIFFERENCING)
        return "is a differencing VHD, which is not supported: merge it with its parent";
    if (!v->fixed) return image_refuse(i, "is a VHD of the unknown type %u", type);
    return !v->at_end || bytes + FOOTER > i->file_bytes
               ? "is cut off: the disk is longer than the file"
               : NULL;
}

/* A crash may have left a block that nothing points to, or no footer at the end; or that one is
 * damaged. */
static const char *vhd_begin(struct image *i)
{
    struct vhd *v = i->own;
    if (v->fixed || (v->at_end && i->file_bytes == v->next + FOOTER)) return NULL;
    int error = image_file_write(i->fd, v->next, v->footer, FOOTER);
    if (!error && ftruncate(i->fd, (off_t)(v->next + FOOTER))) error = errno;
    v->s.end = v->next + FOOTER;
    return error ? strerror(error) : NULL;
}

/* ---- blocks ---------------------------------------------------------------------------------- */
static int find(struct image *i, uint64_t block, struct place *p)
{
    struct vhd *v = i->own;
    uint8_t raw[4];
    *p = (struct place){ .kind = PLACE_NONE };
    if (block >= v->blocks) return EUCLEAN;
    int error = meta_get(v->s.meta, v->table + block * 4, raw, sizeof raw);
    if (error || get_be32(raw) == UNUSED) return error;
    p->kind = PLACE_DATA;
    p->offset = (uint64_t)get_be32(raw) * SECTOR_SIZE;
    bool clear = p->offset >= v->table + (uint64_t)v->blocks * 4;
    p->offset += v->bitmap;
    return clear ? 0 : EUCLEAN;
}

/* The footer goes to its new place first; then the bitmap replaces the old one. */
static int allocate(struct image *i, uint64_t *offset)
{
    struct vhd *v = i->own;
    *offset = v->spare ? v->spare : v->next + v->bitmap;
    if (v->spare) return v->spare = 0, 0;
    uint64_t end = v->next + v->bitmap + v->s.block_size;
    if (end / SECTOR_SIZE >= UNUSED) return EOVERFLOW;
    uint8_t *ones = malloc(v->bitmap);
    if (!ones) return ENOMEM;
    memset(ones, 0xFF, v->bitmap);
    int error = image_file_write(i->fd, end, v->footer, FOOTER);
    if (!error) error = image_file_write(i->fd, v->next, ones, v->bitmap);
    free(ones);
    meta_data_written(v->s.meta);
    if (error) return error;
    if (v->s.end < v->next + v->bitmap) v->s.end = v->next + v->bitmap;
    v->next = end;
    return 0;
}

static void release(struct image *i, uint64_t offset)
{
    ((struct vhd *)i->own)->spare = offset;
}

static int enter(struct image *i, uint64_t block, uint64_t offset, const struct place *old)
{
    struct vhd *v = i->own;
    uint8_t raw[4];
    (void)old;
    put_be(raw, (offset - v->bitmap) / SECTOR_SIZE, sizeof raw);
    return meta_put(v->s.meta, v->table + block * 4, raw, sizeof raw, TABLE_CLASS);
}

static bool table(struct image *i, uint64_t n, struct extent *e)
{
    const struct vhd *v = i->own;
    const struct extent all[] = { { 0, FOOTER },
                                  { get_be64(v->footer + 16), HEADER },
                                  { v->table, (uint64_t)v->blocks * 4 } };
    if (n < COUNT_OF(all)) *e = all[n];
    return n < COUNT_OF(all);
}

static const struct sparse_ops vhd_ops = { .find = find, .allocate = allocate, .release = release,
                                           .enter = enter, .table = table };

static int vhd_read(struct image *i, uint64_t sector, uint32_t count, void *to)
{
    if (!((struct vhd *)i->own)->fixed) return sparse_read(i, sector, count, to);
    return image_file_read(i->fd, sector * SECTOR_SIZE, to, (size_t)count * SECTOR_SIZE);
}

static int vhd_write(struct image *i, uint64_t sector, uint32_t count, const void *from)
{
    if (!((struct vhd *)i->own)->fixed) return sparse_write(i, sector, count, from);
    return image_file_write(i->fd, sector * SECTOR_SIZE, from, (size_t)count * SECTOR_SIZE);
}

static int vhd_flush(struct image *i)
{
    if (!((struct vhd *)i->own)->fixed) return sparse_flush(i);
    return fdatasync(i->fd) == 0 ? 0 : errno;
}

static int vhd_settle(struct image *i)
{
    return ((struct vhd *)i->own)->fixed ? 0 : sparse_settle(i);
}

static void vhd_close(struct image *i)
{
    struct vhd *v = i->own;
    if (v && !i->read_only && v->s.meta) meta_flush(v->s.meta);
    if (v) sparse_done(&v->s);
    free(v);
}

static int vhd_check(struct image *i, struct image_report *r, enum image_repair repair)
{
    return ((struct vhd *)i->own)->fixed ? 0 : sparse_check(i, r, repair);
}

static enum image_where vhd_where(struct image *i, uint64_t sector, uint64_t count, uint64_t *run)
{
    *run = count;
    return ((struct vhd *)i->own)->fixed ? IMAGE_DATA : sparse_where(i, sector, count, run);
}

static void vhd_info(struct image *i, struct image_info *info)
{
    const struct vhd *v = i->own;
    info->cluster = v->fixed ? 0 : v->s.block_size;
    snprintf(info->more, sizeof info->more, "subformat: %s", v->fixed ? "fixed" : "dynamic");
}

/* ---- making ---------------------------------------------------------------------------------- */
/* The specification's appendix "CHS calculation". */
static uint32_t geometry(uint64_t sectors)
{
    uint64_t heads = 16, spt = 255, tracks;
    if (sectors > 65535ull * 16 * 255) sectors = 65535ull * 16 * 255;
    tracks = sectors / spt;
    if (sectors < 65535ull * 16 * 63) {
        spt = 17;
        tracks = sectors / spt;
        heads = (tracks + 1023) / 1024;
        if (heads < 4) heads = 4;
        if (tracks >= heads * 1024 || heads > 16) heads = 16, spt = 31, tracks = sectors / spt;
        if (tracks >= heads * 1024) heads = 16, spt = 63, tracks = sectors / spt;
    }
    return (uint32_t)(tracks / heads << 16 | heads << 8 | spt);
}

/* "win ": readers that know several makers take the size, not the geometry, for this one's. */
static void make_footer(uint8_t *f, uint64_t bytes, bool fixed)
{
    memset(f, 0, FOOTER);
    memcpy(f, "conectix", 8);
    put_be(f + 8, 2, 4);
    put_be(f + 12, 0x10000, 4);
    put_be(f + 16, fixed ? UINT64_MAX : FOOTER, 8);
    put_be(f + 24, (uint64_t)time(NULL) - 946684800, 4);       /* seconds since 2000 */
    memcpy(f + 28, "win ", 4);
    put_be(f + 32, 0x60001, 4);
    memcpy(f + 36, "Wi2k", 4);
    put_be(f + 40, bytes, 8);
    put_be(f + 48, bytes, 8);
    put_be(f + 56, geometry(bytes / SECTOR_SIZE), 4);
    put_be(f + 60, fixed ? FIXED : DYNAMIC, 4);
    if (getrandom(f + 68, 16, 0) != 16) memset(f + 68, 0x56, 16);
    put_be(f + 64, checksum(f, FOOTER, 64), 4);
}

static int write_dynamic(int fd, const uint8_t *footer, uint64_t bytes, uint32_t block)
{
    uint8_t h[HEADER] = { 0 }, ones[SECTOR_SIZE];
    uint64_t blocks = (bytes + block - 1) / block, table = FOOTER + HEADER;
    uint64_t end = table + round_up(blocks * 4, SECTOR_SIZE);
    memcpy(h, "cxsparse", 8);
    put_be(h + 8, UINT64_MAX, 8);
    put_be(h + 16, table, 8);
    put_be(h + 24, 0x10000, 4);
    put_be(h + 28, blocks, 4);
    put_be(h + 32, block, 4);
    put_be(h + 36, checksum(h, HEADER, 36), 4);
    memset(ones, 0xFF, sizeof ones);
    int error = image_file_write(fd, 0, footer, FOOTER);
    if (!error) error = image_file_write(fd, FOOTER, h, HEADER);
    for (; table < end && !error; table += sizeof ones)
        error = image_file_write(fd, table, ones, sizeof ones);
    return error ? error : image_file_write(fd, end, footer, FOOTER);
}

static const char *vhd_create(int fd, const struct image_plan *p)
{
    uint8_t footer[FOOTER];
    uint64_t bytes = round_up(p->bytes, SECTOR_SIZE);
    uint32_t block = p->cluster ? p->cluster : USUAL_BLOCK;
    if (!sparse_is_block_size(block)) return SPARSE_BLOCK_SIZES;
    if (bytes > MOST_BYTES) return "a VHD disk has 2040 GiB at most";
    make_footer(footer, bytes, p->fixed);
    if (ftruncate(fd, 0)) return image_create_failed();
    int error = p->fixed ? image_file_write(fd, bytes, footer, FOOTER)
                         : write_dynamic(fd, footer, bytes, block);
    return error ? strerror(error) : NULL;
}

const struct image_format image_vhd = {
    .name = "vhd", .about = "Microsoft's VHD, fixed and dynamic", .extensions = "vhd vpc",
    .open = vhd_open, .begin = vhd_begin, .read = vhd_read, .write = vhd_write, .flush = vhd_flush,
    .close = vhd_close, .looks_like = looks_like, .create = vhd_create,
    .plans = IMAGE_PLAN_CLUSTER | IMAGE_PLAN_FIXED, .check = vhd_check,
    .info = vhd_info, .where = vhd_where, .settle = vhd_settle,
};
