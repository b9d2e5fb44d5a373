/* SPDX-License-Identifier: MIT
 * The 8042 and the keyboard behind it, as BIOSes and Linux talk to them.
 */
#include "tests/unit/iodev/ps2_bench.h"

#include <stdlib.h>

START_TEST(self_tests)
{
    struct board *b = bench();
    ck_assert_uint_eq(status(b) & (OBF | SYS), 0);
    ck_assert_uint_eq(ask(b, 0xAA), 0x55);
    ck_assert_uint_eq(status(b), 0x10 | SYS | A2);
    ck_assert_uint_eq(ask(b, 0xAB), 0x00);
    ck_assert_uint_eq(ask(b, 0xA9), 0x00);
    ck_assert_uint_eq(ask(b, 0xA4), 0xF1);
    ck_assert_uint_eq(ask(b, 0xC0) & 0x80, 0x80);
    config(b, 0x61);
    ck_assert_uint_eq(status(b) & A2, 0);
    ck_assert_uint_eq(ask(b, 0x20), 0x61);
    ck_assert_uint_eq(ask(b, 0xD0) & 0x03, 0x03);
    command(b, 0x7F), fake_out8(b, 0x60, 0x99);
    ck_assert_uint_eq(ask(b, 0x3F), 0x99);
    command(b, 0xB7);                           /* unknown: nothing happens */
    ck_assert_int_eq(next(b), -1);
    fake_free(b);
}
END_TEST

START_TEST(input_port_in_the_status)
{
    struct board *b = bench();
    command(b, 0xC2);
    ck_assert_uint_eq(status(b) & 0xF0, 0x80);  /* bit 7: not locked */
    command(b, 0xC1);
    ck_assert_uint_eq(status(b) & 0xF0, 0x00);
    ck_assert_uint_eq(ask(b, 0xC0), 0x80);
    ck_assert_uint_eq(status(b) & 0xF0, 0x10);
    fake_free(b);
}
END_TEST

START_TEST(diagnostic_dump)
{
    struct board *b = bench();
    command(b, 0x6F), fake_out8(b, 0x60, 0x77);
    command(b, 0xAC);
    for (unsigned i = 0; i < 16; i++)
        ck_assert_int_eq(next(b), i == 0 ? 0x43 : i == 15 ? 0x77 : 0);
    ck_assert_int_eq(next(b), 0x80);
    ck_assert_int_eq(next(b) & 0x03, 0x03);
    ck_assert_int_eq(next(b), 0x10 | A2);
    ck_assert_int_eq(next(b), -1);
    fake_free(b);
}
END_TEST

START_TEST(password)
{
    struct board *b = bench();
    command(b, 0xA6);                           /* there is none */
    stroke(b, KEY_A);
    EXPECT(b, "open", 0x1E, 0x9E);
    command(b, 0xA5);
    for (const char *p = "\x1E\x30\x1E"; *p; p++) fake_out8(b, 0x60, (uint8_t)*p);     /* a b a */
    fake_out8(b, 0x60, 0);
    ck_assert_uint_eq(ask(b, 0xA4), 0xFA);
    command(b, 0x73), fake_out8(b, 0x60, 0x5A);
    command(b, 0x74), fake_out8(b, 0x60, 0xA5);
    command(b, 0x76), fake_out8(b, 0x60, 0x2A); /* Shift does not count */
    ck_assert_uint_eq(ask(b, 0xA6), 0x5A);
    stroke(b, 0x05), stroke(b, KEY_A), stroke(b, KEY_A);
    ck_assert_int_eq(next(b), -1);
    fake_key(b, KEY_SHIFT, true);
    stroke(b, 0x05);
    fake_key(b, KEY_SHIFT, false);
    ck_assert_int_eq(next(b), -1);
    fake_key(b, KEY_A, true);                   /* b a a b a: the end of it is the password */
    EXPECT(b, "unlocked", 0xA5);
    fake_key(b, KEY_A, false);
    EXPECT(b, "open again", 0x9E);
    fake_free(b);
}
END_TEST

