/* SPDX-License-Identifier: MIT
 * The PS/2 mouse behind the 8042.
 */
#include "tests/unit/fake_board.h"

#include <check.h>
#include <stdlib.h>

extern const struct device_class keyboard_class;

enum { OBF = 0x01, AUX = 0x20, MS = 1000000 };

static int next(struct board *b)
{
    for (unsigned i = 0; i < 200; i++) {
        uint8_t s = fake_in8(b, 0x64);
        if (s & OBF) {
            ck_assert_uint_eq(s & AUX, AUX);
            return fake_in8(b, 0x60);
        }
        fake_advance(b, MS / 10);
    }
    return -1;
}

static void expect(struct board *b, const char *what, unsigned count, const uint8_t *bytes)
{
    for (unsigned i = 0; i < count; i++) {
        int got = next(b);
        ck_assert_msg(got == bytes[i], "%s: byte %u is %02X, not %02X", what, i, got, bytes[i]);
    }
    ck_assert_msg(next(b) == -1, "%s: more came", what);
}
#define EXPECT(b, what, ...) \
    expect(b, what, sizeof((uint8_t[]){ __VA_ARGS__ }), (const uint8_t[]){ __VA_ARGS__ })

static void put(struct board *b, uint8_t value)
{
    fake_out8(b, 0x64, 0xD4);
    fake_out8(b, 0x60, value);
}

static void send(struct board *b, uint8_t value)
{
    put(b, value);
    ck_assert_int_eq(next(b), 0xFA);
}

static void rate(struct board *b, uint8_t value) { send(b, 0xF3), send(b, value); }

static struct board *bench(const char *setting, const char *value)
{
    struct board *b = fake_new(1 << 16);
    ck_assert_ptr_nonnull(fake_plug(b, &keyboard_class, setting, value, NULL));
    fake_out8(b, 0x64, 0x60), fake_out8(b, 0x60, 0x47);
    return b;
}

/* Reports as often as that, in packets per second. */
static struct board *streaming(uint8_t packets)
{
    struct board *b = bench("wheel", "1");
    rate(b, packets);
    send(b, 0xF4);
    return b;
}

/* The first motion comes at once, and a pause begins. */
static struct board *pausing(void)
{
    struct board *b = streaming(10);
    fake_mouse(b, 1, 0, 0, 0);
    EXPECT(b, "first", 0x08, 1, 0);
    return b;
}

START_TEST(reset_and_status)
{
    struct board *b = bench("wheel", "1");
    put(b, 0xFF);
    EXPECT(b, "reset", 0xFA, 0xAA, 0x00);
    put(b, 0xE9);
    EXPECT(b, "defaults", 0xFA, 0x00, 0x02, 100);
    send(b, 0xE8), send(b, 0x03), send(b, 0xE7), send(b, 0xF4);
    rate(b, 40);
    fake_mouse(b, 0, 0, 0, MOUSE_LEFT);
    EXPECT(b, "button", 0x09, 0, 0);
    put(b, 0xE9);
    EXPECT(b, "status", 0xFA, 0x34, 0x03, 40);
    put(b, 0xF6);
    EXPECT(b, "set defaults", 0xFA);
    put(b, 0xE9);
    EXPECT(b, "status", 0xFA, 0x04, 0x02, 100);
    put(b, 0x77);
    EXPECT(b, "no command", 0xFE);
    fake_free(b);
}
END_TEST

START_TEST(stream)
{
    struct board *b = bench("wheel", "1");
    fake_mouse(b, 5, 5, 0, 0);                  /* not enabled: forgotten */
    ck_assert_int_eq(next(b), -1);
    send(b, 0xF4);
    fake_mouse(b, 5, 3, 0, 0);
    EXPECT(b, "right and down", 0x28, 5, 0xFD);
    ck_assert(!fake_irq(b, 12));
    ck_assert_uint_ge(fake_irq_edges(b, 12), 3);
    fake_mouse(b, -1, -2, 1, MOUSE_RIGHT | MOUSE_MIDDLE);
    EXPECT(b, "left and up", 0x1E, 0xFF, 2);
    fake_mouse(b, 0, 0, 0, 0);
    EXPECT(b, "release", 0x08, 0, 0);
    fake_mouse(b, 300, 0, 0, 0);                /* too far for one packet */
    EXPECT(b, "300", 0x08, 255, 0, 0x08, 45, 0);
    send(b, 0xF5);
    fake_mouse(b, 1, 1, 0, 0);
    ck_assert_int_eq(next(b), -1);
    fake_free(b);
}
END_TEST

