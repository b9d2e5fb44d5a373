/* SPDX-License-Identifier: MIT
 * The decoder: prefixes, opcode row, ModRM and SIB, immediates; then the handler by operand kinds,
 * width and mode. SDM vol. 2, chapter 2 and appendix A.
 * Not implemented: VEX and XOP prefixes.
 */
#include "cpu/decode.h"
#include "cpu/families.h"
#include "cpu/simd.h"
#include "cpu/x87.h"

/* ---- the table ------------------------------------------------------------------------------- */
#define ROW(mn, frm, fam, tr) \
    { .mnemonic = mn, .family = &family_##fam, .traits = (uint32_t)(tr), .form = frm }
#define INDEX(code) ((code) >= 0x0F00 ? 256 + ((code) & 0xFF) : (code))

#define OP(code, mn, form, fam, tr)        [INDEX(code)] = ROW(mn, form, fam, tr),
#define GROUP(code)                        [INDEX(code)] = { .group = true },
#define OPR(code, reg, mn, form, fam, tr)
static const struct op ops[512] = {
#include "cpu/opcodes.def"
#include "cpu/opcodes_0f.def"
};
#undef OP
#undef GROUP
#undef OPR
#define OP(code, mn, form, fam, tr)
#define GROUP(code)
#define OPR(code, reg, mn, form, fam, tr)  [INDEX(code) * 8 + (reg)] = ROW(mn, form, fam, tr),
static const struct op group_ops[512 * 8] = {
#include "cpu/opcodes.def"
#include "cpu/opcodes_0f.def"
};
#undef OP
#undef GROUP
#undef OPR
#define X87M(code, reg, mn, form, fam, tr)         [(code) - 0xD8][reg] = ROW(mn, form, fam, tr),
#define X87R(code, modrm, mn, form, fam, tr)
#define X87RR(code, first, last, mn, form, fam, tr)
static const struct op x87_memory_ops[8][8] = {
#include "cpu/opcodes_x87.def"
};
#undef X87M
#undef X87R
#undef X87RR
#define X87M(code, reg, mn, form, fam, tr)
#define X87R(code, modrm, mn, form, fam, tr) \
    [(code) - 0xD8][(modrm) - 0xC0] = ROW(mn, form, fam, tr),
#define X87RR(code, first, last, mn, form, fam, tr) \
    [(code) - 0xD8][(first) - 0xC0 ... (last) - 0xC0] = ROW(mn, form, fam, tr),
static const struct op x87_register_ops[8][64] = {
#include "cpu/opcodes_x87.def"
};

/* Where 64-bit mode has another instruction. */
static const struct op movsxd_op = ROW("movsxd", F_GvEd, movsxd, T_PURE | T_O64);
static const struct op xchg_r8_op = ROW("xchg", F_rAXZv, xchg, T_PURE | T_O64);
static const struct op undefined_op = ROW("(undefined)", F_NONE, undefined, T_END);
static const struct op too_long_op = ROW("(too long)", F_NONE, too_long, T_END);

/* ---- reading bytes --------------------------------------------------------------------------- */
struct reader {
    const uint8_t *at;
    size_t left;
    bool   short_of;               /* ran out: more bytes are needed */
};
static uint64_t take(struct reader *r, unsigned n)
{
    uint64_t v = 0;
    if (r->left < n) { r->short_of = true; return 0; }
    for (unsigned k = 0; k < n; k++) v |= (uint64_t)r->at[k] << 8 * k;
    r->at += n;
    r->left -= n;
    return v;
}
static uint32_t take_signed(struct reader *r, unsigned n)
{
    uint64_t v = take(r, n);
    return n == 1 ? (uint32_t)(int8_t)v : n == 2 ? (uint32_t)(int16_t)v : (uint32_t)v;
}

/* ---- one instruction ------------------------------------------------------------------------- */
struct work {
    struct reader r;
    struct insn  *out;
    unsigned mode;
    bool     lock, rep, repne, has66, has67;
    uint8_t  rex;
    int      seg;                  /* override, -1: none */
    unsigned asize, opsize;        /* 0 16, 1 32, 2 64; log2 bytes */
    uint16_t code;
    uint8_t  modrm;
    bool     memory;               /* ModRM with a memory operand */
    enum kind kind;
    unsigned width;                /* log2 bytes */
    const struct family *instead;  /* of the row's family: MOV with 64-bit immediate or address */
};
/* Distances from the trace's start must fit 32 bits; a trace is shorter than 64 KiB. */
#define TOO_FAR (INT32_MAX - 0x10000)

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
static void modrm(struct work *w)
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

static bool has_modrm(enum form f)
{
    return (f >= F_Eb && f <= F_EvCL) || f == F_EvSw || f == F_SwEw ||
           (f >= F_RdCd && f <= F_DdRd) || f == F_MODRM;
}

static void operands(struct work *w, enum form form)
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

static void simd_operands(struct work *w, const struct simd_form *f)
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
static void segment_operand(struct work *w, const struct op *op)
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

/* 0F 01 with mod 3 has an instruction for each modrm (SDM vol. 2, table A-6),
 * most of them without prefixes. */
static const struct op *exact_op(const struct work *w)
{
    static const struct { uint8_t modrm; bool plain; struct op op; } rows[] = {
        { 0xCA, true, ROW("clac", F_NONE, clac, T_SMAP) },
        { 0xCB, true, ROW("stac", F_NONE, stac, T_SMAP) },
        { 0xD0, true, ROW("xgetbv", F_NONE, xgetbv, T_XSAVE) },
        { 0xD1, true, ROW("xsetbv", F_NONE, xsetbv, T_XSAVE | T_CPL0 | T_END) },
        { 0xF8, false, ROW("swapgs", F_NONE, swapgs, T_O64 | T_CPL0) },
        { 0xF9, false, ROW("rdtscp", F_NONE, rdtscp, T_RDTSCP) },
    };
    bool prefixed = w->has66 || w->rep || w->repne;
    for (unsigned n = 0; n < COUNT_OF(rows); n++)
        if (rows[n].modrm == w->modrm && !(rows[n].plain && prefixed)) return &rows[n].op;
    return NULL;
}

/* Maps 0F, 0F 38, 0F 3A with their mandatory prefix;
 * NULL: no such row (0F: the general table has it). */
static const struct op *look_up_simd(struct work *w, enum simd_map map, uint8_t code)
{
    enum simd_prefix prefix = w->repne ? PF2 : w->rep ? PF3 : w->has66 ? P66 : NP;
    if (simd_is_group(map, code)) {
        modrm(w);
        return simd_group_row(prefix, code, w->modrm);
    }
    const struct op *op = simd_row(map, prefix, code);
    if (op && op->form != F_NONE) modrm(w);
    return op;
}

/* 3DNow!: the opcode is where an immediate would be;
 * prefixes mean nothing (AMD 21928, "Encoding"). */
static const struct op *look_up_3dnow(struct work *w)
{
    modrm(w);
    const struct op *op = simd_row(MAP_3DNOW, NP, (uint8_t)take(&w->r, 1));
    return op ? op : &undefined_op;
}

static const struct op *look_up(struct work *w)
{
    unsigned index = (unsigned)take(&w->r, 1);
    w->code = (uint16_t)index;
    if (index == 0x0F) {
        w->code = (uint16_t)(0x0F00 | take(&w->r, 1));
        if (w->code == 0x0F0F) return look_up_3dnow(w);
        index = INDEX(w->code);
        enum simd_map map = w->code == 0x0F38 ? MAP_0F38 : w->code == 0x0F3A ? MAP_0F3A : MAP_0F;
        const struct op *op = look_up_simd(w, map,
                                           (uint8_t)(map == MAP_0F ? w->code : take(&w->r, 1)));
        if (op) return op;
        if (map != MAP_0F) return &undefined_op;
    }
    if (w->code >= 0xD8 && w->code <= 0xDF) {
        modrm(w);
        w->out->opcode = (uint32_t)((w->code & 7) << 8 | w->modrm);
        w->out->src = w->modrm & 7;
        return w->memory ? &x87_memory_ops[w->code - 0xD8][w->modrm >> 3 & 7]
                         : &x87_register_ops[w->code - 0xD8][w->modrm & 63];
    }
    const struct op *op = &ops[index];
    if (w->mode & MODE_LONG && index == 0x63) op = &movsxd_op;
    if (w->mode & MODE_LONG && index == 0x90 && w->rex & 1) op = &xchg_r8_op;
    if (op->group) {
        modrm(w);
        const struct op *exact = w->code == 0x0F01 && !w->memory ? exact_op(w) : NULL;
        if (exact) return exact;
        return &group_ops[index * 8 + (w->modrm >> 3 & 7)];
    }
    if (op->family && op->form >= F_RdCd && op->form <= F_DdRd) w->modrm = (uint8_t)take(&w->r, 1);
    else if (op->family && has_modrm(op->form)) modrm(w);
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
        if (simd) simd_operands(&w, simd);
        else operands(&w, op->form);
        segment_operand(&w, op);
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

/* ---- the manual ------------------------------------------------------------------------------ */
#include <stdio.h>
static const char *const form_text[F_COUNT] = {
    [F_NONE] = "", [F_Eb] = "Eb", [F_Ev] = "Ev", [F_Ew] = "Ew", [F_Ep] = "Ep", [F_M] = "M",
    [F_Rv] = "Rv", [F_EbGb] = "Eb, Gb", [F_EvGv] = "Ev, Gv", [F_EwGw] = "Ew, Gw",
    [F_GbEb] = "Gb, Eb", [F_GvEv] = "Gv, Ev", [F_GvM] = "Gv, M", [F_GvMp] = "Gv, Mp",
    [F_GvEb] = "Gv, Eb", [F_GvEw] = "Gv, Ew", [F_GvEd] = "Gv, Ed", [F_EbIb] = "Eb, Ib",
    [F_EvIz] = "Ev, Iz", [F_EvIbs] = "Ev, Ib (signed)", [F_EvIb] = "Ev, Ib",
    [F_GvEvIz] = "Gv, Ev, Iz", [F_GvEvIbs] = "Gv, Ev, Ib (signed)", [F_EvGvIb] = "Ev, Gv, Ib",
    [F_EvGvCL] = "Ev, Gv, CL", [F_Eb1] = "Eb, 1", [F_Ev1] = "Ev, 1", [F_EbCL] = "Eb, CL",
    [F_EvCL] = "Ev, CL", [F_ALIb] = "AL, Ib", [F_rAXIz] = "rAX, Iz", [F_rAXIb] = "eAX, Ib",
    [F_Zv] = "Zv", [F_Zy] = "Zy", [F_ZbIb] = "Zb, Ib", [F_ZvIv] = "Zv, Iv", [F_rAXZv] = "rAX, Zv",
    [F_ALOb] = "AL, Ob", [F_rAXOv] = "rAX, Ov", [F_ObAL] = "Ob, AL", [F_OvrAX] = "Ov, rAX",
    [F_EvSw] = "Ev, Sw", [F_SwEw] = "Sw, Ew", [F_RdCd] = "Rd, Cd", [F_CdRd] = "Cd, Rd",
    [F_RdDd] = "Rd, Dd", [F_DdRd] = "Dd, Rd", [F_Jb] = "Jb", [F_Jz] = "Jz", [F_Ap] = "Ap",
    [F_Iw] = "Iw", [F_IwIb] = "Iw, Ib", [F_Ib] = "Ib", [F_Ibs] = "Ib (signed)", [F_Iz] = "Iz",
    [F_Xb] = "(byte)", [F_Xv] = "(v)", [F_ALDX] = "AL, DX", [F_eAXDX] = "eAX, DX",
    [F_MODRM] = "(modrm)",
};
const char *op_form_text(const struct op *op)
{
    const struct simd_form *simd = simd_form(op->form);
    return simd ? simd->text : form_text[op->form];
}
static void print_row(void (*line)(void *, const char *), void *ctx, const char *bytes,
                      const struct op *op)
{
    static const struct { uint32_t trait; const char *text; } notes[] = {
        { T_LOCK, "LOCK" }, { T_I64, "not in 64-bit mode" }, { T_D64, "64-bit default" },
        { T_F64, "64-bit forced" }, { T_CPL0, "CPL 0" }, { T_PROT, "protected mode" },
        { T_REP, "REP" }, { T_UNDOC, "undocumented" },
        { T_END, "ends trace" },
    };
    char text[160];
    int n = snprintf(text, sizeof text, "%-11s %-10s %-20s", bytes, op->mnemonic, op_form_text(op));
    for (size_t k = 0; k < COUNT_OF(notes); k++)
        if (op->traits & notes[k].trait && n > 0 && (size_t)n < sizeof text)
            n += snprintf(text + n, sizeof text - (size_t)n, " [%s]", notes[k].text);
    line(ctx, text);
}
struct printer { void (*line)(void *, const char *); void *ctx; };
static void print_simd_row(void *ctx, const char *bytes, const struct op *op)
{
    const struct printer *p = ctx;
    print_row(p->line, p->ctx, bytes, op);
}
void cpu_print_opcodes(void (*line)(void *ctx, const char *text), void *ctx)
{
    char bytes[16];
    for (unsigned k = 0; k < 512; k++) {
        const char *escape = k < 256 ? "" : "0F ";
        if (ops[k].family) {
            snprintf(bytes, sizeof bytes, "%s%02X", escape, k & 0xFF);
            print_row(line, ctx, bytes, &ops[k]);
        }
        for (unsigned reg = 0; ops[k].group && reg < 8; reg++)
            if (group_ops[k * 8 + reg].family) {
                snprintf(bytes, sizeof bytes, "%s%02X /%u", escape, k & 0xFF, reg);
                print_row(line, ctx, bytes, &group_ops[k * 8 + reg]);
            }
    }
    for (unsigned k = 0; k < 64; k++)
        if (x87_memory_ops[k >> 3][k & 7].family) {
            snprintf(bytes, sizeof bytes, "%02X /%u", 0xD8 + (k >> 3), k & 7);
            print_row(line, ctx, bytes, &x87_memory_ops[k >> 3][k & 7]);
        }
    for (unsigned k = 0; k < 512; k++)
        if (x87_register_ops[k >> 6][k & 63].family) {
            snprintf(bytes, sizeof bytes, "%02X %02X", 0xD8 + (k >> 6), 0xC0 + (k & 63));
            print_row(line, ctx, bytes, &x87_register_ops[k >> 6][k & 63]);
        }
    struct printer p = { line, ctx };
    simd_print_opcodes(print_simd_row, &p);
}
