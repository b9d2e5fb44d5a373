/* SPDX-License-Identifier: MIT
 * The "VBE DISPI" interface: a handful of 16-bit registers that set SVGA modes.
 * Bochs VBE display API (vbe_display_api.txt, J. Timmermans and others, version B0C5, 2012).
 *
 *   1CEh index   1CFh data (1D0h: the same, where 1CFh would be misaligned)
 *
 * Not implemented: DDC (index 0Bh).
 */
#include "iodev/vga/vga.h"

#include <string.h>

enum { ID_FIRST = 0xB0C0, ID_LAST = 0xB0C5, MAX_XRES = 2560, MAX_YRES = 1600, MAX_BPP = 32 };
enum { BANK_READ = 0x8000, BANK_WRITE = 0x4000, BANK_NUMBER = 0x3FFF };
enum { ENABLE_KEPT = DISPI_ENABLED | DISPI_GETCAPS | DISPI_BANK_32K | DISPI_8BIT_DAC | DISPI_LFB |
                     DISPI_NOCLEAR };

static bool valid_bpp(unsigned bpp)
{
    return bpp == 4 || bpp == 8 || bpp == 15 || bpp == 16 || bpp == 24 || bpp == 32;
}

size_t vga_dispi_pitch(const struct vga *v, unsigned width)
{
    unsigned bpp = v->dispi.reg[DISPI_BPP];
    return bpp == 4 ? width / 8u : (size_t)width * ((bpp + 7) / 8);
}

/* Bytes that a mode of this pitch may use: planar ones count per plane. */
static size_t memory_for_pixels(const struct vga *v)
{
    return v->dispi.reg[DISPI_BPP] == 4 ? v->vram_size / 4 : v->vram_size;
}

static bool fits(const struct vga *v, unsigned width)
{
    size_t pitch = vga_dispi_pitch(v, width);
    return pitch && pitch * v->dispi.reg[DISPI_YRES] <= memory_for_pixels(v);
}

static void set_virtual_width(struct vga *v, unsigned width)
{
    size_t height = memory_for_pixels(v) / vga_dispi_pitch(v, width);
    v->dispi.reg[DISPI_VIRT_WIDTH] = (uint16_t)width;
    v->dispi.reg[DISPI_VIRT_HEIGHT] = (uint16_t)(height < 0xFFFF ? height : 0xFFFF);
}

static unsigned bank_shift(const struct vga *v)
{
    return v->dispi.reg[DISPI_ENABLE] & DISPI_BANK_32K ? 15 : 16;
}

/* Since B0C5h the upper bits say whose bank it is; neither of them (older users): both. They are
 * not read back: video BIOSes compare the register with the bank that they asked for, which is
 * also how they learn that it does not exist. */
static void set_bank(struct vga *v, uint16_t value)
{
    uint16_t which = value & (BANK_READ | BANK_WRITE), bank = value & BANK_NUMBER;
    if ((size_t)bank << bank_shift(v) >= memory_for_pixels(v)) return;
    v->dispi.reg[DISPI_BANK] = bank;
    if (!which || which & BANK_READ) v->dispi.read_bank = bank;
    if (!which || which & BANK_WRITE) v->dispi.write_bank = bank;
}

/* A mode starts with the whole memory at its upper left corner. */
static void start_mode(struct vga *v)
{
    set_virtual_width(v, v->dispi.reg[DISPI_XRES]);
    v->dispi.reg[DISPI_X_OFFSET] = v->dispi.reg[DISPI_Y_OFFSET] = 0;
    set_bank(v, 0);
    if (v->dispi.reg[DISPI_ENABLE] & DISPI_NOCLEAR) return;
    memset(v->vram, 0, v->vram_size);
    v->redraw = true;
}

static void write_enable(struct vga *v, uint16_t value)
{
    bool was = vga_is_dispi(v);
    if ((v->dispi.reg[DISPI_ENABLE] ^ value) & DISPI_ENABLED) vga_forget_writes(v);
    if (value & DISPI_ENABLED && !was && !fits(v, v->dispi.reg[DISPI_XRES])) {
        device_log(&v->dev, LOG_WARN, "mode %ux%u with %u bits per pixel needs more than %zu bytes",
                   v->dispi.reg[DISPI_XRES], v->dispi.reg[DISPI_YRES], v->dispi.reg[DISPI_BPP],
                   v->vram_size);
        value &= (uint16_t)~DISPI_ENABLED;
    }
    v->dispi.reg[DISPI_ENABLE] = value & ENABLE_KEPT;
    if (vga_is_dispi(v) && !was) start_mode(v);
}

