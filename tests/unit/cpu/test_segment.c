/* SPDX-License-Identifier: MIT
 * Segment registers: loading, limits, rights, selector validation. SDM vol. 3, chapters 3 and 5.
 */
#include "bench_cpu.h"

/* mov ax, selector; mov sreg, ax; hlt. modrm of 8E /sreg with ax. */
static void load_sreg(struct bench *b, unsigned seg, uint16_t selector)
{
    char hex[64];
    snprintf(hex, sizeof hex, "66 B8 %02X %02X 8E %02X F4", selector & 0xFF, selector >> 8,
             0xC0 + seg * 8);
    bench_run(b, hex);
}

/* One attempt in ring `ring`; vector -1: it works. Ring 3 halts by #GP at the HLT. */
static void check_load(unsigned ring, unsigned seg, uint16_t selector, int vector, uint32_t error)
{
    struct bench *b = bench_protected(ring);
    load_sreg(b, seg, selector);
    if (vector >= 0) {
        ck_assert_int_eq(vector_taken(b), vector);
        ck_assert_uint_eq(stack32(b, 0), error);
        ck_assert_uint_eq(stack32(b, 1), CODE + 4);
    } else {
        ck_assert_int_eq(vector_taken(b), ring ? 13 : -1);
        ck_assert_uint_eq(ring ? stack32(b, 1) : b->r.rip, CODE + 6u + !ring);
        ck_assert_uint_eq(seg == SR_SS && ring ? stack32(b, 5) : b->r.seg[seg].selector, selector);
    }
    bench_free(b);
}

START_TEST(data_segment_checks)
{
    check_load(0, SR_DS, SEL_DATA0, -1, 0);
    check_load(0, SR_DS, SEL_DATA3, -1, 0);
    check_load(0, SR_DS, SEL_DATA0 | 3, 13, SEL_DATA0);            /* RPL 3 > DPL 0 */
    check_load(3, SR_DS, SEL_DATA0, 13, SEL_DATA0);
    check_load(3, SR_ES, SEL_DATA3, -1, 0);
    check_load(3, SR_ES, SEL_READONLY | 3, -1, 0);
    check_load(3, SR_FS, SEL_CONFORMING | 3, -1, 0);         /* conforming and readable: any ring */
    check_load(3, SR_FS, SEL_CODE3, -1, 0);
    check_load(3, SR_FS, SEL_EXEC_ONLY | 3, 13, SEL_EXEC_ONLY);
    check_load(0, SR_GS, SEL_ABSENT, 11, SEL_ABSENT);
    check_load(0, SR_GS, SEL_TSS, 13, SEL_TSS);
    check_load(0, SR_GS, GDT_ENTRIES * 8, 13, GDT_ENTRIES * 8);
    check_load(0, SR_GS, SEL_DATA0 | 4, 13, SEL_DATA0 | 4);        /* there is no LDT */
}
END_TEST

START_TEST(stack_segment_checks)
{
    check_load(0, SR_SS, SEL_DATA0, -1, 0);
    check_load(3, SR_SS, SEL_DATA3, -1, 0);
    check_load(0, SR_SS, 0, 13, 0);
    check_load(0, SR_SS, 3, 13, 0);
    check_load(0, SR_SS, SEL_DATA3, 13, SEL_DATA3 & ~3);
    check_load(0, SR_SS, SEL_DATA0 | 1, 13, SEL_DATA0);
    check_load(3, SR_SS, SEL_READONLY | 3, 13, SEL_READONLY);
    check_load(0, SR_SS, SEL_CODE0, 13, SEL_CODE0);
    check_load(0, SR_SS, SEL_ABSENT, 12, SEL_ABSENT);
}
END_TEST

START_TEST(null_may_be_loaded_but_not_used)
{
    struct bench *b = bench_protected(0);
    bench_run(b, "66 B8 02 00 8E D8 A0 00 00 03 00");  /* mov ds, 2; mov al, [DATA] */
    ck_assert_int_eq(vector_taken(b), 13);
    ck_assert_uint_eq(stack32(b, 0), 0);
    ck_assert_uint_eq(stack32(b, 1), CODE + 6);
    ck_assert_uint_eq(b->r.seg[SR_DS].selector, 2);
    bench_free(b);
}
END_TEST

