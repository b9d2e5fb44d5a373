/* SPDX-License-Identifier: MIT
 * VMDK, shared by its two files.
 */
#pragma once
#include "iodev/image/bytes.h"
#include "iodev/image/sparse.h"

#define VMDK_TEXT "# Disk DescriptorFile"
enum { VMDK_PER_TABLE = 512 };

struct vmdk {
    struct sparse s;           /* first: see sparse.h; unused with an extent */
    int      extent;           /* monolithicFlat: the file of sectors; -1 */
    uint64_t extent_offset;
    uint64_t directory, redundant;     /* bytes; redundant 0: none */
    uint64_t next, spare;      /* where the next grain goes; one that was not used, 0: none */
    bool     zeroes;           /* sector 1 in a table: the grain is zeroes */
};

/* What matters of a descriptor. */
struct vmdk_text {
    char     type[64], extent[256];
    unsigned extents;
    uint64_t sectors, offset;  /* of the one extent; offset in bytes */
};

const char *vmdk_read_text(struct image *, uint64_t at, uint64_t bytes, struct vmdk_text *);
const char *vmdk_create(int fd, const struct image_plan *);