/* What Linux's i8042 driver probes. */
START_TEST(linux_probe)
{
    struct board *b = bench();
    config(b, 0x74);
    command(b, 0xD3), fake_out8(b, 0x60, 0x5A);
    ck_assert_uint_eq(status(b) & (OBF | AUX), OBF | AUX);
    ck_assert_uint_eq(fake_in8(b, 0x60), 0x5A);
    command(b, 0xA7);
    ck_assert_uint_eq(ask(b, 0x20) & 0x20, 0x20);
    command(b, 0xA8);
    ck_assert_uint_eq(ask(b, 0x20) & 0x20, 0);
    config(b, 0x46);                            /* the interrupt delivery test */
    ck_assert(!fake_irq(b, 12));
    command(b, 0xD3), fake_out8(b, 0x60, 0xA5);
    ck_assert(fake_irq(b, 12) && !fake_irq(b, 1));
    ck_assert_uint_eq(fake_in8(b, 0x60), 0xA5);
    ck_assert(!fake_irq(b, 12));
    command(b, 0xD2), fake_out8(b, 0x60, 0x1E);
    ck_assert_uint_eq(status(b) & (OBF | AUX), OBF);
    ck_assert_uint_eq(fake_in8(b, 0x60), 0x1E);
    fake_free(b);
}
END_TEST

START_TEST(interrupts_and_delay)
{
    struct board *b = bench();
    config(b, 0x45);
    fake_key(b, KEY_A, true);
    fake_advance(b, 249999);
    ck_assert(!fake_irq(b, 1));
    fake_advance(b, 1);
    ck_assert(fake_irq(b, 1));
    fake_key(b, KEY_A, false);
    fake_advance(b, 10 * MS);
    ck_assert_uint_eq(fake_irq_edges(b, 1), 1);     /* the next byte waits for the reader */
    ck_assert_uint_eq(fake_in8(b, 0x60), 0x1E);
    ck_assert_uint_eq(fake_in8(b, 0x60), 0x1E);     /* the buffer keeps its byte */
    ck_assert(!fake_irq(b, 1));
    fake_advance(b, 10 * MS);
    ck_assert_uint_eq(fake_irq_edges(b, 1), 2);
    ck_assert_uint_eq(fake_in8(b, 0x60), 0x9E);
    config(b, 0x44);
    stroke(b, KEY_A);
    fake_advance(b, 10 * MS);
    ck_assert(!fake_irq(b, 1));
    config(b, 0x45);                            /* enabling finds the full buffer */
    ck_assert(fake_irq(b, 1));
    fake_free(b);
}
END_TEST

START_TEST(disabled_keyboard_waits)
{
    struct board *b = bench();
    command(b, 0xAD);
    stroke(b, KEY_ENTER);
    ck_assert_int_eq(next(b), -1);
    command(b, 0xAE);
    EXPECT(b, "enter", 0x1C, 0x9C);
    command(b, 0xAD);
    fake_out8(b, 0x60, 0xEE);                   /* writing to it opens it */
    EXPECT(b, "echo", 0xEE);
    ck_assert_uint_eq(ask(b, 0x20) & 0x10, 0);
    fake_free(b);
}
END_TEST

START_TEST(reply_before_key)
{
    struct board *b = bench();
    fake_key(b, KEY_A, true);
    fake_advance(b, MS);
    command(b, 0x20);                           /* buffer full: the reply comes next */
    ck_assert_uint_eq(fake_in8(b, 0x60), 0x1E);
    ck_assert_uint_eq(status(b) & OBF, OBF);
    ck_assert_uint_eq(fake_in8(b, 0x60), 0x43);
    for (unsigned i = 0; i < 300; i++) command(b, 0xAA);   /* a flood is cut off, not fatal */
    for (unsigned i = 0; i < 300 && status(b) & OBF; i++)
        ck_assert_uint_eq(fake_in8(b, 0x60), 0x55);
    ck_assert_uint_eq(status(b) & OBF, 0);
    fake_free(b);
}
END_TEST

