/* SPDX-License-Identifier: MIT
 * Hostile disk images: the input is a file of the format FUZZ_FORMAT. It is opened, read, written,
 * flushed, checked and opened again; nothing may crash, hang or take much memory.
 * The interface is libFuzzer's; standalone.c runs the same without it.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "iodev/image/format.h"

/* A write may make the file long (and sparse); a check takes time for every cluster of it. */
enum { MOST = 1 << 20, MOST_CHECKED = 4 << 20, MOST_SECTORS = 1 << 20, SPAN = 40 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void use(struct image *i, uint64_t seed)
{
    static uint8_t sectors[SPAN * SECTOR_SIZE];
    uint64_t all = image_sectors(i), run;
    const uint64_t places[] = { 0, seed % all, all / 2, all > SPAN ? all - SPAN : 0 };
    for (unsigned n = 0; n < COUNT_OF(places); n++) {
        uint32_t count = all - places[n] < SPAN ? (uint32_t)(all - places[n]) : SPAN;
        image_read(i, places[n], count, sectors);
        if (i->format->where) i->format->where(i, places[n], count, &run);
        if (image_read_only(i)) continue;
        memset(sectors, (int)n + 1, sizeof sectors);
        image_write(i, places[n], n & 1 ? count : 1, sectors);
        if (n == 1) image_settle(i);
    }
    image_flush(i);
}

static void look(const char *path, enum image_access access, uint64_t seed)
{
    char note[8192];
    struct image_info info;
    struct image_report report = { 0 };
    struct image_choice c = { .path = path, .format = FUZZ_FORMAT };
    struct image *i = image_open_choice(&c, access, note, sizeof note);
    if (strchr(note, '\n')) abort();                       /* one line */
    if (!i && !*note) abort();                             /* always said why */
    if (!i) return;
    if (i->format->info) i->format->info(i, &info);
    if (i->format->check && i->file_bytes < MOST_CHECKED && i->sectors < MOST_SECTORS)
        i->format->check(i, &report, false);
    use(i, seed);
    image_close(i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    if (!size || size > MOST) return 0;
    int fd = memfd_create("image", MFD_CLOEXEC);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size) abort();
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    look(path, IMAGE_READ_ONLY, size);
    look(path, IMAGE_WRITE, size * 7919);
    look(path, IMAGE_WRITE, size * 104729);
    if (ftruncate(fd, MOST)) abort();
    look(path, IMAGE_READ_ONLY, size);
    close(fd);
    return 0;
}
