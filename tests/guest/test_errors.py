#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What is wrong with a configuration, an image or a ROM is said in one clear line,
with exit code 2."""
import os
import re
import shutil
import tempfile
import vitro
from vitro import Machine, check, equal, run


class Folder:
    """Files that are wrong in some way."""

    def __enter__(self):
        self.path = tempfile.mkdtemp(prefix="vitro-guest-")
        os.mkdir(self.name("folder"))
        for name, data in (("empty.img", b""), ("blank.img", bytes(1 << 20)), ("empty.rom", b""),
                           ("odd.rom", b"x" * 100), ("number", b"megs: x\n"),
                           ("range", b"megs: 99999999\n"),
                           ("lost", b"# first line\n"
                                    b"ata0-master: type=disk, path=/nonexistent.img\n"),
                           ("binary", b"\xff\xfe\x00garbage"), ("quote", b'log: "open\n')):
            with open(self.name(name), "wb") as f:
                f.write(data)
        shutil.copy(self.name("blank.img"), self.name("secret.img"))
        os.chmod(self.name("secret.img"), 0)
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.path)

    def name(self, name):
        return os.path.join(self.path, name)


# arguments ({} is the folder), what the line says
WRONG = [
    (["{}/empty.img"], r"empty\.img: is empty"),
    (["{}/folder"], r"folder: is a directory"),
    (["{}/none.img"], r"none\.img: No such file"),
    (["{}/secret.img"], r"secret\.img: Permission denied"),
    (["-n", "floppya: 1_44={}/empty.img, status=inserted"], r"empty\.img: is empty"),
    (["-n", "floppya: 1_44={}/none.img, status=inserted"], r"floppya .*none\.img: No such file"),
    (["-n", "--strict-config", "romimage: file={}/none.rom"],
     r"romimage .*none\.rom: No such file"),
    (["-n", "romimage: file={}/empty.rom"], r"empty\.rom: 0 bytes is no ROM"),
    (["-n", "romimage: file={}/odd.rom"], r"odd\.rom: 100 bytes is no ROM"),
    (["-n", "romimage: file={}/folder"], r"folder: Is a directory"),
    (["-n", "vgaromimage: file={}/odd.rom"], r"odd\.rom: 100 bytes is no ROM"),
    (["-f", "{}/number"], r"number:1: megs=x: not a number"),
    (["-f", "{}/range"], r"range:1: megs=99999999: must be"),
    (["-f", "{}/lost"], r"lost:2: ata0-master /nonexistent\.img: No such file"),
    (["-f", "{}/binary"], r"binary:1: this is not a bochsrc"),
    (["-f", "{}/none"], r"none: No such file"),
    (["-f", "{}/folder"], r"folder: Is a directory"),
    (["-n", "com1: enabled=1, mode=file, dev={}/none/x"], r"none/x: No such file"),
    (["-n", "--monitor", "unix:{}/none/x"], r"--monitor .*none/x: No such file"),
    (["-n", "--until", "soon"], r"--until wants"),
    (["--frobnicate"], r"--frobnicate: no such option"),
]


def test_messages():
    failures = []
    with Folder() as folder:
        for words, line in WRONG:
            if "secret" in words[0] and os.geteuid() == 0:
                continue                                # root may read everything
            words = [w.replace("{}", folder.path) for w in words]
            code, text = run("--display", "nogui", "--until", "1s", *words)
            lines = [one for one in text.split("\n") if re.search(line, one)]
            if code != 2 or len(lines) != 1 or len(lines[0]) > 300:
                failures.append("%s: exit code %d, printed:\n%s" % (words, code, text))
    check(not failures, "\n" + "\n".join(failures))


def test_missing_rom():
    """Most bochsrc files name ROMs of another installation:
    one line, and Debian's ROM takes its place."""
    with Machine("romimage: file=/nonexistent/BIOS", limit=30) as m:
        m.wait_screen(r"SeaBIOS")
        equal(len(re.findall("nonexistent", m.error_text())), 1, "lines about the missing ROM")


def test_not_bootable():
    """The firmware's own words on the screen; the machine goes on."""
    with Folder() as folder:
        for words in ([], [vitro.disk(folder.name("blank.img"))]):
            with Machine(*words, limit=60) as m:
                m.wait_screen(r"No bootable device")
                m.quit()
                equal(m.exit_code(), 0, "exit code after quit")


if __name__ == "__main__":
    vitro.main(globals())
