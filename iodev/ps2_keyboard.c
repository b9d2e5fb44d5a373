/* SPDX-License-Identifier: MIT
 * PS/2 keyboard with 101 to 104 keys: scan code sets 1, 2 and 3, typematic, LEDs.
 * IBM PS/2 Hardware Interface Technical Reference (S85F-1646, 1992), "Keyboards (101- and
 * 102-Key)"; keys by HID usage after Microsoft's "USB HID to PS/2 Scan Code Translation Table"
 * (2004).
 *
 * Not implemented: keys with make codes only (LANG1, LANG2).
 */
#include "iodev/ps2.h"
#include "iodev/ps2_keys.h"

enum { SET_LEDS = 0xED, ECHO = 0xEE, SCAN_SET = 0xF0, READ_ID = 0xF2, SET_RATE, ENABLE, DISABLE,
       DEFAULTS, ALL_TYPEMATIC, ALL_MAKE_BREAK, ALL_MAKE, ALL_BOTH, KEY_TYPEMATIC, KEY_MAKE_BREAK,
       KEY_MAKE, RESEND, RESET };
enum { FIRST_COMMAND = SET_LEDS };
enum { PRINT_PLAIN, PRINT_SHORT, PRINT_SYSRQ };
enum { DEFAULT_RATE = 0x2B, LONGEST = 9 };     /* 500 ms, 10.9/s; break of a grey key in Shift */
enum { LED_NUM_LOCK = 2 };
enum { PLAIN_BREAK = 3, GREY_BREAK = 7, OVERRUN = 1 };     /* bytes, at most */

static bool is_down(const struct ps2_keyboard *k, unsigned usage)
{
    return k->down[usage >> 3 & 31] >> (usage & 7) & 1;
}

static bool any_down(const struct ps2_keyboard *k, unsigned a, unsigned b)
{
    return is_down(k, a) || is_down(k, b);
}

static void set_down(struct ps2_keyboard *k, unsigned usage, bool down)
{
    uint8_t bit = (uint8_t)(1u << (usage & 7));
    uint8_t *byte = &k->down[usage >> 3 & 31];
    *byte = down ? *byte | bit : *byte & (uint8_t)~bit;
}

/* ---- scan codes ------------------------------------------------------------------------------ */

struct codes { uint8_t byte[LONGEST], count; };

static void add(struct codes *c, uint8_t byte)
{
    if (c->count < LONGEST) c->byte[c->count++] = byte;
}

/* One make or break code of set 1 or 2. */
static void add_code(const struct ps2_keyboard *k, struct codes *c, bool extended, uint8_t set2,
                     bool down)
{
    if (extended) add(c, 0xE0);
    if (k->set == 1) {
        add(c, ps2_set1(set2) | (down ? 0 : 0x80));
    } else {
        if (!down) add(c, 0xF0);
        add(c, set2);
    }
}

static void add_shifts(const struct ps2_keyboard *k, struct codes *c, bool down)
{
    if (is_down(k, HID_LEFT_SHIFT)) add_code(k, c, true, 0x12, down);
    if (is_down(k, HID_RIGHT_SHIFT)) add_code(k, c, true, 0x59, down);
}

/* The grey keys were on the keypad once, where Shift and Num Lock made digits of them: with either
 * of them the keyboard takes Shift away, or adds it, for as long as the key is down. The grey / was
 * a key without Shift: Num Lock is nothing to it. */
static void add_grey(const struct ps2_keyboard *k, struct codes *c, unsigned usage, uint8_t set2,
                     bool down, bool repeat)
{
    bool num = k->leds & LED_NUM_LOCK && usage != HID_KEYPAD_SLASH;
    bool shift = any_down(k, HID_LEFT_SHIFT, HID_RIGHT_SHIFT);
    if (down && !repeat && shift && !num) add_shifts(k, c, false);
    if (down && !repeat && num && !shift) add_code(k, c, true, 0x12, true);
    add_code(k, c, true, set2, down);
    if (!down && num && !shift) add_code(k, c, true, 0x12, false);
    if (!down && shift && !num) add_shifts(k, c, true);
}

/* Pause has no break code; with Ctrl it is Break. */
static void add_pause(const struct ps2_keyboard *k, struct codes *c, bool down)
{
    if (!down) return;
    if (any_down(k, HID_LEFT_CTRL, HID_RIGHT_CTRL)) {
        add_code(k, c, true, 0x7E, true);
        add_code(k, c, true, 0x7E, false);
        return;
    }
    add(c, 0xE1);
    add_code(k, c, false, 0x14, true);
    add_code(k, c, false, 0x77, true);
    add(c, 0xE1);
    add_code(k, c, false, 0x14, false);
    add_code(k, c, false, 0x77, false);
}

