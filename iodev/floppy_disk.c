/* SPDX-License-Identifier: MIT
 * What is on a floppy disk: its format, where a sector is in the image, tracks that were formatted
 * in ways of their own.
 * The formats are DOS's; the BIOS parameter block is that of Microsoft's FAT specification 1.03
 * (2000).
 *
 * Image: track 0 side 0, track 0 side 1, track 1 side 0, ... An image that ends before the disk
 * does reads as zeroes there and grows when written. It has room for C, side and R of sectors of
 * 512 bytes: what a guest formats besides, and deleted marks, lasts until the disk leaves the
 * drive.
 */
#include "iodev/fdc_private.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { RATE_DD = 0x06, RATE_HD = 0x01, RATE_ED = 0x08, IN_IMAGE = UINT32_MAX, PLAIN_N = 2 };

static const struct floppy_format formats[] = {
    { "160k", 40, 1, 8, RATE_DD, 1 },  { "180k", 40, 1, 9, RATE_DD, 1 },
    { "320k", 40, 2, 8, RATE_DD, 1 },  { "360k", 40, 2, 9, RATE_DD, 1 },
    { "720k", 80, 2, 9, RATE_DD, 3 },  { "1_2", 80, 2, 15, RATE_HD, 2 },
    { "1_44", 80, 2, 18, RATE_HD, 4 }, { "1_68", 80, 2, 21, RATE_HD, 4 },
    { "1_72", 82, 2, 21, RATE_HD, 4 }, { "2_88", 80, 2, 36, RATE_ED, 5 },
};

/* ---- formats --------------------------------------------------------------------------------- */

uint64_t floppy_sectors(const struct floppy_format *f)
{
    return (uint64_t)f->tracks * f->heads * f->spt;
}

const struct floppy_format *floppy_format_named(const char *name)
{
    for (unsigned i = 0; i < COUNT_OF(formats); i++)
        if (!strcmp(formats[i].name, name)) return &formats[i];
    return NULL;
}

static const struct floppy_format *of_size(uint64_t sectors)
{
    for (unsigned i = 0; i < COUNT_OF(formats); i++)
        if (floppy_sectors(&formats[i]) == sectors) return &formats[i];
    return NULL;
}

/* Rate and drive follow from how much is on a track. */
static struct floppy_format format_of(unsigned tracks, unsigned heads, unsigned spt)
{
    uint8_t rates = spt <= 10 ? RATE_DD : spt <= 24 ? RATE_HD : RATE_ED;
    uint8_t drive = spt <= 10 ? (tracks <= 42 ? 1 : 3) : spt <= 15 ? 2 : spt <= 24 ? 4 : 5;
    return (struct floppy_format){"odd",        (uint8_t)tracks, (uint8_t)heads,
                                  (uint8_t)spt, rates,           drive};
}

static unsigned le16(const uint8_t *b) { return b[0] | b[1] * 256u; }

/* What the boot sector says, if it is one and can be true. */
static bool from_bpb(struct image *i, struct floppy_format *f)
{
    uint8_t b[SECTOR_SIZE];
    if (image_read(i, 0, 1, b) || (b[0] != 0xEB && b[0] != 0xE9)) return false;
    unsigned total = le16(b + 19), spt = le16(b + 24), heads = le16(b + 26);
    if (le16(b + 11) != SECTOR_SIZE || b[21] < 0xF0 || !heads || heads > 2) return false;
    if (spt < 8 || spt > 48 || !total || total % (spt * heads)) return false;
    unsigned tracks = total / (spt * heads);
    if (tracks > FLOPPY_CYLINDERS || (tracks < 75 && (tracks < 35 || tracks > 45))) return false;
    *f = format_of(tracks, heads, spt);
    return true;
}

/* Sizes that are a whole number of tracks of a disk with some more of them. */
static bool from_tracks(uint64_t sectors, struct floppy_format *f)
{
    static const uint8_t spts[] = { 18, 9, 21, 15, 36, 20, 22, 23, 24, 10, 8 };
    for (unsigned i = 0; i < COUNT_OF(spts); i++)
        for (unsigned tracks = 80; tracks <= FLOPPY_CYLINDERS; tracks++) {
            if (sectors != tracks * 2u * spts[i]) continue;
            *f = format_of(tracks, 2, spts[i]);
            return true;
        }
    return false;
}

