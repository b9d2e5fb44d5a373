/* SPDX-License-Identifier: MIT
 * The commands of the 8042, the keyboard and the mouse one by one, where the other tests of theirs
 * do not come by. IBM PS/2 Hardware Interface Technical Reference (S85F-1646, 1992).
 */
#include "gui/input.h"
#include "tests/unit/iodev/ps2_bench.h"

#include <stdlib.h>

enum { KEY_B = 0x05, ACK = 0xFA };

static void put_mouse(struct board *b, uint8_t value)
{
    command(b, 0xD4), fake_out8(b, 0x60, value);
}

static void send_mouse(struct board *b, uint8_t value)
{
    put_mouse(b, value);
    ck_assert_int_eq(next(b), ACK);
}

/* ---- controller ------------------------------------------------------------------------------ */

START_TEST(ram_is_read_and_written)
{
    struct board *b = bench();
    for (unsigned i = 0; i < 32; i++)
        command(b, (uint8_t)(0x60 + i)), fake_out8(b, 0x60, i ? (uint8_t)(0xA0 + i) : 0x43);
    for (unsigned i = 0; i < 32; i++)
        ck_assert_uint_eq(ask(b, (uint8_t)(0x20 + i)), i ? 0xA0 + i : 0x43);
    fake_free(b);
}
END_TEST

/* The clock lines are high unless the controller holds them, to keep a device quiet. */
START_TEST(test_inputs)
{
    struct board *b = bench();
    config(b, 0x43);
    ck_assert_uint_eq(ask(b, 0xE0), 0x03);
    command(b, 0xAD);
    ck_assert_uint_eq(ask(b, 0xE0), 0x02);
    command(b, 0xAE), command(b, 0xA7);
    ck_assert_uint_eq(ask(b, 0xE0), 0x01);
    command(b, 0xA8);
    fake_key(b, KEY_A, true);
    fake_advance(b, MS);
    command(b, 0xE0);                           /* with a byte in the buffer both are held */
    EXPECT(b, "key, lines", 0x1E, 0x00);
    fake_free(b);
}
END_TEST

START_TEST(pulses_of_the_output_port)
{
    struct board *b = bench();
    for (unsigned c = 0xF0; c <= 0xFF; c++) {
        unsigned before = b->wire[WIRE_RESET].rises;
        command(b, (uint8_t)c);
        ck_assert_uint_eq(b->wire[WIRE_RESET].rises - before, !(c & 1));
    }
    ck_assert_int_eq(next(b), -1);
    fake_free(b);
}
END_TEST

/* A7h and A8h; D4h opens the interface, too. */
START_TEST(disabled_mouse_waits)
{
    struct board *b = bench();
    send_mouse(b, 0xF4);
    command(b, 0xA7);
    fake_mouse(b, 3, 0, 0, 0);
    ck_assert_int_eq(next(b), -1);
    command(b, 0xA8);
    EXPECT(b, "packet", 0x08, 3, 0);
    command(b, 0xA7);
    send_mouse(b, 0xF5);
    ck_assert_uint_eq(ask(b, 0x20) & 0x20, 0);
    fake_free(b);
}
END_TEST

/* A9h and ABh find the lines good with nothing on them as well;
 * unknown commands wait for no byte. */
START_TEST(interface_tests_and_unknown_commands)
{
    static const uint8_t unknown[] = { 0x00, 0x1F, 0x40, 0x5F, 0x80, 0xA3, 0xAF,
                                       0xC3, 0xCF, 0xD5, 0xDC, 0xDE, 0xEF };
    struct board *b = bench();
    command(b, 0xAD), command(b, 0xA7);
    ck_assert_uint_eq(ask(b, 0xA9), 0);
    ck_assert_uint_eq(ask(b, 0xAB), 0);
    command(b, 0xAE);
    for (unsigned i = 0; i < sizeof unknown; i++) {
        command(b, unknown[i]);
        fake_out8(b, 0x60, 0xEE);
        EXPECT(b, "the keyboard's echo", 0xEE);
    }
    fake_free(b);
}
END_TEST

/* ---- keyboard -------------------------------------------------------------------------------- */

/* Milliseconds until the next byte. */
static unsigned wait_ms(struct board *b)
{
    unsigned ms = 0;
    while (!(status(b) & OBF) && ms < 3000) fake_advance(b, MS), ms++;
    ck_assert_uint_eq(fake_in8(b, 0x60), 0x1C);
    return ms;
}

