/* SPDX-License-Identifier: MIT
 * Paging: 32-bit with 4 MiB pages (PSE, PSE-36), PAE with 2 MiB pages, 4 levels with 2 MiB and
 * 1 GiB pages, NX. SDM vol. 3, chapter 4: 4.3 (32-bit), 4.4 (PAE), 4.5 (4-level), 4.6 (access
 * rights), 4.7 (#PF), 4.8 (A and D flags).
 *
 *   32-bit   31      22 21      12 11     0        PAE   31 30 29    21 20    12 11     0
 *            | table   | page     | offset |             | P | table  | page    | offset |
 *
 *   4-level  47     39 38     30 29     21 20    12 11     0
 *            | PML4   | PDPT    | PD      | table  | offset |
 *
 * The loop knows none of them: a format says how many levels of which index width.
 * PCID: translations are never kept across a load of CR3, which 4.10.4.1 allows.
 * Not implemented: protection keys.
 */
#include "cpu/protect.h"
#include "cpu/walk.h"

enum {
    PTE_P = 1, PTE_W = 2, PTE_U = 4, PTE_A = 0x20, PTE_D = 0x40, PTE_PS = 0x80, PTE_G = 0x100,
    LEVELS = 4,
};
#define PTE_NX     (1ull << 63)
enum { PF_P = 1, PF_W = 2, PF_U = 4, PF_RSVD = 8, PF_I = 16 };

/* One way through the tables. */
struct path {
    uint64_t entry[LEVELS], value[LEVELS];     /* addresses and contents, from the top           */
    uint64_t all;                              /* AND of the entries: W and U                     */
    unsigned depth, page_bits;
    bool     nx, missing, reserved;
};

struct format { unsigned levels, index_bits, entry_bytes; };

static struct format format_of(const struct cpu *c)
{
    if (c->efer & EFER_LMA) return (struct format){ 4, 9, 8 };
    if (c->cr4 & CR4_PAE) return (struct format){ 2, 9, 8 };
    return (struct format){ 2, 10, 4 };
}

static uint64_t entry_peek(const struct cpu *c, uint64_t paddr, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned n = 0; n < bytes; n++)
        value |= (uint64_t)memory_peek(c->memory, paddr + n) << (8 * n);
    return value;
}

/* pages: those known; NULL to leave no trace, not even a device's. */
static inline uint64_t entry_load(const struct cpu *c, struct table_page *pages, uint64_t paddr,
                                  unsigned bytes)
{
    uint64_t number = paddr >> PAGE_BITS;
    if (!pages) return entry_peek(c, paddr, bytes);
    struct table_page *p = &pages[number & (TABLE_PAGES - 1)];
    if (unlikely(!p->host || p->number != number)) {
        *p = (struct table_page){ number, memory_page(c->memory, paddr).read };
        if (!p->host) return memory_read(c->memory, paddr, bytes == 8 ? QWORD : DWORD);
    }
    return host_load(p->host + (paddr & (PAGE_SIZE - 1)), bytes == 8 ? 8 : 4);
}

static inline bool is_large(const struct cpu *c, const struct format *f, unsigned level,
                            uint64_t value)
{
    if (!(value & PTE_PS)) return false;
    if (level == 3) return f->levels == 4 && has(c, FEAT_1GB);
    return level == 2 && (f->entry_bytes == 8 || c->cr4 & CR4_PSE);
}

/* PSE-36: bits 20-13 of the entry of a 4 MiB page are bits 39-32 of its address,
 * as far as those exist (4.3, table 4-4). */
static uint64_t pse36_bits(const struct cpu *c, const struct format *f)
{
    if (f->entry_bytes == 8 || !has(c, FEAT_PSE36)) return 0;
    return (paddr_mask(c) >> 32 & 0xFF) << 13;
}

/* Bits that must be 0 in an entry that maps (or leads to) 1 << bits bytes.
 * Bits 62-52 are free only with 4 levels. */
static inline uint64_t reserved_bits(const struct cpu *c, const struct format *f, bool large,
                                     unsigned bits)
{
    uint64_t reserved = 0;
    if (f->entry_bytes == 8) {
        reserved = ~paddr_mask(c) & (f->levels == 4 ? 0x000FFFFFFFFFFFFF : ~PTE_NX);
        if (bits >= 30 && !large) reserved |= PTE_PS;
        if (!(c->efer & EFER_NXE)) reserved |= PTE_NX;
    }
    /* below the page's address; bit 12 is the PAT bit, reserved without PAT */
    if (large) reserved |= ((1ull << bits) - 1) & ~0x1FFFull & ~pse36_bits(c, f);
    if (large && !has(c, FEAT_PAT)) reserved |= 1 << 12;
    return reserved;
}

