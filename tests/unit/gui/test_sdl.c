/* SPDX-License-Identifier: MIT
 * The SDL window on SDL's dummy video driver: synthetic events in, the guest's input out.
 */
#if __has_include(<SDL2/SDL.h>)
#define SDL_MAIN_HANDLED
#include <SDL2/SDL.h>
#endif
#include "gui/layout.h"
#include "tests/unit/gui/fake_screen.h"

#include <check.h>
#include <stdlib.h>

#ifdef SDL_MAJOR_VERSION
static const struct display_class *sdl;
static struct fake *k;
static struct display *d;

static void setup(void)
{
    const char *why = NULL;
    setenv("SDL_VIDEODRIVER", "dummy", 1);
    sdl = display_find("sdl2");
    k = malloc(sizeof *k);
    ck_assert(sdl && k);
    fake_init(k);
    d = sdl->open(&k->screen, &k->input, &k->requests, "scale=1, hideIPS", NULL, &why);
    ck_assert_msg(d != NULL, "%s", why ? why : "");
    sdl->poll(d);
    k->key_count = k->mouse_count = 0;
}

static void teardown(void)
{
    sdl->close(d);
    free(k);
}

static SDL_Window *window(void)
{
    for (Uint32 id = 1; id < 100; id++)
        if (SDL_GetWindowFromID(id)) return SDL_GetWindowFromID(id);
    return NULL;
}

static void push_key(bool down, SDL_Scancode code, bool repeat)
{
    SDL_Event e = { .key = { .type = down ? SDL_KEYDOWN : SDL_KEYUP, .repeat = repeat,
                             .state = down ? SDL_PRESSED : SDL_RELEASED,
                             .keysym = { .scancode = code,
                                         .sym = SDL_GetKeyFromScancode(code) } } };
    ck_assert_int_eq(SDL_PushEvent(&e), 1);
}

static void push_window(Uint8 event, int data1, int data2)
{
    SDL_Event e = { .window = { .type = SDL_WINDOWEVENT, .event = event, .data1 = data1,
                                .data2 = data2, .windowID = SDL_GetWindowID(window()) } };
    ck_assert_int_eq(SDL_PushEvent(&e), 1);
}

static void push_button(bool down, Uint8 button)
{
    SDL_Event e = { .button = { .type = down ? SDL_MOUSEBUTTONDOWN : SDL_MOUSEBUTTONUP,
                                .button = button, .state = down ? SDL_PRESSED : SDL_RELEASED } };
    ck_assert_int_eq(SDL_PushEvent(&e), 1);
}

static void push_motion(int dx, int dy)
{
    SDL_Event e = { .motion = { .type = SDL_MOUSEMOTION, .xrel = dx, .yrel = dy } };
    ck_assert_int_eq(SDL_PushEvent(&e), 1);
}

static void push_wheel(int y, Uint32 direction)
{
    SDL_Event e = { .wheel = { .type = SDL_MOUSEWHEEL, .y = y, .direction = direction } };
    ck_assert_int_eq(SDL_PushEvent(&e), 1);
}

static void expect_keys(size_t count, const int *signed_usages)
{
    ck_assert_uint_eq(k->key_count, count);
    for (size_t i = 0; i < count; i++) {
        ck_assert_int_eq(k->keys[i].usage, abs(signed_usages[i]));
        ck_assert_int_eq(k->keys[i].down, signed_usages[i] > 0);
    }
    k->key_count = 0;
}
#define EXPECT_KEYS(...) \
    expect_keys(sizeof (int[]){ __VA_ARGS__ } / sizeof(int), (int[]){ __VA_ARGS__ })

static void expect_mouse(unsigned i, int dx, int dy, int dz, unsigned buttons)
{
    ck_assert_uint_lt(i, k->mouse_count);
    ck_assert_int_eq(k->mice[i].dx, dx);
    ck_assert_int_eq(k->mice[i].dy, dy);
    ck_assert_int_eq(k->mice[i].dz, dz);
    ck_assert_uint_eq(k->mice[i].buttons, buttons);
}

