/* SPDX-License-Identifier: MIT
 * What the protection rules share: descriptors, system accesses, the stack of another ring.
 * Private to cpu/. SDM vol. 3, 3.4.5 (segment descriptors),
 * 3.5 (system descriptors), 5 (protection).
 *
 *   high  31      24 23 22 21 20 19    16 15 14 13 12 11    8 7       0
 *        | base     | G|DB| L|AV| limit  | P| DPL | S| type  | base    |
 *   low  | base                          | limit                       |
 */
#pragma once
#include "cpu/mem.h"

/* Types of system descriptors (S = 0): SDM vol. 3, table 3-2. Bit 3: the 32-bit kind. */
enum descriptor_type {
    TYPE_TSS16 = 1, TYPE_LDT = 2, TYPE_CALL16 = 4, TYPE_TASK = 5, TYPE_INT16 = 6, TYPE_TRAP16 = 7,
    TYPE_TSS32 = 9, TYPE_CALL32 = 12, TYPE_INT32 = 14, TYPE_TRAP32 = 15,
    TYPE_BUSY = 2, TYPE_WIDE = 8,
};

static inline uint8_t desc_access(struct descriptor d) { return (uint8_t)(d.high >> 8); }
static inline unsigned desc_type(struct descriptor d) { return d.high >> 8 & 15; }
static inline unsigned desc_dpl(struct descriptor d) { return d.high >> 13 & 3; }
static inline bool desc_present(struct descriptor d) { return d.high >> 15 & 1; }
static inline bool desc_is_segment(struct descriptor d) { return d.high >> 12 & 1; }
static inline bool desc_is_code(struct descriptor d) { return (d.high >> 11 & 3) == 3; }
static inline bool desc_is_conforming(struct descriptor d)
{
    return desc_is_code(d) && d.high >> 10 & 1;
}
/* L without D: 64-bit code (SDM vol. 3, 5.2.1). */
static inline bool desc_is_code64(struct descriptor d)
{
    return desc_is_code(d) && (d.high >> 21 & 3) == 1;
}
static inline bool desc_is_writable(struct descriptor d) { return (d.high >> 9 & 13) == 9; }
static inline bool desc_is_readable(struct descriptor d)
{
    return desc_is_segment(d) && (!desc_is_code(d) || d.high >> 9 & 1);
}
/* Gates: where to. */
static inline uint16_t gate_selector(struct descriptor d) { return (uint16_t)(d.low >> 16); }
static inline uint32_t gate_offset(struct descriptor d)
{
    return (d.low & 0xFFFF) | (desc_type(d) & TYPE_WIDE ? d.high & 0xFFFF0000 : 0);
}
static inline unsigned gate_size(struct descriptor d) { return desc_type(d) & TYPE_WIDE ? 4 : 2; }

static inline bool selector_is_null(uint16_t selector) { return selector < 4; }
static inline bool selector_is_local(uint16_t selector) { return selector & 4; }

/* EXT of an error code: the fault came while an interrupt or an exception was delivered, not by the
 * program's own doing (SDM vol. 3, 6.13). */
static inline uint32_t fault_ext(const struct cpu *c) { return c->delivering >= 0; }
/* A fault with a selector as error code. why: the check that failed, for a person. */
_Noreturn void fault_selector(struct cpu *, enum vector, uint16_t selector, const char *why);
/* Not a fault but the end, until a reset. */
void shut_down_by(struct cpu *, const char *instruction, const char *why);
/* A bad IDT entry. */
_Noreturn void fault_idt(struct cpu *, enum vector, uint8_t vector, const char *why);
const char *fault_name(uint8_t vector);               /* of exceptions 0-31 */

/* Debug registers (SDM vol. 3, 17.2) */
enum {
    DR6_BD = 1 << 13, DR6_BS = 1 << 14, DR6_BT = 1 << 15,
    DR7_LOCAL = 0x155,                 /* L0-L3, LE: cleared by a task switch */
    DR7_GD = 1 << 13,
};
#define DR6_ONES 0xFFFF0FF0u
#define DR7_ONES 0x400u
#define DR6_TRAPS (0xFu | DR6_BS | DR6_BT)
static inline uint64_t dr6_value(uint64_t v) { return (v & (DR6_TRAPS | DR6_BD)) | DR6_ONES; }
static inline uint64_t dr7_value(uint64_t v) { return (v & 0xFFFF23FF) | DR7_ONES; }

