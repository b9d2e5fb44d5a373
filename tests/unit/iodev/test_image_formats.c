/* SPDX-License-Identifier: MIT
 * Image formats: what is written comes back, also from another opening; bases stay as they are;
 * what is damaged is refused with one line.
 */
#include <errno.h>
#include "tests/unit/iodev/image_bench.h"

enum { DISK = 9 << 20, MOST = 200 };

static uint64_t state;

static void begin(void)
{
    temp_begin(&temp);
    state = 88172645463325252u;
}

static void end(void) { temp_end(&temp); }

static uint64_t next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    return state ^= state << 17;
}

/* Random writes to the image and to model[]; near each other, so that clusters are met again. */
static void scribble(struct image *i, uint8_t *model, unsigned times)
{
    uint64_t all = image_sectors(i);
    while (times--) {
        uint64_t at = next() % 2 ? next() % all : next() % 512;
        uint32_t count = 1 + (uint32_t)(next() % MOST);
        if (count > all - at) count = (uint32_t)(all - at);
        uint8_t *to = model + at * SECTOR_SIZE;
        for (size_t n = 0; n < (size_t)count * SECTOR_SIZE; n += 8) put_le(to + n, next(), 8);
        ck_assert_int_eq(image_write(i, at, count, to), 0);
        if (next() % 8 == 0) ck_assert_int_eq(image_flush(i), 0);
    }
}

static void compare(struct image *i, const uint8_t *model)
{
    static uint8_t back[MOST * SECTOR_SIZE];
    for (uint64_t at = 0, n; at < image_sectors(i); at += n) {
        n = image_sectors(i) - at < MOST ? image_sectors(i) - at : MOST;
        ck_assert_int_eq(image_read(i, at, (uint32_t)n, back), 0);
        ck_assert_mem_eq(back, model + at * SECTOR_SIZE, n * SECTOR_SIZE);
    }
}

static void check_file(const char *path, const char *format)
{
    struct image_report r = { 0 };
    struct image_choice c = { .path = path, .format = format };
    struct image *i = image_open_choice(&c, IMAGE_READ_ONLY, note, sizeof note);
    ck_assert_msg(i != NULL, "%s", note);
    if (i->format->check) ck_assert_int_eq(i->format->check(i, &r, IMAGE_REPAIR_NOTHING), 0);
    ck_assert_msg(!r.corruptions, "%s", r.first);
    ck_assert_uint_eq(r.leaks, 0);
    image_close(i);
}

static const struct { const struct image_format *format; struct image_plan plan;
} kinds[] = {
    {&image_flat, {.bytes = DISK}},
    {&image_qcow2, {.bytes = DISK}},
    {&image_qcow2, {.bytes = DISK, .version = 2}},
    {&image_qcow2, {.bytes = DISK, .cluster = 512}}, /* the refcounts need several tables */
    {&image_qcow2, {.bytes = DISK, .cluster = 2 << 20}},
    {&image_vhd, {.bytes = DISK}},
    {&image_vhd, {.bytes = DISK, .cluster = 4096}},
    {&image_vhd, {.bytes = DISK, .fixed = true}},
    {&image_vmdk, {.bytes = DISK}},
    {&image_vmdk, {.bytes = DISK, .fixed = true}},
    {&image_vdi, {.bytes = DISK}},
    {&image_vdi, {.bytes = DISK, .fixed = true}},
};

START_TEST(what_is_written_comes_back)
{
    uint8_t *model = calloc(1, DISK);
    const char *format = kinds[_i].format->name;
    make("disk", kinds[_i].format, kinds[_i].plan);
    char path[128];
    snprintf(path, sizeof path, "%s", temp.path);
    for (unsigned round = 0; round < 3; round++) {
        struct image *i = must_open(path, NULL, format);
        ck_assert_uint_eq(image_sectors(i), DISK / SECTOR_SIZE);
        compare(i, model);
        scribble(i, model, 40);
        compare(i, model);
        image_close(i);
        check_file(path, format);
    }
    free(model);
}
END_TEST

