/* SPDX-License-Identifier: MIT
 * Virtual-8086 mode extensions and protected-mode virtual interrupts: VIF stands for IF where IOPL
 * keeps a program from IF, and software interrupts go to the program's own vectors.
 * SDM vol. 3, 20.3 (table 20-2), 20.4 (PVI); vol. 2, CLI, STI, PUSHF, POPF, IRET, INT n.
 *
 *   TSS  66h: offset of the I/O bitmap ---+
 *        ... 32 bytes, bit n: INT n is not redirected, I/O bitmap ...
 *                                                       ^
 */
#include "cpu/vme.h"

bool vme_iopl_low(const struct cpu *c) { return is_vm86(c) && iopl(c) < 3; }

bool vme_virtual_if(const struct cpu *c)
{
    if (is_vm86(c)) return iopl(c) < 3 && c->cr4 & CR4_VME;
    return is_protected(c) && c->cpl == 3 && iopl(c) < 3 && c->cr4 & CR4_PVI;
}

static void need_vme(struct cpu *c, unsigned size)
{
    if (!(c->cr4 & CR4_VME) || size != 2)
        fault_selector(c, VEC_GP, 0, "PUSHF, POPF or IRET in virtual-8086 mode with IOPL < 3");
}

uint32_t vme_flags(struct cpu *c, unsigned size)
{
    need_vme(c, size);
    uint32_t image = flags_get(c) & ~(uint32_t)FLAG_IF;
    return image | FLAG_IOPL | (c->flags & FLAG_VIF ? FLAG_IF : 0);
}

void vme_check_flags(struct cpu *c, uint32_t image, unsigned size)
{
    need_vme(c, size);
    if (image & FLAG_TF || (image & FLAG_IF && c->flags & FLAG_VIP))
        fault_selector(c, VEC_GP, 0,
                       "virtual-8086 mode: TF, or interrupts on while one is pending (VIP)");
}

void vme_set_flags(struct cpu *c, uint32_t image)
{
    flags_set(c, image, FLAGS_ARITH | FLAG_TF | FLAG_DF | FLAG_NT);
    flags_set(c, image & FLAG_IF ? FLAG_VIF : 0, FLAG_VIF);
}

void vme_sti(struct cpu *c)
{
    if (c->flags & FLAG_VIP)
        fault_selector(c, VEC_GP, 0, "STI while a virtual interrupt is pending (VIP)");
    c->flags |= FLAG_VIF;
}

/* A bit that lies behind the TSS cannot allow anything. */
bool vme_redirects(struct cpu *c, uint8_t vector)
{
    bool wide = (c->tr.access & (ACCESS_S | TYPE_TSS32)) == TYPE_TSS32;
    if (!(c->cr4 & CR4_VME) || !wide || c->tr.limit < 0x67) return false;
    uint32_t at = (uint32_t)table_load(c, c->tr.base, 0x66, 2) - 32 + vector / 8;
    if (at > c->tr.limit) return false;
    return !(table_load(c, c->tr.base, at, 1) >> (vector & 7) & 1);
}

/* Methods 5 and 6 of table 20-2. */
void vme_interrupt(struct cpu *c, uint8_t vector, uint64_t return_rip)
{
    bool virtual = iopl(c) < 3;
    uint32_t target = (uint32_t)ring_load(c, vector * 4u, 4, SET_USER);
    struct stack s = stack_current(c);
    stack_put(c, &s, virtual ? vme_flags(c, 2) : flags_get(c), 2);
    stack_put(c, &s, c->seg[CS].selector, 2);
    stack_put(c, &s, return_rip, 2);
    stack_use(c, &s);
    flags_set(c, 0, FLAG_TF | (virtual ? FLAG_VIF : FLAG_IF));
    segment_load_real(c, CS, (uint16_t)(target >> 16));
    c->rip = target & 0xFFFF;
}
