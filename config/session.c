/* SPDX-License-Identifier: MIT
 * The main loop: run a slice of guest time, look at the window and the sockets, wait if the guest
 * is ahead. A slice takes a few milliseconds of the host's time; what comes in is handed to the
 * machine between slices and gets its tick there.
 */
#include "config/session.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "config/front_end.h"
#include "config/pacer.h"
#include "config/profiler.h"
#include "config/typist.h"
#include "debug/monitor.h"
#include "debug/qtest.h"
#include "iodev/ata_disk.h"
#include "iodev/media.h"
#include "iodev/piix4_pm.h"
#include "iodev/serial.h"

#define MILLISECOND ((nanos)1000000)
#define SLICE       (5 * MILLISECOND)      /* host time */
#define PACED_SLICE (10 * MILLISECOND)     /* guest time */
#define SETTLE      SECOND                 /* host time between looks at disk images */
#define FRAME       (20 * MILLISECOND)     /* host time between looks at the window */
#define IDLE        10000000               /* instructions of an idle guest between two of them */
#define IDLE_LONG   5                      /* so often in a row: what makes it fast can go */

enum { BUDGET_LEAST = 20000, BUDGET_MOST = 200000000, FDS = CONFIG_COMS + 1, EXIT_FATAL = 1 };

struct session {
    struct machine *machine;
    struct log *log;
    struct front_end *front_end;
    struct monitor *monitor;               /* NULL: none */
    struct typist *typist;
    struct layout *layout;                 /* NULL: US, by position */
    struct device *com[CONFIG_COMS];
    struct pacer pacer;
    uint64_t budget;                       /* instructions in one slice */
    uint64_t until, hash_every, next_hash; /* ticks; UINT64_MAX: never */
    FILE *hashes, *profile;                /* NULL: none */
    struct screenshot shots[SCREENSHOTS];  /* ticks: UINT64_MAX at the end, 0: done */
    unsigned shot_count;
    nanos next_frame, woken;               /* host time */
    nanos next_settle;                     /* host time */
    uint64_t settled;                      /* instructions up to then */
    unsigned idle;                         /* times in a row */
    bool stopped, told_dead;
};

/* ---- what the user asks for ------------------------------------------------------------------ */
static void quit(void *session)
{
    machine_end(((struct session *)session)->machine, 0);
}

static void reset(void *session)
{
    machine_reset(((struct session *)session)->machine);
}

static void stop(void *session)
{
    ((struct session *)session)->stopped = true;
}

static void cont(void *session)
{
    struct session *s = session;
    clock_let_go(board_clock(machine_board(s->machine)));
    s->stopped = false;
    pacer_start(&s->pacer, s->pacer.pace, machine_now(s->machine));
}

static bool is_stopped(void *session)
{
    return ((struct session *)session)->stopped;
}

static nanos guest_now(void *session)
{
    return machine_now(((struct session *)session)->machine);
}

static bool press(void *session, unsigned hid_usage, bool down, nanos delay)
{
    return machine_key(((struct session *)session)->machine, hid_usage, down, delay);
}

static bool move(void *session, int dx, int dy, int dz, unsigned buttons)
{
    return machine_mouse(((struct session *)session)->machine, dx, dy, dz, buttons);
}

static void window_key(void *session, unsigned hid_usage, bool down)
{
    machine_user_key(((struct session *)session)->machine, hid_usage, down);
}

/* While time stands nobody waits for the guest: commands to us come by the same keys. */
static bool is_served(void *session)
{
    struct session *s = session;
    return s->stopped || clock_is_held(board_clock(machine_board(s->machine))) ||
           machine_user_is_served(s->machine);
}

static void paste(void *session, const char *text)
{
    typist_paste(((struct session *)session)->typist, text);
}

static void window_mouse(void *session, int dx, int dy, int dz, unsigned buttons)
{
    move(session, dx, dy, dz, buttons);
}

static const char *power_down(void *session)
{
    struct device *pm = board_find(machine_board(((struct session *)session)->machine), "piix4_pm");
    if (!pm) return "this machine has no power button (pci: enabled=0)";
    piix4_pm_power_button(pm);
    return NULL;
}

