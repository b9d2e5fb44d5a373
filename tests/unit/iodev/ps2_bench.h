/* SPDX-License-Identifier: MIT
 * For the tests of the 8042 and what is behind it: a board with it alone, and short names.
 */
#pragma once
#include "tests/unit/fake_board.h"

#include <check.h>

extern const struct device_class keyboard_class;

enum { OBF = 0x01, SYS = 0x04, A2 = 0x08, AUX = 0x20 };
enum { MS = 1000000, KEY_A = 0x04, KEY_ENTER = 0x28, KEY_PRINT = 0x46, KEY_PAUSE = 0x48,
       KEY_UP = 0x52, KEY_CTRL = 0xE0, KEY_SHIFT = 0xE1, KEY_ALT = 0xE2, KEY_RIGHT_CTRL = 0xE4 };

static inline struct board *bench(void)
{
    struct board *b = fake_new(1 << 16);
    ck_assert_ptr_nonnull(fake_plug(b, &keyboard_class, NULL));
    return b;
}

static inline uint8_t status(struct board *b) { return fake_in8(b, 0x64); }

/* The next byte, waiting up to 20 ms; -1: nothing came. */
static inline int next(struct board *b)
{
    for (unsigned i = 0; i < 200; i++) {
        if (status(b) & OBF) return fake_in8(b, 0x60);
        fake_advance(b, MS / 10);
    }
    return -1;
}

static inline void expect(struct board *b, const char *what, unsigned count, const uint8_t *bytes)
{
    for (unsigned i = 0; i < count; i++) {
        int got = next(b);
        ck_assert_msg(got == bytes[i], "%s: byte %u is %02X, not %02X", what, i, got, bytes[i]);
    }
    ck_assert_msg(next(b) == -1, "%s: more came", what);
}
#define EXPECT(b, what, ...) \
    expect(b, what, sizeof((uint8_t[]){ __VA_ARGS__ }), (const uint8_t[]){ __VA_ARGS__ })

static inline void command(struct board *b, uint8_t c) { fake_out8(b, 0x64, c); }
static inline void config(struct board *b, uint8_t c) { command(b, 0x60), fake_out8(b, 0x60, c); }

static inline uint8_t ask(struct board *b, uint8_t c)
{
    command(b, c);
    ck_assert_uint_eq(status(b) & OBF, OBF);
    return fake_in8(b, 0x60);
}

static inline void send(struct board *b, uint8_t value)
{
    fake_out8(b, 0x60, value);
    ck_assert_int_eq(next(b), 0xFA);
}

static inline void raw(struct board *b, uint8_t set)      /* no translation, a scan code set */
{
    config(b, 0x07);
    send(b, 0xF0), send(b, set);
}

static inline void stroke(struct board *b, unsigned key)
{
    fake_key(b, key, true);
    fake_key(b, key, false);
}
