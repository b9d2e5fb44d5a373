/* SPDX-License-Identifier: MIT
 * The 440FX's host bridge and the PIIX4's power management on the bench.
 */
#include <check.h>
#include <stdlib.h>
#include "iodev/piix4_pm.h"
#include "tests/unit/fake_board.h"

extern const struct device_class pci_class, i440fx_class, piix4_pm_class;

static struct board *b;

static void setup(void)
{
    b = fake_new(4 << 20);
    fake_plug(b, &pci_class, NULL);
}

static void teardown(void) { fake_free(b); }

/* ---- host bridge ----------------------------------------------------------------------------- */
START_TEST(pam_shadows_the_bios)
{
    static const struct { uint8_t reg, value; uint32_t base, len; } segments[] = {
        { 0x59, 0x30, 0xF0000, 0x10000 }, { 0x5A, 0x03, 0xC0000, 0x4000 },
        { 0x5A, 0x30, 0xC4000, 0x4000 }, { 0x5B, 0x03, 0xC8000, 0x4000 },
        { 0x5C, 0x30, 0xD4000, 0x4000 }, { 0x5D, 0x03, 0xD8000, 0x4000 },
        { 0x5E, 0x30, 0xE4000, 0x4000 }, { 0x5F, 0x03, 0xE8000, 0x4000 },
        { 0x5F, 0x30, 0xEC000, 0x4000 },
    };
    ck_assert_ptr_nonnull(fake_plug(b, &i440fx_class, NULL));
    ck_assert_uint_eq(fake_pci_read(b, 0, 0, 0x00, DWORD), 0x12378086);
    ck_assert_uint_eq(fake_pci_read(b, 0, 0, 0x2C, DWORD), 0x11001AF4);
    for (unsigned i = 0; i < COUNT_OF(segments); i++) {
        uint32_t first = segments[i].base, last = first + segments[i].len - 1;
        fake_pci_write(b, 0, 0, segments[i].reg, segments[i].value, BYTE);
        memory_write(b->memory, first, 0x12, BYTE);
        memory_write(b->memory, last, 0x34, BYTE);
        ck_assert_uint_eq(memory_read(b->memory, first, BYTE), 0x12);
        ck_assert_uint_eq(memory_read(b->memory, last, BYTE), 0x34);
        ck_assert_uint_eq(memory_read(b->memory, first - 1, BYTE), 0xFF);
        fake_pci_write(b, 0, 0, segments[i].reg, segments[i].value & 0x11, BYTE);   /* read only */
        memory_write(b->memory, first, 0x99, BYTE);
        ck_assert_uint_eq(memory_read(b->memory, first, BYTE), 0x12);
        fake_pci_write(b, 0, 0, segments[i].reg, 0, BYTE);
        ck_assert_uint_eq(memory_read(b->memory, first, BYTE), 0xFF);
    }
    fake_pci_write(b, 0, 0, 0x58, 0x33333300, DWORD);               /* all but the last, at once */
    memory_write(b->memory, 0xC0000, 0x77, BYTE);
    ck_assert_uint_eq(memory_read(b->memory, 0xC0000, BYTE), 0x77);
    fake_reset(b, RESET_HARD);
    ck_assert_uint_eq(memory_read(b->memory, 0xC0000, BYTE), 0xFF);
}
END_TEST

START_TEST(smram_opens_and_locks)
{
    fake_plug(b, &i440fx_class, NULL);
    memory_write(b->memory, 0xA0000, 0x11, BYTE);
    ck_assert_uint_eq(memory_read(b->memory, 0xA0000, BYTE), 0xFF);
    fake_pci_write(b, 0, 0, 0x72, 0x4A, BYTE);
    memory_write(b->memory, 0xBFFFF, 0x11, BYTE);
    ck_assert_uint_eq(memory_read(b->memory, 0xBFFFF, BYTE), 0x11);
    fake_pci_write(b, 0, 0, 0x72, 0x5A, BYTE);                      /* lock: closes */
    ck_assert_uint_eq(memory_read(b->memory, 0xBFFFF, BYTE), 0xFF);
    fake_pci_write(b, 0, 0, 0x72, 0x4A, BYTE);
    ck_assert_uint_eq(fake_pci_read(b, 0, 0, 0x72, BYTE), 0x1A);
    fake_reset(b, RESET_HARD);
    ck_assert_uint_eq(fake_pci_read(b, 0, 0, 0x72, BYTE), 0x02);
}
END_TEST

