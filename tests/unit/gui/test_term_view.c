/* SPDX-License-Identifier: MIT
 * Screens as cells, cells as bytes. What the bytes do is judged by a small terminal of our own.
 */
#include "gui/term.h"
#include "tests/unit/gui/fake_screen.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>


static void make_grid(struct term_grid *g, unsigned columns, unsigned rows)
{
    *g = (struct term_grid){ .columns = columns, .rows = rows,
                             .cells = calloc((size_t)columns * rows, sizeof *g->cells) };
    ck_assert_ptr_nonnull(g->cells);
    term_clear(g);
}

static struct fake *fake_new(void)
{
    struct fake *k = malloc(sizeof *k);
    ck_assert_ptr_nonnull(k);
    fake_init(k);
    return k;
}

static const struct term_cell *at(const struct term_grid *g, unsigned column, unsigned row)
{
    return &g->cells[row * g->columns + column];
}

START_TEST(attributes_become_ansi_colours)
{
    static const struct { uint8_t attribute; uint32_t fg, bg; } colours[] = {
        { 0x07, 7, 0 }, { 0x1E, 11, 4 },   /* yellow on blue: ANSI's blue is 4 */
        { 0x4F, 15, 1 }, { 0x2C, 9, 2 },   /* red is 1, green stays */
        { 0x30, 0, 6 }, { 0x87, 7, 8 }, { 0x09, 12, 0 },
    };
    struct fake *k = fake_new();
    struct term_grid g;
    struct term_place view = { 0, 0 };
    make_grid(&g, 80, 25);
    for (unsigned i = 0; i < COUNT_OF(colours); i++)
        fake_print(k, i, 3, colours[i].attribute, "\xDB");
    term_show_text(&g, &k->frame.text, &view);
    for (unsigned i = 0; i < COUNT_OF(colours); i++) {
        ck_assert_uint_eq(at(&g, i, 3)->rune, 0x2588);
        ck_assert_uint_eq(at(&g, i, 3)->fg, TERM_ANSI | colours[i].fg);
        ck_assert_uint_eq(at(&g, i, 3)->bg, TERM_ANSI | colours[i].bg);
    }
    free(g.cells);
    free(k);
}
END_TEST

START_TEST(a_small_terminal_follows_the_cursor)
{
    static const struct { unsigned column, row, view_column, view_row; } steps[] = {
        { 0, 0, 0, 0 }, { 39, 9, 0, 0 }, { 40, 10, 1, 1 }, { 79, 24, 40, 15 },
        { 60, 20, 40, 15 }, { 10, 2, 10, 2 }, { 200, 200, 10, 2 },    /* off screen: stay */
    };
    struct fake *k = fake_new();
    struct term_grid g;
    struct term_place view = { 0, 0 };
    make_grid(&g, 40, 10);
    k->cells[2 * 80 + 10] = 0x0741;
    k->frame.text.cursor_visible = true;
    for (unsigned i = 0; i < COUNT_OF(steps); i++) {
        k->frame.text.cursor_column = steps[i].column;
        k->frame.text.cursor_row = steps[i].row;
        term_show_text(&g, &k->frame.text, &view);
        ck_assert_msg(view.column == steps[i].view_column && view.row == steps[i].view_row,
                      "step %u: %u,%u", i, view.column, view.row);
        ck_assert_int_eq(g.cursor_visible, steps[i].column < 80);
        if (!g.cursor_visible) continue;
        ck_assert_uint_eq(g.cursor_column, steps[i].column - view.column);
        ck_assert_uint_eq(g.cursor_row, steps[i].row - view.row);
    }
    ck_assert_uint_eq(at(&g, 0, 0)->rune, 'A');
    fake_text(k, 20, 5);                   /* a smaller mode: back to the corner */
    term_show_text(&g, &k->frame.text, &view);
    ck_assert_uint_eq(view.column, 0);
    ck_assert_uint_eq(view.row, 0);
    free(g.cells);
    free(k);
}
END_TEST

