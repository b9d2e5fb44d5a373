/* SPDX-License-Identifier: MIT
 * Operands of an instruction: ModRM, SIB, displacement, registers, immediates.
 * SDM vol. 2, 2.1.3-2.1.5 (ModRM, SIB), 2.2.1 (REX), appendix A.2 (operand forms).
 */
#include "cpu/decode_operands.h"
#include "cpu/families.h"
#include "cpu/simd.h"

static uint8_t byte_register(const struct work *w, unsigned n)
{
    if (n >= 4 && n < 8 && !w->rex) return (uint8_t)((n - 4) * 8 + (REG_LOW_BYTE ^ 1));
    return (uint8_t)(n * 8 + REG_LOW_BYTE);
}
static uint8_t reg_number(const struct work *w)
{
    return (uint8_t)((w->modrm >> 3 & 7) | (w->rex & 4) << 1);
}
static uint8_t rm_number(const struct work *w)
{
    return (uint8_t)((w->modrm & 7) | (w->rex & 1) << 3);
}

/* 16-bit addressing (SDM vol. 2, table 2-1). */
static void address16(struct work *w)
{
    static const uint8_t base[8] = { RBX, RBX, RBP, RBP, RSI, RDI, RBP, RBX };
    static const uint8_t index[8] = { RSI, RDI, RSI, RDI, REG_ZERO, REG_ZERO, REG_ZERO, REG_ZERO };
    unsigned mod = w->modrm >> 6, rm = w->modrm & 7;
    w->out->base = base[rm];
    w->out->index = index[rm];
    if (mod == 0 && rm == 6) {
        w->out->base = REG_ZERO;
        w->out->disp = (int32_t)take(&w->r, 2);
    } else if (mod) {
        w->out->disp = (int32_t)take_signed(&w->r, mod);
    }
    w->out->seg = w->out->base == RBP ? SS : DS;
}
/* 32- and 64-bit addressing (tables 2-2, 2-3). */
static void address32(struct work *w)
{
    unsigned mod = w->modrm >> 6, rm = w->modrm & 7;
    w->out->base = rm_number(w);
    w->out->index = REG_ZERO;
    w->out->seg = DS;
    if (rm == 4) {
        uint8_t sib = (uint8_t)take(&w->r, 1);
        unsigned index = (sib >> 3 & 7) | (w->rex & 2) << 2;
        w->out->base = (uint8_t)((sib & 7) | (w->rex & 1) << 3);
        if (index != 4) w->out->index = (uint8_t)index;
        w->out->scale = sib >> 6;
        rm = sib & 7;
        if (rm == 5 && mod == 0) w->out->base = REG_ZERO;
    } else if (rm == 5 && mod == 0) {
        w->out->base = w->mode & MODE_LONG ? REG_RIP : REG_ZERO;
    }
    if (w->out->base == RSP || w->out->base == RBP) w->out->seg = SS;
    if (mod == 1) w->out->disp = (int32_t)take_signed(&w->r, 1);
    else if (mod == 2 || w->out->base >= REG_ZERO) w->out->disp = (int32_t)take(&w->r, 4);
    if (w->out->base == REG_RIP && w->out->disp > TOO_FAR) {
        w->out->disp -= 0x10000;
        w->out->index = REG_64K;
    }
}
void decode_modrm(struct work *w)
{
    w->modrm = (uint8_t)take(&w->r, 1);
    w->memory = w->modrm < 0xC0;
    if (!w->memory) return;
    if (w->asize == 0) address16(w);
    else address32(w);
    if (w->seg >= 0) w->out->seg = (uint8_t)w->seg;
}
static bool fits32(uint64_t v) { return (uint64_t)(int64_t)(int32_t)v == v; }

static void offset_operand(struct work *w)
{
    uint64_t at = take(&w->r, w->asize == 0 ? 2 : w->asize == 1 ? 4 : 8);
    w->out->base = w->out->index = REG_ZERO;
    if (w->asize < 2 || fits32(at)) {
        w->out->disp = (int32_t)at;
    } else {
        w->out->imm64 = at;
        w->instead = &family_mov_absolute;
    }
    w->out->seg = (uint8_t)(w->seg >= 0 ? w->seg : DS);
    w->memory = true;
}
static uint32_t immediate_z(struct work *w)
{
    return take_signed(&w->r, w->width == 1 ? 2 : 4);
}

