/* SPDX-License-Identifier: MIT
 * The sixteen conditions of Jcc, SETcc and CMOVcc (SDM vol. 2, appendix B.1.4.7).
 */
#pragma once
#include "cpu/state.h"

static inline __attribute__((always_inline)) bool condition(const struct cpu *c, unsigned cc)
{
    bool yes;
    switch (cc >> 1) {
    case 0: yes = flag_of(c); break;                          /* O          */
    case 1: yes = flag_cf(c); break;                          /* B, C       */
    case 2: yes = flag_zf(c); break;                          /* E, Z       */
    case 3: yes = flag_cf(c) || flag_zf(c); break;            /* BE         */
    case 4: yes = flag_sf(c); break;                          /* S          */
    case 5: yes = flag_pf(c); break;                          /* P          */
    case 6: yes = flag_sf(c) != flag_of(c); break;            /* L          */
    default: yes = flag_zf(c) || flag_sf(c) != flag_of(c);    /* LE         */
    }
    return yes != (cc & 1);
}
