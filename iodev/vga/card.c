/* SPDX-License-Identifier: MIT
 * The card's place on the PCI bus: 1234h:1111h, as the video BIOSes and drivers for DISPI know it.
 * PCI Local Bus Specification 2.1 (1995), chapter 6; "QEMU Standard VGA" (docs/specs, 2014) for
 * the layout of BAR 2.
 *
 *   BAR 0   video memory, prefetchable
 *   BAR 2   4 KiB: 400h-41Fh ports 3C0h-3DFh, 500h-515h DISPI registers 0-10, 16 bits each
 *
 * Without PCI the video memory lies at E0000000h, where Bochs' ISA card has it.
 *
 * Not implemented: EDID (BAR 2, 0-3FFh: zeros), big-endian framebuffer, PCI VGA palette snooping.
 */
#include "iodev/vga/vga.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MMIO_PORTS = 0x400, MMIO_PORTS_END = 0x420, MMIO_DISPI = 0x500,
       MMIO_DISPI_END = MMIO_DISPI + 2 * DISPI_COUNT, MMIO_SIZE = 0x1000 };
enum { ISA_FRAMEBUFFER = 0xE0000000, ROM_SMALLEST = PAGE_SIZE, ROM_LARGEST = 256 << 10 };
enum { REVISION_WITH_MMIO = 2 };

static uint32_t mmio_peek(const struct device *d, uint32_t offset)
{
    const struct vga *v = vga_of_const(d);
    if (offset >= MMIO_PORTS && offset < MMIO_PORTS_END)
        return vga_port_peek(v, 0x3C0 + offset - MMIO_PORTS);
    if (offset >= MMIO_DISPI && offset < MMIO_DISPI_END)
        return vga_dispi_read(v, (offset - MMIO_DISPI) / 2) >> 8 * (offset & 1) & 0xFF;
    return 0;
}

static uint32_t mmio_read(struct device *d, uint32_t offset, enum width width)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < width; i++, offset++) {
        bool port = offset >= MMIO_PORTS && offset < MMIO_PORTS_END;
        uint32_t byte = port ? vga_port_read(vga_of(d), 0x3C0 + offset - MMIO_PORTS)
                             : mmio_peek(d, offset);
        value |= byte << 8 * i;
    }
    return value;
}

/* DISPI registers are words: half of one is not written. */
static void mmio_write(struct device *d, uint32_t offset, uint32_t value, enum width width)
{
    struct vga *v = vga_of(d);
    bool whole = width == WORD && !(offset & 1);
    if (offset >= MMIO_DISPI && offset < MMIO_DISPI_END && whole)
        vga_dispi_write(v, (offset - MMIO_DISPI) / 2, (uint16_t)value);
    for (unsigned i = 0; i < width; i++, offset++)
        if (offset >= MMIO_PORTS && offset < MMIO_PORTS_END)
            vga_port_write(v, 0x3C0 + offset - MMIO_PORTS, (uint8_t)(value >> 8 * i));
}

static const struct io_ops mmio = { mmio_read, mmio_write, mmio_peek, BYTE | WORD };

/* The file's size, rounded up to what a ROM BAR can decode; 0: not possible. */
static uint32_t rom_room(FILE *file)
{
    if (fseek(file, 0, SEEK_END)) return 0;
    long size = ftell(file);
    uint32_t room = ROM_SMALLEST;
    if (size <= 0 || size > ROM_LARGEST || fseek(file, 0, SEEK_SET)) return 0;
    while (room < (uint32_t)size) room *= 2;
    return room;
}

static bool load_rom(struct vga *v)
{
    FILE *file = fopen(v->rom_path, "rb");
    if (!file) {
        device_log(&v->dev, LOG_ERROR, "rom %s: %s", v->rom_path, strerror(errno));
        return false;
    }
    uint32_t room = rom_room(file);
    v->rom = room ? calloc(1, room) : NULL;
    bool done = v->rom && fread(v->rom, 1, room, file) && !ferror(file);
    fclose(file);
    if (!done)
        device_log(&v->dev, LOG_ERROR, "rom %s: unreadable, empty or above 256 KiB", v->rom_path);
    v->pci.rom = v->rom;
    v->pci.rom_size = room;
    return done;
}

static bool add_to_pci(struct vga *v, struct board *b)
{
    v->pci.dev = &v->dev;
    pci_header(&v->pci, 0x1234, 0x1111, 0x030000, v->mmio ? REVISION_WITH_MMIO : 0, 0);
    v->pci.config[0x2C] = 0xF4, v->pci.config[0x2D] = 0x1A;    /* subsystem 1AF4h:1100h */
    v->pci.config[0x2F] = 0x11;
    v->pci.bar[0] = (struct pci_bar){ .kind = PCI_BAR_MEMORY, .size = (uint32_t)v->vram_size,
                                      .prefetchable = true, .host = v->vram };
    /* The Bochs BIOS copies the ROM before it switches the card's memory on (against 6.2.5.2 of the
     * PCI specification): on the card it was written for, the ROM's own bit is enough. */
    v->pci.rom_any_time = true;
    /* Off by default, as on Bochs's card: where there is a BAR2, vgabios-stdvga looks for EDID
     * there from real mode beyond 64 KiB, which faults under firmware that leaves the limits at
     * 64 KiB (U-Boot). */
    if (v->mmio)
        v->pci.bar[2] = (struct pci_bar){ .kind = PCI_BAR_MEMORY, .size = MMIO_SIZE, .ops = &mmio };
    return v->slot < 32 && board_pci_add(b, &v->pci, (int)v->slot, 0);
}

bool vga_card_plug(struct vga *v, struct board *b)
{
    if (v->rom_path && *v->rom_path && !load_rom(v)) return false;
    if (add_to_pci(v, b)) return true;
    v->framebuffer = memory_map_host(board_memory(b), "vga framebuffer", REGION_RAM, 1,
                                     ISA_FRAMEBUFFER, v->vram_size, v->vram);
    if (!v->framebuffer) device_log(&v->dev, LOG_ERROR, "no memory for the linear framebuffer");
    return v->framebuffer;
}

struct region *vga_framebuffer(struct vga *v)
{
    return v->framebuffer ? v->framebuffer : v->pci.bar[0].region;
}
