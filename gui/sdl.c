/* SPDX-License-Identifier: MIT
 * The window: SDL 2 (wiki.libsdl.org), 2.0.16 or newer.
 *
 * The window follows the guest's picture until the user resizes it; from then on the picture is
 * scaled to fit, by whole factors where there is room, nearest neighbour. Only rows that changed
 * travel to the texture.
 *
 * Not implemented: two windows in one process (SDL has one event queue), survival of the X
 * server's death (Xlib ends the process), correction of the aspect ratio beyond doubling, full
 * screen under X11 without a window manager that knows EWMH (SDL asks, nobody answers).
 */
#ifdef HAVE_SDL2
#include "gui/front_ends.h"
#include "gui/sdl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { START_WIDTH = 720, START_HEIGHT = 400 };    /* VGA's text mode */
enum { MAX_SIDE = 16384, MAX_SCALE = 16 };
enum { WHOLE_EVERY = 64 };                 /* polls; heals a texture the host spoiled */

struct display {
    const struct screen     *screen;
    struct display_requests  requests;
    struct log              *log;
    struct sdl_input         in;
    SDL_Window   *window;
    SDL_Renderer *renderer;
    SDL_Texture  *texture;                 /* NULL: no signal                             */
    unsigned width, height;                /* of the guest's picture                      */
    unsigned scale;                        /* of the window as long as we choose its size */
    int      asked_width, asked_height;    /* the size we chose last                      */
    bool     user_size;                    /* the user chose another                      */
    bool     fullscreen, hidden;
    bool     stale;                        /* draw all rows                               */
    bool     exposed;                      /* show again even if no row changed           */
    unsigned polls;
    char     status[160], shown_title[256];
};

/* ---- the title ------------------------------------------------------------------------------- */

static void show_title(struct display *d)
{
    char title[sizeof d->shown_title];
    const char *hint = d->in.grabbed ? " - Ctrl+Alt+G releases the mouse"
                     : d->in.guest->mouse ? " - click to use the mouse" : "";
    snprintf(title, sizeof title, "%s%s", d->status[0] ? d->status : "Vitro", hint);
    if (!strcmp(title, d->shown_title)) return;
    memcpy(d->shown_title, title, sizeof title);
    SDL_SetWindowTitle(d->window, title);
}

static void sdl_title(struct display *d, const char *status)
{
    snprintf(d->status, sizeof d->status, "%s", status ? status : "");
    show_title(d);
}

/* ---- the window's size ----------------------------------------------------------------------- */

/* Low modes have fat pixels on a real monitor: 320x200 fills the same glass as 640x400. */
static SDL_Point natural_size(const struct display *d)
{
    SDL_Point size = { START_WIDTH, START_HEIGHT };
    if (d->width && d->height) {
        size.x = (int)d->width * (d->width <= 400 ? 2 : 1);
        size.y = (int)d->height * (d->height <= 300 ? 2 : 1);
    }
    return size;
}

static void set_natural_size(struct display *d)
{
    SDL_Point size = natural_size(d);
    d->user_size = false;
    d->asked_width = size.x * (int)d->scale;
    d->asked_height = size.y * (int)d->scale;
    if (!d->fullscreen) SDL_SetWindowSize(d->window, d->asked_width, d->asked_height);
}

/* Where the picture goes: centred, by the largest whole factor, shrunk only if it must be. */
static SDL_Rect picture_place(const struct display *d, int width, int height)
{
    SDL_Point size = natural_size(d);
    int across = width / size.x, down = height / size.y;
    int factor = across < down ? across : down;
    SDL_Rect place = { 0, 0, size.x * factor, size.y * factor };
    if (factor < 1) {
        bool wide = (int64_t)size.x * height > (int64_t)size.y * width;
        place.w = wide ? width : (int)((int64_t)size.x * height / size.y);
        place.h = wide ? (int)((int64_t)size.y * width / size.x) : height;
    }
    place.x = (width - place.w) / 2;
    place.y = (height - place.h) / 2;
    return place;
}

