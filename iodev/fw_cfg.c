/* SPDX-License-Identifier: MIT
 * QEMU's firmware configuration device: numbered items and named files that a machine tells its
 * firmware. QEMU documentation, docs/specs/fw_cfg.rst, "Legacy (I/O port) interface".
 *
 *   510h  word  item number; reading starts again at its first byte
 *   511h  byte  next byte of the item; zero past the end
 *
 * Not implemented: DMA interface (its bit in the ID item is 0), writes to items.
 */
#include <stdlib.h>
#include <string.h>
#include "iodev/board.h"
#include "iodev/fw_cfg.h"

enum { ITEM_SIGNATURE = 0x00, ITEM_ID = 0x01, ITEM_UUID = 0x02, ITEM_RAM = 0x03,
       ITEM_GRAPHIC = 0x04,
       ITEM_CPUS = 0x05, ITEM_NUMA = 0x0D, ITEM_BOOT_MENU = 0x0E, ITEM_MAX_CPUS = 0x0F,
       ITEM_DIRECTORY = 0x19, ITEM_FILES = 0x20, ITEM_IRQ0_OVERRIDE = 0x8002 };
enum { ID_TRADITIONAL = 1 };
enum { E820_RAM = 1, E820_BYTES = 20 };
#define FILE_LIMIT   64
#define NAME_BYTES   56
#define ENTRY_BYTES  64                    /* size BE32, select BE16, reserved 16, name */
#define KEY_MASK     0xBFFFu               /* 4000h: "write", long gone; selects the same */

struct file {
    char     name[NAME_BYTES];
    uint8_t *data;
    uint32_t len;
};

struct fw_cfg {
    struct device dev;
    uint64_t    cpus;
    bool        boot_menu;
    struct file files[FILE_LIMIT];         /* sorted by name; file n is item 20h + n */
    unsigned    file_count;
    uint16_t    key;
    uint32_t    offset;
    uint8_t     ram[8];
};

static struct fw_cfg *fw_of(struct device *d) { return container_of(d, struct fw_cfg, dev); }

static void put_le(uint8_t *to, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++) to[i] = (uint8_t)(value >> (8 * i));
}

static uint8_t be_byte(uint32_t value, unsigned bytes, unsigned at)
{
    return (uint8_t)(value >> (8 * (bytes - 1 - at)));
}

/* ---- items ----------------------------------------------------------------------------------- */
/* One byte of the directory: count BE32, then the entries. */
static uint8_t directory_byte(const struct fw_cfg *f, uint32_t at)
{
    if (at < 4) return be_byte(f->file_count, 4, at);
    uint32_t n = (at - 4) / ENTRY_BYTES, in = (at - 4) % ENTRY_BYTES;
    if (n >= f->file_count) return 0;
    if (in < 4) return be_byte(f->files[n].len, 4, in);
    if (in < 6) return be_byte(ITEM_FILES + n, 2, in - 4);
    return in < 8 ? 0 : (uint8_t)f->files[n].name[in - 8];
}

static uint8_t number_byte(uint64_t value, unsigned bytes, uint32_t at)
{
    return at < bytes ? (uint8_t)(value >> (8 * at)) : 0;
}

static uint8_t item_byte(const struct fw_cfg *f, unsigned key, uint32_t at)
{
    switch (key) {
    case ITEM_SIGNATURE: return at < 4 ? (uint8_t)"QEMU"[at] : 0;
    case ITEM_ID: return number_byte(ID_TRADITIONAL, 4, at);
    case ITEM_RAM: return at < sizeof f->ram ? f->ram[at] : 0;
    case ITEM_CPUS: case ITEM_MAX_CPUS: return number_byte(f->cpus, 2, at);
    case ITEM_BOOT_MENU: return number_byte(f->boot_menu, 2, at);
    case ITEM_DIRECTORY: return directory_byte(f, at);
    case ITEM_UUID: case ITEM_GRAPHIC: case ITEM_NUMA: case ITEM_IRQ0_OVERRIDE: return 0;
    }
    if (key < ITEM_FILES || key - ITEM_FILES >= f->file_count) return 0;
    const struct file *file = &f->files[key - ITEM_FILES];
    return at < file->len ? file->data[at] : 0;
}

/* ---- ports ----------------------------------------------------------------------------------- */
static uint32_t port_read(struct device *d, uint32_t offset, enum width size)
{
    struct fw_cfg *f = fw_of(d);
    (void)size;
    if (offset != 1) return 0xFF;
    uint8_t value = item_byte(f, f->key & KEY_MASK, f->offset);
    if (f->offset < UINT32_MAX) f->offset++;
    return value;
}