/* A base that ends inside a cluster; its rest reads as zeroes. */
START_TEST(undoable_keeps_the_base)
{
    uint8_t *model = calloc(1, DISK), sector[512], wanted[512];
    temp_image(&temp, "base.img", 1001);
    temp_read(temp.path, 0, model, 1001 * 512);
    char path[128], journal[160];
    snprintf(path, sizeof path, "%s", temp.path);
    snprintf(journal, sizeof journal, "%s.undo.qcow2", path);
    for (unsigned round = 0; round < 3; round++) {
        struct image *i = must_open(path, "undoable", NULL);
        compare(i, model);
        scribble(i, model, 20);
        image_close(i);
        check_file(journal, NULL);
    }
    for (uint32_t n = 0; n < 1001; n++) {
        temp_sector(wanted, n);
        temp_read(path, n * 512ull, sector, 512);
        ck_assert_mem_eq(sector, wanted, 512);
    }
    ck_assert_int_eq(truncate(path, 1002 * 512), 0);
    ck_assert_ptr_null(open_as(path, "undoable", NULL));
    ck_assert_ptr_nonnull(strstr(note, "another size"));
    free(model);
}
END_TEST

START_TEST(what_is_missing_is_named)
{
    char disk[128];
    snprintf(disk, sizeof disk, "%s", temp_image(&temp, "base.img", 64));
    struct image_choice c = { .path = disk, .mode = "undoable", .journal = "/no/such/place/j" };
    ck_assert_ptr_null(image_open_choice(&c, IMAGE_WRITE, note, sizeof note));
    ck_assert_msg(strstr(note, "/no/such/place/j: ") && strstr(note, "journal=") &&
                      !strstr(note, "truncate"), "%s", note);
    struct image_plan p = { .bytes = 1 << 20, .base = "gone.img", .base_format = "raw" };
    ck_assert_ptr_null(open_as(make("over.qcow2", &image_qcow2, p), NULL, NULL));
    ck_assert_msg(strstr(note, "over.qcow2: its base /") && strstr(note, "gone.img: no such file"),
                  "%s", note);
}
END_TEST

START_TEST(the_name_says_the_format)
{
    make("a.qcow2", &image_qcow2, (struct image_plan){ .bytes = 1 << 20 });
    char path[128];
    snprintf(path, sizeof path, "%s", temp.path);
    struct image *i = must_open(path, NULL, NULL);
    ck_assert_uint_eq(image_sectors(i), 2048);
    ck_assert_ptr_null(open_as(path, NULL, NULL));
    ck_assert_ptr_nonnull(strstr(note, "in use"));
    image_close(i);
    ck_assert_ptr_null(open_as(path, "flat", NULL));
    ck_assert_ptr_nonnull(strstr(note, "would destroy"));
    ck_assert_ptr_null(open_as(path, NULL, "vhd"));
    ck_assert_ptr_nonnull(strstr(note, "is not a VHD"));
    i = must_open(path, NULL, "raw");                          /* told so: a warning, not a guess */
    ck_assert_ptr_nonnull(strstr(note, "begins like a qcow2"));
    ck_assert_uint_gt(image_sectors(i), 0);
    image_close(i);
    ck_assert_ptr_null(open_as(temp_image(&temp, "b.vmdk", 10), NULL, NULL));
    ck_assert_ptr_nonnull(strstr(note, "is not a VMDK"));
    int fd = open(temp_image(&temp, "grow.img", 10), O_RDWR);
    ck_assert_int_eq(pwrite(fd, "Bochs Virtual HD Image", 23, 0), 23);
    close(fd);
    ck_assert_ptr_null(open_as(temp.path, "growing", NULL));
    ck_assert_ptr_nonnull(strstr(note, "bximage"));
}
END_TEST

/* Its own base, directly and over another file. */
START_TEST(chains_end)
{
    make("loop.qcow2", &image_qcow2,
         (struct image_plan){ .bytes = 1 << 20, .base = "loop.qcow2", .base_format = "qcow2" });
    struct image_choice c = { .path = temp.path };
    ck_assert_ptr_null(image_open_choice(&c, IMAGE_READ_ONLY, note, sizeof note));
    ck_assert_ptr_nonnull(strstr(note, "has no end"));
    ck_assert_ptr_null(strchr(note, '\n'));
    make("gone.qcow2", &image_qcow2,
         (struct image_plan){ .bytes = 1 << 20, .base = "nothing.img", .base_format = "raw" });
    ck_assert_ptr_null(open_as(temp.path, NULL, NULL));
    ck_assert_ptr_nonnull(strstr(note, "nothing.img: no such file"));
}
END_TEST

