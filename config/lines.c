/* SPDX-License-Identifier: MIT
 * Directives that are more than a list of options: boot order, floppies, log actions, clock time,
 * and what old releases of Bochs wrote in another way.
 */
#include "config/options.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static const char *param(const struct config_line *l, const char *name)
{
    for (unsigned i = 0; i < l->params; i++)
        if (!strcasecmp(l->param[i].name, name)) return l->param[i].value;
    return NULL;
}

static const struct directive *directive_of(const struct config_line *l)
{
    return directive_find(l->name, strlen(l->name));
}

/* ---- boot ------------------------------------------------------------------------------------ */
static const char *boot_device(const char *word)
{
    static const char *const words[][2] = {
        { "floppy|a", "floppy" },
        { "disk|c", "disk" },
        { "cdrom", "cdrom" },
        { "network", "network" },
    };
    for (unsigned i = 0; i < COUNT_OF(words); i++)
        if (word_in(words[i][0], word)) return words[i][1];
    return NULL;
}

void line_boot(struct config *c, void *base, const struct config_line *l)
{
    const char **boot = base;
    unsigned n = 0;
    for (unsigned i = 0; i < CONFIG_BOOTS; i++) boot[i] = NULL;
    for (unsigned i = 0; i < l->params && n < CONFIG_BOOTS; i++) {
        const char *word = l->param[i].value, *device = boot_device(word);
        if (device) boot[n++] = device;
        else if (word_in("usb", word)) config_warn(c, "boot: usb: no USB, left out");
        else if (!word_in("none|", word))
            config_error(c, "boot: %s: must be floppy, disk, cdrom or network", word);
    }
}

void print_boot(const struct config *c, const void *base, FILE *out)
{
    (void)base;
    for (unsigned i = 0; i < CONFIG_BOOTS && c->boot[i]; i++)
        fprintf(out, "%s%s", i ? ", " : "boot: ", c->boot[i]);
    if (c->boot[0]) fputc('\n', out);
}

/* ---- floppya, floppyb ------------------------------------------------------------------------ */
static const char *const floppy_types = "160k|180k|320k|360k|720k|1_2|1_44|2_88";

static void set_floppy_image(struct config *c, struct config_floppy *f, const char *type,
                             const char *path)
{
    if (!strncmp(path, "vvfat:", 6)) {
        config_warn(c, "%s: a directory as a floppy is not supported: the drive is empty", path);
        path = "none";
    }
    f->type = config_keep(c, type);
    f->image = word_in("|none", path) ? (struct config_file){ 0 } : config_find_file(c, path, true);
}

static void set_floppy(struct config *c, struct config_floppy *f, const struct line_param *p)
{
    if (word_in(floppy_types, p->name)) {
        set_floppy_image(c, f, p->name, p->value);
    } else if (word_in("image|file", p->name)) {
        set_floppy_image(c, f, strcmp(f->type, "none") ? f->type : "auto", p->value);
    } else if (word_in("type", p->name)) {
        if (word_in(floppy_types, p->value) || word_in("none|auto", p->value))
            f->type = config_keep(c, p->value);
        else config_error(c, "type=%s: must be one of none|auto|%s", p->value, floppy_types);
    } else if (word_in("status", p->name)) {
        if (word_in("inserted|ejected", p->value)) f->inserted = word_in("inserted", p->value);
        else config_error(c, "status=%s: must be inserted or ejected", p->value);
    } else if (word_in("write_protected", p->name)) {
        if (!word_in("0|1|yes|no|true|false|on|off", p->value))
            config_error(c, "write_protected=%s: must be 0 or 1", p->value);
        f->write_protected = word_in("1|yes|true|on", p->value);
    } else {
        config_warn(c, "%s%s%s: not understood, left out", p->name, *p->name ? "=" : "", p->value);
    }
}

void line_floppy(struct config *c, void *base, const struct config_line *l)
{
    for (unsigned i = 0; i < l->params; i++) set_floppy(c, base, &l->param[i]);
}

void print_floppy(const struct config *c, const void *base, FILE *out)
{
    const struct config_floppy *f = base;
    if (!strcmp(f->type, "none")) return;
    fprintf(out, "floppy%c: type=%s, ", f == &c->floppy[0] ? 'a' : 'b', f->type);
    if (f->image.path) {
        fprintf(out, "image=");
        print_value(f->image.path, out);
        fprintf(out, ", ");
    }
    fprintf(out, "status=%s, write_protected=%u\n", f->inserted ? "inserted" : "ejected",
            f->write_protected);
}

/* ---- log actions ----------------------------------------------------------------------------- */
static const char *const level_names[LOG_LEVELS] = { "debug", "info", "warn", "error", "panic" };
static const char *const action_names[] = { "ignore", "report", "ask", "fatal" };

static int index_of(const char *const *names, unsigned count, const char *name)
{
    for (unsigned i = 0; i < count; i++)
        if (!strcasecmp(names[i], name)) return (int)i;
    return -1;
}

