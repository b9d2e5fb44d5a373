/* SPDX-License-Identifier: MIT
 * The command line: options of Vitro and of Bochs, images by size and name, bochsrc lines.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "config/build.h"
#include "config/command_line.h"

static char dir[] = "/tmp/vitro-cli-XXXXXX";
static struct command_line cl;
static char why[256];

/* Words separated by '|'. */
static bool parse(const char *text)
{
    static char copy[4096];
    static char *argv[160];
    int argc = 1;
    argv[0] = copy;
    snprintf(copy, sizeof copy, "%s", text);
    for (char *s = copy, *next; *text && s && argc < 160; s = next) {
        next = strchr(s, '|');
        if (next) *next++ = 0;
        argv[argc++] = s;
    }
    why[0] = 0;
    return command_line_read(&cl, argc, argv, why, sizeof why);
}

static void count(void *ctx, bool error, const char *text)
{
    (void)error, (void)text;
    ++*(unsigned *)ctx;
}

static struct config *applied(const char *text, unsigned *complaints)
{
    *complaints = 0;
    ck_assert_msg(parse(text), "%s: %s", text, why);
    struct config *c = config_new(&(struct config_report){ count, complaints });
    command_line_apply(&cl, c);
    config_check(c);
    return c;
}

START_TEST(forms_of_bochs)
{
    static const char *const lines[] = {
        "-q",
        "-f|x",
        "-q|-f|x",
        "-qf|x",
        "-q|-n|boot:floppy|floppya: 1_44=a.img",
        "-rc|/dev/stdin|-q",
        "-dbg|-q",
        "-log|x.log",
        "-q|display_library: nogui",
        "-unlock|-noconsole|-dbglog|x",
    };
    for (unsigned i = 0; i < COUNT_OF(lines); i++)
        ck_assert_msg(parse(lines[i]), "%s: %s", lines[i], why);
    ck_assert(parse("-qf|x"));
    ck_assert_str_eq(cl.config_file, "x");
    ck_assert(parse("-log|y"));
    ck_assert_str_eq(cl.log, "y");
    ck_assert(parse("-q|-n|boot:floppy"));
    ck_assert(cl.no_config && cl.items == 1 && cl.item[0].kind == ITEM_LINE &&
              cl.item[0].position == 3);
}
END_TEST

START_TEST(screenshots)
{
    ck_assert(parse("--screenshot|2.5s=a.png|--screenshot=1000=b.txt|--screenshot|c=d.ppm"));
    ck_assert_uint_eq(cl.screenshots, 3);
    ck_assert_uint_eq(cl.screenshot[0].time, 2500000000u);
    ck_assert_str_eq(cl.screenshot[0].path, "a.png");
    ck_assert_uint_eq(cl.screenshot[1].ticks, 1000);
    ck_assert_str_eq(cl.screenshot[1].path, "b.txt");
    ck_assert_str_eq(cl.screenshot[2].path, "c=d.ppm");
    ck_assert(!parse("--screenshot|2s=a.jpg"));
    ck_assert(!parse("--screenshot|2s="));
}
END_TEST

START_TEST(until_and_hashes)
{
    ck_assert(parse("--until|1000"));
    ck_assert_uint_eq(cl.until_ticks, 1000);
    ck_assert(parse("--until=2.5s"));
    ck_assert_uint_eq(cl.until_time, 2500000000u);
    ck_assert(parse("--until|300ms"));
    ck_assert_uint_eq(cl.until_time, 300000000);
    ck_assert(parse("--until|0.000001s"));
    ck_assert_uint_eq(cl.until_time, 1000);
    ck_assert(parse("--hash-every|100:out.txt"));
    ck_assert_uint_eq(cl.hash_every, 100);
    ck_assert_str_eq(cl.hash_file, "out.txt");
    ck_assert(parse("--hash-every=7"));
    ck_assert_ptr_null(cl.hash_file);
}
END_TEST

START_TEST(profile)
{
    ck_assert(parse("--until|9"));
    ck_assert(!cl.profile);
    ck_assert(parse("--profile|disk.img"));        /* takes no word behind it */
    ck_assert(cl.profile && !cl.profile_file);
    ck_assert_uint_eq(cl.items, 1);
    ck_assert(parse("--profile=out.txt"));
    ck_assert(cl.profile);
    ck_assert_str_eq(cl.profile_file, "out.txt");
}
END_TEST

START_TEST(mistakes)
{
    static const char *const lines[] = {
        "--nosuch",       "-f",         "--until|soon",   "--until|0",      "--until|1.5",
        "--until|s",      "--until|5m", "--hash-every|0", "--hash-every|x", "--memory|lots",
        "--serial|smoke", "--help=yes", "-q=1",           "--monitor",    "--profile=",
    };
    for (unsigned i = 0; i < COUNT_OF(lines); i++) {
        ck_assert_msg(!parse(lines[i]), "%s", lines[i]);
        ck_assert_str_ne(why, "");
    }
    char many[2000] = "a";
    for (unsigned i = 0; i < 140; i++) strcat(many, "|a");
    ck_assert(!parse(many));
}
END_TEST

static const char *image(const char *name, long size)
{
    static char path[4][200];
    static unsigned turn;
    char *p = path[turn++ & 3];
    snprintf(p, sizeof path[0], "%s/%s", dir, name);
    FILE *out = fopen(p, "wb");
    ck_assert_ptr_nonnull(out);
    fclose(out);
    ck_assert_int_eq(truncate(p, size), 0);
    return p;
}

