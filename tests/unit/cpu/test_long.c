/* SPDX-License-Identifier: MIT
 * Long mode: the way in and out, instructions and addresses, descriptor tables, 4-level paging.
 * SDM vol. 3, 9.8.5 (activation), 4.5 (paging); vol. 2.
 */
#include "tests/unit/cpu/bench_long.h"

/* ---- in and out ------------------------------------------------------------------------------ */
START_TEST(from_real_mode_to_long_mode_and_back)
{
    struct bench *b = bench_new("athlon64");
    tables64(b);
    for (unsigned s = 0; s < 6; s++) b->r.seg[s] = (struct cpu_segment){0, 0, 0xFFFF, 0x93};
    b->r.seg[SR_CS] = (struct cpu_segment){CODE >> 4, CODE, 0xFFFF, 0x93};
    b->r.rip = 0;
    b->r.gdt_base = GDT;
    b->r.gdt_limit = SEL_END - 1;
    b->r.cr0 = 0x10;
    b->r.gpr[GPR_SP] = STACK0;
    /* CR4.PAE, CR3, EFER.LME, CR0.PG + PE at once, far jump */
    uint32_t at =
        code_at(b, CODE,
                "66B820000000 0F22E0 66B800001000 0F22D8 66B9800000C0 0F32 660D00010000 0F30"
                "66B811000080 0F22C0 66EA");
    poke32(b, at, CODE + 0x100);
    poke16(b, at + 4, SEL_CODE64);
    /* 64-bit: mov rbx, 123456789ABCDEFh; jmp far [rip+0] to 32-bit code */
    at = code_at(b, CODE + 0x100, "48BBEFCDAB8967452301 FF2D00000000");
    poke32(b, at, CODE + 0x200);
    poke16(b, at + 4, SEL_CODE0);
    /* compatibility mode: read EFER; paging off; read EFER again */
    code_at(b, CODE + 0x200, "0F32 89C6 0F20C0 25FFFFFF7F 0F22C0 0F32 F4");
    ck_assert_int_eq(bench_go(b, 1000), CPU_HALTED);
    ck_assert_uint_eq(b->r.gpr[GPR_BX], 0x123456789ABCDEF);
    ck_assert_uint_eq(b->r.gpr[GPR_SI], 0x500);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 0x100);
    ck_assert_uint_eq(b->r.efer, 0x100);
    bench_free(b);
}
END_TEST

START_TEST(activation_has_conditions)
{
    static const struct {
        uint64_t cr4;
        uint16_t cs, tr;
        bool good;
    } table[] = {
        {0x20, B_CODE0, 0x8B, true},
        {0, B_CODE0, 0x8B, false},
        {0x20, B_CODE0 | 0x2000, 0x8B, false},
        {0x20, B_CODE0, 0x83, false},
    };
    for (unsigned n = 0; n < COUNT_OF(table); n++) {
        struct bench *b = bench_long(0); /* as the paging that follows needs it */
        b->r.seg[SR_CS] = flat(SEL_CODE0, table[n].cs);
        b->r.tr.access = table[n].tr;
        b->r.idt_base = IDT;
        b->r.cr0 = 0x11;
        b->r.cr4 = table[n].cr4;
        b->r.efer = 0x100;
        b->r.gpr[GPR_AX] = 0x80000011;
        bench_run(b, "0F22C0 F4");
        ck_assert_int_eq(b->r.efer >> 10 & 1, table[n].good);
        ck_assert_int_eq(vector_taken(b), table[n].good ? -1 : 13);
        bench_free(b);
    }
}
END_TEST

START_TEST(what_holds_long_mode_up_cannot_go)
{
    static const char *const hex[] = {
        "0F20C0 0FBAF01F 0F22C0 F4",      /* CR0.PG off in 64-bit mode */
        "0F20E0 0FBAF005 0F22E0 F4",      /* CR4.PAE */
        "B9800000C0 31C0 31D2 0F30 F4",   /* EFER.LME under paging */
        "48B80000000001000000 0F22C0 F4", /* upper half of CR0 */
        "48B80000000000000100 0F22D8 F4", /* CR3 beyond the physical address */
        "B810000000 440F22C0 F4",         /* CR8 has four bits */
        "48B80000000001000000 0F23F8 F4", /* upper half of DR7 */
    };
    for (unsigned n = 0; n < COUNT_OF(hex); n++) {
        struct bench *b = bench_long(0);
        bench_run(b, hex[n]);
        ck_assert_msg(vector_taken(b) == 13, "%s", hex[n]);
        ck_assert_uint_eq(b->r.efer, EFER_AS_ACTIVE);
        bench_free(b);
    }
}
END_TEST

