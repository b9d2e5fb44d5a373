/* SPDX-License-Identifier: MIT
 * VMDK: the descriptor, lines of text, and making an image.
 */
#include "iodev/image/vmdk.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

enum {
    MOST_TEXT = 1 << 20,
    OWN_TEXT = 20 * SECTOR_SIZE,
    GRAIN_SECTORS = 128,
    TEXT_AT = 1,
    TEXT_SECTORS = 20
};

/* NAME=VALUE, the value with or without quotes. */
static bool value_of(const char *line, const char *name, char *to, size_t room)
{
    size_t len = strlen(name);
    if (strncmp(line, name, len)) return false;
    line += len + strspn(line + len, " \t");
    if (*line++ != '=') return false;
    line += strspn(line, " \t\"");
    snprintf(to, room, "%.*s", (int)strcspn(line, "\"\r"), line);
    return true;
}

/* RW 20480 FLAT "name" 0. True: it is one. */
static bool read_extent(const char *line, struct vmdk_line *l)
{
    unsigned long long sectors, offset = 0;
    char access[16];
    *l = (struct vmdk_line){ 0 };
    int fields = sscanf(line, "%15s %llu %15s \"%255[^\"]\" %llu", access, &sectors, l->kind,
                        l->name, &offset);
    if (fields < 3 || (strcmp(access, "RW") && strcmp(access, "RDONLY"))) return false;
    l->sectors = sectors < (1ull << 40) ? sectors : 0;
    l->offset = offset < (1ull << 40) ? offset : UINT64_MAX;
    return true;
}

/* False: out of memory, or more of them than any tool makes. */
static bool add_extent(struct vmdk_text *t, const struct vmdk_line *l)
{
    if (t->lines == VMDK_MOST_EXTENTS) return false;
    struct vmdk_line *more = t->lines & (t->lines - 1)
                                 ? t->line : realloc(t->line, (t->lines * 2 + 1) * sizeof *more);
    if (!more) return false;
    t->line = more;
    t->line[t->lines++] = *l;
    return true;
}

static const char *read_lines(char *text, struct vmdk_text *t)
{
    char parent[16] = "ffffffff", *rest = text;
    struct vmdk_line l;
    for (char *line; (line = rest) && *line;) {
        rest = strchr(line, '\n');
        if (rest) *rest++ = 0;
        if (value_of(line, "createType", t->type, sizeof t->type)) continue;
        if (value_of(line, "parentCID", parent, sizeof parent)) continue;
        if (read_extent(line, &l) && !add_extent(t, &l)) return "has too many extents";
    }
    return strcmp(parent, "ffffffff") ? "has a parent, which is not supported: convert it" : NULL;
}

const char *vmdk_read_text(struct image *i, uint64_t at, uint64_t bytes, struct vmdk_text *t)
{
    size_t len = bytes < MOST_TEXT ? (size_t)bytes : MOST_TEXT;
    char *text = malloc(len + 1);
    *t = (struct vmdk_text){ 0 };
    if (!text) return "out of memory";
    int error = image_file_read(i->fd, at, text, len);
    text[len] = 0;
    const char *cause = error ? strerror(error) : read_lines(text, t);
    free(text);
    return cause;
}

/* ---- making ---------------------------------------------------------------------------------- */
static int print_text(char *to, size_t room, uint64_t sectors, bool fixed, const char *extent)
{
    uint32_t id = 0;
    uint64_t heads = sectors > 1032192 ? 255 : 16, cylinders = sectors / (63 * heads);
    if (getrandom(&id, sizeof id, 0) != sizeof id || id >= 0xFFFFFFFE) id = 0x56495452;
    return snprintf(to, room,
                    VMDK_TEXT "\nversion=1\nCID=%08x\nparentCID=ffffffff\ncreateType=\"%s\"\n\n"
                    "# Extent description\nRW %llu %s \"%s\"%s\n\n"
                    "# The Disk Data Base\n#DDB\n\nddb.virtualHWVersion = \"4\"\n"
                    "ddb.geometry.cylinders = \"%llu\"\nddb.geometry.heads = \"%llu\"\n"
                    "ddb.geometry.sectors = \"63\"\nddb.adapterType = \"ide\"\n",
                    id, fixed ? "monolithicFlat" : "monolithicSparse", (unsigned long long)sectors,
                    fixed ? "FLAT" : "SPARSE", extent, fixed ? " 0" : "",
                    (unsigned long long)cylinders, (unsigned long long)heads);
}

