/* SPDX-License-Identifier: MIT
 * The host's files as the image formats see them in a fuzz target: in memory, few and small, gone
 * with the next input. targets.cmake includes this header in front of each file of iodev/image, so
 * that what they call open() is host_open(). A file system has millions of system calls to offer
 * per minute; a fuzzer wants ten times as many.
 *
 * A file holds HOST_BYTES at most, less if the target says so: behind that the disk is full. Below
 * HOST_TREE lie the target's folders and files, read-only, whose contents are computed.
 */
#pragma once
#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

enum { HOST_FILES = 12, HOST_OPEN = 16, HOST_BYTES = 3 << 20, HOST_NODES = 64 };
#define HOST_TREE "/tree"

/* ---- for the target -------------------------------------------------------------------------- */
struct host_node {             /* 0: HOST_TREE itself; a parent comes before its children */
    char     name[64];
    unsigned parent;
    bool     is_folder;
    uint32_t size;
    int64_t  time;
};

void host_clear(void);         /* no files; what is open must have been closed */
unsigned host_open_count(void);
/* Absolute path. The bytes of a file that is there already are replaced. */
void host_make(const char *path, const void *data, size_t bytes);
void host_resize(const char *path, size_t bytes);
const uint8_t *host_bytes(const char *path, size_t *bytes);     /* NULL: no such file */
void host_limit(size_t bytes); /* of a file from now on */
void host_plant(const struct host_node *, unsigned count);      /* NULL, 0: no tree */
uint8_t host_content(unsigned node, uint64_t at);               /* of a file in the tree */

/* ---- for the formats ------------------------------------------------------------------------- */
int     host_open(const char *path, int flags, ...);
int     host_close(int fd);
ssize_t host_pread(int fd, void *to, size_t bytes, off_t at);
ssize_t host_pwrite(int fd, const void *from, size_t bytes, off_t at);
off_t   host_lseek(int fd, off_t at, int whence);
int     host_ftruncate(int fd, off_t bytes);
int     host_fallocate(int fd, off_t at, off_t bytes);
int     host_fsync(int fd);
int     host_fstat(int fd, struct stat *);
int     host_fcntl(int fd, int command, ...);
int     host_access(const char *path, int mode);
int     host_rename(const char *from, const char *to);
int     host_unlink(const char *path);
char   *host_realpath(const char *path, char *to);
char   *host_getcwd(char *to, size_t room);
int     host_stat(const char *path, struct stat *);
int     host_fstatat(int folder, const char *name, struct stat *, int flags);
DIR    *host_opendir(const char *path);
struct dirent *host_readdir(DIR *);
int     host_closedir(DIR *);
int     host_dirfd(DIR *);

#ifdef HOST_FILES_IN_MEMORY
#define open      host_open
#define close     host_close
#define pread     host_pread
#define pwrite    host_pwrite
#define lseek     host_lseek
#define ftruncate host_ftruncate
#define posix_fallocate host_fallocate
#define fsync     host_fsync
#define fdatasync host_fsync
#define fstat     host_fstat
#define fcntl     host_fcntl
#define access    host_access
#define rename    host_rename
#define unlink    host_unlink
#define realpath  host_realpath
#define getcwd    host_getcwd
#define stat(path, to) host_stat(path, to)
#define fstatat   host_fstatat
#define opendir   host_opendir
#define readdir   host_readdir
#define closedir  host_closedir
#define dirfd     host_dirfd
#endif