static void toggle_fullscreen(struct display *d)
{
    bool wanted = !d->fullscreen;
    if (SDL_SetWindowFullscreen(d->window, wanted ? SDL_WINDOW_FULLSCREEN_DESKTOP : 0)) {
        log_line(d->log, "gui", LOG_WARN, "no full screen: %s", SDL_GetError());
        return;
    }
    d->fullscreen = wanted;
    d->exposed = true;
    if (!wanted && !d->user_size) set_natural_size(d);
}

static void resized(struct display *d, int width, int height)
{
    d->exposed = true;
    /* Back at the size we chose (unmaximised, say), the window follows the guest again. */
    if (!d->fullscreen) d->user_size = width != d->asked_width || height != d->asked_height;
}

/* ---- the mouse ------------------------------------------------------------------------------- */

static void grab(struct display *d, bool on)
{
    if (d->in.grabbed == on) return;
    if (SDL_SetRelativeMouseMode(on ? SDL_TRUE : SDL_FALSE) && on) {
        log_line(d->log, "gui", LOG_WARN, "cannot grab the mouse: %s", SDL_GetError());
        return;
    }
    SDL_SetWindowKeyboardGrab(d->window, on ? SDL_TRUE : SDL_FALSE);
    d->in.grabbed = on;
    show_title(d);
}

static void lose_focus(struct display *d)
{
    sdl_input_release_all(&d->in);
    grab(d, false);
}

/* ---- the picture ----------------------------------------------------------------------------- */

static void new_picture(struct display *d, unsigned width, unsigned height)
{
    if (d->texture) SDL_DestroyTexture(d->texture);
    d->texture = NULL;
    d->exposed = true;
    d->width = width;
    d->height = height;
    if (!width || !height) return;         /* no signal: keep the window, show black */
    d->texture = SDL_CreateTexture(d->renderer, SDL_PIXELFORMAT_RGB888, SDL_TEXTUREACCESS_STREAMING,
                                   (int)width, (int)height);
    if (!d->texture)
        log_line(d->log, "gui", LOG_ERROR, "no texture of %ux%u: %s", width, height,
                 SDL_GetError());
    if (!d->user_size) set_natural_size(d);
}

static bool showable(const struct screen_frame *f)
{
    return f->pixels && f->width && f->height && f->width <= MAX_SIDE && f->height <= MAX_SIDE
        && f->stride >= f->width && f->stride <= 4 * MAX_SIDE;
}

static void upload(struct display *d, const struct screen_frame *f)
{
    unsigned first = f->first_row, count = f->row_count;
    if (!d->texture || !count || first >= f->height) return;
    if (count > f->height - first) count = f->height - first;
    SDL_Rect rows = { 0, (int)first, (int)f->width, (int)count };
    SDL_UpdateTexture(d->texture, &rows, f->pixels + first * f->stride, (int)(f->stride * 4));
    d->exposed = true;
}

static void fetch_picture(struct display *d)
{
    struct screen_frame f = { 0 };
    bool whole = d->stale || ++d->polls % WHOLE_EVERY == 0;
    d->screen->draw(d->screen->ctx, &f, whole, false);
    if (!showable(&f)) f = (struct screen_frame){ 0 };
    if (f.width != d->width || f.height != d->height) {
        new_picture(d, f.width, f.height);
        f.first_row = 0;
        f.row_count = f.height;
    }
    d->stale = false;
    upload(d, &f);
}

static void present(struct display *d)
{
    int width = 0, height = 0;
    d->exposed = false;
    SDL_SetRenderDrawColor(d->renderer, 0, 0, 0, 255);
    SDL_RenderClear(d->renderer);
    if (d->texture && !SDL_GetRendererOutputSize(d->renderer, &width, &height)) {
        SDL_Rect place = picture_place(d, width, height);
        SDL_RenderCopy(d->renderer, d->texture, NULL, &place);
    }
    SDL_RenderPresent(d->renderer);
}

/* ---- events ---------------------------------------------------------------------------------- */

