/* SPDX-License-Identifier: MIT
 * vitro-img: makes, checks and converts disk images, with qemu-img's words.
 */
#include "img/img.h"
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#ifndef VITRO_VERSION
#define VITRO_VERSION "0.1"
#endif

struct command {
    const char *name, *options;            /* getopt's */
    int least, most;                       /* names that are no options */
    int (*run)(const struct img_args *);
    const char *usage;
};

static const struct command commands[] = {
    { "create", "f:b:F:o:uq", 1, 2, img_create,
      "create [-f FMT] [-b BASE [-F FMT] [-u]] [-o OPTIONS] FILE [SIZE]\n"
      "      an empty image; with -b an overlay, as long as its base if there is no SIZE;\n"
      "      -u: the base is not looked at" },
    { "info", "f:U", 1, 1, img_info,
      "info [-f FMT] [-U] [--output=json] [--backing-chain] FILE\n"
      "      -U: also while a machine writes to it" },
    { "check", "f:r:qUT:", 1, 1, img_check,
      "check [-f FMT] [-r leaks|all] [-U] [--output=json] FILE\n"
      "      exit code 0: fine, 1: not checked, 2: damaged, 3: space is lost, nothing else,\n"
      "      63: a format without anything to check" },
    { "convert", "cf:nO:o:pqS:t:T:m:WU", 2, 2, img_convert,
      "convert [-c] [-n] [-p] [-f FMT] [-O FMT] [-o OPTIONS] FILE NEW\n"
      "      -c: compressed (qcow2); -n: NEW is there already" },
    { "commit", "df:pqt:", 1, 1, img_commit,
      "commit [-d] [-f FMT] FILE\n"
      "      writes an overlay's changes into its base and empties it (-d: leaves it as it is)" },
    { "compare", "f:F:psqT:U", 2, 2, img_compare,
      "compare [-f FMT] [-F FMT] [-s] FILE FILE\n"
      "      exit code 0: the same, 1: different, 2: error; -s: sizes must be the same, too" },
    { "resize", "f:q", 2, 2, img_resize,
      "resize [-f FMT] [--shrink] FILE [+|-]SIZE" },
};

static const char option_help[] =
    "OPTIONS: cluster_size=, compat=0.10|1.1, backing_file=, backing_fmt= (qcow2);\n"
    "  subformat=fixed|dynamic (vhd), monolithicFlat|monolithicSparse (vmdk); static=on (vdi);\n"
    "  preallocation=off|falloc|full (raw)\n";

static int usage(FILE *out, int code)
{
    fprintf(out, "usage: vitro-img COMMAND ...\n\n");
    for (unsigned n = 0; n < COUNT_OF(commands); n++) fprintf(out, "  %s\n", commands[n].usage);
    fprintf(out, "\nFormats, by -f or by the file's extension (raw if it says nothing else):\n");
    for (unsigned n = 0; image_format_at(n); n++) {
        const struct image_format *f = image_format_at(n);
        fprintf(out, "  %-6s %s\n", f->name, f->about);
    }
    fprintf(out,
            "\n%s-q: quiet   -p: progress, also where there is no terminal\n"
            "SIZE: bytes, or with k, M, G, T\n"
            "qemu-img's -t, -T, -m, -S, -W are taken and make no difference.\n",
            option_help);
    return code;
}

static bool is_on(const char *value)
{
    return !strcmp(value, "on") || !strcmp(value, "fixed") || !strcmp(value, "monolithicFlat");
}

/* What qemu-img may be told to do and we do anyway. */
static bool is_usual(const char *name, const char *value)
{
    static const char *const usual[][2] = {
        {"lazy_refcounts", "off"}, {"refcount_bits", "16"},  {"encryption", "off"},
        {"extended_l2", "off"},    {"data_file_raw", "off"}, {"compression_type", "zlib"},
        {"preallocation", "off"},  {"force_size", "on"},     {"force_size", "off"},
        {"compat6", "off"},        {"zeroed_grain", "off"},  {"adapter_type", "ide"},
        {"nocow", "off"},
    };
    for (unsigned i = 0; i < COUNT_OF(usual); i++)
        if (!strcmp(usual[i][0], name) && !strcmp(usual[i][1], value)) return true;
    return false;
}

/* One NAME=VALUE of -o. */
static bool set_option(struct img_args *a, const char *name, const char *value)
{
    uint64_t bytes;
    if (!strcmp(name, "cluster_size") || !strcmp(name, "block_size")) {
        if (!img_size(value, &bytes) || !bytes || bytes > 64 << 20) return false;
        a->plan.cluster = (uint32_t)bytes;
        return true;
    }
    if (!strcmp(name, "compat")) {
        bool old = !strcmp(value, "0.10") || !strcmp(value, "v2");
        a->plan.version = old ? 2 : 3;
        return old || !strcmp(value, "1.1") || !strcmp(value, "v3");
    }
    if (is_usual(name, value)) return true;
    if (!strcmp(name, "preallocation"))
        return a->plan.allocate = !strcmp(value, "falloc") || !strcmp(value, "full");
    if (!strcmp(name, "backing_file")) return (a->base = value) != NULL;
    if (!strcmp(name, "backing_fmt")) return (a->other_format = value) != NULL;
    if (strcmp(name, "subformat") && strcmp(name, "static")) return false;
    a->plan.fixed = is_on(value);
    return is_on(value) || !strcmp(value, "off") || !strcmp(value, "dynamic") ||
           !strcmp(value, "monolithicSparse");
}