START_TEST(pictures_keep_their_shape)
{
    struct fake *k = fake_new();
    struct term_grid g;
    make_grid(&g, 80, 25);
    fake_picture(k, 320, 200, 320);        /* left half red, right half blue */
    for (unsigned i = 0; i < 320 * 200; i++) k->pixels[i] = i % 320 < 160 ? 0xFF0000 : 0x0000FF;
    term_show_picture(&g, &k->frame, 24, TERM_TRUE_COLOUR);
    /* 48 pixels high, so 76 wide. */
    ck_assert_uint_eq(at(&g, 0, 0)->fg, TERM_RGB | 0xFF0000);
    ck_assert_uint_eq(at(&g, 37, 23)->bg, TERM_RGB | 0xFF0000);
    ck_assert_uint_eq(at(&g, 38, 0)->fg, TERM_RGB | 0x0000FF);
    ck_assert_uint_eq(at(&g, 75, 23)->bg, TERM_RGB | 0x0000FF);
    ck_assert_uint_eq(at(&g, 76, 0)->rune, ' ');
    ck_assert_uint_eq(at(&g, 0, 24)->rune, ' ');
    term_show_picture(&g, &k->frame, 24, TERM_256_COLOURS);
    ck_assert_uint_eq(at(&g, 0, 0)->fg, TERM_INDEX | 196);
    ck_assert_uint_eq(at(&g, 75, 0)->bg, TERM_INDEX | 21);
    term_show_picture(&g, &k->frame, 24, TERM_16_COLOURS);
    ck_assert_uint_eq(at(&g, 0, 0)->fg, TERM_ANSI | 1);
    ck_assert_uint_eq(at(&g, 75, 0)->fg, TERM_ANSI | 4);
    free(g.cells);
    free(k);
}
END_TEST

START_TEST(greys_use_the_grey_ramp)
{
    struct fake *k = fake_new();
    struct term_grid g;
    make_grid(&g, 4, 4);
    static const struct { uint32_t rgb, index; } greys[] = {
        { 0x000000, 16 }, { 0xFFFFFF, 231 }, { 0x080808, 232 }, { 0xEEEEEE, 255 },
        { 0x808080, 244 }, { 0x5F5F5F, 59 },
    };
    for (unsigned i = 0; i < COUNT_OF(greys); i++) {
        fake_picture(k, 1, 1, 1);
        k->pixels[0] = greys[i].rgb;
        term_show_picture(&g, &k->frame, 4, TERM_256_COLOURS);
        ck_assert_msg(at(&g, 0, 0)->fg == (TERM_INDEX | greys[i].index), "%06x: %u", greys[i].rgb,
                      at(&g, 0, 0)->fg & 255);
    }
    free(g.cells);
    free(k);
}
END_TEST

START_TEST(odd_shapes_are_survived)
{
    static const struct { unsigned width, height; } shapes[] = {
        { 1, 400 }, { 720, 1 }, { 720, 400 }, { 3, 7 }, { 0, 0 }, { 0, 9 } };
    struct fake *k = fake_new();
    for (unsigned columns = 1; columns < 90; columns += 11)
        for (unsigned rows = 1; rows < 40; rows += 7) {
            struct term_grid g;
            make_grid(&g, columns, rows);
            for (unsigned i = 0; i < COUNT_OF(shapes); i++) {
                fake_picture(k, shapes[i].width, shapes[i].height, shapes[i].width);
                term_show_picture(&g, &k->frame, rows + 3, TERM_16_COLOURS);
                term_show_line(&g, columns - 1, rows - 1, "long \x80\x01 line");
                term_show_line(&g, columns, rows, "outside");
            }
            free(g.cells);
        }
    free(k);
}
END_TEST

/* ---- bytes: a terminal that knows CUP, SGR and the cursor's visibility ----------------------- */

struct glass {
    unsigned column, row, fg, bg;          /* fg, bg: ANSI numbers, 99: other */
    bool     cursor;
    char     cells[10][20];
    unsigned fgs[10][20];
};

static const char *glass_escape(struct glass *t, const char *s)
{
    unsigned a = 1, b = 1;
    int used = 0;
    ck_assert_int_eq(*s++, '[');
    if (!strncmp(s, "?25", 3)) {
        t->cursor = s[3] == 'h';
        return s + 4;
    }
    if (sscanf(s, "%u;%uH%n", &a, &b, &used) == 2 && used) {
        t->row = a - 1;
        t->column = b - 1;
        return s + used;
    }
    ck_assert_msg(sscanf(s, "%um%n", &a, &used) == 1 && used, "sequence %s", s);
    if (a >= 30 && a <= 39) t->fg = a - 30;
    else if (a >= 90 && a <= 97) t->fg = a - 82;
    else if (a >= 40 && a <= 49) t->bg = a - 40;
    else ck_assert_uint_le(a, 107);
    return s + used;
}

static void glass_eat(struct glass *t, struct term_bytes *bytes)
{
    term_put(bytes, "", 1);
    for (const char *s = bytes->bytes; *s;) {
        if (*s == 0x1B) {
            s = glass_escape(t, s + 1);
            continue;
        }
        ck_assert_uint_lt(t->row, 10);
        ck_assert_uint_lt(t->column, 20);
        t->fgs[t->row][t->column] = t->fg;
        t->cells[t->row][t->column++] = *s++;
    }
    bytes->length = 0;
}

