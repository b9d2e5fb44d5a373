/* SPDX-License-Identifier: MIT
 * The video card's memory as the CPU sees it: the window's write and read modes, its addresses.
 * Expectations are from the book named in iodev/vga/vga.h.
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
    set_mode(b, &mode_12);
}

static void teardown(void) { fake_free(b); }

/* ---- write modes ----------------------------------------------------------------------------- */

START_TEST(write_mode_0_plain_and_map_mask)
{
    poke8(b, 0xA0005, 0x5A);
    ck_assert_uint_eq(planes_of(v, 5), 0x5A5A5A5A);
    set_seq(b, 2, 0x05);
    poke8(b, 0xA0005, 0xFF);
    ck_assert_uint_eq(planes_of(v, 5), 0x5AFF5AFF);
    poke8(b, 0xAFFFF, 0x11);
    ck_assert_uint_eq(planes_of(v, 0xFFFF), 0x00110011);
}
END_TEST

START_TEST(write_mode_0_set_reset)
{
    set_gfx(b, 0, 0x06);                   /* set planes 1, 2 */
    set_gfx(b, 1, 0x0E);                   /* planes 1-3 take set/reset, plane 0 the CPU's data */
    poke8(b, 0xA0000, 0x3C);
    ck_assert_uint_eq(planes_of(v, 0), 0x00FFFF3C);
}
END_TEST

START_TEST(write_mode_0_bit_mask_uses_the_latches)
{
    set_planes(v, 7, 0x11223344);
    set_planes(v, 8, 0x55555555);
    peek8(b, 0xA0007);
    set_gfx(b, 8, 0xF0);
    poke8(b, 0xA0008, 0xAA);               /* low nibbles: the latches, not address 8 */
    ck_assert_uint_eq(planes_of(v, 8), 0xA1A2A3A4);
}
END_TEST

START_TEST(write_mode_0_rotates_and_combines)
{
    static const struct { unsigned function; uint32_t result; } logic[] = {
        { 0x00, 0x81818181 },
        { 0x08, 0x81818181u & 0x0F33F0C3u },
        { 0x10, 0x81818181u | 0x0F33F0C3u },
        { 0x18, 0x81818181u ^ 0x0F33F0C3u },
    };
    for (unsigned i = 0; i < COUNT_OF(logic); i++) {
        set_planes(v, 0, 0x0F33F0C3);
        peek8(b, 0xA0000);
        set_gfx(b, 3, logic[i].function | 3);
        poke8(b, 0xA0001, 0x0C);           /* rotated right by 3: 81h */
        ck_assert_uint_eq(planes_of(v, 1), logic[i].result);
    }
}
END_TEST

START_TEST(write_mode_1_copies_latches)
{
    set_planes(v, 100, 0xDEADBEEF);
    set_gfx(b, 5, 1);
    set_gfx(b, 8, 0x00);                   /* neither bit mask nor data matter */
    set_seq(b, 2, 0x0B);
    peek8(b, 0xA0000 + 100);
    poke8(b, 0xA0000 + 200, 0x55);
    ck_assert_uint_eq(planes_of(v, 200), 0xDE00BEEF);
}
END_TEST

START_TEST(write_mode_2_takes_a_colour)
{
    set_planes(v, 0, 0x12345678);
    peek8(b, 0xA0000);
    set_gfx(b, 5, 2);
    set_gfx(b, 8, 0x0F);
    set_gfx(b, 3, 3);                      /* rotation does not touch the colour */
    poke8(b, 0xA0000, 0xF9);
    ck_assert_uint_eq(planes_of(v, 0), 0x1F30507F);
}
END_TEST

START_TEST(write_mode_3_makes_a_mask_of_the_data)
{
    set_planes(v, 0, 0x00FF00FF);
    peek8(b, 0xA0000);
    set_gfx(b, 5, 3);
    set_gfx(b, 0, 0x0C);                   /* colour 12 whatever enable set/reset says */
    set_gfx(b, 1, 0x00);
    set_gfx(b, 3, 4);
    set_gfx(b, 8, 0x3F);
    poke8(b, 0xA0000, 0x5A);               /* rotated A5h, masked 25h */
    ck_assert_uint_eq(planes_of(v, 0), 0x25FF00DA);
}
END_TEST

