#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What kill -9 and a full disk may cost: nothing that the guest has flushed.

    kill.py VITRO VITRO-IMG [--kills=N] [--seed=N] [raw|undoable|qcow2|full ...]

A guest of our own (writer.S) writes numbered sectors without end, flushes after every 8th write
and says so on the serial line. Vitro is killed in the middle of that. Then the image must be
valid (qemu-img check, if it is here), every flushed sector must hold the flushed write or a
later one, all other sectors what they held before or a later write, the base must not have
changed; and the next start uses the same image. Every few kills the image is made anew, so that
clusters are allocated all the time.

full: the images are on a file system of 16 MiB. The machine must wait, say so, go on when there is
room, and lose nothing. Needs user namespaces.
"""
import array
import hashlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
SECTORS = 0x4000 + 8
MODES = ("raw", "undoable", "qcow2")
CLUSTERS = ("64k", "512", "4k", "2M")
AHEAD = 4000                        # writes after the last one that the killed process reported
vitro = img = None
dice = random.Random(1)


class Skip(Exception):
    pass


def call(*args, codes=(0,)):
    p = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if p.returncode not in codes:
        raise AssertionError("%s: exit code %d\n%s" % (" ".join(args), p.returncode,
                                                       p.stdout.decode("utf-8", "replace")))
    return p.returncode


def assemble(folder):
    """The boot sector's bytes."""
    for tool in ("as", "ld"):
        if not shutil.which(tool):
            raise Skip("no %s (Debian: apt-get install binutils)" % tool)
    obj, binary = os.path.join(folder, "writer.o"), os.path.join(folder, "writer.bin")
    call("as", "--32", os.path.join(HERE, "writer.S"), "-o", obj)
    call("ld", "-m", "elf_i386", "-Ttext=0x7C00", "-e", "_start", "--oformat", "binary", "-o",
         binary, obj)
    with open(binary, "rb") as f:
        return f.read()


def writes(seed):
    """(n, first sector, count) without end, as the guest computes them."""
    x, n = seed, 0
    while True:
        n += 1
        x = (x * 1664525 + 1013904223) & 0xFFFFFFFF
        yield n, (x >> 8) & 0x3FFF, (n & 7) + 1


class Campaign:
    def __init__(self, mode, folder):
        self.mode, self.folder, self.run = mode, folder, 0
        self.boot = assemble(folder)
        self.image = os.path.join(folder, "disk.qcow2" if mode == "qcow2" else "disk.img")
        self.base = os.path.join(folder, "base.img")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(folder, "serial"))
        self.listener.listen(1)
        self.listener.settimeout(60)
        self.leaks = self.flushed = 0
        self.fresh()

    def path(self, name):
        return os.path.join(self.folder, name)

    # ---- images ----------------------------------------------------------------------------------
    def fresh(self):
        """A base of random bytes, an empty image over it where the mode has one."""
        for name in os.listdir(self.folder):
            if name.startswith(("disk", "base")):
                os.unlink(self.path(name))
        raw = self.image if self.mode != "qcow2" else self.base
        with open(raw, "wb") as f:
            f.write(dice.randbytes(SECTORS * 512))
        if self.mode == "qcow2":
            call(img, "create", "-q", "-b", "base.img", "-o",
                 "cluster_size=" + dice.choice(CLUSTERS), self.image)
        self.sum = self.base_sum()
        self.before = self.contents()

    def base_sum(self):
        if self.mode == "raw":
            return None
        with open(self.image if self.mode == "undoable" else self.base, "rb") as f:
            return hashlib.sha256(f.read()).digest()

    def written(self):
        """The file that the guest's writes are in."""
        return self.image + ".undo.qcow2" if self.mode == "undoable" else self.image

    def contents(self):
        """A list of sectors, read by QEMU's code where it is here."""
        source = self.written() if os.path.exists(self.written()) else self.image
        raw = self.path("contents")
        if source.endswith(".qcow2"):
            tool = ["qemu-img"] if shutil.which("qemu-img") else [img]
            call(*tool, "convert", "-O", "raw", source, raw)
        else:
            shutil.copyfile(source, raw)
        with open(raw, "rb") as f:
            data = f.read()
        return [data[at:at + 512] for at in range(0, SECTORS * 512, 512)]

    # ---- the machine -----------------------------------------------------------------------------
    def start(self, prefix=()):
        self.run += 1
        self.seed = dice.getrandbits(31)
        boot = bytearray(self.boot)
        boot[4:8] = self.seed.to_bytes(4, "little")
        boot[12:16] = self.run.to_bytes(4, "little")
        with open(self.path("boot.img"), "wb") as f:
            f.write(boot + bytes(1474560 - 512))
        mode = "undoable" if self.mode == "undoable" else "auto"
        self.errors = open(self.path("stderr"), "w+")
        self.process = subprocess.Popen(
            [*prefix, vitro, "-n", "--display", "nogui", "clock: sync=none, time0=1000000000",
             "boot: floppy",
             "floppya: 1_44=%s, status=inserted, write_protected=1" % self.path("boot.img"),
             "ata0-master: type=disk, path=%s, mode=%s" % (self.image, mode),
             "com1: enabled=1, mode=socket-client, dev=" + self.path("serial")],
            stdin=subprocess.DEVNULL, stdout=self.errors, stderr=self.errors)
        try:
            self.serial = self.listener.accept()[0]
        except OSError:
            raise AssertionError("it did not start:\n" + self.said()) from None
        self.text = b""

    def said(self):
        self.errors.seek(0)
        return self.errors.read()

    def listen(self, until):
        """Reads until `until` (host time) or the end of the line."""
        while time.monotonic() < until:
            self.serial.settimeout(max(until - time.monotonic(), 0.001))
            try:
                part = self.serial.recv(65536)
            except socket.timeout:
                return
            except ConnectionError:
                return
            if not part:
                return
            self.text += part

    def last(self):
        lines = self.text.split(b"\n")[:-1]
        return int(lines[-1][-8:], 16) if lines else 0

    def wait_for(self, n):
        end = time.monotonic() + 120
        while self.last() < n:
            self.listen(time.monotonic() + 0.02)
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError("it does not write:\n" + self.said())

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.listen(time.monotonic() + 5)
        self.serial.close()
        self.errors.close()

    # ---- what must be true -----------------------------------------------------------------------
    def check(self):
        must, may, last = {}, {}, self.last()
        for n, lba, count in writes(self.seed):
            if n > last + AHEAD:
                break
            for sector in range(lba, lba + count):
                may.setdefault(sector, set()).add(n)
                if n <= last:
                    must[sector] = n
        after = self.contents()
        for sector, data in enumerate(after):
            if data == self.before[sector] and sector not in must:
                continue
            run, n, own, mix = array.array("I", data[:16])
            what = "sector %d after write %d" % (sector, last)
            assert data == data[:16] * 32 and run ^ n ^ own == mix, what + ": torn or foreign"
            assert run == self.run and own == sector, what + ": an old one"
            assert n in may.get(sector, ()), what + ": write %d never went here" % n
            assert n >= must.get(sector, 0), \
                what + ": write %d was flushed, %d is there" % (must[sector], n)
        self.before = after
        self.flushed += last
        if os.path.exists(self.written()) and self.written().endswith(".qcow2"):
            if shutil.which("qemu-img"):
                self.leaks += call("qemu-img", "check", "-q", self.written(), codes=(0, 3)) == 3
            call(img, "check", "-q", self.written(), codes=(0, 3))
        assert self.base_sum() == self.sum, "the base has changed"


