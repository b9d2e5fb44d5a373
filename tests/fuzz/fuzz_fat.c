/* SPDX-License-Identifier: MIT
 * Fuzz target: a folder of the host as a FAT disk. The folder is made of the input (host_folder.c):
 *
 *   per node: kind (bit 0: folder; bits 1-3: length of the name in steps; bits 4-7: parent, of the
 *   folders so far), size (2, files, times 1 or 512), time (2), then the name's bytes; at most
 *   HOST_NODES
 *
 * The disk is then read as a guest reads it: MBR, boot sector, FAT, directories, with nothing but
 * the format's specification. Each folder has to hold what the host's holds, under long names that
 * belong to their short ones, no two alike; each file its bytes; no cluster belongs to two.
 */
#include <string.h>
#include <strings.h>
#include "iodev/image/bytes.h"
#include "iodev/image/image.h"
#include "tests/fuzz/host_files.h"
#include "tests/fuzz/script.h"

enum { MOST_CLUSTERS = 4096, ENTRY = 32, LONG_NAME = 0x0F, FOLDER = 0x10, LABEL = 0x08,
       TEXT = 260 };

static struct host_node nodes[HOST_NODES];
static unsigned node_count;
static struct image *disk;
static bool taken[MOST_CLUSTERS];          /* clusters that belong to somebody */

static struct {
    uint64_t fat, data, root;  /* sectors of the disk; root: FAT16's */
    uint32_t cluster, root_entries, root_cluster;
    bool is_32;
} fs;

/* ---- the folder ------------------------------------------------------------------------------ */

static unsigned nth_folder(unsigned n)
{
    unsigned found = 0;
    for (unsigned i = 0; i < node_count; i++)
        if (nodes[i].is_folder && n-- == 0) return i;
        else if (nodes[i].is_folder) found = i;
    return found;
}

static bool name_is_free(const struct host_node *n)
{
    if (!*n->name || !strcmp(n->name, ".") || !strcmp(n->name, "..")) return false;
    for (unsigned i = 1; i < node_count; i++)
        if (nodes[i].parent == n->parent && !strcmp(nodes[i].name, n->name)) return false;
    return true;
}

static void add_node(struct script *in)
{
    uint8_t kind = take8(in), len = (uint8_t)((kind >> 1 & 7) * 7 + 1);
    struct host_node n = { .parent = nth_folder(kind >> 4), .is_folder = kind & 1 };
    uint16_t size = take16(in);
    n.size = n.is_folder ? 0 : size & 0x8000 ? (size & 0x3F) * 512u : size & 0x7FF;
    n.time = (int64_t)take16(in) * 65536;
    for (unsigned i = 0; i < len && script_more(in); i++) n.name[i] = (char)take8(in);
    for (char *c = n.name; *c; c++)
        if (*c == '/') *c = '-';
    if (name_is_free(&n)) nodes[node_count++] = n;
}

static void plant(struct script *in)
{
    memset(nodes, 0, sizeof nodes);
    nodes[0].is_folder = true;
    node_count = 1;
    while (script_more(in) && node_count < HOST_NODES) add_node(in);
    host_plant(nodes, node_count);
}

/* ---- the disk -------------------------------------------------------------------------------- */

static const uint8_t *sector_at(uint64_t sector)
{
    static uint8_t s[SECTOR_SIZE];
    require(!image_read(disk, sector, 1, s), "a sector cannot be read");
    return s;
}

