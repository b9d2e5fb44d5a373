/* SPDX-License-Identifier: MIT
 * Reading from an ATAPI CD-ROM drive (MMC-3), by PIO and DMA, and the images it reads from.
 */
#include "tests/unit/iodev/atapi_bench.h"
#include "tests/unit/iodev/bus_master_bench.h"

/* ---- reading --------------------------------------------------------------------------------- */

START_TEST(read_10_and_12)
{
    ck_assert_uint_eq(PACKET(0x28, 0, 0, 0, 0, 7, 0, 0, 3), 0);
    ck_assert_uint_eq(length, 3 * 2048);
    check_sectors(data, 7, 3, 2048);
    ck_assert_uint_eq(PACKET(0xA8, 0, 0, 0, 0, 0, 0, 0, 0, SECTORS), 0);
    ck_assert_uint_eq(length, SECTORS * 2048);
    check_sectors(data, 0, SECTORS, 2048);
    ck_assert_uint_eq(PACKET(0x28, 0, 0, 0, 0, 7, 0, 0, 0), 0);
    ck_assert_uint_eq(blocks, 0);
    ck_assert_uint_eq(PACKET(0x08, 0, 0, 9, 1), 0);
    check_sectors(data, 9, 1, 2048);
    REFUSED(0x52100, 0x28, 0, 0, 0, 0, SECTORS - 1, 0, 0, 2);
    REFUSED(0x52100, 0x28, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 1);
    REFUSED(0x52100, 0xA8, 0, 0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF);
}
END_TEST

/* The byte count limit rules the size of a DRQ block; whole sectors if they fit. */
START_TEST(byte_count_limit)
{
    static const struct { uint16_t limit; unsigned blocks; } cases[] = {
        { 2048, 4 }, { 4096, 2 }, { 5000, 2 }, { 0xFFFF, 1 }, { 512, 16 }, { 513, 16 }, { 0, 1 },
        { 1000, 9 },
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        limit = cases[i].limit;
        length = blocks = 0;
        send_packet((const uint8_t[12]){ 0x28, 0, 0, 0, 0, 3, 0, 0, 4 }, 0);
        if (!limit) limit = 0xFFFE;
        while (wait_ready() & 8) {
            fake_in8(b, STATUS);
            move_block(true, fake_in8(b, MID) | (unsigned)fake_in8(b, HIGH) << 8);
        }
        fake_in8(b, STATUS);
        ck_assert_uint_eq(length, 8192);
        ck_assert_uint_eq(blocks, cases[i].blocks);
        check_sectors(data, 3, 4, 2048);
    }
}
END_TEST

START_TEST(read_by_dma)
{
    map_bus_master(b, BM);
    put_prd(b, 0x1000, 0, 0x100000, 0x10000, false);
    put_prd(b, 0x1000, 1, 0x200000, 8 * 2048, true);
    fake_out32(b, BM + 12, 0x1000);
    fake_out8(b, BM + 10, 0x06);
    send_packet((const uint8_t[12]){ 0x28, 0, 0, 0, 0, 20, 0, 0, 40 }, 1);
    fake_out8(b, BM + 8, 0x09);
    fake_advance(b, 20 * MS);
    ck_assert(fake_irq(b, IRQ));
    ck_assert_uint_eq(fake_in8(b, BM + 10), 0x04);
    ck_assert_uint_eq(fake_in8(b, STATUS), 0x50);
    ck_assert_uint_eq(fake_in8(b, REASON) & 7, 3);
    memory_copy_from(b->memory, data, 0x100000, 0x10000);
    memory_copy_from(b->memory, data + 0x10000, 0x200000, 8 * 2048);
    check_sectors(data, 20, 40, 2048);
}
END_TEST

START_TEST(mode_select_by_dma)
{
    static const uint8_t list[24] = { [8] = 0x0E, 14, 4, 0, 0, 0, 0, 75, 1, 0x12, 2, 0x34 };
    map_bus_master(b, BM);
    memory_copy_to(b->memory, 0x100000, list, sizeof list);
    put_prd(b, 0x1000, 0, 0x100000, sizeof list, true);
    fake_out32(b, BM + 12, 0x1000);
    send_packet((const uint8_t[12]){ 0x55, 0x10, 0, 0, 0, 0, 0, 0, 24 }, 1);
    fake_advance(b, MS);                   /* waits for the bus master */
    ck_assert_uint_eq(fake_in8(b, CONTROL), 0x80);
    fake_out8(b, BM + 8, 0x01);
    fake_advance(b, MS);
    ck_assert_uint_eq(fake_in8(b, STATUS), 0x50);
    ck_assert_uint_eq(PACKET(0x5A, 0, 0x0E, 0, 0, 0, 0, 1, 0), 0);
    ck_assert_uint_eq(data[17], 0x12);
}
END_TEST

