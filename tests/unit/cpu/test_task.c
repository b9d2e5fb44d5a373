/* SPDX-License-Identifier: MIT
 * Task switches and the I/O permission bitmap. SDM vol. 3, chapter 7; vol. 1, 19.5.
 */
#include "bench_cpu.h"

/* A second task in ring 0 that runs at DATA on a stack at 9000h. */
static struct bench *two_tasks(void)
{
    struct bench *b = bench_protected(0);
    poke32(b, TSS2 + 0x20, DATA);
    poke32(b, TSS2 + 0x24, 2);
    for (unsigned n = 0; n < 8; n++) poke32(b, TSS2 + 0x28 + 4 * n, 0xA0A0A000 + n);
    poke32(b, TSS2 + 0x38, 0x9000);
    for (unsigned n = 0; n < 6; n++)
        poke32(b, TSS2 + 0x48 + 4 * n, n == SR_CS ? SEL_CODE0 : SEL_DATA0);
    code_at(b, DATA, "F4");
    return b;
}
#define JMP_TSS2  "EA 00 00 00 00 30 00"
#define CALL_TSS2 "9A 00 00 00 00 30 00"

START_TEST(jump_switches)
{
    struct bench *b = two_tasks();
    b->r.gpr[GPR_BX] = 0x55667788;
    b->r.rflags = 2 | EF_CF;
    b->r.dr[7] = 0x400 | 0x3;
    bench_run(b, JMP_TSS2);
    ck_assert_uint_eq(b->r.rip, DATA + 1);
    ck_assert_uint_eq(b->r.tr.selector, SEL_TSS2);
    ck_assert_uint_eq(b->r.tr.access & 0xFF, 0x8B);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], 0x9000);
    ck_assert_uint_eq(b->r.gpr[GPR_DI], 0xA0A0A007);
    ck_assert_uint_eq(b->r.rflags, 2);
    ck_assert_uint_eq(b->r.cr0 & 8, 8);                /* TS */
    ck_assert_uint_eq(b->r.dr[7], 0x402);              /* local breakpoints are off */
    ck_assert_uint_eq(gdt_access(b, SEL_TSS), 0x89);
    ck_assert_uint_eq(gdt_access(b, SEL_TSS2), 0x8B);
    ck_assert_uint_eq(peek32(b, TSS + 0x20), CODE + 7);
    ck_assert_uint_eq(peek32(b, TSS + 0x24), 2 | EF_CF);
    ck_assert_uint_eq(peek32(b, TSS + 0x34), 0x55667788);
    ck_assert_uint_eq(peek32(b, TSS + 0x38), STACK0);
    ck_assert_uint_eq(peek16(b, TSS + 0x4C), SEL_CODE0);
    ck_assert_uint_eq(peek16(b, TSS2), 0);             /* no back link */
    ck_assert_uint_eq(cpu_retired(b->cpu), 2);
    bench_free(b);
}
END_TEST

START_TEST(call_nests_and_iret_returns)
{
    struct bench *b = two_tasks();
    code_at(b, DATA, "9C 58 CF 90");                   /* pushf; pop eax; iret */
    bench_run(b, CALL_TSS2 " F4");
    ck_assert_uint_eq(b->r.rip, CODE + 8);
    ck_assert_uint_eq(b->r.tr.selector, SEL_TSS);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK0);
    ck_assert_uint_eq(peek16(b, TSS2), SEL_TSS);
    ck_assert_uint_eq(peek32(b, TSS2 + 0x28), 2 | EF_NT);   /* EAX: NT was set in the nested task */
    ck_assert_uint_eq(peek32(b, TSS2 + 0x24), 2);                /* and is not in the saved image */
    ck_assert_uint_eq(peek32(b, TSS2 + 0x20), DATA + 3);
    ck_assert_uint_eq(gdt_access(b, SEL_TSS), 0x8B);
    ck_assert_uint_eq(gdt_access(b, SEL_TSS2), 0x89);
    bench_free(b);
}
END_TEST

