/* SPDX-License-Identifier: MIT
 * The qtest protocol against a board of arrays: QEMU's answers to the letter.
 */
#include <inttypes.h>
#include <stdlib.h>
#include "debug/qtest.h"
#include "tests/unit/debug/pipe_pair.h"

struct fake {
    uint32_t port[65536];
    uint8_t ram[65536];
    enum width last_size;
    nanos now, next;
    bool irq[16], intr, irq_on_out;
};

struct rig {
    struct fake *f;
    struct client client;
    struct qtest *q;
};

static uint32_t fake_in(void *ctx, uint16_t port, enum width size)
{
    struct fake *f = ctx;
    f->last_size = size;
    return f->port[port];
}

static void fake_out(void *ctx, uint16_t port, uint32_t value, enum width size)
{
    struct fake *f = ctx;
    f->last_size = size;
    f->port[port] = value;
    if (port == 0x70) f->irq[value & 15] = value >> 7 & 1;
    if (port == 0x71) f->intr = value & 1;
}

static uint64_t fake_read(void *ctx, uint64_t paddr, enum width size)
{
    uint64_t v = 0;
    for (unsigned i = 0; i < size; i++)
        v |= (uint64_t)((struct fake *)ctx)->ram[(paddr + i) & 0xFFFF] << (8 * i);
    return v;
}

static void fake_write(void *ctx, uint64_t paddr, uint64_t value, enum width size)
{
    for (unsigned i = 0; i < size; i++)
        ((struct fake *)ctx)->ram[(paddr + i) & 0xFFFF] = (uint8_t)(value >> (8 * i));
}

static nanos fake_now(void *ctx) { return ((struct fake *)ctx)->now; }
static nanos fake_next(void *ctx) { return ((struct fake *)ctx)->next; }
static void fake_advance(void *ctx, nanos to) { ((struct fake *)ctx)->now = to; }
static bool fake_irq(void *ctx, unsigned n) { return ((struct fake *)ctx)->irq[n]; }
static bool fake_intr(void *ctx) { return ((struct fake *)ctx)->intr; }

static struct rig rig;

static void setup(void)
{
    rig.f = calloc(1, sizeof *rig.f);
    rig.f->next = UINT64_MAX;
    struct qtest_machine m = { rig.f, fake_in, fake_out, fake_read, fake_write, fake_now, fake_next,
                               fake_advance, fake_irq, fake_intr };
    rig.q = qtest_new(pair_open(&rig.client, 1 << 20), &m);
    ck_assert_ptr_nonnull(rig.q);
}

static void teardown(void)
{
    close(rig.client.fd);
    qtest_free(rig.q);
    free(rig.f);
}

static void expect(const char *command, const char *answer)
{
    client_say(&rig.client, command);
    client_say(&rig.client, "\n");
    ck_assert(qtest_poll(rig.q));
    ck_assert_str_eq(client_hear(&rig.client), answer);
}

START_TEST(ports)
{
    rig.f->port[0x60] = 0xAB;
    expect("inb 0x60", "OK 0x00ab\n");
    ck_assert_int_eq(rig.f->last_size, BYTE);
    expect("outl 0xcf8 0x80000000", "OK\n");
    ck_assert_int_eq(rig.f->last_size, DWORD);
    expect("inl 0xcf8", "OK 0x80000000\n");
    expect("outw 96 1234", "OK\n");
    expect("inw 96", "OK 0x04d2\n");
}
END_TEST

START_TEST(memory)
{
    expect("writeq 0x10 0x1122334455667788", "OK\n");
    expect("readb 0x10", "OK 0x0000000000000088\n");
    expect("readw 0x10", "OK 0x0000000000007788\n");
    expect("readl 0x10", "OK 0x0000000055667788\n");
    expect("readq 0x10", "OK 0x1122334455667788\n");
    expect("writeb 0x10 0xff", "OK\n");
    expect("read 0x10 4", "OK 0xff776655\n");
    expect("read 0x10 0", "OK 0x\n");
    expect("write 0x20 4 0x0102", "OK\n");             /* missing digits are zeroes */
    expect("readl 0x20", "OK 0x0000000000000201\n");
    expect("memset 0x20 3 0x5a", "OK\n");
    expect("readl 0x20", "OK 0x00000000005a5a5a\n");
}
END_TEST

