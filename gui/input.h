/* SPDX-License-Identifier: MIT
 * The input socket: keys and mouse motion on their way to the guest. Keys are named by USB HID
 * usage codes of page 7 (HID Usage Tables 1.12, section 10), which SDL scancodes equal:
 * 0x04 = A ... 0x28 = Enter, 0xE0 = left Control. The machine stamps each event with the virtual
 * time at which the guest gets it.
 */
#pragma once
#include "base/base.h"

enum mouse_button { MOUSE_LEFT = 1, MOUSE_RIGHT = 2, MOUSE_MIDDLE = 4,
                    MOUSE_SIDE = 8, MOUSE_EXTRA = 16 };

struct input {
    void *ctx;
    void (*key)(void *ctx, unsigned hid_usage, bool down);
    /* dx right, dy down in counts, dz wheel towards the user; buttons: OR of enum mouse_button. */
    void (*mouse)(void *ctx, int dx, int dy, int dz, unsigned buttons);
};
