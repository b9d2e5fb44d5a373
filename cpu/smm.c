/* SPDX-License-Identifier: MIT
 * System management mode: SMI and RSM.
 * SDM vol. 3, chapter 34 (34.4 SMRAM, table 34-1; 34.5 state on entry; 34.10 auto HALT restart;
 * 34.12 I/O restart); AMD64 Architecture Programmer's Manual, vol. 2 (24593), 10.2, table 10-1.
 *
 * The state is saved at SMBASE + FE00h. Models without long mode have the map of the P6 family,
 * models with it that of AMD64 (Intel's own 64-bit map is read by no firmware that runs here; the
 * revision tells them apart). What the maps leave reserved keeps the rest: hidden parts of segment
 * registers and CR4 on the P6; on both the debug traps that wait, NMI blocking, and the registers
 * before an I/O instruction.
 *
 * Not implemented: the I/O state field (what port was accessed); SMRR, SMM transfer monitor.
 */
#include "cpu/debug.h"
#include "cpu/families.h"
#include "cpu/smm.h"
#include "cpu/walk.h"

enum { SEGMENTS = 8, SEG_LDTR = 6, SEG_TR = 7 };
enum { SAVE_AREA = 0x8000, ENTRY = 0x8000, IO_RESTART = 0xFF };

/* Everything that is saved, as words. */
enum word {
    W_GPR, W_RIP = W_GPR + 16, W_RFLAGS, W_CR0, W_CR3, W_CR4, W_DR6, W_DR7, W_EFER,
    W_GDT_BASE, W_GDT_LIMIT, W_IDT_BASE, W_IDT_LIMIT,
    W_SELECTOR, W_ACCESS = W_SELECTOR + SEGMENTS,
    W_LIMIT = W_ACCESS + SEGMENTS, W_BASE = W_LIMIT + SEGMENTS,
    W_REVISION = W_BASE + SEGMENTS, W_SMBASE, W_HALTED, W_IO_RESTART,
    W_IO_RIP, W_IO_RCX, W_IO_RSI, W_IO_RDI, W_TRAP, W_NMI_BLOCKED, WORDS,
};
struct image { uint64_t word[WORDS]; };

/* Where: offset from SMBASE + 8000h, bytes (0: not saved). */
struct place { uint16_t at; uint8_t size; };
#define EIGHT(w, f, s, z)                                                                     \
    [(w)] = { (f), z }, [(w) + 1] = { (f) + (s), z }, [(w) + 2] = { (f) + 2 * (s), z },       \
    [(w) + 3] = { (f) + 3 * (s), z }, [(w) + 4] = { (f) + 4 * (s), z },                       \
    [(w) + 5] = { (f) + 5 * (s), z }, [(w) + 6] = { (f) + 6 * (s), z },                       \
    [(w) + 7] = { (f) + 7 * (s), z }

static const struct place layout_p6[WORDS] = {
    EIGHT(W_GPR, 0x7FD0, 4, 4),
    [W_RIP] = { 0x7FF0, 4 }, [W_RFLAGS] = { 0x7FF4, 4 }, [W_CR3] = { 0x7FF8, 4 },
    [W_CR0] = { 0x7FFC, 4 },
    [W_DR6] = { 0x7FCC, 4 }, [W_DR7] = { 0x7FC8, 4 },
    EIGHT(W_SELECTOR, 0x7FA8, 4, 2),       /* ES CS SS DS FS GS, LDTR at 7FC0, TR at 7FC4 */
    [W_HALTED] = { 0x7F02, 2 }, [W_IO_RESTART] = { 0x7F00, 2 },
    [W_REVISION] = { 0x7EFC, 4 }, [W_SMBASE] = { 0x7EF8, 4 },
    /* reserved there */
    EIGHT(W_ACCESS, 0x7E00, 4, 2), EIGHT(W_LIMIT, 0x7E20, 4, 4), EIGHT(W_BASE, 0x7E40, 4, 4),
    [W_GDT_BASE] = { 0x7E60, 4 }, [W_GDT_LIMIT] = { 0x7E64, 2 }, [W_IDT_BASE] = { 0x7E68, 4 },
    [W_IDT_LIMIT] = { 0x7E6C, 2 }, [W_CR4] = { 0x7E70, 4 }, [W_TRAP] = { 0x7E74, 4 },
    [W_NMI_BLOCKED] = { 0x7E78, 4 }, [W_IO_RIP] = { 0x7E7C, 4 }, [W_IO_RCX] = { 0x7E80, 4 },
    [W_IO_RSI] = { 0x7E84, 4 }, [W_IO_RDI] = { 0x7E88, 4 },
};

