/* SPDX-License-Identifier: MIT
 * Main RAM, accesses by value and by block, code and dirty bits.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include "memory/map.h"

/* Above this the chip set decodes PCI devices and ROMs, whatever is fitted. */
#define RAM_LIMIT 0xE0000000u

static size_t bitmap_words(uint64_t bytes)
{
    return (size_t)((bytes >> PAGE_BITS) + 63) / 64;
}

/* Anonymous mappings are zeroed and cost nothing until they are touched. Large pages of the host,
 * where it has some, spare its MMU what the guest's page tables scatter. */
static uint8_t *ram_alloc(uint64_t bytes)
{
    void *ram = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (ram == MAP_FAILED) return NULL;
    (void)madvise(ram, (size_t)bytes, MADV_HUGEPAGE);
    return ram;
}

static uint64_t ram_fit(uint64_t bytes, struct log *log)
{
    if (bytes > RAM_LIMIT) {
        log_line(log, "memory", LOG_WARN,
                 "%llu MiB of RAM do not fit below the PCI hole: 3584 used",
                 (unsigned long long)bytes >> 20);
        bytes = RAM_LIMIT;
    }
    bytes &= ~(uint64_t)(PAGE_SIZE - 1);
    return bytes ? bytes : PAGE_SIZE;
}

struct memory *memory_new(uint64_t ram_bytes, struct log *log)
{
    struct memory *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    m->log = log;
    m->ram_size = ram_fit(ram_bytes, log);
    m->ram = ram_alloc(m->ram_size);
    m->ram_dirty = malloc(bitmap_words(m->ram_size) * sizeof *m->ram_dirty);
    if (!m->ram || !m->ram_dirty) {
        memory_free(m);
        return NULL;
    }
    memset(m->ram_dirty, 0xFF, bitmap_words(m->ram_size) * sizeof *m->ram_dirty);
    return m;
}

void memory_free(struct memory *m)
{
    if (!m) return;
    m->watcher = (struct memory_watcher){ 0 };
    while (m->regions) memory_unmap(m, m->regions);
    for (unsigned i = 0; i < BLOCK_COUNT; i++) free(m->block[i]);
    if (m->ram) munmap(m->ram, (size_t)m->ram_size);
    free(m->ram_dirty);
    free(m);
}

uint64_t memory_ram_size(const struct memory *m) { return m->ram_size; }

void memory_watch(struct memory *m, const struct memory_watcher *w)
{
    m->watcher = w ? *w : (struct memory_watcher){ 0 };
}

/* ---- the TLB's view -------------------------------------------------------------------------- */
struct memory_page memory_page(struct memory *m, uint64_t paddr)
{
    const struct page *p = map_find(m, paddr);
    if (unlikely(!p)) return (struct memory_page){ 0 };
    return (struct memory_page){ p->read, p->write, p->code, p->clean };
}

static bool writes_ram(const struct memory *m, const struct page *p, uint64_t paddr)
{
    return paddr < m->ram_size && p->write == m->ram + (paddr & ~(uint64_t)(PAGE_SIZE - 1));
}

static void set_dirty(struct memory *m, struct page *p, uint64_t paddr)
{
    if (!p->clean) return;
    bool main_ram = writes_ram(m, p, paddr);
    uint64_t *bitmap = main_ram ? m->ram_dirty : p->owner->dirty;
    uint64_t n = (main_ram ? paddr : paddr - p->owner->base) >> PAGE_BITS;
    bitmap[n / 64] |= (uint64_t)1 << (n % 64);
    p->clean = false;
}

void memory_mark_dirty(struct memory *m, uint64_t paddr)
{
    struct page *p = map_find(m, paddr);
    if (p) set_dirty(m, p, paddr);
}

void memory_set_code(struct memory *m, uint64_t paddr, bool holds_code)
{
    struct page *p = map_find(m, paddr);
    if (p) p->code = holds_code;
}

void map_stored(struct memory *m, struct page *p, uint64_t paddr, uint64_t len)
{
    set_dirty(m, p, paddr);
    if (p->code && m->watcher.written) m->watcher.written(m->watcher.ctx, paddr, len);
}

/* ---- by value -------------------------------------------------------------------------------- */
static unsigned left_in_page(uint64_t paddr, unsigned bytes)
{
    unsigned left = PAGE_SIZE - (unsigned)(paddr & (PAGE_SIZE - 1));
    return left < bytes ? left : bytes;
}

static uint64_t ones(unsigned bytes)
{
    return UINT64_MAX >> (64 - 8 * bytes);
}

/* 1-8 bytes inside one page. */
static inline uint64_t read_part(struct memory *m, uint64_t paddr, unsigned bytes)
{
    const struct page *p = map_find(m, paddr);
    if (p && p->read) return load_le(p->read + (paddr & (PAGE_SIZE - 1)), bytes);
    if (!p || !p->owner || !p->owner->ops) return ones(bytes);
    const struct region *r = p->owner;
    uint32_t offset = (uint32_t)(paddr - r->base);
    if (likely(io_takes(r->ops, bytes) && r->ops->read))
        return r->ops->read(r->dev, offset, (enum width)bytes) & ones(bytes);
    if (bytes <= 4) return io_read(r->dev, r->ops, offset, bytes);
    uint64_t low = io_read(r->dev, r->ops, offset, 4);
    return low | (uint64_t)io_read(r->dev, r->ops, offset + 4, bytes - 4) << 32;
}

