/* SPDX-License-Identifier: MIT
 * String instructions: MOVS STOS LODS SCAS CMPS INS OUTS, with REP, REPE, REPNE.
 *
 * Each iteration counts as one instruction of time. A repetition stops exactly when the budget is
 * used up, with rSI, rDI and rCX showing what is done and rip still at the instruction (SDM vol. 2,
 * REP). Runs inside one page of plain memory are done at once.
 */
#include "cpu/debug.h"
#include "cpu/families.h"
#include "cpu/op.h"
#include "cpu/trace.h"

static const uint64_t address_mask[4] = { 0xFFFF, 0xFFFFFFFF, ~0ull, ~0ull };

static inline uint64_t string_at(const struct cpu *c, const struct insn *i, unsigned reg)
{
    return c->gpr[reg] & address_mask[i->asize & 3];
}
static inline void string_add(struct cpu *c, const struct insn *i, unsigned reg, uint64_t delta)
{
    uint64_t v = c->gpr[reg] + delta;
    if ((i->asize & 3) == 0) reg16_set(c, reg, (uint16_t)v);
    else c->gpr[reg] = v & address_mask[i->asize & 3];
}
static inline void string_move(struct cpu *c, const struct insn *i, unsigned reg, unsigned size)
{
    string_add(c, i, reg, c->flags & FLAG_DF ? -(uint64_t)size : size);
}
static inline void io_allow(struct cpu *c, uint16_t port, unsigned size)
{
    if (is_protected(c) && (c->cpl > iopl(c) || is_vm86(c))) io_check(c, port, size);
}

#define W 8
#include "cpu/op_string.inc"
#define W 16
#include "cpu/op_string.inc"
#define W 32
#include "cpu/op_string.inc"
#define W 64
#include "cpu/op_string.inc"

typedef void step_fn(struct cpu *, const struct insn *);
enum string { MOVS, STOS, LODS, SCAS, CMPS, INS, OUTS };
static step_fn *const steps[7][4] = {
    { movs_step_w_8, movs_step_w_16, movs_step_w_32, movs_step_w_64 },
    { stos_step_w_8, stos_step_w_16, stos_step_w_32, stos_step_w_64 },
    { lods_step_w_8, lods_step_w_16, lods_step_w_32, lods_step_w_64 },
    { scas_step_w_8, scas_step_w_16, scas_step_w_32, scas_step_w_64 },
    { cmps_step_w_8, cmps_step_w_16, cmps_step_w_32, cmps_step_w_64 },
    { ins_step_w_8, ins_step_w_16, ins_step_w_32, ins_step_w_32 },
    { outs_step_w_8, outs_step_w_16, outs_step_w_32, outs_step_w_32 },
};

/* Host address of a run of at most *n elements at seg:reg that stays in one page, in the limit and
 * in the address size; *n is cut to what fits. NULL: go element by element, also where #AC may be
 * due. code: NULL for loads; see mem_host_overwrite(). */
static uint8_t *run_host(struct cpu *c, const struct insn *i, enum seg seg, unsigned reg,
                         unsigned size, uint64_t *code, uint64_t *n)
{
    uint64_t at = string_at(c, i, reg), mask = address_mask[i->asize & 3];
    uint64_t laddr = seg_laddr(c, seg, at, size, code ? SEG_WRITE : SEG_READ);
    uint64_t fit = (PAGE_SIZE - (laddr & (PAGE_SIZE - 1))) / size;
    if (*n > fit) *n = fit;
    if (*n < 2 || mask - at < *n * size || (c->flags & FLAG_AC && laddr & (size - 1))) return NULL;
    if (!(c->mode & MODE_LONG) && c->seg[seg].last - at < *n * size) return NULL;
    return code ? mem_host_overwrite(c, laddr, *n * size, code) : mem_host_load(c, laddr);
}

/* INS and OUTS: a run of accesses that do nothing but move data. Ports that need a look at the
 * TSS's bitmap are left alone, for the data may go there. */
static uint64_t port_bulk(struct cpu *c, const struct insn *i, enum string op, uint64_t n)
{
    unsigned size = insn_opsize(i) == 8 ? 4 : insn_opsize(i), reg = op == INS ? RDI : RSI;
    bool asks = is_protected(c) && (c->cpl > iopl(c) || is_vm86(c));
    if (asks || c->watch.io || !c->bus.in_run || !c->bus.out_run) return 0;
    uint64_t code = CODE_NONE;
    uint8_t *host = run_host(c, i, op == INS ? ES : i->seg, reg, size, op == INS ? &code : NULL,
                             &n);
    if (!host) return 0;
    uint16_t port = reg16(c, RDX);
    n = op == INS ? c->bus.in_run(c->bus.ctx, port, size, host, (uint32_t)n)
                  : c->bus.out_run(c->bus.ctx, port, size, host, (uint32_t)n);
    if (code != CODE_NONE) traces_written(c, code, n * size);
    string_add(c, i, reg, n * size);
    return n;
}