/* ---- damage ---------------------------------------------------------------------------------- */
static const struct {
    const struct image_format *format;
    unsigned at, width;
    uint64_t value;
    const char *cause;
} wrong[] = {
    {&image_qcow2, 0, 4, 1, "not a qcow2"},
    {&image_qcow2, 4, 4, 4, "version 4"},
    {&image_qcow2, 8, 8, 1 << 16, NULL}, /* the name of a base: 0 bytes long */
    {&image_qcow2, 16, 4, 2000, NULL},
    {&image_qcow2, 20, 4, 8, "cluster size"},
    {&image_qcow2, 20, 4, 63, "cluster size"},
    {&image_qcow2, 24, 8, UINT64_MAX, "size is impossible"},
    {&image_qcow2, 24, 8, (uint64_t)1 << 40, "L1 table"},
    {&image_qcow2, 32, 4, 1, "encrypted"},
    {&image_qcow2, 36, 4, UINT32_MAX, "L1 table"},
    {&image_qcow2, 40, 8, 3, "L1 table"},
    {&image_qcow2, 48, 8, UINT64_MAX - 511, "refcount table"},
    {&image_qcow2, 56, 4, UINT32_MAX, "refcount table"},
    {&image_qcow2, 60, 4, 1, "snapshots"},
    {&image_qcow2, 72, 8, 2, "corrupt"},
    {&image_qcow2, 72, 8, 4, "external data"},
    {&image_qcow2, 72, 8, 8, "zstd"},
    {&image_qcow2, 72, 8, 16, "extended"},
    {&image_qcow2, 72, 8, (uint64_t)1 << 63, "unknown features"},
    {&image_qcow2, 96, 4, 7, "reference counts"},
    {&image_qcow2, 100, 4, 1 << 30, "header's length"},
    {&image_qcow2, 104, 8, 0x12345678FFFFFFFF, "extension"},
    {&image_vdi, 0x40, 4, 0, "not a VDI"},
    {&image_vdi, 0x44, 4, 2, "version"},
    {&image_vdi, 0x154, 4, 0x10000200, "block map"}, /* the header is little-endian: 200h, 1 */
    {&image_vdi, 0x158, 4, UINT32_MAX, "impossible place"},
    {&image_vdi, 0x178, 4, 0, "block size"},
    {&image_vdi, 0x180, 4, UINT32_MAX, "too short"},
    {&image_vdi, 0x170, 8, UINT64_MAX, "too short"},
    {&image_vmdk, 0, 4, 0, "not a VMDK"},
    {&image_vmdk, 4, 4, 0x09000000, "version"},
    {&image_vmdk, 8, 4, 0x00000100, "compressed"},
    {&image_vmdk, 12, 8, UINT64_MAX, "size is impossible"},
    {&image_vmdk, 20, 8, 0, "grain size"},
    {&image_vmdk, 44, 4, 1, "512"},
    {&image_vmdk, 56, 8, UINT64_MAX, "footer"},
    {&image_vmdk, 56, 8, (uint64_t)1 << 56 | 0xFF, "directory"},
    {&image_vmdk, 77, 2, 0x0200, "unknown way"},
    {&image_vhd, 512, 4, 0, "header"},
    {&image_vhd, 0x210, 8, UINT64_MAX, "checksum"},
};

START_TEST(damage_is_refused_with_one_line)
{
    const struct image_plan p = { .bytes = 1 << 20 };
    char path[128];
    uint8_t raw[8];
    snprintf(path, sizeof path, "%s", make("bad", wrong[_i].format, p));
    put_be(raw, wrong[_i].value, wrong[_i].width);
    int fd = open(path, O_RDWR);
    ck_assert_int_eq(pwrite(fd, raw, wrong[_i].width, wrong[_i].at), wrong[_i].width);
    close(fd);
    struct image *i = open_as(path, NULL, wrong[_i].format->name);
    if (!wrong[_i].cause) {
        ck_assert_msg(i != NULL, "%s", note);
        image_close(i);
        return;
    }
    ck_assert_msg(!i, "row %d was opened", _i);
    ck_assert_msg(strstr(note, wrong[_i].cause) != NULL, "row %d: %s", _i, note);
    ck_assert_ptr_nonnull(strstr(note, path));
    ck_assert_ptr_null(strchr(note, '\n'));
}
END_TEST

