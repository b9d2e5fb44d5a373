#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Debian's i386 kernel from the disk of tests/guest/images.sh, by keyboard and by serial line."""
import fcntl
import hashlib
import os
import pty
import re
import signal
import struct
import tempfile
import termios
import threading
import vitro
import xserver
from vitro import Machine, check, disk, equal, image, needs

PROMPT = r"^vitro:\S+#"
BOCHS_BIOS = "/usr/share/bochs/BIOS-bochs-latest"
BOCHS_LEGACY = "/usr/share/bochs/BIOS-bochs-legacy"
BOCHS_VGA = "/usr/share/vgabios/vgabios.bin"


def look_around(m, type_line, wait):
    """The line of the demo, one command at a time: a screen has 25 rows."""
    wait(PROMPT)
    type_line("clear; uname -a")
    wait(r"^Linux vitro 6\.\S+-686 #1 ")
    type_line("clear; cat /proc/cpuinfo")
    wait(r"^bogomips\s*: \d+")
    type_line("clear; dmesg | tail")
    wait(r"\[sda\] Attached SCSI disk")
    type_line("clear; ls /")
    wait(r"bin +dev +etc +init")
    type_line("mount /dev/sda1 /mnt && ls /mnt && dd if=/dev/zero of=/mnt/x bs=4k count=100 && "
              "sync && md5sum /mnt/x")
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
    with Machine(disk(image("linux.img")), "romimage: file=" + BOCHS_BIOS,
                 "vgaromimage: file=" + BOCHS_VGA, "fw_cfg: enabled=0", limit=200) as m:
        m.wait_screen(r"BIOS.*Bochs|Bochs.*BIOS|VGABios")
        m.wait_screen(PROMPT)
        m.type("clear; dmesg | grep DMI; poweroff\n")
        equal(m.exit_code(), 0, "exit code after poweroff")


def test_reboot():
    """Through the keyboard controller or ACPI's reset register: the BIOS starts again."""
    with Machine(disk(image("linux.img")), limit=200) as m:
        m.wait_screen(PROMPT)
        m.wait_serial(PROMPT)
        m.key("ctrl-alt-delete")
        m.wait_serial(r"(?s)busybox: a shell.*SYSLINUX.*busybox: a shell")
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
    """The same disk by -q and a bochsrc as it is written for Bochs.
    The run ends by the guest's power-off."""
    config = """
# comments, old directives, blanks
megs: 64
romimage: file=$BXSHARE/BIOS-bochs-latest
boot: disk
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=disk, path="%s", mode=volatile, cylinders=0
cpu: count=1, ips=150000000, reset_on_triple_fault=1
mouse: enabled=0
""" % image("linux.img")
    with Machine(config=config, limit=200, env=dict(os.environ, BXSHARE="/usr/share/bochs")) as m:
        m.wait_serial(PROMPT)
        m.send("grep MemTotal /proc/meminfo; poweroff\n")
        m.wait_serial(r"^MemTotal: +[456]\d{4} kB")
        equal(m.exit_code(), 0, "exit code after poweroff")


def test_window():
    """In an SDL window on an X server: typed by X key events,
    read from the server's frame buffer."""
    needs("Xvfb", "xdotool")
    with xserver.Server() as x:
        with Machine(disk(image("linux.img")), "cpu: ips=400000000", display="sdl2",
                     sync="slowdown", env=x.environment(), limit=100) as m:
            m.wait_screen(PROMPT)
            x.run("xdotool", "search", "--sync", "--name", "Vitro", "windowfocus")
            # one at a time: keys typed ahead are echoed into what a command prints
            for line, answer in (("clear; uname -a", r"^Linux vitro 6\.\S+-686 #1 "),
                                 ("grep -i vendor /proc/cpuinfo", r"^vendor_id"),
                                 ("dmesg | tail -n 3", r"Attached SCSI disk"),
                                 ("ls /", r"^bin +dev +etc")):
                x.type(line)
                m.wait_screen(answer)
                m.wait_screen(PROMPT + r"\s*\Z")
            m.monitor("stop")
            m.monitor("screendump " + os.path.join(m.dir, "screen.ppm"))
            x.wait_for_picture(os.path.join(m.dir, "screen.ppm"))
            m.monitor("cont")
            x.type("poweroff")
            equal(m.exit_code(), 0, "exit code after poweroff")


ROWS = ["`1234567890-=", "~!@#$%^&*()_+", "qwertyuiop[]\\", "QWERTYUIOP{}|", "asdfghjkl;'",
        "ASDFGHJKL:\"", "zxcvbnm,./", "ZXCVBNM<>?"]
