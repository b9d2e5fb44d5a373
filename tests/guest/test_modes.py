#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The floppy of tests/guest/modes: a test card in every video mode,
compared with golden pictures by hash.

  test_modes.py VITRO cards                the test
  test_modes.py VITRO cards --rebaseline   writes the hashes anew (look at the pictures first)
  test_modes.py VITRO cards --keep=FOLDER  leaves the pictures there
  test_modes.py VITRO bios                 calls every function of the video BIOS
  test_modes.py VITRO qemu                 which cards QEMU shows in the same way (not in ./check)
"""
import hashlib
import json
import os
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time
import vitro
import xserver
from vitro import Machine, check, floppy, needs

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "modes", "golden.txt")


def build(folder, name="modes"):
    """The floppy's image, from source."""
    needs("as", "ld")
    path = os.path.join(folder, name + ".img")
    subprocess.run(["cc", "-m16", "-c", os.path.join(HERE, "modes", name + ".S"), "-o",
                    path + ".o"], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary", "-o", path,
                    path + ".o"], check=True)
    os.truncate(path, 1474560)
    return path


def fingerprint(ppm):
    width, rows = xserver.read_ppm(ppm)
    return "%dx%d %s" % (width, len(rows), hashlib.sha256(b"".join(rows)).hexdigest()[:32])


def read_golden():
    if not os.path.exists(GOLDEN):
        return {}
    with open(GOLDEN) as f:
        return dict(line.rstrip("\n").split(" ", 1) for line in f
                    if line.strip() and not line.startswith("#"))


def walk(m, folder, go=" "):
    """Each card and its fingerprint. go="B": those of the border after the first one."""
    seen = 0
    while True:
        name = m.wait_serial(r"(?:@\S+\n){%d}@(\S+)\r?\n" % seen).group(1)
        if name == "end":
            return
        m.monitor("stop")
        path = os.path.join(folder, name + ".ppm")
        m.monitor("screendump " + path)
        m.monitor("cont")
        yield name, fingerprint(path)
        seen += 1
        m.send(go)
        go = " "


def check_other_forms(m, name, folder):
    """The picture as PNG is the same; text there is only in text modes."""
    path = os.path.join(folder, name + ".png")
    m.monitor("screendump " + path)
    with open(path, "rb") as f:
        width, height = struct.unpack(">II", f.read(24)[16:])
    ppm_width, rows = xserver.read_ppm(path[:-3] + "ppm")
    vitro.equal((width, height), (ppm_width, len(rows)), "%s.png" % name)
    if name in ("text-160x100", "vga-320x200-256"):        # this takes Python its time
        check(xserver.read_png(path) == (width, rows), "%s.png is another picture" % name)
    text = m.monitor("screentext")
    vitro.equal("no text" in text, not re.search("text|raster-(bars|start)", name),
                "%s: text %r" % (name, text))


def test_cards():
    rebaseline = "--rebaseline" in sys.argv
    keep = vitro.others.get("keep")
    found = []
    with tempfile.TemporaryDirectory(prefix="vitro-modes-") as folder:
        with Machine(floppy(build(folder)), "boot: floppy", limit=200) as m:
            for name, print_ in walk(m, folder):
                found.append((name, print_))
                check_other_forms(m, name, folder)
        with Machine(floppy(build(folder)), "boot: floppy", "vga: border=1", limit=100) as m:
            found += list(walk(m, folder, "B"))[1:]
        if keep:
            os.makedirs(keep, exist_ok=True)
            for name, _ in found:
                shutil.copy(os.path.join(folder, name + ".ppm"), keep)
    if rebaseline:
        with open(GOLDEN, "w") as f:
            f.write("# Test cards: name, size, SHA-256 (its first half) of the pixels. "
                    "test_modes.py --rebaseline\n")
            f.writelines("%s %s\n" % card for card in found)
        return
    golden = read_golden()
    wrong = ["%s is %s, should be %s" % (name, print_, golden.get(name)) for name, print_ in found
             if golden.get(name) != print_]
    check(len(found) == len(golden), "%d cards, should be %d" % (len(found), len(golden)))
    check(not wrong, "\n".join(wrong))


def test_screenshot():
    """From the command line at a guest time: the first card, with a window as without."""
    golden = read_golden()
    with tempfile.TemporaryDirectory(prefix="vitro-modes-") as folder:
        image = build(folder)
        for number, display in enumerate(("nogui", "sdl2")):
            names = ["%s/%d.%s" % (folder, number, kind) for kind in ("ppm", "txt", "png")]
            subprocess.run([vitro.vitro, "-n", "--display", display, "--until", "1.5s",
                            "--screenshot=1s=" + names[0], "--screenshot", "1s=" + names[1],
                            "--screenshot", names[2], image], check=True, timeout=vitro.PATIENCE,
                           env=dict(os.environ, SDL_VIDEODRIVER="dummy"), stderr=subprocess.DEVNULL)
            vitro.equal(fingerprint(names[0]), golden["text-40x25"], "the picture")
            with open(names[1], encoding="utf-8") as f:
                check("()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNO" in f.read(),
                      "the text has all characters")
            with open(names[2], "rb") as f:
                check(f.read(4) == b"\x89PNG", "a PNG file at the end")


