/* SPDX-License-Identifier: MIT
 * Host ends of byte streams: files, pseudo terminals, sockets, stdin with the escape key.
 */
#define _GNU_SOURCE
#include "iodev/chardev.h"
#include "tests/unit/iodev/temp_image.h"
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct temp temp;
static char note[256];

static void begin(void) { temp_begin(&temp); }
static void end(void) { temp_end(&temp); }

static void put(struct chardev *c, const char *text)
{
    chardev_write(c, (const uint8_t *)text, strlen(text));
}

/* Everything that arrives within a second or until `want` bytes are there. */
static size_t get(struct chardev *c, char *to, size_t want)
{
    size_t n = 0;
    for (unsigned i = 0; i < 100 && n < want; i++) {
        chardev_poll(c);
        n += chardev_read(c, (uint8_t *)to + n, want - n);
        if (n < want) poll(NULL, 0, 10);
    }
    return n;
}

START_TEST(file_gets_all)
{
    static char big[20000], back[20000];
    memset(big, 'x', sizeof big);
    struct chardev *c = chardev_open("file", temp_path(&temp, "out"), note, sizeof note);
    ck_assert_ptr_nonnull(c);
    ck_assert_str_eq(note, "");
    put(c, "hello\n");
    temp_read(temp.path, 0, back, 6);      /* a whole line is there at once */
    chardev_write(c, (const uint8_t *)big, sizeof big);
    uint8_t byte;
    ck_assert_uint_eq(chardev_read(c, &byte, 1), 0);
    chardev_close(c);
    temp_read(temp.path, 6, back, sizeof back);
    ck_assert_mem_eq(back, big, sizeof big);
}
END_TEST

START_TEST(errors_are_explained)
{
    ck_assert_ptr_null(chardev_open("file", "/nowhere/out", note, sizeof note));
    ck_assert_ptr_nonnull(strstr(note, "/nowhere/out: "));
    ck_assert_ptr_null(chardev_open("morse", NULL, note, sizeof note));
    ck_assert_ptr_nonnull(strstr(note, "null, file, stdio"));
    ck_assert_ptr_null(chardev_open("term", "/nowhere/tty", note, sizeof note));
    temp_path(&temp, "nobody");
    ck_assert_ptr_null(chardev_open("socket-client", temp.path, note, sizeof note));
    ck_assert_ptr_null(chardev_open("socket-server", "", note, sizeof note));
}
END_TEST

START_TEST(null_swallows)
{
    uint8_t byte;
    struct chardev *c = chardev_open("null", NULL, note, sizeof note);
    ck_assert_ptr_nonnull(c);
    put(c, "nothing\n");
    ck_assert_uint_eq(chardev_read(c, &byte, 1), 0);
    ck_assert_int_eq(chardev_fd(c), -1);
    chardev_close(c);
}
END_TEST

START_TEST(pty_carries_both_ways)
{
    char text[16] = "";
    struct chardev *c = chardev_open("pty", temp_path(&temp, "tty"), note, sizeof note);
    ck_assert_ptr_nonnull(c);
    ck_assert_ptr_nonnull(strstr(note, "/dev/pts/"));
    int fd = open(temp.path, O_RDWR | O_NOCTTY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, "a\r\x03", 3), 3);
    ck_assert_uint_eq(get(c, text, 3), 3);
    ck_assert_mem_eq(text, "a\r\x03", 3);  /* raw: nothing is translated */
    put(c, "b\n");
    ck_assert_int_eq(read(fd, text, sizeof text), 2);
    ck_assert_mem_eq(text, "b\n", 2);
    close(fd);
    ck_assert_uint_eq(chardev_read(c, (uint8_t *)text, 1), 0);
    chardev_close(c);
    ck_assert_int_ne(access(temp.path, F_OK), 0);
}
END_TEST

START_TEST(pty_without_reader_does_not_block)
{
    struct chardev *c = chardev_open("pty", NULL, note, sizeof note);
    ck_assert_ptr_nonnull(c);
    for (unsigned i = 0; i < 20000; i++) put(c, "0123456789\n");
    chardev_close(c);
}
END_TEST

static int connect_to(const char *path)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    strcpy(a.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

START_TEST(socket_server_survives_its_clients)
{
    char text[8];
    struct chardev *c = chardev_open("socket-server", temp_path(&temp, "sock"), note, sizeof note);
    ck_assert_ptr_nonnull(c);
    put(c, "nobody listens\n");
    for (unsigned round = 0; round < 2; round++) {
        int fd = connect_to(temp.path);
        ck_assert_int_eq(write(fd, "hey", 3), 3);
        ck_assert_uint_eq(get(c, text, 3), 3);
        put(c, "yo\n");
        ck_assert_int_eq(read(fd, text, sizeof text), 3);
        close(fd);
        put(c, "gone\n");                  /* must not end the process by SIGPIPE */
        put(c, "gone\n");
        ck_assert_uint_eq(chardev_read(c, (uint8_t *)text, 1), 0);
    }
    chardev_close(c);
    ck_assert_int_ne(access(temp.path, F_OK), 0);
}
END_TEST

START_TEST(client_meets_server)
{
    char text[8];
    temp_path(&temp, "sock");
    struct chardev *server = chardev_open("pipe-server", temp.path, note, sizeof note);
    struct chardev *client = chardev_open("pipe-client", temp.path, note, sizeof note);
    ck_assert_ptr_nonnull(client);
    put(client, "abc\n");
    ck_assert_uint_eq(get(server, text, 4), 4);
    put(server, "def\n");
    ck_assert_uint_eq(get(client, text, 4), 4);
    ck_assert_mem_eq(text, "def\n", 4);
    chardev_close(server);
    ck_assert_uint_eq(get(client, text, 1), 0);
    chardev_close(client);
}
END_TEST

static char keys[8];
static void hook(void *ctx, uint8_t key)
{
    size_t *n = ctx;
    keys[(*n)++ & 7] = (char)key;
}

START_TEST(stdio_escape)
{
    int ends[2];
    char text[16];
    size_t n = 0;
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
    struct chardev *c = chardev_open("stdio", NULL, note, sizeof note);
    ck_assert_ptr_nonnull(c);
    chardev_escape(c, hook, &n);
    ck_assert_int_eq(write(ends[1], "a\x01x\x01\x01" "b\x01" "ac\x01", 10), 10);
    size_t len = get(c, text, 5);
    ck_assert_int_eq(write(ends[1], "h", 1), 1);         /* the sequence in two reads */
    for (unsigned i = 0; i < 2; i++) chardev_read(c, (uint8_t *)text + len, 1);
    ck_assert_uint_eq(len, 5);
    ck_assert_mem_eq(text, "a\x01" "b\x01" "c", 5);
    ck_assert_uint_eq(n, 2);
    ck_assert_mem_eq(keys, "xh", 2);
    close(ends[1]);
    ck_assert_uint_eq(chardev_read(c, (uint8_t *)text, 1), 0);
    ck_assert_int_eq(chardev_fd(c), -1);   /* end of input is not asked about again */
    chardev_close(c);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        file_gets_all, errors_are_explained, null_swallows, pty_carries_both_ways,
        pty_without_reader_does_not_block, socket_server_survives_its_clients, client_meets_server,
        stdio_escape,
    };
    return temp_run("chardev", begin, end, tests, sizeof tests / sizeof tests[0]);
}
