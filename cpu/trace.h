/* SPDX-License-Identifier: MIT
 * Traces: decoded straight-line code, found by physical address and mode, linked to each other.
 *
 * One arena of records. Record 0 is the "unlinked" header, record 1 the "other page" header: both
 * have an n that no budget can pay, so that a branch which follows them takes its slow path; so has
 * a dead trace. A branch that stays in its page links to its target directly; one that leaves the
 * page is looked up each time, for another page may be mapped there.
 */
#pragma once
#include "cpu/mem.h"

#define TRACE_MAX     48           /* instructions in one trace */
#define TRACE_PLAIN   0x80         /* in the mode byte of the key: see trace_at() */
#define TRACE_WARM    8            /* runs of a plain trace before a long one is made */
#define TRACE_DEAD    (1 << 30)
#define TRACE_HASH    (1u << 16)
#define TRACE_RECORDS (1u << 20)   /* 32 MiB */

struct code_page;

struct traces {
    struct insn *arena;
    uint32_t     used, touched;    /* records; touched: the most before the last flushes */
    uint32_t    *hash;             /* index of a header, 0 = none */
    struct code_page **pages;      /* by physical page, hashed */
    uint64_t     built, lookups, flushed, killed;       /* statistics */
};

bool traces_init(struct cpu *);
void traces_free(struct cpu *);
void traces_flush(struct cpu *);                              /* forgets everything */
void traces_trim(struct cpu *);                               /* and gives much memory back */
/* Stores to [paddr, paddr + len): drops the traces decoded from there. */
void traces_written(struct cpu *, uint64_t paddr, uint64_t len);

/* May these bytes be part of the trace that is running? */
bool trace_runs(const struct cpu *, uint64_t paddr, uint64_t len);

/* The trace at c->rip: found or built, at most `limit` instructions long when built for a stop
 * (then it lives in scratch). May fault (fetch). Returns its header. */
const struct insn *trace_at(struct cpu *, uint64_t limit);
/* Drops one. */
void trace_kill(struct cpu *, struct insn *header);
/* Where a new branch links to, by the offset of its target in the page: its slow path. */
const struct insn *traces_unlinked(const struct cpu *, int64_t offset);
/* Makes branch record `from` lead directly to `header` if they are in the same page. */
void trace_link(struct cpu *, const struct insn *from, const struct insn *header);

static inline uint32_t trace_hash(uint64_t key)
{
    return (uint32_t)((key * 0x9E3779B97F4A7C15ull) >> 48) & (TRACE_HASH - 1);
}
static inline uint64_t code_laddr(const struct cpu *c)
{
    return laddr_wrap(c, c->seg[CS].base + c->rip);
}
/* May all of the trace be executed under CS's limit? */
static inline bool trace_in_limit(const struct cpu *c, const struct insn *t)
{
    return c->mode & (MODE_FLAT | MODE_LONG) || c->rip + t->off - 1 <= c->seg[CS].limit;
}

/* ---- jumps: the latest targets of returns, indirect branches and branches to other pages ----- */
/* Each is a page that the instruction TLB holds and a trace in the arena: whoever takes
 * one of the two away calls jumps_forget(). (So a hit skips no page walk.) A dead trace
 * is found and not paid for. */
enum { JUMP_MODE_SHIFT = 48, JUMP_GENERATION_SHIFT = 56 };
#define JUMP_ONE ((uint64_t)1 << JUMP_GENERATION_SHIFT)

static inline void jumps_retag(struct cpu *c)
{
    c->jump_tag = (c->jump_tag & -JUMP_ONE) | (uint64_t)c->mode << JUMP_MODE_SHIFT;
}
static inline void jumps_forget(struct cpu *c)
{
    c->jump_tag += JUMP_ONE;
    if (c->jump_tag >= JUMP_ONE) return;
    c->jump_tag += JUMP_ONE;                            /* generation 0 is that of empty entries */
    memset(c->jump_sets, 0, sizeof c->jump_sets);
}
static inline struct jump *jump_slot(const struct cpu *c, uint64_t laddr)
{
    return &c->jumps[(laddr ^ laddr >> 8) & (JUMPS - 1)];
}

/* Goes on at c->rip (exact) with a look-up; to the run loop if that needs more than a hash hit. */
const struct insn *enter(struct cpu *, const struct insn *);
/* This instruction is done and control goes to `rip`, maybe in another mode: like leave_to(), but
 * without the run loop when nobody asked for attention. */
static inline const struct insn *go_to(struct cpu *c, const struct insn *i, uint64_t rip)
{
    c->budget += insn_header(i)->n - (i->pos + 1);
    c->rip = rip;
    c->insn = NULL;
    TAIL enter(c, i);
}
static inline const struct insn *go_after(struct cpu *c, const struct insn *i)
{
    TAIL go_to(c, i, insn_next_rip(c, i));
}
/* The same for near branches in flat 32-bit and 64-bit code: there c->rip is the linear address. */
static inline __attribute__((always_inline)) const struct insn *
jump_to(struct cpu *c, const struct insn *i, uint64_t rip)
{
    const struct jump *j = jump_slot(c, rip);
    c->rip = rip;
    if (unlikely(j->tag != (rip ^ c->jump_tag))) TAIL enter(c, i);
    int64_t left = c->budget - j->trace->n;
    if (unlikely(left < 0)) TAIL enter(c, i);
    c->budget = left;
    CHAIN(c, j->trace + 1);
}
/* A branch record's link could not be followed: c->rip is the target already. */
const struct insn *follow_slow(struct cpu *, const struct insn *);
/* The handler for a near branch that does what f does to a target in another page. */
exec_fn *branch_out_of_page(exec_fn *f);
/* Near transfers with limit checks and 16-bit wrap. */
const struct insn *branch_near(struct cpu *, const struct insn *);
const struct insn *fall_through(struct cpu *, const struct insn *);

/* Leaves the trace by branch record i, c->rip is the target;
 * `imm` is what the trace was charged for the instructions behind. */
#define FOLLOW_OUT(c, i)                                                    \
    do {                                                                    \
        const struct insn *target_ = insn_target(i);                        \
        int64_t left_ = (c)->budget + (i)->imm - target_->n;                \
        (c)->budget = left_;                                                \
        if (unlikely(left_ < 0)) TAIL follow_slow(c, i);                    \
        CHAIN(c, target_ + 1);                                              \
    } while (0)
/* Runs the trace that record i, the last one, links to; c->rip is the target. */
#define FOLLOW(c, i)                                                        \
    do {                                                                    \
        const struct insn *target_ = insn_target(i);                        \
        if (unlikely(((c)->budget -= target_->n) < 0)) TAIL follow_slow(c, i); \
        CHAIN(c, target_ + 1);                                              \
    } while (0)
/* A branch in MODE_WORD, `back` as in FOLLOW_OUT: the instruction pointer may wrap, and the trace
 * there reach over the end of the segment; then it is looked up. */
static inline __attribute__((always_inline)) const struct insn *
branch_word(struct cpu *c, const struct insn *i, uint32_t back)
{
    uint64_t target = c->rip + (uint64_t)(int64_t)i->disp;
    c->rip = (uint16_t)target;
    c->budget += back;
    if (unlikely(target + insn_target(i)->off > 0x10000)) TAIL enter(c, i);
    FOLLOW(c, i);
}
