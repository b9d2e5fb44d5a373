#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""A second opinion: what is written in qtest/*.txt goes to vitro --qtest and to QEMU's qtest, and
the answers must be the same. Behind `##` a line says why its answer may differ.

Debian builds QEMU without its qtest accelerator, whose clock stands still. So there
QEMU's processor runs into a HLT, and clock_step sleeps that long: what depends on the
exact time cannot be compared."""
import glob
import os
import shutil
import socket
import subprocess
import tempfile
import time
import vitro
from vitro import HERE, Failure, check, needs


class Client:
    """Listens; the machine connects, as QEMU's own test library does it."""

    def __init__(self, path, command, sleeps):
        self.sleeps = sleeps
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.listen(1)
        listener.settimeout(120)
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.errors,
                                        stderr=self.errors, preexec_fn=vitro.die_with_the_test)
        try:
            self.connection = listener.accept()[0]
        except TimeoutError:
            self.process.kill()
            self.errors.seek(0)
            raise Failure(self.errors.read().decode("utf-8", "replace")) from None
        self.connection.settimeout(vitro.PATIENCE)
        self.lines = self.connection.makefile("r")
        listener.close()

    def ask(self, line):
        if self.sleeps and line.startswith("clock_step"):
            time.sleep(int(line.split()[1]) / 1e9 + 0.01)
            line = "endianness"                         # QEMU looks at its timers after a command
        self.connection.sendall(line.encode() + b"\n")
        while True:
            answer = self.lines.readline()
            if not answer:
                return "it ended"
            if not answer.startswith("IRQ"):
                return answer.strip()

    def close(self):
        self.connection.close()
        self.process.terminate()
        self.process.wait()


def clients(folder):
    disk, copy, rom = (os.path.join(folder, name) for name in ("disk.img", "copy.img", "rom"))
    with open(disk, "wb") as f:
        f.write(bytes(512) + bytes(range(1, 256)) * 3)
        f.truncate(20 * 16 * 63 * 512)
    shutil.copy(disk, copy)
    with open(rom, "wb") as f:                          # CLI; HLT; JMP to the HLT
        f.write(bytes(0xFFF0) + b"\xfa\xf4\xeb\xfd" + bytes(12))
    ours = Client(os.path.join(folder, "v"),
                  [vitro.vitro, "-n", "--qtest", "unix:" + os.path.join(folder, "v"), "--memory",
                   "64", "clock: time0=1000000000", "com1: enabled=1, mode=null", vitro.disk(disk),
                   "floppya: type=1_44"], False)
    theirs = Client(os.path.join(folder, "q"),
                    ["qemu-system-i386", "-machine", "pc", "-accel", "tcg", "-bios", rom,
                     "-nodefaults",
                     "-display", "none", "-m", "64", "-vga", "std", "-serial", "null",
                     "-rtc", "base=2001-09-09T01:46:40,clock=vm",
                     "-drive", "if=ide,format=raw,file=" + copy, "-drive", "if=floppy",
                     "-qtest", "unix:" + os.path.join(folder, "q")], True)
    return ours, theirs


def compare(name):
    needs("qemu-system-i386")
    different, asked = [], 0
    with tempfile.TemporaryDirectory(prefix="vitro-guest-") as folder:
        ours, theirs = clients(folder)
        with open(os.path.join(HERE, "qtest", name + ".txt")) as f:
            for number, line in enumerate(f, 1):
                command, _, reason = line.partition("##")
                command = command.partition("#")[0].strip()
                if not command:
                    continue
                a, b = ours.ask(command), theirs.ask(command)
                asked += command[:2] == "in" or command[:4] == "read"
                if a != b and not command.startswith("clock_step"):
                    text = "%s.txt:%d: %s: Vitro %s, QEMU %s" % (name, number, command, a, b)
                    print(text + (", because: " + reason.strip() if reason else ""))
                    different += [] if reason else [text]
        ours.close()
        theirs.close()
    print("%d answers compared" % asked)
    check(asked and not different, "%d unexplained differences" % len(different))


for path in glob.glob(os.path.join(HERE, "qtest", "*.txt")):
    topic = os.path.basename(path)[:-4]
    globals()["test_" + topic] = lambda topic=topic: compare(topic)

if __name__ == "__main__":
    vitro.main(globals())
