/* SPDX-License-Identifier: MIT
 * The 8259A pair against its data sheet.
 */
#include "iodev/pic.h"
#include "tests/unit/fake_board.h"

#include <check.h>
#include <stdlib.h>

extern const struct device_class pic_class;

enum { MASTER = 0x20, SLAVE = 0xA0 };

static void init_chip(struct board *b, uint16_t port, uint8_t base, uint8_t icw3, uint8_t icw4)
{
    fake_out8(b, port, 0x11);
    fake_out8(b, port + 1, base);
    fake_out8(b, port + 1, icw3);
    fake_out8(b, port + 1, icw4);
    fake_out8(b, port + 1, 0x00);
}

static struct board *bench(struct device **pic, uint8_t icw4)
{
    struct board *b = fake_new(1 << 16);
    *pic = fake_plug(b, &pic_class, NULL);
    ck_assert_ptr_nonnull(*pic);
    init_chip(b, MASTER, 0x08, 0x04, icw4);
    init_chip(b, SLAVE, 0x70, 0x02, icw4 & ~0x10);
    return b;
}

static void pulse(struct device *pic, unsigned irq)
{
    pic_set_irq(pic, irq, false);
    pic_set_irq(pic, irq, true);
}

static uint8_t isr(struct board *b, uint16_t port)
{
    fake_out8(b, port, 0x0B);
    return fake_in8(b, port);
}

static uint8_t irr(struct board *b, uint16_t port)
{
    fake_out8(b, port, 0x0A);
    return fake_in8(b, port);
}

START_TEST(quiet_before_init)
{
    struct board *b = fake_new(1 << 16);
    struct device *pic = fake_plug(b, &pic_class, NULL);
    for (unsigned i = 0; i < 16; i++) pic_set_irq(pic, i, true);
    ck_assert(!fake_wire(b, WIRE_INTR));
    fake_out8(b, MASTER, 0x11);                 /* half way through the ICWs */
    pulse(pic, 1);
    ck_assert(!fake_wire(b, WIRE_INTR));
    fake_free(b);
}
END_TEST

START_TEST(edge_and_vector)
{
    struct device *pic;
    struct board *b = bench(&pic, 1);
    pic_set_irq(pic, 1, true);
    ck_assert(fake_wire(b, WIRE_INTR));
    ck_assert_uint_eq(irr(b, MASTER), 0x02);
    ck_assert_uint_eq(pic_acknowledge(pic), 0x09);
    ck_assert(!fake_wire(b, WIRE_INTR));
    ck_assert_uint_eq(irr(b, MASTER), 0x00);
    ck_assert_uint_eq(isr(b, MASTER), 0x02);
    fake_out8(b, MASTER, 0x20);
    ck_assert_uint_eq(isr(b, MASTER), 0x00);
    ck_assert(!fake_wire(b, WIRE_INTR));        /* still high, but no new edge */
    pulse(pic, 1);
    ck_assert(fake_wire(b, WIRE_INTR));
    fake_free(b);
}
END_TEST

START_TEST(request_must_stay)
{
    struct device *pic;
    struct board *b = bench(&pic, 1);
    pulse(pic, 3);
    pic_set_irq(pic, 3, false);
    ck_assert(!fake_wire(b, WIRE_INTR));
    ck_assert_uint_eq(pic_acknowledge(pic), 0x0F);   /* spurious 7, no ISR bit */
    ck_assert_uint_eq(isr(b, MASTER), 0x00);
    pulse(pic, 12);
    ck_assert_uint_eq(irr(b, SLAVE), 0x10);
    fake_free(b);
}
END_TEST

/* INT of the slave falls and rises with its mask: the master sees a new edge. */
START_TEST(slave_masked_and_back)
{
    struct device *pic;
    struct board *b = bench(&pic, 1);
    pulse(pic, 8);
    fake_out8(b, SLAVE + 1, 0xFF);
    ck_assert(!fake_wire(b, WIRE_INTR));
    fake_out8(b, SLAVE + 1, 0x00);
    ck_assert(fake_wire(b, WIRE_INTR));
    ck_assert_uint_eq(pic_acknowledge(pic), 0x70);
    ck_assert_uint_eq(isr(b, MASTER), 0x04);
    ck_assert_uint_eq(isr(b, SLAVE), 0x01);
    fake_free(b);
}
END_TEST

START_TEST(fully_nested)
{
    struct device *pic;
    struct board *b = bench(&pic, 1);
    pulse(pic, 4);
    ck_assert_uint_eq(pic_acknowledge(pic), 0x0C);
    pulse(pic, 6);
    ck_assert(!fake_wire(b, WIRE_INTR));
    pulse(pic, 0);
    ck_assert(fake_wire(b, WIRE_INTR));
    ck_assert_uint_eq(pic_acknowledge(pic), 0x08);
    ck_assert_uint_eq(isr(b, MASTER), 0x11);
    fake_out8(b, MASTER, 0x20);                 /* ends the highest */
    ck_assert_uint_eq(isr(b, MASTER), 0x10);
    fake_out8(b, MASTER, 0x64);                 /* specific, 4 */
    ck_assert_uint_eq(pic_acknowledge(pic), 0x0E);
    fake_free(b);
}
END_TEST

