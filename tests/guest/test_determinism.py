#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""The same configuration is the same machine, bit for bit: hashes of the whole machine
every 10 M ticks, between two runs that the host disturbs differently, and between two
compilers and dispatch methods."""
import os
import subprocess
import tempfile
import time
import vitro
from vitro import Machine, Skip, check, disk, equal, floppy, image, others

EVERY = 10000000


def arguments(file, ticks, *words):
    return ["--memory", "64", "--until", str(ticks), "--hash-every", "%d:%s" % (EVERY, file),
            "clock: sync=none, time0=1000000000", *words]


def hashes(program, ticks, *words):
    """From a run without a monitor or anything else."""
    with tempfile.TemporaryDirectory(prefix="vitro-guest-") as folder:
        file = os.path.join(folder, "hashes")
        subprocess.run([program, "-n", "--display", "nogui", "--log", os.path.join(folder, "log"),
                        *arguments(file, ticks, *words)], check=True, timeout=1000)
        with open(file) as f:
            return f.read().split("\n")[:-1]


def compare(a, b, ticks):
    check(len(a) == len(b) == ticks // EVERY,
          "%d and %d hashes, should be %d" % (len(a), len(b), ticks // EVERY))
    check(len({line.split()[1] for line in a}) > len(a) // 2, "the hashes do not change")
    for x, y in zip(a, b):
        check(x == y, "the first difference: %s and %s" % (x, y))
    print("%d hashes are equal" % len(a))


def watched(ticks, disturb, *words):
    """From a run with a monitor and a serial line; disturb: questions cut it in pieces."""
    with tempfile.TemporaryDirectory(prefix="vitro-guest-") as folder:
        file = os.path.join(folder, "hashes")
        with Machine(*arguments(file, ticks, *words)) as m:
            try:
                while disturb:
                    m.screen()
                    m.monitor("info status")
                    time.sleep(0.003)
            except EOFError:
                pass
            equal(m.exit_code(), 0, "exit code")
        with open(file) as f:
            return f.read().split("\n")[:-1]


def test_twice():
    """Linux from power on to its shell."""
    ticks = 4000000000
    words = disk(image("linux.img"))
    compare(watched(ticks, False, words), watched(ticks, True, words), ticks)


def test_profile():
    """The firmware and the kernel's first seconds with --profile: the guest sees nothing of it."""
    ticks = 600000000
    words = [disk(image("linux.img"))]
    with tempfile.TemporaryDirectory(prefix="vitro-guest-") as folder:
        file = os.path.join(folder, "profile")
        compare(hashes(vitro.vitro, ticks, *words),
                hashes(vitro.vitro, ticks, "--profile=" + file, *words), ticks)
        with open(file) as f:
            report = f.read()
    for title in ("Handlers, ", "Traces: ", "Exits to the run loop: ", "TLB: ", "Ports "):
        check("\n" + title in report, "no %r in the report:\n%s" % (title, report))


def other():
    if not os.path.exists(others.get("other", "")):
        raise Skip("no build by another compiler (cmake --preset clang; ./check makes one)")
    return others["other"]


def test_compilers_linux():
    """The firmware, the boot loader, the kernel's first seconds."""
    words = disk(image("linux.img")), "cpu: ips=100000000"
    compare(hashes(vitro.vitro, 2600000000, *words), hashes(other(), 2600000000, *words),
            2600000000)


def test_compilers_mach():
    words = floppy(image("mach.img")), "boot: floppy", disk(image("linux.img"))
    compare(hashes(vitro.vitro, 1000000000, *words), hashes(other(), 1000000000, *words),
            1000000000)


if __name__ == "__main__":
    vitro.main(globals())
