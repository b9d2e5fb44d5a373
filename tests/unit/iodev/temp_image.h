/* SPDX-License-Identifier: MIT
 * Files in a temporary directory for tests of disks and streams. temp_begin() in the fixture's
 * set-up, temp_end() in its tear-down.
 */
#pragma once
#include <check.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct temp {
    char dir[64];
    char path[96];             /* of the last temp_image() or temp_path() */
};

static inline void temp_begin(struct temp *t)
{
    snprintf(t->dir, sizeof t->dir, "/tmp/vitro-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(t->dir));
}

static inline const char *temp_path(struct temp *t, const char *name)
{
    snprintf(t->path, sizeof t->path, "%s/%s", t->dir, name);
    return t->path;
}

/* Sector n of a test image: its number in the first 4 bytes, then a pattern. */
static inline void temp_sector(uint8_t *to, uint32_t n)
{
    for (unsigned i = 0; i < 512; i++) to[i] = (uint8_t)(i * 7 + n);
    memcpy(to, &n, sizeof n);
}

static inline const char *temp_image(struct temp *t, const char *name, uint32_t sectors)
{
    uint8_t sector[512];
    FILE *f = fopen(temp_path(t, name), "wb");
    ck_assert_ptr_nonnull(f);
    for (uint32_t n = 0; n < sectors; n++) {
        temp_sector(sector, n);
        ck_assert_uint_eq(fwrite(sector, 1, 512, f), 512);
    }
    ck_assert_int_eq(fclose(f), 0);
    return t->path;
}

static inline void temp_read(const char *path, uint64_t offset, void *to, size_t len)
{
    int fd = open(path, O_RDONLY);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(pread(fd, to, len, (off_t)offset), (ssize_t)len);
    close(fd);
}

static inline void temp_end(const struct temp *t)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", t->dir);
    ck_assert_int_eq(system(command), 0);
}

/* A test program is one suite of one list of tests in a checked fixture. */
static inline int temp_run(const char *name, void (*begin)(void), void (*end)(void),
                           const TTest *const *tests, size_t count)
{
    Suite *s = suite_create(name);
    TCase *c = tcase_create(name);
    tcase_add_checked_fixture(c, begin, end);
    for (size_t i = 0; i < count; i++) tcase_add_test(c, tests[i]);
    suite_add_tcase(s, c);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? 1 : 0;
}
