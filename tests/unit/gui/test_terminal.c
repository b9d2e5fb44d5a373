/* SPDX-License-Identifier: MIT
 * The terminal front-end on a pseudo terminal: a child process runs it on the slave's side, the
 * test types and reads on the master's side. The child reports keys and requests through a pipe.
 */
#include "tests/unit/gui/fake_screen.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

enum { PATIENCE = 20000 };                 /* milliseconds until a test gives up */

struct session {
    pid_t  child;
    int    master, events;                 /* events: what the child reports, as text */
    char   shown[1 << 18], told[1 << 14];
    size_t shown_length, told_length;
    struct termios before;
};

/* ---- the child ------------------------------------------------------------------------------- */

struct child {
    struct fake fake;
    int  events;
    bool over, slow;                       /* slow: a guest that takes its keys now and then */
    unsigned asked;
};

static void tell(struct child *c, const char *text)
{
    if (write(c->events, text, strlen(text)) < 0) _exit(3);
}

static bool child_is_served(void *ctx) { return !(++((struct child *)ctx)->asked % 8); }

static void child_key(void *ctx, unsigned usage, bool down)
{
    struct child *c = ctx;
    char text[32];
    if (c->slow && (!c->asked || c->asked % 8)) tell(c, "early ");
    snprintf(text, sizeof text, "%c%s ", down ? '+' : '-', key_name(usage) ? key_name(usage) : "?");
    tell(ctx, text);
}

static void child_quit(void *ctx)
{
    tell(ctx, "quit ");
    ((struct child *)ctx)->over = true;
}

static void child_reset(void *ctx)
{
    tell(ctx, "reset ");
}

static void prepare(struct child *c, const char *scene)
{
    fake_init(&c->fake);
    fake_print(&c->fake, 0, 0, 0x07, "Starting MS-DOS...");
    fake_print(&c->fake, 10, 24, 0x1E, "last \xC9\xCD\xBB line");
    if (!strcmp(scene, "picture")) {
        fake_picture(&c->fake, 320, 200, 320);
        for (unsigned i = 0; i < 320 * 200; i++) c->fake.pixels[i] = 0x102030;
    }
    c->slow = !strcmp(scene, "slow");
    if (!strcmp(scene, "dark")) c->fake.frame = (struct screen_frame){ 0 };
}

static void child_main(int events, const char *scene, const char *options)
{
    static struct child c;                 /* static: large */
    const char *why = NULL;
    c.events = events;
    signal(SIGTERM, SIG_DFL);              /* Check's own handler would end the test */
    signal(SIGINT, SIG_DFL);
    prepare(&c, scene);
    struct input input = { &c, child_key, NULL };
    struct display_requests requests = { &c, child_quit, child_reset, NULL,
                                         c.slow ? child_is_served : NULL, NULL };
    const struct display_class *term = display_find("term");
    struct sigaction before, after;
    sigaction(SIGWINCH, NULL, &before);
    struct display *d = term->open(&c.fake.screen, &input, &requests, options, NULL, &why);
    if (!strcmp(scene, "again") && d) {
        term->poll(d);
        term->close(d);
        sigaction(SIGWINCH, NULL, &after);
        if (after.sa_handler != before.sa_handler) tell(&c, "SIGWINCH ");
        tell(&c, "closed ");
        d = term->open(&c.fake.screen, &input, &requests, options, NULL, &why);
    }
    if (!d) {
        tell(&c, why ? why : "no reason");
        _exit(2);
    }
    term->title(d, "IPS: 42M");
    tell(&c, "open ");
    for (unsigned i = 0; i < 5000 && !c.over; i++) {
        term->poll(d);
        nanosleep(&(struct timespec){ .tv_nsec = 4000000 }, NULL);
    }
    if (!strcmp(scene, "crash")) abort();
    term->close(d);
    _exit(0);
}

/* ---- the test's side ------------------------------------------------------------------------- */

