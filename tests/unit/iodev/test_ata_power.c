/* SPDX-License-Identifier: MIT
 * ATA: power management, SMART, two drives on a cable, four channels, the interrupt wire.
 */
#include "iodev/ata_disk.h"
#include "iodev/cdrom/atapi_cd.h"
#include "iodev/ide.h"
#include "tests/unit/fake_board.h"
#include "tests/unit/iodev/bus_master_bench.h"
#include "tests/unit/iodev/temp_image.h"

enum { BASE = 0x1F0, ERR = 1, FEATURE = 1, COUNT = 2, LOW = 3, MID = 4, HIGH = 5, DEV = 6, CMD = 7,
       STATUS = 7, CONTROL = 0x206, BM = 0xC000, MS = 1000000, STANDBY = 0x00, ACTIVE = 0xFF };

static struct temp temp;
static struct board *b;
static uint8_t data[512];

static void begin(void)
{
    temp_begin(&temp);
    temp_image(&temp, "disk.img", 2016);
    b = fake_new(1 << 20);
    for (unsigned i = 0; i < 4; i++) {
        char id[8];
        snprintf(id, sizeof id, "ata%u", i);
        ck_assert_ptr_nonnull(fake_plug_id(b, &ide_class, id, NULL));
    }
    ck_assert_ptr_nonnull(fake_plug(b, &piix_ide_class, NULL));
    ck_assert_ptr_nonnull(fake_plug_id(b, &ata_disk_class, "ata0-master", "path", temp.path, "mode",
                                       "volatile", NULL));
    ck_assert_ptr_nonnull(fake_plug_id(b, &atapi_cd_class, "ata0-slave", "path", temp.path, NULL));
    ck_assert_ptr_nonnull(fake_plug_id(b, &ata_disk_class, "ata3-slave", "path", temp.path, "mode",
                                       "volatile", NULL));
}

static void end(void)
{
    fake_free(b);
    temp_end(&temp);
}

static uint8_t wait_ready(uint16_t base)
{
    uint16_t control = base == BASE ? BASE + CONTROL : 0x366;
    for (unsigned i = 0; i < 1000 && fake_in8(b, control) & 0x80; i++) fake_advance(b, 1000);
    return fake_in8(b, control);
}

static uint8_t command(uint8_t opcode)
{
    fake_out8(b, BASE + CMD, opcode);
    ck_assert_uint_eq(fake_in8(b, BASE + CONTROL), 0x80);
    uint8_t status = wait_ready(BASE);
    ck_assert(fake_irq(b, 14));
    fake_in8(b, BASE + STATUS);
    return status;
}

static void take(void)
{
    for (unsigned i = 0; i < 512; i += 2) {
        uint16_t w = fake_in16(b, BASE);
        data[i] = (uint8_t)w;
        data[i + 1] = (uint8_t)(w >> 8);
    }
}

static unsigned power(void)
{
    ck_assert_uint_eq(command(0xE5), 0x50);
    return fake_in8(b, BASE + COUNT);
}

/* ---- power ----------------------------------------------------------------------------------- */

START_TEST(standby_timer)
{
    ck_assert_uint_eq(command(0xEC), 0x58);
    take();
    ck_assert_uint_eq(data[2 * 49 + 1] & 0x20, 0x20);    /* values as the standard has them */
    fake_out8(b, BASE + COUNT, 2);         /* 10 seconds */
    ck_assert_uint_eq(command(0xE3), 0x50);
    ck_assert_uint_eq(power(), 0x80);
    fake_advance(b, 9 * SECOND);
    ck_assert_uint_eq(power(), 0x80);
    fake_advance(b, 2 * SECOND);
    ck_assert_uint_eq(power(), STANDBY);
    fake_out8(b, BASE + COUNT, 1);
    fake_out8(b, BASE + LOW, 1);
    fake_out8(b, BASE + DEV, 0xA0);
    ck_assert_uint_eq(command(0x20), 0x58);
    take();
    ck_assert_uint_eq(power(), ACTIVE);    /* a read wakes it; the timer starts anew */
    fake_advance(b, 11 * SECOND);
    ck_assert_uint_eq(power(), STANDBY);
    fake_out8(b, BASE + COUNT, 0);
    ck_assert_uint_eq(command(0x97), 0x50);
    fake_advance(b, 100000 * SECOND);
    ck_assert_uint_eq(power(), 0x80);
}
END_TEST