static bool set_options(struct img_args *a, char *list)
{
    for (char *one = strtok(list, ","); one; one = strtok(NULL, ",")) {
        char *value = strchr(one, '=');
        if (value) *value++ = 0;
        if (!value || !set_option(a, one, value))
            return img_fail(0, "-o %s%s%s: not known; --help lists what is", one, value ? "=" : "",
                            value ? value : ""), false;
    }
    return true;
}

static bool set_output(struct img_args *a, const char *word)
{
    a->json = !strcmp(word, "json");
    if (a->json || !strcmp(word, "human")) return true;
    return img_fail(0, "--output=%s: must be human or json", word), false;
}

static bool set_repair(struct img_args *a, const char *word)
{
    a->repair = !strcmp(word, "all") ? IMAGE_REPAIR_ALL : IMAGE_REPAIR_LEAKS;
    if (a->repair == IMAGE_REPAIR_ALL || !strcmp(word, "leaks")) return true;
    return img_fail(0, "-r %s: must be leaks or all", word), false;
}

/* false: said why. */
static bool set_flag(struct img_args *a, int letter)
{
    switch (letter) {
    case 'b': a->base = optarg; return true;
    case 'c': return a->compress = true;
    case 'd': return a->keep = true;
    case 'f': a->format = optarg; return true;
    case 'F': case 'O': a->other_format = optarg; return true;
    case 'j': return set_output(a, optarg);
    case 'k': return a->chain = true;
    case 'n': return a->there = true;
    case 'o': return set_options(a, optarg);
    case 'p': return a->progress = true;
    case 'q': return a->quiet = true;
    case 'r': return set_repair(a, optarg);
    case 's': return a->strict = true;
    case 'H': return a->shrink = true;
    case 'u': return a->blind = true;
    case 'U': return a->unlocked = true;
    default: return true;                  /* -t, -T, -m, -S, -W */
    }
}

/* "-4M" is a size, no option: it leaves argv. */
static char *take_negative_size(int *argc, char **argv)
{
    for (int i = 1; i < *argc; i++) {
        char *word = argv[i];
        if (word[0] != '-' || word[1] < '0' || word[1] > '9') continue;
        memmove(argv + i, argv + i + 1, (size_t)(*argc - i) * sizeof *argv);
        --*argc;
        return word;
    }
    return NULL;
}

static int bad_usage(const struct command *c, const char *what, const char *word)
{
    return img_fail(IMG_CANNOT, "%s%s%susage: vitro-img %.*s", what, word, *what ? "; " : "",
                    (int)strcspn(c->usage, "\n"), c->usage);
}

static int run(const struct command *c, int argc, char **argv)
{
    static const struct option longs[] = {
        {"shrink", no_argument, NULL, 'H'},
        {"help", no_argument, NULL, 'h'},
        {"output", required_argument, NULL, 'j'},
        {"backing-chain", no_argument, NULL, 'k'},
        {"force-share", no_argument, NULL, 'U'},
        {"repair", required_argument, NULL, 'r'},
        {0},
    };
    struct img_args a = { 0 };
    char letters[32], *names[3] = { NULL, NULL, NULL };
    char *negative = take_negative_size(&argc, argv);
    snprintf(letters, sizeof letters, ":%s", c->options);
    opterr = 0;
    for (int letter; (letter = getopt_long(argc, argv, letters, longs, NULL)) != -1;) {
        if (letter == 'h') return printf("usage: vitro-img %s\n", c->usage), IMG_OK;
        if (letter == 'o' && (!strcmp(optarg, "help") || !strcmp(optarg, "?")))
            return printf("%s", option_help), IMG_OK;
        if (letter == ':') return bad_usage(c, "something is missing after ", argv[optind - 1]);
        if (letter == '?') return bad_usage(c, "there is no option ", argv[optind - 1]);
        if (!set_flag(&a, letter)) return IMG_CANNOT;
    }
    for (; optind < argc && a.count < 3; optind++) names[a.count++] = argv[optind];
    if (negative && a.count < 3) names[a.count++] = negative;
    a.names = names;
    if (a.count < c->least) return bad_usage(c, "a file or size is missing", "");
    if (a.count > c->most) return bad_usage(c, "there is too much: ", names[c->most]);
    return c->run(&a);
}

int main(int argc, char **argv)
{
    if (argc < 2) return usage(stderr, IMG_CANNOT);
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) return usage(stdout, IMG_OK);
    if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
        return printf("vitro-img " VITRO_VERSION "\n"), IMG_OK;
    for (unsigned n = 0; n < COUNT_OF(commands); n++)
        if (!strcmp(commands[n].name, argv[1])) return run(&commands[n], argc - 1, argv + 1);
    return img_fail(IMG_CANNOT, "%s: no such command; --help lists them", argv[1]);
}
