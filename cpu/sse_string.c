/* SPDX-License-Identifier: MIT
 * SSE4.2: string comparison, CRC32; POPCNT.
 * Data sheet: Intel SDM vol. 1, 12.10; vol. 2, 4.1 (imm8 of PCMPxSTRx), CRC32, POPCNT.
 */
#include "cpu/simd.h"

/* ---- PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM ---------------------------------------------- */
/* imm8: bit 0 words, 1 signed, 3-2 aggregation, 5-4 polarity, 6 output (last index; byte/word
 * mask). */
enum { STR_WORDS = 1, STR_SIGNED = 2, STR_LAST = 0x40, STR_NEGATE = 0x10, STR_VALID_ONLY = 0x20 };
enum { EQUAL_ANY, RANGES, EQUAL_EACH, EQUAL_ORDERED };

struct strings {
    int32_t  a[16], b[16];
    unsigned lanes, a_len, b_len;
};

static int32_t element(union vec v, unsigned imm, unsigned n)
{
    if (imm & STR_WORDS) return imm & STR_SIGNED ? LANE(v, i16, n) : LANE(v, u16, n);
    return imm & STR_SIGNED ? LANE(v, i8, n) : LANE(v, u8, n);
}
static unsigned length_implicit(const int32_t *v, unsigned lanes)
{
    unsigned n = 0;
    while (n < lanes && v[n]) n++;
    return n;
}
/* EAX, EDX (RAX, RDX with REX.W): the magnitude, at most all lanes. */
static unsigned length_explicit(const struct insn *i, uint64_t v, unsigned lanes)
{
    int64_t s = i->opcode & SIMD_WIDE ? (int64_t)v : (int32_t)v;
    uint64_t magnitude = s < 0 ? 0 - (uint64_t)s : (uint64_t)s;
    return magnitude < lanes ? (unsigned)magnitude : lanes;
}

static bool in_set(const struct strings *s, int32_t v)
{
    for (unsigned k = 0; k < s->a_len; k++)
        if (s->a[k] == v) return true;
    return false;
}
static bool in_ranges(const struct strings *s, int32_t v)
{
    for (unsigned k = 0; k + 1 < s->a_len; k += 2)
        if (s->a[k] <= v && v <= s->a[k + 1]) return true;
    return false;
}
static bool begins_at(const struct strings *s, unsigned at)
{
    for (unsigned k = 0; k < s->a_len && at + k < s->lanes; k++)
        if (at + k >= s->b_len || s->a[k] != s->b[at + k]) return false;
    return true;
}
static bool aggregate(const struct strings *s, unsigned kind, unsigned n)
{
    bool a_valid = n < s->a_len, b_valid = n < s->b_len;
    switch (kind) {
    case EQUAL_ANY: return b_valid && in_set(s, s->b[n]);
    case RANGES: return b_valid && in_ranges(s, s->b[n]);
    case EQUAL_EACH: return a_valid && b_valid ? s->a[n] == s->b[n] : a_valid == b_valid;
    default: return begins_at(s, n);
    }
}

static unsigned compare_strings(struct cpu *c, const struct strings *s, unsigned imm)
{
    unsigned result = 0, all = (1u << s->lanes) - 1, valid = (1u << s->b_len) - 1;
    for (unsigned n = 0; n < s->lanes; n++) result |= (unsigned)aggregate(s, imm >> 2 & 3, n) << n;
    if (imm & STR_NEGATE) result ^= imm & STR_VALID_ONLY ? valid : all;
    flags_set_arith(c, (result ? FLAG_CF : 0) | (s->b_len < s->lanes ? FLAG_ZF : 0) |
                       (s->a_len < s->lanes ? FLAG_SF : 0) | (result & 1 ? FLAG_OF : 0));
    return result;
}