static uint32_t port_peek(const struct device *d, uint32_t offset)
{
    const struct fw_cfg *f = container_of(d, const struct fw_cfg, dev);
    return offset == 1 ? item_byte(f, f->key & KEY_MASK, f->offset) : 0xFF;
}

static void port_write(struct device *d, uint32_t offset, uint32_t value, enum width size)
{
    struct fw_cfg *f = fw_of(d);
    if (offset != 0 || size != WORD) return;
    f->key = (uint16_t)value;
    f->offset = 0;
}

/* A word written to 510h arrives whole, although its high half is the data port. */
static const struct io_ops port_io = { port_read, port_write, port_peek, BYTE | WORD };

/* ---- files ----------------------------------------------------------------------------------- */
static unsigned place_of(const struct fw_cfg *f, const char *name)
{
    unsigned i = 0;
    while (i < f->file_count && strcmp(f->files[i].name, name) < 0) i++;
    return i;
}

static bool is_at(const struct fw_cfg *f, unsigned i, const char *name)
{
    return i < f->file_count && !strcmp(f->files[i].name, name);
}

static void open_gap(struct fw_cfg *f, unsigned i, const char *name)
{
    memmove(&f->files[i + 1], &f->files[i], (f->file_count - i) * sizeof f->files[0]);
    f->file_count++;
    f->files[i] = (struct file){ .data = NULL };
    memcpy(f->files[i].name, name, strlen(name));
}

const char *fw_cfg_add_file(struct device *fw_cfg, const char *name, const void *data, size_t len)
{
    struct fw_cfg *f = fw_of(fw_cfg);
    unsigned i = place_of(f, name);
    if (!*name || strlen(name) >= NAME_BYTES) return "file names have 1 to 55 characters";
    if (len > UINT32_MAX) return "too long";
    if (!is_at(f, i, name) && f->file_count == FILE_LIMIT) return "too many files";
    uint8_t *copy = malloc(len ? len : 1);
    if (!copy) return "out of memory";
    if (len) memcpy(copy, data, len);
    if (!is_at(f, i, name)) open_gap(f, i, name);
    free(f->files[i].data);
    f->files[i].data = copy;
    f->files[i].len = (uint32_t)len;
    return NULL;
}

/* One entry: all RAM is in one piece. The firmware cuts its own holes below 1 MiB. */
static const char *add_e820(struct fw_cfg *f, uint64_t ram)
{
    uint8_t entry[E820_BYTES] = { 0 };
    put_le(entry + 8, ram, 8);
    put_le(entry + 16, E820_RAM, 4);
    return fw_cfg_add_file(&f->dev, "etc/e820", entry, sizeof entry);
}

/* SeaBIOS 1.16 looks whether this file is there: with it, it puts the power management registers to
 * 600h as on QEMU, where guests look for them that know no ACPI; without it to B000h. An empty one
 * holds no orders, so SeaBIOS makes its own ACPI tables as before. Both observed, not read. */
static const char *add_table_loader(struct fw_cfg *f)
{
    return fw_cfg_add_file(&f->dev, "etc/table-loader", "", 0);
}

/* ---- the device ------------------------------------------------------------------------------ */
static bool plug(struct device *d, struct board *b)
{
    struct fw_cfg *f = fw_of(d);
    uint64_t ram = memory_ram_size(board_memory(b));
    put_le(f->ram, ram, 8);
    const char *why = add_e820(f, ram);
    if (!why) why = add_table_loader(f);
    if (!why) return board_claim_ports(b, d, 0x510, 2, &port_io);
    device_log(d, LOG_ERROR, "files for the firmware: %s", why);
    return false;
}

static void reset(struct device *d, enum reset kind)
{
    struct fw_cfg *f = fw_of(d);
    (void)kind;
    f->key = 0;
    f->offset = 0;
}

static void unplug(struct device *d)
{
    struct fw_cfg *f = fw_of(d);
    for (unsigned i = 0; i < f->file_count; i++) free(f->files[i].data);
    f->file_count = 0;
}

static const struct prop props[] = {
    { "cpus", PROP_UINT, offsetof(struct fw_cfg, cpus), 1, NULL,
      "processors the firmware is told of" },
    { "boot_menu", PROP_BOOL, offsetof(struct fw_cfg, boot_menu), 0, NULL,
      "the firmware offers its boot menu and waits for a key" },
    { 0 },
};

static const struct field state[] = {
    FIELD(struct fw_cfg, key), FIELD(struct fw_cfg, offset), { 0 },
};

const struct device_class fw_cfg_class = {
    .name = "fw_cfg", .about = "firmware configuration (QEMU fw_cfg specification)",
    .size = sizeof(struct fw_cfg), .props = props, .state = state, .plug = plug, .reset = reset,
    .unplug = unplug,
};
