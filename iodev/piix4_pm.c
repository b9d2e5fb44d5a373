/* SPDX-License-Identifier: MIT
 * Power management function of the Intel 82371AB (PIIX4), PCI function 00:01.3: ACPI fixed
 * registers with soft power-off, the PM timer, an SMBus with nobody on it, APM ports B2h/B3h.
 * 82371AB PCI-to-ISA/IDE Xcelerator (PIIX4), Intel 290562-001 (1997), chapter 7 and 11;
 * ACPI specification 1.0b (1999), 4.7.
 *
 *   PMBASE +0  PMSTS   write 1 to clear      +4  PMCNTRL  SCI_EN, SUS_TYP, SUS_EN
 *          +2  PMEN                          +8  PMTMR    24 bits at 3.579545 MHz
 *          +C  GPSTS, +E GPEN                +10...3F     kept, without effect
 *
 * The tables that firmware brings for this board (QEMU documentation, docs/specs/
 * acpi_pci_hotplug.rst and acpi_cpu_hotplug.rst) also name these ports; open bus there would look
 * like 32 cards plugged in at once:
 *   AE00h-AE0Fh  PCI slots that changed: none
 *   AF00h-AF1Fh  bit map of processors: the first
 *   AFE0h-AFE3h  general purpose events: status (never any), enable
 *
 * Small systems switch off without asking where PMCNTRL is: the word 2000h to 604h (QEMU) or B004h
 * (Bochs, early QEMU; OSDev wiki, "Shutdown"). Both work, wherever the firmware has put PMBASE.
 *
 * A write to B2h raises SMI# when DEVACTB says so; GLBCTL's SMI_EN is not asked for, because
 * Bochs's BIOS waits for its SMI without having set it. As on QEMU's board the write also does what
 * the firmware's handler is there for: F1h enables ACPI, F0h disables it. EOS is not asked for, or
 * firmware that was written for QEMU would get one SMI only.
 *
 * Not implemented: SMI for anything else than B2h, clock throttling, device idle timers, suspend
 * states but S5.
 */
#include <string.h>
#include "iodev/board.h"
#include "iodev/piix4_pm.h"

enum { PMBASE = 0x40, DEVACTB = 0x58, PMREGMISC = 0x80, SMBBASE = 0x90, SMBHSTCFG = 0xD2 };
enum { COMMAND_IO = 1, PMIOSE = 1, SMB_ENABLE = 1, APMC_EN_BYTE = 0x02 };       /* of DEVACTB + 3 */
enum { PMSTS = 0x00, PMEN = 0x02, PMCNTRL = 0x04, PMTMR = 0x08, GPSTS = 0x0C, GPEN = 0x0E,
       GLBSTS = 0x18, PM_SIZE = 0x40 };
enum { TMROF = 0x0001, GBL = 0x0020, PWRBTN = 0x0100, RTC = 0x0400, RESUME = 0x8000 };
enum { SCI_EN = 0x0001, SUS_TYP = 0x1C00, SUS_EN = 0x2000 };      /* type 000: soft off */
enum { SMB_STATUS, SMB_CONTROL = 2, SMB_COMMAND, SMB_ADDRESS, SMB_DATA0, SMB_DATA1, SMB_BLOCK,
       SMB_SIZE = 16 };
enum { SMB_DONE = 0x02, SMB_DEV_ERR = 0x04, SMB_CLEARABLE = 0x1E, SMB_START = 0x40 };
enum { ACPI_ENABLE = 0xF1, ACPI_DISABLE = 0xF0 };
enum { APM_STS = 0x20 };                                            /* of GLBSTS */
#define STATUS_BITS (TMROF | GBL | PWRBTN | RTC | RESUME)
#define ENABLE_BITS (TMROF | GBL | PWRBTN | RTC)
#define TIMER_HZ    3579545u
#define TIMER_TOP   0x800000u              /* TMROF_STS: bit 23 changed (7.1, PMTMR) */
#define SCI_IRQ     9

static const uint16_t off_ports[] = { 0x604, 0xB004 };

struct piix4_pm {
    struct device dev;
    struct pci_function pci;
    struct line   sci, smi;
    struct timer  overflow;
    uint16_t      status, enable, control;
    uint8_t       rest[PM_SIZE];           /* registers without effect */
    uint8_t       smb[SMB_SIZE];
    uint8_t       apm[2];                  /* B2h, B3h */
    uint8_t       gpe_enable[2];           /* AFE2h, AFE3h */
    uint32_t      pm_at, smb_at;           /* claimed ports; 0: none */
    bool          off_claimed[COUNT_OF(off_ports)];
};

static struct piix4_pm *pm_of(struct device *d) { return container_of(d, struct piix4_pm, dev); }

