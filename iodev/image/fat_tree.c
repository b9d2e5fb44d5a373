/* SPDX-License-Identifier: MIT
 * A host folder as FAT directories. Microsoft FAT specification (2000), section 7: long names.
 *
 * Taken are files up to 4 GiB - 1 and folders; links, devices and what cannot be read are left out.
 */
#define _GNU_SOURCE
#include "iodev/image/fat.h"
#include <dirent.h>
#include <fcntl.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LONG_CHARACTERS = 13, LONGEST = 255 };

void fat_tree_free(struct fat_tree *t)
{
    for (uint32_t n = 0; n < t->nodes; n++) {
        free(t->node[n].name);
        free(t->node[n].directory);
    }
    free(t->node);
    *t = (struct fat_tree){ 0 };
}

bool fat_tree_path(const struct image *i, const struct fat_tree *t, uint32_t node, char *to,
                   size_t room)
{
    if (!node) return snprintf(to, room, "%s", i->path) < (int)room;
    if (!fat_tree_path(i, t, t->node[node].parent, to, room)) return false;
    size_t len = strlen(to);
    return snprintf(to + len, room - len, "/%s", t->node[node].name) < (int)(room - len);
}

/* ---- names ----------------------------------------------------------------------------------- */
/* UTF-8 to UTF-16, at most room units; what is no UTF-8 becomes '_'. */
static unsigned to_utf16(const char *name, uint16_t *to, unsigned room)
{
    unsigned n = 0;
    for (const uint8_t *p = (const uint8_t *)name; *p && n + 2 <= room;) {
        unsigned more = *p >= 0xF0 ? 3 : *p >= 0xE0 ? 2 : *p >= 0xC0 ? 1 : 0;
        uint32_t c = more ? *p & (0x3Fu >> more) : *p < 0x80 ? *p : '_';
        for (p++; more && (*p & 0xC0) == 0x80; more--) c = c << 6 | (*p++ & 0x3F);
        if (more || (c >= 0xD800 && c < 0xE000) || c > 0x10FFFF) c = '_';
        if (c >= 0x10000) {
            to[n++] = (uint16_t)(0xD800 + ((c - 0x10000) >> 10));
            c = 0xDC00 + (c & 0x3FF);
        }
        to[n++] = (uint16_t)c;
    }
    return n;
}

