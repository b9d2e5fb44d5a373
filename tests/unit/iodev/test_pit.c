/* SPDX-License-Identifier: MIT
 * The 8254 against its data sheet, with port 61h around channel 2.
 */
#include "iodev/pit.h"
#include "tests/unit/fake_board.h"

#include <check.h>
#include <stdlib.h>

extern const struct device_class pit_class, port61_class;

enum { PIT = 0x40, CONTROL = 0x43 };

static struct board *bench(void)
{
    struct board *b = fake_new(1 << 16);
    ck_assert_ptr_nonnull(fake_plug(b, &pit_class, NULL));
    ck_assert_ptr_nonnull(fake_plug(b, &port61_class, NULL));
    return b;
}

/* Moves to the first nanosecond of a PIT clock, counted from power-on. */
static void go_to(struct board *b, uint64_t clocks)
{
    nanos at = muldiv64_up(clocks, SECOND, PIT_HZ);
    ck_assert_uint_ge(at, b->clock.now);
    fake_advance(b, at - b->clock.now);
}

static uint64_t clocks(struct board *b) { return muldiv64(b->clock.now, PIT_HZ, SECOND); }
static void pass(struct board *b, uint64_t n) { go_to(b, clocks(b) + n); }

static void program(struct board *b, unsigned ch, uint8_t mode, uint16_t count)
{
    fake_out8(b, CONTROL, (uint8_t)(ch << 6 | 0x30 | mode));
    fake_out8(b, (uint16_t)(PIT + ch), (uint8_t)count);
    fake_out8(b, (uint16_t)(PIT + ch), (uint8_t)(count >> 8));
}

static uint16_t count_of(struct board *b, unsigned ch)
{
    fake_out8(b, CONTROL, (uint8_t)(ch << 6));
    uint8_t low = fake_in8(b, (uint16_t)(PIT + ch));
    return (uint16_t)(low | fake_in8(b, (uint16_t)(PIT + ch)) << 8);
}

static uint8_t status_of(struct board *b, unsigned ch)
{
    fake_out8(b, CONTROL, (uint8_t)(0xE0 | 2 << ch));
    return fake_in8(b, (uint16_t)(PIT + ch));
}

static bool out2(struct board *b) { return fake_in8(b, 0x61) & 0x20; }

START_TEST(mode0)
{
    struct board *b = bench();
    program(b, 0, 0x00, 1000);
    ck_assert(!fake_irq(b, 0));
    pass(b, 1);                                 /* loaded by the clock after the write */
    ck_assert_uint_eq(count_of(b, 0), 1000);
    pass(b, 999);
    ck_assert_uint_eq(count_of(b, 0), 1);
    ck_assert(!fake_irq(b, 0));
    pass(b, 1);
    ck_assert_uint_eq(count_of(b, 0), 0);
    ck_assert(fake_irq(b, 0));
    pass(b, 10);                                /* goes on from FFFF, OUT stays */
    ck_assert_uint_eq(count_of(b, 0), 0xFFF6);
    pass(b, 200000);
    ck_assert_uint_eq(fake_irq_edges(b, 0), 1);
    fake_free(b);
}
END_TEST

START_TEST(mode0_first_byte_stops)
{
    struct board *b = bench();
    program(b, 0, 0x00, 100);
    pass(b, 500);
    ck_assert(fake_irq(b, 0));
    fake_out8(b, PIT, 50);
    ck_assert(!fake_irq(b, 0));
    pass(b, 100000);
    ck_assert(!fake_irq(b, 0));
    fake_out8(b, PIT, 0);
    pass(b, 50);
    ck_assert(!fake_irq(b, 0));
    pass(b, 1);
    ck_assert(fake_irq(b, 0));
    fake_free(b);
}
END_TEST

