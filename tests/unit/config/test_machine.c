/* SPDX-License-Identifier: MIT
 * Whole machines with a ROM of a few bytes: time, resets, the ways a run ends, determinism.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "config/machine.h"
#include "config/typist.h"
#include "iodev/rtc.h"

enum { ROM_SIZE = 65536 };

static char rom_path[] = "/tmp/vitro-rom-XXXXXX";

static void hear(void *ctx, bool error, const char *text)
{
    (void)ctx, (void)error;
    ck_abort_msg("%s", text);
}

/* The code runs at F000:0000 in real mode. */
static void write_rom(const uint8_t *code, size_t len)
{
    static const uint8_t reset_vector[5] = { 0xEA, 0x00, 0x00, 0x00, 0xF0 };   /* jmp f000:0000 */
    static uint8_t rom[ROM_SIZE];
    memset(rom, 0xF4, sizeof rom);
    memcpy(rom, code, len);
    memcpy(rom + 0xFFF0, reset_vector, sizeof reset_vector);
    FILE *out = fopen(rom_path, "wb");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(rom, 1, sizeof rom, out), sizeof rom);
    fclose(out);
}

struct rig {
    struct config *c;
    struct machine *m;
};

static struct rig start(const uint8_t *code, size_t len, const char *line)
{
    struct rig r = { config_new(&(struct config_report){ hear, NULL }), NULL };
    char rom[100];
    write_rom(code, len);
    snprintf(rom, sizeof rom, "romimage: file=%s", rom_path);
    ck_assert(config_read_line(r.c, "test", rom) && config_read_line(r.c, "test", "megs: 2") &&
              config_read_line(r.c, "test", "clock: sync=none, time0=0") &&
              config_read_line(r.c, "test", line));
    ck_assert(config_check(r.c));
    r.m = machine_new(r.c, NULL, true);
    ck_assert_ptr_nonnull(r.m);
    return r;
}

static void stop(struct rig *r)
{
    machine_free(r->m);
    config_free(r->c);
}

/* ---- time ------------------------------------------------------------------------------------ */
static const uint8_t halt[] = { 0xFA, 0xF4 };                          /* cli; hlt */

START_TEST(ticks_and_nanoseconds)
{
    static const uint64_t speeds[] = { 100000, 999983, 100000000, 1000000000, 3333333333u };
    for (unsigned i = 0; i < COUNT_OF(speeds); i++) {
        char line[64];
        snprintf(line, sizeof line, "cpu: ips=%llu", (unsigned long long)speeds[i]);
        struct rig r = start(halt, sizeof halt, "clock: sync=none");
        ck_assert(config_read_line(r.c, "test", line));
        machine_free(r.m);
        r.m = machine_new(r.c, NULL, true);
        for (nanos due = 1; due < 1000 * SECOND; due = due * 3 + 1) {
            uint64_t tick = machine_tick_of(r.m, due);
            ck_assert_uint_ge(muldiv64(tick, SECOND, speeds[i]), due);         /* reached */
            ck_assert_uint_lt(muldiv64(tick - 1, SECOND, speeds[i]), due);     /* not before */
        }
        ck_assert_uint_eq(machine_tick_of(r.m, UINT64_MAX), UINT64_MAX);
        stop(&r);
    }
}
END_TEST

START_TEST(a_dead_machine_still_has_time)
{
    struct rig r = start(halt, sizeof halt, "cpu: ips=1000000");
    machine_advance(r.m, 12345, 1000000);
    ck_assert_uint_eq(machine_ticks(r.m), 12345);
    ck_assert_uint_eq(machine_now(r.m), 12345000);
    ck_assert_uint_eq(machine_retired(r.m), 3);        /* jmp, cli, hlt */
    ck_assert(machine_is_dead(r.m));
    ck_assert(!machine_ended(r.m, NULL));
    stop(&r);
}
END_TEST

static const uint8_t spin[] = { 0xEB, 0xFE };                          /* jmp $ */

