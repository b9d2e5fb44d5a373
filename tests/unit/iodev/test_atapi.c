/* SPDX-License-Identifier: MIT
 * ATAPI CD-ROM drive by ATA/ATAPI-6 (protocol) and MMC-3 (packet commands): all but reading.
 */
#include "tests/unit/iodev/atapi_bench.h"
#include "tests/unit/iodev/bus_master_bench.h"

/* ---- ATA ------------------------------------------------------------------------------------- */

static void signature(void)
{
    ck_assert_uint_eq(fake_in8(b, REASON), 1);
    ck_assert_uint_eq(fake_in8(b, LOW), 1);
    ck_assert_uint_eq(fake_in8(b, MID), 0x14);
    ck_assert_uint_eq(fake_in8(b, HIGH), 0xEB);
}

START_TEST(signature_after_resets)
{
    fake_out8(b, CONTROL, 4);
    fake_advance(b, 10000);
    fake_out8(b, CONTROL, 0);
    ck_assert_uint_eq(wait_ready(), 0);
    ck_assert_uint_eq(fake_in8(b, ERR), 1);
    signature();
    ck_assert(!fake_irq(b, IRQ));
    fake_out8(b, CMD, 0xEC);               /* who takes us for a disk */
    ck_assert_uint_eq(wait_ready(), 0x41);
    ck_assert_uint_eq(fake_in8(b, ERR), 4);
    signature();
}
END_TEST

/* DEVICE RESET breaks into everything, without an interrupt. */
START_TEST(device_reset)
{
    send_packet((const uint8_t[12]){ 0x28, 0, 0, 0, 0, 0, 0, 0, 4 }, 0);
    ck_assert_uint_eq(fake_in8(b, CONTROL), 0x80);
    fake_out8(b, CMD, 0x08);
    ck_assert_uint_eq(fake_in8(b, CONTROL), 0x80);
    ck_assert_uint_eq(wait_ready(), 0);
    signature();
    fake_advance(b, 100 * MS);
    ck_assert_uint_eq(fake_in8(b, CONTROL), 0);
    ck_assert(!fake_irq(b, IRQ));
    ck_assert_uint_eq(UNIT_READY(), 0);    /* no unit attention */
}
END_TEST

START_TEST(identify_packet_device)
{
    identify();
    ck_assert_uint_eq(word(0), 0x85C0);
    ck_assert_uint_eq(word(49) & 0x0300, 0x0300);
    ck_assert_uint_eq(word(82) & 0x0210, 0x0210);        /* DEVICE RESET, PACKET */
    ck_assert_uint_eq(word(88), 0x0007);
    ck_assert_mem_eq(data + 54, "IVRT ODCR-MO", 12);
    fake_out8(b, FEATURE, 0x03);
    fake_out8(b, REASON, 0x42);
    fake_out8(b, CMD, 0xEF);
    ck_assert_uint_eq(wait_ready(), 0x50);
    identify();
    ck_assert_uint_eq(word(88), 0x0407);
    fake_out8(b, FEATURE, 0x03);
    fake_out8(b, REASON, 0x45);
    fake_out8(b, CMD, 0xEF);
    ck_assert_uint_eq(wait_ready(), 0x41);
}
END_TEST

START_TEST(power_and_sleep)
{
    fake_out8(b, CMD, 0xE0);
    ck_assert_uint_eq(wait_ready(), 0x50);
    fake_out8(b, CMD, 0xE5);
    wait_ready();
    ck_assert_uint_eq(fake_in8(b, REASON), 0x00);
    ck_assert_uint_eq(UNIT_READY(), 0);
    fake_out8(b, CMD, 0xE5);
    wait_ready();
    ck_assert_uint_eq(fake_in8(b, REASON), 0xFF);
    fake_out8(b, CMD, 0xE6);
    ck_assert_uint_eq(wait_ready(), 0x50);
    fake_in8(b, STATUS);
    fake_out8(b, CMD, 0xE5);               /* asleep: nothing but a reset */
    fake_advance(b, 10 * MS);
    ck_assert(!fake_irq(b, IRQ));
    fake_out8(b, CMD, 0x08);
    wait_ready();
    ck_assert_uint_eq(UNIT_READY(), 0);
}
END_TEST

