/* SPDX-License-Identifier: MIT
 * For tests of the x87: instructions on two operands, and comparisons of numbers.
 */
#pragma once
#include <check.h>
#include <inttypes.h>
#include <string.h>
#include "tests/unit/cpu/x87_rig.h"

static struct rig r;
static struct x87 *f;

static inline void setup(void)
{
    r = rig_new();
    f = &r.c->x87;
}
static inline void teardown(void) { rig_free(&r); }

static const struct f80 one = {F80_J, 0x3FFF}, two = {F80_J, 0x4000},
                        three = {0xC000000000000000, 0x4000}, zero = {0, 0},
                        infinity = {F80_J, 0x7FFF}, denormal = {1, 0},
                        snan = {0x8000000000000001, 0x7FFF}, unnormal = {1, 0x3FFF},
                        indefinite = {0xC000000000000000, 0xFFFF};

static inline void push(struct f80 v)
{
    f->env.flags = 0;
    x87_push(f, v);
}
static inline void fresh(uint16_t control, struct f80 st1, struct f80 st0)
{
    x87_init(f);
    x87_set_control(f, control);
    push(st1);
    push(st0);
}
static inline void run(uint8_t code, uint8_t modrm)
{
    ck_assert_msg(rig_run(&r, code, modrm), "%02X %02X faulted", code, modrm);
}

#define ck_number(got, want)                                                                       \
    do {                                                                                           \
        struct f80 g_ = (got), w_ = (want);                                                        \
        ck_assert_msg(g_.m == w_.m && g_.se == w_.se,                                              \
                      "%04" PRIX64 ":%016" PRIX64 " instead of %04" PRIX64 ":%016" PRIX64, g_.se,  \
                      g_.m, w_.se, w_.m);                                                          \
    } while (0)
#define ck_status(mask, want) ck_assert_uint_eq(x87_status(f) & (mask), (want))

/* Each test runs on a processor of its own. */
static inline TCase *x87_case(Suite *s, const char *name)
{
    TCase *t = tcase_create(name);
    tcase_set_timeout(t, 120);
    tcase_add_checked_fixture(t, setup, teardown);
    suite_add_tcase(s, t);
    return t;
}
static inline int x87_main(Suite *s)
{
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
