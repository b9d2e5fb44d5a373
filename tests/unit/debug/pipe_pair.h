/* SPDX-License-Identifier: MIT
 * A client's end of a socket pair for tests of the monitor and of qtest.
 */
#pragma once
#include <check.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "debug/server.h"

struct client {
    int fd;
    char heard[1 << 16];
};

static inline struct server *pair_open(struct client *c, size_t longest)
{
    int fds[2];
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
    c->fd = fds[0];
    c->heard[0] = 0;
    struct server *s = server_from_fd(fds[1], longest);
    ck_assert_ptr_nonnull(s);
    return s;
}

static inline void client_say(struct client *c, const char *text)
{
    ck_assert_int_eq(write(c->fd, text, strlen(text)), (ssize_t)strlen(text));
}

/* What has arrived since the last call. */
static inline const char *client_hear(struct client *c)
{
    ssize_t n = recv(c->fd, c->heard, sizeof c->heard - 1, MSG_DONTWAIT);
    c->heard[n > 0 ? n : 0] = 0;
    return c->heard;
}
