/* SPDX-License-Identifier: MIT
 * The real board with real chips on it. Its source is part of this program, in place of the
 * bench's fake board.
 */
#include <check.h>
#include <stdio.h>
#include "iodev/board.c"

static struct board *b;
static unsigned resets, offs;
static int exit_code;
static bool level[WIRE_COUNT];
static unsigned changes[WIRE_COUNT];

static void wire(void *ctx, enum board_wire w, bool now)
{
    ck_assert_ptr_eq(ctx, &b);
    level[w] = now;
    changes[w]++;
}

static void system_reset(void *ctx) { (void)ctx; resets++; }
static void power_off(void *ctx, int code) { (void)ctx; offs++; exit_code = code; }

static char irqs[256];
static void irq(void *ctx, unsigned number, bool now)
{
    size_t used = strlen(irqs);
    ck_assert_ptr_eq(ctx, &b);
    snprintf(irqs + used, sizeof irqs - used, "%u%c ", number, now ? '+' : '-');
}

static const struct board_config config = {
    .ram_bytes = 4 << 20, .wire = wire, .irq = irq, .system_reset = system_reset,
    .power_off = power_off, .ctx = &b,
};

static void setup(void)
{
    resets = offs = 0;
    irqs[0] = 0;
    memset(level, 0, sizeof level);
    memset(changes, 0, sizeof changes);
    b = board_new(&config);
    ck_assert_ptr_nonnull(b);
}

static void teardown(void) { board_free(b); }

static void pc(void)
{
    static const char *const chips[] = {
        "piix4_pm", "debug_ports", "fw_cfg", "port92", "piix3", "i440fx", "pci", "dma", "pic",
        "pit", "rtc", "ferr",
    };
    for (unsigned i = 0; i < COUNT_OF(chips); i++) ck_assert_ptr_null(board_add(b, chips[i], NULL));
    ck_assert_ptr_null(board_set(b, "debug_ports", "exit_port", "0x501"));
    ck_assert(board_power_on(b));
}

START_TEST(devices_are_named_once_and_plugged_in_order)
{
    ck_assert_ptr_nonnull(board_add(b, "flux_capacitor", NULL));
    ck_assert_ptr_null(board_add(b, "port92", NULL));
    ck_assert_ptr_nonnull(board_add(b, "port92", NULL));
    ck_assert_ptr_nonnull(board_set(b, "com9", "port", "1"));
    ck_assert_ptr_nonnull(board_set(b, "port92", "colour", "1"));
    ck_assert_ptr_null(board_add(b, "pic", NULL));
    ck_assert_str_eq(board_devices(b)->id, "pic");
    ck_assert_str_eq(board_devices(b)->next->id, "port92");
    ck_assert_ptr_null(board_find(b, "pit"));
    ck_assert(board_power_on(b));
}
END_TEST

START_TEST(two_devices_on_one_port_fail_to_power_on)
{
    board_add(b, "port92", "one");
    board_add(b, "port92", "two");
    ck_assert(!board_power_on(b));
}
END_TEST

START_TEST(a_board_without_chips_is_quiet)
{
    ck_assert(board_power_on(b));
    ck_assert_uint_eq(board_in(b, 0x20, BYTE), 0xFF);
    board_out(b, 0xCF8, 0x80000000, DWORD);
    ck_assert_uint_eq(board_acknowledge(b), 0xFF);
    struct line irq = board_irq(b, 5), none = board_irq(b, 16), dreq = board_dreq(b, 9);
    line_set(&irq, true);
    line_set(&none, true);
    line_set(&dreq, true);
    ck_assert(board_irq_level(b, 5) && !board_irq_level(b, 16));
    ck_assert(!board_pci_add(b, NULL, 0, 0));
    ck_assert_ptr_null(board_screen(b));
    board_input(b)->key(board_input(b)->ctx, 4, true);
    board_input(b)->mouse(board_input(b)->ctx, 1, 1, 0, 0);
}
END_TEST

