/* SPDX-License-Identifier: MIT
 * Lines of a bochsrc: what they mean, and what is complained about.
 */
#include "config/lexer.h"
#include "tests/unit/config/config_bench.h"

/* ---- the lexer ------------------------------------------------------------------------------- */
static const char *expand(void *ctx, const char *name)
{
    (void)ctx;
    return strcmp(name, "DIR") ? NULL : "/a,b=c";
}

START_TEST(parts_of_a_line)
{
    struct config_line l;
    ck_assert_ptr_null(lex_line(
        &l, "  ata0-master :type = disk , path=\"a, b=c.img\",x,y=  # rest\r\n", expand, NULL));
    ck_assert_str_eq(l.name, "ata0-master");
    ck_assert_uint_eq(l.params, 4);
    ck_assert_str_eq(l.param[0].name, "type");
    ck_assert_str_eq(l.param[0].value, "disk");
    ck_assert_str_eq(l.param[1].value, "a, b=c.img");
    ck_assert_str_eq(l.param[2].name, "");
    ck_assert_str_eq(l.param[2].value, "x");
    ck_assert_str_eq(l.param[3].name, "y");
    ck_assert_str_eq(l.param[3].value, "");
    lex_free(&l);
}
END_TEST

START_TEST(only_the_first_colon_separates)
{
    struct config_line l;
    ck_assert_ptr_null(lex_line(&l, "com1: dev=localhost:4444, a=b=c", expand, NULL));
    ck_assert_str_eq(l.param[0].value, "localhost:4444");
    ck_assert_str_eq(l.param[1].value, "b=c");
    lex_free(&l);
}
END_TEST

START_TEST(variables_are_one_value)
{
    struct config_line l;
    ck_assert_ptr_null(lex_line(&l, "romimage: file=$DIR/x$NOPE", expand, NULL));
    ck_assert_uint_eq(l.params, 1);
    ck_assert_str_eq(l.param[0].value, "/a,b=c/x$NOPE");
    lex_free(&l);
}
END_TEST

START_TEST(comments_and_blank_lines)
{
    static const char *const blank[] = { "", "# x: y", "   # z", "\r\n", "\t" };
    struct config_line l;
    for (unsigned i = 0; i < COUNT_OF(blank); i++) {
        ck_assert_ptr_null(lex_line(&l, blank[i], expand, NULL));
        ck_assert_ptr_null(l.name);
        lex_free(&l);
    }
    ck_assert_ptr_null(lex_line(&l, "log: a#b.txt", expand, NULL));
    ck_assert_str_eq(l.param[0].value, "a#b.txt");
    lex_free(&l);
}
END_TEST

START_TEST(malformed_lines)
{
    struct config_line l;
    char many[2000] = "x: ";
    for (unsigned i = 0; i < 200; i++) strcat(many, "a=1,");
    ck_assert_ptr_nonnull(lex_line(&l, "log: \"open", expand, NULL));
    lex_free(&l);
    ck_assert_ptr_nonnull(lex_line(&l, "log: \001", expand, NULL));
    lex_free(&l);
    ck_assert_ptr_nonnull(lex_line(&l, many, expand, NULL));
    lex_free(&l);
    ck_assert_ptr_nonnull(lex_line(&l, "no directive", expand, NULL));
    ck_assert_str_eq(l.name, "no directive");
    lex_free(&l);
}
END_TEST

/* ---- values ---------------------------------------------------------------------------------- */
START_TEST(defaults)
{
    struct heard h;
    struct config *c = new_config(&h);
    ck_assert(config_check(c));
    ck_assert_uint_eq(c->memory_mib, 128);
    ck_assert_uint_eq(c->ips, 100000000);
    ck_assert(c->reset_on_triple_fault && c->pci && c->fw_cfg);
    ck_assert(c->ata[0].enabled && c->ata[1].enabled && !c->ata[2].enabled);
    ck_assert_uint_eq(c->ata[1].ioaddr1, 0x170);
    ck_assert(c->com[0].enabled && !c->com[1].enabled);
    ck_assert_str_eq(c->boot[0], "floppy");
    ck_assert_uint_eq(h.warnings + h.errors, 0);
    config_free(c);
}
END_TEST

