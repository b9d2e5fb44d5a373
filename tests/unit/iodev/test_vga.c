/* SPDX-License-Identifier: MIT
 * The video card as the CPU sees it: registers, palette, beam, the window's write and read modes,
 * DISPI registers, PCI. Expectations are from the book named in iodev/vga/vga.h.
 */
#include "tests/unit/iodev/vga_bench.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct board *b;
static struct vga *v;

static void setup(void)
{
    b = fake_new(1 << 20);
    struct device *d = fake_plug(b, &vga_class, NULL);
    ck_assert_ptr_nonnull(d);
    v = vga_of(d);
    set_mode(b, &mode_12);
}

static void teardown(void) { fake_free(b); }

/* Planes 0-3 at an address, plane 3 in the top byte. */
static uint32_t planes_of(unsigned a)
{
    const uint8_t *p = v->vram + 4 * a;
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void set_planes(unsigned a, uint32_t value)
{
    for (unsigned p = 0; p < 4; p++) v->vram[4 * a + p] = (uint8_t)(value >> 8 * p);
}

/* ---- registers ------------------------------------------------------------------------------- */

START_TEST(indexed_registers_keep_only_their_bits)
{
    set_seq(b, 1, 0xFF);
    ck_assert_uint_eq(fake_in8(b, 0x3C5), 0x3D);
    set_gfx(b, 5, 0xFF);
    ck_assert_uint_eq(fake_in8(b, 0x3CF), 0x7B);
    set_seq(b, 9, 0xFF);                   /* no such register, and no alias of register 1 */
    ck_assert_uint_eq(fake_in8(b, 0x3C5), 0);
    fake_out8(b, 0x3C4, 1);
    ck_assert_uint_eq(fake_in8(b, 0x3C5), 0x3D);
    set_crtc(b, 0x19, 0x55);
    ck_assert_uint_eq(fake_in8(b, 0x3D5), 0);
    set_crtc(b, 0xFF, 0x55);
    ck_assert_uint_eq(fake_in8(b, 0x3D5), 0);
    ck_assert_uint_eq(fake_in8(b, 0x3CC), 0xE3);
}
END_TEST

START_TEST(crtc_registers_0_to_7_can_be_protected)
{
    set_crtc(b, 0x11, 0x8C);
    set_crtc(b, 0x00, 0x11);
    ck_assert_uint_eq(fake_in8(b, 0x3D5), 0x5F);
    set_crtc(b, 0x07, 0x00);               /* only line compare bit 8 (bit 4) follows */
    ck_assert_uint_eq(fake_in8(b, 0x3D5), 0x3E & ~0x10);
    set_crtc(b, 0x07, 0xFF);
    ck_assert_uint_eq(fake_in8(b, 0x3D5), 0x3E);
    set_crtc(b, 0x08, 0x01);
    ck_assert_uint_eq(fake_in8(b, 0x3D5), 0x01);
    set_crtc(b, 0x11, 0x0C);
    set_crtc(b, 0x00, 0x11);
    ck_assert_uint_eq(fake_in8(b, 0x3D5), 0x11);
}
END_TEST

START_TEST(crtc_moves_between_3B4_and_3D4)
{
    fake_out8(b, 0x3C2, 0xE2);
    ck_assert_uint_eq(fake_in8(b, 0x3D4), 0xFF);
    fake_out16(b, 0x3B4, 0x420E);
    ck_assert_uint_eq(fake_in8(b, 0x3B5), 0x42);
    fake_out16(b, 0x3D4, 0x110E);
    ck_assert_uint_eq(fake_in8(b, 0x3B5), 0x42);
    fake_in8(b, 0x3BA);
    fake_out8(b, 0x3C0, 5);                /* 3DAh is dead now: only 3BAh clears the flip-flop */
    fake_in8(b, 0x3DA);
    ck_assert(v->attr_data);
    fake_in8(b, 0x3BA);
    ck_assert(!v->attr_data);
    fake_out8(b, 0x3C2, 0xE3);
    ck_assert_uint_eq(fake_in8(b, 0x3B5), 0xFF);
    ck_assert_uint_eq(fake_in8(b, 0x3D5), 0x42);
}
END_TEST

START_TEST(attribute_flip_flop)
{
    fake_in8(b, 0x3DA);
    fake_out8(b, 0x3C0, 0x31);             /* index 11h, palette source on */
    ck_assert_uint_eq(fake_in8(b, 0x3C0), 0x31);
    fake_out8(b, 0x3C0, 0x07);
    ck_assert_uint_eq(fake_in8(b, 0x3C1), 0x07);
    fake_out8(b, 0x3C0, 0x22);          /* Bochs's VGA BIOS writes palette registers with bit 5 */
    fake_out8(b, 0x3C0, 0x15);
    ck_assert_uint_eq(fake_in8(b, 0x3C1), 0x15);
    fake_out8(b, 0x3C0, 0x02);
    fake_out8(b, 0x3C0, 0xFF);
    ck_assert_uint_eq(fake_in8(b, 0x3C1), 0x3F);
    fake_out8(b, 0x3C0, 0x1F);             /* no such register */
    fake_out8(b, 0x3C0, 0xFF);
    ck_assert_uint_eq(fake_in8(b, 0x3C1), 0);
}
END_TEST

START_TEST(peek_changes_nothing)
{
    fake_in8(b, 0x3DA);
    fake_out8(b, 0x3C0, 0x31);
    ck_assert(v->attr_data);
    ck_assert_int_ge(fake_peek(b, 0x3DA), 0);
    ck_assert(v->attr_data);
    set_color(b, 7, 0x010203);
    fake_out8(b, 0x3C7, 7);
    ck_assert_int_eq(fake_peek(b, 0x3C9), 1);
    ck_assert_int_eq(fake_peek(b, 0x3C9), 1);
    ck_assert_uint_eq(fake_in8(b, 0x3C9), 1);
    ck_assert_uint_eq(fake_in8(b, 0x3C9), 2);
    set_planes(0, 0x44332211);
    set_planes(1, 0x88776655);
    peek8(b, 0xA0000);
    ck_assert_uint_eq(memory_peek(b->memory, 0xA0001), 0x55);
    ck_assert_uint_eq(v->latch, 0x44332211);
}
END_TEST

/* ---- palette --------------------------------------------------------------------------------- */

START_TEST(dac_counts_colours_and_components)
{
    fake_out8(b, 0x3C8, 0xFF);
    for (unsigned i = 1; i <= 6; i++) fake_out8(b, 0x3C9, (uint8_t)(0xC0 + i));    /* FFh, then 0 */
    ck_assert_uint_eq(fake_in8(b, 0x3C7), 0);
    fake_out8(b, 0x3C7, 0xFF);
    ck_assert_uint_eq(fake_in8(b, 0x3C7), 3);
    for (unsigned i = 1; i <= 6; i++) ck_assert_uint_eq(fake_in8(b, 0x3C9), i);
}
END_TEST

START_TEST(dac_takes_only_whole_colours)
{
    set_color(b, 9, 0x112233);
    fake_out8(b, 0x3C8, 9);
    fake_out8(b, 0x3C9, 1);
    fake_out8(b, 0x3C9, 2);
    fake_out8(b, 0x3C7, 9);
    ck_assert_uint_eq(fake_in8(b, 0x3C9), 0x11);
    ck_assert_uint_eq(fake_in8(b, 0x3C9), 0x22);
    ck_assert_uint_eq(fake_in8(b, 0x3C9), 0x33);
}
END_TEST

START_TEST(dac_width_and_mask)
{
    set_color(b, 3, 0x3F0120);
    ck_assert_uint_eq(vga_dac_color(v, 3), 0xFF0482);      /* 6 bits: upper ones repeated */
    set_svga(b, 320, 200, 8, DISPI_8BIT_DAC);
    set_color(b, 3, 0xFF8001);
    ck_assert_uint_eq(vga_dac_color(v, 3), 0xFF8001);
    fake_out8(b, 0x3C7, 3);
    ck_assert_uint_eq(fake_in8(b, 0x3C9), 0xFF);
    fake_out8(b, 0x3C6, 0x0F);
    ck_assert_uint_eq(vga_dac_color(v, 0xF3), 0xFF8001);
    ck_assert_uint_eq(fake_in8(b, 0x3C6), 0x0F);
}
END_TEST

/* ---- the beam -------------------------------------------------------------------------------- */

/* Mode 12h: 100 characters of 8 dots and 525 lines at 25.175 MHz; retrace in lines 490 and 491. */
static void go_to(unsigned line, unsigned column)
{
    uint64_t clocks = line * 100ull + column, frame = 52500, now = b->clock.now;
    uint64_t done = muldiv64(now, 25175000, 8 * SECOND);
    uint64_t target = done / frame * frame + frame + clocks;
    fake_advance(b, muldiv64_up(target, 8 * SECOND, 25175000) - now);
}

START_TEST(status_1_follows_the_beam)
{
    static const struct { unsigned line, column, status; } at[] = {
        { 0, 0, 0 },   { 0, 79, 0 },  { 0, 80, 1 },  { 0, 99, 1 },   { 1, 0, 0 },   { 479, 79, 0 },
        { 480, 0, 1 }, { 489, 99, 1 }, { 490, 0, 9 }, { 491, 99, 9 }, { 492, 0, 1 }, { 524, 99, 1 },
    };
    for (unsigned i = 0; i < COUNT_OF(at); i++) {
        go_to(at[i].line, at[i].column);
        ck_assert_msg(fake_in8(b, 0x3DA) == at[i].status, "line %u column %u",
                      at[i].line, at[i].column);
    }
}
END_TEST

START_TEST(a_second_has_as_many_frames_as_the_timing_says)
{
    set_mode(b, &mode_3);                  /* 28.322 MHz / (900 x 449) = 70.087 Hz */
    fake_advance(b, 1000 * SECOND);
    ck_assert_uint_eq(vga_frame(v), 28322000ull * 1000 / (900 * 449));
    set_seq(b, 1, 0x08);                   /* half the dot clock */
    ck_assert_uint_eq(vga_frame(v), 28322000ull * 1000 / (1800 * 449));
}
END_TEST

START_TEST(garbage_timing_divides_by_nothing)
{
    set_crtc(b, 0x11, 0);
    for (unsigned i = 0; i < 25; i++) set_crtc(b, i, 0);
    fake_in8(b, 0x3DA);
    for (unsigned i = 0; i < 25; i++) set_crtc(b, i, 0xFF & (i == 0x11 ? 0x7F : 0xFF));
    fake_in8(b, 0x3DA);
    fake_reset(b, RESET_HARD);
    clock_advance(&b->clock, UINT64_MAX / 4);     /* 146 years in one step */
    fake_in8(b, 0x3DA);
    fake_in8(b, 0x3BA);
}
END_TEST

/* ---- write modes ----------------------------------------------------------------------------- */

START_TEST(write_mode_0_plain_and_map_mask)
{
    poke8(b, 0xA0005, 0x5A);
    ck_assert_uint_eq(planes_of(5), 0x5A5A5A5A);
    set_seq(b, 2, 0x05);
    poke8(b, 0xA0005, 0xFF);
    ck_assert_uint_eq(planes_of(5), 0x5AFF5AFF);
    poke8(b, 0xAFFFF, 0x11);
    ck_assert_uint_eq(planes_of(0xFFFF), 0x00110011);
}
END_TEST

START_TEST(write_mode_0_set_reset)
{
    set_gfx(b, 0, 0x06);                   /* set planes 1, 2 */
    set_gfx(b, 1, 0x0E);                   /* planes 1-3 take set/reset, plane 0 the CPU's data */
    poke8(b, 0xA0000, 0x3C);
    ck_assert_uint_eq(planes_of(0), 0x00FFFF3C);
}
END_TEST

START_TEST(write_mode_0_bit_mask_uses_the_latches)
{
    set_planes(7, 0x11223344);
    set_planes(8, 0x55555555);
    peek8(b, 0xA0007);
    set_gfx(b, 8, 0xF0);
    poke8(b, 0xA0008, 0xAA);               /* low nibbles: the latches, not address 8 */
    ck_assert_uint_eq(planes_of(8), 0xA1A2A3A4);
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
        set_planes(0, 0x0F33F0C3);
        peek8(b, 0xA0000);
        set_gfx(b, 3, logic[i].function | 3);
        poke8(b, 0xA0001, 0x0C);           /* rotated right by 3: 81h */
        ck_assert_uint_eq(planes_of(1), logic[i].result);
    }
}
END_TEST

