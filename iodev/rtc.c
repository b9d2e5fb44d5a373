/* SPDX-License-Identifier: MIT
 * Real-time clock and battery-backed memory.
 * Motorola MC146818 data sheet (ADI-856R2, 1984); the second bank of 128 bytes behind ports 72h/73h
 * as in the Intel 82371SB (PIIX3) data sheet (290550-002, 1997), section 2.5.5.
 *
 * The chip is a chain of dividers of 32768 Hz. Once per second it runs an update cycle: that is one
 * timer. Periodic interrupts are another one, armed only while they are enabled; the flag of a
 * disabled one is computed when register C is read.
 *
 * Not implemented: daylight saving (bit DSE is stored), the SQW pin, crystals other than 32768 Hz
 * (DV 0 and 1 run as DV 2). Bytes outside the clock are kept over a power cycle, as by a battery.
 */
#include "iodev/board.h"
#include "iodev/rtc.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SECONDS, SECONDS_ALARM, MINUTES, MINUTES_ALARM, HOURS, HOURS_ALARM, WEEKDAY, DAY, MONTH,
       YEAR, STATUS_A, STATUS_B, STATUS_C, STATUS_D, CENTURY = 0x32 };
enum { A_UIP = 0x80, A_DV = 0x70, A_RATE = 0x0F };
enum { B_SET = 0x80, B_PIE = 0x40, B_AIE = 0x20, B_UIE = 0x10, B_SQWE = 0x08, B_BINARY = 0x04,
       B_24H = 0x02 };
enum { C_IRQF = 0x80, C_PF = 0x40, C_AF = 0x20, C_UF = 0x10, C_FLAGS = 0x70 };
enum { D_VALID = 0x80, HOUR_PM = 0x80, ALARM_ANY = 0xC0, NMI_OFF = 0x80 };
enum { CHAIN_HZ = 32768 };
#define UIP_TIME ((nanos)(244 + 1984) * 1000)      /* figure 13: warning + update cycle */
#define LAST_TIME0 253402300799u                   /* end of the year 9999 */

struct rtc {
    struct device dev;
    struct line   irq, nmi_mask;
    struct timer  update, periodic;
    uint64_t      time0;                   /* settings */
    bool          image_time;
    char         *image;
    nanos         chain_start;             /* when the dividers last left reset          */
    uint64_t      pf_at;                   /* chain clocks when PF was last looked at    */
    uint8_t       index, index2;           /* last written to 70h (with NMI bit), 72h    */
    uint8_t       ram[256];
};

static struct rtc *rtc_of(struct device *d) { return container_of(d, struct rtc, dev); }
static nanos now(const struct rtc *r) { return clock_now(board_clock(r->dev.board)); }

/* ---- the calendar in the registers' format --------------------------------------------------- */

static uint8_t encode(const struct rtc *r, unsigned v)
{
    return (uint8_t)(r->ram[STATUS_B] & B_BINARY ? v : v / 10 % 10 << 4 | v % 10);
}

static unsigned decode(const struct rtc *r, uint8_t v)
{
    return r->ram[STATUS_B] & B_BINARY ? v : (v >> 4) * 10u + (v & 15);
}

/* 12-hour format: 12, 1 ... 11 with bit 7 for p.m. (table 3). */
static uint8_t encode_hour(const struct rtc *r, unsigned hour)
{
    if (r->ram[STATUS_B] & B_24H) return encode(r, hour);
    return encode(r, hour % 12 ? hour % 12 : 12) | (hour >= 12 ? HOUR_PM : 0);
}

static unsigned decode_hour(const struct rtc *r, uint8_t v)
{
    if (r->ram[STATUS_B] & B_24H) return decode(r, v);
    return decode(r, v & ~HOUR_PM) % 12 + (v & HOUR_PM ? 12 : 0);
}

/* The chip knows two digits of the year: every fourth is a leap year. */
static unsigned month_days(unsigned month, unsigned year)
{
    static const uint8_t days[12] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    if (month < 1 || month > 12) return 31;
    return days[month - 1] + (month == 2 && year % 4 == 0);
}

/* One step of a register; true when it wraps to `first`. */
static bool step(struct rtc *r, unsigned reg, unsigned first, unsigned last)
{
    unsigned v = decode(r, r->ram[reg]) + 1;
    r->ram[reg] = encode(r, v > last ? first : v);
    return v > last;
}

static bool step_hour(struct rtc *r)
{
    unsigned hour = decode_hour(r, r->ram[HOURS]) + 1;
    r->ram[HOURS] = encode_hour(r, hour > 23 ? 0 : hour);
    return hour > 23;
}