/* ---- read modes ------------------------------------------------------------------------------ */

START_TEST(read_mode_0_picks_a_plane)
{
    set_planes(v, 3, 0x44332211);
    for (unsigned p = 0; p < 4; p++) {
        set_gfx(b, 4, p);
        ck_assert_uint_eq(peek8(b, 0xA0003), 0x11 * (p + 1));
    }
    ck_assert_uint_eq(v->latch, 0x44332211);
    fake_out8(b, 0x3D4, 0x22);
    ck_assert_uint_eq(fake_in8(b, 0x3D5), 0x44);
}
END_TEST

START_TEST(read_mode_1_compares_colours)
{
    set_planes(v, 0, 0xF0FF3355);          /* pixels, left to right: C D E F 4 5 6 7, by planes */
    set_gfx(b, 5, 0x08);
    unsigned expected[16];
    for (unsigned color = 0; color < 16; color++) {
        expected[color] = 0;
        for (unsigned bit = 0; bit < 8; bit++) {
            unsigned c = 0;
            for (unsigned p = 0; p < 4; p++) c |= (0xF0FF3355u >> (8 * p + bit) & 1) << p;
            if (c == color) expected[color] |= 1u << bit;
        }
        set_gfx(b, 2, color);
        set_gfx(b, 7, 0x0F);
        ck_assert_uint_eq(peek8(b, 0xA0000), expected[color]);
    }
    set_gfx(b, 2, 0x08);
    set_gfx(b, 7, 0x08);                   /* only plane 3 counts */
    ck_assert_uint_eq(peek8(b, 0xA0000), 0xF0);
    set_gfx(b, 7, 0x00);                   /* none: all match */
    ck_assert_uint_eq(peek8(b, 0xA0000), 0xFF);
}
END_TEST

/* ---- addresses ------------------------------------------------------------------------------- */

START_TEST(text_window_is_odd_even)
{
    set_mode(b, &mode_3);
    memory_write(b->memory, 0xB8000, 0x1F42, WORD);
    memory_write(b->memory, 0xB8002, 0x2E432D44, DWORD);
    ck_assert_uint_eq(planes_of(v, 0), 0x00001F42);
    ck_assert_uint_eq(planes_of(v, 1), 0);
    ck_assert_uint_eq(planes_of(v, 2), 0x00002D44);
    ck_assert_uint_eq(planes_of(v, 4), 0x00002E43);
    ck_assert_uint_eq(memory_read(b->memory, 0xB8002, DWORD), 0x2E432D44);
    poke8(b, 0xB0000, 0x77);               /* not decoded */
    ck_assert_uint_eq(peek8(b, 0xB0000), 0xFF);
    ck_assert_uint_eq(peek8(b, 0xA0000), 0xFF);
}
END_TEST

START_TEST(window_sizes)
{
    static const struct { unsigned select; uint64_t first, end; } window[] = {
        { 0, 0xA0000, 0xC0000 }, { 1, 0xA0000, 0xB0000 }, { 2, 0xB0000, 0xB8000 },
        { 3, 0xB8000, 0xC0000 },
    };
    for (unsigned i = 0; i < COUNT_OF(window); i++) {
        set_gfx(b, 6, window[i].select << 2 | 1);
        for (uint64_t a = 0xA0000; a < 0xC0000; a += 0x7FFF) {
            bool inside = a >= window[i].first && a < window[i].end;
            poke8(b, a, 0x5C);
            ck_assert_uint_eq(peek8(b, a), inside ? 0x5C : 0xFF);
            if (inside) ck_assert_uint_eq(planes_of(v, (a - window[i].first) & 0xFFFF), 0x5C5C5C5C);
        }
    }
    fake_out8(b, 0x3C2, 0xE1);             /* RAM off */
    ck_assert_uint_eq(peek8(b, 0xB8000), 0xFF);
}
END_TEST