START_TEST(values_arrive)
{
    struct heard h;
    struct config *c = new_config(&h);
    read_ok(c, "megs: 64");
    read_ok(c, "cpu: count=1, ips=0x1000000, reset_on_triple_fault=no, model=p4");
    read_ok(c, "ATA2: enabled=on, ioaddr1=0x1e8, irq=11");
    read_ok(c, "ata0-slave: type=disk, mode=volatile, path=x.img, cylinders=20, heads=4, spt=17, "
               "model=\"A B\"");
    read_ok(c, "floppya: 1_2=f.img, status=ejected, write_protected=1");
    read_ok(c, "boot: c, cdrom");
    read_ok(c, "com2: mode=file, dev=out.txt");
    read_ok(c, "clock: sync=realtime, time0=\"Sat Jan  1 00:00:00 2000\"");
    read_ok(c, "display_library: term, options=\"a,b\"");
    ck_assert_uint_eq(c->memory_mib, 64);
    ck_assert_uint_eq(c->ips, 0x1000000);
    ck_assert(!c->reset_on_triple_fault);
    ck_assert_str_eq(c->cpu_model, "p4");
    ck_assert(c->ata[2].enabled);
    ck_assert_str_eq(c->ata[0].drive[1].mode, "volatile");
    ck_assert_str_eq(c->ata[0].drive[1].image.path, "x.img");
    ck_assert_str_eq(c->ata[0].drive[1].image.origin, "here");
    ck_assert_str_eq(c->ata[0].drive[1].model, "A B");
    ck_assert_uint_eq(c->ata[0].drive[1].spt, 17);
    ck_assert_str_eq(c->floppy[0].type, "1_2");
    ck_assert(!c->floppy[0].inserted && c->floppy[0].write_protected);
    ck_assert_str_eq(c->boot[0], "disk");
    ck_assert_str_eq(c->boot[1], "cdrom");
    ck_assert_ptr_null(c->boot[2]);
    ck_assert(c->com[1].enabled);                    /* a mode was given: it is meant to be there */
    ck_assert_str_eq(c->time0, "946684800");
    ck_assert_str_eq(c->display_options, "a,b");
    ck_assert_uint_eq(h.warnings + h.errors, 0);
    config_free(c);
}
END_TEST

START_TEST(later_lines_win)
{
    struct heard h;
    struct config *c = new_config(&h);
    read_ok(c, "clock: sync=none, time0=utc");
    read_ok(c, "clock: sync=both");
    ck_assert_str_eq(c->sync, "both");
    ck_assert_str_eq(c->time0, "utc");
    read_ok(c, "boot: floppy, disk");
    read_ok(c, "boot: cdrom");
    ck_assert_str_eq(c->boot[0], "cdrom");
    ck_assert_ptr_null(c->boot[1]);
    config_free(c);
}
END_TEST

START_TEST(time0_forms)
{
    static const char *const forms[][2] = {
        { "local", "local" }, { "1", "local" }, { "utc", "utc" }, { "2", "utc" }, { "0", "0" },
        { "938581955", "938581955" }, { "\"Fri Feb 29 12:34:56 2008\"", "1204288496" },
    };
    struct heard h;
    struct config *c = new_config(&h);
    char line[100];
    for (unsigned i = 0; i < COUNT_OF(forms); i++) {
        snprintf(line, sizeof line, "clock: time0=%s", forms[i][0]);
        read_ok(c, line);
        ck_assert_str_eq(c->time0, forms[i][1]);
    }
    config_free(c);
}
END_TEST

START_TEST(old_forms)
{
    struct heard h;
    struct config *c = new_config(&h);
    read_ok(c, "ips: 4000000");
    read_ok(c, "diskc: file=c.img, cyl=615, heads=6, spt=17");
    read_ok(c, "cdromd: dev=x.iso, status=inserted");
    read_ok(c, "vgaromimage: $NOWHERE/VGABIOS");
    read_ok(c, "i440fxsupport: enabled=0");
    ck_assert_uint_eq(c->ips, 4000000);
    ck_assert_str_eq(c->ata[0].drive[0].image.path, "c.img");
    ck_assert_uint_eq(c->ata[0].drive[0].cylinders, 615);
    ck_assert_str_eq(c->ata[0].drive[1].type, "cdrom");
    ck_assert_str_eq(c->vgaromimage.file.path, "$NOWHERE/VGABIOS");
    ck_assert(!c->pci);
    ck_assert_uint_eq(h.errors, 0);
    ck_assert_ptr_nonnull(strstr(h.text, "warning here: ips: is an old form"));
    config_free(c);
}
END_TEST

START_TEST(log_rules)
{
    struct heard h;
    struct config *c = new_config(&h);
    read_ok(c, "error: action=report, harddrv=ignore");
    read_ok(c, "error: harddrv=fatal");
    ck_assert_uint_eq(c->rules, 2);
    ck_assert_ptr_null(c->rule[0].module);
    ck_assert_str_eq(c->rule[1].module, "harddrv");
    ck_assert_int_eq(c->rule[1].level, LOG_ERROR);
    ck_assert_int_eq(c->rule[1].action, LOG_FATAL);
    for (unsigned i = 0; i < 200; i++) {
        char line[64];
        snprintf(line, sizeof line, "debug: module%u=report", i);
        config_read_line(c, "here", line);
    }
    ck_assert_uint_eq(c->rules, CONFIG_RULES);
    config_free(c);
}
END_TEST

