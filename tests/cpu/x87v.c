/* SPDX-License-Identifier: MIT
 * X87V1 files: the x87 against results captured on a real processor. Everything is compared bit by
 * bit; transcendental results may be one unit in the last place off, and how many are is printed.
 */
#include "cpu/state.h"
#include "tests/cpu/cputest.h"

enum { RECORD_BYTES = 82, OP_LIMIT = 256, OPERAND = 0x8000, CODE = 0x10000, ULP_ROWS = 4 };
enum { SW_P = 1 << 5, SW_SF = 1 << 6, SW_C1 = 1 << 9 };
#define INTEGER_BIT (1ull << 63)

struct op { char name[17]; uint8_t code, modrm; bool approximate; uint16_t mask; };
struct op_tally { struct tally n; unsigned ulp[ULP_ROWS]; };    /* 0, 1, 2, more off */

static uint64_t bits(const uint8_t *at, unsigned n)
{
    uint64_t v = 0;
    for (unsigned k = 0; k < n; k++) v |= (uint64_t)at[k] << 8 * k;
    return v;
}
static uint16_t word(const uint8_t *at) { return (uint16_t)bits(at, 2); }

/* One instruction at CODE, [EAX] = OPERAND, and a HLT, in flat 32-bit protected mode. */
static void load(struct cputest *t, const struct op *op, const uint8_t *record)
{
    struct cpu_x87 f = { .control = word(record + 2), .status = 0x3000, .tag = word(record + 4) };
    struct cpu_regs g;
    const uint8_t code[] = { op->code, op->modrm, 0xF4 };
    uint8_t old[sizeof code];
    memcpy(f.st[0], record + 6, 10);
    memcpy(f.st[1], record + 16, 10);
    memory_copy_to(t->memory, OPERAND, record + 26, 10);
    memory_copy_from(t->memory, old, CODE, sizeof old);
    if (memcmp(old, code, sizeof code)) memory_copy_to(t->memory, CODE, code, sizeof code);
    cpu_reset(t->cpu, true);
    cpu_get_regs(t->cpu, &g);
    for (unsigned s = 0; s < 6; s++)
        g.seg[s] = (struct cpu_segment){ s == 1 ? 8 : 16, 0, 0xFFFFFFFF, s == 1 ? 0xC09B : 0xC093 };
    g.cr0 = 0x31;                  /* PE, ET, NE */
    g.gpr[0] = OPERAND;
    g.rip = CODE;
    g.rflags = 2;
    g.idt_limit = 0;
    cpu_set_regs(t->cpu, &g);
    cpu_set_x87(t->cpu, &f);
}

/* Distance of two numbers in units of the last place; a large one if they are not neighbours. */
static uint64_t distance(const uint8_t *a, const uint8_t *b)
{
    uint64_t ma = bits(a, 8), mb = bits(b, 8);
    uint16_t ea = word(a + 8), eb = word(b + 8);
    if (ea == eb) return ma > mb ? ma - mb : mb - ma;
    if (ea == eb + 1) return ma - INTEGER_BIT + (0 - mb);
    if (eb == ea + 1) return mb - INTEGER_BIT + (0 - ma);
    return ~0ull;
}

static bool same_number(const struct op *op, const uint8_t *got, const uint8_t *want,
                        struct op_tally *n)
{
    uint64_t ulp = memcmp(got, want, 10) ? distance(got, want) : 0;
    if (op->approximate) n->ulp[ulp < ULP_ROWS - 1 ? ulp : ULP_ROWS - 1]++;
    return !memcmp(got, want, 10) || (op->approximate && ulp <= 1);
}

/* C1 tells how a value was rounded that in a transcendental instruction itself is approximate. */
static uint16_t status_mask(const struct op *op, uint16_t status)
{
    bool rounded = op->approximate && status & SW_P && !(status & SW_SF);
    return rounded ? op->mask & (uint16_t)~SW_C1 : op->mask;
}

