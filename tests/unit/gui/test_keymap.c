/* SPDX-License-Identifier: MIT
 * Names of keys and the keys of a text. USB HID Usage Tables 1.12, section 10 (2004).
 */
#include "gui/display.h"

#include <check.h>
#include <stdlib.h>

/* The names of QEMU's sendkey that a PC keyboard has keys for. */
START_TEST(sendkey_names_are_complete)
{
    static const struct { const char *name; unsigned usage; } keys[] = {
        { "shift", 0xE1 }, { "shift_r", 0xE5 }, { "alt", 0xE2 }, { "alt_r", 0xE6 },
        { "ctrl", 0xE0 }, { "ctrl_r", 0xE4 }, { "menu", 0x65 }, { "esc", 0x29 },
        { "1", 0x1E }, { "9", 0x26 }, { "0", 0x27 }, { "minus", 0x2D }, { "equal", 0x2E },
        { "backspace", 0x2A }, { "tab", 0x2B }, { "q", 0x14 }, { "a", 0x04 }, { "z", 0x1D },
        { "bracket_left", 0x2F }, { "bracket_right", 0x30 }, { "ret", 0x28 },
        { "semicolon", 0x33 }, { "apostrophe", 0x34 }, { "grave_accent", 0x35 },
        { "backslash", 0x31 }, { "comma", 0x36 }, { "dot", 0x37 }, { "slash", 0x38 },
        { "asterisk", 0x55 }, { "spc", 0x2C }, { "caps_lock", 0x39 }, { "f1", 0x3A },
        { "f10", 0x43 }, { "f11", 0x44 }, { "f12", 0x45 }, { "num_lock", 0x53 },
        { "scroll_lock", 0x47 }, { "kp_divide", 0x54 }, { "kp_multiply", 0x55 },
        { "kp_subtract", 0x56 }, { "kp_add", 0x57 }, { "kp_enter", 0x58 }, { "kp_decimal", 0x63 },
        { "sysrq", 0x46 }, { "print", 0x46 }, { "kp_1", 0x59 }, { "kp_9", 0x61 }, { "kp_0", 0x62 },
        { "less", 0x64 }, { "home", 0x4A }, { "pgup", 0x4B }, { "pgdn", 0x4E }, { "end", 0x4D },
        { "left", 0x50 }, { "up", 0x52 }, { "down", 0x51 }, { "right", 0x4F }, { "insert", 0x49 },
        { "delete", 0x4C }, { "pause", 0x48 }, { "meta_l", 0xE3 }, { "meta_r", 0xE7 },
        { "compose", 0x65 }, { "left_control", 0xE0 }, { "0x28", 0x28 }, { "0xE7", 0xE7 },
        { "Ret", 0x28 }, { "F12", 0x45 },
    };
    for (size_t i = 0; i < COUNT_OF(keys); i++)
        ck_assert_msg(key_by_name(keys[i].name) == keys[i].usage, "%s", keys[i].name);
}
END_TEST

START_TEST(unknown_names_are_no_key)
{
    static const char *const names[] = { "", "f0", "f25", "0x", "0x03", "0xE8", "0x100", "0x2g",
                                         "re", "rett", "0x-1", "key" };
    for (size_t i = 0; i < COUNT_OF(names); i++)
        ck_assert_msg(key_by_name(names[i]) == 0, "%s", names[i]);
}
END_TEST

START_TEST(every_pc_key_has_a_name_that_leads_back)
{
    for (unsigned usage = 0x04; usage <= 0xE7; usage++) {
        const char *name = key_name(usage);
        if (name) ck_assert_uint_eq(key_by_name(name), usage);
        else ck_assert_msg(usage > 0x81 && usage < 0xE0, "no name for %#x", usage);
    }
    ck_assert_ptr_null(key_name(0));
    ck_assert_ptr_null(key_name(0x1E0));
}
END_TEST