/* No moment at once, none late: PACKET within 50 us (IDENTIFY), the rest by its own delay. */
START_TEST(timing)
{
    fake_out8(b, CMD, 0xA0);
    ck_assert_uint_eq(fake_in8(b, STATUS), 0x80);
    fake_advance(b, 50000);
    ck_assert_uint_eq(fake_in8(b, STATUS), 0x58);
    for (unsigned i = 0; i < 6; i++) fake_out16(b, BASE, 0);
    fake_advance(b, 1000);
    ck_assert_uint_eq(fake_in8(b, STATUS), 0x80);
    fake_advance(b, MS);
    ck_assert_uint_eq(fake_in8(b, STATUS), 0x50);
}
END_TEST

/* ---- sense and attention --------------------------------------------------------------------- */

START_TEST(unit_attention_after_reset)
{
    fake_reset(b, RESET_HARD);
    ck_assert_uint_eq(PACKET(0x12, 0, 0, 0, 36), 0);     /* INQUIRY runs all the same */
    ck_assert_uint_eq(sense(), 0x62900);                 /* REQUEST SENSE tells and clears it */
    ck_assert_uint_eq(UNIT_READY(), 0);
}
END_TEST

START_TEST(unknown_commands)
{
    REFUSED(0x52000, 0x2A, 0, 0, 0, 0, 0, 0, 0, 1);      /* WRITE(10) */
    REFUSED(0x52000, 0xFF);
    ck_assert_uint_eq(PACKET(0x2A) & 4, 4);              /* illegal request shows ABRT, too */
}
END_TEST

START_TEST(no_disc)
{
    fake_free(b);
    plug(NULL);
    refused(UNIT_READY(), 0x62900);
    REFUSED(0x23A01, 0x00);
    REFUSED(0x23A01, 0x25);
    REFUSED(0x23A01, 0x43, 0, 0, 0, 0, 0, 0, 0, 12);
    REFUSED(0x23A01, 0x1B, 0, 0, 0, 1);
    ck_assert_uint_eq(PACKET(0x1E, 0, 0, 0, 1), 0);
    ck_assert_uint_eq(PACKET(0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8), 0);
    ck_assert_uint_eq(data[5], 0);
    ck_assert_str_eq(media_eject(cd, 0), "there is no disc in the drive");
    ck_assert_ptr_null(media_change(cd, 0, temp.path));
    REFUSED(0x62800, 0x00);
    ck_assert_uint_eq(UNIT_READY(), 0);
}
END_TEST

START_TEST(media_change_at_run_time)
{
    char other[100];
    ck_assert_uint_eq(PACKET(0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8), 0);
    ck_assert_uint_eq(data[4], 2);                       /* new media, since power on */
    snprintf(other, sizeof other, "%s/other.iso", temp.dir);
    ck_assert_int_eq(symlink(temp.path, other), 0);
    ck_assert_ptr_nonnull(strstr(media_change(cd, 0, "/no/such.iso"), "no such file"));
    ck_assert_uint_eq(UNIT_READY(), 0);                  /* the old one is still there */
    ck_assert_ptr_null(media_change(cd, 0, other));
    REFUSED(0x62800, 0x28, 0, 0, 0, 0, 0, 0, 0, 1);
    ck_assert_uint_eq(PACKET(0x28, 0, 0, 0, 0, 0, 0, 0, 1), 0);
    ck_assert_uint_eq(PACKET(0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8), 0);
    ck_assert_uint_eq(be(data, 2), 6);
    ck_assert_uint_eq(data[2], 4);
    ck_assert_uint_eq(data[4], 2);
    ck_assert_uint_eq(data[5], 2);
    ck_assert_uint_eq(PACKET(0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8), 0);
    ck_assert_uint_eq(data[4], 0);                       /* told once */
    ck_assert_ptr_null(media_eject(cd, 0));
    ck_assert_uint_eq(PACKET(0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8), 0);
    ck_assert_uint_eq(data[4], 3);
    REFUSED(0x23A01, 0x28, 0, 0, 0, 0, 0, 0, 0, 1);
}
END_TEST

