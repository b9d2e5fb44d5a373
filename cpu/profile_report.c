/* SPDX-License-Identifier: MIT
 * The built-in profile in words: tables of what profile.c has counted.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include "cpu/profile.h"
#include "cpu/protect.h"

struct out {
    const struct cpu *c;
    const struct cpu_profile *p;
    const struct cpu_profile_report *to;
};

static void say(const struct out *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(const struct out *o, const char *format, ...)
{
    char text[160];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    o->to->line(o->to->ctx, text);
}

static double percent(uint64_t part, uint64_t whole)
{
    return whole ? 100.0 * (double)part / (double)whole : 0;
}

static uint64_t sum(const uint64_t *numbers, size_t n)
{
    uint64_t total = 0;
    while (n--) total += numbers[n];
    return total;
}

/* One row: share, count, what; nothing where nothing was. */
static void row(const struct out *o, uint64_t count, uint64_t whole, const char *what)
{
    if (count) say(o, "  %6.2f %% %15" PRIu64 "  %s", percent(count, whole), count, what);
}

/* ---- handlers -------------------------------------------------------------------------------- */
static int more_frequent(const void *a, const void *b)
{
    const struct profile_handler *x = *(struct profile_handler *const *)a,
                                 *y = *(struct profile_handler *const *)b;
    if (x->count != y->count) return x->count < y->count ? 1 : -1;
    return strcmp(x->name, y->name);
}

/* All of them, most frequent first, in memory that the caller frees; NULL: out of memory. */
static const struct profile_handler **sorted(const struct cpu_profile *p, size_t *n)
{
    size_t room = 1;
    for (unsigned k = 0; k < PROFILE_BUCKETS; k++)
        for (const struct profile_handler *h = p->handlers[k]; h; h = h->next) room++;
    const struct profile_handler **all = malloc(room * sizeof *all);
    *n = 0;
    if (!all) return NULL;
    for (unsigned k = 0; k < PROFILE_BUCKETS; k++)
        for (const struct profile_handler *h = p->handlers[k]; h; h = h->next) all[(*n)++] = h;
    all[(*n)++] = &p->lost;
    qsort(all, *n, sizeof *all, more_frequent);
    return all;
}

static void handlers(const struct out *o, const struct profile_handler *const *all, size_t n)
{
    uint64_t total = 0, rest = 0;
    size_t shown = o->to->handlers && o->to->handlers < n ? o->to->handlers : n;
    for (size_t k = 0; k < n; k++) total += all[k]->count;
    say(o, "Handlers, %" PRIu64 " calls", total);
    for (size_t k = 0; k < shown; k++) row(o, all[k]->count, total, all[k]->name);
    for (size_t k = shown; k < n; k++) rest += all[k]->count;
    row(o, rest, total, "all others");
}

/* ---- traces ---------------------------------------------------------------------------------- */
/* Lengths in groups that grow. */
static void lengths(const struct out *o, uint64_t entered)
{
    static const unsigned from[] = { 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 40, 48, TRACE_MAX + 1 };
    for (size_t k = 0; k + 1 < COUNT_OF(from); k++) {
        uint64_t built = sum(o->p->built + from[k], from[k + 1] - from[k]);
        uint64_t runs = sum(o->p->entered + from[k], from[k + 1] - from[k]);
        if (built)
            say(o, "  %6.2f %% %15" PRIu64 " %10" PRIu64 "  %2u to %2u instructions",
                percent(runs, entered), runs, built, from[k], from[k + 1] - 1);
    }
}

static void traces(const struct out *o)
{
    const struct cpu_profile *p = o->p;
    const struct traces *t = o->c->traces;
    uint64_t built_long = sum(p->built, COUNT_OF(p->built)),
             built = built_long + p->built_plain + p->built_stop;
    uint64_t entered = sum(p->entered, COUNT_OF(p->entered)) + p->entered_plain + p->entered_stop;
    say(o, "Traces: %" PRIu64 " runs of %" PRIu64 " built (each %.1f times); %" PRIu64
        " dropped by stores, all forgotten %" PRIu64 " times", entered, built,
        built ? (double)entered / (double)built : 0, t->killed, t->flushed);
    say(o, "                  runs      built");
    lengths(o, entered);
    say(o, "  %6.2f %% %15" PRIu64 " %10" PRIu64 "  plain: code that is new, or was written to",
        percent(p->entered_plain, entered), p->entered_plain, p->built_plain);
    say(o, "  %6.2f %% %15" PRIu64 " %10" PRIu64 "  cut short for an exact stop",
        percent(p->entered_stop, entered), p->entered_stop, p->built_stop);
}