/* ---- accesses that ignore CPL, or are made for another ring ---------------------------------- */
static inline uint64_t ring_load(struct cpu *c, uint64_t laddr, unsigned size, enum tlb_set set)
{
    const struct tlb_entry *e = tlb_slot(c->tlb_sets[set], laddr);
    if (likely(tlb_hit(e->read, laddr, size)))
        return host_load((void *)(e->host + (uintptr_t)laddr), size);
    return mem_load_slow(c, laddr, size, set);
}
static inline void ring_store(struct cpu *c, uint64_t laddr, uint64_t value, unsigned size,
                              enum tlb_set set)
{
    struct tlb_entry *e = tlb_slot(c->tlb_sets[set], laddr);
    if (likely(tlb_hit(e->write, laddr, size)))
        host_store((void *)(e->host + (uintptr_t)laddr), value, size);
    else
        mem_store_slow(c, laddr, value, size, set);
}
/* In a system table: base + offset wraps at 4 GiB outside long mode.
 * Compatibility mode is long mode. */
static inline uint64_t table_laddr(const struct cpu *c, uint64_t laddr)
{
    return is_long(c) ? laddr : (uint32_t)laddr;
}
static inline uint64_t table_load(struct cpu *c, uint64_t base, uint32_t offset, unsigned size)
{
    return ring_load(c, table_laddr(c, base + offset), size, SET_SYSTEM);
}
static inline void table_store(struct cpu *c, uint64_t base, uint32_t offset, uint64_t value,
                               unsigned size)
{
    ring_store(c, table_laddr(c, base + offset), value, size, SET_SYSTEM);
}

/* ---- descriptors (segment.c) ----------------------------------------------------------------- */
/* The table of a selector; false: its end comes before the descriptor's. */
static inline bool descriptor_table(const struct cpu *c, uint16_t selector, uint64_t *base)
{
    bool local = selector_is_local(selector);
    *base = local ? c->ldtr.base : c->gdt.base;
    if (local && !(c->ldtr.access & ACCESS_P)) return false;
    return (selector | 7u) <= (local ? c->ldtr.limit : c->gdt.limit);
}

/* False: beyond the end of the GDT or LDT. A null selector reads entry 0 like any other.
 * In line, for a descriptor that goes through memory in halves costs more than all the checks. */
static inline bool descriptor_load(struct cpu *c, uint16_t selector, struct descriptor *d)
{
    uint64_t base;
    if (!descriptor_table(c, selector, &base)) return false;
    uint64_t whole = table_load(c, base, selector & 0xFFF8u, 8);
    *d = (struct descriptor){ (uint32_t)whole, (uint32_t)(whole >> 32) };
    return true;
}
/* The same, with a fault of that vector (error 0 for a null selector) instead of false. */
static inline struct descriptor descriptor_need(struct cpu *c, uint16_t selector,
                                                enum vector vector)
{
    struct descriptor d;
    if (unlikely(selector_is_null(selector))) fault_selector(c, vector, 0, "null selector");
    if (unlikely(!descriptor_load(c, selector, &d)))
        fault_selector(c, vector, selector, "selector beyond the descriptor table's limit");
    return d;
}
/* The same, and a code segment, else #GP: for far transfers.
 * DPL and P are the caller's to check. */
struct descriptor descriptor_need_code(struct cpu *, uint16_t selector);
void check_code(struct cpu *, uint16_t selector, struct descriptor);
/* Sets or clears bits of byte 5 in memory; nothing is written when they are so already. */
void descriptor_mark(struct cpu *, uint16_t selector, struct descriptor, uint8_t bits, bool on);
static inline void descriptor_accessed(struct cpu *c, uint16_t selector, struct descriptor d)
{
    if (unlikely(!(desc_access(d) & ACCESS_A))) descriptor_mark(c, selector, d, ACCESS_A, true);
}
/* What a segment register holds after loading selector with d (derived, accessed bit set). */
struct segment segment_make(uint16_t selector, struct descriptor d);
/* The same by way of the memo; stays valid until the next call for code,
 * or for anything else than code. */