/* Which part of the outcome is wrong: "" if none. */
static const char *compare(struct cputest *t, const struct op *op, const uint8_t *record,
                           struct op_tally *n, struct cpu_x87 *f)
{
    struct cpu_regs g;
    uint8_t memory[10];
    uint16_t status = word(record + 36), tags = word(record + 38);
    cpu_get_regs(t->cpu, &g);
    cpu_get_x87(t->cpu, f);
    memory_copy_from(t->memory, memory, OPERAND, 10);
    if (g.rip != CODE + (t->chained ? 3u : 2u)) return "EIP";
    for (unsigned k = 0; k < 3; k++) {
        bool empty = (tags >> ((status >> 11 & 7) + k) % 8 * 2 & 3) == 3;
        const uint8_t *want = record + 42 + 10 * k;
        if (!empty && !same_number(op, f->st[k], want, n)) return k ? "ST(1), ST(2)" : "ST(0)";
    }
    if ((f->status ^ status) & status_mask(op, status)) return "status";
    if (f->tag != tags) return "tag";
    if (memcmp(memory, record + 72, 10)) return "memory";
    bool compares =
        (op->code & 0xFB) == 0xDB && op->modrm >= 0xE8; /* FCOMI, FUCOMI and their pops */
    return compares && (g.rflags ^ word(record + 40)) & 0x45 ? "EFLAGS" : "";
}

static void show_number(const char *name, const uint8_t *b)
{
    printf("  %s %04X:%016llX", name, word(b + 8), (unsigned long long)bits(b, 8));
}
static void show(const struct op *op, const uint8_t *record, const struct cpu_x87 *f,
                 const char *what)
{
    printf("    %s: %s is wrong, control %04X\n     before", op->name, what, word(record + 2));
    show_number("st0", record + 6);
    show_number("st1", record + 16);
    show_number("mem", record + 26);
    printf("\n     got   %04X %04X", f->status, f->tag);
    show_number("st0", f->st[0]);
    show_number("st1", f->st[1]);
    printf("\n     want  %04X %04X", word(record + 36), word(record + 38));
    show_number("st0", record + 42);
    show_number("st1", record + 52);
    show_number("mem", record + 72);
    printf("\n");
}

static void run_case(struct cputest *t, const struct op *op, const uint8_t *record,
                     struct op_tally *n)
{
    struct cpu_x87 f;
    load(t, op, record);
    cpu_run(t->cpu, cpu_ticks(t->cpu) + (t->chained ? 100 : 1));
    const char *wrong = compare(t, op, record, n, &f);
    if (!*wrong) n->n.passed++;
    else if (n->n.failed++ == 0 || t->all) show(op, record, &f, wrong);
}

static void report(struct cputest *t, const struct op *op, const struct op_tally *n)
{
    char form[8];
    snprintf(form, sizeof form, "%02X.%02X", op->code, op->modrm);
    tally_add(t, "x87", form, op->name, &n->n);
    if (op->approximate)
        printf("x87      %-8s %-16s units in the last place off: 0: %u, 1: %u, 2: %u, more: %u\n",
               form, op->name, n->ulp[0], n->ulp[1], n->ulp[2], n->ulp[3]);
}

static void get_op(struct input *in, struct op *op)
{
    memset(op, 0, sizeof *op);
    get_block(in, op->name, 16, 16);
    op->code = (uint8_t)get(in, 1);
    op->modrm = (uint8_t)get(in, 1);
    get(in, 1);
    op->approximate = get(in, 1);
    op->mask = (uint16_t)get(in, 2);
    get(in, 2);
}

bool x87v_file(struct cputest *t, const char *path, const uint8_t *data, size_t len)
{
    struct input in = { data + 8, data + len, false };
    /* FISTTP came with SSE3: its vectors are run whatever the default model has. */
    const struct cpu_model *original = t->cpu->model;
    struct cpu_model model = *original;
    struct op ops[OP_LIMIT];
    struct op_tally tallies[OP_LIMIT] = { 0 };
    uint32_t op_count = (uint32_t)get(&in, 4), count = (uint32_t)get(&in, 4), k = 0;
    for (uint32_t n = 0; n < op_count && n < OP_LIMIT; n++) get_op(&in, &ops[n]);
    if (op_count > OP_LIMIT) in.bad = true;
    model.feature[W_1C] |= 1;
    t->cpu->model = &model;
    for (; k < count && !in.bad; k++) {
        uint8_t record[RECORD_BYTES];
        get_block(&in, record, sizeof record, sizeof record);
        if (in.bad || word(record) >= op_count) break;
        run_case(t, &ops[word(record)], record, &tallies[word(record)]);
    }
    t->cpu->model = original;
    if (k < count || in.bad) printf("%s: bad at record %u of %u\n", path, k, count);
    else for (uint32_t n = 0; n < op_count; n++) report(t, &ops[n], &tallies[n]);
    return k == count && !in.bad;
}
