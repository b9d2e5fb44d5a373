/* SPDX-License-Identifier: MIT
 * The directives of bochsrc (Bochs 2.x and 3.x user manuals) and what each means here. A new device
 * gets its rows in this table.
 */
#include "config/options.h"

#include <string.h>
#include <strings.h>

#define AT(type, member) offsetof(struct type, member)
#define END { .name = NULL }
#define BOOL(n, t, m)          { .name = n, .kind = OPT_BOOL, .at = AT(t, m) }
#define UINT(n, t, m, low, high) \
    { .name = n, .kind = OPT_UINT, .at = AT(t, m), .min = low, .max = high }
#define TEXT(n, t, m)          { .name = n, .kind = OPT_TEXT, .at = AT(t, m) }
#define WORD(n, t, m, list)    { .name = n, .kind = OPT_WORD, .at = AT(t, m), .words = list }
#define INPUT(n, t, m)         { .name = n, .kind = OPT_INPUT, .at = AT(t, m) }
#define OUTPUT(n, t, m)        { .name = n, .kind = OPT_OUTPUT, .at = AT(t, m) }
#define STATUS(n, t, m)        { .name = n, .kind = OPT_STATUS, .at = AT(t, m) }
#define QUIET(n)               { .name = n, .kind = OPT_QUIET }
#define FIXED(n, list, instead) { .name = n, .kind = OPT_FIXED, .words = list, .remark = instead }

static const struct option cpu_options[] = {
    TEXT("model", config, cpu_model),
    UINT("ips", config, ips, 100000, UINT64_C(100000000000)),
    BOOL("reset_on_triple_fault", config, reset_on_triple_fault),
    FIXED("count", "1|1:1|1:1:1", "one processor"),
    QUIET("quantum"),
    FIXED("cpuid_limit_winnt", "0|false|no|off", "CPUID shows all its leaves"),
    QUIET("ignore_bad_msrs"),
    QUIET("mwait_is_nop"),
    FIXED("force_ignne", "0|false|no|off", "IGNNE# follows port F0h"),
    QUIET("cpuid_freq"),
    FIXED("msrs", "|msrs.def", "the model's own MSRs"),
    TEXT("add_features", config, add_features),
    TEXT("exclude_features", config, exclude_features),
    END
};

static const struct option memory_options[] = {
    UINT("guest", config, memory_mib, 1, 65536),
    QUIET("host"), QUIET("block_size"), END
};

static const struct option megs_options[] = {
    UINT("", config, memory_mib, 1, 65536), END
};

static const struct option rom_options[] = {
    INPUT("file", config_rom, file),
    UINT("address", config_rom, address, 0, UINT32_MAX),
    QUIET("options"),
    FIXED("flash_data", "|none", "the ROM cannot be rewritten"), END
};

static const struct option fw_cfg_options[] = { BOOL("enabled", config, fw_cfg), END };

static const struct option vga_options[] = {
    FIXED("extension", "vbe|none", "VGA with VBE"),
    QUIET("update_freq"), QUIET("realtime"),
    FIXED("ddc", "builtin|builtin_gui|disabled", "no monitor data"),
    UINT("vbe_memsize", config, vga_mib, 1, 64),
    BOOL("border", config, vga_border), END
};

static const struct option keyboard_options[] = {
    FIXED("type", "mf|at", "a 101-key keyboard"),
    QUIET("serial_delay"),
    UINT("paste_delay", config, paste_delay, 1000, 10000000),
    INPUT("keymap", config, keymap),
    QUIET("user_shortcut"),
    QUIET("enabled"), QUIET("map"), QUIET(""), END
};

static const struct option mouse_options[] = {
    QUIET("enabled"),                      /* who moves it at the start; a click takes it anyway */
    { .name = "type", .kind = OPT_WORD, .at = AT(config, mouse_type), .call = set_mouse_type },
    QUIET("toggle"), END
};

static const struct option pci_options[] = {
    BOOL("enabled", config, pci),
    FIXED("chipset", "i440fx", "an i440fx chipset"),
    FIXED("slot1", "|none|pcivga|cirrus", "the slot stays empty"),
    FIXED("slot2", "|none|pcivga|cirrus", "the slot stays empty"),
    FIXED("slot3", "|none|pcivga|cirrus", "the slot stays empty"),
    FIXED("slot4", "|none|pcivga|cirrus", "the slot stays empty"),
    FIXED("slot5", "|none|pcivga|cirrus", "the slot stays empty"),
    FIXED("advopts", "|none", "the chipset as it is"), END
};

