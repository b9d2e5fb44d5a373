/* SPDX-License-Identifier: MIT
 * What a terminal sends when keys are pressed -> keys.
 * ECMA-48, Control Functions for Coded Character Sets, 5th edition, 1991 (CSI syntax);
 * DEC VT220 Programmer Reference Manual, EK-VT220-RM, 1984 (function keys); XTerm Control
 * Sequences (modifiers, CSI u); console_codes(4), Linux; rxvt's reference.
 *
 * Not implemented: keys outside ASCII (the guest's layout is unknown), 8-bit CSI, mouse reports.
 */
#include "gui/term.h"

#include <string.h>

enum { ESC = 0x1B };
enum { KEY_ENTER = 0x28, KEY_ESC = 0x29, KEY_BACKSPACE = 0x2A, KEY_TAB = 0x2B, KEY_SPACE = 0x2C,
       KEY_INSERT = 0x49, KEY_HOME = 0x4A, KEY_PGUP = 0x4B, KEY_DELETE = 0x4C, KEY_END = 0x4D,
       KEY_PGDN = 0x4E, KEY_RIGHT = 0x4F, KEY_LEFT = 0x50, KEY_DOWN = 0x51, KEY_UP = 0x52,
       KEY_KP_ENTER = 0x58, KEY_KP_5 = 0x5D };

/* CSI n ~, and the Linux console's and rxvt's home and end. */
static const uint8_t tilde_keys[35] = {
    [1] = KEY_HOME, [2] = KEY_INSERT, [3] = KEY_DELETE, [4] = KEY_END, [5] = KEY_PGUP,
    [6] = KEY_PGDN, [7] = KEY_HOME, [8] = KEY_END,
    [11] = 0x3A, [12] = 0x3B, [13] = 0x3C, [14] = 0x3D, [15] = 0x3E,       /* F1-F5   */
    [17] = 0x3F, [18] = 0x40, [19] = 0x41, [20] = 0x42, [21] = 0x43,       /* F6-F10  */
    [23] = 0x44, [24] = 0x45, [25] = 0x68, [26] = 0x69,                    /* F11-F14 */
    [28] = 0x6A, [29] = 0x6B, [31] = 0x6C, [32] = 0x6D, [33] = 0x6E, [34] = 0x6F,
};

/* CSI or SS3 and a letter. */
static unsigned letter_key(uint8_t letter)
{
    switch (letter) {
    case 'A': return KEY_UP;
    case 'B': return KEY_DOWN;
    case 'C': return KEY_RIGHT;
    case 'D': return KEY_LEFT;
    case 'E': return KEY_KP_5;
    case 'F': return KEY_END;
    case 'H': return KEY_HOME;
    case 'M': return KEY_KP_ENTER;         /* SS3 only */
    case 'P': case 'Q': case 'R': case 'S': return 0x3A + (unsigned)(letter - 'P');
    default:  return 0;
    }
}

/* VT220, table 3-9: SS3 j to y are the keypad's "*+,-./0..9" in application mode. */
static unsigned keypad_key(uint8_t letter)
{
    static const uint8_t keys[] = { 0x55, 0x57, 0x85, 0x56, 0x63, 0x54, 0x62, 0x59,
                                    0x5A, 0x5B, 0x5C, 0x5D, 0x5E, 0x5F, 0x60, 0x61 };
    return letter >= 'j' && letter <= 'y' ? keys[letter - 'j'] : 0;
}

static struct term_stroke control_stroke(uint8_t byte)
{
    /* ^\ ^] ^^ ^_ on the keys that give these codes in DOS and in Linux alike. */
    static const uint8_t last[] = { 0x31, 0x30, 0x23, 0x2D };
    switch (byte) {
    case 0:                 return (struct term_stroke){ 0x1F, TERM_CTRL };   /* Ctrl+2 = NUL */
    case '\b':              return (struct term_stroke){ KEY_BACKSPACE, 0 };
    case '\t':              return (struct term_stroke){ KEY_TAB, 0 };
    case '\n': case '\r':   return (struct term_stroke){ KEY_ENTER, 0 };
    case ESC:               return (struct term_stroke){ KEY_ESC, 0 };
    case 0x1C: case 0x1D: case 0x1E: case 0x1F:
                            return (struct term_stroke){ last[byte - 0x1C], TERM_CTRL };
    default:                return (struct term_stroke){ (uint8_t)(0x04 + byte - 1), TERM_CTRL };
    }
}

