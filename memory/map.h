/* SPDX-License-Identifier: MIT
 * Private to memory/: the page table of the physical address space and its regions.
 *
 *   paddr  31      22 21      12 11       0
 *         | block    | page     | offset   |     block[1024] -> page[1024]
 *
 * A block (4 MiB) is built when it is first looked at, so a machine that never touches an
 * address pays nothing for it. Everything at and above 4 GiB is open bus.
 */
#pragma once
#include <string.h>
#include "memory/memory.h"

#define BLOCK_BITS  22
#define BLOCK_COUNT 1024u
#define BLOCK_PAGES 1024u
#define MAP_END     ((uint64_t)1 << 32)

/* Who answers in a page that memory_shadow() has been called for. Without SHADOW_SPLIT main RAM
 * simply has priority 0. */
enum { SHADOW_SPLIT = 1, SHADOW_READ = 2, SHADOW_WRITE = 4 };

struct page {
    uint8_t *read, *write;             /* host addresses as in struct memory_page          */
    struct region *owner;              /* the visible region; NULL: main RAM or open bus   */
    bool    code, clean;
    uint8_t shadow;
};

struct page_block {
    struct page page[BLOCK_PAGES];
};

struct region {
    const char *name;
    enum region_kind kind;
    int      priority;
    bool     enabled;
    uint64_t base, len;
    uint8_t *host;
    struct device *dev;
    const struct io_ops *ops;
    uint64_t *dirty;                   /* REGION_RAM: bit n = page n was written           */
    struct region *next;               /* highest priority first; of equals, newest first  */
};

struct memory {
    struct page_block *block[BLOCK_COUNT];
    uint8_t  *ram;
    uint64_t  ram_size;
    uint64_t *ram_dirty;
    struct region *regions;
    struct memory_watcher watcher;
    struct log *log;
};

/* The page of paddr, its block built if needed. NULL: above 4 GiB, or out of memory. */
struct page *map_build(struct memory *, uint64_t paddr);

static inline struct page *map_find(struct memory *m, uint64_t paddr)
{
    if (unlikely(paddr >= MAP_END)) return NULL;
    struct page_block *block = m->block[paddr >> BLOCK_BITS];
    if (unlikely(!block)) return map_build(m, paddr);
    return &block->page[paddr >> PAGE_BITS & (BLOCK_PAGES - 1)];
}

/* What map_find() would show, for readers that must not change anything. */
struct page map_look(const struct memory *, uint64_t paddr);

/* The page takes a store of any kind: keeps its dirty bit, tells the watcher about code. */
void map_stored(struct memory *, struct page *, uint64_t paddr, uint64_t len);

/* Little-endian integers of 1-8 bytes, any alignment, any host. */
static inline uint64_t load_le(const uint8_t *from, unsigned bytes)
{
    uint64_t value = 0;
    memcpy(&value, from, bytes);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static inline void store_le(uint8_t *to, uint64_t value, unsigned bytes)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    memcpy(to, &value, bytes);
}
