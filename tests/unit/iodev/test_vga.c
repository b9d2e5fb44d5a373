/* SPDX-License-Identifier: MIT
 * The video card as the CPU sees it: registers, palette, beam, DISPI registers, PCI. Expectations
 * are from the book named in iodev/vga/vga.h.
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
    v = plug_vga(&b);
    ck_assert_ptr_nonnull(v);
    set_mode(b, &mode_12);
}

static void teardown(void) { fake_free(b); }

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

/* Without bit 7 of 03h the light pen's registers are there; writes go where they always go. */
START_TEST(light_pen_registers_hide_the_retrace)
{
    set_crtc(b, 0x11, 0x0C);
    set_crtc(b, 0x03, 0x02);
    set_crtc(b, 0x10, 0x77);
    ck_assert_uint_eq(fake_in8(b, 0x3D5), 0);
    set_crtc(b, 0x11, 0x0E);
    ck_assert_uint_eq(fake_in8(b, 0x3D5), 0);
    set_crtc(b, 0x03, 0x82);
    ck_assert_uint_eq(v->crtc[0x10], 0x77);
    fake_out8(b, 0x3D4, 0x11);
    ck_assert_uint_eq(fake_in8(b, 0x3D5), 0x0E);
}
END_TEST

/* A flip-flop that the end of the picture sets, unless bit 4 of CRTC register 11h holds it. */
START_TEST(vertical_interrupt_is_pending_until_cleared)
{
    enum { PENDING = 0x80, FRAME = SECOND / 70 };
    fake_advance(b, 3 * FRAME);
    ck_assert_uint_eq(fake_in8(b, 0x3C2) & PENDING, 0);        /* the BIOS leaves it held */
    while (fake_in8(b, 0x3DA) & 8) fake_advance(b, 10000);
    while (!(fake_in8(b, 0x3DA) & 8)) fake_advance(b, 10000);
    for (unsigned i = 0; i < 2; i++) {
        set_crtc(b, 0x11, 0x2C);
        set_crtc(b, 0x11, 0x3C);                                /* in the retrace: the next one */
        ck_assert_uint_eq(fake_in8(b, 0x3C2) & PENDING, 0);
        fake_advance(b, FRAME / 2);
        ck_assert_uint_eq(fake_in8(b, 0x3C2) & PENDING, 0);
        ck_assert_uint_eq(fake_peek(b, 0x3C2) & PENDING, 0);
        while (!(fake_in8(b, 0x3DA) & 8)) fake_advance(b, 10000);
        ck_assert_uint_eq(fake_in8(b, 0x3C2) & PENDING, PENDING);
        fake_advance(b, FRAME / 2);
        ck_assert_uint_eq(fake_in8(b, 0x3C2) & PENDING, PENDING);      /* it stays */
        while (!(fake_in8(b, 0x3DA) & 8)) fake_advance(b, 10000);
    }
    set_crtc(b, 0x11, 0x2C);
    ck_assert_uint_eq(fake_in8(b, 0x3C2) & PENDING, 0);
}
END_TEST

/* Bit 5 of CRTC register 11h keeps the flip-flop from IRQ 2, which is 9 on an AT. */
START_TEST(vertical_interrupt_comes_once_for_each_clearing)
{
    enum { FRAME = SECOND / 60 };
    set_crtc(b, 0x11, 0x0C), set_crtc(b, 0x11, 0x3C);
    fake_advance(b, 2 * FRAME);
    ck_assert(!fake_irq(b, 9));
    set_crtc(b, 0x11, 0x1C);                                    /* it is pending already */
    ck_assert(fake_irq(b, 9));
    set_crtc(b, 0x11, 0x0C);
    ck_assert(!fake_irq(b, 9));
    fake_advance(b, 2 * FRAME);
    ck_assert(!fake_irq(b, 9));
    while (fake_in8(b, 0x3DA) & 1) fake_advance(b, 1000);
    unsigned before = fake_irq_edges(b, 9);
    for (unsigned i = 0; i < 60; i++) {
        set_crtc(b, 0x11, 0x0C), set_crtc(b, 0x11, 0x1C);
        while (!fake_irq(b, 9)) fake_advance(b, 1000);
        struct beam beam = vga_beam(v, clock_now(board_clock(b)));
        ck_assert_uint_eq(beam.row, beam.visible_rows);         /* in the first line below */
        ck_assert_uint_eq(fake_in8(b, 0x3C2) & 0x80, 0x80);
        fake_advance(b, FRAME / 2);
    }
    ck_assert_uint_eq(fake_irq_edges(b, 9) - before, 60);
    fake_reset(b, RESET_HARD);
    ck_assert(!fake_irq(b, 9));
    fake_advance(b, 2 * FRAME);
    ck_assert(!fake_irq(b, 9));
}
END_TEST

