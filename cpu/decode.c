/* SPDX-License-Identifier: MIT
 * The decoder: prefixes, opcode row (opcodes*.c), operands (decode_operands.c); then the handler by
 * operand kinds, width and mode. SDM vol. 2, chapter 2 and appendix A.
 * Not implemented: VEX and XOP prefixes.
 */
#include "cpu/decode_operands.h"
#include "cpu/families.h"
#include "cpu/simd.h"

/* Where 64-bit mode has another instruction. */
static const struct op movsxd_op = ROW("movsxd", F_GvEd, movsxd, T_PURE | T_O64);
static const struct op xchg_r8_op = ROW("xchg", F_rAXZv, xchg, T_PURE | T_O64);
static const struct op undefined_op = ROW("(undefined)", F_NONE, undefined, T_END);
static const struct op too_long_op = ROW("(too long)", F_NONE, too_long, T_END);

static void prefixes(struct work *w)
{
    w->seg = -1;
    for (;;) {
        struct reader before = w->r;
        uint8_t b = (uint8_t)take(&w->r, 1);
        if (w->r.short_of) return;
        switch (b) {
        case 0x26: case 0x2E: case 0x36: case 0x3E:
            if (!(w->mode & MODE_LONG)) w->seg = (b >> 3) & 3;
            break;
        case 0x64: w->seg = FS; break;
        case 0x65: w->seg = GS; break;
        case 0x66: w->has66 = true; break;
        case 0x67: w->has67 = true; break;
        case 0xF0: w->lock = true; break;
        case 0xF2: w->repne = true; w->rep = false; break;
        case 0xF3: w->rep = true; w->repne = false; break;
        default:
            if (!(w->mode & MODE_LONG) || (b & 0xF0) != 0x40) {
                w->r = before;
                return;
            }
            w->rex = b;
            continue;
        }
        w->rex = 0;                /* REX counts only right before the opcode (SDM vol. 2, 2.2.1) */
    }
}

/* Without an x87 its instructions still take #NM, not #UD: no trait. */
static bool feature_there(const struct cpu_model *m, uint32_t traits)
{
    unsigned f = traits >> 16 & 0xFF;
    return !f || model_has(m, f);
}
static bool is_undefined(const struct cpu_model *m, const struct work *w, const struct op *op)
{
    uint32_t t = op->traits;
    if (!op->family || !feature_there(m, t)) return true;
    if (t & (w->mode & MODE_LONG ? T_I64 : T_O64)) return true;
    if (t & T_PROT && !(w->mode & MODE_PROT)) return true;
    if (t & T_MEM && !w->memory) return true;
    if (t & T_REGS && w->memory) return true;
    if (op->family == &family_mov_to_seg && (w->out->dst == CS || w->out->dst > GS)) return true;
    if (op->family == &family_mov_from_seg && w->out->src > GS) return true;
    if (w->mode & MODE_LONG && (op->family == &family_lahf || op->family == &family_sahf) &&
        !model_has(m, FEAT_LAHF64)) return true;
    return w->lock &&
           !(t & T_LOCK && w->memory && (w->kind == K_MR || w->kind == K_MI || w->kind == K_M));
}

static exec_fn *choose(struct work *w, const struct op *op, struct decoded *d)
{
    const struct family *family = w->instead ? w->instead : op->family;
    exec_fn *const (*h)[4] = family->h[w->kind];
    bool memory = w->kind == K_M || w->kind == K_RM || w->kind == K_MR || w->kind == K_MI;
    unsigned column = w->mode & MODE_FLAT ? 0 : w->mode & MODE_LONG ? 2
                    : w->mode & MODE_WORD ? 3 : 1;
    static const uint8_t asize[4] = { 1, 3, 2, 0 };        /* that the column is for */
    /* CS is flat, too, but not writable, and perhaps not readable. */
    bool plain = w->out->seg < FS && (column == 2 || w->out->seg != CS);
    if (memory && (w->asize != asize[column] || !plain)) column = 1;
    if (d->relative && (int32_t)w->out->imm > TOO_FAR) column = 1;
    d->quiet = NULL;
    if (memory || w->kind == K_NONE || op->traits & (T_STACK | T_REP))
        return h[column][w->width] ? h[column][w->width] : h[1][w->width];
    if (h[1][w->width] != h[0][w->width]) d->quiet = h[1][w->width];
    return h[0][w->width];
}

static void sizes(struct work *w)
{
    bool code32 = w->mode & MODE_CODE32;
    if (w->mode & MODE_LONG) {
        w->asize = w->has67 ? 1 : 2;
        w->opsize = w->rex & 8 ? 3 : w->has66 ? 1 : 2;
    } else {
        w->asize = code32 != w->has67;
        w->opsize = code32 != w->has66 ? 2 : 1;
    }
}

static bool has_modrm(enum form f)
{
    return (f >= F_Eb && f <= F_EvCL) || f == F_EvSw || f == F_SwEw ||
           (f >= F_RdCd && f <= F_DdRd) || f == F_MODRM;
}

/* Maps 0F, 0F 38, 0F 3A with their mandatory prefix;
 * NULL: no such row (0F: the general table has it). */