/* ---- timer and interrupt --------------------------------------------------------------------- */
static uint64_t timer_count(const struct piix4_pm *p)
{
    return muldiv64(clock_now(board_clock(p->dev.board)), TIMER_HZ, SECOND);
}

static void update_sci(struct piix4_pm *p)
{
    line_set(&p->sci, p->control & SCI_EN && p->status & p->enable & ENABLE_BITS);
}

/* The next moment at which bit 23 changes. */
static void arm_overflow(struct piix4_pm *p)
{
    uint64_t next = (timer_count(p) / TIMER_TOP + 1) * TIMER_TOP;
    clock_arm(board_clock(p->dev.board), &p->overflow, muldiv64_up(next, SECOND, TIMER_HZ));
}

/* Every 2.3 s. Runs always: the status bit is set whether or not anyone has asked for it. */
static void overflowed(struct timer *t, nanos due)
{
    struct piix4_pm *p = container_of(t, struct piix4_pm, overflow);
    uint64_t next = muldiv64(due, TIMER_HZ, SECOND) / TIMER_TOP + 1;
    p->status |= TMROF;
    clock_arm(board_clock(p->dev.board), t, muldiv64_up(next * TIMER_TOP, SECOND, TIMER_HZ));
    update_sci(p);
}

/* ---- PM registers ---------------------------------------------------------------------------- */
static bool means_off(uint32_t control) { return control & SUS_EN && !(control & SUS_TYP); }

static void switch_off(struct piix4_pm *p)
{
    device_log(&p->dev, LOG_INFO, "the guest switched the machine off");
    board_power_off(p->dev.board, 0);
}

static void write_control(struct piix4_pm *p, uint16_t value)
{
    p->control = value & (uint16_t)~SUS_EN;             /* SUS_EN reads as 0 */
    if (means_off(value)) {
        switch_off(p);
    } else if (value & SUS_EN) {
        device_log(&p->dev, LOG_INFO, "sleep type %u asked for: woken up at once", value >> 10 & 7);
        p->status |= RESUME;
    }
}

static void set_half(uint16_t *reg, unsigned high, uint8_t value)
{
    *reg = (uint16_t)(high ? (*reg & 0x00FF) | value << 8 : (*reg & 0xFF00) | value);
}

/* PMCNTRL acts once per access, so it gets its word at once; the others go byte by byte. */
static void write_byte(struct piix4_pm *p, unsigned at, uint8_t value)
{
    switch (at & (PM_SIZE - 1) & ~1u) {
    case PMSTS: p->status &= (uint16_t)~(value << (8 * (at & 1))); break;
    case PMEN: set_half(&p->enable, at & 1, value); p->enable &= ENABLE_BITS; break;
    case PMCNTRL: {
        uint16_t control = p->control;
        set_half(&control, at & 1, value);
        write_control(p, control);
        break;
    }
    case PMTMR: case PMTMR + 2: break;
    case GPSTS: case GLBSTS: p->rest[at] &= (uint8_t)~value; break;
    default: p->rest[at & (PM_SIZE - 1)] = value;
    }
}

static void pm_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    struct piix4_pm *p = pm_of(d);
    for (unsigned i = 0; i < size; i++) {
        if (offset + i == PMCNTRL && size - i >= WORD) {
            write_control(p, (uint16_t)(value >> (8 * i)));
            i++;
        } else if (offset + i < PM_SIZE) {
            write_byte(p, offset + i, (uint8_t)(value >> (8 * i)));
        }
    }
    update_sci(p);
}

static uint8_t read_byte(const struct piix4_pm *p, unsigned at, uint32_t timer)
{
    unsigned shift = 8 * (at & 1);
    switch (at & (PM_SIZE - 1) & ~1u) {
    case PMSTS: return (uint8_t)(p->status >> shift);
    case PMEN: return (uint8_t)(p->enable >> shift);
    case PMCNTRL: return (uint8_t)(p->control >> shift);
    case PMTMR: case PMTMR + 2: return (uint8_t)(timer >> (8 * (at & 3)));
    }
    return p->rest[at & (PM_SIZE - 1)];
}

static uint32_t pm_read(struct device *d, uint32_t offset, enum width size)
{
    const struct piix4_pm *p = pm_of(d);
    uint32_t timer = (uint32_t)timer_count(p) & 0xFFFFFF, value = 0;
    for (unsigned i = 0; i < size; i++)
        value |= (uint32_t)read_byte(p, offset + i, timer) << (8 * i);
    return value;
}

static uint32_t pm_peek(const struct device *d, uint32_t offset)
{
    const struct piix4_pm *p = container_of(d, const struct piix4_pm, dev);
    return read_byte(p, offset, (uint32_t)timer_count(p) & 0xFFFFFF);
}

/* The word that switches off, and no other: these are not the registers. */
static void off_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    if (offset == 0 && size == WORD && means_off(value)) switch_off(pm_of(d));
}