MODES = {0: 40, 1: 40, 2: 80, 3: 80, 4: 40, 5: 40, 6: 80, 0xD: 40, 0xE: 80, 0xF: 80, 0x10: 80,
         0x11: 80, 0x12: 80, 0x13: 40}
PIXELS = {4: 1, 5: 1, 6: 1, 0xD: 5, 0xE: 5, 0xF: 5, 0x10: 5, 0x11: 5, 0x12: 5, 0x13: 5}
# Ralf Brown's list: a call's AX and BX, what must be in AX, BX,
# CX and DX afterwards; ? is any digit.
ANSWERS = """
1007 0003  1007 3F03 0000 0000    1008 0000  1008 0500 0000 0000    1015 0007  1015 0007 1122 3300
101A 0000  101A 0301 0000 0000    1019 0000  1019 003F 0000 0000    1200 0010  1200 0003 0009 0000
1200 0030  1212 0030 0000 0000    1200 0031  1212 0031 0000 0000    1200 0033  1212 0033 0000 0000
1201 0036  1212 0036 0000 0000    1A00 0000  1A1A 0008 0000 0000    1C00 0000  1C1C 000? 0007 0000
4F00 0000  004F 0000 0000 0000    4F02 4101  004F 4101 0000 0000    4F02 8101  004F 8101 0000 0000
4F06 0000  004F 0400 0400 4000    4F06 0002  004F 0800 0800 2000    4F08 0800  004F 0800 0000 0000
4F08 0001  004F 0801 0000 0000    4F07 0080  004F 0080 000A 0005    4F04 0000  004F 00?? 000F 0000
4F04 0000  004F 2000 000F 0001    4F02 0003  004F 0003 0000 0000    4F02 0199  01?? 0199 0000 0000
"""


def wrong_answers(lines):
    """Each line is "AX BX CX DX > AX BX CX DX ES BP buf ..."."""
    calls = [(line[:19], line[22:41]) for line in lines if ">" in line]
    for mode, columns in MODES.items():
        at = calls.index(("%04X 0000 0000 0000" % mode, "00%02X 0000 0000 0000" %
                          (0x3F if mode == 6 else 0x30 if mode < 6 else 0x20)))
        if calls[at + 1][1][:9] != "%02X%02X 0000" % (columns, mode):
            yield "mode %02X: 0F00 says %s" % (mode, calls[at + 1][1])
        pixel = calls[at + 4]
        if mode in PIXELS and pixel[1][:4] != "0D%02X" % PIXELS[mode]:
            yield "mode %02X: the pixel is %s" % (mode, pixel[1])
    for want in re.findall(r"(\S{4} \S{4})  (\S{4} \S{4} \S{4} \S{4})", ANSWERS):
        if not any(ask.startswith(want[0]) and re.match(want[1].replace("?", "."), answer)
                   for ask, answer in calls):
            yield "%s never gives %s" % want
    for (ask, answer), after in zip(calls, calls[1:]):
        if re.match("4F02 01[01]", ask) and after[1][:9] != "004F " + ask[5:9]:
            yield "%s: 4F03 says %s" % (ask, after[1])
        if ask.startswith("4F05 0100") and answer != "004F 0100 0000 0003":
            yield "bank 3 is read as " + answer


def registers(lines, call):
    """seq, crtc ... of the first such call."""
    return next(line[line.index("seq"):] for line in lines if line.startswith(call))


def bios_lines(folder, rom):
    text = os.path.join(folder, "bios.txt")
    subprocess.run([vitro.vitro, "-n", "--display", "nogui", "--until", "15s", "--serial",
                    "file:" + text, "vgaromimage: file=" + rom, build(folder, "bios")],
                   check=True, timeout=vitro.PATIENCE, stderr=subprocess.DEVNULL)
    with open(text) as f:
        return f.read().split("\n")


