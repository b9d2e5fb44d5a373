#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""CDs: El Torito with and without emulation, the disc under Linux, changed and ejected."""
import os
import re
import vitro
from vitro import Machine, check, disk, equal, image, needs

PROMPT = r"^vitro:\S+#"
RESCUE = "/usr/lib/grub-rescue/grub-rescue-cdrom.iso"
SHIP = r"^( *)/ \\ *$"
BOCHS_BIOS = "/usr/share/bochs/BIOS-bochs-latest"
BOCHS_VGA = "/usr/share/vgabios/vgabios.bin"


def cd(path, more=""):
    return "ata1-master: type=cdrom, path=%s%s" % (path, more)


def picture(m, below=0.0):
    """The screen as (width, height, how many different colours);
    below: from this part of its height on."""
    path = os.path.join(m.dir, "screen.ppm")
    if m.monitor("screendump " + path).strip():    # why not: the BIOS has set no mode yet
        return 0, 0, 0
    with open(path, "rb") as f:
        magic, width, height, _ = f.readline(), *f.readline().split(), f.readline()
        pixels = f.read()
    assert magic == b"P6\n"
    width, height = int(width), int(height)
    first = int(height * below) * width * 3
    return width, height, len({pixels[i:i + 3] for i in range(first, len(pixels), 3)})


def wait_picture(m, wanted, what, limit=60, below=0.0):
    """The clock is read before the picture: one that came in time is never missed."""
    end, now = m.now() + limit, 0
    while not wanted(*picture(m, below)):
        if now > end:
            raise vitro.Failure("%s: the screen is %dx%d with %d colours" %
                                ((what,) + picture(m, below)))
        m.sleep(0.3)
        now = m.now()


def test_grub_rescue():
    """GRUB's rescue CD: no emulation; the menu, a shell that reads the CD and the hard disk."""
    needs(RESCUE)
    with Machine(cd(RESCUE), disk(image("linux.img")), "boot: cdrom", limit=60) as m:
        m.wait_screen("^ *\u2502\\*GNU/Linux +\u2502$")
        m.type("c")
        m.wait_screen(r"^grub>")
        m.type("ls\n")
        m.wait_screen(r"\(hd0\) \(hd0,msdos1\).*\(cd\)|\(cd\).*\(hd0\) \(hd0,msdos1\)")
        m.type("clear\nls (cd)/boot/grub/\n")
        m.wait_screen(r"i386-pc/")


def test_bochs_bios():
    """The same CD by another firmware."""
    needs(RESCUE, BOCHS_BIOS, BOCHS_VGA)
    with Machine(cd(RESCUE), "romimage: file=" + BOCHS_BIOS, "vgaromimage: file=" + BOCHS_VGA,
                 "fw_cfg: enabled=0", "boot: cdrom", limit=120) as m:
        m.wait_screen("^ *\u2502\\*GNU/Linux +\u2502$")


def test_command_line():
    """An .iso alone is enough; an empty disk before it does not matter."""
    with Machine(image("isolinux.iso"), limit=60) as m:
        wait_picture(m, lambda w, h, colours: w == 800 and h == 600 and colours > 20,
                     "isolinux's menu")
    with Machine(limit=60) as m:
        empty = os.path.join(m.dir, "empty.img")
        with open(empty, "wb") as f:
            f.truncate(1 << 20)
        with Machine(empty, "--cdrom", image("isolinux.iso"), limit=60) as n:
            wait_picture(n, lambda w, h, colours: w == 800 and h == 600, "isolinux's menu")


def test_isolinux():
    """The graphical menu (VESA), a program from it, which goes back to text."""
    with Machine(image("isolinux.iso"), limit=60) as m:
        wait_picture(m, lambda w, h, colours: w == 800 and h == 600 and colours > 20,
                     "isolinux's menu")
        m.key("down")
        m.sleep(0.3)
        m.key("ret")
        m.wait_screen(r"PCI Devices\( *[1-9]\d*\) +>")


def test_floppy_emulation():
    """El Torito with a floppy image: drive A is on the CD."""
    with Machine(image("emulated.iso"), "boot: cdrom", limit=120) as m:
        m.wait_screen(r"PCI Devices\( *[1-9]\d*\) +>")


def test_memtest():
    """memtest86+ by GRUB, from a CD on ata0-slave."""
    with Machine("ata0-slave: type=cdrom, path=" + image("grubcd.iso"), "--memory", "32",
                 limit=60) as m:
        m.wait_screen(r"\*GRUB Invaders")
        m.key("down")
        m.key("ret")
        m.wait_screen(r"Memtest86\+ v\d")
        m.wait_screen(r"Time: +0:(?!00:0[0-2])\d\d:\d\d")
        check(re.search(r"Errors: 0\b", m.screen()), "memory errors")


