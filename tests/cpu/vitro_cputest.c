/* SPDX-License-Identifier: MIT
 * vitro-cputest [--chained] [--table] [--all] PATH...: runs hardware-captured instruction cases
 * (X86SST1 and X87V1 files, plain or gzip) through the real decoder and engine. Prints per form
 * what failed and the first difference; for transcendental x87 instructions how many units in the
 * last place they are off. Folders are searched.
 *
 * vitro-cputest --set NAME --folder FOLDER: the folder NAME in $VITRO_CPUTESTS, else in FOLDER; for
 * ctest.
 *
 * Exit code 0: all passed, or differ as docs/cpu-exactness.md says; 1: differences; 2: bad input;
 * 77: --set, and there is no such folder.
 */
#include <dirent.h>
#include <sys/stat.h>
#include <zlib.h>
#include "tests/cpu/cputest.h"

enum { EXIT_DIFFERENCES = 1, EXIT_BAD = 2, EXIT_SKIPPED = 77 };

static uint32_t port_in(void *ctx, uint16_t port, enum width size)
{
    (void)ctx;
    (void)port;
    return size == 4 ? 0xFFFFFFFF : (1u << 8 * size) - 1;
}
static void port_out(void *ctx, uint16_t port, uint32_t value, enum width size)
{
    (void)ctx;
    (void)port;
    (void)value;
    (void)size;
}
static uint8_t acknowledge(void *ctx)
{
    (void)ctx;
    return 0;
}

/* ---- files ----------------------------------------------------------------------------------- */
static uint8_t *slurp(const char *path, size_t *len)
{
    gzFile f = gzopen(path, "rb");
    size_t size = 1 << 20;
    uint8_t *data = f ? malloc(size) : NULL;
    int n;
    *len = 0;
    while (data && (n = gzread(f, data + *len, (unsigned)(size - *len))) > 0) {
        *len += (size_t)n;
        if (*len < size) continue;
        uint8_t *larger = realloc(data, size *= 2);
        if (!larger) free(data);
        data = larger;
    }
    if (f) gzclose(f);
    return data;
}

static bool named_as_cases(const char *name)
{
    return strstr(name, ".sst") || strstr(name, ".x87v");
}

/* A file that neither is nor claims to be one of ours is passed over, so that FOLDER/\* works. */
static void run_file(struct cputest *t, const char *path)
{
    size_t len;
    uint8_t *data = slurp(path, &len);
    bool good = false, ours = true;
    if (data && len >= 16 && !memcmp(data, "X86SST1", 8)) good = sst_file(t, path, data, len);
    else if (data && len >= 16 && !memcmp(data, "X87V1\0\0", 8))
        good = x87v_file(t, path, data, len);
    else {
        ours = !data || named_as_cases(path);
        printf("%s: neither an X86SST1 nor an X87V1 file%s\n", path, ours ? "" : ", passed over");
    }
    t->total.files += ours;
    t->total.bad_files += ours && !good;
    free(data);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}
/* Vector files and folders; not what lies beside them (a README, other data). */
static int is_wanted(const struct dirent *e)
{
    return named_as_cases(e->d_name) || !strchr(e->d_name, '.');
}

static void run_path(struct cputest *t, const char *path)
{
    struct stat s;
    struct dirent **list;
    char inner[4096];
    if (stat(path, &s)) {
        printf("%s: cannot be opened\n", path);
        t->total.bad_files++;
        return;
    }
    if (!S_ISDIR(s.st_mode)) {
        run_file(t, path);
        return;
    }
    int n = scandir(path, &list, is_wanted, by_name);
    for (int k = 0; k < n; k++) {
        snprintf(inner, sizeof inner, "%s/%s", path, list[k]->d_name);
        run_path(t, inner);
        free(list[k]);
    }
    if (n >= 0) free(list);
}

/* ---- main ------------------------------------------------------------------------------------ */
static int usage(void)
{
    fprintf(stderr, "usage: vitro-cputest [--chained] [--table] [--all] PATH...\n"
                    "  --chained  through cached traces instead of single steps\n"
                    "  --table    a line for every form\n"
                    "  --all      every failing case, not only the first of a form\n"
                    "PATH: an X86SST1 or X87V1 file (may be gzipped) or a folder of them\n");
    return EXIT_BAD;
}

/* The folder of a named set into `path`; false: there is none. */
static bool find_set(char *path, size_t size, const char *folder, const char *set)
{
    const char *env = getenv("VITRO_CPUTESTS");
    struct stat s;
    snprintf(path, size, "%s/%s", env ? env : folder, set);
    if (!stat(path, &s)) return true;
    printf("skipped: %s is missing; VITRO_CPUTESTS names the folder with the CPU vectors\n", path);
    return false;
}

static int run_all(struct cputest *t, int count, char **paths)
{
    struct cpu_bus bus = { port_in, port_out, acknowledge, NULL, NULL, NULL };
    t->memory = memory_new(CPUTEST_RAM, NULL);
    t->cpu = t->memory ? cpu_new(NULL, t->memory, &bus, NULL) : NULL;
    if (!t->cpu) {
        fprintf(stderr, "vitro-cputest: out of memory\n");
        return EXIT_BAD;
    }
    memory_shadow(t->memory, 0xA0000, 0x60000, true, true);
    for (int k = 0; k < count; k++) run_path(t, paths[k]);
    cpu_free(t->cpu);
    memory_free(t->memory);
    const struct totals *n = &t->total;
    printf("%u files, %lu cases: %lu passed, %lu failed, %lu differ as documented\n", n->files,
           n->passed + n->failed + n->excepted, n->passed, n->failed, n->excepted);
    return n->bad_files || !n->files ? EXIT_BAD : n->failed ? EXIT_DIFFERENCES : 0;
}

int main(int argc, char **argv)
{
    struct cputest t = { 0 };
    const char *set = NULL, *folder = ".";
    char set_path[4096], *one = set_path;
    int k = 1;
    for (; k < argc && argv[k][0] == '-'; k++) {
        if (!strcmp(argv[k], "--chained")) t.chained = true;
        else if (!strcmp(argv[k], "--table")) t.table = true;
        else if (!strcmp(argv[k], "--all")) t.all = true;
        else if (!strcmp(argv[k], "--set") && k + 1 < argc) set = argv[++k];
        else if (!strcmp(argv[k], "--folder") && k + 1 < argc) folder = argv[++k];
        else return usage();
    }
    if (!set) return k < argc ? run_all(&t, argc - k, argv + k) : usage();
    if (!find_set(set_path, sizeof set_path, folder, set)) return EXIT_SKIPPED;
    return run_all(&t, 1, &one);
}