START_TEST(budget_and_end_are_exact)
{
    struct rig r = start(spin, sizeof spin, "cpu: ips=1000000");
    machine_advance(r.m, 1000000, 777);
    ck_assert_uint_eq(machine_ticks(r.m), 777);
    machine_advance(r.m, 1000, 1000000);
    ck_assert_uint_eq(machine_ticks(r.m), 1000);
    machine_advance(r.m, 500, 1000000);
    ck_assert_uint_eq(machine_ticks(r.m), 1000);
    ck_assert(!machine_is_dead(r.m));
    stop(&r);
}
END_TEST

/* ---- the end --------------------------------------------------------------------------------- */
START_TEST(exit_port)
{
    static const uint8_t code[] = {
        0xBA, 0xF4, 0x00, 0xB0, 0x05, 0xEE, 0xEB, 0xFE     /* out f4h, 5 */
    };
    struct rig r = start(code, sizeof code, "isa_debug_exit: port=0xf4");
    int exit_code = -1;
    machine_advance(r.m, 1000000, 1000000);
    ck_assert(machine_ended(r.m, &exit_code));
    ck_assert_int_eq(exit_code, 11);
    ck_assert_uint_eq(machine_ticks(r.m), 4);          /* right after the instruction */
    stop(&r);
}
END_TEST

/* lidt of an empty table, then int3. */
static const uint8_t triple_fault[] = {
    0x2E, 0x0F, 0x01, 0x1E, 0x07, 0x00, 0xCC, 0, 0, 0, 0, 0, 0
};

START_TEST(triple_fault_ends)
{
    struct rig r = start(triple_fault, sizeof triple_fault, "cpu: reset_on_triple_fault=0");
    int exit_code = -1;
    machine_advance(r.m, 1000, 1000);
    ck_assert(machine_ended(r.m, &exit_code));
    ck_assert_int_eq(exit_code, MACHINE_EXIT_TRIPLE_FAULT);
    stop(&r);
}
END_TEST

START_TEST(triple_fault_resets)
{
    struct rig r = start(triple_fault, sizeof triple_fault, "cpu: reset_on_triple_fault=1");
    machine_advance(r.m, 1000, 1000);
    ck_assert(!machine_ended(r.m, NULL));
    ck_assert_uint_eq(machine_ticks(r.m), 1000);
    stop(&r);
}
END_TEST

START_TEST(triple_fault_is_told_once)
{
    struct rig r = start(triple_fault, sizeof triple_fault, "cpu: reset_on_triple_fault=0");
    char path[] = "/tmp/vitro-log-XXXXXX", text[4096];
    int fd = mkstemp(path);
    struct log *log = log_new();
    ck_assert(fd >= 0 && log_open(log, path));
    machine_free(r.m);
    r.m = machine_new(r.c, log, true);
    machine_advance(r.m, 1000, 1000);
    stop(&r);
    log_free(log);
    ssize_t n = read(fd, text, sizeof text - 1);
    text[n > 0 ? n : 0] = 0;
    close(fd);
    unlink(path);
    const char *story = strstr(text, "Triple fault at F000:");
    ck_assert_msg(story != NULL, "%s", text);
    ck_assert_ptr_null(strstr(story + 1, "Triple fault"));
}
END_TEST

/* Counts its starts in RAM; the third one writes the number to the exit port. `how` resets. */
static void check_resets(const uint8_t *how, size_t len)
{
    uint8_t code[64] = { 0x31, 0xC0, 0x8E, 0xD8,               /* xor ax,ax; mov ds,ax      */
                         0xFE, 0x06, 0x00, 0x05,               /* inc byte [500h]           */
                         0xA0, 0x00, 0x05, 0x3C, 0x03,         /* mov al,[500h]; cmp al,3   */
                         0x72, 0x03,                           /* jb +3                     */
                         0xE6, 0xF4, 0xF4 };                   /* out f4h,al; hlt           */
    memcpy(code + 18, how, len);
    struct rig r = start(code, sizeof code, "isa_debug_exit: port=0xf4");
    int exit_code = -1;
    machine_advance(r.m, 10000000, 10000000);
    ck_assert(machine_ended(r.m, &exit_code));
    ck_assert_int_eq(exit_code, 7);
    stop(&r);
}

