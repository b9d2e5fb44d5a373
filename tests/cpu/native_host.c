/* SPDX-License-Identifier: MIT
 * Native execution: IRETQ into a 32-bit code segment; every way out is an exception, which arrives
 * as a signal with all registers, vector, error code and CR2 in its context.
 */
#define _GNU_SOURCE
#include "tests/cpu/native_host.h"

#if defined(__SANITIZE_ADDRESS__)
#define UNABLE "AddressSanitizer's shadow lies in the low 4 GiB"
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNABLE "AddressSanitizer's shadow lies in the low 4 GiB"
#endif
#endif
#if !defined(UNABLE) && !(defined(__x86_64__) && defined(__linux__))
#define UNABLE "the host is not x86-64 Linux"
#endif

#ifdef UNABLE
const char *native_open(void) { return UNABLE; }
void native_run(const struct outcome *in, struct outcome *out) { *out = *in; }
#else
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

/* A signal handler has no other way to its data. */
static sigjmp_buf back;
static struct outcome *caught;
static bool went_in;               /* the exception came from 32-bit code */

static void save_x87(struct outcome *o, const struct _libc_fpstate *f)
{
    o->fcw = f->cwd;
    o->fsw = f->swd;
    o->tags = (uint8_t)f->ftw;
    for (unsigned n = 0; n < 8; n++) memcpy(o->st[n], &f->_st[n], 10);
}

static void on_signal(int number, siginfo_t *info, void *context)
{
    static const int order[8] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX,
                                 REG_RSP, REG_RBP, REG_RSI, REG_RDI};
    const ucontext_t *u = context;
    const greg_t *r = u->uc_mcontext.gregs;
    (void)number;
    (void)info;
    went_in = (r[REG_CSGSFS] & 0xFFFF) == USER_CS;
    for (unsigned n = 0; n < 8; n++) caught->gpr[n] = (uint32_t)r[order[n]];
    caught->eip = (uint32_t)r[REG_RIP];
    caught->eflags = (uint32_t)r[REG_EFL];
    caught->vector = (uint32_t)r[REG_TRAPNO];
    caught->error = (uint32_t)r[REG_ERR];
    caught->cr2 = (uint32_t)r[REG_CR2];
    if (u->uc_mcontext.fpregs) save_x87(caught, u->uc_mcontext.fpregs);
    siglongjmp(back, 1);
}

/* FRSTOR's 32-bit format (SDM vol. 1, figure 8-9). */
struct frstor {
    uint32_t control, status, tag, ip, cs, dp, ds;
    uint8_t st[8][10];
} __attribute__((packed));

static struct frstor x87_image(const struct outcome *in)
{
    struct frstor f = { .control = in->fcw, .status = in->fsw };
    for (unsigned n = 0; n < 8; n++) f.tag |= in->tags >> n & 1 ? 0 : 3u << 2 * n;
    memcpy(f.st, in->st, sizeof f.st);
    return f;
}

static _Noreturn void enter(const struct outcome *in)
{
    uint64_t frame[5] = { in->eip, USER_CS, in->eflags | 2, in->gpr[4], USER_DS };
    struct frstor x87 = x87_image(in);
    __asm__ volatile("frstor %[x87]\n\t"
                     "movl %[ds], %%eax\n\t"
                     "movl %%eax, %%ds\n\t"
                     "movl %%eax, %%es\n\t"
                     "movq %[frame], %%rsp\n\t"
                     "movl 0(%%rdi), %%eax\n\t"
                     "movl 4(%%rdi), %%ecx\n\t"
                     "movl 8(%%rdi), %%edx\n\t"
                     "movl 12(%%rdi), %%ebx\n\t"
                     "movl 20(%%rdi), %%ebp\n\t"
                     "movl 24(%%rdi), %%esi\n\t"
                     "movl 28(%%rdi), %%edi\n\t"
                     "iretq"
                     :
                     : [x87] "m"(x87), [ds] "i"(USER_DS), [frame] "r"(frame), "D"(in->gpr),
                       "m"(frame), "m"(*in)
                     : "memory", "rax");
    __builtin_unreachable();
}

void native_run(const struct outcome *in, struct outcome *out)
{
    caught = out;
    went_in = false;
    if (!sigsetjmp(back, 0)) enter(in);
}

static bool map_at(uint32_t at, uint32_t len)
{
    void *p = mmap((void *)(uintptr_t)at, len, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    return p == (void *)(uintptr_t)at;
}

static bool catch_signals(void)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP };
    struct sigaction a = {.sa_sigaction = on_signal,
                          .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    const size_t size = 256 << 10;                         /* AVX-512 states are large */
    stack_t stack = { .ss_sp = malloc(size), .ss_size = size };
    bool good = stack.ss_sp && !sigaltstack(&stack, NULL);
    for (unsigned n = 0; good && n < COUNT_OF(signals); n++)
        good = !sigaction(signals[n], &a, NULL);
    return good;
}

const char *native_open(void)
{
    struct outcome in = {
        .eip = ARENA_CODE, .eflags = 0x202, .gpr = {[4] = ARENA_STACK + 0x1000}, .fcw = 0x37F};
    struct outcome out = { 0 };
    if (!map_at(ARENA_CODE, ARENA_CODE_LEN) || !map_at(ARENA_DATA, ARENA_DATA_LEN) ||
        !map_at(ARENA_STACK, ARENA_STACK_LEN))
        return "the arena's addresses are taken";
    *(volatile uint8_t *)ARENA_CODE = 0xCC;
    if (mprotect((void *)ARENA_CODE, ARENA_CODE_LEN, PROT_READ | PROT_WRITE | PROT_EXEC))
        return "the kernel allows no writable code";
    if (!catch_signals()) return "no signal stack";
    native_run(&in, &out);
    return went_in && out.vector == 3 ? NULL : "the kernel has no 32-bit code segment";
}
#endif
