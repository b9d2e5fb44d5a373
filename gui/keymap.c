/* SPDX-License-Identifier: MIT
 * Names of keys, and the keys that type a text.
 * USB HID Usage Tables 1.12, section 10 "Keyboard/Keypad page (07h)", USB-IF, 2004.
 *
 * Not implemented: layouts other than US (keys are positions; the guest has the layout).
 */
#include "gui/display.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The first name of a usage is the one key_name() gives. */
static const struct {
    const char *name;
    uint8_t     usage;
} names[] = {
    { "a", 0x04 }, { "b", 0x05 }, { "c", 0x06 }, { "d", 0x07 }, { "e", 0x08 }, { "f", 0x09 },
    { "g", 0x0A }, { "h", 0x0B }, { "i", 0x0C }, { "j", 0x0D }, { "k", 0x0E }, { "l", 0x0F },
    { "m", 0x10 }, { "n", 0x11 }, { "o", 0x12 }, { "p", 0x13 }, { "q", 0x14 }, { "r", 0x15 },
    { "s", 0x16 }, { "t", 0x17 }, { "u", 0x18 }, { "v", 0x19 }, { "w", 0x1A }, { "x", 0x1B },
    { "y", 0x1C }, { "z", 0x1D },
    { "1", 0x1E }, { "2", 0x1F }, { "3", 0x20 }, { "4", 0x21 }, { "5", 0x22 }, { "6", 0x23 },
    { "7", 0x24 }, { "8", 0x25 }, { "9", 0x26 }, { "0", 0x27 },
    { "ret", 0x28 }, { "enter", 0x28 }, { "return", 0x28 },
    { "esc", 0x29 }, { "escape", 0x29 },
    { "backspace", 0x2A }, { "bksp", 0x2A },
    { "tab", 0x2B },
    { "spc", 0x2C }, { "space", 0x2C }, { "spacebar", 0x2C },
    { "minus", 0x2D }, { "-", 0x2D },
    { "equal", 0x2E }, { "equals", 0x2E }, { "=", 0x2E },
    { "bracket_left", 0x2F }, { "left_bracket", 0x2F }, { "[", 0x2F },
    { "bracket_right", 0x30 }, { "right_bracket", 0x30 }, { "]", 0x30 },
    { "backslash", 0x31 }, { "\\", 0x31 },
    { "non_us_hash", 0x32 },
    { "semicolon", 0x33 }, { ";", 0x33 },
    { "apostrophe", 0x34 }, { "quote", 0x34 }, { "'", 0x34 },
    { "grave_accent", 0x35 }, { "grave", 0x35 }, { "`", 0x35 },
    { "comma", 0x36 }, { ",", 0x36 },
    { "dot", 0x37 }, { "period", 0x37 }, { ".", 0x37 },
    { "slash", 0x38 }, { "/", 0x38 },
    { "caps_lock", 0x39 }, { "capslock", 0x39 },
    { "f1", 0x3A }, { "f2", 0x3B }, { "f3", 0x3C }, { "f4", 0x3D }, { "f5", 0x3E }, { "f6", 0x3F },
    { "f7", 0x40 }, { "f8", 0x41 }, { "f9", 0x42 }, { "f10", 0x43 }, { "f11", 0x44 },
    { "f12", 0x45 },
    { "print", 0x46 }, { "sysrq", 0x46 }, { "print_screen", 0x46 }, { "printscreen", 0x46 },
    { "scroll_lock", 0x47 }, { "scrolllock", 0x47 },
    { "pause", 0x48 },
    { "insert", 0x49 }, { "ins", 0x49 },
    { "home", 0x4A },
    { "pgup", 0x4B }, { "page_up", 0x4B }, { "pageup", 0x4B },
    { "delete", 0x4C }, { "del", 0x4C }, { "delete_forward", 0x4C },
    { "end", 0x4D },
    { "pgdn", 0x4E }, { "page_down", 0x4E }, { "pagedown", 0x4E },
    { "right", 0x4F }, { "right_arrow", 0x4F },
    { "left", 0x50 }, { "left_arrow", 0x50 },
    { "down", 0x51 }, { "down_arrow", 0x51 },
    { "up", 0x52 }, { "up_arrow", 0x52 },
    { "num_lock", 0x53 }, { "numlock", 0x53 },
    { "kp_divide", 0x54 }, { "kp_slash", 0x54 },
    { "kp_multiply", 0x55 }, { "kp_asterisk", 0x55 }, { "asterisk", 0x55 },
    { "kp_subtract", 0x56 }, { "kp_minus", 0x56 },
    { "kp_add", 0x57 }, { "kp_plus", 0x57 },
    { "kp_enter", 0x58 },
    { "kp_1", 0x59 }, { "kp_2", 0x5A }, { "kp_3", 0x5B }, { "kp_4", 0x5C }, { "kp_5", 0x5D },
    { "kp_6", 0x5E }, { "kp_7", 0x5F }, { "kp_8", 0x60 }, { "kp_9", 0x61 }, { "kp_0", 0x62 },
    { "kp_decimal", 0x63 }, { "kp_dot", 0x63 }, { "kp_period", 0x63 },
    { "less", 0x64 }, { "non_us_backslash", 0x64 },
    { "compose", 0x65 }, { "menu", 0x65 }, { "application", 0x65 }, { "apps", 0x65 },
    { "power", 0x66 },
    { "kp_equals", 0x67 }, { "kp_equal", 0x67 },
    { "f13", 0x68 }, { "f14", 0x69 }, { "f15", 0x6A }, { "f16", 0x6B }, { "f17", 0x6C },
    { "f18", 0x6D }, { "f19", 0x6E }, { "f20", 0x6F }, { "f21", 0x70 }, { "f22", 0x71 },
    { "f23", 0x72 }, { "f24", 0x73 },
    { "open", 0x74 }, { "execute", 0x74 },
    { "help", 0x75 },
    { "props", 0x76 },
    { "front", 0x77 }, { "select", 0x77 },
    { "stop", 0x78 }, { "again", 0x79 }, { "undo", 0x7A }, { "cut", 0x7B }, { "copy", 0x7C },
    { "paste", 0x7D }, { "find", 0x7E },
    { "audiomute", 0x7F }, { "mute", 0x7F },
    { "volumeup", 0x80 }, { "volume_up", 0x80 },
    { "volumedown", 0x81 }, { "volume_down", 0x81 },
    { "kp_comma", 0x85 },
    { "ro", 0x87 }, { "international1", 0x87 },
    { "katakanahiragana", 0x88 }, { "international2", 0x88 },
    { "yen", 0x89 }, { "international3", 0x89 },
    { "henkan", 0x8A }, { "international4", 0x8A },
    { "muhenkan", 0x8B }, { "international5", 0x8B },
    { "lang1", 0x90 }, { "lang2", 0x91 },
    { "katakana", 0x92 }, { "lang3", 0x92 },
    { "hiragana", 0x93 }, { "lang4", 0x93 },
    { "ctrl", 0xE0 }, { "ctrl_l", 0xE0 }, { "control", 0xE0 }, { "left_control", 0xE0 },
    { "shift", 0xE1 }, { "shift_l", 0xE1 }, { "left_shift", 0xE1 },
    { "alt", 0xE2 }, { "alt_l", 0xE2 }, { "left_alt", 0xE2 },
    { "meta_l", 0xE3 }, { "meta", 0xE3 }, { "left_gui", 0xE3 }, { "win", 0xE3 },
    { "ctrl_r", 0xE4 }, { "right_control", 0xE4 },
    { "shift_r", 0xE5 }, { "right_shift", 0xE5 },
    { "alt_r", 0xE6 }, { "right_alt", 0xE6 }, { "altgr", 0xE6 },
    { "meta_r", 0xE7 }, { "right_gui", 0xE7 },
};

