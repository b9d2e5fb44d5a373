/* SPDX-License-Identifier: MIT
 * The 16550A by its data sheet, and by what Linux's 8250 driver tries on it.
 */
#define _GNU_SOURCE
#include "iodev/serial.h"
#include "tests/unit/fake_board.h"
#include "tests/unit/iodev/temp_image.h"

enum { COM1 = 0x3F8, DATA = COM1, IER = COM1 + 1, IIR = COM1 + 2, FCR = COM1 + 2, LCR = COM1 + 3,
       MCR = COM1 + 4, LSR = COM1 + 5, MSR = COM1 + 6, SCR = COM1 + 7 };
enum { BYTE_TIME = 86806 };    /* 10 bits at 115200 baud, in ns */

static struct temp temp;
static struct board *b;
static struct device *com1;

static void begin(void)
{
    temp_begin(&temp);
    b = fake_new(1 << 20);
    com1 = fake_plug_id(b, &serial_class, "com1", "mode", "file", "dev",
                        temp_path(&temp, "out"), NULL);
    ck_assert_ptr_nonnull(com1);
    fake_out8(b, LCR, 0x03);
}

static void end(void)
{
    fake_free(b);
    temp_end(&temp);
}

static void bytes_come(const char *text)
{
    ck_assert_uint_eq(serial_receive(com1, (const uint8_t *)text, strlen(text)), strlen(text));
}

START_TEST(reset_state)
{
    ck_assert_uint_eq(fake_in8(b, IER), 0);
    ck_assert_uint_eq(fake_in8(b, IIR), 0x01);
    ck_assert_uint_eq(fake_in8(b, MCR), 0);
    ck_assert_uint_eq(fake_in8(b, LSR), 0x60);
    ck_assert_uint_eq(fake_in8(b, MSR), 0xB0);
}
END_TEST

START_TEST(divisor_hides_behind_dlab)
{
    fake_out8(b, LCR, 0x83);
    fake_out8(b, DATA, 0x34);
    fake_out8(b, IER, 0x12);
    ck_assert_uint_eq(fake_in8(b, DATA), 0x34);
    ck_assert_uint_eq(fake_in8(b, IER), 0x12);
    fake_out8(b, LCR, 0x03);
    ck_assert_uint_eq(fake_in8(b, IER), 0);
    fake_reset(b, RESET_HARD);
    fake_out8(b, LCR, 0x83);
    ck_assert_uint_eq(fake_in8(b, DATA), 0x34);
}
END_TEST

START_TEST(transmit_takes_its_time)
{
    char out[2];
    fake_out8(b, DATA, 'A');               /* goes to the shift register at once */
    ck_assert_uint_eq(fake_in8(b, LSR), 0x20);
    fake_out8(b, DATA, 'B');
    ck_assert_uint_eq(fake_in8(b, LSR), 0x00);
    fake_advance(b, BYTE_TIME);
    ck_assert_uint_eq(fake_in8(b, LSR), 0x20);
    fake_advance(b, BYTE_TIME);
    ck_assert_uint_eq(fake_in8(b, LSR), 0x60);
    serial_poll(com1, NULL, NULL);
    temp_read(temp.path, 0, out, 2);
    ck_assert_mem_eq(out, "AB", 2);
}
END_TEST

START_TEST(slow_divisor_is_slow)
{
    fake_out8(b, LCR, 0x80);
    fake_out8(b, DATA, 96);                /* 1200 baud: 8.33 ms */
    fake_out8(b, LCR, 0x03);
    fake_out8(b, DATA, 'x');
    fake_advance(b, 8300000);
    ck_assert_uint_eq(fake_in8(b, LSR) & 0x40, 0);
    fake_advance(b, 40000);
    ck_assert_uint_eq(fake_in8(b, LSR) & 0x40, 0x40);
}
END_TEST

