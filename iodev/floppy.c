/* SPDX-License-Identifier: MIT
 * Floppy drives and disks: formats by size, the change line, where a sector is in the image.
 * IBM PC/AT Technical Reference (6183355, 1985) for drive types; the formats are DOS's.
 *
 * Image: track 0 side 0, track 0 side 1, track 1 side 0, ... An image that ends before the disk
 * does reads as zeroes there and grows when written.
 * Not implemented: sizes other than 512 bytes, sectors out of order, deleted marks.
 */
#include "iodev/fdc_private.h"
#include "iodev/media.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RATE_DD = 0x06, RATE_HD = 0x01, RATE_ED = 0x08, MAX_CYLINDER = 83 };

static const struct floppy_format formats[] = {
    { "160k", 40, 1, 8, RATE_DD, 1 },  { "180k", 40, 1, 9, RATE_DD, 1 },
    { "320k", 40, 2, 8, RATE_DD, 1 },  { "360k", 40, 2, 9, RATE_DD, 1 },
    { "720k", 80, 2, 9, RATE_DD, 3 },  { "1_2", 80, 2, 15, RATE_HD, 2 },
    { "1_44", 80, 2, 18, RATE_HD, 4 }, { "1_68", 80, 2, 21, RATE_HD, 4 },
    { "1_72", 82, 2, 21, RATE_HD, 4 }, { "2_88", 80, 2, 36, RATE_ED, 5 },
};

static uint64_t sectors_of(const struct floppy_format *f)
{
    return (uint64_t)f->tracks * f->heads * f->spt;
}

static const struct floppy_format *format_named(const char *name)
{
    for (unsigned i = 0; i < COUNT_OF(formats); i++)
        if (!strcmp(formats[i].name, name)) return &formats[i];
    return NULL;
}

/* Exact sizes first; a file of another size is the start of the smallest usual disk it fits on. */
static const struct floppy_format *format_of_size(uint64_t sectors)
{
    for (unsigned i = 0; i < COUNT_OF(formats); i++)
        if (sectors_of(&formats[i]) == sectors) return &formats[i];
    static const char *const usual[] = { "1_44", "1_68", "2_88" };
    for (unsigned i = 0; i < COUNT_OF(usual); i++)
        if (sectors < sectors_of(format_named(usual[i]))) return format_named(usual[i]);
    return NULL;
}

/* ---- what the controller sees ---------------------------------------------------------------- */

bool floppy_is_protected(const struct floppy *f)
{
    return !f->image || f->write_protected || image_read_only(f->image);
}

/* The step pulse resets DSKCHG if there is a disk. A real drive gives none when it is at its goal
 * already; guests that only recalibrate would then see "changed" for ever. */
void floppy_step_to(struct floppy *f, unsigned cylinder)
{
    f->cylinder = (uint8_t)(cylinder > MAX_CYLINDER ? MAX_CYLINDER : cylinder);
    if (f->disk) f->changed = false;
}

static unsigned drive_tracks(const struct floppy *f) { return f->cmos_type == 1 ? 40 : 80; }

/* 40-track disks in an 80-track drive: every second step is between the tracks. */
int floppy_track(const struct floppy *f, unsigned head, unsigned rate_code, bool any_rate)
{
    const struct floppy_format *d = f->disk;
    if (!d || head >= d->heads || !(any_rate || d->rates >> rate_code & 1)) return -1;
    unsigned steps = d->tracks == 40 && drive_tracks(f) == 80 ? 2 : 1;
    if (f->cylinder % steps || f->cylinder / steps >= d->tracks) return -1;
    return (int)(f->cylinder / steps);
}

static int locate(const struct floppy *f, unsigned head, unsigned r, uint64_t *sector)
{
    int track = floppy_track(f, head, 0, true);
    if (track < 0 || !r || r > f->disk->spt) return EINVAL;
    *sector = ((uint64_t)track * f->disk->heads + head) * f->disk->spt + r - 1;
    return 0;
}

int floppy_read(struct floppy *f, unsigned head, unsigned r, uint8_t *to)
{
    uint64_t sector;
    int error = locate(f, head, r, &sector);
    if (!error) error = image_read(f->image, sector, 1, to);
    if (error) device_log(&f->dev, LOG_ERROR, "reading %s: %s", f->path, strerror(error));
    return error;
}

int floppy_write(struct floppy *f, unsigned head, unsigned r, const uint8_t *from)
{
    uint64_t sector;
    int error = locate(f, head, r, &sector);
    if (!error) error = image_write(f->image, sector, 1, from);
    if (error) device_log(&f->dev, LOG_ERROR, "writing %s: %s", f->path, strerror(error));
    return error;
}

unsigned floppy_cmos_type(const struct device *d)
{
    return container_of(d, const struct floppy, dev)->cmos_type;
}

/* ---- changing the disk ----------------------------------------------------------------------- */

static struct floppy *floppy_of(struct device *d) { return container_of(d, struct floppy, dev); }

static void take_out(struct floppy *f)
{
    if (f->image && !image_read_only(f->image)) image_flush(f->image);
    image_close(f->image);
    f->image = NULL;
    f->disk = NULL;
    f->changed = true;
}

