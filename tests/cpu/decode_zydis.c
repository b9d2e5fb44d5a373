/* SPDX-License-Identifier: MIT
 * decode_zydis [--count N] [--seed S] [--mode 16|32|64]: N random byte strings in each mode through
 * our decoder and through Zydis. Both must agree whether the string is an instruction, and on its
 * length. Where they need not, a rule below says why.
 *
 * Exit code 0: they agree; 1: a difference, printed with both readings.
 */
#include <Zydis/Zydis.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cpu/decode.h"
#include "cpu/families.h"
#include "cpu/model.h"
#include "tests/cpu/codegen.h"

struct reading { bool valid; unsigned length; const char *name; };

struct sample {
    uint8_t  bytes[16];
    unsigned mode;                 /* as in cpu/state.h */
    struct reading ours, zydis;
    ZydisDecodedInstruction insn;
    ZyanStatus status;
};

static const uint8_t prefix_bytes[] = {0x66, 0x67, 0xF0, 0xF2, 0xF3, 0x26,
                                       0x2E, 0x36, 0x3E, 0x64, 0x65};

/* ---- both readings --------------------------------------------------------------------------- */
static bool is_handler(const struct insn *i, const struct family *f)
{
    return i->exec == f->h[K_NONE][1][0];
}

static void read_ours(struct sample *s, const struct cpu_model *model)
{
    struct insn i;
    struct decoded d;
    s->ours.length = decode(model, s->mode, s->bytes, sizeof s->bytes, &i, &d);
    s->ours.name = d.op->mnemonic;
    bool on_purpose = !strncmp(d.op->mnemonic, "ud", 2); /* UD0, UD1, UD2 are instructions */
    s->ours.valid =
        on_purpose || !(is_handler(&i, &family_undefined) || is_handler(&i, &family_too_long));
}

static void read_zydis(struct sample *s, const ZydisDecoder *decoder)
{
    s->status =
        ZydisDecoderDecodeInstruction(decoder, NULL, s->bytes, sizeof s->bytes, &s->insn);
    s->zydis.valid = ZYAN_SUCCESS(s->status);
    s->zydis.length = s->zydis.valid ? s->insn.length : 0;
    s->zydis.name = s->zydis.valid ? ZydisMnemonicGetString(s->insn.mnemonic) : "(undefined)";
}

/* ---- why they may differ --------------------------------------------------------------------- */
/* The opcode byte (0F xx as 0Fxx) behind the prefixes, and what follows it. */
static unsigned opcode_of(const struct sample *s, const uint8_t **rest)
{
    unsigned k = 0;
    while (k < sizeof s->bytes - 3 && (memchr(prefix_bytes, s->bytes[k], sizeof prefix_bytes) ||
                                       (s->mode & MODE_LONG && (s->bytes[k] & 0xF0) == 0x40)))
        k++;
    unsigned code = s->bytes[k++];
    if (code == 0x0F) code = 0x0F00 | s->bytes[k++];
    *rest = s->bytes + k;
    return code;
}
static bool of_another_model(const struct sample *s, unsigned code, const uint8_t *rest)
{
    (void)code;
    (void)rest;
    static const ZydisISASet known[] = {
        ZYDIS_ISA_SET_I86,        ZYDIS_ISA_SET_I186,        ZYDIS_ISA_SET_I286PROTECTED,
        ZYDIS_ISA_SET_I286REAL,   ZYDIS_ISA_SET_I386,        ZYDIS_ISA_SET_I486,
        ZYDIS_ISA_SET_I486REAL,   ZYDIS_ISA_SET_X87,         ZYDIS_ISA_SET_CMOV,
        ZYDIS_ISA_SET_FCMOV,      ZYDIS_ISA_SET_PENTIUMREAL, ZYDIS_ISA_SET_PPRO,
        ZYDIS_ISA_SET_FAT_NOP,    ZYDIS_ISA_SET_RDPMC,       ZYDIS_ISA_SET_PAUSE,
        ZYDIS_ISA_SET_PENTIUMMMX, ZYDIS_ISA_SET_FXSAVE,      ZYDIS_ISA_SET_CLFSH,
        ZYDIS_ISA_SET_SSE,        ZYDIS_ISA_SET_SSE2,        ZYDIS_ISA_SET_SSE2MMX,
        ZYDIS_ISA_SET_SSE3,       ZYDIS_ISA_SET_SSE3X87,     ZYDIS_ISA_SET_SSE4,
        ZYDIS_ISA_SET_SSE42,      ZYDIS_ISA_SET_SSEMXCSR,    ZYDIS_ISA_SET_SSE_PREFETCH,
        ZYDIS_ISA_SET_SSSE3,      ZYDIS_ISA_SET_SSSE3MMX,    ZYDIS_ISA_SET_POPCNT,
    };
    if (!s->zydis.valid || s->ours.valid) return false;
    for (unsigned n = 0; n < COUNT_OF(known); n++)
        if (s->insn.meta.isa_set == known[n]) return false;
    return true;
}

struct rule {
    const char *why;
    bool (*allows)(const struct sample *, unsigned code, const uint8_t *rest);
    unsigned long used;
};

static bool both_refuse(const struct sample *s, unsigned code, const uint8_t *rest)
{
    (void)code;
    (void)rest;
    return !s->ours.valid && !s->zydis.valid;
}