/* ---- instructions ---------------------------------------------------------------------------- */
START_TEST(registers_and_addresses)
{
    struct bench *b = bench_long(0);
    b->r.gpr[GPR_AX] = 0x1111111122222222;
    b->r.gpr[GPR_SI] = 0x1234;
    b->r.gpr[12] = 0xFFFFFFFF80000000;
    /* mov [rip+1000h-..], rax; mov sil, 7Fh; movsxd r8, r12d; xchg r8, rax (49 90); nop; mov al,
     * moffs64 */
    uint32_t at = code_at(b, CODE, "488905 F90F0000 40B67F 4D63C4 4990 90 A0");
    poke64(b, at, HIGH + CODE + 0x1000);
    code_at(b, at + 8, "F4");
    ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
    ck_assert_uint_eq(peek64(b, CODE + 0x1000), 0x1111111122222222);
    ck_assert_uint_eq(b->r.gpr[GPR_SI], 0x127F);
    ck_assert_uint_eq(b->r.gpr[8], 0x1111111122222222);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 0xFFFFFFFF80000022);
    bench_free(b);
}
END_TEST

/* Found by native_fuzz: both wrote ECX or the destination, and so cleared the upper half. */
START_TEST(what_is_not_written_keeps_its_upper_half)
{
    struct bench *b = bench_long(0);
    b->r.gpr[GPR_CX] = 0x1234567800000001;
    b->r.gpr[GPR_DX] = 0x8765432100000005;
    b->r.gpr[GPR_SI] = 0;
    bench_run(b, "67E300 0FBCD6 0FBDD6 F4");               /* JECXZ; BSF, BSR EDX, ESI */
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 0x1234567800000001);
    ck_assert_uint_eq(b->r.gpr[GPR_DX], 0x8765432100000005);
    bench_free(b);
    b = bench_long(0);
    b->r.gpr[GPR_CX] = 0x1234567800000001;
    bench_run(b, "67E200 F4");                             /* LOOP counts ECX: it is written */
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 0);
    bench_free(b);
}
END_TEST

START_TEST(rip_relative_at_the_ends_of_32_bits)
{
    /* lea rax, [rip + 7FFFFFFFh]; lea rbx, [rip - 80000000h]; lea ecx, [eip + 7FFFFFFFh] */
    struct bench *b = bench_long(0);
    b->r.rip = HIGH + CODE;
    code_at(b, CODE, "90 90 488D05FFFFFF7F 488D1D00000080 678D0DFFFFFF7F F4");
    ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], HIGH + CODE + 9 + 0x7FFFFFFF);
    ck_assert_uint_eq(b->r.gpr[GPR_BX], HIGH + CODE + 16 - 0x80000000);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], CODE + 23 + 0x7FFFFFFFu);
    bench_free(b);
}
END_TEST

START_TEST(not_in_64_bit_mode)
{
    static const char *const hex[] = {
        "06",   "07",   "0E", "16",   "1E",   "27",     "2F",
        "37",   "3F",   "60", "61",   "62C0", "8200FF", "9A00000000000000",
        "C400", "C500", "CE", "D40A", "D50A", "D6",     "EA00000000000000"};
    for (unsigned n = 0; n < COUNT_OF(hex); n++) {
        struct bench *b = bench_long(0);
        bench_run(b, hex[n]);
        ck_assert_msg(vector_taken(b) == 6, "%s", hex[n]);
        ck_assert_uint_eq(stack64(b, 0), CODE);
        bench_free(b);
    }
}
END_TEST

START_TEST(prefixes_of_64_bit_mode)
{
    struct bench *b = bench_long(0);
    b->r.gpr[GPR_AX] = 0x1111111111111111;
    b->r.gpr[GPR_CX] = 0x100000003;
    /* REX is lost before 66; 66 does not shorten a near call's target; LOOP with 67 counts ECX */
    code_at(b, CODE, "48 66 B83412 66E801000000 F4 5B 67E2FE F4");
    ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 0x1111111111111234);
    ck_assert_uint_eq(b->r.gpr[GPR_BX], CODE + 11);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 0);
    bench_free(b);
}
END_TEST

