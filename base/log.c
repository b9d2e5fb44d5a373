/* SPDX-License-Identifier: MIT
 * Log lines: `12.345678 [ata0] warning: text`. Rules per module and level, repetition control.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"

#define SHOW_REPEATS 20                    /* of one message, then it is only counted */
#define SEEN_SLOTS   256                   /* power of two */

struct rule {
    char module[16];                       /* "": the default */
    int8_t action[LOG_LEVELS];             /* -1: as the default says */
};

struct seen {                              /* one kind of line: module and format */
    char module[16];
    char fmt[104];                         /* its first characters */
    uint64_t count;
    char *shown;                           /* the last text of this kind that was printed in full */
};

struct log {
    FILE *out;
    struct rule *rules;                    /* [0] is the default */
    size_t rule_count;
    bool asked_for[LOG_LEVELS];            /* some rule does not ignore this level */
    struct seen seen[SEEN_SLOTS];
    void (*stop)(void *, const char *);
    void *stop_ctx;
    nanos (*now)(void *);
    void *now_ctx;
};

static const char *const level_names[LOG_LEVELS] = { "debug", "info", "warning", "error", "panic" };

struct log *log_new(void)
{
    struct log *l = calloc(1, sizeof *l);
    if (!l) return NULL;
    l->rules = malloc(sizeof *l->rules);
    if (!l->rules) {
        free(l);
        return NULL;
    }
    l->rule_count = 1;
    l->rules[0] = (struct rule){ "", { LOG_IGNORE, LOG_REPORT, LOG_REPORT, LOG_REPORT,
        LOG_FATAL } };
    l->out = stderr;
    for (unsigned n = LOG_INFO; n < LOG_LEVELS; n++) l->asked_for[n] = true;
    return l;
}

static void summary(struct log *l)
{
    for (unsigned i = 0; i < SEEN_SLOTS; i++)
        if (l->seen[i].count > SHOW_REPEATS && l->seen[i].shown)
            fprintf(l->out, "[%s] %llu more like: %s\n", l->seen[i].module,
                    (unsigned long long)(l->seen[i].count - SHOW_REPEATS), l->seen[i].shown);
}

static void close_out(struct log *l)
{
    if (l->out && l->out != stderr) fclose(l->out);
    l->out = stderr;
}

void log_free(struct log *l)
{
    if (!l) return;
    summary(l);
    close_out(l);
    for (unsigned i = 0; i < SEEN_SLOTS; i++) free(l->seen[i].shown);
    free(l->rules);
    free(l);
}

bool log_open(struct log *l, const char *path)
{
    FILE *out = stderr;
    if (!l || !path) {
        errno = EINVAL;
        return false;
    }
    if (strcmp(path, "-") != 0) {
        out = fopen(path, "w");
        if (!out) return false;
        setvbuf(out, NULL, _IOLBF, BUFSIZ);   /* what was said before a crash is in the file */
    }
    close_out(l);
    l->out = out;
    return true;
}

static struct rule *find_rule(const struct log *l, const char *module)
{
    for (size_t i = 1; i < l->rule_count; i++)
        if (!strncmp(l->rules[i].module, module, sizeof l->rules[i].module - 1))
            return &l->rules[i];
    return NULL;
}

static struct rule *add_rule(struct log *l, const char *module)
{
    struct rule *grown = realloc(l->rules, (l->rule_count + 1) * sizeof *grown);
    if (!grown) return NULL;
    l->rules = grown;
    struct rule *r = &grown[l->rule_count++];
    snprintf(r->module, sizeof r->module, "%s", module);
    memset(r->action, -1, sizeof r->action);
    return r;
}

void log_set_action(struct log *l, const char *module, enum log_level level, enum log_action action)
{
    if (!l || (unsigned)level >= LOG_LEVELS) return;
    struct rule *r = module ? find_rule(l, module) : &l->rules[0];
    if (!r) r = add_rule(l, module);
    if (r) r->action[level] = (int8_t)action;
    if (action != LOG_IGNORE) l->asked_for[level] = true;
}

void log_on_fatal(struct log *l, void (*stop)(void *ctx, const char *message), void *ctx)
{
    if (!l) return;
    l->stop = stop;
    l->stop_ctx = ctx;
}

void log_set_clock(struct log *l, nanos (*now)(void *ctx), void *ctx)
{
    if (!l) return;
    l->now = now;
    l->now_ctx = ctx;
}

static enum log_action action_of(const struct log *l, const char *module, enum log_level level)
{
    const struct rule *r = find_rule(l, module);
    int action = r ? r->action[level] : -1;
    return (enum log_action)(action >= 0 ? action : l->rules[0].action[level]);
}

bool log_wants(const struct log *l, const char *module, enum log_level level)
{
    return l && module && (unsigned)level < LOG_LEVELS && l->asked_for[level] &&
           action_of(l, module, level) != LOG_IGNORE;
}

static unsigned slot_of(const char *module, const char *fmt)
{
    unsigned hash = 5381;
    while (*module) hash = hash * 33 + (unsigned char)*module++;
    while (*fmt) hash = hash * 33 + (unsigned char)*fmt++;
    return hash % SEEN_SLOTS;
}

/* What is known of this kind of line. Two kinds that share a slot chase each other out: then
 * a count starts again, which costs lines, never silence. */
static struct seen *seen_of(struct log *l, const char *module, const char *fmt)
{
    struct seen *s = &l->seen[slot_of(module, fmt)];
    if (!s->count || strncmp(s->fmt, fmt, sizeof s->fmt - 1) ||
        strncmp(s->module, module, sizeof s->module - 1)) {
        s->count = 0;
        free(s->shown);
        s->shown = NULL;
        snprintf(s->fmt, sizeof s->fmt, "%s", fmt);
        snprintf(s->module, sizeof s->module, "%s", module);
    }
    return s;
}

static void stamp(struct log *l)
{
    if (!l->now) return;
    nanos t = l->now(l->now_ctx);
    fprintf(l->out, "%llu.%06llu ", (unsigned long long)(t / SECOND),
            (unsigned long long)(t % SECOND / 1000));
}

/* A text that came from a guest must not play with the reader's terminal. */
static void clean(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7F) *text = '?';
}

/* A person at a terminal decides; without one, asking means stopping. */
static bool keep_going(void)
{
    char answer[16];
    fprintf(stderr, "continue (c) or stop (s)? ");
    return fgets(answer, sizeof answer, stdin) && (answer[0] == 'c' || answer[0] == 'C');
}

static void print(struct log *l, const char *module, enum log_level level, const char *text,
                  const char *remark)
{
    stamp(l);
    fprintf(l->out, "[%s] %s: %s%s\n", module, level_names[level], text, remark);
}

void log_vline(struct log *l, const char *module, enum log_level level, const char *fmt,
               va_list args)
{
    if (!module) module = "?";
    if (!log_wants(l, module, level)) return;
    enum log_action action = action_of(l, module, level);
    struct seen *s = seen_of(l, module, fmt);
    if (s->count++ >= SHOW_REPEATS && action == LOG_REPORT) return;

    char text[1024];
    vsnprintf(text, sizeof text, fmt, args);
    clean(text);
    if (s->count == SHOW_REPEATS) s->shown = strdup(text);
    print(l, module, level, text,
          s->count == SHOW_REPEATS ? " (repeats are counted, not shown)" : "");
    if (action == LOG_ASK && keep_going()) return;
    if (action >= LOG_ASK && l->stop) l->stop(l->stop_ctx, text);
}

void log_line(struct log *l, const char *module, enum log_level level, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    log_vline(l, module, level, fmt, args);
    va_end(args);
}
