/* SPDX-License-Identifier: MIT
 * The monitor's `info` and `x`: registers, devices, memory. Nothing here changes the machine.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "debug/monitor.h"
#include "debug/profile.h"
#include "iodev/pci_bus.h"

enum { EXAMINE_MAX = 4096, SHOW_COUNT = 256, PER_LINE = 32 };
enum { PROFILE_HANDLERS = 20, PROFILE_MOST = 100000 };

static bool has_board(struct monitor *m)
{
    if (!m->machine.board) server_print(m->server, "there is no board\n");
    return m->machine.board;
}

static bool has_cpu(struct monitor *m)
{
    if (!m->machine.cpu) server_print(m->server, "there is no processor\n");
    return m->machine.cpu;
}

static void info_status(struct monitor *m, char *const *args, unsigned count)
{
    nanos now = m->machine.now(m->machine.ctx);
    (void)args, (void)count;
    server_print(m->server, "%s, guest time %" PRIu64 ".%09" PRIu64 " s\n",
                 m->machine.stopped(m->machine.ctx) ? "stopped" : "running", now / SECOND,
                 now % SECOND);
    if (m->machine.cpu)
        server_print(m->server, "ticks %" PRIu64 ", instructions %" PRIu64 "%s\n",
                     cpu_ticks(m->machine.cpu), cpu_retired(m->machine.cpu),
                     cpu_is_halted(m->machine.cpu) ? ", halted" : "");
}

/* ---- registers ------------------------------------------------------------------------------- */
static void show_segment(struct monitor *m, const char *name, const struct cpu_segment *s)
{
    server_print(m->server, "%-4s %04x base=%016" PRIx64 " limit=%08" PRIx32 " access=%04x\n", name,
                 s->selector, s->base, s->limit, s->access);
}

static void show_general(struct monitor *m, const struct cpu_regs *r)
{
    static const char *const names[] = { "RAX", "RCX", "RDX", "RBX", "RSP", "RBP", "RSI", "RDI",
                                         "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15" };
    for (unsigned i = 0; i < 16; i++)
        server_print(m->server, "%-3s=%016" PRIx64 "%c", names[i], r->gpr[i],
                     i % 4 == 3 ? '\n' : ' ');
    server_print(m->server, "RIP=%016" PRIx64 " RFL=%08" PRIx64 " CPL=%u\n", r->rip, r->rflags,
                 r->cpl);
}

static void info_registers(struct monitor *m, char *const *args, unsigned count)
{
    static const char *const names[] = { "ES", "CS", "SS", "DS", "FS", "GS" };
    struct cpu_regs r;
    (void)args, (void)count;
    if (!has_cpu(m)) return;
    cpu_get_regs(m->machine.cpu, &r);
    show_general(m, &r);
    for (unsigned i = 0; i < 6; i++) show_segment(m, names[i], &r.seg[i]);
    show_segment(m, "LDT", &r.ldtr);
    show_segment(m, "TR", &r.tr);
    server_print(m->server, "GDT  %016" PRIx64 " %04x\nIDT  %016" PRIx64 " %04x\n", r.gdt_base,
                 r.gdt_limit, r.idt_base, r.idt_limit);
    server_print(m->server, "CR0=%08" PRIx64 " CR2=%016" PRIx64 " CR3=%016" PRIx64 " CR4=%08" PRIx64
                 " EFER=%04" PRIx64 "\n", r.cr0, r.cr2, r.cr3, r.cr4, r.efer);
    for (unsigned i = 0; i < 8; i++)
        if (i < 4 || i > 5)
            server_print(m->server, "DR%u=%016" PRIx64 "%c", i, r.dr[i], i == 7 ? '\n' : ' ');
    server_print(m->server, "STAR=%016" PRIx64 " LSTAR=%016" PRIx64 " CSTAR=%016" PRIx64
                 " SFMASK=%08" PRIx64 " KERNEL_GS=%016" PRIx64 "\n", r.star, r.lstar, r.cstar,
                 r.sfmask, r.kernel_gs_base);
    server_print(m->server, "SYSENTER CS=%04" PRIx64 " ESP=%016" PRIx64 " EIP=%016" PRIx64 "\n",
                 r.sysenter_cs, r.sysenter_esp, r.sysenter_eip);
    server_print(m->server, "TSC=%" PRIu64 "\n", r.tsc);
}

