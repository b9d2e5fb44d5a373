/* SPDX-License-Identifier: MIT
 * Metadata of an image file (tables, reference counts) in memory, written back in an order that a
 * crash cannot spoil.
 *
 * Every line (a piece of the file, a power of two) belongs to one class. meta_commit() writes class
 * 0, then syncs, then class 1, and so on: what a higher class points to is on the disk before it.
 * Data that the guest writes goes to the file directly; meta_data_written() says so, and it is
 * synced before any class above 0.
 *
 *      data, class 0 --fdatasync--> class 1 --fdatasync--> class 2 ...
 */
#pragma once
#include "base/base.h"

struct meta;

enum { META_CLASSES = 4 };

/* line: bytes, a power of two from 512 to 4096. NULL: out of memory. */
struct meta *meta_new(int fd, uint32_t line);
void meta_free(struct meta *);                     /* what was not committed is lost */

/* 0 or an errno value; what lies past the end of the file reads as zeroes. */
int meta_get(struct meta *, uint64_t offset, void *to, size_t len);
int meta_put(struct meta *, uint64_t offset, const void *from, size_t len, unsigned class);

void meta_data_written(struct meta *);
bool meta_is_dirty(const struct meta *);

/* Before an operation that puts: commits when much is dirty, forgets clean lines when there are
 * many. An error means that nothing has been lost and that a later try may succeed. */
int meta_make_room(struct meta *);

int meta_commit(struct meta *); /* in order; the last class may not be synced yet */
int meta_flush(struct meta *);                     /* commit, and sync everything */
