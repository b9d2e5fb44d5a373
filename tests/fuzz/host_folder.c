/* SPDX-License-Identifier: MIT
 * The target's folders: see host_files.h. Read as a folder is: "." and "..",
 * then the names in the order of the list.
 */
#define _GNU_SOURCE
#include "tests/fuzz/host_folder.h"
#include <errno.h>
#include <string.h>

struct cursor {                /* what an opendir() gives; two are open at once at most */
    int node;
    int next;
    struct dirent entry;
};

enum { FOLDER_FD = 1 << 24 };

static const struct host_node *nodes;
static unsigned node_count;

void host_plant(const struct host_node *list, unsigned count)
{
    nodes = list;
    node_count = count;
}

uint8_t host_content(unsigned node, uint64_t at)
{
    return (uint8_t)(at * 31 + (at >> 8) + node * 89);
}

static int child(unsigned parent, const char *name, size_t len)
{
    for (unsigned n = 1; n < node_count; n++)
        if (nodes[n].parent == parent && strlen(nodes[n].name) == len &&
            !memcmp(nodes[n].name, name, len))
            return (int)n;
    return -1;
}

int host_find_node(const char *path)
{
    int node = 0;
    size_t root = strlen(HOST_TREE);
    if (!node_count || strncmp(path, HOST_TREE, root) || (path[root] && path[root] != '/'))
        return -1;
    for (path += root; *path && node >= 0;) {
        path++;
        size_t len = strcspn(path, "/");
        node = child((unsigned)node, path, len);
        path += len;
    }
    return node;
}

ssize_t host_read_node(unsigned node, void *to, size_t bytes, off_t at)
{
    uint64_t left = (uint64_t)at < nodes[node].size ? nodes[node].size - (uint64_t)at : 0;
    uint8_t *out = to;
    if (bytes > left) bytes = (size_t)left;
    for (size_t i = 0; i < bytes; i++) out[i] = host_content(node, (uint64_t)at + i);
    return (ssize_t)bytes;
}

void host_stat_node(unsigned node, struct stat *s)
{
    const struct host_node *n = &nodes[node];
    *s = (struct stat){ .st_mode = n->is_folder ? S_IFDIR | 0755 : S_IFREG | 0644 };
    s->st_size = n->is_folder ? 4096 : n->size;
    s->st_mtime = (time_t)n->time;
}

int host_stat(const char *path, struct stat *s)
{
    int node = host_find_node(path);
    if (node < 0) return errno = ENOENT, -1;
    host_stat_node((unsigned)node, s);
    return 0;
}

DIR *host_opendir(const char *path)
{
    int node = host_find_node(path);
    struct cursor *c = node >= 0 && nodes[node].is_folder ? calloc(1, sizeof *c) : NULL;
    if (!c) return errno = ENOENT, NULL;
    c->node = node;
    c->next = -2;
    return (DIR *)(void *)c;
}

struct dirent *host_readdir(DIR *d)
{
    struct cursor *c = (struct cursor *)(void *)d;
    int n = c->next++;
    if (n < 0) {
        strcpy(c->entry.d_name, n == -2 ? "." : "..");
        return &c->entry;
    }
    while (n < (int)node_count && (!n || nodes[n].parent != (unsigned)c->node)) n++;
    c->next = n + 1;
    if (n >= (int)node_count) return NULL;
    strcpy(c->entry.d_name, nodes[n].name);
    return &c->entry;
}

int host_closedir(DIR *d)
{
    free(d);
    return 0;
}

int host_dirfd(DIR *d) { return FOLDER_FD + ((struct cursor *)(void *)d)->node; }

int host_fstatat(int folder, const char *name, struct stat *s, int flags)
{
    bool itself = !strcmp(name, ".") || !strcmp(name, "..");
    int parent = folder - FOLDER_FD,
        node = itself ? parent : child((unsigned)parent, name, strlen(name));
    (void)flags;
    if (node < 0) return errno = ENOENT, -1;
    host_stat_node((unsigned)node, s);
    return 0;
}
