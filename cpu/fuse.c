/* SPDX-License-Identifier: MIT
 * Fused pairs: CMP or TEST and the conditional branch behind it, the commonest pair in any program. One
 * dispatch less, and the condition comes from the operands instead of the flags.
 * Only forms that cannot fault or call out: an exact stop may fall between the two only if the trace
 * was built that short (see build.c), so time stays exact.
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
/* A row: family and kind of the comparison; handlers by mode (flat, 64-bit), width, condition. */
struct fused {
    const struct family *family;
    enum kind kind;
    exec_fn *h[2][4][16];
};
#define ALL(name)     { { CCS(name##f, 8), CCS(name##f, 16), CCS(name##f, 32) }, \
                        { CCS(name##l, 8), CCS(name##l, 16), CCS(name##l, 32), CCS(name##l, 64) } }
static const struct fused table[] = {
    { &family_cmp, K_RR, ALL(cmp_rr) },       { &family_cmp, K_RI, ALL(cmp_ri) },
    { &family_test, K_RR, ALL(test_rr) },     { &family_test, K_RI, ALL(test_ri) },
};

static const struct family *const branches[16] = {
    &family_jcc_0, &family_jcc_1, &family_jcc_2, &family_jcc_3, &family_jcc_4, &family_jcc_5,
    &family_jcc_6, &family_jcc_7, &family_jcc_8, &family_jcc_9, &family_jcc_10, &family_jcc_11,
    &family_jcc_12, &family_jcc_13, &family_jcc_14, &family_jcc_15,
};
static bool is_wide(const struct insn *jcc, int cc) { return jcc->exec == branches[cc]->h[K_NONE][2][3]; }

int branch_out(const struct op *branch, const struct insn *jcc)
{
    for (int cc = 0; cc < 16; cc++)
        if (branch->family == branches[cc])
            return is_wide(jcc, cc) || jcc->exec == branches[cc]->h[K_NONE][0][2] ? cc : -1;
    return -1;
}

bool is_jump(const struct insn *i)
{
    return i->exec == family_jmp.h[K_NONE][0][2] || i->exec == family_jmp.h[K_NONE][2][3];
}

void branch_turn(struct insn *jcc, int cc)
{
    jcc->exec = is_wide(jcc, cc) ? branches[cc ^ 1]->h[K_NONE][2][3] : branches[cc ^ 1]->h[K_NONE][0][2];
}

exec_fn *fuse(const struct op *first, const struct insn *i, int cc)
{
    unsigned width = i->asize >> 2 & 3;
    bool wide = is_wide(i + 1, cc);
    for (unsigned n = 0; n < COUNT_OF(table); n++) {
        const struct fused *f = &table[n];
        if (first->family == f->family && i->exec == f->family->h[f->kind][0][width])
            return f->h[wide][width][cc];
    }
    return NULL;
}