START_TEST(dma_without_bus_master)
{
    fake_free(b);
    b = fake_new(1 << 20);
    ck_assert_ptr_nonnull(fake_plug_id(b, &ide_class, "ata1", NULL));
    cd = fake_plug_id(b, &atapi_cd_class, "ata1-master", "path", temp.path, NULL);
    fake_out8(b, FEATURE, 1);
    fake_out8(b, CMD, 0xA0);
    ck_assert_uint_eq(wait_ready() & 9, 1);
    ck_assert_uint_eq(fake_in8(b, ERR), 4);
    identify();
    ck_assert_uint_eq(word(88) | word(63) | (word(49) & 0x100), 0);
}
END_TEST

/* ---- READ CD --------------------------------------------------------------------------------- */

/* Both syndromes of ECMA-130 annex A over every P column and Q diagonal are zero. */
static uint8_t alpha(uint8_t v) { return (uint8_t)(v << 1 ^ (v & 0x80 ? 0x1D : 0)); }

static void check_words(const uint8_t *raw, const unsigned *at, unsigned n)
{
    uint8_t sum = 0, weighted = 0;
    for (unsigned i = 0; i < n; i++) {
        sum ^= raw[at[i]];
        weighted = alpha(weighted) ^ raw[at[i]];
    }
    ck_assert_uint_eq(sum | weighted, 0);
}

static void check_ecc(const uint8_t *raw)
{
    unsigned at[45];
    for (unsigned n = 0; n < 2 * 43; n++) {
        for (unsigned i = 0; i < 26; i++) at[i] = 12 + 2 * (43 * i + n / 2) + n % 2;
        check_words(raw, at, 26);
    }
    for (unsigned n = 0; n < 2 * 26; n++) {
        for (unsigned i = 0; i < 43; i++)
            at[i] = 12 + 2 * ((44 * i + 43 * (n / 2)) % 1118) + n % 2;
        at[43] = 12 + 2 * (1118 + n / 2) + n % 2;
        at[44] = at[43] + 2 * 26;
        check_words(raw, at, 45);
    }
}

START_TEST(read_cd_whole_sector)
{
    static const uint8_t start[16] = { 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0,
                                       0x00, 0x03, 0x24, 1 };
    ck_assert_uint_eq(PACKET(0xBE, 0, 0, 0, 0, 99, 0, 0, 1, 0xF8), 0);
    ck_assert_uint_eq(length, 2352);
    ck_assert_mem_eq(data, start, 16);
    check_sectors(data + 16, 99, 1, 2352);
    check_ecc(data);
    /* EDC: the CRC over sector and EDC is zero */
    uint32_t crc = 0;
    for (unsigned i = 0; i < 2068; i++) {
        crc ^= data[i];
        for (unsigned k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xD8018001u : 0);
    }
    ck_assert_uint_eq(crc, 0);
}
END_TEST

