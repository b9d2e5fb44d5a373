/* SPDX-License-Identifier: MIT
 * The parts list: which devices a config means, and what the setup program of this PC would have
 * written into CMOS memory.
 */
#include "config/build.h"
#include "config/options.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "iodev/ata_disk.h"
#include "iodev/fdc.h"
#include "iodev/rtc.h"

struct builder {
    struct board *board;
    const struct config *config;
    bool failed;
};

/* A device that this build does not have is left out: the rest may do without it. */
static bool add(struct builder *b, const char *class_name, const char *id)
{
    const char *why = board_add(b->board, class_name, id);
    if (why) log_line(board_log(b->board), "config", LOG_WARN, "%s: %s", id ? id : class_name, why);
    return !why;
}

static void set(struct builder *b, const char *id, const char *prop, const char *value)
{
    const char *why = value ? board_set(b->board, id, prop, value) : NULL;
    if (!why) return;
    log_line(board_log(b->board), "config", LOG_ERROR, "%s: %s=%s: %s", id, prop, value, why);
    b->failed = true;
}

static void set_number(struct builder *b, const char *id, const char *prop, uint64_t value)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    set(b, id, prop, text);
}

/* ---- time of day ----------------------------------------------------------------------------- */
/* The clock chip shows what it is told, without time zones; so local time is handed over as if it
 * were universal time. Here, and nowhere else, the host's calendar enters the machine. */
static uint64_t start_time(const char *time0)
{
    time_t now = time(NULL);
    struct tm t;
    if (!strcmp(time0, "local") && localtime_r(&now, &t)) now = timegm(&t);
    else if (strcmp(time0, "utc")) return strtoull(time0, NULL, 10);
    return now < 0 ? 0 : (uint64_t)now;
}

static void add_clock(struct builder *b)
{
    const struct config *c = b->config;
    if (!add(b, "rtc", NULL)) return;
    set_number(b, "rtc", "time0", start_time(c->time0));
    set(b, "rtc", "image", c->cmos_image.path);
    if (!strcmp(c->rtc_init, "image")) set(b, "rtc", "image_time", "1");
}

/* ---- disks ----------------------------------------------------------------------------------- */
static void add_disk(struct builder *b, const char *id, const struct config_drive *d)
{
    if (!add(b, "ata_disk", id)) return;
    set(b, id, "path", d->image.path);
    set(b, id, "mode", d->mode);
    set(b, id, "format", d->format);
    set(b, id, "journal", d->journal);
    set(b, id, "model", d->model);
    set_number(b, id, "cylinders", d->cylinders);
    set_number(b, id, "heads", d->heads);
    set_number(b, id, "spt", d->spt);
}

static void add_cdrom(struct builder *b, const char *id, const struct config_drive *d)
{
    if (!add(b, "atapi_cd", id)) return;
    set(b, id, "path", d->inserted ? d->image.path : NULL);
    set(b, id, "model", d->model);
}

static void add_channel(struct builder *b, unsigned n)
{
    const struct config_channel *c = &b->config->ata[n];
    char id[16];
    snprintf(id, sizeof id, "ata%u", n);
    if (!c->enabled || !add(b, "ide", id)) return;
    set_number(b, id, "ioaddr1", c->ioaddr1);
    set_number(b, id, "ioaddr2", c->ioaddr2);
    set_number(b, id, "irq", c->irq);
    for (unsigned i = 0; i < 2; i++) {
        snprintf(id, sizeof id, "ata%u-%s", n, i ? "slave" : "master");
        if (!strcmp(c->drive[i].type, "disk")) add_disk(b, id, &c->drive[i]);
        if (!strcmp(c->drive[i].type, "cdrom")) add_cdrom(b, id, &c->drive[i]);
    }
}

static void add_floppies(struct builder *b)
{
    static const char *const ids[CONFIG_FLOPPIES] = { "floppya", "floppyb" };
    if (!add(b, "fdc", NULL)) return;
    for (unsigned i = 0; i < CONFIG_FLOPPIES; i++) {
        const struct config_floppy *f = &b->config->floppy[i];
        if (!strcmp(f->type, "none") || !add(b, "floppy", ids[i])) continue;
        set(b, ids[i], "type", f->type);
        set(b, ids[i], "image", f->image.path);
        set(b, ids[i], "status", f->inserted ? "inserted" : "ejected");
        if (f->write_protected) set(b, ids[i], "write_protected", "1");
    }
}

/* ---- the rest -------------------------------------------------------------------------------- */
static void add_coms(struct builder *b)
{
    for (unsigned i = 0; i < CONFIG_COMS; i++) {
        const struct config_com *com = &b->config->com[i];
        char id[16];
        snprintf(id, sizeof id, "com%u", i + 1);
        if (!com->enabled || !add(b, "serial", id)) continue;
        set(b, id, "mode", com->mode);
        set(b, id, "dev", com->dev.path);
    }
}

