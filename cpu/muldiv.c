/* SPDX-License-Identifier: MIT
 * MUL IMUL DIV IDIV.
 */
#include "cpu/families.h"
#include "cpu/op.h"

#define W 8
#include "cpu/op_muldiv.inc"
#define W 16
#include "cpu/op_muldiv.inc"
#define W 32
#include "cpu/op_muldiv.inc"
#define W 64
#include "cpu/op_muldiv.inc"

#define SOURCE_FAMILY(op)                  \
    const struct family family_##op = { .h = { \
        [K_R] = { W4(op, r) }, [K_M] = { W4(op, m), W4(op, m) } } }
SOURCE_FAMILY(mul);
SOURCE_FAMILY(imul);
SOURCE_FAMILY(div);
SOURCE_FAMILY(idiv);
const struct family family_imul2 = { .h = {
    [K_RR] = { W3(imul2, rr), W3(imul2, rrn) }, [K_RM] = M3(imul2, rm) } };
const struct family family_imul3 = { .h = {
    [K_RR] = { W3(imul3, rr), W3(imul3, rrn) }, [K_RM] = { W3(imul3, rmg), W3(imul3, rmg) } } };