START_TEST(reset_by_cf9)
{
    static const uint8_t how[] = { 0xBA, 0xF9, 0x0C, 0xB0, 0x06, 0xEE, 0xEB, 0xFE };
    check_resets(how, sizeof how);
}
END_TEST

START_TEST(reset_by_keyboard_controller)
{
    static const uint8_t how[] = { 0xB0, 0xFE, 0xE6, 0x64, 0xEB, 0xFE };
    check_resets(how, sizeof how);
}
END_TEST

/* Bit 0 resets when it rises; bit 1 keeps A20 open, or the ROM would be out of reach. */
START_TEST(reset_by_port_92)
{
    static const uint8_t how[] = { 0xB0, 0x02, 0xE6, 0x92, 0xB0, 0x03, 0xE6, 0x92, 0xEB, 0xFE };
    check_resets(how, sizeof how);
}
END_TEST

START_TEST(reset_button_keeps_time)
{
    struct rig r = start(spin, sizeof spin, "cpu: ips=1000000");
    machine_advance(r.m, 5000, 1000000);
    machine_reset(r.m);
    ck_assert_uint_eq(machine_ticks(r.m), 5000);
    machine_advance(r.m, 6000, 1000000);
    ck_assert_uint_eq(machine_ticks(r.m), 6000);
    stop(&r);
}
END_TEST

/* ---- interrupts and determinism -------------------------------------------------------------- */
/* Programs PIC and PIT (IRQ 0 about every 100 us, vector 8), counts interrupts at [500h] and mixes
 * the PIT's counter into [502h], with HLT in between. */
static const uint8_t ticking[] = {
    0x31, 0xC0, 0x8E, 0xD8, 0x8E, 0xD0, 0xBC, 0x00, 0x70, /* xor ax,ax; ds=ss=0; sp=7000h */
    0xC7, 0x06, 0x20, 0x00, 0x3A, 0x00, /* mov word [20h],3ah */
    0xC7, 0x06, 0x22, 0x00, 0x00, 0xF0, /* mov word [22h],f000h */
    0xB0, 0x11, 0xE6, 0x20, 0xB0, 0x08, 0xE6, 0x21, /* ICW1, ICW2 */
    0xB0, 0x04, 0xE6, 0x21, 0xB0, 0x01, 0xE6, 0x21, /* ICW3, ICW4 */
    0xB0, 0xFE, 0xE6, 0x21, /* only IRQ 0 */
    0xB0, 0x34, 0xE6, 0x43, 0xB0, 0x77, 0xE6, 0x40, 0xB0, 0x00, 0xE6, 0x40, /* counter 0: 119 */
    0xFB, 0xF4, 0xEB, 0xFC, /* l: sti; hlt; jmp l */
    0x90, 0xFF, 0x06, 0x00, 0x05, /* nop; 3ah: inc word [500h] */
    0xB0, 0x00, 0xE6, 0x43, 0xE4, 0x40, 0x00, 0x06, 0x02, 0x05, /* latch; in; add */
    0xB0, 0x20, 0xE6, 0x20, 0xCF, /* EOI; iret */
};

static uint64_t run_ticking(uint64_t slice, uint64_t budget, unsigned *interrupts)
{
    struct rig r = start(ticking, sizeof ticking, "cpu: ips=7654321");
    while (machine_ticks(r.m) < 1000000) {
        uint64_t until = machine_ticks(r.m) + slice;
        machine_advance(r.m, until < 1000000 ? until : 1000000, budget);
    }
    *interrupts = (unsigned)memory_read(board_memory(machine_board(r.m)), 0x500, WORD);
    uint64_t hash = machine_hash(r.m);
    stop(&r);
    return hash;
}