START_TEST(disc_changed_in_the_middle_of_a_read)
{
    send_packet((const uint8_t[12]){ 0x28, 0, 0, 0, 0, 0, 0, 0, 40 }, 0);
    ck_assert_ptr_null(media_eject(cd, 0));
    ck_assert_uint_eq(wait_ready(), 0x51);
    ck_assert_uint_eq(sense(), 0x23A01);
}
END_TEST

START_TEST(lock_and_tray)
{
    ck_assert_uint_eq(PACKET(0x1E, 0, 0, 0, 1), 0);
    REFUSED(0x55302, 0x1B, 0, 0, 0, 2);                  /* the guest cannot */
    ck_assert_ptr_nonnull(strstr(media_eject(cd, 0), "locked"));
    ck_assert_uint_eq(PACKET(0x4A, 1, 0, 0, 0x10, 0, 0, 0, 8), 0);
    ck_assert_uint_eq(data[4], 1);                       /* it was asked to */
    ck_assert_uint_eq(PACKET(0x1E), 0);
    ck_assert_uint_eq(PACKET(0x1B, 0, 0, 0, 2), 0);      /* eject: tray out, disc on it */
    REFUSED(0x23A02, 0x00);
    ck_assert_uint_eq(PACKET(0xBD, 0, 0, 0, 0, 0, 0, 0, 0, 8), 0);
    ck_assert_uint_eq(data[1], 0x10);
    ck_assert_uint_eq(PACKET(0x1B, 0, 0, 0, 3), 0);      /* load: in again */
    REFUSED(0x62800, 0x00);
    ck_assert_uint_eq(PACKET(0x28, 0, 0, 0, 0, 5, 0, 0, 1), 0);
    check_sectors(data, 5, 1, 2048);
    ck_assert_uint_eq(PACKET(0x1E, 0, 0, 0, 1), 0);
    ck_assert_ptr_nonnull(media_eject(cd, 0));
    ck_assert_ptr_null(media_eject(cd, 0));              /* the second time by force */
    REFUSED(0x23A01, 0x00);
}
END_TEST

/* ---- what it says ---------------------------------------------------------------------------- */

START_TEST(inquiry)
{
    ck_assert_uint_eq(PACKET(0x12, 0, 0, 0, 96), 0);
    ck_assert_uint_eq(length, 36);
    ck_assert_uint_eq(data[0], 5);
    ck_assert_uint_eq(data[1], 0x80);
    ck_assert_uint_eq(data[4], 31);
    ck_assert_mem_eq(data + 8, "VITRO   CD-ROM          0.1 ", 28);
    ck_assert_uint_eq(PACKET(0x12, 0, 0, 0, 5), 0);      /* odd: the last word is half */
    ck_assert_uint_eq(length, 5);
    ck_assert_uint_eq(PACKET(0x12, 0, 0, 0, 0), 0);
    ck_assert_uint_eq(blocks, 0);
    REFUSED(0x52400, 0x12, 1, 0x80, 0, 36);
}
END_TEST

/* Every feature's length leads to the next, and the codes ascend. */
START_TEST(get_configuration)
{
    unsigned at = 8, last = 0, n = 0;
    ck_assert_uint_eq(PACKET(0x46, 0, 0, 0, 0, 0, 0, 4, 0), 0);
    ck_assert_uint_eq(be(data, 4), length - 4);
    ck_assert_uint_eq(be(data + 6, 2), 0x0008);          /* CD-ROM */
    for (; at < length; at += 4u + data[at + 3], n++) {
        ck_assert(!n || be(data + at, 2) > last);
        last = be(data + at, 2);
        ck_assert_uint_eq(data[at + 3] % 4, 0);
    }
    ck_assert_uint_eq(at, length);
    ck_assert_uint_ge(n, 6);
    ck_assert_uint_eq(PACKET(0x46, 2, 0, 0x1E, 0, 0, 0, 4, 0), 0);
    ck_assert_uint_eq(length, 16);
    ck_assert_uint_eq(data[10] & 1, 1);
    ck_assert_uint_eq(PACKET(0x46, 1, 0, 0, 0, 0, 0, 4, 0), 0);
    uint32_t current = length;
    ck_assert_uint_eq(PACKET(0x46, 0, 0, 0, 0, 0, 0, 0, 8), 0);      /* the header alone */
    ck_assert_uint_eq(length, 8);
    ck_assert_uint_gt(be(data, 4), current - 4);
}
END_TEST

