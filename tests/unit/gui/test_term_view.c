/* SPDX-License-Identifier: MIT
 * The guest's screen in ncurses' cells: a terminal of any size and kind that shows it nowhere.
 */
#if __has_include(<curses.h>)
#include "gui/term.h"
#endif
#include "tests/unit/gui/fake_screen.h"

#include <check.h>
#include <locale.h>
#include <stdlib.h>

#ifdef NCURSES_VERSION
#include <wchar.h>

static struct fake *k;
static SCREEN *terminal;
static FILE *nowhere;

static void plug(const char *kind, int columns, int rows)
{
    k = malloc(sizeof *k);
    nowhere = fopen("/dev/null", "r+");
    ck_assert(k && nowhere && setlocale(LC_CTYPE, "C.UTF-8"));
    fake_init(k);
    terminal = newterm(kind, nowhere, nowhere);
    ck_assert_ptr_nonnull(terminal);
    start_color();
    use_default_colors();
    resizeterm(rows, columns);
}

static void unplug(void)
{
    endwin();
    delscreen(terminal);
    fclose(nowhere);
    free(k);
}

struct seen {
    wchar_t rune;
    attr_t  attributes;
    int     fg, bg;
};

static struct seen at(int column, int row)
{
    cchar_t cell;
    wchar_t text[CCHARW_MAX + 1];
    short ignored;
    int pair = 0;
    struct seen s = { 0 };
    ck_assert_int_eq(mvin_wch(row, column, &cell), OK);
    ck_assert_int_eq(getcchar(&cell, text, &s.attributes, &ignored, &pair), OK);
    s.rune = text[0];
    s.attributes &= ~A_COLOR;
    extended_pair_content(pair, &s.fg, &s.bg);
    return s;
}

static void expect(int column, int row, struct seen wanted)
{
    struct seen s = at(column, row);
    ck_assert_msg(s.rune == wanted.rune && s.attributes == wanted.attributes
                  && s.fg == wanted.fg && s.bg == wanted.bg, "at %d,%d: U+%04X %x, %d on %d",
                  column, row, (unsigned)s.rune, (unsigned)s.attributes, s.fg, s.bg);
}

static const uint8_t attributes[] = { 0x07, 0x1E, 0x4F, 0x2C, 0x30, 0x87, 0x09 };

static void show_attributes(void)
{
    struct term_place view = { 0, 0 };
    for (unsigned i = 0; i < COUNT_OF(attributes); i++) fake_print(k, i, 3, attributes[i], "\xDB");
    term_show_text(&k->frame.text, &view, COLORS);
}

START_TEST(attributes_become_ansi_colours)
{
    /* Yellow on blue: ANSI's blue is 4; red is 1, green stays. */
    static const int fgs[] = { 7, 11, 15, 9, 0, 7, 12 }, bgs[] = { 0, 4, 1, 2, 6, 8, 0 };
    plug("xterm-256color", 80, 25);
    show_attributes();
    for (int i = 0; i < (int)COUNT_OF(attributes); i++)
        expect(i, 3, (struct seen){ 0x2588, 0, fgs[i], bgs[i] });
    unplug();
}
END_TEST

START_TEST(eight_colours_are_bright_by_bold)
{
    static const int fgs[] = { 7, 3, 7, 1, 0, 7, 4 }, bgs[] = { 0, 4, 1, 2, 6, 0, 0 };
    static const bool bold[] = { false, true, true, true, false, false, true };
    plug("xterm", 80, 25);
    ck_assert_int_eq(COLORS, 8);
    show_attributes();
    for (int i = 0; i < (int)COUNT_OF(attributes); i++)
        expect(i, 3, (struct seen){ 0x2588, bold[i] ? A_BOLD : 0, fgs[i], bgs[i] });
    unplug();
}
END_TEST

