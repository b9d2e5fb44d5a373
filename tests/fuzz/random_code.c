/* SPDX-License-Identifier: MIT
 * Random bytes as code, in every mode of the processor: whatever they do, the CPU neither crashes
 * nor hangs, and stops exactly when it is told. Every case runs in two machines, in one piece from
 * event to event and in small slices with the caches disturbed: their states must agree
 * (docs/architecture.md: a run does not depend on the state of any cache).
 *
 * Batches run in child processes, so that one that crashes can be named.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "tests/fuzz/code_world.h"

enum { CASES = 32, EVENTS = 24, CASE_TICKS = 6000, HANG_SECONDS = 60, FIXED_BATCHES = 7 };

static const char usage[] =
    "usage: random_code [--seconds N] [--mode NAME] [--seed N [--case N [--until TICK]]]\n"
    "  Half of the time the same seeds as always, then new ones. --seed: that batch only, up to "
    "that case.\n"
    "  --until: ends the last case there and shows both machines.\n"
    "  Modes: real prot16 prot32 vm86 paged pae long\n";

struct plan {
    uint64_t at, value;
    enum event_kind kind;
};
struct options {
    double seconds;
    int mode;
    unsigned last_case;
    bool one_seed;
    uint64_t seed, until;
};
struct progress {
    unsigned batch_case;
    uint64_t instructions, shutdowns;
}; /* shared with the children */

/* ---- one case -------------------------------------------------------------------------------- */
static void show(const struct machine *m, const char *name)
{
    struct cpu_regs g;
    cpu_get_regs(m->cpu, &g);
    fprintf(stderr, "%s: tick %llu cpl %u seen %016llx shutdown '%s'\n", name,
            (unsigned long long)cpu_ticks(m->cpu), g.cpl, (unsigned long long)m->seen,
            cpu_shutdown_reason(m->cpu));
    for (unsigned n = 0; n < 16; n++)
        fprintf(stderr, " %016llx%s", (unsigned long long)g.gpr[n], n % 4 == 3 ? "\n" : "");
    fprintf(stderr,
            " rip %llx flags %llx cr0 %llx cr2 %llx cr3 %llx cr4 %llx cs %x ss %x ds %x es %x\n",
            (unsigned long long)g.rip, (unsigned long long)g.rflags, (unsigned long long)g.cr0,
            (unsigned long long)g.cr2, (unsigned long long)g.cr3, (unsigned long long)g.cr4,
            g.seg[1].selector, g.seg[2].selector, g.seg[3].selector, g.seg[0].selector);
    fprintf(stderr, " code");
    for (unsigned n = 0; n < 16; n++) {
        uint64_t at;
        if (cpu_translate(m->cpu, g.seg[1].base + g.rip + n, &at))
            fprintf(stderr, " %02x", memory_peek(m->memory, at));
    }
    fprintf(stderr, "\n");
}

static bool complain(const struct machine *m, const char *what)
{
    fprintf(stderr, "%s\n", what);
    show(m, "machine");
    return false;
}

/* What no guest can see: slices, and pages that must be asked for again. */
static uint64_t disturb(struct machine *m, struct rng *r, uint64_t now, uint64_t end)
{
    uint64_t bitmap[WORLD_RAM / PAGE_SIZE / 64 + 1];
    if (!rnd(r, 16)) memory_take_dirty(m->memory, NULL, bitmap, COUNT_OF(bitmap));
    uint64_t until = now + 1 + rnd(r, rnd(r, 4) ? 8 : 200);
    return until < end ? until : end;
}

