/* SPDX-License-Identifier: MIT
 * The physical address space: map, priorities, shadowing, access splitting, code and dirty pages.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "memory/memory.h"

#define RAM (8u << 20)

static struct memory *m;
static uint8_t rom[0x10000], vram[0x4000];

static void setup(void)
{
    m = memory_new(RAM, NULL);
    ck_assert_ptr_nonnull(m);
    memset(rom, 0xC3, sizeof rom);
    memset(vram, 0, sizeof vram);
}

static void teardown(void)
{
    memory_free(m);
}

/* A device that notes what the bus calls. */
struct access { uint32_t offset, value; enum width size; bool write; };
static struct access seen[16];
static unsigned seen_count;

static void note(uint32_t offset, uint32_t value, enum width size, bool write)
{
    if (seen_count < 16) seen[seen_count++] = (struct access){ offset, value, size, write };
}

static uint32_t io_in(struct device *d, uint32_t offset, enum width size)
{
    (void)d;
    note(offset, 0, size, false);
    return 0x44332211u + 0x01010101u * offset;
}

static void io_out(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    (void)d;
    note(offset, value, size, true);
}

static uint32_t io_look(const struct device *d, uint32_t offset)
{
    (void)d;
    return 0xA0 + offset;
}

/* A watcher that counts. */
static unsigned remaps, writes, cleans;
static uint64_t written_at, written_len;
static uint64_t remapped_at, remapped_len;
static void remapped(void *ctx, uint64_t base, uint64_t len)
{
    (void)ctx;
    remapped_at = base;
    remapped_len = len;
    remaps++;
}
static void cleaned(void *ctx) { (void)ctx; cleans++; }
static void written(void *ctx, uint64_t paddr, uint64_t len)
{
    (void)ctx;
    writes++;
    written_at = paddr;
    written_len = len;
}

static void watch(void)
{
    remaps = writes = cleans = 0;
    memory_watch(m, &(struct memory_watcher){ remapped, written, cleaned, NULL });
}

START_TEST(ram_reads_back_little_endian)
{
    memory_write(m, 0x1000, 0x1122334455667788u, QWORD);
    ck_assert_uint_eq(memory_read(m, 0x1000, BYTE), 0x88);
    ck_assert_uint_eq(memory_read(m, 0x1001, WORD), 0x6677);
    ck_assert_uint_eq(memory_read(m, 0x1003, DWORD), 0x22334455);
    ck_assert_uint_eq(memory_read(m, 0x1000, QWORD), 0x1122334455667788u);
    ck_assert_uint_eq(memory_page(m, 0x1ABC).read[0], 0x88);
}
END_TEST

START_TEST(accesses_cross_pages_and_the_end_of_ram)
{
    memory_write(m, 0x1FFD, 0xDDCCBBAA99887766u, QWORD);
    ck_assert_uint_eq(memory_read(m, 0x1FFD, QWORD), 0xDDCCBBAA99887766u);
    ck_assert_uint_eq(memory_read(m, 0x2000, BYTE), 0x99);
    memory_write(m, RAM - 2, 0x12345678, DWORD);
    ck_assert_uint_eq(memory_read(m, RAM - 2, DWORD), 0xFFFF5678);
}
END_TEST

START_TEST(nothing_there_reads_ones)
{
    const uint64_t at[] = { RAM, 0xA0000, 0xFFFFFFFC, 0x100000000, UINT64_MAX - 3, UINT64_MAX };
    for (unsigned i = 0; i < COUNT_OF(at); i++) {
        memory_write(m, at[i], 0, DWORD);
        ck_assert_uint_eq(memory_read(m, at[i], BYTE), 0xFF);
        ck_assert_uint_eq(memory_peek(m, at[i]), 0xFF);
        ck_assert_ptr_null(memory_page(m, at[i]).read);
        memory_mark_dirty(m, at[i]);
        memory_set_code(m, at[i], true);
    }
    ck_assert_uint_eq(memory_read(m, 0xA0000, QWORD), UINT64_MAX);
}
END_TEST