START_TEST(exception_through_a_task_gate)
{
    struct bench *b = two_tasks();
    idt_set(b, 13, gate(SEL_TSS2, 0, B_TASK, 0));
    bench_run(b, "66 B8 34 12 8E D8");                 /* mov ds, 1234h */
    ck_assert_uint_eq(b->r.rip, DATA + 1);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], 0x9000 - 4);
    ck_assert_uint_eq(stack32(b, 0), 0x1234 & ~3);
    ck_assert_uint_eq(b->r.rflags, 2 | EF_NT);
    ck_assert_uint_eq(peek16(b, TSS2), SEL_TSS);
    ck_assert_uint_eq(peek32(b, TSS + 0x20), CODE + 4);
    ck_assert_uint_eq(peek32(b, TSS + 0x24), 2 | EF_RF);
    bench_free(b);
}
END_TEST

START_TEST(task_gate_in_the_gdt)
{
    struct bench *b = two_tasks();
    gdt_set(b, SEL_GATE, gate(SEL_TSS2, 0, B_TASK, 0));
    bench_run(b, "9A 00 00 00 00 48 00");
    ck_assert_uint_eq(b->r.rip, DATA + 1);
    ck_assert_uint_eq(b->r.rflags, 2 | EF_NT);
    bench_free(b);
}
END_TEST

START_TEST(errors_in_the_old_task)
{
    struct bench *b = two_tasks();                     /* the new TSS is too short */
    gdt_set(b, SEL_TSS2, descriptor(TSS2, 0x66, B_TSS32));
    ck_fault(b, JMP_TSS2, 10, SEL_TSS2);
    ck_assert_uint_eq(b->r.tr.selector, SEL_TSS);
    ck_assert_uint_eq(gdt_access(b, SEL_TSS2), 0x89);
    bench_free(b);
    b = two_tasks();
    gdt_set(b, SEL_TSS2, descriptor(TSS2, 0x67, 0x09));
    ck_fault(b, JMP_TSS2, 11, SEL_TSS2);
    bench_free(b);
    b = two_tasks();                                   /* IRET to a task that is not busy */
    b->r.rflags = 2 | EF_NT;
    poke16(b, TSS, SEL_TSS2);
    ck_fault(b, "CF", 10, SEL_TSS2);
    bench_free(b);
    b = two_tasks();
    b->r.rflags = 2 | EF_NT;
    poke16(b, TSS, SEL_TSS2 | 4);
    ck_fault(b, "CF", 10, SEL_TSS2 | 4);
    bench_free(b);
}
END_TEST

/* Bad segments are the new task's fault: EIP is its first instruction. */
START_TEST(errors_in_the_new_task)
{
    static const struct { unsigned at; uint16_t selector; int vector; uint32_t error; } cases[] = {
        { 0x48 + 4 * SR_DS, SEL_EXEC_ONLY, 10, SEL_EXEC_ONLY },
        { 0x48 + 4 * SR_ES, SEL_ABSENT, 11, SEL_ABSENT },
        { 0x48 + 4 * SR_FS, 0x1238, 10, 0x1238 }, { 0x60, SEL_TSS, 10, SEL_TSS },
        { 0x60, SEL_LDT | 4, 10, SEL_LDT | 4 },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *b = two_tasks();
        poke16(b, TSS2 + cases[n].at, cases[n].selector);
        /* handlers on their own stack, by an interrupt gate: SS is good when the others are bad */
        idt_set(b, 10, gate(SEL_CODE0, HANDLERS + 160, B_INT32, 0));
        code_at(b, CODE, JMP_TSS2);
        enum cpu_stop stop = bench_go(b, 50);
        if (cases[n].at == 0x60) {                 /* no stack yet: the fault cannot be delivered */
            ck_assert_int_eq(stop, CPU_SHUTDOWN);
        } else {
            ck_assert_int_eq(stop, CPU_HALTED);
            ck_assert_int_eq(vector_taken(b), cases[n].vector);
            ck_assert_uint_eq(stack32(b, 0), cases[n].error);
            ck_assert_uint_eq(stack32(b, 1), DATA);
            ck_assert_uint_eq(b->r.tr.selector, SEL_TSS2);
            ck_assert_uint_eq(b->r.gpr[GPR_SP], 0x9000 - 16);
        }
        bench_free(b);
    }
}
END_TEST