static void exits(const struct out *o)
{
    static const char *const text[EXIT_COUNT] = {
        [EXIT_NO_TRACE] = "the target has no long trace (yet)",
        [EXIT_INSN] = "an instruction that ends its trace, or a target not found by look-up",
        [EXIT_NO_LINK] = "a branch has no link (yet)",
        [EXIT_DUE] = "a timer or an event is due, or the end of a slice",
        [EXIT_SLICE] = "in front of an exact stop",
        [EXIT_INTERRUPT] = "an interrupt",
        [EXIT_ATTENTION] = "flags, lines or modes changed: something may wait",
        [EXIT_SELF_MODIFIED] = "a trace has written to itself",
        [EXIT_REMAP] = "the memory map changed",
        [EXIT_FAULT] = "a fault",
        [EXIT_STEP] = "single step (TF), or behind STI and MOV SS",
        [EXIT_HALT] = "HLT",
        [EXIT_SHUTDOWN] = "shutdown",
    };
    uint64_t total = sum(o->p->exits, EXIT_COUNT);
    say(o, "Exits to the run loop: %" PRIu64, total);
    for (unsigned k = 0; k < EXIT_COUNT; k++) row(o, o->p->exits[k], total, text[k]);
}

/* ---- memory ---------------------------------------------------------------------------------- */
static void misses(const struct out *o, uint64_t operands)
{
    static const char *const what[3] = { "loads", "stores", "fetches" };
    uint64_t total = sum(&o->p->misses[0][0], 6), data = sum(&o->p->misses[0][0], 4);
    say(o, "TLB: %" PRIu64 " instructions with memory operands, %" PRIu64 " misses (%.3f %%); %"
        PRIu64 " page walks", operands, data, percent(data, operands), o->p->walks);
    for (unsigned access = 0; access < 3; access++)
        for (unsigned user = 0; user < 2; user++) {
            char text[40];
            snprintf(text, sizeof text, "misses of %s, %s", what[access],
                     user ? "user" : "supervisor");
            row(o, o->p->misses[access][user], total, text);
        }
}

static void slow(const struct out *o)
{
    static const char *const text[SLOW_COUNT] = {
        [SLOW_MISS] = "TLB miss", [SLOW_CROSSING] = "crosses a page's end",
        [SLOW_DEVICE] = "device or ROM", [SLOW_CODE] = "page with code",
        [SLOW_CLEAN] = "first store to a clean page",
        [SLOW_OTHER] = "misaligned, descriptor table, breakpoint",
    };
    uint64_t total = sum(&o->p->slow[0][0], 2 * SLOW_COUNT);
    say(o, "Loads and stores on the slow path: %" PRIu64, total);
    for (unsigned store = 0; store < 2; store++)
        for (unsigned k = 0; k < SLOW_COUNT; k++) {
            char line[80];
            snprintf(line, sizeof line, "%s: %s", store ? "store" : "load", text[k]);
            row(o, o->p->slow[store][k], total, line);
        }
}

/* ---- devices --------------------------------------------------------------------------------- */
struct finder { uint64_t page; const char *name; };
static void find_region(void *ctx, const struct region_info *r)
{
    struct finder *f = ctx;
    if (!f->name && r->enabled && r->kind != REGION_RAM && f->page - r->base < r->len)
        f->name = r->name;
}
static const char *region_at(const struct out *o, uint64_t page)
{
    struct finder f = { page, NULL };
    memory_list_regions(o->c->memory, find_region, &f);
    return f.name ? f.name : "nobody";
}

