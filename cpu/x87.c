/* SPDX-License-Identifier: MIT
 * The x87: state, exceptions, and what the outside sees of it.
 * Data sheet: Intel SDM vol. 1, chapter 8; appendix D.2 for CR0.NE = 0. FERR# rises at the next
 * waiting instruction, as it does after most instructions on a Pentium (D.2.1.1), always.
 */
#include "cpu/x87.h"

void x87_not_ready(struct cpu *c, bool waits)
{
    if (c->cr0 & (CR0_EM | CR0_TS)) fault(c, VEC_NM);
    if (!waits) return;
    x87_error(c);
}

/* CR0.NE = 0: FERR# asks for IRQ 13, and the processor freezes in front of this instruction until
 * an interrupt comes; unless IGNNE# says to go on (SDM vol. 1, D.2.1.2). */
void x87_error(struct cpu *c)
{
    if (c->cr0 & CR0_NE) fault(c, VEC_MF);
    c->x87.ferr = true;
    x87_drive_ferr(c);
    if (c->line_ignne) return;
    c->halted = c->frozen = true;
    c->single_step = false;
    c->trap = 0;
    c->shadow_tick = ~0ull;                /* behind STI, too: the interrupt is what it waits for */
    give_up(c);
}

void x87_drive_ferr(struct cpu *c) { pin_set(c, CPU_FERR, c->x87.ferr); }

/* At least one exception is unmasked. One that was detected before the computation leaves no
 * trace of it: no result, no exception that only a result could have. */
bool x87_unmasked(struct x87 *f)
{
    unsigned flags = f->env.flags, before = flags & ~f->env.control & X87_BEFORE;
    if (before) flags &= ~(unsigned)(F80_O | F80_U | F80_P | (flags & X87_SF ? 0 : X87_C1));
    f->status = (uint16_t)((f->status & ~X87_C1) | flags | X87_ES | X87_B);
    return !before;
}

struct f80 x87_underflow(struct x87 *f)
{
    f->env.flags = F80_I | X87_SF;
    return F80_DEFAULT_NAN;
}

struct f80 x87_overflow(struct x87 *f)
{
    f->env.flags = F80_I | X87_SF | X87_C1;
    return F80_DEFAULT_NAN;
}

/* ---- registers as words ---------------------------------------------------------------------- */
static void derive_summary(struct x87 *f)
{
    bool pending = f->status & ~f->env.control & X87_EXCEPTIONS;
    f->status = (uint16_t)((f->status & ~(X87_ES | X87_B)) | (pending ? X87_ES | X87_B : 0));
    if (!pending) f->ferr = false;
}

void x87_set_control(struct x87 *f, uint16_t v)
{
    f->env.control = (v & X87_CONTROL_BITS) | X87_CONTROL_1;
    derive_summary(f);
}

uint16_t x87_status(const struct x87 *f) { return (uint16_t)(f->status | f->top << X87_TOP_SHIFT); }

void x87_set_status(struct x87 *f, uint16_t v)
{
    f->top = v >> X87_TOP_SHIFT & 7;
    f->status = v & (uint16_t)~(7 << X87_TOP_SHIFT);
    derive_summary(f);
}

enum tag { TAG_VALID, TAG_ZERO, TAG_SPECIAL, TAG_EMPTY };

static enum tag tag_of(const struct x87 *f, unsigned n)
{
    if (!(f->used >> n & 1)) return TAG_EMPTY;
    if (f80_is_normal(f->reg[n])) return TAG_VALID;
    return f80_classify(f->reg[n]) == F80_ZERO ? TAG_ZERO : TAG_SPECIAL;
}

uint16_t x87_tags(const struct x87 *f)
{
    unsigned tags = 0;
    for (unsigned n = 0; n < 8; n++) tags |= (unsigned)tag_of(f, n) << 2 * n;
    return (uint16_t)tags;
}

/* Only empty or not matters: the rest follows from the registers (SDM vol. 1, 8.1.7). */
void x87_set_tags(struct x87 *f, uint16_t tags)
{
    f->used = 0;
    for (unsigned n = 0; n < 8; n++)
        if ((tags >> 2 * n & 3) != TAG_EMPTY) f->used |= (uint8_t)(1 << n);
}

void x87_init(struct x87 *f)
{
    f->env = (struct f80_env){ 0x37F, 0 };
    f->status = f->used = f->top = 0;
    f->opcode = f->fcs = f->fds = 0;
    f->fip = f->fdp = 0;
    f->ferr = false;
}

void x87_reset(struct cpu *c)
{
    memset(&c->x87, 0, sizeof c->x87);
    x87_init(&c->x87);
    x87_drive_ferr(c);
}

/* Registers hold +0 and are not empty, nothing is masked, precision is single; INIT changes
 * nothing, FNINIT all of it (SDM vol. 3, table 9-1). */
void x87_power_up(struct cpu *c)
{
    x87_reset(c);
    x87_set_control(&c->x87, 0x40);
    c->x87.used = 0xFF;
}

/* ---- looking in ------------------------------------------------------------------------------ */
void cpu_get_x87(const struct cpu *c, struct cpu_x87 *out)
{
    const struct x87 *f = &c->x87;
    *out = (struct cpu_x87){.control = f->env.control,
                            .status = x87_status(f),
                            .tag = x87_tags(f),
                            .fip = f->fip,
                            .fdp = f->fdp,
                            .fcs = f->fcs,
                            .fds = f->fds,
                            .fop = f->opcode};
    for (unsigned n = 0; n < 8; n++) {
        host_store(out->st[n], x87_st(f, n).m, 8);
        host_store(out->st[n] + 8, x87_st(f, n).se, 2);
    }
}

void cpu_set_x87(struct cpu *c, const struct cpu_x87 *in)
{
    struct x87 *f = &c->x87;
    f->fip = in->fip;
    f->fdp = in->fdp;
    f->fcs = in->fcs;
    f->fds = in->fds;
    f->opcode = in->fop & 0x7FF;
    x87_set_status(f, in->status);
    x87_set_control(f, in->control);
    x87_set_tags(f, in->tag);
    x87_drive_ferr(c);
    for (unsigned n = 0; n < 8; n++)
        f->reg[x87_at(f, n)] =
            (struct f80){host_load(in->st[n], 8), (uint16_t)host_load(in->st[n] + 8, 2)};
}

uint64_t x87_hash(const struct cpu *c, uint64_t seed)
{
    const struct x87 *f = &c->x87;
    uint64_t words[21];
    for (unsigned n = 0; n < 8; n++) {
        words[2 * n] = f->reg[n].m;
        words[2 * n + 1] = f->reg[n].se;
    }
    words[16] = f->fip;
    words[17] = f->fdp;
    words[18] = (uint64_t)f->fcs << 48 | (uint64_t)f->fds << 32 | (uint32_t)f->opcode << 16 |
                f->env.control;
    words[19] = (uint64_t)x87_status(f) << 16 | (unsigned)f->used << 8;
    words[20] = f->ferr;
    return memory_hash_words(seed, words, COUNT_OF(words));
}

/* ---- FWAIT ----------------------------------------------------------------------------------- */
EXEC fwait_exec(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    if ((c->cr0 & (CR0_MP | CR0_TS)) == (CR0_MP | CR0_TS)) fault(c, VEC_NM);
    if (c->x87.status & X87_ES) x87_error(c);
    NEXT_CHECKED(c, i);
}
const struct family family_fwait = ONE(fwait_exec);