static void step_day(struct rtc *r)
{
    unsigned days = month_days(decode(r, r->ram[MONTH]), decode(r, r->ram[YEAR]));
    step(r, WEEKDAY, 1, 7);
    if (step(r, DAY, 1, days) && step(r, MONTH, 1, 12) && step(r, YEAR, 0, 99))
        step(r, CENTURY, 0, 99);
}

static void step_second(struct rtc *r)
{
    if (step(r, SECONDS, 0, 59) && step(r, MINUTES, 0, 59) && step_hour(r)) step_day(r);
}

/* Days since 1970-01-01 to a date of the Gregorian calendar: in 400-year eras that begin on a
 * 1st of March, so that the leap day is the last one of a year. */
static void set_date(struct rtc *r, uint64_t days)
{
    uint64_t z = days + 719468, era = z / 146097, doe = z % 146097;
    uint64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    unsigned month = (unsigned)(mp < 10 ? mp + 3 : mp - 9);
    uint64_t year = yoe + era * 400 + (month <= 2);
    r->ram[DAY] = encode(r, (unsigned)(doy - (153 * mp + 2) / 5 + 1));
    r->ram[MONTH] = encode(r, month);
    r->ram[YEAR] = encode(r, (unsigned)(year % 100));
    r->ram[CENTURY] = encode(r, (unsigned)(year / 100));
    r->ram[WEEKDAY] = encode(r, (unsigned)((days + 4) % 7 + 1));      /* 1 = Sunday */
}

static void set_time(struct rtc *r, uint64_t unix_seconds)
{
    unsigned second = (unsigned)(unix_seconds % 86400);
    r->ram[SECONDS] = encode(r, second % 60);
    r->ram[MINUTES] = encode(r, second / 60 % 60);
    r->ram[HOURS] = encode_hour(r, second / 3600);
    set_date(r, unix_seconds / 86400);
}

/* ---- interrupts ------------------------------------------------------------------------------ */

static void update_irq(struct rtc *r)
{
    bool irq = r->ram[STATUS_C] & r->ram[STATUS_B] & C_FLAGS;
    r->ram[STATUS_C] = (r->ram[STATUS_C] & C_FLAGS) | (irq ? C_IRQF : 0);
    line_set(&r->irq, irq);
}

/* DV 0-2 select a time base; the others stop or test the dividers (table 4). */
static bool chain_runs(const struct rtc *r) { return (r->ram[STATUS_A] & A_DV) <= 0x20; }

/* Chain clocks per periodic interrupt, 0 = none. Rates 1 and 2 repeat 8 and 9 (table 5). */
static uint64_t period(const struct rtc *r)
{
    unsigned rate = r->ram[STATUS_A] & A_RATE;
    if (!rate || !chain_runs(r)) return 0;
    return 1ull << (rate <= 2 ? rate + 6 : rate - 1);
}

static uint64_t chain_clocks(const struct rtc *r)
{
    return muldiv64(now(r) - r->chain_start, CHAIN_HZ, SECOND);
}

/* PF is set by every edge of the chosen divider, enabled or not. */
static void look_at_period(struct rtc *r)
{
    uint64_t clocks = chain_clocks(r), every = period(r);
    if (every && clocks / every != r->pf_at / every) r->ram[STATUS_C] |= C_PF;
    r->pf_at = clocks;
}

static void arm_periodic(struct rtc *r)
{
    struct clock *clk = board_clock(r->dev.board);
    uint64_t every = period(r);
    if (!every || !(r->ram[STATUS_B] & B_PIE)) {
        clock_disarm(clk, &r->periodic);
        return;
    }
    uint64_t next = (chain_clocks(r) / every + 1) * every;
    clock_arm(clk, &r->periodic, r->chain_start + muldiv64_up(next, SECOND, CHAIN_HZ));
}

static void periodic_due(struct timer *t, nanos due)
{
    struct rtc *r = container_of(t, struct rtc, periodic);
    (void)due;
    look_at_period(r);
    update_irq(r);
    arm_periodic(r);
}

static bool alarm_matches(const struct rtc *r, unsigned reg)
{
    uint8_t alarm = r->ram[reg + 1];
    return (alarm & ALARM_ANY) == ALARM_ANY || alarm == r->ram[reg];
}

/* The update cycle ends on the second: until then the registers keep the old time. SET lets the
 * dividers run on but holds the registers (p. 14). */
