/* SPDX-License-Identifier: MIT
 * Fuzz target: a hostile disk image of the format FUZZ_FORMAT, and what is done with it.
 * Files are in memory (host_files.h). The input:
 *
 *   byte 0: bits 0-3 operations   4-5 how: 0 written to, 1 read-only, 2 volatile, 3 growing
 *           bit 6: a raw disk in two files, mode=concat, the second one from the image's middle on;
 *                  undoable: there is no journal yet, the rest of the input does not count
 *           bit 7: a VHD's checksums stay as they are (else they are made right)
 *   4 bytes per operation: what (bits 0-3) and number n (4-7), where (2), value
 *      0 read n + 1 sectors  3 settle                6 where is it
 *      1 write               4 close and open again  7 the host's disk is full at 4 KiB * value
 *      2 flush               5 check                 8 write a compressed cluster
 *      9 the disk longer, with odd n shorter, by value
 *      where: sector of the first 16 of the disk, with bit 15 of the last 16
 *   the rest: the image, HOST_DISK; of a VMDK descriptor's, from byte 1024 on, HOST_GRAINS.
 *             "undoable": the journal of a raw disk
 *
 * Whatever the image is: it is opened or refused in one line, nothing is left open, a disk that is
 * only read or a base is not changed. If it is a sound one (format->check): what was written is
 * read again, by this and by the next one to open it, other sectors keep what they had, and it
 * stays sound, on a full disk of the host, too.
 */
#include <errno.h>
#include <string.h>
#include "iodev/image/bytes.h"
#include "iodev/image/format.h"
#include "tests/fuzz/host_files.h"
#include "tests/fuzz/script.h"

#define HOST_DISK "/disk." FUZZ_FORMAT
#define HOST_BASE "/base.img"
#define HOST_NEXT "/disk.rax"             /* after "/disk.raw" */
#define HOST_FLAT "/flat.img"
#define HOST_GRAINS "/grains.vmdk"

enum { SPAN = 16, WINDOWS = 2, BASE_SECTORS = 24, MOST_CHECKED = 2048, USUAL_LIMIT = 256 << 10,
       LARGEST = 64 << 10, GRAINS_AT = 1024 };
enum how { HOW_WRITE, HOW_READ, HOW_VOLATILE, HOW_GROWING };

/* What the disk should hold. */
static struct {
    uint8_t  byte[WINDOWS][SPAN][SECTOR_SIZE];
    bool     known[WINDOWS][SPAN], written[WINDOWS][SPAN];  /* written: since the last flush */
    bool     sound;            /* a check found nothing wrong */
    uint64_t first[WINDOWS];   /* sector of the disk */
    unsigned count[WINDOWS];
} model;

static struct image *disk;
static enum how how;
static bool concat;
static bool is_undoable(void) { return !strcmp(FUZZ_FORMAT, "undoable"); }

/* ---- the host -------------------------------------------------------------------------------- */

static uint32_t checksum(const uint8_t *p, size_t len, size_t field)
{
    uint32_t sum = 0;
    for (size_t n = 0; n < len; n++) sum += n >= field && n < field + 4 ? 0 : p[n];
    return ~sum;
}

static void sign_footer(uint8_t *f)
{
    if (!memcmp(f, "conectix", 8)) put_be(f + 64, checksum(f, 512, 64), 4);
}

/* Checksums are not to be guessed: a mutated image is to be opened. */
static void sign_vhd(uint8_t *image, size_t bytes)
{
    if (bytes < 512) return;
    sign_footer(image);
    sign_footer(image + bytes - 512);
    if (bytes >= 512 + 1024 && !memcmp(image + 512, "cxsparse", 8))
        put_be(image + 512 + 36, checksum(image + 512, 1024, 36), 4);
}

static void tame_qcow2(uint8_t *image)
{
    if (get_be32(image + 20) > 12) put_be(image + 20, 10, 4);
    if (get_be32(image + 36) > 512) put_be(image + 36, 8, 4);
    if (get_be32(image + 56) > 8) put_be(image + 56, 1, 4);
}

