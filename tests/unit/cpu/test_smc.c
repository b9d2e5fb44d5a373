/* SPDX-License-Identifier: MIT
 * Code that changes: by its own stores, by string instructions, by a device, by remapping. The next
 * instruction is the new one (SDM vol. 3, 8.1.3 promises it behind a jump; processors since the
 * Pentium do it at once). Everything runs whole, in slices, and one instruction at a time.
 *
 *   CODE      the program
 *   CODE + F00...  near the page's end    CODE + 1000   the next page
 */
#include "bench_cpu.h"

struct change { struct bench *b; uint64_t at; uint8_t to; };

/* Runs a copy of the same test per slice. build() puts code into a fresh bench. EAX must be `eax`.
 */
typedef void build_fn(struct bench *);
static void ck_eax(build_fn *build, uint32_t eax)
{
    static const unsigned slices[] = { 1000, 1, 2, 3, 49 };
    for (unsigned s = 0; s < COUNT_OF(slices); s++) {
        struct bench *b = bench_protected(0);
        enum cpu_stop stop = CPU_UNTIL;
        build(b);
        cpu_set_regs(b->cpu, &b->r);
        for (unsigned n = 0; stop == CPU_UNTIL && n < 1000; n++)
            stop = cpu_run(b->cpu, cpu_ticks(b->cpu) + slices[s]);
        cpu_get_regs(b->cpu, &b->r);
        ck_assert_int_eq(stop, CPU_HALTED);
        ck_assert_int_eq(vector_taken(b), -1);
        ck_assert_msg((uint32_t)b->r.gpr[GPR_AX] == eax, "slices of %u: EAX %x, not %x", slices[s],
                      (uint32_t)b->r.gpr[GPR_AX], eax);
        bench_free(b);
    }
}

/* ---- stores ---------------------------------------------------------------------------------- */
static void next_instruction(struct bench *b)
{
    code_at(b, CODE, "C6 05 07 00 01 00 40"    /* mov byte [CODE + 7], 40: inc eax */
                     "90 F4");
}
static void next_but_some(struct bench *b)
{
    code_at(b, CODE, "C7 05 0D 00 01 00 40 40 40 F4 43 43 43" "90 90 90 90");
}
static void previous_instruction(struct bench *b)  /* a loop that turns its INC EAX into INC EBX */
{
    code_at(b, CODE, "40"                      /* inc eax */
                     "C6 05 00 00 01 00 43"    /* mov byte [CODE], 43 */
                     "41 83 F9 05"             /* inc ecx; cmp ecx, 5 */
                     "75 F2 F4");
}
static void immediate_of_a_loop(struct bench *b)   /* add eax, imm8 with a growing imm8 */
{
    code_at(b, CODE, "83 C0 01"                /* add eax, 1 */
                     "FE 05 02 00 01 00"       /* inc byte [CODE + 2] */
                     "41 83 F9 0A 75 F1 F4");  /* ten times: 1 + 2 + ... + 10 */
}
/* MOV EBX, imm32 with an immediate that grows in place: the trace stays and takes it over. */
static void wide_immediate_of_a_loop(struct bench *b)
{
    code_at(b, CODE, "BB 01 00 00 00"          /* mov ebx, 1 */
                     "01 D8"                   /* add eax, ebx */
                     "FF 05 01 00 01 00"       /* inc dword [CODE + 1] */
                     "41 83 F9 64 75 ED F4");  /* a hundred times: 1 + 2 + ... + 100 */
}
/* The same store turns from an immediate's last byte into the next opcode. */
static void immediate_and_opcode(struct bench *b)
{
    code_at(b, CODE, "C7 05 0C 00 01 00 00 00 00 40"   /* mov dword [CODE + 0C], 40000000 */
                     "05 01 00 00 00 43 90 F4");       /* add eax, 1; inc ebx -> inc eax */
}
/* A store two blocks of 64 bytes behind the beginning of a trace that has run often. */
static void far_end(struct bench *b)
{
    uint32_t at = CODE + 0x100;
    code_at(b, CODE, "B9 14 00 00 00"          /* mov ecx, 20 */
                     "E8 F6 00 00 00"          /* call CODE + 100 */
                     "49 75 F8"                /* dec ecx; jnz */
                     "C6 05 B0 01 01 00 05"    /* mov byte [CODE + 1B0], 5 */
                     "E8 E7 00 00 00 F4");     /* call CODE + 100 */
    for (unsigned n = 0; n < 35; n++) at = code_at(b, at, "B8 01 00 00 00");
    code_at(b, at, "B8 07 00 00 00 C3");       /* mov eax, 7; ret */
}
static void by_push(struct bench *b)
{
    b->r.gpr[GPR_SP] = CODE + 0x14;
    code_at(b, CODE, "68 40 40 40 40" "90 90 90 90 90 90 90 90 90 90 90 90 90 90 90" "F4");
}
static void by_call(struct bench *b) /* the return address, 00010005: add [ecx], al; add ... */
{
    b->r.gpr[GPR_SP] = CODE + 0x14;
    b->r.gpr[GPR_CX] = DATA;
    code_at(b, CODE, "E8 0B 00 00 00" "CC CC CC CC CC CC CC CC CC CC CC");
    code_at(b, CODE + 0x10, "43 43 43 43 40 F4");          /* 05 00 01 00 40: add eax, 40000100 */
}
static void by_misaligned_store(struct bench *b)
{
    b->r.gpr[GPR_BX] = CODE + 0x41;
    code_at(b, CODE, "C7 43 FE 40 40 40 40 EB 36");        /* crosses a block of 64 bytes */
    code_at(b, CODE + 0x3F, "43 43 43 43 F4");
}
static void store_beside_code_first(struct bench *b)       /* the second store still counts */
{
    code_at(b, CODE, "C6 05 38 00 01 00 00"    /* mov byte [CODE + 38], 0 */
                     "C6 05 0E 00 01 00 40"    /* mov byte [CODE + 0E], 40: inc eax */
                     "43 90 F4");
}
START_TEST(stores)
{
    ck_eax(next_instruction, 1);
    ck_eax(next_but_some, 3);
    ck_eax(previous_instruction, 1);
    ck_eax(immediate_of_a_loop, 55);
    ck_eax(wide_immediate_of_a_loop, 5050);
    ck_eax(immediate_and_opcode, 2);
    ck_eax(far_end, 5);
    ck_eax(by_push, 4);
    ck_eax(by_call, 0x40000100);
    ck_eax(by_misaligned_store, 4);
    ck_eax(store_beside_code_first, 1);
}
END_TEST