static uint8_t print_form(const struct ps2_keyboard *k)
{
    if (any_down(k, HID_LEFT_ALT, HID_RIGHT_ALT)) return PRINT_SYSRQ;
    if (any_down(k, HID_LEFT_CTRL, HID_RIGHT_CTRL)) return PRINT_SHORT;
    return any_down(k, HID_LEFT_SHIFT, HID_RIGHT_SHIFT) ? PRINT_SHORT : PRINT_PLAIN;
}

/* Print Screen brings its own shift unless one is held; with Alt it is SysRq. */
static void add_print(struct ps2_keyboard *k, struct codes *c, bool down, bool repeat)
{
    if (down && !repeat) k->print_form = print_form(k);
    bool shift = k->print_form == PRINT_PLAIN;
    if (k->print_form == PRINT_SYSRQ) {
        add_code(k, c, false, 0x84, down);
        return;
    }
    if (shift && down && !repeat) add_code(k, c, true, 0x12, true);
    add_code(k, c, true, 0x7C, down);
    if (shift && !down) add_code(k, c, true, 0x12, false);
}

static void add_set3(const struct ps2_keyboard *k, struct codes *c, uint8_t set3, bool down,
                     bool repeat)
{
    uint8_t mode = k->modes[set3];
    if (!set3 || (repeat && !(mode & KEY_REPEATS)) || (!down && !(mode & KEY_BREAKS))) return;
    if (!down) add(c, 0xF0);
    add(c, set3);
}

static bool is_grey(unsigned usage)
{
    return (usage >= HID_INSERT && usage <= HID_UP) || usage == HID_KEYPAD_SLASH ||
           usage == HID_PRINT_SCREEN;
}

/* For the overrun code and the break codes of all keys that are down. */
static unsigned kept_room(const struct ps2_keyboard *k)
{
    unsigned room = OVERRUN;
    for (unsigned usage = 0; usage < 8 * sizeof k->down; usage++)
        if (is_down(k, usage)) room += is_grey(usage) ? GREY_BREAK : PLAIN_BREAK;
    return room;
}

/* Once for all that is lost until the next key fits. */
static void put_overrun(struct ps2_keyboard *k)
{
    uint8_t code = k->set == 1 ? 0xFF : 0x00;
    if (ps2_fifo_last(&k->keys) == code) return;
    if (ps2_fifo_room(&k->keys) >= kept_room(k)) ps2_fifo_put(&k->keys, code);
}

/* A sequence that does not fit is lost as a whole; the overrun code takes its place. Only a break
 * code may take the room that is kept for break codes, so none is ever lost: no key sticks. */
static bool send_codes(struct ps2_keyboard *k, const struct codes *c, bool down)
{
    unsigned need = c->count + (down ? kept_room(k) : 0);
    if (!c->count) return true;
    if (ps2_fifo_room(&k->keys) < need) return false;
    for (unsigned i = 0; i < c->count; i++) ps2_fifo_put(&k->keys, c->byte[i]);
    k->host.ready(k->host.ctx);
    return true;
}

/* false: there was no room for it. */
static bool send_key(struct ps2_keyboard *k, unsigned usage, bool down, bool repeat)
{
    const struct ps2_key *key = ps2_key(usage);
    struct codes c = { .count = 0 };
    if (!key || !k->scanning) return true;
    if (k->set == 3) add_set3(k, &c, key->set3, down, repeat);
    else if (usage == HID_PAUSE) add_pause(k, &c, down && !repeat);
    else if (usage == HID_PRINT_SCREEN) add_print(k, &c, down, repeat);
    else if (is_grey(usage)) add_grey(k, &c, usage, key->set2, down, repeat);
    else add_code(k, &c, key->extended, key->set2, down);
    return send_codes(k, &c, down);
}

/* ---- typematic ------------------------------------------------------------------------------- */

static nanos repeat_delay(const struct ps2_keyboard *k)
{
    return ((k->rate >> 5 & 3) + 1u) * (SECOND / 4);
}

/* Bits 0-2 A, 3-4 B: a period of (8 + A) * 2^B / 240 s. */
static nanos repeat_period(const struct ps2_keyboard *k)
{
    return muldiv64((uint64_t)(8 + (k->rate & 7)) << (k->rate >> 3 & 3), SECOND, 240);
}

static void repeat_due(struct timer *t, nanos due)
{
    struct ps2_keyboard *k = container_of(t, struct ps2_keyboard, repeat);
    if (!send_key(k, k->held, true, true)) put_overrun(k);
    clock_arm(k->host.clock, t, due + repeat_period(k));
}