static void add_bridges(struct builder *b)
{
    if (!b->config->pci) return;
    add(b, "pci", NULL);
    add(b, "i440fx", NULL);
    add(b, "piix3", NULL);
    add(b, "piix4_pm", NULL);
    add(b, "piix_ide", NULL);
}

static void add_debug_ports(struct builder *b)
{
    if (!add(b, "debug_ports", NULL)) return;
    if (b->config->port_e9_hack) set(b, "debug_ports", "e9", "-");
    set(b, "debug_ports", "seabios", b->config->firmware_log.path);
    if (b->config->exit_port) set_number(b, "debug_ports", "exit_port", b->config->exit_port);
}

static void add_keyboard(struct builder *b)
{
    const char *mouse = b->config->mouse_type;
    if (!add(b, "keyboard", NULL)) return;
    if (!strcmp(mouse, "none")) set(b, "keyboard", "mouse", "0");
    if (!strcmp(mouse, "ps2")) set(b, "keyboard", "wheel", "0");
}

static void add_video(struct builder *b)
{
    if (!add(b, "vga", NULL)) return;
    set_number(b, "vga", "vram", b->config->vga_mib);
    if (b->config->vga_border) set(b, "vga", "border", "1");
}

bool build_devices(struct board *board, const struct config *c)
{
    static const char *const always[] = { "pic", "dma", "pit", "port61", "port92", "ferr" };
    struct builder b = { board, c, false };
    for (unsigned i = 0; i < COUNT_OF(always); i++) add(&b, always[i], NULL);
    add_clock(&b);
    add_keyboard(&b);
    add_bridges(&b);
    add_video(&b);
    if (c->fw_cfg) add(&b, "fw_cfg", NULL);
    add_debug_ports(&b);
    add_coms(&b);
    add_floppies(&b);
    for (unsigned i = 0; i < CONFIG_CHANNELS; i++) add_channel(&b, i);
    return !b.failed;
}

/* ---- CMOS memory ----------------------------------------------------------------------------- */
static struct cmos_disk cmos_disk_of(struct board *b, unsigned n)
{
    char id[16];
    snprintf(id, sizeof id, "ata%u-%s", n / 2, n % 2 ? "slave" : "master");
    struct device *d = board_find(b, id);
    if (!d || d->class != &ata_disk_class) return (struct cmos_disk){ 0 };
    struct ata_geometry g = ata_disk_geometry(d);
    return (struct cmos_disk){ g.cylinders, g.heads, g.spt, CMOS_TRANSLATION_AUTO };
}

static enum cmos_translation cmos_translation_of(const char *name)
{
    static const char *const names[] = {
        [CMOS_TRANSLATION_AUTO] = "auto",
        [CMOS_TRANSLATION_NONE] = "none", [CMOS_TRANSLATION_LBA] = "lba",
        [CMOS_TRANSLATION_LARGE] = "large|echs", [CMOS_TRANSLATION_RECHS] = "rechs",
    };
    for (unsigned i = 0; i < COUNT_OF(names); i++)
        if (word_in(names[i], name)) return (enum cmos_translation)i;
    return CMOS_TRANSLATION_AUTO;
}

static enum cmos_boot cmos_boot_of(const char *device)
{
    static const struct { const char *name; enum cmos_boot code; } codes[] = {
        { "floppy", CMOS_BOOT_FLOPPY }, { "disk", CMOS_BOOT_DISK }, { "cdrom", CMOS_BOOT_CDROM },
        { "network", CMOS_BOOT_NET },
    };
    for (unsigned i = 0; device && i < COUNT_OF(codes); i++)
        if (!strcmp(codes[i].name, device)) return codes[i].code;
    return CMOS_BOOT_NONE;
}

static enum cmos_floppy cmos_floppy_of(struct board *b, const char *id)
{
    struct device *d = board_find(b, id);
    return d ? (enum cmos_floppy)floppy_cmos_type(d) : CMOS_FLOPPY_NONE;
}

void build_setup(struct board *b, const struct config *c)
{
    struct device *rtc = board_find(b, "rtc");
    struct cmos_setup s = { .no_boot_signature_check = c->no_boot_signature_check };
    if (!rtc) return;
    s.ram_below_4g = memory_ram_size(board_memory(b));      /* memory.h: all of it is there */
    s.floppy[0] = cmos_floppy_of(b, "floppya");
    s.floppy[1] = cmos_floppy_of(b, "floppyb");
    for (unsigned i = 0; i < COUNT_OF(s.disk); i++) {
        s.disk[i] = cmos_disk_of(b, i);
        s.disk[i].translation = cmos_translation_of(c->ata[i / 2].drive[i % 2].translation);
    }
    for (unsigned i = 0; i < COUNT_OF(s.boot); i++) s.boot[i] = cmos_boot_of(c->boot[i]);
    cmos_set_pc(rtc, &s);
}
