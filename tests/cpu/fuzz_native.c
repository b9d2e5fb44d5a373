/* SPDX-License-Identifier: MIT
 * The host's processor (x86-64 Linux): IRETQ into a 16-, 32- or 64-bit code segment; every way out
 * is an exception, which arrives as a signal with all registers, vector, error code and CR2 in its
 * context. 16-bit code needs modify_ldt(), 32-bit code the kernel's 32-bit code segment.
 */
#define _GNU_SOURCE
#include "tests/cpu/fuzz_case.h"

#if defined(__SANITIZE_ADDRESS__)
#define UNABLE "AddressSanitizer's shadow lies at addresses that must be empty"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNABLE "AddressSanitizer's shadow lies at addresses that must be empty"
#endif
#endif
#if !defined(UNABLE) && !(defined(__x86_64__) && defined(__linux__))
#define UNABLE "the host is not x86-64 Linux"
#endif

#ifdef UNABLE
const char *native_open(enum fuzz_mode mode)
{
    (void)mode;
    return UNABLE;
}
struct native_frame native_frame(enum fuzz_mode mode, const struct outcome *in)
{
    (void)mode;
    (void)in;
    return (struct native_frame){0};
}
void native_run(enum fuzz_mode mode, const struct outcome *in, struct outcome *out)
{
    (void)mode;
    *out = *in;
}
bool native_owns(uint64_t address)
{
    (void)address;
    return false;
}
bool native_occupy(uint64_t address)
{
    (void)address;
    return false;
}
#else
#include <asm/ldt.h>
#include <asm/prctl.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

/* A signal handler has no other way to its data. */
static sigjmp_buf back;
static struct outcome *caught;
static volatile sig_atomic_t inside;    /* in the code under test */
static volatile uint64_t entered, seen; /* how often; at the last alarm */
static unsigned caught_cs;

static void save_fpu(struct outcome *o, const struct _libc_fpstate *f)
{
    o->fcw = f->cwd;
    o->fsw = f->swd;
    o->tags = (uint8_t)f->ftw;
    o->mxcsr = f->mxcsr;
    for (unsigned n = 0; n < 8; n++) memcpy(o->st[n], &f->_st[n], 10);
    memcpy(o->xmm, f->_xmm, sizeof o->xmm);
}

/* Called by signal_entry. */
void fuzz_native_signal(int number, siginfo_t *info, void *context);
void fuzz_native_signal(int number, siginfo_t *info, void *context)
{
    static const int order[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP,
                                  REG_RSI, REG_RDI, REG_R8,  REG_R9,  REG_R10, REG_R11,
                                  REG_R12, REG_R13, REG_R14, REG_R15};
    const ucontext_t *u = context;
    const greg_t *r = u->uc_mcontext.gregs;
    (void)info;
    bool hangs = number == SIGALRM;
    if (hangs && !(inside && seen == entered)) {
        seen = entered;
        return;
    }
    if (!inside) { /* our own mistake: do not catch it */
        signal(number, SIG_DFL);
        return;
    }
    inside = 0;
    caught_cs = r[REG_CSGSFS] & 0xFFFF;
    for (unsigned n = 0; n < 16; n++) caught->gpr[n] = (uint64_t)r[order[n]];
    caught->rip = (uint64_t)r[REG_RIP];
    caught->rflags = (uint64_t)r[REG_EFL];
    caught->vector = hangs ? TRAP_TIME : (uint32_t)r[REG_TRAPNO];
    caught->error = (uint32_t)r[REG_ERR];
    caught->cr2 = (uint64_t)r[REG_CR2];
    if (u->uc_mcontext.fpregs) save_fpu(caught, u->uc_mcontext.fpregs);
    siglongjmp(back, 1);
}

/* The kernel enters handlers with AC and NT as they were: a misaligned access or an IRET of ours
 * would fault. */
void fuzz_native_entry(int, siginfo_t *, void *);
__asm__(".text\n"
        "fuzz_native_entry:\n\t"
        "pushfq\n\t"
        "andl $0xFFFBBFFF, (%rsp)\n\t"
        "popfq\n\t"
        "jmp fuzz_native_signal\n");

