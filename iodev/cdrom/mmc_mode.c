/* SPDX-License-Identifier: MIT
 * Mode pages of a CD drive: MODE SENSE and MODE SELECT, 6- and 10-byte forms.
 * SCSI Multimedia Commands - 3 (T10/1363D, 2001), 5.5, and MMC-2 (T10/1228D, 2000) for page 2Ah;
 * SPC-2 7.8 - 7.11 for the lists around them. No block descriptors, as SFF-8020i has none.
 */
#include "iodev/cdrom/cd.h"
#include <string.h>

enum { CURRENT_VALUES, CHANGEABLE, PRESET, SAVED };
enum { ALL_PAGES = 0x3F, LONGEST = 24 };

struct page {
    uint8_t at, len;                       /* in cd->pages; with its two bytes of header */
    uint8_t preset[LONGEST], changeable[LONGEST];
};

/* Ascending by page code. 1: error recovery; 0Dh: a spin-down time, 60 seconds and 75 frames;
 * 0Eh: audio ports 0 and 1 at full volume; 1Ah: power condition; 2Ah: capabilities: mode 2,
 * multi-session; READ CD's raw sub-channels and C2 bytes; tray, eject, lock; 24x (4234 KB/s). */
static const struct page pages[] = {
    { 0, 8, { 0x01, 6, 0, 5 }, { 0x01, 6, 0x3F, 0xFF } },
    { 8, 8, { 0x0D, 6, 0, 0x0D, 0, 60, 0, 75 }, { 0x0D, 6, 0, 0x0F } },
    { 16, 16, { 0x0E, 14, 4, 0, 0, 0, 0, 75, 1, 0xFF, 2, 0xFF },
      { 0x0E, 14, 2, 0, 0, 0, 0, 0, 0x0F, 0xFF, 0x0F, 0xFF, 0x0F, 0xFF, 0x0F, 0xFF } },
    { 32, 12, { 0x1A, 10 }, { 0x1A, 10, 0, 3, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF } },
    { 44, 24, { 0x2A, 22, 0x08, 0, 0x70, 0x14, 0x29, 0x00, 4234 >> 8, 4234 & 255, 1, 0, 0, 64,
                4234 >> 8, 4234 & 255 }, { 0x2A, 22 } },
};

enum { CAPABILITIES = COUNT_OF(pages) - 1, LOCK_STATE = 6 };

void mmc_mode_reset(struct cd *c)
{
    for (unsigned i = 0; i < COUNT_OF(pages); i++)
        memcpy(c->pages + pages[i].at, pages[i].preset, pages[i].len);
}

static bool is_long_form(const struct cd *c) { return c->packet[0] & 0x40; }

/* ---- MODE SENSE ------------------------------------------------------------------------------ */

static uint32_t put_page(const struct cd *c, uint8_t *to, unsigned n, unsigned control)
{
    const struct page *p = &pages[n];
    const uint8_t *from = control == CHANGEABLE ? p->changeable
                        : control == PRESET ? p->preset : c->pages + p->at;
    memcpy(to, from, p->len);
    if (n == CAPABILITIES && control == CURRENT_VALUES && c->locked) to[LOCK_STATE] |= 2;
    return p->len;
}

/* SFF-8020i, table 48: the medium, as it is no longer in MMC. */
static uint8_t medium_type(const struct cd *c)
{
    if (c->open) return 0x71;
    return c->disc ? 0x01 : 0x70;
}

void mmc_mode_sense(struct cd *c)
{
    unsigned code = c->packet[2] & 0x3F, control = c->packet[2] >> 6;
    uint32_t header = is_long_form(c) ? 8 : 4, len = header;
    if (control == SAVED) {
        cd_check(c, SENSE_NO_SAVED_PAGES);
        return;
    }
    memset(c->buffer, 0, header);
    for (unsigned i = 0; i < COUNT_OF(pages); i++)
        if (code == ALL_PAGES || code == pages[i].preset[0])
            len += put_page(c, c->buffer + len, i, control);
    if (len == header) {
        cd_check(c, SENSE_BAD_PACKET);
        return;
    }
    if (is_long_form(c)) put_be16(c->buffer, len - 2);
    else c->buffer[0] = (uint8_t)(len - 1);
    c->buffer[is_long_form(c) ? 2 : 1] = medium_type(c);
    cd_reply(c, len, is_long_form(c) ? be16(c->packet + 7) : c->packet[4]);
}

/* ---- MODE SELECT ----------------------------------------------------------------------------- */

static const struct page *page_of(uint8_t code)
{
    for (unsigned i = 0; i < COUNT_OF(pages); i++)
        if (pages[i].preset[0] == code) return &pages[i];
    return NULL;
}

/* Bits that cannot be changed have to come as they are (SPC-2 7.8); drivers send back what MODE
 * SENSE gave them, some with another lock state: those bits are passed over. */
static void set_page(struct cd *c, const struct page *p, const uint8_t *from)
{
    for (unsigned i = 2; i < p->len; i++) {
        uint8_t mask = p->changeable[i], *to = &c->pages[p->at + i];
        *to = (uint8_t)((*to & ~mask) | (from[i] & mask));
    }
}

/* All pages are looked at before one is changed: a bad list changes nothing. */
static enum cd_sense take_pages(struct cd *c, uint32_t at, uint32_t end, bool store)
{
    while (at < end) {
        const uint8_t *b = c->buffer + at;
        const struct page *p = page_of(b[0] & 0x3F);
        if (!p || at + 1 >= end || b[1] != p->len - 2) return SENSE_BAD_LIST;
        if (end - at < p->len) return SENSE_LIST_LENGTH;
        if (store) set_page(c, p, b);
        at += p->len;
    }
    return SENSE_NONE;
}

static void take_list(struct cd *c)
{
    uint32_t header = is_long_form(c) ? 8 : 4, at = header;
    enum cd_sense sense = c->filled < header ? SENSE_LIST_LENGTH : SENSE_NONE;
    if (sense == SENSE_NONE) at += is_long_form(c) ? be16(c->buffer + 6) : c->buffer[3];
    if (sense == SENSE_NONE) sense = take_pages(c, at, c->filled, false);
    if (sense == SENSE_NONE) take_pages(c, at, c->filled, true);
    if (sense == SENSE_NONE) cd_good(c);
    else cd_check(c, sense);
}

void mmc_mode_select(struct cd *c)
{
    uint32_t len = is_long_form(c) ? be16(c->packet + 7) : c->packet[4];
    bool save = c->packet[1] & 1;
    if (c->out) take_list(c);
    else if (save) cd_check(c, SENSE_BAD_PACKET);
    else if (len) cd_want(c, len);
    else cd_good(c);
}
