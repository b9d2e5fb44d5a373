/* SPDX-License-Identifier: MIT
 * The monitor's commands against callbacks that write down what they were asked; and the socket.
 */
#include <stdlib.h>
#include "debug/monitor.h"
#include "tests/unit/debug/pipe_pair.h"

struct fake {
    char log[4096];
    bool stopped;
    const char *refuse;
};

struct rig {
    struct fake f;
    struct client client;
    struct monitor *m;
};

static struct rig rig;

static void note(void *ctx, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void note(void *ctx, const char *fmt, ...)
{
    struct fake *f = ctx;
    size_t n = strlen(f->log);
    va_list args;
    va_start(args, fmt);
    vsnprintf(f->log + n, sizeof f->log - n, fmt, args);
    va_end(args);
}

static bool fake_key(void *ctx, unsigned usage, bool down, nanos delay)
{
    note(ctx, "%02x%c%llu ", usage, down ? '+' : '-', (unsigned long long)delay / 1000000);
    return true;
}

static bool fake_mouse(void *ctx, int dx, int dy, int dz, unsigned buttons)
{
    note(ctx, "mouse %d %d %d %u ", dx, dy, dz, buttons);
    return true;
}

static void fake_stop(void *ctx) { ((struct fake *)ctx)->stopped = true; }
static void fake_cont(void *ctx) { ((struct fake *)ctx)->stopped = false; }
static bool fake_stopped(void *ctx) { return ((struct fake *)ctx)->stopped; }
static void fake_reset(void *ctx) { note(ctx, "reset "); }
static void fake_quit(void *ctx) { note(ctx, "quit "); }
static nanos fake_now(void *ctx) { (void)ctx; return 1234567890; }

static const char *fake_power_down(void *ctx)
{
    note(ctx, "power ");
    return NULL;
}

static const char *fake_change(void *ctx, const char *device, const char *path)
{
    note(ctx, "%s<%s ", device, path ? path : "nothing");
    return ((struct fake *)ctx)->refuse;
}

static void draw(void *ctx, struct screen_frame *f, bool whole, bool text_only)
{
    static const uint16_t cells[4] = { 'H' | 0x700, 'i' | 0x700, '!' | 0x700, ' ' | 0x700 };
    (void)ctx, (void)whole, (void)text_only;
    *f = (struct screen_frame){ 0 };
    f->text = (struct screen_text){ .columns = 2, .rows = 2, .cells = cells };
}

static void fake_type(void *ctx, const char *utf8) { note(ctx, "type<%s> ", utf8); }

static void setup(void)
{
    static const struct screen screen = { NULL, draw };
    struct monitor_machine m = {
        .ctx = &rig.f,
        .screen = &screen,
        .key = fake_key,
        .mouse = fake_mouse,
        .stop = fake_stop,
        .cont = fake_cont,
        .stopped = fake_stopped,
        .reset = fake_reset,
        .quit = fake_quit,
        .now = fake_now,
        .power_down = fake_power_down,
        .change = fake_change,
        .type = fake_type,
    };
    rig.f = (struct fake){ .stopped = false };
    rig.m = monitor_new(pair_open(&rig.client, 4096), &m);
    monitor_poll(rig.m);
    ck_assert_str_eq(client_hear(&rig.client), "Vitro monitor, help lists the commands\n(vitro) ");
}

static void teardown(void)
{
    close(rig.client.fd);
    monitor_free(rig.m);
}

static const char *answer(const char *command)
{
    static char text[1 << 16];
    client_say(&rig.client, command);
    client_say(&rig.client, "\n");
    monitor_poll(rig.m);
    snprintf(text, sizeof text, "%s", client_hear(&rig.client));
    size_t n = strlen(text);
    ck_assert_msg(n >= 8 && !strcmp(text + n - 8, "(vitro) "), "%s: %s", command, text);
    text[n - 8] = 0;
    return text;
}

static void expect_log(const char *command, const char *log)
{
    rig.f.log[0] = 0;
    ck_assert_str_eq(answer(command), "");
    ck_assert_str_eq(rig.f.log, log);
}

START_TEST(keys)
{
    expect_log("sendkey a", "04+0 04-100 ");
    expect_log("sendkey ctrl-alt-delete 250", "e0+0 e2+0 4c+0 4c-250 e2-250 e0-250 ");
    expect_log("sendkey shift-minus", "e1+0 2d+0 2d-100 e1-100 ");
    expect_log("sendkey -", "2d+0 2d-100 ");
    expect_log("sendkey 0x28", "28+0 28-100 ");
}
END_TEST

START_TEST(wrong_keys)
{
    ck_assert_str_eq(answer("sendkey nosuch"), "nosuch: no such key\n");
    ck_assert_str_eq(answer("sendkey a-b-c-d-e-f-g-h-i"), "i: too many keys\n");
    ck_assert_ptr_nonnull(strstr(answer("sendkey a x"), "must be a number"));
    ck_assert_ptr_nonnull(strstr(answer("sendkey a 0"), "must be a number"));
    ck_assert_ptr_nonnull(strstr(answer("sendkey"), "usage: sendkey"));
    ck_assert_str_eq(rig.f.log, "");
}
END_TEST

START_TEST(mouse)
{
    expect_log("type \"dir c:\\\\x\\n\"", "type<dir c:\\x\n> ");
    expect_log("mouse_move 3 -4", "mouse 3 -4 0 0 ");
    expect_log("mouse_button 5", "mouse 0 0 0 5 ");
    expect_log("mouse_move 1 1 -1", "mouse 1 1 -1 5 ");
    ck_assert_ptr_nonnull(strstr(answer("mouse_button 32"), "must be a number"));
    ck_assert_ptr_nonnull(strstr(answer("mouse_move 1 99999999999999999999"), "must be a number"));
}
END_TEST

START_TEST(running)
{
    expect_log("stop", "");
    ck_assert(rig.f.stopped);
    ck_assert_str_eq(answer("info status"), "stopped, guest time 1.234567890 s\n");
    expect_log("c", "");
    ck_assert(!rig.f.stopped);
    expect_log("system_reset", "reset ");
    expect_log("system_powerdown", "power ");
    expect_log("q", "quit ");
}
END_TEST

START_TEST(media)
{
    expect_log("change floppya \"my disk.img\"", "floppya<my disk.img ");
    expect_log("eject floppya", "floppya<nothing ");
    rig.f.refuse = "it is locked";
    ck_assert_str_eq(answer("eject ata1-master"), "it is locked\n");
}
END_TEST

START_TEST(screen)
{
    ck_assert_str_eq(answer("screentext"), "Hi\n!\n");
    ck_assert_ptr_nonnull(strstr(answer("screendump /nowhere/x.ppm"), ""));
}
END_TEST

START_TEST(help_and_mistakes)
{
    const char *help = answer("help");
    ck_assert_ptr_nonnull(strstr(help, "sendkey KEYS"));
    ck_assert_ptr_nonnull(strstr(help, "\nquit -- "));
    ck_assert_ptr_nonnull(strstr(answer("? stop"), "stop  -- stop guest time"));
    ck_assert_ptr_nonnull(strstr(answer("help nosuch"), "no such command"));
    ck_assert_ptr_nonnull(strstr(answer("nosuch"), "no such command"));
    ck_assert_ptr_nonnull(strstr(answer("info"), "info registers"));
    ck_assert_str_eq(answer("info registers"), "there is no processor\n");
    ck_assert_str_eq(answer("info profile"), "there is no processor\n");
    ck_assert_str_eq(answer("info pci"), "there is no board\n");
    ck_assert_str_eq(answer("info nosuch"), "there is no board\n");
    ck_assert_str_eq(answer("x /4 0"), "there is no board\n");
    ck_assert_str_eq(answer(""), "");
    ck_assert_str_eq(answer("   "), "");
}
END_TEST

START_TEST(ports_and_their_owners)
{
    struct board *b = board_new(&(struct board_config){ .ram_bytes = 1 << 20 });
    ck_assert_str_eq(answer("info ports"), "there is no board\n");
    ck_assert(b && !board_add(b, "pic", NULL) && !board_add(b, "port92", NULL));
    ck_assert(board_power_on(b));
    rig.m->machine.board = b;
    ck_assert_str_eq(answer("info ports"), "0020-0021 pic\n0092-0092 port92\n00a0-00a1 pic\n");
    board_out(b, 0x92, 0x02, BYTE);
    ck_assert_str_eq(answer("info ports 0x92"), "0092 = 02 port92\n");
    ck_assert_str_eq(answer("info ports 65535"), "ffff = ff nobody\n");
    ck_assert_str_eq(answer("info ports 0x10000"), "0x10000: not a port\n");
    ck_assert_str_eq(answer("info ports com1"), "com1: not a port\n");
    rig.m->machine.board = NULL;
    board_free(b);
}
END_TEST

static void count_nmi(void *count, enum board_wire wire, bool level)
{
    if (wire == WIRE_NMI) *(unsigned *)count += level ? 1 : 10;
}

START_TEST(nmi_is_an_edge)
{
    unsigned edges = 0;
    ck_assert_str_eq(answer("nmi"), "there is no board\n");
    struct board *b = board_new(
        &(struct board_config){ .ram_bytes = 1 << 20, .wire = count_nmi, .ctx = &edges });
    rig.m->machine.board = b;
    ck_assert_str_eq(answer("nmi"), "");
    ck_assert_uint_eq(edges, 11);
    rig.m->machine.board = NULL;
    board_free(b);
}
END_TEST

START_TEST(long_and_binary_lines)
{
    char line[20000];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = 0;
    client_say(&rig.client, line);
    client_say(&rig.client, "\n\001\377\n\n");
    monitor_poll(rig.m);
    monitor_poll(rig.m);
    client_hear(&rig.client);
    ck_assert_str_eq(answer("stop"), "");
    ck_assert(rig.f.stopped);
}
END_TEST

/* ---- the socket ------------------------------------------------------------------------------ */
static int connect_to(const char *path)
{
    struct sockaddr_un { sa_family_t family; char path[108]; } a = { .family = AF_UNIX };
    snprintf(a.path, sizeof a.path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

/* As in `printf 'info status\nquit\n' | vitro --monitor stdio`: all is said at once. */
START_TEST(a_client_that_has_said_all_hears_the_answers)
{
    client_hear(&rig.client);
    client_say(&rig.client, "info status\nquit");
    ck_assert_int_eq(shutdown(rig.client.fd, SHUT_WR), 0);
    monitor_poll(rig.m);
    ck_assert_ptr_nonnull(strstr(client_hear(&rig.client), "guest time 1.234567890 s"));
    ck_assert_str_eq(rig.f.log, "quit ");
}
END_TEST

START_TEST(clients_come_and_go)
{
    char path[64], where[80], note_text[256];
    snprintf(path, sizeof path, "/tmp/vitro-test-%d", (int)getpid());
    snprintf(where, sizeof where, "unix:%s", path);
    struct server *s = server_open(where, SERVER_LISTENS, 100, note_text, sizeof note_text);
    ck_assert_msg(s != NULL, "%s", note_text);
    ck_assert_ptr_null(server_open(where, SERVER_LISTENS, 100, note_text, sizeof note_text));
    ck_assert_ptr_nonnull(strstr(note_text, "another program"));
    server_poll(s);                                    /* that knock */
    ck_assert_ptr_null(server_line(s));
    server_came(s);
    for (unsigned i = 0; i < 3; i++) {
        int fd = connect_to(path);
        ck_assert_int_eq(write(fd, "one\ntwo", 7), 7);
        server_poll(s);
        ck_assert(server_came(s) && !server_came(s));
        ck_assert_str_eq(server_line(s), "one");
        ck_assert_ptr_null(server_line(s));
        close(fd);
        server_poll(s);
        ck_assert_str_eq(server_line(s), "two");       /* its end was the client's end */
        ck_assert_ptr_null(server_line(s));
        ck_assert(!server_gone(s));
    }
    server_close(s);
    ck_assert_int_ne(access(path, F_OK), 0);
}
END_TEST

START_TEST(bad_places)
{
    char note_text[256], longest[300] = "unix:";
    memset(longest + 5, 'x', 200);
    ck_assert_ptr_null(server_open("tcp:1", SERVER_LISTENS, 100, note_text, sizeof note_text));
    ck_assert_ptr_nonnull(strstr(note_text, "unix:PATH"));
    ck_assert_ptr_null(server_open("unix:", SERVER_LISTENS, 100, note_text, sizeof note_text));
    ck_assert_ptr_null(server_open(longest, SERVER_LISTENS, 100, note_text, sizeof note_text));
    ck_assert_ptr_null(
        server_open("unix:/no/such/dir/s", SERVER_LISTENS, 100, note_text, sizeof note_text));
    ck_assert_ptr_nonnull(strstr(note_text, "No such file"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("monitor");
    TCase *t = tcase_create("all");
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, keys);
    tcase_add_test(t, wrong_keys);
    tcase_add_test(t, mouse);
    tcase_add_test(t, running);
    tcase_add_test(t, media);
    tcase_add_test(t, screen);
    tcase_add_test(t, help_and_mistakes);
    tcase_add_test(t, ports_and_their_owners);
    tcase_add_test(t, nmi_is_an_edge);
    tcase_add_test(t, long_and_binary_lines);
    tcase_add_test(t, a_client_that_has_said_all_hears_the_answers);
    suite_add_tcase(s, t);
    TCase *sockets = tcase_create("socket");
    tcase_add_test(sockets, clients_come_and_go);
    tcase_add_test(sockets, bad_places);
    suite_add_tcase(s, sockets);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed != 0;
}