static void update_due(struct timer *t, nanos due)
{
    struct rtc *r = container_of(t, struct rtc, update);
    clock_arm(board_clock(r->dev.board), t, due + SECOND);
    if (r->ram[STATUS_B] & B_SET) return;
    step_second(r);
    r->ram[STATUS_C] |= C_UF;
    if (alarm_matches(r, SECONDS) && alarm_matches(r, MINUTES) && alarm_matches(r, HOURS))
        r->ram[STATUS_C] |= C_AF;
    update_irq(r);
}

static bool updating(const struct rtc *r)
{
    return r->update.armed && !(r->ram[STATUS_B] & B_SET) && r->update.due - now(r) <= UIP_TIME;
}

/* The first update comes half a second after the dividers leave reset (p. 13). */
static void start_chain(struct rtc *r, nanos first_update)
{
    r->chain_start = now(r);
    r->pf_at = 0;
    clock_arm(board_clock(r->dev.board), &r->update, now(r) + first_update);
}

/* ---- registers ------------------------------------------------------------------------------- */

static void write_a(struct rtc *r, uint8_t value)
{
    bool ran = chain_runs(r);
    look_at_period(r);
    r->ram[STATUS_A] = value & (A_DV | A_RATE);
    if (ran && !chain_runs(r)) clock_disarm(board_clock(r->dev.board), &r->update);
    if (!ran && chain_runs(r)) start_chain(r, SECOND / 2);
    arm_periodic(r);
}

static void write_b(struct rtc *r, uint8_t value)
{
    look_at_period(r);
    if (value & B_SET) value &= ~B_UIE;    /* SET clears UIE (p. 14) */
    r->ram[STATUS_B] = value;
    update_irq(r);
    arm_periodic(r);
}

static void write_ram(struct rtc *r, uint8_t index, uint8_t value)
{
    switch (index) {
    case STATUS_A: write_a(r, value);                   break;
    case STATUS_B: write_b(r, value);                   break;
    case STATUS_C: case STATUS_D:                       break;   /* read only */
    case SECONDS:  r->ram[SECONDS] = value & 0x7F;      break;   /* bit 7 is read only (p. 9) */
    default:       r->ram[index] = value;               break;
    }
}

static uint8_t look(const struct rtc *r, uint8_t index)
{
    return r->ram[index] | (index == STATUS_A && updating(r) ? A_UIP : 0);
}

/* Reading register C takes all flags back, and with them the interrupt (p. 15). */
static uint8_t read_c(struct rtc *r)
{
    look_at_period(r);
    update_irq(r);
    uint8_t value = r->ram[STATUS_C];
    r->ram[STATUS_C] = 0;
    update_irq(r);
    return value;
}

/* Which byte ports 71h and 73h stand for. */
static uint8_t selected(const struct rtc *r, uint32_t offset)
{
    return offset & 2 ? r->index2 | 0x80 : r->index & 0x7F;
}

/* Ports 70h and 72h are write only. */
static uint32_t rtc_read(struct device *d, uint32_t offset, enum width w)
{
    struct rtc *r = rtc_of(d);
    uint8_t index = selected(r, offset);
    (void)w;
    if (!(offset & 1)) return 0xFF;
    return index == STATUS_C ? read_c(r) : look(r, index);
}

/* Bit 7 is no part of the chip's address: it keeps NMI from the processor (IBM PC/AT Technical
 * Reference, section 1, "NMI mask"). */
static void select_index(struct rtc *r, uint8_t value)
{
    r->index = value;
    line_set(&r->nmi_mask, value & NMI_OFF);
}

static void rtc_write(struct device *d, uint32_t offset, uint32_t value, enum width w)
{
    struct rtc *r = rtc_of(d);
    (void)w;
    if (offset & 1) write_ram(r, selected(r, offset), (uint8_t)value);
    else if (offset & 2) r->index2 = (uint8_t)value;
    else select_index(r, (uint8_t)value);
}

static uint32_t rtc_peek(const struct device *d, uint32_t offset)
{
    const struct rtc *r = container_of(d, const struct rtc, dev);
    if (!(offset & 1)) return offset & 2 ? r->index2 : r->index;
    return look(r, selected(r, offset));
}

static const struct io_ops rtc_io = { rtc_read, rtc_write, rtc_peek, BYTE };

/* ---- public ---------------------------------------------------------------------------------- */

void cmos_set(struct device *d, uint8_t index, uint8_t value) { rtc_of(d)->ram[index] = value; }

uint8_t cmos_get(const struct device *d, uint8_t index)
{
    return container_of(d, const struct rtc, dev)->ram[index];
}

bool cmos_has_image(const struct device *d)
{
    const char *image = container_of(d, const struct rtc, dev)->image;
    return image && *image;
}

