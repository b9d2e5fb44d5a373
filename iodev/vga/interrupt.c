/* SPDX-License-Identifier: MIT
 * The vertical interrupt: a flip-flop that the end of the picture sets, and its line to IRQ 2, that
 * is IRQ 9 on an AT.
 * IBM PS/2 Hardware Interface Technical Reference, Video Subsystems (S42G-2193, 1992), "Vertical
 * Retrace End Register", bits 4 and 5, "Input Status Register 0", bit 7.
 *
 * The flip-flop is never stored: it is set if the picture has ended since bit 4 let go of it.
 */
#include "iodev/vga/vga.h"

enum { NOT_CLEAR = 0x10, OFF = 0x20 };     /* in CR_RETRACE_END */
enum { IRQ = 9 };

bool vga_interrupt_pending(const struct vga *v)
{
    return v->crtc[CR_RETRACE_END] & NOT_CLEAR && vga_last_picture_end(v) > v->interrupt_since;
}

/* The line follows the flip-flop; while that is not set, the timer waits for it. */
static void update(struct vga *v)
{
    struct clock *clock = board_clock(v->dev.board);
    bool on = (v->crtc[CR_RETRACE_END] & (NOT_CLEAR | OFF)) == NOT_CLEAR;
    bool pending = vga_interrupt_pending(v);
    line_set(&v->irq, on && pending);
    if (on && !pending) clock_arm(clock, &v->picture_end, vga_next_picture_end(v));
    else clock_disarm(clock, &v->picture_end);
}

static void picture_ended(struct timer *t, nanos due)
{
    (void)due;
    update(container_of(t, struct vga, picture_end));
}

void vga_interrupt_written(struct vga *v, uint8_t before)
{
    if (v->crtc[CR_RETRACE_END] & ~before & NOT_CLEAR)
        v->interrupt_since = clock_now(board_clock(v->dev.board));
    update(v);
}

void vga_interrupt_plug(struct vga *v, struct board *b)
{
    v->irq = board_irq(b, IRQ);
    v->picture_end = (struct timer){ .fire = picture_ended, .name = "vga.picture_end" };
}

void vga_interrupt_reset(struct vga *v)
{
    v->interrupt_since = 0;
    update(v);
}

void vga_interrupt_restored(struct vga *v) { update(v); }

void vga_interrupt_unplug(struct vga *v)
{
    if (v->dev.board) clock_disarm(board_clock(v->dev.board), &v->picture_end);
}
