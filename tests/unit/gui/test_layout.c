/* SPDX-License-Identifier: MIT
 * Keyboard layouts: which keys type a character, and Bochs keymap files.
 */
#include "gui/layout.h"

#include <check.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct layout layout;
static char why[256];

static bool load(const char *text)
{
    char path[] = "/tmp/vitro-keymap-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    bool ok = layout_load(&layout, path, why, sizeof why);
    unlink(path);
    return ok;
}

static void expect(const struct layout *l, uint32_t character, unsigned usage, unsigned modifiers)
{
    struct stroke s = layout_stroke(l, character);
    ck_assert_msg(s.usage == usage && s.modifiers == modifiers, "U+%04X: key %#x, modifiers %u",
                  character, s.usage, s.modifiers);
}

START_TEST(us_layout_needs_no_file)
{
    expect(NULL, 'a', 0x04, 0);
    expect(NULL, 'A', 0x04, STROKE_SHIFT);
    expect(NULL, '\n', 0x28, 0);
    expect(NULL, '\r', 0x28, 0);
    expect(NULL, '~', 0x35, STROKE_SHIFT);
    expect(NULL, 0xE4, 0, 0);
    expect(NULL, 0x20AC, 0, 0);
}
END_TEST

START_TEST(a_german_keymap_types_german)
{
    ck_assert_msg(load("# a comment\n\n"
                       "BX_KEY_Y                   'z'        XK_z\n"
                       "BX_KEY_Y+BX_KEY_SHIFT_L    'Z'        XK_Z\r\n"
                       "BX_KEY_Q+BX_KEY_ALT_R      '@'        XK_at\n"
                       "BX_KEY_SINGLE_QUOTE        '\xE4'     XK_adiaeresis\n"
                       "BX_KEY_LEFT_BACKSLASH+BX_KEY_ALT_R '|' XK_bar\n"
                       "BX_KEY_MINUS+BX_KEY_ALT_R  backslash  XK_backslash\n"
                       "BX_KEY_BACKSLASH           '#'        XK_numbersign\n"
                       "BX_KEY_BACKSLASH+BX_KEY_SHIFT_L apostrophe XK_apostrophe\n"
                       "BX_KEY_8+BX_KEY_SHIFT_L+BX_KEY_ALT_R '[' XK_bracketleft\n"
                       "BX_KEY_SPACE               space      XK_space\n"
                       "BX_KEY_KP_HOME             none       XK_KP_7\n"), "%s", why);
    expect(&layout, 'z', 0x1C, 0);
    expect(&layout, 'Z', 0x1C, STROKE_SHIFT);
    expect(&layout, '@', 0x14, STROKE_ALTGR);
    expect(&layout, 0xE4, 0x34, 0);
    expect(&layout, '|', 0x64, STROKE_ALTGR);
    expect(&layout, '\\', 0x2D, STROKE_ALTGR);
    expect(&layout, '\'', 0x31, STROKE_SHIFT);
    expect(&layout, '[', 0x25, STROKE_SHIFT | STROKE_ALTGR);
    expect(&layout, ' ', 0x2C, 0);
    expect(&layout, '\n', 0x28, 0);            /* the file does not say; Enter is Enter */
    expect(&layout, 'y', 0, 0);                /* what the file leaves out is on no key */
}
END_TEST

START_TEST(the_first_of_two_keys_counts)
{
    ck_assert(load("BX_KEY_1 '1' XK_1\nBX_KEY_KP_END '1' XK_KP_1\n"));
    expect(&layout, '1', 0x1E, 0);
}
END_TEST