/* ---- pages ----------------------------------------------------------------------------------- */
static void in_the_next_page(struct bench *b)
{
    b->r.rip = CODE + 0xFF9;
    code_at(b, CODE + 0xFF9,
            "C6 05 00 10 01 00 40"
            "90 F4"); /* patches CODE + 1000, which follows */
}
static void store_over_a_page_end(struct bench *b)
{
    b->r.gpr[GPR_BX] = CODE + 0xFFE;
    code_at(b, CODE, "C7 03 40 40 40 40 E9 F3 0F 00 00");
    code_at(b, CODE + 0xFFE, "43 43 43 43 F4");
}
static void
second_half_of_a_crossing_instruction(struct bench *b) /* mov eax, imm32 over the end, twice */
{
    b->r.rip = CODE + 0xFFD;
    code_at(b, CODE + 0xFFD, "B8 11 11 11 11");
    code_at(b, CODE + 0x1002, "C6 05 00 10 01 00 22"       /* mov byte [CODE + 1000], 22 */
                              "41 83 F9 02 75 EE F4");
}
static void first_half_of_a_crossing_instruction(struct bench *b)
{
    b->r.rip = CODE + 0xFFD;
    code_at(b, CODE + 0xFFD, "B8 11 11 11 11");
    code_at(b, CODE + 0x1002, "C6 05 FE 0F 01 00 22"
                              "41 83 F9 02 75 EE F4");
}
static void
previous_page(struct bench *b) /* a subroutine in another page is patched between calls */
{
    code_at(b, CODE, "E8 FB 0F 00 00"          /* call CODE + 1000 */
                     "C6 05 00 10 01 00 40"    /* mov byte [CODE + 1000], 40 */
                     "E8 EF 0F 00 00 F4");
    code_at(b, CODE + 0x1000, "43 C3");
}
START_TEST(pages)
{
    ck_eax(in_the_next_page, 1);
    ck_eax(store_over_a_page_end, 4);
    ck_eax(second_half_of_a_crossing_instruction, 0x11221111);
    ck_eax(first_half_of_a_crossing_instruction, 0x11111122);
    ck_eax(previous_page, 1);
}
END_TEST

