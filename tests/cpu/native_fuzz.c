/* SPDX-License-Identifier: MIT
 * native_fuzz [--mode 16|32|64] [--seconds N] [--count N] [--seed S] [--keep-going] [--list]
 * Random programs of up to 11 instructions in 16-, 32- or 64-bit user code, integer, x87, MMX and
 * SSE, run by the host's processor and by the engine. Registers, defined flags, memory and the
 * exception must agree. A case that fails is reduced: instructions, then registers and memory.
 *
 * Exit code 0: all agree; 1: a difference; 77: this host cannot.
 * Not implemented: loading segment registers, FS, calls into the kernel.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "tests/cpu/fuzz_case.h"

enum { EXIT_SKIPPED = 77, MEMORY_CASES = 64 /* one random memory image serves so many */ };
static const char *const mode_names[FUZZ_MODES] = {"16", "32", "64"};

struct fuzz {
    enum fuzz_mode mode;
    struct engine engine;
    struct program program;
    struct outcome before, native, ours;
    uint8_t code[ARENA_CODE_LEN], data[ARENA_DATA_LEN], stack[ARENA_STACK_LEN];
    bool code_written; /* by the last case */
    uint64_t seed, cases, failures, unsteady, instructions, occupied;
    uint16_t start[PROGRAM_MAX + 1];
    uint32_t differ_at;
    bool keep_going;
    uint64_t vectors[32];
};

/* ---- running a case -------------------------------------------------------------------------- */
static void *host(uint32_t at)
{
    return (void *)(uintptr_t)at;
}

static void place_at(struct fuzz *f, uint32_t at, const void *from, uint32_t len)
{
    memcpy(host(at), from, len);
    engine_put(&f->engine, at, from, len);
}
static void place(struct fuzz *f)
{
    uint8_t *code = f->code + PROGRAM_AT;
    memset(code, 0xCC, PROGRAM_BYTES);
    program_bytes(&f->program, code, f->start);
    if (f->code_written) place_at(f, ARENA_CODE, f->code, sizeof f->code);
    else place_at(f, ARENA_CODE + PROGRAM_AT, code, PROGRAM_BYTES);
    place_at(f, ARENA_DATA, f->data, sizeof f->data);
    place_at(f, ARENA_STACK, f->stack, sizeof f->stack);
    struct native_frame frame = native_frame(f->mode, &f->before);
    place_at(f, ARENA_FRAME, &frame, sizeof frame);
}

static uint32_t code_base(const struct fuzz *f)
{
    return PROGRAM_AT + (f->mode == CODE16 ? 0 : ARENA_CODE);
}
static uint64_t register_mask(const struct fuzz *f)
{
    return f->mode == CODE64 ? ~0ull : 0xFFFFFFFF;
}
static unsigned registers(const struct fuzz *f)
{
    return f->mode == CODE64 ? 16 : 8;
}

/* Flags to compare: those defined where the program ended. */
static uint32_t flags_mask(const struct fuzz *f)
{
    uint16_t undefined[PROGRAM_MAX + 1], any = 0;
    const struct program *p = &f->program;
    program_flags(p, undefined);
    uint32_t fixed = 0x400 | 0x3000 | 0x4000 | 0x40000 | 0x200000; /* DF, IOPL, NT, AC, ID */
    if (f->native.vector == TRAP_BP && f->native.rip == code_base(f) + f->start[p->n] + 1u)
        return fixed | (EFL_ALL & ~undefined[p->n]);
    for (unsigned k = 0; k < p->n; k++) any |= undefined[k] | p->insn[k].undefs;
    any |= undefined[p->n];
    return fixed | (EFL_ALL & ~any);
}

static bool memory_differs(struct fuzz *f, uint32_t at, uint32_t len)
{
    const uint8_t *ours = engine_see(&f->engine, at), *native = host(at);
    f->differ_at = at;
    if (!memcmp(ours, native, len)) return false;
    while (*ours == *native) ours++, native++, f->differ_at++;
    return true;
}

static const char *fpu_differs(const struct fuzz *f)
{
    const struct outcome *n = &f->native, *o = &f->ours;
    if (n->fcw != o->fcw) return "x87 control word";
    if ((n->fsw ^ o->fsw) & ~0x200) return "x87 status word"; /* C1: vendors differ */
    if (n->tags != o->tags) return "x87 tag word";
    for (unsigned k = 0; k < 8; k++) {
        bool used = n->tags >> ((n->fsw >> 11) + k) % 8 & 1;
        if (used && memcmp(n->st[k], o->st[k], 10)) return "x87 register";
    }
    if (n->mxcsr != o->mxcsr) return "MXCSR";
    for (unsigned k = 0; k < registers(f); k++)
        if (memcmp(n->xmm[k], o->xmm[k], 16)) return "XMM register";
    return NULL;
}

