/* SPDX-License-Identifier: MIT
 * One client at a time; another one that knocks waits in the socket's queue.
 */
#include "debug/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { CHUNK = 16384, HELD_BACK = 4 << 20, PATIENCE_MS = 5000 };

struct bytes {
    char *data;
    size_t len, room;
};

struct server {
    int listener, in, out;                 /* -1: not there */
    bool owns, came;
    bool eof;                              /* the client has said all it had to say */
    bool ended;                            /* and no other can come */
    char *path;                            /* of our socket, removed at the end */
    size_t longest;
    struct bytes input, output;
    size_t taken;                          /* bytes of input that were handed out as a line */
};

static bool reserve(struct bytes *b, size_t more)
{
    if (b->room - b->len >= more) return true;
    size_t room = b->room ? b->room : CHUNK;
    while (room - b->len < more) room *= 2;
    char *grown = realloc(b->data, room);
    if (!grown) return false;
    b->data = grown;
    b->room = room;
    return true;
}

static void drop(struct bytes *b, size_t n)
{
    b->len -= n;
    memmove(b->data, b->data + n, b->len);
}

/* ---- coming and going ------------------------------------------------------------------------ */
static struct server *new_server(size_t longest)
{
    struct server *s = calloc(1, sizeof *s);
    if (!s) return NULL;
    s->listener = s->in = s->out = -1;
    s->longest = longest;
    return s;
}

static void attach(struct server *s, int in, int out, bool owns)
{
    s->in = in;
    s->out = out;
    s->owns = owns;
    s->came = true;
    s->eof = false;
    s->input.len = s->output.len = s->taken = 0;
    if (owns) {
        fcntl(in, F_SETFL, fcntl(in, F_GETFL) | O_NONBLOCK);
        fcntl(in, F_SETFD, FD_CLOEXEC);
    }
}

static void hang_up(struct server *s)
{
    if (s->owns && s->in >= 0) close(s->in);
    s->ended = s->listener < 0;
    s->in = s->out = -1;
}

struct server *server_from_fd(int fd, size_t longest)
{
    struct server *s = new_server(longest);
    if (s) attach(s, fd, fd, true);
    return s;
}

static bool connects(const struct sockaddr_un *a, int *fd)
{
    *fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (*fd >= 0 && connect(*fd, (const struct sockaddr *)a, sizeof *a) == 0) return true;
    if (*fd >= 0) close(*fd);
    *fd = -1;
    return false;
}

/* A socket that nobody listens to was left behind by a process that died. */
static void remove_stale(const char *path)
{
    struct stat s;
    if (!lstat(path, &s) && S_ISSOCK(s.st_mode)) unlink(path);
}

static bool listens(struct server *s, const struct sockaddr_un *a)
{
    remove_stale(a->sun_path);
    s->listener = socket(AF_UNIX, SOCK_STREAM, 0);
    if (s->listener < 0) return false;
    fcntl(s->listener, F_SETFL, O_NONBLOCK);
    fcntl(s->listener, F_SETFD, FD_CLOEXEC);
    mode_t mask = umask(077);              /* whoever can connect owns the machine */
    bool done = !bind(s->listener, (const struct sockaddr *)a, sizeof *a);
    umask(mask);
    if (done) s->path = strdup(a->sun_path);
    return done && !listen(s->listener, 1);
}

static bool open_unix(struct server *s, const char *path, enum server_role role, char *note,
                      size_t room)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd;
    if (!*path || strlen(path) >= sizeof a.sun_path) {
        snprintf(note, room, "%s: a socket's path has 1 to %zu characters", path,
                 sizeof a.sun_path - 1);
        return false;
    }
    strcpy(a.sun_path, path);
    if (connects(&a, &fd)) {
        if (role == SERVER_CALLS_BACK) {
            attach(s, fd, fd, true);
            return true;
        }
        close(fd);
        snprintf(note, room, "%s: another program listens there", path);
        return false;
    }
    if (listens(s, &a)) return true;
    snprintf(note, room, "%s: %s", path, strerror(errno));
    return false;
}

