/* SPDX-License-Identifier: MIT
 * The processor's state. Private to cpu/.
 *
 * Two moments matter. *Between* instructions (in run.c) `rip` is exact and `insn` is NULL. *Inside*
 * a trace, `rip` is the address of the trace's first instruction and nothing per instruction is
 * stored; a handler that may fault, or may be looked at from outside, first sets c->insn = i, and
 * insn_rip() rebuilds what is needed from the record's offset.
 *
 * Faults: fault() and friends never return; they unwind to cpu_run(), so an instruction must not
 * change registers before its last possible fault.
 */
#pragma once
#include <setjmp.h>
#include "base/base.h"
#include "cpu/cpu.h"
#include "cpu/model.h"
#include "cpu/softfloat/f80.h"
#include "cpu/softfloat/ieee.h"

struct insn;

/* Behind the sixteen: what addresses need, so that they take no test. No base or no index is
 * a register that is 0; a RIP-relative base is the address of the trace, its displacement
 * counts from there (see trace.c), and the index REG_64K stands for 64 KiB of it when the
 * sum would not fit 32 bits. */
enum reg { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15,
           REG_ZERO, REG_RIP, REG_64K, REG_COUNT };
enum seg { ES, CS, SS, DS, FS, GS, SEG_COUNT };

/* EFLAGS (SDM vol. 1, 3.4.3) */
enum {
    FLAG_CF = 1 << 0, FLAG_1 = 1 << 1, FLAG_PF = 1 << 2, FLAG_AF = 1 << 4, FLAG_ZF = 1 << 6,
    FLAG_SF = 1 << 7, FLAG_TF = 1 << 8, FLAG_IF = 1 << 9, FLAG_DF = 1 << 10, FLAG_OF = 1 << 11,
    FLAG_IOPL = 3 << 12, FLAG_NT = 1 << 14, FLAG_RF = 1 << 16, FLAG_VM = 1 << 17, FLAG_AC = 1 << 18,
    FLAG_VIF = 1 << 19, FLAG_VIP = 1 << 20, FLAG_ID = 1 << 21,
    FLAGS_ARITH = FLAG_CF | FLAG_PF | FLAG_AF | FLAG_ZF | FLAG_SF | FLAG_OF,
};
enum {
    CR0_PE = 1 << 0, CR0_MP = 1 << 1, CR0_EM = 1 << 2, CR0_TS = 1 << 3, CR0_ET = 1 << 4,
    CR0_NE = 1 << 5, CR0_WP = 1 << 16, CR0_AM = 1 << 18, CR0_NW = 1 << 29, CR0_CD = 1 << 30,
};
#define CR0_PG (1u << 31)
enum {
    CR4_VME = 1 << 0, CR4_PVI = 1 << 1, CR4_TSD = 1 << 2, CR4_DE = 1 << 3, CR4_PSE = 1 << 4,
    CR4_PAE = 1 << 5, CR4_MCE = 1 << 6, CR4_PGE = 1 << 7, CR4_PCE = 1 << 8, CR4_OSFXSR = 1 << 9,
    CR4_OSXMMEXCPT = 1 << 10, CR4_UMIP = 1 << 11, CR4_FSGSBASE = 1 << 16, CR4_PCIDE = 1 << 17,
    CR4_OSXSAVE = 1 << 18, CR4_SMEP = 1 << 20, CR4_SMAP = 1 << 21,
};
enum { EFER_SCE = 1 << 0, EFER_LME = 1 << 8, EFER_LMA = 1 << 10, EFER_NXE = 1 << 11 };
enum vector {
    VEC_DE, VEC_DB, VEC_NMI, VEC_BP, VEC_OF, VEC_BR, VEC_UD, VEC_NM, VEC_DF, VEC_09, VEC_TS,
    VEC_NP, VEC_SS, VEC_GP, VEC_PF, VEC_0F, VEC_MF, VEC_AC, VEC_MC, VEC_XM,
};

/* ---- segments -------------------------------------------------------------------------------- */
/* access: see struct cpu_segment in cpu.h. */
enum {
    ACCESS_A = 1, ACCESS_RW = 2, ACCESS_DC = 4, ACCESS_CODE = 8, ACCESS_S = 0x10,
    ACCESS_DPL_SHIFT = 5, ACCESS_P = 0x80, ACCESS_L = 1 << 13, ACCESS_DB = 1 << 14,
    ACCESS_G = 1 << 15,
};
enum { SEG_READ = 1, SEG_WRITE = 2 };
enum { SEG_FLAT = 1,               /* base 0, limit 4 GiB, not expand-down */
       SEG_FLAT_DATA = 2,          /* ... for loads and stores */
       SEG_WORD = 4 };             /* base a multiple of 16, limit FFFFh, not expand-down,
                                      writable: an aligned operand at a 16-bit offset is inside */