START_TEST(mode0_gate)
{
    struct board *b = bench();
    program(b, 2, 0x00, 100);                   /* gate is low: loaded, not counting */
    pass(b, 500);
    ck_assert_uint_eq(count_of(b, 2), 100);
    fake_out8(b, 0x61, 0x01);
    pass(b, 60);
    ck_assert_uint_eq(count_of(b, 2), 40);
    fake_out8(b, 0x61, 0x00);
    pass(b, 60);
    ck_assert_uint_eq(count_of(b, 2), 40);
    ck_assert(!out2(b));
    fake_out8(b, 0x61, 0x01);
    pass(b, 40);
    ck_assert(out2(b));
    fake_free(b);
}
END_TEST

START_TEST(mode1)
{
    struct board *b = bench();
    program(b, 2, 0x02, 100);
    ck_assert(out2(b));
    ck_assert_uint_eq(status_of(b, 2) & 0x40, 0x40);     /* null count until the trigger */
    fake_out8(b, 0x61, 0x01);
    pass(b, 1);
    ck_assert(!out2(b));
    ck_assert_uint_eq(status_of(b, 2), 0x32);
    pass(b, 50);
    fake_out8(b, 0x61, 0x00);                   /* the gate's level does not matter */
    fake_out8(b, 0x61, 0x01);                   /* a new edge starts again */
    pass(b, 100);
    ck_assert(!out2(b));
    pass(b, 1);
    ck_assert(out2(b));
    fake_free(b);
}
END_TEST

START_TEST(mode2_rate)
{
    struct board *b = bench();
    program(b, 0, 0x04, 1000);
    ck_assert(fake_irq(b, 0));
    pass(b, 1);
    ck_assert_uint_eq(count_of(b, 0), 1000);
    pass(b, 998);
    ck_assert_uint_eq(count_of(b, 0), 2);
    ck_assert(fake_irq(b, 0));
    pass(b, 1);
    ck_assert_uint_eq(count_of(b, 0), 1);
    ck_assert(!fake_irq(b, 0));
    pass(b, 1);
    ck_assert(fake_irq(b, 0));
    ck_assert_uint_eq(count_of(b, 0), 1000);
    fake_free(b);
}
END_TEST

/* An hour of 1000 Hz and of 18.2 Hz: not one edge more or less than the quotient. */
START_TEST(no_drift)
{
    struct board *b = bench();
    program(b, 0, 0x04, 1193);
    unsigned before = fake_irq_edges(b, 0);
    fake_advance(b, 600 * SECOND);
    ck_assert_uint_eq(fake_irq_edges(b, 0) - before, (600ull * PIT_HZ - 1) / 1193);
    program(b, 0, 0x06, 0);
    before = fake_irq_edges(b, 0);
    uint64_t from = clocks(b) + 1;
    fake_advance(b, 3600 * SECOND);
    ck_assert_uint_eq(fake_irq_edges(b, 0) - before, (clocks(b) - from) / 65536);
    fake_free(b);
}
END_TEST

START_TEST(mode2_new_count_waits)
{
    struct board *b = bench();
    program(b, 0, 0x04, 100);
    pass(b, 11);
    ck_assert_uint_eq(count_of(b, 0), 90);
    fake_out8(b, PIT, 40);
    fake_out8(b, PIT, 0);
    ck_assert_uint_eq(status_of(b, 0) & 0x40, 0x40);
    pass(b, 20);
    ck_assert_uint_eq(count_of(b, 0), 70);
    pass(b, 70);
    ck_assert_uint_eq(count_of(b, 0), 40);
    ck_assert_uint_eq(status_of(b, 0) & 0x40, 0);
    unsigned before = fake_irq_edges(b, 0);
    pass(b, 400);
    ck_assert_uint_eq(fake_irq_edges(b, 0) - before, 10);
    fake_free(b);
}
END_TEST

START_TEST(mode3_even_and_odd)
{
    struct board *b = bench();
    program(b, 0, 0x06, 10);
    pass(b, 1);
    for (unsigned i = 0; i < 30; i++) {
        ck_assert_int_eq(fake_irq(b, 0), i % 10 < 5);
        ck_assert_uint_eq(count_of(b, 0), 10 - 2 * (i % 5));
        pass(b, 1);
    }
    program(b, 0, 0x06, 5);
    pass(b, 1);
    static const uint8_t counts[5] = { 4, 2, 0, 4, 2 };
    for (unsigned i = 0; i < 15; i++) {         /* 3 high, 2 low */
        ck_assert_int_eq(fake_irq(b, 0), i % 5 < 3);
        ck_assert_uint_eq(count_of(b, 0), counts[i % 5]);
        pass(b, 1);
    }
    fake_free(b);
}
END_TEST

