/* SPDX-License-Identifier: MIT
 * The x87 against results captured on a real processor (X87V1 vectors; see below for where they
 * are looked for). Everything is compared bit by bit; transcendental results may be one unit in
 * the last place off.
 */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include "tests/unit/cpu/x87_rig.h"

enum { OP_BYTES = 24, RECORD_BYTES = 82, OP_LIMIT = 256 };

struct op_row { char name[17]; uint8_t code, modrm, kind; bool approximate; uint16_t mask; };

static const uint8_t *at(const uint8_t *record, unsigned offset) { return record + offset; }
static uint16_t word(const uint8_t *record, unsigned offset)
{
    return (uint16_t)host_load(record + offset, 2);
}

/* $VITRO_CPUTESTS/x87/x87-real.x87v.gz, read by gzip: the tests need no zlib. */
static FILE *open_vectors(void)
{
    const char *folder = getenv("VITRO_CPUTESTS");
    char name[1024], command[1100];
    if (!folder) return NULL;
    snprintf(name, sizeof name, "%s/x87/x87-real.x87v.gz", folder);
    FILE *probe = fopen(name, "rb");
    if (!probe) return NULL;
    fclose(probe);
    snprintf(command, sizeof command, "gzip -dc '%s'", name);
    return popen(command, "r");
}

static bool read_op(FILE *f, struct op_row *op)
{
    uint8_t b[OP_BYTES];
    if (fread(b, 1, sizeof b, f) != sizeof b) return false;
    *op = (struct op_row){
        .code = b[16], .modrm = b[17], .kind = b[18], .approximate = b[19], .mask = word(b, 20)};
    memcpy(op->name, b, 16);
    return true;
}

static void prepare(struct rig *r, const uint8_t *record)
{
    struct cpu_x87 s = { .control = word(record, 2), .status = 0x3000, .tag = word(record, 4) };
    memcpy(s.st[0], at(record, 6), 10);
    memcpy(s.st[1], at(record, 16), 10);
    cpu_set_x87(r->c, &s);
    memory_copy_to(r->memory, RIG_OPERAND, at(record, 26), 10);
    flags_set_arith(r->c, 0);
}

/* Distance of two numbers in units of the last place; a large one if they are not neighbours. */
static uint64_t distance(const uint8_t *a, const uint8_t *b)
{
    uint64_t ma = host_load(a, 8), mb = host_load(b, 8);
    uint16_t ea = word(a, 8), eb = word(b, 8);
    if (ea == eb) return ma > mb ? ma - mb : mb - ma;
    if (ea == eb + 1) return ma - F80_J + (0 - mb);
    if (eb == ea + 1) return mb - F80_J + (0 - ma);
    return ~0ull;
}

static bool same_number(const struct op_row *op, const uint8_t *got, const uint8_t *want)
{
    return !memcmp(got, want, 10) || (op->approximate && distance(got, want) <= 1);
}

/* Which of the outcome is wrong: "" if nothing. */
static const char *compare_outcome(struct rig *r, const struct op_row *op, const uint8_t *record)
{
    struct cpu_x87 s;
    uint8_t memory[10];
    uint16_t tags = word(record, 38), status = word(record, 36), mask = op->mask;
    /* C1 tells how an internal value was rounded that itself is approximate. */
    if (op->approximate && status & F80_P && !(status & X87_SF)) mask &= (uint16_t)~X87_C1;
    cpu_get_x87(r->c, &s);
    memory_copy_from(r->memory, memory, RIG_OPERAND, 10);
    unsigned top = status >> 11 & 7;
    for (unsigned n = 0; n < 3; n++) {
        bool empty = (tags >> (top + n) % 8 * 2 & 3) == 3;
        const uint8_t *want = at(record, 42 + 10 * n);
        if (!empty && !same_number(op, s.st[n], want)) return n ? "ST(1), ST(2)" : "ST(0)";
    }
    if ((s.status ^ status) & mask) return "status";
    if (s.tag != tags) return "tag";
    if (memcmp(memory, at(record, 72), 10)) return "memory";
    bool sets_flags = (op->code & 0xFB) == 0xDB && op->modrm >= 0xE8;
    if (sets_flags && (flags_get(r->c) ^ word(record, 40)) & 0x45) return "EFLAGS";
    return "";
}

static void print_number(const char *name, const uint8_t *b)
{
    printf("  %s %04X:%016" PRIX64, name, word(b, 8), host_load(b, 8));
}

static void print_failure(struct rig *r, const struct op_row *op, const uint8_t *record,
                          const char *what)
{
    struct cpu_x87 s;
    cpu_get_x87(r->c, &s);
    printf("%s: %s is wrong, control %04X\n before", op->name, what, word(record, 2));
    print_number("st0", at(record, 6));
    print_number("st1", at(record, 16));
    print_number("mem", at(record, 26));
    printf("\n got   %04X %04X", s.status, s.tag);
    print_number("st0", s.st[0]);
    print_number("st1", s.st[1]);
    printf("\n want  %04X %04X", word(record, 36), word(record, 38));
    print_number("st0", at(record, 42));
    print_number("st1", at(record, 52));
    print_number("mem", at(record, 72));
    printf("\n");
}

START_TEST(real_processor)
{
    static struct op_row ops[OP_LIMIT];
    uint8_t header[16], record[RECORD_BYTES];
    FILE *f = open_vectors();
    if (!f) {
        printf("skipped: VITRO_CPUTESTS names no folder with x87/x87-real.x87v.gz\n");
        return;
    }
    ck_assert_uint_eq(fread(header, 1, sizeof header, f), sizeof header);
    ck_assert_mem_eq(header, "X87V1\0\0", 8);
    uint32_t op_count = (uint32_t)host_load(header + 8, 4),
             count = (uint32_t)host_load(header + 12, 4);
    ck_assert_uint_le(op_count, OP_LIMIT);
    for (uint32_t n = 0; n < op_count; n++) ck_assert(read_op(f, &ops[n]));

    struct rig r = rig_new();
    const unsigned limit = 3;  /* failures shown per instruction */
    unsigned failures = 0, shown[OP_LIMIT] = { 0 };
    for (uint32_t n = 0; n < count; n++) {
        ck_assert_uint_eq(fread(record, 1, sizeof record, f), sizeof record);
        ck_assert_uint_lt(word(record, 0), op_count);
        const struct op_row *op = &ops[word(record, 0)];
        prepare(&r, record);
        const char *wrong =
            rig_run(&r, op->code, op->modrm) ? compare_outcome(&r, op, record) : "a fault";
        if (!*wrong) continue;
        failures++;
        if (shown[op - ops]++ < limit) print_failure(&r, op, record, wrong);
    }
    for (uint32_t n = 0; n < op_count; n++)
        if (shown[n]) printf("%-16s %u wrong\n", ops[n].name, shown[n]);
    printf("%" PRIu32 " vectors, %u wrong\n", count, failures);
    pclose(f);
    rig_free(&r);
    ck_assert_uint_eq(failures, 0);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("x87 vectors");
    TCase *t = tcase_create("x87 vectors");
    tcase_set_timeout(t, 120);
    tcase_add_test(t, real_processor);
    suite_add_tcase(s, t);
    SRunner *runner = srunner_create(s);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
