/* SPDX-License-Identifier: MIT
 * Serial ports COM1-COM4 as the machine's main loop sees them.
 */
#pragma once
#include "iodev/device.h"

extern const struct device_class serial_class;

/* Hands bytes from the host to the port at the current guest time, as if a line with flow control
 * had brought them: they arrive one by one at the line's speed and wait while the UART is full.
 * Returns how many were taken; the rest does not fit now (offer it again). Replay calls this with
 * what was recorded. */
size_t serial_receive(struct device *, const uint8_t *bytes, size_t len);

/* Between CPU runs: moves what the host has ready into the port and lets output out. `taken` (may
 * be NULL) is told what went in, for the input log. */
void serial_poll(struct device *,
                 void (*taken)(void *ctx, struct device *, const uint8_t *, size_t), void *ctx);

/* For the pacer: see chardev_fd(). */
int  serial_fd(const struct device *);

/* mode=stdio: see chardev_escape(). */
void serial_escape(struct device *, void (*hook)(void *ctx, uint8_t key), void *ctx);
