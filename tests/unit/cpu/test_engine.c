/* SPDX-License-Identifier: MIT
 * The engine's promises on time: it stops at the exact instruction, whatever the slices, and lines
 * and callbacks are seen between exactly two instructions.
 */
#include <unistd.h>
#include "bench_cpu.h"
#include "tests/cpu/codegen.h"

enum { MMIO = 0x800000 };

/* A bench whose port callbacks are the test's own. */
struct rig {
    struct bench *b;
    void (*on_out)(struct rig *, uint16_t port, uint32_t value);
    uint64_t seen[64];             /* cpu_ticks() at each call */
    unsigned calls;
    uint64_t delay;
};
static uint32_t rig_in(void *ctx, uint16_t port, enum width size)
{
    struct rig *r = ctx;
    (void)port;
    (void)size;
    r->seen[r->calls++ % 64] = cpu_ticks(r->b->cpu);
    return 0;
}
static void rig_out(void *ctx, uint16_t port, uint32_t value, enum width size)
{
    struct rig *r = ctx;
    (void)size;
    r->seen[r->calls++ % 64] = cpu_ticks(r->b->cpu);
    if (r->on_out) r->on_out(r, port, value);
}
static uint8_t rig_acknowledge(void *ctx)
{
    struct rig *r = ctx;
    r->b->acknowledged++;
    cpu_line(r->b->cpu, CPU_INTR, false);
    return 0x40;
}
static struct rig *rig_new(struct bench *b)
{
    struct rig *r = calloc(1, sizeof *r);
    struct cpu_bus bus = { rig_in, rig_out, rig_acknowledge, r, NULL, NULL };
    ck_assert_ptr_nonnull(r);
    cpu_free(b->cpu);
    b->cpu = cpu_new(NULL, b->memory, &bus, NULL);
    ck_assert_ptr_nonnull(b->cpu);
    r->b = b;
    return r;
}
static void rig_free(struct rig *r)
{
    bench_free(r->b);
    free(r);
}
/* The same as a memory-mapped register. */
static uint32_t mmio_read(struct device *d, uint32_t offset, enum width size)
{
    return rig_in((struct rig *)(void *)d, (uint16_t)offset, size);
}
static void mmio_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    rig_out((struct rig *)(void *)d, (uint16_t)offset, value, size);
}
static const struct io_ops mmio_ops = { mmio_read, mmio_write, NULL, BYTE | WORD | DWORD };
static void rig_map(struct rig *r)
{
    struct device *d = (struct device *)(void *)r;
    ck_assert_ptr_nonnull(memory_map_io(r->b->memory, "test", 1, MMIO, PAGE_SIZE, d, &mmio_ops));
}

/* ---- random programs, stopped anywhere ------------------------------------------------------- */
/* Every exception leads to RESTART: fresh stack and pointers, a counter, and the program again. */
enum { RESTART = 0x28000, COUNTER = 0x2F000, SEED_WORDS = 0x4000 };

static void random_code(struct bench *b, uint64_t seed, unsigned bits)
{
    struct gen g = {.seed = seed,
                    .bits = bits,
                    .pointers = 0xE8,
                    .data = bits == 32 ? DATA : 0x100,
                    .data_len = 0x3000,
                    .faults = true,
                    .repeat = true,
                    .x87 = seed % 4 == 0};
    struct program p;
    uint8_t code[GEN_MAX * 16];
    uint16_t start[GEN_MAX + 1];
    gen_program(&g, &p, 60);
    unsigned len = program_bytes(&p, code, start);
    memory_copy_to(b->memory, CODE, code, len);
    code_at(b, CODE + len, "CC");
    for (unsigned n = 0; n < SEED_WORDS; n += 4) poke32(b, DATA + n, gen_value(&g));
}