START_TEST(names_of_keys_count_first)
{
    ck_assert_msg(load("BX_KEY_EQUALS '=' XK_igrave\n"
                       "BX_KEY_0+BX_SHIFT_L none XK_equal\n"
                       "BX_KEY_F none XK_Cyrillic_a\n"
                       "BX_KEY_F+BX_KEY_SHIFT_L none XK_Cyrillic_A\n"
                       "BX_KEY_Z none XK_Cyrillic_YA\n"
                       "BX_KEY_GRAVE none XK_Cyrillic_io\n"
                       "BX_KEY_MINUS '-' XK_dead_tilde\n"
                       "BX_KEY_Y none XK_ydiaeresis\n"), "%s", why);
    expect(&layout, '=', 0x27, STROKE_SHIFT);
    expect(&layout, 0xEC, 0x2E, 0);
    expect(&layout, 0x430, 0x09, 0);
    expect(&layout, 0x410, 0x09, STROKE_SHIFT);
    expect(&layout, 0x42F, 0x1D, 0);
    expect(&layout, 0x451, 0x35, 0);
    expect(&layout, '-', 0x2D, 0);
    expect(&layout, 0xFF, 0x1C, 0);
    ck_assert_uint_eq(keysym_character("XK_a"), 'a');
    ck_assert_uint_eq(keysym_character("XK_bar"), '|');
    ck_assert_uint_eq(keysym_character("XK_at"), '@');
    ck_assert_uint_eq(keysym_character("XK_underscore"), '_');
    ck_assert_uint_eq(keysym_character("XK_slash"), '/');
    ck_assert_uint_eq(keysym_character("XK_questiondown"), 0xBF);
    ck_assert_uint_eq(keysym_character("XK_ssharp"), 0xDF);
    ck_assert_uint_eq(keysym_character("XK_F1"), 0);
    ck_assert_uint_eq(keysym_character("XK_Cyrillic_"), 0);
    ck_assert_uint_eq(keysym_character("SDLK_a"), 0);
}
END_TEST

/* Those that Debian's package bochs installs, where it is. */
START_TEST(all_keymaps_of_bochs_load)
{
    glob_t files;
    if (glob("/usr/share/bochs/keymaps/*.map", 0, NULL, &files)) return;
    for (size_t i = 0; i < files.gl_pathc; i++) {
        ck_assert_msg(layout_load(&layout, files.gl_pathv[i], why, sizeof why), "%s", why);
        for (char c = 'a'; c <= 'z'; c++)
            if (!strstr(files.gl_pathv[i], "-ru."))
                ck_assert_msg(layout_stroke(&layout, (uint32_t)c).usage, "%s: %c",
                              files.gl_pathv[i], c);
    }
    globfree(&files);
}
END_TEST

START_TEST(a_bad_line_is_named)
{
    ck_assert(!load("BX_KEY_A 'a' XK_a\nBX_KEY_QWERTZ 'b' XK_b\n"));
    ck_assert_msg(strstr(why, ":2: no such key") != NULL, "%s", why);
    ck_assert(!load("BX_KEY_A+BX_KEY_B 'a' XK_a\n"));
    ck_assert(!load("BX_KEY_A\n"));
    ck_assert_msg(strstr(why, ":1: a key, a character") != NULL, "%s", why);
    ck_assert(!load("BX_KEY_A ab XK_a\n"));
    ck_assert(!load(""));
    ck_assert_msg(strstr(why, "is it a Bochs keymap") != NULL, "%s", why);
    ck_assert(!layout_load(&layout, "/nonexistent/x.map", why, sizeof why));
    ck_assert_msg(strstr(why, "/nonexistent/x.map: No such file") != NULL, "%s", why);
}
END_TEST

START_TEST(utf8_is_read_to_its_end)
{
    const char *text = "a\xC3\xA4\xE2\x82\xAC\xF0\x9F\x98\x80\xC3(\xFF\xE2\x82";
    static const uint32_t expected[] = { 'a', 0xE4, 0x20AC, 0x1F600, 0xFFFD, '(', 0xFFFD, 0xFFFD,
                                         0xFFFD };
    for (size_t i = 0; i < COUNT_OF(expected); i++)
        ck_assert_uint_eq(utf8_next(&text), expected[i]);
    ck_assert_uint_eq(utf8_next(&text), 0);
    ck_assert_uint_eq(utf8_next(&text), 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("layout");
    TCase *t = tcase_create("layout");
    tcase_add_test(t, us_layout_needs_no_file);
    tcase_add_test(t, a_german_keymap_types_german);
    tcase_add_test(t, the_first_of_two_keys_counts);
    tcase_add_test(t, names_of_keys_count_first);
    tcase_add_test(t, all_keymaps_of_bochs_load);
    tcase_add_test(t, a_bad_line_is_named);
    tcase_add_test(t, utf8_is_read_to_its_end);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
