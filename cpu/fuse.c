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

#define BRANCH_IF(condition)                                \
    if (condition) {                                        \
        c->rip = (uint32_t)(c->rip + (uint32_t)i->disp);    \
        FOLLOW(c, i);                                       \
    }                                                       \
    c->rip = (uint32_t)(c->rip + (uint32_t)i[1].disp);      \
    FOLLOW(c, i + 1)

#define W 8
#include "cpu/op_fuse.inc"
#define W 16
#include "cpu/op_fuse.inc"
#define W 32
#include "cpu/op_fuse.inc"

enum { FUSE_CMP_RR, FUSE_CMP_RI, FUSE_TEST_RR, FUSE_TEST_RI, FUSE_COUNT };
static exec_fn *const fused[FUSE_COUNT][3][16] = {
    [FUSE_CMP_RR] = {
        { cmp_rr_0_8, cmp_rr_1_8, cmp_rr_2_8, cmp_rr_3_8, cmp_rr_4_8, cmp_rr_5_8, cmp_rr_6_8,
          cmp_rr_7_8, cmp_rr_8_8, cmp_rr_9_8, cmp_rr_10_8, cmp_rr_11_8, cmp_rr_12_8, cmp_rr_13_8,
          cmp_rr_14_8, cmp_rr_15_8 },
        { cmp_rr_0_16, cmp_rr_1_16, cmp_rr_2_16, cmp_rr_3_16, cmp_rr_4_16, cmp_rr_5_16, cmp_rr_6_16,
          cmp_rr_7_16, cmp_rr_8_16, cmp_rr_9_16, cmp_rr_10_16, cmp_rr_11_16, cmp_rr_12_16,
          cmp_rr_13_16, cmp_rr_14_16, cmp_rr_15_16 },
        { cmp_rr_0_32, cmp_rr_1_32, cmp_rr_2_32, cmp_rr_3_32, cmp_rr_4_32, cmp_rr_5_32, cmp_rr_6_32,
          cmp_rr_7_32, cmp_rr_8_32, cmp_rr_9_32, cmp_rr_10_32, cmp_rr_11_32, cmp_rr_12_32,
          cmp_rr_13_32, cmp_rr_14_32, cmp_rr_15_32 },
    },
    [FUSE_CMP_RI] = {
        { cmp_ri_0_8, cmp_ri_1_8, cmp_ri_2_8, cmp_ri_3_8, cmp_ri_4_8, cmp_ri_5_8, cmp_ri_6_8,
          cmp_ri_7_8, cmp_ri_8_8, cmp_ri_9_8, cmp_ri_10_8, cmp_ri_11_8, cmp_ri_12_8, cmp_ri_13_8,
          cmp_ri_14_8, cmp_ri_15_8 },
        { cmp_ri_0_16, cmp_ri_1_16, cmp_ri_2_16, cmp_ri_3_16, cmp_ri_4_16, cmp_ri_5_16, cmp_ri_6_16,
          cmp_ri_7_16, cmp_ri_8_16, cmp_ri_9_16, cmp_ri_10_16, cmp_ri_11_16, cmp_ri_12_16,
          cmp_ri_13_16, cmp_ri_14_16, cmp_ri_15_16 },
        { cmp_ri_0_32, cmp_ri_1_32, cmp_ri_2_32, cmp_ri_3_32, cmp_ri_4_32, cmp_ri_5_32, cmp_ri_6_32,
          cmp_ri_7_32, cmp_ri_8_32, cmp_ri_9_32, cmp_ri_10_32, cmp_ri_11_32, cmp_ri_12_32,
          cmp_ri_13_32, cmp_ri_14_32, cmp_ri_15_32 },
    },
    [FUSE_TEST_RR] = {
        { test_rr_0_8, test_rr_1_8, test_rr_2_8, test_rr_3_8, test_rr_4_8, test_rr_5_8, test_rr_6_8,
          test_rr_7_8, test_rr_8_8, test_rr_9_8, test_rr_10_8, test_rr_11_8, test_rr_12_8,
          test_rr_13_8, test_rr_14_8, test_rr_15_8 },
        { test_rr_0_16, test_rr_1_16, test_rr_2_16, test_rr_3_16, test_rr_4_16, test_rr_5_16,
          test_rr_6_16, test_rr_7_16, test_rr_8_16, test_rr_9_16, test_rr_10_16, test_rr_11_16,
          test_rr_12_16, test_rr_13_16, test_rr_14_16, test_rr_15_16 },
        { test_rr_0_32, test_rr_1_32, test_rr_2_32, test_rr_3_32, test_rr_4_32, test_rr_5_32,
          test_rr_6_32, test_rr_7_32, test_rr_8_32, test_rr_9_32, test_rr_10_32, test_rr_11_32,
          test_rr_12_32, test_rr_13_32, test_rr_14_32, test_rr_15_32 },
    },
    [FUSE_TEST_RI] = {
        { test_ri_0_8, test_ri_1_8, test_ri_2_8, test_ri_3_8, test_ri_4_8, test_ri_5_8, test_ri_6_8,
          test_ri_7_8, test_ri_8_8, test_ri_9_8, test_ri_10_8, test_ri_11_8, test_ri_12_8,
          test_ri_13_8, test_ri_14_8, test_ri_15_8 },
        { test_ri_0_16, test_ri_1_16, test_ri_2_16, test_ri_3_16, test_ri_4_16, test_ri_5_16,
          test_ri_6_16, test_ri_7_16, test_ri_8_16, test_ri_9_16, test_ri_10_16, test_ri_11_16,
          test_ri_12_16, test_ri_13_16, test_ri_14_16, test_ri_15_16 },
        { test_ri_0_32, test_ri_1_32, test_ri_2_32, test_ri_3_32, test_ri_4_32, test_ri_5_32,
          test_ri_6_32, test_ri_7_32, test_ri_8_32, test_ri_9_32, test_ri_10_32, test_ri_11_32,
          test_ri_12_32, test_ri_13_32, test_ri_14_32, test_ri_15_32 },
    },
};

/* 70-7F and 0F80-0F8F in flat code with 32-bit operands: -1 if it is none of them. */
static int condition_of(const struct op *branch, const struct insn *jcc)
{
    static const struct family *const families[16] = {
        &family_jcc_0, &family_jcc_1, &family_jcc_2, &family_jcc_3, &family_jcc_4, &family_jcc_5,
        &family_jcc_6, &family_jcc_7, &family_jcc_8, &family_jcc_9, &family_jcc_10, &family_jcc_11,
        &family_jcc_12, &family_jcc_13, &family_jcc_14, &family_jcc_15,
    };
    for (int cc = 0; cc < 16; cc++)
        if (branch->family == families[cc]) return jcc->exec == families[cc]->h[K_NONE][0][2] ? cc : -1;
    return -1;
}

exec_fn *fuse(const struct op *first, const struct insn *i, const struct op *branch, const struct insn *jcc)
{
    int cc = condition_of(branch, jcc), width = i->asize >> 2 & 3;
    if (cc < 0 || width > 2) return NULL;
    for (unsigned form = 0; form < FUSE_COUNT; form++) {
        const struct family *f = form < FUSE_TEST_RR ? &family_cmp : &family_test;
        enum kind kind = form & 1 ? K_RI : K_RR;
        if (first->family == f && i->exec == f->h[kind][0][width]) return fused[form][width][cc];
    }
    return NULL;
}
