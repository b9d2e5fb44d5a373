/* SPDX-License-Identifier: MIT
 * Rows of the opcode table but for those that a mandatory prefix chooses, and the table as a text
 * (vitro --opcodes). SDM vol. 2, appendix A.
 */
#include <stdio.h>
#include "cpu/cpu.h"
#include "cpu/families.h"
#include "cpu/opcodes.h"
#include "cpu/x87.h"

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

const struct op *opcode_row(uint16_t code) { return &ops[INDEX(code)]; }

const struct op *opcode_group_row(uint16_t code, uint8_t modrm)
{
    return &group_ops[INDEX(code) * 8 + (modrm >> 3 & 7)];
}

const struct op *opcode_x87_row(uint8_t code, uint8_t modrm)
{
    return modrm < 0xC0 ? &x87_memory_ops[code - 0xD8][modrm >> 3 & 7]
                        : &x87_register_ops[code - 0xD8][modrm & 63];
}

/* 0F 01 with mod 3 has an instruction for each modrm (SDM vol. 2, table A-6),
 * most of them without prefixes. */
const struct op *opcode_0f01_row(uint8_t modrm, bool prefixed)
{
    static const struct { uint8_t modrm; bool plain; struct op op; } rows[] = {
        { 0xCA, true, ROW("clac", F_NONE, clac, T_SMAP) },
        { 0xCB, true, ROW("stac", F_NONE, stac, T_SMAP) },
        { 0xD0, true, ROW("xgetbv", F_NONE, xgetbv, T_XSAVE) },
        { 0xD1, true, ROW("xsetbv", F_NONE, xsetbv, T_XSAVE | T_CPL0 | T_END) },
        { 0xF8, false, ROW("swapgs", F_NONE, swapgs, T_O64 | T_CPL0) },
        { 0xF9, false, ROW("rdtscp", F_NONE, rdtscp, T_RDTSCP) },
    };
    for (unsigned n = 0; n < COUNT_OF(rows); n++)
        if (rows[n].modrm == modrm && !(rows[n].plain && prefixed)) return &rows[n].op;
    return NULL;
}

/* ---- the manual ------------------------------------------------------------------------------ */
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