/* The keys 2Dh to 38h, and the digits 1Eh to 27h before them, without and with Shift. */
static const char punctuation[]         = "-=[]\\\0;'`,./";
static const char punctuation_shifted[] = "_+{}|\0:\"~<>?";
static const char digits[]              = "1234567890";
static const char digits_shifted[]      = "!@#$%^&*()";

enum { USAGE_A = 0x04, USAGE_1 = 0x1E, USAGE_MINUS = 0x2D };

static unsigned usage_in_hex(const char *name)
{
    char *end;
    if (strncasecmp(name, "0x", 2) || strlen(name) > 4) return 0;
    unsigned long usage = strtoul(name + 2, &end, 16);
    return *end || usage < 0x04 || usage > 0xE7 ? 0 : (unsigned)usage;
}

unsigned key_by_name(const char *name)
{
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (!strcasecmp(name, names[i].name)) return names[i].usage;
    return usage_in_hex(name);
}

const char *key_name(unsigned usage)
{
    for (size_t i = 0; i < COUNT_OF(names); i++)
        if (names[i].usage == usage) return names[i].name;
    return NULL;
}

static unsigned position(const char *row, size_t length, char c, unsigned first)
{
    const char *at = memchr(row, c, length);
    return at ? first + (unsigned)(at - row) : 0;
}

static unsigned control_key(char c)
{
    switch (c) {
    case '\n': case '\r': return 0x28;
    case 0x1B:            return 0x29;
    case '\b': case 0x7F: return 0x2A;
    case '\t':            return 0x2B;
    case ' ':             return 0x2C;
    default:              return 0;
    }
}

unsigned key_for_char(char c, bool *shift)
{
    unsigned usage = control_key(c);
    *shift = false;
    if (usage || !c) return usage;
    if (c >= 'a' && c <= 'z') return USAGE_A + (unsigned)(c - 'a');
    if ((usage = position(digits, sizeof digits - 1, c, USAGE_1))) return usage;
    if ((usage = position(punctuation, sizeof punctuation - 1, c, USAGE_MINUS))) return usage;
    *shift = true;
    if (c >= 'A' && c <= 'Z') return USAGE_A + (unsigned)(c - 'A');
    if ((usage = position(digits_shifted, sizeof digits_shifted - 1, c, USAGE_1))) return usage;
    usage = position(punctuation_shifted, sizeof punctuation_shifted - 1, c, USAGE_MINUS);
    *shift = usage != 0;
    return usage;
}