struct segment {
    uint64_t base;
    uint64_t first, last;          /* valid offsets, inclusive; derived by segment_derive(); no end
                                      at limit 4 GiB */
    uint32_t limit;                /* bytes - 1, granularity applied */
    uint16_t selector, access;
    uint8_t  rights;               /* SEG_READ | SEG_WRITE: 0 = unusable (null selector); derived */
    uint8_t  flat;                 /* SEG_FLAT, SEG_FLAT_DATA, SEG_WORD; derived */
};

/* What descriptors make of segment registers, remembered: a pure function,
 * so it never gets stale. */
struct descriptor { uint32_t low, high; };
#define SEGMENT_MEMO 64u           /* the upper half: code */
struct segment_memo {
    struct descriptor from;
    struct segment made;
    uint8_t loads;                 /* bit n: ring n may load it as data, and no memory changes */
};

/* ---- translation look-aside buffer ----------------------------------------------------------- */
/* A tag is the page's linear address. A load or store hits when (laddr & (PAGE | size - 1)) == tag:
 * page, permission and alignment in one compare. TLB_SLOW in a tag: the translation is valid but
 * goes through memory_read()/memory_write() (MMIO, ROM, code, not yet dirty). */
#define TLB_SIZE  1024u
#define ITLB_SIZE 1024u
#define TLB_SLOW  0x800ull
#define TLB_NONE  0xFFFull         /* matches no address: all size bits set, and slow too */

struct tlb_entry {
    uint64_t  read, write;
    uintptr_t host;                /* host address of linear address 0, for this page */
    uint64_t  paddr;               /* page */
};
struct itlb_entry { uint64_t tag, paddr; };
/* Where page tables are in host memory; forgotten when the memory map changes. */
#define TABLE_PAGES 16u
struct table_page { uint64_t number; const uint8_t *host; };
/* Where branches without a direct link went: `tag` is the linear address ^
 * jump_tag of struct cpu. */
#define JUMPS     4096u
struct jump { uint64_t tag; const struct insn *trace; };
/* Which slots may hold something, so that no flush looks at others;
 * bit n of `words`: bits[n] is not 0. */
struct slots { uint64_t words, bits[TLB_SIZE / 64]; };
struct tlb_used { struct slots any, local; };  /* local: what is not global */
/* Whose accesses an entry is for. OPEN: supervisor's, while EFLAGS.AC lifts SMAP. Accesses to
 * descriptor tables and the like are SYSTEM's whatever CPL and AC are (SDM vol. 3, 4.6.1). */
enum tlb_set { SET_SYSTEM, SET_USER, SET_OPEN, TLB_SETS, ITLB_SETS = SET_OPEN };

/* Bits of the mode in which a trace was decoded. */
enum mode {
    MODE_CODE32 = 1,               /* CS.D */
    MODE_FLAT = 2,                 /* 32-bit code; CS, DS, ES, SS: base 0, limit 4 GiB; SS.B */
    MODE_LONG = 4,                 /* 64-bit mode */
    MODE_WORD = 16,                /* 16-bit code and stack; CS, DS, ES, SS as for SEG_WORD */
    MODE_PROT = 8,                 /* protected mode, not virtual-8086 */
};

/* ---- lazy flags ------------------------------------------------------------------------------ */
/* result: last result, sign-extended to 64 bits. carries: bit 31 carry out of the top bit, 30 carry
 * into it, 3 carry out of bit 3; bits 15-8 and 0 correct PF and SF when flags were loaded whole.
 *   CF = c31   OF = c31 ^ c30   AF = c3   ZF = result == 0   SF = result < 0 ^ c0
 *   PF = even parity of (result ^ c15..8) & FF */

struct x87 {
    struct f80 reg[8];             /* physical registers R0-R7 */
    struct f80_env env;            /* control word; flags: what the current instruction raised */
    uint16_t status;               /* without TOP: see top */
    uint8_t  used;                 /* bit n: Rn is not empty (the tag word of FXSAVE) */
    uint8_t  top;
    uint16_t opcode, fcs, fds;
    uint64_t fip, fdp;
    bool     ferr;                 /* FERR#: an unmasked exception waits and CR0.NE = 0 */
};

