/* SPDX-License-Identifier: MIT
 * Keymap files as Bochs writes them: a line for each character,
 *
 *     BX_KEY_Q+BX_KEY_ALT_R     '@'     XK_at
 *
 * a key and up to two modifiers, the character in Latin-1 between apostrophes (or a word, or
 * "none"), the name that the host's key has with X. Where that name is a character's it counts, for
 * there are files whose other column is empty or has the US layout's characters.
 *
 * Not implemented: dead keys.
 */
#include "gui/layout.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "gui/display.h"

enum { CHARACTER_NONE = 0x10000, CHARACTER_BAD };

unsigned stroke_modifier_key(enum stroke_modifier bit)
{
    switch (bit) {
    case STROKE_SHIFT: return 0xE1;
    case STROKE_CTRL:  return 0xE0;
    case STROKE_ALT:   return 0xE2;
    default:           return 0xE6;
    }
}

/* ---- names ----------------------------------------------------------------------------------- */
/* Where Bochs's names are not ours. */
static const struct { const char *name; uint8_t usage; } others[] = {
    { "single_quote", 0x34 }, { "left_backslash", 0x64 }, { "scrl_lock", 0x47 },
    { "alt_sysreq", 0x46 }, { "ctrl_break", 0x48 }, { "win_l", 0xE3 }, { "win_r", 0xE7 },
    { "kp_end", 0x59 }, { "kp_down", 0x5A }, { "kp_page_down", 0x5B }, { "kp_left", 0x5C },
    { "kp_right", 0x5E }, { "kp_home", 0x5F }, { "kp_up", 0x60 }, { "kp_page_up", 0x61 },
    { "kp_insert", 0x62 }, { "kp_delete", 0x63 },
};

static unsigned bochs_key(const char *name, size_t len)
{
    char lower[24];
    if (strncmp(name, "BX_", 3)) return 0;
    size_t skip = strncmp(name, "BX_KEY_", 7) ? 3 : 7;     /* Bochs's own files have BX_SHIFT_L */
    if (len <= skip || len - skip >= sizeof lower) return 0;
    for (size_t i = skip; i <= len; i++)
        lower[i - skip] = i < len ? (char)tolower((unsigned char)name[i]) : '\0';
    for (size_t i = 0; i < COUNT_OF(others); i++)
        if (!strcmp(lower, others[i].name)) return others[i].usage;
    return key_by_name(lower);
}

static unsigned modifier_of(unsigned usage)
{
    switch (usage) {
    case 0xE0: case 0xE4: return STROKE_CTRL;
    case 0xE1: case 0xE5: return STROKE_SHIFT;
    case 0xE2:            return STROKE_ALT;
    case 0xE6:            return STROKE_ALTGR;
    default:              return 0;
    }
}

/* "BX_KEY_Q+BX_KEY_ALT_R" -> the stroke; usage 0: a name is unknown. */
static struct stroke parse_stroke(const char *word)
{
    size_t len = strcspn(word, "+");
    struct stroke s = { (uint8_t)bochs_key(word, len), 0 };
    while (word[len] == '+') {
        word += len + 1;
        len = strcspn(word, "+");
        unsigned bit = modifier_of(bochs_key(word, len));
        if (!bit) return (struct stroke){ 0, 0 };
        s.modifiers |= (uint8_t)bit;
    }
    return s;
}

static uint32_t parse_character(const char *word)
{
    static const struct { const char *name; char is; } words[] = {
        { "space", ' ' }, { "return", '\n' }, { "tab", '\t' }, { "backslash", '\\' },
        { "apostrophe", '\'' },
    };
    if (!strcmp(word, "none")) return CHARACTER_NONE;
    if (word[0] == '\'' && word[1] && word[2] == '\'' && !word[3]) return (unsigned char)word[1];
    for (size_t i = 0; i < COUNT_OF(words); i++)
        if (!strcmp(word, words[i].name)) return (unsigned char)words[i].is;
    return CHARACTER_BAD;
}

/* ---- the file -------------------------------------------------------------------------------- */
static struct stroke find(const struct layout *l, uint32_t character)
{
    for (unsigned i = 0; i < l->count; i++)
        if (l->of[i].character == character) return l->of[i].stroke;
    return (struct stroke){ 0, 0 };
}

/* NULL: taken, or nothing to take. by_name: the third column counts, else the second. */
static const char *take_line(struct layout *l, const char *line, bool by_name)
{
    char key[80], character[24], name[40] = "";
    if (sscanf(line, " %79s", key) != 1 || key[0] == '#') return NULL;
    if (sscanf(line, "%*s %23s %39s", character, name) < 1)
        return "a key, a character, the host's name of it";
    struct stroke s = parse_stroke(key);
    uint32_t c = parse_character(character);
    if (!s.usage) return "no such key";
    if (c == CHARACTER_BAD) return "the character must stand as 'x', or as a word such as none";
    if (by_name) c = keysym_character(name);
    if (!c || c == CHARACTER_NONE || find(l, c).usage) return NULL;
    if (l->count == LAYOUT_STROKES) return "too many lines";
    l->of[l->count].character = (uint16_t)c;
    l->of[l->count++].stroke = s;
    return NULL;
}

/* Twice, as first comes first: by name, then by character. */
static const char *take_file(struct layout *l, FILE *f, unsigned *number)
{
    char line[256];
    const char *wrong = NULL;
    for (unsigned round = 0; round < 2 && !wrong; round++) {
        rewind(f);
        for (*number = 0; !wrong && fgets(line, sizeof line, f);) {
            ++*number;
            wrong = take_line(l, line, !round);
        }
    }
    return wrong;
}

bool layout_load(struct layout *l, const char *path, char *why, size_t size)
{
    unsigned number = 0;
    FILE *f = fopen(path, "r");
    l->count = 0;
    if (!f) {
        snprintf(why, size, "%s: %s", path, strerror(errno));
        return false;
    }
    const char *wrong = take_file(l, f, &number);
    if (wrong) snprintf(why, size, "%s:%u: %s", path, number, wrong);
    else if (!l->count) snprintf(why, size, "%s: no keys in it; is it a Bochs keymap?", path);
    fclose(f);
    return !wrong && l->count;
}

/* ---- characters ------------------------------------------------------------------------------ */
struct stroke layout_stroke(const struct layout *l, uint32_t character)
{
    bool shift = false;
    if (character == '\r') character = '\n';
    struct stroke s = l ? find(l, character) : (struct stroke){ 0, 0 };
    if (s.usage || character >= 0x80 || (l && character > ' ')) return s;
    s.usage = (uint8_t)key_for_char((char)character, &shift);
    s.modifiers = shift ? STROKE_SHIFT : 0;
    return s;
}

uint32_t utf8_next(const char **text)
{
    const unsigned char *s = (const unsigned char *)*text;
    if (!*s) return 0;
    unsigned more = *s < 0x80 ? 0 : *s >= 0xF0 && *s < 0xF8 ? 3
                  : *s >= 0xE0 ? 2 : *s >= 0xC2 ? 1 : 4;
    uint32_t c = more == 0 ? *s : *s & (0x3Fu >> more);
    *text += 1;
    if (more == 4 || *s >= 0xF8) return 0xFFFD;
    for (unsigned i = 1; i <= more; i++) {
        if ((s[i] & 0xC0) != 0x80) return 0xFFFD;
        c = c << 6 | (s[i] & 0x3F);
    }
    *text += more;
    return c;
}
