/* SPDX-License-Identifier: MIT
 * Disk images: what is refused and with which words, locks, padding, copy-on-write.
 */
#include "iodev/image/image.h"
#include "tests/unit/iodev/temp_image.h"
#include <errno.h>

static struct temp temp;
static char note[512];

static void begin(void) { temp_begin(&temp); }
static void end(void) { temp_end(&temp); }

static struct image *open_flat(const char *path)
{
    return image_open(path, "flat", IMAGE_WRITE, note, sizeof note);
}

START_TEST(missing_file_is_named_with_remedy)
{
    ck_assert_ptr_null(open_flat(temp_path(&temp, "nowhere.img")));
    ck_assert_ptr_nonnull(strstr(note, temp.path));
    ck_assert_ptr_nonnull(strstr(note, "no such file"));
    ck_assert_ptr_nonnull(strstr(note, "truncate"));
    ck_assert_ptr_null(strchr(note, '\n'));
}
END_TEST

START_TEST(relative_path_is_shown_absolute)
{
    ck_assert_ptr_null(open_flat("no-such-image.img"));
    ck_assert_int_eq(note[0], '/');
}
END_TEST

START_TEST(directory_empty_and_device_are_refused)
{
    ck_assert_ptr_null(open_flat(temp.dir));
    ck_assert_ptr_nonnull(strstr(note, "is a directory"));
    ck_assert_ptr_null(open_flat(temp_image(&temp, "empty.img", 0)));
    ck_assert_ptr_nonnull(strstr(note, "is empty"));
    ck_assert_ptr_null(open_flat("/dev/null"));
    ck_assert_ptr_nonnull(strstr(note, "neither"));
    ck_assert_ptr_null(open_flat(""));
    ck_assert_ptr_null(image_open(temp.path, "qcow9", IMAGE_WRITE, note, sizeof note));
    ck_assert_ptr_nonnull(strstr(note, "flat, volatile"));
}
END_TEST

START_TEST(unwritable_file)
{
    const char *path = temp_image(&temp, "ro.img", 4);
    chmod(path, 0444);
    if (access(path, W_OK) == 0) return;   /* root writes anything */
    ck_assert_ptr_null(open_flat(path));
    ck_assert_ptr_nonnull(strstr(note, "volatile"));
    struct image *i = image_open(path, NULL, IMAGE_WRITE_IF_POSSIBLE, note, sizeof note);
    ck_assert_ptr_nonnull(i);
    ck_assert(image_read_only(i));
    image_close(i);
}
END_TEST

START_TEST(sectors_go_to_their_place)
{
    uint8_t sector[512], expected[512];
    struct image *i = open_flat(temp_image(&temp, "a.img", 10));
    ck_assert_ptr_nonnull(i);
    ck_assert_str_eq(note, "");
    ck_assert_uint_eq(image_sectors(i), 10);
    ck_assert_int_eq(image_read(i, 7, 1, sector), 0);
    temp_sector(expected, 7);
    ck_assert_mem_eq(sector, expected, 512);
    memset(sector, 0x5A, sizeof sector);
    ck_assert_int_eq(image_write(i, 9, 1, sector), 0);
    ck_assert_int_eq(image_flush(i), 0);
    temp_read(temp.path, 9 * 512, expected, 512);
    ck_assert_mem_eq(sector, expected, 512);
    image_close(i);
}
END_TEST

START_TEST(nothing_outside)
{
    uint8_t sectors[2 * 512] = { 0 };
    struct image *i = open_flat(temp_image(&temp, "a.img", 10));
    ck_assert_int_eq(image_read(i, 10, 1, sectors), EINVAL);
    ck_assert_int_eq(image_read(i, 9, 2, sectors), EINVAL);
    ck_assert_int_eq(image_write(i, UINT64_MAX, 2, sectors), EINVAL);
    ck_assert_int_eq(image_write(i, UINT64_MAX - 1, 1, sectors), EINVAL);
    ck_assert_int_eq(image_read(i, 0, UINT32_MAX, sectors), EINVAL);
    struct stat st;
    ck_assert_int_eq(stat(temp.path, &st), 0);
    ck_assert_int_eq(st.st_size, 5120);
    image_close(i);
}
END_TEST