void piix4_pm_power_button(struct device *d)
{
    struct piix4_pm *p = pm_of(d);
    p->status |= PWRBTN;
    update_sci(p);
}

/* ---- SMBus: every address is left unanswered ------------------------------------------------- */
static uint32_t smb_read(struct device *d, uint32_t offset, enum width size)
{
    (void)size;
    return pm_of(d)->smb[offset & (SMB_SIZE - 1)];
}

static uint32_t smb_peek(const struct device *d, uint32_t offset)
{
    return container_of(d, const struct piix4_pm, dev)->smb[offset & (SMB_SIZE - 1)];
}

static void smb_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    struct piix4_pm *p = pm_of(d);
    (void)size;
    offset &= SMB_SIZE - 1;
    if (offset == SMB_STATUS) {
        p->smb[SMB_STATUS] &= (uint8_t)~(value & SMB_CLEARABLE);
        return;
    }
    p->smb[offset] = (uint8_t)value;
    if (offset != SMB_CONTROL) return;
    p->smb[SMB_CONTROL] &= (uint8_t)~SMB_START;
    if (value & SMB_START) p->smb[SMB_STATUS] |= SMB_DEV_ERR;
}

/* ---- APM: B2h, B3h --------------------------------------------------------------------------- */
static uint32_t apm_read(struct device *d, uint32_t offset, enum width size)
{
    (void)size;
    return pm_of(d)->apm[offset & 1];
}

static uint32_t apm_peek(const struct device *d, uint32_t offset)
{
    return container_of(d, const struct piix4_pm, dev)->apm[offset & 1];
}

/* The edge counts. */
static void raise_smi(struct piix4_pm *p)
{
    if (!(p->pci.config[DEVACTB + 3] & APMC_EN_BYTE)) return;
    p->rest[GLBSTS] |= APM_STS;
    line_set(&p->smi, true);
    line_set(&p->smi, false);
}

static void apm_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    struct piix4_pm *p = pm_of(d);
    (void)size;
    p->apm[offset & 1] = (uint8_t)value;
    if (offset != 0) return;
    raise_smi(p);
    if (value == ACPI_ENABLE) p->control |= SCI_EN;
    if (value == ACPI_DISABLE) p->control &= (uint16_t)~SCI_EN;
    update_sci(p);
}

/* ---- events and hot plug --------------------------------------------------------------------- */
static uint32_t gpe_read(struct device *d, uint32_t offset, enum width size)
{
    (void)size;
    return offset & 2 ? pm_of(d)->gpe_enable[offset & 1] : 0;
}

static uint32_t gpe_peek(const struct device *d, uint32_t offset)
{
    return offset & 2 ? container_of(d, const struct piix4_pm, dev)->gpe_enable[offset & 1] : 0;
}

static void gpe_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    (void)size;
    if (offset & 2) pm_of(d)->gpe_enable[offset & 1] = (uint8_t)value;
}

static uint32_t slots_read(struct device *d, uint32_t offset, enum width size)
{
    (void)d;
    (void)offset;
    (void)size;
    return 0;
}

static uint32_t cpus_read(struct device *d, uint32_t offset, enum width size)
{
    (void)d;
    (void)size;
    return offset == 0;
}

static const struct io_ops gpe_io = { gpe_read, gpe_write, gpe_peek, BYTE };
static const struct io_ops slots_io = { slots_read, NULL, NULL, BYTE | WORD | DWORD };
static const struct io_ops cpus_io = { cpus_read, NULL, NULL, BYTE };
static const struct io_ops pm_io = { pm_read, pm_write, pm_peek, BYTE | WORD | DWORD };
static const struct io_ops off_io = { NULL, off_write, NULL, WORD };
static const struct io_ops smb_io = { smb_read, smb_write, smb_peek, BYTE };
static const struct io_ops apm_io = { apm_read, apm_write, apm_peek, BYTE };

/* ---- the PCI function ------------------------------------------------------------------------ */
static uint32_t base_at(const struct piix4_pm *p, unsigned reg, unsigned align)
{
    return (p->pci.config[reg] | (uint32_t)p->pci.config[reg + 1] << 8) & ~(align - 1);
}

static void move_ports(struct piix4_pm *p, uint32_t *at, uint32_t to, unsigned size,
                       const struct io_ops *ops)
{
    if (*at == to) return;
    if (*at) board_release_ports(p->dev.board, &p->dev, (uint16_t)*at, size);
    *at = to && board_claim_ports(p->dev.board, &p->dev, (uint16_t)to, size, ops) ? to : 0;
}

