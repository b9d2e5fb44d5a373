/* SPDX-License-Identifier: MIT
 * Byte streams to the host: the buffer, the escape key and the table of modes. The ways of opening
 * something are in chardev_open.c.
 */
#include "iodev/chardev_private.h"
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

static const struct mode {
    const char *name;
    bool (*open)(struct chardev *, const char *path, struct chardev_note *);
} modes[] = {
    { "null", chardev_open_null },           { "file", chardev_open_file },
    { "stdio", chardev_open_stdio },         { "pty", chardev_open_pty },
    { "term", chardev_open_term },           { "raw", chardev_open_term },
    { "socket-server", chardev_open_server }, { "socket-client", chardev_open_client },
    { "pipe-server", chardev_open_server },  { "pipe-client", chardev_open_client },
};

const char *chardev_modes(void)
{
    return "null, file, stdio, pty, term, raw, socket-server, socket-client, pipe-server, "
           "pipe-client";
}

static const struct mode *mode_named(const char *name)
{
    for (unsigned i = 0; i < COUNT_OF(modes); i++)
        if (!strcmp(modes[i].name, name)) return &modes[i];
    return NULL;
}

struct chardev *chardev_open(const char *mode, const char *path, char *note, size_t room)
{
    const struct mode *m = mode_named(mode ? mode : "null");
    struct chardev_note n = { note, room };
    note[0] = 0;
    if (!m) {
        snprintf(note, room, "mode \"%.30s\" is not supported; use one of: %s", mode,
                 chardev_modes());
        return NULL;
    }
    struct chardev *c = calloc(1, sizeof *c);
    if (!c) {
        snprintf(note, room, "out of memory");
        return NULL;
    }
    c->in = c->out = c->listener = c->keep = -1;
    if (m->open(c, path ? path : "", &n)) return c;
    chardev_close(c);
    return NULL;
}

static bool ready(int fd, short events)
{
    struct pollfd p = { .fd = fd, .events = events };
    return poll(&p, 1, 0) > 0 && p.revents & (events | POLLHUP | POLLERR);
}

static void hang_up(struct chardev *c)
{
    if (c->connection) {
        close(c->in);
        c->in = c->out = -1;
        c->held = 0;
    } else {
        c->in = -1;            /* end of stdin: output goes on */
    }
    c->connection = false;
}

/* Sockets must not raise SIGPIPE in the whole process. */
static ssize_t put(const struct chardev *c, const uint8_t *from, size_t len)
{
    return c->connection ? send(c->out, from, len, MSG_NOSIGNAL | MSG_DONTWAIT)
                         : write(c->out, from, len);
}

/* Writes the buffer out. A host end that does not take it now gets it later; what may be lost is
 * only thrown away by chardev_write() when the buffer is full. */
static void drain(struct chardev *c)
{
    size_t at = 0;
    while (at < c->held && c->out >= 0 && (c->lossless || ready(c->out, POLLOUT))) {
        ssize_t n = put(c, c->hold + at, c->held - at);
        if (n > 0) {
            at += (size_t)n;
        } else if (n < 0 && errno == EINTR) {
            continue;
        } else if (n < 0 && errno == EAGAIN) {
            if (!c->lossless) break;
            poll(&(struct pollfd){ .fd = c->out, .events = POLLOUT }, 1, -1);
        } else {               /* disk full, reader gone: as a line with nobody at its end */
            if (c->connection) hang_up(c);
            at = c->held;
        }
    }
    if (at > c->held) at = c->held;
    memmove(c->hold, c->hold + at, c->held - at);
    c->held -= at;
}

void chardev_write(struct chardev *c, const uint8_t *from, size_t len)
{
    for (size_t i = 0; i < len && c->out >= 0; i++) {
        if (c->held == sizeof c->hold) drain(c);
        if (c->held == sizeof c->hold) return;
        c->hold[c->held++] = from[i];
        if (from[i] == '\n') drain(c);
    }
}

static void accept_connection(struct chardev *c)
{
    int fd = accept(c->listener, NULL, NULL);
    if (fd < 0) return;
    if (c->connection) {       /* one end per line */
        close(fd);
        return;
    }
    c->in = c->out = fd;
    c->connection = true;
}

void chardev_poll(struct chardev *c)
{
    if (c->listener >= 0 && ready(c->listener, POLLIN)) accept_connection(c);
    if (c->held) drain(c);
}

/* Takes Ctrl-A sequences out of the n bytes at `at`; returns how many are left for the guest. */
static size_t filter_escape(struct chardev *c, uint8_t *at, size_t n)
{
    enum { CTRL_A = 1 };
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        bool plain = !c->escaped && at[i] != CTRL_A;
        bool literal = c->escaped && (at[i] == CTRL_A || at[i] == 'a');
        if (plain || literal) at[kept++] = literal ? CTRL_A : at[i];
        else if (c->escaped) c->hook(c->hook_ctx, at[i]);
        c->escaped = !plain && !c->escaped;
    }
    return kept;
}

size_t chardev_read(struct chardev *c, uint8_t *to, size_t len)
{
    if (c->in < 0 || !len || !ready(c->in, POLLIN)) return 0;
    ssize_t n = read(c->in, to, len);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) hang_up(c);
    if (n <= 0) return 0;
    return c->hook ? filter_escape(c, to, (size_t)n) : (size_t)n;
}

int chardev_fd(const struct chardev *c)
{
    return c->in >= 0 ? c->in : c->listener;
}

void chardev_escape(struct chardev *c, void (*hook)(void *, uint8_t), void *ctx)
{
    if (!c->is_stdio) return;
    c->hook = hook;
    c->hook_ctx = ctx;
}

void chardev_close(struct chardev *c)
{
    if (!c) return;
    drain(c);
    if (c->restore) tcsetattr(c->in_opened, TCSANOW, &c->saved);
    if (c->link) unlink(c->link);
    if (c->out > STDERR_FILENO && c->out != c->in) close(c->out);
    if (c->in > STDERR_FILENO) close(c->in);
    if (c->keep >= 0) close(c->keep);
    if (c->listener >= 0) close(c->listener);
    free(c->link);
    free(c);
}