static struct floppy_format with_name(struct floppy_format f)
{
    const struct floppy_format *known = of_size(floppy_sectors(&f));
    bool same = known && known->heads == f.heads && known->spt == f.spt;
    return same ? *known : f;
}

/* A boot sector that agrees with the file's size comes first (80 tracks of one side have the size
 * of 40 tracks of two), then usual sizes; a file of another size that a boot sector explains is cut
 * off or has something behind it; any other is the start of the smallest usual disk it fits on. */
bool floppy_guess(struct image *i, struct floppy_format *f)
{
    static const char *const usual[] = { "1_44", "1_68", "2_88" };
    uint64_t sectors = image_sectors(i);
    const struct floppy_format *exact = of_size(sectors);
    bool has_bpb = from_bpb(i, f);
    *f = has_bpb ? with_name(*f) : (struct floppy_format){ 0 };
    if (has_bpb && floppy_sectors(f) == sectors && (!exact || exact->spt == f->spt)) return true;
    if (exact) return *f = *exact, true;
    if (has_bpb && sectors < floppy_sectors(f) + f->spt) return true;
    if (from_tracks(sectors, f)) return true;
    for (unsigned n = 0; n < COUNT_OF(usual); n++) {
        *f = *floppy_format_named(usual[n]);
        if (sectors < floppy_sectors(f)) return true;
    }
    return false;
}

/* Its boot sector and its size agree, on another format than this. */
bool floppy_is_another(struct image *i, const struct floppy_format *f)
{
    struct floppy_format bpb, guess;
    if (!from_bpb(i, &bpb) || floppy_sectors(&bpb) != image_sectors(i) || !floppy_guess(i, &guess))
        return false;
    return guess.spt != f->spt || guess.heads != f->heads || guess.tracks != f->tracks;
}

/* ---- tracks ---------------------------------------------------------------------------------- */

/* A track that is not as the image's geometry says. */
struct floppy_track {
    uint8_t count, rates;
    struct floppy_id id[FLOPPY_IDS];
    uint32_t at[FLOPPY_IDS];               /* of the data in `data`; or IN_IMAGE */
    uint8_t  data[];
};

void floppy_forget_tracks(struct floppy *f)
{
    for (unsigned c = 0; c < FLOPPY_CYLINDERS; c++)
        for (unsigned h = 0; h < 2; h++) {
            free(f->odd[c][h]);
            f->odd[c][h] = NULL;
        }
    f->odd_reported = false;
}

static struct floppy_track **odd_at(struct floppy *f, unsigned head)
{
    return &f->odd[f->cylinder % FLOPPY_CYLINDERS][head & 1];
}

static const struct floppy_track *odd_track(const struct floppy *f, unsigned head)
{
    return f->odd[f->cylinder % FLOPPY_CYLINDERS][head & 1];
}

/* A 40-track disk in a 1.2M drive: every second step is between the tracks. There are no such disks
 * for 3.5" drives; an image of one has its tracks where the drive steps to. */
static bool half_tracks(const struct floppy *f) { return f->cmos_type == 2; }

static unsigned steps_per_track(const struct floppy *f)
{
    return f->layout.tracks <= 45 && half_tracks(f) ? 2 : 1;
}

/* The image's track under the head; -1: between two of them, or behind the last. */
static int track_under(const struct floppy *f, unsigned head)
{
    unsigned steps = steps_per_track(f), track = f->cylinder / steps;
    if (!f->disk || head >= f->layout.heads || f->cylinder % steps || track >= f->layout.tracks)
        return -1;
    return (int)track;
}

unsigned floppy_ids(const struct floppy *f, unsigned head, unsigned rate_code, bool any_rate)
{
    const struct floppy_track *t = odd_track(f, head);
    if (!f->disk) return 0;
    if (t) return any_rate || t->rates >> rate_code & 1 ? t->count : 0;
    if (!(any_rate || f->layout.rates >> rate_code & 1) || track_under(f, head) < 0) return 0;
    return f->layout.spt;
}