START_TEST(no_colours_leave_bold_and_reverse)
{
    plug("vt100", 80, 25);
    show_attributes();
    ck_assert_uint_eq(at(0, 3).attributes, 0);
    ck_assert_uint_eq(at(1, 3).attributes, A_BOLD);
    ck_assert_uint_eq(at(4, 3).attributes, A_REVERSE);
    fake_picture(k, 320, 200, 320);
    erase();
    term_show_picture(&k->frame, 24, COLORS);
    ck_assert_int_eq(at(0, 0).rune, ' ');
    unplug();
}
END_TEST

START_TEST(the_locale_says_which_characters_there_are)
{
    struct term_place view = { 0, 0 };
    plug("xterm-256color", 80, 25);
    fake_print(k, 0, 0, 0x07, "a\xBA\x82\x03");
    term_show_text(&k->frame.text, &view, COLORS);
    ck_assert_int_eq(at(0, 0).rune, 'a');
    ck_assert_int_eq(at(1, 0).rune, 0x2551);
    ck_assert_int_eq(at(2, 0).rune, 0xE9);
    ck_assert_int_eq(at(3, 0).rune, 0x2665);
    setlocale(LC_CTYPE, "C");
    term_show_text(&k->frame.text, &view, COLORS);
    ck_assert_int_eq(at(0, 0).rune, 'a');
    ck_assert_int_eq(at(1, 0).rune, '|');
    ck_assert_int_eq(at(2, 0).rune, '?');
    unplug();
}
END_TEST

START_TEST(a_small_terminal_follows_the_cursor)
{
    static const struct { unsigned column, row, view_column, view_row; } steps[] = {
        { 0, 0, 0, 0 }, { 39, 9, 0, 0 }, { 40, 10, 1, 1 }, { 79, 24, 40, 15 },
        { 60, 20, 40, 15 }, { 10, 2, 10, 2 }, { 200, 200, 10, 2 },    /* off screen: stay */
    };
    struct term_place view = { 0, 0 };
    plug("xterm-256color", 40, 10);
    k->cells[2 * 80 + 10] = 0x0741;
    for (unsigned i = 0; i < COUNT_OF(steps); i++) {
        k->frame.text.cursor_column = steps[i].column;
        k->frame.text.cursor_row = steps[i].row;
        term_show_text(&k->frame.text, &view, COLORS);
        ck_assert_msg(view.column == steps[i].view_column && view.row == steps[i].view_row,
                      "step %u: %u,%u", i, view.column, view.row);
    }
    ck_assert_int_eq(at(0, 0).rune, 'A');
    fake_text(k, 20, 5);                   /* a smaller mode: back to the corner */
    term_show_text(&k->frame.text, &view, COLORS);
    ck_assert_uint_eq(view.column, 0);
    ck_assert_uint_eq(view.row, 0);
    unplug();
}
END_TEST

START_TEST(pictures_keep_their_shape)
{
    plug("xterm-256color", 80, 25);
    fake_picture(k, 320, 200, 320);        /* left half red, right half blue */
    for (unsigned i = 0; i < 320 * 200; i++) k->pixels[i] = i % 320 < 160 ? 0xFF0000 : 0x0000FF;
    term_show_picture(&k->frame, 24, 256);
    /* 48 pixels high, so 76 wide. */
    expect(0, 0, (struct seen){ 0x2580, 0, 196, 196 });
    expect(37, 23, (struct seen){ 0x2580, 0, 196, 196 });
    expect(38, 0, (struct seen){ 0x2580, 0, 21, 21 });
    expect(75, 23, (struct seen){ 0x2580, 0, 21, 21 });
    ck_assert_int_eq(at(76, 0).rune, ' ');
    ck_assert_int_eq(at(0, 24).rune, ' ');
    term_show_picture(&k->frame, 24, 16);
    expect(0, 0, (struct seen){ 0x2580, 0, 1, 1 });
    expect(75, 0, (struct seen){ 0x2580, 0, 4, 4 });
    term_show_picture(&k->frame, 24, 8);
    expect(0, 0, (struct seen){ 0x2580, 0, 1, 1 });
    expect(75, 0, (struct seen){ 0x2580, 0, 4, 4 });
    fake_picture(k, 80, 1, 80);            /* one pixel high: the cell's lower half stays free */
    term_show_picture(&k->frame, 24, 256);
    expect(0, 0, (struct seen){ 0x2580, 0, 196, -1 });
    unplug();
}
END_TEST