static bool a20(const struct board *b) { return fake_wire(b, WIRE_KEYBOARD_A20); }

START_TEST(a20_and_reset)
{
    struct board *b = bench();
    ck_assert(a20(b));
    command(b, 0xD1), fake_out8(b, 0x60, 0xDD);
    ck_assert(!a20(b));
    ck_assert_uint_eq(ask(b, 0xD0) & 0x02, 0);
    command(b, 0xD1), fake_out8(b, 0x60, 0xDF);
    ck_assert(a20(b));
    command(b, 0xDD);
    ck_assert(!a20(b));
    command(b, 0xDF);
    ck_assert(a20(b));
    ck_assert_uint_eq(b->wire[WIRE_RESET].rises, 0);
    command(b, 0xFF);
    ck_assert_uint_eq(b->wire[WIRE_RESET].rises, 0);
    command(b, 0xFE);
    ck_assert_uint_eq(b->wire[WIRE_RESET].rises, 1);
    ck_assert(!fake_wire(b, WIRE_RESET));
    command(b, 0xF0);
    command(b, 0xD1), fake_out8(b, 0x60, 0x02);
    ck_assert_uint_eq(b->wire[WIRE_RESET].rises, 3);
    command(b, 0xD1), fake_out8(b, 0x60, 0x01);
    ck_assert(!a20(b));
    command(b, 0xFE);
    ck_assert(a20(b));
    command(b, 0xDD);
    fake_reset(b, RESET_HARD);
    ck_assert(a20(b));
    fake_free(b);
}
END_TEST

START_TEST(keyboard_commands)
{
    struct board *b = bench();
    fake_out8(b, 0x60, 0xFF);
    EXPECT(b, "reset", 0xFA, 0xAA);
    fake_out8(b, 0x60, 0xF2);
    EXPECT(b, "id, translated", 0xFA, 0xAB, 0x41);
    config(b, 0x07);
    fake_out8(b, 0x60, 0xF2);
    EXPECT(b, "id", 0xFA, 0xAB, 0x83);
    fake_out8(b, 0x60, 0xEE);
    EXPECT(b, "echo", 0xEE);
    fake_out8(b, 0x60, 0xFE);
    EXPECT(b, "resend", 0xEE);
    send(b, 0xED), send(b, 0x07);
    send(b, 0xF3), send(b, 0x00);
    send(b, 0xF0);
    fake_out8(b, 0x60, 0x00);
    EXPECT(b, "which set", 0xFA, 0x02);
    send(b, 0xF0);
    fake_out8(b, 0x60, 0x04);
    EXPECT(b, "no set 4", 0xFE);
    fake_out8(b, 0x60, 0x12);
    EXPECT(b, "no command", 0xFE);
    send(b, 0xED), send(b, 0xF4);               /* a command instead of the parameter */
    fake_out8(b, 0x60, 0x01);
    EXPECT(b, "no parameter due", 0xFE);
    send(b, 0xF5);
    stroke(b, KEY_A);
    ck_assert_int_eq(next(b), -1);
    send(b, 0xF4);
    stroke(b, KEY_A);
    EXPECT(b, "enabled", 0x1C, 0xF0, 0x1C);
    fake_free(b);
}
END_TEST