/* Typing every key of the main block gives each ASCII character once. */
START_TEST(ascii_is_typed_by_distinct_keys)
{
    bool taken[2][256] = { { false } };
    for (int c = ' '; c <= '~'; c++) {
        bool shift = false;
        unsigned usage = key_for_char((char)c, &shift);
        ck_assert_msg(usage >= 0x04 && usage <= 0x38, "%c", c);
        ck_assert_msg(!taken[shift][usage], "%c", c);
        taken[shift][usage] = true;
    }
}
END_TEST

START_TEST(characters_are_where_the_us_layout_has_them)
{
    static const struct { char c; unsigned usage; bool shift; } keys[] = {
        { 'a', 0x04, false }, { 'Z', 0x1D, true }, { '1', 0x1E, false }, { '!', 0x1E, true },
        { '0', 0x27, false }, { ')', 0x27, true }, { '@', 0x1F, true }, { '-', 0x2D, false },
        { '_', 0x2D, true }, { '+', 0x2E, true }, { '{', 0x2F, true }, { ']', 0x30, false },
        { '\\', 0x31, false }, { '|', 0x31, true }, { ';', 0x33, false }, { ':', 0x33, true },
        { '"', 0x34, true }, { '\'', 0x34, false }, { '`', 0x35, false }, { '~', 0x35, true },
        { '<', 0x36, true }, { '.', 0x37, false }, { '?', 0x38, true }, { ' ', 0x2C, false },
        { '\n', 0x28, false }, { '\r', 0x28, false }, { '\t', 0x2B, false }, { '\b', 0x2A, false },
        { 0x7F, 0x2A, false }, { 0x1B, 0x29, false },
        { 0, 0, false }, { 1, 0, false }, { (char)0xE4, 0, false },
    };
    for (size_t i = 0; i < COUNT_OF(keys); i++) {
        bool shift = !keys[i].shift;
        ck_assert_msg(key_for_char(keys[i].c, &shift) == keys[i].usage, "%#x", (unsigned)keys[i].c);
        ck_assert_msg(shift == keys[i].shift, "%#x", (unsigned)keys[i].c);
    }
}
END_TEST

START_TEST(displays_have_the_names_of_bochs)
{
    static const struct { const char *alias, *name; } same[] = {
        { "term", "term" }, { "curses", "term" }, { "nogui", "nogui" }, { "none", "nogui" },
        { "headless", "nogui" }, { "NoGUI", "nogui" },
    };
    for (size_t i = 0; i < COUNT_OF(same); i++) {
        const struct display_class *class = display_find(same[i].alias);
        ck_assert_msg(class != NULL, "%s", same[i].alias);
        ck_assert_str_eq(class->name, same[i].name);
    }
    ck_assert_ptr_null(display_find("vga_glass"));
    ck_assert_ptr_null(display_find(""));
    ck_assert_ptr_null(display_find(NULL));
    ck_assert_ptr_eq(display_find("x"), display_find("sdl2"));
    size_t count = 0;
    while (display_list()[count]) ck_assert_ptr_nonnull(display_list()[count++]->about);
    ck_assert_ptr_eq(display_list()[count - 1], &display_headless);
}
END_TEST

START_TEST(headless_opens_and_closes)
{
    struct display *d = display_headless.open(NULL, NULL, NULL, "", NULL, NULL);
    ck_assert_ptr_nonnull(d);
    display_headless.poll(d);
    display_headless.close(d);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("keymap");
    TCase *t = tcase_create("keymap");
    tcase_add_test(t, sendkey_names_are_complete);
    tcase_add_test(t, unknown_names_are_no_key);
    tcase_add_test(t, every_pc_key_has_a_name_that_leads_back);
    tcase_add_test(t, ascii_is_typed_by_distinct_keys);
    tcase_add_test(t, characters_are_where_the_us_layout_has_them);
    tcase_add_test(t, displays_have_the_names_of_bochs);
    tcase_add_test(t, headless_opens_and_closes);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
