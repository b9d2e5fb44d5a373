/* SPDX-License-Identifier: MIT
 * A mode 1 sector around its user data: sync, header, error detection and correction.
 * ECMA-130, Data interchange on read-only 120 mm optical data disks (1996), section 14 and annex A.
 *
 *   bytes 12 - 2075: 1032 16-bit words; the two bytes of each are coded apart, with the same rule.
 *   P: 43 columns of 24, two parity bytes each, from byte 2076
 *   Q: 26 diagonals of 43 over data and P, two parity bytes each, from byte 2248
 */
#include "iodev/cdrom/disc.h"
#include <string.h>

enum { CODED_AT = 12, P_COLUMNS = 43, P_LENGTH = 24, Q_DIAGONALS = 26, Q_LENGTH = 43 };
enum { P_AT = DISC_ECC_AT, Q_AT = DISC_ECC_AT + 2 * 2 * P_COLUMNS };

/* CRC of annex 14.3: (x^16 + x^15 + x^2 + 1)(x^16 + x^2 + x + 1), least significant bit first. */
static uint32_t edc(const uint8_t *data, size_t len)
{
    uint32_t crc = 0;
    for (size_t i = 0; i < len; i++) {
        crc ^= data[i];
        for (unsigned bit = 0; bit < 8; bit++) crc = crc >> 1 ^ (crc & 1 ? 0xD8018001 : 0);
    }
    return crc;
}

/* Times alpha in GF(2^8) over x^8 + x^4 + x^3 + x^2 + 1 (annex A.3). */
static uint8_t times_alpha(uint8_t v)
{
    return (uint8_t)(v << 1 ^ (v & 0x80 ? 0x1D : 0));
}

static uint8_t multiply(uint8_t a, uint8_t b)
{
    uint8_t product = 0;
    for (; b; b >>= 1, a = times_alpha(a))
        if (b & 1) product ^= a;
    return product;
}

/* The two parity bytes p0, p1 of a code word v[0] .. v[n-1] make both syndromes zero:
 *   sum v[i] + p0 + p1 = 0      sum alpha^(n+1-i) v[i] + alpha p0 + p1 = 0 */
struct parity {
    uint8_t sum, weighted;
};

static void add(struct parity *p, uint8_t v)
{
    p->sum ^= v;
    p->weighted = times_alpha(p->weighted ^ v);
}

static void finish(const struct parity *p, uint8_t *p0, uint8_t *p1)
{
    enum { INVERSE_OF_1_PLUS_ALPHA = 0xF4 };
    uint8_t weighted = times_alpha(p->weighted);
    *p0 = multiply((uint8_t)(weighted ^ p->sum), INVERSE_OF_1_PLUS_ALPHA);
    *p1 = (uint8_t)(p->sum ^ *p0);
}

static void code_p(uint8_t *raw, unsigned byte)
{
    for (unsigned column = 0; column < P_COLUMNS; column++) {
        struct parity p = { 0, 0 };
        for (unsigned i = 0; i < P_LENGTH; i++)
            add(&p, raw[CODED_AT + 2 * (column + P_COLUMNS * i) + byte]);
        finish(&p, raw + P_AT + 2 * column + byte, raw + P_AT + 2 * (column + P_COLUMNS) + byte);
    }
}

static void code_q(uint8_t *raw, unsigned byte)
{
    enum { WORDS = P_COLUMNS * Q_DIAGONALS };
    for (unsigned diagonal = 0; diagonal < Q_DIAGONALS; diagonal++) {
        struct parity p = { 0, 0 };
        for (unsigned i = 0; i < Q_LENGTH; i++)
            add(&p, raw[CODED_AT + 2 * ((44 * i + 43 * diagonal) % WORDS) + byte]);
        finish(&p, raw + Q_AT + 2 * diagonal + byte,
               raw + Q_AT + 2 * (diagonal + Q_DIAGONALS) + byte);
    }
}

static uint8_t bcd(uint8_t v) { return (uint8_t)(v / 10 << 4 | v % 10); }

static void put_header(uint8_t *raw, uint32_t lba)
{
    uint8_t msf[3];
    disc_msf(lba + DISC_PREGAP, msf);
    memset(raw, 0xFF, DISC_SYNC_BYTES);
    raw[0] = raw[DISC_SYNC_BYTES - 1] = 0;
    for (unsigned i = 0; i < 3; i++) raw[DISC_SYNC_BYTES + i] = bcd((uint8_t)(msf[i] % 100));
    raw[DISC_SYNC_BYTES + 3] = 1;          /* mode */
}

void disc_encode_mode1(uint8_t raw[DISC_RAW_SECTOR], uint32_t lba)
{
    put_header(raw, lba);
    uint32_t crc = edc(raw, DISC_EDC_AT);
    for (unsigned i = 0; i < 4; i++) raw[DISC_EDC_AT + i] = (uint8_t)(crc >> 8 * i);
    memset(raw + DISC_EDC_AT + 4, 0, DISC_ECC_AT - DISC_EDC_AT - 4);
    for (unsigned byte = 0; byte < 2; byte++) code_p(raw, byte);
    for (unsigned byte = 0; byte < 2; byte++) code_q(raw, byte);
}
