/* SPDX-License-Identifier: MIT
 * Disc images: sectors of 2048 or 2352 bytes out of a file of 512-byte blocks.
 * ECMA-130, Data interchange on read-only 120 mm optical data disks (1996), section 14.
 */
#include "iodev/cdrom/disc.h"
#include "iodev/image/open.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BLOCKS_PER_SECTOR = DISC_SECTOR / SECTOR_SIZE };
enum { SUB_BYTES = 96 };
/* a raw sector that starts anywhere in a block */
enum { RAW_BLOCKS = (DISC_RAW_SECTOR + 2 * SECTOR_SIZE - 2) / SECTOR_SIZE };

struct disc {
    struct image *image;
    uint64_t blocks;           /* of 512 bytes */
    uint32_t sectors;
    bool     raw, xa;
    uint32_t stride;           /* raw: bytes from one sector to the next */
};

static const uint8_t sync_pattern[DISC_SYNC_BYTES] = {
    0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0,
};

/* A sync pattern at this byte; across two blocks, if need be. */
static bool has_sync(const struct disc *d, uint64_t at)
{
    uint8_t blocks[2 * SECTOR_SIZE] = { 0 };
    uint64_t first = at / SECTOR_SIZE, left = first < d->blocks ? d->blocks - first : 0;
    if (!left || image_read(d->image, first, left > 1 ? 2 : 1, blocks)) return false;
    return !memcmp(blocks + at % SECTOR_SIZE, sync_pattern, DISC_SYNC_BYTES);
}

/* Some programs add the sub-channels of each sector. */
static void look_for_raw(struct disc *d)
{
    d->raw = has_sync(d, 0);
    bool with_sub = d->raw && !has_sync(d, DISC_RAW_SECTOR) &&
                    has_sync(d, DISC_RAW_SECTOR + SUB_BYTES);
    d->stride = DISC_RAW_SECTOR + (with_sub ? SUB_BYTES : 0);
}

/* Files that come with an image, or have it in them in a way that cannot be read. By the name, as
 * they begin with anything. False: said why. */
static bool check_name(const struct note *n)
{
    static const char packed[] = "is a packed disc image", unpack[] = "unpack it";
    static const struct { const char *extension, *cause, *remedy; } others[] = {
        { ".cue", "is a cue sheet", "name the .bin file that it describes" },
        { ".toc", "is a table of contents", "name the .bin file that it describes" },
        { ".ccd", "is a control file", "name the .img file that it describes" },
        { ".mds", "is a control file", "name the .mdf file that it describes" },
        { ".chd", packed, unpack }, { ".cso", packed, unpack }, { ".daa", packed, unpack },
        { ".ecm", packed, unpack }, { ".isz", packed, unpack }, { ".uif", packed, unpack },
    };
    const char *dot = strrchr(n->path, '.');
    for (unsigned i = 0; dot && i < COUNT_OF(others); i++)
        if (!strcasecmp(dot, others[i].extension))
            return image_explain(n, others[i].cause, others[i].remedy), false;
    return true;
}

static int load_raw(const struct disc *d, uint32_t lba, uint8_t *to);

/* The first sector stands for all of them, as on discs that are pressed. */
static bool begins_with_xa(const struct disc *d)
{
    uint8_t raw[DISC_RAW_SECTOR];
    return d->raw && !load_raw(d, 0, raw) && disc_mode_of(raw) >= DISC_MODE2_FORM1;
}

/* A last sector that the file does not fill reads as zeroes behind its end. */
static uint32_t count_sectors(const struct disc *d)
{
    uint64_t n = d->raw ? d->blocks * SECTOR_SIZE / d->stride
                        : (d->blocks + BLOCKS_PER_SECTOR - 1) / BLOCKS_PER_SECTOR;
    return n > INT32_MAX ? INT32_MAX : n ? (uint32_t)n : 1;
}

