/* SPDX-License-Identifier: MIT
 * Commands of the monitor. One row of the table per command.
 */
#include "debug/monitor.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "gui/display.h"

#define PROMPT "(vitro) "
#define MILLISECOND ((nanos)1000000)
enum { HOLD_MS = 100, LONGEST_HOLD_MS = 60000, COMBO = 8, LONGEST = 4096 };

static void say(struct monitor *m, const char *why)
{
    if (why) server_print(m->server, "%s\n", why);
}

static bool number(struct monitor *m, const char *text, long low, long high, long *value)
{
    char *end;
    errno = 0;
    *value = strtol(text, &end, 0);
    if (*text && !*end && !errno && *value >= low && *value <= high) return true;
    server_print(m->server, "%.60s: must be a number from %ld to %ld\n", text, low, high);
    return false;
}

/* ---- keys and mouse -------------------------------------------------------------------------- */
/* "ctrl-alt-delete" to usages; also "minus" and "-" itself as the last key. */
static unsigned parse_combo(struct monitor *m, char *combo, unsigned keys[COMBO])
{
    unsigned n = 0;
    for (char *s = combo, *end; s; s = end) {
        end = *s ? strchr(s + 1, '-') : NULL;
        if (end) *end++ = 0;
        unsigned usage = strcmp(s, "-") ? key_by_name(s) : key_by_name("minus");
        if (!usage || n == COMBO) {
            server_print(m->server, "%.40s: %s\n", s, usage ? "too many keys" : "no such key");
            return 0;
        }
        keys[n++] = usage;
    }
    return n;
}

/* All down in the order given, up in the reverse order when the time is over. */
static void do_sendkey(struct monitor *m, char *const *args, unsigned count)
{
    unsigned keys[COMBO];
    long hold = HOLD_MS;
    if (count > 1 && !number(m, args[1], 1, LONGEST_HOLD_MS, &hold)) return;
    unsigned n = parse_combo(m, args[0], keys);
    bool taken = true;
    for (unsigned i = 0; i < n; i++) taken &= m->machine.key(m->machine.ctx, keys[i], true, 0);
    for (unsigned i = n; i--;)
        taken &= m->machine.key(m->machine.ctx, keys[i], false, (nanos)hold * MILLISECOND);
    if (!taken) say(m, "too many keys at once, some are lost");
}

/* \n, \t, \b, \e, \\ in a text mean keys. */
static void unescape(char *text)
{
    static const char names[] = "ntbe\\", keys[] = "\n\t\b\x1B\\";
    char *to = text;
    for (const char *s = text; *s; s++) {
        const char *name = *s == '\\' && s[1] ? strchr(names, s[1]) : NULL;
        *to++ = name ? keys[name - names] : *s;
        s += name != NULL;
    }
    *to = 0;
}

static void do_type(struct monitor *m, char *const *args, unsigned count)
{
    (void)count;
    unescape(args[0]);
    m->machine.type(m->machine.ctx, args[0]);
}

static void do_mouse_move(struct monitor *m, char *const *args, unsigned count)
{
    long d[3] = { 0 };
    for (unsigned i = 0; i < count; i++)
        if (!number(m, args[i], -10000, 10000, &d[i])) return;
    m->machine.mouse(m->machine.ctx, (int)d[0], (int)d[1], (int)d[2], m->buttons);
}

static void do_mouse_button(struct monitor *m, char *const *args, unsigned count)
{
    long buttons;
    (void)count;
    if (!number(m, args[0], 0, 31, &buttons)) return;
    m->buttons = (unsigned)buttons;
    m->machine.mouse(m->machine.ctx, 0, 0, 0, m->buttons);
}

/* ---- the screen ------------------------------------------------------------------------------ */
static void do_screendump(struct monitor *m, char *const *args, unsigned count)
{
    (void)count;
    say(m, screen_save(m->machine.screen, args[0]));
}

static void do_screentext(struct monitor *m, char *const *args, unsigned count)
{
    size_t len = screen_text_utf8(m->machine.screen, NULL, 0);
    char *text = malloc(len + 1);
    (void)args, (void)count;
    if (!len) say(m, "the screen shows no text now; screendump FILE.png saves the picture");
    if (!text) return;
    screen_text_utf8(m->machine.screen, text, len + 1);
    server_write(m->server, text, strlen(text));
    free(text);
}