START_TEST(typematic_rates)
{
    static const struct { uint8_t code; unsigned delay, period; } rates[] = {
        { 0x00, 250, 33 }, { 0x07, 250, 62 }, { 0x28, 500, 67 }, { 0x2B, 500, 92 },
        { 0x54, 750, 200 },
        { 0x7F, 1000, 500 },
    };
    struct board *b = bench();
    raw(b, 2);
    for (unsigned i = 0; i < COUNT_OF(rates); i++) {
        send(b, 0xF3), send(b, rates[i].code);
        fake_key(b, KEY_A, true);
        ck_assert_int_eq(next(b), 0x1C);
        unsigned delay = wait_ms(b), period = (wait_ms(b) + wait_ms(b)) / 2;
        ck_assert_uint_ge(delay, rates[i].delay - 2);
        ck_assert_uint_le(delay, rates[i].delay + 2);
        ck_assert_uint_ge(period, rates[i].period - 2);
        ck_assert_uint_le(period, rates[i].period + 2);
        fake_key(b, KEY_A, false);
        EXPECT(b, "break", 0xF0, 0x1C);
    }
    fake_free(b);
}
END_TEST

/* F6h: power-on rate, scan code set and key modes; scanning goes on, or stays off. F5h stops it. */
START_TEST(defaults)
{
    struct board *b = bench();
    raw(b, 3);
    send(b, 0xF8), send(b, 0xF3), send(b, 0x00);
    send(b, 0xF6);
    send(b, 0xF0);
    fake_out8(b, 0x60, 0x00);
    EXPECT(b, "set 2", ACK, 0x02);
    fake_key(b, KEY_A, true);
    ck_assert_int_eq(next(b), 0x1C);
    ck_assert_uint_ge(wait_ms(b), 495);
    fake_key(b, KEY_A, false);
    EXPECT(b, "break", 0xF0, 0x1C);
    send(b, 0xF5), send(b, 0xF6);
    stroke(b, KEY_A);
    ck_assert_int_eq(next(b), -1);
    send(b, 0xF4);
    send(b, 0xF0), send(b, 0x03);
    stroke(b, KEY_A);
    EXPECT(b, "typematic, no break code", 0x1C);
    fake_free(b);
}
END_TEST

static bool repeats(struct board *b, unsigned usage, uint8_t code)
{
    fake_key(b, usage, true);
    ck_assert_int_eq(next(b), code);
    fake_advance(b, 600 * MS);
    bool repeated = status(b) & OBF;
    while (next(b) != -1) {}
    return repeated;
}

static bool breaks(struct board *b, unsigned usage, uint8_t code)
{
    fake_key(b, usage, false);
    int first = next(b);
    ck_assert(first == -1 || (first == 0xF0 && next(b) == code && next(b) == -1));
    return first != -1;
}

/* F7h-FAh for all keys of set 3, FBh-FDh for those whose codes follow. */
START_TEST(key_modes_of_set_3)
{
    static const struct { uint8_t all, one; bool repeat, release; } modes[] = {
        { 0xF7, 0xFB, true, false }, { 0xF8, 0xFC, false, true }, { 0xF9, 0xFD, false, false },
        { 0xFA, 0, true, true },
    };
    struct board *b = bench();
    raw(b, 3);
    for (unsigned i = 0; i < COUNT_OF(modes); i++) {
        send(b, modes[i].all);
        ck_assert(repeats(b, KEY_A, 0x1C) == modes[i].repeat &&
                  breaks(b, KEY_A, 0x1C) == modes[i].release);
        ck_assert(repeats(b, KEY_ALT, 0x19) == modes[i].repeat &&
                  breaks(b, KEY_ALT, 0x19) == modes[i].release);
        if (!modes[i].one) continue;
        send(b, 0xFA), send(b, modes[i].one), send(b, 0x1C), send(b, 0xF4);
        ck_assert(repeats(b, KEY_A, 0x1C) == modes[i].repeat &&
                  breaks(b, KEY_A, 0x1C) == modes[i].release);
        ck_assert(repeats(b, KEY_B, 0x32) && breaks(b, KEY_B, 0x32));
    }
    fake_free(b);
}
END_TEST

/* FEh again and again; EFh and F1h are no commands. FFh ends what was going on. */
START_TEST(resend_reserved_reset)
{
    struct board *b = bench();
    raw(b, 2);
    stroke(b, KEY_UP);
    EXPECT(b, "up", 0xE0, 0x75, 0xE0, 0xF0, 0x75);
    for (unsigned i = 0; i < 2; i++) {
        fake_out8(b, 0x60, 0xFE);
        EXPECT(b, "last byte", 0x75);
    }
    fake_out8(b, 0x60, 0xEF);
    EXPECT(b, "reserved", 0xFE);
    fake_out8(b, 0x60, 0xF1);
    EXPECT(b, "reserved", 0xFE);
    send(b, 0xED);
    fake_out8(b, 0x60, 0xFF);
    EXPECT(b, "reset", ACK, 0xAA);
    fake_free(b);
}
END_TEST