static struct session *start_on(const char *kind, const char *scene, unsigned columns,
                                unsigned rows, const char *options)
{
    struct session *s = calloc(1, sizeof *s);
    struct winsize size = { .ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows };
    int ends[2], slave;
    ck_assert_ptr_nonnull(s);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(openpty(&s->master, &slave, NULL, NULL, &size), 0);
    ck_assert_int_eq(tcgetattr(slave, &s->before), 0);
    setenv("TERM", kind, 1);
    setenv("LC_ALL", "C.UTF-8", 1);
    unsetenv("COLORTERM");
    s->child = fork();
    if (!s->child) {
        close(s->master);
        close(ends[0]);
        login_tty(slave);
        child_main(ends[1], scene, options);
    }
    close(slave);
    close(ends[1]);
    s->events = ends[0];
    return s;
}

static struct session *start(const char *scene, unsigned columns, unsigned rows,
                             const char *options)
{
    return start_on("xterm-256color", scene, columns, rows, options);
}

static void append(int fd, char *to, size_t *length, size_t size)
{
    char bytes[4096];
    ssize_t count = read(fd, bytes, sizeof bytes);
    for (ssize_t i = 0; i < count && *length + 1 < size; i++) to[(*length)++] = bytes[i];
    to[*length] = 0;
}

static void pump(struct session *s, int milliseconds)
{
    struct pollfd both[2] = { { s->master, POLLIN, 0 }, { s->events, POLLIN, 0 } };
    if (poll(both, 2, milliseconds) <= 0) return;
    if (both[0].revents) append(s->master, s->shown, &s->shown_length, sizeof s->shown);
    if (both[1].revents) append(s->events, s->told, &s->told_length, sizeof s->told);
}

static int64_t milliseconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void await(struct session *s, const char *where, const char *what)
{
    int64_t end = milliseconds() + PATIENCE;
    while (!strstr(where, what) && milliseconds() < end) pump(s, 10);
    ck_assert_msg(strstr(where, what) != NULL, "\"%.100s\" never came; told: %.1000s", what,
                  s->told);
}

#define TYPE(s, bytes) type(s, bytes, sizeof(bytes) - 1)
static void type(struct session *s, const char *bytes, size_t count)
{
    ck_assert_int_eq(write(s->master, bytes, count), (ssize_t)count);
}

static void resize(struct session *s, unsigned columns, unsigned rows)
{
    struct winsize size = { .ws_col = (unsigned short)columns, .ws_row = (unsigned short)rows };
    ck_assert_int_eq(ioctl(s->master, TIOCSWINSZ, &size), 0);
}

static int finish(struct session *s)
{
    int status = -1;
    int64_t late = milliseconds() + PATIENCE;
    while (waitpid(s->child, &status, WNOHANG) == 0 && milliseconds() < late) pump(s, 10);
    kill(s->child, SIGKILL);
    waitpid(s->child, NULL, 0);
    while (s->shown_length < sizeof s->shown - 1) {
        size_t before = s->shown_length;
        struct pollfd rest = { s->master, POLLIN, 0 };
        if (poll(&rest, 1, 50) <= 0) break;
        append(s->master, s->shown, &s->shown_length, sizeof s->shown);
        if (s->shown_length == before) break;
    }
    return status;
}

static void end(struct session *s)
{
    close(s->master);
    close(s->events);
    free(s);
}

START_TEST(text_is_shown_and_the_terminal_comes_back)
{
    struct session *s = start("text", 80, 25, "");
    await(s, s->shown, "Starting MS-DOS...");
    await(s, s->shown, "\x1B[93m\x1B[44mlast \u2554\u2550\u2557 line");
    TYPE(s, "\x01x");
    await(s, s->told, "quit ");
    int status = finish(s);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_ptr_nonnull(strstr(s->shown, "\x1B[?1049h"));
    ck_assert_ptr_nonnull(strstr(s->shown, "\x1B[?1049l"));
    struct termios after;
    ck_assert_int_eq(tcgetattr(s->master, &after), 0);
    ck_assert_uint_eq(after.c_lflag, s->before.c_lflag);
    ck_assert_uint_eq(after.c_iflag, s->before.c_iflag);
    ck_assert_uint_eq(after.c_oflag, s->before.c_oflag);
    end(s);
}
END_TEST