START_TEST(keys_are_hid_usages_without_the_hosts_repeat)
{
    push_key(true, SDL_SCANCODE_A, false);
    push_key(true, SDL_SCANCODE_A, true);
    push_key(true, SDL_SCANCODE_A, false);                 /* some drivers forget the flag */
    push_key(false, SDL_SCANCODE_A, false);
    push_key(false, SDL_SCANCODE_A, false);
    push_key(true, SDL_SCANCODE_RALT, false);
    push_key(false, SDL_SCANCODE_RALT, false);
    push_key(true, SDL_SCANCODE_UNKNOWN, false);
    push_key(true, SDL_SCANCODE_AUDIOPLAY, false);         /* beyond page 7 */
    push_key(true, SDL_NUM_SCANCODES, false);
    push_key(false, SDL_NUM_SCANCODES, false);
    sdl->poll(d);
    EXPECT_KEYS(0x04, -0x04, 0xE6, -0xE6);
}
END_TEST

START_TEST(losing_the_focus_releases_all_keys)
{
    push_key(true, SDL_SCANCODE_LSHIFT, false);
    push_key(true, SDL_SCANCODE_X, false);
    sdl->poll(d);
    EXPECT_KEYS(0xE1, 0x1B);
    push_window(SDL_WINDOWEVENT_FOCUS_LOST, 0, 0);
    push_key(false, SDL_SCANCODE_X, false);
    sdl->poll(d);
    EXPECT_KEYS(-0x1B, -0xE1);
}
END_TEST

static void hold_ctrl_alt(bool down)
{
    push_key(down, SDL_SCANCODE_LCTRL, false);
    push_key(down, SDL_SCANCODE_LALT, false);
}

START_TEST(hot_keys_are_not_the_guests)
{
    hold_ctrl_alt(true);
    push_key(true, SDL_SCANCODE_Q, false);
    push_key(true, SDL_SCANCODE_Q, false);
    hold_ctrl_alt(false);
    push_key(false, SDL_SCANCODE_Q, false);
    sdl->poll(d);
    EXPECT_KEYS(0xE0, 0xE2, -0xE0, -0xE2);
    ck_assert_uint_eq(k->quits, 1);
    hold_ctrl_alt(true);
    push_key(true, SDL_SCANCODE_R, false);
    push_key(false, SDL_SCANCODE_R, false);
    push_key(true, SDL_SCANCODE_F2, false);                /* Linux: the second console */
    push_key(false, SDL_SCANCODE_F2, false);
    push_key(true, SDL_SCANCODE_END, false);               /* stands for Delete */
    push_key(false, SDL_SCANCODE_END, false);
    sdl->poll(d);
    EXPECT_KEYS(0xE0, 0xE2, 0x3B, -0x3B, 0x4C, -0x4C);
    ck_assert_uint_eq(k->resets, 1);
    ck_assert_uint_eq(k->quits, 1);
}
END_TEST

START_TEST(the_clipboard_is_typed_by_the_machine)
{
    ck_assert_int_eq(SDL_SetClipboardText("dir \xC3\xA4\n"), 0);
    hold_ctrl_alt(true);
    push_key(true, SDL_SCANCODE_V, false);
    push_key(false, SDL_SCANCODE_V, false);
    hold_ctrl_alt(false);
    sdl->poll(d);
    EXPECT_KEYS(0xE0, 0xE2, -0xE0, -0xE2);                 /* not held while the text comes */
    ck_assert_str_eq(k->pasted, "dir \xC3\xA4\n");
}
END_TEST

START_TEST(with_a_layout_letters_count_and_not_positions)
{
    static struct layout german = { 2, { { 'z', { 0x1C, 0 } }, { '"', { 0x1F, STROKE_SHIFT } } } };
    const char *why = NULL;
    sdl->close(d);
    k->requests.layout = &german;
    d = sdl->open(&k->screen, &k->input, &k->requests, "", NULL, &why);
    sdl->poll(d);
    SDL_Event e = { .key = { .type = SDL_KEYDOWN, .state = SDL_PRESSED,
                             .keysym = { .scancode = SDL_SCANCODE_Z, .sym = SDLK_z } } };
    SDL_PushEvent(&e);
    e.key.keysym.scancode = SDL_SCANCODE_2;
    e.key.keysym.sym = SDLK_QUOTEDBL;
    SDL_PushEvent(&e);
    push_key(false, SDL_SCANCODE_Z, false);
    push_key(false, SDL_SCANCODE_2, false);
    sdl->poll(d);
    EXPECT_KEYS(0x1C, 0x1F, -0x1C, -0x1F);
}
END_TEST