START_TEST(write_mode_1_copies_latches)
{
    set_planes(100, 0xDEADBEEF);
    set_gfx(b, 5, 1);
    set_gfx(b, 8, 0x00);                   /* neither bit mask nor data matter */
    set_seq(b, 2, 0x0B);
    peek8(b, 0xA0000 + 100);
    poke8(b, 0xA0000 + 200, 0x55);
    ck_assert_uint_eq(planes_of(200), 0xDE00BEEF);
}
END_TEST

START_TEST(write_mode_2_takes_a_colour)
{
    set_planes(0, 0x12345678);
    peek8(b, 0xA0000);
    set_gfx(b, 5, 2);
    set_gfx(b, 8, 0x0F);
    set_gfx(b, 3, 3);                      /* rotation does not touch the colour */
    poke8(b, 0xA0000, 0xF9);
    ck_assert_uint_eq(planes_of(0), 0x1F30507F);
}
END_TEST

START_TEST(write_mode_3_makes_a_mask_of_the_data)
{
    set_planes(0, 0x00FF00FF);
    peek8(b, 0xA0000);
    set_gfx(b, 5, 3);
    set_gfx(b, 0, 0x0C);                   /* colour 12 whatever enable set/reset says */
    set_gfx(b, 1, 0x00);
    set_gfx(b, 3, 4);
    set_gfx(b, 8, 0x3F);
    poke8(b, 0xA0000, 0x5A);               /* rotated A5h, masked 25h */
    ck_assert_uint_eq(planes_of(0), 0x25FF00DA);
}
END_TEST

