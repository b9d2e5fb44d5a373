/* SPDX-License-Identifier: MIT
 * Registers changed while the beam draws, when the start address is taken, and the border.
 */
#include "tests/unit/iodev/vga_bench.h"

#include <check.h>
#include <stdlib.h>

static struct board *b;
static struct vga *v;

static void setup(void)
{
    v = plug_vga(&b);
    ck_assert_ptr_nonnull(v);
}

static void teardown(void) { fake_free(b); }

static struct beam beam(void) { return vga_beam(v, clock_now(board_clock(b))); }

/* To the beginning of a scan line, in this frame or the next. */
static void to_line(unsigned line)
{
    if (beam().row >= line)
        for (uint64_t frame = beam().frame; beam().frame == frame;) fake_advance(b, 4000);
    while (beam().row < line) fake_advance(b, 4000);
}

/* Mode 13h: row y of memory holds the byte y, which has the colour y in blue. */
static void stripes(void)
{
    set_mode(b, &mode_13);
    for (unsigned i = 0; i < 256; i++) set_color(b, i, i & 63);
    for (unsigned y = 0; y < 204; y++)
        for (unsigned x = 0; x < 320; x++) poke8(b, 0xA0000 + y * 320 + x, y & 63);
    fake_advance(b, SECOND / 10);
}

static void set_start(unsigned address)
{
    set_crtc(b, 0x0C, address >> 8);
    set_crtc(b, 0x0D, address & 0xFF);
}

/* The 6-bit blue of the picture's line. */
static unsigned blue(const struct screen_frame *f, unsigned y)
{
    return (pixel_at(f, 0, y) & 0xFF) >> 2;
}

START_TEST(the_start_address_is_taken_at_the_retrace)
{
    stripes();
    to_line(100);
    set_start(80);                         /* the second row: 80 addresses of four planes */
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(blue(&f, 0), 0);
    to_line(405);                          /* blanking, but no retrace yet */
    f = draw(b);
    ck_assert_uint_eq(blue(&f, 0), 0);
    to_line(413);
    f = draw(b);
    ck_assert_uint_eq(blue(&f, 0), 1);
    ck_assert_uint_eq(blue(&f, 399), 200 & 63);
}
END_TEST

/* Why programs write both halves before the retrace. */
START_TEST(half_a_start_address_may_be_taken)
{
    stripes();
    set_start(0x00A0);
    to_line(300);
    set_crtc(b, 0x0C, 0x01);
    to_line(413);
    set_crtc(b, 0x0D, 0x40);               /* too late: 1A0h is 5 rows and 16 addresses */
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(blue(&f, 0), 5);
    to_line(413);
    f = draw(b);
    ck_assert_uint_eq(blue(&f, 0), 4);
}
END_TEST

static void bars(void)
{
    to_line(0);
    set_color(b, 5, 0x000000);
    to_line(100);
    set_color(b, 5, 0x00003F);
    to_line(200);
    set_color(b, 5, 0x003F00);
}

static void expect_bars(void)
{
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(pixel_at(&f, 9, 60), 0);
    ck_assert_uint_eq(pixel_at(&f, 9, 100), 0);            /* in whose course it is written */
    ck_assert_uint_eq(pixel_at(&f, 9, 101), 0x0000FF);
    ck_assert_uint_eq(pixel_at(&f, 9, 200), 0x0000FF);
    ck_assert_uint_eq(pixel_at(&f, 9, 201), 0x00FF00);
    ck_assert_uint_eq(pixel_at(&f, 9, 399), 0x00FF00);
}

/* Wherever the beam is, one sees the whole of what repeats. */
START_TEST(colours_change_from_line_to_line)
{
    stripes();
    memory_write(b->memory, 0xA0000, 0, BYTE);
    for (unsigned i = 0; i < 320 * 200; i++) poke8(b, 0xA0000 + i, 5);
    bars();
    bars();
    expect_bars();                         /* line 200 */
    to_line(300);
    expect_bars();
    to_line(430);
    expect_bars();
    to_line(0);
    set_color(b, 5, 0x000000);
    expect_bars();
    to_line(60);
    expect_bars();
    to_line(100);
    set_color(b, 5, 0x00003F);
    to_line(150);
    uint64_t hash = device_hash(&v->dev, 0);
    expect_bars();
    ck_assert_uint_eq(device_hash(&v->dev, 0), hash);
}
END_TEST