START_TEST(plain_letters_of_hot_keys_are_the_guests)
{
    push_key(true, SDL_SCANCODE_LCTRL, false);
    push_key(true, SDL_SCANCODE_RALT, false);              /* AltGr is no Alt */
    push_key(true, SDL_SCANCODE_Q, false);
    push_key(false, SDL_SCANCODE_Q, false);
    sdl->poll(d);
    EXPECT_KEYS(0xE0, 0xE6, 0x14, -0x14);
    ck_assert_uint_eq(k->quits, 0);
}
END_TEST

START_TEST(the_mouse_belongs_to_the_guest_after_a_click)
{
    push_motion(5, 5);
    push_button(true, SDL_BUTTON_RIGHT);
    push_wheel(1, SDL_MOUSEWHEEL_NORMAL);
    sdl->poll(d);
    ck_assert_uint_eq(k->mouse_count, 0);
    push_button(true, SDL_BUTTON_LEFT);                    /* this click grabs */
    push_button(false, SDL_BUTTON_LEFT);
    sdl->poll(d);
    ck_assert_uint_eq(k->mouse_count, 0);
    ck_assert_int_eq(SDL_GetRelativeMouseMode(), SDL_TRUE);
    ck_assert_ptr_nonnull(strstr(SDL_GetWindowTitle(window()), "releases the mouse"));
    push_motion(3, -2);
    push_motion(4, -1);
    push_button(true, SDL_BUTTON_LEFT);
    push_motion(1, 1);
    push_button(true, SDL_BUTTON_MIDDLE);
    push_button(true, SDL_BUTTON_X1);
    push_button(false, SDL_BUTTON_LEFT);
    push_wheel(2, SDL_MOUSEWHEEL_NORMAL);
    push_wheel(1, SDL_MOUSEWHEEL_FLIPPED);
    sdl->poll(d);
    ck_assert_uint_eq(k->mouse_count, 7);
    expect_mouse(0, 7, -3, 0, 0);
    expect_mouse(1, 0, 0, 0, MOUSE_LEFT);
    expect_mouse(2, 1, 1, 0, MOUSE_LEFT);
    expect_mouse(3, 0, 0, 0, MOUSE_LEFT | MOUSE_MIDDLE);
    expect_mouse(4, 0, 0, 0, MOUSE_LEFT | MOUSE_MIDDLE | MOUSE_SIDE);
    expect_mouse(5, 0, 0, 0, MOUSE_MIDDLE | MOUSE_SIDE);
    expect_mouse(6, 0, 0, -1, MOUSE_MIDDLE | MOUSE_SIDE);
    push_window(SDL_WINDOWEVENT_FOCUS_LOST, 0, 0);
    sdl->poll(d);
    expect_mouse(7, 0, 0, 0, 0);
    ck_assert_int_eq(SDL_GetRelativeMouseMode(), SDL_FALSE);
}
END_TEST

/* Ctrl and a drag, say: what came first comes first, also if all of it came between two polls. */
START_TEST(keys_and_the_mouse_keep_their_order)
{
    push_button(true, SDL_BUTTON_LEFT);
    push_button(false, SDL_BUTTON_LEFT);
    sdl->poll(d);
    push_motion(7, 0);
    push_key(true, SDL_SCANCODE_LCTRL, false);
    push_motion(2, 0);
    push_key(false, SDL_SCANCODE_LCTRL, false);
    push_motion(1, 0);
    sdl->poll(d);
    ck_assert_uint_eq(k->mouse_count, 3);
    expect_mouse(0, 7, 0, 0, 0);
    expect_mouse(1, 2, 0, 0, 0);
    expect_mouse(2, 1, 0, 0, 0);
    for (unsigned i = 0; i < 3; i++) ck_assert_uint_eq(k->mice[i].keys, i);
}
END_TEST