static void info_fpu(struct monitor *m, char *const *args, unsigned count)
{
    struct cpu_x87 x;
    (void)args, (void)count;
    if (!has_cpu(m)) return;
    cpu_get_x87(m->machine.cpu, &x);
    server_print(m->server, "FCW=%04x FSW=%04x FTW=%04x\n", x.control, x.status, x.tag);
    for (unsigned i = 0; i < 8; i++) {
        server_print(m->server, "ST%u=%02x%02x.", i, x.st[i][9], x.st[i][8]);
        for (unsigned k = 8; k--;) server_print(m->server, "%02x", x.st[i][k]);
        server_print(m->server, "\n");
    }
}

/* ---- devices --------------------------------------------------------------------------------- */
static void info_devices(struct monitor *m, char *const *args, unsigned count)
{
    (void)args, (void)count;
    if (!has_board(m)) return;
    for (const struct device *d = board_devices(m->machine.board); d; d = d->next)
        server_print(m->server, "%-12s %s\n", d->id, d->class->about);
}

static uint64_t value_at(const void *at, unsigned size)
{
    uint64_t v = 0;
    const uint8_t *p = at;
    uint16_t v16;
    uint32_t v32;
    switch (size) {
    case 1: return *p;
    case 2: memcpy(&v16, p, 2); return v16;
    case 4: memcpy(&v32, p, 4); return v32;
    case 8: memcpy(&v, p, 8); return v;
    }
    return 0;
}

static void show_numbers(struct monitor *m, const struct field *f, const char *at)
{
    uint32_t shown = f->count < SHOW_COUNT ? f->count : SHOW_COUNT;
    server_print(m->server, "%s =", f->name);
    if (f->size != 1 && f->size != 2 && f->size != 4 && f->size != 8)
        server_print(m->server, " (%u x %u bytes)", (unsigned)f->count, f->size);
    else
        for (uint32_t i = 0; i < shown; i++)
            server_print(m->server, "%s%0*" PRIx64,
                         i && i * f->size % PER_LINE == 0 ? "\n    " : " ", f->size * 2,
                         value_at(at + (size_t)i * f->size, f->size));
    server_print(m->server, shown < f->count ? " ...\n" : "\n");
}

static void show_field(struct monitor *m, const struct device *d, const struct field *f)
{
    const char *at = (const char *)d + f->at;
    const struct timer *t;
    switch (f->kind) {
    case FIELD_NUMBER: show_numbers(m, f, at); break;
    case FIELD_TIMER_KIND:
        t = (const void *)at;
        if (t->armed) server_print(m->server, "%s: due at %" PRIu64 " ns\n", f->name, t->due);
        else server_print(m->server, "%s: not armed\n", f->name);
        break;
    case FIELD_LINE_KIND:
        server_print(m->server, "%s: %s\n", f->name,
                     ((const struct line *)(const void *)at)->level ? "high" : "low");
        break;
    case FIELD_BUFFER_KIND: server_print(m->server, "%s: a buffer\n", f->name); break;
    }
}

void monitor_info_device(struct monitor *m, const char *id)
{
    if (!has_board(m)) return;
    const struct device *d = board_find(m->machine.board, id);
    if (!d) {
        server_print(m->server,
                     "%.60s: no such thing; info lists what there is, info devices the devices\n",
                     id);
        return;
    }
    server_print(m->server, "%s: %s\n", d->id, d->class->about);
    for (const struct field *f = d->class->state; f && f->name; f++) show_field(m, d, f);
}