/* An MMX or XMM register in lanes; see LANE() in simd.h. Quadwords are in host order. */
union vec {
    uint8_t  u8[16];
    int8_t   i8[16];
    uint16_t u16[8];
    int16_t  i16[8];
    uint32_t u32[4];
    int32_t  i32[4];
    uint64_t u64[2];
    int64_t  i64[2];
};
struct sse {
    _Alignas(16) union vec xmm[16];
    struct ieee_env env;           /* MXCSR; flags: what the current instruction raised */
};

/* Interrupts are benign whatever their vector (SDM vol. 3, table 6-4). */
#define DELIVERING_EXTERNAL 256
/* What is being delivered: for double faults and the story of a triple fault. */
struct pending_fault {
    bool     active;
    uint8_t  vector;
    bool     has_error;
    uint32_t error;
    const char *why;               /* the check that failed, for a person; may be NULL */
};

enum { PMC_COUNT = 4, MTRR_VARIABLE = 8, MCE_BANKS = 4 };

struct cpu {
    union {
        uint64_t gpr[REG_COUNT];   /* [REG_ZERO] stays 0, [REG_64K] 65536 */
        struct { uint64_t general[REG_RIP], rip; };
    };
    int64_t  result;
    uint32_t carries;
    uint32_t flags;                /* EFLAGS without the six arithmetic bits; bit 1 set */
    int64_t  budget;               /* instructions up to `target`, traces are charged at entry */
    const struct insn *insn;
    struct tlb_entry *tlb;         /* the set of the current privilege */
    struct itlb_entry *itlb;
    struct jump *jumps;
    uint64_t jump_tag;             /* bits 48-55 mode, 56-63 generation: above any linear address */
    uint64_t stack_mask;           /* 0xFFFF, 0xFFFFFFFF, ~0 */
    struct segment seg[SEG_COUNT];
    struct segment ldtr, tr;

    uint64_t target;               /* ticks = target - budget (- what the trace has not retired) */
    uint64_t until;
    uint64_t skipped;              /* ticks that passed while halted */
    uint8_t  mode, cpl, tlb_set;
    bool     halted, shutdown;
    bool     stop_requested;
    bool     attend;               /* attention() was called: budget < 0 until the run loop looks */
    bool     frozen;               /* halted before an x87 instruction, until FERR# is answered */
    bool     line_intr, line_nmi, nmi_latched, nmi_blocked, line_reset, line_ignne, a20;
    uint64_t shadow_tick;          /* no interrupts when ticks == this (after STI, MOV SS) */
    bool     shadow_ss;            /* the shadow also holds debug exceptions (MOV SS, POP SS) */

    uint64_t cr0, cr2, cr3, cr4, cr8, efer, xcr0;
    uint64_t dr[8];
    struct { uint64_t base; uint16_t limit; } gdt, idt;
    uint64_t tsc_offset;           /* TSC = ticks + tsc_offset */
    struct { uint64_t sysenter_cs, sysenter_esp, sysenter_eip, apic_base, pat, misc_enable;
             uint64_t star, lstar, cstar, sfmask, kernel_gs_base, tsc_aux;
             uint64_t pmc[PMC_COUNT], pmc_select[PMC_COUNT];
             uint64_t syscfg, hwcr, k6[5], mce_ctl[MCE_BANKS];
             uint64_t mtrr_default, mtrr_fixed[11], mtrr_variable[2 * MTRR_VARIABLE]; } msr;
    struct x87 x87;
    struct sse sse;
    uint64_t pdpte[4];             /* PAE: loaded with CR3 */

    struct pending_fault fault;    /* raised by an instruction, not yet delivered */
    int      delivering;           /* exception, or DELIVERING_EXTERNAL + vector; -1: none */
    struct pending_fault chain[2]; /* the last fault and the one it led to: for the story */
    char     story[512];           /* why the last shutdown happened */
    jmp_buf  unwind;

    const struct cpu_model *model; /* made_model, but tests may use another */
    struct cpu_model made_model;
    struct memory *memory;
    struct cpu_bus bus;
    struct { void (*changed)(void *, enum cpu_pin, bool); void *ctx; bool level[2]; } pin;
    struct log    *log;

