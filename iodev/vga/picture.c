/* SPDX-License-Identifier: MIT
 * What the registers mean for the screen: everything that the drawing needs, derived afresh for
 * each frame, so no register write has to remember what it changes.
 * IBM PS/2 Hardware Interface Technical Reference, Video Subsystems (S42G-2193, 1992), "CRT
 * Controller Registers", "Attribute Controller Registers".
 *
 * The picture is what the monitor shows: scan lines that the CRTC repeats and pixels that last two
 * dots or come at half the dot clock are drawn twice. So mode 13h is 640x400, 40 columns of text
 * are 720x400.
 *
 * The border (overscan) is shown if the setting asks for it.
 *
 * Not implemented: the ninth dot of graphics modes.
 */
#include "iodev/vga/vga.h"

#include <string.h>

enum { BORDER_MOST = 64 };                 /* pixels of a side */
enum { UNDERLINE_DWORD = 0x40, UNDERLINE_BY_FOUR = 0x20 };

/* In monochrome graphics blinking turns bit 3 of the palette's index over: mode 0Fh has a colour
 * for each half in registers 4 and 0Ch. */
static unsigned blinking(const struct vga *v, const struct picture *p)
{
    uint8_t both = AMODE_MONO | AMODE_BLINK;
    bool blinks = p->kind != PICTURE_TEXT && !p->flat && (v->attr[ATTR_MODE] & both) == both;
    return blinks && vga_frame(v) & 16 ? 8 : 0;
}

/* 16-colour pixels: plane enable, palette register, colour select, DAC (book: figure "Attribute
 * Controller"). */
static uint32_t color16(const struct vga *v, unsigned index, unsigned blink)
{
    uint8_t entry = v->attr[(index & v->attr[ATTR_PLANE_ENABLE] & 15) ^ blink];
    uint8_t select = v->attr[ATTR_COLOR_SELECT];
    if (v->attr[ATTR_MODE] & AMODE_COLOR_SELECT)
        entry = (uint8_t)((entry & 0x0F) | (select & 3) << 4);
    return vga_dac_color(v, (uint8_t)((entry & 0x3F) | (select & 0x0C) << 4));
}

static void fill_colors(const struct vga *v, struct picture *p)
{
    bool all = p->kind == PICTURE_256 || p->kind == PICTURE_LINEAR;
    unsigned blink = blinking(v, p);
    for (unsigned i = 0; i < (all ? 256u : 16u); i++)
        p->colors[i] = all ? vga_dac_color(v, (uint8_t)i) : color16(v, i, blink);
}

static unsigned at_most(unsigned value, unsigned limit)
{
    return value < limit ? value : limit;
}

/* ---- DISPI modes ----------------------------------------------------------------------------- */

static void dispi_picture(const struct vga *v, struct picture *p)
{
    const uint16_t *r = v->dispi.reg;
    bool planar = r[DISPI_BPP] == 4;
    p->kind = planar ? PICTURE_PLANAR : PICTURE_LINEAR;
    p->width = at_most(planar ? r[DISPI_XRES] & ~7u : r[DISPI_XRES], VGA_MAX_WIDTH);
    p->height = at_most(r[DISPI_YRES], VGA_MAX_HEIGHT);
    p->bpp = r[DISPI_BPP];
    p->pitch = vga_dispi_pitch(v, r[DISPI_VIRT_WIDTH]);
    p->origin = p->pitch * r[DISPI_Y_OFFSET] + vga_dispi_pitch(v, r[DISPI_X_OFFSET]);
    p->dots = 8;
    p->scale = p->repeat = 1;
    p->columns = p->width / 8;
    p->flat = true;
    p->start = (uint32_t)p->origin;
    p->offset = (uint32_t)p->pitch;
    p->panning = planar ? r[DISPI_X_OFFSET] & 7 : 0;
    p->line_compare = UINT32_MAX;
    p->plane_mask = (uint32_t)(v->vram_size / 4 - 1);
    if (v->seq[SEQ_CLOCKING] & CLOCKING_SCREEN_OFF) p->kind = PICTURE_BLANK;
}