START_TEST(odd_size_is_rounded_up_with_warning)
{
    uint8_t sector[512];
    ck_assert_int_eq(truncate(temp_image(&temp, "odd.img", 3), 1024 + 100), 0);
    struct image *i = open_flat(temp.path);
    ck_assert_ptr_nonnull(i);
    ck_assert_ptr_nonnull(strstr(note, "512"));
    ck_assert_uint_eq(image_sectors(i), 3);
    memset(sector, 0xFF, sizeof sector);
    ck_assert_int_eq(image_read(i, 2, 1, sector), 0);
    ck_assert_uint_eq(sector[99], (uint8_t)(99 * 7 + 2));
    ck_assert_uint_eq(sector[100], 0);
    ck_assert_uint_eq(sector[511], 0);
    image_close(i);
}
END_TEST

START_TEST(padding_reads_zero_and_grows)
{
    uint8_t sector[512];
    struct image *i = open_flat(temp_image(&temp, "short.img", 1));
    image_pad(i, 2880);
    ck_assert_uint_eq(image_sectors(i), 2880);
    memset(sector, 0xFF, sizeof sector);
    ck_assert_int_eq(image_read(i, 2879, 1, sector), 0);
    ck_assert_uint_eq(sector[0] | sector[511], 0);
    sector[0] = 0x77;
    ck_assert_int_eq(image_write(i, 5, 1, sector), 0);
    image_close(i);
    struct stat st;
    ck_assert_int_eq(stat(temp.path, &st), 0);
    ck_assert_int_eq(st.st_size, 6 * 512);
}
END_TEST

START_TEST(writers_exclude_each_other)
{
    const char *path = temp_image(&temp, "a.img", 10);
    struct image *i = open_flat(path);
    ck_assert_ptr_null(open_flat(path));
    ck_assert_ptr_nonnull(strstr(note, "in use"));
    ck_assert_ptr_null(image_open(path, "volatile", IMAGE_WRITE, note, sizeof note));
    image_close(i);
    struct image *a = image_open(path, "volatile", IMAGE_WRITE, note, sizeof note);
    struct image *b = image_open(path, "volatile", IMAGE_WRITE, note, sizeof note);
    ck_assert_ptr_nonnull(a);
    ck_assert_ptr_nonnull(b);
    ck_assert_ptr_null(open_flat(path));
    image_close(a);
    image_close(b);
    i = open_flat(path);
    ck_assert_ptr_nonnull(i);
    image_close(i);
}
END_TEST

/* Packed files and images of formats that are not there, by their names; format=raw insists. */
START_TEST(foreign_names_are_refused)
{
    static const char *const names[][2] = {
        { "disk.vhdx", "cannot be read" }, { "disk.QCOW", "cannot be read" },
        { "disk.hds", "cannot be read" },
        { "a.img.gz", "packed" },
    };
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct image_choice c = { .path = temp_image(&temp, names[i][0], 8) };
        ck_assert_ptr_null(image_open_choice(&c, IMAGE_WRITE, note, sizeof note));
        ck_assert_msg(strstr(note, names[i][1]) && strstr(note, temp.path), "%s", note);
        ck_assert_ptr_null(strchr(note, '\n'));
        c.mode = "volatile";
        ck_assert_ptr_null(image_open_choice(&c, IMAGE_WRITE, note, sizeof note));
        c.format = "raw";
        struct image *image = image_open_choice(&c, IMAGE_WRITE, note, sizeof note);
        ck_assert_msg(image != NULL, "%s", note);
        image_close(image);
    }
}
END_TEST

