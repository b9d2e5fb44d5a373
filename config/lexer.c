/* SPDX-License-Identifier: MIT
 * Bochs' line syntax: the first colon ends the directive, commas separate, quotes protect, `#` at
 * the start of a line or after a blank begins a comment, $NAME comes from the environment.
 */
#include "config/lexer.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

/* Inside the lexer a character that had a meaning and lost it by quotes or by $NAME is kept apart:
 * the separators that count are replaced by these. */
enum { COMMA = 1, EQUALS = 2, COLON = 3 };

struct text {
    char *s;
    size_t len, room;
    bool failed;
};

static void put(struct text *t, char c)
{
    if (t->len + 1 >= t->room) {
        size_t room = t->room ? 2 * t->room : 128;
        char *grown = t->failed ? NULL : realloc(t->s, room);
        t->failed |= !grown;
        if (t->failed) return;
        t->s = grown;
        t->room = room;
    }
    t->s[t->len++] = c;
    t->s[t->len] = 0;
}

static bool is_name(char c) { return isalnum((unsigned char)c) || c == '_'; }

/* At `$`. Returns how many characters of the source were used. */
static size_t put_variable(struct text *t, const char *from,
                           const char *(*expand)(void *, const char *), void *ctx)
{
    char name[64];
    size_t len = 0;
    while (is_name(from[1 + len]) && len < sizeof name - 1) {
        name[len] = from[1 + len];
        len++;
    }
    name[len] = 0;
    const char *value = len && expand ? expand(ctx, name) : NULL;
    if (!value) {
        put(t, '$');
        return 1;
    }
    while (*value) put(t, *value++);
    return 1 + len;
}

static char separator(char c, bool *colon)
{
    if (c == ',') return COMMA;
    if (c == '=') return EQUALS;
    if (c != ':' || *colon) return c;
    *colon = true;
    return COLON;
}

/* Without comment, quotes and variables; separators that count are marked. */
static const char *plain(struct text *t, const char *from,
                         const char *(*expand)(void *, const char *), void *ctx)
{
    bool quoted = false, colon = false;
    for (const char *p = from; *p && *p != '\r' && *p != '\n'; p++) {
        if ((unsigned char)*p < ' ' && *p != '\t') return "not a text line";
        if (*p == '"') quoted = !quoted;
        else if (*p == '$') p += put_variable(t, p, expand, ctx) - 1;
        else if (quoted) put(t, *p);
        else if (*p == '#' && (p == from || strchr(" \t,", p[-1]))) break;
        else put(t, separator(*p, &colon));
    }
    put(t, ' ');
    if (t->failed) return "out of memory";
    return quoted ? "a quote is not closed" : NULL;
}

static char *trim(char *s)
{
    while (*s == ' ' || *s == '\t') s++;
    char *end = s + strlen(s);
    while (end > s && (end[-1] == ' ' || end[-1] == '\t')) *--end = 0;
    return s;
}

/* `=` behind the first one belongs to the value. */
static void restore(char *s)
{
    for (; *s; s++)
        if (*s == EQUALS) *s = '=';
        else if (*s == COLON) *s = ':';
}

static void add_param(struct config_line *l, char *text)
{
    struct line_param *p = &l->param[l->params];
    char *equals = strchr(text, EQUALS);
    if (equals) *equals = 0;
    p->name = equals ? trim(text) : text + strlen(text);
    p->value = trim(equals ? equals + 1 : text);
    restore(p->value);
    if (*p->name || *p->value) l->params++;
}

static const char *split(struct config_line *l, char *s)
{
    char *colon = strchr(s, COLON), *next;
    if (colon) *colon = 0;
    restore(s);
    s = trim(s);
    if (!*s && !colon) return NULL;
    l->name = s;
    if (!colon) return "there is no ':'";
    for (s = colon + 1; s; s = next) {
        next = strchr(s, COMMA);
        if (next) *next++ = 0;
        if (l->params == LINE_PARAMS) return "too many options";
        add_param(l, s);
    }
    return NULL;
}

const char *lex_line(struct config_line *l, const char *text,
                     const char *(*expand)(void *ctx, const char *name), void *ctx)
{
    *l = (struct config_line){ 0 };
    while (*text == ' ' || *text == '\t') text++;
    struct text t = { 0 };
    const char *why = plain(&t, text, expand, ctx);
    l->text = t.s;
    return why ? why : split(l, t.s);
}

void lex_free(struct config_line *l)
{
    free(l->text);
    *l = (struct config_line){ 0 };
}