def test_bios():
    """All functions of the video BIOS: SeaBIOS's, and Bochs's if it is there."""
    roms = [r for r in ("/usr/share/seabios/vgabios-stdvga.bin", "/usr/share/vgabios/vgabios.bin")
            if os.path.exists(r)]
    check(roms, "a video BIOS (Debian: apt-get install seabios vgabios)")
    for rom in roms:
        with tempfile.TemporaryDirectory(prefix="vitro-bios-") as folder:
            lines = bios_lines(folder, rom)
        check(lines[-2] == "end", "%s: the last line is %s" % (rom, lines[-1]))
        bochs = rom.endswith("vgabios/vgabios.bin")
        # What Bochs's does on its own account, in QEMU as well.
        wrong = [w for w in wrong_answers(lines)
                 if not (bochs and re.match("mode 06: the pixel|1C00", w))]
        for save, restore in (("1C01", "1C02"), ("4F04 0000 000F 0001", "4F04 0000 000F 0002")):
            before, after = registers(lines, save), registers(lines, restore)
            if before != after and not (bochs and save[0] == "4"):
                wrong.append("%s\n  does not bring back\n  %s" % (after, before))
        check(not wrong, rom + ":\n" + "\n".join(wrong))


class Qemu:
    """QEMU with the same two conversations as Machine: serial line and monitor."""

    def __init__(self, image, folder):
        self.command = ["qemu-system-i386", "-S", "-M", "pc", "-accel", "tcg", "-nodefaults",
                        "-vga", "std", "-display",
                        "none", "-drive", "file=%s,format=raw,if=floppy,readonly=on" % image,
                        "-boot", "a", "-serial", "unix:%s/s,server=on,wait=off" % folder,
                        "-qmp", "unix:%s/m,server=on,wait=off" % folder]
        self.process = subprocess.Popen(self.command, preexec_fn=vitro.die_with_the_test)
        self.text = ""
        self.serial, self.monitor_socket = (self.connect("%s/%s" % (folder, name)) for name in "sm")
        self.replies = self.monitor_socket.makefile("r")
        self.ask("qmp_capabilities")
        self.monitor("cont")               # all ends are listened to

    @staticmethod
    def connect(path):
        for _ in range(100):
            s = socket.socket(socket.AF_UNIX)
            try:
                s.connect(path)
                s.settimeout(1500)         # a banked mode, pixel by pixel, is slow there
                return s
            except OSError:
                s.close()
                time.sleep(0.1)
        raise vitro.Failure("QEMU does not start")

    def ask(self, command, **arguments):
        """QEMU Machine Protocol: greeting and events are passed over."""
        line = json.dumps({"execute": command, "arguments": arguments})
        self.monitor_socket.sendall(line.encode() + b"\n")
        while "return" not in json.loads(self.replies.readline()):
            pass

    def monitor(self, command):
        self.ask("human-monitor-command", **{"command-line": command})

    def wait_serial(self, pattern):
        while not re.search(pattern, self.text):
            self.text += self.serial.recv(65536).decode()
        time.sleep(0.2)                    # its screen follows the host's clock
        return re.search(pattern, self.text)

    def send(self, text):
        self.serial.sendall(text.encode())


def vitro_cards(folder):
    """Our pictures."""
    with Machine(floppy(build(folder)), "boot: floppy", limit=200) as m:
        return [name for name, _ in walk(m, folder)]


def difference(ours, theirs):
    """The lowest bits of a colour are not compared: 5 and 6 bits become 8 in different ways."""
    mask = 0xF8 if ours.endswith(("-15.ppm", "-16.ppm")) else 0xFC
    coarse = bytes(i & mask for i in range(256))
    (width, a), (their_width, b) = xserver.read_ppm(ours), xserver.read_ppm(theirs)
    if (width, len(a)) != (their_width, len(b)):
        return "size %dx%d, QEMU %dx%d" % (width, len(a), their_width, len(b))
    a, b = ([row.translate(coarse) for row in rows] for rows in (a, b))
    pixels = sum(sum(p[x:x + 3] != q[x:x + 3] for x in range(0, len(p), 3)) for p, q in zip(a, b)
                 if p != q)
    return "%d pixels, %.2f%%" % (pixels, 100 * pixels / width / len(a)) if pixels else "same"


def test_qemu():
    """Shows; judges nothing: the deviations are explained in docs/display.md."""
    needs("qemu-system-i386")
    with tempfile.TemporaryDirectory(prefix="vitro-modes-") as ours, \
            tempfile.TemporaryDirectory(prefix="vitro-modes-") as folder:
        vitro_cards(ours)
        q = Qemu(build(folder), folder)
        try:
            for name, _ in walk(q, folder):
                print("%-20s %s" %
                      (name, difference("%s/%s.ppm" % (ours, name), "%s/%s.ppm" % (folder, name))),
                      flush=True)
        finally:
            q.process.kill()
            q.process.wait()
        if vitro.others.get("keep"):
            shutil.copytree(folder, vitro.others["keep"], dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("s", "m"))


if __name__ == "__main__":
    vitro.main(globals())
