/* SPDX-License-Identifier: MIT
 * The command line: one table of options. What is no option is a bochsrc line if it begins with a
 * directive and a colon, else a disk image.
 */
#include "config/command_line.h"

#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include "config/options.h"
#include "gui/display.h"
#include "iodev/image/image.h"

struct parser {
    struct command_line *c;
    int position;
    char *why;
    size_t room;
};

struct cli_option {
    const char *name, *alias;              /* with its dashes; alias may be NULL */
    const char *value;                     /* NULL: none; its name in help; "[=...]": optional */
    const char *help;                      /* NULL: accepted for Bochs' sake */
    bool (*take)(struct parser *, const char *value);
};

static bool wrong(struct parser *p, const char *value, const char *why)
{
    snprintf(p->why, p->room, "%s: %s", value, why);
    return false;
}

static bool add_item(struct parser *p, enum item_kind kind, const char *text)
{
    if (p->c->items == COMMAND_ITEMS) return wrong(p, text, "too many arguments");
    p->c->item[p->c->items++] = (struct command_item){ kind, p->position, text };
    return true;
}

/* ---- values ---------------------------------------------------------------------------------- */
/* "2.5s", "100ms", "3us" in nanoseconds. */
static bool parse_time(const char *text, nanos *time)
{
    static const struct { const char *unit; nanos ns; } units[] = {
        { "s", SECOND }, { "ms", 1000000 }, { "us", 1000 }, { "ns", 1 },
    };
    uint64_t whole = 0, part = 0, scale = 1;
    const char *s = text;
    for (; *s >= '0' && *s <= '9' && whole < 1000000000; s++)
        whole = whole * 10 + (uint64_t)(*s - '0');
    if (s == text) return false;
    if (*s == '.')
        for (s++; *s >= '0' && *s <= '9' && scale < 1000000000; s++, scale *= 10)
            part = part * 10 + (uint64_t)(*s - '0');
    for (unsigned i = 0; i < COUNT_OF(units); i++)
        if (!strcmp(s, units[i].unit)) {
            *time = whole * units[i].ns + muldiv64(part, units[i].ns, scale);
            return true;
        }
    return false;
}

static bool take_until(struct parser *p, const char *value)
{
    if (parse_uint(value, &p->c->until_ticks) && p->c->until_ticks) return true;
    if (parse_time(value, &p->c->until_time) && p->c->until_time) return true;
    return wrong(p, value, "--until wants ticks or a time with its unit: 1000000, 2.5s, 300ms");
}

/* "2.5s=boot.png"; a name alone is for the end of the run. */
static bool take_screenshot(struct parser *p, const char *value)
{
    char when[32];
    const char *equals = strchr(value, '=');
    size_t len = equals ? (size_t)(equals - value) : 0;
    struct screenshot s = { .path = value };
    if (p->c->screenshots == SCREENSHOTS) return wrong(p, value, "too many screenshots");
    if (equals && len < sizeof when) {
        snprintf(when, sizeof when, "%.*s", (int)len, value);
        if (parse_uint(when, &s.ticks) || parse_time(when, &s.time)) s.path = equals + 1;
    }
    if (!screen_can_save(s.path))
        return wrong(p, value, "--screenshot wants WHEN=FILE (2.5s=boot.png), or a FILE for the "
                               "end of the run; it ends in .png, .ppm or .txt");
    p->c->screenshot[p->c->screenshots++] = s;
    return true;
}

static bool take_hash(struct parser *p, const char *value)
{
    char number[24];
    const char *colon = strchr(value, ':');
    int len = colon ? (int)(colon - value) : (int)strlen(value);
    if (len < (int)sizeof number) {
        snprintf(number, sizeof number, "%.*s", len, value);
        p->c->hash_file = colon ? colon + 1 : NULL;
        if (parse_uint(number, &p->c->hash_every) && p->c->hash_every) return true;
    }
    return wrong(p, value, "--hash-every wants a number of ticks, then perhaps :FILE");
}

static bool take_memory(struct parser *p, const char *value)
{
    uint64_t mib;
    if (!parse_uint(value, &mib)) return wrong(p, value, "--memory wants a number of MiB");
    return add_item(p, ITEM_MEMORY, value);
}

static bool take_serial(struct parser *p, const char *value)
{
    static const char *const plain = "stdio|pty|null";
    if (word_in(plain, value) || !strncmp(value, "file:", 5) || !strncmp(value, "unix:", 5) ||
        !strncmp(value, "pty:", 4))
        return add_item(p, ITEM_SERIAL, value);
    return wrong(p, value, "--serial wants stdio, file:PATH, unix:PATH, pty or null");
}

