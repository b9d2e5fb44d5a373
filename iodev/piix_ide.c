/* SPDX-License-Identifier: MIT
 * PCI IDE controller with bus master: function 1 of the PIIX3.
 * Intel 82371FB (PIIX) and 82371SB (PIIX3) data sheet (290550-002, 1997), 2.3 and 2.7; the register
 * model is SFF-8038i's.
 *
 *   PRD table:  | address (even)             |   two dwords per region; bit 31 of the second
 *               | EOT | 0 ... | bytes (0=64K) |   ends the table
 *
 * Not implemented: timings (any setting works), turning the legacy ports off by IDETIM or the
 * command register (they always answer, so a guest without PCI code finds its disk).
 */
#include "iodev/board.h"
#include "iodev/ide.h"
#include <string.h>

enum { COMMAND = 0, STATUS = 2, TABLE = 4, CHANNEL_BYTES = 8 };
enum { COMMAND_START = 0x01, COMMAND_TO_MEMORY = 0x08 };
enum { STATUS_ACTIVE = 0x01, STATUS_ERROR = 0x02, STATUS_INTERRUPT = 0x04, STATUS_CAPABLE = 0x60 };
enum { PCI_COMMAND = 0x04, PCI_COMMAND_MASTER = 0x04, IDETIM = 0x40, IDETIM_ENABLE = 0x80 };

struct master {
    uint8_t  command, status;
    uint32_t table;                        /* as written                         */
    uint32_t next;                         /* address of the next PRD            */
    uint32_t address, left;                /* rest of the current region         */
    bool     last;                         /* it was marked EOT                  */
};

struct piix_ide {
    struct device dev;
    struct pci_function pci;
    struct device *channel[2];
    struct master master[2];
};

static struct piix_ide *piix_of(struct device *d) { return container_of(d, struct piix_ide, dev); }

/* ---- the engine ------------------------------------------------------------------------------ */

static uint32_t dword(const uint8_t *b)
{
    return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* Loads the next region; false: there is none, the engine has stopped. */
static bool next_region(struct piix_ide *p, struct master *m)
{
    uint8_t prd[8];
    struct memory *memory = board_memory(p->dev.board);
    bool readable = !m->last && memory_copy_from(memory, prd, m->next, sizeof prd) == sizeof prd;
    if (!readable) {
        if (!m->last) m->status |= STATUS_ERROR;
        m->status &= (uint8_t)~STATUS_ACTIVE;
        return false;
    }
    m->next += sizeof prd;
    m->address = dword(prd) & ~1u;
    m->left = dword(prd + 4) & 0xFFFE;
    if (!m->left) m->left = 0x10000;
    m->last = prd[7] & 0x80;
    return true;
}

/* Each region moves at least two bytes, so guest values cannot make this loop long. */
static uint32_t transfer(struct device *d, unsigned channel, uint8_t *data, uint32_t len,
                         bool to_memory)
{
    struct piix_ide *p = piix_of(d);
    struct master *m = &p->master[channel & 1];
    struct memory *memory = board_memory(d->board);
    uint32_t done = 0;
    bool allowed = p->pci.config[PCI_COMMAND] & PCI_COMMAND_MASTER;
    if (!allowed || !(m->status & STATUS_ACTIVE)) return 0;
    if (to_memory != !!(m->command & COMMAND_TO_MEMORY)) return 0;
    while (done < len && (m->left || next_region(p, m))) {
        uint32_t n = len - done < m->left ? len - done : m->left;
        if (to_memory) memory_copy_to(memory, m->address, data + done, n);
        else memory_copy_from(memory, data + done, m->address, n);
        m->address += n;
        m->left -= n;
        done += n;
    }
    /* table and disk end together */
    if (!m->left && m->last) m->status &= (uint8_t)~STATUS_ACTIVE;
    return done;
}

static void interrupted(struct device *d, unsigned channel)
{
    piix_of(d)->master[channel & 1].status |= STATUS_INTERRUPT;
}

static const struct ide_master_ops master_ops = { transfer, interrupted };

/* ---- registers: eight bytes per channel ------------------------------------------------------ */

static void write_command(struct piix_ide *p, unsigned channel, uint8_t value)
{
    struct master *m = &p->master[channel];
    uint8_t before = m->command;
    m->command = value & (COMMAND_START | COMMAND_TO_MEMORY);
    if (!(value & COMMAND_START)) m->status &= (uint8_t)~STATUS_ACTIVE;
    if (!(value & COMMAND_START) || before & COMMAND_START) return;
    m->next = m->table;
    m->left = 0;
    m->last = false;
    m->status |= STATUS_ACTIVE;
    if (p->channel[channel]) ide_master_started(p->channel[channel]);
}

/* Interrupt and error are cleared by writing 1, active is read-only. */
static void write_status(struct master *m, uint8_t value)
{
    uint8_t keep = m->status & (uint8_t)~(value & (STATUS_ERROR | STATUS_INTERRUPT));
    m->status = (uint8_t)((keep & ~STATUS_CAPABLE) | (value & STATUS_CAPABLE));
}

static void write_byte(struct piix_ide *p, uint32_t offset, uint8_t value)
{
    unsigned channel = offset / CHANNEL_BYTES & 1, at = offset % CHANNEL_BYTES;
    struct master *m = &p->master[channel];
    unsigned shift = 8 * (at & 3);
    if (at == COMMAND) write_command(p, channel, value);
    else if (at == STATUS) write_status(m, value);
    else if (at >= TABLE)
        m->table = ((m->table & ~(0xFFu << shift)) | (uint32_t)value << shift) & ~3u;
}

static uint32_t peek(const struct device *d, uint32_t offset)
{
    const struct piix_ide *p = container_of(d, const struct piix_ide, dev);
    const struct master *m = &p->master[offset / CHANNEL_BYTES & 1];
    unsigned at = offset % CHANNEL_BYTES;
    if (at == COMMAND) return m->command;
    if (at == STATUS) return m->status;
    return at >= TABLE ? m->table >> 8 * (at & 3) & 0xFF : 0;
}

static uint32_t read_registers(struct device *d, uint32_t offset, enum width w)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < w; i++) value |= peek(d, offset + i) << 8 * i;
    return value;
}