START_TEST(careless_output_is_not_lost)
{
    char out[64], want[64];
    for (unsigned i = 0; i < 64; i++) fake_out8(b, DATA, (uint8_t)(want[i] = (char)('0' + i)));
    fake_advance(b, SECOND);
    serial_poll(com1, NULL, NULL);
    temp_read(temp.path, 0, out, 64);
    ck_assert_mem_eq(out, want, 64);
}
END_TEST

/* 8250_port.c, serial8250_do_startup(): "THRE test" and TXEN quirk test. */
START_TEST(linux_thre_test)
{
    fake_out8(b, MCR, 0x08);
    for (int i = 0; i < 2; i++) {
        fake_out8(b, IER, 0x02);
        ck_assert(fake_irq(b, 4));
        ck_assert_uint_eq(fake_in8(b, IIR), 0x02);
        ck_assert(!fake_irq(b, 4));        /* reading IIR acknowledges */
        ck_assert_uint_eq(fake_in8(b, IIR), 0x01);
        fake_out8(b, IER, 0x00);
    }
}
END_TEST

START_TEST(thre_interrupt_after_each_byte)
{
    fake_out8(b, MCR, 0x08);
    fake_out8(b, IER, 0x02);
    fake_in8(b, IIR);
    fake_out8(b, DATA, 'A');               /* THR is empty again at once */
    ck_assert(fake_irq(b, 4));
    fake_in8(b, IIR);
    fake_out8(b, DATA, 'B');
    ck_assert(!fake_irq(b, 4));
    fake_advance(b, BYTE_TIME);
    ck_assert(fake_irq(b, 4));
    ck_assert_uint_eq(fake_in8(b, IIR), 0x02);
}
END_TEST

/* 8250_port.c, autoconfig(). */
START_TEST(linux_autoconfig_says_16550A)
{
    fake_out8(b, IER, 0x00);
    ck_assert_uint_eq(fake_in8(b, IER) & 0x0F, 0x00);
    fake_out8(b, IER, 0x0F);
    ck_assert_uint_eq(fake_in8(b, IER), 0x0F);
    fake_out8(b, IER, 0);
    fake_out8(b, MCR, 0x10 | 0x0A);
    ck_assert_uint_eq(fake_in8(b, MSR) & 0xF0, 0x90);
    fake_out8(b, MCR, 0);
    fake_out8(b, LCR, 0xBF);
    fake_out8(b, FCR, 0);
    fake_out8(b, LCR, 0);
    fake_out8(b, FCR, 1);
    ck_assert_uint_eq(fake_in8(b, IIR) >> 6, 3);
    fake_out8(b, LCR, 0x80);
    ck_assert_uint_ne(fake_in8(b, IIR), 0);      /* no EFR with DLAB */
    fake_out8(b, LCR, 0xBF);
    ck_assert_uint_ne(fake_in8(b, IIR), 0);
    fake_out8(b, LCR, 0x80);
    fake_out8(b, FCR, 0x21);
    ck_assert_uint_eq(fake_in8(b, IIR) & 0x20, 0);   /* no 64-byte FIFO */
    fake_out8(b, LCR, 0);
    fake_out8(b, IER, 0x40);
    ck_assert_uint_eq(fake_in8(b, IER), 0);          /* no UUE */
    fake_out8(b, SCR, 0xA5);
    ck_assert_uint_eq(fake_in8(b, SCR), 0xA5);
}
END_TEST

START_TEST(out2_gates_the_interrupt)
{
    fake_out8(b, IER, 0x02);
    ck_assert(!fake_irq(b, 4));
    fake_out8(b, MCR, 0x08);
    ck_assert(fake_irq(b, 4));
    fake_out8(b, MCR, 0x18);
    ck_assert(!fake_irq(b, 4));
}
END_TEST