/* 3C3h, bit 0: the card answers to nothing else, and what it shows goes on. */
START_TEST(a_disabled_card_answers_nothing)
{
    set_mode(b, &mode_3);
    poke8(b, 0xB8000, 'A');
    set_color(b, 7, 0x2A2A2A);
    fake_out8(b, 0x3C3, 0);
    ck_assert_uint_eq(fake_in8(b, 0x3C3), 0);
    ck_assert_uint_eq(fake_in8(b, 0x3C4), 0xFF);
    ck_assert_uint_eq(fake_in8(b, 0x3D4), 0xFF);
    fake_out8(b, 0x3C6, 0);
    set_crtc(b, 0x18, 0);
    ck_assert_uint_eq(peek8(b, 0xB8000), 0xFF);
    poke8(b, 0xB8000, 'B');
    fake_out8(b, 0x3C3, 1);
    ck_assert_uint_eq(peek8(b, 0xB8000), 'A');
    ck_assert_uint_eq(fake_in8(b, 0x3C6), 0xFF);
    ck_assert_uint_eq(v->crtc[0x18], 0xFF);
    set_mode(b, &mode_13);
    poke8(b, 0xA0000, 5);                                       /* plain memory to the processor */
    fake_out8(b, 0x3C3, 0);
    ck_assert_uint_eq(peek8(b, 0xA0000), 0xFF);
    fake_out8(b, 0x3C3, 1);
    ck_assert_uint_eq(peek8(b, 0xA0000), 5);
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
    set_planes(v, 0, 0x44332211);
    set_planes(v, 1, 0x88776655);
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
    ck_assert_uint_eq(planes_of(v, 0x10010), 0xFF00FF00);
    ck_assert_uint_eq(get_dispi(b, DISPI_VIRT_HEIGHT), (16 << 20) / 4 / 128);
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
    tcase_add_test(t, light_pen_registers_hide_the_retrace);
    tcase_add_test(t, vertical_interrupt_is_pending_until_cleared);
    tcase_add_test(t, vertical_interrupt_comes_once_for_each_clearing);
    tcase_add_test(t, a_disabled_card_answers_nothing);
    tcase_add_test(t, crtc_moves_between_3B4_and_3D4);
    tcase_add_test(t, attribute_flip_flop);
    tcase_add_test(t, peek_changes_nothing);
    tcase_add_test(t, dac_counts_colours_and_components);
    tcase_add_test(t, dac_takes_only_whole_colours);
    tcase_add_test(t, dac_width_and_mask);
    tcase_add_test(t, status_1_follows_the_beam);
    tcase_add_test(t, a_second_has_as_many_frames_as_the_timing_says);
    tcase_add_test(t, garbage_timing_divides_by_nothing);
    tcase_add_test(t, dispi_ids);
    tcase_add_test(t, dispi_sets_a_mode);
    tcase_add_test(t, dispi_refuses_nonsense);
    tcase_add_test(t, dispi_tells_its_limits);
    tcase_add_test(t, a_mode_larger_than_memory_stays_off);
    tcase_add_test(t, banks_move_the_window);
    tcase_add_test(t, planar_svga_goes_through_the_planes);
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
