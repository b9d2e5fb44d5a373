/* SPDX-License-Identifier: MIT
 * Fuzz target: the video card. The input is a list of what a guest does and when somebody looks:
 *
 *   op: bits 0-3 what, bits 4-7 number n
 *   0 indexed register of 3C4h, 3CEh, 3D4h, 3B4h (n): index, value
 *   1 write port 3B0h + v: v, value
 *   2 read port 3B0h + v: v
 *   3 attribute register n (bit 7 of the first byte: + 16): v, value
 *   4 DISPI register n: value (2)    5 port 1CEh + n, n bit 2 a byte, else a word: value (2)
 *   6 write BAR 2: offset (2), value (2), n the width      7 read it: offset (2)
 *   8 write memory: where (n bits 0-1: A0000h, B8000h, framebuffer, all of it), offset (3), value,
 *     run
 *   9 read memory: where, offset (3)                      10 time passes: 2^n ms
 *  11 look: n bit 0 all, bit 1 text only                  12 a BIOS mode (n), small
 *  13 a DISPI mode: width / 2, height / 2, depth (n), flags
 *  14 PCI configuration: offset, value (4)
 *  15 palette: index, 3 bytes (n 15: reset of the board)
 *
 * A look may change nothing that a guest could see, stays within the frame, and drawing what
 * changed gives the same picture as drawing all. Pictures are kept small, by the registers, but for
 * one input in 512. Afterwards a reset and text mode, whose first character has to be readable as
 * text.
 */
#include "tests/fuzz/script.h"
#include "tests/unit/iodev/vga_bench.h"

enum { FRAMEBUFFER = 0xE0000000, REGISTERS = 0xF0000000, LONGEST = 120, SMALL = 2304,
       KEPT = 1 << 17, VRAM = 1 << 20 };

static struct board *b;
static struct vga *v;
static bool moved, large_wanted;           /* a BAR is elsewhere; this input draws what it likes */
static uint64_t written[VRAM >> 18];       /* pages of VRAM, since the last clear_memory() */

/* ---- the world ------------------------------------------------------------------------------- */

static void place_bars(void)
{
    fake_pci_write(b, 2, 0, 0x04, 0, WORD);
    fake_pci_write(b, 2, 0, 0x10, FRAMEBUFFER, DWORD);
    fake_pci_write(b, 2, 0, 0x18, REGISTERS, DWORD);
    fake_pci_write(b, 2, 0, 0x04, 2, WORD);
    moved = false;
}

static void build(void)
{
    b = fake_new(1 << 16);
    struct device *d = fake_plug(b, &vga_class, "vram", "1", "mmio", "1", NULL);
    require(d, "the card cannot be plugged in");
    v = vga_of(d);
    place_bars();
}

/* What was written through the window is in the card's own list until somebody looks. */
static void note_window(void)
{
    for (unsigned i = 0; i < COUNT_OF(written); i++) written[i] |= v->dirty[i];
}

static void note_page(size_t at)
{
    if (at < VRAM) written[at >> 18] |= 1ull << (at >> 12 & 63);
}

/* Written as plain RAM: the framebuffer, or the window while it is an aperture. */
static void note_ram(uint64_t at)
{
    if (at >= FRAMEBUFFER && at < FRAMEBUFFER + VRAM) note_page(at - FRAMEBUFFER);
    if (v->aperture && at >= 0xA0000 && at < 0xB0000) note_page(v->aperture_at + (at - 0xA0000));
    if (moved) memset(written, 0xFF, sizeof written);
}

/* Page by page: much faster than all of it. */
static void clear_memory(void)
{
    note_window();
    for (size_t page = 0; page < VRAM >> 12; page++)
        if (written[page / 64] >> page % 64 & 1) memset(v->vram + (page << 12), 0, 4096);
    memset(written, 0, sizeof written);
}

