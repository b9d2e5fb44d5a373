/* SPDX-License-Identifier: MIT
 * From a config to a board: which devices, with which settings, which ROMs. Private to config/.
 */
#pragma once
#include "config/config.h"
#include "iodev/machine_board.h"

struct roms;

struct roms *roms_new(void);                       /* NULL: out of memory */
void roms_free(struct roms *);                     /* after the board */
/* Maps system, video and option ROMs; what the firmware finds elsewhere is put there (fw_cfg).
 * false: the log says why. */
bool roms_load(struct roms *, const struct config *, struct board *);
/* The video BIOS's file for the card's own ROM; NULL: none. */
const char *roms_video_path(const struct config *);

bool build_devices(struct board *, const struct config *);     /* before power-on */
void build_firmware_setup(struct board *, const struct config *);   /* after: CMOS memory, boot order */
