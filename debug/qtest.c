/* SPDX-License-Identifier: MIT
 * The qtest protocol as tests written for QEMU speak it (QEMU documentation, "QTest Device
 * Emulation Testing Framework"; formats of the answers included).
 * Not implemented: set_irq_in, module_load, rtas.
 */
#include "debug/qtest.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 8, IRQS = 16, BLOCK_MAX = 16 << 20 };
enum intercept { INTERCEPT_NONE, INTERCEPT_IN, INTERCEPT_OUT };

struct qtest {
    struct server *server;
    struct qtest_machine machine;
    enum intercept intercept;
    bool level[IRQS];                      /* as the client knows them */
};

struct words {
    char *word[WORDS];
    unsigned count;
};

struct command {
    const char *name;
    unsigned min, max;                     /* words after the name */
    void (*run)(struct qtest *, const struct command *, char *const *args, unsigned count);
    enum width size;
};

/* ---- interrupts ------------------------------------------------------------------------------ */
static void report(struct qtest *q, unsigned n, bool level)
{
    if (q->level[n] == level) return;
    q->level[n] = level;
    server_print(q->server, "IRQ %s %u\n", level ? "raise" : "lower", n);
}

static void compare_levels(struct qtest *q)
{
    if (q->intercept == INTERCEPT_OUT) report(q, 0, q->machine.intr(q->machine.ctx));
    for (unsigned i = 0; i < IRQS && q->intercept == INTERCEPT_IN; i++)
        report(q, i, q->machine.irq(q->machine.ctx, i));
}

void qtest_irq_changed(struct qtest *q, unsigned n, bool level)
{
    if (q->intercept == INTERCEPT_IN && n < IRQS) report(q, n, level);
}

/* ---- answers --------------------------------------------------------------------------------- */
/* What a command did to interrupt requests is told before its answer: tests that read the answer
 * know the levels. */
static void ok(struct qtest *q)
{
    compare_levels(q);
    server_print(q->server, "OK\n");
}

static void ok_hex(struct qtest *q, int digits, uint64_t value)
{
    compare_levels(q);
    server_print(q->server, "OK 0x%0*" PRIx64 "\n", digits, value);
}

static void ok_decimal(struct qtest *q, uint64_t value)
{
    compare_levels(q);
    server_print(q->server, "OK %" PRIu64 "\n", value);
}

static void fail(struct qtest *q, const char *why) { server_print(q->server, "FAIL %s\n", why); }

static bool number(struct qtest *q, const char *text, uint64_t *value)
{
    char *end;
    errno = 0;
    *value = strtoull(text, &end, 0);
    if (*text && !*end && !errno && *text != '-') return true;
    server_print(q->server, "FAIL '%.40s' is not a number\n", text);
    return false;
}

/* ---- ports and memory ------------------------------------------------------------------------ */
static void do_in(struct qtest *q, const struct command *c, char *const *args, unsigned count)
{
    uint64_t port;
    (void)count;
    if (!number(q, args[0], &port)) return;
    ok_hex(q, 4, q->machine.in(q->machine.ctx, (uint16_t)port, c->size));
}

static void do_out(struct qtest *q, const struct command *c, char *const *args, unsigned count)
{
    uint64_t port, value;
    (void)count;
    if (!number(q, args[0], &port) || !number(q, args[1], &value)) return;
    q->machine.out(q->machine.ctx, (uint16_t)port, (uint32_t)value, c->size);
    ok(q);
}

static void do_peek(struct qtest *q, const struct command *c, char *const *args, unsigned count)
{
    uint64_t addr;
    (void)count;
    if (!number(q, args[0], &addr)) return;
    ok_hex(q, 16, q->machine.read(q->machine.ctx, addr, c->size));
}

static void do_poke(struct qtest *q, const struct command *c, char *const *args, unsigned count)
{
    uint64_t addr, value;
    (void)count;
    if (!number(q, args[0], &addr) || !number(q, args[1], &value)) return;
    q->machine.write(q->machine.ctx, addr, value, c->size);
    ok(q);
}

/* ---- blocks ---------------------------------------------------------------------------------- */
struct block {
    uint64_t addr, size;
    uint8_t *data;
};

static bool new_block(struct qtest *q, char *const *args, struct block *b)
{
    if (!number(q, args[0], &b->addr) || !number(q, args[1], &b->size)) return false;
    if (b->size > BLOCK_MAX) {
        fail(q, "more than 16 MiB");
        return false;
    }
    b->data = calloc(1, (size_t)b->size + 1);
    if (!b->data) fail(q, "out of memory");
    return b->data;
}