/* Linux says of addresses of its own that a page was there (fault.c: no hints about the kernel). */
static uint32_t error_mask(const struct fuzz *f)
{
    return f->native.cr2 >= 0x7FFFFFFFF000 ? ~1u : ~0u;
}

/* What differs: NULL if nothing. */
static const char *compare(struct fuzz *f)
{
    static const char *const names[16] = {"rAX", "rCX", "rDX", "rBX", "rSP", "rBP", "rSI", "rDI",
                                          "R8",  "R9",  "R10", "R11", "R12", "R13", "R14", "R15"};
    const struct outcome *n = &f->native, *o = &f->ours;
    if (n->vector != o->vector) return "vector";
    if (n->rip != o->rip) return "rIP";
    if (n->vector == TRAP_PF && (n->error ^ o->error) & error_mask(f)) return "error code";
    if (n->vector == TRAP_PF && n->cr2 != o->cr2) return "CR2";
    if ((n->vector == TRAP_GP || n->vector == TRAP_SS) && n->error != o->error) return "error code";
    for (unsigned k = 0; k < registers(f); k++)
        if ((n->gpr[k] ^ o->gpr[k]) & register_mask(f)) return names[k];
    if ((n->rflags ^ o->rflags) & flags_mask(f)) return "flags";
    if (memory_differs(f, ARENA_DATA, ARENA_DATA_LEN) ||
        memory_differs(f, ARENA_STACK, ARENA_STACK_LEN) ||
        memory_differs(f, ARENA_CODE, ARENA_CODE_LEN))
        return "memory";
    return fpu_differs(f);
}

/* ---- differences that are allowed: docs/cpu-exactness.md ------------------------------------- */
/* The instruction at which a side ended, or NULL. */
static const struct fuzz_insn *ended_at(const struct fuzz *f, const struct outcome *o)
{
    for (unsigned k = 0; k < f->program.n; k++)
        if (o->rip == code_base(f) + f->start[k]) return &f->program.insn[k];
    return NULL;
}
static bool ended_in(const struct fuzz *f, const struct outcome *o, const char *names)
{
    const struct fuzz_insn *i = ended_at(f, o);
    char name[24];
    snprintf(name, sizeof name, " %s ", i ? gen_mnemonic(i->row) : "?");
    return strstr(names, name);
}

static bool endless(const struct fuzz *f)
{
    return f->native.vector == TRAP_TIME;
}

static bool wraps(const struct fuzz *f)
{
    const struct outcome *n = &f->native, *o = &f->ours;
    return f->mode != CODE64 && (n->vector == TRAP_SS || n->vector == TRAP_GP) &&
           o->vector == TRAP_PF && o->cr2 >= 0xFFFFFFF0;
}

static bool rewrites_itself(const struct fuzz *f)
{
    return f->code_written;
}

static bool half_a_popa(const struct fuzz *f)
{
    return f->native.vector == f->ours.vector && ended_in(f, &f->native, " popa ");
}

/* The host's flags are those of the last comparison, or, after an interrupt, the first ones. */
static bool half_a_comparison(const struct fuzz *f)
{
    return f->native.vector == TRAP_PF && f->ours.vector == TRAP_PF &&
           f->native.rip == f->ours.rip && f->native.cr2 == f->ours.cr2 &&
           f->native.gpr[1] == f->ours.gpr[1] && ended_in(f, &f->native, " cmps scas ");
}

/* Both faults are of the same priority (SDM vol. 3, table 6-2). */
static bool misaligned_beyond_stack(const struct fuzz *f)
{
    const struct fuzz_insn *i = ended_at(f, &f->ours);
    unsigned both = 1u << f->native.vector | 1u << f->ours.vector;
    return both == (1u << TRAP_GP | 1u << TRAP_SS) && f->native.rip == f->ours.rip && i &&
           (gen_is_simd(i->row) || !strcmp(gen_mnemonic(i->row), "cmpxchg8b"));
}