START_TEST(rom_ignores_writes_and_pam_moves_them_to_ram)
{
    memory_map_host(m, "rom", REGION_ROM, 1, 0xF0000, sizeof rom, rom);
    memory_write(m, 0xF0000, 0x55, BYTE);
    ck_assert_uint_eq(memory_read(m, 0xF0000, BYTE), 0xC3);
    ck_assert_ptr_null(memory_page(m, 0xF0000).write);

    memory_shadow(m, 0xF0000, 0x10000, false, true);  /* PAM write-only: the BIOS copies itself */
    struct memory_page p = memory_page(m, 0xF0000);
    ck_assert_ptr_eq(p.read, rom);
    ck_assert_ptr_ne(p.write, p.read);
    ck_assert_ptr_nonnull(p.write);
    memory_write(m, 0xF0000, 0x77, BYTE);
    ck_assert_uint_eq(memory_read(m, 0xF0000, BYTE), 0xC3);
    ck_assert_uint_eq(rom[0], 0xC3);

    memory_shadow(m, 0xF0000, 0x10000, true, false);        /* and then protects the copy */
    ck_assert_uint_eq(memory_read(m, 0xF0000, BYTE), 0x77);
    memory_write(m, 0xF0000, 0x99, BYTE);
    ck_assert_uint_eq(memory_read(m, 0xF0000, BYTE), 0x77);

    memory_shadow(m, 0xF0000, 0x10000, true, true);
    memory_write(m, 0xF0000, 0x99, BYTE);
    ck_assert_uint_eq(memory_read(m, 0xF0000, BYTE), 0x99);
    memory_shadow(m, 0xF0000, 0x10000, false, false);
    ck_assert_uint_eq(memory_read(m, 0xF0000, BYTE), 0xC3);
}
END_TEST

START_TEST(shadow_works_page_by_page)
{
    memory_map_host(m, "rom", REGION_ROM, 1, 0xF0000, sizeof rom, rom);
    memory_shadow(m, 0xF4000, 0x4000, true, true);
    ck_assert_uint_eq(memory_read(m, 0xF3FFF, BYTE), 0xC3);
    ck_assert_uint_eq(memory_read(m, 0xF4000, BYTE), 0x00);
    ck_assert_uint_eq(memory_read(m, 0xF7FFF, BYTE), 0x00);
    ck_assert_uint_eq(memory_read(m, 0xF8000, BYTE), 0xC3);
}
END_TEST

START_TEST(priorities_decide_who_is_visible)
{
    struct region *low = memory_map_host(m, "low", REGION_ROM, -1, 0x200000, 0x1000, rom);
    ck_assert_uint_eq(memory_read(m, 0x200000, BYTE), 0);     /* hidden by RAM */
    struct region *a = memory_map_host(m, "a", REGION_ROM, 1, 0x200000, 0x1000, rom);
    struct region *b = memory_map_host(m, "b", REGION_RAM, 2, 0x200000, 0x1000, vram);
    ck_assert_ptr_eq(memory_page(m, 0x200000).read, vram);
    memory_enable(m, b, false);
    ck_assert_ptr_eq(memory_page(m, 0x200000).read, rom);
    memory_enable(m, b, true);
    ck_assert_ptr_eq(memory_page(m, 0x200000).read, vram);
    memory_unmap(m, b);
    ck_assert_ptr_eq(memory_page(m, 0x200000).read, rom);
    memory_unmap(m, a);
    memory_unmap(m, low);
    ck_assert_uint_eq(memory_read(m, 0x200000, BYTE), 0);
}
END_TEST

START_TEST(of_equal_priorities_the_newest_wins)
{
    memory_map_host(m, "a", REGION_ROM, 0, 0x200000, 0x1000, rom);
    ck_assert_ptr_eq(memory_page(m, 0x200000).read, rom);
    memory_map_host(m, "b", REGION_ROM, 0, 0x200000, 0x1000, vram);
    ck_assert_ptr_eq(memory_page(m, 0x200000).read, vram);
}
END_TEST

START_TEST(regions_move_above_ram_and_to_hostile_places)
{
    struct region *r = memory_map_host(m, "lfb", REGION_RAM, 1, 0xE0000000, sizeof vram, vram);
    memory_write(m, 0xE0000000, 0x5A, BYTE);
    memory_move(m, r, 0xD0000000);
    ck_assert_uint_eq(memory_read(m, 0xE0000000, BYTE), 0xFF);
    ck_assert_uint_eq(memory_read(m, 0xD0000000, BYTE), 0x5A);
    memory_move(m, r, 0xD0000800);                            /* not a page: refused */
    ck_assert_uint_eq(memory_read(m, 0xD0000000, BYTE), 0x5A);
    memory_move(m, r, 0xFFFFE000);                            /* hangs over the end of 4 GiB */
    ck_assert_uint_eq(memory_read(m, 0xFFFFE000, BYTE), 0x5A);
    ck_assert_uint_eq(memory_read(m, 0x100000000, BYTE), 0xFF);
    memory_move(m, r, UINT64_MAX & ~0xFFFull);
    memory_move(m, r, 0x7000000000);
    ck_assert_uint_eq(memory_read(m, 0x7000000000, BYTE), 0xFF);
}
END_TEST