    bool     profiling;            /* see profile.h */
    bool     single_step;          /* TF was set when the current instruction began */
    uint32_t trap;                 /* DR6 bits of the trap that waits for the instruction's end */
    bool     in_port;              /* a port is being accessed */
    struct {                       /* SMM (smm.c); io_...: before the I/O that caused an SMI */
        bool     active, latched, line;
        uint64_t base, io_tick, io_rip, io_rcx, io_rsi, io_rdi;
    } smm;
    struct { uint8_t code, load, store, io; } watch;   /* bit n: DRn is such a breakpoint */
    bool     large_any;            /* large[] is not all 0 */
    uint64_t large[64];            /* which large pages the TLB has pieces of, hashed (tlb.c) */

    bool     flush_traces;         /* the memory map changed */
    struct insn *dying;            /* dead trace that is still running */
    const struct insn *link_from;  /* branch record that wants a direct link to the next trace */
    struct traces *traces;
    struct tlb_entry  tlb_sets[TLB_SETS][TLB_SIZE];
    struct itlb_entry itlb_sets[ITLB_SETS][ITLB_SIZE];
    struct tlb_used   tlb_used[TLB_SETS];
    struct table_page table_pages[TABLE_PAGES];
    struct slots itlb_used[ITLB_SETS];
    struct jump jump_sets[ITLB_SETS][JUMPS];
    struct segment_memo memo[SEGMENT_MEMO];
    struct cpu_profile *profile;   /* NULL: none */
};

/* ---- flags ----------------------------------------------------------------------------------- */
static inline bool flag_cf(const struct cpu *c) { return c->carries >> 31; }
static inline bool flag_of(const struct cpu *c) { return (c->carries ^ c->carries << 1) >> 31; }
static inline bool flag_af(const struct cpu *c) { return c->carries >> 3 & 1; }
static inline bool flag_zf(const struct cpu *c) { return c->result == 0; }
static inline bool flag_sf(const struct cpu *c)
{
    return ((uint64_t)c->result >> 63 ^ c->carries) & 1;
}
static inline bool flag_pf(const struct cpu *c)
{
    return !__builtin_parity(((uint32_t)c->result ^ c->carries >> 8) & 0xFF);
}

static inline uint32_t flags_get(const struct cpu *c)
{
    return c->flags | (uint32_t)flag_cf(c) | (uint32_t)flag_pf(c) << 2 | (uint32_t)flag_af(c) << 4 |
           (uint32_t)flag_zf(c) << 6 | (uint32_t)flag_sf(c) << 7 | (uint32_t)flag_of(c) << 11;
}

/* Sets the six arithmetic flags from an EFLAGS image. */
static inline void flags_set_arith(struct cpu *c, uint32_t f)
{
    bool zf = f & FLAG_ZF, sf = f & FLAG_SF, pf = f & FLAG_PF, cf = f & FLAG_CF, of = f & FLAG_OF;
    c->result = !zf;                                   /* 0: even parity; 1: odd */
    c->carries = (uint32_t)cf << 31 | (uint32_t)(cf ^ of) << 30 | (uint32_t)(pf != zf) << 8 |
                 (f & FLAG_AF ? 8u : 0) | (uint32_t)sf;
}

static inline enum tlb_set supervisor_set(const struct cpu *c)
{
    return c->cr4 & CR4_SMAP && c->flags & FLAG_AC ? SET_OPEN : SET_SYSTEM;
}
/* The TLB set of data accesses follows CPL, AC and CR4.SMAP. */
static inline void tlb_choose(struct cpu *c)
{
    c->tlb_set = c->cpl == 3 ? SET_USER : supervisor_set(c);
    c->tlb = c->tlb_sets[c->tlb_set];
}

/* Replaces the bits in mask; callers re-derive what IF, TF, VM, AC decide (see flags_changed()). */
static inline void flags_set(struct cpu *c, uint32_t value, uint32_t mask)
{
    if ((mask & FLAGS_ARITH) == FLAGS_ARITH)
        flags_set_arith(c, value);
    else if (mask & FLAGS_ARITH)
        flags_set_arith(c, (flags_get(c) & ~mask) | (value & mask));
    mask &= ~(uint32_t)FLAGS_ARITH;
    c->flags = (c->flags & ~mask) | (value & mask) | FLAG_1;
    if (mask & FLAG_AC) tlb_choose(c);
}

