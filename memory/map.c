/* SPDX-License-Identifier: MIT
 * The map: which region, or main RAM, answers in each page; rebuilding pages after a change.
 */
#include <stdlib.h>
#include "memory/map.h"

/* Where ROMs and the video window sit over RAM: not RAM until memory_shadow() says so. */
#define HOLE_FIRST 0xA0000u
#define HOLE_END   0x100000u

static bool covers(const struct region *r, uint64_t paddr)
{
    return r->enabled && paddr >= r->base && paddr - r->base < r->len;
}

static struct region *top_region(const struct memory *m, uint64_t paddr)
{
    struct region *r = m->regions;
    while (r && !covers(r, paddr)) r = r->next;
    return r;
}

static bool is_dirty(const uint64_t *bitmap, uint64_t n)
{
    return bitmap[n / 64] >> (n % 64) & 1;
}

static uint8_t *ram_page(const struct memory *m, uint64_t paddr)
{
    return paddr < m->ram_size ? m->ram + paddr : NULL;
}

static uint8_t default_shadow(uint64_t paddr)
{
    return paddr >= HOLE_FIRST && paddr < HOLE_END ? SHADOW_SPLIT : 0;
}

/* paddr: start of a page. */
static struct page resolve(const struct memory *m, uint64_t paddr, uint8_t shadow)
{
    struct page p = { .shadow = shadow };
    struct region *r = top_region(m, paddr);
    uint8_t *ram = ram_page(m, paddr);
    if (r && r->host) {
        p.read = r->host + (paddr - r->base);
        if (r->kind == REGION_RAM) p.write = p.read;
    }
    bool ram_on_top = !(shadow & SHADOW_SPLIT) && (!r || r->priority < 0);
    if (ram && (ram_on_top || shadow & SHADOW_READ)) p.read = ram;
    if (ram && (ram_on_top || shadow & SHADOW_WRITE)) p.write = ram;
    if (!(ram && ram_on_top)) p.owner = r;
    if (p.write && p.write == ram)
        p.clean = !is_dirty(m->ram_dirty, paddr >> PAGE_BITS);
    else if (p.write)
        p.clean = !is_dirty(r->dirty, (paddr - r->base) >> PAGE_BITS);
    return p;
}

struct page *map_build(struct memory *m, uint64_t paddr)
{
    if (paddr >= MAP_END) return NULL;
    struct page_block **block = &m->block[paddr >> BLOCK_BITS];
    if (!*block) {
        *block = calloc(1, sizeof **block);
        if (!*block) return NULL;
        uint64_t first = paddr >> BLOCK_BITS << BLOCK_BITS;
        for (unsigned i = 0; i < BLOCK_PAGES; i++) {
            uint64_t at = first + ((uint64_t)i << PAGE_BITS);
            (*block)->page[i] = resolve(m, at, default_shadow(at));
        }
    }
    return &(*block)->page[paddr >> PAGE_BITS & (BLOCK_PAGES - 1)];
}

struct page map_look(const struct memory *m, uint64_t paddr)
{
    if (paddr >= MAP_END) return (struct page){ 0 };
    const struct page_block *block = m->block[paddr >> BLOCK_BITS];
    if (block) return block->page[paddr >> PAGE_BITS & (BLOCK_PAGES - 1)];
    paddr &= ~(uint64_t)(PAGE_SIZE - 1);
    return resolve(m, paddr, default_shadow(paddr));
}

/* Recomputes one page. A page keeps its code bit: it says what the watcher knows of this
 * address, and the watcher forgets the whole range in remapped(). */
static bool refresh(const struct memory *m, struct page *p, uint64_t paddr)
{
    struct page now = resolve(m, paddr, p->shadow);
    now.code = p->code;
    bool changed = now.read != p->read || now.write != p->write || now.owner != p->owner;
    *p = now;
    return changed;
}

static bool rebuild(struct memory *m, uint64_t base, uint64_t len)
{
    bool changed = false;
    if (base >= MAP_END) return false;
    uint64_t end = len < MAP_END - base ? base + len : MAP_END;
    for (uint64_t at = base; at < end;) {
        struct page_block *block = m->block[at >> BLOCK_BITS];
        if (!block) {
            at = ((at >> BLOCK_BITS) + 1) << BLOCK_BITS;
            continue;
        }
        changed |= refresh(m, &block->page[at >> PAGE_BITS & (BLOCK_PAGES - 1)], at);
        at += PAGE_SIZE;
    }
    return changed;
}