START_TEST(painting_shows_what_is_wanted)
{
    struct term_grid want, shown;
    struct term_bytes bytes = { .bytes = NULL };
    struct glass glass = { .column = 0 };
    uint32_t random = 7;
    make_grid(&want, 20, 10);
    make_grid(&shown, 20, 10);
    memset(glass.cells, ' ', sizeof glass.cells);
    for (unsigned round = 0; round < 200; round++) {
        for (unsigned i = 0; i < 1 + round % 30; i++) {
            random = random * 1664525 + 1013904223;
            want.cells[(random >> 8) % 200] = (struct term_cell){
                ' ' + (random >> 16) % 95, TERM_ANSI | (random >> 28),
                TERM_ANSI | (random >> 24 & 15) };
        }
        want.cursor_visible = random >> 31;
        want.cursor_column = (random >> 20) % 20;
        want.cursor_row = (random >> 12) % 10;
        term_paint(&bytes, &want, &shown, true);
        glass_eat(&glass, &bytes);
        ck_assert_int_eq(glass.cursor, want.cursor_visible);
        if (glass.cursor) ck_assert_uint_eq(glass.column, want.cursor_column);
        if (glass.cursor) ck_assert_uint_eq(glass.row, want.cursor_row);
        for (unsigned i = 0; i < 200; i++) {
            ck_assert_int_eq(glass.cells[i / 20][i % 20], (int)want.cells[i].rune);
            if (want.cells[i].fg)
                ck_assert_uint_eq(glass.fgs[i / 20][i % 20], want.cells[i].fg & 15);
        }
    }
    free(bytes.bytes);
    free(want.cells);
    free(shown.cells);
}
END_TEST

START_TEST(only_changes_are_sent)
{
    struct term_grid want, shown;
    struct term_bytes bytes = { .bytes = NULL };
    make_grid(&want, 80, 25);
    make_grid(&shown, 80, 25);
    term_paint(&bytes, &want, &shown, true);
    ck_assert_uint_eq(bytes.length, 0);
    want.cells[81] = (struct term_cell){ 'x', TERM_ANSI | 7, TERM_ANSI | 0 };
    term_paint(&bytes, &want, &shown, true);
    term_put(&bytes, "", 1);
    ck_assert_str_eq(bytes.bytes, "\x1B[2;2H\x1B[37m\x1B[40mx");
    bytes.length = 0;
    want.cursor_visible = true;
    want.cursor_column = 3;
    term_paint(&bytes, &want, &shown, true);
    term_put(&bytes, "", 1);
    ck_assert_str_eq(bytes.bytes, "\x1B[1;4H\x1B[?25h");
    bytes.length = 0;
    term_paint(&bytes, &want, &shown, true);
    ck_assert_uint_eq(bytes.length, 0);
    free(bytes.bytes);
    free(want.cells);
    free(shown.cells);
}
END_TEST

START_TEST(colours_and_characters_by_their_kind)
{
    static const struct { struct term_cell cell; bool utf8; const char *bytes; } kinds[] = {
        { { 0x2588, TERM_RGB | 0x010203, TERM_INDEX | 200 }, true,
          "\x1B[1;1H\x1B[38;2;1;2;3m\x1B[48;5;200m\u2588" },
        { { 0x2551, TERM_ANSI | 15, TERM_ANSI | 12 }, false, "\x1B[1;1H\x1B[97m\x1B[104m|" },
        { { 'q', TERM_DEFAULT, TERM_DEFAULT }, false, "\x1B[1;1H\x1B[39m\x1B[49mq" },
    };
    for (unsigned i = 0; i < COUNT_OF(kinds); i++) {
        struct term_grid want, shown;
        struct term_bytes bytes = { .bytes = NULL };
        make_grid(&want, 2, 1);
        make_grid(&shown, 2, 1);
        want.cells[0] = kinds[i].cell;
        term_paint(&bytes, &want, &shown, kinds[i].utf8);
        term_put(&bytes, "", 1);
        ck_assert_str_eq(bytes.bytes, kinds[i].bytes);
        free(bytes.bytes);
        free(want.cells);
        free(shown.cells);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("term_view");
    TCase *t = tcase_create("term_view");
    tcase_add_test(t, attributes_become_ansi_colours);
    tcase_add_test(t, a_small_terminal_follows_the_cursor);
    tcase_add_test(t, pictures_keep_their_shape);
    tcase_add_test(t, greys_use_the_grey_ramp);
    tcase_add_test(t, odd_shapes_are_survived);
    tcase_add_test(t, painting_shows_what_is_wanted);
    tcase_add_test(t, only_changes_are_sent);
    tcase_add_test(t, colours_and_characters_by_their_kind);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