static bool same_module(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static void add_rule(struct config *c, struct config_rule rule)
{
    unsigned i = 0;
    while (i < c->rules &&
           (c->rule[i].level != rule.level || !same_module(c->rule[i].module, rule.module)))
        i++;
    if (i == CONFIG_RULES) {
        config_warn(c, "more than %d log actions, this one is left out", CONFIG_RULES);
        return;
    }
    c->rule[i] = rule;
    if (i == c->rules) c->rules++;
}

void line_actions(struct config *c, void *base, const struct config_line *l)
{
    (void)base;
    for (unsigned i = 0; i < l->params; i++) {
        const struct line_param *p = &l->param[i];
        int level = index_of(level_names, LOG_LEVELS, l->name);
        int action = index_of(action_names, COUNT_OF(action_names), p->value);
        if (!strcasecmp(p->value, "warn")) action = LOG_REPORT;    /* Bochs: a message box */
        if (!*p->name || action < 0 || level < 0) {
            config_error(c, "%s: %s%s%s: must be ignore, report, ask or fatal", l->name, p->name,
                         *p->name ? "=" : "", p->value);
            continue;
        }
        const char *module = strcasecmp(p->name, "action") ? config_keep(c, p->name) : NULL;
        add_rule(c, (struct config_rule){ module, (enum log_level)level, (enum log_action)action });
    }
}

void print_actions(const struct config *c, const void *base, FILE *out)
{
    (void)base;
    for (unsigned i = 0; i < c->rules; i++) {
        const struct config_rule *r = &c->rule[i];
        fprintf(out, "%s: %s=%s\n", level_names[r->level], r->module ? r->module : "action",
                action_names[r->action]);
    }
}

/* ---- options with an afterthought ------------------------------------------------------------ */
/* A port that is given something to do is meant to be there. */
void line_com(struct config *c, void *base, const struct config_line *l)
{
    struct config_com *com = base;
    com->dev.origin = config_origin(c);
    options_apply(c, directive_of(l), l);
    if (word_in("mouse", com->mode)) {
        config_warn(c, "%s: mode=mouse: no serial mouse: the port is open to nobody", l->name);
        com->mode = "null";
    }
    if (!param(l, "enabled") && strcmp(com->mode, "null")) com->enabled = true;
}

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcasecmp(text + n - m, end);
}

void line_drive(struct config *c, void *base, const struct config_line *l)
{
    struct config_drive *d = base;
    options_apply(c, directive_of(l), l);
    if (d->image.path && !param(l, "type") && !strcmp(d->type, "none"))
        d->type = ends_in(d->image.path, ".iso") ? "cdrom" : "disk";
}

/* Before Bochs 2.2: the file name alone. */
void line_rom(struct config *c, void *base, const struct config_line *l)
{
    struct config_line named = *l;
    char file[] = "file";
    (void)base;
    for (unsigned i = 0; i < named.params; i++)
        if (!*named.param[i].name) named.param[i].name = file;
    options_apply(c, directive_of(l), &named);
}

/* ---- old forms ------------------------------------------------------------------------------- */
void line_old_disk(struct config *c, void *base, const struct config_line *l)
{
    struct config_drive *d = base;
    const char *file = param(l, "file"), *dev = param(l, "dev"), *cylinders = param(l, "cyl");
    const char *heads = param(l, "heads"), *spt = param(l, "spt"), *path = file ? file : dev;
    d->type = strcasecmp(l->name, "cdromd") ? "disk" : "cdrom";
    if (path) d->image = config_find_file(c, path, true);
    if ((cylinders && !parse_uint(cylinders, &d->cylinders)) ||
        (heads && !parse_uint(heads, &d->heads)) || (spt && !parse_uint(spt, &d->spt)))
        config_error(c, "%s: cyl=, heads= and spt= must be numbers", l->name);
}

void line_old_ips(struct config *c, void *base, const struct config_line *l)
{
    (void)base;
    uint64_t ips;
    if (l->params != 1 || !parse_uint(l->param[0].value, &ips) || ips < 100000)
        config_error(c, "ips: must be a number, 100000 or more");
    else c->ips = ips;
}

/* ---- clock: time0= --------------------------------------------------------------------------- */
/* "Sat Jan  1 00:00:00 2000": what the guest's clock shows, on every host the same. */
static bool parse_ctime(const char *text, long long *seconds)
{
    static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    char month[4];
    struct tm t = { 0 };
    if (sscanf(text, "%*3s %3s %d %d:%d:%d %d", month, &t.tm_mday, &t.tm_hour, &t.tm_min, &t.tm_sec,
               &t.tm_year) != 6)
        return false;
    const char *found = strlen(month) == 3 ? strstr(months, month) : NULL;
    if (!found || (found - months) % 3 || t.tm_year < 1970 || t.tm_year > 2200) return false;
    t.tm_mon = (int)(found - months) / 3;
    t.tm_year -= 1900;
    *seconds = (long long)timegm(&t);
    return true;
}

void set_time0(struct config *c, void *at, const char *value)
{
    const char **time0 = at;
    char number[24];
    uint64_t n;
    long long seconds;
    if (word_in("local|1", value)) *time0 = "local";
    else if (word_in("utc|2", value)) *time0 = "utc";
    else if (parse_uint(value, &n) && n <= INT64_MAX) *time0 = config_keep(c, value);
    else if (parse_ctime(value, &seconds)) {
        snprintf(number, sizeof number, "%lld", seconds);
        *time0 = config_keep(c, number);
    } else
        config_error(c, "time0=%s: must be local, utc, seconds since 1970, or a time like "
                        "\"Sat Jan  1 00:00:00 2000\"", value);
}

/* ---- mouse: type= ---------------------------------------------------------------------------- */
void set_mouse_type(struct config *c, void *at, const char *value)
{
    const char **type = at;
    if (word_in("none", value)) *type = "none";
    else *type = word_in("ps2", value) ? "ps2" : "imps2";
    if (!word_in("none|ps2|imps2", value))
        config_warn(c, "mouse: type=%s: not supported: a PS/2 wheel mouse", value);
}
