/* SPDX-License-Identifier: MIT
 * Fused pairs: CMP or TEST and the conditional branch behind it, the commonest pair in any program. One
 * dispatch less, and the condition comes from the operands instead of the flags.
 * Only forms that cannot fault or call out: an exact stop may fall between the two only if the trace
 * was built that short (see trace.c), so time stays exact.
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

enum { FUSE_CMP_RR, FUSE_CMP_RI, FUSE_TEST_RR, FUSE_TEST_RI, FUSE_COUNT };
#define CCS(f, w)                                                                           \
    { f##_0_##w, f##_1_##w, f##_2_##w, f##_3_##w, f##_4_##w, f##_5_##w, f##_6_##w, f##_7_##w, \
      f##_8_##w, f##_9_##w, f##_10_##w, f##_11_##w, f##_12_##w, f##_13_##w, f##_14_##w, f##_15_##w }
#define FLAT(form)   { CCS(form##f, 8), CCS(form##f, 16), CCS(form##f, 32) }
#define LONG(form)   { CCS(form##l, 8), CCS(form##l, 16), CCS(form##l, 32), CCS(form##l, 64) }
/* By mode (flat, 64-bit), kind, width, condition. */
static exec_fn *const fused[2][FUSE_COUNT][4][16] = {
    { FLAT(cmp_rr), FLAT(cmp_ri), FLAT(test_rr), FLAT(test_ri) },
    { LONG(cmp_rr), LONG(cmp_ri), LONG(test_rr), LONG(test_ri) },
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
    for (unsigned form = 0; form < FUSE_COUNT; form++) {
        const struct family *f = form < FUSE_TEST_RR ? &family_cmp : &family_test;
        enum kind kind = form & 1 ? K_RI : K_RR;
        if (first->family == f && i->exec == f->h[kind][0][width])
            return fused[is_wide(i + 1, cc)][form][width][cc];
    }
    return NULL;
}
