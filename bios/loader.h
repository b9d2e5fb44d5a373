/* SPDX-License-Identifier: MIT
 * Puts firmware into the address space: system BIOS, VGA BIOS, option ROMs.
 *
 *   4 GiB   +------------------+
 *           | system ROM       |  all of it, ends here
 *           +------------------+
 *   1 MiB   +------------------+
 *           | its last 128 KiB |  E0000; a smaller one ends at 1 MiB
 *   0xC8000 | option ROMs      |
 *   0xC0000 | VGA ROM          |
 */
#pragma once
#include "memory/memory.h"

struct loader;

/* The loader owns the ROMs' bytes: free it after the memory. NULL: out of memory. */
struct loader *loader_new(struct memory *, struct log *);
void loader_free(struct loader *);

/* path NULL: the first of the usual places where there is one. Size: a multiple of 4 KiB up to
 * 4 MiB. NULL: done. Otherwise a message (path, cause, remedy) in why, which is returned. */
const char *loader_system(struct loader *, const char *path, char *why, size_t size);
/* The same at 0xC0000. A missing 55AAh or a wrong checksum is only a warning in the log. */
const char *loader_vga(struct loader *, const char *path, char *why, size_t size);
/* address: a multiple of 2 KiB in 0xC0000-0xDF800. */
const char *loader_option(struct loader *, const char *path, uint32_t address, char *why,
                          size_t size);

/* Which file path NULL would be; NULL: there is none on this host. */
const char *loader_usual_system(void);
const char *loader_usual_vga(void);
/* Which file was taken as the system or VGA ROM; "" if none. */
const char *loader_system_path(const struct loader *);
const char *loader_vga_path(const struct loader *);