/* Follows the tables down to the page; path->missing or ->reserved say why not. */
static inline __attribute__((always_inline)) void descend(const struct cpu *c,
                                                          struct table_page *pages, struct format f,
                                                          uint64_t laddr, struct path *path)
{
    uint64_t table = c->cr3 & ~0xFFFull;
    path->all = ~0ull;
    path->depth = 0;
    path->page_bits = PAGE_BITS;
    path->nx = path->missing = path->reserved = false;
    if (f.levels == 2 && f.entry_bytes == 8) {
        uint64_t pdpte = c->pdpte[laddr >> 30 & 3];      /* no rights here: SDM vol. 3, 4.4.1 */
        path->missing = !(pdpte & PTE_P);
        table = pdpte & paddr_mask(c) & ~0xFFFull;
    }
    for (unsigned level = f.levels; level && !path->missing; level--) {
        unsigned bits = PAGE_BITS + (level - 1) * f.index_bits, n = path->depth++;
        uint64_t index = laddr >> bits & ((1u << f.index_bits) - 1);
        path->entry[n] = a20_mask(c, table + index * f.entry_bytes);
        uint64_t v = path->value[n] = entry_load(c, pages, path->entry[n], f.entry_bytes);
        bool large = is_large(c, &f, level, v);
        path->missing = !(v & PTE_P);
        path->reserved = !path->missing && v & reserved_bits(c, &f, large, bits);
        path->all &= v;
        path->nx |= v & PTE_NX && c->efer & EFER_NXE;
        path->page_bits = bits;
        if (path->reserved || large) return;
        table = v & (f.entry_bytes == 8 ? (1ull << 52) - 1 : ~0ull) & ~0xFFFull;
    }
}

static uint64_t path_paddr(const struct path *p, uint64_t laddr)
{
    uint64_t offset = (1ull << p->page_bits) - 1, leaf = p->value[p->depth - 1];
    uint64_t high = p->page_bits == 22 ? (leaf & 0x1FE000) << 19 : 0;
    return (leaf & ((1ull << 52) - 1) & ~offset) | high | (laddr & offset);
}

/* May this access go to a page with these rights? CR0.WP: SDM vol. 3, 4.6.1. */
static bool store_allowed(const struct cpu *c, const struct path *p, bool user)
{
    return p->all & PTE_W || (!user && !(c->cr0 & CR0_WP));
}
/* Supervisors and pages of users: SMEP and SMAP (4.6.1). */
static bool user_page_barred(const struct cpu *c, unsigned access, enum tlb_set set)
{
    if (access == ACCESS_FETCH) return c->cr4 & CR4_SMEP;
    return c->cr4 & CR4_SMAP && set != SET_OPEN;
}
static bool allowed(const struct cpu *c, const struct path *p, unsigned access, enum tlb_set set)
{
    bool user = set == SET_USER;
    if (user && !(p->all & PTE_U)) return false;
    if (!user && p->all & PTE_U && user_page_barred(c, access, set)) return false;
    if (access == ACCESS_STORE) return store_allowed(c, p, user);
    return access != ACCESS_FETCH || !p->nx;
}

static uint32_t error_code(const struct cpu *c, const struct path *p, unsigned access, bool user)
{
    bool fetch = access == ACCESS_FETCH &&
                 ((c->efer & EFER_NXE && c->cr4 & CR4_PAE) || c->cr4 & CR4_SMEP);
    return (p->missing ? 0 : PF_P) | (access == ACCESS_STORE ? PF_W : 0) | (user ? PF_U : 0) |
           (p->reserved ? PF_RSVD : 0) | (fetch ? PF_I : 0);
}

static void mark(struct cpu *c, const struct path *p, unsigned n, uint64_t bits)
{
    if ((p->value[n] & bits) != bits)
        memory_write(c->memory, p->entry[n], (uint32_t)(p->value[n] | bits), DWORD);
}

static inline bool known_entry(const struct cpu *c, uint64_t paddr, uint32_t *value)
{
    const struct table_page *p = &c->table_pages[paddr >> PAGE_BITS & (TABLE_PAGES - 1)];
    if (unlikely(!p->host || p->number != paddr >> PAGE_BITS)) return false;
    *value = (uint32_t)host_load(p->host + (paddr & (PAGE_SIZE - 1)), 4);
    return true;
}