def ship(m):
    """Its column. The game draws when it likes: without a ship the screen was just being drawn."""
    return len(m.wait_screen(SHIP).group(1))


def ship_after(m, key, there):
    """Presses a key, again if the game was not looking, until the ship is there.
    It moves as long as the key is down."""
    for _ in range(60):
        m.key(key, 200)
        if there(ship(m)):
            return ship(m)
    raise vitro.Failure("the ship does not move %s, it is at column %d" % (key, ship(m)))


def test_invaders():
    """A multiboot game: it starts, the ship moves and shoots.
    The invaders must not be faster than the test."""
    with Machine(image("grubcd.iso"), sync="slowdown", limit=60) as m:
        m.wait_screen(r"\*GRUB Invaders")
        m.key("ret")
        m.wait_screen(r"-\*-")
        m.wait_screen(SHIP)
        start = ship(m)
        left = ship_after(m, "left", lambda at: at <= start - 3)
        ship_after(m, "right", lambda at: at >= left + 3)
        shots = 0
        while not re.search(r"^ *[|!'.:^]+ *$", m.screen(), re.M):
            check(shots < 60, "it does not shoot")
            m.key("spc", 100)
            shots += 1


def test_grub_graphics():
    """GRUB's graphical terminal in a VBE mode."""
    with Machine(image("grubcd.iso"), limit=60) as m:
        m.wait_screen(r"\*GRUB Invaders")
        m.key("end")
        m.key("ret")
        wait_picture(m, lambda w, h, colours: w == 800 and h == 600 and colours > 1,
                     "GRUB's graphical menu")


def test_ipxe():
    """iPXE's own CD, to its banner. It soon gives up and idles,
    which skipped time would not show."""
    with Machine(image("ipxe.iso"), sync="slowdown", limit=60) as m:
        m.wait_screen(r"iPXE 1\.\S+.*Open Source Network Boot Firmware")


def test_linux():
    """Linux reads every file by DMA; then the disc is locked, ejected, and another one comes."""
    with Machine(disk(image("linux.img")), cd(image("files.iso")), limit=300) as m:
        m.wait_serial(PROMPT)
        m.send("dmesg | grep -e ata2 -e ' sr'\n")
        m.wait_serial(r"ata2\.00: ATAPI: VITRO CD-ROM, 0\.1, max UDMA/33")
        m.send("cat /sys/class/ata_device/dev2.0/xfer_mode\n")
        m.wait_serial(r"^XFER_MW_DMA_2")                         # the most that a PIIX3 can
        m.send("mount -t iso9660 -r /dev/sr0 /mnt && cd /mnt && sha256sum -c SHA256SUMS | "
               "grep -c OK$; cd /\n")
        m.wait_serial(r"^9\n")
        m.send("dmesg | grep -e ata2 -e sr0 | grep -c -e error -e exception -e failed -e timeout\n")
        m.wait_serial(r"^0\n")
        check("locked" in m.monitor("eject ata1-master"), "a mounted CD is locked")
        m.send("umount /mnt; echo unm''ounted\n")
        m.wait_serial(r"^unmounted")
        equal(m.monitor("eject ata1-master"), "", "eject")
        m.send("dd if=/dev/sr0 of=/dev/null count=1; echo st''ate $?\n")
        m.wait_serial(r"No medium found")
        m.wait_serial(r"^state 1\n")
        equal(m.monitor("change ata1-master " + image("isolinux.iso")), "", "change")
        m.send("mount -t iso9660 -r /dev/sr0 /mnt && ls /mnt\n")
        m.wait_serial(r"vesamenu\.c32")
        m.send("poweroff\n")
        equal(m.exit_code(), 0, "exit code after poweroff")


def test_no_disc():
    """An empty drive: the BIOS goes on to the disk, Linux says what is the matter."""
    with Machine(disk(image("linux.img")), cd("/no/such.iso", ", status=ejected"),
                 "boot: cdrom, disk", limit=300) as m:
        m.wait_serial(PROMPT)
        m.send("dd if=/dev/sr0 of=/dev/null count=1\n")
        m.wait_serial(r"No medium found")


def installer(label, *more):
    return Machine(image("installer.iso"), "--memory", "768", *more, limit=900), label + "\n"


def test_installer_text():
    """Debian's installer to its first question, in text mode."""
    m, label = installer("text")
    with m:
        m.wait_screen(r"^boot:")
        m.type(label)
        m.wait_screen(r"Select a language")
        m.wait_screen(r"Choose the language")


def test_installer_gtk():
    """The graphical one (from 534 MiB on): below a banner a list of languages,
    in many scripts with smooth edges."""
    m, label = installer("gtk")
    with m:
        m.wait_screen(r"^boot:")
        m.type(label)
        wait_picture(m, lambda w, h, colours: w >= 800 and colours > 500, "the installer", 900,
                     below=0.25)


if __name__ == "__main__":
    vitro.main(globals())
