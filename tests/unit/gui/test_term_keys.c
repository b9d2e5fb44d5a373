/* SPDX-License-Identifier: MIT
 * What terminals send -> keys. The sequences are those of xterm, the Linux console, rxvt, tmux.
 */
#include "gui/term.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Strokes as text: "C-A-S-f1 a". idle: the pause after the last byte, too. */
static void decode(const char *bytes, size_t length, char *text, size_t size)
{
    struct term_keys keys = { .length = 0 };
    struct term_stroke strokes[2];
    *text = 0;
    for (size_t i = 0; i <= length; i++) {
        unsigned count = i < length ? term_keys_feed(&keys, (uint8_t)bytes[i], strokes)
                                    : term_keys_idle(&keys, strokes);
        ck_assert_uint_le(count, 2);
        for (unsigned n = 0; n < count; n++) {
            const char *name = key_name(strokes[n].usage);
            size_t at = strlen(text);
            snprintf(text + at, size - at, "%s%s%s%s%s", at ? " " : "",
                     strokes[n].modifiers & TERM_CTRL ? "C-" : "",
                     strokes[n].modifiers & TERM_ALT ? "A-" : "",
                     strokes[n].modifiers & TERM_SHIFT ? "S-" : "", name ? name : "?");
        }
    }
}

#define KEYS(bytes, expected) check_keys(bytes, sizeof(bytes) - 1, expected)
static void check_keys(const char *bytes, size_t length, const char *expected)
{
    char text[1024];
    decode(bytes, length, text, sizeof text);
    ck_assert_msg(!strcmp(text, expected), "\"%s\": \"%s\", not \"%s\"", bytes, text, expected);
}

START_TEST(letters_and_signs)
{
    KEYS("aZ1!", "a S-z 1 S-1");
    KEYS(" \\|~", "spc backslash S-backslash S-grave_accent");
    KEYS("\r\n\t\b\x7F", "ret ret tab backspace backspace");
    KEYS("\xC3\xA4x", "x");                                /* a letter the US layout lacks */
}
END_TEST

START_TEST(control_codes)
{
    KEYS("\x01\x03\x1A", "C-a C-c C-z");
    KEYS("\x00", "C-2");
    KEYS("\x1C\x1D\x1E\x1F", "C-backslash C-bracket_right C-6 C-minus");
}
END_TEST

START_TEST(arrows_and_the_six_pack)
{
    KEYS("\x1B[A\x1B[B\x1B[C\x1B[D", "up down right left");
    KEYS("\x1BOA\x1BOB\x1BOC\x1BOD", "up down right left");
    KEYS("\x1B[H\x1B[F\x1BOH\x1BOF", "home end home end");
    KEYS("\x1B[1~\x1B[2~\x1B[3~\x1B[4~\x1B[5~\x1B[6~", "home insert delete end pgup pgdn");
    KEYS("\x1B[7~\x1B[8~", "home end");
    KEYS("\x1B[1;5D\x1B[1;2A\x1B[1;3C\x1B[1;8B", "C-left S-up A-right C-A-S-down");
    KEYS("\x1B[3;5~\x1B[5;2~", "C-delete S-pgup");
    KEYS("\x1B[a\x1BOa\x1B[3$\x1B[3^\x1B[3@", "S-up C-up S-delete C-delete C-S-delete");
    KEYS("\x1B[Z", "S-tab");
}
END_TEST

START_TEST(function_keys)
{
    KEYS("\x1BOP\x1BOQ\x1BOR\x1BOS", "f1 f2 f3 f4");
    KEYS("\x1B[11~\x1B[12~\x1B[13~\x1B[14~\x1B[15~", "f1 f2 f3 f4 f5");
    KEYS("\x1B[17~\x1B[18~\x1B[19~\x1B[20~\x1B[21~\x1B[23~\x1B[24~", "f6 f7 f8 f9 f10 f11 f12");
    KEYS("\x1B[[A\x1B[[E", "f1 f5");                      /* the Linux console */
    KEYS("\x1B[1;2P\x1B[15;5~\x1B[1;7S", "S-f1 C-f5 C-A-f4");
    KEYS("\x1BOM\x1BOj\x1BOk\x1BOp\x1BOy", "kp_enter kp_multiply kp_add kp_0 kp_9");
}
END_TEST

