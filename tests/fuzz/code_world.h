/* SPDX-License-Identifier: MIT
 * A small world for random code: memory full of it, tables that make sense often enough, and a CPU
 * with three callbacks that do surprising things. The same seed gives the same world.
 */
#pragma once
#include <string.h>
#include "cpu/cpu.h"

struct rng {
    uint64_t state;
};
static inline uint64_t rnd64(struct rng *r) /* splitmix64 */
{
    uint64_t z = r->state += 0x9E3779B97F4A7C15ull;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ z >> 27) * 0x94D049BB133111EBull;
    return z ^ z >> 31;
}
static inline uint32_t rnd(struct rng *r, uint32_t below)
{
    return (uint32_t)(rnd64(r) >> 32) % below;
}

enum code_kind {
    CODE_REAL,
    CODE_PROT16,
    CODE_PROT32,
    CODE_VM86,
    CODE_PAGED,
    CODE_PAE,
    CODE_LONG,
    CODE_KINDS
};
extern const char *const code_kind_names[CODE_KINDS];

enum {
    WORLD_RAM = 0x120000,
    WORLD_MMIO = 0xA0000,
    WORLD_ROM = 0xC0000,
    WORLD_CODE = 0x10000,
    WORLD_CODE_LEN = 0x8000
};

/* What a case starts from. */
struct world {
    enum code_kind kind;
    struct cpu_regs regs;
    uint8_t ram[WORLD_RAM], rom[4 * PAGE_SIZE];
};
/* regs: those of a CPU after reset. */
void world_make(struct world *, enum code_kind, struct rng *, const struct cpu_regs *reset);

/* A CPU in such a world. seen: a hash of everything that went over the bus, with the time. */
struct machine {
    struct memory *memory;
    struct cpu *cpu;
    struct region *rom_region;
    uint8_t rom[4 * PAGE_SIZE];
    uint64_t seen, inputs;
    bool a20, rom_on;
};
bool machine_open(struct machine *, const char *model);
void machine_close(struct machine *);
void machine_load(struct machine *, const struct world *);

/* Things that happen between instructions. */
enum event_kind {
    EVENT_INTR,
    EVENT_NMI,
    EVENT_A20,
    EVENT_DMA,
    EVENT_ROM,
    EVENT_RESET,
    EVENT_NONE,
    EVENT_KINDS
};
void machine_event(struct machine *, enum event_kind, uint64_t value);
