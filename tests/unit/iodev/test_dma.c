/* SPDX-License-Identifier: MIT
 * The 8237A pair: registers, addresses, directions, terminal count.
 */
#include "iodev/i8237.h"
#include "tests/unit/fake_board.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

extern const struct device_class dma_class;

/* A device that sends 1, 2, 3 ... or swallows. */
struct card {
    struct device dev;
    struct device *dma;
    unsigned channel, terminal_counts;
    size_t moved, limit;                       /* drops DREQ after `limit` bytes */
    bool stubborn;                             /* keeps DREQ up and moves nothing */
    uint8_t seen[4096];
};

static struct card *card_of(struct device *d) { return container_of(d, struct card, dev); }

static size_t part(struct card *c, size_t len)
{
    size_t left = c->limit - c->moved;
    if (c->stubborn) return 0;
    if (left <= len) dma_set_dreq(c->dma, c->channel, false);
    return left < len ? left : len;
}

static size_t send(struct device *d, uint8_t *buffer, size_t len)
{
    struct card *c = card_of(d);
    size_t n = part(c, len);
    for (size_t i = 0; i < n; i++) buffer[i] = (uint8_t)++c->moved;
    return n;
}

static size_t receive(struct device *d, const uint8_t *buffer, size_t len)
{
    struct card *c = card_of(d);
    size_t n = part(c, len);
    for (size_t i = 0; i < n; i++) c->seen[c->moved++ % sizeof c->seen] = buffer[i];
    return n;
}

static void count_ended(struct device *d) { card_of(d)->terminal_counts++; }

static const struct dma_client client = { send, receive, count_ended };

static struct board *bench(struct card *c, unsigned channel, size_t limit)
{
    struct board *b = fake_new(1 << 20);
    memset(c, 0, sizeof *c);
    c->dma = fake_plug(b, &dma_class, NULL);
    ck_assert_ptr_nonnull(c->dma);
    c->channel = channel;
    c->limit = limit;
    dma_attach(c->dma, channel, &c->dev, &client);
    fake_out8(b, 0xD6, 0xC0);                  /* channel 4: cascade */
    fake_out8(b, 0xD4, 0x00);
    return b;
}

static void program(struct board *b, unsigned ch, uint8_t mode, uint8_t page, uint16_t address,
                    uint16_t count)
{
    static const uint16_t pages[8] = { 0x87, 0x83, 0x81, 0x82, 0x8F, 0x8B, 0x89, 0x8A };
    unsigned scale = ch < 4 ? 1 : 2, base = ch < 4 ? 0 : 0xC0, n = ch & 3;
    fake_out8(b, (uint16_t)(base + 0xC * scale), 0);
    fake_out8(b, (uint16_t)(base + 0xB * scale), mode | (uint8_t)n);
    fake_out8(b, (uint16_t)(base + 2 * n * scale), (uint8_t)address);
    fake_out8(b, (uint16_t)(base + 2 * n * scale), (uint8_t)(address >> 8));
    fake_out8(b, (uint16_t)(base + (2 * n + 1) * scale), (uint8_t)count);
    fake_out8(b, (uint16_t)(base + (2 * n + 1) * scale), (uint8_t)(count >> 8));
    fake_out8(b, pages[ch], page);
    fake_out8(b, (uint16_t)(base + 0xA * scale), (uint8_t)n);
}

static uint8_t byte_at(struct board *b, uint64_t at) { return memory_peek(b->memory, at); }

START_TEST(floppy_read)
{
    struct card c;
    struct board *b = bench(&c, 2, 1024);
    program(b, 2, 0x46, 0x03, 0x8000, 511);
    dma_set_dreq(c.dma, 2, true);
    ck_assert_uint_eq(c.moved, 0);             /* never inside the call */
    fake_advance(b, SECOND / 100);
    ck_assert_uint_eq(c.moved, 512);
    ck_assert_uint_eq(c.terminal_counts, 1);
    ck_assert_uint_eq(byte_at(b, 0x38000), 1);
    ck_assert_uint_eq(byte_at(b, 0x381FF), 512 & 0xFF);
    ck_assert_uint_eq(byte_at(b, 0x38200), 0);
    ck_assert_uint_eq(fake_in8(b, 0x08), 0x44);    /* TC and request of channel 2 */
    ck_assert_uint_eq(fake_in8(b, 0x08), 0x40);    /* TC was cleared by reading */
    ck_assert_uint_eq(fake_in8(b, 0x0F) & 0x0F, 0x0F);     /* masked again */
    fake_out8(b, 0x0C, 0);
    ck_assert_uint_eq(fake_in8(b, 0x05), 0xFF);    /* count */
    ck_assert_uint_eq(fake_in8(b, 0x05), 0xFF);
    fake_free(b);
}
END_TEST

