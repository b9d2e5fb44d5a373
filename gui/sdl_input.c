/* SPDX-License-Identifier: MIT
 * SDL events -> keys and mouse motion of the guest. SDL's scancodes below 100h are the usages of
 * HID page 7 (SDL_scancode.h), so keys need no table; the guest's own layout gives them meaning.
 *
 * Hot keys, with the left Ctrl and Alt held (the right Alt may be AltGr, which people type with):
 * see docs/display.md.
 *
 * Not implemented: absolute pointers (tablet), horizontal wheel.
 */
#ifdef HAVE_SDL2
#include "gui/layout.h"
#include "gui/sdl.h"

enum { LEFT_CONTROL = SDL_SCANCODE_LCTRL, LEFT_ALT = SDL_SCANCODE_LALT };
enum { MAX_MOTION = 1 << 16 };             /* a sum of motions never overflows */

static void send_mouse(struct sdl_input *in)
{
    if (in->guest->mouse)
        in->guest->mouse(in->guest->ctx, in->dx, in->dy, in->dz, in->buttons);
    in->dx = in->dy = in->dz = 0;
}

void sdl_input_flush(struct sdl_input *in)
{
    if (in->dx || in->dy || in->dz) send_mouse(in);
}

static void send_key(struct sdl_input *in, unsigned usage, bool down)
{
    if (in->down[usage] == down) return;   /* also drops the host's key repeat */
    sdl_input_flush(in);                   /* the motion came before the key */
    in->down[usage] = down;
    if (in->guest->key) in->guest->key(in->guest->ctx, usage, down);
}

void sdl_input_release_all(struct sdl_input *in)
{
    for (unsigned usage = 0; usage < SDL_USAGES; usage++) {
        send_key(in, usage, false);
        in->swallowed[usage] = false;
    }
    in->only_modifiers = false;
    sdl_input_flush(in);
    if (!in->buttons) return;
    in->buttons = 0;
    send_mouse(in);
}

static bool hot(const struct sdl_input *in)
{
    return in->down[LEFT_CONTROL] && in->down[LEFT_ALT];
}

/* The letter on the key cap; on keyboards without Latin letters, the one a US key cap has there. */
static int letter_of(const SDL_Keysym *key)
{
    if (key->sym > 0 && key->sym < 0x80) return key->sym;
    if (key->scancode >= SDL_SCANCODE_A && key->scancode <= SDL_SCANCODE_Z)
        return 'a' + (int)(key->scancode - SDL_SCANCODE_A);
    return 0;
}

static unsigned wish_of(const struct sdl_input *in, const SDL_Keysym *key)
{
    switch (letter_of(key)) {
    case 'f': return WISH_FULLSCREEN;
    case 'g': return in->grabbed ? WISH_UNGRAB : WISH_GRAB;
    case 'q': return WISH_QUIT;
    case 'r': return WISH_RESET;
    case 's': return WISH_SCREENSHOT;
    case 'u': return WISH_NATURAL_SIZE;
    case 'v': return WISH_PASTE;
    default:  return 0;
    }
}

/* By position, or with a layout by the letter on the host's key. */
static unsigned usage_of(const struct sdl_input *in, const SDL_Keysym *key)
{
    struct stroke s = { 0, 0 };
    if (in->layout && key->sym > ' ' && key->sym < 0x10000)
        s = layout_stroke(in->layout, (uint32_t)key->sym);
    return s.usage && !s.modifiers ? s.usage : (unsigned)key->scancode;
}