static bool take_cdrom(struct parser *p, const char *value)
{
    return add_item(p, ITEM_CDROM, value);
}

static bool take_file(struct parser *p, const char *value)
{
    p->c->config_file = value;
    return true;
}
static bool take_log(struct parser *p, const char *value) { p->c->log = value; return true; }
static bool take_monitor(struct parser *p, const char *value)
{
    p->c->monitor = value;
    return true;
}
static bool take_qtest(struct parser *p, const char *value) { p->c->qtest = value; return true; }
static bool take_script(struct parser *p, const char *value)
{
    p->c->debugger_script = value;
    return true;
}
static bool take_display(struct parser *p, const char *value)
{
    p->c->has_display = true;
    return add_item(p, ITEM_DISPLAY, value);
}
static bool take_profile(struct parser *p, const char *value)
{
    p->c->profile_file = value;
    return p->c->profile = true;
}
static bool set_no_config(struct parser *p, const char *v)
{
    (void)v;
    return p->c->no_config = true;
}
static bool set_strict(struct parser *p, const char *v) { (void)v; return p->c->strict = true; }
static bool set_help(struct parser *p, const char *v) { (void)v; return p->c->help = true; }
static bool set_version(struct parser *p, const char *v) { (void)v; return p->c->version = true; }
static bool set_opcodes(struct parser *p, const char *v) { (void)v; return p->c->opcodes = true; }
static bool set_cpu_models(struct parser *p, const char *v)
{
    (void)v;
    return p->c->cpu_models = true;
}
static bool set_print(struct parser *p, const char *v)
{
    (void)v;
    return p->c->print_config = true;
}
static bool set_debugger(struct parser *p, const char *v) { (void)v; return p->c->debugger = true; }
static bool set_nothing(struct parser *p, const char *v) { (void)p, (void)v; return true; }

static const struct cli_option options[] = {
    { "-f", NULL, "FILE", "read this bochsrc instead of searching for one", take_file },
    { "-n", NULL, NULL, "read no bochsrc", set_no_config },
    { "--memory", "-m", "MB", "RAM in MiB (128; with a bochsrc 32)", take_memory },
    { "--cdrom", "-cdrom", "FILE", "put this disc image into a CD drive, whatever its name",
      take_cdrom },
    { "--display", NULL, "NAME", "sdl2 (a window), term (the terminal) or nogui", take_display },
    { "--serial", NULL, "WHERE",
      "COM1, given again COM2 ...: stdio, file:PATH, unix:PATH, pty, null", take_serial },
    { "--monitor", NULL, "WHERE", "commands to the machine: stdio or unix:PATH", take_monitor },
    { "--log", "-log", "FILE", "log file; - is the standard error", take_log },
    { "--until", NULL, "WHEN",
      "end the run with exit code 0 at this tick or guest time (300ms, 2.5s)", take_until },
    { "--screenshot", NULL, "[WHEN=]FILE",
      "save the screen at this tick or guest time, else at the end; .png, .ppm or .txt",
      take_screenshot },
    { "--hash-every", NULL, "N[:FILE]", "print tick and hash of the whole machine every N ticks",
      take_hash },
    { "--profile", NULL, "[=FILE]",
      "count instructions, traces, TLB misses, exits, interrupts, ports; report at the end",
      take_profile },
    { "--qtest", NULL, "WHERE", "QEMU's qtest protocol at unix:PATH or stdio; no processor",
      take_qtest },
    { "--print-config", NULL, NULL, "print what was understood as a bochsrc and end", set_print },
    { "--strict-config", NULL, NULL, "a warning about the configuration ends with exit code 2",
      set_strict },
    { "--opcodes", NULL, NULL, "print the instruction set as a manual and end", set_opcodes },
    { "--cpu-models", NULL, NULL, "print the processor models and their features and end",
      set_cpu_models },
    { "--version", "-version", NULL, "print the version and end", set_version },
    { "--help", "-h", NULL, "print this and end", set_help },
    { "-help", NULL, NULL, NULL, set_help },
    { "-qf", NULL, "", NULL, take_file },
    { "-q", NULL, NULL, NULL, set_nothing },
    { "-rc", NULL, "", NULL, take_script },
    { "-dbg", NULL, NULL, NULL, set_debugger },
    { "-dbglog", NULL, "", NULL, set_nothing },
    { "-dbg_gui", NULL, NULL, NULL, set_debugger },
    { "-unlock", NULL, NULL, NULL, set_nothing },
    { "-noconsole", NULL, NULL, NULL, set_nothing },
};

