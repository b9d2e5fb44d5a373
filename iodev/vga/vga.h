/* SPDX-License-Identifier: MIT
 * Private to iodev/vga: the video card's registers, its memory, and how they become a picture.
 *
 *   ports --> vga.c -+-> registers.c  sequencer, graphics, attribute controller
 *                    +-> crtc.c       CRT controller, its beam in virtual time
 *                    +-> interrupt.c  at the end of the picture
 *                    +-> dac.c        palette
 *                    +-> dispi.c      Bochs' "VBE DISPI" registers: the SVGA modes
 *   A0000h --> window.c  latches and write modes  --+
 *   BAR 0  --> (plain RAM) -------------------------+--> vram --> screen.c --> picture.c
 *                    raster.c: registers changed in mid-frame --^   +-> text.c, graphics.c
 *
 * Plane p of address a is vram[4 * a + p]: a double word of vram is what the four planes hold at
 * one address, chain-4 is linear, and the linear framebuffer shows the same bytes.
 */
#pragma once
#include "iodev/board.h"

enum {
    VGA_MAX_WIDTH = 2560, VGA_MAX_HEIGHT = 2048,          /* of a picture, whatever registers say */
    VGA_LINE_ROOM = VGA_MAX_WIDTH + 32,    /* one more character than fits, for panning */
    VGA_MAX_MIB = 64,
    VGA_DIRTY_WORDS = (VGA_MAX_MIB << 20) / 4096 / 64,
    VGA_RASTER_ROOM = 8192,                /* register writes that are remembered for two frames */
    VGA_SLACK = 4 * VGA_MAX_WIDTH,   /* zeros behind vram: a row that starts in it may end there */
    VGA_PLANE_MASK = 0xFFFF            /* a VGA has 64 KiB per plane */
};

/* IBM PS/2 Hardware Interface Technical Reference, Video Subsystems (1992): register names. */
enum { SEQ_RESET, SEQ_CLOCKING, SEQ_MAP_MASK, SEQ_CHARACTER_MAP, SEQ_MEMORY_MODE, SEQ_COUNT };
enum { CLOCKING_8DOT = 0x01, CLOCKING_HALF = 0x08, CLOCKING_SCREEN_OFF = 0x20 };
enum { MEMORY_SEQUENTIAL = 0x04, MEMORY_CHAIN4 = 0x08 };

enum { CR_HTOTAL, CR_HDISP_END, CR_HBLANK_START, CR_HBLANK_END, CR_HRETRACE_START,
       CR_HRETRACE_END, CR_VTOTAL, CR_OVERFLOW, CR_PRESET_ROW, CR_MAX_SCAN,
       CR_CURSOR_START, CR_CURSOR_END, CR_START_HIGH, CR_START_LOW, CR_CURSOR_HIGH, CR_CURSOR_LOW,
       CR_RETRACE_START, CR_RETRACE_END, CR_VDISP_END, CR_OFFSET, CR_UNDERLINE, CR_VBLANK_START,
       CR_VBLANK_END, CR_MODE, CR_LINE_COMPARE, CR_COUNT };
enum { MODE_ROW0_NOT_A13 = 0x01, MODE_ROW1_NOT_A14 = 0x02, MODE_HALF_VERTICAL = 0x04,
       MODE_BY_TWO = 0x08, MODE_WRAP_A15 = 0x20, MODE_BYTE = 0x40, MODE_RUN = 0x80 };

enum { GFX_SET_RESET, GFX_ENABLE_SET_RESET, GFX_COLOR_COMPARE, GFX_ROTATE, GFX_READ_MAP, GFX_MODE,
       GFX_MISC, GFX_DONT_CARE, GFX_BIT_MASK, GFX_COUNT };
enum { GMODE_READ_COMPARE = 0x08, GMODE_ODD_EVEN = 0x10, GMODE_INTERLEAVE = 0x20,
       GMODE_256 = 0x40 };
enum { GMISC_GRAPHICS = 0x01, GMISC_CHAIN_ODD_EVEN = 0x02 };

enum { ATTR_MODE = 0x10, ATTR_OVERSCAN, ATTR_PLANE_ENABLE, ATTR_PANNING, ATTR_COLOR_SELECT,
       ATTR_COUNT };
