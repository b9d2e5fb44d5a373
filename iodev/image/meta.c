/* SPDX-License-Identifier: MIT
 * Metadata in memory: see meta.h. A hash table of lines with one list per bucket.
 */
#include "iodev/image/meta.h"
#include "iodev/image/format.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { BUCKETS = 1024, MOST_DIRTY = 1024, MOST_LINES = 4096 };

struct line {
    struct line *next;
    uint64_t     offset;
    uint8_t      class;
    bool         dirty;
    uint8_t      data[];
};

struct meta {
    int          fd;
    uint32_t     size;         /* of a line */
    unsigned     lines, dirty[META_CLASSES];
    bool         unsynced;     /* the file has been written since the last fdatasync */
    struct line *bucket[BUCKETS];
};

struct meta *meta_new(int fd, uint32_t line)
{
    struct meta *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    m->fd = fd;
    m->size = line;
    return m;
}

static void forget(struct meta *m, bool dirty_too)
{
    for (unsigned b = 0; b < BUCKETS; b++) {
        for (struct line **at = &m->bucket[b], *l; (l = *at);) {
            if (l->dirty && !dirty_too) {
                at = &l->next;
                continue;
            }
            *at = l->next;
            m->lines--;
            free(l);
        }
    }
}

void meta_free(struct meta *m)
{
    if (m) forget(m, true);
    free(m);
}

static struct line **bucket_of(struct meta *m, uint64_t offset)
{
    return &m->bucket[(offset / m->size * 0x9E3779B97F4A7C15u >> 32) % BUCKETS];
}

static int line_at(struct meta *m, uint64_t offset, struct line **out)
{
    struct line **head = bucket_of(m, offset), *l = *head;
    while (l && l->offset != offset) l = l->next;
    if (l) return *out = l, 0;
    l = malloc(sizeof *l + m->size);
    if (!l) return ENOMEM;
    *l = (struct line){ .next = *head, .offset = offset };     /* data may begin in its padding */
    int error = image_file_read(m->fd, offset, l->data, m->size);
    if (error) {
        free(l);
        return error;
    }
    *head = *out = l;
    m->lines++;
    return 0;
}

static size_t piece(const struct meta *m, uint64_t offset, size_t len)
{
    size_t left = m->size - (size_t)(offset & (m->size - 1));
    return len < left ? len : left;
}

int meta_get(struct meta *m, uint64_t offset, void *to, size_t len)
{
    for (uint8_t *at = to; len;) {
        struct line *l;
        size_t n = piece(m, offset, len);
        int error = line_at(m, offset & ~(uint64_t)(m->size - 1), &l);
        if (error) return error;
        memcpy(at, l->data + (offset & (m->size - 1)), n);
        at += n, offset += n, len -= n;
    }
    return 0;
}

int meta_put(struct meta *m, uint64_t offset, const void *from, size_t len, unsigned class)
{
    for (const uint8_t *at = from; len;) {
        struct line *l;
        size_t n = piece(m, offset, len);
        int error = line_at(m, offset & ~(uint64_t)(m->size - 1), &l);
        if (error) return error;
        memcpy(l->data + (offset & (m->size - 1)), at, n);
        if (l->dirty) m->dirty[l->class]--;
        l->dirty = true;
        l->class = (uint8_t)(class % META_CLASSES);
        m->dirty[l->class]++;
        at += n, offset += n, len -= n;
    }
    return 0;
}

void meta_data_written(struct meta *m) { m->unsynced = true; }

static unsigned all_dirty(const struct meta *m)
{
    unsigned n = 0;
    for (unsigned c = 0; c < META_CLASSES; c++) n += m->dirty[c];
    return n;
}

bool meta_is_dirty(const struct meta *m) { return all_dirty(m) != 0; }

int meta_make_room(struct meta *m)
{
    int error = all_dirty(m) > MOST_DIRTY ? meta_commit(m) : 0;
    if (m->lines > MOST_LINES) forget(m, false);
    return error;
}

static int sync_file(struct meta *m)
{
    if (!m->unsynced) return 0;
    if (fdatasync(m->fd) != 0) return errno;
    m->unsynced = false;
    return 0;
}

static int by_offset(const void *a, const void *b)
{
    uint64_t x = (*(struct line *const *)a)->offset, y = (*(struct line *const *)b)->offset;
    return x < y ? -1 : x > y;
}

static int write_line(struct meta *m, struct line *l)
{
    int error = image_file_write(m->fd, l->offset, l->data, m->size);
    if (error) return error;
    m->unsynced = true;
    m->dirty[l->class]--;
    l->dirty = false;
    return 0;
}

/* In the order of the file, so that it grows in one piece. */
static int write_class(struct meta *m, unsigned class)
{
    unsigned n = 0;
    int error = 0;
    struct line **list = malloc(m->dirty[class] * sizeof(*list));
    if (!list) return ENOMEM;
    for (unsigned b = 0; b < BUCKETS; b++)
        for (struct line *l = m->bucket[b]; l; l = l->next)
            if (l->dirty && l->class == class) list[n++] = l;
    qsort(list, n, sizeof(*list), by_offset);
    for (unsigned i = 0; i < n && !error; i++) error = write_line(m, list[i]);
    free(list);
    return error;
}

int meta_commit(struct meta *m)
{
    for (unsigned c = 0; c < META_CLASSES; c++) {
        if (!m->dirty[c]) continue;
        int error = c ? sync_file(m) : 0;
        if (!error) error = write_class(m, c);
        if (error) return error;
    }
    return 0;
}

int meta_flush(struct meta *m)
{
    int error = meta_commit(m);
    return error ? error : sync_file(m);
}