START_TEST(interrupt_requests_are_or_ed_and_reach_the_cpu)
{
    pc();
    static const struct { uint8_t port, value; } init[] = {
        { 0x20, 0x11 }, { 0x21, 0x20 }, { 0x21, 4 }, { 0x21, 1 }, { 0xA0, 0x11 }, { 0xA1, 0x28 },
        { 0xA1, 2 }, { 0xA1, 1 }, { 0x21, 0 }, { 0xA1, 0 },
    };
    for (unsigned i = 0; i < COUNT_OF(init); i++) board_out(b, init[i].port, init[i].value, BYTE);
    struct line one = board_irq(b, 5), two = board_irq(b, 5);
    line_set(&one, true);
    ck_assert(level[WIRE_INTR]);
    line_set(&two, true);
    line_set(&one, false);
    ck_assert(board_irq_level(b, 5));
    ck_assert_uint_eq(board_acknowledge(b), 0x25);
    ck_assert(!level[WIRE_INTR]);
    line_set(&two, false);
    ck_assert(!board_irq_level(b, 5));
    line_set(&two, false);
    ck_assert(!board_irq_level(b, 5));
}
END_TEST

START_TEST(the_440fx_set_answers_where_firmware_looks)
{
    pc();
    board_out(b, 0xCF8, 0x80000000, DWORD);
    ck_assert_uint_eq(board_in(b, 0xCFC, DWORD), 0x12378086);
    board_out(b, 0xCF8, 0x80000800, DWORD);
    ck_assert_uint_eq(board_in(b, 0xCFC, DWORD), 0x70008086);
    board_out(b, 0xCF8, 0x80000B00, DWORD);
    ck_assert_uint_eq(board_in(b, 0xCFE, WORD), 0x7113);
    board_out(b, 0xCF8, 0x80000058, DWORD);                       /* PAM: F segment to RAM */
    board_out(b, 0xCFD, 0x30, BYTE);
    memory_write(b->memory, 0xF0000, 0x5A, BYTE);
    ck_assert_uint_eq(memory_read(b->memory, 0xF0000, BYTE), 0x5A);
}
END_TEST

START_TEST(reset_control_lives_inside_the_pci_address_register)
{
    pc();
    board_out(b, 0xCF8, 0x80000000, DWORD);
    board_out(b, 0xCF9, 0x02, BYTE);
    board_out(b, 0xCF9, 0x06, BYTE);
    ck_assert_uint_eq(resets, 1);
    ck_assert_uint_eq(board_in(b, 0xCF8, DWORD), 0x80000000);
    board_out(b, 0xCF9, 0x02, BYTE);
    board_out(b, 0xCF9, 0x06, BYTE);
    ck_assert_uint_eq(resets, 1);                                 /* asked for already */
    board_reset(b, RESET_HARD);
    ck_assert_uint_eq(board_in(b, 0xCF9, BYTE), 0);
    ck_assert_uint_eq(board_in(b, 0xCF8, DWORD), 0);
    board_out(b, 0xCF9, 0x06, BYTE);
    ck_assert_uint_eq(resets, 2);
    ck_assert_uint_eq(changes[WIRE_RESET], 0);
    board_out(b, 0x92, 0x01, BYTE);                               /* the CPU alone */
    ck_assert_uint_eq(changes[WIRE_RESET], 2);
    ck_assert_uint_eq(resets, 2);
}
END_TEST

START_TEST(a20_goes_by_the_last_write)
{
    pc();
    struct line keyboard = board_wire(b, WIRE_KEYBOARD_A20);
    board_out(b, 0x92, 0x00, BYTE);
    ck_assert(!level[WIRE_A20]);
    board_out(b, 0x92, 0x02, BYTE);
    ck_assert(level[WIRE_A20]);
    line_write(&keyboard, false);
    ck_assert(!level[WIRE_A20]);
    board_out(b, 0x92, 0x02, BYTE);
    ck_assert(level[WIRE_A20]);
    line_write(&keyboard, false);
    ck_assert(!level[WIRE_A20]);
    line_write(&keyboard, true);
    ck_assert(level[WIRE_A20]);
}
END_TEST

