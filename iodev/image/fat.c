/* SPDX-License-Identifier: MIT
 * A folder of the host as a disk: one FAT16 or FAT32 partition, computed sector by sector when it
 * is read. The files stay where they are; what the guest writes goes to the overlay above
 * (image.c). Microsoft FAT specification (2000).
 *
 *   MBR | ... | boot sector, (FSInfo) ... | FAT | FAT | (root) | clusters: each file in one piece
 *
 * The folder is read once, at the start. A file that changes while the machine runs shows its new
 * contents in its old length. Not implemented: booting from it; the BIOS passes it over.
 */
#define _GNU_SOURCE
#include "iodev/image/fat.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

enum {
    START = 63,
    HEADS = 16,
    TRACK = 63,
    ROOT_SECTORS = 32,
    FAT32_RESERVED = 32,
    FAT16_CLUSTERS = 65524
};

struct fat {
    struct fat_tree tree;
    bool     is_32;
    uint32_t cluster;                      /* sectors */
    uint32_t reserved, fat_sectors, root_sectors, clusters, used;
    uint64_t data; /* first sector of cluster 2, from the partition's start */
    uint64_t sectors;                      /* of the partition */
    int      fd;                           /* the file that was read last, and which it is */
    uint32_t fd_node;
};

/* ---- layout ---------------------------------------------------------------------------------- */
static uint32_t bytes_of(const struct fat_node *n)
{
    return n->is_folder ? n->entries * FAT_ENTRY : n->size;
}

/* Clusters for all, one after the other. FAT16's root lies before them. */
static uint64_t place_nodes(struct fat *f)
{
    uint64_t next = 2, unit = (uint64_t)f->cluster * SECTOR_SIZE;
    for (uint32_t n = 0; n < f->tree.nodes; n++) {
        struct fat_node *node = &f->tree.node[n];
        bool outside = !n && !f->is_32;
        node->clusters = outside ? 0 : (uint32_t)((bytes_of(node) + unit - 1) / unit);
        node->first = (uint32_t)next;                      /* of empty ones, too: node_of() */
        next += node->clusters;
    }
    return next - 2;
}

/* Half a GiB as FAT16; what does not fit well, FAT32 with as much room again. */
static const char *choose_size(struct fat *f)
{
    const uint64_t small = 1024 * HEADS * TRACK - START;
    f->cluster = 16;
    f->sectors = small;
    uint64_t used = place_nodes(f);
    f->is_32 = used * f->cluster > small / 4 * 3 || f->tree.node[0].entries > ROOT_SECTORS * 16;
    for (f->cluster = f->is_32 ? 8 : 16; f->is_32 && f->cluster <= 64; f->cluster *= 2) {
        used = place_nodes(f);
        f->sectors = (used * 2 + 131072) * f->cluster;
        if (f->sectors / f->cluster < 1 << 22) break;
    }
    if (f->cluster > 64) return "holds more than a FAT disk can (64 GiB)";
    f->used = (uint32_t)place_nodes(f);
    return NULL;
}

static void lay_out(struct fat *f)
{
    unsigned width = f->is_32 ? 4 : 2;
    f->reserved = f->is_32 ? FAT32_RESERVED : 1;
    f->root_sectors = f->is_32 ? 0 : ROOT_SECTORS;
    uint64_t most = (f->sectors - f->reserved - f->root_sectors) / f->cluster;
    f->fat_sectors = (uint32_t)(((most + 2) * width + SECTOR_SIZE - 1) / SECTOR_SIZE);
    f->data = f->reserved + 2ull * f->fat_sectors + f->root_sectors;
    f->clusters = (uint32_t)((f->sectors - f->data) / f->cluster);
    if (!f->is_32 && f->clusters > FAT16_CLUSTERS) f->clusters = FAT16_CLUSTERS;
}

