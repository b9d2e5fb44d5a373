/* SPDX-License-Identifier: MIT
 * Interrupts and exceptions in real, protected and virtual-8086 mode. SDM vol. 3, chapter 6.
 */
#include "bench_cpu.h"

/* ---- real mode ------------------------------------------------------------------------------- */
START_TEST(real_mode_pushes_flags_cs_ip)
{
    struct bench *b = bench_real();
    b->r.rflags = 0x0202 | EF_CF;
    bench_run(b, "CD 21");
    ck_assert_int_eq(vector_taken(b), 0x21);
    ck_assert_uint_eq(stack16(b, 0), 2);
    ck_assert_uint_eq(stack16(b, 1), CODE >> 4);
    ck_assert_uint_eq(stack16(b, 2), 0x0203);
    ck_assert_uint_eq(b->r.rflags & EF_IF, 0);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK0 - 6);
    bench_free(b);
}
END_TEST

START_TEST(real_mode_fault_points_at_the_instruction)
{
    struct bench *b = bench_real();
    bench_run(b, "90 F6 F0");                          /* nop; div al with al = 0 */
    ck_assert_int_eq(vector_taken(b), 0);
    ck_assert_uint_eq(stack16(b, 0), 1);
    bench_free(b);
}
END_TEST

START_TEST(real_mode_vector_beyond_limit_is_gp)
{
    struct bench *b = bench_real();
    b->r.idt_limit = 0x21 * 4 + 2;
    bench_run(b, "CD 21");
    ck_assert_int_eq(vector_taken(b), 13);
    ck_assert_uint_eq(stack16(b, 0), 0);               /* at the INT; no error code in real mode */
    ck_assert_uint_eq(stack16(b, 1), CODE >> 4);
    bench_free(b);
}
END_TEST

/* LIDT with limit 0 and INT3: how a lot of software resets the machine. */
START_TEST(real_mode_triple_fault)
{
    struct bench *b = bench_real();
    b->r.idt_limit = 0;
    code_at(b, CODE, "CC");
    ck_assert_int_eq(bench_go(b, 100), CPU_SHUTDOWN);
    const char *story = cpu_shutdown_reason(b->cpu);
    ck_assert_ptr_nonnull(strstr(story, "Triple fault at 1000:00000000"));
    ck_assert_ptr_nonnull(strstr(story, "#GP"));
    ck_assert_ptr_nonnull(strstr(story, "IDT"));
    ck_assert_int_eq(bench_go(b, 100), CPU_SHUTDOWN);
    cpu_reset(b->cpu, false);
    cpu_get_regs(b->cpu, &b->r);
    ck_assert_uint_eq(b->r.seg[SR_CS].base + b->r.rip, 0xFFFFFFF0);
    bench_free(b);
}
END_TEST

START_TEST(real_mode_iret)
{
    struct bench *b = bench_real();
    code_at(b, HANDLERS + 0x21 * 16, "CF");
    b->r.rflags = 2 | EF_IF | EF_CF;
    bench_run(b, "CD 21 F4");
    ck_assert_uint_eq(b->r.rip, 3);
    ck_assert_uint_eq(b->r.seg[SR_CS].selector, CODE >> 4);
    ck_assert_uint_eq(b->r.rflags, 2 | EF_IF | EF_CF);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK0);
    bench_free(b);
}
END_TEST

/* ---- protected mode -------------------------------------------------------------------------- */
START_TEST(same_ring_frame)
{
    struct bench *b = bench_protected(0);
    b->r.rflags = 2 | EF_IF | EF_NT | EF_CF;
    bench_run(b, "CD 40");
    ck_assert_int_eq(vector_taken(b), 0x40);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK0 - 12);
    ck_assert_uint_eq(stack32(b, 0), CODE + 2);
    ck_assert_uint_eq(stack32(b, 1), SEL_CODE0);
    ck_assert_uint_eq(stack32(b, 2), 2 | EF_IF | EF_NT | EF_CF);
    ck_assert_uint_eq(b->r.rflags, 2 | EF_CF);
    bench_free(b);
}
END_TEST

START_TEST(trap_gate_keeps_if)
{
    struct bench *b = bench_protected(0);
    idt_set(b, 0x40, gate(SEL_CODE0, HANDLERS + 0x400, B_TRAP32, 0));
    b->r.rflags = 2 | EF_IF;
    cpu_line(b->cpu, CPU_INTR, false);
    bench_run(b, "CD 40");
    ck_assert_uint_eq(b->r.rflags, 2 | EF_IF);
    bench_free(b);
}
END_TEST