START_TEST(misaligned_regions_are_refused)
{
    ck_assert_ptr_null(memory_map_host(m, "x", REGION_ROM, 1, 0x200800, 0x1000, rom));
    ck_assert_ptr_null(memory_map_host(m, "x", REGION_ROM, 1, 0x200000, 0x800, rom));
    ck_assert_ptr_null(memory_map_host(m, "x", REGION_ROM, 1, 0x200000, 0, rom));
    ck_assert_ptr_null(memory_map_host(m, "x", REGION_ROM, 1, UINT64_MAX - 0xFFF, 0x2000, rom));
    ck_assert_ptr_null(memory_map_io(m, "x", 1, 0x200000, 0x1000, NULL, NULL));
}
END_TEST

START_TEST(mmio_is_split_by_declared_widths)
{
    static const struct io_ops bytes = { io_in, io_out, io_look, BYTE };
    memory_map_io(m, "dev", 1, 0xA0000, 0x20000, NULL, &bytes);
    seen_count = 0;
    ck_assert_uint_eq(memory_read(m, 0xA0010, DWORD), 0x24232221);
    ck_assert_uint_eq(seen_count, 4);
    memory_write(m, 0xA0000, 0xBBAA, WORD);
    ck_assert_uint_eq(seen[4].value, 0xAA);
    ck_assert_uint_eq(seen[5].value, 0xBB);
    ck_assert_uint_eq(seen[5].offset, 1);
    ck_assert_uint_eq(memory_peek(m, 0xA0003), 0xA3);
}
END_TEST

START_TEST(mmio_is_widened_for_registers)
{
    static const struct io_ops dwords = { io_in, io_out, NULL, DWORD };
    memory_map_io(m, "apic", 1, 0xFEE00000, 0x1000, NULL, &dwords);
    seen_count = 0;
    ck_assert_uint_eq(memory_read(m, 0xFEE00002, BYTE), 0x33);
    ck_assert_uint_eq(seen_count, 1);
    ck_assert_uint_eq(seen[0].offset, 0);
    ck_assert_uint_eq(seen[0].size, DWORD);
    memory_write(m, 0xFEE00002, 0x1234, WORD);                 /* passed on as it is */
    ck_assert_uint_eq(seen[1].offset, 2);
    ck_assert_uint_eq(seen[1].size, WORD);
    memory_read(m, 0xFEE00010, QWORD);
    ck_assert_uint_eq(seen_count, 4);
    ck_assert_uint_eq(seen[3].offset, 0x14);
    ck_assert_uint_eq(memory_peek(m, 0xFEE00000), 0xFF);
}
END_TEST

START_TEST(an_access_may_start_in_ram_and_end_in_a_device)
{
    static const struct io_ops bytes = { io_in, io_out, io_look, BYTE };
    memory_map_io(m, "dev", 1, 0xA0000, 0x20000, NULL, &bytes);
    memory_write(m, 0x9FFFE, 0x44332211, DWORD);
    ck_assert_uint_eq(memory_read(m, 0x9FFFE, WORD), 0x2211);
    ck_assert_uint_eq(memory_read(m, 0x9FFFE, DWORD), 0x12112211);
}
END_TEST

START_TEST(stores_to_code_pages_are_announced)
{
    watch();
    memory_set_code(m, 0x5000, true);
    ck_assert(memory_page(m, 0x5123).code);
    memory_write(m, 0x5FFF, 0, WORD);
    ck_assert_uint_eq(writes, 1);
    ck_assert_uint_eq(written_at, 0x5FFF);
    ck_assert_uint_eq(written_len, 1);
    uint8_t block[0x3000] = { 0 };
    memory_copy_to(m, 0x4800, block, sizeof block);
    ck_assert_uint_eq(writes, 2);
    ck_assert_uint_eq(written_at, 0x5000);
    ck_assert_uint_eq(written_len, 0x1000);
    memory_set_code(m, 0x5000, false);
    memory_write(m, 0x5000, 0, BYTE);
    ck_assert_uint_eq(writes, 2);
}
END_TEST

