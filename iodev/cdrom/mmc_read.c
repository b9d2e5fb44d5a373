/* SPDX-License-Identifier: MIT
 * Reading from the disc: READ in its sizes, READ CD, seeks, and audio that there is none of.
 * SCSI Multimedia Commands - 3 (T10/1363D, 2001); section numbers are from it.
 * ECMA-130 (1996), clause 22 for the sub-channels.
 * Not implemented: audio tracks.
 */
#include "iodev/cdrom/cd.h"
#include <errno.h>
#include <string.h>

void mmc_read_capacity(struct cd *c)
{
    put_be32(c->buffer, cd_sectors(c) - 1);
    put_be32(c->buffer + 4, DISC_SECTOR);
    cd_reply(c, 8, 8);
}

/* False: it is not all on the disc, the command has failed. */
static bool locate(struct cd *c, uint32_t lba, uint32_t count)
{
    uint32_t sectors = cd_sectors(c);
    c->lba = lba;
    c->remaining = count;
    if (lba < sectors && count <= sectors - lba) return true;
    if (!count && lba <= sectors) return true;
    cd_check(c, SENSE_OUT_OF_RANGE);
    return false;
}

/* ---- READ (6), (10), (12): user data --------------------------------------------------------- */

static uint32_t read6_address(const uint8_t *p) { return be32(p) & 0x1FFFFF; }

void mmc_read(struct cd *c)
{
    const uint8_t *p = c->packet;
    uint32_t lba = p[0] == 0x08 ? read6_address(p) : be32(p + 2);
    uint32_t count = p[0] == 0xA8 ? be32(p + 6) : p[0] == 0x28 ? be16(p + 7) : p[4] ? p[4] : 256;
    c->each = DISC_SECTOR;
    c->parts = false;
    if (locate(c, lba, count)) cd_stream(c);
}

/* ---- READ CD (6.18): parts of sectors -------------------------------------------------------- */

/* Areas in the order of the disc and their bits in byte 9 of the packet. */
enum { AREA_SYNC, AREA_HEADER, AREA_SUBHEADER, AREA_USER, AREA_EDC, AREAS };
static const uint8_t area_bit[AREAS] = { 0x80, 0x20, 0x40, 0x10, 0x08 };
static const uint16_t area_bytes[][AREAS] = {
    [DISC_MODE1] = { 12, 4, 0, 2048, 288 }, [DISC_MODE2] = { 12, 4, 0, 2336, 0 },
    [DISC_MODE2_FORM1] = { 12, 4, 8, 2048, 280 }, [DISC_MODE2_FORM2] = { 12, 4, 8, 2328, 0 },
};
enum { C2_BITS = 294, C2_AND_BLOCK_BITS = 296, Q_BYTES = 16, SUB_BYTES = 96 };
enum { EXTRA_C2 = 1, EXTRA_BLOCK = 2, EXTRA_Q = 4, EXTRA_RAW = 8, EXTRA_RW = 16 };

/* The areas asked for, from .. to of the sector. They have to lie side by side: table 182's
 * combinations with a gap are illegal. */
static bool choose_areas(struct cd *c, uint8_t wanted)
{
    const uint16_t *bytes = area_bytes[c->mode];
    uint16_t at = 0;
    c->from = c->to = 0;
    for (unsigned i = 0; i < AREAS; at += bytes[i++]) {
        if (!(wanted & area_bit[i]) || !bytes[i]) continue;
        if (!c->to) c->from = c->to = at;
        if (c->to != at) return false;
        c->to += bytes[i];
    }
    return !(wanted & 0x08) || wanted & 0x10;          /* EDC goes with user data */
}

static bool choose_extra(struct cd *c, uint8_t flags, uint8_t sub_channel)
{
    static const uint8_t c2[4] = { 0, EXTRA_C2, EXTRA_C2 | EXTRA_BLOCK, 0 };
    static const uint8_t sub[8] = { 0, EXTRA_RAW, EXTRA_Q, 0, EXTRA_RW };
    unsigned errors = flags >> 1 & 3, which = sub_channel & 7;
    if (errors == 3 || (which && !sub[which])) return false;
    c->extra = c2[errors] | sub[which];
    return true;
}