static __attribute__((noinline)) unsigned run_strings(struct cpu *c, const struct insn *i,
                                                      union vec a, union vec b, bool is_explicit)
{
    struct strings s = { .lanes = i->imm & STR_WORDS ? 8 : 16 };
    for (unsigned n = 0; n < s.lanes; n++) {
        s.a[n] = element(a, i->imm, n);
        s.b[n] = element(b, i->imm, n);
    }
    s.a_len =
        is_explicit ? length_explicit(i, c->gpr[RAX], s.lanes) : length_implicit(s.a, s.lanes);
    s.b_len =
        is_explicit ? length_explicit(i, c->gpr[RDX], s.lanes) : length_implicit(s.b, s.lanes);
    return compare_strings(c, &s, i->imm);
}

static void give_index(struct cpu *c, const struct insn *i, unsigned bits)
{
    unsigned lanes = i->imm & STR_WORDS ? 8 : 16, index = lanes;
    if (bits)
        index =
            i->imm & STR_LAST ? 31u - (unsigned)__builtin_clz(bits) : (unsigned)__builtin_ctz(bits);
    reg32_set(c, RCX, index);
}
static void give_mask(struct cpu *c, const struct insn *i, unsigned bits)
{
    union vec r = { .u64 = { bits, 0 } };
    if (i->imm & STR_LAST) {
        for (unsigned n = 0; n < 16; n++)
            LANE(r, u8, n) = bits >> (i->imm & STR_WORDS ? n / 2 : n) & 1 ? 0xFF : 0;
    }
    c->sse.xmm[0] = r;
}

#define STRINGS(op, is_explicit, give)                                                             \
    EXEC op(struct cpu *c, const struct insn *i)                                                   \
    {                                                                                              \
        BEGIN(c, i);                                                                               \
        sse_begin(c);                                                                              \
        union vec b = simd_source(c, i);                                                           \
        give(c, i, run_strings(c, i, c->sse.xmm[i->dst], b, is_explicit));                         \
        NEXT_CHECKED(c, i);                                                                        \
    }                                                                                              \
    const struct family family_##op = ONE(op)
STRINGS(pcmpestri, true, give_index);
STRINGS(pcmpestrm, true, give_mask);
STRINGS(pcmpistri, false, give_index);
STRINGS(pcmpistrm, false, give_mask);

/* ---- CRC32: Castagnoli's polynomial 11EDC6F41h, reflected ------------------------------------ */
#define CRC32C_REFLECTED 0x82F63B78u

static uint32_t crc_bytes(uint32_t crc, uint64_t data, unsigned bytes)
{
    for (unsigned n = 0; n < bytes; n++, data >>= 8) {
        crc ^= data & 0xFF;
        for (unsigned bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? CRC32C_REFLECTED : 0);
    }
    return crc;
}
EXEC crc32_b(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    uint64_t data = i->asize & INSN_REG ? reg8(c, i->src) : insn_load(c, i, 1);
    c->gpr[i->dst] = crc_bytes(reg32(c, i->dst), data, 1);
    NEXT_CHECKED(c, i);
}
EXEC crc32(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    unsigned size = insn_opsize(i);
    uint64_t data = i->asize & INSN_REG ? c->gpr[i->src] : insn_load(c, i, size);
    c->gpr[i->dst] = crc_bytes(reg32(c, i->dst), data, size);
    NEXT_CHECKED(c, i);
}
const struct family family_crc32_b = ONE(crc32_b);
const struct family family_crc32 = ONE(crc32);

EXEC popcnt(struct cpu *c, const struct insn *i)
{
    BEGIN(c, i);
    unsigned size = insn_opsize(i);
    uint64_t v = i->asize & INSN_REG ? c->gpr[i->src] : insn_load(c, i, size);
    if (size < 8) v &= (1ull << 8 * size) - 1;
    unsigned count = (unsigned)__builtin_popcountll(v);
    if (size == 2) reg16_set(c, i->dst, (uint16_t)count);
    else c->gpr[i->dst] = count;
    flags_set_arith(c, count ? 0 : FLAG_ZF);
    NEXT_CHECKED(c, i);
}
const struct family family_popcnt = ONE(popcnt);
