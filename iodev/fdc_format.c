/* SPDX-License-Identifier: MIT
 * Floppy controller: FORMAT TRACK. The host gives C, H, R, N of every sector; from index hole to
 * index hole they are written with the filler byte as data.
 * Intel 82077AA data sheet (290166-007, 1994), 5.1.7.
 */
#include "iodev/fdc_private.h"
#include <string.h>

enum { ID_BYTES = 4, LEAD_IN = 146, OVERHEAD = 62 };       /* gap 4a to 1; sync, ID, gap 2, CRCs */

/* Bytes in a turn: 1.2M drives turn with 360 rpm, all others with 300. */
static uint32_t track_bytes(const struct floppy *d, unsigned rate_code)
{
    static const uint32_t at_300_rpm[4] = { 12500, 7500, 6250, 25000 };
    return d->cmos_type == 2 ? at_300_rpm[rate_code & 3] * 5 / 6 : at_300_rpm[rate_code & 3];
}

/* How many sectors can be written until the index hole comes again. */
static unsigned most_sectors(const struct fdc *f)
{
    return (track_bytes(fdc_drive_in_use(f), f->rate) - LEAD_IN) /
           (OVERHEAD + (128u << (f->x.n & 7)));
}

static void format_track(struct fdc *f)
{
    struct floppy_id ids[FLOPPY_IDS];
    unsigned count = f->x.ids < most_sectors(f) ? f->x.ids : most_sectors(f);
    for (unsigned i = 0; i < count; i++) {
        const uint8_t *b = f->x.buffer + FLOPPY_IDS + i * ID_BYTES;
        ids[i] = (struct floppy_id){ b[0], b[1], b[2], b[3] & 7, false };
    }
    if (!f->sought && count && ids[0].c < FLOPPY_CYLINDERS)    /* see implied_seek() */
        floppy_step_to(fdc_drive_in_use(f), ids[0].c);
    if (floppy_format(fdc_drive_in_use(f), f->x.head, f->rate, ids, count, f->x.fill))
        fdc_fail(f, ST1_CRC, ST1_CRC);
    else fdc_finish(f, 0);
}

/* The buffer's start takes what comes now, behind it are those that came before. */
void fdc_end_format_id(struct fdc *f)
{
    struct fdc_transfer *x = &f->x;
    if (x->ids < FLOPPY_IDS)
        memcpy(x->buffer + FLOPPY_IDS + x->ids++ * ID_BYTES, x->buffer, ID_BYTES);
    x->c = x->buffer[0];
    x->h = x->buffer[1];
    x->r = x->buffer[2];
    x->left--;
    if (x->left && !x->terminal_count) fdc_offer(f, ID_BYTES);
    else format_track(f);
}

void fdc_begin_format(struct fdc *f)
{
    const struct floppy *d = fdc_drive_in_use(f);
    if (!d || !d->disk) fdc_fail(f, ST1_MISSING, 0);
    else if (f->x.left) fdc_offer(f, ID_BYTES);
    else format_track(f);
}
