/* SPDX-License-Identifier: MIT
 * Runs a libFuzzer harness without libFuzzer: every file named (or in a folder named), and then
 * mutations of them for some seconds.
 *
 *     fuzz_x [--seconds=N] [--seed=N] FILE|FOLDER ...
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { MOST_INPUTS = 4096, MOST_BYTES = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    uint8_t *data;
    size_t   size;
};

struct corpus {
    struct input input[MOST_INPUTS];
    unsigned count;
    uint64_t state;
};

static uint64_t next(struct corpus *c)
{
    c->state ^= c->state << 13;
    c->state ^= c->state >> 7;
    c->state ^= c->state << 17;
    return c->state;
}

static void add_file(struct corpus *c, const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f || c->count == MOST_INPUTS) {
        fprintf(stderr, "%s: cannot be read, or too many\n", path);
        exit(2);
    }
    struct input *i = &c->input[c->count++];
    i->data = malloc(MOST_BYTES);
    if (!i->data) exit(2);
    i->size = fread(i->data, 1, MOST_BYTES, f);
    fclose(f);
}

static void add(struct corpus *c, const char *path)
{
    char file[4096];
    DIR *d = opendir(path);
    if (!d) {
        add_file(c, path);
        return;
    }
    for (struct dirent *e; (e = readdir(d));) {
        snprintf(file, sizeof file, "%s/%s", path, e->d_name);
        if (*e->d_name != '.') add_file(c, file);
    }
    closedir(d);
}

/* Where headers are, mostly: the first kilobytes. Values that are limits somewhere. */
static void mutate(struct corpus *c, uint8_t *data, size_t size)
{
    static const uint64_t limits[] = {0,          1,          0x7F,       0x80,
                                      0xFF,       0x7FFF,     0xFFFF,     0x10000,
                                      0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, (uint64_t)1 << 55,
                                      INT64_MAX,  UINT64_MAX};
    for (unsigned times = 1 + next(c) % 6; times; times--) {
        size_t at = next(c) % (next(c) % 3 ? size < 2048 ? size : 2048 : size);
        unsigned width = 1u << next(c) % 4;
        uint64_t value =
            next(c) % 2 ? limits[next(c) % (sizeof limits / sizeof limits[0])] : next(c);
        if (next(c) % 4 == 0) data[at] ^= (uint8_t)(1u << next(c) % 8);
        else if (next(c) % 8 == 0) memmove(data + at / 2, data + at, size - at);
        else for (unsigned k = 0; k < width && at + k < size; k++)
            data[at + k] = (uint8_t)(value >> 8 * (next(c) % 2 ? k : width - 1 - k));
    }
}

static uint64_t run_mutations(struct corpus *c, time_t end)
{
    static uint8_t data[MOST_BYTES];
    uint64_t runs = 0;
    while (c->count && time(NULL) < end) {
        const struct input *i = &c->input[next(c) % c->count];
        size_t size = next(c) % 8 || !i->size ? i->size : next(c) % i->size + 1;
        memcpy(data, i->data, size);
        if (size) mutate(c, data, size);
        LLVMFuzzerTestOneInput(data, size);
        runs++;
    }
    return runs;
}

int main(int argc, char **argv)
{
    struct corpus *c = calloc(1, sizeof *c);
    long seconds = 0;
    if (!c) return 2;
    c->state = 0x9E3779B97F4A7C15u;
    for (int n = 1; n < argc; n++) {
        if (!strncmp(argv[n], "--seconds=", 10)) seconds = atol(argv[n] + 10);
        else if (!strncmp(argv[n], "--seed=", 7)) c->state ^= strtoull(argv[n] + 7, NULL, 0);
        else add(c, argv[n]);
    }
    for (unsigned n = 0; n < c->count; n++)
        LLVMFuzzerTestOneInput(c->input[n].data, c->input[n].size);
    unsigned long long runs = run_mutations(c, time(NULL) + seconds);
    unsigned inputs = c->count;
    printf("%u inputs, %llu mutations\n", inputs, runs);
    for (unsigned n = 0; n < c->count; n++) free(c->input[n].data);
    free(c);
    return inputs ? 0 : 2;                 /* without a corpus nothing was tried */
}