START_TEST(stack_of_64_bits)
{
    struct bench *b = bench_long(0);
    b->r.gpr[GPR_SP] = HIGH + STACK0;
    b->r.seg[SR_FS].selector = 0x4321;
    /* push -2; push fs; pushfq; push ax (16 bits); pop bx; pop rcx; pop rdx; enter 16, 1; leave */
    code_at(b, CODE, "6AFE 0FA0 9C 6650 665B 59 5A C8100001 C9 F4");
    b->r.gpr[GPR_AX] = 0xBEEF;
    b->r.gpr[GPR_BP] = 0x7777777777777777;
    ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
    ck_assert_uint_eq(b->r.gpr[GPR_SP], HIGH + STACK0 - 8);
    ck_assert_uint_eq(peek64(b, STACK0 - 8), ~1ull);
    ck_assert_uint_eq(b->r.gpr[GPR_BX], 0xBEEF);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 2);
    ck_assert_uint_eq(b->r.gpr[GPR_DX], 0x4321);
    ck_assert_uint_eq(b->r.gpr[GPR_BP], 0x7777777777777777);
    bench_free(b);
}
END_TEST

START_TEST(only_fs_and_gs_have_a_base)
{
    struct bench *b = bench_long(0);
    b->r.seg[SR_DS].base = 0x50000;
    b->r.seg[SR_DS].limit = 0;
    b->r.seg[SR_GS].base = HIGH + DATA;
    poke32(b, DATA, 0x11223344);
    poke32(b, DATA + 0x10, 0x55667788);
    /* mov eax, [DATA]; mov ebx, gs:[10h]; mov ecx, ds:gs:[10h] */
    code_at(b, CODE, "8B042500000300 658B1C2510000000 653E8B0C2510000000 F4");
    ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 0x11223344);
    ck_assert_uint_eq(b->r.gpr[GPR_BX], 0x55667788);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 0x55667788);
    bench_free(b);
}
END_TEST

START_TEST(not_canonical)
{
    struct bench *b = bench_long(0);
    b->r.gpr[GPR_AX] = 0x800000000000;
    ck_fault64(b, "488B00", 13, 0);
    bench_free(b);
    b = bench_long(0);
    b->r.gpr[GPR_BP] = 0x7FFFFFFFFFFC; /* crosses the end */
    ck_fault64(b, "488B4500", 12, 0);
    bench_free(b);
    b = bench_long(0);
    b->r.gpr[GPR_AX] = 0x800000000000;
    ck_fault64(b, "FFE0", 13, 0); /* the jump's own fault */
    bench_free(b);
    b = bench_long(0);
    poke64(b, STACK0 - 8, 0x8000000000000000);
    b->r.gpr[GPR_SP] = STACK0 - 8;
    ck_fault64(b, "C3", 13, 0);
    bench_free(b);
    b = bench_long(0);
    b->r.gpr[GPR_CX] = 0xC0000101; /* GS base */
    b->r.gpr[GPR_DX] = 0x8000;
    ck_fault64(b, "0F30", 13, 0);
    bench_free(b);
}
END_TEST

/* A page at the end of the lower half: straight-line code and branches that leave the canonical
 * addresses. */
START_TEST(end_of_the_lower_half)
{
    for (unsigned jump = 0; jump < 2; jump++) {
        struct bench *b = bench_long(0);
        poke64(b, PML4 + 255 * 8, (PT + 0x1000) | 7);
        poke64(b, PT + 0x1000 + 511 * 8, (PT + 0x2000) | 7);
        poke64(b, PT + 0x2000 + 511 * 8, (PT + 0x3000) | 7);
        poke64(b, PT + 0x3000 + 511 * 8, 0x300007);
        b->r.rip = 0x7FFFFFFFFFF8;
        code_at(b, 0x300FF8, jump ? "90 90 90 EB10" : "90 90 90 90 90 90 90 90");
        ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
        ck_assert_int_eq(vector_taken(b), 13);
        ck_assert_uint_eq(stack64(b, 1), jump ? 0x7FFFFFFFFFFB : 0x800000000000);
        bench_free(b);
    }
}
END_TEST