START_TEST(capacity_and_information)
{
    ck_assert_uint_eq(PACKET(0x25), 0);
    ck_assert_uint_eq(length, 8);
    ck_assert_uint_eq(be(data, 4), SECTORS - 1);
    ck_assert_uint_eq(be(data + 4, 4), 2048);
    ck_assert_uint_eq(PACKET(0x51, 0, 0, 0, 0, 0, 0, 0, 34), 0);
    ck_assert_uint_eq(be(data, 2), 32);
    ck_assert_uint_eq(data[2], 0x0E);
    ck_assert_uint_eq(PACKET(0x52, 1, 0, 0, 0, 1, 0, 0, 36), 0);
    ck_assert_uint_eq(be(data + 24, 4), SECTORS);
    REFUSED(0x52400, 0x52, 1, 0, 0, 0, 2, 0, 0, 36);
    REFUSED(0x53002, 0xAD, 0, 0, 0, 0, 0, 0, 0, 8);      /* no DVD */
    REFUSED(0x52400, 0x4A, 0, 0, 0, 0x10, 0, 0, 0, 8);   /* not polled */
    ck_assert_uint_eq(PACKET(0xBB, 0, 0xFF, 0xFF), 0);
}
END_TEST

START_TEST(mode_pages)
{
    ck_assert_uint_eq(PACKET(0x5A, 0, 0x2A, 0, 0, 0, 0, 1, 0), 0);
    ck_assert_uint_eq(be(data, 2), length - 2);
    ck_assert_uint_eq(data[2], 0x01);                    /* data disc, 120 mm */
    ck_assert_uint_eq(data[8], 0x2A);
    ck_assert_uint_eq(data[9], length - 10);
    ck_assert_uint_eq(data[12], 0x70);                   /* multi-session, mode 2 forms 1 and 2 */
    ck_assert_uint_eq(data[14] & 2, 0);
    ck_assert_uint_eq(PACKET(0x1E, 0, 0, 0, 1), 0);
    ck_assert_uint_eq(PACKET(0x5A, 0, 0x2A, 0, 0, 0, 0, 1, 0), 0);
    ck_assert_uint_eq(data[14] & 2, 2);                  /* lock state */
    ck_assert_uint_eq(PACKET(0x5A, 0, 0x3F, 0, 0, 0, 0, 1, 0), 0);
    unsigned at = 8, seen = 0;
    for (; at < length; at += 2u + data[at + 1]) seen |= 1u << (data[at] & 31);
    ck_assert_uint_eq(at, length);
    ck_assert_uint_eq(seen, 1u << 0x01 | 1u << 0x0D | 1u << 0x0E | 1u << 0x1A | 1u << 0x0A);
    ck_assert_uint_eq(PACKET(0x1A, 0, 0x0E, 0, 255), 0);
    ck_assert_uint_eq(data[0], length - 1);
    ck_assert_uint_eq(data[4], 0x0E);
    REFUSED(0x53900, 0x5A, 0, 0xC1, 0, 0, 0, 0, 1, 0);   /* saved values */
    REFUSED(0x52400, 0x5A, 0, 0x05, 0, 0, 0, 0, 1, 0);
}
END_TEST

START_TEST(mode_select)
{
    static const uint8_t list[24] = { [8] = 0x0E, 14, 4, 0, 0, 0, 0, 75, 1, 0x40, 2, 0x41 };
    memcpy(data, list, 24);
    ck_assert_uint_eq(PACKET(0x55, 0x10, 0, 0, 0, 0, 0, 0, 24), 0);
    ck_assert_uint_eq(length, 24);
    ck_assert_uint_eq(PACKET(0x5A, 0, 0x0E, 0, 0, 0, 0, 1, 0), 0);
    ck_assert_uint_eq(data[17], 0x40);
    ck_assert_uint_eq(data[19], 0x41);
    ck_assert_uint_eq(PACKET(0x5A, 0, 0x8E, 0, 0, 0, 0, 1, 0), 0);   /* the preset */
    ck_assert_uint_eq(data[17], 0xFF);
    memcpy(data, list, 24);
    data[9] = 13;
    REFUSED(0x52600, 0x55, 0x10, 0, 0, 0, 0, 0, 0, 24);
    memcpy(data, list, 24);
    REFUSED(0x51A00, 0x55, 0x10, 0, 0, 0, 0, 0, 0, 20);
    REFUSED(0x51A00, 0x55, 0x10, 0, 0, 0, 0, 0, 0, 7);
    memset(data, 0xFF, 8);                               /* block descriptors past the end */
    ck_assert_uint_eq(PACKET(0x55, 0x10, 0, 0, 0, 0, 0, 0, 8), 0);
    REFUSED(0x52400, 0x55, 0x11, 0, 0, 0, 0, 0, 0, 24);  /* save */
    ck_assert_uint_eq(PACKET(0x55), 0);
}
END_TEST

