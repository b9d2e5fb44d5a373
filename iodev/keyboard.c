/* SPDX-License-Identifier: MIT
 * Keyboard controller at 60h and 64h, with the keyboard and the mouse behind it.
 * IBM PS/2 Hardware Interface Technical Reference (S85F-1646, 1992), "Keyboard and Auxiliary Device
 * Controller (Type 1)"; Intel 8742 data sheet (1989) for the status register.
 *
 *   keyboard --serial--\                        /-- IRQ 1 / IRQ 12
 *                       >-- [output buffer 60h] --
 *   mouse ----serial---/                        \-- status 64h: bit 0 full, bit 5 from the mouse
 *
 * A byte needs `serial_delay` on the wire and waits there while the output buffer is full. Replies
 * of the controller itself appear at once, or next if the buffer is full.
 *
 * Not implemented: parity and time-out errors, the key of the keyboard lock (never turned).
 */
#include "iodev/board.h"
#include "iodev/ps2.h"

enum { STATUS_OBF = 0x01, STATUS_SYS = 0x04, STATUS_A2 = 0x08, STATUS_UNLOCKED = 0x10,
       STATUS_AUX = 0x20 };
enum { CFG_IRQ1 = 0x01, CFG_IRQ12 = 0x02, CFG_SYS = 0x04, CFG_KBD_OFF = 0x10, CFG_AUX_OFF = 0x20,
       CFG_TRANSLATE = 0x40 };
enum { OUT_RESET = 0x01, OUT_A20 = 0x02, OUT_IRQ1 = 0x10, OUT_IRQ12 = 0x20, OUT_LINES = 0xC0 };
enum { T0_KBD_CLOCK = 0x01, T1_AUX_CLOCK = 0x02 };
enum { IN_UNLOCKED = 0x80, SELF_TEST_OK = 0x55, LINE_OK = 0x00 };
enum { PASSWORD = 0xFA, NO_PASSWORD = 0xF1, RAM_LOCKED = 0x13, RAM_UNLOCKED, RAM_SKIP = 0x16 };
enum { POLL_LOW = 0xC1, POLL_HIGH, DUMPED = 16 };
enum { MAX_DELAY_US = 100000, BAT_BYTES = 4 };

struct keyboard {
    struct device dev;
    struct line   irq1, irq12, a20, cpu_reset;
    struct timer  serial;                  /* a byte is on one of the wires               */
    uint64_t      serial_delay;            /* settings; us                                */
    bool          typematic, mouse_present, wheel;
    bool          full, from_mouse;        /* output buffer                               */
    bool          after_command;           /* the last write went to 64h                  */
    bool          after_break;             /* translation: F0h was swallowed              */
    uint8_t       data;                    /* output buffer                               */
    uint8_t       command;                 /* waits for a byte at 60h; 0 = none           */
    uint8_t       poll;                    /* C1h, C2h: what is in status bits 4-7        */
    uint8_t       output_port;
    uint8_t       ram[32];                 /* byte 0: configuration                       */
    struct ps2_fifo     replies;
    struct ps2_password password;
    struct ps2_keyboard kbd;
    struct ps2_mouse    mouse;
};

static struct keyboard *keyboard_of(struct device *d)
{
    return container_of(d, struct keyboard, dev);
}

static bool cfg(const struct keyboard *k, uint8_t bit) { return k->ram[0] & bit; }

/* ---- output buffer --------------------------------------------------------------------------- */

static void update_irqs(struct keyboard *k)
{
    line_set(&k->irq1, k->full && !k->from_mouse && cfg(k, CFG_IRQ1));
    line_set(&k->irq12, k->full && k->from_mouse && cfg(k, CFG_IRQ12));
}

static bool kbd_waits(const struct keyboard *k)
{
    return !cfg(k, CFG_KBD_OFF) && ps2_keyboard_ready(&k->kbd);
}

static bool mouse_waits(const struct keyboard *k)
{
    return k->mouse_present && !cfg(k, CFG_AUX_OFF) && ps2_mouse_ready(&k->mouse);
}

/* Lets the next byte start on its wire. */
static void pump(struct keyboard *k)
{
    struct clock *clk = board_clock(k->dev.board);
    if (k->full || k->serial.armed || (!kbd_waits(k) && !mouse_waits(k))) return;
    clock_arm(clk, &k->serial, clock_now(clk) + k->serial_delay * 1000);
}

static void device_ready(void *ctx) { pump(ctx); }

