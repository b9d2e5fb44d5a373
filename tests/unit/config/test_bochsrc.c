/* SPDX-License-Identifier: MIT
 * bochsrc lines and files: what they mean, what is complained about and where.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "bios/loader.h"
#include "config/build.h"
#include "config/config.h"
#include "config/lexer.h"

struct heard {
    char text[8192];
    unsigned warnings, errors;
};

static void hear(void *ctx, bool error, const char *text)
{
    struct heard *h = ctx;
    size_t n = strlen(h->text);
    snprintf(h->text + n, sizeof h->text - n, "%s %s\n", error ? "error" : "warning", text);
    *(error ? &h->errors : &h->warnings) += 1;
}

static struct config *new_config(struct heard *h)
{
    *h = (struct heard){ .warnings = 0 };
    return config_new(&(struct config_report){ hear, h });
}

static char dir[] = "/tmp/vitro-config-XXXXXX";

static const char *in_dir(const char *name)
{
    static char path[2][256];
    static unsigned turn;
    turn ^= 1;
    snprintf(path[turn], sizeof path[turn], "%s/%s", dir, name);
    return path[turn];
}

static const char *write_file(const char *name, const char *text)
{
    const char *path = in_dir(name);
    FILE *out = fopen(path, "wb");
    ck_assert_ptr_nonnull(out);
    fputs(text, out);
    fclose(out);
    return path;
}

static void read_ok(struct config *c, const char *line)
{
    ck_assert_msg(config_read_line(c, "here", line), "%s", line);
}

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

/* ---- the whole ------------------------------------------------------------------------------- */
START_TEST(missing_disk_is_an_error_with_its_place)
{
    struct heard h;
    struct config *c = new_config(&h);
    read_ok(c, "ata0-master: type=disk, path=no/such.img");
    ck_assert(!config_check(c));
    char cwd[512], expected[800];
    ck_assert_ptr_nonnull(getcwd(cwd, sizeof cwd));
    snprintf(expected, sizeof expected, "error here: ata0-master %s/no/such.img: No such file",
             cwd);
    ck_assert_msg(strstr(h.text, expected) != NULL, "%s", h.text);
    config_free(c);
}
END_TEST

START_TEST(missing_rom_falls_back)
{
    struct heard h;
    struct config *c = new_config(&h);
    read_ok(c, "romimage: file=/no/such/BIOS, address=0xf0000");
    ck_assert(config_check(c));
    ck_assert_uint_eq(h.warnings, 1);
    ck_assert_ptr_null(c->romimage.file.path);
    if (loader_usual_system()) {
        ck_assert_ptr_nonnull(strstr(h.text, loader_usual_system()));
        ck_assert_ptr_nonnull(strstr(h.text, " is used"));
    } else {
        ck_assert_ptr_nonnull(strstr(h.text, "left out"));
    }
    config_free(c);
}
END_TEST

START_TEST(images_that_are_not_raw_are_refused)
{
    static const char *const modes[] = { "sparse", "vhdx", "vmware3", "DLL" };
    for (unsigned i = 0; i < COUNT_OF(modes); i++) {
        struct heard h;
        struct config *c = new_config(&h);
        char line[300], expected[300];
        const char *path = write_file("disk.img", "x");
        snprintf(line, sizeof line, "ata0-master: type=disk, path=%s, mode=%s", path, modes[i]);
        read_ok(c, line);
        ck_assert_uint_eq(h.warnings + h.errors, 0);
        ck_assert(!config_check(c));
        snprintf(expected, sizeof expected, "error here: ata0-master %s: mode=", path);
        ck_assert_msg(strstr(h.text, expected) != NULL, "%s", h.text);
        ck_assert_ptr_nonnull(strstr(h.text, "qemu-img convert -O raw"));
        config_free(c);
    }
}
END_TEST

START_TEST(modes_are_words)
{
    static const char *const modes[][2] = {
        { "undoable", "undoable" }, { "FLAT", "flat" }, { "Volatile", "volatile" },
    };
    for (unsigned i = 0; i < COUNT_OF(modes); i++) {
        struct heard h;
        struct config *c = new_config(&h);
        char line[300];
        snprintf(line, sizeof line, "ata0-master: type=Disk, path=%s, mode=%s",
                 write_file("disk.img", "x"), modes[i][0]);
        read_ok(c, line);
        ck_assert(config_check(c));
        ck_assert_str_eq(c->ata[0].drive[0].type, "disk");
        ck_assert_str_eq(c->ata[0].drive[0].mode, modes[i][1]);
        ck_assert_uint_eq(h.warnings, 0);
        config_free(c);
    }
}
END_TEST

