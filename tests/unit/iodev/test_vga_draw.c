/* SPDX-License-Identifier: MIT
 * The video card as a monitor sees it: text, graphics modes, split screen, panning, SVGA modes, and
 * that only what changed is drawn.
 */
#include "tests/unit/iodev/vga_bench.h"

#include <check.h>
#include <stdlib.h>

enum { BLACK = 0x000000, BLUE = 0x0000AA, GREY = 0xAAAAAA, WHITE = 0xFFFFFF };

static struct board *b;
static struct vga *v;

static void setup(void)
{
    v = plug_vga(&b);
    ck_assert_ptr_nonnull(v);
}

static void teardown(void) { fake_free(b); }

/* Row `row` of a character's shape, in the font at byte `base` of plane 2. */
static void set_shape(unsigned base, unsigned code, unsigned row, unsigned bits)
{
    set_seq(b, 2, 4);
    set_seq(b, 4, 6);
    set_gfx(b, 6, 4);
    poke8(b, 0xA0000 + base + code * 32 + row, bits);
    set_seq(b, 2, 3);
    set_seq(b, 4, 2);
    set_gfx(b, 6, 0x0E);
}

static void put_cell(unsigned column, unsigned row, unsigned cell)
{
    memory_write(b->memory, 0xB8000 + 2 * (row * 80 + column), cell, WORD);
}

static void text_mode(void)
{
    set_mode(b, &mode_3);
    for (unsigned i = 0; i < 80 * 25; i++) put_cell(i % 80, i / 80, 0x0720);
    set_crtc(b, 0x0E, 0x07);               /* cursor at cell 7FFh: beyond the screen */
    set_crtc(b, 0x0F, 0xFF);
}

/* The nine dots of a cell's scan line as bits: 1 = colour `fore`. */
static unsigned dots(const struct screen_frame *f, unsigned column, unsigned y, uint32_t fore)
{
    unsigned bits = 0;
    for (unsigned x = 0; x < 9; x++) bits = bits << 1 | (pixel_at(f, column * 9 + x, y) == fore);
    return bits;
}

/* ---- text ------------------------------------------------------------------------------------ */

START_TEST(no_sync_no_picture)
{
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(f.width, 0);
    ck_assert_uint_eq(f.height, 0);
    text_mode();
    f = draw(b);
    ck_assert_uint_eq(f.width, 720);
    ck_assert_uint_eq(f.height, 400);
    set_crtc(b, 0x17, 0x23);
    f = draw(b);
    ck_assert_uint_eq(f.width, 0);
}
END_TEST

START_TEST(text_shows_shape_and_colours)
{
    text_mode();
    set_shape(0, 'A', 0, 0x81);
    set_shape(0, 'A', 15, 0x3C);
    put_cell(2, 1, 0x1F41);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(dots(&f, 2, 16, WHITE), 0x102);
    ck_assert_uint_eq(dots(&f, 2, 16, BLUE), 0x0FD);
    ck_assert_uint_eq(dots(&f, 2, 31, WHITE), 0x078);
    ck_assert_uint_eq(dots(&f, 2, 20, BLUE), 0x1FF);
    ck_assert_uint_eq(pixel_at(&f, 17, 16), BLACK);
    ck_assert_uint_eq(pixel_at(&f, 27, 16), BLACK);
    ck_assert_uint_eq(f.text.columns, 80);
    ck_assert_uint_eq(f.text.rows, 25);
    ck_assert_uint_eq(f.text.cells[82], 0x1F41);
    ck_assert_uint_eq(f.text.cells[83], 0x0720);
    ck_assert(!f.text.cursor_visible);
}
END_TEST

START_TEST(line_graphics_reach_the_ninth_dot)
{
    text_mode();
    for (unsigned code = 0xBF; code <= 0xE0; code++) {
        set_shape(0, code, 0, 0xFF);
        put_cell(code - 0xBF, 0, 0x0700 | code);
    }
    struct screen_frame f = draw(b);
    for (unsigned code = 0xBF; code <= 0xE0; code++)
        ck_assert_uint_eq(dots(&f, code - 0xBF, 0, GREY),
                          code >= 0xC0 && code <= 0xDF ? 0x1FF : 0x1FE);
    set_attr(b, 0x10, 0x08);
    f = draw(b);
    ck_assert_uint_eq(dots(&f, 1, 0, GREY), 0x1FE);
    set_seq(b, 1, 1);                      /* 8 dots */
    f = draw(b);
    ck_assert_uint_eq(f.width, 640);
    ck_assert_uint_eq(pixel_at(&f, 7, 0), GREY);
}
END_TEST

