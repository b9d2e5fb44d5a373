/* SPDX-License-Identifier: MIT
 * The monitor: commands to a running machine, by a person or a test script, over a Unix socket or
 * the terminal. Commands have the names QEMU's monitor gives them; `help` lists them.
 */
#pragma once
#include "cpu/cpu.h"
#include "debug/server.h"
#include "gui/screen.h"
#include "iodev/machine_board.h"

struct monitor;

struct monitor_machine {                   /* what it acts on */
    void *ctx;
    struct board *board;                   /* NULL: commands that look into it say so */
    struct cpu   *cpu;                     /* likewise */
    const struct screen *screen;
    bool (*key)(void *ctx, unsigned hid_usage, bool down, nanos delay);
    bool (*mouse)(void *ctx, int dx, int dy, int dz, unsigned buttons);
    void (*stop)(void *ctx);
    void (*cont)(void *ctx);
    bool (*stopped)(void *ctx);
    void (*reset)(void *ctx);
    void (*quit)(void *ctx);
    nanos (*now)(void *ctx);
    const char *(*power_down)(void *ctx);                                  /* NULL: done */
    const char *(*change)(void *ctx, const char *device, const char *path);   /* path NULL: eject */
    void (*type)(void *ctx, const char *utf8);
};

/* Takes the server over. */
struct monitor *monitor_new(struct server *, const struct monitor_machine *);
void monitor_free(struct monitor *);
void monitor_poll(struct monitor *);       /* carries out what was typed */
int  monitor_fd(const struct monitor *);

/* ---- private to debug/ ----------------------------------------------------------------------- */
enum { MONITOR_WORDS = 8 };
struct monitor_command {
    const char *name, *args, *about;
    unsigned min, max;                     /* words after the name */
    void (*run)(struct monitor *, char *const *args, unsigned count);
};
struct monitor {
    struct server *server;
    struct monitor_machine machine;
    unsigned buttons;
};
extern const struct monitor_command monitor_info[];        /* ends with { 0 } */
void monitor_info_device(struct monitor *, const char *id);
void monitor_examine(struct monitor *, char *const *args, unsigned count, bool physical);