START_TEST(when_it_stops_the_screen_is_at_rest_again)
{
    stripes();
    bars();
    draw(b);
    fake_advance(b, SECOND / 20);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(f.row_count, 400);   /* once more */
    f = draw(b);
    ck_assert_uint_eq(f.row_count, 0);
    ck_assert_uint_eq(pixel_at(&f, 0, 10), 0x00FF00);      /* memory holds 5 there */
}
END_TEST

/* A fade in the blanking needs no pieces. */
START_TEST(changes_in_the_blanking_are_whole_pictures)
{
    stripes();
    for (unsigned i = 0; i < 3; i++) {
        to_line(420);
        for (unsigned c = 0; c < 256; c++) set_color(b, c, c + i);
        ck_assert(!vga_changes_in_mid_frame(v));
        to_line(200);
        ck_assert(!vga_changes_in_mid_frame(v));
    }
    set_color(b, 0, 0x3F3F3F);
    ck_assert(vga_changes_in_mid_frame(v));
}
END_TEST

START_TEST(panning_from_a_line_on)
{
    stripes();
    for (unsigned i = 0; i < 320 * 200; i++) poke8(b, 0xA0000 + i, i % 320 == 3 ? 63 : 0);
    for (unsigned i = 0; i < 2; i++) {
        to_line(0);
        set_attr(b, 0x13, 0);
        to_line(150);
        set_attr(b, 0x13, 6);
    }
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(pixel_at(&f, 6, 149), 0xFF);
    ck_assert_uint_eq(pixel_at(&f, 0, 149), 0);
    ck_assert_uint_eq(pixel_at(&f, 0, 151), 0xFF);
    ck_assert_uint_eq(pixel_at(&f, 6, 151), 0);
}
END_TEST

/* In text modes a piece may begin within a character. */
START_TEST(text_changes_within_a_character)
{
    set_mode(b, &mode_3);
    set_seq(b, 2, 4);
    set_seq(b, 4, 6);
    set_gfx(b, 6, 4);
    for (unsigned row = 0; row < 16; row++) poke8(b, 0xA0000 + 'A' * 32 + row, row << 4);
    set_seq(b, 2, 3);
    set_seq(b, 4, 2);
    set_gfx(b, 6, 0x0E);
    for (unsigned i = 0; i < 80 * 25; i++) memory_write(b->memory, 0xB8000 + 2 * i, 0x0741, WORD);
    fake_advance(b, SECOND / 10);
    for (unsigned i = 0; i < 2; i++) {
        to_line(0);
        set_attr(b, 7, 7);
        to_line(20);                       /* row 4 of the second line of text */
        set_attr(b, 7, 4);
    }
    struct screen_frame f = draw(b);
    for (unsigned y = 0; y < 400; y++)
        for (unsigned x = 0; x < 4; x++) {
            uint32_t color = y <= 20 ? 0xAAAAAA : 0xAA0000;
            ck_assert_uint_eq(pixel_at(&f, 72 + x, y), y % 16 >> (3 - x) & 1 ? color : 0);
        }
    ck_assert_uint_eq(f.text.columns, 80);
    ck_assert_uint_eq(f.text.cells[81], 0x0741);
}
END_TEST

/* Lines of graphics in a text screen are 640 dots wide,
 * not 720: they cannot be shown, but count. */
START_TEST(a_piece_of_another_width_still_takes_its_lines)
{
    set_mode(b, &mode_3);
    set_ega_colors(b);
    for (unsigned i = 0; i < 80 * 25; i++)
        memory_write(b->memory, 0xB8000 + 2 * i, 0x20 | (i / 80 & 7) << 12, WORD);
    fake_advance(b, SECOND / 10);
    struct screen_frame f = draw(b);
    uint32_t rows[25];
    for (unsigned row = 0; row < 25; row++) rows[row] = pixel_at(&f, 0, row * 16);
    to_line(50);
    set_gfx(b, 6, 0x0F);
    to_line(100);
    set_gfx(b, 6, 0x0E);
    f = draw(b);
    for (unsigned y = 101; y < 400; y++) ck_assert_uint_eq(pixel_at(&f, 0, y), rows[y / 16]);
}
END_TEST

START_TEST(more_writes_than_the_log_holds)
{
    stripes();
    for (unsigned i = 0; i < 3 * VGA_RASTER_ROOM; i++) {
        set_color(b, 5, i & 1 ? 0x3F : 0);
        fake_advance(b, 1000);
    }
    draw(b);
    to_line(200);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(f.height, 400);
}
END_TEST