START_TEST(images)
{
    char text[1000];
    unsigned complaints;
    const char *floppy = image("f.img", 1474560), *disk = image("d.img", 1474560 * 4),
               *cd = image("c.ISO", 1474560);
    snprintf(text, sizeof text, "%s|%s|%s", disk, floppy, disk);
    struct config *c = applied(text, &complaints);
    ck_assert_uint_eq(complaints, 0);
    ck_assert_str_eq(c->ata[0].drive[0].image.path, disk);
    ck_assert_str_eq(c->ata[0].drive[1].image.path, disk);
    ck_assert_str_eq(c->floppy[0].image.path, floppy);
    ck_assert_str_eq(c->boot[0], "floppy");
    ck_assert_str_eq(c->boot[1], "disk");
    config_free(c);
    snprintf(text, sizeof text, "%s|%s", image("e.img", 1474561), image("x.iso", 2048));
    c = applied(text, &complaints);
    ck_assert_str_eq(c->ata[0].drive[0].type, "disk");
    ck_assert_str_eq(c->ata[1].drive[0].type, "cdrom");
    ck_assert_str_eq(c->boot[0], "disk");
    config_free(c);
    const char *small = image("640.img", 640 * 1024);            /* 80 tracks of 8 sectors */
    c = applied(small, &complaints);
    ck_assert_str_eq(c->boot[0], "floppy");
    ck_assert_str_eq(c->floppy[0].image.path, small);
    config_free(c);
    c = applied(cd, &complaints);                    /* of a floppy's size, but its name is clear */
    ck_assert_str_eq(c->ata[1].drive[0].image.path, cd);
    ck_assert_str_eq(c->boot[0], "cdrom");
    config_free(c);
    c = applied(image("game.cue", 300), &complaints);            /* the drive has words for it */
    ck_assert_str_eq(c->ata[1].drive[0].type, "cdrom");
    config_free(c);
    snprintf(text, sizeof text, "--cdrom|%s|-cdrom|%s", image("raw.bin", 1474560), cd);
    c = applied(text, &complaints);                  /* here the option is clear */
    ck_assert_uint_eq(complaints, 0);
    ck_assert_str_eq(c->ata[1].drive[0].type, "cdrom");
    ck_assert_str_eq(c->ata[1].drive[1].image.path, cd);
    ck_assert_str_eq(c->boot[0], "cdrom");
    config_free(c);
}
END_TEST

START_TEST(too_many_and_missing_images)
{
    char text[1000];
    unsigned complaints;
    const char *disk = image("d.img", 1 << 20);
    snprintf(text, sizeof text, "%s|%s|%s|%s", disk, disk, disk, disk);
    config_free(applied(text, &complaints));
    ck_assert_uint_eq(complaints, 1);
    config_free(applied("/no/such.img", &complaints));
    ck_assert_uint_eq(complaints, 1);
}
END_TEST

START_TEST(conveniences)
{
    unsigned complaints;
    struct config *c =
        applied("--memory|64|--display|term|--serial|stdio|--serial|file:a:b|--serial=unix:/s|"
                "cpu: ips=20000000|--log|l.txt",
                &complaints);
    ck_assert_uint_eq(complaints, 0);
    ck_assert_uint_eq(c->memory_mib, 64);
    ck_assert_str_eq(c->display.path, "term");
    ck_assert_str_eq(c->com[0].mode, "stdio");
    ck_assert_str_eq(c->com[1].mode, "file");
    ck_assert_str_eq(c->com[1].dev.path, "a:b");
    ck_assert_str_eq(c->com[2].mode, "socket-server");
    ck_assert_str_eq(c->com[2].dev.path, "/s");
    ck_assert(c->com[2].enabled && !c->com[3].enabled);
    ck_assert_uint_eq(c->ips, 20000000);
    ck_assert_str_eq(c->log.path, "l.txt");
    config_free(c);
}
END_TEST

START_TEST(lines_are_told_from_files)
{
    ck_assert(parse("com1: mode=null"));
    ck_assert_int_eq(cl.item[0].kind, ITEM_LINE);
    ck_assert(parse(" boot :disk"));
    ck_assert_int_eq(cl.item[0].kind, ITEM_LINE);
    ck_assert(parse("c:/disk.img"));
    ck_assert_int_eq(cl.item[0].kind, ITEM_IMAGE);
    ck_assert(parse("--|-f|boot: disk"));
    ck_assert(cl.items == 2 && cl.item[0].kind == ITEM_IMAGE && cl.item[1].kind == ITEM_IMAGE);
}
END_TEST

START_TEST(help_names_every_option)
{
    static const char *const names[] = { "-f FILE",         "--memory",       "--until",
                                         "--hash-every",    "--qtest",        "--monitor",
                                         "--strict-config", "--print-config", "Exit code",
                                         "--profile[=FILE]" };
    static char text[16384];
    FILE *out = fmemopen(text, sizeof text, "w");
    command_line_help(out);
    fclose(out);
    for (unsigned i = 0; i < COUNT_OF(names); i++)
        ck_assert_msg(strstr(text, names[i]) != NULL, "%s", names[i]);
}
END_TEST

int main(void)
{
    if (!mkdtemp(dir)) return 1;
    Suite *s = suite_create("command line");
    TCase *t = tcase_create("all");
    tcase_add_test(t, forms_of_bochs);
    tcase_add_test(t, screenshots);
    tcase_add_test(t, until_and_hashes);
    tcase_add_test(t, profile);
    tcase_add_test(t, mistakes);
    tcase_add_test(t, images);
    tcase_add_test(t, too_many_and_missing_images);
    tcase_add_test(t, conveniences);
    tcase_add_test(t, lines_are_told_from_files);
    tcase_add_test(t, help_names_every_option);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    char command[64];
    snprintf(command, sizeof command, "rm -r %s", dir);
    return system(command) != 0 || failed;
}