static struct bench *random_protected(uint64_t seed)
{
    struct bench *b = bench_protected(0);
    for (unsigned v = 0; v < 256; v++) idt_set(b, v, gate(SEL_CODE0, RESTART, B_INT32, 0));
    code_at(b, RESTART, "BC 00 80 00 00"          /* mov esp, STACK0 */
                        "FF 05 00 F0 02 00"       /* inc dword [COUNTER] */
                        "8B 0D 00 F0 02 00"       /* mov ecx, [COUNTER] */
                        "8D 9C 49 00 02 03 00"    /* lea ebx, [ecx + ecx * 2 + DATA + 200] */
                        "8D B1 00 04 03 00"       /* lea esi, [ecx + DATA + 400] */
                        "BF 00 08 03 00"          /* mov edi, DATA + 800 */
                        "83 E1 3F"                /* and ecx, 3F */
                        "FB"                      /* sti */
                        "E9 00 00 00 00");        /* jmp CODE */
    poke32(b, RESTART + 0x2C, (uint32_t)CODE - (RESTART + 0x30));
    random_code(b, seed, 32);
    return b;
}

static struct bench *random_real(uint64_t seed)
{
    struct bench *b = bench_real();
    for (unsigned v = 0; v < 256; v++) poke32(b, v * 4, (RESTART >> 4) << 16);
    code_at(b, RESTART, "BC 00 80"                /* mov sp, 8000 */
                        "2E FF 06 00 70"          /* inc word [cs:7000] */
                        "2E 8B 0E 00 70"          /* mov cx, [cs:7000] */
                        "8D 9F 00 02"             /* lea bx, [bx + 200] */
                        "8B F1"                   /* mov si, cx */
                        "BF 00 08"                /* mov di, 800 */
                        "83 E1 3F"                /* and cx, 3F */
                        "B8 00 30 8E C0"          /* mov ax, 3000; mov es, ax */
                        "FB"                      /* sti */
                        "EA 00 00 00 10");        /* jmp 1000:0000 */
    b->r.seg[SR_SS] = (struct cpu_segment){ 0x4000, 0x40000, 0xFFFF, 0x93 };
    random_code(b, seed, 16);
    return b;
}

struct world { uint64_t cpu, memory, ticks, counter; };

/* slice 0: as long as can be; 1: single instructions; else random lengths up to it. An interrupt
 * comes at fixed ticks. */
static struct world run_world_with(struct bench *b, uint64_t total, unsigned slice, uint64_t seed,
                                   bool profile)
{
    struct rig *r = rig_new(b);
    struct world w;
    if (profile) ck_assert(cpu_profile_start(b->cpu));
    cpu_set_regs(b->cpu, &b->r);
    for (uint64_t alarm = 777; cpu_ticks(b->cpu) < total; alarm += 777) {
        uint64_t end = alarm < total ? alarm : total;
        while (cpu_ticks(b->cpu) < end) {
            uint64_t now = cpu_ticks(b->cpu), until = now + 1;
            if (slice > 1) until = now + 1 + gen_random(&seed) % slice;
            if (!slice || until > end) until = end;
            enum cpu_stop stop = cpu_run(b->cpu, until);
            if (stop == CPU_UNTIL) ck_assert_uint_eq(cpu_ticks(b->cpu), until);
            else cpu_skip(b->cpu, end - cpu_ticks(b->cpu));             /* shut down or halted */
        }
        cpu_line(b->cpu, CPU_INTR, true);
    }
    w = (struct world){cpu_hash(b->cpu, 1), memory_hash(b->memory, 1), cpu_ticks(b->cpu),
                       peek32(b, COUNTER)};
    rig_free(r);
    return w;
}

static struct world run_world(struct bench *b, uint64_t total, unsigned slice, uint64_t seed)
{
    return run_world_with(b, total, slice, seed, false);
}

static void ck_worlds(struct world a, struct world b, unsigned seed)
{
    ck_assert_msg(a.ticks == b.ticks, "seed %u: ticks differ", seed);
    ck_assert_msg(a.cpu == b.cpu, "seed %u: registers differ", seed);
    ck_assert_msg(a.memory == b.memory, "seed %u: memory differs", seed);
}

START_TEST(slices_do_not_matter)
{
    unsigned restarts = 0;
    for (unsigned seed = 1; seed <= 60; seed++) {
        struct world whole = run_world(random_protected(seed), 20000, 0, 0);
        ck_worlds(whole, run_world(random_protected(seed), 20000, 1, 0), seed);
        ck_worlds(whole, run_world(random_protected(seed), 20000, 90, seed), seed);
        ck_worlds(whole, run_world(random_protected(seed), 20000, 3, seed), seed);
        restarts += whole.counter > 20;
    }
    ck_assert_uint_gt(restarts, 20);       /* programs that really ran */
}
END_TEST