/* L2 entries that point at the header and at the L1 table; a count that says the cluster is shared.
 */
START_TEST(tables_are_not_overwritten)
{
    uint8_t raw[8], sector[512] = { 1 }, before[512], after[512];
    char path[128];
    snprintf(path, sizeof path, "%s",
             make("a.qcow2", &image_qcow2, (struct image_plan){.bytes = 1 << 20}));
    struct image *i = must_open(path, NULL, NULL);
    ck_assert_int_eq(image_write(i, 0, 1, sector), 0);
    image_close(i);
    temp_read(path, 3 * 65536, raw, 8); /* header, table, block, L1, L2, data */
    uint64_t l2 = get_be64(raw) & 0x00FFFFFFFFFFFE00;
    for (unsigned n = 0; n < 4; n += 3) {
        int fd = open(path, O_RDWR);
        put_be(raw, (uint64_t)1 << 63 | n * 65536ull | (n ? 0 : 512), 8);
        ck_assert_int_eq(pwrite(fd, raw, 8, (off_t)l2), 8);
        temp_read(path, n * 65536ull, before, 512);
        i = must_open(path, NULL, NULL);
        ck_assert_int_eq(image_write(i, 0, 1, sector), EUCLEAN);
        ck_assert_int_eq(image_read(i, 0, 1, sector), EUCLEAN);
        image_close(i);
        temp_read(path, n * 65536ull, after, 512);
        ck_assert_mem_eq(before, after, 512);
        close(fd);
    }
}
END_TEST

/* A crash can leave counts of clusters that the file does not reach: lost space, nothing more. */
START_TEST(counts_past_the_end)
{
    uint8_t one[2] = { 0, 1 }, sector[512] = { 9 };
    const char *path = make("a.qcow2", &image_qcow2, (struct image_plan){ .bytes = 1 << 20 });
    int fd = open(path, O_RDWR);
    for (unsigned n = 4; n < 7; n++)                           /* 0-3: header, table, block, L1 */
        ck_assert_int_eq(pwrite(fd, one, 2, 2 * 65536 + n * 2), 2);
    close(fd);
    struct image *i = must_open(path, NULL, NULL);
    ck_assert_int_eq(image_write(i, 5, 1, sector), 0);
    image_close(i);
    i = must_open(path, NULL, NULL);
    ck_assert_int_eq(image_read(i, 5, 1, sector), 0);
    ck_assert_uint_eq(sector[0], 9);
    image_close(i);
}
END_TEST

static uint64_t corruptions(const char *path)
{
    struct image_report r = { 0 };
    struct image_choice c = { .path = path };
    struct image *i = image_open_choice(&c, IMAGE_READ_ONLY, note, sizeof note);
    ck_assert_msg(i != NULL, "%s", note);
    ck_assert_int_eq(i->format->check(i, &r, IMAGE_REPAIR_NOTHING), 0);
    image_close(i);
    return r.corruptions;
}

START_TEST(a_base_cannot_write_lines)
{
    struct image_plan p = { .bytes = 1 << 20, .base = "no\nsuch\033[2Jdisk" };
    ck_assert_ptr_null(open_as(make("a.qcow2", &image_qcow2, p), NULL, NULL));
    ck_assert_ptr_nonnull(strstr(note, "no?such?[2Jdisk: no such file"));
}
END_TEST

/* The disk's last sector would be the footer: writing it would leave no image behind. */
START_TEST(a_footer_is_not_a_sector)
{
    const char *path = make("a.vhd", &image_vhd,
                            (struct image_plan){ .bytes = 8192, .fixed = true });
    uint8_t footer[512];
    temp_read(path, 8192, footer, sizeof footer);
    put_at(path, 8192 - 200, footer, sizeof footer);
    ck_assert_int_eq(truncate(path, 8192 - 200 + 512), 0);
    ck_assert_ptr_null(open_as(path, NULL, NULL));
    ck_assert_ptr_nonnull(strstr(note, "cut off"));
    put_at(path, 0, footer, sizeof footer);        /* a copy where only dynamic disks have one */
    put_at(path, 8192, "no footer", 9);
    ck_assert_int_eq(truncate(path, 16384), 0);
    ck_assert_ptr_null(open_as(path, NULL, NULL));
    ck_assert_ptr_nonnull(strstr(note, "cut off"));
}
END_TEST