struct disc *disc_open(const char *path, char *note, size_t room)
{
    struct note n = { path, note, room, true };
    struct image_choice c = { .path = path, .removable = true };
    if (!check_name(&n)) return NULL;
    struct disc *d = calloc(1, sizeof *d);
    if (d) d->image = image_open_choice(&c, IMAGE_READ_ONLY, note, room);
    if (!d || !d->image) {
        free(d);
        return NULL;
    }
    d->blocks = image_sectors(d->image);
    look_for_raw(d);
    d->sectors = count_sectors(d);
    d->xa = begins_with_xa(d);
    return d;
}

void disc_close(struct disc *d)
{
    if (!d) return;
    image_close(d->image);
    free(d);
}

uint32_t disc_sectors(const struct disc *d) { return d->sectors; }
bool     disc_is_raw(const struct disc *d)  { return d->raw; }
bool     disc_is_xa(const struct disc *d)   { return d->xa; }

/* Blocks of the file; zeroes behind its end. */
static int read_blocks(const struct disc *d, uint64_t first, uint32_t count, uint8_t *to)
{
    uint64_t left = first < d->blocks ? d->blocks - first : 0;
    uint32_t there = count < left ? count : (uint32_t)left;
    memset(to + (size_t)there * SECTOR_SIZE, 0, (size_t)(count - there) * SECTOR_SIZE);
    return there ? image_read(d->image, first, there, to) : 0;
}

static int load_raw(const struct disc *d, uint32_t lba, uint8_t *to)
{
    uint8_t blocks[RAW_BLOCKS * SECTOR_SIZE];
    uint64_t at = (uint64_t)lba * d->stride;
    int error = read_blocks(d, at / SECTOR_SIZE, RAW_BLOCKS, blocks);
    memcpy(to, blocks + at % SECTOR_SIZE, DISC_RAW_SECTOR);
    return error;
}

enum disc_mode disc_mode_of(const uint8_t raw[DISC_RAW_SECTOR])
{
    enum { MODE_AT = 15, SUBMODE_AT = 18, SUBMODE_COPY_AT = 22, SUBMODE_FORM2 = 0x20 };
    if (raw[MODE_AT] != 2) return DISC_MODE1;
    /* CD-ROM XA: the subheader is there twice */
    if (memcmp(raw + 16, raw + 20, 4)) return DISC_MODE2;
    return raw[SUBMODE_AT] & SUBMODE_FORM2 ? DISC_MODE2_FORM2 : DISC_MODE2_FORM1;
}

static int extract(const struct disc *d, uint32_t lba, uint8_t *to)
{
    uint8_t raw[DISC_RAW_SECTOR];
    int error = load_raw(d, lba, raw);
    enum disc_mode mode = disc_mode_of(raw);
    size_t at = DISC_SYNC_BYTES + DISC_HEADER_BYTES;
    if (mode == DISC_MODE2_FORM1) at += DISC_SUBHEADER_BYTES;
    memcpy(to, raw + at, DISC_SECTOR);
    if (error) return error;
    return mode == DISC_MODE1 || mode == DISC_MODE2_FORM1 ? 0 : EILSEQ;
}

int disc_read(const struct disc *d, uint32_t lba, uint32_t count, uint8_t *to)
{
    if (lba >= d->sectors || count > d->sectors - lba) return EINVAL;
    if (!d->raw)
        return read_blocks(d, (uint64_t)lba * BLOCKS_PER_SECTOR, count * BLOCKS_PER_SECTOR, to);
    for (uint32_t i = 0; i < count; i++) {
        int error = extract(d, lba + i, to + (size_t)i * DISC_SECTOR);
        if (error) return error;
    }
    return 0;
}

int disc_read_raw(const struct disc *d, uint32_t lba, uint8_t to[DISC_RAW_SECTOR])
{
    if (lba >= d->sectors) return EINVAL;
    if (d->raw) return load_raw(d, lba, to);
    int error = disc_read(d, lba, 1, to + DISC_SYNC_BYTES + DISC_HEADER_BYTES);
    disc_encode_mode1(to, lba);
    return error;
}

void disc_msf(uint32_t address, uint8_t msf[3])
{
    msf[0] = (uint8_t)(address / (60 * 75));
    msf[1] = (uint8_t)(address / 75 % 60);
    msf[2] = (uint8_t)(address % 75);
}