static void info_irq(struct monitor *m, char *const *args, unsigned count)
{
    (void)args, (void)count;
    if (!has_board(m)) return;
    for (unsigned i = 0; i < 16; i++)
        if (board_irq_level(m->machine.board, i)) server_print(m->server, "IRQ %u is high\n", i);
    server_print(m->server, "INTR is %s\n",
                 board_wire_level(m->machine.board, WIRE_INTR) ? "high" : "low");
}

static void show_function(struct monitor *m, struct device *bus, unsigned devfn)
{
    uint32_t id = pci_bus_read(bus, devfn, 0, 4);
    if (id == 0xFFFFFFFF) return;
    server_print(m->server, "%02x.%x %04x:%04x class %06x irq %u", devfn >> 3, devfn & 7,
                 (unsigned)(id & 0xFFFF), (unsigned)(id >> 16),
                 (unsigned)(pci_bus_read(bus, devfn, 8, 4) >> 8),
                 (unsigned)pci_bus_read(bus, devfn, 0x3C, 1));
    for (unsigned bar = 0; bar < 6; bar++) {
        uint32_t base = pci_bus_read(bus, devfn, 0x10 + 4 * bar, 4);
        if (base & 1 ? base > 1 : base > 15)
            server_print(m->server, " bar%u=%08x", bar, (unsigned)base);
    }
    server_print(m->server, "\n");
}

static void info_pci(struct monitor *m, char *const *args, unsigned count)
{
    (void)args, (void)count;
    if (!has_board(m)) return;
    struct device *bus = board_find(m->machine.board, "pci");
    if (!bus) server_print(m->server, "there is no PCI bus\n");
    for (unsigned devfn = 0; bus && devfn < 256; devfn++) show_function(m, bus, devfn);
}

static void show_port(struct monitor *m, const char *text)
{
    char *end;
    unsigned long port = strtoul(text, &end, 0);
    if (*end || !*text || *text == '-' || port > 0xFFFF) {
        server_print(m->server, "%.40s: not a port\n", text);
        return;
    }
    const struct device *d = board_port_owner(m->machine.board, (uint16_t)port);
    server_print(m->server, "%04lx = %02x %s\n", port,
                 board_peek_port(m->machine.board, (uint16_t)port), d ? d->id : "nobody");
}

static void info_ports(struct monitor *m, char *const *args, unsigned count)
{
    if (!has_board(m)) return;
    if (count) {
        show_port(m, args[0]);
        return;
    }
    for (unsigned first = 0, end; first < 0x10000; first = end) {
        const struct device *d = board_port_owner(m->machine.board, (uint16_t)first);
        for (end = first + 1; end < 0x10000; end++)
            if (board_port_owner(m->machine.board, (uint16_t)end) != d) break;
        if (d) server_print(m->server, "%04x-%04x %s\n", first, end - 1, d->id);
    }
}

static void show_region(void *monitor, const struct region_info *r)
{
    static const char *const kinds[] = { "rom", "ram", "i/o" };
    struct monitor *m = monitor;
    server_print(m->server, "%012" PRIx64 "-%012" PRIx64 " %s prio %d %s%s\n", r->base,
                 r->base + r->len - 1, kinds[r->kind], r->priority, r->name,
                 r->enabled ? "" : " (off)");
}

static void info_mtree(struct monitor *m, char *const *args, unsigned count)
{
    (void)args, (void)count;
    if (!has_board(m)) return;
    struct memory *memory = board_memory(m->machine.board);
    memory_list_regions(memory, show_region, m);
    server_print(m->server, "RAM: %" PRIu64 " KiB\n", memory_ram_size(memory) / 1024);
}

/* ---- profile --------------------------------------------------------------------------------- */
static void print_line(void *monitor, const char *text)
{
    server_print(((struct monitor *)monitor)->server, "%s\n", text);
}

static void info_profile(struct monitor *m, char *const *args, unsigned count)
{
    char *end = "";
    unsigned long handlers = count ? strtoul(args[0], &end, 10) : PROFILE_HANDLERS;
    if (!has_cpu(m)) return;
    if (*end || handlers > PROFILE_MOST || (count && !*args[0]))
        server_print(m->server, "%.20s: how many handlers? 0 is all of them\n", args[0]);
    else if (!profile_print(m->machine.board, m->machine.cpu, (unsigned)handlers, print_line, m))
        server_print(m->server,
                     "nothing is counted; vitro --profile counts from the first instruction on\n");
}