/* Blocks and tables of megabytes cost a sanitizer milliseconds: only one
 * input in 64 may have them. */
static void tame(uint8_t *image, size_t bytes)
{
    if (bytes < 1024) return;
    if (!memcmp(image, "QFI\xFB", 4)) tame_qcow2(image);
    if (!memcmp(image, "KDMV", 4) && get_le64(image + 20) > 64) put_le(image + 20, 8, 8);
    if (get_le32(image + 0x40) == 0xBEDA107F && get_le32(image + 0x178) > 32768)
        put_le(image + 0x178, 4096, 4);
    if (!memcmp(image + 512, "cxsparse", 8) && get_be32(image + 544) > 32768)
        put_be(image + 544, 4096, 4);
}

static void make_files(const uint8_t *data, size_t bytes, uint8_t flags)
{
    static uint8_t image[LARGEST], other[BASE_SECTORS * SECTOR_SIZE];
    uint32_t sum = 0;
    for (size_t n = 0; n < bytes; n += 7) sum = sum * 16777619u + data[n];
    for (size_t n = 0; n < sizeof other && !other[1]; n++)
        other[n] = (uint8_t)(n * 7 + n / SECTOR_SIZE);
    memcpy(image, data, bytes);
    if (sum * 0x9E3779B1u >> 26) tame(image, bytes);
    if (!strcmp(FUZZ_FORMAT, "vhd") && !(flags & 0x80)) sign_vhd(image, bytes);
    host_limit(USUAL_LIMIT);
    if (bytes || !is_undoable()) host_make(HOST_DISK, image, bytes);
    host_make(HOST_BASE, other, sizeof other);
    if (concat) host_make(HOST_NEXT, image + bytes / 2, bytes - bytes / 2);
    if (strcmp(FUZZ_FORMAT, "vmdk")) return;
    host_make(HOST_FLAT, other, sizeof other);
    if (bytes > GRAINS_AT && image[0] == '#')
        host_make(HOST_GRAINS, image + GRAINS_AT, bytes - GRAINS_AT);
}

/* The bytes of what nobody may write to. */
static uint32_t sum_of(const char *path)
{
    size_t bytes = 0;
    const uint8_t *p = host_bytes(path, &bytes);
    uint32_t sum = (uint32_t)bytes;
    for (size_t n = 0; n + 8 <= bytes; n += 8) {
        uint64_t word;
        memcpy(&word, p + n, sizeof word);
        sum = (sum ^ (uint32_t)(word * 31 >> 13)) * 16777619u;
    }
    return sum;
}

/* ---- the model ------------------------------------------------------------------------------- */

static void forget_all(bool only_written)
{
    for (unsigned w = 0; w < WINDOWS; w++)
        for (unsigned n = 0; n < SPAN; n++)
            if (!only_written || model.written[w][n]) model.known[w][n] = false;
}

static void flushed(void) { memset(model.written, 0, sizeof model.written); }

/* A small disk has one window, in two halves. */
static void place_windows(void)
{
    uint64_t all = image_sectors(disk), half = (all + 1) / 2;
    model.first[0] = 0;
    model.count[0] = half < SPAN ? (unsigned)half : SPAN;
    model.count[1] = all - half < SPAN ? (unsigned)(all - half) : SPAN;
    model.first[1] = all - model.count[1];
}

static void look_around(void)
{
    place_windows();
    flushed();
    for (unsigned w = 0; w < WINDOWS; w++) {
        int error = model.count[w]
                        ? image_read(disk, model.first[w], model.count[w], model.byte[w]) : 0;
        for (unsigned n = 0; n < SPAN; n++) model.known[w][n] = !error && n < model.count[w];
    }
}

static void compare(unsigned w, unsigned at, unsigned count, const uint8_t *got)
{
    for (unsigned n = 0; n < count; n++, got += SECTOR_SIZE) {
        if (!model.known[w][at + n] || !model.sound) continue;
        require(!memcmp(got, model.byte[w][at + n], SECTOR_SIZE), "a sector has changed");
    }
}