/* LEDs: Num Lock is seen by what grey keys send; a reset switches it off. */
START_TEST(leds_until_the_reset)
{
    struct board *b = bench();
    raw(b, 2);
    send(b, 0xED), send(b, 0x07);
    stroke(b, KEY_UP);
    EXPECT(b, "num up", 0xE0, 0x12, 0xE0, 0x75, 0xE0, 0xF0, 0x75, 0xE0, 0xF0, 0x12);
    send(b, 0xED), send(b, 0x05);
    stroke(b, KEY_UP);
    EXPECT(b, "caps, scroll", 0xE0, 0x75, 0xE0, 0xF0, 0x75);
    send(b, 0xED), send(b, 0x02);
    fake_out8(b, 0x60, 0xFF);
    EXPECT(b, "reset", ACK, 0xAA);
    stroke(b, KEY_UP);
    EXPECT(b, "up", 0xE0, 0x75, 0xE0, 0xF0, 0x75);
    fake_free(b);
}
END_TEST

/* ---- mouse ----------------------------------------------------------------------------------- */

/* E6h, E7h, E8h, F3h are told by E9h; EAh and F0h choose the mode. */
START_TEST(mouse_settings)
{
    static const uint8_t rates[] = { 10, 20, 40, 60, 80, 100, 200 };
    struct board *b = bench();
    for (uint8_t i = 0; i < sizeof rates; i++) {
        send_mouse(b, 0xF3), send_mouse(b, rates[i]);
        send_mouse(b, 0xE8), send_mouse(b, i & 3);
        send_mouse(b, i & 1 ? 0xE7 : 0xE6);
        send_mouse(b, i & 2 ? 0xF0 : 0xEA);
        put_mouse(b, 0xE9);
        EXPECT(b, "status", ACK, (i & 1 ? 0x10 : 0) | (i & 2 ? 0x40 : 0), i & 3, rates[i]);
    }
    fake_free(b);
}
END_TEST

/* What is no command is asked for again, and then called an error. */
START_TEST(mouse_errors)
{
    static const uint8_t none[] = { 0x00, 0x77, 0xE5, 0xED, 0xEF, 0xF1, 0xF7, 0xFD };
    struct board *b = bench();
    for (unsigned i = 0; i < sizeof none; i++) {
        put_mouse(b, none[i]);
        EXPECT(b, "once more", 0xFE);
        put_mouse(b, none[i]);
        EXPECT(b, "error", 0xFC);
        send_mouse(b, 0xE6);
    }
    fake_free(b);
}
END_TEST

/* A reset comes through in wrap mode and where a parameter was due. */
START_TEST(mouse_reset_at_any_time)
{
    struct board *b = bench();
    send_mouse(b, 0xEE);
    put_mouse(b, 0xFF);
    EXPECT(b, "in wrap mode", ACK, 0xAA, 0x00);
    send_mouse(b, 0xF3);
    put_mouse(b, 0xFF);
    EXPECT(b, "instead of a rate", ACK, 0xAA, 0x00);
    put_mouse(b, 0xE9);
    EXPECT(b, "status", ACK, 0x00, 0x02, 100);
    fake_free(b);
}
END_TEST

/* EBh asks for a packet in stream mode as well; F5h keeps quiet,
 * F4h starts without what was before. */
START_TEST(mouse_packets_on_demand)
{
    struct board *b = bench();
    send_mouse(b, 0xF4), send_mouse(b, 0xF5);
    fake_mouse(b, 9, 0, 0, MOUSE_RIGHT);
    ck_assert_int_eq(next(b), -1);
    put_mouse(b, 0xEB);
    EXPECT(b, "buttons now", ACK, 0x0A, 0, 0);
    send_mouse(b, 0xF4);
    fake_mouse(b, 0, 4, 0, 0);
    EXPECT(b, "stream", 0x28, 0, 0xFC);
    fake_free(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ps2_commands");
    TCase *t = tcase_create("commands");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, ram_is_read_and_written);
    tcase_add_test(t, test_inputs);
    tcase_add_test(t, pulses_of_the_output_port);
    tcase_add_test(t, disabled_mouse_waits);
    tcase_add_test(t, interface_tests_and_unknown_commands);
    tcase_add_test(t, typematic_rates);
    tcase_add_test(t, defaults);
    tcase_add_test(t, key_modes_of_set_3);
    tcase_add_test(t, resend_reserved_reset);
    tcase_add_test(t, leds_until_the_reset);
    tcase_add_test(t, mouse_settings);
    tcase_add_test(t, mouse_errors);
    tcase_add_test(t, mouse_reset_at_any_time);
    tcase_add_test(t, mouse_packets_on_demand);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
