/* SPDX-License-Identifier: MIT
 * Fuzz target: the keyboard controller with keyboard and mouse, and port 92h.
 * The input is a list of what a guest and its user do:
 *
 *   op: bits 0-3 what, bits 4-7 number n
 *   0 write 60h: value         1 write 64h: value       2 read 60h, n + 1 times    3 read 64h
 *   4 write 92h: value         5 read 92h               6 key down: HID usage      7 key up: usage
 *   8 mouse: dx, dy, wheel (signed), buttons            9 time passes: 2^n * 50 us
 *  10 to the keyboard, answers read: value             11 to the mouse, answers read: value
 *  12 reset of the board       13 mouse far: dx, dy (4 each)      14 peek both ports
 *
 * After each: at most one interrupt, and only with a byte of its device in the output buffer; the
 * processor's reset is never left pulled. Afterwards (after a reset, if a password locked all) the
 * guest takes the controller over as systems do (both devices off, output buffer read empty,
 * self-test), resets keyboard and mouse, and gets one key and one motion.
 */
#include "tests/fuzz/script.h"
#include "tests/unit/fake_board.h"

extern const struct device_class keyboard_class, port92_class;

enum { LONGEST = 200, KEY_A = 4, US = 1000 };
enum { FULL = 0x01, AUX = 0x20, CONFIG = 0x47, SYSTEM = 0x04, BOTH_OFF = 0x30 };

static struct board *b;
static struct device *controller;
static bool held[256];
/* C1h, C2h: the status shows other bits; A6h: a password may be wanted. */
static bool polled, locked;

static void press(unsigned usage, bool down)
{
    held[usage & 255] = down;
    fake_key(b, usage & 255, down);
}

static void command(uint8_t value)
{
    polled = value == 0xC1 || value == 0xC2;
    locked |= value == 0xA6;
    fake_out8(b, 0x64, value);
}

static void restart(enum reset kind)
{
    fake_reset(b, kind);
    polled = locked = false;
}

static void let_go(void)
{
    for (unsigned usage = 0; usage < 256; usage++)
        if (held[usage]) press(usage, false);
    fake_mouse(b, 0, 0, 0, 0);
}

static void start_anew(void)
{
    if (!b) {
        b = fake_new(1 << 16);
        controller = fake_plug(b, &keyboard_class, NULL);
        require(controller && fake_plug(b, &port92_class, NULL), "the chips cannot be plugged in");
    }
    let_go();
    restart(RESET_POWER);
    require(!b->clock.first, "something goes on after a reset");
    b->clock.now = 0;
}

/* ---- what happens ---------------------------------------------------------------------------- */

static void read_answers(void)
{
    for (unsigned i = 0; i < 6; i++) {
        fake_advance(b, 300 * US);
        if (fake_in8(b, 0x64) & FULL) fake_in8(b, 0x60);
    }
}

static void move_mouse(struct script *in)
{
    int dx = (int8_t)take8(in), dy = (int8_t)take8(in), dz = (int8_t)take8(in);
    fake_mouse(b, dx, dy, dz, take8(in));
}

static void move_mouse_far(struct script *in)
{
    int dx = (int)take32(in);
    fake_mouse(b, dx, (int)take32(in), dx, 0);
}

static void peek(void)
{
    uint64_t hash = device_hash(controller, 0);
    fake_peek(b, 0x60);
    fake_peek(b, 0x64);
    fake_in8(b, 0x64);
    require(device_hash(controller, 0) == hash, "looking changes the controller");
}

