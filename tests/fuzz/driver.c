/* SPDX-License-Identifier: MIT
 * Runs a fuzz target without libFuzzer: every file of a corpus, then mutations of them.
 *
 *     fuzz_ata [--runs N] [--seed S] [--from I] FILE-OR-FOLDER ...
 *
 * Run I of seed S is always the same input, so what fails at run I is repeated by
 * --seed S --from I --runs 1. The failing input is left in the file fuzz-crash.
 */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "tests/fuzz/target.h"

enum { INPUTS = 4096, LONGEST = 1 << 16, HEADER = 2048 };

struct input {
    uint8_t *data;
    size_t   size;
};

static struct input corpus[INPUTS];
static unsigned inputs;
static uint8_t current[LONGEST];
static size_t current_size;
static uint64_t random_state;

static uint32_t random32(void)
{
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(random_state >> 33);
}

/* Only calls that are safe in a signal handler. */
static void crashed(int number)
{
    static const char text[] = "the input is in the file fuzz-crash\n";
    int fd = open("fuzz-crash", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    bool kept = fd >= 0 && write(fd, current, current_size) == (ssize_t)current_size;
    if (kept && write(2, text, sizeof text - 1) < 0) _exit(2);
    signal(number, SIG_DFL);
    raise(number);
}

/* ---- the corpus ------------------------------------------------------------------------------ */

static void load_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f || inputs == INPUTS) {
        fprintf(stderr, "%s: %s\n", path, f ? "too many inputs" : "cannot be read");
        exit(2);
    }
    struct input *in = &corpus[inputs++];
    in->data = malloc(LONGEST);
    if (!in->data) exit(2);
    in->size = fread(in->data, 1, LONGEST, f);
    fclose(f);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void load(const char *path)
{
    struct stat s;
    struct dirent **names;
    if (stat(path, &s) != 0 || !S_ISDIR(s.st_mode)) {
        load_file(path);
        return;
    }
    int n = scandir(path, &names, NULL, by_name);
    for (int i = 0; i < n; i++) {
        char file[4096];
        snprintf(file, sizeof file, "%s/%s", path, names[i]->d_name);
        if (names[i]->d_name[0] != '.') load_file(file);
        free(names[i]);
    }
    if (n >= 0) free(names);
}

static void take(const struct input *in)
{
    current_size = in->size;
    memcpy(current, in->data, in->size);
}

/* ---- mutations ------------------------------------------------------------------------------- */

/* Another input's end behind this one's start. */
static void splice(void)
{
    const struct input *other = &corpus[random32() % inputs];
    size_t keep = current_size ? random32() % (current_size + 1) : 0;
    size_t from = other->size ? random32() % other->size : 0, len = other->size - from;
    if (len > LONGEST - keep) len = LONGEST - keep;
    memcpy(current + keep, other->data + from, len);
    current_size = keep + len;
}

/* A number of 1 to 8 bytes, in either order, that is a limit somewhere. */
static void put_limit(size_t at)
{
    static const uint64_t limits[] = { 0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x10000, INT32_MAX,
                                       0x80000000,
                                       UINT32_MAX, (uint64_t)1 << 55, INT64_MAX, UINT64_MAX };
    unsigned width = 1u << random32() % 4;
    uint64_t value = limits[random32() % (sizeof limits / sizeof limits[0])];
    bool big_endian = random32() % 2;
    for (unsigned k = 0; k < width && at + k < current_size; k++)
        current[at + k] = (uint8_t)(value >> 8 * (big_endian ? width - 1 - k : k));
}

/* Headers and lists of operations come first. */
static size_t somewhere(void)
{
    bool head = current_size > HEADER && random32() % 3;
    return random32() % (head ? HEADER : current_size);
}

static void mutate(void)
{
    static const uint8_t corners[] = { 0, 1, 2, 0x7F, 0x80, 0xFE, 0xFF, 0xA0, 0x08, 0xEC };
    unsigned changes = 1 + random32() % 8;
    if (random32() % 3 == 0) splice();
    if (random32() % 8 == 0) splice();
    while (changes-- && current_size) {
        size_t at = somewhere();
        switch (random32() % 5) {
        case 0: current[at] = (uint8_t)random32(); break;
        case 1: current[at] ^= (uint8_t)(1u << random32() % 8); break;
        case 2: current[at] = corners[random32() % sizeof corners]; break;
        case 3: put_limit(at); break;
        default:
            if (current_size < LONGEST) current[current_size++] = (uint8_t)random32();
            break;
        }
    }
}

static void run_current(void)
{
    LLVMFuzzerTestOneInput(current, current_size);
}

static void mutations(uint64_t seed, uint64_t from, uint64_t runs)
{
    for (uint64_t i = from; i < from + runs && inputs; i++) {
        random_state = (seed << 40) + i * 0x9E3779B97F4A7C15u;
        random32();
        take(&corpus[random32() % inputs]);
        mutate();
        run_current();
    }
}

/* ---- options --------------------------------------------------------------------------------- */

static bool is_option(const char *arg, const char *name, const char *value, uint64_t *to)
{
    if (strcmp(arg, name) || !value) return false;
    *to = strtoull(value, NULL, 0);
    return true;
}

int main(int argc, char **argv)
{
    uint64_t runs = 0, seed = 1, from = 0;
    signal(SIGABRT, crashed);
    signal(SIGSEGV, crashed);
    for (int i = 1; i < argc; i++) {
        const char *value = argv[i + 1];
        if (is_option(argv[i], "--runs", value, &runs) ||
            is_option(argv[i], "--seed", value, &seed) ||
            is_option(argv[i], "--from", value, &from))
            i++;
        else
            load(argv[i]);
    }
    for (unsigned i = 0; i < inputs; i++) {
        take(&corpus[i]);
        run_current();
    }
    mutations(seed, from, runs);
    printf("%u inputs, %llu mutations: nothing found\n", inputs, (unsigned long long)runs);
    for (unsigned i = 0; i < inputs; i++) free(corpus[i].data);
    return inputs ? 0 : 2;                 /* without a corpus nothing was tried */
}
