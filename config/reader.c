/* SPDX-License-Identifier: MIT
 * Reads bochsrc files and lines, keeps what was said and tells what is wrong with it. No line ends
 * the reading: what this machine does not know costs a warning, a malformed value an error.
 */
#include "config/options.h"

#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INCLUDE_DEPTH = 8, LONGEST_LINE = 65536, MOST_LINES = 100000 };

struct kept {                              /* a text that lives as long as the config */
    struct kept *next;
    char text[];
};

struct config_reader {
    struct config_report report;
    struct kept *kept;
    const char *first_time[64];            /* words said, see config_first_time() */
    unsigned first_times;
    const char *origin;                    /* of the line that is being read */
    const char *directory;                 /* of its file; NULL: the working directory */
    unsigned depth, warnings, errors, lines, files;
};

/* ---- texts and messages ---------------------------------------------------------------------- */
const char *config_keep(struct config *c, const char *text)
{
    size_t size = strlen(text) + 1;
    struct kept *k = malloc(sizeof *k + size);
    if (!k) return NULL;
    memcpy(k->text, text, size);
    k->next = c->reader->kept;
    c->reader->kept = k;
    return k->text;
}

static void say(struct config *c, bool error, const char *origin, const char *fmt, va_list args)
{
    struct config_reader *r = c->reader;
    char text[PATH_MAX + 1024];
    int n = origin ? snprintf(text, sizeof text, "%s: ", origin) : 0;
    if (n < 0 || (size_t)n >= sizeof text) n = 0;
    vsnprintf(text + n, sizeof text - (size_t)n, fmt, args);
    *(error ? &r->errors : &r->warnings) += 1;
    if (r->report.line) r->report.line(r->report.ctx, error, text);
}

void config_warn(struct config *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(c, false, c->reader->origin, fmt, args);
    va_end(args);
}

void config_error(struct config *c, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(c, true, c->reader->origin, fmt, args);
    va_end(args);
}

void config_warn_at(struct config *c, const char *origin, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(c, false, origin, fmt, args);
    va_end(args);
}

void config_error_at(struct config *c, const char *origin, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    say(c, true, origin, fmt, args);
    va_end(args);
}

unsigned config_warnings(const struct config *c) { return c->reader->warnings; }
const char *config_origin(struct config *c) { return c->reader->origin; }
bool config_from_file(const struct config *c) { return c->reader->files != 0; }
bool config_failed(const struct config *c) { return c->reader->errors != 0; }

bool config_first_time(struct config *c, const char *word)
{
    struct config_reader *r = c->reader;
    for (unsigned i = 0; i < r->first_times; i++)
        if (!strcasecmp(r->first_time[i], word)) return false;
    const char *kept = r->first_times < COUNT_OF(r->first_time) ? config_keep(c, word) : NULL;
    if (kept) r->first_time[r->first_times++] = kept;
    return true;
}

/* ---- paths ----------------------------------------------------------------------------------- */
static const char *joined(struct config *c, const char *directory, const char *path)
{
    char text[PATH_MAX];
    int n = snprintf(text, sizeof text, "%s/%s", directory, path);
    return n > 0 && (size_t)n < sizeof text ? config_keep(c, text) : NULL;
}

/* The working directory first, as Bochs does; then the file's own. */
struct config_file config_find_file(struct config *c, const char *path, bool input)
{
    struct config_reader *r = c->reader;
    struct config_file f = { config_keep(c, path), config_keep(c, r->origin ? r->origin : "") };
    if (!input || path[0] == '/' || !r->directory || access(path, F_OK) == 0) return f;
    const char *beside = joined(c, r->directory, path);
    if (beside && access(beside, F_OK) == 0) f.path = beside;
    return f;
}