# What Linux's console makes of the keys around the letters.
FUNCTIONS = {"F1": "[[A", "F5": "[[E", "F6": "[17~", "F10": "[21~", "F12": "[24~", "Insert": "[2~",
             "Delete": "[3~", "Home": "[1~", "End": "[4~", "Prior": "[5~", "Next": "[6~",
             "Up": "[A", "Left": "[D", "Right": "[C", "Down": "[B"}
PASTED = ("".join("%03d,%s;" % (i, chr(65 + i % 26) * (i % 5)) for i in range(40)) +
          "~!@#$%^&*()_+{}|:<>?")


def test_window_input():
    """The window's own part: size, full screen, the mouse, every row of keys, the clipboard."""
    needs("Xvfb", "xdotool", "xclip", "openbox")
    with xserver.Server() as x, x.window_manager(), \
            tempfile.TemporaryDirectory(prefix="vitro-window-") as folder:
        with Machine(disk(image("linux.img")), "cpu: ips=400000000", display="sdl2",
                     sync="slowdown", env=x.environment(), limit=150, folder=folder) as m:
            m.wait_screen(PROMPT)
            window = x.ask("xdotool", "search", "--sync", "--name", "Vitro").split()[-1]
            x.run("xdotool", "windowactivate", "--sync", window)
            sizes(m, x, window)
            pictures(m, x, folder)
            mouse(m, x, window)
            keys(m, x)
            stall(m, x)
            paste(m, x)
            x.type("poweroff")
            equal(m.exit_code(), 0, "exit code after poweroff")


def sizes(m, x, window):
    # the pointer is in the frame buffer
    x.run("xdotool", "windowmove", window, "0", "0", "mousemove", "1020", "760")
    x.run("xdotool", "windowsize", "--sync", window, "1000", "700")
    picture = os.path.join(m.dir, "screen.ppm")
    m.monitor("stop")
    m.monitor("screendump " + picture)
    x.wait_for_picture(picture)
    m.monitor("cont")
    x.run("xdotool", "key", "ctrl+alt+f")
    x.wait_for(lambda: "1024x768" in x.ask("xdotool", "getwindowgeometry", window), "full screen")
    x.run("xdotool", "key", "ctrl+alt+f")
    x.wait_for(lambda: "1000x700" in x.ask("xdotool", "getwindowgeometry", window),
               "the window's size again")


def pictures(m, x, folder):
    """Ctrl+Alt+S: vitro-1.png, vitro-2.png ... of a screen that stands still."""
    m.monitor("stop")
    m.monitor("screendump " + os.path.join(folder, "now.ppm"))
    for number in (1, 2):
        path = os.path.join(folder, "vitro-%d.png" % number)
        x.run("xdotool", "key", "ctrl+alt+s")
        x.wait_for(lambda p=path: os.path.exists(p) and whole(p), "a file " + path)
        check(xserver.read_png(path) == xserver.read_ppm(os.path.join(folder, "now.ppm")),
              path + " is another picture")
    m.monitor("cont")


def whole(png):
    with open(png, "rb") as f:
        return f.read()[-8:-4] == b"IEND"


def mouse(m, x, window):
    def taken():
        return "releases the mouse" in x.ask("xdotool", "getwindowname", window)
    check(not taken(), "the mouse is taken before the click")
    x.run("xdotool", "mousemove", "--window", window, "400", "300", "click", "1")
    x.wait_for(taken, "the mouse taken by a click")
    x.run("xdotool", "key", "ctrl+alt+g")
    x.wait_for(lambda: not taken(), "the mouse given back")


def keys(m, x):
    x.type("clear; cat > /keys")
    for row in ROWS:
        x.type(row)
    x.run("xdotool", "key", "ctrl+d")
    x.type("clear; md5sum /keys")
    m.wait_screen("^" + hashlib.md5(("\n".join(ROWS) + "\n").encode()).hexdigest())
    x.type("clear; cat -v")
    x.run("xdotool", "key", "--delay", "60", *FUNCTIONS)
    x.run("xdotool", "key", "Return")
    m.wait_screen("^" + re.escape("".join("^[" + s for s in FUNCTIONS.values())) + r"\s*$")
    x.run("xdotool", "key", "ctrl+d")