/* ---- VGA modes ------------------------------------------------------------------------------- */

/* Whoever loads the palette registers takes them from the screen for a moment, which is not to be
 * seen as a black picture. */
static bool palette_is_away(const struct vga *v)
{
    nanos since = clock_now(board_clock(v->dev.board)) - v->palette_off;
    return !(v->attr_index & ATTR_PALETTE_SOURCE) && (!v->palette_off || since > SECOND / 50);
}

static enum picture_kind vga_kind(const struct vga *v)
{
    if (!(v->crtc[CR_MODE] & MODE_RUN)) return PICTURE_NONE;
    if (v->seq[SEQ_CLOCKING] & CLOCKING_SCREEN_OFF) return PICTURE_BLANK;
    if (palette_is_away(v)) return PICTURE_BLANK;
    if (!(v->gfx[GFX_MISC] & GMISC_GRAPHICS)) return PICTURE_TEXT;
    if (v->gfx[GFX_MODE] & GMODE_256) return PICTURE_256;
    return v->gfx[GFX_MODE] & GMODE_INTERLEAVE ? PICTURE_INTERLEAVED : PICTURE_PLANAR;
}

static void horizontal(const struct vga *v, struct picture *p)
{
    bool text = !(v->gfx[GFX_MISC] & GMISC_GRAPHICS), half = v->seq[SEQ_CLOCKING] & CLOCKING_HALF;
    bool wide = text && !(v->seq[SEQ_CLOCKING] & CLOCKING_8DOT);
    unsigned pan = v->attr[ATTR_PANNING];
    p->dots = wide ? 9 : 8;
    p->scale = half ? 2 : 1;
    if (wide) p->panning = pan >= 8 ? 0 : pan + 1;     /* 8 = none, 0 = one dot to the left ... */
    else p->panning = pan & 7;
    if (!text && v->attr[ATTR_MODE] & AMODE_8BIT) {        /* a pixel lasts two dots */
        p->dots = 4;
        p->scale *= 2;
        p->panning /= 2;
    }
    p->columns = at_most(v->crtc[CR_HDISP_END] + 1u, VGA_MAX_WIDTH / (p->dots * p->scale));
    p->width = p->columns * p->dots * p->scale;
}

/* The vertical counter may run at half the lines' rate. */
static unsigned lines_per_count(const struct vga *v)
{
    return v->crtc[CR_MODE] & MODE_HALF_VERTICAL ? 2 : 1;
}

static void vertical(const struct vga *v, struct picture *p)
{
    uint8_t overflow = v->crtc[CR_OVERFLOW], max_scan = v->crtc[CR_MAX_SCAN];
    unsigned end = v->crtc[CR_VDISP_END] | (overflow & 0x02u) << 7 | (overflow & 0x40u) << 3;
    unsigned compare = v->crtc[CR_LINE_COMPARE] | (overflow & 0x10u) << 4 | (max_scan & 0x40u) << 3;
    unsigned twice = lines_per_count(v);
    p->height = (end + 1) * twice;
    p->line_compare = (compare + 1) * twice - 1;
    p->max_row = max_scan & 0x1F;
    p->repeat = max_scan & 0x80 ? 2 : 1;
    p->preset_row = v->crtc[CR_PRESET_ROW] & 0x1F;
}

static void addressing(const struct vga *v, struct picture *p)
{
    unsigned byte_panning = v->crtc[CR_PRESET_ROW] >> 5 & 3;
    p->start = vga_start_address(v) + byte_panning;
    p->offset = v->crtc[CR_OFFSET] * 2u;
    p->crtc_mode = v->crtc[CR_MODE];
    p->dword = v->crtc[CR_UNDERLINE] & UNDERLINE_DWORD;
    p->count_shift = v->crtc[CR_UNDERLINE] & UNDERLINE_BY_FOUR ? 2
                   : p->crtc_mode & MODE_BY_TWO ? 1 : 0;
    p->plane_mask = VGA_PLANE_MASK;
    p->pan_compatible = v->attr[ATTR_MODE] & AMODE_PAN_COMPATIBLE;
    p->split_start = p->pan_compatible ? 0 : byte_panning;
}