struct server *server_open(const char *where, enum server_role role, size_t longest, char *note,
                           size_t room)
{
    struct server *s = new_server(longest);
    bool done = false;
    note[0] = 0;
    if (!s) snprintf(note, room, "out of memory");
    else if (!strcmp(where, "stdio")) {
        attach(s, STDIN_FILENO, STDOUT_FILENO, false);
        done = true;
    } else if (!strncmp(where, "unix:", 5)) done = open_unix(s, where + 5, role, note, room);
    else snprintf(note, room, "%s: must be unix:PATH or stdio", where);
    if (done) return s;
    server_close(s);
    return NULL;
}

void server_close(struct server *s)
{
    if (!s) return;
    server_poll(s);
    if (s->owns && s->in >= 0) close(s->in);
    if (s->listener >= 0) close(s->listener);
    if (s->path) unlink(s->path);
    free(s->path);
    free(s->input.data);
    free(s->output.data);
    free(s);
}

/* ---- bytes ----------------------------------------------------------------------------------- */
static bool ready(int fd, short what, int wait_ms)
{
    struct pollfd p = { fd, what, 0 };
    return fd >= 0 && poll(&p, 1, wait_ms) > 0;
}

/* stdin may be a terminal shared with others: it is asked before, not made non-blocking. */
static void read_some(struct server *s)
{
    while (s->in >= 0 && !s->eof && s->input.len <= s->longest && ready(s->in, POLLIN, 0)) {
        if (!reserve(&s->input, CHUNK)) return;
        ssize_t n = read(s->in, s->input.data + s->input.len, CHUNK);
        if (n > 0) s->input.len += (size_t)n;
        else s->eof = n == 0 || (errno != EINTR && errno != EAGAIN);
    }
}

static void write_some(struct server *s, int wait_ms)
{
    while (s->out >= 0 && s->output.len && ready(s->out, POLLOUT, wait_ms)) {
        ssize_t n = s->owns ? send(s->out, s->output.data, s->output.len, MSG_NOSIGNAL)
                            : write(s->out, s->output.data, s->output.len);
        if (n < 0 && errno == ENOTSOCK) n = write(s->out, s->output.data, s->output.len);
        if (n > 0) drop(&s->output, (size_t)n);
        else if (errno != EINTR && errno != EAGAIN) {
            hang_up(s);
            return;
        }
    }
}

static void accept_client(struct server *s)
{
    if (s->in >= 0 || s->listener < 0) return;
    int fd = accept(s->listener, NULL, NULL);
    if (fd >= 0) attach(s, fd, fd, true);
}

void server_poll(struct server *s)
{
    write_some(s, 0);
    accept_client(s);
    read_some(s);
}

int server_fd(const struct server *s)
{
    return s->in >= 0 ? s->in : s->listener;
}

bool server_came(struct server *s)
{
    bool came = s->came;
    s->came = false;
    return came;
}

bool server_gone(const struct server *s)
{
    return s->ended;
}

/* Where the line ends that comes first, NULL: not yet. At the end of input it needs no '\n'. */
static char *line_end(struct server *s)
{
    if (!s->input.len) return NULL;
    char *end = memchr(s->input.data, '\n', s->input.len);
    if (end || (s->input.len <= s->longest && !s->eof)) return end;
    return reserve(&s->input, 1) ? s->input.data + s->input.len++ : NULL;
}

/* A client that only closed its sending side still hears the answers. */
const char *server_line(struct server *s)
{
    if (s->taken) drop(&s->input, s->taken);
    s->taken = 0;
    char *end = line_end(s);
    if (!end && s->eof && s->in >= 0) {
        write_some(s, PATIENCE_MS);
        hang_up(s);
    }
    if (!end) return NULL;
    s->taken = (size_t)(end - s->input.data) + 1;
    if (end > s->input.data && end[-1] == '\r') end--;
    *end = 0;
    return s->input.data;
}

void server_write(struct server *s, const char *text, size_t len)
{
    if (s->out < 0 || !reserve(&s->output, len)) return;
    memcpy(s->output.data + s->output.len, text, len);
    s->output.len += len;
    write_some(s, 0);
    if (s->output.len < HELD_BACK) return;
    write_some(s, PATIENCE_MS);
    if (s->output.len >= HELD_BACK) hang_up(s);
}

void server_print(struct server *s, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    if (n > 0) server_write(s, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}