static const struct op *look_up_simd(struct work *w, enum simd_map map, uint8_t code)
{
    enum simd_prefix prefix = w->repne ? PF2 : w->rep ? PF3 : w->has66 ? P66 : NP;
    if (simd_is_group(map, code)) {
        decode_modrm(w);
        return simd_group_row(prefix, code, w->modrm);
    }
    const struct op *op = simd_row(map, prefix, code);
    if (op && op->form != F_NONE) decode_modrm(w);
    return op;
}

/* 3DNow!: the opcode is where an immediate would be;
 * prefixes mean nothing (AMD 21928, "Encoding"). */
static const struct op *look_up_3dnow(struct work *w)
{
    decode_modrm(w);
    const struct op *op = simd_row(MAP_3DNOW, NP, (uint8_t)take(&w->r, 1));
    return op ? op : &undefined_op;
}

static const struct op *look_up(struct work *w)
{
    w->code = (uint16_t)take(&w->r, 1);
    if (w->code == 0x0F) {
        w->code = (uint16_t)(0x0F00 | take(&w->r, 1));
        if (w->code == 0x0F0F) return look_up_3dnow(w);
        enum simd_map map = w->code == 0x0F38 ? MAP_0F38 : w->code == 0x0F3A ? MAP_0F3A : MAP_0F;
        const struct op *op = look_up_simd(w, map,
                                           (uint8_t)(map == MAP_0F ? w->code : take(&w->r, 1)));
        if (op) return op;
        if (map != MAP_0F) return &undefined_op;
    }
    if (w->code >= 0xD8 && w->code <= 0xDF) {
        decode_modrm(w);
        w->out->opcode = (uint32_t)((w->code & 7) << 8 | w->modrm);
        w->out->src = w->modrm & 7;
        return opcode_x87_row((uint8_t)w->code, w->modrm);
    }
    const struct op *op = opcode_row(w->code);
    if (w->mode & MODE_LONG && w->code == 0x63) op = &movsxd_op;
    if (w->mode & MODE_LONG && w->code == 0x90 && w->rex & 1) op = &xchg_r8_op;
    if (op->group) {
        decode_modrm(w);
        bool exact = w->code == 0x0F01 && !w->memory, prefixed = w->has66 || w->rep || w->repne;
        op = exact ? opcode_0f01_row(w->modrm, prefixed) : NULL;
        return op ? op : opcode_group_row(w->code, w->modrm);
    }
    if (op->family && op->form >= F_RdCd && op->form <= F_DdRd) w->modrm = (uint8_t)take(&w->r, 1);
    else if (op->family && has_modrm(op->form)) decode_modrm(w);
    return op;
}

/* A shift by a constant that is not 0 overwrites all flags (AF is undefined, and 0 here);
 * one by 0 none. */
static bool sets_by_count(const struct work *w, const struct op *op)
{
    bool shift = op->family == &family_shl || op->family == &family_shr ||
                 op->family == &family_sar;
    return shift && w->kind == K_RI && w->out->imm & (w->width == 3 ? 63 : 31);
}

static unsigned finish(struct work *w, const struct op *op, struct decoded *d, size_t length)
{
    struct insn *o = w->out;
    d->op = op;
    d->traits = op->traits;
    d->relative = op->form == F_Jb || op->form == F_Jz;
    d->reg_form = !w->memory || op->family == &family_lea || op->family == &family_nop;
    d->kind = (uint8_t)w->kind;
    d->joined = d->special = false;
    o->len = (uint8_t)length;
    o->asize = (uint8_t)(w->asize | w->width << 2 | (w->rep ? INSN_REP : 0) |
                         (w->repne ? INSN_REPNE : 0) | (w->memory ? 0 : INSN_REG));
    o->exec = choose(w, op, d);
    if (sets_by_count(w, op)) d->traits = (d->traits | T_SETS) & ~(uint32_t)T_LIVE;
    if (o->exec) return (unsigned)length;
    o->exec = family_undefined.h[K_NONE][1][0];            /* a form without this width */
    d->traits = T_END;
    return (unsigned)length;
}

unsigned decode(const struct cpu_model *m, unsigned mode, const uint8_t *bytes, size_t avail,
                struct insn *out, struct decoded *d)
{
    size_t usable = avail > INSN_MAX ? INSN_MAX : avail;
    struct work w = { .r = { bytes, usable, false }, .out = out, .mode = mode };
    *out = (struct insn){ .base = REG_ZERO, .index = REG_ZERO };
    prefixes(&w);
    sizes(&w);
    const struct op *op = w.r.short_of ? &undefined_op : look_up(&w);
    if (mode & MODE_LONG && op->traits & T_F64) w.opsize = 3;       /* 66 is ignored (Intel) */
    if (mode & MODE_LONG && op->traits & T_D64 && w.opsize == 2) w.opsize = 3;
    w.width = w.opsize;
    if (op->family) {
        const struct simd_form *simd = simd_form(op->form);
        if (simd) decode_simd_operands(&w, simd);
        else decode_operands(&w, op->form);
        decode_segment_operand(&w, op);
    }
    if (w.r.short_of) {
        if (avail < INSN_MAX) return 0;
        op = &too_long_op;
    } else if (is_undefined(m, &w, op)) {
        op = &undefined_op;
    }
    if (op == &undefined_op || op == &too_long_op) w.kind = K_NONE;
    size_t length = w.r.short_of ? INSN_MAX : (size_t)(w.r.at - bytes);
    return finish(&w, op, d, length);
}