/* ---- reading --------------------------------------------------------------------------------- */
/* "--name=value": value points behind the '='. */
static bool same_option(const char *name, const char *arg, const char **value)
{
    size_t n = name ? strlen(name) : 0;
    if (!n || strncmp(arg, name, n)) return false;
    *value = arg[n] == '=' ? arg + n + 1 : NULL;
    return !arg[n] || (arg[n] == '=' && arg[1] == '-');
}

static const struct cli_option *find_option(const char *arg, const char **value)
{
    for (unsigned i = 0; i < COUNT_OF(options); i++)
        if (same_option(options[i].name, arg, value) || same_option(options[i].alias, arg, value))
            return &options[i];
    return NULL;
}

static bool is_line(const char *text)
{
    const char *colon = strchr(text, ':');
    if (!colon) return false;
    text += strspn(text, " \t");
    size_t len = (size_t)(colon - text);
    while (len && (text[len - 1] == ' ' || text[len - 1] == '\t')) len--;
    return config_is_directive(text, len);
}

static bool read_option(struct parser *p, const char *arg, const char *next, bool *used_next)
{
    const char *value;
    const struct cli_option *o = find_option(arg, &value);
    *used_next = false;
    if (!o) return wrong(p, arg, "no such option; --help lists them");
    if (!o->value && value) return wrong(p, arg, "this option has no value");
    if (!o->value) return o->take(p, NULL);
    bool may = !strncmp(o->value, "[=", 2);
    if (may) return value && !*value ? wrong(p, arg, "a value is missing") : o->take(p, value);
    if (!value) {
        value = next;
        *used_next = true;
    }
    return value ? o->take(p, value) : wrong(p, arg, "a value is missing");
}

bool command_line_read(struct command_line *c, int argc, char *const *argv, char *why, size_t room)
{
    struct parser p = { c, 0, why, room };
    bool options_end = false, used_next;
    *c = (struct command_line){ 0 };
    for (p.position = 1; p.position < argc; p.position++) {
        const char *arg = argv[p.position],
                   *next = p.position + 1 < argc ? argv[p.position + 1] : NULL;
        if (!options_end && !strcmp(arg, "--")) {
            options_end = true;
        } else if (options_end || arg[0] != '-' || !arg[1]) {
            if (!add_item(&p, !options_end && is_line(arg) ? ITEM_LINE : ITEM_IMAGE, arg))
                return false;
        } else {
            if (!read_option(&p, arg, next, &used_next)) return false;
            p.position += used_next;
        }
    }
    return true;
}

bool command_line_has_images(const struct command_line *c)
{
    for (unsigned i = 0; i < c->items; i++)
        if (c->item[i].kind == ITEM_IMAGE || c->item[i].kind == ITEM_CDROM) return true;
    return false;
}

/* ---- applying -------------------------------------------------------------------------------- */
struct used { unsigned floppies, disks, cdroms, serials; };

static bool is_floppy_size(const char *path)
{
    static const long sizes[] = {
        163840, 184320, 327680, 368640, 655360, 737280, 1228800, 1474560, 1720320, 1763328,
        2949120
    };
    struct stat s;
    if (stat(path, &s) || !S_ISREG(s.st_mode) || !image_is_raw_name(path)) return false;
    for (unsigned i = 0; i < COUNT_OF(sizes); i++)
        if (s.st_size == sizes[i]) return true;
    return false;
}

/* Its name is that of a disc image, or of a file that comes with one: the drive has words for that.
 */
static bool is_disc_name(const char *path)
{
    static const char *const names[] = { ".iso", ".mdf", ".cue", ".ccd", ".mds", ".toc" };
    const char *dot = strrchr(path, '.');
    for (unsigned i = 0; dot && i < COUNT_OF(names); i++)
        if (!strcasecmp(dot, names[i])) return true;
    return false;
}

static void put_drive(struct config *c, unsigned at, const char *type, struct config_file file)
{
    struct config_drive *d = &c->ata[at / 2].drive[at % 2];
    c->ata[at / 2].enabled = true;
    d->type = type;
    d->image = file;
    d->inserted = true;
}

