/* SPDX-License-Identifier: MIT
 * Where things are on a disc with one data track: table of contents, sub-channel, sector headers.
 * SCSI Multimedia Commands - 3 (T10/1363D, 2001); section numbers are from it.
 */
#include "iodev/cdrom/cd.h"
#include <string.h>

enum { LEAD_OUT = 0xAA, ADR_CONTROL = 0x14 };      /* position in Q; data track */

static bool wants_msf(const struct cd *c) { return c->packet[1] & 2; }

/* Four bytes: 0, M, S, F, or a sector number. */
static void put_address(const struct cd *c, uint8_t *to, uint32_t lba)
{
    put_be32(to, lba);
    if (!wants_msf(c)) return;
    to[0] = 0;
    disc_msf(lba + DISC_PREGAP, to + 1);
}

/* ---- READ TOC/PMA/ATIP (6.25) ---------------------------------------------------------------- */

static uint32_t put_entry(const struct cd *c, uint8_t *to, uint8_t track, uint32_t lba)
{
    memset(to, 0, 4);
    to[1] = ADR_CONTROL;
    to[2] = track;
    put_address(c, to + 4, lba);
    return 8;
}

/* Format 0: tracks from the wanted one on, and the lead-out. 0: no such track. */
static uint32_t put_tracks(const struct cd *c, uint8_t *to)
{
    uint8_t first = c->packet[6];
    uint32_t len = 0;
    if (first > 1 && first != LEAD_OUT) return 0;
    if (first <= 1) len = put_entry(c, to, 1, 0);
    return len + put_entry(c, to + len, LEAD_OUT, cd_sectors(c));
}

/* Format 2: the lead-in's Q channel: first and last track, lead-out, each track. */
static uint32_t put_lead_in(const struct cd *c, uint8_t *to)
{
    static const uint8_t points[4] = { 0xA0, 0xA1, 0xA2, 1 };
    memset(to, 0, 4 * 11);
    for (unsigned i = 0; i < 4; i++, to += 11) {
        to[0] = 1;                         /* session */
        to[1] = ADR_CONTROL;
        to[3] = points[i];
        if (i < 2) to[8] = 1;              /* track 1 */
        if (!i) to[9] = cd_disc_type(c);
        if (i >= 2) disc_msf(DISC_PREGAP + (i == 2 ? cd_sectors(c) : 0), to + 8);
    }
    return 4 * 11;
}

/* SFF-8020i had the format in the two upper bits of byte 9; old drivers still use them. */
static unsigned toc_format(const struct cd *c)
{
    unsigned format = c->packet[2] & 15;
    return format ? format : c->packet[9] >> 6;
}

void mmc_read_toc(struct cd *c)
{
    uint8_t *b = c->buffer;
    uint32_t len = 0;
    switch (toc_format(c)) {
    case 0: len = put_tracks(c, b + 4); break;
    case 1: len = put_entry(c, b + 4, 1, 0); break;    /* the last session's first track */
    case 2: len = c->packet[6] <= 1 ? put_lead_in(c, b + 4) : 0; break;
    }
    if (!len) {
        cd_check(c, SENSE_BAD_PACKET);
        return;
    }
    put_be16(b, len + 2);
    b[2] = b[3] = 1;                       /* first and last track or session */
    cd_reply(c, len + 4, be16(c->packet + 7));
}

/* ---- READ SUB-CHANNEL (6.23) ----------------------------------------------------------------- */

static uint32_t put_position(const struct cd *c, uint8_t *to)
{
    to[1] = ADR_CONTROL;
    to[2] = to[3] = 1;                     /* track, index */
    put_address(c, to + 4, c->head);
    put_be32(to + 8, c->head);
    if (wants_msf(c)) {
        to[8] = 0;
        disc_msf(c->head, to + 9);
    }
    return 12;
}

/* Neither a catalogue number (2) nor an ISRC (3) was pressed: "valid" stays 0. */
void mmc_read_sub_channel(struct cd *c)
{
    enum { NO_AUDIO_STATUS = 0x15, SUB_Q = 0x40 };
    uint8_t *b = c->buffer, what = c->packet[3];
    bool wanted = c->packet[2] & SUB_Q;
    uint32_t len = 0;
    if (wanted && (what < 1 || what > 3 || (what == 3 && c->packet[6] != 1))) {
        cd_check(c, SENSE_BAD_PACKET);
        return;
    }
    memset(b, 0, 24);
    b[1] = NO_AUDIO_STATUS;
    b[4] = what;
    if (wanted) len = what == 1 ? put_position(c, b + 4) : 20;
    if (wanted && what == 3) b[5] = ADR_CONTROL, b[6] = 1;
    put_be16(b + 2, len);
    cd_reply(c, len + 4, be16(c->packet + 7));
}

/* MMC-2 6.1.14: mode and address of a sector's header. */
void mmc_read_header(struct cd *c)
{
    uint8_t raw[DISC_RAW_SECTOR];
    uint32_t lba = be32(c->packet + 2);
    if (lba >= cd_sectors(c)) {
        cd_check(c, SENSE_OUT_OF_RANGE);
        return;
    }
    if (disc_read_raw(c->disc, lba, raw)) {
        cd_check(c, SENSE_READ_ERROR);
        return;
    }
    memset(c->buffer, 0, 4);
    c->buffer[0] = raw[15] & 3;
    put_address(c, c->buffer + 4, lba);
    cd_reply(c, 8, be16(c->packet + 7));
}
