/* SPDX-License-Identifier: MIT
 * Screen to file and to text. The oracle for code page 437 is the C library's iconv.
 */
#include "gui/cp437.h"
#include "tests/unit/gui/fake_screen.h"

#include <check.h>
#include <iconv.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#if __has_include(<png.h>)
#include <png.h>
#endif

static struct fake *fake_new(void)
{
    struct fake *k = malloc(sizeof *k);
    ck_assert_ptr_nonnull(k);
    fake_init(k);
    return k;
}

static size_t slurp(const char *path, uint8_t *bytes, size_t size)
{
    FILE *f = fopen(path, "rb");
    ck_assert_ptr_nonnull(f);
    size_t count = fread(bytes, 1, size, f);
    fclose(f);
    unlink(path);
    return count;
}

static void temporary(char *path, size_t size, const char *suffix)
{
    snprintf(path, size, "/tmp/vitro-shot-%ld.%s", (long)getpid(), suffix);
}

START_TEST(cp437_is_what_iconv_says)
{
    iconv_t cd = iconv_open("UTF-8", "CP437");
    if (cd == (iconv_t)-1) return;
    for (unsigned code = 0x20; code < 0xFF; code++) {
        if (code == 0x7F) continue;                        /* a picture here, DEL there */
        char in = (char)code, out[8] = { 0 }, ours[4] = { 0 };
        char *from = &in, *to = out;
        size_t in_left = 1, out_left = sizeof out;
        ck_assert(iconv(cd, &from, &in_left, &to, &out_left) != (size_t)-1);
        ours[utf8_put(ours, cp437_rune((uint8_t)code))] = 0;
        ck_assert_msg(!strcmp(ours, out), "%#x: %s, not %s", code, ours, out);
    }
    iconv_close(cd);
}
END_TEST

START_TEST(cp437_has_a_picture_for_every_code)
{
    bool seen[0x10000] = { false };
    for (unsigned code = 1; code < 0xFF; code++) {
        uint32_t rune = cp437_rune((uint8_t)code);
        ck_assert_uint_lt(rune, 0x10000);
        ck_assert_uint_ge(rune, 0x20);
        ck_assert_msg(!seen[rune], "%#x", code);
        seen[rune] = true;
        ck_assert_int_ge(ascii_for_rune(rune), ' ');
        ck_assert_int_le(ascii_for_rune(rune), '~');
    }
    ck_assert_uint_eq(cp437_rune(0), ' ');
    ck_assert_uint_eq(cp437_rune(0xFF), ' ');
    ck_assert_uint_eq(cp437_rune(0x01), 0x263A);
    ck_assert_uint_eq(cp437_rune(0x10), 0x25BA);
    ck_assert_uint_eq(cp437_rune(0x7F), 0x2302);
    ck_assert_int_eq(ascii_for_rune(0x2554), '+');
}
END_TEST

START_TEST(text_is_trimmed_utf8)
{
    struct fake *k = fake_new();
    char out[8192];
    fake_text(k, 40, 3);
    fake_print(k, 0, 0, 0x07, "C:\\>dir");
    fake_print(k, 2, 2, 0x1F, "\xC9\xCD\x01 \x82");
    size_t need = screen_text_utf8(&k->screen, out, sizeof out);
    ck_assert_str_eq(out, "C:\\>dir\n\n  \u2554\u2550\u263A \u00E9\n");
    ck_assert_uint_eq(need, strlen(out));
    ck_assert_uint_eq(screen_text_utf8(&k->screen, NULL, 0), need);
    free(k);
}
END_TEST

START_TEST(short_buffers_hold_whole_characters)
{
    struct fake *k = fake_new();
    char all[64], out[64];
    fake_text(k, 40, 1);
    fake_print(k, 0, 0, 0x07, "a\xC9" "b");
    size_t need = screen_text_utf8(&k->screen, all, sizeof all);
    static const char *const expected[] = { "", "a", "a", "a", "a\u2554", "a\u2554b" };
    for (size_t size = 1; size <= COUNT_OF(expected); size++) {
        memset(out, '#', sizeof out);
        ck_assert_uint_eq(screen_text_utf8(&k->screen, out, size), need);
        ck_assert_str_eq(out, expected[size - 1]);
        ck_assert_int_eq(out[size], '#');
    }
    free(k);
}
END_TEST

