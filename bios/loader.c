/* SPDX-License-Identifier: MIT
 * Firmware loader. ROM files are hostile input: sizes are checked before a byte is mapped.
 * Plug and Play BIOS Specification 1.0a (1994), 3.1: option ROM header 55h AAh, length / 512,
 * bytes that sum up to 0.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "bios/loader.h"

#define SYSTEM_LIMIT (4u << 20)
#define OPTION_LIMIT (128u << 10)
#define OPTION_UNIT  512u
#define LOW_WINDOW   (128u << 10)
#define LOW_END      0x100000u
#define FOUR_GIB     0x100000000u
#define ROM_PRIORITY 1
#define ROM_LIMIT    16

struct rom {
    uint8_t *data;
    size_t   len;                          /* as in the file */
    size_t   room;                         /* allocated: whole pages, filled up with FFh */
    char     path[256];
};

struct loader {
    struct memory *memory;
    struct log *log;
    struct rom rom[ROM_LIMIT];
    unsigned count;
    int system, vga;                       /* index into rom[]; -1: none */
};

static const char *const system_places[] = {
    "/usr/share/seabios/bios-256k.bin", "/usr/share/seabios/bios.bin",
    "/usr/share/qemu/bios-256k.bin",    "/usr/share/bochs/BIOS-bochs-latest",
};
static const char *const vga_places[] = {
    "/usr/share/seabios/vgabios-stdvga.bin", "/usr/share/qemu/vgabios-stdvga.bin",
    "/usr/share/vgabios/vgabios.bin",        "/usr/share/bochs/VGABIOS-lgpl-latest",
};

struct loader *loader_new(struct memory *m, struct log *log)
{
    struct loader *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    l->memory = m;
    l->log = log;
    l->system = l->vga = -1;
    return l;
}

void loader_free(struct loader *l)
{
    if (!l) return;
    for (unsigned i = 0; i < l->count; i++) free(l->rom[i].data);
    free(l);
}

/* ---- files ----------------------------------------------------------------------------------- */
static const char *first_there(const char *const *places, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!access(places[i], R_OK)) return places[i];
    return NULL;
}

const char *loader_usual_system(void)
{
    return first_there(system_places, COUNT_OF(system_places));
}

const char *loader_usual_vga(void)
{
    return first_there(vga_places, COUNT_OF(vga_places));
}

/* One byte more than allowed is asked for: that tells a file that is too long. */
static size_t read_all(const char *path, uint8_t *to, size_t limit, int *error)
{
    FILE *f = fopen(path, "rb");
    *error = errno;
    if (!f) return 0;
    size_t len = fread(to, 1, limit + 1, f);
    *error = ferror(f) ? errno ? errno : EIO : 0;
    fclose(f);
    return len;
}

static const char *complain(char *why, size_t size, const char *path, const char *cause,
                            const char *remedy)
{
    snprintf(why, size, "%s: %s; %s", path, cause, remedy);
    return why;
}

static size_t round_up(size_t n, size_t unit) { return (n + unit - 1) / unit * unit; }

/* A new row of rom[] with the file's bytes; NULL: *why says it. */
static struct rom *read_rom(struct loader *l, const char *path, size_t limit, size_t unit,
                            char *why, size_t size)
{
    int error = 0;
    if (l->count == ROM_LIMIT)
        return complain(why, size, path, "too many ROMs", "leave one out"), NULL;
    size_t room = round_up(limit, PAGE_SIZE);
    uint8_t *data = malloc(room + 1);
    if (!data) return complain(why, size, path, "out of memory", "close something"), NULL;
    memset(data, 0xFF, room + 1);
    size_t len = read_all(path, data, limit, &error);
    if (error || !len || len > limit || len % unit) {
        char cause[96], remedy[96];
        snprintf(cause, sizeof cause, "%s", error ? strerror(error) : "");
        if (!error)
            snprintf(cause, sizeof cause, "%zu bytes%s is no ROM", len,
                     len > limit ? " or more" : "");
        snprintf(remedy, sizeof remedy, "a ROM here has 1 to %zu times %zu bytes", limit / unit,
                 unit);
        free(data);
        return complain(why, size, path, cause,
                        error ? "check romimage/vgaromimage: file=" : remedy), NULL;
    }
    struct rom *r = &l->rom[l->count];
    uint8_t *fitted = realloc(data, round_up(len, PAGE_SIZE));
    *r = (struct rom){ .data = fitted ? fitted : data, .len = len,
                       .room = round_up(len, PAGE_SIZE) };
    snprintf(r->path, sizeof r->path, "%s", path);
    l->count++;
    return r;
}