/* ---- complaints ------------------------------------------------------------------------------ */
START_TEST(malformed_values_are_errors)
{
    static const char *const lines[] = {
        "megs: many",
        "megs: 0",
        "megs: -1",
        "megs: 99999999999999999999",
        "cpu: ips=fast",
        "cpu: ips=1",
        "ata0-master: type=tape",
        "ata0-master: cylinders=0x",
        "ata0: irq=16",
        "ata0: enabled=maybe",
        "floppya: status=burnt",
        "floppya: type=8inch",
        "boot: floopy",
        "panic: action=maybe",
        "panic: report",
        "clock: time0=whenever",
        "clock: time0=\"Sat Foo  1 00:00:00 2000\"",
        "clock: sync=sometimes",
        "com1: mode=smoke",
        "gdbstub: port=0",
        "log: \"x",
        "ips: many",
        "diskc: file=c.img, cyl=x",
        "#include",
        "#include /no/such/file",
    };
    for (unsigned i = 0; i < COUNT_OF(lines); i++) {
        struct heard h;
        struct config *c = new_config(&h);
        ck_assert_msg(!config_read_line(c, "line:7", lines[i]), "%s", lines[i]);
        ck_assert_msg(strstr(h.text, "error line:7: ") != NULL, "%s: %s", lines[i], h.text);
        ck_assert(!config_check(c));
        config_free(c);
    }
}
END_TEST

START_TEST(unknown_things_are_warnings)
{
    static const char *const lines[] = {
        "frobnicate: 1",
        "just text",
        "cpu: turbo=1",
        "cpu: count=4",
        "megs: 32, 64",
        "sb16: wavemode=1",
        "ne2k: ioaddr=0x300",
        "usb_uhci: enabled=1",
        "vga: extension=cirrus",
        "pci: chipset=i440bx",
        "floppya: colour=red",
        "com1: mode=mouse",
        "boot: usb",
        "cpuid: level=6",
        "parport1: file=x",
        "floppya: image=vvfat:dir",
        "clock: rtc_sync=1",
        "logprefix: %t-%e",
        "magic_break: enabled=1",
        "mouse: type=serial",
    };
    for (unsigned i = 0; i < COUNT_OF(lines); i++) {
        struct heard h;
        struct config *c = new_config(&h);
        ck_assert_msg(config_read_line(c, "line:7", lines[i]), "%s", lines[i]);
        if (strcmp(lines[i], "megs: 32, 64"))
            ck_assert_msg(h.warnings == 1, "%s: %s", lines[i], h.text);
        ck_assert_msg(config_check(c), "%s: %s", lines[i], h.text);
        config_free(c);
    }
}
END_TEST

START_TEST(what_makes_no_difference_is_silent)
{
    static const char *const lines[] = {
        "usb_uhci: enabled=0",
        "parport2: enabled=0",
        "parport1: enabled=1, file=none",
        "private_colormap: enabled=0",
        "config_interface: textconfig",
        "plugin_ctrl: unmapped=1, biosdev=1",
        "print_timestamps: enabled=0",
        "keyboard: type=mf, serial_delay=250, keymap=/x/y.map",
        "vga: extension=vbe, update_freq=5, realtime=1",
        "magic_break: enabled=0",
        "optromimage1: file=none",
        "logprefix: %t%e%d",
        "cpu: count=1:1:1",
        "mouse: type=ps2, enabled=0, toggle=ctrl+mbutton",
        "mouse: type=none, enabled=1",
        "ata0-master: type=none, journal=none, translation=lba",
        "memory: guest=32, host=32",
        "megs: 32",
        "pci: enabled=1, chipset=i440fx, slot1=pcivga",
        "ata0-master: type=none",
    };
    for (unsigned i = 0; i < COUNT_OF(lines); i++) {
        struct heard h;
        struct config *c = new_config(&h);
        ck_assert(config_read_line(c, "here", lines[i]));
        ck_assert(config_check(c));
        ck_assert_msg(h.warnings == 0, "%s: %s", lines[i], h.text);
        config_free(c);
    }
}
END_TEST

START_TEST(one_warning_for_each_directive)
{
    struct heard h;
    struct config *c = new_config(&h);
    for (unsigned i = 0; i < 5; i++) read_ok(c, "cpuid: mmx=1, sep=1");
    for (unsigned i = 0; i < 5; i++) read_ok(c, "frobnicate: 1");
    ck_assert_uint_eq(h.warnings, 2);
    ck_assert_uint_eq(config_warnings(c), 2);
    config_free(c);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("bochsrc");
    TCase *t = tcase_create("all");
    tcase_add_test(t, parts_of_a_line);
    tcase_add_test(t, only_the_first_colon_separates);
    tcase_add_test(t, variables_are_one_value);
    tcase_add_test(t, comments_and_blank_lines);
    tcase_add_test(t, malformed_lines);
    tcase_add_test(t, defaults);
    tcase_add_test(t, values_arrive);
    tcase_add_test(t, later_lines_win);
    tcase_add_test(t, time0_forms);
    tcase_add_test(t, old_forms);
    tcase_add_test(t, log_rules);
    tcase_add_test(t, malformed_values_are_errors);
    tcase_add_test(t, unknown_things_are_warnings);
    tcase_add_test(t, what_makes_no_difference_is_silent);
    tcase_add_test(t, one_warning_for_each_directive);
    suite_add_tcase(s, t);
    return config_main(s);
}
