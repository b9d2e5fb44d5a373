/* SPDX-License-Identifier: MIT
 * VMDK, shared by its files: vmdk.c (grains in one file), vmdk_extents.c (a descriptor and the
 * files that it names), vmdk_text.c (descriptors, making an image).
 */
#pragma once
#include "iodev/image/bytes.h"
#include "iodev/image/joined.h"
#include "iodev/image/sparse.h"

#define VMDK_TEXT "# Disk DescriptorFile"
enum { VMDK_PER_TABLE = 512, VMDK_MOST_EXTENTS = 4096 };

struct vmdk {
    struct sparse s;           /* first: see sparse.h; unused with extents */
    struct joined files;       /* extents; none: the file itself has the grains */
    char     type[32];         /* createType */
    uint64_t directory, redundant;     /* bytes; redundant 0: none */
    struct extent text;
    uint64_t next, spare;      /* where the next grain goes; one that was not used, 0: none */
    bool     zeroes;           /* sector 1 in a table: the grain is zeroes */
    bool     compressed;       /* streamOptimized: cannot be written */
};

/* What matters of a descriptor. */
struct vmdk_line {             /* RW 20480 FLAT "name" 0 */
    uint64_t sectors, offset;
    char     kind[16], name[256];
};
struct vmdk_text {
    char     type[64];
    struct vmdk_line *line;    /* owned by the caller */
    unsigned lines;
};

const char *vmdk_read_text(struct image *, uint64_t at, uint64_t bytes, struct vmdk_text *);
const char *vmdk_create(int fd, const struct image_plan *);

/* vmdk_extents.c */
const char *vmdk_extents_open(struct image *);     /* the file is a descriptor */
/* A file with grains, but never a descriptor: extents do not have extents. */
extern const struct image_format vmdk_grains;
