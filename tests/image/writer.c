/* SPDX-License-Identifier: MIT
 * Random writes through the image library, and the same to a raw file: what another program finds
 * in the image afterwards must be what is in the raw file.
 *
 *     image_writer IMAGE FORMAT RAW SEED WRITES
 *
 * Some of the writes are followed by a flush or by closing and opening the image; all of it is read
 * back at the end. Exit code 1: the library itself reads something else than was written.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "iodev/image/image.h"

enum { MOST = 300 };

struct run {
    const char   *path, *format;
    struct image *image;
    FILE         *raw;
    uint64_t      state;
};

static uint64_t next(struct run *r)
{
    r->state ^= r->state << 13;
    r->state ^= r->state >> 7;
    r->state ^= r->state << 17;
    return r->state;
}

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "image_writer: %s: %s\n", what, why);
    exit(1);
}

static void open_image(struct run *r)
{
    char note[4096];
    struct image_choice c = { .path = r->path, .format = r->format };
    r->image = image_open_choice(&c, IMAGE_WRITE, note, sizeof note);
    if (*note) fprintf(stderr, "%s\n", note);
    if (!r->image) exit(1);
}

/* Close together, so that clusters are met again; sometimes zeroes. */
static void write_once(struct run *r)
{
    static uint8_t data[MOST * SECTOR_SIZE];
    uint64_t all = image_sectors(r->image), where = next(r) % all, area = next(r) % 8;
    uint32_t count = 1 + (uint32_t)(next(r) % (next(r) % 4 ? 16 : MOST));
    if (area < 5) where = where % 4096 + area * (all / 8);
    if (where >= all) where = all - 1;
    if (count > all - where) count = (uint32_t)(all - where);
    uint8_t fill = next(r) % 8 ? 0xFF : 0;
    for (size_t n = 0; n < (size_t)count * SECTOR_SIZE; n += 8) {
        uint64_t value = next(r);
        memcpy(data + n, &value, 8);
        for (unsigned k = 0; k < 8; k++) data[n + k] &= fill;
    }
    int error = image_write(r->image, where, count, data);
    if (error) fail("write", strerror(error));
    if (fseeko(r->raw, (off_t)(where * SECTOR_SIZE), SEEK_SET) ||
        fwrite(data, SECTOR_SIZE, count, r->raw) != count)
        fail("raw", "cannot be written");
}

static void compare(struct run *r)
{
    static uint8_t a[MOST * SECTOR_SIZE], b[MOST * SECTOR_SIZE];
    uint64_t all = image_sectors(r->image);
    rewind(r->raw);
    for (uint64_t at = 0; at < all; at += MOST) {
        uint32_t count = all - at < MOST ? (uint32_t)(all - at) : MOST;
        memset(b, 0, sizeof b);
        if (image_read(r->image, at, count, a)) fail("read", "error");
        if (fread(b, SECTOR_SIZE, count, r->raw) < count && ferror(r->raw))
            fail("raw", "cannot be read");
        if (memcmp(a, b, (size_t)count * SECTOR_SIZE))
            fail("compare", "other contents than were written");
    }
}

int main(int argc, char **argv)
{
    if (argc != 6) return fprintf(stderr, "usage: image_writer IMAGE FORMAT RAW SEED WRITES\n"), 2;
    struct run r = { .path = argv[1], .format = argv[2], .raw = fopen(argv[3], "r+b") };
    r.state = strtoull(argv[4], NULL, 0) * 0x9E3779B97F4A7C15u + 1;
    if (!r.raw) return perror(argv[3]), 2;
    open_image(&r);
    for (long n = strtol(argv[5], NULL, 0); n > 0; n--) {
        uint64_t dice = next(&r) % 64;
        write_once(&r);
        if (dice < 4 && image_flush(r.image)) fail("flush", "error");
        if (dice == 63) image_close(r.image), open_image(&r);
    }
    compare(&r);
    image_close(r.image);
    open_image(&r);
    compare(&r);
    image_close(r.image);
    return fclose(r.raw) != 0;
}
