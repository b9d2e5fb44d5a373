/* SPDX-License-Identifier: MIT
 * The PCI bus through its ports, and where its interrupts go: the south bridge on the bench.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "iodev/pci_bus.h"
#include "iodev/pic.h"
#include "tests/unit/fake_board.h"

extern const struct device_class pci_class, piix3_class, pic_class;

static struct board *b;
static struct device *bus;
static uint8_t vram[0x10000], rom[0x1000] = { 0x55, 0xAA, 8 };
static unsigned written_calls;

static uint32_t card_read(struct device *d, uint32_t offset, enum width size)
{
    (void)d;
    (void)size;
    return 0x40 + offset;
}

static void card_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    (void)d;
    (void)offset;
    (void)value;
    (void)size;
}

static const struct io_ops card_io = { card_read, card_write, NULL, BYTE };
static void card_written(struct device *d, unsigned offset, unsigned len)
{
    (void)d;
    (void)offset;
    (void)len;
    written_calls++;
}

struct card { struct device dev; struct pci_function pci; };
static struct card card[3];

static void make(struct card *c, uint8_t pin)
{
    *c = (struct card){ .dev = { .board = b, .id = "card" } };
    pci_header(&c->pci, 0x1234, 0x1111, 0x030000, 2, pin);
    c->pci.dev = &c->dev;
    c->pci.written = card_written;
    c->pci.bar[0] = (struct pci_bar){ .kind = PCI_BAR_MEMORY, .size = sizeof vram,
                                      .prefetchable = true, .host = vram };
    c->pci.bar[1] = (struct pci_bar){ .kind = PCI_BAR_IO, .size = 16, .ops = &card_io };
    c->pci.bar[3] = (struct pci_bar){ .kind = PCI_BAR_MEMORY, .size = 0x1000, .ops = &card_io };
    c->pci.rom = rom;
    c->pci.rom_size = sizeof rom;
    c->pci.writable[0x40] = 0x0F;
}

static void setup(void)
{
    b = fake_new(4 << 20);
    bus = fake_plug(b, &pci_class, NULL);
    written_calls = 0;
}

static void teardown(void) { fake_free(b); }

static void address(unsigned devfn, unsigned reg)
{
    fake_out32(b, 0xCF8, 0x80000000 | devfn << 8 | reg);
}

static uint32_t cfg_read(unsigned devfn, unsigned reg)
{
    address(devfn, reg);
    return fake_in32(b, 0xCFC);
}

static void cfg_write(unsigned devfn, unsigned reg, uint32_t value)
{
    address(devfn, reg);
    fake_out32(b, 0xCFC, value);
}

START_TEST(mechanism_1_is_found)
{
    fake_out8(b, 0xCFB, 1);                                       /* as Linux probes */
    ck_assert_uint_eq(fake_in32(b, 0xCF8), 0);
    fake_out32(b, 0xCF8, 0x80000000);
    ck_assert_uint_eq(fake_in32(b, 0xCF8), 0x80000000);
    fake_out32(b, 0xCF8, 0xFFFFFFFF);
    ck_assert_uint_eq(fake_in32(b, 0xCF8), 0x80FFFFFC);
    ck_assert_uint_eq(fake_in32(b, 0xCFC), 0xFFFFFFFF);           /* bus 255 */
    fake_out16(b, 0xCF8, 0);
    ck_assert_uint_eq(fake_in32(b, 0xCF8), 0x80FFFFFC);
}
END_TEST

START_TEST(only_what_is_selected_answers)
{
    make(&card[0], 1);
    ck_assert(pci_bus_add(bus, &card[0].pci, 3, 0));
    ck_assert_uint_eq(cfg_read(3 << 3, 0), 0x11111234);
    ck_assert_uint_eq(cfg_read(3 << 3 | 1, 0), 0xFFFFFFFF);
    ck_assert_uint_eq(cfg_read(4 << 3, 0), 0xFFFFFFFF);
    fake_out32(b, 0xCF8, 3 << 11);                                /* not enabled */
    ck_assert_uint_eq(fake_in32(b, 0xCFC), 0xFFFFFFFF);
    fake_out32(b, 0xCF8, 0x80010000 | 3 << 11);                   /* bus 1 */
    ck_assert_uint_eq(fake_in32(b, 0xCFC), 0xFFFFFFFF);
    address(3 << 3, 0x08);
    ck_assert_uint_eq(fake_in8(b, 0xCFF), 0x03);
    ck_assert_uint_eq(fake_in16(b, 0xCFE), 0x0300);
    ck_assert_uint_eq(fake_in8(b, 0xCFC), 2);
}
END_TEST

