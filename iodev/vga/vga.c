/* SPDX-License-Identifier: MIT
 * The video card: a VGA with Bochs' DISPI registers for SVGA modes.
 * IBM PS/2 Hardware Interface Technical Reference, Video Subsystems (S42G-2193, 1992).
 * This file: ports, settings, reset, state. vga.h draws the map of the others.
 *
 * Not implemented: feature control (stored only).
 */
#include "iodev/vga/vga.h"

#include <stdlib.h>
#include <string.h>

enum { MONO_BASE = 0x3B0, MAIN_BASE = 0x3C0, COLOR_BASE = 0x3D0 };
enum { SUBSYSTEM = 0x3C3 };
enum { SENSE = 0x10, VERTICAL_INTERRUPT = 0x80 };      /* status 0: always a colour monitor */

/* The CRTC and status 1 live at 3Bxh or 3Dxh (miscellaneous output, bit 0): 3B4h -> 3D4h. 0: here
 * is nothing now. */
static unsigned active_port(const struct vga *v, unsigned port)
{
    bool color = v->misc & MISC_COLOR;
    if (!(v->subsystem & SUBSYSTEM_ENABLED)) return port == SUBSYSTEM ? port : 0;
    if (port >= COLOR_BASE) return color ? port : 0;
    if (port < MAIN_BASE) return color ? 0 : port + (COLOR_BASE - MONO_BASE);
    return port;
}

uint8_t vga_port_peek(const struct vga *v, unsigned port)
{
    switch (active_port(v, port)) {
    case 0x3C0: return v->attr_index;
    case 0x3C1: return vga_attr_read(v);
    case 0x3C2: return SENSE | (vga_interrupt_pending(v) ? VERTICAL_INTERRUPT : 0);
    case 0x3C3: return v->subsystem;
    case 0x3C4: return v->seq_index;
    case 0x3C5: return vga_seq_read(v);
    case 0x3C6: case 0x3C7: case 0x3C8: case 0x3C9: return vga_dac_peek(v, port);
    case 0x3CA: return v->feature;
    case 0x3CC: return v->misc;
    case 0x3CE: return v->gfx_index;
    case 0x3CF: return vga_gfx_read(v);
    case 0x3D4: return v->crtc_index;
    case 0x3D5: return vga_crtc_read(v);
    case 0x3DA: return vga_status1(v);
    default:    return 0xFF;
    }
}

uint8_t vga_port_read(struct vga *v, unsigned port)
{
    uint8_t value = vga_port_peek(v, port);
    port = active_port(v, port);
    if (port == 0x3C9) vga_dac_next(v);
    if (port == 0x3DA) v->attr_data = false;
    return value;
}

void vga_port_write(struct vga *v, unsigned port, uint8_t value)
{
    switch (active_port(v, port)) {
    case 0x3C0: vga_attr_write(v, value); break;
    case 0x3C2:
        if ((v->misc ^ value) & MISC_CLOCK) vga_forget_writes(v);
        v->misc = value;
        vga_aperture_update(v);
        break;
    case 0x3C3:
        v->subsystem = value & SUBSYSTEM_ENABLED;
        vga_aperture_update(v);
        break;
    case 0x3C4: v->seq_index = value; break;
    case 0x3C5: vga_seq_write(v, value); break;
    case 0x3C6: case 0x3C7: case 0x3C8: case 0x3C9: vga_dac_write(v, port, value); break;
    case 0x3CE: v->gfx_index = value; break;
    case 0x3CF: vga_gfx_write(v, value); break;
    case 0x3D4: v->crtc_index = value; break;
    case 0x3D5: vga_crtc_write(v, value); break;
    case 0x3DA: v->feature = value & 0x0B; break;
    default: break;
    }
}

/* OUT DX, AX writes index and data. */
static void write_ports(struct vga *v, unsigned port, uint32_t value, enum width w)
{
    vga_port_write(v, port, (uint8_t)value);
    if (w == WORD) vga_port_write(v, port + 1, (uint8_t)(value >> 8));
}
static uint32_t read_ports(struct vga *v, unsigned port, enum width w)
{
    uint32_t value = vga_port_read(v, port);
    return w == WORD ? value | (uint32_t)vga_port_read(v, port + 1) << 8 : value;
}

static uint32_t crtc_read(struct device *d, uint32_t offset, enum width w)
{
    return read_ports(vga_of(d), 0x3D4 + offset, w);
}

static void crtc_write(struct device *d, uint32_t offset, uint32_t value, enum width w)
{
    write_ports(vga_of(d), 0x3D4 + offset, value, w);
}

static uint32_t crtc_peek(const struct device *d, uint32_t offset)
{
    return vga_port_peek(vga_of_const(d), 0x3D4 + offset);
}

static uint32_t mono_read(struct device *d, uint32_t offset, enum width w)
{
    return read_ports(vga_of(d), 0x3B4 + offset, w);
}

static void mono_write(struct device *d, uint32_t offset, uint32_t value, enum width w)
{
    write_ports(vga_of(d), 0x3B4 + offset, value, w);
}

static uint32_t mono_peek(const struct device *d, uint32_t offset)
{
    return vga_port_peek(vga_of_const(d), 0x3B4 + offset);
}

static uint32_t main_read(struct device *d, uint32_t offset, enum width w)
{
    return read_ports(vga_of(d), MAIN_BASE + offset, w);
}

static void main_write(struct device *d, uint32_t offset, uint32_t value, enum width w)
{
    write_ports(vga_of(d), MAIN_BASE + offset, value, w);
}

static uint32_t main_peek(const struct device *d, uint32_t offset)
{
    return vga_port_peek(vga_of_const(d), MAIN_BASE + offset);
}