/* What a floppy or CD drive cannot use, and words that fit such a drive. */
START_TEST(removable_media)
{
    static const struct {
        const char *name, *start, *cause;
        uint32_t sectors;
    } cases[] = {
        { "a.img.gz", "", "packed", 8 },
        { "a.vhdx", "", "cannot be read", 8 },
        { "a.qcow2", "QFI\xFB", "is a qcow2 image", 8 },
        { "empty.img", "", "is empty", 0 },
        { "nowhere.img", NULL, "no such file", 0 },
        { ".", NULL, "is a directory", 0 },
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *path = cases[i].start ? temp_image(&temp, cases[i].name, cases[i].sectors)
                                          : temp_path(&temp, cases[i].name);
        FILE *f = cases[i].start && *cases[i].start ? fopen(path, "r+b") : NULL;
        if (f) ck_assert_int_eq(fputs(cases[i].start, f) < 0, 0);
        if (f) fclose(f);
        struct image_choice c = { .path = path, .mode = "flat", .removable = true };
        ck_assert_ptr_null(image_open_choice(&c, IMAGE_WRITE_IF_POSSIBLE, note, sizeof note));
        ck_assert_msg(strstr(note, cases[i].cause) && strstr(note, temp.dir), "%s", note);
        ck_assert_msg(!strstr(note, "mode=") && !strstr(note, "format=") &&
                          !strstr(note, "truncate") && !strchr(note, '\n'), "%s", note);
    }
    struct image_choice c = { .path = temp_image(&temp, "a.img", 8), .removable = true };
    struct image *i = image_open_choice(&c, IMAGE_WRITE_IF_POSSIBLE, note, sizeof note);
    ck_assert_msg(i && !*note, "%s", note);
    ck_assert_ptr_null(image_open_choice(&c, IMAGE_READ_ONLY, note, sizeof note));
    ck_assert_msg(strstr(note, "being written") && !strstr(note, "mode="), "%s", note);
    image_close(i);
}
END_TEST

START_TEST(volatile_keeps_the_file)
{
    uint8_t data[20 * 512], expected[512], ones[512];
    memset(ones, 1, sizeof ones);
    chmod(temp_image(&temp, "a.img", 20), 0444);
    struct image *i = image_open(temp.path, "volatile", IMAGE_WRITE, note, sizeof note);
    ck_assert_ptr_nonnull(i);
    ck_assert(!image_read_only(i));
    ck_assert_int_eq(image_write(i, 7, 1, ones), 0);
    ck_assert_int_eq(image_write(i, 8, 1, ones), 0);
    ck_assert_int_eq(image_write(i, 8, 1, ones), 0);
    ck_assert_int_eq(image_read(i, 0, 20, data), 0);
    for (uint32_t n = 0; n < 20; n++) {
        temp_sector(expected, n);
        ck_assert_mem_eq(data + n * 512, n == 7 || n == 8 ? ones : expected, 512);
    }
    image_close(i);
    temp_read(temp.path, 7 * 512, data, 512);
    temp_sector(expected, 7);
    ck_assert_mem_eq(data, expected, 512);
}
END_TEST

/* A large sparse disk: blocks far apart, one transfer over a leaf's border. */
START_TEST(volatile_large)
{
    static uint8_t data[64 * 512], back[64 * 512];
    const uint64_t last = (1ull << 34) / 512 - 64;
    ck_assert_int_eq(truncate(temp_image(&temp, "big.img", 1), 1ll << 34), 0);
    struct image *i = image_open(temp.path, "volatile", IMAGE_WRITE, note, sizeof note);
    for (unsigned n = 0; n < sizeof data; n++) data[n] = (uint8_t)(n * 13);
    ck_assert_int_eq(image_write(i, last, 64, data), 0);
    ck_assert_int_eq(image_write(i, 4096 - 30, 64, data), 0);
    ck_assert_int_eq(image_read(i, last, 64, back), 0);
    ck_assert_mem_eq(back, data, sizeof data);
    ck_assert_int_eq(image_read(i, 4096 - 30, 64, back), 0);
    ck_assert_mem_eq(back, data, sizeof data);
    ck_assert_int_eq(image_read(i, 4096 - 31, 1, back), 0);
    ck_assert_uint_eq(back[0] | back[511], 0);
    image_close(i);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        missing_file_is_named_with_remedy, relative_path_is_shown_absolute,
        directory_empty_and_device_are_refused, unwritable_file, sectors_go_to_their_place,
        nothing_outside, odd_size_is_rounded_up_with_warning, padding_reads_zero_and_grows,
        writers_exclude_each_other, foreign_names_are_refused, removable_media,
        volatile_keeps_the_file,
        volatile_large,
    };
    return temp_run("image", begin, end, tests, sizeof tests / sizeof tests[0]);
}