/* The fault is delivered with what has been loaded so far: a stack of 16 bits here,
 * of 32 in the old task. */
START_TEST(error_behind_a_new_kind_of_stack)
{
    struct bench *b = two_tasks();
    gdt_set(b, SEL_GATE, descriptor(0, 0xFFFF, 0x93));
    poke16(b, TSS2 + 0x48 + 4 * SR_SS, SEL_GATE);
    poke32(b, TSS2 + 0x38, 0x12349000);
    poke16(b, TSS2 + 0x48 + 4 * SR_DS, SEL_ABSENT);
    code_at(b, CODE, JMP_TSS2);
    ck_assert_int_eq(bench_go(b, 50), CPU_HALTED);
    ck_assert_int_eq(vector_taken(b), 11);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], 0x12349000 - 16);
    ck_assert_uint_eq(peek32(b, 0x9000 - 16), SEL_ABSENT);
    bench_free(b);
}
END_TEST

START_TEST(debug_trap_bit)
{
    struct bench *b = two_tasks();
    poke16(b, TSS2 + 0x64, 1);
    bench_run(b, JMP_TSS2);
    ck_assert_int_eq(vector_taken(b), 1);
    ck_assert_uint_eq(stack32(b, 0), DATA);
    ck_assert_uint_eq(b->r.dr[6] & 0x8000, 0x8000);
    bench_free(b);
}
END_TEST

START_TEST(sixteen_bit_tss)
{
    struct bench *b = two_tasks();
    gdt_set(b, SEL_TSS2, descriptor(TSS2, 0x2B, 0x81));
    poke16(b, TSS2 + 0x0E, 0x6000);
    poke16(b, TSS2 + 0x10, 2 | EF_CF);
    for (unsigned n = 0; n < 8; n++) poke16(b, TSS2 + 0x12 + 2 * n, (uint16_t)(0xB000 + n));
    for (unsigned n = 0; n < 4; n++)
        poke16(b, TSS2 + 0x22 + 2 * n, n == SR_CS ? SEL_CODE0 : SEL_DATA0);
    poke16(b, TSS2 + 0x2A, 0);
    code_at(b, 0x6000, "F4");
    bench_run(b, CALL_TSS2);
    ck_assert_uint_eq(b->r.rip, 0x6001);
    ck_assert_uint_eq(b->r.gpr[GPR_DI], 0xFFFFB007);   /* ones above, as on a 386 */
    ck_assert_uint_eq(b->r.rflags, 2 | EF_CF | EF_NT);
    ck_assert_uint_eq(b->r.seg[SR_FS].access, 0);      /* a 16-bit TSS has no FS */
    ck_assert_uint_eq(peek16(b, TSS2), SEL_TSS);
    ck_assert_uint_eq(gdt_access(b, SEL_TSS2), 0x83);
    bench_free(b);
}
END_TEST

START_TEST(task_in_vm86)
{
    struct bench *b = two_tasks();
    poke32(b, TSS2 + 0x20, 0x10);
    poke32(b, TSS2 + 0x24, 2 | EF_VM);
    for (unsigned n = 0; n < 6; n++) poke32(b, TSS2 + 0x48 + 4 * n, 0x3000 + n);
    code_at(b, 0x30010 + 0x10, "EB FE");
    code_at(b, CODE, JMP_TSS2);
    bench_go(b, 3);
    ck_assert_uint_eq(b->r.rip, 0x10);
    ck_assert_uint_eq(b->r.cpl, 3);
    ck_assert_uint_eq(b->r.seg[SR_GS].base, 0x30050);
    bench_free(b);
}
END_TEST

