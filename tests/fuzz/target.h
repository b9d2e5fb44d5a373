/* SPDX-License-Identifier: MIT
 * A fuzz target in libFuzzer's form. It aborts when something is wrong. Build it with clang's
 * -fsanitize=fuzzer (preset `fuzz`), or with driver.c,
 * which replays a corpus and mutates it blindly.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
