/* SPDX-License-Identifier: MIT
 * The VGA's sequencer, graphics controller and attribute controller: registers behind an index.
 * IBM PS/2 Hardware Interface Technical Reference, Video Subsystems (S42G-2193, 1992), chapter 2.
 *
 * Not implemented: video feedback (bits 5-4 of the color plane enable register), the extended
 * memory bit, the sequencer's resets (it always runs).
 */
#include "iodev/vga/vga.h"

static const uint8_t seq_mask[SEQ_COUNT] = { 0x03, 0x3D, 0x0F, 0x3F, 0x0E };
static const uint8_t gfx_mask[GFX_COUNT] = { 0x0F, 0x0F, 0x0F, 0x1F, 0x03, 0x7B, 0x0F, 0x0F, 0xFF };
static const uint8_t attr_mask[ATTR_COUNT - ATTR_MODE] = { 0xEF, 0xFF, 0x3F, 0x0F, 0x0F };

/* The others are looked at when the processor reaches for memory. */
enum { CLOCKING_TIMING = CLOCKING_8DOT | CLOCKING_HALF };
enum { GMODE_SHOWN = GMODE_INTERLEAVE | GMODE_256 };

/* Indexes beyond the last register do nothing, they are no aliases: that is where software looks
 * for other makers' cards. */
void vga_seq_write(struct vga *v, uint8_t value)
{
    if (v->seq_index >= SEQ_COUNT) return;
    uint8_t *reg = &v->seq[v->seq_index];
    value &= seq_mask[v->seq_index];
    if (v->seq_index == SEQ_CLOCKING && (value ^ *reg) & CLOCKING_TIMING) vga_forget_writes(v);
    if (v->seq_index == SEQ_CLOCKING || v->seq_index == SEQ_CHARACTER_MAP) vga_set(v, reg, value);
    else *reg = value;
    vga_aperture_update(v);
}

uint8_t vga_seq_read(const struct vga *v)
{
    return v->seq_index < SEQ_COUNT ? v->seq[v->seq_index] : 0;
}

void vga_gfx_write(struct vga *v, uint8_t value)
{
    if (v->gfx_index >= GFX_COUNT) return;
    uint8_t *reg = &v->gfx[v->gfx_index];
    value &= gfx_mask[v->gfx_index];
    uint8_t differs = *reg ^ value;
    if ((v->gfx_index == GFX_MODE && differs & GMODE_SHOWN) ||
        (v->gfx_index == GFX_MISC && differs & GMISC_GRAPHICS))
        vga_set(v, reg, value);
    else *reg = value;
    vga_aperture_update(v);
}

uint8_t vga_gfx_read(const struct vga *v)
{
    return v->gfx_index < GFX_COUNT ? v->gfx[v->gfx_index] : 0;
}

static void write_attr_data(struct vga *v, uint8_t value)
{
    unsigned index = v->attr_index & 0x1F;
    if (index >= ATTR_COUNT) return;
    if (index >= ATTR_MODE) vga_set(v, &v->attr[index], value & attr_mask[index - ATTR_MODE]);
    /* While the screen uses the palette (address register, bit 5) IBM's first chip takes no writes
     * to it, the second one does. Bochs's VGA BIOS is written for one that does. */
    else vga_set(v, &v->attr[index], value & 0x3F);
}

static void write_attr_index(struct vga *v, uint8_t value)
{
    if (v->attr_index & ~value & ATTR_PALETTE_SOURCE)
        v->palette_off = clock_now(board_clock(v->dev.board));
    v->attr_index = value & 0x3F;
}

/* One port for index and data, told apart by a flip-flop that a read of 3DAh clears. */
void vga_attr_write(struct vga *v, uint8_t value)
{
    if (v->attr_data) write_attr_data(v, value);
    else write_attr_index(v, value);
    v->attr_data = !v->attr_data;
}

uint8_t vga_attr_read(const struct vga *v)
{
    unsigned index = v->attr_index & 0x1F;
    return index < ATTR_COUNT ? v->attr[index] : 0;
}