/* Our names, and those of QEMU's monitor. */
static const char *change(void *session, const char *name, const char *path)
{
    static const char *const names[][2] = {
        { "floppy0", "floppya" }, { "floppy1", "floppyb" }, { "ide0-cd0", "ata0-master" },
        { "ide0-cd1", "ata0-slave" }, { "ide1-cd0", "ata1-master" }, { "ide1-cd1", "ata1-slave" },
    };
    struct session *s = session;
    for (unsigned i = 0; i < COUNT_OF(names); i++)
        if (!strcmp(names[i][0], name)) name = names[i][1];
    struct device *d = board_find(machine_board(s->machine), name);
    if (!d) return "no such drive; info devices lists them";
    return path ? media_change(d, 0, path) : media_eject(d, 0);
}

/* Behind Ctrl-A at a serial port on the terminal. */
static void escape(void *session, uint8_t key)
{
    if (key == 'x' || key == 'q') quit(session);
    else if (key == 'r') reset(session);
    else
        fprintf(stderr,
                "\r\nCtrl-A x: end the run   Ctrl-A r: reset   Ctrl-A Ctrl-A: send Ctrl-A\r\n");
}

static void fatal(void *session, const char *message)
{
    (void)message;
    machine_end(((struct session *)session)->machine, EXIT_FATAL);
}

/* Blocked since the program started (main.c), so that terminals are put right before the end. */
static void take_signals(struct session *s)
{
    static const struct timespec now = { 0, 0 };
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    int number = sigtimedwait(&set, NULL, &now);
    if (number > 0) machine_end(s->machine, 128 + number);
}

/* ---- waiting --------------------------------------------------------------------------------- */
static unsigned watched(const struct session *s, struct pollfd *fds)
{
    unsigned n = 0;
    int fd = s->monitor ? monitor_fd(s->monitor) : -1;
    if (fd >= 0) fds[n++] = (struct pollfd){ fd, POLLIN, 0 };
    for (unsigned i = 0; i < CONFIG_COMS; i++) {
        fd = s->com[i] ? serial_fd(s->com[i]) : -1;
        if (fd >= 0) fds[n++] = (struct pollfd){ fd, POLLIN, 0 };
    }
    return n;
}

/* Input that the guest does not take stays readable: woken twice in a row, the clock decides. */
static void wait_for(struct session *s, nanos time)
{
    struct pollfd fds[FDS];
    int ms = (int)((time + MILLISECOND - 1) / MILLISECOND);
    unsigned n = host_now() - s->woken < 2 * MILLISECOND ? 0 : watched(s, fds);
    if (poll(fds, n, ms) > 0) s->woken = host_now();
}

static void trim(struct session *s)
{
    uint64_t retired = machine_retired(s->machine);
    s->idle = retired - s->settled < IDLE ? s->idle + 1 : 0;
    s->settled = retired;
    if (s->idle == IDLE_LONG) cpu_trim(machine_cpu(s->machine));
}

/* What waits for the host: tables of disk images, and a disk that was full.
 * The guest sees neither. */
static void settle(struct session *s, nanos now)
{
    s->next_settle = now + SETTLE;
    for (struct device *d = board_devices(machine_board(s->machine)); d; d = d->next)
        if (d->class == &ata_disk_class) ata_disk_settle(d);
    clock_let_go(board_clock(machine_board(s->machine)));
    trim(s);
}

static bool is_waiting(const struct session *s)
{
    return s->stopped || clock_is_held(board_clock(machine_board(s->machine)));
}

static void look_around(struct session *s)
{
    nanos now = host_now();
    take_signals(s);
    for (unsigned i = 0; i < CONFIG_COMS; i++)
        if (s->com[i] && !s->stopped) serial_poll(s->com[i], NULL, NULL);
    if (s->monitor) monitor_poll(s->monitor);
    if (!s->stopped) typist_poll(s->typist, s->machine);
    if (now >= s->next_settle) settle(s, now);
    if (now < s->next_frame) return;
    front_end_poll(s->front_end, s->stopped, s->machine);
    s->next_frame = now + FRAME;
}

