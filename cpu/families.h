/* SPDX-License-Identifier: MIT
 * Every family of handlers that the opcode table names (x87: see x87.h). Private to cpu/.
 */
#pragma once
#include "cpu/opcodes.h"

extern const struct family
    family_aaa, family_aad, family_aam, family_aas, family_adc, family_add, family_and,
    family_arpl, family_bound, family_bsf, family_bsr, family_bswap, family_bt, family_btc,
    family_btr, family_bts, family_call, family_call_e, family_call_far, family_call_far_m,
    family_cbw, family_clc, family_cld, family_cli, family_clts, family_cmc, family_cmov_0,
    family_cmov_1, family_cmov_10, family_cmov_11, family_cmov_12, family_cmov_13, family_cmov_14,
    family_cmov_15, family_cmov_2, family_cmov_3, family_cmov_4, family_cmov_5, family_cmov_6,
    family_cmov_7, family_cmov_8, family_cmov_9, family_cmp, family_cmps, family_cmpxchg,
    family_cmpxchg8b, family_cpuid, family_cwd, family_daa, family_das, family_dec, family_div,
    family_enter, family_fwait, family_hlt, family_idiv, family_imul, family_imul2, family_imul3,
    family_in_dx, family_in_i, family_inc, family_ins, family_int1, family_int3, family_int_n,
    family_into, family_invd, family_invlpg, family_iret, family_jcc_0, family_jcc_1,
    family_jcc_10, family_jcc_11, family_jcc_12, family_jcc_13, family_jcc_14, family_jcc_15,
    family_jcc_2, family_jcc_3, family_jcc_4, family_jcc_5, family_jcc_6, family_jcc_7,
    family_jcc_8, family_jcc_9, family_jcxz, family_jmp, family_jmp_e, family_jmp_far,
    family_jmp_far_m, family_lahf, family_lar, family_lea, family_leave, family_lgdt, family_lidt,
    family_lldt, family_lmsw, family_load_far_pointer, family_lods, family_loop, family_loope,
    family_loopne, family_lsl, family_ltr, family_mov, family_mov_cr, family_mov_dr,
    family_mov_from_seg, family_mov_rc, family_mov_rd, family_mov_to_seg, family_movs,
    family_movsx16, family_movsx8, family_movzx16, family_movzx8, family_mul, family_neg,
    family_next_trace, family_nop, family_not, family_or, family_out_dx, family_out_i,
    family_outs, family_pop, family_pop_seg, family_popa, family_popf, family_push,
    family_push_seg, family_pusha, family_pushf, family_rcl, family_rcr, family_rdmsr,
    family_rdpmc, family_rdtsc, family_ret, family_ret_far, family_rol, family_ror, family_rsm,
    family_sahf, family_salc, family_sar, family_sbb, family_scas, family_setcc_0, family_setcc_1,
    family_setcc_10, family_setcc_11, family_setcc_12, family_setcc_13, family_setcc_14,
    family_setcc_15, family_setcc_2, family_setcc_3, family_setcc_4, family_setcc_5,
    family_setcc_6, family_setcc_7, family_setcc_8, family_setcc_9, family_sgdt, family_shl,
    family_shld_c, family_shld_i, family_shr, family_shrd_c, family_shrd_i, family_sidt,
    family_sldt, family_smsw, family_stc, family_std, family_sti, family_stop_here, family_stos,
    family_str, family_sub, family_sysenter, family_sysexit, family_test, family_too_long,
    family_undefined, family_verr, family_verw, family_wbinvd, family_wrmsr, family_xadd,
    family_xchg, family_xlat, family_xor,
    /* 64-bit mode */
    family_mov_absolute, family_mov_imm64, family_movsxd, family_rdtscp, family_swapgs,
    family_syscall, family_sysret,
    /* guards */
    family_clac, family_invpcid, family_rdfsbase, family_rdgsbase, family_stac, family_wrfsbase,
    family_wrgsbase, family_xgetbv, family_xrstor, family_xsave, family_xsetbv;
