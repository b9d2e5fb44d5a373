/* SPDX-License-Identifier: MIT
 * ATA hard disk: power management commands and the standby timer.
 * AT Attachment with Packet Interface - 6 (T13/1410D, 2002), 6.12 and the commands in chapter 8.
 * Not implemented: advanced power management.
 */
#include "iodev/ata_disk.h"
#include "iodev/board.h"

enum { POWER_STANDBY = 0x00, POWER_IDLE = 0x80, POWER_ACTIVE = 0xFF };

static nanos now(const struct ata_disk *k)
{
    return clock_now(board_clock(k->dev.board));
}

void ata_wake(struct ata_disk *k)
{
    k->power = POWER_ACTIVE;
    k->last_used = now(k);
}

/* Table 26: units of 5 seconds, then of 30 minutes, then single values. */
static nanos standby_time(unsigned count)
{
    enum { MINUTE = 60 };
    if (count <= 240) return count * 5 * SECOND;
    if (count <= 251) return (count - 240) * 30 * MINUTE * SECOND;
    if (count == 253) return 10 * 60 * MINUTE * SECOND;
    return (21 * MINUTE + (count == 255 ? 15 : 0)) * SECOND;
}

/* The timer needs no ticking: nobody but CHECK POWER MODE can see that it has run out. */
void ata_run_check_power(struct ata_disk *k, const struct ata_command *c)
{
    bool over = k->standby_after && now(k) - k->last_used >= k->standby_after;
    (void)c;
    if (over) k->power = POWER_STANDBY;
    k->drive.regs[ATA_COUNT][0] = k->power;
    ata_finish(k);
}

/* Both generations of codes: 94h-99h and E0h-E3h, E6h. IDLE and STANDBY set the timer, too. A disk
 * that comes to rest writes its cache first: many systems switch off after that. */
void ata_run_set_power(struct ata_disk *k, const struct ata_command *c)
{
    bool old = c->opcode < 0xE0;
    unsigned what = old ? c->opcode - 0x94u : c->opcode - 0xE0u;       /* 0-3; sleep: 5, 6 */
    bool idle = what == 1 || what == 3, timed = what == 2 || what == 3;
    if (!idle && !ata_flush(k)) return;
    if (timed) k->standby_after = standby_time(k->drive.regs[ATA_COUNT][0]);
    k->last_used = now(k);
    k->power = idle ? POWER_IDLE : POWER_STANDBY;
    k->asleep = what > 3;
    ata_finish(k);
}