static const struct place layout_amd64[WORDS] = {
    [W_GPR + RAX] = { 0x7FF8, 8 }, [W_GPR + RCX] = { 0x7FF0, 8 }, [W_GPR + RDX] = { 0x7FE8, 8 },
    [W_GPR + RBX] = { 0x7FE0, 8 }, [W_GPR + RSP] = { 0x7FD8, 8 }, [W_GPR + RBP] = { 0x7FD0, 8 },
    [W_GPR + RSI] = { 0x7FC8, 8 }, [W_GPR + RDI] = { 0x7FC0, 8 },
    EIGHT(W_GPR + R8, 0x7FB8, -8, 8),
    [W_RIP] = { 0x7F78, 8 }, [W_RFLAGS] = { 0x7F70, 8 }, [W_DR6] = { 0x7F68, 8 },
    [W_DR7] = { 0x7F60, 8 }, [W_CR0] = { 0x7F58, 8 }, [W_CR3] = { 0x7F50, 8 },
    [W_CR4] = { 0x7F48, 8 }, [W_EFER] = { 0x7ED0, 8 },
    [W_SMBASE] = { 0x7F00, 4 }, [W_REVISION] = { 0x7EFC, 4 }, [W_HALTED] = { 0x7EC9, 1 },
    [W_IO_RESTART] = { 0x7EC8, 1 }, [W_NMI_BLOCKED] = { 0x7ECA, 1 },
    [W_IO_RIP] = { 0x7EA0, 8 }, [W_IO_RCX] = { 0x7EA8, 8 }, [W_IO_RSI] = { 0x7EB0, 8 },
    [W_IO_RDI] = { 0x7EB8, 8 },
    /* ES CS SS DS FS GS in a row of 16 bytes each; GDTR, LDTR, IDTR, TR follow */
#define SEGMENT(n, f) [W_SELECTOR + (n)] = { (f), 2 }, [W_ACCESS + (n)] = { (f) + 2, 2 }, \
                      [W_LIMIT + (n)] = { (f) + 4, 4 }, [W_BASE + (n)] = { (f) + 8, 8 }
    SEGMENT(ES, 0x7E00), SEGMENT(CS, 0x7E10), SEGMENT(SS, 0x7E20), SEGMENT(DS, 0x7E30),
    SEGMENT(FS, 0x7E40), SEGMENT(GS, 0x7E50), SEGMENT(SEG_LDTR, 0x7E70), SEGMENT(SEG_TR, 0x7E90),
    [W_GDT_LIMIT] = { 0x7E64, 2 }, [W_GDT_BASE] = { 0x7E68, 8 },
    [W_IDT_LIMIT] = { 0x7E84, 2 }, [W_IDT_BASE] = { 0x7E88, 8 },
    [W_TRAP] = { 0x7F04, 4 },                          /* reserved there */
};

static bool is_wide(const struct cpu *c) { return has(c, FEAT_LM); }
static const struct place *layout_of(const struct cpu *c)
{
    return is_wide(c) ? layout_amd64 : layout_p6;
}
static uint32_t revision(const struct cpu *c) { return is_wide(c) ? 0x30064 : 0x30000; }

/* ---- SMRAM ----------------------------------------------------------------------------------- */
static uint64_t save_area(const struct cpu *c, unsigned offset)
{
    return (uint32_t)(c->smm.base + SAVE_AREA + offset);
}

static void write_image(struct cpu *c, const struct image *m)
{
    const struct place *p = layout_of(c);
    for (unsigned n = 0; n < WORDS; n++)
        for (unsigned k = 0; k < p[n].size; k++)
            memory_write(c->memory, save_area(c, p[n].at + k), m->word[n] >> 8 * k & 0xFF, BYTE);
}

static void read_image(struct cpu *c, struct image *m)
{
    const struct place *p = layout_of(c);
    memset(m, 0, sizeof *m);
    for (unsigned n = 0; n < WORDS; n++)
        for (unsigned k = 0; k < p[n].size; k++)
            m->word[n] |= memory_read(c->memory, save_area(c, p[n].at + k), BYTE) << 8 * k;
}

/* ---- what the words are ---------------------------------------------------------------------- */
static struct segment *segment_at(struct cpu *c, unsigned n)
{
    return n == SEG_LDTR ? &c->ldtr : n == SEG_TR ? &c->tr : &c->seg[n];
}