static const char *map(struct loader *l, const char *name, uint64_t at, const struct rom *r,
                       size_t from, char *why, size_t size)
{
    if (memory_map_host(l->memory, name, REGION_ROM, ROM_PRIORITY, at, r->room - from,
                        r->data + from))
        return NULL;
    return complain(why, size, r->path, "out of memory", "close something");
}

/* ---- system ROM ------------------------------------------------------------------------------ */
const char *loader_system(struct loader *l, const char *path, char *why, size_t size)
{
    if (!path) path = loader_usual_system();
    if (!path)
        return complain(why, size, "/usr/share/seabios/bios-256k.bin", "no system BIOS found",
                        "install the package seabios or give romimage: file=PATH");
    const struct rom *r = read_rom(l, path, SYSTEM_LIMIT, PAGE_SIZE, why, size);
    if (!r) return why;
    l->system = (int)(r - l->rom);
    size_t low = r->len < LOW_WINDOW ? r->len : LOW_WINDOW;
    const char *failed = map(l, "bios", FOUR_GIB - r->len, r, 0, why, size);
    if (!failed) failed = map(l, "bios-low", LOW_END - low, r, r->len - low, why, size);
    return failed;
}

/* ---- option ROMs ----------------------------------------------------------------------------- */
static void check_header(const struct loader *l, const struct rom *r)
{
    size_t len = r->len > 2 ? r->data[2] * OPTION_UNIT : 0;
    uint8_t sum = 0;
    if (r->len < 3 || r->data[0] != 0x55 || r->data[1] != 0xAA) {
        log_line(l->log, "loader", LOG_WARN, "%s: no 55AAh at its start, a BIOS will not find it",
                 r->path);
        return;
    }
    if (len > r->len) {
        log_line(l->log, "loader", LOG_WARN, "%s: says %zu bytes, has %zu", r->path, len, r->len);
        return;
    }
    for (size_t i = 0; i < len; i++) sum = (uint8_t)(sum + r->data[i]);
    if (sum) log_line(l->log, "loader", LOG_WARN, "%s: checksum is %02xh, not 0", r->path, sum);
}

static const char *load_option(struct loader *l, const char *path, const char *name,
                               uint32_t address, char *why, size_t size)
{
    if (address < 0xC0000 || address >= 0xE0000 || address % 2048)
        return complain(why, size, path, "no place for an option ROM",
                        "give an address of 0xc0000 to 0xdf800 in steps of 2 KiB");
    /* Pages are 4 KiB: a ROM that starts in the middle of one is shifted into its page. */
    size_t shift = address % PAGE_SIZE;
    struct rom *r = read_rom(l, path, OPTION_LIMIT, OPTION_UNIT, why, size);
    if (!r) return why;
    check_header(l, r);
    size_t room = round_up(r->len + shift, PAGE_SIZE);
    if (address - shift + room > LOW_END)
        return complain(why, size, path, "reaches beyond 1 MiB", "give it a lower address");
    uint8_t *data = malloc(room);
    if (!data) return complain(why, size, path, "out of memory", "close something");
    memset(data, 0xFF, room);
    memcpy(data + shift, r->data, r->len);
    free(r->data);
    r->data = data;
    r->room = room;
    return map(l, name, address - shift, r, 0, why, size);
}

const char *loader_vga(struct loader *l, const char *path, char *why, size_t size)
{
    if (!path) path = loader_usual_vga();
    if (!path)
        return complain(why, size, "/usr/share/seabios/vgabios-stdvga.bin", "no VGA BIOS found",
                        "install the package seabios or give vgaromimage: file=PATH");
    unsigned index = l->count;
    const char *failed = load_option(l, path, "vgabios", 0xC0000, why, size);
    if (!failed) l->vga = (int)index;
    return failed;
}

const char *loader_option(struct loader *l, const char *path, uint32_t address, char *why,
                          size_t size)
{
    return load_option(l, path, "option-rom", address, why, size);
}

/* ---- looking in ------------------------------------------------------------------------------ */
const char *loader_system_path(const struct loader *l)
{
    return l->system < 0 ? "" : l->rom[l->system].path;
}
const char *loader_vga_path(const struct loader *l)
{
    return l->vga < 0 ? "" : l->rom[l->vga].path;
}
