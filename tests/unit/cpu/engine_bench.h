/* SPDX-License-Identifier: MIT
 * For tests of the engine: a processor whose ports and memory are a device that calls back.
 */
#pragma once
#include "tests/unit/cpu/bench_cpu.h"

enum { MMIO = 0x800000 };

/* A bench whose port callbacks are the test's own. */
struct rig {
    struct bench *b;
    void (*on_out)(struct rig *, uint16_t port, uint32_t value);
    uint64_t seen[64];             /* cpu_ticks() at each call */
    unsigned calls;
    uint64_t delay;
};
static inline uint32_t rig_in(void *ctx, uint16_t port, enum width size)
{
    struct rig *r = ctx;
    (void)port;
    (void)size;
    r->seen[r->calls++ % 64] = cpu_ticks(r->b->cpu);
    return 0;
}
static inline void rig_out(void *ctx, uint16_t port, uint32_t value, enum width size)
{
    struct rig *r = ctx;
    (void)size;
    r->seen[r->calls++ % 64] = cpu_ticks(r->b->cpu);
    if (r->on_out) r->on_out(r, port, value);
}
static inline uint8_t rig_acknowledge(void *ctx)
{
    struct rig *r = ctx;
    r->b->acknowledged++;
    cpu_line(r->b->cpu, CPU_INTR, false);
    return 0x40;
}
static inline struct rig *rig_new(struct bench *b)
{
    struct rig *r = calloc(1, sizeof *r);
    struct cpu_bus bus = { rig_in, rig_out, rig_acknowledge, r, NULL, NULL };
    ck_assert_ptr_nonnull(r);
    cpu_free(b->cpu);
    b->cpu = cpu_new(NULL, b->memory, &bus, NULL);
    ck_assert_ptr_nonnull(b->cpu);
    r->b = b;
    return r;
}
static inline void rig_free(struct rig *r)
{
    bench_free(r->b);
    free(r);
}
/* The same as a memory-mapped register. */
static inline uint32_t mmio_read(struct device *d, uint32_t offset, enum width size)
{
    return rig_in((struct rig *)(void *)d, (uint16_t)offset, size);
}
static inline void mmio_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    rig_out((struct rig *)(void *)d, (uint16_t)offset, value, size);
}
static const struct io_ops mmio_ops = { mmio_read, mmio_write, NULL, BYTE | WORD | DWORD };
static inline void rig_map(struct rig *r)
{
    struct device *d = (struct device *)(void *)r;
    ck_assert_ptr_nonnull(memory_map_io(r->b->memory, "test", 1, MMIO, PAGE_SIZE, d, &mmio_ops));
}