START_TEST(sample_rate_limits)
{
    struct board *b = streaming(20);
    unsigned packets = 0;
    int sum = 0;
    for (unsigned i = 0; i < 1000; i++) {       /* a second of 1000 Hz motion */
        fake_mouse(b, 1, 0, 0, 0);
        fake_advance(b, MS / 2);
        if (fake_in8(b, 0x64) & OBF) {
            packets++;
            fake_in8(b, 0x60);
            sum += next(b);
            next(b);
        }
        fake_advance(b, MS / 2);
    }
    ck_assert_uint_ge(packets, 19);
    ck_assert_uint_le(packets, 23);
    ck_assert_int_ge(sum, 940);                 /* nothing is lost in between */
    fake_free(b);
}
END_TEST

/* What a user did while the host was busy comes at once: clicks and drags are still seen. */
START_TEST(clicks_at_once_are_all_seen)
{
    struct board *b = streaming(20);
    for (unsigned i = 0; i < 2; i++) {
        fake_mouse(b, 0, 0, 0, MOUSE_LEFT);
        fake_mouse(b, 0, 0, 0, 0);
    }
    for (unsigned i = 0; i < 2; i++) {
        uint8_t want[6] = { 0x09, 0, 0, 0x08, 0, 0 };
        for (unsigned k = 0; k < 6; k++) {
            int got = next(b);
            if (got == -1) got = next(b), got = got == -1 ? next(b) : got;
            ck_assert_int_eq(got, want[k]);
        }
    }
    fake_advance(b, SECOND);
    fake_mouse(b, 0, 0, 0, MOUSE_LEFT);         /* a drag: right, then let go there */
    fake_mouse(b, 300, 0, 0, MOUSE_LEFT);
    fake_mouse(b, 0, 0, 0, 0);
    fake_mouse(b, -7, 0, 0, 0);
    int dragged = 0, after = 0;
    bool left = false, was_left = false;
    for (unsigned silent = 0; silent < 5;) {
        int first = next(b);
        if (first == -1) {
            silent++;
            continue;
        }
        int x = next(b) - (first & 0x10 ? 256 : 0);
        next(b);
        left = first & 1;
        was_left |= left;
        if (left) dragged += x;
        else after += x;
    }
    ck_assert(was_left && !left);
    ck_assert_int_eq(dragged, 300);
    ck_assert_int_eq(after, -7);
    fake_free(b);
}
END_TEST

/* Also when the line is quiet and the sample's time is not over. */
START_TEST(a_click_in_the_pause_sends_the_motion_before)
{
    struct board *b = pausing();
    fake_mouse(b, 3, 0, 0, 0);
    fake_mouse(b, 0, 0, 0, MOUSE_LEFT);
    EXPECT(b, "motion", 0x08, 3, 0);
    fake_advance(b, 100 * MS);
    EXPECT(b, "click", 0x09, 0, 0);
    fake_free(b);
}
END_TEST

/* A slow rate set before does not hold back the first packet after a reset. */
START_TEST(reset_starts_sampling_anew)
{
    struct board *b = pausing();
    put(b, 0xFF);
    EXPECT(b, "reset", 0xFA, 0xAA, 0x00);
    send(b, 0xF4);
    fake_mouse(b, 2, 0, 0, 0);
    EXPECT(b, "after the reset", 0x08, 2, 0);
    fake_free(b);
}
END_TEST

START_TEST(intellimouse)
{
    struct board *b = bench("wheel", "1");
    put(b, 0xF2);
    EXPECT(b, "plain", 0xFA, 0x00);
    rate(b, 200), rate(b, 100), rate(b, 80);
    put(b, 0xF2);
    EXPECT(b, "wheel", 0xFA, 0x03);
    send(b, 0xF4);
    fake_mouse(b, 0, 0, 1, 0);
    EXPECT(b, "towards the user", 0x08, 0, 0, 1);
    fake_mouse(b, 0, 0, -2, 0);
    EXPECT(b, "away", 0x08, 0, 0, 0xFE);
    fake_mouse(b, 0, 0, 10, 0);
    EXPECT(b, "far", 0x08, 0, 0, 7, 0x08, 0, 0, 3);
    put(b, 0xFF);
    EXPECT(b, "reset", 0xFA, 0xAA, 0x00);
    put(b, 0xF2);
    EXPECT(b, "plain again", 0xFA, 0x00);
    fake_free(b);
    b = bench("wheel", "0");
    rate(b, 200), rate(b, 100), rate(b, 80);
    put(b, 0xF2);
    EXPECT(b, "no wheel", 0xFA, 0x00);
    fake_free(b);
}
END_TEST

