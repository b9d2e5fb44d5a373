/* SPDX-License-Identifier: MIT
 * One option's value: from its text into the struct config, and back to text.
 */
#include "config/options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Where in "a|b|c" the value stands, in any case; NULL: nowhere. */
static const char *find_word(const char *words, const char *value)
{
    size_t len = strlen(value);
    for (;;) {
        size_t n = strcspn(words, "|");
        if (n == len && !strncasecmp(words, value, n)) return words;
        if (!words[n]) return NULL;
        words += n + 1;
    }
}

bool word_in(const char *words, const char *value) { return find_word(words, value) != NULL; }

bool parse_uint(const char *text, uint64_t *value)
{
    int base = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') ? 16 : 10;
    char *end;
    errno = 0;
    unsigned long long v = strtoull(text, &end, base);
    if (!*text || *end || errno || strchr("+-", text[0])) return false;
    *value = v;
    return true;
}

static void set_bool(struct config *c, const char *name, bool *to, const char *value)
{
    if (word_in("1|true|yes|on", value)) *to = true;
    else if (word_in("0|false|no|off", value)) *to = false;
    else config_error(c, "%s=%s: neither 1 nor 0 (true/false, yes/no, on/off)", name, value);
}

static void set_uint(struct config *c, const struct directive *d, const struct option *o,
                     uint64_t *to, const char *value)
{
    uint64_t v;
    const char *name = *o->name ? o->name : d->name;
    if (!parse_uint(value, &v)) {
        config_error(c, "%s=%s: not a number; decimal or 0x and hexadecimal digits", name, value);
    } else if (v < o->min || v > o->max) {
        config_error(c, "%s=%s: must be %llu to %llu", name, value, (unsigned long long)o->min,
                     (unsigned long long)o->max);
    } else {
        *to = v;
    }
}

static void set_word(struct config *c, const struct option *o, const char **to, const char *value)
{
    const char *word = find_word(o->words, value);
    char spelt[32];                        /* as in the table: others compare it as it is */
    if (!word) {
        config_error(c, "%s=%s: must be one of %s", o->name, value, o->words);
        return;
    }
    snprintf(spelt, sizeof spelt, "%.*s", (int)strlen(value), word);
    const char *kept = config_keep(c, spelt);
    if (kept) *to = kept;
}

static void set_file(struct config *c, struct config_file *to, const char *value, bool input)
{
    if (word_in("|none", value)) *to = (struct config_file){ 0 };
    else *to = config_find_file(c, value, input);
}

static void set_option(struct config *c, const struct directive *d, const struct option *o,
                       void *at, const char *value)
{
    switch (o->kind) {
    case OPT_BOOL: set_bool(c, o->name, at, value); break;
    case OPT_UINT: set_uint(c, d, o, at, value); break;
    case OPT_TEXT: *(const char **)at = *value ? config_keep(c, value) : NULL; break;
    case OPT_WORD: set_word(c, o, at, value); break;
    case OPT_INPUT:
    case OPT_OUTPUT: set_file(c, at, value, o->kind == OPT_INPUT); break;
    case OPT_STATUS:
        if (word_in("inserted|ejected", value)) *(bool *)at = word_in("inserted", value);
        else config_error(c, "%s=%s: must be inserted or ejected", o->name, value);
        break;
    case OPT_QUIET: break;
    case OPT_FIXED:
        if (!word_in(o->words, value))
            config_warn(c, "%s: %s=%s: not supported: %s", d->name, o->name, value, o->remark);
        break;
    }
}

static const struct option *find(const struct option *options, const char *name)
{
    const struct option *o = options;
    while (o->name && strcasecmp(o->name, name)) o++;
    return o->name ? o : NULL;
}

void options_apply(struct config *c, const struct directive *d, const struct config_line *l)
{
    for (unsigned i = 0; i < l->params; i++) {
        const struct line_param *p = &l->param[i];
        const struct option *o = find(d->options, p->name);
        void *at = (char *)c + d->at + (o ? o->at : 0);
        if (!o && *p->name)
            config_warn(c, "%s: %s=%s: no such option, left out", d->name, p->name, p->value);
        else if (!o) config_warn(c, "%s: %s: not understood, left out", d->name, p->value);
        else if (o->call) o->call(c, at, p->value);
        else set_option(c, d, o, at, p->value);
    }
}

/* ---- printing -------------------------------------------------------------------------------- */
void print_value(const char *value, FILE *out)
{
    bool quote = !*value || strpbrk(value, " \t,=#:\"") != NULL;
    fprintf(out, quote ? "\"%s\"" : "%s", value);
}

/* NULL: nothing to print. number: room for the text of a number. */
static const char *text_of(const struct option *o, const void *at, char number[24])
{
    switch (o->kind) {
    case OPT_TEXT:
    case OPT_WORD: return *(const char *const *)at;
    case OPT_INPUT:
    case OPT_OUTPUT: return ((const struct config_file *)at)->path;
    case OPT_BOOL: return *(const bool *)at ? "1" : "0";
    case OPT_STATUS: return *(const bool *)at ? "inserted" : "ejected";
    case OPT_UINT:
        snprintf(number, 24, strstr(o->name, "addr") ? "0x%llx" : "%llu",
                 (unsigned long long)*(const uint64_t *)at);
        return number;
    default: return NULL;
    }
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

/* One of many (drives, ports, ROMs) that nobody has touched. */
static bool is_preset(const struct config *c, const struct config *preset,
                      const struct directive *d)
{
    char number[2][24];
    for (const struct option *o = d->options; o && o->name; o++) {
        size_t at = d->at + o->at;
        if (!same_text(text_of(o, (const char *)c + at, number[0]),
                       text_of(o, (const char *)preset + at, number[1])))
            return false;
    }
    return d->at != 0;
}

/* A directive without any value is not printed at all. */
static void directive_print(const struct config *c, const struct directive *d, FILE *out)
{
    const char *base = (const char *)c + d->at, *between = ": ";
    char number[24];
    if (d->print) d->print(c, base, out);
    for (const struct option *o = d->options; o && o->name; o++) {
        const char *text = text_of(o, base + o->at, number);
        if (!text || !*text) continue;
        fprintf(out, "%s%s%s%s", *between == ':' ? d->name : "", between, o->name,
                *o->name ? "=" : "");
        print_value(text, out);
        between = ", ";
    }
    if (*between == ',') fputc('\n', out);
}

void config_print(const struct config *c, FILE *out)
{
    struct config *preset = config_new(NULL);
    for (const struct directive *d = directives; d->name && preset; d++)
        if (!d->old && (d->print || !is_preset(c, preset, d))) directive_print(c, d, out);
    config_free(preset);
}
