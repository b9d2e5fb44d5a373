/* SPDX-License-Identifier: MIT
 * Floppy drives: the change line, the heads, which disk is in them.
 * IBM PC/AT Technical Reference (6183355, 1985) for drive types.
 */
#include "iodev/fdc_private.h"
#include "iodev/image/open.h"
#include "iodev/media.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CYLINDER = FLOPPY_CYLINDERS - 1 };

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
    floppy_forget_tracks(f);
    f->changed = true;
}

/* The one that type= names, unless the disk itself says, and its size agrees, that it is another.
 */
static bool choose_format(struct floppy *f, struct image *i, bool use_type,
                          struct floppy_format *to)
{
    const struct floppy_format *named = use_type && f->type ? floppy_format_named(f->type) : NULL;
    bool fits = named && image_sectors(i) <= floppy_sectors(named);
    if (fits && !floppy_is_another(i, named)) return *to = *named, true;
    if (!floppy_guess(i, to)) return false;
    if (named && !fits && named->cmos_type != to->cmos_type)
        device_log(&f->dev, LOG_WARN,
                   "the image is larger than a %s disk: taken for %u tracks, %u sectors",
                   named->name, to->tracks, to->spt);
    return true;
}

/* Failing leaves the drive as it was, so the new image is opened before the old one goes; the same
 * file again would find its own lock, so that one goes first. */
static bool insert(struct floppy *f, const char *path, bool use_type)
{
    char note[512];
    bool same = f->image && f->path && !strcmp(f->path, path);
    if (same) take_out(f);
    struct image_choice c = { .path = path, .mode = f->mode, .removable = true };
    struct image *i = image_open_choice(&c, f->write_protected ? IMAGE_READ_ONLY
                                                               : IMAGE_WRITE_IF_POSSIBLE,
                                        note, sizeof note);
    snprintf(f->message, sizeof f->message, "%s", note);
    if (!i) return false;
    struct floppy_format format;
    if (!choose_format(f, i, use_type, &format)) {
        image_close(i);
        struct note n = { path, f->message, sizeof f->message, true };
        image_explain(&n, "is larger than any floppy disk (2.88M)",
                      "it may be a hard disk's image");
        return false;
    }
    take_out(f);
    image_pad(i, floppy_sectors(&format));
    f->image = i;
    f->layout = format;
    f->disk = &f->layout;
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
    device_log(d, LOG_INFO, "%s inserted: a disk with %u tracks, %u sides, %u sectors", path,
               f->disk->tracks, f->disk->heads, f->disk->spt);
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

/* The drive is the named one, else the one made for the disk that was named, if the disk in it can
 * be read there, else the one made for that disk; 1.44M if there is none of it. */
static void choose_drive(struct floppy *f)
{
    const struct floppy_format *named = f->drive ? floppy_format_named(f->drive) : NULL;
    const struct floppy_format *type = f->type ? floppy_format_named(f->type) : NULL;
    if (!named && type && (!f->disk || type->cmos_type >= f->disk->cmos_type)) named = type;
    f->cmos_type = named ? named->cmos_type : f->disk ? f->disk->cmos_type : 4;
}

static bool is_known(struct floppy *f, const char *setting, const char *value)
{
    if (!value || !*value || !strcmp(value, "auto") || floppy_format_named(value)) return true;
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
