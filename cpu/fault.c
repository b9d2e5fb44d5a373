/* SPDX-License-Identifier: MIT
 * Faults: raising them (unwinds to the run loop) and delivering them, with double faults, and the
 * shutdown after a third. SDM vol. 3, 6.5 (classes), 6.15 (interrupt 8), table 6-5.
 *
 * Not implemented: machine checks never happen; a shutdown is left by cpu_reset() only.
 */
#include <inttypes.h>
#include <stdio.h>
#include "cpu/protect.h"

/* ---- raising --------------------------------------------------------------------------------- */
_Noreturn void give_up(struct cpu *c)
{
    if (c->insn) {
        c->rip = insn_rip(c, c->insn);
        c->budget += insn_header(c->insn)->n - c->insn->pos;
        c->insn = NULL;
    }
    _longjmp(c->unwind, 1);
}

static _Noreturn void raise_fault(struct cpu *c, struct pending_fault fault)
{
    c->fault = fault;
    c->fault.active = true;
    give_up(c);
}

void fault(struct cpu *c, enum vector vector)
{
    raise_fault(c, (struct pending_fault){ .vector = (uint8_t)vector });
}

void fault_error(struct cpu *c, enum vector vector, uint32_t error)
{
    raise_fault(c, (struct pending_fault){ .vector = (uint8_t)vector, .has_error = true,
                                           .error = error });
}

void fault_selector(struct cpu *c, enum vector vector, uint16_t selector, const char *why)
{
    raise_fault(c, (struct pending_fault){ .vector = (uint8_t)vector, .has_error = true, .why = why,
                                           .error = (selector & 0xFFFCu) | fault_ext(c) });
}

void fault_idt(struct cpu *c, enum vector raised, uint8_t vector, const char *why)
{
    raise_fault(c, (struct pending_fault){ .vector = (uint8_t)raised, .has_error = true, .why = why,
                                           .error = vector * 8u | 2 | fault_ext(c) });
}

void fault_page(struct cpu *c, uint64_t laddr, uint32_t error)
{
    c->cr2 = laddr;
    raise_fault(c, (struct pending_fault){
        .vector = VEC_PF, .has_error = true, .error = error,
        .why = error & 1 ? "page protection" : "page not present" });
}

void fault_segment(struct cpu *c, enum seg seg)
{
    const char *why = c->mode & MODE_LONG ? "address is not canonical"
                    : c->seg[seg].rights ? "segment limit or access rights"
                    : "unusable segment register";
    fault_selector(c, seg == SS ? VEC_SS : VEC_GP, 0, why);
}

/* ---- the story of a triple fault ------------------------------------------------------------- */
static const char *const vector_names[] = {
    "#DE divide error", "#DB debug", "NMI", "#BP breakpoint", "#OF overflow", "#BR bound range",
    "#UD invalid opcode", "#NM no FPU", "#DF double fault", "coprocessor overrun",
    "#TS invalid TSS", "#NP segment not present", "#SS stack fault", "#GP general protection",
    "#PF page fault", "vector 15", "#MF FPU error", "#AC alignment check", "#MC machine check",
    "#XM SIMD error",
};

const char *fault_name(uint8_t vector)
{
    return vector < COUNT_OF(vector_names) ? vector_names[vector] : "reserved vector";
}

static size_t tell_fault(char *to, size_t room, const struct pending_fault *f)
{
    const char *name = fault_name(f->vector);
    int n = f->has_error ? snprintf(to, room, "%s, error %04" PRIX32, name, f->error)
                         : snprintf(to, room, "%s", name);
    size_t used = n < 0 ? 0 : (size_t)n < room ? (size_t)n : room - 1;
    if (!f->why) return used;
    n = snprintf(to + used, room - used, " (%s)", f->why);
    return n < 0 ? used : (size_t)n < room - used ? used + (size_t)n : room - 1;
}

static void tell_story(struct cpu *c, const struct pending_fault *last)
{
    char first[94], second[94], third[94];
    tell_fault(first, sizeof first, &c->chain[0]);
    tell_fault(second, sizeof second, &c->chain[1]);
    tell_fault(third, sizeof third, last);
    snprintf(c->story, sizeof c->story,
             "Triple fault at %04X:%08" PRIX64 ": %s. Delivering it raised %s; delivering the "
             "double fault raised %s. IDT %08" PRIX64 " limit %04X, CR0 %08" PRIX64
             ", CR2 %08" PRIX64 ", CR3 %08" PRIX64 ", SP %04X:%08" PRIX64 ".",
             c->seg[CS].selector, c->rip, first, second, third, c->idt.base, c->idt.limit, c->cr0,
             c->cr2, c->cr3, c->seg[SS].selector, c->gpr[RSP]);
}

/* ---- delivering ------------------------------------------------------------------------------ */
enum fault_class { BENIGN, CONTRIBUTORY, PAGE, DOUBLE };

static enum fault_class class_of(int vector)
{
    switch (vector) {
    case VEC_DE: case VEC_TS: case VEC_NP: case VEC_SS: case VEC_GP: return CONTRIBUTORY;
    case VEC_PF: return PAGE;
    case VEC_DF: return DOUBLE;
    default: return BENIGN;
    }
}

static void shut_down(struct cpu *c, const struct pending_fault *last)
{
    tell_story(c, last);
    c->delivering = -1;
    c->shutdown = true;
    attention(c);
}

void shut_down_by(struct cpu *c, const char *instruction, const char *why)
{
    snprintf(c->story, sizeof c->story, "%s at %04X:%08" PRIX64 ": %s.", instruction,
             c->seg[CS].selector, insn_rip(c, c->insn), why);
    c->shutdown = true;
    attention(c);
}

void fault_deliver(struct cpu *c)
{
    struct pending_fault f = c->fault;
    enum fault_class first = class_of(c->delivering), second = class_of(f.vector);
    c->fault.active = false;
    if (first == DOUBLE && second != BENIGN) {
        shut_down(c, &f);
        return;
    }
    if ((first == CONTRIBUTORY && second == CONTRIBUTORY) || (first == PAGE && second != BENIGN)) {
        c->chain[1] = f;
        f = (struct pending_fault){ .vector = VEC_DF, .has_error = true };
    } else {
        c->chain[0] = f;
    }
    interrupt_deliver(c, f.vector, INT_FAULT, f.has_error, f.error, c->rip);
}