/* Which bytes are looked at, those that are not stored included, and whether MM registers replace
 * the x87's before a fault: "implementation dependent" (SDM vol. 2, MASKMOVDQU). */
static bool masked_fault(const struct fuzz *f)
{
    unsigned v = f->native.vector;
    return (v == TRAP_PF || v == TRAP_GP || v == TRAP_SS || v == TRAP_AC) &&
           ended_in(f, &f->native, " maskmovq maskmovdqu ");
}

/* CMPS reads two operands. When neither can be read, the SDM does not say which of the faults
 * comes, and processors differ. Nothing but the fault may. */
static bool either_operand(const struct fuzz *f)
{
    const unsigned faults = 1u << TRAP_GP | 1u << TRAP_SS | 1u << TRAP_PF | 1u << TRAP_AC;
    struct fuzz *g = (struct fuzz *)(uintptr_t)f;
    struct outcome ours = f->ours;
    const struct outcome *n = &f->native;
    if (!(faults >> n->vector & 1) || !(faults >> ours.vector & 1) || n->rip != ours.rip ||
        !ended_in(f, n, " cmps "))
        return false;
    g->ours.vector = n->vector;
    g->ours.error = n->error;
    g->ours.cr2 = n->cr2;
    bool same = !compare(g);
    g->ours = ours;
    return same;
}

static bool io_of_count_zero(const struct fuzz *f)
{
    return f->native.vector == TRAP_GP && ended_in(f, &f->native, " ins outs ");
}

/* "Signaling of #AC is not guaranteed and may vary" (FXRSTOR), and the SDM does not order #AC, #PF,
 * #GP and #SS of one instruction (vol. 3, table 6-2). */
static bool alignment_or_other(const struct fuzz *f)
{
    unsigned n = f->native.vector, o = f->ours.vector;
    const unsigned others = 1u << TRAP_GP | 1u << TRAP_SS | 1u << TRAP_PF;
    return f->native.rip == f->ours.rip &&
           ((n == TRAP_AC && others >> o & 1) || (o == TRAP_AC && others >> n & 1));
}

/* MXCSR.MM is AMD's: bit 17 is reserved elsewhere. */
static bool misaligned_mode(const struct fuzz *f)
{
    return f->ours.vector == TRAP_GP && f->native.rip != f->ours.rip && f->native.mxcsr >> 17 & 1 &&
           ended_in(f, &f->ours, " ldmxcsr fxrstor ");
}

/* CALL: first the target is checked, then the stack (SDM vol. 2); AMD's has them the other way. */
static bool call_of_nowhere(const struct fuzz *f)
{
    return f->ours.vector == TRAP_GP && f->native.rip == f->ours.rip &&
           (f->native.vector == TRAP_SS || f->native.vector == TRAP_PF) &&
           ended_in(f, &f->ours, " call ");
}

/* A jump into the middle of an instruction, to F1: see fuzz_rules.h. */
static bool int1_by_chance(const struct fuzz *f)
{
    uint64_t at = f->native.rip - code_base(f);
    return f->native.vector == TRAP_DB && at < f->start[f->program.n] &&
           f->code[PROGRAM_AT + at] == 0xF1;
}

/* CR2 is an address in the operand: which one of a large operand is not said; nor whether its
 * segment or its pages are checked first. */
static bool within_operand(const struct fuzz *f)
{
    const struct outcome *n = &f->native, *o = &f->ours;
    if (n->vector != TRAP_PF || n->rip != o->rip) return false;
    bool limit = o->vector == TRAP_GP || o->vector == TRAP_SS;
    if (limit) return ended_in(f, n, " fxrstor frstor fldenv fld fstp fbld fbstp ");
    /* the operand may wrap around at 64 KiB or 4 GiB */
    return o->vector == TRAP_PF && ended_in(f, n, " fxrstor frstor fldenv ") &&
           (uint16_t)(n->cr2 - o->cr2 + 512) < 1024;
}

/* The faulting instruction has made MM registers of the x87's already, or not. */
static bool faults_with_mmx(const struct fuzz *f)
{
    return f->native.vector == TRAP_XM && f->ours.vector == TRAP_XM &&
           ended_in(f, &f->native, " cvtpi2ps cvtpi2pd cvtps2pi cvttps2pi cvtpd2pi cvttpd2pi ");
}

