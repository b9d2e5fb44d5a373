/* SPDX-License-Identifier: MIT
 * What terminals send -> keys: ncurses reads a pipe as if it were xterm, the Linux console, tmux.
 */
#if __has_include(<curses.h>)
#include "gui/term.h"
#endif

#include <check.h>
#include <stdlib.h>

#ifdef NCURSES_VERSION
#include <string.h>
#include <unistd.h>

static SCREEN *terminal;
static FILE *in, *out;
static int typing;

static void plug(const char *kind)
{
    int ends[2];
    ck_assert_int_eq(pipe(ends), 0);
    typing = ends[1];
    in = fdopen(ends[0], "r");
    out = fopen("/dev/null", "w");
    ck_assert(in && out);
    set_escdelay(25);
    terminal = newterm(kind, out, in);
    ck_assert_ptr_nonnull(terminal);
    term_start_keys();
}

static void unplug(void)
{
    endwin();
    delscreen(terminal);
    fclose(in);
    fclose(out);
    close(typing);
}

static void xterm(void)
{
    plug("xterm-256color");
}

/* Strokes as text: "C-A-S-f1 a". */
static void read_all(char *text, size_t size, unsigned polls)
{
    struct term_stroke stroke;
    *text = 0;
    for (unsigned i = 0; i < polls; i++) {
        if (!term_read_stroke(&stroke)) continue;
        const char *name = key_name(stroke.usage);
        size_t at = strlen(text);
        snprintf(text + at, size - at, "%s%s%s%s%s", at ? " " : "",
                 stroke.modifiers & TERM_CTRL ? "C-" : "", stroke.modifiers & TERM_ALT ? "A-" : "",
                 stroke.modifiers & TERM_SHIFT ? "S-" : "", name ? name : "?");
    }
}

#define KEYS(bytes, expected) check_keys(bytes, sizeof(bytes) - 1, expected)
static void check_keys(const char *bytes, size_t length, const char *expected)
{
    char text[1024];
    ck_assert_int_eq(write(typing, bytes, length), (ssize_t)length);
    read_all(text, sizeof text, (unsigned)length + 1);
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
    KEYS("\x1B[H\x1B[F\x1BOH\x1BOF\x1B[1~\x1B[4~", "home end home end home end");
    KEYS("\x1B[2~\x1B[3~\x1B[5~\x1B[6~\x1BOE", "insert delete pgup pgdn kp_5");
    KEYS("\x1B[1;5D\x1B[1;2A\x1B[1;3C\x1B[1;8B", "C-left S-up A-right C-A-S-down");
    KEYS("\x1B[3;5~\x1B[5;2~\x1B[1;2H", "C-delete S-pgup S-home");
    KEYS("\x1B[Z", "S-tab");
}
END_TEST

START_TEST(function_keys)
{
    KEYS("\x1BOP\x1BOQ\x1BOR\x1BOS", "f1 f2 f3 f4");
    KEYS("\x1B[15~\x1B[17~\x1B[18~\x1B[19~\x1B[20~\x1B[21~\x1B[23~\x1B[24~",
         "f5 f6 f7 f8 f9 f10 f11 f12");
    KEYS("\x1B[1;2P\x1B[15;5~\x1B[1;7S", "S-f1 C-f5 C-A-f4");
    KEYS("\x1BOM\x1BOj\x1BOk\x1BOp\x1BOy", "kp_enter kp_multiply kp_add kp_0 kp_9");
}
END_TEST

START_TEST(alt_is_a_prefix)
{
    KEYS("\x1Bx\x1BX\x1B\r", "A-x A-S-x A-ret");
    KEYS("\x1B\x01", "C-A-a");
    KEYS("\x1B[", "A-bracket_left");
    KEYS("\x1BO", "A-S-o");
}
END_TEST

START_TEST(escape_alone)
{
    KEYS("\x1B", "esc");
    KEYS("\x1B\x1B", "esc esc");
    KEYS("\x1B\x1Bx", "esc A-x");
    KEYS("\x1B", "esc");
    KEYS("x", "x");
}
END_TEST

START_TEST(any_bytes_are_survived)
{
    /* What sequences are made of, and no lone ESC at the end: it would cost its delay. */
    static const char common[] = "\x1B\x1B[[OO0123456789;;~$^@ABPZu\x80\xFF\x01";
    uint32_t random = 1;
    for (unsigned round = 0; round < 100; round++) {
        char bytes[201], text[8192];
        for (unsigned i = 0; i < 200; i++) {
            random = random * 1664525 + 1013904223;
            bytes[i] = common[(random >> 16) % (sizeof common - 1)];
        }
        bytes[200] = 'x';
        ck_assert_int_eq(write(typing, bytes, sizeof bytes), (ssize_t)sizeof bytes);
        read_all(text, sizeof text, 250);
        ck_assert_ptr_null(strchr(text, '?'));
    }
    KEYS("a", "a");
}
END_TEST

START_TEST(the_linux_console)
{
    plug("linux");
    KEYS("\x1B[[A\x1B[[E\x1B[17~\x1B[25~", "f1 f5 f6 S-f1");
    KEYS("\x1B[1~\x1B[4~\x1B[A\x1B[3~\x7F", "home end up delete backspace");
    unplug();
}
END_TEST

START_TEST(a_terminal_whose_description_lacks_modifiers)
{
    plug("screen");
    KEYS("\x1B[1;5C\x1B[1;2S\x1B[23;3~\x1BOA", "C-right S-f4 A-f11 up");
    unplug();
}
END_TEST
#endif

int main(void)
{
    Suite *s = suite_create("term_keys");
#ifdef NCURSES_VERSION
    TCase *t = tcase_create("xterm"), *others = tcase_create("others");
    tcase_add_checked_fixture(t, xterm, unplug);
    tcase_add_test(t, letters_and_signs);
    tcase_add_test(t, control_codes);
    tcase_add_test(t, arrows_and_the_six_pack);
    tcase_add_test(t, function_keys);
    tcase_add_test(t, alt_is_a_prefix);
    tcase_add_test(t, escape_alone);
    tcase_add_test(t, any_bytes_are_survived);
    suite_add_tcase(s, t);
    tcase_add_test(others, the_linux_console);
    tcase_add_test(others, a_terminal_whose_description_lacks_modifiers);
    suite_add_tcase(s, others);
#endif
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