enum { AMODE_MONO = 0x02, AMODE_LINE_GRAPHICS = 0x04, AMODE_BLINK = 0x08,
       AMODE_PAN_COMPATIBLE = 0x20, AMODE_8BIT = 0x40, AMODE_COLOR_SELECT = 0x80 };
enum { ATTR_PALETTE_SOURCE = 0x20 };       /* in the index: on = the screen owns the palette */

enum { MISC_COLOR = 0x01, MISC_RAM = 0x02, MISC_CLOCK = 0x0C };
enum { SUBSYSTEM_ENABLED = 0x01 };

enum dispi_index { DISPI_ID, DISPI_XRES, DISPI_YRES, DISPI_BPP, DISPI_ENABLE, DISPI_BANK,
                   DISPI_VIRT_WIDTH, DISPI_VIRT_HEIGHT, DISPI_X_OFFSET, DISPI_Y_OFFSET,
                   DISPI_MEMORY_64K, DISPI_COUNT };
enum { DISPI_ENABLED = 0x01, DISPI_GETCAPS = 0x02, DISPI_BANK_32K = 0x10, DISPI_8BIT_DAC = 0x20,
       DISPI_LFB = 0x40, DISPI_NOCLEAR = 0x80 };

enum picture_kind {
    PICTURE_NONE,                          /* no sync */
    PICTURE_BLANK,
    PICTURE_TEXT,
    PICTURE_PLANAR,                        /* 16 colours: a bit from each plane */
    PICTURE_INTERLEAVED,                   /* CGA: pairs of bits from planes 0 and 1 */
    PICTURE_256,                           /* a byte from each plane in turn */
    PICTURE_LINEAR                         /* DISPI with 8 bits per pixel and more */
};

struct span { unsigned from, to; };        /* [from, to) */

/* All that decides how memory becomes pixels. Two equal pictures differ only in memory. */
struct picture {
    enum picture_kind kind;
    unsigned width, height;
    unsigned columns;                      /* character clocks in a row */
    unsigned dots;                         /* pixels per character clock, before scaling */
    unsigned scale;                        /* picture pixels per such pixel */
    unsigned panning;                      /* pixels, before scaling */
    uint32_t start, offset;                /* CRTC address of the first row; from row to row */
    uint32_t split_start;                  /* of the first row below the line compare */
    unsigned count_shift;                  /* an address lasts 1, 2 or 4 character clocks */
    uint32_t plane_mask;
    unsigned max_row, preset_row, line_compare, repeat;      /* repeat: scan lines per row scan */
    bool pan_compatible, flat;             /* flat: addresses do not go through crtc_mode */
    uint8_t crtc_mode, underline;
    bool dword;
    uint32_t font[2];                      /* in plane 2; by bit 3 of the attribute */
    bool line_graphics, blink;
    unsigned bpp;                          /* PICTURE_LINEAR */
    uint64_t pitch, origin;                /* bytes in vram  */
    uint32_t colors[256];                  /* XRGB; 16 in text and planar modes */
    struct span dark_columns[2], dark_lines[2];        /* pixels that the blanking covers */
    unsigned left, top;                    /* border; 0 unless asked for */
    unsigned full_width, full_height;      /* with the border */
    uint32_t border;                       /* XRGB */
};

/* The CRTC's counters at a scan line. */
struct rows {
    uint32_t address;
    unsigned row, repeated;                /* row scan counter; lines that it has been shown */
    bool split;
};

struct changed { unsigned first, end; };   /* scan lines; empty: first >= end */

/* Where the beam is. */
struct beam {
    uint64_t frame, position;              /* character clocks since the frame's first line began */
    unsigned row, column;
    unsigned rows, columns;                /* of a frame, blanking included */
    unsigned visible_rows, visible_columns, retrace, retrace_rows;
};

/* A register was changed: `at` is its place in struct vga. */
struct raster_write {
    nanos    when;
    uint16_t at;
    uint8_t  before, after;
};

/* Scan lines that show the same row of memory: a row of text, or 1-4 lines of pixels. */
struct band {
    unsigned y, lines;
    uint32_t address;                      /* CRTC counter at the left edge */
    unsigned row, repeated;                /* row scan counter of the first line; its repetition */
    bool split;                            /* below the line compare */
};

