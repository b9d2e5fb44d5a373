/* SPDX-License-Identifier: MIT
 * The x87: loads from memory, constants.
 * Data sheet: Intel SDM vol. 2, FLD, FILD, FBLD, FLD1 ...
 */
#include "cpu/softfloat/quick.h"
#include "cpu/x87.h"

static inline void push_memory(struct cpu *c, const struct insn *i, struct f80 v)
{
    x87_track_memory(c, i);
    x87_push(&c->x87, v);
}

static inline void x87_fld_m32(struct cpu *c, const struct insn *i)
{
    struct f80_env *e = &c->x87.env;
    push_memory(c, i, f80_quieted(e, f80_from_f32(e, (uint32_t)insn_load(c, i, 4))));
}
static inline void x87_fld_m64(struct cpu *c, const struct insn *i)
{
    struct f80_env *e = &c->x87.env;
    push_memory(c, i, f80_quieted(e, f80_from_f64(e, insn_load(c, i, 8))));
}

/* A ten-byte operand. */
static inline struct f80 load_m80(struct cpu *c, const struct insn *i)
{
    uint64_t ea = insn_ea(c, i);
    uint64_t laddr = seg_laddr(c, i->seg, ea, 10, SEG_READ);
    uint64_t m = lin_load(c, laddr, 8);
    return (struct f80){m, (uint16_t)lin_load(c, laddr_wrap(c, laddr + 8), 2)};
}
static inline void x87_fld_m80(struct cpu *c, const struct insn *i)
{
    push_memory(c, i, load_m80(c, i));
}
static inline void x87_fild_m16(struct cpu *c, const struct insn *i)
{
    push_memory(c, i, f80_from_int((int16_t)insn_load(c, i, 2)));
}
static inline void x87_fild_m32(struct cpu *c, const struct insn *i)
{
    push_memory(c, i, f80_from_int((int32_t)insn_load(c, i, 4)));
}
static inline void x87_fild_m64(struct cpu *c, const struct insn *i)
{
    push_memory(c, i, f80_from_int((int64_t)insn_load(c, i, 8)));
}
static inline void x87_fbld(struct cpu *c, const struct insn *i)
{
    struct f80 raw = load_m80(c, i);
    push_memory(c, i, f80_from_bcd(raw.m, raw.se));
}

/* The constants in order of modrm.rm, cut off at 64 bits; up: the rest is half and more. They are
 * rounded by the rounding control without an exception (SDM vol. 2, FLD1 ...). */
static inline void x87_fld_constant(struct cpu *c, const struct insn *i)
{
    static const struct {
        struct f80 v;
        bool exact, up;
    } constants[8] = {
        {{0x8000000000000000, 0x3FFF}, true, false},  /* FLD1   */
        {{0xD49A784BCD1B8AFE, 0x4000}, false, false}, /* FLDL2T */
        {{0xB8AA3B295C17F0BB, 0x3FFF}, false, true},  /* FLDL2E */
        {{0xC90FDAA22168C234, 0x4000}, false, true},  /* FLDPI  */
        {{0x9A209A84FBCFF798, 0x3FFD}, false, true},  /* FLDLG2 */
        {{0xB17217F7D1CF79AB, 0x3FFE}, false, true},  /* FLDLN2 */
        {{0, 0}, true, false},                        /* FLDZ   */
        {{0, 0}, true, false},
    };
    struct x87 *f = &c->x87;
    unsigned n = x87_rm(i);
    enum f80_rounding rc = f80_rounding(&f->env);
    struct f80 v = constants[n].v;
    if (!constants[n].exact && (rc == F80_UP || (rc == F80_NEAREST && constants[n].up))) v.m++;
    x87_track(c, i);
    x87_push(f, v);
}

X87_GENERAL(x87_fld_m32)
X87_GENERAL(x87_fld_m64)
X87_GENERAL(x87_fld_m80)
X87_GENERAL(x87_fild_m16)
X87_GENERAL(x87_fild_m32)
X87_GENERAL(x87_fild_m64)
X87_WAITING(x87_fbld);
X87_WAITING(x87_fld_constant);

/* ---- the same where nothing can be wrong ----------------------------------------------------- */
#define QUICK_LOAD(name, size, value)                                                              \
    X87_QUICK_AT(name)                                                                             \
    {                                                                                              \
        X87_HOST(p, read, laddr, size, name##_exec);                                               \
        struct x87 *f = &c->x87;                                                                   \
        struct quick r = value;                                                                    \
        if (unlikely(!r.ok || !x87_ready(c) || !x87_empty(f, 7))) TAIL name##_exec(c, i);          \
        x87_track_at(c, i, laddr);                                                                 \
        x87_quick_push(f, r.v);                                                                    \
        NEXT_ANY(c, i);                                                                            \
    }
#define EXACT(v) ((struct quick){true, 0, v})
static inline struct f80 m80(const uint8_t *p)
{
    return (struct f80){host_load(p, 8), host_load(p + 8, 2)};
}
QUICK_LOAD(x87_fld_m32, 4, quick_widen(host_load(p, 4), 23, 8))
QUICK_LOAD(x87_fld_m64, 8, quick_widen(host_load(p, 8), 52, 11))
QUICK_LOAD(x87_fild_m16, 2, EXACT(quick_from_int((int16_t)host_load(p, 2))))
QUICK_LOAD(x87_fild_m32, 4, EXACT(quick_from_int((int32_t)host_load(p, 4))))
QUICK_LOAD(x87_fild_m64, 8, EXACT(quick_from_int((int64_t)host_load(p, 8))))
QUICK_LOAD(x87_fld_m80, 10, EXACT(m80(p)))