/* FXRSTOR's 64-bit format (SDM vol. 1, table 10-2), and what IRETQ pops. */
struct fxrstor {
    uint16_t control, status;
    uint8_t tags, zero;
    uint16_t opcode;
    uint64_t ip, dp;
    uint32_t mxcsr, mask;
    uint8_t st[8][16], xmm[16][16], rest[96];
} __attribute__((aligned(16)));

static void fill(struct fxrstor *f, const struct outcome *in)
{
    *f = (struct fxrstor){
        .control = in->fcw, .status = in->fsw, .tags = in->tags, .mxcsr = in->mxcsr};
    for (unsigned n = 0; n < 8; n++) memcpy(f->st[n], in->st[n], 10);
    memcpy(f->xmm, in->xmm, sizeof f->xmm);
}

static const uint16_t code_selectors[] = {LDT_SELECTOR(LDT_CODE), USER_CS32, USER_CS64};

struct native_frame native_frame(enum fuzz_mode mode, const struct outcome *in)
{
    static const uint16_t stack[] = {LDT_SELECTOR(LDT_STACK), USER_DS, USER_DS};
    return (struct native_frame){in->rip, code_selectors[mode], in->rflags | 2, in->gpr[4],
                                 stack[mode]};
}

/* IRETQ to a 16-bit stack leaves RSP[31:16] as it is: so the frame has a place that is known. */
static void enter(enum fuzz_mode mode, const struct outcome *in)
{
    static const uint16_t data[] = {LDT_SELECTOR(LDT_DATA), USER_DS, USER_DS};
    static const uint16_t extra[] = {LDT_SELECTOR(LDT_EXTRA), USER_DS, USER_DS};
    struct fxrstor fpu;
    fill(&fpu, in);
    inside = 1;
    entered++;
    __asm__ volatile("fxrstorq %[fpu]\n\t"
                     "movl %[ds], %%ds\n\t"
                     "movl %[es], %%es\n\t"
                     "movq %[frame], %%rsp\n\t"
                     "movq 0(%%rdi), %%rax\n\t"
                     "movq 8(%%rdi), %%rcx\n\t"
                     "movq 16(%%rdi), %%rdx\n\t"
                     "movq 24(%%rdi), %%rbx\n\t"
                     "movq 40(%%rdi), %%rbp\n\t"
                     "movq 48(%%rdi), %%rsi\n\t"
                     "movq 64(%%rdi), %%r8\n\t"
                     "movq 72(%%rdi), %%r9\n\t"
                     "movq 80(%%rdi), %%r10\n\t"
                     "movq 88(%%rdi), %%r11\n\t"
                     "movq 96(%%rdi), %%r12\n\t"
                     "movq 104(%%rdi), %%r13\n\t"
                     "movq 112(%%rdi), %%r14\n\t"
                     "movq 120(%%rdi), %%r15\n\t"
                     "movq 56(%%rdi), %%rdi\n\t"
                     "iretq"
                     :
                     : [fpu] "m"(fpu), [ds] "a"((uint32_t)data[mode]),
                       [es] "c"((uint32_t)extra[mode]), [frame] "d"((uint64_t)ARENA_FRAME),
                       "D"(in->gpr), "m"(*in)
                     : "memory");
    __builtin_unreachable();
}

void native_run(enum fuzz_mode mode, const struct outcome *in, struct outcome *out)
{
    caught = out;
    if (!sigsetjmp(back, 0)) enter(mode, in);
}

/* ---- whose memory ---------------------------------------------------------------------------- */

/* Linux chooses other addresses for each process. */
bool native_owns(uint64_t address)
{
    FILE *maps = fopen("/proc/self/maps", "r");
    unsigned long long from, to;
    bool found = false;
    if (!maps) return false;
    while (!found && fscanf(maps, "%llx-%llx%*[^\n]", &from, &to) == 2)
        found = from >= ARENA_STACK + ARENA_STACK_LEN && address >= from && address < to;
    fclose(maps);
    return found;
}

bool native_occupy(uint64_t address)
{
    void *page = (void *)(uintptr_t)(address & ~0xFFFull);
    void *got = mmap(page, 0x1000, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE | MAP_POPULATE, -1, 0);
    return got == page || native_owns(address);
}