static void start_anew(const uint8_t *data, size_t size)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < size; i++) sum = sum * 16777619u + data[i];
    large_wanted = !(sum * 0x9E3779B1u >> 23);
    if (!b) build();
    if (moved) place_bars();
    b->clock.now = 0;
    clear_memory();
    fake_reset(b, RESET_HARD);
}

/* ---- looking --------------------------------------------------------------------------------- */

/* As a guest would make it smaller. */
static void keep_small(void)
{
    struct picture p;
    vga_picture(v, &p);
    if (large_wanted || p.width * p.height <= SMALL) return;
    if (vga_is_dispi(v)) {
        set_dispi(b, DISPI_YRES, 16);
        set_dispi(b, DISPI_XRES, 96);
        return;
    }
    fake_out8(b, 0x3C3, SUBSYSTEM_ENABLED);
    fake_out8(b, 0x3C2, v->misc | MISC_COLOR);
    set_crtc(b, CR_RETRACE_END, v->crtc[CR_RETRACE_END] & 0x7F);
    set_crtc(b, CR_HDISP_END, 3);
    set_crtc(b, CR_OVERFLOW, v->crtc[CR_OVERFLOW] & ~0x42u);
    set_crtc(b, CR_VDISP_END, 27);
}

static void check_frame(const struct screen_frame *f)
{
    require(f->width <= VGA_MAX_WIDTH && f->height <= VGA_MAX_HEIGHT, "a frame is too large");
    require(!f->width == !f->height, "half a frame");
    require(f->first_row + f->row_count <= f->height, "rows changed that are not there");
    require(!f->width || f->pixels, "a frame without pixels");
    if (!f->text.columns) return;
    require(f->text.rows <= f->height, "more rows of text than lines");
    require(!f->text.cursor_visible || f->text.cursor_row < f->text.rows, "the cursor is outside");
    volatile uint16_t last = f->text.cells[f->text.columns * f->text.rows - 1];
    (void)last;
}

static struct screen_frame look(unsigned flags)
{
    static uint8_t before[offsetof(struct vga, vram) - offsetof(struct vga, misc)];
    struct screen_frame f;
    keep_small();
    note_window();
    memcpy(before, &v->misc, sizeof before);
    b->screen.draw(b->screen.ctx, &f, flags & 1, flags & 2);
    require(!memcmp(before, &v->misc, sizeof before), "a look changed registers");
    check_frame(&f);
    return f;
}

static void check_picture(void)
{
    static uint32_t kept[KEPT];
    struct screen_frame f = look(0);
    size_t size = (size_t)f.width * f.height;
    if (!size || size > KEPT) return;
    memcpy(kept, f.pixels, size * sizeof *kept);
    v->redraw = true;
    f = look(0);
    require(!memcmp(kept, f.pixels, size * sizeof *kept), "what changed was not drawn");
}

/* ---- what happens ---------------------------------------------------------------------------- */

static uint64_t place(struct script *in, unsigned n)
{
    static const uint64_t base[4] = { 0xA0000, 0xB8000, FRAMEBUFFER, FRAMEBUFFER };
    uint32_t offset = take8(in);
    offset |= (uint32_t)take16(in) << 8;
    return base[n & 3] + (offset & ((n & 3) < 2 ? 0x7FFF : (n & 3) == 2 ? 0x3FFF : 0x1FFFFF));
}

static void write_memory(struct script *in, unsigned n)
{
    static const enum width width[4] = { BYTE, WORD, DWORD, QWORD };
    uint64_t at = place(in, n);
    uint8_t value = take8(in), run = take8(in) & 15;
    for (unsigned i = 0; i <= run; i++, at += width[n >> 2]) {
        note_ram(at);
        note_ram(at + width[n >> 2] - 1);
        memory_write(b->memory, at, value * 0x0101010101010101u + i, width[n >> 2]);
    }
}

