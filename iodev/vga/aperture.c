/* SPDX-License-Identifier: MIT
 * The aperture: A0000h-AFFFFh as plain RAM of the host, for as long as the registers make the
 * window a straight view of 64 KiB of video memory (mode 13h, DISPI banks with 8 bits per pixel and
 * more). The processor then reaches it like any RAM; what was written is found by dirty pages. Else
 * window.c answers each access.
 *
 * Not implemented: such reads leave the latches alone. Who leaves the mode to use them reads first.
 */
#include "iodev/vga/vga.h"

enum { APERTURE = 0x10000, ABOVE_WINDOW = 2 };

/* Where in vram the window shows; false: not a straight view. */
static bool is_straight(const struct vga *v, size_t *at)
{
    *at = 0;
    if (vga_is_dispi(v)) {
        *at = vga_dispi_bank(v, true);
        return v->dispi.reg[DISPI_BPP] >= 8 && *at == vga_dispi_bank(v, false) &&
               *at + APERTURE <= v->vram_size;
    }
    return vga_has_window(v) && (v->gfx[GFX_MISC] >> 2 & 3) == 1 &&
           v->seq[SEQ_MEMORY_MODE] & MEMORY_CHAIN4 && v->seq[SEQ_MAP_MASK] == 0xF &&
           !(v->gfx[GFX_MODE] & 3) && !v->gfx[GFX_ROTATE] && !v->gfx[GFX_ENABLE_SET_RESET] &&
           v->gfx[GFX_BIT_MASK] == 0xFF;
}

void vga_aperture_take_dirty(struct vga *v)
{
    uint64_t pages = 0;
    struct memory *m = board_memory(v->dev.board);
    if (!v->aperture || !memory_take_dirty(m, v->aperture, &pages, 1)) return;
    for (unsigned page = 0; page < APERTURE >> 12; page++)
        if (pages >> page & 1) vga_mark(v, v->aperture_at + (size_t)page * 4096, 4096);
    v->fonts_written = true;
}

void vga_aperture_update(struct vga *v)
{
    struct memory *m = board_memory(v->dev.board);
    size_t at;
    bool straight = is_straight(v, &at);
    vga_window_update(v);
    if (straight ? v->aperture && v->aperture_at == at : !v->aperture) return;
    vga_aperture_take_dirty(v);
    memory_unmap(m, v->aperture);
    v->aperture = NULL;
    v->aperture_at = at;
    if (straight)                          /* without memory for it the window goes on as before */
        v->aperture = memory_map_host(m, "vga aperture", REGION_RAM, ABOVE_WINDOW, 0xA0000,
                                      APERTURE, v->vram + at);
}