START_TEST(sleep_ends_with_a_reset_only)
{
    ck_assert_uint_eq(command(0x99), 0x50);
    fake_out8(b, BASE + CMD, 0xEC);
    fake_advance(b, 100 * MS);
    ck_assert(!fake_irq(b, 14));
    fake_out8(b, BASE + CONTROL, 4);
    fake_out8(b, BASE + CONTROL, 0);
    ck_assert_uint_eq(wait_ready(BASE), 0x50);
    ck_assert_uint_eq(power(), ACTIVE);
}
END_TEST

/* An arm takes time, and its interrupt does not come before a driver waits for it. */
START_TEST(seek_and_recalibrate_take_time)
{
    static const uint8_t opcodes[] = { 0x70, 0x10 };
    for (unsigned i = 0; i < sizeof opcodes; i++) {
        fake_out8(b, BASE + DEV, 0xE0);
        fake_out8(b, BASE + CMD, opcodes[i]);
        fake_advance(b, 100000);
        ck_assert_uint_eq(fake_in8(b, BASE + CONTROL), 0x80);
        fake_advance(b, 5 * MS);
        ck_assert_uint_eq(fake_in8(b, BASE + CONTROL), 0x50);
        ck_assert(fake_irq(b, 14));
        fake_in8(b, BASE + STATUS);
    }
}
END_TEST

/* Linux 0.11: 100 nops under SRST, then at most 10000 looks of ten instructions at 100 MIPS; the
 * error register has to say 1. It must not be ready at the first look either. */
START_TEST(reset_in_the_time_of_a_kernel_of_1991)
{
    unsigned looks = 0;
    fake_out8(b, BASE + CONTROL, 4);
    fake_advance(b, 1000);
    fake_out8(b, BASE + CONTROL, 0);
    while (looks < 10000 && (fake_in8(b, BASE + STATUS) & 0xC0) != 0x40) {
        fake_advance(b, 100);
        looks++;
    }
    ck_assert_uint_gt(looks, 10);
    ck_assert_uint_lt(looks, 10000);
    ck_assert_uint_eq(fake_in8(b, BASE + ERR), 1);
}
END_TEST

/* ---- SMART ----------------------------------------------------------------------------------- */

static uint8_t smart(uint8_t feature, uint8_t count, uint8_t low)
{
    fake_out8(b, BASE + FEATURE, feature);
    fake_out8(b, BASE + COUNT, count);
    fake_out8(b, BASE + LOW, low);
    fake_out8(b, BASE + MID, 0x4F);
    fake_out8(b, BASE + HIGH, 0xC2);
    uint8_t status = command(0xB0);
    uint8_t sum = 0;
    if (!(status & 8)) return status;
    take();
    for (unsigned i = 0; i < 512; i++) sum = (uint8_t)(sum + data[i]);
    if (feature != 0xD5 || low) ck_assert_uint_eq(sum, 0);
    return status;
}

START_TEST(smart_attributes)
{
    uint8_t ids[30];
    ck_assert_uint_eq(smart(0xD0, 0, 0), 0x58);
    for (unsigned i = 0; i < 30; i++) ids[i] = data[2 + 12 * i];
    ck_assert_uint_eq(ids[0], 1);
    ck_assert_uint_eq(smart(0xD1, 0, 0), 0x58);
    for (unsigned i = 0; i < 30; i++) ck_assert_uint_eq(data[2 + 12 * i], ids[i]);
    fake_advance(b, 2 * 3600 * SECOND);
    smart(0xD0, 0, 0);
    for (unsigned i = 0; i < 30; i++)
        if (ids[i] == 9) ck_assert_uint_eq(data[7 + 12 * i], 2);     /* power-on hours */
}
END_TEST

