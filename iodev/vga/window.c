/* SPDX-License-Identifier: MIT
 * The memory window at A0000h-BFFFFh: address decoding, latches, read and write modes. All four
 * planes go through one 32-bit word, byte p = plane p, as they lie in vram.
 * IBM PS/2 Hardware Interface Technical Reference, Video Subsystems (S42G-2193, 1992), "Graphics
 * Controller Registers" and "Memory Operations"; for DISPI banks see dispi.c.
 *
 * Chain-4 is linear here (plane A&3, address A>>2), as on SVGA cards, where IBM's chip leaves gaps
 * (address A & ~3): so mode 13h and the linear framebuffer show the same bytes. picture.c takes
 * double word addressing for the same.
 *
 * Not implemented: the odd/even page bit of the miscellaneous output register, the extended
 * memory bit.
 */
#include "iodev/vga/vga.h"

enum { WINDOW_64K = 0x10000, WINDOW_32K = 0x8000 };

struct place {
    size_t at;                             /* in vram: the four planes of one address */
    unsigned low;                          /* the bits of the CPU's address that choose planes */
};

/* Four bits to four bytes: bit p set = byte p is FFh. */
static uint32_t planes(unsigned bits)
{
    return ((bits & 15) * 0x00204081u & 0x01010101u) * 0xFF;
}

static uint32_t load32(const uint8_t *p)
{
    return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void store32(uint8_t *p, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++) p[i] = (uint8_t)(value >> 8 * i);
}

void vga_mark(struct vga *v, size_t at, size_t len)
{
    for (size_t page = at >> 12; len && page <= (at + len - 1) >> 12; page++)
        v->dirty[page / 64 % VGA_DIRTY_WORDS] |= 1ull << page % 64;
}

static bool is_linear(const struct vga *v)
{
    return vga_is_dispi(v) && v->dispi.reg[DISPI_BPP] >= 8;
}

/* Which part of A0000h-BFFFFh the card answers (graphics register 6, bits 3-2). */
static bool decode(const struct vga *v, uint32_t *offset)
{
    if (!vga_has_window(v)) return false;
    switch (v->gfx[GFX_MISC] >> 2 & 3) {
    case 0:  return true;
    case 1:  return *offset < WINDOW_64K;
    case 2:  *offset -= WINDOW_64K; return *offset < WINDOW_32K;
    default: *offset -= WINDOW_64K + WINDOW_32K; return *offset < WINDOW_32K;
    }
}

/* In odd/even mode A0 chooses the planes; A16 takes its place if all of 128 KiB are decoded. */
static struct place place(const struct vga *v, uint32_t offset, bool write)
{
    size_t address = offset, mask = VGA_PLANE_MASK;
    if (v->seq[SEQ_MEMORY_MODE] & MEMORY_CHAIN4) address = offset >> 2;
    else if (v->gfx[GFX_MISC] & GMISC_CHAIN_ODD_EVEN) address = (offset & ~1u) | offset >> 16;
    if (vga_is_dispi(v)) {
        address = (address & mask) + vga_dispi_bank(v, write);
        mask = v->vram_size / 4 - 1;
    }
    return (struct place){ (address & mask) * 4, offset & 3 };
}

static unsigned writable_planes(const struct vga *v, unsigned low)
{
    unsigned map = v->seq[SEQ_MAP_MASK];
    if (v->seq[SEQ_MEMORY_MODE] & MEMORY_CHAIN4) return map & 1u << low;
    if (!(v->seq[SEQ_MEMORY_MODE] & MEMORY_SEQUENTIAL)) return map & (low & 1 ? 0xA : 0x5);
    return map;
}

/* Registers change rarely against the accesses that they rule. */
void vga_window_update(struct vga *v)
{
    uint32_t enable = planes(v->gfx[GFX_ENABLE_SET_RESET]), set = planes(v->gfx[GFX_SET_RESET]);
    unsigned part = v->gfx[GFX_MISC] >> 2 & 3;
    bool chain4 = v->seq[SEQ_MEMORY_MODE] & MEMORY_CHAIN4,
         plain = part && !chain4 && !vga_is_dispi(v);
    v->window = (struct window){
        .first = part < 2 ? 0 : part == 2 ? WINDOW_64K : WINDOW_64K + WINDOW_32K,
        .size = !plain || !vga_has_window(v) ? 0 : part == 1 ? WINDOW_64K : WINDOW_32K,
        .map = { planes(writable_planes(v, 0)), planes(writable_planes(v, 1)) },
        .address = v->gfx[GFX_MISC] & GMISC_CHAIN_ODD_EVEN ? VGA_PLANE_MASK & ~1u : VGA_PLANE_MASK,
        .set = set, .cpu = ~enable, .fixed = set & enable,
        .bits = v->gfx[GFX_BIT_MASK] * 0x01010101u,
    };
}

static uint8_t rotated(const struct vga *v, uint8_t value)
{
    unsigned count = v->gfx[GFX_ROTATE] & 7;
    return (uint8_t)(value >> count | value << (8 - count));
}