static const struct io_ops crtc_ports = { crtc_read, crtc_write, crtc_peek, BYTE | WORD };
static const struct io_ops mono_ports = { mono_read, mono_write, mono_peek, BYTE | WORD };
static const struct io_ops main_ports = { main_read, main_write, main_peek, BYTE | WORD };

/* 3BCh is a printer port's, 3D8h was the CGA's: only what a VGA decodes is claimed. */
static bool claim_ports(struct vga *v, struct board *b)
{
    struct device *d = &v->dev;
    return board_claim_ports(b, d, 0x3B4, 7, &mono_ports) &&
           board_claim_ports(b, d, 0x3C0, 16, &main_ports) &&
           board_claim_ports(b, d, 0x3D4, 7, &crtc_ports) &&
           board_claim_ports(b, d, 0x1CE, 4, &vga_dispi_ports);
}

static bool allocate(struct vga *v)
{
    uint64_t mib = v->vram_mib;
    if (!mib || mib > VGA_MAX_MIB || mib & (mib - 1)) {
        device_log(&v->dev, LOG_ERROR, "vram=%llu: 1, 2, 4, 8, 16, 32 or 64 MiB are possible",
                   (unsigned long long)mib);
        return false;
    }
    v->vram_size = (size_t)mib << 20;
    v->vram = calloc(1, v->vram_size + VGA_SLACK);
    v->fresh = true;
    if (!v->vram) device_log(&v->dev, LOG_ERROR, "no memory for %llu MiB", (unsigned long long)mib);
    return v->vram;
}

static bool plug(struct device *d, struct board *b)
{
    struct vga *v = vga_of(d);
    if (!allocate(v) || !claim_ports(v, b) || !vga_card_plug(v, b)) return false;
    if (!memory_map_io(board_memory(b), "vga window", 1, 0xA0000, 0x20000, d, &vga_window)) {
        device_log(d, LOG_ERROR, "no memory for the window at A0000h");
        return false;
    }
    vga_screen_plug(v, b);
    vga_interrupt_plug(v, b);
    return true;
}

static void unplug(struct device *d)
{
    struct vga *v = vga_of(d);
    vga_screen_unplug(v);
    vga_interrupt_unplug(v);
    free(v->rom);
    free(v->vram);
}

static void reset(struct device *d, enum reset kind)
{
    struct vga *v = vga_of(d);
    v->misc = v->feature = 0;
    v->subsystem = SUBSYSTEM_ENABLED;
    v->seq_index = v->crtc_index = v->gfx_index = v->attr_index = 0;
    v->attr_data = false;
    memset(v->seq, 0, sizeof v->seq);
    memset(v->crtc, 0, sizeof v->crtc);
    memset(v->gfx, 0, sizeof v->gfx);
    memset(v->attr, 0, sizeof v->attr);
    v->latch = 0;
    memset(&v->dac, 0, sizeof v->dac);
    v->dac.mask = 0xFF;
    vga_dispi_reset(v);
    vga_interrupt_reset(v);
    if (kind == RESET_POWER && !v->fresh) memset(v->vram, 0, v->vram_size);
    v->fresh = false;
    v->redraw = true;
    v->palette_off = 0;
    vga_forget_writes(v);
    vga_aperture_update(v);
}

static void restored(struct device *d)
{
    struct vga *v = vga_of(d);
    v->dac.component %= 3;
    vga_dispi_restored(v);
    vga_interrupt_restored(v);
    v->redraw = true;
    v->palette_off = 0;
    vga_forget_writes(v);
    vga_aperture_update(v);
}

static const struct prop props[] = {
    { "vram", PROP_UINT, offsetof(struct vga, vram_mib), 16, NULL,
      "video memory in MiB: 1, 2, 4 ... 64" },
    { "slot", PROP_UINT, offsetof(struct vga, slot), 2, NULL,
      "PCI device number, if there is PCI" },
    { "border", PROP_BOOL, offsetof(struct vga, border), 0, NULL,
      "show the border (overscan) around the picture" },
    { "mmio", PROP_BOOL, offsetof(struct vga, mmio), 0, NULL,
      "registers in memory at BAR2, as on QEMU's card" },
    { "rom", PROP_TEXT, offsetof(struct vga, rom_path), 0, NULL,
      "file of the video BIOS for the PCI expansion ROM" },
    { 0 },
};

static const struct field state[] = {
    FIELD(struct vga, misc), FIELD(struct vga, feature), FIELD(struct vga, subsystem),
    FIELD(struct vga, seq_index), FIELD_N(struct vga, seq),
    FIELD(struct vga, crtc_index), FIELD_N(struct vga, crtc),
    FIELD(struct vga, gfx_index), FIELD_N(struct vga, gfx),
    FIELD(struct vga, attr_index), FIELD_N(struct vga, attr), FIELD(struct vga, attr_data),
    FIELD(struct vga, latch), FIELD(struct vga, interrupt_since),
    FIELD_TIMER(struct vga, picture_end), FIELD_LINE(struct vga, irq),
    FIELD(struct vga, dac.mask), FIELD(struct vga, dac.index), FIELD(struct vga, dac.component),
    FIELD(struct vga, dac.reading), FIELD_N(struct vga, dac.latch),
    FIELD_N(struct vga, dac.palette),
    FIELD(struct vga, dispi.index), FIELD_N(struct vga, dispi.reg),
    FIELD(struct vga, dispi.read_bank), FIELD(struct vga, dispi.write_bank),
    FIELD_BUFFER(struct vga, vram, vram_size),
    { 0 },
};

const struct device_class vga_class = {
    .name = "vga", .about = "VGA with Bochs DISPI registers (IBM Video Subsystems, S42G-2193)",
    .size = sizeof(struct vga), .props = props, .state = state,
    .plug = plug, .reset = reset, .restored = restored, .unplug = unplug,
};
