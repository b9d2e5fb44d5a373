/* SPDX-License-Identifier: MIT
 * Opening one file of an image, and the words for what is wrong with it.
 */
#pragma once
#include "iodev/image/format.h"

struct note {
    const char *path;
    char       *text;
    size_t      room;
    bool        removable;     /* remedies for a floppy or CD, not for a disk */
};

/* One line: absolute path, cause, remedy ("": none). */
void image_explain(const struct note *, const char *cause, const char *remedy);
void image_explain_errno(const struct note *, int code, bool writing);

/* A base is named relative to the file that names it. */
void image_base_path(const struct image *, char *to, size_t room);

/* depth: the base is not opened, though there is one. What it has reads as zeroes. */
enum { IMAGE_ALONE = IMAGE_CHAIN + 1 };

/* The file and, in turn, its bases; NULL: explained. base: used instead of the one that the file
 * names, and closed with it. */
struct image *image_open_chain(const struct note *, const struct image_format *, enum image_access,
                               struct image *base, unsigned depth);