static unsigned key_down(struct sdl_input *in, const SDL_KeyboardEvent *event)
{
    unsigned usage = event->keysym.scancode;
    if (usage < 0x04 || usage >= SDL_USAGES || event->repeat) return 0;
    if (hot(in) && !in->down[usage]) {
        unsigned wish = in->swallowed[usage] ? 0 : wish_of(in, &event->keysym);
        in->only_modifiers = false;
        if (wish || in->swallowed[usage]) {
            in->swallowed[usage] = true;
            return wish;
        }
        /* Hosts keep Ctrl+Alt+Del for themselves: Ctrl+Alt+End stands for it. */
        if (usage == SDL_SCANCODE_END) {
            in->swallowed[usage] = true;
            send_key(in, SDL_SCANCODE_DELETE, true);
            return 0;
        }
    }
    in->swallowed[usage] = false;
    in->sent[usage] = (uint8_t)usage_of(in, &event->keysym);
    send_key(in, in->sent[usage], true);
    in->only_modifiers = hot(in) && (usage == LEFT_CONTROL || usage == LEFT_ALT);
    return 0;
}

static unsigned key_up(struct sdl_input *in, const SDL_KeyboardEvent *event)
{
    unsigned usage = event->keysym.scancode;
    if (usage >= SDL_USAGES) return 0;
    if (in->swallowed[usage]) {
        in->swallowed[usage] = false;
        if (usage == SDL_SCANCODE_END) send_key(in, SDL_SCANCODE_DELETE, false);
        return 0;
    }
    bool release = in->grabbed && in->only_modifiers && hot(in);
    send_key(in, in->sent[usage], false);
    in->only_modifiers = false;
    return release ? WISH_UNGRAB : 0;
}

static unsigned button_of(unsigned sdl_button)
{
    switch (sdl_button) {
    case SDL_BUTTON_LEFT:   return MOUSE_LEFT;
    case SDL_BUTTON_RIGHT:  return MOUSE_RIGHT;
    case SDL_BUTTON_MIDDLE: return MOUSE_MIDDLE;
    case SDL_BUTTON_X1:     return MOUSE_SIDE;
    case SDL_BUTTON_X2:     return MOUSE_EXTRA;
    default:                return 0;
    }
}

static unsigned button(struct sdl_input *in, const SDL_MouseButtonEvent *event)
{
    unsigned bit = button_of(event->button);
    bool down = event->state == SDL_PRESSED;
    if (!in->grabbed)                      /* the click that grabs is not the guest's */
        return down && bit == MOUSE_LEFT && in->guest->mouse ? WISH_GRAB : 0;
    unsigned now = down ? in->buttons | bit : in->buttons & ~bit;
    if (now == in->buttons) return 0;
    sdl_input_flush(in);                   /* the motion came before the click */
    in->buttons = now;
    send_mouse(in);
    return 0;
}

static int bounded(int64_t sum)
{
    return sum > MAX_MOTION ? MAX_MOTION : sum < -MAX_MOTION ? -MAX_MOTION : (int)sum;
}

static void motion(struct sdl_input *in, const SDL_MouseMotionEvent *event)
{
    if (!in->grabbed) return;
    in->dx = bounded((int64_t)in->dx + event->xrel);
    in->dy = bounded((int64_t)in->dy + event->yrel);
}

static void wheel(struct sdl_input *in, const SDL_MouseWheelEvent *event)
{
    if (!in->grabbed) return;
    /* SDL: positive is away from the user, unless flipped; the socket: towards the user. */
    int64_t towards = event->direction == SDL_MOUSEWHEEL_FLIPPED ? event->y : -(int64_t)event->y;
    in->dz = bounded(in->dz + towards);
}

unsigned sdl_input_event(struct sdl_input *in, const SDL_Event *event)
{
    switch (event->type) {
    case SDL_KEYDOWN:         return key_down(in, &event->key);
    case SDL_KEYUP:           return key_up(in, &event->key);
    case SDL_MOUSEBUTTONDOWN:
    case SDL_MOUSEBUTTONUP:   return button(in, &event->button);
    case SDL_MOUSEMOTION:     motion(in, &event->motion); return 0;
    case SDL_MOUSEWHEEL:      wheel(in, &event->wheel); return 0;
    default:                  return 0;
    }
}
#else
typedef int sdl_is_not_built_in;           /* ISO C wants something in every file */
#endif
