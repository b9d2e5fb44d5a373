/* SPDX-License-Identifier: MIT
 * Names of characters as the X Window System spells them (X11/keysymdef.h): ISO 8859-1, and the
 * Cyrillic letters, which Bochs's keymap files use, too.
 */
#include "gui/layout.h"

#include <ctype.h>
#include <string.h>

/* From space on, without letters and digits, which are called what they are. */
static const struct { uint8_t first; const char *names; } latin[] = {
    { 0x20, "space exclam quotedbl numbersign dollar percent ampersand apostrophe parenleft "
            "parenright asterisk plus comma minus period slash" },
    { 0x3A, "colon semicolon less equal greater question at" },
    { 0x5B, "bracketleft backslash bracketright asciicircum underscore grave" },
    { 0x7B, "braceleft bar braceright asciitilde" },
    { 0xA0, "nobreakspace exclamdown cent sterling currency yen brokenbar section diaeresis "
            "copyright ordfeminine guillemotleft notsign hyphen registered macron degree plusminus "
            "twosuperior threesuperior acute mu paragraph periodcentered cedilla onesuperior "
            "masculine guillemotright onequarter onehalf threequarters questiondown Agrave Aacute "
            "Acircumflex Atilde Adiaeresis Aring AE Ccedilla Egrave Eacute Ecircumflex Ediaeresis "
            "Igrave Iacute Icircumflex Idiaeresis ETH Ntilde Ograve Oacute Ocircumflex Otilde "
            "Odiaeresis multiply Oslash Ugrave Uacute Ucircumflex Udiaeresis Yacute THORN ssharp "
            "agrave aacute acircumflex atilde adiaeresis aring ae ccedilla egrave eacute "
            "ecircumflex ediaeresis igrave iacute icircumflex idiaeresis eth ntilde ograve oacute "
            "ocircumflex otilde odiaeresis division oslash ugrave uacute ucircumflex udiaeresis "
            "yacute thorn ydiaeresis" },
};
static const char cyrillic[] =
    "a be ve ghe de ie zhe ze i shorti ka el em en o pe er es te u ef ha tse che sha shcha "
    "hardsign yeru softsign e yu ya";
enum { CYRILLIC_IO_CAPITAL = 0x401, CYRILLIC_CAPITAL = 0x410, CYRILLIC_SMALL = 0x430,
       CYRILLIC_IO = 0x451 };

/* Which word of the list? -1: none. */
static int word_number(const char *list, const char *word)
{
    size_t length = strlen(word);
    for (int i = 0; *list; i++) {
        size_t n = strcspn(list, " ");
        if (n == length && !memcmp(list, word, n)) return i;
        list += n + strspn(list + n, " ");
    }
    return -1;
}

static uint32_t cyrillic_letter(const char *name)
{
    char small[16] = "";
    bool capital = isupper((unsigned char)name[0]);
    for (size_t i = 0; name[i] && i < sizeof small - 1; i++)
        small[i] = (char)tolower((unsigned char)name[i]);
    if (!strcmp(small, "io")) return capital ? CYRILLIC_IO_CAPITAL : CYRILLIC_IO;
    int n = word_number(cyrillic, small);
    return n < 0 ? 0 : (uint32_t)(capital ? CYRILLIC_CAPITAL : CYRILLIC_SMALL) + (uint32_t)n;
}

uint32_t keysym_character(const char *name)
{
    if (strncmp(name, "XK_", 3)) return 0;
    name += 3;
    if (isalnum((unsigned char)name[0]) && !name[1]) return (unsigned char)name[0];
    if (!strncmp(name, "Cyrillic_", 9)) return cyrillic_letter(name + 9);
    for (size_t i = 0; i < COUNT_OF(latin); i++) {
        int n = word_number(latin[i].names, name);
        if (n >= 0) return latin[i].first + (uint32_t)n;
    }
    return 0;
}