static void fill(struct keyboard *k, uint8_t value, bool from_mouse)
{
    k->data = value;
    k->full = true;
    k->from_mouse = from_mouse;
    update_irqs(k);
}

/* A byte of the controller's own; the queue only fills when commands outrun their reader. */
static void reply(struct keyboard *k, uint8_t value)
{
    if (!k->full) fill(k, value, false);
    else ps2_fifo_put(&k->replies, value);
}

/* Behind the password nobody gets what is typed. */
static void fill_keyboard(struct keyboard *k, uint8_t value)
{
    if (!k->password.locked) fill(k, value, false);
    else if (ps2_password_typed(&k->password, value, &k->ram[RAM_SKIP]) && k->ram[RAM_UNLOCKED])
        reply(k, k->ram[RAM_UNLOCKED]);
}

/* Set 2 to set 1: F0h disappears and sets bit 7 of the code behind it. Replies, which come between
 * a prefix and its code at worst, pass through. */
static void fill_translated(struct keyboard *k, uint8_t value)
{
    if (!cfg(k, CFG_TRANSLATE)) {
        fill_keyboard(k, value);
    } else if (value == 0xF0) {
        k->after_break = true;
    } else if (value >= 0x85) {
        fill_keyboard(k, value);
    } else {
        fill_keyboard(k, ps2_set1(value) | (k->after_break ? 0x80 : 0));
        k->after_break = false;
    }
}

static void serial_due(struct timer *t, nanos due)
{
    struct keyboard *k = container_of(t, struct keyboard, serial);
    uint8_t value;
    (void)due;
    if (k->full) return;                   /* a reply overtook it: it goes when that was read */
    if (kbd_waits(k) && ps2_keyboard_read(&k->kbd, &value)) fill_translated(k, value);
    else if (mouse_waits(k) && ps2_mouse_read(&k->mouse, &value) && !k->password.locked)
        fill(k, value, true);
    pump(k);
}

static uint8_t take(struct keyboard *k)
{
    uint8_t next;
    uint8_t value = k->data;
    k->full = false;
    update_irqs(k);
    if (ps2_fifo_get(&k->replies, &next)) fill(k, next, false);
    else pump(k);
    return value;
}

static uint8_t status(const struct keyboard *k)
{
    uint8_t s = STATUS_UNLOCKED;
    if (k->full) s |= STATUS_OBF | (k->from_mouse ? STATUS_AUX : 0);
    if (cfg(k, CFG_SYS)) s |= STATUS_SYS;
    if (k->after_command) s |= STATUS_A2;
    if (k->poll) s = (s & 0x0F) | (uint8_t)(k->poll == POLL_LOW ? IN_UNLOCKED << 4 : IN_UNLOCKED);
    return s;
}

/* ---- commands -------------------------------------------------------------------------------- */

static void set_config(struct keyboard *k, uint8_t value)
{
    if ((value ^ k->ram[0]) & CFG_TRANSLATE) k->after_break = false;
    k->ram[0] = value;
    update_irqs(k);
    pump(k);
}

static void change_config(struct keyboard *k, uint8_t off, uint8_t on)
{
    set_config(k, (k->ram[0] & (uint8_t)~off) | on);
}

/* The processor alone. Chipsets let go of A20 with it, or the reset vector could not be fetched. */
static void pulse_reset(struct keyboard *k)
{
    k->output_port |= OUT_A20;
    line_write(&k->a20, true);
    line_set(&k->cpu_reset, true);
    line_set(&k->cpu_reset, false);
}

static void write_output_port(struct keyboard *k, uint8_t value)
{
    k->output_port = value | OUT_RESET;    /* holding the CPU in reset is no better than a pulse */
    line_write(&k->a20, value & OUT_A20);
    if (!(value & OUT_RESET)) pulse_reset(k);
}

static uint8_t read_output_port(const struct keyboard *k)
{
    uint8_t own = k->output_port & (uint8_t)~(OUT_IRQ1 | OUT_IRQ12 | OUT_LINES);
    return own | OUT_LINES | (k->irq1.level ? OUT_IRQ1 : 0) | (k->irq12.level ? OUT_IRQ12 : 0);
}

static void write_keyboard(struct keyboard *k, uint8_t value)
{
    change_config(k, CFG_KBD_OFF, 0);      /* data for the keyboard opens its interface */
    k->after_break = false;
    ps2_keyboard_write(&k->kbd, value);
}

static void write_mouse(struct keyboard *k, uint8_t value)
{
    change_config(k, CFG_AUX_OFF, 0);
    if (k->mouse_present) ps2_mouse_write(&k->mouse, value);
}