/* rm is destination or source; the other operand is modrm.reg. */
static void rm_reg(struct work *w, bool rm_is_destination, bool byte)
{
    unsigned reg = reg_number(w), rm = rm_number(w);
    uint8_t g = byte ? byte_register(w, reg) : (uint8_t)reg,
            e = byte ? byte_register(w, rm) : (uint8_t)rm;
    w->out->dst = rm_is_destination ? e : g;
    w->out->src = rm_is_destination ? g : e;
    if (w->memory && rm_is_destination) w->out->dst = 0;
    w->kind = !w->memory ? K_RR : rm_is_destination ? K_MR : K_RM;
}
static void rm_only(struct work *w, bool byte, bool immediate)
{
    w->out->dst = byte ? byte_register(w, rm_number(w)) : rm_number(w);
    w->kind = w->memory ? (immediate ? K_MI : K_M) : (immediate ? K_RI : K_R);
}

void decode_operands(struct work *w, enum form form)
{
    struct insn *o = w->out;
    switch (form) {
    case F_Eb: w->width = 0; rm_only(w, true, false); break;
    case F_Ev: case F_Ep: case F_M: case F_Rv: rm_only(w, false, false); break;
    case F_Ew:
        rm_only(w, false, false);
        o->src = o->dst;
        break;
    case F_EbGb: w->width = 0; rm_reg(w, true, true); break;
    case F_EvGv: rm_reg(w, true, false); break;
    case F_EwGw: w->width = 1; rm_reg(w, true, false); break;
    case F_GbEb: w->width = 0; rm_reg(w, false, true); break;
    case F_GvEv: case F_GvEw: case F_GvEd: case F_GvM: rm_reg(w, false, false); break;
    case F_GvMp: rm_reg(w, false, false); break;
    case F_GvEb:
        rm_reg(w, false, false);
        o->src = byte_register(w, rm_number(w));
        break;
    case F_EbIb: w->width = 0; rm_only(w, true, true); o->imm = take_signed(&w->r, 1); break;
    case F_EvIz: rm_only(w, false, true); o->imm = immediate_z(w); break;
    case F_EvIbs: rm_only(w, false, true); o->imm = take_signed(&w->r, 1); break;
    case F_EvIb: rm_only(w, false, true); o->imm = (uint32_t)take(&w->r, 1); break;
    case F_GvEvIz: rm_reg(w, false, false); o->imm = immediate_z(w); break;
    case F_GvEvIbs: rm_reg(w, false, false); o->imm = take_signed(&w->r, 1); break;
    case F_EvGvIb: rm_reg(w, true, false); o->imm = (uint32_t)take(&w->r, 1); break;
    case F_EvGvCL: rm_reg(w, true, false); break;
    case F_Eb1: w->width = 0; rm_only(w, true, true); o->imm = 1; break;
    case F_Ev1: rm_only(w, false, true); o->imm = 1; break;
    case F_EbCL: w->width = 0; rm_only(w, true, false); break;
    case F_EvCL: rm_only(w, false, false); break;
    case F_ALIb:
        w->width = 0;
        o->dst = REG_AL;
        o->imm = take_signed(&w->r, 1);
        w->kind = K_RI;
        break;
    case F_rAXIz: o->dst = RAX; o->imm = immediate_z(w); w->kind = K_RI; break;
    case F_rAXIb: o->dst = RAX; o->imm = take_signed(&w->r, 1); w->kind = K_RI; break;
    case F_Zv: case F_Zy:
        o->dst = (uint8_t)((w->code & 7) | (w->rex & 1) << 3);
        w->kind = K_R;
        break;
    case F_ZbIb:
        w->width = 0;
        o->dst = byte_register(w, (w->code & 7) | (w->rex & 1) << 3);
        o->imm = take_signed(&w->r, 1);
        w->kind = K_RI;
        break;
    case F_ZvIv:
        o->dst = (uint8_t)((w->code & 7) | (w->rex & 1) << 3);
        if (w->width == 3) o->imm64 = take(&w->r, 8);
        else o->imm = immediate_z(w);
        if (w->width == 3) w->instead = &family_mov_imm64;
        w->kind = K_RI;
        break;
    case F_rAXZv:
        o->dst = RAX;
        o->src = (uint8_t)((w->code & 7) | (w->rex & 1) << 3);
        w->kind = K_RR;
        break;
    case F_ALOb: w->width = 0; o->dst = REG_AL; offset_operand(w); w->kind = K_RM; break;
    case F_rAXOv: o->dst = RAX; offset_operand(w); w->kind = K_RM; break;
    case F_ObAL: w->width = 0; o->src = REG_AL; offset_operand(w); w->kind = K_MR; break;
    case F_OvrAX: o->src = RAX; offset_operand(w); w->kind = K_MR; break;
    case F_EvSw:
        rm_reg(w, true, false);
        o->src = w->modrm >> 3 & 7;
        break;
    case F_SwEw:
        rm_reg(w, false, false);
        o->dst = w->modrm >> 3 & 7;
        break;
    case F_RdCd: case F_RdDd: case F_CdRd: case F_DdRd:
        /* mod is ignored: always a register (SDM vol. 2, MOV CRn) */
        w->width = w->mode & MODE_LONG ? 3 : 2;
        w->memory = false;
        o->dst = form == F_RdCd || form == F_RdDd ? rm_number(w) : reg_number(w);
        o->src = form == F_RdCd || form == F_RdDd ? reg_number(w) : rm_number(w);
        w->kind = K_RR;
        break;
    case F_Jb: o->imm = take_signed(&w->r, 1); break;
    case F_Jz: o->imm = immediate_z(w); break;
    case F_Ap:
        o->imm = (uint32_t)take(&w->r, w->width == 1 ? 2 : 4);
        o->disp = (int32_t)take(&w->r, 2);
        break;
    case F_Iw: o->imm = (uint32_t)take(&w->r, 2); break;
    case F_IwIb: o->imm = (uint32_t)take(&w->r, 2); o->disp = (int32_t)take(&w->r, 1); break;
    case F_Ib: o->imm = (uint32_t)take(&w->r, 1); break;
    case F_Ibs: o->imm = take_signed(&w->r, 1); w->kind = K_RI; break;
    case F_Iz: o->imm = immediate_z(w); w->kind = K_RI; break;
    case F_Xb:
        w->width = 0;
        o->seg = (uint8_t)(w->seg >= 0 ? w->seg : DS);
        w->kind = w->rep || w->repne ? K_R : K_NONE;
        break;
    case F_Xv:
        o->seg = (uint8_t)(w->seg >= 0 ? w->seg : DS);
        w->kind = w->rep || w->repne ? K_R : K_NONE;
        break;
    case F_ALDX: w->width = 0; break;
    case F_MODRM: w->kind = w->memory ? K_M : K_R; break;
    default: break;
    }
}

