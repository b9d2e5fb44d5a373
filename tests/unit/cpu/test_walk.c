/* SPDX-License-Identifier: MIT
 * Paging. SDM vol. 3, chapter 4.
 */
#include "bench_cpu.h"

enum { P = 1, W = 2, U = 4, A = 0x20, D = 0x40, PS = 0x80, G = 0x100 };
enum { PD = TABLES, PT = TABLES + 0x1000, PT2 = TABLES + 0x2000, PDPT = TABLES + 0x3000 };
enum { VIRT = 0x400000 };              /* where tests map their page: PDE 1, PTE 0 */

/* The first 4 MiB are mapped one to one for everybody; VIRT is mapped by pde and pte. */
static struct bench *paged(unsigned ring, uint32_t pde, uint32_t pte)
{
    struct bench *b = bench_protected(ring);
    poke32(b, PD, PT | P | W | U);
    for (unsigned n = 0; n < 1024; n++) poke32(b, PT + 4 * n, n << 12 | P | W | U);
    poke32(b, PD + 4, pde);
    poke32(b, PT2, pte);
    b->r.cr3 = PD;
    b->r.cr0 |= 0x80000000;
    return b;
}
static struct bench *paged_pae(unsigned ring, uint64_t pde, uint64_t pte)
{
    struct bench *b = bench_protected(ring);
    poke64(b, PDPT, PD | P);
    poke64(b, PD, 0 | P | W | U | PS);
    poke64(b, PD + 8, 0x200000 | P | W | U | PS);
    poke64(b, PD + 16, pde);                           /* VIRT: PDE 2 */
    poke64(b, PT2, pte);
    b->r.cr3 = PDPT;
    b->r.cr4 = 0x20;
    b->r.cr0 |= 0x80000000;
    return b;
}
#define LOAD  "A1 00 00 40 00"
#define STORE "A3 00 00 40 00"

static void ck_page_fault(struct bench *b, const char *insn, uint32_t error)
{
    ck_fault(b, insn, 14, error);
    ck_assert_uint_eq(b->r.cr2, VIRT);
    bench_free(b);
}
static struct bench *works(struct bench *b, const char *insn)
{
    code_at(b, CODE, insn);
    bench_go(b, 1);
    ck_assert_uint_eq(b->r.rip, CODE + 5);
    return b;
}

START_TEST(load_sets_accessed)
{
    struct bench *b = paged(3, PT2 | P | W | U, DATA | P | W | U);
    poke32(b, DATA, 0xCAFE1234);
    works(b, LOAD);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 0xCAFE1234);
    ck_assert_uint_eq(peek32(b, PD + 4), PT2 | P | W | U | A);
    ck_assert_uint_eq(peek32(b, PT2), DATA | P | W | U | A);
    bench_free(b);
}
END_TEST

START_TEST(store_sets_dirty)
{
    struct bench *b = paged(3, PT2 | P | W | U, DATA | P | W | U);
    code_at(b, CODE, LOAD STORE);              /* the load first: the TLB must not hide the store */
    b->r.gpr[GPR_AX] = 1;
    bench_go(b, 2);
    ck_assert_uint_eq(peek32(b, PT2), DATA | P | W | U | A | D);
    ck_assert_uint_eq(peek32(b, PD + 4), PT2 | P | W | U | A);
    bench_free(b);
}
END_TEST

START_TEST(faults_and_error_codes)
{
    ck_page_fault(paged(0, 0, 0), LOAD, 0);
    ck_page_fault(paged(3, 0, 0), LOAD, 4);
    ck_page_fault(paged(3, PT2 | P | W | U, 0), STORE, 6);
    ck_page_fault(paged(3, PT2 | P | W | U, DATA | P | W), LOAD, 5);           /* supervisor page */
    ck_page_fault(paged(3, PT2 | P | W, DATA | P | W | U), LOAD, 5);    /* the PDE counts as well */
    ck_page_fault(paged(3, PT2 | P | W | U, DATA | P | U), STORE, 7);
    ck_page_fault(paged(3, PT2 | P | U, DATA | P | W | U), STORE, 7);
}
END_TEST