START_TEST(slices_change_nothing)
{
    unsigned n[4];
    ck_assert_uint_eq(ticking[0x3A], 0xFF);            /* the handler is where its vector points */
    uint64_t whole = run_ticking(UINT32_MAX, UINT64_MAX, &n[0]);
    ck_assert_uint_eq(whole, run_ticking(997, UINT64_MAX, &n[1]));
    ck_assert_uint_eq(whole, run_ticking(UINT32_MAX, 13, &n[2]));
    ck_assert_uint_eq(whole, run_ticking(31, 5, &n[3]));
    /* 1000000 ticks at 7654321 per second, 1193182 / 119 interrupts per second */
    ck_assert_uint_ge(n[0], 1308);
    ck_assert_uint_le(n[0], 1310);
    ck_assert_uint_eq(n[0], n[3]);
}
END_TEST

/* ---- keys ------------------------------------------------------------------------------------ */
START_TEST(keys_arrive_in_their_order_and_not_before)
{
    struct rig r = start(spin, sizeof spin, "cpu: ips=1000000");
    uint64_t before;
    machine_advance(r.m, 1000, 1000000);
    ck_assert(machine_key(r.m, 0x04, false, 50000000));        /* up in 50 ms */
    ck_assert(machine_key(r.m, 0x04, true, 0));
    before = machine_hash(r.m);
    ck_assert_uint_eq(before, machine_hash(r.m));
    machine_advance(r.m, 50000, 1000000);
    ck_assert_uint_eq(memory_read(board_memory(machine_board(r.m)), 0x500, BYTE), 0);
    ck_assert_uint_ne(before, machine_hash(r.m));
    for (unsigned i = 0; i < 253; i++) ck_assert(machine_key(r.m, 0x04, true, SECOND));
    ck_assert(!machine_key(r.m, 0x04, true, SECOND));
    stop(&r);
}
END_TEST

/* What the guest's keyboard and mouse get, and when. */
struct heard {
    struct machine *m;
    nanos when[1000];
    int what[1000];                        /* key, -key: up; 1000 + buttons */
    int dx[1000];
    unsigned count;
};

static void hear_key(void *ctx, unsigned usage, bool down)
{
    struct heard *h = ctx;
    h->when[h->count] = machine_now(h->m);
    h->what[h->count++] = down ? (int)usage : -(int)usage;
}

static void hear_mouse(void *ctx, int dx, int dy, int dz, unsigned buttons)
{
    struct heard *h = ctx;
    (void)dy, (void)dz;
    h->when[h->count] = machine_now(h->m);
    h->dx[h->count] = dx;
    h->what[h->count++] = 1000 + (int)buttons;
}

static struct rig listen(struct heard *h)
{
    struct rig r = start(spin, sizeof spin, "cpu: ips=1000000");
    *h = (struct heard){ .m = r.m };
    board_set_input(machine_board(r.m), &(struct input){ h, hear_key, hear_mouse });
    return r;
}

/* All that was typed while the host did something else comes at once. */
START_TEST(keys_of_a_person_come_one_after_the_other)
{
    static const int expect[] = { 0xE1, 1000, 0x04, -0x04, 1001, 1000, 0x05, -0x05, -0xE1, 1000 };
    static struct heard h;
    struct rig r = listen(&h);
    nanos last = 0;
    machine_advance(r.m, 100000, 1000000);
    ck_assert(machine_user_is_served(r.m));
    for (unsigned i = 0; i < COUNT_OF(expect); i++) {
        int what = expect[i];
        if (what < 1000) ck_assert(machine_user_key(r.m, (unsigned)abs(what), what > 0));
        else
            for (unsigned k = 0; k < 10; k++) machine_mouse(r.m, 1, 0, 0, (unsigned)what - 1000);
    }
    ck_assert(!machine_user_is_served(r.m));
    machine_advance(r.m, 200000, 1000000);
    ck_assert(machine_user_is_served(r.m));
    ck_assert_uint_eq(h.count, COUNT_OF(expect));
    for (unsigned i = 0; i < h.count; i++) {
        ck_assert_int_eq(h.what[i], expect[i]);
        if (h.what[i] >= 1000) {
            ck_assert_int_eq(h.dx[i], 10);
            continue;
        }
        if (last) ck_assert_uint_eq(h.when[i] - last, 7500000);
        else ck_assert_uint_eq(h.when[i], 100000000);              /* the first at once */
        last = h.when[i];
    }
    stop(&r);
}
END_TEST