/* All pages that belong to the one that `first` does, if it is the first of them. */
static struct profile_page device_sum(const struct out *o, const struct profile_page *first,
                                      const char *name)
{
    struct profile_page all = { first->page, 0, 0 };
    for (const struct profile_page *at = o->p->pages; at < o->p->pages + PROFILE_PAGES; at++) {
        if (!(at->loads | at->stores) || strcmp(region_at(o, at->page), name)) continue;
        if (at < first) return (struct profile_page){ 0 };
        all.loads += at->loads;
        all.stores += at->stores;
    }
    return all;
}

static void device_pages(const struct out *o)
{
    const struct cpu_profile *p = o->p;
    say(o, "Memory-mapped devices     loads          stores");
    for (const struct profile_page *at = p->pages; at < p->pages + PROFILE_PAGES; at++) {
        const char *name = region_at(o, at->page);
        struct profile_page all = device_sum(o, at, name);
        if (all.loads | all.stores)
            say(o, "  %08" PRIX64 " %15" PRIu64 " %15" PRIu64 "  %s", all.page, all.loads,
                all.stores, name);
    }
    if (p->other_pages.loads | p->other_pages.stores)
        say(o, "  others   %15" PRIu64 " %15" PRIu64, p->other_pages.loads, p->other_pages.stores);
}

/* A device's ports that follow each other are one row. */
static void ports(const struct out *o)
{
    say(o, "Ports                     reads          writes   in runs (INS, OUTS)");
    for (unsigned first = 0, end; first < 0x10000; first = end) {
        const char *owner = o->to->port_owner ? o->to->port_owner(o->to->ctx, (uint16_t)first)
                                              : NULL;
        struct profile_port all = o->p->ports[first];
        for (end = first + 1; owner && end < 0x10000; end++) {
            const char *next = o->to->port_owner(o->to->ctx, (uint16_t)end);
            if (!next || strcmp(next, owner)) break;
            all.reads += o->p->ports[end].reads;
            all.writes += o->p->ports[end].writes;
            all.runs += o->p->ports[end].runs;
        }
        if (all.reads | all.writes | all.runs)
            say(o, "  %04X-%04X%15" PRIu64 " %15" PRIu64 " %15" PRIu64 "  %s", first, end - 1,
                all.reads, all.writes, all.runs, owner ? owner : "nobody");
    }
}

static void interrupts(const struct out *o)
{
    static const char *const kinds[] = { [INT_EXTERNAL] = "interrupt", [INT_SOFTWARE] = "INT",
                                         [INT_FAULT] = "exception",
                                         [INT_BREAKPOINT] = "INT1, INT3, INTO" };
    uint64_t total = sum(&o->p->interrupts[0][0], 4 * 256);
    say(o, "Interrupts and exceptions: %" PRIu64, total);
    for (unsigned kind = 0; kind < COUNT_OF(kinds); kind++)
        for (unsigned vector = 0; vector < 256; vector++) {
            char text[80];
            const char *name = kind == INT_FAULT ? fault_name((uint8_t)vector) : "";
            snprintf(text, sizeof text, "%s %02Xh%s%s", kinds[kind], vector, *name ? " " : "",
                     name);
            row(o, o->p->interrupts[kind][vector], total, text);
        }
}

bool cpu_profile_print(const struct cpu *c, const struct cpu_profile_report *to)
{
    struct out o = { c, c->profile, to };
    size_t n;
    uint64_t operands = 0;
    if (!c->profile) return false;
    const struct profile_handler **all = sorted(c->profile, &n);
    if (!all) return false;
    for (size_t k = 0; k < n; k++) operands += all[k]->memory ? all[k]->count : 0;
    say(&o, "Profile of %" PRIu64 " instructions; ticks %" PRIu64 ", of them %.1f %% in HLT",
        cpu_retired(c), cpu_ticks(c), percent(c->skipped, cpu_ticks(c)));
    handlers(&o, all, n);
    free(all);
    traces(&o);
    exits(&o);
    misses(&o, operands);
    slow(&o);
    interrupts(&o);
    ports(&o);
    device_pages(&o);
    return true;
}
