/* SPDX-License-Identifier: MIT
 * The images of FXSAVE (SDM vol. 1, 10.5.1) and XSAVE (13.4). Private to cpu/.
 *
 *     0 FCW  2 FSW  4 FTW (a bit per register)  6 FOP  8 FIP  12 FCS  16 FDP  20 FDS  24 MXCSR
 *    28 MXCSR mask   32 ST(0)-ST(7), 16 bytes each   160 XMM0-XMM15   416 not written
 *
 * With REX.W the pointers are 64 bits and have no selectors (`wide`).
 */
#pragma once
#include "cpu/state.h"

enum {
    FX_POINTERS = 8, FX_DATA = 16, FX_MXCSR = 24, FX_ST = 32, FX_XMM = 160, FX_SIZE = 512,
    FX_BYTES = FX_XMM + 16 * 16,
};
enum {
    XCR0_X87 = 1, XCR0_SSE = 2, XCR0_KNOWN = XCR0_X87 | XCR0_SSE,
    XSAVE_HEADER = 512, XSAVE_BYTES = 576,
};

void fx_get(const struct cpu *, uint8_t image[FX_BYTES], bool wide);       /* simd.c */
void fx_set_x87(struct cpu *, const uint8_t *image, bool wide);
uint32_t mxcsr_mask(const struct cpu *);                   /* bits of MXCSR that exist */
