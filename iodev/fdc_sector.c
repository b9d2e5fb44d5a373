/* SPDX-License-Identifier: MIT
 * Floppy controller: commands that look for sectors by their IDs: READ and WRITE (DELETED) DATA,
 * READ TRACK, VERIFY, SCAN; READ ID. Intel 82077AA data sheet (290166-007, 1994), section 5.1; SCAN
 * as in the 8272A's (210606, 1986).
 */
#include "iodev/fdc_private.h"
#include <string.h>

enum { MULTI_TRACK = 0x80, SKIP = 0x20, LARGEST_N = 7, GAP = 0x4E, ANYTHING = 0xFF };

bool fdc_scans(const struct fdc_transfer *x)
{
    unsigned kind = fdc_kind(x);
    return kind == FDC_SCAN_EQUAL || kind == FDC_SCAN_LOW || kind == FDC_SCAN_HIGH;
}

static bool is_write(const struct fdc_transfer *x)
{
    return fdc_kind(x) == FDC_WRITE || fdc_kind(x) == FDC_WRITE_DELETED;
}

/* Of the sectors that this command asks for. */
static uint32_t bytes(const struct fdc_transfer *x)
{
    return 128u << (x->n <= LARGEST_N ? x->n : LARGEST_N);
}

/* Where N is 0, DTL says how many of the 128 bytes concern the host. */
static uint32_t host_bytes(const struct fdc_transfer *x)
{
    return !x->n && x->length && x->length < 128 && !fdc_scans(x) ? x->length : bytes(x);
}

/* ---- finding a sector ------------------------------------------------------------------------ */

static bool matches(const struct fdc_transfer *x, struct floppy_id id)
{
    return id.c == x->c && id.h == x->h && id.r == x->r && id.n == x->n;
}

/* All IDs of a turn were others: ND; WC and BC if they belong to another cylinder (6.2, 6.3). */
static void not_found(struct fdc *f, unsigned ids)
{
    const struct floppy *d = fdc_drive_in_use(f);
    uint8_t st2 = 0;
    for (unsigned i = 0; i < ids; i++) {
        uint8_t c = floppy_id(d, f->x.head, i).c;
        if (c != f->x.c) st2 |= c == 0xFF ? ST2_BAD_CYLINDER : ST2_WRONG_CYLINDER;
    }
    fdc_fail(f, ST1_NO_DATA, st2);
}

/* READ TRACK takes the sectors as they come from the index hole on, and tells of strange IDs. */
static bool find_next_on_track(struct fdc *f, unsigned ids)
{
    struct fdc_transfer *x = &f->x;
    x->index = (uint8_t)(x->done % ids);
    if (!matches(x, floppy_id(fdc_drive_in_use(f), x->head, x->index))) x->st1 |= ST1_NO_DATA;
    return true;
}

/* false: the command has failed. */
static bool find_sector(struct fdc *f)
{
    struct fdc_transfer *x = &f->x;
    unsigned ids = fdc_ids_here(f);
    if (!ids) return false;
    if (fdc_kind(x) == FDC_READ_TRACK) return find_next_on_track(f, ids);
    for (unsigned i = 0; i < ids; i++) {
        if (!matches(x, floppy_id(fdc_drive_in_use(f), x->head, i))) continue;
        x->index = (uint8_t)i;
        return true;
    }
    not_found(f, ids);
    return false;
}

/* ---- to the next sector ---------------------------------------------------------------------- */

/* Table 5-6: the ID after the last sector. True: there is no next one for this command. */
static bool advance(struct fdc_transfer *x)
{
    bool multi = x->opcode & MULTI_TRACK && fdc_kind(x) != FDC_READ_TRACK;
    unsigned step = fdc_scans(x) && x->length == 2 ? 2 : 1;
    bool last = fdc_kind(x) == FDC_READ_TRACK ? ++x->done == x->eot
                                              : x->r == x->eot || (step == 2 && x->r + 1 == x->eot);
    if (!last) {
        x->r = (uint8_t)(x->r + step);
        return false;
    }
    x->r = 1;
    if (multi && !(x->h & 1)) {
        x->h |= 1;
        return false;
    }
    x->c++;
    if (multi) x->h &= 0xFE;
    return true;
}

static void next_sector(struct fdc *f)
{
    if (f->x.opcode & MULTI_TRACK) f->x.head = f->x.h & 1;
    fdc_begin_sector(f);
}

/* All sectors, and nobody said that it was enough: VERIFY alone may end so. */
static void end_of_cylinder(struct fdc *f)
{
    struct fdc_transfer *x = &f->x;
    if (fdc_scans(x)) x->st2 |= ST2_SCAN_FAILED;
    if (fdc_scans(x) || (fdc_kind(x) == FDC_VERIFY && !x->left))
        fdc_finish(f, x->st1 & ST1_NO_DATA ? ST0_ABNORMAL : 0);
    else fdc_fail(f, ST1_END, 0);
}