/* An ejected disc is not looked for; one in the drive is. */
START_TEST(cd_drives_want_their_disc)
{
    struct heard h;
    struct config *c = new_config(&h);
    read_ok(c, "ata1-master: type=cdrom, path=/no/such.iso, status=ejected");
    ck_assert(config_check(c));
    ck_assert_uint_eq(h.warnings, 0);
    read_ok(c, "ata1-master: status=inserted");
    ck_assert(!config_check(c));
    config_free(c);
}
END_TEST

START_TEST(drives_switch_their_channel_on)
{
    struct heard h;
    struct config *c = new_config(&h);
    char line[300];
    snprintf(line, sizeof line, "ata3-slave: path=%s, cylinders=100", write_file("disk.img", "x"));
    read_ok(c, line);
    ck_assert(config_check(c));
    ck_assert(c->ata[3].enabled);
    ck_assert_str_eq(c->ata[3].drive[1].type, "disk");
    ck_assert_uint_eq(c->ata[3].drive[1].heads, 16);
    ck_assert_uint_eq(c->ata[3].drive[1].spt, 63);
    ck_assert_uint_eq(h.warnings, 1);
    ck_assert_str_eq(c->boot[0], "disk");
    config_free(c);
}
END_TEST

START_TEST(slow_ips_of_old_files)
{
    struct heard h;
    struct config *c = new_config(&h);
    read_ok(c, "cpu: ips=1000000");
    read_ok(c, "clock: sync=slowdown");
    ck_assert(config_check(c));
    ck_assert_uint_eq(c->ips, 1000000);
    read_ok(c, "clock: sync=realtime");
    ck_assert(config_check(c));
    ck_assert_uint_eq(c->ips, 100000000);
    config_free(c);
}
END_TEST

/* ---- files ----------------------------------------------------------------------------------- */
START_TEST(files_includes_and_lines)
{
    struct heard h;
    struct config *c = new_config(&h);
    write_file("a.img", "x");
    write_file("inner", "megs: 16\r\nata0-master: type=disk, path=a.img\r\nfoo: 1\r\n");
    ck_assert(config_read_file(c, write_file("outer", "\xEF\xBB\xBF"
                                                      "# x\n#include inner\nmegs: 8")));
    ck_assert(config_check(c));
    ck_assert_uint_eq(c->memory_mib, 8);               /* a last line without its end counts */
    ck_assert_str_eq(c->ata[0].drive[0].image.path, in_dir("a.img"));
    char expected[300];
    snprintf(expected, sizeof expected, "warning %s:3: foo: not known", in_dir("inner"));
    ck_assert_msg(strstr(h.text, expected) != NULL, "%s", h.text);
    config_free(c);
}
END_TEST

START_TEST(working_directory_comes_first)
{
    struct heard h;
    struct config *c = new_config(&h);
    char cwd[512];
    ck_assert_ptr_nonnull(getcwd(cwd, sizeof cwd));
    mkdir(in_dir("sub"), 0700);
    write_file("b.img", "x");
    write_file("sub/b.img", "x");
    write_file("sub/rc", "ata0-master: type=disk, path=b.img\nlog: b.log\n");
    ck_assert_int_eq(chdir(dir), 0);
    ck_assert(config_read_file(c, "sub/rc"));
    ck_assert_str_eq(c->ata[0].drive[0].image.path, "b.img");
    ck_assert_str_eq(c->log.path, "b.log");           /* written, not read: never beside the file */
    unlink("b.img");
    ck_assert(config_read_file(c, "sub/rc"));
    ck_assert_str_eq(c->ata[0].drive[0].image.path, "sub/b.img");
    ck_assert_int_eq(chdir(cwd), 0);
    config_free(c);
}
END_TEST

START_TEST(hostile_files)
{
    struct heard h;
    struct config *c = new_config(&h);
    write_file("loop", "#include loop\n");
    ck_assert(!config_read_file(c, in_dir("loop")));
    ck_assert_ptr_nonnull(strstr(h.text, "nested too deeply"));
    FILE *out = fopen(in_dir("binary"), "wb");
    for (unsigned i = 0; i < 100000; i++) fputc((int)(i * 7 & 0xFF), out);
    fclose(out);
    ck_assert(!config_read_file(c, in_dir("binary")));
    ck_assert_uint_lt(h.errors, 20);
    ck_assert(!config_read_file(c, dir));              /* a directory */
    ck_assert(!config_read_file(c, in_dir("nothing")));
    config_free(c);
}
END_TEST

/* ---- round trip ------------------------------------------------------------------------------ */
static void print_to(const struct config *c, char *text, size_t size)
{
    FILE *out = fmemopen(text, size, "w");
    ck_assert_ptr_nonnull(out);
    config_print(c, out);
    fclose(out);
}

