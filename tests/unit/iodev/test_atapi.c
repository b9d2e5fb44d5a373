/* SPDX-License-Identifier: MIT
 * ATAPI CD-ROM drive by ATA/ATAPI-6 (protocol) and MMC-3 (packet commands).
 */
#include "iodev/cdrom/atapi_cd.h"
#include "iodev/cdrom/disc.h"
#include "iodev/ide.h"
#include "iodev/media.h"
#include "tests/unit/fake_board.h"
#include "tests/unit/iodev/temp_image.h"

enum { BASE = 0x170, ERR = BASE + 1, FEATURE = BASE + 1, REASON = BASE + 2, LOW = BASE + 3,
       MID = BASE + 4, HIGH = BASE + 5, DEV = BASE + 6, CMD = BASE + 7, STATUS = BASE + 7,
       CONTROL = 0x376, BM = 0xC000, IRQ = 15, BLOCKS = 400, SECTORS = 100, MS = 1000000 };

static struct temp temp;
static struct board *b;
static struct device *cd;
static uint8_t data[0x40000], expected[2048];
static uint32_t length;                    /* of the last packet's data */
static unsigned blocks, limit;             /* its DRQ blocks; the byte count limit for it */

static void plug(const char *path)
{
    b = fake_new(4 << 20);
    ck_assert_ptr_nonnull(fake_plug_id(b, &ide_class, "ata1", NULL));
    ck_assert_ptr_nonnull(fake_plug(b, &piix_ide_class, NULL));
    cd = path ? fake_plug_id(b, &atapi_cd_class, "ata1-master", "path", path, NULL)
              : fake_plug_id(b, &atapi_cd_class, "ata1-master", NULL);
    ck_assert_ptr_nonnull(cd);
    limit = 0xFFFE;
    length = 0;
}

static uint8_t wait_ready(void)
{
    for (unsigned i = 0; i < 10000 && fake_in8(b, CONTROL) & 0x80; i++) fake_advance(b, 1000);
    ck_assert_uint_eq(fake_in8(b, CONTROL) & 0x80, 0);
    return fake_in8(b, CONTROL);
}

static void send_packet(const uint8_t packet[12], uint8_t feature)
{
    fake_out8(b, DEV, 0xA0);
    fake_out8(b, FEATURE, feature);
    fake_out8(b, MID, (uint8_t)limit);
    fake_out8(b, HIGH, (uint8_t)(limit >> 8));
    fake_out8(b, CMD, 0xA0);
    ck_assert_uint_eq(wait_ready(), 0x58);
    ck_assert_uint_eq(fake_in8(b, REASON) & 7, 1);       /* command, to the device */
    ck_assert(!fake_irq(b, IRQ));
    for (unsigned i = 0; i < 12; i += 2)
        fake_out16(b, BASE, (uint16_t)(packet[i] | packet[i + 1] << 8));
    ck_assert_uint_eq(fake_in8(b, CONTROL), 0x80);
}

static void move_block(bool to_host, unsigned size)
{
    ck_assert_uint_le(size, limit);
    ck_assert_uint_le(length + size, sizeof data);
    for (unsigned i = 0; i < size; i += 2, length += 2) {
        if (to_host) {
            uint16_t w = fake_in16(b, BASE);
            data[length] = (uint8_t)w;
            data[length + 1] = (uint8_t)(w >> 8);
        } else {
            fake_out16(b, BASE, (uint16_t)(data[length] | data[length + 1] << 8));
        }
    }
    length -= size & 1;
    blocks++;
}

/* A whole packet command by PIO, with all that the host may see on the way. Returns the error
 * register; 0: good. */
static uint8_t packet(const uint8_t bytes[12])
{
    length = blocks = 0;
    send_packet(bytes, 0);
    for (;;) {
        uint8_t status = wait_ready();
        ck_assert(fake_irq(b, IRQ));
        fake_in8(b, STATUS);
        ck_assert(!fake_irq(b, IRQ));
        if (!(status & 8)) break;
        unsigned reason = fake_in8(b, REASON) & 7;
        ck_assert(reason == 2 || reason == 0);
        move_block(reason == 2, fake_in8(b, MID) | (unsigned)fake_in8(b, HIGH) << 8);
    }
    ck_assert_uint_eq(fake_in8(b, REASON) & 7, 3);       /* status, to the host */
    uint8_t error = fake_in8(b, STATUS) & 1 ? fake_in8(b, ERR) : 0;
    ck_assert_uint_eq(fake_in8(b, STATUS), error ? 0x51 : 0x50);
    return error;
}
#define PACKET(...) packet((const uint8_t[12]){ __VA_ARGS__ })