/* Where the registers themselves are, they answer. */
static void claim_off_ports(struct piix4_pm *p, uint32_t pm_next)
{
    for (unsigned i = 0; i < COUNT_OF(off_ports); i++) {
        uint16_t port = off_ports[i];
        bool wanted = (port & ~(PM_SIZE - 1u)) != pm_next;
        if (p->off_claimed[i] && !wanted) board_release_ports(p->dev.board, &p->dev, port, WORD);
        if (!p->off_claimed[i] && wanted)
            wanted = board_claim_ports(p->dev.board, &p->dev, port, WORD, &off_io);
        p->off_claimed[i] = wanted;
    }
}

/* PMBASE and SMBBASE are no BARs: each has its own enable (7.1.8, 7.1.27, 7.1.31). */
static void update_ports(struct piix4_pm *p)
{
    const uint8_t *config = p->pci.config;
    bool smb = config[SMBHSTCFG] & SMB_ENABLE;
    uint32_t pm = config[PMREGMISC] & PMIOSE ? base_at(p, PMBASE, PM_SIZE) : 0;
    if (p->pm_at != pm) move_ports(p, &p->pm_at, 0, PM_SIZE, &pm_io);
    claim_off_ports(p, pm);
    move_ports(p, &p->pm_at, pm, PM_SIZE, &pm_io);
    move_ports(p, &p->smb_at, smb ? base_at(p, SMBBASE, SMB_SIZE) : 0, SMB_SIZE, &smb_io);
}

static void written(struct device *d, unsigned offset, unsigned len)
{
    (void)offset;
    (void)len;
    update_ports(pm_of(d));
}

static void fill_config(struct pci_function *f)
{
    pci_header(f, 0x8086, 0x7113, 0x068000, 0x03, 1);
    f->config[0x07] = 0x02;
    f->config[0x06] = 0x80;
    f->config[0x3C] = SCI_IRQ;
    f->config[PMBASE] = f->config[SMBBASE] = 0x01;      /* I/O space */
    f->writable[PMBASE] = 0xC0;
    f->writable[SMBBASE] = 0xF0;
    f->writable[PMBASE + 1] = f->writable[SMBBASE + 1] = 0xFF;
    memset(&f->writable[0x44], 0xFF, PMREGMISC - 0x44);
    f->writable[PMREGMISC] = 0x01;
    f->writable[SMBHSTCFG] = 0x0F;
    memset(&f->writable[SMBHSTCFG + 1], 0xFF, 3);
}

static bool plug(struct device *d, struct board *b)
{
    struct piix4_pm *p = pm_of(d);
    fill_config(&p->pci);
    p->pci.dev = d;
    p->pci.written = written;
    p->sci = board_irq(b, SCI_IRQ);
    p->smi = board_wire(b, WIRE_SMI);
    p->overflow = (struct timer){ .fire = overflowed, .name = "piix4_pm.overflow" };
    if (!board_pci_add(b, &p->pci, 1, 3)) {
        device_log(d, LOG_ERROR, "PCI function 1.3 is taken, or there is no PCI bus");
        return false;
    }
    return board_claim_ports(b, d, 0xB2, 2, &apm_io) &&
           board_claim_ports(b, d, 0xAE00, 16, &slots_io) &&
           board_claim_ports(b, d, 0xAF00, 32, &cpus_io) &&
           board_claim_ports(b, d, 0xAFE0, 4, &gpe_io);
}

static void reset(struct device *d, enum reset kind)
{
    struct piix4_pm *p = pm_of(d);
    (void)kind;
    memcpy(p->pci.config, p->pci.reset_config, sizeof p->pci.config);
    p->status = p->enable = p->control = 0;
    memset(p->rest, 0, sizeof p->rest);
    memset(p->smb, 0, sizeof p->smb);
    memset(p->apm, 0, sizeof p->apm);
    memset(p->gpe_enable, 0, sizeof p->gpe_enable);
    update_ports(p);
    arm_overflow(p);
    update_sci(p);
}

static void restored(struct device *d)
{
    struct piix4_pm *p = pm_of(d);
    pci_restored(&p->pci);
    update_ports(p);
    arm_overflow(p);
}

static void unplug(struct device *d)
{
    clock_disarm(board_clock(d->board), &pm_of(d)->overflow);
}

static const struct field state[] = {
    FIELD_N(struct piix4_pm, pci.config), FIELD(struct piix4_pm, status),
    FIELD(struct piix4_pm, enable),
    FIELD(struct piix4_pm, control), FIELD_N(struct piix4_pm, rest), FIELD_N(struct piix4_pm, smb),
    FIELD_N(struct piix4_pm, apm), FIELD_N(struct piix4_pm, gpe_enable),
    FIELD_LINE(struct piix4_pm, sci),
    FIELD_TIMER(struct piix4_pm, overflow), { 0 },
};

const struct device_class piix4_pm_class = {
    .name = "piix4_pm", .about = "Intel 82371AB power management (290562-001)",
    .size = sizeof(struct piix4_pm), .state = state, .plug = plug, .reset = reset,
    .restored = restored, .unplug = unplug,
};
