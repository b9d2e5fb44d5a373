/* SPDX-License-Identifier: MIT
 * Guest time, the device core and port dispatch.
 */
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include "iodev/ports.h"
#include "tests/unit/fake_board.h"

/* ---- clock ----------------------------------------------------------------------------------- */
static char order[64];
static nanos fired_at[64];
static unsigned fired;
static struct clock clk;

static void fire(struct timer *t, nanos due)
{
    ck_assert_uint_eq(clock_now(&clk), due);
    if (fired < 63) {
        order[fired] = t->name[0];
        fired_at[fired++] = due;
    }
}

static void again(struct timer *t, nanos due)
{
    fire(t, due);
    clock_arm(&clk, t, due + 100);
}

static void stuck(struct timer *t, nanos due)
{
    clock_arm(&clk, t, due);
}

static nanos earlier_due;
static void earlier(void *ctx, nanos due) { (void)ctx; earlier_due = due; }
static nanos source(void *ctx) { return *(nanos *)ctx; }

static void clock_setup(void)
{
    clk = (struct clock){ 0 };
    fired = 0;
    memset(order, 0, sizeof order);
}

START_TEST(timers_fire_in_order_of_time_then_of_arming)
{
    struct timer a = { .fire = fire, .name = "a" }, b = { .fire = fire, .name = "b" };
    struct timer c = { .fire = fire, .name = "c" }, d = { .fire = fire, .name = "d" };
    clock_arm(&clk, &a, 30);
    clock_arm(&clk, &b, 10);
    clock_arm(&clk, &c, 30);
    clock_arm(&clk, &d, 20);
    clock_disarm(&clk, &d);
    clock_disarm(&clk, &d);
    ck_assert_uint_eq(clock_next(&clk), 10);
    clock_advance(&clk, 29);
    ck_assert_str_eq(order, "b");
    clock_advance(&clk, 30);
    ck_assert_str_eq(order, "bac");
    ck_assert_uint_eq(clock_next(&clk), UINT64_MAX);
}
END_TEST

START_TEST(rearming_moves_a_timer)
{
    struct timer a = { .fire = fire, .name = "a" }, b = { .fire = fire, .name = "b" };
    clock_arm(&clk, &a, 10);
    clock_arm(&clk, &b, 20);
    clock_arm(&clk, &a, 30);
    clock_advance(&clk, 100);
    ck_assert_str_eq(order, "ba");
    ck_assert_uint_eq(clk.now, 100);
}
END_TEST

START_TEST(a_periodic_timer_does_not_drift)
{
    struct timer a = { .fire = again, .name = "a" };
    clock_arm(&clk, &a, 100);
    clock_advance(&clk, 1050);
    ck_assert_uint_eq(fired, 10);
    ck_assert_uint_eq(fired_at[9], 1000);
    ck_assert_uint_eq(clock_next(&clk), 1100);
}
END_TEST

START_TEST(a_timer_that_never_gets_on_does_not_hang_the_machine)
{
    struct timer a = { .fire = stuck, .name = "a" };
    clock_arm(&clk, &a, 5);
    clock_advance(&clk, 10);
    ck_assert_uint_eq(clk.now, 10);
    ck_assert(a.armed);
}
END_TEST

START_TEST(the_machine_hears_of_an_earlier_timer)
{
    struct timer a = { .fire = fire, .name = "a" }, b = { .fire = fire, .name = "b" };
    nanos exact = 7;
    clk.earlier = earlier;
    clock_arm(&clk, &a, 50);
    ck_assert_uint_eq(earlier_due, 50);
    clock_arm(&clk, &b, 60);
    ck_assert_uint_eq(earlier_due, 50);
    clock_arm(&clk, &b, 40);
    ck_assert_uint_eq(earlier_due, 40);
    clk.source = source;
    clk.ctx = &exact;
    ck_assert_uint_eq(clock_now(&clk), 7);
    clk.now = 9;
    ck_assert_uint_eq(clock_now(&clk), 9);       /* never backwards */
    exact = 45;
    clock_advance(&clk, 45);                     /* b sees its 40, not the CPU's 45 */
    ck_assert_str_eq(order, "b");
    exact = 46;
    ck_assert_uint_eq(clock_now(&clk), 46);
}
END_TEST

/* ---- device ---------------------------------------------------------------------------------- */
struct gadget {
    struct device dev;
    uint64_t number;
    bool     flag;
    char    *text;
    uint8_t  bytes[3];
    uint32_t words[2];
    uint8_t *buffer;
    size_t   buffer_len;
    struct timer timer;
    struct line  line;
    int      unplugs;
};

static const struct prop gadget_props[] = {
    { "number", PROP_UINT, offsetof(struct gadget, number), 42, NULL, "a number" },
    { "flag", PROP_BOOL, offsetof(struct gadget, flag), 1, NULL, "a flag" },
    { "text", PROP_TEXT, offsetof(struct gadget, text), 0, "hello", "a text" },
    { 0 },
};
static const struct field gadget_state[] = {
    FIELD_N(struct gadget, bytes), FIELD_N(struct gadget, words),
    FIELD_BUFFER(struct gadget, buffer, buffer_len), FIELD_TIMER(struct gadget, timer),
    FIELD_LINE(struct gadget, line), { 0 },
};
static const struct device_class gadget_class = {
    .name = "gadget", .about = "none", .size = sizeof(struct gadget), .props = gadget_props,
    .state = gadget_state,
};