/* Floppies to A and B; disks to ata0, then the slave of ata1, whose master is the CD. */
static void apply_image(struct config *c, struct used *used, const char *path, bool cdrom,
                        const char *origin)
{
    static const unsigned disks[] = { 0, 1, 3 }, cdroms[] = { 2, 3 };
    struct config_file file = { path, config_keep(c, origin) };
    if (!cdrom && is_floppy_size(path) && used->floppies < CONFIG_FLOPPIES) {
        struct config_floppy *f = &c->floppy[used->floppies++];
        f->type = "auto";
        f->image = file;
        f->inserted = true;
    } else if (cdrom && used->cdroms < COUNT_OF(cdroms)) {
        put_drive(c, cdroms[used->cdroms++], "cdrom", file);
    } else if (!cdrom && used->disks < COUNT_OF(disks)) {
        put_drive(c, disks[used->disks++], "disk", file);
    } else {
        config_error_at(c, origin, "%s: there is no drive left for it", path);
    }
}

static void apply_serial(struct config *c, struct used *used, const char *where, const char *origin)
{
    const char *colon = strchr(where, ':');
    if (used->serials == CONFIG_COMS) {
        config_error_at(c, origin, "--serial %s: there is no port left for it", where);
        return;
    }
    struct config_com *com = &c->com[used->serials++];
    com->enabled = true;
    com->dev = (struct config_file){ colon ? colon + 1 : NULL, config_keep(c, origin) };
    if (!colon) com->mode = where;
    else
        com->mode = !strncmp(where, "unix", 4) ? "socket-server" : where[0] == 'f' ? "file" : "pty";
}

static void apply_as_line(struct config *c, const char *directive, const char *value,
                          const char *origin)
{
    char line[512];
    snprintf(line, sizeof line, "%s%s", directive, value);
    config_read_line(c, origin, line);
}

bool command_line_apply(const struct command_line *cl, struct config *c)
{
    struct used used = { 0 };
    for (unsigned i = 0; i < cl->items; i++) {
        const struct command_item *item = &cl->item[i];
        char origin[32];
        snprintf(origin, sizeof origin, "argument %d", item->position);
        switch (item->kind) {
        case ITEM_LINE: config_read_line(c, origin, item->text); break;
        case ITEM_MEMORY: apply_as_line(c, "memory: guest=", item->text, origin); break;
        case ITEM_DISPLAY: apply_as_line(c, "display_library: ", item->text, origin); break;
        case ITEM_CDROM: apply_image(c, &used, item->text, true, origin); break;
        case ITEM_IMAGE: apply_image(c, &used, item->text, is_disc_name(item->text), origin); break;
        case ITEM_SERIAL: apply_serial(c, &used, item->text, origin); break;
        }
    }
    if (cl->log) c->log = (struct config_file){ cl->log, "--log" };
    return !config_failed(c);
}

/* ---- help ------------------------------------------------------------------------------------ */
static void print_options(FILE *out)
{
    for (unsigned i = 0; i < COUNT_OF(options); i++) {
        const struct cli_option *o = &options[i];
        char left[40];
        if (!o->help) continue;
        snprintf(left, sizeof left, "%s%s%s", o->name, o->value && *o->value != '[' ? " " : "",
                 o->value ? o->value : "");
        fprintf(out, "  %-24s %s\n", left, o->help);
    }
}

void command_line_help(FILE *out)
{
    fprintf(out,
        "usage: vitro [OPTIONS] [IMAGE ...] [\"BOCHSRC LINE\" ...]\n"
        "\n"
        "Vitro runs a PC in software: processor, chipset, disks, screen.\n"
        "\n"
        "  vitro disk.img                    boot a raw hard disk image\n"
        "  vitro dos.img                     a file of exactly a floppy's size is floppy A\n"
        "  vitro install.iso disk.img        a CD and a hard disk\n"
        "  vitro                             the machine in ./bochsrc or ~/.bochsrc\n"
        "  vitro -f my.bochsrc \"cpu: ips=200000000\" \"boot: disk\"\n"
        "  vitro --display nogui --serial stdio kernel.img      serial console (Ctrl-A x ends)\n"
        "  vitro --display nogui --until 5s --monitor unix:/tmp/m disk.img\n"
        "\n"
        "Options:\n");
    print_options(out);
    fprintf(out,
        "\n"
        "Options and files of Bochs work too: -q, -qf FILE, -rc FILE, -dbg are accepted.\n"
        "bochsrc.sample explains every directive. Images named on the command line replace\n"
        "the search for a bochsrc.\n"
        "\n"
        "Exit code: 0 the guest switched off (or --until was reached, or the user ended the run),\n"
        "  1 a log action \"fatal\", 2 something is wrong with configuration, images or ROMs,\n"
        "  3 the processor shut down (triple fault) and cpu: reset_on_triple_fault=0,\n"
        "  otherwise what the guest wrote to its exit port (isa_debug_exit).\n");
}