/* SMRAM shows by itself while the processor is in system management mode,
 * also when it is locked. */
START_TEST(smram_in_smm)
{
    fake_plug(b, &i440fx_class, NULL);
    fake_drive(b, WIRE_SMIACT, true);
    memory_write(b->memory, 0xA0000, 0x11, BYTE);
    ck_assert_uint_eq(memory_read(b->memory, 0xA0000, BYTE), 0xFF);     /* not enabled */
    fake_pci_write(b, 0, 0, 0x72, 0x1A, BYTE);
    memory_write(b->memory, 0xA0000, 0x22, BYTE);
    ck_assert_uint_eq(memory_read(b->memory, 0xA0000, BYTE), 0x22);
    fake_drive(b, WIRE_SMIACT, false);
    ck_assert_uint_eq(memory_read(b->memory, 0xA0000, BYTE), 0xFF);
    fake_drive(b, WIRE_SMIACT, true);
    ck_assert_uint_eq(memory_read(b->memory, 0xA0000, BYTE), 0x22);
}
END_TEST

/* ---- power management ------------------------------------------------------------------------ */
static void pm_setup(void)
{
    fake_plug(b, &piix4_pm_class, NULL);
    fake_pci_write(b, 1, 3, 0x40, 0x601, DWORD);
    fake_pci_write(b, 1, 3, 0x80, 0x01, BYTE);
}

START_TEST(pm_ports_follow_their_base)
{
    fake_plug(b, &piix4_pm_class, NULL);
    ck_assert_uint_eq(fake_pci_read(b, 1, 3, 0x00, DWORD), 0x71138086);
    ck_assert_uint_eq(fake_pci_read(b, 1, 3, 0x58, DWORD) >> 25 & 1, 0);    /* no SMI unasked */
    fake_pci_write(b, 1, 3, 0x40, 0xB001, DWORD);
    ck_assert_uint_eq(fake_pci_read(b, 1, 3, 0x40, DWORD), 0xB001);
    ck_assert(!fake_claimed(b, 0xB000));
    fake_pci_write(b, 1, 3, 0x80, 1, BYTE);
    ck_assert(fake_claimed(b, 0xB000) && fake_claimed(b, 0xB03F) && !fake_claimed(b, 0xB040));
    fake_pci_write(b, 1, 3, 0x40, 0x601, DWORD);
    ck_assert(!fake_claimed(b, 0xB000) && fake_claimed(b, 0x608));
    fake_pci_write(b, 1, 3, 0x40, 0xFFFFFFFF, DWORD);
    ck_assert(fake_claimed(b, 0xFFC0));
    fake_pci_write(b, 1, 3, 0x40, 0, DWORD);
    ck_assert(!fake_claimed(b, 0xFFC0) && !fake_claimed(b, 0));
    fake_pci_write(b, 1, 3, 0x40, 0x601, DWORD);
    fake_reset(b, RESET_HARD);
    ck_assert(!fake_claimed(b, 0x608));
}
END_TEST

START_TEST(pm_timer_runs_at_3579545_hz)
{
    pm_setup();
    uint32_t before = fake_in32(b, 0x608);
    fake_advance(b, SECOND);
    ck_assert_uint_eq((fake_in32(b, 0x608) - before) & 0xFFFFFF, 3579545);
    fake_advance(b, 4 * SECOND);
    ck_assert_uint_eq((fake_in32(b, 0x608) - before) & 0xFFFFFF, 5 * 3579545 & 0xFFFFFF);
    fake_out32(b, 0x608, 0);
    ck_assert_uint_eq((fake_in32(b, 0x608) - before) & 0xFFFFFF, 5 * 3579545 & 0xFFFFFF);
    ck_assert_uint_eq(fake_in8(b, 0x60B), 0);                       /* 24 bits */
}
END_TEST

