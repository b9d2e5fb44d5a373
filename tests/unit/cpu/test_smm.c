/* SPDX-License-Identifier: MIT
 * System management mode: SMI, the two maps of the state, RSM.
 * SDM vol. 3, chapter 34; AMD 24593, 10.2.
 */
#include "bench_cpu.h"

enum { SMBASE = 0x30000, HANDLER = SMBASE + 0x8000, SAVED = SMBASE + 0x8000 };

static bool smiact;
static void pin(void *ctx, enum cpu_pin which, bool level)
{
    (void)ctx;
    if (which == CPU_SMIACT) smiact = level;
}

static struct bench *with_handler(struct bench *b, const char *handler)
{
    code_at(b, HANDLER, handler);
    cpu_on_pin(b->cpu, pin, NULL);
    return b;
}

static void smi(struct bench *b)
{
    cpu_line(b->cpu, CPU_SMI, true);
    cpu_line(b->cpu, CPU_SMI, false);
}

/* Runs `ticks` more instructions without writing registers back. */
static enum cpu_stop go_on(struct bench *b, unsigned ticks)
{
    enum cpu_stop stop = cpu_run(b->cpu, cpu_ticks(b->cpu) + ticks);
    cpu_get_regs(b->cpu, &b->r);
    return stop;
}

static struct bench *model(const char *name, struct bench *like)
{
    struct bench *b = bench_new(name);
    b->r = like->r;
    bench_free(like);
    return b;
}

START_TEST(state_on_entry)
{
    struct bench *b = with_handler(bench_protected(3), "90 90");
    b->r.rflags |= EF_IF | EF_CF;
    b->r.dr[7] = 0x401;
    b->r.cr4 = 8;
    code_at(b, CODE, "90 90");
    cpu_set_regs(b->cpu, &b->r);
    smi(b);
    go_on(b, 1);
    ck_assert(smiact);
    ck_assert_uint_eq(b->r.rip, 0x8001);
    ck_assert_uint_eq(b->r.seg[SR_CS].selector, SMBASE >> 4);
    ck_assert_uint_eq(b->r.seg[SR_CS].base, SMBASE);
    for (unsigned n = 0; n < 6; n++) {
        ck_assert_uint_eq(b->r.seg[n].limit, 0xFFFFFFFF);
        if (n != SR_CS) ck_assert_uint_eq(b->r.seg[n].selector | b->r.seg[n].base, 0);
    }
    ck_assert_uint_eq(b->r.rflags, 2);
    ck_assert_uint_eq(b->r.cr0 & 0x8000000D, 0);
    ck_assert_uint_eq(b->r.cr4, 0);
    ck_assert_uint_eq(b->r.dr[7], 0x400);
    ck_assert_uint_eq(b->r.cpl, 0);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK3);
    bench_free(b);
}
END_TEST

/* Firmware reads and writes these places. */
START_TEST(maps)
{
    static const struct { const char *model; unsigned revision, rip, rax, smbase; } cases[] = {
        { "p3", 0x30000, 0x7FF0, 0x7FD0, 0x7EF8 }, { "core2", 0x30064, 0x7F78, 0x7FF8, 0x7F00 },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *b = with_handler(model(cases[n].model, bench_protected(0)), "90");
        b->r.gpr[GPR_AX] = 0x12345678;
        cpu_set_regs(b->cpu, &b->r);
        smi(b);
        go_on(b, 1);
        ck_assert_uint_eq(peek32(b, SAVED + 0x7EFC), cases[n].revision);
        ck_assert_uint_eq(peek32(b, SAVED + cases[n].rip), CODE);
        ck_assert_uint_eq(peek32(b, SAVED + cases[n].rax), 0x12345678);
        ck_assert_uint_eq(peek32(b, SAVED + cases[n].smbase), SMBASE);
        bench_free(b);
    }
}
END_TEST

static bool same_segment(const struct cpu_segment *a, const struct cpu_segment *b)
{
    return a->selector == b->selector && a->base == b->base && a->limit == b->limit &&
           a->access == b->access;
}
static bool same(const struct cpu_regs *a, const struct cpu_regs *b)
{
    bool segments = same_segment(&a->ldtr, &b->ldtr) && same_segment(&a->tr, &b->tr);
    for (unsigned n = 0; n < COUNT_OF(a->seg); n++)
        segments &= same_segment(&a->seg[n], &b->seg[n]);
    return segments && !memcmp(a->gpr, b->gpr, sizeof a->gpr) && a->rip == b->rip &&
           a->rflags == b->rflags && a->gdt_base == b->gdt_base && a->idt_base == b->idt_base &&
           a->gdt_limit == b->gdt_limit && a->idt_limit == b->idt_limit && a->cr0 == b->cr0 &&
           a->cr2 == b->cr2 && a->cr3 == b->cr3 && a->cr4 == b->cr4 && a->cr8 == b->cr8 &&
           a->efer == b->efer && a->cpl == b->cpl && !memcmp(a->dr, b->dr, sizeof a->dr);
}