START_TEST(slices_do_not_matter_in_real_mode)
{
    for (unsigned seed = 1; seed <= 60; seed++) {
        struct world whole = run_world(random_real(seed), 20000, 0, 0);
        ck_worlds(whole, run_world(random_real(seed), 20000, 1, 0), seed);
        ck_worlds(whole, run_world(random_real(seed), 20000, 90, seed), seed);
    }
}
END_TEST

START_TEST(a_profile_changes_nothing)
{
    for (unsigned seed = 1; seed <= 60; seed++) {
        ck_worlds(run_world(random_protected(seed), 20000, 0, 0),
                  run_world_with(random_protected(seed), 20000, 90, seed, true), seed);
        ck_worlds(run_world(random_real(seed), 20000, 0, 0),
                  run_world_with(random_real(seed), 20000, 90, seed, true), seed);
    }
}
END_TEST

/* Code that fills the arena: INC EAX a million times, then a jump to its beginning;
 * seen from outside by what the process holds. */
static long resident(void)
{
    long size, pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%ld %ld", &size, &pages) != 2) pages = 0;
    if (f) fclose(f);
    return pages * (sysconf(_SC_PAGESIZE) / 1024);
}

START_TEST(trimming_gives_memory_back)
{
    struct bench *b = bench_protected(0);
    uint8_t *code = memory_ram(b->memory) + 0x200000;
    enum { LENGTH = 800000 };
    memset(code, 0x40, LENGTH);
    code_at(b, 0x200000 + LENGTH, "E9");
    poke32(b, 0x200000 + LENGTH + 1, (uint32_t)-(LENGTH + 5));
    b->r.rip = 0x200000;
    ck_assert_int_eq(bench_go(b, 1500000), CPU_UNTIL);
    uint64_t sum = b->r.gpr[GPR_AX];
    long before = resident();
    cpu_trim(b->cpu);
    long after = resident();
    if (before) ck_assert_int_ge(before - after, 16 << 10);
    ck_assert_int_eq(bench_go(b, 800001), CPU_UNTIL);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], sum + 800000);
    bench_free(b);
}
END_TEST

START_TEST(two_processors_do_not_disturb_each_other)
{
    for (unsigned seed = 1; seed <= 10; seed++) {
        struct bench *pair[2] = { random_protected(seed), random_real(seed + 1) };
        uint64_t alone[2], random = seed;
        for (unsigned n = 0; n < 2; n++) {
            struct bench *b = n ? random_real(seed + 1) : random_protected(seed);
            cpu_set_regs(b->cpu, &b->r);
            cpu_run(b->cpu, 20000);
            alone[n] = cpu_hash(b->cpu, memory_hash(b->memory, 0));
            bench_free(b);
            cpu_set_regs(pair[n]->cpu, &pair[n]->r);
        }
        for (uint64_t t = 0; t < 20000; t += 40) {
            unsigned first = gen_random(&random) & 1;
            cpu_run(pair[first]->cpu, t + 40);
            cpu_run(pair[!first]->cpu, t + 40);
        }
        for (unsigned n = 0; n < 2; n++) {
            ck_assert_uint_eq(cpu_hash(pair[n]->cpu, memory_hash(pair[n]->memory, 0)), alone[n]);
            bench_free(pair[n]);
        }
    }
}
END_TEST

/* ---- callbacks ------------------------------------------------------------------------------- */
static struct rig *rig_protected(void)
{
    struct rig *r = rig_new(bench_protected(0));
    memory_copy_to(r->b->memory, CODE + 0x800, "\x90", 1);
    for (unsigned n = 0; n < 200; n++) poke8(r->b, CODE + n, 0x90);
    return r;
}
static enum cpu_stop rig_go(struct rig *r, uint64_t until)
{
    cpu_set_regs(r->b->cpu, &r->b->r);
    enum cpu_stop stop = cpu_run(r->b->cpu, until);
    cpu_get_regs(r->b->cpu, &r->b->r);
    return stop;
}