START_TEST(pm_timer_overflow_interrupts)
{
    pm_setup();
    fake_out16(b, 0x602, 0x0001);
    fake_out8(b, 0xB2, 0xF1);
    ck_assert_uint_eq(fake_in16(b, 0x604), 1);
    nanos due = muldiv64_up(0x800000, SECOND, 3579545);
    fake_advance(b, due - 1 - b->clock.now);
    ck_assert(!fake_irq(b, 9));
    fake_advance(b, 1);
    ck_assert(fake_irq(b, 9));
    ck_assert_uint_eq(fake_in16(b, 0x600), 1);
    fake_out16(b, 0x600, 1);
    ck_assert(!fake_irq(b, 9));
    fake_advance(b, due);
    ck_assert(fake_irq(b, 9));
    fake_out8(b, 0xB2, 0xF0);                                       /* ACPI off: no SCI */
    ck_assert(!fake_irq(b, 9));
    ck_assert_uint_eq(fake_in16(b, 0x604), 0);
}
END_TEST

/* DEVACTB bit 25 enables it, whatever GLBCTL bit 0 says (Bochs's BIOS leaves it 0);
 * GLBSTS bit 5 tells. */
START_TEST(apm_raises_smi)
{
    pm_setup();
    fake_out8(b, 0xB2, 1);
    ck_assert_uint_eq(b->wire[WIRE_SMI].rises, 0);
    fake_pci_write(b, 1, 3, 0x58, 0x02000000, DWORD);
    fake_out8(b, 0xB3, 1);
    ck_assert_uint_eq(b->wire[WIRE_SMI].rises, 0);
    fake_out8(b, 0xB2, 1);
    fake_out8(b, 0xB2, 2);
    ck_assert_uint_eq(b->wire[WIRE_SMI].rises, 2);
    ck_assert(!fake_wire(b, WIRE_SMI));
    ck_assert_uint_eq(fake_in8(b, 0xB2), 2);
    ck_assert_uint_eq(fake_in8(b, 0x618) & 0x20, 0x20);
    fake_out8(b, 0x618, 0x20);
    ck_assert_uint_eq(fake_in8(b, 0x618) & 0x20, 0);
}
END_TEST

START_TEST(soft_off)
{
    pm_setup();
    fake_out16(b, 0x604, 0x0001);
    ck_assert(!b->powered_off);
    fake_out16(b, 0x604, 0x2401);                                   /* S1: not off */
    ck_assert(!b->powered_off);
    ck_assert_uint_eq(fake_in16(b, 0x604), 0x0401);
    fake_out16(b, 0x604, 0x2001);
    ck_assert(b->powered_off);
    ck_assert_int_eq(b->exit_code, 0);
}
END_TEST

START_TEST(soft_off_by_bytes_and_dwords)
{
    pm_setup();
    fake_out8(b, 0x605, 0x20);
    ck_assert(b->powered_off);
    b->powered_off = false;
    fake_out32(b, 0x604, 0x2000);
    ck_assert(b->powered_off);
}
END_TEST