START_TEST(cascade)
{
    struct device *pic;
    struct board *b = bench(&pic, 1);
    pulse(pic, 14);
    pulse(pic, 3);
    ck_assert_uint_eq(pic_acknowledge(pic), 0x76);   /* input 2 beats input 3 */
    pulse(pic, 8);
    ck_assert(!fake_wire(b, WIRE_INTR));        /* not special fully nested: 2 is in service */
    fake_out8(b, SLAVE, 0x20);
    fake_out8(b, MASTER, 0x20);
    ck_assert_uint_eq(pic_acknowledge(pic), 0x70);
    fake_out8(b, SLAVE, 0x20);
    fake_out8(b, MASTER, 0x20);
    ck_assert_uint_eq(pic_acknowledge(pic), 0x0B);
    pic_set_irq(pic, 2, true);                  /* not a pin of the board */
    pic_set_irq(pic, 99, true);
    fake_out8(b, MASTER, 0x20);
    ck_assert(!fake_wire(b, WIRE_INTR));
    fake_free(b);
}
END_TEST

START_TEST(special_fully_nested)
{
    struct device *pic;
    struct board *b = bench(&pic, 0x11);
    pulse(pic, 14);
    ck_assert_uint_eq(pic_acknowledge(pic), 0x76);
    pulse(pic, 8);
    ck_assert(fake_wire(b, WIRE_INTR));
    ck_assert_uint_eq(pic_acknowledge(pic), 0x70);
    pulse(pic, 3);
    ck_assert(!fake_wire(b, WIRE_INTR));
    fake_free(b);
}
END_TEST

START_TEST(automatic_eoi)
{
    struct device *pic;
    struct board *b = bench(&pic, 3);
    pulse(pic, 10);
    pulse(pic, 11);
    ck_assert_uint_eq(pic_acknowledge(pic), 0x72);
    ck_assert_uint_eq(isr(b, MASTER) | isr(b, SLAVE), 0);
    ck_assert(fake_wire(b, WIRE_INTR));         /* INT of the slave gave a second edge */
    ck_assert_uint_eq(pic_acknowledge(pic), 0x73);
    ck_assert(!fake_wire(b, WIRE_INTR));
    fake_out8(b, MASTER, 0x80);                 /* rotate in AEOI */
    pulse(pic, 0);
    ck_assert_uint_eq(pic_acknowledge(pic), 0x08);
    pulse(pic, 0);
    pulse(pic, 7);
    ck_assert_uint_eq(pic_acknowledge(pic), 0x0F);
    fake_free(b);
}
END_TEST

START_TEST(rotation)
{
    struct device *pic;
    struct board *b = bench(&pic, 1);
    fake_out8(b, MASTER, 0xC0 | 3);             /* 3 lowest, 4 highest */
    pulse(pic, 0);
    pulse(pic, 4);
    ck_assert_uint_eq(pic_acknowledge(pic), 0x0C);
    fake_out8(b, MASTER, 0xA0);                 /* rotate on non-specific EOI: 4 lowest */
    pulse(pic, 4);
    pulse(pic, 5);
    ck_assert_uint_eq(pic_acknowledge(pic), 0x0D);
    fake_out8(b, MASTER, 0xE0 | 5);             /* rotate on specific EOI: 5 lowest */
    ck_assert_uint_eq(pic_acknowledge(pic), 0x08);
    ck_assert_uint_eq(isr(b, MASTER), 0x01);
    fake_free(b);
}
END_TEST

START_TEST(special_mask)
{
    struct device *pic;
    struct board *b = bench(&pic, 1);
    pulse(pic, 1);
    pic_acknowledge(pic);
    fake_out8(b, MASTER + 1, 0x02);
    fake_out8(b, MASTER, 0x68);                 /* set special mask mode */
    pulse(pic, 6);
    ck_assert(fake_wire(b, WIRE_INTR));
    ck_assert_uint_eq(pic_acknowledge(pic), 0x0E);
    fake_out8(b, MASTER, 0x20);                 /* passes over the masked 1 */
    ck_assert_uint_eq(isr(b, MASTER), 0x02);
    fake_out8(b, MASTER, 0x48);                 /* back to normal */
    pulse(pic, 6);
    ck_assert(!fake_wire(b, WIRE_INTR));
    fake_free(b);
}
END_TEST

