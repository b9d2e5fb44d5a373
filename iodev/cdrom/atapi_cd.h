/* SPDX-License-Identifier: MIT
 * What others do with a CD drive: the disc in it.
 */
#pragma once
#include "iodev/device.h"

extern const struct device_class atapi_cd_class;   /* ids ata0-master .. ata3-slave */

/* As media.h. Eject: a locked drive first asks the guest to let go; the second time it opens. */
const char *atapi_cd_change(struct device *, const char *path);
const char *atapi_cd_eject(struct device *);