/* Without firmware, with the registers elsewhere, or at one of the two places. */
START_TEST(soft_off_where_small_systems_look)
{
    static const uint32_t bases[] = { 0, 0x4001, 0x601, 0xB001, 0x601, 0x4001 };
    static const uint16_t ports[] = { 0x604, 0xB004 };
    fake_plug(b, &piix4_pm_class, NULL);
    for (unsigned i = 0; i < COUNT_OF(bases); i++) {
        fake_pci_write(b, 1, 3, 0x40, bases[i], DWORD);
        fake_pci_write(b, 1, 3, 0x80, bases[i] & 1, BYTE);
        for (unsigned k = 0; k < 2; k++) {
            bool register_here = (ports[k] & 0xFFC0u) + 1 == bases[i];
            b->powered_off = false;
            fake_out16(b, ports[k], 0x3400);                        /* S5 of other boards */
            fake_out16(b, ports[k], 0x0000);
            ck_assert(!b->powered_off);
            ck_assert_uint_eq(fake_in16(b, ports[k]), register_here ? 0 : 0xFFFF);
            fake_out16(b, ports[k], 0x2000);
            ck_assert(b->powered_off);
        }
        ck_assert(!fake_claimed(b, 0x606) == (bases[i] != 0x601));
    }
    fake_reset(b, RESET_HARD);
    ck_assert(fake_claimed(b, 0x604) && fake_claimed(b, 0xB004) && !fake_claimed(b, 0x4000));
}
END_TEST

START_TEST(smbus_is_empty)
{
    pm_setup();
    fake_pci_write(b, 1, 3, 0x90, 0x701, DWORD);
    ck_assert(!fake_claimed(b, 0x700));
    fake_pci_write(b, 1, 3, 0xD2, 0x09, BYTE);
    fake_out8(b, 0x704, 0xA1);
    fake_out8(b, 0x702, 0x48);
    ck_assert_uint_eq(fake_in8(b, 0x700), 0x04);
    ck_assert_uint_eq(fake_in8(b, 0x702), 0x08);
    fake_out8(b, 0x700, 0xFF);
    ck_assert_uint_eq(fake_in8(b, 0x700), 0);
    for (unsigned i = 0; i < 0x40; i++) {  /* nothing a guest writes hurts */
        fake_out32(b, (uint16_t)(0x600 + i), i == 2 || i == 3 || i == 4 || i == 5 ||
                   i == 1 ? 0x1C001C00 : ~0u);
        fake_in32(b, (uint16_t)(0x600 + i));
        fake_out8(b, (uint16_t)(0x700 + i), 0xFF);
    }
}
END_TEST

START_TEST(the_power_button_interrupts)
{
    pm_setup();
    piix4_pm_power_button(board_find(b, "piix4_pm"));
    ck_assert(!fake_irq(b, 9));
    ck_assert_uint_eq(fake_in16(b, 0x600), 0x100);
    fake_out16(b, 0x602, 0x100);
    fake_out16(b, 0x604, 1);
    ck_assert(fake_irq(b, 9));
    fake_out8(b, 0x601, 0x01);
    ck_assert(!fake_irq(b, 9));
}
END_TEST

START_TEST(no_events_and_one_processor)
{
    pm_setup();
    ck_assert_uint_eq(fake_in32(b, 0xAE00), 0);
    ck_assert_uint_eq(fake_in32(b, 0xAF00), 1);
    fake_out16(b, 0xAFE2, 0x1234);
    fake_out16(b, 0xAFE0, 0xFFFF);
    ck_assert_uint_eq(fake_in32(b, 0xAFE0), 0x12340000);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pci_chips");
    TCase *tc = tcase_create("chips");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, pam_shadows_the_bios);
    tcase_add_test(tc, smram_opens_and_locks);
    tcase_add_test(tc, smram_in_smm);
    tcase_add_test(tc, pm_ports_follow_their_base);
    tcase_add_test(tc, pm_timer_runs_at_3579545_hz);
    tcase_add_test(tc, pm_timer_overflow_interrupts);
    tcase_add_test(tc, apm_raises_smi);
    tcase_add_test(tc, soft_off);
    tcase_add_test(tc, soft_off_by_bytes_and_dwords);
    tcase_add_test(tc, soft_off_where_small_systems_look);
    tcase_add_test(tc, smbus_is_empty);
    tcase_add_test(tc, the_power_button_interrupts);
    tcase_add_test(tc, no_events_and_one_processor);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