START_TEST(sixteen_bit_gate_pushes_words)
{
    struct bench *b = bench_protected(0);
    poke8(b, CODE + 0x400, 0xF4);
    idt_set(b, 0x40, gate(SEL_CODE16, 0x400, 0x86, 0) | 0xFFFF000000000000);
    bench_run(b, "CD 40");
    ck_assert_uint_eq(b->r.rip, 0x401);               /* the upper half of the offset is not used */
    ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK0 - 6);
    ck_assert_uint_eq(peek16(b, STACK0 - 6), 2);
    ck_assert_uint_eq(peek16(b, STACK0 - 4), SEL_CODE0);
    bench_free(b);
}
END_TEST

START_TEST(inner_ring_takes_stack_from_tss)
{
    struct bench *b = bench_protected(3);
    idt_set(b, 0x80, gate(SEL_CODE0, HANDLERS + 0x800, B_TRAP32 | B_DPL3, 0));
    bench_run(b, "CD 80");
    ck_assert_int_eq(vector_taken(b), 0x80);
    ck_assert_uint_eq(b->r.cpl, 0);
    ck_assert_uint_eq(b->r.seg[SR_CS].selector, SEL_CODE0);
    ck_assert_uint_eq(b->r.seg[SR_SS].selector, SEL_DATA0);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK0 - 20);
    ck_assert_uint_eq(stack32(b, 0), CODE + 2);
    ck_assert_uint_eq(stack32(b, 1), SEL_CODE3);
    ck_assert_uint_eq(stack32(b, 3), STACK3);
    ck_assert_uint_eq(stack32(b, 4), SEL_DATA3);
    ck_assert_uint_eq(b->r.seg[SR_DS].selector, SEL_DATA3);        /* data segments stay */
    bench_free(b);
}
END_TEST

START_TEST(software_interrupt_needs_gate_dpl)
{
    struct bench *b = bench_protected(3);
    ck_fault(b, "CD 40", 13, 0x40 * 8 + 2);
    bench_free(b);
    b = bench_protected(3);
    ck_fault(b, "CC", 13, 3 * 8 + 2);
    bench_free(b);
    b = bench_protected(3);                            /* INT1 does not ask */
    bench_run(b, "F1");
    ck_assert_int_eq(vector_taken(b), 1);
    bench_free(b);
}
END_TEST

START_TEST(gate_errors)
{
    struct bench *b = bench_protected(0);
    idt_set(b, 0x40, gate(SEL_CODE0, HANDLERS, B_INT32 & ~0x80, 0));
    ck_fault(b, "CD 40", 11, 0x40 * 8 + 2);
    bench_free(b);
    b = bench_protected(0);
    idt_set(b, 0x40, descriptor(0, 0xFFFFF, B_CODE0));
    ck_fault(b, "CD 40", 13, 0x40 * 8 + 2);
    bench_free(b);
    b = bench_protected(0);
    idt_set(b, 0x40, gate(SEL_DATA0, HANDLERS, B_INT32, 0));
    ck_fault(b, "CD 40", 13, SEL_DATA0);
    bench_free(b);
    b = bench_protected(0);
    idt_set(b, 0x40, gate(0, HANDLERS, B_INT32, 0));
    ck_fault(b, "CD 40", 13, 0);
    bench_free(b);
    b = bench_protected(0);
    idt_set(b, 0x40, gate(SEL_CODE3, HANDLERS, B_INT32, 0));
    ck_fault(b, "CD 40", 13, SEL_CODE3 & ~3);
    bench_free(b);
    b = bench_protected(0);
    b->r.idt_limit = 0x40 * 8 + 6;
    ck_fault(b, "CD 40", 13, 0x40 * 8 + 2);
    bench_free(b);
    b = bench_protected(0);
    idt_set(b, 0x40, gate(SEL_CODE16, 0x10000, B_INT32, 0));      /* beyond the segment's limit */
    ck_fault(b, "CD 40", 13, 0);
    bench_free(b);
}
END_TEST

