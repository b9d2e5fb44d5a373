/* SPDX-License-Identifier: MIT
 * The screen as a file (PNG or PPM) or as text.
 * Portable Network Graphics Specification, second edition (W3C, 2003), by libpng; ppm(5), Netpbm.
 */
#include "gui/cp437.h"
#include "gui/display.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { MAX_SIDE = 16384 };                  /* keeps width * height * 3 far from any overflow */

static uint8_t *rgb_rows(const struct screen_frame *f)
{
    uint8_t *rgb = malloc((size_t)f->width * f->height * 3), *to = rgb;
    if (!rgb) return NULL;
    for (unsigned y = 0; y < f->height; y++) {
        const uint32_t *from = f->pixels + y * f->stride;
        for (unsigned x = 0; x < f->width; x++) {
            *to++ = (uint8_t)(from[x] >> 16);
            *to++ = (uint8_t)(from[x] >> 8);
            *to++ = (uint8_t)from[x];
        }
    }
    return rgb;
}

static const char *write_ppm(FILE *file, const uint8_t *rgb, unsigned width, unsigned height)
{
    size_t size = (size_t)width * height * 3;
    if (fprintf(file, "P6\n%u %u\n255\n", width, height) < 0 || fwrite(rgb, 1, size, file) != size)
        return strerror(errno);
    return NULL;
}

#ifdef HAVE_PNG
#include <png.h>

static const char *write_png(FILE *file, const uint8_t *rgb, unsigned width, unsigned height)
{
    png_image image = { .version = PNG_IMAGE_VERSION, .width = width, .height = height,
                        .format = PNG_FORMAT_RGB };
    bool done = png_image_write_to_stdio(&image, file, 0, rgb, (png_int_32)width * 3, NULL);
    png_image_free(&image);
    return done ? NULL : errno ? strerror(errno) : "libpng refused the picture";
}
#else
static const char *write_png(FILE *file, const uint8_t *rgb, unsigned width, unsigned height)
{
    (void)file, (void)rgb, (void)width, (void)height;
    return "built without libpng; .ppm works";
}
#endif

typedef const char *write_fn(FILE *, const uint8_t *rgb, unsigned width, unsigned height);

static write_fn *writer_of(const char *path)
{
    const char *dot = strrchr(path, '.');
    if (dot && !strcasecmp(dot, ".png")) return write_png;
    if (dot && !strcasecmp(dot, ".ppm")) return write_ppm;
    return NULL;
}

static bool is_text(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && !strcasecmp(dot, ".txt");
}

bool screen_can_save(const char *path) { return is_text(path) || writer_of(path); }

static const char *write_file(write_fn *write, const char *path, const struct screen_frame *f)
{
    uint8_t *rgb = rgb_rows(f);
    FILE *file = rgb ? fopen(path, "wb") : NULL;
    const char *error = file ? NULL : strerror(errno);
    if (file) {
        errno = 0;
        error = write(file, rgb, f->width, f->height);
        if (fclose(file) && !error) error = strerror(errno);
        if (error) remove(path);            /* half a picture helps nobody */
    }
    free(rgb);
    return error;
}

/* Counts beyond the end, as snprintf does. */
struct text_out {
    char  *bytes;
    size_t size, length;
};

static void put_bytes(struct text_out *out, const char *bytes, size_t count)
{
    /* Only whole characters: a cut text is still UTF-8. */
    if (out->length + count < out->size) memcpy(out->bytes + out->length, bytes, count);
    else if (out->length < out->size) {
        out->bytes[out->length] = 0;
        out->size = out->length + 1;
    }
    out->length += count;
}

static void put_row(struct text_out *out, const uint16_t *cells, unsigned columns)
{
    while (columns && cp437_rune((uint8_t)cells[columns - 1]) == ' ') columns--;
    for (unsigned i = 0; i < columns; i++) {
        char utf8[3];
        put_bytes(out, utf8, utf8_put(utf8, cp437_rune((uint8_t)cells[i])));
    }
    put_bytes(out, "\n", 1);
}

size_t screen_text_utf8(const struct screen *screen, char *bytes, size_t size)
{
    struct text_out out = { .bytes = bytes, .size = size };
    struct screen_frame frame = { 0 };
    screen->draw(screen->ctx, &frame, true, true);
    for (unsigned y = 0; frame.text.cells && y < frame.text.rows; y++)
        put_row(&out, frame.text.cells + (size_t)y * frame.text.columns, frame.text.columns);
    if (out.length < out.size) bytes[out.length] = 0;
    return out.length;
}

static const char *save_text(const struct screen *screen, const char *path)
{
    size_t length = screen_text_utf8(screen, NULL, 0);
    if (!length) return "the screen shows no text now; save it as .png";
    char *text = malloc(length + 1);
    FILE *file = text ? fopen(path, "w") : NULL;
    const char *error = file ? NULL : strerror(errno);
    if (file) {
        screen_text_utf8(screen, text, length + 1);
        errno = 0;
        bool done = fwrite(text, 1, length, file) == length;
        if (fclose(file) || !done) error = strerror(errno);
        if (error) remove(path);
    }
    free(text);
    return error;
}

const char *screen_save(const struct screen *screen, const char *path)
{
    write_fn *write = writer_of(path);
    if (is_text(path)) return save_text(screen, path);
    if (!write) return "the file's name must end in .png, .ppm or .txt";
    struct screen_frame frame = { 0 };
    screen->draw(screen->ctx, &frame, true, false);
    if (!frame.width || !frame.height || !frame.pixels) return "the screen has no picture now";
    if (frame.width > MAX_SIDE || frame.height > MAX_SIDE) return "the picture is too large";
    return write_file(write, path, &frame);
}
