/* SPDX-License-Identifier: MIT
 * What a device is: a class with its settings (props), its state (fields) and five functions.
 * A new simple device = one file with one `const struct device_class`, one line in devices.def.
 */
#pragma once
#include "base/base.h"
#include "base/io.h"
#include "base/log.h"
#include "iodev/clock.h"
#include "iodev/line.h"

struct board;

/* ---- settings: one list drives the config parser, --help and bochsrc.sample ------------------ */
/* uint64_t, bool, char * (owned; NULL = unset) */
enum prop_kind { PROP_UINT, PROP_BOOL, PROP_TEXT };
struct prop {
    const char    *name;
    enum prop_kind kind;
    size_t         at;                     /* offset in the device's struct */
    uint64_t       preset;                 /* PROP_UINT, PROP_BOOL */
    const char    *preset_text;            /* PROP_TEXT */
    const char    *help;                   /* one line, unit included */
};

/* ---- state: one list drives snapshot, state hash, `info NAME`, fuzz reset -------------------- */
enum field_kind {
    FIELD_NUMBER,                          /* count integers of size bytes, host order */
    FIELD_TIMER_KIND,                      /* struct timer: armed and due */
    FIELD_LINE_KIND,                       /* struct line: level */
    FIELD_BUFFER_KIND,                     /* uint8_t *; its size_t length is at `count_at` */
};
struct field {
    const char     *name;
    size_t          at;
    uint16_t        size;
    uint32_t        count;
    enum field_kind kind;
    size_t          count_at;
};
#define FIELD(type, m)   { #m, offsetof(type, m), sizeof((type *)0)->m, 1, FIELD_NUMBER, 0 }
#define FIELD_N(type, m) { #m, offsetof(type, m), sizeof((type *)0)->m[0], \
                           COUNT_OF(((type *)0)->m), FIELD_NUMBER, 0 }
#define FIELD_TIMER(type, m) { #m, offsetof(type, m), 0, 1, FIELD_TIMER_KIND, 0 }
#define FIELD_LINE(type, m)  { #m, offsetof(type, m), 0, 1, FIELD_LINE_KIND, 0 }
#define FIELD_BUFFER(type, m, len) \
    { #m, offsetof(type, m), 1, 0, FIELD_BUFFER_KIND, offsetof(type, len) }

enum reset { RESET_POWER, RESET_HARD };    /* POWER: RAM-like contents are lost too */

struct device_class {
    const char         *name;              /* config key, log tag, snapshot id */
    const char         *about;             /* one line, names the data sheet */
    size_t              size;
    const struct prop  *props;             /* ends with { 0 }; may be NULL */
    const struct field *state;             /* ends with { 0 }; may be NULL */
    /* The only place that claims ports, memory, lines; false: it logged one LOG_ERROR line why. */
    bool (*plug)(struct device *, struct board *);
    void (*reset)(struct device *, enum reset);      /* own state, then own lines */
    void (*restored)(struct device *);               /* state was loaded: re-derive it; or NULL */
    void (*unplug)(struct device *);                 /* free what plug allocated; or NULL */
};

/* First member of every device's own struct, named `dev`. */
struct device {
    const struct device_class *class;
    struct board  *board;
    struct device *next;                   /* the board's list, plug order */
    char           id[16];                 /* instance: "com1", "ata0", "rtc" */
};

/* Allocates zeroed and sets the presets. id NULL: the class name. NULL: out of memory. */
struct device *device_new(const struct device_class *, const char *id);
/* Sets one prop from text (numbers: decimal, 0x hex; bools: 0/1/true/false/yes/no/on/off).
 * NULL: done. Otherwise a message: "no such setting" / "not a number" ... */
const char    *device_set(struct device *, const char *prop, const char *value);
bool           device_plug(struct device *, struct board *);      /* plug, then power-on reset */
void           device_free(struct device *);                   /* unplug, free texts and itself */
uint64_t       device_hash(const struct device *, uint64_t seed); /* over the state fields */
void           device_log(const struct device *, enum log_level, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