/* ---- I/O permission -------------------------------------------------------------------------- */
static struct bench *port_bench(uint32_t tss_limit, const uint8_t *map, unsigned bytes)
{
    struct bench *b = bench_protected(3);
    b->r.tr.limit = tss_limit;
    for (unsigned n = 0; n < bytes; n++) poke8(b, TSS + 0x68 + n, map[n]);
    return b;
}

START_TEST(permission_bitmap)
{
    static const uint8_t map[] = { 0x00, 0x7F, 0x00, 0xFE, 0xFF };
    static const struct { uint16_t port; const char *insn; bool allowed; } cases[] = {
        { 0x00, "EC", true }, { 0x08, "EC", false }, { 0x0F, "EC", true }, { 0x0F, "66 ED", true },
        { 0x0E, "66 ED", false }, { 0x0F, "ED", true }, { 0x15, "ED", true }, { 0x16, "ED", false },
        { 0x18, "EE", true }, { 0x18, "66 EF", false }, { 0x20, "EC", false },
        { 0x28, "EC", false },
        { 0xFFFF, "EC", false },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *b = port_bench(0x67 + sizeof map, map, sizeof map);
        b->r.gpr[GPR_DX] = cases[n].port;
        code_at(b, CODE, cases[n].insn);
        bench_go(b, 1);
        ck_assert_uint_eq(b->ins + b->outs, cases[n].allowed);
        if (cases[n].allowed) ck_assert_uint_eq(b->last_port, cases[n].port);
        bench_free(b);
    }
}
END_TEST

START_TEST(the_map_needs_a_byte_more)
{
    struct bench *b = port_bench(0x68, (const uint8_t[]){ 0, 0 }, 2);
    ck_fault(b, "E4 00", 13, 0);
    bench_free(b);
    b = port_bench(0x69, (const uint8_t[]){ 0, 0 }, 2);
    code_at(b, CODE, "E4 00");
    bench_go(b, 1);
    ck_assert_uint_eq(b->ins, 1);
    bench_free(b);
}
END_TEST

START_TEST(iopl_and_short_tss)
{
    struct bench *b = bench_protected(3);        /* the map lies at the limit: nothing is allowed */
    ck_fault(b, "E4 60", 13, 0);
    bench_free(b);
    b = bench_protected(3);
    b->r.rflags = 2 | EF_IOPL3;
    code_at(b, CODE, "E4 60");
    bench_go(b, 1);
    ck_assert_uint_eq(b->ins, 1);
    bench_free(b);
    b = bench_vm86(3);                              /* in virtual-8086 mode the map decides alone */
    bench_run(b, "E4 60");
    ck_assert_int_eq(vector_taken(b), 13);
    bench_free(b);
    b = bench_protected(3);
    b->r.tr.access = 0x83;                             /* a 16-bit TSS has no map */
    b->r.tr.limit = 0xFFFF;
    code_at(b, CODE, "E4 00");
    bench_go(b, 1);
    ck_assert_uint_eq(b->ins, 0);
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("task");
    TCase *tc = tcase_create("task");
    tcase_add_test(tc, jump_switches);
    tcase_add_test(tc, call_nests_and_iret_returns);
    tcase_add_test(tc, exception_through_a_task_gate);
    tcase_add_test(tc, task_gate_in_the_gdt);
    tcase_add_test(tc, errors_in_the_old_task);
    tcase_add_test(tc, errors_in_the_new_task);
    tcase_add_test(tc, error_behind_a_new_kind_of_stack);
    tcase_add_test(tc, debug_trap_bit);
    tcase_add_test(tc, sixteen_bit_tss);
    tcase_add_test(tc, task_in_vm86);
    tcase_add_test(tc, permission_bitmap);
    tcase_add_test(tc, the_map_needs_a_byte_more);
    tcase_add_test(tc, iopl_and_short_tss);
    suite_add_tcase(suite, tc);
    return bench_main(suite);
}