START_TEST(set1_by_translation)
{
    struct board *b = bench();
    stroke(b, KEY_UP);
    EXPECT(b, "up", 0xE0, 0x48, 0xE0, 0xC8);
    stroke(b, 0x40);
    EXPECT(b, "F7", 0x41, 0xC1);
    stroke(b, 0x63);
    EXPECT(b, "keypad .", 0x53, 0xD3);
    stroke(b, 0x54);
    EXPECT(b, "keypad /", 0xE0, 0x35, 0xE0, 0xB5);
    stroke(b, KEY_PAUSE);
    EXPECT(b, "pause", 0xE1, 0x1D, 0x45, 0xE1, 0x9D, 0xC5);
    stroke(b, KEY_PRINT);
    EXPECT(b, "print", 0xE0, 0x2A, 0xE0, 0x37, 0xE0, 0xB7, 0xE0, 0xAA);
    fake_key(b, KEY_ALT, true);
    stroke(b, KEY_PRINT);
    fake_key(b, KEY_ALT, false);
    EXPECT(b, "sysrq", 0x38, 0x54, 0xD4, 0xB8);
    fake_key(b, KEY_RIGHT_CTRL, true);
    stroke(b, KEY_PAUSE);
    fake_key(b, KEY_RIGHT_CTRL, false);
    EXPECT(b, "break", 0xE0, 0x1D, 0xE0, 0x46, 0xE0, 0xC6, 0xE0, 0x9D);
    fake_free(b);
}
END_TEST

/* What the keys left of the keypad do about Shift and Num Lock. */
START_TEST(grey_keys_take_shift_away)
{
    struct board *b = bench();
    fake_key(b, KEY_SHIFT, true);
    stroke(b, KEY_UP);
    EXPECT(b, "shift up", 0x2A, 0xE0, 0xAA, 0xE0, 0x48, 0xE0, 0xC8, 0xE0, 0x2A);
    stroke(b, 0x54);
    EXPECT(b, "shift /", 0xE0, 0xAA, 0xE0, 0x35, 0xE0, 0xB5, 0xE0, 0x2A);
    fake_key(b, KEY_SHIFT, false);
    EXPECT(b, "shift", 0xAA);
    send(b, 0xED), send(b, 0x02);
    stroke(b, KEY_UP);
    EXPECT(b, "num up", 0xE0, 0x2A, 0xE0, 0x48, 0xE0, 0xC8, 0xE0, 0xAA);
    stroke(b, 0x54);
    EXPECT(b, "num /", 0xE0, 0x35, 0xE0, 0xB5);
    fake_key(b, 0xE5, true);
    stroke(b, KEY_UP);
    fake_key(b, 0xE5, false);
    EXPECT(b, "num shift up", 0x36, 0xE0, 0x48, 0xE0, 0xC8, 0xB6);
    fake_key(b, KEY_UP, true);
    EXPECT(b, "num up", 0xE0, 0x2A, 0xE0, 0x48);
    fake_advance(b, 510 * MS);
    EXPECT(b, "repeated", 0xE0, 0x48);
    fake_free(b);
}
END_TEST

/* Set 1 made by the keyboard itself is what the 8042 makes of set 2, for every key. */
START_TEST(set1_native_equals_translated)
{
    struct board *b = bench(), *c = bench();
    raw(b, 1);
    for (unsigned key = 0; key < 300; key++) {
        stroke(b, key), stroke(c, key);
        for (int x = 0; x != -1;) {
            x = next(b);
            ck_assert_msg(x == next(c), "key %02X", key);
        }
    }
    fake_free(b);
    fake_free(c);
}
END_TEST

START_TEST(set2)
{
    struct board *b = bench();
    raw(b, 2);
    stroke(b, KEY_A);
    EXPECT(b, "a", 0x1C, 0xF0, 0x1C);
    stroke(b, KEY_UP);
    EXPECT(b, "up", 0xE0, 0x75, 0xE0, 0xF0, 0x75);
    stroke(b, KEY_PAUSE);
    EXPECT(b, "pause", 0xE1, 0x14, 0x77, 0xE1, 0xF0, 0x14, 0xF0, 0x77);
    fake_key(b, KEY_SHIFT, true);
    stroke(b, KEY_PRINT);
    fake_key(b, KEY_SHIFT, false);
    EXPECT(b, "shift print", 0x12, 0xE0, 0x7C, 0xE0, 0xF0, 0x7C, 0xF0, 0x12);
    fake_key(b, KEY_A, true), fake_key(b, KEY_A, true);     /* the host's repeat */
    EXPECT(b, "once", 0x1C);
    fake_key(b, 0xFFFFFFFF, true), fake_key(b, 0, true), fake_key(b, 0x100, true);
    ck_assert_int_eq(next(b), -1);
    fake_free(b);
}
END_TEST