START_TEST(cursor_shape_and_blinking)
{
    text_mode();
    set_crtc(b, 0x0E, 0);
    set_crtc(b, 0x0F, 81);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(f.text.cursor_column, 1);
    ck_assert_uint_eq(f.text.cursor_row, 1);
    ck_assert(f.text.cursor_visible);
    ck_assert_uint_eq(dots(&f, 1, 16 + 12, GREY), 0);
    ck_assert_uint_eq(dots(&f, 1, 16 + 13, GREY), 0x1FF);
    ck_assert_uint_eq(dots(&f, 1, 16 + 14, GREY), 0x1FF);
    ck_assert_uint_eq(dots(&f, 1, 16 + 15, GREY), 0);
    fake_advance(b, 9 * SECOND / 70);      /* frame 9: dark half of the blink */
    f = draw(b);
    ck_assert(!f.text.cursor_visible);
    ck_assert_uint_eq(f.text.cursor_column, 1);
    ck_assert_uint_eq(dots(&f, 1, 16 + 13, GREY), 0);
    fake_advance(b, 8 * SECOND / 70);
    f = draw(b);
    ck_assert_uint_eq(dots(&f, 1, 16 + 13, GREY), 0x1FF);
    set_crtc(b, 0x0A, 0x0F);               /* start below end: none */
    f = draw(b);
    ck_assert_uint_eq(dots(&f, 1, 16 + 14, GREY), 0);
    ck_assert(!f.text.cursor_visible);
    set_crtc(b, 0x0A, 0x00);
    f = draw(b);
    ck_assert_uint_eq(dots(&f, 1, 16, GREY), 0x1FF);
    set_crtc(b, 0x0A, 0x20);               /* off */
    f = draw(b);
    ck_assert_uint_eq(dots(&f, 1, 16, GREY), 0);
}
END_TEST

START_TEST(bit_7_blinks_or_lightens)
{
    text_mode();
    set_shape(0, 'X', 0, 0xFF);
    put_cell(0, 0, 0x9758);                /* blinking grey on blue */
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(dots(&f, 0, 0, GREY), 0x1FE);
    fake_advance(b, 17 * SECOND / 70);
    f = draw(b);
    ck_assert_uint_eq(dots(&f, 0, 0, BLUE), 0x1FF);
    set_attr(b, 0x10, 0x04);               /* bit 7 is a colour: light blue */
    fake_advance(b, SECOND / 70);          /* below the beam at once, above it in the next frame */
    f = draw(b);
    ck_assert_uint_eq(dots(&f, 0, 0, GREY), 0x1FE);
    ck_assert_uint_eq(pixel_at(&f, 8, 0), 0x5555FF);
}
END_TEST

START_TEST(two_fonts_by_attribute_bit_3)
{
    text_mode();
    set_shape(0x0000, 'A', 0, 0x0F);
    set_shape(0x6000, 'A', 0, 0xF0);       /* map 5 */
    set_seq(b, 3, 0x24);                   /* A (bit 3 on) = 5, B = 0 */
    put_cell(0, 0, 0x0741);
    put_cell(1, 0, 0x0F41);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(dots(&f, 0, 0, GREY), 0x01E);
    ck_assert_uint_eq(dots(&f, 1, 0, WHITE), 0x1E0);
    set_seq(b, 3, 0x00);
    f = draw(b);
    ck_assert_uint_eq(dots(&f, 1, 0, WHITE), 0x01E);
}
END_TEST

START_TEST(underline_in_monochrome)
{
    text_mode();
    set_crtc(b, 0x14, 0x0D);
    put_cell(0, 0, 0x0120);
    put_cell(1, 0, 0x0220);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(dots(&f, 0, 13, BLUE), 0x1FF);
    ck_assert_uint_eq(dots(&f, 0, 12, BLUE), 0);
    ck_assert_uint_eq(dots(&f, 1, 13, BLACK), 0x1FF);
}
END_TEST