struct floppy_id floppy_id(const struct floppy *f, unsigned head, unsigned index)
{
    const struct floppy_track *t = odd_track(f, head);
    if (t) return t->id[index % FLOPPY_IDS];
    return (struct floppy_id){ (uint8_t)track_under(f, head), (uint8_t)head, (uint8_t)(index + 1),
                               PLAIN_N, false };
}

/* Where the image has room for a sector with this ID; false: nowhere. */
static bool in_image(const struct floppy *f, unsigned head, const struct floppy_id *id,
                     uint64_t *sector)
{
    int track = track_under(f, head);
    if (track < 0 || id->c != track || id->h != head || id->n != PLAIN_N) return false;
    if (!id->r || id->r > f->layout.spt) return false;
    *sector = ((uint64_t)track * f->layout.heads + head) * f->layout.spt + id->r - 1;
    return true;
}

static int failed(const struct floppy *f, const char *what, int error)
{
    if (error) device_log(&f->dev, LOG_ERROR, "%s %s: %s", what, f->path, strerror(error));
    return error;
}

int floppy_read(struct floppy *f, unsigned head, unsigned index, uint8_t *to)
{
    const struct floppy_track *t = odd_track(f, head);
    struct floppy_id id = floppy_id(f, head, index);
    uint64_t sector;
    if (t && t->at[index % FLOPPY_IDS] != IN_IMAGE) {
        memcpy(to, t->data + t->at[index % FLOPPY_IDS], 128u << id.n);
        return 0;
    }
    return failed(f, "reading",
                  in_image(f, head, &id, &sector) ? image_read(f->image, sector, 1, to) : EINVAL);
}

static int write_data(struct floppy *f, unsigned head, unsigned index, const uint8_t *from)
{
    struct floppy_track *t = *odd_at(f, head);
    struct floppy_id id = floppy_id(f, head, index);
    uint64_t sector;
    if (t && t->at[index % FLOPPY_IDS] != IN_IMAGE) {
        memcpy(t->data + t->at[index % FLOPPY_IDS], from, 128u << id.n);
        return 0;
    }
    return failed(f, "writing",
                  in_image(f, head, &id, &sector) ? image_write(f->image, sector, 1, from)
                                                  : EINVAL);
}

/* ---- tracks of their own --------------------------------------------------------------------- */

static uint8_t rates_of(unsigned rate_code)
{
    static const uint8_t rates[4] = { RATE_HD, RATE_DD, RATE_DD, RATE_ED };
    return rates[rate_code & 3];
}

/* Puts it in place of the one that was there; false: out of memory. */
static bool put_track(struct floppy *f, unsigned head, uint8_t rates, const struct floppy_id *ids,
                      unsigned count)
{
    size_t bytes = 0;
    uint64_t sector;
    for (unsigned i = 0; i < count; i++)
        if (!in_image(f, head, &ids[i], &sector)) bytes += 128u << ids[i].n;
    struct floppy_track *t = calloc(1, sizeof *t + bytes);
    if (!t) return false;
    t->count = (uint8_t)count;
    t->rates = rates;
    bytes = 0;
    for (unsigned i = 0; i < count; i++) {
        t->id[i] = ids[i];
        t->at[i] = in_image(f, head, &ids[i], &sector) ? IN_IMAGE : (uint32_t)bytes;
        if (t->at[i] != IN_IMAGE) bytes += 128u << ids[i].n;
    }
    free(*odd_at(f, head));
    *odd_at(f, head) = t;
    return true;
}

static void report_odd(struct floppy *f, const char *what)
{
    if (f->odd_reported) return;
    f->odd_reported = true;
    device_log(&f->dev, LOG_WARN,
               "%s: %s, which a raw image cannot hold: it lasts until the disk is "
               "taken out",
               f->path, what);
}

/* A plain track gets marks of its own when the first sector is written with a deleted one. */
static int mark(struct floppy *f, unsigned head, unsigned index, bool deleted)
{
    struct floppy_track *t = *odd_at(f, head);
    struct floppy_id ids[FLOPPY_IDS];
    if (!t && !deleted) return 0;
    for (unsigned i = 0; !t && i < f->layout.spt && i < FLOPPY_IDS; i++)
        ids[i] = floppy_id(f, head, i);
    if (!t && !put_track(f, head, f->layout.rates, ids, f->layout.spt)) return ENOMEM;
    (*odd_at(f, head))->id[index % FLOPPY_IDS].deleted = deleted;
    if (deleted) report_odd(f, "a sector was written as deleted");
    return 0;
}

