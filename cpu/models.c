/* SPDX-License-Identifier: MIT
 * The models: what CPUID says on the real parts, and which features Bochs's models stand for here.
 * Intel AP-485 "Processor Identification and the CPUID Instruction" (241618-039, 2012),
 * tables 2-3 to 2-7 and 3-16 to 3-19; AMD "Processor Recognition" (20734, 2005) and
 * "CPUID Specification" (25481, 2010).
 *
 * Feature words are those of the part with its local APIC switched off,
 * for there is none: bit 9 is 0. Caches are those of one core.
 */
#include "cpu/model.h"

/* 1 EDX of parts: each line adds to the one above. */
enum {
    P5_1D = 0x000001BF, PPRO_1D = 0x0000F1FF, P2_1D = 0x0183F9FF, P3_1D = 0x0383F9FF,
    P4_1D = 0xBFEBF9FF, K6_1D = 0x008021BF, K7_1D = 0x0183F9FF, K8_1D = 0x078BF9FF,
};
/* What the default model has besides: see about. */
#define OURS(word, name) (1u << (FEAT_##name & 31))

/* The first one is the default. */
static const struct cpu_model rows[] = {
    { .name = "amd64",
      .about = "default: an Athlon 64 with all that is emulated but 3DNow! and PCID",
      .vendor = VENDOR_AMD, .signature = 0x40FF2, .signature_amd = 0x40FF2, .max_leaf = 0xD,
      .max_extended = 0x80000008, .paddr_bits = 40, .brand = "Vitro 64-bit Processor",
      .invariant_tsc = true,
      .feature = { [W_1D] = K8_1D | OURS(1D, SS),
                   [W_1C] = OURS(1C, SSE3) | OURS(1C, SSSE3) | OURS(1C, CX16) | OURS(1C, SSE41) |
                            OURS(1C, SSE42) | OURS(1C, POPCNT) | OURS(1C, XSAVE),
                   [W_7B] = OURS(7B, FSGSBASE) | OURS(7B, SMEP) | OURS(7B, ERMS) | OURS(7B, SMAP),
                   [W_7C] = OURS(7C, UMIP), [W_D1] = OURS(D1, XSAVEOPT),
                   [W_XD] = K8_1D | OURS(XD, SYSCALL) | OURS(XD, NX) | OURS(XD, MMXEXT) |
                            OURS(XD, 1GB) | OURS(XD, RDTSCP) | OURS(XD, LM),
                   [W_XC] = OURS(XC, LAHF64) | OURS(XC, PREFETCHW), [W_OWN] = ~0u },
      .leaf_x5 = { 0xFF08FF08, 0xFF20FF20, 0x40020140, 0x40020140 },
      .leaf_x6 = { 0, 0x42004200, 0x02008140, 0 } },
    { .name = "386", .about = "80386DX with 80387", .signature = 0x308, .feature = { [W_1D] = 1 } },
    { .name = "486", .about = "80486DX2, before CPUID", .signature = 0x433,
      .feature = { [W_1D] = 1, [W_OWN] = 1 } },
    { .name = "486dx4", .about = "80486DX4, with CPUID", .signature = 0x480, .max_leaf = 1,
      .feature = { [W_1D] = 3, [W_OWN] = 1 } },
    { .name = "pentium", .about = "Pentium 133 (P54C)", .signature = 0x52C, .max_leaf = 1,
      .feature = { [W_1D] = P5_1D, [W_OWN] = 1 } },
    { .name = "pentium_mmx", .about = "Pentium with MMX (P55C)", .signature = 0x543, .max_leaf = 1,
      .feature = { [W_1D] = P5_1D | 1 << 23, [W_OWN] = 3 } },
    { .name = "k6_2", .about = "AMD K6-2 (CXT): 3DNow!", .vendor = VENDOR_AMD, .signature = 0x58C,
      .signature_amd = 0x68C, .max_leaf = 1, .max_extended = 0x80000005, .paddr_bits = 32,
      .brand = "AMD-K6(tm) 3D processor",
      .feature = { [W_1D] = K6_1D, [W_XD] = 0x808029BF, [W_OWN] = 1 },
      .leaf_x5 = { 0, 0x02800140, 0x20020220, 0x20020220 } },
    { .name = "ppro", .about = "Pentium Pro", .signature = 0x619, .max_leaf = 2,
      .feature = { [W_1D] = PPRO_1D, [W_OWN] = 3 }, .leaf2 = { 0x03020101, 0, 0, 0x06040A42 } },
    { .name = "p2", .about = "Pentium II (Deschutes)", .signature = 0x652, .max_leaf = 2,
      .feature = { [W_1D] = P2_1D, [W_OWN] = 3 }, .leaf2 = { 0x03020101, 0, 0, 0x0C040843 } },
    { .name = "p3", .about = "Pentium III (Coppermine)", .signature = 0x683, .max_leaf = 2,
      .brand_index = 2, .feature = { [W_1D] = P3_1D, [W_OWN] = 3 },
      .leaf2 = { 0x03020101, 0, 0, 0x0C040882 } },
    { .name = "athlon", .about = "AMD Athlon (Thunderbird): extended 3DNow!, no SSE",
      .vendor = VENDOR_AMD, .signature = 0x642, .signature_amd = 0x742, .max_leaf = 1,
      .max_extended = 0x80000006, .brand = "AMD Athlon(tm) Processor",
      .feature = { [W_1D] = K7_1D, [W_XD] = 0xC1C3F9FF, [W_OWN] = 3 },
      .leaf_x5 = { 0x0408FF08, 0xFF20FF10, 0x40020140, 0x40020140 },
      .leaf_x6 = { 0, 0x41004100, 0x01008140, 0 } },
    { .name = "athlon_xp", .about = "AMD Athlon XP (Palomino): 3DNow! and SSE",
      .vendor = VENDOR_AMD, .signature = 0x662, .signature_amd = 0x762, .max_leaf = 1,
      .max_extended = 0x80000008, .paddr_bits = 34, .brand = "AMD Athlon(tm) XP 1800+",
      .feature = { [W_1D] = K7_1D | 1 << 25, [W_XD] = 0xC1CBF9FF, [W_OWN] = 3 },
      .leaf_x5 = { 0x0408FF08, 0xFF20FF10, 0x40020140, 0x40020140 },
      .leaf_x6 = { 0, 0x41004100, 0x01008140, 0 } },
    { .name = "p4", .about = "Pentium 4 (Northwood)", .signature = 0xF29, .max_leaf = 2,
      .max_extended = 0x80000004, .brand_index = 9,
      .brand = "              Intel(R) Pentium(R) 4 CPU 2.40GHz",
      .feature = { [W_1D] = P4_1D, [W_1C] = 0x00004400, [W_OWN] = 3 },
      .leaf2 = { 0x665B5101, 0, 0, 0x007B7040 } },
    { .name = "prescott", .about = "Pentium 4 (Prescott, 32-bit): SSE3", .signature = 0xF41,
      .max_leaf = 5, .max_extended = 0x80000008,
      .brand = "              Intel(R) Pentium(R) 4 CPU 3.00GHz",
      .feature = { [W_1D] = P4_1D, [W_1C] = 0x0000441D, [W_OWN] = 3 },
      .leaf2 = { 0x605B5101, 0, 0, 0x003C7040 },
      .leaf4 = { { 0x121, 0x01C0003F, 0x1F }, { 0x143, 0x01C0103F, 0x3FF } } },
    { .name = "core2", .about = "Core 2 Duo E8400 (Wolfdale): 64-bit, SSE4.1", .signature = 0x1067A,
      .max_leaf = 0xD, .max_extended = 0x80000008, .paddr_bits = 36,
      .brand = "Intel(R) Core(TM)2 Duo CPU     E8400  @ 3.00GHz",
      .feature = { [W_1D] = P4_1D, [W_1C] = 0x0408E3FD, [W_XD] = 0x20100800, [W_XC] = 1,
                   [W_OWN] = 3 },
      .leaf2 = { 0x05B0B101, 0x005657F0, 0, 0x2CB4304E },
      .leaf4 = { { 0x121, 0x01C0003F, 0x3F }, { 0x122, 0x01C0003F, 0x3F },
                 { 0x143, 0x05C0003F, 0xFFF } },
      .leaf_x6 = { 0, 0, 0x18008040, 0 } },
    { .name = "athlon64", .about = "AMD Athlon 64 (Orleans): 64-bit, 3DNow!, SSE3",
      .vendor = VENDOR_AMD, .signature = 0x40FF2, .signature_amd = 0x40FF2, .max_leaf = 1,
      .max_extended = 0x80000018, .paddr_bits = 40, .brand = "AMD Athlon(tm) 64 Processor 3500+",
      .feature = { [W_1D] = K8_1D, [W_1C] = 0x00002001, [W_XD] = 0xEBD3F9FF, [W_XC] = 0x1D,
                   [W_OWN] = 3 },
      .leaf_x5 = { 0xFF08FF08, 0xFF20FF20, 0x40020140, 0x40020140 },
      .leaf_x6 = { 0, 0x42004200, 0x02008140, 0 } },
    { .name = "nehalem", .about = "Core i7-920 (Bloomfield): 64-bit, SSE4.2", .signature = 0x106A5,
      .max_leaf = 0xB, .max_extended = 0x80000008, .paddr_bits = 36,
      .brand = "Intel(R) Core(TM) i7 CPU         920  @ 2.67GHz", .invariant_tsc = true,
      .feature = { [W_1D] = P4_1D, [W_1C] = 0x0098E3BD, [W_XD] = 0x28100800, [W_XC] = 1,
                   [W_OWN] = 3 },
      .leaf2 = { 0x55035A01, 0x00F0B2E4, 0, 0x09CA212C },
      .leaf4 = { { 0x121, 0x01C0003F, 0x3F }, { 0x122, 0x00C0003F, 0x7F },
                 { 0x143, 0x01C0003F, 0x1FF }, { 0x163, 0x03C0003F, 0x1FFF } },
      .leaf_x6 = { 0, 0, 0x01006040, 0 } },
};

const struct cpu_model *model_row(unsigned n) { return n < COUNT_OF(rows) ? &rows[n] : NULL; }