START_TEST(start_address_scrolls_text)
{
    text_mode();
    put_cell(5, 1, 0x0758);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(f.text.cells[85], 0x0758);
    set_crtc(b, 0x0D, 80);
    f = draw(b);
    ck_assert_uint_eq(f.text.cells[5], 0x0758);
}
END_TEST

START_TEST(line_compare_splits_the_screen)
{
    text_mode();
    set_shape(0, 'T', 0, 0xFF);
    put_cell(0, 0, 0x0754);
    set_crtc(b, 0x0D, 80);                 /* upper part starts at row 1 */
    set_crtc(b, 0x18, 159);                /* after line 159: address 0 */
    set_crtc(b, 0x07, 0x0F);
    set_crtc(b, 0x09, 0x0F);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(dots(&f, 0, 0, GREY), 0);
    ck_assert_uint_eq(dots(&f, 0, 159, GREY), 0);
    ck_assert_uint_eq(dots(&f, 0, 160, GREY), 0x1FE);
    ck_assert_uint_eq(f.text.cells[10 * 80], 0x0754);
    ck_assert_uint_eq(f.text.rows, 25);
}
END_TEST

START_TEST(panning_moves_dots)
{
    text_mode();
    set_shape(0, '#', 0, 0x80);
    put_cell(0, 0, 0x0723);
    put_cell(79, 0, 0x0723);
    put_cell(0, 1, 0x0723);                /* comes in from the right by panning */
    set_attr(b, 0x13, 0x00);               /* 9 dots: one to the left */
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(pixel_at(&f, 0, 0), BLACK);
    ck_assert_uint_eq(pixel_at(&f, 79 * 9 - 1, 0), GREY);
    ck_assert_uint_eq(pixel_at(&f, 719, 0), GREY);
    set_attr(b, 0x13, 0x08);
    f = draw(b);
    ck_assert_uint_eq(pixel_at(&f, 0, 0), GREY);
    ck_assert_uint_eq(pixel_at(&f, 719, 0), BLACK);
    set_crtc(b, 0x08, 0x01);               /* preset row scan: one line up */
    set_shape(0, '#', 1, 0x40);
    f = draw(b);
    ck_assert_uint_eq(pixel_at(&f, 1, 0), GREY);
    ck_assert_uint_eq(pixel_at(&f, 0, 15), GREY);
}
END_TEST

START_TEST(forty_columns_are_as_wide)
{
    text_mode();
    set_seq(b, 1, 0x08);
    set_crtc(b, 0x11, 0);
    set_crtc(b, 0x01, 39);
    set_crtc(b, 0x13, 20);
    set_shape(0, '#', 0, 0x80);
    memory_write(b->memory, 0xB8000 + 2 * 1, 0x0723, WORD);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(f.width, 720);
    ck_assert_uint_eq(f.text.columns, 40);
    ck_assert_uint_eq(pixel_at(&f, 17, 0), BLACK);
    ck_assert_uint_eq(pixel_at(&f, 18, 0), GREY);
    ck_assert_uint_eq(pixel_at(&f, 19, 0), GREY);
    ck_assert_uint_eq(pixel_at(&f, 20, 0), BLACK);
}
END_TEST

START_TEST(only_what_changed_is_drawn)
{
    text_mode();
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(f.row_count, 400);
    f = draw(b);
    ck_assert_uint_eq(f.row_count, 0);
    put_cell(3, 10, 0x0741);
    f = draw(b);
    ck_assert_uint_eq(f.first_row, 160);
    ck_assert_uint_eq(f.row_count, 16);
    put_cell(3, 10, 0x0741);               /* the same again */
    f = draw(b);
    ck_assert_uint_eq(f.row_count, 0);
    set_shape(0, 'A', 3, 0x55);            /* a font changes cells that have not */
    f = draw(b);
    ck_assert_uint_eq(dots(&f, 3, 163, GREY), 0x0AA);
    b->screen.draw(b->screen.ctx, &f, true, false);
    ck_assert_uint_eq(f.row_count, 400);
    ck_assert_uint_eq(dots(&f, 3, 163, GREY), 0x0AA);
    set_color(b, 7, 0x3F0000);
    f = draw(b);
    ck_assert_uint_eq(dots(&f, 3, 163, 0xFF0000), 0x0AA);
}
END_TEST

