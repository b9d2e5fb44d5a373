/* SPDX-License-Identifier: MIT
 * What all devices share: birth with preset settings, settings from text, plugging, state hash.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "iodev/board.h"

static void *at(struct device *d, size_t offset)
{
    return (char *)d + offset;
}

static const void *look(const struct device *d, size_t offset)
{
    return (const char *)d + offset;
}

static bool set_text(char **text, const char *value)
{
    char *copy = value ? strdup(value) : NULL;
    if (value && !copy) return false;
    free(*text);
    *text = copy;
    return true;
}

static bool preset(struct device *d, const struct prop *p)
{
    switch (p->kind) {
    case PROP_UINT: *(uint64_t *)at(d, p->at) = p->preset; break;
    case PROP_BOOL: *(bool *)at(d, p->at) = p->preset != 0; break;
    case PROP_TEXT: return set_text(at(d, p->at), p->preset_text);
    }
    return true;
}

static void free_texts(struct device *d)
{
    for (const struct prop *p = d->class->props; p && p->name; p++)
        if (p->kind == PROP_TEXT) free(*(char **)at(d, p->at));
}

struct device *device_new(const struct device_class *class, const char *id)
{
    struct device *d = calloc(1, class->size);
    if (!d) return NULL;
    d->class = class;
    snprintf(d->id, sizeof d->id, "%s", id ? id : class->name);
    for (const struct prop *p = class->props; p && p->name; p++)
        if (!preset(d, p)) {
            free_texts(d);
            free(d);
            return NULL;
        }
    return d;
}

static const char *set_number(uint64_t *number, const char *value)
{
    char *end;
    errno = 0;
    int base = value[0] == '0' && (value[1] == 'x' || value[1] == 'X') ? 16 : 10;
    unsigned long long v = strtoull(value, &end, base);
    if (!*value || *end || errno || strchr("+- \t", value[0])) return "not a number";
    *number = v;
    return NULL;
}

static const char *set_bool(bool *flag, const char *value)
{
    static const char *const words[][2] = {
        { "0", "1" }, { "false", "true" }, { "no", "yes" }, { "off", "on" },
    };
    for (unsigned i = 0; i < COUNT_OF(words); i++)
        for (unsigned on = 0; on < 2; on++)
            if (!strcasecmp(value, words[i][on])) {
                *flag = on;
                return NULL;
            }
    return "not a yes or no";
}

const char *device_set(struct device *d, const char *prop, const char *value)
{
    for (const struct prop *p = d->class->props; p && p->name; p++) {
        if (strcmp(p->name, prop)) continue;
        switch (p->kind) {
        case PROP_UINT: return set_number(at(d, p->at), value);
        case PROP_BOOL: return set_bool(at(d, p->at), value);
        case PROP_TEXT: return set_text(at(d, p->at), value) ? NULL : "out of memory";
        }
    }
    return "no such setting";
}

bool device_plug(struct device *d, struct board *b)
{
    d->board = b;
    if (d->class->plug && !d->class->plug(d, b)) return false;
    if (d->class->reset) d->class->reset(d, RESET_POWER);
    return true;
}

void device_free(struct device *d)
{
    if (!d) return;
    if (d->class->unplug && d->board) d->class->unplug(d);    /* never plugged: nothing to undo */
    free_texts(d);
    free(d);
}

/* ---- state hash ------------------------------------------------------------------------------ */
static uint64_t number(const void *from, size_t size)
{
    uint16_t b2;
    uint32_t b4;
    uint64_t b8;
    switch (size) {
    case 2: memcpy(&b2, from, 2); return b2;
    case 4: memcpy(&b4, from, 4); return b4;
    case 8: memcpy(&b8, from, 8); return b8;
    }
    return 0;
}

/* By value, not by the host's byte order. */
static uint64_t hash_number(uint64_t seed, uint64_t value)
{
    uint8_t bytes[8];
    for (unsigned i = 0; i < 8; i++) bytes[i] = (uint8_t)(value >> (8 * i));
    return memory_hash_bytes(seed, bytes, sizeof bytes);
}

static uint64_t hash_numbers(uint64_t seed, const char *from, const struct field *f)
{
    if (f->size != 2 && f->size != 4 && f->size != 8)
        return memory_hash_bytes(seed, from, (size_t)f->size * f->count);
    for (uint32_t i = 0; i < f->count; i++)
        seed = hash_number(seed, number(from + i * f->size, f->size));
    return seed;
}

static uint64_t hash_field(const struct device *d, const struct field *f, uint64_t seed)
{
    const char *from = look(d, f->at);
    switch (f->kind) {
    case FIELD_NUMBER: return hash_numbers(seed, from, f);
    case FIELD_TIMER_KIND: {
        const struct timer *t = (const void *)from;
        return hash_number(hash_number(seed, t->armed), t->armed ? t->due : 0);
    }
    case FIELD_LINE_KIND: {
        const struct line *l = (const void *)from;
        return hash_number(seed, l->level);
    }
    case FIELD_BUFFER_KIND: {
        size_t len = *(const size_t *)look(d, f->count_at);
        uint8_t *buffer;
        memcpy(&buffer, from, sizeof buffer);
        seed = hash_number(seed, len);
        return buffer ? memory_hash_bytes(seed, buffer, len) : seed;
    }
    }
    return seed;
}

uint64_t device_hash(const struct device *d, uint64_t seed)
{
    seed = memory_hash_bytes(seed, d->id, strlen(d->id));
    for (const struct field *f = d->class->state; f && f->name; f++) seed = hash_field(d, f, seed);
    return seed;
}

void device_log(const struct device *d, enum log_level level, const char *fmt, ...)
{
    struct log *log = d->board ? board_log(d->board) : NULL;
    va_list args;
    va_start(args, fmt);
    log_vline(log, d->id, level, fmt, args);
    va_end(args);
}