/* ---- running --------------------------------------------------------------------------------- */
static void do_stop(struct monitor *m, char *const *args, unsigned count)
{
    (void)args, (void)count;
    m->machine.stop(m->machine.ctx);
}

static void do_cont(struct monitor *m, char *const *args, unsigned count)
{
    (void)args, (void)count;
    m->machine.cont(m->machine.ctx);
}

static void do_reset(struct monitor *m, char *const *args, unsigned count)
{
    (void)args, (void)count;
    m->machine.reset(m->machine.ctx);
}

static void do_powerdown(struct monitor *m, char *const *args, unsigned count)
{
    (void)args, (void)count;
    say(m, m->machine.power_down(m->machine.ctx));
}

static void do_quit(struct monitor *m, char *const *args, unsigned count)
{
    (void)args, (void)count;
    m->machine.quit(m->machine.ctx);
}

/* ---- disks ----------------------------------------------------------------------------------- */
static void do_change(struct monitor *m, char *const *args, unsigned count)
{
    (void)count;
    say(m, m->machine.change(m->machine.ctx, args[0], args[1]));
}

static void do_eject(struct monitor *m, char *const *args, unsigned count)
{
    (void)count;
    say(m, m->machine.change(m->machine.ctx, args[0], NULL));
}

/* An edge: what the NMI button of a server does. */
static void do_nmi(struct monitor *m, char *const *args, unsigned count)
{
    (void)args;
    (void)count;
    if (!m->machine.board) {
        say(m, "there is no board");
        return;
    }
    board_drive(m->machine.board, WIRE_NMI, true);
    board_drive(m->machine.board, WIRE_NMI, false);
}

/* ---- looking in ------------------------------------------------------------------------------ */
static const struct monitor_command *find(const struct monitor_command *table, const char *name)
{
    for (; table->name; table++)
        if (!strcmp(table->name, name)) return table;
    return NULL;
}

static void list(struct monitor *m, const struct monitor_command *table, const char *before)
{
    for (; table->name; table++)
        server_print(m->server, "%s%s%s%s -- %s\n", before, table->name, *table->args ? " " : "",
                     table->args, table->about);
}

static void do_info(struct monitor *m, char *const *args, unsigned count)
{
    const struct monitor_command *c = count ? find(monitor_info, args[0]) : NULL;
    if (c) c->run(m, args + 1, count - 1);
    else if (count) monitor_info_device(m, args[0]);
    else list(m, monitor_info, "info ");
}

static void do_x(struct monitor *m, char *const *args, unsigned count)
{
    monitor_examine(m, args, count, false);
}

static void do_xp(struct monitor *m, char *const *args, unsigned count)
{
    monitor_examine(m, args, count, true);
}

static void do_help(struct monitor *m, char *const *args, unsigned count);

static const struct monitor_command commands[] = {
    { "help", "[COMMAND]", "this list, or one line of it", 0, 1, do_help },
    { "info", "[WHAT]", "look at the machine; alone: what there is to look at", 0, 2, do_info },
    { "stop", "", "stop guest time", 0, 0, do_stop },
    { "cont", "", "go on", 0, 0, do_cont },
    { "sendkey", "KEYS [HOLD_MS]", "press keys together, e.g. ctrl-alt-delete, shift-a, ret", 1, 2,
      do_sendkey },
    { "type", "\"TEXT\"", "type a text, \\n for Enter; keyboard: paste_delay= sets the pace", 1, 1,
      do_type },
    { "mouse_move", "DX DY [DZ]", "move the mouse (right, down), turn its wheel", 2, 3,
      do_mouse_move },
    { "mouse_button", "STATE", "1 left + 2 right + 4 middle + 8, 16 side buttons are down", 1, 1,
      do_mouse_button },
    { "screendump", "FILE", "save the screen as .ppm, .png or .txt", 1, 1, do_screendump },
    { "screentext", "", "print the text screen", 0, 0, do_screentext },
    { "change", "DEVICE FILE", "put another disk in, e.g. floppya disk2.img", 2, 2, do_change },
    { "eject", "DEVICE", "take the disk out", 1, 1, do_eject },
    { "x", "[/COUNT SIZE FORMAT] ADDR", "memory at a linear address, e.g. x /16xb 0x7c00", 1, 2,
      do_x },
    { "xp", "[/COUNT SIZE FORMAT] ADDR", "memory at a physical address; sizes b h w g", 1, 2,
      do_xp },
    { "nmi", "", "a non-maskable interrupt (port 70h bit 7 can mask it)", 0, 0, do_nmi },
    { "system_reset", "", "the reset button", 0, 0, do_reset },
    { "system_powerdown", "", "the power button (ACPI)", 0, 0, do_powerdown },
    { "quit", "", "end the run", 0, 0, do_quit },
    { 0 },
};

