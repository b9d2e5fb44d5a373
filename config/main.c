/* SPDX-License-Identifier: MIT
 * From the command line to a running machine and its exit code.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include "config/command_line.h"
#include "config/session.h"

#ifndef VITRO_VERSION
#define VITRO_VERSION "0.1"
#endif

static void report(void *ctx, bool error, const char *text)
{
    (void)ctx;
    fprintf(stderr, "vitro: %s%s\n", error ? "" : "warning: ", text);
}

static void print_line(void *out, const char *text)
{
    fprintf(out, "%s\n", text);
}

/* Taken where the machine can end in order (session.c); a client that hangs up is an errno. */
static void block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);          /* ulimit -f is a full disk, too (EFBIG) */
}

static bool read_config(struct config *c, const struct command_line *cl)
{
    const char *file = cl->config_file;
    bool search = !file && !cl->no_config && !command_line_has_images(cl);
    if (search) file = config_search(c);
    bool ok = !file || config_read_file(c, file);
    ok = command_line_apply(cl, c) && ok;
    ok = config_check(c) && ok;
    if (!ok || !cl->strict || !config_warnings(c)) return ok;
    fprintf(stderr, "vitro: --strict-config: %u warnings\n", config_warnings(c));
    return false;
}

static struct log *open_log(const struct config *c)
{
    struct log *log = log_new();
    if (!log) return NULL;
    if (c->log.path && !log_open(log, c->log.path))
        fprintf(stderr, "vitro: %s: log %s: %s, log lines go to the standard error\n",
                c->log.origin, c->log.path, strerror(errno));
    for (unsigned i = 0; i < c->rules; i++)
        log_set_action(log, c->rule[i].module, c->rule[i].level, c->rule[i].action);
    return log;
}

static nanos log_time(void *machine)
{
    return machine_now(machine);
}

static int run(const struct config *c, const struct command_line *cl, struct log *log)
{
    block_signals();
    if (cl->qtest && cl->profile)
        fprintf(stderr, "vitro: --profile: with --qtest there is no processor to count\n");
    struct machine *m = machine_new(c, log, !cl->qtest);
    if (!m) {
        fprintf(stderr, "vitro: the machine could not be built%s%s\n",
                c->log.path ? ", the reason is in " : "", c->log.path ? c->log.path : "");
        return MACHINE_EXIT_ERROR;
    }
    log_set_clock(log, log_time, m);
    int exit_code = cl->qtest ? session_qtest(m, cl->qtest, log) : session_run(m, c, cl, log);
    log_set_clock(log, NULL, NULL);
    machine_free(m);
    return exit_code;
}

static int start(struct config *c, const struct command_line *cl)
{
    if (!read_config(c, cl)) return MACHINE_EXIT_ERROR;
    if (cl->print_config) {
        config_print(c, stdout);
        return 0;
    }
    if (cl->debugger || cl->debugger_script)
        fprintf(
            stderr,
            "vitro: there is no debugger yet, the machine runs; --monitor stdio looks into it\n");
    struct log *log = open_log(c);
    int exit_code = log ? run(c, cl, log) : MACHINE_EXIT_ERROR;
    log_free(log);
    return exit_code;
}

int main(int argc, char **argv)
{
    struct command_line cl;
    char why[256];
    if (!command_line_read(&cl, argc, argv, why, sizeof why)) {
        fprintf(stderr, "vitro: %s\n", why);
        return MACHINE_EXIT_ERROR;
    }
    if (cl.help) command_line_help(stdout);
    else if (cl.version) printf("Vitro " VITRO_VERSION "\n");
    else if (cl.opcodes) cpu_print_opcodes(print_line, stdout);
    else if (cl.cpu_models) cpu_print_models(print_line, stdout);
    if (cl.help || cl.version || cl.opcodes || cl.cpu_models) return 0;

    struct config *c = config_new(&(struct config_report){ report, NULL });
    if (!c) return MACHINE_EXIT_ERROR;
    int exit_code = start(c, &cl);
    config_free(c);
    return exit_code;
}