/* RSM is an instruction in system management mode only, which we do not have. */
static bool rsm(const struct sample *s, unsigned code, const uint8_t *rest)
{
    (void)s;
    (void)rest;
    return code == 0x0FAA;
}
/* Which control and debug registers there are is for the handler to say. */
static bool control_register(const struct sample *s, unsigned code, const uint8_t *rest)
{
    (void)rest;
    return code >= 0x0F20 && code <= 0x0F23 && s->ours.valid &&
           s->status == ZYDIS_STATUS_BAD_REGISTER;
}

static struct rule rules[] = {
    { "RSM", rsm, 0 },
    { "a control or debug register that does not exist: #UD comes later", control_register, 0 },
    { "both refuse it (undefined or too long: either may be told first)", both_refuse, 0 },
    { "an extension that the model has not", of_another_model, 0 },
};

static bool explained(const struct sample *s)
{
    const uint8_t *rest;
    unsigned code = opcode_of(s, &rest);
    for (unsigned n = 0; n < COUNT_OF(rules); n++)
        if (rules[n].allows(s, code, rest)) {
            rules[n].used++;
            return true;
        }
    return false;
}

/* ---- main ------------------------------------------------------------------------------------ */
struct code_mode {
    const char *name;
    unsigned mode;                 /* as in cpu/state.h */
    ZydisMachineMode machine;
    ZydisStackWidth stack;
};
static const struct code_mode code_modes[] = {
    {"16", MODE_PROT, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16},
    {"32", MODE_PROT | MODE_CODE32, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32},
    {"64", MODE_PROT | MODE_LONG, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64},
};

/* Half of them begin with prefixes, some with as many as there may be; half of the rest go on with
 * 0F, 0F 38 or 0F 3A, in 64-bit code often after REX. */
static void random_bytes(struct sample *s, uint64_t *seed)
{
    uint64_t r = gen_random(seed);
    unsigned count = r & 1 ? r >> 1 & 3 : 0;
    if (!(r >> 8 & 63)) count = r >> 14 & 15;
    for (unsigned n = 0; n < sizeof s->bytes; n += 8) {
        uint64_t v = gen_random(seed);
        memcpy(s->bytes + n, &v, 8);
    }
    for (unsigned n = 0; n < count; n++)
        s->bytes[n] = prefix_bytes[s->bytes[n] % sizeof prefix_bytes];
    if (s->mode & MODE_LONG && r >> 24 & 1 && count < 13) s->bytes[count++] = 0x40 | (r >> 25 & 15);
    if (r >> 20 & 1 && count < 13) {
        s->bytes[count++] = 0x0F;
        if (!(r >> 21 & 7)) s->bytes[count] = r >> 30 & 1 ? 0x38 : 0x3A;
    }
}

static void show(const struct sample *s, const char *mode)
{
    printf("%s:", mode);
    for (unsigned n = 0; n < sizeof s->bytes; n++) printf(" %02X", s->bytes[n]);
    printf("\n  ours %s, %u bytes; Zydis %s, %u bytes (status %x)\n", s->ours.name, s->ours.length,
           s->zydis.name, s->zydis.length, (unsigned)s->status);
}

/* Later meanings of what was a NOP, or an instruction with an ignored prefix. */
static void set_modes(ZydisDecoder *d)
{
    static const ZydisDecoderMode off[] = {
        ZYDIS_DECODER_MODE_MPX,   ZYDIS_DECODER_MODE_CET,      ZYDIS_DECODER_MODE_LZCNT,
        ZYDIS_DECODER_MODE_TZCNT, ZYDIS_DECODER_MODE_WBNOINVD, ZYDIS_DECODER_MODE_CLDEMOTE};
    for (unsigned n = 0; n < COUNT_OF(off); n++) ZydisDecoderEnableMode(d, off[n], ZYAN_FALSE);
}

static uint64_t compare_mode(const struct code_mode *m, uint64_t count, uint64_t seed)
{
    struct cpu_model model = model_named("nehalem");
    ZydisDecoder decoder;
    uint64_t differences = 0, instructions = 0;
    ZydisDecoderInit(&decoder, m->machine, m->stack);
    set_modes(&decoder);
    for (uint64_t n = 0; n < count && differences < 20; n++) {
        struct sample s = { .mode = m->mode };
        random_bytes(&s, &seed);
        read_ours(&s, &model);
        read_zydis(&s, &decoder);
        bool same = s.ours.valid && s.zydis.valid && s.ours.length == s.zydis.length;
        instructions += same;
        if (same || explained(&s)) continue;
        differences++;
        show(&s, m->name);
    }
    printf("%s-bit code: %" PRIu64 " strings, %" PRIu64 " instructions alike, %" PRIu64
           " unexplained differences\n",
           m->name, count, instructions, differences);
    for (unsigned n = 0; n < COUNT_OF(rules); n++, rules[n - 1].used = 0)
        if (rules[n].used) printf("%10lu %s\n", rules[n].used, rules[n].why);
    return differences;
}

int main(int argc, char **argv)
{
    uint64_t count = 2000000, seed = 1, differences = 0;
    const char *only = NULL;
    for (int k = 1; k + 1 < argc; k += 2) {
        if (!strcmp(argv[k], "--count")) count = strtoull(argv[k + 1], NULL, 0);
        else if (!strcmp(argv[k], "--seed")) seed = strtoull(argv[k + 1], NULL, 0);
        else if (!strcmp(argv[k], "--mode")) only = argv[k + 1];
    }
    for (unsigned n = 0; n < COUNT_OF(code_modes); n++)
        if (!only || !strcmp(only, code_modes[n].name))
            differences += compare_mode(&code_modes[n], count, seed);
    return differences != 0;
}