/* A single byte; usage 0: no key. */
static struct term_stroke plain_stroke(uint8_t byte)
{
    if (byte < 0x20) return control_stroke(byte);
    if (byte >= 0x80) return (struct term_stroke){ 0, 0 };
    bool shift;
    unsigned usage = key_for_char((char)byte, &shift);
    return (struct term_stroke){ (uint8_t)usage, shift ? TERM_SHIFT : 0 };
}

static unsigned give(struct term_stroke *out, struct term_stroke stroke, unsigned modifiers)
{
    stroke.modifiers |= modifiers;
    *out = stroke;
    return stroke.usage != 0;
}

static unsigned give_key(struct term_stroke *out, unsigned usage, unsigned modifiers)
{
    return give(out, (struct term_stroke){ (uint8_t)usage, 0 }, modifiers);
}

/* ---- CSI sequences --------------------------------------------------------------------------- */

struct csi {
    unsigned number[3], count;             /* parameters, 0 where left out */
    uint8_t  final;
};

static struct csi parse_csi(const uint8_t *s, unsigned length)
{
    struct csi c = { .final = s[length - 1], .count = 1 };
    for (unsigned i = 0; i + 1 < length; i++) {
        if (s[i] == ';' && c.count == COUNT_OF(c.number)) break;
        if (s[i] == ';') c.count++;
        else if (s[i] >= '0' && s[i] <= '9' && c.number[c.count - 1] < 100000)
            c.number[c.count - 1] = c.number[c.count - 1] * 10 + (s[i] - '0');
    }
    return c;
}

/* xterm: parameter = 1 + bits; bit 3 is Meta, which types as Alt. */
static unsigned modifiers_of(unsigned parameter)
{
    if (parameter < 2 || parameter > 16) return 0;
    unsigned bits = parameter - 1;
    return (bits & 7) | (bits & 8 ? TERM_ALT : 0);
}

/* CSI code ; modifiers u, and CSI 27 ; modifiers ; code ~ (modifyOtherKeys). */
static unsigned give_code(struct term_stroke *out, unsigned code, unsigned modifiers)
{
    return code < 0x80 ? give(out, plain_stroke((uint8_t)code), modifiers) : 0;
}

static unsigned tilde(struct term_stroke *out, const struct csi *c, unsigned extra)
{
    unsigned modifiers = modifiers_of(c->number[1]) | extra, n = c->number[0];
    if (n == 27 && c->count == 3) return give_code(out, c->number[2], modifiers);
    return n < COUNT_OF(tilde_keys) ? give_key(out, tilde_keys[n], modifiers) : 0;
}

static unsigned csi_stroke(struct term_stroke *out, const uint8_t *s, unsigned length, unsigned alt)
{
    struct csi c = parse_csi(s, length);
    unsigned modifiers = modifiers_of(c.number[1]) | alt;
    if (s[0] == '[')                       /* the Linux console's F1-F5 */
        return c.final >= 'A' && c.final <= 'E' ? give_key(out, 0x3A + c.final - 'A', alt) : 0;
    switch (c.final) {
    case '~': return tilde(out, &c, alt);
    case '$': return tilde(out, &c, alt | TERM_SHIFT);              /* rxvt */
    case '^': return tilde(out, &c, alt | TERM_CTRL);
    case '@': return tilde(out, &c, alt | TERM_CTRL | TERM_SHIFT);
    case 'u': return give_code(out, c.number[0], modifiers);
    case 'Z': return give_key(out, KEY_TAB, alt | TERM_SHIFT);
    case 'a': case 'b': case 'c': case 'd':                         /* rxvt: Shift and an arrow */
        return give_key(out, letter_key(c.final - 0x20), alt | TERM_SHIFT);
    case 'M': return 0;                    /* a mouse report, never asked for */
    default:  return give_key(out, letter_key(c.final), modifiers);
    }
}