/* Guests that change the size of a running mode get a new one, or the old one if it is too big. */
static void write_size(struct vga *v, unsigned index, uint16_t value, bool valid)
{
    uint16_t before = v->dispi.reg[index];
    if (!valid) {
        device_log(&v->dev, LOG_WARN, "DISPI register %u refuses %u", index, value);
        return;
    }
    if (value == before) return;
    v->dispi.reg[index] = value;
    if (!vga_is_dispi(v)) return;
    vga_forget_writes(v);
    if (fits(v, v->dispi.reg[DISPI_XRES])) set_virtual_width(v, v->dispi.reg[DISPI_XRES]);
    else v->dispi.reg[index] = before;
}

static void write_virtual_width(struct vga *v, uint16_t value)
{
    if (!vga_is_dispi(v)) v->dispi.reg[DISPI_VIRT_WIDTH] = value;
    else if (value >= v->dispi.reg[DISPI_XRES] && fits(v, value)) set_virtual_width(v, value);
    else device_log(&v->dev, LOG_WARN, "virtual width %u refused", value);
}

void vga_dispi_write(struct vga *v, unsigned index, uint16_t value)
{
    switch (index) {
    case DISPI_ID:
        if (value >= ID_FIRST && value <= ID_LAST) v->dispi.reg[DISPI_ID] = value;
        break;
    case DISPI_XRES: write_size(v, index, value, value && value <= MAX_XRES); break;
    case DISPI_YRES: write_size(v, index, value, value && value <= MAX_YRES); break;
    case DISPI_BPP:
        if (!value) value = 8;             /* what B0C0h meant by 0 */
        write_size(v, index, value, valid_bpp(value));
        break;
    case DISPI_ENABLE: write_enable(v, value); break;
    case DISPI_VIRT_WIDTH: write_virtual_width(v, value); break;
    case DISPI_BANK: set_bank(v, value); break;
    case DISPI_X_OFFSET:
    case DISPI_Y_OFFSET: v->dispi.reg[index] = value; break;   /* any: users mask the sum */
    default: break;                        /* read-only */
    }
    vga_aperture_update(v);
}

uint16_t vga_dispi_read(const struct vga *v, unsigned index)
{
    bool caps = v->dispi.reg[DISPI_ENABLE] & DISPI_GETCAPS;
    if (caps && index == DISPI_XRES) return MAX_XRES;
    if (caps && index == DISPI_YRES) return MAX_YRES;
    if (caps && index == DISPI_BPP) return MAX_BPP;
    if (index == DISPI_MEMORY_64K) return (uint16_t)(v->vram_size >> 16);
    return index < DISPI_COUNT ? v->dispi.reg[index] : 0;
}

size_t vga_dispi_bank(const struct vga *v, bool write)
{
    size_t bank = write ? v->dispi.write_bank : v->dispi.read_bank;
    return bank << bank_shift(v);
}

void vga_dispi_reset(struct vga *v)
{
    memset(&v->dispi, 0, sizeof v->dispi);
    v->dispi.reg[DISPI_ID] = ID_LAST;
    v->dispi.reg[DISPI_XRES] = 640;
    v->dispi.reg[DISPI_YRES] = 480;
    v->dispi.reg[DISPI_BPP] = 8;
}

/* A loaded mode is checked as if a guest had set it. */
void vga_dispi_restored(struct vga *v)
{
    const uint16_t *r = v->dispi.reg;
    bool sane = r[DISPI_XRES] && r[DISPI_XRES] <= MAX_XRES && r[DISPI_YRES] &&
                r[DISPI_YRES] <= MAX_YRES && valid_bpp(r[DISPI_BPP]);
    if (sane && vga_is_dispi(v))
        sane = r[DISPI_VIRT_WIDTH] >= r[DISPI_XRES] && fits(v, r[DISPI_VIRT_WIDTH]);
    if (sane) return;
    device_log(&v->dev, LOG_WARN, "impossible DISPI mode in the snapshot: switched off");
    vga_dispi_reset(v);
}

/* ---- ports ----------------------------------------------------------------------------------- */

static uint32_t dispi_peek(const struct device *d, uint32_t offset)
{
    const struct vga *v = vga_of_const(d);
    return offset ? vga_dispi_read(v, v->dispi.index) : v->dispi.index;
}

static uint32_t dispi_read(struct device *d, uint32_t offset, enum width width)
{
    (void)width;
    return dispi_peek(d, offset);
}

static void dispi_write(struct device *d, uint32_t offset, uint32_t value, enum width width)
{
    struct vga *v = vga_of(d);
    (void)width;
    if (offset) vga_dispi_write(v, v->dispi.index, (uint16_t)value);
    else v->dispi.index = (uint16_t)value;
}

const struct io_ops vga_dispi_ports = { dispi_read, dispi_write, dispi_peek, BYTE | WORD };