/* Until the guest is no longer ahead or something comes in; the window is served meanwhile. */
static void wait_while_ahead(struct session *s, nanos extra)
{
    for (;;) {
        nanos ahead = extra ? extra : pacer_ahead(&s->pacer, machine_now(s->machine)),
              now = host_now();
        if (ahead < MILLISECOND / 2 || machine_ended(s->machine, NULL)) return;
        nanos frame = s->next_frame > now ? s->next_frame - now : 0;
        if (frame) wait_for(s, ahead < frame ? ahead : frame);
        look_around(s);
        if (extra || s->stopped || s->woken >= now) return;
    }
}

/* ---- running --------------------------------------------------------------------------------- */
/* ---- screenshots ----------------------------------------------------------------------------- */
static uint64_t next_shot(const struct session *s)
{
    uint64_t next = UINT64_MAX;
    for (unsigned i = 0; i < s->shot_count; i++)
        if (s->shots[i].ticks) next = min64(next, s->shots[i].ticks);
    return next;
}

static void take_shot(struct session *s, struct screenshot *shot)
{
    const char *why = screen_save(machine_screen(s->machine), shot->path);
    shot->ticks = 0;
    if (why) log_line(s->log, "config", LOG_ERROR, "--screenshot %s: %s", shot->path, why);
}

/* Those whose time has come. */
static void take_shots(struct session *s)
{
    for (unsigned i = 0; i < s->shot_count; i++)
        if (s->shots[i].ticks && s->shots[i].ticks <= machine_ticks(s->machine))
            take_shot(s, &s->shots[i]);
}

static void take_last_shots(struct session *s)
{
    for (unsigned i = 0; i < s->shot_count; i++) {
        struct screenshot *shot = &s->shots[i];
        if (shot->ticks == UINT64_MAX) take_shot(s, shot);
        else if (shot->ticks)
            log_line(s->log, "config", LOG_WARN, "--screenshot %s: the run has ended before",
                     shot->path);
    }
}

static void plan_shots(struct session *s, const struct command_line *cl)
{
    s->shot_count = cl->screenshots;
    for (unsigned i = 0; i < s->shot_count; i++) {
        struct screenshot *shot = &s->shots[i];
        *shot = cl->screenshot[i];
        if (shot->time) shot->ticks = machine_tick_of(s->machine, shot->time);
        if (!shot->ticks) shot->ticks = UINT64_MAX;
    }
}

/* ---- slices ---------------------------------------------------------------------------------- */
/* Paced, the guest may only get a little ahead; else a second of idle time goes by in one step. */
static uint64_t slice_end(const struct session *s, bool dead)
{
    nanos step = s->pacer.pace != PACE_NONE || dead ? PACED_SLICE : SECOND;
    uint64_t ticks = muldiv64_up(machine_ips(s->machine), step, SECOND);
    uint64_t end = min64(min64(machine_ticks(s->machine) + ticks, s->until), s->next_hash);
    return min64(end, next_shot(s));
}

static void adapt_budget(struct session *s, nanos took)
{
    if (took > 2 * SLICE) s->budget /= 2;
    else if (took < SLICE) s->budget += s->budget / 4;
    if (s->budget < BUDGET_LEAST) s->budget = BUDGET_LEAST;
    if (s->budget > BUDGET_MOST) s->budget = BUDGET_MOST;
}

static void print_hash(struct session *s)
{
    fprintf(s->hashes, "%" PRIu64 " %016" PRIx64 "\n", machine_ticks(s->machine),
            machine_hash(s->machine));
    s->next_hash += s->hash_every;
}

/* Only a reset or the user can wake it: time goes on, but nobody needs it to go fast. */
static bool is_dead(struct session *s)
{
    if (s->pacer.pace != PACE_NONE || s->until != UINT64_MAX || !machine_is_dead(s->machine))
        return false;
    if (!s->told_dead)
        log_line(s->log, "cpu", LOG_INFO,
                 "halted with interrupts disabled: only a reset ends this");
    return s->told_dead = true;
}

