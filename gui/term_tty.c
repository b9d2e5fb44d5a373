/* SPDX-License-Identifier: MIT
 * The terminal on stdin and stdout in ncurses' hands, and its way back to normal, also when a
 * signal ends the process. newterm(3X), resizeterm(3X), define_key(3X), ncurses 6.
 *
 * ncurses keeps its current screen and its signal handlers in globals of its own. What we can give
 * back we give back: the screen, the signals, the thread's locale.
 */
#ifdef HAVE_NCURSES
#include "gui/term.h"

#include <langinfo.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { ESC_PATIENCE = 25 };                /* milliseconds; ESCDELAY in the environment wins */

/* ---- signals --------------------------------------------------------------------------------- */

/* The first two are for ncurses to catch, the others end the process. */
static const int signals[TERM_SIGNALS] = { SIGTSTP, SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT,
                                           SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
enum { FIRST_ENDING = 2 };

/* endwin() is not async-signal-safe, but ncurses itself calls it on SIGINT and SIGTERM, and the
 * worst that can happen to a process that is ending anyway is that it ends. */
static void leave_by_signal(int number)
{
    endwin();
    raise(number);                         /* SA_RESETHAND: now it does what it would have done */
}

/* Before newterm(), which leaves alone what has a handler. */
static void catch_signals(struct term_tty *t)
{
    struct sigaction action = { .sa_handler = leave_by_signal,
                                .sa_flags = (int)(SA_RESETHAND | SA_NODEFER) };
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < TERM_SIGNALS; i++) {
        sigaction(signals[i], NULL, &t->before[i]);
        if (i >= FIRST_ENDING && t->before[i].sa_handler == SIG_DFL)
            sigaction(signals[i], &action, NULL);
    }
}

static void release_signals(const struct term_tty *t)
{
    for (size_t i = 0; i < TERM_SIGNALS; i++) sigaction(signals[i], &t->before[i], NULL);
}

/* ---- characters ------------------------------------------------------------------------------ */

static bool only_ascii(locale_t locale)
{
    const char *set = nl_langinfo_l(CODESET, locale);
    return !strcmp(set, "ANSI_X3.4-1968") || !strcmp(set, "US-ASCII");
}

/* The C locale of a bare environment says nothing about the terminal, and those of today speak
 * UTF-8: whoever means ASCII says so. */
static locale_t locale_for(const char *name)
{
    locale_t locale = newlocale(LC_CTYPE_MASK, name, (locale_t)0);
    if (locale && !*name && only_ascii(locale)) {
        freelocale(locale);
        locale = (locale_t)0;
    }
    if (!locale) locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    return locale ? locale : newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
}

locale_t term_tty_enter(const struct term_tty *t)
{
    set_term(t->curses);
    return uselocale(t->locale);
}

/* ---- the terminal's state -------------------------------------------------------------------- */

static int state_of(int fd, short events)
{
    struct pollfd p = { .fd = fd, .events = events };
    return poll(&p, 1, 0) > 0 ? p.revents : 0;
}

bool term_tty_gone(void)
{
    return state_of(STDIN_FILENO, POLLIN) & (POLLHUP | POLLERR | POLLNVAL);
}

bool term_tty_writable(void)
{
    return state_of(STDOUT_FILENO, POLLOUT) == POLLOUT;
}

/* By asking, not by SIGWINCH: ncurses catches that only for the first terminal of a process. */
bool term_tty_resized(void)
{
    struct winsize size = { 0 };
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || !size.ws_col || !size.ws_row) return false;
    if (!is_term_resized(size.ws_row, size.ws_col)) return false;
    resizeterm(size.ws_row, size.ws_col);
    clearok(stdscr, TRUE);
    return true;
}

/* ---- open and close -------------------------------------------------------------------------- */

const char *term_tty_open(struct term_tty *t, const char *charset)
{
    if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
        return "stdin and stdout are not a terminal";
    *t = (struct term_tty){ .locale = locale_for(charset) };
    if (!t->locale) return "no locale";
    catch_signals(t);
    locale_t before = uselocale(t->locale);
    set_escdelay(ESC_PATIENCE);
    t->curses = newterm(NULL, stdout, stdin);
    bool able = t->curses && tigetstr("cup");
    if (able) {
        term_start_keys();
        start_color();
        use_default_colors();
        typeahead(-1);                     /* pictures are not cut short by typing */
    }
    uselocale(before);
    if (able) return NULL;
    term_tty_close(t);
    return "the terminal cannot move its cursor (TERM)";
}

void term_tty_close(struct term_tty *t)
{
    if (t->curses) {
        locale_t before = term_tty_enter(t);
        endwin();
        delscreen(t->curses);
        uselocale(before);
    }
    freelocale(t->locale);
    release_signals(t);
}
#else
typedef int term_tty_is_not_built_in;      /* ISO C wants something in every file */
#endif