/* The keys that ask for it, Ctrl+Alt+V say, are not held while a text is typed. */
START_TEST(a_pasted_text_comes_after_the_keys)
{
    static const int expect[] = { 0xE0, 0xE2, -0xE0, -0xE2, 0x04, -0x04 };
    static struct heard h;
    struct rig r = listen(&h);
    struct typist *t = typist_new(NULL, 30000000, NULL);
    for (unsigned i = 0; i < 4; i++)
        machine_user_key(r.m, (unsigned)abs(expect[i]), expect[i] > 0);
    typist_paste(t, "a");
    for (unsigned i = 1; i < 20; i++) {
        typist_poll(t, r.m);
        machine_advance(r.m, i * 5000, 1000000);
    }
    ck_assert_uint_eq(h.count, COUNT_OF(expect));
    for (unsigned i = 0; i < h.count; i++) ck_assert_int_eq(h.what[i], expect[i]);
    typist_free(t);
    stop(&r);
}
END_TEST

START_TEST(no_release_and_no_last_button_is_lost)
{
    static struct heard h;
    struct rig r = listen(&h);
    bool down[256] = { 0 }, lost = false;
    int buttons = -1;
    for (unsigned i = 0; i < 100; i++) {
        for (unsigned key = 4; key < 12; key++) lost |= !machine_user_key(r.m, key, true);
        machine_mouse(r.m, 1, 0, 0, i & 1 ? 1 : 2);
        for (unsigned key = 4; key < 12; key++) machine_user_key(r.m, key, i & 1 && key == 5);
    }
    for (unsigned key = 4; key < 250; key++) machine_user_key(r.m, key, true);
    for (unsigned i = 0; i < 100; i++) machine_mouse(r.m, 0, 0, 0, i & 1);
    machine_mouse(r.m, 0, 0, 0, 4);
    for (unsigned key = 4; key < 250; key++) machine_user_key(r.m, key, false);
    ck_assert(lost);
    machine_advance(r.m, 10000000, UINT64_MAX);
    for (unsigned i = 0; i < h.count; i++) {
        if (h.what[i] >= 1000) buttons = h.what[i] - 1000;
        else down[abs(h.what[i])] = h.what[i] > 0;
    }
    for (unsigned key = 0; key < 256; key++) ck_assert(!down[key]);
    ck_assert_int_eq(buttons, 4);
    stop(&r);
}
END_TEST

/* ---- what a config's words do to the board --------------------------------------------------- */
static struct machine *bare(struct config **c, const char *line)
{
    *c = config_new(&(struct config_report){ hear, NULL });
    ck_assert(config_read_line(*c, "test", line) && config_check(*c));
    struct machine *m = machine_new(*c, NULL, false);
    ck_assert_ptr_nonnull(m);
    return m;
}

START_TEST(translation_reaches_the_cmos)
{
    static const struct { const char *word; uint8_t expect; } cases[] = {
        { "auto", 0 }, { "none", 0 }, { "lba", 4 }, { "large", 8 }, { "echs", 8 }, { "rechs", 12 },
    };
    static const uint8_t halts[1] = { 0xF4 };
    write_rom(halts, sizeof halts);                    /* 64 KiB: a small disk will do */
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        struct config *c;
        char line[200];
        snprintf(line, sizeof line, "ata0-slave: type=disk, path=%s, translation=%s", rom_path,
                 cases[i].word);
        struct machine *m = bare(&c, line);
        ck_assert_uint_eq(cmos_get(board_find(machine_board(m), "rtc"), 0x39), cases[i].expect);
        machine_free(m);
        config_free(c);
    }
}
END_TEST

/* What a mouse answers to "identify" after the knock for the wheel; -1: nothing. */
static int mouse_id(struct machine *m)
{
    static const uint8_t sent[] = { 0xF3, 200, 0xF3, 100, 0xF3, 80, 0xF2 };
    struct board *b = machine_board(m);
    int last = -1;
    board_out(b, 0x64, 0xA8, BYTE);
    for (unsigned i = 0; i < sizeof sent; i++) {
        board_out(b, 0x64, 0xD4, BYTE);
        board_out(b, 0x60, sent[i], BYTE);
        for (unsigned k = 0; k < 3; k++) {
            clock_advance(board_clock(b), machine_now(m) + 5000000);
            if (board_in(b, 0x64, BYTE) & 1) last = (int)board_in(b, 0x60, BYTE);
        }
    }
    return last;
}

