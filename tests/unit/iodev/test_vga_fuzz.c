/* SPDX-License-Identifier: MIT
 * The video card under a monkey: random register writes, memory accesses and draws, always the same
 * ones. Nothing may leave its memory (sanitizers watch), the frame stays within its limits, drawing
 * changes nothing, and drawing what changed gives the same picture as drawing all.
 */
#include "tests/unit/iodev/vga_bench.h"

#include <check.h>
#include <stdlib.h>

enum { FRAMEBUFFER = 0xE0000000, REGISTERS = 0xF0000000, BORDER = 64 };

static uint64_t seed;

static uint32_t rnd(uint32_t below)        /* xorshift64* */
{
    seed ^= seed >> 12;
    seed ^= seed << 25;
    seed ^= seed >> 27;
    return (uint32_t)((seed * 0x2545F4914F6CDD1Dull) >> 32) % below;
}

static void random_register(struct board *b)
{
    static const uint16_t port[] = { 0x3C4, 0x3CE, 0x3D4, 0x3B4 };
    unsigned value = rnd(4) ? rnd(256) : rnd(2) * 255;
    switch (rnd(9)) {
    case 0: fake_out8(b, (uint16_t)(0x3B0 + rnd(0x30)), (uint8_t)value); break;
    case 1: fake_in8(b, (uint16_t)(0x3B0 + rnd(0x30))); break;
    case 2: set_attr(b, rnd(0x16), value); break;
    case 3: set_dispi(b, rnd(12), rnd(2) ? rnd(0x10000) : rnd(800)); break;
    case 4: fake_out(b, (uint16_t)(0x1CE + rnd(4)), rnd(0x10000), rnd(2) ? BYTE : DWORD); break;
    case 5:
        memory_write(b->memory, REGISTERS + rnd(0x1000), rnd(0x10000), rnd(2) ? BYTE : DWORD);
        break;
    default:
        fake_out16(b, port[rnd(4)], (uint16_t)(value << 8 | rnd(rnd(8) ? 0x19 : 0x100)));
        break;
    }
}

static void random_memory(struct board *b, size_t vram)
{
    static const enum width width[] = { BYTE, WORD, DWORD, QWORD };
    uint64_t at = rnd(3) ? 0xA0000 + rnd(0x20000) : FRAMEBUFFER + rnd((uint32_t)vram);
    enum width w = width[rnd(4)];
    if (rnd(3)) memory_write(b->memory, at, (uint64_t)rnd(0xFFFFFFFF) << 32 | rnd(0xFFFFFFFF), w);
    else memory_read(b->memory, at, w);
}

/* From chaos back to something that shows a picture. */
static void random_mode(struct board *b)
{
    static const struct vga_mode *const modes[] = { &mode_3, &mode_4, &mode_12, &mode_13 };
    static const unsigned bpp[] = { 4, 8, 15, 16, 24, 32 };
    set_dispi(b, DISPI_ENABLE, 0);
    set_mode(b, modes[rnd(4)]);
    if (!rnd(3)) set_svga(b, 8 + rnd(640), 1 + rnd(480), bpp[rnd(6)], rnd(256) & ~2u);
}

static void check_frame(const struct screen_frame *f)
{
    ck_assert_uint_le(f->width, VGA_MAX_WIDTH + 2 * BORDER);
    ck_assert_uint_le(f->height, VGA_MAX_HEIGHT + 2 * BORDER);
    ck_assert_uint_eq(!f->width, !f->height);
    ck_assert_uint_le(f->first_row + f->row_count, f->height);
    ck_assert(!f->width || f->pixels);
    if (!f->text.columns) return;
    ck_assert_uint_le(f->text.rows, f->height);
    ck_assert(!f->text.cursor_visible || f->text.cursor_row < f->text.rows);
    uint16_t sum = 0;
    for (unsigned i = 0; i < f->text.columns * f->text.rows; i++) sum += f->text.cells[i];
    (void)sum;                             /* all of it may be read */
}

/* What has been drawn bit by bit is what drawing afresh gives. */
static void check_picture(struct board *b, struct vga *v)
{
    struct screen_frame f = draw(b);
    check_frame(&f);
    size_t size = (size_t)f.width * f.height * sizeof *f.pixels;
    if (!size) return;
    uint32_t *before = malloc(size);
    ck_assert_ptr_nonnull(before);
    memcpy(before, f.pixels, size);
    v->redraw = true;
    uint64_t hash = device_hash(&v->dev, 0);
    f = draw(b);
    ck_assert_uint_eq(device_hash(&v->dev, 0), hash);
    ck_assert_int_eq(memcmp(before, f.pixels, size), 0);
    free(before);
}

static void monkey(unsigned rounds, const char *vram)
{
    struct board *b = fake_new(1 << 20);
    struct device *d = fake_plug(b, &vga_class, "vram", vram, "border",
                                 seed & 2 ? "1" : "0", NULL);
    ck_assert_ptr_nonnull(d);
    struct vga *v = vga_of(d);
    fake_pci_write(b, 2, 0, 0x10, FRAMEBUFFER, DWORD);
    fake_pci_write(b, 2, 0, 0x18, REGISTERS, DWORD);
    fake_pci_write(b, 2, 0, 0x04, 2, WORD);
    for (unsigned round = 0; round < rounds; round++) {
        struct screen_frame f;
        if (!rnd(4)) random_mode(b);
        for (unsigned i = rnd(3) * rnd(20); i > 0; i--) {
            random_register(b);
            if (!rnd(8)) fake_advance(b, rnd(SECOND / 200));   /* the beam goes on */
        }
        for (unsigned i = rnd(60); i > 0; i--) random_memory(b, v->vram_size);
        fake_advance(b, rnd(SECOND / 10));
        b->screen.draw(b->screen.ctx, &f, rnd(2), rnd(2));
        check_frame(&f);
        for (unsigned i = rnd(60); i > 0; i--) random_memory(b, v->vram_size);
        if (!rnd(4)) check_picture(b, v);
        if (!rnd(100)) fake_reset(b, rnd(2) ? RESET_HARD : RESET_POWER);
    }
    fake_free(b);
}

START_TEST(small_memory)
{
    seed = 0x9E3779B97F4A7C15ull + (unsigned)_i;
    monkey(150, "1");
}
END_TEST

START_TEST(usual_memory)
{
    seed = 0xD1B54A32D192ED03ull + (unsigned)_i;
    monkey(50, "16");
}
END_TEST

int main(void)
{
    Suite *s = suite_create("vga_fuzz");
    TCase *t = tcase_create("vga_fuzz");
    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, small_memory, 0, 8);
    tcase_add_loop_test(t, usual_memory, 0, 2);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
