/* SPDX-License-Identifier: MIT
 * Registers that are changed while the beam draws: colours that change from line to line, a split
 * by hand, and the start address, which the CRTC takes only at the vertical retrace.
 * IBM PS/2 Hardware Interface Technical Reference, Video Subsystems (S42G-2193, 1992), "Start
 * Address High Register"; M. Abrash, Graphics Programming Black Book (1997), chapter 23, on when
 * the start address and panning are taken.
 *
 *   frame 7   line 0 |---------|  red      written in lines 0 and 100 of each frame: the log knows
 *           line 100 |         |  green    frame 6 and frame 7 down to the beam
 *   beam ->          |....#    |           above the beam: as it was when the beam passed
 *                    |         |           below: as it is now, and then as the last frame went on
 *           line 399 |_________|
 *
 * Only vga_set() writes registers that the picture shows, so the log is complete. Where it is full
 * the oldest writes are taken for granted. When the timing changes all is forgotten, and a monitor
 * has to find its feet: for a fiftieth of a second the picture is what the registers are.
 *
 * Not implemented: changes within a scan line (they show from the next one on); memory that is
 * changed while the beam draws is seen as it is at the end.
 */
#include "iodev/vga/vga.h"

#include <string.h>

enum { BLOCK_FROM = offsetof(struct vga, misc),
       BLOCK_SIZE = offsetof(struct vga, dispi) - BLOCK_FROM };

#define SETTLE (SECOND / 50)

static nanos now(const struct vga *v) { return clock_now(board_clock(v->dev.board)); }

void vga_set(struct vga *v, uint8_t *reg, uint8_t value)
{
    if (*reg == value) return;
    if (now(v) - v->mode_set >= SETTLE) {
        v->log[v->writes++ % VGA_RASTER_ROOM] = (struct raster_write){
            now(v), (uint16_t)(reg - (const uint8_t *)v), *reg, value };
        if (v->writes == 2 * VGA_RASTER_ROOM) v->writes = VGA_RASTER_ROOM; /* full stays full */
    }
    *reg = value;
}

void vga_forget_writes(struct vga *v)
{
    v->writes = 0;
    v->mode_set = now(v);
}

static unsigned known(const struct vga *v)
{
    return v->writes < VGA_RASTER_ROOM ? v->writes : VGA_RASTER_ROOM;
}

/* The write before the last `age`. */
static const struct raster_write *write_at(const struct vga *v, unsigned age)
{
    return &v->log[(v->writes - 1 - age) % VGA_RASTER_ROOM];
}

static uint8_t *reg_of(struct vga *v, const struct raster_write *w) { return (uint8_t *)v + w->at; }

/* ---- the start address ----------------------------------------------------------------------- */

static bool is_start(const struct raster_write *w, unsigned index)
{
    return w->at == offsetof(struct vga, crtc) + index;
}

uint16_t vga_start_address(const struct vga *v)
{
    nanos latched = vga_last_retrace(v);
    uint8_t high = v->crtc[CR_START_HIGH], low = v->crtc[CR_START_LOW];
    for (unsigned age = 0; age < known(v) && write_at(v, age)->when > latched; age++) {
        const struct raster_write *w = write_at(v, age);
        if (is_start(w, CR_START_HIGH)) high = w->before;
        if (is_start(w, CR_START_LOW)) low = w->before;
    }
    return (uint16_t)(high << 8 | low);
}

/* ---- changes in mid-frame -------------------------------------------------------------------- */

/* The frame that is shown, and how much of it the beam has drawn. While nothing is drawn it is the
 * coming one. */
struct shown { uint64_t frame, position; };

static struct shown shown_now(const struct vga *v)
{
    struct beam b = vga_beam(v, now(v));
    if (b.row >= b.visible_rows) return (struct shown){ b.frame + 1, 0 };
    return (struct shown){ b.frame, b.position };
}

/* The line from which a write shows, in this frame or as the last one had it; 0: it is none of
 * those. */
static unsigned line_of(const struct vga *v, const struct raster_write *w, const struct shown *s)
{
    struct beam b = vga_beam(v, w->when);
    bool passed = b.frame == s->frame, coming = b.frame + 1 == s->frame && b.position > s->position;
    if (is_start(w, CR_START_HIGH) || is_start(w, CR_START_LOW)) return 0;
    return (passed || coming) && b.row + 1 < b.visible_rows ? b.row + 1 : 0;
}

static bool is_too_old(const struct vga *v, const struct raster_write *w, const struct shown *s)
{
    return vga_beam(v, w->when).frame + 1 < s->frame;
}

bool vga_changes_in_mid_frame(const struct vga *v)
{
    struct shown s = shown_now(v);
    for (unsigned age = 0; age < known(v) && !is_too_old(v, write_at(v, age), &s); age++)
        if (line_of(v, write_at(v, age), &s)) return true;
    return false;
}

struct pieces {
    void (*draw)(struct vga *, unsigned from, unsigned to);
    unsigned line;                         /* drawn down to here */
};

/* The writes of one frame in their order. */
static void replay(struct vga *v, struct pieces *p, const struct shown *s, uint64_t frame)
{
    for (unsigned age = known(v); age-- > 0;) {
        const struct raster_write *w = write_at(v, age);
        unsigned line = line_of(v, w, s);
        if (!line || vga_beam(v, w->when).frame != frame) continue;
        if (line > p->line) p->draw(v, p->line, line);
        if (line > p->line) p->line = line;
        *reg_of(v, w) = w->after;
    }
}

/* As the beam found them in the frame's first line. */
static void undo(struct vga *v, const struct shown *s)
{
    for (unsigned age = 0; age < known(v) && !is_too_old(v, write_at(v, age), s); age++) {
        const struct raster_write *w = write_at(v, age);
        if (line_of(v, w, s) && vga_beam(v, w->when).frame == s->frame) *reg_of(v, w) = w->before;
    }
}

void vga_in_pieces(struct vga *v, void (*draw)(struct vga *, unsigned from, unsigned to))
{
    uint8_t saved[BLOCK_SIZE], *block = (uint8_t *)v + BLOCK_FROM;
    struct shown s = shown_now(v);
    struct pieces p = { draw, 0 };
    memcpy(saved, block, sizeof saved);
    undo(v, &s);
    replay(v, &p, &s, s.frame);
    replay(v, &p, &s, s.frame - 1);
    draw(v, p.line, UINT32_MAX);
    memcpy(block, saved, sizeof saved);
}
