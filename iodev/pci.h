/* SPDX-License-Identifier: MIT
 * A PCI function as its device sees it: 256 bytes of configuration space with a write mask, up to
 * six base addresses, one interrupt pin. PCI Local Bus Specification 2.1, chapter 6.
 */
#pragma once
#include "base/base.h"
#include "base/io.h"
#include "iodev/line.h"

struct device;
struct region;

enum pci_bar_kind { PCI_BAR_NONE, PCI_BAR_IO, PCI_BAR_MEMORY };

struct pci_bar {
    enum pci_bar_kind    kind;
    uint32_t             size;             /* power of two: >= 4 (I/O), >= 4096 (memory) */
    bool                 prefetchable;
    const struct io_ops *ops;              /* registers behind it, or */
    uint8_t             *host;             /* plain RAM behind it (REGION_RAM): a framebuffer */
    /* kept by the bus: */
    uint32_t             base;             /* current address; valid while mapped */
    bool                 mapped;
    struct region       *region;           /* memory BARs: for memory_take_dirty() */
};

struct pci_function {
    struct device *dev;
    uint8_t        config[256];            /* at reset; set by the device before board_pci_add() */
    uint8_t        writable[256];          /* bits a guest may change, BARs and command excluded */
    struct pci_bar bar[6];
    const uint8_t *rom;                    /* expansion ROM, or NULL */
    uint32_t       rom_size;               /* power of two >= 2048 */
    bool           rom_any_time;           /* by its own enable bit alone, memory space on or off */
    struct line    inta;                   /* set by board_pci_add(): drive it to interrupt */
    /* After a guest's write to config[offset .. offset+len-1]; may be NULL. */
    void         (*written)(struct device *, unsigned offset, unsigned len);
    /* kept by the bus: */
    uint8_t        reset_config[256];
    uint8_t        devfn;
    struct region *rom_region;
    struct pci_function *next;
};

/* Fills the fixed header fields of a type 0 function. class_code: 24 bits. pin: 0 none, 1 INTA#. */
void pci_header(struct pci_function *, uint16_t vendor, uint16_t device, uint32_t class_code,
                uint8_t revision, uint8_t pin);

/* For a device's restored(): config[] was loaded, windows follow it. */
void pci_restored(struct pci_function *);
