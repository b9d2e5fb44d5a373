/* SPDX-License-Identifier: MIT
 * Fuzz target: a CD image of 2048- or 2352-byte sectors (iodev/cdrom/disc.h), in memory. The input:
 *
 *   byte 0: operations, then 4 bytes each: what and how many, sector (2), bit 15: from the end
 *   byte 1: bits 0-2 0: what follows is the file; else it is repeated in so many sectors, with a
 *           sync pattern; bit 3: each with 96 bytes of sub-channels behind it
 *   the rest: the file
 *
 * Sectors outside are refused. What the disc gives as data is what stands in the file at its place,
 * and a raw sector made of data has the data, its address and, made again, the same checksums.
 */
#include <string.h>
#include "iodev/cdrom/disc.h"
#include "tests/fuzz/host_files.h"
#include "tests/fuzz/script.h"

enum { LARGEST = 64 << 10, MANY = 16, SUBCHANNELS = 96,
       DATA_AT = DISC_SYNC_BYTES + DISC_HEADER_BYTES };
#define PATH "/disc.bin"

static struct disc *disc;

/* Sectors that look raw, whatever is in them. */
static size_t repeat(uint8_t *to, const uint8_t *data, size_t size, unsigned sectors, size_t each)
{
    size_t bytes = 0;
    for (unsigned n = 0; n < sectors; n++, bytes += each) {
        uint8_t *sector = to + bytes;
        memset(sector, (int)n, each);
        memset(sector + 1, 0xFF, 10);
        sector[0] = sector[11] = 0;
        memcpy(sector + 12, data, size < DISC_RAW_SECTOR - 12 ? size : DISC_RAW_SECTOR - 12);
        if (size > n) sector[15] = data[n];
    }
    return bytes;
}

static void check_data(uint32_t lba, uint32_t count)
{
    static uint8_t got[MANY * DISC_SECTOR], raw[DISC_RAW_SECTOR];
    bool there = lba < disc_sectors(disc) && count <= disc_sectors(disc) - lba;
    int error = disc_read(disc, lba, count, got);
    require(there || error, "sectors are read that are not there");
    require(error || !count || !disc_read_raw(disc, lba, raw), "a sector has data and no raw form");
    if (error || !count) return;
    size_t at = DATA_AT + (disc_mode_of(raw) == DISC_MODE2_FORM1 ? DISC_SUBHEADER_BYTES : 0);
    require(!memcmp(raw + at, got, DISC_SECTOR), "data and raw sector differ");
}

static void check_file(uint32_t lba)
{
    static uint8_t got[DISC_SECTOR], wanted[DISC_SECTOR];
    size_t bytes, at = (size_t)lba * DISC_SECTOR;
    const uint8_t *file = host_bytes(PATH, &bytes);
    if (disc_is_raw(disc) || lba >= disc_sectors(disc)) return;
    require(!disc_read(disc, lba, 1, got), "a sector of the file cannot be read");
    memset(wanted, 0, sizeof wanted);
    size_t left = at < bytes ? bytes - at : 0;
    memcpy(wanted, file + at, left < DISC_SECTOR ? left : DISC_SECTOR);
    require(!memcmp(got, wanted, DISC_SECTOR), "a sector is not what the file holds");
}

static void check_raw(uint32_t lba)
{
    static uint8_t raw[DISC_RAW_SECTOR], again[DISC_RAW_SECTOR];
    int error = disc_read_raw(disc, lba, raw);
    require(!error == (lba < disc_sectors(disc)),
            "a raw sector is there, or is not, against the size");
    if (error || disc_is_raw(disc)) return;
    memcpy(again, raw, sizeof again);
    memset(again + DISC_EDC_AT, 0, sizeof again - DISC_EDC_AT);
    disc_encode_mode1(again, lba);
    require(!memcmp(raw, again, sizeof raw), "a sector is encoded in two ways");
}

static void act(struct script *in)
{
    uint8_t op = take8(in);
    uint16_t place = take16(in);
    uint32_t lba = place & 0x7FFF, count = op >> 4;
    take8(in);
    if (place & 0x8000) lba = disc_sectors(disc) - 1 - lba % 32;
    switch (op & 3) {
    case 0: check_data(lba, count); break;
    case 1: check_raw(lba); break;
    case 2: check_file(lba); break;
    case 3: check_data(lba | 0x80000000u, count); break;
    }
}

static void use(struct script *in, unsigned operations)
{
    char note[1024] = "";
    disc = disc_open(PATH, note, sizeof note);
    require(disc || *note, "refused without a word");
    require(!strchr(note, '\n'), "a note of more than one line");
    if (!disc) return;
    require(disc_sectors(disc) >= 1, "a disc without sectors");
    while (operations--) act(in);
    disc_close(disc);
    require(!host_open_count(), "closed, and left open");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t file[LARGEST];
    struct script in = { data, data + size };
    unsigned operations = take8(&in) % 32, how = take8(&in), sectors = how & 7;
    size_t head = 2 + 4u * operations, bytes = size > head ? size - head : 0;
    if (bytes > LARGEST) return 0;
    if (bytes) memcpy(file, data + head, bytes);
    size_t each = DISC_RAW_SECTOR + (how & 8 ? SUBCHANNELS : 0);
    if (sectors) bytes = repeat(file, data + (bytes ? head : 0), bytes, sectors, each);
    host_clear();
    host_make(PATH, file, bytes);
    use(&in, operations);
    return 0;
}