def campaign(mode, kills):
    with tempfile.TemporaryDirectory(prefix="vitro-kill-") as folder:
        c = Campaign(mode, folder)
        for k in range(kills):
            if k % 4 == 3:
                c.fresh()
            c.start()
            c.wait_for(1)
            c.listen(time.monotonic() + dice.random() ** 2 * 0.8)
            c.kill()
            c.check()
        print("%s: %d kills, %d flushed writes, nothing lost; %d times some clusters were left "
              "unused"
              % (mode, kills, c.flushed, c.leaks), flush=True)


def full():
    """The namespace's own tmpfs holds the images; room is made from outside, through /proc."""
    if subprocess.run(["unshare", "-rm", "mount", "-t", "tmpfs", "none", HERE],
                      stderr=subprocess.DEVNULL).returncode:
        raise Skip("no file system can be mounted here (unshare -rm)")
    for mode in ("qcow2", "raw", "undoable"):
        with tempfile.TemporaryDirectory(prefix="vitro-full-") as folder:
            c = Campaign(mode, folder)
            where = c.path("small")
            os.mkdir(where)
            if mode == "raw":                          # sparse, so that it needs room
                with open(c.image, "wb") as f:
                    f.truncate(SECTORS * 512)
                c.before = c.contents()
                c.sum = c.base_sum()
            moved = c.written()
            inside = os.path.join(where, os.path.basename(moved))
            if mode == "undoable":
                subprocess.run([img, "create", "-q", "-f", "qcow2", "-b", c.image, "-F", "raw",
                                moved], check=True)
            else:
                c.image = inside
            if mode == "qcow2":                        # in another folder than its base
                call(img, "create", "-q", "-b", c.base, moved)
            script = ('mount -t tmpfs -o size=16m none "$1" && cp --sparse=always "$2" "$1" && '
                      'head -c 14m /dev/zero > "$1/ballast"; shift 2; exec "$@"')
            if mode == "undoable":                     # the journal lies beside its base
                script = script.replace("; shift", '; ln -sf "$1/$(basename "$2")" "$2"; shift')
            c.start(["unshare", "-rm", "sh", "-ec", script, "sh", where, moved])
            end = time.monotonic() + 120
            while "the machine waits" not in c.said():
                c.listen(time.monotonic() + 0.05)
                assert time.monotonic() < end and c.process.poll() is None, \
                    "it never was full:\n" + c.said()
            c.listen(time.monotonic() + 1)
            stuck = c.last()
            c.listen(time.monotonic() + 1.5)
            assert c.last() == stuck, "it went on without room"
            root = "/proc/%d/root" % c.process.pid
            os.unlink(root + os.path.join(where, "ballast"))
            c.wait_for(stuck + 80)
            assert b"\nE" not in b"\n" + c.text, "the guest has seen an error"
            os.kill(c.process.pid, signal.SIGSTOP)
            subprocess.run(["cp", "--sparse=always", root + inside, c.path("copy")], check=True)
            c.kill()
            if os.path.islink(moved):
                os.unlink(moved)
            shutil.move(c.path("copy"), moved)
            c.image = c.path(os.path.basename(c.image))
            c.check()
            print("%s on a full disk: waited after write %d, went on to %d" %
                  (mode, stuck, c.last()), flush=True)


def main():
    global vitro, img
    settings = dict(a[2:].split("=", 1) for a in sys.argv[1:] if a.startswith("--"))
    words = [a for a in sys.argv[1:] if not a.startswith("--")]
    vitro, img = (os.path.abspath(w) for w in words[:2])
    dice.seed(int(settings.get("seed", "1")))
    try:
        for mode in words[2:] or MODES + ("full",):
            if mode == "full":
                full()
            else:
                campaign(mode, int(settings.get("kills", "10")))
    except Skip as reason:
        print("SKIPPED: %s" % reason)
        sys.exit(77)


if __name__ == "__main__":
    main()
