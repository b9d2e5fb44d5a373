/* SPDX-License-Identifier: MIT
 * vitro-img create, info, check, resize.
 */
#include "img/img.h"
#include "iodev/image/open.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* The base's size, and that it can be opened at all: named as the new file will name it. */
static bool look_at_base(const struct img_args *a, const char *format, uint64_t *bytes)
{
    char path[PATH_MAX];
    struct image named = { .path = (char *)a->names[0] };
    snprintf(named.base_name, sizeof named.base_name, "%s", a->base);
    image_base_path(&named, path, sizeof path);
    struct image *base = img_open(path, format, IMAGE_READ_ONLY);
    if (base) *bytes = image_sectors(base) * SECTOR_SIZE;
    image_close(base);
    return base;
}

int img_create(const struct img_args *a)
{
    struct image_plan p = a->plan;
    const struct image_format *f = img_format(a->format, a->names[0]);
    if (!f) return IMG_FAILED;
    if (a->base) {
        const struct image_format *below = img_format(a->other_format, a->base);
        if (!below) return IMG_FAILED;
        if (!f->has_base) return img_fail(IMG_FAILED, "%s images have no base", f->name);
        p.base = a->base;
        p.base_format = below->name;
        if (!a->blind && !look_at_base(a, below->name, &p.bytes)) return IMG_FAILED;
    }
    if (a->count > 1 && !img_size(a->names[1], &p.bytes))
        return img_fail(IMG_FAILED, "%s: not a size", a->names[1]);
    p.bytes = (p.bytes + SECTOR_SIZE - 1) / SECTOR_SIZE * SECTOR_SIZE;
    if (!p.bytes) return img_fail(IMG_FAILED, "say how large the disk is, e.g. 64M");
    if (!img_make(a->names[0], f, &p)) return IMG_FAILED;
    if (!a->quiet)
        printf("%s: %s, %llu bytes\n", a->names[0], f->name, (unsigned long long)p.bytes);
    return IMG_OK;
}

static void print_size(const char *what, uint64_t bytes)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    unsigned n = 0;
    uint64_t unit = 1;
    while (n + 1 < COUNT_OF(units) && bytes / unit >= 1024) n++, unit *= 1024;
    uint64_t tenths = muldiv64(bytes, 10, unit);
    printf("%s: %llu%s%.*llu %s", what, (unsigned long long)tenths / 10, tenths % 10 ? "." : "",
           tenths % 10 != 0, (unsigned long long)tenths % 10, units[n]);
}

static void print_one(const char *path, const struct image *i)
{
    struct image_info info = { 0 };
    struct stat st;
    printf("image: %s\nfile format: %s\n", path, i->format->name);
    print_size("virtual size", i->sectors * SECTOR_SIZE);
    printf(" (%llu bytes)\n", (unsigned long long)i->sectors * SECTOR_SIZE);
    if (stat(path, &st) == 0) {
        print_size("disk size", (uint64_t)st.st_blocks * 512);
        printf("\n");
    }
    if (i->format->info) i->format->info((struct image *)i, &info);
    if (info.cluster) printf("cluster_size: %llu\n", (unsigned long long)info.cluster);
    if (*i->base_name) printf("backing file: %s\n", i->base_name);
    if (*i->base_format) printf("backing file format: %s\n", i->base_format);
    if (*info.more) printf("%s\n", info.more);
}

/* JSON: quotes, backslashes and control characters escaped. */
static void print_string(const char *name, const char *text)
{
    printf(",\n    \"%s\": \"", name);
    for (; *text; text++) {
        if (*text == '"' || *text == '\\') printf("\\%c", *text);
        else if ((unsigned char)*text < ' ') printf("\\u%04x", (unsigned)*text);
        else putchar(*text);
    }
    putchar('"');
}

/* The keys that qemu-img has, too. */
static void print_json(const char *path, const struct image *i)
{
    struct image_info info = { 0 };
    struct stat st;
    if (i->format->info) i->format->info((struct image *)i, &info);
    printf("{\n    \"virtual-size\": %llu", (unsigned long long)i->sectors * SECTOR_SIZE);
    print_string("filename", path);
    print_string("format", i->format->name);
    if (stat(path, &st) == 0)
        printf(",\n    \"actual-size\": %llu", (unsigned long long)st.st_blocks * 512);
    if (info.cluster) printf(",\n    \"cluster-size\": %llu", (unsigned long long)info.cluster);
    if (*i->base_name) print_string("backing-filename", i->base_name);
    if (*i->base_format) print_string("backing-filename-format", i->base_format);
    if (*info.more) print_string("format-specific", info.more);
    printf(",\n    \"dirty-flag\": %s\n}", info.dirty ? "true" : "false");
}