START_TEST(settings_come_from_text)
{
    struct device *d = device_new(&gadget_class, NULL);
    struct gadget *g = container_of(d, struct gadget, dev);
    ck_assert_str_eq(d->id, "gadget");
    ck_assert_uint_eq(g->number, 42);
    ck_assert(g->flag);
    ck_assert_str_eq(g->text, "hello");
    ck_assert_ptr_null(device_set(d, "number", "0x3F8"));
    ck_assert_uint_eq(g->number, 0x3F8);
    ck_assert_ptr_null(device_set(d, "number", "010"));         /* decimal, not octal */
    ck_assert_uint_eq(g->number, 10);
    static const char *const bad[] = { "", "x", "-1", "+1", " 1", "1x", "0x",
        "99999999999999999999" };
    for (unsigned i = 0; i < COUNT_OF(bad); i++)
        ck_assert_ptr_nonnull(device_set(d, "number", bad[i]));
    ck_assert_uint_eq(g->number, 10);
    ck_assert_ptr_null(device_set(d, "flag", "Off"));
    ck_assert(!g->flag);
    ck_assert_ptr_null(device_set(d, "flag", "yes"));
    ck_assert(g->flag);
    ck_assert_ptr_nonnull(device_set(d, "flag", "2"));
    ck_assert_ptr_null(device_set(d, "text", "world"));
    ck_assert_str_eq(g->text, "world");
    ck_assert_ptr_nonnull(device_set(d, "colour", "red"));
    device_free(d);
    d = device_new(&gadget_class, "a name that is much too long");
    ck_assert_uint_eq(strlen(d->id), 15);
    device_free(d);
    device_free(NULL);
}
END_TEST

START_TEST(the_state_hash_sees_every_field)
{
    struct device *d = device_new(&gadget_class, NULL);
    struct gadget *g = container_of(d, struct gadget, dev);
    uint8_t buffer[5] = { 0 };
    g->buffer = buffer;
    g->buffer_len = sizeof buffer;
    uint64_t hash = device_hash(d, 1);
    ck_assert_uint_eq(hash, device_hash(d, 1));
    ck_assert_uint_ne(hash, device_hash(d, 2));
    g->number++;                                                 /* a setting, not state */
    g->timer.due = 77;                                           /* means nothing when not armed */
    ck_assert_uint_eq(hash, device_hash(d, 1));
#define CHANGES(what, back) what; ck_assert_uint_ne(hash, device_hash(d, 1)); back; \
    ck_assert_uint_eq(hash, device_hash(d, 1))
    CHANGES(g->bytes[2] = 1, g->bytes[2] = 0);
    CHANGES(g->words[1] = 1u << 31, g->words[1] = 0);
    CHANGES(buffer[4] = 1, buffer[4] = 0);
    CHANGES(g->buffer_len = 4, g->buffer_len = 5);
    CHANGES(g->timer.armed = true, g->timer.armed = false);
    CHANGES(g->line.level = true, g->line.level = false);
    device_free(d);
}
END_TEST

/* ---- ports ----------------------------------------------------------------------------------- */
struct probe {
    struct device dev;
    unsigned      calls;
    uint32_t      last_offset, last_value;
    enum width    last_size;
};

static uint32_t probe_read(struct device *d, uint32_t offset, enum width size)
{
    struct probe *p = container_of(d, struct probe, dev);
    p->calls++;
    p->last_offset = offset;
    p->last_size = size;
    return 0x13121110u + 0x01010101u * offset;
}

static void probe_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    probe_read(d, offset, size);
    container_of(d, struct probe, dev)->last_value = value;
}

static uint32_t probe_peek(const struct device *d, uint32_t offset)
{
    (void)d;
    return 0x50 + offset;
}

static const struct io_ops bytes_io = { probe_read, probe_write, probe_peek, BYTE };
static const struct io_ops words_io = { probe_read, probe_write, NULL, WORD };
static const struct io_ops dwords_io = { probe_read, probe_write, NULL, DWORD };
static struct probe a, b;
static struct ports *ports;

static void ports_setup(void)
{
    a = (struct probe){ .dev.id = "a" };
    b = (struct probe){ .dev.id = "b" };
    ports = ports_new(NULL);
}

static void ports_teardown(void) { ports_free(ports); }

START_TEST(ports_of_nobody_read_ones)
{
    ck_assert_uint_eq(ports_in(ports, 0x123, BYTE), 0xFF);
    ck_assert_uint_eq(ports_in(ports, 0xFFFF, DWORD), 0xFFFFFFFF);
    ports_out(ports, 0xFFFF, 1, DWORD);
    ck_assert_uint_eq(ports_peek(ports, 0xFFFF), 0xFF);
}
END_TEST