START_TEST(bad_ring_stack_is_invalid_tss)
{
    static const struct { uint16_t ss, limit; int vector; uint32_t error; } cases[] = {
        { SEL_DATA0, 8, 10, SEL_TSS },                 /* the TSS ends too early */
        { 0, 0x67, 10, 0 },
        { SEL_DATA3, 0x67, 10, SEL_DATA3 & ~3 },
        { SEL_CODE0, 0x67, 10, SEL_CODE0 },
        { SEL_ABSENT, 0x67, 12, SEL_ABSENT },
        { SEL_FREE, 0x67, 12, SEL_FREE },              /* no room */
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *b = bench_protected(3);
        idt_set(b, 0x40, gate(SEL_CODE0, HANDLERS, B_INT32 | B_DPL3, 0));
        /* the exception itself goes to a conforming handler, which needs no new stack */
        for (unsigned v = 10; v < 14; v++)
            idt_set(b, v, gate(SEL_CONFORMING, HANDLERS + v * 16, B_INT32, 0));
        gdt_set(b, SEL_FREE, descriptor(0, 0xFF, 0x4093));
        poke32(b, TSS + 8, cases[n].ss);
        b->r.tr.limit = cases[n].limit;
        code_at(b, HANDLERS + (unsigned)cases[n].vector * 16, "EB FE");     /* ring 3 cannot halt */
        code_at(b, CODE, "CD 40");
        ck_assert_int_eq(bench_go(b, 20), CPU_UNTIL);
        ck_assert_uint_eq(b->r.rip, HANDLERS + (unsigned)cases[n].vector * 16);
        ck_assert_uint_eq(b->r.cpl, 3);
        ck_assert_uint_eq(stack32(b, 0), cases[n].error);
        bench_free(b);
    }
}
END_TEST

START_TEST(fault_pushes_rf)
{
    struct bench *b = bench_protected(0);
    bench_run(b, "0F 0B");
    ck_assert_int_eq(vector_taken(b), 6);
    ck_assert_uint_eq(stack32(b, 0), CODE);
    ck_assert_uint_eq(stack32(b, 2), 2 | EF_RF);
    ck_assert_uint_eq(b->r.rflags & EF_RF, 0);
    bench_free(b);
}
END_TEST

/* A fault while a fault is delivered has EXT in its error code; #UD is benign, no double fault. */
START_TEST(ext_bit)
{
    struct bench *b = bench_protected(0);
    idt_set(b, 6, gate(SEL_CODE0, HANDLERS, B_INT32 & ~0x80, 0));
    ck_fault(b, "0F 0B", 11, 6 * 8 + 2 + 1);
    bench_free(b);
}
END_TEST

START_TEST(external_interrupt)
{
    struct bench *b = bench_protected(0);
    b->vector = 8;                                     /* the BIOS's timer: not a double fault */
    idt_set(b, 8, gate(SEL_CODE0, HANDLERS, B_INT32 & ~0x80, 0));
    b->r.rflags |= EF_IF;
    cpu_line(b->cpu, CPU_INTR, true);
    bench_run(b, "90 90");
    ck_assert_int_eq(vector_taken(b), 11);
    ck_assert_uint_eq(stack32(b, 0), 8 * 8 + 2 + 1);
    ck_assert_uint_eq(b->acknowledged, 1);
    bench_free(b);
    b = bench_protected(0);                            /* EXT with a selector */
    b->vector = 0x40;
    idt_set(b, 0x40, gate(SEL_DATA0, HANDLERS, B_INT32, 0));
    b->r.rflags |= EF_IF;
    cpu_line(b->cpu, CPU_INTR, true);
    bench_run(b, "90 90");
    ck_assert_int_eq(vector_taken(b), 13);
    ck_assert_uint_eq(stack32(b, 0), SEL_DATA0 + 1);
    bench_free(b);
}
END_TEST

START_TEST(external_interrupt_wakes_hlt)
{
    struct bench *b = bench_protected(0);
    b->vector = 0x30;
    code_at(b, CODE, "FB F4 90");                      /* sti; hlt */
    ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
    ck_assert_uint_eq(b->r.rip, CODE + 2);
    cpu_line(b->cpu, CPU_INTR, true);
    ck_assert_int_eq(cpu_run(b->cpu, cpu_ticks(b->cpu) + 100), CPU_HALTED);
    cpu_get_regs(b->cpu, &b->r);
    ck_assert_int_eq(vector_taken(b), 0x30);
    ck_assert_uint_eq(stack32(b, 0), CODE + 2);
    bench_free(b);
}
END_TEST