/* Handlers get the byte written to 60h, or the fixed value from the table; k->command is the
 * command they run for. */
static void cmd_reply(struct keyboard *k, uint8_t value) { reply(k, value); }
static void cmd_set(struct keyboard *k, uint8_t bits) { change_config(k, 0, bits); }
static void cmd_clear(struct keyboard *k, uint8_t bits) { change_config(k, bits, 0); }

static void cmd_read_ram(struct keyboard *k, uint8_t unused)
{
    (void)unused;
    reply(k, k->ram[k->command & 31]);
}

static void cmd_write_ram(struct keyboard *k, uint8_t value)
{
    if (k->command & 31) k->ram[k->command & 31] = value;
    else set_config(k, value);
}

static void cmd_self_test(struct keyboard *k, uint8_t result)
{
    change_config(k, 0, CFG_SYS);
    reply(k, result);
}

static void cmd_read_output(struct keyboard *k, uint8_t unused)
{
    (void)unused;
    reply(k, read_output_port(k));
}

/* D2h, D3h: the byte comes back as if the keyboard, or the mouse, had sent it. */
static void cmd_loop_kbd(struct keyboard *k, uint8_t value) { fill(k, value, false); }
static void cmd_loop_mouse(struct keyboard *k, uint8_t value) { fill(k, value, true); }

static void cmd_test_password(struct keyboard *k, uint8_t unused)
{
    (void)unused;
    reply(k, k->password.length ? PASSWORD : NO_PASSWORD);
}

/* Scan codes until a 0: the command goes on waiting. */
static void cmd_load_password(struct keyboard *k, uint8_t code)
{
    ps2_password_load(&k->password, code);
}

static void cmd_lock(struct keyboard *k, uint8_t unused)
{
    (void)unused;
    if (!k->password.length) return;
    k->password.locked = true;
    k->password.matched = 0;
    if (k->ram[RAM_LOCKED]) reply(k, k->ram[RAM_LOCKED]);
}

/* RAM, ports and status. */
static void cmd_dump(struct keyboard *k, uint8_t unused)
{
    uint8_t s = status(k);
    (void)unused;
    for (unsigned i = 0; i < DUMPED; i++) reply(k, k->ram[i]);
    reply(k, IN_UNLOCKED);
    reply(k, read_output_port(k));
    reply(k, s);
}

/* The clock lines: the controller holds one down while its device has to wait. */
static void cmd_test_inputs(struct keyboard *k, uint8_t lines)
{
    if (k->full || cfg(k, CFG_KBD_OFF)) lines &= (uint8_t)~T0_KBD_CLOCK;
    if (k->full || cfg(k, CFG_AUX_OFF)) lines &= (uint8_t)~T1_AUX_CLOCK;
    reply(k, lines);
}

/* The port is seen in the status until the next command. */
static void cmd_poll(struct keyboard *k, uint8_t which) { k->poll = which; }

/* DDh and DFh switch A20 without a second byte; many chipsets have taken this over. */
static void cmd_a20(struct keyboard *k, uint8_t a20)
{
    write_output_port(k, (k->output_port & (uint8_t)~OUT_A20) | a20);
}

/* Bits 0-3 that are 0 pulse low for 6 us; only bit 0 leads anywhere on a PC. */
static void cmd_pulse(struct keyboard *k, uint8_t unused)
{
    (void)unused;
    if (!(k->command & OUT_RESET)) pulse_reset(k);
}