static void run_slice(struct session *s)
{
    bool dead = is_dead(s);
    nanos start = host_now();
    machine_advance(s->machine, slice_end(s, dead), s->budget);
    adapt_budget(s, host_now() - start);
    if (machine_ended(s->machine, NULL)) return;
    if (machine_ticks(s->machine) == s->next_hash) print_hash(s);
    take_shots(s);
    if (machine_ticks(s->machine) >= s->until) machine_end(s->machine, 0);
    wait_while_ahead(s, dead ? PACED_SLICE : 0);
}

/* ---- beginning and end ----------------------------------------------------------------------- */
static bool com_is_interactive(const struct config_com *com)
{
    if (!com->enabled || !strcmp(com->mode, "null") || !strcmp(com->mode, "file")) return false;
    return strcmp(com->mode, "stdio") || isatty(STDIN_FILENO);
}

/* auto: where somebody watches, guest time passes as on the wall; otherwise as fast as it can. */
static enum pace choose_pace(const struct session *s, const struct config *c,
                             const struct command_line *cl)
{
    if (!strcmp(c->sync, "none")) return PACE_NONE;
    if (!strcmp(c->sync, "slowdown")) return PACE_SLOWDOWN;
    if (strcmp(c->sync, "auto")) return PACE_REALTIME;
    if (cl->until_ticks || cl->until_time || cl->hash_every) return PACE_NONE;
    bool watched_by_someone = s->monitor || front_end_is_interactive(s->front_end);
    for (unsigned i = 0; i < CONFIG_COMS; i++) watched_by_someone |= com_is_interactive(&c->com[i]);
    return watched_by_someone ? PACE_SLOWDOWN : PACE_NONE;
}

static bool open_monitor(struct session *s, const char *where)
{
    struct monitor_machine m = {
        s,
        machine_board(s->machine),
        machine_cpu(s->machine),
        machine_screen(s->machine),
        press,
        move,
        stop,
        cont,
        is_stopped,
        reset,
        quit,
        guest_now,
        power_down,
        change,
        paste,
    };
    char note[512];
    struct server *server = server_open(where, SERVER_LISTENS, 4096, note, sizeof note);
    if (!server) fprintf(stderr, "vitro: --monitor %s\n", note);
    else s->monitor = monitor_new(server, &m);
    return s->monitor;
}

static bool open_hashes(struct session *s, const struct command_line *cl)
{
    s->hash_every = cl->hash_every;
    s->next_hash = cl->hash_every ? cl->hash_every : UINT64_MAX;
    s->hashes = cl->hash_file ? fopen(cl->hash_file, "w") : stdout;
    if (!s->hashes)
        fprintf(stderr, "vitro: --hash-every: %s: %s\n", cl->hash_file, strerror(errno));
    return s->hashes;
}

/* A keymap that cannot be read is no reason not to run: most are in configs
 * for their window only. */
static bool open_typist(struct session *s, const struct config *c)
{
    char why[256];
    if (c->keymap.path && (s->layout = malloc(sizeof *s->layout)) &&
        !layout_load(s->layout, c->keymap.path, why, sizeof why)) {
        fprintf(stderr, "%s: keymap: %s; the US layout is used\n", c->keymap.origin, why);
        free(s->layout);
        s->layout = NULL;
    }
    s->typist = typist_new(s->layout, c->paste_delay * (nanos)1000, s->log);
    return s->typist;
}

static bool open_session(struct session *s, const struct config *c, const struct command_line *cl)
{
    if (!open_typist(s, c)) return false;
    struct front_end_config f = {
        c->display.path, c->display_options, c->display.origin, machine_screen(s->machine),
        { s, window_key, window_mouse }, { s, quit, reset, paste, is_served, s->layout }, s->log,
    };
    for (unsigned i = 0; i < CONFIG_COMS; i++) {
        s->com[i] = machine_com(s->machine, i);
        if (s->com[i] && !strcmp(c->com[i].mode, "stdio")) serial_escape(s->com[i], escape, s);
    }
    if (!open_hashes(s, cl) || !profiler_open(cl, s->machine, &s->profile)) return false;
    if (cl->monitor && !open_monitor(s, cl->monitor)) return false;
    s->front_end = front_end_open(&f);
    if (!s->front_end) return false;
    s->until = cl->until_ticks ? cl->until_ticks : UINT64_MAX;
    if (cl->until_time) s->until = machine_tick_of(s->machine, cl->until_time);
    s->budget = 1000000;
    plan_shots(s, cl);
    pacer_start(&s->pacer, choose_pace(s, c, cl), machine_now(s->machine));
    log_on_fatal(s->log, fatal, s);
    return true;
}

