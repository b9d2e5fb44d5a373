/* SPDX-License-Identifier: MIT
 * PS/2 mouse with three buttons and, after Microsoft's knocks, a wheel and two buttons more.
 * IBM PS/2 Hardware Interface Technical Reference (S85F-1646, 1992), "Mouse"; the knocks (sample
 * rates 200, 100, 80; then 200, 200, 80) are from Microsoft's IntelliMouse notes (1996, 1999).
 *
 *   packet   1: 0 0 Ysign Xsign 1 M R L    2: X    3: Y, up is positive    4: id 3 wheel; id 4
 *            0 0 5 4 wheel (bits 3-0, -8 to 7)
 *
 * Not implemented: overflow bits (what does not fit waits for the next packet); the resolution is
 * stored but does not scale: one count is one count of the host's mouse.
 */
#include "gui/input.h"
#include "iodev/ps2.h"

enum { SET_1_1 = 0xE6, SET_2_1, SET_RESOLUTION, STATUS, SET_STREAM, READ_DATA, RESET_WRAP,
       SET_WRAP = 0xEE, SET_REMOTE = 0xF0, READ_ID = 0xF2, SET_RATE, ENABLE, DISABLE, DEFAULTS,
       RESEND = 0xFE, RESET = 0xFF };
enum { ID_STANDARD = 0, ID_WHEEL = 3, ID_FIVE_BUTTONS = 4 };
enum { BUTTONS_PLAIN = MOUSE_LEFT | MOUSE_RIGHT | MOUSE_MIDDLE, BUTTONS_ALL = 31 };
enum { PACKET_ALWAYS = 0x08, PACKET_X_SIGN = 0x10, PACKET_Y_SIGN = 0x20 };
enum { STATUS_REMOTE = 0x40, STATUS_ENABLED = 0x20, STATUS_2_1 = 0x10 };
enum { FAR = 1 << 20 };                    /* unreported counts stop here */

static void put(struct ps2_mouse *m, uint8_t value) { ps2_fifo_put(&m->out, value); }

/* What FEh asks for again: the last packet or answer; the acknowledgement if there was no other. */
static void put_answer(struct ps2_mouse *m, uint8_t value)
{
    if (m->packet_size < sizeof m->packet) m->packet[m->packet_size++] = value;
    put(m, value);
}

/* ---- packets --------------------------------------------------------------------------------- */

static int clamp(int v, int low, int high) { return v < low ? low : v > high ? high : v; }

/* Takes what one packet can carry out of *left. */
static int take(int32_t *left, int low, int high)
{
    int v = clamp(*left, low, high);
    *left -= v;
    return v;
}

/* 2:1 scaling, in stream mode only: 1 1 3 6 9, then twice the count. */
static int scaled(const struct ps2_mouse *m, int v)
{
    static const uint8_t curve[6] = { 0, 1, 1, 3, 6, 9 };
    int size = v < 0 ? -v : v;
    if (!m->scaling || m->remote) return v;
    size = size < 6 ? curve[size] : size * 2;
    return v < 0 ? -size : size;
}

static void put_packet(struct ps2_mouse *m)
{
    int limit = m->scaling && !m->remote ? 127 : 255;
    int x = scaled(m, take(&m->dx, -limit, limit)), y = scaled(m, take(&m->dy, -limit, limit));
    m->reported = m->buttons;
    m->packet_size = 0;
    put_answer(m, (uint8_t)(PACKET_ALWAYS | (m->buttons & BUTTONS_PLAIN) |
                            (x < 0 ? PACKET_X_SIGN : 0) | (y < 0 ? PACKET_Y_SIGN : 0)));
    put_answer(m, (uint8_t)x);
    put_answer(m, (uint8_t)y);
    int z = take(&m->dz, -8, 7);
    if (m->id == ID_WHEEL) put_answer(m, (uint8_t)z);
    else if (m->id == ID_FIVE_BUTTONS)
        put_answer(m, (uint8_t)((z & 0xF) | (m->buttons & ~BUTTONS_PLAIN) << 1));
    else m->dz = 0;
}

static bool something_new(const struct ps2_mouse *m)
{
    return m->dx || m->dy || m->dz || m->buttons != m->reported;
}

static bool is_streaming(const struct ps2_mouse *m)
{
    return m->reporting && !m->remote && !m->wrap;
}

/* Stream mode: a packet as soon as there is something new and the sample time is over. */
static void stream(struct ps2_mouse *m)
{
    if (!is_streaming(m) || m->sample.armed || m->out.count || !something_new(m)) return;
    put_packet(m);
    nanos pause = SECOND / (m->rate ? m->rate : 100);
    clock_arm(m->host.clock, &m->sample, clock_now(m->host.clock) + pause);
    m->host.ready(m->host.ctx);
}

