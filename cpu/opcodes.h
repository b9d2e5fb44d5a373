/* SPDX-License-Identifier: MIT
 * The opcode table: its rows (opcodes*.def) and what they mean.
 * One table yields the decoder, the manual (vitro --opcodes) and the generated tests.
 * Private to cpu/.
 *
 *   OP(code, mnemonic, form, family, traits)            code: 0x00-0xFF, 0x0F00-0x0FFF
 *   GROUP(code)                                         rows follow by modrm.reg:
 *   OPR(code, reg, mnemonic, form, family, traits)
 *   X87M(code, reg, mnemonic, form, family, traits)     D8-DF, memory operand, modrm.reg
 *   X87R(code, modrm, mnemonic, form, family, traits)   D8-DF, modrm C0-FF
 *   SSE(prefix, code, mnemonic, form, family, traits)   mandatory prefix NP (none), P66, PF3, PF2;
 *                                                       code: 0x0F00-0x0FFF, 0x0F3800-,
 *                                                       0x0F3A00-; 3DNow! 0x0F0F00-
 *   SSEM, SSER(prefix, code, reg, ...)                  by modrm.reg: memory, register form
 */
#pragma once
#include "cpu/insn.h"

/* Operands in the SDM's letters (vol. 2, appendix A.2): E modrm r/m, G modrm reg, M memory only,
 * R register only, I immediate, J relative, O offset, S segment register, C/D control/debug
 * register, Z register in the opcode's low bits, A far pointer; b 8 bits, w 16, d 32, q 64, v
 * operand size, z 16/32, p far pointer; bs: an 8-bit immediate, sign-extended. */
enum form {
    F_NONE,        /* no operands, or implied ones */
    F_Eb, F_Ev, F_Ew, F_Ep, F_M, F_Rv,
    F_EbGb, F_EvGv, F_EwGw, F_GbEb, F_GvEv, F_GvM, F_GvMp,
    F_GvEb, F_GvEw, F_GvEd,
    F_EbIb, F_EvIz, F_EvIbs, F_EvIb, F_GvEvIz, F_GvEvIbs, F_EvGvIb, F_EvGvCL,
    F_Eb1, F_Ev1, F_EbCL, F_EvCL,
    F_ALIb, F_rAXIz, F_rAXIb, F_Zv, F_Zy, F_ZbIb, F_ZvIv, F_rAXZv,
    F_ALOb, F_rAXOv, F_ObAL, F_OvrAX,
    F_EvSw, F_SwEw, F_RdCd, F_CdRd, F_RdDd, F_DdRd,
    F_Jb, F_Jz, F_Ap, F_Iw, F_IwIb, F_Ib, F_Ibs, F_Iz,
    F_Xb, F_Xv,            /* string instructions and others: width b or v, no modrm */
    F_ALDX, F_eAXDX,       /* I/O by DX: width b or v */
    F_MODRM,               /* x87 and others: modrm, no general operand roles */
    F_SIMD,                /* MMX and SSE: forms_simd.def */
    F_BEFORE_SIMD = F_SIMD - 1,
#define SIMD_FORM(name, text, reg, rm, bytes, flags) F_##name,
#include "cpu/forms_simd.def"
#undef SIMD_FORM
    F_COUNT,
};

