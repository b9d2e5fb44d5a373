/* SPDX-License-Identifier: MIT
 * The physical address space: RAM, ROM, memory-mapped devices, shadowing, dirty and code pages.
 *
 *   4 GiB  +-----------+  BIOS ROM (last 128-256 KiB)
 *          | PCI hole  |  BARs: VGA linear framebuffer, ...
 *   ram    +-----------+
 *          | RAM       |
 *   1 MiB  +-----------+
 *   0xC0000| ROM / shadow RAM in 16 KiB (PAM) segments
 *   0xA0000| VGA window
 *   0      +-----------+
 *
 * Everything is kept per 4 KiB page: a page is host memory (RAM, ROM, video RAM) or a device.
 * Regions overlap by priority; later changes of a region rebuild the pages that it touches and
 * tell the watcher (the CPU), which then forgets what it cached. All addresses and lengths are
 * 64-bit byte counts. A20 is the CPU's business: addresses arriving here are final.
 */
#pragma once
#include "base/base.h"
#include "base/io.h"
#include "base/log.h"

#define PAGE_SIZE 4096u
#define PAGE_BITS 12

struct memory;
struct region;

/* NULL: out of memory; RAM is zeroed */
struct memory *memory_new(uint64_t ram_bytes, struct log *);
void     memory_free(struct memory *);
uint64_t memory_ram_size(const struct memory *);

/* ---- building the map (iodev, bios) ---------------------------------------------------------- */
enum region_kind {
    REGION_ROM,        /* host memory, guest writes are ignored (or go to shadow RAM) */
    REGION_RAM,        /* host memory of a device, e.g. video RAM; writes are tracked */
    REGION_MMIO,       /* io_ops */
};
/* priority: a higher one hides a lower one; main RAM has 0. len is a multiple of 4096 and base
 * is 4096-aligned. host memory belongs to the caller and must outlive the region.
 * Returns NULL when out of memory or misaligned. */
struct region *memory_map_host(struct memory *, const char *name, enum region_kind, int priority,
                               uint64_t base, uint64_t len, uint8_t *host);
struct region *memory_map_io(struct memory *, const char *name, int priority, uint64_t base,
                             uint64_t len, struct device *, const struct io_ops *);
void memory_move(struct memory *, struct region *, uint64_t base);
void memory_enable(struct memory *, struct region *, bool on);
void memory_unmap(struct memory *, struct region *);

/* PAM: where reads and writes of [base, base+len) go: RAM, or what lies over it (ROM, bus).
 * Default is false, false for 0xA0000-0xFFFFF: the regions and open bus. 4096-aligned. */
void memory_shadow(struct memory *, uint64_t base, uint64_t len, bool read_ram, bool write_ram);

/* All regions, the one in front first: `info mtree` in the debugger. */
struct region_info {
    const char *name;
    enum region_kind kind;
    int priority;
    bool enabled;
    uint64_t base, len;
};
void memory_list_regions(const struct memory *,
                         void (*each)(void *ctx, const struct region_info *), void *ctx);

/* ---- access by value: devices' DMA, debugger, firmware loader -------------------------------- */
/* memory_read/write: one access of 1, 2, 4 or 8 bytes, little-endian, any alignment, may hit
 * MMIO (split at page ends and per io_ops.widths). Unclaimed: all ones. */
uint64_t memory_read(struct memory *, uint64_t paddr, enum width);
void     memory_write(struct memory *, uint64_t paddr, uint64_t value, enum width);
/* Block copies that reach RAM (and region RAM/ROM for reads) only, never MMIO. What is not RAM
 * reads as 0xFF and swallows writes. Return the number of bytes that were RAM. */
uint64_t memory_copy_from(struct memory *, void *to, uint64_t paddr, uint64_t len);
uint64_t memory_copy_to(struct memory *, uint64_t paddr, const void *from, uint64_t len);
uint8_t  memory_peek(const struct memory *, uint64_t paddr);   /* no side effects */

/* ---- what the CPU's TLB needs ---------------------------------------------------------------- */
struct memory_page {
    uint8_t *read;     /* host address of the page for loads and fetches; NULL = by memory_read() */
    uint8_t *write;    /* the same for stores; NULL = by memory_write() (MMIO, ROM) */
    bool     code;     /* memory_set_code() was called: stores must be announced */
    bool     clean;    /* not dirty: the first store must call memory_mark_dirty() */
};
struct memory_page memory_page(struct memory *, uint64_t paddr);
void memory_mark_dirty(struct memory *, uint64_t paddr);              /* page of paddr */
void memory_set_code(struct memory *, uint64_t paddr, bool holds_code);

/* Who caches pages. remapped: cached pages of this range may be wrong. written: a device (or
 * memory_copy_to/memory_write) wrote to a page that holds code. cleaned: dirty bits were taken,
 * write permissions must be asked for again. */
struct memory_watcher {
    void (*remapped)(void *ctx, uint64_t base, uint64_t len);
    void (*written)(void *ctx, uint64_t paddr, uint64_t len);
    void (*cleaned)(void *ctx);
    void *ctx;
};
void memory_watch(struct memory *, const struct memory_watcher *);

/* ---- dirty pages (screen refresh, snapshots) ------------------------------------------------- */
/* For a REGION_RAM region: which pages were written since the last call; bit n of bitmap = page n.
 * Clears them and calls cleaned() if there were any. Returns true if there were any. All pages
 * count as written before the first call. region NULL: main RAM. */
bool memory_take_dirty(struct memory *, struct region *, uint64_t *bitmap, size_t words);

/* main RAM as one block: snapshots only (no dirty bits kept) */
uint8_t *memory_ram(struct memory *);

/* 64-bit hash of main RAM; device RAM is hashed by its device's state. */
uint64_t memory_hash(const struct memory *, uint64_t seed);
/* The same hash function for any buffer (not cryptographic; 8 bytes per step). */
uint64_t memory_hash_bytes(uint64_t seed, const void *data, size_t len);
/* Of numbers: as if they lay there least significant byte first, on any host. */
uint64_t memory_hash_words(uint64_t seed, const uint64_t *words, size_t n);
