/* SPDX-License-Identifier: MIT
 * ROM files of a config on their way to the loader. Option ROMs are also offered to the firmware as
 * fw_cfg files "genroms/NAME": SeaBIOS copies itself into the shadow RAM of C0000h-FFFFFh, which
 * hides what the loader has put there.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "config/build.h"
#include "iodev/fw_cfg.h"

enum { OPTION_AT = 0xD0000, OPTION_STEP = 0x4000, FILE_MAX_BYTES = 128 << 10 };

static bool complain(struct board *b, const char *origin, const char *why)
{
    log_line(board_log(b), "rom", LOG_ERROR, "%s%s%s", origin ? origin : "", origin ? ": " : "",
             why);
    return false;
}

/* A system BIOS belongs to the end of 1 MiB and of 4 GiB, whatever address= says: an address that
 * ends elsewhere was meant for a ROM of another size. */
static bool load_system(struct loader *l, const struct config_rom *rom, struct board *b)
{
    char why[512];
    if (loader_system(l, rom->file.path, why, sizeof why))
        return complain(b, rom->file.origin, why);
    log_line(board_log(b), "rom", LOG_INFO, "system BIOS: %s", loader_system_path(l));
    return true;
}

/* SeaBIOS clears C0000h and takes the ROM from the PCI card; the Bochs BIOS looks at C0000h only. A
 * PC without a VGA BIOS starts with a dark screen, but it starts. */
static bool load_video(struct loader *l, const struct config_rom *rom, struct board *b)
{
    char why[512];
    if (!loader_vga(l, rom->file.path, why, sizeof why)) {
        if (board_find(b, "pci")) board_set(b, "vga", "rom", loader_vga_path(l));
        return true;
    }
    if (rom->file.path) return complain(b, rom->file.origin, why);
    log_line(board_log(b), "rom", LOG_WARN, "%s", why);
    return true;
}

static void *read_file(const char *path, size_t limit, size_t *len)
{
    FILE *in = fopen(path, "rb");
    void *data = in ? malloc(limit) : NULL;
    *len = data ? fread(data, 1, limit, in) : 0;
    if (in) fclose(in);
    return data;
}

static void offer(struct board *b, const char *path)
{
    struct device *fw_cfg = board_find(b, "fw_cfg");
    const char *slash = strrchr(path, '/');
    char name[56];
    size_t len;
    void *data = fw_cfg ? read_file(path, FILE_MAX_BYTES, &len) : NULL;
    snprintf(name, sizeof name, "genroms/%.40s", slash ? slash + 1 : path);
    if (data) fw_cfg_add_file(fw_cfg, name, data, len);
    free(data);
}

static bool load_option(struct loader *l, const struct config_rom *rom, unsigned number,
                        struct board *b)
{
    char why[512];
    uint64_t at = rom->address ? rom->address : OPTION_AT + number * OPTION_STEP;
    if (!rom->file.path) return true;
    if (loader_option(l, rom->file.path, (uint32_t)at, why, sizeof why))
        return complain(b, rom->file.origin, why);
    offer(b, rom->file.path);
    return true;
}

static bool load_ram(const struct config_rom *rom, struct board *b)
{
    char why[512];
    size_t len;
    if (!rom->file.path) return true;
    void *data = read_file(rom->file.path, 16 << 20, &len);
    bool done = data && memory_copy_to(board_memory(b), rom->address, data, len) == len;
    free(data);
    if (done) return true;
    snprintf(why, sizeof why, "%s: it cannot be read, or there is no RAM for it at 0x%llx",
             rom->file.path, (unsigned long long)rom->address);
    return complain(b, rom->file.origin, why);
}

bool build_firmware(struct loader *l, const struct config *c, struct board *b)
{
    if (!load_system(l, &c->romimage, b) || !load_video(l, &c->vgaromimage, b)) return false;
    for (unsigned i = 0; i < CONFIG_ROMS; i++)
        if (!load_option(l, &c->optrom[i], i, b) || !load_ram(&c->optram[i], b)) return false;
    return true;
}
