/* SPDX-License-Identifier: MIT
 * The processor as the rest of the machine sees it: three callbacks, a few lines in and out, and
 * cpu_run(until). Time is counted in ticks: one per retired instruction (one per iteration of a
 * repeated string instruction), plus what cpu_skip() adds while halted.
 */
#pragma once
#include "base/base.h"
#include "base/log.h"
#include "memory/memory.h"

struct cpu;

/* What a CPU needs from its board. size: 1, 2 or 4 bytes. acknowledge: INTA, the
 * vector. in_run, out_run (or NULL): up to count accesses to one port, as far as they
 * only move data; how many were made. */
struct cpu_bus {
    uint32_t (*in)(void *ctx, uint16_t port, enum width size);
    void     (*out)(void *ctx, uint16_t port, uint32_t value, enum width size);
    uint8_t  (*acknowledge)(void *ctx);
    void      *ctx;
    uint32_t (*in_run)(void *ctx, uint16_t port, enum width size, uint8_t *to, uint32_t count);
    uint32_t (*out_run)(void *ctx, uint16_t port, enum width size, const uint8_t *from,
                        uint32_t count);
};

struct cpu_config {
    const char *model;             /* NULL: the default model */
    const char *add_features;      /* lists of names (vitro --cpu-models); NULL: none */
    const char *exclude_features;
};

/* Inputs. CPU_NMI, CPU_SMI: the edge counts. CPU_IGNNE: go on after an x87
 * error that raised FERR#. */
enum cpu_line { CPU_INTR, CPU_NMI, CPU_A20, CPU_RESET, CPU_SMI, CPU_IGNNE };

/* Outputs. CPU_FERR: an unmasked x87 exception waits and CR0.NE is 0. CPU_SMIACT: in system
 * management mode, from before the first access to its memory to after the last. */
enum cpu_pin { CPU_FERR, CPU_SMIACT };

enum cpu_stop {
    CPU_UNTIL,         /* cpu_ticks() has reached `until`                          */
    CPU_HALTED,        /* HLT, nothing pending: skip time or deliver a line         */
    CPU_SHUTDOWN,      /* triple fault; cpu_reset() is the way out                   */
    CPU_REQUEST,       /* cpu_request_stop() was called                              */
    CPU_BREAKPOINT,    /* stopped before the instruction at a breakpoint (debugger)  */
};

/* NULL: no such model, or no memory. */
struct cpu *cpu_new(const struct cpu_config *, struct memory *, const struct cpu_bus *,
                    struct log *);
void cpu_free(struct cpu *);
void cpu_reset(struct cpu *, bool power_on);    /* power_on false: INIT-like, keeps ticks and TSC */

/* Runs until cpu_ticks() == until exactly, or another reason of enum cpu_stop. */
enum cpu_stop cpu_run(struct cpu *, uint64_t until);

/* Exact also inside a bus callback, that is before the I/O instruction retires. */
uint64_t cpu_ticks(const struct cpu *);
uint64_t cpu_retired(const struct cpu *);            /* instructions only, no skipped time */
void cpu_skip(struct cpu *, uint64_t ticks);         /* time passes while halted */
/* From a callback: a timer is due earlier; cpu_run() ends after this instruction. */
void cpu_run_shorter(struct cpu *, uint64_t until);
void cpu_request_stop(struct cpu *);
/* RESET: level true resets like INIT at the next boundary. */
void cpu_line(struct cpu *, enum cpu_line, bool level);
bool cpu_is_halted(const struct cpu *);
/* Who hears of the outputs; called also from inside cpu_run() and cpu_reset(). */
void cpu_on_pin(struct cpu *, void (*changed)(void *ctx, enum cpu_pin, bool level), void *ctx);

/* Between runs: gives the host back the memory of what only makes things faster. Worth it for an
 * idle guest, which sees nothing of it. */
void cpu_trim(struct cpu *);

/* ---- looking in (debugger, monitor, tests) --------------------------------------------------- */
struct cpu_segment { uint16_t selector; uint64_t base; uint32_t limit; uint16_t access; };
/* access: bits 0-7 = descriptor byte 5 (type, S, DPL, P), bits 12-15 = AVL, L, D/B, G */

struct cpu_regs {
    uint64_t gpr[16];              /* RAX RCX RDX RBX RSP RBP RSI RDI R8-R15 */
    uint64_t rip, rflags;
    struct cpu_segment seg[6];     /* ES CS SS DS FS GS */
    struct cpu_segment ldtr, tr;
    uint64_t gdt_base, idt_base;
    uint16_t gdt_limit, idt_limit;
    uint64_t cr0, cr2, cr3, cr4, cr8, efer, dr[8];
    uint64_t star, lstar, cstar, sfmask, kernel_gs_base;
    uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
    uint64_t tsc;
    uint8_t  cpl;
};
void cpu_get_regs(const struct cpu *, struct cpu_regs *);
void cpu_set_regs(struct cpu *, const struct cpu_regs *);    /* segment caches are taken as given */

/* The x87 in the FSAVE order: st[0] = ST(0). */
struct cpu_x87 {
    uint16_t control, status, tag;
    uint8_t st[8][10];
    uint64_t fip, fdp;
    uint16_t fcs, fds, fop;
};
void cpu_get_x87(const struct cpu *, struct cpu_x87 *);
void cpu_set_x87(struct cpu *, const struct cpu_x87 *);

/* XMM0-XMM15, least significant byte first. MMX registers are the x87's significands. */
struct cpu_sse { uint8_t xmm[16][16]; uint32_t mxcsr; };
void cpu_get_sse(const struct cpu *, struct cpu_sse *);
void cpu_set_sse(struct cpu *, const struct cpu_sse *);      /* drops unknown bits of MXCSR */

/* Linear to physical by the current page tables, no side effects. false: not mapped. */
bool cpu_translate(const struct cpu *, uint64_t laddr, uint64_t *paddr);

/* 64-bit hash of everything the guest can observe in the CPU. */
uint64_t cpu_hash(const struct cpu *, uint64_t seed);

/* Why the last shutdown (triple fault) happened, as text for a person; "" if none. */
const char *cpu_shutdown_reason(const struct cpu *);

/* A profile: counts handlers, traces, TLB misses, exits, interrupts, ports from now on. The guest
 * sees nothing of it. false: no memory. */
bool cpu_profile_start(struct cpu *);
struct cpu_profile_report {
    void (*line)(void *ctx, const char *text);
    const char *(*port_owner)(void *ctx, uint16_t port);     /* NULL: not known */
    void *ctx;
    unsigned handlers;                                       /* so many, the commonest; 0: all */
};
/* What was counted up to now; false: nothing is counted. */
bool cpu_profile_print(const struct cpu *, const struct cpu_profile_report *);

/* The models, their features and the names of features (vitro --cpu-models). */
void cpu_print_models(void (*line)(void *ctx, const char *text), void *ctx);

/* The opcode table as a manual (vitro --opcodes). */
void cpu_print_opcodes(void (*line)(void *ctx, const char *text), void *ctx);
