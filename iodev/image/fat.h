/* SPDX-License-Identifier: MIT
 * A folder of the host as a FAT disk: its files and folders, shared by fat.c (the disk) and
 * fat_tree.c (reading the folder, directories).
 */
#pragma once
#include "iodev/image/bytes.h"
#include "iodev/image/format.h"

enum { FAT_ENTRY = 32, FAT_MOST_NODES = 65536, FAT_DEEPEST = 32 };

struct fat_node {
    char    *name;             /* the last part of the path */
    uint32_t parent, size;     /* index of the folder; bytes */
    uint32_t first, clusters;  /* 0 clusters: empty */
    uint32_t entries;          /* a folder's directory, in entries of 32 bytes */
    uint16_t date, time;
    bool     is_folder;
    uint8_t  depth, short_name[11];
    uint8_t *directory;        /* of a folder: entries * 32 bytes */
};

struct fat_tree {
    struct fat_node *node;     /* 0: the root; children of one folder are neighbours, sorted */
    uint32_t nodes, room, skipped;
};

/* NULL or the cause; the tree is to be freed in any case. */
const char *fat_tree_read(struct image *, struct fat_tree *);
void fat_tree_free(struct fat_tree *);

/* The directories, when all clusters are known. false: out of memory. */
bool fat_tree_directories(struct fat_tree *);

/* false: longer than any path. */
bool fat_tree_path(const struct image *, const struct fat_tree *, uint32_t node, char *to,
                   size_t room);
