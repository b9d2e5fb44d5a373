/* SPDX-License-Identifier: MIT
 * VMDK: a disk of several files, one after another, that a descriptor names: monolithicFlat,
 * twoGbMaxExtentFlat, twoGbMaxExtentSparse, vmfs. VMware Virtual Disk Format 1.1 (2007).
 */
#include "iodev/image/open.h"
#include "iodev/image/vmdk.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

/* Extents lie beside their descriptor: a name with a folder is refused, so that a foreign
 * descriptor cannot name any file of this host. */
static const char *open_extent(struct image *i, const struct vmdk_line *l, struct joined_part *e)
{
    char path[PATH_MAX];
    const char *slash = strrchr(i->path, '/');
    bool grains = !strcmp(l->kind, "SPARSE");
    if (!strcmp(l->kind, "ZERO")) return NULL;
    if (!grains && strcmp(l->kind, "FLAT") && strcmp(l->kind, "VMFS"))
        return image_refuse(
            i, "has an extent of the kind %.15s, which is not supported: convert it", l->kind);
    if (!*l->name || strchr(l->name, '/'))
        return "names an extent in another folder, which is not supported";
    snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash + 1 - i->path) : 0, i->path, l->name);
    struct note n = { path, i->why, sizeof i->why, false };
    e->image = image_open_chain(&n, grains ? &vmdk_grains : &image_flat,
                                i->read_only ? IMAGE_READ_ONLY : IMAGE_WRITE, NULL, 0);
    if (!e->image) {
        char why[sizeof i->why];
        snprintf(why, sizeof why, "%s", i->why);
        return image_refuse(i, "its extent %.230s", why);
    }
    uint64_t have = image_sectors(e->image);
    if (l->offset > have || l->sectors > have - l->offset)
        return image_refuse(i, "its extent %.100s is shorter than its part of the disk", l->name);
    return NULL;
}

static const char *open_all(struct image *i, struct vmdk *v, const struct vmdk_text *t)
{
    const char *cause = NULL;
    if (!t->lines) return "names no extent: the descriptor is damaged";
    v->files.part = calloc(t->lines, sizeof *v->files.part);
    if (!v->files.part) return "out of memory";
    i->sectors = 0;
    for (unsigned n = 0; n < t->lines && !cause; n++) {
        const struct vmdk_line *l = &t->line[n];
        struct joined_part *e = &v->files.part[v->files.parts++];
        *e = (struct joined_part){ NULL, i->sectors, l->sectors, l->offset };
        cause = open_extent(i, l, e);
        i->sectors += l->sectors;
    }
    return cause;
}

const char *vmdk_extents_open(struct image *i)
{
    struct vmdk *v = i->own;
    struct vmdk_text t;
    const char *cause = vmdk_read_text(i, 0, i->file_bytes, &t);
    snprintf(v->type, sizeof v->type, "%.31s", t.type);
    if (!cause) cause = open_all(i, v, &t);
    free(t.line);
    return cause;
}