START_TEST(table_of_contents)
{
    static const uint8_t lba[20] = { 0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 0, 0,
                                     0, 0x14, 0xAA, 0, 0, 0, 0, SECTORS };
    static const uint8_t msf[20] = { 0, 18, 1, 1, 0, 0x14, 1, 0, 0, 0, 2, 0,
                                     0, 0x14, 0xAA, 0, 0, 0, 3, 25 };
    ck_assert_uint_eq(PACKET(0x43, 0, 0, 0, 0, 0, 0, 0, 0xFF), 0);
    ck_assert_uint_eq(length, 20);
    ck_assert_mem_eq(data, lba, 20);
    ck_assert_uint_eq(PACKET(0x43, 2, 0, 0, 0, 0, 1, 0, 0xFF), 0);
    ck_assert_mem_eq(data, msf, 20);
    ck_assert_uint_eq(PACKET(0x43, 0, 0, 0, 0, 0, 0xAA, 0, 0xFF), 0);
    ck_assert_uint_eq(length, 12);
    ck_assert_uint_eq(data[6], 0xAA);
    REFUSED(0x52400, 0x43, 0, 0, 0, 0, 0, 2, 0, 0xFF);
    ck_assert_uint_eq(PACKET(0x43, 0, 1, 0, 0, 0, 0, 0, 0xFF), 0);
    ck_assert_uint_eq(length, 12);
    ck_assert_uint_eq(data[6], 1);
    ck_assert_uint_eq(PACKET(0x43, 2, 0, 0, 0, 0, 0, 0, 0xFF, 0x80), 0);     /* format 2, SFF */
    ck_assert_uint_eq(length, 48);
    ck_assert_uint_eq(data[4 + 2 * 11 + 3], 0xA2);
    ck_assert_uint_eq(be(data + 4 + 2 * 11 + 8, 3), 3 << 8 | 25);
    REFUSED(0x52400, 0x43, 0, 5, 0, 0, 0, 0, 0, 0xFF);
}
END_TEST

START_TEST(sub_channel_and_header)
{
    ck_assert_uint_eq(PACKET(0x2B, 0, 0, 0, 0, 80), 0);
    ck_assert_uint_eq(PACKET(0x42, 2, 0x40, 1, 0, 0, 0, 0, 16), 0);
    ck_assert_uint_eq(length, 16);
    ck_assert_uint_eq(data[1], 0x15);
    ck_assert_uint_eq(be(data + 8, 4), 3 << 8 | 5);      /* 80 + 150 frames */
    ck_assert_uint_eq(be(data + 12, 4), 1 << 8 | 5);
    ck_assert_uint_eq(PACKET(0x42, 0, 0, 1, 0, 0, 0, 0, 16), 0);
    ck_assert_uint_eq(length, 4);
    ck_assert_uint_eq(PACKET(0x42, 0, 0x40, 2, 0, 0, 0, 0, 99), 0);
    ck_assert_uint_eq(length, 24);
    ck_assert_uint_eq(data[8] & 0x80, 0);
    REFUSED(0x52400, 0x42, 0, 0x40, 4, 0, 0, 0, 0, 16);
    ck_assert_uint_eq(PACKET(0x44, 0, 0, 0, 0, 9, 0, 0, 8), 0);
    ck_assert_uint_eq(data[0], 1);
    ck_assert_uint_eq(be(data + 4, 4), 9);
    REFUSED(0x52100, 0x44, 0, 0, 0, 0, SECTORS, 0, 0, 8);
    REFUSED(0x52100, 0x2B, 0, 0, 0, 0, SECTORS);
}
END_TEST

