/* SPDX-License-Identifier: MIT
 * vitro-img: makes, checks and converts disk images, with qemu-img's words.
 */
#include "img/img.h"
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

struct command {
    const char *name, *options;            /* getopt's */
    int least, most;                       /* names that are no options */
    int (*run)(const struct img_args *);
    const char *usage;
};

static const struct command commands[] = {
    { "create", "f:b:F:o:q", 1, 2, img_create,
      "create [-f FMT] [-b BASE [-F FMT]] [-o OPTIONS] FILE [SIZE]\n"
      "      an empty image; with -b an overlay, as long as its base if there is no SIZE" },
    { "info", "f:", 1, 1, img_info, "info [-f FMT] FILE" },
    { "check", "f:r:q", 1, 1, img_check,
      "check [-f FMT] [-r leaks|all] FILE\n"
      "      exit code 0: fine, 1: not checked, 2: damaged, 3: space is lost, nothing else" },
    { "convert", "cf:O:o:pq", 2, 2, img_convert,
      "convert [-c] [-p] [-f FMT] [-O FMT] [-o OPTIONS] FILE NEW\n"
      "      -c: compressed (qcow2)" },
    { "commit", "df:pq", 1, 1, img_commit,
      "commit [-d] [-f FMT] FILE\n"
      "      writes an overlay's changes into its base and empties it (-d: leaves it as it is)" },
    { "compare", "f:F:psq", 2, 2, img_compare,
      "compare [-f FMT] [-F FMT] [-s] FILE FILE\n"
      "      exit code 0: the same, 1: different, 2: error; -s: sizes must be the same, too" },
    { "resize", "f:q", 2, 2, img_resize,
      "resize [-f FMT] [--shrink] FILE [+|-]SIZE" },
};

static int usage(FILE *out, int code)
{
    fprintf(out, "usage: vitro-img COMMAND ...\n\n");
    for (unsigned n = 0; n < COUNT_OF(commands); n++) fprintf(out, "  %s\n", commands[n].usage);
    fprintf(out, "\nFormats, by -f or by the file's extension (raw if it says nothing else):\n");
    for (unsigned n = 0; image_format_at(n); n++) {
        const struct image_format *f = image_format_at(n);
        fprintf(out, "  %-6s %s\n", f->name, f->about);
    }
    fprintf(
        out,
        "\nOPTIONS: cluster_size=, compat=0.10|1.1, backing_file=, backing_fmt= (qcow2);\n"
        "  subformat=fixed|dynamic (vhd), monolithicFlat|monolithicSparse (vmdk); static=on (vdi)\n"
        "-q: quiet   -p: progress, also where there is no terminal\n"
        "SIZE: bytes, or with k, M, G, T\n");
    return code;
}

static bool is_on(const char *value)
{
    return !strcmp(value, "on") || !strcmp(value, "fixed") || !strcmp(value, "monolithicFlat");
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
            return img_fail(0, "-o %s%s%s: not known", one, value ? "=" : "", value ? value : ""),
                   false;
    }
    return true;
}

static bool set_flag(struct img_args *a, int letter)
{
    switch (letter) {
    case 'b': a->base = optarg; return true;
    case 'c': return a->compress = true;
    case 'd': return a->keep = true;
    case 'f': a->format = optarg; return true;
    case 'F': case 'O': a->other_format = optarg; return true;
    case 'o': return set_options(a, optarg);
    case 'p': return a->progress = true;
    case 'q': return a->quiet = true;
    case 'r': return a->repair = true;
    case 's': return a->strict = true;
    case 'S': return a->shrink = true;
    default: return false;
    }
}

static int run(const struct command *c, int argc, char **argv)
{
    static const struct option longs[] = { { "shrink", no_argument, NULL, 'S' },
                                           { "help", no_argument, NULL, 'h' }, { 0 } };
    struct img_args a = { 0 };
    for (int letter; (letter = getopt_long(argc, argv, c->options, longs, NULL)) != -1;) {
        if (letter == 'h') return printf("usage: vitro-img %s\n", c->usage), IMG_OK;
        if (!set_flag(&a, letter)) return img_fail(IMG_CANNOT, "usage: vitro-img %s", c->usage);
    }
    a.names = argv + optind;
    a.count = argc - optind;
    if (a.count < c->least || a.count > c->most)
        return img_fail(IMG_CANNOT, "usage: vitro-img %s", c->usage);
    return c->run(&a);
}

int main(int argc, char **argv)
{
    if (argc < 2) return usage(stderr, IMG_CANNOT);
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) return usage(stdout, IMG_OK);
    for (unsigned n = 0; n < COUNT_OF(commands); n++)
        if (!strcmp(commands[n].name, argv[1])) return run(&commands[n], argc - 1, argv + 1);
    return img_fail(IMG_CANNOT, "%s: no such command; --help lists them", argv[1]);
}