START_TEST(read_cd_parts)
{
    static const struct { uint8_t flags; uint16_t bytes; } cases[] = {
        { 0x00, 0 }, { 0x10, 2048 }, { 0x20, 4 }, { 0x30, 2052 }, { 0x18, 2336 }, { 0x38, 2340 },
        { 0x80, 12 }, { 0xA0, 16 }, { 0xB0, 2064 }, { 0xF8, 2352 }, { 0x50, 2048 }, { 0x40, 0 },
        { 0x12, 2048 + 294 }, { 0xFC, 2352 + 296 },
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        ck_assert_uint_eq(PACKET(0xBE, 0, 0, 0, 0, 3, 0, 0, 2, cases[i].flags), 0);
        ck_assert_uint_eq(length, 2 * cases[i].bytes);
    }
    REFUSED(0x52400, 0xBE, 0, 0, 0, 0, 3, 0, 0, 2, 0x90);            /* a gap */
    REFUSED(0x52400, 0xBE, 0, 0, 0, 0, 3, 0, 0, 2, 0x08);
    REFUSED(0x52400, 0xBE, 0, 0, 0, 0, 3, 0, 0, 2, 0x16);
    REFUSED(0x52400, 0xBE, 0, 0, 0, 0, 3, 0, 0, 2, 0x10, 5);         /* reserved */
    REFUSED(0x56400, 0xBE, 1 << 2, 0, 0, 0, 3, 0, 0, 1, 0xF8);       /* audio */
    REFUSED(0x56400, 0xBE, 4 << 2, 0, 0, 0, 3, 0, 0, 1, 0x10);
    ck_assert_uint_eq(PACKET(0xBE, 2 << 2, 0, 0, 0, 3, 0, 0, 60, 0x10), 0);
    check_sectors(data, 3, 60, 2048);
    REFUSED(0x52100, 0xBE, 0, 0, 0, 0, 3, 1, 0, 0, 0x10);
    ck_assert_uint_eq(PACKET(0xB9, 0, 0, 0, 2, 5, 0, 2, 8, 0x10), 0);
    ck_assert_uint_eq(length, 3 * 2048);
    check_sectors(data, 5, 3, 2048);
    REFUSED(0x52400, 0xB9, 0, 0, 0, 2, 5, 0, 2, 4, 0x10);
    REFUSED(0x52100, 0xB9, 0, 0, 0, 0, 5, 0, 0, 8, 0x10);            /* before 00:02:00 */
}
END_TEST

START_TEST(read_cd_q_channel)
{
    static const uint8_t q[16] = { 0x41, 1, 1, 0, 0x01, 0x05, 0, 0, 0x03, 0x05 };
    ck_assert_uint_eq(PACKET(0xBE, 0, 0, 0, 0, 80, 0, 0, 1, 0x10, 2), 0);
    ck_assert_uint_eq(length, 2048 + 16);
    ck_assert_mem_eq(data + 2048, q, 16);
    ck_assert_uint_eq(PACKET(0xBE, 0, 0, 0, 0, 20, 0, 0, 61, 0x00, 2), 0);   /* Q alone */
    ck_assert_uint_eq(length, 61 * 16);
    ck_assert_mem_eq(data + 60 * 16, q, 16);
}
END_TEST

/* Sub-channel 1: 96 bytes as they are on the disc, bit 7 of each P, bit 6 Q with its CRC
 * (ECMA-130 22.3); 4: R-W, of which there is nothing. */
START_TEST(read_cd_raw_sub_channel)
{
    static const uint8_t q[10] = { 0x41, 1, 1, 0, 0x01, 0x05, 0, 0, 0x03, 0x05 };
    uint8_t found[12] = { 0 };
    ck_assert_uint_eq(PACKET(0xBE, 0, 0, 0, 0, 80, 0, 0, 1, 0x10, 1), 0);
    ck_assert_uint_eq(length, 2048 + 96);
    for (unsigned i = 0; i < 96; i++) {
        ck_assert_uint_eq(data[2048 + i] & 0xBF, 0);
        found[i / 8] |= (uint8_t)((data[2048 + i] >> 6 & 1) << (7 - i % 8));
    }
    ck_assert_mem_eq(found, q, 10);
    uint16_t crc = 0; /* x^16 + x^12 + x^5 + 1, inverted: all 12 bytes give 1D0Fh */
    for (unsigned i = 0; i < 96; i++) {
        unsigned bit = (found[i / 8] >> (7 - i % 8) & 1) ^ crc >> 15;
        crc = (uint16_t)(crc << 1 ^ (bit ? 0x1021 : 0));
    }
    ck_assert_uint_eq(crc, 0x1D0F);
    ck_assert_uint_eq(PACKET(0xBE, 0, 0, 0, 0, 80, 0, 0, 2, 0xF8, 4), 0);
    ck_assert_uint_eq(length, 2 * (2352 + 96));
    ck_assert_uint_eq(data[2352] | data[2352 + 95], 0);
    REFUSED(0x52400, 0xBE, 0, 0, 0, 0, 80, 0, 0, 1, 0x10, 3);
}
END_TEST

/* ---- images ---------------------------------------------------------------------------------- */