/* AMD64 keeps AVL, L, D and G next to the access byte (24593, 10.2.3). */
static uint64_t access_to_image(unsigned access) { return (access & 0xFF) | access >> 12 << 8; }
static uint16_t access_from_image(uint64_t word)
{
    return (uint16_t)((word & 0xFF) | (word >> 8 & 15) << 12);
}

static void save_segments(struct cpu *c, struct image *m)
{
    for (unsigned n = 0; n < SEGMENTS; n++) {
        const struct segment *s = segment_at(c, n);
        m->word[W_SELECTOR + n] = s->selector;
        m->word[W_ACCESS + n] = access_to_image(s->access);
        m->word[W_LIMIT + n] = s->limit;
        m->word[W_BASE + n] = s->base;
    }
    m->word[W_GDT_BASE] = c->gdt.base;
    m->word[W_GDT_LIMIT] = c->gdt.limit;
    m->word[W_IDT_BASE] = c->idt.base;
    m->word[W_IDT_LIMIT] = c->idt.limit;
}

static void save(struct cpu *c, struct image *m)
{
    bool io = c->smm.io_tick == cpu_ticks(c);
    memset(m, 0, sizeof *m);
    for (unsigned n = 0; n < 16; n++) m->word[W_GPR + n] = c->gpr[n];
    save_segments(c, m);
    m->word[W_RIP] = c->rip;
    m->word[W_RFLAGS] = flags_get(c);
    m->word[W_CR0] = c->cr0;
    m->word[W_CR3] = c->cr3;
    m->word[W_CR4] = c->cr4;
    m->word[W_DR6] = c->dr[6];
    m->word[W_DR7] = c->dr[7];
    m->word[W_EFER] = c->efer;
    m->word[W_REVISION] = revision(c);
    m->word[W_SMBASE] = c->smm.base;
    m->word[W_HALTED] = c->halted && !c->frozen;
    m->word[W_TRAP] = c->trap;
    m->word[W_NMI_BLOCKED] = c->nmi_blocked;
    m->word[W_IO_RIP] = io ? c->smm.io_rip : c->rip;
    m->word[W_IO_RCX] = io ? c->smm.io_rcx : c->gpr[RCX];
    m->word[W_IO_RSI] = io ? c->smm.io_rsi : c->gpr[RSI];
    m->word[W_IO_RDI] = io ? c->smm.io_rdi : c->gpr[RDI];
}

/* ---- SMI ------------------------------------------------------------------------------------- */
void smm_request(struct cpu *c)
{
    c->smm.latched = true;
    if (!c->in_port || !c->insn) return;
    c->smm.io_tick = cpu_ticks(c) + 1;
    c->smm.io_rip = insn_rip(c, c->insn);
    c->smm.io_rcx = c->gpr[RCX];
    c->smm.io_rsi = c->gpr[RSI];
    c->smm.io_rdi = c->gpr[RDI];
}

/* SDM vol. 3, table 34-4: as real mode, but for limits of 4 GiB. */
static void enter_segments(struct cpu *c)
{
    for (unsigned n = 0; n < SEG_COUNT; n++) {
        c->seg[n] = (struct segment){ .limit = 0xFFFFFFFF, .access = 0x93 | ACCESS_G };
        segment_derive(&c->seg[n]);
    }
    c->seg[CS].selector = (uint16_t)(c->smm.base >> 4);
    c->seg[CS].base = c->smm.base;
    segment_derive(&c->seg[CS]);
}

void smm_enter(struct cpu *c)
{
    struct image m;
    save(c, &m);
    pin_set(c, CPU_SMIACT, true);
    write_image(c, &m);
    c->trap = 0;
    c->smm.latched = false;
    c->smm.active = c->nmi_blocked = true;
    c->halted = c->frozen = false;
    enter_segments(c);
    c->rip = ENTRY;
    c->cpl = 0;
    flags_set(c, 0, ~0u);
    c->cr0 &= ~(uint64_t)(CR0_PE | CR0_EM | CR0_TS | CR0_PG);
    c->cr4 = c->efer = 0;
    c->dr[7] = DR7_ONES;
    c->shadow_tick = ~0ull;
    c->link_from = NULL;
    debug_changed(c);
    tlb_flush(c, false);
    mode_changed(c);
    attention(c);
}

void smm_reset(struct cpu *c, bool power_on)
{
    c->smm.active = c->smm.latched = false;
    c->smm.io_tick = ~0ull;
    if (power_on) c->smm.base = 0x30000;
    pin_set(c, CPU_SMIACT, false);
}