int img_info(const struct img_args *a)
{
    struct image *i = a->chain ? img_open_source(a, 0, a->format) : img_open_alone(a);
    if (!i) return IMG_FAILED;
    const struct image *at = i->format == &image_volatile ? i->base : i;
    if (a->json && a->chain) printf("[");
    for (const char *between = ""; at;
         at = a->chain ? at->base : NULL, between = a->json ? "," : "\n") {
        const char *path = between[0] && at->path ? at->path : a->names[0];
        printf("%s", between);
        if (a->json) print_json(path, at);
        else print_one(path, at);
    }
    if (a->json) printf(a->chain ? "]\n" : "\n");
    image_close(i);
    return IMG_OK;
}

/* What is still there. */
static int result_of(const struct image_report *r)
{
    if (r->corruptions > r->repaired) return IMG_CORRUPT;
    return r->leaks > r->freed ? IMG_LEAKS : IMG_OK;
}

static void print_report(const struct img_args *a, const struct image_report *r)
{
    if (r->corruptions)
        printf("%llu errors, the first: %s\n", (unsigned long long)r->corruptions, r->first);
    if (r->leaks) printf("%llu clusters are reserved and not used\n", (unsigned long long)r->leaks);
    if (r->repaired) printf("%llu errors repaired\n", (unsigned long long)r->repaired);
    if (r->freed) printf("%llu clusters freed\n", (unsigned long long)r->freed);
    if (!a->quiet && r->clusters)
        printf("%llu/%llu clusters are in use\n", (unsigned long long)r->allocated,
               (unsigned long long)r->clusters);
    if (!a->quiet && !r->corruptions && !r->leaks) printf("No errors were found on the image.\n");
}

static void print_json_report(const struct img_args *a, const struct image *i,
                              const struct image_report *r)
{
    printf("{\n    \"check-errors\": 0");
    print_string("filename", a->names[0]);
    print_string("format", i->format->name);
    printf(",\n    \"corruptions\": %llu,\n    \"leaks\": %llu,\n    \"total-clusters\": %llu"
           ",\n    \"allocated-clusters\": %llu\n}\n",
           (unsigned long long)(r->corruptions - r->repaired),
           (unsigned long long)(r->leaks - r->freed), (unsigned long long)r->clusters,
           (unsigned long long)r->allocated);
}

int img_check(const struct img_args *a)
{
    struct image_report r = { 0 };
    struct image *i = a->repair ? img_open(a->names[0], a->format, IMAGE_REPAIR)
                                : img_open_source(a, 0, a->format);
    if (!i) return IMG_FAILED;
    const char *name = i->format->name;
    bool checks = i->format->check;
    int error = checks ? i->format->check(i, &r, a->repair) : 0;
    if (checks && !error && a->json) print_json_report(a, i, &r);
    else if (checks && !error) print_report(a, &r);
    image_close(i);
    if (!checks)
        return img_fail(IMG_NOTHING, "%s: %s images have nothing to check", a->names[0], name);
    if (error == ENOTSUP)
        return img_fail(IMG_FAILED, "%s: has internal snapshots or bitmaps, whose tables only "
                        "qemu-img check knows", a->names[0]);
    if (error) return img_fail(IMG_FAILED, "%s: %s", a->names[0], strerror(error));
    return result_of(&r);
}

static bool new_size(const struct image *i, const char *text, uint64_t *bytes)
{
    uint64_t now = i->sectors * SECTOR_SIZE, by;
    bool relative = *text == '+' || *text == '-';
    if (!img_size(text + relative, &by)) return false;
    *bytes = *text == '+' ? now + by : *text == '-' ? now - by : by;
    return *text != '-' || by < now;
}

int img_resize(const struct img_args *a)
{
    uint64_t bytes;
    struct image *i = img_open(a->names[0], a->format, IMAGE_WRITE);
    const char *why = NULL;
    if (!i) return IMG_FAILED;
    if (!new_size(i, a->names[1], &bytes) || !bytes) why = "not a size";
    else if (bytes / SECTOR_SIZE > IMAGE_MOST_SECTORS)
        why = IMAGE_TOO_LARGE;
    else if (!i->format->resize)
        why = "images of this format keep their size: convert it into a new one";
    else if (bytes / SECTOR_SIZE < i->sectors && !a->shrink)
        why = "it would get shorter: say --shrink";
    else if (bytes / SECTOR_SIZE < i->sectors && !i->format->can_shrink)
        why = "images of this format do not get shorter: convert it into a new one";
    else why = i->format->resize(i, (bytes + SECTOR_SIZE - 1) / SECTOR_SIZE);
    image_close(i);
    if (why) return img_fail(IMG_FAILED, "%s: %s", a->names[0], why);
    if (!a->quiet) printf("Image resized.\n");
    return IMG_OK;
}
