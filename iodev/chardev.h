/* SPDX-License-Identifier: MIT
 * Host ends of byte streams (serial and parallel ports): file, terminal, pseudo terminal, socket.
 *
 * Nothing here is guest-visible by itself. The device's owner calls chardev_poll() and
 * chardev_read() between CPU runs, at a defined guest time, and hands the bytes to the device
 * (serial_receive()); the device calls chardev_write() whenever the guest sends.
 */
#pragma once
#include "base/base.h"

struct chardev;

/* mode       path                                               input  output
 * null       -                                                  none   discarded
 * file       output file, truncated; "-" or /dev/stdout: stdout   none   never lost
 * stdio      -                                                  stdin  never lost
 * pty        optional link name                                 slave  lost while nobody reads
 * term, raw  a terminal or serial device of the host            yes    lost while it is blocked
 * socket-server, socket-client
 *            HOST:PORT, or the path of a Unix socket            yes    lost while not connected
 * pipe-server, pipe-client
 *            path of a Unix socket                              yes    lost while not connected
 *
 * stdio puts a terminal on stdin in raw mode; chardev_close() restores it.
 * NULL: note (room bytes, 256 or more) says why in one line; otherwise note is empty or tells what
 * the user wants to know (the pty's name). */
struct chardev *chardev_open(const char *mode, const char *path, char *note, size_t room);
void   chardev_close(struct chardev *);        /* NULL is fine; writes out what is held back */

/* Never block, except for file and stdio, whose output must not be lost. */
size_t chardev_read(struct chardev *, uint8_t *to, size_t len);
void   chardev_write(struct chardev *, const uint8_t *from, size_t len);
/* Writes out what is held back, accepts a waiting connection. Call it every few milliseconds. */
void   chardev_poll(struct chardev *);

/* Descriptor that becomes readable when input or a connection waits, for the pacer's poll(2);
 * -1: none. */
int    chardev_fd(const struct chardev *);

/* stdio only: Ctrl-A and a key go to the hook instead of the guest; Ctrl-A Ctrl-A (or Ctrl-A a)
 * sends one Ctrl-A. Without a hook every byte is the guest's. */
void   chardev_escape(struct chardev *, void (*hook)(void *ctx, uint8_t key), void *ctx);

/* "null, file, stdio, ..." for messages and help. */
const char *chardev_modes(void);