START_TEST(nmi_is_blocked_until_iret)
{
    struct bench *b = bench_protected(0);
    code_at(b, HANDLERS + 2 * 16, "41 90 90 CF");      /* inc ecx; iret */
    code_at(b, CODE, "90 90 90 F4");
    cpu_line(b->cpu, CPU_NMI, true);
    bench_go(b, 2);
    cpu_line(b->cpu, CPU_NMI, false);
    cpu_line(b->cpu, CPU_NMI, true);                   /* a second edge inside the handler */
    cpu_run(b->cpu, cpu_ticks(b->cpu) + 1);
    cpu_get_regs(b->cpu, &b->r);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 1);
    ck_assert_int_eq(cpu_run(b->cpu, cpu_ticks(b->cpu) + 100), CPU_HALTED);
    cpu_get_regs(b->cpu, &b->r);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 2);
    bench_free(b);
}
END_TEST

/* IRET unblocks NMI even when it faults (SDM vol. 3, 6.7.1). */
START_TEST(faulting_iret_unblocks_nmi)
{
    struct bench *b = bench_protected(0);
    /* inc edx; push 0 x 3; iret to a null CS */
    code_at(b, HANDLERS + 2 * 16, "42 6A 00 6A 00 6A 00 CF");
    b->r.gpr[GPR_DX] = 0;
    code_at(b, CODE, "90 90 90 F4");
    cpu_line(b->cpu, CPU_NMI, true);
    bench_go(b, 2);
    cpu_line(b->cpu, CPU_NMI, false);
    cpu_line(b->cpu, CPU_NMI, true);
    code_at(b, HANDLERS + 13 * 16, "90 F4");
    cpu_run(b->cpu, cpu_ticks(b->cpu) + 6);
    cpu_get_regs(b->cpu, &b->r);
    ck_assert_uint_eq(b->r.gpr[GPR_DX], 2);
    bench_free(b);
}
END_TEST

/* ---- double and triple faults ---------------------------------------------------------------- */
START_TEST(contributory_faults_double)
{
    struct bench *b = bench_protected(0);
    idt_set(b, 13, gate(SEL_CODE0, HANDLERS, B_INT32 & ~0x80, 0));
    bench_run(b, "66 B8 99 00 8E D8");        /* mov ds, 99h: #GP, whose gate is not present: #NP */
    ck_assert_int_eq(vector_taken(b), 8);
    ck_assert_uint_eq(stack32(b, 0), 0);
    ck_assert_uint_eq(stack32(b, 1), CODE + 4);
    bench_free(b);
}
END_TEST

START_TEST(triple_fault_tells_its_story)
{
    struct bench *b = bench_protected(0);
    idt_set(b, 13, 0);
    idt_set(b, 8, 0);
    code_at(b, CODE, "66 B8 99 99 8E D8");
    ck_assert_int_eq(bench_go(b, 100), CPU_SHUTDOWN);
    const char *story = cpu_shutdown_reason(b->cpu);
    ck_assert_ptr_nonnull(strstr(story, "0008:00010004"));
    ck_assert_ptr_nonnull(strstr(story, "beyond the descriptor table's limit"));
    ck_assert_ptr_nonnull(strstr(story, "not a gate"));
    bench_free(b);
}
END_TEST

/* A handler that faults by itself starts over for ever; time must pass all the same. */
START_TEST(endless_faults_end_in_time)
{
    struct bench *b = bench_real();
    poke32(b, 6 * 4, 0x10000000);                      /* #UD leads back to the undefined opcode */
    code_at(b, CODE, "0F 0B");
    ck_assert_int_eq(bench_go(b, 5000), CPU_UNTIL);
    bench_free(b);
}
END_TEST

/* ---- virtual-8086 mode ----------------------------------------------------------------------- */
START_TEST(vm86_int_needs_iopl_3)
{
    struct bench *b = bench_vm86(0);
    bench_run(b, "CD 21");
    ck_assert_int_eq(vector_taken(b), 13);
    ck_assert_uint_eq(stack32(b, 0), 0);
    bench_free(b);
}
END_TEST

START_TEST(vm86_interrupt_frame)
{
    struct bench *b = bench_vm86(3);
    idt_set(b, 0x21, gate(SEL_CODE0, HANDLERS + 0x210, B_INT32 | B_DPL3, 0));
    bench_run(b, "CD 21");
    ck_assert_int_eq(vector_taken(b), 0x21);
    const uint32_t frame[] = {
        2, CODE >> 4, 2 | EF_VM | EF_IOPL3, 0x1000, 0x3002, 0x3000, 0x3003, 0x3004, 0x3005
    };
    for (unsigned n = 0; n < COUNT_OF(frame); n++) ck_assert_uint_eq(stack32(b, n), frame[n]);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK0 - 36);
    ck_assert_uint_eq(b->r.rflags & EF_VM, 0);
    ck_assert_uint_eq(b->r.cpl, 0);
    ck_assert_uint_eq(b->r.seg[SR_DS].selector, 0);
    ck_assert_uint_eq(b->r.seg[SR_GS].access, 0);
    bench_free(b);
}
END_TEST