START_TEST(receive_without_fifo)
{
    fake_out8(b, MCR, 0x08);
    fake_out8(b, IER, 0x01);
    bytes_come("hi");
    ck_assert_uint_eq(fake_in8(b, LSR) & 1, 0);
    fake_advance(b, BYTE_TIME);
    ck_assert(fake_irq(b, 4));
    ck_assert_uint_eq(fake_in8(b, IIR), 0x04);
    fake_advance(b, 10 * BYTE_TIME);       /* the second waits: nothing is overrun */
    ck_assert_uint_eq(fake_in8(b, LSR) & 3, 1);
    ck_assert_uint_eq(fake_in8(b, DATA), 'h');
    ck_assert(!fake_irq(b, 4));
    fake_advance(b, BYTE_TIME);
    ck_assert_uint_eq(fake_in8(b, DATA), 'i');
    fake_advance(b, BYTE_TIME);
    ck_assert_uint_eq(fake_in8(b, LSR) & 1, 0);
}
END_TEST

START_TEST(fifo_trigger_and_timeout)
{
    fake_out8(b, FCR, 0x81);               /* trigger 8 */
    fake_out8(b, MCR, 0x08);
    fake_out8(b, IER, 0x01);
    bytes_come("12345678");
    fake_advance(b, 7 * BYTE_TIME);
    ck_assert(!fake_irq(b, 4));
    fake_advance(b, BYTE_TIME);
    ck_assert_uint_eq(fake_in8(b, IIR), 0xC4);
    ck_assert_uint_eq(fake_in8(b, DATA), '1');
    ck_assert(!fake_irq(b, 4));            /* seven left: below the trigger */
    fake_advance(b, 4 * BYTE_TIME);
    ck_assert(fake_irq(b, 4));
    ck_assert_uint_eq(fake_in8(b, IIR), 0xCC);
    ck_assert_uint_eq(fake_in8(b, DATA), '2');
    ck_assert(!fake_irq(b, 4));
    for (char c = '3'; c <= '8'; c++) ck_assert_uint_eq(fake_in8(b, DATA), (uint8_t)c);
    fake_advance(b, 10 * BYTE_TIME);
    ck_assert_uint_eq(fake_in8(b, IIR), 0xC1);
}
END_TEST

START_TEST(fifo_holds_sixteen_and_queue_waits)
{
    char text[101];
    memset(text, 'q', 100);
    text[100] = 0;
    fake_out8(b, FCR, 0x01);
    bytes_come(text);
    fake_advance(b, 200 * BYTE_TIME);
    unsigned n = 0;
    while (fake_in8(b, LSR) & 1) fake_in8(b, DATA), n++;
    ck_assert_uint_eq(n, 16);
    for (unsigned i = 0; i < 200; i++) {
        fake_advance(b, BYTE_TIME);
        while (fake_in8(b, LSR) & 1) fake_in8(b, DATA), n++;
    }
    ck_assert_uint_eq(n, 100);
    ck_assert_uint_eq(fake_in8(b, LSR) & 2, 0);
}
END_TEST

START_TEST(loopback_overruns)
{
    fake_out8(b, FCR, 0x01);
    fake_out8(b, MCR, 0x10);
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 16; i++) fake_out8(b, DATA, (uint8_t)i);
        fake_advance(b, 20 * BYTE_TIME);
    }
    ck_assert_uint_eq(fake_in8(b, LSR) & 0x03, 0x03);
    ck_assert_uint_eq(fake_in8(b, LSR) & 0x02, 0);       /* reading cleared it */
    for (unsigned i = 0; i < 16; i++) ck_assert_uint_eq(fake_in8(b, DATA), i);
    ck_assert_uint_eq(fake_in8(b, LSR) & 1, 0);
    struct stat st;
    serial_poll(com1, NULL, NULL);
    ck_assert_int_eq(stat(temp.path, &st), 0);
    ck_assert_int_eq(st.st_size, 0);       /* nothing left the chip */
}
END_TEST