static void sample_due(struct timer *t, nanos due)
{
    (void)due;
    stream(container_of(t, struct ps2_mouse, sample));
}

/* What came before a button changed is not reported together with it: after a stall of the host a
 * click and a drag take no time at all, and would be nothing to the guest. */
static void report_before(struct ps2_mouse *m, unsigned buttons)
{
    if (buttons == m->buttons || !is_streaming(m)) return;
    while (something_new(m) && ps2_fifo_room(&m->out) >= sizeof m->packet) put_packet(m);
    if (m->out.count) m->host.ready(m->host.ctx);
}

void ps2_mouse_move(struct ps2_mouse *m, int dx, int dy, int dz, unsigned buttons)
{
    buttons &= m->id == ID_FIVE_BUTTONS ? BUTTONS_ALL : BUTTONS_PLAIN;
    report_before(m, buttons);
    m->buttons = (uint8_t)buttons;
    if (m->reporting || m->remote) {
        m->dx = clamp(m->dx + clamp(dx, -FAR, FAR), -FAR, FAR);
        m->dy = clamp(m->dy - clamp(dy, -FAR, FAR), -FAR, FAR);
        if (m->id != ID_STANDARD) m->dz = clamp(m->dz + clamp(dz, -FAR, FAR), -FAR, FAR);
    }
    stream(m);
}

/* ---- commands -------------------------------------------------------------------------------- */

static void forget_motion(struct ps2_mouse *m)
{
    m->dx = m->dy = m->dz = 0;
    m->reported = m->buttons;
}

static void set_defaults(struct ps2_mouse *m)
{
    m->rate = 100;
    m->resolution = 2;
    m->reporting = m->scaling = m->remote = m->wrap = false;
    forget_motion(m);
    clock_disarm(m->host.clock, &m->sample);       /* the pause of a slower rate */
}

/* Handlers get the parameter, or the fixed value from the table. */
static void cmd_reset(struct ps2_mouse *m, uint8_t id)
{
    set_defaults(m);
    m->id = id;
    clock_arm(m->host.clock, &m->bat, clock_now(m->host.clock) + m->host.bat_time);
}

static void bat_due(struct timer *t, nanos due)
{
    struct ps2_mouse *m = container_of(t, struct ps2_mouse, bat);
    (void)due;
    m->packet_size = 0;
    put_answer(m, PS2_BAT_OK);
    put_answer(m, m->id);
    m->host.ready(m->host.ctx);
}

static void cmd_scaling(struct ps2_mouse *m, uint8_t on) { m->scaling = on; }
static void cmd_resolution(struct ps2_mouse *m, uint8_t value) { m->resolution = value & 3; }
static void cmd_wrap(struct ps2_mouse *m, uint8_t on) { m->wrap = on; }

static void cmd_defaults(struct ps2_mouse *m, uint8_t unused)
{
    (void)unused;
    set_defaults(m);
}

static void cmd_id(struct ps2_mouse *m, uint8_t unused)
{
    (void)unused;
    put_answer(m, m->id);
}

static void cmd_reporting(struct ps2_mouse *m, uint8_t on)
{
    forget_motion(m);
    m->reporting = on;
}

static void cmd_remote(struct ps2_mouse *m, uint8_t on)
{
    forget_motion(m);
    m->remote = on;
}

static void cmd_read(struct ps2_mouse *m, uint8_t unused)
{
    (void)unused;
    put_packet(m);
}

static void cmd_rate(struct ps2_mouse *m, uint8_t p)
{
    if (m->wheel && m->knock[0] == 200 && m->knock[1] == 100 && p == 80) m->id = ID_WHEEL;
    if (m->id == ID_WHEEL && m->knock[0] == 200 && m->knock[1] == 200 && p == 80)
        m->id = ID_FIVE_BUTTONS;
    m->knock[0] = m->knock[1];
    m->knock[1] = p;
    m->rate = p;
}

/* Byte 1 has the buttons in another order than a packet: L M R from bit 2. */
static void cmd_status(struct ps2_mouse *m, uint8_t unused)
{
    (void)unused;
    uint8_t b = m->buttons;
    put_answer(m, (uint8_t)((m->remote ? STATUS_REMOTE : 0) | (m->reporting ? STATUS_ENABLED : 0) |
                     (m->scaling ? STATUS_2_1 : 0) | (b & MOUSE_LEFT ? 4 : 0) |
                     (b & MOUSE_MIDDLE ? 2 : 0) | (b & MOUSE_RIGHT ? 1 : 0)));
    put_answer(m, m->resolution);
    put_answer(m, m->rate);
}