static inline unsigned iopl(const struct cpu *c) { return c->flags >> 12 & 3; }
static inline bool is_protected(const struct cpu *c) { return c->cr0 & CR0_PE; }
static inline bool is_vm86(const struct cpu *c) { return c->flags & FLAG_VM; }
/* Long mode: 64-bit and compatibility mode. In 64-bit mode c->mode has MODE_LONG. */
static inline bool is_long(const struct cpu *c) { return c->efer & EFER_LMA; }
/* Segment loads by selector * 16: real mode and virtual-8086 mode. */
static inline bool is_real_like(const struct cpu *c) { return !is_protected(c) || is_vm86(c); }

/* ---- faults (fault.c): never return; c->insn says where -------------------------------------- */
_Noreturn void fault(struct cpu *, enum vector);                       /* without error code */
_Noreturn void fault_error(struct cpu *, enum vector, uint32_t error);
_Noreturn void fault_page(struct cpu *, uint64_t laddr, uint32_t error);
/* A limit or rights violation at seg:offset: #SS(0) for SS, #GP(0) else. */
_Noreturn void fault_segment(struct cpu *, enum seg);

/* Nothing happened: back to the run loop, in front of the current instruction. */
_Noreturn void give_up(struct cpu *);
/* Drives an output. */
void pin_set(struct cpu *, enum cpu_pin, bool level);

/* ---- memory (mem.h has the inline parts) ----------------------------------------------------- */
void tlb_flush(struct cpu *, bool keep_global);       /* MOV CR3 keeps global pages when CR4.PGE */
void tlb_flush_page(struct cpu *, uint64_t laddr);    /* INVLPG */
/* Re-derives tlb set, trace mode and stack mask from CS, SS, DS, ES, CPL, CR0, EFER. Call after any
 * change of segments, CPL or mode; cheap. */
void mode_changed(struct cpu *);
/* Makes the run loop look for events before the next instruction. Call when there may be one that
 * nobody has asked attention for: a line, a debug register. */
void attention(struct cpu *);
/* The same after IF, TF or RF may have been set, or NMI unblocked: only if
 * something waits for that. */
static inline void flags_loaded(struct cpu *c)
{
    if (unlikely(c->flags & (FLAG_TF | FLAG_RF) || c->nmi_latched ||
                 (c->line_intr && c->flags & FLAG_IF)))
        attention(c);
}
void segment_derive(struct segment *);              /* first, last, rights from access and limit */

/* ---- protection (segment.c, far.c, interrupt.c, task.c) -------------------------------------- */
/* Loads a data segment register or SS, DS, ES, FS, GS with all checks of the current mode. */
void segment_load(struct cpu *, enum seg, uint16_t selector);
/* Real-mode and vm86 style: base = selector * 16; keeps limit/rights as the mode demands. */
void segment_load_real(struct cpu *, enum seg, uint16_t selector);

enum far_kind { FAR_JUMP, FAR_CALL };
/* JMP/CALL ptr16:16/32 in every mode; size is the operand size (2 or 4); next_rip is pushed by
 * CALL. On return rip, CS, ... are set and mode_changed() was called. */
void far_transfer(struct cpu *, enum far_kind, uint16_t selector, uint64_t offset, unsigned size,
                  uint64_t next_rip);
void far_return(struct cpu *, unsigned size, unsigned pop_bytes);   /* RETF */
void interrupt_return(struct cpu *, unsigned size);                 /* IRET */

enum int_kind { INT_EXTERNAL, INT_SOFTWARE, INT_BREAKPOINT /* INT3, INTO, INT1 */, INT_FAULT };
/* Delivers a vector in any mode; return_rip is what is pushed. May fault. */
void interrupt_deliver(struct cpu *, uint8_t vector, enum int_kind, bool has_error, uint32_t error,
                       uint64_t return_rip);
/* From the run loop: delivers c->fault with the double- and triple-fault rules. c->rip is exact. */
void fault_deliver(struct cpu *);

enum task_kind { TASK_JUMP, TASK_CALL, TASK_IRET, TASK_INT };
void task_switch(struct cpu *, uint16_t selector, struct descriptor, enum task_kind,
                 uint64_t next_rip, bool has_error, uint32_t error);

/* TSS I/O permission (SDM vol. 1, 19.5): #GP(0) unless allowed. size in bytes. */
void io_check(struct cpu *, uint16_t port, unsigned size);

/* ---- control (system.c, cpuid.c, msr.c) ------------------------------------------------------ */
void cr0_write(struct cpu *, uint64_t value);
void cr3_write(struct cpu *, uint64_t value);
void cr4_write(struct cpu *, uint64_t value);
void pdptes_load(struct cpu *, uint64_t cr3);   /* PAE without long mode; #GP on reserved bits */