START_TEST(smart_status_and_switch)
{
    ck_assert_uint_eq(smart(0xDA, 0, 0), 0x50);
    ck_assert_uint_eq(fake_in8(b, BASE + MID), 0x4F);
    ck_assert_uint_eq(fake_in8(b, BASE + HIGH), 0xC2);
    ck_assert_uint_eq(smart(0xD5, 1, 0), 0x58);          /* log directory */
    ck_assert_uint_eq(data[2], 1);
    ck_assert_uint_eq(smart(0xD5, 1, 6), 0x58);
    ck_assert_uint_eq(smart(0xD5, 1, 0x80), 0x51);
    ck_assert_uint_eq(smart(0x42, 0, 0), 0x51);
    fake_out8(b, BASE + FEATURE, 0xDA);
    fake_out8(b, BASE + MID, 0);
    ck_assert_uint_eq(command(0xB0), 0x51);              /* without the key */
    ck_assert_uint_eq(fake_in8(b, BASE + ERR), 4);
    ck_assert_uint_eq(smart(0xD9, 0, 0), 0x50);
    ck_assert_uint_eq(smart(0xD0, 0, 0), 0x51);
    ck_assert_uint_eq(command(0xEC), 0x58);
    take();
    ck_assert_uint_eq(data[2 * 82] & 1, 1);
    ck_assert_uint_eq(data[2 * 85] & 1, 0);
    ck_assert_uint_eq(smart(0xD8, 0, 0), 0x50);
    ck_assert_uint_eq(smart(0xD0, 0, 0), 0x58);
}
END_TEST

/* ---- two drives, four channels --------------------------------------------------------------- */

START_TEST(disk_and_cd_on_one_cable)
{
    fake_out8(b, BASE + CONTROL, 4);
    fake_out8(b, BASE + CONTROL, 0);
    ck_assert_uint_eq(wait_ready(BASE), 0x50);
    ck_assert_uint_eq(fake_in8(b, BASE + HIGH), 0x00);
    fake_out8(b, BASE + DEV, 0xB0);
    ck_assert_uint_eq(fake_in8(b, BASE + STATUS), 0x00);
    ck_assert_uint_eq(fake_in8(b, BASE + MID), 0x14);
    ck_assert_uint_eq(fake_in8(b, BASE + HIGH), 0xEB);
    fake_out8(b, BASE + DEV, 0xA0);
    fake_out8(b, BASE + CMD, 0x08);        /* DEVICE RESET is not for disks */
    ck_assert_uint_eq(wait_ready(BASE), 0x51);
    /* the disk works on while the CD is selected; its interrupt comes with its selection */
    fake_in8(b, BASE + STATUS);
    fake_out8(b, BASE + CMD, 0xE7);
    fake_out8(b, BASE + DEV, 0xB0);
    fake_advance(b, 10 * MS);
    ck_assert(!fake_irq(b, 14));
    fake_out8(b, BASE + DEV, 0xA0);
    ck_assert(fake_irq(b, 14));
}
END_TEST

/* A slave alone: no device 0 answers for the rest of the cable. */
START_TEST(isa_channel_with_a_slave_alone)
{
    enum { ATA3 = 0x168 };
    ck_assert_uint_eq(fake_in8(b, ATA3 + STATUS), 0x7F);
    fake_out8(b, ATA3 + DEV, 0xB0);
    ck_assert_uint_eq(fake_in8(b, ATA3 + STATUS), 0x50);
    fake_out8(b, ATA3 + CMD, 0xEC);
    ck_assert_uint_eq(wait_ready(ATA3), 0x58);
    ck_assert(fake_irq(b, 9));
    for (unsigned i = 0; i < 256; i++) {
        uint16_t w = fake_in16(b, ATA3);
        if (i == 88) ck_assert_uint_eq(w, 0);            /* no bus master here */
    }
    ck_assert_uint_eq(fake_in8(b, 0x1E8 + STATUS), 0x7F);
    ck_assert(fake_claimed(b, 0x3E6));
}
END_TEST

/* nIEN takes INTRQ off the wire, for the bus master's status bit as well. */
START_TEST(nien_and_bus_master)
{
    map_bus_master(b, BM);
    fake_out8(b, BASE + CONTROL, 2);
    fake_out8(b, BASE + CMD, 0xE7);
    fake_advance(b, 10 * MS);
    ck_assert_uint_eq(fake_in8(b, BM + 2) & 4, 0);
    fake_out8(b, BASE + CONTROL, 0);
    ck_assert(fake_irq(b, 14));
    ck_assert_uint_eq(fake_in8(b, BM + 2) & 4, 4);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        standby_timer, sleep_ends_with_a_reset_only, seek_and_recalibrate_take_time,
        reset_in_the_time_of_a_kernel_of_1991,
        smart_attributes, smart_status_and_switch, disk_and_cd_on_one_cable,
        isa_channel_with_a_slave_alone, nien_and_bus_master,
    };
    return temp_run("ata_power", begin, end, tests, sizeof tests / sizeof tests[0]);
}
