/* SPDX-License-Identifier: MIT
 * The machine: wires board and processor together and moves both through time.
 *
 *     events, timers --> clock_advance() --> lines --> cpu_run(next thing due) --> ...
 */
#include "config/machine.h"

#include <stdlib.h>
#include <string.h>
#include "config/build.h"
#include "config/events.h"

enum { FLAG_IF = 0x200 };
enum { KEYS_PER_CHARACTER = 4 };           /* presses and releases, Shift with them */

struct machine {
    struct log *log;
    struct board *board;
    struct cpu *cpu;
    struct loader *loader;
    uint64_t ips;
    uint64_t some_ticks, some_nanos;   /* ips and a second without common factors */
    uint64_t tick_base;                /* left out by a processor that counts anew after a reset */
    bool running;                      /* inside cpu_run(): callbacks must not look at clock->now */
    bool reset_on_triple_fault, reset_asked, ended;
    int exit_code;
    struct events events;
    nanos key_pause;                   /* guest time between two of a person's keys */
    uint64_t key_tick;                 /* when the last one comes, or came */
    struct screen no_screen;
    void (*irq)(void *, unsigned, bool);   /* see machine_on_irq() */
    void *irq_ctx;
};

/* ---- time ------------------------------------------------------------------------------------ */
uint64_t machine_ticks(const struct machine *m)
{
    return m->cpu ? m->tick_base + cpu_ticks(m->cpu) : 0;
}

uint64_t machine_retired(const struct machine *m) { return m->cpu ? cpu_retired(m->cpu) : 0; }

nanos machine_now(const struct machine *m)
{
    return m->cpu ? muldiv64(machine_ticks(m), m->some_nanos, m->some_ticks)
                  : board_clock(m->board)->now;
}

uint64_t machine_tick_of(const struct machine *m, nanos due)
{
    unsigned __int128 tick = ((unsigned __int128)due * m->some_ticks + m->some_nanos - 1) /
                             m->some_nanos;
    return due == UINT64_MAX || tick > UINT64_MAX ? UINT64_MAX : (uint64_t)tick;
}

uint64_t machine_ips(const struct machine *m) { return m->ips; }

static nanos exact_time(void *machine) { return machine_now(machine); }

/* A device armed a timer from within an instruction: that instruction still retires. */
static void timer_earlier(void *machine, nanos due)
{
    struct machine *m = machine;
    if (!m->running) return;
    uint64_t next = cpu_ticks(m->cpu) + 1, tick = machine_tick_of(m, due);
    tick = tick > m->tick_base ? tick - m->tick_base : 0;
    cpu_run_shorter(m->cpu, tick > next ? tick : next);
}

/* ---- wires ----------------------------------------------------------------------------------- */
static void wire(void *machine, enum board_wire which, bool level)
{
    static const enum cpu_line lines[] = {
        [WIRE_INTR] = CPU_INTR, [WIRE_NMI] = CPU_NMI, [WIRE_SMI] = CPU_SMI, [WIRE_A20] = CPU_A20,
        [WIRE_IGNNE] = CPU_IGNNE, [WIRE_RESET] = CPU_RESET,
    };
    struct machine *m = machine;
    if (m->cpu && (unsigned)which < COUNT_OF(lines)) cpu_line(m->cpu, lines[which], level);
}

static void pin_changed(void *machine, enum cpu_pin pin, bool level)
{
    static const enum board_wire wires[] = { [CPU_FERR] = WIRE_FERR, [CPU_SMIACT] = WIRE_SMIACT };
    struct machine *m = machine;
    board_drive(m->board, wires[pin], level);
}

static void irq_changed(void *machine, unsigned irq, bool level)
{
    struct machine *m = machine;
    if (m->irq) m->irq(m->irq_ctx, irq, level);
}

void machine_on_irq(struct machine *m, void (*changed)(void *, unsigned, bool), void *ctx)
{
    m->irq = changed;
    m->irq_ctx = ctx;
}

/* The processor was made, or forgot its inputs: they are what the board says. */
static void sync_wires(struct machine *m)
{
    static const enum board_wire wires[] = { WIRE_INTR, WIRE_NMI, WIRE_SMI, WIRE_A20, WIRE_IGNNE };
    for (unsigned i = 0; i < COUNT_OF(wires); i++)
        wire(m, wires[i], board_wire_level(m->board, wires[i]));
}

static void system_reset(void *machine)
{
    struct machine *m = machine;
    m->reset_asked = true;
    if (m->cpu) cpu_request_stop(m->cpu);
}

static void power_off(void *machine, int exit_code)
{
    machine_end(machine, exit_code);
}