START_TEST(mouse_types)
{
    static const struct { const char *line; int id; } cases[] = {
        { "mouse: enabled=0", 3 }, { "mouse: type=imps2", 3 }, { "mouse: type=ps2", 0 },
        { "mouse: type=none", -1 },
    };
    for (unsigned i = 0; i < COUNT_OF(cases); i++) {
        struct config *c;
        struct machine *m = bare(&c, cases[i].line);
        ck_assert_int_eq(mouse_id(m), cases[i].id);
        machine_free(m);
        config_free(c);
    }
}
END_TEST

static void hear_irq(void *ctx, unsigned irq, bool level)
{
    char *heard = ctx;
    size_t used = strlen(heard);
    snprintf(heard + used, 64 - used, "%u%c ", irq, level ? '+' : '-');
}

/* The PIT's output in mode 0 falls with the control word and rises at the end of its count. */
START_TEST(requests_are_told_as_they_change)
{
    struct config *c;
    struct machine *m = bare(&c, "memory: guest=8");
    struct board *b = machine_board(m);
    char heard[64] = "";
    board_out(b, 0x43, 0x30, BYTE);
    machine_on_irq(m, hear_irq, heard);
    board_out(b, 0x40, 0x10, BYTE);
    board_out(b, 0x40, 0x00, BYTE);
    clock_advance(board_clock(b), machine_now(m) + SECOND / 1000);
    board_out(b, 0x43, 0x30, BYTE);
    ck_assert_str_eq(heard, "0+ 0- ");
    machine_on_irq(m, NULL, NULL);
    board_out(b, 0x43, 0x34, BYTE);
    ck_assert_str_eq(heard, "0+ 0- ");
    machine_free(m);
    config_free(c);
}
END_TEST

START_TEST(board_without_processor)
{
    struct config *c = config_new(&(struct config_report){ hear, NULL });
    ck_assert(config_check(c));
    struct machine *m = machine_new(c, NULL, false);
    ck_assert_ptr_nonnull(m);
    ck_assert_ptr_null(machine_cpu(m));
    clock_advance(board_clock(machine_board(m)), 1000);
    ck_assert_uint_eq(machine_now(m), 1000);
    board_out(machine_board(m), 0xCF9, 6, BYTE);       /* a reset does not need one either */
    machine_advance(m, 0, 0);
    machine_free(m);
    config_free(c);
}
END_TEST

int main(void)
{
    int fd = mkstemp(rom_path);
    if (fd < 0) return 1;
    close(fd);
    Suite *s = suite_create("machine");
    TCase *t = tcase_create("all");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, ticks_and_nanoseconds);
    tcase_add_test(t, a_dead_machine_still_has_time);
    tcase_add_test(t, budget_and_end_are_exact);
    tcase_add_test(t, exit_port);
    tcase_add_test(t, triple_fault_ends);
    tcase_add_test(t, triple_fault_resets);
    tcase_add_test(t, triple_fault_is_told_once);
    tcase_add_test(t, reset_by_cf9);
    tcase_add_test(t, reset_by_keyboard_controller);
    tcase_add_test(t, reset_by_port_92);
    tcase_add_test(t, reset_button_keeps_time);
    tcase_add_test(t, slices_change_nothing);
    tcase_add_test(t, keys_arrive_in_their_order_and_not_before);
    tcase_add_test(t, keys_of_a_person_come_one_after_the_other);
    tcase_add_test(t, a_pasted_text_comes_after_the_keys);
    tcase_add_test(t, no_release_and_no_last_button_is_lost);
    tcase_add_test(t, translation_reaches_the_cmos);
    tcase_add_test(t, mouse_types);
    tcase_add_test(t, requests_are_told_as_they_change);
    tcase_add_test(t, board_without_processor);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    unlink(rom_path);
    return failed != 0;
}