/* ---- read modes ------------------------------------------------------------------------------ */

START_TEST(read_mode_0_picks_a_plane)
{
    set_planes(3, 0x44332211);
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
    set_planes(0, 0xF0FF3355);             /* pixels, left to right: C D E F 4 5 6 7, by planes */
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
    ck_assert_uint_eq(planes_of(0), 0x00001F42);
    ck_assert_uint_eq(planes_of(1), 0);
    ck_assert_uint_eq(planes_of(2), 0x00002D44);
    ck_assert_uint_eq(planes_of(4), 0x00002E43);
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
            if (inside) ck_assert_uint_eq(planes_of((a - window[i].first) & 0xFFFF), 0x5C5C5C5C);
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
    ck_assert_uint_eq(planes_of(0x41 * 32 + 1), 0x00990000);
    ck_assert_uint_eq(peek8(b, 0xA0000 + 0x41 * 32 + 1), 0x99);
}
END_TEST

START_TEST(chain_4_is_linear)
{
    set_mode(b, &mode_13);
    memory_write(b->memory, 0xA0003, 0x04030201, DWORD);
    ck_assert_uint_eq(planes_of(0), 0x01000000);
    ck_assert_uint_eq(planes_of(1), 0x00040302);
    ck_assert_uint_eq(memory_read(b->memory, 0xA0003, DWORD), 0x04030201);
    set_seq(b, 2, 0x0E);                   /* the map mask still masks */
    poke8(b, 0xA0004, 0x99);
    ck_assert_uint_eq(planes_of(1), 0x00040302);
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
    ck_assert_uint_eq(planes_of(16000), 0x04030201);
}
END_TEST