static void act(struct script *in)
{
    uint8_t op = take8(in), n = op >> 4;
    switch (op & 15) {
    case 0: fake_out8(b, 0x60, take8(in)); break;
    case 1: command(take8(in)); break;
    case 2: for (unsigned i = 0; i <= n; i++) fake_in8(b, 0x60); break;
    case 3: fake_in8(b, 0x64); break;
    case 4: fake_out8(b, 0x92, take8(in)); break;
    case 5: fake_in8(b, 0x92); break;
    case 6: press(take8(in), true); break;
    case 7: press(take8(in), false); break;
    case 8: move_mouse(in); break;
    case 9: fake_advance(b, (nanos)50 * US << n); break;
    case 10:
        fake_out8(b, 0x60, take8(in));
        read_answers();
        break;
    case 11:
        command(0xD4);
        fake_out8(b, 0x60, take8(in));
        read_answers();
        break;
    case 12: restart(n ? RESET_HARD : RESET_POWER); break;
    case 13: move_mouse_far(in); break;
    case 14: peek(); break;
    }
}

static void check_lines(void)
{
    bool key = fake_irq(b, 1), mouse = fake_irq(b, 12);
    uint8_t status = fake_in8(b, 0x64);
    require(!(key && mouse), "both interrupts at once");
    require(!(key || mouse) || status & FULL, "an interrupt and an empty buffer");
    require(!key || polled || !(status & AUX), "IRQ 1 for the mouse");
    require(!mouse || polled || status & AUX, "IRQ 12 for the keyboard");
    require(!fake_wire(b, WIRE_RESET), "the processor is held in reset");
}

/* ---- what must hold -------------------------------------------------------------------------- */

static uint8_t take_answer(void)
{
    require((fake_in8(b, 0x64) & (FULL | AUX)) == FULL, "the controller does not answer at once");
    return fake_in8(b, 0x60);
}

/* Bytes of the other device are passed over. */
static void expect(uint8_t aux, uint8_t value, const char *what)
{
    for (unsigned i = 0; i < 200; i++) {
        uint8_t status = fake_in8(b, 0x64);
        if (status & FULL) {
            uint8_t byte = fake_in8(b, 0x60);
            if ((status & AUX) != aux) continue;
            require(byte == value, what);
            return;
        }
        fake_advance(b, 100 * US);
    }
    require(false, what);
}

static void take_over(void)
{
    unsigned bytes = 0;
    if (locked) restart(RESET_HARD);
    command(0xAD);
    command(0xA7);
    while (fake_in8(b, 0x64) & FULL && bytes++ < 100) fake_in8(b, 0x60);
    require(bytes < 100, "the output buffer never becomes empty");
    fake_out8(b, 0x64, 0xAA);
    require(take_answer() == 0x55, "the self-test fails");
    fake_out8(b, 0x64, 0x20);
    require((take_answer() & (BOTH_OFF | SYSTEM)) == (BOTH_OFF | SYSTEM),
            "the self-test left a device on");
    fake_out8(b, 0x64, 0x60);
    fake_out8(b, 0x60, CONFIG);
}

static void mouse_command(uint8_t value)
{
    fake_out8(b, 0x64, 0xD4);
    fake_out8(b, 0x60, value);
    expect(AUX, 0xFA, "the mouse does not acknowledge");
}

static void check_devices(void)
{
    fake_out8(b, 0x60, 0xFF);
    expect(0, 0xFA, "the keyboard does not acknowledge");
    expect(0, 0xAA, "the keyboard's self-test fails");
    mouse_command(0xFF);
    expect(AUX, 0xAA, "the mouse's self-test fails");
    expect(AUX, 0x00, "the mouse has no identity");
    mouse_command(0xF4);
    fake_mouse(b, 5, 3, 0, 1);
    expect(AUX, 0x29, "a motion is not reported");
    expect(AUX, 5, "a motion to the right is not reported");
    expect(AUX, 0xFD, "a motion down is not reported");
    fake_key(b, KEY_A, true);
    expect(0, 0x1E, "a key's make code does not come");
    fake_key(b, KEY_A, false);
    expect(0, 0x9E, "a key's break code does not come");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script in = { data, data + size };
    start_anew();
    for (unsigned i = 0; i < LONGEST && script_more(&in); i++) {
        act(&in);
        check_lines();
    }
    let_go();
    take_over();
    check_devices();
    check_lines();
    return 0;
}