/* Traits: what decoder, trace builder, manual and test generator must know. */
enum trait {
    T_LOCK  = 1 << 0,      /* LOCK prefix allowed (memory destination)       */
    T_END   = 1 << 1,      /* ends the trace: control transfer, serialising, mode change */
    T_I64   = 1 << 2,      /* invalid in 64-bit mode                          */
    T_O64   = 1 << 3,      /* only valid in 64-bit mode                       */
    T_D64   = 1 << 4,      /* 64-bit mode: operand size defaults to 64 bits  */
    T_F64   = 1 << 5,      /* 64-bit mode: operand size forced to 64 bits    */
    T_CPL0  = 1 << 6,      /* #GP(0) unless CPL 0 (the decoder inserts the check) */
    T_PROT  = 1 << 7,      /* #UD in real and virtual-8086 mode               */
    T_REP   = 1 << 8,      /* string: REP/REPNE prefixes mean repetition      */
    T_LIVE  = 1 << 9,      /* reads flags, or lets others see them: keeps earlier flags alive */
    T_SETS  = 1 << 10,     /* overwrites all six arithmetic flags, cannot fault in register form */
    T_UNDOC = 1 << 11,     /* undocumented by Intel, but executed             */
    T_MEM   = 1 << 12,     /* register form is #UD                            */
    T_REGS  = 1 << 13,     /* memory form is #UD                              */
    T_PURE  = 1 << 14,     /* register form reads and writes no flags and cannot fault */
    T_STACK = 1 << 15,     /* register and immediate forms: [0] flat stack, [1] any, [2] 64-bit */
    /* CPU features, in bits 16-23: enum feature of model.h */
#define T_FEATURE(name) T_##name = FEAT_##name << 16
    T_FPU = 0,             /* without an x87: #NM, and that is the handlers' */
    T_FEATURE(CMOV), T_FEATURE(CX8), T_FEATURE(TSC), T_FEATURE(MSR), T_FEATURE(SEP), T_FEATURE(486),
    T_FEATURE(SYSCALL), T_FEATURE(LM), T_FEATURE(MMX), T_FEATURE(MMX2), T_FEATURE(FXSR),
    T_FEATURE(SSE), T_FEATURE(SSE2), T_FEATURE(SSE3), T_FEATURE(SSSE3), T_FEATURE(SSE41),
    T_FEATURE(SSE42), T_FEATURE(POPCNT), T_FEATURE(CLFSH), T_FEATURE(CX16), T_FEATURE(RDTSCP),
    T_FEATURE(LAHF64), T_FEATURE(PREFETCH), T_FEATURE(PMC), T_FEATURE(3DNOW), T_FEATURE(3DNOWEXT),
    T_FEATURE(SMAP), T_FEATURE(XSAVE), T_FEATURE(XSAVEOPT), T_FEATURE(FSGSBASE), T_FEATURE(INVPCID),
    T_FEATURES = 0xFF << 16,
};

/* Handlers of an instruction by operand kinds. Register kinds: [0] normal, [1] without flags (or
 * NULL). Memory kinds and K_NONE: [0] flat 32-bit segments and addresses, [2] 64-bit mode without
 * FS, GS and address size prefix, [3] 16-bit code and addresses in MODE_WORD (all three: or NULL),
 * [1] any. By width: 8, 16, 32, 64 bits. */
enum kind { K_NONE, K_R, K_M, K_RR, K_RM, K_MR, K_RI, K_MI, K_COUNT };
struct family {
    exec_fn *h[K_COUNT][4][4];
};
/* A family of one handler for everything (system instructions, x87):
 * it looks at the record itself. */
#define ONE_(k, f)  [k] = { { f, f, f, f }, { f, f, f, f } }
#define ONE(f)      { .h = { ONE_(K_NONE, f), ONE_(K_R, f), ONE_(K_M, f), ONE_(K_RR, f), \
                             ONE_(K_RM, f), ONE_(K_MR, f), ONE_(K_RI, f), ONE_(K_MI, f) } }

struct op {
    const char *mnemonic;
    const struct family *family;
    uint32_t traits;
    uint8_t  form;
    bool     group;
};
#define ROW(mn, frm, fam, tr) \
    { .mnemonic = mn, .family = &family_##fam, .traits = (uint32_t)(tr), .form = frm }
#define FAMILY_DECLARE(name) extern const struct family family_##name

/* What a handler of kind K_NONE/K_R/K_M with width v needs and cannot see otherwise: decoded
 * into the record as: K_R: dst = register. K_RR: dst, src. K_RM: dst register, address of the
 * source. K_MR: address of the destination, src register. K_RI/K_MI: imm (sign-extended to
 * 32 bits where the form says so). IwIb: imm = w, disp = b. Ap: imm = offset, disp =
 * selector. Control/debug/segment registers: their number in dst or src. Three-operand forms
 * (GvEvIz, EvGvIb): RR/RM/MR plus imm.
 * Operand size for ONE() families: see insn_opsize(). */

/* Rows (opcodes.c). A code of no instruction has a row without a family; rows
 * with `group` are continued by modrm.reg. */
const struct op *opcode_row(uint16_t code);                         /* 00-FF, 0F00-0FFF */
const struct op *opcode_group_row(uint16_t code, uint8_t modrm);
const struct op *opcode_x87_row(uint8_t code, uint8_t modrm);       /* D8-DF */
const struct op *opcode_0f01_row(uint8_t modrm, bool prefixed);     /* mod 3; NULL: the group's */

/* Rows that a mandatory prefix chooses (MMX, SSE), and their operands (opcodes_simd.c). */
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