static void cmd_resend(struct ps2_mouse *m, uint8_t unused)
{
    (void)unused;
    for (unsigned i = 0; i < m->packet_size && i < sizeof m->packet; i++) put(m, m->packet[i]);
}

static const struct command {
    uint8_t opcode;
    bool    parameter, ack;
    uint8_t fixed;                         /* the handler's value if there is no parameter */
    void  (*run)(struct ps2_mouse *, uint8_t value);
} commands[] = {
    { SET_1_1,        false, true,  false,       cmd_scaling },
    { SET_2_1,        false, true,  true,        cmd_scaling },
    { SET_RESOLUTION, true,  true,  0,           cmd_resolution },
    { STATUS,         false, true,  0,           cmd_status },
    { SET_STREAM,     false, true,  false,       cmd_remote },
    { READ_DATA,      false, true,  0,           cmd_read },
    { RESET_WRAP,     false, true,  false,       cmd_wrap },
    { SET_WRAP,       false, true,  true,        cmd_wrap },
    { SET_REMOTE,     false, true,  true,        cmd_remote },
    { READ_ID,        false, true,  0,           cmd_id },
    { SET_RATE,       true,  true,  0,           cmd_rate },
    { ENABLE,         false, true,  true,        cmd_reporting },
    { DISABLE,        false, true,  false,       cmd_reporting },
    { DEFAULTS,       false, true,  0,           cmd_defaults },
    { RESEND,         false, false, 0,           cmd_resend },
    { RESET,          false, true,  ID_STANDARD, cmd_reset },
};

static const struct command *find(uint8_t opcode)
{
    for (unsigned i = 0; i < COUNT_OF(commands); i++)
        if (commands[i].opcode == opcode) return &commands[i];
    return NULL;
}

static void run(struct ps2_mouse *m, const struct command *c, uint8_t value)
{
    m->command = 0;
    if (c->ack) {
        put(m, PS2_ACK);
        m->packet_size = 0;
    }
    c->run(m, value);
    if (c->ack && !m->packet_size) m->packet[m->packet_size++] = PS2_ACK;
}

/* It is asked for once more; the second one in a row is an error. */
static void refuse(struct ps2_mouse *m)
{
    m->command = 0;
    put(m, m->refused ? PS2_ERROR : PS2_RESEND);
}

static void receive(struct ps2_mouse *m, uint8_t value)
{
    const struct command *waiting = find(m->command), *c = find(value);
    bool known = c || m->wrap || waiting;
    if (m->wrap && value != RESET && value != RESET_WRAP) {
        put(m, value);
    } else if (m->command && waiting && value != RESET) {
        run(m, waiting, value);
    } else if (c && c->parameter) {
        put(m, PS2_ACK);
        m->command = value;
    } else if (c) {
        run(m, c, c->fixed);
    } else {
        refuse(m);
    }
    m->refused = !known && !m->refused;
}

/* Any byte from the host stops what was being sent. */
void ps2_mouse_write(struct ps2_mouse *m, uint8_t value)
{
    ps2_fifo_clear(&m->out);
    receive(m, value);
    m->host.ready(m->host.ctx);
}

bool ps2_mouse_ready(const struct ps2_mouse *m) { return m->out.count > 0; }

bool ps2_mouse_read(struct ps2_mouse *m, uint8_t *value)
{
    if (!ps2_fifo_get(&m->out, value)) return false;
    stream(m);
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

void ps2_mouse_plug(struct ps2_mouse *m)
{
    m->sample = (struct timer){ .fire = sample_due, .name = "mouse.sample" };
    m->bat = (struct timer){ .fire = bat_due, .name = "mouse.bat" };
}

void ps2_mouse_unplug(struct ps2_mouse *m)
{
    clock_disarm(m->host.clock, &m->sample);
    clock_disarm(m->host.clock, &m->bat);
}

void ps2_mouse_power_on(struct ps2_mouse *m)
{
    ps2_mouse_unplug(m);
    ps2_fifo_clear(&m->out);
    set_defaults(m);
    m->id = ID_STANDARD;
    m->command = m->knock[0] = m->knock[1] = m->packet_size = 0;
    m->refused = false;
}

void ps2_mouse_restored(struct ps2_mouse *m)
{
    if (m->out.count > PS2_FIFO) ps2_fifo_clear(&m->out);
    m->dx = clamp(m->dx, -FAR, FAR);
    m->dy = clamp(m->dy, -FAR, FAR);
    m->dz = clamp(m->dz, -FAR, FAR);
    m->buttons &= BUTTONS_ALL;
    if (m->packet_size > sizeof m->packet) m->packet_size = 0;
    if (m->sample.armed) clock_arm(m->host.clock, &m->sample, m->sample.due);
    if (m->bat.armed) clock_arm(m->host.clock, &m->bat, m->bat.due);
}