static bool has(const struct fuzz *f, const char *names)
{
    char name[24];
    for (unsigned k = 0; k < f->program.n; k++) {
        snprintf(name, sizeof name, " %s ", gen_mnemonic(f->program.insn[k].row));
        if (strstr(names, name)) return true;
    }
    return false;
}
/* C0, C2, C3 of FPREM after an invalid operation: an Intel processor leaves them, AMD's clears. The
 * host's are taken over, so that a program may differ in another way that is allowed as well. */
static bool remainder_codes(const struct fuzz *f)
{
    struct fuzz *g = (struct fuzz *)(uintptr_t)f;
    if (!has(f, " fprem fprem1 ")) return false;
    g->ours.fsw = (uint16_t)((f->ours.fsw & ~0x4700) | (f->native.fsw & 0x4700));
    return !compare(g);
}

/* Where the engine finds nothing, memory of the host's process may lie. */
static bool address_in_use(const struct fuzz *f)
{
    const struct outcome *o = &f->ours;
    return o->vector == TRAP_PF && (native_owns(o->cr2) || native_owns(o->cr2 + 63));
}

static struct allowance {
    const char *why;
    bool (*allows)(const struct fuzz *);
    uint64_t used;
} allowances[] = {
    {"condition codes of FPREM after an invalid operation", remainder_codes, 0},
    {"the program does not end", endless, 0},
    {"the program overwrote itself", rewrites_itself, 0},
    {"an operand across 4 GiB faults or wraps", wraps, 0},
    {"POPA that faults half-way", half_a_popa, 0},
    {"flags of REP CMPS, SCAS that fault half-way", half_a_comparison, 0},
    {"misaligned and beyond the stack segment: #GP or #SS", misaligned_beyond_stack, 0},
    {"faults of MASKMOVQ, MASKMOVDQU", masked_fault, 0},
    {"CMPS of two operands that cannot be read: one fault or the other", either_operand, 0},
    {"REP INS, OUTS of count 0 without permission", io_of_count_zero, 0},
    {"#AC or another fault of the same instruction", alignment_or_other, 0},
    {"a page fault somewhere in the operand of FXRSTOR, FRSTOR, FLDENV", within_operand, 0},
    {"#XM of a conversion from or to MM registers: they replace the x87's before or after",
     faults_with_mmx, 0},
    {"MXCSR.MM, which AMD's processors have", misaligned_mode, 0},
    {"CALL with a bad stack and a bad target", call_of_nowhere, 0},
    {"INT1 in the middle of an instruction", int1_by_chance, 0},
    {"an address at which the host's process has memory", address_in_use, 0},
};

/* Runs the program as it is: what differs, NULL if nothing; counts what is allowed. */
static const char *run(struct fuzz *f)
{
    place(f);
    native_run(f->mode, &f->before, &f->native);
    engine_run(&f->engine, &f->before, &f->ours, f->seed & 1);
    f->code_written = memcmp(host(ARENA_CODE), f->code, sizeof f->code) ||
                      memcmp(engine_see(&f->engine, ARENA_CODE), f->code, sizeof f->code);
    const char *what = compare(f);
    for (unsigned n = 0; what && n < COUNT_OF(allowances); n++)
        if (allowances[n].allows(f)) {
            allowances[n].used++;
            return NULL;
        }
    return what;
}

/* A difference once more: the same program, now with another result of the host's alone, says
 * nothing (seen about once in ten million programs, under a hypervisor on a busy machine). */
static bool host_is_unsteady(struct fuzz *f)
{
    static struct outcome native, ours;
    native = f->native;
    ours = f->ours;
    if (run(f)) return false;
    bool unsteady =
        !memcmp(&ours, &f->ours, sizeof ours) && memcmp(&native, &f->native, sizeof native);
    f->unsteady += unsteady;
    return unsteady;
}

/* ---- a failure ------------------------------------------------------------------------------- */
static void reduce_program(struct fuzz *f)
{
    for (unsigned k = 0; k < f->program.n;) {
        uint16_t undefined[PROGRAM_MAX + 1];
        struct program whole = f->program;
        program_remove(&f->program, k);
        if (f->program.n && program_flags(&f->program, undefined) && run(f)) {
            k = 0;
        } else {
            f->program = whole;
            k++;
        }
    }
}
/* Zeroes what it may: `at` of `len` bytes. */
static void reduce_bytes(struct fuzz *f, void *at, size_t len)
{
    uint8_t old[4096];
    if (len > sizeof old) return;
    memcpy(old, at, len);
    memset(at, 0, len);
    if (!run(f)) memcpy(at, old, len);
}
static void reduce(struct fuzz *f)
{
    reduce_program(f);
    for (unsigned n = 0; n < registers(f); n++)
        if (n != 4) reduce_bytes(f, &f->before.gpr[n], 8);
    for (unsigned n = 0; n < 16; n++) reduce_bytes(f, f->before.xmm[n], 16);
    for (unsigned n = 0; n < 8; n++) reduce_bytes(f, f->before.st[n], 10);
    for (unsigned at = 0; at < sizeof f->data; at += 1024) reduce_bytes(f, f->data + at, 1024);
    for (unsigned at = 0; at < sizeof f->stack; at += 1024) reduce_bytes(f, f->stack + at, 1024);
    reduce_program(f);
}

