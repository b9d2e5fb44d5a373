/* SPDX-License-Identifier: MIT
 * From a config to a board: which devices, with which settings, which ROMs. Private to config/.
 */
#pragma once
#include "bios/loader.h"
#include "config/config.h"
#include "iodev/machine_board.h"

/* In this order: devices, firmware (ROMs into memory), power-on, setup (CMOS memory, boot order).
 * false: the log says why. */
bool build_devices(struct board *, const struct config *);
bool build_firmware(struct loader *, const struct config *, struct board *);
void build_setup(struct board *, const struct config *);