/* A dynamic disk has its footer twice. Whichever of the two is damaged, the other one counts. */
START_TEST(a_footer_has_a_copy)
{
    uint8_t sector[512], wrong_byte = 0xA5;
    char path[128];
    struct stat st;
    snprintf(path, sizeof path, "%s",
             make("a.vhd", &image_vhd, (struct image_plan){ .bytes = 1 << 20, .cluster = 4096 }));
    struct image *i = must_open(path, NULL, NULL);
    temp_sector(sector, 5);
    ck_assert_int_eq(image_write(i, 5, 1, sector), 0);
    image_close(i);
    for (unsigned n = 0; n < 2; n++) {
        ck_assert_int_eq(stat(path, &st), 0);
        put_at(path, n ? 68 : (uint64_t)st.st_size - 512 + 68, &wrong_byte, 1);
        i = must_open(path, NULL, NULL);               /* writes the one at the end anew */
        memset(sector, 0, sizeof sector);
        ck_assert_int_eq(image_read(i, 5, 1, sector), 0);
        ck_assert_uint_eq(sector[0], 5);
        image_close(i);
    }
    put_at(path, (uint64_t)st.st_size - 512 + 68, &wrong_byte, 1);
    ck_assert_ptr_null(open_as(path, NULL, NULL));
    ck_assert_ptr_nonnull(strstr(note, "checksum"));
}
END_TEST

/* A grain table past the end reads as zeroes, and the first grain would be written over it. */
START_TEST(a_check_sees_tables)
{
    uint8_t raw[4], sector[512] = { 1 };
    char path[128];
    snprintf(path, sizeof path, "%s",
             make("a.vmdk", &image_vmdk, (struct image_plan){ .bytes = 1 << 20 }));
    ck_assert_uint_eq(corruptions(path), 0);
    temp_read(path, 56, raw, 4);
    uint64_t directory = (uint64_t)get_le32(raw) * SECTOR_SIZE;
    put_le(raw, 1 << 20, 4);
    put_at(path, directory, raw, 4);
    ck_assert_uint_ne(corruptions(path), 0);
    put_le(raw, directory / SECTOR_SIZE, 4);       /* and one in the directory itself */
    put_at(path, directory, raw, 4);
    ck_assert_uint_ne(corruptions(path), 0);

    snprintf(path, sizeof path, "%s",
             make("a.vhd", &image_vhd, (struct image_plan){ .bytes = 1 << 20, .cluster = 4096 }));
    struct image *i = must_open(path, NULL, NULL);
    ck_assert_int_eq(image_write(i, 0, 1, sector), 0);
    ck_assert_int_eq(image_write(i, 16, 1, sector), 0);
    image_close(i);
    ck_assert_uint_eq(corruptions(path), 0);
    temp_read(path, 1536, raw, 4);
    put_be(raw, get_be32(raw) + 8, 4);          /* its bitmap would be in the other's last sector */
    put_at(path, 1536 + 8, raw, 4);
    ck_assert_uint_ne(corruptions(path), 0);
}
END_TEST

/* A small file could name one table of half a million entries a hundred thousand times. */
START_TEST(a_check_counts_a_table_once)
{
    uint8_t sector[512] = { 1 }, raw[8];
    char path[128];
    snprintf(path, sizeof path, "%s", make("a.qcow2", &image_qcow2, (struct image_plan){
        .bytes = 1 << 20, .cluster = 512 }));
    struct image *i = must_open(path, NULL, NULL);
    ck_assert_int_eq(image_write(i, 0, 1, sector), 0);
    image_close(i);
    temp_read(path, 40, raw, 8);
    uint64_t l1 = get_be64(raw);
    temp_read(path, l1, raw, 8);
    for (unsigned n = 1; n < 32; n++) put_at(path, l1 + n * 8, raw, 8);
    struct image_report r = { 0 };
    i = must_open(path, NULL, NULL);
    ck_assert_int_eq(i->format->check(i, &r, IMAGE_REPAIR_NOTHING), 0);
    image_close(i);
    ck_assert_uint_ge(r.corruptions, 31);
    ck_assert_uint_eq(r.allocated, 1);
}
END_TEST

