/* SPDX-License-Identifier: MIT
 * The battery-backed CMOS memory of the clock chip, as the board and the firmware setup see it.
 */
#pragma once
#include "base/base.h"

struct device;

/* Index 0-255 (128 and up: the bank behind ports 72h/73h). Not for the clock's registers 0-13. */
void    cmos_set(struct device *rtc, uint8_t index, uint8_t value);
uint8_t cmos_get(const struct device *rtc, uint8_t index);
/* True when the contents came from a file (setting "image"). */
bool    cmos_has_image(const struct device *rtc);

/* What the setup program of a PC would store. */
enum cmos_boot { CMOS_BOOT_NONE, CMOS_BOOT_FLOPPY, CMOS_BOOT_DISK, CMOS_BOOT_CDROM, CMOS_BOOT_NET };
enum cmos_floppy { CMOS_FLOPPY_NONE, CMOS_FLOPPY_360K, CMOS_FLOPPY_1_2M, CMOS_FLOPPY_720K,
                   CMOS_FLOPPY_1_44M, CMOS_FLOPPY_2_88M };

/* How INT 13h counts. AUTO: LBA if the disk needs any; the others in the order of byte 39h. */
enum cmos_translation { CMOS_TRANSLATION_AUTO, CMOS_TRANSLATION_NONE, CMOS_TRANSLATION_LBA,
                        CMOS_TRANSLATION_LARGE, CMOS_TRANSLATION_RECHS };

struct cmos_disk {
    uint32_t cylinders, heads, sectors;    /* 0 cylinders: no disk there */
    enum cmos_translation translation;
};

struct cmos_setup {
    uint64_t ram_below_4g;                 /* bytes from address 0                          */
    uint64_t ram_above_4g;                 /* bytes from 4 GiB                              */
    enum cmos_floppy floppy[2];
    struct cmos_disk disk[4];              /* ata0 master, slave, ata1 master, slave        */
    enum cmos_boot boot[3];
    bool no_boot_signature_check;          /* floppies without 55AAh boot, too              */
    unsigned cpus;                         /* 0 counts as 1                                 */
};

/* Fills in the values that SeaBIOS, the Bochs BIOS and classic BIOSes read, checksum included.
 * Leaves contents that came from a file alone. */
void cmos_set_pc(struct device *rtc, const struct cmos_setup *);
