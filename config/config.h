/* SPDX-License-Identifier: MIT
 * What a machine is made of, as the user wrote it: bochsrc files and lines, read into one plain
 * struct that knows nothing of devices.
 *
 *     struct config *c = config_new(&(struct config_report){ print, NULL });
 *     bool ok = config_read_file(c, "bochsrc") && config_read_line(c, "argument 2", "megs: 64");
 *     ok = config_check(c) && ok;
 *
 * Later lines win over earlier ones. Texts and the struct live until config_free().
 */
#pragma once
#include <stdio.h>
#include "base/base.h"
#include "base/log.h"

enum { CONFIG_FLOPPIES = 2, CONFIG_CHANNELS = 4, CONFIG_COMS = 4, CONFIG_ROMS = 4,
       CONFIG_BOOTS = 3, CONFIG_RULES = 64 };

/* Texts are never NULL where a default is named below; NULL means: not set. */
struct config_file {
    const char *path;                      /* NULL or resolved: see config_read_line() */
    const char *origin;                    /* "bochsrc:12", who asked for it */
};

struct config_rom {
    struct config_file file;
    uint64_t address;                      /* 0: where such a ROM belongs */
    const char *options;
};

struct config_floppy {
    const char *type;                      /* "none", "auto" or "160k" ... "2_88" */
    struct config_file image;
    bool inserted, write_protected;
};

struct config_drive {
    const char *type;                      /* "none", "disk", "cdrom" */
    const char *mode, *format, *journal;   /* see iodev/image/image.h; "auto", "auto", NULL */
    struct config_file image;
    uint64_t cylinders, heads, spt;        /* 0: from the image */
    bool inserted;                         /* cdrom */
    const char *model;
    const char *translation;               /* "auto", "none", "lba", "large", "rechs" */
};

struct config_channel {
    bool enabled;
    uint64_t ioaddr1, ioaddr2, irq;
    struct config_drive drive[2];
};

struct config_com {
    bool enabled;
    const char *mode;                      /* see iodev/chardev.h */
    struct config_file dev;
};

struct config_rule { const char *module; enum log_level level; enum log_action action; };

struct config {
    uint64_t memory_mib;
    const char *cpu_model;                 /* NULL: the default one */
    const char *add_features, *exclude_features;   /* lists of names; NULL: none */
    uint64_t ips;                          /* guest instructions in one second of guest time */
    bool reset_on_triple_fault;
    struct config_rom romimage, vgaromimage, optrom[CONFIG_ROMS], optram[CONFIG_ROMS];
    bool pci, fw_cfg;
    uint64_t vga_mib;
    bool vga_border;
    struct config_floppy floppy[CONFIG_FLOPPIES];
    struct config_channel ata[CONFIG_CHANNELS];
    const char *boot[CONFIG_BOOTS];        /* "floppy", "disk", "cdrom", "network"; NULL: no more */
    bool no_boot_signature_check;
    struct config_com com[CONFIG_COMS];
    bool port_e9_hack;
    struct config_file display;            /* path: display_library's name; NULL: the best one */
    const char *display_options;
    const char *sync;                      /* "none", "slowdown", "realtime", "both", "auto" */
    const char *time0;                     /* "local", "utc" or seconds since 1970 */
    struct config_file cmos_image;
    const char *rtc_init;                  /* "time0", "image": where the clock's time comes from */
    struct config_file keymap;             /* of the guest's keyboard; NULL: US */
    uint64_t paste_delay;                  /* microseconds of guest time for a pasted character */
    const char *mouse_type;                /* "imps2", "ps2" (no wheel), "none" */
    struct config_file log;                /* NULL: stderr */
    struct config_rule rule[CONFIG_RULES];
    unsigned rules;
    uint64_t exit_port;                    /* isa-debug-exit; 0: none */
    struct config_file firmware_log;       /* what SeaBIOS says at port 402h */
    bool gdbstub;
    uint64_t gdbstub_port;

    struct config_reader *reader;          /* private to config/ */
};

struct config_report {                     /* one line each, without '\n': "file:line: what" */
    void (*line)(void *ctx, bool error, const char *text);
    void *ctx;
};

struct config *config_new(const struct config_report *);     /* defaults; NULL: out of memory */
void config_free(struct config *);

/* false: errors, each reported. Reading goes on after an error, so that all of them are shown. A
 * relative path means the working directory or, if there is no such file, the directory of the file
 * that names it. */
bool config_read_file(struct config *, const char *path);
/* One bochsrc line that is not in a file. origin: what messages call it, "argument 2". */
bool config_read_line(struct config *, const char *origin, const char *line);
/* After the last line: what only makes sense together (disk without image, channel off). */
bool config_check(struct config *);

unsigned config_warnings(const struct config *);             /* so far */
bool config_is_directive(const char *name, size_t len);
/* Where Bochs looks for a file when none is named; NULL: nowhere. */
const char *config_search(struct config *);

/* As bochsrc lines that read back to the same machine. */
void config_print(const struct config *, FILE *);
/* A copy of a text that lives as long as the config; NULL: out of memory. */
const char *config_keep(struct config *, const char *text);
