/* SPDX-License-Identifier: MIT
 * The terminal on stdin and stdout: raw mode, its size, and its way back to normal, also when a
 * signal ends the process.
 * POSIX.1-2017, Base Definitions, chapter 11 "General Terminal Interface"; XTerm Control Sequences
 * (1049: the alternate screen).
 *
 * Not implemented: job control (Ctrl-Z goes to the guest).
 */
#include "gui/term.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

enum { MAX_SIDE = 1000, FALLBACK_COLUMNS = 80, FALLBACK_ROWS = 24 };

/* Alternate screen, no wrapping at the margin, plain cursor keys and keypad. */
#define ENTER "\x1B[?1049h\x1B[?7l\x1B[?1l\x1B>\x1B[0m\x1B[2J\x1B[?25l"
/* CAN (18h) first: it ends a sequence that was cut in the middle. */
#define LEAVE "\x18\x1B[0m\x1B[?7h\x1B[?25h\x1B[?1049l"

/* ---- when a signal ends the process ---------------------------------------------------------- */

static const int ending_signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT,
                                      SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

/* Knows no state (there is no place for it but a global): it leaves a usable terminal, not the
 * very settings found. Only async-signal-safe calls. */
static void leave_by_signal(int number)
{
    struct termios t;
    ssize_t ignored = write(STDOUT_FILENO, LEAVE, sizeof LEAVE - 1);
    (void)ignored;
    if (!tcgetattr(STDIN_FILENO, &t)) {
        t.c_iflag |= BRKINT | ICRNL | IXON;
        t.c_oflag |= OPOST | ONLCR;
        t.c_lflag |= ISIG | ICANON | ECHO | ECHOE | ECHOK | IEXTEN;
        t.c_cc[VMIN] = 1;
        tcsetattr(STDIN_FILENO, TCSANOW, &t);
    }
    raise(number);                         /* SA_RESETHAND: now it does what it would have done */
}

static bool handled_by(int number, void (*handler)(int))
{
    struct sigaction now;
    return !sigaction(number, NULL, &now) && !(now.sa_flags & SA_SIGINFO)
        && now.sa_handler == handler;
}

static void swap_handlers(void (*from)(int), void (*to)(int))
{
    struct sigaction action = { .sa_handler = to, .sa_flags = (int)(SA_RESETHAND | SA_NODEFER) };
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < COUNT_OF(ending_signals); i++)
        if (handled_by(ending_signals[i], from)) sigaction(ending_signals[i], &action, NULL);
}

/* ---- what the terminal can do ---------------------------------------------------------------- */

/* Only a locale that names another character set means no; "C" says nothing about the terminal. */
static bool speaks_utf8(void)
{
    static const char *const variables[] = { "LC_ALL", "LC_CTYPE", "LANG" };
    for (size_t i = 0; i < COUNT_OF(variables); i++) {
        const char *value = getenv(variables[i]);
        if (!value || !*value) continue;
        const char *set = strchr(value, '.');
        return !set || !strncasecmp(set, ".utf-8", 6) || !strncasecmp(set, ".utf8", 5);
    }
    return true;
}

static enum term_depth depth_of(const char *term)
{
    const char *more = getenv("COLORTERM");
    if (more && (!strcmp(more, "truecolor") || !strcmp(more, "24bit"))) return TERM_TRUE_COLOUR;
    return strstr(term, "256color") ? TERM_256_COLOURS : TERM_16_COLOURS;
}

void term_tty_size(const struct term_tty *t, unsigned *columns, unsigned *rows)
{
    struct winsize size = { 0 };
    bool known = !ioctl(t->out, TIOCGWINSZ, &size) && size.ws_col && size.ws_row;
    *columns = known ? size.ws_col : FALLBACK_COLUMNS;
    *rows = known ? size.ws_row : FALLBACK_ROWS;
    if (*columns > MAX_SIDE) *columns = MAX_SIDE;
    if (*rows > MAX_SIDE) *rows = MAX_SIDE;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

int term_tty_read(struct term_tty *t, uint8_t *bytes, size_t room)
{
    struct pollfd ready = { .fd = STDIN_FILENO, .events = POLLIN };
    (void)t;
    if (poll(&ready, 1, 0) <= 0) return 0;
    ssize_t count = read(STDIN_FILENO, bytes, room);
    if (count > 0) return (int)count;
    return count == 0 || (errno != EINTR && errno != EAGAIN) ? -1 : 0;
}

bool term_tty_send(struct term_tty *t)
{
    struct term_bytes *b = &t->bytes;
    while (b->sent < b->length) {
        ssize_t count = write(t->out, b->bytes + b->sent, b->length - b->sent);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
        if (count <= 0) break;             /* gone; reading will tell */
        b->sent += (size_t)count;
    }
    b->sent = b->length = 0;
    return true;
}

/* ---- open and close -------------------------------------------------------------------------- */

static void open_out(struct term_tty *t)
{
    char name[128];
    t->out = ttyname_r(STDOUT_FILENO, name, sizeof name)
           ? -1 : open(name, O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    t->own_out = t->out >= 0;
    if (!t->own_out) t->out = STDOUT_FILENO;
}

static bool go_raw(const struct termios *from)
{
    struct termios raw = *from;
    cfmakeraw(&raw);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    return !tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw);
}

const char *term_tty_open(struct term_tty *t, void **saved)
{
    const char *term = getenv("TERM");
    *t = (struct term_tty){ .out = -1 };
    *saved = NULL;
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return "stdin and stdout are not a terminal";
    if (!term || !*term || !strcmp(term, "dumb"))
        return "the terminal cannot move its cursor (TERM)";
    struct termios *before = malloc(sizeof *before);
    if (!before) return "out of memory";
    if (tcgetattr(STDIN_FILENO, before) || !go_raw(before)) {
        free(before);
        return "the terminal refuses raw mode";
    }
    *saved = before;
    t->utf8 = speaks_utf8();
    t->depth = depth_of(term);
    open_out(t);
    swap_handlers(SIG_DFL, leave_by_signal);
    term_puts(&t->bytes, ENTER);
    return NULL;
}

void term_tty_close(struct term_tty *t, void *saved)
{
    ssize_t ignored = write(STDOUT_FILENO, LEAVE, sizeof LEAVE - 1);
    (void)ignored;
    tcsetattr(STDIN_FILENO, TCSAFLUSH, saved);
    swap_handlers(leave_by_signal, SIG_DFL);
    if (t->own_out) close(t->out);
    free(t->bytes.bytes);
    free(saved);
}