static void bios_mode(unsigned n)
{
    static const struct vga_mode *const modes[] = { &mode_3, &mode_4, &mode_12, &mode_13 };
    set_dispi(b, DISPI_ENABLE, 0);
    set_registers(b, modes[n & 3]);
    for (unsigned i = 0; i < sizeof v->dac.palette; i++)
        v->dac.palette[i] = (uint8_t)(i * 37 & 0x3F);
    set_crtc(b, CR_RETRACE_END, 0x0E);
    set_crtc(b, CR_HDISP_END, 3);
    set_crtc(b, CR_OVERFLOW, 0x10);
    set_crtc(b, CR_VDISP_END, 27 + (n & 4));
}

static void dispi_mode(struct script *in, unsigned n)
{
    static const unsigned depth[8] = { 4, 8, 15, 16, 24, 32, 8, 32 };
    unsigned width = take8(in) * 2u, height = take8(in) * 2u;
    set_svga(b, width, height, depth[n & 7], take8(in));
}

static void configure(struct script *in)
{
    uint8_t offset = take8(in);
    fake_pci_write(b, 2, 0, offset & 0xFCu, take32(in), DWORD);
    moved = true;
}

static void palette(struct script *in, unsigned n)
{
    if (n == 15) {
        clear_memory();
        fake_reset(b, RESET_HARD);
        return;
    }
    fake_out8(b, (uint16_t)(n & 1 ? 0x3C7 : 0x3C8), take8(in));
    for (unsigned i = 0; i < 3; i++)
        if (n & 2) fake_in8(b, 0x3C9);
        else fake_out8(b, 0x3C9, take8(in));
}

static void write_registers(struct script *in, unsigned n)
{
    uint16_t offset = take16(in) & 0xFFF;
    memory_write(b->memory, REGISTERS + offset, take16(in), (enum width)(1u << (n & 3)));
}

static void act(struct script *in)
{
    static const uint16_t indexed[4] = { 0x3C4, 0x3CE, 0x3D4, 0x3B4 };
    uint8_t op = take8(in), n = op >> 4, at;
    switch (op & 15) {
    case 0: fake_out16(b, indexed[n & 3], take16(in)); break;
    case 1:
        at = take8(in);
        fake_out8(b, (uint16_t)(0x3B0 + at % 0x30), take8(in));
        break;
    case 2: fake_in8(b, (uint16_t)(0x3B0 + take8(in) % 0x30)); break;
    case 3:
        at = take8(in);
        set_attr(b, n + (at & 0x80 ? 16u : 0), take8(in));
        break;
    case 4: set_dispi(b, n, take16(in)); break;
    case 5: fake_out(b, (uint16_t)(0x1CE + (n & 3)), take16(in), n & 4 ? BYTE : WORD); break;
    case 6: write_registers(in, n); break;
    case 7:
        memory_read(b->memory, REGISTERS + (take16(in) & 0xFFFu), (enum width)(1u << (n & 3)));
        break;
    case 8: write_memory(in, n); break;
    case 9: memory_read(b->memory, place(in, n), (enum width)(1u << (n >> 2))); break;
    case 10: fake_advance(b, (nanos)1000000 << n); break;
    case 11: look(n); break;
    case 12: bios_mode(n); break;
    case 13: dispi_mode(in, n); break;
    case 14: configure(in); break;
    case 15: palette(in, n); break;
    }
}

/* ---- what must hold -------------------------------------------------------------------------- */

static void check_text_mode(void)
{
    fake_reset(b, RESET_HARD);
    if (moved) place_bars();
    require(get_dispi(b, DISPI_ID) == 0xB0C5, "DISPI is gone");
    bios_mode(0);
    memory_write(b->memory, 0xB8000, 0x0741, WORD);
    require(memory_read(b->memory, 0xB8000, WORD) == 0x0741, "text memory does not hold its text");
    struct screen_frame f = look(2);
    require(f.text.columns == 4 && f.text.rows == 1, "text mode has another size");
    require(f.text.cells[0] == 0x0741, "the text cannot be read");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct script in = { data, data + size };
    start_anew(data, size);
    for (unsigned i = 0; i < LONGEST && script_more(&in); i++) act(&in);
    check_picture();
    check_text_mode();
    return 0;
}