START_TEST(accessed_bit_is_set_in_memory)
{
    struct bench *b = bench_protected(0);
    gdt_set(b, SEL_FREE, descriptor(DATA, 0xFF, 0x92));
    load_sreg(b, SR_ES, SEL_FREE);
    ck_assert_uint_eq(gdt_access(b, SEL_FREE), 0x93);
    ck_assert_uint_eq(b->r.seg[SR_ES].access, 0x93);
    ck_assert_uint_eq(b->r.seg[SR_ES].base, DATA);
    bench_free(b);
}
END_TEST

START_TEST(ldt_selectors)
{
    struct bench *b = bench_protected(0);
    poke64(b, LDT + 8, descriptor(0x12345678, 0x12345, 0xC093));
    /* lldt ax; mov fs, 0Ch; sldt ecx */
    bench_run(b, "66 B8 38 00 0F 00 D0 66 B8 0C 00 8E E0 0F 00 C1 F4");
    ck_assert_int_eq(vector_taken(b), -1);
    ck_assert_uint_eq(b->r.seg[SR_FS].base, 0x12345678);
    ck_assert_uint_eq(b->r.seg[SR_FS].limit, 0x12345FFF);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], SEL_LDT);
    bench_free(b);
}
END_TEST

/* What a descriptor makes of a register is remembered;
 * what it was made from is looked at each time. */
START_TEST(changed_descriptors)
{
    struct bench *b = bench_protected(0);
    gdt_set(b, SEL_FREE, descriptor(0x1000, 0xFFFFF, 0xC093));
    /* mov ax, 78h; mov fs, ax; mov byte [GDT + 78h + 3], 77h; mov gs, ax */
    char hex[96];
    snprintf(hex, sizeof hex, "66 B8 78 00 8E E0 C6 05 %02X %02X %02X %02X 77 8E E8 F4",
             (GDT + 0x7B) & 0xFF, (GDT + 0x7B) >> 8 & 0xFF, (GDT + 0x7B) >> 16 & 0xFF,
             (unsigned)(GDT + 0x7B) >> 24);
    bench_run(b, hex);
    ck_assert_uint_eq(b->r.seg[SR_FS].base, 0x1000);
    ck_assert_uint_eq(b->r.seg[SR_GS].base, 0x7700);
    bench_free(b);
}
END_TEST

/* The same index in GDT and LDT, and with another RPL. */
START_TEST(similar_selectors)
{
    struct bench *b = bench_protected(0);
    poke64(b, LDT + 0x20, descriptor(0x12345678, 0x12345, 0xC0F3));
    /* lldt 38h; mov fs, 23h; mov gs, 27h; mov es, 24h; mov ds, 20h */
    bench_run(b, "66 B8 38 00 0F 00 D0 B0 23 8E E0 B0 27 8E E8 B0 24 8E C0 B0 20 8E D8 F4");
    ck_assert_uint_eq(b->r.seg[SR_FS].base, 0);
    ck_assert_uint_eq(b->r.seg[SR_FS].selector, 0x23);
    ck_assert_uint_eq(b->r.seg[SR_GS].base, 0x12345678);
    ck_assert_uint_eq(b->r.seg[SR_GS].selector, 0x27);
    ck_assert_uint_eq(b->r.seg[SR_ES].selector, 0x24);
    ck_assert_uint_eq(b->r.seg[SR_ES].limit, 0x12345FFF);
    ck_assert_uint_eq(b->r.seg[SR_DS].selector, 0x20);
    ck_assert_uint_eq(b->r.seg[SR_DS].base, 0);
    bench_free(b);
}
END_TEST

