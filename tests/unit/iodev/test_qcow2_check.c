/* SPDX-License-Identifier: MIT
 * Checking and repairing qcow2: what is only reserved is freed, counts are put right, and whatever
 * else is wrong, no data is given away.
 */
#include <errno.h>
#include "tests/unit/iodev/image_bench.h"

enum { CLUSTER = 512, ENTRIES = CLUSTER / 8, CLUSTERS = 4 * ENTRIES, HEADER_FEATURES = 72,
       HEADER_L1 = 40, HEADER_REFTABLE = 48, DIRTY = 1, CORRUPT = 2 };
#define COPIED ((uint64_t)1 << 63)
#define OFFSET ((uint64_t)0x00FFFFFFFFFFFE00)

static char path[128];
static struct image_report report;

static uint64_t number(uint64_t at)
{
    uint8_t raw[8];
    temp_read(path, at, raw, 8);
    return get_be64(raw);
}

static void put_number(uint64_t at, uint64_t value, unsigned width)
{
    uint8_t raw[8];
    put_be(raw, value, width);
    put_at(path, at, raw, width);
}

static uint64_t l2_entry(uint64_t cluster)
{
    uint64_t table = number(number(HEADER_L1) + cluster / ENTRIES * 8) & OFFSET;
    return table + cluster % ENTRIES * 8;
}

static uint64_t count_at(uint64_t offset)
{
    return number(number(HEADER_REFTABLE)) + offset / CLUSTER * 2;     /* in the first block */
}

static struct image *open_with(enum image_access access)
{
    struct image_choice c = { .path = path };
    return image_open_choice(&c, access, note, sizeof note);
}

/* A disk with numbered clusters in the first and the last of its four tables; behind them a hole of
 * the file. */
static void begin(void)
{
    uint8_t sector[SECTOR_SIZE];
    temp_begin(&temp);
    snprintf(path, sizeof path, "%s",
             make("a.qcow2", &image_qcow2,
                  (struct image_plan){ .bytes = CLUSTERS * CLUSTER, .cluster = CLUSTER }));
    struct image *i = must_open(path, NULL, NULL);
    for (uint32_t n = 0; n < 8; n++) {
        uint32_t at = n < 4 ? n : 3 * ENTRIES + n;
        temp_sector(sector, at);
        ck_assert_int_eq(image_write(i, at, 1, sector), 0);
    }
    image_close(i);
    ck_assert_int_eq(truncate(path, 64 * CLUSTER), 0);
}

static void end(void) { temp_end(&temp); }

static void check(enum image_repair repair)
{
    struct image *i = open_with(repair ? IMAGE_REPAIR : IMAGE_READ_ONLY);
    ck_assert_msg(i != NULL, "%s", note);
    report = (struct image_report){ 0 };
    ck_assert_int_eq(i->format->check(i, &report, repair), 0);
    image_close(i);
}

static void expect_data(uint32_t first)
{
    uint8_t sector[SECTOR_SIZE], wanted[SECTOR_SIZE];
    struct image *i = open_with(IMAGE_READ_ONLY);
    ck_assert_msg(i != NULL, "%s", note);
    for (uint32_t n = first; n < first + 4; n++) {
        ck_assert_int_eq(image_read(i, n, 1, sector), 0);
        temp_sector(wanted, n);
        ck_assert_mem_eq(sector, wanted, sizeof wanted);
    }
    image_close(i);
}

/* Everything else of the disk is written, so whatever counts as free is used. */
static void fill_the_rest(void)
{
    static const uint8_t ones[SECTOR_SIZE] = { 1, 1, 1 };
    struct image *i = must_open(path, NULL, NULL);
    for (uint32_t n = 8; n < 3 * ENTRIES; n++) ck_assert_int_eq(image_write(i, n, 1, ones), 0);
    image_close(i);
}

START_TEST(leaks_alone)
{
    uint64_t data = number(l2_entry(0)) & OFFSET;
    put_number(count_at(data), 0, 2);                  /* damage */
    put_number(count_at(60 * CLUSTER), 1, 2);          /* space that is lost */
    check(IMAGE_REPAIR_NOTHING);
    ck_assert_uint_eq(report.corruptions, 1);
    ck_assert_uint_eq(report.leaks, 1);
    check(IMAGE_REPAIR_LEAKS);
    ck_assert_uint_eq(report.freed, 1);
    ck_assert_uint_eq(report.repaired, 0);
    check(IMAGE_REPAIR_NOTHING);
    ck_assert_uint_eq(report.corruptions, 1);
    ck_assert_uint_eq(report.leaks, 0);
    check(IMAGE_REPAIR_ALL);
    ck_assert_uint_eq(report.repaired, 1);
    check(IMAGE_REPAIR_NOTHING);
    ck_assert_uint_eq(report.corruptions, 0);
}
END_TEST

/* An entry of one table points to another table: the clusters of that one are still in use. */
START_TEST(a_table_that_is_data_too_keeps_its_clusters)
{
    uint64_t table = number(number(HEADER_L1) + 3 * 8) & OFFSET;
    put_number(l2_entry(5), table | COPIED, 8);
    check(IMAGE_REPAIR_NOTHING);
    ck_assert_uint_gt(report.corruptions, 0);
    ck_assert_uint_eq(report.leaks, 0);
    check(IMAGE_REPAIR_ALL);
    fill_the_rest();
    expect_data(3 * ENTRIES + 4);
    check(IMAGE_REPAIR_NOTHING);
    ck_assert_uint_eq(report.corruptions, 0);
}
END_TEST

/* Two parts of the disk with one table. Which of them it belongs to nobody knows: nothing is freed,
 * and the image is still damaged. */