static uint8_t short_character(char c)
{
    if (c >= 'a' && c <= 'z') return (uint8_t)(c - 'a' + 'A');
    bool fine =
        (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || (c && strchr("$%'-_@~`!(){}^#&", c));
    return fine ? (uint8_t)c : '_';
}

/* name from `at`, without dots and blanks, up to `end`. */
static unsigned squeeze(const char *at, const char *end, uint8_t *to, unsigned room)
{
    unsigned n = 0;
    for (; at < end && n < room; at++)
        if (*at != '.' && *at != ' ') to[n++] = short_character(*at);
    return n;
}

static const char *extension_of(const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot && dot != name ? dot : name + strlen(name);
}

/* As it is, if it fits; with ~N otherwise. */
static void make_short(const char *name, unsigned number, uint8_t *to)
{
    char tail[8] = "";
    const char *dot = extension_of(name);
    memset(to, ' ', 11);
    if (number) snprintf(tail, sizeof tail, "~%u", number % 1000000);
    unsigned len = (unsigned)strlen(tail), used = squeeze(name, dot, to, 8 - len);
    if (!used) to[used++] = '_';
    memcpy(to + used, tail, len);
    squeeze(dot, name + strlen(name), to + 8, 3);
}

/* Does the short name say all of it? */
static bool is_plain(const char *name, const uint8_t *s)
{
    char text[16];
    unsigned n = 0;
    for (unsigned k = 0; k < 8 && s[k] != ' '; k++) text[n++] = (char)s[k];
    if (s[8] != ' ') text[n++] = '.';
    for (unsigned k = 8; k < 11 && s[k] != ' '; k++) text[n++] = (char)s[k];
    text[n] = 0;
    return !strcmp(text, name);
}

/* Not taken by a neighbour before it. */
static bool is_new(const struct fat_tree *t, uint32_t first, uint32_t node)
{
    for (uint32_t n = first; n < node; n++)
        if (!memcmp(t->node[n].short_name, t->node[node].short_name, 11)) return false;
    return true;
}

static void name_node(struct fat_tree *t, uint32_t first, uint32_t node)
{
    struct fat_node *n = &t->node[node];
    make_short(n->name, 0, n->short_name);
    bool plain = is_plain(n->name, n->short_name);
    for (unsigned k = 1; k < 100000 && (!is_new(t, first, node) || (k == 1 && !plain)); k++)
        make_short(n->name, k, n->short_name);
}

static unsigned long_entries(const struct fat_node *n)
{
    uint16_t text[LONGEST];
    if (is_plain(n->name, n->short_name)) return 0;
    return (to_utf16(n->name, text, LONGEST) + LONG_CHARACTERS - 1) / LONG_CHARACTERS;
}

/* ---- reading the folder ---------------------------------------------------------------------- */
static void set_time(struct fat_node *n, time_t when)
{
    struct tm t;
    n->date = 0x21;                                        /* 1980-01-01 */
    if (!gmtime_r(&when, &t) || t.tm_year < 80 || t.tm_year > 207) return;
    n->date = (uint16_t)((t.tm_year - 80) << 9 | (t.tm_mon + 1) << 5 | t.tm_mday);
    n->time = (uint16_t)(t.tm_hour << 11 | t.tm_min << 5 | t.tm_sec / 2);
}

static bool add_node(struct fat_tree *t, uint32_t parent, const char *name, const struct stat *st)
{
    if (t->nodes == t->room) {
        uint32_t room = t->room ? t->room * 2 : 64;
        struct fat_node *list = realloc(t->node, room * sizeof(*list));
        if (!list) return false;
        t->node = list;
        t->room = room;
    }
    struct fat_node *n = &t->node[t->nodes];
    *n = (struct fat_node){ .name = strdup(name), .parent = parent };
    n->is_folder = S_ISDIR(st->st_mode);
    n->size = n->is_folder ? 0 : (uint32_t)st->st_size;
    n->depth = t->nodes ? (uint8_t)(t->node[parent].depth + 1) : 0;
    set_time(n, st->st_mtime);
    t->nodes++;
    return n->name;
}

static bool is_wanted(const char *name, const struct stat *st)
{
    if (!strcmp(name, ".") || !strcmp(name, "..") || strlen(name) > LONGEST) return false;
    return S_ISDIR(st->st_mode) ||
           (S_ISREG(st->st_mode) && st->st_size >= 0 && (uint64_t)st->st_size <= UINT32_MAX);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct fat_node *)a)->name, ((const struct fat_node *)b)->name);
}

/* "." and ".." (in the root, the label takes one), every name, and the end. */
static const char *finish_folder(struct fat_tree *t, uint32_t folder, uint32_t first)
{
    uint32_t entries = 3;
    if (t->nodes - first) qsort(t->node + first, t->nodes - first, sizeof(*t->node), by_name);
    for (uint32_t n = first; n < t->nodes; n++) {
        name_node(t, first, n);
        entries += 1 + long_entries(&t->node[n]);
    }
    t->node[folder].entries = entries;
    return entries > 65536 ? "has a folder with more names than FAT can hold" : NULL;
}

static const char *read_folder(struct image *i, struct fat_tree *t, uint32_t folder)
{
    char path[PATH_MAX];
    uint32_t first = t->nodes;
    bool full = false;
    DIR *d = fat_tree_path(i, t, folder, path, sizeof path) ? opendir(path) : NULL;
    if (!d && !folder) return image_create_failed();
    if (!d) t->skipped++;
    for (struct dirent *e; d && !full && (e = readdir(d));) {
        struct stat st;
        if (fstatat(dirfd(d), e->d_name, &st, AT_SYMLINK_NOFOLLOW)) continue;
        if (!is_wanted(e->d_name, &st)) t->skipped += *e->d_name != '.';
        else full = t->nodes >= FAT_MOST_NODES || !add_node(t, folder, e->d_name, &st);
    }
    if (d) closedir(d);
    return full ? "has too many files (65536 at most)" : finish_folder(t, folder, first);
}