START_TEST(coprocessor_errors_are_irq_13)
{
    pc();
    board_drive(b, WIRE_FERR, true);
    board_drive(b, WIRE_FERR, true);
    ck_assert(board_irq_level(b, 13));
    ck_assert(!level[WIRE_IGNNE]);
    board_out(b, 0xF0, 0, BYTE);                   /* answered while the error is there */
    ck_assert(!board_irq_level(b, 13));
    ck_assert(level[WIRE_IGNNE]);
    board_drive(b, WIRE_FERR, false);
    ck_assert(!level[WIRE_IGNNE]);
    board_drive(b, WIRE_FERR, true);
    board_drive(b, WIRE_FERR, false);
    ck_assert(board_irq_level(b, 13));             /* kept */
    board_out(b, 0xF0, 0, BYTE);
    ck_assert(!board_irq_level(b, 13));
    ck_assert(!level[WIRE_IGNNE]);
}
END_TEST

/* An edge-triggered request that comes and goes within one access is a request all the same. */
START_TEST(every_change_of_a_request_is_told)
{
    struct line one = board_irq(b, 5), two = board_irq(b, 5);
    line_set(&one, true);
    line_set(&two, true);
    line_set(&one, false);
    ck_assert_str_eq(irqs, "5+ ");
    line_set(&two, false);
    line_set(&two, true);
    ck_assert_str_eq(irqs, "5+ 5- 5+ ");
}
END_TEST

START_TEST(port_70_masks_nmi)
{
    pc();
    struct line nmi = board_wire(b, WIRE_NMI);
    line_set(&nmi, true);
    ck_assert(level[WIRE_NMI]);
    line_set(&nmi, false);
    board_out(b, 0x70, 0x8F, BYTE);
    ck_assert_uint_eq(changes[WIRE_NMI], 2);
    line_set(&nmi, true);
    ck_assert(!level[WIRE_NMI] && !board_wire_level(b, WIRE_NMI));
    board_out(b, 0x70, 0x0F, BYTE);                               /* it has waited */
    ck_assert(level[WIRE_NMI] && board_wire_level(b, WIRE_NMI));
    board_out(b, 0x70, 0x80, BYTE);
    ck_assert(!level[WIRE_NMI]);
    level[WIRE_NMI] = true;
    b->wire[WIRE_NMI_MASK].high = 3;
    board_restored(b);
    ck_assert_uint_eq(b->wire[WIRE_NMI_MASK].high, 1);
    ck_assert(!level[WIRE_NMI]);
    board_reset(b, RESET_HARD);
    ck_assert_uint_eq(b->wire[WIRE_NMI_MASK].high, 0);
}
END_TEST

/* Two devices that leave while their timers run; the first to leave makes the other arm one. */
struct leaver {
    struct device dev;
    struct timer timer;
    struct leaver *other;
};
static unsigned left, queued;

static bool leaver_plug(struct device *d, struct board *board)
{
    struct leaver *l = container_of(d, struct leaver, dev);
    clock_arm(board_clock(board), &l->timer, 1000);
    return true;
}

static void leaver_unplug(struct device *d)
{
    struct leaver *l = container_of(d, struct leaver, dev);
    for (const struct timer *t = d->board->clock.first; t; t = t->next) queued++;
    if (l->other) clock_arm(&d->board->clock, &l->other->timer, 5);
    left++;
}

START_TEST(no_timer_outlives_its_device)
{
    static const struct device_class class = {
        .name = "leaver", .size = sizeof(struct leaver), .plug = leaver_plug,
        .unplug = leaver_unplug,
    };
    struct board *other = board_new(&config);
    struct device *first = device_new(&class, "a"), *second = device_new(&class, "b");
    container_of(second, struct leaver, dev)->other = container_of(first, struct leaver, dev);
    left = queued = 0;
    other->devices = first;
    first->next = second;
    ck_assert(board_power_on(other));
    board_free(other);
    ck_assert_uint_eq(left, 2);
    ck_assert_uint_eq(queued, 0);
}
END_TEST

START_TEST(the_end_has_an_exit_code)
{
    pc();
    board_out(b, 0x501, 0x31, BYTE);
    ck_assert_uint_eq(offs, 1);
    ck_assert_int_eq(exit_code, 0x63);
}
END_TEST

static unsigned keys, moves;
static void a_key(void *ctx, unsigned usage, bool down)
{
    (void)ctx;
    (void)usage;
    (void)down;
    keys++;
}
static void a_move(void *ctx, int x, int y, int z, unsigned buttons)
{
    (void)ctx;
    moves += (unsigned)(x + y + z) + buttons;
}