static unsigned window_event(struct display *d, const SDL_WindowEvent *event)
{
    switch (event->event) {
    case SDL_WINDOWEVENT_CLOSE:        return WISH_QUIT;
    case SDL_WINDOWEVENT_EXPOSED:
    case SDL_WINDOWEVENT_SIZE_CHANGED: d->exposed = true; return 0;
    case SDL_WINDOWEVENT_RESIZED:      resized(d, event->data1, event->data2); return 0;
    case SDL_WINDOWEVENT_FOCUS_LOST:   lose_focus(d); return 0;
    case SDL_WINDOWEVENT_HIDDEN:
    case SDL_WINDOWEVENT_MINIMIZED:    d->hidden = true; return 0;
    case SDL_WINDOWEVENT_SHOWN:
    case SDL_WINDOWEVENT_RESTORED:
    case SDL_WINDOWEVENT_MAXIMIZED:    d->hidden = false; d->exposed = true; return 0;
    default:                           return 0;
    }
}

static unsigned handle(struct display *d, const SDL_Event *event)
{
    switch (event->type) {
    case SDL_QUIT:                  return WISH_QUIT;
    case SDL_WINDOWEVENT:           return window_event(d, &event->window);
    case SDL_RENDER_TARGETS_RESET:  d->stale = true; return 0;
    case SDL_RENDER_DEVICE_RESET:   new_picture(d, 0, 0); d->stale = true; return 0;
    default:                        return sdl_input_event(&d->in, event);
    }
}

static void paste(const struct display_requests *requests)
{
    char *text = SDL_GetClipboardText();
    if (text && *text && requests->paste) requests->paste(requests->ctx, text);
    SDL_free(text);
}

/* vitro-1.png, or the first number that no file has. */
static void save_picture(struct display *d)
{
    char path[32];
    unsigned n = 1;
    do snprintf(path, sizeof path, "vitro-%u.png", n);
    while (!access(path, F_OK) && ++n < 10000);
    const char *why = screen_save(d->screen, path);
    log_line(d->log, "gui", why ? LOG_WARN : LOG_INFO, "screenshot %s%s%s", path, why ? ": " : "",
             why ? why : "");
}

static void grant(struct display *d, unsigned wishes)
{
    if (wishes & WISH_FULLSCREEN) toggle_fullscreen(d);
    if (wishes & WISH_NATURAL_SIZE) set_natural_size(d);
    /* The keys that asked are not to be held while the text is typed. */
    if (wishes & WISH_PASTE) sdl_input_release_all(&d->in);
    if (wishes & WISH_SCREENSHOT) save_picture(d);
    if (wishes & WISH_GRAB) grab(d, true);
    if (wishes & WISH_UNGRAB) grab(d, false);
}

static void sdl_poll(struct display *d)
{
    SDL_Event event;
    unsigned asked = 0;
    while (SDL_PollEvent(&event)) {
        unsigned wishes = handle(d, &event);
        grant(d, wishes);
        asked |= wishes;
    }
    sdl_input_flush(&d->in);
    fetch_picture(d);
    if (d->exposed && !d->hidden) present(d);
    /* Last, because the machine may close this display from inside these calls. */
    struct display_requests requests = d->requests;
    if (asked & WISH_PASTE) paste(&requests);
    if ((asked & WISH_RESET) && requests.reset) requests.reset(requests.ctx);
    if ((asked & WISH_QUIT) && requests.quit) requests.quit(requests.ctx);
}

/* ---- open and close -------------------------------------------------------------------------- */

/* Without a display server SDL would try to take the console itself: only when told to. */
static bool display_server_named(void)
{
#if defined(__linux__) || defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__)
    static const char *const variables[] = { "DISPLAY", "WAYLAND_DISPLAY", "SDL_VIDEODRIVER" };
    for (size_t i = 0; i < COUNT_OF(variables); i++) {
        const char *value = getenv(variables[i]);
        if (value && *value) return true;
    }
    return false;
#else
    return true;
#endif
}