/* ---- opening --------------------------------------------------------------------------------- */
static bool map_at(uint32_t at, uint32_t len)
{
    void *p = mmap((void *)(uintptr_t)at, len, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    return p == (void *)(uintptr_t)at;
}

static bool catch_signals(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGALRM};
    struct sigaction a = {.sa_sigaction = fuzz_native_entry,
                          .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    const struct itimerval second = {{1, 0}, {1, 0}};
    const size_t size = 256 << 10; /* AVX-512 states are large */
    stack_t stack = {.ss_sp = malloc(size), .ss_size = size};
    bool good = stack.ss_sp && !sigaltstack(&stack, NULL);
    for (unsigned n = 0; good && n < COUNT_OF(signals); n++)
        good = !sigaction(signals[n], &a, NULL);
    return good && !setitimer(ITIMER_REAL, &second, NULL);
}

static bool write_ldt(unsigned n)
{
    const struct fuzz_segment *s = &fuzz_ldt[n];
    struct user_desc d = {.entry_number = n,
                          .base_addr = s->base,
                          .limit = s->limit,
                          .seg_32bit = s->big,
                          .contents = s->code ? MODIFY_LDT_CONTENTS_CODE : MODIFY_LDT_CONTENTS_DATA,
                          .useable = 1};
    return !syscall(SYS_modify_ldt, 1, &d, sizeof d);
}
static const char *make_segments(enum fuzz_mode mode)
{
    if (mode == CODE64)
        return syscall(SYS_arch_prctl, ARCH_SET_GS, GS_BASE) ? "arch_prctl(ARCH_SET_GS) is refused"
                                                             : NULL;
    for (unsigned n = 0; n < LDT_COUNT; n++)
        if (!write_ldt(n)) return "modify_ldt() is refused";
    __asm__ volatile("movl %0, %%gs" : : "r"(LDT_SELECTOR(LDT_GS)));
    return NULL;
}

/* One instruction there and back: does the kernel say all that is compared? */
static const char *probe(enum fuzz_mode mode, const uint8_t code[8], unsigned vector)
{
    struct outcome in = {.rip = mode == CODE16 ? 0 : ARENA_CODE, .rflags = 0x202, .fcw = 0x37F};
    struct outcome out = {0};
    in.gpr[4] = ARENA_STACK + 0x1000;
    in.mxcsr = 0x1F80;
    memcpy((void *)ARENA_CODE, code, 8);
    *(struct native_frame *)(uintptr_t)ARENA_FRAME = native_frame(mode, &in);
    native_run(mode, &in, &out);
    if (caught_cs != code_selectors[mode])
        return mode == CODE32 ? "the kernel has no 32-bit code segment"
                              : "the kernel does not enter this code segment";
    if (out.vector != vector || (vector == TRAP_PF && out.cr2 != ARENA_DATA + 0x7000))
        return "signals do not tell the exception (a container's own kernel?)";
    return NULL;
}

const char *native_open(enum fuzz_mode mode)
{
    static const uint8_t int3[8] = {0xCC};
    static const uint8_t load[FUZZ_MODES][8] = {/* MOV AL, [ARENA_DATA + 7000] */
                                                {0x26, 0xA0, 0x00, 0x70},
                                                {0xA0, 0x00, 0x70, 0x12},
                                                {0x8A, 0x04, 0x25, 0x00, 0x70, 0x12}};
    if (!map_at(ARENA_CODE, ARENA_CODE_LEN) || !map_at(ARENA_DATA, ARENA_DATA_LEN) ||
        !map_at(ARENA_STACK, ARENA_STACK_LEN))
        return "addresses 110000 and so on cannot be mapped (vm.mmap_min_addr?)";
    if (mprotect((void *)ARENA_CODE, ARENA_CODE_LEN, PROT_READ | PROT_WRITE | PROT_EXEC))
        return "the kernel allows no writable code";
    if (!catch_signals()) return "no signal stack";
    const char *unable = make_segments(mode);
    if (!unable) unable = probe(mode, int3, TRAP_BP);
    if (!unable) unable = probe(mode, load[mode], TRAP_PF);
    return unable;
}
#endif