START_TEST(vm86_handler_must_be_ring_0)
{
    struct bench *b = bench_vm86(3);
    idt_set(b, 0x21, gate(SEL_CONFORMING, HANDLERS + 0x210, B_INT32 | B_DPL3, 0));
    bench_run(b, "CD 21");
    ck_assert_int_eq(vector_taken(b), 13);
    ck_assert_uint_eq(stack32(b, 0), SEL_CONFORMING);
    bench_free(b);
}
END_TEST

START_TEST(vm86_round_trip)
{
    struct bench *b = bench_vm86(3);
    struct cpu_regs before = b->r;
    idt_set(b, 0x21, gate(SEL_CODE0, HANDLERS + 0x210, B_INT32 | B_DPL3, 0));
    code_at(b, HANDLERS + 0x210, "CF");
    code_at(b, CODE, "CD 21 EB FE");
    ck_assert_int_eq(bench_go(b, 2), CPU_UNTIL);
    ck_assert_uint_eq(b->r.rip, 2);
    ck_assert_uint_eq(b->r.cpl, 3);
    ck_assert_uint_eq(b->r.rflags, before.rflags);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], before.gpr[GPR_SP]);
    for (unsigned s = 0; s < 6; s++) {
        ck_assert_uint_eq(b->r.seg[s].selector, before.seg[s].selector);
        ck_assert_uint_eq(b->r.seg[s].base, before.seg[s].base);
        ck_assert_uint_eq(b->r.seg[s].limit, 0xFFFF);
        ck_assert_uint_eq(b->r.seg[s].access, 0xF3);
    }
    bench_free(b);
}
END_TEST

/* ---- single step ----------------------------------------------------------------------------- */
START_TEST(single_step)
{
    struct bench *b = bench_protected(0);
    b->r.rflags |= EF_TF;
    bench_run(b, "90 90");
    ck_assert_int_eq(vector_taken(b), 1);
    ck_assert_uint_eq(stack32(b, 0), CODE + 1);
    ck_assert_uint_eq(stack32(b, 2), 2 | EF_TF);       /* a trap: no RF */
    ck_assert_uint_eq(b->r.dr[6] & 0x4000, 0x4000);
    ck_assert_uint_eq(b->r.rflags & EF_TF, 0);
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("interrupt");
    TCase *tc = tcase_create("interrupt");
    tcase_add_test(tc, real_mode_pushes_flags_cs_ip);
    tcase_add_test(tc, real_mode_fault_points_at_the_instruction);
    tcase_add_test(tc, real_mode_vector_beyond_limit_is_gp);
    tcase_add_test(tc, real_mode_triple_fault);
    tcase_add_test(tc, real_mode_iret);
    tcase_add_test(tc, same_ring_frame);
    tcase_add_test(tc, trap_gate_keeps_if);
    tcase_add_test(tc, sixteen_bit_gate_pushes_words);
    tcase_add_test(tc, inner_ring_takes_stack_from_tss);
    tcase_add_test(tc, software_interrupt_needs_gate_dpl);
    tcase_add_test(tc, gate_errors);
    tcase_add_test(tc, bad_ring_stack_is_invalid_tss);
    tcase_add_test(tc, fault_pushes_rf);
    tcase_add_test(tc, ext_bit);
    tcase_add_test(tc, external_interrupt);
    tcase_add_test(tc, external_interrupt_wakes_hlt);
    tcase_add_test(tc, nmi_is_blocked_until_iret);
    tcase_add_test(tc, faulting_iret_unblocks_nmi);
    tcase_add_test(tc, contributory_faults_double);
    tcase_add_test(tc, triple_fault_tells_its_story);
    tcase_add_test(tc, endless_faults_end_in_time);
    tcase_add_test(tc, vm86_int_needs_iopl_3);
    tcase_add_test(tc, vm86_interrupt_frame);
    tcase_add_test(tc, vm86_handler_must_be_ring_0);
    tcase_add_test(tc, vm86_round_trip);
    tcase_add_test(tc, single_step);
    suite_add_tcase(suite, tc);
    return bench_main(suite);
}