START_TEST(mode3_new_count_at_half)
{
    struct board *b = bench();
    program(b, 0, 0x06, 100);
    pass(b, 11);
    fake_out8(b, PIT, 20);
    fake_out8(b, PIT, 0);
    pass(b, 39);
    ck_assert(fake_irq(b, 0));
    pass(b, 1);                                 /* the high half ends at 50 */
    ck_assert(!fake_irq(b, 0));
    pass(b, 9);
    ck_assert(!fake_irq(b, 0));
    pass(b, 1);
    ck_assert(fake_irq(b, 0));
    pass(b, 10);
    ck_assert(!fake_irq(b, 0));
    fake_free(b);
}
END_TEST

START_TEST(mode3_gate_restarts)
{
    struct board *b = bench();
    fake_out8(b, 0x61, 0x03);
    program(b, 2, 0x06, 100);
    ck_assert_uint_eq(pit_tone(board_find(b, "pit")), 100);
    pass(b, 70);
    ck_assert(!out2(b));
    fake_out8(b, 0x61, 0x02);
    ck_assert(out2(b));                         /* at once */
    ck_assert_uint_eq(pit_tone(board_find(b, "pit")), 0);
    pass(b, 1000);
    fake_out8(b, 0x61, 0x03);
    pass(b, 50);
    ck_assert(out2(b));
    pass(b, 1);
    ck_assert(!out2(b));
    fake_free(b);
}
END_TEST

START_TEST(mode4_and_5)
{
    struct board *b = bench();
    program(b, 0, 0x08, 20);
    ck_assert(fake_irq(b, 0));
    pass(b, 20);
    ck_assert(fake_irq(b, 0));
    pass(b, 1);
    ck_assert(!fake_irq(b, 0));                 /* one clock */
    pass(b, 1);
    ck_assert(fake_irq(b, 0));
    unsigned edges = fake_irq_edges(b, 0);
    pass(b, 100000);
    ck_assert_uint_eq(fake_irq_edges(b, 0), edges);
    program(b, 2, 0x0A, 20);
    pass(b, 100);
    ck_assert(out2(b));
    fake_out8(b, 0x61, 0x01);
    pass(b, 20);
    ck_assert(out2(b));
    pass(b, 1);
    ck_assert(!out2(b));
    pass(b, 1);
    ck_assert(out2(b));
    fake_free(b);
}
END_TEST

START_TEST(bcd)
{
    struct board *b = bench();
    program(b, 0, 0x05, 0x1000);
    pass(b, 1);
    ck_assert_uint_eq(count_of(b, 0), 0x1000);
    pass(b, 1);
    ck_assert_uint_eq(count_of(b, 0), 0x0999);
    program(b, 0, 0x01, 0);
    pass(b, 2);
    ck_assert_uint_eq(count_of(b, 0), 0x9999);
    pass(b, 9999);
    ck_assert(fake_irq(b, 0));
    pass(b, 1);
    ck_assert_uint_eq(count_of(b, 0), 0x9999);
    fake_free(b);
}
END_TEST

START_TEST(latches)
{
    struct board *b = bench();
    program(b, 0, 0x04, 0x1234);
    pass(b, 1);
    fake_out8(b, CONTROL, 0x00);
    pass(b, 100);
    fake_out8(b, CONTROL, 0x00);                /* the first latch holds */
    ck_assert_uint_eq(fake_in8(b, PIT), 0x34);
    pass(b, 100);
    ck_assert_uint_eq(fake_in8(b, PIT), 0x12);
    uint8_t low = fake_in8(b, PIT);             /* live again */
    ck_assert_uint_eq(low | fake_in8(b, PIT) << 8, 0x1234 - 200);
    fake_out8(b, CONTROL, 0xC2);                /* status and count of channel 0 */
    ck_assert_uint_eq(fake_in8(b, PIT), 0xB4);
    ck_assert_uint_eq(fake_in8(b, PIT), (0x1234 - 200) & 0xFF);
    ck_assert_uint_eq(fake_in8(b, PIT), (0x1234 - 200) >> 8);
    ck_assert_uint_eq(fake_in8(b, CONTROL), 0xFF);
    fake_free(b);
}
END_TEST