/* Palette registers can only be loaded while the screen does not use them. */
START_TEST(loading_the_palette_does_not_blank_the_screen)
{
    stripes();
    to_line(100);
    fake_in8(b, 0x3DA);
    fake_out8(b, 0x3C0, 0x01);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(blue(&f, 20), 10);
    fake_advance(b, SECOND / 10);
    f = draw(b);
    ck_assert_uint_eq(blue(&f, 20), 0);
}
END_TEST

/* ---- border ---------------------------------------------------------------------------------- */

static void with_border(const struct vga_mode *mode)
{
    fake_free(b);
    b = fake_new(1 << 20);
    struct device *d = fake_plug(b, &vga_class, "border", "1", NULL);
    v = vga_of(d);
    set_mode(b, mode);
    set_attr(b, 0x11, 4);
    fake_advance(b, SECOND / 10);
}

/* VESA's Monitor Timing Standard 1.0 (DMT) has 8 pixels and 8 lines on each side of 640x480. */
START_TEST(the_border_is_as_wide_as_the_registers_say)
{
    with_border(&mode_3);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(f.width, 9 + 720 + 9);
    ck_assert_uint_eq(f.height, 7 + 400 + 7);              /* blank: lines 407 to 441 of 449 */
    ck_assert_uint_eq(f.row_count, f.height);
    ck_assert_uint_eq(pixel_at(&f, 0, 0), 0xAA0000);
    ck_assert_uint_eq(pixel_at(&f, 8, 7), 0xAA0000);
    ck_assert_uint_eq(pixel_at(&f, 9, 6), 0xAA0000);
    ck_assert_uint_eq(pixel_at(&f, 9, 7), 0);
    ck_assert_uint_eq(pixel_at(&f, 728, 406), 0);
    ck_assert_uint_eq(pixel_at(&f, 728, 407), 0xAA0000);
    ck_assert_uint_eq(pixel_at(&f, 729, 406), 0xAA0000);
    ck_assert_uint_eq(pixel_at(&f, 737, 413), 0xAA0000);
    with_border(&mode_12);
    f = draw(b);
    ck_assert_uint_eq(f.width, 8 + 640 + 8);
    ck_assert_uint_eq(f.height, 8 + 480 + 8);              /* 488 to 516 of 525 */
    ck_assert_uint_eq(pixel_at(&f, 8, 7), 0xAA0000);
    ck_assert_uint_eq(pixel_at(&f, 8, 8), 0);
    ck_assert_uint_eq(pixel_at(&f, 8, 488), 0xAA0000);
    set_svga(b, 800, 600, 16, 0);
    f = draw(b);
    ck_assert_uint_eq(f.width, 800);
    ck_assert_uint_eq(f.height, 600);
}
END_TEST

START_TEST(the_border_changes_from_line_to_line)
{
    with_border(&mode_12);
    for (unsigned i = 0; i < 2; i++) {
        to_line(0);
        set_attr(b, 0x11, 1);
        to_line(240);
        set_attr(b, 0x11, 2);
    }
    struct screen_frame f = draw(b);
    unsigned top = v->shown.top;
    ck_assert_uint_eq(pixel_at(&f, 0, top + 240), 0x0000AA);
    ck_assert_uint_eq(pixel_at(&f, 0, top + 241), 0x00AA00);
    ck_assert_uint_eq(pixel_at(&f, f.width - 1, f.height - 1), 0x00AA00);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("vga_raster");
    TCase *t = tcase_create("vga_raster");
    tcase_set_timeout(t, 60);
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, the_start_address_is_taken_at_the_retrace);
    tcase_add_test(t, half_a_start_address_may_be_taken);
    tcase_add_test(t, colours_change_from_line_to_line);
    tcase_add_test(t, when_it_stops_the_screen_is_at_rest_again);
    tcase_add_test(t, changes_in_the_blanking_are_whole_pictures);
    tcase_add_test(t, panning_from_a_line_on);
    tcase_add_test(t, text_changes_within_a_character);
    tcase_add_test(t, a_piece_of_another_width_still_takes_its_lines);
    tcase_add_test(t, more_writes_than_the_log_holds);
    tcase_add_test(t, loading_the_palette_does_not_blank_the_screen);
    tcase_add_test(t, the_border_is_as_wide_as_the_registers_say);
    tcase_add_test(t, the_border_changes_from_line_to_line);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