static unsigned ss3_stroke(struct term_stroke *out, const uint8_t *s, unsigned length, unsigned alt)
{
    uint8_t final = s[length - 1];
    unsigned modifiers = alt | (length > 1 ? modifiers_of(s[0] - '0') : 0);
    if (final >= 'a' && final <= 'd')      /* rxvt: Ctrl and an arrow */
        return give_key(out, letter_key(final - 0x20), alt | TERM_CTRL);
    unsigned key = keypad_key(final);
    return give_key(out, key ? key : letter_key(final), modifiers);
}

/* ---- bytes ----------------------------------------------------------------------------------- */

/* s: what follows CSI or SS3, the last byte just came. */
static bool complete(uint8_t kind, const uint8_t *s, unsigned length)
{
    uint8_t last = s[length - 1];
    if (kind == 'O') return last < '0' || last > '9';
    if (length == 1 && last == '[') return false;                   /* CSI [ A */
    if (last == '$') return length > 1;    /* ECMA-48 calls it intermediate, rxvt ends with it */
    return last >= 0x40 && last <= 0x7E;
}

static unsigned decode(const struct term_keys *k, unsigned start, struct term_stroke *out)
{
    const uint8_t *s = k->pending + start + 1;
    unsigned length = k->length - start - 1, alt = start > 1 ? TERM_ALT : 0;
    return k->pending[start] == 'O' ? ss3_stroke(out, s, length, alt)
                                    : csi_stroke(out, s, length, alt);
}

/* ESC, then a byte that starts no sequence: Alt and a key. Twice ESC before it: Esc, then that. */
static unsigned escaped(struct term_keys *k, struct term_stroke out[2])
{
    uint8_t byte = k->pending[k->length - 1];
    unsigned count = k->length > 2 ? give_key(&out[0], KEY_ESC, 0) : 0;
    k->length = 0;
    return count + give(&out[count], plain_stroke(byte), TERM_ALT);
}

/* A control character inside a sequence means that the rest was lost. */
static unsigned restart(struct term_keys *k, uint8_t byte, struct term_stroke out[2])
{
    k->length = 0;
    return term_keys_feed(k, byte, out);
}

unsigned term_keys_feed(struct term_keys *k, uint8_t byte, struct term_stroke out[2])
{
    if (!k->length && byte != ESC) return give(out, plain_stroke(byte), 0);
    /* Where CSI's [ or SS3's O is. */
    unsigned start = k->length > 1 && k->pending[1] == ESC ? 2 : 1;
    if (k->length > start && (byte < 0x20 || k->length == sizeof k->pending))
        return restart(k, byte, out);
    k->pending[k->length++] = byte;
    if (k->length == 1 || (k->length == 2 && byte == ESC)) return 0;
    if (k->length == start + 1) {
        if (byte == '[' || byte == 'O') return 0;
        if (byte != ESC) return escaped(k, out);
        k->length = 2;                     /* ESC ESC ESC: the first one was a key */
        return give_key(out, KEY_ESC, 0);
    }
    if (!complete(k->pending[start], k->pending + start + 1, k->length - start - 1)) return 0;
    unsigned count = decode(k, start, out);
    k->length = 0;
    return count;
}

unsigned term_keys_idle(struct term_keys *k, struct term_stroke out[2])
{
    unsigned length = k->length, count = 0;
    uint8_t last = length ? k->pending[length - 1] : 0;
    k->length = 0;
    if (!length || length > 3) return 0;   /* the torso of a longer sequence */
    if (last == ESC) {
        for (; count < length && count < 2; count++) give_key(&out[count], KEY_ESC, 0);
        return count;
    }
    if (last != '[' && last != 'O') return 0;
    if (length == 3) count = give_key(&out[0], KEY_ESC, 0);
    return count + give(&out[count], plain_stroke(last), TERM_ALT);
}