START_TEST(read_only_bits_stay)
{
    make(&card[0], 1);
    pci_bus_add(bus, &card[0].pci, 3, 0);
    cfg_write(3 << 3, 0x00, 0);
    cfg_write(3 << 3, 0x08, 0);
    ck_assert_uint_eq(cfg_read(3 << 3, 0x00), 0x11111234);
    ck_assert_uint_eq(cfg_read(3 << 3, 0x08), 0x03000002);
    cfg_write(3 << 3, 0x40, 0xFFFFFFFF);
    ck_assert_uint_eq(cfg_read(3 << 3, 0x40), 0x0F);
    cfg_write(3 << 3, 0x3C, 0xFFFFFF0B);
    ck_assert_uint_eq(cfg_read(3 << 3, 0x3C), 0x010B);
    cfg_write(3 << 3, 0x04, 0xFFFF0000);
    ck_assert_uint_eq(cfg_read(3 << 3, 0x04), 0);
    card[0].pci.config[0x07] = 0xFA;                              /* status: write 1 to clear */
    cfg_write(3 << 3, 0x04, 0x08000000);
    ck_assert_uint_eq(cfg_read(3 << 3, 0x04), 0xF2000000);
    ck_assert_uint_gt(written_calls, 0);
}
END_TEST

START_TEST(bars_are_sized_placed_moved_and_switched)
{
    make(&card[0], 1);
    pci_bus_add(bus, &card[0].pci, 3, 0);
    const struct pci_bar *bar = card[0].pci.bar;
    cfg_write(3 << 3, 0x04, 3);
    cfg_write(3 << 3, 0x10, 0xFFFFFFFF);
    cfg_write(3 << 3, 0x14, 0xFFFFFFFF);
    ck_assert_uint_eq(cfg_read(3 << 3, 0x10), 0xFFFF0008);
    ck_assert_uint_eq(cfg_read(3 << 3, 0x14), 0xFFFFFFF1);
    ck_assert_uint_eq(cfg_read(3 << 3, 0x18), 0);
    ck_assert(!bar[0].mapped && !bar[1].mapped);
    cfg_write(3 << 3, 0x10, 0xE0000000);
    cfg_write(3 << 3, 0x14, 0xC001);
    ck_assert(bar[0].mapped && bar[1].mapped);
    memory_write(b->memory, 0xE0000010, 0x77, BYTE);
    ck_assert_uint_eq(vram[0x10], 0x77);
    ck_assert_uint_eq(fake_in8(b, 0xC005), 0x45);
    cfg_write(3 << 3, 0x10, 0xD0000000);
    ck_assert_uint_eq(memory_read(b->memory, 0xD0000010, BYTE), 0x77);
    ck_assert_uint_eq(memory_read(b->memory, 0xE0000010, BYTE), 0xFF);
    cfg_write(3 << 3, 0x04, 2);                                    /* I/O off, memory on */
    ck_assert_uint_eq(fake_in8(b, 0xC005), 0xFF);
    ck_assert_uint_eq(memory_read(b->memory, 0xD0000010, BYTE), 0x77);
    cfg_write(3 << 3, 0x1C, 0xFEB00000);
    ck_assert_uint_eq(memory_read(b->memory, 0xFEB00003, BYTE), 0x43);
    cfg_write(3 << 3, 0x04, 0);
    ck_assert_uint_eq(memory_read(b->memory, 0xFEB00003, BYTE), 0xFF);
    ck_assert_uint_eq(memory_read(b->memory, 0xD0000010, BYTE), 0xFF);
}
END_TEST

START_TEST(a_bar_over_ram_stays_behind_it)
{
    make(&card[0], 1);
    pci_bus_add(bus, &card[0].pci, 3, 0);
    cfg_write(3 << 3, 0x04, 3);
    cfg_write(3 << 3, 0x10, 0x00100000);
    memory_write(b->memory, 0x100000, 0x5A, BYTE);
    ck_assert_uint_eq(vram[0], 0);
    cfg_write(3 << 3, 0x14, 0x12340001);                           /* beyond 64 K of ports */
    ck_assert(!card[0].pci.bar[1].mapped);
}
END_TEST

START_TEST(bar_conflicts_leave_the_first_owner)
{
    make(&card[0], 1);
    make(&card[1], 1);
    pci_bus_add(bus, &card[0].pci, -1, 0);
    pci_bus_add(bus, &card[1].pci, -1, 0);
    ck_assert_uint_eq(card[0].pci.devfn, 2 << 3);
    ck_assert_uint_eq(card[1].pci.devfn, 3 << 3);
    cfg_write(2 << 3, 0x14, 0xC000);
    cfg_write(2 << 3, 0x04, 1);
    cfg_write(3 << 3, 0x14, 0xC008);
    cfg_write(3 << 3, 0x04, 1);
    cfg_write(3 << 3, 0x14, 0xC000);
    ck_assert(card[0].pci.bar[1].mapped);
    ck_assert(!card[1].pci.bar[1].mapped);
    cfg_write(2 << 3, 0x04, 0);
    cfg_write(3 << 3, 0x14, 0xC000);
    ck_assert(card[1].pci.bar[1].mapped);
}
END_TEST

