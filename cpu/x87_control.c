/* SPDX-License-Identifier: MIT
 * The x87: control and status words, environment, whole state.
 * Data sheet: Intel SDM vol. 1, 8.1.8-8.1.10 and figures 8-9 to 8-12; vol. 2, FLDCW ... FSTENV.
 *
 * The environment is seven words of the operand size: control, status, tags, and two pointers:
 *
 *    protected mode         +3 FIP          +4 FCS, opcode << 16     +5 FDP          +6 FDS
 *    real and vm86 mode     +3 FIP 15-0     +4 FIP 31-16 << 12 | opcode   +5 FDP 15-0   +6 FDP
 * 31-16 << 12
 *
 * with 32-bit words; 16-bit words hold FIP, FCS, FDP, FDS, or the low 20 bits of linear addresses.
 */
#include "cpu/x87.h"

/* ---- words ----------------------------------------------------------------------------------- */
static inline void x87_fldcw(struct cpu *c, const struct insn *i)
{
    x87_set_control(&c->x87, (uint16_t)insn_load(c, i, 2));
    x87_drive_ferr(c);
}
static inline void x87_fnstcw(struct cpu *c, const struct insn *i)
{
    insn_store(c, i, c->x87.env.control, 2);
}
static inline void x87_fnstsw(struct cpu *c, const struct insn *i)
{
    insn_store(c, i, x87_status(&c->x87), 2);
}
static inline void x87_fnstsw_ax(struct cpu *c, const struct insn *i)
{
    (void)i;
    reg16_set(c, RAX, x87_status(&c->x87));
}
static inline void x87_fnclex(struct cpu *c, const struct insn *i)
{
    (void)i;
    c->x87.status &= X87_CONDITIONS | X87_C1;
    c->x87.ferr = false;
    x87_drive_ferr(c);
}
static inline void x87_fninit(struct cpu *c, const struct insn *i)
{
    (void)i;
    x87_init(&c->x87);
    x87_drive_ferr(c);
}
/* FENI, FDISI of the 8087 and FSETPM of the 80287 do nothing since the 80387. */
static inline void x87_fnnop(struct cpu *c, const struct insn *i)
{
    (void)c;
    (void)i;
}

/* ---- environment ----------------------------------------------------------------------------- */
enum { ENV_CONTROL, ENV_STATUS, ENV_TAGS, ENV_FIP, ENV_FCS, ENV_FDP, ENV_FDS, ENV_WORDS };

static unsigned word_size(const struct insn *i) { return insn_opsize(i) == 2 ? 2 : 4; }

static void env_get(const struct cpu *c, uint32_t w[ENV_WORDS], bool wide)
{
    const struct x87 *f = &c->x87;
    uint32_t reserved = 0xFFFF0000u; /* upper halves, as the hardware leaves them */
    w[ENV_CONTROL] = reserved | f->env.control;
    w[ENV_STATUS] = reserved | x87_status(f);
    w[ENV_TAGS] = reserved | x87_tags(f);
    if (is_real_like(c)) {
        uint32_t fip = (uint32_t)f->fip + ((uint32_t)f->fcs << 4);
        uint32_t fdp = (uint32_t)f->fdp + ((uint32_t)f->fds << 4);
        w[ENV_FIP] = reserved | (fip & 0xFFFF);
        w[ENV_FCS] = (wide ? fip >> 16 : fip >> 16 & 0xF) << 12 | f->opcode;
        w[ENV_FDP] = reserved | (fdp & 0xFFFF);
        w[ENV_FDS] = (wide ? fdp >> 16 : fdp >> 16 & 0xF) << 12;
    } else {
        w[ENV_FIP] = (uint32_t)f->fip;
        w[ENV_FCS] = (uint32_t)f->opcode << 16 | f->fcs;
        w[ENV_FDP] = (uint32_t)f->fdp;
        w[ENV_FDS] = reserved | f->fds;
    }
}

static void env_set(struct cpu *c, const uint32_t w[ENV_WORDS], bool wide)
{
    struct x87 *f = &c->x87;
    x87_set_status(f, (uint16_t)w[ENV_STATUS]);
    x87_set_control(f, (uint16_t)w[ENV_CONTROL]);
    x87_set_tags(f, (uint16_t)w[ENV_TAGS]);
    if (is_real_like(c)) { /* linear addresses: as if the segments were 0 */
        f->fip = (w[ENV_FIP] & 0xFFFF) | (w[ENV_FCS] >> 12 & 0xFFFF) << 16;
        f->fdp = (w[ENV_FDP] & 0xFFFF) | (w[ENV_FDS] >> 12 & 0xFFFF) << 16;
        f->fcs = f->fds = 0;
        f->opcode = w[ENV_FCS] & 0x7FF;
    } else {
        f->fip = w[ENV_FIP];
        f->fdp = w[ENV_FDP];
        f->fcs = (uint16_t)w[ENV_FCS];
        f->fds = (uint16_t)w[ENV_FDS];
        f->opcode = wide ? w[ENV_FCS] >> 16 & 0x7FF : 0;
    }
}

