/* SPDX-License-Identifier: MIT
 * Removable media: what the monitor's `change` and `eject` do. Call between CPU runs.
 */
#pragma once
#include "iodev/device.h"

/* dev: a drive ("floppya"; drive is then 0), or the controller "fdc" with drive 0 or 1.
 * NULL: done. Otherwise one line that says why not, valid until the next call for this device; the
 * old medium is then still in the drive. */
const char *media_change(struct device *dev, unsigned drive, const char *path);
const char *media_eject(struct device *dev, unsigned drive);