/* Sector n of a raw image: mode 1, or mode 2 form 1 (n odd), or form 2 (n = 6). */
static void make_raw(const char *name, unsigned sectors, size_t cut)
{
    FILE *f = fopen(temp_path(&temp, name), "wb");
    for (unsigned n = 0; n < sectors; n++) {
        uint8_t raw[2352] = { 0 };
        user_data(n);
        memcpy(raw + 16, expected, 2048);
        disc_encode_mode1(raw, n);
        if (n % 2) memcpy(raw + 24, expected, 2048);
        if (n % 2 || n == 6) raw[15] = 2;
        if (n % 2) memcpy(raw + 16, "\0\0\x08\0\0\0\x08\0", 8);
        if (n == 6) memcpy(raw + 16, "\0\0\x28\0\0\0\x28\0", 8);
        ck_assert_uint_eq(fwrite(raw, 1, n == sectors - 1 ? 2352 - cut : 2352, f),
                          n == sectors - 1 ? 2352 - cut : 2352);
    }
    fclose(f);
}

/* 96 bytes of sub-channels behind each sector: passed over. A cue sheet is not a disc. */
START_TEST(raw_image_with_sub_channels)
{
    uint8_t raw[2448] = { 0 };
    FILE *f = fopen(temp_path(&temp, "sub.bin"), "wb");
    for (unsigned n = 0; n < 5; n++) {
        user_data(n);
        memcpy(raw + 16, expected, 2048);
        disc_encode_mode1(raw, n);
        ck_assert_uint_eq(fwrite(raw, 1, sizeof raw, f), sizeof raw);
    }
    fclose(f);
    ck_assert_ptr_null(media_change(cd, 0, temp.path));
    REFUSED(0x62800, 0x00);
    ck_assert_uint_eq(PACKET(0x25), 0);
    ck_assert_uint_eq(be(data, 4), 4);
    ck_assert_uint_eq(PACKET(0x28, 0, 0, 0, 0, 4, 0, 0, 1), 0);
    user_data(4);
    ck_assert_mem_eq(data, expected, 2048);
    static const char *const names[][2] = {
        { "disc.toc", ".bin" }, { "disc.ccd", ".img" }, { "disc.MDS", ".mdf" },
        { "disc.chd", "packed" }, { "disc.iso.xz", "packed" },
    };
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        const char *said = media_change(cd, 0, temp_image(&temp, names[i][0], 1));
        ck_assert_msg(said && strstr(said, names[i][1]), "%s: %s", names[i][0], said ? said : "");
    }
    const char *why = media_change(cd, 0, temp_image(&temp, "disc.cue", 1));
    ck_assert_ptr_nonnull(why);
    ck_assert_msg(strstr(why, "cue sheet") && strstr(why, ".bin"), "%s", why);
}
END_TEST

START_TEST(raw_image)
{
    make_raw("raw.bin", 10, 0);
    ck_assert_ptr_null(media_change(cd, 0, temp.path));
    REFUSED(0x62800, 0x00);
    ck_assert_uint_eq(PACKET(0x25), 0);
    ck_assert_uint_eq(be(data, 4), 9);
    ck_assert_uint_eq(PACKET(0x28, 0, 0, 0, 0, 0, 0, 0, 6), 0);
    check_sectors(data, 0, 6, 2048);
    REFUSED(0x56400, 0x28, 0, 0, 0, 0, 6, 0, 0, 1);      /* form 2 has other user data */
    ck_assert_uint_eq(PACKET(0xBE, 0, 0, 0, 0, 6, 0, 0, 1, 0xF8), 0);
    ck_assert_uint_eq(length, 2352);
    ck_assert_uint_eq(data[18], 0x28);
    ck_assert_uint_eq(PACKET(0xBE, 0, 0, 0, 0, 6, 0, 0, 1, 0x10), 0);
    ck_assert_uint_eq(length, 2328);
    ck_assert_uint_eq(PACKET(0xBE, 4 << 2, 0, 0, 0, 3, 0, 0, 1, 0x50), 0);   /* with subheader */
    ck_assert_uint_eq(length, 2056);
    check_sectors(data + 8, 3, 1, 2056);
    REFUSED(0x52400, 0xBE, 0, 0, 0, 0, 3, 0, 0, 1, 0x30);    /* form 1: the subheader between */
    REFUSED(0x56400, 0xBE, 0, 0, 0, 0, 3, 0, 0, 2, 0x10);    /* two modes in one transfer */
    ck_assert_uint_eq(PACKET(0x44, 0, 0, 0, 0, 3, 0, 0, 8), 0);
    ck_assert_uint_eq(data[0], 2);
}
END_TEST