START_TEST(fonts_are_written_to_plane_2)
{
    set_mode(b, &mode_3);
    set_seq(b, 2, 4);
    set_seq(b, 4, 6);
    set_gfx(b, 4, 2);
    set_gfx(b, 5, 0);
    set_gfx(b, 6, 4);
    poke8(b, 0xA0000 + 0x41 * 32 + 1, 0x99);
    ck_assert_uint_eq(planes_of(v, 0x41 * 32 + 1), 0x00990000);
    ck_assert_uint_eq(peek8(b, 0xA0000 + 0x41 * 32 + 1), 0x99);
}
END_TEST

START_TEST(chain_4_is_linear)
{
    set_mode(b, &mode_13);
    memory_write(b->memory, 0xA0003, 0x04030201, DWORD);
    ck_assert_uint_eq(planes_of(v, 0), 0x01000000);
    ck_assert_uint_eq(planes_of(v, 1), 0x00040302);
    ck_assert_uint_eq(memory_read(b->memory, 0xA0003, DWORD), 0x04030201);
    set_seq(b, 2, 0x0E);                   /* the map mask still masks */
    poke8(b, 0xA0004, 0x99);
    ck_assert_uint_eq(planes_of(v, 1), 0x00040302);
}
END_TEST

START_TEST(mode_x_has_four_pages_of_planes)
{
    set_mode(b, &mode_13);
    set_seq(b, 4, 0x06);
    for (unsigned p = 0; p < 4; p++) {
        set_seq(b, 2, 1u << p);
        poke8(b, 0xA0000 + 16000, p + 1);
    }
    ck_assert_uint_eq(planes_of(v, 16000), 0x04030201);
}
END_TEST

/* ---- the aperture: the window as plain RAM --------------------------------------------------- */
START_TEST(mode_13h_and_linear_banks_are_plain_memory)
{
    ck_assert_ptr_null(memory_page(b->memory, 0xA0000).read);
    set_mode(b, &mode_13);
    ck_assert_ptr_eq(memory_page(b->memory, 0xA1000).read, v->vram + 0x1000);
    ck_assert_ptr_null(memory_page(b->memory, 0xB0000).read);
    set_gfx(b, 8, 0x0F);                                   /* a bit mask: no straight view */
    ck_assert_ptr_null(memory_page(b->memory, 0xA1000).read);
    set_gfx(b, 8, 0xFF);
    ck_assert_ptr_nonnull(memory_page(b->memory, 0xA1000).read);
    set_svga(b, 640, 480, 8, 0);
    set_dispi(b, DISPI_BANK, 3);
    ck_assert_ptr_eq(memory_page(b->memory, 0xA1000).read, v->vram + 0x31000);
    set_dispi(b, DISPI_BANK, 0x4001);                      /* only the read bank: two views */
    ck_assert_ptr_null(memory_page(b->memory, 0xA1000).read);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("vga_memory");
    TCase *t = tcase_create("vga_memory");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, write_mode_0_plain_and_map_mask);
    tcase_add_test(t, write_mode_0_set_reset);
    tcase_add_test(t, write_mode_0_bit_mask_uses_the_latches);
    tcase_add_test(t, write_mode_0_rotates_and_combines);
    tcase_add_test(t, write_mode_1_copies_latches);
    tcase_add_test(t, write_mode_2_takes_a_colour);
    tcase_add_test(t, write_mode_3_makes_a_mask_of_the_data);
    tcase_add_test(t, read_mode_0_picks_a_plane);
    tcase_add_test(t, read_mode_1_compares_colours);
    tcase_add_test(t, text_window_is_odd_even);
    tcase_add_test(t, window_sizes);
    tcase_add_test(t, fonts_are_written_to_plane_2);
    tcase_add_test(t, chain_4_is_linear);
    tcase_add_test(t, mode_x_has_four_pages_of_planes);
    tcase_add_test(t, mode_13h_and_linear_banks_are_plain_memory);
    suite_add_tcase(s, t);
    return s;
}

int main(void)
{
    SRunner *runner = srunner_create(suite());
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
