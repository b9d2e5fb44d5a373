/* SPDX-License-Identifier: MIT
 * Private to gui: the PC's character set.
 */
#pragma once
#include "base/base.h"

/* Unicode for what the VGA's font shows: a picture for every code; 0, 20h and FFh are blank. */
uint32_t cp437_rune(uint8_t code);
/* The nearest ASCII look-alike, for terminals without UTF-8. */
char ascii_for_rune(uint32_t rune);
/* UTF-8 of a code point up to FFFFh; returns the bytes written (1-3). */
size_t utf8_put(char out[3], uint32_t rune);