static void fetch(struct qtest *q, struct block *b)
{
    for (uint64_t i = 0; i < b->size; i++)
        b->data[i] = (uint8_t)q->machine.read(q->machine.ctx, b->addr + i, BYTE);
}

static void store(struct qtest *q, struct block *b)
{
    for (uint64_t i = 0; i < b->size; i++)
        q->machine.write(q->machine.ctx, b->addr + i, b->data[i], BYTE);
    free(b->data);
    ok(q);
}

static void do_read(struct qtest *q, const struct command *c, char *const *args, unsigned count)
{
    static const char digits[] = "0123456789abcdef";
    struct block b;
    (void)c, (void)count;
    if (!new_block(q, args, &b)) return;
    fetch(q, &b);
    server_write(q->server, "OK 0x", 5);
    for (uint64_t i = 0; i < b.size; i++) {
        char pair[2] = { digits[b.data[i] >> 4], digits[b.data[i] & 15] };
        server_write(q->server, pair, 2);
    }
    server_write(q->server, "\n", 1);
    free(b.data);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Digits that are missing are zeroes, those that are too many are ignored. */
static void do_write(struct qtest *q, const struct command *c, char *const *args, unsigned count)
{
    struct block b;
    const char *hex = args[2];
    (void)c, (void)count;
    if (strncmp(hex, "0x", 2)) {
        fail(q, "the data must begin with 0x");
        return;
    }
    if (!new_block(q, args, &b)) return;
    hex += 2;
    for (uint64_t i = 0; i < b.size && hex_digit(hex[0]) >= 0 && hex_digit(hex[1]) >= 0;
         i++, hex += 2)
        b.data[i] = (uint8_t)(hex_digit(hex[0]) << 4 | hex_digit(hex[1]));
    store(q, &b);
}

static void do_memset(struct qtest *q, const struct command *c, char *const *args, unsigned count)
{
    struct block b;
    uint64_t value;
    (void)c, (void)count;
    if (!number(q, args[2], &value) || !new_block(q, args, &b)) return;
    memset(b.data, (int)(value & 0xFF), (size_t)b.size);
    store(q, &b);
}

/* ---- base 64 (RFC 4648) ---------------------------------------------------------------------- */
static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static void do_b64read(struct qtest *q, const struct command *c, char *const *args, unsigned count)
{
    struct block b;
    (void)c, (void)count;
    if (!new_block(q, args, &b)) return;
    fetch(q, &b);
    server_write(q->server, "OK ", 3);
    for (uint64_t i = 0; i < b.size; i += 3) {
        uint64_t left = b.size - i;
        uint32_t v = (uint32_t)b.data[i] << 16;
        if (left > 1) v |= (uint32_t)b.data[i + 1] << 8;
        if (left > 2) v |= b.data[i + 2];
        char four[4] = { base64[v >> 18], base64[v >> 12 & 63],
                         left > 1 ? base64[v >> 6 & 63] : '=', left > 2 ? base64[v & 63] : '=' };
        server_write(q->server, four, 4);
    }
    server_write(q->server, "\n", 1);
    free(b.data);
}

/* Returns how many bytes the text stands for; stores at most `room`. */
static uint64_t decode(const char *text, uint8_t *to, uint64_t room)
{
    uint32_t bits = 0;
    unsigned have = 0;
    uint64_t n = 0;
    for (; *text && *text != '='; text++) {
        const char *at = strchr(base64, *text);
        if (!at) return UINT64_MAX;
        bits = bits << 6 | (uint32_t)(at - base64);
        have += 6;
        if (have < 8) continue;
        have -= 8;
        if (n < room) to[n] = (uint8_t)(bits >> have);
        n++;
    }
    return n;
}

static void do_b64write(struct qtest *q, const struct command *c, char *const *args, unsigned count)
{
    struct block b;
    (void)c, (void)count;
    if (!new_block(q, args, &b)) return;
    if (decode(args[2], b.data, b.size) != UINT64_MAX) {
        store(q, &b);
        return;
    }
    free(b.data);
    fail(q, "not base 64");
}

/* ---- time ------------------------------------------------------------------------------------ */
static void advance(struct qtest *q, nanos to)
{
    if (to > q->machine.now(q->machine.ctx)) q->machine.advance(q->machine.ctx, to);
    ok_decimal(q, q->machine.now(q->machine.ctx));
}

/* Without a number: to the next timer; nothing due: time stands still. */
static void do_clock_step(struct qtest *q, const struct command *c, char *const *args,
                          unsigned count)
{
    nanos now = q->machine.now(q->machine.ctx), next = q->machine.next(q->machine.ctx);
    uint64_t step;
    (void)c;
    if (!count) advance(q, next == UINT64_MAX ? now : next);
    else if (!number(q, args[0], &step)) return;
    else if (step > INT64_MAX - now) fail(q, "beyond the end of time");
    else advance(q, now + step);
}

static void do_clock_set(struct qtest *q, const struct command *c, char *const *args,
                         unsigned count)
{
    uint64_t to;
    (void)c, (void)count;
    if (!number(q, args[0], &to)) return;
    if (to > INT64_MAX) fail(q, "beyond the end of time");
    else advance(q, to);
}

/* ---- the rest -------------------------------------------------------------------------------- */
static void do_intercept(struct qtest *q, const struct command *c, char *const *args,
                         unsigned count)
{
    enum intercept wanted = strcmp(c->name, "irq_intercept_out") ? INTERCEPT_IN : INTERCEPT_OUT;
    (void)args, (void)count;
    if (q->intercept != INTERCEPT_NONE && q->intercept != wanted) {
        fail(q, "IRQ intercept already enabled");
        return;
    }
    q->intercept = wanted;
    ok(q);
}

static void do_endianness(struct qtest *q, const struct command *c, char *const *args,
                          unsigned count)
{
    (void)c, (void)args, (void)count;
    server_print(q->server, "OK little\n");
}

static void do_refuse(struct qtest *q, const struct command *c, char *const *args, unsigned count)
{
    (void)c, (void)args, (void)count;
    fail(q, "not supported");
}

static const struct command commands[] = {
    { "inb", 1, 1, do_in, BYTE },
    { "inw", 1, 1, do_in, WORD },
    { "inl", 1, 1, do_in, DWORD },
    { "outb", 2, 2, do_out, BYTE },
    { "outw", 2, 2, do_out, WORD },
    { "outl", 2, 2, do_out, DWORD },
    { "readb", 1, 1, do_peek, BYTE },
    { "readw", 1, 1, do_peek, WORD },
    { "readl", 1, 1, do_peek, DWORD },
    { "readq", 1, 1, do_peek, QWORD },
    { "writeb", 2, 2, do_poke, BYTE },
    { "writew", 2, 2, do_poke, WORD },
    { "writel", 2, 2, do_poke, DWORD },
    { "writeq", 2, 2, do_poke, QWORD },
    { "read", 2, 2, do_read, BYTE },
    { "write", 3, 3, do_write, BYTE },
    { "memset", 3, 3, do_memset, BYTE },
    { "b64read", 2, 2, do_b64read, BYTE },
    { "b64write", 3, 3, do_b64write, BYTE },
    { "endianness", 0, 0, do_endianness, BYTE },
    { "clock_step", 0, 1, do_clock_step, BYTE },
    { "clock_set", 1, 1, do_clock_set, BYTE },
    { "irq_intercept_in", 1, 1, do_intercept, BYTE },
    { "irq_intercept_out", 1, 2, do_intercept, BYTE },
    { "set_irq_in", 0, WORDS, do_refuse, BYTE },
    { "module_load", 0, WORDS, do_refuse, BYTE },
};

static struct words split(char *line)
{
    struct words w = { .count = 0 };
    char *rest = NULL;
    for (char *s = strtok_r(line, " \t", &rest); s && w.count < WORDS;
         s = strtok_r(NULL, " \t", &rest))
        w.word[w.count++] = s;
    return w;
}

static void execute(struct qtest *q, char *line)
{
    struct words w = split(line);
    if (!w.count) return;
    for (unsigned i = 0; i < COUNT_OF(commands); i++) {
        const struct command *c = &commands[i];
        if (strcmp(c->name, w.word[0])) continue;
        if (w.count - 1 < c->min || w.count - 1 > c->max) fail(q, "wrong number of words");
        else c->run(q, c, w.word + 1, w.count - 1);
        return;
    }
    server_print(q->server, "FAIL Unknown command '%.64s'\n", w.word[0]);
}

bool qtest_poll(struct qtest *q)
{
    const char *line;
    server_poll(q->server);
    if (server_came(q->server)) {
        q->intercept = INTERCEPT_NONE;
        memset(q->level, 0, sizeof q->level);
    }
    while ((line = server_line(q->server)) != NULL) {
        char *copy = strdup(line);
        if (copy) execute(q, copy);
        free(copy);
        compare_levels(q);
        server_poll(q->server);
    }
    return !server_gone(q->server);
}

struct qtest *qtest_new(struct server *s, const struct qtest_machine *m)
{
    struct qtest *q = calloc(1, sizeof *q);
    if (!q) return NULL;
    q->server = s;
    q->machine = *m;
    return q;
}

void qtest_free(struct qtest *q)
{
    if (!q) return;
    server_close(q->server);
    free(q);
}

int qtest_fd(const struct qtest *q) { return server_fd(q->server); }
