/* SPDX-License-Identifier: MIT
 * What a CD drive says of itself and its disc.
 * SCSI Multimedia Commands - 3 (T10/1363D, 2001); section numbers are from it.
 * Mt. Fuji 5 (SFF-8090) for READ DVD STRUCTURE.
 * Not implemented: vital product data, timeout and performance data.
 */
#include "iodev/cdrom/cd.h"
#include <ctype.h>
#include <string.h>

enum { PROFILE_CD_ROM = 0x0008, PROFILE_DVD_ROM = 0x0010 };
/* A CD ends before 100 minutes; a longer image was made for a DVD. */
enum { LONGEST_CD = 100 * 60 * 75 - DISC_PREGAP };

uint32_t cd_sectors(const struct cd *c) { return cd_has_disc(c) ? disc_sectors(c->disc) : 0; }

bool cd_is_dvd(const struct cd *c) { return cd_sectors(c) > LONGEST_CD && !disc_is_raw(c->disc); }

uint8_t cd_disc_type(const struct cd *c)
{
    enum { CD_ROM_XA = 0x20 };
    return cd_has_disc(c) && disc_is_xa(c->disc) ? CD_ROM_XA : 0;
}

/* ---- INQUIRY --------------------------------------------------------------------------------- */

static void put_text(uint8_t *to, size_t len, const char *text)
{
    size_t n = strlen(text);
    for (size_t i = 0; i < len; i++) to[i] = i < n && isprint((unsigned char)text[i])
                                             ? (uint8_t)text[i] : ' ';
}

/* "VITRO CD-ROM": the first word is the vendor. */
static void put_model(const struct cd *c, uint8_t *b)
{
    const char *model = c->model ? c->model : "", *blank = strchr(model, ' ');
    char vendor[9] = "";
    size_t len = blank ? (size_t)(blank - model) : 0;
    memcpy(vendor, model, len < 8 ? len : 8);
    put_text(b + 8, 8, vendor);
    put_text(b + 16, 16, blank ? blank + 1 : model);
    put_text(b + 32, 4, "0.1");
}

void mmc_inquiry(struct cd *c)
{
    uint8_t *b = c->buffer;
    if (c->packet[1] & 1 || c->packet[2]) {            /* EVPD */
        cd_check(c, SENSE_BAD_PACKET);
        return;
    }
    memset(b, 0, 36);
    b[0] = 5;                              /* CD-ROM */
    b[1] = 0x80;                           /* removable */
    b[3] = 0x21;                           /* ATAPI, response format 1 (SFF-8020i) */
    b[4] = 36 - 5;
    put_model(c, b);
    cd_reply(c, 36, be16(c->packet + 3));
}

/* ---- GET CONFIGURATION ----------------------------------------------------------------------- */

enum { PERSISTENT = 2, CURRENT = 1 };

struct feature {
    uint16_t code;
    uint8_t  flags, version, len;          /* CURRENT: with any disc, too */
    uint8_t  data[8];
};

/* 5.3: profile list and what CD-ROM and DVD-ROM drives have to offer. */
static const struct feature features[] = {
    { 0x0000, PERSISTENT | CURRENT, 0, 8, { 0, PROFILE_DVD_ROM, 0, 0, 0, PROFILE_CD_ROM, 0, 0 } },
    { 0x0001, PERSISTENT | CURRENT, 0, 4, { 0, 0, 0, 2 } },               /* core: ATAPI */
    { 0x0002, PERSISTENT | CURRENT, 0, 4, { 0 } },                        /* morphing */
    { 0x0003, PERSISTENT | CURRENT, 0, 4, { 0x29, 0, 0, 0 } },            /* tray, eject, lock */
    { 0x0010, 0, 0, 8, { 0, 0, 8, 0, 0, 1, 0, 0 } },                      /* random readable */
    { 0x001E, 0, 0, 4, { 0 } },                                           /* CD read */
    { 0x001F, 0, 0, 4, { 0 } },                                           /* DVD read */
    { 0x0100, PERSISTENT | CURRENT, 0, 0, { 0 } },                        /* power management */
};

static uint16_t current_profile(const struct cd *c)
{
    if (!cd_has_disc(c)) return 0;
    return cd_is_dvd(c) ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
}

static bool is_current(const struct cd *c, const struct feature *f)
{
    if (f->flags & CURRENT) return true;
    if (!cd_has_disc(c)) return false;
    return f->code == 0x0010 || f->code == (cd_is_dvd(c) ? 0x001F : 0x001E);
}

static void mark_profiles(const struct cd *c, uint8_t *list)
{
    for (unsigned i = 0; i < 8; i += 4) list[i + 2] = be16(list + i) == current_profile(c);
}

static uint32_t put_feature(const struct cd *c, uint8_t *to, const struct feature *f)
{
    put_be16(to, f->code);
    to[2] = (uint8_t)(f->version << 2 | (f->flags & PERSISTENT) | is_current(c, f));
    to[3] = f->len;
    memcpy(to + 4, f->data, f->len);
    if (!f->code) mark_profiles(c, to + 4);
    return 4u + f->len;
}