START_TEST(single_bytes)
{
    struct board *b = bench();
    fake_out8(b, CONTROL, 0x10);                /* LSB only, mode 0 */
    fake_out8(b, PIT, 200);
    pass(b, 1);
    ck_assert_uint_eq(fake_in8(b, PIT), 200);
    pass(b, 200);
    ck_assert(fake_irq(b, 0));
    fake_out8(b, CONTROL, 0x20);                /* MSB only */
    fake_out8(b, PIT, 2);
    pass(b, 1);
    ck_assert_uint_eq(fake_in8(b, PIT), 2);
    pass(b, 511);
    ck_assert(!fake_irq(b, 0));
    pass(b, 1);
    ck_assert(fake_irq(b, 0));
    fake_free(b);
}
END_TEST

START_TEST(port61_bits)
{
    struct board *b = bench();
    ck_assert_uint_eq(fake_in8(b, 0x61) & 0xCF, 0);
    fake_out8(b, 0x61, 0xFF);
    ck_assert_uint_eq(fake_in8(b, 0x61) & 0xCF, 0x0F);
    ck_assert(fake_wire(b, WIRE_SPEAKER));
    unsigned toggles = 0;
    for (uint8_t last = fake_in8(b, 0x61), i = 0; i < 200; i++) {
        fake_advance(b, 1000);
        toggles += (fake_in8(b, 0x61) ^ last) >> 4 & 1;
        last = fake_in8(b, 0x61);
    }
    ck_assert_uint_eq(toggles, 13);             /* 200 us / 15.085 us */
    fake_reset(b, RESET_HARD);
    ck_assert(!fake_wire(b, WIRE_PIT2_GATE));
    fake_free(b);
}
END_TEST

START_TEST(hostile)
{
    struct board *b = bench();
    uint32_t seed = 99;
    for (unsigned i = 0; i < 100000; i++) {
        seed = seed * 1664525 + 1013904223;
        uint16_t port = PIT + (seed >> 8 & 3);
        if (seed >> 12 & 1) fake_out8(b, port, (uint8_t)(seed >> 24));
        else fake_in8(b, port);
        if (!(seed >> 16 & 15)) fake_out8(b, 0x61, (uint8_t)(seed >> 20));
        fake_peek(b, port);
        fake_advance(b, seed >> 22);
    }
    program(b, 0, 0x04, 1);                     /* forbidden counts must not hang the clock */
    fake_advance(b, SECOND);
    program(b, 0, 0x06, 1);
    fake_advance(b, SECOND);
    ck_assert_uint_eq(clock_next(&b->clock), UINT64_MAX);
    program(b, 0, 0x06, 2);
    fake_advance(b, SECOND / 10);
    fake_free(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("pit");
    TCase *t = tcase_create("8254");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, mode0);
    tcase_add_test(t, mode0_first_byte_stops);
    tcase_add_test(t, mode0_gate);
    tcase_add_test(t, mode1);
    tcase_add_test(t, mode2_rate);
    tcase_add_test(t, no_drift);
    tcase_add_test(t, mode2_new_count_waits);
    tcase_add_test(t, mode3_even_and_odd);
    tcase_add_test(t, mode3_new_count_at_half);
    tcase_add_test(t, mode3_gate_restarts);
    tcase_add_test(t, mode4_and_5);
    tcase_add_test(t, bcd);
    tcase_add_test(t, latches);
    tcase_add_test(t, single_bytes);
    tcase_add_test(t, port61_bits);
    tcase_add_test(t, hostile);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
