/* SPDX-License-Identifier: MIT
 * The video card in register settings that no mode of the BIOS has, but that its chip can do.
 */
#include "tests/unit/iodev/vga_bench.h"

#include <check.h>
#include <stdlib.h>

enum { FRAMES_8 = 8 * (SECOND / 70), COLUMNS = 80 };

static struct board *b;
static struct vga *v;

static void setup(void)
{
    v = plug_vga(&b);
    ck_assert_ptr_nonnull(v);
}

static void teardown(void) { fake_free(b); }

static void planar_byte(unsigned plane, unsigned at, unsigned bits)
{
    set_seq(b, 2, 1u << plane);
    poke8(b, 0xA0000 + at, bits);
}

static bool is_color(unsigned x, unsigned y, unsigned index)
{
    struct screen_frame f = draw(b);
    return pixel_at(&f, x, y) == vga_dac_color(v, (uint8_t)index);
}

/* After scan line `line`. */
static void set_line_compare(unsigned line)
{
    set_crtc(b, 0x18, line & 0xFF);
    set_crtc(b, 0x07, (v->crtc[7] & 0xEFu) | (line >> 8 & 1) << 4);
    set_crtc(b, 0x09, (v->crtc[9] & 0xBFu) | (line >> 9 & 1) << 6);
}

/* ---- split screen and panning ---------------------------------------------------------------- */

/* Attribute register 10h, bit 5: with it pel panning and byte panning are 0 below the line compare,
 * without it both go on. */
START_TEST(panning_below_the_split)
{
    set_mode(b, &mode_12);
    set_crtc(b, 0x11, 0);
    set_line_compare(99);
    planar_byte(0, 1, 0x08);               /* pixel 12 of line 0 */
    set_crtc(b, 0x08, 0x20);               /* byte panning 1 */
    set_attr(b, 0x13, 3);
    ck_assert(is_color(1, 0, 1) && is_color(1, 100, 1));
    set_attr(b, 0x10, 0x21);
    ck_assert(is_color(1, 0, 1) && is_color(1, 100, 0) && is_color(12, 100, 1));
}
END_TEST

/* CRTC register 17h, bit 2: the vertical counter, and what is compared with it, counts every second
 * line. */
START_TEST(line_compare_counts_as_the_vertical_counter)
{
    set_mode(b, &mode_12);
    set_crtc(b, 0x11, 0);
    set_crtc(b, 0x17, 0xE7);
    set_line_compare(99);
    set_crtc(b, 0x0C, 0x40);
    planar_byte(0, 0, 0x80);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(f.height, 960);
    ck_assert(is_color(0, 0, 0) && is_color(0, 199, 0) && is_color(0, 200, 1) &&
              is_color(0, 201, 0));
}
END_TEST

/* ---- blanking -------------------------------------------------------------------------------- */

static unsigned lit(unsigned x, unsigned y) { return is_color(x, y, 5); }

/* CRTC registers 02h, 03h, 15h, 16h: what the blanking covers of the picture is not seen. */
START_TEST(blanking_within_the_picture)
{
    set_mode(b, &mode_12);
    set_crtc(b, 0x11, 0);
    set_seq(b, 2, 5);
    for (unsigned at = 0; at < COLUMNS * 480; at++) poke8(b, 0xA0000 + at, 0xFF);
    ck_assert(lit(0, 0) && lit(639, 479));
    set_crtc(b, 0x07, 0x36), set_crtc(b, 0x15, 99), set_crtc(b, 0x16, 150);    /* 100 to 150 */
    ck_assert(lit(0, 0) && lit(639, 99) && !lit(0, 100) && !lit(639, 150) && lit(0, 151));
    poke8(b, 0xA0000 + COLUMNS * 100, 0x55);   /* and it stays dark when only this is drawn */
    ck_assert(!lit(1, 100));
    set_crtc(b, 0x16, 50);                     /* to line 306: 8 bits are compared */
    ck_assert(!lit(0, 306) && lit(0, 307) && lit(639, 479));
    set_crtc(b, 0x07, 0x3E), set_crtc(b, 0x15, 0xDF), set_crtc(b, 0x16, 0x0C);
    ck_assert(lit(0, 0) && lit(639, 479));     /* X leaves no border at all */
    set_mode(b, &mode_12);
    set_crtc(b, 0x11, 0);
    set_seq(b, 2, 5);
    set_crtc(b, 0x02, 31), set_crtc(b, 0x03, 0x89), set_crtc(b, 0x05, 0x80);   /* 10 characters */
    ck_assert(lit(0, 0) && lit(32 * 8 - 1, 7) && !lit(32 * 8, 0) && !lit(42 * 8 - 1, 479));
    ck_assert(lit(42 * 8, 0) && lit(639, 479));
    set_crtc(b, 0x02, 60), set_crtc(b, 0x03, 0x83), set_crtc(b, 0x05, 0x00);   /* to 67: 64 + 3 */
    ck_assert(lit(61 * 8 - 1, 0) && !lit(61 * 8, 0) && !lit(68 * 8 - 1, 0) && lit(68 * 8, 0));
    set_crtc(b, 0x03, 0x87), set_crtc(b, 0x05, 0x80);          /* 39 + 64: not in this line */
    ck_assert(!lit(639, 479) && !lit(0, 0) && !lit(40 * 8 - 1, 0) && lit(40 * 8, 0));
    set_crtc(b, 0x02, 0x64);                   /* beyond the end of the line: never */
    ck_assert(lit(0, 0) && lit(639, 479));
}
END_TEST

