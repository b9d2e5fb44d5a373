/* SPDX-License-Identifier: MIT
 * ROM files and where they are seen:
 *
 *   4 GiB - size   system BIOS, all of it
 *   0xE0000        its last 128 KiB (64 KiB at 0xF0000)
 *   0xC0000        video BIOS; also behind the card's PCI expansion ROM register
 *   address=       option ROMs; also offered to the firmware as fw_cfg "genroms/NAME", because a
 *                  firmware that copies the area into shadow RAM hides what lies below it
 */
#include "config/build.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "iodev/fw_cfg.h"

enum { MIB = 1 << 20, LOW_WINDOW = 128 << 10, MOST_ROMS = 16, LARGEST = 16 * MIB };
enum { VIDEO_AT = 0xC0000, OPTION_AT = 0xD0000, OPTION_END = 0xE0000 };

struct roms {
    uint8_t *data[MOST_ROMS];
    unsigned count;
};

/* Where distributions install firmware that suits this machine, the best first. */
static const char *const system_files[] = {
    "/usr/share/seabios/bios-256k.bin", "/usr/share/qemu/bios-256k.bin", "/usr/share/seabios/bios.bin",
    "/usr/share/bochs/BIOS-bochs-latest", "/usr/local/share/bochs/BIOS-bochs-latest", NULL
};
static const char *const video_files[] = {
    "/usr/share/seabios/vgabios-stdvga.bin", "/usr/share/qemu/vgabios-stdvga.bin",
    "/usr/share/vgabios/vgabios-stdvga.bin", "/usr/share/bochs/VGABIOS-lgpl-latest",
    "/usr/local/share/bochs/VGABIOS-lgpl-latest", NULL
};

static const char *first_readable(const char *const *files)
{
    for (; *files; files++)
        if (access(*files, R_OK) == 0) return *files;
    return NULL;
}

const char *roms_video_path(const struct config *c)
{
    return c->vgaromimage.file.path ? c->vgaromimage.file.path : first_readable(video_files);
}

struct roms *roms_new(void)
{
    return calloc(1, sizeof(struct roms));
}

void roms_free(struct roms *r)
{
    if (!r) return;
    for (unsigned i = 0; i < r->count; i++) free(r->data[i]);
    free(r);
}

struct rom { uint8_t *data; uint32_t len, size; };      /* size: whole pages */

