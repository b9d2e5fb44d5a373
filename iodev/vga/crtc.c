/* SPDX-License-Identifier: MIT
 * The CRT controller: registers, and where its beam is at a moment of virtual time.
 * IBM PS/2 Hardware Interface Technical Reference, Video Subsystems (S42G-2193, 1992), "CRT
 * Controller Registers".
 *
 *   column  0 ........ hend ...... htotal     row 0   +-----------+-----+
 *                                                     |  display  |     |   status 1: 0
 *                                             vend    +-----------+     |
 *                                                     |   blanking      |   bit 0
 *                                             retrace |=================|   bits 0 and 3
 *                                             vtotal  +-----------------+
 *
 * The counters are never stored: they are the virtual time, modulo a frame. So a mode set does not
 * restart a frame, which no software can rely on.
 *
 * Not implemented: the light pen (its registers read 0), interlace, the skew of display enable.
 */
#include "iodev/vga/vga.h"

enum { RETRACE_END = 0x0F, PROTECT_0_TO_7 = 0x80 };        /* in CR_RETRACE_END */
enum { NO_LIGHT_PEN = 0x80 };              /* in CR_HBLANK_END */
enum { LINE_COMPARE_8 = 0x10 };            /* in CR_OVERFLOW */
enum { CR_LATCH = 0x22, CR_FLIP_FLOP = 0x24, CR_ATTR_INDEX = 0x26 };

static const uint8_t crtc_mask[CR_COUNT] = {
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0x3F, 0x7F, 0xFF,
    0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0xFF, 0xFF, 0xEF, 0xFF,
};

/* The bits that say when a frame begins and what the beam passes. */
static uint8_t timing_bits(unsigned index)
{
    switch (index) {
    case CR_OVERFLOW:    return (uint8_t)~LINE_COMPARE_8;
    case CR_RETRACE_END: return RETRACE_END;
    case CR_MODE:        return MODE_RUN | MODE_HALF_VERTICAL;
    case CR_RETRACE_START: case CR_VDISP_END: return 0xFF;
    default:             return index < CR_OVERFLOW ? 0xFF : 0;
    }
}

void vga_crtc_write(struct vga *v, uint8_t value)
{
    unsigned index = v->crtc_index;
    if (index >= CR_COUNT) return;
    if (index <= CR_OVERFLOW && v->crtc[CR_RETRACE_END] & PROTECT_0_TO_7) {
        if (index != CR_OVERFLOW) return;          /* but line compare bit 8 stays open */
        value = (uint8_t)((v->crtc[index] & ~LINE_COMPARE_8) | (value & LINE_COMPARE_8));
    }
    value &= crtc_mask[index];
    if ((v->crtc[index] ^ value) & timing_bits(index)) vga_forget_writes(v);
    uint8_t before = v->crtc[index];
    if (index >= CR_CURSOR_HIGH && index <= CR_CURSOR_LOW) v->crtc[index] = value;
    else vga_set(v, &v->crtc[index], value);
    if (index == CR_RETRACE_END) vga_interrupt_written(v, before);
}

/* 22h, 24h and 26h are in IBM's chip, though not in its book; card detection reads them. */
uint8_t vga_crtc_read(const struct vga *v)
{
    switch (v->crtc_index) {
    case CR_RETRACE_START:
    case CR_RETRACE_END:
        return v->crtc[CR_HBLANK_END] & NO_LIGHT_PEN ? v->crtc[v->crtc_index] : 0;
    case CR_LATCH: return (uint8_t)(v->latch >> 8 * (v->gfx[GFX_READ_MAP] & 3));
    case CR_FLIP_FLOP: return v->attr_data ? 0x80 : 0;
    case CR_ATTR_INDEX: return v->attr_index;
    default: return v->crtc_index < CR_COUNT ? v->crtc[v->crtc_index] : 0;
    }
}

/* One frame in character clocks; `clocks` of them pass in `per` nanoseconds. */
struct timing {
    uint64_t clocks, per;
    unsigned htotal, hend, vtotal, vend, retrace, retrace_rows;
};

/* DISPI knows no timing: 60 frames per second, 5% of the rows and 20% of a row are blanking. */
static struct timing dispi_timing(const struct vga *v)
{
    unsigned columns = v->dispi.reg[DISPI_XRES] / 8u + 1, rows = v->dispi.reg[DISPI_YRES];
    struct timing t = { .per = SECOND, .htotal = columns + columns / 4 + 1, .hend = columns,
                        .vtotal = rows + rows / 20 + 4, .vend = rows, .retrace = rows + 1,
                        .retrace_rows = 2 };
    t.clocks = 60ull * t.htotal * t.vtotal;
    return t;
}