START_TEST(the_expansion_rom_has_its_own_switch)
{
    make(&card[0], 1);
    pci_bus_add(bus, &card[0].pci, 3, 0);
    cfg_write(3 << 3, 0x30, 0xFFFFFFFE);
    ck_assert_uint_eq(cfg_read(3 << 3, 0x30), 0xFFFFF000);
    cfg_write(3 << 3, 0x04, 2);
    cfg_write(3 << 3, 0x30, 0xFEBF0000);
    ck_assert_uint_eq(memory_read(b->memory, 0xFEBF0000, WORD), 0xFFFF);
    cfg_write(3 << 3, 0x30, 0xFEBF0001);
    ck_assert_uint_eq(memory_read(b->memory, 0xFEBF0000, WORD), 0xAA55);
    memory_write(b->memory, 0xFEBF0000, 0, WORD);
    ck_assert_uint_eq(rom[0], 0x55);
    cfg_write(3 << 3, 0x04, 0);
    ck_assert_uint_eq(memory_read(b->memory, 0xFEBF0000, WORD), 0xFFFF);
}
END_TEST

START_TEST(a_rom_that_needs_no_memory_space)
{
    make(&card[0], 1);
    card[0].pci.rom_any_time = true;
    pci_bus_add(bus, &card[0].pci, 3, 0);
    cfg_write(3 << 3, 0x30, 0xFEBF0001);
    ck_assert_uint_eq(cfg_read(3 << 3, 0x04) & 2, 0);
    ck_assert_uint_eq(memory_read(b->memory, 0xFEBF0000, WORD), 0xAA55);
    cfg_write(3 << 3, 0x30, 0xFEBF0000);
    ck_assert_uint_eq(memory_read(b->memory, 0xFEBF0000, WORD), 0xFFFF);
}
END_TEST

START_TEST(reset_gives_the_first_configuration_back)
{
    make(&card[0], 1);
    pci_bus_add(bus, &card[0].pci, 3, 0);
    cfg_write(3 << 3, 0x14, 0xC000);
    cfg_write(3 << 3, 0x3C, 11);
    cfg_write(3 << 3, 0x04, 3);
    fake_reset(b, RESET_HARD);
    ck_assert_uint_eq(cfg_read(3 << 3, 0x14), 1);
    ck_assert_uint_eq(cfg_read(3 << 3, 0x04), 0);
    ck_assert_uint_eq(cfg_read(3 << 3, 0x3C), 0x0100);
    ck_assert(!fake_claimed(b, 0xC000));
}
END_TEST

START_TEST(hostile_functions_are_refused)
{
    make(&card[0], 1);
    ck_assert(!pci_bus_add(bus, &card[0].pci, 32, 0));
    ck_assert(!pci_bus_add(bus, &card[0].pci, 3, 8));
    card[0].pci.bar[0].size = 0x3000;
    ck_assert(!pci_bus_add(bus, &card[0].pci, 3, 0));
    make(&card[0], 1);
    ck_assert(pci_bus_add(bus, &card[0].pci, 3, 0));
    make(&card[1], 1);
    ck_assert(!pci_bus_add(bus, &card[1].pci, 3, 0));
    for (unsigned devfn = 0; devfn < 256; devfn++)
        for (unsigned reg = 0; reg < 256; reg += 4) {
            address(devfn, reg);
            fake_out32(b, 0xCFC, 0xFFFFFFFF);
            fake_out16(b, 0xCFD, 0);
            fake_out16(b, 0xCFF, 0xFFFF);
            fake_out8(b, 0xCFE, (uint8_t)reg);
            fake_in16(b, 0xCFD);
        }
}
END_TEST

/* ---- interrupts: bus, south bridge ----------------------------------------------------------- */
static bool pirq[4];
static void heard(void *ctx, unsigned n, bool level) { (void)ctx; pirq[n] = level; }

