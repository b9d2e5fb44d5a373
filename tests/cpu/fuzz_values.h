/* SPDX-License-Identifier: MIT
 * Random values for the generator of programs. Private to fuzz_gen.c and fuzz_values.c.
 */
#pragma once
#include "tests/cpu/fuzz_case.h"

/* Often a number at which something changes. */
uint64_t fuzz_value(struct fuzz_random *);
/* An address of data, as this mode sees it. */
uint32_t fuzz_data_address(struct fuzz_random *, enum fuzz_mode);
/* All registers. Returns a set: bit n, register n points to data. */
unsigned gen_registers(struct fuzz_random *, enum fuzz_mode, struct outcome *);
