/* SPDX-License-Identifier: MIT
 * Keyboard and mouse at the two serial ports of the 8042: what only keyboard.c, ps2_keyboard.c and
 * ps2_mouse.c share. Times on the wire are the controller's business; the devices only say when
 * they have something to send.
 */
#pragma once
#include "iodev/clock.h"
#include "iodev/device.h"

enum { PS2_ACK = 0xFA, PS2_RESEND = 0xFE, PS2_ERROR = 0xFC, PS2_BAT_OK = 0xAA };

/* ---- a queue that knows its size ------------------------------------------------------------- */
enum { PS2_FIFO = 64 };                    /* power of two */
struct ps2_fifo { uint8_t data[PS2_FIFO], head, count; };

static inline void ps2_fifo_clear(struct ps2_fifo *f) { f->head = f->count = 0; }
static inline unsigned ps2_fifo_room(const struct ps2_fifo *f)
{
    return f->count < PS2_FIFO ? PS2_FIFO - f->count : 0;
}

/* false: full, nothing stored. */
static inline bool ps2_fifo_put(struct ps2_fifo *f, uint8_t value)
{
    if (!ps2_fifo_room(f)) return false;
    f->data[(f->head + f->count++) & (PS2_FIFO - 1)] = value;
    return true;
}

/* false: empty, *value unchanged. */
static inline bool ps2_fifo_get(struct ps2_fifo *f, uint8_t *value)
{
    if (!f->count) return false;
    *value = f->data[f->head++ & (PS2_FIFO - 1)];
    f->count--;
    return true;
}

/* The value put last; -1: empty. */
static inline int ps2_fifo_last(const struct ps2_fifo *f)
{
    return f->count ? f->data[(f->head + f->count - 1) & (PS2_FIFO - 1)] : -1;
}

/* How a device reaches its controller. */
struct ps2_host {
    struct clock *clock;
    void (*ready)(void *ctx);              /* there is something to send */
    void  *ctx;
    nanos  bat_time;                       /* how long the self-test after a reset takes */
};

/* ---- the controller's password --------------------------------------------------------------- */
enum { PS2_PASSWORD = 7 };
struct ps2_password {
    uint8_t code[PS2_PASSWORD], length;    /* make codes, as the host would get them        */
    uint8_t matched, typed;                /* so far; loading: bytes taken                  */
    bool    locked;
};

void ps2_password_load(struct ps2_password *, uint8_t);        /* 0 ends it                  */
/* A byte from the locked keyboard: is the password complete? skip: make codes that do not count. */
bool ps2_password_typed(struct ps2_password *, uint8_t, const uint8_t skip[2]);
void ps2_password_restored(struct ps2_password *);

#define PS2_PASSWORD_STATE(type, m) \
    FIELD_N(type, m.code), FIELD(type, m.length), FIELD(type, m.matched), FIELD(type, m.typed), \
    FIELD(type, m.locked)

/* ---- keyboard -------------------------------------------------------------------------------- */
struct ps2_keyboard {
    struct ps2_host host;
    bool            typematic;             /* setting: repeats by itself                    */
    struct ps2_fifo replies, keys;         /* replies go first                              */
    struct timer    repeat, bat;
    uint8_t         command;               /* waiting for its parameter; 0 = none           */
    uint8_t         set, rate, leds;       /* scan code set 1-3; F3h and EDh parameters     */
    uint8_t         last;                  /* byte sent last, for FEh                       */
    uint8_t         held;                  /* HID usage of the key that repeats; 0 = none   */
    uint8_t         print_form;            /* what Print Screen was pressed as              */
    bool            scanning;
    uint8_t         down[32];              /* keys held, one bit per HID usage              */
    uint8_t         modes[256];            /* set 3: what a key sends, by scan code         */
};

void ps2_keyboard_plug(struct ps2_keyboard *);           /* after host and typematic were set */
void ps2_keyboard_unplug(struct ps2_keyboard *);
void ps2_keyboard_power_on(struct ps2_keyboard *);
void ps2_keyboard_write(struct ps2_keyboard *, uint8_t);       /* a byte from the host       */
bool ps2_keyboard_ready(const struct ps2_keyboard *);
bool ps2_keyboard_read(struct ps2_keyboard *, uint8_t *);      /* false: nothing to send     */
void ps2_keyboard_key(struct ps2_keyboard *, unsigned hid_usage, bool down);
void ps2_keyboard_restored(struct ps2_keyboard *);

/* Scan code set 2 -> set 1, as the 8042 and set 1 keyboards do it (one byte, no prefixes). */
uint8_t ps2_set1(uint8_t set2);

#define PS2_KEYBOARD_STATE(type, m) \
    FIELD_N(type, m.replies.data), FIELD(type, m.replies.head), FIELD(type, m.replies.count), \
    FIELD_N(type, m.keys.data), FIELD(type, m.keys.head), FIELD(type, m.keys.count), \
    FIELD_TIMER(type, m.repeat), FIELD_TIMER(type, m.bat), FIELD(type, m.command), \
    FIELD(type, m.set), FIELD(type, m.rate), FIELD(type, m.leds), FIELD(type, m.last), \
    FIELD(type, m.held), FIELD(type, m.print_form), FIELD(type, m.scanning), \
    FIELD_N(type, m.down), FIELD_N(type, m.modes)

/* ---- mouse ----------------------------------------------------------------------------------- */
struct ps2_mouse {
    struct ps2_host host;
    bool            wheel;                 /* setting: answers the IntelliMouse knock       */
    struct ps2_fifo out;
    struct timer    sample, bat;           /* armed: no new packet before it fires          */
    int32_t         dx, dy, dz;            /* not reported yet; dy up                       */
    uint8_t         buttons, reported;     /* now, and in the last packet                   */
    uint8_t         command;               /* waiting for its parameter; 0 = none           */
    uint8_t         rate, resolution, id;  /* samples/s; 0-3; 0 standard, 3 with wheel      */
    uint8_t         knock[2];              /* the two sample rates set before the last one  */
    uint8_t         packet[4], packet_size;        /* sent last, for FEh                    */
    bool            reporting, scaling, remote, wrap;
    bool            refused;               /* the last byte was no command                  */
};

void ps2_mouse_plug(struct ps2_mouse *);
void ps2_mouse_unplug(struct ps2_mouse *);
void ps2_mouse_power_on(struct ps2_mouse *);
void ps2_mouse_write(struct ps2_mouse *, uint8_t);
bool ps2_mouse_ready(const struct ps2_mouse *);
bool ps2_mouse_read(struct ps2_mouse *, uint8_t *);
/* As in gui/input.h: dy down, dz towards the user, buttons by enum mouse_button. */
void ps2_mouse_move(struct ps2_mouse *, int dx, int dy, int dz, unsigned buttons);
void ps2_mouse_restored(struct ps2_mouse *);

#define PS2_MOUSE_STATE(type, m) \
    FIELD_N(type, m.out.data), FIELD(type, m.out.head), FIELD(type, m.out.count), \
    FIELD_TIMER(type, m.sample), FIELD_TIMER(type, m.bat), FIELD(type, m.dx), FIELD(type, m.dy), \
    FIELD(type, m.dz), FIELD(type, m.buttons), FIELD(type, m.reported), FIELD(type, m.command), \
    FIELD(type, m.rate), FIELD(type, m.resolution), FIELD(type, m.id), FIELD_N(type, m.knock), \
    FIELD_N(type, m.packet), FIELD(type, m.packet_size), FIELD(type, m.reporting), \
    FIELD(type, m.scaling), FIELD(type, m.remote), FIELD(type, m.wrap), FIELD(type, m.refused)