const struct monitor_command monitor_info[] = {
    { "status", "", "is it running, what time is it", 0, 0, info_status },
    { "registers", "", "the processor", 0, 0, info_registers },
    { "fpu", "", "the x87 unit", 0, 0, info_fpu },
    { "devices", "", "all devices; info NAME shows the state of one", 0, 0, info_devices },
    { "pci", "", "what is on the PCI bus", 0, 0, info_pci },
    { "irq", "", "interrupt requests", 0, 0, info_irq },
    { "mtree", "", "the memory map", 0, 0, info_mtree },
    { "ports", "[PORT]", "who answers where; of one port what is read, without side effects", 0, 1,
      info_ports },
    { "profile", "[COUNT]", "what --profile has counted, with so many handlers (20; 0: all)", 0, 1,
      info_profile },
    { 0 },
};

/* ---- memory ---------------------------------------------------------------------------------- */
struct layout { unsigned count, size; char format; };

/* "/16xb": how many, and letters of QEMU and Bochs in any order. */
static bool parse_layout(const char *text, struct layout *l)
{
    unsigned long count = strtoul(text + 1, (char **)&text, 10);
    if (count) l->count = count > EXAMINE_MAX ? EXAMINE_MAX : (unsigned)count;
    for (; *text; text++) {
        static const char sizes[] = "bhwg";
        const char *size = strchr(sizes, *text);
        if (size) l->size = 1u << (size - sizes);
        else if (strchr("xduoc", *text)) l->format = *text;
        else return false;
    }
    return true;
}

static bool peek(struct monitor *m, uint64_t addr, unsigned size, bool physical, uint64_t *value)
{
    *value = 0;
    for (unsigned i = 0; i < size; i++) {
        uint64_t paddr = addr + i;
        if (!physical && !cpu_translate(m->machine.cpu, addr + i, &paddr)) return false;
        *value |= (uint64_t)memory_peek(board_memory(m->machine.board), paddr) << (8 * i);
    }
    return true;
}

static void show_value(struct monitor *m, uint64_t v, const struct layout *l)
{
    unsigned bits = l->size * 8;
    int64_t s = (int64_t)(v << (64 - bits)) >> (64 - bits);
    switch (l->format) {
    case 'd': server_print(m->server, " %" PRId64, s); break;
    case 'u': server_print(m->server, " %" PRIu64, v); break;
    case 'o': server_print(m->server, " 0%" PRIo64, v); break;
    case 'c': server_print(m->server, " '%c'", v >= ' ' && v < 0x7F ? (char)v : '.'); break;
    default: server_print(m->server, " 0x%0*" PRIx64, (int)l->size * 2, v); break;
    }
}

void monitor_examine(struct monitor *m, char *const *args, unsigned count, bool physical)
{
    struct layout l = { 1, 4, 'x' };
    char *end;
    if (!has_board(m) || (!physical && !has_cpu(m))) return;
    if (count > 1 && (args[0][0] != '/' || !parse_layout(args[0], &l))) {
        server_print(m->server, "%.20s: a count and letters: x d u o c, b h w g\n", args[0]);
        return;
    }
    uint64_t addr = strtoull(args[count - 1], &end, 0), v;
    if (*end || !*args[count - 1]) {
        server_print(m->server, "%.40s: not an address\n", args[count - 1]);
        return;
    }
    unsigned per_line = 16 / l.size;
    for (unsigned i = 0; i < l.count; i++, addr += l.size) {
        if (i % per_line == 0) server_print(m->server, "%s%016" PRIx64 ":", i ? "\n" : "", addr);
        if (!peek(m, addr, l.size, physical, &v)) {
            server_print(m->server, " not mapped");
            break;
        }
        show_value(m, v, &l);
    }
    server_print(m->server, "\n");
}