START_TEST(keys_reach_the_guest)
{
    struct session *s = start("text", 80, 25, "");
    await(s, s->told, "open ");
    TYPE(s, "dI\r\x1B[A\x03\x1B[1;3P");
    await(s, s->told, "+d -d +shift +i -i -shift +ret -ret +up -up +ctrl +c -c -ctrl "
                      "+alt +f1 -f1 -alt ");
    TYPE(s, "\x1B");
    await(s, s->told, "+esc -esc ");
    TYPE(s, "\x01\x01\x01" "d\x01" "2\x01r");
    await(s, s->told, "+ctrl +a -a -ctrl +ctrl +alt +delete -delete -alt -ctrl +f2 -f2 reset ");
    TYPE(s, "\x01x");
    finish(s);
    end(s);
}
END_TEST

START_TEST(a_long_paste_arrives_whole)
{
    struct session *s = start("text", 80, 25, "");
    char text[601], expected[6001] = "";
    for (unsigned i = 0; i < 600; i++) {
        char one[16];
        text[i] = (char)('a' + i * 7 % 26);
        snprintf(one, sizeof one, "+%c -%c ", text[i], text[i]);
        strcat(expected, one);
    }
    await(s, s->told, "open ");
    type(s, text, 600);
    await(s, s->told, expected);
    TYPE(s, "\x01x");
    finish(s);
    end(s);
}
END_TEST

/* A slow guest gets the next character when it has got the one before. */
START_TEST(characters_wait_for_the_guest)
{
    struct session *s = start("slow", 80, 25, "");
    await(s, s->told, "open ");
    TYPE(s, "vitro");
    await(s, s->told, "open +v -v +i -i +t -t +r -r +o -o ");
    TYPE(s, "\x01x");
    finish(s);
    end(s);
}
END_TEST

START_TEST(help_opens_and_closes)
{
    struct session *s = start("text", 80, 30, "");
    await(s, s->shown, "IPS: 42M - Ctrl-A h: help");       /* there is room for a note */
    TYPE(s, "\x01h");
    await(s, s->shown, "Ctrl+Alt+Del to the guest");
    TYPE(s, "qz\x01x");
    await(s, s->told, "quit ");
    ck_assert_ptr_null(strstr(s->told, "+q"));
    ck_assert_ptr_nonnull(strstr(s->told, "+z"));
    finish(s);
    end(s);
}
END_TEST

START_TEST(pictures_are_half_blocks)
{
    struct session *s = start("picture", 80, 25, "");
    await(s, s->shown, "graphics 320x200");
    await(s, s->shown, "\x1B[38;5;234m\x1B[48;5;234m\u2580\u2580");
    TYPE(s, "\x01x");
    finish(s);
    end(s);
}
END_TEST

START_TEST(a_dark_screen_says_so)
{
    struct session *s = start("dark", 80, 25, "");
    await(s, s->shown, "no signal");
    TYPE(s, "\x01x");
    finish(s);
    end(s);
}
END_TEST

START_TEST(a_resized_terminal_is_drawn_again)
{
    struct session *s = start("text", 30, 3, "");
    await(s, s->shown, "Starting MS-DOS...");
    ck_assert_ptr_null(strstr(s->shown, "last"));
    resize(s, 100, 40);
    await(s, s->shown, "\x1B[93m\x1B[44mlast");
    resize(s, 1, 1);
    pump(s, 100);
    resize(s, 5000, 2);
    pump(s, 100);
    TYPE(s, "\x01x");
    ck_assert(WIFEXITED(finish(s)));
    end(s);
}
END_TEST

static void ends_by(const char *scene, int number)
{
    struct session *s = start(scene, 80, 25, "");
    struct termios after;
    await(s, s->shown, "Starting MS-DOS...");
    if (number == SIGABRT) TYPE(s, "\x01x");
    else kill(s->child, number);
    int status = finish(s);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == number);
    ck_assert_ptr_nonnull(strstr(s->shown, "\x1B[?1049l"));
    ck_assert_int_eq(tcgetattr(s->master, &after), 0);
    ck_assert_uint_eq(after.c_lflag & (ICANON | ECHO | ISIG), ICANON | ECHO | ISIG);
    ck_assert_uint_eq(after.c_iflag & ICRNL, ICRNL);
    ck_assert_uint_eq(after.c_oflag & OPOST, OPOST);
    end(s);
}

