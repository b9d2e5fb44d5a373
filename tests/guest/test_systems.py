#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Systems of others, from Debian's packages: boot loaders, firmware, memory test,
a micro-kernel."""
import re
import vitro
from vitro import Machine, check, disk, floppy, image, needs

GRUB = "/usr/lib/grub-rescue/grub-rescue-floppy.img"
UBOOT = "/usr/lib/u-boot/qemu-x86/u-boot.rom"


def test_grub():
    """Menu with line graphics, a shell that finds the drives and reads a file on the hard disk."""
    needs(GRUB)
    with Machine(floppy(GRUB), disk(image("linux.img")), "boot: floppy", limit=60) as m:
        m.wait_screen(r"GNU GRUB +version 2")
        m.wait_screen("^ *\u2502\\*GNU/Linux +\u2502$")
        m.key("down")
        m.wait_screen("^ *\u2502\\*GNU \\(aka GNU/Hurd\\) +\u2502$")
        m.type("c")
        m.wait_screen(r"^grub>")
        m.type("ls\n")
        m.wait_screen(r"\(hd0\) \(hd0,msdos1\) \(fd0\)")
        m.type("clear\nls (hd0,msdos1)/\n")
        m.wait_screen(r"vmlinuz")
        m.type("clear\nif cpuid -l; then echo long; else echo short; fi\n")
        m.wait_screen(r"^(long|short)$")


def test_memtest():
    """60 seconds of patterns over all memory in 32-bit mode with PAE, without an error."""
    with Machine(floppy(image("memtest.img")), "boot: floppy", "--memory", "64", limit=90) as m:
        m.wait_screen(r"Memtest86\+ v\d")
        m.wait_screen(r"Time: +0:(?!00)\d\d:\d\d")
        text = m.screen()
        check("Errors: 0 " in text + " " or "Errors: 0\n" in text, "memory errors")
        check("64MB" in text, "not all memory is there")


def test_bochs_floppy():
    """The Bochs BIOS, which never gives the controller a SEEK."""
    for name in "BIOS-bochs-latest", "BIOS-bochs-legacy":
        bios = "/usr/share/bochs/" + name
        needs(bios, "/usr/share/vgabios/vgabios.bin")
        with Machine(floppy(image("hdt.img")), "romimage: file=" + bios,
                     "vgaromimage: file=/usr/share/vgabios/vgabios.bin",
                     "fw_cfg: enabled=0", "boot: floppy", limit=120) as m:
            m.wait_screen(r"PCI Devices\( *[1-9]\d*\) +>")


def test_hdt():
    """Syslinux from a floppy; HDT switches to protected mode and back for each BIOS call."""
    with Machine(floppy(image("hdt.img")), "boot: floppy", limit=120) as m:
        m.wait_screen(r"PCI Devices\( *[1-9]\d*\) +>")
        m.key("ret")
        m.wait_screen(r"Intel\|440FX")
        m.wait_screen(r"Intel\|PIIX3 ISA")
        m.wait_screen(r"Bochs\|VGA")
        m.key("esc")
        for _ in range(14):
            m.sleep(0.2)
            if "Switch to Command Line" in m.screen():
                break
            m.key("down")
        m.key("ret")
        m.wait_screen(r"^hdt>")
        m.type("show cpu\n")
        m.wait_screen(r"Manufacturer : AMD")


def test_uboot():
    """U-Boot's ROM is the firmware: no SeaBIOS. It sets the machine up, video mode included."""
    needs(UBOOT)
    with Machine("romimage: file=" + UBOOT, disk(image("linux.img")), limit=120) as m:
        m.wait_serial(r"^U-Boot 20")
        m.wait_serial(r"^DRAM: +128 MiB")
        m.wait_serial(r"Hit any key to stop autoboot")
        m.send(" ")                                     # in time or not: autoboot ends here, too
        m.wait_serial(r"^=> ")
        m.send("pci\n")
        m.wait_serial(r"^00\.00\.00 +0x8086 +0x1237 +Bridge device")
        m.wait_serial(r"^00\.01\.01 +0x8086 +0x7010 +Mass storage")
        m.wait_serial(r"^00\.02\.00 +0x1234 +0x1111 +Display")
        m.send("ide reset; fatls ide 0:1\n")
        m.wait_serial(r"vmlinuz")


def test_mach():
    """GNU Mach for a 486, up to where it wants the programs of the Hurd."""
    with Machine(floppy(image("mach.img")), "boot: floppy", disk(image("linux.img")),
                 limit=60) as m:
        m.wait_screen(r"bootstrap_create: No bootstrap code loaded")
        for line in ("Probing PCI hardware", "ide: Intel 82371 PIIX3",
                     "hd0: .*VITRO HARDDISK|hda: VITRO HARDDISK",
                     r"fd0 is 1\.44M", "com0: at atbus0, port = 3f8"):
            check(re.search(line, m.screen()), line)


if __name__ == "__main__":
    vitro.main(globals())