static uint32_t sub_bytes(const struct cd *c)
{
    if (c->extra & (EXTRA_RAW | EXTRA_RW)) return SUB_BYTES;
    return c->extra & EXTRA_Q ? Q_BYTES : 0;
}

static uint32_t extra_bytes(const struct cd *c)
{
    uint32_t n = sub_bytes(c);
    if (c->extra & EXTRA_C2) n += c->extra & EXTRA_BLOCK ? C2_AND_BLOCK_BITS : C2_BITS;
    return n;
}

/* Expected sector type: 0 any, 1 audio, 2 mode 1, 3 mode 2, 4 and 5 its forms. */
static enum cd_sense check_type(const struct cd *c)
{
    static const uint8_t wanted[6] = { 0, 0xFF, DISC_MODE1, DISC_MODE2, DISC_MODE2_FORM1,
                                       DISC_MODE2_FORM2 };
    unsigned type = c->packet[1] >> 2 & 7;
    if (type >= COUNT_OF(wanted)) return SENSE_BAD_PACKET;
    return !type || wanted[type] == c->mode ? SENSE_NONE : SENSE_WRONG_TRACK;
}

static bool find_mode(struct cd *c)
{
    uint8_t raw[DISC_RAW_SECTOR];
    c->mode = DISC_MODE1;
    if (!disc_is_raw(c->disc)) return true;
    if (disc_read_raw(c->disc, c->lba, raw)) return false;
    c->mode = disc_mode_of(raw);
    return true;
}

static void read_parts(struct cd *c, uint32_t lba, uint32_t count)
{
    enum cd_sense sense = SENSE_NONE;
    c->parts = true;
    if (!locate(c, lba, count)) return;
    if (count && !find_mode(c)) sense = SENSE_READ_ERROR;
    if (count && sense == SENSE_NONE) sense = check_type(c);
    if (sense == SENSE_NONE && (!choose_areas(c, c->packet[9]) ||
                                !choose_extra(c, c->packet[9], c->packet[10])))
        sense = SENSE_BAD_PACKET;
    c->each = (uint16_t)(c->to - c->from + extra_bytes(c));
    if (!c->each) c->remaining = 0;        /* nothing asked for: a long seek (6.18.2) */
    if (sense == SENSE_NONE) cd_stream(c);
    else cd_check(c, sense);
}

void mmc_read_cd(struct cd *c)
{
    const uint8_t *p = c->packet;
    read_parts(c, be32(p + 2), (uint32_t)p[6] << 16 | be16(p + 7));
}

static uint32_t lba_of(const uint8_t msf[3])
{
    return (msf[0] * 60u + msf[1]) * 75u + msf[2] - DISC_PREGAP;
}

/* 6.20: the end is the first sector that is not wanted any more. */
void mmc_read_cd_msf(struct cd *c)
{
    uint32_t from = lba_of(c->packet + 3), to = lba_of(c->packet + 6);
    if (to < from) cd_check(c, SENSE_BAD_PACKET);
    else read_parts(c, from, to - from);
}

/* Formatted Q (table 190): control and mode, track, index, time in the track and on the disc. */
static void put_q(uint8_t *to, uint32_t lba)
{
    uint8_t msf[6];
    disc_msf(lba, msf);
    disc_msf(lba + DISC_PREGAP, msf + 3);
    memset(to, 0, Q_BYTES);
    to[0] = 0x41;
    to[1] = to[2] = 1;
    for (unsigned i = 0; i < 6; i++)
        to[3 + i + (i >= 3)] = (uint8_t)(msf[i] / 10 << 4 | msf[i] % 10);
}