START_TEST(ctrl_alt_alone_releases_the_mouse)
{
    push_button(true, SDL_BUTTON_LEFT);
    hold_ctrl_alt(true);
    push_key(true, SDL_SCANCODE_F1, false);
    push_key(false, SDL_SCANCODE_F1, false);
    hold_ctrl_alt(false);
    sdl->poll(d);
    ck_assert_int_eq(SDL_GetRelativeMouseMode(), SDL_TRUE);
    hold_ctrl_alt(true);
    hold_ctrl_alt(false);
    sdl->poll(d);
    ck_assert_int_eq(SDL_GetRelativeMouseMode(), SDL_FALSE);
    hold_ctrl_alt(true);
    push_key(true, SDL_SCANCODE_G, false);
    push_key(false, SDL_SCANCODE_G, false);
    hold_ctrl_alt(false);
    sdl->poll(d);
    ck_assert_int_eq(SDL_GetRelativeMouseMode(), SDL_TRUE);
}
END_TEST

START_TEST(closing_the_window_asks_to_quit)
{
    push_window(SDL_WINDOWEVENT_CLOSE, 0, 0);
    sdl->poll(d);
    ck_assert_uint_eq(k->quits, 1);
    SDL_Event e = { .type = SDL_QUIT };
    SDL_PushEvent(&e);
    sdl->poll(d);
    ck_assert_uint_eq(k->quits, 2);
}
END_TEST

static void expect_size(int width, int height)
{
    int w, h;
    sdl->poll(d);
    SDL_GetWindowSize(window(), &w, &h);
    ck_assert_int_eq(w, width);
    ck_assert_int_eq(h, height);
}

START_TEST(the_window_follows_the_guest_until_the_user_resizes_it)
{
    expect_size(720, 400);
    fake_picture(k, 640, 400, 640);
    expect_size(640, 400);
    fake_picture(k, 320, 200, 320);
    expect_size(640, 400);
    fake_picture(k, 0, 0, 0);              /* no signal */
    expect_size(640, 400);
    fake_picture(k, 360, 240, 360);
    expect_size(720, 480);
    SDL_SetWindowSize(window(), 1000, 700);
    push_window(SDL_WINDOWEVENT_RESIZED, 1000, 700);
    sdl->poll(d);
    fake_picture(k, 640, 400, 640);
    expect_size(1000, 700);
    SDL_SetWindowSize(window(), 720, 480); /* back at the size it had: unmaximised */
    push_window(SDL_WINDOWEVENT_RESIZED, 720, 480);
    sdl->poll(d);
    fake_picture(k, 600, 400, 600);
    expect_size(600, 400);
}
END_TEST

/* The dummy driver has a frame buffer; the renderer can be read back. */
static uint32_t pixel(int x, int y)
{
    uint32_t value = 0;
    SDL_Rect one = { x, y, 1, 1 };
    SDL_Renderer *r = SDL_GetRenderer(window());
    ck_assert_int_eq(SDL_RenderReadPixels(r, &one, SDL_PIXELFORMAT_RGB888, &value, 4), 0);
    return value & 0xFFFFFF;
}

START_TEST(changed_rows_are_shown_others_are_left)
{
    fake_picture(k, 640, 400, 640);
    for (unsigned i = 0; i < 640 * 400; i++) k->pixels[i] = 0x112233;
    sdl->poll(d);
    ck_assert_uint_eq(pixel(0, 0), 0x112233);
    ck_assert_uint_eq(pixel(639, 399), 0x112233);
    for (unsigned i = 0; i < 640 * 400; i++) k->pixels[i] = 0x445566;
    k->frame.first_row = 100;
    k->frame.row_count = 10;
    sdl->poll(d);
    ck_assert_uint_eq(pixel(5, 99), 0x112233);
    ck_assert_uint_eq(pixel(5, 100), 0x445566);
    ck_assert_uint_eq(pixel(5, 109), 0x445566);
    ck_assert_uint_eq(pixel(5, 110), 0x112233);
    k->frame.first_row = 399;              /* more than there are */
    k->frame.row_count = UINT32_MAX;
    sdl->poll(d);
    ck_assert_uint_eq(pixel(5, 399), 0x445566);
    k->frame.first_row = 400;
    sdl->poll(d);
    ck_assert_uint_eq(pixel(5, 398), 0x112233);
}
END_TEST

START_TEST(low_modes_have_fat_pixels)
{
    fake_picture(k, 320, 200, 320);
    for (unsigned i = 0; i < 320 * 200; i++) k->pixels[i] = i % 2 ? 0xFFFFFF : 0;
    sdl->poll(d);
    for (int x = 0; x < 640; x++) ck_assert_uint_eq(pixel(x, 399), x / 2 % 2 ? 0xFFFFFF : 0);
}
END_TEST