static void mount(void)
{
    const uint8_t *s = sector_at(0);
    require(get_le16(s + 510) == 0xAA55, "no partition table");
    uint64_t start = get_le32(s + 446 + 8), sectors = get_le32(s + 446 + 12);
    require(start + sectors <= image_sectors(disk), "the partition is longer than the disk");
    s = sector_at(start);
    require(get_le16(s + 510) == 0xAA55 && get_le16(s + 11) == SECTOR_SIZE, "no boot sector");
    uint32_t reserved = get_le16(s + 14), fats = s[16], fat = get_le16(s + 22);
    fs.is_32 = !fat;
    if (!fat) fat = get_le32(s + 36);
    fs.cluster = s[13];
    fs.root_entries = get_le16(s + 17);
    fs.root_cluster = fs.is_32 ? get_le32(s + 44) : 0;
    fs.fat = start + reserved;
    fs.root = fs.fat + (uint64_t)fats * fat;
    fs.data = fs.root + fs.root_entries * ENTRY / SECTOR_SIZE;
    uint64_t clusters = (sectors - (fs.data - start)) / fs.cluster;
    require(fs.cluster && !(fs.cluster & (fs.cluster - 1)), "an impossible cluster");
    require(fs.is_32 == (clusters >= 65525), "the number of clusters says another FAT");
    require((uint64_t)fat * SECTOR_SIZE / (fs.is_32 ? 4 : 2) >= clusters + 2,
            "the FAT is too short");
}

static uint32_t next_cluster(uint32_t cluster)
{
    uint32_t at = cluster * (fs.is_32 ? 4 : 2);
    const uint8_t *s = sector_at(fs.fat + at / SECTOR_SIZE) + at % SECTOR_SIZE;
    return fs.is_32 ? get_le32(s) & 0x0FFFFFFF : get_le16(s);
}

/* Where byte `at` of a chain lies; each cluster of it is marked when its
 * first byte is asked for. */
static uint64_t place(uint32_t *cluster, uint64_t at)
{
    uint64_t bytes = fs.cluster * (uint64_t)SECTOR_SIZE;
    if (at && at % bytes == 0) *cluster = next_cluster(*cluster);
    if (at % bytes == 0) {
        require(*cluster >= 2 && *cluster < MOST_CLUSTERS, "a chain is too short");
        require(!taken[*cluster], "a cluster belongs to two");
        taken[*cluster] = true;
    }
    return fs.data + (*cluster - 2) * (uint64_t)fs.cluster + at % bytes / SECTOR_SIZE;
}

static void check_end(uint32_t cluster)
{
    require(next_cluster(cluster) >= (fs.is_32 ? 0x0FFFFFF8u : 0xFFF8u), "a chain is too long");
}

/* ---- directories ----------------------------------------------------------------------------- */

struct listing {
    unsigned folder, found;
    uint16_t text[TEXT];
    unsigned parts, sum;       /* of the long name that is being read */
    uint8_t  shorts[HOST_NODES][11];
};

static uint8_t sum_of(const uint8_t *name)
{
    uint8_t sum = 0;
    for (unsigned k = 0; k < 11; k++) sum = (uint8_t)((sum >> 1 | sum << 7) + name[k]);
    return sum;
}

static void take_long(struct listing *l, const uint8_t *e)
{
    static const uint8_t where[13] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };
    unsigned part = (e[0] & 0x3F) - 1u;
    if (e[0] & 0x40) {
        require(part < 20, "a long name of too many parts");
        memset(l->text, 0, sizeof l->text);
        l->parts = part + 1;
        l->sum = e[13];
    }
    require(l->parts && part == l->parts - 1 && e[13] == l->sum,
            "parts of a long name in disorder");
    l->parts = part;
    for (unsigned k = 0; k < 13; k++) l->text[part * 13 + k] = get_le16(e + where[k]);
}

/* Of a name that is ASCII, whether it is the node's; others are not compared. */
static bool is_named(const struct listing *l, const uint8_t *e, const char *name)
{
    char text[TEXT] = "";
    unsigned n = 0;
    for (const char *c = name; *c; c++)
        if ((uint8_t)*c >= 0x80) return true;
    for (; l->text[0] && n < TEXT - 1 && l->text[n]; n++) text[n] = (char)l->text[n];
    if (l->text[0]) return !strcmp(text, name);
    for (unsigned k = 0; k < 8 && e[k] != ' '; k++) text[n++] = (char)e[k];
    if (e[8] != ' ') text[n++] = '.';
    for (unsigned k = 8; k < 11 && e[k] != ' '; k++) text[n++] = (char)e[k];
    return !strcmp(text, name);
}

