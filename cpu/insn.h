/* SPDX-License-Identifier: MIT
 * A decoded instruction and the chaining convention. Private to cpu/.
 *
 * A trace is a header record followed by instruction records:
 *
 *    [header: key, n, bytes] [insn 0] [insn 1] ... [branch] [fall-through link of a Jcc]
 *
 * Only NEXT, GOTO, LEAVE and the functions in trace.h know how records are strung together: by tail
 * calls (VITRO_CHAIN) or by a loop in run.c.
 */
#pragma once
#include "cpu/state.h"

typedef const struct insn *exec_fn(struct cpu *, const struct insn *);
#define EXEC static const struct insn *

struct insn {
    union {
        exec_fn *exec;
        struct { uint32_t next_in_page, owner; };   /* header: list of its page; stub: its trace */
    };
    union {
        struct { uint32_t imm; int32_t disp; };
        uint64_t imm64;            /* MOV r64, imm64: no displacement */
        uint64_t key;              /* header: physical address << 8 | mode */
    };
    uint8_t  dst, src;             /* register numbers; 8-bit registers: byte offsets in gpr[].
                                      Header, dst: runs */
    uint8_t  base, index;          /* of the address; REG_ZERO = none */
    uint8_t  scale, seg;           /* shift of the index; segment after overrides */
    uint8_t  len;                  /* bytes, prefixes included (fused pairs: both) */
    uint8_t  pos;                  /* instructions of the trace before this one */
    uint16_t off;                  /* bytes from the start of the trace; header: its length */
    uint8_t  slot;                 /* records from the header to this one */
    uint8_t  asize;                /* bits 0-1 address size: 0 = 16, 1 = 32, 2 = 64 bits; bits 2-3
                                      log2 of the operand size in bytes; bit 4 REP/REPE, bit 5
                                      REPNE, bit 6 register form (mod 3) */
    union {
        int32_t link;              /* branch: bytes from here to the target's header */
        int32_t n;                 /* header: instructions in the trace */
        uint32_t opcode;           /* x87: (D8..DF & 7) << 8 | modrm; MMX, SSE: see simd.h */
    };
};
_Static_assert(sizeof(struct insn) == 32, "two records per cache line");

#if !VITRO_CHAIN                            /* -O0, sanitizers */
#define CHAIN(c, i)   do { (void)(c); return (i); } while (0)
#define NEXT(c, i)    CHAIN(c, (i) + 1)
#define NEXT_ANY(c, i) CHAIN(c, (i) + 1)
#else
#define CHAIN(c, i)   return (i)->exec((c), (i))
#ifdef __clang__
#define MUSTTAIL      __attribute__((musttail))
#else
#define MUSTTAIL
#endif
/* The compiler must not see that the next record is known early: it would load the handler's
 * address first and keep both in other registers, two host instructions more in every handler. */
#define STEP_(c, i, tail)                                  \
    do {                                                   \
        const struct insn *next_ = (i) + 1;                \
        __asm__("" : "+r"(next_));                         \
        tail return next_->exec((c), next_);               \
    } while (0)
#define NEXT(c, i)     STEP_(c, i, MUSTTAIL)
/* NEXT in a helper with other parameters than a handler's. */
#define NEXT_ANY(c, i) STEP_(c, i, )
#endif
/* Tail call of another handler (a slow twin); tests/lint checks that it became a jump. */
#define TAIL          return

/* Back to the run loop; rip must be exact and the trace's charge settled (see leave_after()). */
#define LEAVE(c)      do { (c)->insn = NULL; return NULL; } while (0)

/* Every handler that may fault or call out starts with this. */
#define BEGIN(c, i)   ((c)->insn = (i))

enum { INSN_REP = 0x10, INSN_REPNE = 0x20, INSN_REG = 0x40 };
/* Operand size in bytes: 1, 2, 4, 8. */
static inline unsigned insn_opsize(const struct insn *i) { return 1u << (i->asize >> 2 & 3); }

static inline const struct insn *insn_target(const struct insn *i)
{
    return (const void *)((const char *)i + i->link);
}
static inline const struct insn *insn_header(const struct insn *i) { return i - i->slot; }
/* Address of this instruction / of the next one, inside a trace. */
static inline uint64_t insn_rip(const struct cpu *c, const struct insn *i)
{
    return c->mode & MODE_LONG ? c->rip + i->off : (uint32_t)(c->rip + i->off);
}
static inline uint64_t insn_next_rip(const struct cpu *c, const struct insn *i)
{
    uint64_t next = c->rip + i->off + i->len;
    return c->mode & MODE_LONG ? next : (uint32_t)next;
}

/* This instruction is done and control goes to `rip` by way of the run loop: gives back what the
 * trace was charged for instructions that did not run. */
static inline const struct insn *leave_to(struct cpu *c, const struct insn *i, uint64_t rip)
{
    c->budget += insn_header(i)->n - (i->pos + 1);
    c->rip = rip;
    c->insn = NULL;
    return NULL;
}
/* The same, to the next instruction. */
static inline const struct insn *leave_after(struct cpu *c, const struct insn *i)
{
    return leave_to(c, i, insn_next_rip(c, i));
}

/* NEXT for handlers that may have called out (MMIO, ports, self-modified code): stops exactly
 * here when attention() was asked for. */
#define NEXT_CHECKED(c, i)                                          \
    do {                                                            \
        if (unlikely((c)->budget < 0)) return leave_after((c), (i)); \
        NEXT_ANY(c, i);                                             \
    } while (0)

/* Registers. 8-bit ones are named by their byte offset in gpr[] (AH is a byte of RAX). */
static inline uint8_t reg8(const struct cpu *c, unsigned at)
{
    return ((const uint8_t *)c->gpr)[at];
}
static inline void reg8_set(struct cpu *c, unsigned at, uint8_t v) { ((uint8_t *)c->gpr)[at] = v; }
static inline uint16_t reg16(const struct cpu *c, unsigned n) { return (uint16_t)c->gpr[n]; }
static inline uint32_t reg32(const struct cpu *c, unsigned n) { return (uint32_t)c->gpr[n]; }
static inline void reg32_set(struct cpu *c, unsigned n, uint32_t v) { c->gpr[n] = v; }
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define REG_LOW_BYTE 0
#else
#define REG_LOW_BYTE 7
#endif
#define REG_AL (RAX * 8 + REG_LOW_BYTE)
#define REG_CL (RCX * 8 + REG_LOW_BYTE)
#define REG_AH (RAX * 8 + (REG_LOW_BYTE ^ 1))
static inline void reg16_set(struct cpu *c, unsigned n, uint16_t v)
{
    __builtin_memcpy((uint8_t *)&c->gpr[n] + (REG_LOW_BYTE ? 6 : 0), &v, 2);
}