static const struct floppy_format *choose_format(struct floppy *f, const struct image *i,
                                                 bool use_type)
{
    uint64_t sectors = image_sectors(i);
    const struct floppy_format *d = use_type && f->type ? format_named(f->type) : NULL;
    if (d && sectors <= sectors_of(d)) return d;
    const struct floppy_format *by_size = format_of_size(sectors);
    if (d && by_size)
        device_log(&f->dev, LOG_WARN, "the image is larger than a %s disk: taken for %s", d->name,
                   by_size->name);
    return by_size;
}

/* Failing leaves the drive as it was, so the new image is opened before the old one goes; the same
 * file again would find its own lock, so that one goes first. */
static bool insert(struct floppy *f, const char *path, bool use_type)
{
    char note[256];
    bool same = f->image && f->path && !strcmp(f->path, path);
    if (same) take_out(f);
    struct image *i = image_open(path, f->mode, f->write_protected ? IMAGE_READ_ONLY
                                                                   : IMAGE_WRITE_IF_POSSIBLE,
                                 note, sizeof note);
    snprintf(f->message, sizeof f->message, "%s", note);
    if (!i) return false;
    const struct floppy_format *d = choose_format(f, i, use_type);
    if (!d) {
        image_close(i);
        snprintf(f->message, sizeof f->message, "%.300s: larger than any floppy disk (2.88M)",
                 path);
        return false;
    }
    take_out(f);
    image_pad(i, sectors_of(d));
    f->image = i;
    f->disk = d;
    return true;
}

const char *floppy_change(struct device *d, const char *path)
{
    struct floppy *f = floppy_of(d);
    if (!insert(f, path, false)) return f->message;
    char *copy = strdup(path);
    if (copy) {
        free(f->path);
        f->path = copy;
    }
    device_log(d, LOG_INFO, "%s inserted as a %s disk", path, f->disk->name);
    return NULL;
}

const char *floppy_eject(struct device *d)
{
    struct floppy *f = floppy_of(d);
    if (!f->disk) return "there is no disk in the drive";
    take_out(f);
    return NULL;
}

/* ---- the device ------------------------------------------------------------------------------ */

/* The drive is the named one, else the one made for the disk; 1.44M if there is neither. */
static void choose_drive(struct floppy *f)
{
    const struct floppy_format *named = f->drive ? format_named(f->drive) : NULL;
    if (!named && !f->disk && f->type) named = format_named(f->type);
    f->cmos_type = named ? named->cmos_type : f->disk ? f->disk->cmos_type : 4;
}

static bool is_known(struct floppy *f, const char *setting, const char *value)
{
    if (!value || !*value || !strcmp(value, "auto") || format_named(value)) return true;
    device_log(&f->dev, LOG_ERROR, "%s=%s is not known; use auto, 160k, 180k, 320k, 360k, 720k, "
               "1_2, 1_44 or 2_88", setting, value);
    return false;
}

static bool fill(struct floppy *f)
{
    bool ejected = f->status && !strcmp(f->status, "ejected");
    f->changed = true;
    if (!f->path || !*f->path || ejected || !strcmp(f->path, "none")) return true;
    if (!insert(f, f->path, true)) {
        device_log(&f->dev, LOG_ERROR, "%s", f->message);
        return false;
    }
    if (*f->message) device_log(&f->dev, LOG_WARN, "%s", f->message);
    if (!f->write_protected && image_read_only(f->image))
        device_log(&f->dev, LOG_WARN, "%s cannot be written: the disk is write-protected", f->path);
    return true;
}

static bool plug(struct device *d, struct board *b)
{
    struct floppy *f = floppy_of(d);
    size_t len = strlen(d->id);
    unsigned number = len && d->id[len - 1] == 'b';
    struct device *fdc = board_find(b, "fdc");
    if (!is_known(f, "type", f->type) || !is_known(f, "drive", f->drive) || !fill(f)) return false;
    choose_drive(f);
    if (fdc && fdc_attach(fdc, number, f)) return true;
    device_log(d, LOG_ERROR, "no floppy controller, or its drive %c is taken", 'A' + (int)number);
    return false;
}

/* The disk and the latch are mechanics: only power matters to the latch. */
static void reset(struct device *d, enum reset kind)
{
    if (kind == RESET_POWER) floppy_of(d)->changed = true;
}

static void unplug(struct device *d)
{
    take_out(floppy_of(d));
}

static const struct prop props[] = {
    { "image", PROP_TEXT, offsetof(struct floppy, path), 0, NULL, "image file; none: empty drive" },
    { "type", PROP_TEXT, offsetof(struct floppy, type), 0, "auto",
      "the disk: auto (by size), 160k, 180k, 320k, 360k, 720k, 1_2, 1_44 or 2_88" },
    { "drive", PROP_TEXT, offsetof(struct floppy, drive), 0, "auto",
      "the drive: auto (made for the disk), 360k, 720k, 1_2, 1_44 or 2_88" },
    { "mode", PROP_TEXT, offsetof(struct floppy, mode), 0, "flat", "image format: flat, volatile" },
    { "status", PROP_TEXT, offsetof(struct floppy, status), 0, "inserted", "inserted or ejected" },
    { "write_protected", PROP_BOOL, offsetof(struct floppy, write_protected), 0, NULL,
      "the disk cannot be written" },
    { 0 },
};

static const struct field state[] = {
    FIELD(struct floppy, cylinder), FIELD(struct floppy, changed), { 0 },
};

const struct device_class floppy_class = {
    .name = "floppy", .about = "floppy disk drive", .size = sizeof(struct floppy), .props = props,
    .state = state, .plug = plug, .reset = reset, .unplug = unplug,
};