START_TEST(set3)
{
    struct board *b = bench();
    raw(b, 3);
    stroke(b, KEY_A);
    EXPECT(b, "typematic: no break code", 0x1C);
    stroke(b, KEY_SHIFT);
    EXPECT(b, "make and break", 0x12, 0xF0, 0x12);
    stroke(b, KEY_PRINT);
    EXPECT(b, "make only", 0x57);
    send(b, 0xF8);
    stroke(b, KEY_A);
    EXPECT(b, "all make and break", 0x1C, 0xF0, 0x1C);
    send(b, 0xFD), send(b, 0x1C), send(b, 0x32), send(b, 0xF4);    /* a list, then a command */
    stroke(b, KEY_A), stroke(b, 0x05), stroke(b, 0x06);
    EXPECT(b, "a and b make only", 0x1C, 0x32, 0x21, 0xF0, 0x21);
    fake_free(b);
}
END_TEST

START_TEST(typematic)
{
    struct board *b = bench();
    fake_key(b, KEY_A, true);
    ck_assert_int_eq(next(b), 0x1E);
    fake_advance(b, 480 * MS);
    ck_assert_uint_eq(status(b) & OBF, 0);
    fake_advance(b, 30 * MS);
    ck_assert_int_eq(next(b), 0x1E);            /* after 500 ms */
    unsigned count = 0;
    for (unsigned i = 0; i < 1000; i++) {
        fake_advance(b, MS);
        if (status(b) & OBF) count += fake_in8(b, 0x60) == 0x1E;
    }
    ck_assert_uint_eq(count, 11);               /* 10.9 per second: the 11th after 1008 ms */
    fake_key(b, KEY_SHIFT, true);               /* another key takes over */
    ck_assert_int_eq(next(b), 0x2A);
    fake_advance(b, 520 * MS);
    ck_assert_int_eq(next(b), 0x2A);
    fake_key(b, KEY_SHIFT, false);
    ck_assert_int_eq(next(b), 0xAA);
    fake_advance(b, SECOND);
    ck_assert_uint_eq(status(b) & OBF, 0);      /* and the first one stays silent */
    fake_free(b);
    b = fake_new(1 << 16);
    ck_assert_ptr_nonnull(fake_plug(b, &keyboard_class, "typematic", "0", NULL));
    fake_key(b, KEY_A, true);
    EXPECT(b, "no repeat", 0x1E);
    fake_advance(b, 10 * SECOND);
    ck_assert_uint_eq(status(b) & OBF, 0);
    fake_free(b);
}
END_TEST

START_TEST(overrun)
{
    struct board *b = bench();
    raw(b, 2);
    for (unsigned i = 0; i < 100; i++) stroke(b, KEY_A);
    unsigned makes = 0, overruns = 0;
    for (int x; (x = next(b)) != -1;) makes += x == 0x1C, overruns += x == 0x00;
    ck_assert_uint_gt(makes, 20);
    ck_assert_uint_gt(overruns, 0);
    stroke(b, KEY_A);
    EXPECT(b, "alive", 0x1C, 0xF0, 0x1C);
    fake_free(b);
}
END_TEST