START_TEST(no_audio)
{
    REFUSED(0x56400, 0x45, 0, 0, 0, 0, 0, 0, 0, 1);
    REFUSED(0x56400, 0x47, 0, 0, 0, 2, 0, 0, 3, 0);
    ck_assert_uint_eq(PACKET(0x45), 0);
    ck_assert_uint_eq(PACKET(0x4E), 0);
    REFUSED(0x52C00, 0x4B, 0, 0, 0, 0, 0, 0, 0, 1);
}
END_TEST

/* ---- hostile --------------------------------------------------------------------------------- */

/* Any order of any accesses: no crash, and DEVICE RESET brings the drive back. */
START_TEST(hostile_register_writes)
{
    static const uint16_t ports[16] = {
        BASE, BASE, FEATURE, REASON, LOW, MID, HIGH, DEV, CMD, CMD, CONTROL, BM + 8, BM + 10,
        BM + 12, BASE, BASE,
    };
    uint32_t x = 7;
    map_bus_master(b, BM);
    for (unsigned i = 0; i < 400000; i++) {
        x = x * 1664525 + 1013904223;
        uint16_t port = ports[x >> 28];
        uint32_t value = x >> 10;
        if (port == CMD && value & 0x300) value = 0xA0;
        if (port == CMD && fake_in8(b, CONTROL) == 0x50 && !(value & 0x3000)) value = 0x08;
        if (port == CONTROL) value &= ~(x >> 9 & 4);
        if (port == BASE && x & 0x40) value &= 0x7F;
        if (x >> 27 & 1) fake_out(b, port, value, (enum width)(1u << (x >> 8 & 3) % 3));
        else fake_in(b, port, (enum width)(1u << (x >> 8 & 3) % 3));
        fake_advance(b, x >> 12 & 0x3FFF);
        if (i % 5000 == 0) media_change(cd, 0, temp.path);
        if (i % 9000 == 0) media_eject(cd, 0);
    }
    fake_reset(b, RESET_HARD);
    ck_assert_ptr_null(media_change(cd, 0, temp.path));
    ck_assert_uint_eq(UNIT_READY(), 0x60);               /* both attentions, the older first */
    ck_assert_uint_eq(sense(), 0x62900);
    ck_assert_uint_eq(sense(), 0x62800);
    ck_assert_uint_eq(PACKET(0x28, 0, 0, 0, 0, 7, 0, 0, 3), 0);
    check_sectors(data, 7, 3, 2048);
}
END_TEST

/* Every opcode with random fields ends with a status and leaves the drive usable. */
START_TEST(hostile_packets)
{
    uint32_t x = 3;
    for (unsigned i = 0; i < 256 * 40; i++) {
        uint8_t p[12] = { (uint8_t)i };
        for (unsigned k = 1; k < 12; k++) {
            x = x * 1664525 + 1013904223;
            p[k] = x >> 30 ? 0 : (uint8_t)(x >> 20);
        }
        if (p[0] == 0xBE || p[0] == 0xA8) p[6] = p[7] = 0;
        limit = 0x8000;
        send_packet(p, 0);
        for (unsigned n = 0; n < 0x40000 && (wait_ready() & 8); n++) {
            fake_out32(b, BASE, x);
            fake_in32(b, BASE);
        }
        ck_assert_uint_eq(wait_ready() & 0x88, 0);
        fake_in8(b, STATUS);
    }
    ck_assert_uint_eq(PACKET(0x1E), 0);
    PACKET(0x1B, 0, 0, 0, 3);
    PACKET(0x00);
    ck_assert_uint_eq(PACKET(0x28, 0, 0, 0, 0, 7, 0, 0, 3), 0);
    check_sectors(data, 7, 3, 2048);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        signature_after_resets, device_reset, identify_packet_device, power_and_sleep, timing,
        unit_attention_after_reset, unknown_commands, no_disc, media_change_at_run_time,
        disc_changed_in_the_middle_of_a_read, lock_and_tray, inquiry, get_configuration,
        capacity_and_information, mode_pages, mode_select, table_of_contents,
        sub_channel_and_header, no_audio, hostile_register_writes, hostile_packets,
    };
    return temp_run("atapi", begin, end, tests, sizeof tests / sizeof tests[0]);
}
