/* SPDX-License-Identifier: MIT
 * The machine around random code: ports, device memory, a ROM, and events.
 */
#include "tests/fuzz/code_world.h"

static uint64_t note(struct machine *m, uint64_t what, uint64_t value)
{
    struct rng mix = {m->seen ^ what * 0x100000001B3ull ^ value ^ cpu_ticks(m->cpu) << 20};
    return m->seen = rnd64(&mix);
}

static uint32_t port_in(void *ctx, uint16_t port, enum width size)
{
    return (uint32_t)note(ctx, port, size) & (size == DWORD ? ~0u : (1u << 8 * size) - 1);
}

/* Writes to ports make lines move, stop the run, and change the code that is running. */
static void port_out(void *ctx, uint16_t port, uint32_t value, enum width size)
{
    struct machine *m = ctx;
    uint64_t mixed = note(m, port | (uint32_t)size << 16, value);
    if (port & 8) machine_event(m, mixed % EVENT_RESET, mixed >> 8);
    else if (port & 4) cpu_request_stop(m->cpu);
    else if (port & 2) cpu_run_shorter(m->cpu, cpu_ticks(m->cpu) + mixed % 16);
}

static uint8_t acknowledge(void *ctx)
{
    struct machine *m = ctx;
    cpu_line(m->cpu, CPU_INTR, false);
    return (uint8_t)note(m, 1 << 20, 0);
}

static struct machine *machine_of(struct device *d)
{
    return (struct machine *)(void *)d;
}
/* Always the same: code may be fetched from here, and how often is nobody's business. */
static uint32_t mmio_read(struct device *d, uint32_t offset, enum width size)
{
    struct rng mix = {offset};
    (void)d;
    return (uint32_t)rnd64(&mix) & (size == DWORD ? ~0u : (1u << 8 * size) - 1);
}
static void mmio_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    struct machine *m = machine_of(d);
    uint64_t mixed = note(m, offset | (uint64_t)size << 40, value);
    if (!(mixed & 0x1F00)) machine_event(m, mixed % EVENT_RESET, mixed >> 13);
}

void machine_event(struct machine *m, enum event_kind kind, uint64_t value)
{
    uint64_t at = WORLD_CODE + value % WORLD_CODE_LEN;
    switch (kind) {
    case EVENT_INTR: cpu_line(m->cpu, CPU_INTR, true); break;
    case EVENT_NMI:
        cpu_line(m->cpu, CPU_NMI, true);
        cpu_line(m->cpu, CPU_NMI, false);
        break;
    case EVENT_A20: cpu_line(m->cpu, CPU_A20, m->a20 = !m->a20); break;
    case EVENT_DMA: memory_write(m->memory, at, value >> 16, QWORD); break;
    case EVENT_ROM: memory_enable(m->memory, m->rom_region, m->rom_on = !m->rom_on); break;
    case EVENT_RESET:
        if (value & 7) break;
        cpu_line(m->cpu, CPU_RESET, true);
        cpu_line(m->cpu, CPU_RESET, false);
        break;
    default: break;
    }
}

bool machine_open(struct machine *m, const char *model)
{
    static const struct io_ops ops = {
        .read = mmio_read, .write = mmio_write, .widths = BYTE | WORD | DWORD};
    const struct cpu_bus bus = {port_in, port_out, acknowledge, m, NULL, NULL};
    const struct cpu_config config = {.model = model};
    *m = (struct machine){.memory = memory_new(WORLD_RAM, NULL), .a20 = true, .rom_on = true};
    if (!m->memory) return false;
    memory_map_io(m->memory, "mmio", 1, WORLD_MMIO, 4 * PAGE_SIZE, (struct device *)(void *)m,
                  &ops);
    m->rom_region =
        memory_map_host(m->memory, "rom", REGION_ROM, 1, WORLD_ROM, sizeof m->rom, m->rom);
    m->cpu = cpu_new(&config, m->memory, &bus, NULL);
    return m->rom_region && m->cpu;
}

void machine_close(struct machine *m)
{
    cpu_free(m->cpu);
    memory_free(m->memory);
}

void machine_load(struct machine *m, const struct world *w)
{
    if (!m->a20) machine_event(m, EVENT_A20, 0);
    if (!m->rom_on) machine_event(m, EVENT_ROM, 0);
    cpu_line(m->cpu, CPU_INTR, false);
    cpu_reset(m->cpu, true);
    memcpy(m->rom, w->rom, sizeof m->rom);
    memory_copy_to(m->memory, 0, w->ram, WORLD_MMIO);
    memory_copy_to(m->memory, 1 << 20, w->ram + (1 << 20), WORLD_RAM - (1 << 20));
    cpu_set_regs(m->cpu, &w->regs);
    m->seen = 0;
}