const struct segment *segment_remember(struct segment_memo *, uint16_t selector,
                                       struct descriptor d);
static inline struct segment_memo *segment_memo(struct cpu *c, uint16_t selector,
                                                struct descriptor d)
{
    unsigned half = desc_is_code(d) ? SEGMENT_MEMO / 2 : 0;
    return &c->memo[half + (selector >> 3 & (SEGMENT_MEMO / 2 - 1))];
}
static inline bool segment_known(const struct segment_memo *m, uint16_t selector,
                                 struct descriptor d)
{
    return m->made.selector == selector && m->from.low == d.low && m->from.high == d.high;
}
static inline const struct segment *segment_made(struct cpu *c, uint16_t selector,
                                                 struct descriptor d)
{
    struct segment_memo *m = segment_memo(c, selector, d);
    return likely(segment_known(m, selector, d)) ? &m->made : segment_remember(m, selector, d);
}
/* Two that a program could not tell apart. */
static inline bool segment_same(const struct segment *a, const struct segment *b)
{
    return a->base == b->base && a->limit == b->limit && a->selector == b->selector &&
           a->access == b->access;
}
void segment_null(struct segment *, uint16_t selector);
/* The other half of a 16-byte descriptor of long mode (SDM vol. 3, figures 6-8, 5-9 and 7-4). */
uint64_t descriptor_upper(struct cpu *, uint16_t selector, enum vector);
/* Completes the base of a system segment in long mode. */
void segment_widen(struct cpu *, struct segment *, enum vector);
/* Loads LDTR in the same way for LLDT and a task switch. */
void ldtr_load(struct cpu *, uint16_t selector, enum vector);
/* An available TSS that may be entered, or a busy one to return to; else a fault of that vector. */
struct descriptor tss_need(struct cpu *, uint16_t selector, enum vector, bool busy);
/* On the way to an outer ring: data segments that it must not see become
 * null (SDM vol. 3, 5.8.6). */
void segments_hide(struct cpu *);

/* ---- stacks ---------------------------------------------------------------------------------- */
/* A stack in the making: nothing of the CPU changes until stack_use(). */
struct stack {
    const struct segment *ss;      /* the CPU's own, or in the memo: make but code meanwhile */
    uint64_t sp, mask;
    uintptr_t host;                /* of offset 0, for the expected accesses; 0: one by one */
    uint32_t error;                /* of the #SS when there is no room */
    bool     user;
    bool     wide;                 /* 64-bit mode: no limit, and SS may be null */
};
static inline uint64_t stack_mask_of(const struct segment *ss)
{
    return ss->access & ACCESS_DB ? 0xFFFFFFFF : 0xFFFF;
}
static inline struct stack stack_current(const struct cpu *c)
{
    return (struct stack){ .ss = &c->seg[SS], .sp = c->gpr[RSP], .mask = c->stack_mask,
                           .user = c->cpl == 3, .wide = c->mode & MODE_LONG };
}
static inline enum tlb_set stack_set(const struct cpu *c, const struct stack *s)
{
    return s->user ? SET_USER : supervisor_set(c);
}
struct stack stack_of_ring(struct cpu *, unsigned ring);    /* from the TSS: #TS, #SS */
/* Where accesses to `bytes` from offset `from` on must not fault, nor wrap, nor cross a page, nor
 * be checked for alignment: the host address of offset 0; else 0. */
static inline uintptr_t stack_window(struct cpu *c, const struct stack *s, uint64_t from,
                                     unsigned bytes, bool store)
{
    uint64_t last = from + bytes - 1, laddr = from;
    if (unlikely(last > s->mask || last < from)) return 0;
    if (!s->wide) {
        bool may = s->ss->rights & (store ? SEG_WRITE : SEG_READ);
        if (unlikely(!may || from < s->ss->first || last > s->ss->last)) return 0;
        laddr = laddr_wrap(c, s->ss->base + from);
    }
    const struct tlb_entry *e = tlb_slot(c->tlb_sets[stack_set(c, s)], laddr);
    if (unlikely((laddr & (PAGE_SIZE - 1)) + bytes > PAGE_SIZE)) return 0;
    return tlb_hit(store ? e->write : e->read, laddr, s->user ? 8 : 1)
           ? e->host + (uintptr_t)(laddr - from) : 0;
}
/* So many bytes will be put or got next, in pieces: looks the page up once if that can be.
 * Never faults. */
