#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The floppy of tests/guest/modes: a test card in every video mode, compared with golden pictures by hash.

  test_modes.py VITRO cards                the test
  test_modes.py VITRO cards --rebaseline   writes the hashes anew (look at the pictures first)
  test_modes.py VITRO cards --keep=FOLDER  leaves the pictures there
  test_modes.py VITRO qemu                 says which cards QEMU shows in the same way (not part of ./check)
"""
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import vitro
import xserver
from vitro import Machine, check, floppy, needs

HERE = os.path.dirname(os.path.abspath(__file__))
GOLDEN = os.path.join(HERE, "modes", "golden.txt")


def build(folder):
    """The floppy's image, from source."""
    needs("as", "ld")
    path = os.path.join(folder, "modes.img")
    subprocess.run(["cc", "-m16", "-c", os.path.join(HERE, "modes", "modes.S"), "-o", path + ".o"], check=True)
    subprocess.run(["ld", "-m", "elf_i386", "-Ttext", "0x7c00", "--oformat", "binary", "-o", path, path + ".o"],
                   check=True)
    os.truncate(path, 1474560)
    return path


def fingerprint(ppm):
    width, rows = xserver.read_ppm(ppm)
    return "%dx%d %s" % (width, len(rows), hashlib.sha256(b"".join(rows)).hexdigest()[:32])


def read_golden():
    if not os.path.exists(GOLDEN):
        return {}
    with open(GOLDEN) as f:
        return dict(line.rstrip("\n").split(" ", 1) for line in f if line.strip() and not line.startswith("#"))


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


def test_cards():
    rebaseline = "--rebaseline" in sys.argv
    keep = vitro.others.get("keep")
    with tempfile.TemporaryDirectory(prefix="vitro-modes-") as folder:
        with Machine(floppy(build(folder)), "boot: floppy", limit=200) as m:
            found = list(walk(m, folder))
        with Machine(floppy(build(folder)), "boot: floppy", "vga: border=1", limit=100) as m:
            found += list(walk(m, folder, "B"))[1:]
        if keep:
            os.makedirs(keep, exist_ok=True)
            for name, _ in found:
                shutil.copy(os.path.join(folder, name + ".ppm"), keep)
    if rebaseline:
        with open(GOLDEN, "w") as f:
            f.write("# Test cards: name, size, SHA-256 (its first half) of the pixels. test_modes.py --rebaseline\n")
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
            subprocess.run([vitro.vitro, "-n", "--display", display, "--until", "1.5s", "--screenshot=1s=" + names[0],
                            "--screenshot", "1s=" + names[1], "--screenshot", names[2], image], check=True, timeout=100,
                           env=dict(os.environ, SDL_VIDEODRIVER="dummy"), stderr=subprocess.DEVNULL)
            vitro.equal(fingerprint(names[0]), golden["text-40x25"], "the picture")
            with open(names[1], encoding="utf-8") as f:
                check("()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNO" in f.read(), "the text has all characters")
            with open(names[2], "rb") as f:
                check(f.read(4) == b"\x89PNG", "a PNG file at the end")


class Qemu:
    """QEMU with the same two conversations as Machine: serial line and monitor."""

    def __init__(self, image, folder):
        self.command = ["qemu-system-i386", "-S", "-M", "pc", "-accel", "tcg", "-nodefaults", "-vga", "std", "-display",
                        "none", "-drive", "file=%s,format=raw,if=floppy,readonly=on" % image, "-boot", "a",
                        "-serial", "unix:%s/s,server=on,wait=off" % folder,
                        "-qmp", "unix:%s/m,server=on,wait=off" % folder]
        self.process = subprocess.Popen(self.command)
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
                s.settimeout(200)
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
    """The lowest two bits of a colour are not compared: 6 bits become 8 in different ways."""
    coarse = bytes(i & 0xFC for i in range(256))
    (width, a), (their_width, b) = xserver.read_ppm(ours), xserver.read_ppm(theirs)
    if (width, len(a)) != (their_width, len(b)):
        return "size %dx%d, QEMU %dx%d" % (width, len(a), their_width, len(b))
    a, b = ([row.translate(coarse) for row in rows] for rows in (a, b))
    pixels = sum(sum(p[x:x + 3] != q[x:x + 3] for x in range(0, len(p), 3)) for p, q in zip(a, b) if p != q)
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
                print("%-20s %s" % (name, difference("%s/%s.ppm" % (ours, name), "%s/%s.ppm" % (folder, name))),
                      flush=True)
        finally:
            q.process.kill()
            q.process.wait()
        if vitro.others.get("keep"):
            shutil.copytree(folder, vitro.others["keep"], dirs_exist_ok=True,
                            ignore=shutil.ignore_patterns("s", "m"))


if __name__ == "__main__":
    vitro.main(globals())