static const struct option clock_options[] = {
    WORD("sync", config, sync, "none|slowdown|realtime|both|auto"),
    { .name = "time0", .kind = OPT_TEXT, .at = AT(config, time0), .call = set_time0 },
    FIXED("rtc_sync", "0|false|no|off", "the clock chip runs on guest time"), END
};

static const struct option time0_options[] = {
    { .name = "", .kind = OPT_TEXT, .at = AT(config, time0), .call = set_time0 }, END
};

static const struct option cmos_options[] = {
    INPUT("file", config, cmos_image),
    WORD("rtc_init", config, rtc_init, "time0|image"), END
};

static const struct option channel_options[] = {
    BOOL("enabled", config_channel, enabled),
    UINT("ioaddr1", config_channel, ioaddr1, 0, 0xFFFF),
    UINT("ioaddr2", config_channel, ioaddr2, 0, 0xFFFF),
    UINT("irq", config_channel, irq, 0, 15), END
};

static const struct option drive_options[] = {
    WORD("type", config_drive, type, "none|disk|cdrom"),
    INPUT("path", config_drive, image),
    WORD("mode", config_drive, mode,
         "auto|flat|volatile|concat|dll|sparse|vmware3|vmware4|vhdx|undoable|"
         "growing|vpc|vbox|vvfat"),
    WORD("format", config_drive, format, "auto|raw|qcow2|vhd|vpc|vmdk|vdi|fat|concat"),
    UINT("cylinders", config_drive, cylinders, 0, UINT32_MAX),
    UINT("heads", config_drive, heads, 0, 255),
    UINT("spt", config_drive, spt, 0, 255),
    FIXED("sect_size", "512", "sectors of 512 bytes"),
    STATUS("status", config_drive, inserted),
    TEXT("model", config_drive, model),
    FIXED("biosdetect", "auto|cmos", "the BIOS sees the drive"),
    WORD("translation", config_drive, translation, "auto|none|lba|large|echs|rechs"),
    TEXT("journal", config_drive, journal),
    END
};

static const struct option bootsig_options[] = {
    BOOL("disabled", config, no_boot_signature_check), END
};

static const struct option logprefix_options[] = {
    FIXED("", "%t%e%d|%t%e%d (%i)|%t%e%i", "log lines begin with time, device and level"), END
};

static const struct option log_options[] = { OUTPUT("", config, log), END };

static const struct option com_options[] = {
    BOOL("enabled", config_com, enabled),
    WORD("mode", config_com, mode, "null|file|stdio|pty|term|raw|mouse|socket-client|socket-server|"
                                   "pipe-client|pipe-server"),
    OUTPUT("dev", config_com, dev), END
};

static const struct option e9_options[] = {
    BOOL("enabled", config, port_e9_hack),
    FIXED("all_rings", "0|false|no|off", "as for every port"), END
};

static const struct option display_options[] = {
    OUTPUT("", config, display),
    TEXT("options", config, display_options), END
};

static const struct option exit_options[] = { UINT("port", config, exit_port, 0, 0xFFFF), END };

static const struct option firmware_log_options[] = {
    OUTPUT("file", config, firmware_log), END
};

static const struct option magic_options[] = {
    FIXED("enabled", "0|false|no|off", "there is no debugger yet"),
    QUIET(""), END
};

static const struct option gdb_options[] = {
    BOOL("enabled", config, gdbstub),
    UINT("port", config, gdbstub_port, 1, 65535),
    QUIET("text_base"), QUIET("data_base"),
    QUIET("bss_base"), END
};