START_TEST(callbacks_see_exact_time)
{
    struct rig *r = rig_protected();
    code_at(r->b, CODE + 3, "EC 90 90 EE");                /* in; nop; nop; out */
    code_at(r->b, CODE + 60, "EC");
    rig_go(r, 100);
    ck_assert_uint_eq(r->calls, 3);
    ck_assert_uint_eq(r->seen[0], 3);
    ck_assert_uint_eq(r->seen[1], 6);
    ck_assert_uint_eq(r->seen[2], 60);
    rig_free(r);
}
END_TEST

static void earlier(struct rig *r, uint16_t port, uint32_t value)
{
    (void)port;
    (void)value;
    cpu_run_shorter(r->b->cpu, cpu_ticks(r->b->cpu) + r->delay);
}
START_TEST(a_timer_set_by_a_callback)
{
    for (unsigned delay = 0; delay < 60; delay++) {
        struct rig *r = rig_protected();
        r->on_out = earlier;
        r->delay = delay;
        code_at(r->b, CODE + 5, "EE");
        ck_assert_int_eq(rig_go(r, 150), CPU_UNTIL);
        unsigned stopped = delay ? 5 + delay : 6;          /* not before the OUT is done */
        ck_assert_uint_eq(cpu_ticks(r->b->cpu), stopped);
        ck_assert_uint_eq(r->b->r.rip, CODE + stopped);
        rig_free(r);
    }
}
END_TEST
START_TEST(a_later_timer_changes_nothing)
{
    struct rig *r = rig_protected();
    r->on_out = earlier;
    r->delay = 1000;
    code_at(r->b, CODE + 5, "EE");
    ck_assert_int_eq(rig_go(r, 77), CPU_UNTIL);
    ck_assert_uint_eq(cpu_ticks(r->b->cpu), 77);
    rig_free(r);
}
END_TEST

static void stop(struct rig *r, uint16_t port, uint32_t value)
{
    (void)port;
    (void)value;
    cpu_request_stop(r->b->cpu);
}
START_TEST(stop_on_request)
{
    struct rig *r = rig_protected();
    r->on_out = stop;
    code_at(r->b, CODE + 5, "EE");
    ck_assert_int_eq(rig_go(r, 100), CPU_REQUEST);
    ck_assert_uint_eq(r->b->r.rip, CODE + 6);
    ck_assert_uint_eq(cpu_ticks(r->b->cpu), 6);
    ck_assert_int_eq(rig_go(r, 100), CPU_UNTIL);
    rig_free(r);
}
END_TEST

/* ---- interrupts ------------------------------------------------------------------------------ */
static void interrupt(struct rig *r, uint16_t port, uint32_t value)
{
    (void)port;
    (void)value;
    cpu_line(r->b->cpu, CPU_INTR, true);
}
/* Code at CODE + 2 that makes a callback; the interrupt comes right behind it. */
static void ck_interrupt_after(const char *hex, uint32_t length)
{
    struct rig *r = rig_protected();
    rig_map(r);
    r->on_out = interrupt;
    r->b->r.rflags = 2 | EF_IF;
    r->b->r.gpr[GPR_BX] = MMIO;
    r->b->r.gpr[GPR_SI] = DATA;
    r->b->r.gpr[GPR_DI] = MMIO;
    code_at(r->b, CODE + 2, hex);
    ck_assert_int_eq(rig_go(r, 100), CPU_HALTED);
    ck_assert_int_eq(vector_taken(r->b), 0x40);
    ck_assert_uint_eq(stack32(r->b, 0), CODE + 2 + length);
    rig_free(r);
}
START_TEST(interrupt_right_behind_its_cause)
{
    ck_interrupt_after("EE", 1);
    ck_interrupt_after("89 03", 2);                        /* mov [ebx], eax */
    ck_interrupt_after("C6 03 55", 3);
    ck_interrupt_after("01 03", 2);                        /* add [ebx], eax: read, write */
    ck_interrupt_after("FF 03", 2);
    ck_interrupt_after("D1 23", 2);
    ck_interrupt_after("87 03", 2);
    ck_interrupt_after("0F AB 03", 3);
    ck_interrupt_after("0F 94 03", 3);
    ck_interrupt_after("0F C7 0B", 3);
    ck_interrupt_after("A5", 1);
    ck_interrupt_after("AB", 1);
    ck_interrupt_after("6F", 1);                           /* outsd */
    ck_interrupt_after("8F 03", 2);                        /* pop [ebx] */
    ck_interrupt_after("66 8C 1B", 3);                     /* mov [ebx], ds */
    ck_interrupt_after("D9 3B", 2);                        /* fnstcw [ebx] */
    ck_interrupt_after("DB E3 D9 EE DB 3B", 6);            /* fninit; fldz; fstp tbyte [ebx] */
}
END_TEST