START_TEST(cmpxchg16b_compares_both_halves)
{
    struct bench *b = bench_long(0);
    poke64(b, DATA, 0x1111);
    poke64(b, DATA + 8, 0x2222);
    b->r.gpr[GPR_SI] = DATA;
    b->r.gpr[GPR_AX] = 0x1111;
    b->r.gpr[GPR_DX] = 0x2223;
    b->r.gpr[GPR_BX] = 0xAAAA;
    b->r.gpr[GPR_CX] = 0xBBBB;
    /* fails and loads, then succeeds; then misaligned */
    code_at(b, CODE, "F0480FC70E 7501 F4 F0480FC70E 7401 F4 480FC74E08");
    ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
    ck_assert_uint_eq(peek64(b, DATA), 0xAAAA);
    ck_assert_uint_eq(peek64(b, DATA + 8), 0xBBBB);
    ck_assert_int_eq(vector_taken(b), 13);
    bench_free(b);
}
END_TEST

/* ---- descriptors ----------------------------------------------------------------------------- */
START_TEST(ltr_reads_16_bytes)
{
    struct bench *b = bench_long(0);
    poke64(b, GDT + SEL_TSS64 + 8, 0xFFFF8000);
    b->r.gpr[GPR_AX] = SEL_TSS64;
    bench_run(b, "0F00D8 F4");
    ck_assert_uint_eq(b->r.tr.base, HIGH + TSS);
    ck_assert_uint_eq(gdt_access(b, SEL_TSS64), 0x8B);
    bench_free(b);
    b = bench_long(0);
    poke64(b, GDT + SEL_TSS64 + 8, 0x0000090000000000); /* a type in the upper half */
    b->r.gpr[GPR_AX] = SEL_TSS64;
    ck_fault64(b, "0F00D8", 13, SEL_TSS64);
    bench_free(b);
    b = bench_long(0);
    gdt_set(b, SEL_TSS, descriptor(TSS, 0x67, 0x81)); /* 16-bit TSS */
    b->r.gpr[GPR_AX] = SEL_TSS;
    ck_fault64(b, "0F00D8", 13, SEL_TSS);
    bench_free(b);
}
END_TEST

START_TEST(table_registers_have_64_bit_bases)
{
    struct bench *b = bench_long(0);
    poke16(b, DATA, 0x1234);
    poke64(b, DATA + 2, HIGH + 0x5678);
    bench_run(b, "660F011C2500000300 0F010C2510000300 F4"); /* lidt (66 does not matter); sidt */
    ck_assert_uint_eq(b->r.idt_base, HIGH + 0x5678);
    ck_assert_uint_eq(peek16(b, DATA + 0x10), 0x1234);
    ck_assert_uint_eq(peek64(b, DATA + 0x12), HIGH + 0x5678);
    bench_free(b);
    b = bench_long(0);
    poke64(b, DATA + 2, 0x8000000000005678);
    ck_fault64(b, "0F01142500000300", 13, 0);
    bench_free(b);
}
END_TEST

START_TEST(null_stack_segment)
{
    struct bench *b = bench_long(0);
    bench_run(b, "31C0 8ED0 50 F4");
    ck_assert_uint_eq(b->r.gpr[GPR_SP], STACK0 - 8);
    bench_free(b);
    b = bench_long(3);
    b->r.gpr[GPR_AX] = 3;
    ck_fault64(b, "8ED0", 13, 0);
    bench_free(b);
}
END_TEST

/* ---- paging ---------------------------------------------------------------------------------- */
START_TEST(no_execute)
{
    for (unsigned nxe = 0; nxe < 2; nxe++) {
        struct bench *b = bench_long(0);
        b->r.efer |= nxe << 11;
        poke64(b, PT + 8, 0x8000000000201007);
        b->r.gpr[GPR_AX] = HIGH_LADDR + 0x1000;
        poke8(b, 0x201000, 0x90);
        bench_run(b, nxe ? "8A18 FFE0" : "FFE0");
        ck_assert_int_eq(vector_taken(b), 14);
        /* without NXE bit 63 is reserved, and I/D is 0 */
        ck_assert_uint_eq(stack64(b, 0), nxe ? 0x11 : 0x09);
        ck_assert_uint_eq(b->r.cr2, HIGH_LADDR + 0x1000);
        ck_assert_uint_eq(stack64(b, 1), HIGH_LADDR + 0x1000);
        bench_free(b);
    }
}
END_TEST