START_TEST(alt_is_a_prefix)
{
    KEYS("\x1Bx\x1BX\x1B\r", "A-x A-S-x A-ret");
    KEYS("\x1B\x1B[A", "A-up");
    KEYS("\x1B\x1BOP", "A-f1");
    KEYS("\x1B\x01", "C-A-a");
}
END_TEST

START_TEST(escape_alone_needs_a_pause)
{
    struct term_keys keys = { .length = 0 };
    struct term_stroke strokes[2];
    ck_assert_uint_eq(term_keys_feed(&keys, 0x1B, strokes), 0);
    ck_assert_uint_eq(term_keys_idle(&keys, strokes), 1);
    ck_assert_uint_eq(strokes[0].usage, 0x29);
    ck_assert_uint_eq(term_keys_idle(&keys, strokes), 0);
    KEYS("\x1B", "esc");
    KEYS("\x1B\x1B", "esc esc");
    KEYS("\x1B\x1B\x1B", "esc esc esc");
    KEYS("\x1B\x1Bx", "esc A-x");
    KEYS("\x1B[", "A-bracket_left");
    KEYS("\x1BO", "A-S-o");
}
END_TEST

START_TEST(codes_with_modifiers)
{
    KEYS("\x1B[97;5u\x1B[13;2u", "C-a S-ret");
    KEYS("\x1B[27;5;9~\x1B[27;6;49~", "C-tab C-S-1");
    KEYS("\x1B[8364;5u", "");
}
END_TEST

START_TEST(broken_sequences_cost_nothing_else)
{
    KEYS("\x1B[999999999999999999;1A" "b", "up b");
    KEYS("\x1B[1;2;3;4;5;6Ab", "S-up b");
    KEYS("\x1B[99~\x1B[0~\x1B[200~b", "b");
    KEYS("\x1B[12\x1B[Ab", "up b");                        /* cut off by the next one */
    KEYS("\x1B[1;\rb", "ret b");
    KEYS("\x1B[?1;2cb", "S-right b");                     /* never asked for */
    KEYS("\x1B[I\x1B[O\x1B[xb", "b");
    KEYS("\x1BO5P", "C-f1");
}
END_TEST

START_TEST(any_bytes_are_survived)
{
    struct term_keys keys = { .length = 0 };
    struct term_stroke strokes[2];
    uint32_t random = 1;
    for (unsigned i = 0; i < 200000; i++) {
        random = random * 1664525 + 1013904223;
        /* Mostly what sequences are made of. */
        static const char common[] = "\x1B\x1B[[OO0123456789;;~$^@ABPZu";
        uint8_t byte = random >> 30 ? (uint8_t)common[(random >> 16) % (sizeof common - 1)]
                                    : (uint8_t)(random >> 16);
        ck_assert_uint_le(term_keys_feed(&keys, byte, strokes), 2);
        ck_assert_uint_le(keys.length, sizeof keys.pending);
        if (random % 64 == 0) ck_assert_uint_le(term_keys_idle(&keys, strokes), 2);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("term_keys");
    TCase *t = tcase_create("term_keys");
    tcase_add_test(t, letters_and_signs);
    tcase_add_test(t, control_codes);
    tcase_add_test(t, arrows_and_the_six_pack);
    tcase_add_test(t, function_keys);
    tcase_add_test(t, alt_is_a_prefix);
    tcase_add_test(t, escape_alone_needs_a_pause);
    tcase_add_test(t, codes_with_modifiers);
    tcase_add_test(t, broken_sequences_cost_nothing_else);
    tcase_add_test(t, any_bytes_are_survived);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