/* A call whose pushed address goes to the device: the interrupt finds EIP at its target. */
START_TEST(interrupt_behind_a_call_to_a_device_stack)
{
    struct rig *r = rig_protected();
    rig_map(r);
    r->on_out = stop;
    r->b->r.gpr[GPR_SP] = MMIO + 0x40;
    code_at(r->b, CODE, "E8 3B 00 00 00");
    ck_assert_int_eq(rig_go(r, 100), CPU_REQUEST);
    ck_assert_uint_eq(r->b->r.rip, CODE + 0x40);
    ck_assert_uint_eq(cpu_ticks(r->b->cpu), 1);
    rig_free(r);
}
END_TEST

START_TEST(interrupt_between_any_two_instructions)
{
    for (unsigned k = 0; k < 120; k++) {
        struct rig *r = rig_protected();
        r->b->r.rflags = 2 | EF_IF;
        cpu_set_regs(r->b->cpu, &r->b->r);
        cpu_run(r->b->cpu, k);
        cpu_line(r->b->cpu, CPU_INTR, true);
        ck_assert_int_eq(cpu_run(r->b->cpu, 500), CPU_HALTED);
        cpu_get_regs(r->b->cpu, &r->b->r);
        ck_assert_uint_eq(stack32(r->b, 0), CODE + k);
        rig_free(r);
    }
}
END_TEST

/* Runs hex with INTR up from the start, in slices; returns the EIP pushed, relative to CODE. */
static uint32_t interrupted_at(const char *hex, uint32_t flags, unsigned slice)
{
    struct rig *r = rig_protected();
    code_at(r->b, CODE, hex);
    r->b->r.rflags = 2 | flags;
    cpu_set_regs(r->b->cpu, &r->b->r);
    cpu_line(r->b->cpu, CPU_INTR, true);
    for (unsigned n = 0; n < 20; n++) cpu_run(r->b->cpu, cpu_ticks(r->b->cpu) + slice);
    cpu_get_regs(r->b->cpu, &r->b->r);
    uint32_t at = r->b->acknowledged ? stack32(r->b, 0) - CODE : ~0u;
    rig_free(r);
    return at;
}
START_TEST(shadows)
{
    for (unsigned slice = 1; slice < 100; slice += 49) {
        ck_assert_uint_eq(interrupted_at("FB 90 90", 0, slice), 2);        /* sti; nop */
        ck_assert_uint_eq(interrupted_at("FB FA 90", 0, slice), ~0u);      /* sti; cli */
        ck_assert_uint_eq(interrupted_at("FB F4 90", 0, slice), 2);        /* sti; hlt */
        /* the second STI casts none, nor does POPF */
        ck_assert_uint_eq(interrupted_at("FB FB 90 90", 0, slice), 2);
        ck_assert_uint_eq(interrupted_at("9C 80 4C 24 01 02 9D 90 90", 0, slice), 7);
        ck_assert_uint_eq(interrupted_at("16 17 90 90", EF_IF, slice), 0);
        /* sti; pop ss; nop: POP SS runs in the shadow and casts its own */
        ck_assert_uint_eq(interrupted_at("16 FB 17 90 90", 0, slice), 4);
    }
}
END_TEST

