/* SPDX-License-Identifier: MIT
 * One MMX or SSE instruction on the host's processor, for comparison with the engine: registers in,
 * instruction, registers out. A SIMD exception (SIGFPE) skips the instruction and is reported.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct sse_state {
    uint8_t  xmm[8][16];
    uint64_t mm[8];
    uint64_t rax, rcx, rdx, rbx, rsi, rdi;
    uint64_t flags;
    uint32_t mxcsr, exception;
    uint8_t  memory[64];           /* operands, at rax and rdi */
};

#if defined(__x86_64__) && defined(__linux__)
#define SSE_NATIVE 1
#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>

enum { NATIVE_CODE = 0, NATIVE_DATA = 2048, NATIVE_SIZE = 4096 };

enum { UCONTEXT_RIP = 16 };         /* REG_RIP of ucontext.h, a name that cpu/ has too */

struct native { uint8_t *page; };

/* State moves in the middle are done with fixed offsets from R15, which no tested instruction uses.
 */
#define AT(field) [field] "i"(offsetof(struct sse_state, field))
static inline void native_call(struct sse_state *s, void *code)
{
    register struct sse_state *base __asm__("r15") = s;
    register void *function __asm__("r14") = code;
    __asm__ volatile(
        "sub $512, %%rsp\n"
        "movdqu %c[xmm]+0(%%r15), %%xmm0\n movdqu %c[xmm]+16(%%r15), %%xmm1\n"
        "movdqu %c[xmm]+32(%%r15), %%xmm2\n movdqu %c[xmm]+48(%%r15), %%xmm3\n"
        "movdqu %c[xmm]+64(%%r15), %%xmm4\n movdqu %c[xmm]+80(%%r15), %%xmm5\n"
        "movdqu %c[xmm]+96(%%r15), %%xmm6\n movdqu %c[xmm]+112(%%r15), %%xmm7\n"
        "movq %c[mm]+0(%%r15), %%mm0\n movq %c[mm]+8(%%r15), %%mm1\n"
        "movq %c[mm]+16(%%r15), %%mm2\n movq %c[mm]+24(%%r15), %%mm3\n"
        "movq %c[mm]+32(%%r15), %%mm4\n movq %c[mm]+40(%%r15), %%mm5\n"
        "movq %c[mm]+48(%%r15), %%mm6\n movq %c[mm]+56(%%r15), %%mm7\n"
        "stmxcsr 256(%%rsp)\n ldmxcsr %c[mxcsr](%%r15)\n"
        "push %c[flags](%%r15)\n popfq\n"
        "mov %c[rax](%%r15), %%rax\n mov %c[rcx](%%r15), %%rcx\n mov %c[rdx](%%r15), %%rdx\n"
        "mov %c[rbx](%%r15), %%rbx\n mov %c[rsi](%%r15), %%rsi\n mov %c[rdi](%%r15), %%rdi\n"
        "call *%%r14\n"
        "mov %%rax, %c[rax](%%r15)\n mov %%rcx, %c[rcx](%%r15)\n mov %%rdx, %c[rdx](%%r15)\n"
        "mov %%rbx, %c[rbx](%%r15)\n mov %%rsi, %c[rsi](%%r15)\n mov %%rdi, %c[rdi](%%r15)\n"
        "pushfq\n pop %c[flags](%%r15)\n"
        "stmxcsr %c[mxcsr](%%r15)\n ldmxcsr 256(%%rsp)\n"
        "movdqu %%xmm0, %c[xmm]+0(%%r15)\n movdqu %%xmm1, %c[xmm]+16(%%r15)\n"
        "movdqu %%xmm2, %c[xmm]+32(%%r15)\n movdqu %%xmm3, %c[xmm]+48(%%r15)\n"
        "movdqu %%xmm4, %c[xmm]+64(%%r15)\n movdqu %%xmm5, %c[xmm]+80(%%r15)\n"
        "movdqu %%xmm6, %c[xmm]+96(%%r15)\n movdqu %%xmm7, %c[xmm]+112(%%r15)\n"
        "movq %%mm0, %c[mm]+0(%%r15)\n movq %%mm1, %c[mm]+8(%%r15)\n"
        "movq %%mm2, %c[mm]+16(%%r15)\n movq %%mm3, %c[mm]+24(%%r15)\n"
        "movq %%mm4, %c[mm]+32(%%r15)\n movq %%mm5, %c[mm]+40(%%r15)\n"
        "movq %%mm6, %c[mm]+48(%%r15)\n movq %%mm7, %c[mm]+56(%%r15)\n"
        "emms\n cld\n add $512, %%rsp\n"
        : "+r"(base), "+r"(function)
        : AT(xmm), AT(mm), AT(mxcsr), AT(flags), AT(rax), AT(rcx), AT(rdx), AT(rbx), AT(rsi),
          AT(rdi)
        : "rax", "rcx", "rdx", "rbx", "rsi", "rdi", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3",
          "xmm4", "xmm5", "xmm6", "xmm7", "mm0", "mm1", "mm2", "mm3", "mm4", "mm5", "mm6", "mm7");
}
#undef AT

/* The instruction stands at the start of a page and its length in the byte before the data. */
static void native_signal(int number, siginfo_t *info, void *context)
{
    ucontext_t *u = context;
    uint8_t *page =
        (uint8_t *)((uintptr_t)u->uc_mcontext.gregs[UCONTEXT_RIP] & ~(uintptr_t)(NATIVE_SIZE - 1));
    (void)number;
    (void)info;
    u->uc_mcontext.gregs[UCONTEXT_RIP] += page[NATIVE_DATA - 1];
    page[NATIVE_DATA - 2] = 1;
}

/* A page below 2 GiB, so that its address is the same number in 32 and 64 bits. */
static inline struct native native_new(void)
{
    struct sigaction action = { .sa_sigaction = native_signal, .sa_flags = SA_SIGINFO };
    struct native n;
    n.page = mmap(NULL, NATIVE_SIZE, PROT_READ | PROT_WRITE | PROT_EXEC,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
    if (n.page == MAP_FAILED) n.page = NULL;
    sigaction(SIGFPE, &action, NULL);
    return n;
}
static inline void native_free(struct native *n) { munmap(n->page, NATIVE_SIZE); }

/* Runs it once; in s, rax and rdi are offsets into s->memory when `memory`, and come back so. */
static inline void native_run(struct native *n, const uint8_t *code, unsigned len,
                              struct sse_state *s)
{
    struct sse_state *at = (struct sse_state *)(void *)(n->page + NATIVE_DATA);
    uint64_t rax = s->rax, rdi = s->rdi;
    memcpy(n->page, code, len);
    n->page[len] = 0xC3;
    n->page[NATIVE_DATA - 1] = (uint8_t)len;
    n->page[NATIVE_DATA - 2] = 0;
    memcpy(at, s, sizeof *s);
    at->rax = rax + (uintptr_t)at->memory;
    at->rdi = rdi + (uintptr_t)at->memory;
    native_call(at, n->page);
    memcpy(s, at, sizeof *s);
    s->rax -= (uintptr_t)at->memory;
    s->rdi -= (uintptr_t)at->memory;
    s->exception = n->page[NATIVE_DATA - 2];
}
#else
#define SSE_NATIVE 0
#endif