static void show_row(const char *name, uint64_t before, uint64_t native, uint64_t ours)
{
    if (!before && !native && !ours) return;
    printf("  %-7s %16" PRIX64 " %16" PRIX64 " %16" PRIX64 "%s\n", name, before, native, ours,
           native == ours ? "" : "  <--");
}
static void show_bytes(const char *name, const uint8_t *const rows[3], unsigned len)
{
    bool any = false;
    for (unsigned k = 0; k < 3 * len; k++) any |= rows[k / len][k % len];
    if (!any) return;
    printf("  %-7s", name);
    for (unsigned r = 0; r < 3; r++) {
        printf(" ");
        for (unsigned k = len; k-- > 0;) printf("%02X", rows[r][k]);
    }
    printf("%s\n", memcmp(rows[1], rows[2], len) ? "  <--" : "");
}
static void show_fpu(const struct outcome *b, const struct outcome *n, const struct outcome *o)
{
    char name[8];
    show_row("fcw", b->fcw, n->fcw, o->fcw);
    show_row("fsw", b->fsw, n->fsw, o->fsw);
    show_row("tags", b->tags, n->tags, o->tags);
    show_row("mxcsr", b->mxcsr, n->mxcsr, o->mxcsr);
    for (unsigned k = 0; k < 8; k++) {
        snprintf(name, sizeof name, "st%u", k);
        show_bytes(name, (const uint8_t *[]){b->st[k], n->st[k], o->st[k]}, 10);
    }
    for (unsigned k = 0; k < 16; k++) {
        snprintf(name, sizeof name, "xmm%u", k);
        show_bytes(name, (const uint8_t *[]){b->xmm[k], n->xmm[k], o->xmm[k]}, 16);
    }
}

static void show(struct fuzz *f, const char *what)
{
    static const char *const names[16] = {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                          "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15"};
    const struct outcome *b = &f->before, *n = &f->native, *o = &f->ours;
    printf("%s differs (%s): native_fuzz --mode %s --seed %" PRIu64 " --count 1\n", what,
           f->seed & 1 ? "stepped" : "chained", mode_names[f->mode], f->seed);
    if (!strcmp(what, "memory"))
        printf("  at %" PRIX32 ": host %02X, engine %02X\n", f->differ_at,
               *(uint8_t *)host(f->differ_at), *engine_see(&f->engine, f->differ_at));
    for (unsigned k = 0; k < f->program.n; k++) {
        printf("  %8X ", code_base(f) + f->start[k]);
        for (unsigned c = f->start[k]; c < f->start[k + 1]; c++)
            printf(" %02X", f->code[PROGRAM_AT + c]);
        printf("   %s\n", gen_mnemonic(f->program.insn[k].row));
    }
    printf("                    before             host           engine\n");
    uint64_t mask = register_mask(f), defined = flags_mask(f);
    for (unsigned k = 0; k < registers(f); k++)
        show_row(names[k], b->gpr[k], n->gpr[k] & mask, o->gpr[k] & mask);
    show_row("rip", b->rip, n->rip, o->rip);
    show_row("flags", b->rflags, n->rflags & defined, o->rflags & defined);
    show_row("vector", 0, n->vector, o->vector);
    show_row("error", 0, n->error, o->error);
    if (n->vector == TRAP_PF || o->vector == TRAP_PF) show_row("cr2", 0, n->cr2, o->cr2);
    show_fpu(b, n, o);
    fflush(stdout);
}

static void failed(struct fuzz *f, const char *first)
{
    f->failures++;
    reduce(f);
    const char *what = run(f);
    if (!what) printf("only once, ");
    show(f, what ? what : first);
    gen_memory(f->seed / MEMORY_CASES, f->data, sizeof f->data);
    gen_memory(f->seed / MEMORY_CASES + (1ull << 40), f->stack, sizeof f->stack);
}

