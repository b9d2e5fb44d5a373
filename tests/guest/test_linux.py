#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Debian's i386 kernel from the disk of tests/guest/images.sh, by keyboard and by serial line."""
import os
import shutil
import tempfile
import vitro
from vitro import Machine, check, disk, equal, image, needs

PROMPT = r"^vitro:\S+#"
BOCHS_BIOS = "/usr/share/bochs/BIOS-bochs-latest"
BOCHS_VGA = "/usr/share/vgabios/vgabios.bin"


def look_around(m, type_line, wait):
    """The line of the demo, one command at a time: a screen has 25 rows."""
    wait(PROMPT)
    type_line("clear; uname -a")
    wait(r"^Linux vitro 6\.\S+-686 #1 ")
    type_line("clear; cat /proc/cpuinfo")
    wait(r"^cpu MHz\s*: \d+")
    type_line("clear; dmesg | tail")
    wait(r"\[sda\] Attached SCSI disk")
    type_line("clear; ls /")
    wait(r"bin +dev +etc +init")
    type_line("mount /dev/sda1 /mnt && ls /mnt && dd if=/dev/zero of=/mnt/x bs=4k count=100 && sync && md5sum /mnt/x")
    wait(r"be8d4a84163d17d5d6fde2b6d95a0e9a|^[0-9a-f]{32}  /mnt/x")


def test_screen():
    with Machine(disk(image("linux.img")), limit=200) as m:
        look_around(m, lambda line: m.type(line + "\n"), m.wait_screen)
        m.type("poweroff\n")
        equal(m.exit_code(), 0, "exit code after poweroff")


def test_serial():
    with Machine(disk(image("linux.img")), limit=200) as m:
        look_around(m, lambda line: m.send(line + "\n"), m.wait_serial)
        m.send("poweroff\n")
        equal(m.exit_code(), 0, "exit code after poweroff")


def test_bochs_bios():
    """Another firmware, another VGA BIOS, no fw_cfg."""
    needs(BOCHS_BIOS, BOCHS_VGA)
    with Machine(disk(image("linux.img")), "romimage: file=" + BOCHS_BIOS, "vgaromimage: file=" + BOCHS_VGA,
                 "fw_cfg: enabled=0", limit=200) as m:
        m.wait_screen(r"BIOS.*Bochs|Bochs.*BIOS|VGABios")
        m.wait_screen(PROMPT)
        m.type("clear; dmesg | grep DMI; poweroff\n")
        equal(m.exit_code(), 0, "exit code after poweroff")


def test_reboot():
    """Through the keyboard controller or ACPI's reset register: the BIOS starts again."""
    with Machine(disk(image("linux.img")), limit=200) as m:
        m.wait_screen(PROMPT)
        m.key("ctrl-alt-delete")
        m.wait_screen(r"SYSLINUX")
        m.wait_screen(PROMPT)


def test_power_button():
    """ACPI events reach the kernel: it reports the button's interrupt on IRQ 9."""
    with Machine(disk(image("linux.img")), limit=200) as m:
        m.wait_screen(PROMPT)
        m.type("clear; grep -i acpi /proc/interrupts\n")
        before = m.wait_screen(r"^ +9: +(\d+) .*acpi").group(1)
        m.monitor("system_powerdown")
        m.type("clear; grep -i acpi /proc/interrupts\n")
        after = m.wait_screen(r"^ +9: +(?!%s )(\d+) .*acpi" % before).group(1)
        check(int(after) > int(before), "no interrupt")


def test_config_file():
    """The same disk by -q and a bochsrc; the run ends by the guest's power-off. The serial line is a file."""
    folder = tempfile.mkdtemp(prefix="vitro-guest-")
    config, serial = os.path.join(folder, "bochsrc"), os.path.join(folder, "serial")
    with open(config, "w") as f:
        f.write("megs: 64\nboot: disk\nata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14\n%s\n"
                "com1: enabled=1, mode=file, dev=%s\ndisplay_library: nogui\n"
                "clock: sync=none, time0=utc\nlog: %s/log\n"
                % (disk(image("linux.img")), serial, folder))
    try:
        p = vitro.start("-q", "-f", config, "--monitor", "stdio")
        p.run_until(lambda: os.path.exists(serial) and "vitro:" in open(serial, errors="replace").read())
        for c in "poweroff\n":
            p.command("sendkey %s" % vitro.key_of(c))
        equal(p.end(), 0, "exit code after poweroff")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    vitro.main(globals())
