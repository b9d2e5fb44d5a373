/* SPDX-License-Identifier: MIT
 * Shifts and rotates: SHL SHR SAR ROL ROR RCL RCR SHLD SHRD.
 */
#include "cpu/families.h"
#include "cpu/op.h"

#define W 8
#include "cpu/op_shift.inc"
#define W 16
#include "cpu/op_shift.inc"
#define W 32
#include "cpu/op_shift.inc"
#define W 64
#include "cpu/op_shift.inc"

/* RI, MI: by immediate or 1. R, M: by CL. RCL and RCR read CF, so they are never without flags. */
#define SHIFT_FAMILY(op, without_flags)                                 \
    const struct family family_##op = { .h = {                          \
        [K_RI] = { W4(op, ri), W4(op, without_flags) }, [K_MI] = { W4(op, mig), W4(op, mig) },  \
        [K_R] = { W4(op, r) }, [K_M] = { W4(op, mg), W4(op, mg) } } }
#define DOUBLE_FAMILY(op, form)                                         \
    const struct family family_##op##_##form = { .h = {                 \
        [K_RR] = { W3(op, rr##form) }, [K_MR] = { W3(op, mr##form), W3(op, mr##form) } } }

SHIFT_FAMILY(shl, rin);
SHIFT_FAMILY(shr, rin);
SHIFT_FAMILY(sar, rin);
SHIFT_FAMILY(rol, rin);
SHIFT_FAMILY(ror, rin);
SHIFT_FAMILY(rcl, ri);
SHIFT_FAMILY(rcr, ri);
DOUBLE_FAMILY(shld, i);
DOUBLE_FAMILY(shld, c);
DOUBLE_FAMILY(shrd, i);
DOUBLE_FAMILY(shrd, c);