static void stop_repeat(struct ps2_keyboard *k)
{
    k->held = 0;
    clock_disarm(k->host.clock, &k->repeat);
}

static void start_repeat(struct ps2_keyboard *k, unsigned usage)
{
    stop_repeat(k);
    if (!k->typematic || !k->scanning || usage == HID_PAUSE) return;
    k->held = (uint8_t)usage;
    clock_arm(k->host.clock, &k->repeat, clock_now(k->host.clock) + repeat_delay(k));
}

/* A front-end's own repeats (down while down) are dropped: the guest gets this keyboard's. A press
 * that is lost was none: its release is not sent either. */
void ps2_keyboard_key(struct ps2_keyboard *k, unsigned usage, bool down)
{
    if (!ps2_key(usage) || is_down(k, usage) == down) return;
    set_down(k, usage, down);
    bool sent = send_key(k, usage, down, false);
    if (down && sent) start_repeat(k, usage);
    else if (k->held == usage) stop_repeat(k);
    if (!down || sent) return;
    set_down(k, usage, false);
    put_overrun(k);
}

/* ---- commands -------------------------------------------------------------------------------- */

static void reply(struct ps2_keyboard *k, uint8_t value) { ps2_fifo_put(&k->replies, value); }

static void all_modes(struct ps2_keyboard *k, uint8_t mode)
{
    for (unsigned i = 0; i < COUNT_OF(k->modes); i++) k->modes[i] = mode;
}

static void default_modes(struct ps2_keyboard *k)
{
    all_modes(k, KEY_REPEATS);
    for (unsigned usage = 0; usage < 256; usage++) {
        const struct ps2_key *key = ps2_key(usage);
        if (key && key->set3) k->modes[key->set3] = key->mode3;
    }
}

static void set_defaults(struct ps2_keyboard *k)
{
    k->rate = DEFAULT_RATE;
    k->set = 2;
    default_modes(k);
    stop_repeat(k);
    ps2_fifo_clear(&k->keys);
}

/* Handlers get the parameter, or the opcode if there is none. */
static void cmd_echo(struct ps2_keyboard *k, uint8_t opcode) { reply(k, opcode); }

static void cmd_leds(struct ps2_keyboard *k, uint8_t leds)
{
    k->leds = leds & 7;
    reply(k, PS2_ACK);
}

static void cmd_rate(struct ps2_keyboard *k, uint8_t rate)
{
    k->rate = rate & 0x7F;
    reply(k, PS2_ACK);
}

static void cmd_resend(struct ps2_keyboard *k, uint8_t opcode)
{
    (void)opcode;
    reply(k, k->last);
}

static void cmd_scan_set(struct ps2_keyboard *k, uint8_t p)
{
    reply(k, p > 3 ? PS2_RESEND : PS2_ACK);
    if (p > 3) return;
    if (!p) {
        reply(k, k->set);
        return;
    }
    k->set = p;
    ps2_fifo_clear(&k->keys);
}

static void cmd_id(struct ps2_keyboard *k, uint8_t opcode)
{
    (void)opcode;
    reply(k, PS2_ACK);
    reply(k, 0xAB);
    reply(k, 0x83);
}

static void cmd_enable(struct ps2_keyboard *k, uint8_t opcode)
{
    (void)opcode;
    ps2_fifo_clear(&k->keys);
    k->scanning = true;
    reply(k, PS2_ACK);
}

static void cmd_defaults(struct ps2_keyboard *k, uint8_t opcode)
{
    set_defaults(k);
    if (opcode == DISABLE) k->scanning = false;
    reply(k, PS2_ACK);
}

static void cmd_reset(struct ps2_keyboard *k, uint8_t opcode)
{
    cmd_defaults(k, opcode);
    k->leds = 0;
    k->scanning = true;
    clock_arm(k->host.clock, &k->bat, clock_now(k->host.clock) + k->host.bat_time);
}

static void bat_due(struct timer *t, nanos due)
{
    struct ps2_keyboard *k = container_of(t, struct ps2_keyboard, bat);
    (void)due;
    reply(k, PS2_BAT_OK);
    k->host.ready(k->host.ctx);
}

/* F7-FA set all keys, FB-FD those whose set 3 codes follow, until the next command. */
static uint8_t mode_of_command(uint8_t opcode)
{
    switch (opcode) {
    case ALL_TYPEMATIC:  case KEY_TYPEMATIC:  return KEY_REPEATS;
    case ALL_MAKE_BREAK: case KEY_MAKE_BREAK: return KEY_BREAKS;
    case ALL_BOTH:                            return KEY_REPEATS | KEY_BREAKS;
    default:                                  return 0;
    }
}