START_TEST(text_only_loses_nothing_for_the_next)
{
    struct screen_frame f;
    text_mode();
    draw(b);
    set_shape(0, 'A', 0, 0xFF);
    put_cell(0, 0, 0x0741);
    b->screen.draw(b->screen.ctx, &f, false, true);
    ck_assert_uint_eq(f.text.cells[0], 0x0741);
    f = draw(b);
    ck_assert_uint_eq(dots(&f, 0, 0, GREY), 0x1FE);
    ck_assert_uint_gt(f.row_count, 0);
}
END_TEST

/* A screenshot, that is, between two looks of the window. */
START_TEST(whole_pictures_lose_nothing_for_the_next)
{
    struct screen_frame f;
    text_mode();
    draw(b);
    put_cell(3, 5, 0x0741);
    b->screen.draw(b->screen.ctx, &f, true, false);
    ck_assert_uint_eq(f.row_count, 400);
    put_cell(3, 7, 0x0741);
    f = draw(b);
    ck_assert_uint_eq(f.first_row, 5 * 16);
    ck_assert_uint_eq(f.row_count, 3 * 16);
    f = draw(b);
    ck_assert_uint_eq(f.row_count, 0);
}
END_TEST

START_TEST(blank_screen_is_black)
{
    text_mode();
    put_cell(0, 0, 0x7720);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(pixel_at(&f, 0, 0), GREY);
    set_seq(b, 1, 0x20);
    f = draw(b);
    ck_assert_uint_eq(f.row_count, 400);
    ck_assert_uint_eq(pixel_at(&f, 0, 0), BLACK);
    set_seq(b, 1, 0x00);
    f = draw(b);
    ck_assert_uint_eq(pixel_at(&f, 0, 0), GREY);
    fake_in8(b, 0x3DA);
    fake_out8(b, 0x3C0, 0x00);             /* the CPU has the palette */
    f = draw(b);
    ck_assert_uint_eq(pixel_at(&f, 0, 0), BLACK);
}
END_TEST

START_TEST(drawing_changes_nothing_for_the_guest)
{
    text_mode();
    put_cell(1, 1, 0x4F4F);
    uint64_t before = device_hash(&v->dev, 1);
    draw(b);
    ck_assert_uint_eq(device_hash(&v->dev, 1), before);
    put_cell(1, 1, 0x4F4E);
    ck_assert_uint_ne(device_hash(&v->dev, 1), before);
}
END_TEST

/* ---- graphics -------------------------------------------------------------------------------- */

START_TEST(planar_16_colours)
{
    set_mode(b, &mode_12);
    for (unsigned p = 0; p < 4; p++) {
        set_seq(b, 2, 1u << p);
        poke8(b, 0xA0000 + 80 * 10 + 1, 0xA1 >> p);
    }
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(f.width, 640);
    ck_assert_uint_eq(f.height, 480);
    ck_assert_uint_eq(f.text.columns, 0);
    for (unsigned x = 0; x < 8; x++) {
        unsigned c = 0;
        for (unsigned p = 0; p < 4; p++) c |= (0xA1u >> p >> (7 - x) & 1) << p;
        ck_assert_uint_eq(pixel_at(&f, 8 + x, 10), vga_dac_color(v, (uint8_t)c));
    }
    set_attr(b, 0x12, 0x01);               /* only plane 0 reaches the palette */
    f = draw(b);
    ck_assert_uint_eq(pixel_at(&f, 8, 10), vga_dac_color(v, 1));
    set_attr(b, 0x12, 0x0F);
    set_attr(b, 0x14, 0x0C);               /* colour select: upper two bits */
    set_color(b, 0xC1, 0x3F3F3F);
    f = draw(b);
    ck_assert_uint_eq(pixel_at(&f, 8, 10), WHITE);
}
END_TEST

START_TEST(mode_13_doubles_pixels_and_lines)
{
    set_mode(b, &mode_13);
    set_color(b, 200, 0x3F0000);
    poke8(b, 0xA0000 + 320 * 199 + 319, 200);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(f.width, 640);
    ck_assert_uint_eq(f.height, 400);
    ck_assert_uint_eq(pixel_at(&f, 637, 399), BLACK);
    for (unsigned x = 638; x < 640; x++)
        for (unsigned y = 398; y < 400; y++) ck_assert_uint_eq(pixel_at(&f, x, y), 0xFF0000);
    ck_assert_uint_eq(pixel_at(&f, 638, 397), BLACK);
    set_attr(b, 0x13, 2);                  /* one pixel is two dots */
    poke8(b, 0xA0001, 200);
    f = draw(b);
    ck_assert_uint_eq(pixel_at(&f, 0, 0), 0xFF0000);
    ck_assert_uint_eq(pixel_at(&f, 2, 0), BLACK);
}
END_TEST