static void tell_remapped(struct memory *m, bool changed, uint64_t base, uint64_t len)
{
    if (changed && m->watcher.remapped) m->watcher.remapped(m->watcher.ctx, base, len);
}

static void insert(struct memory *m, struct region *r)
{
    struct region **p = &m->regions;
    while (*p && (*p)->priority > r->priority) p = &(*p)->next;
    r->next = *p;
    *p = r;
}

static bool aligned(const struct memory *m, const char *name, uint64_t base, uint64_t len)
{
    if (len && !((base | len) & (PAGE_SIZE - 1)) && base <= UINT64_MAX - len) return true;
    log_line(m->log, "memory", LOG_ERROR, "region %s at 0x%llx, %llu bytes: not in whole pages",
             name, (unsigned long long)base, (unsigned long long)len);
    return false;
}

static struct region *add(struct memory *m, struct region region)
{
    if (!aligned(m, region.name, region.base, region.len)) return NULL;
    struct region *r = malloc(sizeof *r);
    if (!r) return NULL;
    *r = region;
    r->enabled = true;
    if (r->kind == REGION_RAM) {
        size_t words = (size_t)((r->len >> PAGE_BITS) + 63) / 64;
        r->dirty = malloc(words * sizeof *r->dirty);
        if (!r->dirty) {
            free(r);
            return NULL;
        }
        memset(r->dirty, 0xFF, words * sizeof *r->dirty);   /* new: all of it is news */
    }
    insert(m, r);
    tell_remapped(m, rebuild(m, r->base, r->len), r->base, r->len);
    return r;
}

struct region *memory_map_host(struct memory *m, const char *name, enum region_kind kind,
                               int priority, uint64_t base, uint64_t len, uint8_t *host)
{
    if (!host || kind == REGION_MMIO) return NULL;
    return add(m, (struct region){ .name = name, .kind = kind, .priority = priority,
                                   .base = base, .len = len, .host = host });
}

struct region *memory_map_io(struct memory *m, const char *name, int priority, uint64_t base,
                             uint64_t len, struct device *dev, const struct io_ops *ops)
{
    if (!ops) return NULL;
    return add(m, (struct region){ .name = name, .kind = REGION_MMIO, .priority = priority,
                                   .base = base, .len = len, .dev = dev, .ops = ops });
}

void memory_move(struct memory *m, struct region *r, uint64_t base)
{
    uint64_t old = r->base;
    if (base == old || !aligned(m, r->name, base, r->len)) return;
    r->base = base;
    tell_remapped(m, rebuild(m, old, r->len), old, r->len);
    tell_remapped(m, rebuild(m, base, r->len), base, r->len);
}

void memory_enable(struct memory *m, struct region *r, bool on)
{
    if (r->enabled == on) return;
    r->enabled = on;
    tell_remapped(m, rebuild(m, r->base, r->len), r->base, r->len);
}

void memory_unmap(struct memory *m, struct region *r)
{
    if (!r) return;
    memory_enable(m, r, false);
    for (struct region **p = &m->regions; *p; p = &(*p)->next)
        if (*p == r) {
            *p = r->next;
            break;
        }
    free(r->dirty);
    free(r);
}

void memory_shadow(struct memory *m, uint64_t base, uint64_t len, bool read_ram, bool write_ram)
{
    bool changed = false;
    if (!aligned(m, "shadow", base, len)) return;
    for (uint64_t at = base; at < base + len && at < m->ram_size; at += PAGE_SIZE) {
        struct page *p = map_find(m, at);
        if (!p) break;
        p->shadow = (uint8_t)(SHADOW_SPLIT | (read_ram ? SHADOW_READ : 0) |
                              (write_ram ? SHADOW_WRITE : 0));
        changed |= refresh(m, p, at);
    }
    tell_remapped(m, changed, base, len);
}

void memory_list_regions(const struct memory *m,
                         void (*each)(void *ctx, const struct region_info *),
                         void *ctx)
{
    for (const struct region *r = m->regions; r; r = r->next)
        each(ctx, &(struct region_info){ r->name, r->kind, r->priority, r->enabled, r->base,
            r->len });
}