START_TEST(graphics_have_no_text)
{
    struct fake *k = fake_new();
    char out[4] = "abc";
    fake_picture(k, 320, 200, 320);
    ck_assert_uint_eq(screen_text_utf8(&k->screen, out, sizeof out), 0);
    ck_assert_str_eq(out, "");
    free(k);
}
END_TEST

START_TEST(ppm_holds_the_pixels)
{
    struct fake *k = fake_new();
    char path[64];
    uint8_t bytes[256];
    static const uint8_t expected[] = "P6\n3 2\n255\n" "\x11\x22\x33\xFF\x00\x01\x00\x00\x00"
                                      "\xAA\xBB\xCC\x01\x02\x03\x04\x05\x06";
    fake_picture(k, 3, 2, 5);                              /* the stride is not the width */
    static const uint32_t pixels[] = { 0x112233, 0xFF0001, 0, 0x777777, 0x777777,
                                       0xAABBCC, 0xFF010203, 0x040506 };
    memcpy(k->pixels, pixels, sizeof pixels);
    temporary(path, sizeof path, "ppm");
    ck_assert_ptr_null(screen_save(&k->screen, path));
    ck_assert_uint_eq(k->whole_draws, 1);
    ck_assert_uint_eq(slurp(path, bytes, sizeof bytes), sizeof expected - 1);
    ck_assert_mem_eq(bytes, expected, sizeof expected - 1);
    free(k);
}
END_TEST

#ifdef PNG_IMAGE_VERSION
START_TEST(png_holds_the_pixels)
{
    struct fake *k = fake_new();
    char path[64];
    for (unsigned i = 0; i < FAKE_PIXELS; i++) k->pixels[i] = i * 2654435761u;
    fake_picture(k, 301, 77, 320);
    temporary(path, sizeof path, "PNG");
    ck_assert_ptr_null(screen_save(&k->screen, path));
    png_image image = { .version = PNG_IMAGE_VERSION };
    ck_assert(png_image_begin_read_from_file(&image, path));
    ck_assert_uint_eq(image.width, 301);
    ck_assert_uint_eq(image.height, 77);
    image.format = PNG_FORMAT_RGB;
    uint8_t *rgb = malloc(PNG_IMAGE_SIZE(image)), *at = rgb;
    ck_assert(png_image_finish_read(&image, NULL, rgb, 0, NULL));
    for (unsigned y = 0; y < 77; y++)
        for (unsigned x = 0; x < 301; x++, at += 3)
            ck_assert_uint_eq((unsigned)(at[0] << 16 | at[1] << 8 | at[2]),
                              k->pixels[y * 320 + x] & 0xFFFFFF);
    unlink(path);
    free(rgb);
    free(k);
}
END_TEST
#endif

START_TEST(what_cannot_be_saved_is_said)
{
    struct fake *k = fake_new();
    ck_assert_ptr_nonnull(screen_save(&k->screen, "/tmp/picture.gif"));
    ck_assert_ptr_nonnull(screen_save(&k->screen, "ppm"));
    ck_assert_ptr_nonnull(screen_save(&k->screen, "/nonexistent/folder/a.ppm"));
    ck_assert_int_eq(k->frame.width, 720);
    k->frame.width = 0;
    ck_assert_ptr_nonnull(strstr(screen_save(&k->screen, "/tmp/a.ppm"), "no picture"));
    k->frame.width = 100000;
    ck_assert_ptr_nonnull(strstr(screen_save(&k->screen, "/tmp/a.ppm"), "too large"));
    free(k);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("screenshot");
    TCase *t = tcase_create("screenshot");
    tcase_add_test(t, cp437_is_what_iconv_says);
    tcase_add_test(t, cp437_has_a_picture_for_every_code);
    tcase_add_test(t, text_is_trimmed_utf8);
    tcase_add_test(t, short_buffers_hold_whole_characters);
    tcase_add_test(t, graphics_have_no_text);
    tcase_add_test(t, ppm_holds_the_pixels);
#ifdef PNG_IMAGE_VERSION
    tcase_add_test(t, png_holds_the_pixels);
#endif
    tcase_add_test(t, what_cannot_be_saved_is_said);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