/* The commonest walk: 32-bit tables in known pages, a page of 4 KiB or none;
 * false: the long way. */
static inline bool quick_walk(struct cpu *c, uint64_t laddr, unsigned access, enum tlb_set set,
                              struct walk *w)
{
    bool user = set == SET_USER;
    uint32_t directory, entry, marks = PTE_A | (access == ACCESS_STORE ? PTE_D : 0);
    uint32_t missing = (access == ACCESS_STORE ? PF_W : 0) | (user ? PF_U : 0);
    if (c->efer & EFER_LMA || c->cr4 & (CR4_PAE | CR4_SMEP | CR4_SMAP)) return false;
    if (!known_entry(c, a20_mask(c, (c->cr3 & 0xFFFFF000) + (laddr >> 20 & 0xFFC)), &directory))
        return false;
    if (!(directory & PTE_P)) fault_page(c, laddr, missing);
    if ((directory & (PTE_A | PTE_PS)) != PTE_A) return false;
    uint64_t at = a20_mask(c, (directory & 0xFFFFF000) + (laddr >> 10 & 0xFFC));
    if (!known_entry(c, at, &entry)) return false;
    if (!(entry & PTE_P)) fault_page(c, laddr, missing);
    uint32_t all = directory & entry;
    bool writable = all & PTE_W || (!user && !(c->cr0 & CR0_WP));
    if ((user && !(all & PTE_U)) || (access == ACCESS_STORE && !writable)) return false;
    if ((entry & marks) != marks) memory_write(c->memory, at, entry | marks, DWORD);
    *w = (struct walk){
        .paddr = (entry & 0xFFFFF000) | (laddr & 0xFFF), .writable = writable, .user = all & PTE_U,
        .global = entry & PTE_G && c->cr4 & CR4_PGE, .dirty = (entry | marks) & PTE_D,
        .page_bits = PAGE_BITS,
    };
    return true;
}

bool page_walk(struct cpu *c, uint64_t laddr, unsigned access, enum tlb_set set, struct walk *w)
{
    if (likely(quick_walk(c, laddr, access, set, w))) return true;
    bool user = set == SET_USER;
    struct path p;
    struct format f = format_of(c);
    if (likely(f.entry_bytes == 4))
        descend(c, c->table_pages, (struct format){ 2, 10, 4 }, laddr, &p);
    else descend(c, c->table_pages, f, laddr, &p);
    if (p.missing || p.reserved || !allowed(c, &p, access, set))
        fault_page(c, laddr, error_code(c, &p, access, user));
    unsigned leaf = p.depth - 1;
    for (unsigned n = 0; n < leaf; n++) mark(c, &p, n, PTE_A);
    mark(c, &p, leaf, PTE_A | (access == ACCESS_STORE ? PTE_D : 0));
    *w = (struct walk){
        .paddr = path_paddr(&p, laddr),
        .writable = store_allowed(c, &p, user),
        .user = p.all & PTE_U,
        .global = p.value[leaf] & PTE_G && c->cr4 & CR4_PGE,
        .dirty = access == ACCESS_STORE || p.value[leaf] & PTE_D,
        .page_bits = p.page_bits,
    };
    return true;
}

bool page_probe(const struct cpu *c, uint64_t laddr, uint64_t *paddr)
{
    struct path p;
    *paddr = a20_mask(c, laddr);
    if (!(c->cr0 & CR0_PG)) return true;
    descend(c, NULL, format_of(c), laddr, &p);
    if (p.missing || p.reserved) return false;
    *paddr = a20_mask(c, path_paddr(&p, laddr));
    return true;
}

bool pdptes_read(const struct cpu *c, uint64_t cr3, uint64_t to[4])
{
    const uint64_t reserved = ~paddr_mask(c) | 0x1E6;
    bool good = true;
    for (unsigned n = 0; n < 4; n++) {
        to[n] = entry_peek(c, a20_mask(c, (cr3 & 0xFFFFFFE0) + n * 8u), 8);
        good = good && !(to[n] & PTE_P && to[n] & reserved);
    }
    return good;
}

void pdptes_load(struct cpu *c, uint64_t cr3)
{
    uint64_t new[4];
    if (!pdptes_read(c, cr3, new)) fault_error(c, VEC_GP, 0);
    for (unsigned n = 0; n < 4; n++) c->pdpte[n] = new[n];
}