/* ---- DISPI ----------------------------------------------------------------------------------- */

START_TEST(dispi_ids)
{
    ck_assert_uint_eq(get_dispi(b, DISPI_ID), 0xB0C5);
    for (unsigned id = 0xB0C0; id <= 0xB0C5; id++) {
        set_dispi(b, DISPI_ID, id);
        ck_assert_uint_eq(get_dispi(b, DISPI_ID), id);
    }
    set_dispi(b, DISPI_ID, 0xB0C9);
    set_dispi(b, DISPI_ID, 0x1234);
    ck_assert_uint_eq(get_dispi(b, DISPI_ID), 0xB0C5);
    ck_assert_uint_eq(get_dispi(b, DISPI_MEMORY_64K), 256);
    ck_assert_uint_eq(get_dispi(b, 77), 0);
    fake_out16(b, 0x1D0, 0xB0C2);          /* index 77 */
    ck_assert_uint_eq(fake_in16(b, 0x1D0), 0);
}
END_TEST

START_TEST(dispi_sets_a_mode)
{
    v->vram[1024 * 768 * 2 - 1] = 9;
    set_dispi(b, DISPI_X_OFFSET, 5);
    set_svga(b, 1024, 768, 16, DISPI_LFB);
    ck_assert_uint_eq(get_dispi(b, DISPI_ENABLE), DISPI_ENABLED | DISPI_LFB);
    ck_assert_uint_eq(get_dispi(b, DISPI_VIRT_WIDTH), 1024);
    ck_assert_uint_eq(get_dispi(b, DISPI_VIRT_HEIGHT), (16 << 20) / 2048);
    ck_assert_uint_eq(get_dispi(b, DISPI_X_OFFSET), 0);
    ck_assert_uint_eq(v->vram[1024 * 768 * 2 - 1], 0);
    v->vram[0] = 9;
    set_svga(b, 800, 600, 32, DISPI_NOCLEAR);
    ck_assert_uint_eq(v->vram[0], 9);
    set_dispi(b, DISPI_VIRT_WIDTH, 1000);
    ck_assert_uint_eq(get_dispi(b, DISPI_VIRT_HEIGHT), (16 << 20) / 4000);
}
END_TEST

