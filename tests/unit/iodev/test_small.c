/* SPDX-License-Identifier: MIT
 * Port 92h, fw_cfg, the debug ports.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "iodev/fw_cfg.h"
#include "tests/unit/fake_board.h"

extern const struct device_class port92_class, fw_cfg_class, debug_ports_class;

static struct board *b;
static void setup(void) { b = fake_new(32 << 20); }
static void teardown(void) { fake_free(b); }

/* ---- 92h ------------------------------------------------------------------------------------- */
START_TEST(port92_gates_a20_and_resets_the_cpu)
{
    fake_plug(b, &port92_class, NULL);
    fake_reset(b, RESET_POWER);
    ck_assert(fake_wire(b, WIRE_A20));
    fake_out8(b, 0x92, 0x00);
    ck_assert(!fake_wire(b, WIRE_A20));
    fake_out8(b, 0x92, 0x02);
    ck_assert(fake_wire(b, WIRE_A20));
    ck_assert_uint_eq(fake_in8(b, 0x92), 0x02);
    ck_assert_uint_eq(b->wire[WIRE_RESET].rises, 0);
    fake_out8(b, 0x92, 0x03);
    fake_out8(b, 0x92, 0x03);                                       /* no edge */
    ck_assert_uint_eq(b->wire[WIRE_RESET].rises, 1);
    ck_assert(!fake_wire(b, WIRE_RESET));
    fake_out8(b, 0x92, 0x00);
    ck_assert(!fake_wire(b, WIRE_A20));
    fake_reset(b, RESET_HARD);
    ck_assert(fake_wire(b, WIRE_A20));
}
END_TEST

START_TEST(port92_follows_the_keyboard_controller)
{
    fake_plug(b, &port92_class, NULL);
    fake_out8(b, 0x92, 0x02);
    fake_drive(b, WIRE_KEYBOARD_A20, false);
    ck_assert(!fake_wire(b, WIRE_A20));
    ck_assert_uint_eq(fake_in8(b, 0x92), 0x00);
    fake_out8(b, 0x92, 0x02);
    ck_assert(fake_wire(b, WIRE_A20));
    fake_drive(b, WIRE_KEYBOARD_A20, false);                        /* the same level again */
    ck_assert(!fake_wire(b, WIRE_A20));
    fake_drive(b, WIRE_KEYBOARD_A20, true);
    ck_assert(fake_wire(b, WIRE_A20));
    ck_assert_uint_eq(fake_in8(b, 0x92), 0x02);
}
END_TEST

/* ---- fw_cfg ---------------------------------------------------------------------------------- */
static void item(unsigned key, uint8_t *to, unsigned len)
{
    fake_out16(b, 0x510, (uint16_t)key);
    for (unsigned i = 0; i < len; i++) to[i] = fake_in8(b, 0x511);
}

static uint64_t number(unsigned key, unsigned len)
{
    uint8_t bytes[8] = { 0 };
    uint64_t value = 0;
    item(key, bytes, len);
    for (unsigned i = 0; i < 8; i++) value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

START_TEST(fw_cfg_is_recognised)
{
    uint8_t signature[6];
    fake_plug(b, &fw_cfg_class, NULL);
    item(0, signature, 6);
    ck_assert_mem_eq(signature, "QEMU\0\0", 6);
    item(0x4000, signature, 4);
    ck_assert_mem_eq(signature, "QEMU", 4);
    ck_assert_uint_eq(number(1, 4), 1);                             /* no DMA interface */
    ck_assert_uint_eq(number(3, 8), 32 << 20);
    ck_assert_uint_eq(number(5, 2), 1);
    ck_assert_uint_eq(number(0x0F, 2), 1);
    ck_assert_uint_eq(number(0x0D, 8), 0);
    ck_assert_uint_eq(number(0x0E, 2), 0);
    ck_assert_uint_eq(number(0x8002, 1), 0);
    ck_assert_uint_eq(number(0x7777, 4), 0);
}
END_TEST

struct entry { uint32_t size; unsigned select; char name[56]; };

static unsigned directory(struct entry *to, unsigned limit)
{
    uint8_t raw[4 + 64 * 8];
    item(0x19, raw, sizeof raw);
    unsigned count = (unsigned)raw[0] << 24 | raw[1] << 16 | raw[2] << 8 | raw[3];
    for (unsigned i = 0; i < count && i < limit; i++) {
        const uint8_t *e = raw + 4 + 64 * i;
        to[i].size = (uint32_t)e[0] << 24 | e[1] << 16 | e[2] << 8 | e[3];
        to[i].select = e[4] << 8 | e[5];
        memcpy(to[i].name, e + 8, 56);
    }
    return count;
}

START_TEST(fw_cfg_lists_files_by_name)
{
    struct entry e[8];
    uint8_t data[20];
    struct device *d = fake_plug(b, &fw_cfg_class, NULL);
    ck_assert_ptr_null(fw_cfg_add_file(d, "vgaroms/vgabios.bin", "\x55\xAA", 2));
    ck_assert_ptr_null(fw_cfg_add_file(d, "bootorder", "old", 4));
    ck_assert_ptr_null(fw_cfg_add_file(d, "bootorder", "/pci@i0cf8", 11));
    ck_assert_uint_eq(directory(e, 8), 4);
    ck_assert_str_eq(e[0].name, "bootorder");
    ck_assert_str_eq(e[1].name, "etc/e820");
    ck_assert_str_eq(e[2].name, "etc/table-loader");              /* there, and empty */
    ck_assert_uint_eq(e[2].size, 0);
    ck_assert_str_eq(e[3].name, "vgaroms/vgabios.bin");
    ck_assert_uint_eq(e[0].size, 11);
    item(e[0].select, data, 12);
    ck_assert_mem_eq(data, "/pci@i0cf8\0\0", 12);
    ck_assert_uint_eq(e[1].size, 20);
    item(e[1].select, data, 20);
    ck_assert_mem_eq(data, "\0\0\0\0\0\0\0\0" "\0\0\0\2\0\0\0\0" "\1\0\0\0", 20);
}
END_TEST

START_TEST(fw_cfg_bears_abuse)
{
    struct device *d = fake_plug(b, &fw_cfg_class, NULL);
    char name[80];
    ck_assert_ptr_nonnull(fw_cfg_add_file(d, "", "x", 1));
    memset(name, 'n', sizeof name);
    name[56] = 0;
    ck_assert_ptr_nonnull(fw_cfg_add_file(d, name, "x", 1));
    name[55] = 0;
    ck_assert_ptr_null(fw_cfg_add_file(d, name, "x", 1));
    unsigned added = 0;
    for (unsigned i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "file-%u", i);
        if (!fw_cfg_add_file(d, name, NULL, 0)) added++;
    }
    ck_assert_uint_eq(added, 61);
    for (unsigned key = 0; key < 0x10000; key += 0x11) {
        fake_out16(b, 0x510, (uint16_t)key);
        fake_out8(b, 0x510, 0xFF);
        fake_out8(b, 0x511, 0xFF);
        fake_in32(b, 0x510);
        fake_in16(b, 0x511);
        for (unsigned i = 0; i < 70; i++) fake_in8(b, 0x511);
    }
    ck_assert_uint_eq(number(1, 4), 1);
}
END_TEST

