/* SPDX-License-Identifier: MIT
 * Whole bochsrc files: what does not fit together, where files are, and printing.
 */
#include <sys/stat.h>
#include <unistd.h>
#include "bios/loader.h"
#include "config/build.h"
#include "tests/unit/config/config_bench.h"

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
    Suite *s = suite_create("bochsrc_files");
    TCase *t = tcase_create("all");
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
    return config_main(s);
}