/* What the registers mean for the window at A0000h; derived. Bytes: a plane each, FFh or 0. */
struct window {
    uint32_t first, size;                  /* where it is planar; elsewhere: the long way */
    uint32_t address;                      /* the bits that choose an address in the planes */
    uint32_t map[2];                       /* planes that are written at even and odd addresses */
    uint32_t set;                          /* the colour of set/reset */
    uint32_t cpu, fixed;                   /* mode 0: planes of the CPU's, colour of the others */
    uint32_t bits;                         /* the bit mask in each plane */
};

struct vga {
    struct device dev;
    struct pci_function pci;
    struct line irq;
    struct timer picture_end;              /* armed while an interrupt is to come */
    struct region *framebuffer;            /* only without PCI; else pci.bar[0].region */
    struct region *aperture;               /* A0000h as RAM, or NULL: see aperture.c */
    size_t aperture_at;
    uint64_t vram_mib, slot;               /* settings */
    bool     mmio, border;
    char *rom_path;
    uint8_t *rom;
    bool fresh;                            /* vram has just been allocated: it is zero */

    /* From here to dispi: raster.c saves and restores these as one block. */
    uint8_t misc, feature, subsystem;      /* 3C2h, 3DAh, 3C3h */
    uint8_t seq_index, crtc_index, gfx_index, attr_index;
    uint8_t seq[SEQ_COUNT], crtc[CR_COUNT], gfx[GFX_COUNT], attr[ATTR_COUNT];
    bool attr_data;                        /* flip-flop: the next write to 3C0h is data */
    uint32_t latch;                        /* byte p: plane p */
    nanos interrupt_since;                 /* vertical interrupt: not held clear any more */
    struct {
        uint8_t mask, index, component;
        bool reading;
        uint8_t latch[3];
        uint8_t palette[768];
    } dac;
    struct {
        uint16_t index, reg[DISPI_COUNT];
        uint16_t read_bank, write_bank;    /* in units of 64 or 32 KiB */
    } dispi;
    struct window window;
    uint8_t *vram;
    size_t vram_size;                      /* power of two; VGA_SLACK bytes more are allocated */

    /* The rest is the drawing's: nothing a guest could see. */
    uint64_t dirty[VGA_DIRTY_WORDS];       /* pages of vram written through the window */
    bool fonts_written;                    /* plane 2 */
    bool redraw;                           /* forget what is in pixels */
    bool in_pieces;                        /* the last picture was drawn by raster.c */
    struct changed owed;                   /* rows not yet reported to the window */
    struct rows rows;                      /* where its last piece ended */
    nanos palette_off, mode_set;           /* when the screen lost the palette; got new timing */
    unsigned writes;                       /* in the log, oldest overwritten */
    struct raster_write log[VGA_RASTER_ROOM];
    struct picture shown;
    struct band bands[VGA_MAX_HEIGHT];
    unsigned band_count;
    uint32_t *pixels;
    uint16_t *cells;                       /* text: as exported */
    uint32_t *drawn;                       /* text: what is in pixels, with cursor and blink */
    size_t pixel_room, cell_room;
    uint32_t line[VGA_LINE_ROOM];    /* one row before panning and scaling                    */
};

extern const struct device_class vga_class;

static inline struct vga *vga_of(struct device *d) { return container_of(d, struct vga, dev); }
static inline const struct vga *vga_of_const(const struct device *d)
{
    return container_of(d, const struct vga, dev);
}

/* Does it answer at A0000h-BFFFFh? */
static inline bool vga_has_window(const struct vga *v)
{
    return v->misc & MISC_RAM && v->subsystem & SUBSYSTEM_ENABLED;
}

static inline bool vga_is_dispi(const struct vga *v)
{
    return v->dispi.reg[DISPI_ENABLE] & DISPI_ENABLED;
}

/* vga.c: ports by their number 3B0h-3DFh, for the port bus and the MMIO mirror. */
uint8_t vga_port_peek(const struct vga *, unsigned port);
uint8_t vga_port_read(struct vga *, unsigned port);
void    vga_port_write(struct vga *, unsigned port, uint8_t value);

/* registers.c */
void vga_seq_write(struct vga *, uint8_t value);
void vga_gfx_write(struct vga *, uint8_t value);
void vga_attr_write(struct vga *, uint8_t value);
uint8_t vga_seq_read(const struct vga *);
uint8_t vga_gfx_read(const struct vga *);
uint8_t vga_attr_read(const struct vga *);