/* Keys held while nobody reads: what a press or a repeat takes is never the room of a release. */
START_TEST(no_release_is_lost)
{
    static const unsigned keys[] = { KEY_A, KEY_SHIFT, KEY_CTRL, KEY_UP, 0x05, 0x06, 0x07, 0x08,
                                     0x09, 0x0A, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12 };
    struct board *b = bench();
    for (unsigned set = 1; set <= 2; set++) {
        uint8_t down[256] = { 0 };
        raw(b, (uint8_t)set);
        for (unsigned i = 0; i < COUNT_OF(keys); i++) {
            fake_key(b, keys[i], true);
            fake_advance(b, 5 * SECOND);        /* repeats fill the buffer */
        }
        for (unsigned i = 0; i < 30; i++) stroke(b, 0x13);
        for (unsigned i = COUNT_OF(keys); i-- > 0;) fake_key(b, keys[i], false);
        bool off = false;
        for (int x; (x = next(b)) != -1;) {
            if (set == 1 && x != 0xE0 && x != 0xFF) down[x & 0x7F] = !(x & 0x80);
            if (set == 2 && x != 0xE0 && x != 0xF0 && x) down[x] = !off;
            off = x == 0xF0;
        }
        for (unsigned i = 0; i < 256; i++) ck_assert_msg(!down[i], "set %u: %02Xh stuck", set, i);
        stroke(b, KEY_A);
        ck_assert_int_eq(next(b), set == 1 ? 0x1E : 0x1C);
        while (next(b) != -1) continue;
    }
    fake_free(b);
}
END_TEST

/* The code comes once for all that was lost. */
START_TEST(one_overrun_code)
{
    struct board *b = bench();
    unsigned overruns = 0;
    raw(b, 2);
    fake_key(b, KEY_A, true);
    fake_advance(b, 60 * SECOND);
    fake_key(b, KEY_A, false);
    for (int x; (x = next(b)) != -1;) overruns += x == 0x00;
    ck_assert_uint_eq(overruns, 1);
    fake_free(b);
}
END_TEST

START_TEST(hostile)
{
    struct board *b = bench();
    uint32_t seed = 5;
    for (unsigned i = 0; i < 100000; i++) {
        seed = seed * 1664525 + 1013904223;
        uint16_t port = seed >> 8 & 1 ? 0x60 : 0x64;
        if (seed >> 9 & 1) fake_out8(b, port, (uint8_t)(seed >> 24));
        else fake_in8(b, port);
        if (!(seed >> 10 & 3)) fake_key(b, seed >> 12 & 0x1FF, seed >> 11 & 1);
        int move = (int)(seed >> 1);
        if (!(seed >> 12 & 3)) fake_mouse(b, move, -move, move >> 3, seed >> 7);
        fake_peek(b, port);
        fake_advance(b, seed >> 8);
    }
    fake_reset(b, RESET_HARD);
    fake_out8(b, 0x60, 0xFF);
    EXPECT(b, "reset", 0xFA, 0xAA);
    fake_free(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("keyboard");
    TCase *t = tcase_create("8042");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, self_tests);
    tcase_add_test(t, input_port_in_the_status);
    tcase_add_test(t, diagnostic_dump);
    tcase_add_test(t, password);
    tcase_add_test(t, grey_keys_take_shift_away);
    tcase_add_test(t, linux_probe);
    tcase_add_test(t, interrupts_and_delay);
    tcase_add_test(t, disabled_keyboard_waits);
    tcase_add_test(t, reply_before_key);
    tcase_add_test(t, a20_and_reset);
    tcase_add_test(t, keyboard_commands);
    tcase_add_test(t, set1_by_translation);
    tcase_add_test(t, set1_native_equals_translated);
    tcase_add_test(t, set2);
    tcase_add_test(t, set3);
    tcase_add_test(t, typematic);
    tcase_add_test(t, overrun);
    tcase_add_test(t, no_release_is_lost);
    tcase_add_test(t, one_overrun_code);
    tcase_add_test(t, hostile);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
