/* SPDX-License-Identifier: MIT
 * What the setup program of a PC keeps in CMOS memory.
 * IBM PC/AT Technical Reference (6183355, 1985), section 5 "Real-time clock/CMOS RAM"; Ralf Brown's
 * CMOS.LST (1998) for what came after: 34h memory above 16 MiB, 38h/3Dh boot order, 39h disk
 * translation, 5Bh memory above 4 GiB, 5Fh processors.
 */
#include "iodev/rtc.h"

enum { KIB = 1024, MIB = 1024 * KIB };
enum { SHUTDOWN = 0x0F, FLOPPIES = 0x10, DISK_TYPES = 0x12, EQUIPMENT = 0x14, BASE_MEMORY = 0x15,
       EXTENDED_SETUP = 0x17, DISK_C_TYPE = 0x19, DISK_D_TYPE = 0x1A, DISK_C = 0x1B, DISK_D = 0x24,
       BOOT_OLD = 0x2D, CHECKSUM = 0x2E, EXTENDED_FOUND = 0x30, ABOVE_16M = 0x34, BOOT_3 = 0x38,
       TRANSLATION = 0x39, BOOT_1_2 = 0x3D, ABOVE_4G = 0x5B, CPUS = 0x5F };
enum { EQUIPMENT_FLOPPY = 0x01, EQUIPMENT_FPU = 0x02, EQUIPMENT_MOUSE = 0x04 };
enum { TYPE_USER = 47, TYPE_EXTENDED = 0xF };

static void set16(struct device *rtc, uint8_t index, uint64_t value)
{
    if (value > 0xFFFF) value = 0xFFFF;
    cmos_set(rtc, index, (uint8_t)value);
    cmos_set(rtc, index + 1, (uint8_t)(value >> 8));
}

static uint64_t above(uint64_t bytes, uint64_t limit) { return bytes > limit ? bytes - limit : 0; }

static void set_memory(struct device *rtc, const struct cmos_setup *s)
{
    uint64_t base = s->ram_below_4g < 640 * KIB ? s->ram_below_4g : 640 * KIB;
    uint64_t high = s->ram_above_4g / (64 * KIB);
    set16(rtc, BASE_MEMORY, base / KIB);
    set16(rtc, EXTENDED_SETUP, above(s->ram_below_4g, MIB) / KIB);
    set16(rtc, EXTENDED_FOUND, above(s->ram_below_4g, MIB) / KIB);
    set16(rtc, ABOVE_16M, above(s->ram_below_4g, 16 * MIB) / (64 * KIB));
    for (uint8_t i = 0; i < 3; i++) cmos_set(rtc, ABOVE_4G + i, (uint8_t)(high >> 8 * i));
}

static void set_floppies(struct device *rtc, const struct cmos_setup *s)
{
    unsigned count = (s->floppy[0] != 0) + (s->floppy[1] != 0);
    uint8_t equipment = EQUIPMENT_FPU | EQUIPMENT_MOUSE;
    if (count) equipment |= (uint8_t)(EQUIPMENT_FLOPPY | (count - 1) << 6);
    cmos_set(rtc, FLOPPIES, (uint8_t)((s->floppy[0] & 15) << 4 | (s->floppy[1] & 15)));
    cmos_set(rtc, EQUIPMENT, equipment);
}

/* Parameters of a user-defined drive: no write precompensation, landing zone behind the last
 * cylinder, control byte bit 3 for more than 8 heads. */
static void set_geometry(struct device *rtc, uint8_t at, const struct cmos_disk *d)
{
    set16(rtc, at, d->cylinders);
    cmos_set(rtc, at + 2, (uint8_t)d->heads);
    set16(rtc, at + 3, 0xFFFF);
    cmos_set(rtc, at + 5, 0xC0 | (d->heads > 8 ? 0x08 : 0));
    set16(rtc, at + 6, d->cylinders);
    cmos_set(rtc, at + 8, (uint8_t)d->sectors);
}

/* 0 none, 1 LBA, 2 large, 3 revised ECHS. INT 13h reaches 1024 cylinders. */
static unsigned translation_of(const struct cmos_disk *d)
{
    if (!d->cylinders) return 0;
    if (d->translation == CMOS_TRANSLATION_AUTO) return d->cylinders > 1024;
    return (d->translation - CMOS_TRANSLATION_NONE) & 3u;
}

/* Two bits per disk. */
static uint8_t translations(const struct cmos_setup *s)
{
    unsigned bits = 0;
    for (unsigned i = 0; i < COUNT_OF(s->disk); i++) bits |= translation_of(&s->disk[i]) << 2 * i;
    return (uint8_t)bits;
}

static void set_disks(struct device *rtc, const struct cmos_setup *s)
{
    uint8_t types = 0;
    if (s->disk[0].cylinders) {
        types |= TYPE_EXTENDED << 4;
        cmos_set(rtc, DISK_C_TYPE, TYPE_USER);
        set_geometry(rtc, DISK_C, &s->disk[0]);
    }
    if (s->disk[1].cylinders) {
        types |= TYPE_EXTENDED;
        cmos_set(rtc, DISK_D_TYPE, TYPE_USER);
        set_geometry(rtc, DISK_D, &s->disk[1]);
    }
    cmos_set(rtc, DISK_TYPES, types);
    cmos_set(rtc, TRANSLATION, translations(s));
}

static void set_boot(struct device *rtc, const struct cmos_setup *s)
{
    cmos_set(rtc, BOOT_1_2, (uint8_t)((s->boot[0] & 15) | (s->boot[1] & 15) << 4));
    cmos_set(rtc, BOOT_3, (uint8_t)((s->boot[2] & 15) << 4 | s->no_boot_signature_check));
    cmos_set(rtc, BOOT_OLD, s->boot[0] == CMOS_BOOT_FLOPPY ? 0x20 : 0);   /* bit 5: A: before C: */
}

/* IBM's checksum: the sum of 10h-2Dh, high byte first. */
static void set_checksum(struct device *rtc)
{
    unsigned sum = 0;
    for (uint8_t i = FLOPPIES; i < CHECKSUM; i++) sum += cmos_get(rtc, i);
    cmos_set(rtc, CHECKSUM, (uint8_t)(sum >> 8));
    cmos_set(rtc, CHECKSUM + 1, (uint8_t)sum);
}

void cmos_set_pc(struct device *rtc, const struct cmos_setup *s)
{
    if (cmos_has_image(rtc)) return;
    cmos_set(rtc, SHUTDOWN, 0);
    set_memory(rtc, s);
    set_floppies(rtc, s);
    set_disks(rtc, s);
    set_boot(rtc, s);
    cmos_set(rtc, CPUS, (uint8_t)(s->cpus ? s->cpus - 1 : 0));
    set_checksum(rtc);
}