static uint32_t combined(const struct vga *v, uint32_t data)
{
    switch (v->gfx[GFX_ROTATE] >> 3 & 3) {
    case 1:  return data & v->latch;
    case 2:  return data | v->latch;
    case 3:  return data ^ v->latch;
    default: return data;
    }
}

/* What the graphics controller makes of one byte from the CPU, before the map mask. */
static uint32_t written(const struct vga *v, uint8_t value)
{
    const struct window *w = &v->window;
    uint32_t data, mask = w->bits;
    switch (v->gfx[GFX_MODE] & 3) {
    case 0:  data = (rotated(v, value) * 0x01010101u & w->cpu) | w->fixed; break;
    case 1:  return v->latch;
    case 2:  data = planes(value); break;
    default: mask &= rotated(v, value) * 0x01010101u; data = w->set; break;
    }
    return (combined(v, data) & mask) | (v->latch & ~mask);
}

static inline void write_planes(struct vga *v, size_t at, uint32_t map, uint8_t value)
{
    uint32_t before = load32(v->vram + at), after = (before & ~map) | (written(v, value) & map);
    if (after == before) return;
    store32(v->vram + at, after);
    v->dirty[at >> 18] |= 1ull << (at >> 12 & 63);
    if (map & 0xFF0000) v->fonts_written = true;
}

/* Read mode 1: a 1 for each pixel whose planes that we care for match the colour. */
static uint8_t compared(const struct vga *v, uint32_t latch)
{
    uint32_t differs = (latch ^ planes(v->gfx[GFX_COLOR_COMPARE])) & planes(v->gfx[GFX_DONT_CARE]);
    differs |= differs >> 16;
    return (uint8_t)~(differs | differs >> 8);
}

static uint8_t picked(const struct vga *v, uint32_t latch, unsigned low)
{
    unsigned plane = v->gfx[GFX_READ_MAP] & 3;
    if (v->seq[SEQ_MEMORY_MODE] & MEMORY_CHAIN4) plane = low;
    else if (v->gfx[GFX_MODE] & GMODE_READ_COMPARE) return compared(v, latch);
    else if (v->gfx[GFX_MODE] & GMODE_ODD_EVEN) plane = (plane & 2) | (low & 1);
    return (uint8_t)(latch >> 8 * plane);
}

static size_t linear(const struct vga *v, uint32_t offset, bool write)
{
    return (vga_dispi_bank(v, write) + (offset & (WINDOW_64K - 1))) & (v->vram_size - 1);
}

static uint8_t read_other(struct vga *v, uint32_t offset)
{
    if (is_linear(v)) return offset < WINDOW_64K ? v->vram[linear(v, offset, false)] : 0xFF;
    if (!decode(v, &offset)) return 0xFF;
    struct place p = place(v, offset, false);
    v->latch = load32(v->vram + p.at);
    return picked(v, v->latch, p.low);
}

static inline uint8_t read_byte(struct vga *v, uint32_t offset)
{
    uint32_t inside = offset - v->window.first;
    if (unlikely(inside >= v->window.size)) return read_other(v, offset);
    v->latch = load32(v->vram + (inside & v->window.address) * 4ul);
    return picked(v, v->latch, inside & 3);
}

static void write_other(struct vga *v, uint32_t offset, uint8_t value)
{
    if (is_linear(v)) {
        if (offset >= WINDOW_64K) return;
        size_t at = linear(v, offset, true);
        v->vram[at] = value;
        v->dirty[at >> 18] |= 1ull << (at >> 12 & 63);
    } else if (decode(v, &offset)) {
        struct place p = place(v, offset, true);
        write_planes(v, p.at, planes(writable_planes(v, p.low)), value);
    }
}

static inline void write_byte(struct vga *v, uint32_t offset, uint8_t value)
{
    uint32_t inside = offset - v->window.first;
    if (unlikely(inside >= v->window.size)) write_other(v, offset, value);
    else write_planes(v, (inside & v->window.address) * 4ul, v->window.map[inside & 1], value);
}

static uint32_t window_read(struct device *d, uint32_t offset, enum width width)
{
    struct vga *v = vga_of(d);
    uint32_t value = 0;
    for (unsigned i = 0; i < width; i++) value |= (uint32_t)read_byte(v, offset + i) << 8 * i;
    return value;
}

static void window_write(struct device *d, uint32_t offset, uint32_t value, enum width width)
{
    struct vga *v = vga_of(d);
    for (unsigned i = 0; i < width; i++) write_byte(v, offset + i, (uint8_t)(value >> 8 * i));
}

static uint32_t window_peek(const struct device *d, uint32_t offset)
{
    const struct vga *v = vga_of_const(d);
    if (is_linear(v)) return offset < WINDOW_64K ? v->vram[linear(v, offset, false)] : 0xFF;
    if (!decode(v, &offset)) return 0xFF;
    struct place p = place(v, offset, false);
    return picked(v, load32(v->vram + p.at), p.low);
}

const struct io_ops vga_window = { window_read, window_write, window_peek, BYTE | WORD | DWORD };