static const struct command {
    uint8_t first, last;
    bool    parameter;
    uint8_t fixed;                         /* the handler's value if there is no parameter */
    void  (*run)(struct keyboard *, uint8_t value);
} commands[] = {
    { 0x20, 0x3F, false, 0,            cmd_read_ram },
    { 0x60, 0x7F, true,  0,            cmd_write_ram },
    { 0xA4, 0xA4, false, 0,            cmd_test_password },
    { 0xA5, 0xA5, true,  0,            cmd_load_password },
    { 0xA6, 0xA6, false, 0,            cmd_lock },
    { 0xA7, 0xA7, false, CFG_AUX_OFF,  cmd_set },
    { 0xA8, 0xA8, false, CFG_AUX_OFF,  cmd_clear },
    { 0xA9, 0xA9, false, LINE_OK,      cmd_reply },
    { 0xAA, 0xAA, false, SELF_TEST_OK, cmd_self_test },
    { 0xAB, 0xAB, false, LINE_OK,      cmd_reply },
    { 0xAC, 0xAC, false, 0,            cmd_dump },
    { 0xAD, 0xAD, false, CFG_KBD_OFF,  cmd_set },
    { 0xAE, 0xAE, false, CFG_KBD_OFF,  cmd_clear },
    { 0xC0, 0xC0, false, IN_UNLOCKED,  cmd_reply },
    { 0xC1, 0xC1, false, POLL_LOW,     cmd_poll },
    { 0xC2, 0xC2, false, POLL_HIGH,    cmd_poll },
    { 0xD0, 0xD0, false, 0,            cmd_read_output },
    { 0xD1, 0xD1, true,  0,            write_output_port },
    { 0xD2, 0xD2, true,  0,            cmd_loop_kbd },
    { 0xD3, 0xD3, true,  0,            cmd_loop_mouse },
    { 0xD4, 0xD4, true,  0,            write_mouse },
    { 0xDD, 0xDD, false, 0,            cmd_a20 },
    { 0xDF, 0xDF, false, OUT_A20,      cmd_a20 },
    { 0xE0, 0xE0, false, T0_KBD_CLOCK | T1_AUX_CLOCK, cmd_test_inputs },
    { 0xF0, 0xFF, false, 0,            cmd_pulse },
};

static const struct command *find(uint8_t command)
{
    for (unsigned i = 0; i < COUNT_OF(commands); i++)
        if (command >= commands[i].first && command <= commands[i].last) return &commands[i];
    return NULL;
}

static void run(struct keyboard *k, const struct command *c, uint8_t value)
{
    bool more = c->run == cmd_load_password && value;
    c->run(k, value);
    if (!more) k->command = 0;
}

static void write_command(struct keyboard *k, uint8_t value)
{
    const struct command *c = find(value);
    k->command = c ? value : 0;
    k->poll = 0;
    k->password.typed = 0;
    if (!c) device_log(&k->dev, LOG_DEBUG, "unknown command %02Xh", value);
    else if (!c->parameter) run(k, c, c->fixed);
}

static void write_data(struct keyboard *k, uint8_t value)
{
    const struct command *c = k->command ? find(k->command) : NULL;
    if (c) run(k, c, value);
    else write_keyboard(k, value);
}

/* ---- ports ----------------------------------------------------------------------------------- */

static uint32_t data_read(struct device *d, uint32_t offset, enum width w)
{
    (void)offset;
    (void)w;
    return keyboard_of(d)->full ? take(keyboard_of(d)) : keyboard_of(d)->data;
}

static void data_write(struct device *d, uint32_t offset, uint32_t value, enum width w)
{
    (void)offset;
    (void)w;
    keyboard_of(d)->after_command = false;
    write_data(keyboard_of(d), (uint8_t)value);
}

static uint32_t data_peek(const struct device *d, uint32_t offset)
{
    (void)offset;
    return container_of(d, const struct keyboard, dev)->data;
}

static uint32_t status_read(struct device *d, uint32_t offset, enum width w)
{
    (void)offset;
    (void)w;
    return status(keyboard_of(d));
}

static void status_write(struct device *d, uint32_t offset, uint32_t value, enum width w)
{
    (void)offset;
    (void)w;
    keyboard_of(d)->after_command = true;
    write_command(keyboard_of(d), (uint8_t)value);
}

static uint32_t status_peek(const struct device *d, uint32_t offset)
{
    (void)offset;
    return status(container_of(d, const struct keyboard, dev));
}

static const struct io_ops data_io = { data_read, data_write, data_peek, BYTE };
static const struct io_ops status_io = { status_read, status_write, status_peek, BYTE };

/* ---- device ---------------------------------------------------------------------------------- */

static void on_key(void *ctx, unsigned usage, bool down)
{
    struct keyboard *k = ctx;
    ps2_keyboard_key(&k->kbd, usage, down);
}

static void on_mouse(void *ctx, int dx, int dy, int dz, unsigned buttons)
{
    struct keyboard *k = ctx;
    if (k->mouse_present) ps2_mouse_move(&k->mouse, dx, dy, dz, buttons);
}

static void plug_devices(struct keyboard *k, struct board *b)
{
    struct ps2_host host = { board_clock(b), device_ready, k, k->serial_delay * 1000 * BAT_BYTES };
    k->kbd.host = k->mouse.host = host;
    k->kbd.typematic = k->typematic;
    k->mouse.wheel = k->wheel;
    ps2_keyboard_plug(&k->kbd);
    ps2_mouse_plug(&k->mouse);
    board_set_input(b, &(struct input){ k, on_key, on_mouse });
}