def stall(m, x):
    """What is typed while the host has no time for the program comes at once."""
    text = "The Quick Brown Fox (13) Jumps {Over} a Lazy Dog; WHY NOT?"
    x.type("clear; cat > /stalled")
    m.process.send_signal(signal.SIGSTOP)
    x.run("xdotool", "type", "--delay", "5", text)
    x.run("xdotool", "key", "Return", "ctrl+d")
    m.process.send_signal(signal.SIGCONT)
    x.type("clear; md5sum /stalled")
    m.wait_screen("^" + hashlib.md5((text + "\n").encode()).hexdigest())


def paste(m, x):
    check(len(PASTED) >= 200, "too short a text: %d" % len(PASTED))
    x.copy("clear; cat > /pasted\n" + PASTED)
    x.run("xdotool", "key", "ctrl+alt+v")
    m.wait_screen(re.escape(PASTED[-15:]))
    x.run("xdotool", "key", "Return", "ctrl+d")  # typed after all of it, so that the order is known
    x.type("clear; md5sum /pasted")
    m.wait_screen("^" + hashlib.md5((PASTED + "\n").encode()).hexdigest())


def test_terminal():
    """Without a display the screen is on the terminal, and what is typed there are keys."""
    primary, secondary = pty.openpty()
    fcntl.ioctl(secondary, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
    drawn = []
    threading.Thread(target=collect, args=(primary, drawn), daemon=True).start()
    with Machine(disk(image("linux.img")), "cpu: ips=400000000", display="term", sync="slowdown",
                 env=dict(os.environ, TERM="xterm-256color"), on_terminal=secondary,
                 limit=100) as m:
        os.close(secondary)
        m.wait_screen(PROMPT)
        for c in "uname -a; echo $((6*7))\r":
            os.write(primary, c.encode())
            m.sleep(0.05)
        m.wait_screen(r"^42$")
        for c in "poweroff\r":
            os.write(primary, c.encode())
            m.sleep(0.05)
        equal(m.exit_code(), 0, "exit code after poweroff")
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(drawn).decode("utf-8", "replace"))
    check("BusyBox" in text, "the terminal shows no guest: " + text[-500:])


def collect(fd, into):
    try:
        while True:
            into.append(os.read(fd, 65536))
    except OSError:
        pass


def test_amd64():
    """Debian's amd64 kernel and busybox on the default model;
    what SMAP and its kin are for is in use."""
    with Machine(disk(image("linux64.img")), "--memory", "128", limit=200) as m:
        m.wait_serial(PROMPT)
        m.send("uname -a; grep -m 1 flags /proc/cpuinfo\n")
        m.wait_serial(r"^Linux vitro 6\.\S+-amd64 #1 .*x86_64")
        flags = m.wait_serial(r"^flags\s*: (.*)\n").group(1).split()
        for name in "lm nx pae pat pge mtrr smep smap umip fsgsbase xsave sse4_2 rdtscp".split():
            check(name in flags, "no %s: %s" % (name, flags))
        m.send("poweroff\n")
        equal(m.exit_code(), 0, "exit code after poweroff")


def boots(model, name, *more):
    """To init's shell."""
    with Machine(disk(image(name)), "--memory", "128", "cpu: model=" + model, *more,
                 limit=200) as m:
        m.wait_serial(r"busybox: a shell")


def refuses(model, pattern, *more):
    """The kernel's own words on the screen."""
    with Machine(disk(image("linux.img")), "--memory", "128", "cpu: model=" + model, *more,
                 limit=200) as m:
        m.wait_screen(pattern)


def test_models():
    """Each model that can run a kernel runs it; one that cannot makes the kernel say so. The i386
    kernel wants CMOV. SeaBIOS wants a 486 (BSWAP)."""
    for model in "k6_2", "pentium_mmx", "pentium":
        refuses(model, r"^\s*cmov\b[^$]*Unable to boot")
    for model in "486dx4", "486":
        refuses(model, r"requires an i586 CPU, but only detected an i486 CPU")
    if os.path.exists(BOCHS_LEGACY) and os.path.exists(BOCHS_VGA):
        refuses("386", r"requires an i586 CPU, but only detected an i386 CPU",
                "romimage: file=" + BOCHS_LEGACY,
                "vgaromimage: file=" + BOCHS_VGA, "fw_cfg: enabled=0")
    for model in "ppro", "p2", "p3", "athlon", "athlon_xp", "p4", "prescott":
        boots(model, "linux.img")
    for model in "core2", "athlon64", "nehalem":
        boots(model, "linux64.img")


if __name__ == "__main__":
    vitro.main(globals())