static const char *fat_open(struct image *i)
{
    struct fat *f = calloc(1, sizeof *f);
    i->own = f;
    if (!f) return "out of memory";
    f->fd = -1;
    const char *cause = fat_tree_read(i, &f->tree);
    if (!cause) cause = choose_size(f);
    if (cause) return cause;
    lay_out(f);
    if (!fat_tree_directories(&f->tree)) return "out of memory";
    i->sectors = START + f->sectors;
    return NULL;
}

static void fat_close(struct image *i)
{
    struct fat *f = i->own;
    if (!f) return;
    if (f->fd >= 0) close(f->fd);
    fat_tree_free(&f->tree);
    free(f);
}

/* INT 18h, "no boot": the BIOS goes on to the next device. Should it come back: HLT, again. */
static void put_no_boot(uint8_t *code) { memcpy(code, "\xCD\x18\xF4\xEB\xFD", 5); }

/* ---- sectors --------------------------------------------------------------------------------- */
static void make_mbr(const struct fat *f, uint8_t *s)
{
    uint8_t *p = s + 446;
    put_no_boot(s);
    p[1] = START / TRACK % HEADS;
    p[2] = START % TRACK + 1;
    p[4] = f->is_32 ? 0x0C : 0x0E;                         /* by LBA */
    memcpy(p + 5, "\xFE\xFF\xFF", 3);
    put_le(p + 8, START, 4);
    put_le(p + 12, f->sectors, 4);
    put_le(s + 440, 0x56495452, 4);
    put_le(s + 510, 0xAA55, 2);
}

static void make_boot(const struct fat *f, uint8_t *s)
{
    memcpy(s, "\xEB\x58\x90VITRO1.0", 11);
    put_no_boot(s + 2 + s[1]);
    put_le(s + 11, SECTOR_SIZE, 2);
    s[13] = (uint8_t)f->cluster;
    put_le(s + 14, f->reserved, 2);
    s[16] = 2;
    put_le(s + 17, f->root_sectors * 16, 2);
    s[21] = 0xF8;
    put_le(s + 22, f->is_32 ? 0 : f->fat_sectors, 2);
    put_le(s + 24, TRACK, 2);
    put_le(s + 26, HEADS, 2);
    put_le(s + 28, START, 4);
    put_le(s + 32, f->sectors, 4);
    uint8_t *e = s + (f->is_32 ? 64 : 36);
    if (f->is_32) {
        put_le(s + 36, f->fat_sectors, 4);
        put_le(s + 44, f->tree.node[0].first, 4);
        put_le(s + 48, 1, 2);
        put_le(s + 50, 6, 2);
    }
    e[0] = 0x80;
    e[2] = 0x29;
    put_le(e + 3, 0x56495452, 4);
    memcpy(e + 7, "VITRO      ", 11);
    memcpy(e + 18, f->is_32 ? "FAT32   " : "FAT16   ", 8);
    put_le(s + 510, 0xAA55, 2);
}

static void make_info(const struct fat *f, uint8_t *s)
{
    put_le(s, 0x41615252, 4);
    put_le(s + 484, 0x61417272, 4);
    put_le(s + 488, f->clusters - f->used, 4);
    put_le(s + 492, f->used + 2, 4);
    put_le(s + 508, 0xAA550000, 4);
}

/* Which node's a cluster is: clusters are given out in the order of nodes. NULL: free. */
static const struct fat_node *node_of(const struct fat *f, uint32_t cluster, uint32_t *number)
{
    uint32_t low = 0, high = f->tree.nodes;                /* the last node with next <= cluster */
    if (cluster < 2 || cluster - 2 >= f->used) return NULL;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct fat_node *m = &f->tree.node[middle];
        if (m->first + m->clusters <= cluster) low = middle + 1;
        else high = middle;
    }
    *number = low;
    return low < f->tree.nodes ? &f->tree.node[low] : NULL;
}