void machine_end(struct machine *m, int exit_code)
{
    if (m->ended) return;
    m->ended = true;
    m->exit_code = exit_code;
    if (m->cpu) cpu_request_stop(m->cpu);
}

bool machine_ended(const struct machine *m, int *exit_code)
{
    if (m->ended && exit_code) *exit_code = m->exit_code;
    return m->ended;
}

void machine_reset(struct machine *m)
{
    uint64_t before = m->cpu ? cpu_ticks(m->cpu) : 0;
    m->reset_asked = false;
    board_reset(m->board, RESET_HARD);
    if (!m->cpu) return;
    cpu_reset(m->cpu, true);
    m->tick_base += before - cpu_ticks(m->cpu);
    sync_wires(m);
}

/* ---- events from outside --------------------------------------------------------------------- */
static bool enqueue(struct machine *m, const struct event *e)
{
    bool taken = events_put(&m->events, e);
    if (!taken)
        log_line(m->log, "input", LOG_WARN, "too many keys and mouse events at once, one is lost");
    return taken;
}

bool machine_key(struct machine *m, unsigned hid_usage, bool down, nanos delay)
{
    struct event e = { .kind = EVENT_KEY, .key = hid_usage, .down = down };
    e.tick = delay ? machine_tick_of(m, machine_now(m) + delay) : machine_ticks(m);
    return enqueue(m, &e);
}

bool machine_user_key(struct machine *m, unsigned hid_usage, bool down)
{
    struct event e = { .kind = EVENT_KEY, .key = hid_usage, .down = down };
    e.tick = max64(machine_ticks(m), m->key_tick + machine_tick_of(m, m->key_pause));
    if (!enqueue(m, &e)) return false;
    m->key_tick = e.tick;
    return true;
}

bool machine_user_is_served(const struct machine *m) { return m->key_tick <= machine_ticks(m); }

/* Not before a key that was pressed earlier. */
bool machine_mouse(struct machine *m, int dx, int dy, int dz, unsigned buttons)
{
    struct event e = { .kind = EVENT_MOUSE, .dx = dx, .dy = dy, .dz = dz, .buttons = buttons };
    e.tick = max64(machine_ticks(m), m->key_tick);
    return enqueue(m, &e);
}

static void deliver(struct machine *m)
{
    const struct input *in = board_input(m->board);
    struct event e;
    while (events_take(&m->events, machine_ticks(m), &e)) {
        if (e.kind == EVENT_KEY) in->key(in->ctx, e.key, e.down);
        else in->mouse(in->ctx, e.dx, e.dy, e.dz, e.buttons);
    }
}

/* ---- running --------------------------------------------------------------------------------- */
static void shut_down(struct machine *m)
{
    const char *why = cpu_shutdown_reason(m->cpu);
    log_line(m->log, "cpu", m->reset_on_triple_fault ? LOG_WARN : LOG_ERROR,
             "processor shut down%s%s: %s", *why ? ": " : "", why,
             m->reset_on_triple_fault ? "reset" : "the run ends");
    if (m->reset_on_triple_fault) m->reset_asked = true;
    else machine_end(m, MACHINE_EXIT_TRIPLE_FAULT);
}

/* The next tick at which somebody else than the processor has something to do. A timer that is late
 * (clock_advance() fires a bounded number of them) must not stop time: one instruction runs. */
static uint64_t next_stop(const struct machine *m, uint64_t until)
{
    uint64_t next = machine_ticks(m) + 1;
    until = min64(until, machine_tick_of(m, clock_next(board_clock(m->board))));
    until = min64(until, events_next(&m->events));
    return until > next ? until : next;
}

/* Retires at most `budget` instructions, or passes time in HLT up to tick `until`. Returns how many
 * were retired. */
static uint64_t run(struct machine *m, uint64_t until, uint64_t budget)
{
    uint64_t from = machine_ticks(m);
    m->running = true;
    enum cpu_stop stop = cpu_run(m->cpu, from + min64(until - from, budget) - m->tick_base);
    m->running = false;
    uint64_t ran = machine_ticks(m) - from;
    if (stop == CPU_SHUTDOWN) shut_down(m);
    /* A timer that an instruction has just armed may be due before `until`. */
    until = next_stop(m, until);
    if (stop == CPU_HALTED && until > from + ran && !m->ended) cpu_skip(m->cpu, until - from - ran);
    return ran;
}