START_TEST(text_is_blanked_within_the_picture)
{
    set_mode(b, &mode_3);
    set_crtc(b, 0x11, 0);
    set_crtc(b, 0x0A, 0x20);
    for (unsigned i = 0; i < COLUMNS * 25; i++)
        memory_write(b->memory, 0xB8000 + 2 * i, 0x5720, WORD);
    set_crtc(b, 0x15, 0x5F);                                   /* from line 352: 22 rows are seen */
    ck_assert(lit(0, 351) && !lit(0, 352) && !lit(719, 399));
    memory_write(b->memory, 0xB8000 + 2 * COLUMNS * 24, 0x5741, WORD);
    ck_assert(!lit(0, 399) && lit(719, 351));
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(f.text.rows, 25);
}
END_TEST

/* ---- addresses ------------------------------------------------------------------------------- */

/* CRTC register 17h, bit 3, and 14h, bit 5: the memory address counts every second or fourth
 * character clock. */
START_TEST(count_by_two_and_four)
{
    set_mode(b, &mode_12);
    planar_byte(0, 1, 0x80);
    planar_byte(0, COLUMNS, 0x40);         /* the next line begins where it did */
    ck_assert(is_color(8, 0, 1) && is_color(16, 0, 0));
    set_crtc(b, 0x17, 0xEB);
    ck_assert(is_color(8, 0, 0) && is_color(16, 0, 1) && is_color(24, 0, 1) && is_color(32, 0, 0));
    ck_assert(is_color(1, 1, 1));
    set_crtc(b, 0x17, 0xE3);
    set_crtc(b, 0x14, 0x20);
    ck_assert(is_color(24, 0, 0) && is_color(32, 0, 1) && is_color(56, 0, 1) && is_color(64, 0, 0));
}
END_TEST

/* ---- text ------------------------------------------------------------------------------------ */

/* CRTC register 0Bh, bits 5 and 6: the cursor comes some characters later. */
START_TEST(cursor_skew)
{
    set_mode(b, &mode_3);
    for (unsigned i = 0; i < COLUMNS * 25; i++)
        memory_write(b->memory, 0xB8000 + 2 * i, 0x0720, WORD);
    set_crtc(b, 0x0E, 0);
    set_crtc(b, 0x0F, 5);
    ck_assert(is_color(5 * 9, 14, 7) && is_color(7 * 9, 14, 0));
    set_crtc(b, 0x0B, 0x0E | 2 << 5);
    ck_assert(is_color(5 * 9, 14, 0) && is_color(7 * 9, 14, 7));
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(f.text.cursor_column, 7);
}
END_TEST

/* 160x100 in 16 colours, a CGA's trick that a VGA can do, too: cells of two rows,
 * DEh is a left and a right half. */
START_TEST(text_of_two_rows)
{
    set_mode(b, &mode_3);
    set_seq(b, 1, 1);                      /* 8 dots */
    set_crtc(b, 0x11, 0);
    set_crtc(b, 0x09, 0xC1);               /* each row twice */
    set_crtc(b, 0x0A, 0x20);
    set_seq(b, 2, 4), set_seq(b, 4, 6), set_gfx(b, 6, 4);
    poke8(b, 0xA0000 + 0xDE * 32, 0x0F), poke8(b, 0xA0000 + 0xDE * 32 + 1, 0x0F);
    set_seq(b, 2, 3), set_seq(b, 4, 2), set_gfx(b, 6, 0x0E);
    set_attr(b, 0x10, 0x00);               /* bright backgrounds */
    memory_write(b->memory, 0xB8000 + 2 * (COLUMNS * 99 + 79), 0x9CDE, WORD);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(f.width, 640);
    ck_assert_uint_eq(f.text.rows, 100);
    for (unsigned y = 396; y < 400; y++) {
        ck_assert_uint_eq(pixel_at(&f, 632, y), vga_dac_color(v, 0x39));
        ck_assert_uint_eq(pixel_at(&f, 635, y), vga_dac_color(v, 0x39));
        ck_assert_uint_eq(pixel_at(&f, 636, y), vga_dac_color(v, 0x3C));
    }
}
END_TEST

