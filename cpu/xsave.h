/* SPDX-License-Identifier: MIT
 * The XSAVE area (SDM vol. 1, 13.4): the 512 bytes of FXSAVE, and a header. Private to cpu/.
 */
#pragma once

enum {
    XCR0_X87 = 1, XCR0_SSE = 2, XCR0_KNOWN = XCR0_X87 | XCR0_SSE,
    XSAVE_HEADER = 512, XSAVE_BYTES = 576,
};