static const char *leaf(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static const char *create_flat(int fd, const struct image_plan *p, uint64_t sectors)
{
    char path[4096], text[OWN_TEXT];
    size_t stem = strlen(p->path);
    if (stem > 5 && !strcmp(p->path + stem - 5, ".vmdk")) stem -= 5;
    snprintf(path, sizeof path, "%.*s-flat.vmdk", (int)stem, p->path);
    int extent = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (extent < 0) return image_create_failed();
    const char *cause =
        ftruncate(extent, (off_t)(sectors * SECTOR_SIZE)) ? image_create_failed() : NULL;
    close(extent);
    int len = print_text(text, sizeof text, sectors, true, leaf(path));
    int error = cause ? 0 : image_file_write(fd, 0, text, (size_t)len);
    return error ? strerror(error) : cause;
}

/* A directory and its tables, all of them there from the start. */
static int write_tables(int fd, uint64_t at, uint64_t tables)
{
    uint8_t entry[4];
    uint64_t first = at + round_up(tables * 4, SECTOR_SIZE) / SECTOR_SIZE;
    int error = 0;
    for (uint64_t n = 0; n < tables && !error; n++) {
        put_le(entry, first + n * (VMDK_PER_TABLE * 4 / SECTOR_SIZE), sizeof entry);
        error = image_file_write(fd, at * SECTOR_SIZE + n * 4, entry, sizeof entry);
    }
    return error;
}

static void make_header(uint8_t *h, uint64_t sectors, uint64_t redundant, uint64_t directory,
                        uint64_t end)
{
    memcpy(h, "KDMV", 4);
    put_le(h + 4, 1, 4);
    put_le(h + 8, 3, 4); /* line ends are tested; redundant tables */
    put_le(h + 12, sectors, 8);
    put_le(h + 20, GRAIN_SECTORS, 8);
    put_le(h + 28, TEXT_AT, 8);
    put_le(h + 36, TEXT_SECTORS, 8);
    put_le(h + 44, VMDK_PER_TABLE, 4);
    put_le(h + 48, redundant, 8);
    put_le(h + 56, directory, 8);
    put_le(h + 64, end, 8);
    memcpy(h + 73, "\n \r\n", 4);
}

const char *vmdk_create(int fd, const struct image_plan *p)
{
    uint8_t h[SECTOR_SIZE] = { 0 };
    char text[TEXT_SECTORS * SECTOR_SIZE] = { 0 };
    uint64_t sectors = round_up(p->bytes, SECTOR_SIZE) / SECTOR_SIZE;
    uint64_t per = (uint64_t)GRAIN_SECTORS * VMDK_PER_TABLE, tables = (sectors + per - 1) / per;
    uint64_t one = round_up(tables * 4, SECTOR_SIZE) / SECTOR_SIZE +
                   tables * (VMDK_PER_TABLE * 4 / SECTOR_SIZE);
    uint64_t redundant = TEXT_AT + TEXT_SECTORS, directory = redundant + one;
    uint64_t end = round_up(directory + one, GRAIN_SECTORS);
    if (sectors > (uint64_t)1 << 32) return "a VMDK disk has 2 TiB at most";
    if (ftruncate(fd, 0)) return image_create_failed();
    if (p->fixed) return create_flat(fd, p, sectors);
    make_header(h, sectors, redundant, directory, end);
    if (ftruncate(fd, (off_t)(end * SECTOR_SIZE))) return image_create_failed();
    print_text(text, sizeof text, sectors, false, leaf(p->path));
    int error = image_file_write(fd, 0, h, sizeof h);
    if (!error) error = image_file_write(fd, TEXT_AT * SECTOR_SIZE, text, sizeof text);
    if (!error) error = write_tables(fd, redundant, tables);
    if (!error) error = write_tables(fd, directory, tables);
    return error ? strerror(error) : NULL;
}