START_TEST(the_watcher_hears_of_changes_only)
{
    memory_read(m, 0xF0000, BYTE);
    memory_read(m, 0xE0000000, BYTE);
    watch();
    struct region *r = memory_map_host(m, "rom", REGION_ROM, 1, 0xF0000, sizeof rom, rom);
    ck_assert_uint_eq(remaps, 1);
    memory_shadow(m, 0xF0000, 0x10000, false, false);
    ck_assert_uint_eq(remaps, 1);                             /* it was so already */
    memory_shadow(m, 0xF0000, 0x10000, true, true);
    ck_assert_uint_eq(remaps, 2);
    memory_enable(m, r, true);
    memory_move(m, r, 0xF0000);
    ck_assert_uint_eq(remaps, 2);
    memory_shadow(m, 0xF0000, 0x10000, false, false);
    ck_assert_uint_eq(remaps, 3);
    memory_move(m, r, 0xE0000000);                            /* where it was, where it is */
    ck_assert_uint_eq(remaps, 5);
    memory_enable(m, r, false);
    ck_assert_uint_eq(remaps, 6);
    ck_assert_uint_eq(remapped_at, 0xE0000000);
    ck_assert_uint_eq(remapped_len, sizeof rom);
}
END_TEST

START_TEST(dirty_pages_of_a_region)
{
    uint64_t bits[2] = { 0, 77 };
    watch();
    struct region *r = memory_map_host(m, "vram", REGION_RAM, 1, 0xE0000000, sizeof vram, vram);
    ck_assert(memory_take_dirty(m, r, bits, 2));              /* new: all pages */
    ck_assert_uint_eq(bits[0], 0xF);
    ck_assert_uint_eq(bits[1], 0);
    ck_assert_uint_eq(cleans, 1);
    ck_assert(memory_page(m, 0xE0001000).clean);
    ck_assert(!memory_take_dirty(m, r, bits, 2));
    ck_assert_uint_eq(cleans, 1);

    memory_write(m, 0xE0001234, 1, BYTE);
    memory_mark_dirty(m, 0xE0003FFF);
    ck_assert(!memory_page(m, 0xE0001000).clean);
    ck_assert(memory_page(m, 0xE0002000).clean);
    memory_move(m, r, 0xD0000000);                            /* the bits travel along */
    ck_assert(!memory_page(m, 0xD0001000).clean);
    ck_assert(memory_page(m, 0xD0002000).clean);
    ck_assert(memory_take_dirty(m, r, bits, 2));
    ck_assert_uint_eq(bits[0], 0xA);
    ck_assert(memory_page(m, 0xD0001000).clean);
}
END_TEST

START_TEST(dirty_pages_of_main_ram_under_rom)
{
    uint64_t bits[RAM / PAGE_SIZE / 64];
    memory_map_host(m, "rom", REGION_ROM, 1, 0xF0000, sizeof rom, rom);
    memory_shadow(m, 0xF0000, 0x10000, false, true);
    memory_page(m, 0xF0000);
    ck_assert(memory_take_dirty(m, NULL, bits, COUNT_OF(bits)));
    ck_assert(memory_page(m, 0xF1000).clean);
    memory_write(m, 0xF1000, 1, BYTE);
    ck_assert(memory_take_dirty(m, NULL, bits, COUNT_OF(bits)));
    for (unsigned i = 0; i < COUNT_OF(bits); i++)
        ck_assert_uint_eq(bits[i], i == 0xF1 / 64 ? 1ull << (0xF1 % 64) : 0);
}
END_TEST

START_TEST(blocks_reach_ram_only)
{
    static const struct io_ops bytes = { io_in, io_out, io_look, BYTE };
    memory_map_io(m, "dev", 1, 0xA0000, 0x1000, NULL, &bytes);
    memory_map_host(m, "rom", REGION_ROM, 1, 0xA1000, 0x1000, rom);
    uint8_t buffer[0x3000];
    seen_count = 0;
    memset(buffer, 0x11, sizeof buffer);
    ck_assert_uint_eq(memory_copy_to(m, 0x9F000, buffer, sizeof buffer), 0x1000);
    ck_assert_uint_eq(rom[0], 0xC3);
    ck_assert_uint_eq(memory_copy_from(m, buffer, 0x9F000, sizeof buffer), 0x2000);
    ck_assert_uint_eq(seen_count, 0);
    ck_assert_uint_eq(buffer[0xFFF], 0x11);
    ck_assert_uint_eq(buffer[0x1000], 0xFF);
    ck_assert_uint_eq(buffer[0x2000], 0xC3);
    ck_assert_uint_eq(memory_copy_from(m, buffer, UINT64_MAX - 10, sizeof buffer), 0);
    ck_assert_uint_eq(buffer[0], 0xFF);
    ck_assert_uint_eq(memory_copy_to(m, 0xFFFFF800, buffer, sizeof buffer), 0);
}
END_TEST

