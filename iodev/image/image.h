/* SPDX-License-Identifier: MIT
 * Disk images: an array of 512-byte sectors in a host file. The format is what the config or the
 * file's extension says, never what the file's first bytes say: those belong to the guest.
 *
 * Files are locked (OFD lock on the descriptor) as long as they are open: shared for reading,
 * exclusive for writing; the base of an overlay is opened for reading only. Functions return 0 or
 * an errno value (EUCLEAN: the image's own tables are damaged); a count of sectors that reaches
 * past image_sectors() is EINVAL and moves nothing.
 */
#pragma once
#include "base/base.h"

#define SECTOR_SIZE 512u

struct image;

enum image_access {
    IMAGE_WRITE,               /* fails when the file cannot be written              */
    IMAGE_WRITE_IF_POSSIBLE,   /* falls back on read-only, as a write-protected disk */
    IMAGE_REPAIR,              /* as IMAGE_WRITE, also when it is marked as damaged  */
    IMAGE_READ_ONLY,
    IMAGE_READ_UNLOCKED,       /* also while another program writes: for a look at it  */
};

/* mode     NULL, "" or "auto": the file is written to. "flat": likewise, raw sectors.
 *          "volatile": writes stay in memory. "undoable": writes go to the journal, a qcow2 file
 *          over this one. Also Bochs's names of formats ("vpc"), and image_format names.
 * format   of the file; NULL, "" or "auto": its extension says it
 * journal  NULL or "": PATH.undo.qcow2
 * alone      the base that the file names is not opened, for a look at the file itself
 * removable  a floppy or a CD: always raw sectors, and messages that name no option of a disk */
struct image_choice {
    const char *path, *mode, *format, *journal;
    bool removable, alone;
};

/* note (room bytes, 256 or more) receives one line: why it failed (absolute path, cause, remedy)
 * when NULL is returned, otherwise a warning or the empty string. */
struct image *image_open_choice(const struct image_choice *, enum image_access, char *note,
                                size_t room);
struct image *image_open(const char *path, const char *mode, enum image_access, char *note,
                         size_t room);
void     image_close(struct image *);             /* flushes; NULL is fine */

uint64_t image_sectors(const struct image *);     /* rounded up; the missing bytes read as zero */
bool     image_read_only(const struct image *);
int      image_read(struct image *, uint64_t sector, uint32_t count, void *to);
int      image_write(struct image *, uint64_t sector, uint32_t count, const void *from);
int      image_flush(struct image *);             /* fdatasync: after it, kill -9 loses nothing */
/* Tables that wait in memory go to the file, in their order: a guest that never flushes loses no
 * more than what it wrote since. An error is forgotten: the next flush meets it again. */
void     image_settle(struct image *);
bool     image_is_dirty(const struct image *);    /* written since the last flush */

/* Makes the image look at least this long: sectors past the file's end read as zeroes and a write
 * there extends the file. For floppy images that hold only the start of a disk; raw images only. */
void     image_pad(struct image *, uint64_t sectors);
/* The disk has this size from now on, and so has a raw file: for floppies that the guest formats.
 */
void     image_fit(struct image *, uint64_t sectors);

/* An error of these functions in words. */
const char *image_error_text(int error);
/* For messages and help: "flat, volatile, undoable ...". */
const char *image_formats(void);
bool     image_is_raw_name(const char *path);     /* no extension of a format */

/* ---- for vitro-img --------------------------------------------------------------------------- */
struct image_format;

enum image_repair { IMAGE_REPAIR_NOTHING, IMAGE_REPAIR_LEAKS, IMAGE_REPAIR_ALL };

struct image_report {
    uint64_t clusters, allocated;      /* of the disk */
    uint64_t corruptions, repaired;    /* repaired: so many of them */
    uint64_t leaks, freed;             /* reserved and not used; so many of them no more */
    char     first[160];               /* what the first corruption is */
};

struct image_info {
    uint64_t cluster;                  /* bytes; 0: the format has none */
    uint32_t version;                  /* as in a plan for another one like this */
    bool     dirty;                    /* was not closed */
    char     more[256];                /* "compat: 1.1, ..." */
};

enum image_where { IMAGE_DATA, IMAGE_ZERO, IMAGE_BASE };