START_TEST(lldt_and_ltr_errors)
{
    static const struct {
        const char *insn; uint16_t selector; int vector; uint32_t error;
    } cases[] = {
        { "0F 00 D0", SEL_LDT | 4, 13, SEL_LDT | 4 }, { "0F 00 D0", SEL_TSS, 13, SEL_TSS },
        { "0F 00 D0", 0x500, 13, 0x500 }, { "0F 00 D8", 0, 13, 0 },
        { "0F 00 D8", SEL_LDT, 13, SEL_LDT },
        { "0F 00 D8", SEL_TSS, 13, SEL_TSS },          /* busy */
        { "0F 00 D8", SEL_FREE, 11, SEL_FREE },
    };
    for (unsigned n = 0; n < COUNT_OF(cases); n++) {
        struct bench *b = bench_protected(0);
        gdt_set(b, SEL_FREE, descriptor(TSS, 0x67, 0x09));
        b->r.gpr[GPR_AX] = cases[n].selector;
        ck_fault(b, cases[n].insn, cases[n].vector, cases[n].error);
        bench_free(b);
    }
}
END_TEST

START_TEST(ltr_marks_busy)
{
    struct bench *b = bench_protected(0);
    b->r.gpr[GPR_AX] = SEL_TSS2;
    bench_run(b, "0F 00 D8 0F 00 C9 F4");              /* ltr ax; str ecx */
    ck_assert_uint_eq(gdt_access(b, SEL_TSS2), 0x8B);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], SEL_TSS2);
    ck_assert_uint_eq(b->r.tr.base, TSS2);
    bench_free(b);
}
END_TEST

START_TEST(privileged_in_ring_3)
{
    static const char *const insns[] = {
        "0F 00 D0", "0F 00 D8", "0F 01 15 00 00 03 00", "0F 01 1D 00 00 03 00", "0F 01 F0", "0F 06",
        "0F 20 C0", "0F 22 C0", "0F 21 C0", "0F 23 C0", "F4", "0F 08", "0F 09", "0F 01 38", "0F 30",
        "0F 32", "FA", "FB", "0F 35",
        "0F 33",
    };
    for (unsigned n = 0; n < COUNT_OF(insns); n++) {
        struct bench *b = bench_protected(3);
        ck_fault(b, insns[n], 13, 0);
        bench_free(b);
    }
}
END_TEST

/* ---- limits ---------------------------------------------------------------------------------- */
static int store_at(uint16_t access, uint32_t limit, uint32_t offset)
{
    struct bench *b = bench_protected(0);
    char hex[64];
    b->r.seg[SR_ES] = (struct cpu_segment){ SEL_FREE, DATA, limit, access };
    snprintf(hex, sizeof hex, "26 C7 05 %02X %02X %02X %02X 78 56 34 12 F4", offset & 0xFF,
             offset >> 8 & 0xFF, offset >> 16 & 0xFF, offset >> 24);
    bench_run(b, hex);
    int vector = vector_taken(b);
    if (vector < 0) ck_assert_uint_eq(peek32(b, DATA + offset), 0x12345678);
    bench_free(b);
    return vector;
}

START_TEST(limits)
{
    ck_assert_int_eq(store_at(0x93, 0xFF, 0xFC), -1);
    ck_assert_int_eq(store_at(0x93, 0xFF, 0xFD), 13);
    ck_assert_int_eq(store_at(0x93, 0xFF, 0xFFFFFFFE), 13);
    ck_assert_int_eq(store_at(0x91, 0xFF, 0), 13);                 /* read-only */
    ck_assert_int_eq(store_at(0x9B, 0xFF, 0), 13);                 /* code */
    ck_assert_int_eq(store_at(0x97, 0xFF, 0x100), -1);      /* expand-down: valid above the limit */
    ck_assert_int_eq(store_at(0x97, 0xFF, 0xFF), 13);
    ck_assert_int_eq(store_at(0x97, 0xFF, 0xFFFC), -1);
    ck_assert_int_eq(store_at(0x97, 0xFF, 0xFFFD), 13);            /* 64 KiB without B */
    ck_assert_int_eq(store_at(0x4097, 0xFF, 0x10000), -1);
    ck_assert_int_eq(store_at(0x4097, 0xFFFFFFFF, 0x10000), 13);   /* nothing is valid */
}
END_TEST

START_TEST(stack_limit_is_ss)
{
    struct bench *b = bench_protected(0);
    b->r.seg[SR_SS] = (struct cpu_segment){ SEL_FREE, 0, 0xFFFF, 0x4093 };
    b->r.gpr[GPR_SP] = STACK0;
    ck_fault(b, "36 A1 FE FF 00 00", 12, 0);
    bench_free(b);
}
END_TEST

