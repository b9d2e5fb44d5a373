/* SPDX-License-Identifier: MIT
 * Lines of text to and from one client: a Unix socket, standard input and output, or a descriptor.
 * Nothing here blocks, except a write to a client that has megabytes to read first.
 */
#pragma once
#include "base/base.h"

struct server;

enum server_role {
    SERVER_LISTENS,            /* somebody else listens there already: an error */
    SERVER_CALLS_BACK,        /* connects if somebody listens there (libqtest does), else listens */
};

/* where: "unix:PATH" or "stdio". longest: bytes of the longest line that is taken; a longer one is
 * cut. NULL: note (room bytes, 256 or more) says why. */
struct server *server_open(const char *where, enum server_role, size_t longest, char *note,
                           size_t room);
struct server *server_from_fd(int fd, size_t longest);     /* takes the descriptor over */
void server_close(struct server *);                        /* NULL is fine */

/* Accepts a client, reads what there is, writes what is left. */
void server_poll(struct server *);
int  server_fd(const struct server *);                     /* becomes readable; -1: will not */
bool server_came(struct server *);                         /* true once after a client came */
bool server_gone(const struct server *);                   /* it left and no other can come */
/* The next whole line without its end, valid until the next call; NULL: none yet. */
const char *server_line(struct server *);
void server_write(struct server *, const char *text, size_t len);
void server_print(struct server *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
