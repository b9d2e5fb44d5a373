/* SPDX-License-Identifier: MIT
 * Rows of the opcode table that a mandatory prefix chooses (MMX, SSE), by map, prefix and opcode
 * byte, and their operand forms. SDM vol. 2, 2.1.2 (mandatory prefixes), appendix A.2.1 and A.4.
 */
#include <stdio.h>
#include "cpu/families.h"
#include "cpu/opcodes.h"
#include "cpu/simd.h"

#define MAP(code)                                                                                  \
    ((code) < 0x10000 ? MAP_0F : (code) < 0x0F1000 ? MAP_3DNOW \
     : (code) < 0x0F3900 ? MAP_0F38 : MAP_0F3A)
#define SSE(prefix, code, mn, form, fam, tr)                                                       \
    [MAP(code)][prefix][(code)&0xFF] = ROW(mn, form, fam, tr),
#define SSEM(prefix, code, reg, mn, form, fam, tr)
#define SSER(prefix, code, reg, mn, form, fam, tr)
static const struct op rows[MAPS][PREFIXES][256] = {
#include "cpu/opcodes_mmx.def"
#include "cpu/opcodes_sse.def"
};
#undef SSE
#undef SSEM
#undef SSER

/* 0F 71-73 and 0F AE: by modrm.reg, memory forms first. */
enum { GROUPS = 4 };
#define GROUP_OF(code) ((code) == 0x0FAE ? 3 : (code) - 0x0F71)
#define SSE(prefix, code, mn, form, fam, tr)
#define SSEM(prefix, code, reg, mn, form, fam, tr)                                                 \
    [GROUP_OF(code)][prefix][reg] = ROW(mn, form, fam, tr),
#define SSER(prefix, code, reg, mn, form, fam, tr)                                                 \
    [GROUP_OF(code)][prefix][8 + (reg)] = ROW(mn, form, fam, tr),
static const struct op group_rows[GROUPS][PREFIXES][16] = {
#include "cpu/opcodes_mmx.def"
#include "cpu/opcodes_sse.def"
};

enum { SF_A = SIMD_F_ALIGNED, SF_I = SIMD_F_IMMEDIATE, SF_S = SIMD_F_STORE, SF_D = SIMD_F_DOUBLE };
#define SIMD_FORM(name, text, reg, rm, bytes, flags) { text, reg, rm, bytes, flags },
static const struct simd_form forms[] = {
#include "cpu/forms_simd.def"
};

static int group_of(enum simd_map map, uint8_t code)
{
    if (map != MAP_0F) return -1;
    return code == 0xAE ? 3 : code >= 0x71 && code <= 0x73 ? code - 0x71 : -1;
}

bool simd_is_group(enum simd_map map, uint8_t code) { return group_of(map, code) >= 0; }

const struct op *simd_row(enum simd_map map, enum simd_prefix prefix, uint8_t code)
{
    const struct op *op = &rows[map][prefix][code];
    return op->family ? op : NULL;
}

const struct op *simd_group_row(enum simd_prefix prefix, uint8_t code, uint8_t modrm)
{
    unsigned place = (modrm >> 3 & 7) | (modrm >= 0xC0 ? 8 : 0);
    const struct op *op = &group_rows[group_of(MAP_0F, code)][prefix][place];
    return op->family ? op : NULL;
}

const struct simd_form *simd_form(unsigned form)
{
    return form >= F_SIMD && form < F_COUNT ? &forms[form - F_SIMD] : NULL;
}

/* ---- the manual ------------------------------------------------------------------------------ */
void simd_print_opcodes(void (*row)(void *ctx, const char *bytes, const struct op *), void *ctx)
{
    static const char *const prefix_text[PREFIXES] = { "", "66 ", "F3 ", "F2 " };
    static const char *const map_text[MAPS] = { "0F", "0F 38", "0F 3A", "0F 0F .." };
    static const uint8_t group_code[GROUPS] = { 0x71, 0x72, 0x73, 0xAE };
    char bytes[24];
    for (unsigned n = 0; n < MAPS * PREFIXES * 256; n++) {
        unsigned map = n / (256 * PREFIXES), code = n / PREFIXES & 0xFF, prefix = n % PREFIXES;
        const struct op *op = &rows[map][prefix][code];
        snprintf(bytes, sizeof bytes, "%s%s %02X", prefix_text[prefix], map_text[map], code);
        if (op->family) row(ctx, bytes, op);
    }
    for (unsigned n = 0; n < GROUPS * PREFIXES * 16; n++) {
        unsigned group = n / (PREFIXES * 16), prefix = n / 16 % PREFIXES;
        const struct op *op = &group_rows[group][prefix][n & 15];
        snprintf(bytes, sizeof bytes, "%s0F %02X /%u", prefix_text[prefix], group_code[group],
                 n & 7);
        if (op->family) row(ctx, bytes, op);
    }
}