void machine_advance(struct machine *m, uint64_t until, uint64_t budget)
{
    struct clock *clock = board_clock(m->board);
    if (m->reset_asked) machine_reset(m);
    while (!m->ended && budget && m->cpu) {
        if (m->reset_asked) machine_reset(m);
        clock_advance(clock, machine_now(m));
        if (clock_is_held(clock)) return;
        deliver(m);
        if (machine_ticks(m) >= until) break;
        uint64_t ran = run(m, next_stop(m, until), budget);
        budget -= min64(ran, budget);
    }
    clock_advance(clock, machine_now(m));
}

bool machine_is_dead(const struct machine *m)
{
    struct cpu_regs regs;
    if (!m->cpu || !cpu_is_halted(m->cpu)) return false;
    cpu_get_regs(m->cpu, &regs);
    return !(regs.rflags & FLAG_IF);
}

uint64_t machine_hash(const struct machine *m)
{
    uint64_t hash = board_hash(m->board, 0);
    return m->cpu ? cpu_hash(m->cpu, hash) : hash;
}

/* ---- looking in ------------------------------------------------------------------------------ */
struct board *machine_board(struct machine *m) { return m->board; }
struct cpu *machine_cpu(struct machine *m) { return m->cpu; }

static void draw_nothing(void *ctx, struct screen_frame *frame, bool whole, bool text_only)
{
    (void)ctx, (void)whole, (void)text_only;
    *frame = (struct screen_frame){ 0 };
}

const struct screen *machine_screen(struct machine *m)
{
    const struct screen *s = board_screen(m->board);
    return s ? s : &m->no_screen;
}

struct device *machine_com(struct machine *m, unsigned number)
{
    char id[16];
    snprintf(id, sizeof id, "com%u", number + 1);
    return board_find(m->board, id);
}

/* ---- birth and end --------------------------------------------------------------------------- */
static bool make_board(struct machine *m, const struct config *c, bool with_cpu)
{
    struct board_config bc = { .ram_bytes = c->memory_mib << 20, .log = m->log, .wire = wire,
                               .irq = irq_changed, .system_reset = system_reset,
                               .power_off = power_off, .ctx = m };
    m->board = board_new(&bc);
    if (!m->board) {
        log_line(m->log, "config", LOG_ERROR, "no memory for %llu MiB of guest RAM",
                 (unsigned long long)c->memory_mib);
        return false;
    }
    struct clock *clock = board_clock(m->board);
    clock->source = exact_time;
    clock->earlier = timer_earlier;
    clock->ctx = m;
    m->loader = loader_new(board_memory(m->board), m->log);
    return m->loader && build_devices(m->board, c) &&
           (!with_cpu || build_firmware(m->loader, c, m->board)) && board_power_on(m->board);
}

static bool make_cpu(struct machine *m, const struct config *c)
{
    struct cpu_bus bus = { board_in, board_out, board_acknowledge, m->board, board_in_run,
                           board_out_run };
    struct cpu_config cc = { c->cpu_model, c->add_features, c->exclude_features };
    m->cpu = cpu_new(&cc, board_memory(m->board), &bus, m->log);
    if (!m->cpu && c->cpu_model) {
        log_line(m->log, "config", LOG_WARN, "cpu: model=%s: not known, the default model is used "
                 "(--cpu-models lists them)", c->cpu_model);
        cc.model = NULL;
        m->cpu = cpu_new(&cc, board_memory(m->board), &bus, m->log);
    }
    if (m->cpu) cpu_on_pin(m->cpu, pin_changed, m);
    else log_line(m->log, "config", LOG_ERROR, "no memory for the processor");
    return m->cpu;
}

static uint64_t common_factor(uint64_t a, uint64_t b)
{
    while (b) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

struct machine *machine_new(const struct config *c, struct log *log, bool with_cpu)
{
    struct machine *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    m->log = log;
    m->ips = c->ips;
    m->some_ticks = c->ips / common_factor(c->ips, SECOND);
    m->some_nanos = SECOND / common_factor(c->ips, SECOND);
    m->key_pause = c->paste_delay * (nanos)1000 / KEYS_PER_CHARACTER;
    m->reset_on_triple_fault = c->reset_on_triple_fault;
    m->no_screen = (struct screen){ NULL, draw_nothing };
    if (!make_board(m, c, with_cpu) || (with_cpu && !make_cpu(m, c))) {
        machine_free(m);
        return NULL;
    }
    build_setup(m->board, c);
    if (m->cpu) sync_wires(m);
    return m;
}

void machine_free(struct machine *m)
{
    if (!m) return;
    cpu_free(m->cpu);
    m->cpu = NULL;
    board_free(m->board);
    loader_free(m->loader);
    free(m);
}
