/* SPDX-License-Identifier: MIT
 * What each key of a PS/2 keyboard sends.
 */
#pragma once
#include "base/base.h"

enum { HID_PRINT_SCREEN = 0x46, HID_PAUSE = 0x48, HID_INSERT, HID_UP = 0x52,
       HID_KEYPAD_SLASH = 0x54, HID_LEFT_CTRL = 0xE0, HID_LEFT_SHIFT,
       HID_LEFT_ALT, HID_LEFT_GUI, HID_RIGHT_CTRL, HID_RIGHT_SHIFT, HID_RIGHT_ALT, HID_RIGHT_GUI };
enum { KEY_REPEATS = 1, KEY_BREAKS = 2 };  /* set 3 modes; neither: make code only */

struct ps2_key {
    uint8_t set2;                          /* the make code; set 1 follows by ps2_set1()   */
    uint8_t extended;                      /* E0h before it in sets 1 and 2                */
    uint8_t set3;                          /* 0: the key does not exist in set 3           */
    uint8_t mode3;                         /* its power-on mode in set 3                   */
};

/* NULL: no such key. */
const struct ps2_key *ps2_key(unsigned hid_usage);