START_TEST(greys_use_the_grey_ramp)
{
    static const struct { uint32_t rgb; int number; } greys[] = {
        { 0x000000, 16 }, { 0xFFFFFF, 231 }, { 0x080808, 232 }, { 0xEEEEEE, 255 },
        { 0x808080, 244 }, { 0x5F5F5F, 59 },
    };
    plug("xterm-256color", 4, 4);
    for (unsigned i = 0; i < COUNT_OF(greys); i++) {
        fake_picture(k, 1, 1, 1);
        k->pixels[0] = greys[i].rgb;
        term_show_picture(&k->frame, 4, 256);
        ck_assert_msg(at(0, 0).fg == greys[i].number, "%06x: %d", greys[i].rgb, at(0, 0).fg);
    }
    unplug();
}
END_TEST

START_TEST(more_colours_than_pairs_are_survived)
{
    static const struct { const char *kind; int yellow; } kinds[] = {
        { "xterm-256color", 11 }, { "xterm", 3 } };        /* 65536 and 64 pairs */
    for (unsigned n = 0; n < COUNT_OF(kinds); n++) {
        plug(kinds[n].kind, 200, 100);
        fake_picture(k, 400, 400, 400);
        for (uint32_t round = 0; round < 4; round++) {
            for (uint32_t i = 0; i < 400 * 400; i++)
                k->pixels[i] = (i + round * 160000) * 2654435761u >> 8;
            term_show_picture(&k->frame, 100, COLORS);
            refresh();
        }
        fake_text(k, 80, 25);
        show_attributes();
        expect(1, 3, (struct seen){ 0x2588, n ? A_BOLD : 0, kinds[n].yellow, 4 });
        unplug();
    }
}
END_TEST

START_TEST(odd_shapes_are_survived)
{
    static const struct { unsigned width, height; } shapes[] = {
        { 1, 400 }, { 720, 1 }, { 720, 400 }, { 3, 7 }, { 0, 0 }, { 0, 9 } };
    plug("xterm-256color", 80, 25);
    for (int columns = 1; columns < 90; columns += 11)
        for (int rows = 1; rows < 40; rows += 7) {
            resizeterm(rows, columns);
            for (unsigned i = 0; i < COUNT_OF(shapes); i++) {
                fake_picture(k, shapes[i].width, shapes[i].height, shapes[i].width);
                term_show_picture(&k->frame, rows + 3, 16);
                term_show_picture(&k->frame, 0, 16);
                term_show_line(columns - 1, rows - 1, "long line");
                ck_assert_int_eq(at(columns - 1, rows - 1).rune, 'l');
                ck_assert_uint_eq(at(columns - 1, rows - 1).attributes, A_REVERSE);
                term_show_line(columns, rows, "outside");
            }
        }
    unplug();
}
END_TEST
#endif

int main(void)
{
    Suite *s = suite_create("term_view");
#ifdef NCURSES_VERSION
    TCase *t = tcase_create("term_view");
    tcase_add_test(t, attributes_become_ansi_colours);
    tcase_add_test(t, eight_colours_are_bright_by_bold);
    tcase_add_test(t, no_colours_leave_bold_and_reverse);
    tcase_add_test(t, the_locale_says_which_characters_there_are);
    tcase_add_test(t, a_small_terminal_follows_the_cursor);
    tcase_add_test(t, pictures_keep_their_shape);
    tcase_add_test(t, greys_use_the_grey_ramp);
    tcase_add_test(t, more_colours_than_pairs_are_survived);
    tcase_add_test(t, odd_shapes_are_survived);
    suite_add_tcase(s, t);
#endif
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