/* In every mode all registers come back, also the hidden parts. */
START_TEST(rsm_brings_everything_back)
{
    static const char *const models[] = { "pentium", "p3", "core2", "amd64" };
    for (unsigned n = 0; n < 4 * COUNT_OF(models); n++) {
        struct bench *b = n % 4 == 0 ? bench_real() : n % 4 == 1 ? bench_protected(0)
                          : n % 4 == 2 ? bench_protected(3) : bench_vm86(3);
        b = with_handler(model(models[n / 4], b), "66 31 C0 66 31 E4 66 31 F6 0F AA");
        for (unsigned k = 0; k < 8; k++) b->r.gpr[k] = 0x11111111u * (k + 1);
        b->r.rflags |= EF_CF;
        b->r.seg[SR_DS].base = 0x123456;
        b->r.seg[SR_DS].limit = 0x654321;
        b->r.dr[6] = 0xFFFF0FF5;
        b->r.cr4 = 8;
        b->r.cr3 = 0x7000;
        cpu_set_regs(b->cpu, &b->r);
        cpu_get_regs(b->cpu, &b->r);
        struct cpu_regs before = b->r;
        smi(b);
        go_on(b, 4);
        ck_assert(!smiact);
        ck_assert_msg(same(&before, &b->r), "case %u", n);
        bench_free(b);
    }
}
END_TEST

START_TEST(rsm_outside_is_undefined)
{
    struct bench *b = bench_protected(0);
    bench_run(b, "0F AA");
    ck_assert_int_eq(vector_taken(b), 6);
    bench_free(b);
}
END_TEST

START_TEST(no_smi_and_no_nmi_inside)
{
    struct bench *b = with_handler(bench_protected(0), "90 90 0F AA");
    code_at(b, CODE, "90 90 90 F4");
    cpu_set_regs(b->cpu, &b->r);
    smi(b);
    go_on(b, 1);
    smi(b);
    cpu_line(b->cpu, CPU_NMI, true);
    go_on(b, 1);
    ck_assert_uint_eq(b->r.rip, 0x8002);
    go_on(b, 1);                                       /* RSM, and at once the second SMI */
    go_on(b, 1);
    ck_assert_uint_eq(b->r.rip, 0x8001);
    go_on(b, 2);                                       /* then NMI */
    ck_assert_int_eq(go_on(b, 10), CPU_HALTED);
    ck_assert_int_eq(vector_taken(b), 2);
    bench_free(b);
}
END_TEST

/* HLT goes on being HLT, unless the handler clears the flag. */
START_TEST(auto_halt_restart)
{
    for (unsigned clear = 0; clear < 2; clear++) {
        /* mov dword cs:[FEC8h] (amd64: I/O restart, halt), 0; rsm */
        struct bench *b =
            with_handler(model("core2", bench_protected(0)),
                         clear ? "66 67 2E C7 05 C8 FE 00 00 00 00 00 00 0F AA" : "0F AA");
        code_at(b, CODE, "F4 41 F4");
        b->r.gpr[GPR_CX] = 0;
        ck_assert_int_eq(bench_go(b, 10), CPU_HALTED);
        smi(b);
        ck_assert_int_eq(go_on(b, 10), CPU_HALTED);
        ck_assert_uint_eq(b->r.gpr[GPR_CX], clear);
        ck_assert_uint_eq(b->r.rip, CODE + (clear ? 3 : 1));
        bench_free(b);
    }
}
END_TEST

static struct bench *ports;
static void out_smi(void *ctx, uint16_t port, uint32_t value, enum width size)
{
    bench_out(ctx, port, value, size);
    if (port == 0xB2 && ports->outs == 1) smi(ports);
}

/* FFh in the I/O restart field: the OUT is done again. */
START_TEST(io_restart)
{
    for (unsigned again = 0; again < 2; again++) {
        struct cpu_bus bus = { .in = bench_in, .out = out_smi, .acknowledge = bench_acknowledge };
        struct cpu_config config = { .model = "p3" };
        struct bench *b = model("p3", bench_protected(0));
        cpu_free(b->cpu);
        bus.ctx = ports = b;
        b->cpu = cpu_new(&config, b->memory, &bus, NULL);
        /* mov byte cs:[FF00h], FFh; rsm */
        with_handler(b, again ? "2E C6 06 00 FF FF 0F AA" : "0F AA");
        b->r.gpr[GPR_CX] = 0;
        bench_run(b, "E6 B2 41 F4");
        ck_assert_uint_eq(b->outs, 1 + again);
        ck_assert_uint_eq(b->r.gpr[GPR_CX], 1);
        bench_free(b);
    }
}
END_TEST