START_TEST(a_fault_sets_no_dirty_bit)
{
    struct bench *b = paged(3, PT2 | P | W | U, DATA | P | U);
    bench_run(b, STORE);
    ck_assert_uint_eq(peek32(b, PT2) & D, 0);
    bench_free(b);
}
END_TEST

START_TEST(write_protect)
{
    struct bench *b = paged(0, PT2 | P | U, DATA | P | U);
    b->r.gpr[GPR_AX] = 0x77;
    works(b, STORE);                                   /* ring 0 without CR0.WP */
    ck_assert_uint_eq(peek32(b, DATA), 0x77);
    bench_free(b);
    b = paged(0, PT2 | P | U, DATA | P | U);
    b->r.cr0 |= 0x10000;
    ck_page_fault(b, STORE, 3);
}
END_TEST

START_TEST(four_mib_pages)
{
    struct bench *b = paged(3, 0x400000 | P | W | U | PS, 0);
    b->r.cr4 = 0x10;
    poke32(b, 0x400000, 0x12344321);
    works(b, LOAD);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 0x12344321);
    ck_assert_uint_eq(peek32(b, PD + 4), 0x400000 | P | W | U | PS | A);
    bench_free(b);
    b = paged(3, 0x600000 | P | W | U | PS, 0);        /* reserved bit 21 */
    b->r.cr4 = 0x10;
    ck_page_fault(b, LOAD, 4 | 8 | 1);
    b = paged(3, PT2 | P | W | U | PS, DATA | P | U);  /* without CR4.PSE the bit means nothing */
    poke32(b, DATA, 5);
    works(b, LOAD);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 5);
    bench_free(b);
}
END_TEST

START_TEST(pae)
{
    struct bench *b = paged_pae(3, PT2 | P | W | U, DATA | P | W | U);
    poke32(b, DATA, 0xABCD);
    works(b, LOAD);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 0xABCD);
    ck_assert_uint_eq(peek32(b, PT2), DATA | P | W | U | A);
    bench_free(b);
    b = paged_pae(3, 0xE00000 | P | W | U | PS, 0);
    poke32(b, 0xE00000, 0x9999);
    works(b, LOAD);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 0x9999);
    bench_free(b);
    ck_page_fault(paged_pae(3, PT2 | P | W | U, DATA | P | W | U | 1ull << 40), LOAD, 0xD);
    /* no NX here */
    ck_page_fault(paged_pae(3, PT2 | P | W | U, DATA | P | W | U | 1ull << 63), LOAD, 0xD);
    ck_page_fault(paged_pae(3, 0xE02000 | P | W | U | PS, 0), LOAD, 0xD);
    ck_page_fault(paged_pae(0, 0, 0), STORE, 2);
}
END_TEST

START_TEST(pdptes_are_cached_until_cr3_is_loaded)
{
    struct bench *b = paged_pae(0, PT2 | P | W, DATA | P | W);
    b->r.gpr[GPR_BX] = PDPT;
    poke32(b, DATA, 0x42);
    /* mov dword [PDPT + 18h], PD | P; mov eax, [C0000000h + VIRT]: the old entry 3 still counts */
    bench_run(b, "C7 05 18 30 10 00 01 00 10 00 A1 00 00 40 C0");
    ck_assert_int_eq(vector_taken(b), 14);
    ck_assert_uint_eq(b->r.cr2, 0xC0400000);
    bench_free(b);
    b = paged_pae(0, PT2 | P | W, DATA | P | W);
    b->r.gpr[GPR_BX] = PDPT;
    poke32(b, DATA, 0x42);
    bench_run(b, "C7 05 18 30 10 00 01 00 10 00 0F 22 DB A1 00 00 40 C0 F4");
    ck_assert_int_eq(vector_taken(b), -1);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 0x42);
    bench_free(b);
}
END_TEST