/* At most n iterations at once; returns how many were done, 0: not possible here. */
static uint64_t bulk(struct cpu *c, const struct insn *i, enum string op, uint64_t n)
{
    unsigned size = insn_opsize(i), w = i->asize >> 2 & 3;
    uint64_t code = CODE_NONE;
    uint8_t *from = NULL, *to = NULL;
    if (c->flags & FLAG_DF || n < 2 || op == LODS) return 0;
    if (op == INS || op == OUTS) return port_bulk(c, i, op, n);
    if (op == MOVS || op == CMPS)
        if (!(from = run_host(c, i, i->seg, RSI, size, NULL, &n))) return 0;
    if (!(to = run_host(c, i, ES, RDI, size, op == MOVS || op == STOS ? &code : NULL, &n)))
        return 0;
    bool while_equal = !(i->asize & INSN_REPNE);
    switch (op) {
    case MOVS:
        (w == 0 ? movs_bulk_w_8 : w == 1 ? movs_bulk_w_16
         : w == 2 ? movs_bulk_w_32 : movs_bulk_w_64)(to, from, n);
        break;
    case STOS:
        (w == 0 ? stos_bulk_w_8 : w == 1 ? stos_bulk_w_16
         : w == 2 ? stos_bulk_w_32 : stos_bulk_w_64)(c, to, n);
        break;
    case SCAS:
        n = (w == 0 ? scas_bulk_w_8 : w == 1 ? scas_bulk_w_16
             : w == 2 ? scas_bulk_w_32 : scas_bulk_w_64)(c, to, n, while_equal);
        break;
    default:
        n = (w == 0 ? cmps_bulk_w_8 : w == 1 ? cmps_bulk_w_16
             : w == 2 ? cmps_bulk_w_32 : cmps_bulk_w_64)(c, from, to, n, while_equal);
    }
    if (code != CODE_NONE) traces_written(c, code, n * size);
    if (from) string_add(c, i, RSI, n * size);
    string_add(c, i, RDI, n * size);
    return n;
}

/* Does the last comparison end the repetition? */
static inline bool ended(const struct cpu *c, const struct insn *i, enum string op)
{
    return (op == SCAS || op == CMPS) && flag_zf(c) != !(i->asize & INSN_REPNE);
}

/* Out of time, or somebody wants attention: the rest of the repetition is still to do. What comes
 * between pushes RF set (SDM vol. 3, 17.3.1.1). */
static const struct insn *unfinished(struct cpu *c, const struct insn *i, int rest)
{
    c->flags |= FLAG_RF;
    c->budget += rest;
    c->rip = insn_rip(c, i);
    LEAVE(c);
}

/* rCX and the time must be right before each step, for a fault or a callback may look at them: an
 * iteration is charged when it is done. */
enum { SINGLES = 15 };                                     /* a device is not tried at each step */
static bool at_page_end(const struct cpu *c, const struct insn *i, enum seg seg, unsigned reg)
{
    uint64_t at = c->seg[seg].base + string_at(c, i, reg);
    return PAGE_SIZE - (at & (PAGE_SIZE - 1)) < 2 * insn_opsize(i);
}
static const struct insn *repeat(struct cpu *c, const struct insn *i, enum string op)
{
    step_fn *step = steps[op][i->asize >> 2 & 3];
    int rest = insn_header(i)->n - i->pos;                 /* this instruction and those after it */
    unsigned single = 0;                                   /* so many more until a try in bulk */
    for (;;) {
        uint64_t left = string_at(c, i, RCX);
        if (!left) break;
        uint64_t allowed = (uint64_t)(c->budget + rest);   /* ticks to the stop, >= 1 here */
        uint64_t n = single ? 0 : bulk(c, i, op, left < allowed ? left : allowed);
        if (!n) {
            bool page_end = at_page_end(c, i, ES, RDI) || at_page_end(c, i, i->seg, RSI);
            single = single ? single - 1 : page_end ? 0 : SINGLES;
            step(c, i);
            n = 1;
        }
        string_add(c, i, RCX, -n);
        if (left == n || ended(c, i, op)) {
            c->budget -= (int64_t)n - 1;                   /* the last one: the instruction's own */
            break;
        }
        c->budget -= (int64_t)n;
        if (c->budget + rest <= 0 || c->attend) return unfinished(c, i, rest);
    }
    NEXT_CHECKED(c, i);
}

#define STRING_FAMILY(name, op)                                                                    \
    EXEC name##_once(struct cpu *c, const struct insn *i)                                          \
    {                                                                                              \
        BEGIN(c, i);                                                                               \
        steps[op][i->asize >> 2 & 3](c, i);                                                        \
        NEXT_CHECKED(c, i);                                                                        \
    }                                                                                              \
    EXEC name##_rep(struct cpu *c, const struct insn *i)                                           \
    {                                                                                              \
        BEGIN(c, i);                                                                               \
        return repeat(c, i, op);                                                                   \
    }                                                                                              \
    const struct family family_##name = { .h = {                                                   \
        ONE_(K_NONE, name##_once), ONE_(K_R, name##_rep) } }
STRING_FAMILY(movs, MOVS);
STRING_FAMILY(stos, STOS);
STRING_FAMILY(lods, LODS);
STRING_FAMILY(scas, SCAS);
STRING_FAMILY(cmps, CMPS);
STRING_FAMILY(ins, INS);
STRING_FAMILY(outs, OUTS);
