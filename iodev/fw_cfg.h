/* SPDX-License-Identifier: MIT
 * The firmware configuration device, as whoever has something to tell the firmware sees it.
 */
#pragma once
#include "base/base.h"

struct device;

/* Offers a copy of data as file `name` (up to 55 characters), replacing one of that name. Before or
 * after power-on. Names SeaBIOS asks for: "bootorder", "vgaroms/NAME", "genroms/NAME",
 * "etc/show-boot-menu" ... NULL: done, else why not. */
const char *fw_cfg_add_file(struct device *fw_cfg, const char *name, const void *data, size_t len);
