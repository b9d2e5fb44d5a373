/* SPDX-License-Identifier: MIT
 * A front-end: shows a screen, delivers input. sdl, terminal and headless implement it. It never
 * touches the machine except through screen.h, input.h and the requests below.
 */
#pragma once
#include "base/log.h"
#include "gui/input.h"
#include "gui/screen.h"

struct display;
struct layout;

struct display_requests {                  /* what a user can ask of the machine through a window */
    void *ctx;
    void (*quit)(void *ctx);
    void (*reset)(void *ctx);
    void (*paste)(void *ctx, const char *utf8);        /* types a text; may be NULL */
    bool (*served)(void *ctx);             /* has the guest got all keys? NULL: it has */
    const struct layout *layout;           /* the guest's: keys go by letters; NULL: by position */
};

struct display_class {
    const char *name;                      /* display_library: "sdl2", "term", "nogui" */
    const char *about;
    /* NULL: not possible here; *why then says so in a few words ("no X display"). options: the
     * text of display_library's options=, or "". */
    struct display *(*open)(const struct screen *, const struct input *,
                            const struct display_requests *, const char *options, struct log *,
                            const char **why);
    void (*poll)(struct display *);        /* handle input, redraw; 50 times per host second */
    void (*title)(struct display *, const char *status);   /* one line for the title; may be NULL */
    void (*close)(struct display *);
};

extern const struct display_class display_headless;
const struct display_class *display_find(const char *name);      /* NULL: unknown or not built in */
const struct display_class *const *display_list(void);           /* NULL-terminated, best first */

/* Saves the current screen. By suffix: .png (if built with libpng), .ppm, or .txt: text modes as
 * UTF-8. NULL: done, else why not. */
const char *screen_save(const struct screen *, const char *path);
bool screen_can_save(const char *path);                /* has it such a suffix? */
/* The text screen as UTF-8 lines into out (NUL-terminated); returns bytes needed without NUL.
 * One '\n' ends each row; blanks at a row's end are left out. Graphics modes give "". */
size_t screen_text_utf8(const struct screen *, char *out, size_t size);
/* "a", "ret", "ctrl", "f1", "kp_enter" ... (QEMU's names), HID's names ("left_control") or a usage
 * in hex ("0x28") -> HID usage, 0 if unknown. Upper and lower case are the same. */
unsigned key_by_name(const char *name);
const char *key_name(unsigned usage);              /* the shortest such name; NULL if unknown */
/* The key of the US layout that types an ASCII character ('\n' = Enter, '\b', '\t', ESC too), 0 if
 * there is none; *shift: together with Shift. */
unsigned key_for_char(char c, bool *shift);