#define PLAIN(n, where, list) { .name = n, .at = where, .options = list }
#define CHANNEL(n) \
    PLAIN("ata" #n, AT(config, ata[n]), channel_options), \
    { "ata" #n "-master", AT(config, ata[n].drive[0]), drive_options, .line = line_drive }, \
    { "ata" #n "-slave", AT(config, ata[n].drive[1]), drive_options, .line = line_drive }
#define COM(n) { "com" #n, AT(config, com[(n) - 1]), com_options, .line = line_com }
#define ROM(n) PLAIN("optromimage" #n, AT(config, optrom[(n) - 1]), rom_options), \
               PLAIN("optramimage" #n, AT(config, optram[(n) - 1]), rom_options)
#define MISSING(n, instead) { .name = n, .remark = instead }
#define SILENT(n)         { .name = n }
#define ACTIONS(n)        { .name = n, .line = line_actions }

const struct directive directives[] = {
    PLAIN("cpu", 0, cpu_options),
    PLAIN("memory", 0, memory_options),
    { "romimage", AT(config, romimage), rom_options, .line = line_rom },
    { "vgaromimage", AT(config, vgaromimage), rom_options, .line = line_rom },
    ROM(1), ROM(2), ROM(3), ROM(4),
    PLAIN("fw_cfg", 0, fw_cfg_options),
    PLAIN("pci", 0, pci_options),
    PLAIN("vga", 0, vga_options),
    { "floppya", AT(config, floppy[0]), NULL, .line = line_floppy, .print = print_floppy },
    { "floppyb", AT(config, floppy[1]), NULL, .line = line_floppy, .print = print_floppy },
    CHANNEL(0), CHANNEL(1), CHANNEL(2), CHANNEL(3),
    { "boot", AT(config, boot), NULL, .line = line_boot, .print = print_boot },
    PLAIN("floppy_bootsig_check", 0, bootsig_options),
    PLAIN("display_library", 0, display_options),
    PLAIN("keyboard", 0, keyboard_options),
    PLAIN("mouse", 0, mouse_options),
    PLAIN("clock", 0, clock_options),
    PLAIN("cmosimage", 0, cmos_options),
    COM(1), COM(2), COM(3), COM(4),
    PLAIN("port_e9_hack", 0, e9_options),
    PLAIN("isa_debug_exit", 0, exit_options),
    PLAIN("firmware_log", 0, firmware_log_options),
    PLAIN("magic_break", 0, magic_options),
    PLAIN("gdbstub", 0, gdb_options),
    PLAIN("log", 0, log_options),
    PLAIN("logprefix", 0, logprefix_options),
    { "panic", 0, NULL, .line = line_actions, .print = print_actions },
    ACTIONS("error"),
    ACTIONS("warn"),
    ACTIONS("info"),
    ACTIONS("debug"),

    /* Directives of older Bochs releases. */
    { "megs", 0, megs_options, .old = "" },
    { "ips", 0, NULL, .line = line_old_ips, .old = "cpu: ips=" },
    { "diskc", AT(config, ata[0].drive[0]), NULL, .line = line_old_disk, .old = "ata0-master" },
    { "diskd", AT(config, ata[0].drive[1]), NULL, .line = line_old_disk, .old = "ata0-slave" },
    { "cdromd", AT(config, ata[0].drive[1]), NULL, .line = line_old_disk, .old = "ata0-slave" },
    { "keyboard_mapping", 0, keyboard_options, .old = "keyboard" },
    { "keyboard_type", 0, keyboard_options, .old = "keyboard: type=" },
    { "i440fxsupport", 0, pci_options, .old = "pci" },
    { "time0", 0, time0_options, .old = "clock: time0=" },

    /* Nothing in this machine would be different. */
    SILENT("plugin_ctrl"), SILENT("config_interface"), SILENT("private_colormap"),
    SILENT("print_timestamps"), SILENT("fullscreen"), SILENT("screenmode"), SILENT("debugger_log"),
    SILENT("debugger"), SILENT("keyboard_serial_delay"), SILENT("keyboard_paste_delay"),
    SILENT("user_shortcut"), SILENT("vga_update_interval"), SILENT("floppy_command_delay"),
    SILENT("newharddrvsupport"), SILENT("text_snapshot_check"), SILENT("user_plugin"),
    SILENT("debug_symbols"), SILENT("port_e9_hack_all_rings"), SILENT("max_ips"),

    /* Not here. Lines that switch them off say nothing. */
    MISSING("cpuid", "the CPU model's own feature bits are used"),
    MISSING("voodoo", "no 3D card"), MISSING("geforce", "no 3D card"),
    MISSING("parport1", "no parallel port"), MISSING("parport2", "no parallel port"),
    MISSING("sound", "no sound output"), MISSING("speaker", "the speaker is silent"),
    MISSING("sb16", "no sound card"), MISSING("es1370", "no sound card"),
    MISSING("ne2k", "no network card"), MISSING("pcipnic", "no network card"),
    MISSING("pnic", "no network card"), MISSING("e1000", "no network card"),
    MISSING("usb_uhci", "no USB controller"), MISSING("usb_ohci", "no USB controller"),
    MISSING("usb_ehci", "no USB controller"), MISSING("usb_xhci", "no USB controller"),
    MISSING("usb1", "no USB controller"), MISSING("usb_debug", "no USB controller"),
    MISSING("pcidev", "no PCI device of the host"), MISSING("iodebug", "no port 8A00h"),
    MISSING("load32bitosimage", "start a kernel through a boot loader's disk"),
    { .name = NULL }
};

/* Bochs compares directives as written; a capital letter is a slip, not another directive. */
const struct directive *directive_find(const char *name, size_t len)
{
    for (const struct directive *d = directives; d->name; d++)
        if (strlen(d->name) == len && !strncasecmp(d->name, name, len)) return d;
    return NULL;
}

bool config_is_directive(const char *name, size_t len)
{
    return directive_find(name, len) != NULL;
}