static uint32_t sense(void)
{
    ck_assert_uint_eq(PACKET(0x03, 0, 0, 0, 18), 0);
    ck_assert_uint_eq(length, 18);
    ck_assert_uint_eq(data[0], 0x70);
    return (uint32_t)(data[2] & 15) << 16 | (uint32_t)data[12] << 8 | data[13];
}

/* The command fails with this sense key, code and qualifier, and tells it once. */
static void refused(uint8_t error, uint32_t wanted)
{
    ck_assert_uint_eq(error >> 4, wanted >> 16);
    ck_assert_uint_eq(sense(), wanted);
    ck_assert_uint_eq(sense(), 0);
}
#define REFUSED(wanted, ...) refused(PACKET(__VA_ARGS__), wanted)
#define UNIT_READY() PACKET(0)

static void begin(void)
{
    temp_begin(&temp);
    temp_image(&temp, "disc.iso", BLOCKS);
    plug(temp.path);
    refused(UNIT_READY(), 0x62900);        /* power on */
}

static void end(void)
{
    fake_free(b);
    temp_end(&temp);
}

static uint32_t be(const uint8_t *p, unsigned n)
{
    uint32_t v = 0;
    while (n--) v = v << 8 | *p++;
    return v;
}

static void user_data(uint32_t lba)
{
    for (unsigned i = 0; i < 4; i++) temp_sector(expected + i * 512, lba * 4 + i);
}

static void check_sectors(const uint8_t *at, uint32_t lba, unsigned count, size_t stride)
{
    for (unsigned i = 0; i < count; i++) {
        user_data(lba + i);
        ck_assert_mem_eq(at + i * stride, expected, 2048);
    }
}

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

static uint16_t word(unsigned n) { return (uint16_t)(data[2 * n] | data[2 * n + 1] << 8); }

static void identify(void)
{
    uint8_t sum = 0;
    fake_out8(b, CMD, 0xA1);
    ck_assert_uint_eq(fake_in8(b, CONTROL), 0x80);
    ck_assert_uint_eq(wait_ready(), 0x58);
    ck_assert(fake_irq(b, IRQ));
    fake_in8(b, STATUS);
    length = 0;
    move_block(true, 512);
    ck_assert_uint_eq(fake_in8(b, STATUS), 0x50);
    ck_assert(!fake_irq(b, IRQ));
    for (unsigned i = 0; i < 512; i++) sum = (uint8_t)(sum + data[i]);
    ck_assert_uint_eq(sum, 0);
}

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

static void map_bus_master(void)
{
    fake_pci_write(b, 1, 1, 0x20, BM, DWORD);
    fake_pci_write(b, 1, 1, 4, 5, WORD);
}

static void prd(uint32_t table, unsigned n, uint32_t at, uint32_t bytes, bool last)
{
    memory_write(b->memory, table + n * 8, at, DWORD);
    memory_write(b->memory, table + n * 8 + 4, (bytes & 0xFFFF) | (last ? 1u << 31 : 0), DWORD);
}

START_TEST(read_by_dma)
{
    map_bus_master();
    prd(0x1000, 0, 0x100000, 0x10000, false);
    prd(0x1000, 1, 0x200000, 8 * 2048, true);
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
    map_bus_master();
    memory_copy_to(b->memory, 0x100000, list, sizeof list);
    prd(0x1000, 0, 0x100000, sizeof list, true);
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

/* ---- hostile --------------------------------------------------------------------------------- */

/* Any order of any accesses: no crash, and DEVICE RESET brings the drive back. */
START_TEST(hostile_register_writes)
{
    static const uint16_t ports[16] = {
        BASE, BASE, FEATURE, REASON, LOW, MID, HIGH, DEV, CMD, CMD, CONTROL, BM + 8, BM + 10,
        BM + 12, BASE, BASE,
    };
    uint32_t x = 7;
    map_bus_master();
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
        sub_channel_and_header, no_audio, read_10_and_12, byte_count_limit, read_by_dma,
        mode_select_by_dma, dma_without_bus_master, read_cd_whole_sector, read_cd_parts,
        read_cd_q_channel, read_cd_raw_sub_channel, raw_image, raw_image_with_sub_channels,
        odd_sizes, dvd_sized_image, hostile_register_writes, hostile_packets,
    };
    return temp_run("atapi", begin, end, tests, sizeof tests / sizeof tests[0]);
}