START_TEST(reserved_bits_in_pdptes_are_gp)
{
    struct bench *b = paged_pae(0, 0, 0);
    poke32(b, PDPT + 8, PD | P | W);                   /* W is reserved in a PDPTE */
    b->r.gpr[GPR_BX] = PDPT;
    ck_fault(b, "0F 22 DB", 13, 0);
    bench_free(b);
}
END_TEST

START_TEST(invlpg_and_stale_entries)
{
    struct bench *b = paged(0, PT2 | P | W, DATA | P | W);
    poke32(b, DATA, 1);
    poke32(b, DATA + 0x1000, 2);
    b->r.gpr[GPR_BX] = (DATA + 0x1000) | P | W;
    /* mov eax, [VIRT]; mov [PT2], ebx; invlpg [VIRT]; mov ecx, [VIRT]; hlt */
    bench_run(b, LOAD "89 1D 00 20 10 00 0F 01 3D 00 00 40 00 8B 0D 00 00 40 00 F4");
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 1);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 2);
    bench_free(b);
}
END_TEST

/* A stale translation is used or not, whatever the host knows of dirty
 * pages (screen, snapshots). */
START_TEST(clean_pages_do_not_show)
{
    for (unsigned clean = 0; clean < 3; clean++) {
        struct bench *b = paged(0, PT2 | P | W, DATA | P | W | D);
        uint64_t bitmap[BENCH_RAM / PAGE_SIZE / 64];
        code_at(b, CODE, LOAD "90" STORE "F4");
        if (clean == 1) memory_take_dirty(b->memory, NULL, bitmap, COUNT_OF(bitmap));
        bench_go(b, 1);
        if (clean == 2) memory_take_dirty(b->memory, NULL, bitmap, COUNT_OF(bitmap));
        poke32(b, PT2, 0);                     /* without INVLPG */
        ck_assert_int_eq(cpu_run(b->cpu, cpu_ticks(b->cpu) + 100), CPU_HALTED);
        cpu_get_regs(b->cpu, &b->r);
        ck_assert_int_eq(vector_taken(b), -1);
        bench_free(b);
    }
}
END_TEST

START_TEST(global_pages_survive_cr3)
{
    struct bench *b = paged(0, PT2 | P | W, DATA | P | W | G);
    b->r.cr4 = 0x80;
    poke32(b, DATA, 1);
    b->r.gpr[GPR_BX] = PD;
    /* mov eax, [VIRT]; mov dword [PT2], 0; mov cr3, ebx; mov ecx, [VIRT]; mov cr4, 0;
     * mov eax, [VIRT] */
    bench_run(b, LOAD "C7 05 00 20 10 00 00 00 00 00 0F 22 DB 8B 0D 00 00 40 00 31 C0 "
                 "0F 22 E0 " LOAD);
    ck_assert_uint_eq(b->r.gpr[GPR_CX], 1);
    ck_assert_int_eq(vector_taken(b), 14);             /* CR4.PGE off flushes them */
    bench_free(b);
}
END_TEST

START_TEST(a_load_that_crosses_into_an_absent_page)
{
    struct bench *b = paged(0, PT2 | P | W, DATA | P | W);
    b->r.gpr[GPR_SI] = VIRT + 0xFFE;
    ck_fault(b, "8B 06", 14, 0);
    ck_assert_uint_eq(b->r.cr2, VIRT + 0x1000);
    ck_assert_uint_eq(b->r.gpr[GPR_SI], VIRT + 0xFFE);
    bench_free(b);
}
END_TEST

START_TEST(a_store_that_crosses_writes_all_or_nothing)
{
    struct bench *b = paged(0, PT2 | P | W, DATA | P | W);
    b->r.gpr[GPR_SI] = VIRT + 0xFFE;
    b->r.gpr[GPR_AX] = 0xFFFFFFFF;
    ck_fault(b, "89 06", 14, 2);
    ck_assert_uint_eq(peek16(b, DATA + 0xFFE), 0);
    bench_free(b);
}
END_TEST

