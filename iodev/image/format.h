/* SPDX-License-Identifier: MIT
 * What one image format implements. A new format = one file and one row in formats.c.
 */
#pragma once
#include "iodev/image/image.h"

#define IMAGE_MOST_SECTORS ((uint64_t)1 << 35)     /* 16 TiB */
#define IMAGE_TOO_LARGE    "disks beyond 16 TiB are not supported"

enum { IMAGE_CHAIN = 16, IMAGE_NAME = 1024 };      /* overlays upon overlays; a base's file name */

struct image {
    const struct image_format *format;
    int           fd;          /* -1: a folder, or an overlay in memory          */
    bool          read_only;   /* as the guest sees it                           */
    bool          dirty;       /* written since the last flush                   */
    bool          repair;      /* opened for vitro-img check -r                  */
    uint64_t      sectors;     /* as the guest sees it                           */
    uint64_t      file_bytes;  /* length of the file when it was opened          */
    struct image *base;        /* where an overlay's unwritten sectors are; owned */
    void         *own;         /* the format's, made by its open()               */
    char         *path;        /* owned                                          */
    /* What the file's own header says about its base; the name is as it stands there. */
    char          base_name[IMAGE_NAME], base_format[16];
    char          why[256];    /* see image_refuse()                             */
};

struct image_plan {
    uint64_t    bytes;
    const char *base, *base_format;    /* NULL: none */
    uint32_t    cluster;               /* bytes; 0: the format's usual */
    uint32_t    version;               /* qcow2: 2 or 3; 0: usual */
    bool        fixed;                 /* VHD, VDI, VMDK: all space at once */
    bool        allocate;              /* raw: so that it never finds its file system full */
    const char *path;                  /* VMDK: names of extents */
};

/* Which parts of the plan a format's create() follows. */
enum { IMAGE_PLAN_CLUSTER = 1, IMAGE_PLAN_VERSION = 2, IMAGE_PLAN_FIXED = 4,
       IMAGE_PLAN_ALLOCATE = 8 };

struct image_format {
    const char *name, *about;
    const char *extensions;    /* "vhd vpc", without dots */
    bool        is_folder, has_base;
    /* fd, file_bytes and read_only are set; sets sectors. May be NULL: a raw file. Returns NULL or
     * the cause ("not a ... file"). Writes nothing: the base, if any, is not there yet. */
    const char *(*open)(struct image *);
    /* Before the first write of a writable image, with the base open; may be NULL. Same result. */
    const char *(*begin)(struct image *);
    int  (*read)(struct image *, uint64_t sector, uint32_t count, void *to);
    int  (*write)(struct image *, uint64_t sector, uint32_t count, const void *from);
    int  (*flush)(struct image *);
    void (*close)(struct image *);     /* frees own; may be NULL */
    int  (*settle)(struct image *);    /* image_settle(); NULL: nothing waits in memory */

    /* vitro-img. Each may be NULL: cannot be done. */
    bool        (*looks_like)(const uint8_t *first, size_t len);   /* a warning, never a choice */
    const char *(*create)(int fd, const struct image_plan *);      /* the cause of a failure */
    uint8_t       plans;       /* IMAGE_PLAN_... */
    const char *(*resize)(struct image *, uint64_t sectors);
    bool          can_shrink;
    int  (*check)(struct image *, struct image_report *, enum image_repair repair);
    void (*info)(struct image *, struct image_info *);
    int  (*write_squeezed)(struct image *, uint64_t cluster, const void *data);
    /* IMAGE_DATA, _ZERO or _BASE for up to count sectors from `sector`; *run is how many. */
    enum image_where (*where)(struct image *, uint64_t sector, uint64_t count, uint64_t *run);
};

extern const struct image_format image_flat, image_volatile, image_qcow2, image_vhd, image_vmdk,
    image_vdi, image_fat, image_concat;

const struct image_format *image_format_named(const char *name);   /* and its extensions */
const struct image_format *image_format_by_path(const char *path); /* raw, if nothing else */
/* The nth; NULL: no more. Without the overlay in memory. */
const struct image_format *image_format_at(unsigned n);

/* Formats a cause into i->why and returns it. */
const char *image_refuse(struct image *i, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
const char *image_create_failed(void);     /* errno in words */

/* The file itself, whole or in error: short transfers are continued, the end reads as zeroes. */
int image_file_read(int fd, uint64_t offset, void *to, size_t len);
int image_file_write(int fd, uint64_t offset, const void *from, size_t len);

/* The base's sectors; what lies past its end, and no base at all, reads as zeroes. */
int image_read_base(struct image *, uint64_t sector, uint32_t count, void *to);