/* Character map select: three bits a map, the third one apart; 0-3 lie 16 KiB apart, 4-7
 * between them. */
static uint32_t font_base(unsigned low2, unsigned high)
{
    return low2 * 0x4000u + (high ? 0x2000u : 0);
}

static void text_details(const struct vga *v, struct picture *p)
{
    uint8_t map = v->seq[SEQ_CHARACTER_MAP], mode = v->attr[ATTR_MODE];
    p->font[0] = font_base(map & 3, map & 0x10);           /* map B */
    p->font[1] = font_base(map >> 2 & 3, map & 0x20);      /* map A: attribute bit 3 */
    p->line_graphics = mode & AMODE_LINE_GRAPHICS;
    p->blink = mode & AMODE_BLINK;
    p->underline = v->crtc[CR_UNDERLINE] & 0x1F;
}

/* ---- blanking and border --------------------------------------------------------------------- */

struct blanking { unsigned start, end, mask, total; };     /* mask: the bits that `end` has */

static struct blanking horizontal_blanking(const struct vga *v)
{
    const uint8_t *c = v->crtc;
    return (struct blanking){
        .start = c[CR_HBLANK_START], .mask = 0x3F, .total = c[CR_HTOTAL] + 5u,
        .end = (c[CR_HBLANK_END] & 0x1Fu) | (c[CR_HRETRACE_END] & 0x80u) >> 2,
    };
}

static struct blanking vertical_blanking(const struct vga *v)
{
    unsigned high = (v->crtc[CR_OVERFLOW] & 0x08u) << 5 | (v->crtc[CR_MAX_SCAN] & 0x20u) << 4;
    unsigned twice = lines_per_count(v);
    return (struct blanking){
        .start = v->crtc[CR_VBLANK_START] | high, .mask = 0xFF,
        .total = vga_beam(v, 0).rows / twice, .end = v->crtc[CR_VBLANK_END],
    };
}

/* It ends where the low bits of the counter match; in the next line, or frame, if not in this. */
static unsigned blanking_stop(const struct blanking *b)
{
    return b->start + ((b->end - b->start - 1) & b->mask) + 1;
}

/* The part of the picture that it covers, by one count late: the count of the start is
 * still seen, that of the end is dark. unit: pixels per count. */
static void set_dark(struct span dark[2], const struct blanking *b, unsigned unit, unsigned size)
{
    unsigned stop = blanking_stop(b);
    if (b->start >= b->total) return;
    dark[0].from = at_most((b->start + 1) * unit, size);
    dark[0].to = at_most(stop < b->total ? (stop + 1) * unit : size, size);
    if (stop >= b->total) dark[1].to = at_most((b->end + 1) * unit, size);
}

/* Only what it covers of the picture: the border is not there then. */
static void blanking_within(const struct vga *v, struct picture *p)
{
    struct blanking across = horizontal_blanking(v), down = vertical_blanking(v);
    unsigned twice = lines_per_count(v);
    set_dark(p->dark_columns, &across, p->dots * p->scale, p->width);
    set_dark(p->dark_lines, &down, twice, p->height);
}

/* Between display and blanking there is the border, as wide as the registers say: of the two
 * characters and 14 or 16 lines that the BIOS's modes leave, half is on each side. */
static void border_columns(const struct vga *v, struct picture *p)
{
    struct blanking b = horizontal_blanking(v);
    unsigned start = b.start, dots = p->dots * p->scale, total = b.total;
    unsigned stop = blanking_stop(&b) + 1;
    unsigned left = total > stop ? total - stop : 0;
    unsigned right = start + 1 > p->columns ? start + 1 - p->columns : 0;
    p->left = at_most(left, BORDER_MOST / dots) * dots;
    p->full_width = p->width + p->left + at_most(right, BORDER_MOST / dots) * dots;
}