/* Runs to `end`, in slices if there is a generator for them. False: something is wrong. */
static bool run_to(struct machine *m, uint64_t end, struct rng *slices, bool *shutdown)
{
    for (unsigned idle = 0; cpu_ticks(m->cpu) < end && !*shutdown;) {
        uint64_t now = cpu_ticks(m->cpu), until = slices ? disturb(m, slices, now, end) : end;
        enum cpu_stop stop = cpu_run(m->cpu, until);
        uint64_t then = cpu_ticks(m->cpu);
        if (then > until) return complain(m, "it ran too far");
        if (stop == CPU_HALTED) cpu_skip(m->cpu, until - then);
        if (stop == CPU_BREAKPOINT) return complain(m, "a breakpoint that nobody set");
        if (then < now) return complain(m, "time went back");
        idle = then == now && stop != CPU_HALTED ? idle + 1 : 0;
        if (idle > 64) return complain(m, "no progress");
        *shutdown = stop == CPU_SHUTDOWN;
    }
    return true;
}

static bool equal(const struct machine *a, const struct machine *b, bool memory)
{
    return cpu_ticks(a->cpu) == cpu_ticks(b->cpu) && cpu_hash(a->cpu, 0) == cpu_hash(b->cpu, 0) &&
           a->seen == b->seen &&
           (!memory || memory_hash(a->memory, 0) == memory_hash(b->memory, 0));
}

static bool compare(const struct machine *a, const struct machine *b, bool memory, uint64_t since)
{
    if (equal(a, b, memory)) return true;
    fprintf(stderr, "machines differ, in one piece and in slices; they did not at tick %llu\n",
            (unsigned long long)since);
    show(a, "one piece");
    show(b, "slices");
    return false;
}

static void make_plan(struct plan plan[EVENTS], struct rng *r, uint64_t now)
{
    for (unsigned n = 0; n < EVENTS; n++) {
        now += 1 + rnd(r, 2 * CASE_TICKS / EVENTS);
        plan[n] = (struct plan){now, rnd64(r), rnd(r, EVENT_KINDS)};
    }
}

static bool run_case(struct machine pair[2], struct world *w, enum code_kind kind, struct rng *r,
                     uint64_t until)
{
    struct plan plan[EVENTS];
    struct rng slices = {rnd64(r)};
    struct cpu_regs reset;
    bool ended[2] = {false, false};
    for (unsigned k = 0; k < 2; k++) cpu_reset(pair[k].cpu, true);
    cpu_get_regs(pair[0].cpu, &reset);
    reset.tsc = 0;
    world_make(w, kind, r, &reset);
    for (unsigned k = 0; k < 2; k++) machine_load(&pair[k], w);
    uint64_t since = cpu_ticks(pair[0].cpu), end = until ? since + until : ~0ull;
    make_plan(plan, r, since);
    for (unsigned n = 0; n < EVENTS && !ended[0] && since < end; n++) {
        uint64_t to = plan[n].at < end ? plan[n].at : end;
        if (!run_to(&pair[0], to, NULL, &ended[0]) || !run_to(&pair[1], to, &slices, &ended[1]))
            return false;
        if (!compare(&pair[0], &pair[1], false, since)) return false;
        since = to;
        for (unsigned k = 0; k < 2 && to == plan[n].at; k++)
            machine_event(&pair[k], plan[n].kind, plan[n].value);
    }
    if (until) show(&pair[0], "one piece"), show(&pair[1], "slices");
    return compare(&pair[0], &pair[1], true, since);
}

/* ---- batches --------------------------------------------------------------------------------- */
static const char *model_for(enum code_kind kind, uint64_t seed)
{
    static const char *const models[] = {NULL,   "386", "486",     "pentium",
                                         "ppro", "p4",  "nehalem", "amd64"};
    if (kind == CODE_LONG) return "amd64";
    if (kind == CODE_PAE) return seed & 1 ? NULL : "ppro";
    return models[seed % COUNT_OF(models)];
}