START_TEST(mode_x_shows_its_planes)
{
    set_mode(b, &mode_13);
    set_seq(b, 4, 6);
    set_crtc(b, 0x14, 0x00);
    set_crtc(b, 0x17, 0xE3);
    set_color(b, 9, 0x003F00);
    set_seq(b, 2, 4);
    poke8(b, 0xA0000 + 80 * 3 + 1, 9);     /* pixel 4 * 1 + 2 */
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(pixel_at(&f, 12, 6), 0x00FF00);
    ck_assert_uint_eq(pixel_at(&f, 14, 6), BLACK);
    set_crtc(b, 0x0C, 16000 >> 8);         /* page flip */
    set_crtc(b, 0x0D, 16000 & 0xFF);
    f = draw(b);
    ck_assert_uint_eq(f.row_count, 400);
    ck_assert_uint_eq(pixel_at(&f, 12, 6), BLACK);
}
END_TEST

START_TEST(cga_4_colours_interleave_rows)
{
    set_mode(b, &mode_4);
    poke8(b, 0xB8000 + 1, 0x1B);           /* row 0: pixels 4-7 = 0 1 2 3 */
    poke8(b, 0xB8000 + 0x2000, 0xC0);      /* row 1: pixel 0 = 3 */
    poke8(b, 0xB8000 + 80, 0x80);          /* row 2: pixel 0 = 2 */
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(f.width, 640);
    ck_assert_uint_eq(f.height, 400);
    static const unsigned entry[4] = { 0, 0x13, 0x15, 0x17 };
    for (unsigned i = 0; i < 4; i++) {
        ck_assert_uint_eq(pixel_at(&f, 2 * (4 + i), 0), vga_dac_color(v, (uint8_t)entry[i]));
        ck_assert_uint_eq(pixel_at(&f, 2 * (4 + i) + 1, 1), vga_dac_color(v, (uint8_t)entry[i]));
    }
    ck_assert_uint_eq(pixel_at(&f, 0, 2), vga_dac_color(v, 0x17));
    ck_assert_uint_eq(pixel_at(&f, 0, 4), vga_dac_color(v, 0x15));
}
END_TEST

START_TEST(graphics_redraw_only_dirty_rows)
{
    set_mode(b, &mode_12);
    draw(b);
    poke8(b, 0xA0000 + 80 * 300, 1);
    struct screen_frame f = draw(b);
    ck_assert_uint_le(f.first_row, 300);
    ck_assert_uint_gt(f.first_row + f.row_count, 300);
    ck_assert_uint_lt(f.row_count, 30);
    f = draw(b);
    ck_assert_uint_eq(f.row_count, 0);
}
END_TEST

/* ---- SVGA ------------------------------------------------------------------------------------ */

static void map_framebuffer(void)
{
    fake_pci_write(b, 2, 0, 0x10, 0xE0000000, DWORD);
    fake_pci_write(b, 2, 0, 0x04, 2, WORD);
}

START_TEST(svga_pixel_formats)
{
    static const struct { unsigned bpp; uint32_t value, expected; } format[] = {
        { 8, 0x2A, 0xFF0055 },      { 15, 0x7C1F, 0xFF00FF },     { 15, 0x0210, 0x008484 },
        { 16, 0xF81F, 0xFF00FF },   { 16, 0x07E0, 0x00FF00 },     { 24, 0x123456, 0x123456 },
        { 32, 0xFF123456, 0x123456 },
    };
    map_framebuffer();
    for (unsigned i = 0; i < COUNT_OF(format); i++) {
        unsigned bytes = (format[i].bpp + 7) / 8;
        set_svga(b, 640, 480, format[i].bpp, DISPI_LFB);
        set_color(b, 0x2A, 0x3F0015);
        fake_out8(b, 0x3C6, 0xFF);
        for (unsigned n = 0; n < bytes; n++)
            poke8(b, 0xE0000000 + (640 * 9 + 7) * bytes + n, format[i].value >> 8 * n & 0xFF);
        struct screen_frame f = draw(b);
        ck_assert_uint_eq(f.width, 640);
        ck_assert_uint_eq(f.height, 480);
        ck_assert_uint_eq(pixel_at(&f, 7, 9), format[i].expected);
        ck_assert_uint_eq(pixel_at(&f, 8, 9), BLACK);
    }
}
END_TEST

