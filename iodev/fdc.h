/* SPDX-License-Identifier: MIT
 * Floppy controller and drives. Plug "fdc" first, then "floppya" and "floppyb".
 */
#pragma once
#include "iodev/device.h"

extern const struct device_class fdc_class;
extern const struct device_class floppy_class;

/* Drive type for CMOS register 10h: 1 360K, 2 1.2M, 3 720K, 4 1.44M, 5 2.88M; 0: no drive. */
unsigned floppy_cmos_type(const struct device *floppy);

/* See media.h. */
const char *floppy_change(struct device *floppy, const char *path);
const char *floppy_eject(struct device *floppy);
struct device *fdc_drive(struct device *fdc, unsigned number);     /* NULL: none */