static void border_lines(const struct vga *v, struct picture *p)
{
    struct blanking b = vertical_blanking(v);
    unsigned twice = lines_per_count(v);
    unsigned stop = (blanking_stop(&b) + 1) * twice, bottom = (b.start + 1) * twice;
    unsigned total = b.total * twice;
    p->top = at_most(total > stop ? total - stop : 0, BORDER_MOST);
    p->full_height = p->height + p->top;
    p->full_height += at_most(bottom > p->height ? bottom - p->height : 0, BORDER_MOST);
}

/* Zeroed first, padding included: pictures are compared by memcmp. */
void vga_picture(const struct vga *v, struct picture *p)
{
    memset(p, 0, sizeof *p);
    if (vga_is_dispi(v)) {
        dispi_picture(v, p);
    } else {
        p->kind = vga_kind(v);
        if (p->kind == PICTURE_NONE) return;
        horizontal(v, p);
        vertical(v, p);
        addressing(v, p);
        text_details(v, p);
        blanking_within(v, p);
    }
    if (!p->width) p->kind = PICTURE_NONE;
    fill_colors(v, p);
    p->full_width = p->width;
    p->full_height = p->height;
    if (!v->border || vga_is_dispi(v)) return;
    border_columns(v, p);
    border_lines(v, p);
    p->border = vga_dac_color(v, v->attr[ATTR_OVERSCAN]);
}

/* ---- rows ------------------------------------------------------------------------------------ */

struct rows vga_first_row(const struct picture *p)
{
    return (struct rows){ .address = p->start, .row = p->preset_row };
}

/* The CRTC's counters from one scan line to the next. */
static void next_line(const struct picture *p, struct rows *r, unsigned y)
{
    if (y == p->line_compare) {
        *r = (struct rows){ .address = p->split_start, .split = true };
    } else if (++r->repeated >= p->repeat) {
        r->repeated = 0;
        if (r->row == p->max_row) r->address += p->offset;
        r->row = r->row == p->max_row ? 0 : (r->row + 1) & 0x1F;
    }
}

/* Does the line show the same row of memory as the band's other lines? Graphics modes look at the
 * row scan counter only where it replaces address bits. */
static bool continues(const struct picture *p, const struct band *b, const struct rows *r)
{
    unsigned rows_matter = ~p->crtc_mode & (MODE_ROW0_NOT_A13 | MODE_ROW1_NOT_A14);
    if (r->address != b->address || r->split != b->split) return false;
    if (p->kind == PICTURE_TEXT) return r->row || r->repeated;
    return p->flat ? false : !((r->row ^ b->row) & rows_matter);
}

unsigned vga_bands(const struct picture *p, struct rows *r, unsigned from, unsigned to,
                   struct band *bands)
{
    unsigned count = 0;
    for (unsigned y = from; y < to; y++) {
        bool fresh = !count || !continues(p, &bands[count - 1], r);
        if (fresh && count == VGA_MAX_HEIGHT) break;
        if (fresh)
            bands[count++] = (struct band){ y, 0, r->address, r->row, r->repeated, r->split };
        bands[count - 1].lines++;
        next_line(p, r, y);
    }
    return count;
}

/* From the CRTC's counter to an address in the planes. Double words are packed as in window.c. */
uint32_t vga_plane_address(const struct picture *p, uint32_t counter, unsigned row)
{
    uint32_t address = counter;
    if (p->flat) return counter & p->plane_mask;
    counter &= 0xFFFF;
    if (p->dword && p->kind == PICTURE_256) return counter;
    if (p->dword) address = counter << 2 | (counter >> 12 & 3);
    else if (!(p->crtc_mode & MODE_BYTE))
        address = counter << 1 | (counter >> (p->crtc_mode & MODE_WRAP_A15 ? 15 : 13) & 1);
    if (!(p->crtc_mode & MODE_ROW0_NOT_A13)) address = (address & ~0x2000u) | (row & 1) << 13;
    if (!(p->crtc_mode & MODE_ROW1_NOT_A14)) address = (address & ~0x4000u) | (row & 2) << 13;
    return address & p->plane_mask;
}