static void write_registers(struct device *d, uint32_t offset, uint32_t value, enum width w)
{
    for (unsigned i = 0; i < w; i++) write_byte(piix_of(d), offset + i, (uint8_t)(value >> 8 * i));
}

static const struct io_ops master_io = {
    read_registers, write_registers, peek, BYTE | WORD | DWORD,
};

/* ---- the device ------------------------------------------------------------------------------ */

/* 2.3: legacy addresses only, no interrupt pin. IDETIM comes up enabled; see the file's head. */
static void describe(struct piix_ide *p)
{
    pci_header(&p->pci, 0x8086, 0x7010, 0x010180, 0, 0);
    p->pci.dev = &p->dev;
    p->pci.config[IDETIM + 1] = p->pci.config[IDETIM + 3] = IDETIM_ENABLE;
    memset(p->pci.writable + IDETIM, 0xFF, 5);
    p->pci.config[0x06] = 0x80;            /* status: fast back-to-back, medium DEVSEL */
    p->pci.config[0x07] = 0x02;
    p->pci.bar[4] = (struct pci_bar){ .kind = PCI_BAR_IO, .size = 16, .ops = &master_io };
}

static bool plug(struct device *d, struct board *b)
{
    static const char *const names[2] = { "ata0", "ata1" };
    struct piix_ide *p = piix_of(d);
    describe(p);
    if (!board_pci_add(b, &p->pci, 1, 1)) {
        device_log(d, LOG_ERROR, "no PCI bus, or its function 1.1 is taken");
        return false;
    }
    for (unsigned i = 0; i < 2; i++) {
        struct device *channel = board_find(b, names[i]);
        if (!channel || channel->class != &ide_class) continue;
        p->channel[i] = channel;
        ide_set_master(channel, d, i, &master_ops);
    }
    return true;
}

static void reset(struct device *d, enum reset kind)
{
    (void)kind;
    memset(piix_of(d)->master, 0, sizeof piix_of(d)->master);
}

static const struct field state[] = {
    FIELD(struct piix_ide, master[0].command), FIELD(struct piix_ide, master[0].status),
    FIELD(struct piix_ide, master[0].table), FIELD(struct piix_ide, master[0].next),
    FIELD(struct piix_ide, master[0].address), FIELD(struct piix_ide, master[0].left),
    FIELD(struct piix_ide, master[0].last), FIELD(struct piix_ide, master[1].command),
    FIELD(struct piix_ide, master[1].status), FIELD(struct piix_ide, master[1].table),
    FIELD(struct piix_ide, master[1].next), FIELD(struct piix_ide, master[1].address),
    FIELD(struct piix_ide, master[1].left), FIELD(struct piix_ide, master[1].last),
    FIELD_N(struct piix_ide, pci.config), { 0 },
};

const struct device_class piix_ide_class = {
    .name = "piix_ide", .about = "PCI IDE bus master, PIIX3 function 1 (Intel 290550)",
    .size = sizeof(struct piix_ide), .state = state, .plug = plug, .reset = reset,
};