static bool plug(struct device *d, struct board *b)
{
    struct keyboard *k = keyboard_of(d);
    if (k->serial_delay > MAX_DELAY_US) k->serial_delay = MAX_DELAY_US;
    k->irq1 = board_irq(b, 1);
    k->irq12 = board_irq(b, 12);
    k->a20 = board_wire(b, WIRE_KEYBOARD_A20);
    k->cpu_reset = board_wire(b, WIRE_RESET);
    k->serial = (struct timer){ .fire = serial_due, .name = "keyboard.serial" };
    plug_devices(k, b);
    return board_claim_ports(b, d, 0x60, 1, &data_io) &&
           board_claim_ports(b, d, 0x64, 1, &status_io);
}

/* The pins of the output port float high: A20 is open until software closes it. */
static void reset(struct device *d, enum reset kind)
{
    struct keyboard *k = keyboard_of(d);
    (void)kind;
    clock_disarm(board_clock(d->board), &k->serial);
    for (unsigned i = 0; i < COUNT_OF(k->ram); i++) k->ram[i] = 0;
    k->ram[0] = CFG_IRQ1 | CFG_IRQ12 | CFG_TRANSLATE;
    k->full = k->from_mouse = k->after_command = k->after_break = false;
    k->data = k->command = k->poll = 0;
    k->password = (struct ps2_password){ .length = 0 };
    k->output_port = OUT_RESET | OUT_A20;
    ps2_fifo_clear(&k->replies);
    ps2_keyboard_power_on(&k->kbd);
    ps2_mouse_power_on(&k->mouse);
    update_irqs(k);
    line_set(&k->cpu_reset, false);
    line_write(&k->a20, true);
}

static void restored(struct device *d)
{
    struct keyboard *k = keyboard_of(d);
    if (k->replies.count > PS2_FIFO) ps2_fifo_clear(&k->replies);
    ps2_password_restored(&k->password);
    ps2_keyboard_restored(&k->kbd);
    ps2_mouse_restored(&k->mouse);
    if (k->serial.armed) clock_arm(board_clock(d->board), &k->serial, k->serial.due);
    pump(k);
}

static void unplug(struct device *d)
{
    struct keyboard *k = keyboard_of(d);
    if (!d->board) return;
    clock_disarm(board_clock(d->board), &k->serial);
    ps2_keyboard_unplug(&k->kbd);
    ps2_mouse_unplug(&k->mouse);
}

static const struct prop props[] = {
    { "serial_delay", PROP_UINT, offsetof(struct keyboard, serial_delay), 250, NULL,
      "time of one byte from keyboard or mouse, in microseconds of guest time" },
    { "typematic", PROP_BOOL, offsetof(struct keyboard, typematic), 1, NULL,
      "a key that is held down repeats" },
    { "mouse", PROP_BOOL, offsetof(struct keyboard, mouse_present), 1, NULL,
      "a mouse is plugged in" },
    { "wheel", PROP_BOOL, offsetof(struct keyboard, wheel), 1, NULL,
      "the mouse has a wheel (IntelliMouse)" },
    { 0 },
};

static const struct field state[] = {
    FIELD(struct keyboard, full), FIELD(struct keyboard, from_mouse),
    FIELD(struct keyboard, after_command), FIELD(struct keyboard, after_break),
    FIELD(struct keyboard, data), FIELD(struct keyboard, command), FIELD(struct keyboard, poll),
    PS2_PASSWORD_STATE(struct keyboard, password),
    FIELD(struct keyboard, output_port), FIELD_N(struct keyboard, ram),
    FIELD_N(struct keyboard, replies.data), FIELD(struct keyboard, replies.head),
    FIELD(struct keyboard, replies.count), FIELD_TIMER(struct keyboard, serial),
    PS2_KEYBOARD_STATE(struct keyboard, kbd), PS2_MOUSE_STATE(struct keyboard, mouse),
    FIELD_LINE(struct keyboard, irq1), FIELD_LINE(struct keyboard, irq12),
    FIELD_LINE(struct keyboard, a20), FIELD_LINE(struct keyboard, cpu_reset), { 0 },
};

const struct device_class keyboard_class = {
    .name = "keyboard", .about = "Intel 8042 keyboard controller, PS/2 keyboard and mouse",
    .size = sizeof(struct keyboard), .props = props, .state = state,
    .plug = plug, .reset = reset, .restored = restored, .unplug = unplug,
};
