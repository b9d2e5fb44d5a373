/* SPDX-License-Identifier: MIT
 * Bytes to records. Private to cpu/.
 */
#pragma once
#include "cpu/opcodes.h"

#define INSN_MAX 15                /* bytes (SDM vol. 2, 2.3.11) */

struct decoded {
    const struct op *op;
    uint32_t traits;
    exec_fn *quiet;                /* the same without flags, or NULL */
    bool     reg_form;             /* no access to memory: register form, LEA, NOP */
    bool     relative;             /* a branch: imm is the distance from the next instruction */
    uint8_t  kind;                 /* enum kind */
    bool     joined;               /* by build.c: the record before does its work */
    bool     special;              /* by build.c: the registers are compiled in */
};

/* Decodes one instruction of at most `avail` bytes under cpu mode bits `mode`. Fills *out but for
 * pos, off, slot, link. Returns its length; 0: more bytes are needed. Undefined and overlong
 * instructions decode to records that raise #UD, #GP(0). */
unsigned decode(const struct cpu_model *, unsigned mode, const uint8_t *bytes, size_t avail,
                struct insn *out, struct decoded *);
