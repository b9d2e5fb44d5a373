/* SPDX-License-Identifier: MIT
 * Packet commands: the table, sense data, unit attention, and the commands without data.
 * SCSI Multimedia Commands - 3 (T10/1363D, 2001), SCSI Primary Commands - 2 (T10/1236D, 2001);
 * section numbers are MMC-3's.
 */
#include "iodev/cdrom/cd.h"
#include <string.h>

enum { ALWAYS = 1, DISC = 2 };         /* runs with a unit attention waiting; wants a disc */


/* ---- sense ----------------------------------------------------------------------------------- */

/* The oldest first; telling clears it (SPC-2 5.6.5). SENSE_NONE: nothing waits. */
static enum cd_sense take_attention(struct cd *c)
{
    if (c->attention & CD_UA_RESET) {
        c->attention &= (uint8_t)~CD_UA_RESET;
        return SENSE_RESET;
    }
    if (!(c->attention & CD_UA_CHANGED)) return SENSE_NONE;
    c->attention &= (uint8_t)~CD_UA_CHANGED;
    return SENSE_CHANGED;
}

/* Fixed format, SPC-2 7.20.3. */
static void request_sense(struct cd *c)
{
    uint8_t *b = c->buffer;
    enum cd_sense sense = c->sense;
    if (sense == SENSE_NONE) sense = take_attention(c);
    memset(b, 0, 18);
    b[0] = 0x70;
    b[2] = (uint8_t)(sense >> 16);
    b[7] = 10;                             /* bytes that follow */
    b[12] = (uint8_t)(sense >> 8);
    b[13] = (uint8_t)sense;
    cd_reply(c, 18, c->packet[4]);
}

/* ---- no data --------------------------------------------------------------------------------- */

static void do_nothing(struct cd *c)
{
    cd_good(c);
}

static void prevent_allow(struct cd *c)
{
    c->locked = c->packet[4] & 1;
    c->asked = false;
    cd_good(c);
}

/* LoEj with Start: 10b eject, 11b load. Spinning the disc makes no difference here (6.41). */
static void start_stop(struct cd *c)
{
    bool load_eject = c->packet[4] & 2, start = c->packet[4] & 1;
    if (load_eject && !start && c->locked) {
        cd_check(c, SENSE_LOCKED);
        return;
    }
    if (load_eject && c->open == start) cd_move_tray(c, !start);
    if (start && !cd_has_disc(c)) cd_check(c, SENSE_NO_DISC);
    else cd_good(c);
}

/* No audio plays: there is nothing to pause or resume. */
static void pause_resume(struct cd *c)
{
    cd_check(c, SENSE_SEQUENCE);
}

/* ---- the table ------------------------------------------------------------------------------- */

static const struct packet_command {
    uint8_t opcode, flags;
    void  (*run)(struct cd *);
} commands[] = {
    { 0x00, DISC, do_nothing },                        /* TEST UNIT READY */
    { 0x01, DISC, do_nothing },                        /* REZERO UNIT */
    { 0x03, ALWAYS, request_sense },
    { 0x0B, DISC, do_nothing },                        /* SEEK(6): any address of ISO 9660 */
    { 0x08, DISC, mmc_read },                          /* READ(6) */
    { 0x12, ALWAYS, mmc_inquiry },
    { 0x15, 0, mmc_mode_select }, { 0x55, 0, mmc_mode_select },
    { 0x1A, 0, mmc_mode_sense }, { 0x5A, 0, mmc_mode_sense },
    { 0x1B, 0, start_stop },
    { 0x1E, 0, prevent_allow },
    { 0x25, DISC, mmc_read_capacity },
    { 0x28, DISC, mmc_read }, { 0xA8, DISC, mmc_read },
    { 0x2B, DISC, mmc_seek },
    { 0x35, 0, do_nothing },                           /* SYNCHRONIZE CACHE */
    { 0x42, DISC, mmc_read_sub_channel },
    { 0x43, DISC, mmc_read_toc },
    { 0x44, DISC, mmc_read_header },
    { 0x45, DISC, mmc_play }, { 0x47, DISC, mmc_play }, { 0x48, DISC, mmc_play },
    { 0xA5, DISC, mmc_play },
    { 0xBA, DISC, mmc_play },                          /* SCAN */
    { 0x46, ALWAYS, mmc_get_configuration },
    { 0x4A, ALWAYS, mmc_get_event },
    { 0x4B, DISC, pause_resume },
    { 0x4E, DISC, do_nothing },                        /* STOP PLAY/SCAN */
    { 0x51, DISC, mmc_read_disc_information },
    { 0x52, DISC, mmc_read_track_information },
    { 0xAD, DISC, mmc_read_dvd_structure },
    { 0xB9, DISC, mmc_read_cd_msf },
    { 0xBB, 0, do_nothing },                           /* SET CD SPEED */
    { 0xBD, 0, mmc_mechanism_status },
    { 0xBE, DISC, mmc_read_cd },
};

static const struct packet_command *find(uint8_t opcode)
{
    for (unsigned i = 0; i < COUNT_OF(commands); i++)
        if (commands[i].opcode == opcode) return &commands[i];
    return NULL;
}

/* What keeps the command from running. A unit attention comes before everything else. */
static enum cd_sense obstacle(struct cd *c, const struct packet_command *p)
{
    enum cd_sense waits = p && p->flags & ALWAYS ? SENSE_NONE : take_attention(c);
    if (waits != SENSE_NONE) return waits;
    if (!p) return SENSE_BAD_OPCODE;
    if (!(p->flags & DISC) || cd_has_disc(c)) return SENSE_NONE;
    return c->open ? SENSE_TRAY_OPEN : SENSE_NO_DISC;
}

void mmc_run(struct cd *c)
{
    const struct packet_command *p = find(c->packet[0]);
    enum cd_sense sense = obstacle(c, p);
    if (!p) device_log(&c->dev, LOG_DEBUG, "packet command %02Xh refused", c->packet[0]);
    if (sense != SENSE_NONE) cd_check(c, sense);
    else p->run(c);
}