START_TEST(explorer)
{
    struct board *b = bench("wheel", "1");
    rate(b, 200), rate(b, 200), rate(b, 80);
    put(b, 0xF2);
    EXPECT(b, "the second knock alone", 0xFA, 0x00);
    rate(b, 200), rate(b, 100), rate(b, 80);
    fake_mouse(b, 0, 0, 0, 16);                 /* such a button is not known yet */
    rate(b, 200), rate(b, 200), rate(b, 80);
    put(b, 0xF2);
    EXPECT(b, "five buttons", 0xFA, 0x04);
    send(b, 0xF4);
    fake_mouse(b, 0, 0, -1, 1 | 8);
    EXPECT(b, "away, left, fourth", 0x09, 0, 0, 0x1F);
    fake_mouse(b, 0, 0, 0, 16);
    EXPECT(b, "fifth", 0x08, 0, 0, 0x20);
    put(b, 0xFF);
    EXPECT(b, "reset", 0xFA, 0xAA, 0x00);
    fake_free(b);
}
END_TEST

START_TEST(remote_and_wrap)
{
    struct board *b = bench("wheel", "1");
    send(b, 0xF0);
    fake_mouse(b, 7, 0, 0, 0);
    ck_assert_int_eq(next(b), -1);
    put(b, 0xEB);
    EXPECT(b, "read data", 0xFA, 0x08, 7, 0);
    put(b, 0xEB);
    EXPECT(b, "nothing new", 0xFA, 0x08, 0, 0);
    send(b, 0xEA);
    send(b, 0xEE);
    put(b, 0xF2);
    EXPECT(b, "wrapped", 0xF2);
    put(b, 0xF3);
    EXPECT(b, "wrapped", 0xF3);
    send(b, 0xEC);
    put(b, 0xF2);
    EXPECT(b, "out of wrap", 0xFA, 0x00);
    fake_free(b);
}
END_TEST

START_TEST(resend_repeats_the_packet)
{
    struct board *b = bench("wheel", "1");
    send(b, 0xF4);
    put(b, 0xFE);
    EXPECT(b, "only acknowledged", 0xFA);
    fake_mouse(b, 7, -2, 0, 1);
    EXPECT(b, "packet", 0x09, 7, 2);
    put(b, 0xFE);
    EXPECT(b, "again", 0x09, 7, 2);
    put(b, 0xE9);
    EXPECT(b, "status", 0xFA, 0x24, 2, 100);
    put(b, 0xFE);
    EXPECT(b, "status again", 0x24, 2, 100);
    fake_free(b);
}
END_TEST

START_TEST(scaling)
{
    static const int8_t in[] = { 1, 2, 3, 4, 5, 6, -3 }, out[] = { 1, 1, 3, 6, 9, 12, -3 };
    struct board *b = bench("wheel", "1");
    send(b, 0xE7), send(b, 0xF4);
    for (unsigned i = 0; i < COUNT_OF(in); i++) {
        fake_mouse(b, in[i], 0, 0, 0);
        EXPECT(b, "2:1", out[i] < 0 ? 0x18 : 0x08, (uint8_t)out[i], 0);
    }
    fake_free(b);
}
END_TEST

START_TEST(keyboard_goes_between)
{
    struct board *b = bench("wheel", "1");
    send(b, 0xF4);
    fake_mouse(b, 1, 1, 0, 0);
    fake_key(b, 0x04, true);
    unsigned from_mouse = 0, from_keyboard = 0;
    for (unsigned i = 0; i < 100; i++) {
        fake_advance(b, MS / 10);
        uint8_t s = fake_in8(b, 0x64);
        if (!(s & OBF)) continue;
        if (s & AUX) from_mouse++;
        else ck_assert_uint_eq((from_keyboard++, fake_in8(b, 0x60)), 0x1E);
        fake_in8(b, 0x60);
    }
    ck_assert_uint_eq(from_mouse, 3);
    ck_assert_uint_eq(from_keyboard, 1);
    fake_free(b);
}
END_TEST

START_TEST(no_mouse)
{
    struct board *b = bench("mouse", "0");
    put(b, 0xFF);
    ck_assert_int_eq(next(b), -1);
    fake_mouse(b, 1, 1, 1, 1);
    ck_assert_int_eq(next(b), -1);
    fake_free(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("ps2_mouse");
    TCase *t = tcase_create("mouse");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, reset_and_status);
    tcase_add_test(t, stream);
    tcase_add_test(t, sample_rate_limits);
    tcase_add_test(t, clicks_at_once_are_all_seen);
    tcase_add_test(t, a_click_in_the_pause_sends_the_motion_before);
    tcase_add_test(t, reset_starts_sampling_anew);
    tcase_add_test(t, intellimouse);
    tcase_add_test(t, explorer);
    tcase_add_test(t, remote_and_wrap);
    tcase_add_test(t, scaling);
    tcase_add_test(t, resend_repeats_the_packet);
    tcase_add_test(t, keyboard_goes_between);
    tcase_add_test(t, no_mouse);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