static void check_short(struct listing *l, const uint8_t *e)
{
    for (unsigned k = 0; k < 11; k++)
        require(e[k] >= ' ' && !strchr("\"*+,./:;<=>?[\\]|", e[k]) && !(e[k] >= 'a' && e[k] <= 'z'),
                "a short name with a character that is not allowed");
    require(e[0] != ' ', "a short name that begins with a blank");
    for (unsigned n = 0; n < l->found; n++)
        require(memcmp(l->shorts[n], e, 11) != 0, "two short names alike");
    memcpy(l->shorts[l->found++], e, 11);
}

/* The folder's n-th child in the order of names, as the disk has them. */
static int child_in_order(unsigned folder, unsigned n)
{
    for (unsigned i = 1; i < node_count; i++) {
        unsigned before = 0;
        if (nodes[i].parent != folder) continue;
        for (unsigned k = 1; k < node_count; k++)
            before += nodes[k].parent == folder && strcmp(nodes[k].name, nodes[i].name) < 0;
        if (before == n) return (int)i;
    }
    return -1;
}

static void check_folder(unsigned folder, uint32_t cluster);

static void check_file(unsigned node, uint32_t cluster)
{
    for (uint32_t at = 0; at < nodes[node].size; at += SECTOR_SIZE) {
        const uint8_t *s = sector_at(place(&cluster, at));
        for (uint32_t k = 0; k < SECTOR_SIZE && at + k < nodes[node].size; k += 61)
            require(s[k] == host_content(node, at + k), "a file's contents have changed");
    }
    if (nodes[node].size) check_end(cluster);
    else require(!cluster, "an empty file has a cluster");
}

static void take_entry(struct listing *l, const uint8_t *e)
{
    uint8_t copy[ENTRY];
    if (e[11] == LONG_NAME) {
        take_long(l, e);
        return;
    }
    memcpy(copy, e, ENTRY);
    require(!l->parts, "a long name without its end");
    require(!l->text[0] || l->sum == sum_of(copy), "a long name that belongs to another short one");
    int node = child_in_order(l->folder, l->found);
    require(node >= 0, "a name too many");
    require(is_named(l, copy, nodes[node].name), "a name has changed");
    check_short(l, copy);
    l->text[0] = 0;
    uint32_t cluster = get_le16(copy + 26) | (uint32_t)get_le16(copy + 20) << 16;
    require(!(copy[11] & FOLDER) == !nodes[node].is_folder,
            "a file is a folder, or a folder a file");
    if (copy[11] & FOLDER) return check_folder((unsigned)node, cluster);
    require(get_le32(copy + 28) == nodes[node].size, "a file has another size");
    check_file((unsigned)node, cluster);
}

/* ".", "..", the label and deleted ones are not names of the folder. */
static bool is_name(const uint8_t *e)
{
    return e[0] != '.' && e[0] != 0xE5 && (e[11] == LONG_NAME || !(e[11] & LABEL));
}

static void check_folder(unsigned folder, uint32_t cluster)
{
    struct listing l = { .folder = folder };
    bool fixed = !folder && !fs.is_32, done = false;
    for (uint64_t at = 0; !done; at += SECTOR_SIZE) {
        uint8_t s[SECTOR_SIZE];
        require(!fixed || at < fs.root_entries * ENTRY, "the root has no end");
        memcpy(s, sector_at(fixed ? fs.root + at / SECTOR_SIZE : place(&cluster, at)), sizeof s);
        for (unsigned k = 0; k < SECTOR_SIZE && !done; k += ENTRY) {
            done = !s[k];
            if (!done && is_name(s + k)) take_entry(&l, s + k);
        }
    }
    require(child_in_order(folder, l.found) < 0, "a name is missing");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script in = { data, data + size };
    char note[1024] = "";
    host_clear();
    plant(&in);
    disk = image_open(HOST_TREE, "vvfat", IMAGE_READ_ONLY, note, sizeof note);
    require(disk || *note, "refused without a word");
    if (!disk) return 0;
    memset(taken, 0, sizeof taken);
    mount();
    check_folder(0, fs.root_cluster);
    image_close(disk);
    require(!host_open_count(), "closed, and left open");
    return 0;
}
