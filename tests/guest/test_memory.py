#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a machine costs the host: resident memory of an idle guest,
and of one with much RAM that it does not use."""
import re
import time
import vitro
import xserver
from vitro import Failure, Machine, check, disk, image, needs

PROMPT = r"^vitro:\S+#"
MIB = 1024
# Much code, for the trace cache; then all of the memory, through files that go away again.
WORK = ("for i in 1 2; do ls -lR /bin /sys/devices | awk '{n+=$5} END {print n}' | gzip | md5sum; "
        "dmesg | sed s/a/b/ | sort | sha256sum; done; mount -t tmpfs -o size=80m t /mnt; "
        "dd if=/dev/zero of=/mnt/x bs=64k; rm /mnt/x; umount /mnt; "
        "echo work-is-done | tr a-z A-Z\n")


def resident(m):
    """MiB, text of the program and of shared libraries included."""
    with open("/proc/%d/status" % m.process.pid) as f:
        return int(re.search(r"^VmRSS:\s*(\d+) kB", f.read(), re.M).group(1)) / MIB


def wait_until_below(m, limit):
    """An idle machine gives its traces back after some seconds."""
    end = time.monotonic() + vitro.PATIENCE
    while resident(m) > limit:
        if time.monotonic() > end:
            raise Failure("%.1f MiB resident, may be %d" % (resident(m), limit))
        time.sleep(1)
    print("%.1f MiB resident, may be %d" % (resident(m), limit))


def work_and_idle(**options):
    with Machine(disk(image("linux.img")), "memory: guest=128, host=128", "cpu: ips=400000000",
                 sync="slowdown", limit=300, **options) as m:
        m.wait_serial(PROMPT)
        print("%.1f MiB at the prompt" % resident(m))
        m.send(WORK)
        m.wait_serial("^WORK-IS-DONE")
        print("%.1f MiB after work" % resident(m))
        check(resident(m) > 100, "the guest has not used its memory: %.1f MiB" % resident(m))
        wait_until_below(m, 128 + 24)


def test_idle():
    work_and_idle()


def test_window():
    needs("Xvfb")
    with xserver.Server() as x:
        # A server without a graphics card has Mesa draw by LLVM, which takes 90 MiB alone.
        work_and_idle(display="sdl2", env=dict(x.environment(), SDL_RENDER_DRIVER="software",
                                                     SDL_FRAMEBUFFER_ACCELERATION="0"))


def test_large():
    with Machine("memory: guest=3072, host=3072", limit=60) as m:
        m.wait_screen(r"No bootable device")
        print("%.1f MiB after the firmware" % resident(m))
        check(resident(m) < 48, "3 GiB cost %.1f MiB after the firmware" % resident(m))
    with Machine(disk(image("linux.img")), "memory: guest=3072, host=3072", limit=300) as m:
        m.wait_serial(PROMPT)
        print("%.1f MiB in Linux" % resident(m))
        check(resident(m) < 256, "3 GiB cost %.1f MiB in Linux" % resident(m))


if __name__ == "__main__":
    vitro.main(globals())