START_TEST(halt_waits)
{
    struct rig *r = rig_protected();
    code_at(r->b, CODE + 4, "F4");
    r->b->r.rflags = 2 | EF_IF;
    ck_assert_int_eq(rig_go(r, 100), CPU_HALTED);
    ck_assert_uint_eq(cpu_ticks(r->b->cpu), 5);
    ck_assert_int_eq(cpu_run(r->b->cpu, 100), CPU_HALTED);
    cpu_skip(r->b->cpu, 10);
    ck_assert_uint_eq(cpu_ticks(r->b->cpu), 15);
    ck_assert_uint_eq(cpu_retired(r->b->cpu), 5);
    cpu_line(r->b->cpu, CPU_INTR, true);
    ck_assert_int_eq(cpu_run(r->b->cpu, 100), CPU_HALTED);
    cpu_get_regs(r->b->cpu, &r->b->r);
    ck_assert_int_eq(vector_taken(r->b), 0x40);
    ck_assert_uint_eq(stack32(r->b, 0), CODE + 5);
    rig_free(r);
}
END_TEST
START_TEST(halt_without_if_sleeps_on)
{
    struct rig *r = rig_protected();
    code_at(r->b, CODE, "F4");
    ck_assert_int_eq(rig_go(r, 100), CPU_HALTED);
    cpu_line(r->b->cpu, CPU_INTR, true);
    ck_assert_int_eq(cpu_run(r->b->cpu, 100), CPU_HALTED);
    ck_assert_uint_eq(r->b->acknowledged, 0);
    cpu_line(r->b->cpu, CPU_NMI, true);
    cpu_run(r->b->cpu, 100);
    cpu_get_regs(r->b->cpu, &r->b->r);
    ck_assert_int_eq(vector_taken(r->b), 2);
    rig_free(r);
}
END_TEST

/* ---- single step ----------------------------------------------------------------------------- */
/* Handler of #DB: logs the pushed EIP at DATA + 4 n, n at DATA - 4, and returns. */
static struct bench *stepping(uint32_t flags)
{
    struct bench *b = bench_protected(0);
    idt_set(b, 1, gate(SEL_CODE0, RESTART, B_INT32, 0));
    code_at(b, RESTART,
            "50 51 8B 0D FC FF 02 00"          /* push eax; push ecx; mov ecx, [DATA - 4] */
            "8B 44 24 08 89 04 8D 00 00 03 00" /* mov eax, [esp + 8]; mov [ecx * 4 + DATA], eax */
            "FF 05 FC FF 02 00 59 58 CF");     /* inc [DATA - 4]; pop ecx; pop eax; iret */
    b->r.rflags = 2 | flags;
    return b;
}
/* The first traps; TF that is still set wakes a HLT, too. */
static void ck_traps(struct bench *b, const char *hex, unsigned count, const uint8_t *at)
{
    code_at(b, CODE, hex);
    bench_go(b, 300);
    ck_assert_uint_ge(peek32(b, DATA - 4), count);
    for (unsigned n = 0; n < count; n++) ck_assert_uint_eq(peek32(b, DATA + 4 * n), CODE + at[n]);
    bench_free(b);
}
START_TEST(single_step)
{
    ck_traps(stepping(EF_TF), "90 40 89 C3 F4", 4, (uint8_t[]){ 1, 2, 4, 5 });     /* HLT, too */
    /* pushf; or [esp], TF; popf; nop; nop; pushf; and; popf (still traps); nop; hlt */
    ck_traps(stepping(0), "9C 80 4C 24 01 01 9D 90 90 9C 80 64 24 01 FE 9D 90 F4", 5,
             (uint8_t[]){ 8, 9, 10, 15, 16 });
    /* each iteration of a repetition: EIP at it, then behind it */
    ck_traps(stepping(EF_TF), "B1 03 BF 00 00 04 00 F3 AA F4", 6, (uint8_t[]){ 2, 7, 7, 7, 9, 10 });
    /* MOV SS holds the trap; the next one comes after the instruction behind it */
    ck_traps(stepping(EF_TF), "90 16 17 90 90 F4", 5, (uint8_t[]){ 1, 2, 4, 5, 6 });
}
END_TEST
/* INT n clears TF: no trap at its handler's first instruction (SDM vol. 3, 17.3.1.4). */
START_TEST(single_step_over_int)
{
    struct bench *b = stepping(EF_TF);
    code_at(b, HANDLERS + 0x30 * 16, "90 CF");
    ck_traps(b, "90 CD 30 90 90 F4", 4, (uint8_t[]){ 1, 4, 5, 6 });
}
END_TEST