START_TEST(four_levels_and_reserved_bits)
{
    struct bench *b = bench_long(0);
    poke32(b, 0x203004, 0x600D);
    b->r.gpr[GPR_AX] = HIGH + HIGH_LADDR + 0x3004;
    bench_run(b, "8B18 F4");
    ck_assert_uint_eq(b->r.gpr[GPR_BX], 0x600D);
    ck_assert_uint_eq(peek64(b, PT + 3 * 8) & 0x60, 0x20); /* accessed, not dirty */
    bench_free(b);
    static const struct {
        uint64_t at, entry;
        unsigned error;
    } bad[] = {
        {PML4, PDPT | 0x87, 9},      /* PS in a PML4E */
        {PDPT, 0x87, 9},             /* no 1 GiB pages in this model */
        {PD, 0x2087, 9},             /* bits below a 2 MiB page */
        {PT, 0x0000010000200007, 9}, /* beyond 40 bits */
        {PT, 0x0010000000200007, 0}, /* bits 62-52 are free */
    };
    for (unsigned n = 0; n < COUNT_OF(bad); n++) {
        b = bench_long(0);
        b->r.rip = HIGH + CODE; /* code, IDT and stack by other tables */
        for (unsigned k = 0; k < 3; k++)
            for (unsigned e = 0; e < 512; e++)
                poke64(b, 0x400000 + (k << 12) + e * 8, peek64(b, PDPT + (k << 12) + e * 8));
        poke64(b, 0x400000, 0x401007);
        poke64(b, PML4 + 256 * 8, 0x400007);
        b->r.idt_base += HIGH;
        b->r.gdt_base += HIGH;
        b->r.gpr[GPR_SP] += HIGH;
        for (unsigned v = 0; v < 32; v++)
            idt64_set(b, v, SEL_CODE64, HIGH + HANDLERS + v * 16, B_INT32, 0);
        uint64_t laddr = bad[n].at == PT ? HIGH_LADDR : 0;
        poke64(b, bad[n].at, bad[n].entry);
        b->r.gpr[GPR_AX] = laddr;
        code_at(b, CODE, "8A18 F4");
        ck_assert_int_eq(bench_go(b, 20), CPU_HALTED);
        bool faulted = b->r.rip == HIGH + HANDLERS + 14 * 16 + 1;
        ck_assert_msg(faulted == (bad[n].error != 0), "%u", n);
        if (faulted) ck_assert_uint_eq(peek64(b, b->r.gpr[GPR_SP] - HIGH), bad[n].error);
        bench_free(b);
    }
}
END_TEST

START_TEST(string_with_64_bit_addresses)
{
    struct bench *b = bench_long(0);
    for (unsigned n = 0; n < 0x1000; n += 8) poke64(b, DATA + n, 0x0101010101010101ull * n);
    b->r.gpr[GPR_SI] = HIGH + DATA;
    b->r.gpr[GPR_DI] = HIGH + HIGH_LADDR + 0x800;
    b->r.gpr[GPR_CX] = 0x200;
    code_at(b, CODE, "F348A5 F4");
    ck_assert_int_eq(bench_go(b, 2000), CPU_HALTED);
    ck_assert_uint_eq(peek64(b, 0x200800 + 0xFF8), 0x0101010101010101ull * 0xFF8);
    ck_assert_uint_eq(b->r.gpr[GPR_SI], HIGH + DATA + 0x1000);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 0);
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("long");
    TCase *c = tcase_create("long");
    tcase_add_test(c, from_real_mode_to_long_mode_and_back);
    tcase_add_test(c, activation_has_conditions);
    tcase_add_test(c, what_holds_long_mode_up_cannot_go);
    tcase_add_test(c, registers_and_addresses);
    tcase_add_test(c, what_is_not_written_keeps_its_upper_half);
    tcase_add_test(c, rip_relative_at_the_ends_of_32_bits);
    tcase_add_test(c, not_in_64_bit_mode);
    tcase_add_test(c, prefixes_of_64_bit_mode);
    tcase_add_test(c, stack_of_64_bits);
    tcase_add_test(c, only_fs_and_gs_have_a_base);
    tcase_add_test(c, not_canonical);
    tcase_add_test(c, end_of_the_lower_half);
    tcase_add_test(c, cmpxchg16b_compares_both_halves);
    tcase_add_test(c, ltr_reads_16_bytes);
    tcase_add_test(c, table_registers_have_64_bit_bases);
    tcase_add_test(c, null_stack_segment);
    tcase_add_test(c, no_execute);
    tcase_add_test(c, four_levels_and_reserved_bits);
    tcase_add_test(c, string_with_64_bit_addresses);
    suite_add_tcase(suite, c);
    return bench_main(suite);
}
