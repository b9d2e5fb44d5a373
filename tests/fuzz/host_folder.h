/* SPDX-License-Identifier: MIT
 * Between host_files.c and host_folder.c.
 */
#pragma once
#include "tests/fuzz/host_files.h"

int     host_find_node(const char *path);          /* -1: no such node */
ssize_t host_read_node(unsigned node, void *to, size_t bytes, off_t at);
void    host_stat_node(unsigned node, struct stat *);
