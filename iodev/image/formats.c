/* SPDX-License-Identifier: MIT
 * The list of formats, and which of them a name, a mode or a file's extension means.
 */
#include "iodev/image/format.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct image_format *const formats[] = {
    &image_flat, &image_qcow2, &image_vhd, &image_vmdk, &image_vdi, &image_fat, &image_concat,
};

const char *image_formats(void)
{
    return "flat, volatile, undoable, growing, qcow2, vhd (vpc), vmdk (vmware4), vdi (vbox), "
           "vvfat, concat";
}

const struct image_format *image_format_at(unsigned n)
{
    return n < COUNT_OF(formats) ? formats[n] : NULL;
}

static bool word_in_list(const char *list, const char *word)
{
    size_t len = strlen(word);
    for (const char *at = list; *at; at += strcspn(at, " "), at += *at == ' ')
        if (strcspn(at, " ") == len && !strncasecmp(at, word, len)) return true;
    return false;
}

const struct image_format *image_format_named(const char *name)
{
    static const char *const others[][2] = {
        { "flat", "raw" }, { "vmware4", "vmdk" }, { "vbox", "vdi" }, { "vvfat", "fat" },
    };
    for (unsigned i = 0; i < COUNT_OF(others); i++)
        if (!strcasecmp(others[i][0], name)) name = others[i][1];
    for (unsigned i = 0; *name && i < COUNT_OF(formats); i++)
        if (!strcasecmp(formats[i]->name, name) || word_in_list(formats[i]->extensions, name))
            return formats[i];
    return NULL;
}

const struct image_format *image_format_by_path(const char *path)
{
    const char *slash = strrchr(path, '/'), *dot = strrchr(slash ? slash : path, '.');
    for (unsigned i = 0; dot && i < COUNT_OF(formats); i++)
        if (word_in_list(formats[i]->extensions, dot + 1)) return formats[i];
    return &image_flat;
}

bool image_is_raw_name(const char *path)
{
    return image_format_by_path(path) == &image_flat;
}

const char *image_refuse(struct image *i, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vsnprintf(i->why, sizeof i->why, fmt, args);
    va_end(args);
    return i->why;
}

const char *image_error_text(int error)
{
    return error == EUCLEAN ? "the image's tables are damaged; run vitro-img check"
                            : strerror(error);
}

const char *image_create_failed(void)
{
    return strerror(errno);
}