/* ---- folders --------------------------------------------------------------------------------- */
START_TEST(a_folder_is_a_disk)
{
    uint8_t sector[512], wanted[512];
    temp_image(&temp, "A file with a long name.txt", 3);
    struct image *i = must_open(temp.dir, "vvfat", NULL);
    ck_assert_int_eq(image_read(i, 0, 1, sector), 0);
    ck_assert_uint_eq(get_le16(sector + 510), 0xAA55);
    ck_assert_uint_eq(get_le16(sector), 0x18CD);               /* INT 18h: boot something else */
    uint64_t start = get_le32(sector + 446 + 8), found = 0;
    ck_assert_int_eq(image_read(i, start, 1, sector), 0);
    ck_assert_mem_eq(sector + 54, "FAT16   ", 8);
    ck_assert_uint_eq(get_le16(sector + 2 + sector[1]), 0x18CD);
    temp_sector(wanted, 1);
    for (uint64_t at = start; at < start + 2000 && !found; at++) {
        ck_assert_int_eq(image_read(i, at, 1, sector), 0);
        if (!memcmp(sector, wanted, 512)) found = at;
    }
    ck_assert_uint_ne(found, 0);
    memset(sector, 0x77, sizeof sector);
    ck_assert_int_eq(image_write(i, found, 1, sector), 0);
    ck_assert_int_eq(image_read(i, found, 1, wanted), 0);
    ck_assert_mem_eq(wanted, sector, 512);
    image_close(i);
    temp_sector(wanted, 1);
    temp_read(temp.path, 512, sector, 512);
    ck_assert_mem_eq(wanted, sector, 512);                     /* the host's file is as it was */
    ck_assert_ptr_null(open_as(temp.path, "vvfat", NULL));
    ck_assert_ptr_nonnull(strstr(note, "not a folder"));
}
END_TEST

/* ---- several files --------------------------------------------------------------------------- */
static void put_text(const char *name, const char *text)
{
    FILE *f = fopen(temp_path(&temp, name), "wb");
    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    ck_assert_int_eq(fclose(f), 0);
}

static const char vmdk_text[] =
    "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType=\"custom\"\n"
    "RW 100 FLAT \"a.img\" 7\nRW 2048 SPARSE \"b.vmdk\"\nRW 50 FLAT \"c.img\" 0\nRW 10 ZERO\n";

/* Writes go to their extents, over the seams, too; a hole reads as zeroes and takes no writes. */
START_TEST(vmdk_with_extents)
{
    enum { SECTORS = 100 + 2048 + 50 };
    uint8_t *model = calloc(SECTORS, SECTOR_SIZE), sector[512];
    temp_image(&temp, "a.img", 107);
    make("b.vmdk", &image_vmdk, (struct image_plan){ .bytes = 2048 * SECTOR_SIZE });
    temp_image(&temp, "c.img", 50);
    put_text("disk.vmdk", vmdk_text);
    char path[128];
    snprintf(path, sizeof path, "%s", temp.path);
    struct image *i = must_open(path, NULL, NULL);
    ck_assert_uint_eq(image_sectors(i), SECTORS + 10);
    for (unsigned n = 0; n < 100; n++) temp_sector(model + n * SECTOR_SIZE, n + 7);
    for (unsigned n = 0; n < 50; n++) temp_sector(model + (2148 + n) * SECTOR_SIZE, n);
    i->sectors = SECTORS;                  /* not the hole */
    compare(i, model);
    scribble(i, model, 300);
    compare(i, model);
    i->sectors = SECTORS + 10;
    ck_assert_int_eq(image_read(i, SECTORS + 9, 1, sector), 0);
    ck_assert_uint_eq(sector[0] | sector[511], 0);
    ck_assert_int_eq(image_write(i, SECTORS, 1, sector), EROFS);
    ck_assert_ptr_null(open_as(path, NULL, NULL));         /* its extents are locked */
    image_close(i);
    i = must_open(path, NULL, NULL);
    i->sectors = SECTORS;
    compare(i, model);
    image_close(i);
    temp_path(&temp, "c.img");
    ck_assert_int_eq(truncate(temp.path, 49 * 512), 0);
    ck_assert_ptr_null(open_as(path, NULL, NULL));
    ck_assert_ptr_nonnull(strstr(note, "c.img is shorter"));
    unlink(temp.path);
    ck_assert_ptr_null(open_as(path, NULL, NULL));
    ck_assert_ptr_nonnull(strstr(note, "c.img: no such file"));
    free(model);
}
END_TEST

