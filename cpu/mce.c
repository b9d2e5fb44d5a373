/* SPDX-License-Identifier: MIT
 * Machine check registers of a processor in which nothing ever goes wrong.
 * SDM vol. 3, 15.3 (figures 15-1 to 15-6): IA32_MCG_CAP counts the banks, each with CTL, STATUS,
 * ADDR, MISC.
 *
 * Not implemented: errors; CTL keeps nothing.
 */
#include "cpu/protect.h"

enum { MCG_CAP = 0x179, MCG_STATUS = 0x17A, BANKS = 4, BANK_FIRST = 0x400,
       BANK_LAST = BANK_FIRST + 4 * BANKS - 1, STATUS = 1 };

static bool exists(const struct cpu *c, uint32_t number)
{
    bool bank = number >= BANK_FIRST && number <= BANK_LAST;
    return has(c, FEAT_MCA) && (number == MCG_CAP || number == MCG_STATUS || bank);
}

bool mce_read(const struct cpu *c, uint32_t number, uint64_t *value)
{
    *value = number == MCG_CAP ? BANKS : 0;
    return exists(c, number);
}

/* STATUS takes zeroes only (15.3.2.2); MCG_CAP is read-only. */
bool mce_write(struct cpu *c, uint32_t number, uint64_t value)
{
    if (!exists(c, number)) return false;
    bool status = number >= BANK_FIRST && (number & 3) == STATUS;
    if (number == MCG_CAP || (status && value)) fault_error(c, VEC_GP, 0);
    return true;
}