START_TEST(base_64)
{
    expect("write 0 5 0x48656c6c6f", "OK\n");
    expect("b64read 0 3", "OK SGVs\n");
    expect("b64read 0 4", "OK SGVsbA==\n");
    expect("b64read 0 5", "OK SGVsbG8=\n");
    expect("b64write 0x100 5 SGVsbG8=", "OK\n");
    expect("read 0x100 6", "OK 0x48656c6c6f00\n");
    expect("b64write 0x200 2 SGVsbG8=", "OK\n");       /* no more than asked for */
    expect("read 0x200 3", "OK 0x486500\n");
    expect("b64write 0x100 5 S!", "FAIL not base 64\n");
}
END_TEST

START_TEST(clock)
{
    expect("clock_step", "OK 0\n");
    rig.f->next = 700;
    expect("clock_step", "OK 700\n");
    expect("clock_step 300", "OK 1000\n");
    expect("clock_set 5000", "OK 5000\n");
    expect("clock_set 10", "OK 5000\n");               /* never back */
    expect("clock_step 18446744073709551615", "FAIL beyond the end of time\n");
}
END_TEST

START_TEST(interrupts_in)
{
    expect("outb 0x70 0x83", "OK\n");
    expect("irq_intercept_in ioapic", "IRQ raise 3\nOK\n");
    expect("outb 0x70 0x85", "IRQ raise 5\nOK\n");
    expect("outb 0x70 0x85", "OK\n");
    expect("outb 0x70 0x03", "IRQ lower 3\nOK\n");
    expect("irq_intercept_out ioapic", "FAIL IRQ intercept already enabled\n");
    qtest_irq_changed(rig.q, 7, true);
    ck_assert_str_eq(client_hear(&rig.client), "IRQ raise 7\n");
}
END_TEST

START_TEST(interrupts_out)
{
    expect("irq_intercept_out i8259", "OK\n");
    expect("outb 0x70 0x81", "OK\n");
    expect("outb 0x71 1", "IRQ raise 0\nOK\n");
    expect("outb 0x71 0", "IRQ lower 0\nOK\n");
}
END_TEST

START_TEST(failures)
{
    expect("frobnicate 1", "FAIL Unknown command 'frobnicate'\n");
    expect("inb", "FAIL wrong number of words\n");
    expect("inb x", "FAIL 'x' is not a number\n");
    expect("outb 1 2 3", "FAIL wrong number of words\n");
    expect("inb -1", "FAIL '-1' is not a number\n");
    expect("write 0 1 41", "FAIL the data must begin with 0x\n");
    expect("read 0 0xffffffffffffffff", "FAIL more than 16 MiB\n");
    expect("module_load x y", "FAIL not supported\n");
    expect("endianness", "OK little\n");
    expect("", "");
}
END_TEST

START_TEST(lines_in_pieces_and_an_end)
{
    client_say(&rig.client, "in");
    ck_assert(qtest_poll(rig.q));
    client_say(&rig.client, "b 0x60\r\ninb 0x61\n");
    ck_assert(qtest_poll(rig.q));
    ck_assert_str_eq(client_hear(&rig.client), "OK 0x0000\nOK 0x0000\n");
    shutdown(rig.client.fd, SHUT_WR);
    ck_assert(!qtest_poll(rig.q));
}
END_TEST

START_TEST(a_block_of_a_megabyte)
{
    static char command[2 << 19];
    int n = snprintf(command, sizeof command, "write 0 40000 0x");
    memset(command + n, '7', 80000);
    command[n + 80000] = 0;
    expect(command, "OK\n");
    ck_assert_uint_eq(rig.f->ram[39999], 0x77);
    ck_assert_uint_eq(rig.f->ram[40000], 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("qtest");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, ports);
    tcase_add_test(t, memory);
    tcase_add_test(t, base_64);
    tcase_add_test(t, clock);
    tcase_add_test(t, interrupts_in);
    tcase_add_test(t, interrupts_out);
    tcase_add_test(t, failures);
    tcase_add_test(t, lines_in_pieces_and_an_end);
    tcase_add_test(t, a_block_of_a_megabyte);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