static void check_round_trip(const struct config *first)
{
    char printed[2][16384] = { "", "" };
    struct heard h;
    struct config *c = new_config(&h);
    print_to(first, printed[0], sizeof printed[0]);
    ck_assert(config_read_file(c, write_file("printed", printed[0])));
    ck_assert(config_check(c));
    ck_assert_msg(h.warnings + h.errors == 0, "%s", h.text);
    print_to(c, printed[1], sizeof printed[1]);
    ck_assert_str_eq(printed[0], printed[1]);
    config_free(c);
}

/* What nobody has set is not printed, unless it is one of a kind. */
START_TEST(printing_leaves_untouched_parts_out)
{
    struct heard h;
    struct config *c = new_config(&h);
    char printed[16384];
    ck_assert(config_check(c));
    print_to(c, printed, sizeof printed);
    ck_assert_ptr_nonnull(strstr(printed, "memory: guest=128\n"));
    ck_assert_ptr_null(strstr(printed, "romimage"));
    ck_assert_ptr_null(strstr(printed, "optr"));
    ck_assert_ptr_null(strstr(printed, "ata2"));
    ck_assert_ptr_null(strstr(printed, "com4"));
    config_free(c);
}
END_TEST

START_TEST(round_trip)
{
    struct heard h;
    struct config *c = new_config(&h);
    char line[400];
    ck_assert(config_check(c));
    check_round_trip(c);
    snprintf(line, sizeof line, "ata0-master: type=disk, path=\"%s\", model=\"a, b # c\"",
             write_file("d, one.img", "x"));
    read_ok(c, line);
    read_ok(c, "floppyb: type=1_44, status=ejected");
    read_ok(c, "com3: enabled=1, mode=socket-server, dev=localhost:1234");
    read_ok(c, "panic: action=fatal, ata0=report");
    read_ok(c, "mouse: type=none");
    read_ok(c, "boot: network, disk, floppy");
    read_ok(c, "display_library: term, options=\"x y\"");
    read_ok(c, "isa_debug_exit: port=0xf4");
    ck_assert(config_check(c));
    check_round_trip(c);
    config_free(c);
}
END_TEST

/* The sample in the root documents what works: it must read without a word. */
START_TEST(sample_is_clean)
{
    char path[600];
    snprintf(path, sizeof path, "%s", __FILE__);
    char *end = strstr(path, "tests/unit/config");
    ck_assert_ptr_nonnull(end);
    strcpy(end, "bochsrc.sample");
    struct heard h;
    struct config *c = new_config(&h);
    ck_assert(config_read_file(c, path));
    ck_assert(config_check(c));
    ck_assert_msg(h.warnings == 0, "%s", h.text);
    ck_assert_uint_eq(c->memory_mib, 32);
    check_round_trip(c);
    config_free(c);
}
END_TEST

/* Garbage in the shape of lines: no crash, no silence about malformed values. */
START_TEST(fuzz_lines)
{
    static const char *const words[] = {
        "cpu",    "ata0-master", "floppya", "boot",    ":",        "=",      ",",
        "\"",     "#",           "$HOME",   "$",       "type",     "disk",   "0x",
        "path",   "-1",          " ",       "\t",      "1_44",     "status", "panic",
        "action", "clock",       "time0",   "Sat Jan", "#include", "none",
    };
    struct heard h;
    struct config *c = new_config(&h);
    uint32_t random = 1;
    for (unsigned i = 0; i < 20000; i++) {
        char line[300] = "";
        for (unsigned k = 0; k < 12; k++) {
            random = random * 1664525 + 1013904223;
            strcat(line, words[(random >> 16) % COUNT_OF(words)]);
        }
        config_read_line(c, "fuzz", line);
    }
    config_check(c);
    config_free(c);
}
END_TEST

int main(void)
{
    if (!mkdtemp(dir)) return 1;
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
    tcase_add_test(t, missing_disk_is_an_error_with_its_place);
    tcase_add_test(t, missing_rom_falls_back);
    tcase_add_test(t, images_that_are_not_raw_are_refused);
    tcase_add_test(t, modes_are_words);
    tcase_add_test(t, cd_drives_want_their_disc);
    tcase_add_test(t, drives_switch_their_channel_on);
    tcase_add_test(t, slow_ips_of_old_files);
    tcase_add_test(t, files_includes_and_lines);
    tcase_add_test(t, working_directory_comes_first);
    tcase_add_test(t, hostile_files);
    tcase_add_test(t, printing_leaves_untouched_parts_out);
    tcase_add_test(t, round_trip);
    tcase_add_test(t, sample_is_clean);
    tcase_add_test(t, fuzz_lines);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command) != 0 || failed != 0;
}