START_TEST(partial_and_resume)
{
    struct card c;
    struct board *b = bench(&c, 3, 100);
    program(b, 3, 0x47, 0x00, 0x1000, 299);
    dma_set_dreq(c.dma, 3, true);
    fake_advance(b, SECOND / 100);
    ck_assert_uint_eq(c.moved, 100);
    ck_assert_uint_eq(c.terminal_counts, 0);
    fake_out8(b, 0x0C, 0);
    ck_assert_uint_eq(fake_in8(b, 0x07), 199);
    fake_in8(b, 0x07);
    c.limit = 1000;
    dma_set_dreq(c.dma, 3, true);
    fake_advance(b, SECOND / 100);
    ck_assert_uint_eq(c.moved, 300);
    ck_assert_uint_eq(c.terminal_counts, 1);
    fake_free(b);
}
END_TEST

START_TEST(from_memory_words)
{
    struct card c;
    struct board *b = bench(&c, 5, 64);
    for (unsigned i = 0; i < 64; i++) memory_write(b->memory, 0x44200 + i, i + 1, BYTE);
    program(b, 5, 0x48, 0x05, 0x2100, 31);     /* bit 0 of the page is ignored */
    dma_set_dreq(c.dma, 5, true);
    fake_advance(b, SECOND / 100);
    ck_assert_uint_eq(c.moved, 64);
    ck_assert_uint_eq(c.terminal_counts, 1);
    ck_assert_uint_eq(c.seen[0], 1);
    ck_assert_uint_eq(c.seen[63], 64);
    ck_assert_uint_eq(fake_in8(b, 0xD0) & 0x0F, 0x02);
    fake_free(b);
}
END_TEST

START_TEST(wrap_in_page_and_down)
{
    struct card c;
    struct board *b = bench(&c, 1, 8);
    program(b, 1, 0x45, 0x02, 0xFFFE, 3);
    dma_set_dreq(c.dma, 1, true);
    fake_advance(b, SECOND / 100);
    ck_assert_uint_eq(byte_at(b, 0x2FFFF), 2);
    ck_assert_uint_eq(byte_at(b, 0x20000), 3);     /* no carry into the page */
    ck_assert_uint_eq(byte_at(b, 0x30000), 0);
    program(b, 1, 0x65, 0x02, 0x0001, 3);
    dma_set_dreq(c.dma, 1, true);
    fake_advance(b, SECOND / 100);
    ck_assert_uint_eq(byte_at(b, 0x20001), 5);
    ck_assert_uint_eq(byte_at(b, 0x20000), 6);
    ck_assert_uint_eq(byte_at(b, 0x2FFFF), 7);
    fake_free(b);
}
END_TEST

START_TEST(auto_init)
{
    struct card c;
    struct board *b = bench(&c, 1, 40);
    program(b, 1, 0x55, 0x01, 0x0000, 15);
    dma_set_dreq(c.dma, 1, true);
    fake_advance(b, SECOND / 100);
    ck_assert_uint_eq(c.moved, 40);
    ck_assert_uint_eq(c.terminal_counts, 2);
    ck_assert_uint_eq(byte_at(b, 0x10000), 33);
    ck_assert_uint_eq(byte_at(b, 0x10008), 25);
    ck_assert_uint_eq(byte_at(b, 0x10010), 0);
    ck_assert_uint_eq(fake_in8(b, 0x0F) & 2, 0);   /* still open */
    fake_free(b);
}
END_TEST

START_TEST(verify_moves_nothing)
{
    struct card c;
    struct board *b = bench(&c, 2, 1000);
    program(b, 2, 0x42, 0x01, 0x0000, 99);
    dma_set_dreq(c.dma, 2, true);
    fake_advance(b, SECOND / 100);
    ck_assert_uint_eq(c.moved, 100);
    ck_assert_uint_eq(c.terminal_counts, 1);
    ck_assert_uint_eq(byte_at(b, 0x10000), 0);
    fake_free(b);
}
END_TEST