/* ---- main ------------------------------------------------------------------------------------ */
static void fuzz_all(struct fuzz *f, uint64_t count, uint64_t seconds)
{
    time_t end = time(NULL) + (time_t)seconds;
    for (; f->cases < count && (f->keep_going ? f->failures < 20 : !f->failures);
         f->cases++, f->seed++) {
        if (seconds && !(f->cases & 1023) && time(NULL) >= end) break;
        if (!f->cases || f->seed % MEMORY_CASES == 0) {
            gen_memory(f->seed / MEMORY_CASES, f->data, sizeof f->data);
            gen_memory(f->seed / MEMORY_CASES + (1ull << 40), f->stack, sizeof f->stack);
        }
        gen_case(f->mode, f->seed, &f->before, &f->program);
        f->instructions += f->program.n;
        const char *what = run(f);
        if (what && !host_is_unsteady(f)) failed(f, what);
        f->vectors[f->native.vector & 31]++;
    }
}

static int report(const struct fuzz *f)
{
    printf("%" PRIu64 " programs, %" PRIu64 " instructions, %" PRIu64
           " programs differ; ended by vector:",
           f->cases, f->instructions, f->failures);
    for (unsigned v = 0; v < 32; v++)
        if (f->vectors[v]) printf(" %u: %" PRIu64, v, f->vectors[v]);
    printf("\n");
    for (unsigned n = 0; n < COUNT_OF(allowances); n++)
        if (allowances[n].used)
            printf("%10" PRIu64 " allowed: %s\n", allowances[n].used, allowances[n].why);
    if (f->unsteady)
        printf("%10" PRIu64 " had another result the second time: on the host only\n", f->unsteady);
    return f->failures != 0;
}

static int usage(void)
{
    fprintf(stderr, "usage: native_fuzz [--mode 16|32|64] [--seconds N] [--count N] [--seed S] "
                    "[--keep-going] [--list] [--occupy ADDRESS]\n");
    return 2;
}
static bool parse(struct fuzz *f, int argc, char **argv, uint64_t *count, uint64_t *seconds)
{
    for (int k = 1; k < argc; k++) {
        const char *value = k + 1 < argc ? argv[k + 1] : NULL;
        unsigned mode = 0;
        if (!strcmp(argv[k], "--keep-going")) {
            f->keep_going = true;
            continue;
        }
        if (!value) return false;
        if (!strcmp(argv[k], "--seconds")) *seconds = strtoull(value, NULL, 0);
        else if (!strcmp(argv[k], "--count")) *count = strtoull(value, NULL, 0);
        else if (!strcmp(argv[k], "--seed")) f->seed = strtoull(value, NULL, 0);
        else if (!strcmp(argv[k], "--occupy")) f->occupied = strtoull(value, NULL, 0);
        else if (!strcmp(argv[k], "--mode")) {
            while (mode < FUZZ_MODES && strcmp(value, mode_names[mode])) mode++;
            if (mode == FUZZ_MODES) return false;
            f->mode = (enum fuzz_mode)mode;
        } else return false;
        k++;
    }
    return true;
}

int main(int argc, char **argv)
{
    static struct fuzz f;
    memset(f.code, 0xCC, sizeof f.code);
    uint64_t count = ~0ull, seconds = 0;
    f.seed = (uint64_t)time(NULL) << 20;
    f.mode = CODE32;
    if (argc == 2 && !strcmp(argv[1], "--list")) return gen_print_rules(), 0;
    if (!parse(&f, argc, argv, &count, &seconds)) return usage();
    if (!seconds && count == ~0ull) seconds = 10;
    const char *unable = native_open(f.mode);
    if (unable)
        return printf("skipped, %s-bit code: %s\n", mode_names[f.mode], unable), EXIT_SKIPPED;
    if (!engine_open(&f.engine, f.mode, "nehalem"))
        return fprintf(stderr, "native_fuzz: out of memory\n"), 2;
    f.code_written = true;
    if (f.occupied && !native_occupy(f.occupied))
        return fprintf(stderr, "native_fuzz: no memory at that address\n"), 2;
    printf("%s-bit code, first seed %" PRIu64 "\n", mode_names[f.mode], f.seed);
    fuzz_all(&f, count, seconds);
    engine_close(&f.engine);
    return report(&f);
}
