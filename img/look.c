/* SPDX-License-Identifier: MIT
 * vitro-img create, info, check, resize.
 */
#include "img/img.h"
#include "iodev/image/open.h"
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
        if (!look_at_base(a, below->name, &p.bytes)) return IMG_FAILED;
    }
    if (a->count > 1 && !img_size(a->names[1], &p.bytes))
        return img_fail(IMG_FAILED, "%s: not a size", a->names[1]);
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

int img_info(const struct img_args *a)
{
    struct image_info info = { 0 };
    struct stat st;
    struct image *i = img_open(a->names[0], a->format, IMAGE_READ_ONLY);
    if (!i) return IMG_FAILED;
    struct image *file = i->format == &image_volatile ? i->base : i;
    printf("image: %s\nfile format: %s\n", a->names[0], file->format->name);
    print_size("virtual size", i->sectors * SECTOR_SIZE);
    printf(" (%llu bytes)\n", (unsigned long long)i->sectors * SECTOR_SIZE);
    if (stat(a->names[0], &st) == 0) {
        print_size("disk size", (uint64_t)st.st_blocks * 512);
        printf("\n");
    }
    if (file->format->info) file->format->info(file, &info);
    if (info.cluster) printf("cluster_size: %llu\n", (unsigned long long)info.cluster);
    if (*file->base_name) printf("backing file: %s\n", file->base_name);
    if (*file->base_format) printf("backing file format: %s\n", file->base_format);
    if (*info.more) printf("%s\n", info.more);
    image_close(i);
    return IMG_OK;
}

static int report(const struct img_args *a, const struct image_report *r)
{
    uint64_t left = r->corruptions > r->repaired ? r->corruptions - r->repaired : 0;
    if (r->corruptions)
        printf("%llu errors, the first: %s\n", (unsigned long long)r->corruptions, r->first);
    if (r->leaks) printf("%llu clusters are reserved and not used\n", (unsigned long long)r->leaks);
    if (r->repaired) printf("%llu repaired\n", (unsigned long long)r->repaired);
    if (!a->quiet && r->clusters)
        printf("%llu/%llu clusters are in use\n", (unsigned long long)r->allocated,
               (unsigned long long)r->clusters);
    if (!a->quiet && !r->corruptions && !r->leaks) printf("No errors were found on the image.\n");
    if (a->repair) return left ? IMG_CORRUPT : IMG_OK;
    return r->corruptions ? IMG_CORRUPT : r->leaks ? IMG_LEAKS : IMG_OK;
}

int img_check(const struct img_args *a)
{
    struct image_report r = { 0 };
    struct image *i = img_open(a->names[0], a->format, a->repair ? IMAGE_WRITE : IMAGE_READ_ONLY);
    if (!i) return IMG_FAILED;
    int error = i->format->check ? i->format->check(i, &r, a->repair) : 0;
    if (!i->format->check && !a->quiet)
        printf("%s images have nothing to check.\n", i->format->name);
    image_close(i);
    if (error) return img_fail(IMG_FAILED, "%s: %s", a->names[0], strerror(error));
    return report(a, &r);
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