START_TEST(poll)
{
    struct device *pic;
    struct board *b = bench(&pic, 1);
    fake_out8(b, MASTER, 0x0C);
    ck_assert_uint_eq(fake_in8(b, MASTER) & 0x80, 0);
    pulse(pic, 5);
    fake_out8(b, MASTER, 0x0C);
    ck_assert_int_eq(fake_peek(b, MASTER), 0x20);    /* peek does not acknowledge */
    ck_assert_uint_eq(fake_in8(b, MASTER), 0x85);
    ck_assert(!fake_wire(b, WIRE_INTR));
    ck_assert_uint_eq(isr(b, MASTER), 0x20);
    pulse(pic, 9);
    fake_out8(b, SLAVE, 0x0C);
    ck_assert_uint_eq(fake_in8(b, SLAVE), 0x81);
    ck_assert_uint_eq(isr(b, SLAVE), 0x02);
    fake_free(b);
}
END_TEST

START_TEST(level_mode)
{
    struct device *pic;
    struct board *b = bench(&pic, 1);
    pic_set_elcr(pic, 0xFFFF);                  /* 0 and 8 stay edge-triggered */
    pic_set_irq(pic, 10, true);
    ck_assert_uint_eq(pic_acknowledge(pic), 0x72);
    fake_out8(b, SLAVE, 0x20);
    fake_out8(b, MASTER, 0x20);
    ck_assert(fake_wire(b, WIRE_INTR));         /* still asked for */
    pic_set_irq(pic, 10, false);
    ck_assert(!fake_wire(b, WIRE_INTR));
    pulse(pic, 0);
    pic_acknowledge(pic);
    fake_out8(b, MASTER, 0x20);
    ck_assert(!fake_wire(b, WIRE_INTR));
    fake_free(b);
}
END_TEST

START_TEST(ltim_and_no_icw4)
{
    struct device *pic;
    struct board *b = bench(&pic, 3);
    fake_out8(b, MASTER, 0x1A);                 /* LTIM, single, no ICW4: AEOI is off again */
    fake_out8(b, MASTER + 1, 0x47);
    fake_out8(b, MASTER + 1, 0xF7);             /* already OCW1 */
    ck_assert_uint_eq(fake_in8(b, MASTER + 1), 0xF7);
    pic_set_irq(pic, 3, true);
    ck_assert_uint_eq(pic_acknowledge(pic), 0x43);
    ck_assert_uint_eq(isr(b, MASTER), 0x08);
    fake_out8(b, MASTER, 0x20);
    ck_assert(fake_wire(b, WIRE_INTR));
    fake_free(b);
}
END_TEST

START_TEST(icw1_clears)
{
    struct device *pic;
    struct board *b = bench(&pic, 1);
    pic_set_irq(pic, 1, true);
    pic_acknowledge(pic);
    fake_out8(b, MASTER + 1, 0xAA);
    init_chip(b, MASTER, 0x20, 4, 1);
    ck_assert_uint_eq(isr(b, MASTER), 0);
    ck_assert_uint_eq(fake_in8(b, MASTER + 1), 0);
    ck_assert(!fake_wire(b, WIRE_INTR));        /* the edge was before ICW1 */
    pulse(pic, 1);
    ck_assert_uint_eq(pic_acknowledge(pic), 0x21);
    fake_free(b);
}
END_TEST

/* Anything written anywhere: nothing may crash, and INTR must agree with the acknowledge. */
START_TEST(hostile)
{
    struct device *pic;
    struct board *b = bench(&pic, 1);
    uint32_t seed = 12345;
    for (unsigned i = 0; i < 200000; i++) {
        seed = seed * 1664525 + 1013904223;
        uint8_t v = (uint8_t)(seed >> 24), what = seed >> 16 & 7;
        uint16_t port = (seed >> 8 & 1 ? MASTER : SLAVE) + (seed >> 9 & 1);
        if (what < 3) fake_out8(b, port, v);
        else if (what == 3) fake_in8(b, port);
        else if (what < 6) pic_set_irq(pic, v & 15, v >> 4 & 1);
        else if (what == 6) pic_acknowledge(pic);
        else pic_set_elcr(pic, seed >> 5);
    }
    init_chip(b, MASTER, 0x08, 4, 1);
    init_chip(b, SLAVE, 0x70, 2, 1);
    pic_set_elcr(pic, 0);
    for (unsigned i = 0; i < 16; i++) pic_set_irq(pic, i, false);
    pulse(pic, 1);
    ck_assert_uint_eq(pic_acknowledge(pic), 0x09);
    fake_free(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pic");
    TCase *t = tcase_create("8259A");
    tcase_add_test(t, quiet_before_init);
    tcase_add_test(t, edge_and_vector);
    tcase_add_test(t, request_must_stay);
    tcase_add_test(t, slave_masked_and_back);
    tcase_add_test(t, fully_nested);
    tcase_add_test(t, cascade);
    tcase_add_test(t, special_fully_nested);
    tcase_add_test(t, automatic_eoi);
    tcase_add_test(t, rotation);
    tcase_add_test(t, special_mask);
    tcase_add_test(t, poll);
    tcase_add_test(t, level_mode);
    tcase_add_test(t, ltim_and_no_icw4);
    tcase_add_test(t, icw1_clears);
    tcase_add_test(t, hostile);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