START_TEST(dispi_refuses_nonsense)
{
    set_svga(b, 640, 480, 32, 0);
    static const struct { unsigned index, value; } bad[] = {
        { DISPI_XRES, 0 }, { DISPI_XRES, 2561 }, { DISPI_YRES, 0 }, { DISPI_YRES, 1601 },
        { DISPI_YRES, 0xFFFF },
        { DISPI_BPP, 1 }, { DISPI_BPP, 33 }, { DISPI_VIRT_WIDTH, 0 }, { DISPI_VIRT_WIDTH, 639 },
        { DISPI_VIRT_WIDTH, 0xFFFF }, { DISPI_VIRT_HEIGHT, 3 },
    };
    for (unsigned i = 0; i < COUNT_OF(bad); i++) {
        unsigned before = get_dispi(b, bad[i].index);
        set_dispi(b, bad[i].index, bad[i].value);
        ck_assert_uint_eq(get_dispi(b, bad[i].index), before);
    }
}
END_TEST

START_TEST(dispi_tells_its_limits)
{
    set_dispi(b, DISPI_ENABLE, DISPI_GETCAPS);
    ck_assert_uint_eq(get_dispi(b, DISPI_XRES), 2560);
    ck_assert_uint_eq(get_dispi(b, DISPI_YRES), 1600);
    ck_assert_uint_eq(get_dispi(b, DISPI_BPP), 32);
    set_dispi(b, DISPI_ENABLE, 0);
    ck_assert_uint_eq(get_dispi(b, DISPI_XRES), 640);
}
END_TEST

START_TEST(a_mode_larger_than_memory_stays_off)
{
    struct board *small = fake_new(1 << 20);
    struct device *d = fake_plug(small, &vga_class, "vram", "1", NULL);
    ck_assert_ptr_nonnull(d);
    set_svga(small, 1024, 768, 16, 0);
    ck_assert_uint_eq(get_dispi(small, DISPI_ENABLE), 0);
    set_svga(small, 1024, 768, 8, 0);
    ck_assert_uint_eq(get_dispi(small, DISPI_ENABLE), 1);
    set_dispi(small, DISPI_BPP, 32);       /* nor by the back door */
    ck_assert_uint_eq(get_dispi(small, DISPI_BPP), 8);
    fake_free(small);
}
END_TEST

START_TEST(banks_move_the_window)
{
    set_svga(b, 800, 600, 8, 0);
    set_dispi(b, DISPI_BANK, 3);
    memory_write(b->memory, 0xA1234, 0xCAFE, WORD);
    ck_assert_uint_eq(v->vram[0x31234], 0xFE);
    ck_assert_uint_eq(v->vram[0x31235], 0xCA);
    set_dispi(b, DISPI_BANK, 0x8000 | 5);  /* B0C5h: read bank only */
    ck_assert_uint_eq(get_dispi(b, DISPI_BANK), 5);
    v->vram[0x51234] = 0x77;
    ck_assert_uint_eq(peek8(b, 0xA1234), 0x77);
    poke8(b, 0xA1234, 0x11);
    ck_assert_uint_eq(v->vram[0x31234], 0x11);
    set_dispi(b, DISPI_BANK, 0x4000 | 6);  /* write bank only */
    poke8(b, 0xA0000, 0x22);
    ck_assert_uint_eq(v->vram[0x60000], 0x22);
    ck_assert_uint_eq(peek8(b, 0xA1234), 0x77);
    set_dispi(b, DISPI_ENABLE, DISPI_ENABLED | DISPI_BANK_32K | DISPI_NOCLEAR);
    set_dispi(b, DISPI_BANK, 3);
    poke8(b, 0xA0001, 0x33);
    ck_assert_uint_eq(v->vram[0x18001], 0x33);
    set_dispi(b, DISPI_BANK, 0xFFFF);      /* beyond the memory: refused */
    ck_assert_uint_eq(get_dispi(b, DISPI_BANK), 3);
    set_dispi(b, DISPI_BANK, 0xC000 | 511);
    poke8(b, 0xA7FFF, 0x44);
    ck_assert_uint_eq(v->vram[(16 << 20) - 1], 0x44);
    ck_assert_uint_eq(peek8(b, 0xB0000), 0xFF);
}
END_TEST

