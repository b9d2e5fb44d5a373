/* SPDX-License-Identifier: MIT
 * --profile: counting begins before the first instruction, the report comes after the last.
 */
#include "config/profiler.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "debug/profile.h"

enum { HANDLERS = 60 };

bool profiler_open(const struct command_line *cl, struct machine *m, FILE **file)
{
    *file = NULL;
    if (!cl->profile) return true;
    *file = cl->profile_file ? fopen(cl->profile_file, "w") : stderr;
    if (!*file) {
        fprintf(stderr, "vitro: --profile=%s: %s\n", cl->profile_file, strerror(errno));
        return false;
    }
    if (cpu_profile_start(machine_cpu(m))) return true;
    fprintf(stderr, "vitro: --profile: out of memory\n");
    return false;
}

static void print_line(void *file, const char *text) { fprintf(file, "%s\n", text); }

void profiler_close(FILE *file, struct machine *m)
{
    if (!file) return;
    profile_print(machine_board(m), machine_cpu(m), HANDLERS, print_line, file);
    bool failed = ferror(file) || fflush(file);
    if (file != stderr) failed |= fclose(file) != 0;
    if (failed)
        fprintf(stderr, "vitro: --profile: the report could not be written: %s\n", strerror(errno));
}
