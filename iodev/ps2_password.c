/* SPDX-License-Identifier: MIT
 * The 8042's password: while it is on, nothing leaves the keyboard until it has been typed.
 * IBM PS/2 Hardware Interface Technical Reference (S85F-1646, 1992), "Keyboard and Auxiliary Device
 * Controller (Type 1)", commands A4h, A5h, A6h and controller RAM 13h, 14h, 16h, 17h.
 */
#include "iodev/ps2.h"

enum { BREAK = 0x80 };

/* A longer one is cut. */
void ps2_password_load(struct ps2_password *p, uint8_t code)
{
    if (code && p->typed < PS2_PASSWORD) p->code[p->typed++] = code;
    if (code) return;
    p->length = p->typed;
    p->typed = 0;
}

bool ps2_password_typed(struct ps2_password *p, uint8_t code, const uint8_t skip[2])
{
    if (code & BREAK || code == skip[0] || code == skip[1]) return false;
    if (code != p->code[p->matched % PS2_PASSWORD]) p->matched = 0;
    if (code == p->code[p->matched % PS2_PASSWORD]) p->matched++;
    if (p->matched < p->length) return false;
    p->matched = 0;
    p->locked = false;
    return true;
}

void ps2_password_restored(struct ps2_password *p)
{
    if (p->length > PS2_PASSWORD || p->typed > PS2_PASSWORD || (p->locked && !p->length))
        *p = (struct ps2_password){ .length = 0 };
    if (p->matched >= p->length) p->matched = 0;
}
