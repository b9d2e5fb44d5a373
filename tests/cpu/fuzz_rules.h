/* SPDX-License-Identifier: MIT
 * What the table of opcodes does not say and the fuzzer must know, by mnemonic: flags that are
 * read, set, left undefined (SDM vol. 1, appendix A, and vol. 2), and what is never generated.
 */
#pragma once
#include "tests/cpu/fuzz_case.h"

#define CF  EFL_CF
#define PF  EFL_PF
#define AF  EFL_AF
#define ZF  EFL_ZF
#define SF  EFL_SF
#define OF  EFL_OF
#define ALL EFL_ALL

struct flag_rule {
    const char *name;
    uint16_t reads, sets, undefs;
};
/* Shifts, repeated strings, conditions: see gen_flags() in fuzz_gen.c. */
static const struct flag_rule flag_rules[] = {
    {"add", 0, ALL, 0},
    {"sub", 0, ALL, 0},
    {"cmp", 0, ALL, 0},
    {"neg", 0, ALL, 0},
    {"xadd", 0, ALL, 0},
    {"cmpxchg", 0, ALL, 0},
    {"adc", CF, ALL, 0},
    {"sbb", CF, ALL, 0},
    {"and", 0, ALL & ~AF, AF},
    {"or", 0, ALL & ~AF, AF},
    {"xor", 0, ALL & ~AF, AF},
    {"test", 0, ALL & ~AF, AF},
    {"inc", 0, ALL & ~CF, 0},
    {"dec", 0, ALL & ~CF, 0},
    {"mul", 0, CF | OF, ALL & ~(CF | OF)},
    {"imul", 0, CF | OF, ALL & ~(CF | OF)},
    {"div", 0, 0, ALL},
    {"idiv", 0, 0, ALL},
    {"shld", 0, 0, AF | OF},
    {"shrd", 0, 0, AF | OF},
    {"bt", 0, CF, ALL & ~(CF | ZF)},
    {"bts", 0, CF, ALL & ~(CF | ZF)},
    {"btr", 0, CF, ALL & ~(CF | ZF)},
    {"btc", 0, CF, ALL & ~(CF | ZF)},
    {"bsf", 0, ZF, ALL & ~ZF},
    {"bsr", 0, ZF, ALL & ~ZF},
    {"popcnt", 0, ALL, 0},
    {"daa", AF | CF, ALL & ~OF, OF},
    {"das", AF | CF, ALL & ~OF, OF},
    {"aaa", AF, AF | CF, ALL & ~(AF | CF)},
    {"aas", AF, AF | CF, ALL & ~(AF | CF)},
    {"aam", 0, SF | ZF | PF, OF | AF | CF},
    {"aad", 0, SF | ZF | PF, OF | AF | CF},
    {"clc", 0, CF, 0},
    {"stc", 0, CF, 0},
    {"cmc", CF, CF, 0},
    {"salc", CF, 0, 0},
    {"sahf", 0, ALL & ~OF, 0},
    {"lahf", ALL & ~OF, 0, 0},
    {"pushf", ALL, 0, 0},
    {"popf", 0, ALL, 0},
    {"into", OF, 0, 0},
    {"loope", ZF, 0, 0},
    {"loopne", ZF, 0, 0},
    {"cmpxchg8b", 0, ZF, 0},
    {"fcmov", CF | ZF | PF, 0, 0},
    {"fcomi", 0, CF | ZF | PF, OF | SF | AF},
    {"fcomip", 0, CF | ZF | PF, OF | SF | AF},
    {"fucomi", 0, CF | ZF | PF, OF | SF | AF},
    {"fucomip", 0, CF | ZF | PF, OF | SF | AF},
    {"comiss", 0, ALL, 0},
    {"comisd", 0, ALL, 0},
    {"ucomiss", 0, ALL, 0},
    {"ucomisd", 0, ALL, 0},
    {"ptest", 0, ALL, 0},
    {"pcmpestrm", 0, ALL, 0},
    {"pcmpestri", 0, ALL, 0},
    {"pcmpistrm", 0, ALL, 0},
    {"pcmpistri", 0, ALL, 0},
};
static const struct flag_rule no_flags = {"", 0, 0, 0};

static const uint16_t condition_flags[8] = {OF, CF, ZF, CF | ZF, SF, PF, SF | OF, SF | OF | ZF};

#undef CF
#undef PF
#undef AF
#undef ZF
#undef SF
#undef OF
#undef ALL

struct exclusion {
    const char *why, *names;
};
static const struct exclusion exclusions[] = {
    {"enabled by the host's CR4", " rdfsbase rdgsbase wrfsbase wrgsbase xgetbv xsave xrstor "
                                  "xsaveopt invpcid "},
    {"enters the host's kernel", " int syscall sysenter sysret sysexit "},
    {"depends on the host's clock, counters or model", " rdtsc rdtscp rdpmc cpuid "},
    {"the host's kernel emulates it (UMIP)", " sgdt sidt sldt str smsw "},
    {"depends on the host's descriptor tables", " lar lsl verr verw arpl lldt ltr lds les lss lfs "
                                                "lgs iret retf jmp^far call^far pop^ds pop^es "
                                                "pop^ss pop^fs pop^gs "},
    {"a hypervisor may inject its #DB with the wrong RIP", " int1 "},
    {"an alias in which vendors differ: an empty register is no fault for AMD", " fstp1 "},
    {"approximate: the SDM bounds the error only", " rcpps rcpss rsqrtps rsqrtss "},
    {"transcendental: vitro-cputest compares these, by units in the last place",
     " f2xm1 fcos fpatan fptan fsin fsincos fyl2x fyl2xp1 "},
    {"stores the x87's last pointers, which a context switch of the host may clear, or C1 (below)",
     " fnsave fnstenv fxsave fnstsw "},
};