static const char *directory_of(struct config *c, const char *path)
{
    const char *slash = strrchr(path, '/');
    char text[PATH_MAX];
    if (!slash || (size_t)(slash - path) >= sizeof text) return NULL;
    snprintf(text, sizeof text, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    return config_keep(c, text);
}

/* Where Bochs keeps its ROMs, for configs that say $BXSHARE where nothing of Bochs is installed. */
static const char *bxshare(void)
{
    static const char *const places[] = { "/usr/local/share/bochs", "/usr/share/bochs" };
    for (unsigned i = 0; i < COUNT_OF(places); i++)
        if (access(places[i], F_OK) == 0) return places[i];
    return places[1];
}

static const char *expand(void *config, const char *name)
{
    struct config *c = config;
    const char *value = getenv(name);
    if (value) return value;
    if (!strcmp(name, "BXSHARE")) return bxshare();
    config_warn(c, "$%s is not in the environment, left as it is", name);
    return NULL;
}

/* ---- lines ----------------------------------------------------------------------------------- */
/* A device that is not here but is not wanted either. */
static bool switched_off(const struct config_line *l)
{
    static const char *const off = "0|no|false|off|none|";
    for (unsigned i = 0; i < l->params; i++)
        if (!strcmp(l->param[i].name, "enabled") || !strcmp(l->param[i].name, "enable"))
            if (word_in(off, l->param[i].value)) return true;
    for (unsigned i = 0; i < l->params; i++)
        if (!strcmp(l->param[i].name, "file") && word_in(off, l->param[i].value)) return true;
    for (unsigned i = 0; i < l->params; i++)
        if (!word_in(off, l->param[i].value)) return false;
    return true;
}

static void apply(struct config *c, const struct config_line *l)
{
    const struct directive *d = directive_find(l->name, strlen(l->name));
    if (!d) {
        if (config_first_time(c, l->name)) config_warn(c, "%s: not known, left out", l->name);
        return;
    }
    if (d->old && *d->old && config_first_time(c, l->name))
        config_warn(c, "%s: is an old form, read as %s", d->name, d->old);
    if (d->remark) {
        if (!switched_off(l) && config_first_time(c, d->name))
            config_warn(c, "%s: not supported: %s", d->name, d->remark);
    } else if (d->line) {
        d->line(c, (char *)c + d->at, l);
    } else if (d->options) {
        options_apply(c, d, l);
    }
}

static void include(struct config *c, const char *rest)
{
    char path[PATH_MAX];
    rest += strspn(rest, " \t");
    bool quoted = *rest == '"' || *rest == '<';
    rest += quoted;
    snprintf(path, sizeof path, "%.*s", (int)strcspn(rest, quoted ? "\">\r\n" : " \t\r\n"), rest);
    if (!*path) config_error(c, "#include without a file name");
    else if (c->reader->depth >= INCLUDE_DEPTH)
        config_error(c, "#include %s: nested too deeply", path);
    else config_read_file(c, config_find_file(c, path, true).path);
}

static void read_line(struct config *c, const char *text)
{
    const char *start = text + strspn(text, " \t");
    if (!strncmp(start, "#include", 8) && strchr(" \t\"<\r\n", start[8])) {
        include(c, start + 8);
        return;
    }
    struct config_line l;
    const char *why = lex_line(&l, text, expand, c);
    if (!why && l.name) apply(c, &l);
    else if (why && !strcmp(why, "there is no ':'"))
        config_warn(c, "\"%.40s\": not a directive (%s), left out", l.name ? l.name : "", why);
    else if (why) config_error(c, "%s", why);
    lex_free(&l);
}

bool config_read_line(struct config *c, const char *origin, const char *line)
{
    unsigned before = c->reader->errors;
    c->reader->origin = config_keep(c, origin);
    read_line(c, line);
    c->reader->origin = NULL;
    return c->reader->errors == before;
}

/* false: not a text file, reading it line by line would only give line after line of complaints */
static bool read_lines(struct config *c, FILE *in, const char *path)
{
    char *text = NULL, origin[PATH_MAX + 32];
    size_t room = 0;
    ssize_t len;
    for (unsigned line = 1; (len = getline(&text, &room, in)) >= 0; line++) {
        snprintf(origin, sizeof origin, "%s:%u", path, line);
        c->reader->origin = config_keep(c, origin);
        if (len > LONGEST_LINE || memchr(text, 0, (size_t)len) || c->reader->lines++ > MOST_LINES) {
            config_error(c, "this is not a bochsrc file (not a text, or much too long)");
            break;
        }
        read_line(c, line == 1 && !strncmp(text, "\xEF\xBB\xBF", 3) ? text + 3 : text);
    }
    free(text);
    return len < 0;
}

static FILE *open_text(struct config *c, const char *path)
{
    struct stat s;
    FILE *in = fopen(path, "r");
    if (in && !fstat(fileno(in), &s) && S_ISDIR(s.st_mode)) {
        fclose(in);
        in = NULL;
        errno = EISDIR;
    }
    if (!in) {
        char full[PATH_MAX];
        const char *cause = strerror(errno);
        if (path[0] == '/' || !getcwd(full, sizeof full)) config_error(c, "%s: %s", path, cause);
        else config_error(c, "%s/%s: %s", full, path, cause);
    }
    return in;
}

bool config_read_file(struct config *c, const char *path)
{
    struct config_reader *r = c->reader;
    const char *origin = r->origin, *directory = r->directory;
    unsigned before = r->errors;
    FILE *in = path ? open_text(c, path) : NULL;
    if (!in) return false;
    r->directory = directory_of(c, path);
    r->depth++;
    r->files++;
    read_lines(c, in, path);
    fclose(in);
    r->depth--;
    r->origin = origin;
    r->directory = directory;
    return r->errors == before;
}

const char *config_search(struct config *c)
{
    static const char *const here[] = { ".bochsrc", "bochsrc", "bochsrc.txt" };
    for (unsigned i = 0; i < COUNT_OF(here); i++)
        if (access(here[i], R_OK) == 0) return here[i];
    const char *home = getenv("HOME");
    const char *users = home ? joined(c, home, ".bochsrc") : NULL;
    if (users && access(users, R_OK) == 0) return users;
    return access("/etc/bochsrc", R_OK) == 0 ? "/etc/bochsrc" : NULL;
}

/* ---- birth and end --------------------------------------------------------------------------- */
static void preset_channels(struct config *c)
{
    static const uint64_t usual[CONFIG_CHANNELS][3] = {
        { 0x1F0, 0x3F0, 14 }, { 0x170, 0x370, 15 }, { 0x1E8, 0x3E0, 11 }, { 0x168, 0x360, 9 },
    };
    for (unsigned i = 0; i < CONFIG_CHANNELS; i++) {
        struct config_drive empty = { .type = "none", .mode = "auto", .format = "auto",
                                      .inserted = true, .translation = "auto" };
        c->ata[i] = (struct config_channel){ i < 2, usual[i][0], usual[i][1], usual[i][2],
                                             { empty, empty } };
    }
}

static void preset(struct config *c)
{
    c->ips = 100000000;
    c->reset_on_triple_fault = c->pci = c->fw_cfg = true;
    c->vga_mib = 16;
    c->sync = "auto";
    c->time0 = "local";
    c->rtc_init = "time0";
    c->mouse_type = "imps2";
    c->paste_delay = 30000;
    c->gdbstub_port = 1234;
    for (unsigned i = 0; i < CONFIG_FLOPPIES; i++) {
        c->floppy[i].type = "none";
        c->floppy[i].inserted = true;
    }
    for (unsigned i = 0; i < CONFIG_COMS; i++) c->com[i].mode = "null";
    c->com[0].enabled = true;
    preset_channels(c);
}

struct config *config_new(const struct config_report *report)
{
    struct config *c = calloc(1, sizeof *c);
    if (!c) return NULL;
    c->reader = calloc(1, sizeof *c->reader);
    if (!c->reader) {
        free(c);
        return NULL;
    }
    if (report) c->reader->report = *report;
    preset(c);
    return c;
}

void config_free(struct config *c)
{
    if (!c) return;
    for (struct kept *k = c->reader->kept, *next; k; k = next) {
        next = k->next;
        free(k);
    }
    free(c->reader);
    free(c);
}