static void cmd_all_keys(struct ps2_keyboard *k, uint8_t opcode)
{
    all_modes(k, mode_of_command(opcode));
    ps2_fifo_clear(&k->keys);
    reply(k, PS2_ACK);
}

static void cmd_one_key(struct ps2_keyboard *k, uint8_t code)
{
    k->modes[code] = mode_of_command(k->command);
    reply(k, PS2_ACK);
}

static const struct command {
    uint8_t opcode;
    bool    parameter, list;               /* list: takes parameters until the next command */
    void  (*run)(struct ps2_keyboard *, uint8_t);   /* the parameter, or the opcode itself  */
} commands[] = {
    { SET_LEDS,       true,  false, cmd_leds },
    { ECHO,           false, false, cmd_echo },
    { SCAN_SET,       true,  false, cmd_scan_set },
    { READ_ID,        false, false, cmd_id },
    { SET_RATE,       true,  false, cmd_rate },
    { ENABLE,         false, false, cmd_enable },
    { DISABLE,        false, false, cmd_defaults },
    { DEFAULTS,       false, false, cmd_defaults },
    { ALL_TYPEMATIC,  false, false, cmd_all_keys },
    { ALL_MAKE_BREAK, false, false, cmd_all_keys },
    { ALL_MAKE,       false, false, cmd_all_keys },
    { ALL_BOTH,       false, false, cmd_all_keys },
    { KEY_TYPEMATIC,  true,  true,  cmd_one_key },
    { KEY_MAKE_BREAK, true,  true,  cmd_one_key },
    { KEY_MAKE,       true,  true,  cmd_one_key },
    { RESEND,         false, false, cmd_resend },
    { RESET,          false, false, cmd_reset },
};

static const struct command *find(uint8_t opcode)
{
    for (unsigned i = 0; i < COUNT_OF(commands); i++)
        if (commands[i].opcode == opcode) return &commands[i];
    return NULL;
}

static void start_command(struct ps2_keyboard *k, uint8_t opcode)
{
    const struct command *c = find(opcode);
    k->command = 0;
    if (!c) {
        reply(k, PS2_RESEND);
    } else if (c->parameter) {
        k->command = opcode;
        reply(k, PS2_ACK);
    } else {
        c->run(k, opcode);
    }
}

/* A command byte where a parameter was due starts that command instead. */
void ps2_keyboard_write(struct ps2_keyboard *k, uint8_t value)
{
    const struct command *waiting = k->command ? find(k->command) : NULL;
    ps2_fifo_clear(&k->replies);
    if (waiting && value < FIRST_COMMAND) {
        waiting->run(k, value);
        if (!waiting->list) k->command = 0;
    } else {
        start_command(k, value);
    }
    k->host.ready(k->host.ctx);
}

bool ps2_keyboard_ready(const struct ps2_keyboard *k) { return k->replies.count || k->keys.count; }

bool ps2_keyboard_read(struct ps2_keyboard *k, uint8_t *value)
{
    if (!ps2_fifo_get(&k->replies, value) && !ps2_fifo_get(&k->keys, value)) return false;
    k->last = *value;
    return true;
}

/* ---- life ------------------------------------------------------------------------------------ */

void ps2_keyboard_plug(struct ps2_keyboard *k)
{
    k->repeat = (struct timer){ .fire = repeat_due, .name = "keyboard.repeat" };
    k->bat = (struct timer){ .fire = bat_due, .name = "keyboard.bat" };
}

void ps2_keyboard_unplug(struct ps2_keyboard *k)
{
    clock_disarm(k->host.clock, &k->repeat);
    clock_disarm(k->host.clock, &k->bat);
}

/* Keys stay down over a reset: fingers do. */
void ps2_keyboard_power_on(struct ps2_keyboard *k)
{
    ps2_keyboard_unplug(k);
    set_defaults(k);
    ps2_fifo_clear(&k->replies);
    k->scanning = true;
    k->command = k->leds = k->last = k->print_form = 0;
}

void ps2_keyboard_restored(struct ps2_keyboard *k)
{
    if (k->replies.count > PS2_FIFO) ps2_fifo_clear(&k->replies);
    if (k->keys.count > PS2_FIFO) ps2_fifo_clear(&k->keys);
    if (k->set < 1 || k->set > 3) k->set = 2;
    if (k->repeat.armed) clock_arm(k->host.clock, &k->repeat, k->repeat.due);
    if (k->bat.armed) clock_arm(k->host.clock, &k->bat, k->bat.due);
}