/* ---- before the data ------------------------------------------------------------------------- */

/* Tables 5-4, 5-5: the other kind of mark is skipped with SK, else the command ends behind it. */
static bool has_other_mark(const struct fdc *f)
{
    const struct fdc_transfer *x = &f->x;
    bool deleted = floppy_id(fdc_drive_in_use(f), x->head, x->index).deleted;
    return !is_write(x) && deleted != (fdc_kind(x) == FDC_READ_DELETED);
}

static void skip(struct fdc *f)
{
    bool last = advance(&f->x);
    if (f->x.left) f->x.left--;
    if (last) end_of_cylinder(f);
    else fdc_later(f, FDC_SECTOR_NANOS);
}

/* false: the command has failed. READ TRACK may take a sector for a longer one: a gap follows. */
static bool load(struct fdc *f)
{
    struct fdc_transfer *x = &f->x;
    memset(x->buffer, is_write(x) ? 0 : GAP, sizeof x->buffer);
    if (is_write(x) || floppy_read(fdc_drive_in_use(f), x->head, x->index, x->buffer) == 0)
        return true;
    fdc_fail(f, ST1_CRC, ST1_CRC);         /* DE in ST1, DD in ST2: same bit */
    return false;
}

void fdc_begin_sector(struct fdc *f)
{
    struct fdc_transfer *x = &f->x;
    if (!find_sector(f)) return;
    x->marked = has_other_mark(f);
    if (x->marked) x->st2 |= ST2_MARK;
    if (x->marked && x->opcode & SKIP && fdc_kind(x) != FDC_READ_TRACK) {
        skip(f);
        return;
    }
    if (!load(f)) return;
    x->lower = x->higher = false;
    if (fdc_kind(x) == FDC_VERIFY) {
        x->sector_done = true;
        fdc_later(f, FDC_SECTOR_NANOS);
    } else {
        fdc_offer(f, host_bytes(x));
    }
}

/* ---- behind the data ------------------------------------------------------------------------- */

/* Byte by byte; FFh on either side is equal to anything. */
void fdc_compare(struct fdc_transfer *x, const uint8_t *host, size_t len)
{
    for (size_t i = 0; i < len && x->at + i < sizeof x->buffer; i++) {
        uint8_t disk = x->buffer[x->at + i];
        if (disk == ANYTHING || host[i] == ANYTHING) continue;
        if (disk < host[i]) x->lower = true;
        if (disk > host[i]) x->higher = true;
    }
}

/* True: what was looked for is in this sector. */
static bool scan_hit(struct fdc_transfer *x)
{
    bool equal = !x->lower && !x->higher, hit = equal;
    if (!fdc_scans(x)) return false;
    if (fdc_kind(x) == FDC_SCAN_LOW) hit = !x->higher;
    if (fdc_kind(x) == FDC_SCAN_HIGH) hit = !x->lower;
    if (equal) x->st2 |= ST2_SCAN_EQUAL;
    return hit;
}

static bool store(struct fdc *f)
{
    const struct fdc_transfer *x = &f->x;
    bool deleted = fdc_kind(x) == FDC_WRITE_DELETED;
    if (!is_write(x) || !floppy_write(fdc_drive_in_use(f), x->head, x->index, x->buffer, deleted))
        return true;
    fdc_fail(f, ST1_CRC, ST1_CRC);
    return false;
}

void fdc_end_sector(struct fdc *f)
{
    struct fdc_transfer *x = &f->x;
    uint8_t st0 = x->st1 & ST1_NO_DATA ? ST0_ABNORMAL : 0;
    if (!store(f)) return;
    bool counted_out = fdc_kind(x) == FDC_VERIFY && x->left == 1;
    bool other = x->marked && fdc_kind(x) != FDC_READ_TRACK;
    if (scan_hit(x) || other) {            /* table 5-4: the address is not incremented */
        fdc_finish(f, st0);
        return;
    }
    bool last = advance(x);
    if (x->left) x->left--;
    if (x->terminal_count || counted_out) {
        if (fdc_scans(x)) x->st2 |= ST2_SCAN_FAILED;
        fdc_finish(f, st0);
    } else if (last) {
        end_of_cylinder(f);
    } else {
        next_sector(f);
    }
}

/* ---- READ ID: whatever passes the head next -------------------------------------------------- */

void fdc_read_id(struct fdc *f)
{
    unsigned ids = fdc_ids_here(f);
    if (!ids) return;
    struct floppy_id id = floppy_id(fdc_drive_in_use(f), f->x.head, f->rotation % ids);
    f->rotation = (uint8_t)(f->rotation % ids + 1);
    f->x.c = id.c;
    f->x.h = id.h;
    f->x.r = id.r;
    f->x.n = id.n;
    fdc_finish(f, 0);
}
