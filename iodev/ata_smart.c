/* SPDX-License-Identifier: MIT
 * SMART of a disk that never ages: attributes, thresholds, status and empty logs.
 * AT Attachment with Packet Interface - 6 (T13/1410D, 2002), 8.41; attributes as vendors use them
 * (SFF-8035i, 1996).
 * Not implemented: attribute autosave has nothing to save; host and vendor logs.
 */
#include "iodev/ata_disk.h"
#include "iodev/board.h"
#include <string.h>

enum { KEY_MID = 0x4F, KEY_HIGH = 0xC2 };
enum { READ_DATA = 0xD0, READ_THRESHOLDS = 0xD1, AUTOSAVE = 0xD2, SAVE = 0xD3, TEST = 0xD4,
       READ_LOG = 0xD5, ENABLE = 0xD8, DISABLE = 0xD9, STATUS = 0xDA, AUTO_OFFLINE = 0xDB };

/* id, flags (1: tells of a failure to come), threshold; power-on hours has the guest's own. */
static const struct attribute { uint8_t id, flags, threshold; } attributes[] = {
    { 1, 0x0B, 16 },           /* raw read error rate  */
    { 3, 0x07, 24 },           /* spin-up time         */
    { 4, 0x12, 0 },            /* start/stop count     */
    { 5, 0x33, 5 },            /* reallocated sectors  */
    { 9, 0x12, 0 },            /* power-on hours       */
    { 12, 0x32, 0 },           /* power cycles         */
};
enum { POWER_ON_HOURS = 9, POWER_CYCLES = 12, HEALTHY = 100 };

/* The sum of all bytes is 0. */
static void seal(uint8_t *b)
{
    b[511] = 0;
    for (unsigned i = 0; i < 511; i++) b[511] = (uint8_t)(b[511] - b[i]);
}

static uint64_t raw_value(const struct ata_disk *k, uint8_t id)
{
    enum { SECONDS_PER_HOUR = 3600 };
    if (id == POWER_ON_HOURS)
        return clock_now(board_clock(k->dev.board)) / (SECONDS_PER_HOUR * SECOND);
    return id == POWER_CYCLES || id == 4;
}

static void put_attribute(const struct ata_disk *k, uint8_t *b, const struct attribute *a)
{
    uint64_t raw = raw_value(k, a->id);
    b[0] = a->id;
    b[1] = a->flags;
    b[3] = b[4] = HEALTHY;                 /* value, worst so far */
    for (unsigned i = 0; i < 6; i++) b[5 + i] = (uint8_t)(raw >> 8 * i);
}

/* 8.41.5.8, table 42: no self-test was run, both kinds would take a minute. */
static void put_data(const struct ata_disk *k, uint8_t *b)
{
    b[0] = 0x10;
    for (unsigned i = 0; i < COUNT_OF(attributes); i++)
        put_attribute(k, b + 2 + 12 * i, &attributes[i]);
    b[367] = 0x11;                         /* offline immediate, self-tests */
    b[368] = 0x03;                         /* saves on its own */
    b[370] = 0x01;                         /* error log */
    b[372] = b[373] = 1;
}

static void put_thresholds(uint8_t *b)
{
    b[0] = 0x10;
    for (unsigned i = 0; i < COUNT_OF(attributes); i++) {
        b[2 + 12 * i] = attributes[i].id;
        b[3 + 12 * i] = attributes[i].threshold;
    }
}

/* Directory (0), summary error log (1), self-test log (6): there are no entries. False: unknown. */
static bool put_log(uint8_t *b, unsigned log)
{
    enum { DIRECTORY = 0, ERRORS = 1, SELF_TESTS = 6 };
    if (log != DIRECTORY && log != ERRORS && log != SELF_TESTS) return false;
    b[0] = 1;
    if (log != DIRECTORY) seal(b);
    else b[2 * ERRORS] = b[2 * SELF_TESTS] = 1;          /* sectors of each log */
    return true;
}

static void reply(struct ata_disk *k)
{
    ata_offer_block(k, SECTOR_SIZE, true);
    ide_interrupt(&k->drive, true);
}

static void read_data(struct ata_disk *k, uint8_t feature)
{
    memset(k->buffer, 0, SECTOR_SIZE);
    if (feature == READ_DATA) put_data(k, k->buffer);
    else put_thresholds(k->buffer);
    seal(k->buffer);
    reply(k);
}

static void read_log(struct ata_disk *k)
{
    uint8_t (*r)[2] = k->drive.regs;
    memset(k->buffer, 0, SECTOR_SIZE);
    if (r[ATA_COUNT][0] == 1 && put_log(k->buffer, r[ATA_LOW][0])) reply(k);
    else ata_fail(k, ATA_ABRT);
}

/* The key in LBA middle and high comes back with STATUS as it is: no threshold was passed. */
void ata_run_smart(struct ata_disk *k, const struct ata_command *c)
{
    uint8_t (*r)[2] = k->drive.regs, feature = r[ATA_FEATURE][0];
    bool key = r[ATA_MID][0] == KEY_MID && r[ATA_HIGH][0] == KEY_HIGH;
    (void)c;
    if (!key || (!k->smart && feature != ENABLE)) {
        ata_fail(k, ATA_ABRT);
        return;
    }
    switch (feature) {
    case READ_DATA: case READ_THRESHOLDS: read_data(k, feature); break;
    case READ_LOG: read_log(k); break;
    case ENABLE: case DISABLE: k->smart = feature == ENABLE; ata_finish(k); break;
    case AUTOSAVE: case SAVE: case TEST: case STATUS: case AUTO_OFFLINE: ata_finish(k); break;
    default: ata_fail(k, ATA_ABRT); break;
    }
}