START_TEST(hash_sees_every_byte)
{
    uint64_t before = memory_hash(m, 1);
    ck_assert_uint_eq(before, memory_hash(m, 1));
    ck_assert_uint_ne(before, memory_hash(m, 2));
    memory_write(m, RAM - 1, 1, BYTE);
    ck_assert_uint_ne(before, memory_hash(m, 1));
    memory_write(m, RAM - 1, 0, BYTE);
    ck_assert_uint_eq(before, memory_hash(m, 1));
    uint8_t text[67] = { 0 };
    uint64_t base = memory_hash_bytes(0, text, sizeof text);
    for (unsigned i = 0; i < sizeof text * 8; i++) {
        text[i / 8] = (uint8_t)(1 << i % 8);
        ck_assert_uint_ne(memory_hash_bytes(0, text, sizeof text), base);
        text[i / 8] = 0;
    }
    ck_assert_uint_ne(memory_hash_bytes(0, text, 66), base);
    /* The same on every host and compiler. */
    ck_assert_uint_eq(memory_hash_bytes(42, "The quick brown fox jumps over the lazy dog.", 44),
                      11852526669546685286u);
    static const uint64_t words[5] = {0x0807060504030201, 0x100F0E0D0C0B0A09, 0x1817161514131211,
                                      0x201F1E1D1C1B1A19, 0x2827262524232221};
    for (unsigned n = 0; n < 40; n++) text[n] = (uint8_t)(n + 1);
    ck_assert_uint_eq(memory_hash_words(7, words, 5), memory_hash_bytes(7, text, 40));
    ck_assert_uint_eq(memory_hash_words(7, words, 2), memory_hash_bytes(7, text, 16));
}
END_TEST

START_TEST(odd_sizes_of_ram)
{
    struct memory *small = memory_new(0, NULL);
    ck_assert_uint_eq(memory_ram_size(small), PAGE_SIZE);
    memory_free(small);
    small = memory_new(640 * 1024 + 77, NULL);
    ck_assert_uint_eq(memory_ram_size(small), 640 * 1024);
    memory_shadow(small, 0xC0000, 0x40000, true, true);
    ck_assert_uint_eq(memory_read(small, 0xC0000, BYTE), 0xFF);
    memory_free(small);
    struct memory *large = memory_new(0x200000000ull, NULL);
    if (large) ck_assert_uint_le(memory_ram_size(large), 0xE0000000u);
    memory_free(large);
    memory_free(NULL);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("memory");
    TCase *tc = tcase_create("memory");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, ram_reads_back_little_endian);
    tcase_add_test(tc, accesses_cross_pages_and_the_end_of_ram);
    tcase_add_test(tc, nothing_there_reads_ones);
    tcase_add_test(tc, rom_ignores_writes_and_pam_moves_them_to_ram);
    tcase_add_test(tc, shadow_works_page_by_page);
    tcase_add_test(tc, priorities_decide_who_is_visible);
    tcase_add_test(tc, of_equal_priorities_the_newest_wins);
    tcase_add_test(tc, regions_move_above_ram_and_to_hostile_places);
    tcase_add_test(tc, misaligned_regions_are_refused);
    tcase_add_test(tc, mmio_is_split_by_declared_widths);
    tcase_add_test(tc, mmio_is_widened_for_registers);
    tcase_add_test(tc, an_access_may_start_in_ram_and_end_in_a_device);
    tcase_add_test(tc, stores_to_code_pages_are_announced);
    tcase_add_test(tc, the_watcher_hears_of_changes_only);
    tcase_add_test(tc, dirty_pages_of_a_region);
    tcase_add_test(tc, dirty_pages_of_main_ram_under_rom);
    tcase_add_test(tc, blocks_reach_ram_only);
    tcase_add_test(tc, hash_sees_every_byte);
    tcase_add_test(tc, odd_sizes_of_ram);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