START_TEST(framebuffer_writes_are_noticed)
{
    map_framebuffer();
    set_svga(b, 1024, 768, 32, DISPI_LFB);
    draw(b);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(f.row_count, 0);
    memory_write(b->memory, 0xE0000000 + 4096 * 500 + 4, 0x00ABCDEF, DWORD);
    f = draw(b);
    ck_assert_uint_eq(f.first_row, 500);
    ck_assert_uint_eq(f.row_count, 1);
    ck_assert_uint_eq(pixel_at(&f, 1, 500), 0xABCDEF);
}
END_TEST

START_TEST(virtual_screen_and_offsets)
{
    set_svga(b, 640, 480, 32, 0);
    set_dispi(b, DISPI_VIRT_WIDTH, 1000);
    set_dispi(b, DISPI_X_OFFSET, 10);
    set_dispi(b, DISPI_Y_OFFSET, 20);
    v->vram[(1000 * 25 + 13) * 4] = 0x99;
    vga_mark(v, 0, v->vram_size);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(pixel_at(&f, 3, 5), 0x99);
    set_dispi(b, DISPI_Y_OFFSET, 0xFFFF);  /* somewhere, but inside */
    set_dispi(b, DISPI_X_OFFSET, 0xFFFF);
    draw(b);
}
END_TEST

START_TEST(planar_svga_modes)
{
    set_mode(b, &mode_12);
    set_svga(b, 1280, 1024, 4, 0);
    set_dispi(b, DISPI_BANK, 1);
    set_seq(b, 2, 0x0F);
    poke8(b, 0xA0000 + 160 * 500 - 0x10000 + 2, 0x40);
    struct screen_frame f = draw(b);
    ck_assert_uint_eq(f.width, 1280);
    ck_assert_uint_eq(f.height, 1024);
    ck_assert_uint_eq(pixel_at(&f, 17, 500), vga_dac_color(v, 15));
    ck_assert_uint_eq(pixel_at(&f, 16, 500), vga_dac_color(v, 0));
    set_svga(b, 2560, 1600, 4, 0);
    f = draw(b);
    ck_assert_uint_eq(f.width, 2560);
    set_svga(b, 7, 5, 4, 0);               /* too narrow for a byte */
    ck_assert_uint_eq(get_dispi(b, DISPI_ENABLE), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("vga_draw");
    TCase *t = tcase_create("vga_draw");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, no_sync_no_picture);
    tcase_add_test(t, text_shows_shape_and_colours);
    tcase_add_test(t, line_graphics_reach_the_ninth_dot);
    tcase_add_test(t, cursor_shape_and_blinking);
    tcase_add_test(t, bit_7_blinks_or_lightens);
    tcase_add_test(t, two_fonts_by_attribute_bit_3);
    tcase_add_test(t, underline_in_monochrome);
    tcase_add_test(t, start_address_scrolls_text);
    tcase_add_test(t, line_compare_splits_the_screen);
    tcase_add_test(t, panning_moves_dots);
    tcase_add_test(t, forty_columns_are_as_wide);
    tcase_add_test(t, only_what_changed_is_drawn);
    tcase_add_test(t, text_only_loses_nothing_for_the_next);
    tcase_add_test(t, whole_pictures_lose_nothing_for_the_next);
    tcase_add_test(t, blank_screen_is_black);
    tcase_add_test(t, drawing_changes_nothing_for_the_guest);
    tcase_add_test(t, planar_16_colours);
    tcase_add_test(t, mode_13_doubles_pixels_and_lines);
    tcase_add_test(t, mode_x_shows_its_planes);
    tcase_add_test(t, cga_4_colours_interleave_rows);
    tcase_add_test(t, graphics_redraw_only_dirty_rows);
    tcase_add_test(t, svga_pixel_formats);
    tcase_add_test(t, framebuffer_writes_are_noticed);
    tcase_add_test(t, virtual_screen_and_offsets);
    tcase_add_test(t, planar_svga_modes);
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
