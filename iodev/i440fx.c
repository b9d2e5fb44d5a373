/* SPDX-License-Identifier: MIT
 * Intel 82441FX host bridge (the north bridge of the 440FX), PCI function 00:00.0: who answers in
 * 0xA0000-0xFFFFF.
 * 82441FX PCI and Memory Controller (PMC) data sheet, Intel 290549-001 (1996), chapter 3.
 *
 *   register  59h      5Ah      5Bh      5Ch      5Dh      5Eh      5Fh
 *   bits 1-0  -        C0000    C8000    D0000    D8000    E0000    E8000    16 KiB each
 *   bits 5-4  F0000*   C4000    CC000    D4000    DC000    E4000    EC000    *64 KiB
 *             bit 0 / 4: reads from RAM, bit 1 / 5: writes to RAM
 *
 * The subsystem ids are those by which SeaBIOS knows that fw_cfg and no DRAM detection awaits it.
 *
 * SMRAM shows at A0000h-BFFFFh while the processor is in system management mode (SMIACT#), or for
 * everybody while D_OPEN is set.
 *
 * Not implemented: DRAM timing and error registers (kept, without effect). D_CLS hides SMRAM from
 * code, too, and not only from data.
 */
#include <string.h>
#include "iodev/board.h"

enum { PMCCFG = 0x50, DRAMC = 0x57, PAM0 = 0x59, PAM6 = 0x5F, DRB0 = 0x60, DRB7 = 0x67,
       SMRAM = 0x72 };
enum { READ_RAM = 1, WRITE_RAM = 2 };
enum { SMRAM_ENABLE = 0x08, SMRAM_LOCK = 0x10, SMRAM_CLOSED = 0x20, SMRAM_OPEN = 0x40 };
#define SEGMENT   0x4000u
#define PAM_COUNT (PAM6 - PAM0 + 1)
#define DRB_UNIT  (8u << 20)

struct i440fx {
    struct device dev;
    struct pci_function pci;
    uint8_t pam[PAM_COUNT];                /* as it is in effect */
    bool    smram_open, smiact;
};

static struct i440fx *i440fx_of(struct device *d) { return container_of(d, struct i440fx, dev); }

static void shadow(struct i440fx *n, uint32_t base, uint32_t len, unsigned attributes)
{
    memory_shadow(board_memory(n->dev.board), base, len, attributes & READ_RAM,
                  attributes & WRITE_RAM);
}

static void apply_pam(struct i440fx *n, unsigned i)
{
    uint8_t value = n->pci.config[PAM0 + i];
    uint8_t changed = value ^ n->pam[i];
    n->pam[i] = value;
    if (i == 0) {
        if (changed & 0x30) shadow(n, 0xF0000, 0x10000, value >> 4);
        return;
    }
    uint32_t base = 0xC0000 + (i - 1) * 2 * SEGMENT;
    if (changed & 0x03) shadow(n, base, SEGMENT, value);
    if (changed & 0x30) shadow(n, base + SEGMENT, SEGMENT, value >> 4);
}

/* D_LCK makes the register read-only until the next reset, with D_OPEN cleared (3.2.17). */
static void apply_smram(struct i440fx *n)
{
    uint8_t *value = &n->pci.config[SMRAM];
    if (*value & SMRAM_LOCK) {
        *value &= (uint8_t)~SMRAM_OPEN;
        n->pci.writable[SMRAM] = 0;
    }
    bool open = *value & SMRAM_ENABLE && !(*value & SMRAM_CLOSED) &&
                (n->smiact || *value & SMRAM_OPEN);
    if (open == n->smram_open) return;
    n->smram_open = open;
    shadow(n, 0xA0000, 0x20000, open ? READ_RAM | WRITE_RAM : 0);
}

static void smiact_changed(void *ctx, unsigned wire, bool level)
{
    struct i440fx *n = ctx;
    (void)wire;
    n->smiact = level;
    apply_smram(n);
}

static void apply(struct i440fx *n)
{
    for (unsigned i = 0; i < PAM_COUNT; i++) apply_pam(n, i);
    apply_smram(n);
}

static void written(struct device *d, unsigned offset, unsigned len)
{
    (void)offset;
    (void)len;
    apply(i440fx_of(d));
}

/* DRAM row boundaries: the running sum of the rows, in units of 8 MiB. One row is fitted as far
 * as the 8 bits reach, the others are empty. */
static void fit_dram(struct i440fx *n)
{
    uint64_t units = memory_ram_size(board_memory(n->dev.board)) / DRB_UNIT;
    memset(&n->pci.config[DRB0], (int)(units < 128 ? units : 128), DRB7 - DRB0 + 1);
}

static bool plug(struct device *d, struct board *b)
{
    struct i440fx *n = i440fx_of(d);
    static const uint8_t subsystem[] = { 0xF4, 0x1A, 0x00, 0x11 };
    pci_header(&n->pci, 0x8086, 0x1237, 0x060000, 0x02, 0);
    n->pci.dev = d;
    n->pci.written = written;
    n->pci.config[0x04] = 0x06;            /* memory and bus master are always on */
    n->pci.config[0x07] = 0x02;            /* medium DEVSEL#                      */
    memcpy(&n->pci.config[0x2C], subsystem, sizeof subsystem);
    n->pci.config[DRAMC] = 0x01;
    n->pci.config[SMRAM] = 0x02;
    fit_dram(n);
    memset(&n->pci.writable[PMCCFG], 0xFF, PAM0 - PMCCFG);
    memset(&n->pci.writable[PAM0], 0x33, PAM_COUNT);
    n->pci.writable[PAM0] = 0x30;
    memset(&n->pci.writable[DRB0], 0xFF, SMRAM - DRB0);
    board_listen(b, WIRE_SMIACT, smiact_changed, n);
    if (board_pci_add(b, &n->pci, 0, 0)) return true;
    device_log(d, LOG_ERROR, "PCI slot 0 is taken, or there is no PCI bus");
    return false;
}

static void reset(struct device *d, enum reset kind)
{
    struct i440fx *n = i440fx_of(d);
    (void)kind;
    memcpy(n->pci.config, n->pci.reset_config, sizeof n->pci.config);
    n->pci.writable[SMRAM] = 0x78;
    apply(n);
}

static void restored(struct device *d)
{
    struct i440fx *n = i440fx_of(d);
    pci_restored(&n->pci);
    for (unsigned i = 0; i < PAM_COUNT; i++)              /* so that all of it counts as changed */
        n->pam[i] = (uint8_t)~n->pci.config[PAM0 + i];
    n->smram_open = false;
    shadow(n, 0xA0000, 0x20000, 0);
    n->pci.writable[SMRAM] = 0x78;
    apply(n);
}

static const struct field state[] = {
    FIELD_N(struct i440fx, pci.config), FIELD(struct i440fx, smiact), { 0 },
};

const struct device_class i440fx_class = {
    .name = "i440fx", .about = "Intel 82441FX host bridge (290549-001)",
    .size = sizeof(struct i440fx), .state = state, .plug = plug, .reset = reset,
    .restored = restored,
};
