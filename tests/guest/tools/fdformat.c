/* SPDX-License-Identifier: MIT
 * fdformat DEVICE: low-level format in a Linux guest, track by track, as the kernel's floppy driver
 * does it (FDFMTTRK; Debian's kernel has no FDRAWCMD, which superformat needs). Without a C
 * library: cc -m32 -static -nostdlib. Exit code: 0, or 1 with the errno value on the standard
 * output.
 */
enum { SYS_EXIT = 1, SYS_WRITE = 4, SYS_OPEN = 5, SYS_IOCTL = 54 };
enum { O_RDWR_EXCL_NDELAY = 02 | 0200 | 04000 };
/* <linux/fd.h> */
struct floppy_struct {
    unsigned size, sect, head, track, stretch;
    unsigned char gap, rate, spec1, fmt_gap;
    const char *name;
};
struct format_descr {
    unsigned device, head, track;
};
#define FDGETPRM 0x801C0204u
#define FDFMTBEG 0x0247u
#define FDFMTTRK 0x400C0248u
#define FDFMTEND 0x0249u

static long call(long number, long a, long b, long c)
{
    long result;
    __asm__ volatile("int $0x80" : "=a"(result) : "a"(number), "b"(a), "c"(b), "d"(c) : "memory");
    return result;
}

static void print_number(const char *what, unsigned n)
{
    char text[12];
    unsigned at = sizeof text, len = 0;
    while (what[len]) len++;
    text[--at] = '\n';
    do text[--at] = (char)('0' + n % 10); while (n /= 10);
    call(SYS_WRITE, 1, (long)what, (long)len);
    call(SYS_WRITE, 1, (long)(text + at), (long)(sizeof text - at));
}

static long format_all(long fd, const struct floppy_struct *f)
{
    struct format_descr d = { 0, 0, 0 };
    long error = call(SYS_IOCTL, fd, FDFMTBEG, 0);
    for (d.track = 0; d.track < f->track && error >= 0; d.track++)
        for (d.head = 0; d.head < f->head && error >= 0; d.head++)
            error = call(SYS_IOCTL, fd, FDFMTTRK, (long)&d);
    if (error >= 0) error = call(SYS_IOCTL, fd, FDFMTEND, 0);
    return error;
}

__attribute__((used)) static long run(const long *stack)
{
    struct floppy_struct f;
    long fd = stack[0] > 1 ? call(SYS_OPEN, stack[2], O_RDWR_EXCL_NDELAY, 0) : -22;
    long error = fd < 0 ? fd : call(SYS_IOCTL, fd, FDGETPRM, (long)&f);
    if (error >= 0) error = format_all(fd, &f);
    if (error >= 0) print_number("formatted sectors: ", f.size);
    else print_number("errno ", (unsigned)-error);
    return error < 0;
}

__asm__(".globl _start\n_start: mov %esp, %eax\n push %eax\n call run\n mov %eax, %ebx\n"
        " mov $1, %eax\n int $0x80\n");