/* ---- string instructions --------------------------------------------------------------------- */
static void by_rep_stos(struct bench *b)
{
    b->r.gpr[GPR_DI] = CODE + 0x0C;
    b->r.gpr[GPR_CX] = 4;
    code_at(b, CODE, "B0 40 F3 AA 31 C0" "90 90 90 90 90 90" "90 90 90 90 F4");
}
static void by_rep_movs_next_instruction(struct bench *b)
{
    b->r.gpr[GPR_SI] = DATA;
    b->r.gpr[GPR_DI] = CODE + 2;
    b->r.gpr[GPR_CX] = 3;
    code_at(b, DATA, "40 40 40");
    code_at(b, CODE, "F3 A4 90 90 90 F4");
}
static void by_rep_movs_words_over_a_page(struct bench *b)
{
    b->r.gpr[GPR_SI] = DATA;
    b->r.gpr[GPR_DI] = CODE + 0xFF0;
    b->r.gpr[GPR_CX] = 8;
    for (unsigned n = 0; n < 32; n++) poke8(b, DATA + n, 0x40);
    for (unsigned n = 0; n < 32; n++) poke8(b, CODE + 0xFF0 + n, 0x43);
    code_at(b, CODE + 0x1010, "F4");
    code_at(b, CODE, "F3 A5 E9 E9 0F 00 00");
}
static void by_movs_downwards(struct bench *b)
{
    b->r.gpr[GPR_SI] = DATA + 3;
    b->r.gpr[GPR_DI] = CODE + 6;
    b->r.gpr[GPR_CX] = 4;
    code_at(b, DATA, "40 40 40 40");
    code_at(b, CODE, "FD F3 A4 90 90 90 90 F4");
}
/* What follows the repetition was decoded with it and is overwritten before it ends. */
static void by_rep_stos_of_its_own_successor(struct bench *b)
{
    b->r.gpr[GPR_AX] = 0x40404040;
    b->r.gpr[GPR_DI] = CODE + 2;
    b->r.gpr[GPR_CX] = 2;
    code_at(b, CODE, "F3 AB 43 43 43 43 43 43 43 43 F4");
}
START_TEST(string_instructions)
{
    ck_eax(by_rep_stos, 4);
    ck_eax(by_rep_movs_next_instruction, 3);
    ck_eax(by_rep_movs_words_over_a_page, 32);
    ck_eax(by_movs_downwards, 4);
    ck_eax(by_rep_stos_of_its_own_successor, 0x40404048);
}
END_TEST

/* ---- code and data side by side -------------------------------------------------------------- */
static void counter_beside_code(struct bench *b)
{
    code_at(b, CODE, "EB 08 00 00 00 00 90 90 90 90"       /* a counter at CODE + 2 */
                     "FF 05 02 00 01 00"                   /* inc dword [CODE + 2] */
                     "83 3D 02 00 01 00 64"                /* cmp dword [CODE + 2], 100 */
                     "75 F1 A1 02 00 01 00 F4");
}
static void stack_beside_code(struct bench *b)
{
    b->r.gpr[GPR_SP] = CODE + 0x80;
    code_at(b, CODE, "B9 64 00 00 00" "50 40 5B 53 58 40" "49 75 F7 F4");
}
START_TEST(data_beside_code)
{
    ck_eax(counter_beside_code, 100);
    ck_eax(stack_beside_code, 100);
}
END_TEST

/* Stores beside code must not cost its traces: they are built once, not at each round. */
START_TEST(a_store_that_changes_nothing_that_runs)
{
    struct bench *b = bench_protected(0);
    counter_beside_code(b);
    ck_assert_int_eq(bench_go(b, 10000), CPU_HALTED);
    ck_assert_uint_eq(cpu_retired(b->cpu), 1 + 3 * 100 + 2);
    bench_free(b);
}
END_TEST

/* ---- devices --------------------------------------------------------------------------------- */
/* OUT makes a device write one byte of memory. */
static void dma_out(void *ctx, uint16_t port, uint32_t value, enum width size)
{
    struct change *c = ctx;
    (void)port;
    (void)value;
    (void)size;
    memory_copy_to(c->b->memory, c->at, &c->to, 1);
}
static uint32_t dma_in(void *ctx, uint16_t port, enum width size)
{
    (void)ctx;
    (void)port;
    (void)size;
    return 0;
}
static uint8_t dma_acknowledge(void *ctx)
{
    (void)ctx;
    return 0;
}
/* Code with an OUT that changes `at` to 40 (INC EAX); slices of `slice`. */
static void ck_dma(const char *hex, uint32_t at, uint32_t eax, unsigned slice)
{
    struct bench *b = bench_protected(0);
    struct change change = { b, at, 0x40 };
    struct cpu_bus bus = { dma_in, dma_out, dma_acknowledge, &change, NULL, NULL };
    enum cpu_stop stop = CPU_UNTIL;
    cpu_free(b->cpu);
    b->cpu = cpu_new(NULL, b->memory, &bus, NULL);
    code_at(b, CODE, hex);
    cpu_set_regs(b->cpu, &b->r);
    for (unsigned n = 0; stop == CPU_UNTIL && n < 1000; n++)
        stop = cpu_run(b->cpu, cpu_ticks(b->cpu) + slice);
    cpu_get_regs(b->cpu, &b->r);
    ck_assert_int_eq(stop, CPU_HALTED);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], eax);
    bench_free(b);
}
START_TEST(dma)
{
    for (unsigned slice = 1; slice < 100; slice += 33) {
        ck_dma("EE 90 90 F4", CODE + 1, 1, slice);
        ck_dma("EE 90 90 F4", CODE + 2, 1, slice);
        ck_dma("43 EE 41 83 F9 04 75 F8 F4", CODE, 3, slice);          /* the loop's start */
        ck_dma("6E 90 F4", CODE + 1, 1, slice);                        /* outsb */
        ck_dma("B9 03 00 00 00 F3 6E 90 F4", CODE + 7, 1, slice);      /* rep outsb */
    }
}
END_TEST