static void close_session(struct session *s)
{
    log_on_fatal(s->log, NULL, NULL);
    for (unsigned i = 0; i < CONFIG_COMS; i++)
        if (s->com[i]) serial_escape(s->com[i], NULL, NULL);
    front_end_close(s->front_end);
    monitor_free(s->monitor);
    typist_free(s->typist);
    free(s->layout);
    if (s->hashes && s->hashes != stdout) fclose(s->hashes);
    else if (s->hashes) fflush(stdout);
    profiler_close(s->profile, s->machine);
}

int session_run(struct machine *m, const struct config *c, const struct command_line *cl,
                struct log *log)
{
    struct session s = { .machine = m, .log = log };
    int exit_code = MACHINE_EXIT_ERROR;
    bool ready = open_session(&s, c, cl);
    while (ready && !machine_ended(m, &exit_code)) {
        look_around(&s);
        if (is_waiting(&s)) wait_for(&s, FRAME / 2);
        else run_slice(&s);
    }
    if (s.front_end) front_end_poll(s.front_end, s.stopped, m);
    if (ready) take_last_shots(&s);
    close_session(&s);
    return exit_code;
}

/* ---- qtest ----------------------------------------------------------------------------------- */
static uint32_t port_in(void *machine, uint16_t port, enum width size)
{
    return board_in(machine_board(machine), port, size);
}

/* A write may ask for a reset, which happens at the next instruction: here, at once. */
static void port_out(void *machine, uint16_t port, uint32_t value, enum width size)
{
    board_out(machine_board(machine), port, value, size);
    machine_advance(machine, 0, 0);
}

static uint64_t read_memory(void *machine, uint64_t paddr, enum width size)
{
    return memory_read(board_memory(machine_board(machine)), paddr, size);
}

static void write_memory(void *machine, uint64_t paddr, uint64_t value, enum width size)
{
    memory_write(board_memory(machine_board(machine)), paddr, value, size);
}

static nanos board_now(void *machine) { return machine_now(machine); }
static nanos board_next(void *machine) { return clock_next(board_clock(machine_board(machine))); }
static void board_advance(void *machine, nanos to)
{
    clock_let_go(board_clock(machine_board(machine)));
    clock_advance(board_clock(machine_board(machine)), to);
}
static void irq_changed(void *qtest, unsigned irq, bool level)
{
    qtest_irq_changed(qtest, irq, level);
}
static bool irq_level(void *machine, unsigned n)
{
    return board_irq_level(machine_board(machine), n);
}
static bool intr_level(void *machine)
{
    return board_wire_level(machine_board(machine), WIRE_INTR);
}

int session_qtest(struct machine *m, const char *where, struct log *log)
{
    struct qtest_machine q = { m,         port_in,    port_out,      read_memory, write_memory,
                               board_now, board_next, board_advance, irq_level,   intr_level };
    struct session s = { .machine = m, .log = log };
    char note[512];
    int exit_code = 0;
    struct server *server = server_open(where, SERVER_CALLS_BACK, 40 << 20, note, sizeof note);
    struct qtest *qtest = server ? qtest_new(server, &q) : NULL;
    if (!qtest) {
        fprintf(stderr, "vitro: --qtest %s\n", note);
        return MACHINE_EXIT_ERROR;
    }
    machine_on_irq(m, irq_changed, qtest);
    while (qtest_poll(qtest) && !machine_ended(m, &exit_code)) {
        struct pollfd fd = { qtest_fd(qtest), POLLIN, 0 };
        poll(&fd, 1, 100);
        take_signals(&s);
    }
    machine_on_irq(m, NULL, NULL);
    qtest_free(qtest);
    return exit_code;
}