const char *fat_tree_read(struct image *i, struct fat_tree *t)
{
    struct stat st;
    if (stat(i->path, &st)) return image_create_failed();
    if (!S_ISDIR(st.st_mode))
        return "is not a folder: mode=vvfat shows a folder of this host as a disk";
    if (!add_node(t, 0, "", &st)) return "out of memory";
    const char *cause = NULL;
    for (uint32_t n = 0; n < t->nodes && !cause; n++) {
        if (!t->node[n].is_folder) continue;
        cause = t->node[n].depth > FAT_DEEPEST ? "has folders too deep in each other"
                                               : read_folder(i, t, n);
    }
    return cause;
}

/* ---- directories ----------------------------------------------------------------------------- */
static uint8_t short_sum(const uint8_t *name)
{
    uint8_t sum = 0;
    for (unsigned k = 0; k < 11; k++) sum = (uint8_t)((sum >> 1 | sum << 7) + name[k]);
    return sum;
}

static uint8_t *put_entry(uint8_t *at, const uint8_t *name, uint8_t attributes,
                          const struct fat_node *n, uint32_t first)
{
    memcpy(at, name, 11);
    at[11] = attributes;
    put_le(at + 14, n->time, 2);
    put_le(at + 16, n->date, 2);
    put_le(at + 18, n->date, 2);
    put_le(at + 20, first >> 16, 2);
    put_le(at + 22, n->time, 2);
    put_le(at + 24, n->date, 2);
    put_le(at + 26, first & 0xFFFF, 2);
    put_le(at + 28, n->size, 4);
    return at + FAT_ENTRY;
}

/* The last piece first; after the end a zero, then ones. */
static uint8_t *put_long(uint8_t *at, const struct fat_node *n)
{
    static const uint8_t where[LONG_CHARACTERS] = { 1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30 };
    uint16_t text[LONGEST];
    unsigned len = to_utf16(n->name, text, LONGEST), count = long_entries(n);
    for (unsigned k = count; k; k--, at += FAT_ENTRY) {
        at[0] = (uint8_t)(k | (k == count ? 0x40 : 0));
        at[11] = 0x0F;
        at[13] = short_sum(n->short_name);
        for (unsigned c = 0; c < LONG_CHARACTERS; c++) {
            unsigned p = (k - 1) * LONG_CHARACTERS + c;
            put_le(at + where[c], p < len ? text[p] : p == len ? 0 : 0xFFFF, 2);
        }
    }
    return at;
}

static bool make_directory(struct fat_tree *t, uint32_t folder, uint32_t child)
{
    struct fat_node *f = &t->node[folder];
    uint8_t *at = f->directory = calloc(f->entries, FAT_ENTRY);
    if (!at) return false;
    if (!folder) at = put_entry(at, (const uint8_t *)"VITRO      ", 0x08, f, 0);
    else {
        /* a first cluster of 0 means the root, whatever its number is */
        at = put_entry(at, (const uint8_t *)".          ", 0x10, f, f->first);
        at = put_entry(at, (const uint8_t *)"..         ", 0x10, f,
                       f->parent ? t->node[f->parent].first : 0);
    }
    for (; child < t->nodes && t->node[child].parent == folder; child++) {
        const struct fat_node *n = &t->node[child];
        at = put_long(at, n);
        at =
            put_entry(at, n->short_name, n->is_folder ? 0x10 : 0x20, n, n->clusters ? n->first : 0);
    }
    return true;
}

bool fat_tree_directories(struct fat_tree *t)
{
    uint32_t child = 1;
    for (uint32_t n = 0; n < t->nodes; n++) {
        if (!t->node[n].is_folder) continue;
        if (!make_directory(t, n, child)) return false;
        while (child < t->nodes && t->node[child].parent == n) child++;
    }
    return true;
}