static bool start_sdl(struct log *log, const char **why)
{
    if (!display_server_named()) {
        *why = "no X or Wayland display (DISPLAY is not set)";
        return false;
    }
    SDL_SetMainReady();
    SDL_SetHint(SDL_HINT_NO_SIGNAL_HANDLERS, "1");
    SDL_SetHint(SDL_HINT_VIDEO_ALLOW_SCREENSAVER, "1");
    SDL_SetHint(SDL_HINT_VIDEO_X11_NET_WM_BYPASS_COMPOSITOR, "0");
    SDL_SetHint(SDL_HINT_RENDER_SCALE_QUALITY, "nearest");
    SDL_SetHint(SDL_HINT_VIDEO_MINIMIZE_ON_FOCUS_LOSS, "0");
    if (!SDL_InitSubSystem(SDL_INIT_VIDEO)) return true;
    log_line(log, "gui", LOG_INFO, "SDL: %s", SDL_GetError());
    *why = "SDL cannot reach the display";
    return false;
}

static void stop_sdl(void)
{
    SDL_QuitSubSystem(SDL_INIT_VIDEO);
    if (!SDL_WasInit(0)) SDL_Quit();
}

static bool make_window(struct display *d)
{
    d->window = SDL_CreateWindow("Vitro", SDL_WINDOWPOS_UNDEFINED, SDL_WINDOWPOS_UNDEFINED,
                                 START_WIDTH * (int)d->scale, START_HEIGHT * (int)d->scale,
                                 SDL_WINDOW_RESIZABLE);
    if (!d->window) return false;
    d->renderer = SDL_CreateRenderer(d->window, -1, 0);
    if (!d->renderer) d->renderer = SDL_CreateRenderer(d->window, -1, SDL_RENDERER_SOFTWARE);
    if (!d->renderer) return false;
    SDL_StopTextInput();                   /* keys, no input methods */
    set_natural_size(d);
    show_title(d);
    return true;
}

static void set_option(struct display *d, const char *word)
{
    /* Options of Bochs' windows that need no doing here. */
    static const char *const harmless[] = { "hideIPS", "nokeyrepeat", "cmdmode", "autoscale" };
    unsigned scale;
    for (size_t i = 0; i < COUNT_OF(harmless); i++)
        if (!strcmp(word, harmless[i])) return;
    if (!strcmp(word, "fullscreen")) toggle_fullscreen(d);
    else if (sscanf(word, "scale=%2u", &scale) == 1 && scale >= 1 && scale <= MAX_SCALE) {
        d->scale = scale;
        set_natural_size(d);
    } else {
        log_line(d->log, "gui", LOG_WARN, "sdl2 has no option \"%s\" (fullscreen, scale=1..16)",
                 word);
    }
}

static void set_options(struct display *d, const char *options)
{
    char word[OPTION_SIZE];
    while (next_option(&options, word)) set_option(d, word);
}

static void sdl_close(struct display *d)
{
    if (!d) return;
    grab(d, false);
    if (d->texture) SDL_DestroyTexture(d->texture);
    if (d->renderer) SDL_DestroyRenderer(d->renderer);
    if (d->window) SDL_DestroyWindow(d->window);
    free(d);
    stop_sdl();
}

static struct display *sdl_open(const struct screen *screen, const struct input *input,
                                const struct display_requests *requests, const char *options,
                                struct log *log, const char **why)
{
    if (!start_sdl(log, why)) return NULL;
    struct display *d = calloc(1, sizeof *d);
    if (!d) {
        *why = "out of memory";
        stop_sdl();
        return NULL;
    }
    *d = (struct display){ .screen = screen, .log = log, .in.guest = input, .scale = 1,
                           .stale = true, .exposed = true };
    if (requests) d->requests = *requests;
    d->in.layout = d->requests.layout;
    if (!make_window(d)) {
        log_line(log, "gui", LOG_INFO, "SDL: %s", SDL_GetError());
        *why = "SDL cannot make a window";
        sdl_close(d);
        return NULL;
    }
    set_options(d, options);
    return d;
}

const struct display_class display_sdl = {
    .name = "sdl2", .about = "a window (SDL 2); options: fullscreen, scale=1..16",
    .open = sdl_open, .poll = sdl_poll, .title = sdl_title, .close = sdl_close,
};
#else
typedef int sdl_is_not_built_in;           /* ISO C wants something in every file */
#endif