static const struct { const char *alias, *name; } aliases[] = {
    { "c", "cont" }, { "continue", "cont" }, { "q", "quit" }, { "exit", "quit" }, { "?", "help" },
    { "reset", "system_reset" }, { "h", "help" },
};

static void do_help(struct monitor *m, char *const *args, unsigned count)
{
    const struct monitor_command *c = count ? find(commands, args[0]) : NULL;
    if (!count) list(m, commands, "");
    else if (!c) server_print(m->server, "%.60s: no such command\n", args[0]);
    else server_print(m->server, "%s %s -- %s\n", c->name, c->args, c->about);
}

/* ---- lines ----------------------------------------------------------------------------------- */
/* Words at blanks; quotes keep a file name together; "xp/8xb" is "xp" and "/8xb". */
static unsigned split(char *line, char *words[MONITOR_WORDS])
{
    unsigned n = 0;
    for (char *s = line; n < MONITOR_WORDS; n++) {
        s += strspn(s, " \t");
        if (!*s) break;
        bool quoted = *s == '"';
        words[n] = s += quoted;
        s += strcspn(s, quoted ? "\"" : " \t");
        if (*s) *s++ = 0;
    }
    return n;
}

static unsigned split_format(char *words[MONITOR_WORDS], unsigned n, char format[16])
{
    char *slash = n && n < MONITOR_WORDS && words[0][0] == 'x' ? strchr(words[0], '/') : NULL;
    if (!slash) return n;
    snprintf(format, 16, "%s", slash);
    *slash = 0;
    memmove(words + 2, words + 1, (n - 1) * sizeof *words);
    words[1] = format;
    return n + 1;
}

static void execute(struct monitor *m, const char *line)
{
    char text[LONGEST + 1], format[16], name[24], *words[MONITOR_WORDS];
    snprintf(text, sizeof text, "%s", line);
    unsigned n = split_format(words, split(text, words), format);
    if (!n) return;
    for (unsigned i = 0; i < COUNT_OF(aliases); i++)
        if (!strcmp(words[0], aliases[i].alias)) {
            snprintf(name, sizeof name, "%s", aliases[i].name);
            words[0] = name;
        }
    const struct monitor_command *c = find(commands, words[0]);
    if (!c) server_print(m->server, "%.60s: no such command; help lists them\n", words[0]);
    else if (n - 1 < c->min || n - 1 > c->max)
        server_print(m->server, "usage: %s %s\n", c->name, c->args);
    else c->run(m, words + 1, n - 1);
}

void monitor_poll(struct monitor *m)
{
    const char *line;
    server_poll(m->server);
    if (server_came(m->server))
        server_print(m->server, "Vitro monitor, help lists the commands\n" PROMPT);
    while ((line = server_line(m->server)) != NULL) {
        execute(m, line);
        server_print(m->server, PROMPT);
    }
}

int monitor_fd(const struct monitor *m) { return server_fd(m->server); }

struct monitor *monitor_new(struct server *s, const struct monitor_machine *machine)
{
    struct monitor *m = calloc(1, sizeof *m);
    if (!m) return NULL;
    m->server = s;
    m->machine = *machine;
    return m;
}

void monitor_free(struct monitor *m)
{
    if (!m) return;
    server_close(m->server);
    free(m);
}