START_TEST(keyboard_and_mouse_may_be_two_devices)
{
    keys = moves = 0;
    board_set_input(b, &(struct input){ .key = a_key });
    board_set_input(b, &(struct input){ .mouse = a_move });
    const struct input *in = board_input(b);
    in->key(in->ctx, 4, true);
    in->mouse(in->ctx, 1, 0, 0, 0);
    ck_assert_uint_eq(keys, 1);
    ck_assert_uint_eq(moves, 1);
}
END_TEST

START_TEST(the_hash_is_the_same_for_the_same_machine)
{
    struct board *first = b;
    pc();
    b = board_new(&config);
    struct board *second = b;
    pc();
    ck_assert_uint_eq(board_hash(first, 0), board_hash(second, 0));
    board_out(second, 0x80, 1, BYTE);
    ck_assert_uint_ne(board_hash(first, 0), board_hash(second, 0));
    board_out(second, 0x80, 0, BYTE);
    ck_assert_uint_eq(board_hash(first, 0), board_hash(second, 0));
    memory_write(second->memory, 0x1234, 1, BYTE);
    ck_assert_uint_ne(board_hash(first, 0), board_hash(second, 0));
    memory_write(second->memory, 0x1234, 0, BYTE);
    clock_advance(&second->clock, 1);
    ck_assert_uint_ne(board_hash(first, 0), board_hash(second, 0));
    board_free(second);
    b = first;
}
END_TEST

START_TEST(restoring_counts_wires_anew)
{
    pc();
    board_out(b, 0x92, 0x02, BYTE);
    board_out(b, 0xCF8, 0x80000058, DWORD);
    board_out(b, 0xCFD, 0x30, BYTE);
    b->wire[WIRE_A20].high = 7;
    b->irq[9].high = 3;
    uint64_t before = board_hash(b, 0);
    board_restored(b);
    ck_assert_uint_eq(b->wire[WIRE_A20].high, 1);
    ck_assert_uint_eq(b->irq[9].high, 0);
    ck_assert(level[WIRE_A20] && !level[WIRE_NMI]);
    memory_write(b->memory, 0xF8000, 0, BYTE);
    ck_assert_uint_eq(memory_read(b->memory, 0xF8000, BYTE), 0);
    ck_assert_uint_eq(board_hash(b, 0), before);
}
END_TEST

START_TEST(every_class_is_complete)
{
    for (unsigned i = 0; board_classes()[i]; i++) {
        const struct device_class *c = board_classes()[i];
        ck_assert_msg(c->name && c->about && c->size >= sizeof(struct device) && c->plug,
                      "class %u", i);
        ck_assert_ptr_eq(class_by_name(c->name), c);              /* names are unique */
        ck_assert_uint_lt(strlen(c->name), sizeof ((struct device *)0)->id);
        for (const struct prop *p = c->props; p && p->name; p++) ck_assert_ptr_nonnull(p->help);
        for (const struct field *f = c->state; f && f->name; f++) ck_assert_uint_lt(f->at, c->size);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("board");
    TCase *tc = tcase_create("board");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, devices_are_named_once_and_plugged_in_order);
    tcase_add_test(tc, two_devices_on_one_port_fail_to_power_on);
    tcase_add_test(tc, a_board_without_chips_is_quiet);
    tcase_add_test(tc, interrupt_requests_are_or_ed_and_reach_the_cpu);
    tcase_add_test(tc, the_440fx_set_answers_where_firmware_looks);
    tcase_add_test(tc, reset_control_lives_inside_the_pci_address_register);
    tcase_add_test(tc, a20_goes_by_the_last_write);
    tcase_add_test(tc, coprocessor_errors_are_irq_13);
    tcase_add_test(tc, every_change_of_a_request_is_told);
    tcase_add_test(tc, port_70_masks_nmi);
    tcase_add_test(tc, no_timer_outlives_its_device);
    tcase_add_test(tc, the_end_has_an_exit_code);
    tcase_add_test(tc, keyboard_and_mouse_may_be_two_devices);
    tcase_add_test(tc, the_hash_is_the_same_for_the_same_machine);
    tcase_add_test(tc, restoring_counts_wires_anew);
    tcase_add_test(tc, every_class_is_complete);
    suite_add_tcase(suite, tc);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