static void read_some(unsigned w, unsigned at, unsigned count)
{
    static uint8_t sectors[SPAN * SECTOR_SIZE];
    if (!image_read(disk, model.first[w] + at, count, sectors)) compare(w, at, count, sectors);
}

static void write_some(unsigned w, unsigned at, unsigned count, uint8_t value)
{
    static uint8_t sectors[SPAN * SECTOR_SIZE];
    size_t len = (size_t)count * SECTOR_SIZE;
    for (unsigned n = 0; n < count; n++)
        memset(sectors + n * SECTOR_SIZE, value + (int)n, SECTOR_SIZE);
    int error = image_write(disk, model.first[w] + at, count, sectors);
    require(error || !image_read_only(disk), "a read-only disk was written");
    if (image_read_only(disk)) return;
    memcpy(model.byte[w][at], sectors, len);
    for (unsigned n = at; n < at + count; n++) {
        model.known[w][n] = !error;
        model.written[w][n] = true;
    }
}

/* ---- opening --------------------------------------------------------------------------------- */

static const struct image_format *checked(void)
{
    return disk->base && disk->format->name && !disk->format->check ? disk->base->format
                                                                    : disk->format;
}

/* false: it could not be told. */
static bool check(void)
{
    struct image_report report = { 0 };
    const struct image_format *f = checked();
    if (!f->check || how == HOW_VOLATILE) return f == &image_flat || concat;
    struct image_info info = { 0 };
    if (f->info) f->info(disk, &info);
    if (info.cluster && image_sectors(disk) * SECTOR_SIZE / info.cluster > MOST_CHECKED)
        return false;
    if (f->settle && f->settle(disk)) return false;
    if (f->check(disk, &report, IMAGE_REPAIR_NOTHING)) return false;
    require(!model.sound || !report.corruptions, "a sound image was damaged");
    return !report.corruptions;
}

static void open_disk(enum how now)
{
    static const char *const modes[] = { "auto", "auto", "volatile", "growing" };
    char note[8192];
    struct image_choice c = { .path = HOST_DISK, .format = FUZZ_FORMAT, .mode = modes[now] };
    if (concat) c = (struct image_choice){ .path = HOST_DISK, .mode = "concat" };
    if (is_undoable())
        c = (struct image_choice){ .path = HOST_BASE, .mode = "undoable", .journal = HOST_DISK };
    disk = image_open_choice(&c, now == HOW_READ ? IMAGE_READ_ONLY : IMAGE_WRITE, note,
                             sizeof note);
    require(!strchr(note, '\n'), "a note of more than one line");
    require(disk || *note, "refused without a word");
    require(disk || !host_open_count(), "refused, and left open");
}

static bool close_disk(void)
{
    bool kept = image_read_only(disk) || how == HOW_VOLATILE || !image_flush(disk);
    if (kept) flushed();
    image_close(disk);
    disk = NULL;
    require(!host_open_count(), "closed, and left open");
    return kept;
}

/* What was not flushed for want of room may be lost, but nothing else. */
static void open_again(enum how now)
{
    bool was_sound = model.sound;
    if (!close_disk()) forget_all(true);
    if (how == HOW_VOLATILE) forget_all(false);
    open_disk(now);
    require(disk || !was_sound, "a sound image is refused");
    if (!disk) return;
    if (now == HOW_READ) check();
    for (unsigned w = 0; w < WINDOWS; w++) read_some(w, 0, model.count[w]);
}

/* ---- operations ------------------------------------------------------------------------------ */

static void write_compressed(unsigned cluster)
{
    static uint8_t data[1 << 16];
    struct image_info info = { 0 };
    if (!disk->format->write_squeezed || !disk->format->info || image_read_only(disk)) return;
    disk->format->info(disk, &info);
    uint64_t first = cluster * info.cluster / SECTOR_SIZE;
    if (info.cluster > sizeof data || first >= image_sectors(disk)) return;
    int error = disk->format->write_squeezed(disk, cluster, data);
    for (unsigned w = 0; w < WINDOWS; w++)
        for (unsigned n = 0; n < model.count[w] && error != ENOTSUP; n++) {
            uint64_t sector = model.first[w] + n;
            if (sector < first || sector >= first + info.cluster / SECTOR_SIZE) continue;
            memset(model.byte[w][n], 0, SECTOR_SIZE);
            model.known[w][n] = !error;
            model.written[w][n] = true;
        }
}