static inline void write_part(struct memory *m, uint64_t paddr, uint64_t value, unsigned bytes)
{
    struct page *p = map_find(m, paddr);
    if (!p) return;
    if (p->write) {
        store_le(p->write + (paddr & (PAGE_SIZE - 1)), value, bytes);
        map_stored(m, p, paddr, bytes);
        return;
    }
    const struct region *r = p->owner;
    if (!r || !r->ops) return;
    uint32_t offset = (uint32_t)(paddr - r->base);
    struct device *dev = r->dev;
    const struct io_ops *ops = r->ops;     /* the first half may unmap the region */
    if (likely(io_takes(ops, bytes) && ops->write)) {
        ops->write(dev, offset, (uint32_t)(value & ones(bytes)), (enum width)bytes);
        return;
    }
    io_write(dev, ops, offset, (uint32_t)value, bytes < 4 ? bytes : 4);
    if (bytes > 4) io_write(dev, ops, offset + 4, (uint32_t)(value >> 32), bytes - 4);
}

uint64_t memory_read(struct memory *m, uint64_t paddr, enum width size)
{
    unsigned first = left_in_page(paddr, size);
    uint64_t value = read_part(m, paddr, first);
    if (first < size) value |= read_part(m, paddr + first, size - first) << (8 * first);
    return value;
}

void memory_write(struct memory *m, uint64_t paddr, uint64_t value, enum width size)
{
    unsigned first = left_in_page(paddr, size);
    if (likely(first == size)) {
        write_part(m, paddr, value, size);
        return;
    }
    write_part(m, paddr, value, first);
    write_part(m, paddr + first, value >> (8 * first), size - first);
}

uint8_t memory_peek(const struct memory *m, uint64_t paddr)
{
    struct page p = map_look(m, paddr);
    if (p.read) return p.read[paddr & (PAGE_SIZE - 1)];
    if (!p.owner || !p.owner->ops) return 0xFF;
    return io_peek(p.owner->dev, p.owner->ops, (uint32_t)(paddr - p.owner->base));
}

/* ---- by block -------------------------------------------------------------------------------- */
static uint64_t piece(uint64_t paddr, uint64_t len)
{
    uint64_t left = PAGE_SIZE - (paddr & (PAGE_SIZE - 1));
    return left < len ? left : len;
}

uint64_t memory_copy_from(struct memory *m, void *to, uint64_t paddr, uint64_t len)
{
    uint8_t *out = to;
    uint64_t copied = 0;
    while (len) {
        const struct page *p = map_find(m, paddr);
        uint64_t n = p || paddr < MAP_END ? piece(paddr, len) : len;
        if (p && p->read) {
            memcpy(out, p->read + (paddr & (PAGE_SIZE - 1)), (size_t)n);
            copied += n;
        } else {
            memset(out, 0xFF, (size_t)n);
        }
        out += n;
        paddr += n;
        len -= n;
    }
    return copied;
}

uint64_t memory_copy_to(struct memory *m, uint64_t paddr, const void *from, uint64_t len)
{
    const uint8_t *in = from;
    uint64_t copied = 0;
    while (len && paddr < MAP_END) {
        struct page *p = map_find(m, paddr);
        uint64_t n = piece(paddr, len);
        if (p && p->write) {
            memcpy(p->write + (paddr & (PAGE_SIZE - 1)), in, (size_t)n);
            map_stored(m, p, paddr, n);
            copied += n;
        }
        in += n;
        paddr += n;
        len -= n;
    }
    return copied;
}

/* ---- dirty pages ----------------------------------------------------------------------------- */
/* The pages of a taken word become clean where they are visible. */
static void clean_word(struct memory *m, const struct region *r, uint64_t word, uint64_t first_page)
{
    while (word) {
        uint64_t n = first_page + (unsigned)__builtin_ctzll(word);
        word &= word - 1;
        uint64_t paddr = (r ? r->base : 0) + (n << PAGE_BITS);
        if (paddr >= MAP_END || !m->block[paddr >> BLOCK_BITS]) continue;
        struct page *p = map_find(m, paddr);
        bool main_ram = writes_ram(m, p, paddr);
        if (p->write && (r ? !main_ram && p->owner == r : main_ram)) p->clean = true;
    }
}

bool memory_take_dirty(struct memory *m, struct region *r, uint64_t *bitmap, size_t words)
{
    uint64_t *dirty = r ? r->dirty : m->ram_dirty;
    uint64_t pages = (r ? r->len : m->ram_size) >> PAGE_BITS;
    bool any = false;
    if (!dirty) return false;
    for (size_t i = 0; i < words && i < (size_t)(pages + 63) / 64; i++) {
        bitmap[i] = dirty[i];
        if (pages - i * 64 < 64) bitmap[i] &= ((uint64_t)1 << (pages - i * 64)) - 1;
        dirty[i] = 0;
        if (!bitmap[i]) continue;
        any = true;
        clean_word(m, r, bitmap[i], (uint64_t)i * 64);
    }
    for (size_t i = (size_t)(pages + 63) / 64; i < words; i++) bitmap[i] = 0;
    if (any && m->watcher.cleaned) m->watcher.cleaned(m->watcher.ctx);
    return any;
}

uint64_t memory_hash(const struct memory *m, uint64_t seed)
{
    return memory_hash_bytes(seed, m->ram, (size_t)m->ram_size);
}

uint8_t *memory_ram(struct memory *m) { return m->ram; }
