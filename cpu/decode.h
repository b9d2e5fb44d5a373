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

/* Rows chosen by a mandatory prefix, and their operands (decode_simd.c). */
enum simd_map { MAP_0F, MAP_0F38, MAP_0F3A, MAP_3DNOW, MAPS };
enum simd_prefix { NP, P66, PF3, PF2, PREFIXES };
enum { SIMD_F_ALIGNED = 1, SIMD_F_IMMEDIATE = 2, SIMD_F_STORE = 4, SIMD_F_DOUBLE = 8 };
struct simd_form {
    const char *text;
    uint8_t reg, rm;               /* enum simd_file */
    uint8_t bytes;                 /* of a memory operand; 0: 4, or 8 with REX.W */
    uint8_t flags;
};
const struct op *simd_row(enum simd_map, enum simd_prefix, uint8_t code);      /* NULL: none */
bool simd_is_group(enum simd_map, uint8_t code);
const struct op *simd_group_row(enum simd_prefix, uint8_t code, uint8_t modrm);
const struct simd_form *simd_form(unsigned form);                       /* NULL: a general form */
const char *op_form_text(const struct op *);               /* operands as the manual names them */
void simd_print_opcodes(void (*row)(void *ctx, const char *bytes, const struct op *), void *ctx);

/* Decodes one instruction of at most `avail` bytes under cpu mode bits `mode`. Fills *out but for
 * pos, off, slot, link. Returns its length; 0: more bytes are needed. Undefined and overlong
 * instructions decode to records that raise #UD, #GP(0). */
unsigned decode(const struct cpu_model *, unsigned mode, const uint8_t *bytes, size_t avail,
                struct insn *out, struct decoded *);