/* Checks the whole operand before a byte of it is written. */
static uint64_t operand_for_store(struct cpu *c, const struct insn *i, unsigned bytes)
{
    unsigned set = c->tlb_set;
    uint64_t laddr = seg_laddr(c, i->seg, insn_ea(c, i), bytes, SEG_WRITE);
    mem_probe_store(c, laddr, 1, set);
    mem_probe_store(c, laddr_wrap(c, laddr + bytes - 1), 1, set);
    return laddr;
}

static void env_store(struct cpu *c, const struct insn *i, uint64_t laddr)
{
    uint32_t w[ENV_WORDS];
    unsigned size = word_size(i);
    env_get(c, w, size == 4);
    for (unsigned n = 0; n < ENV_WORDS; n++)
        lin_store(c, laddr_wrap(c, laddr + n * size), w[n], size);
}

static void env_load(struct cpu *c, const struct insn *i, uint64_t laddr, uint32_t w[ENV_WORDS])
{
    unsigned size = word_size(i);
    for (unsigned n = 0; n < ENV_WORDS; n++)
        w[n] = (uint32_t)lin_load(c, laddr_wrap(c, laddr + n * size), size);
}

X87_APART x87_fnstenv(struct cpu *c, const struct insn *i)
{
    env_store(c, i, operand_for_store(c, i, ENV_WORDS * word_size(i)));
    x87_set_control(&c->x87, c->x87.env.control | X87_EXCEPTIONS);
    x87_drive_ferr(c);
}

X87_APART x87_fldenv(struct cpu *c, const struct insn *i)
{
    uint32_t w[ENV_WORDS];
    env_load(c, i, seg_laddr(c, i->seg, insn_ea(c, i), ENV_WORDS * word_size(i), SEG_READ), w);
    env_set(c, w, word_size(i) == 4);
    x87_drive_ferr(c);
}

/* ---- whole state: environment, then ST(0) to ST(7) ------------------------------------------- */
/* Numbers lie here at any even address: alignment checks are for the area
 * (SDM vol. 3, table 6-7). */
static uint64_t significand_load(struct cpu *c, uint64_t laddr)
{
    uint64_t m = 0;
    if (likely(!(c->flags & FLAG_AC))) return lin_load(c, laddr, 8);
    for (unsigned n = 0; n < 8; n += 2) m |= lin_load(c, laddr_wrap(c, laddr + n), 2) << 8 * n;
    return m;
}
static void significand_store(struct cpu *c, uint64_t laddr, uint64_t m)
{
    if (likely(!(c->flags & FLAG_AC))) {
        lin_store(c, laddr, m, 8);
        return;
    }
    for (unsigned n = 0; n < 8; n += 2)
        lin_store(c, laddr_wrap(c, laddr + n), m >> 8 * n & 0xFFFF, 2);
}

X87_APART x87_fnsave(struct cpu *c, const struct insn *i)
{
    unsigned env = ENV_WORDS * word_size(i);
    uint64_t laddr = operand_for_store(c, i, env + 80);
    env_store(c, i, laddr);
    for (unsigned n = 0; n < 8; n++) {
        uint64_t at = laddr + env + n * 10;
        significand_store(c, laddr_wrap(c, at), x87_st(&c->x87, n).m);
        lin_store(c, laddr_wrap(c, at + 8), x87_st(&c->x87, n).se, 2);
    }
    x87_init(&c->x87);
    x87_drive_ferr(c);
}

X87_APART x87_frstor(struct cpu *c, const struct insn *i)
{
    unsigned env = ENV_WORDS * word_size(i);
    uint64_t laddr = seg_laddr(c, i->seg, insn_ea(c, i), env + 80, SEG_READ);
    uint32_t w[ENV_WORDS];
    struct f80 st[8];
    env_load(c, i, laddr, w);
    for (unsigned n = 0; n < 8; n++) {
        uint64_t at = laddr + env + n * 10;
        st[n].m = significand_load(c, laddr_wrap(c, at));
        st[n].se = (uint16_t)lin_load(c, laddr_wrap(c, at + 8), 2);
    }
    env_set(c, w, word_size(i) == 4);
    x87_drive_ferr(c);
    for (unsigned n = 0; n < 8; n++) c->x87.reg[x87_at(&c->x87, n)] = st[n];
}

X87_WAITING(x87_fldcw);
X87_WAITING(x87_fldenv);
X87_WAITING(x87_frstor);
X87_NO_WAIT(x87_fnstcw);
X87_NO_WAIT(x87_fnstsw);
X87_NO_WAIT(x87_fnstsw_ax);
X87_NO_WAIT(x87_fnclex);
X87_NO_WAIT(x87_fninit);
X87_NO_WAIT(x87_fnstenv);
X87_NO_WAIT(x87_fnsave);
X87_NO_WAIT(x87_fnnop);