/* x^16 + x^12 + x^5 + 1 over control to absolute time, inverted (22.3.6). */
static uint16_t q_crc(const uint8_t *q, size_t len)
{
    uint16_t crc = 0;
    for (size_t i = 0; i < len * 8; i++) {
        unsigned bit = (q[i / 8] >> (7 - i % 8) & 1) ^ crc >> 15;
        crc = (uint16_t)(crc << 1 ^ (bit ? 0x1021 : 0));
    }
    return (uint16_t)~crc;
}

/* A byte has a bit of each sub-channel, P in bit 7; only Q has something to say here. */
static void put_raw_sub(uint8_t *to, uint32_t lba)
{
    enum { WITHOUT_CRC = 10, Q_BIT = 0x40 };
    uint8_t q[Q_BYTES];
    put_q(q, lba);
    put_be16(q + WITHOUT_CRC, q_crc(q, WITHOUT_CRC));
    for (unsigned i = 0; i < SUB_BYTES; i++) to[i] = q[i / 8] >> (7 - i % 8) & 1 ? Q_BIT : 0;
}

/* What the buffer was sized for. From a snapshot it may be anything. */
bool mmc_stream_fits(const struct cd *c)
{
    if (!c->parts) return !c->each || c->each == DISC_SECTOR;
    return c->from <= c->to && c->to <= DISC_RAW_SECTOR &&
           c->each == c->to - c->from + extra_bytes(c);
}

/* ---- one chunk ------------------------------------------------------------------------------- */

static enum cd_sense sense_of(const struct cd *c, int error, uint32_t lba)
{
    if (!error) return SENSE_NONE;
    if (error == EILSEQ) return SENSE_WRONG_TRACK;
    device_log(&c->dev, LOG_ERROR, "%s: reading sector %u: %s", c->path, lba, strerror(error));
    return SENSE_READ_ERROR;
}

static enum cd_sense fill_parts(struct cd *c, uint32_t lba, uint8_t *to)
{
    uint8_t raw[DISC_RAW_SECTOR];
    enum cd_sense sense = sense_of(c, disc_read_raw(c->disc, lba, raw), lba);
    if (sense != SENSE_NONE) return sense;
    if (disc_mode_of(raw) != c->mode) return SENSE_WRONG_TRACK;
    uint32_t len = (uint32_t)(c->to - c->from), rest = extra_bytes(c);
    memcpy(to, raw + c->from, len);
    memset(to + len, 0, rest);             /* no C2 errors */
    uint8_t *sub = to + len + rest - sub_bytes(c);
    if (c->extra & EXTRA_Q) put_q(sub, lba);
    if (c->extra & EXTRA_RAW) put_raw_sub(sub, lba);
    return SENSE_NONE;
}

bool mmc_fill(struct cd *c, uint32_t count)
{
    enum cd_sense sense = SENSE_NONE;
    if (!cd_has_disc(c)) sense = c->open ? SENSE_TRAY_OPEN : SENSE_NO_DISC;
    else if (!c->parts)
        sense = sense_of(c, disc_read(c->disc, c->lba, count, c->buffer), c->lba);
    for (uint32_t i = 0; c->parts && sense == SENSE_NONE && i < count; i++)
        sense = fill_parts(c, c->lba + i, c->buffer + (size_t)i * c->each);
    if (sense != SENSE_NONE) cd_check(c, sense);
    return sense == SENSE_NONE;
}

/* ---- seeks and audio ------------------------------------------------------------------------- */

void mmc_seek(struct cd *c)
{
    if (!locate(c, be32(c->packet + 2), 1)) return;
    c->head = c->lba;
    cd_good(c);
}

/* PLAY of no length does nothing, everything else finds a data track (6.14). */
void mmc_play(struct cd *c)
{
    const uint8_t *p = c->packet;
    bool empty = (p[0] == 0x45 && !be16(p + 7)) || (p[0] == 0xA5 && !be32(p + 6)) ||
                 (p[0] == 0x47 && !memcmp(p + 3, p + 6, 3));
    if (empty) cd_good(c);
    else cd_check(c, SENSE_WRONG_TRACK);
}
