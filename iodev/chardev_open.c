/* SPDX-License-Identifier: MIT
 * The ways to open a byte stream of the host. Each returns false with one line that says why.
 */
#define _GNU_SOURCE            /* posix_openpt and friends */
#include "iodev/chardev_private.h"
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static bool fail(struct chardev_note *n, const char *what, const char *cause)
{
    snprintf(n->text, n->room, "%.160s: %s", *what ? what : "no dev= given", cause);
    return false;
}

static bool fail_errno(struct chardev_note *n, const char *what)
{
    return fail(n, what, strerror(errno));
}

bool chardev_open_null(struct chardev *c, const char *path, struct chardev_note *n)
{
    (void)c; (void)path; (void)n;
    return true;
}

/* stdout is not opened by name: its offset is shared with everything else that is printed. */
bool chardev_open_file(struct chardev *c, const char *path, struct chardev_note *n)
{
    bool is_stdout = !strcmp(path, "-") || !strcmp(path, "/dev/stdout");
    bool is_stderr = !strcmp(path, "/dev/stderr");
    c->lossless = true;
    if (is_stdout) c->out = STDOUT_FILENO;
    else if (is_stderr) c->out = STDERR_FILENO;
    else c->out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);
    return c->out >= 0 || fail_errno(n, path);
}

static void make_raw(struct chardev *c, int fd)
{
    if (!isatty(fd) || tcgetattr(fd, &c->saved) != 0) return;
    struct termios raw = c->saved;
    cfmakeraw(&raw);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    c->restore = tcsetattr(fd, TCSANOW, &raw) == 0;
    c->in_opened = fd;
}

/* Raw for input; output keeps the newline translation that makes log lines in between readable. */
static void make_raw_keyboard(struct chardev *c)
{
    struct termios t;
    make_raw(c, STDIN_FILENO);
    if (!c->restore || tcgetattr(STDIN_FILENO, &t) != 0) return;
    t.c_oflag |= OPOST | ONLCR;
    tcsetattr(STDIN_FILENO, TCSANOW, &t);
}

bool chardev_open_stdio(struct chardev *c, const char *path, struct chardev_note *n)
{
    (void)path; (void)n;
    c->in = STDIN_FILENO;
    c->out = STDOUT_FILENO;
    c->lossless = c->is_stdio = true;
    make_raw_keyboard(c);
    return true;
}

bool chardev_open_term(struct chardev *c, const char *path, struct chardev_note *n)
{
    c->in = c->out = open(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (c->in < 0) return fail_errno(n, path);
    make_raw(c, c->in);
    return true;
}

/* Our own descriptor of the slave keeps the raw settings and spares us EIO while nobody is
 * there. */
static bool open_slave(struct chardev *c, const char *name)
{
    struct termios t;
    c->keep = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (c->keep < 0 || tcgetattr(c->keep, &t) != 0) return false;
    cfmakeraw(&t);
    return tcsetattr(c->keep, TCSANOW, &t) == 0;
}

/* A stable name for scripts. Only an older link is replaced, never a file. */
static bool link_to(struct chardev *c, const char *slave, const char *path)
{
    struct stat st;
    if (lstat(path, &st) == 0 && S_ISLNK(st.st_mode)) unlink(path);
    if (symlink(slave, path) != 0) return false;
    c->link = strdup(path);
    return c->link != NULL;
}

bool chardev_open_pty(struct chardev *c, const char *path, struct chardev_note *n)
{
    char slave[128];
    c->in = c->out = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (c->in < 0 || grantpt(c->in) != 0 || unlockpt(c->in) != 0 ||
        ptsname_r(c->in, slave, sizeof slave) != 0)
        return fail_errno(n, "pty");
    fcntl(c->in, F_SETFL, O_NONBLOCK);
    if (!open_slave(c, slave)) return fail_errno(n, slave);
    if (*path && !link_to(c, slave, path)) return fail_errno(n, path);
    snprintf(n->text, n->room, "is on %s", slave);
    return true;
}

/* ---- sockets --------------------------------------------------------------------------------- */

static bool is_host_and_port(const char *path)
{
    return !strchr(path, '/') && strchr(path, ':');
}

static int join(int fd, const struct sockaddr *address, socklen_t len, bool server)
{
    int on = 1;
    if (fd < 0) return -1;
    if (server) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (server ? bind(fd, address, len) == 0 && listen(fd, 1) == 0
               : connect(fd, address, len) == 0)
        return fd;
    int error = errno;
    close(fd);
    errno = error;
    return -1;
}

static int open_tcp(const char *path, bool server, struct chardev_note *n)
{
    char host[200];
    const char *colon = strrchr(path, ':');
    struct addrinfo want = { .ai_socktype = SOCK_STREAM, .ai_flags = server ? AI_PASSIVE : 0 };
    struct addrinfo *found = NULL;
    snprintf(host, sizeof host, "%.*s", (int)(colon - path), path);
    int error = getaddrinfo(*host ? host : "localhost", colon + 1, &want, &found);
    if (error) return fail(n, path, gai_strerror(error)), -1;
    int fd = -1;
    for (struct addrinfo *a = found; a && fd < 0; a = a->ai_next)
        fd = join(socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, 0), a->ai_addr, a->ai_addrlen,
                  server);
    if (fd < 0) fail_errno(n, path);
    freeaddrinfo(found);
    return fd;
}

static int open_unix(struct chardev *c, const char *path, bool server, struct chardev_note *n)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct stat st;
    if (!*path || strlen(path) >= sizeof address.sun_path)
        return fail(n, path, "not a usable socket name (up to 107 characters)"), -1;
    memcpy(address.sun_path, path, strlen(path));
    /* left behind by a run that was killed; a live one is lost to us in the same way */
    if (server && lstat(path, &st) == 0 && S_ISSOCK(st.st_mode)) unlink(path);
    int fd = join(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), (struct sockaddr *)&address,
                  sizeof address, server);
    if (fd < 0) fail_errno(n, path);
    if (fd >= 0 && server) c->link = strdup(path);
    return fd;
}

static int open_socket(struct chardev *c, const char *path, bool server, struct chardev_note *n)
{
    int fd = is_host_and_port(path) ? open_tcp(path, server, n) : open_unix(c, path, server, n);
    if (fd >= 0) fcntl(fd, F_SETFL, O_NONBLOCK);
    return fd;
}

bool chardev_open_server(struct chardev *c, const char *path, struct chardev_note *n)
{
    c->listener = open_socket(c, path, true, n);
    if (c->listener >= 0) snprintf(n->text, n->room, "listens on %.160s", path);
    return c->listener >= 0;
}

bool chardev_open_client(struct chardev *c, const char *path, struct chardev_note *n)
{
    c->in = c->out = open_socket(c, path, false, n);
    c->connection = c->in >= 0;
    return c->connection;
}