START_TEST(smbase_moves)
{
    /* mov dword cs:[FEF8h], 80000h; rsm */
    struct bench *b = with_handler(model("p3", bench_protected(0)),
                                   "66 2E C7 06 F8 FE 00 00 08 00 0F AA");
    code_at(b, 0x88000, "90 F4");
    code_at(b, CODE, "90 EB FE");
    cpu_set_regs(b->cpu, &b->r);
    smi(b);
    go_on(b, 5);
    smi(b);
    ck_assert_int_eq(go_on(b, 10), CPU_HALTED);
    ck_assert_uint_eq(b->r.seg[SR_CS].base + b->r.rip, 0x88002);
    cpu_reset(b->cpu, false);                          /* INIT keeps it */
    poke8(b, 0x88000, 0xF4);
    smi(b);
    ck_assert_int_eq(go_on(b, 10), CPU_HALTED);
    ck_assert_uint_eq(b->r.seg[SR_CS].base + b->r.rip, 0x88001);
    bench_free(b);
}
END_TEST

/* SMRAM is the guest's: nonsense there ends in a shutdown, or is cut to what exists. */
START_TEST(bad_images)
{
    static const struct { unsigned at; uint32_t value; bool dies; } cases[] = {
        { 0x7F58, 0x80000010, true },                  /* CR0: PG without PE */
        { 0x7F58, 0x20000011, true }, { 0x7F48, 0x80000000, true }, { 0x7ED0, 0x02, true },
        { 0x7F70, 0xFFFFFFFF, false }, { 0x7E12, 0xFFFF, false }, { 0x7F60, 0xFFFFFFFF, false },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *b = with_handler(model("core2", bench_protected(0)), "90 0F AA");
        cpu_set_regs(b->cpu, &b->r);
        smi(b);
        go_on(b, 1);
        poke32(b, SAVED + cases[n].at, cases[n].value);
        ck_assert_msg((go_on(b, 3) == CPU_SHUTDOWN) == cases[n].dies, "case %u", n);
        if (cases[n].dies) ck_assert_ptr_nonnull(strstr(cpu_shutdown_reason(b->cpu), "RSM"));
        cpu_reset(b->cpu, true);
        ck_assert(!smiact);
        bench_free(b);
    }
}
END_TEST

/* A single step that is due when the SMI comes, is due after RSM. */
START_TEST(traps_come_after_rsm)
{
    struct cpu_bus bus = { .in = bench_in, .out = out_smi, .acknowledge = bench_acknowledge };
    struct bench *b = bench_protected(0);
    cpu_free(b->cpu);
    bus.ctx = ports = b;
    b->cpu = cpu_new(NULL, b->memory, &bus, NULL);
    with_handler(b, "90 0F AA");
    b->r.rflags |= EF_TF;
    bench_run(b, "E6 B2 90 F4");
    ck_assert_int_eq(vector_taken(b), 1);
    ck_assert_uint_eq(stack32(b, 0), CODE + 2);
    ck_assert_uint_eq(b->r.dr[6] & 0x4000, 0x4000);
    bench_free(b);
}
END_TEST

START_TEST(long_mode_comes_back)
{
    struct bench *b = with_handler(model("core2", bench_protected(0)), "66 31 C0 0F AA");
    b->r.cr4 = 0x20;
    b->r.efer = 0x500;
    b->r.cr0 = 0x80000011;
    b->r.cr3 = TABLES;
    poke64(b, TABLES, (TABLES + 0x1000) | 3);
    poke64(b, TABLES + 0x1000, (TABLES + 0x2000) | 3);
    poke64(b, TABLES + 0x2000, 0x83);
    b->r.seg[SR_CS].access = 0xA09B;
    b->r.gpr[9] = 0x123456789ABCDEF0;
    b->r.gpr[GPR_AX] = 0xFEDCBA9876543210;
    b->r.seg[4].base = 0xFFFF800000001000;
    code_at(b, CODE, "48 FF C0 F4");                   /* inc rax; hlt */
    cpu_set_regs(b->cpu, &b->r);
    smi(b);
    ck_assert_int_eq(go_on(b, 10), CPU_HALTED);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 0xFEDCBA9876543211);
    ck_assert_uint_eq(b->r.gpr[9], 0x123456789ABCDEF0);
    ck_assert_uint_eq(b->r.seg[4].base, 0xFFFF800000001000);
    ck_assert_uint_eq(b->r.efer, 0x500);
    ck_assert_uint_eq(b->r.rip, CODE + 4);
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("smm");
    TCase *tc = tcase_create("smm");
    tcase_add_test(tc, state_on_entry);
    tcase_add_test(tc, maps);
    tcase_add_test(tc, rsm_brings_everything_back);
    tcase_add_test(tc, rsm_outside_is_undefined);
    tcase_add_test(tc, no_smi_and_no_nmi_inside);
    tcase_add_test(tc, auto_halt_restart);
    tcase_add_test(tc, io_restart);
    tcase_add_test(tc, smbase_moves);
    tcase_add_test(tc, bad_images);
    tcase_add_test(tc, traps_come_after_rsm);
    tcase_add_test(tc, long_mode_comes_back);
    suite_add_tcase(suite, tc);
    return bench_main(suite);
}
