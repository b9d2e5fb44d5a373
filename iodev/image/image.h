/* SPDX-License-Identifier: MIT
 * Disk images: an array of 512-byte sectors in a host file. The format is what the config says
 * (mode=), never what the file's first bytes say: those belong to the guest.
 *
 * The file is locked (OFD lock on the descriptor) as long as it is open: shared for reading,
 * exclusive for writing. Functions return 0 or an errno value; a count of sectors that reaches past
 * image_sectors() is EINVAL and moves nothing.
 */
#pragma once
#include "base/base.h"

#define SECTOR_SIZE 512u

struct image;

enum image_access {
    IMAGE_WRITE,               /* fails when the file cannot be written              */
    IMAGE_WRITE_IF_POSSIBLE,   /* falls back on read-only, as a write-protected disk */
    IMAGE_READ_ONLY,
};

/* format: a name from image_formats(); NULL = "flat". note (room bytes, 256 or more) receives one
 * line: why it failed (absolute path, cause, remedy) when NULL is returned, otherwise a warning or
 * the empty string. */
struct image *image_open(const char *path, const char *format, enum image_access, char *note,
                         size_t room);
void     image_close(struct image *);             /* NULL is fine */

uint64_t image_sectors(const struct image *);     /* rounded up; the missing bytes read as zero */
bool     image_read_only(const struct image *);
int      image_read(struct image *, uint64_t sector, uint32_t count, void *to);
int      image_write(struct image *, uint64_t sector, uint32_t count, const void *from);
int      image_flush(struct image *);             /* fdatasync: after it, kill -9 loses nothing */

/* Makes the image look at least this long: sectors past the file's end read as zeroes and a write
 * there extends the file. For floppy images that hold only the start of a disk. */
void     image_pad(struct image *, uint64_t sectors);

/* For messages and help: "flat, volatile". */
const char *image_formats(void);