START_TEST(planar_svga_goes_through_the_planes)
{
    set_svga(b, 1024, 768, 4, 0);
    set_dispi(b, DISPI_BANK, 1);
    set_seq(b, 2, 0x0A);
    poke8(b, 0xA0010, 0xFF);
    ck_assert_uint_eq(planes_of(0x10010), 0xFF00FF00);
    ck_assert_uint_eq(get_dispi(b, DISPI_VIRT_HEIGHT), (16 << 20) / 4 / 128);
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

/* ---- the bus --------------------------------------------------------------------------------- */

START_TEST(pci_card_with_framebuffer_and_registers)
{
    struct board *own = fake_new(1 << 20);
    struct device *card = fake_plug(own, &vga_class, "mmio", "1", NULL);
    ck_assert_ptr_nonnull(card);
    set_mode(own, &mode_12);
    ck_assert_uint_eq(fake_pci_read(own, 2, 0, 0, DWORD), 0x11111234);
    ck_assert_uint_eq(fake_pci_read(own, 2, 0, 8, DWORD) >> 8, 0x030000);
    fake_pci_write(own, 2, 0, 0x10, 0xFFFFFFFF, DWORD);
    ck_assert_uint_eq(fake_pci_read(own, 2, 0, 0x10, DWORD), 0xFF000008);
    fake_pci_write(own, 2, 0, 0x18, 0xFFFFFFFF, DWORD);
    ck_assert_uint_eq(fake_pci_read(own, 2, 0, 0x18, DWORD), 0xFFFFF000);
    fake_pci_write(own, 2, 0, 0x10, 0xE8000000, DWORD);
    fake_pci_write(own, 2, 0, 0x18, 0xF0000000, DWORD);
    fake_pci_write(own, 2, 0, 0x04, 2, WORD);
    memory_write(own->memory, 0xE8000000 + 0x12344, 0xA1B2C3D4, DWORD);
    ck_assert_uint_eq(vga_of(card)->vram[0x12344], 0xD4);
    memory_write(own->memory, 0xF0000502, 1280, WORD);
    ck_assert_uint_eq(get_dispi(own, DISPI_XRES), 1280);
    ck_assert_uint_eq(memory_read(own->memory, 0xF0000500, DWORD), 0x0500B0C5);
    ck_assert_uint_eq(memory_read(own->memory, 0xF0000514, WORD), 256);
    memory_write(own->memory, 0xF0000404, 0x0A02, WORD);     /* 3C4h, 3C5h */
    fake_out8(own, 0x3C4, 2);
    ck_assert_uint_eq(fake_in8(own, 0x3C5), 0x0A);
    ck_assert_uint_eq(memory_read(own->memory, 0xF000040C, BYTE), 0xE3);
    ck_assert_uint_eq(memory_read(own->memory, 0xF0000000, DWORD), 0);       /* no EDID */
    ck_assert_uint_eq(memory_read(own->memory, 0xF0000600, DWORD), 0);
    memory_write(own->memory, 0xF0000516, 0xFFFF, WORD);
    memory_write(own->memory, 0xF0000FFC, 0xFFFFFFFF, DWORD);
    fake_free(own);
}
END_TEST

/* vgabios-stdvga looks for EDID behind BAR2 from real mode, beyond 64 KiB: see card.c. */
START_TEST(pci_card_has_no_bar2_unless_asked_for)
{
    fake_pci_write(b, 2, 0, 0x18, 0xFFFFFFFF, DWORD);
    ck_assert_uint_eq(fake_pci_read(b, 2, 0, 0x18, DWORD), 0);
    ck_assert_uint_eq(fake_pci_read(b, 2, 0, 8, BYTE), 0);
}
END_TEST

START_TEST(without_pci_the_framebuffer_is_at_e0000000)
{
    struct board *isa = fake_new(1 << 20);
    isa->no_pci = true;
    struct device *d = fake_plug(isa, &vga_class, NULL);
    ck_assert_ptr_nonnull(d);
    memory_write(isa->memory, 0xE0000010, 0x42, BYTE);
    ck_assert_uint_eq(vga_of(d)->vram[0x10], 0x42);
    fake_free(isa);
}
END_TEST

START_TEST(settings_are_checked)
{
    static const char *const bad[] = { "0", "3", "128", "18446744073709551615" };
    for (unsigned i = 0; i < COUNT_OF(bad); i++) {
        struct board *other = fake_new(1 << 20);
        ck_assert_ptr_null(fake_plug(other, &vga_class, "vram", bad[i], NULL));
        fake_free(other);
    }
    struct board *other = fake_new(1 << 20);
    ck_assert_ptr_null(fake_plug(other, &vga_class, "rom", "/nonexistent/vgabios.bin", NULL));
    fake_free(other);
}
END_TEST

START_TEST(rom_file_becomes_the_expansion_rom)
{
    char path[] = "/tmp/vga-rom-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "\x55\xAA\x09", 3), 3);
    ck_assert_int_eq(ftruncate(fd, 4608), 0);
    close(fd);
    struct board *other = fake_new(1 << 20);
    ck_assert_ptr_nonnull(fake_plug(other, &vga_class, "rom", path, NULL));
    struct pci_function *f = fake_pci(other, 2, 0);
    ck_assert_uint_eq(f->rom_size, 8192);
    ck_assert_mem_eq(f->rom, "\x55\xAA\x09\0", 4);
    fake_free(other);
    other = fake_new(1 << 20);
    ck_assert_int_eq(truncate(path, 0), 0);
    ck_assert_ptr_null(fake_plug(other, &vga_class, "rom", path, NULL));
    fake_free(other);
    remove(path);
}
END_TEST

START_TEST(reset_keeps_memory_power_does_not)
{
    v->vram[77] = 1;
    fake_reset(b, RESET_HARD);
    ck_assert_uint_eq(v->vram[77], 1);
    ck_assert_uint_eq(fake_in8(b, 0x3CC), 0);
    fake_reset(b, RESET_POWER);
    ck_assert_uint_eq(v->vram[77], 0);
}
END_TEST

START_TEST(a_hostile_snapshot_is_tamed)
{
    v->dac.component = 200;
    v->dispi.reg[DISPI_ENABLE] = DISPI_ENABLED;
    v->dispi.reg[DISPI_XRES] = 0xFFFF;
    vga_class.restored(&v->dev);
    fake_in8(b, 0x3C9);
    fake_out8(b, 0x3C9, 1);
    draw(b);
    ck_assert_uint_eq(get_dispi(b, DISPI_ENABLE), 0);
}
END_TEST

static Suite *suite(void)
{
    Suite *s = suite_create("vga");
    TCase *t = tcase_create("vga");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, indexed_registers_keep_only_their_bits);
    tcase_add_test(t, crtc_registers_0_to_7_can_be_protected);
    tcase_add_test(t, crtc_moves_between_3B4_and_3D4);
    tcase_add_test(t, attribute_flip_flop);
    tcase_add_test(t, peek_changes_nothing);
    tcase_add_test(t, dac_counts_colours_and_components);
    tcase_add_test(t, dac_takes_only_whole_colours);
    tcase_add_test(t, dac_width_and_mask);
    tcase_add_test(t, status_1_follows_the_beam);
    tcase_add_test(t, a_second_has_as_many_frames_as_the_timing_says);
    tcase_add_test(t, garbage_timing_divides_by_nothing);
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
    tcase_add_test(t, dispi_ids);
    tcase_add_test(t, dispi_sets_a_mode);
    tcase_add_test(t, dispi_refuses_nonsense);
    tcase_add_test(t, dispi_tells_its_limits);
    tcase_add_test(t, a_mode_larger_than_memory_stays_off);
    tcase_add_test(t, banks_move_the_window);
    tcase_add_test(t, planar_svga_goes_through_the_planes);
    tcase_add_test(t, mode_13h_and_linear_banks_are_plain_memory);
    tcase_add_test(t, pci_card_with_framebuffer_and_registers);
    tcase_add_test(t, pci_card_has_no_bar2_unless_asked_for);
    tcase_add_test(t, without_pci_the_framebuffer_is_at_e0000000);
    tcase_add_test(t, settings_are_checked);
    tcase_add_test(t, rom_file_becomes_the_expansion_rom);
    tcase_add_test(t, reset_keeps_memory_power_does_not);
    tcase_add_test(t, a_hostile_snapshot_is_tamed);
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