START_TEST(signals_leave_a_usable_terminal)
{
    ends_by("text", SIGTERM);
    ends_by("text", SIGQUIT);
    ends_by("crash", SIGABRT);
}
END_TEST

START_TEST(a_terminal_that_goes_away_means_quit)
{
    struct session *s = start("text", 80, 25, "");
    await(s, s->shown, "Starting");
    kill(s->child, SIGSTOP);               /* so that it sees the hang-up by reading */
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    sigaction(SIGHUP, &ignore, NULL);
    close(s->master);
    s->master = open("/dev/null", O_RDONLY);
    kill(s->child, SIGCONT);
    int status = finish(s);
    ck_assert(WIFSIGNALED(status) ? WTERMSIG(status) == SIGHUP : WEXITSTATUS(status) == 0);
    end(s);
}
END_TEST

START_TEST(it_can_be_opened_again)
{
    struct session *s = start("again", 80, 25, "");
    await(s, s->told, "open ");
    TYPE(s, "a\x1B[1;5B");
    await(s, s->told, "+a -a +ctrl +down -down -ctrl ");
    ck_assert_str_eq(s->told, "closed open +a -a +ctrl +down -down -ctrl ");
    resize(s, 100, 40);                    /* the second time, too */
    await(s, s->shown, "Ctrl-A h: help");
    TYPE(s, "\x01x");
    ck_assert(WIFEXITED(finish(s)));
    end(s);
}
END_TEST

START_TEST(ascii_can_be_asked_for)
{
    struct session *s = start("text", 80, 25, "ascii, colours=8");
    await(s, s->shown, "\x1B[44mlast +-+ line");
    ck_assert_ptr_null(strstr(s->shown, "\x1B[93m"));
    TYPE(s, "\x01x");
    finish(s);
    end(s);
}
END_TEST

START_TEST(terminals_that_cannot_do_it_are_refused)
{
    static const char *const kinds[] = { "dumb", "no-such-terminal", "" };
    for (unsigned i = 0; i < COUNT_OF(kinds); i++) {
        struct session *s = start_on(kinds[i], "text", 80, 25, "");
        await(s, s->told, "cannot move its cursor");
        int status = finish(s);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 2);
        end(s);
    }
}
END_TEST

/* The only test of a build without ncurses. */
START_TEST(a_display_or_the_reason_why_not)
{
    struct fake *k = malloc(sizeof *k);
    const char *why = NULL;
    ck_assert_ptr_nonnull(k);
    fake_init(k);
    ck_assert_ptr_nonnull(freopen("/dev/null", "r", stdin));
    ck_assert_ptr_null(display_find("term")->open(&k->screen, &k->input, NULL, "", NULL, &why));
    ck_assert_ptr_nonnull(strstr(why, display_find("term")->poll ? "not a terminal"
                                                                 : "without ncurses"));
    free(k);
}
END_TEST

static void add_pty_tests(TCase *t)
{
    tcase_add_test(t, text_is_shown_and_the_terminal_comes_back);
    tcase_add_test(t, keys_reach_the_guest);
    tcase_add_test(t, a_long_paste_arrives_whole);
    tcase_add_test(t, characters_wait_for_the_guest);
    tcase_add_test(t, help_opens_and_closes);
    tcase_add_test(t, pictures_are_half_blocks);
    tcase_add_test(t, a_dark_screen_says_so);
    tcase_add_test(t, a_resized_terminal_is_drawn_again);
    tcase_add_test(t, signals_leave_a_usable_terminal);
    tcase_add_test(t, a_terminal_that_goes_away_means_quit);
    tcase_add_test(t, it_can_be_opened_again);
    tcase_add_test(t, ascii_can_be_asked_for);
    tcase_add_test(t, terminals_that_cannot_do_it_are_refused);
}

int main(void)
{
    Suite *s = suite_create("terminal");
    TCase *t = tcase_create("terminal");
    tcase_set_timeout(t, 60);
    tcase_add_test(t, a_display_or_the_reason_why_not);
    suite_add_tcase(s, t);
    if (display_find("term")->poll) add_pty_tests(t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
