/* SPDX-License-Identifier: MIT
 * A compact disc with one data track, in an image file: an ISO 9660 image (2048 bytes per sector)
 * or raw sectors of 2352 bytes as they are on the disc ("bin"), perhaps each with 96 bytes of
 * sub-channels, which are passed over. ECMA-130 (1996) names the parts:
 *
 *   mode 1          sync 12 | header 4 | user 2048                 | EDC 4, 0 8, ECC 276
 *   mode 2 form 1   sync 12 | header 4 | subheader 8 | user 2048   | EDC 4, ECC 276
 *   mode 2 form 2   sync 12 | header 4 | subheader 8 | user 2328
 *   mode 2          sync 12 | header 4 | user 2336
 *
 * Which of the two a file holds is seen from its first bytes. That is safe, as the guest cannot
 * write them: the file is opened read-only.
 */
#pragma once
#include "base/base.h"

enum { DISC_SECTOR = 2048, DISC_RAW_SECTOR = 2352, DISC_PREGAP = 150 };
enum { DISC_SYNC_BYTES = 12, DISC_HEADER_BYTES = 4, DISC_SUBHEADER_BYTES = 8 };
/* of a mode 1 sector: where EDC and ECC begin */
enum { DISC_EDC_AT = 2064, DISC_ECC_AT = 2076 };

enum disc_mode { DISC_MODE1, DISC_MODE2, DISC_MODE2_FORM1, DISC_MODE2_FORM2 };

struct disc;

/* note as image_open(). NULL: it says why not. */
struct disc *disc_open(const char *path, char *note, size_t room);
void         disc_close(struct disc *);            /* NULL is fine */
uint32_t     disc_sectors(const struct disc *);    /* at least 1 */
bool         disc_is_raw(const struct disc *);

bool         disc_is_xa(const struct disc *);      /* CD-ROM XA: mode 2 with subheaders */

/* User data of count sectors. 0, an errno value, or EILSEQ: a sector has not 2048 bytes of it. */
int disc_read(const struct disc *, uint32_t lba, uint32_t count, uint8_t *to);
/* One sector as it is on the disc; of an ISO 9660 image it is computed. 0 or an errno value. */
int disc_read_raw(const struct disc *, uint32_t lba, uint8_t to[DISC_RAW_SECTOR]);
enum disc_mode disc_mode_of(const uint8_t raw[DISC_RAW_SECTOR]);

/* Minute, second, frame (1/75 s) of an absolute address, which is LBA + 150. */
void disc_msf(uint32_t address, uint8_t msf[3]);

/* Sync, header, EDC and ECC around the user data of a mode 1 sector, at offset 16. */
void disc_encode_mode1(uint8_t raw[DISC_RAW_SECTOR], uint32_t lba);