/* A descriptor that is its own extent, other folders, kinds that nobody knows. */
START_TEST(bad_extents)
{
    static const char *const bad[][2] = {
        { "RW 10 SPARSE \"bad.vmdk\"", "not a VMDK" }, { "RW 10 FLAT \"/etc/passwd\" 0", "folder" },
        { "RW 10 FLAT \"../x\" 0", "folder" }, { "RW 10 VMFSRAW \"x\"", "VMFSRAW" },
        { "RW 10 FLAT \"bad.vmdk\" 99999999999", "shorter" }, { "nothing", "no extent" },
    };
    for (unsigned n = 0; n < COUNT_OF(bad); n++) {
        char text[256];
        snprintf(text, sizeof text, "# Disk DescriptorFile\ncreateType=\"x\"\n%s\n", bad[n][0]);
        put_text("bad.vmdk", text);
        struct image_choice c = { .path = temp.path };
        ck_assert_ptr_null(image_open_choice(&c, IMAGE_READ_ONLY, note, sizeof note));
        ck_assert_msg(strstr(note, bad[n][1]) != NULL, "%s: %s", bad[n][0], note);
        ck_assert_ptr_null(strchr(note, '\n'));
    }
}
END_TEST

/* mode=concat: the last character of the name counts on. */
START_TEST(concat)
{
    enum { SECTORS = 100 + 1 + 700 };
    uint8_t *model = calloc(SECTORS, SECTOR_SIZE);
    temp_image(&temp, "disk-3", 700);
    temp_image(&temp, "disk-2", 1);
    temp_image(&temp, "disk-1", 100);
    struct image *i = must_open(temp.path, "concat", NULL);
    ck_assert_uint_eq(image_sectors(i), SECTORS);
    for (unsigned n = 0; n < SECTORS; n++)
        temp_sector(model + n * SECTOR_SIZE, n < 100 ? n : n < 101 ? n - 100 : n - 101);
    compare(i, model);
    scribble(i, model, 100);
    compare(i, model);
    image_close(i);
    i = must_open(temp.path, "concat", NULL);
    compare(i, model);
    image_close(i);
    i = must_open(temp.path, "undoable", "concat");
    scribble(i, model, 5);
    compare(i, model);
    image_close(i);
    temp_path(&temp, "disk-2");
    ck_assert_int_eq(truncate(temp.path, 700), 0);
    temp_path(&temp, "disk-1");
    ck_assert_ptr_null(open_as(temp.path, "concat", NULL));
    ck_assert_ptr_nonnull(strstr(note, "multiple of 512"));
    free(model);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("image formats");
    TCase *c = tcase_create("image formats");
    tcase_add_checked_fixture(c, begin, end);
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, what_is_written_comes_back, 0, COUNT_OF(kinds));
    tcase_add_test(c, undoable_keeps_the_base);
    tcase_add_test(c, what_is_missing_is_named);
    tcase_add_test(c, the_name_says_the_format);
    tcase_add_test(c, chains_end);
    tcase_add_loop_test(c, damage_is_refused_with_one_line, 0, COUNT_OF(wrong));
    tcase_add_test(c, tables_are_not_overwritten);
    tcase_add_test(c, counts_past_the_end);
    tcase_add_test(c, a_base_cannot_write_lines);
    tcase_add_test(c, a_footer_is_not_a_sector);
    tcase_add_test(c, a_footer_has_a_copy);
    tcase_add_test(c, a_check_sees_tables);
    tcase_add_test(c, a_check_counts_a_table_once);
    tcase_add_test(c, a_folder_is_a_disk);
    tcase_add_test(c, vmdk_with_extents);
    tcase_add_test(c, bad_extents);
    tcase_add_test(c, concat);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