START_TEST(fetch_from_absent_page)
{
    struct bench *b = paged(3, PT2 | P | W | U, 0);
    bench_run(b, "B8 00 00 40 00 FF E0");              /* jmp VIRT */
    ck_assert_int_eq(vector_taken(b), 14);
    ck_assert_uint_eq(stack32(b, 0), 4);
    ck_assert_uint_eq(stack32(b, 1), VIRT);
    bench_free(b);
}
END_TEST

/* The handler's stack is absent: a page fault while one is delivered is a double fault. */
START_TEST(page_fault_twice_is_a_double_fault)
{
    struct bench *b = paged(3, 0, 0);
    poke32(b, TSS + 4, VIRT + 0x1000);
    idt_set(b, 8, gate(SEL_TSS2, 0, B_TASK, 0));
    poke32(b, TSS2 + 0x1C, PD);
    poke32(b, TSS2 + 0x20, DATA);
    poke32(b, TSS2 + 0x38, 0x9000);
    for (unsigned n = 0; n < 6; n++)
        poke32(b, TSS2 + 0x48 + 4 * n, n == SR_CS ? SEL_CODE0 : SEL_DATA0);
    poke8(b, DATA, 0xF4);
    bench_run(b, LOAD);
    ck_assert_uint_eq(b->r.rip, DATA + 1);             /* in the double fault's own task */
    ck_assert_uint_eq(b->r.cr2, VIRT + 0xFFC);
    ck_assert_uint_eq(stack32(b, 0), 0);
    ck_assert_uint_eq(peek32(b, TSS + 0x20), CODE);
    bench_free(b);
}
END_TEST

START_TEST(a20_masks_addresses)
{
    struct bench *b = bench_protected(0);
    poke32(b, DATA, 7);
    cpu_line(b->cpu, CPU_A20, false);
    bench_run(b, "A1 00 00 13 00 F4");
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 7);
    bench_free(b);
}
END_TEST

START_TEST(translate_has_no_side_effects)
{
    struct bench *b = paged(0, PT2 | P | W, DATA | P | W);
    uint64_t paddr;
    cpu_set_regs(b->cpu, &b->r);
    ck_assert(cpu_translate(b->cpu, VIRT + 0x123, &paddr));
    ck_assert_uint_eq(paddr, DATA + 0x123);
    ck_assert(!cpu_translate(b->cpu, VIRT + 0x1000, &paddr));
    ck_assert_uint_eq(peek32(b, PT2), DATA | P | W);
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("walk");
    TCase *tc = tcase_create("walk");
    tcase_add_test(tc, load_sets_accessed);
    tcase_add_test(tc, store_sets_dirty);
    tcase_add_test(tc, faults_and_error_codes);
    tcase_add_test(tc, a_fault_sets_no_dirty_bit);
    tcase_add_test(tc, write_protect);
    tcase_add_test(tc, four_mib_pages);
    tcase_add_test(tc, pae);
    tcase_add_test(tc, pdptes_are_cached_until_cr3_is_loaded);
    tcase_add_test(tc, reserved_bits_in_pdptes_are_gp);
    tcase_add_test(tc, invlpg_and_stale_entries);
    tcase_add_test(tc, clean_pages_do_not_show);
    tcase_add_test(tc, global_pages_survive_cr3);
    tcase_add_test(tc, a_load_that_crosses_into_an_absent_page);
    tcase_add_test(tc, a_store_that_crosses_writes_all_or_nothing);
    tcase_add_test(tc, fetch_from_absent_page);
    tcase_add_test(tc, page_fault_twice_is_a_double_fault);
    tcase_add_test(tc, a20_masks_addresses);
    tcase_add_test(tc, translate_has_no_side_effects);
    suite_add_tcase(suite, tc);
    return bench_main(suite);
}
