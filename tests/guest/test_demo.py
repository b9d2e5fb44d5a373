#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""./demo as a user starts it: in a window, and without a display on a plain pipe."""
import os
import re
import subprocess
import threading
import time
import vitro
import xserver
from vitro import PATIENCE, TOP, Failure, Machine, check, equal, needs, plain

COMMANDS = (("uname -a", r"^Linux vitro 6\.\S+-686 #1 "),
            ("cat /proc/cpuinfo", r"^(power management|model name)\s*:"),
            ("dmesg | tail", r"^\[ *\d+\.\d+\] "), ("ls /", r"^bin +dev +etc"))


def test_window():
    """Keys go in through the X server; the screen is read by the monitor,
    and as pixels of the window."""
    needs("Xvfb", "xdotool")
    with xserver.Server() as x:
        with Machine(command=[os.path.join(TOP, "demo")], display="sdl2", sync="slowdown",
                     limit=100, env=x.environment()) as m:
            m.wait_screen(r"^vitro:\S+#")
            x.run("xdotool", "search", "--sync", "--name", "Vitro", "windowfocus")
            for line, answer in COMMANDS:
                x.type("clear; " + line)
                m.wait_screen(answer)
            m.monitor("stop")
            m.monitor("screendump " + os.path.join(m.dir, "screen.ppm"))
            x.wait_for_picture(os.path.join(m.dir, "screen.ppm"))
            m.monitor("cont")
            x.type("poweroff")
            equal(m.exit_code(), 0, "exit code after poweroff")


class Pipe:
    def __init__(self, command, env):
        self.bytes = b""
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.STDOUT, env=env)
        threading.Thread(target=self.collect, daemon=True).start()

    def collect(self):
        while True:
            part = os.read(self.process.stdout.fileno(), 65536)
            if not part:
                return
            self.bytes += part

    def wait(self, pattern, start=0):
        end = time.monotonic() + PATIENCE
        while not re.search(pattern, plain(self.bytes[start:]), re.M):
            if time.monotonic() > end or self.process.poll() is not None:
                self.process.kill()
                raise Failure("%r did not come:\n%s" % (pattern, plain(self.bytes)[-4000:]))
            time.sleep(0.05)


def test_serial():
    env = {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "WAYLAND_DISPLAY")}
    p = Pipe([os.path.join(TOP, "demo")], env)
    p.wait(r"^vitro:\S+#")
    for line, answer in COMMANDS + (("poweroff", r"Power down"),):
        start = len(p.bytes)
        p.process.stdin.write(line.encode() + b"\n")
        p.process.stdin.flush()
        p.wait(answer, start)
    equal(p.process.wait(PATIENCE), 0, "exit code after poweroff")


def test_help():
    for name in ("demo", "check"):
        text = subprocess.run([os.path.join(TOP, name), "--help"], check=True,
                              stdout=subprocess.PIPE).stdout
        check(text.startswith(b"usage: ./" + name.encode()), "%s --help" % name)


if __name__ == "__main__":
    vitro.main(globals())