/* A vertical register of 10 bits: bits 8 and 9 are in the overflow register. */
static unsigned vertical(const struct vga *v, unsigned index, unsigned bit8, unsigned bit9)
{
    uint8_t overflow = v->crtc[CR_OVERFLOW];
    unsigned value = v->crtc[index] | (overflow >> bit8 & 1u) << 8 | (overflow >> bit9 & 1u) << 9;
    return v->crtc[CR_MODE] & MODE_HALF_VERTICAL ? value * 2 : value;
}

static struct timing crtc_timing(const struct vga *v)
{
    static const uint64_t dot_clock[4] = { 25175000, 28322000, 25175000, 25175000 };   /* Hz */
    uint8_t clocking = v->seq[SEQ_CLOCKING];
    struct timing t = {
        .clocks = dot_clock[v->misc >> 2 & 3],
        .per = SECOND * (clocking & CLOCKING_8DOT ? 8 : 9) * (clocking & CLOCKING_HALF ? 2 : 1),
        .htotal = v->crtc[CR_HTOTAL] + 5u, .hend = v->crtc[CR_HDISP_END] + 1u,
        .vtotal = vertical(v, CR_VTOTAL, 0, 5) + 2, .vend = vertical(v, CR_VDISP_END, 1, 6) + 1,
        .retrace = vertical(v, CR_RETRACE_START, 2, 7),
    };
    /* It ends when the low four bits of the row counter match. */
    t.retrace_rows = ((v->crtc[CR_RETRACE_END] - 1u - t.retrace) & 15) + 1;
    return t;
}

static struct timing timing(const struct vga *v)
{
    return vga_is_dispi(v) ? dispi_timing(v) : crtc_timing(v);
}

struct beam vga_beam(const struct vga *v, nanos when)
{
    struct timing t = timing(v);
    uint64_t clocks = muldiv64(when, t.clocks, t.per), frame = (uint64_t)t.htotal * t.vtotal;
    struct beam b = { .frame = clocks / frame, .position = clocks % frame, .rows = t.vtotal,
                      .columns = t.htotal, .visible_rows = t.vend, .visible_columns = t.hend,
                      .retrace = t.retrace, .retrace_rows = t.retrace_rows };
    b.row = (unsigned)(b.position / t.htotal);
    b.column = (unsigned)(b.position % t.htotal);
    return b;
}

static struct beam beam_now(const struct vga *v)
{
    return vga_beam(v, clock_now(board_clock(v->dev.board)));
}

/* When a row began the last time; 0: it has not yet. */
static nanos last_row(const struct vga *v, const struct timing *t, unsigned row)
{
    uint64_t frame = (uint64_t)t->htotal * t->vtotal, before = (uint64_t)row * t->htotal;
    uint64_t clocks = muldiv64(clock_now(board_clock(v->dev.board)), t->clocks, t->per);
    if (clocks < before) return 0;
    return muldiv64((clocks - before) / frame * frame + before, t->per, t->clocks);
}

nanos vga_last_retrace(const struct vga *v)
{
    struct timing t = timing(v);
    return last_row(v, &t, t.retrace);
}

nanos vga_last_picture_end(const struct vga *v)
{
    struct timing t = timing(v);
    return last_row(v, &t, t.vend);
}

/* The first nanosecond at which it is the last one. */
nanos vga_next_picture_end(const struct vga *v)
{
    struct timing t = timing(v);
    uint64_t frame = (uint64_t)t.htotal * t.vtotal, end = (uint64_t)t.vend * t.htotal;
    uint64_t clocks = muldiv64(clock_now(board_clock(v->dev.board)), t.clocks, t.per);
    if (clocks >= end) end += ((clocks - end) / frame + 1) * frame;
    return muldiv64(end, t.per, t.clocks) + 1;
}

uint64_t vga_frame(const struct vga *v) { return beam_now(v).frame; }

uint8_t vga_status1(const struct vga *v)
{
    struct beam b = beam_now(v);
    bool retrace = b.row >= b.retrace && b.row - b.retrace < b.retrace_rows;
    bool blank = b.row >= b.visible_rows || b.column >= b.visible_columns;
    return (uint8_t)((retrace ? 0x08 : 0) | (retrace || blank ? 0x01 : 0));
}