/* crtc.c */
void     vga_crtc_write(struct vga *, uint8_t value);
uint8_t  vga_crtc_read(const struct vga *);
uint8_t  vga_status1(const struct vga *);              /* 3DAh: where the beam is now */
uint64_t vga_frame(const struct vga *);                /* frames since time 0, for blinking */
struct beam vga_beam(const struct vga *, nanos when);
nanos    vga_last_picture_end(const struct vga *);     /* when the line below it began */
nanos    vga_next_picture_end(const struct vga *);
nanos    vga_last_retrace(const struct vga *);         /* when it began; 0: there was none */

/* interrupt.c */
bool vga_interrupt_pending(const struct vga *);        /* 3C2h, bit 7 */
void vga_interrupt_written(struct vga *, uint8_t before);      /* CR_RETRACE_END */
void vga_interrupt_plug(struct vga *, struct board *);
void vga_interrupt_reset(struct vga *);
void vga_interrupt_restored(struct vga *);
void vga_interrupt_unplug(struct vga *);

/* dac.c */
void     vga_dac_write(struct vga *, unsigned port, uint8_t value);     /* 3C6h-3C9h */
uint8_t  vga_dac_peek(const struct vga *, unsigned port);
void     vga_dac_next(struct vga *);                   /* after a read of 3C9h */
uint32_t vga_dac_color(const struct vga *, uint8_t pixel);              /* XRGB, after the mask */

/* window.c: A0000h-BFFFFh */
extern const struct io_ops vga_window;
void vga_window_update(struct vga *);                  /* a register was written */
void vga_mark(struct vga *, size_t at, size_t len);    /* vram bytes changed */

/* aperture.c: A0000h-AFFFFh as RAM */
void vga_aperture_update(struct vga *);            /* after a register that matters was written */
void vga_aperture_take_dirty(struct vga *);        /* into v->dirty */

/* dispi.c */
extern const struct io_ops vga_dispi_ports;            /* 1CEh-1D1h */
uint16_t vga_dispi_read(const struct vga *, unsigned index);
void     vga_dispi_write(struct vga *, unsigned index, uint16_t value);
void     vga_dispi_reset(struct vga *);
void     vga_dispi_restored(struct vga *);
size_t   vga_dispi_bank(const struct vga *, bool write);           /* byte offset of the window */
size_t   vga_dispi_pitch(const struct vga *, unsigned width);      /* bytes; planar: per plane */

/* card.c: the PCI function */
bool vga_card_plug(struct vga *, struct board *);
struct region *vga_framebuffer(struct vga *);          /* NULL: not mapped yet */

/* picture.c */
void vga_picture(const struct vga *, struct picture *);
struct rows vga_first_row(const struct picture *);
/* The bands of scan lines [from, to); *rows goes on to line `to`. */
unsigned vga_bands(const struct picture *, struct rows *, unsigned from, unsigned to,
                   struct band *);
uint32_t vga_plane_address(const struct picture *, uint32_t counter, unsigned row);

static inline uint32_t vga_counter(const struct picture *p, const struct band *b, unsigned column)
{
    return b->address + (column >> p->count_shift);
}

/* raster.c */
void vga_set(struct vga *, uint8_t *reg, uint8_t value);   /* a register that the picture shows */
void vga_forget_writes(struct vga *);                  /* the timing has changed */
uint16_t vga_start_address(const struct vga *);        /* as latched at the last retrace */
bool vga_changes_in_mid_frame(const struct vga *);
/* Calls draw for lines [from, to), with registers as the beam finds them there. */
void vga_in_pieces(struct vga *, void (*draw)(struct vga *, unsigned from, unsigned to));

/* screen.c */
void vga_screen_plug(struct vga *, struct board *);
void vga_screen_unplug(struct vga *);
bool vga_dirty(const struct vga *, size_t from, size_t to);            /* any page of [from, to] */

static inline uint32_t *vga_line(const struct vga *v, unsigned y)      /* its leftmost pixel */
{
    return v->pixels + (size_t)(y + v->shown.top) * v->shown.full_width + v->shown.left;
}

/* text.c: refreshes cells, returns text geometry; draws unless text_only. */
void vga_draw_text(struct vga *, struct screen_text *, struct changed *, bool text_only);

/* graphics.c */
void vga_draw_graphics(struct vga *, struct changed *);