static inline void stack_expect_puts(struct cpu *c, struct stack *s, unsigned bytes)
{
    s->host = stack_window(c, s, (s->sp - bytes) & s->mask, bytes, true);
}
static inline void stack_expect_gets(struct cpu *c, struct stack *s, unsigned bytes)
{
    s->host = stack_window(c, s, s->sp & s->mask, bytes, false);
}
/* By value: a stack whose address nobody takes lives in the host's registers. */
void stack_store(struct cpu *, struct stack, uint64_t to, uint64_t value, unsigned size);
uint64_t stack_load(struct cpu *, struct stack, uint64_t from, unsigned size);
static inline void stack_put(struct cpu *c, struct stack *s, uint64_t value, unsigned size)
{
    uint64_t to = (s->sp - size) & s->mask;
    if (likely(s->host)) host_store((void *)(s->host + (uintptr_t)to), value, size);
    else stack_store(c, *s, to, value, size);
    s->sp = (s->sp & ~s->mask) | to;
}
static inline uint64_t stack_get(struct cpu *c, struct stack *s, unsigned size)
{
    uint64_t from = s->sp & s->mask;
    uint64_t value = s->host ? host_load((void *)(s->host + (uintptr_t)from), size)
                             : stack_load(c, *s, from, size);
    s->sp = (s->sp & ~s->mask) | ((from + size) & s->mask);
    return value;
}
/* Sets SS and SP. A 16-bit stack leaves the upper half of ESP alone,
 * also on the way to another ring. */
static inline void stack_use(struct cpu *c, const struct stack *s)
{
    if (s->ss != &c->seg[SS]) c->seg[SS] = *s->ss;
    c->gpr[RSP] = (c->gpr[RSP] & ~s->mask) | (s->sp & s->mask);
}
uint64_t stack_of_ist(struct cpu *, unsigned n);           /* interrupt stack 1-7 of a 64-bit TSS */
/* SS:SP popped on the way to an outer ring: checks of SDM vol. 2, RET and IRET.
 * wide: to 64-bit code. */
struct stack stack_outer(struct cpu *, uint16_t selector, uint64_t sp, unsigned ring, bool wide);

/* The result of SLDT, STR, SMSW: 16 bits to memory, the operand size to a register (selector.c). */
void umip_check(struct cpu *);     /* #GP(0) for users when CR4.UMIP (guard.c) */
void system_result(struct cpu *, const struct insn *, uint64_t value);

/* Bits of control registers that exist in this model; EFER without LMA (system.c, msr.c). */
uint64_t cr0_known(const struct cpu *);
uint64_t cr4_known(const struct cpu *);
uint64_t efer_known(const struct cpu *);

/* Machine check registers (mce.c); false: there is no such register. */
bool mce_read(const struct cpu *, uint32_t number, uint64_t *value);
bool mce_write(struct cpu *, uint32_t number, uint64_t value);

/* Bits of a physical address (CPUID 8000_0008h). */
static inline uint64_t paddr_mask(const struct cpu *c)
{
    return (1ull << c->model->paddr_bits) - 1;
}

static inline bool has(const struct cpu *c, enum feature f) { return model_has(c->model, f); }
/* EFLAGS bits that exist in this model. */
static inline uint32_t flags_known(const struct cpu *c)
{
    uint32_t known = FLAGS_ARITH | FLAG_TF | FLAG_IF | FLAG_DF | FLAG_IOPL | FLAG_NT | FLAG_RF |
                     FLAG_VM;
    if (has(c, FEAT_486)) known |= FLAG_AC;
    if (has(c, FEAT_VME)) known |= FLAG_VIF | FLAG_VIP;
    return c->model->max_leaf ? known | FLAG_ID : known;
}