START_TEST(gates)
{
    struct card c;
    struct board *b = bench(&c, 2, 10);
    fake_out8(b, 0xD4, 0x04);                  /* cascade shut */
    program(b, 2, 0x46, 0, 0x1000, 9);
    dma_set_dreq(c.dma, 2, true);
    fake_advance(b, SECOND / 100);
    ck_assert_uint_eq(c.moved, 0);
    fake_out8(b, 0x08, 0x04);                  /* controller off */
    fake_out8(b, 0xD4, 0x00);
    fake_advance(b, SECOND / 100);
    ck_assert_uint_eq(c.moved, 0);
    fake_out8(b, 0x0A, 0x06);
    fake_out8(b, 0x08, 0x00);
    fake_advance(b, SECOND / 100);
    ck_assert_uint_eq(c.moved, 0);
    fake_out8(b, 0x0E, 0x00);                  /* clear all masks */
    fake_advance(b, SECOND / 100);
    ck_assert_uint_eq(c.moved, 10);
    fake_free(b);
}
END_TEST

START_TEST(stubborn_client_costs_nothing)
{
    struct card c;
    struct board *b = bench(&c, 2, 10);
    c.stubborn = true;
    program(b, 2, 0x46, 0, 0x1000, 9);
    dma_set_dreq(c.dma, 2, true);
    fake_advance(b, SECOND / 1000);
    ck_assert_uint_eq(clock_next(&b->clock), UINT64_MAX);
    c.stubborn = false;
    dma_set_dreq(c.dma, 2, false);
    dma_set_dreq(c.dma, 2, true);
    fake_advance(b, SECOND / 100);
    ck_assert_uint_eq(c.moved, 10);
    fake_free(b);
}
END_TEST

START_TEST(registers)
{
    struct card c;
    struct board *b = bench(&c, 2, 10);
    fake_out8(b, 0x0D, 0);                     /* master clear */
    ck_assert_uint_eq(fake_in8(b, 0x0F) & 0x0F, 0x0F);
    fake_out8(b, 0x00, 0x34), fake_out8(b, 0x00, 0x12);
    ck_assert_uint_eq(fake_in8(b, 0x00), 0x34);
    ck_assert_int_eq(fake_peek(b, 0x00), 0x12);
    ck_assert_int_eq(fake_peek(b, 0x00), 0x12);
    ck_assert_uint_eq(fake_in8(b, 0x00), 0x12);
    fake_in8(b, 0x00);
    fake_out8(b, 0x0C, 0);
    ck_assert_uint_eq(fake_in8(b, 0x00), 0x34);
    for (uint16_t port = 0x81; port <= 0x8F; port++) fake_out8(b, port, (uint8_t)port);
    for (uint16_t port = 0x81; port <= 0x8F; port++) ck_assert_uint_eq(fake_in8(b, port), port);
    ck_assert(!fake_claimed(b, 0x80));
    fake_out8(b, 0x0F, 0x05);
    ck_assert_uint_eq(fake_in8(b, 0x0F) & 0x0F, 0x05);
    fake_free(b);
}
END_TEST

START_TEST(hostile)
{
    struct card c;
    struct board *b = bench(&c, 2, SIZE_MAX);
    dma_attach(c.dma, 6, &c.dev, &client);
    dma_attach(c.dma, 77, &c.dev, &client);
    uint32_t seed = 3;
    for (unsigned i = 0; i < 50000; i++) {
        seed = seed * 1664525 + 1013904223;
        uint16_t port = seed >> 8 & 1 ? (seed >> 9 & 15) : 0xC0 + (seed >> 9 & 31);
        if (seed >> 14 & 1) port = 0x81 + (seed >> 9) % 15;
        if (seed >> 15 & 1) fake_in8(b, port);
        else fake_out8(b, port, (uint8_t)(seed >> 24));
        dma_set_dreq(c.dma, seed >> 17 & 15, seed >> 16 & 1);
        fake_advance(b, seed >> 20);
    }
    fake_free(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("dma");
    TCase *t = tcase_create("8237A");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, floppy_read);
    tcase_add_test(t, partial_and_resume);
    tcase_add_test(t, from_memory_words);
    tcase_add_test(t, wrap_in_page_and_down);
    tcase_add_test(t, auto_init);
    tcase_add_test(t, verify_moves_nothing);
    tcase_add_test(t, gates);
    tcase_add_test(t, stubborn_client_costs_nothing);
    tcase_add_test(t, registers);
    tcase_add_test(t, hostile);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