/* MMX has 8 registers: REX bits do not count. */
static uint8_t simd_number(unsigned file, uint8_t n) { return file == FILE_P ? n & 7 : n; }

void decode_simd_operands(struct work *w, const struct simd_form *f)
{
    struct insn *o = w->out;
    bool wide = w->rex & 8, store = f->flags & SIMD_F_STORE, twice = f->flags & SIMD_F_DOUBLE;
    uint8_t reg = simd_number(f->reg, reg_number(w)), rm = simd_number(f->rm, rm_number(w));
    unsigned bytes = f->bytes ? f->bytes : wide ? 8 : 4;
    if (f->reg != f->rm || f->reg == FILE_G) w->width = wide ? SIMD_W_G64 : SIMD_W_G32;
    else w->width = f->reg == FILE_P ? SIMD_W_P : SIMD_W_V;
    w->kind = !w->memory ? K_RR : store ? K_MR : K_RM;
    o->dst = !store && !twice ? reg : w->memory ? 0 : rm;
    o->src = store ? reg : w->memory ? 0 : rm;
    if (!w->memory) o->seg = (uint8_t)(w->seg >= 0 ? w->seg : DS);     /* of DS:rDI (MASKMOVQ) */
    if (f->flags & SIMD_F_IMMEDIATE) o->imm = (uint32_t)take(&w->r, 1);
    o->opcode = bytes | (f->flags & SIMD_F_ALIGNED ? SIMD_ALIGNED : 0) | (store ? SIMD_STORE : 0) |
                (wide ? SIMD_WIDE : 0) | (store ? f->rm : f->reg) << SIMD_DST_SHIFT |
                (store ? f->reg : f->rm) << SIMD_SRC_SHIFT;
}

/* PUSH/POP of a segment register and the registers of LSS, LFS, LGS, LES,
 * LDS come from the opcode. */
void decode_segment_operand(struct work *w, const struct op *op)
{
    struct insn *o = w->out;
    bool two = w->code >= 0x0F00;
    uint8_t low = (uint8_t)w->code;
    if (op->family == &family_push_seg || op->family == &family_pop_seg) {
        o->dst = low >> 3 & 7;                             /* 0FA0: FS = 4, 0FA8: GS = 5 */
    } else if (op->family == &family_load_far_pointer) {
        o->src = two ? (low == 0xB2 ? SS : low == 0xB4 ? FS : GS) : low == 0xC4 ? ES : DS;
    } else if (op->family == &family_xlat && !two) {
        o->seg = (uint8_t)(w->seg >= 0 ? w->seg : DS);
    }
}