/* ---- debug ports ----------------------------------------------------------------------------- */
START_TEST(unused_sinks_leave_their_ports_empty)
{
    fake_plug(b, &debug_ports_class, "e9", "", NULL);
    ck_assert(!fake_claimed(b, 0xE9) && !fake_claimed(b, 0x402) && !fake_claimed(b, 0x501));
    fake_out8(b, 0x80, 0x5A);
    ck_assert_uint_eq(fake_in8(b, 0x80), 0x5A);
}
END_TEST

START_TEST(bytes_go_to_files)
{
    char path[64], text[32] = { 0 };
    snprintf(path, sizeof path, "/tmp/vitro-e9-%ld", (long)getpid());
    fake_plug(b, &debug_ports_class, "e9", path, "seabios", "/dev/null", NULL);
    ck_assert_uint_eq(fake_in8(b, 0xE9), 0xE9);
    ck_assert_uint_eq(fake_in8(b, 0x402), 0xE9);
    for (const char *c = "Hello\n"; *c; c++) fake_out8(b, 0xE9, (uint8_t)*c);
    FILE *f = fopen(path, "r");
    ck_assert_ptr_nonnull(f);
    ck_assert_ptr_nonnull(fgets(text, sizeof text, f));
    fclose(f);
    unlink(path);
    ck_assert_str_eq(text, "Hello\n");
    ck_assert_ptr_null(fake_plug_id(b, &debug_ports_class, "other", "e9", "/nowhere/e9", NULL));
}
END_TEST

START_TEST(shutdown_is_spelled_out)
{
    fake_plug(b, &debug_ports_class, NULL);
    for (const char *c = "ShutdowShutdown"; *c; c++) {
        ck_assert(!b->powered_off);
        fake_out8(b, 0x8900, (uint8_t)*c);
    }
    ck_assert(b->powered_off);
    ck_assert_int_eq(b->exit_code, 0);
}
END_TEST

START_TEST(exit_port_gives_the_code)
{
    fake_plug(b, &debug_ports_class, "exit_port", "0xf4", NULL);
    fake_out32(b, 0xF4, 0x10);
    ck_assert(b->powered_off);
    ck_assert_int_eq(b->exit_code, 0x21);
    fake_out8(b, 0xF4, 0);
    ck_assert_int_eq(b->exit_code, 1);
    ck_assert_ptr_null(fake_plug_id(b, &debug_ports_class, "other", "exit_port", "0x10000", NULL));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("small chips");
    TCase *tc = tcase_create("small chips");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, port92_gates_a20_and_resets_the_cpu);
    tcase_add_test(tc, port92_follows_the_keyboard_controller);
    tcase_add_test(tc, fw_cfg_is_recognised);
    tcase_add_test(tc, fw_cfg_lists_files_by_name);
    tcase_add_test(tc, fw_cfg_bears_abuse);
    tcase_add_test(tc, unused_sinks_leave_their_ports_empty);
    tcase_add_test(tc, bytes_go_to_files);
    tcase_add_test(tc, shutdown_is_spelled_out);
    tcase_add_test(tc, exit_port_gives_the_code);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