START_TEST(unreal_mode_keeps_limits)
{
    struct bench *b = bench_real();
    b->r.seg[SR_ES].limit = 0xFFFFFFFF;
    b->r.gpr[GPR_BX] = 0x200000;
    bench_run(b, "B8 00 30 8E C0 26 67 C6 03 77 F4");  /* mov es, 3000h; mov byte es:[ebx], 77h */
    ck_assert_int_eq(vector_taken(b), -1);
    ck_assert_uint_eq(peek8(b, 0x230000), 0x77);
    ck_assert_uint_eq(b->r.seg[SR_ES].limit, 0xFFFFFFFF);
    bench_free(b);
}
END_TEST

/* The whole way there and back, as software does it: PE on, load, PE off, load. */
START_TEST(entering_unreal_mode)
{
    struct bench *b = bench_real();
    b->r.gdt_base = GDT;
    b->r.gdt_limit = GDT_ENTRIES * 8 - 1;
    b->r.gpr[GPR_DI] = 0x300000;
    bench_run(b, "0F 20 C0 0C 01 0F 22 C0 BB 10 00 8E C3 24 FE 0F 22 C0 31 DB 8E C3 "
                 "26 67 C6 07 55 F4");
    ck_assert_int_eq(vector_taken(b), -1);
    ck_assert_uint_eq(peek8(b, 0x300000), 0x55);
    bench_free(b);
}
END_TEST

/* ---- LAR LSL VERR VERW ARPL ------------------------------------------------------------------ */
static struct bench *ask(unsigned ring, uint16_t selector, const char *insn)
{
    struct bench *b = bench_protected(ring);
    b->r.gpr[GPR_BX] = selector;
    b->r.gpr[GPR_AX] = 0x11111111;
    code_at(b, CODE, insn);
    bench_go(b, 1);
    ck_assert_uint_eq(b->r.rip, CODE + 3);
    return b;
}
#define ck_ask(ring, selector, insn, zf, value)                        \
    do {                                                               \
        struct bench *b_ = ask(ring, selector, insn);                  \
        ck_assert_uint_eq(!!(b_->r.rflags & EF_ZF), zf);               \
        ck_assert_uint_eq(b_->r.gpr[GPR_AX], value);                   \
        bench_free(b_);                                                \
    } while (0)
#define NO_VALUE 0x11111111

START_TEST(lar_lsl)
{
    ck_ask(0, SEL_CODE3, "0F 02 C3", 1, 0x00CFFB00);
    ck_ask(3, SEL_DATA0, "0F 02 C3", 0, NO_VALUE);
    ck_ask(3, SEL_CONFORMING, "0F 02 C3", 1, 0x00CF9F00);
    ck_ask(0, 0, "0F 02 C3", 0, NO_VALUE);
    ck_ask(0, 0x800, "0F 02 C3", 0, NO_VALUE);
    ck_ask(0, SEL_TSS, "0F 02 C3", 1, 0x00008B00);
    ck_ask(0, SEL_DATA0 | 3, "0F 02 C3", 0, NO_VALUE); /* RPL */
    ck_ask(0, SEL_DATA0, "0F 03 C3", 1, 0xFFFFFFFF);
    ck_ask(0, SEL_TSS, "0F 03 C3", 1, 0x67);
    ck_ask(0, SEL_LDT, "0F 03 C3", 1, 0xFF);
    ck_ask(0, SEL_ABSENT, "0F 03 C3", 1, 0xFFFFFFFF);  /* presence is not asked */
}
END_TEST

START_TEST(gates_have_rights_but_no_limit)
{
    struct bench *b = bench_protected(0);
    gdt_set(b, SEL_GATE, gate(SEL_CODE0, HANDLERS, B_CALL32, 0));
    b->r.gpr[GPR_BX] = SEL_GATE;
    bench_run(b, "0F 02 C3 0F 03 CB F4");
    ck_assert_uint_eq(b->r.gpr[GPR_AX] & 0xFF00, 0x8C00);
    ck_assert_uint_eq(b->r.rflags & EF_ZF, 0);
    bench_free(b);
}
END_TEST