int floppy_write(struct floppy *f, unsigned head, unsigned index, const uint8_t *from, bool deleted)
{
    int error = write_data(f, head, index, from);
    return error ? error : mark(f, head, index, deleted);
}

/* ---- formatting ------------------------------------------------------------------------------ */

/* Sectors of 512 bytes, 1 to count in any order, of the track that this can be; -1: something else.
 */
static int plain_track(const struct floppy *f, unsigned head, const struct floppy_id *id,
                       unsigned count)
{
    int c = count ? id[0].c : -1;
    uint64_t seen = 0;
    for (unsigned i = 0; i < count; i++) {
        if (id[i].c != c || id[i].h != head || !id[i].r || id[i].r > count || id[i].n != PLAIN_N)
            return -1;
        seen |= (uint64_t)1 << (id[i].r - 1);
    }
    if (count >= FLOPPY_IDS || seen != ((uint64_t)1 << count) - 1) return -1;
    bool double_step = c * 2 == f->cylinder && half_tracks(f);
    return c == f->cylinder || double_step ? c : -1;
}

static bool in_order(const struct floppy_id *id, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (id[i].r != i + 1) return false;
    return true;
}

/* The image becomes one of a disk of that format. A raw file gets its size. */
static void change_format(struct floppy *f, struct floppy_format to)
{
    to.name = with_name(to).name;
    f->layout = to;
    image_fit(f->image, floppy_sectors(&to));
    device_log(&f->dev, LOG_INFO, "%s is formatted with %u tracks, %u sides, %u sectors", f->path,
               to.tracks, to.heads, to.spt);
}

/* The guest formats the disk anew. What the first track becomes, the whole disk will be; a track
 * behind the last one, and the second side of a disk with one, make it larger. */
static void follow(struct floppy *f, unsigned head, unsigned track, unsigned count, uint8_t rates)
{
    struct floppy_format to = f->layout;
    bool same = count == to.spt && rates == to.rates;
    bool first = !f->cylinder && !head, second_side = head && to.heads == 1 && !track;
    if (first && !same) {
        bool few = f->cmos_type == 1 || (f->cmos_type == 2 && rates == RATE_DD);
        to = format_of(few ? 40 : 80, 2, count);
        to.rates = rates;
        floppy_forget_tracks(f);
    } else if (same && second_side) {
        to.heads = 2;
    } else if (same && head < to.heads && track >= to.tracks && track < FLOPPY_CYLINDERS) {
        to.tracks = (uint8_t)(track + 1);
    } else {
        return;
    }
    change_format(f, to);
}

static int fill_sectors(struct floppy *f, unsigned head, unsigned count, uint8_t fill)
{
    uint8_t *data = malloc(FLOPPY_LARGEST);
    int error = data ? 0 : ENOMEM;
    if (data) memset(data, fill, FLOPPY_LARGEST);
    for (unsigned i = 0; i < count && !error; i++) error = write_data(f, head, i, data);
    free(data);
    return error;
}

int floppy_format(struct floppy *f, unsigned head, unsigned rate_code, const struct floppy_id *ids,
                  unsigned count, uint8_t fill)
{
    uint8_t rates = rates_of(rate_code);
    int track = plain_track(f, head, ids, count);
    if (track >= 0) follow(f, head, (unsigned)track, count, rates);
    bool plain = track >= 0 && track == track_under(f, head) && count == f->layout.spt &&
                 rates == f->layout.rates;
    if (plain && in_order(ids, count)) {
        free(*odd_at(f, head));
        *odd_at(f, head) = NULL;
    } else if (!put_track(f, head, rates, ids, count)) {
        return failed(f, "formatting", ENOMEM);
    }
    if (!plain) report_odd(f, "a track was formatted in another way than the disk");
    return fill_sectors(f, head, count, fill);
}
