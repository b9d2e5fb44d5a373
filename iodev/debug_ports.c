/* SPDX-License-Identifier: MIT
 * Ports by which test programs and firmware talk to an emulator.
 * Bochs user manual, "port_e9_hack" (E9h) and "Shutdown" (8900h); SeaBIOS docs/Debugging.md (402h);
 * QEMU isa-debug-exit; 80h: the POST code of the PC AT.
 *
 *   E9h, 402h  bytes to a host file; read as E9h: "somebody listens"
 *   80h        POST code; reads back
 *   8900h      the bytes "Shutdown" end the run, code 0
 *   exit_port  value v ends the run, code v * 2 + 1
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "iodev/board.h"

enum { LISTENING = 0xE9 };
#define EXIT_PORTS 4                       /* isa-debug-exit takes dwords */

struct sink {
    FILE *out;                             /* NULL: nowhere */
    char *path;
};

struct debug_ports {
    struct device dev;
    struct sink e9, seabios;
    uint64_t    exit_port;
    uint8_t     post, shutdown_seen;
};

static struct debug_ports *ports_of(struct device *d)
{
    return container_of(d, struct debug_ports, dev);
}

/* ---- E9h, 402h ------------------------------------------------------------------------------- */
static uint32_t listening_read(struct device *d, uint32_t offset, enum width size)
{
    (void)d;
    (void)offset;
    (void)size;
    return LISTENING;
}

static uint32_t listening_peek(const struct device *d, uint32_t offset)
{
    (void)d;
    (void)offset;
    return LISTENING;
}

static void put(struct sink *s, uint8_t c)
{
    if (!s->out) return;
    putc(c, s->out);
    if (c == '\n') fflush(s->out);
}

static void e9_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    (void)offset;
    (void)size;
    put(&ports_of(d)->e9, (uint8_t)value);
}

static void seabios_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    (void)offset;
    (void)size;
    put(&ports_of(d)->seabios, (uint8_t)value);
}

/* ---- 80h ------------------------------------------------------------------------------------- */
static uint32_t post_read(struct device *d, uint32_t offset, enum width size)
{
    (void)offset;
    (void)size;
    return ports_of(d)->post;
}

static uint32_t post_peek(const struct device *d, uint32_t offset)
{
    (void)offset;
    return container_of(d, const struct debug_ports, dev)->post;
}

/* Kernels write here to wait a microsecond: only changes are news. */
static void post_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    struct debug_ports *p = ports_of(d);
    (void)offset;
    (void)size;
    if (p->post != (uint8_t)value) device_log(d, LOG_DEBUG, "POST code %02x", value & 0xFF);
    p->post = (uint8_t)value;
}

/* ---- the end --------------------------------------------------------------------------------- */
static void shutdown_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    static const char word[] = "Shutdown";
    struct debug_ports *p = ports_of(d);
    (void)offset;
    (void)size;
    if (value != (uint8_t)word[p->shutdown_seen & 7]) p->shutdown_seen = 0;
    if (value == (uint8_t)word[p->shutdown_seen & 7]) p->shutdown_seen++;
    if (p->shutdown_seen < sizeof word - 1) return;
    p->shutdown_seen = 0;
    device_log(d, LOG_INFO, "the guest switched the machine off (port 8900h)");
    board_power_off(d->board, 0);
}

static uint32_t exit_read(struct device *d, uint32_t offset, enum width size)
{
    (void)d;
    (void)offset;
    (void)size;
    return 0;
}

static void exit_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    (void)offset;
    (void)size;
    board_power_off(d->board, (int)((value << 1 | 1) & 0xFF));
}

static const struct io_ops e9_io = { listening_read, e9_write, listening_peek, BYTE };
static const struct io_ops seabios_io = { listening_read, seabios_write, listening_peek, BYTE };
static const struct io_ops post_io = { post_read, post_write, post_peek, BYTE };
static const struct io_ops shutdown_io = { NULL, shutdown_write, NULL, BYTE };
static const struct io_ops exit_io = { exit_read, exit_write, NULL, BYTE | WORD | DWORD };

/* ---- the device ------------------------------------------------------------------------------ */
/* Without a sink the port stays empty: firmware sees that nobody listens and saves the work. */
static bool open_sink(struct device *d, struct sink *s, uint16_t port, const struct io_ops *ops)
{
    if (!s->path || !*s->path) return true;
    s->out = strcmp(s->path, "-") ? fopen(s->path, "w") : stdout;
    if (s->out) return board_claim_ports(d->board, d, port, 1, ops);
    device_log(d, LOG_ERROR, "cannot write %s: %s", s->path, strerror(errno));
    return false;
}

static void close_sink(struct sink *s)
{
    if (!s->out) return;
    if (s->out == stdout) fflush(s->out);
    else fclose(s->out);
    s->out = NULL;
}

static bool plug_exit(struct device *d, struct board *b)
{
    struct debug_ports *p = ports_of(d);
    if (!p->exit_port) return true;
    if (p->exit_port <= 0x10000 - EXIT_PORTS)
        return board_claim_ports(b, d, (uint16_t)p->exit_port, EXIT_PORTS, &exit_io);
    device_log(d, LOG_ERROR, "exit_port: 0x%llx is no port", (unsigned long long)p->exit_port);
    return false;
}

static bool plug(struct device *d, struct board *b)
{
    struct debug_ports *p = ports_of(d);
    return open_sink(d, &p->e9, 0xE9, &e9_io) && open_sink(d, &p->seabios, 0x402, &seabios_io) &&
           board_claim_ports(b, d, 0x80, 1, &post_io) &&
           board_claim_ports(b, d, 0x8900, 1, &shutdown_io) && plug_exit(d, b);
}

static void reset(struct device *d, enum reset kind)
{
    struct debug_ports *p = ports_of(d);
    (void)kind;
    p->post = p->shutdown_seen = 0;
}

static void unplug(struct device *d)
{
    close_sink(&ports_of(d)->e9);
    close_sink(&ports_of(d)->seabios);
}

static const struct prop props[] = {
    { "e9", PROP_TEXT, offsetof(struct debug_ports, e9.path), 0, NULL,
      "file for bytes written to port E9h; - is the standard output" },
    { "seabios", PROP_TEXT, offsetof(struct debug_ports, seabios.path), 0, NULL,
      "file for SeaBIOS's messages (port 402h); - is the standard output" },
    { "exit_port", PROP_UINT, offsetof(struct debug_ports, exit_port), 0, NULL,
      "port at which a written v ends the run with code v*2+1, usually 0x501 or 0xf4; 0: none" },
    { 0 },
};

static const struct field state[] = {
    FIELD(struct debug_ports, post), FIELD(struct debug_ports, shutdown_seen), { 0 },
};

const struct device_class debug_ports_class = {
    .name = "debug_ports", .about = "debug output, POST code, exit ports (Bochs, SeaBIOS, QEMU)",
    .size = sizeof(struct debug_ports), .props = props, .state = state, .plug = plug,
    .reset = reset, .unplug = unplug,
};