/* ---- RSM ------------------------------------------------------------------------------------- */
/* What cannot be a state of the processor shuts it down (SDM vol. 3, 34.8.2). */
static const char *check_image(const struct cpu *c, const struct image *m)
{
    uint64_t cr0 = m->word[W_CR0], cr4 = m->word[W_CR4], efer = m->word[W_EFER];
    bool pages_real = cr0 & CR0_PG && !(cr0 & CR0_PE), long_mode = cr0 & CR0_PG && efer & EFER_LME;
    if (pages_real || (cr0 & CR0_NW && !(cr0 & CR0_CD))) return "CR0 in SMRAM";
    if (cr0 >> 32 || cr4 & ~cr4_known(c)) return "reserved bits of CR0 or CR4 in SMRAM";
    if (efer & ~(efer_known(c) | EFER_LMA)) return "reserved bits of EFER in SMRAM";
    if (long_mode && !(cr4 & CR4_PAE)) return "long mode without PAE in SMRAM";
    return NULL;
}

static uint64_t canonical(uint64_t laddr) { return (uint64_t)((int64_t)(laddr << 16) >> 16); }

static void load_segments(struct cpu *c, const struct image *m)
{
    for (unsigned n = 0; n < SEGMENTS; n++) {
        struct segment *s = segment_at(c, n);
        *s = (struct segment){ .selector = (uint16_t)m->word[W_SELECTOR + n],
                               .access = access_from_image(m->word[W_ACCESS + n]),
                               .limit = (uint32_t)m->word[W_LIMIT + n],
                               .base = canonical(m->word[W_BASE + n]) };
        segment_derive(s);
    }
    c->gdt.base = canonical(m->word[W_GDT_BASE]);
    c->gdt.limit = (uint16_t)m->word[W_GDT_LIMIT];
    c->idt.base = canonical(m->word[W_IDT_BASE]);
    c->idt.limit = (uint16_t)m->word[W_IDT_LIMIT];
}

static void load_control(struct cpu *c, const struct image *m)
{
    c->cr0 = (m->word[W_CR0] & cr0_known(c)) | CR0_ET;
    c->cr3 = m->word[W_CR3] & paddr_mask(c);
    c->cr4 = m->word[W_CR4];
    c->efer = m->word[W_EFER] & ~(uint64_t)EFER_LMA;
    if (c->cr0 & CR0_PG && c->efer & EFER_LME) c->efer |= EFER_LMA;
    c->dr[6] = dr6_value(m->word[W_DR6]);
    c->dr[7] = dr7_value(m->word[W_DR7]);
    flags_set(c, (uint32_t)m->word[W_RFLAGS], flags_known(c));
    if (is_long(c)) flags_set(c, 0, FLAG_VM);
    c->cpl = !is_protected(c) ? 0 : is_vm86(c) ? 3 : m->word[W_SELECTOR + CS] & 3;
}

static void load(struct cpu *c, const struct image *m)
{
    for (unsigned n = 0; n < 16; n++) c->gpr[n] = m->word[W_GPR + n];
    load_segments(c, m);
    load_control(c, m);
    c->rip = m->word[W_RIP];
    if ((m->word[W_IO_RESTART] & 0xFF) == IO_RESTART) {
        c->rip = m->word[W_IO_RIP];
        c->gpr[RCX] = m->word[W_IO_RCX];
        c->gpr[RSI] = m->word[W_IO_RSI];
        c->gpr[RDI] = m->word[W_IO_RDI];
    }
    c->smm.base = (uint32_t)m->word[W_SMBASE];
    c->halted = m->word[W_HALTED] & 1;
    c->nmi_blocked = m->word[W_NMI_BLOCKED] & 1;
    c->trap = m->word[W_TRAP] & DR6_TRAPS;
}

static void resume(struct cpu *c)
{
    struct image m;
    read_image(c, &m);
    const char *why = check_image(c, &m);
    if (why) {
        shut_down_by(c, "RSM", why);
        return;
    }
    load(c, &m);
    c->smm.active = false;
    pin_set(c, CPU_SMIACT, false);
    if (c->cr0 & CR0_PG && c->cr4 & CR4_PAE && !is_long(c)) pdptes_read(c, c->cr3, c->pdpte);
    tlb_flush(c, false);
    debug_changed(c);
    mode_changed(c);
    if (!(c->mode & MODE_LONG)) c->rip = (uint32_t)c->rip;
    attention(c);
}

EXEC rsm(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    if (!c->smm.active) fault(c, VEC_UD);
    resume(c);
    return leave_to(c, i, c->rip);
}
const struct family family_rsm = ONE(rsm);