/* ENTER 8, 0 with a 32-bit operand on a 16-bit stack: EBP gets all of ESP (test386.asm). */
START_TEST(enter_on_a_16_bit_stack)
{
    struct bench *b = bench_protected(0);
    b->r.seg[SR_SS] = flat(SEL_DATA16, 0x0093);
    b->r.seg[SR_SS].limit = 0xFFFF;
    b->r.gpr[GPR_SP] = 0x18000;
    bench_run(b, "C8 08 00 00 F4");
    ck_assert_uint_eq(b->r.gpr[GPR_BP], 0x17FFC);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], 0x17FF4);
    bench_free(b);
}
END_TEST

/* 4 bytes at FFFFFFFF in a 4 GiB segment: the processor's choice (SDM vol. 3, 5.3); here: wrap. */
START_TEST(operand_wraps_around_4_gib)
{
    struct bench *b = bench_protected(0);
    poke32(b, 0, 0x44332211);
    bench_run(b, "A1 FF FF FF FF F4");
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 0x332211FF);
    bench_free(b);
}
END_TEST

START_TEST(verr_verw)
{
    ck_ask(3, SEL_DATA3, "0F 00 E3", 1, NO_VALUE);
    ck_ask(3, SEL_DATA3, "0F 00 EB", 1, NO_VALUE);
    ck_ask(3, SEL_READONLY | 3, "0F 00 E3", 1, NO_VALUE);
    ck_ask(3, SEL_READONLY | 3, "0F 00 EB", 0, NO_VALUE);
    ck_ask(3, SEL_EXEC_ONLY | 3, "0F 00 E3", 0, NO_VALUE);
    ck_ask(3, SEL_CONFORMING, "0F 00 E3", 1, NO_VALUE);
    ck_ask(3, SEL_CONFORMING, "0F 00 EB", 0, NO_VALUE);
    ck_ask(3, SEL_DATA0, "0F 00 E3", 0, NO_VALUE);
    ck_ask(0, SEL_TSS, "0F 00 E3", 0, NO_VALUE);
}
END_TEST

START_TEST(arpl)
{
    struct bench *b = bench_protected(3);
    b->r.gpr[GPR_AX] = 0x12340010;
    b->r.gpr[GPR_BX] = 2;
    poke16(b, DATA, 0x33);
    code_at(b, CODE, "63 D8 63 1D 00 00 03 00");       /* arpl ax, bx; arpl [DATA], bx */
    bench_go(b, 1);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 0x12340012);
    ck_assert(b->r.rflags & EF_ZF);
    bench_go(b, 1);
    ck_assert(!(b->r.rflags & EF_ZF));
    ck_assert_uint_eq(peek16(b, DATA), 0x33);
    bench_free(b);
    b = bench_vm86(3);                            /* #UD: how Windows calls from virtual machines */
    bench_run(b, "63 C0");
    ck_assert_int_eq(vector_taken(b), 6);
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("segment");
    TCase *tc = tcase_create("segment");
    tcase_add_test(tc, data_segment_checks);
    tcase_add_test(tc, stack_segment_checks);
    tcase_add_test(tc, null_may_be_loaded_but_not_used);
    tcase_add_test(tc, accessed_bit_is_set_in_memory);
    tcase_add_test(tc, ldt_selectors);
    tcase_add_test(tc, changed_descriptors);
    tcase_add_test(tc, similar_selectors);
    tcase_add_test(tc, lldt_and_ltr_errors);
    tcase_add_test(tc, ltr_marks_busy);
    tcase_add_test(tc, privileged_in_ring_3);
    tcase_add_test(tc, limits);
    tcase_add_test(tc, stack_limit_is_ss);
    tcase_add_test(tc, unreal_mode_keeps_limits);
    tcase_add_test(tc, entering_unreal_mode);
    tcase_add_test(tc, lar_lsl);
    tcase_add_test(tc, gates_have_rights_but_no_limit);
    tcase_add_test(tc, enter_on_a_16_bit_stack);
    tcase_add_test(tc, operand_wraps_around_4_gib);
    tcase_add_test(tc, verr_verw);
    tcase_add_test(tc, arpl);
    suite_add_tcase(suite, tc);
    return bench_main(suite);
}
