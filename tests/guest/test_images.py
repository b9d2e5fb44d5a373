#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Linux on disks of every image format: it boots from one, writes random data to another; the host
finds what the guest says it wrote, and QEMU boots the disk that the guest has written to."""
import hashlib
import os
import re
import select
import shutil
import subprocess
import tempfile
import time
import vitro
from vitro import Machine, check, equal, image, others

PROMPT = r"^vitro:\S+#"
QEMU = {"vhd": "vpc"}               # its names of formats


def call(*args):
    p = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    check(p.returncode == 0, "%s: exit code %d\n%s" % (" ".join(args), p.returncode,
                                                       p.stdout.decode("utf-8", "replace")))


def drive(which, path, mode):
    return "ata0-%s: type=disk, path=%s, mode=%s" % (which, path, mode)


def work(m):
    """Returns the second disk's sum as the guest sees it."""
    m.wait_serial(PROMPT)
    m.send("for s in 0 37 301 700 1500; do dd if=/dev/urandom of=/dev/sdb bs=8k count=60 seek=$s; "
           "done 2>/dev/null\n")
    m.send("mount /dev/sda1 /mnt && echo written-$((6 * 7)) > /mnt/note && umount /mnt && sync\n")
    m.send("echo 3 > /proc/sys/vm/drop_caches; sha256sum /dev/sdb; poweroff\n")
    found = m.wait_serial(r"^([0-9a-f]{64})  /dev/sdb")
    equal(m.exit_code(), 0, "exit code after poweroff")
    return found.group(1)


def qemu_boots(path, form):
    """The prompt, and the line that the guest wrote under Vitro."""
    if not shutil.which("qemu-system-i386"):
        return
    p = subprocess.Popen(["qemu-system-i386", "-m", "128", "-display", "none", "-monitor", "none",
                          "-serial", "stdio",
                          "-snapshot", "-drive", "file=%s,format=%s,if=ide" % (path, form)],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                         preexec_fn=vitro.die_with_the_test)
    text, end = b"", time.monotonic() + vitro.PATIENCE
    try:
        while b"written-42" not in text:
            check(time.monotonic() < end,
                  "QEMU does not boot it:\n" + text.decode("utf-8", "replace")[-1000:])
            if select.select([p.stdout], [], [], 10)[0]:
                part = os.read(p.stdout.fileno(), 4096)
                check(part, "QEMU ended:\n" + text.decode("utf-8", "replace")[-1000:])
                text += part
            elif re.search(rb"vitro:\S+#", text):       # quiet: what is typed now is not lost
                p.stdin.write(b"\nmount /dev/sda1 /mnt; cat /mnt/note\n")
                p.stdin.flush()
    finally:
        p.kill()
        p.wait()


def run(form, mode="auto"):
    tool = others["img"]
    with tempfile.TemporaryDirectory(prefix="vitro-guest-") as folder:
        first, second, raw = (os.path.join(folder, n + form) for n in ("first.", "second.", "raw."))
        call(tool, "convert", "-q", "-f", "raw", "-O", form, image("linux.img"), first)
        call(tool, "create", "-q", "-f", form, second, "16M")
        before = [hashlib.sha256(open(p, "rb").read()).digest() for p in (first, second)]
        with Machine(drive("master", first, mode), drive("slave", second, mode), limit=300) as m:
            wanted = work(m)
        if mode == "undoable":
            after = [hashlib.sha256(open(p, "rb").read()).digest() for p in (first, second)]
            check(before == after, "a base has changed")
            first, second, form = first + ".undo.qcow2", second + ".undo.qcow2", "qcow2"
        call(tool, "check", "-f", form, second)
        call(tool, "convert", "-q", "-f", form, "-O", "raw", second, raw)
        equal(hashlib.sha256(open(raw, "rb").read()).hexdigest(), wanted, "sum of the second disk")
        theirs = QEMU.get(form, form)
        if shutil.which("qemu-img"):
            call("qemu-img", "compare", "-f", theirs, "-F", "raw", second, raw)
        qemu_boots(first, theirs)


def test_qcow2():
    run("qcow2")


def test_vhd():
    run("vhd")


def test_vmdk():
    run("vmdk")


def test_vdi():
    run("vdi")


def test_undoable():
    run("raw", "undoable")


if __name__ == "__main__":
    vitro.main(globals())