/* What the drive says of a disc of either kind: its type, and the mode of its track. */
START_TEST(disc_types)
{
    for (unsigned xa = 0; xa < 2; xa++) {
        make_raw("type.bin", 3, 0);
        uint8_t raw[2352];
        temp_read(temp.path, xa ? 2352 : 0, raw, sizeof raw);  /* sector 1 is one of mode 2 */
        FILE *f = fopen(temp_path(&temp, "one.bin"), "wb");
        ck_assert_uint_eq(fwrite(raw, 1, sizeof raw, f), sizeof raw);
        fclose(f);
        ck_assert_ptr_null(media_change(cd, 0, temp.path));
        REFUSED(0x62800, 0x00);
        ck_assert_uint_eq(PACKET(0x43, 0, 2, 0, 0, 0, 0, 1, 0), 0);
        ck_assert_uint_eq(data[4 + 3], 0xA0);
        ck_assert_uint_eq(data[4 + 9], xa ? 0x20 : 0);
        ck_assert_uint_eq(PACKET(0x51, 0, 0, 0, 0, 0, 0, 0, 34), 0);
        ck_assert_uint_eq(data[8], xa ? 0x20 : 0);
        ck_assert_uint_eq(PACKET(0x52, 1, 0, 0, 0, 1, 0, 0, 36), 0);
        ck_assert_uint_eq(data[6] & 15, xa ? 2 : 1);
    }
}
END_TEST

START_TEST(odd_sizes)
{
    static const struct { long size; unsigned sectors; } cases[] = {
        { 1, 1 }, { 2047, 1 }, { 2049, 2 }, { 3000, 2 }, { 2048 * 3 + 512, 4 },
    };
    for (unsigned i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        temp_image(&temp, "odd.iso", 16);
        ck_assert_int_eq(truncate(temp.path, cases[i].size), 0);
        ck_assert_ptr_null(media_change(cd, 0, temp.path));
        PACKET(0x00);
        ck_assert_uint_eq(PACKET(0x25), 0);
        ck_assert_uint_eq(be(data, 4) + 1, cases[i].sectors);
        ck_assert_uint_eq(PACKET(0x28, 0, 0, 0, 0, 0, 0, 0, (uint8_t)cases[i].sectors), 0);
        for (long n = cases[i].size; n < (long)length; n++) ck_assert_uint_eq(data[n], 0);
        temp_sector(expected, 0);
        ck_assert_mem_eq(data, expected, cases[i].size < 512 ? (size_t)cases[i].size : 512);
    }
    make_raw("cut.bin", 4, 300);
    ck_assert_ptr_null(media_change(cd, 0, temp.path));
    PACKET(0x00);
    ck_assert_uint_eq(PACKET(0x25), 0);
    ck_assert_uint_le(be(data, 4), 3);
}
END_TEST

START_TEST(dvd_sized_image)
{
    snprintf(temp.path, sizeof temp.path, "%s/dvd.iso", temp.dir);
    FILE *f = fopen(temp.path, "wb");
    fclose(f);
    ck_assert_int_eq(truncate(temp.path, 4700000000), 0);            /* sparse */
    ck_assert_ptr_null(media_change(cd, 0, temp.path));
    REFUSED(0x62800, 0x00);
    ck_assert_uint_eq(PACKET(0x46, 2, 0, 0x1F, 0, 0, 0, 4, 0), 0);
    ck_assert_uint_eq(be(data + 6, 2), 0x0010);
    ck_assert_uint_eq(data[10] & 1, 1);
    ck_assert_uint_eq(PACKET(0xAD, 0, 0, 0, 0, 0, 0, 0, 1, 0), 0);
    ck_assert_uint_eq(be(data, 2), length - 2);
    ck_assert_uint_eq(be(data + 12, 4) - be(data + 8, 4), 2294921);
    ck_assert_uint_eq(PACKET(0x28, 0, 0, 0x23, 0x04, 0x88, 0, 0, 2), 0);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        read_10_and_12, byte_count_limit, read_by_dma, mode_select_by_dma,
        dma_without_bus_master, read_cd_whole_sector, read_cd_parts, read_cd_q_channel,
        read_cd_raw_sub_channel, raw_image, raw_image_with_sub_channels, disc_types, odd_sizes,
        dvd_sized_image,
    };
    return temp_run("atapi_read", begin, end, tests, sizeof tests / sizeof tests[0]);
}