START_TEST(a_port_has_one_owner)
{
    ck_assert(ports_claim(ports, &a.dev, 0x60, 5, &bytes_io));
    ck_assert(!ports_claim(ports, &b.dev, 0x64, 1, &bytes_io));
    ck_assert(!ports_claim(ports, &b.dev, 0x5F, 2, &bytes_io));
    ck_assert(!ports_claim(ports, &b.dev, 0xFFFF, 2, &bytes_io));
    ck_assert(!ports_claim(ports, &b.dev, 0x70, 0, &bytes_io));
    ports_release(ports, &b.dev, 0x64, 1);                        /* not b's to give away */
    ck_assert_ptr_eq(ports_owner(ports, 0x64), &a.dev);
    ports_release(ports, &a.dev, 0x61, 1);
    ck_assert(ports_claim(ports, &b.dev, 0x61, 1, &bytes_io));
    ck_assert_uint_eq(ports_in(ports, 0x62, BYTE), 0x12);         /* the hole keeps a's offsets */
    ck_assert_uint_eq(ports_peek(ports, 0x61), 0x50);
    ck_assert(ports_claim(ports, &a.dev, 0x60, 1, &words_io));    /* over its own port */
    ports_release(ports, &a.dev, 0, 0x10000);
    ck_assert_ptr_null(ports_owner(ports, 0x60));
    ck_assert_ptr_eq(ports_owner(ports, 0x61), &b.dev);
}
END_TEST

START_TEST(wide_accesses_straddle_owners)
{
    ports_claim(ports, &a.dev, 0x60, 2, &bytes_io);
    ports_claim(ports, &b.dev, 0x62, 1, &bytes_io);
    ck_assert_uint_eq(ports_in(ports, 0x60, DWORD), 0xFF101110);
    ports_out(ports, 0x61, 0xBBAA, WORD);
    ck_assert_uint_eq(a.last_value, 0xAA);
    ck_assert_uint_eq(b.last_value, 0xBB);
    ck_assert_uint_eq(b.last_offset, 0);
    ports_claim(ports, &a.dev, 0xFFFF, 1, &bytes_io);
    ck_assert_uint_eq(ports_in(ports, 0xFFFF, WORD), 0xFF10);
}
END_TEST

START_TEST(whole_registers_at_odd_places)
{
    ports_claim(ports, &a.dev, 0x1CE, 2, &words_io);              /* Bochs VBE: data word at 1CFh */
    ck_assert_uint_eq(ports_in(ports, 0x1CF, WORD), 0x1211);
    ck_assert_uint_eq(a.last_offset, 1);
    ck_assert_uint_eq(a.last_size, WORD);
    ports_claim(ports, &a.dev, 0xCF8, 4, &dwords_io);  /* CF9h belongs to the south bridge */
    ports_release(ports, &a.dev, 0xCF9, 1);
    ports_claim(ports, &b.dev, 0xCF9, 1, &bytes_io);
    ports_out(ports, 0xCF8, 0x80001234, DWORD);
    ck_assert_uint_eq(a.last_value, 0x80001234);
    ck_assert_uint_eq(b.calls, 0);
    ports_out(ports, 0xCF9, 6, BYTE);
    ck_assert_uint_eq(b.last_value, 6);
}
END_TEST

START_TEST(claims_come_and_go_without_end)
{
    for (unsigned i = 0; i < 20000; i++) {
        ck_assert(ports_claim(ports, &a.dev, (uint16_t)(0xC000 + i % 0x100 * 16), 16, &bytes_io));
        ports_release(ports, &a.dev, (uint16_t)(0xC000 + i % 0x100 * 16), 16);
    }
    for (unsigned i = 0; i < 2000; i++)
        ck_assert(ports_claim(ports, &a.dev, (uint16_t)i, 1, &bytes_io));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clock, device, ports");
    TCase *tc = tcase_create("clock");
    tcase_add_checked_fixture(tc, clock_setup, NULL);
    tcase_add_test(tc, timers_fire_in_order_of_time_then_of_arming);
    tcase_add_test(tc, rearming_moves_a_timer);
    tcase_add_test(tc, a_periodic_timer_does_not_drift);
    tcase_add_test(tc, a_timer_that_never_gets_on_does_not_hang_the_machine);
    tcase_add_test(tc, the_machine_hears_of_an_earlier_timer);
    suite_add_tcase(suite, tc);
    tc = tcase_create("device");
    tcase_add_test(tc, settings_come_from_text);
    tcase_add_test(tc, the_state_hash_sees_every_field);
    suite_add_tcase(suite, tc);
    tc = tcase_create("ports");
    tcase_add_checked_fixture(tc, ports_setup, ports_teardown);
    tcase_add_test(tc, ports_of_nobody_read_ones);
    tcase_add_test(tc, a_port_has_one_owner);
    tcase_add_test(tc, wide_accesses_straddle_owners);
    tcase_add_test(tc, whole_registers_at_odd_places);
    tcase_add_test(tc, claims_come_and_go_without_end);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