START_TEST(impossible_frames_are_survived)
{
    fake_picture(k, 100000, 100000, 100000);
    sdl->poll(d);
    fake_picture(k, 640, 400, 10);         /* the stride is too short */
    sdl->poll(d);
    fake_picture(k, 640, 400, 640);
    k->frame.pixels = NULL;
    sdl->poll(d);
    fake_picture(k, 640, 0, 640);
    sdl->poll(d);
    fake_picture(k, 1, 1, 1);
    sdl->poll(d);
}
END_TEST

START_TEST(the_title_says_what_the_machine_says)
{
    sdl->title(d, "Vitro - 100 MIPS");
    ck_assert_ptr_nonnull(strstr(SDL_GetWindowTitle(window()), "100 MIPS"));
    char text[1000];
    memset(text, 'x', sizeof text);
    text[999] = 0;
    sdl->title(d, text);
    ck_assert_uint_lt(strlen(SDL_GetWindowTitle(window())), 256);
}
END_TEST

START_TEST(full_screen_goes_and_comes)
{
    for (unsigned i = 0; i < 2; i++) {
        hold_ctrl_alt(true);
        push_key(true, SDL_SCANCODE_F, false);
        push_key(false, SDL_SCANCODE_F, false);
        hold_ctrl_alt(false);
        sdl->poll(d);
        Uint32 flags = SDL_GetWindowFlags(window()) & SDL_WINDOW_FULLSCREEN_DESKTOP;
        ck_assert_int_eq(flags != 0, i == 0);
    }
}
END_TEST

START_TEST(no_display_is_no_crash)
{
    const char *why = NULL;
    setenv("SDL_VIDEODRIVER", "no_such_driver", 1);
    struct display *none = sdl->open(&k->screen, &k->input, NULL, "", NULL, &why);
    if (none) sdl->close(none);            /* SDL was up already: it keeps its driver */
    struct screen screen = k->screen;
    struct input input = k->input;
    teardown();
    why = NULL;
    ck_assert_ptr_null(sdl->open(&screen, &input, NULL, "", NULL, &why));
    ck_assert_ptr_nonnull(why);
    unsetenv("SDL_VIDEODRIVER");
    unsetenv("DISPLAY");
    unsetenv("WAYLAND_DISPLAY");
    ck_assert_ptr_null(sdl->open(&k->screen, &k->input, NULL, "", NULL, &why));
    ck_assert_ptr_nonnull(strstr(why, "DISPLAY"));
    setup();                               /* and it still works afterwards */
}
END_TEST

static void add_tests(TCase *t)
{
    tcase_add_checked_fixture(t, setup, teardown);
    tcase_add_test(t, keys_are_hid_usages_without_the_hosts_repeat);
    tcase_add_test(t, losing_the_focus_releases_all_keys);
    tcase_add_test(t, hot_keys_are_not_the_guests);
    tcase_add_test(t, plain_letters_of_hot_keys_are_the_guests);
    tcase_add_test(t, the_mouse_belongs_to_the_guest_after_a_click);
    tcase_add_test(t, keys_and_the_mouse_keep_their_order);
    tcase_add_test(t, ctrl_alt_alone_releases_the_mouse);
    tcase_add_test(t, closing_the_window_asks_to_quit);
    tcase_add_test(t, the_window_follows_the_guest_until_the_user_resizes_it);
    tcase_add_test(t, changed_rows_are_shown_others_are_left);
    tcase_add_test(t, low_modes_have_fat_pixels);
    tcase_add_test(t, impossible_frames_are_survived);
    tcase_add_test(t, the_title_says_what_the_machine_says);
    tcase_add_test(t, full_screen_goes_and_comes);
    tcase_add_test(t, the_clipboard_is_typed_by_the_machine);
    tcase_add_test(t, with_a_layout_letters_count_and_not_positions);
    tcase_add_test(t, no_display_is_no_crash);
}
#else
static void add_tests(TCase *t)
{
    (void)t;
}
#endif

int main(void)
{
    Suite *s = suite_create("sdl");
    TCase *t = tcase_create("sdl");
    if (display_find("sdl2")) add_tests(t);
    suite_add_tcase(s, t);
    SRunner *r = srunner_create(s);
    srunner_run_all(r, CK_NORMAL);
    int failed = srunner_ntests_failed(r);
    srunner_free(r);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
