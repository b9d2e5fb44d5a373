/* SPDX-License-Identifier: MIT
 * Machine check registers of a processor in which nothing ever goes wrong.
 * SDM vol. 3, 15.3 (figures 15-1 to 15-6): IA32_MCG_CAP counts the banks, each with CTL, STATUS,
 * ADDR, MISC.
 *
 * Not implemented: errors.
 */
#include "cpu/protect.h"

enum { MCG_CAP = 0x179, MCG_STATUS = 0x17A, BANK_FIRST = 0x400,
       BANK_LAST = BANK_FIRST + 4 * MCE_BANKS - 1, CTL = 0 };

static bool exists(const struct cpu *c, uint32_t number)
{
    bool bank = number >= BANK_FIRST && number <= BANK_LAST;
    return has(c, FEAT_MCA) && (number == MCG_CAP || number == MCG_STATUS || bank);
}

bool mce_read(const struct cpu *c, uint32_t number, uint64_t *value)
{
    bool control = number >= BANK_FIRST && (number & 3) == CTL;
    *value = number == MCG_CAP ? MCE_BANKS
           : control ? c->msr.mce_ctl[(number - BANK_FIRST) / 4 % MCE_BANKS] : 0;
    return exists(c, number);
}

/* STATUS, ADDR and MISC take zeroes only (15.3.2.2 to 15.3.2.4); MCG_CAP is read-only. */
bool mce_write(struct cpu *c, uint32_t number, uint64_t value)
{
    if (!exists(c, number)) return false;
    bool control = number >= BANK_FIRST && (number & 3) == CTL;
    if (number == MCG_CAP || (number >= BANK_FIRST && !control && value)) fault_error(c, VEC_GP, 0);
    if (control) c->msr.mce_ctl[(number - BANK_FIRST) / 4 % MCE_BANKS] = value;
    return true;
}