static uint32_t fat_entry(const struct fat *f, uint32_t cluster)
{
    uint32_t number, end = f->is_32 ? 0x0FFFFFFF : 0xFFFF;
    if (cluster == 0) return end & ~7u;
    if (cluster == 1) return end;
    const struct fat_node *n = node_of(f, cluster, &number);
    if (!n) return 0;
    return cluster - n->first + 1 == n->clusters ? end : cluster + 1;
}

static void make_fat(const struct fat *f, uint32_t sector, uint8_t *s)
{
    unsigned width = f->is_32 ? 4 : 2, per = SECTOR_SIZE / width;
    for (unsigned k = 0; k < per; k++) put_le(s + k * width, fat_entry(f, sector * per + k), width);
}

static void copy_directory(const struct fat_node *n, uint64_t at, uint8_t *s)
{
    uint64_t len = (uint64_t)n->entries * FAT_ENTRY;
    if (at < len)
        memcpy(s, n->directory + at, len - at < SECTOR_SIZE ? (size_t)(len - at) : SECTOR_SIZE);
}

/* A file that is gone or cannot be read any more is a bad sector. */
static int read_file(struct image *i, uint32_t number, uint64_t at, uint8_t *s)
{
    struct fat *f = i->own;
    char path[PATH_MAX];
    const struct fat_node *n = &f->tree.node[number];
    if (f->fd < 0 || f->fd_node != number) {
        if (f->fd >= 0) close(f->fd);
        f->fd = fat_tree_path(i, &f->tree, number, path, sizeof path)
                    ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
        f->fd_node = number;
    }
    if (f->fd < 0) return EIO;
    uint64_t left = at < n->size ? n->size - at : 0;
    return image_file_read(f->fd, at, s, left < SECTOR_SIZE ? (size_t)left : SECTOR_SIZE);
}

static int make_data(struct image *i, uint64_t sector, uint8_t *s)
{
    const struct fat *f = i->own;
    uint32_t number, cluster = (uint32_t)(sector / f->cluster) + 2;
    const struct fat_node *n = node_of(f, cluster, &number);
    if (!n) return 0;
    uint64_t at = ((uint64_t)(cluster - n->first) * f->cluster + sector % f->cluster) * SECTOR_SIZE;
    if (!n->is_folder) return read_file(i, number, at, s);
    copy_directory(n, at, s);
    return 0;
}

static int make_sector(struct image *i, uint64_t sector, uint8_t *s)
{
    const struct fat *f = i->own;
    memset(s, 0, SECTOR_SIZE);
    if (!sector) make_mbr(f, s);
    if (sector < START) return 0;
    sector -= START;
    if (sector == 0 || (f->is_32 && sector == 6)) make_boot(f, s);
    else if (f->is_32 && (sector == 1 || sector == 7)) make_info(f, s);
    else if (sector < f->reserved) return 0;
    else if (sector < f->reserved + 2ull * f->fat_sectors)
        make_fat(f, (uint32_t)((sector - f->reserved) % f->fat_sectors), s);
    else if (sector < f->data)
        copy_directory(&f->tree.node[0], (sector - (f->data - f->root_sectors)) * SECTOR_SIZE, s);
    else return make_data(i, sector - f->data, s);
    return 0;
}

static int fat_read(struct image *i, uint64_t sector, uint32_t count, void *to)
{
    int error = 0;
    for (uint32_t n = 0; n < count && !error; n++)
        error = make_sector(i, sector + n, (uint8_t *)to + (size_t)n * SECTOR_SIZE);
    return error;
}

static int fat_write(struct image *i, uint64_t sector, uint32_t count, const void *from)
{
    (void)i, (void)sector, (void)count, (void)from;
    return EROFS;
}

static int fat_flush(struct image *i)
{
    (void)i;
    return 0;
}

const struct image_format image_fat = {
    .name = "fat", .about = "a folder of this host as a FAT16 or FAT32 disk", .extensions = "",
    .is_folder = true, .open = fat_open, .read = fat_read, .write = fat_write, .flush = fat_flush,
    .close = fat_close,
};