/* In the child. The machines live on from case to case, so that old traces lie around. */
static int run_batch(enum code_kind kind, uint64_t seed, const struct options *o,
                     struct progress *p)
{
    struct machine *pair = calloc(2, sizeof *pair);
    struct world *w = calloc(1, sizeof *w);
    bool good = pair && w && machine_open(&pair[0], model_for(kind, seed)) &&
                machine_open(&pair[1], model_for(kind, seed));
    unsigned last = o->last_case < CASES ? o->last_case : CASES - 1;
    for (unsigned n = 0; n <= last && good; n++) {
        struct rng r = {seed + n * 0xD1B54A32D192ED03ull};
        p->batch_case = n;
        uint64_t before = cpu_retired(pair[0].cpu);
        good = run_case(pair, w, kind, &r, n == last ? o->until : 0);
        p->instructions += cpu_retired(pair[0].cpu) - before;
        p->shutdowns += *cpu_shutdown_reason(pair[0].cpu) != '\0';
    }
    if (pair) machine_close(&pair[0]), machine_close(&pair[1]);
    free(w);
    free(pair);
    return good ? 0 : 1;
}

/* True: the batch went well. */
static bool fork_batch(enum code_kind kind, uint64_t seed, const struct options *o,
                       struct progress *p)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) {
        perror("fork");
        return false;
    }
    if (!child) {
        setrlimit(RLIMIT_CPU, &(struct rlimit){HANG_SECONDS, HANG_SECONDS});
        exit(run_batch(kind, seed, o, p));
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    if (WIFEXITED(status) && !WEXITSTATUS(status)) return true;
    bool hang = WIFSIGNALED(status) && (WTERMSIG(status) == SIGXCPU || WTERMSIG(status) == SIGKILL);
    fprintf(stderr, "FAILED (%s %d): random_code --mode %s --seed 0x%llx --case %u\n",
            hang                  ? "hang, signal"
            : WIFSIGNALED(status) ? "signal"
                                  : "exit code",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), code_kind_names[kind],
            (unsigned long long)seed, p->batch_case);
    return false;
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* All modes in turn until the time is over; returns how many batches failed. */
static unsigned run_for(struct options *o, uint64_t seed, double time, struct progress *p)
{
    double end = seconds() + time;
    unsigned failed = 0, batches = 0;
    struct rng r = {seed};
    for (;; batches++) {
        enum code_kind kind = o->mode >= 0 ? (enum code_kind)o->mode : batches % CODE_KINDS;
        if (batches && (o->one_seed || (batches >= FIXED_BATCHES && seconds() >= end))) break;
        failed += !fork_batch(kind, o->one_seed ? seed : rnd64(&r), o, p);
    }
    printf("seed 0x%llx: %u batches of %d cases, %.1f million instructions, %llu shutdowns, %u "
           "failed\n",
           (unsigned long long)seed, batches, CASES, (double)p->instructions * 1e-6,
           (unsigned long long)p->shutdowns, failed);
    return failed;
}

static int mode_of(const char *name)
{
    for (int n = 0; n < CODE_KINDS; n++)
        if (!strcmp(name, code_kind_names[n])) return n;
    return -1;
}

static bool parse(struct options *o, int argc, char **argv)
{
    *o = (struct options){.seconds = 10, .mode = -1, .last_case = CASES};
    for (int n = 1; n + 1 < argc; n += 2) {
        const char *value = argv[n + 1];
        if (!strcmp(argv[n], "--seconds")) o->seconds = atof(value);
        else if (!strcmp(argv[n], "--mode") && mode_of(value) >= 0) o->mode = mode_of(value);
        else if (!strcmp(argv[n], "--case")) o->last_case = (unsigned)atoi(value);
        else if (!strcmp(argv[n], "--until")) o->until = strtoull(value, NULL, 0);
        else if (!strcmp(argv[n], "--seed")) o->seed = strtoull(value, NULL, 0), o->one_seed = true;
        else return false;
    }
    return argc % 2 == 1;
}

int main(int argc, char **argv)
{
    struct options o;
    struct progress *p =
        mmap(NULL, sizeof *p, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (!parse(&o, argc, argv) || p == MAP_FAILED) {
        fputs(usage, stderr);
        return 2;
    }
    if (o.one_seed) return run_for(&o, o.seed, 0, p) ? 1 : 0;
    unsigned failed = run_for(&o, 1, o.seconds / 2, p);
    failed += run_for(&o, (uint64_t)time(NULL) << 20 ^ (uint64_t)getpid(), o.seconds / 2, p);
    return failed ? 1 : 0;
}