START_TEST(pins_are_swizzled_and_or_ed)
{
    make(&card[0], 1);
    make(&card[1], 4);
    make(&card[2], 2);
    pci_bus_listen(bus, heard, NULL);
    pci_bus_add(bus, &card[0].pci, 3, 0);            /* slot 3 INTA# -> PIRQ (3 - 1 + 0) % 4 = C */
    pci_bus_add(bus, &card[1].pci, 4, 0);            /* slot 4 INTD# -> (4 - 1 + 3) % 4 = C      */
    pci_bus_add(bus, &card[2].pci, 1, 2);            /* slot 1 INTB# -> B                        */
    line_set(&card[0].pci.inta, true);
    ck_assert(pirq[2] && !pirq[0] && !pirq[1] && !pirq[3]);
    line_set(&card[1].pci.inta, true);
    line_set(&card[0].pci.inta, false);
    ck_assert(pirq[2]);
    line_set(&card[1].pci.inta, false);
    ck_assert(!pirq[2]);
    line_set(&card[2].pci.inta, true);
    ck_assert(pirq[1]);
}
END_TEST

START_TEST(piix3_routes_pirqs)
{
    ck_assert_ptr_nonnull(fake_plug(b, &piix3_class, NULL));
    make(&card[0], 1);
    pci_bus_add(bus, &card[0].pci, 2, 0);            /* PIRQB */
    ck_assert_uint_eq(fake_pci_read(b, 1, 0, 0x60, DWORD), 0x80808080);
    line_set(&card[0].pci.inta, true);
    for (unsigned irq = 0; irq < 16; irq++) ck_assert(!fake_irq(b, irq));
    fake_pci_write(b, 1, 0, 0x61, 0x0B, BYTE);       /* routed while asserted */
    ck_assert(fake_irq(b, 11));
    fake_pci_write(b, 1, 0, 0x61, 0x0A, BYTE);
    ck_assert(!fake_irq(b, 11) && fake_irq(b, 10));
    fake_pci_write(b, 1, 0, 0x61, 0x08, BYTE);       /* reserved: IRQ 8 */
    ck_assert(!fake_irq(b, 10) && !fake_irq(b, 8));
    fake_pci_write(b, 1, 0, 0x61, 0x0A, BYTE);
    line_set(&card[0].pci.inta, false);
    ck_assert(!fake_irq(b, 10));
    line_set(&card[0].pci.inta, true);
    fake_reset(b, RESET_HARD);
    ck_assert(!fake_irq(b, 10));
    ck_assert_uint_eq(fake_pci_read(b, 1, 0, 0x0C, DWORD) >> 16, 0x80);
}
END_TEST

START_TEST(piix3_elcr_and_reset_control)
{
    fake_plug(b, &pic_class, NULL);
    fake_plug(b, &piix3_class, NULL);
    fake_out8(b, 0x4D0, 0xFF);
    fake_out8(b, 0x4D1, 0xFF);
    ck_assert_uint_eq(fake_in8(b, 0x4D0), 0xF8);
    ck_assert_uint_eq(fake_in8(b, 0x4D1), 0xDE);
    fake_out8(b, 0xCF9, 0x02);
    ck_assert_uint_eq(b->wire[WIRE_SYSTEM_RESET].rises + b->wire[WIRE_RESET].rises, 0);
    fake_out8(b, 0xCF9, 0x06);
    ck_assert_uint_eq(b->wire[WIRE_SYSTEM_RESET].rises, 1);
    fake_out8(b, 0xCF9, 0x06);                                     /* no edge */
    ck_assert_uint_eq(b->wire[WIRE_SYSTEM_RESET].rises, 1);
    ck_assert_uint_eq(fake_in8(b, 0xCF9), 0x06);
    fake_out8(b, 0xCF9, 0x00);
    fake_out8(b, 0xCF9, 0x04);
    ck_assert_uint_eq(b->wire[WIRE_RESET].rises, 1);
    ck_assert_uint_eq(b->wire[WIRE_RESET].drivers, 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pci");
    TCase *tc = tcase_create("bus");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, mechanism_1_is_found);
    tcase_add_test(tc, only_what_is_selected_answers);
    tcase_add_test(tc, read_only_bits_stay);
    tcase_add_test(tc, bars_are_sized_placed_moved_and_switched);
    tcase_add_test(tc, a_bar_over_ram_stays_behind_it);
    tcase_add_test(tc, bar_conflicts_leave_the_first_owner);
    tcase_add_test(tc, the_expansion_rom_has_its_own_switch);
    tcase_add_test(tc, a_rom_that_needs_no_memory_space);
    tcase_add_test(tc, reset_gives_the_first_configuration_back);
    tcase_add_test(tc, hostile_functions_are_refused);
    tcase_add_test(tc, pins_are_swizzled_and_or_ed);
    tcase_add_test(tc, piix3_routes_pirqs);
    tcase_add_test(tc, piix3_elcr_and_reset_control);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