/* Runs `ticks` instructions at `at`; how much EAX grew. */
static unsigned growth(struct bench *b, uint32_t at, unsigned ticks)
{
    uint64_t before = b->r.gpr[GPR_AX];
    b->r.rip = at;
    ck_assert_int_eq(bench_go(b, ticks), CPU_UNTIL);
    return (unsigned)(b->r.gpr[GPR_AX] - before);
}
START_TEST(changed_between_two_runs)
{
    struct bench *b = bench_protected(0);
    code_at(b, CODE, "90 90 40 90 90 90");
    for (unsigned n = 0; n < 3; n++) ck_assert_uint_eq(growth(b, CODE, 4), 1);
    memory_copy_to(b->memory, CODE, "\x40\x40", 2);
    ck_assert_uint_eq(growth(b, CODE, 4), 3);
    memory_write(b->memory, CODE + 1, 0x90, BYTE);
    ck_assert_uint_eq(growth(b, CODE, 4), 2);
    bench_free(b);
}
END_TEST

/* ROM over the code, away and back again: as when a BIOS shadows itself. */
START_TEST(remapped)
{
    static uint8_t rom[PAGE_SIZE] = { 0x40, 0x40, 0x90, 0x90 };
    struct bench *b = bench_protected(0);
    code_at(b, CODE, "40 90 90 90");
    ck_assert_uint_eq(growth(b, CODE, 3), 1);
    struct region *r = memory_map_host(b->memory, "rom", REGION_ROM, 1, CODE, PAGE_SIZE, rom);
    ck_assert_ptr_nonnull(r);
    for (unsigned on = 1; on < 6; on++) {
        memory_enable(b->memory, r, on & 1);
        ck_assert_uint_eq(growth(b, CODE, 3), on & 1 ? 2 : 1);
    }
    memcpy(rom + 0x800, "\xC6\x05\x07\x08\x01\x00\x43\x40\x90",
           9); /* a store to ROM changes nothing */
    ck_assert_uint_eq(growth(b, CODE + 0x800, 3), 1);
    bench_free(b);
}
END_TEST

/* Code behind a device's registers has no host memory: it is fetched byte by byte and never kept.
 */
static uint32_t fetch_read(struct device *d, uint32_t offset, enum width size)
{
    static const uint8_t code[] = { 0x40, 0x43, 0x40, 0xEB, 0x02, 0xCC, 0xCC, 0x40, 0xF4 };
    (void)d;
    (void)size;
    return offset < sizeof code ? code[offset] : 0xCC;
}
static void fetch_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    (void)d;
    (void)offset;
    (void)value;
    (void)size;
}
START_TEST(code_in_a_device)
{
    static const struct io_ops ops = { fetch_read, fetch_write, NULL, BYTE };
    struct bench *b = bench_protected(0);
    ck_assert_ptr_nonnull(memory_map_io(b->memory, "device", 1, 0x800000, PAGE_SIZE, NULL, &ops));
    b->r.rip = 0x800000;
    ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 3);
    ck_assert_uint_eq(b->r.rip, 0x800009);
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("self-modifying code");
    TCase *t = tcase_create("smc");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, stores);
    tcase_add_test(t, pages);
    tcase_add_test(t, string_instructions);
    tcase_add_test(t, data_beside_code);
    tcase_add_test(t, a_store_that_changes_nothing_that_runs);
    tcase_add_test(t, dma);
    tcase_add_test(t, changed_between_two_runs);
    tcase_add_test(t, remapped);
    tcase_add_test(t, code_in_a_device);
    suite_add_tcase(s, t);
    return bench_main(s);
}