/* RT: 0 all features from the starting one on, 1 of these the current ones, 2 just that one. */
void mmc_get_configuration(struct cd *c)
{
    unsigned which = c->packet[1] & 3, first = be16(c->packet + 2);
    uint32_t len = 8;
    if (which == 3) {
        cd_check(c, SENSE_BAD_PACKET);
        return;
    }
    memset(c->buffer, 0, 8);
    for (unsigned i = 0; i < COUNT_OF(features); i++) {
        const struct feature *f = &features[i];
        if (f->code < first || (which == 2 && f->code != first)) continue;
        if (which == 1 && !is_current(c, f)) continue;
        len += put_feature(c, c->buffer + len, f);
    }
    put_be32(c->buffer, len - 4);
    put_be16(c->buffer + 6, current_profile(c));
    cd_reply(c, len, be16(c->packet + 7));
}

/* ---- GET EVENT STATUS NOTIFICATION (6.6) ----------------------------------------------------- */

/* Polled only; of the event classes there is media (4). */
void mmc_get_event(struct cd *c)
{
    enum { POLLED = 1, MEDIA_CLASS = 4, NO_EVENT_AVAILABLE = 0x80 };
    bool media = c->packet[4] & 1 << MEDIA_CLASS;
    uint8_t *b = c->buffer;
    if (!(c->packet[1] & POLLED)) {
        cd_check(c, SENSE_BAD_PACKET);
        return;
    }
    memset(b, 0, 8);
    b[1] = media ? 6 : 2;
    b[2] = media ? MEDIA_CLASS : NO_EVENT_AVAILABLE;
    b[3] = 1 << MEDIA_CLASS;
    b[4] = c->event;
    b[5] = (uint8_t)((cd_has_disc(c) ? 2 : 0) | (c->open ? 1 : 0));
    if (media && be16(c->packet + 7) > 4) c->event = 0;
    cd_reply(c, media ? 8 : 4, be16(c->packet + 7));
}

/* 6.9: one slot, no changer. */
void mmc_mechanism_status(struct cd *c)
{
    uint8_t *b = c->buffer;
    memset(b, 0, 8);
    b[1] = c->open ? 0x10 : 0;
    b[2] = (uint8_t)(c->head >> 16);
    b[3] = (uint8_t)(c->head >> 8);
    b[4] = (uint8_t)c->head;
    cd_reply(c, 8, be16(c->packet + 8));
}

/* ---- the disc -------------------------------------------------------------------------------- */

/* 6.19: complete, last session complete; lead-in and lead-out "not available", as it is stamped. */
void mmc_read_disc_information(struct cd *c)
{
    uint8_t *b = c->buffer;
    memset(b, 0, 34);
    put_be16(b, 32);
    b[2] = 0x0E;
    b[3] = b[4] = b[5] = b[6] = 1;         /* first track, sessions, tracks of the last session */
    b[7] = 0x20;                           /* unrestricted use */
    b[8] = cd_disc_type(c);
    memset(b + 16, 0xFF, 8);
    cd_reply(c, 34, be16(c->packet + 7));
}

/* 6.24: by sector (0), track (1) or session (2): all of them mean the one track, or none. */
void mmc_read_track_information(struct cd *c)
{
    unsigned by = c->packet[1] & 3;
    uint32_t number = be32(c->packet + 2), sectors = cd_sectors(c);
    uint8_t *b = c->buffer;
    if (by == 3 || (by ? number != 1 : number >= sectors)) {
        cd_check(c, by ? SENSE_BAD_PACKET : SENSE_OUT_OF_RANGE);
        return;
    }
    memset(b, 0, 36);
    put_be16(b, 34);
    b[2] = b[3] = 1;                       /* track, session */
    b[5] = 4;                              /* data */
    b[6] = cd_disc_type(c) ? 2 : 1;        /* data mode */
    put_be32(b + 24, sectors);
    cd_reply(c, 36, be16(c->packet + 7));
}

/* Physical format: a single-layer DVD-ROM. Its data area starts at sector 30000h. */
static uint32_t dvd_physical(const struct cd *c, uint8_t *b)
{
    enum { FIRST = 0x30000, LEN = 17 };
    memset(b, 0, LEN);
    b[0] = 1;                              /* book type DVD-ROM, part version 1 */
    b[1] = 0x0F;                           /* 120 mm, no rate given */
    b[2] = 1;                              /* one layer, embossed data */
    put_be32(b + 4, FIRST);
    put_be32(b + 8, FIRST + cd_sectors(c) - 1);
    return LEN;
}

void mmc_read_dvd_structure(struct cd *c)
{
    enum { PHYSICAL = 0, COPYRIGHT = 1 };
    uint8_t *b = c->buffer;
    uint32_t len = 4;
    if (!cd_is_dvd(c)) {
        cd_check(c, SENSE_CANNOT_READ);
        return;
    }
    memset(b, 0, 8);
    if (c->packet[7] == PHYSICAL) len = dvd_physical(c, b + 4);
    else if (c->packet[7] != COPYRIGHT) {
        cd_check(c, SENSE_BAD_PACKET);
        return;
    }
    put_be32(b, (len + 2) << 16);
    cd_reply(c, len + 4, be16(c->packet + 8));
}