START_TEST(a_shared_table_stays_damage)
{
    uint64_t l1 = number(HEADER_L1);
    put_number(l1 + 8, number(l1), 8);
    put_number(count_at(60 * CLUSTER), 1, 2);
    check(IMAGE_REPAIR_ALL);
    ck_assert_uint_gt(report.corruptions, report.repaired);
    ck_assert_uint_eq(report.leaks, 1);
    ck_assert_uint_eq(report.freed, 0);
    expect_data(0);
}
END_TEST

/* Two entries for one cluster: written through either of them, the other one stays. */
START_TEST(a_shared_cluster_is_nobodys_own)
{
    uint8_t other[SECTOR_SIZE] = { 77 };
    put_number(l2_entry(5), number(l2_entry(0)), 8);
    check(IMAGE_REPAIR_ALL);
    ck_assert_uint_gt(report.corruptions, 0);
    ck_assert_uint_eq(report.corruptions, report.repaired);
    check(IMAGE_REPAIR_NOTHING);
    ck_assert_uint_eq(report.corruptions, 0);
    struct image *i = must_open(path, NULL, NULL);
    ck_assert_int_eq(image_write(i, 5, 1, other), 0);
    image_close(i);
    expect_data(0);
    check(IMAGE_REPAIR_NOTHING);
    ck_assert_uint_eq(report.corruptions, 0);
}
END_TEST

START_TEST(the_mark_goes_with_the_damage)
{
    put_number(HEADER_FEATURES, CORRUPT, 8);
    ck_assert_ptr_null(open_with(IMAGE_WRITE));
    ck_assert_ptr_nonnull(strstr(note, "vitro-img check -r all"));
    check(IMAGE_REPAIR_LEAKS);
    ck_assert_uint_eq(number(HEADER_FEATURES), CORRUPT);
    check(IMAGE_REPAIR_ALL);
    ck_assert_uint_eq(number(HEADER_FEATURES), 0);
    image_close(must_open(path, NULL, NULL));
}
END_TEST

START_TEST(the_mark_stays_with_the_damage)
{
    uint64_t l1 = number(HEADER_L1);
    put_number(l1 + 8, number(l1), 8);
    put_number(HEADER_FEATURES, CORRUPT | DIRTY, 8);
    check(IMAGE_REPAIR_ALL);
    ck_assert_uint_eq(number(HEADER_FEATURES), CORRUPT | DIRTY);
    ck_assert_ptr_null(open_with(IMAGE_WRITE));
}
END_TEST

/* Lazy reference counts: what is damaged besides is not forgotten over what was only not counted.
 */
START_TEST(a_damaged_image_that_was_not_closed)
{
    uint64_t l1 = number(HEADER_L1);
    put_number(l1 + 8, number(l1), 8);
    for (unsigned n = 60; n < 64; n++) put_number(count_at(n * CLUSTER), 1, 2);
    put_number(HEADER_FEATURES, DIRTY, 8);
    ck_assert_ptr_null(open_with(IMAGE_WRITE));
    ck_assert_ptr_nonnull(strstr(note, "damaged"));
}
END_TEST

/* The mark of an own cluster may be missing, that costs only time; repairing sets it. One without
 * a cluster means nothing, as in QEMU. */
START_TEST(marks_of_own_clusters)
{
    uint8_t sector[SECTOR_SIZE];
    put_number(l2_entry(1), number(l2_entry(1)) & ~COPIED, 8);
    put_number(l2_entry(9), COPIED, 8);
    check(IMAGE_REPAIR_NOTHING);
    ck_assert_uint_eq(report.corruptions, 0);
    struct image *i = open_with(IMAGE_READ_ONLY);
    ck_assert_int_eq(image_read(i, 9, 1, sector), 0);
    ck_assert_uint_eq(sector[5], 0);
    image_close(i);
    check(IMAGE_REPAIR_ALL);
    ck_assert(number(l2_entry(1)) & COPIED);
    expect_data(0);
}
END_TEST

/* Reserved bits of an entry: as in QEMU, damage; and nobody knows what they wanted to say. */
START_TEST(reserved_bits)
{
    static const uint64_t bits[] = { (uint64_t)1 << 60, 1 << 8 };
    uint64_t entry = number(l2_entry(1));
    for (unsigned i = 0; i < COUNT_OF(bits); i++) {
        put_number(l2_entry(1), entry | bits[i], 8);
        check(IMAGE_REPAIR_ALL);
        ck_assert_uint_eq(report.corruptions, 1);
        ck_assert_uint_eq(report.repaired, 0);
        expect_data(0);
    }
}
END_TEST

/* An entry that names the L1 table: whoever reads there is told what to do. */
START_TEST(damage_has_words)
{
    uint8_t sector[SECTOR_SIZE];
    put_number(l2_entry(1), number(HEADER_L1) | COPIED, 8);
    struct image *i = open_with(IMAGE_READ_ONLY);
    int error = image_read(i, 1, 1, sector);
    ck_assert_ptr_nonnull(strstr(image_error_text(error), "vitro-img check"));
    ck_assert_str_eq(image_error_text(ENOSPC), strerror(ENOSPC));
    image_close(i);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        marks_of_own_clusters, reserved_bits,
        leaks_alone, a_table_that_is_data_too_keeps_its_clusters, a_shared_table_stays_damage,
        a_shared_cluster_is_nobodys_own, the_mark_goes_with_the_damage,
        the_mark_stays_with_the_damage, a_damaged_image_that_was_not_closed, damage_has_words,
    };
    return temp_run("qcow2 check", begin, end, tests, COUNT_OF(tests));
}