START_TEST(break_in_loopback_is_a_line_status)
{
    fake_out8(b, FCR, 0x01);
    fake_out8(b, MCR, 0x10);
    fake_out8(b, IER, 0x05);
    fake_out8(b, LCR, 0x43);
    ck_assert_uint_eq(fake_in8(b, IIR), 0xC6);
    ck_assert_uint_eq(fake_in8(b, LSR) & 0x91, 0x91);
    ck_assert_uint_eq(fake_in8(b, LSR) & 0x90, 0);
    ck_assert_uint_eq(fake_in8(b, DATA), 0);
}
END_TEST

START_TEST(modem_deltas)
{
    fake_out8(b, MCR, 0x10);
    fake_in8(b, MSR);
    fake_out8(b, MCR, 0x10 | 0x04);        /* RI on: no delta */
    ck_assert_uint_eq(fake_in8(b, MSR), 0x40);
    fake_out8(b, MCR, 0x10);               /* RI off: TERI */
    ck_assert_uint_eq(fake_in8(b, MSR), 0x04);
    fake_out8(b, MCR, 0x10 | 0x03);
    fake_out8(b, IER, 0x08);
    ck_assert_uint_eq(fake_in8(b, IIR), 0x00);
    ck_assert_uint_eq(fake_in8(b, MSR), 0x33);
    ck_assert_uint_eq(fake_in8(b, IIR), 0x01);
}
END_TEST

START_TEST(switching_fifos_clears_them)
{
    fake_out8(b, FCR, 0x01);
    bytes_come("abc");
    fake_advance(b, 5 * BYTE_TIME);
    fake_out8(b, FCR, 0x02);               /* bit 0 clear: off, and both empty */
    ck_assert_uint_eq(fake_in8(b, LSR) & 1, 0);
    ck_assert_uint_eq(fake_in8(b, IIR), 0x01);
}
END_TEST

START_TEST(ports_by_id_and_disabled)
{
    ck_assert_ptr_nonnull(fake_plug_id(b, &serial_class, "com2", NULL));
    ck_assert(fake_claimed(b, 0x2F8) && fake_claimed(b, 0x2FF));
    ck_assert_ptr_nonnull(fake_plug_id(b, &serial_class, "com3", "enabled", "0", NULL));
    ck_assert(!fake_claimed(b, 0x3E8));
    ck_assert_ptr_nonnull(fake_plug_id(b, &serial_class, "com4", NULL));
    ck_assert(fake_claimed(b, 0x2E8));
    ck_assert_ptr_null(fake_plug_id(b, &serial_class, "com5", "port", "0x100", "mode", "bogus",
                                    NULL));
}
END_TEST

START_TEST(any_register_write_is_survived)
{
    uint32_t x = 12345;
    for (unsigned i = 0; i < 200000; i++) {
        x = x * 1664525 + 1013904223;
        uint16_t port = (uint16_t)(COM1 + (x >> 28 & 7));
        if (x >> 27 & 1) fake_out8(b, port, (uint8_t)(x >> 8));
        else fake_in8(b, port);
        if (!(x >> 20 & 0x7F)) serial_receive(com1, (const uint8_t *)"xyz", 3);
        fake_advance(b, x >> 16 & 0x3FF);
    }
    fake_reset(b, RESET_HARD);
    ck_assert_uint_eq(fake_in8(b, LSR), 0x60);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        reset_state, divisor_hides_behind_dlab, transmit_takes_its_time, slow_divisor_is_slow,
        careless_output_is_not_lost, linux_thre_test, thre_interrupt_after_each_byte,
        linux_autoconfig_says_16550A, out2_gates_the_interrupt, receive_without_fifo,
        fifo_trigger_and_timeout, fifo_holds_sixteen_and_queue_waits, loopback_overruns,
        break_in_loopback_is_a_line_status, modem_deltas, switching_fifos_clears_them,
        ports_by_id_and_disabled, any_register_write_is_survived,
    };
    return temp_run("serial", begin, end, tests, sizeof tests / sizeof tests[0]);
}