/* ---- device ---------------------------------------------------------------------------------- */

/* 64, 128 or 256 bytes, as written by the tools of the time. */
static bool load_image(struct rtc *r)
{
    uint8_t data[257];
    FILE *f = fopen(r->image, "rb");
    size_t got = f ? fread(data, 1, sizeof data, f) : 0;
    const char *why = !f ? strerror(errno) : ferror(f) ? "cannot be read" : NULL;
    if (f) fclose(f);
    if (!why && got != 64 && got != 128 && got != 256) why = "must have 64, 128 or 256 bytes";
    if (why) {
        device_log(&r->dev, LOG_ERROR, "CMOS image %s: %s", r->image, why);
        return false;
    }
    memcpy(r->ram, data, got);
    return true;
}

/* The battery is put in: contents and time begin. */
static bool first_contents(struct rtc *r)
{
    bool image = cmos_has_image(&r->dev);
    if (image && !load_image(r)) return false;
    r->ram[STATUS_A] = 0x26;               /* 32768 Hz, periodic rate 1024 Hz, as BIOSes set it */
    if (!image) r->ram[STATUS_B] = B_24H;
    r->ram[STATUS_B] &= B_BINARY | B_24H;
    r->ram[STATUS_C] = 0;
    r->ram[STATUS_D] = D_VALID;
    if (!image || !r->image_time) set_time(r, r->time0);
    start_chain(r, SECOND);
    return true;
}

static bool plug(struct device *d, struct board *b)
{
    struct rtc *r = rtc_of(d);
    if (r->time0 > LAST_TIME0) {
        device_log(d, LOG_ERROR, "time0 %llu is after the year 9999", (unsigned long long)r->time0);
        return false;
    }
    r->irq = board_irq(b, 8);
    r->nmi_mask = board_wire(b, WIRE_NMI_MASK);
    r->update = (struct timer){ .fire = update_due, .name = "rtc.update" };
    r->periodic = (struct timer){ .fire = periodic_due, .name = "rtc.periodic" };
    return first_contents(r) && board_claim_ports(b, d, 0x70, 4, &rtc_io);
}

/* The RESET pin clears enables and flags, not the time and not the memory (p. 5). */
static void reset(struct device *d, enum reset kind)
{
    struct rtc *r = rtc_of(d);
    (void)kind;
    look_at_period(r);
    r->ram[STATUS_B] &= (uint8_t)~(B_PIE | B_AIE | B_UIE | B_SQWE);
    r->ram[STATUS_C] = 0;
    select_index(r, 0);
    r->index2 = 0;
    update_irq(r);
    arm_periodic(r);
}

static void restored(struct device *d)
{
    struct rtc *r = rtc_of(d);
    if (r->chain_start > now(r)) r->chain_start = now(r);
    r->ram[STATUS_A] &= A_DV | A_RATE;
    line_set(&r->nmi_mask, r->index & NMI_OFF);
    if (r->update.armed) clock_arm(board_clock(d->board), &r->update, r->update.due);
    arm_periodic(r);
}

static void unplug(struct device *d)
{
    if (!d->board) return;
    clock_disarm(board_clock(d->board), &rtc_of(d)->update);
    clock_disarm(board_clock(d->board), &rtc_of(d)->periodic);
}

static const struct prop props[] = {
    { "time0", PROP_UINT, offsetof(struct rtc, time0), 946684800, NULL,
      "time of day at power-on, in seconds since 1970-01-01 00:00:00 (preset: 2000-01-01)" },
    { "image", PROP_TEXT, offsetof(struct rtc, image), 0, NULL,
      "file with the first 64, 128 or 256 bytes of CMOS memory" },
    { "image_time", PROP_BOOL, offsetof(struct rtc, image_time), 0, NULL,
      "take the time of day from the image, not from time0" },
    { 0 },
};

static const struct field state[] = {
    FIELD(struct rtc, index), FIELD(struct rtc, index2), FIELD_N(struct rtc, ram),
    FIELD(struct rtc, chain_start), FIELD(struct rtc, pf_at),
    FIELD_TIMER(struct rtc, update), FIELD_TIMER(struct rtc, periodic),
    FIELD_LINE(struct rtc, irq), FIELD_LINE(struct rtc, nmi_mask), { 0 },
};

const struct device_class rtc_class = {
    .name = "rtc", .about = "Motorola MC146818 real-time clock and CMOS memory",
    .size = sizeof(struct rtc), .props = props, .state = state,
    .plug = plug, .reset = reset, .restored = restored, .unplug = unplug,
};
