/* SPDX-License-Identifier: MIT
 * A CPU that runs one x87 instruction at a time, straight from the opcode table: no decoder, no
 * run loop. 32-bit flat protected mode; a memory operand is at [EAX] = RIG_OPERAND.
 */
#pragma once
#include <stdlib.h>
#include "cpu/x87.h"

#define RIG_OPERAND 0x8000u

struct rig {
    struct cpu *c;
    struct memory *memory;
    int vector; /* raised by the last instruction, or -1 */
    uint32_t at; /* of the memory operand */
};

#define ROW_(fam) &family_##fam
static const struct family *const rig_memory_ops[8][8] = {
#define X87M(code, reg, mn, form, fam, tr) [(code) - 0xD8][reg] = ROW_(fam),
#define X87R(code, modrm, mn, form, fam, tr)
#define X87RR(code, first, last, mn, form, fam, tr)
#include "cpu/opcodes_x87.def"
#undef X87M
#undef X87R
#undef X87RR
};
static const struct family *const rig_register_ops[8][64] = {
#define X87M(code, reg, mn, form, fam, tr)
#define X87R(code, modrm, mn, form, fam, tr) [(code) - 0xD8][(modrm) - 0xC0] = ROW_(fam),
#define X87RR(code, first, last, mn, form, fam, tr) \
    [(code) - 0xD8][(first) - 0xC0 ... (last) - 0xC0] = ROW_(fam),
#include "cpu/opcodes_x87.def"
#undef X87M
#undef X87R
#undef X87RR
};

static inline struct rig rig_new(void)
{
    static const struct cpu_model model = { .name = "test", .paddr_bits = 36,
                                             .feature = { [W_1C] = 1 } };
    struct rig r = { calloc(1, sizeof *r.c), memory_new(1 << 20, NULL), -1, RIG_OPERAND };
    r.c->memory = r.memory;
    r.c->model = &model;
    r.c->a20 = true;
    r.c->cr0 = CR0_PE | CR0_NE;
    r.c->mode = MODE_CODE32 | MODE_FLAT;
    r.c->flags = FLAG_1;
    r.c->stack_mask = 0xFFFFFFFF;
    for (unsigned n = 0; n < SEG_COUNT; n++) {
        r.c->seg[n] = (struct segment){.limit = 0xFFFFFFFF,
                                       .last = 0xFFFFFFFF,
                                       .selector = (uint16_t)(8 + 8 * n),
                                       .access = 0xC093,
                                       .rights = SEG_READ | SEG_WRITE};
    }
    r.c->tlb = r.c->tlb_sets[0];
    r.c->itlb = r.c->itlb_sets[0];
    tlb_flush(r.c, false);
    x87_reset(r.c);
    return r;
}

static inline void rig_free(struct rig *r)
{
    memory_free(r->memory);
    free(r->c);
}

static const struct insn *rig_stop(struct cpu *c, const struct insn *i)
{
    (void)c;
    (void)i;
    return NULL;
}

static inline const struct family *rig_family(uint8_t code, uint8_t modrm)
{
    return modrm >= 0xC0 ? rig_register_ops[code & 7][modrm & 63]
                         : rig_memory_ops[code & 7][modrm >> 3 & 7];
}

/* Which handlers of a family: flat ones try the common case first. */
enum rig_column { RIG_FLAT, RIG_ANY, RIG_LONG };

static inline exec_fn *rig_handler(const struct family *family, uint8_t code, uint8_t modrm,
                                   enum rig_column column)
{
    if (code == 0x9B) return family->h[K_NONE][RIG_ANY][2];
    if (modrm >= 0xC0) return family->h[K_R][0][2];
    return family->h[K_M][column][2] ? family->h[K_M][column][2] : family->h[K_M][RIG_ANY][2];
}

/* Runs one instruction; true unless it faulted (then r->vector says how). operand_size: 2 or 4. */
static inline bool rig_run_as(struct rig *r, uint8_t code, uint8_t modrm, unsigned operand_size,
                              enum rig_column column)
{
    const struct family *family = code == 0x9B ? &family_fwait : rig_family(code, modrm);
    if (!family) {
        r->vector = VEC_UD;
        return false;
    }
    struct insn trace[3] = {
        {.n = 1},
        {.exec = rig_handler(family, code, modrm, column),
         .base = RAX,
         .index = REG_ZERO,
         .seg = DS,
         .len = 2,
         .off = 0,
         .slot = 1,
         .asize = (uint8_t)(1 | (operand_size == 4 ? 2 : 1) << 2),
         .opcode = (uint32_t)(code & 7) << 8 | modrm},
        {.exec = rig_stop},
    };
    r->c->gpr[RAX] = r->at;
    r->c->budget = 1000;
    r->vector = -1;
    if (_setjmp(r->c->unwind)) {
        r->vector = r->c->fault.vector;
        r->c->fault.active = false;
        return false;
    }
    const struct insn *volatile i = &trace[1];
    while (i && i != &trace[2]) i = i->exec(r->c, i);
    return true;
}
static inline bool rig_run_sized(struct rig *r, uint8_t code, uint8_t modrm, unsigned operand_size)
{
    return rig_run_as(r, code, modrm, operand_size, RIG_FLAT);
}
static inline bool rig_run(struct rig *r, uint8_t code, uint8_t modrm)
{
    return rig_run_sized(r, code, modrm, 4);
}
