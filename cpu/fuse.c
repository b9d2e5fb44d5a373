/* SPDX-License-Identifier: MIT
 * Fused pairs: CMP or TEST and the conditional branch behind it, the commonest pair in any program.
 * One dispatch less, and the condition comes from the operands instead of the flags.
 * Only forms that cannot fault or call out: an exact stop may fall between the two only if the
 * trace was built that short (see build.c), so time stays exact.
 */
#include "cpu/fuse.h"
#include "cpu/cond.h"
#include "cpu/families.h"
#include "cpu/op.h"
#include "cpu/trace.h"

/* The branch is the next record; without it the trace goes on behind both. */
#define BRANCH_IF(condition)                                \
    if (condition) {                                        \
        c->rip = (uint32_t)(c->rip + (uint32_t)i[1].disp);  \
        FOLLOW_OUT(c, i + 1);                               \
    }                                                       \
    NEXT(c, i + 1)
#define BRANCH_IF_LONG(condition)                           \
    if (condition) {                                        \
        c->rip += (uint64_t)(int64_t)i[1].disp;             \
        FOLLOW_OUT(c, i + 1);                               \
    }                                                       \
    NEXT(c, i + 1)

#define BRANCH_IF_WORD(condition)                           \
    if (condition) return branch_word(c, i + 1, i[1].imm);        \
    NEXT(c, i + 1)

#define W 8
#include "cpu/op_fuse.inc"
#define W 16
#include "cpu/op_fuse.inc"
#define W 32
#include "cpu/op_fuse.inc"
#define W 64
#include "cpu/op_fuse.inc"

#define CCS(f, w)                                                                           \
    { f##_0_##w, f##_1_##w, f##_2_##w, f##_3_##w, f##_4_##w, f##_5_##w, f##_6_##w, f##_7_##w, \
      f##_8_##w, f##_9_##w, f##_10_##w, f##_11_##w, f##_12_##w, f##_13_##w, f##_14_##w, f##_15_##w }
/* A row: family and kind of the comparison; handlers by mode (flat, 64-bit, 16-bit),
 * width, condition. */
struct fused {
    const struct family *family;
    enum kind kind;
    exec_fn *h[3][4][16];
};
#define ALL(name)     { { CCS(name##f, 8), CCS(name##f, 16), CCS(name##f, 32) }, \
                        { CCS(name##l, 8), CCS(name##l, 16), CCS(name##l, 32), CCS(name##l, 64) }, \
                        { CCS(name##w, 8), CCS(name##w, 16), CCS(name##w, 32) } }
static const struct fused table[] = {
    { &family_cmp, K_RR, ALL(cmp_rr) },       { &family_cmp, K_RI, ALL(cmp_ri) },
    { &family_test, K_RR, ALL(test_rr) },     { &family_test, K_RI, ALL(test_ri) },
};

static const struct family *const branches[16] = {
    &family_jcc_0, &family_jcc_1, &family_jcc_2, &family_jcc_3, &family_jcc_4, &family_jcc_5,
    &family_jcc_6, &family_jcc_7, &family_jcc_8, &family_jcc_9, &family_jcc_10, &family_jcc_11,
    &family_jcc_12, &family_jcc_13, &family_jcc_14, &family_jcc_15,
};
/* Columns with branches that can leave a trace in its midst, and the width there. */
static const struct { uint8_t column, width; } out[] = { { 0, 2 }, { 2, 3 }, { 3, 1 } };

/* The row of out[] that the branch is of, or -1. */
static int mode_of(const struct insn *jcc, const struct family *f)
{
    for (int n = 0; n < (int)COUNT_OF(out); n++)
        if (jcc->exec == f->h[K_NONE][out[n].column][out[n].width]) return n;
    return -1;
}

int branch_out(const struct op *branch, const struct insn *jcc)
{
    for (int cc = 0; cc < 16; cc++)
        if (branch->family == branches[cc]) return mode_of(jcc, branches[cc]) >= 0 ? cc : -1;
    return -1;
}

bool is_jump(const struct insn *i) { return mode_of(i, &family_jmp) >= 0; }

void branch_turn(struct insn *jcc, int cc)
{
    int n = mode_of(jcc, branches[cc]);
    jcc->exec = branches[cc ^ 1]->h[K_NONE][out[n].column][out[n].width];
}

exec_fn *fuse(const struct op *first, const struct insn *i, int cc)
{
    unsigned width = i->asize >> 2 & 3;
    int mode = mode_of(i + 1, branches[cc]);
    for (unsigned n = 0; n < COUNT_OF(table); n++) {
        const struct fused *f = &table[n];
        if (first->family == f->family && i->exec == f->family->h[f->kind][0][width])
            return f->h[mode][width][cc];
    }
    return NULL;
}