/* ---- colours --------------------------------------------------------------------------------- */

/* Attribute register 10h, bit 7: all upper four bits are from the colour select register. */
START_TEST(colour_select_gives_four_bits)
{
    set_mode(b, &mode_12);
    planar_byte(0, 0, 0x80);
    set_attr(b, 1, 0x21);
    set_color(b, 0xB1, 0x3F0000), set_color(b, 0xA1, 0x003F00);
    set_attr(b, 0x14, 0x0B);
    ck_assert(is_color(0, 0, 0xA1));
    set_attr(b, 0x10, 0x81);
    ck_assert(is_color(0, 0, 0xB1));
}
END_TEST

/* Mode 0Fh: plane 0 is video, plane 2 blinks, both are bright. The palette has a colour for each
 * half of the blinking: bit 3 of the index changes. */
START_TEST(monochrome_graphics_blink)
{
    static const uint8_t palette[16] = { 0, 8, 0, 0, 0x18, 0x18, 0, 0, 0, 8, 0, 0, 0, 0x18, 0, 0 };
    set_mode(b, &mode_12);
    for (unsigned i = 0; i < 16; i++) set_attr(b, i, palette[i]);
    set_color(b, 8, 0x202020), set_color(b, 0x18, 0x3F3F3F);
    set_attr(b, 0x10, 0x0B), set_attr(b, 0x12, 5);
    planar_byte(0, 0, 0xA0), planar_byte(2, 0, 0x60);
    ck_assert(is_color(0, 0, 8) && is_color(1, 0, 0x18) && is_color(2, 0, 0x18));
    fake_advance(b, 3 * FRAMES_8);
    ck_assert(is_color(0, 0, 8) && is_color(1, 0, 0) && is_color(2, 0, 0x18) && is_color(3, 0, 0));
    set_attr(b, 0x10, 0x01);
    fake_advance(b, FRAMES_8);
    ck_assert(is_color(1, 0, 0x18));
}
END_TEST

/* A byte of 256 colours comes as two halves. Attribute register 10h, bit 6, waits for both; without
 * it the pixel between two is half of each. */
START_TEST(bytes_without_the_8_bit_latch)
{
    set_mode(b, &mode_13);
    for (unsigned i = 0; i < 256; i++) set_color(b, i, i >> 4 << 16 | (i & 15));
    poke8(b, 0xA0000, 0x12), poke8(b, 0xA0001, 0x34), poke8(b, 0xA0002, 0x56);
    ck_assert(is_color(0, 0, 0x12) && is_color(1, 0, 0x12) && is_color(2, 0, 0x34));
    set_attr(b, 0x10, 0x01);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(f.width, 640);
    ck_assert(is_color(0, 0, 0x12) && is_color(1, 0, 0x23) && is_color(2, 0, 0x34));
    ck_assert(is_color(3, 0, 0x45) && is_color(4, 0, 0x56));
}
END_TEST

/* The other way round: 16 colours whose pixels last two dots. */
START_TEST(planes_with_the_8_bit_latch)
{
    set_mode(b, &mode_12);
    planar_byte(0, 0, 0x60), planar_byte(1, 0, 0x20);
    ck_assert(is_color(0, 0, 0) && is_color(1, 0, 1) && is_color(2, 0, 3) && is_color(3, 0, 0));
    set_attr(b, 0x10, 0x41);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(f.width, 640);
    ck_assert(is_color(0, 0, 0) && is_color(1, 0, 0) && is_color(2, 0, 3) && is_color(3, 0, 3));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("vga_rare");
    TCase *t = tcase_create("vga_rare");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, panning_below_the_split);
    tcase_add_test(t, line_compare_counts_as_the_vertical_counter);
    tcase_add_test(t, blanking_within_the_picture);
    tcase_add_test(t, text_is_blanked_within_the_picture);
    tcase_add_test(t, count_by_two_and_four);
    tcase_add_test(t, cursor_skew);
    tcase_add_test(t, text_of_two_rows);
    tcase_add_test(t, colour_select_gives_four_bits);
    tcase_add_test(t, monochrome_graphics_blink);
    tcase_add_test(t, bytes_without_the_8_bit_latch);
    tcase_add_test(t, planes_with_the_8_bit_latch);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