/* What a base has behind the disk's old end may be seen then;
 * anything else that is new is zeroes. */
static void check_new(uint64_t from)
{
    static uint8_t got[SECTOR_SIZE], zeroes[SECTOR_SIZE];
    for (uint64_t at = from; at < image_sectors(disk) && at < from + SPAN; at++)
        if (!image_read(disk, at, 1, got) && !disk->base && model.sound)
            require(!memcmp(got, zeroes, SECTOR_SIZE), "a longer disk is not empty at its end");
}

static void resize(bool shorter, unsigned by)
{
    const struct image_format *f = disk->format;
    uint64_t before = image_sectors(disk), now = shorter ? before - by % before : before + by;
    if (!f->resize || image_read_only(disk) || is_undoable() || (shorter && !f->can_shrink)) return;
    if (before > (1 << 20)) return;
    f->resize(disk, now);
    now = image_sectors(disk);
    if (now < model.count[0]) model.count[0] = (unsigned)now;
    if (model.count[0]) read_some(0, 0, model.count[0]);
    if (now > before) check_new(before);
    look_around();
}

static void where(unsigned w, unsigned at, unsigned count)
{
    uint64_t run = 0;
    if (!disk->format->where || !count) return;
    disk->format->where(disk, model.first[w] + at, count, &run);
    require(run && run <= count, "a run of no sectors, or of too many");
}

static void act(struct script *in)
{
    uint8_t op = take8(in), n = op >> 4;
    uint16_t place = take16(in);
    uint8_t value = take8(in);
    unsigned w = place >> 15, at = place % SPAN, count = n + 1u;
    if (at >= model.count[w]) at = 0;
    if (count > model.count[w] - at) count = model.count[w] - at;
    switch (op & 15) {
    case 0: if (count) read_some(w, at, count); break;
    case 1: if (count) write_some(w, at, count, value); break;
    case 2: if (!image_flush(disk)) flushed(); break;
    case 3: image_settle(disk); break;
    case 4: open_again(how); break;
    case 5: check(); break;
    case 6: where(w, at, count); break;
    case 7: host_limit(value * 4096u); break;
    case 8: write_compressed(place & 0xFF); break;
    case 9: resize(n & 1, value); break;
    }
}

static void use(struct script *in, unsigned operations)
{
    open_disk(how);
    if (!disk) return;
    model.sound = check();
    look_around();
    while (operations-- && disk) act(in);
    if (disk) open_again(HOW_READ);
    if (disk) close_disk();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script in = { data, data + size };
    uint8_t flags = take8(&in);
    unsigned operations = flags & 15;
    size_t head = 1 + 4u * operations, bytes = size > head ? size - head : 0;
    if (bytes > LARGEST || !bytes) return 0;
    if (is_undoable() && flags & 0x40) bytes = 0;
    how = (enum how)(flags >> 4 & 3);
    if (is_undoable() && (how != HOW_READ || !bytes)) how = HOW_WRITE;  /* none yet: one is made */
    concat = !strcmp(FUZZ_FORMAT, "raw") && flags & 0x40;
    if (concat && how != HOW_READ) how = HOW_WRITE;
    host_clear();
    model.sound = false;
    make_files(data + (bytes ? head : 0), bytes, flags);
    uint32_t before = sum_of(HOST_DISK), base = sum_of(HOST_BASE);
    in.end = data + (size < head ? size : head);
    use(&in, operations);
    require(how == HOW_WRITE || how == HOW_GROWING || sum_of(HOST_DISK) == before,
            "a disk was changed that is only read");
    require(sum_of(HOST_BASE) == base, "a base was changed");
    return 0;
}
