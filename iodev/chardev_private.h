/* SPDX-License-Identifier: MIT
 * Shared by chardev.c (the stream) and chardev_open.c (the ways to open one).
 */
#pragma once
#include "iodev/chardev.h"
#include <termios.h>

struct chardev {
    int  in, out;              /* -1: none; may be the same descriptor                   */
    int  listener;             /* a server's socket                                      */
    int  keep;                 /* the pty's slave: held open so the master never hangs up */
    bool connection;           /* in and out are one socket                              */
    bool lossless;             /* wait for the host rather than drop output              */
    bool is_stdio;
    bool restore;              /* saved holds what in_opened has to be set back to       */
    int  in_opened;
    struct termios saved;
    char *link;                /* removed at the end: socket or name of the pty          */
    void (*hook)(void *ctx, uint8_t key);
    void *hook_ctx;
    bool escaped;              /* Ctrl-A was the last byte                               */
    size_t  held;              /* bytes that wait in hold                                */
    uint8_t hold[4096];
};

struct chardev_note {
    char  *text;
    size_t room;
};

bool chardev_open_null(struct chardev *, const char *path, struct chardev_note *);
bool chardev_open_file(struct chardev *, const char *path, struct chardev_note *);
bool chardev_open_stdio(struct chardev *, const char *path, struct chardev_note *);
bool chardev_open_pty(struct chardev *, const char *path, struct chardev_note *);
bool chardev_open_term(struct chardev *, const char *path, struct chardev_note *);
bool chardev_open_server(struct chardev *, const char *path, struct chardev_note *);
bool chardev_open_client(struct chardev *, const char *path, struct chardev_note *);