/* at_end: the file's last byte is the ROM's last (the reset vector is there). */
static bool read_file(FILE *in, struct rom *rom, bool at_end)
{
    long len = fseek(in, 0, SEEK_END) ? -1 : ftell(in);
    if (len <= 0 || len > LARGEST || fseek(in, 0, SEEK_SET)) {
        errno = len > LARGEST ? EFBIG : EINVAL;
        return false;
    }
    rom->len = (uint32_t)len;
    rom->size = (rom->len + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    rom->data = malloc(rom->size);
    if (!rom->data) return false;
    memset(rom->data, 0xFF, rom->size);
    if (fread(rom->data + (at_end ? rom->size - rom->len : 0), 1, rom->len, in) == rom->len) return true;
    free(rom->data);
    return false;
}

static bool load(struct roms *r, struct log *log, const char *path, struct rom *rom, bool at_end)
{
    FILE *in = r->count < MOST_ROMS ? fopen(path, "rb") : NULL;
    bool done = in && read_file(in, rom, at_end);
    if (done) r->data[r->count++] = rom->data;
    else log_line(log, "rom", LOG_ERROR, "%s: %s (a ROM is a file of 1 byte to 16 MiB)", path, strerror(errno));
    if (in) fclose(in);
    return done;
}

static bool map(struct board *b, const char *name, int priority, uint64_t base, uint64_t size, uint8_t *data)
{
    if (memory_map_host(board_memory(b), name, REGION_ROM, priority, base, size, data)) return true;
    log_line(board_log(b), "rom", LOG_ERROR, "%s cannot be mapped at %llxh", name, (unsigned long long)base);
    return false;
}

/* An address that does not end at 1 MiB or 4 GiB was meant for a ROM of another size. */
static void check_address(struct log *log, const struct config_rom *c, const struct rom *rom)
{
    uint64_t end = c->address + rom->size;
    if (c->address && end != MIB && end != UINT64_C(0x100000000))
        log_line(log, "rom", LOG_WARN, "%s: address=0x%llx does not suit %u bytes, it is mapped below 4 GiB",
                 c->file.origin, (unsigned long long)c->address, (unsigned)rom->len);
}

static bool load_system(struct roms *r, const struct config *c, struct board *b)
{
    const char *path = c->romimage.file.path ? c->romimage.file.path : first_readable(system_files);
    struct rom rom;
    if (!path) {
        log_line(board_log(b), "rom", LOG_ERROR, "no system BIOS: name one with \"romimage: file=...\", or "
                 "install SeaBIOS (Debian: apt-get install seabios)");
        return false;
    }
    if (!load(r, board_log(b), path, &rom, true)) return false;
    log_line(board_log(b), "rom", LOG_INFO, "system BIOS: %s", path);
    check_address(board_log(b), &c->romimage, &rom);
    uint32_t low = rom.size < LOW_WINDOW ? rom.size : LOW_WINDOW;
    return map(b, "system BIOS", 1, UINT64_C(0x100000000) - rom.size, rom.size, rom.data) &&
           map(b, "system BIOS below 1 MiB", 1, MIB - low, low, rom.data + rom.size - low);
}

static bool load_video(struct roms *r, const struct config *c, struct board *b)
{
    const char *path = roms_video_path(c);
    struct rom rom;
    if (!path) {
        log_line(board_log(b), "rom", LOG_WARN, "no VGA BIOS: the screen stays dark; name one with "
                 "\"vgaromimage: file=...\"");
        return true;
    }
    if (!load(r, board_log(b), path, &rom, false)) return false;
    if (rom.size > OPTION_AT - VIDEO_AT) rom.size = OPTION_AT - VIDEO_AT;
    return map(b, "video BIOS", 1, VIDEO_AT, rom.size, rom.data);
}

static void offer(struct board *b, const char *path, const struct rom *rom)
{
    struct device *fw_cfg = board_find(b, "fw_cfg");
    const char *slash = strrchr(path, '/');
    char name[56];
    snprintf(name, sizeof name, "genroms/%.40s", slash ? slash + 1 : path);
    if (fw_cfg) fw_cfg_add_file(fw_cfg, name, rom->data, rom->len);
}

static bool load_option(struct roms *r, const struct config_rom *c, struct board *b, uint64_t *next)
{
    struct rom rom;
    uint64_t at = c->address ? c->address : *next;
    if (!c->file.path) return true;
    if (!load(r, board_log(b), c->file.path, &rom, false)) return false;
    if (at % 2048 || at < VIDEO_AT || at + rom.size > OPTION_END) {
        log_line(board_log(b), "rom", LOG_ERROR, "%s: an option ROM of %u bytes does not fit at 0x%llx "
                 "(0xc0000 to 0xdffff, a multiple of 0x800)", c->file.origin, (unsigned)rom.len,
                 (unsigned long long)at);
        return false;
    }
    *next = at + rom.size;
    offer(b, c->file.path, &rom);
    if (at % PAGE_SIZE == 0) return map(b, "option ROM", 2, at, rom.size, rom.data);
    log_line(board_log(b), "rom", LOG_WARN, "%s: mapped for SeaBIOS only, others want a multiple of 0x1000",
             c->file.origin);
    return true;
}

static bool load_ram(struct roms *r, const struct config_rom *c, struct board *b)
{
    struct rom rom;
    if (!c->file.path) return true;
    if (!load(r, board_log(b), c->file.path, &rom, false)) return false;
    if (memory_copy_to(board_memory(b), c->address, rom.data, rom.len) == rom.len) return true;
    log_line(board_log(b), "rom", LOG_ERROR, "%s: there is no RAM for it at 0x%llx", c->file.origin,
             (unsigned long long)c->address);
    return false;
}

bool roms_load(struct roms *r, const struct config *c, struct board *b)
{
    uint64_t next = OPTION_AT;
    if (!load_system(r, c, b) || !load_video(r, c, b)) return false;
    for (unsigned i = 0; i < CONFIG_ROMS; i++)
        if (!load_option(r, &c->optrom[i], b, &next) || !load_ram(r, &c->optram[i], b)) return false;
    return true;
}
