/* SPDX-License-Identifier: MIT
 * Virtual interrupt flag and redirected interrupts. Private to cpu/.
 */
#pragma once
#include "cpu/protect.h"

/* Virtual-8086 mode with IOPL < 3: PUSHF, POPF and IRET need CR4.VME and the functions below. */
bool vme_iopl_low(const struct cpu *);
/* CLI and STI mean VIF (VME, PVI). */
bool vme_virtual_if(const struct cpu *);
void vme_sti(struct cpu *);                                    /* #GP when VIP is set */

/* The FLAGS that a program sees: IF is VIF, IOPL is 3. #GP unless VME is on and size is 2. */
uint32_t vme_flags(struct cpu *, unsigned size);
/* FLAGS from POPF or IRET: #GP unless they are allowed; then set them, IF into VIF. */
void vme_check_flags(struct cpu *, uint32_t image, unsigned size);
void vme_set_flags(struct cpu *, uint32_t image);

/* Does INT n in virtual-8086 mode go to the program's own vector? Then deliver it. */
bool vme_redirects(struct cpu *, uint8_t vector);
void vme_interrupt(struct cpu *, uint8_t vector, uint64_t return_rip);