/* ---- what cannot be executed ----------------------------------------------------------------- */
START_TEST(undefined_opcodes)
{
    static const char *const codes[] = {
        "0F 0B",    "0F FF C0", "0F B9 C0", "F0 90",    "F0 01 C0",
        "F0 89 03", "F0 39 03", "8F C8",    "C6 C8 00", "C7 F8 00 00 00 00",
        "FE D0",    "FF F8",    "FF D8",    "FF E8",    "0F C7 C8",
        "0F C7 03", "8E C8",    "8E F0",    "8C F0",    "62 C0",
        "C4 C0",    "8D C0",    "0F 01 C8", "0F 01 D8", "0F 01 F8",
        "0F 20 C8", "0F 22 E8", "0F 04",    "0F 0A",    "0F 24 C0",
        "0F A6",    "0F B8 C0", "0F 00 F0",
    };
    for (unsigned n = 0; n < COUNT_OF(codes); n++) {
        struct bench *b = bench_protected(0);
        b->r.gpr[GPR_BX] = DATA;
        bench_run(b, codes[n]);
        ck_assert_msg(vector_taken(b) == 6, "%s: vector %d", codes[n], vector_taken(b));
        ck_assert_uint_eq(stack32(b, 0), CODE);
        bench_free(b);
    }
}
END_TEST
START_TEST(fifteen_bytes_at_most)
{
    struct bench *b = bench_protected(0);
    bench_run(b, "66 66 66 66 66 66 66 66 66 66 66 66 66 66 40 F4");
    ck_assert_uint_eq(b->r.rip, CODE + 16);
    ck_assert_uint_eq(b->r.gpr[GPR_AX], 1);
    bench_free(b);
    b = bench_protected(0);
    ck_fault(b, "66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 40 F4", 13, 0);
    bench_free(b);
    b = bench_protected(0);                                /* the limit counts before #UD */
    ck_fault(b, "66 66 66 66 66 66 66 66 66 66 66 66 66 66 66 0F 0B", 13, 0);
    bench_free(b);
}
END_TEST

/* An unmasked exception keeps FST from storing, but not from checking its address. */
START_TEST(x87_store_address_is_checked_first)
{
    struct bench *b = bench_protected(0);
    b->r.gpr[GPR_BX] = DATA;
    b->r.cr0 |= 0x20;
    b->r.seg[SR_DS] = (struct cpu_segment){ SEL_DATA0, 0, DATA - 1, 0x4093 };
    poke16(b, DATA - 2, 0x037E);                           /* IM = 0 */
    /* fninit; fldcw; fst dword [ebx] from an empty stack */
    code_at(b, CODE, "DB E3 2E D9 2D FE FF 02 00 D9 13");
    ck_assert_int_eq(bench_go(b, 100), CPU_HALTED);
    ck_assert_int_eq(vector_taken(b), 13);
    ck_assert_uint_eq(stack32(b, 1), CODE + 9);
    bench_free(b);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("engine");
    TCase *t = tcase_create("time");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, slices_do_not_matter);
    tcase_add_test(t, slices_do_not_matter_in_real_mode);
    tcase_add_test(t, a_profile_changes_nothing);
    tcase_add_test(t, trimming_gives_memory_back);
    tcase_add_test(t, two_processors_do_not_disturb_each_other);
    tcase_add_test(t, callbacks_see_exact_time);
    tcase_add_test(t, a_timer_set_by_a_callback);
    tcase_add_test(t, a_later_timer_changes_nothing);
    tcase_add_test(t, stop_on_request);
    tcase_add_test(t, interrupt_right_behind_its_cause);
    tcase_add_test(t, interrupt_behind_a_call_to_a_device_stack);
    tcase_add_test(t, interrupt_between_any_two_instructions);
    tcase_add_test(t, shadows);
    tcase_add_test(t, halt_waits);
    tcase_add_test(t, halt_without_if_sleeps_on);
    tcase_add_test(t, single_step);
    tcase_add_test(t, single_step_over_int);
    tcase_add_test(t, undefined_opcodes);
    tcase_add_test(t, fifteen_bytes_at_most);
    tcase_add_test(t, x87_store_address_is_checked_first);
    suite_add_tcase(s, t);
    return bench_main(s);
}
