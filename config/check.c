/* SPDX-License-Identifier: MIT
 * What can only be said when the whole configuration is known: files that are not there, drives
 * without a channel, half a geometry, the order of boot devices when none was named.
 */
#include "config/options.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>
#include "bios/loader.h"
#include "config/build.h"

static void full_path(char full[2 * PATH_MAX], const char *path)
{
    char here[PATH_MAX] = "";
    bool absolute = path[0] == '/' || !getcwd(here, sizeof here);
    snprintf(full, 2 * PATH_MAX, "%s%s%s", absolute ? "" : here, absolute ? "" : "/", path);
}

static void file_missing(struct config *c, const struct config_file *f, const char *what)
{
    char full[2 * PATH_MAX];
    if (!f->path || access(f->path, R_OK) == 0) return;
    int cause = errno;
    full_path(full, f->path);
    config_error_at(c, f->origin, "%s %s: %s%s", what, full, strerror(cause),
                    cause == ENOENT ? " (correct the path, or remove the line)" : "");
}

/* The usual firmware of the same kind takes its place: most bochsrc files name ROMs by the path
 * of some other installation. */
static void check_rom(struct config *c, struct config_rom *rom, const char *what,
                      const char *instead)
{
    if (!rom->file.path || access(rom->file.path, R_OK) == 0) return;
    config_warn_at(c, rom->file.origin, "%s %s: %s: %s%s", what, rom->file.path, strerror(errno),
                   instead ? instead : "left out", instead ? " is used" : "");
    rom->file.path = NULL;
    rom->address = 0;
}

static void check_roms(struct config *c)
{
    check_rom(c, &c->romimage, "romimage", loader_usual_system());
    check_rom(c, &c->vgaromimage, "vgaromimage", loader_usual_vga());
    for (unsigned i = 0; i < CONFIG_ROMS; i++) {
        check_rom(c, &c->optrom[i], "optromimage", NULL);
        check_rom(c, &c->optram[i], "optramimage", NULL);
    }
}

static void check_geometry(struct config *c, struct config_drive *d)
{
    if (!d->cylinders) {
        d->heads = d->spt = 0;
        return;
    }
    if (!d->heads) d->heads = 16;
    if (!d->spt) d->spt = 63;
    if (d->heads <= 16) return;
    config_warn_at(c, d->image.origin,
                   "heads=%llu: an ATA disk has 16 at most: the geometry is taken "
                   "from the image",
                   (unsigned long long)d->heads);
    d->cylinders = d->heads = d->spt = 0;
}

/* Formats of Bochs that are not there: read as raw sectors such an image would be garbage, and the
 * first write would destroy it. */
static void check_mode(struct config *c, struct config_drive *d, const char *name)
{
    char full[2 * PATH_MAX];
    if (d->journal && (!*d->journal || !strcmp(d->journal, "none"))) d->journal = NULL;
    if (!word_in("dll|sparse|vmware3|vhdx", d->mode)) return;
    full_path(full, d->image.path);
    config_error_at(c, d->image.origin, "%s %s: mode=%s: images of this format cannot be read; "
                    "convert it (qemu-img convert -O raw IN OUT) and use mode=flat", name, full,
                    d->mode);
}

static void check_cdrom(struct config *c, struct config_drive *d, const char *name)
{
    if (d->inserted) file_missing(c, &d->image, name);
}

static void check_disk(struct config *c, struct config_drive *d, const char *name)
{
    file_missing(c, &d->image, name);
    check_mode(c, d, name);
    check_geometry(c, d);
}

static void check_drive(struct config *c, struct config_channel *channel, struct config_drive *d,
                        const char *name)
{
    if (!strcmp(d->type, "disk") && !d->image.path) {
        config_warn_at(c, name, "type=disk without path=: no disk");
        d->type = "none";
    }
    if (!strcmp(d->type, "disk")) check_disk(c, d, name);
    if (!strcmp(d->type, "cdrom")) check_cdrom(c, d, name);
    if (!strcmp(d->type, "none") || channel->enabled) return;
    config_warn_at(c, d->image.origin, "%s: its channel was not enabled: switched on", name);
    channel->enabled = true;
}

static void check_drives(struct config *c)
{
    for (unsigned i = 0; i < CONFIG_CHANNELS; i++)
        for (unsigned k = 0; k < 2; k++) {
            char name[16];
            snprintf(name, sizeof name, "ata%u-%s", i, k ? "slave" : "master");
            check_drive(c, &c->ata[i], &c->ata[i].drive[k], name);
        }
}

static void check_floppies(struct config *c)
{
    static const char *const names[] = { "floppya", "floppyb" };
    for (unsigned i = 0; i < CONFIG_FLOPPIES; i++) {
        struct config_floppy *f = &c->floppy[i];
        if (!strcmp(f->type, "none")) f->image.path = NULL;
        if (!f->inserted) f->image.path = NULL;
        file_missing(c, &f->image, names[i]);
    }
}

static bool has_drive(const struct config *c, const char *type)
{
    for (unsigned i = 0; i < CONFIG_CHANNELS; i++)
        for (unsigned k = 0; k < 2; k++)
            if (!strcmp(c->ata[i].drive[k].type, type)) return true;
    return false;
}

/* None named: what there is, removable media first. */
static void check_boot(struct config *c)
{
    unsigned n = 0;
    if (c->boot[0]) return;
    if (c->floppy[0].image.path) c->boot[n++] = "floppy";
    if (has_drive(c, "disk")) c->boot[n++] = "disk";
    if (has_drive(c, "cdrom")) c->boot[n++] = "cdrom";
    if (!n) c->boot[n] = "floppy";
}

static void check_coms(struct config *c)
{
    for (unsigned i = 0; i < CONFIG_COMS; i++) {
        struct config_com *com = &c->com[i];
        if (!com->enabled || com->dev.path || word_in("null|stdio|pty", com->mode)) continue;
        config_error_at(c, com->dev.origin, "com%u: mode=%s needs dev=", i + 1, com->mode);
    }
}

/* In Bochs ips= told how fast the host was, and old files say 1000000. Here it is how fast the
 * guest is: kept in step with real time, it would take minutes to show its first prompt. */
static void check_ips(struct config *c)
{
    enum { SLOWEST = 10000000, USUAL = 100000000 };
    if (c->ips >= SLOWEST || word_in("none|slowdown", c->sync)) return;
    config_warn_at(c, "cpu",
                   "ips=%llu is too slow for sync=%s, %u are used (sync=slowdown for a slow "
                   "machine)",
                   (unsigned long long)c->ips, c->sync, USUAL);
    c->ips = USUAL;
}

bool config_check(struct config *c)
{
    if (c->gdbstub) config_warn_at(c, "gdbstub", "not supported: no server for gdb");
    if (!c->memory_mib) c->memory_mib = config_from_file(c) ? 32 : 128;
    check_roms(c);
    check_drives(c);
    check_floppies(c);
    check_boot(c);
    check_coms(c);
    check_ips(c);
    file_missing(c, &c->cmos_image, "cmosimage");
    return !config_failed(c);
}
